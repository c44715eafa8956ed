/* Commands of class strict that wait for a second disk. */
#include "core/invariant.h"
#include "master/queue.h"
#include "master/rare.h"
#include "master/targets.h"

bool ms_queue_may_start(const struct ms_queue *queue, const struct ms_work *work)
{
    const struct ms_array *array = ms_work_array(work);

    return ms_journal_may_start(queue->journal, work->durability,
                                array != NULL ? array->submit_record : work->record);
}

void ms_queue_part(struct ms_queue *queue, struct ms_work *work)
{
    ms_assert(work->state == MS_LIFE_READY && !work->is_in_doubt);
    ms_assert(!work->is_aside && !work->is_gated && !work->is_lone);
    ms_targets_remove(work); /* its timer goes on */
    if (work->rare != NULL) {
        ms_array_unready(work);
    }
    work->is_lone = true;
    ms_list_push_back(&queue->lone, &work->link);
    queue->lone_count++;
}

/* They wait about in the order of their records; one that comes late is on both disks with the next commit. */
bool ms_queue_can_join(const struct ms_queue *queue)
{
    const struct ms_list *first = queue->lone_count > 0 ? queue->lone.next : NULL;

    return first != NULL && ms_queue_may_start(queue, ms_container_of(first, struct ms_work, link));
}

void ms_queue_join(struct ms_queue *queue)
{
    for (uint32_t i = 0; i < MS_SWEEP_BURST && ms_queue_can_join(queue); i++) {
        struct ms_work *work = ms_work_of(ms_list_pop_front(&queue->lone));

        ms_assert(work->is_lone);
        work->is_lone = false;
        queue->lone_count--;
        if (work->rare == NULL || !ms_array_gate(work)) {
            ms_targets_push(queue, work, false);
        }
    }
}
