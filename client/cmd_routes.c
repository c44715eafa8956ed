#include "client/cli_table.h"
#include "client/cli_commands.h"

static const struct ms_option table[] = {MS_CLI_LONG_LISTING_OPTIONS};

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
    return ms_cli_run_long_listing(&cli, argc, argv, MS_CLIENT_ASK_ROUTES, "rate");
}

const struct ms_cli_command ms_cmd_routes = {
    .name = "routes",
    .summary = "which route applies to each type",
    .cli = &cli,
    .run = run,
};
