#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "client/cmd_map.h"
#include "client/ms_query.h"
#include "core/io/clock.h"

#define TICK_S          1.0
#define REDRAW_S        0.1
#define PLAIN_S         2.0
#define CLOSE_MS        5000
#define JOBS_PER_SLOT   2          /* one that runs, and one that is at hand when it ends */
#define READ_AHEAD_SIZE (1u << 20) /* for the total, when there is a bar to show it */

/* ---- watchers ---- */

static void input_cb(struct ev_loop *loop, ev_io *watcher, int revents)
{
    struct ms_mapper *mapper = watcher->data;
    const bool is_ahead = mapper->has_bar || mapper->has_plain;

    (void)revents;
    ev_io_stop(loop, watcher);
    if (!ms_source_read(&mapper->source, mapper->cli)) {
        ms_mapper_fail(mapper);
        return;
    }
    ms_mapper_fill(mapper);
    if (is_ahead && !mapper->is_stopping && !mapper->source.lines.is_ended &&
        ms_lines_buffered(&mapper->source.lines) < READ_AHEAD_SIZE) {
        ev_io_start(loop, watcher);
    }
}

static void before_sleep_cb(struct ev_loop *loop, ev_prepare *watcher, int revents)
{
    struct ms_mapper *mapper = watcher->data;

    (void)loop;
    (void)revents;
    ms_mapper_flush(mapper);
    if (mapper->has_bar && !mapper->is_bar_drawn && mapper->progress.done > 0 &&
        !mapper->is_ended) {
        ms_mapper_draw(mapper); /* what was printed took its place */
    }
}

static void redraw_cb(struct ev_loop *loop, ev_timer *watcher, int revents)
{
    struct ms_mapper *mapper = watcher->data;

    (void)loop;
    (void)revents;
    mapper->progress.elapsed = ms_clock_now() - mapper->begun;
    ms_mapper_draw(mapper);
}

/* 1st: no more are started; 2nd: those that run are cancelled; 3rd: nothing is waited for. */
static void signal_cb(struct ev_loop *loop, ev_signal *watcher, int revents)
{
    struct ms_mapper *mapper = watcher->data;

    (void)loop;
    (void)revents;
    switch (mapper->interrupts++) {
    case 0:
        ms_mapper_say(mapper, "interrupted: waiting for %u commands; once more cancels them",
                      mapper->running_count);
        ms_mapper_stop(mapper);
        ms_mapper_end_if_done(mapper);
        break;
    case 1:
        ms_mapper_cancel(mapper);
        ms_mapper_end_if_done(mapper);
        break;
    default:
        ms_mapper_end(mapper);
        break;
    }
}

static void connection_cb(struct ms_client *client, bool is_up, int error, void *context)
{
    struct ms_mapper *mapper = context;

    (void)client;
    if (!is_up && !mapper->is_ended && !mapper->is_told_away) {
        ms_mapper_say(mapper, "%s; trying again", ms_client_strerror(error));
    }
    mapper->is_told_away = !is_up;
}

/* ---- how many slots there are ---- */

static void report_cb(struct ms_client *client, const struct ms_client_report *report,
                      void *context)
{
    struct ms_mapper *mapper = context;
    uint64_t slots = UINT64_MAX;

    mapper->is_asking = !report->is_last && report->error == MS_CLIENT_OK;
    for (uint32_t i = 0; i < report->columns * report->rows; i++) {
        const struct ms_client_cell *cell = &report->cells[i];

        if (cell->is_number && strcmp(cell->name, "slots") == 0) {
            slots = cell->number;
        }
    }
    if (slots != UINT64_MAX) {
        mapper->has_slots = slots > 0;
        if (mapper->settings->jobs == 0) {
            const uint64_t limit = slots > 0 ? slots * JOBS_PER_SLOT : JOBS_PER_SLOT;

            mapper->limit =
                limit < MS_MAPPER_JOBS_MAX ? (uint32_t)limit : (uint32_t)MS_MAPPER_JOBS_MAX;
        }
    }
    if (mapper->begun == 0) {
        ms_client_break(client);
    } else {
        ms_mapper_fill(mapper);
    }
}

static void ask(struct ms_mapper *mapper)
{
    const struct ms_client_query query = {.size = sizeof query, .what = MS_CLIENT_ASK_STATUS};

    if (!mapper->is_asking &&
        ms_client_ask(mapper->client, &query, report_cb, mapper) == MS_CLIENT_OK) {
        mapper->is_asking = true;
    }
}

static void tick_cb(struct ev_loop *loop, ev_timer *watcher, int revents)
{
    struct ms_mapper *mapper = watcher->data;

    (void)loop;
    (void)revents;
    if (!mapper->has_slots && !mapper->is_told_idle && mapper->running_count > 0) {
        mapper->is_told_idle = true;
        ms_mapper_say(mapper,
                      "no slave is connected now; waiting for one (muster-slave --allow-exec %s)",
                      mapper->settings->common.master);
    }
    ask(mapper);
}

/* ---- the run ---- */

