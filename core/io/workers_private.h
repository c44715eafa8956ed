/* The thread pool's inside, shared by its two halves: workers.c on the loop's thread, threads.c on
 * those of the handlers. */
#ifndef CORE_IO_WORKERS_PRIVATE_H
#define CORE_IO_WORKERS_PRIVATE_H

#include <stdatomic.h>

#include "core/io/task.h"
#include "core/io/workers.h"
#include "core/limits.h"

/* What travels back to the loop, in order. */
struct ms_workers_item {
    struct ms_workers_item *next;
    struct ms_work *work;
    uint32_t size; /* of a piece */
    uint8_t stream;
    bool is_end;
};

struct ms_workers_piece {
    struct ms_workers_item item;
    uint8_t bytes[];
};

/* A slot of the pool. */
struct ms_work {
    struct ms_task task; /* first */
    struct ms_workers *workers;
    struct ms_work *next; /* in batch, ready or free */
    struct ms_workers_item end;
    uint64_t wall_ns;
};

struct ms_workers_fifo {
    struct ms_work *first, *last;
    uint32_t count;
};

struct ms_workers {
    struct ms_executor executor; /* first */
    struct ev_loop *loop;
    struct ms_plugins *plugins;
    struct ms_host host;
    ev_async notice;
    ev_prepare flush;
    ev_timer watch;
    uint32_t slots;
    struct ms_work *works; /* one more than slots: an end is told while its work is still in use */
    struct ms_token *tokens; /* of each slot, {0, 0} = free: what abort searches */
    struct ms_work *free;
    struct ms_workers_fifo batch; /* submitted in this turn */
    uint32_t running;
    uint64_t pops_seen;                    /* by the watch */
    atomic_uint costs[MS_SLAVE_TYPES_MAX]; /* ns, of the handler's slowest recent runs */
    pthread_mutex_t lock;                  /* of everything below */
    pthread_cond_t work, room;
    struct ms_workers_fifo ready;
    struct ms_workers_item *items, **items_end;
    uint32_t unnoticed; /* items that nobody told the loop about */
    bool is_noticed;    /* the loop was told and has not looked yet */
    bool is_closing;
    size_t output_bytes;
    atomic_bool is_full; /* output_bytes is above its limit */
    uint32_t threads_count, idle, signaled, slow;
    uint64_t pops, wakes;
    pthread_t *threads;
};

extern const struct ms_task_ops ms_workers_task_ops;

uint64_t ms_workers_clock_ns(void);

/* Sees to it that somebody takes the next ready job: a thread that is on its way, or busy with quick
 * jobs, will do, unless it is urgent. Lock held. True when the caller is to signal `work`, after it
 * has let go of the lock: who wakes to find it taken has been woken twice. */
bool ms_workers_call_help(struct ms_workers *workers, bool is_urgent);

/* Puts an item on the queue and tells the loop, from any thread. */
void ms_workers_send(struct ms_workers *workers, struct ms_workers_item *item);

#endif
