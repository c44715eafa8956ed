/* Class strict: what counts only on two disks, while there are two, and while there is one. */
#include "master_arrays.h"
#include "master_returning.h"

/* A pair in sync, with a slave of that much credit on 1 and a client on 2. */
static void begin(struct script *s, struct shelf *shelf, uint64_t credit)
{
    setup_durable(s, shelf);
    shelf->copies = 2;
    slave_durably(s, 1, 1);
    client(s, 2, 2);
    if (credit > 0) {
        pull(s, 1, credit);
    }
}

static void submit_strict(struct script *s, ms_peer peer, uint64_t seq)
{
    struct ms_command command = submission(seq, "x");

    command.flags = MS_FLAG_DURABILITY;
    command.durability = MS_DURABILITY_STRICT;
    receive(s, peer, &command);
}

static void submit_strict_array(struct script *s, uint64_t first, uint32_t count)
{
    const struct ms_terms terms = {.array_count = count};
    struct ms_command command = submission(first, "all");

    command.terms = &terms;
    command.flags = MS_FLAG_DURABILITY;
    command.durability = MS_DURABILITY_STRICT;
    receive(s, 2, &command);
}

/* S has that many disks from now on, and all of them have all there is. */
static void commit_on(struct script *s, uint8_t copies)
{
    s->shelf->copies = copies;
    s->count = 0;
    commit_once(s);
    commit_more(s);
}

static void want_acknowledged(struct script *s, uint64_t seq)
{
    const struct ms_command *ack = &want(s, MS_KIND_SUBMIT_ACK)->effect.command;

    ck_assert_uint_eq(ack->id.seq, seq);
    ck_assert_uint_eq(ack->durability, MS_DURABILITY_STRICT);
    ck_assert_uint_eq(ack->copies, 2);
}

START_TEST(two_disks_first_then_the_answer_and_the_work)
{
    struct script s;
    struct shelf shelf;

    begin(&s, &shelf, 2);
    submit_strict(&s, 2, 1);
    ck_assert_ptr_null(find(&s, MS_KIND_SUBMIT_ACK));
    ck_assert_ptr_null(find(&s, MS_KIND_COMMAND));
    commit(&s);
    want_acknowledged(&s, 1);
    ck_assert_uint_eq(want(&s, MS_KIND_COMMAND)->effect.command.id.seq, 1);
    result(&s, 1, s.last_token, MS_STATUS_OK, "y");
    commit(&s);
    want(&s, MS_KIND_OUTCOME);
    teardown_durable(&s);
}
END_TEST

START_TEST(what_a_master_that_was_left_alone_has_waits_and_others_go_on)
{
    struct script s;
    struct shelf shelf;

    begin(&s, &shelf, 3);
    submit_strict(&s, 2, 1);
    submit_strict(&s, 2, 2);
    submit(&s, 2, 3, "x");
    ck_assert_uint_eq(want(&s, MS_KIND_COMMAND)->effect.command.id.seq, 3);
    commit_on(&s, 1);
    ck_assert_uint_eq(count_of(&s, MS_KIND_SUBMIT_ACK), 1);
    ck_assert_uint_eq(want(&s, MS_KIND_SUBMIT_ACK)->effect.command.id.seq, 3);
    ck_assert_ptr_null(find(&s, MS_KIND_COMMAND));
    submit_strict(&s, 2, 4); /* a new one does not wait */
    ck_assert_uint_eq(want(&s, MS_KIND_SUBMIT_NAK)->effect.command.error, MS_E_DURABILITY);
    ck_assert_uint_eq(s.master->queue.lone_count, 2);
    run_until(&s, s.now + MS_SEC);
    ck_assert_ptr_null(find(&s, MS_KIND_SUBMIT_ACK));
    commit_on(&s, 2);
    want_acknowledged(&s, 1);
    ck_assert_uint_eq(want(&s, MS_KIND_SUBMIT_ACK)->effect.command.count, 2);
    ck_assert_uint_eq(count_of(&s, MS_KIND_COMMAND), 2);
    ck_assert_uint_eq(find_nth(&s, MS_KIND_COMMAND, 0)->effect.command.id.seq, 1);
    ck_assert_uint_eq(find_nth(&s, MS_KIND_COMMAND, 1)->effect.command.id.seq, 2);
    teardown_durable(&s);
}
END_TEST

START_TEST(submitted_again_it_is_neither_refused_nor_acknowledged)
{
    struct script s;
    struct shelf shelf;

    begin(&s, &shelf, 0);
    submit_strict(&s, 2, 1);
    commit_on(&s, 1);
    close_peer(&s, 2);
    client(&s, 3, 2);
    for (int i = 0; i < 3; i++) {
        submit_strict(&s, 3, 1);
        ck_assert_ptr_null(find(&s, MS_KIND_SUBMIT_NAK));
        ck_assert_ptr_null(find(&s, MS_KIND_SUBMIT_ACK));
    }
    commit_on(&s, 2);
    ck_assert_uint_eq(count_of(&s, MS_KIND_SUBMIT_ACK), 1);
    want_acknowledged(&s, 1);
    ck_assert_uint_eq(want(&s, MS_KIND_SUBMIT_ACK)->effect.peer, 3);
    submit_strict(&s, 3, 1);
    want_acknowledged(&s, 1);
    teardown_durable(&s);
}
END_TEST

