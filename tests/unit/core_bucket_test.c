/* Buckets of tokens: what comes in time, a burst after a pause, other rates, the largest numbers. */
#include "core/bucket.h"

#include <check.h>
#include <stdlib.h>

#include "tests/support/suite.h"

static struct ms_rate rate_of(const char *text)
{
    struct ms_rate rate;

    ck_assert(ms_rate_parse(text, &rate, NULL));
    return rate;
}

static bool has(const struct ms_bucket *bucket, const struct ms_rate *rate, ms_time now)
{
    return ms_bucket_ready_at(bucket, rate) <= now;
}

START_TEST(a_full_bucket_gives_a_burst_and_then_what_comes)
{
    const struct ms_rate rate = rate_of("3/s:5");
    struct ms_bucket bucket;
    ms_time now = 77;

    ms_bucket_fill(&bucket, &rate, now);
    for (uint32_t i = 0; i < 5; i++) {
        ck_assert(has(&bucket, &rate, now));
        ms_bucket_take(&bucket, &rate, now);
    }
    for (uint32_t i = 1; i <= 3000; i++) { /* no drift: the nth comes after n thirds of a second */
        ck_assert(!has(&bucket, &rate, now));
        now = ms_bucket_ready_at(&bucket, &rate);
        ck_assert_int_eq(now, 77 + ((ms_time)i * MS_SEC + 2) / 3);
        ms_bucket_take(&bucket, &rate, now);
    }
}
END_TEST

START_TEST(no_more_than_a_burst_gathers)
{
    const struct ms_rate rate = rate_of("1/h:2");
    struct ms_bucket bucket = {0};

    ck_assert_int_eq(ms_bucket_ready_at(&bucket, &rate), 3600 * MS_SEC);
    ck_assert_int_eq(ms_bucket_full_at(&bucket, &rate), 7200 * MS_SEC);
    ms_bucket_take(&bucket, &rate, INT64_MAX / 2);
    ms_bucket_take(&bucket, &rate, INT64_MAX / 2);
    ck_assert(!has(&bucket, &rate, INT64_MAX / 2));
    ms_bucket_take(&bucket, &rate, INT64_MAX / 2); /* less than none there is not */
    ck_assert_int_eq(ms_bucket_ready_at(&bucket, &rate), INT64_MAX / 2 + 3600 * MS_SEC);
}
END_TEST

START_TEST(another_rate_goes_on_with_what_there_is)
{
    const struct ms_rate slow = rate_of("1/s:10"), fast = rate_of("100/s:4"),
                         slower = rate_of("1/m");
    struct ms_bucket bucket;

    ms_bucket_fill(&bucket, &slow, 0);
    ms_bucket_fit(&bucket, &slow, &fast, 0);
    ck_assert_int_eq(ms_bucket_full_at(&bucket, &fast), 0);
    for (uint32_t i = 0; i < 4; i++) {
        ms_bucket_take(&bucket, &fast, 0);
    }
    ck_assert(!has(&bucket, &fast, 0));
    ms_bucket_fit(&bucket, &fast, &slower, 5 * MS_MSEC); /* half a token has come */
    ck_assert_int_eq(ms_bucket_ready_at(&bucket, &slower), 5 * MS_MSEC + 30 * MS_SEC);
}
END_TEST

START_TEST(the_largest_rate_and_the_smallest)
{
    const struct ms_rate most = rate_of("1000000000/s"), least = rate_of("1/h:1000000000");
    struct ms_bucket bucket;

    ms_bucket_fill(&bucket, &most, 0);
    for (uint32_t i = 0; i < 1000; i++) {
        ms_bucket_take(&bucket, &most, 0);
    }
    ck_assert(has(&bucket, &most, 0));
    ck_assert_int_eq(ms_bucket_full_at(&bucket, &most), 1);
    bucket = (struct ms_bucket){0};
    ck_assert_int_eq(ms_bucket_full_at(&bucket, &least), INT64_C(1000000000) * 3600 * MS_SEC);
    ms_bucket_take(&bucket, &least, MS_TIME_NEVER - 1);
    ck_assert(has(&bucket, &least, MS_TIME_NEVER - 1));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bucket");
    TCase *all = tcase_create("all");

    tcase_add_test(all, a_full_bucket_gives_a_burst_and_then_what_comes);
    tcase_add_test(all, no_more_than_a_burst_gathers);
    tcase_add_test(all, another_rate_goes_on_with_what_there_is);
    tcase_add_test(all, the_largest_rate_and_the_smallest);
    suite_add_tcase(suite, all);
    return run_suite(suite);
}
