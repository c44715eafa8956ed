/* What a council knows of others, and what it believes of what they show. */
#ifndef MASTER_COUNCIL_OTHERS_H
#define MASTER_COUNCIL_OTHERS_H

#include "master/council.h"

enum ms_council_link {
    MS_COUNCIL_UNMET, /* not seen since the start */
    MS_COUNCIL_MET,
    MS_COUNCIL_LOST, /* the connection broke */
    MS_COUNCIL_DEAD, /* and there is no process, or it has said that it does nothing any more */
};

/* What is known of the peer: by its last frames. */
struct ms_council_peer {
    enum ms_council_link link;
    ms_time met_at, heard_at, lost_at;
    struct ms_uuid id;   /* incarnation */
    uint64_t answered;   /* number of our last BEAT that it has answered on this connection */
    ms_time answered_at; /* when that one was sent: since then it has heard us, too */
    enum ms_room room;   /* on its disk, as it has said */
    struct ms_pair_frame frame;
};

struct ms_council_witness {
    struct ms_uuid id;      /* zero = the place is free */
    struct ms_uuid cluster; /* as it has greeted; zero = none yet */
    ms_time met_at, heard_at;
    ms_epoch promised;   /* as it has said last */
    ms_time answered_at; /* when the last BEAT was sent that it has answered; INT64_MIN = none */
};

/* The highest epoch above what is promised here that slaves and clients have shown. */
struct ms_council_shown {
    ms_epoch epoch;        /* 0 = none */
    ms_time at, last_at;   /* since when, and when last */
    ms_time warned_at;     /* when the log last told of it */
    ms_time far_warned_at; /* and of what the peer or a witness has shown */
};

/* The active, alone: somebody of ours has been where another one serves. */
struct ms_council_doubt {
    ms_epoch epoch; /* 0 = none */
    ms_time at;
};

/* --- council_doubt.c --- */
void ms_council_forget_shown(struct ms_council *council);
/* The peer, or a witness, has shown that epoch. */
void ms_council_see(struct ms_council *council, const struct ms_council_party *party,
                    ms_epoch epoch);
/* The witness has answered a BEAT of ours. */
void ms_council_note_answer(struct ms_council *council, struct ms_council_witness *witness,
                            uint64_t beat);
/* True when something has changed: the others have answered, or nobody has in time, and our being active is over. */
bool ms_council_settle_doubt(struct ms_council *council, ms_time now);
/* Nobody goes on without votes as long as that is so. */
bool ms_council_is_in_doubt(const struct ms_council *council);
/* By an operator's word the next epoch is above what slaves and clients have shown, too. */
void ms_council_trust_shown(struct ms_council *council);
bool ms_council_has_shown(const struct ms_council *council, ms_time now);

#endif
