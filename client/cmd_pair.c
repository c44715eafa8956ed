/* pair: a row for each master of a pair, as it sees itself. is-active: whether one of them serves, as an exit code. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "client/cli_commands.h"
#include "client/cli_pair.h"
#include "client/cli_table.h"
#include "core/text.h"

#define EX_ALARM  1 /* one master is active, and there is an alarm */
#define EX_NOBODY 2 /* no master is active, or more than one */

#define ALARMS_SIZE 4096 /* of all alarms of a master in a line */

struct settings {
    struct ms_cli_pair_options options;
    bool is_json, no_headers;
};

static const struct ms_option pair_table[] = {
    MS_CLI_PAIR_OPTIONS(struct settings, options, "2s", "wait so long for their answers"),
    {.name = "json",
     .kind = MS_OPTION_BOOL,
     .group = "Output",
     .help = "print JSON",
     .offset = offsetof(struct settings, is_json)},
    {.name = "no-headers",
     .kind = MS_OPTION_BOOL,
     .help = "print no line of column names",
     .offset = offsetof(struct settings, no_headers)},
};

static const struct ms_option active_table[] = {
    MS_CLI_PAIR_OPTIONS(struct settings, options, "1s", "who has not answered by then is not"),
};

static const struct ms_cli pair_cli = {
    .program = "muster pair",
    .summary = "Asks both masters of a pair what they are, and prints a row for each.",
    .epilogue = "Exit codes: 0 exactly one is active and there is no alarm; 1 exactly one is "
                "active, and there\n"
                "is an alarm; 2 nobody is active, or more than one; 69 none of them answers.\n\n"
                "Examples:\n  muster pair --master alpha:7400,beta:7400\n"
                "  muster pair --json | jq -r '.[] | select(.role == \"active\") | .master'\n",
    .table = pair_table,
    .count = sizeof pair_table / sizeof pair_table[0],
};

static const struct ms_cli active_cli = {
    .program = "muster is-active",
    .summary = "Ends with 0 if the master is active, with 1 if it is not; prints nothing. For the "
               "checks of\n"
               "keepalived, load balancers and the like.",
    .epilogue =
        "A single master is active as long as it answers. One that is paused, because it has lost "
        "its\n"
        "peer and may not go on alone, is not.\n\n"
        "Examples:\n  muster is-active --master 127.0.0.1:7400 && echo active\n"
        "  # keepalived.conf: script \"/usr/bin/muster is-active --master 127.0.0.1:7400\"\n",
    .table = active_table,
    .count = sizeof active_table / sizeof active_table[0],
};

/* ---- rows ---- */

enum column {
    MASTER,
    CONFIGURED,
    ROLE,
    STATE,
    EPOCH,
    COPIES,
    PEER,
    LAG,
    WITNESSES,
    DIVERGENT,
    ALARM,
    COLUMNS
};

static const char *const names[COLUMNS] = {"master",    "configured", "role", "state",
                                           "epoch",     "copies",     "peer", "lag_bytes",
                                           "witnesses", "divergent",  "alarm"};

struct row {
    struct ms_client_cell cells[COLUMNS];
    char alarm[ALARMS_SIZE];
    char witnesses[MS_NAME_MAX];
};

/* The most urgent. */
static const char *alarm_of(const struct ms_cli_master *master, char *text_out, size_t size)
{
    if (master->is_single) {
        snprintf(text_out, size, "NO_PEER: %s", master->detail);
    } else if (master->row == NULL) {
        snprintf(text_out, size, "NO_ANSWER: %s", master->detail);
    } else {
        snprintf(text_out, size, "%s", ms_cli_master_text(master, "alarm"));
    }
    return text_out;
}

/* All of them, in one line. */
static const char *alarms_of(const struct ms_cli_master *master, char *text_out, size_t size)
{
    const json_t *alarms = json_object_get(master->row, "alarms");
    struct ms_text text;

    if (json_array_size(alarms) < 2) {
        return alarm_of(master, text_out, size);
    }
    ms_text_init(&text, text_out, size);
    for (size_t i = 0; i < json_array_size(alarms); i++) {
        ms_text_add(&text, "%s%s", i > 0 ? " | " : "",
                    json_string_value(json_array_get(alarms, i)));
    }
    return text_out;
}

static bool has_alarm(const struct ms_cli_master *master)
{
    return master->row == NULL || strcmp(ms_cli_master_text(master, "alarm"), "none") != 0;
}

static void fill(struct row *row, const struct ms_cli_master *master)
{
    for (size_t i = 0; i < COLUMNS; i++) {
        const json_t *value = json_object_get(master->row, names[i]);

        row->cells[i] = (struct ms_client_cell){.name = names[i], .text = "-"};
        if (json_is_integer(value)) {
            row->cells[i].is_number = true;
            row->cells[i].number = (uint64_t)json_integer_value(value);
        } else if (json_is_string(value)) {
            row->cells[i].text = json_string_value(value);
        }
    }
    row->cells[MASTER].text = master->address;
    row->cells[ALARM].text = alarms_of(master, row->alarm, sizeof row->alarm);
    if (master->is_single) {
        row->cells[ROLE].text = "single";
    }
    if (master->row != NULL) {
        snprintf(row->witnesses, sizeof row->witnesses, "%" PRIu64 "/%" PRIu64,
                 ms_cli_master_number(master, "witnesses_connected"),
                 ms_cli_master_number(master, "witnesses"));
        row->cells[WITNESSES] =
            (struct ms_client_cell){.name = names[WITNESSES], .text = row->witnesses};
    }
}

