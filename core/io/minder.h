/* A program that lies beside this one and is kept running: when it ends it is started again, after a pause that doubles as long as it
 * does not last. Its standard error is ours. */
#ifndef CORE_IO_MINDER_H
#define CORE_IO_MINDER_H

#include <ev.h>

#include "core/io/log.h"
#include "core/types.h"

#define MS_MINDER_ARGUMENTS_MAX 64u
#define MS_MINDER_PAUSE         (1 * MS_SEC)  /* before it is started again, at first */
#define MS_MINDER_PAUSE_MAX     (30 * MS_SEC) /* and at most */
#define MS_MINDER_LASTING       (10 * MS_SEC) /* who has run so long begins with the first pause again */
#define MS_MINDER_LEAVE         (5 * MS_SEC) /* that it gets to end when it is told to */

struct ms_minder;

/* Starts it. loop is the default one, which hears of children; log is borrowed. name: of the program; arguments, without it, are copied
 * and end with NULL. NULL with errno: there is no such program (ENOENT), or no memory. */
struct ms_minder *ms_minder_create(struct ev_loop *loop, struct ms_log *log, const char *name,
                                   const char *const *arguments);

/* Tells it to end (SIGTERM), waits, and kills it if it has not ended after MS_MINDER_LEAVE. Accepts NULL. */
void ms_minder_destroy(struct ms_minder *minder);

struct ms_minder_stats {
    uint64_t starts_total; /* those that failed included */
    pid_t pid;             /* 0 = it does not run at present */
};
void ms_minder_stats(const struct ms_minder *minder, struct ms_minder_stats *stats_out);

#endif
