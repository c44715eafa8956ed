#include <stdlib.h>
#include <string.h>

#include "core/invariant.h"
#include "master/state.h"
#include "tests/sim/disk.h"
#include "tests/sim/gates.h"
#include "tests/sim/nodes.h"
#include "tests/sim/observer.h"
#include "tests/sim/tally.h"

#define DRAIN_TICKS        6
#define KEEP_TICKS         12  /* outcomes of a silent client */
#define DURABLE_KEEP_TICKS 100 /* and of one with durable commands: longer than any is silent */
#define RESULT_MIN         24

const char *sim_addresses(const struct sim_world *world)
{
    static const char *const lists[SIM_MASTERS_MAX][3] = {
        {SIM_ADDRESS_A, "nobody:1," SIM_ADDRESS_A, "nobody:1,nobody:2," SIM_ADDRESS_A},
        {SIM_ADDRESS_A "," SIM_ADDRESS_B, "nobody:1," SIM_ADDRESS_A "," SIM_ADDRESS_B,
         "nobody:1," SIM_ADDRESS_A ",nobody:2," SIM_ADDRESS_B},
    };

    return lists[world->config.masters - 1][world->config.dead_addresses];
}

struct ms_uuid sim_uuid(const struct sim_world *world, const struct sim_node *node,
                        uint32_t incarnation)
{
    struct ms_uuid uuid;
    const uint64_t parts[2] = {sim_hash(world->config.seed, &node->index, sizeof node->index),
                               sim_hash(world->config.seed + 1, &incarnation, sizeof incarnation) ^
                                   node->index};

    memcpy(uuid.bytes, parts, sizeof uuid.bytes);
    return uuid;
}

static void fill(uint64_t seed, uint8_t *bytes, size_t size)
{
    uint64_t word = seed;

    for (size_t i = 0; i < size; i++) {
        if (i % 8 == 0) {
            word = sim_hash(seed, &i, sizeof i);
        }
        bytes[i] = (uint8_t)(word >> i % 8 * 8);
    }
}

size_t sim_piece(const struct sim_world *world, struct ms_token token, uint32_t index,
                 uint8_t *bytes_out)
{
    const uint64_t parts[4] = {world->config.seed, token.epoch, token.n, index};
    const uint64_t seed = sim_hash(2, parts, sizeof parts);
    const size_t size = seed % (SIM_PIECE_MAX - RESULT_MIN) + (seed >> 32) % RESULT_MIN;

    fill(seed, bytes_out, size);
    return size;
}

void sim_payload(const struct sim_world *world, uint64_t record, uint8_t *bytes, size_t size)
{
    ms_assert(size >= sizeof record);
    fill(sim_hash(world->config.seed, &record, sizeof record), bytes, size);
    memcpy(bytes, &record, sizeof record);
}

/* Reads everything back, as the program does before its loop begins. */
static void replay(struct sim_world *world, struct sim_node *node)
{
    const struct sim_disk *disk = node->disk;
    struct ms_event event = {.type = MS_EVENT_REPLAYED};
    struct ms_command command = {0};

    world->stats.counts[SIM_STAT_RECOVERIES] += disk->entries_count > 0;
    for (uint32_t i = 0; i < disk->entries_count; i++) {
        command.payload = (struct ms_bytes){disk->entries[i].bytes, disk->entries[i].size};
        event.command = &command;
        sim_driver_step(world, node, &event);
    }
    command.payload = (struct ms_bytes){0};
    sim_driver_step(world, node, &event);
    sim_driver_step(world, node,
                    &(struct ms_event){.type = MS_EVENT_ROOM, .count = sim_disk_room(world, disk)});
    sim_disk_flush(world, node);
}

struct ms_master *sim_master_of(const struct sim_node *node)
{
    ms_assert(node->role == SIM_MASTER);
    return node->is_up && node->state != NULL ? node->ops->master(node) : NULL;
}

