#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/ms_client.h"
#include "client/ms_future.h"
#include "client/ms_query.h"
#include "tests/unit/client_master.h"

#define LONG_MS 30000 /* a wait that ends sooner, or the test fails */

static struct ev_loop *loop;
static struct ms_client *client;
static unsigned done_count;
static uint64_t done_last;
static char seen[64]; /* what on_output brought */

static void setup(void)
{
    loop = ev_loop_new(EVFLAG_AUTO);
    ck_assert_ptr_nonnull(loop);
    master_start(loop);
    client = ms_client_create(&(struct ms_client_options){.size = sizeof(struct ms_client_options),
                                                          .masters = master.bound,
                                                          .loop = loop},
                              NULL);
    ck_assert_ptr_nonnull(client);
}

static void teardown(void)
{
    ms_client_destroy(client);
    master_stop();
    ev_loop_destroy(loop);
}

static struct ms_client_submission submission(const char *payload)
{
    return (struct ms_client_submission){
        .size = sizeof(struct ms_client_submission),
        .type = "echo",
        .payload = payload,
        .payload_size = strlen(payload),
    };
}

static void done_cb(struct ms_client *from, const struct ms_client_result *result, void *context)
{
    ck_assert_ptr_eq(from, client);
    ck_assert_ptr_eq(context, &done_count);
    done_count++;
    done_last = result->seq;
}

static int submit(const struct ms_client_submission *what)
{
    uint64_t seq;

    return ms_client_submit(client, what, done_cb, &done_count, &seq);
}

START_TEST(terms_arrive)
{
    struct ms_client_submission what = submission("x");

    what.durability = MS_CLIENT_DURABILITY_LOCAL;
    what.flags = MS_CLIENT_ONCE | MS_CLIENT_KEEP;
    what.priority = -7;
    what.run_at_us = 1;
    what.deadline_us = MS_DURATION_MAX;
    what.unique = "key";
    what.unique_mode = MS_CLIENT_UNIQUE_REJECT;
    what.group = "night";
    what.key = "u\0r";
    what.key_size = 3;
    ck_assert_int_eq(submit(&what), MS_CLIENT_OK);
    ck_assert_int_eq(ms_client_wait_all(client, LONG_MS), MS_CLIENT_OK);
    ck_assert_uint_eq(done_count, 1);
    ck_assert_uint_eq(master.submit.flags, MS_FLAG_ONCE | MS_FLAG_KEEP | MS_FLAG_DURABILITY);
    ck_assert_uint_eq(master.submit.durability, MS_DURABILITY_LOCAL);
    ck_assert_int_eq(master.terms.priority, -7);
    ck_assert_int_eq(master.terms.run_at, 1);
    ck_assert_int_eq(master.terms.deadline, MS_DURATION_MAX);
    ck_assert_uint_eq(master.terms.unique_mode, MS_UNIQUE_REJECT);
    ck_assert_uint_eq(master.terms.unique.size, 3);
    ck_assert_uint_eq(master.terms.group.size, 5);
    ck_assert_uint_eq(master.terms.key.size, 3);
}
END_TEST

START_TEST(a_plain_submission_asks_for_nothing_special)
{
    const struct ms_client_submission what = submission("x");

    ck_assert_int_eq(submit(&what), MS_CLIENT_OK);
    ck_assert_int_eq(ms_client_wait_all(client, LONG_MS), MS_CLIENT_OK);
    ck_assert_uint_eq(master.submit.flags, 0);
    ck_assert_ptr_null(master.submit.terms);
}
END_TEST

START_TEST(unfit_terms_are_refused)
{
    static const struct ms_client_submission unfit[] = {
        {.durability = 5},
        {.durability = -1},
        {.priority = 11},
        {.priority = -11},
        {.unique = ""},
        {.unique_mode = MS_CLIENT_UNIQUE_JOIN},
        {.unique = "k", .unique_mode = 4},
        {.unique = "k", .array_count = 2},
        {.group = "no group"},
        {.group = ""},
        {.run_at_us = -1},
        {.deadline_us = INT64_MAX},
        {.delay_ms = INT64_MAX / 1000},
        {.timeout_ms = UINT64_MAX},
        {.array_concurrency = 1},
        {.key_size = 1},
        {.where = "name=x"},
        {.on = 2, .array_count = 3},
        {.on = MS_CLIENT_ON_ALL, .array_count = MS_TARGETS_MAX + 1},
        {.key = "k", .key_size = MS_KEY_MAX + 1},
        {.array_count = MS_ARRAY_MAX + 1},
        {.flags = 2},
        {.flags = 64},
    };

    for (size_t i = 0; i < sizeof unfit / sizeof unfit[0]; i++) {
        struct ms_client_submission what = unfit[i];

        what.size = sizeof what;
        what.type = "echo";
        ck_assert_int_eq(submit(&what), MS_CLIENT_BAD_ARGUMENT);
    }
    ck_assert_uint_eq(ms_client_outstanding(client), 0);
}
END_TEST

