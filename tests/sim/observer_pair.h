/* Two masters watched from outside: who serves which epoch, what they promise each other, and that both logs are one. */
#ifndef SIM_OBSERVER_PAIR_H
#define SIM_OBSERVER_PAIR_H

#include "proto/record.h"
#include "tests/sim/world.h"

struct sim_ledger;

/* It is the newest that leads. */
void sim_pair_takes_over(struct sim_world *world, struct sim_node *node);
/* A process starts on that node; after each of its steps; it is gone. */
void sim_pair_start(struct sim_world *world, struct sim_node *node);
void sim_pair_engine(struct sim_world *world, struct sim_node *node);
void sim_pair_death(struct sim_world *world, struct sim_node *node);

/* What a half hears of the other one. */
void sim_pair_event(struct sim_world *world, const struct sim_node *node,
                    const struct ms_event *event);

/* What leaves a master, a witness. */
void sim_pair_effect(struct sim_world *world, struct sim_node *node,
                     const struct ms_effect *effect);

/* A master writes an entry; who follows the other half writes some. */
void sim_pair_wrote(struct sim_world *world, const struct sim_node *node,
                    const struct ms_entry *entry);
void sim_pair_follow(struct sim_world *world, const struct sim_node *node,
                     const struct ms_effect *effect);
/* A tenure begins with what is on its disk. */
void sim_pair_read(struct sim_world *world, const struct sim_node *node);

/* The disks on which must be what that master says now; their number. */
uint32_t sim_pair_ledgers(struct sim_world *world, const struct sim_node *node,
                          const struct sim_ledger *ledgers_out[static SIM_MASTERS_MAX]);

/* At rest both disks hold the same; done = the pair is one again. */
void sim_pair_compare(struct sim_world *world);

/* Half a pair is about to give up the log of its own reign: sets it aside, or does not keep it. */
void sim_pair_aside(struct sim_world *world, const struct sim_node *node, bool is_kept);
bool sim_pair_is_whole(struct sim_world *world);

/* How both stand, into the trace. */
void sim_pair_describe(struct sim_world *world);

#endif
