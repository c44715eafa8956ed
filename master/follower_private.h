/* Inside of the follower: what follower.c, which asks and answers, and follower_hear.c share. */
#ifndef MASTER_FOLLOWER_PRIVATE_H
#define MASTER_FOLLOWER_PRIVATE_H

#include "core/limits.h"
#include "master/follower.h"
#include "master/pieces.h"
#include "master/silence.h"
#include "master/sift.h"

enum ms_follower_state {
    MS_FOLLOWER_IDLE,     /* follows nobody, or was refused */
    MS_FOLLOWER_LOOKING,  /* what is in the own store? */
    MS_FOLLOWER_ASKING,   /* FOLLOW_LOG was said, or will be */
    MS_FOLLOWER_DOUBTING, /* a copy was announced: for the owner to go on */
    MS_FOLLOWER_CLEARING, /* for the own store to be empty */
    MS_FOLLOWER_SIFTING,  /* what does not live any more is erased from it */
    MS_FOLLOWER_COPYING,
    MS_FOLLOWER_STREAMING,
};

enum ms_claim_state {
    MS_CLAIM_UNKNOWN, /* the store is looked at before the log is asked for */
    MS_CLAIM_STANDS,  /* and may be said; not any more when something was written */
    MS_CLAIM_REFUTED, /* it was not true: a whole copy, and nothing else */
};

/* What the own store is good for when it is not known where in the stream it stands: all that lives of that reign up to that
 * record is in it, and nothing above it. This is so from the moment in which the EPOCH of the reign is in it, also in the midst of a
 * copy or of sifting, because records come in the order of their numbers, and what was erased never comes back. */
struct ms_claim {
    enum ms_claim_state state;
    ms_epoch reign; /* 0 = of no reign: nothing is said */
    ms_seq last;
};

struct ms_follower {
    struct ms_engine *engine;
    ms_peer peer;
    ms_epoch epoch;
    enum ms_follower_state state;
    enum ms_follower_news news;
    unsigned asked; /* FOLLOW_LOGs on this connection that are not answered */
    bool is_ask_due, is_ack_due;
    bool is_clear_due;      /* the store in use is to be empty */
    bool is_adopt_due;      /* the one beside the own is whole */
    bool is_clearing;       /* CLEARED will come, */
    enum ms_clear clearing; /* for that */
    bool is_beside; /* the own store is as it was; what is written goes into one beside it */
    bool is_worth_it, is_cramped;
    uint64_t divergent, aside; /* to be set aside; what was, or is being */
    bool is_spare;             /* what was served here need not be kept */
    enum ms_aside kind;        /* what it is kept as */
    struct ms_token place; /* reign and number of the last batch here; reign 0: a copy is needed */
    ms_seq last;           /* its record; 0 = not known */
    uint64_t digest;       /* of the log there; 0 = not known */
    ms_seq persisted;      /* as the own store says */
    ms_seq written;        /* as it was told last */
    struct ms_silence silence;
    ms_seq
        kept; /* the copy goes on from what the store has up to that record; 0: it begins empty */
    ms_seq copied;           /* last record of the copy, or up to which was sifted */
    ms_seq floor;            /* all up to it is durable: the active's record when the copy began */
    struct ms_token copy_at; /* where the stream goes on behind the copy */
    ms_seq copy_seq;
    uint64_t copy_digest;
    uint64_t copied_digest; /* of the copy so far */
    bool is_whole;     /* the log is what the active's is, or was; not so in the midst of a copy */
    uint64_t whole_at; /* from that batch on it will be */
    ms_seq whole_seq;
    ms_seq said;
    uint64_t said_number;
    size_t unsaid; /* bytes that arrived since */
    bool
        knows_hands; /* all that was handed out was in the log when it was last at its end, and is told since */
    uint64_t persist_step;
    struct ms_pieces parts;
    ms_seq parts_seq; /* LOG: that they all name */
    struct ms_claim claim;
    struct ms_sift sift;
    uint64_t sift_digest; /* as the active says, behind the list that is here */
};

/* Where this log stands is not known any more. */
void ms_follower_forget(struct ms_follower *follower);

/* The last thing in its step. */
void ms_follower_persist(struct ms_follower *follower, ms_seq seq, struct ms_bytes entries);

/* Whether the copy is durable, and the stream is where the copy misses nothing any more. */
void ms_follower_find_whole(struct ms_follower *follower);

#endif
