#include "tests/unit/client_dialogue.h"

static void nak(uint64_t seq, enum ms_error error, ms_time delay)
{
    receive(&(struct ms_command){
        .kind = MS_KIND_SUBMIT_NAK, .id.seq = seq, .error = (uint16_t)error, .delay = delay});
}

static void piece(uint64_t seq, uint32_t attempt, uint32_t index)
{
    receive(&(struct ms_command){
        .kind = MS_KIND_STREAM,
        .id.seq = seq,
        .attempt = attempt,
        .index = index,
        .payload = ms_bytes_of("piece"),
    });
}

static void expect_piece(uint32_t attempt, uint32_t index)
{
    const struct ms_effect effect = expect_delivered(MS_KIND_STREAM, 1);

    ck_assert_uint_eq(effect.tag, MS_CLIENT_NOTE_NONE);
    ck_assert_uint_eq(effect.command.attempt, attempt);
    ck_assert_uint_eq(effect.command.index, index);
    expect_nothing();
}

START_TEST(a_background_one_ends_with_its_acceptance)
{
    come_up();
    submit_flags(1, MS_FLAG_BACKGROUND);
    expect_submit(1);
    ack(1, 1);
    expect_delivered(MS_KIND_SUBMIT_ACK, 1);
    expect_nothing();
    ck_assert_uint_eq(ms_client_engine_outstanding(&client), 0);
    submit_flags(2, MS_FLAG_BACKGROUND);
    expect_submit(2);
    lose();
    come_up();
    expect_submit(2);
    nak(2, MS_E_CLOSED_ID, 0); /* it ran meanwhile, and only the acknowledgement was lost */
    expect_delivered(MS_KIND_SUBMIT_ACK, 2);
    expect_nothing();
    ck_assert_uint_eq(ms_client_engine_outstanding(&client), 0);
}
END_TEST

START_TEST(nobody_hears_of_a_quiet_acceptance)
{
    come_up();
    step(&(struct ms_event){
        .type = MS_EVENT_REQUEST,
        .tag = MS_CLIENT_QUIET,
        .seq = COOKIES + 1,
        .command = &(struct ms_command){.kind = MS_KIND_SUBMIT, .type = TYPE, .attempts_max = 1},
    });
    expect_sent(MS_KIND_SUBMIT);
    ack(1, 1);
    expect_nothing();
}
END_TEST

START_TEST(a_long_run_of_acceptances_is_told_in_bounded_steps)
{
    const uint64_t count = 3 * MS_DISPATCH_BURST;
    struct ms_effect effect;
    uint64_t told = 0;

    come_up();
    for (uint64_t n = 1; n <= count; n++) {
        submitted(n);
    }
    ack(1, count);
    for (int turn = 0; turn < 8; turn++) {
        uint64_t now_told = 0;

        while (ms_engine_poll(&client.base, &effect)) {
            ck_assert_int_eq(effect.command.kind, MS_KIND_SUBMIT_ACK);
            ck_assert_uint_eq(effect.seq, COOKIES + ++told);
            now_told++;
        }
        ck_assert_uint_le(now_told, MS_DISPATCH_BURST);
        if (told < count) {
            ck_assert_int_le(ms_engine_deadline(&client.base), now);
        }
        tick();
    }
    ck_assert_uint_eq(told, count);
    ck_assert_int_gt(ms_engine_deadline(&client.base), now);
}
END_TEST

START_TEST(an_absurd_run_is_bounded)
{
    come_up();
    submitted(1);
    ack(1, UINT64_MAX);
    expect_delivered(MS_KIND_SUBMIT_ACK, 1);
    expect_nothing();
    ack(0, 1);
    ack(UINT64_MAX, UINT64_MAX);
    expect_nothing();
    ck_assert_uint_ge(client.counters.strange_total, 3);
}
END_TEST

