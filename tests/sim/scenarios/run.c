#include <string.h>

#include "tests/sim/faults.h"
#include "tests/sim/scenarios/parts.h"

/* Two slaves, two clients, steady work, a tick of one second, and nothing that goes wrong. */
/* The pair has one witness and the usual times. */
static void plain(struct sim_config *config, uint64_t seed, bool is_pair)
{
    sim_config_draw(config, seed, UINT64_MAX);
    config->masters = is_pair ? 2 : 1;
    config->witnesses = is_pair ? 1 : 0;
    config->slaves = 2;
    config->clients = 2;
    config->types = 1;
    for (uint32_t i = 0; i < SIM_SLAVES_MAX; i++) {
        config->slots[i] = 2;
        config->prefetch[i] = 0;
        config->pulls_one[i] = false;
    }
    config->outstanding = 8;
    config->attempts_max = 3;
    config->payload_max = 200;
    config->payload_limit = MS_PAYLOAD_MAX_DEFAULT;
    config->pieces_max = 4;
    config->work_max = 400 * MS_MSEC;
    config->tick = MS_SEC;
    config->delay_base = 200;
    config->drift_ppm = 0;
    config->dead_addresses = 0;
    config->strange_permille = 0;
    config->commands_max = 0;
    config->output_soft = MS_OUTPUT_SOFT_MAX;
    config->has_disk = is_pair;
    config->durable_permille = is_pair ? 1000 : 0;
    config->attributes = 0;
    config->keep = (struct sim_keep_config){0};
    memset(config->faults, 0, sizeof config->faults);
}

void sim_scenario_arm(struct sim_world *world, const struct sim_scenario *scenario)
{
    const ms_time tick = world->config.tick;

    for (uint32_t i = 0; i < SIM_ACTIONS_MAX && scenario->actions[i].for_ticks > 0; i++) {
        const struct sim_action *action = &scenario->actions[i];

        sim_world_push(world, (struct sim_item){
                                  .at = action->at_ticks * tick, .kind = SIM_ITEM_ACTION, .a = i});
    }
    if (scenario->ticks > 0) {
        sim_world_push(world,
                       (struct sim_item){.at = scenario->ticks * tick, .kind = SIM_ITEM_HEAL});
    }
}

void sim_scenario_act(struct sim_world *world, uint32_t which)
{
    const struct sim_action *action = &world->scenario->actions[which];
    const ms_time duration = action->for_ticks * world->config.tick;

    if (action->fault == SIM_FAULT_CUT_PEERS) {
        sim_net_block(world, action->node, action->other, world->now + duration);
        sim_net_block(world, action->other, action->node, world->now + duration);
        return;
    }
    sim_faults_act(world, action->fault, &world->nodes[action->node], duration);
}

static enum sim_kind kind_of(const struct sim_scenario *scenario)
{
    return scenario->is_merge   ? SIM_KIND_MERGE
           : scenario->is_short ? SIM_KIND_SHORT
           : scenario->is_pair  ? SIM_KIND_PAIR
                                : SIM_KIND_SINGLE;
}

bool sim_scenario_run(const struct sim_scenario *scenario, const struct sim_options *options)
{
    struct sim_config config;
    struct sim_stats stats = {.counts = {0}};
    struct sim_options own = *options;
    bool is_good = true;

    if (scenario->ticks > 0) {
        plain(&config, scenario->seed, scenario->is_pair);
    } else {
        sim_config_draw_kind(&config, kind_of(scenario), scenario->seed, scenario->steps);
        config.has_keys = config.has_orders = config.has_broadcasts = config.has_provider =
            config.has_gates = config.has_services =
                false; /* as the seeds were when they were found */
    }
    if (scenario->setup != NULL) {
        scenario->setup(&config);
    }
    own.scenario = scenario;
    sim_world_run(&config, &own, &stats);
    for (uint32_t i = 0;
         i < SIM_EXPECTATIONS_MAX && scenario->expectations[i].stat != SIM_STAT_STEPS; i++) {
        const struct sim_expectation *expectation = &scenario->expectations[i];
        const uint64_t value = stats.counts[expectation->stat];

        if (value < expectation->min || value > expectation->max) {
            fprintf(stderr, "ms-sim: scenario %s: %s: %llu, expected %llu to %llu\n",
                    scenario->name, sim_stat_text(expectation->stat), (unsigned long long)value,
                    (unsigned long long)expectation->min, (unsigned long long)expectation->max);
            is_good = false;
        }
    }
    return is_good;
}

const struct sim_scenario *sim_scenario_at(uint32_t place)
{
    if (place < sim_scenarios_single_count) {
        return &sim_scenarios_single[place];
    }
    place -= sim_scenarios_single_count;
    return place < sim_scenarios_pair_count ? &sim_scenarios_pair[place] : NULL;
}

const struct sim_scenario *sim_scenario_find(const char *name)
{
    const struct sim_scenario *scenario;
    uint32_t place = 0;

    do {
        scenario = sim_scenario_at(place++);
    } while (scenario != NULL && strcmp(scenario->name, name) != 0);
    return scenario;
}
