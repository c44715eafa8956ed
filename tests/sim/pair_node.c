/* One half of a pair of masters as a process: its engine, and what its disk says of it when it starts. */
#include <stdlib.h>
#include <string.h>

#include "core/invariant.h"
#include "master/pair.h"
#include "master/state.h"
#include "proto/pair_record.h"
#include "tests/sim/disk.h"
#include "tests/sim/gates.h"
#include "tests/sim/nodes.h"
#include "tests/sim/observer.h"

#define RENEWED_FROM 1000000u /* what is drawn for who begins anew is nobody else's */

/* A directory that was just made, or what is there. */
static struct ms_council_record record_of(struct sim_world *world, const struct sim_node *node)
{
    const struct sim_small *small = &node->disk->small;
    struct ms_council_record record = {.place = (uint8_t)node->index, .lead = MS_MASTERS};

    if (small->size > 0) {
        const bool is_sound =
            ms_pair_record_read((struct ms_bytes){small->bytes, small->size}, &record) == MS_E_OK;

        ms_assert(is_sound);
        return record;
    }
    record.is_fresh = true;
    record.start.number = (uint64_t)node->disk->lives << 10;
    record.incarnation = sim_uuid(world, node, node->disk->lives);
    for (uint32_t i = 0; i < world->config.witnesses && !world->config.pair.is_auto_enrol; i++) {
        record.witnesses.ids[record.witnesses.count++] =
            sim_uuid(world, &world->nodes[sim_first(world, SIM_WITNESS) + i], 0);
    }
    return record;
}

/* Counted on the disk before anybody hears of it; a new directory has no record yet. */
static struct ms_council_record counted(struct sim_world *world, struct sim_node *node)
{
    struct sim_small *small = &node->disk->small;
    struct ms_council_record record = record_of(world, node);

    ms_council_record_start(&record, node->incarnation + 1u);
    if (small->size > 0) {
        if (world->config.pair.is_set_back && node->incarnation % 2 == 0) {
            sim_disk_copy(node->disk); /* some starts later it may be put back */
        }
        small->bytes = realloc(small->bytes, MS_PAIR_RECORD_SIZE_MAX);
        ms_assert(small->bytes != NULL);
        small->size = ms_pair_record_write(small->bytes, &record);
    }
    return record;
}

/* A pair is made by halves that are alike; for two lives in a row one of them is not; before all heals, somebody has looked at the
 * settings. */
static bool is_unlike(const struct sim_world *world, const struct sim_node *node)
{
    return world->config.pair.unlike != SIM_LIKE && node->index == 1 && !world->is_healing &&
           node->incarnation / 2 % 2 == 1;
}

static struct ms_council_times times_of(const struct sim_world *world, const struct sim_node *node)
{
    const struct sim_pair_config *pair = &world->config.pair;
    ms_time times = 2; /* and half of that is meant */

    if (node->is_unlike && pair->unlike == SIM_UNLIKE_SLOW) {
        times = 4;
    } else if (node->is_unlike && pair->unlike == SIM_UNLIKE_FAST) {
        times = 1;
    }
    return (struct ms_council_times){.beat = pair->beat * times / 2,
                                     .lease = pair->lease * times / 2,
                                     .silent = pair->silent * times / 2,
                                     .vote = pair->vote * times / 2,
                                     .boot = pair->boot,
                                     .failback_delay = pair->failback_delay};
}

static void start(struct sim_world *world, struct sim_node *node)
{
    static const char *const peers[SIM_MASTERS_MAX] = {SIM_ADDRESS_B, SIM_ADDRESS_A};
    const struct sim_pair_config *pair = &world->config.pair;
    const struct ms_council_record record = counted(world, node);

    node->is_unlike = is_unlike(world, node);
    world->stats.counts[SIM_STAT_UNLIKE] += node->is_unlike;
    const struct ms_pair_config config = {
        .master = sim_master_config(world, node, ms_rng_next(&world->rng_load)),
        .council = {.record = record,
                    .times = times_of(world, node),
                    .failover = node->is_unlike && pair->unlike == SIM_UNLIKE_MANUAL
                                    ? MS_FAILOVER_MANUAL
                                    : MS_FAILOVER_QUORUM,
                    .is_bootstrap = node->index == 0 && record.is_fresh && node->disk->lives == 0,
                    .is_auto_failback = pair->is_auto_failback,
                    .is_auto_enrol = pair->is_auto_enrol,
                    .cluster_new = sim_uuid(world, node, UINT32_MAX),
                    .incarnation_new = sim_uuid(world, node, RENEWED_FROM + node->incarnation),
                    .seed = ms_rng_next(&world->rng_load)},
        .peer = peers[node->index],
    };
    struct ms_pair *engine = ms_pair_create(&config);

    ms_assert(engine != NULL);
    node->state = engine;
    node->engine = ms_pair_engine(engine);
    sim_gates_route(world, node);
    node->driver.is_listening = true;
    sim_pair_start(world, node);
    sim_view(world, node)->is_partial = !record.is_complete;
    sim_driver_step(
        world, node,
        &(struct ms_event){.type = MS_EVENT_ROOM, .count = sim_disk_room(world, node->disk)});
    sim_disk_flush(world, node);
}

