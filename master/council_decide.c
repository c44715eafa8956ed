/* The durable steps: proposing, voting, serving, following. docs/decisions/0010-pair-model.md has the rules, tests/model/pair.pml
 * the same steps under the names put, vote_master, begin and follow. */
#include "core/invariant.h"
#include "master/council_private.h"

struct ms_electorate ms_council_electorate(const struct ms_council *council)
{
    const struct ms_council_record *record = &council->record;

    return (struct ms_electorate){&record->witnesses,
                                  record->is_changing ? &record->witnesses_next : NULL};
}

enum ms_decision_kind ms_council_alone(const struct ms_council *council)
{
    const struct ms_council_record *record = &council->record;
    const bool is_list_empty =
        record->witnesses.count == 0 || (record->is_changing && record->witnesses_next.count == 0);

    return record->lead == record->place && is_list_empty ? MS_DECISION_INCUMBENT
                                                          : MS_DECISION_SOLO;
}

/* --- standing --- */

static ms_epoch highest(const struct ms_council *council)
{
    const ms_epoch promised = council->record.voter.promised;

    return council->seen > promised ? council->seen : promised;
}

/* Without a vote: so far above, and in a span of epochs into which the other one does not leap. It may have heard of ours, and
 * have gone on from there, and we of its own. Where in our half of it is drawn: we may have leapt from here before, and have
 * lost the disk that knew. */
static ms_epoch leap(struct ms_council *council, ms_epoch step)
{
    return ms_epoch_leap(highest(council) + step, council->record.place,
                         ms_rng_below(&council->rng, MS_EPOCH_SPAN / 4));
}

/* An incumbent asks nobody. So a higher epoch than it has promised was forced by the other one, which goes on from there. */
static ms_epoch next_epoch(struct ms_council *council, enum ms_decision_kind kind)
{
    const bool is_forced = council->seen > council->record.voter.promised;
    const ms_epoch above = highest(council), other = council->peer.frame.promised;

    if (kind == MS_DECISION_CONSENT && other > above && other < MS_EPOCH_MAX) {
        return other + 1; /* however far that is: nobody else votes */
    }
    return kind == MS_DECISION_INCUMBENT && is_forced ? leap(council, 0) : above + 1;
}

/* Whoever was asked for the first epoch before is asked for the same again. */
static ms_epoch first_epoch(const struct ms_council *council)
{
    const struct ms_decision *asked = &council->record.voter.accepted;

    if (asked->kind == MS_DECISION_BOOTSTRAP) {
        return asked->epoch;
    }
    return council->config.epoch_first > 0 ? council->config.epoch_first : 1;
}

void ms_council_stand(struct ms_council *council, ms_time now, enum ms_decision_kind kind)
{
    const struct ms_council_record *record = &council->record;
    const uint8_t other = ms_council_other(council);
    struct ms_decision decision = {
        .epoch = kind == MS_DECISION_BOOTSTRAP ? first_epoch(council) : next_epoch(council, kind),
        .kind = kind,
        .proposer = record->place,
        .active = kind == MS_DECISION_HANDOVER ? other : record->place,
        .served = kind == MS_DECISION_CONSENT ? record->served : 0,
    };

    ms_assert(council->election.phase == MS_ELECTION_NONE);
    decision.set[record->place] = record->incarnation;
    if (kind == MS_DECISION_JOIN || kind == MS_DECISION_ADMIT || kind == MS_DECISION_HANDOVER) {
        decision.set[other] = council->peer.id;
    }
    ms_election_begin(&council->election, MS_ELECTION_PREVOTE, &decision,
                      ms_council_electorate(council));
    council->election.until = now + council->times.vote;
}

