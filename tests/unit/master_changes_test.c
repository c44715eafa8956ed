/* What people wish of a command, and that it is wished as well after a restart. */
#include "master/changes.h"

#include "master/arrays.h"
#include "master/clients.h"
#include "master/rare.h"
#include "master/state.h"
#include "master/unique.h"
#include "master_reports.h"
#include "master_shelf.h"

static struct shelf shelf;

static void begin_durably(struct script *s)
{
    setup_durable(s, &shelf);
    durable_slave(s, 1, 1);
    client(s, 2, 2);
    commit(s);
}

static const struct ms_work *work_of(const struct script *s, uint64_t seq)
{
    return ms_clients_find_work(s->master, &(struct ms_id){uuid_of(2), seq});
}

static void submit_one(struct script *s, uint8_t flags, ms_time delay)
{
    struct ms_command command = submission(1, "payload");

    command.flags = flags;
    command.delay = delay;
    command.attempts_max = 3;
    receive(s, 2, &command);
    commit(s);
}

static void run_one(struct script *s, enum ms_status status)
{
    pull(s, 1, 1);
    settle_down(s);
    receive(s, 1,
            &(struct ms_command){.kind = MS_KIND_RESULT,
                                 .status = (uint8_t)status,
                                 .token = {s->epoch, s->last_token},
                                 .code = 3,
                                 .detail = ms_bytes_of("broken"),
                                 .payload = ms_bytes_of("outcome")});
    commit(s);
}

/* Asks for it of command 1; true when it was done, durably. */
static bool wish(struct script *s, enum ms_operation operation, int64_t value)
{
    const struct ms_query query = {
        .what = MS_QUERY_OPERATE, .id = {uuid_of(2), 1}, .operation = operation, .value = value};

    receive(s, 2, &(struct ms_command){.kind = MS_KIND_QUERY, .count = 1, .body.query = &query});
    settle_down(s);
    /* Nothing is said before it is on the disk. */
    ck_assert((shelf.written_size > 0) == (find(s, MS_KIND_REPORT) == NULL));
    while (find(s, MS_KIND_REPORT) == NULL) {
        if (shelf.written_size > 0 || shelf.committed < shelf.seq) {
            commit(s);
        } else {
            settle_down(s);
        }
    }
    return number(want(s, MS_KIND_REPORT), "changed") == 1;
}

START_TEST(what_is_kicked_begins_anew)
{
    struct script s;

    begin_durably(&s);
    submit_one(&s, MS_FLAG_BACKGROUND, 0);
    run_one(&s, MS_STATUS_RETRY);
    s.now = ms_engine_deadline(s.engine);
    settle_down(&s);
    run_one(&s, MS_STATUS_FAIL);
    ck_assert_int_eq(work_of(&s, 1)->state, MS_LIFE_BURIED);
    ck_assert_uint_eq(work_of(&s, 1)->failures, 1);
    ck_assert(wish(&s, MS_OPERATION_KICK, 0));
    for (int i = 0; i < 3; i++) {
        const struct ms_work *work = work_of(&s, 1);

        ck_assert_int_eq(work->state, MS_LIFE_READY);
        ck_assert_uint_eq(work->failures, 0);
        ck_assert_uint_eq(work->attempt, 2); /* no token and no number is used twice */
        ck_assert_uint_eq(work->rare->generation, 1);
        ck_assert_uint_eq(work->rare->past_count, 2);
        ck_assert_int_eq(work->rare->past[1].event, MS_LIFE_FAIL);
        ck_assert_int_eq(work->rare->past[1].code, 3);
        ck_assert_mem_eq(work->block, "payload", 7);
        restart(&s);
    }
    ck_assert_uint_eq(shelf.counts[MS_RECORD_SETTLE], 0);
    teardown_durable(&s);
}
END_TEST

START_TEST(a_confirmed_outcome_comes_back_in_the_background)
{
    struct script s;

    begin_durably(&s);
    submit_one(&s, MS_FLAG_KEEP, 0);
    run_one(&s, MS_STATUS_FAIL);
    ck_assert(!wish(&s, MS_OPERATION_KICK, 0)); /* it was sent and is not confirmed */
    confirm(&s, 2, 1, 1);
    commit(&s);
    ck_assert(wish(&s, MS_OPERATION_KICK, 0));
    ck_assert_uint_eq(stats_of(&s).events_total[MS_LIFE_KICK], 1);
    ck_assert((work_of(&s, 1)->flags & MS_FLAG_BACKGROUND) != 0);
    receive(&s, 1, &(struct ms_command){.kind = MS_KIND_BYE});
    settle_down(&s);
    commit(&s);
    restart(&s);
    ck_assert((work_of(&s, 1)->flags & MS_FLAG_BACKGROUND) != 0);
    durable_slave(&s, 1, 5);
    run_one(&s, MS_STATUS_OK);
    ck_assert_int_eq(work_of(&s, 1)->state, MS_LIFE_DONE);
    ck_assert(work_of(&s, 1)->is_archived);
    teardown_durable(&s);
}
END_TEST

