#include "client/cmd_map_lines.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct ms_lines lines;

static void setup(void)
{
    lines = (struct ms_lines){.delimiter = '\n'};
}

static void teardown(void)
{
    ms_lines_free(&lines);
}

static void feed(const char *text, size_t size)
{
    while (size > 0) {
        size_t room;
        char *at = ms_lines_room(&lines, &room);
        const size_t part = size < room ? size : room;

        ck_assert_ptr_nonnull(at);
        memcpy(at, text, part);
        ms_lines_added(&lines, part);
        text += part;
        size -= part;
    }
}

static void check_next(const char *wanted)
{
    const char *line;

    ck_assert_int_eq(ms_lines_next(&lines, &line), MS_LINES_LINE);
    ck_assert_str_eq(line, wanted);
}

static enum ms_lines_status next(void)
{
    const char *line;

    return ms_lines_next(&lines, &line);
}

START_TEST(lines_come_however_they_are_cut)
{
    static const char text[] = "one\n\ntwo three\nlast";

    for (size_t cut = 1; cut < sizeof text - 1; cut++) {
        const char *line;
        char joined[64] = "";

        setup();
        for (size_t at = 0; at < sizeof text - 1; at += cut) {
            feed(text + at, sizeof text - 1 - at < cut ? sizeof text - 1 - at : cut);
            while (ms_lines_next(&lines, &line) == MS_LINES_LINE) {
                const size_t length = strlen(joined);

                snprintf(joined + length, sizeof joined - length, "%s|", line);
            }
        }
        ck_assert_int_eq(next(), MS_LINES_MORE);
        ms_lines_added(&lines, 0);
        ck_assert_uint_eq(ms_lines_waiting(&lines), 1);
        check_next("last");
        ck_assert_int_eq(next(), MS_LINES_END);
        ck_assert_str_eq(joined, "one||two three|");
        teardown();
    }
}
END_TEST

START_TEST(nothing_is_no_line_and_an_empty_line_is_one)
{
    ms_lines_added(&lines, 0);
    ck_assert_int_eq(next(), MS_LINES_END);
    setup();
    feed("\n", 1);
    ms_lines_added(&lines, 0);
    check_next("");
    ck_assert_int_eq(next(), MS_LINES_END);
}
END_TEST

START_TEST(with_nul_newlines_are_part_of_a_line)
{
    lines.delimiter = '\0';
    feed("a\nb\0c\0", 6);
    ck_assert_uint_eq(ms_lines_waiting(&lines), 2);
    check_next("a\nb");
    check_next("c");
    ck_assert_int_eq(next(), MS_LINES_MORE);
}
END_TEST

START_TEST(a_nul_in_a_line_is_told)
{
    feed("a\0b\n", 4);
    ck_assert_int_eq(next(), MS_LINES_NUL);
}
END_TEST

START_TEST(a_line_has_a_bound)
{
    char *long_line = malloc(MS_LINE_MAX + 2);

    memset(long_line, 'x', MS_LINE_MAX + 2);
    feed(long_line, MS_LINE_MAX);
    ck_assert_int_eq(next(), MS_LINES_MORE);
    feed("\n", 1);
    ck_assert_int_eq(next(), MS_LINES_LINE);
    feed(long_line, MS_LINE_MAX + 1);
    ck_assert_int_eq(next(), MS_LINES_TOO_LONG);
    feed("\n", 1);
    ck_assert_int_eq(next(), MS_LINES_TOO_LONG);
    free(long_line);
}
END_TEST

START_TEST(the_buffer_does_not_grow_with_the_input)
{
    static const char text[] = "0123456789012345678901234567890123456789\n";
    const char *line;

    for (int i = 0; i < 100000; i++) {
        feed(text, sizeof text - 1);
        ck_assert_int_eq(ms_lines_next(&lines, &line), MS_LINES_LINE);
    }
    ck_assert_uint_le(lines.capacity, 1u << 18);
    ck_assert_uint_eq(ms_lines_buffered(&lines), 0);
}
END_TEST

START_TEST(more_than_there_was_room_for_is_a_programmer_error)
{
    size_t room;

    ms_lines_room(&lines, &room);
    ms_lines_added(&lines, room + 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("client_cmd_map_lines");
    TCase *tests = tcase_create("lines");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, lines_come_however_they_are_cut);
    tcase_add_test(tests, nothing_is_no_line_and_an_empty_line_is_one);
    tcase_add_test(tests, with_nul_newlines_are_part_of_a_line);
    tcase_add_test(tests, a_nul_in_a_line_is_told);
    tcase_add_test(tests, a_line_has_a_bound);
    tcase_add_test(tests, the_buffer_does_not_grow_with_the_input);
    tcase_add_test_raise_signal(tests, more_than_there_was_room_for_is_a_programmer_error, SIGABRT);
    suite_add_tcase(suite, tests);

    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
