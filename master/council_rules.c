/* What each state waits for, and does when it has come or is overdue. The durable steps are council_decide.c's. */
#include "core/invariant.h"
#include "master/council_private.h"

#define ROUNDS_MAX 8 /* of rules in one call; what is left then is due at once */

bool ms_council_is_due(struct ms_council *council, ms_time now, ms_time at)
{
    if (now >= at) {
        return true;
    }
    council->wake = at < council->wake ? at : council->wake;
    return false;
}

bool ms_council_sheds(const struct ms_council *council)
{
    return council->state == MS_COUNCIL_PAIR && council->is_slow &&
           council->expelled != council->tenure.epoch;
}

/* --- the peer, as a passive master sees it --- */

enum peer_role {
    PEER_DOUBTED, /* not heard of, and not long enough to say that it is gone */
    PEER_GONE,
    PEER_IDLE, /* talks, and neither is active nor wants to be */
    PEER_BUSY, /* is active in an epoch that we cannot follow, or is being elected */
};

static bool is_alone_in_set(const struct ms_council *council)
{
    const struct ms_council_record *record = &council->record;

    return record->lead == record->place && ms_council_is_eligible(council) &&
           !ms_decision_is_pair(&record->voter.accepted);
}

static enum peer_role role_of_peer(struct ms_council *council, ms_time now)
{
    const struct ms_council_peer *peer = &council->peer;
    const enum ms_council_state state = (enum ms_council_state)peer->frame.state;

    if (peer->link == MS_COUNCIL_UNMET) {
        /* Nobody else can be active if nobody else was in S; a moment is enough to hear of an operator's word. */
        const ms_time wait = is_alone_in_set(council) ? council->times.silent : council->times.boot;

        return ms_council_is_due(council, now, council->started_at + wait) ? PEER_GONE
                                                                           : PEER_DOUBTED;
    }
    if (peer->link == MS_COUNCIL_DEAD || state == MS_COUNCIL_HALTED ||
        ms_council_is_due(council, now, peer->heard_at + council->times.silent)) {
        return PEER_GONE;
    }
    if (peer->link == MS_COUNCIL_LOST) {
        return PEER_DOUBTED;
    }
    return state == MS_COUNCIL_PENDING || state == MS_COUNCIL_CATCHUP || state == MS_COUNCIL_SYNC
               ? PEER_IDLE
               : PEER_BUSY;
}

/* --- passive --- */

static bool seek(struct ms_council *council, ms_time now, enum ms_decision_kind kind)
{
    ms_council_stand(council, now, kind);
    return true;
}

/* May it take over by itself, where somebody else was the incumbent? */
static bool is_armed(const struct ms_council *council)
{
    return council->record.lead == council->record.place ||
           (!council->record.hold.is_on && council->config.failover != MS_FAILOVER_MANUAL &&
            ms_council_mismatch(council) == NULL);
}

/* When it became certain that the peer is gone (PEER_GONE). */
static ms_time gone_since(const struct ms_council *council)
{
    const struct ms_council_peer *peer = &council->peer;

    switch (peer->link) {
    case MS_COUNCIL_UNMET:
        return council->started_at;
    case MS_COUNCIL_DEAD:
        return peer->lost_at;
    case MS_COUNCIL_MET:
    case MS_COUNCIL_LOST:
        break;
    }
    return peer->frame.state == MS_COUNCIL_HALTED ? peer->heard_at
                                                  : peer->heard_at + council->times.silent;
}

/* The voters do not decide, if there are any, since the peer is gone. */
static bool is_unvoted(const struct ms_council *council)
{
    return ms_council_electorate(council).list->count == 0 ||
           council->failed_at >= gone_since(council);
}

bool ms_council_may_lead(const struct ms_council *council)
{
    return ms_council_is_eligible(council);
}

bool ms_council_is_disarmed(const struct ms_council *council)
{
    return !is_armed(council);
}

bool ms_council_is_refused(const struct ms_council *council)
{
    return council->is_refused && council->failed_at >= gone_since(council);
}

/* Somebody has come since, so it was not the connection between us alone. */
static bool has_evidence(const struct ms_council *council)
{
    return council->config.failover == MS_FAILOVER_EVIDENCE && ms_council_is_agreed(council) &&
           is_unvoted(council) && council->asked_at >= gone_since(council);
}