struct ms_master_config sim_master_config(const struct sim_world *world,
                                          const struct sim_node *node, uint64_t seed)
{
    const struct sim_config *config = &world->config;
    const uint32_t share =
        node->is_unlike && config->pair.unlike == SIM_UNLIKE_LIMITS ? 2 : 1; /* of the limits */

    const struct sim_provider *provider = &world->provider;

    return (struct ms_master_config){
        .sources = &provider->settings,
        .sources_count = provider->total > 0 ? 1 : 0,
        /* A store knows the epoch better. */
        .epoch = node->disk != NULL ? 1 : node->incarnation,
        .is_durable = node->disk != NULL,
        .wall_offset = node->wall_offset,
        .payload_max = config->payload_limit,
        .crashes_max = MS_CRASHES_MAX_DEFAULT,
        .tick = config->tick,
        .drain_timeout = DRAIN_TICKS * config->tick,
        .client_keep = KEEP_TICKS * config->tick,
        .outcome_keep = DURABLE_KEEP_TICKS * config->tick,
        .keep_age = config->keep.age_max,
        .seed = seed,
        .limits = {.sessions_max = config->sessions_max,
                   .commands_max = (config->commands_max + share - 1) / share,
                   .keep_count = config->keep.count_max,
                   .keep_bytes = config->keep.bytes_max,
                   .store_reserve = SIM_STORE_RESERVE},
        .services = sim_tally_services(world),
        .name = "m",
        .build = "sim",
    };
}

static void start(struct sim_world *world, struct sim_node *node)
{
    const struct ms_master_config options =
        sim_master_config(world, node, ms_rng_next(&world->rng_load));
    struct ms_master *master = ms_master_create(&options);

    ms_assert(master != NULL);
    node->state = master;
    node->engine = ms_master_engine(master);
    sim_gates_route(world, node);
    sim_durable_begin(world, node);
    if (node->disk != NULL) {
        replay(world, node);
    } else {
        node->driver.is_listening = true;
    }
}

static void stop(struct sim_world *world, struct sim_node *node)
{
    struct ms_master_stats stats;

    ms_master_stats(node->state, &stats);
    world->stats.counts[SIM_STAT_LATE_RESULTS] += stats.results_refused_total;
    world->stats.counts[SIM_STAT_STALLED_TICKS] += stats.stalls_total;
    ms_master_destroy(node->state);
    node->state = NULL;
}

static void effect(struct sim_world *world, struct sim_node *node, const struct ms_effect *effect)
{
    if (effect->type == MS_EFFECT_STOPPED && effect->error == MS_E_STORE_CORRUPT) {
        sim_fail(world, "recovery", "what is on the disk is refused: %s",
                 ((const struct ms_master *)node->state)->complaint.text);
    } else if (effect->type == MS_EFFECT_STOPPED) {
        sim_node_stopped(world, node);
    } else if (effect->type == MS_EFFECT_PERSIST) {
        sim_disk_write(world, node, effect->seq, effect->command.payload);
    } else if (effect->type == MS_EFFECT_READY) {
        node->driver.is_listening = true;
        sim_durable_ready(world, node);
    } else if (!sim_provider_effect(world, node, effect)) {
        sim_fail(world, "contract", "a master emits effect %d", (int)effect->type);
    }
}

static void set_wall(const struct sim_node *node)
{
    ms_master_set_wall(node->state, node->wall_offset);
}

static struct ms_master *master(const struct sim_node *node)
{
    return node->state;
}

static void affair(struct sim_world *world, struct sim_node *node, uint32_t what)
{
    (void)world;
    (void)node;
    (void)what;
    ms_unreachable();
}

static void check(struct sim_world *world, struct sim_node *node)
{
    (void)world;
    ms_master_check(node->state);
}

const struct sim_role_ops sim_master_ops = {
    .name = "master",
    .start = start,
    .stop = stop,
    .effect = effect,
    .affair = affair,
    .check = check,
    .master = master,
    .set_wall = set_wall,
};
