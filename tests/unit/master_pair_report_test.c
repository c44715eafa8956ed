/* What an operator is told: over the wire of two halves. */
#include "master/pair_report.h"

#include "master/state.h"
#include "tests/unit/master_halves.h"
#include "tests/support/suite.h"

static void set_up(void)
{
    begin_world();
    for (int i = 0; i < 2; i++) {
        struct ms_council_record record = first_record(i);

        start_with(i, &record, i == 0);
    }
    pass(20 * MS_SEC);
    ck_assert_int_eq(stats_of(0).state, MS_COUNCIL_PAIR);
    ck_assert(stores_are_equal());
}

static const struct ms_command *ask(int place, uint64_t order)
{
    const struct ms_pair_frame hello = {
        .role = MS_ROLE_OPERATOR, .version_min = 1, .version_max = 1};
    const uint32_t slot = connect_to(GUEST, place, 0);

    pass(2 * LATENCY);
    send_on(slot, GUEST, 0, &(struct ms_command){.kind = MS_KIND_PEER_HELLO, .body.pair = &hello});
    send_on(slot, GUEST, 0, &(struct ms_command){.kind = MS_KIND_ORDER, .count = order});
    pass(4 * LATENCY);
    ck_assert_uint_gt(heard_count, 0);
    return &heard[heard_count - 1]->command;
}

/* The page stands in the half; the test reads it where it is. */
static const char *cell(const struct ms_report *report, const char *name)
{
    for (uint32_t i = 0; i < report->cells_count; i++) {
        if (strcmp(report->cells[i].name, name) == 0) {
            return report->cells[i].text;
        }
    }
    return NULL;
}

START_TEST(test_the_active_tells_of_itself)
{
    const struct ms_command *answer = ask(0, MS_ORDER_STATUS);

    ck_assert_uint_eq(answer->kind, MS_KIND_REPORT);
    ck_assert_str_eq(cell(answer->body.report, "role"), "active");
    ck_assert_str_eq(cell(answer->body.report, "state"), "PAIR");
    ck_assert_str_eq(cell(answer->body.report, "peer"), "connected");
    ck_assert_ptr_nonnull(strstr(cell(answer->body.report, "alarm"), "AUTO_FAILOVER_DISARMED"));
    ck_assert(answer->body.report->last);
}
END_TEST

START_TEST(test_the_passive_tells_of_itself)
{
    const struct ms_command *answer = ask(1, MS_ORDER_STATUS);

    ck_assert_str_eq(cell(answer->body.report, "role"), "passive");
    ck_assert_str_eq(cell(answer->body.report, "configured"), "backup");
    ck_assert_str_eq(cell(answer->body.report, "state"), "SYNC");
}
END_TEST

START_TEST(test_being_alone_is_an_alarm)
{
    kill_half(1);
    pass(1 * MS_SEC);
    const struct ms_command *answer = ask(0, MS_ORDER_STATUS);

    ck_assert_str_eq(cell(answer->body.report, "state"), "SOLO");
    ck_assert_ptr_nonnull(strstr(cell(answer->body.report, "alarm"), "DEGRADED"));
}
END_TEST

START_TEST(test_the_most_urgent_alarm_has_the_name_of_the_only_one)
{
    const struct ms_command *answer;

    ask(0, MS_ORDER_HOLD);
    answer = ask(0, MS_ORDER_STATUS);
    ck_assert_ptr_nonnull(strstr(cell(answer->body.report, "alarm"), "HELD"));
    ck_assert_ptr_nonnull(strstr(cell(answer->body.report, "alarm_also"), "DISARMED"));
    ck_assert_ptr_null(cell(answer->body.report, "differences_total")); /* a number */
}
END_TEST

START_TEST(test_whoever_waits_for_an_operator_says_for_what)
{
    kill_half(0);
    pass(3 * MS_SEC);
    const struct ms_command *answer = ask(1, MS_ORDER_STATUS);

    ck_assert_str_eq(cell(answer->body.report, "state"), "SYNC");
    ck_assert_ptr_nonnull(strstr(cell(answer->body.report, "alarm"),
                                 "PEER_LOST_NO_QUORUM: the other half is lost, and no witness"));
    ck_assert_uint_eq(ask(1, MS_ORDER_HOLD)->error, MS_E_OK);
    answer = ask(1, MS_ORDER_STATUS);
    ck_assert_ptr_nonnull(strstr(cell(answer->body.report, "alarm"), "PEER_LOST_HELD"));
}
END_TEST

