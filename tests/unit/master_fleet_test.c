/* What people ask about slaves, and what they want of them. */
#include "master/fleet.h"

#include "master_reports.h"
#include "master_shelf.h"

static struct ms_query order_of(enum ms_slave_order order, const char *where, int64_t value)
{
    struct ms_query query = {.what = MS_QUERY_COMMAND_SLAVES, .order = order, .value = value};

    snprintf(query.where, sizeof query.where, "%s", where);
    return query;
}

/* The answer's rows, which come first; the last part was told too unless a store holds it back. */
static struct sent *command_slaves(struct script *s, enum ms_slave_order order, const char *where,
                                   int64_t value)
{
    const struct ms_query query = order_of(order, where, value);

    receive(s, 2, &(struct ms_command){.kind = MS_KIND_QUERY, .count = 1, .body.query = &query});
    settle_down(s);
    return want(s, MS_KIND_REPORT);
}

static struct sent *last_report(struct script *s)
{
    struct sent *report = NULL;

    for (size_t i = 0; find_nth(s, MS_KIND_REPORT, i) != NULL; i++) {
        report = find_nth(s, MS_KIND_REPORT, i);
    }
    ck_assert_ptr_nonnull(report);
    return report;
}

/* A slave that says of itself what is given; peer and node have one number. */
static struct ms_welcome come(struct script *s, uint8_t number, const char *group,
                              const char *label, uint64_t features)
{
    struct ms_hello hello = hello_of(MS_ROLE_SLAVE, number);

    ms_text_copy_name(hello.group, group);
    if (label[0] != '\0') {
        ms_text_copy_name(hello.labels[hello.labels_count++], label);
    }
    hello.features = features;
    hello.slots_max = 8;
    const struct ms_welcome welcome = greet(s, number, &hello);

    announce(s, number, ECHO, "echo");
    return welcome;
}

START_TEST(rows_tell_what_a_slave_said)
{
    const struct ms_load load = {.cpu = 125, .memory = 1000, .running = 2, .queued = 1, .slots = 4};
    struct script s;

    setup(&s);
    client(&s, 2, 2);
    come(&s, 1, "render", "gpu", MS_FEATURES_ALL);
    struct sent *report = ask(&s, &(struct ms_query){.what = MS_QUERY_SLAVES});

    ck_assert_str_eq(text(report, "group"), "render");
    ck_assert_str_eq(text(report, "labels"), "gpu");
    ck_assert_str_eq(text(report, "intake"), "open");
    ck_assert_str_eq(text(report, "cpu_percent"), ""); /* it has not told any */
    ck_assert_str_eq(text(report, "running"), "");
    ck_assert_uint_eq(number(report, "weight"), MS_WEIGHT_DEFAULT);
    ck_assert_uint_eq(number(report, "free"), 4);
    ck_assert_uint_le(report->columns, MS_REPORT_COLUMNS_MAX);
    receive(&s, 1, &(struct ms_command){.kind = MS_KIND_BEAT, .count = 1, .body.load = &load});
    s.now += 250 * MS_MSEC;
    report = ask(&s, &(struct ms_query){.what = MS_QUERY_SLAVES});
    ck_assert_str_eq(text(report, "cpu_percent"), "12.5");
    ck_assert_str_eq(text(report, "memory_percent"), "100.0");
    ck_assert_str_eq(text(report, "running"), "2");
    ck_assert_str_eq(text(report, "queued"), "1");
    ck_assert_str_eq(text(report, "load_age_ms"), "250");
    ck_assert_str_eq(text(report, "rate_per_s"), "0.0");
    teardown(&s);
}
END_TEST

/* A slave with as many and as long words as it may have. */
START_TEST(rows_have_room_for_all_that_may_be_said)
{
    struct ms_hello hello = hello_of(MS_ROLE_SLAVE, 1);
    struct script s;

    setup(&s);
    client(&s, 2, 2);
    memset(hello.name, 'n', MS_NAME_MAX);
    memset(hello.group, 'g', MS_NAME_MAX);
    memset(hello.build, 'b', MS_NAME_MAX);
    for (uint32_t i = 0; i < MS_LABELS_MAX; i++) {
        memset(hello.labels[i], 'a' + (int)i, MS_NAME_MAX);
    }
    hello.labels_count = MS_LABELS_MAX;
    greet(&s, 1, &hello);
    const struct sent *report = ask(&s, &(struct ms_query){.what = MS_QUERY_SLAVES});

    ck_assert_uint_eq(report->rows, 1);
    ck_assert_ptr_nonnull(strstr(text(report, "labels"), ", ..."));
    teardown(&s);
}
END_TEST

