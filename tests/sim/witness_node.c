/* A witness as a process of its own, and the small record that is all its disk has. */
#include <stdlib.h>

#include "core/invariant.h"
#include "proto/pair_record.h"
#include "slave/witness.h"
#include "tests/sim/disk.h"
#include "tests/sim/nodes.h"
#include "tests/sim/observer.h"

static bool read_record(const struct sim_node *node, struct ms_council_record *record_out)
{
    const struct sim_small *small = &node->disk->small;

    return small->size > 0 &&
           ms_pair_record_read((struct ms_bytes){small->bytes, small->size}, record_out) == MS_E_OK;
}

static void start(struct sim_world *world, struct sim_node *node)
{
    struct ms_council_record record = {.incarnation = sim_uuid(world, node, node->disk->lives)};
    const bool is_read = read_record(node, &record);
    const struct ms_witness_config config = {
        .voter = record.voter,
        .known = {record.known[0], record.known[1]},
        .id = record.incarnation,
        .masters = SIM_ADDRESS_A "," SIM_ADDRESS_B,
        .beat = world->config.pair.beat,
        .silent = world->config.pair.silent,
        .seed = ms_rng_next(&world->rng_load),
        .name = sim_node_name(world, node->index),
        .build = "sim",
    };
    struct ms_witness *witness = ms_witness_create(&config);

    ms_assert(witness != NULL && is_read == (node->disk->small.size > 0));
    node->state = witness;
    node->engine = ms_witness_engine(witness);
}

static void stop(struct sim_world *world, struct sim_node *node)
{
    (void)world;
    ms_witness_destroy(node->state);
    node->state = NULL;
}

static void effect(struct sim_world *world, struct sim_node *node, const struct ms_effect *effect)
{
    switch (effect->type) {
    case MS_EFFECT_STORE:
        sim_disk_job(world, node, effect);
        break;
    case MS_EFFECT_STOPPED:
        sim_node_stopped(world, node);
        break;
    default:
        sim_fail(world, "contract", "a witness emits effect %d", (int)effect->type);
    }
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
    (void)node;
}

static bool voter(const struct sim_node *node, struct ms_voter *voter_out)
{
    struct ms_council_record record = {.place = 0};

    if (!read_record(node, &record)) {
        return false;
    }
    *voter_out = record.voter;
    return true;
}

const struct sim_role_ops sim_witness_ops = {
    .name = "witness",
    .start = start,
    .stop = stop,
    .effect = effect,
    .affair = affair,
    .check = check,
    .voter = voter,
};
