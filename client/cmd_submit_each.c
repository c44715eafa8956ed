/* What is printed of a broadcast: how it came out on each slave, and the verdict. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "client/cli_outcome.h"
#include "client/cmd_submit.h"

/* Every line of the output behind the slave's name and the status, so that each can be told by itself. */
static void print_lines(const char *slave, const char *status, const struct ms_cli_bytes *output)
{
    const char *at = (const char *)output->data;
    size_t left = output->size;

    while (left > 0) {
        const char *end = memchr(at, '\n', left);
        const size_t length = end != NULL ? (size_t)(end - at) : left;

        printf("%s %s ", slave, status);
        fwrite(at, 1, length, stdout);
        putchar('\n');
        at += length + (end != NULL);
        left -= length + (end != NULL);
    }
}

void ms_submit_print_each(const struct ms_submit_settings *settings, const char *id,
                          const struct ms_client_result *result, const struct ms_cli_bytes *output)
{
    const char *slave = result->slave[0] != '\0' ? result->slave : "?";
    const char *status = ms_client_status_name(result->status);

    if (settings->common.is_json) {
        ms_cli_outcome_print_json(id, result, output, NULL);
        return;
    }
    print_lines(slave, status, output);
    if (output->size == 0 || result->status != MS_CLIENT_STATUS_OK) {
        printf("%s %s%s%s\n", slave, status, result->detail[0] != '\0' ? ": " : "", result->detail);
    }
    fflush(stdout); /* slaves may take their time, one by one */
}

int ms_submit_judge(const struct ms_submit_settings *settings, const struct ms_submit_tally *tally)
{
    const enum ms_must must = (enum ms_must)settings->must;
    const bool is_good = tally->slaves > 0 && ms_verdict(must, tally->slaves, tally->succeeded);

    if (settings->common.is_json) {
        json_t *object = json_pack("{s:s, s:s, s:I, s:I}", "verdict", is_good ? "ok" : "fail",
                                   "must", ms_must_name(must), "slaves", (json_int_t)tally->slaves,
                                   "succeeded", (json_int_t)tally->succeeded);

        json_dumpf(object, stdout, JSON_COMPACT);
        json_decref(object);
        putchar('\n');
    } else {
        ms_cli_say(&ms_submit_cli, "%s: %" PRIu32 " of %" PRIu32 " slaves succeeded, must: %s",
                   is_good ? "ok" : "fail", tally->succeeded, tally->slaves, ms_must_name(must));
    }
    return is_good ? EX_OK : MS_EX_FAILED;
}
