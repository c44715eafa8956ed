/* Arrays of a deposed master, merged into the running one. */
#include "master_merging.h"

/* Members 1 .. 4: the first is done and closed, the second done, the third failed once, the fourth waits. */
static void run_array(struct script *s)
{
    submit_array(s, 1, 4, 0);
    commit(s);
    pull(s, 1, 2);
    const uint64_t first = token_of(find_nth(s, MS_KIND_COMMAND, 0));
    const uint64_t second = token_of(find_nth(s, MS_KIND_COMMAND, 1));
    result(s, 1, first, MS_STATUS_OK, "1");
    result(s, 1, second, MS_STATUS_OK, "2");
    commit(s);
    receive(s, 2, &(struct ms_command){.kind = MS_KIND_OUTCOME_ACK, .id.seq = 1, .count = 1});
    commit(s);
}

/* As they were there; and once more when it is read back. */
static void want_members_twice(void)
{
    for (int i = 0; i < 2; i++) {
        ck_assert(ms_array_is_closed(array_of(&here, 1), 1));
        ck_assert_int_eq(work_of(&here, 2, 2)->state, MS_LIFE_DONE);
        ck_assert_uint_eq(array_of(&here, 1)->terms.key.size, 6);
        ck_assert_uint_eq(array_of(&here, 1)->waiting_count + array_of(&here, 1)->live_count, 3);
        restart(&here);
    }
}

START_TEST(an_array_is_adopted_with_its_members)
{
    begin();
    run_array(&there);
    merge();
    want_members_twice();
    end();
}
END_TEST

/* A slave that has come here has two members in hand; the first of them has its outcome there. */
START_TEST(what_a_slave_has_in_hand_does_not_hide_an_outcome)
{
    struct ms_welcome was;

    begin();
    was = slave_durably(&here, 3, 3);
    submit_array(&there, 1, 4, 0);
    commit(&there);
    pull(&there, 1, 1);
    result(&there, 1, there.last_token, MS_STATUS_OK, "1");
    commit(&there);
    const struct ms_token tokens[] = {{EPOCH, 77}, {EPOCH, 78}};
    const struct ms_holding holdings[] = {{{uuid_of(2), 1}, ECHO, 1}, {{uuid_of(2), 2}, ECHO, 1}};

    close_peer(&here, 3);
    restart(&here);
    client(&here, 2, 2);
    come_back(
        &here, 3, 3, &was,
        &(struct ms_tokens){.count = 2, .tokens = tokens, .holdings = holdings, .last = true});
    ck_assert_uint_eq(stats_of(&here).orphans_count, 2);
    merge();
    ck_assert_int_eq(work_of(&here, 2, 1)->state, MS_LIFE_DONE);
    ck_assert_int_eq(work_of(&here, 2, 2)->state, MS_LIFE_LEASED);
    end();
}
END_TEST

/* One was done there, the other waits; and once more when it is read back. */
START_TEST(a_broadcast_is_for_the_slaves_that_it_was_for)
{
    const struct ms_terms terms = {.on = MS_ON_ALL, .array_count = 3};
    struct ms_command command = submission(1, "each");

    begin();
    slave_durably(&there, 5, 5);
    pull(&there, 1, 1);
    command.terms = &terms;
    receive(&there, 2, &command);
    commit(&there);
    result(&there, 1, there.last_token, MS_STATUS_OK, "1");
    pull(&here, 1, 4);
    merge();
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(work_of(&here, 2, 1)->state, MS_LIFE_DONE);
        ck_assert_uint_eq(ms_work_detail(work_of(&here, 2, 1)).size, 2); /* s9 */
        ck_assert_int_eq(work_of(&here, 2, 2)->state, MS_LIFE_READY);
        ck_assert_uint_eq(array_of(&here, 2)->count, 2);
        ck_assert_ptr_null(find(&here, MS_KIND_COMMAND)); /* nobody else is given it */
        restart(&here);
    }
    run_until(&here, here.now + 60 * MS_SEC); /* that slave does not come */
    ck_assert_int_eq(work_of(&here, 2, 2)->state, MS_LIFE_BURIED);
    ck_assert_int_eq(work_of(&here, 2, 2)->status, MS_STATUS_LOST);
    commit(&here);
    end();
}
END_TEST

START_TEST(or_each_of_its_members_is_merged)
{
    begin();
    run_array(&there);
    submit_array(&here, 1, 4, 0);
    commit(&here);
    pull(&here, 1, 1);
    ck_assert_int_eq(work_of(&here, 2, 1)->state, MS_LIFE_LEASED);
    merge();
    ck_assert(was_revoked());
    want_members_twice();
    end();
}
END_TEST

START_TEST(an_array_that_is_over_there_is_over_here)
{
    begin();
    run_array(&there);
    pull(&there, 1, 2);
    result(&there, 1, there.last_token - 1, MS_STATUS_OK, "3");
    result(&there, 1, there.last_token, MS_STATUS_OK, "4");
    commit(&there);
    receive(&there, 2, &(struct ms_command){.kind = MS_KIND_OUTCOME_ACK, .id.seq = 1, .count = 4});
    commit(&there);
    ck_assert_ptr_null(array_of(&there, 1));
    submit_array(&here, 1, 4, 0);
    commit(&here);
    pull(&here, 1, 1);
    merge();
    ck_assert_ptr_null(array_of(&here, 1));
    ck_assert_uint_eq(stats_of(&here).commands_count, 0);
    restart(&here);
    ck_assert_ptr_null(array_of(&here, 1));
    end();
}
END_TEST

/* A member is being closed here when the merge writes of others in the same span. */
START_TEST(what_is_being_closed_goes_with_its_records)
{
    begin();
    run_array(&there);
    submit_array(&here, 1, 4, 0);
    commit(&here);
    pull(&here, 1, 1);
    result(&here, 1, here.last_token, MS_STATUS_OK, "1");
    commit(&here);
    submit(&here, 2, 9, "x"); /* a commit is under way */
    confirm(&here, 2, 1, 1);
    ck_assert(here.master->journal.has_closed);
    offer_now();
    commit_once(&here);
    ck_assert_uint_eq(here_shelf.counts[MS_RECORD_CLOSED], 1);
    restart(&here); /* what came after that commit is lost */
    ck_assert(ms_array_is_closed(array_of(&here, 1), 1));
    end();
}
END_TEST

TESTS(an_array_is_adopted_with_its_members, what_a_slave_has_in_hand_does_not_hide_an_outcome,
      a_broadcast_is_for_the_slaves_that_it_was_for, or_each_of_its_members_is_merged,
      what_is_being_closed_goes_with_its_records, an_array_that_is_over_there_is_over_here)