START_TEST(pieces_come_once_in_order_and_a_new_attempt_resets)
{
    come_up();
    submit_flags(1, MS_FLAG_STREAM);
    expect_submit(1);
    piece(1, 1, 0);
    expect_piece(1, 0);
    piece(1, 1, 1);
    expect_piece(1, 1);
    piece(1, 1, 0);
    expect_nothing();
    piece(1, 2, 0);
    struct ms_effect effect = expect_delivered(MS_KIND_STREAM, 1);

    ck_assert_uint_eq(effect.tag, MS_CLIENT_NOTE_RESET);
    ck_assert_uint_eq(effect.command.attempt, 2);
    ck_assert_uint_eq(effect.command.payload.size, 0);
    expect_piece(2, 0);
    piece(1, 1, 2);
    expect_nothing();
    lose();
    come_up();
    expect_submit(1);
    piece(1, 2, 0); /* repeated for us after the reconnect */
    expect_nothing();
    piece(1, 2, 1);
    expect_piece(2, 1);
    outcome(1, 3, 0); /* the last attempt said nothing */
    effect = expect_delivered(MS_KIND_STREAM, 1);
    ck_assert_uint_eq(effect.tag, MS_CLIENT_NOTE_RESET);
    expect_outcome(1);
}
END_TEST

START_TEST(a_master_that_knows_nothing_of_us_begins_its_attempts_anew)
{
    come_up();
    submit_flags(1, MS_FLAG_STREAM);
    expect_submit(1);
    piece(1, 1, 0);
    expect_piece(1, 0);
    lose();
    come_up_to(false);
    expect_submit(1);
    piece(1, 1, 0); /* of another attempt, though it has the same number */
    ck_assert_uint_eq(expect_delivered(MS_KIND_STREAM, 1).tag, MS_CLIENT_NOTE_RESET);
    expect_piece(1, 0);
    outcome(1, 1, 1);
    expect_outcome(1);
}
END_TEST

START_TEST(a_confirmed_cancel_holds_for_a_master_that_knows_nothing_of_it)
{
    come_up();
    submit_flags(1, 0);
    expect_submit(1);
    request(901, &(struct ms_command){.kind = MS_KIND_CANCEL, .id.seq = 1});
    expect_sent(MS_KIND_CANCEL);
    receive(&(struct ms_command){.kind = MS_KIND_CANCEL_ACK, .id.seq = 1});
    expect_delivered(MS_KIND_CANCEL_ACK, 1);
    lose();
    come_up_to(false);
    const struct ms_effect effect = expect_delivered(MS_KIND_OUTCOME, 1);

    ck_assert_int_eq(effect.command.status, MS_STATUS_CANCELLED);
    expect_nothing();
}
END_TEST

START_TEST(a_type_unknown_to_a_new_master_is_waited_for_once_it_was_accepted)
{
    come_up();
    submit_flags(1, 0);
    expect_submit(1);
    receive(&(struct ms_command){.kind = MS_KIND_SUBMIT_ACK, .id.seq = 1, .count = 1});
    expect_delivered(MS_KIND_SUBMIT_ACK, 1);
    lose();
    come_up_to(false);
    expect_submit(1);
    receive(
        &(struct ms_command){.kind = MS_KIND_SUBMIT_NAK, .id.seq = 1, .error = MS_E_UNKNOWN_TYPE});
    expect_nothing();
    ck_assert_uint_eq(ms_client_engine_outstanding(&client), 1);
}
END_TEST

START_TEST(missing_pieces_are_asked_for_by_a_new_connection)
{
    come_up();
    submit_flags(1, MS_FLAG_STREAM);
    expect_submit(1);
    for (int i = 1; i < MS_CLIENT_GAPS_MAX; i++) {
        if (i % 2 == 1) {
            piece(1, 1, 1);
        } else {
            outcome(1, 1, 1);
        }
        ck_assert_uint_eq(expect_sent(MS_KIND_ERROR).error, MS_E_ORDER);
        expect(MS_EFFECT_CLOSE);
        expect_note(MS_CLIENT_NOTE_LOST);
        expect_nothing();
        come_up();
        expect_submit(1);
    }
    outcome(1, 1, 1);
    ck_assert_uint_eq(expect_delivered(MS_KIND_SUBMIT_NAK, 1).command.error, MS_E_ORDER);
    expect_nothing();
    ck_assert_uint_eq(ms_client_engine_outstanding(&client), 0);
}
END_TEST

