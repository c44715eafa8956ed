#include "core/io/hosts.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/invariant.h"
#include "core/io/clock.h"
#include "core/io/link.h"
#include "core/io/process.h"

enum state { STATE_DOWN, STATE_STARTING, STATE_READY };

/* A slot: one process after the other. While it is down its restart timer runs. */
struct host {
    struct hosts *hosts;
    enum state state;
    struct ms_process process;
    struct ms_link link; /* while down: what waits for the next process */
    ev_io readable, writable, watch, errors;
    ev_timer restart, overdue;
    bool is_busy;
    bool was_ready;         /* the process had its handlers ready */
    bool is_lost;           /* the job could not be sent: no memory */
    bool is_broken;         /* the process wrote what makes no sense */
    struct ms_token token;  /* of the job in hand */
    struct ms_token killed; /* the process was killed for this job's sake */
    ms_time since;
};

struct hosts {
    struct ms_executor executor; /* first */
    struct ev_loop *loop;
    char *const *argv;
    uint32_t slots;
    ms_time grace;
    struct host *host;
    struct ms_decoder *decoder;
    struct ms_hosts_stats stats;
};

static struct hosts *hosts_of(struct ms_executor *executor)
{
    return (struct hosts *)(void *)executor;
}

static void arm(struct host *host, ev_timer *timer, ms_time delay)
{
    ev_timer_stop(host->hosts->loop, timer);
    ev_timer_set(timer, (double)delay / (double)MS_SEC, 0.);
    ev_timer_start(host->hosts->loop, timer);
}

static void report(struct host *host, enum ms_event_type type, const struct ms_command *command)
{
    struct hosts *hosts = host->hosts;

    if (type == MS_EVENT_FINISHED) {
        host->is_busy = false;
        host->is_lost = false;
        hosts->stats.running--;
        ev_timer_stop(hosts->loop, &host->overdue);
    }
    hosts->executor.report(hosts->executor.context,
                           &(struct ms_event){.type = type, .command = command});
}

/* Fills in why a job ends whose process is gone, and adds the words. */
static void explain(struct host *host, int status, struct ms_command *result, struct ms_text *text)
{
    result->status = MS_STATUS_RETRY;
    if (ms_token_equal(host->killed, host->token)) {
        result->status = MS_STATUS_CANCELLED;
        ms_text_add(text, "killed: the handler did not stop when asked");
    } else if (host->is_lost) {
        ms_text_add(text, "out of memory");
    } else if (host->killed.n != 0) {
        ms_text_add(text, "it came to a process that was about to be killed");
    } else if (!host->was_ready) {
        ms_text_add(text, "no process for handlers starts: ");
        ms_process_describe(&host->process, status, result, text);
    } else {
        result->status = MS_STATUS_CRASHED;
        host->hosts->stats.crashed_total++;
        if (host->is_broken) {
            ms_text_add(text, "it wrote nonsense to its slave and was killed: ");
        }
        ms_process_describe(&host->process, status, result, text);
    }
}

/* The job in hand ends without a word of its process. */
static void report_end(struct host *host, int status)
{
    char detail[MS_DETAIL_MAX];
    struct ms_text text;
    const struct ms_usage usage = {.wall_us = (uint64_t)(ms_clock_now() - host->since)};
    struct ms_command result = {.kind = MS_KIND_RESULT, .token = host->token, .usage = &usage};

    ms_assert(host->is_busy);
    ms_text_init(&text, detail, sizeof detail);
    explain(host, status, &result, &text);
    result.detail.data = (const uint8_t *)detail;
    result.detail.size = ms_text_is_cut(&text) ? sizeof detail - 1 : text.length;
    report(host, MS_EVENT_FINISHED, &result);
}

static bool take(void *context, const struct ms_command *command)
{
    struct host *host = context;

    if (command->kind == MS_KIND_BEAT && !host->was_ready) {
        host->was_ready = true;
        if (host->state == STATE_STARTING) { /* else it is being buried already */
            host->state = STATE_READY;
            host->hosts->stats.ready++;
        }
        return true;
    }
    /* A handler that went wild may have written on the link: nothing is believed unseen. */
    if (!host->is_busy || !ms_token_equal(command->token, host->token)) {
        return false;
    }
    if (command->kind == MS_KIND_RESULT && command->status <= MS_STATUS_CANCELLED) {
        report(host, MS_EVENT_FINISHED, command);
        return true;
    }
    if (command->kind == MS_KIND_OUTPUT) {
        report(host, MS_EVENT_OUTPUT, command);
        return true;
    }
    return false;
}

