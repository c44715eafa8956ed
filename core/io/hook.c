#include "core/io/hook.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "core/io/clock.h"

#define LOOK_INTERVAL 0.02 /* s; how often is looked whether the script has ended, while one runs */

extern char **environ;

struct change {
    char what[MS_HOOK_WORD_MAX + 1];
    uint64_t number;
};

struct ms_hook {
    struct ev_loop *loop;
    const char *path;
    struct ms_log *log;
    struct change queue[MS_HOOK_QUEUE];
    uint32_t first, count;
    pid_t pid; /* 0 = none runs */
    ms_time began;
    struct ms_hook_stats stats;
    ev_timer look;
};

static void complain(struct ms_hook *hook, const char *why)
{
    hook->stats.failed_total++;
    ms_log(hook->log, MS_LEVEL_ERROR, "a script failed", MS_LOG_TEXT("script", hook->path),
           MS_LOG_TEXT("reason", why));
}

/* In a session of its own, without our signals' mask and without an input. An errno; 0 = ok. */
static int spawn(const struct ms_hook *hook, const struct change *change, pid_t *pid_out)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    char path[4096], what[MS_HOOK_WORD_MAX + 1], number[24];
    char *const argv[] = {path, what, number, NULL};
    int error;

    snprintf(path, sizeof path, "%s", hook->path);
    snprintf(what, sizeof what, "%s", change->what);
    snprintf(number, sizeof number, "%llu", (unsigned long long)change->number);
    error = posix_spawn_file_actions_init(&actions);
    if (error != 0) {
        return error;
    }
    sigemptyset(&none);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);
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
    while (hook->pid == 0 && hook->count > 0) {
        const struct change *change = &hook->queue[hook->first];
        const int error = spawn(hook, change, &hook->pid);

        hook->first = (hook->first + 1) % MS_HOOK_QUEUE;
        hook->count--;
        hook->stats.runs_total++;
        hook->began = ms_clock_now();
        if (error != 0) {
            hook->pid = 0;
            complain(hook, strerror(error));
        }
    }
    if (hook->pid != 0) {
        ev_timer_again(hook->loop, &hook->look);
    } else {
        ev_timer_stop(hook->loop, &hook->look);
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

/* The loop may have reaped it before us: then how it ended is not known. */
static void on_look(struct ev_loop *loop, ev_timer *look, int revents)
{
    struct ms_hook *hook = look->data;
    int status = 0;
    pid_t ended;

    (void)loop, (void)revents;
    ended = waitpid(hook->pid, &status, WNOHANG);
    if (ended == 0 && ms_clock_now() - hook->began >= MS_HOOK_TIMEOUT) {
        kill(-hook->pid, SIGKILL);
        return;
    }
    if (ended == 0 || (ended < 0 && errno == EINTR)) {
        return;
    }
    hook->pid = 0;
    if (ended > 0) {
        judge(hook, status);
    }
    begin_next(hook);
}

struct ms_hook *ms_hook_create(struct ev_loop *loop, const char *path, struct ms_log *log)
{
    struct ms_hook *hook = calloc(1, sizeof *hook);

    if (hook == NULL) {
        return NULL;
    }
    hook->loop = loop;
    hook->path = path;
    hook->log = log;
    ev_timer_init(&hook->look, on_look, 0., LOOK_INTERVAL);
    hook->look.data = hook;
    return hook;
}

void ms_hook_destroy(struct ms_hook *hook)
{
    if (hook != NULL) {
        ev_timer_stop(hook->loop, &hook->look);
        free(hook);
    }
}

void ms_hook_run(struct ms_hook *hook, const char *what, uint64_t number)
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
    begin_next(hook);
}

void ms_hook_stats(const struct ms_hook *hook, struct ms_hook_stats *stats_out)
{
    *stats_out = hook->stats;
    stats_out->waiting = hook->count;
    stats_out->is_running = hook->pid != 0;
}
