/* The young batches of a store: those of the last commits, in memory as they lie in the file.
 *
 * Most records are erased soon after they were put. So a commit writes its entries as one batch, and only
 * what survives the batch's time in the ring is moved, record by record, to where old ones lie. Batches
 * leave strictly in the order in which they came: therefore an erase in a batch, which always comes after
 * its put, may be forgotten when that batch leaves. One in which nothing lives leaves as soon as it is the
 * oldest, so that a busy store uses the same few pages and buffers again and again. Private to the store;
 * used by its thread. */
#ifndef CORE_IO_STORE_RING_H
#define CORE_IO_STORE_RING_H

#include "core/io/store_window.h"

#define MS_STORE_RING_SLOTS 256u

struct ms_store_ring {
    /* slots[batch % MS_STORE_RING_SLOTS], for first <= batch < next */
    struct ms_store_window *slots[MS_STORE_RING_SLOTS];
    uint64_t first, next;
    size_t bytes; /* of all batches, dead entries too */
};

void ms_store_ring_finish(struct ms_store_ring *ring);

/* The put of this number, if a young batch has it; NULL otherwise. *window_out is its batch. */
struct ms_store_put *ms_store_ring_find(const struct ms_store_ring *ring, ms_seq seq,
                                        struct ms_store_window **window_out);

/* Which batches have nothing more to keep, from first on: the first that stays. */
uint64_t ms_store_ring_spent(const struct ms_store_ring *ring);

/* Which must leave, from first on, before one of size bytes may come: the first that stays. */
uint64_t ms_store_ring_horizon(const struct ms_store_ring *ring, size_t size, size_t bytes_max);

static inline struct ms_store_window *ms_store_ring_at(const struct ms_store_ring *ring,
                                                       uint64_t batch)
{
    return ring->slots[batch % MS_STORE_RING_SLOTS];
}

/* Takes the oldest batch out; the caller owns it. */
struct ms_store_window *ms_store_ring_pop(struct ms_store_ring *ring);

/* The next batch; takes the window over. */
void ms_store_ring_push(struct ms_store_ring *ring, struct ms_store_window *window);

#endif
