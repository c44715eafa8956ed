/* One job of a handler, seen from the host: the ABI of handlers/ms_handler.h made real over a few
 * functions of an owner, who decides where output and ends go. Owners are the thread pool
 * (workers.h) and the child process of an isolated handler.
 *
 * assign, cancel, result and reset belong to the owner's thread, run to a thread of handlers. */
#ifndef CORE_IO_TASK_H
#define CORE_IO_TASK_H

#include <pthread.h>
#include <stdatomic.h>

#include "core/command.h"
#include "core/io/plugin.h"

struct ms_task;

/* Called from any thread. */
struct ms_task_ops {
    /* A piece of output, at most MS_CHUNK_MAX, to be copied; pieces of one task come one at a time,
     * in order. False: no memory. */
    bool (*piece)(struct ms_task *task, enum ms_stream stream, struct ms_bytes bytes);
    /* A deferred task is over; the owner may reset it at once. */
    void (*finished)(struct ms_task *task);
    /* Blocks while too much output is on the way, unless the task is cancelled. */
    void (*throttle)(struct ms_task *task);
};

struct ms_task {
    struct ms_job job; /* first: what the handler sees */
    const struct ms_task_ops *ops;
    const struct ms_plugin *plugin;
    struct ms_token token;
    ms_time until; /* the attempt times out; MS_TIME_NEVER = never */
    atomic_bool is_cancelled;
    atomic_bool is_followed; /* the output is wanted as it comes; job.flags may say so, too */
    pthread_mutex_t lock;    /* of everything below */
    int cancel_fd;           /* -1 until somebody asks for it; kept for the next job */
    bool is_deferred, is_completed, has_returned;
    bool is_over;   /* run has returned, and the task was not deferred */
    bool is_broken; /* output was lost for want of memory */
    int outcome;
    uint8_t *input, *output; /* the payload; data written and not yet passed on as a piece */
    size_t input_capacity, output_size, output_capacity;
    ms_time progress_at; /* earliest next progress that is passed on */
    bool is_progress_full;
    struct ms_job_exit exit;
    ms_time retry_delay; /* asked for by the handler; 0 = none */
    struct ms_usage usage;
    size_t detail_size;
    char detail[MS_DETAIL_MAX];
};

/* The host's side of the ABI; slave is borrowed for as long as host is used. */
void ms_task_host(struct ms_host *host_out, const char *slave, uint32_t slots);

/* False when a lock cannot be made. */
bool ms_task_init(struct ms_task *task, const struct ms_task_ops *ops, const struct ms_host *host);
void ms_task_finish(struct ms_task *task);

/* Makes the job of a COMMAND. False: no memory. */
bool ms_task_assign(struct ms_task *task, const struct ms_command *command,
                    const struct ms_plugin *plugin);

/* Runs the handler, or not if it was cancelled before. True when the task is over; false when it was
 * deferred: then it must not be touched, as ops->finished comes, or came, from another thread. */
bool ms_task_run(struct ms_task *task);

/* Somebody watches from now on: what was gathered leaves at once, and every write as it comes. */
void ms_task_follow(struct ms_task *task);

/* Asks the handler to stop. */
void ms_task_cancel(struct ms_task *task);

/* What came out, of a task that is over; points into the task until it is reset. */
void ms_task_result(struct ms_task *task, struct ms_command *result_out);

/* Ready for the next assign; small buffers are kept. */
void ms_task_reset(struct ms_task *task);

#endif
