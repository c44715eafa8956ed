/* A provider of the simulated masters, and what must be true of its commands: each number is submitted once, none is left out, and
 * each outcome is counted once. */
#ifndef SIM_PROVIDER_H
#define SIM_PROVIDER_H

#include "core/engine.h"
#include "master/sources_settings.h"
#include "proto/record.h"
#include "tests/sim/config.h"

#define SIM_PROVIDER_MAX 16 /* commands that it makes at most */

struct sim_node;
struct sim_world;

/* What it is in one process, since it was opened. */
struct sim_instance {
    ms_peer opening;
    ms_epoch epoch;
    uint64_t heard; /* bit i: the outcome of number i + 1 */
};

struct sim_provider {
    struct ms_source_settings settings;
    uint32_t total; /* commands that there are; 0 = there is no provider */
    bool keeps;     /* outcomes are kept until it has all; else it has a state */
    uint32_t records[SIM_PROVIDER_MAX]; /* 1 + of each number that was ever made */
    uint32_t made;                      /* the highest of them */
    struct sim_instance instances[SIM_MASTERS_MAX];
};

/* By the world's configuration. */
void sim_provider_init(struct sim_world *world);

/* OPEN, PRODUCE and TELL of a master; false: it is another effect. */
bool sim_provider_effect(struct sim_world *world, struct sim_node *node,
                         const struct ms_effect *effect);

/* A master has written PROVIDER. */
void sim_provider_wrote(struct sim_world *world, const struct sim_node *node,
                        const struct ms_record *record);

/* Everything was made and told, to the master that serves. */
bool sim_provider_is_done(const struct sim_world *world, const struct sim_node *node);

#endif
