/* A connection that is parked at another master, beside the one in use. */
#include <stdlib.h>

#include "core/upstream_private.h"
#include "core_upstream_owner.h"

static void set_up_parking(void)
{
    begin("a:1,b:2");
    owner.upstream.is_parking = true;
}

/* Beats, which are answered, until it connects to somebody else; the tag. */
static struct ms_effect beat_until_dialled(void)
{
    struct ms_effect effect;

    for (;;) {
        now = ms_upstream_deadline(&owner.upstream);
        ck_assert_int_eq(tick(), MS_UPSTREAM_NOTHING);
        while (ms_engine_poll(&owner.engine, &effect)) {
            if (effect.type == MS_EFFECT_CONNECT) {
                return effect;
            }
            ck_assert_int_eq(effect.command.kind, MS_KIND_BEAT);
        }
        receive(
            owner.upstream.peer, owner.upstream.epoch,
            &(struct ms_command){.kind = MS_KIND_BEAT_ACK, .count = owner.upstream.beats_count});
    }
}

/* In use: peer 1 at a:1; parked: peer 2 at b:2. */
static void park(void)
{
    come_up(1, 1);
    const struct ms_effect connect = beat_until_dialled();

    ck_assert_str_eq(connect.text, "b:2");
    ck_assert_int_eq(open_peer(2, connect.tag), MS_UPSTREAM_NOTHING);
    ck_assert_uint_eq(expect(MS_EFFECT_KEEP).peer, 2);
    expect_nothing(); /* not a word */
}

static enum ms_upstream_news lose(ms_peer peer)
{
    return step(
        &(struct ms_event){.type = MS_EVENT_PEER_CLOSED, .peer = peer, .error = MS_E_CLOSED});
}

START_TEST(it_is_dialled_in_a_while)
{
    ms_time least = MS_TIME_NEVER, most = 0;

    for (uint64_t seed = 1; seed < 50; seed++) {
        teardown();
        set_up_parking();
        ms_rng_init(&owner.rng, seed);
        come_up(1, 1);
        const ms_time begun = now;

        beat_until_dialled();
        least = now - begun < least ? now - begun : least;
        most = now - begun > most ? now - begun : most;
    }
    ck_assert_int_le(most, MS_PARK_SPREAD);
    ck_assert_int_gt(most - least, MS_PARK_SPREAD / 2); /* many do not come together */
}
END_TEST

START_TEST(when_the_one_in_use_ends_hello_goes_there_at_once)
{
    park();
    ck_assert_int_eq(lose(1), MS_UPSTREAM_LOST);
    const struct ms_effect hello = expect(MS_EFFECT_SEND);

    ck_assert_uint_eq(hello.peer, 2);
    ck_assert_int_eq(hello.command.kind, MS_KIND_HELLO);
    expect_nothing();
    ck_assert_int_eq(welcome(2, 2), MS_UPSTREAM_WELCOMED);
    expect_nothing();
    ck_assert_str_eq(beat_until_dialled().text, "a:1"); /* and another is parked at the former */
}
END_TEST

START_TEST(a_late_master_is_left_on_it)
{
    struct ms_effect effect = {0};

    park();
    while (effect.type != MS_EFFECT_SEND || effect.command.kind != MS_KIND_HELLO) {
        now = ms_upstream_deadline(&owner.upstream);
        ck_assert_int_eq(tick(), MS_UPSTREAM_NOTHING);
        while (ms_engine_poll(&owner.engine, &effect) && effect.command.kind != MS_KIND_HELLO) {
            ck_assert_int_ne(effect.type, MS_EFFECT_CONNECT);
        }
    }
    ck_assert_uint_eq(effect.peer, 2);
    ck_assert_int_eq(welcome(2, 2), MS_UPSTREAM_MOVED);
    ck_assert_uint_eq(expect(MS_EFFECT_CLOSE).peer, 1);
}
END_TEST

START_TEST(it_stays_while_the_master_in_use_speaks)
{
    park();
    for (int i = 0; i < 100; i++) {
        now = ms_upstream_deadline(&owner.upstream);
        tick();
        expect_sent(MS_KIND_BEAT);
        receive_kind(1, 1, MS_KIND_COMMAND);
        expect_nothing();
    }
    ck_assert_uint_eq(owner.upstream.second.peer, 2);
}
END_TEST

