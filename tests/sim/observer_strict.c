#include "tests/sim/observer_strict.h"

#include "tests/sim/disk.h"
#include "tests/sim/nodes.h"
#include "tests/sim/observer.h"

typedef unsigned long long number;

static bool is_on(const struct sim_node *node, const struct sim_record *record)
{
    return sim_ledger_is_live(&node->disk->ledger, &record->id) ||
           sim_ledger_is_closed(&node->disk->ledger, &record->id);
}

static const struct sim_record *record_to(struct sim_world *world, struct sim_node *node,
                                          const struct ms_effect *effect, uint64_t seq)
{
    const struct sim_end *end = sim_other_end(world, node, effect->peer);
    const struct ms_id id = {sim_name_find(world, end->node, end->incarnation), seq};

    return sim_record_find(world, &id);
}

void sim_strict_accepted(struct sim_world *world, struct sim_node *node, uint32_t count,
                         const struct ms_effect *effect)
{
    const struct ms_command *command = &effect->command;
    const struct sim_node *other = &world->nodes[1 - node->index];
    struct sim_standing own;

    node->ops->standing(node, &own);
    for (uint64_t i = 0; i < (command->count == 0 ? 1 : command->count); i++) {
        const struct sim_record *record = record_to(world, node, effect, command->id.seq + i);
        const bool is_lost = count < SIM_MASTERS_MAX && own.is_pair; /* that disk, meanwhile */

        if (record == NULL || record->durability != MS_DURABILITY_STRICT) {
            continue;
        }
        world->stats.counts[SIM_STAT_STRICT]++;
        if (command->copies < SIM_MASTERS_MAX || (!is_on(other, record) && !is_lost)) {
            sim_fail(world, "strict", "seq %llu is acknowledged with %u copies, and %s has it",
                     (number)record->id.seq, command->copies,
                     is_on(other, record) ? "the other disk" : "only one disk");
        }
    }
}

void sim_strict_refused(struct sim_world *world, const struct sim_record *record)
{
    world->stats.counts[SIM_STAT_STRICT_REFUSED]++;
    for (uint32_t i = 0; i < world->config.masters; i++) {
        if (is_on(&world->nodes[i], record)) {
            sim_fail(world, "strict", "seq %llu is refused for good, and a disk has it",
                     (number)record->id.seq);
        }
    }
}
