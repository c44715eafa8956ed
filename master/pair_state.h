/* The parts of one half of a pair, for the files pair*.c. */
#ifndef MASTER_PAIR_STATE_H
#define MASTER_PAIR_STATE_H

#include "master/follower.h"
#include "master/greeters.h"
#include "master/mirror.h"
#include "master/pair.h"
#include "master/page.h"
#include "master/pair_links.h"
#include "master/pair_merge.h"
#include "master/reading.h"
#include "master/state.h"
#include "master/suffix.h"
#include "proto/pair_record.h"

/* Effects of a step that the master within leaves to the pair. */
#define MS_PAIR_RESERVE 256u

#define MS_PAIR_FRAMES_MAX      64u             /* of the council's, sent in one step */
#define MS_PAIR_FOLLOW_INTERVAL (100 * MS_MSEC) /* between questions to one that refused */
#define MS_PAIR_LEAVE_BURST     64u             /* connections closed in one step */

/* A row of connections. */
struct ms_peers {
    ms_peer *peers;
    uint32_t count, capacity;
};

/* A FOLLOW_LOG that came while the store was still being read back. */
struct ms_asked {
    bool is_waiting;
    ms_epoch epoch;
    struct ms_token token;
};

/* Where the master within is. */
enum ms_tenure {
    MS_TENURE_NONE,
    MS_TENURE_READING, /* the store is being read back into it */
    MS_TENURE_READING_PAUSED,
    MS_TENURE_ON,
    MS_TENURE_PAUSED,
};

/* Of the half itself, whoever serves. */
enum ms_pair_life {
    MS_PAIR_NEW, /* until the first step */
    MS_PAIR_RUNS,
    MS_PAIR_ENDING, /* it was told to stop, and ends when nothing is left to do */
    MS_PAIR_ENDED,  /* has said so, or its store has failed */
};

struct ms_pair {
    struct ms_engine engine; /* first */
    struct ms_pair_config config;
    char name[MS_NAME_MAX + 1];
    char build[MS_NAME_MAX + 1];
    char apart[MS_ADDRESS_MAX + 1];  /* the first listener for the pair alone; "" = there is none */
    char reached[MS_DETAIL_MAX + 1]; /* where slaves and clients reach it */
    char other_reached[MS_DETAIL_MAX + 1]; /* and the other half, as that has said; "" = nothing */
    struct ms_routes routes;               /* of each tenure */
    uint64_t other_features; /* of its program, as it has greeted last; before that, none */
    struct ms_rng rng;
    struct ms_council *council;
    struct ms_mirror *mirror;
    struct ms_follower *follower;
    struct ms_suffix *suffix;
    struct ms_pair_merge merge;
    struct ms_pair_links links;

    struct ms_master *master; /* NULL while TENURE_NONE */
    enum ms_tenure tenure;
    ms_epoch reign;  /* epoch with which it began */
    ms_epoch epoch;  /* that is served now */
    bool is_stepped; /* the master was, in this step of the pair */
    bool is_pair;    /* S has both */
    ms_seq told;     /* PERSISTED up to there, to the master */
    uint8_t copies_told;
    uint64_t room;                        /* of the store, as it said last */
    bool has_room_news, has_lost_answers; /* the latter: of providers, in a pause */

    struct ms_peers leaving;     /* connections of a master that is over, to be closed */
    struct ms_peers gone;        /* closed in a pause; the master is told when it goes on */
    struct ms_greeters greeters; /* wait until it serves */

    struct ms_pair_led led;
    struct ms_reconcile_totals merged; /* of tenures that are over */
    uint32_t asides[MS_ASIDES];        /* stores that were set aside */
    uint64_t merges_known_total;
    ms_epoch
        unmerged; /* own reign that could not be merged, and is not among those yet; 0 = none */
    ms_epoch followed;   /* epoch that is followed; 0 = none */
    ms_peer followed_on; /* where FOLLOW_LOG was said */
    struct ms_asked asked;
    ms_time follow_at; /* ask the active again for its log */
    bool wants_go_on;  /* the follower waits for "incomplete" to be durable */
    struct ms_pair_writing writing;
    struct ms_council_record durable, storing; /* the council's record */

    enum ms_pair_life life;
    enum ms_reading replay;   /* of the store, for a tenure */
    ms_time stop_by, silence; /* the latter: of the store, so long */
    bool has_more;
    bool is_dismissing; /* connections of a master that is over are closed; then others are read */

    /* What effects of the present step point to. */
    struct ms_report_page *page;
    struct ms_complaint complaint;
    struct ms_pair_frame frames[MS_PAIR_FRAMES_MAX];
    uint32_t frames_count;
    uint8_t record[MS_PAIR_RECORD_SIZE_MAX];
};

/* The effects of what the council wants, until it wants nothing more. */
void ms_pair_act(struct ms_pair *pair);

