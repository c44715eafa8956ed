/* Log lines: their form, what a peer's text can do to them, repetition. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/io/log.h"

static int ends[2];
static char lines[65536];

static void set_up(void)
{
    unsetenv("JOURNAL_STREAM");
    ck_assert_int_eq(pipe(ends), 0);
}

static void tear_down(void)
{
    close(ends[0]);
}

/* All that was written, after the log has ended. */
static const char *written(struct ms_log *log)
{
    size_t size = 0;
    ssize_t got;

    ms_log_destroy(log);
    close(ends[1]);
    while ((got = read(ends[0], lines + size, sizeof lines - 1 - size)) > 0) {
        size += (size_t)got;
    }
    lines[size] = '\0';
    return lines;
}

/* Without the time, which every line begins with. */
static const char *without_time(const char *line)
{
    const char *space = strchr(line, ' ');

    ck_assert_int_eq(strncmp(line, "ts=20", 5), 0);
    ck_assert_ptr_nonnull(space);
    ck_assert_int_eq(space - line, (long)strlen("ts=2026-01-01T00:00:00.000Z"));
    ck_assert_int_eq(space[-1], 'Z');
    return space + 1;
}

START_TEST(test_logfmt)
{
    struct ms_log *log = ms_log_create(ends[1], MS_LOG_LOGFMT, MS_LEVEL_INFO);

    ms_log(log, MS_LEVEL_INFO, "slave joined", MS_LOG_TEXT("name", "a"), MS_LOG_NUMBER("slots", -4),
           MS_LOG_TEXT("group", NULL), MS_LOG_TEXT("odd", "x y=\"z\"\n\\"));
    ck_assert_str_eq(without_time(written(log)),
                     "level=info msg=\"slave joined\" name=a slots=-4 group=\"\" "
                     "odd=\"x y=\\\"z\\\"\\n\\\\\"\n");
}
END_TEST

START_TEST(test_json)
{
    struct ms_log *log = ms_log_create(ends[1], MS_LOG_JSON, MS_LEVEL_INFO);
    const char *line;

    ms_log(log, MS_LEVEL_WARN, "odd", MS_LOG_TEXT("text", "\x01 \xc3\xa4 \xff \xed\xa0\x80"),
           MS_LOG_NUMBER("n", 5));
    line = written(log);
    ck_assert_int_eq(strncmp(line, "{\"ts\":\"20", 9), 0);
    ck_assert_ptr_nonnull(strstr(line, "\",\"level\":\"warn\",\"msg\":\"odd\",\"text\":\"\\u0001 "
                                       "\xc3\xa4 \\ufffd \\ufffd\\ufffd\\ufffd\",\"n\":5}\n"));
}
END_TEST

START_TEST(test_level)
{
    struct ms_log *log = ms_log_create(ends[1], MS_LOG_LOGFMT, MS_LEVEL_WARN);

    ms_log(log, MS_LEVEL_INFO, "no");
    ms_log_set_level(log, MS_LEVEL_DEBUG);
    ms_log(log, MS_LEVEL_DEBUG, "yes");
    ms_log(NULL, MS_LEVEL_ERROR, "nobody listens");
    ck_assert_str_eq(without_time(written(log)), "level=debug msg=yes\n");
}
END_TEST

START_TEST(test_trace)
{
    struct ms_log *log = ms_log_create(ends[1], MS_LOG_JSON, MS_LEVEL_INFO);
    struct ms_trace trace = ms_log_trace(log);
    const char *line;

    ms_trace(&trace, MS_LEVEL_INFO, "session dead", "slave=%s held=%d why=\"no beat\" id=007 lone",
             "a\nb", 3);
    ms_trace(&trace, MS_LEVEL_DEBUG, "unheard", "x=%d", 1);
    line = written(log);
    ck_assert_ptr_nonnull(strstr(line, "\"msg\":\"session dead\",\"slave\":\"a\\nb\",\"held\":3,"
                                       "\"why\":\"no beat\",\"id\":\"007\",\"lone\":\"\"}\n"));
    ck_assert_ptr_null(strstr(line, "unheard"));
}
END_TEST

/* A flood of one line is one line and a count; other lines pass. */
START_TEST(test_repeats)
{
    struct ms_log *log = ms_log_create(ends[1], MS_LOG_LOGFMT, MS_LEVEL_INFO);
    const char *line, *second, *third;

    for (int i = 0; i < 1000; i++) {
        ms_log(log, MS_LEVEL_WARN, "accept failed", MS_LOG_TEXT("error", "EMFILE"));
    }
    ms_log(log, MS_LEVEL_WARN, "accept failed", MS_LOG_TEXT("error", "ENOMEM"));
    line = written(log);
    second = strchr(line, '\n') + 1;
    third = strchr(second, '\n') + 1;
    ck_assert_ptr_nonnull(strstr(second, "ENOMEM"));
    ck_assert_str_eq(without_time(third),
                     "level=warn msg=\"accept failed\" error=EMFILE repeated=999\n");
}
END_TEST

START_TEST(test_long_line)
{
    static char text[10000];
    struct ms_log *log = ms_log_create(ends[1], MS_LOG_JSON, MS_LEVEL_INFO);
    const char *line;

    memset(text, 'x', sizeof text - 1);
    ms_log(log, MS_LEVEL_INFO, "long", MS_LOG_TEXT("big", text), MS_LOG_NUMBER("after", 1));
    line = written(log);
    ck_assert_str_eq(strstr(line, "\"level\""),
                     "\"level\":\"info\",\"msg\":\"long\",\"after\":1}\n");
}
END_TEST

START_TEST(test_journal_stamps_itself)
{
    struct stat status;
    char stream[64];

    ck_assert_int_eq(fstat(ends[1], &status), 0);
    snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t)status.st_dev, (uintmax_t)status.st_ino);
    setenv("JOURNAL_STREAM", stream, 1);
    struct ms_log *log = ms_log_create(ends[1], MS_LOG_LOGFMT, MS_LEVEL_INFO);
    ms_log(log, MS_LEVEL_INFO, "bare");
    ck_assert_str_eq(written(log), "level=info msg=bare\n");
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("log");
    TCase *io = tcase_create("io");

    tcase_add_checked_fixture(io, set_up, tear_down);
    tcase_add_test(io, test_logfmt);
    tcase_add_test(io, test_json);
    tcase_add_test(io, test_level);
    tcase_add_test(io, test_trace);
    tcase_add_test(io, test_repeats);
    tcase_add_test(io, test_long_line);
    tcase_add_test(io, test_journal_stamps_itself);
    suite_add_tcase(all, io);
    return all;
}

int main(void)
{
    SRunner *runner = srunner_create(suite());
    int failed;

    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
