/* The client library with real masters and slaves: nothing between them but sockets. */
#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "client/ms_future.h"
#include "client/ms_query.h"
#include "tests/integration/cluster.h"

#define LONG_MS  60000 /* a wait that ends sooner, or the test fails */
#define BIG_SIZE ((size_t)700 << 10)

static struct cluster cluster;
static struct ms_client *client;
static unsigned done_count, ok_count;
static char first_failure[256];

static void count_cb(struct ms_client *from, const struct ms_client_report *report, void *context)
{
    int *rows = context;

    (void)from;
    ck_assert_int_eq(report->error, MS_CLIENT_OK);
    if (*rows < 0 || report->is_reset) {
        *rows = 0;
    }
    for (uint32_t i = 0; i < report->columns * report->rows; i++) {
        const struct ms_client_cell *cell = &report->cells[i];

        /* A slave counts when it has said what it can do. */
        *rows += strcmp(cell->name, "types") == 0 && strstr(cell->text, "echo") != NULL ? 1 : 0;
    }
}

/* Asks until so many slaves are ready to work. */
static void await_slaves(int count)
{
    int rows;

    do {
        const struct ms_client_query query = {.size = sizeof query, .what = MS_CLIENT_ASK_SLAVES};

        rows = -1;
        ck_assert_int_eq(ms_client_ask(client, &query, count_cb, &rows), MS_CLIENT_OK);
        ck_assert_int_eq(ms_client_wait_all(client, LONG_MS), MS_CLIENT_OK);
    } while (rows < count);
}

static void create_client(void)
{
    struct ms_client_error error;
    const struct ms_client_options options = {.size = sizeof options, .masters = cluster.address};

    client = ms_client_create(&options, &error);
    ck_assert_msg(client != NULL, "%s", error.text);
    ck_assert_int_eq(ms_client_wait_connected(client, LONG_MS), MS_CLIENT_OK);
}

static void setup(void)
{
    cluster_init(&cluster);
    cluster_start_master(&cluster);
    create_client();
}

static void teardown(void)
{
    ms_client_destroy(client);
    cluster_finish(&cluster);
}

static void done_cb(struct ms_client *from, const struct ms_client_result *result, void *context)
{
    (void)from;
    ck_assert_ptr_eq(context, &done_count);
    done_count++;
    if (result->error == MS_CLIENT_OK && result->status == MS_CLIENT_STATUS_OK) {
        ok_count++;
    } else if (first_failure[0] == '\0') {
        snprintf(first_failure, sizeof first_failure, "%s, %s: %s",
                 ms_client_strerror(result->error), ms_client_status_name(result->status),
                 result->detail);
    }
}

static uint64_t submit(const char *type, const char *payload, uint32_t attempts)
{
    const struct ms_client_submission submission = {
        .size = sizeof submission,
        .type = type,
        .payload = payload,
        .payload_size = strlen(payload),
        .attempts = attempts,
    };
    uint64_t seq = 0;

    ck_assert_int_eq(ms_client_submit(client, &submission, done_cb, &done_count, &seq),
                     MS_CLIENT_OK);
    return seq;
}

static void wait_all(void)
{
    ck_assert_int_eq(ms_client_wait_all(client, LONG_MS), MS_CLIENT_OK);
}

START_TEST(thousands_of_commands_each_have_their_result)
{
    cluster_start_slave(&cluster, 4);
    cluster_start_slave(&cluster, 4);
    await_slaves(2);
    for (unsigned i = 0; i < 3000; i++) {
        submit("echo", "payload", 1);
    }
    wait_all();
    ck_assert_uint_eq(done_count, 3000);
    ck_assert_msg(ok_count == 3000, "%s", first_failure);
    ck_assert_int_eq(ms_client_close(client, LONG_MS), MS_CLIENT_OK);
}
END_TEST

START_TEST(a_large_payload_comes_back_whole)
{
    char *big = malloc(BIG_SIZE);
    int error = -1;

    ck_assert_ptr_nonnull(big);
    for (size_t i = 0; i < BIG_SIZE; i++) {
        big[i] = (char)(i * 31 + i / 7);
    }
    const struct ms_client_submission submission = {
        .size = sizeof submission, .type = "echo", .payload = big, .payload_size = BIG_SIZE};

    cluster_start_slave(&cluster, 1);
    await_slaves(1);
    struct ms_future *future = ms_call(client, &submission, LONG_MS, &error);

    ck_assert_int_eq(error, MS_CLIENT_OK);
    const struct ms_client_result *result = ms_future_result(future);

    ck_assert_int_eq(result->status, MS_CLIENT_STATUS_OK);
    ck_assert_uint_eq(result->payload_size, BIG_SIZE);
    ck_assert_mem_eq(result->payload, big, BIG_SIZE);
    ck_assert(result->has_usage);
    ms_future_free(future);
    free(big);
}
END_TEST

