/* Runs: spans one behind the other in which every number is closed. However many commands pass one that stays open, they
 * are one run; so there are no more of them than spans that keep bits and gaps that a client left. */
#include "core/invariant.h"
#include "master/closed_private.h"

#define RUNS_MIN 8

/* How many runs begin at or below a span. */
static uint32_t count_up_to(const struct ms_closed *closed, uint64_t number)
{
    uint32_t low = 0, high = closed->runs_count;

    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;

        if (closed->runs[middle]->number <= number) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct ms_span *ms_closed_find_run(const struct ms_closed *closed, uint64_t number)
{
    const uint32_t count = count_up_to(closed, number);
    struct ms_span *run = count > 0 ? closed->runs[count - 1] : NULL;

    return run != NULL && run->last >= number ? run : NULL;
}

static void give_runs(struct ms_closed *closed, struct ms_slab *slab)
{
    ms_slab_give(slab, closed->runs, closed->runs_capacity * sizeof(struct ms_span *));
    closed->runs = NULL;
    closed->runs_capacity = 0;
}

static bool reserve(struct ms_closed *closed, struct ms_slab *slab)
{
    const uint32_t capacity = closed->runs_capacity > 0 ? closed->runs_capacity * 2 : RUNS_MIN;
    struct ms_span **runs;

    if (closed->runs_count < closed->runs_capacity) {
        return true;
    }
    runs = ms_slab_take(slab, capacity * sizeof *runs);
    if (runs == NULL) {
        return false;
    }
    if (closed->runs_count > 0) {
        memcpy(runs, closed->runs, closed->runs_count * sizeof *runs);
    }
    give_runs(closed, slab);
    closed->runs = runs;
    closed->runs_capacity = capacity;
    return true;
}

static void put(struct ms_closed *closed, struct ms_span *run)
{
    const uint32_t place = count_up_to(closed, run->number);

    ms_assert(closed->runs_count < closed->runs_capacity);
    memmove(closed->runs + place + 1, closed->runs + place,
            (closed->runs_count - place) * sizeof(struct ms_span *));
    closed->runs[place] = run;
    closed->runs_count++;
    ms_list_push_back(&closed->list, &run->link);
}

void ms_closed_take_run(struct ms_closed *closed, const struct ms_span *run)
{
    const uint32_t place = count_up_to(closed, run->number) - 1;

    ms_assert(closed->runs[place] == run);
    closed->runs_count--;
    memmove(closed->runs + place, closed->runs + place + 1,
            (closed->runs_count - place) * sizeof(struct ms_span *));
}

void ms_closed_trim_runs(struct ms_closed *closed, struct ms_slab *slab)
{
    if (closed->runs_count == 0) {
        give_runs(closed, slab);
    }
}

/* Drops the runs that lie in the run, which grows by what they have beyond it. */
static void swallow_runs(struct ms_closed *closed, struct ms_slab *slab, struct ms_span *run,
                         uint64_t margin)
{
    uint32_t count;

    while ((count = count_up_to(closed, run->last + margin)) > 0) {
        struct ms_span *other = closed->runs[count - 1];

        if (other->last + margin < run->number) {
            return;
        }
        run->number = other->number < run->number ? other->number : run->number;
        run->last = other->last > run->last ? other->last : run->last;
        ms_closed_drop(closed, slab, other);
    }
}

static void swallow_spans(struct ms_closed *closed, struct ms_slab *slab, const struct ms_span *run)
{
    struct ms_span *span;

    if (run->last - run->number < closed->partial_count) {
        for (uint64_t i = run->number; i <= run->last; i++) {
            if ((span = ms_closed_find_span(closed, i)) != NULL) {
                ms_closed_drop(closed, slab, span);
            }
        }
        return;
    }
    ms_list_for_each(link, &closed->list)
    {
        span = ms_container_of(link, struct ms_span, link);
        if (span->bits != NULL && span->number >= run->number && span->number <= run->last) {
            ms_closed_drop(closed, slab, span);
        }
    }
}

/* margin: how far apart are those that become one. */
static struct ms_span *make(struct ms_closed *closed, struct ms_slab *slab, uint64_t first,
                            uint64_t last, uint64_t margin)
{
    struct ms_span *run = reserve(closed, slab) ? ms_slab_take(slab, sizeof *run) : NULL;

    if (run == NULL) {
        return NULL;
    }
    *run = (struct ms_span){.number = first, .last = last};
    ms_list_init(&run->link);
    swallow_spans(closed, slab, run);
    swallow_runs(closed, slab, run, margin);
    run->highest = ms_span_end(run->last);
    put(closed, run);
    return run;
}

bool ms_closed_add_run(struct ms_closed *closed, struct ms_slab *slab, uint64_t first,
                       uint64_t last)
{
    struct ms_span *run = ms_closed_find_run(closed, first);

    ms_assert(first > 0 && first <= last && last <= UINT64_MAX >> MS_SPAN_SHIFT);
    if (run != NULL && run->last >= last) {
        return true;
    }
    run = make(closed, slab, first, last, 1);
    if (run != NULL) {
        ms_closed_mark_changed(closed, run);
    }
    return run != NULL;
}

/* Neighbours keep their records until one of them changes. Whatever it overlaps was read back from outcomes before. */
bool ms_closed_load_run(struct ms_closed *closed, struct ms_slab *slab,
                        const struct ms_closed_record *from)
{
    const uint64_t last = from->number + from->count - 1;
    struct ms_span *run = make(closed, slab, from->number, last, 0);

    if (run == NULL) {
        return false;
    }
    run->record = from->seq;
    if (run->number < from->number || run->last > last) {
        ms_closed_mark_changed(closed, run);
    }
    return true;
}
