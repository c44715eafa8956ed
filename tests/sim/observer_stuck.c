#include "tests/sim/observer_stuck.h"

#include "tests/sim/disk.h"
#include "tests/sim/observer.h"
#include "tests/sim/observer_pair.h"
#include "tests/sim/observer_view.h"

#define SLACK (3 * MS_SEC) /* clocks run apart, and beats tell of what has changed */
#define ANSWERED                                                                                   \
    (2 * MS_SEC) /* so long a disk may have been silent that is taken for one that answers */

bool sim_stuck_is_all(const struct sim_world *world)
{
    bool is_other = world->is_healing;

    for (uint32_t i = 0; i < SIM_FAULTS; i++) {
        is_other |=
            i != SIM_FAULT_STUCK && i != SIM_FAULT_STUCK_ACTIVE && world->config.faults[i] != 0;
    }
    return world->stats.counts[SIM_STAT_STUCK] + world->stats.counts[SIM_STAT_STUCK_ACTIVE] > 0 &&
           !is_other;
}

static bool has_votes(const struct sim_standing *standing)
{
    return 2 * standing->witnesses_connected > standing->witnesses.count;
}

/* It would take over. */
static bool is_relief(struct sim_world *world, const struct sim_node *node)
{
    const struct sim_node *other = &world->nodes[1 - node->index];
    struct sim_standing standing;

    if (!other->is_up) {
        return false;
    }
    other->ops->standing(other, &standing);
    return standing.is_in_sync && !standing.is_held && other->disk->stuck_until <= world->now;
}

void sim_stuck_look(struct sim_world *world, struct sim_node *node,
                    const struct sim_standing *standing)
{
    struct sim_view *view = sim_view(world, node);

    if (!standing->is_active || !standing->is_whole || !has_votes(standing) ||
        !sim_disk_is_hung(world, node, MS_STUCK_PATIENCE) || !is_relief(world, node)) {
        view->hung_at = world->now;
    } else if (world->now - view->hung_at > SLACK) {
        sim_pair_describe(world);
        sim_fail(world, "prompt", "the disk of %s does nothing for %lld ms, and it serves",
                 sim_node_name(world, node->index),
                 (long long)((world->now - node->disk->committing_at) / MS_MSEC));
    }
}

bool sim_stuck_gives_way(struct sim_world *world, struct sim_node *node)
{
    const struct sim_node *other = &world->nodes[1 - node->index];
    struct sim_standing own, others = {.is_in_sync = false};

    if (world->config.masters == 1 || node->role != SIM_MASTER ||
        !sim_disk_is_hung(world, node, MS_STUCK_PATIENCE / 2)) {
        return false;
    }
    world->stats.counts[SIM_STAT_GAVE_WAY]++;
    if (other->is_up) {
        other->ops->standing(other, &others);
    }
    node->ops->standing(node, &own);
    if (sim_stuck_is_all(world) &&
        (!others.is_in_sync || !has_votes(&own) || sim_disk_is_hung(world, other, ANSWERED))) {
        sim_pair_describe(world);
        sim_fail(world, "prompt", "%s gives way, and nobody takes over",
                 sim_node_name(world, node->index));
    }
    return true;
}
