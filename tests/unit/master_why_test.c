/* The sentences that say why a command waits. */
#include "master_reports.h"

START_TEST(why_is_one_sentence)
{
    struct script s;
    struct ms_command late = submission(1, "x");
    struct ms_query query = {.what = MS_QUERY_WHY, .id = {uuid_of(2), 1}};

    begin(&s);
    late.delay = 90 * MS_SEC;
    receive(&s, 2, &late);
    ck_assert_str_eq(text(ask(&s, &query), "reason"),
                     "it is delayed until 1970-01-01T00:18:10Z (another 90 s)");
    ck_assert_str_eq(text(want(&s, MS_KIND_REPORT), "state"), "delayed");
    submit(&s, 2, 2, "y");
    submit(&s, 2, 3, "z");
    query.id.seq = 3;
    ck_assert_str_eq(text(ask(&s, &query), "reason"),
                     "1 slave runs echo and has no free slot; 1 command of this type is before it");
    query.id.seq = 4;
    ck_assert_int_eq(ask(&s, &query)->report_error, MS_E_NOT_FOUND);
    teardown(&s);
}
END_TEST

TESTS(why_is_one_sentence)