static bool seek_alone(struct ms_council *council, ms_time now)
{
    const enum ms_decision_kind kind = ms_council_alone(council);
    const struct ms_electorate electorate = ms_council_electorate(council);

    if (!ms_council_is_eligible(council)) {
        ms_council_alarm(council,
                         "the peer is lost, and what we have may be incomplete: not eligible");
        return false;
    }
    if (!is_armed(council)) {
        ms_council_alarm(council, "the peer is lost, and takeover is left to an operator");
        return false;
    }
    if (council->record.lead != council->record.place && council->peer.link != MS_COUNCIL_DEAD &&
        council->took_over_at != MS_TIME_NEVER &&
        !ms_council_is_due(council, now, council->took_over_at + MS_FLAP_PAUSE)) {
        return false;
    }
    if (ms_council_is_in_doubt(council) &&
        (kind == MS_DECISION_INCUMBENT || has_evidence(council))) {
        ms_council_alarm(council,
                         "the peer is lost, and a slave or client of ours has met a higher "
                         "epoch: it may be active by force");
        return false;
    }
    if (has_evidence(council)) {
        ms_council_force(council, now);
        return true;
    }
    if (electorate.list->count == 0 && kind != MS_DECISION_INCUMBENT) {
        ms_council_alarm(council, council->config.failover == MS_FAILOVER_EVIDENCE &&
                                          ms_council_is_agreed(council)
                                      ? "the peer is lost; a slave or client that has lost it too "
                                        "is waited for"
                                      : "the peer is lost, and without witnesses only an operator "
                                        "may promote us");
        return false;
    }
    return seek(council, now, kind);
}

/* Both talk and nobody is active: the one that served last goes on. If the other was in S and is about to ask for the
 * role, that is as good. */
static bool seek_together(struct ms_council *council, ms_time now)
{
    const struct ms_council_record *record = &council->record;
    const struct ms_pair_frame *peer = &council->peer.frame;

    if (peer->is_fresh) {
        return seek_alone(council, now);
    }
    if (council->state == MS_COUNCIL_SYNC && peer->state == MS_COUNCIL_PENDING &&
        ms_council_is_eligible(council) && is_armed(council)) {
        return seek(council, now, ms_council_alone(council));
    }
    if (record->served > peer->served && record->is_complete) {
        return (peer->state != MS_COUNCIL_SYNC ||
                ms_council_is_due(council, now, council->peer.met_at + MS_SETTLE_WAIT)) &&
               seek(council, now, MS_DECISION_CONSENT);
    }
    return false;
}

/* Asks the peer and every witness whether they know of a cluster; it may have asked before it was restarted. */
static bool seek_bootstrap(struct ms_council *council, ms_time now)
{
    const struct ms_council_record *record = &council->record;
    const struct ms_decision *asked = &record->voter.accepted;
    const bool is_free = ms_uuid_is_zero(&record->voter.cluster) ||
                         (asked->kind == MS_DECISION_BOOTSTRAP &&
                          ms_decision_has(asked, record->place, &record->incarnation));

    if (!council->config.is_bootstrap || !is_free || council->peer.link != MS_COUNCIL_MET ||
        !ms_council_is_due(council, now, council->retry_at)) {
        return false;
    }
    return seek(council, now, MS_DECISION_BOOTSTRAP);
}

/* An operator's word, which does not wait until the peer is gone for certain; the voters do. */
static bool is_promoted(struct ms_council *council, ms_time now)
{
    return now < council->promote_until && council->state != MS_COUNCIL_CATCHUP &&
           ms_council_is_eligible(council) && ms_council_is_due(council, now, council->retry_at);
}

static bool rule_passive(struct ms_council *council, ms_time now)
{
    enum peer_role role;

    if (ms_council_take_followed(council)) {
        return true;
    }
    if (council->election.phase != MS_ELECTION_NONE) {
        return false;
    }
    if (council->record.is_fresh) {
        return seek_bootstrap(council, now);
    }
    role = role_of_peer(council, now);
    if (council->state == MS_COUNCIL_CATCHUP && (role == PEER_GONE || role == PEER_IDLE)) {
        ms_council_change(council, MS_COUNCIL_UNLED);
        return true;
    }
    if (is_promoted(council, now)) {
        return seek(council, now, ms_council_alone(council));
    }
    if ((role != PEER_GONE && role != PEER_IDLE) ||
        !ms_council_is_due(council, now, council->retry_at)) {
        return false;
    }
    return role == PEER_GONE ? seek_alone(council, now) : seek_together(council, now);
}