/* A slave or client asks the master within. */
static const struct ms_report *ask_status(int place)
{
    static const struct ms_query query = {.what = MS_QUERY_STATUS};
    const struct ms_hello hello = {.role = MS_ROLE_CLIENT,
                                   .version_min = 1,
                                   .version_max = 1,
                                   .features = MS_FEATURES_ALL,
                                   .node = {{9}}};
    const uint32_t slot = connect_to(GUEST, place, 0);

    pass(2 * LATENCY);
    send_on(slot, GUEST, 0, &(struct ms_command){.kind = MS_KIND_HELLO, .body.hello = &hello});
    pass(20 * LATENCY);
    send_on(slot, GUEST, 0,
            &(struct ms_command){.kind = MS_KIND_QUERY, .count = 1, .body.query = &query});
    pass(10 * LATENCY);
    ck_assert_uint_eq(heard[heard_count - 1]->command.kind, MS_KIND_REPORT);
    return heard[heard_count - 1]->command.body.report;
}

START_TEST(test_status_tells_of_the_pair)
{
    const struct ms_report *report = ask_status(0);

    ck_assert_str_eq(cell(report, "role"), "active");
    ck_assert_str_eq(cell(report, "pair"), "PAIR");
    ck_assert_str_eq(cell(report, "in_sync"), "primary and backup");
    ck_assert_str_eq(cell(report, "witnesses"), "0/0");
    ck_assert_ptr_nonnull(strstr(cell(report, "alarm"), "AUTO_FAILOVER_DISARMED: "));
    ck_assert_uint_le(report->columns_count, MS_REPORT_COLUMNS_MAX);
    kill_half(1);
    pass(1 * MS_SEC);
    report = ask_status(0);
    ck_assert_str_eq(cell(report, "pair"), "SOLO");
    ck_assert_str_eq(cell(report, "in_sync"), "primary");
    ck_assert_ptr_nonnull(strstr(cell(report, "alarm"), "DEGRADED: "));
    ck_assert_ptr_nonnull(strstr(cell(report, "alarm"), " | AUTO_FAILOVER_DISARMED: "));
}
END_TEST

/* Sentences as long as there is room, names of all. */
START_TEST(test_status_names_each_alarm)
{
    static const char *const names[] = {"WORK_WAITS: commands of ", "FORCED", "DEGRADED", "HELD",
                                        "AUTO_FAILOVER_DISARMED"};

    ask(0, MS_ORDER_HOLD);
    kill_half(0);
    pass(3 * MS_SEC);
    ask(1, MS_ORDER_FORCE);
    pass(3 * MS_SEC);
    ms_pair_master(halves[1].pair)->selfcheck =
        (struct ms_selfcheck){.next = MS_TIME_NEVER, .is_raised = true, .slave = "s", .type = "t"};
    const struct ms_report *report = ask_status(1);

    ck_assert_str_eq(cell(report, "in_sync"), "backup");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        ck_assert_msg(strstr(cell(report, "alarm"), names[i]) != NULL, "%s: %s", names[i],
                      cell(report, "alarm"));
    }
    ck_assert_uint_le(strlen(cell(report, "alarm")), MS_DETAIL_MAX);
}
END_TEST

START_TEST(test_an_order_that_cannot_be_is_refused)
{
    const struct ms_command *answer = ask(1, MS_ORDER_SWITCHOVER);

    ck_assert_uint_eq(answer->kind, MS_KIND_ORDER_ACK);
    ck_assert_uint_ne(answer->error, MS_E_OK);
    answer = ask(0, MS_ORDER_COUNT + 5);
    ck_assert_uint_eq(answer->error, MS_E_BAD_ARGUMENT);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pair_report");
    TCase *all = tcase_create("all");

    tcase_add_checked_fixture(all, set_up, end_world);
    tcase_set_timeout(all, 60);
    tcase_add_test(all, test_the_active_tells_of_itself);
    tcase_add_test(all, test_the_passive_tells_of_itself);
    tcase_add_test(all, test_being_alone_is_an_alarm);
    tcase_add_test(all, test_the_most_urgent_alarm_has_the_name_of_the_only_one);
    tcase_add_test(all, test_whoever_waits_for_an_operator_says_for_what);
    tcase_add_test(all, test_status_tells_of_the_pair);
    tcase_add_test(all, test_status_names_each_alarm);
    tcase_add_test(all, test_an_order_that_cannot_be_is_refused);
    suite_add_tcase(suite, all);
    return run_suite(suite);
}
