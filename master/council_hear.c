/* What others say: who is there, what they have promised, whether we vote for it, how they voted. */
#include "core/invariant.h"
#include "master/council_private.h"

/* Lists of a length that cannot be are no frame. */
static bool is_sane(const struct ms_pair_frame *frame)
{
    return frame != NULL && frame->witnesses.count <= MS_WITNESSES_MAX &&
           frame->witnesses_next.count <= MS_WITNESSES_MAX && frame->state < MS_COUNCIL_STATES;
}

/* --- votes that are wanted from us --- */

/* A node that knows no cluster may be bound to that of the peer; if both ask, the primary shall have it. */
static bool may_bind(const struct ms_council *council, const struct ms_uuid *cluster)
{
    const struct ms_council_record *record = &council->record;

    if (!record->is_fresh || ms_uuid_is_zero(cluster)) {
        return false;
    }
    return ms_uuid_is_zero(&record->voter.cluster)
               ? !council->config.is_bootstrap || record->place > 0
               : ms_uuid_equal(&record->voter.cluster, cluster);
}

static bool is_from_peer(const struct ms_council *council, const struct ms_decision *decision)
{
    const uint8_t other = ms_council_other(council);

    return council->peer.link == MS_COUNCIL_MET && ms_decision_is_sound(decision) &&
           decision->proposer == other && ms_decision_has(decision, other, &council->peer.id);
}

static bool may_vote(const struct ms_council *council, const struct ms_decision *decision)
{
    const struct ms_council_record *record = &council->record;

    if (record->is_fresh || council->state == MS_COUNCIL_HALTED ||
        decision->kind == MS_DECISION_BOOTSTRAP ||
        !ms_decision_is_acceptable(decision, &record->voter, true, record->served)) {
        return false;
    }
    /* With the vote for a HANDOVER we are active at once, so all must be here. */
    return decision->kind != MS_DECISION_HANDOVER ||
           (council->state == MS_COUNCIL_SYNC && decision->active == record->place &&
            ms_decision_has(decision, record->place, &record->incarnation));
}

static enum ms_error refusal(const struct ms_council *council, const struct ms_decision *decision)
{
    return decision->epoch <= council->record.voter.promised ? MS_E_STALE_EPOCH : MS_E_PERMISSION;
}

static void answer_prevote(struct ms_council *council, const struct ms_council_mail *mail)
{
    const struct ms_decision *decision = &mail->frame.decision;
    bool is_agreed = false;

    if (!is_from_peer(council, decision)) {
        return;
    }
    if (decision->kind == MS_DECISION_BOOTSTRAP) {
        is_agreed = may_bind(council, &mail->frame.cluster);
    } else {
        /* Who is active, be it paused, decides himself how to go on. */
        is_agreed = council->reign == MS_COUNCIL_NO_REIGN && may_vote(council, decision);
    }
    ms_council_send(council, &mail->from, MS_KIND_PREVOTE_ACK,
                    is_agreed ? MS_E_OK : refusal(council, decision), decision);
}

static void answer_bootstrap(struct ms_council *council, const struct ms_council_mail *mail)
{
    struct ms_voter *voter = &council->record.voter;
    const bool is_agreed = may_bind(council, &mail->frame.cluster);

    if (is_agreed && ms_uuid_is_zero(&voter->cluster)) {
        voter->cluster = mail->frame.cluster;
        ms_election_end(&council->election);
        ms_council_write(council);
    }
    ms_council_send(council, &mail->from, MS_KIND_VOTE, is_agreed ? MS_E_OK : MS_E_PERMISSION,
                    &mail->frame.decision);
}

static void answer_proposal(struct ms_council *council, const struct ms_council_mail *mail)
{
    const struct ms_decision *decision = &mail->frame.decision;
    const struct ms_voter *voter = &council->record.voter;

    if (!is_from_peer(council, decision)) {
        return;
    }
    if (decision->kind == MS_DECISION_BOOTSTRAP) {
        answer_bootstrap(council, mail);
    } else if (may_vote(council, decision)) {
        ms_council_vote(council, decision);
    } else {
        /* Asked once more, it says once more what it has said. */
        const bool is_voted = !council->record.is_fresh && voter->promised == decision->epoch &&
                              ms_decision_equal(&voter->accepted, decision);

        ms_council_send(council, &mail->from, MS_KIND_VOTE,
                        is_voted ? MS_E_OK : refusal(council, decision), decision);
    }
}

/* --- votes that we want --- */

