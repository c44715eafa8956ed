/* Seats: a running master hands out by each strategy, and credit that comes and goes leaves no trace. */
#include "master/state.h"
#include "master/slaves.h"
#include "master_frames.h"

#define CLIENT 50u
#define SLAVES 5u

static struct script script;
static struct script *const s = &script;
static uint64_t next_seq;

static void use(const struct ms_strategy *strategy)
{
    struct ms_route_settings item = {
        .pattern = "echo",
        .chain = {.count = 1, .strategies = {strategy}},
    };

    ck_assert(
        ms_master_set_routes(s->master, s->now, &(struct ms_routes){.items = &item, .count = 1}));
    ms_master_check(s->master);
    settle_down(s);
}

/* SLAVES slaves on peers 1 .. SLAVES, with credit for so many commands each, and a client. */
static void begin(const struct ms_strategy *strategy, uint64_t credit)
{
    setup(s);
    next_seq = 1;
    for (ms_peer peer = 1; peer <= SLAVES; peer++) {
        slave(s, peer, (uint8_t)peer);
    }
    use(strategy);
    for (ms_peer peer = 1; credit > 0 && peer <= SLAVES; peer++) {
        pull(s, peer, credit);
    }
    client(s, CLIENT, 50);
}

/* The peer that one more command goes to; 0 = to nobody. Its token is left in s->last_token. */
static ms_peer one_more(void)
{
    submit(s, CLIENT, next_seq++, "x");
    const struct sent *sent = find(s, MS_KIND_COMMAND);

    if (sent == NULL) {
        return 0;
    }
    s->last_token = token_of(sent);
    return sent->effect.peer;
}

START_TEST(round_robin_passes_over_who_has_no_credit)
{
    begin(&ms_strategy_round_robin, 0);
    for (ms_peer peer = 1; peer <= SLAVES; peer++) {
        pull(s, peer, peer == 3 ? 1 : 100);
    }
    for (ms_peer peer = 1; peer <= SLAVES; peer++) {
        ck_assert_uint_eq(one_more(), peer);
    }
    const ms_peer order[] = {1, 2, 4, 5, 1, 2};
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        ck_assert_uint_eq(one_more(), order[i]);
    }
    pull(s, 3, 100); /* it has waited longest */
    ck_assert_uint_eq(one_more(), 3);
    ck_assert_uint_eq(one_more(), 4);
    ck_assert_uint_eq(one_more(), 5);
    teardown(s);
}
END_TEST

START_TEST(round_robin_passes_over_the_dead)
{
    begin(&ms_strategy_round_robin, 100);
    ck_assert_uint_eq(one_more(), 1);
    receive(s, 2, &(struct ms_command){.kind = MS_KIND_BYE});
    close_peer(s, 3);
    ck_assert_uint_eq(one_more(), 4);
    ck_assert_uint_eq(one_more(), 5);
    ck_assert_uint_eq(one_more(), 1);
    teardown(s);
}
END_TEST

START_TEST(nobody_with_credit_is_an_answer)
{
    begin(&ms_strategy_round_robin, 1);
    for (uint32_t i = 0; i < SLAVES; i++) {
        ck_assert_uint_ne(one_more(), 0);
    }
    ck_assert_uint_eq(one_more(), 0);
    pull(s, 4, 1);
    ck_assert_uint_eq(want(s, MS_KIND_COMMAND)->effect.peer, 4);
    teardown(s);
}
END_TEST

START_TEST(least_follows_what_is_in_hand)
{
    uint64_t second = 0;

    begin(&ms_strategy_least, 100);
    for (ms_peer peer = 1; peer <= SLAVES; peer++) {
        ck_assert_uint_eq(one_more(), peer);
        second = peer == 2 ? s->last_token : second;
    }
    result(s, 2, second, MS_STATUS_OK, "");
    ck_assert_uint_eq(one_more(), 2);
    teardown(s);
}
END_TEST

START_TEST(weights_are_heeded_by_a_master)
{
    uint32_t got[SLAVES + 1] = {0};

    begin(&ms_strategy_weighted, 1000);
    for (ms_peer peer = 1; peer <= SLAVES; peer++) {
        ms_slave_of(ms_connections_find(&s->master->connections, peer)->session)->weight =
            (uint32_t)peer;
    }
    for (uint32_t i = 0; i < 150; i++) {
        got[one_more()]++;
    }
    for (uint32_t i = 1; i <= SLAVES; i++) {
        ck_assert_uint_ge(got[i] + 1, 10 * i);
        ck_assert_uint_le(got[i], 10 * i + 1);
    }
    teardown(s);
}
END_TEST

START_TEST(random_serves_everybody)
{
    uint32_t got[SLAVES + 1] = {0};

    begin(&ms_strategy_random, 1000);
    for (uint32_t i = 0; i < 500; i++) {
        got[one_more()]++;
    }
    for (uint32_t i = 1; i <= SLAVES; i++) {
        ck_assert_uint_ge(got[i], 50); /* 5 standard deviations */
        ck_assert_uint_le(got[i], 150);
    }
    teardown(s);
}
END_TEST

/* Strategies change while commands wait and are in hand. */
START_TEST(seats_are_taken_anew)
{
    begin(&ms_strategy_least, 2);
    for (uint32_t i = 0; i < 7; i++) {
        ck_assert_uint_ne(one_more(), 0);
    }
    for (uint32_t i = 0; i < MS_STRATEGIES; i++) {
        if (ms_strategy_at(i)->place == NULL) {
            use(ms_strategy_at(i));
        }
    }
    use(&ms_strategy_any);
    ck_assert_ptr_null(
        ms_slave_of(ms_connections_find(&s->master->connections, 1)->session)->seats.seats);
    for (uint32_t i = 0; i < 3; i++) {
        ck_assert_uint_ne(one_more(), 0);
    }
    ck_assert_uint_eq(one_more(), 0);
    teardown(s);
}
END_TEST

/* A slave that announces anew has new seats; one that is ahead of its credit for a type has them for each. */
START_TEST(announcing_again_takes_other_seats)
{
    begin(&ms_strategy_round_robin, 10);
    announce(s, 1, OTHER, "other");
    for (ms_peer peer = 2; peer <= SLAVES; peer++) {
        ck_assert_uint_eq(one_more(), peer);
    }
    announce(s, 1, ECHO, "echo");
    ck_assert_uint_eq(one_more(), 1);
    teardown(s);
}
END_TEST

TESTS(round_robin_passes_over_who_has_no_credit, round_robin_passes_over_the_dead,
      nobody_with_credit_is_an_answer, least_follows_what_is_in_hand,
      weights_are_heeded_by_a_master, random_serves_everybody, seats_are_taken_anew,
      announcing_again_takes_other_seats)
