/* Broadcasts: whom they are for, who is given what, and as many outcomes as there are slaves. */
#ifndef SIM_OBSERVER_BROADCASTS_H
#define SIM_OBSERVER_BROADCASTS_H

#include "proto/record.h"
#include "tests/sim/world.h"

struct sim_record;

/* Its SUBMIT is written: for all slaves that live at this moment, or for K of them; or a member has its outcome. Harmless for others, as
 * all of these. */
void sim_broadcast_entry(struct sim_world *world, const struct sim_node *node,
                         struct sim_record *of, const struct ms_record *record);

/* A member goes out to that end: only to whom it went before, and to nobody who has another one. */
void sim_broadcast_hand_out(struct sim_world *world, const struct sim_node *node,
                            const struct sim_record *record, const struct sim_end *end);

/* Its client has the outcome, or is told that there is no slave for it. */
void sim_broadcast_outcome(struct sim_world *world, const struct sim_record *record,
                           const struct ms_command *outcome);
void sim_broadcast_refused(struct sim_world *world, struct sim_record *record,
                           const struct ms_command *nak);

/* It may be refused like that. */
bool sim_broadcast_may_refuse(const struct sim_world *world, const struct sim_record *record,
                              const struct ms_command *nak);

#endif
