#include "master/closed_private.h"

#include <assert.h>

#include "core/invariant.h"
#include "core/limits.h"

static_assert(MS_CLOSED_SPAN_BYTES * 8 == MS_SPAN_SIZE, "a record holds the bits of a span");

void ms_closed_init(struct ms_closed *closed, uint64_t seed)
{
    ms_assert(closed != NULL);
    *closed = (struct ms_closed){0};
    ms_map_init(&closed->spans, SIZE_MAX / 4 / sizeof(struct ms_map_cell), seed);
    ms_list_init(&closed->list);
    ms_list_init(&closed->gone);
}

struct ms_span *ms_closed_find_span(const struct ms_closed *closed, uint64_t number)
{
    if (ms_map_count(&closed->spans) == 0) {
        return NULL;
    }
    return ms_map_find_pointer(&closed->spans, ms_key_of(number, 0));
}

static void drop_bits(struct ms_closed *closed, struct ms_slab *slab, struct ms_span *span)
{
    ms_assert(closed->partial_count > 0);
    closed->partial_count--;
    ms_slab_give(slab, span->bits, MS_SPAN_WORDS * sizeof *span->bits);
}

void ms_closed_drop(struct ms_closed *closed, struct ms_slab *slab, struct ms_span *span)
{
    if (span->bits == NULL) {
        ms_closed_take_run(closed, span);
    } else {
        uint64_t value = ms_map_remove(&closed->spans, ms_key_of(span->number, 0));

        ms_assert(value != 0);
        drop_bits(closed, slab, span);
    }
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
    struct ms_span *span;
    ms_seq record;

    if (link == NULL) {
        return 0;
    }
    span = ms_container_of(link, struct ms_span, link);
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
        ms_closed_drop(closed, slab, ms_container_of(link, struct ms_span, link));
    }
    ms_assert(closed->partial_count == 0 && closed->runs_count == 0);
    ms_closed_trim_runs(closed, slab);
    while (ms_closed_next_gone(closed, slab) != 0) {
    }
    ms_map_finish(&closed->spans);
}

static bool bit_is_set(const struct ms_span *span, uint64_t seq)
{
    uint64_t place = seq & (MS_SPAN_SIZE - 1);

    return ((span->bits[place / 64] >> (place % 64)) & 1) != 0;
}

bool ms_closed_has(const struct ms_closed *closed, uint64_t seq)
{
    const struct ms_span *span;

    if (seq <= closed->floor) {
        return true;
    }
    span = ms_closed_find_span(closed, seq >> MS_SPAN_SHIFT);
    return span != NULL ? bit_is_set(span, seq)
                        : ms_closed_find_run(closed, seq >> MS_SPAN_SHIFT) != NULL;
}

/* Through the run or the span that the next number is in. False: that number is open. */
static bool advance_once(struct ms_closed *closed, struct ms_slab *slab)
{
    const uint64_t number = (closed->floor + 1) >> MS_SPAN_SHIFT;
    struct ms_span *span, *run;

    if (closed->floor == UINT64_MAX) {
        return false;
    }
    span = ms_closed_find_span(closed, number);
    if (span == NULL) {
        run = ms_closed_find_run(closed, number);
        if (run != NULL) {
            closed->floor = run->highest;
            ms_closed_drop(closed, slab, run);
        }
        return run != NULL;
    }
    while (closed->floor < span->highest && bit_is_set(span, closed->floor + 1)) {
        closed->floor++;
    }
    if (closed->floor < span->highest) {
        return false;
    }
    ms_closed_drop(closed, slab, span);
    return closed->floor == ms_span_end(number);
}

/* Lets the floor rise through what was closed before its turn. */
static void advance(struct ms_closed *closed, struct ms_slab *slab)
{
    while (advance_once(closed, slab)) {
    }
    ms_closed_trim_runs(closed, slab);
}

static struct ms_span *add_span(struct ms_closed *closed, struct ms_slab *slab, uint64_t number)
{
    struct ms_span *span;

    if (ms_closed_is_full(closed)) {
        return NULL;
    }
    span = ms_slab_take(slab, sizeof *span);
    if (span == NULL) {
        return NULL;
    }
    *span = (struct ms_span){.number = number, .last = number};
    ms_list_init(&span->link);
    span->bits = ms_slab_take(slab, MS_SPAN_WORDS * sizeof *span->bits);
    if (span->bits == NULL || !ms_map_put_pointer(&closed->spans, ms_key_of(number, 0), span)) {
        ms_slab_give(slab, span->bits, MS_SPAN_WORDS * sizeof *span->bits);
        ms_slab_give(slab, span, sizeof *span);
        return NULL;
    }
    memset(span->bits, 0, MS_SPAN_WORDS * sizeof *span->bits);
    ms_list_push_back(&closed->list, &span->link);
    closed->partial_count++;
    return span;
}

void ms_closed_mark_changed(struct ms_closed *closed, struct ms_span *span)
{
    if (!span->is_changed) {
        span->is_changed = true;
        ms_list_remove(&span->link);
        ms_list_push_front(&closed->list, &span->link);
    }
}

