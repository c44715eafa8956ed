/* cancel, kick, release, reprioritise, concurrency: one operation on one command, or on those of a filter. */
#include <stdio.h>
#include <sysexits.h>

#include "client/cli_commands.h"
#include "client/cli_table.h"
#include "client/cli_time.h"
#include "core/filter.h"

struct settings {
    struct ms_cli_common common;
    const char *where;
    bool is_dry_run, no_headers;
    ms_time delay;
    const char *priority;
};

#define WHERE_ROWS                                                                                 \
    {.name = "where",                                                                              \
     .short_name = 'w',                                                                            \
     .kind = MS_OPTION_STRING,                                                                     \
     .min = 1,                                                                                     \
     .max = MS_WHERE_MAX,                                                                          \
     .argument = "FILTER",                                                                         \
     .group = "Which",                                                                             \
     .help = "all commands of which all of this holds, in place of an id",                         \
     .offset = offsetof(struct settings, where)},                                                  \
    {                                                                                              \
        .name = "dry-run", .short_name = 'n', .kind = MS_OPTION_BOOL,                              \
        .help = "only list what would be changed, and why the rest would not",                     \
        .offset = offsetof(struct settings, is_dry_run)                                            \
    }

#define EXIT_HELP                                                                                  \
    "Exit codes: 0, or 1 when the one command that ID names was refused; others are those of\n"    \
    "sysexits.h.\n\n"

#define HEADERS_ROW                                                                                \
    {                                                                                              \
        .name = "no-headers", .kind = MS_OPTION_BOOL, .help = "print no line of column names",     \
        .offset = offsetof(struct settings, no_headers)                                            \
    }

static const struct ms_option plain_table[] = {
    WHERE_ROWS,
    MS_CLI_COMMON_OPTIONS(struct settings, common),
    HEADERS_ROW,
};

static const struct ms_option release_table[] = {
    WHERE_ROWS,
    {.name = "delay",
     .kind = MS_OPTION_DURATION,
     .default_text = "0",
     .group = "How",
     .help = "start it so long from now; 0 = as soon as a slave is free",
     .offset = offsetof(struct settings, delay)},
    MS_CLI_COMMON_OPTIONS(struct settings, common),
    HEADERS_ROW,
};

static const struct ms_option priority_table[] = {
    WHERE_ROWS,
    {.name = "priority",
     .short_name = 'p',
     .kind = MS_OPTION_STRING,
     .argument = "NUMBER",
     .group = "How",
     .help = "-10 to 10; higher ones are started first, 0 is usual",
     .offset = offsetof(struct settings, priority)},
    MS_CLI_COMMON_OPTIONS(struct settings, common),
    HEADERS_ROW,
};

static const struct ms_option concurrency_table[] = {
    MS_CLI_COMMON_OPTIONS(struct settings, common),
    HEADERS_ROW,
};

#define COUNT(table) (sizeof(table) / sizeof(table)[0])

static const struct ms_cli cancel_cli = {
    .program = "muster cancel",
    .arguments = "[ID]",
    .summary = "Ends commands that wait, and stops those that run. Says how many.",
    .epilogue = EXIT_HELP "Examples:\n  muster cancel --where 'group=nightly state=ready,delayed' "
                          "--dry-run\n\n" MS_CLI_WHERE_HELP,
    .table = plain_table,
    .count = COUNT(plain_table),
    .arguments_max = 1,
};

static const struct ms_cli kick_cli = {
    .program = "muster kick",
    .arguments = "[ID | TYPE]",
    .summary = "Gives buried commands new attempts. Says how many.",
    .epilogue =
        "TYPE stands for --where 'state=buried type=TYPE': of a slave that is connected, or "
        "of a command\n"
        "that the master has. Any other word is an ID: CLIENT:SEQ, as submit printed it, or "
        "the name given to\n"
        "submit --id.\n\n" EXIT_HELP "Examples:\n  muster kick thumb\n"
        "  muster kick --where 'status=timeout age<1d' --dry-run\n\n" MS_CLI_WHERE_HELP,
    .table = plain_table,
    .count = COUNT(plain_table),
    .arguments_max = 1,
};

static const struct ms_cli release_cli = {
    .program = "muster release",
    .arguments = "[ID]",
    .summary =
        "Lets delayed commands start now, or puts them off until another time. Says how many.",
    .epilogue = EXIT_HELP
    "Examples:\n  muster release --where 'type=thumb' --delay 10m\n\n" MS_CLI_WHERE_HELP,
    .table = release_table,
    .count = COUNT(release_table),
    .arguments_max = 1,
};

