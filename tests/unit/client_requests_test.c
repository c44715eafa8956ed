#include "client/requests.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>

static struct ms_requests requests;

static void begin(uint32_t count_max, size_t bytes_max, uint64_t seq_first, uint64_t floor)
{
    ck_assert(ms_requests_init(&requests, &(struct ms_requests_config){
                                              .count_max = count_max,
                                              .bytes_max = bytes_max,
                                              .seq_first = seq_first,
                                              .floor = floor,
                                              .seed = 3,
                                          }));
}

static void setup(void)
{
    begin(8, 1024, 1, 0);
}

static void teardown(void)
{
    ms_requests_check(&requests);
    ms_requests_finish(&requests);
}

static enum ms_error add(const char *payload, struct ms_request **request_out)
{
    return ms_requests_add(&requests,
                           &(struct ms_command){
                               .kind = MS_KIND_SUBMIT,
                               .type = 2000,
                               .attempts_max = 1,
                               .payload = ms_bytes_of(payload),
                           },
                           request_out);
}

static struct ms_request *added(const char *payload)
{
    struct ms_request *request = NULL;

    ck_assert_int_eq(add(payload, &request), MS_E_OK);
    return request;
}

static struct ms_request *sent(const char *payload)
{
    struct ms_request *request = added(payload);

    ms_requests_send(&requests, request, 5);
    return request;
}

static enum ms_request_state state(const struct ms_request *request)
{
    return ms_request_state(&requests, request);
}

START_TEST(numbers_count_from_the_first_and_payloads_are_copied)
{
    char text[] = "abc";
    const struct ms_request *one = added(text);
    const struct ms_request *two = added("");

    text[0] = 'x';
    ck_assert_uint_eq(one->seq, 1);
    ck_assert_uint_eq(two->seq, 2);
    ck_assert_mem_eq(one->payload, "abc", 3);
    ck_assert_ptr_null(two->payload);
    ck_assert_ptr_eq(ms_requests_find(&requests, 2), two);
    ck_assert_ptr_null(ms_requests_find(&requests, 3));
    ck_assert(ms_requests_is_ours(&requests, 2));
    ck_assert(!ms_requests_is_ours(&requests, 0));
    ck_assert(!ms_requests_is_ours(&requests, 3));
}
END_TEST

START_TEST(full_is_an_answer_and_room_comes_back)
{
    struct ms_request *request = NULL;
    struct ms_request *first = added("1");

    for (int i = 0; i < 7; i++) {
        added("x");
    }
    ck_assert_int_eq(add("x", &request), MS_E_RETRY_LATER);
    ms_requests_close(&requests, first);
    ck_assert_int_eq(add("x", &request), MS_E_OK);
    ck_assert_uint_eq(request->seq, 9);
}
END_TEST

START_TEST(bytes_are_bounded)
{
    char big[800];
    char huge[2000];
    struct ms_request *request = NULL;

    memset(big, 'b', sizeof big);
    memset(huge, 'h', sizeof huge);
    big[sizeof big - 1] = huge[sizeof huge - 1] = '\0';
    ck_assert_int_eq(add(huge, &request), MS_E_PAYLOAD_SIZE);
    ck_assert_int_eq(add(big, &request), MS_E_OK);
    struct ms_request *other = NULL;

    ck_assert_int_eq(add(big, &other), MS_E_RETRY_LATER);
    ms_requests_close(&requests, request);
    ck_assert_uint_eq(ms_requests_bytes(&requests), 0);
    ck_assert_int_eq(add(big, &other), MS_E_OK);
}
END_TEST

START_TEST(the_floor_is_below_the_oldest_open_one)
{
    struct ms_request *one = added("1");
    struct ms_request *two = added("2");
    struct ms_request *three = added("3");

    ck_assert_uint_eq(ms_requests_floor(&requests), 0);
    ms_requests_close(&requests, two);
    ck_assert_uint_eq(ms_requests_floor(&requests), 0);
    ms_requests_close(&requests, one);
    ck_assert_uint_eq(ms_requests_floor(&requests), 2);
    ms_requests_close(&requests, three);
    ck_assert_uint_eq(ms_requests_floor(&requests), 3);
}
END_TEST

START_TEST(what_lies_between_two_runs_is_not_called_closed)
{
    ms_requests_finish(&requests);
    begin(8, 1024, 10, 4);
    ck_assert_uint_eq(ms_requests_floor(&requests), 4);
    ms_requests_close(&requests, added("x"));
    ck_assert_uint_eq(ms_requests_floor(&requests), 4);
    ck_assert(!ms_requests_is_ours(&requests, 9));
    ms_requests_finish(&requests);
    begin(8, 1024, 10, 9);
    ck_assert_uint_eq(ms_requests_floor(&requests), 9);
    ms_requests_close(&requests, added("x"));
    ck_assert_uint_eq(ms_requests_floor(&requests), 10);
}
END_TEST

