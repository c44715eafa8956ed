#include "core/io/store_ring.h"

#include "core/invariant.h"

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

uint64_t ms_store_ring_horizon(const struct ms_store_ring *ring, size_t size, size_t bytes_max)
{
    const bool is_full = ring->next - ring->first >= MS_STORE_RING_SLOTS;
    const uint64_t stay = is_full ? MS_STORE_RING_SLOTS / 2 : MS_STORE_RING_SLOTS;
    uint64_t horizon = ring->first;
    size_t bytes = ring->bytes + size;

    while (horizon < ring->next && (ring->next - horizon >= stay || bytes > bytes_max)) {
        bytes -= ms_store_ring_at(ring, horizon)->size;
        horizon++;
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
