#include "client/ms_client.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "client/ms_future.h"
#include "client/ms_query.h"
#include "tests/unit/client_master.h"

#define LONG_MS 30000 /* a wait that ends sooner, or the test fails */

static struct ev_loop *loop;
static struct ms_client *client;
static unsigned done_count, room_count, accepted_count, ups_count, downs_count;
static struct ms_client_result last;
static char last_payload[64];
static char seen[64]; /* what on_output brought */

static void room_cb(struct ms_client *from, void *context)
{
    ck_assert_ptr_eq(from, client);
    ck_assert_ptr_eq(context, &room_count);
    room_count++;
}

static void connection_cb(struct ms_client *from, bool is_up, int error, void *context)
{
    (void)from, (void)context;
    ups_count += is_up ? 1 : 0;
    downs_count += is_up ? 0 : 1;
    ck_assert_int_eq(is_up, error == MS_CLIENT_OK);
}

static void create(uint32_t queue)
{
    struct ms_client_error error;
    const struct ms_client_options options = {
        .size = sizeof options,
        .masters = master.bound,
        .loop = loop,
        .name = "test",
        .queue = queue,
        .context = &room_count,
        .on_room = room_cb,
        .on_connection = connection_cb,
    };

    client = ms_client_create(&options, &error);
    ck_assert_msg(client != NULL, "%s", error.text);
}

static void setup(void)
{
    loop = ev_loop_new(EVFLAG_AUTO);
    ck_assert_ptr_nonnull(loop);
    master_start(loop);
    create(0);
}

static void teardown(void)
{
    ms_client_destroy(client);
    master_stop();
    ev_loop_destroy(loop);
}

static void done_cb(struct ms_client *from, const struct ms_client_result *result, void *context)
{
    ck_assert_ptr_eq(from, client);
    ck_assert_ptr_eq(context, &done_count);
    done_count++;
    last = *result;
    ck_assert_uint_lt(result->payload_size, sizeof last_payload);
    memset(last_payload, 0, sizeof last_payload);
    if (result->payload_size > 0) {
        memcpy(last_payload, result->payload, result->payload_size);
    }
}

static void accepted_cb(struct ms_client *from, uint64_t seq, int durability, int copies,
                        void *context)
{
    (void)from, (void)seq, (void)context;
    ck_assert_int_eq(durability, 0);
    ck_assert_int_eq(copies, 1);
    accepted_count++;
}

static struct ms_client_submission submission(const char *payload)
{
    return (struct ms_client_submission){
        .size = sizeof(struct ms_client_submission),
        .type = "echo",
        .payload = payload,
        .payload_size = strlen(payload),
        .on_accepted = accepted_cb,
    };
}

static uint64_t submit(const char *payload)
{
    const struct ms_client_submission what = submission(payload);
    uint64_t seq = 0;

    ck_assert_int_eq(ms_client_submit(client, &what, done_cb, &done_count, &seq), MS_CLIENT_OK);
    return seq;
}

static void wait_all(void)
{
    ck_assert_int_eq(ms_client_wait_all(client, LONG_MS), MS_CLIENT_OK);
}

/* Turns of the shared loop until the other end has had so many. */
static void wait_submits(uint64_t count)
{
    while (master.submits_count < count) {
        ev_run(loop, EVRUN_ONCE);
    }
}

START_TEST(a_result_comes_back)
{
    ck_assert_uint_eq(submit("hello"), 1);
    wait_all();
    ck_assert_uint_eq(done_count, 1);
    ck_assert_uint_le(accepted_count, 1); /* the outcome may be faster */
    ck_assert_int_eq(last.error, MS_CLIENT_OK);
    ck_assert_int_eq(last.status, MS_CLIENT_STATUS_OK);
    ck_assert_str_eq(last_payload, "hello");
    ck_assert(ms_client_is_connected(client));
    ck_assert_uint_eq(ms_client_floor(client), 1);
    ck_assert_str_eq(master.hello.name, "test");
    ck_assert_uint_eq(ups_count, 1);
}
END_TEST

START_TEST(thousands_pass_through_a_small_window)
{
    unsigned submitted = 0;
    const struct ms_client_submission what = submission("x");

    ms_client_destroy(client);
    create(100);
    while (done_count < 5000) {
        while (submitted < 5000 &&
               ms_client_submit(client, &what, done_cb, &done_count, NULL) == MS_CLIENT_OK) {
            submitted++;
        }
        ev_run(loop, EVRUN_ONCE);
    }
    ck_assert_uint_gt(room_count, 0);
    ck_assert_uint_eq(done_count, 5000);
    ck_assert_uint_eq(master.submits_count, 5000);
}
END_TEST

