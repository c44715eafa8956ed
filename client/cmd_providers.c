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
    .program = "muster providers",
    .summary =
        "Lists the providers of the master: what each has made, how many of these are in hand, "
        "what "
        "it was told of since this master began to serve, and the cursor behind which it goes on.",
    .epilogue = "Examples:\n  muster providers\n  muster providers --json | jq 'select(.state == "
                "\"failed\") | .why'\n",
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
        .what = MS_CLIENT_ASK_PROVIDERS,
        .limit = (uint32_t)settings.listing.limit,
    };
    const struct ms_cli_table how = {.is_json = settings.common.is_json,
                                     .no_headers = settings.listing.no_headers,
                                     .last = settings.is_long ? NULL : "cursor"};

    return ms_cli_ask_and_finish(&cli, &options, &settings.common, &query, &how);
}

const struct ms_cli_command ms_cmd_providers = {
    .name = "providers",
    .summary = "what the providers of the master have made",
    .cli = &cli,
    .run = run,
};
