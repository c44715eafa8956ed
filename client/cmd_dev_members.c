#include "client/cmd_dev.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "core/invariant.h"
#include "core/io/clock.h"
#include "core/io/log.h"

#define KILL_S        5.0 /* after the second request to end */
#define RESPAWN_S     1.0 /* so that a slave that cannot live does not keep us busy */
#define ARGUMENTS_MAX (32 + 2 * MS_DEV_HANDLERS_MAX)
#define NUMBER_SIZE   32
#define STATUS_SIZE   64

/* ---- ending ---- */

void ms_dev_signal(const struct ms_dev_member *member, int number)
{
    if (member->is_running) {
        kill(member->child.pid, number);
    }
}

static void signal_slaves(struct ms_dev *dev, int number)
{
    for (size_t i = dev->masters; i < dev->count; i++) {
        ev_timer_stop(dev->loop, &dev->members[i].respawn);
        ms_dev_signal(&dev->members[i], number);
    }
}

static void signal_masters(struct ms_dev *dev, int number)
{
    for (size_t i = 0; i < dev->masters; i++) {
        ev_timer_stop(dev->loop, &dev->members[i].respawn);
        ms_dev_signal(&dev->members[i], number);
    }
}

static bool has_master(const struct ms_dev *dev)
{
    for (size_t i = 0; i < dev->masters; i++) {
        if (dev->members[i].is_running) {
            return true;
        }
    }
    return false;
}

static void killer_cb(struct ev_loop *loop, ev_timer *watcher, int revents)
{
    struct ms_dev *dev = watcher->data;

    (void)loop;
    (void)revents;
    signal_masters(dev, SIGKILL);
    signal_slaves(dev, SIGKILL);
}

void ms_dev_stop(struct ms_dev *dev)
{
    switch (dev->stops++) {
    case 0:
        if (dev->is_command_running) {
            kill(dev->command.pid, SIGTERM);
        }
        if (!has_master(dev)) {
            signal_slaves(dev, SIGTERM);
        } else if (dev->settings->is_pair) {
            ms_dev_stop_pair(dev);
        } else {
            signal_masters(dev, SIGTERM);
        }
        break;
    case 1:
        signal_masters(dev, SIGTERM);
        signal_slaves(dev, SIGTERM);
        ev_timer_set(&dev->killer, KILL_S, 0.0);
        ev_timer_start(dev->loop, &dev->killer);
        break;
    default:
        killer_cb(dev->loop, &dev->killer, 0);
        break;
    }
    ev_break(dev->loop, EVBREAK_ONE);
}

void ms_dev_fail(struct ms_dev *dev, int exit_code)
{
    if (!dev->has_failed) {
        dev->has_failed = true;
        dev->exit_code = exit_code;
    }
    if (dev->stops == 0) {
        ms_dev_stop(dev);
    }
}

/* ---- members ---- */

static void member_cb(struct ev_loop *loop, ev_child *watcher, int revents);

static void respawn_cb(struct ev_loop *loop, ev_timer *watcher, int revents)
{
    struct ms_dev_member *member = watcher->data;

    (void)loop;
    (void)revents;
    ms_dev_start_member(member->dev, member);
    if (member->is_running) {
        fprintf(member->dev->out, "%-9s pid %d\n", member->name, (int)member->child.pid);
        fflush(member->dev->out);
    }
}

static void member_died(struct ms_dev *dev, struct ms_dev_member *member, int status)
{
    char how[STATUS_SIZE];

    ms_child_describe(status, how, sizeof how);
    fflush(dev->out);
    ms_cli_say(&ms_dev_cli, "%s (pid %d) died: %s", member->name, (int)member->child.pid, how);
    if (!dev->is_ready || (!dev->settings->respawn && !has_master(dev))) {
        ms_dev_fail(dev, EX_UNAVAILABLE);
    } else if (member->is_master && !dev->settings->is_pair) {
        ms_dev_fail(dev, EX_UNAVAILABLE);
    } else if (dev->settings->respawn) {
        const bool was_short = ms_clock_now() - member->begun < MS_SEC;

        ev_timer_set(&member->respawn, was_short ? RESPAWN_S : 0.0, 0.0);
        ev_timer_start(dev->loop, &member->respawn);
    }
}

static void member_cb(struct ev_loop *loop, ev_child *watcher, int revents)
{
    struct ms_dev_member *member = watcher->data;
    struct ms_dev *dev = member->dev;

    (void)revents;
    ev_child_stop(loop, watcher);
    member->is_running = false;
    if (dev->stops == 0) {
        member_died(dev, member, watcher->rstatus);
    } else if (member->is_master && !has_master(dev)) {
        signal_slaves(dev, SIGTERM);
    }
    if (dev->stops > 0) {
        ev_break(loop, EVBREAK_ONE);
    }
}

struct arguments {
    char *items[ARGUMENTS_MAX];
    size_t count;
};

static void add(struct arguments *arguments, const char *text)
{
    ms_assert(arguments->count + 1 < ARGUMENTS_MAX);
    arguments->items[arguments->count++] = (char *)text; /* exec does not change it */
    arguments->items[arguments->count] = NULL;
}

/* Texts that are made for the arguments of one program. */
struct texts {
    char program[MS_CHILD_PATH_SIZE];
    char drain[NUMBER_SIZE], listen[NUMBER_SIZE], slots[NUMBER_SIZE], prefetch[NUMBER_SIZE];
    char directory[MS_CHILD_PATH_SIZE + MS_DEV_NAME_SIZE];
};