/* --- active --- */

/* It follows, or has just handed over to us and does not know yet that it was decided. */
static bool has_part(const struct ms_council *council)
{
    const struct ms_pair_frame *frame = &council->peer.frame;

    return frame->state == MS_COUNCIL_CATCHUP || frame->state == MS_COUNCIL_SYNC ||
           (frame->state == MS_COUNCIL_CANDIDATE && frame->promised == council->tenure.epoch);
}

/* The peer does not do its part in S any more: nothing can be acknowledged. What counts is when it has heard us for sure,
 * for that is from when it, and the witnesses, wait. Frames of its own may be old, or come from a peer that hears nothing. */
static bool has_departed(struct ms_council *council, ms_time now)
{
    const struct ms_council_peer *peer = &council->peer;

    return peer->link != MS_COUNCIL_MET || !has_part(council) ||
           peer->frame.promised > council->record.voter.promised ||
           !ms_decision_has(&council->tenure, ms_council_other(council), &peer->id) ||
           ms_council_is_due(council, now, peer->answered_at + council->times.lease);
}

static bool depart(struct ms_council *council)
{
    ms_election_end(&council->election);
    ms_council_pause(council);
    ms_council_change(council, MS_COUNCIL_DEPART);
    council->retry_at = 0;
    council->proof = council->beats + 1;
    return true;
}

void ms_council_hand(struct ms_council *council, ms_time now)
{
    ms_election_end(&council->election);
    ms_council_pause(council);
    ms_council_change(council, MS_COUNCIL_HAND);
    council->is_drained = false;
    council->drain_until = now + council->times.silent;
    council->retry_at = now;
}

static bool wants_failback(struct ms_council *council, ms_time now)
{
    return council->config.is_auto_failback && council->record.place > 0 &&
           !council->record.hold.is_on && ms_council_mismatch(council) == NULL &&
           council->peer.frame.state == MS_COUNCIL_SYNC && council->peer.room == MS_ROOM_ENOUGH &&
           ms_council_is_due(council, now, council->paired_at + council->times.failback_delay);
}

static bool rule_pair(struct ms_council *council, ms_time now)
{
    const bool is_without = council->expelled == council->tenure.epoch || council->is_slow;

    if (has_departed(council, now)) {
        return depart(council);
    }
    if (council->election.phase != MS_ELECTION_NONE && !is_without) { /* it is quick again */
        ms_election_end(&council->election);
        return true;
    }
    if (council->election.phase != MS_ELECTION_NONE ||
        !ms_council_is_due(council, now, council->retry_at)) {
        return false;
    }
    if (is_without) {
        return seek(council, now, ms_council_alone(council));
    }
    if (ms_council_wants_relief(council, now) || wants_failback(council, now)) {
        ms_council_hand(council, now);
        return true;
    }
    return ms_council_enrol(council, now);
}

static bool is_peer_here(struct ms_council *council, ms_time now)
{
    return council->peer.link == MS_COUNCIL_MET && council->peer.frame.state != MS_COUNCIL_HALTED &&
           !ms_council_is_due(council, now, council->peer.heard_at + council->times.silent);
}

/* It has promised more than voters would go above. */
static bool is_beyond(const struct ms_council *council)
{
    const ms_epoch promised = council->record.voter.promised;

    return council->peer.frame.promised > promised &&
           !ms_epoch_leaves_room(council->peer.frame.promised, promised);
}

/* To go on alone. A peer that has accepted something else, which was not decided, votes for CONSENT only. */
static enum ms_decision_kind way_on(struct ms_council *council, ms_time now)
{
    const struct ms_council_record *record = &council->record;
    const struct ms_pair_frame *peer = &council->peer.frame;

    return is_peer_here(council, now) && !peer->is_fresh && record->served > peer->served &&
                   (!ms_decision_has(&peer->decision, record->place, &record->incarnation) ||
                    is_beyond(council))
               ? MS_DECISION_CONSENT
               : ms_council_alone(council);
}

