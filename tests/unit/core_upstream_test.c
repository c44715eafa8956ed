#include <signal.h>
#include <stdlib.h>

#include "core_upstream_owner.h"

START_TEST(greets_and_is_welcomed)
{
    ck_assert_int_eq(ms_upstream_deadline(&owner.upstream), now);
    tick();
    struct ms_effect effect = expect(MS_EFFECT_CONNECT);

    ck_assert_str_eq(effect.text, "a:1");
    expect_nothing();
    ck_assert_int_eq(open_peer(1, effect.tag), MS_UPSTREAM_NOTHING);
    effect = expect(MS_EFFECT_SEND);
    ck_assert_int_eq(effect.command.kind, MS_KIND_HELLO);
    ck_assert_uint_eq(effect.command.body.hello->version_max, MS_PROTOCOL_MAX);
    ck_assert(ms_uuid_is_zero(&effect.command.body.hello->token));
    ck_assert_int_eq(owner.upstream.state, MS_UPSTREAM_GREETING);
    ck_assert_int_eq(welcome(1, 3), MS_UPSTREAM_WELCOMED);
    ck_assert_uint_eq(owner.upstream.epoch, 3);
    ck_assert_int_eq(owner.upstream.last_error, MS_E_OK);
}
END_TEST

START_TEST(resumes_with_the_token_and_epoch)
{
    come_up(1, 3);
    step(&(struct ms_event){.type = MS_EVENT_PEER_CLOSED, .peer = 1, .error = MS_E_CLOSED});
    ck_assert_int_eq(owner.news, MS_UPSTREAM_LOST);
    now = ms_upstream_deadline(&owner.upstream);
    tick();
    open_peer(2, expect(MS_EFFECT_CONNECT).tag);
    const struct ms_effect effect = expect(MS_EFFECT_SEND);

    ck_assert_uint_eq(effect.command.body.hello->token.bytes[0], 5);
    ck_assert_uint_eq(effect.command.body.hello->epoch, 3);
    ck_assert_uint_eq(effect.epoch, 3);
}
END_TEST

START_TEST(a_failure_tries_the_next_address_soon_and_a_round_of_them_waits)
{
    static const char *const wanted[] = {"a:1", "b:2", "unix:/tmp/c"};
    ms_time longest = 0;

    for (size_t i = 0; i < 60; i++) {
        tick();
        const struct ms_effect effect = expect(MS_EFFECT_CONNECT);

        ck_assert_str_eq(effect.text, wanted[i % 3]);
        step(&(struct ms_event){
            .type = MS_EVENT_PEER_CLOSED, .tag = effect.tag, .error = MS_E_UNREACHABLE});
        ck_assert_int_eq(owner.upstream.last_error, MS_E_UNREACHABLE);
        const ms_time pause = ms_upstream_deadline(&owner.upstream) - now;

        ck_assert_int_gt(pause, 0);
        /* Whoever waits long for one of two masters would miss that the other one serves. */
        ck_assert_int_le(pause, i == 2 || i % 3 < 2 ? MS_RECONNECT_MIN : MS_RECONNECT_MAX);
        longest = pause > longest ? pause : longest;
        ck_assert_int_eq(tick(), MS_UPSTREAM_NOTHING); /* too early */
        expect_nothing();
        now += pause;
    }
    ck_assert_int_gt(longest, MS_RECONNECT_MAX / 2);
}
END_TEST

START_TEST(after_a_master_that_stayed_the_next_is_tried_at_once)
{
    come_up(1, 1);
    receive_kind(1, 1, MS_KIND_BEAT_ACK);
    step(&(struct ms_event){.type = MS_EVENT_PEER_CLOSED, .peer = 1, .error = MS_E_CLOSED});
    ck_assert_int_eq(ms_upstream_deadline(&owner.upstream), now);
    tick();
    ck_assert_str_eq(expect(MS_EFFECT_CONNECT).text, "b:2");
}
END_TEST

START_TEST(a_host_that_does_not_answer_is_left_for_the_next_and_given_longer_later)
{
    ms_time before = 0;

    for (int round = 0; round < 8; round++) {
        for (int i = 0; i < 3; i++) {
            now = ms_upstream_deadline(&owner.upstream);
            tick();
            expect(MS_EFFECT_CONNECT);
            const ms_time patience = ms_upstream_deadline(&owner.upstream) - now;

            ck_assert_int_ge(patience, before);
            ck_assert_int_le(patience, MS_HELLO_TIMEOUT);
            ck_assert(round > 0 || patience == MS_DIAL_PATIENCE);
            before = patience;
            now += patience;
            tick();
        }
    }
    ck_assert_int_eq(before, MS_HELLO_TIMEOUT);
}
END_TEST

