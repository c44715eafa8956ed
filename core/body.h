/* Bodies of the framework's commands that are more than a number and a text: greetings, what a slave
 * runs, rolls, questions and their answers. All pointers are borrowed with the command they stand in. */
#ifndef CORE_BODY_H
#define CORE_BODY_H

#include "core/decision.h"
#include "core/error.h"
#include "core/limits.h"
#include "core/types.h"

enum ms_role {
    MS_ROLE_NONE = 0,
    MS_ROLE_SLAVE = 1,
    MS_ROLE_CLIENT = 2,
    MS_ROLE_MASTER = 3, /* of the pair; with PEER_HELLO only, as the two after it */
    MS_ROLE_WITNESS = 4,
    MS_ROLE_OPERATOR = 5,
    MS_ROLE_COUNT,
};

const char *ms_role_name(enum ms_role role); /* "slave"; never NULL */

struct ms_hello {
    enum ms_role role;
    uint32_t version_min, version_max;
    uint64_t features;
    struct ms_uuid node;  /* the slave's or client's own, chosen once per process */
    struct ms_uuid token; /* of the session to resume; zero = a new one */
    ms_epoch epoch;       /* highest seen */
    uint64_t floor;       /* client: every seq up to this is closed */
    uint32_t slots;       /* slave: commands it runs at a time */
    char name[MS_NAME_MAX + 1];
    char group[MS_NAME_MAX + 1];
    char build[MS_NAME_MAX + 1];
};

struct ms_welcome {
    uint32_t version;     /* the one both speak */
    uint64_t features;    /* those both have */
    struct ms_uuid token; /* names this session for a later resume */
    bool resumed;
    uint64_t session;         /* number for people */
    uint64_t payload_max;     /* bytes */
    uint64_t outstanding_max; /* client: submissions without an outcome */
    ms_time beat_interval;    /* send a BEAT this often */
    ms_time dead_after;       /* silence after which either side gives the other up */
    char name[MS_NAME_MAX + 1];
    char build[MS_NAME_MAX + 1];
};

struct ms_announced {
    ms_type type;
    char name[MS_NAME_MAX + 1];
};

struct ms_announce {
    uint32_t count; /* at most MS_SLAVE_TYPES_MAX */
    const struct ms_announced *types;
};

/* What an attempt that a slave holds was of: a master that lost its memory knows only this. */
struct ms_holding {
    struct ms_id id;
    ms_type type;
    uint32_t attempt;
};

/* ROLL: attempts the slave holds. VERDICT: those of them it must drop. */
struct ms_tokens {
    uint32_t count; /* at most MS_HELD_PER_FRAME_MAX */
    const struct ms_token *tokens;
    const struct ms_holding *holdings; /* ROLL: as many; VERDICT: NULL */
    bool last;                         /* no more frames of this roll follow */
};

enum ms_query_what {
    MS_QUERY_STATUS = 1,
    MS_QUERY_SLAVES = 2,
    MS_QUERY_COMMANDS = 3,
    MS_QUERY_SHOW = 4,
    MS_QUERY_WHY = 5,    /* one command: why it waits, in one sentence */
    MS_QUERY_GROUP = 6,  /* where = its name: how many are open, done, buried, cancelled */
    MS_QUERY_RESULT = 7, /* one command: the outcome that was kept, as TAILs and a row */
    MS_QUERY_TAIL = 8, /* one command: its output as TAILs from piece `from` on; a row at its end */
    MS_QUERY_OPERATE = 9, /* operation on all commands of where, or on one id */
    MS_QUERY_ROUTES = 11, /* a row for each type that is known, and each route of none */
    MS_QUERY_COUNT
};

enum ms_operation {
    MS_OPERATION_NONE = 0,
    MS_OPERATION_CANCEL = 1,
    MS_OPERATION_KICK = 2,        /* BURIED -> READY, a new generation */
    MS_OPERATION_RELEASE = 3,     /* DELAYED -> READY, or delayed for value microseconds from now */
    MS_OPERATION_PRIORITY = 4,    /* value */
    MS_OPERATION_CONCURRENCY = 5, /* of an array: value, 0 = no limit */
    MS_OPERATION_COUNT
};

const char *ms_operation_name(enum ms_operation operation); /* "cancel"; never NULL */

