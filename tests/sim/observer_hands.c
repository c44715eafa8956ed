#include "tests/sim/observer_hands.h"

#include <stdlib.h>

#include "core/invariant.h"
#include "master/state.h"
#include "tests/sim/disk.h"
#include "tests/sim/nodes.h"
#include "tests/sim/observer.h"
#include "tests/sim/older.h"

typedef unsigned long long number;

static struct sim_lease *find(struct sim_world *world, struct ms_token token)
{
    const uint64_t found = ms_map_find(&world->observer->by_lease, ms_key_of(token.epoch, token.n));

    return found == 0 ? NULL : &world->observer->leases[found - 1];
}

static struct sim_lease *add(struct sim_world *world, const struct ms_record *record)
{
    struct sim_observer *observer = world->observer;

    if (observer->leases_count == observer->leases_capacity) {
        observer->leases_capacity =
            observer->leases_capacity == 0 ? 256 : observer->leases_capacity * 2;
        observer->leases =
            realloc(observer->leases, observer->leases_capacity * sizeof *observer->leases);
        ms_assert(observer->leases != NULL);
    }
    struct sim_lease *lease = &observer->leases[observer->leases_count++];
    const bool is_kept =
        ms_map_put(&observer->by_lease, ms_key_of(record->token.epoch, record->token.n),
                   observer->leases_count);

    ms_assert(is_kept);
    *lease = (struct sim_lease){.id = record->id, .token = record->token};
    return lease;
}

void sim_hands_entry(struct sim_world *world, const struct sim_node *node,
                     const struct ms_entry *entry)
{
    struct ms_record_room room;
    struct ms_record record;
    struct sim_lease *lease;

    if (!ms_record_is_lease(entry->kind) || ms_record_read(entry, &room, &record) != MS_E_OK) {
        return;
    }
    lease = find(world, record.token);
    if (lease == NULL) {
        const struct sim_attempt *attempt = sim_attempt_find(world, record.token);

        world->stats.counts[SIM_STAT_HANDS_LATER] +=
            attempt != NULL && attempt->state > SIM_ATTEMPT_SENT;
        lease = add(world, &record);
    }
    lease->is_had[node->index] = lease->is_told[node->index] = true;
}

bool sim_hands_has(struct sim_world *world, struct ms_token token)
{
    return find(world, token) != NULL;
}

void sim_hands_forget(struct sim_world *world, const struct sim_node *node)
{
    const struct sim_observer *observer = world->observer;

    for (uint32_t i = 0; i < observer->leases_count; i++) {
        struct sim_lease *lease = &observer->leases[i];
        const struct sim_life *life = sim_ledger_find(&node->disk->ledger, &lease->id);

        lease->is_had[node->index] =
            life != NULL && life->lease != 0 && ms_token_equal(life->token, lease->token);
    }
}

/* Whether the other half died since it said so is not asked: it knows no hands then. */
void sim_hands_out(struct sim_world *world, const struct sim_node *node,
                   const struct ms_command *command)
{
    const uint32_t other = 1 - node->index;
    const struct sim_record *record = sim_record_find(world, &command->id);
    const struct sim_lease *lease = find(world, command->token);
    struct sim_standing standing;

    if (record == NULL || !sim_is_durable(world, record)) {
        return;
    }
    node->ops->standing(node, &standing);
    if (!standing.is_pair) {
        return; /* alone: its record follows in the same step */
    }
    if (sim_master_of(node)->writes_no_hands) {
        if (world->config.pair.older == SIM_NOT_OLDER) {
            sim_fail(world, "hands", "%s writes no hands, and nobody's program is older",
                     sim_node_name(world, node->index));
        }
        return;
    }
    if (lease == NULL || !lease->is_told[node->index] || !lease->is_told[other]) {
        sim_fail(world, "hands", "seq %llu leaves %s, and its lease is not at both halves",
                 (number)command->id.seq, sim_node_name(world, node->index));
    }
    world->stats.counts[SIM_STAT_HANDS_TOLD]++;
}

/* It may still be begun, or runs, and nobody knows of its end. */
static bool is_in_hand(const struct sim_attempt *attempt)
{
    return !attempt->is_released && !attempt->is_given_up && !attempt->is_taken &&
           !attempt->is_lost && !attempt->is_dropped && !attempt->is_stale &&
           attempt->state < SIM_ATTEMPT_FINISHED;
}

/* It has an outcome there, or is closed, which a merge may have brought: whoever has it in hand is told to stop, and nobody else
 * gets it. */
static bool is_settled(const struct sim_node *node, const struct sim_record *record)
{
    const struct sim_life *life = sim_ledger_find(&node->disk->ledger, &record->id);

    return (life != NULL && life->settle != 0) ||
           sim_ledger_is_closed(&node->disk->ledger, &record->id);
}

void sim_hands_begin(struct sim_world *world, const struct sim_node *node)
{
    const struct sim_observer *observer = world->observer;

    if (!sim_master_of(node)->knows_hands) {
        return;
    }
    for (uint32_t i = observer->released_before; i < observer->attempts_count; i++) {
        const struct sim_attempt *attempt = &observer->attempts[i];
        const struct sim_record *record = &observer->records[attempt->record];
        const struct sim_lease *lease = find(world, attempt->token);

        if (!is_in_hand(attempt) || !sim_is_durable(world, record) || is_settled(node, record)) {
            continue;
        }
        if (lease == NULL || !lease->is_had[node->index]) {
            sim_fail(world, "hands", "%s knows all hands, but not that %s has seq %llu",
                     sim_node_name(world, node->index), sim_node_name(world, attempt->node),
                     (number)record->id.seq);
        }
        world->stats.counts[SIM_STAT_HANDS_FOUND]++;
    }
}
