/* Watches everything from outside and knows what must be true. It never tells the engines anything. */
#ifndef SIM_OBSERVER_H
#define SIM_OBSERVER_H

#include "core/invariant.h"
#include "core/map.h"
#include "tests/sim/observer_durable.h"
#include "tests/sim/observer_fleet.h"
#include "tests/sim/observer_keep.h"
#include "tests/sim/observer_output.h"
#include "tests/sim/observer_pair.h"
#include "tests/sim/observer_parked.h"
#include "tests/sim/observer_torn.h"
#include "tests/sim/observer_view.h"
#include "tests/sim/world.h"

#define SIM_NONE UINT32_MAX

/* One submission of one application. Its number is the cookie and stands in its payload. */
struct sim_record {
    struct ms_id id; /* seq 0 = the engine has not numbered it yet */
    uint32_t node, incarnation;
    ms_type type;
    uint64_t payload_hash;
    size_t payload_size;
    uint32_t attempts_max;
    uint8_t flags;
    uint8_t durability; /* as asked for */
    /* On each node: enum sim_chain, of the records that its master wrote or read; failures in the latest of them. */
    uint8_t chain[SIM_MASTERS_MAX];
    uint32_t failures[SIM_MASTERS_MAX];
    uint8_t key;         /* unique key; 0 = none */
    uint8_t unique_mode; /* enum ms_unique */
    uint64_t owner_hash; /* of the key that says what it belongs to */
    int8_t priority;
    uint32_t array, place, array_count, concurrency; /* see observer_arrays.c */
    uint32_t on, aimed, aimed_at;                    /* see observer_broadcasts.c */
    struct ms_uuid target;                           /* the session of its slave */
    uint32_t leader;    /* that it joined when it was seen last; SIM_NONE = none */
    uint32_t joined_at; /* tenure in which that was seen, */
    bool is_join_apart; /* before the latest time ended in which both halves may have served */
    ms_time due_at;     /* in the world's time: not to be handed out sooner; 0 = at once */
    int64_t deadline;   /* wall clock; 0 = never */
    bool is_promised,
        is_accepted; /* the master said that it is durable; the application was told */
    bool is_over;    /* outcome, refusal, or the end of a background one */
    bool is_gone;    /* its application died */
    bool is_sent;    /* it left its client at least once */
    bool is_cancel_asked, is_cancel_confirmed, is_never_to_start, is_spare;
    bool is_outcome_apart;  /* told before the latest time ended in which both may have served */
    bool is_end_merged;     /* what was written last of how it came out is the other half's */
    uint32_t merged_number; /* that an attempt has, or got, in the last outcome of the other half */
    uint32_t cancelled_by;  /* tenure whose master confirmed a cancel last */
    uint32_t unstarted_by;  /* tenure whose master said it never would start; 0 = none */
    uint32_t accepted_by;   /* whose master acknowledged it last */
    uint32_t outcome_master; /* whose master sent the outcome last, and what it was */
    uint64_t outcome_hash;
    enum ms_status outcome_status;
    struct sim_output stream;
    uint32_t first, life; /* attempt; the master may have forgotten attempts before that one */
    ms_time submitted_at;
    struct sim_keep keep;
};

/* How far a command is, as its records say. */
enum sim_chain {
    SIM_CHAIN_NONE,
    SIM_CHAIN_OPEN,
    SIM_CHAIN_SETTLED,
    SIM_CHAIN_CLOSED,
};

enum sim_attempt_state {
    SIM_ATTEMPT_SENT, /* left the master */
    SIM_ATTEMPT_HELD, /* reached the slave */
    SIM_ATTEMPT_RUNNING,
    SIM_ATTEMPT_FINISHED, /* the handler returned, or the process died with it */
    SIM_ATTEMPT_RETURNED,
};

struct sim_attempt {
    struct ms_token token;
    uint32_t record, master;    /* master: its tenure */
    uint32_t node, incarnation; /* of the slave */
    uint32_t number, next;      /* next: older attempt of the same record */
    enum sim_attempt_state state;
    bool is_stale;    /* it came from below the epoch that the slave had heard */
    bool is_released; /* the master may start another */
    bool is_dropped;  /* its slave was told that nobody wants it: it is aborted */
    bool is_lost;     /* its slave's session died of silence before it was started */
    bool is_given_up; /* its own master, which is over, took its slave for dead: others wait */
    bool has_run;     /* it was started */
    bool is_reported; /* the handler returned something */
    bool is_counted;  /* it uses up one of the command's attempts */
    bool is_taken;    /* the master that heard its result had not given it up */
    bool is_safe;     /* its result was acknowledged */
    enum ms_status status;
    uint32_t pieces, generation; /* written so far; times the command had been kicked */
};

