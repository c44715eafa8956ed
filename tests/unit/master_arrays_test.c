/* One submission for many commands, and what its members cost, do and leave behind. */
#include "master/arrays.h"

#include "master_arrays.h"
#include "master_reports.h"
#include "master_returning.h"

enum { COUNT = 10 };

static uint32_t works_of(const struct script *s)
{
    return ms_queue_count(&s->master->queue);
}

START_TEST(members_are_handed_out_in_turn_with_their_places)
{
    struct script s;

    begin(&s);
    submit_array(&s, 5, COUNT, 0);
    ck_assert_uint_eq(want(&s, MS_KIND_SUBMIT_ACK)->effect.command.id.seq, 5);
    ck_assert_uint_eq(want(&s, MS_KIND_SUBMIT_ACK)->effect.command.count, COUNT);
    ck_assert_uint_eq(works_of(&s), 1); /* one stands for all */
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_READY], COUNT);
    ck_assert_uint_eq(stats_of(&s).submitted_total, COUNT);
    pull(&s, 1, 3);
    for (uint32_t i = 0; i < 3; i++) {
        want_member(&s, i, 5 + i, i, COUNT);
    }
    ck_assert_uint_eq(count_of(&s, MS_KIND_COMMAND), 3);
    ck_assert_uint_eq(works_of(&s), 4);
    pull(&s, 1, COUNT);
    want_member(&s, COUNT - 4, 5 + COUNT - 1, COUNT - 1, COUNT);
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_READY], 0);
    teardown(&s);
}
END_TEST

START_TEST(each_member_has_its_own_end_and_the_last_one_ends_the_array)
{
    struct script s;

    begin(&s);
    pull(&s, 1, 3);
    submit_array(&s, 1, 3, 0);
    const uint64_t first = want_member(&s, 0, 1, 0, 3);

    result(&s, 1, first + 2, MS_STATUS_OK, "third");
    ck_assert_uint_eq(want(&s, MS_KIND_OUTCOME)->effect.command.id.seq, 3);
    ck_assert_str_eq(want(&s, MS_KIND_OUTCOME)->payload, "third");
    confirm(&s, 2, 3, 1);
    ck_assert(ms_array_is_closed(array_of(&s, 3), 3));
    result(&s, 1, first, MS_STATUS_FAIL, "");
    ck_assert_uint_eq(want(&s, MS_KIND_OUTCOME)->effect.command.status, MS_STATUS_FAIL);
    result(&s, 1, first + 1, MS_STATUS_OK, "second");
    confirm(&s, 2, 1, 2);
    ck_assert_ptr_null(array_of(&s, 1));
    ck_assert_uint_eq(works_of(&s), 0);
    ck_assert_uint_eq(ms_slab_used(&s.master->queue.slab), 0);
    submit_array(&s, 1, 3, 0);
    ck_assert_uint_eq(want(&s, MS_KIND_SUBMIT_NAK)->effect.command.error, MS_E_CLOSED_ID);
    submit(&s, 2, 2, "x");
    ck_assert_uint_eq(want(&s, MS_KIND_SUBMIT_NAK)->effect.command.error, MS_E_CLOSED_ID);
    teardown(&s);
}
END_TEST

START_TEST(no_more_run_than_may)
{
    struct script s;
    struct ms_query query = {.what = MS_QUERY_OPERATE,
                             .operation = MS_OPERATION_CONCURRENCY,
                             .id = {uuid_of(2), 4},
                             .value = 4};

    begin(&s);
    pull(&s, 1, COUNT);
    submit_array(&s, 1, COUNT, 2);
    const uint64_t first = want_member(&s, 0, 1, 0, COUNT);

    ck_assert_uint_eq(count_of(&s, MS_KIND_COMMAND), 2);
    ck_assert_uint_eq(array_of(&s, 1)->gated_count, 1);
    result(&s, 1, first + 1, MS_STATUS_OK, "");
    ck_assert_uint_eq(count_of(&s, MS_KIND_COMMAND), 1);
    want_member(&s, 0, 3, 2, COUNT);
    ask(&s, &query); /* by any of its members */
    ck_assert_uint_eq(count_of(&s, MS_KIND_COMMAND), 2);
    want_member(&s, 1, 5, 4, COUNT);
    query.value = 1;
    ask(&s, &query);
    result(&s, 1, first, MS_STATUS_OK, "");
    result(&s, 1, first + 2, MS_STATUS_OK, "");
    result(&s, 1, first + 3, MS_STATUS_OK, "");
    ck_assert_ptr_null(find(&s, MS_KIND_COMMAND)); /* one of them runs yet */
    result(&s, 1, first + 4, MS_STATUS_OK, "");
    want_member(&s, 0, 6, 5, COUNT);
    ck_assert_uint_eq(count_of(&s, MS_KIND_COMMAND), 1);
    teardown(&s);
}
END_TEST

