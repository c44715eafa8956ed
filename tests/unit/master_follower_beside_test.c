/* A copy that is taken beside what the follower has. */
#include "master_following.h"

static const struct ms_effect *want_clear(enum ms_clear how)
{
    const struct ms_effect *effect = stream_want(stream, MS_EFFECT_CLEAR, MS_KIND_NONE);

    ck_assert_uint_eq(effect->seq, how);
    return effect;
}

static void answer(bool has_no_room)
{
    ms_follower_cleared(follower, has_no_room);
    stream_step(stream);
}

/* What was served here in epoch 33 is worth something. */
static void begin_beside(uint64_t number, ms_seq seq)
{
    ms_follower_treasure(follower, true);
    follow(33);
    ck_assert(begin(number, seq, 1));
    ck_assert_int_eq(ms_follower_news(follower), MS_FOLLOWER_NOTHING);
    ck_assert_uint_eq(want_clear(MS_CLEAR_BESIDE)->count, 33);
    answer(false);
    ck_assert(ms_follower_is_beside(follower));
    want_ack(number, 0);
    copied = 0;
}

static void copy_whole(void)
{
    stream_put(stream, 60);
    ck_assert(copy_of());
    stream_want(stream, MS_EFFECT_PERSIST, MS_KIND_NONE);
    ck_assert(copy_ends(4, 60));
    stream_want_nothing(stream);
    persisted(60);
}

START_TEST(it_takes_the_place_when_it_is_whole)
{
    begin_beside(4, 60);
    copy_whole();
    ck_assert_uint_eq(want_clear(MS_CLEAR_ADOPT)->count, 33);
    want_ack(4, 60); /* of the copy: nothing is said of what is whole */
    ck_assert(!ms_follower_is_complete(follower));
    stream_put(stream, 61); /* the log goes on meanwhile */
    ck_assert(log_of(5, 61));
    stream_want(stream, MS_EFFECT_PERSIST, MS_KIND_NONE);
    ck_assert_uint_eq(ms_follower_durable(follower), 0);
    answer(false);
    ck_assert(!ms_follower_is_beside(follower));
    ck_assert(ms_follower_is_complete(follower));
    ck_assert_int_eq(ms_follower_news(follower), MS_FOLLOWER_COMPLETE);
    want_ack(5, 60);
    persisted(61);
    want_ack(5, 61);
}
END_TEST

START_TEST(the_connection_may_be_lost_before_it_is_answered)
{
    begin_beside(4, 60);
    copy_whole();
    want_clear(MS_CLEAR_ADOPT);
    ms_follower_leave(follower);
    stream_step(stream);
    answer(false);
    ck_assert(!ms_follower_is_beside(follower));
    follow(33);
    ck_assert(begin(4, 60, 0));
    ck_assert(ms_follower_is_complete(follower));
    ck_assert_int_eq(ms_follower_news(follower), MS_FOLLOWER_COMPLETE);
}
END_TEST

START_TEST(a_copy_begun_anew_empties_what_is_beside)
{
    begin_beside(4, 60);
    stream_put(stream, 60);
    ck_assert(copy_of());
    ck_assert(begin(6, 62, 1));
    ck_assert_int_eq(ms_follower_news(follower), MS_FOLLOWER_NOTHING);
    ck_assert_uint_eq(want_clear(MS_CLEAR_ALL)->count, 0);
    answer(false);
    ck_assert(ms_follower_is_beside(follower));
    want_ack(6, 0);
}
END_TEST

/* The owner has to know, and then it is as it would be without anything of worth. */
START_TEST(without_room_it_takes_the_place_at_once)
{
    ms_follower_treasure(follower, true);
    follow(33);
    ck_assert(begin(4, 60, 1));
    want_clear(MS_CLEAR_BESIDE);
    answer(true);
    ck_assert(!ms_follower_is_beside(follower));
    ck_assert(ms_follower_is_cramped(follower));
    ck_assert_int_eq(ms_follower_news(follower), MS_FOLLOWER_INCOMPLETE);
    stream_want_nothing(stream);
    ms_follower_treasure(follower, false);
    ms_follower_go_on(follower);
    stream_step(stream);
    ck_assert_uint_eq(want_clear(MS_CLEAR_ALL)->count, 33);
    answer(false);
    want_ack(4, 0);
    copy_whole();
    ck_assert(ms_follower_is_complete(follower));
}
END_TEST

START_TEST(who_serves_does_so_with_what_there_was)
{
    ck_assert(ms_follower_restore(follower)); /* there is nothing else */
    begin_beside(4, 60);
    ms_follower_leave(follower);
    ck_assert(!ms_follower_restore(follower));
    stream_step(stream);
    want_clear(MS_CLEAR_REVERT);
    ck_assert(!ms_follower_restore(follower));
    answer(false);
    ck_assert(ms_follower_restore(follower));
    ck_assert(!ms_follower_is_beside(follower));
}
END_TEST

START_TEST(who_serves_waits_for_what_is_under_way)
{
    ms_follower_treasure(follower, true);
    follow(33);
    ck_assert(begin(4, 60, 1));
    want_clear(MS_CLEAR_BESIDE);
    ms_follower_leave(follower);
    stream_step(stream);
    ck_assert(!ms_follower_restore(follower));
    stream_step(stream);
    stream_want_nothing(stream);
    answer(false);
    ck_assert(!ms_follower_restore(follower));
    stream_step(stream);
    want_clear(MS_CLEAR_REVERT);
    answer(false);
    ck_assert(ms_follower_restore(follower));
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("follower_beside");
    TCase *tests = tcase_create("all");

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, it_takes_the_place_when_it_is_whole);
    tcase_add_test(tests, the_connection_may_be_lost_before_it_is_answered);
    tcase_add_test(tests, a_copy_begun_anew_empties_what_is_beside);
    tcase_add_test(tests, without_room_it_takes_the_place_at_once);
    tcase_add_test(tests, who_serves_does_so_with_what_there_was);
    tcase_add_test(tests, who_serves_waits_for_what_is_under_way);
    suite_add_tcase(all, tests);
    return all;
}

STREAM_MAIN(suite)
