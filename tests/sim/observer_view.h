/* What the observer knows of one node that may be master, beside what is the world's. */
#ifndef SIM_OBSERVER_VIEW_H
#define SIM_OBSERVER_VIEW_H

#include "core/decision.h"
#include "core/session.h"
#include "tests/sim/world.h"

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
    bool is_awaited;  /* it is a slave's, whose roll-call is not over; of the dead: was not */
    bool is_closed;   /* it said goodbye or was replaced: not dead by silence */
};

struct sim_wire { /* one connection of the master */
    ms_peer peer;
    uint64_t granted, sent;
};

/* Of one type: what was handed out, and when the next one may be at a rate that knows no burst. */
struct sim_pacing {
    uint32_t tenure; /* that it is of */
    uint64_t seen;
    int64_t due; /* in ns */
};

/* What the other half has said of its configuration. */
enum sim_greeting {
    SIM_GREETING_NONE,
    SIM_GREETING_LIKE, /* as the pair was made */
    SIM_GREETING_UNLIKE,
};

/* One node that may be master, in the present tenure: from the start of a master's process on. */
struct sim_view {
    uint32_t tenure;              /* counts those of all nodes; 0 = there was none */
    struct sim_session *sessions; /* by place in the master's pool */
    uint32_t sessions_count;
    struct sim_wire *wires; /* by slot */
    uint32_t wires_count;
    struct sim_pacing pacing[SIM_TYPES_MAX];
    ms_time due;  /* of the master's tick, before this step */
    bool may_end; /* the event of this step may end sessions at once */
    bool may_age;
    ms_epoch epoch;      /* 0 = it has said nothing yet */
    ms_seq journal_last; /* record it wrote last, or found */
    uint64_t room;       /* it was told of */
    bool is_failed;      /* it was told that its store failed */
    bool is_ready;       /* it has read back everything */
    bool is_merging;     /* what the other half had alone is merged, in this step or before it; */
    bool was_merging;    /* after the step before */
    bool may_join;       /* who joined whom is to be looked at again */
    ms_time began_at;    /* in the world's time */
    uint32_t rested;     /* steps since recovery was compared with what lives */
    bool is_over; /* nothing that it does counts any more: ended, or another serves a later epoch */
    /* Of one half of a pair. */
    bool
        is_partial; /* the log was half a copy when the process began, and nothing was served since */
    bool has_master, had_master; /* a master lives in it; before this step */
    ms_epoch reign, served;      /* first and latest epoch of the tenure */
    ms_time greeted_at;          /* in this life, */
    enum sim_greeting greeting;  /* by the other half; */
    enum sim_greeting kept;      /* and what must be on the disk of it by now */
    bool is_unlike;              /* by that, one of both is configured otherwise, */
    bool was_unlike;             /* and was when this one began to ask for votes for ... */
    ms_epoch sought;             /* ... that epoch */
    ms_epoch voted;              /* highest that it has voted for or proposed */
    ms_epoch joining;            /* that it has proposed to take the other half in; 0 = none */
    ms_seq covered;              /* records that it may tell of, */
    ms_time covered_at;          /* since then, and there are more on its disk */
    ms_time hung_at;             /* since then its disk hangs, and the other one could take over */
};

/* Which client was which. */
struct sim_name {
    uint32_t node, incarnation;
    struct ms_uuid uuid;
};

/* What the disk of a voter says. */
struct sim_voter {
    struct ms_voter record;
    uint32_t lives;          /* 1 + those of the disk; 0 = it has said nothing yet */
    uint32_t enrolled_lives; /* of a witness: those of the disk with which it was enrolled last */
};

/* A hash of each record, by number; 0 = there is none. */
struct sim_log {
    uint64_t *hashes;
    size_t capacity;
};

#endif
