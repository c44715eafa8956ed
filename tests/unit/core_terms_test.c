/* Names of what a unique key may do; no terms are all zero. */
#include <check.h>
#include <stdlib.h>

#include "core/terms.h"

START_TEST(every_mode_has_a_name_of_its_own)
{
    ck_assert_str_eq(ms_unique_name(MS_UNIQUE_NONE), "none");
    ck_assert_str_eq(ms_unique_name(MS_UNIQUE_JOIN), "join");
    ck_assert_str_eq(ms_unique_name(MS_UNIQUE_REJECT), "reject");
    ck_assert_str_eq(ms_unique_name(MS_UNIQUE_REPLACE), "replace");
    ck_assert_str_eq(ms_unique_name(MS_UNIQUE_COUNT), "unknown");
    ck_assert_str_eq(ms_unique_name((enum ms_unique)255), "unknown");
}
END_TEST

START_TEST(priorities_are_as_many_as_there_are_numbers)
{
    ck_assert_int_eq(MS_PRIORITY_COUNT, 21);
    ck_assert_int_le(MS_PRIORITY_MIN, 0);
    ck_assert_int_ge(MS_PRIORITY_MAX, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("terms");
    TCase *tests = tcase_create("terms");

    tcase_add_test(tests, every_mode_has_a_name_of_its_own);
    tcase_add_test(tests, priorities_are_as_many_as_there_are_numbers);
    suite_add_tcase(suite, tests);

    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
