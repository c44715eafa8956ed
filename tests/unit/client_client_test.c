#include "core/text.h"
#include "tests/unit/client_dialogue.h"

START_TEST(one_command_travels)
{
    come_up();
    submitted(1);
    ack(1, 1);
    ck_assert_uint_eq(expect_delivered(MS_KIND_SUBMIT_ACK, 1).command.copies, 1);
    expect_nothing();
    outcome(1, 1, 0);
    expect_outcome(1);
    ck_assert_uint_eq(ms_client_engine_outstanding(&client), 0);
}
END_TEST

START_TEST(what_was_asked_while_down_goes_when_up)
{
    submit(1);
    tick();
    expect(MS_EFFECT_CONNECT);
    expect_nothing();
    step(&(struct ms_event){.type = MS_EVENT_PEER_CLOSED, .tag = 1, .error = MS_E_UNREACHABLE});
    expect_nothing();
    submit(2);
    come_up();
    expect_submit(1);
    expect_submit(2);
    expect_nothing();
}
END_TEST

START_TEST(a_loss_sends_all_without_outcome_again_under_the_same_id)
{
    come_up();
    submitted(1);
    submitted(2);
    submitted(3);
    ack(1, 2);
    expect_delivered(MS_KIND_SUBMIT_ACK, 1);
    expect_delivered(MS_KIND_SUBMIT_ACK, 2);
    outcome(2, 1, 0);
    expect_outcome(2);
    lose();
    come_up();
    expect_submit(1);
    expect_submit(3);
    expect_nothing();
    ack(1, 1);
    expect_nothing(); /* told before */
    ack(3, 1);
    expect_delivered(MS_KIND_SUBMIT_ACK, 3);
    expect_nothing();
}
END_TEST

START_TEST(an_id_has_one_outcome_and_later_ones_are_confirmed)
{
    come_up();
    submitted(1);
    outcome(1, 1, 0);
    expect_outcome(1);
    outcome(1, 1, 0);
    expect_confirmed(1);
    expect_nothing();
    ck_assert_uint_eq(client.counters.duplicates_total, 1);
}
END_TEST

START_TEST(outcomes_of_another_run_are_left_alone)
{
    teardown();
    begin(&(struct ms_client_config){.seq_first = 5});
    come_up();
    submit(5);
    expect_submit(5);
    outcome(3, 1, 0);
    outcome(6, 1, 0);
    expect_nothing();
    ck_assert_uint_eq(client.counters.strange_total, 2);
    ck_assert_uint_eq(ms_requests_floor(&client.requests), 0);
}
END_TEST

static void query(uint64_t n)
{
    const struct ms_query body = {.what = MS_QUERY_STATUS};

    request(n, &(struct ms_command){.kind = MS_KIND_QUERY, .body.query = &body});
}

static void report(uint64_t number, bool is_last)
{
    const struct ms_report body = {.last = is_last};

    receive(&(struct ms_command){.kind = MS_KIND_REPORT, .count = number, .body.report = &body});
}

START_TEST(questions_are_asked_again_after_a_loss)
{
    come_up();
    query(1);
    const uint64_t number = expect_sent(MS_KIND_QUERY).count;

    report(number, false);
    expect_delivered(MS_KIND_REPORT, 1);
    report(number + 1, true);
    expect_nothing();
    lose();
    come_up();
    ck_assert_uint_eq(expect_delivered(MS_KIND_REPORT, 1).tag, MS_CLIENT_NOTE_RESET);
    ck_assert_uint_eq(expect_sent(MS_KIND_QUERY).count, number);
    report(number, true);
    expect_delivered(MS_KIND_REPORT, 1);
    report(number, true);
    expect_nothing();
    ck_assert_uint_eq(ms_client_engine_outstanding(&client), 0);
}
END_TEST

static void expect_asked(enum ms_query_what what, const char *where, bool is_understood)
{
    struct ms_query body = {.what = what, .order = MS_SLAVE_ORDER_CORDON};

    ms_text_copy_name(body.where, where);
    request(1, &(struct ms_command){.kind = MS_KIND_QUERY, .body.query = &body});
    if (is_understood) {
        report(expect_sent(MS_KIND_QUERY).count, true);
        expect_delivered(MS_KIND_REPORT, 1);
    } else {
        const struct ms_report *refusal = expect_delivered(MS_KIND_REPORT, 1).command.body.report;

        ck_assert_int_eq(refusal->error, MS_E_FRAME_KIND);
        ck_assert(refusal->last);
    }
    expect_nothing();
    ck_assert_uint_eq(ms_client_engine_outstanding(&client), 0);
}

