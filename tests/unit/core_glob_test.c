/* Stars, escapes, and where a pattern ends. */
#include "core/glob.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *pattern, *text;
    bool is_match;
} rows[] = {
    {"", "", true},          {"", "a", false},           {"*", "", true},
    {"*", "abc", true},      {"a*", "abc", true},        {"a*", "bc", false},
    {"*c", "abcc", true},    {"a*b*c", "axbybzc", true}, {"a*b*c", "axbybz", false},
    {"a\\*", "a*", true},    {"a\\*", "ab", false},      {"**a", "a", true},
    {"img.*", "img.", true}, {"img.*", "img", false},    {"abc", "abcd", false},
};

START_TEST(test_rows)
{
    const char *pattern = rows[_i].pattern, *text = rows[_i].text;

    ck_assert_int_eq(ms_glob(pattern, pattern + strlen(pattern),
                             (struct ms_bytes){(const uint8_t *)text, strlen(text)}),
                     rows[_i].is_match);
}
END_TEST

START_TEST(test_end_of_the_pattern)
{
    const char *pattern = "ab,c";

    ck_assert(ms_glob(pattern, pattern + 2, (struct ms_bytes){(const uint8_t *)"ab", 2}));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("glob");
    TCase *all = tcase_create("all");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_loop_test(all, test_rows, 0, sizeof rows / sizeof rows[0]);
    tcase_add_test(all, test_end_of_the_pattern);
    suite_add_tcase(suite, all);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