START_TEST(a_single_master_is_waited_for)
{
    teardown();
    begin("a:1");
    tick();
    const struct ms_effect connect = expect(MS_EFFECT_CONNECT);

    ck_assert_int_eq(ms_upstream_deadline(&owner.upstream), now + MS_HELLO_TIMEOUT);
    open_peer(1, connect.tag);
    expect_sent(MS_KIND_HELLO);
    ck_assert_int_eq(ms_upstream_deadline(&owner.upstream), now + MS_RESPONSE_TIMEOUT);
    welcome(1, 1);
    ck_assert_int_eq(owner.upstream.dead_at, now + DEAD);
}
END_TEST

START_TEST(a_late_connection_is_closed)
{
    tick();
    const uint32_t first = expect(MS_EFFECT_CONNECT).tag;

    now += MS_DIAL_PATIENCE;
    ck_assert_int_eq(tick(), MS_UPSTREAM_NOTHING); /* given up */
    expect_nothing();
    now = ms_upstream_deadline(&owner.upstream);
    tick();
    ck_assert_uint_ne(expect(MS_EFFECT_CONNECT).tag, first);
    open_peer(4, first);
    ck_assert_uint_eq(expect(MS_EFFECT_CLOSE).peer, 4);
    step(&(struct ms_event){.type = MS_EVENT_PEER_CLOSED, .tag = first, .error = MS_E_IO});
    ck_assert_int_eq(owner.upstream.state, MS_UPSTREAM_CONNECTING);
}
END_TEST

START_TEST(a_silent_greeting_is_left)
{
    tick();
    open_peer(1, expect(MS_EFFECT_CONNECT).tag);
    expect_sent(MS_KIND_HELLO);
    now += 2 * MS_DIAL_PATIENCE - 1;
    ck_assert_int_eq(tick(), MS_UPSTREAM_NOTHING);
    now++; /* with others to ask; see below for a single one */
    ck_assert_int_eq(tick(), MS_UPSTREAM_REFUSED);
    ck_assert_uint_eq(expect(MS_EFFECT_CLOSE).peer, 1);
    ck_assert_int_eq(owner.upstream.last_error, MS_E_TIMEOUT);
}
END_TEST

/* What a master may say instead of WELCOME, and what is remembered of it. */
static const struct {
    enum ms_kind kind;
    enum ms_error says, remembered;
} refusals[] = {
    {MS_KIND_ERROR, MS_E_TOO_MANY, MS_E_TOO_MANY},
    {MS_KIND_GOAWAY, MS_E_NOT_ACTIVE, MS_E_NOT_ACTIVE},
    {MS_KIND_COMMAND, MS_E_OK, MS_E_ORDER},
    {MS_KIND_WELCOME, MS_E_OK, MS_E_VERSION}, /* without a body */
};

START_TEST(a_refused_greeting_is_retried)
{
    tick();
    open_peer(1, expect(MS_EFFECT_CONNECT).tag);
    expect_sent(MS_KIND_HELLO);
    ck_assert_int_eq(receive(1, 1,
                             &(struct ms_command){.kind = (uint8_t)refusals[_i].kind,
                                                  .error = (uint16_t)refusals[_i].says}),
                     MS_UPSTREAM_REFUSED);
    ck_assert_uint_eq(expect(MS_EFFECT_CLOSE).peer, 1);
    ck_assert_int_eq(owner.upstream.last_error, refusals[_i].remembered);
    ck_assert_int_lt(ms_upstream_deadline(&owner.upstream), now + MS_RECONNECT_MAX);
}
END_TEST

static void fail_to_open(void)
{
    now = ms_upstream_deadline(&owner.upstream);
    tick();
    step(&(struct ms_event){.type = MS_EVENT_PEER_CLOSED,
                            .tag = expect(MS_EFFECT_CONNECT).tag,
                            .error = MS_E_UNREACHABLE});
}