/* Proposing ends the tenure, and is the proposer's own vote. */
static void propose(struct ms_council *council)
{
    struct ms_council_record *record = &council->record;
    struct ms_decision decision = council->election.decision;

    if (decision.kind == MS_DECISION_BOOTSTRAP) {
        /* It promises nothing yet; but it answers nobody else any more. */
        record->voter.cluster = ms_uuid_is_zero(&record->voter.cluster)
                                    ? council->config.cluster_new
                                    : record->voter.cluster;
    } else {
        decision.epoch =
            next_epoch(council, decision.kind); /* those asked may have shown a higher one */
        record->voter.promised = decision.epoch;
    }
    /* A CONSENT is no right to stand again: only its decision puts us in S. */
    if (decision.kind != MS_DECISION_CONSENT) {
        record->voter.accepted = decision;
    }
    if (decision.kind == MS_DECISION_HANDOVER) {
        record->lead = decision.active;
    }
    ms_election_begin(&council->election, MS_ELECTION_VOTE, &decision,
                      ms_council_electorate(council));
    const enum ms_council_event event =
        ms_council_sheds(council) ? MS_COUNCIL_SHED : MS_COUNCIL_STAND;

    ms_council_pause(council);
    ms_council_change(council, event);
    ms_council_write(council);
}

/* --- serving --- */

/* Whoever leaps, or goes on from where another has leapt, does not know what was served meanwhile: tokens of that may be
 * above those of our reign, and their holders would take ours for old ones. */
static bool is_unbroken(const struct ms_council *council, const struct ms_decision *decision)
{
    return decision->epoch / MS_EPOCH_SPAN == council->tenure.epoch / MS_EPOCH_SPAN;
}

void ms_council_serve(struct ms_council *council, const struct ms_decision *decision)
{
    struct ms_council_record *record = &council->record;
    const bool is_pair = ms_decision_is_pair(decision);

    ms_assert(decision->active == record->place);
    ms_assert(decision->epoch > record->served);
    ms_assert(decision->epoch >= record->voter.promised);
    record->voter.promised = decision->epoch;
    record->voter.accepted = *decision;
    record->served = decision->epoch;
    record->unmerged = decision->epoch;
    record->is_unmergeable = council->is_unmergeable = false;
    record->is_forced = !is_pair && (record->is_forced || decision->kind == MS_DECISION_FORCED);
    record->lead = record->place;
    if (decision->kind == MS_DECISION_BOOTSTRAP) {
        record->is_fresh = false;
        record->is_complete = true;
    }
    ms_election_end(&council->election);
    ms_council_write(council);
    if (!is_unbroken(council, decision)) {
        ms_council_stop(council);
    }
    council->tenure = *decision;
    council->expelled = 0;
    council->doubt.epoch = 0;
    council->promote_until = INT64_MIN;
    council->is_drained = false;
    council->is_mirrored = false; /* what the peer has said, it has said in another epoch */
    council->reign = MS_COUNCIL_REIGNS;
    ms_council_change(council, is_pair ? MS_COUNCIL_WIN_PAIR : MS_COUNCIL_WIN_SOLO);
    ms_council_emit(council, &(struct ms_council_act){.type = MS_COUNCIL_SERVE,
                                                      .state = council->state,
                                                      .decision = *decision});
    ms_council_send_all(council, MS_KIND_DECIDED);
}

/* So far above that nobody's proposal meets it. Who was forced before, and has not heard of the other since, needs no second
 * jump so far, nor who has heard that the other was: together they would be refused as an error. */
static ms_epoch forced_epoch(struct ms_council *council)
{
    const struct ms_council_record *record = &council->record;
    const bool is_alone = record->lead == record->place && ms_council_is_eligible(council) &&
                          !ms_decision_is_pair(&record->voter.accepted);
    /* What a peer may have heard of last: a proposal of ours that came to nothing it may have missed. */
    const ms_epoch told = record->lead == record->place ? record->served : record->voter.promised;
    const bool is_there = (is_alone && record->served > MS_EPOCH_FORCED_STEP) ||
                          highest(council) > told + MS_EPOCH_FORCED_STEP;
    /* If both are forced, apart from each other, their epochs stay apart, and so do those that follow. */
    const ms_epoch jump =
        ms_epoch_forced_step(record->place, ms_rng_below(&council->rng, MS_EPOCH_FORCED_STEP / 4));

    return leap(council, is_there ? 0 : jump);
}

