/* The store's thread: takes a job, mostly a window to commit, says how it went, and tidies up when nobody waits. */
#include "core/io/store_private.h"

#include <time.h>

#include "core/invariant.h"
#include "core/io/clock.h"

void ms_store_thread_report(struct ms_store *store)
{
    const struct ms_store_keeper *keeper = &store->keeper;
    struct ms_store_report *report = &store->report;

    report->is_full = ms_store_keeper_is_full(keeper);
    report->is_near = ms_store_keeper_is_near(keeper);
    report->room = keeper->room;
    report->stats = (struct ms_store_stats){
        .is_failed = report->is_failed,
        .is_full = report->is_full,
        .commits_total = keeper->commits_total,
        .records_total = keeper->records_total,
        .erased_total = keeper->erased_total,
        .unwritten_total = keeper->unwritten_total,
        .dropped_total = store->dropped_total,
        .bytes_total = keeper->bytes_total,
        .records = keeper->records,
        .file_bytes = keeper->file_bytes,
        .room_bytes = keeper->room,
        .commit_time_last = store->commit_time_last,
        .commit_time_max = store->commit_time_max,
    };
}

/* Tells what is in the report, and gives the lock back first: whoever is woken finds it free. The loop's side may be
 * asleep in its loop or, when it closes, in a condition; the loop lives longer than this thread. */
static void tell(struct ms_store *store)
{
    struct ev_loop *loop = store->loop;

    ms_store_thread_report(store);
    pthread_cond_signal(&store->done);
    pthread_mutex_unlock(&store->lock);
    if (loop != NULL) {
        ev_async_send(loop, &store->async);
    }
}

static void fail(struct ms_store *store)
{
    struct ms_text sentence;

    pthread_mutex_lock(&store->lock);
    ms_text_init(&sentence, store->failure, sizeof store->failure);
    ms_text_add(&sentence, "the store failed: %s",
                store->trouble.text[0] != '\0' ? store->trouble.text
                                               : ms_store_file_failure(store->keeper.file));
    store->report.is_failed = true;
    tell(store);
}

/* A second, or until somebody wants a look; false when the store shall not wait for space any more. */
static bool wait_for_space(struct ms_store *store)
{
    struct timespec until;
    bool goes_on;

    store->keeper.room = 0;
    pthread_mutex_lock(&store->lock);
    tell(store);
    pthread_mutex_lock(&store->lock);
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += MS_STORE_RETRY / MS_SEC;
    while (store->is_patient && !store->look &&
           pthread_cond_timedwait(&store->work, &store->lock, &until) == 0) {
    }
    goes_on = store->is_patient;
    store->look = false;
    pthread_mutex_unlock(&store->lock);
    return goes_on;
}

/* What there is no need of gives way first, then the reserve. False: there is nothing that could. */
static bool give_way(struct ms_store *store)
{
    bool may_drop;

    pthread_mutex_lock(&store->lock);
    may_drop = store->may_drop;
    pthread_mutex_unlock(&store->lock);
    if (may_drop && ms_store_aside_drop(store->keeper.directory.fd)) {
        store->dropped_total++;
        return true;
    }
    return ms_store_directory_release(&store->keeper.directory);
}

/* A full disk is met with what may go, then with patience; anything else is final. */
static enum ms_store_result commit(struct ms_store *store, struct ms_store_window *window,
                                   struct ms_store_window **spare_out)
{
    struct ms_store_plan plan;
    enum ms_store_result result;

    ms_store_keeper_plan(&store->keeper, window, &plan);
    while ((result = ms_store_keeper_carry_out(&store->keeper, &plan, spare_out)) ==
           MS_STORE_FULL) {
        if (!give_way(store) && !wait_for_space(store)) {
            break;
        }
    }
    if (result != MS_STORE_DONE) {
        ms_store_window_destroy(window);
    }
    return result;
}

static enum ms_store_result commit_job(struct ms_store *store, struct ms_store_job *job)
{
    struct ms_store_window *window = job->window;
    const ms_seq seq = window->seq;
    const ms_time begin = ms_clock_now();
    struct ms_store_window *spare = NULL;
    enum ms_store_result result;

    job->window = NULL;
    result = commit(store, window, &spare);
    if (result != MS_STORE_DONE) {
        return result;
    }
    store->commit_time_last = ms_clock_now() - begin;
    if (store->commit_time_last > store->commit_time_max) {
        store->commit_time_max = store->commit_time_last;
    }
    pthread_mutex_lock(&store->lock);
    store->report.seq = seq;
    store->report.jobs++;
    ms_store_window_destroy(store->spare);
    store->spare = spare;
    tell(store);
    return result;
}

/* After the answer, so that nobody waits for it. FULL is met again, and answered, at the next commit. */
static enum ms_store_result tidy(struct ms_store *store)
{
    enum ms_store_result result;
    bool is_idle;

    pthread_mutex_lock(&store->lock);
    is_idle = store->job == NULL;
    pthread_mutex_unlock(&store->lock);
    result = ms_store_keeper_tidy(&store->keeper, is_idle);
    if (result == MS_STORE_FULL && give_way(store)) {
        result = ms_store_keeper_tidy(&store->keeper, is_idle);
    }
    return result;
}

