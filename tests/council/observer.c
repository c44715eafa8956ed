/* Who sees everything, and says what must never be. */
#include "core/invariant.h"
#include "tests/council/parts.h"

/* The list is a new one: who was struck off an earlier one may be back. */
static void note_list(struct hall *hall, const struct ms_witnesses *list)
{
    struct hall_observer *observer = &hall->observer;

    for (uint32_t i = 0; i < hall->witnesses_count; i++) {
        const struct ms_uuid id = hall_witness_id((uint8_t)(MS_MASTERS + i));
        const uint8_t bit = (uint8_t)(1u << i);
        bool is_on = false;

        for (uint32_t j = 0; j < list->count; j++) {
            is_on = is_on || ms_uuid_equal(&list->ids[j], &id);
        }
        hall_stats[HALL_STAT_AGAIN] += is_on && (observer->struck & bit) != 0;
        observer->struck = (uint8_t)(is_on ? observer->struck & ~bit
                                           : observer->struck | (observer->enrolled & bit));
        observer->enrolled = (uint8_t)(is_on ? observer->enrolled | bit : observer->enrolled);
    }
}

/* I4: what was promised and accepted never goes back. I17: nobody fresh promises a proposal. */
void hall_observe_store(struct hall *hall, uint8_t place, const struct ms_council_record *record)
{
    const struct ms_council_record *disk = &hall->masters[place].disk;

    if (record->is_outlived && record->is_fresh &&
        ms_uuid_equal(&disk->incarnation, &hall->masters[place].old)) {
        return; /* it is somebody else, and has promised nothing */
    }
    if (record->voter.promised < disk->voter.promised || record->served < disk->served ||
        record->voter.accepted.epoch < disk->voter.accepted.epoch) {
        hall_fail(hall, "invariant: I4: the record of %u goes back", place);
    }
    if (record->is_fresh && record->served > 0) {
        hall_fail(hall, "invariant: I17: %u is fresh and serves", place);
    }
    if (record->witness_version != disk->witness_version && !record->is_changing) {
        hall_stats[HALL_STAT_LISTS]++;
        note_list(hall, &record->witnesses);
    }
    if (!ms_uuid_equal(&record->incarnation, &disk->incarnation)) {
        hall_fail(hall, "invariant: I4: %u is somebody else", place);
    }
}

void hall_observe_vote(struct hall *hall, uint8_t node, const struct ms_voter *before,
                       const struct ms_voter *after)
{
    if (after->promised < before->promised || after->accepted.epoch < before->accepted.epoch) {
        hall_fail(hall, "invariant: I4: the record of witness %u goes back", node);
    }
}

/* Whoever has forced, and crashed before he served by it, goes on from there. */
void hall_observe_left(struct hall *hall, uint8_t place)
{
    const struct ms_council_record *disk = &hall->masters[place].disk;

    if (disk->voter.accepted.kind == MS_DECISION_FORCED && disk->voter.accepted.active == place &&
        disk->served == disk->voter.accepted.epoch) {
        hall->observer.is_forced = true;
    }
}

/* Whoever takes anything of an epoch is no candidate for it any more. */
static void check_led(struct hall *hall, uint8_t place, const char *what)
{
    if (hall->masters[place].led > 0) {
        hall_fail(hall, "invariant: follows: %u %s while it follows in %llu", place, what,
                  (unsigned long long)hall->masters[place].led);
    }
}

