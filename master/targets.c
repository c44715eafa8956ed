#include "master/targets.h"

#include <stdio.h>

#include "core/invariant.h"
#include "master/queue.h"
#include "master/results.h"
#include "master/slaves.h"
#include "master/state.h"

/* Of an entry. */
enum {
    AT_TOKEN = 0,
    AT_NODE = 16,
    AT_LENGTH = 32,
    AT_NAME = 33,
};

static_assert(AT_NAME + MS_NAME_MAX == MS_TARGET_BYTES_MAX, "what an entry holds");

uint8_t *ms_targets_write(uint8_t *at, const struct ms_session *session)
{
    const size_t length = strlen(session->name);

    ms_assert(length <= MS_NAME_MAX);
    memcpy(at + AT_TOKEN, session->token.bytes, sizeof session->token.bytes);
    memcpy(at + AT_NODE, session->uuid.bytes, sizeof session->uuid.bytes);
    at[AT_LENGTH] = (uint8_t)length;
    memcpy(at + AT_NAME, session->name, length);
    return at + AT_NAME + length;
}

static size_t size_of(const uint8_t *entry)
{
    return AT_NAME + (size_t)entry[AT_LENGTH];
}

bool ms_targets_are_sound(struct ms_bytes list, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (list.size < AT_NAME || list.data[AT_LENGTH] > MS_NAME_MAX ||
            list.size < size_of(list.data)) {
            return false;
        }
        list.size -= size_of(list.data);
        list.data += size_of(list.data);
    }
    return list.size == 0 && count <= MS_TARGETS_MAX;
}

bool ms_targets_open(struct ms_array *array, struct ms_slab *slab)
{
    const uint8_t *entry = array->listed;

    if (array->listed == NULL) {
        return true;
    }
    array->targets = ms_slab_take(slab, array->count * sizeof *array->targets);
    for (uint32_t i = 0; array->targets != NULL && i < array->count; i++) {
        array->targets[i] = (struct ms_target){.array = array, .entry = entry};
        ms_list_init(&array->targets[i].link);
        entry += size_of(entry);
    }
    return array->targets != NULL;
}

void ms_targets_close(struct ms_array *array, struct ms_slab *slab)
{
    for (uint32_t i = 0; array->targets != NULL && i < array->count; i++) {
        ms_list_remove(&array->targets[i].link);
    }
    ms_slab_give(slab, array->targets, array->count * sizeof *array->targets);
    array->targets = NULL;
}

void ms_targets_bind(struct ms_master *master, struct ms_array *array)
{
    for (uint32_t i = 0; array->targets != NULL && i < array->count; i++) {
        struct ms_target *target = &array->targets[i];
        struct ms_session *session;
        struct ms_uuid node;

        memcpy(node.bytes, target->entry + AT_NODE, sizeof node.bytes);
        session = ms_session_manager_find_uuid(&master->sessions, MS_ROLE_SLAVE, &node);
        if (target->slave != NULL || session == NULL || session->user == NULL ||
            memcmp(session->token.bytes, target->entry + AT_TOKEN, sizeof session->token.bytes) !=
                0 ||
            ms_slave_of(session)->is_ending) {
            continue;
        }
        target->slave = ms_slave_of(session);
        ms_list_push_back(&target->slave->targets, &target->link);
    }
}

struct ms_target *ms_target_of(const struct ms_work *work)
{
    const struct ms_array *array = ms_work_array(work);

    return array != NULL && array->targets != NULL ? &array->targets[work->seq - array->first]
                                                   : NULL;
}

bool ms_target_may_hold(const struct ms_work *work, const struct ms_uuid *token)
{
    const struct ms_target *target = ms_target_of(work);

    return target == NULL ||
           memcmp(target->entry + AT_TOKEN, token->bytes, sizeof token->bytes) == 0;
}

/* --- where they wait --- */

static void mark_due(struct ms_lanes *lanes, struct ms_slave *slave)
{
    if (!ms_list_is_linked(&slave->due)) {
        ms_list_push_back(&lanes->due_slaves, &slave->due);
    }
}

void ms_targets_push(struct ms_queue *queue, struct ms_work *work, bool is_first)
{
    const struct ms_target *target = ms_target_of(work);
    struct ms_slave *slave = target != NULL ? target->slave : NULL;

    if (!ms_work_is_aimed(work)) {
        ms_lanes_push(queue->lanes, work, is_first);
    } else if (slave == NULL || slave->is_ending) {
        ms_list_push_back(&queue->strays, &work->link);
    } else {
        if (is_first) {
            ms_list_push_front(&slave->aimed, &work->link);
        } else {
            ms_list_push_back(&slave->aimed, &work->link);
        }
        if (ms_list_is_linked(&slave->session->link)) {
            mark_due(queue->lanes, slave);
        }
    }
}

