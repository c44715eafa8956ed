/* Limits of a pair of masters: a part of core/limits.h, which is what is included. */
#ifndef CORE_LIMITS_PAIR_H
#define CORE_LIMITS_PAIR_H

#include "core/types.h"

/* The pair of masters. Times are those of a local network. */
#define MS_PEER_BEAT_DEFAULT (250 * MS_MSEC) /* between masters, and from masters to witnesses */
#define MS_PEER_LEASE_DEFAULT                                                                      \
    (750 * MS_MSEC) /* the active of a pair pauses when its peer is silent so long */
#define MS_PEER_SILENT_DEFAULT                                                                     \
    (1000 * MS_MSEC) /* the passive then asks for votes; a witness then gives them */
#define MS_VOTE_TIMEOUT (300 * MS_MSEC)
#define MS_VOTE_PATIENCE                                                                           \
    3u /* such times for votes themselves, which wait for disks: to begin anew makes them write again */
#define MS_VOTE_BACKOFF_MIN (50 * MS_MSEC)
#define MS_VOTE_BACKOFF_MAX (150 * MS_MSEC)
#define MS_PAIR_DIAL_BACKOFF_MAX                                                                   \
    (250 * MS_MSEC) /* between masters of a pair and their witnesses: others wait for that */
#define MS_PAIR_OWN_PAUSE                                                                          \
    (60 *                                                                                          \
     MS_SEC) /* an address of the other half that led to ourselves is passed over for so long */
#define MS_PAIR_REFUSED_PAUSE (1 * MS_SEC) /* and one where somebody is who is not it */
#define MS_PAIR_LINKS_MAX                                                                          \
    64u /* connections of the other half, witnesses, operators; operators are the first to go without */
#define MS_PARKED_MAX   131072u         /* who are connected to a passive master and say nothing */
#define MS_GREETERS_MAX 4096u           /* who wait for a master that may soon serve */
#define MS_GREETER_WAIT (200 * MS_MSEC) /* as long; it ends before they give up by themselves */
#define MS_WITNESS_DOUBT                                                                           \
    (50 * MS_MSEC) /* a witness that hears the active waits so long with its refusal */
#define MS_BOOT_WAIT   (5 * MS_SEC) /* for the peer, before one stands for election after a start */
#define MS_SETTLE_WAIT (200 * MS_MSEC) /* for the proposal of a passive peer */
#define MS_RETURN_WAIT                                                                             \
    (50 * MS_MSEC) /* for a peer whose connection broke, before one goes on alone */
#define MS_ENROL_PAUSE (2 * MS_SEC) /* between two changes of the list of witnesses */
#define MS_ENROL_SETTLE                                                                            \
    (1 * MS_SEC) /* nobody new for so long: those that come together are enrolled together */
#define MS_ENROL_GATHER       (5 * MS_SEC)  /* nobody waits longer than that for others to come */
#define MS_FLAP_PAUSE         (10 * MS_SEC) /* between two takeovers because of silence */
#define MS_FAILBACK_DELAY     (300 * MS_SEC)
#define MS_DIVERGENT_INTERVAL (60 * MS_SEC) /* between two looks at what was set aside */
#define MS_EPOCH_FORCED_STEP                                                                       \
    (1ull << 32) /* a forced epoch is so far above, or twice; a larger jump is refused */
#define MS_EPOCH_SPAN                                                                              \
    (1ull << 24) /* of epochs, of which each master has half for those without votes */
#define MS_EPOCH_MAX (1ull << 62) /* no half goes there to meet the other one */
#define MS_EPOCH_SEEN_MAX                                                                          \
    (2 * MS_EPOCH_FORCED_STEP -                                                                    \
     4 * MS_EPOCH_SPAN) /* above what is promised: what is gone above, and room for voters that     \
                           have promised a little less */
#define MS_BACKLOG_BYTES      (16u << 20) /* of the stream, kept for a peer that was away for a moment */
#define MS_BACKLOG_COPY_BYTES (512u << 20) /* and while a copy is under way: then it begins anew */
#define MS_SCAN_BYTES         (256u << 10) /* of live records, read from the store at a time */
#define MS_LOG_FRAME_SIZE     (64u << 10)  /* of entries in one frame, unless one is larger */
#define MS_LOG_AHEAD_BYTES    (4u << 20)   /* sent to the peer, and not yet said to be there */
#define MS_FOREIGN_MAX        (20u << 20) /* commands, and clients, in the store of a deposed master */
#define MS_MERGE_PORTION_BYTES                                                                     \
    (1u << 20) /* of a merge, which are durable before more is: clients wait behind them */
#define MS_JOIN_LAG_BYTES                                                                          \
    (1u << 20) /* from there on acknowledgements wait for the peer, so that it catches up */

#define MS_COPY_TRIES_MAX                                                                          \
    3u /* a copy that was overtaken by the stream; then the peer is told to ask later */

/* A standby whose disk does not keep up (master/pace.h). */
#define MS_STANDBY_LAG  (500 * MS_MSEC) /* a record that it has not written by then is late */
#define MS_STANDBY_SLOW (5 * MS_SEC) /* of late records without a break: work goes on without it */
#define MS_STANDBY_LOOK (500 * MS_MSEC) /* between two looks; what is longer was our own fault */
#define MS_STANDBY_WELL (10 * MS_SEC)   /* it keeps up for so long before it counts again, */
#define MS_STANDBY_WELL_MAX                                                                        \
    (600 * MS_SEC) /* twice as long each time it is slow again, up to that, */
#define MS_STANDBY_FORGET (3600 * MS_SEC) /* unless it was well for so long in between */

/* An active whose disk is full, while the other half could take over (master/council_relief.c). */
#define MS_RELIEF_PATIENCE (1 * MS_SEC)  /* short of room for so long: it hands over; */
#define MS_RELIEF_PAUSE    (10 * MS_SEC) /* again if that did not succeed */
#define MS_FULL_PATIENCE   (3 * MS_SEC) /* without any room for so long: it is as one that failed */
#define MS_STUCK_PATIENCE                                                                          \
    (10 * MS_SEC) /* its disk has not answered for so long: likewise (master/pair_stuck.c) */

#define MS_STANDBY_AHEAD_BYTES                                                                     \
    (16u << 20) /* of the stream, in the memory of one outside S that writes nothing */

/* What operators are told. */
#define MS_NOTICE_KEEP                                                                             \
    (15 * MS_SEC) /* what was refused is told of so long: it comes again before */
#define MS_NOTICE_SHOWN_KEEP                                                                       \
    (60 * MS_SEC) /* and an epoch that nobody knows of so long: who has shown it may wait */
#define MS_NOTICE_SHOWN_WAIT                                                                       \
    (3 * MS_SEC) /* that is not told of at once: one that is real is heard of from the peer soon */

#endif
