/* Whom a witness votes for, and when it says so. */
#include "core/invariant.h"
#include "slave/witness_private.h"

/* Nothing that depends on it leaves before STORED. */
static void store(struct ms_witness *witness, const struct ms_voter *voter)
{
    const struct ms_council_record record = {.voter = *voter,
                                             .incarnation = witness->id,
                                             .lead = MS_MASTERS,
                                             .known = {witness->known[0], witness->known[1]}};
    size_t size;

    ms_assert(!witness->is_storing && voter->promised >= witness->voter.promised);
    witness->storing = *voter;
    witness->is_known_new = false;
    witness->is_storing = true;
    size = ms_pair_record_write(witness->record, &record);
    ms_engine_emit(&witness->engine,
                   &(struct ms_effect){.type = MS_EFFECT_STORE,
                                       .command = {.payload = {witness->record, size}}});
}

/* In a write of its own; whatever is written meanwhile has it, too. */
static void keep_known(struct ms_witness *witness)
{
    if (witness->is_known_new && !witness->is_storing && witness->life != MS_WITNESS_OVER) {
        store(witness, &witness->voter);
    }
}

static struct ms_witness_link *link_of(struct ms_witness *witness, ms_peer peer)
{
    for (uint32_t i = 0; i < witness->links_count; i++) {
        if (witness->links[i].peer == peer && witness->links[i].state == MS_WITNESS_UP) {
            return &witness->links[i];
        }
    }
    return NULL;
}

static void vote(struct ms_witness *witness, const struct ms_witness_link *link,
                 const struct ms_decision *decision, enum ms_error error)
{
    if (error == MS_E_OK) {
        witness->votes_total++;
    } else {
        witness->refusals_total++;
    }
    ms_witness_say(witness, link,
                   &(struct ms_command){.kind = MS_KIND_VOTE, .error = (uint16_t)error}, decision);
}

void ms_witness_stored(struct ms_witness *witness, const struct ms_event *event)
{
    const struct ms_witness_link *link;

    ms_assert(witness->is_storing);
    witness->is_storing = false;
    if (event->error != MS_E_OK) { /* never again: nobody knows what the disk has */
        ms_witness_end(witness, MS_E_STORE_FAILED);
        return;
    }
    witness->voter = witness->storing;
    link = link_of(witness, witness->answer.peer);
    if (witness->answer.is_waiting && link != NULL) {
        vote(witness, link, &witness->answer.decision, MS_E_OK);
    }
    witness->answer.is_waiting = false;
    keep_known(witness);
}

/* Of a half of another pair nothing is remembered, nor before it is known which pair is ours. */
bool ms_witness_knows(struct ms_witness *witness, const struct ms_pair_frame *frame)
{
    struct ms_known_start *known = &witness->known[frame->node];
    const uint64_t before = known->number;
    bool is_good;

    if (ms_uuid_is_zero(&witness->voter.cluster) ||
        !ms_uuid_equal(&witness->voter.cluster, &frame->cluster)) {
        return true;
    }
    is_good = ms_known_heed(known, &frame->id, &frame->start, frame->is_fresh);
    if (known->number != before) {
        witness->is_known_new = true;
        keep_known(witness);
    }
    return is_good;
}

static bool is_ours(const struct ms_witness *witness, const struct ms_uuid *cluster)
{
    return ms_uuid_is_zero(&witness->voter.cluster) ||
           ms_uuid_equal(&witness->voter.cluster, cluster);
}

/* Of an active that is heard well, nobody takes the place; it may itself ask to go on alone. */
static bool has_lost_active(const struct ms_witness *witness, ms_time now)
{
    const struct ms_witness_master *active = &witness->masters[witness->voter.accepted.active];

    return active->is_dead || active->active_at == INT64_MIN ||
           now - active->active_at >= witness->silent;
}

static bool has_voted(const struct ms_witness *witness, const struct ms_decision *decision)
{
    return witness->voter.promised == decision->epoch &&
           ms_decision_equal(&witness->voter.accepted, decision);
}

/* Whatever the active does: by the promise, and by what the proposal is. */
static bool may_vote(const struct ms_witness *witness, const struct ms_uuid *cluster,
                     const struct ms_decision *decision)
{
    /* A new cluster has one epoch to begin with: whoever was asked for it before is asked for the same again. */
    if (decision->kind == MS_DECISION_BOOTSTRAP && has_voted(witness, decision) &&
        is_ours(witness, cluster)) {
        return true;
    }
    return is_ours(witness, cluster) && ms_decision_is_sound(decision) &&
           ms_decision_is_acceptable(decision, &witness->voter, false, 0);
}

/* Whether it takes nothing away from an active that is there. */
static bool is_free(const struct ms_witness *witness, ms_time now,
                    const struct ms_decision *decision)
{
    return decision->kind == MS_DECISION_BOOTSTRAP ||
           decision->proposer == witness->voter.accepted.active || has_lost_active(witness, now);
}

