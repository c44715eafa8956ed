/* Named situations: what must hold in them is said in numbers, on top of all invariants. */
#ifndef SIM_SCENARIOS_H
#define SIM_SCENARIOS_H

#include "tests/sim/world.h"

#define SIM_ACTIONS_MAX      12
#define SIM_EXPECTATIONS_MAX 8

/* At a time after the start, in ticks of the master, a fault strikes one node for some ticks. */
struct sim_action {
    uint32_t at_ticks;
    enum sim_fault fault;
    uint32_t node; /* masters come first, then slaves, clients, witnesses */
    uint32_t for_ticks;
    uint32_t other; /* CUT_PEERS: neither hears the other, whoever they are */
};

/* Both bounds are included. */
struct sim_expectation {
    enum sim_stat stat;
    uint64_t min, max;
};

struct sim_scenario {
    const char *name;
    const char *story;
    uint64_t seed;
    uint32_t ticks; /* faults are over after so many; 0 = a seed's own life and faults */
    uint64_t steps; /* of the seed, when ticks is 0 */
    bool is_pair;   /* with two masters, and as many witnesses as the seed says */
    bool is_short;  /* the same, of a small world */
    bool is_merge;  /* and of one that is torn apart again and again */
    void (*setup)(struct sim_config *config);                  /* NULL = as the plain world is */
    struct sim_action actions[SIM_ACTIONS_MAX];                /* for_ticks 0 ends them */
    struct sim_expectation expectations[SIM_EXPECTATIONS_MAX]; /* SIM_STAT_STEPS ends them */
};

/* All of them, one after the other; NULL behind the last. */
const struct sim_scenario *sim_scenario_at(uint32_t place);

/* NULL when there is none of that name. */
const struct sim_scenario *sim_scenario_find(const char *name);

/* Runs it; false, with a sentence on stderr, when an expectation does not hold. */
bool sim_scenario_run(const struct sim_scenario *scenario, const struct sim_options *options);

/* The scenario's actions into the world's heap; it is time for one of them. */
void sim_scenario_arm(struct sim_world *world, const struct sim_scenario *scenario);
void sim_scenario_act(struct sim_world *world, uint32_t action);

#endif