void ms_council_force(struct ms_council *council, ms_time now)
{
    const struct ms_council_record *record = &council->record;
    struct ms_decision decision = {
        .epoch = forced_epoch(council),
        .kind = MS_DECISION_FORCED,
        .proposer = record->place,
        .active = record->place,
    };

    ms_assert(!record->is_fresh && record->is_complete);
    decision.set[record->place] = record->incarnation;
    council->took_over_at = now;
    ms_council_pause(council);
    ms_council_serve(council, &decision);
}

/* The peer has taken over by our own proposal; that it serves is known from its vote. */
static void hand_over(struct ms_council *council)
{
    struct ms_pair_frame *frame = &council->peer.frame;

    frame->state = MS_COUNCIL_PAIR;
    frame->decision = council->election.decision;
    frame->promised = frame->served = frame->decision.epoch;
    council->record.unmerged = 0; /* it has everything */
    ms_election_end(&council->election);
    ms_council_stop(council);
    ms_council_change(council, MS_COUNCIL_DEPOSE);
}

/* --- the election under way --- */

static void ask(struct ms_council *council, enum ms_ballot *ballot,
                const struct ms_council_party *party, bool is_again)
{
    const struct ms_election *election = &council->election;

    if (*ballot == MS_BALLOT_ABSENT || (*ballot == MS_BALLOT_ASKED && is_again)) {
        *ballot = MS_BALLOT_ASKED;
        ms_council_send(council, party,
                        election->phase == MS_ELECTION_PREVOTE ? MS_KIND_PREVOTE : MS_KIND_PROPOSE,
                        MS_E_OK, &election->decision);
    }
}

static void ask_voters(struct ms_council *council, ms_time now)
{
    struct ms_election *election = &council->election;
    const struct ms_council_party peer = {.is_witness = false};
    const bool is_again = ms_council_is_due(council, now, election->ask_at);

    if (is_again) {
        election->ask_at = now + council->times.vote / 3;
    }
    /* A slow disk may vote too late, and with a proposal our tenure is over: who stands because of it relies on others. */
    if (council->peer.link == MS_COUNCIL_MET &&
        !(election->phase == MS_ELECTION_PREVOTE && ms_council_sheds(council))) {
        ask(council, &election->peer, &peer, is_again);
    }
    for (uint32_t i = 0; i < election->witnesses_count; i++) {
        const struct ms_council_party party = {.is_witness = true, .id = election->witnesses[i]};

        if (ms_council_witness(council, &party.id) != NULL) {
            ask(council, &election->ballots[i], &party, is_again);
        }
    }
}

static void fail(struct ms_council *council, ms_time now)
{
    const enum ms_election_phase phase = council->election.phase;
    const bool was_active = council->reign != MS_COUNCIL_NO_REIGN;

    council->is_refused = ms_election_is_refused(&council->election);
    ms_election_end(&council->election);
    council->failed_at = now;
    council->retry_at =
        now + ms_rng_between(&council->rng, MS_VOTE_BACKOFF_MIN, MS_VOTE_BACKOFF_MAX);
    if (phase == MS_ELECTION_VOTE) {
        ms_council_change(council, was_active ? MS_COUNCIL_FAIL_ON : MS_COUNCIL_FAIL);
    } else {
        ms_council_alarm(council, "not enough voters agree");
    }
}

/* Two of them that follow each other soon tell of a bad network. A start and the death of the peer do not. */
static bool is_takeover_by_silence(const struct ms_council *council,
                                   const struct ms_decision *decision)
{
    return council->reign == MS_COUNCIL_NO_REIGN && decision->kind == MS_DECISION_SOLO &&
           council->peer.link != MS_COUNCIL_DEAD;
}