/* Between two commits, so that none waits for more than one piece. */
static enum ms_store_result scan(struct ms_store *store, const struct ms_store_job *job)
{
    if (ms_store_keeper_scan(&store->keeper, job->above, job->bytes_max, &store->piece,
                             &store->trouble) != MS_E_OK) {
        return MS_STORE_FAILED;
    }
    pthread_mutex_lock(&store->lock);
    store->report.jobs++;
    tell(store);
    return MS_STORE_DONE;
}

/* What was set aside earlier gives way; the present store does not, so there may be no room for both. */
static bool make_room_beside(struct ms_store *store)
{
    bool may_drop;

    pthread_mutex_lock(&store->lock);
    may_drop = store->may_drop;
    pthread_mutex_unlock(&store->lock);
    while (!ms_store_keeper_has_room_beside(&store->keeper)) {
        if (!may_drop || !ms_store_aside_drop(store->keeper.directory.fd)) {
            return false;
        }
        store->dropped_total++;
    }
    return true;
}

static enum ms_store_result begin_beside(struct ms_store *store, struct ms_store_job *job)
{
    enum ms_store_result result = MS_STORE_FULL;

    if (make_room_beside(store)) {
        result = ms_store_keeper_begin_beside(&store->keeper, &store->trouble);
    }
    job->has_no_room = result == MS_STORE_FULL;
    return job->has_no_room ? MS_STORE_DONE : result;
}

static enum ms_store_result clear_once(struct ms_store *store, struct ms_store_job *job)
{
    switch (job->how) {
    case MS_CLEAR_BESIDE:
        return begin_beside(store, job);
    case MS_CLEAR_ADOPT:
        return ms_store_keeper_adopt(&store->keeper, job->number, job->aside, &store->trouble);
    case MS_CLEAR_REVERT:
        return ms_store_keeper_revert(&store->keeper, &store->trouble);
    case MS_CLEAR_ALL:
    case MS_CLEARS:
        break;
    }
    return ms_store_keeper_clear(&store->keeper, job->number, job->aside, &store->trouble);
}

static enum ms_store_result clear(struct ms_store *store, struct ms_store_job *job)
{
    enum ms_store_result result;

    while ((result = clear_once(store, job)) == MS_STORE_FULL) {
        if (!give_way(store) && !wait_for_space(store)) {
            break;
        }
    }
    if (result == MS_STORE_DONE) {
        store->trouble.text[0] = '\0'; /* there was room in the end */
        ms_store_keeper_look(&store->keeper);
        pthread_mutex_lock(&store->lock);
        store->report.jobs++;
        tell(store);
    }
    return result;
}

static enum ms_store_result carry_out(struct ms_store *store, struct ms_store_job *job)
{
    switch (job->kind) {
    case MS_STORE_COMMIT:
        return commit_job(store, job);
    case MS_STORE_SCAN:
        return scan(store, job);
    case MS_STORE_CLEAR:
        return clear(store, job);
    case MS_STORE_REREAD:
        break;
    }
    ms_assert(false); /* is not the thread's */
    return MS_STORE_FAILED;
}

/* The next job; NULL = somebody wants a look. False = the end. */
static bool take(struct ms_store *store, struct ms_store_job **job_out)
{
    bool goes_on;

    pthread_mutex_lock(&store->lock);
    store->is_busy = false;
    pthread_cond_signal(&store->done);
    while (store->job == NULL && !store->look && !store->quit) {
        pthread_cond_wait(&store->work, &store->lock);
    }
    goes_on = store->job != NULL || !store->quit;
    *job_out = store->job;
    store->job = NULL;
    store->look = false;
    store->is_busy = true;
    pthread_mutex_unlock(&store->lock);
    return goes_on;
}

/* News of the room are told when there are some, or when they were asked for. */
static void look(struct ms_store *store, bool is_asked)
{
    const uint64_t room = store->keeper.room;
    const bool was_full = ms_store_keeper_is_full(&store->keeper);

    if (!is_asked && !ms_store_keeper_must_look(&store->keeper)) {
        return;
    }
    ms_store_keeper_look(&store->keeper);
    if (is_asked || room != store->keeper.room ||
        was_full != ms_store_keeper_is_full(&store->keeper)) {
        pthread_mutex_lock(&store->lock);
        tell(store);
    }
}

/* The last checkpoint is work of the disk as well, so it is not the loop's side that does it. */
static void close_keeper(struct ms_store *store)
{
    bool is_clean;

    pthread_mutex_lock(&store->lock);
    while (!store->quit) { /* it has failed */
        pthread_cond_wait(&store->work, &store->lock);
    }
    pthread_mutex_unlock(&store->lock);
    is_clean = ms_store_keeper_close(&store->keeper);
    pthread_mutex_lock(&store->lock);
    store->is_clean = is_clean;
    store->is_closed = true;
    pthread_cond_signal(&store->done);
    pthread_mutex_unlock(&store->lock);
}

void *ms_store_thread_run(void *context)
{
    struct ms_store *store = context;
    bool is_good = true;
    struct ms_store_job *job;

    while (is_good && take(store, &job)) {
        const bool is_asked = job == NULL;

        if (job != NULL) {
            is_good = carry_out(store, job) == MS_STORE_DONE;
        }
        if (is_good) {
            is_good = tidy(store) != MS_STORE_FAILED;
        }
        if (is_good) {
            look(store, is_asked);
        }
    }
    if (!is_good) {
        fail(store);
    }
    close_keeper(store);
    return NULL;
}