START_TEST(a_lost_connection_puts_all_back_in_order)
{
    struct ms_request *one = sent("1");
    struct ms_request *two = sent("2");
    struct ms_request *three = added("3");

    ms_requests_confirm(&requests, one);
    ck_assert_int_eq(state(one), MS_REQUEST_CONFIRMED);
    ms_requests_check(&requests);
    ms_requests_lost(&requests);
    ms_requests_check(&requests);
    ck_assert_int_eq(state(one), MS_REQUEST_WAITING);
    ck_assert_int_eq(state(two), MS_REQUEST_WAITING);
    ck_assert_uint_eq(requests.waiting_count, 3);
    ck_assert_ptr_eq(ms_requests_waiting(&requests), one);
    ms_requests_send(&requests, one, 9);
    ck_assert_int_eq(one->sent_at, 5); /* the first time stays */
    ck_assert_ptr_eq(ms_requests_waiting(&requests), two);
    ms_requests_send(&requests, two, 9);
    ck_assert_int_eq(state(two), MS_REQUEST_SENT); /* to be confirmed anew */
    ck_assert_ptr_eq(ms_requests_waiting(&requests), three);
}
END_TEST

START_TEST(a_pause_holds_one_back_until_its_time)
{
    struct ms_request *one = sent("1");
    struct ms_request *two = sent("2");

    ck_assert_int_eq(ms_requests_delay(&requests, one, 100), MS_E_OK);
    ck_assert_int_eq(ms_requests_delay(&requests, two, 50), MS_E_OK);
    ck_assert_int_eq(state(one), MS_REQUEST_DELAYED);
    ms_requests_check(&requests);
    ms_requests_lost(&requests);
    ck_assert_int_eq(state(one), MS_REQUEST_DELAYED);
    ms_requests_resume(&requests, 49, 8);
    ck_assert_ptr_null(ms_requests_waiting(&requests));
    ms_requests_resume(&requests, 100, 1);
    ck_assert_ptr_eq(ms_requests_waiting(&requests), two);
    ck_assert_int_eq(state(one), MS_REQUEST_DELAYED);
    ms_requests_resume(&requests, 100, 8);
    ck_assert_int_eq(state(one), MS_REQUEST_WAITING);
    ck_assert_uint_eq(requests.waiting_count, 2);
}
END_TEST

START_TEST(every_state_can_be_closed)
{
    struct ms_request *waiting = added("w");
    struct ms_request *out = sent("s");
    struct ms_request *confirmed = sent("c");
    struct ms_request *delayed = sent("d");

    ms_requests_confirm(&requests, confirmed);
    ck_assert_int_eq(ms_requests_delay(&requests, delayed, 7), MS_E_OK);
    ms_requests_close(&requests, waiting);
    ms_requests_close(&requests, out);
    ms_requests_close(&requests, confirmed);
    ms_requests_close(&requests, delayed);
    ck_assert_uint_eq(ms_requests_count(&requests), 0);
    ck_assert_uint_eq(ms_requests_bytes(&requests), 0);
    ms_requests_resume(&requests, 100, 8);
    ck_assert_ptr_null(ms_requests_waiting(&requests));
}
END_TEST

START_TEST(told_goes_back_to_sent)
{
    struct ms_request *request = sent("1");

    ms_requests_confirm(&requests, request);
    ck_assert_ptr_eq(ms_requests_confirmed(&requests), request);
    ms_requests_told(&requests, request);
    ck_assert_ptr_null(ms_requests_confirmed(&requests));
    ck_assert_int_eq(state(request), MS_REQUEST_SENT);
    ck_assert_uint_eq(requests.sent_count, 1);
}
END_TEST

START_TEST(one_that_lasts_is_found_however_many_pass)
{
    struct ms_request *old = added("old");

    for (int i = 0; i < 100; i++) {
        struct ms_request *young = added("young");

        ck_assert_ptr_eq(ms_requests_find(&requests, old->seq), old);
        ck_assert_ptr_eq(ms_requests_find(&requests, young->seq), young);
        ms_requests_check(&requests);
        ms_requests_close(&requests, young);
        ck_assert_ptr_null(ms_requests_find(&requests, young->seq));
    }
    ck_assert_uint_eq(ms_requests_floor(&requests), 0);
    ms_requests_close(&requests, old);
    ck_assert_uint_eq(ms_requests_floor(&requests), 101);
}
END_TEST

START_TEST(sending_twice_is_a_programmer_error)
{
    ms_requests_send(&requests, sent("1"), 6);
}
END_TEST

START_TEST(nothing_is_lost_when_it_ends_full)
{
    added("1");
    sent("2");
    ms_requests_finish(&requests); /* the sanitizer sees what is not given back */
    ms_requests_finish(&requests);
    begin(1, 16, 1, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("client_requests");
    TCase *tests = tcase_create("requests");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, numbers_count_from_the_first_and_payloads_are_copied);
    tcase_add_test(tests, full_is_an_answer_and_room_comes_back);
    tcase_add_test(tests, bytes_are_bounded);
    tcase_add_test(tests, the_floor_is_below_the_oldest_open_one);
    tcase_add_test(tests, what_lies_between_two_runs_is_not_called_closed);
    tcase_add_test(tests, a_lost_connection_puts_all_back_in_order);
    tcase_add_test(tests, a_pause_holds_one_back_until_its_time);
    tcase_add_test(tests, every_state_can_be_closed);
    tcase_add_test(tests, one_that_lasts_is_found_however_many_pass);
    tcase_add_test(tests, told_goes_back_to_sent);
    tcase_add_test_raise_signal(tests, sending_twice_is_a_programmer_error, SIGABRT);
    tcase_add_test(tests, nothing_is_lost_when_it_ends_full);
    suite_add_tcase(suite, tests);

    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