bool ms_council_run_election(struct ms_council *council, ms_time now)
{
    struct ms_election *election = &council->election;

    if (election->phase == MS_ELECTION_NONE) {
        return false;
    }
    if (election->until == MS_TIME_NEVER) {
        /* From when its own vote was durable. */
        election->until = now + MS_VOTE_PATIENCE * council->times.vote;
    }
    ask_voters(council, now);
    switch (ms_election_verdict(election, ms_council_electorate(council))) {
    case MS_VERDICT_WON:
        if (election->phase == MS_ELECTION_PREVOTE) {
            propose(council);
        } else if (election->decision.kind == MS_DECISION_HANDOVER) {
            hand_over(council);
        } else {
            const struct ms_decision decision = election->decision;

            if (is_takeover_by_silence(council, &decision)) {
                council->took_over_at = now;
            }
            ms_council_serve(council, &decision);
        }
        return true;
    case MS_VERDICT_LOST:
        fail(council, now);
        return true;
    case MS_VERDICT_OPEN:
        break;
    }
    if (ms_council_is_due(council, now, election->until)) {
        fail(council, now);
        return true;
    }
    return false;
}

/* --- voting --- */

void ms_council_vote(struct ms_council *council, const struct ms_decision *decision)
{
    struct ms_council_record *record = &council->record;
    const struct ms_council_party peer = {.is_witness = false};
    const bool was_active = council->reign != MS_COUNCIL_NO_REIGN;

    ms_assert(decision->epoch > record->voter.promised);
    ms_assert(!record->is_fresh);
    ms_council_pause(council);
    ms_election_end(&council->election);
    if (decision->kind == MS_DECISION_HANDOVER) {
        /* With this vote both masters have accepted it, so it is decided, and its active are we. */
        ms_council_serve(council, decision);
        council->peer.frame.state = MS_COUNCIL_SYNC; /* until it says otherwise */
        ms_council_send(council, &peer, MS_KIND_VOTE, MS_E_OK, decision);
        return;
    }
    record->voter.promised = decision->epoch;
    record->voter.accepted = *decision;
    record->lead = decision->proposer;
    ms_council_write(council);
    ms_council_stop(council);
    if (was_active || council->state == MS_COUNCIL_CANDIDATE) {
        ms_council_change(council, MS_COUNCIL_DEPOSE);
    } else if (council->state == MS_COUNCIL_SYNC && !ms_council_is_eligible(council)) {
        ms_council_change(council, MS_COUNCIL_BEHIND);
    }
    ms_council_send(council, &peer, MS_KIND_VOTE, MS_E_OK, decision);
}

/* --- following --- */

/* What the peer serves by, as far as its last frames say so; NULL when it does not. */
static const struct ms_decision *led_by(const struct ms_council *council)
{
    const struct ms_pair_frame *frame = &council->peer.frame;
    const struct ms_decision *decision = &frame->decision;
    const uint8_t other = ms_council_other(council);
    const bool is_active = frame->state == MS_COUNCIL_PAIR || frame->state == MS_COUNCIL_SOLO ||
                           frame->state == MS_COUNCIL_HOLD || frame->state == MS_COUNCIL_DRAIN;

    if (council->peer.link != MS_COUNCIL_MET || !is_active ||
        council->now - council->peer.heard_at >= council->times.silent ||
        !ms_decision_is_sound(decision) || decision->active != other ||
        !ms_decision_has(decision, other, &council->peer.id) ||
        frame->promised != decision->epoch || frame->served != decision->epoch) {
        return NULL;
    }
    return decision;
}

static bool may_follow(const struct ms_council *council, const struct ms_decision *decision)
{
    const struct ms_council_record *record = &council->record;

    return decision->epoch >= record->voter.promised && decision->epoch > record->served &&
           ms_epoch_is_near(decision->epoch, record->voter.promised);
}

/* The lists are those of the active: what it does not know was confirmed by nobody. */
static bool take_lists(struct ms_council *council)
{
    struct ms_council_record *record = &council->record;
    const struct ms_pair_frame *frame = &council->peer.frame;

    if (frame->witness_version == record->witness_version &&
        ms_witnesses_equal(&frame->witnesses, &record->witnesses) &&
        ms_witnesses_equal(&frame->witnesses_next, &record->witnesses_next)) {
        return false;
    }
    record->witness_version = frame->witness_version;
    record->witnesses = frame->witnesses;
    record->witnesses_next = frame->witnesses_next;
    record->is_changing = ms_witnesses_are_changing(frame->witness_version);
    return true;
}

