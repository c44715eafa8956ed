/* Routes with limits in a simulated world, and what must be true of them: at no time more commands of a type, or of a type in one
 * group of slaves, are in hand than its route allows, whoever handed them out; and no more are handed out than there were tokens.
 *
 * What two halves hand out while the pair is torn counts for each apart, and those of class mem that another master handed out do
 * not count: nobody has told of them. */
#ifndef SIM_GATES_H
#define SIM_GATES_H

#include "tests/sim/world.h"

/* "alpha", for places of types below SIM_TYPES_MAX. */
const char *sim_type_name(uint32_t type);

/* The group of a slave, by its node; "" = none. */
const char *sim_group(const struct sim_world *world, uint32_t node);

/* A master, or half of a pair, begins with the routes of the world. */
void sim_gates_route(const struct sim_world *world, const struct sim_node *node);

/* A COMMAND left a master; its attempt is in the books. */
void sim_gates_handed_out(struct sim_world *world, const struct sim_node *node,
                          const struct ms_command *command);

/* After a step: what was handed out in it had its tokens. */
void sim_gates_step(struct sim_world *world, const struct sim_node *node);

#endif
