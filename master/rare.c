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
        ms_journal_erase(journal, rare->past[0].kick);
        ms_slab_give(slab, rare->past[0].detail, rare->past[0].detail_size);
        memmove(rare->past, rare->past + 1, (MS_HISTORY_MAX - 1) * sizeof *rare->past);
        rare->past_count--;
    }
    if (rare == NULL || (rare->past_count == rare->past_capacity && !grow(rare, slab))) {
        ms_journal_erase(journal, past->record);
        return;
    }
    struct ms_past *place = &rare->past[rare->past_count++];

    *place = *past;
    place->detail = NULL;
    if (past->detail_size > 0) {
        place->detail = ms_slab_copy(slab, past->detail, past->detail_size);
    }
    place->detail_size = place->detail != NULL ? past->detail_size : 0;
}

void ms_rare_set_change(struct ms_work *work, struct ms_slab *slab, struct ms_journal *journal,
                        enum ms_operation operation, const struct ms_change *change)
{
    struct ms_rare *rare = ms_rare_of(work, slab);

    ms_assert(operation > MS_OPERATION_NONE && operation < MS_OPERATION_COUNT);
    if (rare == NULL) {
        /* Else the record could never be erased. */
        journal->is_failed |= change->record != 0;
        return;
    }
    ms_journal_erase(journal, rare->changes[operation].record);
    rare->changes[operation] = *change;
}

void ms_rare_drop_change(struct ms_work *work, struct ms_journal *journal,
                         enum ms_operation operation)
{
    ms_assert(operation > MS_OPERATION_NONE && operation < MS_OPERATION_COUNT);
    if (work->rare != NULL) {
        ms_journal_erase(journal, work->rare->changes[operation].record);
        work->rare->changes[operation] = (struct ms_change){0};
    }
}

void ms_rare_keep_payload(struct ms_work *work, struct ms_slab *slab)
{
    struct ms_rare *rare = ms_rare_of(work, slab);

    ms_assert(!ms_work_is_finished(work));
    if (rare == NULL || rare->has_payload) {
        return;
    }
    rare->has_payload = true;
    rare->payload = work->block;
    rare->payload_size = work->size;
    rare->block_size = work->block_size;
    work->block = NULL;
    work->block_size = 0;
    work->size = 0;
}

void ms_rare_restore_payload(struct ms_work *work, struct ms_slab *slab)
{
    struct ms_rare *rare = work->rare;

    ms_assert(rare->has_payload);
    ms_slab_give(slab, work->block, work->block_size);
    work->block = rare->payload;
    work->block_size = rare->block_size;
    work->size = rare->payload_size;
    work->detail_size = 0;
    work->has_usage = false;
    rare->has_payload = false;
    rare->payload = NULL;
    rare->payload_size = 0;
    rare->block_size = 0;
}

void ms_rare_drop_payload(struct ms_work *work, struct ms_slab *slab)
{
    struct ms_rare *rare = work->rare;

    if (rare == NULL) {
        return;
    }
    ms_slab_give(slab, rare->payload, rare->block_size);
    rare->has_payload = false;
    rare->payload = NULL;
    rare->payload_size = 0;
    rare->block_size = 0;
}

void ms_rare_keep_unique(struct ms_work *work, struct ms_slab *slab, struct ms_bytes unique)
{
    struct ms_rare *rare = work->rare;

    ms_assert(rare != NULL && unique.size <= MS_UNIQUE_KEY_MAX);
    if (rare->unique == NULL && unique.size > 0) {
        rare->unique = ms_slab_copy(slab, unique.data, unique.size);
        rare->unique_size = rare->unique != NULL ? (uint8_t)unique.size : 0;
    }
}

void ms_rare_drop_unique(struct ms_work *work, struct ms_slab *slab)
{
    struct ms_rare *rare = work->rare;

    if (rare != NULL) {
        ms_slab_give(slab, rare->unique, rare->unique_size);
        rare->unique = NULL;
        rare->unique_size = 0;
    }
}

static bool keep_key(struct ms_rare *rare, struct ms_slab *slab, struct ms_bytes key)
{
    ms_assert(rare->key == NULL && key.size <= MS_KEY_MAX);
    if (key.size > 0) {
        rare->key = ms_slab_copy(slab, key.data, key.size);
        rare->key_size = rare->key != NULL ? (uint8_t)key.size : 0;
    }
    return rare->key_size == key.size;
}

