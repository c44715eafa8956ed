/* slave: what people want of slaves: cordon, uncordon, drain, slots, log-level. */
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "client/cli_commands.h"
#include "client/cli_table.h"
#include "core/filter.h"
#include "core/trace.h"

#define DRAIN_POLL (500 * MS_MSEC) /* between two looks at slaves that are waited for */

struct settings {
    struct ms_cli_common common;
    const char *group, *label, *where;
    bool is_waiting, is_dry_run, no_headers;
};

static const struct ms_option table[] = {
    {.name = "group",
     .short_name = 'g',
     .kind = MS_OPTION_STRING,
     .max = MS_NAME_MAX,
     .argument = "GROUP",
     .group = "Which",
     .help = "the slaves of that group",
     .offset = offsetof(struct settings, group)},
    {.name = "label",
     .short_name = 'l',
     .kind = MS_OPTION_STRING,
     .max = MS_NAME_MAX,
     .argument = "LABEL",
     .help = "the slaves with that label",
     .offset = offsetof(struct settings, label)},
    {.name = "where",
     .short_name = 'w',
     .kind = MS_OPTION_STRING,
     .max = MS_WHERE_MAX,
     .argument = "FILTER",
     .help = "the slaves of which all of this holds",
     .offset = offsetof(struct settings, where)},
    {.name = "wait",
     .kind = MS_OPTION_BOOL,
     .group = "How",
     .help = "drain: until none of them has a command in hand",
     .offset = offsetof(struct settings, is_waiting)},
    {.name = "dry-run",
     .short_name = 'n',
     .kind = MS_OPTION_BOOL,
     .help = "only list whom it would be told, and why the rest would refuse",
     .offset = offsetof(struct settings, is_dry_run)},
    MS_CLI_COMMON_OPTIONS(struct settings, common),
    {.name = "no-headers",
     .kind = MS_OPTION_BOOL,
     .help = "print no line of column names",
     .offset = offsetof(struct settings, no_headers)},
};

static const struct ms_cli cli = {
    .program = "muster slave",
    .arguments = "ORDER [NAME] [VALUE]",
    .summary = "Changes how slaves work while they run, and lists those that it was told.",
    .epilogue =
        "ORDER is one of\n"
        "  cordon     give it nothing new; what it has goes on\n"
        "  uncordon   give it work again\n"
        "  drain      cordon it, and with --wait say when it has nothing in hand any more\n"
        "  slots      run VALUE commands at a time from now on\n"
        "  log-level  write VALUE to its log: error, warn, info or debug\n"
        "NAME is the name of a slave, or a pattern (render-*), or several with commas between. A "
        "cordon\n"
        "outlives the connection and, with --data, the master; it ends with the slave's "
        "program.\n\n"
        "Exit codes: 0, or 1 when a slave refused; others are those of sysexits.h.\n\n"
        "Examples:\n  muster slave drain render-7 --wait\n"
        "  muster slave slots --group render 4\n"
        "  muster slave log-level 'render-*' debug\n\n" MS_CLI_WHERE_SLAVES_HELP,
    .table = table,
    .count = sizeof table / sizeof table[0],
    .arguments_min = 1,
    .arguments_max = 3,
};

struct ordering {
    struct settings settings;
    struct ms_client_query query;
    char where[MS_WHERE_MAX + 1];
    bool is_drain;
};

static const struct order {
    const char *name;
    int order;
    bool has_value;
} orders[] = {
    {"cordon", MS_CLIENT_ORDER_CORDON, false},      {"uncordon", MS_CLIENT_ORDER_UNCORDON, false},
    {"drain", MS_CLIENT_ORDER_CORDON, false},       {"slots", MS_CLIENT_ORDER_SLOTS, true},
    {"log-level", MS_CLIENT_ORDER_LOG_LEVEL, true},
};

#define ORDERS_COUNT (sizeof orders / sizeof orders[0])

static const struct order *find_order(const char *name)
{
    for (size_t i = 0; i < ORDERS_COUNT; i++) {
        if (strcmp(orders[i].name, name) == 0) {
            return &orders[i];
        }
    }
    return NULL;
}

static bool read_level(const char *text, int64_t *value_out, struct ms_complaint *complaint)
{
    static const char *const levels[] = {
        [MS_LEVEL_ERROR] = "error",
        [MS_LEVEL_WARN] = "warn",
        [MS_LEVEL_INFO] = "info",
        [MS_LEVEL_DEBUG] = "debug",
    };

    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        if (strcmp(levels[i], text) == 0) {
            *value_out = (int64_t)i;
            return true;
        }
    }
    return ms_complain(complaint, "\"%s\" is no level; there are error, warn, info, debug", text);
}

static bool read_value(const struct order *order, const char *text, int64_t *value_out,
                       struct ms_complaint *complaint)
{
    uint64_t slots;

    if (order->order == MS_CLIENT_ORDER_LOG_LEVEL) {
        return read_level(text, value_out, complaint);
    }
    if (!ms_text_to_u64(text, strlen(text), &slots) || slots == 0 || slots > MS_SLOTS_MAX) {
        return ms_complain(complaint, "\"%s\": slots are 1 to %d", text, MS_SLOTS_MAX);
    }
    *value_out = (int64_t)slots;
    return true;
}

