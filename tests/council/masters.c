/* A master: a council, its record on a disk, and what the owner of a council does. */
#include <stdlib.h>

#include "core/invariant.h"
#include "master/council_table.h"
#include "tests/council/parts.h"

struct ms_council_party hall_party(uint8_t node)
{
    return node < MS_MASTERS
               ? (struct ms_council_party){.is_witness = false}
               : (struct ms_council_party){.is_witness = true, .id = hall_witness_id(node)};
}

void hall_end(struct hall_master *self)
{
    council_rows_add(&hall_rows, self->council);
    ms_council_destroy(self->council);
    self->council = NULL;
}

void hall_master_hello(struct hall *hall, uint8_t place, struct hall_note *note)
{
    const struct hall_master *self = &hall->masters[place];

    ms_council_hello(self->council, &note->frame);
    note->epoch = note->frame.promised;
}

/* --- acts --- */

static void send_act(struct hall *hall, uint8_t place, const struct ms_council_act *act)
{
    struct hall_note note = {.kind = act->kind,
                             .error = act->error,
                             .count = act->count,
                             .flags = act->flags,
                             .epoch = act->frame.promised,
                             .frame = act->frame};
    const uint8_t first = act->to.is_witness ? MS_MASTERS : 0;
    const uint8_t last = act->to.is_witness ? HALL_NODES : MS_MASTERS;
    const bool is_asking = act->kind == MS_KIND_PROPOSE && !act->to.is_witness;

    hall_observe_send(hall, place, act);
    if (act->kind == MS_KIND_PEER_HELLO) {
        return; /* was said when the connection stood */
    }
    if (is_asking) {
        hall_plan_sending(hall, place, act);
    }
    for (uint8_t node = first; node < last; node++) {
        const struct ms_uuid id = hall_witness_id(node);

        if (node != place && (!act->to.is_witness || ms_uuid_equal(&id, &act->to.id))) {
            hall_send(hall, place, node, &note);
        }
    }
    if (is_asking) {
        hall_plan_sent(hall, place, act);
    }
}

static void store(struct hall *hall, uint8_t place, const struct ms_council_record *record)
{
    struct hall_master *self = &hall->masters[place];

    hall_observe_store(hall, place, record);
    self->writing = *record;
    self->is_writing = true;
    hall_push(hall,
              &(struct hall_event){.at = hall->now + hall_between(hall, 20, hall->faults.store_max),
                                   .type = HALL_STORED,
                                   .node = place,
                                   .life = self->life});
}

/* Whoever knew it knows somebody else. What it has served as an old copy is not offered to anybody here. */
static void renewed(struct hall *hall, uint8_t place)
{
    if (hall->masters[place].is_old_alike) {
        hall_observe_wipe(hall, place);
        hall->masters[place].is_old_alike = false;
    }
    hall_stats[HALL_STAT_RENEWED]++;
    hall_say(hall, "%u begins anew", place);
    for (uint8_t node = 0; node < MS_MASTERS + hall->witnesses_count; node++) {
        if (node != place) {
            hall_break(hall, place, node);
        }
    }
}

static void carry_out(struct hall *hall, uint8_t place, const struct ms_council_act *act)
{
    struct hall_master *self = &hall->masters[place];

    switch (act->type) {
    case MS_COUNCIL_STORE:
        store(hall, place, &act->record);
        break;
    case MS_COUNCIL_SEND:
        send_act(hall, place, act);
        break;
    case MS_COUNCIL_PAUSE:
        if (self->reign == HALL_REIGNS) {
            self->reign = HALL_RESTS;
        }
        break;
    case MS_COUNCIL_SERVE:
        hall_say(hall, "%u SERVE %llu %s", place, (unsigned long long)act->decision.epoch,
                 ms_decision_name(act->decision.kind));
        hall_log_serve(hall, place, &act->decision);
        break;
    case MS_COUNCIL_STOP:
        hall_say(hall, "%u STOP", place);
        hall_log_stop(hall, place, &act->decision);
        break;
    case MS_COUNCIL_FOLLOW:
        self->follows = act->decision.epoch;
        self->led = self->is_met ? act->decision.epoch : 0;
        hall_log_follow(hall, place);
        break;
    case MS_COUNCIL_LEAVE:
        self->follows = self->led = 0;
        self->wants_copy = false;
        break;
    case MS_COUNCIL_RENEW:
        renewed(hall, place);
        break;
    case MS_COUNCIL_NEWS:
        hall_say(hall, "%u %s promised %llu: %s", place, ms_council_state_name(act->state),
                 (unsigned long long)ms_council_record(self->council)->voter.promised, act->text);
        break;
    }
}