START_TEST(a_broken_connection_is_mended_and_each_ends_once)
{
    master.manner = MANNER_HOLD;
    for (int i = 0; i < 300; i++) {
        submit("x");
    }
    wait_submits(300);
    master.manner = MANNER_ANSWER;
    master_break_connection();
    wait_all();
    ck_assert_uint_eq(done_count, 300);
    ck_assert_uint_eq(master.submits_count, 600);
    ck_assert_uint_eq(downs_count, 1);
    ck_assert_uint_eq(ups_count, 2);
    ck_assert_uint_eq(accepted_count, 300);
}
END_TEST

START_TEST(futures_keep_results)
{
    const struct ms_client_submission what = submission("future");
    int error = -1;
    struct ms_future *future = ms_client_future(client, &what, &error);
    struct ms_future *given_up = ms_client_future(client, &what, NULL);

    ck_assert_int_eq(error, MS_CLIENT_OK);
    ck_assert_ptr_eq(ms_client_find(client, 1), future);
    ck_assert(!ms_future_is_done(future));
    ck_assert_ptr_null(ms_future_result(future));
    ms_future_free(given_up);
    ck_assert_ptr_null(ms_client_find(client, 2));
    ck_assert_int_eq(ms_future_wait(future, 0), MS_CLIENT_TIMEOUT);
    ck_assert_int_eq(ms_future_wait(future, LONG_MS), MS_CLIENT_OK);
    wait_all();
    ck_assert_mem_eq(ms_future_result(future)->payload, "future", 6);
    ck_assert_str_eq(ms_future_result(future)->detail, "why");
    ck_assert_uint_eq(ms_future_seq(future), 1);
    ms_future_free(future);
    ck_assert_ptr_null(ms_client_find(client, 1));
}
END_TEST

START_TEST(futures_outlive_their_client)
{
    const struct ms_client_submission what = submission("x");
    struct ms_future *future = ms_client_future(client, &what, NULL);

    ms_client_destroy(client);
    client = NULL;
    ck_assert(ms_future_is_done(future));
    ck_assert_int_eq(ms_future_result(future)->error, MS_CLIENT_CLOSED);
    ck_assert_int_eq(ms_future_wait(future, -1), MS_CLIENT_OK);
    ms_future_free(future);
}
END_TEST

START_TEST(call_submits_and_waits)
{
    const struct ms_client_submission what = submission("now");
    int error = -1;
    struct ms_future *future = ms_call(client, &what, LONG_MS, &error);

    ck_assert_ptr_nonnull(future);
    ck_assert_int_eq(error, MS_CLIENT_OK);
    ck_assert_mem_eq(ms_future_result(future)->payload, "now", 3);
    ms_future_free(future);
    master.manner = MANNER_HOLD;
    ck_assert_ptr_null(ms_call(client, &what, 20, &error));
    ck_assert_int_eq(error, MS_CLIENT_TIMEOUT);
    wait_all(); /* it was cancelled */
    ck_assert_uint_eq(master.cancels_count, 1);
}
END_TEST

START_TEST(call_waits_for_room)
{
    const struct ms_client_submission what = submission("x");

    ms_client_destroy(client);
    create(1);
    for (int i = 0; i < 3; i++) {
        int error = -1;

        submit("before");
        struct ms_future *future = ms_call(client, &what, LONG_MS, &error);

        ck_assert_int_eq(error, MS_CLIENT_OK);
        ms_future_free(future);
    }
    ck_assert_uint_eq(done_count, 3);
}
END_TEST

static void chain_cb(struct ms_client *from, const struct ms_client_result *result, void *context)
{
    const struct ms_client_submission what = submission("chain");

    (void)context;
    ck_assert_int_eq(result->status, MS_CLIENT_STATUS_OK);
    ck_assert_int_eq(ms_client_wait_all(from, 0), MS_CLIENT_BAD_STATE);
    ck_assert_int_eq(ms_client_run(from, 0), MS_CLIENT_BAD_STATE);
    ck_assert_int_eq(ms_client_close(from, 0), MS_CLIENT_BAD_STATE);
    ck_assert_ptr_null(ms_call(from, &what, 0, NULL));
    if (++done_count < 50) {
        ck_assert_int_eq(ms_client_submit(from, &what, chain_cb, NULL, NULL), MS_CLIENT_OK);
    }
}

