/* Members of arrays whose outcomes are kept, and those that are kicked: all of it with a store. */
#include "master/arrays.h"

#include "master/rare.h"
#include "master_arrays.h"
#include "master_reports.h"
#include "master_returning.h"

enum { COUNT = 3 };

static struct shelf shelf;

static void begin_durably(struct script *s)
{
    setup_durable(s, &shelf);
    durable_slave(s, 1, 1);
    client(s, 2, 2);
    commit(s);
}

static void submit_members(struct script *s, uint8_t flags, uint32_t concurrency)
{
    const struct ms_terms terms = {
        .array_count = COUNT, .array_concurrency = concurrency, .key = ms_bytes_of("user 7")};
    struct ms_command command = submission(1, "all");

    command.flags = flags;
    command.terms = &terms;
    receive(s, 2, &command);
    commit(s);
}

/* The next member is handed out; its number. */
static uint64_t take_one(struct script *s)
{
    pull(s, 1, 1);
    if (find(s, MS_KIND_COMMAND) == NULL) {
        settle_down(s);
    }
    return want(s, MS_KIND_COMMAND)->effect.command.id.seq;
}

static void end_one(struct script *s, enum ms_status status, const char *payload)
{
    result_of(s, 1, (struct ms_token){s->epoch, s->last_token}, status, payload);
    commit(s);
}

static void run_one(struct script *s, uint64_t seq, enum ms_status status, const char *payload)
{
    ck_assert_uint_eq(take_one(s), seq);
    end_one(s, status, payload);
}

/* Another master, after the slave said goodbye, and a slave and a client of the same names. */
static void begin_again(struct script *s)
{
    restart(s);
    run_until(s, s->now + 10 * MS_TICK_DEFAULT); /* whoever was there is gone */
    commit(s);
    durable_slave(s, 1, 9);
    client(s, 2, 2);
    commit(s);
}

/* How many it changed; the answer comes when that is durable. */
static uint64_t kick(struct script *s, const struct ms_query *which)
{
    struct ms_query query = *which;

    query.what = MS_QUERY_OPERATE;
    query.operation = MS_OPERATION_KICK;
    receive(s, 2, &(struct ms_command){.kind = MS_KIND_QUERY, .count = 1, .body.query = &query});
    for (int i = 0; i < 100 && find(s, MS_KIND_REPORT) == NULL; i++) {
        if (shelf.written_size > 0) {
            commit(s);
        } else {
            settle_down(s);
        }
    }
    return number(want(s, MS_KIND_REPORT), "changed");
}

static uint64_t kick_one(struct script *s, uint64_t seq)
{
    return kick(s, &(struct ms_query){.id = {uuid_of(2), seq}});
}

static void want_kept(struct script *s, uint64_t seq, const char *payload)
{
    const struct ms_query query = {.what = MS_QUERY_RESULT, .id = {uuid_of(2), seq}};

    receive(s, 2, &(struct ms_command){.kind = MS_KIND_QUERY, .count = 1, .body.query = &query});
    settle_down(s);
    ck_assert_str_eq(want(s, MS_KIND_TAIL)->payload, payload);
}

static uint32_t all_records(void)
{
    return shelf.counts[MS_RECORD_SUBMIT] + shelf.counts[MS_RECORD_SETTLE] +
           shelf.counts[MS_RECORD_CHANGE] + shelf.counts[MS_RECORD_RETRY] +
           shelf.counts[MS_RECORD_CLOSED];
}

START_TEST(a_kept_outcome_of_a_member_outlives_the_master_and_then_goes)
{
    struct script s;

    begin_durably(&s);
    submit_members(&s, MS_FLAG_KEEP, 0);
    run_one(&s, 1, MS_STATUS_OK, "one");
    run_one(&s, 2, MS_STATUS_FAIL, "two");
    confirm(&s, 2, 1, 2);
    commit(&s);
    ck_assert_uint_eq(stats_of(&s).kept_count, 2);
    begin_again(&s);
    ck_assert_uint_eq(stats_of(&s).kept_count, 2);
    ck_assert_ptr_nonnull(array_of(&s, 1));
    want_kept(&s, 1, "one");
    want_kept(&s, 2, "two");
    run_one(&s, 3, MS_STATUS_OK, "three");
    confirm(&s, 2, 3, 1);
    commit(&s);
    ck_assert_uint_eq(stats_of(&s).kept_count, COUNT);
    want_kept(&s, 3, "three");
    ck_assert_ptr_nonnull(array_of(&s, 1)); /* as long as there is anything of it */
    run_until(&s, s.now + MS_KEEP_AGE_DEFAULT);
    commit(&s);
    ck_assert_uint_eq(stats_of(&s).kept_count, 0);
    ck_assert_ptr_null(array_of(&s, 1));
    ck_assert_uint_eq(all_records(), 0);
    begin_again(&s);
    submit_array(&s, 1, COUNT, 0);
    ck_assert_uint_eq(want(&s, MS_KIND_SUBMIT_NAK)->effect.command.error, MS_E_CLOSED_ID);
    teardown_durable(&s);
}
END_TEST