/* Nothing leaves that depends on a record which is not durable. */
void hall_observe_send(struct hall *hall, uint8_t place, const struct ms_council_act *act)
{
    const struct ms_council_record *disk = &hall->masters[place].disk;
    const struct ms_decision *decision = &act->frame.decision;
    const bool is_ours = act->kind == MS_KIND_PROPOSE || act->kind == MS_KIND_DECIDED;
    const bool is_vote = act->kind == MS_KIND_VOTE && act->error == MS_E_OK;

    if ((!is_ours && !is_vote) || decision->kind == MS_DECISION_BOOTSTRAP) {
        return;
    }
    if (act->kind == MS_KIND_PROPOSE) {
        check_led(hall, place, "proposes");
    }
    if (hall_master_is_old(&hall->masters[place])) {
        hall_fail(hall, "invariant: I4: %u votes or proposes by an old copy of its record", place);
    }
    if (disk->is_fresh) {
        hall_fail(hall, "invariant: I17: %u is fresh and votes or proposes", place);
    }
    if (disk->voter.promised < decision->epoch) {
        hall_fail(hall, "invariant: durable: %u says %s of %llu before its promise is durable",
                  place, ms_kind_name(act->kind), (unsigned long long)decision->epoch);
    }
}

/* I1, I6: the newest active has everything that was acknowledged. */
static void check_holder(const struct hall *hall, const char *invariant)
{
    const struct hall_observer *observer = &hall->observer;

    if (observer->holder < MS_MASTERS &&
        (observer->acked & ~hall->masters[observer->holder].log) != 0) {
        hall_fail(hall, "invariant: %s: acknowledged, and not with the newest active, %u: %llx",
                  invariant, observer->holder,
                  (unsigned long long)(observer->acked & ~hall->masters[observer->holder].log));
    }
}

static void check_epoch(struct hall *hall, uint8_t place, const struct ms_decision *decision)
{
    struct hall_observer *observer = &hall->observer;
    const struct hall_master *self = &hall->masters[place];

    for (uint32_t i = 0; i < observer->epochs_count; i++) {
        if (observer->epochs[i].epoch == decision->epoch &&
            ms_uuid_equal(&observer->epochs[i].cluster, &self->disk.voter.cluster)) {
            hall_fail(hall, "invariant: I2: epoch %llu is served twice",
                      (unsigned long long)decision->epoch);
        }
    }
    if (observer->epochs_count == HALL_EPOCHS) {
        hall_fail(hall, "too many epochs");
    }
    observer->epochs[observer->epochs_count].epoch = decision->epoch;
    observer->epochs[observer->epochs_count++].cluster = self->disk.voter.cluster;
}

static void count_kind(const struct ms_decision *decision)
{
    static const enum hall_stat stats[MS_DECISION_KINDS] = {
        [MS_DECISION_NONE] = HALL_STAT_SERVED,       [MS_DECISION_BOOTSTRAP] = HALL_STAT_BOOTSTRAP,
        [MS_DECISION_SOLO] = HALL_STAT_SOLO,         [MS_DECISION_INCUMBENT] = HALL_STAT_INCUMBENT,
        [MS_DECISION_JOIN] = HALL_STAT_JOIN,         [MS_DECISION_ADMIT] = HALL_STAT_ADMIT,
        [MS_DECISION_HANDOVER] = HALL_STAT_HANDOVER, [MS_DECISION_CONSENT] = HALL_STAT_CONSENT,
        [MS_DECISION_FORCED] = HALL_STAT_FORCED,
    };

    hall_stats[HALL_STAT_SERVED]++;
    hall_stats[stats[decision->kind]]++;
}

/* F1: where only the active goes on without votes, nobody becomes it so who was passive, and was not told to. */
void hall_observe_tick(struct hall *hall, uint8_t place, bool was_passive)
{
    const struct hall_master *self = &hall->masters[place];
    const struct ms_decision *accepted = &self->writing.voter.accepted;

    if (was_passive && self->is_writing && !hall->faults.is_evidence &&
        accepted->kind == MS_DECISION_FORCED && accepted->active == place &&
        accepted->epoch > self->disk.voter.accepted.epoch) {
        hall_fail(hall, "invariant: F1: %u was passive, and takes over without votes", place);
    }
}

