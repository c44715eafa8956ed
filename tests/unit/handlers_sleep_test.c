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

START_TEST(good_durations_pass)
{
    static const char *const good[] = {"0", "0s", "1us", "2ms", "1ms\n"};

    handler_run_text(handler, good[_i]);
    ck_assert_int_eq(handler->result.status, MS_STATUS_OK);
}
END_TEST

START_TEST(other_payloads_fail_with_a_reason)
{
    static const char *const bad[] = {
        "", "ms", "-1s", "1 ms", "1d", "1sx", "1.5", "9999999999999999999999s", "99999999h"};

    handler_run_text(handler, bad[_i]);
    ck_assert_int_eq(handler->result.status, MS_STATUS_FAIL);
    ck_assert_uint_gt(handler->result.detail.size, 0);
}
END_TEST

static void *cancel(void *argument)
{
    ms_task_cancel(argument);
    return NULL;
}

START_TEST(cancel_ends_it_at_once)
{
    pthread_t thread;

    ms_task_reset(&handler->task);
    ms_task_assign(&handler->task,
                   &(struct ms_command){.token = {1, 1}, .payload = ms_bytes_of("24h")},
                   ms_plugins_at(handler->plugins, 0));
    pthread_create(&thread, NULL, cancel, &handler->task);
    ck_assert(ms_task_run(&handler->task)); /* else the test's time runs out */
    pthread_join(thread, NULL);
    ck_assert_int_eq(handler->task.outcome, MS_CANCELLED);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("handlers_sleep");
    TCase *tests = tcase_create("sleep");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, good_durations_pass, 0, 5);
    tcase_add_loop_test(tests, other_payloads_fail_with_a_reason, 0, 9);
    tcase_add_test(tests, cancel_ends_it_at_once);
    suite_add_tcase(suite, tests);

    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