START_TEST(callbacks_submit_but_do_not_wait)
{
    const struct ms_client_submission what = submission("chain");

    ck_assert_int_eq(ms_client_submit(client, &what, chain_cb, NULL, NULL), MS_CLIENT_OK);
    wait_all();
    ck_assert_uint_eq(done_count, 50);
}
END_TEST

START_TEST(background_ends_when_accepted)
{
    struct ms_client_submission what = submission("b");

    what.flags = MS_CLIENT_BACKGROUND;
    ck_assert_int_eq(ms_client_submit(client, &what, done_cb, &done_count, NULL), MS_CLIENT_OK);
    wait_all();
    ck_assert_uint_eq(done_count, 1);
    ck_assert(last.is_background);
    ck_assert_uint_eq(accepted_count, 1);
}
END_TEST

static void output_cb(struct ms_client *from, const struct ms_client_output *output, void *context)
{
    const size_t length = strlen(seen);

    (void)from, (void)context;
    ck_assert_uint_eq(output->data_size, 1);
    ck_assert_uint_lt(length + 1, sizeof seen);
    seen[length] = *(const char *)output->data;
    ck_assert_int_eq(output->stream, seen[length] == 'e' ? MS_CLIENT_STDERR : MS_CLIENT_DATA);
}

START_TEST(output_comes_as_it_is_made)
{
    struct ms_client_submission what = submission("rest");

    master.manner = MANNER_STREAM;
    what.on_output = output_cb;
    ck_assert_int_eq(ms_client_submit(client, &what, done_cb, &done_count, NULL), MS_CLIENT_OK);
    wait_all();
    ck_assert_str_eq(seen, "ded");
    ck_assert_str_eq(last_payload, "rest");
}
END_TEST

START_TEST(output_comes_with_the_result_when_nobody_listens)
{
    master.manner = MANNER_STREAM;
    submit("rest");
    wait_all();
    ck_assert_str_eq(last_payload, "ddrest");
}
END_TEST

START_TEST(a_refusal_says_why)
{
    master.manner = MANNER_REFUSE;
    submit("x");
    wait_all();
    ck_assert_int_eq(last.error, MS_CLIENT_UNKNOWN_TYPE);
    ck_assert_uint_eq(done_count, 1);
}
END_TEST

START_TEST(cancel_reaches_what_is_under_way)
{
    master.manner = MANNER_HOLD;
    const uint64_t seq = submit("x");

    wait_submits(1);
    ck_assert_int_eq(ms_client_cancel(client, seq), MS_CLIENT_OK);
    wait_all();
    ck_assert_int_eq(last.status, MS_CLIENT_STATUS_CANCELLED);
    ck_assert_int_eq(ms_client_cancel(client, seq), MS_CLIENT_NOT_FOUND);
}
END_TEST

static void report_cb(struct ms_client *from, const struct ms_client_report *report, void *context)
{
    unsigned *reports_count = context;

    (void)from;
    ck_assert_int_eq(report->error, MS_CLIENT_OK);
    ck_assert_uint_eq(report->columns, 2);
    ck_assert_uint_eq(report->rows, 1);
    ck_assert_str_eq(report->cells[0].name, "name");
    ck_assert_str_eq(report->cells[0].text, "a");
    ck_assert_uint_eq(report->cells[1].number, 3);
    ck_assert(report->is_last);
    ++*reports_count;
}

START_TEST(questions_are_answered)
{
    struct ms_client_query query = {.size = sizeof query, .what = MS_CLIENT_ASK_SLAVES};
    unsigned reports_count = 0;

    for (int i = 0; i < 64; i++) {
        ck_assert_int_eq(ms_client_ask(client, &query, report_cb, &reports_count), MS_CLIENT_OK);
    }
    ck_assert_int_eq(ms_client_ask(client, &query, report_cb, &reports_count), MS_CLIENT_BUSY);
    wait_all();
    ck_assert_uint_eq(reports_count, 64);
    query.what = 99;
    ck_assert_int_eq(ms_client_ask(client, &query, report_cb, NULL), MS_CLIENT_BAD_ARGUMENT);
    query = (struct ms_client_query){
        .size = sizeof query, .what = MS_CLIENT_ASK_COMMANDS, .state = "\xFF"};
    ck_assert_int_eq(ms_client_ask(client, &query, report_cb, NULL), MS_CLIENT_BAD_ARGUMENT);
    query = (struct ms_client_query){
        .size = sizeof query, .what = MS_CLIENT_ASK_SHOW, .client_id = "nonsense", .seq = 1};
    ck_assert_int_eq(ms_client_ask(client, &query, report_cb, NULL), MS_CLIENT_BAD_ARGUMENT);
}
END_TEST

