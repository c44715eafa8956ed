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

static int show(const struct settings *settings, const char *id)
{
    char client_id[MS_CLI_ID_SIZE];
    uint64_t seq = 0;

    if (!ms_cli_parse_id(id, client_id, &seq)) {
        return ms_cli_usage_error(&cli, "an id is 32 hex digits, a colon and a number from 1");
    }
    const struct ms_client_query query = {
        .size = sizeof query,
        .what = MS_CLIENT_ASK_SHOW,
        .client_id = client_id,
        .seq = seq,
    };
    const struct ms_cli_table how = {
        .is_json = settings->common.is_json, .is_record = true, .rest = "timeline"};

    return ms_cli_ask(&cli, &settings->common, &query, &how);
}

static int run(int argc, char **argv)
{
    struct settings settings;
    struct ms_options options;
    const struct ms_cli_result result = ms_cli_parse(&cli, argc, argv, &settings, &options);

    if (result.is_done) {
        return result.exit_code;
    }
    const int code = show(&settings, argv[result.argument_at]);

    ms_options_finish(&options);
    return ms_cli_finish_output(&cli, code);
}

const struct ms_cli_command ms_cmd_show = {
    .name = "show",
    .summary = "all about one command",
    .cli = &cli,
    .run = run,
};
