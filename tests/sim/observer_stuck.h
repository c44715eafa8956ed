/* Disks that hang, watched from outside. */
#ifndef SIM_OBSERVER_STUCK_H
#define SIM_OBSERVER_STUCK_H

#include "tests/sim/nodes.h"

/* Nothing is wrong but disks that do nothing. */
bool sim_stuck_is_all(const struct sim_world *world);

/* After a step of a half: one whose disk hangs serves no longer than it takes the other one, in sync, to be given way to. */
void sim_stuck_look(struct sim_world *world, struct sim_node *node,
                    const struct sim_standing *standing);

/* A process ends: whether it was because its disk hangs. Then there must be somebody who takes over. */
bool sim_stuck_gives_way(struct sim_world *world, struct sim_node *node);

#endif
