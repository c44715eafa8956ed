/* The log as a set of commands, and its way from the active to the peer: a position, what comes after it, or a copy. */
#include "core/invariant.h"
#include "tests/council/parts.h"

#define GO_ON 2 /* FOLLOW_LOG: the record says that the log is incomplete, so the copy may come */

static void say(struct hall *hall, uint8_t place, struct hall_note *note)
{
    note->epoch = ms_council_record(hall->masters[place].council)->voter.promised;
    hall_send(hall, place, (uint8_t)(1 - place), note);
}

/* --- passive --- */

void hall_log_follow(struct hall *hall, uint8_t place)
{
    struct hall_master *self = &hall->masters[place];
    struct hall_note note = {
        .kind = MS_KIND_FOLLOW_LOG, .reign = self->place_reign, .number = self->place_number};

    self->wants_copy = false;
    say(hall, place, &note);
}

/* Nothing is taken but of the epoch whose configuration is durable here. */
static bool may_take(const struct hall_master *self, const struct hall_note *note)
{
    return self->reign == HALL_NO_REIGN && self->follows > 0 && note->epoch == self->follows &&
           self->disk.voter.promised == note->epoch &&
           ms_council_record(self->council)->voter.promised == note->epoch;
}

static void acknowledge(struct hall *hall, uint8_t place)
{
    const struct hall_master *self = &hall->masters[place];
    struct hall_note note = {
        .kind = MS_KIND_LOG_ACK, .reign = self->place_reign, .number = self->place_number};

    if (!hall->plan.is_log_stuck) {
        say(hall, place, &note);
    }
}

static void hear_begin(struct hall *hall, uint8_t place, const struct hall_note *note)
{
    struct hall_master *self = &hall->masters[place];

    if (note->flags == 0) {
        ms_council_followed(self->council, hall->now, self->follows, true);
        return;
    }
    self->wants_copy = true;
    ms_council_followed(self->council, hall->now, self->follows, false);
}

/* A copy destroys what is here, so that is remembered first. */
static void go_on(struct hall *hall, uint8_t place)
{
    struct hall_master *self = &hall->masters[place];
    struct hall_note note = {.kind = MS_KIND_FOLLOW_LOG, .flags = GO_ON};

    if (self->wants_copy && !self->is_writing && !self->disk.is_complete && self->follows > 0) {
        self->wants_copy = false;
        say(hall, place, &note);
    }
}

static void hear_copy(struct hall *hall, uint8_t place, const struct hall_note *note)
{
    struct hall_master *self = &hall->masters[place];

    if (self->disk.is_complete) {
        return;
    }
    self->log = note->bits;
    self->place_reign = note->reign;
    self->place_number = note->number;
    hall_stats[HALL_STAT_COPIES]++;
    acknowledge(hall, place);
    ms_council_followed(self->council, hall->now, self->follows, true);
}

static void hear_log(struct hall *hall, uint8_t place, const struct hall_note *note)
{
    struct hall_master *self = &hall->masters[place];

    if (note->reign == self->place_reign && note->number == self->place_number + 1) {
        self->log |= note->bits;
        self->place_number = note->number;
        acknowledge(hall, place);
    }
}

/* --- active --- */

static void send_log(struct hall *hall, uint8_t place, uint32_t index)
{
    const struct hall_master *self = &hall->masters[place];
    struct hall_note note = {.kind = MS_KIND_LOG,
                             .reign = self->reign_epoch,
                             .number = index + 1,
                             .bits = 1ull << self->commands[index]};

    if (ms_council_record(self->council)->voter.promised == self->tenure.epoch) {
        say(hall, place, &note);
    }
}

static void hear_follow(struct hall *hall, uint8_t place, const struct hall_note *note)
{
    struct hall_master *self = &hall->masters[place];
    struct hall_note begin = {.kind = MS_KIND_LOG_BEGIN, .reign = self->reign_epoch};

    if (note->flags == GO_ON) {
        begin.kind = MS_KIND_LOG_COPY;
        begin.bits = self->log;
        begin.number = self->count;
        self->is_followed = true;
        self->peer_number = 0;
        say(hall, place, &begin);
        return;
    }
    if (note->reign == self->reign_epoch && note->number <= self->count) {
        hall_stats[HALL_STAT_RESUMES]++;
        self->is_followed = true;
        self->peer_number = note->number;
        say(hall, place, &begin);
        for (uint32_t i = note->number; i < self->count; i++) {
            send_log(hall, place, i);
        }
        return;
    }
    if (ms_decision_is_pair(&self->tenure) && !hall->faults.copies_in_set) {
        hall_stats[HALL_STAT_EXPELLED]++;
        ms_council_expel(self->council, hall->now);
        return;
    }
    begin.flags = 1;
    say(hall, place, &begin);
}

