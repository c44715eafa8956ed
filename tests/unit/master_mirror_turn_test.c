/* The mirror: what is appended in one turn of the loop leaves together. */
#include "master_mirroring.h"

/* Pumps in the midst of a turn: more may come. */
static bool pump_early(void)
{
    const bool is_more = ms_mirror_pump(mirror, false);

    stream_step(stream);
    return is_more;
}

START_TEST(what_comes_in_one_turn_is_one_batch)
{
    stream_from_start();
    ck_assert(!pump_early());
    append();
    ck_assert(pump_early());
    stream_want_nothing(stream);
    append();
    ck_assert(pump_early());
    stream_want_nothing(stream);
    ck_assert(!pump());
    const struct ms_effect *log = stream_want_sent(stream, MS_KIND_LOG);

    ck_assert_uint_eq(log->command.token.n, 1);
    ck_assert_uint_eq(log->command.id.seq, 102);
    stream_want_nothing(stream);
    append(); /* what was sent does not grow */
    pump();
    ck_assert_uint_eq(stream_want_sent(stream, MS_KIND_LOG)->command.token.n, 2);
    ck_assert(ack(2, 102));
}
END_TEST

START_TEST(a_batch_that_grows_is_one_frame)
{
    stream_from_start();
    append_sized(MS_LOG_FRAME_SIZE / 2);
    ck_assert(pump_early());
    append_sized(MS_LOG_FRAME_SIZE / 2);
    ck_assert(pump_early());
    const struct ms_effect *log = stream_want_sent(stream, MS_KIND_LOG); /* it is full */

    ck_assert_uint_eq(log->command.token.n, 1);
    ck_assert_uint_eq(log->command.flags, 1);
    stream_want_nothing(stream);
    pump();
    ck_assert_uint_eq(stream_want_sent(stream, MS_KIND_LOG)->command.token.n, 2);
}
END_TEST

START_TEST(a_batch_does_not_grow_into_another_connection)
{
    stream_from_start();
    append();
    ck_assert(pump_early());
    ms_mirror_connect(mirror, PEER + 1);
    ck_assert(!pump_early());
    append();
    ck_assert(follow(REIGN, 0));
    pump();
    stream_want_sent(stream, MS_KIND_LOG_BEGIN);
    ck_assert_uint_eq(stream_want_sent(stream, MS_KIND_LOG)->command.id.seq, 101);
    ck_assert_uint_eq(stream_want_sent(stream, MS_KIND_LOG)->command.id.seq, 102);
}
END_TEST

static Suite *suite(void)
{
    Suite *made = suite_create("mirror_turn");
    TCase *tests = tcase_create("turn");

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, what_comes_in_one_turn_is_one_batch);
    tcase_add_test(tests, a_batch_that_grows_is_one_frame);
    tcase_add_test(tests, a_batch_does_not_grow_into_another_connection);
    suite_add_tcase(made, tests);
    return made;
}

STREAM_MAIN(suite)
