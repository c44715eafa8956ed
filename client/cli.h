/* What every subcommand of muster shares: options, the way to the master, errors and exit codes.
 *
 * A subcommand is one file cmd_NAME.c with one const struct ms_cli_command, and one line in main.c.
 * Data goes to stdout, everything else to stderr; exit codes are those of sysexits.h unless the
 * subcommand says otherwise. */
#ifndef CLIENT_CLI_H
#define CLIENT_CLI_H

#include <stdarg.h>

#include "client/ms_client.h"
#include "core/io/cli.h"
#include "core/limits.h"

#define MS_CLI_MASTER_DEFAULT "127.0.0.1:7400"
#define MS_EX_PROTOCOL        76  /* the master does not speak our language */
#define MS_EX_TIMED_OUT       124 /* as timeout(1) has it */
#define MS_EX_INTERRUPTED     130 /* as shells have it */

struct ms_cli_command {
    const char *name;
    const char *summary;               /* a sentence without full stop */
    const struct ms_cli *cli;          /* its options, for help; NULL = it prints help by itself */
    int (*run)(int argc, char **argv); /* argv[0] is the name; returns the exit code */
};

/* Options of every subcommand that talks to a master; embed it in the target. */
struct ms_cli_common {
    const char *master;
    ms_time connect_timeout;
    bool is_json;
};

/* Rows for them. target_type embeds a struct ms_cli_common as member. */
#define MS_CLI_COMMON_OPTIONS(target_type, member)                                                 \
    {.name = "master",                                                                             \
     .short_name = 'm',                                                                            \
     .kind = MS_OPTION_STRING,                                                                     \
     .argument = "HOST:PORT[,HOST:PORT]",                                                          \
     .default_text = MS_CLI_MASTER_DEFAULT,                                                        \
     .env = "MUSTER_MASTER",                                                                       \
     .group = "Master",                                                                            \
     .help = "where the master is",                                                                \
     .offset = offsetof(target_type, member.master)},                                              \
        {.name = "connect-timeout",                                                                \
         .kind = MS_OPTION_DURATION,                                                               \
         .min = 1,                                                                                 \
         .default_text = "10s",                                                                    \
         .help = "how long to try to reach a master",                                              \
         .offset = offsetof(target_type, member.connect_timeout)},                                 \
    {                                                                                              \
        .name = "json", .kind = MS_OPTION_BOOL, .group = "Output", .help = "print JSON",           \
        .offset = offsetof(target_type, member.is_json)                                            \
    }

/* What --help says of a filter. */
#define MS_CLI_WHERE_HELP                                                                          \
    "A FILTER is one or more comparisons without blanks inside, with = != < <= > >=; words and\n"  \
    "names take several values (state=ready,delayed) and * for anything. Fields: state, status,\n" \
    "type, client, slave, group, unique, key, seq, priority, attempts, failures, crashes, age,\n"  \
    "waiting, deadline (until it must have been started), size.\n"

/* The same of a filter of slaves. */
#define MS_CLI_WHERE_SLAVES_HELP                                                                   \
    "A FILTER is one or more comparisons without blanks inside, with = != < <= > >=; words and\n"  \
    "names take several values (group=a,b) and * for anything. Fields: name, state, group,\n"      \
    "label, build, connected, draining, cordoned, slots, held.\n"

/* Prints "muster NAME: TEXT" to stderr. A part of it may be what a handler or a master said, so bytes
 * that would steer the terminal become '?'; beyond MS_CLI_SAY_MAX it is cut. */
void ms_cli_say(const struct ms_cli *cli, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void ms_cli_say_list(const struct ms_cli *cli, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

/* A client on the default loop, connected; NULL after the mistake was explained, with the exit code in
 * *exit_out. more (may be NULL) has further options; its masters and loop are filled in. */
struct ms_client *ms_cli_connect(const struct ms_cli *cli, const struct ms_cli_common *common,
                                 const struct ms_client_options *more, int *exit_out);

/* Exit code for a MS_CLIENT_ error. */
int ms_cli_exit_code(int error);

/* "HEX:SEQ" as printed. */
#define MS_CLI_ID_SIZE 56
void ms_cli_print_id(char text_out[MS_CLI_ID_SIZE], const char *client, uint64_t seq);

/* The two parts of HEX:SEQ; client_out has room for 33 bytes. False when it is none. */
bool ms_cli_parse_id(const char *text, char *client_out, uint64_t *seq_out);

/* The client that a text of the user's own stands for: the same text, the same 32 hex digits. */
#define MS_CLI_CLIENT_SIZE 33
void ms_cli_client_of_text(char client_out[MS_CLI_CLIENT_SIZE], const char *text);

/* What a user may call a command: HEX:SEQ, or the text of their own under which it was submitted (--id). False,
 * for a mistyped HEX:SEQ and for an empty text. */
#define MS_CLI_ID_HELP                                                                             \
    "an id is 32 hex digits, a colon and a number from 1, or the name given to submit --id"
bool ms_cli_find_id(const char *text, char *client_out, uint64_t *seq_out);

/* Flushes stdout; EX_IOERR, explained, when what was printed could not be written, else code. */
int ms_cli_finish_output(const struct ms_cli *cli, int code);

#endif
