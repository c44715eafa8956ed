#include "master/block.h"

#include <string.h>

#include "core/invariant.h"

/* Blocks this much larger than what they hold are exchanged for a smaller one. */
#define SLACK_MIN 1024u

bool ms_block_copy(struct ms_work *work, struct ms_slab *slab, struct ms_bytes payload)
{
    ms_assert(work->block == NULL);
    work->size = (uint32_t)payload.size;
    work->block_size = work->size;
    if (payload.size == 0) {
        return true;
    }
    work->block = ms_slab_copy(slab, payload.data, payload.size);
    return work->block != NULL;
}

/* Makes room for size bytes in the work's block; what was in it is lost. */
static bool reshape(struct ms_work *work, struct ms_slab *slab, size_t size)
{
    uint8_t *block = NULL;

    if (size <= work->block_size && (size_t)work->block_size - size <= SLACK_MIN + size) {
        return true;
    }
    ms_assert(size <= UINT32_MAX);
    if (size > 0) {
        block = ms_slab_take(slab, size);
        if (block == NULL) {
            return size <= work->block_size;
        }
    }
    ms_slab_give(slab, work->block, work->block_size);
    work->block = block;
    work->block_size = (uint32_t)size;
    return true;
}

static size_t outcome_size(const struct ms_record *outcome)
{
    return outcome->payload.size + outcome->detail.size +
           (outcome->usage != NULL ? sizeof *outcome->usage : 0);
}

bool ms_block_make_room(struct ms_work *work, struct ms_slab *slab, const struct ms_record *outcome)
{
    ms_assert(outcome->detail.size <= MS_DETAIL_MAX);
    if (!reshape(work, slab, outcome_size(outcome))) {
        return false;
    }
    work->size = 0;
    work->detail_size = 0;
    work->has_usage = false;
    return true;
}

void ms_block_keep(struct ms_work *work, const struct ms_record *record)
{
    uint8_t *at = work->block;

    ms_assert(outcome_size(record) <= work->block_size);
    work->status = record->status;
    work->code = record->code;
    work->signal = record->signal;
    work->attempt = record->attempt;
    work->failures = (uint16_t)record->failures;
    work->crashes = (uint16_t)record->crashes;
    work->size = (uint32_t)record->payload.size;
    work->detail_size = (uint16_t)record->detail.size;
    work->has_usage = record->usage != NULL;
    if (work->has_usage) {
        memcpy(at, record->usage, sizeof *record->usage);
        at += sizeof *record->usage;
    }
    if (work->size > 0) {
        memcpy(at, record->payload.data, work->size);
        at += work->size;
    }
    if (work->detail_size > 0) {
        memcpy(at, record->detail.data, work->detail_size);
    }
}
