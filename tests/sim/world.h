/* The simulated world: virtual time, nodes with clocks of their own, one heap of things to come.
 *
 * Everything happens in one thread and follows from the seed. Time is in microseconds of the world;
 * a node sees it through its own clock, which has an offset and runs a little too fast or slow. */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "core/engine.h"
#include "core/rng.h"
#include "tests/sim/driver.h"
#include "tests/sim/net.h"
#include "tests/sim/provider.h"
#include "tests/sim/stats.h"

#define SIM_WALL_START (INT64_C(1700000000) * MS_SEC) /* when a world begins, since 1970 */

#define SIM_TAIL_LINES    120
#define SIM_TAIL_LINE_MAX 240

struct ms_master;
struct ms_voter;
struct sim_standing;
struct sim_disk;
struct sim_world;
struct sim_node;
struct sim_observer;
struct sim_scenario;

enum sim_item_kind {
    SIM_ITEM_TURN,      /* a: node; c: stamp of the turn */
    SIM_ITEM_SYN,       /* a: connection */
    SIM_ITEM_ANSWER,    /* a: connection: the connecting side hears how it went */
    SIM_ITEM_ARRIVE,    /* a: connection, b: direction, c: bytes */
    SIM_ITEM_FIN,       /* a: connection, b: end that hears of it; c: 1 = reset */
    SIM_ITEM_ROOM,      /* a: connection, b: end that may write again */
    SIM_ITEM_NODE,      /* a: node, b: its own affair, c: incarnation */
    SIM_ITEM_START,     /* a: node */
    SIM_ITEM_FAULT,     /* a: enum sim_fault */
    SIM_ITEM_ACTION,    /* a: number of the scenario's action */
    SIM_ITEM_PLANNED,   /* a: enum sim_fault, b: node, c: ticks: planned by a fault before */
    SIM_ITEM_COMMIT,    /* a: node, c: stamp: its disk has done a commit */
    SIM_ITEM_DISK_JOB,  /* a: node, b: enum sim_job_kind, c: stamp: it is done */
    SIM_ITEM_REPLACE,   /* a: node: its disk has failed */
    SIM_ITEM_DISK_ROOM, /* a: node: there may be space on its disk again */
    SIM_ITEM_FLAP,      /* a, b: nodes between which the line is off for a moment; c: not after */
    SIM_ITEM_HEAL,      /* faults are over */
};

struct sim_item {
    ms_time at;
    uint64_t order;
    enum sim_item_kind kind;
    uint32_t a, b;
    uint64_t c;
};

enum sim_role {
    SIM_MASTER,
    SIM_SLAVE,
    SIM_CLIENT,
    SIM_WITNESS,
};

/* What differs between the roles. */
struct sim_role_ops {
    const char *name;
    void (*start)(struct sim_world *world, struct sim_node *node); /* makes node->engine */
    void (*stop)(struct sim_world *world, struct sim_node *node);  /* destroys it */
    void (*effect)(struct sim_world *world, struct sim_node *node, const struct ms_effect *effect);
    void (*affair)(struct sim_world *world, struct sim_node *node, uint32_t what);
    void (*check)(struct sim_world *world, struct sim_node *node);
    struct ms_master *(*master)(
        const struct sim_node *node);              /* that lives in it; NULL = none ever */
    void (*set_wall)(const struct sim_node *node); /* its wall_offset is another */
    /* Of half a pair: how it stands in its own eyes; of a voter: what its small record says, false = nothing that
     * makes sense. */
    void (*standing)(const struct sim_node *node, struct sim_standing *standing_out);
    bool (*voter)(const struct sim_node *node, struct ms_voter *voter_out);
};

struct sim_node {
    const struct sim_role_ops *ops;
    enum sim_role role;
    uint32_t index;       /* masters come first, then slaves, clients, witnesses */
    uint32_t incarnation; /* counts starts */
    bool is_up;
    bool is_doomed;    /* dies as soon as the stack is unwound */
    bool host_is_dead; /* its machine went with it: nobody hears of the end */
    bool is_stopping;  /* it was told to */
    bool is_unlike;    /* half a pair: configured otherwise than the other one, in this life */
    bool is_older, was_older, is_upgraded, led_as_older; /* by its age it knows less: older.h */
    uint32_t age;
    ms_seq hands_before; /* last record on its disk that it cannot read, when it began */
    bool is_done;        /* it ended by itself: what it said goes out, then it is gone */
    ms_time up_again_at;
    ms_time clock_offset;
    int64_t clock_ppm;
    ms_time stalled_until;
    ms_time stalled_since;
    uint32_t crash_in; /* effects until it dies; 0 = it lives */
    ms_time turn_at;
    uint64_t turn_stamp;
    ms_time wall_offset;   /* of its wall clock to its monotonic one */
    struct sim_disk *disk; /* NULL = it has none */
    struct ms_engine *engine;
    void *state; /* of its role */
    struct sim_driver driver;
};