static const struct ms_cli priority_cli = {
    .program = "muster reprioritise",
    .arguments = "[ID]",
    .summary = "Changes the priority of commands that wait. Says how many.",
    .epilogue = EXIT_HELP "Examples:\n  muster reprioritise --where 'group=nightly' "
                          "--priority=-5\n\n" MS_CLI_WHERE_HELP,
    .table = priority_table,
    .count = COUNT(priority_table),
    .arguments_max = 1,
};

static const struct ms_cli concurrency_cli = {
    .program = "muster concurrency",
    .arguments = "ID NUMBER",
    .summary = "Changes how many members of an array run at a time; 0 = all.",
    .epilogue = EXIT_HELP "Examples:\n  muster concurrency nightly:1 20\n",
    .table = concurrency_table,
    .count = COUNT(concurrency_table),
    .arguments_min = 2,
    .arguments_max = 2,
};

struct operating {
    struct ms_client_query query;
    char client_id[MS_CLI_ID_SIZE];
    char where[MS_WHERE_MAX + 1];
};

/* ---- kick: what a word stands for ---- */

struct looking {
    struct ms_cli_question question; /* first */
    const char *type;
    bool has_found;
};

/* Among types that are separated by commas. */
static bool is_listed(const char *types, const char *type)
{
    const size_t size = strlen(type);

    for (const char *at = types; at != NULL && *at != '\0';) {
        const size_t span = strcspn(at, ",");

        if (span == size && memcmp(at, type, size) == 0) {
            return true;
        }
        at += span + (at[span] == ',');
    }
    return false;
}

static void look(struct ms_cli_question *question, const struct ms_client_report *report)
{
    struct looking *looking = (struct looking *)question;

    if (looking->question.query.what == MS_CLIENT_ASK_COMMANDS) {
        looking->has_found = looking->has_found || report->rows > 0;
        return;
    }
    for (uint32_t i = 0; i < report->rows * report->columns; i++) {
        const struct ms_client_cell *cell = &report->cells[i];

        if (strcmp(cell->name, "types") == 0 && is_listed(cell->text, looking->type)) {
            looking->has_found = true;
        }
    }
}

/* What may be the name of a type, and is no id. */
static bool is_word(const char *argument)
{
    char client[MS_CLI_CLIENT_SIZE];
    uint64_t seq;

    return argument != NULL && ms_text_is_name(argument, strlen(argument)) &&
           !ms_cli_parse_id(argument, client, &seq);
}

/* Whether it is the type of a command that the master has, or of a slave that is connected; the exit code of what
 * went wrong, which was explained. */
static int find_type(const struct settings *settings, const char *word, bool *has_found_out)
{
    char where[MS_WHERE_MAX + 1];
    struct looking looking = {
        .question = {.query = {.what = MS_CLIENT_ASK_COMMANDS, .limit = 1, .where = where},
                     .on_report = look},
        .type = word};
    int code;

    snprintf(where, sizeof where, "type=%s", word);
    code = ms_cli_put_question(&kick_cli, &settings->common, &looking.question);
    if (code == EX_OK && !looking.has_found) {
        looking.question =
            (struct ms_cli_question){.query = {.what = MS_CLIENT_ASK_SLAVES}, .on_report = look};
        code = ms_cli_put_question(&kick_cli, &settings->common, &looking.question);
    }
    *has_found_out = looking.has_found;
    return code;
}

/* ---- which commands ---- */

static bool use_type(struct operating *operating, const char *type)
{
    struct ms_text where;

    ms_text_init(&where, operating->where, sizeof operating->where);
    ms_text_add(&where, "state=buried type=%s", type);
    operating->query.where = operating->where;
    return true;
}

/* An id, a filter, or for kick a type. */
static bool choose(const struct settings *settings, const char *argument, bool is_type,
                   struct operating *operating, struct ms_complaint *complaint)
{
    struct ms_client_query *query = &operating->query;
    struct ms_filter filter;

    if ((argument == NULL) == (settings->where == NULL)) {
        return ms_complain(complaint, "say which commands: either %s or --where FILTER",
                           query->operation == MS_CLIENT_OPERATE_KICK ? "ID, TYPE" : "ID");
    }
    if (settings->where != NULL) {
        query->where = settings->where;
        return ms_filter_parse(settings->where, &filter, complaint);
    }
    if (is_type) {
        return use_type(operating, argument);
    }
    if (!ms_cli_find_id(argument, operating->client_id, &query->seq)) {
        return ms_complain(complaint, MS_CLI_ID_HELP);
    }
    query->client_id = operating->client_id;
    return true;
}

