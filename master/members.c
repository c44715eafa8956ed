#include "master/members.h"

#include "core/invariant.h"
#include "master/arrays.h"
#include "master/groups.h"
#include "master/rare.h"

bool ms_members_join(struct ms_queue *queue, ms_time now, struct ms_work *work,
                     const struct ms_record *record)
{
    struct ms_rare *rare;

    ms_assert(work->state == MS_LIFE_NONE);
    if (record->terms == NULL || record->terms->group.size == 0) {
        return true;
    }
    rare = ms_rare_of(work, &queue->slab);
    if (rare == NULL) {
        return false;
    }
    rare->group = ms_groups_open(queue->groups, now, record->terms->group);
    return rare->group != NULL;
}

void ms_members_moved(struct ms_queue *queue, ms_time now, struct ms_work *work,
                      enum ms_life_state from)
{
    ms_assert(work->rare != NULL && work->state != from);
    if (work->rare->array != NULL) {
        ms_array_moved(queue, work, from);
    }
    if (work->rare->group != NULL && (from != MS_LIFE_NONE || work->rare->array == NULL)) {
        ms_groups_moved(queue->groups, now, work, work->rare->group, from);
    }
}