START_TEST(an_array_ends_once_for_each_member)
{
    struct ms_client_submission what = submission("x");

    what.array_count = 100;
    ck_assert_int_eq(submit(&what), MS_CLIENT_OK);
    ck_assert_uint_eq(ms_client_outstanding(client), 100);
    ck_assert_int_eq(ms_client_wait_all(client, LONG_MS), MS_CLIENT_OK);
    ck_assert_uint_eq(done_count, 100);
    ck_assert_uint_eq(done_last, 1); /* the master answered from behind */
    ck_assert_uint_eq(ms_client_floor(client), 100);
    ck_assert_uint_eq(master.submits_count, 1);
}
END_TEST

START_TEST(a_large_payload_arrives_in_parts)
{
    const size_t size = 9 * (size_t)MS_PAYLOAD_MAX_DEFAULT + 1;
    char *payload = malloc(size);
    struct ms_client_submission what = submission("");

    ck_assert_ptr_nonnull(payload);
    memset(payload, 'x', size);
    what.payload = payload;
    what.payload_size = size;
    ck_assert_int_eq(submit(&what), MS_CLIENT_OK);
    free(payload); /* it was copied */
    ck_assert_int_eq(ms_client_wait_all(client, LONG_MS), MS_CLIENT_OK);
    ck_assert_uint_eq(master.parts_bytes, size);
    ck_assert_uint_eq(master.terms.parts_size, size);
    ck_assert_uint_eq(done_count, 1);
}
END_TEST

START_TEST(futures_are_waited_for_together)
{
    struct ms_client_submission what = submission("x");
    struct ms_future *futures[3];
    size_t count = 3, index = 99;

    what.array_count = 3;
    ck_assert_int_eq(ms_client_future_array(client, &what, futures), MS_CLIENT_OK);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(ms_future_seq(futures[i]), i + 1);
        ck_assert_ptr_eq(ms_client_find(client, i + 1), futures[i]);
    }
    ck_assert_int_eq(ms_future_wait_any(futures, 3, LONG_MS, &index), MS_CLIENT_OK);
    ck_assert_uint_eq(index, 2); /* the master answered from behind */
    ck_assert_int_eq(ms_future_wait_all(futures, 3, LONG_MS), MS_CLIENT_OK);
    for (uint64_t seq = 3; seq >= 1; seq--) {
        struct ms_future *future = NULL;

        ck_assert_int_eq(ms_future_take_done(futures, &count, LONG_MS, &future), MS_CLIENT_OK);
        ck_assert_uint_eq(ms_future_seq(future), seq);
        ck_assert_uint_eq(count, seq - 1);
        ms_future_free(future);
    }
    ck_assert_int_eq(ms_future_wait_any(futures, 0, LONG_MS, &index), MS_CLIENT_BAD_ARGUMENT);
    ck_assert_int_eq(ms_future_wait_all(futures, 0, LONG_MS), MS_CLIENT_OK);
}
END_TEST

START_TEST(a_wait_for_many_has_an_end)
{
    struct ms_client_submission what = submission("x");
    struct ms_future *futures[2];
    size_t index;

    master.manner = MANNER_HOLD;
    what.array_count = 2;
    ck_assert_ptr_null(ms_client_future(client, &what, NULL)); /* one cannot hold two results */
    ck_assert_int_eq(ms_client_future_array(client, &what, futures), MS_CLIENT_OK);
    ck_assert_int_eq(ms_future_wait_any(futures, 2, 0, &index), MS_CLIENT_TIMEOUT);
    ck_assert_int_eq(ms_future_wait_all(futures, 2, 0), MS_CLIENT_TIMEOUT);
    ms_future_free(futures[0]);
    ms_future_free(futures[1]);
    what.array_count = 0;
    ck_assert_int_eq(ms_client_future_array(client, &what, futures), MS_CLIENT_BAD_ARGUMENT);
}
END_TEST

