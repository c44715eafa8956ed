/* What every long-running program shares: the loop, signals, log, port file, readiness, exit codes.
 *
 *   1st SIGTERM or SIGINT  on_stop(false): drain; normally posts MS_EVENT_STOP
 *   2nd                    on_stop(true): now; afterwards the loop is broken
 *   SIGHUP                 on_reload
 *   SIGUSR2                on_dump: write the state to the log
 *   SIGPIPE                ignored */
#ifndef CORE_IO_PROGRAM_H
#define CORE_IO_PROGRAM_H

#include <ev.h>

#include "core/io/log.h"
#include "core/node.h"
#include "core/options.h"

/* Options shared by the programs; embed it in the target and put MS_PROGRAM_OPTIONS in the table. */
struct ms_program_settings {
    const char *config;
    const char *port_file;
    uint32_t log_format; /* enum ms_log_format */
    uint32_t log_level;  /* enum ms_level */
};

/* Four rows. target_type embeds a struct ms_program_settings as member. */
#define MS_PROGRAM_OPTIONS(target_type, member)                                                    \
    {.name = "config",                                                                             \
     .short_name = 'c',                                                                            \
     .kind = MS_OPTION_STRING,                                                                     \
     .argument = "FILE",                                                                           \
     .env = "MUSTER_CONFIG",                                                                       \
     .group = "Program",                                                                           \
     .help = "read the configuration from FILE",                                                   \
     .offset = offsetof(target_type, member.config)},                                              \
        {.name = "port-file",                                                                      \
         .kind = MS_OPTION_STRING,                                                                 \
         .argument = "FILE",                                                                       \
         .key = "port-file",                                                                       \
         .help = "write the bound address to FILE once it serves",                                 \
         .offset = offsetof(target_type, member.port_file)},                                       \
        {.name = "log-format",                                                                     \
         .kind = MS_OPTION_ENUM,                                                                   \
         .choices = ms_log_format_names,                                                           \
         .default_text = "logfmt",                                                                 \
         .env = "MUSTER_LOG_FORMAT",                                                               \
         .key = "log-format",                                                                      \
         .help = "how log lines look",                                                             \
         .offset = offsetof(target_type, member.log_format)},                                      \
    {                                                                                              \
        .name = "log-level", .kind = MS_OPTION_ENUM, .choices = ms_log_level_names,                \
        .default_text = "info", .env = "MUSTER_LOG_LEVEL", .key = "log-level",                     \
        .is_reloadable = true, .help = "least important level that is logged",                     \
        .offset = offsetof(target_type, member.log_level)                                          \
    }

struct ms_program {
    const char *name;
    struct ev_loop *loop;
    struct ms_log *log;
    struct ms_node *node; /* optional: run starts it, stops it and finishes it */
    void *context;
    void (*on_stop)(void *context, bool is_now);
    void (*on_reload)(void *context); /* may be NULL */
    void (*on_dump)(void *context);   /* may be NULL */
    bool has_explained;               /* why the node does not start was logged by whoever knows */
    /* private */
    ev_signal signals[4];
    char *port_file;
    unsigned stops_count;
    bool has_ended;
    int exit_code;
};

/* Makes the loop and the log, ignores SIGPIPE, raises the limit of descriptors, catches signals.
 * The caller sets node, context and the callbacks afterwards. False when that fails (said on stderr). */
bool ms_program_init(struct ms_program *program, const char *name,
                     const struct ms_program_settings *settings);
void ms_program_finish(struct ms_program *program);

/* The program serves at address: writes the port file (whole or not at all), tells the service
 * manager READY=1, logs it. False when the port file cannot be written (logged). */
bool ms_program_serving(struct ms_program *program, const char *address);

/* init and start of the node (if any), the loop until ms_program_end, stop and finish of the node.
 * Returns the exit code of the process. */
int ms_program_run(struct ms_program *program);

/* Leaves the loop; the first call's code counts. From an effect STOPPED, mostly. */
void ms_program_end(struct ms_program *program, int exit_code);

/* sysexits for an error: UNREACHABLE 69, IO 74, RETRY_LATER 75, PERMISSION 77, BAD_ARGUMENT 64 ... */
int ms_program_exit_code(enum ms_error error);

/* "READY=1", "STOPPING=1", "RELOADING=1" to the service manager, if there is one. */
void ms_program_notify(const char *state);

#endif