static void add_term(struct ms_text *where, const char *field, const char *value)
{
    if (value != NULL && value[0] != '\0') {
        ms_text_add(where, "%s%s%s", where->length > 0 ? " " : "", field, value);
    }
}

/* The filter that all words about slaves make together. */
static bool choose(struct ordering *ordering, const char *name, struct ms_complaint *complaint)
{
    const struct settings *settings = &ordering->settings;
    struct ms_filter filter;
    struct ms_text where;

    ms_text_init(&where, ordering->where, sizeof ordering->where);
    add_term(&where, "name=", name);
    add_term(&where, "group=", settings->group);
    add_term(&where, "label=", settings->label);
    add_term(&where, "", settings->where);
    if (where.length == 0) {
        return ms_complain(complaint, "say which slaves: NAME, --group, --label or --where");
    }
    if (ms_text_is_cut(&where)) {
        return ms_complain(complaint, "a filter has %d bytes at most", MS_WHERE_MAX);
    }
    ordering->query.where = ordering->where;
    return ms_filter_parse_slaves(ordering->where, &filter, complaint);
}

/* ORDER [NAME] [VALUE]: the value is always the last of them. */
static bool read_arguments(struct ordering *ordering, char **arguments, int count,
                           struct ms_complaint *complaint)
{
    const struct order *order = find_order(arguments[0]);
    const char *name = NULL;

    if (order == NULL) {
        return ms_complain(complaint,
                           "\"%s\" is no order; there are cordon, uncordon, drain, slots, "
                           "log-level",
                           arguments[0]);
    }
    const int values = order->has_value ? 1 : 0;

    if (count - 1 < values) {
        return ms_complain(complaint, "%s needs a value: %s", order->name,
                           order->order == MS_CLIENT_ORDER_SLOTS ? "slots at a time"
                                                                 : "error, warn, info or debug");
    }
    if (count - 1 - values > 1) {
        return ms_complain(complaint, "%s takes one NAME, which may be a pattern", order->name);
    }
    if (count - 1 - values == 1) {
        name = arguments[1];
    }
    ordering->query.order = order->order;
    ordering->is_drain = strcmp(order->name, "drain") == 0;
    return (values == 0 ||
            read_value(order, arguments[count - 1], &ordering->query.value, complaint)) &&
           choose(ordering, name, complaint);
}

/* ---- drain ---- */

struct looking {
    struct ms_cli_question question; /* first */
    uint64_t held;
};

static void look(struct ms_cli_question *question, const struct ms_client_report *report)
{
    struct looking *looking = (struct looking *)(void *)question;

    for (uint32_t row = 0; row < report->rows; row++) {
        looking->held += ms_cli_number_of(report, row, "held");
    }
}

/* Until those slaves, as far as they are there still, have nothing in hand. */
static int wait_until_empty(const struct ordering *ordering)
{
    const struct timespec pause = {.tv_nsec = DRAIN_POLL * 1000};

    for (;;) {
        struct looking looking = {
            .question = {.query = {.what = MS_CLIENT_ASK_SLAVES, .where = ordering->where},
                         .on_report = look}};
        const int code = ms_cli_put_question(&cli, &ordering->settings.common, &looking.question);

        if (code != EX_OK || looking.held == 0) {
            return code;
        }
        nanosleep(&pause, NULL);
    }
}

static int give(struct ordering *ordering)
{
    const struct settings *settings = &ordering->settings;
    const struct ms_cli_table how = {.is_json = settings->common.is_json,
                                     .no_headers = settings->no_headers,
                                     .fault = "refused"};
    int code = ms_cli_ask(&cli, &settings->common, &ordering->query, &how);

    if (code == EX_OK && ordering->is_drain && settings->is_waiting && !settings->is_dry_run) {
        fflush(stdout);
        code = wait_until_empty(ordering);
        if (code == EX_OK) {
            ms_cli_say(&cli, "drained: none of them has a command in hand");
        }
    }
    return code;
}

static int run(int argc, char **argv)
{
    struct ordering ordering = {
        .query = {.size = sizeof(struct ms_client_query), .what = MS_CLIENT_ASK_COMMAND_SLAVES}};
    struct ms_options options;
    struct ms_complaint complaint;
    const struct ms_cli_result result =
        ms_cli_parse(&cli, argc, argv, &ordering.settings, &options);
    int code;

    if (result.is_done) {
        return result.exit_code;
    }
    ordering.query.is_dry_run = ordering.settings.is_dry_run;
    if (read_arguments(&ordering, argv + result.argument_at, argc - result.argument_at,
                       &complaint)) {
        code = give(&ordering);
    } else {
        code = ms_cli_usage_error(&cli, complaint.text);
    }
    ms_options_finish(&options);
    return ms_cli_finish_output(&cli, code);
}

const struct ms_cli_command ms_cmd_slave = {
    .name = "slave",
    .summary = "cordon, drain or change slaves while they run",
    .cli = &cli,
    .run = run,
};
