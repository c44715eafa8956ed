#include "client/cli_commands.h"
#include "client/cli_table.h"
#include "core/filter.h"

struct settings {
    struct ms_cli_common common;
    const char *where;
    struct ms_cli_listing listing;
    bool is_wide;
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
    MS_CLI_LISTING_OPTIONS(struct settings, listing, "0"),
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
        .limit = (uint32_t)settings.listing.limit,
        .where = settings.where,
    };
    const struct ms_cli_table how = {.is_json = settings.common.is_json,
                                     .no_headers = settings.listing.no_headers,
                                     .last = settings.is_wide ? NULL : "types"};
    struct ms_complaint complaint;
    struct ms_filter filter;

    if (settings.where != NULL && !ms_filter_parse_slaves(settings.where, &filter, &complaint)) {
        ms_options_finish(&options);
        return ms_cli_usage_error(&cli, complaint.text);
    }
    return ms_cli_ask_and_finish(&cli, &options, &settings.common, &query, &how);
}

const struct ms_cli_command ms_cmd_slaves = {
    .name = "slaves",
    .summary = "the slaves and how they are",
    .cli = &cli,
    .run = run,
};
