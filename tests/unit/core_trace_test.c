#include "core/trace.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
    int count;
    enum ms_level level;
    char message[64];
    char fields[2 * MS_TRACE_LINE_MAX];
} heard;

static void sink(void *context, enum ms_level level, const char *message, const char *fields)
{
    ck_assert_ptr_eq(context, &heard);
    heard.count++;
    heard.level = level;
    snprintf(heard.message, sizeof heard.message, "%s", message);
    snprintf(heard.fields, sizeof heard.fields, "%s", fields);
}

START_TEST(test_fields_are_formatted)
{
    const struct ms_trace trace = {sink, &heard, MS_LEVEL_INFO};

    ms_trace(&trace, MS_LEVEL_WARN, "session dead", "slave=%s held=%d", "a", 3);
    ck_assert_int_eq(heard.count, 1);
    ck_assert_int_eq(heard.level, MS_LEVEL_WARN);
    ck_assert_str_eq(heard.message, "session dead");
    ck_assert_str_eq(heard.fields, "slave=a held=3");
}
END_TEST

START_TEST(test_only_up_to_the_level)
{
    const struct ms_trace trace = {sink, &heard, MS_LEVEL_WARN};

    ms_trace(&trace, MS_LEVEL_INFO, "unheard", "n=%d", 1);
    ck_assert_int_eq(heard.count, 0);
    ms_trace(&trace, MS_LEVEL_WARN, "heard", "n=%d", 1);
    ms_trace(&trace, MS_LEVEL_ERROR, "heard", "n=%d", 2);
    ck_assert_int_eq(heard.count, 2);
}
END_TEST

START_TEST(test_without_a_sink_nothing_happens)
{
    const struct ms_trace trace = {.level = MS_LEVEL_DEBUG};

    ms_trace(&trace, MS_LEVEL_ERROR, "unheard", "n=%d", 1);
    ck_assert_int_eq(heard.count, 0);
}
END_TEST

START_TEST(test_long_lines_are_cut)
{
    const struct ms_trace trace = {sink, &heard, MS_LEVEL_INFO};
    char text[2 * MS_TRACE_LINE_MAX];

    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    ms_trace(&trace, MS_LEVEL_INFO, "long", "%s", text);
    ck_assert_uint_eq(strlen(heard.fields), MS_TRACE_LINE_MAX - 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("trace");
    TCase *lines = tcase_create("lines");
    SRunner *runner;
    int failed;

    tcase_add_test(lines, test_fields_are_formatted);
    tcase_add_test(lines, test_only_up_to_the_level);
    tcase_add_test(lines, test_without_a_sink_nothing_happens);
    tcase_add_test(lines, test_long_lines_are_cut);
    suite_add_tcase(suite, lines);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
