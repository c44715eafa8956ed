/* Seeds that merge: a small pair that is torn apart again and again, with work that both halves know and may end otherwise. */
#include "core/limits.h"
#include "tests/sim/config.h"
#include "tests/sim/older.h"

/* Rows of load.c, which other seeds do not have: attempts that may be made only once, and payloads in parts, are frequent. */
#define OFTEN_ONCE  (1u << 10)
#define OFTEN_LARGE (1u << 11)

static uint32_t draw(struct ms_rng *rng, uint32_t low, uint32_t high)
{
    return (uint32_t)ms_rng_between(rng, low, high);
}

static void draw_sizes(struct sim_config *config, struct ms_rng *rng)
{
    config->witnesses = ms_rng_chance(rng, 1, 4) ? 1 : 0;
    config->slaves = draw(rng, 2, 4);
    config->clients = draw(rng, 2, 3);
    config->types = draw(rng, 1, 2);
    for (uint32_t i = 0; i < SIM_SLAVES_MAX; i++) {
        config->slots[i] = draw(rng, 1, 3);
        config->prefetch[i] = draw(rng, 0, 1);
    }
    config->outstanding = draw(rng, 3, 8);
    config->batches = ms_rng_chance(rng, 3, 4);
    config->payload_max = draw(rng, 16, 200);
    config->commands_max = SIM_COMMANDS_MANY;
    config->attempts_max = draw(rng, 1, 3);
    config->pieces_max = draw(rng, 0, 2);
    config->strange_permille = 0;
    config->dead_addresses = 0;
    config->output_soft = MS_OUTPUT_SOFT_MAX;
    config->durable_permille = ms_rng_chance(rng, 3, 4) ? 1000 : 800;
}

static void draw_speeds(struct sim_config *config, struct ms_rng *rng)
{
    struct sim_pair_config *pair = &config->pair;

    config->tick = draw(rng, 50, 200) * MS_MSEC;
    config->work_max = config->tick * draw(rng, 20, 300) / 100;
    config->delay_base = config->tick / draw(rng, 50, 400);
    config->drift_ppm = ms_rng_chance(rng, 1, 3) ? draw(rng, 0, 50000) : 0;
    config->window = 1u << draw(rng, 14, 17);
    pair->silent = config->tick * draw(rng, 30, 120) / 100;
    pair->lease = pair->silent * 3 / 4;
    pair->beat = pair->silent / 4;
    pair->vote = pair->silent * 3 / 10;
    pair->boot = pair->silent;
    pair->failback_delay = 30 * config->tick;
    pair->is_auto_failback = false;
    pair->is_auto_enrol = false;
    pair->unlike = SIM_LIKE;
}

/* One more thing that goes wrong, so that merges are interrupted, too. */
static void draw_other(struct sim_config *config, struct ms_rng *rng)
{
    static const enum sim_fault others[] = {
        SIM_FAULT_CRASH_MASTER, SIM_FAULT_CRASH_BOTH,   SIM_FAULT_CRASH_SLAVE,
        SIM_FAULT_CRASH_CLIENT, SIM_FAULT_RESET,        SIM_FAULT_HALF_OPEN,
        SIM_FAULT_CUT_PEERS,    SIM_FAULT_STALL_MASTER, SIM_FAULT_STALL_SLAVE,
        SIM_FAULT_STALL_CLIENT,
    };
    const uint32_t period = (uint32_t)(config->tick / MS_MSEC);

    config->faults[others[ms_rng_below(rng, sizeof others / sizeof others[0])]] =
        draw(rng, period, 8 * period);
}

static void draw_faults(struct sim_config *config, struct ms_rng *rng)
{
    const uint32_t period = (uint32_t)(config->tick / MS_MSEC);

    for (uint32_t i = 0; i < SIM_FAULTS; i++) {
        config->faults[i] = 0;
    }
    config->faults[SIM_FAULT_TEAR] = draw(rng, period / 2, 2 * period);
    config->faults[SIM_FAULT_CANCEL] = draw(rng, period / 4, 2 * period);
    config->faults[SIM_FAULT_FAIL] = draw(rng, 100, 500);
    if (ms_rng_chance(rng, 1, 2)) {
        config->faults[SIM_FAULT_RETRY] = draw(rng, 50, 300);
    }
    if (ms_rng_chance(rng, 1, 4)) {
        config->faults[SIM_FAULT_HANG] = draw(rng, 50, 200);
    }
    if (ms_rng_chance(rng, 1, 2)) {
        draw_other(config, rng);
    }
}

/* Kept outcomes, or arrays: those who judge what is kept follow single commands. */
static void draw_wishes(struct sim_config *config, struct ms_rng *rng)
{
    config->attributes = (uint32_t)ms_rng_next(rng) & (OFTEN_ONCE - 1);
    if (ms_rng_chance(rng, 1,
                      2)) { /* and they last, so that one half has them in hand when both meet */
        config->attributes |= OFTEN_ONCE;
        config->work_max = config->tick * draw(rng, 2, 12);
        config->work_min = config->work_max / 4;
    }
    if (ms_rng_chance(rng, 1, 8)) {
        config->attributes |= OFTEN_LARGE;
    }
    config->keep = (struct sim_keep_config){0};
    if (ms_rng_chance(rng, 1, 2)) {
        config->keep.permille = draw(rng, 200, 800);
    }
}

void sim_config_draw_merge(struct sim_config *config, uint64_t seed, uint64_t steps)
{
    struct ms_rng rng;

    sim_config_draw_pair(config, seed, steps);
    config->kind = SIM_KIND_MERGE;
    ms_rng_init(&rng, seed ^ UINT64_C(0x6d65726765));
    draw_sizes(config, &rng);
    draw_speeds(config, &rng);
    draw_faults(config, &rng);
    draw_wishes(config, &rng);
    sim_older_config(config);
}
