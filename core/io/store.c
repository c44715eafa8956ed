#include "core/io/store_private.h"

#include <stdlib.h>

#include "core/invariant.h"
#include "core/io/clock.h"
#include "core/io/thread_start.h"
#include "proto/record.h"

#define TOOL_WINDOW_MAX ((size_t)4 << 20) /* without a loop a commit begins here */
#define REREAD_BYTES    ((size_t)1 << 20) /* read back in one turn of the loop */

static void emit(struct ms_store *store, const struct ms_event *event)
{
    if (store->event != NULL) {
        store->event(store->context, event);
    }
}

static struct ms_store_job *make_job(enum ms_store_job_kind kind)
{
    struct ms_store_job *job = calloc(1, sizeof *job);

    ms_assert(job != NULL);
    ms_list_init(&job->link);
    job->kind = kind;
    return job;
}

static void free_job(struct ms_store_job *job)
{
    ms_store_window_destroy(job->window);
    free(job);
}

/* Makes the window that gathers a job of its own, and begins another. */
static struct ms_store_job *take_window(struct ms_store *store)
{
    struct ms_store_job *job = make_job(MS_STORE_COMMIT);

    job->window = store->window;
    pthread_mutex_lock(&store->lock);
    store->window = store->spare;
    store->spare = NULL;
    pthread_mutex_unlock(&store->lock);
    store->due = 0;
    if (store->window == NULL) {
        store->window = ms_store_window_create();
    }
    return job;
}

/* Whether the next thing to do is the loop's. */
static bool must_reread(const struct ms_store *store)
{
    const struct ms_list *link = ms_list_first(&store->queue);

    return link != NULL &&
           ms_container_of(link, const struct ms_store_job, link)->kind == MS_STORE_REREAD;
}

/* The next thing to do; NULL when there is none. */
static struct ms_store_job *next_job(struct ms_store *store)
{
    struct ms_list *link = ms_list_pop_front(&store->queue);

    if (link != NULL) {
        return ms_container_of(link, struct ms_store_job, link);
    }
    return store->window->seq != 0 ? take_window(store) : NULL;
}

/* What is asked for comes after all that was written before. */
static void enqueue(struct ms_store *store, struct ms_store_job *job)
{
    if (store->window->seq != 0) {
        ms_list_push_back(&store->queue, &take_window(store)->link);
    }
    ms_list_push_back(&store->queue, &job->link);
}

static void hand_over(struct ms_store *store, struct ms_store_job *job)
{
    ms_assert(store->current == NULL);
    store->current = job;
    ms_store_pace_handed(store, job);
    pthread_mutex_lock(&store->lock);
    ms_assert(store->job == NULL);
    store->job = job;
    pthread_mutex_unlock(&store->lock);
    pthread_cond_signal(&store->work); /* who is woken finds the lock free */
    if (store->loop != NULL) {
        ev_ref(store->loop); /* nobody may leave it while an answer is to come */
    }
}

/* The job is done, or never will be. */
static void come_back(struct ms_store *store)
{
    if (store->current == NULL) {
        return;
    }
    if (store->loop != NULL) {
        ev_unref(store->loop);
    }
    free_job(store->current);
    store->current = NULL;
}

static void drop_queue(struct ms_store *store)
{
    struct ms_list *link;

    while ((link = ms_list_pop_front(&store->queue)) != NULL) {
        free_job(ms_container_of(link, struct ms_store_job, link));
    }
    ms_store_window_clear(store->window);
}

void ms_store_go_on(struct ms_store *store)
{
    struct ms_store_job *job;

    if (store->current != NULL || store->is_failed) {
        return;
    }
    if (must_reread(store)) {
        ev_async_send(store->loop,
                      &store->async); /* where input is served, not when a turn is over */
    } else if ((job = next_job(store)) != NULL) {
        hand_over(store, job);
    }
}

/* Far from the end the engine need not know each byte; near it, it must. */
static bool is_room_news(const struct ms_store *store, const struct ms_store_report *report)
{
    const uint64_t told = store->told_room, room = report->room;
    const uint64_t gap = told > room ? told - room : room - told;

    return !store->has_told_room || (room != told && report->is_near) || gap > told / 8;
}

static void tell_room(struct ms_store *store, const struct ms_store_report *report)
{
    if (is_room_news(store, report)) {
        store->has_told_room = true;
        store->told_room = report->room;
        emit(store, &(struct ms_event){.type = MS_EVENT_ROOM, .count = report->room});
    }
    /* Whoever refuses all that comes writes nothing, and would never hear that there is room again. */
    if (report->is_near && !ev_is_active(&store->timer)) {
        ev_timer_again(store->loop, &store->timer);
    } else if (!report->is_near) {
        ev_timer_stop(store->loop, &store->timer);
    }
}

