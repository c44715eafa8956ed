/* Unique keys: one live command has a key, those that joined it come out as it does, and nothing else is
 * excused by what happened to another command. And priorities: the master's own books say who waits. */
#include <string.h>

#include "core/invariant.h"
#include "master/clients.h"
#include "master/state.h"
#include "tests/sim/nodes.h"
#include "tests/sim/observer_hands.h"
#include "tests/sim/observer_unique.h"

typedef unsigned long long number;

#define KEYS_MAX 64 /* keys of all types that are had at a time */

static uint32_t index_of(struct sim_world *world, const struct ms_work *work)
{
    const struct sim_record *record =
        sim_record_find(world, &(struct ms_id){work->client->uuid, work->seq});

    ms_assert(record != NULL);
    return (uint32_t)(record - world->observer->records);
}

/* Whoever has a key and is not on its way out, has it alone. */
static void check_alone(struct sim_world *world, const struct ms_work *work,
                        const struct sim_record *record, uint64_t seen[static KEYS_MAX],
                        uint32_t *count)
{
    const uint64_t key = (uint64_t)record->type << 8 | record->key;

    if (work->is_cancel_asked) {
        return;
    }
    for (uint32_t i = 0; i < *count; i++) {
        if (seen[i] == key) {
            sim_fail(world, "unique", "seq %llu is live, and so is another with its key",
                     (number)record->id.seq);
        }
    }
    ms_assert(*count < KEYS_MAX);
    seen[(*count)++] = key;
}

void sim_unique_walk(struct sim_world *world, struct sim_node *node)
{
    const struct ms_master *master = sim_master_of(node);
    uint64_t seen[KEYS_MAX];
    uint32_t cursor = 0, count = 0;
    const struct ms_work *work;

    /* A merge may end who was joined, so that those that had joined go on; the next portion of it, too. */
    sim_view(world, node)->may_join = master->reconcile.phase != MS_RECONCILE_OFF;
    while ((work = ms_pool_next(&master->queue.pool, &cursor)) != NULL) {
        struct sim_record *record = &world->observer->records[index_of(world, work)];

        sim_key_check(world, record, work);
        if (record->key == 0 || ms_work_is_finished(work)) {
            continue;
        }
        record->leader = SIM_NONE;
        if (ms_unique_is_follower(work)) {
            record->leader = index_of(world, work->rare->claim->leader);
            record->joined_at = sim_view(world, node)->tenure;
            record->is_join_apart = false;
            world->stats.counts[SIM_STAT_JOINED]++;
        } else if (work->rare->claim != NULL) {
            check_alone(world, work, record, seen, &count);
        }
    }
}

static void compare(struct sim_world *world, const struct sim_record *follower,
                    const struct sim_record *leader)
{
    const bool are_durable = sim_is_durable(world, follower) && sim_is_durable(world, leader);

    if (leader->outcome_master == 0 || follower->outcome_master == 0 || follower->is_cancel_asked ||
        follower->deadline != 0 || /* on its own */
        follower->keep.is_cancelled || leader->keep.generation > 0 ||
        follower->keep.generation > 0 || (!are_durable && world->observer->tenures > 1)) {
        return;
    }
    if (leader->outcome_hash != follower->outcome_hash &&
        !sim_join_is_apart(world, follower, leader)) {
        sim_fail(world, "unique", "seq %llu joined seq %llu, and comes out otherwise",
                 (number)follower->id.seq, (number)leader->id.seq);
    }
}

void sim_unique_outcome(struct sim_world *world, const struct sim_record *record)
{
    const struct sim_observer *observer = world->observer;
    const uint32_t index = (uint32_t)(record - observer->records);

    if (record->key == 0) {
        return;
    }
    if (record->leader != SIM_NONE) {
        compare(world, record, &observer->records[record->leader]);
    }
    for (uint32_t i = index + 1; i < observer->records_count; i++) {
        if (observer->records[i].leader == index) {
            compare(world, &observer->records[i], record);
        }
    }
}

bool sim_unique_excuses(const struct sim_world *world, const struct sim_record *record,
                        sim_excuse_fn is_excuse, const void *context)
{
    const struct sim_observer *observer = world->observer;

    for (uint32_t i = 0; i < observer->records_count && record->key != 0; i++) {
        const struct sim_record *other = &observer->records[i];

        if (other != record && other->key == record->key && other->type == record->type &&
            is_excuse(world, other, context)) {
            return true;
        }
    }
    return false;
}

void sim_key_check(struct sim_world *world, const struct sim_record *record,
                   const struct ms_work *work)
{
    const struct ms_bytes key = ms_work_key(work);

    if (ms_work_is_finished(work) && (work->rare == NULL || !work->rare->has_payload)) {
        return;
    }
    if (sim_hash(0, key.data, key.size) != record->owner_hash) {
        sim_fail(world, "key", "seq %llu has another key, of %zu bytes, than it was submitted with",
                 (number)record->id.seq, key.size);
    }
    world->stats.counts[SIM_STAT_KEYS] += key.size > 0;
}

/* Nothing of a higher priority waits in its lane. */
static void check_lane(struct sim_world *world, const struct sim_node *node,
                       const struct sim_record *record)
{
    const struct ms_master *master = sim_master_of(node);
    const struct ms_lane *lane = ms_lanes_find(&master->lanes, record->type);

    ms_assert(lane != NULL);
    const struct ms_work *work = ms_clients_find_work(master, &record->id);
    const int own = record->keep.is_unsure && work != NULL ? work->priority : record->priority;

    for (int priority = own + 1; priority <= MS_PRIORITY_MAX; priority++) {
        const struct ms_list *level = ms_lane_level(lane, priority);

        if (level != NULL && !ms_list_is_empty(level)) {
            sim_fail(world, "priority",
                     "seq %llu of priority %d is handed out before seq %llu of %d",
                     (number)record->id.seq, own, (number)ms_work_of(ms_list_first(level))->seq,
                     priority);
        }
    }
}

void sim_priority_check(struct sim_world *world, const struct sim_node *node,
                        const struct sim_record *record)
{
    const bool has_lease = sim_is_durable(world, record) &&
                           (world->config.masters > 1 || (record->flags & MS_FLAG_ONCE) != 0);

    if (!has_lease && record->on == 0) {
        /* who alone may run it is given it first */ /* else it may have waited for the disk, or the other half, since it was chosen */
        check_lane(world, node, record);
    }
}

void sim_priority_leased(struct sim_world *world, const struct sim_node *node,
                         const struct sim_record *of, const struct ms_record *lease)
{
    if (of->on == 0 && sim_attempt_find(world, lease->token) == NULL &&
        !sim_hands_has(world, lease->token)) {
        check_lane(world, node, of);
        world->stats.counts[SIM_STAT_LEASES]++;
    }
}
