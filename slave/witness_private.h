/* The witness's parts among themselves. */
#ifndef SLAVE_WITNESS_PRIVATE_H
#define SLAVE_WITNESS_PRIVATE_H

#include "core/limits.h"
#include "core/rng.h"
#include "proto/pair_record.h"
#include "slave/witness.h"

#define MS_WITNESS_FRAMES_MAX 32u /* sent in one step */

enum ms_witness_link_state {
    MS_WITNESS_IDLE, /* waits for its back-off */
    MS_WITNESS_DIALLING,
    MS_WITNESS_GREETING, /* PEER_HELLO was said */
    MS_WITNESS_UP,
};

/* A PREVOTE that would be refused because the active is not known to be lost. It may be that the loss has not come to our
 * ears yet, so the refusal waits for a moment. */
struct ms_witness_question {
    bool is_waiting;
    ms_time until;
    struct ms_uuid cluster;
    struct ms_decision decision;
};

/* The way to one address. */
struct ms_witness_link {
    char address[MS_ADDRESS_MAX + 1];
    enum ms_witness_link_state state;
    ms_peer peer;
    uint32_t tag;
    ms_time due; /* of the next dial, or of giving this one up */
    ms_time backoff;
    ms_time heard_at, beat_at;
    uint8_t
        place; /* of the master that has greeted there last; MS_MASTERS = none yet, or it is elsewhere now */
    struct ms_witness_question question;
};

/* What is known of each master. */
struct ms_witness_master {
    ms_time active_at; /* heard last as active; INT64_MIN = never */
    bool is_dead;      /* its connection ended, and nobody listens there */
};

/* A vote, as soon as the record is durable. */
struct ms_witness_answer {
    bool is_waiting;
    ms_peer peer;
    struct ms_decision decision;
};

enum ms_witness_life {
    MS_WITNESS_NEW, /* has dialled nobody */
    MS_WITNESS_AT_WORK,
    MS_WITNESS_OVER, /* was told to stop, or its disk has failed: it has no connections, and never will have */
};

struct ms_witness {
    struct ms_engine engine; /* first */
    struct ms_rng rng;
    ms_time beat, silent;
    char name[MS_NAME_MAX + 1];
    char build[MS_NAME_MAX + 1];
    struct ms_uuid id;
    struct ms_voter voter, storing;
    struct ms_known_start known[MS_MASTERS]; /* the newest start of each half that was heard of */
    bool is_known_new;                       /* and the record does not have it yet */
    ms_epoch decided;                        /* the highest that an active has told of */
    enum ms_witness_life life;
    bool is_storing; /* a record is on its way to the disk */
    struct ms_witness_answer answer;
    struct ms_witness_link links[MS_ADDRESSES_MAX];
    uint32_t links_count;
    struct ms_witness_master masters[MS_MASTERS];
    uint32_t tags_count;
    uint64_t beats_count;
    uint64_t votes_total, refusals_total;

    /* What effects of the present step point to. */
    struct ms_pair_frame frames[MS_WITNESS_FRAMES_MAX];
    uint32_t frames_count;
    uint8_t record[MS_PAIR_RECORD_SIZE_MAX];
};

/* One of the pair's kinds to that master; decision: that it is about, NULL = the accepted one. */
void ms_witness_say(struct ms_witness *witness, const struct ms_witness_link *link,
                    const struct ms_command *command, const struct ms_decision *decision);
/* A frame of a master that has greeted. */
void ms_witness_hear(struct ms_witness *witness, ms_time now, struct ms_witness_link *link,
                     const struct ms_command *command);
/* Whether what a half says of its start is not older than what is known of it. The newest is remembered. False: it has come with an
 * old copy of its directory, and hears of that by PEER_HELLO when it is dialled anew. */
bool ms_witness_knows(struct ms_witness *witness, const struct ms_pair_frame *frame);
/* Answers the question of that master if it is time. */
void ms_witness_reconsider(struct ms_witness *witness, ms_time now, struct ms_witness_link *link);
/* For good: closes all connections. STOPPED says why. */
void ms_witness_end(struct ms_witness *witness, enum ms_error error);
/* STORED. */
void ms_witness_stored(struct ms_witness *witness, const struct ms_event *event);

#endif
