/* What the councils of an assembly want, and time that passes for them. */
#ifndef TESTS_UNIT_MASTER_ASSEMBLY_ACTS_H
#define TESTS_UNIT_MASTER_ASSEMBLY_ACTS_H

#include "master_assembly.h"

/* The follower has everything at once, and the active hears of it. */
static inline void copy_log(struct assembly *room, uint8_t place)
{
    struct master *self = &room->masters[place], *other = &room->masters[1 - place];

    if (room->copies && self->is_up && self->follows > 0 && is_connected(room, 0, 1) &&
        other->serves && other->epoch == self->follows) {
        ms_council_followed(self->council, room->now, self->follows, true);
        ms_council_mirrored(other->council, room->now, true);
        if (ms_council_state(other->council) == MS_COUNCIL_DRAIN && !other->never_drains) {
            ms_council_drained(other->council, room->now);
        }
    }
}

static inline void send_act(struct assembly *room, uint8_t place, const struct ms_council_act *act)
{
    for (uint8_t node = 0; node < MS_MASTERS + room->witnesses_count; node++) {
        const struct ms_council_party party = party_of(node);

        if (node != place && party.is_witness == act->to.is_witness &&
            (!party.is_witness || ms_uuid_equal(&party.id, &act->to.id)) &&
            is_connected(room, place, node)) {
            post(room, &(struct message){.from = place,
                                         .to = node,
                                         .command = {.kind = act->kind,
                                                     .error = act->error,
                                                     .count = act->count,
                                                     .flags = act->flags},
                                         .frame = act->frame});
        }
    }
}

static inline void carry_out(struct assembly *room, uint8_t place, const struct ms_council_act *act)
{
    struct master *self = &room->masters[place];

    switch (act->type) {
    case MS_COUNCIL_STORE:
        self->stores++;
        if (!room->is_store_slow) {
            self->disk = act->record;
            ms_council_stored(self->council, room->now);
        }
        break;
    case MS_COUNCIL_SEND:
        send_act(room, place, act);
        break;
    case MS_COUNCIL_PAUSE:
        ck_assert(self->serves && !self->pauses);
        self->pauses = true;
        break;
    case MS_COUNCIL_SERVE:
        ck_assert(!self->serves || self->pauses);
        ck_assert_uint_ge(self->disk.served, act->decision.epoch);
        self->serves = true;
        self->serves_total++;
        self->pauses = false;
        self->epoch = act->decision.epoch;
        break;
    case MS_COUNCIL_STOP:
        ck_assert(self->serves);
        self->serves = self->pauses = false;
        self->stops_total++;
        break;
    case MS_COUNCIL_FOLLOW:
        ck_assert(!self->serves);
        self->follows = act->decision.epoch;
        break;
    case MS_COUNCIL_LEAVE:
        self->follows = 0;
        break;
    case MS_COUNCIL_RENEW:
        ck_assert(!self->serves);
        self->is_renewed = true; /* nothing more comes on its connections */
        break;
    case MS_COUNCIL_NEWS:
        ck_assert_ptr_nonnull(act->text);
        break;
    }
}

static inline void act(struct assembly *room)
{
    for (uint8_t place = 0; place < MS_MASTERS; place++) {
        struct ms_council_act next;

        while (room->masters[place].is_up && ms_council_next(room->masters[place].council, &next)) {
            carry_out(room, place, &next);
        }
    }
}

/* A slave shows that half an epoch; is_own: one that it has let in. */
static inline void outdo(struct assembly *room, uint8_t place, ms_epoch epoch, bool is_own)
{
    const struct ms_hello hello = {.role = MS_ROLE_SLAVE, .name = "somebody", .epoch = epoch};

    ms_council_outdone(room->masters[place].council, room->now, &hello, is_own);
}

static inline void deliver(struct assembly *room)
{
    struct message message = room->messages[room->first];
    const struct ms_council_party party = party_of(message.from);

    room->first = (room->first + 1) % MESSAGES;
    room->count--;
    if (!is_connected(room, message.from, message.to) ||
        (message.to < MS_MASTERS && room->masters[message.to].is_renewed) ||
        (message.from < MS_MASTERS && room->masters[message.from].is_renewed)) {
        return;
    }
    if (message.to >= MS_MASTERS) {
        to_witness(room, &message);
        return;
    }
    message.command.body.pair = &message.frame;
    if (message.command.kind != MS_KIND_PEER_HELLO) {
        ms_council_hear(room->masters[message.to].council, room->now, &party,
                        message.frame.promised, &message.command);
    }
    act(room);
}

static inline void settle(struct assembly *room)
{
    act(room);
    while (room->count > 0) {
        deliver(room);
        copy_log(room, 0);
        copy_log(room, 1);
        act(room);
    }
}

/* Lets time pass. */
static inline void pass(struct assembly *room, ms_time span)
{
    const ms_time until = room->now + span;

    settle(room);
    for (int step = 0; step < STEPS_MAX; step++) {
        ms_time at = until;

        for (uint8_t place = 0; place < MS_MASTERS; place++) {
            const struct master *master = &room->masters[place];

            if (master->is_up && ms_council_deadline(master->council) < at) {
                at = ms_council_deadline(master->council);
            }
        }
        room->now = at > room->now ? at : room->now;
        for (uint8_t place = 0; place < MS_MASTERS; place++) {
            if (room->masters[place].is_up) {
                ms_council_tick(room->masters[place].council, room->now);
            }
        }
        settle(room);
        if (room->now >= until) {
            return;
        }
    }
    ck_abort_msg("time does not pass");
}

#endif
