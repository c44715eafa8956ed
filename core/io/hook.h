/* A script of the operator's that is run when something has changed, with three words that say what. One at a time, in the
 * order of the changes; never waited for, but at the end. One that takes longer than MS_HOOK_TIMEOUT is killed. */
#ifndef CORE_IO_HOOK_H
#define CORE_IO_HOOK_H

#include <ev.h>

#include "core/io/log.h"
#include "core/types.h"

#define MS_HOOK_TIMEOUT  (30 * MS_SEC)
#define MS_HOOK_LEAVE    (2 * MS_SEC) /* as long as one may take when we end and another one waits */
#define MS_HOOK_WORD_MAX 31
#define MS_HOOK_QUEUE    16u /* changes that may wait; of more, the oldest is left out */

struct ms_hook;

/* loop is the default one, which hears of children. path and log are borrowed. NULL when memory is out. */
struct ms_hook *ms_hook_create(struct ev_loop *loop, const char *path, struct ms_log *log);

/* The newest change that waits is still told, once the script that runs has ended or MS_HOOK_LEAVE has passed: then that
 * is killed, because what it does would come last. The script that was begun last is left alone. Accepts NULL. */
void ms_hook_destroy(struct ms_hook *hook);

/* Runs `path what number detail`, now or when those before it have ended. Words are cut at MS_HOOK_WORD_MAX. */
void ms_hook_run(struct ms_hook *hook, const char *what, uint64_t number, const char *detail);

/* Runs that have begun, and how many of them could not be started, were killed or failed. */
struct ms_hook_stats {
    uint64_t runs_total, failed_total, left_out_total;
    uint32_t waiting;
    bool is_running;
};
void ms_hook_stats(const struct ms_hook *hook, struct ms_hook_stats *stats_out);

#endif
