/* What may be in whose hands: the LEASE of each command that a whole pair hands out is in the memory of both halves. */
#ifndef SIM_OBSERVER_HANDS_H
#define SIM_OBSERVER_HANDS_H

#include "proto/record.h"
#include "tests/sim/world.h"

/* The LEASE record of an attempt: which half has it in its memory now, and which had it ever. */
struct sim_lease {
    struct ms_id id;
    struct ms_token token;
    bool is_had[SIM_MASTERS_MAX], is_told[SIM_MASTERS_MAX];
};

/* That half has the record in its memory: it wrote it as the active, or took it from the active. */
void sim_hands_entry(struct sim_world *world, const struct sim_node *node,
                     const struct ms_entry *entry);
/* A LEASE of that token was written before, by either half. */
bool sim_hands_has(struct sim_world *world, struct ms_token token);
/* Only what its disk says is left of its memory. */
void sim_hands_forget(struct sim_world *world, const struct sim_node *node);

/* A COMMAND leaves. */
void sim_hands_out(struct sim_world *world, const struct sim_node *node,
                   const struct ms_command *command);
/* A master begins in that half: when it knows all hands, it has the lease of each command that may be in one. */
void sim_hands_begin(struct sim_world *world, const struct sim_node *node);

#endif