static void stop(struct sim_world *world, struct sim_node *node)
{
    struct ms_pair_stats stats;

    ms_pair_stats(node->state, &stats);
    council_rows_add(&world->stats.rows, ms_pair_council(node->state));
    world->stats.counts[SIM_STAT_MERGES_CUT] += stats.is_merging;
    world->stats.counts[SIM_STAT_COPIES] += stats.copies_total;
    world->stats.counts[SIM_STAT_COPIES_SPARED] += stats.resumes_total;
    world->stats.counts[SIM_STAT_SHED] += stats.slow_total;
    world->stats.counts[SIM_STAT_CATCHUPS] += stats.catchups_total;
    for (size_t there = 0; there < MS_MERGE_STATES; there++) {
        for (size_t here = 0; here < MS_MERGE_STATES; here++) {
            world->stats.cells[there][here] += stats.merged.cells[there][here];
        }
    }
    world->stats.counts[SIM_STAT_MERGES] += stats.merged.merges;
    world->stats.counts[SIM_STAT_MERGED_ADOPTED] += stats.merged.adopted;
    world->stats.counts[SIM_STAT_MERGED_SETTLED] += stats.merged.settled;
    world->stats.counts[SIM_STAT_MERGED_LIFTED] += stats.merged.lifted;
    world->stats.counts[SIM_STAT_MERGED_CLOSED] += stats.merged.closed;
    world->stats.counts[SIM_STAT_MERGES_KNOWN] += stats.merges_known_total;
    world->stats.counts[SIM_STAT_MERGES_REFUSED] += stats.refused > 0;
    ms_pair_destroy(node->state);
    node->state = NULL;
}

/* What it served itself is still in its store. */
static bool has_own(const struct sim_node *node)
{
    return ms_council_record(ms_pair_council(node->state))->unmerged > 0;
}

/* The own store is given up, now or when the copy beside it is whole. */
static void note_clear(struct sim_world *world, const struct sim_node *node,
                       const struct ms_effect *effect)
{
    const enum ms_clear how = (enum ms_clear)effect->seq;
    const bool is_own = how == MS_CLEAR_BESIDE || how == MS_CLEAR_ADOPT ||
                        (how == MS_CLEAR_ALL && !node->disk->kept.is_there);

    if (is_own && (effect->count > 0 || has_own(node))) {
        sim_pair_aside(world, node, effect->count > 0);
        world->stats.counts[SIM_STAT_SPARED] += how != MS_CLEAR_BESIDE && effect->count == 0;
    }
}

static void effect(struct sim_world *world, struct sim_node *node, const struct ms_effect *effect)
{
    switch (effect->type) {
    case MS_EFFECT_STOPPED:
        if (effect->error == MS_E_STORE_CORRUPT) {
            sim_fail(world, "recovery", "what is on the disk of %s is refused",
                     sim_node_name(world, node->index));
        }
        sim_node_stopped(world, node);
        break;
    case MS_EFFECT_PERSIST:
        sim_disk_write(world, node, effect->seq, effect->command.payload);
        break;
    case MS_EFFECT_READY:
        sim_durable_ready(world, node);
        break;
    case MS_EFFECT_CLEAR:
        note_clear(world, node, effect);
        sim_disk_job(world, node, effect);
        break;
    case MS_EFFECT_STORE:
    case MS_EFFECT_REPLAY:
    case MS_EFFECT_SCAN:
        sim_disk_job(world, node, effect);
        break;
    default:
        if (sim_provider_effect(world, node, effect)) {
            break;
        }
        sim_fail(world, "contract", "half a pair emits effect %d", (int)effect->type);
    }
}

static void affair(struct sim_world *world, struct sim_node *node, uint32_t what)
{
    (void)world;
    (void)node;
    (void)what;
    ms_unreachable();
}

static struct ms_master *master(const struct sim_node *node)
{
    return ms_pair_master(node->state);
}

static void check(struct sim_world *world, struct sim_node *node)
{
    (void)world;
    if (master(node) != NULL) {
        ms_master_check(master(node));
    }
}

static void standing(const struct sim_node *node, struct sim_standing *standing_out)
{
    const struct ms_council *council = ms_pair_council(node->state);
    const struct ms_council_record *record = ms_council_record(council);
    const enum ms_council_state state = ms_council_state(council);
    struct ms_pair_stats stats;

    ms_pair_stats(node->state, &stats);
    *standing_out = (struct sim_standing){
        /* Its state is told when its epoch is on the disk; before, an earlier proposal of its own may be there. */
        .is_active = (state == MS_COUNCIL_PAIR || state == MS_COUNCIL_SOLO) &&
                     record->served == record->voter.accepted.epoch,
        .is_whole = state == MS_COUNCIL_PAIR,
        .is_in_sync = state == MS_COUNCIL_SYNC,
        .is_pair = stats.is_pair,
        .has_peer = stats.has_peer,
        .lag = stats.lag_bytes,
        .durable = stats.durable,
        .covered = stats.covered,
        .reign = stats.reign,
        .epoch = stats.epoch,
        .state = ms_council_state_name(state),
        .is_fresh = record->is_fresh,
        .is_complete = record->is_complete,
        .promised = record->voter.promised,
        .incarnation = record->incarnation,
        .decision = record->voter.accepted,
        .lead = record->lead,
        .witnesses = record->witnesses,
        .witnesses_connected = stats.witnesses_connected,
        .witness_version = record->witness_version,
        .is_changing = record->is_changing,
        .is_held = record->hold.is_on,
    };
}

static bool voter(const struct sim_node *node, struct ms_voter *voter_out)
{
    const struct sim_small *small = &node->disk->small;
    struct ms_council_record record;

    if (ms_pair_record_read((struct ms_bytes){small->bytes, small->size}, &record) != MS_E_OK) {
        return false;
    }
    *voter_out = record.voter;
    return true;
}

static void set_wall(const struct sim_node *node)
{
    ms_pair_set_wall(node->state, node->wall_offset);
}

const struct sim_role_ops sim_pair_ops = {
    .name = "master",
    .start = start,
    .stop = stop,
    .effect = effect,
    .affair = affair,
    .check = check,
    .master = master,
    .standing = standing,
    .voter = voter,
    .set_wall = set_wall,
};