/* The job is done: says so to whoever asked for it. */
static void answer(struct ms_store *store, const struct ms_store_report *report)
{
    const struct ms_command command = {.payload = {store->piece.bytes, store->piece.size}};
    const enum ms_store_job_kind kind = store->current->kind;
    const bool has_no_room = store->current->has_no_room;

    come_back(store);
    switch (kind) {
    case MS_STORE_COMMIT:
        store->told_seq = report->seq;
        ms_store_pace_done(store, report->stats.commit_time_last);
        emit(store, &(struct ms_event){.type = MS_EVENT_PERSISTED, .seq = report->seq});
        break;
    case MS_STORE_SCAN:
        emit(store, &(struct ms_event){
                        .type = MS_EVENT_SCANNED, .seq = store->piece.last, .command = &command});
        break;
    case MS_STORE_CLEAR:
        emit(store, &(struct ms_event){.type = MS_EVENT_CLEARED, .count = has_no_room});
        break;
    case MS_STORE_REREAD:
        break;
    }
}

/* For good. Whoever waits for an empty store hears that it is not. */
static void tell_failure(struct ms_store *store)
{
    const bool is_clear = store->current != NULL && store->current->kind == MS_STORE_CLEAR;

    store->is_failed = true;
    come_back(store);
    ev_timer_stop(store->loop, &store->timer);
    drop_queue(store);
    if (is_clear) {
        emit(store, &(struct ms_event){.type = MS_EVENT_CLEARED, .error = MS_E_STORE_FAILED});
    }
    emit(store, &(struct ms_event){.type = MS_EVENT_PERSISTED,
                                   .seq = store->told_seq,
                                   .error = MS_E_STORE_FAILED});
}

/* The thread has something to do, and has not failed in it. The lock is held. */
static bool is_at_work(const struct ms_store *store)
{
    return (store->job != NULL || store->is_busy) && !store->report.is_failed;
}

/* Until the thread has done what it was given, or its time is up; false when it failed, or goes on. */
static bool wait_idle(struct ms_store *store)
{
    const struct timespec limit = {store->limit / MS_SEC, store->limit % MS_SEC * 1000};
    bool is_good;
    int code = 0;

    pthread_mutex_lock(&store->lock);
    while (is_at_work(store) && code == 0) {
        code = store->limit == MS_TIME_NEVER
                   ? pthread_cond_wait(&store->done, &store->lock)
                   : pthread_cond_timedwait(&store->done, &store->lock, &limit);
    }
    is_good = !store->report.is_failed && !is_at_work(store);
    pthread_mutex_unlock(&store->lock);
    return is_good;
}

static enum ms_error replay(struct ms_store *store, ms_store_entry_fn fn, void *context,
                            struct ms_complaint *complaint)
{
    enum ms_error error;

    if (!wait_idle(store)) {
        ms_complain(complaint, "%s", store->failure);
        return MS_E_STORE_FAILED;
    }
    error = ms_store_keeper_replay(&store->keeper, fn, context, complaint);
    pthread_mutex_lock(&store->lock);
    ms_store_thread_report(store);
    pthread_mutex_unlock(&store->lock);
    return error;
}

/* Gives what was read to whoever reads back; false: he wants no more. */
static bool give_piece(struct ms_store *store, struct ms_store_job *job)
{
    struct ms_bytes entries = {store->piece.bytes, store->piece.size};
    struct ms_entry entry;
    bool goes_on = true;

    while (goes_on && ms_record_next(&entries, &entry)) {
        job->records++;
        goes_on = job->reader.entry(job->reader.context, entry.seq, entry.bytes);
    }
    job->above = store->piece.last;
    return goes_on;
}

static void end_reread(struct ms_store *store, struct ms_store_job *job, enum ms_error error,
                       const char *why)
{
    const struct ms_store_reader reader = job->reader;

    if (error == MS_E_OK) {
        store->keeper.records = job->records;
        pthread_mutex_lock(&store->lock);
        ms_store_thread_report(store);
        pthread_mutex_unlock(&store->lock);
    }
    ms_list_remove(&job->link);
    free_job(job);
    if (error != MS_E_STORE_FAILED) { /* that is told by PERSISTED */
        reader.done(reader.context, error, why);
    }
}

/* All is committed, and nothing is under way. A piece is read in each turn of the loop, so that it serves others in between; what
 * is written meanwhile waits. */
