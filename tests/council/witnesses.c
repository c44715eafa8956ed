/* A witness: votes by the rule, durably, and remembers when it last heard an active. */
#include "core/invariant.h"
#include "core/limits.h"
#include "tests/council/parts.h"

static struct hall_witness *self_of(struct hall *hall, uint8_t node)
{
    ms_assert(node >= MS_MASTERS && node < HALL_NODES);
    return &hall->witnesses[node - MS_MASTERS];
}

struct ms_uuid hall_witness_id(uint8_t node)
{
    return (struct ms_uuid){{0xb, node}};
}

static void fill(const struct hall_witness *self, uint8_t node, struct hall_note *note)
{
    note->epoch = self->disk.promised;
    note->frame.role = MS_ROLE_WITNESS;
    note->frame.cluster = self->disk.cluster;
    note->frame.id = hall_witness_id(node);
    note->frame.promised = self->disk.promised;
    note->frame.served = self->decided;
    note->frame.decision = self->disk.accepted;
    note->frame.hears_active = MS_TIME_NEVER;
    memcpy(note->frame.known, self->known, sizeof self->known);
}

void hall_witness_hello(struct hall *hall, uint8_t node, struct hall_note *note)
{
    fill(self_of(hall, node), node, note);
}

void hall_witness_start(struct hall *hall, uint8_t node)
{
    struct hall_witness *self = self_of(hall, node);

    if (self->is_up) {
        return;
    }
    self->is_up = true;
    self->is_writing = false;
    self->decided = 0;
    self->answer.kind = 0;
    memcpy(self->known, self->known_on_disk, sizeof self->known);
    for (uint8_t place = 0; place < MS_MASTERS; place++) {
        self->heard_at[place] = hall->now;
        self->is_dead[place] = false;
        hall_dial(hall, node, place);
    }
}

void hall_witness_crash(struct hall *hall, uint8_t node)
{
    struct hall_witness *self = self_of(hall, node);

    if (!self->is_up) {
        return;
    }
    if (self->is_writing && hall_chance(hall, 2)) {
        self->disk = self->writing;
        memcpy(self->known_on_disk, self->known_writing, sizeof self->known_writing);
    }
    self->is_up = self->is_writing = false;
    self->life++;
    for (uint8_t place = 0; place < MS_MASTERS; place++) {
        hall_break(hall, place, node);
    }
    hall_stats[HALL_STAT_CRASHES]++;
}

static void answer(struct hall *hall, uint8_t node, uint8_t to, struct hall_note *note)
{
    fill(self_of(hall, node), node, note);
    hall_send(hall, node, to, note);
}

/* Makes it durable; what waits for it leaves then. */
static void store(struct hall *hall, uint8_t node, const struct ms_voter *voter)
{
    struct hall_witness *self = self_of(hall, node);

    hall_observe_vote(hall, node, &self->disk, voter);
    self->writing = *voter;
    memcpy(self->known_writing, self->known, sizeof self->known);
    self->is_writing = true;
    hall_push(hall,
              &(struct hall_event){.at = hall->now + hall_between(hall, 20, hall->faults.store_max),
                                   .type = HALL_STORED,
                                   .node = node,
                                   .life = self->life});
}

static void keep_known(struct hall *hall, uint8_t node)
{
    struct hall_witness *self = self_of(hall, node);

    if (!self->is_writing && (self->known[0].number != self->known_on_disk[0].number ||
                              self->known[1].number != self->known_on_disk[1].number)) {
        const struct ms_voter voter = self->disk;

        store(hall, node, &voter);
    }
}

void hall_witness_stored(struct hall *hall, uint8_t node)
{
    struct hall_witness *self = self_of(hall, node);

    self->disk = self->writing;
    memcpy(self->known_on_disk, self->known_writing, sizeof self->known_writing);
    self->is_writing = false;
    if (self->answer.kind != 0) {
        answer(hall, node, self->answer_to, &self->answer);
        self->answer.kind = 0;
    }
    keep_known(hall, node);
}

/* False: it has come with an old copy, and hears of that when it is dialled anew. */
static bool knows(struct hall *hall, uint8_t node, uint8_t other, const struct ms_pair_frame *frame)
{
    struct hall_witness *self = self_of(hall, node);
    struct ms_known_start *known = &self->known[other];
    const uint64_t before = known->number;
    bool is_good;

    if (!ms_uuid_equal(&self->disk.cluster, &frame->cluster)) {
        return true;
    }
    is_good = ms_known_heed(known, &frame->id, &frame->start, frame->is_fresh);
    if (known->number != before) {
        keep_known(hall, node);
    }
    return is_good;
}

void hall_witness_met(struct hall *hall, uint8_t node, uint8_t other, const struct hall_note *note)
{
    if (!knows(hall, node, other, &note->frame)) {
        hall_break(hall, node, other);
    }
}