static bool rule_solo(struct ms_council *council, ms_time now)
{
    const struct ms_council_record *record = &council->record;
    const struct ms_pair_frame *peer = &council->peer.frame;
    const bool is_here = is_peer_here(council, now);

    /* Whoever waits for it looks again when it does not answer any more. */
    (void)ms_council_is_due(council, now, council->peer.answered_at + council->times.lease);
    if (council->election.phase != MS_ELECTION_NONE) {
        if (ms_decision_is_pair(&council->election.decision) &&
            (!is_here || !council->is_mirrored || council->is_slow)) {
            ms_election_end(&council->election);
            return true;
        }
        return false;
    }
    if (!is_here || !ms_council_is_due(council, now, council->retry_at)) {
        return false;
    }
    if (!peer->is_fresh && peer->promised > record->voter.promised) {
        return seek(council, now, way_on(council, now));
    }
    if (council->is_mirrored && !council->is_slow && peer->promised == council->tenure.epoch) {
        return seek(council, now, peer->is_fresh ? MS_DECISION_ADMIT : MS_DECISION_JOIN);
    }
    return false;
}

/* It follows again in the very epoch that we are paused in, and we have promised nothing higher meanwhile. */
static bool has_returned(struct ms_council *council, ms_time now)
{
    const struct ms_council_peer *peer = &council->peer;

    return is_peer_here(council, now) && peer->answered >= council->proof &&
           peer->frame.state == MS_COUNCIL_SYNC &&
           ms_decision_has(&council->tenure, ms_council_other(council), &peer->id) &&
           peer->frame.promised == council->tenure.epoch &&
           ms_decision_equal(&peer->frame.decision, &council->tenure) &&
           council->record.voter.promised == council->tenure.epoch;
}

/* When it is time to ask the voters: a peer that is there again, or may be in a moment, is waited for. */
static bool is_patience_over(struct ms_council *council, ms_time now)
{
    const struct ms_council_peer *peer = &council->peer;

    if (is_peer_here(council, now) && council->record.voter.promised == council->tenure.epoch &&
        peer->frame.promised <= council->tenure.epoch &&
        ms_decision_has(&council->tenure, ms_council_other(council), &peer->id)) {
        return ms_council_is_due(council, now, peer->met_at + MS_SETTLE_WAIT);
    }
    return peer->link != MS_COUNCIL_LOST ||
           ms_council_is_due(council, now, peer->lost_at + MS_RETURN_WAIT);
}

/* Whoever was active stays it, where an operator has said so beforehand: by a word that is given for a standby, too, or by one
 * for the active alone. Who was started again since was not active. */
static bool may_degrade(struct ms_council *council, ms_time now)
{
    return (council->config.failover == MS_FAILOVER_EVIDENCE || council->config.is_degrading) &&
           council->failed_at >= 0 && role_of_peer(council, now) == PEER_GONE &&
           is_unvoted(council) && way_on(council, now) == MS_DECISION_SOLO;
}

static bool rule_hold(struct ms_council *council, ms_time now)
{
    if (has_returned(council, now)) {
        ms_election_end(&council->election);
        council->reign = MS_COUNCIL_REIGNS;
        ms_council_change(council, MS_COUNCIL_RETURN);
        ms_council_emit(council, &(struct ms_council_act){.type = MS_COUNCIL_SERVE,
                                                          .state = council->state,
                                                          .decision = council->tenure});
        return true;
    }
    if (council->election.phase != MS_ELECTION_NONE ||
        !ms_council_is_due(council, now, council->retry_at) || !is_patience_over(council, now)) {
        return false;
    }
    if (may_degrade(council, now)) {
        ms_council_force(council, now);
        return true;
    }
    return seek(council, now, way_on(council, now));
}