struct sim_observer {
    struct sim_record *records;
    uint32_t records_count, records_capacity, open_count;
    struct sim_attempt *attempts;
    uint32_t attempts_count, attempts_capacity;
    struct sim_lease *leases; /* of a pair: observer_hands.h */
    uint32_t leases_count, leases_capacity;
    struct ms_map by_id, by_token, by_lease;
    struct sim_view views[SIM_MASTERS_MAX];
    uint32_t tenures;       /* so far, of all masters */
    uint32_t newest;        /* node of the latest of them */
    ms_epoch epoch_highest; /* of all so far */
    ms_epoch *served;       /* by any master of a pair, */
    uint32_t served_count;
    ms_epoch served_highest;
    struct sim_voter voters[SIM_NODES_MAX];
    struct sim_log logs[SIM_MASTERS_MAX]; /* of each node, as its latest master has it */
    uint32_t held[SIM_NODES_MAX], running[SIM_NODES_MAX];
    struct sim_lines lines[SIM_NODES_MAX];
    struct sim_name *names;  /* of all clients that ever were */
    struct sim_name *tokens; /* of all slaves' sessions */
    uint32_t names_count, tokens_count;
    bool is_torn;             /* an operator has forced one half, and the pair is not one again */
    uint32_t torn_attempts;   /* up to the latest end of such a time */
    uint32_t released_before; /* older attempts are no living master's concern */
    uint32_t queries_open, checks, commits;
    uint32_t kept_from; /* older submissions have all ended */
    ms_time bound;      /* of the time that healing may take */
    struct sim_fleet fleet;
    struct sim_ask *asks; /* wishes; those before asks_from are not at the master */
    uint32_t asks_count, asks_capacity, asks_from, asks_there;
};

static inline struct sim_view *sim_view(const struct sim_world *world, const struct sim_node *node)
{
    ms_assert(node->role == SIM_MASTER);
    return &world->observer->views[node->index];
}

/* The node with the latest tenure, whether it lasts or not; and the one that serves now, or NULL. */
static inline struct sim_node *sim_newest(struct sim_world *world)
{
    return &world->nodes[world->observer->newest];
}
struct sim_node *sim_serving(struct sim_world *world);

/* No wall clock was set, and no two masters have clocks that run apart: a time read back is the one that was meant. */
bool sim_walls_agree(const struct sim_world *world);

struct sim_observer *sim_observer_create(void);
void sim_observer_destroy(struct sim_observer *observer);

/* Before a step, when the engine has taken it, for each effect, and after all of them. */
void sim_observe_event(struct sim_world *world, struct sim_node *node,
                       const struct ms_event *event);
void sim_observe_engine(struct sim_world *world, struct sim_node *node);
void sim_observe_effect(struct sim_world *world, struct sim_node *node,
                        const struct ms_effect *effect);
void sim_observe_step(struct sim_world *world, struct sim_node *node);
void sim_observe_death(struct sim_world *world, struct sim_node *node);

/* True when nothing is left to do; fails when that takes too long since healed_at. */
bool sim_observer_is_done(struct sim_world *world, ms_time healed_at);

/* The last look, at a world at rest. */
void sim_observer_finish(struct sim_world *world);
/* Books of what was submitted and tried. */
uint32_t sim_record_add(struct sim_world *world, const struct sim_node *node,
                        const struct ms_command *submit);
void sim_name_add(struct sim_world *world, const struct sim_node *node, const struct ms_uuid *uuid);
struct ms_uuid sim_name_find(struct sim_world *world, uint32_t node, uint32_t incarnation);
void sim_record_number(struct sim_world *world, uint32_t record, const struct ms_id *id);
void sim_record_over(struct sim_world *world, struct sim_record *record);
struct sim_record *sim_record_find(struct sim_world *world, const struct ms_id *id);
struct sim_attempt *sim_attempt_find(struct sim_world *world, struct ms_token token);

/* Parts of the above, one file each. */
void sim_trace_event(struct sim_world *world, const struct sim_node *node,
                     const struct ms_event *event);
void sim_trace_effect(struct sim_world *world, const struct sim_node *node,
                      const struct ms_effect *effect);
void sim_master_event(struct sim_world *world, struct sim_node *node, const struct ms_event *event);
void sim_master_effect(struct sim_world *world, struct sim_node *node,
                       const struct ms_effect *effect);
void sim_slave_event(struct sim_world *world, struct sim_node *node, const struct ms_event *event);
void sim_slave_effect(struct sim_world *world, struct sim_node *node,
                      const struct ms_effect *effect);
void sim_client_effect(struct sim_world *world, struct sim_node *node,
                       const struct ms_effect *effect);
void sim_sessions_before(struct sim_world *world, struct sim_node *node,
                         const struct ms_event *event);
void sim_sessions_after(struct sim_world *world, struct sim_node *node);
void sim_sessions_forget(struct sim_world *world, const struct sim_node *node);
void sim_check_kept(struct sim_world *world);
void sim_check_accepted(struct sim_world *world, const struct sim_record *record);
const struct sim_end *sim_other_end(struct sim_world *world, const struct sim_node *node,
                                    ms_peer peer);
void sim_release(struct sim_world *world, uint32_t node, uint32_t incarnation);

#endif
