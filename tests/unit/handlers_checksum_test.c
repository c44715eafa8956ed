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

/* FIPS 180-4 examples. */
static const struct {
    const char *payload, *sum;
} known[] = {
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
};

START_TEST(sums_are_right)
{
    handler_run_text(handler, known[_i].payload);
    ck_assert_int_eq(handler->result.status, MS_STATUS_OK);
    ck_assert_uint_eq(handler->sizes[MS_STREAM_DATA], 64);
    ck_assert_mem_eq(handler->output[MS_STREAM_DATA], known[_i].sum, 64);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("handlers_checksum");
    TCase *tests = tcase_create("checksum");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, sums_are_right, 0, (int)(sizeof known / sizeof known[0]));
    suite_add_tcase(suite, tests);

    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