START_TEST(close_confirms_and_says_goodbye)
{
    const struct ms_client_submission what = submission("x");

    submit("x");
    ck_assert_int_eq(ms_client_close(client, LONG_MS), MS_CLIENT_OK);
    while (master.byes_count == 0) {
        ev_run(loop, EVRUN_ONCE);
    }
    ck_assert_uint_eq(done_count, 1);
    ck_assert_uint_eq(master.acks_count, 1);
    ck_assert_int_eq(ms_client_submit(client, &what, NULL, NULL, NULL), MS_CLIENT_DRAINING);
    ck_assert_ptr_null(ms_client_future(client, &what, NULL));
}
END_TEST

START_TEST(close_gives_up_what_takes_too_long)
{
    master.manner = MANNER_HOLD;
    submit("x");
    wait_submits(1);
    ck_assert_int_eq(ms_client_close(client, 10), MS_CLIENT_TIMEOUT);
    while (master.byes_count == 0) {
        ev_run(loop, EVRUN_ONCE);
    }
    ck_assert_uint_eq(done_count, 0);
}
END_TEST

START_TEST(unfit_submissions_are_refused)
{
    struct ms_client_submission what = submission("x");

    what.type_number = 5;
    ck_assert_int_eq(ms_client_submit(client, &what, NULL, NULL, NULL), MS_CLIENT_BAD_ARGUMENT);
    what = submission("x");
    what.type = "not a name";
    ck_assert_int_eq(ms_client_submit(client, &what, NULL, NULL, NULL), MS_CLIENT_BAD_ARGUMENT);
    what = submission("x");
    what.size = 1;
    ck_assert_int_eq(ms_client_submit(client, &what, NULL, NULL, NULL), MS_CLIENT_BAD_ARGUMENT);
    what = submission("x");
    what.attempts = 1000000;
    ck_assert_int_eq(ms_client_submit(client, &what, NULL, NULL, NULL), MS_CLIENT_BAD_ARGUMENT);
    what = submission("x");
    what.timeout_ms = UINT64_MAX;
    ck_assert_int_eq(ms_client_submit(client, &what, NULL, NULL, NULL), MS_CLIENT_BAD_ARGUMENT);
}
END_TEST

START_TEST(programs_of_other_ages_are_understood)
{
    struct {
        struct ms_client_submission known;
        uint64_t more;
    } newer = {.known = submission("x")};

    newer.known.size = sizeof newer;
    ck_assert_int_eq(ms_client_submit(client, &newer.known, NULL, NULL, NULL), MS_CLIENT_OK);
    newer.more = 1;
    ck_assert_int_eq(ms_client_submit(client, &newer.known, NULL, NULL, NULL),
                     MS_CLIENT_BAD_ARGUMENT);
    newer.known.size = offsetof(struct ms_client_submission, on_output);
    newer.known.on_output = output_cb; /* behind its end: not looked at */
    master.manner = MANNER_STREAM;
    ck_assert_int_eq(ms_client_submit(client, &newer.known, done_cb, &done_count, NULL),
                     MS_CLIENT_OK);
    wait_all();
    ck_assert_str_eq(seen, "");
}
END_TEST

static void expect_refused(const struct ms_client_options *options)
{
    struct ms_client_error error = {.code = MS_CLIENT_OK};

    ck_assert_ptr_null(ms_client_create(options, &error));
    ck_assert_int_eq(error.code, MS_CLIENT_BAD_ARGUMENT);
    ck_assert_str_ne(error.text, "");
}

START_TEST(unfit_options_are_refused)
{
    struct ms_client_options options;

    ms_client_options_default(&options, sizeof options);
    options.masters = "nonsense";
    expect_refused(&options);
    ms_client_options_default(&options, sizeof options);
    options.id = "1234";
    expect_refused(&options);
    ms_client_options_default(&options, sizeof options);
    options.id = "00000000000000000000000000000000";
    expect_refused(&options);
    ms_client_options_default(&options, sizeof options);
    options.window = UINT32_MAX;
    expect_refused(&options);
    ms_client_options_default(&options, sizeof options);
    options.name = "a b";
    expect_refused(&options);
    ms_client_options_default(&options, sizeof options);
    options.floor = 1;
    expect_refused(&options);
    options.size = 3;
    expect_refused(&options);
}
END_TEST

