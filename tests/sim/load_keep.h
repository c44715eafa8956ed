/* What the applications of a simulated world want of commands that are there already, and of outcomes that
 * were kept. It has random numbers of its own: a seed that knows none of it is what it was without. */
#ifndef SIM_LOAD_KEEP_H
#define SIM_LOAD_KEEP_H

#include "tests/sim/load.h"

/* The commands that the filter of a question means, so that the observer need not read the filter. What they
 * are asked for does not change while a command lives. */
struct sim_where {
    ms_type type;           /* 0 = of any */
    struct ms_uuid client;  /* zero = of any */
    uint64_t seq_below;     /* 0 = any number */
    uint64_t size_at_least; /* of the payload */
};

/* One wish, and what its client has heard of it so far. */
struct sim_ask {
    uint32_t node, incarnation; /* of the client */
    uint32_t record;            /* of the one command; SIM_NONE = all of where */
    struct sim_where where;
    enum ms_query_what what;
    enum ms_operation operation;
    bool is_dry;
    int64_t value;
    /* At the master: the question as it came last. */
    bool is_there;
    uint32_t master; /* node */
    ms_peer peer;
    uint64_t number;
    /* FETCH: as the observer knew it when it was asked, and the pieces that came. */
    bool was_kept;
    uint32_t generation, attempt, tails;
    uint64_t tail_hash;
    size_t tail_size;
};

/* What of it exists in this seed. */
void sim_keep_config(struct sim_config *config);

/* Whether the outcome of this submission is to be kept. */
void sim_keep_draft(struct sim_world *world, struct sim_draft *draft);

/* What the application of that node wants now, as a question; false when it wants nothing. */
bool sim_keep_ask(struct sim_world *world, struct sim_node *node, struct ms_query *query_out);

#endif
