#include "core/io/store_ring.h"

#include "core/invariant.h"

/* Of the batches in which nothing lives, so many leave with one commit: a long row of them, behind one that
 * lived long, holds no commit up. */
#define SPENT_MAX 4

/* A batch that has been followed by so many, and of whose records at most this share lives, gives these few
 * up to the old ones: they would hold up all that came after. */
#define STALE_AGE   16
#define STALE_SHARE 64

/* When the ring has no place left, so many more of few records leave together: where old ones lie is touched once for
 * all of them. */
#define TOGETHER_BATCHES 31
#define TOGETHER_RECORDS 64

void ms_store_ring_finish(struct ms_store_ring *ring)
{
    while (ring->first < ring->next) {
        ms_store_window_destroy(ms_store_ring_pop(ring));
    }
}

/* Numbers rise from batch to batch too: the one in question is the first that covers seq. */
struct ms_store_put *ms_store_ring_find(const struct ms_store_ring *ring, ms_seq seq,
                                        struct ms_store_window **window_out)
{
    uint64_t low = ring->first, high = ring->next;

    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        struct ms_store_window *window = ms_store_ring_at(ring, middle);

        if (window->seq < seq) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == ring->next) {
        return NULL;
    }
    *window_out = ms_store_ring_at(ring, low);
    return ms_store_window_find(*window_out, seq);
}

static bool is_spent(const struct ms_store_ring *ring, uint64_t batch)
{
    const struct ms_store_window *window = ms_store_ring_at(ring, batch);

    ms_assert(window->live <= window->count);
    return window->live == 0 ||
           (ring->next - batch > STALE_AGE && window->live <= window->count / STALE_SHARE);
}

uint64_t ms_store_ring_spent(const struct ms_store_ring *ring)
{
    uint64_t horizon = ring->first;

    while (horizon < ring->next && horizon - ring->first < SPENT_MAX && is_spent(ring, horizon)) {
        horizon++;
    }
    return horizon;
}

/* From horizon on, as many small ones as leave at little cost. */
static uint64_t together(const struct ms_store_ring *ring, uint64_t horizon)
{
    size_t records = 0;

    for (uint64_t end = horizon + TOGETHER_BATCHES; horizon < end && horizon < ring->next;
         horizon++) {
        records += ms_store_ring_at(ring, horizon)->live;
        if (records > TOGETHER_RECORDS) {
            break;
        }
    }
    return horizon;
}

uint64_t ms_store_ring_horizon(const struct ms_store_ring *ring, size_t size, size_t bytes_max)
{
    uint64_t horizon = ms_store_ring_spent(ring);
    size_t bytes = ring->bytes + size;

    for (uint64_t batch = ring->first; batch < horizon; batch++) {
        bytes -= ms_store_ring_at(ring, batch)->size;
    }
    while (horizon < ring->next && bytes > bytes_max) {
        bytes -= ms_store_ring_at(ring, horizon)->size;
        horizon++;
    }
    if (ring->next - horizon >= MS_STORE_RING_SLOTS) {
        horizon = together(ring, horizon + 1);
    }
    return horizon;
}

struct ms_store_window *ms_store_ring_pop(struct ms_store_ring *ring)
{
    struct ms_store_window *window = ms_store_ring_at(ring, ring->first);

    ms_assert(ring->first < ring->next);
    ms_assert(ring->bytes >= window->size);
    ring->bytes -= window->size;
    ring->slots[ring->first % MS_STORE_RING_SLOTS] = NULL;
    ring->first++;
    return window;
}

void ms_store_ring_push(struct ms_store_ring *ring, struct ms_store_window *window)
{
    ms_assert(ring->next - ring->first < MS_STORE_RING_SLOTS);
    ring->slots[ring->next % MS_STORE_RING_SLOTS] = window;
    ring->next++;
    ring->bytes += window->size;
}