START_TEST(an_outcome_of_an_earlier_master_may_have_been_sent)
{
    struct script s;

    begin_durably(&s);
    submit_one(&s, 0, 0);
    run_one(&s, MS_STATUS_FAIL);
    restart(&s);
    client(&s, 3, 3);
    const struct ms_query query = {
        .what = MS_QUERY_OPERATE, .id = {uuid_of(2), 1}, .operation = MS_OPERATION_KICK};

    receive(&s, 3, &(struct ms_command){.kind = MS_KIND_QUERY, .count = 1, .body.query = &query});
    settle_down(&s);
    ck_assert_uint_eq(number(want(&s, MS_KIND_REPORT), "refused"), 1);
    teardown_durable(&s);
}
END_TEST

START_TEST(times_are_given_and_taken_away)
{
    struct script s;

    begin_durably(&s);
    submit_one(&s, 0, 100 * MS_SEC);
    ck_assert(wish(&s, MS_OPERATION_RELEASE, 500 * MS_SEC));
    ck_assert_int_eq(work_of(&s, 1)->state, MS_LIFE_DELAYED);
    const ms_time due = ms_heap_min(&s.master->queue.delayed);

    ck_assert_int_eq(due, s.now + 500 * MS_SEC);
    restart(&s);
    ck_assert_int_eq(ms_heap_min(&s.master->queue.delayed), due);
    client(&s, 2, 2);
    ck_assert(wish(&s, MS_OPERATION_RELEASE, 0));
    ck_assert_int_eq(work_of(&s, 1)->state, MS_LIFE_READY);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_CHANGE], 1);
    restart(&s);
    ck_assert_int_eq(work_of(&s, 1)->state, MS_LIFE_READY);
    teardown_durable(&s);
}
END_TEST

START_TEST(priorities_change)
{
    struct script s;

    begin_durably(&s);
    submit_one(&s, 0, 0);
    ck_assert(wish(&s, MS_OPERATION_PRIORITY, -7));
    ck_assert(wish(&s, MS_OPERATION_PRIORITY, -3));
    ck_assert_uint_eq(shelf.counts[MS_RECORD_CHANGE], 1);
    restart(&s);
    ck_assert_int_eq(work_of(&s, 1)->priority, -3);
    teardown_durable(&s);
}
END_TEST

/* --- with a unique key --- */

static void submit_keyed(struct script *s, uint64_t seq, enum ms_unique mode)
{
    const struct ms_terms terms = {.unique_mode = (uint8_t)mode, .unique = ms_bytes_of("k")};
    struct ms_command command = submission(seq, "payload");

    command.flags = MS_FLAG_BACKGROUND;
    command.attempts_max = 3;
    command.terms = &terms;
    receive(s, 2, &command);
    commit(s);
}

static bool has_key(const struct script *s, uint64_t seq)
{
    const struct ms_work *work = work_of(s, seq);

    return work->rare->claim != NULL && work->rare->claim->leader == work &&
           work->rare->claim->is_held;
}

START_TEST(a_key_that_is_free_is_taken_again)
{
    struct script s;

    begin_durably(&s);
    submit_keyed(&s, 1, MS_UNIQUE_JOIN);
    run_one(&s, MS_STATUS_FAIL);
    ck_assert(wish(&s, MS_OPERATION_KICK, 0));
    for (int i = 0; i < 2; i++) {
        ck_assert(has_key(&s, 1));
        ck_assert_int_eq(work_of(&s, 1)->state, MS_LIFE_READY);
        restart(&s);
    }
    client(&s, 2, 2);
    submit_keyed(&s, 2, MS_UNIQUE_JOIN);
    ck_assert(ms_unique_is_follower(work_of(&s, 2)));
    teardown_durable(&s);
}
END_TEST

START_TEST(a_key_that_another_has_stays_there)
{
    struct script s;

    begin_durably(&s);
    submit_keyed(&s, 1, MS_UNIQUE_JOIN);
    run_one(&s, MS_STATUS_FAIL);
    submit_keyed(&s, 2, MS_UNIQUE_REPLACE);
    ck_assert(wish(&s, MS_OPERATION_KICK, 0));
    for (int i = 0; i < 2; i++) {
        ck_assert_ptr_null(work_of(&s, 1)->rare->claim);
        ck_assert_int_eq(work_of(&s, 1)->state, MS_LIFE_READY);
        ck_assert(has_key(&s, 2));
        restart(&s);
    }
    teardown_durable(&s);
}
END_TEST