static void stop_watchers(struct host *host)
{
    struct ev_loop *loop = host->hosts->loop;

    ev_io_stop(loop, &host->readable);
    ev_io_stop(loop, &host->writable);
    ev_io_stop(loop, &host->watch);
    ev_io_stop(loop, &host->errors);
}

/* A process is gone: what it said last still counts, then its job has crashed. While this reports,
 * the slot's next job may come in already; it waits for the next process. */
static void bury(struct host *host)
{
    struct hosts *hosts = host->hosts;
    struct ms_link link = host->link;
    const bool was_busy = host->is_busy;
    const struct ms_token token = host->token;

    stop_watchers(host);
    hosts->stats.ready -= host->state == STATE_READY;
    host->state = STATE_DOWN;
    ms_link_init(&host->link, -1, MS_CHUNK_MAX);
    arm(host, &host->restart, MS_HOSTS_RESTART_PAUSE);
    const int status = ms_process_end(&host->process);

    while (was_busy && ms_link_receive(&link, hosts->decoder, take, host) == MS_LINK_OK) {
    }
    ms_link_finish(&link);
    ms_process_close(&host->process);
    if (was_busy && host->was_ready) {
        arm(host, &host->restart, 0);
    }
    if (was_busy && host->is_busy && ms_token_equal(host->token, token)) {
        report_end(host, status);
    }
}

static void watch_cb(struct ev_loop *loop, ev_io *watcher, int revents)
{
    (void)loop;
    (void)revents;
    bury(watcher->data);
}

static void errors_cb(struct ev_loop *loop, ev_io *watcher, int revents)
{
    struct host *host = watcher->data;

    (void)revents;
    if (!ms_process_listen(&host->process)) {
        ev_io_stop(loop, watcher);
    }
}

static void readable_cb(struct ev_loop *loop, ev_io *watcher, int revents)
{
    struct host *host = watcher->data;
    const enum ms_link_state state = ms_link_receive(&host->link, host->hosts->decoder, take, host);

    (void)loop;
    (void)revents;
    if (state == MS_LINK_ENDED || state == MS_LINK_BROKEN) {
        host->is_broken = state == MS_LINK_BROKEN;
        bury(host);
    }
}

/* The end of the process is seen elsewhere. */
static void flush(struct host *host)
{
    if (ms_link_flush(&host->link) == MS_LINK_BLOCKED) {
        ev_io_start(host->hosts->loop, &host->writable);
    } else {
        ev_io_stop(host->hosts->loop, &host->writable);
    }
}

static void writable_cb(struct ev_loop *loop, ev_io *watcher, int revents)
{
    (void)loop;
    (void)revents;
    flush(watcher->data);
}

static void overdue_cb(struct ev_loop *loop, ev_timer *watcher, int revents)
{
    struct host *host = watcher->data;

    (void)loop;
    (void)revents;
    if (host->state == STATE_DOWN) {
        arm(host, watcher, host->hosts->grace);
    } else {
        host->killed = host->token;
        kill(host->process.pid, SIGKILL);
    }
}

static void start_watchers(struct host *host)
{
    struct ev_loop *loop = host->hosts->loop;

    ev_io_set(&host->readable, host->link.fd, EV_READ);
    ev_io_set(&host->writable, host->link.fd, EV_WRITE);
    ev_io_set(&host->errors, host->process.error_fd, EV_READ);
    ev_io_start(loop, &host->readable);
    ev_io_start(loop, &host->errors);
    if (host->process.watch_fd >= 0) {
        ev_io_set(&host->watch, host->process.watch_fd, EV_READ);
        ev_io_start(loop, &host->watch);
    }
}

/* An errno. */
static int start(struct host *host)
{
    ms_assert(host->state == STATE_DOWN && host->link.fd < 0);
    const int error = ms_process_spawn(&host->process, host->hosts->argv, &host->link.fd);

    if (error != 0) {
        host->link.fd = -1;
        return error;
    }
    host->state = STATE_STARTING;
    host->killed = (struct ms_token){0, 0};
    host->is_broken = false;
    host->was_ready = false;
    host->hosts->stats.started_total++;
    start_watchers(host);
    flush(host);
    return 0;
}

