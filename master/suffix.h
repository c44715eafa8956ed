/* What a deposed active has and the new one may lack: all live records of its store are offered to the new one, which
 * merges them (master/reconcile.h), before the store is set aside and a copy is asked for. In frames, token = (epoch that was
 * served here last, number of the frame from 0):
 *     RECONCILE      number 0 begins anew; payload: live records, oldest first; count = bytes of them that follow in frames
 *                    which belong to this one; flags = 1, without a payload: that was all
 *     RECONCILE_ACK  all up to that frame is there, count bytes; flags & 1: all of it is merged, and durable; & 2: and
 *                    nothing of it was new. error = MS_E_NOT_ACTIVE: not now, begin anew later; another one: not all of it can be
 *                    merged, so keep what you have */
#ifndef MASTER_SUFFIX_H
#define MASTER_SUFFIX_H

#include "core/engine.h"

struct ms_suffix;

/* Emits SEND and SCAN through engine. NULL when memory is out. */
struct ms_suffix *ms_suffix_create(struct ms_engine *engine);
void ms_suffix_destroy(struct ms_suffix *suffix); /* accepts NULL */

/* From the beginning, to the peer, which is active in that epoch; one that is under way to it goes on. own: the epoch that was
 * served here last. knows_hands: HAND records are among what is offered; else the peer's program does not know them. */
void ms_suffix_offer(struct ms_suffix *suffix, ms_peer peer, ms_epoch epoch, ms_epoch own,
                     bool knows_hands);
/* The active goes on in another epoch of the same reign. */
void ms_suffix_epoch(struct ms_suffix *suffix, ms_epoch epoch);
bool ms_suffix_is_offering(const struct ms_suffix *suffix);
void ms_suffix_leave(struct ms_suffix *suffix); /* the connection or the active is gone */

/* RECONCILE_ACK. False when it makes no sense: close the connection. */
bool ms_suffix_hear(struct ms_suffix *suffix, const struct ms_command *command);

/* SCANNED, also of an offer that is over: only if is_scanning. */
void ms_suffix_scanned(struct ms_suffix *suffix, const struct ms_event *event);
bool ms_suffix_is_scanning(const struct ms_suffix *suffix);

enum ms_suffix_news {
    MS_SUFFIX_NOTHING,
    MS_SUFFIX_MERGED,   /* durable over there: nothing here is needed any more */
    MS_SUFFIX_KNOWN,    /* the same, and it was so before: nothing of it was new */
    MS_SUFFIX_REFUSED,  /* not now: offer it again */
    MS_SUFFIX_UNMERGED, /* not all of it can be merged, or be read */
};
enum ms_suffix_news ms_suffix_news(struct ms_suffix *suffix); /* taken once */

/* Sends what may be sent, as far as the step has room; true when more is left that could go at once. may_scan: nobody else
 * is reading the store. */
bool ms_suffix_pump(struct ms_suffix *suffix, bool may_scan);

#endif
