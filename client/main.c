/* muster: the command line. Finds the subcommand and hands over. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "client/cli_commands.h"
#include "core/io/standard.h"

static const struct ms_cli_command *const commands[] = {
    &ms_cmd_submit,  &ms_cmd_wait,      &ms_cmd_result,       &ms_cmd_tail,
    &ms_cmd_status,  &ms_cmd_slaves,    &ms_cmd_slave,        &ms_cmd_top,
    &ms_cmd_routes,  &ms_cmd_providers, &ms_cmd_dry_run,      &ms_cmd_commands,
    &ms_cmd_show,    &ms_cmd_why,       &ms_cmd_group,        &ms_cmd_cancel,
    &ms_cmd_kick,    &ms_cmd_release,   &ms_cmd_reprioritise, &ms_cmd_concurrency,
    &ms_cmd_map,     &ms_cmd_bench,     &ms_cmd_check,        &ms_cmd_export,
    &ms_cmd_import,  &ms_cmd_pair,      &ms_cmd_is_active,    &ms_cmd_switchover,
    &ms_cmd_promote, &ms_cmd_hold,      &ms_cmd_unhold,       &ms_cmd_dev,
    &ms_cmd_new,     &ms_cmd_call,      &ms_cmd_services,
};

#define COMMANDS_COUNT (sizeof commands / sizeof commands[0])

static const struct ms_cli_command *find(const char *name)
{
    for (size_t i = 0; i < COMMANDS_COUNT; i++) {
        if (strcmp(commands[i]->name, name) == 0) {
            return commands[i];
        }
    }
    return NULL;
}

static void print_usage(FILE *stream)
{
    fputs("Usage: muster [--master HOST:PORT[,HOST:PORT]] COMMAND [OPTION]...\n\n"
          "Submits work to a muster master and looks at what it does.\n\nCommands:\n",
          stream);
    for (size_t i = 0; i < COMMANDS_COUNT; i++) {
        fprintf(stream, "  %-13s %s\n", commands[i]->name, commands[i]->summary);
    }
    fputs("\n  help COMMAND, COMMAND --help   the options of one command\n"
          "  --version                      print the version\n\n"
          "The master is " MS_CLI_MASTER_DEFAULT
          " unless --master or MUSTER_MASTER says otherwise.\n",
          stream);
}

static int unknown(const char *name)
{
    fprintf(stderr, "muster: unknown command '%s'; there are:", name);
    for (size_t i = 0; i < COMMANDS_COUNT; i++) {
        fprintf(stderr, " %s", commands[i]->name);
    }
    fputs("\n", stderr);
    return EX_USAGE;
}

static int help(const char *name)
{
    static char flag[] = "--help";

    if (name == NULL) {
        print_usage(stdout);
        return EX_OK;
    }
    const struct ms_cli_command *command = find(name);

    if (command == NULL) {
        return unknown(name);
    }
    char *arguments[] = {(char[]){"help"}, flag, NULL};

    return command->run(2, arguments);
}

/* --master before the command is for all of them: it becomes the variable they read, so that their own
 * flag still wins. Returns the place of the command, or -1 after a mistake was explained. */
static int read_master(int argc, char **argv)
{
    static const char flag[] = "--master";
    const size_t length = sizeof flag - 1;
    int at = 1;

    while (at < argc && (strncmp(argv[at], flag, length) == 0 || strcmp(argv[at], "-m") == 0)) {
        const char *value =
            argv[at][1] == '-' && argv[at][length] == '=' ? argv[at] + length + 1 : NULL;

        if (value == NULL) {
            if (argv[at][1] == '-' && argv[at][length] != '\0') {
                break;
            }
            value = at + 1 < argc ? argv[++at] : "";
        }
        if (value[0] == '\0') {
            fputs("muster: --master needs a value: HOST:PORT\n", stderr);
            return -1;
        }
        if (setenv("MUSTER_MASTER", value, 1) != 0) {
            return -1;
        }
        at++;
    }
    return at;
}

int main(int argc, char **argv)
{
    if (!ms_standard_hold()) {
        return EX_OSERR;
    }
    /* A reader of our output that goes away is seen where it is written. */
    sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    const int at = read_master(argc, argv);

    if (at < 0) {
        return EX_USAGE;
    }
    if (at >= argc) {
        print_usage(stderr);
        return EX_USAGE;
    }
    if (strcmp(argv[at], "--help") == 0 || strcmp(argv[at], "-h") == 0) {
        return help(NULL);
    }
    if (strcmp(argv[at], "help") == 0) {
        return help(at + 1 < argc ? argv[at + 1] : NULL);
    }
    if (strcmp(argv[at], "--version") == 0 || strcmp(argv[at], "-V") == 0) {
        puts("muster " MS_VERSION);
        return EX_OK;
    }
    const struct ms_cli_command *command = find(argv[at]);

    if (command == NULL) {
        return unknown(argv[at]);
    }
    return command->run(argc - at, argv + at);
}
