#include "client/cli_table.h"
#include "client/cli_commands.h"

struct settings {
    struct ms_cli_common common;
};

static const struct ms_option table[] = {
    MS_CLI_COMMON_OPTIONS(struct settings, common),
};

static const struct ms_cli cli = {
    .program = "muster status",
    .summary = "Prints what the master is doing: sessions, commands by state, counters.",
    .epilogue = "Examples:\n  muster status\n  muster status --json | jq .commands_ready\n",
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
    const struct ms_client_query query = {.size = sizeof query, .what = MS_CLIENT_ASK_STATUS};
    const struct ms_cli_table how = {.is_json = settings.common.is_json, .is_record = true};

    return ms_cli_ask_and_finish(&cli, &options, &settings.common, &query, &how);
}

const struct ms_cli_command ms_cmd_status = {
    .name = "status",
    .summary = "what the master is doing",
    .cli = &cli,
    .run = run,
};