START_TEST(later_is_honoured)
{
    const ms_time pause = 200 * MS_MSEC;

    come_up();
    submitted(1);
    nak(1, MS_E_RETRY_LATER, pause);
    expect_later(MS_E_RETRY_LATER);
    expect_nothing();
    const ms_time due = ms_engine_deadline(&client.base);

    ck_assert_int_ge(due, now + pause);
    ck_assert_int_le(due, now + pause + pause / 2);
    now = due - 1;
    tick();
    expect_nothing();
    now = due;
    tick();
    expect_submit(1);
    nak(1, MS_E_DRAINING, 0);
    ck_assert_int_ge(ms_engine_deadline(&client.base), now + MS_CLIENT_DELAY_MIN);
    ck_assert_uint_eq(client.counters.later_total, 2);
    ck_assert_uint_eq(ms_client_engine_outstanding(&client), 1);
}
END_TEST

/* Refused again and again it asks more and more seldom, and people are told once why nothing goes on. */
START_TEST(a_full_disk_is_waited_for)
{
    ms_time due = 0, pause = 0;

    come_up();
    submitted(1);
    for (uint32_t i = 0; i < MS_CLIENT_BACKOFF_MAX + 2; i++) {
        nak(1, MS_E_STORE_FULL, MS_SEC);
        if (i == 0) {
            expect_later(MS_E_STORE_FULL);
        }
        expect_nothing();
        while (ms_requests_waiting(&client.requests) == NULL &&
               client.requests.sent_count == 0) { /* beats go in between */
            struct ms_effect effect;

            due = ms_heap_min(&client.requests.delayed);
            pause = due - now;
            now = due;
            client.upstream.dead_at = client.upstream.late_at = client.upstream.beat_at =
                now + DEAD;
            client.upstream.second.park_at = MS_TIME_NEVER;
            tick();
            do { /* it may dial the other master meanwhile */
                ck_assert(ms_engine_poll(&client.base, &effect));
            } while (effect.type == MS_EFFECT_CONNECT);
            ck_assert_int_eq(effect.command.kind, MS_KIND_SUBMIT);
        }
        ck_assert_int_ge(pause, MS_SEC << (i < MS_CLIENT_BACKOFF_MAX ? i : MS_CLIENT_BACKOFF_MAX));
        ck_assert_int_le(pause, MS_CLIENT_DELAY_MAX / 2 * 3);
    }
    ack(1, 1);
    expect_later(MS_E_OK);
    expect_delivered(MS_KIND_SUBMIT_ACK, 1);
    expect_nothing();
}
END_TEST

START_TEST(later_shrinks_the_window_and_acceptance_widens_it)
{
    teardown();
    begin(&(struct ms_client_config){.window = 64, .kept_max = 200});
    come_up();
    for (uint64_t n = 1; n <= 64; n++) {
        submitted(n);
    }
    submit(65);
    expect_nothing();
    nak(1, MS_E_RETRY_LATER, MS_SEC);
    expect_later(MS_E_RETRY_LATER);
    expect_nothing(); /* 65 could go, but for the smaller window */
    ck_assert_uint_eq(client.allowed, 32);
    ack(2, 40);
    ck_assert_uint_eq(client.allowed, 64);
}
END_TEST

START_TEST(other_refusals_are_final)
{
    come_up();
    submitted(1);
    nak(1, MS_E_UNKNOWN_TYPE, 0);
    ck_assert_uint_eq(expect_delivered(MS_KIND_SUBMIT_NAK, 1).command.error, MS_E_UNKNOWN_TYPE);
    expect_nothing();
    nak(1, MS_E_UNKNOWN_TYPE, 0);
    expect_nothing();
    ck_assert_uint_eq(ms_client_engine_outstanding(&client), 0);
}
END_TEST

