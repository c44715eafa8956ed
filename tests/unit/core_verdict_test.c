#include "core/verdict.h"

#include <check.h>
#include <stdlib.h>

START_TEST(all_must)
{
    ck_assert(ms_verdict(MS_MUST_ALL, 3, 3));
    ck_assert(!ms_verdict(MS_MUST_ALL, 3, 2));
}
END_TEST

START_TEST(any_must)
{
    ck_assert(ms_verdict(MS_MUST_ANY, 3, 1));
    ck_assert(!ms_verdict(MS_MUST_ANY, 3, 0));
}
END_TEST

START_TEST(more_than_half_must)
{
    ck_assert(ms_verdict(MS_MUST_QUORUM, 3, 2));
    ck_assert(!ms_verdict(MS_MUST_QUORUM, 3, 1));
    ck_assert(!ms_verdict(MS_MUST_QUORUM, 4, 2));
    ck_assert(ms_verdict(MS_MUST_QUORUM, 4, 3));
    ck_assert(ms_verdict(MS_MUST_QUORUM, 1, 1));
}
END_TEST

START_TEST(each_has_a_name)
{
    ck_assert_str_eq(ms_must_name(MS_MUST_ALL), "all");
    ck_assert_str_eq(ms_must_name(MS_MUST_ANY), "any");
    ck_assert_str_eq(ms_must_name(MS_MUST_QUORUM), "quorum");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("verdict");
    TCase *tcase = tcase_create("all");

    tcase_add_test(tcase, all_must);
    tcase_add_test(tcase, any_must);
    tcase_add_test(tcase, more_than_half_must);
    tcase_add_test(tcase, each_has_a_name);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
