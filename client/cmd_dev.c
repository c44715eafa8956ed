#include "client/cmd_dev.h"

#include <sysexits.h>

#include "client/cli_commands.h"
#include "core/io/log.h"

static const struct ms_option table[] = {
    {.name = "slaves",
     .short_name = 's',
     .kind = MS_OPTION_U64,
     .min = 1,
     .max = MS_DEV_SLAVES_MAX,
     .default_text = "2",
     .group = "Cluster",
     .help = "start so many slaves",
     .offset = offsetof(struct ms_dev_settings, slaves)},
    {.name = "slots",
     .short_name = 'j',
     .kind = MS_OPTION_U64,
     .max = MS_SLOTS_MAX,
     .default_text = "0",
     .help = "commands that each slave runs at a time; 0 divides the processors among them",
     .offset = offsetof(struct ms_dev_settings, slots)},
    {.name = "port",
     .kind = MS_OPTION_U64,
     .max = 65535,
     .default_text = "0",
     .help = "port of the master on 127.0.0.1; 0 is any that is free (--ha: the second has the "
             "next one)",
     .offset = offsetof(struct ms_dev_settings, port)},
    {.name = "ha",
     .kind = MS_OPTION_BOOL,
     .help =
         "start two masters, each the hot standby of the other, with the slaves as their witnesses",
     .offset = offsetof(struct ms_dev_settings, is_pair)},
    {.name = "allow-exec",
     .kind = MS_OPTION_BOOL,
     .default_text = "true",
     .help = "let the slaves run programs, for muster map (--allow-exec=false forbids it)",
     .offset = offsetof(struct ms_dev_settings, allow_exec)},
    {.name = "handler",
     .kind = MS_OPTION_LIST,
     .max = MS_DEV_HANDLERS_MAX,
     .argument = "FILE.so[:ARGS]",
     .help = "have the slaves load a handler",
     .offset = offsetof(struct ms_dev_settings, handler)},
    {.name = "handlers",
     .kind = MS_OPTION_STRING,
     .argument = "DIR",
     .help = "have them load all handlers of DIR (default: those that come with muster)",
     .offset = offsetof(struct ms_dev_settings, handlers)},
    {.name = "isolate",
     .kind = MS_OPTION_BOOL,
     .help = "have them run handlers in processes of their own",
     .offset = offsetof(struct ms_dev_settings, isolate)},
    {.name = "prefetch",
     .kind = MS_OPTION_U64,
     .max = MS_PREFETCH_MAX,
     .default_text = "0",
     .help = "have them fetch so many commands ahead",
     .offset = offsetof(struct ms_dev_settings, prefetch)},
    {.name = "respawn",
     .kind = MS_OPTION_BOOL,
     .help = "start a slave that died again; with --ha a master, too",
     .offset = offsetof(struct ms_dev_settings, respawn)},
    {.name = "drain-timeout",
     .kind = MS_OPTION_DURATION,
     .min = MS_MSEC,
     .default_text = "10s",
     .help = "at the end, let running commands work for so long",
     .offset = offsetof(struct ms_dev_settings, drain_timeout)},
    {.name = "port-file",
     .kind = MS_OPTION_STRING,
     .argument = "FILE",
     .group = "Output",
     .help = "write the address of the master to FILE once all slaves serve; with --ha both",
     .offset = offsetof(struct ms_dev_settings, port_file)},
    {.name = "log-level",
     .kind = MS_OPTION_ENUM,
     .choices = ms_log_level_names,
     .default_text = "error",
     .help = "least important level that master and slaves log, on standard error",
     .offset = offsetof(struct ms_dev_settings, log_level)},
};

const struct ms_cli ms_dev_cli = {
    .program = "muster dev",
    .arguments = "[-- COMMAND...]",
    .summary = "Starts a whole cluster on this machine: a master on 127.0.0.1 and some slaves.\n"
               "Stays in the foreground; Ctrl-C ends it, and nothing is left running.",
    .epilogue =
        "With COMMAND, runs it with MUSTER_MASTER set, and ends with its exit code.\n\n"
        "Examples:\n  muster dev\n"
        "  muster dev --slaves 4 -- muster map echo ::: a b c\n"
        "  muster dev --handler ./thumb.so --isolate\n"
        "  muster dev --ha --slaves 3          # then kill -9 a master, and look at muster pair\n",
    .table = table,
    .count = sizeof table / sizeof table[0],
    .arguments_max = -1,
    .is_ordered = true,
};

static int run(int argc, char **argv)
{
    struct ms_dev_settings settings;
    struct ms_options options;
    const struct ms_cli_result result = ms_cli_parse(&ms_dev_cli, argc, argv, &settings, &options);

    if (result.is_done) {
        return result.exit_code;
    }
    const int code = ms_dev_run(&settings, argv + result.argument_at);

    ms_options_finish(&options);
    return ms_cli_finish_output(&ms_dev_cli, code);
}

const struct ms_cli_command ms_cmd_dev = {
    .name = "dev",
    .summary = "a whole cluster on this machine",
    .cli = &ms_dev_cli,
    .run = run,
};
