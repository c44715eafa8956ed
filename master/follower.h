/* The passive's side of replication: takes the active's log into the own store. Applies nothing. */
#ifndef MASTER_FOLLOWER_H
#define MASTER_FOLLOWER_H

#include "core/engine.h"

struct ms_follower;

/* Emits SEND, PERSIST, CLEAR and SCAN through engine; one PERSIST at most in a step. NULL when memory is out. */
struct ms_follower *ms_follower_create(struct ms_engine *engine);
void ms_follower_destroy(struct ms_follower *follower); /* accepts NULL */

/* Where the own log stands when one's own reign has ended by a HANDOVER, so that the peer need not copy it: the new active's reign begins
 * where this log ends, and all of it is durable: every PERSIST of one's own has been answered. A zero reign: unknown, a copy is needed. */
void ms_follower_place(struct ms_follower *follower, ms_epoch reign, uint64_t number);

/* The peer is active in that epoch: says FOLLOW_LOG. divergent > 0: what is here was served by ourselves, and a copy sets
 * it aside under that number. */
void ms_follower_follow(struct ms_follower *follower, ms_peer peer, ms_epoch epoch,
                        uint64_t divergent);
/* What was served here, from now on, is kept as that. */
void ms_follower_keep(struct ms_follower *follower, enum ms_aside kind);
/* It need not be kept: nothing of it is new to the active. */
void ms_follower_spare(struct ms_follower *follower);
/* The active goes on in another epoch of the same reign: what is durable is said again, in that epoch. */
void ms_follower_epoch(struct ms_follower *follower, ms_epoch epoch);
void ms_follower_leave(
    struct ms_follower *follower); /* the connection or the active is gone; the place is kept */

/* LOG_BEGIN, LOG_LIVE, LOG_COPY or LOG of the active. False when it makes no sense: close the connection. */
bool ms_follower_hear(struct ms_follower *follower, ms_epoch epoch,
                      const struct ms_command *command);
/* A LOG_BEGIN has come on that connection and is not taken: a question has its answer all the same. */
void ms_follower_answered(struct ms_follower *follower, ms_peer peer);
void ms_follower_persisted(struct ms_follower *follower, ms_seq seq);
/* How long the own disk has not answered; to be called often. */
ms_time ms_follower_listen(struct ms_follower *follower, ms_time now);
/* has_no_room: for a store beside the own one. */
void ms_follower_cleared(struct ms_follower *follower, bool has_no_room);

/* The own store has something to be kept until a copy is whole: such a copy is taken beside it, if there is room. Else in its place. */
void ms_follower_treasure(struct ms_follower *follower, bool is_worth_it);
/* A copy is taken beside the own store: that is as it was, and this half's. */
bool ms_follower_is_beside(const struct ms_follower *follower);
/* There was no room for that: a copy is taken in its place. Until the next one begins. */
bool ms_follower_is_cramped(const struct ms_follower *follower);
/* Follows nobody, and begins to serve: with the own store. False: CLEARED comes first; then this is asked again. */
bool ms_follower_restore(struct ms_follower *follower);

/* Asks for a SCAN of the own store, if one is due: only when nobody else reads it. True: again in the next step. */
bool ms_follower_read(struct ms_follower *follower);
bool ms_follower_is_reading(const struct ms_follower *follower); /* SCANNED will come, for it */
void ms_follower_scanned(struct ms_follower *follower, const struct ms_event *event);

enum ms_follower_news {
    MS_FOLLOWER_NOTHING,
    MS_FOLLOWER_INCOMPLETE, /* the own store is about to be changed: remember that durably, then ms_follower_go_on */
    MS_FOLLOWER_COMPLETE, /* the log is the active's, all of it durable up to some number */
    MS_FOLLOWER_REFUSED,  /* the active does not copy now: ask again */
};
enum ms_follower_news ms_follower_news(struct ms_follower *follower); /* taken once */
void ms_follower_go_on(struct ms_follower *follower);

/* Says what had no room in an earlier step; true when there is still something. */
bool ms_follower_pump(struct ms_follower *follower);

bool ms_follower_is_complete(const struct ms_follower *follower);
/* Each command that the active has handed out, and that may be in a slave's hands, has its LEASE in this log: if this half was in S
 * until the active was lost. */
bool ms_follower_knows_hands(const struct ms_follower *follower);
ms_seq ms_follower_durable(const struct ms_follower *follower);

#endif
