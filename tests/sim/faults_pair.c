/* What may go wrong where there are two masters and witnesses. */
#include "core/invariant.h"
#include "proto/pair_record.h"
#include "tests/sim/disk.h"
#include "tests/sim/faults.h"
#include "tests/sim/lone.h"
#include "tests/sim/nodes.h"
#include "tests/sim/observer.h"

#define FORCED_CUTS 4               /* times as long as others */
#define FLAP_PERIOD (100 * MS_MSEC) /* off for half of it: 10 Hz */
#define STUCK_MIN   (3 * MS_SEC)
#define STUCK_MORE  (25 * MS_SEC)
#define FOR_EVER    (24 * 3600 * MS_SEC) /* until all heals */

static struct sim_node *witness(struct sim_world *world)
{
    return &world->nodes[sim_first(world, SIM_WITNESS) +
                         (uint32_t)ms_rng_below(&world->rng_fault, world->config.witnesses)];
}

static bool knows(const struct ms_decision *decision, uint32_t place,
                  const struct ms_uuid *incarnation)
{
    return decision->kind == MS_DECISION_NONE || ms_uuid_equal(&decision->set[place], incarnation);
}

/* It has asked to go on by CONSENT, and the question is still on its way: with the vote for it the other one could not go
 * on without it, though nothing says so yet. */
static bool is_asking(const struct sim_standing *own, const struct sim_standing *others)
{
    return own->promised > own->decision.epoch && own->promised > others->promised;
}

/* Most of those that vote have on their disks the decision that the other half goes by, or a later one. Of one that stands
 * still, an earlier one may be on its way, by which the half that loses its disk was alone: it refuses the other one from
 * then on, as docs/decisions/0011-pair-design.md says under its price, and only an operator helps. */
static bool is_told(const struct sim_world *world, const struct sim_standing *others)
{
    const uint32_t first = sim_first(world, SIM_WITNESS);
    uint32_t count = 0;

    for (uint32_t i = first; i < first + world->config.witnesses; i++) {
        count += sim_is_enrolled(world, &others->witnesses, &world->nodes[i]) &&
                 world->observer->voters[i].record.accepted.epoch >= others->decision.epoch;
    }
    return others->witnesses.count == 0 || 2 * count > others->witnesses.count;
}

/* The one may lose its disk and the pair goes on without an operator: everybody, and nobody is without a voice, knows
 * the other for a member, and without witnesses for the incumbent. */
static bool may_be_wiped(struct sim_world *world, const struct sim_node *node)
{
    const struct sim_node *other = &world->nodes[1 - node->index];
    const uint32_t first = sim_first(world, SIM_WITNESS);
    struct sim_standing own, others;

    if (!node->is_up || !other->is_up || node->disk->stores_count + other->disk->stores_count > 0) {
        return false;
    }
    node->ops->standing(node, &own);
    other->ops->standing(other, &others);
    if (own.is_changing || others.is_changing || own.witness_version != others.witness_version ||
        others.is_fresh || others.decision.kind == MS_DECISION_NONE || is_asking(&own, &others) ||
        !knows(&own.decision, other->index, &others.incarnation) ||
        !knows(&others.decision, other->index, &others.incarnation) || !is_told(world, &others)) {
        return false;
    }
    for (uint32_t i = first; i < first + world->config.witnesses; i++) {
        const struct sim_voter *voter = &world->observer->voters[i];

        if (world->nodes[i].disk->stores_count > 0 ||
            !knows(&voter->record.accepted, other->index, &others.incarnation)) {
            return false;
        }
    }
    /* Without witnesses: its disk may have a hand-over to the one that loses its own. */
    if (others.witnesses.count == 0) {
        return others.lead == other->index &&
               world->observer->voters[other->index].record.accepted.active == other->index;
    }
    return others.lead == other->index || !others.is_held;
}

static void wipe(struct sim_world *world, struct sim_node *node)
{
    sim_faults_crash(world, node, false);
    sim_disk_wipe(world, node);
}

static struct ms_council_record small_of(const struct sim_small *small)
{
    struct ms_council_record record = {.place = 0};

    if (small->size > 0) {
        (void)ms_pair_record_read((struct ms_bytes){small->bytes, small->size}, &record);
    }
    return record;
}

/* Everybody remembers a start that is not in the copy; and it asks somebody before it serves. */
static bool is_outlived(const struct sim_world *world, const struct sim_node *node)
{
    const struct ms_council_record copy = small_of(&node->disk->copy.small);
    const struct ms_council_record record = small_of(&node->disk->small);
    const struct ms_council_record others = small_of(&world->nodes[1 - node->index].disk->small);
    const uint32_t first = sim_first(world, SIM_WITNESS);

    for (uint32_t i = first; i < first + world->config.witnesses; i++) {
        if (small_of(&world->nodes[i].disk->small).known[node->index].number !=
            record.start.number) {
            return false;
        }
    }
    return !copy.is_fresh && copy.witnesses.count > 0 && copy.start.number < record.start.number &&
           others.known[node->index].number == record.start.number;
}

