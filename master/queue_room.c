#include "master/queue.h"

#include "core/invariant.h"
#include "master/block.h"
#include "master/output.h"
#include "master/rare.h"
#include "master/tail.h"

void ms_queue_limit(struct ms_queue *queue, const struct ms_master_limits *limits)
{
    const uint32_t places = ms_pool_capacity(&queue->pool);

    ms_assert(limits->commands_max > 0 && limits->bytes_max > 0);
    queue->commands_max = limits->commands_max < places ? limits->commands_max : places;
    queue->bytes_max = limits->bytes_max;
    queue->keep_bytes = limits->keep_bytes;
    queue->slab.max =
        limits->bytes_max + limits->keep_bytes + MS_RESULT_RESERVE + MS_TAIL_BYTES_MAX;
}

bool ms_queue_has_room(const struct ms_queue *queue, uint32_t count, size_t size)
{
    const uint64_t live =
        ms_queue_count(queue) - ms_heap_count(&queue->archive) + queue->arrays.waiting_count;

    const uint64_t beside = queue->archive_bytes + (queue->tails != NULL ? queue->tails->bytes : 0);

    ms_assert(beside <= ms_slab_used(&queue->slab));
    return live + count <= queue->commands_max &&
           ms_slab_used(&queue->slab) - beside + ms_slab_cost(size) <= queue->bytes_max;
}

/* What is buried keeps its payload, so that it can be kicked, as long as there is memory for both. Not one that
 * came in parts: these are large, and go with the last attempt. */
bool ms_queue_make_room(struct ms_queue *queue, struct ms_work *work,
                        const struct ms_record *outcome)
{
    bool is_made;

    ms_assert(outcome->detail.size <= MS_DETAIL_MAX);
    if (ms_life_buries((enum ms_life_event)outcome->event) && work->state != MS_LIFE_NONE &&
        (work->flags & MS_FLAG_PARTS) == 0 && (!ms_work_is_once(work) || work->attempt == 0)) {
        ms_rare_keep_payload(work, &queue->slab);
    }
    is_made = ms_block_make_room(work, &queue->slab, outcome);
    if (!is_made && work->rare != NULL && work->rare->has_payload) {
        ms_rare_drop_payload(work, &queue->slab);
        is_made = ms_block_make_room(work, &queue->slab, outcome);
    }
    return is_made;
}

void ms_queue_abandon(struct ms_queue *queue)
{
    uint32_t cursor = 0;
    struct ms_work *work;

    while (queue->pool.chunks != NULL && (work = ms_pool_next(&queue->pool, &cursor)) != NULL) {
        ms_output_discard(queue, work);
        ms_rare_free(work, &queue->slab, queue->journal);
        ms_slab_give(&queue->slab, work->block, work->block_size);
        work->block = NULL;
        work->block_size = 0;
    }
}
