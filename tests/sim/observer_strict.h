/* Class strict of a pair: on two disks, or refused. */
#ifndef SIM_OBSERVER_STRICT_H
#define SIM_OBSERVER_STRICT_H

#include "tests/sim/world.h"

struct sim_record;

/* SUBMIT_ACK leaves a master of a pair; count: of the disks on which must be what it says now. */
void sim_strict_accepted(struct sim_world *world, struct sim_node *node, uint32_t count,
                         const struct ms_effect *effect);

/* One of class strict is refused for good, so that nobody may run it any more. */
void sim_strict_refused(struct sim_world *world, const struct sim_record *record);

#endif