bool ms_closed_add(struct ms_closed *closed, struct ms_slab *slab, uint64_t seq)
{
    struct ms_span *span;

    ms_assert(seq > 0);
    if (seq <= closed->floor) {
        return true;
    }
    if (seq == closed->floor + 1) {
        closed->floor++;
        advance(closed, slab);
        return true;
    }
    span = ms_closed_find_span(closed, seq >> MS_SPAN_SHIFT);
    if (span == NULL && ms_closed_find_run(closed, seq >> MS_SPAN_SHIFT) != NULL) {
        return true;
    }
    if (span == NULL) {
        span = add_span(closed, slab, seq >> MS_SPAN_SHIFT);
    }
    if (span == NULL) {
        return false;
    }
    if (!bit_is_set(span, seq)) {
        uint64_t place = seq & (MS_SPAN_SIZE - 1);

        span->highest = seq > span->highest ? seq : span->highest;
        span->bits[place / 64] |= UINT64_C(1) << (place % 64);
        ms_closed_mark_changed(closed, span);
        if (++span->count == MS_SPAN_SIZE) { /* it keeps its bits when memory is out */
            ms_closed_add_run(closed, slab, span->number, span->number);
        }
    }
    return true;
}

bool ms_closed_add_range(struct ms_closed *closed, struct ms_slab *slab, uint64_t first,
                         uint64_t last)
{
    const uint64_t whole = (first + MS_SPAN_SIZE - 1) >> MS_SPAN_SHIFT;
    const uint64_t end = (last + 1) >> MS_SPAN_SHIFT; /* first of all that is not whole any more */
    bool is_all = true;

    ms_assert(first > 0 && first <= last && last < UINT64_MAX);
    if (first <= closed->floor + 1) {
        ms_closed_raise(closed, slab, last);
        return true;
    }
    if (whole < end) {
        is_all = ms_closed_add_run(closed, slab, whole, end - 1);
    }
    for (uint64_t seq = first; seq <= last; seq++) {
        if (whole < end && seq == whole << MS_SPAN_SHIFT) {
            seq = end << MS_SPAN_SHIFT;
        }
        is_all &= seq > last || ms_closed_add(closed, slab, seq);
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
        const uint64_t end =
            (first | (MS_SPAN_SIZE - 1)) < last ? first | (MS_SPAN_SIZE - 1) : last;
        const struct ms_span *span = ms_closed_find_span(closed, first >> MS_SPAN_SHIFT);

        if (ms_closed_find_run(closed, first >> MS_SPAN_SHIFT) != NULL) {
            return true;
        }
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
    struct ms_span *span = link == NULL ? NULL : ms_container_of(link, struct ms_span, link);

    if (span == NULL || !span->is_changed) {
        return false;
    }
    span->is_changed = false;
    ms_list_remove(link);
    ms_list_push_back(&closed->list, link);
    span_out->number = span->number;
    span_out->count = span->bits == NULL ? span->last - span->number + 1 : 0;
    span_out->record = &span->record;
    span_out->size = 0;
    for (size_t i = 0; i < MS_CLOSED_SPAN_BYTES && span->bits != NULL; i++) {
        span_out->bits[i] = (uint8_t)(span->bits[i / 8] >> (i % 8 * 8));
        if (span_out->bits[i] != 0) {
            span_out->size = i + 1;
        }
    }
    ms_assert(span_out->size > 0 || span_out->count > 0);
    return true;
}

static bool load_run(struct ms_closed *closed, struct ms_slab *slab,
                     const struct ms_closed_record *from, bool *is_kept_out)
{
    const uint64_t end = ms_span_end(from->number + from->count - 1);

    *is_kept_out = from->number << MS_SPAN_SHIFT > closed->floor + 1 && closed->floor < end;
    if (*is_kept_out) {
        return ms_closed_load_run(closed, slab, from);
    }
    ms_closed_raise(closed, slab, end);
    return true;
}

bool ms_closed_load(struct ms_closed *closed, struct ms_slab *slab,
                    const struct ms_closed_record *from, bool *is_kept_out)
{
    const struct ms_bytes bits = from->bits;
    const uint64_t first = from->number << MS_SPAN_SHIFT;
    struct ms_span *span = ms_closed_find_span(closed, from->number);
    /* Outcomes that nobody wants any more were read back before: their numbers are in no record yet. */
    const bool was_changed = span != NULL && span->is_changed;

    if (from->count > 0) {
        return load_run(closed, slab, from, is_kept_out);
    }
    for (uint64_t i = 0; i < bits.size * 8 && i < MS_SPAN_SIZE; i++) {
        if (((bits.data[i / 8] >> (i % 8)) & 1) != 0 && first + i > 0 &&
            !ms_closed_add(closed, slab, first + i)) {
            return false;
        }
    }
    span = ms_closed_find_span(closed, from->number);
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
        struct ms_span *span = ms_container_of(link, struct ms_span, link);

        if (span->last < (floor + 1) >> MS_SPAN_SHIFT) {
            ms_closed_drop(closed, slab, span);
        }
    }
    advance(closed, slab);
    ms_assert(closed->floor >= floor);
}

bool ms_closed_is_full(const struct ms_closed *closed)
{
    return closed->partial_count >= MS_CLOSED_CHUNKS_MAX;
}
