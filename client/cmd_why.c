#include <stdio.h>
#include <string.h>

#include "client/cli_commands.h"
#include "client/cli_table.h"

struct settings {
    struct ms_cli_common common;
};

static const struct ms_option table[] = {
    MS_CLI_COMMON_OPTIONS(struct settings, common),
};

static const struct ms_cli cli = {
    .program = "muster why",
    .arguments = "CLIENT:SEQ",
    .summary = "Says in one sentence why a command is where it is.",
    .epilogue = "The id is what muster submit printed; muster show tells the rest.\n",
    .table = table,
    .count = sizeof table / sizeof table[0],
    .arguments_min = 1,
    .arguments_max = 1,
};

struct asking {
    struct ms_cli_question question; /* first, so that the callback finds the rest */
    bool is_json;
};

static void print_reason(struct ms_cli_question *question, const struct ms_client_report *report)
{
    const struct asking *asking = (const struct asking *)(const void *)question;

    if (report->rows == 0) {
        return;
    }
    if (asking->is_json) {
        json_t *object = ms_cli_row_to_json(report, 0);

        json_dumpf(object, stdout, JSON_COMPACT); /* errors are found when it is flushed */
        json_decref(object);
        putchar('\n');
        return;
    }
    for (uint32_t i = 0; i < report->columns; i++) {
        if (strcmp(report->cells[i].name, "reason") == 0 && report->cells[i].text != NULL) {
            ms_cli_print_clean(report->cells[i].text);
            putchar('\n');
        }
    }
}

static int ask(void *context, const struct ms_cli_id *id)
{
    const struct settings *settings = context;
    struct asking asking = {
        .question = {.query = {.what = MS_CLIENT_ASK_WHY, .client_id = id->client, .seq = id->seq},
                     .on_report = print_reason,
                     .called = id->text},
        .is_json = settings->common.is_json};

    return ms_cli_put_question(&cli, &settings->common, &asking.question);
}

static int run(int argc, char **argv)
{
    struct settings settings;

    return ms_cli_run_on_id(&cli, argc, argv, &settings, ask);
}

const struct ms_cli_command ms_cmd_why = {
    .name = "why",
    .summary = "why a command waits, in one sentence",
    .cli = &cli,
    .run = run,
};
