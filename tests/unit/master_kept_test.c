/* Outcomes told to whoever asks. */
#include "master/kept.h"

#include "master_reports.h"

static const struct ms_query query = {.what = MS_QUERY_RESULT, .id = {{{2, 0xaa}}, 1}};

START_TEST(output_and_result_come_in_pieces_and_a_row_ends_them)
{
    enum { PIECES = 3000 };
    struct script s;
    struct ms_command kept = submission(1, "x");

    begin(&s);
    kept.flags = MS_FLAG_KEEP;
    receive(&s, 2, &kept);
    pull(&s, 1, 1);
    settle_down(&s);
    const uint64_t token = s.last_token;

    for (uint32_t i = 0; i < PIECES; i++) {
        receive(&s, 1,
                &(struct ms_command){.kind = MS_KIND_OUTPUT,
                                     .token = {EPOCH, token},
                                     .index = i,
                                     .payload = ms_bytes_of("piece")});
    }
    result(&s, 1, token, MS_STATUS_OK, "end");
    settle_down(&s);
    confirm(&s, 2, 1, 1);
    client(&s, 3, 3);
    receive(&s, 3, &(struct ms_command){.kind = MS_KIND_QUERY, .count = 77, .body.query = &query});
    settle_down(&s);
    ck_assert_uint_eq(count_of(&s, MS_KIND_TAIL), PIECES + 1);
    for (uint32_t i = 0; i <= PIECES; i++) {
        const struct sent *tail = find_nth(&s, MS_KIND_TAIL, i);

        ck_assert_uint_eq(tail->effect.command.index, i);
        ck_assert_uint_eq(tail->effect.command.count, 77);
        ck_assert_uint_eq(tail->effect.peer, 3);
        ck_assert_str_eq(tail->payload, i < PIECES ? "piece" : "end");
    }
    const struct sent *report = want(&s, MS_KIND_REPORT);

    ck_assert_str_eq(text(report, "status"), "ok");
    ck_assert_uint_eq(number(report, "attempt"), 1);
    ck_assert(report->is_last);
    teardown(&s);
}
END_TEST

START_TEST(without_an_outcome_there_is_no_status)
{
    struct script s;

    begin(&s);
    ck_assert_int_eq(ask(&s, &query)->report_error, MS_E_NOT_FOUND);
    submit(&s, 2, 1, "x");
    ck_assert_str_eq(text(ask(&s, &query), "status"), "");
    ck_assert_str_eq(text(want(&s, MS_KIND_REPORT), "state"), "ready");
    teardown(&s);
}
END_TEST

TESTS(output_and_result_come_in_pieces_and_a_row_ends_them, without_an_outcome_there_is_no_status)
