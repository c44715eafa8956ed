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

START_TEST(gives_the_payload_back)
{
    handler_run_text(handler, "hello");
    ck_assert_int_eq(handler->result.status, MS_STATUS_OK);
    ck_assert_uint_eq(handler->sizes[MS_STREAM_DATA], 5);
    ck_assert_mem_eq(handler->output[MS_STREAM_DATA], "hello", 5);
    ck_assert_uint_eq(handler->pieces, 0);
}
END_TEST

START_TEST(gives_nothing_back_for_nothing)
{
    handler_run_text(handler, "");
    ck_assert_int_eq(handler->result.status, MS_STATUS_OK);
    ck_assert_uint_eq(handler->sizes[MS_STREAM_DATA], 0);
}
END_TEST

START_TEST(gives_large_payloads_back_whole)
{
    static uint8_t payload[300000];

    for (size_t i = 0; i < sizeof payload; i++) {
        payload[i] = (uint8_t)(i * 7 + i / 251);
    }
    handler_run_job(
        handler,
        &(struct ms_command){.token = {1, 2}, .attempt = 1, .payload = {payload, sizeof payload}});
    ck_assert_uint_eq(handler->sizes[MS_STREAM_DATA], sizeof payload);
    ck_assert_mem_eq(handler->output[MS_STREAM_DATA], payload, sizeof payload);
    ck_assert_uint_eq(handler->pieces, sizeof payload / MS_CHUNK_MAX);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("handlers_echo");
    TCase *tests = tcase_create("echo");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, gives_the_payload_back);
    tcase_add_test(tests, gives_nothing_back_for_nothing);
    tcase_add_test(tests, gives_large_payloads_back_whole);
    suite_add_tcase(suite, tests);

    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
