/* The passive's side when it is caught up from what its store has. */
#include "master_following.h"

/* A store of the reign, which was there when the process began. */
static void claim(ms_seq first, ms_seq last)
{
    ms_follower_follow(follower, PEER, EPOCH, 0);
    stream_step(stream);
    want_scan(0);
    stream_put(stream, first);
    stream_put_epoch(stream, first + 1, REIGN);
    scanned(first + 1);
    want_scan(first + 1);
    stream_put(stream, last);
    scanned(last);
    want_scan(last);
    scanned(0);
    const struct ms_effect *effect = stream_want_sent(stream, MS_KIND_FOLLOW_LOG);

    ck_assert_uint_eq(effect->command.token.epoch, 0);
    ck_assert_uint_eq(effect->command.count, REIGN);
    ck_assert_uint_eq(effect->command.id.seq, last);
}

/* The active goes on from there: the store is not emptied. */
static void begin_rest(uint64_t number, ms_seq seq)
{
    ck_assert(begin(number, seq, 3));
    ck_assert_int_eq(ms_follower_news(follower), MS_FOLLOWER_INCOMPLETE);
    stream_want_nothing(stream);
    ms_follower_go_on(follower);
    stream_step(stream);
    want_ack(number, 0);
    stream_want_nothing(stream);
}

/* Of records 10, 11 (the EPOCH) and 20: what that list names lives. */
static bool live_of(const char *list, size_t size, ms_seq upto, uint64_t digest)
{
    return hear(&(struct ms_command){.kind = MS_KIND_LOG_LIVE,
                                     .id.seq = upto,
                                     .count = digest,
                                     .payload = {(const uint8_t *)list, size}});
}

static void put_all(void)
{
    stream_put(stream, 10);
    stream_put_epoch(stream, 11, REIGN);
    stream_put(stream, 20);
}

START_TEST(what_does_not_live_is_erased_and_the_rest_is_copied)
{
    claim(10, 20);
    begin_rest(4, 60);
    stream_put_epoch(stream, 11, REIGN);
    copied = ms_record_digest(0, stream_entries(stream));
    ck_assert(live_of("\12\1", 2, 20, copied)); /* 11 lives */
    want_scan(0);
    put_all();
    scanned(20);
    const struct ms_effect *erased = stream_want(stream, MS_EFFECT_PERSIST, MS_KIND_NONE);

    ck_assert_uint_eq(erased->command.payload.size, 2 * MS_RECORD_HEADER_SIZE);
    want_scan(20);
    scanned(0); /* so all of it is durable */
    want_ack(4, 20);
    stream_put(stream, 60);
    ck_assert(copy_of());
    ck_assert(copy_ends(4, 60));
    ck_assert(!ms_follower_is_complete(follower));
    persisted(60);
    ck_assert(ms_follower_is_complete(follower));
    ck_assert_uint_eq(ms_follower_durable(follower), 60);
}
END_TEST

START_TEST(what_is_not_true_of_the_store_leads_to_a_whole_copy)
{
    claim(10, 20);
    begin_rest(4, 60);
    ck_assert(live_of("\12\1", 2, 20, 4711));
    want_scan(0);
    put_all();
    scanned(20);
    want_scan(20);
    scanned(0);
    ck_assert_int_eq(ms_follower_news(follower), MS_FOLLOWER_REFUSED);
    ck_assert_uint_eq(follow_on(PEER, 0)->command.count, 0);
    ck_assert(begin(4, 60, 1));
    ms_follower_go_on(follower);
    stream_step(stream);
    stream_want(stream, MS_EFFECT_CLEAR, MS_KIND_NONE);
}
END_TEST

START_TEST(what_was_sifted_is_looked_at_again)
{
    claim(10, 20);
    begin_rest(4, 60);
    ck_assert(live_of("", 0, 15, 0));
    want_scan(0);
    put_all();
    scanned(20);
    stream_want(stream, MS_EFFECT_PERSIST, MS_KIND_NONE);
    ms_follower_leave(follower);
    claim(10, 20);
    ck_assert(begin(4, 60, 0) == false); /* the stream is nowhere to go on from */
}
END_TEST

START_TEST(an_answer_that_comes_too_late_is_void)
{
    ms_follower_follow(follower, PEER, EPOCH, 0);
    stream_step(stream);
    want_scan(0);
    ms_follower_leave(follower);
    ms_follower_follow(follower, PEER + 1, EPOCH, 0);
    stream_step(stream);
    ck_assert(!ms_follower_read(follower)); /* one at a time */
    stream_step(stream);
    stream_want_nothing(stream);
    stream_put(stream, 5);
    scanned(5);
    want_scan(0);
}
END_TEST

START_TEST(a_store_that_is_being_emptied_is_not_gone_on_from)
{
    claim(10, 20);
    ck_assert(begin(4, 60, 1)); /* said before the question was heard */
    ms_follower_go_on(follower);
    stream_step(stream);
    stream_want(stream, MS_EFFECT_CLEAR, MS_KIND_NONE);
    (void)ms_follower_news(follower);
    ck_assert(begin(5, 61, 3)); /* the answer */
    ck_assert_int_eq(ms_follower_news(follower), MS_FOLLOWER_REFUSED);
    ms_follower_go_on(follower);
    ms_follower_follow(follower, PEER, EPOCH, 0);
    stream_step(stream);
    ck_assert(!ms_follower_read(follower)); /* not before it is empty */
    stream_step(stream);
    stream_want_nothing(stream);
    ms_follower_cleared(follower, false);
    want_scan(0);
}
END_TEST

START_TEST(lists_that_make_no_sense_are_refused)
{
    claim(10, 20);
    ck_assert(begin(4, 60, 1)); /* it may copy all the same */
    (void)ms_follower_news(follower);
    ck_assert(!live_of("", 0, 20, 0));
    ms_follower_leave(follower);
    follow(0);
    ck_assert(!begin(4, 19, 3)); /* less than there is */
    begin_rest(4, 60);
    ck_assert(!live_of("", 0, 21, 0));
    ck_assert(!live_of("", 0, 0, 0));
    ck_assert(!live_of("\1\0", 2, 20, 0)); /* none */
    ck_assert(!live_of("\1\40", 2, 20, 0));
    ck_assert(!live_of("\1", 1, 20, 0));
    stream_put(stream, 30);
    ck_assert(!copy_of()); /* the lists come first */
    ck_assert(live_of("\1\2", 2, 20, 0));
    ck_assert(!live_of("\1\2", 2, 20, 0));
}
END_TEST

static Suite *suite(void)
{
    Suite *made = suite_create("follower_sift");
    TCase *tests = tcase_create("follower_sift");

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, what_does_not_live_is_erased_and_the_rest_is_copied);
    tcase_add_test(tests, what_is_not_true_of_the_store_leads_to_a_whole_copy);
    tcase_add_test(tests, what_was_sifted_is_looked_at_again);
    tcase_add_test(tests, an_answer_that_comes_too_late_is_void);
    tcase_add_test(tests, a_store_that_is_being_emptied_is_not_gone_on_from);
    tcase_add_test(tests, lists_that_make_no_sense_are_refused);
    suite_add_tcase(made, tests);
    return made;
}

STREAM_MAIN(suite)
