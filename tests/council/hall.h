/* ms-council-sim: two councils, their witnesses and a log that is a set, in one thread and in virtual time, with everything going
 * wrong. A seed decides everything. */
#ifndef TESTS_COUNCIL_HALL_H
#define TESTS_COUNCIL_HALL_H

#include "core/rng.h"
#include "tests/council/plan.h"
#include "tests/council/rows.h"
#include "tests/council/stats.h"

#define HALL_WITNESSES 6u /* one more than may be enrolled */
#define HALL_NODES     (MS_MASTERS + HALL_WITNESSES)
#define HALL_COMMANDS  64u
#define HALL_NOTES     1024u
#define HALL_EVENTS    4096u
#define HALL_EPOCHS    1024u

/* What travels: a frame, or a part of the log. */
struct hall_note {
    uint8_t kind; /* enum ms_kind */
    uint16_t error;
    uint64_t count;
    uint8_t flags;
    ms_epoch epoch;
    struct ms_pair_frame frame;
    ms_epoch reign;  /* LOG and its like: position */
    uint32_t number; /* in the reign */
    uint64_t bits;   /* commands */
};

enum hall_event_type {
    HALL_TICK,
    HALL_NOTE,   /* a note arrives from other */
    HALL_STORED, /* the record of node is durable */
    HALL_CLOSED, /* node hears that its connection to other is over */
    HALL_DIAL,   /* node tries to connect to other */
    HALL_START,
    HALL_FAULT,
    HALL_HEAL, /* a cut between node and other ends */
    HALL_WORK,
    HALL_SPLIT, /* the masters are cut from each other, and each witness from one of them */
    HALL_LOSE,  /* node loses its disk, and can talk to the other master again */
    HALL_PLAN,  /* a stage of the plan is due */
    HALL_COPY,  /* the next step with a copy of a directory */
};

struct hall_event {
    ms_time at;
    uint64_t seq;
    enum hall_event_type type;
    uint8_t node, other;
    uint32_t life;       /* of the node's process */
    uint32_t connection; /* its number */
    uint32_t note;       /* index */
};

/* A directory as it was once. */
struct hall_copy {
    struct ms_council_record record;
    uint64_t log;
};

enum hall_reign { HALL_NO_REIGN, HALL_REIGNS, HALL_RESTS };

struct hall_master {
    struct ms_council *council; /* NULL = no process */
    uint32_t life;
    ms_time stalled_until, tick_at;
    struct ms_council_config config;
    struct ms_council_record disk, writing;
    bool is_writing;
    uint64_t log;          /* commands, on disk */
    uint64_t lost;         /* were on a disk of it that is lost */
    struct hall_copy copy; /* of no start = none */
    struct ms_uuid old;    /* incarnation of the copy that was put back last; zero = none was */
    bool is_old_alike;     /* and nothing but a start was not in it */

    enum hall_reign reign;
    struct ms_decision tenure;
    ms_epoch reign_epoch;
    uint32_t count; /* commands that came in this reign, in order */
    uint8_t commands[HALL_COMMANDS];
    bool is_followed; /* the peer has said in this epoch how far it is */
    uint32_t peer_number;
    bool waits; /* alone, and acknowledges what the peer has too */

    ms_epoch follows, place_reign;
    ms_epoch led; /* it was told to follow in it, on the connection that stands; 0 = by nobody */
    bool is_met;  /* that one stands, and no word to follow from before it is on its way */
    uint32_t place_number;
    bool wants_copy;
};

struct hall_witness {
    bool is_up;
    uint32_t life;
    ms_time stalled_until;
    struct ms_voter disk, writing;
    struct ms_known_start known[MS_MASTERS]; /* newest starts of the masters, */
    struct ms_known_start known_on_disk[MS_MASTERS], known_writing[MS_MASTERS];
    bool is_writing;
    struct hall_note answer; /* leaves when the record is durable */
    uint8_t answer_to;
    ms_epoch decided;             /* the highest that an active has told of */
    ms_time heard_at[MS_MASTERS]; /* as active */
    bool is_dead[MS_MASTERS];
};

/* Between two nodes: one connection at a time, each side with its own opinion. */
struct hall_link {
    uint32_t number;   /* of the latest connection */
    uint32_t view[2];  /* what the lower and the higher node hold for it; 0 = none */
    bool has_met[2];   /* HELLO came */
    bool is_cut[2];    /* from the lower, from the higher node: lost */
    bool is_broken[2]; /* something was lost in that direction: nothing more comes on it */
    ms_time last[2];   /* arrival of the latest note, per direction */
};

struct hall_faults {
    ms_time pause_min, pause_max; /* between two faults */
    ms_time store_max;            /* time that writing a record takes */
    ms_time delay_max;            /* of a note */
    uint32_t weights[32];
    bool wipes, forces;
    bool is_evidence;  /* where nobody votes, whoever is asked for service takes over */
    bool is_degrading; /* nor does the active one stop there */
    ms_time
        slow_every; /* so long the disk of the passive one is slow, and so long it is not; 0 = never */
    ms_time
        copied_every; /* so often something happens with a copy of a directory; 0 = never, and starts are not counted */
    bool copies_in_set; /* the active copies its log also to a member of S, as the model may */
};

/* What an observer knows who sees everything. */
struct hall_observer {
    uint64_t acked, acked2; /* acknowledged; with two copies */
    struct {
        ms_epoch epoch;
        struct ms_uuid cluster;
    } epochs[HALL_EPOCHS];
    uint32_t epochs_count;
    ms_epoch newest;
    uint8_t holder; /* who served it; MS_MASTERS = its disk is lost */
    uint32_t wipes;
    bool is_forced;
    uint8_t enrolled,
        struck; /* witnesses that were on a list; and of those, not on the last one: bit i */
};

struct hall {
    uint64_t seed;
    struct ms_rng rng;
    ms_time now, until;       /* the end of the storm */
    uint32_t witnesses_count; /* that exist */
    bool is_calm;             /* no more faults */
    uint8_t killed;           /* for good; UINT8_MAX = nobody */
    bool is_loud;
    struct hall_master masters[MS_MASTERS];
    struct hall_witness witnesses[HALL_WITNESSES];
    struct hall_link links[HALL_NODES][HALL_NODES]; /* [lower][higher] */
    struct hall_faults faults;
    struct hall_plan plan;
    struct hall_observer observer;
    uint32_t commands; /* made so far */
    uint32_t incarnations, starts, copies;
    uint64_t digest, steps;

    struct hall_event events[HALL_EVENTS]; /* a heap */
    uint32_t events_count;
    uint64_t seq;
    struct hall_note notes[HALL_NOTES];
    uint32_t free_notes[HALL_NOTES], free_count;
};

extern struct council_rows hall_rows;

/* A wiped master keeps its name: what 0010 forbids. */
extern bool hall_keeps_identity;
/* Only the time in which things fail. */
extern bool hall_is_storm_only;

/* world.c */
uint64_t hall_run(struct hall *hall, uint64_t seed, bool is_loud); /* returns the digest */
void hall_say(const struct hall *hall, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void hall_push(struct hall *hall, const struct hall_event *event);
_Noreturn void hall_fail(const struct hall *hall, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
ms_time hall_between(struct hall *hall, ms_time low, ms_time high);
bool hall_chance(struct hall *hall, uint32_t one_in);
struct ms_uuid hall_witness_id(uint8_t node);

#endif
