#include "tests/sim/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/invariant.h"
#include "tests/sim/disk.h"
#include "tests/sim/faults.h"
#include "tests/sim/lone.h"
#include "tests/sim/nodes.h"
#include "tests/sim/observer.h"
#include "tests/sim/observer_stuck.h"
#include "tests/sim/older.h"
#include "tests/sim/report.h"
#include "tests/sim/scenarios.h"
#include "tests/sim/tally.h"

#define PPM                1000000
#define TIMER_LATENCY_MAX  200 /* how late a timer of an idle process is, in microseconds */
#define ITEMS_CAPACITY_MIN 256

/* --- the heap of things to come --- */

static bool is_before(const struct sim_item *a, const struct sim_item *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

void sim_world_push(struct sim_world *world, struct sim_item item)
{
    ms_assert(item.at >= world->now);
    if (world->items_count == world->items_capacity) {
        world->items_capacity =
            world->items_capacity == 0 ? ITEMS_CAPACITY_MIN : world->items_capacity * 2;
        world->items = realloc(world->items, world->items_capacity * sizeof *world->items);
        ms_assert(world->items != NULL);
    }
    size_t i = world->items_count++;

    item.order = world->items_order++;
    while (i > 0 && is_before(&item, &world->items[(i - 1) / 2])) {
        world->items[i] = world->items[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    world->items[i] = item;
}

bool sim_world_pop(struct sim_world *world, struct sim_item *item_out)
{
    if (world->items_count == 0) {
        return false;
    }
    *item_out = world->items[0];
    const struct sim_item last = world->items[--world->items_count];
    const size_t count = world->items_count;
    size_t i = 0;

    for (size_t child = 1; child < count; child = 2 * i + 1) {
        if (child + 1 < count && is_before(&world->items[child + 1], &world->items[child])) {
            child++;
        }
        if (!is_before(&world->items[child], &last)) {
            break;
        }
        world->items[i] = world->items[child];
        i = child;
    }
    if (count > 0) {
        world->items[i] = last;
    }
    return true;
}

/* --- digest and trace --- */

void sim_digest(struct sim_world *world, uint64_t value)
{
    uint64_t h = (world->digest ^ value) * UINT64_C(0x9e3779b97f4a7c15);

    world->digest = h ^ (h >> 29);
}

uint64_t sim_hash(uint64_t seed, const void *bytes, size_t size)
{
    const uint8_t *byte = bytes;
    uint64_t h = seed ^ (size * UINT64_C(0x9e3779b97f4a7c15));

    for (; size >= 8; size -= 8, byte += 8) {
        uint64_t word;

        memcpy(&word, byte, 8);
        h = (h ^ word) * UINT64_C(0xd6e8feb86659fd93);
        h ^= h >> 32;
    }
    for (; size > 0; size--, byte++) {
        h = (h ^ *byte) * UINT64_C(0x100000001b3);
    }
    return h ^ (h >> 31);
}

void sim_trace_line(struct sim_world *world, const char *format, ...)
{
    char *line = world->tail[world->tail_at % SIM_TAIL_LINES];
    va_list arguments;
    int used = snprintf(line, SIM_TAIL_LINE_MAX, "%12.6f  ", (double)world->now / MS_SEC);

    world->tail_at++;
    va_start(arguments, format);
    vsnprintf(line + used, SIM_TAIL_LINE_MAX - (size_t)used, format, arguments);
    va_end(arguments);
    if (world->is_loud) {
        puts(line);
    }
}

const char *sim_node_name(const struct sim_world *world, uint32_t index)
{
    static const char *const names[][SIM_WITNESSES_MAX] = {
        [SIM_MASTER] = {"a", "b"},
        [SIM_SLAVE] = {"s1", "s2", "s3", "s4", "s5"},
        [SIM_CLIENT] = {"c1", "c2", "c3", "c4", "c5"},
        [SIM_WITNESS] = {"w1", "w2", "w3", "w4", "w5"},
    };
    const struct sim_node *node = &world->nodes[index];

    return sim_count(world, SIM_MASTER) == 1 && node->role == SIM_MASTER
               ? "m"
               : names[node->role][sim_place(world, node)];
}

uint32_t sim_count(const struct sim_world *world, enum sim_role role)
{
    const struct sim_config *config = &world->config;

    return role == SIM_MASTER   ? config->masters
           : role == SIM_SLAVE  ? config->slaves
           : role == SIM_CLIENT ? config->clients
                                : config->witnesses;
}

uint32_t sim_first(const struct sim_world *world, enum sim_role role)
{
    uint32_t first = 0;

    for (enum sim_role before = SIM_MASTER; before < role; before++) {
        first += sim_count(world, before);
    }
    return first;
}

uint32_t sim_place(const struct sim_world *world, const struct sim_node *node)
{
    return node->index - sim_first(world, node->role);
}

static enum sim_role role_of(const struct sim_world *world, uint32_t index)
{
    enum sim_role role = SIM_MASTER;

    while (role < SIM_WITNESS && index >= sim_first(world, role + 1)) {
        role++;
    }
    return role;
}

/* --- nodes --- */

/* span * rate / base, for spans of years: the product would not fit. */
static ms_time scaled(ms_time span, int64_t rate, int64_t base)
{
    return span / base * rate + span % base * rate / base;
}

ms_time sim_node_clock(const struct sim_world *world, const struct sim_node *node)
{
    return node->clock_offset + world->now + scaled(world->now, node->clock_ppm, PPM);
}

ms_time sim_node_when(const struct sim_node *node, ms_time clock)
{
    const ms_time passed = clock - node->clock_offset;
    ms_time when = passed - scaled(passed, node->clock_ppm, PPM + node->clock_ppm) - 2;

    while (when + scaled(when, node->clock_ppm, PPM) < passed) {
        when++;
    }
    return when;
}

void sim_node_wake(struct sim_world *world, struct sim_node *node, ms_time at)
{
    if (!node->is_up) {
        return;
    }
    if (at < node->stalled_until) {
        at = node->stalled_until;
    }
    if (at >= node->turn_at) {
        return;
    }
    node->turn_at = at;
    sim_world_push(world,
                   (struct sim_item){
                       .at = at, .kind = SIM_ITEM_TURN, .a = node->index, .c = ++node->turn_stamp});
}

void sim_node_start(struct sim_world *world, struct sim_node *node)
{
    ms_assert(!node->is_up);
    node->is_up = true;
    node->is_doomed = false;
    node->is_done = false;
    node->is_stopping = false;
    node->host_is_dead = false;
    node->incarnation++;
    node->crash_in = 0;
    node->stalled_until = 0;
    node->turn_at = MS_TIME_NEVER;
    sim_driver_init(&node->driver, node->role == SIM_MASTER);
    node->driver.clock = sim_node_clock(world, node);
    sim_older_start(world, node);
    sim_trace(world, "%s starts%s", sim_node_name(world, node->index),
              node->is_older ? ", with an older program" : "");
    node->ops->start(world, node);
    sim_node_wake(world, node, world->now);
}

void sim_node_kill(struct sim_world *world, struct sim_node *node, bool with_host)
{
    ms_assert(node->is_up);
    sim_trace(world, "%s dies%s", sim_node_name(world, node->index),
              with_host ? " with its machine" : "");
    sim_observe_death(world, node);
    node->is_up = false;
    node->host_is_dead = with_host;
    node->turn_stamp++;
    node->ops->stop(world, node);
    node->engine = NULL;
    if (node->disk != NULL) {
        sim_disk_crash(world, node);
    }
    sim_driver_finish(world, node, !with_host);
}

void sim_node_restart(struct sim_world *world, struct sim_node *node, ms_time pause)
{
    node->up_again_at = world->now + pause;
    sim_world_push(world, (struct sim_item){
                              .at = node->up_again_at, .kind = SIM_ITEM_START, .a = node->index});
}

void sim_node_stall(struct sim_world *world, struct sim_node *node, ms_time duration)
{
    if (!node->is_up || sim_node_is_stalled(world, node)) {
        return;
    }
    sim_trace(world, "%s is stopped for %lld us", sim_node_name(world, node->index),
              (long long)duration);
    world->stats.counts[SIM_STAT_STALLS]++;
    node->stalled_since = world->now;
    node->stalled_until = world->now + duration;
    if (node->turn_at < node->stalled_until) {
        node->turn_at = MS_TIME_NEVER;
        sim_node_wake(world, node, node->stalled_until);
    }
}

void sim_node_drain(struct sim_world *world, struct sim_node *node)
{
    if (!node->is_up) {
        return;
    }
    sim_trace(world, "%s is told to stop", sim_node_name(world, node->index));
    node->is_stopping = true;
    sim_driver_post(world, node, &(struct ms_event){.type = MS_EVENT_STOP});
}

void sim_node_stopped(struct sim_world *world, struct sim_node *node)
{
    const bool is_broken =
        node->disk != NULL && (node->disk->is_failed || sim_stuck_gives_way(world, node));

    if ((!node->is_stopping && !is_broken) || node->is_done) {
        sim_fail(world, "contract", "%s stops without being told",
                 sim_node_name(world, node->index));
    }
    world->stats.counts[SIM_STAT_DRAINS] += !is_broken;
    node->is_done = true;
}

static void take_turn(struct sim_world *world, struct sim_node *node)
{
    node->turn_at = MS_TIME_NEVER;
    sim_driver_turn(world, node);
    if (node->is_doomed) {
        const bool with_host = ms_rng_chance(&world->rng_fault, 1, 4);

        sim_faults_crash(world, node, with_host);
        return;
    }
    if (node->is_done) {
        sim_node_kill(world, node, false);
        sim_node_restart(world, node,
                         (ms_time)ms_rng_below(&world->rng_load, (uint64_t)world->config.tick));
        return;
    }
    if (node->driver.notices_count > 0) {
        sim_node_wake(world, node, world->now + 1);
    }
    const ms_time deadline = ms_engine_deadline(node->engine);

    if (deadline != MS_TIME_NEVER) {
        const ms_time when = sim_node_when(node, deadline);
        const ms_time late = (ms_time)ms_rng_below(&world->rng_net, TIMER_LATENCY_MAX);

        sim_node_wake(world, node, (when > world->now ? when : world->now + 1) + late);
    }
}

/* --- the run --- */

static const struct sim_role_ops *ops_of(const struct sim_world *world, enum sim_role role)
{
    static const struct sim_role_ops *const ops[] = {
        [SIM_MASTER] = &sim_master_ops,
        [SIM_SLAVE] = &sim_slave_ops,
        [SIM_CLIENT] = &sim_client_ops,
        [SIM_WITNESS] = &sim_witness_ops,
    };

    return role == SIM_MASTER && world->config.masters > 1 ? &sim_pair_ops : ops[role];
}

static void build(struct sim_world *world)
{
    const struct sim_config *config = &world->config;

    ms_rng_init(&world->rng_net, config->seed * 3);
    ms_rng_init(&world->rng_fault, config->seed * 3 + 1);
    ms_rng_init(&world->rng_load, config->seed * 3 + 2);
    ms_rng_init(&world->rng_disk, ~config->seed);
    ms_rng_init(&world->rng_keep, ~config->seed * 3);
    ms_rng_init(&world->rng_fleet, ~config->seed * 5);
    world->nodes_count = sim_first(world, SIM_WITNESS) + config->witnesses;
    world->observer = sim_observer_create();
    sim_tally_begin(world);
    sim_provider_init(world);
    for (uint32_t i = 0; i < world->nodes_count; i++) {
        struct sim_node *node = &world->nodes[i];

        node->index = i;
        node->role = role_of(world, i);
        node->ops = ops_of(world, node->role);
        node->clock_offset = ms_rng_between(&world->rng_load, 0, 1000 * MS_SEC);
        node->clock_ppm =
            ms_rng_between(&world->rng_load, -(int64_t)config->drift_ppm, config->drift_ppm);
        node->wall_offset = SIM_WALL_START - node->clock_offset;
        if ((node->role == SIM_MASTER && config->has_disk) || node->role == SIM_WITNESS) {
            node->disk = sim_disk_create();
        }
        const ms_time first =
            i == 0 ? 0 : (ms_time)ms_rng_below(&world->rng_load, (uint64_t)config->tick);

        sim_world_push(world, (struct sim_item){.at = first, .kind = SIM_ITEM_START, .a = i});
    }
    sim_faults_arm(world);
}

static void demolish(struct sim_world *world)
{
    for (uint32_t i = 0; i < world->nodes_count; i++) {
        if (world->nodes[i].is_up) {
            sim_node_kill(world, &world->nodes[i], true);
        }
        sim_disk_destroy(world->nodes[i].disk);
    }
    sim_net_finish(&world->net);
    sim_observer_destroy(world->observer);
    free(world->items);
    free(world->tail);
}

static void come_up(struct sim_world *world, struct sim_node *node)
{
    if (!node->is_up && (node->disk == NULL || sim_disk_open(world, node))) {
        sim_node_start(world, node);
    }
}

static void handle_disk(struct sim_world *world, struct sim_node *node, const struct sim_item *item)
{
    const ms_time again = sim_disk_stuck(world, node->disk, item);

    if (again > 0) {
        struct sim_item later = *item;

        later.at = again;
        sim_world_push(world, later);
    } else if (item->kind == SIM_ITEM_COMMIT) {
        sim_disk_done(world, node, item->c);
    } else {
        sim_disk_job_done(world, node, (enum sim_job_kind)item->b, item->c);
    }
}

/* What a seed has planned does not happen any more when all is to be well. */
static void act(struct sim_world *world, const struct sim_item *item)
{
    if (!world->is_healing) {
        sim_faults_act(world, (enum sim_fault)item->a, &world->nodes[item->b],
                       (ms_time)item->c * world->config.tick);
    }
}

static void handle(struct sim_world *world, const struct sim_item *item)
{
    struct sim_node *node = item->a < SIM_NODES_MAX ? &world->nodes[item->a] : NULL;

    switch (item->kind) {
    case SIM_ITEM_TURN:
        if (node->is_up && item->c == node->turn_stamp && node->stalled_until <= world->now) {
            take_turn(world, node);
        }
        break;
    case SIM_ITEM_SYN:
        sim_net_syn(world, item->a);
        break;
    case SIM_ITEM_ANSWER:
        sim_net_answer(world, item->a);
        break;
    case SIM_ITEM_ARRIVE:
        sim_net_arrive(world, item->a, item->b, (size_t)item->c);
        break;
    case SIM_ITEM_FIN:
        sim_net_fin(world, item->a, item->b, item->c != 0);
        break;
    case SIM_ITEM_ROOM:
        sim_net_room(world, item->a, item->b);
        break;
    case SIM_ITEM_NODE:
        if (node->is_up && item->c == node->incarnation) {
            node->ops->affair(world, node, item->b);
        }
        break;
    case SIM_ITEM_START:
        come_up(world, node);
        break;
    case SIM_ITEM_FAULT:
        sim_faults_strike(world, (enum sim_fault)item->a);
        break;
    case SIM_ITEM_ACTION:
        sim_scenario_act(world, item->a);
        break;
    case SIM_ITEM_PLANNED:
        act(world, item);
        break;
    case SIM_ITEM_COMMIT:
    case SIM_ITEM_DISK_JOB:
        handle_disk(world, node, item);
        break;
    case SIM_ITEM_REPLACE:
        sim_disk_replace(world, node);
        break;
    case SIM_ITEM_DISK_ROOM:
        sim_disk_roomy(world, node);
        break;
    case SIM_ITEM_FLAP:
        sim_faults_flap(world, item);
        break;
    case SIM_ITEM_HEAL:
        sim_faults_heal(world);
        break;
    }
}

static void go_on(struct sim_world *world)
{
    struct sim_item item;

    if (!sim_world_pop(world, &item)) {
        sim_fail(world, "alone", "nothing is left to happen");
    }
    world->now = item.at;
    handle(world, &item);
}

/* All is well: what becomes of it when one half of a pair dies for good? */
static void bereave(struct sim_world *world)
{
    world->whole_at = world->now;
    while (!sim_lone_is_ready(world)) {
        go_on(world);
    }
    if (sim_lone_begin(world)) {
        while (!sim_lone_is_over(world)) {
            go_on(world);
        }
    }
}

uint64_t sim_world_run(const struct sim_config *config, const struct sim_options *options,
                       struct sim_stats *stats)
{
    struct sim_world *world = calloc(1, sizeof *world);
    struct sim_item item;

    ms_assert(world != NULL);
    world->config = *config;
    world->is_tracing = options->is_tracing;
    world->is_loud = options->is_loud;
    world->tail = calloc(SIM_TAIL_LINES, sizeof *world->tail);
    sim_report_begin(world);
    world->scenario = options->scenario;
    build(world);
    if (world->scenario != NULL) {
        sim_scenario_arm(world, world->scenario);
    }
    while (!world->is_over && sim_world_pop(world, &item)) {
        world->now = item.at;
        handle(world, &item);
        if (!world->is_healing && world->steps >= config->steps) {
            sim_faults_heal(world);
        }
        if (world->is_healing) {
            world->is_over = sim_observer_is_done(world, world->healed_at);
        }
    }
    if (!world->is_over) {
        sim_fail(world, "liveness", "nothing is left to happen, and yet work is left");
    }
    sim_observer_finish(world);
    if (world->scenario == NULL && config->masters > 1) {
        bereave(world);
    }
    const uint64_t digest = world->digest;

    demolish(world);
    sim_report_end();
    sim_stats_add(stats, &world->stats);
    free(world);
    return digest;
}
