/* A merge, and slaves that have attempts of either half in hand. */
#include "master_merging.h"

#include "master/output.h"

/* The process dies: of what it wrote, all up to the outcome is on the disk. */
static void write_outcome(struct script *s)
{
    struct ms_bytes bytes = {s->shelf->written, s->shelf->written_size};
    struct ms_entry entry = {0};

    while (entry.kind != MS_RECORD_SETTLE && ms_record_next(&bytes, &entry)) {
        shelf_put(s->shelf, &entry);
    }
}

START_TEST(what_nobody_waits_for_leaves_nothing_behind)
{
    const struct ms_uuid uuid = uuid_of(2);

    begin();
    receive(&here, 2, &(struct ms_command){.kind = MS_KIND_BYE});
    bring(&there, MS_MERGE_IN_FLIGHT, "", MS_FLAG_BACKGROUND);
    result(&there, 1, there.last_token, MS_STATUS_OK, "done");
    write_outcome(&there);
    offer_disk();
    merge_offered();
    ck_assert_uint_eq(totals()->cells[MS_MERGE_DONE][MS_MERGE_NONE], 1);
    want_state(MS_MERGE_CLOSED, "adopted");
    ck_assert_ptr_null(ms_floors_find(&here.master->floors, &uuid)->client);
    offer_disk();
    merge_offered();
    want_state(MS_MERGE_CLOSED, "merged twice");
    end();
}
END_TEST

START_TEST(the_slave_over_there_is_waited_for)
{
    begin();
    pull(&there, 1, 1);
    submit(&there, 2, 1, "x");
    commit(&there);
    const struct held held = held_of(2, 1, (struct ms_token){EPOCH, there.last_token}, 1);
    pull(&here, 1, 1);
    merge();
    ck_assert_uint_eq(stats_of(&here).awaited_count, 1);
    ck_assert_uint_eq(stats_of(&here).doubted_count, 1);
    /* Its session is known by its token: 0x55 and the number of the connection. */
    const struct ms_welcome was = {.token = {{0x55, THERE_NODE + 1}}};
    come_back_with(&here, 3, THERE_NODE, &was, &held);
    settle_down(&here);
    want_state(MS_MERGE_IN_FLIGHT, "claimed");
    result_of(&here, 3, held.token, MS_STATUS_OK, "done");
    commit(&here);
    want_state(MS_MERGE_DONE, "done");
    ck_assert_ptr_null(find(&here, MS_KIND_COMMAND));
    end();
}
END_TEST

/* Its session comes with the merge, and it is let in when that is durable: before, it is told nothing else. */
START_TEST(who_waits_for_its_welcome_is_told_nothing_else)
{
    const struct ms_welcome was = {.token = {{0x55, THERE_NODE + 1}}};
    struct ms_hello hello = hello_of(MS_ROLE_SLAVE, THERE_NODE);

    begin();
    bring(&there, MS_MERGE_IN_FLIGHT, "", MS_FLAG_ONCE);
    const struct held held = held_of(2, 1, (struct ms_token){EPOCH, there.last_token}, 1);
    offer();
    want_state(MS_MERGE_IN_FLIGHT, "offered");
    hello.token = was.token;
    hello.epoch = EPOCH;
    open_peer(&here, 3);
    say_hello(&here, 3, &hello);
    ck_assert_ptr_null(find(&here, MS_KIND_WELCOME));
    receive(&here, 2, &(struct ms_command){.kind = MS_KIND_CANCEL, .id.seq = 1});
    ck_assert(!was_revoked());
    commit(&here);
    ck_assert(want(&here, MS_KIND_WELCOME)->welcome.resumed);
    receive(&here, 3,
            &(struct ms_command){
                .kind = MS_KIND_ROLL,
                .body.tokens = &(struct ms_tokens){
                    .count = 1, .tokens = &held.token, .holdings = &held.holding, .last = true}});
    ck_assert(was_revoked());
    merge_offered();
    want_state(MS_MERGE_CANCELLED, "told");
    end();
}
END_TEST

START_TEST(an_attempt_that_nobody_knew_is_found)
{
    struct ms_welcome was;

    begin();
    was = slave_durably(&here, 3, 3);
    bring(&there, MS_MERGE_QUEUED, "", 0);
    const struct held held = held_of(2, 1, (struct ms_token){EPOCH, 77}, 1);
    close_peer(&here, 3);
    restart(&here);
    client(&here, 2, 2);
    come_back_with(&here, 3, 3, &was, &held);
    ck_assert_uint_eq(stats_of(&here).orphans_count, 1);
    merge();
    want_state(MS_MERGE_IN_FLIGHT, "adopted");
    end();
}
END_TEST

static void write_piece(ms_peer peer, struct ms_token token, const char *text)
{
    receive(
        &here, peer,
        &(struct ms_command){.kind = MS_KIND_OUTPUT, .token = token, .payload = ms_bytes_of(text)});
    commit(&here);
}

