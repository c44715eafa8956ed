/* Of a pair that is whole again one half dies for good: the other one must serve in time. */
#ifndef SIM_LONE_H
#define SIM_LONE_H

#include "core/decision.h"
#include "tests/sim/world.h"

/* The witness, with the disk that it has, is on the list. */
bool sim_is_enrolled(const struct sim_world *world, const struct ms_witnesses *list,
                     const struct sim_node *witness);

/* The pair is whole, and most of those that vote know of it; a report when that takes too long. */
bool sim_lone_is_ready(struct sim_world *world);

/* False when the other one could not go on without an operator, so that nothing is tried. */
bool sim_lone_begin(struct sim_world *world);

/* The other half serves; the world ends in a report when it is late. */
bool sim_lone_is_over(struct sim_world *world);

#endif