START_TEST(what_comes_back_waits_for_its_turn_too)
{
    struct script s;

    begin(&s);
    slave(&s, 3, 3);
    pull(&s, 1, 1);
    pull(&s, 3, 1);
    submit_array(&s, 1, COUNT, 2);
    const uint64_t first = want_member(&s, 0, 1, 0, COUNT);

    submit(&s, 2, 50, "other"); /* a command of its own is not held up */
    receive(&s, 1, &(struct ms_command){.kind = MS_KIND_RETURN, .token = {EPOCH, first}});
    pull(&s, 3, 3);
    ck_assert_uint_eq(count_of(&s, MS_KIND_COMMAND), 2);
    ck_assert_uint_eq(array_of(&s, 1)->leased_count, 2);
    teardown(&s);
}
END_TEST

START_TEST(members_are_cancelled_one_by_one_and_all_together)
{
    struct script s;
    const struct ms_query query = {
        .what = MS_QUERY_OPERATE, .operation = MS_OPERATION_CANCEL, .where = "type=echo"};

    begin(&s);
    submit_array(&s, 1, COUNT, 0);
    receive(&s, 2, &(struct ms_command){.kind = MS_KIND_CANCEL, .id.seq = 4});
    ck_assert_uint_eq(want(&s, MS_KIND_CANCEL_ACK)->effect.command.error, MS_E_OK);
    ck_assert_uint_eq(want(&s, MS_KIND_OUTCOME)->effect.command.id.seq, 4);
    ck_assert_uint_eq(want(&s, MS_KIND_OUTCOME)->effect.command.status, MS_STATUS_CANCELLED);
    confirm(&s, 2, 4, 1);
    receive(&s, 2, &(struct ms_command){.kind = MS_KIND_CANCEL, .id.seq = 4});
    ck_assert_uint_eq(want(&s, MS_KIND_CANCEL_ACK)->effect.command.error, MS_E_NOT_FOUND);
    receive(&s, 2, &(struct ms_command){.kind = MS_KIND_CANCEL, .id.seq = 1}); /* the head */
    ck_assert_uint_eq(want(&s, MS_KIND_OUTCOME)->effect.command.id.seq, 1);
    const struct sent *report = ask(&s, &query);

    ck_assert_uint_eq(number(report, "changed"), COUNT - 2);
    ck_assert_uint_eq(number(report, "refused"), 1); /* the head, which is not confirmed */
    ck_assert_uint_eq(count_of(&s, MS_KIND_OUTCOME), COUNT - 2);
    confirm(&s, 2, 1, COUNT);
    ck_assert_ptr_null(array_of(&s, 1));
    ck_assert_uint_eq(ms_slab_used(&s.master->queue.slab), 0);
    teardown(&s);
}
END_TEST

START_TEST(a_delayed_array_waits_as_one)
{
    struct script s;
    const struct ms_terms terms = {.array_count = COUNT};
    struct ms_command command = submission(1, "all");

    begin(&s);
    pull(&s, 1, COUNT);
    command.terms = &terms;
    command.delay = 2 * MS_SEC;
    receive(&s, 2, &command);
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_DELAYED], COUNT);
    receive(&s, 2, &(struct ms_command){.kind = MS_KIND_CANCEL, .id.seq = 1}); /* the head */
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_DELAYED], COUNT - 1);
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_READY], 0);
    run_until(&s, s.now + 1 * MS_SEC);
    ck_assert_ptr_null(find(&s, MS_KIND_COMMAND));
    run_until(&s, s.now + 1 * MS_SEC);
    ck_assert_uint_eq(count_of(&s, MS_KIND_COMMAND), COUNT - 1);
    teardown(&s);
}
END_TEST

