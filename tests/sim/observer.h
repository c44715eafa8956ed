/* Watches everything from outside and knows what must be true. It never tells the engines anything. */
#ifndef SIM_OBSERVER_H
#define SIM_OBSERVER_H

#include "core/map.h"
#include "core/session.h"
#include "tests/sim/observer_durable.h"
#include "tests/sim/observer_keep.h"
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
    uint8_t durability;  /* as asked for */
    uint8_t chain;       /* enum sim_chain: of the records that this master wrote or read */
    uint32_t failures;   /* in the latest of them */
    uint32_t runs;       /* attempts that were started */
    uint8_t key;         /* unique key; 0 = none */
    uint8_t unique_mode; /* enum ms_unique */
    int8_t priority;
    uint32_t array, place, array_count, concurrency; /* see observer_arrays.c */
    uint32_t leader;  /* that it joined when it was seen last; SIM_NONE = none */
    ms_time due_at;   /* in the world's time: not to be handed out sooner; 0 = at once */
    int64_t deadline; /* wall clock; 0 = never */
    bool is_promised; /* the master said that it is durable */
    bool is_accepted; /* the application was told */
    bool is_over;     /* outcome, refusal, or the end of a background one */
    bool is_gone;     /* its application died */
    bool is_sent;     /* it left its client at least once */
    bool is_cancel_asked, is_cancel_confirmed, is_never_to_start;
    uint32_t unstarted_by; /* incarnation of the master that said it never would start; 0 = none */
    uint32_t accepted_by;  /* incarnation of the master that acknowledged it last */
    uint32_t outcome_master; /* incarnation that sent the outcome last, and what it was */
    uint64_t outcome_hash;
    uint32_t stream_attempt, stream_count; /* pieces the application has, and of which attempt */
    uint32_t first;                        /* attempt */
    uint32_t life; /* the master may have forgotten attempts before this one */
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
    uint32_t record;
    uint32_t node, incarnation; /* of the slave */
    uint32_t master;            /* incarnation */
    uint32_t number;
    uint32_t next; /* older attempt of the same record */
    enum sim_attempt_state state;
    bool is_released; /* the master may start another */
    bool is_reported; /* the handler returned something */
    bool is_counted;  /* it uses up one of the command's attempts */
    bool is_taken;    /* the master that heard its result had not given it up */
    bool is_safe;     /* its result was acknowledged */
    enum ms_status status;
    uint32_t pieces; /* written so far */
};

/* The master's view of one session as it was after the last step. */
struct sim_session {
    ms_handle handle;
    enum ms_session_state state;
    struct ms_uuid uuid;
    uint32_t node, incarnation;
    ms_peer peer;
    ms_time heard_at; /* master's clock */
    ms_time slack;    /* late ticks since then, with the schedule that began anew */
    bool was_heard;   /* in this step */
    bool is_closed;   /* it said goodbye or was replaced: not dead by silence */
};

struct sim_wire { /* one connection of the master */
    ms_peer peer;
    uint64_t granted, sent;
};

/* Which client was which. */
struct sim_name {
    uint32_t node, incarnation;
    struct ms_uuid uuid;
};

struct sim_observer {
    struct sim_record *records;
    uint32_t records_count, records_capacity, open_count;
    struct sim_attempt *attempts;
    uint32_t attempts_count, attempts_capacity;
    struct ms_map by_id, by_token;
    struct sim_session *sessions; /* by place in the master's pool */
    uint32_t sessions_count;
    struct sim_wire *wires; /* by slot */
    uint32_t wires_count;
    uint32_t held[SIM_NODES_MAX], running[SIM_NODES_MAX];
    struct sim_name *names; /* of all clients that ever were */
    uint32_t names_count;
    struct sim_name *tokens; /* of all slaves' sessions */
    uint32_t tokens_count;
    uint32_t released_before; /* older attempts are no living master's concern */
    uint32_t queries_open, checks;
    uint32_t kept_from; /* older submissions have all ended */
    ms_time due;        /* of the master's tick, before this step */
    bool may_end;       /* the event of this step may end sessions at once */
    bool may_age;
    ms_time bound; /* of the time that healing may take */
    /* Of the process that is the master now. */
    ms_epoch epoch, epoch_highest; /* 0 = it has said nothing yet; of all so far */
    ms_seq journal_last;           /* record it wrote last, or found */
    uint64_t room;                 /* it was told of */
    bool is_failed;                /* it was told that its store failed */
    bool is_ready;                 /* it has read back everything */
    bool may_join;                 /* who joined whom is to be looked at again */
    uint32_t commits;
    ms_time began_at;     /* when it started, in the world's time */
    uint32_t rested;      /* steps since recovery was compared with what lives */
    struct sim_ask *asks; /* wishes; those before asks_from are not at the master */
    uint32_t asks_count, asks_capacity, asks_from, asks_there;
};

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
void sim_sessions_forget(struct sim_world *world);

void sim_check_kept(struct sim_world *world);
void sim_check_accepted(struct sim_world *world, const struct sim_record *record);
const struct sim_end *sim_other_end(struct sim_world *world, const struct sim_node *node,
                                    ms_peer peer);
void sim_release(struct sim_world *world, uint32_t node, uint32_t incarnation);

#endif
