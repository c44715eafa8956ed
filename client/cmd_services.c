#include "client/cli_table.h"
#include "client/cli_commands.h"

struct settings {
    struct ms_cli_common common;
    struct ms_cli_listing listing;
    bool is_long;
};

static const struct ms_option table[] = {
    MS_CLI_COMMON_OPTIONS(struct settings, common),
    {.name = "long",
     .short_name = 'l',
     .kind = MS_OPTION_BOOL,
     .help = "print all columns",
     .offset = offsetof(struct settings, is_long)},
    MS_CLI_LISTING_OPTIONS(struct settings, listing, "0"),
};

static const struct ms_cli cli = {
    .program = "muster services",
    .summary =
        "Lists the services of the master: what they were called, how much they hold, and what "
        "they say of themselves.",
    .epilogue = "Examples:\n  muster services\n  muster services --json | jq .version\n",
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
        .what = MS_CLIENT_ASK_SERVICES,
        .limit = (uint32_t)settings.listing.limit,
    };
    const struct ms_cli_table how = {.is_json = settings.common.is_json,
                                     .no_headers = settings.listing.no_headers,
                                     .last = settings.is_long ? NULL : "heartbeat"};

    return ms_cli_ask_and_finish(&cli, &options, &settings.common, &query, &how);
}

const struct ms_cli_command ms_cmd_services = {
    .name = "services",
    .summary = "the services of the master",
    .cli = &cli,
    .run = run,
};
