#include "client/cli_table.h"
#include "client/cli_commands.h"

struct settings {
    struct ms_cli_common common;
    bool no_headers;
    bool is_long;
    uint64_t limit;
};

static const struct ms_option table[] = {
    MS_CLI_COMMON_OPTIONS(struct settings, common),
    {.name = "no-headers",
     .kind = MS_OPTION_BOOL,
     .help = "print no line of column names",
     .offset = offsetof(struct settings, no_headers)},
    {.name = "long",
     .short_name = 'l',
     .kind = MS_OPTION_BOOL,
     .help = "print all columns",
     .offset = offsetof(struct settings, is_long)},
    {.name = "limit",
     .short_name = 'n',
     .kind = MS_OPTION_U64,
     .max = UINT32_MAX,
     .default_text = "0",
     .help = "print at most so many rows; 0 = all",
     .offset = offsetof(struct settings, limit)},
};

static const struct ms_cli cli = {
    .program = "muster routes",
    .summary =
        "Lists the types that the master knows, each with the route of its configuration file that "
        "applies to it, and the routes that apply to none of them.",
    .epilogue =
        "Examples:\n  muster routes\n  muster routes --json | jq 'select(.route != \"\")'\n",
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
        .what = MS_CLIENT_ASK_ROUTES,
        .limit = (uint32_t)settings.limit,
    };
    const struct ms_cli_table how = {.is_json = settings.common.is_json,
                                     .no_headers = settings.no_headers,
                                     .last = settings.is_long ? NULL : "rate"};
    const int code = ms_cli_ask(&cli, &settings.common, &query, &how);

    ms_options_finish(&options);
    return ms_cli_finish_output(&cli, code);
}

const struct ms_cli_command ms_cmd_routes = {
    .name = "routes",
    .summary = "which route applies to each type",
    .cli = &cli,
    .run = run,
};
