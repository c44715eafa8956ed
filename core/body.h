/* Bodies of the framework's commands that are more than a number and a text: greetings, what a slave
 * runs, rolls, answers to questions (core/query.h). All pointers are borrowed with the command they stand in. */
#ifndef CORE_BODY_H
#define CORE_BODY_H

#include "core/decision.h"
#include "core/error.h"
#include "core/limits.h"
#include "core/query.h"
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

/* Protocol versions this code speaks, and optional features as bits of HELLO and WELCOME. */
#define MS_PROTOCOL_MIN   1u
#define MS_PROTOCOL_MAX   1u
#define MS_FEATURE_STREAM (1ull << 0) /* OUTPUT and STREAM frames */
#define MS_FEATURE_RESUME (1ull << 1) /* ROLL and VERDICT */
#define MS_FEATURE_PARTS  (1ull << 2) /* PART frames; who says so takes them */
#define MS_FEATURE_FOLLOW (1ull << 3) /* FOLLOW */
#define MS_FEATURE_ADJUST                                                                          \
    (1ull << 4)                      /* of slaves ADJUST, of masters filters and orders of slaves */
#define MS_FEATURE_ON    (1ull << 5) /* of masters: broadcasts */
#define MS_FEATURE_CALLS (1ull << 6) /* CALL and CALL_REPLY, and what is asked about services */
#define MS_FEATURES_ALL                                                                            \
    (MS_FEATURE_STREAM | MS_FEATURE_RESUME | MS_FEATURE_PARTS | MS_FEATURE_FOLLOW |                \
     MS_FEATURE_ADJUST | MS_FEATURE_ON | MS_FEATURE_CALLS)

struct ms_hello {
    enum ms_role role;
    uint32_t version_min, version_max;
    uint64_t features;
    struct ms_uuid node;  /* the slave's or client's own, chosen once per process */
    struct ms_uuid token; /* of the session to resume; zero = a new one */
    ms_epoch epoch;       /* highest seen */
    uint64_t floor;       /* client: every seq up to this is closed */
    uint32_t slots;       /* slave: commands it runs at a time */
    uint32_t slots_max;   /* slave: what they may be changed to while it runs; 0 = not at all */
    uint32_t weight;      /* slave: 1 .. MS_WEIGHT_MAX; 0 = MS_WEIGHT_DEFAULT */
    uint32_t
        labels_count; /* slave: that were told; of those beyond MS_LABELS_MAX no more is known */
    char name[MS_NAME_MAX + 1];
    char group[MS_NAME_MAX + 1];
    char build[MS_NAME_MAX + 1];
    char labels[MS_LABELS_MAX][MS_NAME_MAX + 1];
};

/* How much a slave and its machine have to do: rides in its BEAT. */
struct ms_load {
    uint16_t cpu;     /* permille of all processors of the machine; MS_PERMILLE_UNKNOWN */
    uint16_t memory;  /* permille of its memory that is in use; the same */
    uint32_t running; /* attempts of this slave */
    uint32_t queued;  /* commands it has and has not started */
    uint32_t slots;   /* it runs at a time by now; 0 = as it said before */
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
#define MS_PAIR_FEATURE_HANDS    (1ull << 0) /* HAND records, and what MS_FLAG_TIP says of them */
#define MS_PAIR_FEATURE_SERVICES (1ull << 6) /* SERVICE and SERVICE_STATE records */
#define MS_PAIR_FEATURES_ALL     (MS_PAIR_FEATURE_HANDS | MS_PAIR_FEATURE_SERVICES)

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
