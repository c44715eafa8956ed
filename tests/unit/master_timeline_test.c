/* What happened to a command, as it is told. */
#include "master/timeline.h"

#include "master_reports.h"

static const char *cell(const struct sent *report, uint32_t row, const char *name)
{
    return report->cells[row * report->columns + column(report, name)].text;
}

START_TEST(attempts_wishes_and_the_outcome_are_in_order)
{
    static const struct ms_query show = {.what = MS_QUERY_SHOW, .id = {{{2, 0xaa}}, 1}};
    static const struct ms_query kick = {
        .what = MS_QUERY_OPERATE, .operation = MS_OPERATION_KICK, .id = {{{2, 0xaa}}, 1}};
    struct script s;
    struct ms_command background = submission(1, "x");

    begin(&s);
    background.flags = MS_FLAG_BACKGROUND;
    receive(&s, 2, &background);
    s.now += MS_SEC;
    pull(&s, 1, 1);
    settle_down(&s);
    receive(&s, 1,
            &(struct ms_command){.kind = MS_KIND_RESULT,
                                 .status = MS_STATUS_FAIL,
                                 .token = {EPOCH, s.last_token},
                                 .code = -3,
                                 .detail = ms_bytes_of("broken"),
                                 .payload = ms_bytes_of("last words")});
    ck_assert_str_eq(text(ask(&s, &show), "last_output"), "last words");
    ck_assert_str_eq(text(want(&s, MS_KIND_REPORT), "last_slave"), "s1");
    s.now += MS_SEC;
    ask(&s, &kick);
    s.now += MS_SEC;
    pull(&s, 1, 1);
    ask(&s, &show);
    const struct sent *rows = find_nth(&s, MS_KIND_REPORT, 1);

    ck_assert_ptr_nonnull(rows);
    ck_assert(rows->is_last);
    ck_assert_uint_eq(rows->rows, 4);
    ck_assert_str_eq(cell(rows, 0, "event"), "submitted");
    ck_assert_str_eq(cell(rows, 1, "event"), "fail");
    ck_assert_str_eq(cell(rows, 1, "slave"), "s1");
    ck_assert_str_eq(cell(rows, 1, "code"), "-3");
    ck_assert_str_eq(cell(rows, 1, "detail"), "broken");
    ck_assert_str_eq(cell(rows, 2, "event"), "kick");
    ck_assert_str_eq(cell(rows, 3, "event"), "leased");
    teardown(&s);
}
END_TEST

TESTS(attempts_wishes_and_the_outcome_are_in_order)
