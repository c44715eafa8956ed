/* What one half of a pair could not know, because an operator's word let both serve. A pair is torn from that word until it is one
 * again; then what each half did is known to both. Whatever one tenure did alone binds it all the while. */
#ifndef SIM_OBSERVER_TORN_H
#define SIM_OBSERVER_TORN_H

#include "tests/sim/world.h"

struct sim_attempt;
struct sim_record;

/* The attempt is another tenure's, of a time in which, or before which, that one may have been the other half's: neither knows
 * whether the other one has ended it, or how often it has failed. */
bool sim_attempt_is_apart(const struct sim_world *world, const struct sim_attempt *attempt,
                          uint32_t tenure);

/* The same of the outcome that was told last: each half may have one of its own, and after the merge the active one's stands. */
bool sim_outcome_is_apart(const struct sim_world *world, const struct sim_record *record,
                          uint32_t tenure);

/* What joined another command at one half may have come out there, and the other one have run what it joined. */
bool sim_join_is_apart(const struct sim_world *world, const struct sim_record *follower,
                       const struct sim_record *leader);

/* In the order in which the higher outcome stands, by the table of docs/decisions/0013-reconciliation.md. */
int sim_outcome_rank(enum ms_status status);

/* Both halves have served at the same time, now or before. */
bool sim_was_torn(const struct sim_world *world);

/* The pair is one again. */
void sim_torn_end(struct sim_world *world);

#endif
