/* Two masters as far as the log goes: one is active and appends, the other follows, over a connection that breaks. Who
 * is active in which epoch is decided here, by the rules of docs/decisions/0010-pair-model.md without their votes. */
#ifndef MIRROR_WORLD_H
#define MIRROR_WORLD_H

#include "disk.h"
#include "master/follower.h"
#include "master/mirror.h"

struct frame {
    struct frame *next;
    ms_epoch epoch;
    struct ms_command command; /* payload behind it */
    uint8_t bytes[];
};

struct world;

enum filling { FILLING_NONE, FILLING_COPY, FILLING_CATCHUP };

struct node {
    struct ms_engine engine;
    struct world *world;
    struct ms_mirror *mirror;
    struct ms_follower *follower;
    struct disk disk;
    bool is_incomplete; /* a copy is in it, or was begun: durable */
    bool is_damaged;    /* a record was lost from the disk */
    bool is_go_on_due, is_ask_due, is_decided_due;
    uint8_t begun; /* flags of the last LOG_BEGIN */
    enum filling filling,
        cut; /* of its store; cut: the last one that was interrupted, until the log is whole */
    ms_epoch divergent;             /* what is on the disk was served by itself in that reign */
    ms_epoch follows;               /* in that reign */
    void (*act)(struct node *node); /* done in place of an event */
    struct frame *first, **end;     /* on their way to it */
    size_t frames;
};

/* A place of the present reign: the batch before it, and what is live there. */
struct past {
    ms_seq seq;
    uint64_t hash;
    uint8_t *bytes;
    size_t size;
};

enum count {
    COUNT_COPIES,
    COUNT_CATCHUPS,
    COUNT_RESUMES,
    COUNT_OVERRUNS,
    COUNT_REFUSALS,
    COUNT_JOINS,
    COUNT_SOLOS,
    COUNT_HANDOVERS,
    COUNT_TAKEOVERS,
    COUNT_RESTARTS,
    COUNT_DAMAGES,
    COUNT_COPIES_CUT,
    COUNT_COPIES_AGAIN, /* whole after such a one, by another copy */
    COUNT_CATCHUPS_CUT,
    COUNT_CATCHUPS_AGAIN, /* by whichever way */
    COUNT_REIGNS,         /* that follow each other in one process */
    COUNT_BREAKS,
    COUNT_ASIDE,
    COUNT_NO_MEMORY,
    COUNT_QUIET,
    COUNTS
};

struct world {
    struct ms_rng rng;
    uint64_t seed;
    struct node nodes[2];
    unsigned active; /* place */
    ms_epoch epoch, reign;
    bool is_pair, is_waiting, is_draining;
    bool
        is_proposed; /* JOIN: nothing is appended until it is decided, whatever becomes of the connection */
    ms_peer connection; /* MS_PEER_NONE: there is none */
    uint64_t connections_total;
    bool is_pressed;   /* memory may be out */
    bool is_break_due; /* somebody wants to close the connection */
    uint64_t denied;   /* allocations */
    unsigned idle;     /* steps in which nothing is appended */
    uint64_t calm;     /* the larger, the fewer disturbances */
    struct past *past; /* of the reign, by number of the batch */
    size_t past_count, past_capacity;
    struct shelf origin;  /* what was live when it began */
    ms_seq covered, said; /* said: that the passive has, in the present epoch */
    size_t batch_max;
    struct ms_bytes todo; /* to be appended in the next step */
    ms_seq epoch_record;  /* of the reign */
    uint8_t *entries;
    size_t entries_capacity;
    uint64_t counts[COUNTS];
};

/* The world whose code is running, for the allocations of the code under test. */
extern struct world *world_now;

/* Ends the process with a sentence that names the seed and the rule. */
_Noreturn void world_fail(const struct world *world, const char *rule);

static inline struct node *world_active(struct world *world)
{
    return &world->nodes[world->active];
}

static inline struct node *world_passive(struct world *world)
{
    return &world->nodes[1 - world->active];
}

void world_init(struct world *world, uint64_t seed);
void world_finish(struct world *world);
/* Does it, or an event, and carries out the effects. */
void world_step(struct node *node, const struct ms_event *event, void (*act)(struct node *node));
void world_check(struct world *world);
/* Whether this was live at some place of the reign, not before that record. */
bool world_was(const struct world *world, const struct shelf *shelf, ms_seq seq);

/* Whether all records of small up to that one are in large. */
bool world_is_within(const struct shelf *small, const struct shelf *large, ms_seq upto);

/* One thing happens. */
void world_go_on(struct world *world);
/* Nothing is in the way any more: both logs become equal, and the pair is whole. */
void world_settle(struct world *world);

/* Of actions.c, past.c and roles.c. */
void world_forget(struct world *world);
void world_remember(struct world *world, ms_seq seq, struct ms_bytes entries);
void world_begin_reign(struct world *world, bool is_pair);
void world_append(struct world *world);
void world_deliver(struct node *node);
void world_commit(struct node *node, size_t count);
void world_answer_scan(struct node *node);
void world_answer_owner(struct node *node);
void world_connect(struct world *world);
void world_break(struct world *world);
void world_serve(struct world *world, bool is_pair);
bool world_join(struct world *world);
void world_hand_over(struct world *world);
void world_take_over(struct world *world, bool is_killed);
void world_restart_active(struct world *world, bool is_killed);
void world_kill_passive(struct world *world);
/* Adds what its mirror has counted, before that ends. */
void world_count(const struct node *node);

#endif