static void restart_cb(struct ev_loop *loop, ev_timer *watcher, int revents)
{
    struct host *host = watcher->data;
    const int error = host->is_lost ? ENOMEM : start(host);

    (void)loop;
    (void)revents;
    if (error == 0) {
        return;
    }
    arm(host, watcher, MS_HOSTS_RESTART_PAUSE);
    if (host->is_busy) {
        const char *reason = strerror(error);
        struct ms_command result = {.kind = MS_KIND_RESULT,
                                    .status = MS_STATUS_RETRY,
                                    .token = host->token,
                                    .detail = ms_bytes_of(reason),
                                    .usage = &(struct ms_usage){0}};

        ms_link_finish(&host->link);
        ms_link_init(&host->link, -1, MS_CHUNK_MAX);
        report(host, MS_EVENT_FINISHED, &result);
    }
}

/* The readiest that has no job. */
static struct host *choose(struct hosts *hosts)
{
    struct host *best = NULL;

    for (uint32_t i = 0; i < hosts->slots; i++) {
        struct host *host = &hosts->host[i];

        if (!host->is_busy && (best == NULL || host->state > best->state)) {
            best = host;
            if (host->state == STATE_READY) {
                break;
            }
        }
    }
    return best;
}

static void submit(struct ms_executor *executor, const struct ms_command *command)
{
    struct hosts *hosts = hosts_of(executor);
    struct host *host = choose(hosts);

    ms_assert(host != NULL); /* the engine keeps to its slots */
    host->is_busy = true;
    host->token = command->token;
    host->since = ms_clock_now();
    hosts->stats.running++;
    host->is_lost = !ms_link_send(&host->link, command);
    if (host->state == STATE_DOWN) {
        ms_assert(ev_is_active(&host->restart));
        return;
    }
    host->process.tail_size = 0;
    if (host->is_lost) {
        kill(host->process.pid, SIGKILL);
    } else {
        flush(host);
    }
}

/* Tells the process that has the attempt; NULL when there is none any more. */
static struct host *tell(struct ms_executor *executor, enum ms_kind kind, struct ms_token token)
{
    struct hosts *hosts = hosts_of(executor);

    for (uint32_t i = 0; i < hosts->slots; i++) {
        struct host *host = &hosts->host[i];

        if (!host->is_busy || !ms_token_equal(host->token, token)) {
            continue;
        }
        ms_link_send(&host->link, &(struct ms_command){.kind = (uint8_t)kind, .token = token});
        if (host->state != STATE_DOWN) {
            flush(host);
        }
        return host;
    }
    return NULL;
}

static void abort_job(struct ms_executor *executor, struct ms_token token)
{
    struct host *host = tell(executor, MS_KIND_REVOKE, token);

    if (host != NULL && !ev_is_active(&host->overdue)) {
        arm(host, &host->overdue, host->hosts->grace);
    }
}

static void follow_job(struct ms_executor *executor, struct ms_token token)
{
    tell(executor, MS_KIND_FOLLOW, token);
}

static void free_hosts(struct hosts *hosts)
{
    for (uint32_t i = 0; hosts->host != NULL && i < hosts->slots; i++) {
        ev_timer_stop(hosts->loop, &hosts->host[i].restart);
        ev_timer_stop(hosts->loop, &hosts->host[i].overdue);
        ms_link_finish(&hosts->host[i].link);
    }
    ms_decoder_destroy(hosts->decoder);
    free(hosts->host);
    free(hosts);
}

/* True when the process is gone, by itself or, if that is wanted, by force. */
static bool is_gone(struct host *host, bool by_force)
{
    ms_process_listen(&host->process); /* else it might wait for room to say something */
    if (by_force) {
        ms_process_end(&host->process);
    } else if (!ms_process_has_ended(&host->process)) {
        return false;
    }
    ms_process_listen(&host->process);
    ms_process_close(&host->process);
    host->state = STATE_DOWN;
    return true;
}

static bool destroy(struct ms_executor *executor)
{
    struct hosts *hosts = hosts_of(executor);
    const struct timespec pause = {0, 1000000};
    const ms_time end = ms_clock_now() + MS_HOSTS_PATIENCE;
    uint32_t left = hosts->slots;

    for (uint32_t i = 0; i < hosts->slots; i++) {
        stop_watchers(&hosts->host[i]);
        /* The end of its link asks a process to stop its job and end. */
        ms_link_finish(&hosts->host[i].link);
    }
    while (left > 0) {
        const bool by_force = ms_clock_now() > end;

        left = 0;
        for (uint32_t i = 0; i < hosts->slots; i++) {
            struct host *host = &hosts->host[i];

            left += host->state != STATE_DOWN && !is_gone(host, by_force);
        }
        if (left > 0) {
            nanosleep(&pause, NULL);
        }
    }
    free_hosts(hosts);
    return true;
}

