/* Which numbers of one client are closed: a floor and what lies scattered above it. */
#ifndef MASTER_CLOSED_H
#define MASTER_CLOSED_H

#include <stdbool.h>
#include <stdint.h>

#include "core/list.h"
#include "core/map.h"
#include "core/slab.h"
#include "core/types.h"

struct ms_span;

/* Every number up to floor is closed. Above it lie spans of 4096 numbers, which have a bit each, and runs of spans that are
 * closed entirely, which need none. Bounded: see ms_closed_is_full. */
struct ms_closed {
    uint64_t floor;
    struct ms_map spans;
    struct ms_span **runs; /* by their numbers */
    uint32_t runs_count, runs_capacity;
    struct ms_list list;    /* spans and runs, changed ones first */
    struct ms_list gone;    /* what says nothing any more and still has a record */
    uint32_t partial_count; /* spans that keep bits */
};

#define MS_CLOSED_SPAN_BYTES 512

/* A span, or a run of them, as its record tells it. */
struct ms_closed_span {
    uint64_t number; /* numbers from number * 4096 on */
    uint64_t count;  /* > 0: a run of so many spans; there are no bits */
    ms_seq *record;  /* of its former record, to be replaced by that of the new one; 0 = none */
    size_t size;     /* of bits, without zeros at the end */
    uint8_t bits[MS_CLOSED_SPAN_BYTES]; /* bit i % 8 of byte i / 8 is number i of the span */
};

void ms_closed_init(struct ms_closed *closed, uint64_t seed);
void ms_closed_finish(struct ms_closed *closed, struct ms_slab *slab);

bool ms_closed_has(const struct ms_closed *closed, uint64_t seq);

/* seq > 0; harmless when it is closed. False, with nothing remembered, when memory is out or the spans
 * are full. */
bool ms_closed_add(struct ms_closed *closed, struct ms_slab *slab, uint64_t seq);

/* The same for all of first .. last; last < UINT64_MAX. */
bool ms_closed_add_range(struct ms_closed *closed, struct ms_slab *slab, uint64_t first,
                         uint64_t last);

/* Any of first .. last, a bounded number of spans, is closed. */
bool ms_closed_has_any(const struct ms_closed *closed, uint64_t first, uint64_t last);

/* Everything up to floor is closed; a lower floor than before changes nothing. */
void ms_closed_raise(struct ms_closed *closed, struct ms_slab *slab, uint64_t floor);

/* The next span or run that changed since it was told last; false when there is none. */
bool ms_closed_next_changed(struct ms_closed *closed, struct ms_closed_span *span_out);

/* A record of what the floor has passed, or a run has swallowed; 0 when there is none left. */
ms_seq ms_closed_next_gone(struct ms_closed *closed, struct ms_slab *slab);

/* A span as it is read back, or, with count > 0, a run of so many. */
struct ms_closed_record {
    uint64_t number;
    uint64_t count;
    struct ms_bytes bits;
    ms_seq seq;
};

/* Its numbers are closed. *is_kept_out: there is a span or run that remembers the record; else it says nothing that is not said
 * elsewhere, or will be with the next that is told. False when memory is out. */
bool ms_closed_load(struct ms_closed *closed, struct ms_slab *slab,
                    const struct ms_closed_record *from, bool *is_kept_out);

/* True when the client has scattered its numbers so widely that no more is remembered: it should
 * submit nothing new until its floor rises. */
bool ms_closed_is_full(const struct ms_closed *closed);

#endif
