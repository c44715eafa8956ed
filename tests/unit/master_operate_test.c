/* Operations on many commands. */
#include "master/operate.h"

#include "master_reports.h"

static enum ms_error refused(struct script *s, const struct ms_query *query)
{
    receive(s, 2, &(struct ms_command){.kind = MS_KIND_QUERY, .count = 1, .body.query = query});
    return want(s, MS_KIND_REPORT)->report_error;
}

static struct sent *operate(struct script *s, const struct ms_query *query)
{
    struct sent *report = NULL;

    receive(s, 2, &(struct ms_command){.kind = MS_KIND_QUERY, .count = 1, .body.query = query});
    settle_down(s);
    for (size_t i = 0; (find_nth(s, MS_KIND_REPORT, i)) != NULL; i++) {
        report = find_nth(s, MS_KIND_REPORT, i);
    }
    ck_assert_ptr_nonnull(report);
    return report;
}

static void want_sum(const struct sent *report, uint64_t matched, uint64_t changed)
{
    ck_assert(report->is_last);
    ck_assert_uint_eq(number(report, "matched"), matched);
    ck_assert_uint_eq(number(report, "changed"), changed);
    ck_assert_uint_eq(number(report, "refused"), matched - changed);
}

START_TEST(many_are_cancelled)
{
    struct script s;
    struct ms_query query = {
        .what = MS_QUERY_OPERATE, .operation = MS_OPERATION_CANCEL, .where = "size<3B"};

    begin(&s);
    pull(&s, 1, 1);
    submit(&s, 2, 1, "xy"); /* runs */
    submit(&s, 2, 2, "xy");
    submit(&s, 2, 3, "xyz");
    query.is_dry = true;
    struct sent *report = operate(&s, &query);
    want_sum(report, 2, 2);
    ck_assert_str_eq(text(report, "dry_run"), "yes");
    ck_assert_uint_eq(want(&s, MS_KIND_REPORT)->rows, 2);
    ck_assert_str_eq(text(want(&s, MS_KIND_REPORT), "would"), "cancel");
    ck_assert_ptr_null(find(&s, MS_KIND_REVOKE));
    query.limit = 1;
    operate(&s, &query);
    ck_assert_uint_eq(want(&s, MS_KIND_REPORT)->rows, 1);
    query.is_dry = false;
    want_sum(operate(&s, &query), 2, 2);
    want(&s, MS_KIND_REVOKE);
    ck_assert_uint_eq(want(&s, MS_KIND_OUTCOME)->effect.command.status, MS_STATUS_CANCELLED);
    ck_assert_uint_eq(want(&s, MS_KIND_OUTCOME)->effect.command.id.seq, 2);
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_READY], 1);
    teardown(&s);
}
END_TEST

START_TEST(a_long_walk_takes_many_steps)
{
    enum { COUNT = 2000 };
    struct script s;
    const struct ms_query query = {
        .what = MS_QUERY_OPERATE, .operation = MS_OPERATION_PRIORITY, .value = 4};

    begin(&s);
    for (uint64_t seq = 1; seq <= COUNT; seq++) {
        struct ms_command command = submission(seq, "x");
        struct ms_effect effect;

        ms_engine_step(
            s.engine, s.now,
            &(struct ms_event){
                .type = MS_EVENT_RECEIVED, .peer = 2, .epoch = EPOCH, .command = &command});
        while (ms_engine_poll(s.engine, &effect)) {
        }
    }
    receive(&s, 2, &(struct ms_command){.kind = MS_KIND_QUERY, .count = 1, .body.query = &query});
    tick_at(&s, s.now);
    ck_assert_uint_eq(s.count, 0); /* not at once */
    settle_down(&s);
    want_sum(want(&s, MS_KIND_REPORT), COUNT, COUNT);
    teardown(&s);
}
END_TEST

START_TEST(what_cannot_be_done_is_refused)
{
    struct script s;
    struct ms_query query = {.what = MS_QUERY_OPERATE,
                             .operation = MS_OPERATION_KICK,
                             .id = {uuid_of(2), 1},
                             .is_dry = true};

    begin(&s);
    submit(&s, 2, 1, "x");
    want_sum(operate(&s, &query), 1, 0);
    ck_assert_str_eq(text(want(&s, MS_KIND_REPORT), "refusal"),
                     "only what is buried can be kicked");
    query.is_dry = false;
    ck_assert_str_eq(text(operate(&s, &query), "refusal"), "only what is buried can be kicked");
    query.is_dry = true;
    query.id.seq = 9;
    ck_assert_int_eq(operate(&s, &query)->report_error, MS_E_NOT_FOUND);
    query.operation = MS_OPERATION_CONCURRENCY;
    query.id.seq = 1;
    want_sum(operate(&s, &query), 1, 0);
    ck_assert_str_eq(text(want(&s, MS_KIND_REPORT), "refusal"), "it is in no array");
    query.value = -1;
    ck_assert_int_eq(refused(&s, &query), MS_E_BAD_ARGUMENT);
    query.operation = MS_OPERATION_PRIORITY;
    query.value = MS_PRIORITY_MAX + 1;
    ck_assert_int_eq(refused(&s, &query), MS_E_BAD_ARGUMENT);
    query.operation = MS_OPERATION_RELEASE;
    query.value = -1;
    ck_assert_int_eq(refused(&s, &query), MS_E_BAD_ARGUMENT);
    teardown(&s);
}
END_TEST

START_TEST(one_that_may_be_started_once_is_not_kicked)
{
    struct script s;
    struct ms_command once = submission(1, "x");
    const struct ms_query query = {
        .what = MS_QUERY_OPERATE, .operation = MS_OPERATION_KICK, .where = "state=buried"};

    begin(&s);
    once.flags = MS_FLAG_ONCE | MS_FLAG_BACKGROUND;
    receive(&s, 2, &once);
    pull(&s, 1, 1);
    settle_down(&s);
    result(&s, 1, s.last_token, MS_STATUS_FAIL, "");
    want_sum(operate(&s, &query), 1, 0);
    teardown(&s);
}
END_TEST

TESTS(many_are_cancelled, a_long_walk_takes_many_steps, what_cannot_be_done_is_refused,
      one_that_may_be_started_once_is_not_kicked)
