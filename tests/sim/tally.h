/* A service in some of the worlds: it notes which calls it has carried out. Each is carried out once, whatever becomes of masters and
 * connections; what was acknowledged is there in the end; and a master that reads the disk is in the same state. */
#ifndef TESTS_SIM_TALLY_H
#define TESTS_SIM_TALLY_H

#include "master/services.h"
#include "tests/sim/world.h"

#define SIM_TALLY_COOKIES (UINT64_C(1) << 41) /* no submission and no query has such a one */

/* The services of a master; NULL: this world has none. */
const struct ms_service_list *sim_tally_services(const struct sim_world *world);
/* Another life begins. */
void sim_tally_begin(struct sim_world *world);

/* A client's turn: it calls, or not. */
void sim_tally_call(struct sim_world *world, struct sim_node *node);
/* A client is handed a CALL_REPLY. */
void sim_tally_replied(struct sim_world *world, const struct ms_effect *effect);

/* Both have the same state. */
void sim_tally_compare(struct sim_world *world, const struct ms_master *master,
                       const struct ms_master *again);
/* All is well again: nothing that was acknowledged is missing. */
void sim_tally_finish(struct sim_world *world, const struct ms_master *master);

#endif
