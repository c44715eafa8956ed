/* When a commit begins, and how the loop waits for it. */
#include <sched.h>

#include "core/io/clock.h"
#include "core/io/store_private.h"

/* Whether what comes next is a window that waits for a pause. While much is going on, what a commit sets free comes back
 * at once as new records, and most of what is younger than that is void before long: so fewer commits write less. */
static bool may_wait(struct ms_store *store)
{
    ms_time now;

    if (store->patience == 0 || ms_list_first(&store->queue) != NULL || store->window->seq == 0) {
        return false;
    }
    now = ms_clock_now();
    if (store->due == 0) {
        store->due = now + store->patience;
    }
    return now < store->due;
}

/* While few are waited for, what counts is how soon they hear, and to be woken costs a good part of what a sync does. So the
 * loop does not sleep during a small commit, nor for as long again behind it: the other half of a pair is done a little later,
 * and what was acknowledged brings the next. A slow disk is not waited for like that. */
static bool is_to_poll(const struct ms_store *store)
{
    ms_time end = store->handed_at;

    if (store->handed == 0 || store->handed >= MS_STORE_CROWD || store->took > store->poll_max) {
        return false;
    }
    end += store->current != NULL ? store->poll_max : 2 * store->took;
    return ms_clock_now() < end;
}

static void run_if(struct ev_loop *loop, ev_idle *idle, bool is_wanted)
{
    if (is_wanted) {
        ev_idle_start(loop, idle);
    } else {
        ev_idle_stop(loop, idle);
    }
}

/* The last thing a loop does before it sleeps: all that this turn wrote goes into one commit. An active idle
 * watcher makes libev look for events without sleeping. */
static void on_prepare(struct ev_loop *loop, ev_prepare *prepare, int revents)
{
    struct ms_store *store = prepare->data;
    const bool waits = store->current == NULL && !store->is_failed && may_wait(store);

    (void)revents;
    run_if(loop, &store->pause, waits);
    if (!waits) {
        ms_store_go_on(store);
    }
    run_if(loop, &store->poll, is_to_poll(store));
}

/* Nothing is there to be read, and no time has come. */
static void on_pause(struct ev_loop *loop, ev_idle *pause, int revents)
{
    struct ms_store *store = pause->data;

    (void)revents;
    ev_idle_stop(loop, pause);
    ms_store_go_on(store);
}

/* Whoever else has something to do on this processor goes first. */
static void on_poll(struct ev_loop *loop, ev_idle *poll, int revents)
{
    (void)loop, (void)poll, (void)revents;
    sched_yield();
}

/* Other watchers' last writes come before: the lowest priority runs last. */
void ms_store_pace_start(struct ms_store *store)
{
    ev_prepare_init(&store->prepare, on_prepare);
    ev_set_priority(&store->prepare, EV_MINPRI);
    store->prepare.data = store;
    ev_prepare_start(store->loop, &store->prepare);
    ev_unref(store->loop);
    ev_idle_init(&store->pause, on_pause);
    ev_set_priority(&store->pause, EV_MINPRI);
    store->pause.data = store;
    ev_idle_init(&store->poll, on_poll);
    ev_set_priority(&store->poll, EV_MINPRI);
}

void ms_store_pace_stop(struct ms_store *store)
{
    ev_ref(store->loop);
    ev_prepare_stop(store->loop, &store->prepare);
    ev_idle_stop(store->loop, &store->pause);
    ev_idle_stop(store->loop, &store->poll);
}

void ms_store_pace_handed(struct ms_store *store, const struct ms_store_job *job)
{
    store->handed_at = ms_clock_now();
    store->handed = 0;
    if (job->kind == MS_STORE_COMMIT) { /* its window is the thread's soon */
        store->handed = job->window->live + (size_t)job->window->unwritten;
    }
}

void ms_store_pace_done(struct ms_store *store, ms_time took)
{
    store->took = took;
    store->patience = 0;
    if (store->handed >= MS_STORE_CROWD) {
        store->patience = took < MS_STORE_PATIENCE ? took : MS_STORE_PATIENCE;
    }
}
