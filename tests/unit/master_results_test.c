/* How attempts come out: every status, with attempts left and without. */
#include "master_frames.h"

static uint64_t start(struct script *s, uint32_t attempts_max)
{
    struct ms_command command = submission(1, "x");

    setup(s);
    slave(s, 1, 1);
    client(s, 2, 2);
    pull(s, 1, 20);
    command.attempts_max = attempts_max;
    receive(s, 2, &command);
    return token_of(want(s, MS_KIND_COMMAND));
}

/* Until the command is handed out again; returns the token. */
static uint64_t wait_for_retry(struct script *s)
{
    ck_assert_uint_eq(stats_of(s).commands[MS_LIFE_DELAYED], 1);
    receive(s, 1, &(struct ms_command){.kind = MS_KIND_BEAT});
    receive(s, 2, &(struct ms_command){.kind = MS_KIND_BEAT});
    tick_at(s, ms_engine_deadline(s->engine));
    return token_of(want(s, MS_KIND_COMMAND));
}

START_TEST(one_attempt_means_no_retry)
{
    struct script s;
    uint64_t token = start(&s, 0);

    result(&s, 1, token, MS_STATUS_RETRY, "");
    ck_assert_uint_eq(want(&s, MS_KIND_OUTCOME)->effect.command.status, MS_STATUS_FAIL);
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_BURIED], 1);
    teardown(&s);
}
END_TEST

START_TEST(retries_back_off_and_end)
{
    struct script s;
    uint64_t token = start(&s, 3);
    ms_time begin = s.now;

    result(&s, 1, token, MS_STATUS_RETRY, "");
    ck_assert_ptr_null(find(&s, MS_KIND_OUTCOME));
    token = wait_for_retry(&s);
    ck_assert_int_ge(s.now - begin, MS_RETRY_DELAY_MIN / 2);
    ck_assert_int_le(s.now - begin, MS_RETRY_DELAY_MIN);
    ck_assert_uint_eq(want(&s, MS_KIND_COMMAND)->effect.command.attempt, 2);
    begin = s.now;
    result(&s, 1, token, MS_STATUS_TIMEOUT, "");
    token = wait_for_retry(&s);
    ck_assert_int_ge(s.now - begin, MS_RETRY_DELAY_MIN);
    ck_assert_int_le(s.now - begin, 2 * MS_RETRY_DELAY_MIN);
    result(&s, 1, token, MS_STATUS_TIMEOUT, "");
    struct sent *outcome = want(&s, MS_KIND_OUTCOME);
    ck_assert_uint_eq(outcome->effect.command.status, MS_STATUS_TIMEOUT);
    ck_assert_uint_eq(outcome->effect.command.attempt, 3);
    ck_assert_uint_eq(stats_of(&s).retries_total, 2);
    teardown(&s);
}
END_TEST

START_TEST(fail_is_for_good)
{
    struct script s;
    uint64_t token = start(&s, 10);

    receive(&s, 1,
            &(struct ms_command){.kind = MS_KIND_RESULT,
                                 .status = MS_STATUS_FAIL,
                                 .code = 12,
                                 .signal = 9,
                                 .token = {EPOCH, token},
                                 .detail = ms_bytes_of("no such file")});
    struct sent *outcome = want(&s, MS_KIND_OUTCOME);
    ck_assert_uint_eq(outcome->effect.command.status, MS_STATUS_FAIL);
    ck_assert_int_eq(outcome->effect.command.code, 12);
    ck_assert_uint_eq(outcome->effect.command.signal, 9);
    ck_assert_str_eq(outcome->detail, "no such file");
    teardown(&s);
}
END_TEST

START_TEST(crashes_are_counted_apart)
{
    struct script s;
    uint64_t token = start(&s, 1);

    for (int i = 0; i < MS_CRASHES_MAX_DEFAULT; i++) {
        result(&s, 1, token, MS_STATUS_CRASHED, "");
        ck_assert_ptr_null(find(&s, MS_KIND_OUTCOME));
        token = wait_for_retry(&s);
    }
    result(&s, 1, token, MS_STATUS_CRASHED, "");
    ck_assert_uint_eq(want(&s, MS_KIND_OUTCOME)->effect.command.status, MS_STATUS_CRASHED);
    teardown(&s);
}
END_TEST

