/* What waits for the journal, and what the journal keeps. */
#include "master_returning.h"
#include "master/journal.h"

/* A client on 2, and a slave on 1 with that much credit. */
static void begin(struct script *s, struct shelf *shelf, uint64_t credit)
{
    setup_durable(s, shelf);
    slave_durably(s, 1, 1);
    client(s, 2, 2);
    if (credit > 0) {
        pull(s, 1, credit);
    }
}

static bool is_written(const struct script *s)
{
    for (size_t i = 0; i < s->count; i++) {
        if (s->sent[i].effect.type == MS_EFFECT_PERSIST) {
            return true;
        }
    }
    return false;
}

static const struct sent *stopped(const struct script *s)
{
    for (size_t i = 0; i < s->count; i++) {
        if (s->sent[i].effect.type == MS_EFFECT_STOPPED) {
            return &s->sent[i];
        }
    }
    return NULL;
}

START_TEST(nothing_is_acknowledged_before_it_is_durable)
{
    struct script s;
    struct shelf shelf;

    begin(&s, &shelf, 0);
    submit(&s, 2, 1, "x");
    ck_assert_ptr_null(find(&s, MS_KIND_SUBMIT_ACK));
    ck_assert(is_written(&s));
    tick_at(&s, s.now + MS_MSEC);
    ck_assert_ptr_null(find(&s, MS_KIND_SUBMIT_ACK));
    commit(&s);
    const struct ms_command *ack = &want(&s, MS_KIND_SUBMIT_ACK)->effect.command;

    ck_assert_uint_eq(ack->id.seq, 1);
    ck_assert_uint_eq(ack->count, 1);
    ck_assert_uint_eq(ack->durability, MS_DURABILITY_LOCAL);
    ck_assert_uint_eq(ack->copies, 1);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_SUBMIT], 1);
    teardown_durable(&s);
}
END_TEST

START_TEST(but_handed_out_it_is)
{
    struct script s;
    struct shelf shelf;

    begin(&s, &shelf, 1);
    submit(&s, 2, 1, "x");
    want(&s, MS_KIND_COMMAND);
    ck_assert_ptr_null(find(&s, MS_KIND_SUBMIT_ACK));
    teardown_durable(&s);
}
END_TEST

START_TEST(a_repeated_submission_is_not_acknowledged_earlier)
{
    struct script s;
    struct shelf shelf;

    begin(&s, &shelf, 0);
    submit(&s, 2, 1, "x");
    submit(&s, 2, 1, "x");
    ck_assert_ptr_null(find(&s, MS_KIND_SUBMIT_ACK));
    commit(&s);
    want(&s, MS_KIND_SUBMIT_ACK);
    ck_assert_uint_eq(stats_of(&s).commands_count, 1);
    submit(&s, 2, 1, "x");
    want(&s, MS_KIND_SUBMIT_ACK);
    teardown_durable(&s);
}
END_TEST

START_TEST(runs_of_acknowledgements_are_of_one_moment)
{
    struct script s;
    struct shelf shelf;

    begin(&s, &shelf, 0);
    for (uint64_t seq = 1; seq <= 3; seq++) {
        submit(&s, 2, seq, "x");
    }
    s.now += MS_MSEC;
    submit(&s, 2, 4, "x");
    commit(&s);
    ck_assert_uint_eq(count_of(&s, MS_KIND_SUBMIT_ACK), 2);
    ck_assert_uint_eq(find_nth(&s, MS_KIND_SUBMIT_ACK, 0)->effect.command.count, 3);
    ck_assert_uint_eq(find_nth(&s, MS_KIND_SUBMIT_ACK, 1)->effect.command.id.seq, 4);
    teardown_durable(&s);
}
END_TEST

