/* A master that is late, and others that are tried beside it. */
#include <stdlib.h>

#include "core_upstream_owner.h"

/* Ticks on time until the upstream connects to somebody else; the tag. */
static uint32_t tick_until_second(void)
{
    struct ms_effect effect;

    for (;;) {
        now = ms_upstream_deadline(&owner.upstream);
        ck_assert_int_eq(tick(), MS_UPSTREAM_NOTHING);
        while (ms_engine_poll(&owner.engine, &effect)) {
            if (effect.type == MS_EFFECT_CONNECT) {
                ck_assert_str_ne(effect.text, "a:1");
                return effect.tag;
            }
            ck_assert_int_eq(effect.type, MS_EFFECT_SEND);
        }
    }
}

START_TEST(a_late_master_is_left_for_one_that_answers)
{
    come_up(1, 1);
    const ms_time heard = now;
    const uint32_t tag = tick_until_second();

    ck_assert_int_eq(now, heard + 2 * BEAT);
    ck_assert_int_eq(open_peer(2, tag), MS_UPSTREAM_NOTHING);
    ck_assert_uint_eq(expect(MS_EFFECT_SEND).peer, 2);
    ck_assert_int_eq(welcome(2, 2), MS_UPSTREAM_MOVED);
    ck_assert_uint_eq(expect(MS_EFFECT_CLOSE).peer, 1);
    expect_nothing();
    ck_assert(ms_upstream_is_up(&owner.upstream));
    ck_assert_uint_eq(owner.upstream.epoch, 2);
    ck_assert_int_eq(receive_kind(1, 1, MS_KIND_COMMAND), MS_UPSTREAM_NOTHING);
    ck_assert_int_eq(receive_kind(2, 2, MS_KIND_COMMAND), MS_UPSTREAM_RECEIVED);
}
END_TEST

START_TEST(a_late_master_that_speaks_is_kept)
{
    come_up(1, 1);
    const uint32_t tag = tick_until_second();

    open_peer(2, tag);
    expect_sent(MS_KIND_HELLO);
    ck_assert_int_eq(receive_kind(1, 1, MS_KIND_COMMAND), MS_UPSTREAM_RECEIVED);
    ck_assert_uint_eq(expect(MS_EFFECT_CLOSE).peer, 2);
    ck_assert_int_eq(welcome(2, 2), MS_UPSTREAM_NOTHING); /* too late */
    ck_assert_uint_eq(owner.upstream.peer, 1);
    /* Opened after it was given up. */
    const uint32_t other = tick_until_second();

    receive_kind(1, 1, MS_KIND_BEAT_ACK);
    open_peer(3, other);
    ck_assert_uint_eq(expect(MS_EFFECT_CLOSE).peer, 3);
}
END_TEST

START_TEST(whoever_is_not_active_is_asked_again)
{
    come_up(1, 1);
    for (ms_peer peer = 2; peer < 5; peer++) {
        const uint32_t tag = tick_until_second();

        if (peer == 3) {
            ck_assert_int_eq(step(&(struct ms_event){
                                 .type = MS_EVENT_PEER_CLOSED, .tag = tag, .error = MS_E_CLOSED}),
                             MS_UPSTREAM_NOTHING);
            continue;
        }
        open_peer(peer, tag);
        expect_sent(MS_KIND_HELLO);
        ck_assert_int_eq(
            receive(peer, 0, &(struct ms_command){.kind = MS_KIND_ERROR, .error = MS_E_NOT_ACTIVE}),
            MS_UPSTREAM_NOTHING);
        ck_assert_uint_eq(expect(MS_EFFECT_CLOSE).peer, peer);
    }
    const uint32_t tag = tick_until_second();

    open_peer(9, tag);
    expect_sent(MS_KIND_HELLO);
    ck_assert_int_eq(welcome(9, 0), MS_UPSTREAM_NOTHING); /* of an epoch that is over */
    expect(MS_EFFECT_CLOSE);
    ck_assert_uint_eq(owner.upstream.peer, 1);
}
END_TEST