START_TEST(of_those_that_are_kept_the_first_goes_when_there_are_too_many)
{
    struct script s;

    begin_durably(&s);
    s.master->config.limits.keep_count = 1;
    submit_members(&s, MS_FLAG_KEEP | MS_FLAG_BACKGROUND, 0);
    for (uint64_t seq = 1; seq <= COUNT; seq++) {
        s.now += MS_MSEC;
        run_one(&s, seq, MS_STATUS_OK, "x");
        settle_down(&s);
        commit(&s);
        ck_assert_uint_eq(stats_of(&s).kept_count, 1);
    }
    ck_assert(ms_array_is_closed(array_of(&s, 1), 2));
    ck_assert(!ms_array_is_closed(array_of(&s, 1), COUNT));
    begin_again(&s);
    ck_assert_uint_eq(stats_of(&s).kept_count, 1);
    want_kept(&s, COUNT, "x");
    teardown_durable(&s);
}
END_TEST

START_TEST(a_kicked_member_waits_for_its_turn_and_runs_again)
{
    struct script s;

    begin_durably(&s);
    submit_members(&s, MS_FLAG_BACKGROUND, 1);
    run_one(&s, 1, MS_STATUS_FAIL, "");
    ck_assert_uint_eq(take_one(&s), 2);
    ck_assert_uint_eq(kick_one(&s, 2), 0); /* it runs */
    ck_assert_uint_eq(kick_one(&s, 3), 0); /* it was not begun */
    ck_assert_uint_eq(kick_one(&s, 1), 1);
    ck_assert_ptr_null(find(&s, MS_KIND_COMMAND)); /* one runs, and one may */
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_READY], 2);
    end_one(&s, MS_STATUS_OK, "");
    run_one(&s, 3, MS_STATUS_OK, ""); /* it stood there before */
    run_one(&s, 1, MS_STATUS_OK, "");
    settle_down(&s);
    commit(&s);
    ck_assert_ptr_null(array_of(&s, 1));
    ck_assert_uint_eq(all_records(), 0);
    teardown_durable(&s);
}
END_TEST

START_TEST(kicks_of_members_outlive_the_master)
{
    struct script s;

    begin_durably(&s);
    submit_members(&s, MS_FLAG_BACKGROUND, 0);
    run_one(&s, 1, MS_STATUS_FAIL, "");
    run_one(&s, 2, MS_STATUS_OK, "");
    run_one(&s, 3, MS_STATUS_FAIL, "");
    for (uint32_t generation = 1; generation <= 3; generation++) {
        ck_assert_uint_eq(kick(&s, &(struct ms_query){.where = "type=echo"}), 2);
        begin_again(&s);
        ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_READY], 2);
        ck_assert_uint_eq(work_of(&s, 2, 1)->rare->generation, generation);
        ck_assert_uint_eq(work_of(&s, 2, 3)->rare->generation, generation);
        run_one(&s, 1, MS_STATUS_FAIL, "");
        run_one(&s, 3, MS_STATUS_FAIL, "");
        ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_BURIED], 2);
    }
    ck_assert_uint_eq(kick_one(&s, 3), 1);
    run_one(&s, 3, MS_STATUS_OK, "");
    run_until(&s, s.now + MS_KEEP_AGE_DEFAULT); /* the other one stays buried */
    commit(&s);
    ck_assert_ptr_null(array_of(&s, 1));
    ck_assert_uint_eq(all_records(), 0);
    teardown_durable(&s);
}
END_TEST

static void want_key(const struct script *s, uint64_t seq)
{
    struct ms_array_likeness likeness;
    const struct ms_id id = {uuid_of(2), seq};
    const struct ms_work *work = ms_clients_look_at(s->master, s->now, &id, &likeness);

    ck_assert_uint_eq(ms_work_key(work).size, 6);
    ck_assert_mem_eq(ms_work_key(work).data, "user 7", 6);
    ck_assert_ptr_null(work->rare->key); /* the array's will do */
}

START_TEST(all_members_have_the_key_of_their_array)
{
    struct script s;

    begin_durably(&s);
    submit_members(&s, MS_FLAG_BACKGROUND, 0);
    run_one(&s, 1, MS_STATUS_FAIL, "");
    for (int i = 0; i < 2; i++) {
        want_key(&s, 1);
        want_key(&s, 3);
        begin_again(&s);
    }
    ck_assert_uint_eq(kick_one(&s, 1), 1);
    want_key(&s, 1);
    teardown_durable(&s);
}
END_TEST

TESTS(a_kept_outcome_of_a_member_outlives_the_master_and_then_goes,
      of_those_that_are_kept_the_first_goes_when_there_are_too_many,
      a_kicked_member_waits_for_its_turn_and_runs_again, kicks_of_members_outlive_the_master,
      all_members_have_the_key_of_their_array)