START_TEST(a_slave_that_dies_costs_nobody_a_result)
{
    const pid_t victim = cluster_start_slave(&cluster, 8);

    await_slaves(1);
    for (unsigned i = 0; i < 64; i++) {
        submit("sleep", "20ms", 3);
    }
    while (done_count == 0) {
        ck_assert_int_eq(ms_client_run(client, 1), MS_CLIENT_TIMEOUT);
    }
    cluster_start_slave(&cluster, 8);
    cluster_end(&cluster, victim, SIGKILL);
    wait_all();
    ck_assert_uint_eq(done_count, 64);
    ck_assert_msg(ok_count == 64, "%s", first_failure);
}
END_TEST

START_TEST(a_master_that_dies_costs_nobody_a_result)
{
    cluster_start_slave(&cluster, 8);
    await_slaves(1);
    for (unsigned i = 0; i < 400; i++) {
        submit("sleep", "5ms", 3);
    }
    while (done_count == 0) {
        ck_assert_int_eq(ms_client_run(client, 1), MS_CLIENT_TIMEOUT);
    }
    ck_assert(WIFSIGNALED(cluster_end(&cluster, cluster.master, SIGKILL)));
    submit("sleep", "5ms", 3); /* while there is no master */
    cluster_start_master(&cluster);
    wait_all();
    ck_assert_uint_eq(done_count, 401);
    ck_assert_uint_ge(ok_count, 400); /* the last one may have met a master without slaves */
    ck_assert_uint_eq(ms_client_floor(client), 401);
}
END_TEST

static void expect_end(const char *payload, uint64_t timeout_ms, int status)
{
    const struct ms_client_submission submission = {
        .size = sizeof submission,
        .type = "sleep",
        .payload = payload,
        .payload_size = strlen(payload),
        .timeout_ms = timeout_ms,
    };
    struct ms_future *future = ms_client_future(client, &submission, NULL);

    ck_assert_ptr_nonnull(future);
    if (timeout_ms == 0) {
        ck_assert_int_eq(ms_client_cancel(client, ms_future_seq(future)), MS_CLIENT_OK);
    }
    ck_assert_int_eq(ms_future_wait(future, LONG_MS), MS_CLIENT_OK);
    ck_assert_int_eq(ms_future_result(future)->error, MS_CLIENT_OK);
    ck_assert_int_eq(ms_future_result(future)->status, status);
    ms_future_free(future);
}

START_TEST(what_takes_too_long_or_is_cancelled_ends_so)
{
    cluster_start_slave(&cluster, 2);
    await_slaves(1);
    expect_end("1h", 50, MS_CLIENT_STATUS_TIMEOUT);
    expect_end("1h", 0, MS_CLIENT_STATUS_CANCELLED);
    expect_end("1ms", 60000, MS_CLIENT_STATUS_OK);
}
END_TEST

START_TEST(an_unknown_type_is_refused_by_name)
{
    int error = -1;
    const struct ms_client_submission submission = {.size = sizeof submission, .type = "nobody"};
    struct ms_future *future = ms_call(client, &submission, LONG_MS, &error);

    ck_assert_int_eq(error, MS_CLIENT_OK);
    ck_assert_int_eq(ms_future_result(future)->error, MS_CLIENT_UNKNOWN_TYPE);
    ck_assert_str_ne(ms_future_result(future)->detail, "");
    ms_future_free(future);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("integration client_api");
    TCase *tests = tcase_create("api");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, thousands_of_commands_each_have_their_result);
    tcase_add_test(tests, a_large_payload_comes_back_whole);
    tcase_add_test(tests, a_slave_that_dies_costs_nobody_a_result);
    tcase_add_test(tests, a_master_that_dies_costs_nobody_a_result);
    tcase_add_test(tests, what_takes_too_long_or_is_cancelled_ends_so);
    tcase_add_test(tests, an_unknown_type_is_refused_by_name);
    suite_add_tcase(suite, tests);

    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
