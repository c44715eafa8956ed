/* group and wait: how far a group of commands is, and until it is done. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "client/cli_commands.h"
#include "client/cli_outcome.h"
#include "client/cli_table.h"

struct settings {
    struct ms_cli_common common;
    const char *group;
    bool is_any, is_each;
};

static const struct ms_option group_table[] = {
    MS_CLI_COMMON_OPTIONS(struct settings, common),
};

static const struct ms_option wait_table[] = {
    {.name = "group",
     .short_name = 'g',
     .kind = MS_OPTION_STRING,
     .argument = "GROUP",
     .group = "What",
     .help = "the commands that were submitted with --group GROUP",
     .offset = offsetof(struct settings, group)},
    {.name = "any",
     .kind = MS_OPTION_BOOL,
     .help = "until one of them has ended; otherwise until none is open",
     .offset = offsetof(struct settings, is_any)},
    {.name = "each",
     .kind = MS_OPTION_BOOL,
     .help = "print each that ends from now on, its id and how, before the counts",
     .offset = offsetof(struct settings, is_each)},
    MS_CLI_COMMON_OPTIONS(struct settings, common),
};

static const struct ms_cli group_cli = {
    .program = "muster group",
    .arguments = "GROUP",
    .summary = "Prints how many commands of a group are open, done, buried and cancelled.",
    .table = group_table,
    .count = sizeof group_table / sizeof group_table[0],
    .arguments_min = 1,
    .arguments_max = 1,
};

static const struct ms_cli wait_cli = {
    .program = "muster wait",
    .summary = "Waits for a group of commands, and prints how they came out.",
    .epilogue =
        "Exit codes: 0 all that ended are done, 1 some are buried, 2 some are cancelled.\n\n"
        "Examples:\n  muster wait --group nightly\n  muster wait --group nightly --any\n"
        "  muster wait --group nightly --each\n",
    .table = wait_table,
    .count = sizeof wait_table / sizeof wait_table[0],
};

static const char group_name_rule[] =
    "say which group: it is named by up to 63 letters, digits, '.', '_', '-'";

static int run_group(int argc, char **argv)
{
    struct settings settings = {.group = NULL};
    struct ms_options options;
    const struct ms_cli_result result = ms_cli_parse(&group_cli, argc, argv, &settings, &options);

    if (result.is_done) {
        return result.exit_code;
    }
    const char *name = argv[result.argument_at];
    const struct ms_client_query query = {
        .size = sizeof query,
        .what = MS_CLIENT_ASK_GROUP,
        .where = name,
    };
    const struct ms_cli_table how = {.is_json = settings.common.is_json, .is_record = true};
    const int code = ms_text_is_name(name, strlen(name))
                         ? ms_cli_ask(&group_cli, &settings.common, &query, &how)
                         : ms_cli_usage_error(&group_cli, group_name_rule);

    ms_options_finish(&options);
    return ms_cli_finish_output(&group_cli, code);
}

/* ---- wait ---- */

struct waiting {
    struct ms_cli_question question; /* first, so that the callback finds the rest */
    const struct settings *settings;
    int code;
};

static uint64_t number_of(const struct ms_client_report *report, const char *column)
{
    const struct ms_client_cell *cells = &report->cells[(report->rows - 1) * report->columns];

    for (uint32_t i = 0; i < report->columns; i++) {
        if (strcmp(cells[i].name, column) == 0 && cells[i].is_number) {
            return cells[i].number;
        }
    }
    return 0;
}

static void print_group(const struct waiting *waiting, const struct ms_client_report *report)
{
    if (waiting->settings->common.is_json) {
        json_t *object = ms_cli_row_to_json(report, report->rows - 1);

        json_dumpf(object, stdout, JSON_COMPACT); /* errors are found when it is flushed */
        json_decref(object);
        putchar('\n');
    } else {
        printf("%" PRIu64 " done, %" PRIu64 " buried, %" PRIu64 " cancelled, %" PRIu64 " open\n",
               number_of(report, "done"), number_of(report, "buried"),
               number_of(report, "cancelled"), number_of(report, "open"));
    }
}

static const char *text_of(const struct ms_client_report *report, uint32_t row, const char *column)
{
    const struct ms_client_cell *cells = &report->cells[row * report->columns];

    for (uint32_t i = 0; i < report->columns; i++) {
        if (strcmp(cells[i].name, column) == 0 && !cells[i].is_number) {
            return cells[i].text;
        }
    }
    return "";
}

/* Those that ended since the report before, as they did. */
static void print_each(const struct ms_client_report *report, bool is_json)
{
    const uint64_t missed = number_of(report, "missed");

    if (missed > 0) {
        ms_cli_say(&wait_cli, "%" PRIu64 " more have ended, too fast to be told one by one",
                   missed);
    }
    for (uint32_t row = 0; row < report->rows; row++) {
        const char *id = text_of(report, row, "ended");
        const char *status = text_of(report, row, "ended_status");

        if (id[0] == '\0') {
            continue;
        }
        if (is_json) {
            printf("{\"id\":\"%s\",\"status\":\"%s\"}\n", id, status);
        } else {
            printf("%s %s\n", id, status);
        }
    }
    fflush(stdout);
}

static void wait_report(struct ms_cli_question *question, const struct ms_client_report *report)
{
    struct waiting *waiting = (struct waiting *)(void *)question;

    if (report->rows == 0) {
        return;
    }
    if (waiting->settings->is_each) {
        print_each(report, waiting->settings->common.is_json);
    }
    const uint64_t buried = number_of(report, "buried");
    const uint64_t cancelled = number_of(report, "cancelled");
    const bool has_ended = number_of(report, "done") + buried + cancelled > 0;
    const bool is_all =
        number_of(report, "open") == 0 && (!waiting->settings->is_each || report->is_last);
    const bool is_over = is_all || (waiting->settings->is_any && has_ended);

    if (is_over || question->is_done) {
        print_group(waiting, report);
        waiting->code = buried > 0 ? MS_EX_FAILED : cancelled > 0 ? MS_EX_CANCELLED : EX_OK;
        question->is_done = true;
    }
}

static int run_wait(int argc, char **argv)
{
    struct settings settings = {.group = NULL};
    struct ms_options options;
    const struct ms_cli_result result = ms_cli_parse(&wait_cli, argc, argv, &settings, &options);

    if (result.is_done) {
        return result.exit_code;
    }
    struct waiting waiting = {
        .question = {.query = {.what = MS_CLIENT_ASK_GROUP,
                               .where = settings.group,
                               .is_following = true},
                     .on_report = wait_report},
        .settings = &settings,
    };
    int code = settings.group != NULL && ms_text_is_name(settings.group, strlen(settings.group))
                   ? ms_cli_put_question(&wait_cli, &settings.common, &waiting.question)
                   : ms_cli_usage_error(&wait_cli, group_name_rule);

    code = code != EX_OK ? code : waiting.code;
    ms_options_finish(&options);
    return ms_cli_finish_output(&wait_cli, code);
}

const struct ms_cli_command ms_cmd_group = {"group", "how far a group of commands is", &group_cli,
                                            run_group};
const struct ms_cli_command ms_cmd_wait = {"wait", "wait for a group of commands", &wait_cli,
                                           run_wait};