START_TEST(the_windows_are_kept)
{
    told_window = 2;
    come_up();
    submitted(1);
    submitted(2);
    submit(3);
    expect_nothing();
    outcome(1, 1, 0);
    expect_delivered(MS_KIND_OUTCOME, 1);
    expect_confirmed(1);
    expect_submit(3);
    expect_nothing();
}
END_TEST

START_TEST(full_is_refused_until_there_is_room)
{
    teardown();
    begin(&(struct ms_client_config){.window = 4, .kept_max = 4});
    come_up();
    for (uint64_t n = 1; n <= 4; n++) {
        submitted(n);
    }
    submit(5);
    const struct ms_effect effect = expect_delivered(MS_KIND_SUBMIT_NAK, 5);

    ck_assert_uint_eq(effect.command.error, MS_E_RETRY_LATER);
    ck_assert_uint_eq(effect.command.id.seq, 0);
    expect_nothing();
    outcome(2, 1, 0);
    expect_delivered(MS_KIND_OUTCOME, 2);
    expect_confirmed(2);
    expect_note(MS_CLIENT_NOTE_ROOM);
    expect_nothing();
    submit(5);
    expect_submit(5);
}
END_TEST

START_TEST(unfit_submissions_are_refused_at_once)
{
    static const uint8_t big[PAYLOAD_MAX + 1];
    static const struct {
        struct ms_command command;
        enum ms_error error;
    } rows[] = {
        {{.kind = MS_KIND_SUBMIT, .attempts_max = 1}, MS_E_BAD_ARGUMENT},
        {{.kind = MS_KIND_SUBMIT, .type = TYPE}, MS_E_BAD_ARGUMENT},
        {{.kind = MS_KIND_SUBMIT, .type = TYPE, .attempts_max = MS_ATTEMPTS_MAX + 1},
         MS_E_BAD_ARGUMENT},
        {{.kind = MS_KIND_SUBMIT, .type = TYPE, .attempts_max = 1, .delay = -1}, MS_E_BAD_ARGUMENT},
        {{.kind = MS_KIND_SUBMIT, .type = TYPE, .attempts_max = 1, .payload = {big, sizeof big}},
         MS_E_PAYLOAD_SIZE},
    };

    come_up();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        request(i, &rows[i].command);
        ck_assert_uint_eq(expect_delivered(MS_KIND_SUBMIT_NAK, i).command.error, rows[i].error);
        expect_nothing();
    }
}
END_TEST

START_TEST(a_payload_too_large_for_the_next_master_ends)
{
    static const uint8_t big[PAYLOAD_MAX + 1];

    request(1, &(struct ms_command){
                   .kind = MS_KIND_SUBMIT,
                   .type = TYPE,
                   .attempts_max = 1,
                   .payload = {big, sizeof big},
               });
    tick();
    expect(MS_EFFECT_CONNECT);
    step(&(struct ms_event){.type = MS_EVENT_PEER_CLOSED, .tag = 1, .error = MS_E_UNREACHABLE});
    come_up();
    ck_assert_uint_eq(expect_delivered(MS_KIND_SUBMIT_NAK, 1).command.error, MS_E_PAYLOAD_SIZE);
    expect_nothing();
}
END_TEST

static void cancel(uint64_t seq)
{
    request(900 + seq, &(struct ms_command){.kind = MS_KIND_CANCEL, .id.seq = seq});
}

START_TEST(cancel_is_asked_until_it_is_answered)
{
    come_up();
    submitted(1);
    cancel(1);
    ck_assert_uint_eq(expect_sent(MS_KIND_CANCEL).id.seq, 1);
    cancel(1);
    expect_nothing();
    lose();
    come_up();
    expect_submit(1);
    ck_assert_uint_eq(expect_sent(MS_KIND_CANCEL).id.seq, 1);
    receive(
        &(struct ms_command){.kind = MS_KIND_CANCEL_ACK, .id.seq = 1, .flags = MS_FLAG_STARTED});
    ck_assert_uint_eq(expect_delivered(MS_KIND_CANCEL_ACK, 1).command.flags, MS_FLAG_STARTED);
    receive(&(struct ms_command){.kind = MS_KIND_CANCEL_ACK, .id.seq = 1});
    expect_nothing();
    outcome(1, 1, 0);
    expect_outcome(1);
}
END_TEST

