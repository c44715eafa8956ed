/* What the peer has in its memory, and what it is told of commands in slaves' hands. */
#include "master_mirroring.h"

/* Whoever may take over knows of what is handed out: nothing waits for one that may not. */
START_TEST(what_is_known_is_what_has_arrived)
{
    stream_from_start();
    append();
    ck_assert_uint_eq(ms_mirror_known(mirror), UINT64_MAX);
    ms_mirror_serve(mirror, REIGN, true);
    ck_assert_uint_eq(ms_mirror_known(mirror), 0);
    append();
    pump();
    ck_assert(ack(1, LAST)); /* not durable */
    ck_assert_uint_eq(ms_mirror_known(mirror), 101);
    ck_assert(ack(2, LAST));
    ck_assert_uint_eq(ms_mirror_known(mirror), 102);
    ms_mirror_connect(mirror, MS_PEER_NONE);
    ck_assert_uint_eq(ms_mirror_known(mirror), 0);
    ms_mirror_serve(mirror, REIGN + 1, false);
    ck_assert_uint_eq(ms_mirror_known(mirror), UINT64_MAX);
}
END_TEST

static uint8_t flags_sent(void)
{
    pump();
    return stream_want_sent(stream, MS_KIND_LOG)->command.flags;
}

START_TEST(haste_and_the_tip_are_told)
{
    stream_from_start();
    append();
    ck_assert_uint_eq(flags_sent(), 1);
    append();
    ms_mirror_hasten(mirror);
    ck_assert_uint_eq(flags_sent(), 1 | MS_FLAG_PROMPT);
    append();
    ms_mirror_settle(mirror, true);
    append();
    ck_assert_uint_eq(flags_sent(), 1); /* there is one behind it */
    ck_assert_uint_eq(stream_want_sent(stream, MS_KIND_LOG)->command.flags, 1 | MS_FLAG_TIP);
}
END_TEST

static Suite *suite(void)
{
    Suite *made = suite_create("mirror_known");
    TCase *tests = tcase_create("known");

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, what_is_known_is_what_has_arrived);
    tcase_add_test(tests, haste_and_the_tip_are_told);
    suite_add_tcase(made, tests);
    return made;
}

STREAM_MAIN(suite)
