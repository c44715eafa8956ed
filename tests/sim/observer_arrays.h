/* Arrays: what one submission with many commands must come to. */
#ifndef SIM_OBSERVER_ARRAYS_H
#define SIM_OBSERVER_ARRAYS_H

#include "core/command.h"
#include "tests/sim/world.h"

struct ms_array;
struct ms_master;
struct sim_ledger;
struct sim_record;

/* Books of its members, which follow each other; returns the first. The payload names that. */
uint32_t sim_array_add(struct sim_world *world, const struct sim_node *node,
                       const struct ms_command *submit);

/* The ids of all of them; of a command of its own, its own. */
void sim_array_number(struct sim_world *world, uint32_t record, const struct ms_id *first);

/* A member is handed out, runs, comes to its end; harmless for other commands. */
void sim_array_hand_out(struct sim_world *world, const struct sim_node *node,
                        const struct sim_record *record, const struct ms_command *command);
void sim_array_run(struct sim_world *world, const struct sim_record *record,
                   const struct ms_command *command);
void sim_array_outcome(struct sim_world *world, const struct sim_record *record,
                       enum ms_status status);

/* The record is over; with those of its array, if its client refused it as a whole, before it had a number. */
void sim_array_refused(struct sim_world *world, struct sim_record *record,
                       const struct ms_command *nak);
uint32_t sim_array_refused_count(const struct sim_record *record, const struct ms_command *nak);

/* Somebody will ask that so many may run. */
void sim_array_limit(struct sim_world *world, uint32_t record, uint32_t concurrency);

/* What a master knows of a member without a work: it waits, or is closed. */
bool sim_array_waits(const struct ms_master *master, const struct ms_id *id);
bool sim_array_has_closed(const struct ms_master *master, const struct ms_id *id);

/* Somebody waits for work of an array yet. */
bool sim_arrays_wait(const struct ms_master *master);

/* How many durable members wait in the master; after a restart their arrays must be the same. */
uint32_t sim_arrays_compare(struct sim_world *world, const struct ms_master *master,
                            const struct ms_master *again);

/* Nothing is left of arrays that are over. */
void sim_arrays_finish(struct sim_world *world, const struct ms_master *master);

#endif
