#include "master/rare.h"

#include "core/invariant.h"
#include "master/journal.h"
#include "master/spool.h"
#include "master/work.h"

struct ms_rare *ms_rare_of(struct ms_work *work, struct ms_slab *slab)
{
    if (work->rare == NULL) {
        work->rare = ms_slab_take(slab, sizeof *work->rare);
        if (work->rare != NULL) {
            *work->rare = (struct ms_rare){0};
        }
    }
    return work->rare;
}

static bool grow(struct ms_rare *rare, struct ms_slab *slab)
{
    const uint32_t capacity = rare->past_capacity > 0 ? rare->past_capacity * 2 : 1;
    struct ms_past *past = ms_slab_take(slab, capacity * sizeof *past);

    if (past == NULL) {
        return false;
    }
    ms_assert(capacity <= MS_HISTORY_MAX);
    if (rare->past_count > 0) {
        memcpy(past, rare->past, rare->past_count * sizeof *past);
    }
    ms_slab_give(slab, rare->past, rare->past_capacity * sizeof *past);
    rare->past = past;
    rare->past_capacity = capacity;
    return true;
}

void ms_rare_add_past(struct ms_work *work, struct ms_slab *slab, struct ms_journal *journal,
                      const struct ms_past *past)
{
    struct ms_rare *rare = ms_rare_of(work, slab);

    if (rare != NULL && rare->past_count == MS_HISTORY_MAX) {
        ms_journal_erase(journal, rare->past[0].record);
        memmove(rare->past, rare->past + 1, (MS_HISTORY_MAX - 1) * sizeof *rare->past);
        rare->past_count--;
    }
    if (rare == NULL || (rare->past_count == rare->past_capacity && !grow(rare, slab))) {
        ms_journal_erase(journal, past->record);
        return;
    }
    rare->past[rare->past_count++] = *past;
}

void ms_rare_set_change(struct ms_work *work, struct ms_slab *slab, struct ms_journal *journal,
                        ms_seq record)
{
    struct ms_rare *rare = record == 0 ? NULL : ms_rare_of(work, slab);

    if (record == 0) {
        return;
    }
    if (rare == NULL) {
        journal->is_failed = true; /* the wish was told to be durable, and could never be erased */
        return;
    }
    ms_journal_erase(journal, rare->cancel_record);
    rare->cancel_record = record;
}

void ms_rare_drop_spool(struct ms_work *work, struct ms_slab *slab, struct ms_journal *journal)
{
    if (work->rare != NULL && work->rare->spool != NULL) {
        ms_spool_free(work->rare->spool, slab, journal);
        work->rare->spool = NULL;
    }
}

void ms_rare_free(struct ms_work *work, struct ms_slab *slab, struct ms_journal *journal)
{
    struct ms_rare *rare = work->rare;

    if (rare == NULL) {
        return;
    }
    ms_journal_erase_closed(journal, rare->submit_record);
    ms_journal_erase_closed(journal, rare->cancel_record);
    for (uint32_t i = 0; i < rare->past_count; i++) {
        ms_journal_erase_closed(journal, rare->past[i].record);
    }
    ms_rare_drop_spool(work, slab, journal);
    ms_slab_give(slab, rare->past, rare->past_capacity * sizeof *rare->past);
    ms_slab_give(slab, rare, sizeof *rare);
    work->rare = NULL;
}