void hall_master_act(struct hall *hall, uint8_t place)
{
    struct hall_master *self = &hall->masters[place];
    struct ms_council_act act;

    while (self->council != NULL && ms_council_next(self->council, &act)) {
        carry_out(hall, place, &act);
    }
    if (self->council == NULL) {
        return;
    }
    const ms_time at = ms_council_deadline(self->council);

    if (at != self->tick_at) {
        self->tick_at = at;
        if (at != MS_TIME_NEVER) {
            hall_push(hall, &(struct hall_event){.at = at > hall->now ? at : hall->now,
                                                 .type = HALL_TICK,
                                                 .node = place,
                                                 .life = self->life});
        }
    }
}

/* What the owner does after each step. */
static void after(struct hall *hall, uint8_t place)
{
    hall_master_act(hall, place);
    hall_log_compare(hall, place);
    hall_master_act(hall, place);
}

/* --- life --- */

bool hall_counts_starts(const struct hall *hall)
{
    return hall->faults.copied_every > 0 || hall->plan.kind == HALL_PLAN_OUTLIVE;
}

void hall_master_start(struct hall *hall, uint8_t place)
{
    struct hall_master *self = &hall->masters[place];

    if (self->council != NULL) {
        return;
    }
    if (hall_counts_starts(hall)) {
        ms_council_record_start(&self->disk, ++hall->starts);
    }
    self->config.record = self->disk;
    self->config.incarnation_new = (struct ms_uuid){{[8] = 0xe, place, (uint8_t)hall->starts}};
    self->config.seed = ms_rng_next(&hall->rng);
    self->config.cluster_new = (struct ms_uuid){{0xc, place, (uint8_t)self->life, 1}};
    self->council = ms_council_create(&self->config, (struct ms_trace){.sink = NULL});
    if (self->council == NULL) {
        hall_fail(hall, "memory is out");
    }
    self->reign = HALL_NO_REIGN;
    self->is_writing = false;
    self->follows = self->led = 0;
    self->is_met = false;
    self->place_reign = 0;
    self->wants_copy = false;
    self->tick_at = MS_TIME_NEVER;
    ms_council_start(self->council, hall->now);
    after(hall, place);
    if (place > 0) {
        hall_dial(hall, place, 0);
    }
}

void hall_master_crash(struct hall *hall, uint8_t place)
{
    struct hall_master *self = &hall->masters[place];

    if (self->council == NULL) {
        return;
    }
    hall_say(hall, "%u crashes", place);
    hall_stats[HALL_STAT_CRASHES]++;
    if (self->is_writing) {
        hall_stats[HALL_STAT_CRASHES_WRITING]++;
        if (hall_chance(hall, 2)) {
            self->disk = self->writing;
            hall_observe_left(hall, place);
        }
    }
    hall_end(self);
    self->life++;
    self->reign = HALL_NO_REIGN;
    self->is_writing = false;
    for (uint8_t node = 0; node < MS_MASTERS + hall->witnesses_count; node++) {
        if (node != place) {
            hall_break(hall, place, node);
        }
    }
}