START_TEST(a_cancellation_nobody_asked_for_is_a_retry)
{
    struct script s;
    uint64_t token = start(&s, 2);

    result(&s, 1, token, MS_STATUS_CANCELLED, "");
    ck_assert_ptr_null(find(&s, MS_KIND_OUTCOME));
    token = wait_for_retry(&s);
    result(&s, 1, token, MS_STATUS_CANCELLED, "");
    ck_assert_uint_eq(want(&s, MS_KIND_OUTCOME)->effect.command.status, MS_STATUS_FAIL);
    teardown(&s);
}
END_TEST

START_TEST(results_of_others_are_refused_and_acknowledged)
{
    struct script s;
    uint64_t token = start(&s, 1);

    slave(&s, 3, 3);
    result(&s, 3, token, MS_STATUS_OK, "stolen");
    ck_assert_uint_eq(token_of(want(&s, MS_KIND_RESULT_ACK)), token);
    ck_assert_ptr_null(find(&s, MS_KIND_OUTCOME));
    result(&s, 1, token + 100, MS_STATUS_OK, "unknown");
    want(&s, MS_KIND_RESULT_ACK);
    receive(&s, 1, &(struct ms_command){.kind = MS_KIND_RESULT, .token = {EPOCH - 1, token}});
    ck_assert_uint_eq(want(&s, MS_KIND_RESULT_ACK)->effect.command.token.epoch, EPOCH - 1);
    ck_assert_uint_eq(stats_of(&s).results_refused_total, 3);
    result(&s, 1, token, MS_STATUS_OK, "right");
    ck_assert_str_eq(want(&s, MS_KIND_OUTCOME)->payload, "right");
    result(&s, 1, token, MS_STATUS_OK, "again");
    ck_assert_ptr_null(find(&s, MS_KIND_OUTCOME));
    ck_assert_uint_eq(stats_of(&s).results_refused_total, 4);
    teardown(&s);
}
END_TEST

START_TEST(too_much_output_buries_the_command)
{
    static uint8_t bytes[MS_CHUNK_MAX];
    struct script s;
    uint64_t token = start(&s, 5);
    struct ms_command piece = {
        .kind = MS_KIND_OUTPUT, .token = {EPOCH, token}, .payload = {bytes, sizeof bytes}};

    while (find(&s, MS_KIND_REVOKE) == NULL) {
        ck_assert_uint_le(piece.index, MS_RESULT_BYTES_MAX / MS_CHUNK_MAX);
        receive(&s, 1, &piece);
        piece.index++;
    }
    struct sent *outcome = want(&s, MS_KIND_OUTCOME);
    ck_assert_uint_eq(outcome->effect.command.status, MS_STATUS_FAIL);
    ck_assert_int_eq(outcome->effect.command.code, MS_E_RESULT_SIZE);
    ck_assert_str_eq(outcome->detail, ms_error_text(MS_E_RESULT_SIZE));
    ck_assert_uint_lt(stats_of(&s).bytes_used, 1024);
    receive(&s, 1, &piece);
    ck_assert_uint_eq(stats_of(&s).outputs_refused_total, 1);
    result(&s, 1, token, MS_STATUS_CANCELLED, "");
    ck_assert_uint_eq(stats_of(&s).results_refused_total, 1);
    teardown(&s);
}
END_TEST

START_TEST(a_missing_piece_breaks_the_connection)
{
    struct script s;
    uint64_t token = start(&s, 1);

    receive(&s, 1,
            &(struct ms_command){.kind = MS_KIND_OUTPUT, .token = {EPOCH, token}, .index = 1});
    want_refusal(&s, 1, MS_E_ORDER);
    teardown(&s);
}
END_TEST

START_TEST(a_result_brings_credit)
{
    struct script s;
    uint64_t token = start(&s, 1);
    uint64_t credit = stats_of(&s).credit;

    receive(&s, 1,
            &(struct ms_command){.kind = MS_KIND_RESULT, .token = {EPOCH, token}, .count = 3});
    ck_assert_uint_eq(stats_of(&s).credit, credit + 3);
    pull(&s, 1, UINT64_MAX);
    ck_assert_uint_eq(stats_of(&s).credit, MS_CREDIT_MAX);
    teardown(&s);
}
END_TEST

TESTS(one_attempt_means_no_retry, retries_back_off_and_end, fail_is_for_good,
      crashes_are_counted_apart, a_cancellation_nobody_asked_for_is_a_retry,
      results_of_others_are_refused_and_acknowledged, too_much_output_buries_the_command,
      a_missing_piece_breaks_the_connection, a_result_brings_credit)
