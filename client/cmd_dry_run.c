#include <string.h>

#include "client/cli_commands.h"
#include "client/cli_table.h"
#include "core/text.h"

struct settings {
    struct ms_cli_common common;
    struct ms_cli_listing listing;
    const char *key;
    bool is_long;
};

static const struct ms_option table[] = {
    {.name = "key",
     .short_name = 'k',
     .kind = MS_OPTION_STRING,
     .max = MS_KEY_MAX,
     .argument = "KEY",
     .group = "The command",
     .help = "its key, as of muster submit --key",
     .offset = offsetof(struct settings, key)},
    MS_CLI_COMMON_OPTIONS(struct settings, common),
    MS_CLI_LISTING_OPTIONS(struct settings, listing, "0"),
    {.name = "long",
     .short_name = 'l',
     .kind = MS_OPTION_BOOL,
     .help = "print all columns",
     .offset = offsetof(struct settings, is_long)},
};

static const struct ms_cli cli = {
    .program = "muster dry-run",
    .arguments = "TYPE",
    .summary = "Says of each slave whether it would get a command of a type, if it came now, and "
               "why not. Nothing is submitted.",
    .epilogue =
        "muster why says the same of a command that waits.\n\n"
        "Examples:\n  muster dry-run echo\n  muster dry-run thumbnail --key user-42 --long\n",
    .table = table,
    .count = sizeof table / sizeof table[0],
    .arguments_min = 1,
    .arguments_max = 1,
};

static int run(int argc, char **argv)
{
    struct settings settings;
    struct ms_options options;
    const struct ms_cli_result result = ms_cli_parse(&cli, argc, argv, &settings, &options);

    if (result.is_done) {
        return result.exit_code;
    }
    const char *type = argv[result.argument_at];
    const struct ms_client_query query = {
        .size = sizeof query,
        .what = MS_CLIENT_ASK_DRY_RUN,
        .type = type,
        .where = settings.key,
        .limit = (uint32_t)settings.listing.limit,
    };
    const struct ms_cli_table how = {.is_json = settings.common.is_json,
                                     .no_headers = settings.listing.no_headers,
                                     .last = settings.is_long ? NULL : "held"};

    if (!ms_text_is_name(type, strlen(type))) {
        ms_options_finish(&options);
        return ms_cli_usage_error(&cli, "TYPE is a name of at most 63 bytes");
    }
    return ms_cli_ask_and_finish(&cli, &options, &settings.common, &query, &how);
}

const struct ms_cli_command ms_cmd_dry_run = {
    .name = "dry-run",
    .summary = "who would get a command, and why not",
    .cli = &cli,
    .run = run,
};