/* It would pass over the filter, and end the connection for an order that it does not know. */
START_TEST(an_older_master_is_not_asked_about_some_slaves)
{
    come_up();
    expect_asked(MS_QUERY_SLAVES, "", true);
    expect_asked(MS_QUERY_SLAVES, "name=a", false);
    expect_asked(MS_QUERY_COMMAND_SLAVES, "name=a", false);
    lose();
    told_features |= MS_FEATURE_ADJUST;
    come_up();
    expect_asked(MS_QUERY_SLAVES, "name=a", true);
    expect_asked(MS_QUERY_COMMAND_SLAVES, "name=a", true);
}
END_TEST

static void tail(uint64_t number, uint32_t attempt, uint32_t index)
{
    receive(&(struct ms_command){.kind = MS_KIND_TAIL,
                                 .count = number,
                                 .attempt = attempt,
                                 .index = index,
                                 .payload = ms_bytes_of("line")});
}

START_TEST(output_asked_for_comes_once)
{
    come_up();
    query(1);
    const uint64_t number = expect_sent(MS_KIND_QUERY).count;

    tail(number, 1, 0);
    expect_delivered(MS_KIND_TAIL, 1);
    tail(number, 1, 1);
    expect_delivered(MS_KIND_TAIL, 1);
    tail(number + 1, 1, 2);
    expect_nothing();
    lose();
    come_up();
    ck_assert_uint_eq(expect_sent(MS_KIND_QUERY).count, number);
    tail(number, 1, 0);
    tail(number, 1, 1);
    expect_nothing();
    tail(number, 1, 2);
    ck_assert_uint_eq(expect_delivered(MS_KIND_TAIL, 1).command.index, 2);
    tail(number, 2, 0);
    ck_assert_uint_eq(expect_delivered(MS_KIND_TAIL, 1).command.attempt, 2);
    tail(number, 1, 3); /* of an attempt that is over */
    expect_nothing();
    report(number, true);
    expect_delivered(MS_KIND_REPORT, 1);
    tail(number, 2, 1);
    expect_nothing();
}
END_TEST

START_TEST(too_many_questions_are_refused)
{
    come_up();
    for (uint64_t n = 1; n <= MS_CLIENT_QUERIES_MAX; n++) {
        query(n);
        expect_sent(MS_KIND_QUERY);
    }
    query(99);
    const struct ms_effect effect = expect_delivered(MS_KIND_REPORT, 99);

    ck_assert_int_eq(effect.command.body.report->error, MS_E_RETRY_LATER);
    ck_assert(effect.command.body.report->last);
}
END_TEST

START_TEST(stop_waits_for_what_is_outstanding)
{
    come_up();
    submitted(1);
    step(&(struct ms_event){.type = MS_EVENT_STOP});
    expect_nothing();
    submit(2);
    ck_assert_uint_eq(expect_delivered(MS_KIND_SUBMIT_NAK, 2).command.error, MS_E_DRAINING);
    outcome(1, 1, 0);
    expect_delivered(MS_KIND_OUTCOME, 1);
    expect_confirmed(1);
    expect_sent(MS_KIND_BYE);
    expect(MS_EFFECT_CLOSE);
    ck_assert_int_eq(expect(MS_EFFECT_STOPPED).error, MS_E_OK);
    expect_nothing();
    ck_assert_int_eq(ms_engine_deadline(&client.base), MS_TIME_NEVER);
}
END_TEST

START_TEST(a_second_stop_is_now)
{
    come_up();
    submitted(1);
    query(2);
    expect_sent(MS_KIND_QUERY);
    step(&(struct ms_event){.type = MS_EVENT_STOP});
    step(&(struct ms_event){.type = MS_EVENT_STOP});
    expect_sent(MS_KIND_BYE);
    expect(MS_EFFECT_CLOSE);
    const struct ms_effect stopped = expect(MS_EFFECT_STOPPED);

    ck_assert_int_eq(stopped.error, MS_E_CANCELLED);
    ck_assert_uint_eq(stopped.count, 2);
    step(&(struct ms_event){.type = MS_EVENT_STOP});
    expect_nothing();
    ck_assert_int_eq(ms_engine_deadline(&client.base), MS_TIME_NEVER);
}
END_TEST

START_TEST(going_away_takes_nothing_new)
{
    come_up();
    submitted(1);
    receive(&(struct ms_command){.kind = MS_KIND_GOAWAY, .error = MS_E_DRAINING});
    submit(2);
    expect_nothing();
    outcome(1, 1, 0);
    expect_outcome(1);
    lose();
    come_up();
    expect_submit(2);
    expect_nothing();
}
END_TEST

