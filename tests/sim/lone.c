#include "tests/sim/lone.h"

#include "core/limits.h"
#include "tests/sim/disk.h"
#include "tests/sim/nodes.h"
#include "tests/sim/observer.h"

#define GONE_FOR   (24 * 3600 * MS_SEC) /* longer than any world lasts */
#define TRIES_MAX  8                    /* votes that may fail because something comes late */
#define TOLD_AFTER (10 * MS_SEC)        /* and some silences: all who vote know of the pair */
#define SILENCES   10

/* How long it may take, from L3 of the design: silence, two votes and a second, on a clock that runs slow and a network
 * that is. */
static ms_time bound_of(const struct sim_world *world)
{
    const struct sim_config *config = &world->config;
    const struct sim_pair_config *pair = &config->pair;
    const ms_time line = TRIES_MAX * (2 * MS_VOTE_BACKOFF_MAX + 20 * config->delay_base);
    const ms_time all = pair->silent + 2 * pair->vote + MS_SEC + MS_FLAP_PAUSE + line;

    return all + all / 10;
}

bool sim_is_enrolled(const struct sim_world *world, const struct ms_witnesses *list,
                     const struct sim_node *witness)
{
    const struct ms_uuid id = sim_uuid(world, witness, witness->disk->lives);

    for (uint32_t i = 0; i < list->count; i++) {
        if (ms_uuid_equal(&list->ids[i], &id)) {
            return true;
        }
    }
    return false;
}

/* Most of those that vote know the decision by which it is a member: of an earlier one they might have voted for an end
 * that did not come, and wait to hear of this one. */
static bool is_known(struct sim_world *world, const struct sim_standing *standing)
{
    const uint32_t first = sim_first(world, SIM_WITNESS);
    uint32_t count = 0;

    for (uint32_t i = first; i < first + world->config.witnesses; i++) {
        count +=
            sim_is_enrolled(world, &standing->witnesses, &world->nodes[i]) &&
            ms_decision_equal(&world->observer->voters[i].record.accepted, &standing->decision);
    }
    return 2 * count > standing->witnesses.count &&
           2 * standing->witnesses_connected > standing->witnesses.count;
}

/* An operator must be called for without votes, and when it was told to wait. */
static bool may_go_on(const struct sim_standing *standing, uint32_t place)
{
    return standing->lead == place || (standing->witnesses.count > 0 && !standing->is_held);
}

bool sim_lone_is_ready(struct sim_world *world)
{
    struct sim_standing standings[SIM_MASTERS_MAX];
    bool are_known = true;

    if (world->config.masters == 1) {
        return true;
    }
    if (sim_pair_is_whole(world) && !world->nodes[0].is_stopping && !world->nodes[1].is_stopping) {
        for (uint32_t place = 0; place < SIM_MASTERS_MAX; place++) {
            struct sim_standing *standing = &standings[place];

            world->nodes[place].ops->standing(&world->nodes[place], standing);
            are_known = are_known && !standing->is_changing &&
                        (standing->witnesses.count == 0 || is_known(world, standing));
        }
        if (are_known) {
            return true;
        }
    }
    if (world->now - world->whole_at > TOLD_AFTER + SILENCES * world->config.pair.silent) {
        sim_pair_describe(world);
        sim_fail(world, "alone", "the pair is one, and not all who vote know of it");
    }
    return false;
}

bool sim_lone_begin(struct sim_world *world)
{
    const uint32_t place = (uint32_t)ms_rng_below(&world->rng_fault, SIM_MASTERS_MAX);
    struct sim_node *node = &world->nodes[place], *other = &world->nodes[1 - place];
    struct sim_standing standing;

    if (world->config.masters == 1) {
        return false;
    }
    other->ops->standing(other, &standing);
    if (!may_go_on(&standing, other->index)) {
        return false;
    }
    sim_trace(world, "%s is gone for good", sim_node_name(world, place));
    sim_node_kill(world, node, ms_rng_chance(&world->rng_fault, 1, 2));
    sim_node_restart(world, node, GONE_FOR);
    world->lone = other;
    world->lone_since = world->now;
    world->stats.counts[SIM_STAT_LONE]++;
    return true;
}

bool sim_lone_is_over(struct sim_world *world)
{
    struct sim_node *node = world->lone;
    struct sim_standing standing;

    node->ops->standing(node, &standing);
    if (standing.is_active && !standing.is_pair && sim_serving(world) == node) {
        return true;
    }
    if (!may_go_on(&standing, node->index)) {
        return true; /* an operator's word to wait was on its way to the disk */
    }
    if (world->now - world->lone_since > bound_of(world)) {
        sim_pair_describe(world);
        sim_fail(world, "alone", "%s does not serve %lld ms after the other half died",
                 sim_node_name(world, node->index),
                 (long long)((world->now - world->lone_since) / MS_MSEC));
    }
    return false;
}
