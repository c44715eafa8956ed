/* What filters see of a command. */
#include "master_reports.h"

START_TEST(commands_of_a_filter)
{
    struct script s;
    struct ms_query query = {.what = MS_QUERY_COMMANDS, .where = "state=ready size>1B"};
    struct ms_query wrong = {.what = MS_QUERY_COMMANDS, .where = "colour=red"};

    begin(&s);
    submit(&s, 2, 1, "x");
    submit(&s, 2, 2, "xy");
    struct sent *report = ask(&s, &query);
    ck_assert_uint_eq(report->rows, 1);
    ck_assert_str_eq(text(report, "id"), "02aa0000000000000000000000000000:2");
    receive(&s, 2, &(struct ms_command){.kind = MS_KIND_QUERY, .count = 2, .body.query = &wrong});
    ck_assert_int_eq(want(&s, MS_KIND_REPORT)->report_error, MS_E_BAD_ARGUMENT);
    teardown(&s);
}
END_TEST

TESTS(commands_of_a_filter)