START_TEST(outcome_and_result_ack_wait)
{
    struct script s;
    struct shelf shelf;

    begin(&s, &shelf, 1);
    submit(&s, 2, 1, "x");
    commit(&s);
    result(&s, 1, s.last_token, MS_STATUS_OK, "y");
    ck_assert_ptr_null(find(&s, MS_KIND_OUTCOME));
    ck_assert_ptr_null(find(&s, MS_KIND_RESULT_ACK));
    settle_down(&s);
    ck_assert_uint_eq(s.count, 0);
    commit(&s);
    ck_assert_str_eq(want(&s, MS_KIND_OUTCOME)->payload, "y");
    ck_assert_uint_eq(token_of(want(&s, MS_KIND_RESULT_ACK)), s.last_token);
    /* Of two records the outcome's is left; it says all that is needed. */
    ck_assert_uint_eq(shelf.counts[MS_RECORD_SUBMIT], 0);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_SETTLE], 1);
    confirm(&s, 2, 1, 1);
    commit(&s);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_SETTLE], 0);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_CLIENT], 1);
    teardown_durable(&s);
}
END_TEST

START_TEST(a_short_life_leaves_its_number_only)
{
    struct script s;
    struct shelf shelf;

    begin(&s, &shelf, 1);
    struct ms_command command = submission(1, "x");

    command.flags = MS_FLAG_BACKGROUND;
    receive(&s, 2, &command);
    result(&s, 1, s.last_token, MS_STATUS_OK, "y");
    ck_assert_ptr_null(find(&s, MS_KIND_RESULT_ACK));
    ck_assert_uint_eq(stats_of(&s).commands_count, 0);
    commit(&s);
    want(&s, MS_KIND_SUBMIT_ACK);
    want(&s, MS_KIND_RESULT_ACK);
    ck_assert_ptr_null(find(&s, MS_KIND_OUTCOME));
    ck_assert_uint_eq(shelf.counts[MS_RECORD_SUBMIT], 0);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_SETTLE], 0);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_CLIENT] + shelf.counts[MS_RECORD_CLOSED], 1);
    restart(&s);
    ck_assert_uint_eq(stats_of(&s).commands_count, 0);
    client(&s, 2, 2);
    receive(&s, 2, &command);
    ck_assert_uint_eq(want(&s, MS_KIND_SUBMIT_NAK)->effect.command.error, MS_E_CLOSED_ID);
    teardown_durable(&s);
}
END_TEST

START_TEST(closings_of_a_window_are_one_record)
{
    enum { COUNT = 200 };
    struct script s;
    struct shelf shelf;

    begin(&s, &shelf, COUNT);
    for (uint64_t seq = 1; seq <= COUNT; seq++) {
        struct ms_command command = submission(seq, "x");

        command.flags = MS_FLAG_BACKGROUND;
        receive(&s, 2, &command);
        result(&s, 1, s.last_token, MS_STATUS_OK, "y");
    }
    commit(&s);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_CLIENT], 1);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_CLOSED], 0);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_SUBMIT] + shelf.counts[MS_RECORD_SETTLE], 0);
    ck_assert_uint_eq(stats_of(&s).journal_persisted, stats_of(&s).journal_last);
    ck_assert_uint_eq(stats_of(&s).journal_waiting, 0);
    teardown_durable(&s);
}
END_TEST

START_TEST(a_cancellation_is_confirmed_when_it_is_durable)
{
    struct script s;
    struct shelf shelf;

    begin(&s, &shelf, 0);
    submit(&s, 2, 1, "x");
    submit(&s, 2, 2, "x");
    commit(&s);
    receive(&s, 2, &(struct ms_command){.kind = MS_KIND_CANCEL, .id.seq = 1});
    ck_assert_ptr_null(find(&s, MS_KIND_CANCEL_ACK));
    commit(&s);
    ck_assert_uint_eq(want(&s, MS_KIND_CANCEL_ACK)->effect.command.id.seq, 1);
    ck_assert_uint_eq(want(&s, MS_KIND_OUTCOME)->effect.command.status, MS_STATUS_CANCELLED);
    pull(&s, 1, 1);
    receive(&s, 2, &(struct ms_command){.kind = MS_KIND_CANCEL, .id.seq = 2});
    want(&s, MS_KIND_REVOKE);
    ck_assert_ptr_null(find(&s, MS_KIND_CANCEL_ACK));
    commit(&s);
    const struct ms_command *ack = &want(&s, MS_KIND_CANCEL_ACK)->effect.command;

    ck_assert_uint_eq(ack->id.seq, 2);
    ck_assert_uint_eq(ack->flags, MS_FLAG_STARTED);
    teardown_durable(&s);
}
END_TEST