START_TEST(filters_find_slaves)
{
    struct ms_query query = {.what = MS_QUERY_SLAVES, .where = "group=render label=gpu"};
    struct script s;

    setup(&s);
    client(&s, 2, 2);
    come(&s, 1, "render", "gpu", MS_FEATURES_ALL);
    come(&s, 3, "render", "", MS_FEATURES_ALL);
    come(&s, 4, "", "gpu", MS_FEATURES_ALL);
    const struct sent *report = ask(&s, &query);

    ck_assert_uint_eq(report->rows, 1);
    ck_assert_str_eq(text(report, "name"), "s1");
    ms_text_copy_name(query.where, "priority>1"); /* which is of commands */
    receive(&s, 2, &(struct ms_command){.kind = MS_KIND_QUERY, .count = 1, .body.query = &query});
    ck_assert_int_eq(want(&s, MS_KIND_REPORT)->report_error, MS_E_BAD_ARGUMENT);
    teardown(&s);
}
END_TEST

START_TEST(a_cordoned_slave_gets_nothing_new)
{
    struct script s;

    begin(&s);
    pull(&s, 1, 3);
    submit(&s, 2, 1, "x");
    const uint64_t token = token_of(want(&s, MS_KIND_COMMAND));
    const struct sent *report = command_slaves(&s, MS_SLAVE_ORDER_CORDON, "name=s1", 0);

    ck_assert_uint_eq(report->rows, 1);
    ck_assert_str_eq(text(report, "order"), "cordon");
    ck_assert_str_eq(text(report, "intake"), "cordoned");
    ck_assert_uint_eq(number(report, "held"), 1);
    ck_assert_uint_eq(number(report, "refused"), 0);
    ck_assert(last_report(&s)->is_last);
    ck_assert_uint_eq(stats_of(&s).credit, 0);
    submit(&s, 2, 2, "x");
    ck_assert_ptr_null(find(&s, MS_KIND_COMMAND));
    result(&s, 1, token, MS_STATUS_OK, ""); /* what it has goes on */
    want(&s, MS_KIND_OUTCOME);
    pull(&s, 1, 1);
    ck_assert_ptr_null(find(&s, MS_KIND_COMMAND));
    command_slaves(&s, MS_SLAVE_ORDER_CORDON, "name=s1", 0); /* twice is once */
    report = command_slaves(&s, MS_SLAVE_ORDER_UNCORDON, "name=s*", 0);
    ck_assert_str_eq(text(report, "intake"), "open");
    ck_assert_uint_eq(want(&s, MS_KIND_COMMAND)->effect.command.id.seq, 2);
    ck_assert_uint_eq(stats_of(&s).credit, 2); /* all that it had granted */
    teardown(&s);
}
END_TEST

START_TEST(why_names_cordons)
{
    const struct ms_query why = {.what = MS_QUERY_WHY, .id = {uuid_of(2), 1}};
    struct script s;

    begin(&s);
    pull(&s, 1, 3);
    command_slaves(&s, MS_SLAVE_ORDER_CORDON, "name=s1", 0);
    submit(&s, 2, 1, "x");
    ck_assert_str_eq(text(ask(&s, &why), "reason"),
                     "1 slave runs echo and has no free slot; 1 of them is cordoned; it is the "
                     "next one");
    teardown(&s);
}
END_TEST

/* The connection may go, and the session too: the slave is the same. */
START_TEST(a_cordon_outlives_the_session)
{
    struct ms_hello hello = hello_of(MS_ROLE_SLAVE, 1);
    struct script s;

    begin(&s);
    command_slaves(&s, MS_SLAVE_ORDER_CORDON, "name=s1", 0);
    close_peer(&s, 1);
    run_until(&s, s.now + 10 * MS_TICK_DEFAULT);
    ck_assert_uint_eq(stats_of(&s).slaves_count, 0);
    client(&s, 2, 2);
    submit(&s, 2, 1, "x");
    greet(&s, 5, &hello);
    announce(&s, 5, ECHO, "echo");
    pull(&s, 5, 1);
    ck_assert_ptr_null(find(&s, MS_KIND_COMMAND));
    command_slaves(&s, MS_SLAVE_ORDER_UNCORDON, "cordoned=yes", 0);
    want(&s, MS_KIND_COMMAND);
    teardown(&s);
}
END_TEST

START_TEST(a_cordon_ends_with_the_slave)
{
    struct script s;

    begin(&s);
    command_slaves(&s, MS_SLAVE_ORDER_CORDON, "name=s1", 0);
    receive(&s, 1, &(struct ms_command){.kind = MS_KIND_BYE});
    run_until(&s, s.now + 10 * MS_TICK_DEFAULT);
    client(&s, 2, 2);
    submit(&s, 2, 1, "x");
    slave(&s, 5, 1);
    pull(&s, 5, 1);
    want(&s, MS_KIND_COMMAND);
    teardown(&s);
}
END_TEST

START_TEST(a_cordon_is_durable_before_it_is_told)
{
    const struct ms_hello hello = hello_of(MS_ROLE_SLAVE, 1);
    struct shelf shelf;
    struct script s;

    setup_durable(&s, &shelf);
    open_peer(&s, 1);
    say_hello(&s, 1, &hello);
    commit(&s);
    announce(&s, 1, ECHO, "echo");
    client(&s, 2, 2);
    command_slaves(&s, MS_SLAVE_ORDER_CORDON, "name=s1", 0);
    ck_assert(!last_report(&s)->is_last);
    commit(&s);
    settle_down(&s);
    ck_assert(last_report(&s)->is_last);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_EPOCH], 1);
    restart(&s);
    client(&s, 2, 2);
    ck_assert_str_eq(text(ask(&s, &(struct ms_query){.what = MS_QUERY_SLAVES}), "cordoned"), "yes");
    command_slaves(&s, MS_SLAVE_ORDER_UNCORDON, "name=s1", 0);
    commit(&s);
    restart(&s);
    client(&s, 2, 2);
    ck_assert_str_eq(text(ask(&s, &(struct ms_query){.what = MS_QUERY_SLAVES}), "cordoned"), "no");
    teardown_durable(&s);
}
END_TEST