/* The first process shows whether handlers start. */
static bool await_first(struct hosts *hosts, struct ms_complaint *complaint)
{
    struct host *host = &hosts->host[0];
    const ms_time end = ms_clock_now() + MS_HOSTS_START_TIMEOUT;
    enum ms_link_state state = MS_LINK_OK;
    bool is_silent = false;

    while (host->state == STATE_STARTING && state != MS_LINK_ENDED && state != MS_LINK_BROKEN) {
        struct pollfd fds[] = {{.fd = host->link.fd, .events = POLLIN},
                               {.fd = is_silent ? -1 : host->process.error_fd, .events = POLLIN}};
        const ms_time left = end - ms_clock_now();

        if (left <= 0) {
            return ms_complain(complaint, "handlers are not ready after %lld s",
                               (long long)(MS_HOSTS_START_TIMEOUT / MS_SEC));
        }
        poll(fds, 2, (int)(left / MS_MSEC) + 1);
        is_silent = !ms_process_listen(&host->process);
        if (fds[0].revents != 0) {
            state = ms_link_receive(&host->link, hosts->decoder, take, host);
        }
    }
    if (host->state == STATE_READY) {
        return true;
    }
    const int status = ms_process_end(&host->process);
    char reason[MS_PROCESS_TAIL_MAX + 64];
    struct ms_text text;
    struct ms_command ignored = {0};

    host->state = STATE_DOWN;
    stop_watchers(host);
    ms_text_init(&text, reason, sizeof reason);
    ms_process_describe(&host->process, status, &ignored, &text);
    ms_process_close(&host->process);
    return ms_complain(complaint, "the process of the handlers does not start: %s", reason);
}

static bool init_hosts(struct hosts *hosts)
{
    hosts->decoder = ms_decoder_create();
    hosts->host = calloc(hosts->slots, sizeof *hosts->host);
    if (hosts->decoder == NULL || hosts->host == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < hosts->slots; i++) {
        struct host *host = &hosts->host[i];

        host->hosts = hosts;
        host->process = (struct ms_process){.watch_fd = -1, .error_fd = -1};
        ms_link_init(&host->link, -1, MS_CHUNK_MAX);
        ev_init(&host->readable, readable_cb);
        ev_init(&host->writable, writable_cb);
        ev_init(&host->watch, watch_cb);
        ev_init(&host->errors, errors_cb);
        ev_init(&host->restart, restart_cb);
        ev_init(&host->overdue, overdue_cb);
        host->readable.data = host->writable.data = host->watch.data = host->errors.data = host;
        host->restart.data = host->overdue.data = host;
    }
    return true;
}

struct ms_executor *ms_hosts_create(const struct ms_hosts_options *options,
                                    struct ms_complaint *complaint)
{
    static const struct ms_executor_ops ops = {"processes", submit, abort_job, follow_job, destroy};

    ms_assert(options->size == sizeof *options);
    ms_assert(options->slots >= 1 && options->slots <= MS_SLOTS_MAX);
    struct hosts *hosts = calloc(1, sizeof *hosts);

    if (hosts == NULL) {
        ms_complain(complaint, "out of memory");
        return NULL;
    }
    hosts->executor = (struct ms_executor){&ops, options->report, options->context};
    hosts->loop = options->loop;
    hosts->argv = options->argv;
    hosts->slots = options->slots;
    hosts->grace = options->grace > 0 ? options->grace : MS_HOSTS_GRACE;
    if (!init_hosts(hosts)) {
        ms_complain(complaint, "out of memory");
        free_hosts(hosts);
        return NULL;
    }
    bool is_started = true;

    for (uint32_t i = 0; i < hosts->slots && is_started; i++) {
        const int error = start(&hosts->host[i]);

        if (error != 0) {
            is_started = ms_complain(complaint, "cannot start a process: %s", strerror(error));
        }
    }
    if (!is_started || !await_first(hosts, complaint)) {
        destroy(&hosts->executor);
        return NULL;
    }
    return &hosts->executor;
}

void ms_hosts_stats(const struct ms_executor *executor, struct ms_hosts_stats *stats_out)
{
    *stats_out = ((const struct hosts *)(const void *)executor)->stats;
}
