#include "core/io/store_private.h"

#include <stdlib.h>

#include "core/invariant.h"
#include "core/io/clock.h"

#define TOOL_WINDOW_MAX ((size_t)4 << 20) /* without a loop a commit begins here */

static void emit(struct ms_store *store, const struct ms_event *event)
{
    if (store->event != NULL) {
        store->event(store->context, event);
    }
}

static void hand_over(struct ms_store *store)
{
    struct ms_store_window *window = store->window;
    const size_t handed = window->live + (size_t)window->unwritten; /* it is the thread's soon */

    pthread_mutex_lock(&store->lock);
    ms_assert(store->job == NULL);
    store->job = window;
    store->window = store->spare;
    store->spare = NULL;
    pthread_mutex_unlock(&store->lock);
    pthread_cond_signal(&store->work); /* who is woken finds the lock free */
    store->is_under_way = true;
    store->handed = handed;
    store->due = 0;
    if (store->loop != NULL) {
        ev_ref(store->loop); /* nobody may leave it while an answer is to come */
    }
    if (store->window == NULL) {
        store->window = ms_store_window_create();
    }
}

static void come_back(struct ms_store *store)
{
    if (store->is_under_way && store->loop != NULL) {
        ev_unref(store->loop);
    }
    store->is_under_way = false;
}

/* Whether the window waits for a pause. While much is going on, what a commit sets free comes back at once as new
 * records, and most of what is younger than that is void before long: so fewer commits write less. */
static bool may_wait(struct ms_store *store)
{
    const ms_time now = store->patience > 0 ? ms_clock_now() : 0;

    if (store->patience == 0) {
        return false;
    }
    if (store->due == 0) {
        store->due = now + store->patience;
    }
    return now < store->due;
}

/* The last thing a loop does before it sleeps: all that this turn wrote goes into one commit. An active idle
 * watcher makes libev look for events without sleeping. */
static void on_prepare(struct ev_loop *loop, ev_prepare *prepare, int revents)
{
    struct ms_store *store = prepare->data;

    (void)revents;
    if (store->is_under_way || store->is_failed || store->window->seq == 0) {
        return;
    }
    if (may_wait(store)) {
        ev_idle_start(loop, &store->pause);
        return;
    }
    ev_idle_stop(loop, &store->pause);
    hand_over(store);
}

/* Nothing is there to be read, and no time has come. */
static void on_pause(struct ev_loop *loop, ev_idle *pause, int revents)
{
    struct ms_store *store = pause->data;

    (void)revents;
    ev_idle_stop(loop, pause);
    if (!store->is_under_way && !store->is_failed && store->window->seq != 0) {
        hand_over(store);
    }
}

static ms_time patience_after(const struct ms_store *store, const struct ms_store_report *report)
{
    const ms_time took = report->stats.commit_time_last;

    if (store->handed < MS_STORE_CROWD) {
        return 0;
    }
    return took < MS_STORE_PATIENCE ? took : MS_STORE_PATIENCE;
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
    if (report.windows > store->told_windows) {
        store->told_windows = report.windows;
        store->told_seq = report.seq;
        store->patience = patience_after(store, &report);
        come_back(store);
        emit(store, &(struct ms_event){.type = MS_EVENT_PERSISTED, .seq = report.seq});
    }
    if (report.is_failed) {
        store->is_failed = true;
        come_back(store);
        ev_timer_stop(store->loop, &store->timer);
        ms_store_window_clear(store->window);
        emit(store, &(struct ms_event){.type = MS_EVENT_PERSISTED,
                                       .seq = store->told_seq,
                                       .error = MS_E_STORE_FAILED});
        return;
    }
    tell_room(store, &report);
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

/* Other watchers' last writes come before: the lowest priority runs last. */
static void start_watchers(struct ms_store *store)
{
    ev_prepare_init(&store->prepare, on_prepare);
    ev_set_priority(&store->prepare, EV_MINPRI);
    store->prepare.data = store;
    ev_prepare_start(store->loop, &store->prepare);
    ev_unref(store->loop);
    ev_async_init(&store->async, on_report);
    store->async.data = store;
    ev_async_start(store->loop, &store->async);
    ev_unref(store->loop);
    ev_idle_init(&store->pause, on_pause);
    ev_set_priority(&store->pause, EV_MINPRI);
    store->pause.data = store;
    ev_timer_init(&store->timer, on_timer, 0., (double)MS_STORE_RETRY / MS_SEC);
    store->timer.data = store;
}

static void stop_watchers(struct ms_store *store)
{
    come_back(store);
    ev_ref(store->loop);
    ev_prepare_stop(store->loop, &store->prepare);
    ev_ref(store->loop);
    ev_async_stop(store->loop, &store->async);
    ev_timer_stop(store->loop, &store->timer);
    ev_idle_stop(store->loop, &store->pause);
}

static bool start_thread(struct ms_store *store)
{
    pthread_condattr_t monotonic;

    pthread_mutex_init(&store->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&store->work, &monotonic);
    pthread_cond_init(&store->done, &monotonic);
    pthread_condattr_destroy(&monotonic);
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
    store->window = ms_store_window_create();
    if (store->loop != NULL) {
        start_watchers(store);
        ev_async_send(store->loop, &store->async); /* the first ROOM */
    }
    return store;
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

/* Everything written is committed when it returns true. */
static bool flush(struct ms_store *store)
{
    if (!wait_idle(store)) {
        return false;
    }
    if (store->window->seq != 0) {
        hand_over(store);
        store->is_under_way = false;
    }
    return wait_idle(store);
}

/* Tells the thread to end when it has nothing to do. False when it is in the hands of the system, which does not
 * answer: nobody can take it back. */
static bool end_thread(struct ms_store *store)
{
    bool is_stuck;

    pthread_mutex_lock(&store->lock);
    is_stuck = is_at_work(store);
    store->quit = true;
    pthread_cond_signal(&store->work);
    pthread_mutex_unlock(&store->lock);
    return (is_stuck ? pthread_detach(store->thread) : pthread_join(store->thread, NULL)) == 0 &&
           !is_stuck;
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
        return false;
    }
    is_good = ms_store_keeper_close(&store->keeper) && is_good;
    ms_store_window_destroy(store->window);
    ms_store_window_destroy(store->spare);
    ms_store_window_destroy(store->job);
    pthread_cond_destroy(&store->work);
    pthread_cond_destroy(&store->done);
    pthread_mutex_destroy(&store->lock);
    free(store);
    return is_good;
}

struct ms_uuid ms_store_id(const struct ms_store *store)
{
    return ms_store_file_id(store->keeper.file);
}

enum ms_error ms_store_replay(struct ms_store *store, ms_store_entry_fn fn, void *context,
                              struct ms_complaint *complaint)
{
    enum ms_error error;

    ms_assert(store->told_windows == 0);
    ms_assert(store->window->seq == 0);
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
}
