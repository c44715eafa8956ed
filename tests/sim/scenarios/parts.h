/* What the lists of named situations share. */
#ifndef SIM_SCENARIOS_PARTS_H
#define SIM_SCENARIOS_PARTS_H

#include "tests/sim/scenarios.h"

#define ANY UINT64_MAX

/* Bits of config.attributes, see load.c. */
enum { BACKGROUND = 1, STREAM = 2, DELAY = 4, ONCE = 8 };

/* Attempts long enough that one is under way at any time; everything is durable; both. */
void sim_setup_busy(struct sim_config *config);
void sim_setup_durable(struct sim_config *config);
void sim_setup_durable_busy(struct sim_config *config);

extern const struct sim_scenario sim_scenarios_single[], sim_scenarios_pair[];
extern const uint32_t sim_scenarios_single_count, sim_scenarios_pair_count;

#endif