START_TEST(one_that_was_put_off_does_not_hold_up_the_others)
{
    struct script s;
    const struct ms_query query = {.what = MS_QUERY_OPERATE,
                                   .operation = MS_OPERATION_RELEASE,
                                   .id = {uuid_of(2), 1},
                                   .value = 3600 * MS_SEC};

    begin(&s);
    submit_array(&s, 1, COUNT, 0);
    ck_assert_uint_eq(number(ask(&s, &query), "changed"), 1);
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_DELAYED], 1);
    pull(&s, 1, 2);
    want_member(&s, 0, 2, 1, COUNT);
    want_member(&s, 1, 3, 2, COUNT);
    teardown(&s);
}
END_TEST

START_TEST(members_that_nobody_began_expire_together)
{
    enum { MANY = 1000 };
    struct script s;
    struct ms_terms terms = {.array_count = MANY};
    struct ms_command command = submission(1, "all");

    begin(&s);
    pull(&s, 1, 1);
    command.terms = &terms;
    command.flags = MS_FLAG_BACKGROUND;
    terms.deadline = s.now + 2 * MS_SEC; /* its wall clock is ours */
    receive(&s, 2, &command);
    ck_assert_uint_eq(count_of(&s, MS_KIND_COMMAND), 1);
    run_until(&s, s.now + 2 * MS_SEC);
    receive(&s, 2, &(struct ms_command){.kind = MS_KIND_BEAT});
    receive(&s, 1, &(struct ms_command){.kind = MS_KIND_BEAT});
    run_until(&s, s.now + MS_SEC);
    ck_assert_uint_eq(stats_of(&s).events_total[MS_LIFE_EXPIRE], MANY - 1);
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_LEASED], 1);
    teardown(&s);
}
END_TEST

START_TEST(all_of_them_count_in_their_group)
{
    struct script s;
    const struct ms_terms terms = {.array_count = COUNT, .group = ms_bytes_of("g")};
    struct ms_command command = submission(1, "all");

    begin(&s);
    pull(&s, 1, 1);
    command.terms = &terms;
    receive(&s, 2, &command);
    struct ms_group *group = ms_groups_find(&s.master->groups, ms_bytes_of("g"));

    ck_assert_uint_eq(group->counts[MS_GROUP_OPEN], COUNT);
    ck_assert_uint_eq(group->live, COUNT);
    result(&s, 1, s.last_token, MS_STATUS_OK, "");
    ck_assert_uint_eq(group->counts[MS_GROUP_OPEN], COUNT - 1);
    ck_assert_uint_eq(group->counts[MS_GROUP_DONE], 1);
    confirm(&s, 2, 1, 1);
    ck_assert_uint_eq(group->live, COUNT - 1);
    teardown(&s);
}
END_TEST

START_TEST(a_million_cost_next_to_nothing_while_they_wait)
{
    struct script s;

    begin(&s);
    submit_array(&s, 1, MS_ARRAY_MAX, 0);
    ck_assert_uint_eq(stats_of(&s).commands_count, MS_ARRAY_MAX);
    ck_assert_uint_eq(works_of(&s), 1);
    ck_assert_uint_lt(stats_of(&s).bytes_used, MS_ARRAY_MAX / 4); /* a bit of each, and some */
    pull(&s, 1, 3);
    want_member(&s, 2, 3, 2, MS_ARRAY_MAX);
    ck_assert_uint_eq(works_of(&s), 4);
    teardown(&s);
}
END_TEST

START_TEST(people_see_every_member)
{
    struct script s;
    struct ms_query query = {.what = MS_QUERY_COMMANDS};

    begin(&s);
    submit_array(&s, 1, COUNT, 1);
    ck_assert_uint_eq(ask(&s, &query)->rows, COUNT);
    snprintf(query.where, sizeof query.where, "seq>3 size=3B");
    ck_assert_uint_eq(ask(&s, &query)->rows, COUNT - 3);
    query.limit = 2;
    ck_assert_uint_eq(ask(&s, &query)->rows, 2);
    ck_assert_uint_eq(works_of(&s), 1); /* a look changes nothing */
    query = (struct ms_query){.what = MS_QUERY_SHOW, .id = {uuid_of(2), 7}};
    ck_assert_str_eq(text(ask(&s, &query), "state"), "ready");
    ck_assert_uint_eq(number(ask(&s, &query), "size_bytes"), 3);
    ck_assert_uint_eq(number(ask(&s, &query), "array_index"), 6);
    ck_assert_uint_eq(number(ask(&s, &query), "array_count"), COUNT);
    pull(&s, 1, 2);
    query.what = MS_QUERY_WHY;
    ck_assert_str_eq(text(ask(&s, &query), "reason"),
                     "it is one of 8 of its array that follow seq 2: its array runs as many as it "
                     "may: 1");
    query.id.seq = 2;
    ck_assert_str_eq(text(ask(&s, &query), "reason"), "its array runs as many as it may: 1");
    teardown(&s);
}
END_TEST

