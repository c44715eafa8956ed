/* The council: decides which epoch it is, who is active and what S is, with the peer, the witnesses and a durable
 * record of what was promised. No sockets, no records of commands: it is told what happened and says what to do, in order.
 * Rules: docs/decisions/0010-pair-model.md; the parts around it: 0011-pair-design.md.
 *
 * After each call the owner takes acts until there are none. STORE is carried out before anything after it is begun:
 * the council itself keeps back what depends on the record until it hears ms_council_stored. */
#ifndef MASTER_COUNCIL_H
#define MASTER_COUNCIL_H

#include "core/command.h"
#include "core/limits.h"
#include "core/rng.h"
#include "core/text.h"
#include "core/trace.h"
#include "master/council_notices.h"

enum ms_failover {
    MS_FAILOVER_QUORUM, /* by votes */
    /* By votes; where there are none to be had: the peer is lost, and a slave or client has come that has lost it too. Two masters
     * may be active at the same time, each with its epoch. The rule of Binary Star (the ZeroMQ guide, chapter 4). */
    MS_FAILOVER_EVIDENCE,
    MS_FAILOVER_MANUAL,
};

struct ms_council_times {
    ms_time beat, lease, silent, vote, boot, failback_delay; /* 0 = the default of core/limits.h */
};

struct ms_council_config {
    struct ms_council_record record; /* as read back, or of a new directory */
    struct ms_council_times times;
    enum ms_failover failover;
    bool
        is_degrading; /* the active goes on alone without votes, when too few of them are to be had */
    bool is_bootstrap; /* make a new cluster if nobody knows of one */
    bool is_auto_failback;
    bool
        is_auto_enrol; /* witnesses are enrolled as they come; else the list of the record stays, */
    bool is_pinned;    /* or becomes this one, once this half is the active of a pair */
    struct ms_witnesses pinned;
    ms_time tick;               /* of sessions; only told to the peer */
    struct ms_uuid cluster_new; /* name of the cluster that a bootstrap makes */
    struct ms_uuid
        incarnation_new;  /* who it is from then on if its directory is an old copy; drawn */
    ms_epoch epoch_first; /* of that cluster: above all that its store was ever written in; 0 = 1 */
    uint64_t seed;
};

/* Whom it talks to: the peer, or a witness by its id. */
struct ms_council_party {
    bool is_witness;
    struct ms_uuid id; /* of the witness */
};

enum ms_council_act_type {
    MS_COUNCIL_STORE, /* record: make it durable, then ms_council_stored */
    MS_COUNCIL_SEND, /* to, kind, frame, error, count, flags; dropped when there is no connection */
    MS_COUNCIL_PAUSE, /* nothing leaves as active until SERVE or STOP */
    MS_COUNCIL_SERVE, /* decision: the tenure begins, or goes on in that epoch */
    MS_COUNCIL_STOP,  /* the tenure is over */
    MS_COUNCIL_FOLLOW, /* the peer is active in decision.epoch: take its log. Also after each new connection to it */
    MS_COUNCIL_LEAVE, /* follow nobody any more */
    MS_COUNCIL_RENEW, /* it is somebody else from now on: every connection to the peer and to witnesses is closed, and made anew */
    MS_COUNCIL_NEWS,  /* a change that operators and hooks hear of: state, decision.epoch, text */
};

struct ms_council_act {
    enum ms_council_act_type type;
    struct ms_council_party to;
    uint8_t kind; /* enum ms_kind */
    uint16_t error;
    uint64_t count;
    uint8_t flags;
    struct ms_pair_frame frame;
    struct ms_council_record record;
    struct ms_decision decision;
    enum ms_council_state state;
    const char *text;
};

struct ms_council;

/* NULL when memory is out. */
struct ms_council *ms_council_create(const struct ms_council_config *config, struct ms_trace trace);
void ms_council_destroy(struct ms_council *council); /* accepts NULL */

void ms_council_start(struct ms_council *council, ms_time now);
void ms_council_tick(struct ms_council *council, ms_time now);
ms_time ms_council_deadline(const struct ms_council *council);

/* A connection stands, and the other side has said PEER_HELLO; ours is sent as an act. */
void ms_council_met(struct ms_council *council, ms_time now, const struct ms_council_party *party,
                    const struct ms_pair_frame *hello);
/* It is over. is_dead: and the next connect was refused, or reset before PEER_HELLO. Also told when only that happened. */
void ms_council_lost(struct ms_council *council, ms_time now, const struct ms_council_party *party,
                     bool is_dead);
/* PEER_BEAT .. FAILED of that party. epoch: of the frame. */
void ms_council_hear(struct ms_council *council, ms_time now, const struct ms_council_party *party,
                     ms_epoch epoch, const struct ms_command *command);
/* Anything else came from that party, LOG or LOG_ACK: it lives. */
void ms_council_heard(struct ms_council *council, ms_time now,
                      const struct ms_council_party *party);
/* A slave or client has greeted, who has heard of a higher epoch than is promised here. is_own: it is one that this half has let in. No
 * epoch of ours is chosen by that; an active that is alone asks the peer and the witnesses, and stops if nobody answers. */
void ms_council_outdone(struct ms_council *council, ms_time now, const struct ms_hello *hello,
                        bool is_own);