void ms_targets_remove(struct ms_work *work)
{
    if (ms_work_is_aimed(work)) {
        ms_list_remove(&work->link);
    } else {
        ms_lanes_remove(work);
    }
}

void ms_targets_supply(struct ms_lanes *lanes, struct ms_slave *slave)
{
    if (!ms_list_is_empty(&slave->aimed)) {
        mark_due(lanes, slave);
    }
}

/* --- when their slave is gone --- */

void ms_targets_lose(struct ms_master *master, struct ms_slave *slave)
{
    ms_assert(slave->is_ending);
    ms_list_remove(&slave->due);
    ms_list_splice(&master->queue.strays, &slave->aimed);
    ms_assert(ms_list_is_empty(&slave->aimed));
}

void ms_targets_abandon(struct ms_slave *slave)
{
    while (ms_list_pop_front(&slave->targets) != NULL) {
    }
    ms_list_remove(&slave->due); /* it may wait at a gate, which outlives it */
}

/* What waits for another attempt, or for its time, will not have it. */
static void lose_delayed(struct ms_master *master, ms_time now, const struct ms_target *target)
{
    struct ms_array *array = target->array;
    struct ms_work *work = ms_queue_find(&master->queue, array->client,
                                         array->first + (uint64_t)(target - array->targets));

    if (work != NULL && work->state == MS_LIFE_DELAYED) {
        ms_results_forfeit(master, now, work);
    }
}

bool ms_targets_sweep(struct ms_master *master, ms_time now, struct ms_slave *slave,
                      uint32_t *burst)
{
    struct ms_list *link;

    ms_assert(slave->is_ending);
    while (*burst > 0 && (link = ms_list_pop_front(&slave->targets)) != NULL) {
        struct ms_target *target = ms_container_of(link, struct ms_target, link);

        target->slave = NULL;
        target->has_left = slave->is_draining;
        lose_delayed(master, now, target);
        (*burst)--;
    }
    return ms_list_is_empty(&slave->targets);
}

void ms_targets_run(struct ms_master *master, ms_time now)
{
    struct ms_list *strays = &master->queue.strays;

    for (uint32_t i = 0; i < MS_SWEEP_BURST && !ms_list_is_empty(strays); i++) {
        struct ms_work *work = ms_work_of(ms_list_first(strays));

        ms_assert(work->state == MS_LIFE_READY && ms_work_is_aimed(work));
        if (work->is_cancel_asked) {
            ms_results_cancel(master, now, work);
        } else {
            ms_results_forfeit(master, now, work);
        }
    }
}

/* --- what is said of them --- */

const char *ms_targets_loss(const struct ms_work *work)
{
    const struct ms_target *target = ms_target_of(work);
    const struct ms_slave *slave = target != NULL ? target->slave : NULL;

    ms_assert(ms_work_is_aimed(work));
    if (target == NULL) {
        return "no master knows any more for which slave it was";
    }
    if (work->state == MS_LIFE_LEASED || work->lease_record != 0) {
        return "the slave is lost, and had it in hand";
    }
    if (target->has_left || (slave != NULL && slave->is_draining)) {
        return work->attempt == 0 ? "the slave left, and had not started it"
                                  : "the slave left before the next attempt";
    }
    return work->attempt == 0 ? "the slave is lost, and had not started it"
                              : "the slave is lost, before the next attempt";
}

void ms_target_name(const struct ms_target *target, char name[static MS_NAME_MAX + 1])
{
    const size_t length = target != NULL ? target->entry[AT_LENGTH] : 0;

    ms_assert(length <= MS_NAME_MAX);
    if (length > 0) {
        memcpy(name, target->entry + AT_NAME, length);
    }
    name[length] = '\0';
}

/* Where the targets are not known, it may be in the hands of one of them. */
static void name_slave(const struct ms_work *work, char name[static MS_NAME_MAX + 1])
{
    const struct ms_target *target = ms_target_of(work);

    ms_target_name(target, name);
    if (target == NULL && ms_work_is_aimed(work) && work->holder != NULL) {
        snprintf(name, MS_NAME_MAX + 1, "%s", work->holder->session->name);
    }
}

struct ms_bytes ms_targets_tell(const struct ms_work *work, struct ms_bytes detail,
                                char room[MS_DETAIL_MAX])
{
    char name[MS_NAME_MAX + 1];
    size_t length, size;

    name_slave(work, name);
    length = strlen(name);
    if (length == 0) {
        return detail;
    }
    size = length;
    memcpy(room, name, length);
    if (detail.size > 0) {
        const size_t left = MS_DETAIL_MAX - length - 2;
        const size_t said = detail.size < left ? detail.size : left;

        memcpy(room + length, ": ", 2);
        memcpy(room + length + 2, detail.data, said);
        size += 2 + said;
    }
    return (struct ms_bytes){(const uint8_t *)room, size};
}
