/* Time that does not run back, and bytes that do not repeat. */
#include <check.h>
#include <stdlib.h>

#include "core/io/clock.h"

START_TEST(test_now_never_runs_back)
{
    ms_time last = ms_clock_now();

    ck_assert_int_gt(last, 0);
    for (int i = 0; i < 100000; i++) {
        ms_time now = ms_clock_now();

        ck_assert_int_ge(now, last);
        last = now;
    }
    ck_assert_int_gt(ms_clock_cpu(), 0);
}
END_TEST

START_TEST(test_wall_is_this_century)
{
    char text[MS_RFC3339_SIZE];

    ck_assert_int_gt(ms_clock_wall(), 1700000000);
    ms_clock_print(text);
    ck_assert_uint_eq(strlen(text), strlen("2026-01-01T00:00:00.000Z"));
    ck_assert_int_eq(strncmp(text, "20", 2), 0);
    ck_assert_int_eq(text[10], 'T');
    ck_assert_int_eq(text[19], '.');
    ck_assert_int_eq(text[23], 'Z');
}
END_TEST

/* Through several refills no value comes twice, and what was given out is not kept. */
START_TEST(test_entropy)
{
    static struct ms_entropy entropy;
    static struct ms_uuid uuids[1000];

    for (size_t i = 0; i < 1000; i++) {
        uuids[i] = ms_entropy_uuid(&entropy);
        ck_assert(!ms_uuid_is_zero(&uuids[i]));
        for (size_t j = 0; j < i; j++) {
            ck_assert(!ms_uuid_equal(&uuids[i], &uuids[j]));
        }
    }
    for (size_t i = entropy.left; i < sizeof entropy.bytes; i++) {
        ck_assert_uint_eq(entropy.bytes[i], 0);
    }
    ck_assert_uint_ne(ms_entropy_seed(), ms_entropy_seed());
}
END_TEST

START_TEST(test_entropy_whole_buffer)
{
    static struct ms_entropy entropy;
    uint8_t bytes[MS_ENTROPY_SIZE];

    ms_entropy_fill(&entropy, bytes, sizeof bytes);
    ck_assert_uint_eq(entropy.left, 0);
    ms_entropy_fill(&entropy, bytes, 1);
    ck_assert_uint_eq(entropy.left, MS_ENTROPY_SIZE - 1);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("clock");
    TCase *io = tcase_create("io");

    tcase_set_timeout(io, 60);
    tcase_add_test(io, test_now_never_runs_back);
    tcase_add_test(io, test_wall_is_this_century);
    tcase_add_test(io, test_entropy);
    tcase_add_test(io, test_entropy_whole_buffer);
    suite_add_tcase(all, io);
    return all;
}

int main(void)
{
    SRunner *runner = srunner_create(suite());
    int failed;

    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
