/* A program beside this one that is kept running. The programs are scripts, beside this test. */
#include "core/io/minder.h"

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/suite.h"

#define NAME          "io-minder-script"
#define LOOK_INTERVAL 0.005 /* s */

static struct ev_loop *loop;
static char script[4096], output[] = "/tmp/muster-minder-XXXXXX";

/* What a script of that text, which has the name of a file as its first word, is. */
static void set_up(const char *text)
{
    FILE *file;
    ssize_t length;

    loop = EV_DEFAULT;
    length = readlink("/proc/self/exe", script, sizeof script - sizeof NAME);
    ck_assert_int_gt(length, 0);
    script[length] = '\0';
    memcpy(strrchr(script, '/') + 1, NAME, sizeof NAME);
    file = fopen(script, "w");
    ck_assert_ptr_nonnull(file);
    fprintf(file, "#!/bin/sh\n%s\n", text);
    fclose(file);
    ck_assert_int_eq(chmod(script, 0700), 0);
    ck_assert_int_ge(close(mkstemp(output)), 0);
}

static void tear_down(void)
{
    unlink(script);
    unlink(output);
}

static size_t lines(void)
{
    FILE *file = fopen(output, "r");
    size_t count = 0;

    ck_assert_ptr_nonnull(file);
    for (int byte; (byte = fgetc(file)) != EOF;) {
        count += byte == '\n';
    }
    fclose(file);
    return count;
}

static void on_look(struct ev_loop *of, ev_timer *timer, int revents)
{
    (void)of, (void)timer, (void)revents;
}

static void wait_for_lines(size_t count)
{
    ev_timer look;

    ev_timer_init(&look, on_look, LOOK_INTERVAL, LOOK_INTERVAL);
    ev_timer_start(loop, &look);
    while (lines() < count) {
        ev_run(loop, EVRUN_ONCE);
    }
    ev_timer_stop(loop, &look);
}

static struct ms_minder *begin(void)
{
    struct ms_minder *minder =
        ms_minder_create(loop, NULL, NAME, (const char *const[]){output, "a b", NULL});

    ck_assert_ptr_nonnull(minder);
    return minder;
}

START_TEST(one_that_ends_is_started_again)
{
    struct ms_minder_stats stats;
    struct ms_minder *minder;

    set_up("echo \"$2\" >>\"$1\"; exit 3");
    minder = begin();
    wait_for_lines(2);
    ms_minder_stats(minder, &stats);
    ck_assert_uint_ge(stats.starts_total, 2);
    ms_minder_destroy(minder);
    tear_down();
}
END_TEST

START_TEST(one_that_runs_is_told_to_end)
{
    struct ms_minder_stats stats;
    struct ms_minder *minder;

    set_up(
        "trap 'echo over >>\"$1\"; exit 0' TERM; echo on >>\"$1\"; while :; do sleep 0.01; done");
    minder = begin();
    wait_for_lines(1);
    ms_minder_stats(minder, &stats);
    ck_assert_uint_eq(stats.starts_total, 1);
    ms_minder_destroy(minder);
    ck_assert_uint_eq(lines(), 2);
    ck_assert_int_eq(kill(stats.pid, 0), -1);
    tear_down();
}
END_TEST

START_TEST(one_that_does_not_end_is_killed)
{
    struct ms_minder_stats stats;
    struct ms_minder *minder;

    set_up("trap '' TERM; echo on >>\"$1\"; while :; do sleep 0.01; done");
    minder = begin();
    wait_for_lines(1);
    ms_minder_stats(minder, &stats);
    ms_minder_destroy(minder);
    ck_assert_int_eq(kill(stats.pid, 0), -1);
    tear_down();
}
END_TEST

START_TEST(one_that_is_not_there)
{
    ck_assert_ptr_null(
        ms_minder_create(EV_DEFAULT, NULL, "no-such-program", (const char *const[]){NULL}));
    ck_assert_int_eq(errno, ENOENT);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("io_minder");
    TCase *tests = tcase_create("minder");

    tcase_set_timeout(tests, 60); /* machines may be busy */
    tcase_add_test(tests, one_that_ends_is_started_again);
    tcase_add_test(tests, one_that_runs_is_told_to_end);
    tcase_add_test(tests, one_that_does_not_end_is_killed);
    tcase_add_test(tests, one_that_is_not_there);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