static void reread(struct ms_store *store)
{
    struct ms_store_job *job =
        ms_container_of(ms_list_first(&store->queue), struct ms_store_job, link);
    struct ms_complaint complaint = {.text = ""};
    enum ms_error error = MS_E_STORE_FAILED;
    bool goes_on = false;

    ms_assert(job->kind == MS_STORE_REREAD);
    if (wait_idle(store)) {
        error = ms_store_keeper_scan(&store->keeper, job->above, REREAD_BYTES, &store->piece,
                                     &complaint);
        goes_on = error == MS_E_OK && store->piece.size > 0 && give_piece(store, job);
    }
    if (goes_on) {
        ev_async_send(store->loop, &store->async);
    } else {
        end_reread(store, job, error, complaint.text);
    }
}

static void on_report(struct ev_loop *loop, ev_async *async, int revents)
{
    struct ms_store *store = async->data;
    struct ms_store_report report;

    (void)loop;
    (void)revents;
    pthread_mutex_lock(&store->lock);
    report = store->report;
    pthread_mutex_unlock(&store->lock);
    if (store->is_failed) {
        return;
    }
    if (report.jobs > store->told_jobs) {
        store->told_jobs = report.jobs;
        answer(store, &report);
    }
    if (report.is_failed) {
        tell_failure(store);
        return;
    }
    tell_room(store, &report);
    if (store->current == NULL && must_reread(store)) {
        reread(store);
    }
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int revents)
{
    struct ms_store *store = timer->data;

    (void)loop;
    (void)revents;
    pthread_mutex_lock(&store->lock);
    store->look = true;
    pthread_cond_signal(&store->work);
    pthread_mutex_unlock(&store->lock);
}

static void start_watchers(struct ms_store *store)
{
    ms_store_pace_start(store);
    ev_async_init(&store->async, on_report);
    store->async.data = store;
    ev_async_start(store->loop, &store->async);
    ev_unref(store->loop);
    ev_timer_init(&store->timer, on_timer, 0., (double)MS_STORE_RETRY / MS_SEC);
    store->timer.data = store;
}

static void stop_watchers(struct ms_store *store)
{
    if (store->current != NULL) {
        ev_unref(store->loop); /* its answer goes nowhere */
    }
    ms_store_pace_stop(store);
    ev_ref(store->loop);
    ev_async_stop(store->loop, &store->async);
    ev_timer_stop(store->loop, &store->timer);
}

static bool start_thread(struct ms_store *store)
{
    pthread_mutex_init(&store->lock, NULL);
    ms_thread_init_condition(&store->work);
    ms_thread_init_condition(&store->done);
    ms_store_thread_report(store);
    store->is_busy = true;
    return pthread_create(&store->thread, NULL, ms_store_thread_run, store) == 0;
}

struct ms_store *ms_store_open(const struct ms_store_options *options, enum ms_error *error_out,
                               struct ms_complaint *complaint)
{
    struct ms_store *store = calloc(1, sizeof *store);
    enum ms_error error;

    ms_assert(options->size == sizeof *options);
    ms_assert(store != NULL);
    store->loop = options->loop;
    store->event = options->event;
    store->context = options->context;
    store->is_patient = options->loop != NULL;
    store->poll_max = options->poll_max;
    store->limit = MS_TIME_NEVER;
    store->close_timeout =
        options->close_timeout > 0 ? options->close_timeout : MS_STORE_CLOSE_TIMEOUT;
    error = ms_store_keeper_open(&store->keeper, options, complaint);
    if (error == MS_E_OK && !start_thread(store)) {
        ms_complain(complaint, "data directory %s: no thread for it", options->directory);
        error = MS_E_NO_MEMORY;
    }
    if (error != MS_E_OK) {
        ms_store_keeper_close(&store->keeper);
        free(store);
        *error_out = error;
        return NULL;
    }
    store->id = ms_store_file_id(store->keeper.file);
    store->window = ms_store_window_create();
    ms_list_init(&store->queue);
    if (store->loop != NULL) {
        start_watchers(store);
        ev_async_send(store->loop, &store->async); /* the first ROOM */
    }
    return store;
}

/* Everything written is committed when it returns true. What else was asked for is forgotten; so is what comes after a CLEAR,
 * which was not begun: it would be added to what there is. */
static bool flush(struct ms_store *store)
{
    struct ms_store_job *job;

    while (wait_idle(store)) {
        come_back(store);
        job = next_job(store);
        if (job == NULL) {
            return true;
        }
        if (job->kind == MS_STORE_COMMIT) {
            hand_over(store, job);
            continue;
        }
        if (job->kind == MS_STORE_CLEAR) {
            drop_queue(store);
        }
        free_job(job);
    }
    return false;
}

/* Tells the thread to close the files and to end when it has nothing to do. False when it is in the hands of the system,
 * which does not answer: nobody can take it back. */
