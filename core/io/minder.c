#include "core/io/minder.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "core/io/child.h"
#include "core/io/clock.h"

#define LOOK_INTERVAL (10 * MS_MSEC) /* how often is looked whether it has ended */
#define HOW_SIZE      64

struct ms_minder {
    struct ev_loop *loop;
    struct ms_log *log;
    char path[MS_CHILD_PATH_SIZE];
    char *argv[MS_MINDER_ARGUMENTS_MAX + 2];
    struct ms_minder_stats stats;
    ms_time started_at, pause;
    ev_child child;
    ev_timer again;
};

static void pause_then_start(struct ms_minder *minder)
{
    ev_timer_set(&minder->again, (double)minder->pause / MS_SEC, 0);
    ev_timer_start(minder->loop, &minder->again);
    minder->pause =
        minder->pause * 2 < MS_MINDER_PAUSE_MAX ? minder->pause * 2 : MS_MINDER_PAUSE_MAX;
}

static void start(struct ms_minder *minder)
{
    const pid_t pid = ms_child_start(minder->argv, MS_CHILD_OWN);

    minder->stats.starts_total++;
    minder->started_at = ms_clock_now();
    if (pid < 0) {
        ms_log(minder->log, MS_LEVEL_ERROR, "cannot be started", MS_LOG_TEXT("path", minder->path),
               MS_LOG_TEXT("error", strerror(errno)));
        pause_then_start(minder);
        return;
    }
    minder->stats.pid = pid;
    ms_log(minder->log, MS_LEVEL_INFO, "started", MS_LOG_TEXT("path", minder->path),
           MS_LOG_NUMBER("pid", pid));
    ev_child_set(&minder->child, pid, 0);
    ev_child_start(minder->loop, &minder->child);
}

static void on_again(struct ev_loop *loop, ev_timer *timer, int revents)
{
    (void)loop, (void)revents;
    start(timer->data);
}

static void on_end(struct ev_loop *loop, ev_child *child, int revents)
{
    struct ms_minder *minder = child->data;
    char how[HOW_SIZE];

    (void)revents;
    ev_child_stop(loop, child);
    minder->stats.pid = 0;
    ms_child_describe(child->rstatus, how, sizeof how);
    ms_log(minder->log, MS_LEVEL_WARN, "ended, and is started again",
           MS_LOG_TEXT("path", minder->path), MS_LOG_TEXT("how", how));
    if (ms_clock_now() - minder->started_at >= MS_MINDER_LASTING) {
        minder->pause = MS_MINDER_PAUSE;
    }
    pause_then_start(minder);
}

static bool copy_arguments(struct ms_minder *minder, const char *const *arguments)
{
    minder->argv[0] = minder->path;
    for (size_t i = 0; arguments[i] != NULL; i++) {
        assert(i < MS_MINDER_ARGUMENTS_MAX);
        minder->argv[i + 1] = strdup(arguments[i]);
        if (minder->argv[i + 1] == NULL) {
            return false;
        }
    }
    return true;
}

static void dispose(struct ms_minder *minder)
{
    for (size_t i = 1; minder->argv[i] != NULL; i++) {
        free(minder->argv[i]);
    }
    free(minder);
}

struct ms_minder *ms_minder_create(struct ev_loop *loop, struct ms_log *log, const char *name,
                                   const char *const *arguments)
{
    struct ms_minder *minder = calloc(1, sizeof *minder);

    if (minder == NULL) {
        return NULL;
    }
    minder->loop = loop;
    minder->log = log;
    minder->pause = MS_MINDER_PAUSE;
    if (!ms_child_find(name, minder->path) || !copy_arguments(minder, arguments)) {
        errno = minder->argv[0] == NULL ? ENOENT : ENOMEM;
        dispose(minder);
        return NULL;
    }
    ev_init(&minder->child, on_end);
    minder->child.data = minder;
    ev_init(&minder->again, on_again);
    minder->again.data = minder;
    start(minder);
    return minder;
}

static void leave(pid_t pid)
{
    const ms_time deadline = ms_clock_now() + MS_MINDER_LEAVE;
    const struct timespec pause = {.tv_nsec = LOOK_INTERVAL * 1000};

    kill(pid, SIGTERM);
    while (waitpid(pid, NULL, WNOHANG) == 0) {
        if (ms_clock_now() > deadline) {
            kill(pid, SIGKILL);
            waitpid(pid, NULL, 0);
            return;
        }
        nanosleep(&pause, NULL);
    }
}

void ms_minder_destroy(struct ms_minder *minder)
{
    if (minder == NULL) {
        return;
    }
    ev_timer_stop(minder->loop, &minder->again);
    ev_child_stop(minder->loop, &minder->child);
    if (minder->stats.pid != 0) {
        leave(minder->stats.pid);
    }
    dispose(minder);
}

void ms_minder_stats(const struct ms_minder *minder, struct ms_minder_stats *stats_out)
{
    *stats_out = minder->stats;
}