static void watch(struct ms_mapper *mapper)
{
    static const int numbers[] = {SIGINT, SIGTERM};
    const double redraw_s = mapper->has_bar ? REDRAW_S : PLAIN_S;

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        ev_signal_init(&mapper->signals[i], signal_cb, numbers[i]);
        mapper->signals[i].data = mapper;
        ev_signal_start(mapper->loop, &mapper->signals[i]);
    }
    ev_io_init(&mapper->input, input_cb, mapper->source.fd, EV_READ);
    ev_prepare_init(&mapper->before_sleep, before_sleep_cb);
    ev_timer_init(&mapper->tick, tick_cb, TICK_S, TICK_S);
    ev_timer_init(&mapper->redraw, redraw_cb, redraw_s, redraw_s);
    mapper->input.data = mapper;
    mapper->before_sleep.data = mapper;
    mapper->tick.data = mapper;
    mapper->redraw.data = mapper;
    ev_prepare_start(mapper->loop, &mapper->before_sleep);
    ev_timer_start(mapper->loop, &mapper->tick);
    if (mapper->has_bar || mapper->has_plain) {
        ev_timer_start(mapper->loop, &mapper->redraw);
    }
}

static bool prepare(struct ms_mapper *mapper)
{
    const struct ms_mapper_settings *settings = mapper->settings;

    ms_list_init(&mapper->running);
    ms_list_init(&mapper->unused);
    if (settings->workdir != NULL) {
        mapper->directory = strdup(settings->workdir);
    } else {
        mapper->directory = getcwd(NULL, 0);
    }
    if (mapper->directory == NULL) {
        ms_mapper_say(mapper, "working directory: %s", strerror(errno));
        return false;
    }
    if (settings->keep_order) {
        uint64_t size = MS_MAPPER_REORDER;

        while (size < 4 * settings->jobs) {
            size *= 2;
        }
        mapper->ring = calloc(size, sizeof(struct ms_mapper_job *));
        mapper->ring_mask = size - 1;
        if (mapper->ring == NULL) {
            ms_mapper_say(mapper, "out of memory");
            return false;
        }
    }
    return true;
}

static int exit_code(const struct ms_mapper *mapper)
{
    if (mapper->is_fatal) {
        return MS_MAPPER_EXIT_ERROR;
    }
    if (mapper->interrupts > 0) {
        return MS_EX_INTERRUPTED;
    }
    if (mapper->halt.when != MS_HALT_NEVER && mapper->halt.why == MS_HALT_SUCCESS &&
        mapper->succeeded >= mapper->halt.count) {
        return EX_OK; /* what was looked for was found, whatever failed on the way */
    }
    return mapper->progress.failed <= MS_MAPPER_FAILED_MAX ? (int)mapper->progress.failed
                                                           : MS_MAPPER_EXIT_MORE;
}

static void work(struct ms_mapper *mapper)
{
    mapper->loop = ev_default_loop(0);
    mapper->has_slots = true; /* until the master says that there are none */
    mapper->limit = mapper->settings->jobs > 0 ? (uint32_t)mapper->settings->jobs : JOBS_PER_SLOT;
    watch(mapper);
    ask(mapper);
    while (mapper->is_asking && !mapper->is_ended && mapper->interrupts == 0) {
        ms_client_run(mapper->client, -1);
    }
    mapper->begun = ms_clock_now();
    ms_mapper_fill(mapper);
    while (!mapper->is_ended) {
        ms_client_run(mapper->client, -1);
    }
    ms_mapper_flush(mapper);
    mapper->progress.elapsed = ms_clock_now() - mapper->begun;
    ms_mapper_sum_up(mapper);
}

int ms_mapper_run(struct ms_mapper *mapper)
{
    const struct ms_client_options more = {
        .size = sizeof more, .context = mapper, .on_connection = connection_cb};
    int code = MS_MAPPER_EXIT_ERROR;

    if (!prepare(mapper)) {
        return code;
    }
    mapper->client = ms_cli_connect(mapper->cli, &mapper->settings->common, &more, &code);
    code = MS_MAPPER_EXIT_ERROR;
    if (mapper->client != NULL) {
        work(mapper);
        ms_client_close(mapper->client, mapper->running_count > 0 ? 0 : CLOSE_MS);
        ms_client_destroy(mapper->client);
        code = exit_code(mapper);
    }
    ms_mapper_free_jobs(mapper);
    free(mapper->ring);
    free(mapper->directory);
    return code;
}

int ms_mapper_dry_run(struct ms_mapper *mapper)
{
    const char *argument;
    uint64_t seq;

    for (;;) {
        switch (ms_source_next(&mapper->source, mapper->cli, &argument, &seq)) {
        case MS_SOURCE_END:
            return EX_OK;
        case MS_SOURCE_ERROR:
            return MS_MAPPER_EXIT_ERROR;
        case MS_SOURCE_WAIT:
            fflush(stdout);
            if (!ms_source_read(&mapper->source, mapper->cli)) {
                return MS_MAPPER_EXIT_ERROR;
            }
            continue;
        default:
            break;
        }
        mapper->text.size = 0;
        if (!ms_template_expand(mapper->template, argument, seq, &mapper->expansion) ||
            !ms_expansion_print(&mapper->expansion, &mapper->text)) {
            ms_mapper_say(mapper, "out of memory");
            return MS_MAPPER_EXIT_ERROR;
        }
        ms_mapper_print_planned(mapper, seq, argument);
        if (ferror(stdout)) {
            return EX_OK; /* explained when it is flushed */
        }
    }
}