START_TEST(an_own_stall_makes_nobody_late)
{
    struct ms_effect effect;

    come_up(1, 1);
    now += 3 * BEAT;
    ck_assert_int_eq(tick(), MS_UPSTREAM_NOTHING);
    while (ms_engine_poll(&owner.engine, &effect)) {
        ck_assert_int_ne(effect.type, MS_EFFECT_CONNECT);
    }
}
END_TEST

static ms_time sure_for(void)
{
    return DEAD - BEAT;
}

START_TEST(is_sure_of_a_master_as_long_as_its_answers_are_young)
{
    teardown();
    begin("a:1");
    come_up(1, 1);
    const ms_time greeted = now;

    now = greeted + BEAT;
    ck_assert_int_eq(tick(), MS_UPSTREAM_NOTHING);
    expect_sent(MS_KIND_BEAT);
    now = greeted + sure_for() - 1;
    ck_assert(ms_upstream_is_sure(&owner.upstream, now));
    receive_kind(1, 1, MS_KIND_COMMAND); /* says nothing of what it has heard of us */
    now++;
    ck_assert(!ms_upstream_is_sure(&owner.upstream, now));
    /* The answer to an old beat is as old as that. */
    receive(1, 1, &(struct ms_command){.kind = MS_KIND_BEAT_ACK, .count = 1});
    ck_assert(ms_upstream_is_sure(&owner.upstream, now));
    ck_assert(!ms_upstream_is_sure(&owner.upstream, greeted + BEAT + sure_for()));
}
END_TEST

START_TEST(a_stalled_one_is_not_sure_until_a_new_beat_is_answered)
{
    teardown();
    begin("a:1");
    come_up(1, 1);
    now += BEAT;
    tick();
    expect_sent(MS_KIND_BEAT);
    now += DEAD;
    receive(1, 1, &(struct ms_command){.kind = MS_KIND_BEAT_ACK, .count = 1}); /* lay there */
    ck_assert(!ms_upstream_is_sure(&owner.upstream, now));
    ck_assert_int_eq(tick(), MS_UPSTREAM_NOTHING);
    expect_sent(MS_KIND_BEAT);
    receive(1, 1, &(struct ms_command){.kind = MS_KIND_BEAT_ACK, .count = 2});
    ck_assert(ms_upstream_is_sure(&owner.upstream, now));
    step(&(struct ms_event){.type = MS_EVENT_PEER_CLOSED, .peer = 1, .error = MS_E_CLOSED});
    ck_assert(!ms_upstream_is_sure(&owner.upstream, now));
}
END_TEST

START_TEST(a_late_welcome_is_followed_by_a_beat)
{
    teardown();
    begin("a:1");
    now = ms_upstream_deadline(&owner.upstream);
    tick();
    open_peer(1, expect(MS_EFFECT_CONNECT).tag);
    expect_sent(MS_KIND_HELLO);
    now += sure_for();
    ck_assert_int_eq(welcome(1, 1), MS_UPSTREAM_WELCOMED);
    ck_assert(!ms_upstream_is_sure(&owner.upstream, now));
    ck_assert_int_eq(ms_upstream_deadline(&owner.upstream), now);
    tick();
    expect_sent(MS_KIND_BEAT);
    receive(1, 1, &(struct ms_command){.kind = MS_KIND_BEAT_ACK, .count = 1});
    ck_assert(ms_upstream_is_sure(&owner.upstream, now));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("core_upstream_late");
    TCase *tests = tcase_create("late");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_late_master_is_left_for_one_that_answers);
    tcase_add_test(tests, a_late_master_that_speaks_is_kept);
    tcase_add_test(tests, whoever_is_not_active_is_asked_again);
    tcase_add_test(tests, an_own_stall_makes_nobody_late);
    tcase_add_test(tests, is_sure_of_a_master_as_long_as_its_answers_are_young);
    tcase_add_test(tests, a_stalled_one_is_not_sure_until_a_new_beat_is_answered);
    tcase_add_test(tests, a_late_welcome_is_followed_by_a_beat);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