START_TEST(a_slave_is_let_in_when_that_is_durable)
{
    const struct ms_hello hello = hello_of(MS_ROLE_SLAVE, 3);
    struct script s;
    struct shelf shelf;

    begin(&s, &shelf, 0);
    open_peer(&s, 5);
    say_hello(&s, 5, &hello);
    ck_assert_ptr_null(find(&s, MS_KIND_WELCOME));
    ck_assert_uint_eq(shelf.counts[MS_RECORD_SESSION], 1);
    commit(&s);
    ck_assert_uint_eq(want(&s, MS_KIND_WELCOME)->effect.peer, 5);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_SESSION], 2);
    receive(&s, 5, &(struct ms_command){.kind = MS_KIND_BYE});
    commit(&s);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_SESSION], 1);
    teardown_durable(&s);
}
END_TEST

START_TEST(class_mem_asks_nothing_of_the_store)
{
    struct script s;
    struct shelf shelf;

    begin(&s, &shelf, 1);
    struct ms_command command = submission(1, "x");

    command.flags = MS_FLAG_DURABILITY;
    receive(&s, 2, &command);
    ck_assert_uint_eq(want(&s, MS_KIND_SUBMIT_ACK)->effect.command.durability, MS_DURABILITY_MEM);
    ck_assert(!is_written(&s));
    result(&s, 1, s.last_token, MS_STATUS_OK, "y");
    want(&s, MS_KIND_OUTCOME);
    want(&s, MS_KIND_RESULT_ACK);
    confirm(&s, 2, 1, 1);
    commit(&s);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_CLIENT] + shelf.counts[MS_RECORD_CLOSED], 0);
    teardown_durable(&s);
}
END_TEST

START_TEST(what_one_disk_cannot_promise_is_refused)
{
    struct script s;
    struct shelf shelf;

    begin(&s, &shelf, 0);
    struct ms_command command = submission(1, "x");

    command.flags = MS_FLAG_DURABILITY;
    command.durability = MS_DURABILITY_STRICT;
    receive(&s, 2, &command);
    ck_assert_uint_eq(want(&s, MS_KIND_SUBMIT_NAK)->effect.command.error, MS_E_DURABILITY);
    teardown_durable(&s);
}
END_TEST

START_TEST(after_a_failure_of_the_store_nothing_is_said)
{
    struct script s;
    struct shelf shelf;

    begin(&s, &shelf, 1);
    submit(&s, 2, 1, "x");
    step(&s, &(struct ms_event){.type = MS_EVENT_PERSISTED, .error = MS_E_STORE_FAILED});
    ck_assert_uint_eq(s.count, 1);
    ck_assert_int_eq(stopped(&s)->effect.error, MS_E_STORE_FAILED);
    ck_assert(stats_of(&s).is_failed && stats_of(&s).is_stopped);
    ck_assert_int_eq(ms_engine_deadline(s.engine), MS_TIME_NEVER);
    submit(&s, 2, 2, "x");
    ck_assert_uint_eq(s.count, 0);
    result(&s, 1, s.last_token, MS_STATUS_OK, "y");
    ck_assert_uint_eq(s.count, 0);
    tick_at(&s, s.now + 60 * MS_SEC);
    ck_assert_uint_eq(s.count, 0);
    step(&s, &(struct ms_event){.type = MS_EVENT_STOP});
    ck_assert_uint_eq(s.count, 0);
    teardown_durable(&s);
}
END_TEST

static void hear_room(struct script *s, uint64_t count)
{
    step(s, &(struct ms_event){.type = MS_EVENT_ROOM, .count = count});
}

