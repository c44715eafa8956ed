/* What a deposed master has, merged into the running one: every cell of the table, twice, and over a crash. */
#include "master_merging.h"

#include "master/output.h"

static const char *payload_of(enum ms_merge_state a, enum ms_merge_state b)
{
    return a > b ? "there" : "here";
}

static void want_payload(enum ms_merge_state a, enum ms_merge_state b)
{
    const struct ms_work *work = work_of(&here, 2, 1);
    const char *wanted = payload_of(a, b);
    const struct ms_bytes payload = ms_work_payload(work);

    ck_assert_uint_eq(payload.size, strlen(wanted));
    ck_assert_mem_eq(payload.data, wanted, payload.size);
}

#define CELLS (MS_MERGE_STATES * MS_MERGE_STATES)

START_TEST(each_cell_of_the_table)
{
    const enum ms_merge_state a = (enum ms_merge_state)(_i / MS_MERGE_STATES);
    const enum ms_merge_state b = (enum ms_merge_state)(_i % MS_MERGE_STATES);
    const uint8_t flags = a == MS_MERGE_IN_FLIGHT ? MS_FLAG_ONCE : 0;
    const enum ms_merge_state higher = a > b ? a : b;

    begin();
    bring(&there, a, "there", flags);
    bring(&here, b, "here", flags);
    ck_assert_int_eq(state_of(&here), b);
    merge();
    want_state(higher, "merged");
    ck_assert(was_revoked() == (b == MS_MERGE_IN_FLIGHT && a >= MS_MERGE_DEAD));
    if (higher == MS_MERGE_DEAD || higher == MS_MERGE_DONE) {
        want_payload(a, b);
    }
    /* What is not there, and not here any more or not at all, is in no book that is read. */
    ck_assert_uint_eq(totals()->cells[a][b],
                      a != MS_MERGE_NONE || (b != MS_MERGE_NONE && b != MS_MERGE_CLOSED));
    ck_assert_uint_eq(totals()->outcome_conflict,
                      a == b && (a == MS_MERGE_DEAD || a == MS_MERGE_DONE));
    ck_assert_uint_eq(totals()->cancel_raced, a == MS_MERGE_CANCELLED && b == MS_MERGE_DONE);
    ck_assert_uint_eq(totals()->refused, 0);
    const bool is_conflict = a == b && (a == MS_MERGE_DEAD || a == MS_MERGE_DONE);
    /* What had an end there, and another one here. */
    const bool is_other = is_conflict || (a >= MS_MERGE_DEAD && a < b && b < MS_MERGE_CLOSED);
    ck_assert(ms_reconcile_was_known(here.master) == (a <= b && !is_other));
    merge();
    want_state(higher, "merged twice");
    ck_assert(ms_reconcile_was_known(here.master) == !is_other);
    ck_assert(!ms_reconcile_has_refused(here.master));
    restart(&here);
    /* Who has it is not written, unless it may be started only once: it waits for the slaves' rolls. */
    const struct ms_work *work = work_of(&here, 2, 1);
    want_state(higher == MS_MERGE_IN_FLIGHT && (a != b || flags == 0) && work != NULL &&
                       work->state == MS_LIFE_READY
                   ? MS_MERGE_QUEUED
                   : higher,
               "read back");
    end();
}
END_TEST

static void prioritise(struct script *s)
{
    const struct ms_query query = {.what = MS_QUERY_OPERATE,
                                   .id = {uuid_of(2), 1},
                                   .operation = MS_OPERATION_PRIORITY,
                                   .value = 3};

    receive(s, 2, &(struct ms_command){.kind = MS_KIND_QUERY, .count = 1, .body.query = &query});
    settle_down(s);
    commit(s);
    ck_assert_int_eq(work_of(s, 2, 1)->priority, 3);
}

/* A wish is not merged, so it is new each time; but not when the command is over here. */
START_TEST(a_wish_that_was_confirmed_there_is_not_known_here)
{
    static const struct {
        enum ms_merge_state here;
        bool is_known;
    } cases[] = {{MS_MERGE_QUEUED, false}, {MS_MERGE_DONE, true}, {MS_MERGE_CLOSED, true}};

    begin();
    bring(&there, MS_MERGE_QUEUED, "", 0);
    bring(&here, cases[_i].here, "", 0);
    prioritise(&there);
    merge();
    ck_assert(ms_reconcile_was_known(here.master) == cases[_i].is_known);
    end();
}
END_TEST