/* Of the first generation its end is read back, so its kick must be, too. */
START_TEST(one_with_a_key_is_kicked_again_and_again)
{
    struct script s;

    begin_durably(&s);
    submit_keyed(&s, 1, MS_UNIQUE_JOIN);
    run_one(&s, MS_STATUS_FAIL);
    for (uint32_t generation = 1; generation <= 3; generation++) {
        ck_assert(wish(&s, MS_OPERATION_KICK, 0));
        run_one(&s, MS_STATUS_RETRY);
        s.now = ms_engine_deadline(s.engine);
        settle_down(&s);
        run_one(&s, MS_STATUS_FAIL);
        ck_assert_int_eq(work_of(&s, 1)->state, MS_LIFE_BURIED);
        ck_assert_uint_eq(work_of(&s, 1)->rare->generation, generation);
    }
    restart(&s);
    ck_assert_uint_eq(work_of(&s, 1)->rare->generation, 3);
    ck_assert_uint_eq(work_of(&s, 1)->attempt, 7);
    ck_assert_int_eq(work_of(&s, 1)->state, MS_LIFE_BURIED);
    teardown_durable(&s);
}
END_TEST

START_TEST(one_that_others_had_joined_is_kicked)
{
    struct script s;

    begin_durably(&s);
    submit_keyed(&s, 1, MS_UNIQUE_JOIN);
    submit_keyed(&s, 2, MS_UNIQUE_JOIN);
    run_one(&s, MS_STATUS_FAIL);
    ck_assert_int_eq(work_of(&s, 2)->state, MS_LIFE_BURIED);
    ck_assert(wish(&s, MS_OPERATION_KICK, 0));
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(work_of(&s, 1)->state, MS_LIFE_READY);
        ck_assert_int_eq(work_of(&s, 2)->state, MS_LIFE_BURIED);
        ck_assert(work_of(&s, 2)->is_archived);
        ck_assert(has_key(&s, 1));
        restart(&s);
    }
    teardown_durable(&s);
}
END_TEST

/* --- with a key that says what it belongs to --- */

static void submit_owned(struct script *s, uint64_t seq)
{
    const struct ms_terms terms = {.key = ms_bytes_of("user 7")};
    struct ms_command command = submission(seq, "payload");

    command.flags = MS_FLAG_BACKGROUND | MS_FLAG_KEEP;
    command.terms = &terms;
    receive(s, 2, &command);
    commit(s);
}

static void want_owned(const struct script *s, enum ms_life_state state)
{
    ck_assert_int_eq(work_of(s, 1)->state, state);
    ck_assert_uint_eq(ms_work_key(work_of(s, 1)).size, 6);
    ck_assert_mem_eq(ms_work_key(work_of(s, 1)).data, "user 7", 6);
}

START_TEST(what_can_be_kicked_has_its_key)
{
    struct script s;

    begin_durably(&s);
    submit_owned(&s, 1);
    want_owned(&s, MS_LIFE_READY);
    run_one(&s, MS_STATUS_FAIL);
    want_owned(&s, MS_LIFE_BURIED);
    submit_owned(&s, 2);
    run_one(&s, MS_STATUS_OK);
    ck_assert(work_of(&s, 2)->is_archived);
    ck_assert_uint_eq(ms_work_key(work_of(&s, 2)).size, 0);
    restart(&s);
    want_owned(&s, MS_LIFE_BURIED);
    client(&s, 2, 2);
    ck_assert(wish(&s, MS_OPERATION_KICK, 0));
    want_owned(&s, MS_LIFE_READY);
    restart(&s);
    want_owned(&s, MS_LIFE_READY);
    teardown_durable(&s);
}
END_TEST

START_TEST(its_client_comes_back_for_what_was_kicked)
{
    struct ms_query query = {
        .what = MS_QUERY_OPERATE, .id = {uuid_of(2), 1}, .operation = MS_OPERATION_KICK};
    struct script s;

    begin_durably(&s);
    submit_one(&s, MS_FLAG_KEEP, 0);
    run_one(&s, MS_STATUS_FAIL);
    receive(&s, 2, &(struct ms_command){.kind = MS_KIND_BYE});
    settle_down(&s);
    commit(&s);
    ck_assert(work_of(&s, 1)->is_archived); /* it was sent, and never confirmed */
    client(&s, 3, 3);
    receive(&s, 3, &(struct ms_command){.kind = MS_KIND_QUERY, .count = 1, .body.query = &query});
    settle_down(&s);
    commit(&s);
    ck_assert_int_eq(work_of(&s, 1)->state, MS_LIFE_READY);
    client(&s, 2, 2);
    submit_one(&s, MS_FLAG_KEEP, 0);
    run_one(&s, MS_STATUS_OK);
    ck_assert_int_eq(want(&s, MS_KIND_OUTCOME)->effect.command.status, MS_STATUS_OK);
    confirm(&s, 2, 1, 1);
    ck_assert(work_of(&s, 1)->is_archived);
    teardown_durable(&s);
}
END_TEST

TESTS(a_key_that_is_free_is_taken_again, a_key_that_another_has_stays_there,
      one_with_a_key_is_kicked_again_and_again, one_that_others_had_joined_is_kicked,
      what_can_be_kicked_has_its_key, its_client_comes_back_for_what_was_kicked,
      what_is_kicked_begins_anew, a_confirmed_outcome_comes_back_in_the_background,
      an_outcome_of_an_earlier_master_may_have_been_sent, times_are_given_and_taken_away,
      priorities_change)