void hall_observe_serve(struct hall *hall, uint8_t place, const struct ms_decision *decision)
{
    struct hall_observer *observer = &hall->observer;
    const struct hall_master *self = &hall->masters[place];
    const bool goes_on = self->reign == HALL_RESTS && self->tenure.epoch == decision->epoch;

    check_led(hall, place, "serves");
    if (self->disk.served != decision->epoch || self->disk.voter.promised != decision->epoch) {
        hall_fail(hall, "invariant: I3: %u serves %llu, and its record says %llu of %llu", place,
                  (unsigned long long)decision->epoch, (unsigned long long)self->disk.served,
                  (unsigned long long)self->disk.voter.promised);
    }
    if (self->disk.is_fresh || !self->disk.is_complete) {
        hall_fail(hall, "invariant: I17: %u serves, and is fresh or incomplete", place);
    }
    if (hall_master_is_old(self)) {
        hall_fail(hall, "invariant: I4: %u serves by an old copy of its record", place);
    }
    if (goes_on) {
        hall_stats[HALL_STAT_RESUMED]++;
        return;
    }
    check_epoch(hall, place, decision);
    count_kind(decision);
    if (decision->kind == MS_DECISION_FORCED) {
        observer->is_forced = true; /* an operator has taken what may be lost upon himself */
        observer->acked &= self->log;
        observer->acked2 &= self->log;
    }
    if (decision->kind == MS_DECISION_BOOTSTRAP && observer->newest > 0) {
        if (observer->holder < MS_MASTERS) {
            hall_fail(hall, "invariant: I2: %u makes another cluster", place);
        }
        observer->newest = 0; /* both disks of the last one are lost */
    }
    if (decision->epoch > observer->newest) {
        observer->newest = decision->epoch;
        observer->holder = place;
        if (observer->is_forced) {
            observer->acked &= self->log;
            observer->acked2 &= self->log;
        }
        check_holder(hall, "I6");
    }
}

/* Its word may be on its way while its disk is lost. */
static bool has_had(const struct hall_master *self, uint64_t bit)
{
    return ((self->log | self->lost) & bit) != 0;
}

void hall_observe_ack(struct hall *hall, uint8_t place, uint64_t bit)
{
    struct hall_observer *observer = &hall->observer;
    const struct hall_master *self = &hall->masters[place];
    const ms_epoch epoch = self->tenure.epoch;

    if (self->disk.served != epoch || self->disk.voter.promised != epoch) {
        hall_fail(hall, "invariant: I3: %u acknowledges in %llu and has promised %llu", place,
                  (unsigned long long)epoch, (unsigned long long)self->disk.voter.promised);
    }
    if (observer->is_forced && epoch != observer->newest) {
        return; /* a deposed one that nobody could tell */
    }
    observer->acked |= bit;
    hall_stats[HALL_STAT_ACKED]++;
    if (ms_decision_is_pair(&self->tenure)) {
        hall_stats[HALL_STAT_ACKED_TWICE]++;
        observer->acked2 |= bit;
        if (!has_had(&hall->masters[0], bit) || !has_had(&hall->masters[1], bit)) {
            hall_fail(hall, "invariant: I18: two copies are said to be, and are not");
        }
    }
    check_holder(hall, "I1");
}

/* What only this disk had is excused, and nothing else; of what had two copies the first lost disk takes nothing. */
void hall_observe_wipe(struct hall *hall, uint8_t place)
{
    struct hall_observer *observer = &hall->observer;
    const uint64_t other = hall->masters[1 - place].log;

    if (observer->wipes++ == 0 && !observer->is_forced && (observer->acked2 & ~other) != 0) {
        hall_fail(hall, "invariant: I18: the first lost disk takes what had two copies");
    }
    observer->acked &= other;
    observer->acked2 &= other;
    if (observer->holder == place) {
        observer->holder = MS_MASTERS;
    }
}

void hall_observe_logs(struct hall *hall)
{
    check_holder(hall, "I1");
}
