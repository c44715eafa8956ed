#include <stdlib.h>
#include <string.h>

#include "core/invariant.h"
#include "slave/slave.h"
#include "tests/sim/faults.h"
#include "tests/sim/gates.h"
#include "tests/sim/nodes.h"
#include "tests/sim/observer.h"

#define CRASH_CODE (-11)
#define LATE_TICKS 6

/* A handler at work, on a thread of its own. */
struct job {
    struct ms_token token; /* n 0 = the place is free */
    uint32_t stamp;        /* of what it does next; older plans are void */
    uint32_t pieces, pieces_planned;
    enum ms_status status; /* how it will return */
    bool is_hanging;
    bool is_aborted;
    bool is_killer; /* takes the process along */
};

struct slave {
    struct ms_slave *engine;
    struct job *jobs;
    uint32_t jobs_count;
};

/* The first slave runs everything, so that no type is without a taker for good. */
bool sim_slave_runs(const struct sim_world *world, uint32_t node, uint32_t type)
{
    const uint32_t place = node - sim_first(world, SIM_SLAVE);

    return place == 0 || (sim_hash(world->config.seed, &type, sizeof type) >> (place + 1) & 1) != 0;
}

static void start(struct sim_world *world, struct sim_node *node)
{
    const struct sim_config *config = &world->config;
    const uint32_t which = sim_place(world, node);
    struct slave *slave = calloc(1, sizeof *slave);
    struct ms_slave_type types[SIM_TYPES_MAX];
    struct ms_slave_config options = {
        .addresses = sim_addresses(world),
        .slots = config->slots[which],
        .prefetch = config->prefetch[which],
        .mode = config->pulls_one[which] ? MS_CREDIT_PULL : MS_CREDIT_PUSH,
        .node = sim_uuid(world, node, node->incarnation),
        .seed = ms_rng_next(&world->rng_load),
        .name = sim_node_name(world, node->index),
        .group = sim_group(world, node->index),
        .build = "sim",
        .types = types,
    };

    for (uint32_t i = 0; i < config->types; i++) {
        if (sim_slave_runs(world, node->index, i)) {
            types[options.types_count++] =
                (struct ms_slave_type){.type = SIM_TYPE_FIRST + i, .name = sim_type_name(i)};
        }
    }
    ms_assert(slave != NULL);
    slave->engine = ms_slave_create(&options, NULL);
    ms_assert(slave->engine != NULL);
    slave->jobs_count = config->slots[which];
    slave->jobs = calloc(slave->jobs_count, sizeof *slave->jobs);
    ms_assert(slave->jobs != NULL);
    node->state = slave;
    node->engine = ms_slave_engine(slave->engine);
}

static void stop(struct sim_world *world, struct sim_node *node)
{
    struct slave *slave = node->state;
    struct ms_slave_stats stats;

    ms_slave_stats(slave->engine, &stats);
    world->stats.counts[SIM_STAT_LATE_RESULTS] += stats.late_total;
    ms_slave_destroy(slave->engine);
    free(slave->jobs);
    free(slave);
    node->state = NULL;
}

/* --- handlers --- */

static void plan(struct sim_world *world, struct sim_node *node, struct job *job, ms_time pause)
{
    const struct slave *slave = node->state;
    const uint32_t which = (uint32_t)(job - slave->jobs);

    job->stamp++;
    sim_world_push(world, (struct sim_item){.at = world->now + pause,
                                            .kind = SIM_ITEM_NODE,
                                            .a = node->index,
                                            .b = which << 16 | (job->stamp & 0xffff),
                                            .c = node->incarnation});
}

static ms_time work_time(struct sim_world *world)
{
    const ms_time least = world->config.work_min;
    const ms_time most = world->config.work_max - least;
    /* Most work is short, some takes as long as it may. */
    const ms_time bound = ms_rng_chance(&world->rng_load, 1, 4) ? most : most / 8;

    return least + 1 + (ms_time)ms_rng_below(&world->rng_load, (uint64_t)bound + 1);
}

static bool is_struck(struct sim_world *world, enum sim_fault fault)
{
    return world->config.faults[fault] != 0 &&
           ms_rng_chance(&world->rng_load, world->config.faults[fault], 1000);
}

static void draw_job(struct sim_world *world, struct job *job, const struct ms_command *command)
{
    job->status = MS_STATUS_OK;
    if (world->config.pieces_max > 0 && ms_rng_chance(&world->rng_load, 1, 2)) {
        job->pieces_planned =
            (uint32_t)ms_rng_below(&world->rng_load, world->config.pieces_max + 1);
    }
    if (is_struck(world, SIM_FAULT_RETRY)) {
        job->status = MS_STATUS_RETRY;
    } else if (is_struck(world, SIM_FAULT_FAIL)) {
        job->status = MS_STATUS_FAIL;
    } else if (is_struck(world, SIM_FAULT_HANDLER_CRASH)) {
        job->status = MS_STATUS_CRASHED;
    } else if (is_struck(world, SIM_FAULT_HANDLER_KILLS)) {
        job->is_killer = true;
    } else if (is_struck(world, SIM_FAULT_HANG) && command->timeout > 0) {
        job->is_hanging = true;
    }
}

static struct job *find(struct slave *slave, struct ms_token token)
{
    for (uint32_t i = 0; i < slave->jobs_count; i++) {
        if (slave->jobs[i].token.n == token.n && slave->jobs[i].token.epoch == token.epoch) {
            return &slave->jobs[i];
        }
    }
    return NULL;
}