/* --- with a store --- */

static struct ms_welcome begin_durably(struct script *s, struct shelf *shelf)
{
    setup_durable(s, shelf);
    const struct ms_welcome welcome = slave_durably(s, 1, 1);

    client(s, 2, 2);
    return welcome;
}

START_TEST(one_record_stands_for_all_until_the_last_is_closed)
{
    struct script s;
    struct shelf shelf;

    begin_durably(&s, &shelf);
    pull(&s, 1, 3);
    submit_array(&s, 1, 3, 0);
    const uint64_t first = want_member(&s, 0, 1, 0, 3);

    commit(&s);
    want(&s, MS_KIND_SUBMIT_ACK);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_SUBMIT], 1);
    result(&s, 1, first, MS_STATUS_OK, "");
    result(&s, 1, first + 1, MS_STATUS_OK, "");
    commit(&s);
    confirm(&s, 2, 1, 2);
    commit(&s);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_SUBMIT], 1);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_SETTLE], 0);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_CLOSED], 1);
    result(&s, 1, first + 2, MS_STATUS_OK, "");
    commit(&s);
    confirm(&s, 2, 3, 1);
    commit(&s);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_SUBMIT], 0);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_CLOSED], 0);
    ck_assert_ptr_null(array_of(&s, 1));
    restart(&s);
    client(&s, 2, 2);
    submit_array(&s, 1, 3, 0);
    ck_assert_uint_eq(want(&s, MS_KIND_SUBMIT_NAK)->effect.command.error, MS_E_CLOSED_ID);
    teardown_durable(&s);
}
END_TEST

START_TEST(what_is_closed_stays_closed_and_the_rest_goes_on)
{
    struct script s;
    struct shelf shelf;
    const struct ms_welcome welcome = begin_durably(&s, &shelf);
    struct ms_hello hello = hello_of(MS_ROLE_CLIENT, 2);

    pull(&s, 1, 2);
    submit_array(&s, 1, 5, 0);
    const uint64_t first = want_member(&s, 0, 1, 0, 5);

    commit(&s);
    result(&s, 1, first + 1, MS_STATUS_OK, "two");
    commit(&s);
    confirm(&s, 2, 2, 1);
    commit(&s);
    restart(&s);
    ck_assert_uint_eq(stats_of(&s).commands_count, 4);
    ck_assert(ms_array_is_closed(array_of(&s, 1), 2));
    /* A client that says that everything is closed to it leaves what waits to be done. */
    hello.floor = 100;
    greet(&s, 2, &hello);
    commit(&s);
    restart(&s);
    ck_assert_uint_eq(stats_of(&s).commands_count, 4);
    const struct held held = held_of(2, 1, (struct ms_token){EPOCH, first}, 1);

    come_back_with(&s, 1, 1, &welcome, &held);
    ck_assert_uint_eq(work_of(&s, 2, 1)->state, MS_LIFE_LEASED);
    pull(&s, 1, 5);
    settle_down(&s);
    ck_assert_uint_eq(count_of(&s, MS_KIND_COMMAND), 3);
    want_member(&s, 0, 3, 2, 5);
    teardown_durable(&s);
}
END_TEST

START_TEST(a_member_that_runs_is_found_when_its_slave_comes_back)
{
    struct script s;
    struct shelf shelf;
    const struct ms_welcome welcome = begin_durably(&s, &shelf);

    pull(&s, 1, 1);
    submit_array(&s, 1, COUNT, 1);
    const struct held held = held_of(2, 1, (struct ms_token){EPOCH, s.last_token}, 1);

    commit(&s);
    restart(&s);
    ck_assert_uint_eq(stats_of(&s).commands_count, COUNT);
    come_back_with(&s, 1, 1, &welcome, &held);
    pull(&s, 1, 4);
    settle_down(&s);
    ck_assert_ptr_null(find(&s, MS_KIND_COMMAND)); /* one runs, and one may */
    result_of(&s, 1, held.token, MS_STATUS_OK, "one");
    want_member(&s, 0, 2, 1, COUNT);
    teardown_durable(&s);
}
END_TEST

