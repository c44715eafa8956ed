/* The active's side when the peer is caught up from what its store has. */
#include "master_mirroring.h"

/* The peer says what is in its store. */
static bool follow_with(ms_epoch reign, ms_seq seq)
{
    const struct ms_command command = {.kind = MS_KIND_FOLLOW_LOG, .count = reign, .id.seq = seq};

    return ms_mirror_hear(mirror, REIGN, &command);
}

START_TEST(what_the_peer_has_is_listed_and_the_rest_is_copied)
{
    struct ms_mirror_stats stats;

    append(); /* 101 */
    ck_assert(follow_with(REIGN, 90));
    pump();
    ck_assert_uint_eq(stream_want_sent(stream, MS_KIND_LOG_BEGIN)->command.flags, 3);
    ck_assert(ack(1, 0));
    pump();
    ck_assert_uint_eq(stream_want(stream, MS_EFFECT_SCAN, MS_KIND_NONE)->seq, 0);
    stream_put(stream, 40);
    stream_put(stream, 41);
    scanned(41);
    pump();
    ck_assert_uint_eq(stream_want(stream, MS_EFFECT_SCAN, MS_KIND_NONE)->seq, 41);
    stream_put(stream, 90);
    stream_put(stream, 101);
    scanned(101);
    pump();
    const struct ms_command *list = &stream_want_sent(stream, MS_KIND_LOG_LIVE)->command;

    ck_assert_uint_eq(list->id.seq, 90);
    ck_assert_uint_eq(list->payload.size, 4);
    ck_assert_int_eq(memcmp(list->payload.data, "\47\2\60\1", 4), 0);
    stream_want_nothing(stream); /* until it is done with that */
    ck_assert(ack(1, 90));
    pump();
    ck_assert_uint_eq(stream_want(stream, MS_EFFECT_SCAN, MS_KIND_NONE)->seq, 90);
    stream_put(stream, 101);
    scanned(101);
    pump();
    stream_want_sent(stream, MS_KIND_LOG_COPY);
    ms_mirror_stats(mirror, &stats);
    ck_assert_uint_eq(stats.catchups_total, 1);
    ck_assert_uint_eq(stats.copies_total, 0);
}
END_TEST

START_TEST(a_store_of_another_reign_is_copied)
{
    ck_assert(follow_with(REIGN - 1, 90));
    pump();
    ck_assert_uint_eq(stream_want_sent(stream, MS_KIND_LOG_BEGIN)->command.flags, 1);
    ck_assert(follow_with(REIGN, 101)); /* that is not yet */
    pump();
    ck_assert_uint_eq(stream_want_sent(stream, MS_KIND_LOG_BEGIN)->command.flags, 1);
}
END_TEST

static Suite *suite(void)
{
    Suite *made = suite_create("mirror_list");
    TCase *tests = tcase_create("mirror_list");

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, what_the_peer_has_is_listed_and_the_rest_is_copied);
    tcase_add_test(tests, a_store_of_another_reign_is_copied);
    suite_add_tcase(made, tests);
    return made;
}

STREAM_MAIN(suite)