static void run(struct sim_world *world, struct sim_node *node, const struct ms_command *command)
{
    struct slave *slave = node->state;
    struct job *job = find(slave, (struct ms_token){0, 0});

    if (job == NULL) {
        sim_fail(world, "slots", "%s runs more than its %u slots",
                 sim_node_name(world, node->index), slave->jobs_count);
    }
    *job = (struct job){.token = command->token, .stamp = job->stamp};
    draw_job(world, job, command);
    ms_time pause = work_time(world);

    if (is_struck(world, SIM_FAULT_LATE)) {
        pause += world->config.tick * LATE_TICKS;
    }
    plan(world, node, job, pause / (job->pieces_planned + 1));
}

static void abort_job(struct sim_world *world, struct sim_node *node, struct ms_token token)
{
    struct job *job = find(node->state, token);

    /* One that returned a moment ago may be told still. */
    if (job == NULL || job->is_aborted) {
        return;
    }
    world->stats.counts[SIM_STAT_ATTEMPTS_ABORTED]++;
    job->is_aborted = true;
    job->is_hanging = false;
    if (ms_rng_chance(&world->rng_load, 2, 3)) {
        job->status = MS_STATUS_CANCELLED;
        job->pieces_planned = job->pieces;
        plan(world, node, job, 1 + (ms_time)ms_rng_below(&world->rng_load, 1000));
    } else {
        plan(world, node, job, work_time(world)); /* it does not look, and goes on to its end */
    }
}

static void finish(struct sim_world *world, struct sim_node *node, struct job *job)
{
    uint8_t bytes[SIM_PIECE_MAX];
    const struct ms_usage usage = {.wall_us = 1};
    struct ms_command result = {.kind = MS_KIND_RESULT,
                                .token = job->token,
                                .status = (uint8_t)job->status,
                                .usage = &usage};

    if (job->status == MS_STATUS_CRASHED) {
        result.signal = 11;
        result.code = CRASH_CODE;
    } else if (job->status == MS_STATUS_OK) {
        result.payload =
            (struct ms_bytes){bytes, sim_piece(world, job->token, SIM_PIECE_RESULT, bytes)};
    }
    sim_driver_post(world, node, &(struct ms_event){.type = MS_EVENT_FINISHED, .command = &result});
    job->token = (struct ms_token){0, 0};
}

static void write_piece(struct sim_world *world, struct sim_node *node, struct job *job)
{
    uint8_t bytes[SIM_PIECE_MAX];
    const struct ms_command piece = {
        .kind = MS_KIND_OUTPUT,
        .token = job->token,
        .stream = (uint8_t)(job->pieces % 3 == 2 ? MS_STREAM_STDERR : MS_STREAM_DATA),
        .index = job->pieces,
        .payload = {bytes, sim_piece(world, job->token, job->pieces, bytes)},
    };

    job->pieces++;
    sim_driver_post(world, node, &(struct ms_event){.type = MS_EVENT_OUTPUT, .command = &piece});
}

static void affair(struct sim_world *world, struct sim_node *node, uint32_t what)
{
    struct slave *slave = node->state;
    struct job *job = &slave->jobs[what >> 16];

    if (job->token.n == 0 || (job->stamp & 0xffff) != (what & 0xffff) || job->is_hanging) {
        return;
    }
    if (sim_node_is_stalled(world, node)) {
        plan(world, node, job, node->stalled_until - world->now + 1);
        return;
    }
    if (job->is_killer && !world->is_healing) {
        sim_faults_crash(world, node, false);
        return;
    }
    if (job->pieces < job->pieces_planned) {
        write_piece(world, node, job);
        plan(world, node, job, work_time(world) / (job->pieces_planned + 1));
        return;
    }
    finish(world, node, job);
}

/* --- its life --- */

static void effect(struct sim_world *world, struct sim_node *node, const struct ms_effect *effect)
{
    switch (effect->type) {
    case MS_EFFECT_RUN:
        run(world, node, &effect->command);
        break;
    case MS_EFFECT_ABORT:
        abort_job(world, node, effect->command.token);
        break;
    case MS_EFFECT_FOLLOW: /* its handlers write piece by piece anyway */
    case MS_EFFECT_LEVEL:  /* it has no log */
        break;
    case MS_EFFECT_STOPPED:
        sim_node_stopped(world, node);
        break;
    default:
        sim_fail(world, "contract", "a slave emits effect %d", (int)effect->type);
    }
}

void sim_slaves_heal(struct sim_world *world)
{
    const uint32_t first = sim_first(world, SIM_SLAVE);

    for (uint32_t i = first; i < first + world->config.slaves; i++) {
        struct slave *slave = world->nodes[i].state;

        for (uint32_t j = 0; slave != NULL && j < slave->jobs_count; j++) {
            struct job *job = &slave->jobs[j];

            if (job->token.n != 0 && job->is_hanging) {
                job->is_hanging = false;
                plan(world, &world->nodes[i], job, work_time(world));
            }
        }
    }
}

static void check(struct sim_world *world, struct sim_node *node)
{
    const struct slave *slave = node->state;

    (void)world;
    ms_slave_check(slave->engine);
}

const struct sim_role_ops sim_slave_ops = {
    .name = "slave",
    .start = start,
    .stop = stop,
    .effect = effect,
    .affair = affair,
    .check = check,
};