/* Else it is one start more that is not in the copy. */
static void set_back(struct sim_world *world, struct sim_node *node)
{
    const bool is_old = is_outlived(world, node);

    sim_faults_crash(world, node, false);
    if (is_old) {
        sim_disk_set_back(world, node);
    }
}

static void lose(struct sim_world *world, struct sim_node *node)
{
    if (world->config.pair.is_set_back) {
        set_back(world, node);
    } else {
        wipe(world, node);
    }
}

/* Fewer than half of them, once there is a cluster: nobody enrols those that come in their place. */
static bool may_witness_be_wiped(const struct sim_world *world, const struct sim_node *node)
{
    const uint32_t first = sim_first(world, SIM_WITNESS);
    uint32_t lost = 0;

    for (uint32_t i = first; i < first + world->config.witnesses; i++) {
        const struct sim_disk *disk = world->nodes[i].disk;

        lost += disk->lives + (disk->small.flip > 0); /* its next process is another one */
    }
    return node->is_up && world->observer->served_count > 0 &&
           (node->disk->lives > 0 || 2 * (lost + 1) < world->config.witnesses);
}

static void wipe_witness(struct sim_world *world)
{
    struct sim_node *node = witness(world);

    if (may_witness_be_wiped(world, node)) {
        wipe(world, node);
    }
}

/* It is seen by the next process. A witness is another one then. */
static void flip_small(struct sim_world *world, struct sim_node *node)
{
    const bool is_witness = world->config.witnesses > 0 && !world->config.pair.is_auto_enrol &&
                            world->config.faults[SIM_FAULT_FORCE] == 0 &&
                            ms_rng_chance(&world->rng_fault, 1, 2);

    if (is_witness) {
        node = witness(world);
    }
    if (!node->is_up || node->disk->small.size == 0 ||
        (is_witness && !may_witness_be_wiped(world, node))) {
        return;
    }
    sim_faults_crash(world, node, false);
    if (node->disk->small.size > 0) {
        sim_small_flip(world, node);
    }
}

void sim_operator_says(struct sim_world *world, struct sim_node *node, enum ms_order order)
{
    const struct ms_pair_frame hello = {
        .role = MS_ROLE_OPERATOR, .version_min = MS_PROTOCOL_MIN, .version_max = MS_PROTOCOL_MAX};
    const struct ms_command greeting = {.kind = MS_KIND_PEER_HELLO, .body.pair = &hello};
    const struct ms_command command = {.kind = MS_KIND_ORDER, .count = order};

    world->stats.counts[SIM_STAT_ORDERS]++;
    sim_driver_operate(world, node, &greeting, &command);
}

static void order(struct sim_world *world, struct sim_node *node)
{
    static const enum ms_order orders[] = {MS_ORDER_SWITCHOVER, MS_ORDER_PROMOTE, MS_ORDER_HOLD,
                                           MS_ORDER_RELEASE};
    const enum ms_order what =
        orders[ms_rng_below(&world->rng_fault, sizeof orders / sizeof orders[0])];

    /* Held while the active may have lost its disk, it would wait for an operator for ever. */
    if (!node->is_up || sim_node_is_stalled(world, node) ||
        (what == MS_ORDER_HOLD && !sim_pair_is_whole(world))) {
        return;
    }
    sim_operator_says(world, node, what);
}

/* Half of the others lose the way to it. */
static void cut_off(struct sim_world *world, const struct sim_node *node, ms_time until)
{
    for (uint32_t other = world->config.masters; other < world->nodes_count; other++) {
        if (ms_rng_chance(&world->rng_fault, 1, 2)) {
            sim_net_block(world, other, node->index, until);
            sim_net_block(world, node->index, other, until);
        }
    }
}

/* First both halves are cut from each other, for long; then, when one of them is alone, an operator believes that it is dead, and
 * forces the other one. */
static void force(struct sim_world *world, ms_time duration)
{
    struct sim_node *active = sim_serving(world), *other;
    struct sim_standing standing;

    if (sim_pair_is_whole(world)) {
        sim_net_block(world, 0, 1, world->now + FORCED_CUTS * duration);
        sim_net_block(world, 1, 0, world->now + FORCED_CUTS * duration);
        return;
    }
    other = active != NULL ? &world->nodes[1 - active->index]
                           : &world->nodes[ms_rng_below(&world->rng_fault, SIM_MASTERS_MAX)];
    if (!other->is_up || sim_node_is_stalled(world, other)) {
        return;
    }
    other->ops->standing(other, &standing);
    if (standing.is_fresh || !standing.is_complete || standing.is_active) {
        return; /* it would be refused */
    }
    if (active != NULL) {
        cut_off(world, active, world->now + duration);
    }
    sim_operator_says(world, other, MS_ORDER_FORCE);
}

/* The disk of the passive half of a pair does nothing for long; nothing else need be wrong. */
static void stick(struct sim_world *world)
{
    struct sim_node *active = sim_serving(world);
    struct sim_standing standing;

    if (active == NULL) {
        return;
    }
    active->ops->standing(active, &standing);
    if (standing.is_whole && standing.has_peer) {
        sim_disk_strike(world, &world->nodes[1 - active->index], SIM_FAULT_STUCK,
                        STUCK_MIN + (ms_time)ms_rng_below(&world->rng_fault, STUCK_MORE));
    }
}

