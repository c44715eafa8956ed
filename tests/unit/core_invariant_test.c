#include "core/invariant.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

START_TEST(true_condition_passes_and_is_evaluated_once)
{
    int evaluated = 0;

    ms_assert(++evaluated == 1);
    ck_assert_int_eq(evaluated, 1);
}
END_TEST

START_TEST(false_condition_aborts)
{
    ms_assert(1 + 1 == 3);
}
END_TEST

START_TEST(unreachable_aborts)
{
    ms_unreachable();
}
END_TEST

START_TEST(message_is_one_line_with_place_and_expression)
{
    int ends[2];
    char line[512];

    ck_assert_int_eq(pipe(ends), 0);
    const pid_t child = fork();

    ck_assert_int_ge(child, 0);
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        ms_invariant_failed("some/file.c", 42, "a == b");
    }
    close(ends[1]);
    const ssize_t size = read(ends[0], line, sizeof line - 1);
    int status = 0;

    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), SIGABRT);
    ck_assert_int_gt(size, 0);
    line[size] = '\0';
    ck_assert_str_eq(line, "some/file.c:42: invariant broken: a == b\n");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("core_invariant");
    TCase *tests = tcase_create("invariant");

    tcase_add_test(tests, true_condition_passes_and_is_evaluated_once);
    tcase_add_test_raise_signal(tests, false_condition_aborts, SIGABRT);
    tcase_add_test_raise_signal(tests, unreachable_aborts, SIGABRT);
    tcase_add_test(tests, message_is_one_line_with_place_and_expression);
    suite_add_tcase(suite, tests);

    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