static void count(struct ms_council *council, const struct ms_council_mail *mail,
                  enum ms_election_phase phase)
{
    struct ms_election *election = &council->election;
    enum ms_ballot *ballot = &election->peer;

    if (election->phase != phase) {
        return;
    }
    /* A vote is for one proposal, of one incarnation. */
    if (phase == MS_ELECTION_VOTE && mail->error == MS_E_OK &&
        !ms_decision_equal(&mail->frame.decision, &election->decision)) {
        return;
    }
    if (mail->from.is_witness) {
        ballot = ms_election_ballot(election, &mail->from.id);
    }
    if (ballot != NULL && *ballot == MS_BALLOT_ASKED) {
        *ballot = mail->error == MS_E_OK ? MS_BALLOT_YES : MS_BALLOT_NO;
    }
}

void ms_council_handle(struct ms_council *council, const struct ms_council_mail *mail)
{
    switch (mail->kind) {
    case MS_KIND_PREVOTE:
        if (!mail->from.is_witness) {
            answer_prevote(council, mail);
        }
        break;
    case MS_KIND_PROPOSE:
        if (!mail->from.is_witness) {
            answer_proposal(council, mail);
        }
        break;
    case MS_KIND_PREVOTE_ACK:
        count(council, mail, MS_ELECTION_PREVOTE);
        break;
    case MS_KIND_VOTE:
        count(council, mail, MS_ELECTION_VOTE);
        break;
    default:
        break; /* what it says of itself was noted */
    }
}

/* --- who is there --- */

static void note_peer(struct ms_council *council, uint8_t kind, const struct ms_pair_frame *frame)
{
    struct ms_pair_frame *view = &council->peer.frame;

    switch (kind) {
    case MS_KIND_PEER_BEAT:
        view->state = frame->state;
        view->is_fresh = frame->is_fresh;
        view->is_complete = frame->is_complete;
        view->decision = frame->decision;
        view->witness_version = frame->witness_version;
        view->witnesses = frame->witnesses;
        view->witnesses_next = frame->witnesses_next;
        view->hold = frame->hold;
        view->routes = frame->routes;
        break;
    case MS_KIND_DECIDED:
        view->state = ms_decision_is_pair(&frame->decision) ? MS_COUNCIL_PAIR : MS_COUNCIL_SOLO;
        view->decision = frame->decision;
        view->witness_version = frame->witness_version;
        view->witnesses = frame->witnesses;
        view->witnesses_next = frame->witnesses_next;
        view->hold = frame->hold;
        break;
    case MS_KIND_FAILED:
        view->state = MS_COUNCIL_HALTED;
        break;
    default:
        break;
    }
    view->promised = frame->promised;
    view->served = frame->served;
}

/* An answer shows that what it says is younger than the question. */
static void note_beat(struct ms_council *council, const struct ms_council_party *party,
                      const struct ms_command *command)
{
    if (command->kind != MS_KIND_PEER_BEAT) {
        return;
    }
    if (!party->is_witness) {
        council->peer.room = (command->flags & MS_FLAG_FULL) != 0    ? MS_ROOM_NONE
                             : (command->flags & MS_FLAG_SHORT) != 0 ? MS_ROOM_SHORT
                                                                     : MS_ROOM_ENOUGH;
    }
    if ((command->flags & MS_FLAG_PAIR) == 0) {
        ms_council_answer(council, party, command->count);
    } else if (command->count <= council->beats && command->count >= council->peer.answered) {
        council->peer.answered = command->count;
        if (council->beats - command->count < MS_COUNCIL_BEATS_KEPT) {
            council->peer.answered_at = council->beats_at[command->count % MS_COUNCIL_BEATS_KEPT];
        }
    }
}

static bool is_known(struct ms_council *council, const struct ms_council_party *party)
{
    return party->is_witness ? ms_council_witness(council, &party->id) != NULL
                             : council->peer.link == MS_COUNCIL_MET;
}

static void note_heard(struct ms_council *council, ms_time now,
                       const struct ms_council_party *party)
{
    if (party->is_witness) {
        struct ms_council_witness *witness = ms_council_witness(council, &party->id);

        if (witness != NULL) {
            witness->heard_at = now;
        }
    } else if (council->peer.link == MS_COUNCIL_MET) {
        council->peer.heard_at = now;
    }
}

static void note_witness(struct ms_council *council, const struct ms_council_party *party,
                         const struct ms_command *command)
{
    struct ms_council_witness *witness = ms_council_witness(council, &party->id);

    witness->promised = command->body.pair->promised;
    if (command->kind == MS_KIND_PEER_BEAT && (command->flags & MS_FLAG_PAIR) != 0) {
        ms_council_note_answer(council, witness, command->count);
    }
}

