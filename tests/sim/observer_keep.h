/* Outcomes that are kept, and what is done to commands that are there already, watched from outside. */
#ifndef SIM_OBSERVER_KEEP_H
#define SIM_OBSERVER_KEEP_H

#include "core/command.h"
#include "tests/sim/world.h"

#define SIM_QUERY_COOKIES (UINT64_C(1) << 40) /* no submission has such a one */

struct ms_record;
struct ms_work;
struct sim_record;

/* An outcome as it was delivered. */
struct sim_told {
    bool is_told;
    uint8_t status;
    uint32_t attempt;
    int32_t code;
    uint64_t hash; /* of the result */
    size_t size;
    uint32_t generation;
};

/* What the observer knows of one submission beside its way from submission to outcome. */
struct sim_keep {
    uint32_t generation;     /* times it was kicked */
    bool is_kicked;          /* and has no end since */
    bool is_void;            /* its former outcome is: another one may come */
    bool is_timeless;        /* a kick took its deadline */
    bool is_cancelled;       /* by an operation */
    bool is_kept;            /* its outcome was said and is to be had until retention lets it go */
    bool is_unsure;          /* maybe the master has forgotten it, with what was done to it */
    bool is_unsafe;          /* an operation changed it, and has not been answered */
    uint8_t operation;       /* which, */
    uint32_t ask;            /* and whose */
    uint32_t master;         /* tenure that said the outcome */
    uint32_t counted_from;   /* attempts before this one do not count any more */
    int8_t priority_asked;   /* at its submission */
    ms_time released_at;     /* what the master says of the latest RELEASE, */
    bool is_release_unknown; /* which it has read back */
    ms_time ended_at;        /* in the world's time; 0 = it has no end, as far as can be seen */
    ms_time ended_from;      /* not before, if it has one */
    uint8_t status;          /* of that end */
    struct sim_told told;
};

/* --- operations (observer_operate.c) --- */

/* A question comes to the master; its answer, or its connection, is over. */
void sim_operate_asked(struct sim_world *world, const struct sim_node *node, ms_peer peer,
                       const struct ms_command *command);
void sim_operate_answered(struct sim_world *world, struct sim_node *node, ms_peer peer,
                          const struct ms_command *command);
void sim_operate_closed(struct sim_world *world, const struct sim_node *node, ms_peer peer);

/* After a step of the master: every change since has its reason. */
void sim_operate_walk(struct sim_world *world, struct sim_node *node);

/* A record of the journal that speaks of that command. */
void sim_operate_entry(struct sim_world *world, const struct sim_node *node,
                       struct sim_record *record, const struct ms_record *entry);

/* Nothing that the process knew is left; what the disk holds is. */
void sim_operate_begin(struct sim_world *world, const struct sim_node *node);

/* --- kept outcomes (observer_keep.c) --- */

/* The master says the outcome; the client hears it. */
void sim_keep_said(struct sim_world *world, const struct sim_node *node, struct sim_record *record);
void sim_keep_told(struct sim_record *record, const struct ms_command *outcome);

/* What is kept is there, or had to go. */
void sim_keep_walk(struct sim_world *world);
void sim_keep_death(struct sim_world *world);

/* What a client is delivered of an answer to one of its wishes. */
void sim_keep_heard(struct sim_world *world, const struct sim_node *node,
                    const struct ms_effect *effect);

#endif
