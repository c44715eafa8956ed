/* A master's start with a store: its records are read back and applied, the new epoch is made durable, and
 * nothing that may be in a slave's hands is handed out before the slaves have told what they hold.
 *
 * What may be in whose hands is known to a half that takes over from an active whose log it has followed to the end (knows_hands in
 * struct ms_master_config): each lease is in its log, or its COMMAND never left. Then only those commands wait, each for its own slave.
 * Whoever begins with what its disk says may lack the last leases, so everything waits until all slaves have come back or are dead.
 *
 * A half whose program does not know of that cannot read a HAND, and nobody is told of hands by it. So as long as the other half is
 * one of those none is written, and those that are there are erased before it may join; when it has become a newer one, they are
 * written of all that is in hand. */
#ifndef MASTER_RECOVERY_H
#define MASTER_RECOVERY_H

#include "core/engine.h"

struct ms_holding;
struct ms_master;
struct ms_slave;
struct ms_work;

/* REPLAYED. A record that makes no sense fails the journal. */
void ms_recovery_replayed(struct ms_master *master, ms_time now, const struct ms_event *event);

/* READY is told once the epoch is durable. */
void ms_recovery_committed(struct ms_master *master);

/* An attempt of an earlier master's time: its command if that is here and is this slave's now, or is
 * somebody else's; NULL when it is not known. */
struct ms_work *ms_recovery_claim(struct ms_master *master, ms_time now, struct ms_slave *slave,
                                  const struct ms_token *token, const struct ms_holding *holding);

/* The slave has told all it holds, or is gone. */
void ms_recovery_called(struct ms_master *master, struct ms_slave *slave);

/* Whether commands that were read back wait until everybody has told. */
bool ms_recovery_is_doubting(const struct ms_master *master);

/* Whether each durable command of a half that may be in a slave's hands has its LEASE in the journal. */
bool ms_recovery_is_settled(const struct ms_master *master);

/* The hands of slaves are not known any more: another master's work comes in. */
void ms_recovery_doubt(struct ms_master *master);

/* Whether HAND records are written from now on. Those that are there, or that are missing, are seen to in the next steps. */
void ms_recovery_write_hands(struct ms_master *master, bool is_on);
/* Whether a half that does not know HAND records, and has the log durable up to that record, may still have one. */
bool ms_recovery_has_hands(const struct ms_master *master, ms_seq durable);

/* Hands doubted commands over to the dispatch once they need not wait, and sees to HAND records; true when more are left. */
bool ms_recovery_trust(struct ms_master *master, ms_time now);

/* Writes who is cordoned, if that has changed. */
void ms_recovery_keep_cordons(struct ms_master *master);

/* Remembers a slave's session, so that after a restart it is waited for. Returns the record's number. */
ms_seq ms_recovery_keep_session(struct ms_master *master, struct ms_slave *slave);

#endif
