/* Two halves that are a pair, and somebody who comes as a slave, a client or an operator. */
#ifndef TESTS_UNIT_MASTER_GUEST_H
#define TESTS_UNIT_MASTER_GUEST_H

#include "proto/pair_record.h"
#include "tests/unit/master_halves.h"

#define TYPE 5000

static struct ms_council_record records[2];

static inline void set_up(void)
{
    begin_world();
    for (int i = 0; i < 2; i++) {
        records[i] = first_record(i);
    }
}

static inline void start(int place)
{
    struct ms_council_record record = records[place];

    if (halves[place].record_size > 0) {
        ck_assert(
            ms_pair_record_read((struct ms_bytes){halves[place].record, halves[place].record_size},
                                &record) == MS_E_OK);
    }
    start_with(place, &record, place == 0 && halves[place].record_size == 0);
}

/* Both halves up, the first active, S = both. */
static inline void make_pair(void)
{
    start(0);
    start(1);
    pass(20 * MS_SEC);
    ck_assert_int_eq(stats_of(0).state, MS_COUNCIL_PAIR);
    ck_assert_int_eq(stats_of(1).state, MS_COUNCIL_SYNC);
}

/* --- the guest --- */

static inline void say(uint32_t slot, struct ms_command command)
{
    send_on(slot, GUEST, 0, &command);
}

/* The last command of that kind that the guest has heard since it looked; NULL = none. */
static inline const struct ms_command *last_of(uint8_t kind)
{
    for (size_t i = heard_count; i > 0; i--) {
        if (heard[i - 1]->event.type == MS_EVENT_RECEIVED && heard[i - 1]->command.kind == kind) {
            return &heard[i - 1]->command;
        }
    }
    return NULL;
}

static inline uint32_t greet(int place, enum ms_role role, uint8_t name)
{
    const struct ms_hello hello = {.role = role,
                                   .version_min = 1,
                                   .version_max = 1,
                                   .features = MS_FEATURES_ALL,
                                   .slots = role == MS_ROLE_SLAVE ? 1 : 0,
                                   .node = {{name}}};
    const uint32_t slot = connect_to(GUEST, place, 0);

    pass(2 * LATENCY);
    say(slot, (struct ms_command){.kind = MS_KIND_HELLO, .body.hello = &hello});
    pass(20 * LATENCY);
    return slot;
}

static inline uint32_t bring_slave(int place)
{
    static const struct ms_announced types[] = {{TYPE, "work"}};
    static const struct ms_announce announce = {1, types};
    const uint32_t slot = greet(place, MS_ROLE_SLAVE, 1);

    say(slot, (struct ms_command){.kind = MS_KIND_ANNOUNCE, .body.announce = &announce});
    pass(10 * LATENCY);
    return slot;
}

static inline void submit(uint32_t slot, uint64_t seq)
{
    say(slot, (struct ms_command){.kind = MS_KIND_SUBMIT,
                                  .id = {.seq = seq},
                                  .type = TYPE,
                                  .attempts_max = 1,
                                  .payload = ms_bytes_of("x")});
    pass(30 * LATENCY);
}

static inline void order(int place, enum ms_order what)
{
    const struct ms_pair_frame hello = {
        .role = MS_ROLE_OPERATOR, .version_min = 1, .version_max = 1, .id = {{7}}};
    const uint32_t slot = connect_to(GUEST, place, 0);

    pass(2 * LATENCY);
    say(slot, (struct ms_command){.kind = MS_KIND_PEER_HELLO, .body.pair = &hello});
    say(slot, (struct ms_command){.kind = MS_KIND_ORDER, .count = what});
    pass(4 * LATENCY);
}

static inline uint64_t commands_at(int place)
{
    struct ms_master_stats stats;

    ck_assert_ptr_nonnull(ms_pair_master(halves[place].pair));
    ms_master_stats(ms_pair_master(halves[place].pair), &stats);
    return stats.commands_count;
}

#endif