static bool read_value(const struct settings *settings, const char *number, int operation,
                       int64_t *value_out, struct ms_complaint *complaint)
{
    uint64_t concurrency = 0;
    int priority = 0;

    switch (operation) {
    case MS_CLIENT_OPERATE_RELEASE:
        *value_out = settings->delay;
        return true;
    case MS_CLIENT_OPERATE_PRIORITY:
        if (settings->priority == NULL) {
            return ms_complain(complaint, "--priority is missing");
        }
        if (!ms_cli_parse_priority(settings->priority, &priority, complaint)) {
            return false;
        }
        *value_out = priority;
        return true;
    case MS_CLIENT_OPERATE_CONCURRENCY:
        if (!ms_text_to_u64(number, strlen(number), &concurrency) || concurrency > MS_ARRAY_MAX) {
            return ms_complain(complaint, "NUMBER is 0 to %u, and 0 means all", MS_ARRAY_MAX);
        }
        *value_out = (int64_t)concurrency;
        return true;
    default:
        return true;
    }
}

static int operate(const struct ms_cli *cli, int operation, int argc, char **argv)
{
    struct settings settings = {.common = {.master = NULL}};
    struct operating operating = {.query = {.size = sizeof(struct ms_client_query),
                                            .what = MS_CLIENT_ASK_OPERATE,
                                            .operation = operation}};
    struct ms_client_query *query = &operating.query;
    struct ms_options options;
    struct ms_complaint complaint;
    const struct ms_cli_result result = ms_cli_parse(cli, argc, argv, &settings, &options);

    if (result.is_done) {
        return result.exit_code;
    }
    const char *argument = result.argument_at < argc ? argv[result.argument_at] : NULL;
    const char *number = result.argument_at + 1 < argc ? argv[result.argument_at + 1] : "";
    const struct ms_cli_table how = {.is_json = settings.common.is_json,
                                     .no_headers = settings.no_headers,
                                     .fault = settings.where == NULL ? "refused" : NULL,
                                     .called = argument};
    bool is_type = false;
    int code = EX_OK;

    query->is_dry_run = settings.is_dry_run;
    if (operation == MS_CLIENT_OPERATE_KICK && settings.where == NULL && is_word(argument)) {
        code = find_type(&settings, argument, &is_type);
    }
    if (code == EX_OK && choose(&settings, argument, is_type, &operating, &complaint) &&
        read_value(&settings, number, operation, &query->value, &complaint)) {
        code = ms_cli_ask(cli, &settings.common, query, &how);
    } else if (code == EX_OK) {
        code = ms_cli_usage_error(cli, complaint.text);
    }
    ms_options_finish(&options);
    return ms_cli_finish_output(cli, code);
}

static int run_cancel(int argc, char **argv)
{
    return operate(&cancel_cli, MS_CLIENT_OPERATE_CANCEL, argc, argv);
}

static int run_kick(int argc, char **argv)
{
    return operate(&kick_cli, MS_CLIENT_OPERATE_KICK, argc, argv);
}

static int run_release(int argc, char **argv)
{
    return operate(&release_cli, MS_CLIENT_OPERATE_RELEASE, argc, argv);
}

static int run_priority(int argc, char **argv)
{
    return operate(&priority_cli, MS_CLIENT_OPERATE_PRIORITY, argc, argv);
}

static int run_concurrency(int argc, char **argv)
{
    return operate(&concurrency_cli, MS_CLIENT_OPERATE_CONCURRENCY, argc, argv);
}

const struct ms_cli_command ms_cmd_cancel = {"cancel", "end one command, or many", &cancel_cli,
                                             run_cancel};
const struct ms_cli_command ms_cmd_kick = {"kick", "give buried commands new attempts", &kick_cli,
                                           run_kick};
const struct ms_cli_command ms_cmd_release = {"release", "start delayed commands now, or later",
                                              &release_cli, run_release};
const struct ms_cli_command ms_cmd_reprioritise = {
    "reprioritise", "change the priority of commands that wait", &priority_cli, run_priority};
const struct ms_cli_command ms_cmd_concurrency = {
    "concurrency", "change how many of an array run at a time", &concurrency_cli, run_concurrency};