/* A slave or client looks for the active here, where nobody serves. */
void ms_council_asked(struct ms_council *council, ms_time now);

/* The record of the last STORE is durable. */
void ms_council_stored(struct ms_council *council, ms_time now);
/* The own store failed, for good. */
void ms_council_failed(struct ms_council *council, ms_time now);

/* Active: the peer (that incarnation) has everything that was acknowledged, and whatever is acknowledged from now on waits for it.
 * Told again when it changes. */
void ms_council_mirrored(struct ms_council *council, ms_time now, bool is_complete);
/* Active: the peer, which is in S, needs a copy of the log, and may have it only outside S. */
void ms_council_expel(struct ms_council *council, ms_time now);
/* Active: the disk of the peer is slow, so acknowledgements shall not wait for it: it is to be outside S, and stays there. Told
 * again when it changes. */
void ms_council_slow(struct ms_council *council, ms_time now, bool is_slow);
/* Passive: the other half has an empty directory. */
bool ms_council_peer_is_fresh(const struct ms_council *council);
/* So many bytes are left on the own disk, of which reserve are not for submissions. Told again when it changes. */
void ms_council_room(struct ms_council *council, ms_time now, uint64_t room, uint64_t reserve);
enum ms_room ms_council_own_room(const struct ms_council *council);
/* As the peer says of its own. */
enum ms_room ms_council_peer_room(const struct ms_council *council);
/* Active: the other half takes over when this one fails. */
bool ms_council_may_fail(const struct ms_council *council);
/* Active: there has been no room for a while, and it may fail: it is to. */
bool ms_council_is_stuck(const struct ms_council *council, ms_time now);
/* Active, paused in DRAIN: the peer has everything there is. */
void ms_council_drained(struct ms_council *council, ms_time now);
/* Passive: the log is what the active of that epoch has, or a copy has begun (false). */
void ms_council_followed(struct ms_council *council, ms_time now, ms_epoch epoch, bool is_complete);
/* Passive, before that is told: the active could not take all of what this half had alone, so it is to be kept for good. */
void ms_council_unmergeable(struct ms_council *council, bool is_so);
/* And now it is, in a file of its own: nothing is left here that could be merged, or has to be kept. */
void ms_council_kept(struct ms_council *council, ms_time now);

/* An operator's word; *error_out and the sentence say why not. */
enum ms_error ms_council_order(struct ms_council *council, ms_time now, enum ms_order order,
                               struct ms_complaint *complaint);

/* These shall be enrolled; begins when it is the active of a pair, and ends when both masters know it. */
void ms_council_want_witnesses(struct ms_council *council, ms_time now,
                               const struct ms_witnesses *list);

/* False when there is none. act_out borrows nothing but text, a literal. */
bool ms_council_next(struct ms_council *council, struct ms_council_act *act_out);

enum ms_council_state ms_council_state(const struct ms_council *council);
/* As it is on the disk: what is said to others, HELLO too, says no more than this. */
const struct ms_council_record *ms_council_record(const struct ms_council *council);
/* What a PEER_HELLO says now, but for names: of what is on the disk. */
void ms_council_hello(const struct ms_council *council, struct ms_pair_frame *frame_out);
/* The peer has answered not long ago: what is sent to it arrives. It counts for so long if it does not answer again; 0 = it is not met. */
bool ms_council_is_heard(const struct ms_council *council, ms_time now);
ms_time ms_council_heard_until(const struct ms_council *council);
/* Nobody serves as far as is known here, and we may soon: we are asking for votes, or about to, or have just won. */
bool ms_council_is_expectant(const struct ms_council *council, ms_time now);
/* As the peer is told. */
struct ms_pair_settings ms_council_settings(const struct ms_council *council);
/* What is configured in another way on the peer, as it has said last, in a sentence that says which option that is; NULL = nothing
 * that is known of. Then nobody takes over by himself. The record remembers it: it counts from the start on. */
const char *ms_council_mismatch(const struct ms_council *council);
/* The peer has told how it is configured, and that was alike when it did last. Without that nobody takes over by evidence. */
bool ms_council_is_agreed(const struct ms_council *council);
/* A number that equal routing tables have in common, and that the peer is told; not 0. */
void ms_council_set_routes(struct ms_council *council, uint64_t routes);
/* The peer has another routing table, as it has said last. Whoever takes over hands out by his own. */
bool ms_council_has_other_routes(const struct ms_council *council);
/* In S at last and with a usable log: who may take over. */
bool ms_council_may_lead(const struct ms_council *council);
/* It waits for an operator before it takes the place of the incumbent. */
bool ms_council_is_disarmed(const struct ms_council *council);
/* The voters were asked since the peer is gone, and some refused. */
bool ms_council_is_refused(const struct ms_council *council);
enum ms_failover ms_council_failover(const struct ms_council *council);
/* The connection to the peer stands, and nothing comes on it any more. */
bool ms_council_is_silent(const struct ms_council *council, ms_time now);
/* Connected, enrolled or not. */
bool ms_council_has_witness(const struct ms_council *council, const struct ms_uuid *id);
/* Events of the table (council_table.h) by which it has left that state so far, as bits. */
uint32_t ms_council_taken(const struct ms_council *council, enum ms_council_state state);
const char *ms_council_state_name(enum ms_council_state state); /* "PAIR"; never NULL */

#endif