static void print_table(const struct ms_cli_pair *pair, bool no_headers)
{
    struct ms_client_cell cells[MS_ADDRESSES_MAX * COLUMNS];
    struct row rows[MS_ADDRESSES_MAX];

    for (size_t i = 0; i < pair->count; i++) {
        fill(&rows[i], &pair->masters[i]);
        memcpy(&cells[i * COLUMNS], rows[i].cells, sizeof rows[i].cells);
    }
    ms_cli_print_report(pair->cli,
                        &(struct ms_client_report){.size = sizeof(struct ms_client_report),
                                                   .columns = COLUMNS,
                                                   .rows = (uint32_t)pair->count,
                                                   .cells = cells,
                                                   .is_last = true},
                        &(struct ms_cli_table){.no_headers = no_headers});
}

/* All that a master reports. One that reports nothing has the same keys for who it is and what is wrong. */
static json_t *json_of(const struct ms_cli_master *master)
{
    char alarm[MS_DETAIL_MAX + MS_NAME_MAX];
    json_t *object = json_object();

    json_object_set_new(object, "master", json_string(master->address));
    json_object_set_new(object, "answers", json_boolean(master->error == MS_E_OK));
    if (master->row != NULL) {
        json_object_update(object, master->row);
    } else {
        json_object_set_new(object, "role", json_string(master->is_single ? "single" : "unknown"));
        json_object_set_new(object, "state", json_string("UNKNOWN"));
    }
    json_object_set_new(object, "alarm", json_string(alarm_of(master, alarm, sizeof alarm)));
    if (master->row == NULL) {
        json_object_set_new(object, "alarms", json_pack("[s]", alarm));
    }
    return object;
}

static void print_json(const struct ms_cli_pair *pair)
{
    for (size_t i = 0; i < pair->count; i++) {
        json_t *object = json_of(&pair->masters[i]);

        fputs(i == 0 ? "[\n" : ",\n", stdout);
        json_dumpf(object, stdout, JSON_COMPACT); /* errors are found when it is flushed */
        json_decref(object);
    }
    fputs("\n]\n", stdout);
}

static int judge(struct ms_cli_pair *pair)
{
    struct ms_cli_master *active;
    const size_t actives = ms_cli_pair_serving(pair, &active);
    size_t answers = 0, alarms = 0;

    for (size_t i = 0; i < pair->count; i++) {
        answers += pair->masters[i].error == MS_E_OK || pair->masters[i].is_single;
        alarms += has_alarm(&pair->masters[i]);
    }
    if (answers == 0) {
        return EX_UNAVAILABLE;
    }
    if (actives != 1) {
        return EX_NOBODY;
    }
    return alarms > 0 ? EX_ALARM : EX_OK;
}

static int run_pair(int argc, char **argv)
{
    struct settings settings;
    struct ms_options options;
    struct ms_cli_pair pair;
    const struct ms_cli_result result = ms_cli_parse(&pair_cli, argc, argv, &settings, &options);
    int code;

    if (result.is_done) {
        return result.exit_code;
    }
    code = ms_cli_pair_init(&pair, &pair_cli, settings.options.master);
    if (code == EX_OK) {
        ms_cli_pair_ask(&pair, settings.options.timeout);
        if (settings.is_json) {
            print_json(&pair);
        } else {
            print_table(&pair, settings.no_headers);
        }
        code = judge(&pair);
    }
    ms_cli_pair_finish(&pair);
    ms_options_finish(&options);
    return ms_cli_finish_output(&pair_cli, code);
}

/* Who is one of several would say of nobody that it is active. */
static int run_is_active(int argc, char **argv)
{
    struct settings settings;
    struct ms_options options;
    struct ms_cli_pair pair;
    const struct ms_cli_result result = ms_cli_parse(&active_cli, argc, argv, &settings, &options);
    int code;

    if (result.is_done) {
        return result.exit_code;
    }
    code = ms_cli_pair_init(&pair, &active_cli, settings.options.master);
    if (code == EX_OK && pair.count != 1) {
        code = ms_cli_usage_error(&active_cli, "say which master: --master with one HOST:PORT");
    } else if (code == EX_OK) {
        ms_cli_pair_ask(&pair, settings.options.timeout);
        code = ms_cli_master_serves(&pair.masters[0]) ? EX_OK : EX_ALARM;
    }
    ms_cli_pair_finish(&pair);
    ms_options_finish(&options);
    return code;
}

const struct ms_cli_command ms_cmd_pair = {"pair", "the two masters of a pair and how they are",
                                           &pair_cli, run_pair};
const struct ms_cli_command ms_cmd_is_active = {
    "is-active", "whether a master is active, as an exit code", &active_cli, run_is_active};
