#include "core/io/hook.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "core/io/clock.h"

#define LOOK_INTERVAL (10 * MS_MSEC) /* how often is looked whether the last but one has ended */

extern char **environ;

struct change {
    char what[MS_HOOK_WORD_MAX + 1];
    uint64_t number;
    char detail[MS_HOOK_WORD_MAX + 1];
};

struct ms_hook {
    struct ev_loop *loop;
    const char *path;
    struct ms_log *log;
    struct change queue[MS_HOOK_QUEUE];
    uint32_t first, count;
    pid_t pid; /* 0 = none runs */
    struct ms_hook_stats stats;
    ev_child child;
    ev_timer patience;
};

static void complain(struct ms_hook *hook, const char *why)
{
    hook->stats.failed_total++;
    ms_log(hook->log, MS_LEVEL_ERROR, "a script failed", MS_LOG_TEXT("script", hook->path),
           MS_LOG_TEXT("reason", why));
}

/* In a session of its own, with nothing of what we do about signals, and without an input. An errno; 0 = ok. */
static int spawn(const struct ms_hook *hook, const struct change *change, pid_t *pid_out)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    char path[4096], what[MS_HOOK_WORD_MAX + 1], number[24];
    char detail[MS_HOOK_WORD_MAX + 1];
    char *const argv[] = {path, what, number, detail, NULL};
    int error;

    snprintf(path, sizeof path, "%s", hook->path);
    snprintf(what, sizeof what, "%s", change->what);
    snprintf(number, sizeof number, "%llu", (unsigned long long)change->number);
    snprintf(detail, sizeof detail, "%s", change->detail);
    error = posix_spawn_file_actions_init(&actions);
    if (error != 0) {
        return error;
    }
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    error = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    if (error == 0) {
        error = posix_spawn(pid_out, path, &actions, &attributes, argv, environ);
    }
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

static void begin_next(struct ms_hook *hook)
{
    if (hook->pid != 0) {
        return; /* it has its own time */
    }
    while (hook->pid == 0 && hook->count > 0) {
        const struct change *change = &hook->queue[hook->first];
        const int error = spawn(hook, change, &hook->pid);

        hook->first = (hook->first + 1) % MS_HOOK_QUEUE;
        hook->count--;
        hook->stats.runs_total++;
        if (error != 0) {
            hook->pid = 0;
            complain(hook, strerror(error));
        }
    }
    if (hook->pid != 0) {
        ev_child_set(&hook->child, hook->pid, 0);
        ev_child_start(hook->loop, &hook->child);
        ev_timer_again(hook->loop, &hook->patience);
    }
}

static void judge(struct ms_hook *hook, int status)
{
    char why[64];

    if (WIFSIGNALED(status)) {
        snprintf(why, sizeof why, "ended by signal %d", WTERMSIG(status));
        complain(hook, why);
    } else if (WEXITSTATUS(status) != 0) {
        snprintf(why, sizeof why, "exit code %d", WEXITSTATUS(status));
        complain(hook, why);
    }
}

static void on_child(struct ev_loop *loop, ev_child *child, int revents)
{
    struct ms_hook *hook = child->data;

    (void)revents;
    ev_child_stop(loop, child);
    ev_timer_stop(loop, &hook->patience);
    hook->pid = 0;
    judge(hook, child->rstatus);
    begin_next(hook);
}

static void on_patience(struct ev_loop *loop, ev_timer *patience, int revents)
{
    const struct ms_hook *hook = patience->data;

    (void)loop, (void)revents;
    kill(-hook->pid, SIGKILL);
}

struct ms_hook *ms_hook_create(struct ev_loop *loop, const char *path, struct ms_log *log)
{
    struct ms_hook *hook = calloc(1, sizeof *hook);

    assert(ev_is_default_loop(loop));
    if (hook == NULL) {
        return NULL;
    }
    hook->loop = loop;
    hook->path = path;
    hook->log = log;
    ev_child_init(&hook->child, on_child, 0, 0);
    ev_timer_init(&hook->patience, on_patience, 0., (double)MS_HOOK_TIMEOUT / MS_SEC);
    hook->child.data = hook->patience.data = hook;
    return hook;
}

/* The loop may have reaped it before us. */
static bool has_ended(pid_t pid)
{
    const pid_t ended = waitpid(pid, NULL, WNOHANG);

    return ended == pid || (ended < 0 && errno == ECHILD);
}

static void tell_newest(struct ms_hook *hook)
{
    const struct timespec pause = {.tv_nsec = LOOK_INTERVAL / MS_USEC * 1000};
    const ms_time end = ms_clock_now() + MS_HOOK_LEAVE;

    while (hook->pid != 0 && !has_ended(hook->pid)) {
        if (ms_clock_now() >= end) {
            kill(-hook->pid, SIGKILL);
            break;
        }
        nanosleep(&pause, NULL);
    }
    hook->pid = 0;
    hook->first = (hook->first + hook->count - 1) % MS_HOOK_QUEUE;
    hook->stats.left_out_total += hook->count - 1;
    hook->count = 1;
    begin_next(hook);
}

void ms_hook_destroy(struct ms_hook *hook)
{
    if (hook == NULL) {
        return;
    }
    ev_child_stop(hook->loop, &hook->child);
    if (hook->count > 0) {
        tell_newest(hook);
    }
    ev_child_stop(hook->loop, &hook->child);
    ev_timer_stop(hook->loop, &hook->patience);
    free(hook);
}

void ms_hook_run(struct ms_hook *hook, const char *what, uint64_t number, const char *detail)
{
    struct change *change;

    if (hook->count == MS_HOOK_QUEUE) {
        hook->first = (hook->first + 1) % MS_HOOK_QUEUE;
        hook->count--;
        hook->stats.left_out_total++;
    }
    change = &hook->queue[(hook->first + hook->count++) % MS_HOOK_QUEUE];
    snprintf(change->what, sizeof change->what, "%s", what);
    change->number = number;
    snprintf(change->detail, sizeof change->detail, "%s", detail);
    begin_next(hook);
}

void ms_hook_stats(const struct ms_hook *hook, struct ms_hook_stats *stats_out)
{
    *stats_out = hook->stats;
    stats_out->waiting = hook->count;
    stats_out->is_running = hook->pid != 0;
}
