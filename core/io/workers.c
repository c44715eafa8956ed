/* The half of the pool that runs on the loop's thread. */
#include "core/io/workers.h"

#include <stdlib.h>
#include <time.h>

#include "core/invariant.h"
#include "core/io/workers_private.h"

#define BATCH_MAX 128u /* jobs that wait for the end of the turn */

static struct ms_workers *workers_of(struct ms_executor *executor)
{
    return (struct ms_workers *)(void *)executor;
}

static void fifo_push(struct ms_workers_fifo *fifo, struct ms_work *work)
{
    work->next = NULL;
    if (fifo->last != NULL) {
        fifo->last->next = work;
    } else {
        fifo->first = work;
    }
    fifo->last = work;
    fifo->count++;
}

static void fifo_append(struct ms_workers_fifo *to, struct ms_workers_fifo *from)
{
    if (from->first == NULL) {
        return;
    }
    if (to->last != NULL) {
        to->last->next = from->first;
    } else {
        to->first = from->first;
    }
    to->last = from->last;
    to->count += from->count;
    *from = (struct ms_workers_fifo){NULL, NULL, 0};
}

static void report_end(struct ms_workers *workers, struct ms_work *work)
{
    const uint32_t index = (uint32_t)(work - workers->works);
    struct ms_command result;

    if (work->task.exit.wall_us == 0) {
        work->task.exit.wall_us = work->wall_ns / 1000;
    }
    ms_task_result(&work->task, &result);
    /* The slot is free before the engine hears of it, as it may fill it at once. The result's bytes
     * stay with the task, so it is reset only when it has been told. */
    workers->tokens[index] = (struct ms_token){0, 0};
    workers->running--;
    if (workers->executor.report != NULL) {
        workers->executor.report(workers->executor.context,
                                 &(struct ms_event){.type = MS_EVENT_FINISHED, .command = &result});
    }
    ms_task_reset(&work->task);
    work->next = workers->free;
    workers->free = work;
}

static void report_piece(struct ms_workers *workers, const struct ms_workers_piece *piece)
{
    const struct ms_command output = {
        .kind = MS_KIND_OUTPUT,
        .token = piece->item.work->task.token,
        .stream = piece->item.stream,
        .payload = {piece->bytes, piece->item.size},
    };

    if (workers->executor.report != NULL) {
        workers->executor.report(workers->executor.context,
                                 &(struct ms_event){.type = MS_EVENT_OUTPUT, .command = &output});
    }
}

/* Takes everything that came back, and tells the owner. */
static void drain(struct ms_workers *workers)
{
    pthread_mutex_lock(&workers->lock);
    struct ms_workers_item *item = workers->items;

    workers->items = NULL;
    workers->items_end = &workers->items;
    workers->unnoticed = 0;
    workers->is_noticed = false;
    if (workers->output_bytes > 0) {
        workers->output_bytes = 0;
        atomic_store_explicit(&workers->is_full, false, memory_order_relaxed);
        pthread_cond_broadcast(&workers->room);
    }
    pthread_mutex_unlock(&workers->lock);
    while (item != NULL) {
        struct ms_workers_item *next = item->next;

        if (item->is_end) {
            report_end(workers, item->work);
        } else {
            struct ms_workers_piece *piece = (struct ms_workers_piece *)(void *)item;

            report_piece(workers, piece);
            free(piece);
        }
        item = next;
    }
}

static void hand_over(struct ms_workers *workers)
{
    if (workers->batch.first == NULL) {
        return;
    }
    pthread_mutex_lock(&workers->lock);
    fifo_append(&workers->ready, &workers->batch);
    const bool help = ms_workers_call_help(workers, false);

    pthread_mutex_unlock(&workers->lock);
    if (help) {
        pthread_cond_signal(&workers->work);
    }
    if (!ev_is_active(&workers->watch)) {
        ev_timer_again(workers->loop, &workers->watch);
    }
}