START_TEST(cancel_of_what_no_master_has_ends_it_here)
{
    submit(1);
    tick();
    expect(MS_EFFECT_CONNECT);
    cancel(1);
    ck_assert_uint_eq(expect_delivered(MS_KIND_CANCEL_ACK, 1).command.error, MS_E_OK);
    ck_assert_int_eq(expect_delivered(MS_KIND_OUTCOME, 1).command.status, MS_STATUS_CANCELLED);
    expect_nothing();
    cancel(1);
    ck_assert_uint_eq(expect_delivered(MS_KIND_CANCEL_ACK, 901).command.error, MS_E_NOT_FOUND);
    expect_nothing();
}
END_TEST

START_TEST(cancel_of_what_an_earlier_run_submitted_is_asked)
{
    teardown();
    begin(&(struct ms_client_config){.name = "test", .build = "unit", .is_lasting = true});
    submit(1);
    submit(2);
    cancel(1);
    cancel(1);
    cancel(2);
    expect_nothing();
    come_up();
    expect_submit(1);
    ck_assert_uint_eq(expect_sent(MS_KIND_CANCEL).id.seq, 1);
    expect_submit(2);
    ck_assert_uint_eq(expect_sent(MS_KIND_CANCEL).id.seq, 2);
    ack(1, 1);
    expect_delivered(MS_KIND_SUBMIT_ACK, 1);
    outcome(1, 1, 0); /* it was done long ago */
    expect_outcome(1);
    receive(&(struct ms_command){.kind = MS_KIND_CANCEL_ACK, .id.seq = 1, .error = MS_E_NOT_FOUND});
    expect_nothing();
    nak(2, MS_E_RETRY_LATER, 0); /* and this one it never had */
    expect_delivered(MS_KIND_CANCEL_ACK, 2);
    ck_assert_int_eq(expect_delivered(MS_KIND_OUTCOME, 2).command.status, MS_STATUS_CANCELLED);
    expect_nothing();
}
END_TEST

START_TEST(cancel_of_what_was_put_off_ends_it_here)
{
    come_up();
    submitted(1);
    submitted(2);
    nak(1, MS_E_RETRY_LATER, 0);
    expect_later(MS_E_RETRY_LATER);
    expect_nothing();
    cancel(1);
    expect_delivered(MS_KIND_CANCEL_ACK, 1);
    expect_delivered(MS_KIND_OUTCOME, 1);
    cancel(2);
    expect_sent(MS_KIND_CANCEL);
    nak(2, MS_E_RETRY_LATER, 0);
    expect_delivered(MS_KIND_CANCEL_ACK, 2);
    expect_delivered(MS_KIND_OUTCOME, 2);
    expect_nothing();
}
END_TEST

/* Of two masters the one that was lost may have it, and hand it over to this one, which does not know it yet. */
START_TEST(cancel_of_what_another_master_may_have_waits_for_it)
{
    come_up();
    submitted(1);
    lose();
    come_up();
    expect_submit(1);
    nak(1, MS_E_RETRY_LATER, 0);
    expect_later(MS_E_RETRY_LATER);
    cancel(1);
    expect_nothing();
    for (int i = 0; i < 2; i++) {
        now = ms_engine_deadline(&client.base);
        tick();
        expect_submit(1);
        expect_sent(MS_KIND_CANCEL);
        if (i == 0) {
            nak(1, MS_E_RETRY_LATER, 0);
            receive(&(struct ms_command){
                .kind = MS_KIND_CANCEL_ACK, .id.seq = 1, .error = MS_E_NOT_FOUND});
            expect_nothing();
        }
    }
    ack(1, 1);
    expect_later(MS_E_OK);
    expect_delivered(MS_KIND_SUBMIT_ACK, 1);
    receive(&(struct ms_command){.kind = MS_KIND_CANCEL_ACK, .id.seq = 1});
    ck_assert_uint_eq(expect_delivered(MS_KIND_CANCEL_ACK, 1).command.error, MS_E_OK);
    outcome(1, 1, 0);
    expect_outcome(1);
}
END_TEST

