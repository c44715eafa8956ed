/* The half of the pool that runs on the handlers' threads. */
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "core/invariant.h"
#include "core/io/workers_private.h"

#define QUICK_NS     2000u /* a handler quicker than this does not deserve a wake-up */
#define COST_GROWTH  2u    /* one run makes a handler's cost at most so many times as high, */
#define COST_STEP_NS 500u  /* and this more */
#define NOTICES_MAX  128u  /* ends of quick jobs that may wait for one notice to the loop */
#define STACK_SIZE   (2u << 20)

static struct ms_work *work_of(struct ms_task *task)
{
    return (struct ms_work *)(void *)task;
}

uint64_t ms_workers_clock_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static struct ms_work *fifo_pop(struct ms_workers_fifo *fifo)
{
    struct ms_work *work = fifo->first;

    ms_assert(work != NULL && fifo->count > 0);
    fifo->first = work->next;
    if (fifo->first == NULL) {
        fifo->last = NULL;
    }
    fifo->count--;
    return work;
}

/* The handler's cost: soon as high as its last runs, slowly lower. One long run of a quick handler
 * does not make it a slow one: its thread may just have lost the processor. */
static void learn_cost(atomic_uint *cost, uint64_t ns)
{
    const unsigned old = atomic_load_explicit(cost, memory_order_relaxed);
    const unsigned decayed = old - old / 8;
    const uint64_t most = (uint64_t)old * COST_GROWTH + COST_STEP_NS;
    const uint64_t sample = ns < most ? ns : most;
    const uint64_t next = sample > decayed ? sample : decayed;

    atomic_store_explicit(cost, next < UINT32_MAX ? (unsigned)next : UINT32_MAX,
                          memory_order_relaxed);
}

static bool is_slow(struct ms_workers *workers, const struct ms_work *work)
{
    return atomic_load_explicit(&workers->costs[work->task.plugin->index], memory_order_relaxed) >
           QUICK_NS;
}

/* Appends to the queue; lock held. */
static void push_item(struct ms_workers *workers, struct ms_workers_item *item)
{
    item->next = NULL;
    *workers->items_end = item;
    workers->items_end = &item->next;
    workers->unnoticed++;
}

/* True when the caller has to send the notice, after it has let go of the lock. */
static bool take_notice(struct ms_workers *workers)
{
    if (workers->is_noticed || workers->unnoticed == 0) {
        return false;
    }
    workers->is_noticed = true;
    return true;
}

static void *thread_main(void *argument);

/* One more thread; lock held. Signals are the loop's business, but for what a thread does to itself. */
static void spawn(struct ms_workers *workers)
{
    static const int own_signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP};
    pthread_attr_t attributes;
    sigset_t all, before;

    if (pthread_attr_init(&attributes) != 0) {
        return;
    }
    pthread_attr_setstacksize(&attributes, STACK_SIZE);
    sigfillset(&all);
    for (size_t i = 0; i < sizeof own_signals / sizeof own_signals[0]; i++) {
        sigdelset(&all, own_signals[i]);
    }
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&workers->threads[workers->threads_count], &attributes, thread_main,
                       workers) == 0) {
        workers->threads_count++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
}

bool ms_workers_call_help(struct ms_workers *workers, bool is_urgent)
{
    const uint32_t busy = workers->threads_count - workers->idle;

    if (workers->ready.first == NULL) {
        return false;
    }
    if (workers->idle > workers->signaled) {
        workers->signaled++;
        workers->wakes++;
        return true;
    }
    if ((is_urgent || (workers->signaled == 0 && busy <= workers->slow)) &&
        workers->threads_count < workers->slots) {
        spawn(workers);
    }
    return false;
}

/* Waits for a job; NULL when the pool closes. Lock held. */
static struct ms_work *next_work(struct ms_workers *workers)
{
    while (workers->ready.first == NULL) {
        if (workers->is_closing) {
            return NULL;
        }
        workers->idle++;
        pthread_cond_wait(&workers->work, &workers->lock);
        workers->idle--;
        if (workers->signaled > 0) {
            workers->signaled--;
        }
    }
    workers->pops++;
    return fifo_pop(&workers->ready);
}

