#include "client/cli_table.h"
#include "client/cli_commands.h"

static const struct ms_option table[] = {MS_CLI_LONG_LISTING_OPTIONS};

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
    return ms_cli_run_long_listing(&cli, argc, argv, MS_CLIENT_ASK_PROVIDERS, "cursor");
}

const struct ms_cli_command ms_cmd_providers = {
    .name = "providers",
    .summary = "what the providers of the master have made",
    .cli = &cli,
    .run = run,
};