START_TEST(a_full_disk_takes_results_and_no_submissions)
{
    struct script s;
    struct shelf shelf;

    begin(&s, &shelf, 1);
    submit(&s, 2, 1, "x");
    submit(&s, 2, 2, "x");
    commit(&s);
    hear_room(&s, MS_STORE_RESERVE_DEFAULT);
    submit(&s, 2, 3, "x");
    const struct ms_command *nak = &want(&s, MS_KIND_SUBMIT_NAK)->effect.command;

    ck_assert_uint_eq(nak->error, MS_E_STORE_FULL);
    ck_assert_int_eq(nak->delay, MS_STORE_FULL_DELAY);
    hear_room(&s, 0);
    struct ms_command command = submission(4, "x");

    command.flags = MS_FLAG_DURABILITY; /* and class mem */
    receive(&s, 2, &command);
    want(&s, MS_KIND_SUBMIT_ACK);
    result(&s, 1, s.last_token, MS_STATUS_OK, "y");
    commit(&s);
    want(&s, MS_KIND_OUTCOME);
    receive(&s, 2, &(struct ms_command){.kind = MS_KIND_CANCEL, .id.seq = 2});
    commit(&s);
    want(&s, MS_KIND_CANCEL_ACK);
    hear_room(&s, MS_STORE_RESERVE_DEFAULT + 4096);
    submit(&s, 2, 3, "x");
    commit(&s);
    want(&s, MS_KIND_SUBMIT_ACK);
    teardown_durable(&s);
}
END_TEST

START_TEST(a_store_that_is_far_behind_is_not_flooded)
{
    struct ms_journal journal;

    ms_journal_init(&journal, true);
    journal.window_bytes = MS_JOURNAL_BEHIND_MAX / 2;
    journal.flying_bytes = MS_JOURNAL_BEHIND_MAX / 2;
    ck_assert(!ms_journal_is_behind(&journal));
    journal.window_bytes++;
    ck_assert(ms_journal_is_behind(&journal));
    ms_journal_finish(&journal);
}
END_TEST

/* Of two masters the slower one may have been waited for so long that one word of it covers everything. */
START_TEST(a_store_that_has_everything_is_not_behind)
{
    struct script s;
    struct shelf shelf;

    begin(&s, &shelf, 1);
    submit(&s, 2, 1, "x");
    s.master->journal.window_bytes = (size_t)MS_JOURNAL_BEHIND_MAX + 1;
    commit_once(&s);
    ck_assert(!ms_journal_is_behind(&s.master->journal));
    submit(&s, 2, 2, "x");
    commit(&s);
    want(&s, MS_KIND_SUBMIT_ACK);
    teardown_durable(&s);
}
END_TEST

START_TEST(without_a_store_no_record_has_a_number)
{
    struct ms_journal journal;

    ms_journal_init(&journal, false);
    ck_assert_uint_eq(
        ms_journal_put(&journal, &(struct ms_record){.kind = MS_RECORD_EPOCH, .token = {1, 0}}), 0);
    ms_journal_erase(&journal, 0);
    ms_journal_erase_closed(&journal, 0);
    ck_assert(ms_journal_covers(&journal, 0));
    ck_assert_uint_eq(journal.size, 0);
    ms_journal_finish(&journal);
    ms_journal_finish(NULL);
}
END_TEST

TESTS(nothing_is_acknowledged_before_it_is_durable, but_handed_out_it_is,
      a_repeated_submission_is_not_acknowledged_earlier, runs_of_acknowledgements_are_of_one_moment,
      outcome_and_result_ack_wait, a_short_life_leaves_its_number_only,
      closings_of_a_window_are_one_record, a_cancellation_is_confirmed_when_it_is_durable,
      a_slave_is_let_in_when_that_is_durable, class_mem_asks_nothing_of_the_store,
      what_one_disk_cannot_promise_is_refused, after_a_failure_of_the_store_nothing_is_said,
      a_full_disk_takes_results_and_no_submissions, a_store_that_is_far_behind_is_not_flooded,
      a_store_that_has_everything_is_not_behind, without_a_store_no_record_has_a_number)
