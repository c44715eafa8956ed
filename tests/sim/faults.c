#include "tests/sim/faults.h"

#include "core/invariant.h"
#include "tests/sim/disk.h"
#include "tests/sim/nodes.h"

#define STALL_TICKS_MAX         10
#define PARTITION_TICKS_MAX     8
#define PAUSE_TICKS_MAX         7
#define EFFECTS_UNTIL_CRASH_MAX 40
#define DISK_TICKS_MAX          8
#define JUMP_SPAN               (4 * 365 * 24 * 3600 * MS_SEC) /* less than clients are remembered */
#define JUMP_MAX                100                            /* seconds, most of the times */

static ms_time draw_time(struct sim_world *world, ms_time ticks_max)
{
    /* Half of them are short: around a tick is where the boundaries are. */
    const ms_time top = ms_rng_chance(&world->rng_fault, 1, 2) ? world->config.tick
                                                               : ticks_max * world->config.tick;

    return (ms_time)ms_rng_between(&world->rng_fault, MS_MSEC, top);
}

static void arm(struct sim_world *world, enum sim_fault fault)
{
    const ms_time mean = world->config.faults[fault] * MS_MSEC;

    sim_world_push(
        world, (struct sim_item){.at = world->now + ms_rng_between(&world->rng_fault, 1, 2 * mean),
                                 .kind = SIM_ITEM_FAULT,
                                 .a = (uint32_t)fault});
}

void sim_faults_arm(struct sim_world *world)
{
    for (uint32_t i = 0; i < SIM_FAULTS; i++) {
        if (sim_fault_is_timed((enum sim_fault)i) && world->config.faults[i] != 0) {
            arm(world, (enum sim_fault)i);
        }
    }
}

static struct sim_node *pick(struct sim_world *world, enum sim_role role)
{
    const uint32_t first = sim_first(world, role), count = sim_count(world, role);

    if (role == SIM_MASTER && count == 1) {
        return &world->nodes[first];
    }
    return &world->nodes[first + (uint32_t)ms_rng_below(&world->rng_fault, count)];
}

void sim_faults_crash(struct sim_world *world, struct sim_node *node, bool with_host)
{
    ms_time pause = 1;

    if (!ms_rng_chance(&world->rng_fault, 1, 4)) {
        pause = draw_time(world, PAUSE_TICKS_MAX);
    }
    world->stats.counts[SIM_STAT_CRASHES]++;
    if (node->role == SIM_MASTER) {
        world->stats.counts[SIM_STAT_MASTER_CRASHES]++;
    }
    sim_node_kill(world, node, with_host);
    sim_node_restart(world, node, pause);
}

static void crash(struct sim_world *world, enum sim_role role)
{
    struct sim_node *node = pick(world, role);

    if (!node->is_up) {
        return;
    }
    if (ms_rng_chance(&world->rng_fault, 1, 2)) {
        node->crash_in = 1 + (uint32_t)ms_rng_below(&world->rng_fault, EFFECTS_UNTIL_CRASH_MAX);
        return;
    }
    sim_faults_crash(world, node, ms_rng_chance(&world->rng_fault, 1, 4));
}

/* The node loses its way to masters, or from them: of a pair to one of them, or to both. */
static void cut(struct sim_world *world, uint32_t node, bool is_inward, bool is_outward,
                ms_time until)
{
    const uint32_t masters = world->config.masters;
    const uint64_t which = masters == 1 ? 1 : 1 + ms_rng_below(&world->rng_fault, 3);

    for (uint32_t master = 0; master < masters; master++) {
        if (master == node || (which >> master & 1) == 0) {
            continue;
        }
        if (is_inward) {
            sim_net_block(world, node, master, until);
        }
        if (is_outward) {
            sim_net_block(world, master, node, until);
        }
    }
}

/* Any set of nodes loses its way to the master, from it, or both. */
static void partition(struct sim_world *world, bool is_one_way)
{
    const ms_time until = world->now + draw_time(world, PARTITION_TICKS_MAX);
    const bool is_inward = ms_rng_chance(&world->rng_fault, 1, 2);

    world->stats.counts[SIM_STAT_PARTITIONS]++;
    for (uint32_t i = 1; i < world->nodes_count; i++) {
        if (ms_rng_chance(&world->rng_fault, 1, 2)) {
            continue;
        }
        sim_trace(world, "%s is cut off%s until %lld", sim_node_name(world, i),
                  is_one_way ? " one way" : "", (long long)until);
        cut(world, i, !is_one_way || is_inward, !is_one_way || !is_inward, until);
    }
}