START_TEST(wishes_of_members_and_of_the_whole_outlive_the_master)
{
    struct script s;
    struct shelf shelf;
    struct ms_query query = {.what = MS_QUERY_OPERATE,
                             .operation = MS_OPERATION_CONCURRENCY,
                             .id = {uuid_of(2), 3},
                             .value = 3};

    begin_durably(&s, &shelf);
    submit_array(&s, 1, COUNT, 1);
    commit(&s);
    receive(&s, 2, &(struct ms_command){.kind = MS_KIND_QUERY, .count = 1, .body.query = &query});
    settle_down(&s);
    query.operation = MS_OPERATION_PRIORITY;
    query.value = 5;
    receive(&s, 2, &(struct ms_command){.kind = MS_KIND_QUERY, .count = 1, .body.query = &query});
    settle_down(&s);
    commit(&s);
    restart(&s);
    ck_assert_uint_eq(array_of(&s, 1)->concurrency, 3);
    ck_assert_int_eq(work_of(&s, 2, 3)->priority, 5);
    ck_assert_uint_eq(stats_of(&s).commands_count, COUNT);
    teardown_durable(&s);
}
END_TEST

static void operate_and_commit(struct script *s, const struct ms_query *query)
{
    receive(s, 2, &(struct ms_command){.kind = MS_KIND_QUERY, .count = 1, .body.query = query});
    settle_down(s);
    commit(s);
}

START_TEST(one_that_is_over_leads_to_those_that_are_not)
{
    struct script s;
    struct shelf shelf;
    struct ms_query query = {.what = MS_QUERY_OPERATE,
                             .operation = MS_OPERATION_CONCURRENCY,
                             .id = {uuid_of(2), 1},
                             .value = 4,
                             .is_dry = true};

    begin_durably(&s, &shelf);
    pull(&s, 1, COUNT);
    submit_array(&s, 1, COUNT, 1);
    const uint64_t first = want_member(&s, 0, 1, 0, COUNT);

    commit(&s);
    result(&s, 1, first, MS_STATUS_OK, "");
    commit(&s);
    confirm(&s, 2, 1, 1);
    commit(&s);
    ck_assert(ms_array_is_closed(array_of(&s, 1), 1));
    operate_and_commit(&s, &query);
    ck_assert_uint_eq(array_of(&s, 1)->concurrency, 1);
    query.is_dry = false;
    operate_and_commit(&s, &query);
    ck_assert_uint_eq(array_of(&s, 2)->concurrency, 4);
    query.operation = MS_OPERATION_CANCEL;
    operate_and_commit(&s, &query);
    ck_assert_uint_eq(array_of(&s, 2)->waiting_count + array_of(&s, 2)->live_count, COUNT - 1);
    restart(&s);
    ck_assert_uint_eq(array_of(&s, 2)->concurrency, 4);
    teardown_durable(&s);
}
END_TEST

START_TEST(what_is_closed_without_an_array_is_refused)
{
    struct script s;
    struct shelf shelf;
    uint8_t bytes[256];
    const uint8_t bits = 1;
    const struct ms_record record = {.kind = MS_RECORD_CLOSED,
                                     .at = 1,
                                     .id = {uuid_of(2), 7},
                                     .number = 0,
                                     .payload = {&bits, 1}};

    setup_durable(&s, &shelf);
    crash(&s);
    create_master(&s);
    replay(&s, (struct ms_bytes){bytes, (size_t)(ms_record_write(bytes, 1000, &record) - bytes)});
    ck_assert(stats_of(&s).is_failed);
    teardown_durable(&s);
}
END_TEST

TESTS(members_are_handed_out_in_turn_with_their_places,
      each_member_has_its_own_end_and_the_last_one_ends_the_array, no_more_run_than_may,
      one_that_is_over_leads_to_those_that_are_not, what_comes_back_waits_for_its_turn_too,
      members_are_cancelled_one_by_one_and_all_together, a_delayed_array_waits_as_one,
      one_that_was_put_off_does_not_hold_up_the_others, members_that_nobody_began_expire_together,
      all_of_them_count_in_their_group, a_million_cost_next_to_nothing_while_they_wait,
      people_see_every_member, one_record_stands_for_all_until_the_last_is_closed,
      what_is_closed_stays_closed_and_the_rest_goes_on,
      a_member_that_runs_is_found_when_its_slave_comes_back,
      wishes_of_members_and_of_the_whole_outlive_the_master,
      what_is_closed_without_an_array_is_refused)
