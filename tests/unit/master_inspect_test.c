/* Questions: answered over steps of their own, bounded in number and in size. */
#include "master_frames.h"

static void ask(struct script *s, uint64_t number, const struct ms_query *query)
{
    receive(s, 2,
            &(struct ms_command){.kind = MS_KIND_QUERY, .count = number, .body.query = query});
}

static const struct ms_query status = {.what = MS_QUERY_STATUS};

START_TEST(an_answer_comes_in_a_later_step_with_its_number)
{
    struct script s;

    setup(&s);
    client(&s, 2, 2);
    ask(&s, 42, &status);
    ck_assert_ptr_null(find(&s, MS_KIND_REPORT));
    ck_assert_int_eq(ms_engine_deadline(s.engine), s.now);
    tick_at(&s, s.now);
    struct sent *report = want(&s, MS_KIND_REPORT);
    ck_assert_uint_eq(report->effect.command.count, 42);
    ck_assert_uint_eq(report->effect.peer, 2);
    ck_assert(report->is_last);
    ck_assert_uint_eq(report->rows, 1);
    ck_assert_int_gt(ms_engine_deadline(s.engine), s.now);
    teardown(&s);
}
END_TEST

START_TEST(odd_questions_and_too_many)
{
    struct script s;
    struct ms_query odd = {.what = MS_QUERY_COUNT};

    setup(&s);
    client(&s, 2, 2);
    ask(&s, 1, &odd);
    ck_assert_int_eq(want(&s, MS_KIND_REPORT)->report_error, MS_E_BAD_ARGUMENT);
    for (uint32_t i = 0; i < MS_INQUIRIES_MAX; i++) {
        ask(&s, i, &status);
        ck_assert_uint_eq(s.count, 0);
    }
    ask(&s, 999, &status);
    ck_assert_int_eq(want(&s, MS_KIND_REPORT)->report_error, MS_E_RETRY_LATER);
    settle_down(&s);
    ck_assert_uint_eq(count_of(&s, MS_KIND_REPORT), MS_INQUIRIES_MAX);
    teardown(&s);
}
END_TEST

START_TEST(who_left_is_not_answered)
{
    struct script s;

    setup(&s);
    client(&s, 2, 2);
    ask(&s, 1, &status);
    close_peer(&s, 2);
    settle_down(&s);
    ck_assert_uint_eq(s.count, 0);
    teardown(&s);
}
END_TEST

START_TEST(a_long_table_is_told_in_parts)
{
    enum { COUNT = 1000 };
    struct script s;
    struct ms_query commands = {.what = MS_QUERY_COMMANDS};
    struct ms_query few = {.what = MS_QUERY_COMMANDS, .limit = 7};

    setup(&s);
    slave(&s, 1, 1);
    client(&s, 2, 2);
    for (uint64_t seq = 1; seq <= COUNT; seq++) {
        struct ms_command command = submission(seq, "x");

        ms_engine_step(
            s.engine, s.now,
            &(struct ms_event){
                .type = MS_EVENT_RECEIVED, .peer = 2, .epoch = EPOCH, .command = &command});
        for (struct ms_effect effect; ms_engine_poll(s.engine, &effect);) {
        }
    }
    ask(&s, 1, &commands);
    settle_down(&s);
    uint32_t rows = 0;
    for (size_t i = 0; i < s.count; i++) {
        ck_assert_uint_eq(s.sent[i].effect.command.kind, MS_KIND_REPORT);
        ck_assert(s.sent[i].is_last == (i == s.count - 1));
        ck_assert_uint_le(s.sent[i].rows, MS_REPORT_ROWS_MAX);
        rows += s.sent[i].rows;
    }
    ck_assert_uint_eq(rows, COUNT);
    ck_assert_uint_gt(s.count, 1);
    ask(&s, 2, &few);
    settle_down(&s);
    ck_assert_uint_eq(want(&s, MS_KIND_REPORT)->rows, 7);
    teardown(&s);
}
END_TEST

TESTS(an_answer_comes_in_a_later_step_with_its_number, odd_questions_and_too_many,
      who_left_is_not_answered, a_long_table_is_told_in_parts)