static void notice_cb(struct ev_loop *loop, ev_async *watcher, int revents)
{
    (void)loop;
    (void)revents;
    drain(watcher->data);
}

static void flush_cb(struct ev_loop *loop, ev_prepare *watcher, int revents)
{
    (void)loop;
    (void)revents;
    hand_over(watcher->data);
}

/* Jobs that wait behind one that turned out slow get help; ends that nobody told of are fetched. */
static void watch_cb(struct ev_loop *loop, ev_timer *watcher, int revents)
{
    struct ms_workers *workers = watcher->data;

    (void)revents;
    pthread_mutex_lock(&workers->lock);
    const bool help = workers->pops == workers->pops_seen && ms_workers_call_help(workers, true);

    workers->pops_seen = workers->pops;
    const bool is_quiet = workers->ready.first == NULL && workers->items == NULL;

    pthread_mutex_unlock(&workers->lock);
    if (help) {
        pthread_cond_signal(&workers->work);
    }
    if (is_quiet) {
        ev_timer_stop(loop, watcher);
    } else {
        drain(workers);
    }
}

static void submit(struct ms_executor *executor, const struct ms_command *command)
{
    struct ms_workers *workers = workers_of(executor);
    struct ms_work *work = workers->free;
    const struct ms_plugin *plugin = ms_plugins_find(workers->plugins, command->type);

    ms_assert(work != NULL);   /* the engine keeps to its slots */
    ms_assert(plugin != NULL); /* and to what was announced */
    workers->free = work->next;
    workers->tokens[work - workers->works] = command->token;
    workers->running++;
    if (!ms_task_assign(&work->task, command, plugin)) {
        work->task.token = command->token;
        work->task.is_broken = true;
        work->wall_ns = 0;
        ms_workers_send(workers, &work->end);
        return;
    }
    fifo_push(&workers->batch, work);
    if (workers->batch.count >= BATCH_MAX) {
        hand_over(workers);
    }
}

static void abort_work(struct ms_executor *executor, struct ms_token token)
{
    struct ms_workers *workers = workers_of(executor);

    for (uint32_t i = 0; i <= workers->slots && token.n != 0; i++) {
        if (workers->tokens[i].n == token.n && workers->tokens[i].epoch == token.epoch) {
            ms_task_cancel(&workers->works[i].task);
            pthread_mutex_lock(&workers->lock);
            pthread_cond_broadcast(&workers->room);
            pthread_mutex_unlock(&workers->lock);
            return;
        }
    }
}

static void follow_work(struct ms_executor *executor, struct ms_token token)
{
    struct ms_workers *workers = workers_of(executor);

    for (uint32_t i = 0; i <= workers->slots && token.n != 0; i++) {
        if (ms_token_equal(workers->tokens[i], token)) {
            ms_task_follow(&workers->works[i].task);
            return;
        }
    }
}

static void free_workers(struct ms_workers *workers)
{
    for (uint32_t i = 0; i <= workers->slots && workers->works != NULL; i++) {
        if (workers->works[i].workers != NULL) {
            ms_task_finish(&workers->works[i].task);
        }
    }
    pthread_cond_destroy(&workers->work);
    pthread_cond_destroy(&workers->room);
    pthread_mutex_destroy(&workers->lock);
    free(workers->works);
    free(workers->tokens);
    free(workers->threads);
    free(workers);
}

static void join_threads(struct ms_workers *workers)
{
    pthread_mutex_lock(&workers->lock);
    workers->is_closing = true;
    pthread_cond_broadcast(&workers->work);
    pthread_mutex_unlock(&workers->lock);
    for (uint32_t i = 0; i < workers->threads_count; i++) {
        pthread_join(workers->threads[i], NULL);
    }
}