/* A master that is alone refuses it, but the one that was lost may have it, and then it would run. */
START_TEST(strict_that_is_refused_is_waited_for_where_another_master_may_have_it)
{
    const struct ms_command strict = {.kind = MS_KIND_SUBMIT,
                                      .type = TYPE,
                                      .attempts_max = 1,
                                      .flags = MS_FLAG_DURABILITY,
                                      .durability = MS_DURABILITY_STRICT,
                                      .payload = ms_bytes_of("load")};

    come_up();
    request(1, &strict);
    expect_submit(1);
    submitted(2);
    lose();
    come_up();
    expect_submit(1);
    expect_submit(2);
    request(3, &strict);
    expect_submit(3);
    nak(1, MS_E_DURABILITY, 0);
    expect_later(MS_E_DURABILITY);
    expect_nothing();
    nak(2, MS_E_DURABILITY, 0); /* no master will ever take that class */
    ck_assert_uint_eq(expect_delivered(MS_KIND_SUBMIT_NAK, 2).command.error, MS_E_DURABILITY);
    nak(3, MS_E_DURABILITY, 0); /* nobody has it */
    ck_assert_uint_eq(expect_delivered(MS_KIND_SUBMIT_NAK, 3).command.error, MS_E_DURABILITY);
    now = ms_engine_deadline(&client.base);
    tick();
    expect_submit(1);
    ack(1, 1);
    expect_later(MS_E_OK);
    expect_delivered(MS_KIND_SUBMIT_ACK, 1);
    expect_nothing();
}
END_TEST

static TCase *answer_tests(void)
{
    TCase *tests = tcase_create("answers");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_background_one_ends_with_its_acceptance);
    tcase_add_test(tests, nobody_hears_of_a_quiet_acceptance);
    tcase_add_test(tests, a_long_run_of_acceptances_is_told_in_bounded_steps);
    tcase_add_test(tests, an_absurd_run_is_bounded);
    tcase_add_test(tests, pieces_come_once_in_order_and_a_new_attempt_resets);
    tcase_add_test(tests, a_master_that_knows_nothing_of_us_begins_its_attempts_anew);
    tcase_add_test(tests, a_confirmed_cancel_holds_for_a_master_that_knows_nothing_of_it);
    tcase_add_test(tests, a_type_unknown_to_a_new_master_is_waited_for_once_it_was_accepted);
    tcase_add_test(tests, missing_pieces_are_asked_for_by_a_new_connection);
    tcase_add_test(tests, later_is_honoured);
    tcase_add_test(tests, a_full_disk_is_waited_for);
    tcase_add_test(tests, later_shrinks_the_window_and_acceptance_widens_it);
    tcase_add_test(tests, other_refusals_are_final);
    tcase_add_test(tests, the_windows_are_kept);
    tcase_add_test(tests, full_is_refused_until_there_is_room);
    tcase_add_test(tests, unfit_submissions_are_refused_at_once);
    tcase_add_test(tests, a_payload_too_large_for_the_next_master_ends);
    tcase_add_test(tests, cancel_is_asked_until_it_is_answered);
    tcase_add_test(tests, cancel_of_what_no_master_has_ends_it_here);
    tcase_add_test(tests, cancel_of_what_an_earlier_run_submitted_is_asked);
    tcase_add_test(tests, cancel_of_what_was_put_off_ends_it_here);
    tcase_add_test(tests, cancel_of_what_another_master_may_have_waits_for_it);
    tcase_add_test(tests, strict_that_is_refused_is_waited_for_where_another_master_may_have_it);
    return tests;
}

int main(void)
{
    return run_tests("client_answers", answer_tests());
}
