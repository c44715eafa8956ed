/* Programs that are started: found beside this one, begun clean, described in words. */
#include "core/io/child.h"

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/suite.h"

static int status_of(char *const *argv, enum ms_child_kind kind)
{
    const pid_t pid = ms_child_start(argv, kind);
    int status;

    ck_assert_int_gt(pid, 0);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return status;
}

static void check_description(int status, const char *expected)
{
    char text[64];

    ms_child_describe(status, text, sizeof text);
    ck_assert_str_eq(text, expected);
}

START_TEST(one_beside_this_one_is_found)
{
    char path[MS_CHILD_PATH_SIZE];

    ck_assert(ms_child_find("io_child_test", path));
    ck_assert_int_eq(access(path, X_OK), 0);
    ck_assert(!ms_child_find("no-such-program", path));
}
END_TEST

START_TEST(how_it_ended_is_told)
{
    check_description(
        status_of((char *[]){(char[]){"/bin/sh"}, (char[]){"-c"}, (char[]){"exit 3"}, NULL},
                  MS_CHILD_OWN),
        "exit status 3");
    check_description(
        status_of((char *[]){(char[]){"sh"}, (char[]){"-c"}, (char[]){"kill -9 $$"}, NULL},
                  MS_CHILD_USERS),
        "signal 9 (KILL)");
}
END_TEST

START_TEST(it_begins_with_no_signals_ignored_or_held)
{
    sigset_t held;

    sigemptyset(&held);
    sigaddset(&held, SIGTERM);
    ck_assert_int_eq(sigprocmask(SIG_BLOCK, &held, NULL), 0);
    ck_assert_int_eq(sigaction(SIGTERM, &(struct sigaction){.sa_handler = SIG_IGN}, NULL), 0);
    check_description(
        status_of((char *[]){(char[]){"/bin/sh"}, (char[]){"-c"}, (char[]){"kill $$"}, NULL},
                  MS_CHILD_OWN),
        "signal 15 (TERM)");
}
END_TEST

START_TEST(one_that_cannot_be_executed)
{
    ck_assert_int_eq(ms_child_start((char *[]){(char[]){"/no/such/program"}, NULL}, MS_CHILD_OWN),
                     -1);
    ck_assert_int_eq(errno, ENOENT);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("io_child");
    TCase *tests = tcase_create("child");

    tcase_add_test(tests, one_beside_this_one_is_found);
    tcase_add_test(tests, how_it_ended_is_told);
    tcase_add_test(tests, it_begins_with_no_signals_ignored_or_held);
    tcase_add_test(tests, one_that_cannot_be_executed);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