static void add_pair_arguments(const struct ms_dev *dev, struct arguments *arguments,
                               const struct ms_dev_member *member, struct texts *texts)
{
    const bool is_first = member == &dev->members[0];

    snprintf(texts->directory, sizeof texts->directory, "%s/%s", dev->directory, member->name);
    add(arguments, "--name");
    add(arguments, member->name);
    add(arguments, "--listen");
    add(arguments, member->address);
    add(arguments, "--data");
    add(arguments, texts->directory);
    add(arguments, "--store-reserve");
    add(arguments, "1MiB");
    add(arguments, "--role");
    add(arguments, is_first ? "primary" : "backup");
    add(arguments, "--peer");
    add(arguments, dev->members[is_first ? 1 : 0].address);
    if (is_first) {
        add(arguments, "--bootstrap");
    }
}

static void add_master_arguments(const struct ms_dev *dev, struct arguments *arguments,
                                 const struct ms_dev_member *member, struct texts *texts)
{
    if (dev->settings->is_pair) {
        add_pair_arguments(dev, arguments, member, texts);
        return;
    }
    snprintf(texts->listen, sizeof texts->listen, "127.0.0.1:%" PRIu64, dev->settings->port);
    add(arguments, "--listen");
    add(arguments, texts->listen);
    add(arguments, "--port-file");
    add(arguments, dev->port_path);
}

static void add_slave_arguments(const struct ms_dev *dev, struct arguments *arguments,
                                const struct ms_dev_member *member, struct texts *texts)
{
    const struct ms_dev_settings *settings = dev->settings;

    add(arguments, "--name");
    add(arguments, member->name);
    if (settings->is_pair) {
        snprintf(texts->directory, sizeof texts->directory, "%s/%s", dev->directory, member->name);
        add(arguments, "--state");
        add(arguments, texts->directory);
    }
    if (settings->allow_exec) {
        add(arguments, "--allow-exec");
    }
    if (settings->isolate) {
        add(arguments, "--isolate");
    }
    if (settings->handlers != NULL) {
        add(arguments, "--handlers");
        add(arguments, settings->handlers);
    }
    for (size_t i = 0; i < settings->handler.count; i++) {
        add(arguments, "--handler");
        add(arguments, settings->handler.items[i]);
    }
    snprintf(texts->slots, sizeof texts->slots, "%" PRIu64, settings->slots);
    snprintf(texts->prefetch, sizeof texts->prefetch, "%" PRIu64, settings->prefetch);
    add(arguments, "--slots");
    add(arguments, texts->slots);
    add(arguments, "--prefetch");
    add(arguments, texts->prefetch);
    add(arguments, dev->address);
}

void ms_dev_start_member(struct ms_dev *dev, struct ms_dev_member *member)
{
    const struct ms_dev_settings *settings = dev->settings;
    struct arguments arguments = {.count = 0};
    struct texts texts;

    if (!ms_child_find(member->is_master ? "muster-master" : "muster-slave", texts.program)) {
        ms_cli_say(&ms_dev_cli, "there is no %s beside this program",
                   member->is_master ? "muster-master" : "muster-slave");
        ms_dev_fail(dev, EX_UNAVAILABLE);
        return;
    }
    snprintf(texts.drain, sizeof texts.drain, "%" PRId64 "ms",
             (settings->drain_timeout + 999) / MS_MSEC);
    add(&arguments, texts.program);
    add(&arguments, "--log-level");
    add(&arguments, ms_log_level_names[settings->log_level]);
    add(&arguments, "--drain-timeout");
    add(&arguments, texts.drain);
    if (member->is_master) {
        add_master_arguments(dev, &arguments, member, &texts);
    } else {
        add_slave_arguments(dev, &arguments, member, &texts);
    }
    const pid_t pid = ms_child_start(arguments.items, MS_CHILD_OWN);

    if (pid < 0) {
        ms_cli_say(&ms_dev_cli, "%s: %s", texts.program, strerror(errno));
        ms_dev_fail(dev, EX_OSERR);
        return;
    }
    member->begun = ms_clock_now();
    member->is_running = true;
    ev_child_set(&member->child, pid, 0);
    ev_child_start(dev->loop, &member->child);
}

bool ms_dev_create_members(struct ms_dev *dev)
{
    dev->masters = dev->settings->is_pair ? MS_DEV_MASTERS_MAX : 1;
    dev->count = dev->masters + (size_t)dev->settings->slaves;
    dev->members = calloc(dev->count, sizeof *dev->members);
    if (dev->members == NULL) {
        ms_cli_say(&ms_dev_cli, "out of memory");
        return false;
    }
    ev_timer_init(&dev->killer, killer_cb, 0.0, 0.0);
    dev->killer.data = dev;
    for (size_t i = 0; i < dev->count; i++) {
        struct ms_dev_member *member = &dev->members[i];

        member->dev = dev;
        member->is_master = i < dev->masters;
        if (!member->is_master) {
            snprintf(member->name, sizeof member->name, "slave-%zu", i + 1 - dev->masters);
        } else if (dev->settings->is_pair) {
            snprintf(member->name, sizeof member->name, "master-%zu", i + 1);
        } else {
            snprintf(member->name, sizeof member->name, "master");
        }
        ev_child_init(&member->child, member_cb, 0, 0);
        ev_timer_init(&member->respawn, respawn_cb, 0.0, 0.0);
        member->child.data = member;
        member->respawn.data = member;
    }
    return !dev->settings->is_pair || ms_dev_choose_addresses(dev);
}
