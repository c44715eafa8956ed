/* A pair that is torn apart: both halves are cut from each other, everybody else is with one of them, with both or with none, and
 * an operator forces the half that is not active. Then some change sides, some right after they have cancelled what they
 * submitted; and at last the ways are free again, and what one half has done without the other is merged. */
#include "tests/sim/faults.h"
#include "tests/sim/nodes.h"
#include "tests/sim/observer.h"

#define TORN_TICKS_MIN 3
#define TORN_TICKS_MAX 24 /* what was done alone is given up after half of it */
#define LATER_TICKS    5  /* somebody comes back so much later than the halves meet */
#define CANCELS_MAX    8
#define SLIP_DELAYS    5 /* of the network: within them an answer comes, or does not any more */
#define SLIP_TICKS     4 /* then it is back, */
#define SLIP_LONG      2 /* or, one of so many, only after both halves have met */

/* With whom somebody is: bit i, with the half i. */
static uint32_t draw_side(struct sim_world *world)
{
    static const uint32_t sides[] = {1, 1, 1, 2, 2, 2, 3, 0};

    return sides[ms_rng_below(&world->rng_fault, sizeof sides / sizeof sides[0])];
}

static void cut_connections(struct sim_world *world, uint32_t node, uint32_t master)
{
    for (uint32_t i = 0; i < world->net.count; i++) {
        struct sim_connection *connection = world->net.connections[i];

        if (connection->ends[0].node == node && connection->ends[1].node == master &&
            connection->ends[0].is_open && connection->ends[1].is_open && !connection->is_reset) {
            world->stats.counts[SIM_STAT_RESETS]++;
            sim_net_reset(world, connection);
        }
    }
}

static void put(struct sim_world *world, uint32_t node, uint32_t side, ms_time until)
{
    const bool is_told = ms_rng_chance(&world->rng_fault, 1, 2);

    sim_trace(world, "%s is with%s%s%s", sim_node_name(world, node), side == 0 ? " nobody" : "",
              (side & 1) != 0 ? " a" : "", (side & 2) != 0 ? " b" : "");
    for (uint32_t master = 0; master < SIM_MASTERS_MAX; master++) {
        sim_net_unblock(world, node, master);
        sim_net_unblock(world, master, node);
        if ((side >> master & 1) == 0) {
            sim_net_block(world, node, master, until);
            sim_net_block(world, master, node, until);
            if (is_told) {
                cut_connections(world, node, master);
            }
        }
    }
}

/* When somebody is back with all: with the halves, or some time after them. */
static ms_time back_at(struct sim_world *world, ms_time until)
{
    if (ms_rng_chance(&world->rng_fault, 1, 2)) {
        return until;
    }
    return until + ms_rng_between(&world->rng_fault, 0, LATER_TICKS * world->config.tick);
}

static void tear(struct sim_world *world)
{
    const uint32_t active = sim_serving(world)->index;
    const ms_time until =
        world->now + ms_rng_between(&world->rng_fault, TORN_TICKS_MIN * world->config.tick,
                                    TORN_TICKS_MAX * world->config.tick);

    sim_trace(world, "the pair is torn apart until %lld", (long long)until);
    world->stats.counts[SIM_STAT_TORN]++;
    sim_net_block(world, 0, 1, until);
    sim_net_block(world, 1, 0, until);
    for (uint32_t i = SIM_MASTERS_MAX; i < world->nodes_count; i++) {
        const bool is_witness = world->nodes[i].role == SIM_WITNESS;
        const uint32_t side = is_witness ? 1u << active : draw_side(world);

        put(world, i, side, is_witness ? until : back_at(world, until));
    }
}

/* The half that is not active is forced, once the other one is alone. False: there is nobody to be forced. */
static bool force(struct sim_world *world)
{
    struct sim_node *active = sim_serving(world), *other;
    struct sim_standing standing;

    other = active != NULL ? &world->nodes[1 - active->index]
                           : &world->nodes[ms_rng_below(&world->rng_fault, SIM_MASTERS_MAX)];
    if (!other->is_up || sim_node_is_stalled(world, other)) {
        return false;
    }
    other->ops->standing(other, &standing);
    if (standing.is_fresh || !standing.is_complete || standing.is_active) {
        return false;
    }
    if (active != NULL && ms_rng_chance(&world->rng_fault, 3, 4)) {
        active->ops->standing(active, &standing);
        if (standing.is_pair) {
            return true; /* it is not alone so far */
        }
    }
    sim_operator_says(world, other, MS_ORDER_FORCE);
    return true;
}

/* Its cancels reach a master, and their answers may not come back any more. */
static void slip(struct sim_world *world, struct sim_node *node)
{
    const ms_time within = SLIP_DELAYS * world->config.delay_base;
    const ms_time left = world->net.blocked_until[0][1] - world->now;
    uint64_t ticks = 1 + ms_rng_below(&world->rng_fault, SLIP_TICKS);

    for (uint64_t i = 1 + ms_rng_below(&world->rng_fault, CANCELS_MAX); i > 0; i--) {
        sim_client_cancel(world, node);
    }
    if (ms_rng_chance(&world->rng_fault, 1, SLIP_LONG)) {
        ticks += (uint64_t)(left / world->config.tick);
    }
    sim_world_push(
        world, (struct sim_item){.at = world->now + ms_rng_between(&world->rng_fault, 1, within),
                                 .kind = SIM_ITEM_PLANNED,
                                 .a = SIM_FAULT_PARTITION,
                                 .b = node->index,
                                 .c = ticks});
}

void sim_faults_tear(struct sim_world *world)
{
    const uint32_t others = world->config.slaves + world->config.clients;
    struct sim_node *node =
        &world->nodes[SIM_MASTERS_MAX + ms_rng_below(&world->rng_fault, others)];

    if (!sim_net_is_blocked(world, 0, 1)) {
        if (sim_pair_is_whole(world)) {
            tear(world);
        }
        return;
    }
    if (ms_rng_chance(&world->rng_fault, 1, 2) && force(world)) {
        return;
    }
    if (node->role == SIM_CLIENT && ms_rng_chance(&world->rng_fault, 1, 2)) {
        slip(world, node);
    } else {
        put(world, node->index, draw_side(world), back_at(world, world->net.blocked_until[0][1]));
    }
}