/* Three addresses: a master that pauses, and two where nobody is. */
START_TEST(one_that_answers_is_remembered_until_it_does_not)
{
    tick();
    open_peer(1, expect(MS_EFFECT_CONNECT).tag);
    expect_sent(MS_KIND_HELLO);
    receive(1, 1, &(struct ms_command){.kind = MS_KIND_GOAWAY, .error = MS_E_NOT_ACTIVE});
    expect(MS_EFFECT_CLOSE);
    fail_to_open();
    fail_to_open();
    ck_assert_int_eq(owner.upstream.last_error, MS_E_NOT_ACTIVE);
    fail_to_open();
    ck_assert_int_eq(owner.upstream.last_error, MS_E_UNREACHABLE);
}
END_TEST

START_TEST(beats_at_the_interval_and_answers_beats)
{
    come_up(1, 1);
    for (uint64_t i = 1; i <= 5; i++) {
        now += BEAT;
        ck_assert_int_eq(ms_upstream_deadline(&owner.upstream), now);
        ck_assert_int_eq(tick(), MS_UPSTREAM_NOTHING);
        const struct ms_effect effect = expect(MS_EFFECT_SEND);

        ck_assert_int_eq(effect.command.kind, MS_KIND_BEAT);
        ck_assert_uint_eq(effect.command.count, i);
        receive_kind(1, 1, MS_KIND_BEAT_ACK);
        expect_nothing();
    }
    ck_assert_int_eq(receive_kind(1, 1, MS_KIND_BEAT), MS_UPSTREAM_NOTHING);
    const struct ms_effect effect = expect(MS_EFFECT_SEND);

    ck_assert_int_eq(effect.command.kind, MS_KIND_BEAT_ACK);
    ck_assert_uint_eq(effect.command.count, 9);
}
END_TEST

/* Ticks on time until the upstream gives up; returns when. */
static ms_time tick_until_lost(void)
{
    for (;;) {
        now = ms_upstream_deadline(&owner.upstream);
        if (tick() == MS_UPSTREAM_LOST) {
            ck_assert_uint_ne(expect(MS_EFFECT_CLOSE).peer, MS_PEER_NONE);
            return now;
        }
        expect_sent(MS_KIND_BEAT);
    }
}

START_TEST(silence_loses_the_master_and_any_frame_keeps_it)
{
    come_up_alone(1, 1);
    const ms_time heard = now + DEAD - 1;

    while (ms_upstream_deadline(&owner.upstream) < heard) {
        now = ms_upstream_deadline(&owner.upstream);
        tick();
        expect_sent(MS_KIND_BEAT);
    }
    now = heard;

    ck_assert_int_eq(receive_kind(1, 1, MS_KIND_RESULT_ACK), MS_UPSTREAM_RECEIVED);
    ck_assert_int_eq(tick_until_lost(), heard + DEAD);
    ck_assert_int_eq(owner.upstream.last_error, MS_E_TIMEOUT);
}
END_TEST

START_TEST(the_own_stall_blames_nobody)
{
    come_up_alone(1, 1);
    now += 10 * DEAD;
    ck_assert_int_eq(tick(), MS_UPSTREAM_NOTHING); /* stopped meanwhile; beats at once */
    expect_sent(MS_KIND_BEAT);
    const ms_time woken = now;

    receive_kind(1, 1, MS_KIND_BEAT_ACK); /* had waited to be read */
    ck_assert_int_eq(tick_until_lost(), woken + DEAD);
}
END_TEST

START_TEST(after_a_stall_a_dead_master_is_noticed_soon)
{
    come_up_alone(1, 1);
    now += 10 * DEAD;
    tick();
    expect_sent(MS_KIND_BEAT);
    const ms_time woken = now;

    ck_assert_int_le(tick_until_lost(), woken + BEAT);
}
END_TEST

START_TEST(a_lower_epoch_is_left_and_a_higher_one_adopted)
{
    come_up(1, 5);
    ck_assert_int_eq(receive_kind(1, 8, MS_KIND_RESULT_ACK), MS_UPSTREAM_RECEIVED);
    ck_assert_uint_eq(owner.upstream.epoch, 8);
    ck_assert_int_eq(receive_kind(1, 7, MS_KIND_RESULT_ACK), MS_UPSTREAM_LOST);
    expect(MS_EFFECT_CLOSE);
    ck_assert_int_eq(owner.upstream.last_error, MS_E_STALE_EPOCH);
    ck_assert_uint_eq(owner.upstream.address_at, 1);
    now = ms_upstream_deadline(&owner.upstream);
    tick();
    open_peer(2, expect(MS_EFFECT_CONNECT).tag);
    expect_sent(MS_KIND_HELLO);
    ck_assert_int_eq(welcome(2, 7), MS_UPSTREAM_REFUSED); /* the old master again */
    expect(MS_EFFECT_CLOSE);
}
END_TEST

