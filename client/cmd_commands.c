#include "client/cli_table.h"
#include "client/cli_commands.h"
#include "core/filter.h"

struct settings {
    struct ms_cli_common common;
    struct ms_cli_listing listing;
    bool is_long;
    const char *state;
    const char *type;
    const char *where;
};

static const struct ms_option table[] = {
    MS_CLI_COMMON_OPTIONS(struct settings, common),
    {.name = "long",
     .short_name = 'l',
     .kind = MS_OPTION_BOOL,
     .help = "print priority, group, unique key, deadline and key too, as --json does",
     .offset = offsetof(struct settings, is_long)},
    MS_CLI_LISTING_OPTIONS(struct settings, listing, "100"),
    {.name = "state",
     .short_name = 's',
     .kind = MS_OPTION_STRING,
     .max = MS_NAME_MAX,
     .argument = "STATE",
     .help = "only those that are ready, delayed, leased, done, buried or cancelled",
     .offset = offsetof(struct settings, state)},
    {.name = "type",
     .short_name = 't',
     .kind = MS_OPTION_STRING,
     .max = MS_NAME_MAX,
     .argument = "TYPE",
     .help = "only those of this type",
     .offset = offsetof(struct settings, type)},
    {.name = "where",
     .short_name = 'w',
     .kind = MS_OPTION_STRING,
     .max = MS_WHERE_MAX,
     .argument = "FILTER",
     .help = "only those of which all of this holds: state=buried,delayed type=thumb* age>1h "
             "attempts>=2",
     .offset = offsetof(struct settings, where)},
};

static const struct ms_cli cli = {
    .program = "muster commands",
    .summary = "Lists live commands: id, type, state, attempt, slave.",
    .epilogue =
        "Examples:\n  muster commands --state leased\n"
        "  muster commands --type checksum --limit 0 --json\n"
        "  muster commands --where 'state=buried group=nightly age>1h'\n\n" MS_CLI_WHERE_HELP,
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
    struct ms_filter filter;
    struct ms_complaint complaint;

    if (settings.where != NULL && !ms_filter_parse(settings.where, &filter, &complaint)) {
        ms_options_finish(&options);
        return ms_cli_usage_error(&cli, complaint.text);
    }
    const struct ms_client_query query = {
        .size = sizeof query,
        .what = MS_CLIENT_ASK_COMMANDS,
        .limit = (uint32_t)settings.listing.limit,
        .state = settings.state,
        .type = settings.type,
        .where = settings.where,
    };
    const struct ms_cli_table how = {.is_json = settings.common.is_json,
                                     .no_headers = settings.listing.no_headers,
                                     .last = settings.is_long ? NULL : "size_bytes"};

    return ms_cli_ask_and_finish(&cli, &options, &settings.common, &query, &how);
}

const struct ms_cli_command ms_cmd_commands = {
    .name = "commands",
    .summary = "live commands",
    .cli = &cli,
    .run = run,
};
