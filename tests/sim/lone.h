/* Of a pair that is whole again one half dies for good: the other one must serve in time. */
#ifndef SIM_LONE_H
#define SIM_LONE_H

#include "tests/sim/world.h"

/* The pair is whole, and most of those that vote know of it; a report when that takes too long. */
bool sim_lone_is_ready(struct sim_world *world);

/* False when the other one could not go on without an operator, so that nothing is tried. */
bool sim_lone_begin(struct sim_world *world);

/* The other half serves; the world ends in a report when it is late. */
bool sim_lone_is_over(struct sim_world *world);

#endif