static bool destroy(struct ms_executor *executor)
{
    const struct timespec pause = {0, 1000000};
    struct ms_workers *workers = workers_of(executor);
    const uint64_t end = ms_workers_clock_ns() + MS_WORKERS_PATIENCE * 1000;

    workers->executor.report = NULL;
    for (uint32_t i = 0; i <= workers->slots; i++) {
        if (workers->tokens[i].n != 0) {
            abort_work(executor, workers->tokens[i]);
        }
    }
    hand_over(workers);
    for (drain(workers); workers->running > 0; drain(workers)) {
        if (ms_workers_clock_ns() > end) {
            return false;
        }
        nanosleep(&pause, NULL);
    }
    join_threads(workers);
    drain(workers); /* output of a job that ended just now */
    ev_async_stop(workers->loop, &workers->notice);
    ev_prepare_stop(workers->loop, &workers->flush);
    ev_timer_stop(workers->loop, &workers->watch);
    free_workers(workers);
    return true;
}

static bool init_works(struct ms_workers *workers)
{
    workers->works = calloc(workers->slots + 1u, sizeof *workers->works);
    workers->tokens = calloc(workers->slots + 1u, sizeof *workers->tokens);
    workers->threads = calloc(workers->slots, sizeof *workers->threads);
    if (workers->works == NULL || workers->tokens == NULL || workers->threads == NULL) {
        return false;
    }
    for (uint32_t i = workers->slots + 1u; i-- > 0;) {
        struct ms_work *work = &workers->works[i];

        if (!ms_task_init(&work->task, &ms_workers_task_ops, &workers->host)) {
            return false;
        }
        work->workers = workers;
        work->end = (struct ms_workers_item){.work = work, .is_end = true};
        work->next = workers->free;
        workers->free = work;
    }
    return true;
}

static void watch_loop(struct ms_workers *workers)
{
    ev_async_init(&workers->notice, notice_cb);
    workers->notice.data = workers;
    ev_async_start(workers->loop, &workers->notice);
    ev_prepare_init(&workers->flush, flush_cb);
    workers->flush.data = workers;
    ev_set_priority(&workers->flush, EV_MAXPRI); /* handlers work while the driver writes */
    ev_prepare_start(workers->loop, &workers->flush);
    ev_init(&workers->watch, watch_cb);
    workers->watch.repeat = (double)MS_WORKERS_WATCH / (double)MS_SEC;
    workers->watch.data = workers;
}

struct ms_executor *ms_workers_create(const struct ms_workers_options *options)
{
    static const struct ms_executor_ops ops = {"threads", submit, abort_work, follow_work, destroy};

    ms_assert(options->size == sizeof *options);
    ms_assert(options->slots >= 1 && options->slots <= MS_SLOTS_MAX);
    struct ms_workers *workers = calloc(1, sizeof *workers);

    if (workers == NULL) {
        return NULL;
    }
    workers->executor = (struct ms_executor){&ops, options->report, options->context};
    workers->loop = options->loop;
    workers->plugins = options->plugins;
    workers->slots = options->slots;
    workers->items_end = &workers->items;
    for (size_t i = 0; i < MS_SLAVE_TYPES_MAX; i++) {
        atomic_init(&workers->costs[i], UINT32_MAX); /* unknown counts as slow */
    }
    pthread_mutex_init(&workers->lock, NULL);
    pthread_cond_init(&workers->work, NULL);
    pthread_cond_init(&workers->room, NULL);
    ms_task_host(&workers->host, options->slave, options->slots);
    if (!init_works(workers)) {
        free_workers(workers);
        return NULL;
    }
    watch_loop(workers);
    return &workers->executor;
}

const struct ms_host *ms_workers_host(const struct ms_executor *executor)
{
    return &((const struct ms_workers *)(const void *)executor)->host;
}

void ms_workers_stats(struct ms_executor *executor, struct ms_workers_stats *stats_out)
{
    struct ms_workers *workers = workers_of(executor);

    pthread_mutex_lock(&workers->lock);
    *stats_out = (struct ms_workers_stats){
        .threads = workers->threads_count,
        .idle = workers->idle,
        .running = workers->running,
        .jobs_total = workers->pops,
        .wakes_total = workers->wakes,
    };
    pthread_mutex_unlock(&workers->lock);
}
