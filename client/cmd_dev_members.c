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

static void signal_member(const struct ms_dev_member *member, int number)
{
    if (member->is_running) {
        kill(member->child.pid, number);
    }
}

static void signal_slaves(struct ms_dev *dev, int number)
{
    for (size_t i = 1; i < dev->count; i++) {
        ev_timer_stop(dev->loop, &dev->members[i].respawn);
        signal_member(&dev->members[i], number);
    }
}

static void killer_cb(struct ev_loop *loop, ev_timer *watcher, int revents)
{
    struct ms_dev *dev = watcher->data;

    (void)loop;
    (void)revents;
    signal_member(&dev->members[0], SIGKILL);
    signal_slaves(dev, SIGKILL);
}

/* 1st: the master drains, which needs the slaves; they end after it. 2nd: everyone at once, and by force
 * if that takes long. 3rd: by force. */
void ms_dev_stop(struct ms_dev *dev)
{
    switch (dev->stops++) {
    case 0:
        if (dev->is_command_running) {
            kill(dev->command.pid, SIGTERM);
        }
        signal_member(&dev->members[0], SIGTERM);
        if (!dev->members[0].is_running) {
            signal_slaves(dev, SIGTERM);
        }
        break;
    case 1:
        signal_member(&dev->members[0], SIGTERM);
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

    ms_dev_describe(status, how, sizeof how);
    fflush(dev->out);
    ms_cli_say(&ms_dev_cli, "%s (pid %d) died: %s", member->name, (int)member->child.pid, how);
    if (member->is_master || !dev->is_ready) {
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
    } else if (member->is_master) {
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

static void add_slave_arguments(const struct ms_dev *dev, struct arguments *arguments,
                                const struct ms_dev_member *member)
{
    const struct ms_dev_settings *settings = dev->settings;

    add(arguments, "--name");
    add(arguments, member->name);
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
}

/* Explains and fails when it cannot be started. */
void ms_dev_start_member(struct ms_dev *dev, struct ms_dev_member *member)
{
    const struct ms_dev_settings *settings = dev->settings;
    char program[MS_DEV_PATH_SIZE], listen[NUMBER_SIZE], slots[NUMBER_SIZE], prefetch[NUMBER_SIZE];
    char drain[NUMBER_SIZE];
    struct arguments arguments = {.count = 0};

    if (!ms_dev_find_program(member->is_master ? "muster-master" : "muster-slave", program)) {
        ms_cli_say(&ms_dev_cli, "there is no %s beside this program",
                   member->is_master ? "muster-master" : "muster-slave");
        ms_dev_fail(dev, EX_UNAVAILABLE);
        return;
    }
    snprintf(drain, sizeof drain, "%" PRId64 "ms", (settings->drain_timeout + 999) / MS_MSEC);
    add(&arguments, program);
    add(&arguments, "--log-level");
    add(&arguments, ms_log_level_names[settings->log_level]);
    add(&arguments, "--drain-timeout");
    add(&arguments, drain);
    if (member->is_master) {
        snprintf(listen, sizeof listen, "127.0.0.1:%" PRIu64, settings->port);
        add(&arguments, "--listen");
        add(&arguments, listen);
        add(&arguments, "--port-file");
        add(&arguments, dev->port_path);
    } else {
        snprintf(slots, sizeof slots, "%" PRIu64, settings->slots);
        snprintf(prefetch, sizeof prefetch, "%" PRIu64, settings->prefetch);
        add_slave_arguments(dev, &arguments, member);
        add(&arguments, "--slots");
        add(&arguments, slots);
        add(&arguments, "--prefetch");
        add(&arguments, prefetch);
        add(&arguments, dev->address);
    }
    const pid_t pid = ms_dev_start(arguments.items, MS_DEV_MEMBER);

    if (pid < 0) {
        ms_cli_say(&ms_dev_cli, "%s: %s", program, strerror(errno));
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
    dev->count = 1 + (size_t)dev->settings->slaves;
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
        member->is_master = i == 0;
        if (i == 0) {
            snprintf(member->name, sizeof member->name, "master");
        } else {
            snprintf(member->name, sizeof member->name, "slave-%zu", i);
        }
        ev_child_init(&member->child, member_cb, 0, 0);
        ev_timer_init(&member->respawn, respawn_cb, 0.0, 0.0);
        member->child.data = member;
        member->respawn.data = member;
    }
    return true;
}