/* Who serves a newer epoch and sends us away has served it all the same: an older master is told so, and is not believed. */
START_TEST(an_error_raises_the_epoch_too)
{
    come_up(1, 7);
    ck_assert_int_eq(
        receive(1, 9, &(struct ms_command){.kind = MS_KIND_ERROR, .error = MS_E_SESSION_DEAD}),
        MS_UPSTREAM_LOST);
    ck_assert_uint_eq(expect(MS_EFFECT_CLOSE).peer, 1);
    now = ms_upstream_deadline(&owner.upstream);
    tick();
    open_peer(2, expect(MS_EFFECT_CONNECT).tag);
    const struct ms_effect hello = expect(MS_EFFECT_SEND);

    ck_assert_uint_eq(hello.epoch, 9);
    ck_assert_uint_eq(hello.command.body.hello->epoch, 9);
    ck_assert_int_eq(welcome(2, 8), MS_UPSTREAM_REFUSED);
    ck_assert_int_eq(owner.upstream.last_error, MS_E_STALE_EPOCH);
}
END_TEST

/* The reason of a master that was deposed counts, and its epoch does not. */
START_TEST(an_error_of_a_lower_epoch_lowers_nothing)
{
    come_up(1, 7);
    ck_assert_int_eq(
        receive(1, 6, &(struct ms_command){.kind = MS_KIND_ERROR, .error = MS_E_NOT_ACTIVE}),
        MS_UPSTREAM_LOST);
    ck_assert_int_eq(owner.upstream.last_error, MS_E_NOT_ACTIVE);
    ck_assert_uint_eq(owner.upstream.epoch, 7);
}
END_TEST

START_TEST(other_peers_are_none_of_its_business)
{
    come_up(1, 5);
    ck_assert_int_eq(receive_kind(2, 1, MS_KIND_COMMAND), MS_UPSTREAM_NOTHING);
    step(&(struct ms_event){.type = MS_EVENT_PEER_CLOSED, .peer = 2});
    ck_assert_int_eq(owner.news, MS_UPSTREAM_NOTHING);
    ck_assert(ms_upstream_is_up(&owner.upstream));
    expect_nothing();
}
END_TEST

START_TEST(a_dead_session_is_not_resumed)
{
    come_up(1, 1);
    ck_assert_int_eq(
        receive(1, 1, &(struct ms_command){.kind = MS_KIND_ERROR, .error = MS_E_SESSION_DEAD}),
        MS_UPSTREAM_LOST);
    expect(MS_EFFECT_CLOSE);
    ck_assert(ms_uuid_is_zero(&owner.upstream.hello.token));
}
END_TEST

START_TEST(goaway_moves_only_when_the_master_is_not_active)
{
    come_up(1, 1);
    ck_assert_int_eq(
        receive(1, 1, &(struct ms_command){.kind = MS_KIND_GOAWAY, .error = MS_E_DRAINING}),
        MS_UPSTREAM_RECEIVED);
    ck_assert_int_eq(
        receive(1, 1, &(struct ms_command){.kind = MS_KIND_GOAWAY, .error = MS_E_NOT_ACTIVE}),
        MS_UPSTREAM_LOST);
    expect(MS_EFFECT_CLOSE);
}
END_TEST

START_TEST(greeting_frames_have_no_place_later)
{
    come_up(1, 1);
    ck_assert_int_eq(welcome(1, 1), MS_UPSTREAM_LOST);
    expect(MS_EFFECT_CLOSE);
    ck_assert_int_eq(owner.upstream.last_error, MS_E_ORDER);
}
END_TEST

START_TEST(pauses_grow_until_a_master_stays)
{
    for (int i = 0; i < 30; i++) { /* ten rounds */
        come_up((ms_peer)i + 1, 1);
        step(&(struct ms_event){.type = MS_EVENT_PEER_CLOSED, .peer = (ms_peer)i + 1});
    }
    ck_assert_int_eq(owner.upstream.backoff, MS_RECONNECT_MAX);
    come_up(99, 1);
    receive_kind(99, 1, MS_KIND_BEAT_ACK);
    ck_assert_int_eq(owner.upstream.backoff, MS_RECONNECT_MIN);
}
END_TEST

