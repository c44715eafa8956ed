#include "handlers/ms_handler.h"

#include <check.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "tests/support/handler_run.h"

static struct handler_run *handler;

static void setup(void)
{
    handler = handler_run_create(&ms_handler_v1, "");
}

static void teardown(void)
{
    handler_run_destroy(handler);
}

START_TEST(aborts)
{
    handler_run_text(handler, "abort");
}
END_TEST

START_TEST(segfaults)
{
    handler_run_text(handler, "segv");
}
END_TEST

START_TEST(is_killed)
{
    handler_run_text(handler, "kill");
}
END_TEST

START_TEST(exits)
{
    handler_run_text(handler, "exit");
}
END_TEST

START_TEST(fails_in_peace)
{
    handler_run_text(handler, "dance");
    ck_assert_int_eq(handler->result.status, MS_STATUS_FAIL);
}
END_TEST

START_TEST(once_spares_the_second_attempt)
{
    handler_run_job(
        handler,
        &(struct ms_command){.token = {1, 1}, .attempt = 2, .payload = ms_bytes_of("once abort")});
    ck_assert_int_eq(handler->result.status, MS_STATUS_OK);
}
END_TEST

START_TEST(once_takes_the_first)
{
    handler_run_text(handler, "once abort");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("handlers_crash");
    TCase *tests = tcase_create("crash");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test_raise_signal(tests, aborts, SIGABRT);
    tcase_add_test_raise_signal(tests, segfaults, SIGSEGV);
    tcase_add_test_raise_signal(tests, is_killed, SIGKILL);
    tcase_add_exit_test(tests, exits, 3);
    tcase_add_test(tests, fails_in_peace);
    tcase_add_test(tests, once_spares_the_second_attempt);
    tcase_add_test_raise_signal(tests, once_takes_the_first, SIGABRT);
    suite_add_tcase(suite, tests);

    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