struct sim_world {
    struct sim_config config;
    ms_time now;
    uint64_t steps; /* engine steps so far */
    ms_time healed_at;
    ms_time wall_jumped_at; /* the last time that any wall clock did; 0 = never */
    const struct sim_scenario *scenario;
    bool is_healing; /* faults are over, everything must end well */
    bool is_over;
    struct sim_node
        *lone; /* half of a pair whose other one died for good; NULL = it is not so far */
    ms_time whole_at, lone_since;
    uint64_t digest; /* of all events and effects */
    struct ms_rng rng_net, rng_fault, rng_load, rng_disk, rng_keep, rng_fleet;
    struct sim_item *items; /* binary heap by (at, order) */
    size_t items_count, items_capacity;
    uint64_t items_order;
    uint32_t nodes_count;
    struct sim_node nodes[SIM_NODES_MAX];
    struct sim_net net;
    struct sim_stats stats;
    struct sim_observer *observer;
    struct sim_provider provider;
    bool is_tracing; /* lines are kept */
    bool is_loud;    /* and printed at once */
    uint32_t tail_at;
    char (*tail)[SIM_TAIL_LINE_MAX];
};

struct sim_options {
    bool is_tracing, is_loud;
    const struct sim_scenario *scenario; /* NULL = a seed's own life */
};

/* Runs the whole life of one seed; returns only when nothing was found. */
uint64_t sim_world_run(const struct sim_config *config, const struct sim_options *options,
                       struct sim_stats *stats);

/* The item's order is given here: among items of one time, first in, first out. */
void sim_world_push(struct sim_world *world, struct sim_item item);
bool sim_world_pop(struct sim_world *world, struct sim_item *item_out);

/* A node's clock, and when in the world it will show a time. */
ms_time sim_node_clock(const struct sim_world *world, const struct sim_node *node);
ms_time sim_node_when(const struct sim_node *node, ms_time clock);

/* Lets the node take a turn at that time of the world, or sooner. */
void sim_node_wake(struct sim_world *world, struct sim_node *node, ms_time at);

void sim_node_start(struct sim_world *world, struct sim_node *node);
/* The process is gone, now. With its machine nobody is told. */
void sim_node_kill(struct sim_world *world, struct sim_node *node, bool with_host);
/* Starts again after a pause. */
void sim_node_restart(struct sim_world *world, struct sim_node *node, ms_time pause);
/* It is told to stop; once it has, another one takes its place. */
void sim_node_drain(struct sim_world *world, struct sim_node *node);
/* It has stopped, as it was told. */
void sim_node_stopped(struct sim_world *world, struct sim_node *node);
void sim_node_stall(struct sim_world *world, struct sim_node *node, ms_time duration);

static inline bool sim_node_is_stalled(const struct sim_world *world, const struct sim_node *node)
{
    return node->stalled_until > world->now;
}

/* Nodes of a role, and the first of them: they follow each other. */
uint32_t sim_count(const struct sim_world *world, enum sim_role role);
uint32_t sim_first(const struct sim_world *world, enum sim_role role);
/* The node's number among those of its role. */
uint32_t sim_place(const struct sim_world *world, const struct sim_node *node);

void sim_digest(struct sim_world *world, uint64_t value);
uint64_t sim_hash(uint64_t seed, const void *bytes, size_t size);

/* One line of what happened; free when nobody listens. */
#define sim_trace(world, ...)                                                                      \
    do {                                                                                           \
        if ((world)->is_tracing) {                                                                 \
            sim_trace_line((world), __VA_ARGS__);                                                  \
        }                                                                                          \
    } while (0)
void sim_trace_line(struct sim_world *world, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* An invariant is broken: prints everything needed to see it again and ends the process. */
_Noreturn void sim_fail(struct sim_world *world, const char *invariant, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

const char *sim_node_name(const struct sim_world *world, uint32_t index);

#endif
