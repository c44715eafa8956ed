/* How long a disk has not answered. */
#include "master/silence.h"

#include "core/limits.h"
#include "tests/support/suite.h"

#define STEP (MS_STANDBY_LOOK / 2)

static struct ms_silence silence;
static ms_time now;

static void set_up(void)
{
    silence = (struct ms_silence){0};
    now = 1000 * MS_SEC;
}

static ms_time pass(ms_time span, ms_seq written, ms_seq durable)
{
    for (const ms_time until = now + span; now < until;) {
        now += STEP;
        ms_silence_look(&silence, now, written, durable);
    }
    return ms_silence_span(&silence);
}

START_TEST(test_what_has_nothing_to_write_is_not_silent)
{
    ck_assert_int_eq(ms_silence_span(&silence), 0);
    ck_assert_int_eq(pass(60 * MS_SEC, 7, 7), 0);
    ck_assert_int_eq(pass(60 * MS_SEC, 7, 9), 0); /* of another reign */
}
END_TEST

START_TEST(test_it_is_silent_since_it_was_given_something)
{
    pass(60 * MS_SEC, 7, 7);
    ck_assert_int_eq(pass(STEP, 8, 7), 0);
    ck_assert_int_eq(pass(10 * MS_SEC, 8, 7), 10 * MS_SEC);
    ck_assert_int_eq(pass(10 * MS_SEC, 100, 7), 20 * MS_SEC); /* more does not change that */
    ck_assert_int_eq(pass(STEP, 100, 100), 0);
}
END_TEST

START_TEST(test_one_that_is_slow_is_not_silent)
{
    for (ms_seq durable = 0; durable < 20; durable++) {
        ck_assert_int_le(pass(9 * MS_SEC, 100, durable), 9 * MS_SEC);
    }
}
END_TEST

START_TEST(test_time_in_which_nobody_looked_does_not_count)
{
    pass(STEP, 8, 7);
    now += 60 * MS_SEC; /* the process was stopped */
    ck_assert_int_le(pass(STEP, 8, 7), 2 * MS_STANDBY_LOOK);
    ck_assert_int_ge(pass(10 * MS_SEC, 8, 7), 10 * MS_SEC);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("silence");
    TCase *all = tcase_create("all");

    tcase_add_checked_fixture(all, set_up, NULL);
    tcase_add_test(all, test_what_has_nothing_to_write_is_not_silent);
    tcase_add_test(all, test_it_is_silent_since_it_was_given_something);
    tcase_add_test(all, test_one_that_is_slow_is_not_silent);
    tcase_add_test(all, test_time_in_which_nobody_looked_does_not_count);
    suite_add_tcase(suite, all);
    return run_suite(suite);
}