static void break_line(struct sim_world *world, bool is_silent)
{
    struct sim_connection *connection = sim_net_pick(world);

    if (connection == NULL) {
        return;
    }
    sim_trace(world, "connection #%u of %s %s", connection->index,
              sim_node_name(world, connection->ends[0].node),
              is_silent ? "goes dead one way" : "is reset");
    if (!is_silent) {
        world->stats.counts[SIM_STAT_RESETS]++;
        sim_net_reset(world, connection);
        return;
    }
    world->stats.counts[SIM_STAT_HALF_OPENS]++;
    connection->streams[ms_rng_below(&world->rng_fault, 2)].is_void = true;
    if (ms_rng_chance(&world->rng_fault, 1, 3)) {
        connection->streams[0].is_void = true;
        connection->streams[1].is_void = true;
    }
}

/* Somebody sets the wall clock of the machine; a process learns of it at once, or when it starts. */
static void set_clock(struct sim_world *world, struct sim_node *node, ms_time span)
{
    struct ms_rng *rng = &world->rng_fault;

    node->wall_offset = SIM_WALL_START - node->clock_offset + span;
    world->wall_jumped_at = world->now;
    if (node->is_up && ms_rng_chance(rng, 1, 2)) {
        node->ops->set_wall(node);
    }
    world->stats.counts[SIM_STAT_WALL_JUMPS]++;
    sim_trace(world, "the wall clock of %s jumps by %lld s", sim_node_name(world, node->index),
              (long long)(span / MS_SEC));
}

static void jump(struct sim_world *world, struct sim_node *node)
{
    struct ms_rng *rng = &world->rng_fault;
    ms_time span = ms_rng_between(rng, -JUMP_MAX, JUMP_MAX) * MS_SEC;

    if (ms_rng_chance(rng, 1, 4)) {
        span = ms_rng_between(rng, -1, 1) * JUMP_SPAN;
    }
    set_clock(world, node, span);
}

static void strike_node(struct sim_world *world, enum sim_fault fault)
{
    switch (fault) {
    case SIM_FAULT_CRASH_SLAVE:
        crash(world, SIM_SLAVE);
        break;
    case SIM_FAULT_CRASH_CLIENT:
        crash(world, SIM_CLIENT);
        break;
    case SIM_FAULT_CRASH_MASTER:
        crash(world, SIM_MASTER);
        break;
    case SIM_FAULT_STALL_SLAVE:
        sim_node_stall(world, pick(world, SIM_SLAVE), draw_time(world, STALL_TICKS_MAX));
        break;
    case SIM_FAULT_STALL_CLIENT:
        sim_node_stall(world, pick(world, SIM_CLIENT), draw_time(world, STALL_TICKS_MAX));
        break;
    case SIM_FAULT_STALL_MASTER:
        sim_node_stall(world, pick(world, SIM_MASTER), draw_time(world, STALL_TICKS_MAX));
        break;
    case SIM_FAULT_DRAIN_SLAVE:
        sim_node_drain(world, pick(world, SIM_SLAVE));
        break;
    case SIM_FAULT_DRAIN_CLIENT:
        sim_node_drain(world, pick(world, SIM_CLIENT));
        break;
    case SIM_FAULT_DRAIN_MASTER:
        sim_node_drain(world, pick(world, SIM_MASTER));
        break;
    case SIM_FAULT_CANCEL:
        sim_client_cancel(world, pick(world, SIM_CLIENT));
        break;
    default:
        ms_unreachable();
    }
}

void sim_faults_strike(struct sim_world *world, enum sim_fault fault)
{
    if (world->is_healing) {
        return;
    }
    if (fault >= SIM_FAULTS_SINGLE) {
        sim_faults_strike_pair(world, fault, draw_time(world, PARTITION_TICKS_MAX));
        arm(world, fault);
        return;
    }
    switch (fault) {
    case SIM_FAULT_RESET:
        break_line(world, false);
        break;
    case SIM_FAULT_HALF_OPEN:
        break_line(world, true);
        break;
    case SIM_FAULT_PARTITION:
        partition(world, false);
        break;
    case SIM_FAULT_ONE_WAY:
        partition(world, true);
        break;
    case SIM_FAULT_DISK_WRITE:
    case SIM_FAULT_DISK_SYNC:
    case SIM_FAULT_DISK_SLOW:
    case SIM_FAULT_DISK_FULL:
    case SIM_FAULT_DISK_FLIP:
        sim_disk_strike(world, pick(world, SIM_MASTER), fault, draw_time(world, DISK_TICKS_MAX));
        break;
    case SIM_FAULT_WALL_JUMP:
        jump(world, pick(world, SIM_MASTER));
        break;
    case SIM_FAULT_CLOG:
        world->net.clogged_until = world->now + draw_time(world, PARTITION_TICKS_MAX);
        break;
    default:
        strike_node(world, fault);
    }
    arm(world, fault);
}

