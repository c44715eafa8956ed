/* What goes wrong from outside: when, whom it hits, and for how long. */
#ifndef SIM_FAULTS_H
#define SIM_FAULTS_H

#include "core/body.h"
#include "tests/sim/world.h"

/* Schedules the first of each kind that the seed knows. */
void sim_faults_arm(struct sim_world *world);

/* One strikes now, and its next is scheduled, unless faults are over. */
void sim_faults_strike(struct sim_world *world, enum sim_fault fault);

/* One strikes this very node for so long, as a scenario wants it. */
void sim_faults_act(struct sim_world *world, enum sim_fault fault, struct sim_node *node,
                    ms_time duration);

/* The process dies now and is started again some time later. */
void sim_faults_crash(struct sim_world *world, struct sim_node *node, bool with_host);

/* Faults are over: everybody comes back, all ways are free. */
void sim_faults_heal(struct sim_world *world);

/* Where there are two masters and witnesses (faults_pair.c, faults_tear.c). */
void sim_faults_strike_pair(struct sim_world *world, enum sim_fault fault, ms_time duration);
/* A line that flaps is off, and will be again. */
void sim_faults_flap(struct sim_world *world, const struct sim_item *item);
void sim_faults_act_pair(struct sim_world *world, enum sim_fault fault, struct sim_node *node,
                         ms_time duration);
void sim_faults_tear(struct sim_world *world);
/* Somebody tells a half what to do, over a connection that is there for that only. */
void sim_operator_says(struct sim_world *world, struct sim_node *node, enum ms_order order);

#endif