struct ms_query {
    enum ms_query_what what;
    struct ms_id id;             /* of one command; seq 0 = none */
    uint32_t limit;              /* COMMANDS, SLAVES, ROUTES: rows at most; 0 = all there are */
    char state[MS_NAME_MAX + 1]; /* COMMANDS: only in this state; empty = all */
    ms_type type;                /* COMMANDS: only of this type; 0 = all */
    char where[MS_WHERE_MAX +
               1]; /* COMMANDS, OPERATE: a filter (core/filter.h); empty = all. GROUP: name */
    enum ms_operation operation; /* OPERATE */
    bool is_dry;                 /* OPERATE: only tell what would be done */
    bool is_following; /* TAIL: until the command has ended; GROUP: answer at each change */
    uint32_t from;     /* TAIL: piece, from 0 */
    int64_t value;     /* OPERATE */
};

/* What masters of a pair, witnesses and operators tell each other; which fields mean something depends on the
 * kind of the command it stands in, the rest is zero. */
struct ms_pair_frame {
    enum ms_role role;                 /* of the sender. PEER_HELLO */
    uint32_t version_min, version_max; /* PEER_HELLO */
    struct ms_uuid cluster;            /* zero = belongs to none yet. PEER_HELLO */
    struct ms_uuid id;                 /* a master's incarnation, a witness's own. PEER_HELLO */
    uint8_t node;                      /* a master's place. PEER_HELLO */
    uint8_t state;                     /* a master's enum ms_council_state. PEER_HELLO, PEER_BEAT */
    bool is_fresh, is_complete;        /* a master's. PEER_HELLO, PEER_BEAT */
    ms_epoch promised, served;         /* all kinds */
    struct ms_decision
        decision; /* that was accepted last; PREVOTE, PROPOSE, DECIDED: that it is about */
    ms_time
        hears_active; /* a witness's: age of the last frame of the active; MS_TIME_NEVER = none */
    uint32_t witness_version; /* of the lists below. PEER_HELLO, PEER_BEAT, DECIDED of masters */
    struct ms_witnesses witnesses, witnesses_next;
    struct ms_pair_hold hold; /* the same kinds */
    struct ms_start start; /* a master's. PEER_HELLO, PEER_BEAT, and whatever is about decisions */
    struct ms_known_start known[MS_MASTERS]; /* of the halves, by place; of oneself nothing */
    struct ms_pair_settings settings;        /* a master's. PEER_HELLO */
    uint64_t routes;   /* a master's ms_routes_digest; 0 = was not told. PEER_HELLO, PEER_BEAT */
    uint64_t features; /* a master's. PEER_HELLO */
    char name[MS_NAME_MAX + 1];
    char build[MS_NAME_MAX + 1];
};

/* The one flag of all of them that have any; what it says: enum ms_kind. */
#define MS_FLAG_PAIR 1
/* Of LOG_BEGIN, beside it. */
#define MS_FLAG_SPARSE 2
/* Of LOG, beside it. */
#define MS_FLAG_PROMPT 4
#define MS_FLAG_TIP    8
/* Of RECONCILE_ACK, beside it. */
#define MS_FLAG_KNOWN 2
/* Of PEER_BEAT, beside it. */
#define MS_FLAG_FULL  2
#define MS_FLAG_SHORT 4

/* What a half's program knows of that is not in all of them, as bits of PEER_HELLO: it is used where both do. */
#define MS_PAIR_FEATURE_HANDS (1ull << 0) /* HAND records, and what MS_FLAG_TIP says of them */
#define MS_PAIR_FEATURES_ALL  MS_PAIR_FEATURE_HANDS

/* What an operator may want of a master. */
enum ms_order {
    MS_ORDER_NONE = 0,
    MS_ORDER_STATUS = 1,     /* answered by REPORT */
    MS_ORDER_SWITCHOVER = 2, /* the active hands over to its peer */
    MS_ORDER_PROMOTE = 3,    /* do not wait until the peer is silent; still needs the quorum */
    MS_ORDER_FORCE = 4,      /* take over without anybody's vote */
    MS_ORDER_HOLD = 5,       /* no automatic takeover */
    MS_ORDER_RELEASE = 6,
    MS_ORDER_BOOTSTRAP = 7,
    MS_ORDER_COUNT
};

/* A table for people and programs: cells in row order, text or number. */
struct ms_cell {
    const char *name; /* column, lower_snake_case with the unit last */
    bool is_number;
    uint64_t number;
    const char *text; /* UTF-8; NULL when it is a number */
};

struct ms_report {
    enum ms_error error;
    uint32_t columns_count;
    uint32_t cells_count; /* a multiple of columns_count */
    const struct ms_cell *cells;
    bool last; /* no more frames answer this query */
};

#endif