START_TEST(a_command_that_makes_no_sense_is_refused)
{
    begin();
    bring(&there, MS_MERGE_QUEUED, "", 0);
    offer();
    here.master->reconcile.totals.refused++; /* as the table does */
    merge_offered();
    ck_assert(ms_reconcile_has_refused(here.master));
    ck_assert(!ms_reconcile_was_known(here.master));
    merge();
    ck_assert(!ms_reconcile_has_refused(here.master)); /* it is of each merge alone */
    ck_assert(ms_reconcile_was_known(here.master));
    end();
}
END_TEST

START_TEST(what_is_adopted_is_run_once)
{
    begin();
    bring(&there, MS_MERGE_QUEUED, "", 0);
    pull(&here, 1, 2);
    merge();
    ck_assert_ptr_null(find(&here, MS_KIND_COMMAND)); /* its slave there may have it */
    run_until(&here, here.now + 5 * MS_TICK_DEFAULT);
    ck_assert_uint_le(count_of(&here, MS_KIND_COMMAND), 1);
    merge();
    ck_assert_uint_eq(totals()->adopted, 1);
    end();
}
END_TEST

START_TEST(a_key_that_is_taken_is_joined)
{
    static const enum ms_unique modes[] = {MS_UNIQUE_JOIN, MS_UNIQUE_REJECT};

    begin();
    submit_key(&there, 1, modes[_i]);
    submit_key(&here, 5, MS_UNIQUE_JOIN);
    merge();
    ck_assert_uint_eq(totals()->adopted, 1);
    for (int i = 0; i < 2; i++) {
        ck_assert(ms_unique_is_follower(work_of(&here, 2, 1)));
        ck_assert_uint_eq(ms_work_key(work_of(&here, 2, 1)).size, 6);
        restart(&here);
    }
    end();
}
END_TEST

START_TEST(unless_it_was_to_replace_the_one_that_has_it)
{
    begin();
    submit_key(&here, 5, MS_UNIQUE_JOIN); /* it came first */
    there.now += MS_SEC;
    submit_key(&there, 1, MS_UNIQUE_REPLACE);
    merge();
    ck_assert(!ms_unique_is_follower(work_of(&here, 2, 1)));
    ck_assert_int_eq(work_of(&here, 2, 5)->state, MS_LIFE_CANCELLED);
    end();
}
END_TEST

/* It is submitted again here, later than the one that has replaced it there, which so joins it. */
START_TEST(who_has_replaced_it_does_not_end_with_it)
{
    begin();
    submit_key(&there, 1, MS_UNIQUE_JOIN);
    submit_key(&there, 2, MS_UNIQUE_REPLACE);
    ck_assert_int_eq(work_of(&there, 2, 1)->state, MS_LIFE_CANCELLED);
    here.now += MS_SEC;
    submit_key(&here, 1, MS_UNIQUE_JOIN);
    merge();
    ck_assert_int_eq(work_of(&here, 2, 1)->state, MS_LIFE_CANCELLED);
    ck_assert_int_eq(work_of(&here, 2, 2)->state, MS_LIFE_READY);
    ck_assert(!work_of(&here, 2, 2)->is_cancel_asked);
    restart(&here);
    ck_assert_int_eq(work_of(&here, 2, 2)->state, MS_LIFE_READY);
    end();
}
END_TEST

/* It was being replaced, and so was who had joined it. */
START_TEST(who_joined_one_that_is_replaced_does_not_outlive_it)
{
    begin();
    bring(&there, MS_MERGE_CLOSED, "", 0);
    pull(&here, 1, 1);
    submit_key(&here, 1, MS_UNIQUE_REJECT);
    submit_key(&here, 2, MS_UNIQUE_JOIN);
    submit_key(&here, 3, MS_UNIQUE_REPLACE);
    ck_assert(work_of(&here, 2, 1)->is_cancel_asked);
    merge();
    ck_assert_ptr_null(work_of(&here, 2, 1));
    ck_assert(work_of(&here, 2, 2)->is_cancel_asked); /* it is not begun any more */
    ck_assert_int_eq(work_of(&here, 2, 3)->state, MS_LIFE_READY);
    end();
}
END_TEST

START_TEST(attempts_that_failed_count)
{
    struct ms_command command = submission(1, "x");

    begin();
    command.attempts_max = 5;
    pull(&there, 1, 1);
    receive(&there, 2, &command);
    commit(&there);
    result(&there, 1, there.last_token, MS_STATUS_RETRY, "");
    commit(&there);
    merge();
    ck_assert_uint_eq(work_of(&here, 2, 1)->failures, 1);
    restart(&here);
    ck_assert_uint_eq(work_of(&here, 2, 1)->failures, 1);
    end();
}
END_TEST