void hall_master_blank(struct hall *hall, uint8_t place)
{
    struct hall_master *self = &hall->masters[place];
    const struct ms_witnesses list = self->config.record.witnesses;

    self->disk = (struct ms_council_record){
        .place = place, .lead = MS_MASTERS, .is_fresh = true, .witnesses = list};
    hall->incarnations++;
    self->disk.incarnation =
        (struct ms_uuid){{0xa, place, hall_keeps_identity ? 1 : (uint8_t)hall->incarnations}};
    self->disk.start.number = hall_counts_starts(hall) ? hall->incarnations << 10 : 0;
    self->lost |= self->log;
    self->log = 0;
}

void hall_master_wipe(struct hall *hall, uint8_t place)
{
    hall_master_crash(hall, place);
    hall_say(hall, "%u loses its disk", place);
    hall_stats[HALL_STAT_WIPES]++;
    hall_observe_wipe(hall, place);
    hall_master_blank(hall, place);
}

bool hall_master_is_old(const struct hall_master *self)
{
    return !ms_uuid_is_zero(&self->old) && !self->is_old_alike &&
           ms_uuid_equal(&self->disk.incarnation, &self->old);
}

void hall_master_put_back(struct hall *hall, uint8_t place)
{
    struct hall_master *self = &hall->masters[place];

    hall_master_crash(hall, place);
    hall_say(hall, "%u is put back to start %llu", place,
             (unsigned long long)self->copy.record.start.number);
    hall_stats[HALL_STAT_PUT_BACK]++;
    hall_observe_wipe(hall, place);
    self->lost |= self->log;
    self->log = self->copy.log;
    self->disk = self->copy.record;
    self->old = self->disk.incarnation;
    self->is_old_alike = false;
}

void hall_master_stored(struct hall *hall, uint8_t place)
{
    struct hall_master *self = &hall->masters[place];
    const bool is_listed = self->writing.witness_version != self->disk.witness_version;

    if (!self->is_writing) {
        return;
    }
    self->disk = self->writing;
    self->is_writing = false;
    if (is_listed) {
        hall_plan_listed(hall, place);
    }
    ms_council_stored(self->council, hall->now);
    after(hall, place);
}

/* --- others --- */

void hall_master_met(struct hall *hall, uint8_t place, uint8_t other, const struct hall_note *note)
{
    struct hall_master *self = &hall->masters[place];
    const struct ms_council_party party = hall_party(other);

    if (other < MS_MASTERS) {
        self->is_followed = self->waits = false;
        self->led = 0;
        self->is_met = !self->is_writing;
    }
    ms_council_met(self->council, hall->now, &party, &note->frame);
    after(hall, place);
}

void hall_master_lost(struct hall *hall, uint8_t place, uint8_t other, bool is_dead)
{
    struct hall_master *self = &hall->masters[place];
    const struct ms_council_party party = hall_party(other);

    if (self->council == NULL) {
        return;
    }
    if (other < MS_MASTERS) {
        self->is_followed = self->waits = false;
        self->wants_copy = false;
        self->led = 0;
        self->is_met = false;
    }
    ms_council_lost(self->council, hall->now, &party, is_dead);
    after(hall, place);
}

static bool is_of_log(uint8_t kind)
{
    return kind == MS_KIND_LOG || kind == MS_KIND_LOG_ACK || kind == MS_KIND_LOG_COPY ||
           kind == MS_KIND_LOG_BEGIN || kind == MS_KIND_FOLLOW_LOG;
}

void hall_master_hear(struct hall *hall, uint8_t place, uint8_t other, const struct hall_note *note)
{
    struct hall_master *self = &hall->masters[place];
    const struct ms_council_party party = hall_party(other);
    const struct ms_command command = {.kind = note->kind,
                                       .error = note->error,
                                       .count = note->count,
                                       .flags = note->flags,
                                       .body.pair = &note->frame};

    if (is_of_log(note->kind)) {
        ms_council_heard(self->council, hall->now, &party);
        hall_master_act(hall, place);
        hall_log_hear(hall, place, note);
    } else {
        ms_council_hear(self->council, hall->now, &party, note->epoch, &command);
    }
    after(hall, place);
}