/* A witness has heard the other one serve a higher epoch than ours. What it has only voted for may never be decided. */
static void heed_witness(struct ms_council *council, const struct ms_council_party *party,
                         const struct ms_pair_frame *frame)
{
    const struct ms_decision *decision = &frame->decision;
    const bool is_active =
        council->reign != MS_COUNCIL_NO_REIGN && council->state != MS_COUNCIL_CANDIDATE;

    if (is_active && ms_council_is_enrolled(council, &party->id) &&
        ms_decision_is_sound(decision) && decision->epoch == frame->served &&
        decision->active != council->record.place && decision->epoch > council->tenure.epoch &&
        ms_epoch_is_near(decision->epoch, council->record.voter.promised)) {
        ms_council_depose(council);
    }
}

void ms_council_hear(struct ms_council *council, ms_time now, const struct ms_council_party *party,
                     ms_epoch epoch, const struct ms_command *command)
{
    const struct ms_pair_frame *frame = command->body.pair;
    struct ms_council_mail mail;

    ms_council_evaluate(council, now); /* what is overdue comes first */
    if (!is_sane(frame) || !is_known(council, party) || council->state == MS_COUNCIL_HALTED) {
        return;
    }
    if (!ms_council_heed_start(council, frame)) {
        ms_council_evaluate(council, now);
        return;
    }
    if (!party->is_witness && !ms_council_note_start(council, frame)) {
        return;
    }
    note_heard(council, now, party);
    ms_council_see(council, party, frame->promised);
    ms_council_see(council, party, epoch);
    if (party->is_witness) {
        note_witness(council, party, command);
        heed_witness(council, party, frame);
    } else {
        note_peer(council, command->kind, frame);
        note_beat(council, party, command);
    }
    mail = (struct ms_council_mail){*party, command->kind, command->error, *frame};
    if (council->write == MS_COUNCIL_WRITTEN) {
        ms_council_handle(council, &mail);
    } else if (council->mails < MS_COUNCIL_INBOX_MAX && command->kind != MS_KIND_PEER_BEAT) {
        council->inbox[council->mails++] = mail;
    }
    ms_council_evaluate(council, now);
}

void ms_council_heard(struct ms_council *council, ms_time now, const struct ms_council_party *party)
{
    ms_council_evaluate(council, now);
    note_heard(council, now, party);
    ms_council_evaluate(council, now);
}

static void greet(struct ms_council *council, const struct ms_council_party *party)
{
    ms_council_send(council, party, MS_KIND_PEER_HELLO, MS_E_OK, NULL);
}

static bool is_ours(const struct ms_council *council, const struct ms_pair_frame *hello)
{
    const struct ms_uuid *cluster = &council->record.voter.cluster;

    return ms_uuid_is_zero(cluster) || ms_uuid_is_zero(&hello->cluster) ||
           ms_uuid_equal(cluster, &hello->cluster);
}

bool ms_council_refuses(struct ms_council *council, ms_time now, const struct ms_pair_frame *hello)
{
    if (council->state == MS_COUNCIL_HALTED || !is_sane(hello)) {
        return false; /* and is not met either */
    }
    if (!is_ours(council, hello)) {
        ms_council_note(council, now, MS_NOTICE_PEER_CLUSTER);
        ms_council_alarm(council, "the peer belongs to another cluster");
        return true;
    }
    if (hello->node != ms_council_other(council) || ms_uuid_is_zero(&hello->id)) {
        ms_council_note(council, now, MS_NOTICE_PEER_PLACE);
        ms_council_alarm(council, "the peer is configured for our own place");
        return true;
    }
    return false;
}

/* The same start of the program on the same directory. Older programs do not count starts. */
static bool is_same_run(const struct ms_pair_frame *a, const struct ms_pair_frame *b)
{
    const bool is_counted = a->start.number > 0 && b->start.number > 0;

    return ms_uuid_equal(&a->id, &b->id) &&
           (!is_counted ||
            (a->start.number == b->start.number && a->start.lives[0] == b->start.lives[0]));
}

bool ms_council_is_taken(struct ms_council *council, ms_time now, const struct ms_pair_frame *hello)
{
    const struct ms_council_peer *peer = &council->peer;

    if (council->state == MS_COUNCIL_HALTED || peer->link != MS_COUNCIL_MET ||
        ms_council_is_silent(council, now) || is_same_run(&peer->frame, hello)) {
        return false;
    }
    ms_council_note(council, now, MS_NOTICE_PEER_TWICE);
    ms_council_alarm(council, "another one comes in the place of the peer, which is here");
    return true;
}

