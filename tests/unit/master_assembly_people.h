/* Who comes and goes in an assembly. */
#ifndef TESTS_UNIT_MASTER_ASSEMBLY_PEOPLE_H
#define TESTS_UNIT_MASTER_ASSEMBLY_PEOPLE_H

#include "master_assembly_acts.h"

#define ck_assert_state(room, place, state)                                                        \
    ck_assert_str_eq(ms_council_state_name(state_of(room, place)), #state)

static inline struct ms_pair_frame hello_of(const struct assembly *room, uint8_t node)
{
    struct ms_pair_frame hello;

    if (node >= MS_MASTERS) {
        const struct ms_known_start *known = room->known[node - MS_MASTERS];

        return (struct ms_pair_frame){.role = MS_ROLE_WITNESS,
                                      .cluster = room->witnesses[node - MS_MASTERS].cluster,
                                      .id = uuid_of(0xb, node),
                                      .promised = room->witnesses[node - MS_MASTERS].promised,
                                      .decision = room->witnesses[node - MS_MASTERS].accepted,
                                      .known = {known[0], known[1]}};
    }
    ms_council_hello(room->masters[node].council, &hello);
    return hello;
}

static inline void meet(struct assembly *room, uint8_t a, uint8_t b)
{
    if (is_connected(room, a, b)) {
        const struct ms_pair_frame hellos[2] = {hello_of(room, a), hello_of(room, b)};
        const struct ms_council_party parties[2] = {party_of(a), party_of(b)};

        if (a < MS_MASTERS) {
            ms_council_met(room->masters[a].council, room->now, &parties[1], &hellos[1]);
        }
        if (b < MS_MASTERS) {
            ms_council_met(room->masters[b].council, room->now, &parties[0], &hellos[0]);
        } else {
            (void)knows(room, b, &hellos[0]);
        }
        settle(room);
    }
}

static inline void part(struct assembly *room, uint8_t a, uint8_t b, bool is_dead)
{
    const struct ms_council_party parties[2] = {party_of(a), party_of(b)};

    if (a < MS_MASTERS && room->masters[a].is_up) {
        ms_council_lost(room->masters[a].council, room->now, &parties[1], is_dead);
    }
    if (b < MS_MASTERS && room->masters[b].is_up) {
        ms_council_lost(room->masters[b].council, room->now, &parties[0], is_dead);
    }
    settle(room);
}

/* It began anew: whoever knew it meets somebody else. */
static inline void reconnect(struct assembly *room, uint8_t place)
{
    ck_assert(room->masters[place].is_renewed);
    room->masters[place].is_renewed = false;
    for (uint8_t node = 0; node < MS_MASTERS + room->witnesses_count; node++) {
        if (node != place) {
            part(room, place, node, false);
            meet(room, place, node);
        }
    }
}

static inline void start(struct assembly *room, uint8_t place)
{
    struct master *self = &room->masters[place];

    ms_council_record_start(&self->disk, ++room->lives);
    self->config.record = self->disk;
    self->config.incarnation_new = uuid_of(0xd, (uint8_t)room->lives);
    self->council = ms_council_create(&self->config, (struct ms_trace){.sink = NULL});
    ck_assert_ptr_nonnull(self->council);
    self->is_up = true;
    self->serves = self->pauses = false;
    self->follows = 0;
    ms_council_start(self->council, room->now);
    for (uint8_t node = 0; node < MS_MASTERS + room->witnesses_count; node++) {
        if (node != place) {
            meet(room, place, node);
        }
    }
}

static inline void stop(struct assembly *room, uint8_t place, bool is_seen)
{
    struct master *self = &room->masters[place];

    self->is_up = self->serves = self->pauses = false;
    ms_council_destroy(self->council);
    self->council = NULL;
    for (uint8_t node = 0; is_seen && node < MS_MASTERS; node++) {
        if (node != place) {
            part(room, node, place, true);
        }
    }
}

static inline void restart(struct assembly *room, uint8_t place)
{
    stop(room, place, true);
    start(room, place);
}

/* An empty directory. */
static inline void wipe(struct assembly *room, uint8_t place, uint8_t life)
{
    struct master *self = &room->masters[place];

    self->disk = (struct ms_council_record){
        .incarnation = uuid_of(0xa, place), .place = place, .lead = MS_MASTERS, .is_fresh = true};
    self->disk.incarnation.bytes[2] = life;
    for (uint8_t i = 0; i < room->witnesses_count; i++) {
        self->disk.witnesses.ids[self->disk.witnesses.count++] = party_of((uint8_t)(i + 2)).id;
    }
}

static inline struct assembly *assemble(uint32_t witnesses)
{
    struct assembly *room = calloc(1, sizeof *room);

    ck_assert_ptr_nonnull(room);
    room->now = 1 * MS_SEC;
    room->witnesses_count = witnesses;
    room->copies = true;
    for (uint32_t i = 0; i < witnesses; i++) {
        room->is_witness_up[i] = true;
    }
    for (uint8_t place = 0; place < MS_MASTERS; place++) {
        wipe(room, place, 1);
        room->masters[place].config.seed = place;
        room->masters[place].config.cluster_new = uuid_of(0xc, place);
    }
    return room;
}

/* A pair of which the primary is active, by bootstrap and admission. */
static inline struct assembly *assemble_pair(uint32_t witnesses)
{
    struct assembly *room = assemble(witnesses);

    room->masters[0].config.is_bootstrap = true;
    start(room, 0);
    start(room, 1);
    pass(room, 2 * MS_SEC);
    ck_assert_int_eq(ms_council_state(room->masters[0].council), MS_COUNCIL_PAIR);
    ck_assert_int_eq(ms_council_state(room->masters[1].council), MS_COUNCIL_SYNC);
    return room;
}

static inline void dismiss(struct assembly *room)
{
    for (uint8_t place = 0; place < MS_MASTERS; place++) {
        ms_council_destroy(room->masters[place].council);
    }
    free(room);
}

static inline enum ms_council_state state_of(const struct assembly *room, uint8_t place)
{
    return ms_council_state(room->masters[place].council);
}

/* Its active has lost the peer and the only witness, and waits. */
static inline struct assembly *assemble_waiting(void)
{
    struct assembly *room = assemble_pair(1);

    room->is_witness_up[0] = false;
    part(room, 0, 2, false);
    part(room, 1, 2, false);
    stop(room, 1, true);
    pass(room, 10 * MS_SEC);
    ck_assert_state(room, 0, HOLD);
    return room;
}

#endif
