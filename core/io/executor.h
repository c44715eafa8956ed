/* What carries out a slave's RUN, ABORT and FOLLOW effects. Two kinds: threads in this process (workers.h),
 * and child processes; the program chooses, the engine does not know.
 *
 * All functions belong to the loop's thread. Every submit is answered by one FINISHED event, after
 * its OUTPUT events, in a later turn of the loop and never from within submit or abort. */
#ifndef CORE_IO_EXECUTOR_H
#define CORE_IO_EXECUTOR_H

#include "core/engine.h"

struct ms_executor;

/* FINISHED or OUTPUT, for ms_driver_post: command has token, status, code, signal, usage, detail and
 * payload, or token, stream and payload. Borrowed for the call. */
typedef void (*ms_executor_report)(void *context, const struct ms_event *event);

struct ms_executor_ops {
    const char *name;
    /* The command of a RUN effect, borrowed for the call. At most slots of them at a time; its type
     * has a handler. */
    void (*submit)(struct ms_executor *executor, const struct ms_command *command);
    /* Asks the attempt to stop; unknown tokens are ignored: it may have finished just now. */
    void (*abort)(struct ms_executor *executor, struct ms_token token);
    /* What the attempt has written is reported now, and from here on as it comes. Unknown tokens are ignored. */
    void (*follow)(struct ms_executor *executor, struct ms_token token);
    /* Aborts everything, waits a little for it to end, frees all. False when handlers still run:
     * then nothing was freed and the process must leave by _exit. */
    bool (*destroy)(struct ms_executor *executor);
};

/* Base of every executor: embedded first. */
struct ms_executor {
    const struct ms_executor_ops *ops;
    ms_executor_report report;
    void *context;
};

#endif