/* False: it is not as it was last. */
static bool meet_peer(struct ms_council *council, ms_time now, const struct ms_pair_frame *hello)
{
    struct ms_council_peer *peer = &council->peer;

    if (!ms_council_note_start(council, hello)) {
        ms_council_alarm(council, "the peer came with an old copy of its directory");
        return false;
    }
    *peer = (struct ms_council_peer){.link = MS_COUNCIL_MET,
                                     .met_at = now,
                                     .heard_at = now,
                                     .id = hello->id,
                                     .answered_at = now,
                                     .frame = *hello};
    council->following = 0;
    council->is_mirrored = false;
    council->is_drained = false;
    council->expelled = 0;
    for (enum ms_council_notice i = MS_NOTICE_PEER_PLACE; i <= MS_NOTICE_PEER_VERSION; i++) {
        council->noticed_at[i] = INT64_MIN;
    }
    if (council->election.phase != MS_ELECTION_NONE && council->election.peer != MS_BALLOT_YES) {
        council->election.peer = MS_BALLOT_ABSENT; /* and is asked on this connection */
    }
    return true;
}

static void meet_witness(struct ms_council *council, ms_time now,
                         const struct ms_council_party *party, const struct ms_uuid *cluster)
{
    static const struct ms_uuid none;
    struct ms_council_witness *witness = ms_council_witness(council, &party->id);
    enum ms_ballot *ballot = ms_election_ballot(&council->election, &party->id);

    if (witness == NULL) {
        witness = ms_council_witness(council, &none);
    }
    if (witness == NULL || ms_uuid_is_zero(&party->id)) {
        return; /* more of them than we look at */
    }
    *witness = (struct ms_council_witness){.id = party->id,
                                           .cluster = *cluster,
                                           .met_at = now,
                                           .heard_at = now,
                                           .answered_at = INT64_MIN};
    if (ballot != NULL && *ballot != MS_BALLOT_YES) {
        *ballot = MS_BALLOT_ABSENT;
    }
}

void ms_council_met(struct ms_council *council, ms_time now, const struct ms_council_party *party,
                    const struct ms_pair_frame *hello)
{
    ms_council_evaluate(council, now);
    if (council->state == MS_COUNCIL_HALTED || !is_sane(hello)) {
        return;
    }
    greet(council, party);
    if (party->is_witness && !is_ours(council, hello)) {
        ms_council_note(council, now, MS_NOTICE_WITNESS_CLUSTER);
        ms_council_alarm(council, "a witness of another cluster");
        return;
    }
    if (!party->is_witness && ms_council_refuses(council, now, hello)) {
        return;
    }
    if (!ms_council_heed_start(council, hello)) {
        ms_council_evaluate(council, now);
        return;
    }
    if (party->is_witness) {
        meet_witness(council, now, party, &hello->cluster);
    } else if (!meet_peer(council, now, hello)) {
        return;
    }
    ms_council_see(council, party, hello->promised);
    council->beat_at = INT64_MIN;
    ms_council_evaluate(council, now);
}

static void lose_peer(struct ms_council *council, ms_time now, bool is_dead)
{
    struct ms_council_peer *peer = &council->peer;

    if (peer->link == MS_COUNCIL_UNMET) {
        return; /* it may be starting as we are */
    }
    if (peer->link == MS_COUNCIL_MET) {
        peer->lost_at = now;
        if (council->election.peer == MS_BALLOT_ASKED) {
            council->election.peer = MS_BALLOT_ABSENT;
        }
    }
    peer->link = is_dead ? MS_COUNCIL_DEAD : MS_COUNCIL_LOST;
    council->following = 0;
    council->is_mirrored = false;
    council->is_drained = false;
}

void ms_council_lost(struct ms_council *council, ms_time now, const struct ms_council_party *party,
                     bool is_dead)
{
    ms_council_evaluate(council, now);
    if (party->is_witness) {
        struct ms_council_witness *witness = ms_council_witness(council, &party->id);
        enum ms_ballot *ballot = ms_election_ballot(&council->election, &party->id);

        if (witness != NULL) {
            *witness = (struct ms_council_witness){.met_at = 0};
        }
        if (ballot != NULL && *ballot == MS_BALLOT_ASKED) {
            *ballot = MS_BALLOT_ABSENT;
        }
    } else {
        lose_peer(council, now, is_dead);
    }
    ms_council_evaluate(council, now);
}