static bool rule_drain(struct ms_council *council, ms_time now)
{
    if (has_departed(council, now)) {
        return depart(council);
    }
    if (ms_council_is_due(council, now, council->drain_until)) {
        ms_election_end(&council->election);
        council->reign = MS_COUNCIL_REIGNS;
        ms_council_change(council, MS_COUNCIL_KEEP);
        ms_council_emit(council, &(struct ms_council_act){.type = MS_COUNCIL_SERVE,
                                                          .state = council->state,
                                                          .decision = council->tenure});
        return true;
    }
    if (council->election.phase == MS_ELECTION_NONE && council->is_drained &&
        ms_council_is_due(council, now, council->retry_at)) {
        return seek(council, now, MS_DECISION_HANDOVER);
    }
    return false;
}

/* --- all together --- */

/* The peer has served a higher epoch since: ours was over before we knew. */
static bool step_down(struct ms_council *council)
{
    const struct ms_council_peer *peer = &council->peer;

    if (council->reign == MS_COUNCIL_NO_REIGN || peer->link != MS_COUNCIL_MET ||
        peer->frame.served <= council->record.served ||
        !ms_epoch_is_near(peer->frame.served, council->record.voter.promised)) {
        return false;
    }
    ms_council_depose(council);
    return true;
}

static bool apply_rule(struct ms_council *council, ms_time now)
{
    switch (council->state) {
    case MS_COUNCIL_PENDING:
    case MS_COUNCIL_CATCHUP:
    case MS_COUNCIL_SYNC:
        return rule_passive(council, now);
    case MS_COUNCIL_PAIR:
        return rule_pair(council, now);
    case MS_COUNCIL_SOLO:
        return rule_solo(council, now);
    case MS_COUNCIL_HOLD:
        return rule_hold(council, now);
    case MS_COUNCIL_DRAIN:
        return rule_drain(council, now);
    case MS_COUNCIL_CANDIDATE:
    case MS_COUNCIL_HALTED:
    case MS_COUNCIL_STATES:
        break;
    }
    return false;
}

/* An active whose epoch is below our promise must hear of it. */
static void answer_stale(struct ms_council *council, ms_time now)
{
    const struct ms_pair_frame *frame = &council->peer.frame;
    const struct ms_council_party party = {.is_witness = false};

    if (council->peer.link == MS_COUNCIL_MET &&
        (frame->state == MS_COUNCIL_PAIR || frame->state == MS_COUNCIL_SOLO) &&
        frame->promised < council->record.voter.promised &&
        ms_council_is_due(council, now, council->stale_at)) {
        council->stale_at = now + council->times.beat;
        ms_council_send(council, &party, MS_KIND_STALE, MS_E_STALE_EPOCH, NULL);
    }
}

static void beat(struct ms_council *council, ms_time now)
{
    if (ms_council_is_due(council, now, council->beat_at)) {
        council->beat_at = now + council->times.beat;
        council->beats++;
        council->beats_at[council->beats % MS_COUNCIL_BEATS_KEPT] = now;
        ms_council_send_all(council, MS_KIND_PEER_BEAT);
        (void)ms_council_is_due(council, now, council->beat_at);
    }
}

static void open_mail(struct ms_council *council)
{
    while (council->mails > 0 && council->write == MS_COUNCIL_WRITTEN) {
        const struct ms_council_mail mail = council->inbox[0];

        council->mails--;
        memmove(council->inbox, council->inbox + 1, council->mails * sizeof mail);
        ms_council_handle(council, &mail);
    }
}

void ms_council_evaluate(struct ms_council *council, ms_time now)
{
    bool is_more = true;

    council->now = now;
    council->wake = MS_TIME_NEVER;
    if (council->started_at == MS_TIME_NEVER || council->state == MS_COUNCIL_HALTED) {
        return;
    }
    if (council->write == MS_COUNCIL_WRITTEN) {
        (void)ms_council_renew(council);
    }
    open_mail(council);
    for (int round = 0; is_more && council->write == MS_COUNCIL_WRITTEN; round++) {
        if (round == ROUNDS_MAX) {
            council->wake = now;
            break;
        }
        council->wake = MS_TIME_NEVER;
        is_more = ms_council_keep_start(council) || ms_council_keep_settings(council) ||
                  ms_council_take_hold(council) || ms_council_follow(council) ||
                  step_down(council) || ms_council_settle_doubt(council, now) ||
                  apply_rule(council, now) || ms_council_run_election(council, now);
    }
    if (council->write == MS_COUNCIL_WRITTEN) {
        answer_stale(council, now);
        beat(council, now);
    }
}
