#include "client/cli_table.h"
#include "client/cli_commands.h"

struct settings {
    struct ms_cli_common common;
};

static const struct ms_option table[] = {
    MS_CLI_COMMON_OPTIONS(struct settings, common),
};

static const struct ms_cli cli = {
    .program = "muster show",
    .arguments = "CLIENT:SEQ",
    .summary =
        "Prints everything the master knows about one live command, and what happened to it.",
    .epilogue = "The id is what muster submit printed.\n",
    .table = table,
    .count = sizeof table / sizeof table[0],
    .arguments_min = 1,
    .arguments_max = 1,
};

static int show(void *context, const struct ms_cli_id *id)
{
    const struct settings *settings = context;
    const struct ms_client_query query = {
        .size = sizeof query,
        .what = MS_CLIENT_ASK_SHOW,
        .client_id = id->client,
        .seq = id->seq,
    };
    const struct ms_cli_table how = {.is_json = settings->common.is_json,
                                     .is_record = true,
                                     .rest = "timeline",
                                     .called = id->text};

    return ms_cli_ask(&cli, &settings->common, &query, &how);
}

static int run(int argc, char **argv)
{
    struct settings settings;

    return ms_cli_run_on_id(&cli, argc, argv, &settings, show);
}

const struct ms_cli_command ms_cmd_show = {
    .name = "show",
    .summary = "all about one command",
    .cli = &cli,
    .run = run,
};