/* That of the active one; of four times once it does not come back. */
static void stick_active(struct sim_world *world)
{
    struct sim_node *active = sim_serving(world);
    ms_time duration = STUCK_MIN + (ms_time)ms_rng_below(&world->rng_fault, STUCK_MORE);
    struct sim_standing standing;

    if (active == NULL) {
        return;
    }
    active->ops->standing(active, &standing);
    if (standing.is_whole && standing.has_peer && active->disk->stuck_until <= world->now) {
        duration = ms_rng_chance(&world->rng_fault, 1, 4) ? FOR_EVER : duration;
        sim_disk_strike(world, active, SIM_FAULT_STUCK_ACTIVE, duration);
    }
}

void sim_faults_flap(struct sim_world *world, const struct sim_item *item)
{
    struct sim_item next = *item;

    if (world->is_healing || item->at > (ms_time)item->c) {
        return;
    }
    world->stats.counts[SIM_STAT_FLAPS]++;
    sim_net_block(world, item->a, item->b, world->now + FLAP_PERIOD / 2);
    sim_net_block(world, item->b, item->a, world->now + FLAP_PERIOD / 2);
    next.at = world->now + FLAP_PERIOD;
    sim_world_push(world, next);
}

/* Half of the times the line between both halves, else that of anybody to one of them. */
static void flap(struct sim_world *world, uint32_t master, ms_time duration)
{
    struct sim_item item = {.at = world->now,
                            .kind = SIM_ITEM_FLAP,
                            .a = master,
                            .b = 1 - master,
                            .c = (uint64_t)(world->now + duration + 10 * FLAP_PERIOD)};

    if (ms_rng_chance(&world->rng_fault, 1, 2)) {
        item.b =
            world->config.masters +
            (uint32_t)ms_rng_below(&world->rng_fault, world->nodes_count - world->config.masters);
    }
    sim_faults_flap(world, &item);
}

void sim_faults_act_pair(struct sim_world *world, enum sim_fault fault, struct sim_node *node,
                         ms_time duration)
{
    switch (fault) {
    case SIM_FAULT_FORCE:
        sim_operator_says(world, node, MS_ORDER_FORCE);
        break;
    case SIM_FAULT_CRASH_WITNESS:
    case SIM_FAULT_WIPE_MASTER:
    case SIM_FAULT_WIPE_WITNESS:
        world->stats.counts[SIM_STAT_CRASHES]++;
        sim_node_kill(world, node, false);
        sim_node_restart(world, node, duration);
        if (fault != SIM_FAULT_CRASH_WITNESS) {
            sim_disk_wipe(world, node);
        }
        break;
    case SIM_FAULT_STALL_WITNESS:
        sim_node_stall(world, node, duration);
        break;
    default:
        ms_unreachable();
    }
}

static void crash_both(struct sim_world *world)
{
    for (uint32_t i = 0; i < world->config.masters; i++) {
        if (world->nodes[i].is_up) {
            sim_faults_crash(world, &world->nodes[i], ms_rng_chance(&world->rng_fault, 1, 4));
        }
    }
}

void sim_faults_strike_pair(struct sim_world *world, enum sim_fault fault, ms_time duration)
{
    struct sim_node *node = &world->nodes[ms_rng_below(&world->rng_fault, 2)];

    switch (fault) {
    case SIM_FAULT_CRASH_WITNESS:
        node = witness(world);
        if (node->is_up) {
            sim_faults_crash(world, node, ms_rng_chance(&world->rng_fault, 1, 4));
        }
        break;
    case SIM_FAULT_STALL_WITNESS:
        sim_node_stall(world, witness(world), duration);
        break;
    case SIM_FAULT_CRASH_BOTH:
        crash_both(world);
        break;
    case SIM_FAULT_CUT_PEERS:
        sim_net_block(world, 0, 1, world->now + duration);
        if (ms_rng_chance(&world->rng_fault, 2, 3)) {
            sim_net_block(world, 1, 0, world->now + duration);
        }
        break;
    case SIM_FAULT_WIPE_MASTER:
        if (may_be_wiped(world, node)) {
            lose(world, node);
        }
        break;
    case SIM_FAULT_WIPE_WITNESS:
        wipe_witness(world);
        break;
    case SIM_FAULT_WITNESS_DISK:
        sim_disk_strike(world, witness(world), SIM_FAULT_DISK_SYNC, duration);
        break;
    case SIM_FAULT_ORDER:
        order(world, node);
        break;
    case SIM_FAULT_FORCE:
        force(world, duration);
        break;
    case SIM_FAULT_FLAP:
        flap(world, node->index, duration);
        break;
    case SIM_FAULT_STUCK:
        stick(world);
        break;
    case SIM_FAULT_STUCK_ACTIVE:
        stick_active(world);
        break;
    case SIM_FAULT_TEAR:
        sim_faults_tear(world);
        break;
    case SIM_FAULT_SMALL_FLIP:
        flip_small(world, node);
        break;
    default:
        ms_unreachable();
    }
}
