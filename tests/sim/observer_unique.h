/* Keys and priorities, watched from outside. */
#ifndef SIM_OBSERVER_UNIQUE_H
#define SIM_OBSERVER_UNIQUE_H

#include "proto/record.h"
#include "tests/sim/observer.h"

/* Who has joined whom now, that each unique key has one owner, and that each command has its key. */
void sim_unique_walk(struct sim_world *world, struct sim_node *node);

/* The outcome in its books is new: it is that of the command it joined, and of those that joined it. */
void sim_unique_outcome(struct sim_world *world, const struct sim_record *record);

/* True when another command with its key is an excuse. */
typedef bool (*sim_excuse_fn)(const struct sim_world *world, const struct sim_record *other,
                              const void *context);
bool sim_unique_excuses(const struct sim_world *world, const struct sim_record *record,
                        sim_excuse_fn is_excuse, const void *context);

/* That master has it with the key it was submitted with, if it may be started there, now or after a kick. */
void sim_key_check(struct sim_world *world, const struct sim_record *record,
                   const struct ms_work *work);

/* It is handed out, or the LEASE of its attempt is written, which leaves later: when that is chosen nothing of a higher priority
 * waits in its lane. */
void sim_priority_check(struct sim_world *world, const struct sim_node *node,
                        const struct sim_record *record);
void sim_priority_leased(struct sim_world *world, const struct sim_node *node,
                         const struct sim_record *of, const struct ms_record *lease);

#endif