/* Fresh until it is complete in an epoch whose S names it: that was decided without its vote. */
static bool become_member(struct ms_council *council)
{
    struct ms_council_record *record = &council->record;

    if (record->is_fresh && record->is_complete &&
        ms_decision_has(&record->voter.accepted, record->place, &record->incarnation)) {
        record->is_fresh = false;
        return true;
    }
    return false;
}

/* Takes the configuration of the active: the first record of its epoch. True when the record has changed. */
static bool take_configuration(struct ms_council *council, const struct ms_decision *decision)
{
    struct ms_council_record *record = &council->record;
    /* Decided by our own proposal, which was made when the peer had everything; not by that of whoever had our place before. */
    const bool has_handed = decision->kind == MS_DECISION_HANDOVER &&
                            decision->proposer == record->place && !record->is_fresh &&
                            ms_decision_has(decision, record->place, &record->incarnation);
    bool is_changed = record->voter.promised != decision->epoch ||
                      record->lead != decision->active || record->is_forced ||
                      !ms_decision_equal(&record->voter.accepted, decision);

    if (has_handed) {
        is_changed |= record->unmerged > 0;
        record->unmerged = 0;
    }
    record->voter.promised = decision->epoch;
    record->voter.accepted = *decision;
    record->lead = decision->active;
    record->is_forced = false; /* that is over */
    if (ms_uuid_is_zero(&record->voter.cluster)) {
        record->voter.cluster = council->peer.frame.cluster;
        is_changed = true;
    }
    is_changed |= become_member(council);
    is_changed |= take_lists(council);
    return is_changed;
}

static void place(struct ms_council *council)
{
    const enum ms_council_event event =
        ms_council_is_eligible(council) ? MS_COUNCIL_IN_SYNC : MS_COUNCIL_BEHIND;
    const enum ms_council_state state =
        event == MS_COUNCIL_IN_SYNC ? MS_COUNCIL_SYNC : MS_COUNCIL_CATCHUP;

    if (council->state != state || council->following == 0) {
        ms_council_change(council, event);
    }
    council->beat_at = INT64_MIN;
}

bool ms_council_follow(struct ms_council *council)
{
    const struct ms_decision *decision = led_by(council);

    if (decision == NULL || !may_follow(council, decision)) {
        return false;
    }
    if (council->following == decision->epoch) {
        if (take_lists(council)) {
            ms_council_write(council);
            return true;
        }
        return false;
    }
    ms_council_pause(council);
    /* Whoever takes anything of an epoch is no candidate for it any more. */
    ms_election_end(&council->election);
    if (take_configuration(council, decision)) {
        ms_council_write(council);
    }
    if (council->reign != MS_COUNCIL_NO_REIGN) {
        ms_council_stop(council);
        ms_council_change(council, MS_COUNCIL_DEPOSE);
    }
    place(council);
    council->following = decision->epoch;
    ms_council_emit(council, &(struct ms_council_act){.type = MS_COUNCIL_FOLLOW,
                                                      .state = council->state,
                                                      .decision = *decision});
    return true;
}

bool ms_council_take_followed(struct ms_council *council)
{
    struct ms_council_record *record = &council->record;
    bool is_changed = false;

    if (council->is_kept && record->is_unmergeable) {
        record->unmerged = 0;
        record->is_unmergeable = council->is_kept = council->is_unmergeable = false;
        ms_council_write(council);
        return true;
    }
    if (council->followed == 0 || council->followed != council->following) {
        council->followed = 0;
        return false;
    }
    council->followed = 0;
    is_changed = record->is_complete != council->is_followed_complete ||
                 (council->is_followed_complete && record->unmerged > 0);
    record->is_complete = council->is_followed_complete;
    record->is_unmergeable |= !record->is_complete && council->is_unmergeable;
    if (record->is_complete) {
        record->unmerged = 0;
        record->is_unmergeable = false;
    }
    is_changed |= become_member(council);
    if (is_changed) {
        ms_council_write(council);
        place(council);
    }
    return is_changed;
}