static bool end_thread(struct ms_store *store)
{
    const ms_time until = ms_clock_now() + store->close_timeout;
    const struct timespec limit = {until / MS_SEC, until % MS_SEC * 1000};
    bool is_closed;
    int code = 0;

    pthread_mutex_lock(&store->lock);
    const bool is_stuck = is_at_work(store);

    store->quit = true;
    pthread_cond_signal(&store->work);
    while (!is_stuck && !store->is_closed && code == 0) {
        code = pthread_cond_timedwait(&store->done, &store->lock, &limit);
    }
    is_closed = store->is_closed;
    pthread_mutex_unlock(&store->lock);
    return (is_closed ? pthread_join(store->thread, NULL) : pthread_detach(store->thread)) == 0 &&
           is_closed;
}

bool ms_store_close(struct ms_store *store)
{
    bool is_good;

    if (store == NULL) {
        return true;
    }
    if (store->loop != NULL) {
        stop_watchers(store);
    }
    pthread_mutex_lock(&store->lock);
    store->loop = NULL;
    store->limit = ms_clock_now() + store->close_timeout;
    store->is_patient = false;
    pthread_cond_signal(&store->work);
    pthread_mutex_unlock(&store->lock);
    is_good = flush(store);
    if (!end_thread(store)) {
        return is_good; /* all is in the log, although it could not be put into order */
    }
    is_good = store->is_clean && is_good;
    come_back(store);
    drop_queue(store);
    free(store->piece.bytes);
    ms_store_window_destroy(store->window);
    ms_store_window_destroy(store->spare);
    pthread_cond_destroy(&store->work);
    pthread_cond_destroy(&store->done);
    pthread_mutex_destroy(&store->lock);
    free(store);
    return is_good;
}

struct ms_uuid ms_store_id(const struct ms_store *store)
{
    return store->id;
}

enum ms_error ms_store_replay(struct ms_store *store, ms_store_entry_fn fn, void *context,
                              struct ms_complaint *complaint)
{
    ms_assert(store->told_jobs == 0);
    ms_assert(store->window->seq == 0);
    return replay(store, fn, context, complaint);
}

void ms_store_reread(struct ms_store *store, const struct ms_store_reader *reader)
{
    struct ms_store_job *job;

    ms_assert(store->loop != NULL);
    if (store->is_failed) {
        return;
    }
    job = make_job(MS_STORE_REREAD);
    job->reader = *reader;
    enqueue(store, job);
}

void ms_store_write(struct ms_store *store, ms_seq seq, struct ms_bytes entries)
{
    ms_assert(seq > 0);
    ms_assert(!store->keeper.is_read_only);
    if (store->is_failed) {
        return;
    }
    ms_store_window_add(store->window, seq, entries);
    if (store->loop == NULL && store->window->size >= TOOL_WINDOW_MAX) {
        store->is_failed = !flush(store);
    }
}

void ms_store_scan(struct ms_store *store, ms_seq above, size_t bytes_max)
{
    struct ms_store_job *job;

    ms_assert(store->loop != NULL);
    ms_assert(bytes_max > 0);
    if (store->is_failed) {
        return;
    }
    job = make_job(MS_STORE_SCAN);
    job->above = above;
    job->bytes_max = bytes_max;
    enqueue(store, job);
}

void ms_store_clear(struct ms_store *store, enum ms_clear how, uint64_t number, enum ms_aside kind)
{
    struct ms_store_job *job;

    ms_assert(store->loop != NULL);
    if (store->is_failed) {
        return;
    }
    job = make_job(MS_STORE_CLEAR);
    job->how = how;
    job->number = number;
    job->aside = kind;
    enqueue(store, job);
}

void ms_store_may_drop(struct ms_store *store, bool may_drop)
{
    pthread_mutex_lock(&store->lock);
    store->may_drop = may_drop;
    pthread_mutex_unlock(&store->lock);
}

const char *ms_store_failure(const struct ms_store *store)
{
    return store->is_failed ? store->failure : NULL;
}

void ms_store_stats(const struct ms_store *store, struct ms_store_stats *stats_out)
{
    pthread_mutex_t *lock = (pthread_mutex_t *)&store->lock;

    pthread_mutex_lock(lock);
    *stats_out = store->report.stats;
    pthread_mutex_unlock(lock);
    stats_out->gathered_bytes = store->window->size;
    stats_out->silence = store->current != NULL ? ms_clock_now() - store->handed_at : 0;
    ms_list_for_each(link, &store->queue)
    {
        const struct ms_store_job *job = ms_container_of(link, struct ms_store_job, link);

        stats_out->gathered_bytes += job->window != NULL ? job->window->size : 0;
    }
}
