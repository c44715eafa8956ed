#include "master/closed.h"

#include <assert.h>

#include "core/invariant.h"
#include "core/limits.h"

#define SPAN_SHIFT 12
#define SPAN_SIZE  (UINT64_C(1) << SPAN_SHIFT)
#define SPAN_WORDS (SPAN_SIZE / 64)

struct span {
    struct ms_list link;
    uint64_t number;  /* seq >> SPAN_SHIFT */
    uint64_t highest; /* number closed in it */
    uint32_t count;   /* bits set */
    bool is_changed;  /* since it was told last */
    ms_seq record;    /* 0 = it was never told */
    uint64_t *bits;   /* NULL = all of them */
};

static_assert(MS_CLOSED_SPAN_BYTES * 8 == SPAN_SIZE, "a record holds the bits of a span");

void ms_closed_init(struct ms_closed *closed, uint64_t seed)
{
    ms_assert(closed != NULL);
    *closed = (struct ms_closed){0};
    ms_map_init(&closed->spans, SIZE_MAX / 4 / sizeof(struct ms_map_cell), seed);
    ms_list_init(&closed->list);
    ms_list_init(&closed->gone);
}

static struct span *find(const struct ms_closed *closed, uint64_t number)
{
    if (ms_map_count(&closed->spans) == 0) {
        return NULL;
    }
    return ms_map_find_pointer(&closed->spans, ms_key_of(number, 0));
}

static void drop_bits(struct ms_closed *closed, struct ms_slab *slab, struct span *span)
{
    if (span->bits != NULL) {
        ms_assert(closed->partial_count > 0);
        closed->partial_count--;
        ms_slab_give(slab, span->bits, SPAN_WORDS * sizeof *span->bits);
        span->bits = NULL;
    }
}

/* Its numbers are under the floor. Its record, if it has one, is still to be erased. */
static void drop(struct ms_closed *closed, struct ms_slab *slab, struct span *span)
{
    uint64_t value = ms_map_remove(&closed->spans, ms_key_of(span->number, 0));

    ms_assert(value != 0);
    drop_bits(closed, slab, span);
    ms_list_remove(&span->link);
    if (span->record != 0) {
        ms_list_push_back(&closed->gone, &span->link);
    } else {
        ms_slab_give(slab, span, sizeof *span);
    }
}

ms_seq ms_closed_next_gone(struct ms_closed *closed, struct ms_slab *slab)
{
    struct ms_list *link = ms_list_pop_front(&closed->gone);
    struct span *span;
    ms_seq record;

    if (link == NULL) {
        return 0;
    }
    span = ms_container_of(link, struct span, link);
    record = span->record;
    ms_assert(record != 0);
    ms_slab_give(slab, span, sizeof *span);
    return record;
}

void ms_closed_finish(struct ms_closed *closed, struct ms_slab *slab)
{
    if (closed == NULL || closed->list.next == NULL) {
        return;
    }
    ms_list_for_each(link, &closed->list)
    {
        drop(closed, slab, ms_container_of(link, struct span, link));
    }
    ms_assert(closed->partial_count == 0);
    while (ms_closed_next_gone(closed, slab) != 0) {
    }
    ms_map_finish(&closed->spans);
}

static bool bit_is_set(const struct span *span, uint64_t seq)
{
    uint64_t place = seq & (SPAN_SIZE - 1);

    return span->bits == NULL || ((span->bits[place / 64] >> (place % 64)) & 1) != 0;
}

bool ms_closed_has(const struct ms_closed *closed, uint64_t seq)
{
    const struct span *span;

    if (seq <= closed->floor) {
        return true;
    }
    span = find(closed, seq >> SPAN_SHIFT);
    return span != NULL && bit_is_set(span, seq);
}

/* Lets the floor rise through what was closed before its turn. */
static void advance(struct ms_closed *closed, struct ms_slab *slab)
{
    struct span *span;

    while ((span = find(closed, (closed->floor + 1) >> SPAN_SHIFT)) != NULL) {
        const uint64_t last = ((span->number + 1) << SPAN_SHIFT) - 1;

        if (span->bits == NULL) {
            closed->floor = last;
        }
        while (closed->floor < last && bit_is_set(span, closed->floor + 1)) {
            closed->floor++;
        }
        if (closed->floor < span->highest) {
            return;
        }
        drop(closed, slab, span);
    }
}

static struct span *add_span(struct ms_closed *closed, struct ms_slab *slab, uint64_t number)
{
    struct span *span;

    if (ms_closed_is_full(closed)) {
        return NULL;
    }
    span = ms_slab_take(slab, sizeof *span);
    if (span == NULL) {
        return NULL;
    }
    *span = (struct span){.number = number};
    ms_list_init(&span->link);
    span->bits = ms_slab_take(slab, SPAN_WORDS * sizeof *span->bits);
    if (span->bits == NULL || !ms_map_put_pointer(&closed->spans, ms_key_of(number, 0), span)) {
        ms_slab_give(slab, span->bits, SPAN_WORDS * sizeof *span->bits);
        ms_slab_give(slab, span, sizeof *span);
        return NULL;
    }
    memset(span->bits, 0, SPAN_WORDS * sizeof *span->bits);
    ms_list_push_back(&closed->list, &span->link);
    closed->partial_count++;
    return span;
}

static void mark_changed(struct ms_closed *closed, struct span *span)
{
    if (!span->is_changed) {
        span->is_changed = true;
        ms_list_remove(&span->link);
        ms_list_push_front(&closed->list, &span->link);
    }
}

