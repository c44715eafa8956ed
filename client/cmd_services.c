#include "client/cli_table.h"
#include "client/cli_commands.h"

static const struct ms_option table[] = {MS_CLI_LONG_LISTING_OPTIONS};

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
    return ms_cli_run_long_listing(&cli, argc, argv, MS_CLIENT_ASK_SERVICES, "heartbeat");
}

const struct ms_cli_command ms_cmd_services = {
    .name = "services",
    .summary = "the services of the master",
    .cli = &cli,
    .run = run,
};