static enum ms_error refusal(const struct ms_witness *witness, const struct ms_decision *decision)
{
    return decision->epoch <= witness->voter.promised ? MS_E_STALE_EPOCH : MS_E_PERMISSION;
}

static void answer_prevote(struct ms_witness *witness, const struct ms_witness_link *link,
                           const struct ms_decision *decision, bool is_agreed)
{
    const enum ms_error error = is_agreed ? MS_E_OK : refusal(witness, decision);

    ms_witness_say(witness, link,
                   &(struct ms_command){.kind = MS_KIND_PREVOTE_ACK, .error = (uint16_t)error},
                   decision);
}

static void hear_prevote(struct ms_witness *witness, ms_time now, struct ms_witness_link *link,
                         const struct ms_pair_frame *frame)
{
    const struct ms_decision *decision = &frame->decision;
    const bool is_possible = may_vote(witness, &frame->cluster, decision);

    link->question.is_waiting = false; /* each question replaces the one before */
    if (is_possible && !is_free(witness, now, decision)) {
        link->question =
            (struct ms_witness_question){true, now + MS_WITNESS_DOUBT, frame->cluster, *decision};
    } else {
        answer_prevote(witness, link, decision, is_possible);
    }
}

void ms_witness_reconsider(struct ms_witness *witness, ms_time now, struct ms_witness_link *link)
{
    const struct ms_witness_question *question = &link->question;
    bool is_agreed;

    if (!question->is_waiting) {
        return;
    }
    ms_assert(link->state == MS_WITNESS_UP);
    is_agreed = may_vote(witness, &question->cluster, &question->decision) &&
                is_free(witness, now, &question->decision);
    if (is_agreed || now >= question->until) {
        link->question.is_waiting = false;
        answer_prevote(witness, link, &link->question.decision, is_agreed);
    }
}

static void hear_proposal(struct ms_witness *witness, const struct ms_witness_link *link,
                          const struct ms_pair_frame *frame)
{
    const struct ms_decision *decision = &frame->decision;
    const bool is_voted = has_voted(witness, decision);
    struct ms_voter voter = witness->voter;

    if (witness->is_storing) {
        return; /* it is asked again */
    }
    if (is_voted) {
        vote(witness, link, decision, MS_E_OK);
    } else if (!is_ours(witness, &frame->cluster) || !ms_decision_is_sound(decision) ||
               !ms_decision_is_acceptable(decision, &voter, false, 0)) {
        vote(witness, link, decision, refusal(witness, decision));
    } else {
        voter.promised = decision->epoch;
        voter.accepted = *decision;
        voter.cluster = frame->cluster;
        witness->answer = (struct ms_witness_answer){true, link->peer, *decision};
        store(witness, &voter);
    }
}

/* An active tells by what it serves. */
static void hear_active(struct ms_witness *witness, ms_time now, const struct ms_witness_link *link,
                        const struct ms_command *command)
{
    const struct ms_pair_frame *frame = command->body.pair;
    const struct ms_decision *decision = &frame->decision;
    const bool is_active = command->kind == MS_KIND_DECIDED ||
                           (frame->promised == decision->epoch &&
                            frame->served == decision->epoch && decision->active == link->place);
    struct ms_voter voter = witness->voter;

    if (!is_active || decision->kind == MS_DECISION_NONE || !is_ours(witness, &frame->cluster)) {
        return;
    }
    if (decision->epoch < voter.promised) {
        ms_witness_say(witness, link,
                       &(struct ms_command){.kind = MS_KIND_STALE, .error = MS_E_STALE_EPOCH},
                       NULL);
        return;
    }
    if (decision->epoch > witness->decided) {
        witness->decided = decision->epoch;
    }
    if (frame->state != MS_COUNCIL_HOLD) { /* paused, it may be replaced */
        witness->masters[decision->active].active_at = now;
    }
    if (!witness->is_storing && !ms_uuid_is_zero(&frame->cluster) &&
        !ms_decision_equal(&voter.accepted, decision)) {
        voter.promised = decision->epoch;
        voter.accepted = *decision;
        voter.cluster = frame->cluster;
        store(witness, &voter);
    }
}

void ms_witness_hear(struct ms_witness *witness, ms_time now, struct ms_witness_link *link,
                     const struct ms_command *command)
{
    const struct ms_pair_frame *frame = command->body.pair;

    ms_assert(frame != NULL);
    link->heard_at = now;
    witness->masters[link->place].is_dead = false;
    switch (command->kind) {
    case MS_KIND_PREVOTE:
        hear_prevote(witness, now, link, frame);
        break;
    case MS_KIND_PROPOSE:
        hear_proposal(witness, link, frame);
        break;
    case MS_KIND_DECIDED:
        hear_active(witness, now, link, command);
        break;
    case MS_KIND_PEER_BEAT:
        hear_active(witness, now, link, command);
        if ((command->flags & MS_FLAG_PAIR) == 0) {
            ms_witness_say(witness, link,
                           &(struct ms_command){
                               .kind = MS_KIND_PEER_BEAT, .count = command->count, .flags = 1},
                           NULL);
        }
        break;
    default:
        break;
    }
}