START_TEST(answers_that_nobody_hears_are_not_heaped_up)
{
    struct script s;
    struct shelf shelf;
    ms_peer peer = 2;

    begin(&s, &shelf, 0);
    submit_strict(&s, 2, 1);
    commit_on(&s, 1);
    for (uint32_t i = 0; i < 4 * MS_LONE_ANSWERS_MIN; i++) {
        close_peer(&s, peer);
        client(&s, ++peer, 2);
        submit_strict(&s, peer, 1);
    }
    ck_assert_uint_le(stats_of(&s).journal_waiting, MS_LONE_ANSWERS_MIN + 2);
    commit_on(&s, 2);
    ck_assert_uint_eq(count_of(&s, MS_KIND_SUBMIT_ACK), 1);
    ck_assert_uint_eq(want(&s, MS_KIND_SUBMIT_ACK)->effect.peer, peer);
    teardown_durable(&s);
}
END_TEST

/* Whoever reads it back cannot know whether it was acknowledged: it is done, and that it is durable is not said again. */
START_TEST(read_back_it_is_handed_out_and_acknowledged_on_two_disks)
{
    struct script s;
    struct shelf shelf;

    begin(&s, &shelf, 0);
    submit_strict(&s, 2, 1);
    commit(&s);
    want_acknowledged(&s, 1);
    shelf.copies = 1;
    restart(&s);
    client(&s, 2, 2);
    submit_strict(&s, 2, 1);
    ck_assert_ptr_null(find(&s, MS_KIND_SUBMIT_ACK));
    ck_assert_ptr_null(find(&s, MS_KIND_SUBMIT_NAK));
    run_until(&s, s.now + 60 * MS_SEC); /* the slave of before is dead */
    commit(&s);
    slave_durably(&s, 5, 5);
    pull(&s, 5, 1);
    want(&s, MS_KIND_COMMAND);
    result(&s, 5, s.last_token, MS_STATUS_OK, "y");
    commit(&s);
    teardown_durable(&s);
}
END_TEST

START_TEST(an_array_waits_as_a_whole)
{
    struct script s;
    struct shelf shelf;

    begin(&s, &shelf, 3);
    submit_strict_array(&s, 1, 3);
    ck_assert_ptr_null(find(&s, MS_KIND_COMMAND));
    commit_on(&s, 1);
    ck_assert_ptr_null(find(&s, MS_KIND_SUBMIT_ACK));
    submit_strict_array(&s, 1, 3);
    submit_strict_array(&s, 1, 3);
    ck_assert_ptr_null(find(&s, MS_KIND_SUBMIT_ACK));
    ck_assert_ptr_null(find(&s, MS_KIND_COMMAND));
    commit_on(&s, 2);
    ck_assert_uint_eq(want(&s, MS_KIND_SUBMIT_ACK)->effect.command.id.seq, 1);
    ck_assert_uint_eq(count_of(&s, MS_KIND_COMMAND), 3);
    want_member(&s, 0, 1, 0, 3);
    want_member(&s, 2, 3, 2, 3);
    teardown_durable(&s);
}
END_TEST

START_TEST(while_it_waits_it_is_cancelled_expires_and_is_moved)
{
    const struct ms_query query = {.what = MS_QUERY_OPERATE,
                                   .operation = MS_OPERATION_PRIORITY,
                                   .value = 3,
                                   .id = {uuid_of(2), 3}};
    const struct ms_terms terms = {.deadline = 2000000 * MS_SEC};
    struct ms_command command = submission(2, "x");
    struct script s;
    struct shelf shelf;

    begin(&s, &shelf, 3);
    command.flags = MS_FLAG_DURABILITY;
    command.durability = MS_DURABILITY_STRICT;
    command.terms = &terms;
    submit_strict(&s, 2, 1);
    receive(&s, 2, &command);
    submit_strict(&s, 2, 3);
    commit_on(&s, 1);
    ck_assert_uint_eq(s.master->queue.lone_count, 3);
    receive(&s, 2, &(struct ms_command){.kind = MS_KIND_CANCEL, .id.seq = 1});
    commit(&s);
    ck_assert_uint_eq(want(&s, MS_KIND_CANCEL_ACK)->effect.command.error, MS_E_OK);
    ck_assert_uint_eq(want(&s, MS_KIND_OUTCOME)->effect.command.status, MS_STATUS_CANCELLED);
    receive(&s, 2, &(struct ms_command){.kind = MS_KIND_QUERY, .count = 1, .body.query = &query});
    commit(&s);
    ck_assert_uint_eq(s.master->queue.lone_count, 2);
    commit_on(&s, 2);
    ck_assert_uint_eq(count_of(&s, MS_KIND_COMMAND), 2);
    ck_assert_uint_eq(s.master->queue.lone_count, 0);
    teardown_durable(&s);
}
END_TEST

START_TEST(its_outcome_is_as_durable_as_any_other)
{
    struct script s;
    struct shelf shelf;

    begin(&s, &shelf, 1);
    submit_strict(&s, 2, 1);
    commit(&s);
    want(&s, MS_KIND_COMMAND);
    shelf.copies = 1;
    result(&s, 1, s.last_token, MS_STATUS_OK, "y");
    commit(&s);
    want(&s, MS_KIND_RESULT_ACK);
    want(&s, MS_KIND_OUTCOME);
    teardown_durable(&s);
}
END_TEST

TESTS(two_disks_first_then_the_answer_and_the_work,
      what_a_master_that_was_left_alone_has_waits_and_others_go_on,
      submitted_again_it_is_neither_refused_nor_acknowledged,
      answers_that_nobody_hears_are_not_heaped_up,
      read_back_it_is_handed_out_and_acknowledged_on_two_disks, an_array_waits_as_a_whole,
      while_it_waits_it_is_cancelled_expires_and_is_moved, its_outcome_is_as_durable_as_any_other)