START_TEST(a_wish_to_cancel_is_kept)
{
    begin();
    pull(&there, 1, 1);
    submit(&there, 2, 1, "x");
    receive(&there, 2, &(struct ms_command){.kind = MS_KIND_CANCEL, .id.seq = 1});
    commit(&there);
    ck_assert_int_eq(work_of(&there, 2, 1)->state, MS_LIFE_LEASED);
    bring(&here, MS_MERGE_DONE, "here", 0);
    merge();
    want_state(MS_MERGE_CANCELLED, "merged");
    ck_assert_uint_eq(totals()->cancel_raced, 1);
    ck_assert_uint_eq(totals()->lifted, 1);
    ck_assert_uint_eq(want(&here, MS_KIND_OUTCOME)->effect.command.status, MS_STATUS_CANCELLED);
    end();
}
END_TEST

/* Its only attempt waits for the disk, and its slave has not heard of it. */
START_TEST(what_has_not_left_gives_its_credit_back)
{
    begin();
    bring(&there, MS_MERGE_DONE, "there", MS_FLAG_ONCE);
    pull(&here, 1, 1);
    submit_as(&here, 1, "x", MS_FLAG_ONCE);
    ck_assert_int_eq(work_of(&here, 2, 1)->state, MS_LIFE_LEASED);
    ck_assert_uint_eq(here.master->credit, 0);
    ck_assert(ms_reconcile_begin(here.master));
    for (size_t i = 0; i < SHELF_MAX; i++) {
        if (there_shelf.entries[i].data != NULL) {
            ck_assert_int_eq(ms_reconcile_take(here.master, there_shelf.entries[i]), MS_E_OK);
        }
    }
    ms_reconcile_end(here.master);
    settle_down(&here);
    commit(&here);
    want_state(MS_MERGE_DONE, "merged");
    ck_assert(!was_revoked());
    ck_assert_ptr_null(find(&here, MS_KIND_COMMAND));
    ck_assert_uint_eq(here.master->credit, 1);
    end();
}
END_TEST

START_TEST(a_wish_to_cancel_is_kept_here)
{
    begin();
    bring(&there, MS_MERGE_DONE, "there", 0);
    pull(&here, 1, 1);
    submit(&here, 2, 1, "x");
    receive(&here, 2, &(struct ms_command){.kind = MS_KIND_CANCEL, .id.seq = 1});
    commit(&here);
    ck_assert_int_eq(work_of(&here, 2, 1)->state, MS_LIFE_LEASED);
    merge();
    want_state(MS_MERGE_CANCELLED, "merged");
    ck_assert_uint_eq(totals()->settled, 1);
    ck_assert_uint_eq(want(&here, MS_KIND_OUTCOME)->effect.command.status, MS_STATUS_CANCELLED);
    merge();
    want_state(MS_MERGE_CANCELLED, "merged twice");
    restart(&here);
    want_state(MS_MERGE_CANCELLED, "after a restart");
    end();
}
END_TEST

/* Buried while its client was away. */
static void bury(struct script *s)
{
    submit(s, 2, 1, "x");
    commit(s);
    close_peer(s, 2);
    pull(s, 1, 1);
    result(s, 1, s->last_token, MS_STATUS_FAIL, "");
    commit(s);
    ck_assert_int_eq(state_of(s), MS_MERGE_DEAD);
}

/* By somebody else; nobody has credit for it any more. */
static void kick(struct script *s)
{
    const struct ms_query query = {
        .what = MS_QUERY_OPERATE, .operation = MS_OPERATION_KICK, .where = "state=buried"};

    client(s, 4, 4);
    receive(s, 4, &(struct ms_command){.kind = MS_KIND_QUERY, .count = 7, .body.query = &query});
    settle_down(s);
    commit(s);
    ck_assert_int_eq(state_of(s), MS_MERGE_QUEUED);
}

START_TEST(a_kick_here_is_not_undone)
{
    begin();
    bury(&there);
    bury(&here);
    kick(&here);
    merge();
    want_state(MS_MERGE_QUEUED, "merged");
    end();
}
END_TEST

START_TEST(a_kick_there_is_taken)
{
    begin();
    bury(&there);
    kick(&there);
    bury(&here);
    merge();
    want_state(MS_MERGE_QUEUED, "merged");
    restart(&here);
    want_state(MS_MERGE_QUEUED, "read back");
    end();
}
END_TEST