START_TEST(a_master_that_speaks_to_slaves_is_left)
{
    come_up();
    submitted(1);
    receive(&(struct ms_command){.kind = MS_KIND_COMMAND});
    ck_assert_uint_eq(expect_sent(MS_KIND_ERROR).error, MS_E_ROLE);
    expect(MS_EFFECT_CLOSE);
    expect_note(MS_CLIENT_NOTE_LOST);
    expect_nothing();
    come_up();
    expect_submit(1);
}
END_TEST

START_TEST(a_delay_is_not_begun_again)
{
    come_up();
    request(1, &(struct ms_command){
                   .kind = MS_KIND_SUBMIT, .type = TYPE, .attempts_max = 1, .delay = MS_SEC});
    ck_assert_int_eq(expect_sent(MS_KIND_SUBMIT).delay, MS_SEC);
    now += 300 * MS_MSEC;
    lose();
    come_up();
    ck_assert_int_le(expect_sent(MS_KIND_SUBMIT).delay, 700 * MS_MSEC);
    now += 5 * MS_SEC;
    lose();
    come_up();
    ck_assert_int_eq(expect_sent(MS_KIND_SUBMIT).delay, 0);
}
END_TEST

START_TEST(submitting_outside_a_step_makes_the_deadline_now)
{
    const struct ms_command command = {
        .kind = MS_KIND_SUBMIT, .type = TYPE, .attempts_max = 1, .payload = {NULL, 0}};
    uint64_t seq = 0;

    come_up();
    ck_assert_int_gt(ms_engine_deadline(&client.base), now);
    ck_assert_int_eq(ms_client_engine_submit(&client, &command, COOKIES + 1, true, &seq), MS_E_OK);
    ck_assert_uint_eq(seq, 1);
    ck_assert_int_le(ms_engine_deadline(&client.base), now);
    tick();
    expect_sent(MS_KIND_SUBMIT);
}
END_TEST

START_TEST(a_thousand_waiting_go_in_bounded_steps)
{
    struct ms_effect effect;
    uint64_t count = 0;

    for (uint64_t n = 1; n <= 1000; n++) {
        submit(n);
        while (ms_engine_poll(&client.base, &effect)) {
            ck_abort_msg("nothing can be done yet");
        }
    }
    come_up();
    for (int turn = 0; turn < 6; turn++) {
        uint64_t sent = 0;

        while (ms_engine_poll(&client.base, &effect)) {
            ck_assert_uint_eq(effect.command.id.seq, ++count);
            sent++;
        }
        ck_assert_uint_le(sent, MS_DISPATCH_BURST);
        tick();
    }
    ck_assert_uint_eq(count, 1000);
}
END_TEST

START_TEST(no_client_id_is_a_programmer_error)
{
    ms_client_engine_init(&client, &(struct ms_client_config){.addresses = "a:1"});
}
END_TEST

static TCase *connection_tests(void)
{
    TCase *tests = tcase_create("connection");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, one_command_travels);
    tcase_add_test(tests, what_was_asked_while_down_goes_when_up);
    tcase_add_test(tests, a_loss_sends_all_without_outcome_again_under_the_same_id);
    tcase_add_test(tests, an_id_has_one_outcome_and_later_ones_are_confirmed);
    tcase_add_test(tests, outcomes_of_another_run_are_left_alone);
    tcase_add_test(tests, a_delay_is_not_begun_again);
    tcase_add_test(tests, submitting_outside_a_step_makes_the_deadline_now);
    tcase_add_test(tests, a_thousand_waiting_go_in_bounded_steps);
    tcase_add_test(tests, going_away_takes_nothing_new);
    tcase_add_test(tests, a_master_that_speaks_to_slaves_is_left);
    tcase_add_test(tests, questions_are_asked_again_after_a_loss);
    tcase_add_test(tests, an_older_master_is_not_asked_about_some_slaves);
    tcase_add_test(tests, output_asked_for_comes_once);
    tcase_add_test(tests, too_many_questions_are_refused);
    tcase_add_test(tests, stop_waits_for_what_is_outstanding);
    tcase_add_test(tests, a_second_stop_is_now);
    tcase_add_test_raise_signal(tests, no_client_id_is_a_programmer_error, SIGABRT);
    return tests;
}

int main(void)
{
    return run_tests("client_client", connection_tests());
}
