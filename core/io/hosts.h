/* The executor of isolated handlers: child processes, one for each slot, started ahead and used again.
 *
 * A handler that crashes takes its process along and nothing else: the attempt ends as CRASHED, with
 * the signal and the last lines of its stderr, and a new process takes the place. One that does not
 * stop when asked is killed after MS_HOSTS_GRACE. The state of a handler, from init to finish, is
 * that of one process. The inside of the processes is host.h. */
#ifndef CORE_IO_HOSTS_H
#define CORE_IO_HOSTS_H

#include <ev.h>

#include "core/io/executor.h"
#include "core/text.h"

#define MS_HOSTS_START_TIMEOUT (60 * MS_SEC) /* for the first process to have its handlers ready */
#define MS_HOSTS_RESTART_PAUSE (1 * MS_SEC)  /* after one that ended for no job's sake */
#define MS_HOSTS_GRACE         (6 * MS_SEC)  /* to end after being asked; longer than exec's own */
#define MS_HOSTS_PATIENCE      (5 * MS_SEC)  /* for all to end, when the executor is destroyed */

struct ms_hosts_options {
    size_t size; /* of this struct */
    struct ev_loop *loop;
    char *const *argv; /* of this very program, so that it comes to ms_host_serve; borrowed */
    uint32_t slots;    /* jobs at a time, 1 .. MS_SLOTS_MAX, and processes */
    ms_time grace;     /* for a job to stop when asked; 0 = MS_HOSTS_GRACE */
    ms_executor_report report;
    void *context;
};

/* Starts all processes and waits until the first is ready, which shows that the others can be. NULL
 * with the complaint: of init, mostly. */
struct ms_executor *ms_hosts_create(const struct ms_hosts_options *options,
                                    struct ms_complaint *complaint);

struct ms_hosts_stats {
    uint32_t ready, running;               /* processes that wait for jobs, or run one */
    uint64_t started_total, crashed_total; /* processes; jobs that took theirs along */
};

void ms_hosts_stats(const struct ms_executor *executor, struct ms_hosts_stats *stats_out);

#endif
