#include "client/cli_commands.h"
#include "client/cli_table.h"
#include "core/filter.h"

struct settings {
    struct ms_cli_common common;
    const char *where;
    bool no_headers, is_wide;
    uint64_t limit;
};

static const struct ms_option table[] = {
    {.name = "where",
     .short_name = 'w',
     .kind = MS_OPTION_STRING,
     .max = MS_WHERE_MAX,
     .argument = "FILTER",
     .group = "Which",
     .help = "only slaves of which all of this holds",
     .offset = offsetof(struct settings, where)},
    MS_CLI_COMMON_OPTIONS(struct settings, common),
    {.name = "wide",
     .kind = MS_OPTION_BOOL,
     .help = "print all columns; JSON has them anyway",
     .offset = offsetof(struct settings, is_wide)},
    {.name = "no-headers",
     .kind = MS_OPTION_BOOL,
     .help = "print no line of column names",
     .offset = offsetof(struct settings, no_headers)},
    {.name = "limit",
     .short_name = 'n',
     .kind = MS_OPTION_U64,
     .max = UINT32_MAX,
     .default_text = "0",
     .help = "print at most so many slaves; 0 = all",
     .offset = offsetof(struct settings, limit)},
};

static const struct ms_cli cli = {
    .program = "muster slaves",
    .summary = "Lists the slaves: name, group, state, slots, commands in hand, load, rate.",
    .epilogue = "Of a slave that has not told its load, the columns about it are empty.\n\n"
                "Examples:\n  muster slaves --where 'group=render cordoned=no'\n"
                "  muster slaves --where 'label=zone=b held>0' --wide\n\n" MS_CLI_WHERE_SLAVES_HELP,
    .table = table,
    .count = sizeof table / sizeof table[0],
};

static int run(int argc, char **argv)
{
    struct settings settings;
    struct ms_options options;
    const struct ms_cli_result result = ms_cli_parse(&cli, argc, argv, &settings, &options);

    if (result.is_done) {
        return result.exit_code;
    }
    const struct ms_client_query query = {
        .size = sizeof query,
        .what = MS_CLIENT_ASK_SLAVES,
        .limit = (uint32_t)settings.limit,
        .where = settings.where,
    };
    const struct ms_cli_table how = {.is_json = settings.common.is_json,
                                     .no_headers = settings.no_headers,
                                     .last = settings.is_wide ? NULL : "types"};
    struct ms_complaint complaint;
    struct ms_filter filter;
    int code;

    if (settings.where != NULL && !ms_filter_parse_slaves(settings.where, &filter, &complaint)) {
        code = ms_cli_usage_error(&cli, complaint.text);
    } else {
        code = ms_cli_ask(&cli, &settings.common, &query, &how);
    }

    ms_options_finish(&options);
    return ms_cli_finish_output(&cli, code);
}

const struct ms_cli_command ms_cmd_slaves = {
    .name = "slaves",
    .summary = "the slaves and how they are",
    .cli = &cli,
    .run = run,
};
