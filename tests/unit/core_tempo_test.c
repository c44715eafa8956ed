#include "core/tempo.h"

#include "tests/support/suite.h"

START_TEST(test_steady)
{
    struct ms_tempo rate = {0};

    ck_assert_uint_eq(ms_tempo_milli(&rate, 5 * MS_SEC), 0);
    for (ms_time second = 1; second <= 100; second++) {
        for (int i = 0; i < 10; i++) {
            ms_tempo_count(&rate, second * MS_SEC + i * MS_MSEC, 2);
        }
    }
    const uint64_t milli = ms_tempo_milli(&rate, 101 * MS_SEC - 1);

    ck_assert_uint_gt(milli, 19800);
    ck_assert_uint_le(milli, 20000);
}
END_TEST

/* Whether it is asked often or rarely makes no difference. */
START_TEST(test_fades)
{
    struct ms_tempo rate = {0}, other = {0};

    ms_tempo_count(&rate, 7 * MS_SEC, 800);
    other = rate;
    ck_assert_uint_eq(ms_tempo_milli(&rate, 7 * MS_SEC), 100000);
    ck_assert_uint_eq(ms_tempo_milli(&rate, 8 * MS_SEC), 87500);
    for (ms_time second = 8; second < 40; second++) {
        ms_tempo_count(&other, second * MS_SEC, 0);
    }
    ck_assert_uint_eq(ms_tempo_milli(&rate, 40 * MS_SEC), ms_tempo_milli(&other, 40 * MS_SEC));
    ck_assert_uint_eq(ms_tempo_milli(&rate, 1000 * MS_SEC), 0);
    for (ms_time second = 40; second < 400; second++) {
        ms_tempo_count(&other, second * MS_SEC, 0);
    }
    ck_assert_uint_eq(ms_tempo_milli(&other, 400 * MS_SEC), 0);
}
END_TEST

START_TEST(test_never_overflows)
{
    struct ms_tempo rate = {0};

    ms_tempo_count(&rate, 0, UINT64_MAX);
    ms_tempo_count(&rate, MS_SEC, UINT64_MAX);
    ck_assert_uint_gt(ms_tempo_milli(&rate, MS_SEC), UINT64_MAX / 256);
    ck_assert_uint_eq(ms_tempo_milli(&rate, 1000 * MS_SEC), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("core_rate");
    TCase *tests = tcase_create("rate");

    tcase_add_test(tests, test_steady);
    tcase_add_test(tests, test_fades);
    tcase_add_test(tests, test_never_overflows);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