bool ms_rare_keep_terms(struct ms_work *work, struct ms_slab *slab, const struct ms_terms *terms,
                        ms_time wall_offset)
{
    if (terms == NULL || (terms->deadline == 0 && terms->key.size == 0)) {
        return true;
    }
    ms_assert(terms->deadline >= 0 && terms->array_count == 0);
    if (ms_rare_of(work, slab) == NULL) {
        return false;
    }
    if (terms->deadline != 0) {
        work->rare->has_deadline = true;
        work->rare->deadline = terms->deadline - wall_offset;
    }
    return keep_key(work->rare, slab, terms->key);
}

void ms_rare_end_terms(struct ms_work *work, struct ms_slab *slab)
{
    struct ms_rare *rare = work->rare;

    ms_assert(ms_work_is_finished(work));
    if (rare != NULL) {
        rare->has_deadline = false;
    }
    if (rare != NULL && !rare->has_payload) {
        ms_rare_drop_key(work, slab);
    }
}

void ms_rare_drop_key(struct ms_work *work, struct ms_slab *slab)
{
    struct ms_rare *rare = work->rare;

    if (rare != NULL) {
        ms_slab_give(slab, rare->key, rare->key_size);
        rare->key = NULL;
        rare->key_size = 0;
    }
}

bool ms_rare_needs_submission(const struct ms_rare *rare)
{
    if (rare == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < rare->past_count; i++) {
        if (rare->past[i].record != 0) {
            return true;
        }
    }
    for (int i = 0; i < MS_OPERATION_COUNT; i++) {
        if (rare->changes[i].record != 0) {
            return true;
        }
    }
    return rare->has_payload;
}

size_t ms_rare_bytes(const struct ms_rare *rare)
{
    size_t bytes;

    if (rare == NULL) {
        return 0;
    }
    bytes = ms_slab_cost(sizeof *rare);
    if (rare->past != NULL) {
        bytes += ms_slab_cost(rare->past_capacity * sizeof *rare->past);
    }
    for (uint32_t i = 0; i < rare->past_count; i++) {
        bytes += rare->past[i].detail != NULL ? ms_slab_cost(rare->past[i].detail_size) : 0;
    }
    bytes += rare->unique != NULL ? ms_slab_cost(rare->unique_size) : 0;
    bytes += rare->key != NULL ? ms_slab_cost(rare->key_size) : 0;
    return bytes + (rare->payload != NULL ? ms_slab_cost(rare->block_size) : 0);
}

void ms_rare_drop_spool(struct ms_work *work, struct ms_slab *slab, struct ms_journal *journal)
{
    if (work->rare != NULL && work->rare->spool != NULL) {
        ms_spool_free(work->rare->spool, slab, journal);
        work->rare->spool = NULL;
    }
}

void ms_rare_drop_records(struct ms_work *work, struct ms_slab *slab, struct ms_journal *journal)
{
    struct ms_rare *rare = work->rare;

    ms_assert(ms_work_is_finished(work));
    if (rare == NULL) {
        return;
    }
    ms_journal_erase(journal, rare->submit_record);
    rare->submit_record = 0;
    rare->had_claim = false;
    for (int i = MS_OPERATION_NONE + 1; i < MS_OPERATION_COUNT; i++) {
        ms_rare_drop_change(work, journal, (enum ms_operation)i);
    }
    for (uint32_t i = 0; i < rare->past_count; i++) {
        ms_journal_erase(journal, rare->past[i].record);
        ms_journal_erase(journal, rare->past[i].kick);
        ms_slab_give(slab, rare->past[i].detail, rare->past[i].detail_size);
    }
    rare->past_count = 0;
}

void ms_rare_free(struct ms_work *work, struct ms_slab *slab, struct ms_journal *journal)
{
    struct ms_rare *rare = work->rare;

    if (rare == NULL) {
        return;
    }
    ms_journal_erase_closed(journal, rare->submit_record);
    for (int i = 0; i < MS_OPERATION_COUNT; i++) {
        ms_journal_erase_closed(journal, rare->changes[i].record);
    }
    for (uint32_t i = 0; i < rare->past_count; i++) {
        ms_journal_erase_closed(journal, rare->past[i].record);
        ms_journal_erase_closed(journal, rare->past[i].kick);
        ms_slab_give(slab, rare->past[i].detail, rare->past[i].detail_size);
    }
    ms_rare_drop_spool(work, slab, journal);
    ms_rare_drop_payload(work, slab);
    ms_rare_drop_unique(work, slab);
    ms_rare_drop_key(work, slab);
    ms_slab_give(slab, rare->past, rare->past_capacity * sizeof *rare->past);
    ms_slab_give(slab, rare, sizeof *rare);
    work->rare = NULL;
}