static void output_cb(struct ms_client *from, const struct ms_client_output *output, void *context)
{
    (void)from;
    ck_assert_ptr_eq(context, &done_count);
    ck_assert_uint_eq(output->seq, 7);
    ck_assert_uint_eq(output->attempt, 1);
    const size_t length = strlen(seen);

    snprintf(seen + length, sizeof seen - length, "%.*s%s", (int)output->data_size,
             (const char *)output->data, output->stream == MS_CLIENT_DATA ? "|" : "!");
}

static void report_cb(struct ms_client *from, const struct ms_client_report *report, void *context)
{
    ck_assert_ptr_eq(context, &done_count);
    done_count += report->rows;
    ck_assert_int_eq(report->error, MS_CLIENT_OK);
    if (report->is_last) {
        ms_client_break(from);
    }
}

static void ask(const struct ms_client_query *query)
{
    ck_assert_int_eq(ms_client_ask(client, query, report_cb, &done_count), MS_CLIENT_OK);
    ms_client_run(client, LONG_MS);
}

START_TEST(questions_bring_output)
{
    ask(&(struct ms_client_query){.size = sizeof(struct ms_client_query),
                                  .what = MS_CLIENT_ASK_TAIL,
                                  .seq = 7,
                                  .is_following = true,
                                  .from = 3,
                                  .on_output = output_cb});
    ck_assert_str_eq(seen, "out|err!");
    ck_assert_uint_eq(done_count, 1);
    ck_assert(master.query.is_following);
    ck_assert_uint_eq(master.query.from, 3);
    ask(&(struct ms_client_query){
        .size = sizeof(struct ms_client_query), .what = MS_CLIENT_ASK_RESULT, .seq = 8});
    ck_assert_str_eq(seen, "out|err!"); /* nobody listened */
}
END_TEST

START_TEST(operations_arrive)
{
    ask(&(struct ms_client_query){.size = sizeof(struct ms_client_query),
                                  .what = MS_CLIENT_ASK_OPERATE,
                                  .operation = MS_CLIENT_OPERATE_PRIORITY,
                                  .where = "state=ready",
                                  .is_dry_run = true,
                                  .value = -4});
    ck_assert_int_eq(master.query.operation, MS_OPERATION_PRIORITY);
    ck_assert_str_eq(master.query.where, "state=ready");
    ck_assert(master.query.is_dry);
    ck_assert_int_eq(master.query.value, -4);
}
END_TEST

START_TEST(unfit_questions_are_refused)
{
    static const struct ms_client_query unfit[] = {
        {.what = MS_CLIENT_ASK_OPERATE, .seq = 1},
        {.what = MS_CLIENT_ASK_OPERATE, .operation = MS_CLIENT_OPERATE_CANCEL},
        {.what = MS_CLIENT_ASK_OPERATE, .operation = MS_CLIENT_OPERATE_CANCEL, .where = ""},
        {.what = MS_CLIENT_ASK_OPERATE, .operation = 6, .seq = 1},
        {.what = MS_CLIENT_ASK_COMMANDS, .operation = MS_CLIENT_OPERATE_CANCEL},
        {.what = MS_CLIENT_ASK_COMMANDS, .where = "colour=red"},
        {.what = MS_CLIENT_ASK_GROUP},
        {.what = MS_CLIENT_ASK_GROUP, .where = "no name"},
    };

    for (size_t i = 0; i < sizeof unfit / sizeof unfit[0]; i++) {
        struct ms_client_query query = unfit[i];

        query.size = sizeof query;
        ck_assert_int_eq(ms_client_ask(client, &query, report_cb, NULL), MS_CLIENT_BAD_ARGUMENT);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("client_api_terms");
    TCase *tests = tcase_create("terms");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, terms_arrive);
    tcase_add_test(tests, a_plain_submission_asks_for_nothing_special);
    tcase_add_test(tests, unfit_terms_are_refused);
    tcase_add_test(tests, an_array_ends_once_for_each_member);
    tcase_add_test(tests, a_large_payload_arrives_in_parts);
    tcase_add_test(tests, futures_are_waited_for_together);
    tcase_add_test(tests, a_wait_for_many_has_an_end);
    tcase_add_test(tests, questions_bring_output);
    tcase_add_test(tests, operations_arrive);
    tcase_add_test(tests, unfit_questions_are_refused);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
