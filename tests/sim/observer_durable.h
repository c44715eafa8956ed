/* The disk of the master, and what a restart makes of it, watched from outside. */
#ifndef SIM_OBSERVER_DURABLE_H
#define SIM_OBSERVER_DURABLE_H

#include "tests/sim/world.h"

struct sim_record;

struct sim_attempt;
struct sim_ledger;

/* The disk knows of that attempt's end, or of a later one's; where the number is closed, nobody asks for any. */
bool sim_result_is_known(const struct sim_ledger *ledger, const struct sim_record *record,
                         const struct sim_attempt *attempt);

/* What a disk must hold, and when. */
bool sim_is_durable(const struct sim_world *world, const struct sim_record *record);
void sim_durable_begin(struct sim_world *world, struct sim_node *node);
void sim_durable_go_on(struct sim_world *world, struct sim_node *node);
void sim_durable_ready(struct sim_world *world, struct sim_node *node);
void sim_tenure_over(struct sim_world *world, struct sim_node *node);
void sim_journal_persist(struct sim_world *world, struct sim_node *node,
                         const struct ms_effect *effect);
void sim_durable_event(struct sim_world *world, struct sim_node *node,
                       const struct ms_event *event);
void sim_durable_effect(struct sim_world *world, struct sim_node *node,
                        const struct ms_effect *effect);
bool sim_master_knows(const struct sim_node *node, const struct ms_id *id);
bool sim_master_is_at_rest(const struct sim_node *node);
void sim_recovery_check(struct sim_world *world, struct sim_node *node);
void sim_recovery_step(struct sim_world *world, struct sim_node *node);
void sim_observe_commit(struct sim_world *world, struct sim_node *node);
/* The pair is one again: what was promised is on both disks, whatever an operator had forced. */
void sim_durable_mended(struct sim_world *world);
void sim_observe_stored(struct sim_world *world, struct sim_node *node);

#endif