START_TEST(stop_says_bye_and_stays_down)
{
    come_up(1, 1);
    ms_upstream_stop(&owner.upstream);
    expect_sent(MS_KIND_BYE);
    ck_assert_uint_eq(expect(MS_EFFECT_CLOSE).peer, 1);
    ck_assert_int_eq(ms_upstream_deadline(&owner.upstream), MS_TIME_NEVER);
    now += 100 * MS_SEC;
    tick();
    expect_nothing();
}
END_TEST

START_TEST(stop_while_connecting_closes_what_comes)
{
    tick();
    const uint32_t tag = expect(MS_EFFECT_CONNECT).tag;

    ms_upstream_stop(&owner.upstream);
    expect_nothing();
    open_peer(1, tag);
    ck_assert_uint_eq(expect(MS_EFFECT_CLOSE).peer, 1);
}
END_TEST

START_TEST(the_owner_may_give_a_master_up)
{
    come_up(1, 1);
    ms_upstream_fail(&owner.upstream, now, MS_E_ROLE);
    const struct ms_effect effect = expect(MS_EFFECT_SEND);

    ck_assert_int_eq(effect.command.kind, MS_KIND_ERROR);
    ck_assert_uint_eq(effect.command.error, MS_E_ROLE);
    expect(MS_EFFECT_CLOSE);
    ck_assert(!ms_upstream_is_up(&owner.upstream));
}
END_TEST

START_TEST(absurd_intervals_are_bounded)
{
    const struct ms_welcome body = {.version = 1, .beat_interval = 0, .dead_after = -5};

    tick();
    open_peer(1, expect(MS_EFFECT_CONNECT).tag);
    expect_sent(MS_KIND_HELLO);
    ck_assert_int_eq(
        receive(1, 1, &(struct ms_command){.kind = MS_KIND_WELCOME, .body.welcome = &body}),
        MS_UPSTREAM_WELCOMED);
    ck_assert_int_gt(owner.upstream.welcome.beat_interval, 0);
    ck_assert_int_ge(owner.upstream.welcome.dead_after, 2 * owner.upstream.welcome.beat_interval);
}
END_TEST

START_TEST(sending_when_down_is_a_programmer_error)
{
    ms_upstream_send(&owner.upstream, &(struct ms_command){.kind = MS_KIND_PULL});
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("core_upstream");
    TCase *tests = tcase_create("upstream");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, greets_and_is_welcomed);
    tcase_add_test(tests, resumes_with_the_token_and_epoch);
    tcase_add_test(tests, a_failure_tries_the_next_address_soon_and_a_round_of_them_waits);
    tcase_add_test(tests, after_a_master_that_stayed_the_next_is_tried_at_once);
    tcase_add_test(tests, a_host_that_does_not_answer_is_left_for_the_next_and_given_longer_later);
    tcase_add_test(tests, a_single_master_is_waited_for);
    tcase_add_test(tests, a_late_connection_is_closed);
    tcase_add_test(tests, a_silent_greeting_is_left);
    tcase_add_loop_test(tests, a_refused_greeting_is_retried, 0,
                        (int)(sizeof refusals / sizeof refusals[0]));
    tcase_add_test(tests, one_that_answers_is_remembered_until_it_does_not);
    tcase_add_test(tests, beats_at_the_interval_and_answers_beats);
    tcase_add_test(tests, silence_loses_the_master_and_any_frame_keeps_it);
    tcase_add_test(tests, the_own_stall_blames_nobody);
    tcase_add_test(tests, after_a_stall_a_dead_master_is_noticed_soon);
    tcase_add_test(tests, a_lower_epoch_is_left_and_a_higher_one_adopted);
    tcase_add_test(tests, an_error_raises_the_epoch_too);
    tcase_add_test(tests, an_error_of_a_lower_epoch_lowers_nothing);
    tcase_add_test(tests, other_peers_are_none_of_its_business);
    tcase_add_test(tests, a_dead_session_is_not_resumed);
    tcase_add_test(tests, goaway_moves_only_when_the_master_is_not_active);
    tcase_add_test(tests, greeting_frames_have_no_place_later);
    tcase_add_test(tests, pauses_grow_until_a_master_stays);
    tcase_add_test(tests, stop_says_bye_and_stays_down);
    tcase_add_test(tests, stop_while_connecting_closes_what_comes);
    tcase_add_test(tests, the_owner_may_give_a_master_up);
    tcase_add_test(tests, absurd_intervals_are_bounded);
    tcase_add_test_raise_signal(tests, sending_when_down_is_a_programmer_error, SIGABRT);
    suite_add_tcase(suite, tests);

    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
