/* Scripts of an operator: run for every change, in order, and never in our way. */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/io/hook.h"
#include "tests/support/echo.h"

static struct ev_loop *loop;
static struct ms_hook *hook;
static struct ms_hook_stats stats;
static char folder[] = "/tmp/muster-hook-XXXXXX";
static char script[64], output[64], gate[64], over[64];

static void write_script(const char *text)
{
    FILE *file = fopen(script, "w");

    ck_assert_ptr_nonnull(file);
    fprintf(file, "#!/bin/sh\n%s\n", text);
    fclose(file);
    ck_assert_int_eq(chmod(script, 0700), 0);
}

static void set_up(void)
{
    char text[256];

    loop = EV_DEFAULT;
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(script, sizeof script, "%s/script", folder);
    snprintf(output, sizeof output, "%s/output", folder);
    snprintf(gate, sizeof gate, "%s/gate", folder);
    snprintf(over, sizeof over, "%s/over", folder);
    ck_assert_int_eq(mkfifo(gate, 0600), 0);
    ck_assert_int_eq(mkfifo(over, 0600), 0);
    snprintf(text, sizeof text, "echo \"$1 $2 $3\" >>%s", output);
    write_script(text);
    hook = ms_hook_create(loop, script, NULL);
    ck_assert_ptr_nonnull(hook);
}

static void tear_down(void)
{
    ms_hook_destroy(hook);
    unlink(script);
    unlink(output);
    unlink(gate);
    unlink(over);
    rmdir(folder);
}

static bool is_idle(void)
{
    ms_hook_stats(hook, &stats);
    return !stats.is_running && stats.waiting == 0;
}

static void check_output(const char *expected)
{
    char text[512] = "";
    FILE *file = fopen(output, "r");

    ck_assert_ptr_nonnull(file);
    (void)!fread(text, 1, sizeof text - 1, file);
    fclose(file);
    ck_assert_str_eq(text, expected);
}

START_TEST(test_each_change_in_order)
{
    ms_hook_run(hook, "CANDIDATE", 7, "none");
    ms_hook_run(hook, "SOLO", 8, "DEGRADED");
    ms_hook_run(hook, "PAIR", UINT64_MAX, "none");
    ms_hook_stats(hook, &stats);
    ck_assert(stats.is_running);
    ck_assert_uint_eq(stats.waiting, 2);
    echo_wait(loop, is_idle());
    check_output("CANDIDATE 7 none\nSOLO 8 DEGRADED\nPAIR 18446744073709551615 none\n");
    ck_assert_uint_eq(stats.runs_total, 3);
    ck_assert_uint_eq(stats.failed_total, 0);
}
END_TEST

/* One that hangs holds nobody up but its successors; the newest of them are kept. */
START_TEST(test_of_too_many_the_oldest_are_left_out)
{
    char text[256], expected[512] = "";
    size_t size = 0;
    int fd;

    snprintf(text, sizeof text, "[ $2 = 1 ] && read line <%s; echo \"$1 $2\" >>%s", gate, output);
    write_script(text);
    for (uint64_t i = 1; i <= 1 + MS_HOOK_QUEUE + 3; i++) {
        ms_hook_run(hook, "x", i, "none");
    }
    ms_hook_stats(hook, &stats);
    ck_assert_uint_eq(stats.waiting, MS_HOOK_QUEUE);
    ck_assert_uint_eq(stats.left_out_total, 3);
    fd = open(gate, O_WRONLY); /* when it reads */
    ck_assert_int_ge(fd, 0);
    close(fd);
    echo_wait(loop, is_idle());
    for (uint64_t i = 1; i <= 1 + MS_HOOK_QUEUE + 3; i++) {
        if (i == 1 || i > 4) {
            size += (size_t)snprintf(expected + size, sizeof expected - size, "x %llu\n",
                                     (unsigned long long)i);
        }
    }
    check_output(expected);
}
END_TEST

START_TEST(test_what_cannot_be_run_is_counted)
{
    ck_assert_int_eq(unlink(script), 0);
    ms_hook_run(hook, "SOLO", 1, "none");
    ms_hook_run(hook, "PAIR", 2, "none");
    ck_assert(is_idle());
    ck_assert_uint_eq(stats.runs_total, 2);
    ck_assert_uint_eq(stats.failed_total, 2);
}
END_TEST

START_TEST(test_one_that_fails_is_counted)
{
    write_script("[ $2 = 1 ] && exit 3; [ $2 = 2 ] && kill -9 $$; exit 0");
    for (uint64_t i = 1; i <= 3; i++) {
        ms_hook_run(hook, "SOLO", i, "none");
    }
    echo_wait(loop, is_idle());
    ck_assert_uint_eq(stats.runs_total, 3);
    ck_assert_uint_eq(stats.failed_total, 2);
}
END_TEST

/* A writer whose reader has gone must end, as it does in a shell. */
START_TEST(test_signals_are_as_everywhere)
{
    struct sigaction before;

    sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, &before);
    write_script("kill -PIPE $$");
    ms_hook_run(hook, "SOLO", 1, "none");
    echo_wait(loop, is_idle());
    sigaction(SIGPIPE, &before, NULL);
    ck_assert_uint_eq(stats.failed_total, 1);
}
END_TEST

/* Until a script that nobody looks after any more has opened it, and is over. */
static void wait_for_over(void)
{
    char byte;
    const int fd = open(over, O_RDONLY);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(read(fd, &byte, 1), 0);
    close(fd);
}

/* What is told last is what we were in the end. */
START_TEST(test_the_newest_is_told_at_the_end)
{
    char text[256];

    snprintf(text, sizeof text, "echo \"$1 $2\" >>%s; [ $2 = 1 ] || : >%s", output, over);
    write_script(text);
    ms_hook_run(hook, "PAIR", 1, "none");
    ms_hook_run(hook, "DRAIN", 2, "none");
    ms_hook_run(hook, "SYNC", 3, "none");
    ms_hook_destroy(hook);
    hook = NULL;
    wait_for_over();
    check_output("PAIR 1\nSYNC 3\n");
}
END_TEST

START_TEST(test_one_that_hangs_is_killed_at_the_end_when_another_one_waits)
{
    char text[256];
    int fd;

    snprintf(text, sizeof text,
             "[ $2 = 1 ] && read line <%s; echo \"$1 $2\" >>%s; [ $2 = 1 ] || : >%s", gate, output,
             over);
    write_script(text);
    ms_hook_run(hook, "PAIR", 1, "none");
    ms_hook_run(hook, "SYNC", 2, "none");
    ms_hook_destroy(hook);
    hook = NULL;
    wait_for_over();
    check_output("SYNC 2\n");
    while ((fd = open(gate, O_WRONLY | O_NONBLOCK)) >= 0) { /* somebody reads still */
        close(fd);
    }
}
END_TEST

START_TEST(test_destroy_accepts_null)
{
    ms_hook_destroy(NULL);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("hook");
    TCase *io = tcase_create("hook");

    tcase_set_timeout(io, 60);
    tcase_add_checked_fixture(io, set_up, tear_down);
    tcase_add_test(io, test_each_change_in_order);
    tcase_add_test(io, test_of_too_many_the_oldest_are_left_out);
    tcase_add_test(io, test_what_cannot_be_run_is_counted);
    tcase_add_test(io, test_one_that_fails_is_counted);
    tcase_add_test(io, test_signals_are_as_everywhere);
    tcase_add_test(io, test_the_newest_is_told_at_the_end);
    tcase_add_test(io, test_one_that_hangs_is_killed_at_the_end_when_another_one_waits);
    tcase_add_test(io, test_destroy_accepts_null);
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
