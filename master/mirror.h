/* The active's side of replication: the stream of what its journal writes, for the peer, and how far both disks are.
 * The other side is master/follower.h.
 *
 * What the active appends in steps that follow closely is a batch. A place in the log is a reign and the number of a batch in it, 0 =
 * before the first; it has a record (id.seq, the highest so far) and a digest (count, of all entries since the reign
 * began; 0 = not told), by which both sides notice that their logs differ. In frames, token = place:
 *     FOLLOW_LOG  token: what I have last; zero: nothing, or I do not know. id.seq > 0: but my store has whatever lives of
 *                 the reign `count` up to that record, and nothing above it
 *     LOG_BEGIN   token, id.seq, count: a LOG of the next number follows; flags = 1: a copy comes first, once a LOG_ACK
 *                 with this token has said: I am empty; flags = 3: lists, and a copy of what is above the record of FOLLOW_LOG;
 *                 error = MS_E_NOT_ACTIVE: not now
 *     LOG_LIVE    payload: which records live, above that of the last one and up to id.seq (master/living.h); count = digest
 *                 of them, read by read from 0 on. Others are to be erased; the next one comes when a LOG_ACK says id.seq
 *     LOG_COPY    payload: live records up to that of LOG_BEGIN, oldest first; count = bytes of them that follow in frames
 *                 which belong to this one; flags = 1, without a payload: that was all, and count = its digest, read by
 *                 read from 0 on, or from the lists'. It was read while the records changed, so it lacks nothing only together with the
 *                 stream up to token, id.seq
 *     LOG         token: this batch, id.seq: its record, payload: entries; flags & 1: the last frame of the batch; & 4: a LOG_ACK
 *                 shall say at once that it has arrived; & 8: there is no later batch, and each command that may be in a slave's
 *                 hands has its LEASE or HAND in the log up to here
 *     LOG_ACK     token, count: all up to there has arrived; id.seq: all up to that record is durable; of a copy that lacks
 *                 something yet: the last record of it that is durable */
#ifndef MASTER_MIRROR_H
#define MASTER_MIRROR_H

#include "core/engine.h"

struct ms_mirror;

/* Emits SEND and SCAN through engine. NULL when memory is out. */
struct ms_mirror *ms_mirror_create(struct ms_engine *engine);
void ms_mirror_destroy(struct ms_mirror *mirror); /* accepts NULL */

/* A reign begins: last is the number of its journal after it was read back, and all of it is durable. */
void ms_mirror_begin(struct ms_mirror *mirror, ms_epoch reign, ms_seq last);
/* The epoch in which it is served now, and whether the peer is in S; then waiting for it (below) is over. */
void ms_mirror_serve(struct ms_mirror *mirror, ms_epoch epoch, bool is_pair);
/* The reign is over: the backlog and what the peer said are forgotten. The connection stands. */
void ms_mirror_end(struct ms_mirror *mirror);

/* One PERSIST of the master: entries are copied. False when memory is out: then the peer must be copied anew. */
bool ms_mirror_append(struct ms_mirror *mirror, ms_seq seq, struct ms_bytes entries);
/* The own store says that it is durable. */
void ms_mirror_persisted(struct ms_mirror *mirror, ms_seq seq);

/* Connection to the peer; MS_PEER_NONE = it is gone. */
void ms_mirror_connect(struct ms_mirror *mirror, ms_peer peer);
/* FOLLOW_LOG or LOG_ACK from it; epoch is the frame's. False when it makes no sense: close the connection. A FOLLOW_LOG that
 * needs a copy is answered NOT_ACTIVE as long as the peer is in S: ms_mirror_needs_copy. */
bool ms_mirror_hear(struct ms_mirror *mirror, ms_epoch epoch, const struct ms_command *command);
bool ms_mirror_needs_copy(const struct ms_mirror *mirror);
bool ms_mirror_is_scanning(const struct ms_mirror *mirror); /* SCANNED will come */
/* SCANNED, also of a reign that has ended: one SCAN is under way at a time. */
void ms_mirror_scanned(struct ms_mirror *mirror, const struct ms_event *event);

/* Sends what may be sent, as far as the step has room; true when more is left that could go at once. Also when no reign is
 * on: then questions are refused. Unless is_last, the last batch waits, and what the next steps append goes into it. */
bool ms_mirror_pump(struct ms_mirror *mirror, bool is_last);

/* Somebody waits until the peer has what was appended last. */
void ms_mirror_hasten(struct ms_mirror *mirror);
/* Whether each command in a slave's hands has its LEASE in what was appended: the peer is told, and may rely on it. */
void ms_mirror_settle(struct ms_mirror *mirror, bool is_settled);
/* Up to which record the peer has the log in its memory; UINT64_MAX: it cannot take over, so nobody need wait for that. */
ms_seq ms_mirror_known(const struct ms_mirror *mirror);

/* Up to which record PERSISTED may be told, and on how many disks it is. Without the peer in S: what the own store says. */
ms_seq ms_mirror_covered(const struct ms_mirror *mirror);
uint8_t ms_mirror_copies(const struct ms_mirror *mirror);

/* From now on covered waits for the peer although it is not in S yet: it is about to join. */
bool ms_mirror_is_near(const struct ms_mirror *mirror); /* less than MS_JOIN_LAG_BYTES behind */
void ms_mirror_wait_for_peer(struct ms_mirror *mirror, bool is_waiting);
/* The peer has all that was ever covered, durable, and said so in the present epoch; and nothing more is covered without it:
 * as long as it shall count, waiting must not end before ms_mirror_serve. */
bool ms_mirror_is_complete(const struct ms_mirror *mirror);
/* Looks at both disks, often; is_on: the reign is not paused. True: the peer's is slow (master/pace.h), and acknowledgements should
 * not wait for it. */
bool ms_mirror_watch(struct ms_mirror *mirror, ms_time now, bool is_on);
/* How long the own disk has not answered, at the last look. */
ms_time ms_mirror_silence(const struct ms_mirror *mirror);
/* The peer is in S, its disk answers, and has what the own one has not. */
bool ms_mirror_is_outdone(const struct ms_mirror *mirror);
/* The peer has all there is, durable, and so has the own store. */
bool ms_mirror_is_drained(const struct ms_mirror *mirror);

struct ms_mirror_stats {
    uint64_t backlog_bytes, lag_bytes; /* lag: sent or to be sent, and not durable at the peer */
    ms_seq peer_durable;
    ms_seq durable, covered; /* on the own disk; of those that may be told of */
    bool is_copying, is_slow;
    uint64_t copies_total, catchups_total, resumes_total;
    uint64_t overruns_total;    /* the stream outgrew what is kept: a copy must begin (anew) */
    uint64_t differences_total; /* the peer's digest was not ours: a fault of one of us */
    uint64_t slow_total;        /* times that the peer's disk was found slow */
};
void ms_mirror_stats(const struct ms_mirror *mirror, struct ms_mirror_stats *stats_out);

#endif
