/* What people of a simulated world want of slaves. It has random numbers of its own: a seed that knows none of it is what it
 * was without. */
#ifndef SIM_LOAD_FLEET_H
#define SIM_LOAD_FLEET_H

#include "core/query.h"
#include "tests/sim/world.h"

/* What is wanted now, as a question; false when nothing is. */
bool sim_fleet_ask(struct sim_world *world, struct ms_query *query_out);

#endif
