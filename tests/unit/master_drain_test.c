/* Shutting down: nothing new, the rest to its end, goodbye to all. */
#include "master_crowd.h"
#include "master_returning.h"

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

START_TEST(a_durable_master_leaves_commands_to_its_successor)
{
    struct script s;
    struct shelf shelf;

    setup_durable(&s, &shelf);
    slave_durably(&s, 1, 1);
    client(&s, 2, 2);
    pull(&s, 1, 1);
    for (uint64_t seq = 1; seq <= 3; seq++) {
        submit(&s, 2, seq, "x");
    }
    commit(&s);
    stop(&s);
    settle_down(&s);
    ck_assert_ptr_null(stopped(&s)); /* one is in a slave's hands */
    pull(&s, 1, 5);
    ck_assert_ptr_null(find(&s, MS_KIND_COMMAND)); /* the others wait for the next start */
    result(&s, 1, s.last_token, MS_STATUS_OK, "y");
    settle_down(&s);
    ck_assert_ptr_null(stopped(&s)); /* its outcome is not durable */
    commit(&s);
    want(&s, MS_KIND_OUTCOME);
    settle_down(&s);
    ck_assert_ptr_nonnull(stopped(&s));
    ck_assert_int_eq(stopped(&s)->effect.error, MS_E_OK);
    restart(&s);
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_READY], 2);
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_DONE], 1);
    teardown_durable(&s);
}
END_TEST

START_TEST(what_only_its_memory_has_holds_it_back)
{
    struct script s;
    struct shelf shelf;

    setup_durable(&s, &shelf);
    slave_durably(&s, 1, 1);
    client(&s, 2, 2);
    struct ms_command command = submission(1, "x");

    command.flags = MS_FLAG_DURABILITY;
    receive(&s, 2, &command);
    submit(&s, 2, 2, "x");
    commit(&s);
    stop(&s);
    settle_down(&s);
    ck_assert_ptr_null(stopped(&s));
    pull(&s, 1, 2);
    ck_assert_uint_eq(count_of(&s, MS_KIND_COMMAND), 1);
    result(&s, 1, s.last_token, MS_STATUS_OK, "y");
    confirm(&s, 2, 1, 1);
    settle_down(&s);
    ck_assert_int_eq(stopped(&s)->effect.error, MS_E_OK);
    teardown_durable(&s);
}
END_TEST

START_TEST(what_does_not_become_durable_is_not_waited_for_without_end)
{
    struct script s;
    struct shelf shelf;

    setup_durable(&s, &shelf);
    slave_durably(&s, 1, 1);
    client(&s, 2, 2);
    commit(&s);
    submit(&s, 2, 1, "x");
    step(&s, &(struct ms_event){.type = MS_EVENT_ROOM, .count = 0}); /* the disk is full */
    ck_assert(stats_of(&s).is_store_full);
    stop(&s);
    settle_down(&s);
    ck_assert_ptr_null(stopped(&s));
    ck_assert_ptr_null(find(&s, MS_KIND_SUBMIT_ACK));
    tick_at(&s, s.now + MS_DRAIN_TIMEOUT_DEFAULT - 1);
    ck_assert_ptr_null(stopped(&s));
    tick_at(&s, s.now + 1);
    ck_assert_int_eq(stopped(&s)->effect.error, MS_E_STORE_FULL);
    ck_assert_ptr_null(find(&s, MS_KIND_SUBMIT_ACK));
    teardown_durable(&s);
}
END_TEST

START_TEST(a_disk_that_is_only_slow_is_told_from_a_full_one)
{
    struct script s;
    struct shelf shelf;

    setup_durable(&s, &shelf);
    slave_durably(&s, 1, 1);
    client(&s, 2, 2);
    commit(&s);
    submit(&s, 2, 1, "x");
    ck_assert(!stats_of(&s).is_store_full);
    stop(&s);
    settle_down(&s);
    tick_at(&s, s.now + MS_DRAIN_TIMEOUT_DEFAULT);
    ck_assert_int_eq(stopped(&s)->effect.error, MS_E_TIMEOUT);
    teardown_durable(&s);
}
END_TEST

TESTS(an_idle_master_stops_at_once, it_waits_for_what_is_here, but_not_for_ever,
      the_second_order_is_obeyed_at_once, many_are_told_in_bounded_steps,
      a_durable_master_leaves_commands_to_its_successor, what_only_its_memory_has_holds_it_back,
      what_does_not_become_durable_is_not_waited_for_without_end,
      a_disk_that_is_only_slow_is_told_from_a_full_one)