/* Steps the master within; at most once in a step of the pair. */
void ms_pair_step_master(struct ms_pair *pair, ms_time now, const struct ms_event *event);

/* The tenure: begins, goes on in another epoch, pauses, ends. */
void ms_pair_serve(struct ms_pair *pair, const struct ms_decision *decision);
void ms_pair_pause(struct ms_pair *pair);
void ms_pair_resume(struct ms_pair *pair); /* if it is paused */
/* Nothing is acknowledged any more: the store has failed, or is as good as that. */
void ms_pair_fail(struct ms_pair *pair, ms_time now, enum ms_error error);
/* So many bytes are left in the store. */
void ms_pair_room(struct ms_pair *pair, ms_time now, uint64_t room);
/* decision: that ended it; NULL = none, this half just ends. */
void ms_pair_stop(struct ms_pair *pair, const struct ms_decision *decision);
/* Closes connections of a tenure that is over, as far as the step has room. */
void ms_pair_leave(struct ms_pair *pair);
void ms_pair_replayed(struct ms_pair *pair, ms_time now, const struct ms_event *event);
void ms_pair_cleared(struct ms_pair *pair, ms_time now, const struct ms_event *event);

/* A frame of the pair's own, or on one of its connections. */
void ms_pair_receive(struct ms_pair *pair, ms_time now, const struct ms_event *event);
/* False when that listener is not for such a frame: it is answered with where to go, and closed. */
bool ms_pair_admits(struct ms_pair *pair, const struct ms_event *event);
/* Whoever has said that PEER_HELLO is not the other half, or is ourselves: true, and it is closed, and another address is dialled if
 * we have dialled this one. */
bool ms_pair_refuses(struct ms_pair *pair, ms_time now, ms_peer peer,
                     const struct ms_pair_frame *hello);
/* Whether that link may change something. */
bool ms_pair_obeys(const struct ms_pair *pair, const struct ms_pair_link *link);

/* Bytes of a large command, so it is not silent. */
void ms_pair_arriving(struct ms_pair *pair, ms_time now, ms_peer peer);
void ms_pair_closed(struct ms_pair *pair, ms_time now, const struct ms_event *event);

/* A slave or client that this half does not serve goes on to the other one, or to its next address. */
void ms_pair_send_away(struct ms_pair *pair, ms_peer peer);

/* The other half knows HAND records. */
static inline bool ms_pair_knows_hands(const struct ms_pair *pair)
{
    return (pair->other_features & MS_PAIR_FEATURE_HANDS) != 0;
}

bool ms_pair_serves(const struct ms_pair *pair);
/* HELLO where nobody serves. True: it waits for its answer, at most MS_GREETER_WAIT. */
bool ms_pair_hold_greeter(struct ms_pair *pair, ms_time now, const struct ms_event *event);
/* One that has waited, and waits no longer. */
void ms_pair_refuse_greeter(struct ms_pair *pair, ms_peer peer);
/* Refuses those that have waited long enough, or all when they wait in vain. */
void ms_pair_tend_greeters(struct ms_pair *pair, ms_time now);
/* The master, which serves, hears the first of them: a step of it. */
void ms_pair_welcome_greeter(struct ms_pair *pair, ms_time now);

/* False when memory is out. */
bool ms_peers_push(struct ms_peers *peers, ms_peer peer);
void ms_peers_drop(struct ms_peers *peers, ms_peer peer); /* if it is there */

/* Says PEER_HELLO on a link, once. */
void ms_pair_greet(struct ms_pair *pair, struct ms_pair_link *link);
/* A command of the pair to that link, in the epoch that is in force here. */
void ms_pair_send(struct ms_pair *pair, const struct ms_pair_link *link,
                  const struct ms_command *command);

/* The FOLLOW_LOG that waits until the store is read back gets its answer: not now. */
void ms_pair_refuse_asked(struct ms_pair *pair);

/* Deposed: true when what is here is offered first, and the log is asked for later. */
bool ms_pair_offers(struct ms_pair *pair);
void ms_pair_compare_suffix(struct ms_pair *pair, ms_time now);
/* What is here is kept as its record says, as long as nothing else is known. */
void ms_pair_keep_as(struct ms_pair *pair);
/* RECONCILE of the other half, whatever we are. */
bool ms_pair_hear_offer(struct ms_pair *pair, const struct ms_pair_link *link,
                        const struct ms_command *command);
/* Active: says when all is merged. True: the other half must leave S first. */
bool ms_pair_compare_merge(struct ms_pair *pair);
void ms_pair_forget_merge(struct ms_pair *pair);
/* What mirror and follower have found out. */
void ms_pair_compare(struct ms_pair *pair, ms_time now);

/* Closes connections of the pair on which nothing is heard any more, though nobody has said that they are dead. */
void ms_pair_drop_silent(struct ms_pair *pair, ms_time now);

#endif