static void reset_all(struct sim_world *world, const struct sim_node *node)
{
    for (uint32_t i = 0; i < world->net.count; i++) {
        struct sim_connection *connection = world->net.connections[i];

        if (connection->ends[0].node == node->index && connection->ends[0].is_open &&
            !connection->is_reset) {
            world->stats.counts[SIM_STAT_RESETS]++;
            sim_net_reset(world, connection);
        }
    }
}

/* Between the node and all masters; one of those is cut off from everybody. */
static void block(struct sim_world *world, const struct sim_node *node, bool is_inward,
                  ms_time until)
{
    const uint32_t count = node->role == SIM_MASTER ? world->nodes_count : world->config.masters;

    for (uint32_t other = 0; other < count; other++) {
        if (is_inward) {
            sim_net_block(world, node->index, other, until);
        }
        sim_net_block(world, other, node->index, until);
    }
}

void sim_faults_act(struct sim_world *world, enum sim_fault fault, struct sim_node *node,
                    ms_time duration)
{
    const ms_time until = world->now + duration;

    switch (fault) {
    case SIM_FAULT_STALL_MASTER:
    case SIM_FAULT_STALL_SLAVE:
    case SIM_FAULT_STALL_CLIENT:
        sim_node_stall(world, node, duration);
        break;
    case SIM_FAULT_CRASH_MASTER:
    case SIM_FAULT_CRASH_SLAVE:
    case SIM_FAULT_CRASH_CLIENT:
        world->stats.counts[SIM_STAT_CRASHES]++;
        sim_node_kill(world, node, false);
        sim_node_restart(world, node, duration);
        break;
    case SIM_FAULT_PARTITION:
        block(world, node, true, until);
        break;
    case SIM_FAULT_ONE_WAY:
        block(world, node, false, until);
        break;
    case SIM_FAULT_RESET:
        reset_all(world, node);
        break;
    case SIM_FAULT_DRAIN_SLAVE:
    case SIM_FAULT_DRAIN_CLIENT:
    case SIM_FAULT_DRAIN_MASTER:
        sim_node_drain(world, node);
        break;
    case SIM_FAULT_CANCEL:
        sim_client_cancel(world, node);
        break;
    case SIM_FAULT_DISK_WRITE:
    case SIM_FAULT_DISK_SYNC:
    case SIM_FAULT_DISK_SLOW:
    case SIM_FAULT_DISK_FULL:
    case SIM_FAULT_DISK_FLIP:
    case SIM_FAULT_STUCK:
    case SIM_FAULT_STUCK_ACTIVE:
        sim_disk_strike(world, node, fault, duration);
        break;
    case SIM_FAULT_WALL_JUMP:
        set_clock(world, node, -JUMP_SPAN);
        break;
    default:
        sim_faults_act_pair(world, fault, node, duration);
    }
}

void sim_faults_heal(struct sim_world *world)
{
    world->healed_at = world->now;
    sim_trace(world, "faults are over");
    world->is_healing = true;
    for (uint32_t i = 0; i < SIM_FAULTS; i++) {
        world->config.faults[i] = 0;
    }
    sim_net_heal(world);
    for (uint32_t i = 0; i < world->nodes_count; i++) {
        struct sim_node *node = &world->nodes[i];

        node->crash_in = 0;
        if (node->stalled_until > world->now) {
            node->stalled_until = world->now;
            node->turn_at = MS_TIME_NEVER;
            sim_node_wake(world, node, world->now);
        }
    }
    for (uint32_t i = 0; i < world->nodes_count; i++) {
        sim_disk_heal(world, &world->nodes[i]);
        sim_disk_replace(world, &world->nodes[i]);
        if (world->nodes[i].is_unlike &&
            world->nodes[i].is_up) { /* it gets the other one's settings */
            sim_node_kill(world, &world->nodes[i], false);
            sim_node_restart(world, &world->nodes[i], 1);
        }
    }
    sim_slaves_heal(world);
}