static void hear_ack(struct hall_master *self, const struct hall_note *note)
{
    if (self->is_followed && note->reign == self->reign_epoch && note->number > self->peer_number) {
        ms_assert(note->number <= self->count);
        self->peer_number = note->number;
    }
}

void hall_log_hear(struct hall *hall, uint8_t place, const struct hall_note *note)
{
    struct hall_master *self = &hall->masters[place];

    if (note->kind == MS_KIND_FOLLOW_LOG || note->kind == MS_KIND_LOG_ACK) {
        /* A word of the peer counts in the epoch in which it was said. */
        if (self->reign == HALL_NO_REIGN || note->epoch != self->tenure.epoch ||
            ms_council_record(self->council)->voter.promised != self->tenure.epoch) {
            return;
        }
        if (note->kind == MS_KIND_FOLLOW_LOG) {
            hear_follow(hall, place, note);
        } else {
            hear_ack(self, note);
        }
        return;
    }
    if (!may_take(self, note)) {
        return;
    }
    switch (note->kind) {
    case MS_KIND_LOG_BEGIN:
        hear_begin(hall, place, note);
        break;
    case MS_KIND_LOG_COPY:
        hear_copy(hall, place, note);
        break;
    default:
        hear_log(hall, place, note);
        break;
    }
}

void hall_log_submit(struct hall *hall, uint8_t place)
{
    struct hall_master *self = &hall->masters[place];

    if (self->reign != HALL_REIGNS || hall->commands == HALL_COMMANDS) {
        return;
    }
    self->commands[self->count++] = (uint8_t)hall->commands;
    self->log |= 1ull << hall->commands++;
    if (self->is_followed) {
        send_log(hall, place, self->count - 1);
    }
}

/* The rule: every member of S has it, in this epoch. */
static void acknowledge_clients(struct hall *hall, uint8_t place)
{
    struct hall_master *self = &hall->masters[place];
    const bool needs_peer = ms_decision_is_pair(&self->tenure) || self->waits;

    if (self->reign != HALL_REIGNS) {
        return;
    }
    for (uint32_t i = 0; i < self->count; i++) {
        const uint64_t bit = 1ull << self->commands[i];

        if ((hall->observer.acked & bit) == 0 &&
            (!needs_peer || (self->is_followed && i < self->peer_number))) {
            hall_observe_ack(hall, place, bit);
        }
    }
}

/* As master/pace.h has found out. */
static bool is_peer_slow(const struct hall *hall)
{
    const ms_time every = hall->faults.slow_every;

    return every > 0 && !hall->is_calm && hall->now / every % 2 == 1;
}

void hall_log_compare(struct hall *hall, uint8_t place)
{
    struct hall_master *self = &hall->masters[place];
    bool is_complete, is_slow;

    if (self->council == NULL) {
        return;
    }
    if (self->reign == HALL_NO_REIGN) {
        go_on(hall, place);
        return;
    }
    is_slow = is_peer_slow(hall);
    /* Once a JOIN is proposed, what it relies on stays. */
    if (!ms_decision_is_pair(&self->tenure) && self->reign == HALL_REIGNS) {
        self->waits = self->is_followed && !is_slow;
    }
    acknowledge_clients(hall, place);
    is_complete = self->is_followed && (ms_decision_is_pair(&self->tenure) || self->waits);
    for (uint32_t i = self->peer_number; i < self->count; i++) {
        is_complete = is_complete && (hall->observer.acked & (1ull << self->commands[i])) == 0;
    }
    ms_council_slow(self->council, hall->now, is_slow);
    ms_council_mirrored(self->council, hall->now, is_complete);
    if (ms_council_state(self->council) == MS_COUNCIL_DRAIN && self->is_followed &&
        self->peer_number == self->count) {
        ms_council_drained(self->council, hall->now);
    }
}

void hall_log_serve(struct hall *hall, uint8_t place, const struct ms_decision *decision)
{
    struct hall_master *self = &hall->masters[place];

    hall_observe_serve(hall, place, decision);
    if (self->reign == HALL_NO_REIGN) {
        self->reign_epoch = decision->epoch;
        self->count = 0;
        self->is_followed = false;
        self->follows = 0;
    }
    if (!ms_decision_equal(&self->tenure, decision)) {
        self->is_followed = self->waits = false;
    }
    self->reign = HALL_REIGNS;
    self->tenure = *decision;
}

void hall_log_stop(struct hall *hall, uint8_t place, const struct ms_decision *decision)
{
    struct hall_master *self = &hall->masters[place];

    (void)hall;
    self->reign = HALL_NO_REIGN;
    self->place_reign = 0;
    self->place_number = 0;
    /* Handed over with all there is: the new active's reign begins where this log ends. */
    if (decision->kind == MS_DECISION_HANDOVER && decision->active != place &&
        decision->proposer == place) {
        self->place_reign = decision->epoch;
    }
}