static void write_and_finish(struct script *s)
{
    receive(s, 1,
            &(struct ms_command){.kind = MS_KIND_OUTPUT,
                                 .token = {EPOCH, s->last_token},
                                 .payload = ms_bytes_of("piece")});
    result(s, 1, s->last_token, MS_STATUS_OK, "there");
    commit(s);
}

START_TEST(output_comes_with_its_outcome)
{
    static const enum ms_merge_state states[] = {MS_MERGE_IN_FLIGHT, MS_MERGE_DEAD};

    begin();
    bring(&there, MS_MERGE_IN_FLIGHT, "", 0);
    write_and_finish(&there);
    bring(&here, states[_i], "", 0);
    merge();
    want_state(MS_MERGE_DONE, "merged");
    ck_assert_str_eq(want(&here, MS_KIND_STREAM)->payload, "piece");
    ck_assert_uint_eq(want(&here, MS_KIND_OUTCOME)->effect.command.index, 1);
    restart(&here);
    ck_assert_ptr_nonnull(work_of(&here, 2, 1)->output);
    end();
}
END_TEST

/* Both are the first attempt, each of its own half; who takes output as it comes has some of the one, and gets all of the other. */
START_TEST(output_of_two_first_attempts_is_told_apart)
{
    begin();
    bring(&there, MS_MERGE_IN_FLIGHT, "", MS_FLAG_STREAM);
    write_and_finish(&there);
    bring(&here, MS_MERGE_IN_FLIGHT, "", MS_FLAG_STREAM);
    receive(&here, 1,
            &(struct ms_command){.kind = MS_KIND_OUTPUT,
                                 .token = {here.epoch, here.last_token},
                                 .payload = ms_bytes_of("other")});
    commit(&here);
    ck_assert_uint_eq(ms_output_count(work_of(&here, 2, 1)->output), 1);
    merge();
    for (int i = 0; i < 2; i++) {
        ck_assert_uint_eq(work_of(&here, 2, 1)->attempt, 2);
        ck_assert_uint_eq(ms_output_count(work_of(&here, 2, 1)->output), 1);
        restart(&here);
    }
    end();
}
END_TEST

/* No output belongs to a wish, though the attempt has a number that this half knows, too. */
START_TEST(a_wish_to_cancel_brings_no_output)
{
    begin();
    bring(&there, MS_MERGE_IN_FLIGHT, "", 0);
    receive(&there, 1,
            &(struct ms_command){.kind = MS_KIND_OUTPUT,
                                 .token = {EPOCH, there.last_token},
                                 .payload = ms_bytes_of("piece")});
    receive(&there, 2, &(struct ms_command){.kind = MS_KIND_CANCEL, .id.seq = 1});
    commit(&there);
    bring(&here, MS_MERGE_DEAD, "here", 0);
    merge();
    want_state(MS_MERGE_CANCELLED, "merged");
    ck_assert_ptr_null(work_of(&here, 2, 1)->output);
    end();
}
END_TEST

/* The lower outcome had freed the key, and another one has it: the higher outcome is not that one's, not after a restart either. */
START_TEST(a_lower_outcome_has_freed_its_key)
{
    begin();
    pull(&there, 1, 1);
    submit_key(&there, 1, MS_UNIQUE_JOIN);
    write_and_finish(&there);
    pull(&here, 1, 1);
    submit_key(&here, 1, MS_UNIQUE_JOIN);
    result(&here, 1, here.last_token, MS_STATUS_FAIL, "");
    commit(&here);
    submit_key(&here, 5, MS_UNIQUE_JOIN);
    merge();
    for (int i = 0; i < 2; i++) {
        want_state(MS_MERGE_DONE, "merged");
        ck_assert_int_eq(work_of(&here, 2, 5)->state, MS_LIFE_READY);
        ck_assert_ptr_nonnull(work_of(&here, 2, 1)->output);
        restart(&here);
    }
    end();
}
END_TEST

START_TEST(nothing_is_said_before_it_is_durable)
{
    begin();
    bring(&there, MS_MERGE_DONE, "there", 0);
    offer();
    ck_assert_int_eq(here.master->reconcile.phase, MS_RECONCILE_DURABLE);
    ck_assert_ptr_null(find(&here, MS_KIND_OUTCOME));
    commit(&here);
    want(&here, MS_KIND_OUTCOME);
    ck_assert_int_eq(here.master->reconcile.phase, MS_RECONCILE_DONE);
    ck_assert_uint_eq(totals()->merges, 1);
    end();
}
END_TEST

