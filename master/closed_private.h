/* What closed.c and closed_runs.c share: spans that keep bits, and runs of spans that need none. */
#ifndef MASTER_CLOSED_PRIVATE_H
#define MASTER_CLOSED_PRIVATE_H

#include "master/closed.h"

#define MS_SPAN_SHIFT 12
#define MS_SPAN_SIZE  (UINT64_C(1) << MS_SPAN_SHIFT)
#define MS_SPAN_WORDS (MS_SPAN_SIZE / 64)

/* One span with its bits; or a run, of spans number .. last, in which all is closed. */
struct ms_span {
    struct ms_list link;
    uint64_t number; /* of closed numbers >> MS_SPAN_SHIFT */
    uint64_t last;
    uint64_t highest; /* number closed in it */
    uint32_t count;   /* bits set */
    bool is_changed;  /* since it was told last */
    ms_seq record;    /* 0 = it was never told */
    uint64_t *bits;   /* NULL: a run */
};

/* The highest number in span number. */
static inline uint64_t ms_span_end(uint64_t number)
{
    return (number << MS_SPAN_SHIFT) | (MS_SPAN_SIZE - 1);
}

/* The span that keeps bits; NULL when there is none. */
struct ms_span *ms_closed_find_span(const struct ms_closed *closed, uint64_t number);

/* Its record comes next. */
void ms_closed_mark_changed(struct ms_closed *closed, struct ms_span *span);

/* It says nothing any more, be it a span or a run. A record that it has is still to be erased. */
void ms_closed_drop(struct ms_closed *closed, struct ms_slab *slab, struct ms_span *span);

/* The run in which span number lies; NULL when it is in none. */
struct ms_span *ms_closed_find_run(const struct ms_closed *closed, uint64_t number);

/* All numbers of first .. last are closed: one run, with those that it touches. Changed, unless there is nothing new in
 * it. False, with nothing remembered, when memory is out. */
bool ms_closed_add_run(struct ms_closed *closed, struct ms_slab *slab, uint64_t first,
                       uint64_t last);

/* A run above the floor as it is read back. False as above. */
bool ms_closed_load_run(struct ms_closed *closed, struct ms_slab *slab,
                        const struct ms_closed_record *from);

/* Takes it out of the runs. */
void ms_closed_take_run(struct ms_closed *closed, const struct ms_span *run);

/* Gives the room for runs back when there are none. */
void ms_closed_trim_runs(struct ms_closed *closed, struct ms_slab *slab);

#endif
