#include "client/cli_outcome.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "core/command.h"

int ms_cli_outcome_exit_code(int status)
{
    switch (status) {
    case MS_CLIENT_STATUS_OK:
        return EX_OK;
    case MS_CLIENT_STATUS_CANCELLED:
        return MS_EX_CANCELLED;
    case MS_CLIENT_STATUS_TIMEOUT:
        return MS_EX_TIMED_OUT;
    default:
        return MS_EX_FAILED;
    }
}

static bool find_status(const char *name, int *status_out)
{
    for (int status = 0; status < MS_STATUS_COUNT; status++) {
        if (strcmp(name, ms_status_name((enum ms_status)status)) == 0) {
            *status_out = status;
            return true;
        }
    }
    return false;
}

/* Only an exit status may be negative, and is text then. */
static int64_t number_of(const struct ms_client_cell *cell)
{
    uint64_t number = 0;

    if (cell->is_number) {
        return (int64_t)cell->number;
    }
    const bool is_negative = cell->text != NULL && cell->text[0] == '-';
    const char *digits = cell->text == NULL ? "" : cell->text + is_negative;

    if (!ms_text_to_u64(digits, strlen(digits), &number) || number > INT64_MAX) {
        return 0;
    }
    return is_negative ? -(int64_t)number : (int64_t)number;
}

static bool read_cell(const struct ms_client_cell *cell, struct ms_client_result *result)
{
    const uint64_t number = (uint64_t)number_of(cell);

    if (strcmp(cell->name, "attempt") == 0) {
        result->attempt = (uint32_t)number;
    } else if (strcmp(cell->name, "code") == 0) {
        result->code = (int32_t)number_of(cell);
    } else if (strcmp(cell->name, "signal") == 0) {
        result->signal = (uint32_t)number;
    } else if (strcmp(cell->name, "detail") == 0) {
        result->detail = cell->text != NULL ? cell->text : "";
    } else if (strcmp(cell->name, "wall_us") == 0) {
        result->wall_us = number;
        result->has_usage = result->has_usage || number > 0;
    } else if (strcmp(cell->name, "user_us") == 0) {
        result->user_us = number;
    } else if (strcmp(cell->name, "system_us") == 0) {
        result->system_us = number;
    } else if (strcmp(cell->name, "rss_kib") == 0) {
        result->rss_kib = number;
    }
    return strcmp(cell->name, "status") == 0 && cell->text != NULL &&
           find_status(cell->text, &result->status);
}

bool ms_cli_outcome_of_report(const struct ms_client_report *report,
                              struct ms_client_result *result_out)
{
    struct ms_client_result result = {.size = sizeof result, .detail = "", .slave = ""};
    bool has_status = false;

    for (uint32_t i = 0; report->rows > 0 && i < report->columns; i++) {
        has_status = read_cell(&report->cells[i], &result) || has_status;
    }
    if (has_status) {
        *result_out = result;
    }
    return has_status;
}

void ms_cli_outcome_print_json(const char *id, const struct ms_client_result *result,
                               const struct ms_cli_bytes *output, const char *out_path)
{
    json_t *object = json_pack("{s:s, s:s, s:I, s:i, s:I, s:s}", "id", id, "status",
                               ms_client_status_name(result->status), "attempt",
                               (json_int_t)result->attempt, "code", (int)result->code, "signal",
                               (json_int_t)result->signal, "detail", result->detail);

    if (result->slave[0] != '\0') {
        json_object_set_new(object, "slave", json_string(result->slave));
    }
    if (result->has_usage) {
        json_object_set_new(
            object, "usage",
            json_pack("{s:I, s:I, s:I, s:I}", "wall_us", (json_int_t)result->wall_us, "user_us",
                      (json_int_t)result->user_us, "system_us", (json_int_t)result->system_us,
                      "rss_kib", (json_int_t)result->rss_kib));
    }
    if (out_path != NULL) {
        json_object_set_new(object, "out", json_string(out_path));
    } else {
        ms_cli_bytes_to_json(output, object, "payload");
    }
    json_dumpf(object, stdout, JSON_COMPACT);
    json_decref(object);
    putchar('\n');
}

bool ms_cli_outcome_write(const struct ms_cli *cli, const struct ms_cli_bytes *output, int fd,
                          const char *path)
{
    if (fd < 0) {
        if (output->size > 0) {
            fwrite(output->data, 1, output->size, stdout); /* errors are found when it is flushed */
        }
        return true;
    }
    if ((ftruncate(fd, 0) != 0 && errno != EINVAL) || !ms_cli_bytes_write(output, fd)) {
        ms_cli_say(cli, "%s: %s", path, strerror(errno));
        return false;
    }
    return true;
}

void ms_cli_outcome_say(const struct ms_cli *cli, const struct ms_client_result *result)
{
    if (result->status != MS_CLIENT_STATUS_OK) {
        ms_cli_say(cli, "%s%s%s", ms_client_status_name(result->status),
                   result->detail[0] != '\0' ? ": " : "", result->detail);
    }
}