bool ms_closed_add(struct ms_closed *closed, struct ms_slab *slab, uint64_t seq)
{
    struct span *span;

    ms_assert(seq > 0);
    if (seq <= closed->floor) {
        return true;
    }
    if (seq == closed->floor + 1) {
        closed->floor++;
        advance(closed, slab);
        return true;
    }
    span = find(closed, seq >> SPAN_SHIFT);
    if (span == NULL) {
        span = add_span(closed, slab, seq >> SPAN_SHIFT);
    }
    if (span == NULL) {
        return false;
    }
    if (!bit_is_set(span, seq)) {
        uint64_t place = seq & (SPAN_SIZE - 1);

        span->highest = seq > span->highest ? seq : span->highest;
        span->bits[place / 64] |= UINT64_C(1) << (place % 64);
        mark_changed(closed, span);
        if (++span->count == SPAN_SIZE) {
            drop_bits(closed, slab, span);
        }
    }
    return true;
}

/* All of its numbers. */
static bool fill(struct ms_closed *closed, struct ms_slab *slab, uint64_t number)
{
    struct span *span = find(closed, number);

    if (span == NULL) {
        span = add_span(closed, slab, number);
    }
    if (span == NULL) {
        return false;
    }
    span->highest = (number << SPAN_SHIFT) + SPAN_SIZE - 1;
    span->count = SPAN_SIZE;
    drop_bits(closed, slab, span);
    mark_changed(closed, span);
    return true;
}

bool ms_closed_add_range(struct ms_closed *closed, struct ms_slab *slab, uint64_t first,
                         uint64_t last)
{
    bool is_all = true;

    ms_assert(first > 0 && first <= last && last < UINT64_MAX);
    if (first <= closed->floor + 1) {
        ms_closed_raise(closed, slab, last);
        return true;
    }
    while (first <= last) {
        const uint64_t end = (first | (SPAN_SIZE - 1)) < last ? first | (SPAN_SIZE - 1) : last;

        if (end - first == SPAN_SIZE - 1) {
            is_all &= fill(closed, slab, first >> SPAN_SHIFT);
            first = end + 1;
        }
        for (; first <= end; first++) {
            is_all &= ms_closed_add(closed, slab, first);
        }
    }
    return is_all;
}

bool ms_closed_has_any(const struct ms_closed *closed, uint64_t first, uint64_t last)
{
    ms_assert(first <= last && last < UINT64_MAX);
    if (first <= closed->floor) {
        return true;
    }
    while (first <= last) {
        const uint64_t end = (first | (SPAN_SIZE - 1)) < last ? first | (SPAN_SIZE - 1) : last;
        const struct span *span = find(closed, first >> SPAN_SHIFT);

        for (; span != NULL && first <= end; first++) {
            if (bit_is_set(span, first)) {
                return true;
            }
        }
        first = end + 1;
    }
    return false;
}

bool ms_closed_next_changed(struct ms_closed *closed, struct ms_closed_span *span_out)
{
    struct ms_list *link = ms_list_first(&closed->list);
    struct span *span = link == NULL ? NULL : ms_container_of(link, struct span, link);

    if (span == NULL || !span->is_changed) {
        return false;
    }
    span->is_changed = false;
    ms_list_remove(link);
    ms_list_push_back(&closed->list, link);
    span_out->number = span->number;
    span_out->record = &span->record;
    span_out->size = 0;
    for (size_t i = 0; i < MS_CLOSED_SPAN_BYTES; i++) {
        const uint64_t word = span->bits == NULL ? UINT64_MAX : span->bits[i / 8];

        span_out->bits[i] = (uint8_t)(word >> (i % 8 * 8));
        if (span_out->bits[i] != 0) {
            span_out->size = i + 1;
        }
    }
    ms_assert(span_out->size > 0);
    return true;
}

bool ms_closed_load(struct ms_closed *closed, struct ms_slab *slab,
                    const struct ms_closed_record *from, bool *is_kept_out)
{
    const struct ms_bytes bits = from->bits;
    const uint64_t first = from->number << SPAN_SHIFT;
    struct span *span = find(closed, from->number);
    /* Outcomes that nobody wants any more were read back before: their numbers are in no record yet. */
    const bool was_changed = span != NULL && span->is_changed;

    for (uint64_t i = 0; i < bits.size * 8 && i < SPAN_SIZE; i++) {
        if (((bits.data[i / 8] >> (i % 8)) & 1) != 0 && first + i > 0 &&
            !ms_closed_add(closed, slab, first + i)) {
            return false;
        }
    }
    span = find(closed, from->number);
    *is_kept_out = span != NULL;
    if (span != NULL) {
        span->record = from->seq;
    }
    if (span != NULL && !was_changed) {
        span->is_changed = false;
        ms_list_remove(&span->link);
        ms_list_push_back(&closed->list, &span->link);
    }
    return true;
}

void ms_closed_raise(struct ms_closed *closed, struct ms_slab *slab, uint64_t floor)
{
    if (floor <= closed->floor) {
        return;
    }
    closed->floor = floor;
    ms_list_for_each(link, &closed->list)
    {
        struct span *span = ms_container_of(link, struct span, link);

        if (span->number < (floor + 1) >> SPAN_SHIFT) {
            drop(closed, slab, span);
        }
    }
    if (floor < UINT64_MAX) {
        advance(closed, slab);
    }
    ms_assert(closed->floor >= floor);
}

bool ms_closed_is_full(const struct ms_closed *closed)
{
    return closed->partial_count >= MS_CLOSED_CHUNKS_MAX;
}
