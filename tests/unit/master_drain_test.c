/* Shutting down: nothing new, the rest to its end, goodbye to all. */
#include "master_crowd.h"

static void stop(struct script *s)
{
    step(s, &(struct ms_event){.type = MS_EVENT_STOP});
}

static const struct sent *stopped(const struct script *s)
{
    for (size_t i = 0; i < s->count; i++) {
        if (s->sent[i].effect.type == MS_EFFECT_STOPPED) {
            return &s->sent[i];
        }
    }
    return NULL;
}

START_TEST(an_idle_master_stops_at_once)
{
    struct script s;

    setup(&s);
    slave(&s, 1, 1);
    stop(&s);
    settle_down(&s);
    ck_assert_uint_eq(count_of(&s, MS_KIND_GOAWAY), 1);
    ck_assert_ptr_nonnull(stopped(&s));
    ck_assert_int_eq(stopped(&s)->effect.error, MS_E_OK);
    ck_assert(stats_of(&s).is_stopped);
    stop(&s);
    ck_assert_ptr_null(stopped(&s));
    teardown(&s);
}
END_TEST

START_TEST(it_waits_for_what_is_here)
{
    struct script s;

    setup(&s);
    slave(&s, 1, 1);
    client(&s, 2, 2);
    client(&s, 3, 3);
    submit(&s, 2, 1, "x");
    stop(&s);
    settle_down(&s);
    ck_assert_uint_eq(count_of(&s, MS_KIND_GOAWAY), 1);
    ck_assert_uint_eq(want(&s, MS_KIND_GOAWAY)->effect.peer, 3);
    ck_assert_uint_eq(want(&s, MS_KIND_GOAWAY)->effect.command.error, MS_E_DRAINING);
    ck_assert_ptr_null(stopped(&s));
    submit(&s, 2, 2, "y");
    ck_assert_uint_eq(want(&s, MS_KIND_SUBMIT_NAK)->effect.command.error, MS_E_DRAINING);
    pull(&s, 1, 1);
    result(&s, 1, token_of(want(&s, MS_KIND_COMMAND)), MS_STATUS_OK, "z");
    want(&s, MS_KIND_OUTCOME);
    ck_assert_int_gt(ms_engine_deadline(s.engine), s.now);
    confirm(&s, 2, 1, 1);
    settle_down(&s);
    ck_assert_uint_eq(count_of(&s, MS_KIND_GOAWAY), 3);
    ck_assert_int_eq(stopped(&s)->effect.error, MS_E_OK);
    teardown(&s);
}
END_TEST

START_TEST(but_not_for_ever)
{
    struct script s;

    setup_with(&s, &(struct ms_master_config){.epoch = EPOCH, .drain_timeout = 100 * MS_MSEC});
    slave(&s, 1, 1);
    client(&s, 2, 2);
    submit(&s, 2, 1, "x");
    stop(&s);
    settle_down(&s);
    ck_assert_int_eq(ms_engine_deadline(s.engine), s.now + 100 * MS_MSEC);
    tick_at(&s, s.now + 100 * MS_MSEC);
    ck_assert_int_eq(stopped(&s)->effect.error, MS_E_TIMEOUT);
    teardown(&s);
}
END_TEST

START_TEST(the_second_order_is_obeyed_at_once)
{
    struct script s;

    setup(&s);
    slave(&s, 1, 1);
    client(&s, 2, 2);
    submit(&s, 2, 1, "x");
    stop(&s);
    stop(&s);
    ck_assert_int_eq(stopped(&s)->effect.error, MS_E_CANCELLED);
    teardown(&s);
}
END_TEST

START_TEST(many_are_told_in_bounded_steps)
{
    enum { COUNT = 3000 };
    struct script s;

    setup(&s);
    for (ms_peer peer = 1; peer <= COUNT; peer++) {
        greet_quietly(&s, peer);
    }
    stop(&s);
    settle_down(&s);
    ck_assert_uint_eq(count_of(&s, MS_KIND_GOAWAY), COUNT);
    ck_assert_ptr_nonnull(stopped(&s));
    teardown(&s);
}
END_TEST

TESTS(an_idle_master_stops_at_once, it_waits_for_what_is_here, but_not_for_ever,
      the_second_order_is_obeyed_at_once, many_are_told_in_bounded_steps)
