/* What a program does that was started without standard input, output or error. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/io/standard.h"

/* Runs in a child, which has lost the three: what is wrong, or 0. */
static int without_any(void)
{
    char byte = 0;

    for (int number = 0; number <= 2; number++) {
        close(number);
    }
    if (!ms_standard_hold()) {
        return 1;
    }
    if (write(STDOUT_FILENO, &byte, 1) != -1 || errno != EBADF) {
        return 2;
    }
    if (write(STDERR_FILENO, &byte, 1) != -1 || errno != EBADF) {
        return 3;
    }
    if (read(STDIN_FILENO, &byte, 1) != -1 || errno != EBADF) {
        return 4;
    }
    return open("/dev/null", O_RDWR) > STDERR_FILENO ? 0 : 5;
}

/* Those that are open stay what they are. */
static int without_output(void)
{
    int ends[2];
    char byte = 'x';

    if (pipe(ends) != 0 || dup2(ends[1], STDERR_FILENO) != STDERR_FILENO) {
        return 1;
    }
    close(STDOUT_FILENO);
    if (!ms_standard_hold()) {
        return 2;
    }
    if (write(STDERR_FILENO, &byte, 1) != 1 || read(ends[0], &byte, 1) != 1) {
        return 3;
    }
    return open("/dev/null", O_RDWR) > STDERR_FILENO ? 0 : 4;
}

static int in_a_child(int (*act)(void))
{
    const pid_t pid = fork();
    int status = 0;

    ck_assert_int_ne(pid, -1);
    if (pid == 0) {
        _exit(act());
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

START_TEST(closed_ones_are_taken_and_still_fail)
{
    ck_assert_int_eq(in_a_child(without_any), 0);
}
END_TEST

START_TEST(open_ones_are_left_alone)
{
    ck_assert_int_eq(in_a_child(without_output), 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("standard");
    TCase *io = tcase_create("io");

    tcase_add_test(io, closed_ones_are_taken_and_still_fail);
    tcase_add_test(io, open_ones_are_left_alone);
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