START_TEST(one_that_ends_is_dialled_again_with_growing_pauses)
{
    ms_time longest = 0;

    park();
    for (int i = 0; i < 12; i++) {
        const ms_time begun = now;

        lose(2 + (ms_peer)i);
        expect_nothing();
        const struct ms_effect connect = beat_until_dialled();

        longest = now - begun > longest ? now - begun : longest;
        open_peer(3 + (ms_peer)i, connect.tag);
        expect(MS_EFFECT_KEEP);
    }
    ck_assert_int_gt(longest, MS_PARK_RETRY_MAX / 10);
    ck_assert_int_le(longest, MS_PARK_RETRY_MAX + BEAT);
    ck_assert(ms_upstream_is_up(&owner.upstream));
}
END_TEST

/* Whoever does not bear the silent says so; that is nobody's loss. */
START_TEST(what_is_said_there_ends_it)
{
    park();
    ck_assert_int_eq(
        receive(2, 0, &(struct ms_command){.kind = MS_KIND_ERROR, .error = MS_E_TIMEOUT}),
        MS_UPSTREAM_NOTHING);
    ck_assert_uint_eq(expect(MS_EFFECT_CLOSE).peer, 2);
    ck_assert(ms_upstream_is_up(&owner.upstream));
    ck_assert_uint_eq(owner.upstream.second.peer, MS_PEER_NONE);
}
END_TEST

START_TEST(one_that_was_dead_is_dialled_at_once)
{
    park();
    lose(1);
    expect_sent(MS_KIND_HELLO);
    ck_assert_int_eq(lose(2), MS_UPSTREAM_NOTHING);
    ck_assert_int_eq(ms_upstream_deadline(&owner.upstream), now);
    tick();
    ck_assert_str_eq(expect(MS_EFFECT_CONNECT).text, "b:2");
}
END_TEST

START_TEST(whoever_is_named_is_preferred)
{
    const struct ms_command away = {
        .kind = MS_KIND_ERROR, .error = MS_E_NOT_ACTIVE, .detail = ms_bytes_of("c:3")};

    teardown();
    begin("a:1,b:2,c:3");
    owner.upstream.is_parking = true;
    park();
    ck_assert_int_eq(receive(1, 1, &away), MS_UPSTREAM_LOST);
    ck_assert_uint_eq(expect(MS_EFFECT_CLOSE).peer, 1);
    ck_assert_uint_eq(expect(MS_EFFECT_CLOSE).peer, 2);
    now = ms_upstream_deadline(&owner.upstream);
    tick();
    ck_assert_str_eq(expect(MS_EFFECT_CONNECT).text, "c:3");
}
END_TEST

START_TEST(stop_closes_both)
{
    park();
    ms_engine_step(&owner.engine, now, &(struct ms_event){.type = MS_EVENT_RELOAD});
    ms_upstream_stop(&owner.upstream);
    expect_sent(MS_KIND_BYE);
    ck_assert_uint_eq(expect(MS_EFFECT_CLOSE).peer, 1);
    ck_assert_uint_eq(expect(MS_EFFECT_CLOSE).peer, 2);
}
END_TEST

START_TEST(with_one_address_there_is_none)
{
    come_up_alone(1, 1);
    for (int i = 0; i < 100; i++) {
        now = ms_upstream_deadline(&owner.upstream);
        tick();
        expect_sent(MS_KIND_BEAT);
        expect_nothing();
        receive_kind(1, 1, MS_KIND_BEAT_ACK);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("core/upstream parked");
    TCase *tests = tcase_create("parked");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tests, set_up_parking, teardown);
    tcase_add_test(tests, it_is_dialled_in_a_while);
    tcase_add_test(tests, when_the_one_in_use_ends_hello_goes_there_at_once);
    tcase_add_test(tests, a_late_master_is_left_on_it);
    tcase_add_test(tests, it_stays_while_the_master_in_use_speaks);
    tcase_add_test(tests, one_that_ends_is_dialled_again_with_growing_pauses);
    tcase_add_test(tests, what_is_said_there_ends_it);
    tcase_add_test(tests, one_that_was_dead_is_dialled_at_once);
    tcase_add_test(tests, whoever_is_named_is_preferred);
    tcase_add_test(tests, stop_closes_both);
    tcase_add_test(tests, with_one_address_there_is_none);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
