#include "client/cmd_map_progress.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static char line[MS_PROGRESS_TEXT_MAX];
static struct ms_text text;

static void setup(void)
{
    ms_text_init(&text, line, sizeof line);
}

START_TEST(a_bar_fills_up)
{
    const struct ms_progress half = {.done = 50, .total = 100, .elapsed = 10 * MS_SEC};

    ms_progress_print_bar(&half, 50, &text);
    ck_assert_str_eq(line, "###########-----------  50% 50/100  5.0/s  ETA 10s");
}
END_TEST

START_TEST(a_bar_never_is_wider_than_asked)
{
    const struct ms_progress half = {
        .done = 50000000, .failed = 3, .total = 100000000, .elapsed = 10 * MS_SEC};

    for (size_t width = 1; width < 120; width++) {
        setup();
        ms_progress_print_bar(&half, width, &text);
        ck_assert_uint_le(strlen(line), width);
    }
}
END_TEST

START_TEST(without_a_total_there_is_no_bar_and_no_end)
{
    const struct ms_progress some = {.done = 30000, .failed = 2, .elapsed = 10 * MS_SEC};

    ms_progress_print_bar(&some, 79, &text);
    ck_assert_str_eq(line, "30000 done  3000/s  2 failed");
}
END_TEST

START_TEST(at_the_beginning_nothing_is_divided_by_nothing)
{
    const struct ms_progress none = {.done = 0};

    ms_progress_print_bar(&none, 79, &text);
    ck_assert_str_eq(line, "0 done  0.0/s");
    setup();
    ms_progress_print_summary(&none, &text);
    ck_assert_str_eq(line, "0 commands, 0 failed, 0 retries, 0.0 s, 0.0 commands/s");
}
END_TEST

START_TEST(the_rate_follows_the_last_seconds)
{
    struct ms_progress progress = {.total = 100000};

    for (int i = 1; i <= 20; i++) {
        progress.elapsed += MS_SEC;
        progress.done += 1000;
        ms_progress_update(&progress);
    }
    ck_assert_uint_eq(progress.rate_milli, 1000000);
    for (int i = 1; i <= 40; i++) {
        progress.elapsed += MS_SEC;
        progress.done += 100;
        ms_progress_update(&progress);
    }
    ck_assert_uint_ge(progress.rate_milli, 100000);
    ck_assert_uint_le(progress.rate_milli, 101000);
    ms_progress_print_line(&progress, &text);
    ck_assert_ptr_nonnull(strstr(line, "24000 of 100000 done, 0 failed, 100/s, ETA 12m"));
}
END_TEST

START_TEST(the_summary_counts_all)
{
    const struct ms_progress all = {
        .done = 2371, .failed = 1, .retries = 17, .elapsed = 7650 * MS_MSEC};

    ms_progress_print_summary(&all, &text);
    ck_assert_str_eq(line, "2371 commands, 1 failed, 17 retries, 7.6 s, 310 commands/s");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("client_cmd_map_progress");
    TCase *tests = tcase_create("progress");

    tcase_add_checked_fixture(tests, setup, NULL);
    tcase_add_test(tests, a_bar_fills_up);
    tcase_add_test(tests, a_bar_never_is_wider_than_asked);
    tcase_add_test(tests, without_a_total_there_is_no_bar_and_no_end);
    tcase_add_test(tests, at_the_beginning_nothing_is_divided_by_nothing);
    tcase_add_test(tests, the_rate_follows_the_last_seconds);
    tcase_add_test(tests, the_summary_counts_all);
    suite_add_tcase(suite, tests);

    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