START_TEST(a_crash_in_the_middle_is_made_good_by_the_next_one)
{
    begin();
    bring(&there, MS_MERGE_DONE, "there", 0);
    offer();
    restart(&here);
    want_state(MS_MERGE_NONE, "forgotten");
    merge();
    want_state(MS_MERGE_DONE, "merged");
    end();
}
END_TEST

START_TEST(what_makes_no_sense_is_not_taken)
{
    static const uint8_t garbage[64] = {1, 2, 3};

    begin();
    ck_assert(ms_reconcile_begin(here.master));
    ck_assert_int_eq(ms_reconcile_take(here.master, (struct ms_bytes){garbage, sizeof garbage}),
                     MS_E_STORE_CORRUPT);
    ck_assert_int_eq(here.master->reconcile.phase, MS_RECONCILE_OFF);
    end();
}
END_TEST

START_TEST(states_have_names)
{
    ck_assert_str_eq(ms_merge_state_name(MS_MERGE_IN_FLIGHT), "IN_FLIGHT");
    ck_assert_str_eq(ms_merge_state_name(MS_MERGE_CLOSED), "CLOSED");
}
END_TEST

#define LARGE_SIZE  (MS_MERGE_PORTION_BYTES / 4)
#define LARGE_COUNT 10

/* Clients are answered when what was merged before is durable, so that is a portion and no more. */
START_TEST(it_is_merged_in_portions)
{
    static uint8_t large[LARGE_SIZE];
    struct ms_command command = submission(0, "");

    begin();
    command.payload = (struct ms_bytes){large, sizeof large};
    for (uint64_t seq = 1; seq <= LARGE_COUNT; seq++) {
        command.id.seq = seq;
        receive(&there, 2, &command);
        commit(&there);
    }
    offer();
    ck_assert_uint_eq(totals()->adopted, MS_MERGE_PORTION_BYTES / LARGE_SIZE);
    ck_assert_uint_lt(here_shelf.written_size, MS_MERGE_PORTION_BYTES + LARGE_SIZE);
    ck_assert_int_gt(ms_engine_deadline(here.engine), here.now); /* it waits for the store */
    submit(&here, 2, LARGE_COUNT + 1, "x");
    ck_assert_uint_eq(totals()->adopted, MS_MERGE_PORTION_BYTES / LARGE_SIZE);
    commit_once(&here);
    want(&here, MS_KIND_SUBMIT_ACK);
    ck_assert_uint_eq(totals()->adopted, 2 * (MS_MERGE_PORTION_BYTES / LARGE_SIZE));
    commit(&here);
    ck_assert_uint_eq(totals()->adopted, LARGE_COUNT);
    ck_assert_int_eq(here.master->reconcile.phase, MS_RECONCILE_DONE);
    end();
}
END_TEST

START_TEST(totals_add_up)
{
    struct ms_reconcile_totals a = {.adopted = 1, .cells[1][2] = 3};

    ms_reconcile_add(&a, &(struct ms_reconcile_totals){.adopted = 2, .cells[1][2] = 4});
    ck_assert_uint_eq(a.adopted, 3);
    ck_assert_uint_eq(a.cells[1][2], 7);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        what_is_adopted_is_run_once,
        a_command_that_makes_no_sense_is_refused,
        unless_it_was_to_replace_the_one_that_has_it,
        who_joined_one_that_is_replaced_does_not_outlive_it,
        who_has_replaced_it_does_not_end_with_it,
        attempts_that_failed_count,
        a_wish_to_cancel_is_kept,
        what_has_not_left_gives_its_credit_back,
        a_wish_to_cancel_is_kept_here,
        a_kick_here_is_not_undone,
        a_kick_there_is_taken,
        output_of_two_first_attempts_is_told_apart,
        a_wish_to_cancel_brings_no_output,
        a_lower_outcome_has_freed_its_key,
        nothing_is_said_before_it_is_durable,
        a_crash_in_the_middle_is_made_good_by_the_next_one,
        what_makes_no_sense_is_not_taken,
        it_is_merged_in_portions,
        states_have_names,
        totals_add_up,
    };
    Suite *suite = suite_create(__FILE__);
    TCase *tcase = tcase_create("all");

    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, each_cell_of_the_table, 0, CELLS);
    tcase_add_loop_test(tcase, a_wish_that_was_confirmed_there_is_not_known_here, 0, 3);
    tcase_add_loop_test(tcase, a_key_that_is_taken_is_joined, 0, 2);
    tcase_add_loop_test(tcase, output_comes_with_its_outcome, 0, 2);
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {
        tcase_add_test(tcase, tests[i]);
    }
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