START_TEST(nobody_there_is_an_answer_after_a_while)
{
    const struct ms_client_options options = {
        .size = sizeof options,
        .masters = "unix:/nonexistent/socket",
        .id = "0123456789abcdefABCDEF0123456789",
        .first_seq = 41,
    };
    struct ms_client *alone = ms_client_create(&options, NULL);
    const struct ms_client_submission what = submission("x");

    ck_assert_ptr_nonnull(alone);
    ck_assert_str_eq(ms_client_id(alone), "0123456789abcdefabcdef0123456789");
    ck_assert_int_eq(ms_client_wait_connected(alone, 50), MS_CLIENT_TIMEOUT);
    ck_assert_int_ne(ms_client_last_error(alone), MS_CLIENT_OK);
    struct ms_future *future = ms_client_future(alone, &what, NULL);

    ck_assert_uint_eq(ms_future_seq(future), 41);
    ck_assert_uint_eq(ms_client_floor(alone), 0);
    ck_assert_int_eq(ms_client_cancel(alone, 41), MS_CLIENT_OK);
    /* Under an id of one's own it may have been submitted before: only a master knows. */
    ck_assert_int_eq(ms_future_wait(future, 0), MS_CLIENT_TIMEOUT);
    ms_future_free(future);
    ck_assert_int_eq(ms_client_close(alone, 0), MS_CLIENT_TIMEOUT);
    ms_client_destroy(alone);
}
END_TEST

START_TEST(what_nobody_can_have_is_cancelled_here)
{
    const struct ms_client_options options = {.size = sizeof options,
                                              .masters = "unix:/nonexistent/socket"};
    struct ms_client *alone = ms_client_create(&options, NULL);
    struct ms_client_submission what = submission("x");
    struct ms_future *future = ms_client_future(alone, &what, NULL);
    ck_assert_int_eq(ms_client_cancel(alone, 1), MS_CLIENT_OK);
    ck_assert_int_eq(ms_future_wait(future, 0), MS_CLIENT_OK);
    ck_assert_int_eq(ms_future_result(future)->status, MS_CLIENT_STATUS_CANCELLED);
    ms_future_free(future);
    ms_client_destroy(alone);
}
END_TEST

START_TEST(every_number_has_a_sentence)
{
    for (int error = -1; error < 1100; error++) {
        ck_assert_str_ne(ms_client_strerror(error), "");
    }
    for (int status = -1; status < 10; status++) {
        ck_assert_str_ne(ms_client_status_name(status), "");
    }
    ck_assert_str_ne(ms_client_strerror(MS_CLIENT_BUSY), ms_client_strerror(MS_CLIENT_BAD_STATE));
}
END_TEST

static TCase *work_tests(void)
{
    TCase *tests = tcase_create("work");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, a_result_comes_back);
    tcase_add_test(tests, thousands_pass_through_a_small_window);
    tcase_add_test(tests, a_broken_connection_is_mended_and_each_ends_once);
    tcase_add_test(tests, callbacks_submit_but_do_not_wait);
    tcase_add_test(tests, background_ends_when_accepted);
    tcase_add_test(tests, output_comes_as_it_is_made);
    tcase_add_test(tests, output_comes_with_the_result_when_nobody_listens);
    tcase_add_test(tests, a_refusal_says_why);
    tcase_add_test(tests, cancel_reaches_what_is_under_way);
    tcase_add_test(tests, questions_are_answered);
    tcase_add_test(tests, close_confirms_and_says_goodbye);
    tcase_add_test(tests, close_gives_up_what_takes_too_long);
    return tests;
}

static TCase *other_tests(void)
{
    TCase *tests = tcase_create("other");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, futures_keep_results);
    tcase_add_test(tests, futures_outlive_their_client);
    tcase_add_test(tests, call_submits_and_waits);
    tcase_add_test(tests, call_waits_for_room);
    tcase_add_test(tests, unfit_submissions_are_refused);
    tcase_add_test(tests, programs_of_other_ages_are_understood);
    tcase_add_test(tests, unfit_options_are_refused);
    tcase_add_test(tests, nobody_there_is_an_answer_after_a_while);
    tcase_add_test(tests, what_nobody_can_have_is_cancelled_here);
    tcase_add_test(tests, every_number_has_a_sentence);
    return tests;
}

int main(void)
{
    Suite *suite = suite_create("client_api");

    suite_add_tcase(suite, work_tests());
    suite_add_tcase(suite, other_tests());

    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
