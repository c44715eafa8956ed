/* The executor of handlers in this process: a bounded pool of threads.
 *
 * Jobs go to the threads in batches, once a turn of the loop; ends and output come back through one
 * queue and an ev_async. A thread starts when a job would wait for it, and stays. How many wake up
 * depends on how long a handler took lately: quick ones are done by few threads in a row, slow ones
 * get a thread each; a misjudged one is noticed within MS_WORKERS_WATCH. A deferred job holds no
 * thread. Handlers never run on the loop's thread. */
#ifndef CORE_IO_WORKERS_H
#define CORE_IO_WORKERS_H

#include <ev.h>

#include "core/io/executor.h"
#include "core/io/plugin.h"

#define MS_WORKERS_WATCH      (10 * MS_MSEC)
#define MS_WORKERS_PATIENCE   (3 * MS_SEC) /* for handlers to end, at last; exec itself takes 2 s */
#define MS_WORKERS_OUTPUT_MAX (8u << 20)   /* bytes of output on the way; above, writers wait */

struct ms_workers_options {
    size_t size; /* of this struct */
    struct ev_loop *loop;
    struct ms_plugins *plugins; /* borrowed; to be started with ms_workers_host */
    uint32_t slots;             /* jobs at a time, 1 .. MS_SLOTS_MAX; threads at most */
    const char *slave;          /* its name, for handlers; borrowed */
    ms_executor_report report;
    void *context;
};

/* NULL: no memory. */
struct ms_executor *ms_workers_create(const struct ms_workers_options *options);

/* What handlers are given; lives as long as the pool. */
const struct ms_host *ms_workers_host(const struct ms_executor *executor);

struct ms_workers_stats {
    uint32_t threads, idle, running; /* running: jobs in hand, deferred ones too */
    uint64_t jobs_total, wakes_total;
};

void ms_workers_stats(struct ms_executor *executor, struct ms_workers_stats *stats_out);

#endif