START_TEST(slots_and_level_are_told)
{
    struct script s;

    setup(&s);
    client(&s, 2, 2);
    come(&s, 1, "", "", MS_FEATURES_ALL);
    command_slaves(&s, MS_SLAVE_ORDER_SLOTS, "name=s1", 8);
    const struct ms_command *adjust = &want(&s, MS_KIND_ADJUST)->effect.command;

    ck_assert_uint_eq(adjust->count, 8);
    ck_assert_uint_eq(adjust->index, 0);
    command_slaves(&s, MS_SLAVE_ORDER_LOG_LEVEL, "name=s1", MS_LEVEL_DEBUG);
    adjust = &want(&s, MS_KIND_ADJUST)->effect.command;
    ck_assert_uint_eq(adjust->count, 0);
    ck_assert_uint_eq(adjust->index, 1 + MS_LEVEL_DEBUG);
    teardown(&s);
}
END_TEST

START_TEST(refusals_say_what_would_be_right)
{
    struct script s;

    setup(&s);
    client(&s, 2, 2);
    come(&s, 1, "", "", MS_FEATURES_ALL);
    come(&s, 3, "", "old", MS_FEATURE_RESUME);
    const struct sent *report = command_slaves(&s, MS_SLAVE_ORDER_SLOTS, "name=s1", 9);

    ck_assert_str_eq(text(report, "name"), "s1");
    ck_assert_str_eq(text(report, "refusal"), "it can have 1 to 8 slots");
    ck_assert_uint_eq(number(report, "refused"), 1);
    ck_assert_ptr_null(find(&s, MS_KIND_ADJUST));
    report = command_slaves(&s, MS_SLAVE_ORDER_SLOTS, "label=old", 1);
    ck_assert_ptr_nonnull(strstr(text(report, "refusal"), "does not know this order"));
    close_peer(&s, 1);
    report = command_slaves(&s, MS_SLAVE_ORDER_LOG_LEVEL, "name=s1", 1);
    ck_assert_str_eq(text(report, "refusal"), "it is not connected");
    ck_assert_int_eq(command_slaves(&s, MS_SLAVE_ORDER_CORDON, "name=nobody", 0)->report_error,
                     MS_E_NOT_FOUND);
    teardown(&s);
}
END_TEST

START_TEST(dry_orders_change_nothing)
{
    struct ms_query query = order_of(MS_SLAVE_ORDER_CORDON, "name=s1", 0);
    struct script s;

    begin(&s);
    pull(&s, 1, 1);
    query.is_dry = true;
    ck_assert_uint_eq(ask(&s, &query)->rows, 1);
    submit(&s, 2, 1, "x");
    want(&s, MS_KIND_COMMAND);
    teardown(&s);
}
END_TEST

START_TEST(senseless_orders)
{
    struct ms_query query = order_of(MS_SLAVE_ORDER_NONE, "name=s1", 0);

    ck_assert_int_eq(ms_fleet_examine(&query), MS_E_BAD_ARGUMENT);
    query = order_of(MS_SLAVE_ORDER_CORDON, "", 0); /* everybody is said in so many words */
    ck_assert_int_eq(ms_fleet_examine(&query), MS_E_BAD_ARGUMENT);
    query = order_of(MS_SLAVE_ORDER_SLOTS, "name=*", 0);
    ck_assert_int_eq(ms_fleet_examine(&query), MS_E_BAD_ARGUMENT);
    query.value = MS_SLOTS_MAX + 1;
    ck_assert_int_eq(ms_fleet_examine(&query), MS_E_BAD_ARGUMENT);
    query.value = MS_SLOTS_MAX;
    ck_assert_int_eq(ms_fleet_examine(&query), MS_E_OK);
    query = order_of(MS_SLAVE_ORDER_LOG_LEVEL, "name=*", MS_LEVEL_DEBUG + 1);
    ck_assert_int_eq(ms_fleet_examine(&query), MS_E_BAD_ARGUMENT);
    query.value = -1;
    ck_assert_int_eq(ms_fleet_examine(&query), MS_E_BAD_ARGUMENT);
}
END_TEST

TESTS(rows_tell_what_a_slave_said, rows_have_room_for_all_that_may_be_said, filters_find_slaves,
      a_cordoned_slave_gets_nothing_new, why_names_cordons, a_cordon_outlives_the_session,
      a_cordon_ends_with_the_slave, a_cordon_is_durable_before_it_is_told, slots_and_level_are_told,
      refusals_say_what_would_be_right, dry_orders_change_nothing, senseless_orders)
