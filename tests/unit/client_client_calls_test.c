/* Calls of services: each is sent again under its number until it is answered. */
#include "client/client_calls.h"

#include "tests/unit/client_dialogue.h"

static void call(uint64_t n, const char *what, const char *payload)
{
    request(n, &(struct ms_command){.kind = MS_KIND_CALL,
                                    .detail = ms_bytes_of(what),
                                    .payload = ms_bytes_of(payload),
                                    .timeout = MS_SEC});
}

static void expect_call(uint64_t number, uint64_t floor, const char *what)
{
    const struct ms_command sent = expect_sent(MS_KIND_CALL);

    ck_assert_uint_eq(sent.id.seq, number);
    ck_assert_uint_eq(sent.count, floor);
    ck_assert_uint_eq(sent.detail.size, strlen(what));
    ck_assert_mem_eq(sent.detail.data, what, strlen(what));
    ck_assert_int_eq(sent.timeout, MS_SEC);
}

static void reply(uint64_t number, enum ms_error error, ms_time delay)
{
    receive(&(struct ms_command){.kind = MS_KIND_CALL_REPLY,
                                 .id.seq = number,
                                 .error = (uint16_t)error,
                                 .delay = delay,
                                 .payload = ms_bytes_of("yes")});
}

static void begin_up(void)
{
    told_features |= MS_FEATURE_CALLS;
    come_up();
}

START_TEST(a_call_is_answered_once)
{
    begin_up();
    call(1, "kv/get", "x");
    expect_call(1, 0, "kv/get");
    reply(1, MS_E_OK, 0);
    const struct ms_effect effect = expect_delivered(MS_KIND_CALL_REPLY, 1);

    ck_assert_mem_eq(effect.command.payload.data, "yes", 3);
    reply(1, MS_E_OK, 0);
    expect_nothing();
    ck_assert_uint_eq(ms_client_engine_outstanding(&client), 0);
}
END_TEST

START_TEST(what_was_not_answered_goes_again_under_its_number)
{
    begin_up();
    call(1, "kv/a", "");
    expect_call(1, 0, "kv/a");
    call(2, "kv/b", "");
    expect_call(2, 0, "kv/b");
    reply(1, MS_E_OK, 0);
    expect_delivered(MS_KIND_CALL_REPLY, 1);
    lose();
    come_up();
    expect_call(2, 1, "kv/b");
    call(3, "kv/c", "");
    expect_call(3, 1, "kv/c");
    reply(3, MS_E_NOT_FOUND, 0);
    ck_assert_int_eq(expect_delivered(MS_KIND_CALL_REPLY, 3).command.error, MS_E_NOT_FOUND);
    reply(2, MS_E_OK, 0);
    expect_delivered(MS_KIND_CALL_REPLY, 2);
    call(4, "kv/d", "");
    expect_call(4, 3, "kv/d");
}
END_TEST

START_TEST(later_is_tried_again)
{
    begin_up();
    call(1, "kv/a", "");
    expect_call(1, 0, "kv/a");
    reply(1, MS_E_RETRY_LATER, 50 * MS_MSEC);
    expect_nothing();
    ck_assert_int_le(ms_engine_deadline(&client.base), now + 50 * MS_MSEC);
    now += 50 * MS_MSEC;
    tick();
    expect_call(1, 0, "kv/a");
}
END_TEST

START_TEST(calls_wait_for_a_connection)
{
    told_features |= MS_FEATURE_CALLS;
    call(1, "kv/a", "");
    come_up();
    expect_call(1, 0, "kv/a");
}
END_TEST

START_TEST(an_older_master_is_not_asked)
{
    come_up();
    call(1, "kv/a", "");
    ck_assert_int_eq(expect_delivered(MS_KIND_CALL_REPLY, 1).command.error, MS_E_FRAME_KIND);
    expect_nothing();
}
END_TEST

START_TEST(a_payload_that_the_master_does_not_take_ends_here)
{
    char large[PAYLOAD_MAX + 2];

    memset(large, 'x', sizeof large - 1);
    large[sizeof large - 1] = '\0';
    begin_up();
    call(1, "kv/a", large);
    ck_assert_int_eq(expect_delivered(MS_KIND_CALL_REPLY, 1).command.error, MS_E_PAYLOAD_SIZE);
    call(2, "", "");
    ck_assert_int_eq(expect_delivered(MS_KIND_CALL_REPLY, 2).command.error, MS_E_BAD_ARGUMENT);
}
END_TEST

START_TEST(there_are_so_many_at_a_time)
{
    begin_up();
    for (uint64_t n = 1; n <= MS_CALLS_MAX; n++) {
        call(n, "kv/a", "");
        expect_call(n, 0, "kv/a");
    }
    call(MS_CALLS_MAX + 1, "kv/a", "");
    ck_assert_int_eq(expect_delivered(MS_KIND_CALL_REPLY, MS_CALLS_MAX + 1).command.error,
                     MS_E_RETRY_LATER);
}
END_TEST

START_TEST(a_later_run_counts_on)
{
    teardown();
    begin(&(struct ms_client_config){.calls_before = 1000});
    begin_up();
    call(1, "kv/a", "");
    expect_call(1001, 1000, "kv/a");
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("all");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_call_is_answered_once);
    tcase_add_test(tests, what_was_not_answered_goes_again_under_its_number);
    tcase_add_test(tests, later_is_tried_again);
    tcase_add_test(tests, calls_wait_for_a_connection);
    tcase_add_test(tests, an_older_master_is_not_asked);
    tcase_add_test(tests, a_payload_that_the_master_does_not_take_ends_here);
    tcase_add_test(tests, there_are_so_many_at_a_time);
    tcase_add_test(tests, a_later_run_counts_on);
    return run_tests("client_calls", tests);
}