static bool would_vote(const struct hall *hall, const struct hall_witness *self,
                       const struct ms_pair_frame *frame)
{
    const struct ms_decision *decision = &frame->decision;
    const uint8_t active = self->disk.accepted.active;

    if (!ms_decision_is_acceptable(decision, &self->disk, false, 0)) {
        return false;
    }
    if (decision->kind == MS_DECISION_BOOTSTRAP) {
        return ms_uuid_is_zero(&self->disk.cluster);
    }
    return decision->proposer == active || self->is_dead[active] ||
           hall->now - self->heard_at[active] >= MS_PEER_SILENT_DEFAULT;
}

static void hear_proposal(struct hall *hall, uint8_t node, uint8_t other,
                          const struct hall_note *note)
{
    struct hall_witness *self = self_of(hall, node);
    const struct ms_decision *decision = &note->frame.decision;
    struct ms_voter voter = self->disk;
    struct hall_note vote = {.kind = MS_KIND_VOTE};

    if (self->is_writing) {
        return; /* it is asked again */
    }
    if (decision->kind == MS_DECISION_BOOTSTRAP && !ms_uuid_is_zero(&voter.cluster) &&
        !ms_uuid_equal(&voter.cluster, &note->frame.cluster)) {
        vote.error = MS_E_PERMISSION;
    } else if (ms_decision_is_acceptable(decision, &voter, false, 0)) {
        voter.promised = decision->epoch;
        voter.accepted = *decision;
        voter.cluster = note->frame.cluster;
        self->answer = vote;
        self->answer_to = other;
        store(hall, node, &voter);
        return;
    } else if (!ms_decision_equal(decision, &voter.accepted) || voter.promised != decision->epoch) {
        vote.error = MS_E_STALE_EPOCH;
    }
    answer(hall, node, other, &vote);
}

static void hear_active(struct hall *hall, uint8_t node, uint8_t other,
                        const struct hall_note *note)
{
    struct hall_witness *self = self_of(hall, node);
    const struct ms_decision *decision = &note->frame.decision;
    const bool is_active = note->kind == MS_KIND_DECIDED ||
                           (note->frame.promised == decision->epoch &&
                            note->frame.served == decision->epoch && decision->active == other);
    struct ms_voter voter = self->disk;

    if (!is_active || decision->epoch == 0) {
        return;
    }
    if (decision->epoch < voter.promised) {
        struct hall_note stale = {.kind = MS_KIND_STALE, .error = MS_E_STALE_EPOCH};

        answer(hall, node, other, &stale);
        return;
    }
    self->decided = decision->epoch > self->decided ? decision->epoch : self->decided;
    if (note->frame.state != MS_COUNCIL_HOLD) {
        self->heard_at[other] = hall->now;
    }
    if (!self->is_writing && !ms_decision_equal(&voter.accepted, decision)) {
        voter.promised = decision->epoch;
        voter.accepted = *decision;
        voter.cluster = note->frame.cluster;
        store(hall, node, &voter);
    }
}

void hall_witness_hear(struct hall *hall, uint8_t node, uint8_t other, const struct hall_note *note)
{
    struct hall_witness *self = self_of(hall, node);
    struct hall_note reply;

    self->is_dead[other] = false;
    if (!knows(hall, node, other, &note->frame)) {
        hall_break(hall, node, other);
        return;
    }
    if (!ms_uuid_is_zero(&self->disk.cluster) && !ms_uuid_is_zero(&note->frame.cluster) &&
        !ms_uuid_equal(&self->disk.cluster, &note->frame.cluster) &&
        note->frame.decision.kind != MS_DECISION_BOOTSTRAP) {
        return;
    }
    switch (note->kind) {
    case MS_KIND_PREVOTE:
        reply = (struct hall_note){.kind = MS_KIND_PREVOTE_ACK,
                                   .error = would_vote(hall, self, &note->frame) ? MS_E_OK
                                                                                 : MS_E_PERMISSION};
        answer(hall, node, other, &reply);
        break;
    case MS_KIND_PROPOSE:
        hear_proposal(hall, node, other, note);
        break;
    case MS_KIND_PEER_BEAT:
        hear_active(hall, node, other, note);
        reply = (struct hall_note){.kind = MS_KIND_PEER_BEAT, .count = note->count, .flags = 1};
        answer(hall, node, other, &reply);
        break;
    case MS_KIND_DECIDED:
        hear_active(hall, node, other, note);
        break;
    default:
        break;
    }
}

void hall_witness_lost(struct hall *hall, uint8_t node, uint8_t other, bool is_dead)
{
    self_of(hall, node)->is_dead[other] = is_dead;
}