/* The same, when a slave comes with the attempt that the other half has handed out, and which is the later one. */
START_TEST(output_of_two_slaves_is_told_apart)
{
    struct ms_welcome first, second;

    begin();
    first = slave_durably(&here, 3, 3);
    second = slave_durably(&here, 4, 4);
    pull(&here, 3, 1);
    submit_as(&here, 1, "x", MS_FLAG_STREAM);
    commit(&here);
    const struct held had = held_of(2, 1, (struct ms_token){here.epoch, here.last_token}, 1);
    const struct held has = held_of(2, 1, (struct ms_token){here.epoch, here.last_token + 1}, 1);

    write_piece(3, had.token, "other");
    restart(&here);
    client(&here, 2, 2);
    come_back_with(&here, 3, 3, &first, &had);
    ck_assert_uint_eq(work_of(&here, 2, 1)->attempt, 1);
    come_back_with(&here, 4, 4, &second, &has);
    ck_assert_uint_eq(work_of(&here, 2, 1)->attempt, 2);
    ck_assert_ptr_null(work_of(&here, 2, 1)->output);
    write_piece(4, has.token, "piece");
    ck_assert_uint_eq(ms_output_count(work_of(&here, 2, 1)->output), 1);
    ck_assert_mem_eq(work_of(&here, 2, 1)->output->first->data, "piece", 5);
    result_of(&here, 4, has.token, MS_STATUS_OK, "done");
    commit(&here);
    ck_assert_uint_eq(want(&here, MS_KIND_OUTCOME)->effect.command.attempt, 2);
    end();
}
END_TEST

/* Else two commands would have the key. */
START_TEST(who_joins_here_is_dropped_by_the_slave_over_there)
{
    const struct ms_welcome was = {.token = {{0x55, THERE_NODE + 1}}};

    begin();
    pull(&there, 1, 1);
    submit_key(&there, 1, MS_UNIQUE_REJECT);
    const struct held held = held_of(2, 1, (struct ms_token){EPOCH, there.last_token}, 1);

    submit_key(&here, 2, MS_UNIQUE_REJECT);
    merge();
    ck_assert(ms_unique_is_follower(work_of(&here, 2, 1)));
    come_back_with(&here, 3, THERE_NODE, &was, &held);
    ck_assert_uint_eq(want(&here, MS_KIND_VERDICT)->tokens_count, 1);
    ck_assert(ms_unique_is_follower(work_of(&here, 2, 1)));
    end();
}
END_TEST

static void submit_key_as(struct script *s, uint64_t seq, uint8_t flags)
{
    const struct ms_terms terms = {.unique_mode = MS_UNIQUE_REJECT, .unique = ms_bytes_of("k")};
    struct ms_command command = submission(seq, "x");

    command.terms = &terms;
    command.flags = flags;
    receive(s, 2, &command);
    commit(s);
}

/* The same when the LEASE of what may be started once is merged, and its slave is expected. */
START_TEST(who_joins_here_is_in_nobodys_hands)
{
    begin();
    pull(&there, 1, 1);
    submit_key_as(&there, 1, MS_FLAG_ONCE);
    submit_key(&here, 2, MS_UNIQUE_REJECT);
    merge();
    ck_assert(ms_unique_is_follower(work_of(&here, 2, 1)));
    ck_assert_int_ne(work_of(&here, 2, 1)->state, MS_LIFE_LEASED);
    ck_assert_uint_eq(work_of(&here, 2, 1)->lease_record, 0);
    end();
}
END_TEST

/* What an attempt of its own had written is void: what it has joined wrote nothing. */
START_TEST(who_joins_here_has_the_output_of_the_other_one)
{
    begin();
    pull(&there, 1, 1);
    submit_key_as(&there, 1, MS_FLAG_STREAM);
    receive(&there, 1,
            &(struct ms_command){.kind = MS_KIND_OUTPUT,
                                 .token = {EPOCH, there.last_token},
                                 .payload = ms_bytes_of("own")});
    commit(&there);
    pull(&here, 1, 1);
    submit_key(&here, 2, MS_UNIQUE_REJECT);
    merge();
    ck_assert(ms_unique_is_follower(work_of(&here, 2, 1)));
    ck_assert_uint_eq(ms_output_count(work_of(&here, 2, 1)->output), 1);
    result_of(&here, 1, (struct ms_token){here.epoch, here.last_token}, MS_STATUS_OK, "done");
    commit(&here);
    want_state(MS_MERGE_DONE, "with the other one");
    ck_assert_uint_eq(ms_output_count(work_of(&here, 2, 1)->output), 0);
    ck_assert_uint_eq(work_of(&here, 2, 1)->attempt, 2); /* 1 was that of its own */
    end();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        what_nobody_waits_for_leaves_nothing_behind,
        the_slave_over_there_is_waited_for,
        who_waits_for_its_welcome_is_told_nothing_else,
        an_attempt_that_nobody_knew_is_found,
        output_of_two_slaves_is_told_apart,
        who_joins_here_is_dropped_by_the_slave_over_there,
        who_joins_here_is_in_nobodys_hands,
        who_joins_here_has_the_output_of_the_other_one,
    };
    Suite *suite = suite_create(__FILE__);
    TCase *tcase = tcase_create("all");

    tcase_set_timeout(tcase, 60);
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
