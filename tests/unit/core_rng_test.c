#include "core/rng.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>

START_TEST(numbers_are_those_of_the_published_algorithms)
{
    /* xoshiro256** from the state 1, 2, 3, 4, by hand: rotl(2 * 5, 7) * 9 = 11520, then 0. */
    struct ms_rng rng = {{1, 2, 3, 4}};

    ck_assert_uint_eq(ms_rng_next(&rng), 11520);
    ck_assert_uint_eq(ms_rng_next(&rng), 0);
    ck_assert_uint_eq(ms_rng_next(&rng), 1509978240);
    /* First output of splitmix64 from 0. */
    ms_rng_init(&rng, 0);
    ck_assert_uint_eq(rng.state[0], UINT64_C(0xe220a8397b1dcdaf));
}
END_TEST

START_TEST(seed_decides)
{
    struct ms_rng a, b, c;
    int same = 0;

    ms_rng_init(&a, 7);
    ms_rng_init(&b, 7);
    ms_rng_init(&c, 8);
    for (int i = 0; i < 1000; i++) {
        const uint64_t value = ms_rng_next(&a);

        ck_assert_uint_eq(value, ms_rng_next(&b));
        same += value == ms_rng_next(&c) ? 1 : 0;
    }
    ck_assert_int_eq(same, 0);
}
END_TEST

START_TEST(below_is_even_and_in_range)
{
    int counts[7] = {0};
    struct ms_rng rng;

    ms_rng_init(&rng, 1);
    for (int i = 0; i < 70000; i++) {
        counts[ms_rng_below(&rng, 7)]++;
    }
    for (int i = 0; i < 7; i++) {
        ck_assert_int_ge(counts[i], 9500);
        ck_assert_int_le(counts[i], 10500);
    }
    for (int i = 0; i < 1000; i++) {
        ck_assert_uint_eq(ms_rng_below(&rng, 1), 0);
    }
}
END_TEST

/* With a bound of 3 * 2^62 a plain remainder would give the lowest third twice as often. */
START_TEST(below_has_no_bias)
{
    const uint64_t third = UINT64_C(1) << 62;
    int low = 0;
    struct ms_rng rng;

    ms_rng_init(&rng, 1);
    for (int i = 0; i < 30000; i++) {
        low += ms_rng_below(&rng, 3 * third) < third ? 1 : 0;
    }
    ck_assert_int_ge(low, 9600);
    ck_assert_int_le(low, 10400);
}
END_TEST

START_TEST(between_covers_both_ends)
{
    int lows = 0, highs = 0;
    struct ms_rng rng;

    ms_rng_init(&rng, 1);
    for (int i = 0; i < 1000; i++) {
        const int64_t value = ms_rng_between(&rng, -2, 2);

        ck_assert_int_ge(value, -2);
        ck_assert_int_le(value, 2);
        lows += value == -2 ? 1 : 0;
        highs += value == 2 ? 1 : 0;
        ms_rng_between(&rng, INT64_MIN, INT64_MAX);
        ck_assert_int_eq(ms_rng_between(&rng, INT64_MAX, INT64_MAX), INT64_MAX);
    }
    ck_assert_int_gt(lows, 100);
    ck_assert_int_gt(highs, 100);
}
END_TEST

START_TEST(jitter_and_chance_keep_their_promise)
{
    int hits = 0;
    struct ms_rng rng;

    ms_rng_init(&rng, 1);
    for (int i = 0; i < 10000; i++) {
        const ms_time pause = ms_rng_jitter(&rng, 1001);

        ck_assert_int_ge(pause, 500);
        ck_assert_int_le(pause, 1001);
        hits += ms_rng_chance(&rng, 1, 4) ? 1 : 0;
        ck_assert(ms_rng_chance(&rng, 1, 1));
        ck_assert(!ms_rng_chance(&rng, 0, 1));
    }
    ck_assert_int_eq(ms_rng_jitter(&rng, 0), 0);
    ck_assert_int_ge(hits, 2300);
    ck_assert_int_le(hits, 2700);
}
END_TEST

START_TEST(backoff_doubles_up_to_its_limit)
{
    static const ms_time expected[] = {10, 20, 40, 50, 50};
    struct ms_rng rng;
    ms_time backoff = 10;

    ms_rng_init(&rng, 1);
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        ck_assert_int_eq(backoff, expected[i]);
        const ms_time pause = ms_rng_backoff(&rng, &backoff, 50);

        ck_assert_int_ge(pause, 1);
        ck_assert_int_le(pause, expected[i]);
    }
}
END_TEST

START_TEST(fill_fills_exactly)
{
    for (size_t size = 0; size <= 33; size++) {
        unsigned char bytes[40] = {0}, again[40] = {0};
        struct ms_rng rng;

        ms_rng_init(&rng, size);
        ms_rng_fill(&rng, bytes, size);
        ms_rng_init(&rng, size);
        ms_rng_fill(&rng, again, size);
        ck_assert_mem_eq(bytes, again, sizeof bytes);
        for (size_t i = size; i < sizeof bytes; i++) {
            ck_assert_uint_eq(bytes[i], 0);
        }
    }
}
END_TEST

START_TEST(bound_zero_aborts)
{
    struct ms_rng rng;

    ms_rng_init(&rng, 1);
    ms_rng_below(&rng, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("core_rng");
    TCase *tests = tcase_create("rng");

    tcase_add_test(tests, numbers_are_those_of_the_published_algorithms);
    tcase_add_test(tests, seed_decides);
    tcase_add_test(tests, below_is_even_and_in_range);
    tcase_add_test(tests, below_has_no_bias);
    tcase_add_test(tests, between_covers_both_ends);
    tcase_add_test(tests, jitter_and_chance_keep_their_promise);
    tcase_add_test(tests, backoff_doubles_up_to_its_limit);
    tcase_add_test(tests, fill_fills_exactly);
    tcase_add_test_raise_signal(tests, bound_zero_aborts, SIGABRT);
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);

    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
