#include "core/start.h"

#include "tests/support/suite.h"

#define LIFE  1000u /* the life of start N is LIFE + N, of another branch OTHER + N */
#define OTHER 2000u

static const struct ms_uuid half = {{1}}, other_half = {{2}};

static struct ms_start started(uint64_t common, uint64_t since)
{
    struct ms_start start = {.number = 0};

    for (uint64_t i = 1; i <= common + since; i++) {
        ms_start_count(&start, (i <= common ? LIFE : OTHER) + i);
    }
    return start;
}

static bool outlives(uint64_t number, const struct ms_start *start)
{
    return ms_known_outlives(
        &(struct ms_known_start){.id = half, .number = number, .life = LIFE + number}, &half,
        start);
}

START_TEST(what_follows_from_what_is_known_is_not_old)
{
    const struct ms_start twenty = started(20, 0);

    for (uint64_t known = 0; known <= 20; known++) {
        ck_assert(!outlives(known, &twenty));
    }
    ck_assert(outlives(21, &twenty));
}
END_TEST

/* Three starts were heard of since the copy was made. */
START_TEST(a_copy_is_old_however_often_it_is_started_alone)
{
    for (uint64_t since = 0; since < 3 + MS_START_LIVES; since++) {
        const struct ms_start copy = started(10, since);

        ck_assert(outlives(13, &copy));
    }
}
END_TEST

START_TEST(of_two_that_run_at_once_the_later_is_old)
{
    const struct ms_start copy = started(10, 1);

    ck_assert(outlives(11, &copy));
    ck_assert(!outlives(10, &copy));
}
END_TEST

/* Another directory's lives are not its own. */
START_TEST(a_later_directory_is_not_old)
{
    const struct ms_known_start known = {.id = half, .number = 7, .life = LIFE + 7};
    const struct ms_start seven = started(0, 7), eight = started(0, 8);

    ck_assert(ms_known_outlives(&known, &other_half, &seven));
    ck_assert(!ms_known_outlives(&known, &other_half, &eight));
}
END_TEST

START_TEST(what_is_not_told_is_not_judged)
{
    const struct ms_start one = started(1, 0), none = {.number = 0};
    const struct ms_start absurd = {.number = MS_START_MAX};

    ck_assert(!outlives(0, &one));
    ck_assert(!outlives(7, &none));
    ck_assert(!outlives(MS_START_MAX, &one));
    ck_assert(!outlives(7, &absurd));
}
END_TEST

START_TEST(the_newest_is_remembered)
{
    const struct ms_start seven = started(7, 0), eight = started(8, 0), copy = started(5, 9);
    struct ms_known_start known = {.number = 0};

    ck_assert(!ms_known_take(&known, &half, &seven, true));
    ck_assert(ms_known_take(&known, &half, &seven, false));
    ck_assert(!ms_known_take(&known, &half, &seven, false));
    ck_assert(!ms_known_take(&known, &half, &copy, false));
    ck_assert(!ms_known_take(&known, &half, &(struct ms_start){.number = MS_START_MAX}, false));
    ck_assert_uint_eq(known.number, 7);
    ck_assert_uint_eq(known.life, LIFE + 7);
    ck_assert(ms_known_take(&known, &other_half, &eight, false));
    ck_assert_uint_eq(known.number, 8);
    ck_assert(ms_uuid_equal(&known.id, &other_half));
}
END_TEST

START_TEST(who_begins_anew_is_taken_by_all)
{
    struct ms_known_start known = {.id = half, .number = 30, .life = LIFE + 30};
    struct ms_start start = started(10, 2);

    ms_start_renew(&start, 25 + MS_START_LEAP);
    ck_assert(ms_known_take(&known, &other_half, &start, false));
    ck_assert_uint_eq(known.life, OTHER + 12);
    ms_start_count(&start, 5);
    ck_assert(ms_known_take(&known, &other_half, &start, false));
}
END_TEST

START_TEST(a_new_directory_is_no_copy)
{
    const struct ms_known_start known = {.id = half, .number = 30, .life = LIFE + 30};
    const struct ms_start one = started(1, 0), two = started(2, 0);

    ck_assert(ms_known_is_replaced(&known, &other_half, &two, true));
    ck_assert(!ms_known_is_replaced(&known, &half, &two, true)); /* the same, as it was then */
    ck_assert(!ms_known_is_replaced(&known, &other_half, &two, false));
    ck_assert(ms_known_is_replaced(&known, &half, &one, false)); /* was not counted before */
}
END_TEST

START_TEST(an_old_copy_is_refused_and_not_remembered)
{
    struct ms_known_start known = {.id = half, .number = 7, .life = LIFE + 7};
    const struct ms_start copy = started(5, 2), eight = started(8, 0), one = started(1, 0);

    ck_assert(!ms_known_heed(&known, &half, &copy, false));
    ck_assert(ms_known_heed(&known, &half, &one, false)); /* was not counted before */
    ck_assert_uint_eq(known.number, 7);
    ck_assert(ms_known_heed(&known, &half, &eight, false));
    ck_assert_uint_eq(known.number, 8);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("start");
    TCase *tests = tcase_create("start");

    tcase_add_test(tests, what_follows_from_what_is_known_is_not_old);
    tcase_add_test(tests, a_copy_is_old_however_often_it_is_started_alone);
    tcase_add_test(tests, of_two_that_run_at_once_the_later_is_old);
    tcase_add_test(tests, a_later_directory_is_not_old);
    tcase_add_test(tests, what_is_not_told_is_not_judged);
    tcase_add_test(tests, the_newest_is_remembered);
    tcase_add_test(tests, who_begins_anew_is_taken_by_all);
    tcase_add_test(tests, a_new_directory_is_no_copy);
    tcase_add_test(tests, an_old_copy_is_refused_and_not_remembered);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