/* Runs one job; lock held before and after, not meanwhile. */
static void run_work(struct ms_workers *workers, struct ms_work *work)
{
    atomic_uint *cost = &workers->costs[work->task.plugin->index];
    const bool was_slow = is_slow(workers, work);
    bool notice = false, help = false;

    if (was_slow) {
        /* It may take long: nothing shall wait behind it. */
        workers->slow++;
        help = ms_workers_call_help(workers, false);
        notice = take_notice(workers);
    }
    pthread_mutex_unlock(&workers->lock);
    if (help) {
        pthread_cond_signal(&workers->work);
    }
    if (notice) {
        ev_async_send(workers->loop, &workers->notice);
    }
    const uint64_t start = ms_workers_clock_ns();

    work->wall_ns = start;
    const bool is_over = ms_task_run(&work->task);
    const uint64_t spent = ms_workers_clock_ns() - start;

    learn_cost(cost, spent);
    pthread_mutex_lock(&workers->lock);
    workers->slow -= was_slow;
    if (is_over) {
        work->wall_ns = spent;
        push_item(workers, &work->end);
    }
    if (workers->ready.first == NULL || workers->unnoticed >= NOTICES_MAX) {
        if (take_notice(workers)) {
            pthread_mutex_unlock(&workers->lock);
            ev_async_send(workers->loop, &workers->notice);
            pthread_mutex_lock(&workers->lock);
        }
    }
}

static void *thread_main(void *argument)
{
    struct ms_workers *workers = argument;

    pthread_mutex_lock(&workers->lock);
    for (;;) {
        struct ms_work *work = next_work(workers);

        if (work == NULL) {
            break;
        }
        run_work(workers, work);
    }
    pthread_mutex_unlock(&workers->lock);
    return NULL;
}

void ms_workers_send(struct ms_workers *workers, struct ms_workers_item *item)
{
    pthread_mutex_lock(&workers->lock);
    push_item(workers, item);
    if (!item->is_end) {
        workers->output_bytes += item->size;
        if (workers->output_bytes > MS_WORKERS_OUTPUT_MAX) {
            atomic_store_explicit(&workers->is_full, true, memory_order_relaxed);
        }
    }
    /* Under the lock: threads of a handler are not joined, and the workers may go once the item is seen. */
    if (take_notice(workers)) {
        ev_async_send(workers->loop, &workers->notice);
    }
    pthread_mutex_unlock(&workers->lock);
}

static bool task_piece(struct ms_task *task, enum ms_stream stream, struct ms_bytes bytes)
{
    struct ms_work *work = work_of(task);
    struct ms_workers_piece *piece = malloc(sizeof *piece + bytes.size);

    if (piece == NULL) {
        return false;
    }
    piece->item = (struct ms_workers_item){
        .work = work, .size = (uint32_t)bytes.size, .stream = (uint8_t)stream};
    memcpy(piece->bytes, bytes.data, bytes.size);
    ms_workers_send(work->workers, &piece->item);
    return true;
}

static void task_finished(struct ms_task *task)
{
    struct ms_work *work = work_of(task);

    work->wall_ns = ms_workers_clock_ns() - work->wall_ns;
    ms_workers_send(work->workers, &work->end);
}

static void task_throttle(struct ms_task *task)
{
    struct ms_workers *workers = work_of(task)->workers;

    if (!atomic_load_explicit(&workers->is_full, memory_order_relaxed)) {
        return;
    }
    pthread_mutex_lock(&workers->lock);
    while (workers->output_bytes > MS_WORKERS_OUTPUT_MAX && !workers->is_closing &&
           !atomic_load_explicit(&task->is_cancelled, memory_order_relaxed)) {
        pthread_cond_wait(&workers->room, &workers->lock);
    }
    pthread_mutex_unlock(&workers->lock);
}

const struct ms_task_ops ms_workers_task_ops = {task_piece, task_finished, task_throttle};
