/* Unique keys: join, reject, replace; followers get what their leader gets, also after a crash. */
#include "master_unique_script.h"

static void cancel_one(struct script *s, uint64_t seq)
{
    receive(s, 2, &(struct ms_command){.kind = MS_KIND_CANCEL, .id.seq = seq});
}

START_TEST(a_second_one_is_rejected_by_name)
{
    struct script s;

    begin(&s);
    submit_keyed(&s, 1, MS_UNIQUE_REJECT, "k");
    want(&s, MS_KIND_SUBMIT_ACK);
    submit_keyed(&s, 2, MS_UNIQUE_REJECT, "k");
    struct sent *nak = want(&s, MS_KIND_SUBMIT_NAK);

    ck_assert_uint_eq(nak->effect.command.error, MS_E_NOT_UNIQUE);
    ck_assert_str_eq(nak->detail, "02aa0000000000000000000000000000:1 has the same unique key");
    submit_keyed(&s, 1, MS_UNIQUE_REJECT, "k"); /* the same again */
    want(&s, MS_KIND_SUBMIT_ACK);
    submit_keyed(&s, 3, MS_UNIQUE_REJECT, "K");
    want(&s, MS_KIND_SUBMIT_ACK);
    pull(&s, 1, 1);
    result(&s, 1, s.last_token, MS_STATUS_OK, "done");
    submit_keyed(&s, 2, MS_UNIQUE_REJECT, "k");
    want(&s, MS_KIND_SUBMIT_ACK);
    teardown(&s);
}
END_TEST

START_TEST(keys_of_two_types_do_not_meet)
{
    struct script s;
    struct ms_command command = keyed(2, MS_UNIQUE_REJECT, "k");

    begin(&s);
    announce(&s, 1, OTHER, "other");
    command.type = OTHER;
    submit_keyed(&s, 1, MS_UNIQUE_REJECT, "k");
    receive(&s, 2, &command);
    want(&s, MS_KIND_SUBMIT_ACK);
    teardown(&s);
}
END_TEST

START_TEST(followers_get_the_outcome)
{
    struct script s;

    begin(&s);
    submit_keyed(&s, 1, MS_UNIQUE_JOIN, "k");
    submit_keyed(&s, 2, MS_UNIQUE_JOIN, "k");
    want(&s, MS_KIND_SUBMIT_ACK);
    submit_keyed(&s, 3, MS_UNIQUE_JOIN, "k");
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_DELAYED], 2);
    pull(&s, 1, 5);
    ck_assert_uint_eq(count_of(&s, MS_KIND_COMMAND), 1);
    const struct ms_usage usage = {.wall_us = 5};

    receive(&s, 1,
            &(struct ms_command){.kind = MS_KIND_RESULT,
                                 .status = MS_STATUS_FAIL,
                                 .code = 9,
                                 .usage = &usage,
                                 .token = {EPOCH, s.last_token},
                                 .payload = ms_bytes_of("bytes"),
                                 .detail = ms_bytes_of("words")});
    for (uint64_t seq = 1; seq <= 3; seq++) {
        const struct sent *outcome = outcome_of(&s, seq);

        ck_assert_uint_eq(outcome->effect.command.status, MS_STATUS_FAIL);
        ck_assert_int_eq(outcome->effect.command.code, 9);
        ck_assert_uint_eq(outcome->effect.command.attempt, 1);
        ck_assert_uint_eq(outcome->usage.wall_us, 5);
        ck_assert_str_eq(outcome->payload, "bytes");
        ck_assert_str_eq(outcome->detail, "words");
    }
    confirm(&s, 2, 1, 3);
    ck_assert_uint_eq(stats_of(&s).commands_count, 0);
    ck_assert_uint_eq(stats_of(&s).bytes_used, 0);
    teardown(&s);
}
END_TEST

START_TEST(a_follower_is_cancelled_alone_and_a_crash_changes_nothing)
{
    struct script s;

    begin(&s);
    struct ms_command command = keyed(1, MS_UNIQUE_JOIN, "k");

    command.attempts_max = 2;
    receive(&s, 2, &command);
    submit_keyed(&s, 2, MS_UNIQUE_JOIN, "k");
    submit_keyed(&s, 3, MS_UNIQUE_JOIN, "k");
    cancel_one(&s, 2);
    ck_assert_uint_eq(want(&s, MS_KIND_CANCEL_ACK)->effect.command.flags, 0);
    ck_assert_uint_eq(outcome_of(&s, 2)->effect.command.status, MS_STATUS_CANCELLED);
    pull(&s, 1, 1);
    result(&s, 1, s.last_token, MS_STATUS_RETRY, "");
    ck_assert_ptr_null(find(&s, MS_KIND_OUTCOME));
    run_until(&s, s.now + MS_SEC);
    pull(&s, 1, 1);
    result(&s, 1, s.last_token, MS_STATUS_OK, "done");
    ck_assert_uint_eq(count_of(&s, MS_KIND_OUTCOME), 2);
    ck_assert_uint_eq(outcome_of(&s, 3)->effect.command.attempt, 2);
    teardown(&s);
}
END_TEST

START_TEST(the_older_one_is_replaced)
{
    struct script s;

    begin(&s);
    submit_keyed(&s, 1, MS_UNIQUE_JOIN, "k");
    submit_keyed(&s, 2, MS_UNIQUE_JOIN, "k");
    submit_keyed(&s, 3, MS_UNIQUE_REPLACE, "k"); /* the first waits: it ends at once */
    want(&s, MS_KIND_SUBMIT_ACK);
    ck_assert_uint_eq(outcome_of(&s, 1)->effect.command.status, MS_STATUS_CANCELLED);
    ck_assert_uint_eq(outcome_of(&s, 2)->effect.command.status, MS_STATUS_CANCELLED);
    submit_keyed(&s, 4, MS_UNIQUE_JOIN, "k");
    pull(&s, 1, 1);
    ck_assert_uint_eq(want(&s, MS_KIND_COMMAND)->effect.command.id.seq, 3);
    const uint64_t token = s.last_token;

    submit_keyed(&s, 5, MS_UNIQUE_REPLACE, "k"); /* the third runs: it is told to stop */
    ck_assert_uint_eq(token_of(want(&s, MS_KIND_REVOKE)), token);
    ck_assert_ptr_null(find(&s, MS_KIND_OUTCOME));
    submit_keyed(&s, 6, MS_UNIQUE_JOIN, "k");
    result(&s, 1, token, MS_STATUS_OK, "too late");
    ck_assert_uint_eq(outcome_of(&s, 3)->effect.command.status, MS_STATUS_CANCELLED);
    ck_assert_uint_eq(outcome_of(&s, 4)->effect.command.status, MS_STATUS_CANCELLED);
    ck_assert_uint_eq(count_of(&s, MS_KIND_OUTCOME), 2);
    pull(&s, 1, 1);
    ck_assert_uint_eq(want(&s, MS_KIND_COMMAND)->effect.command.id.seq, 5);
    result(&s, 1, s.last_token, MS_STATUS_OK, "new");
    ck_assert_str_eq(outcome_of(&s, 6)->payload, "new");
    teardown(&s);
}
END_TEST

START_TEST(many_followers_take_many_steps)
{
    enum { COUNT = 3 * MS_SWEEP_BURST };
    struct script s;
    size_t steps = 0, seen = 0;

    begin(&s);
    for (uint64_t seq = 1; seq <= COUNT; seq++) {
        submit_keyed(&s, seq, MS_UNIQUE_JOIN, "k");
    }
    pull(&s, 1, 1);
    result(&s, 1, s.last_token, MS_STATUS_OK, "done");
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_DONE], MS_SWEEP_BURST + 1);
    confirm(&s, 2, 1, 1); /* of the leader, of which nobody has heard yet */
    ck_assert_uint_ge(stats_of(&s).commands[MS_LIFE_DELAYED], 1);
    for (; ms_engine_deadline(s.engine) <= s.now; steps++) {
        tick_at(&s, s.now);
        seen += count_of(&s, MS_KIND_OUTCOME);
    }
    ck_assert_uint_ge(steps, 1);
    ck_assert_uint_gt(seen, 0);
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_DONE], COUNT);
    confirm(&s, 2, 1, COUNT);
    ck_assert_uint_eq(stats_of(&s).commands_count, 0);
    ck_assert_uint_eq(stats_of(&s).bytes_used, 0);
    teardown(&s);
}
END_TEST

/* --- with a store --- */

static void begin_durably(struct script *s, struct shelf *shelf)
{
    setup_durable(s, shelf);
    slave_durably(s, 1, 1);
    client(s, 2, 2);
    for (uint64_t seq = 1; seq <= 3; seq++) {
        submit_keyed(s, seq, MS_UNIQUE_JOIN, "k");
        commit(s);
    }
}

/* The slave is gone, and another one serves. */
static void go_on(struct script *s, uint8_t node)
{
    restart(s);
    run_until(s, s->now + 60 * MS_SEC);
    commit(s);
    slave_durably(s, 1, node);
    client(s, 2, 2);
    commit(s);
}

START_TEST(followers_follow_the_same_after_a_crash)
{
    static struct shelf shelf;
    struct script s;

    begin_durably(&s, &shelf);
    go_on(&s, 3);
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_DELAYED], 2);
    pull(&s, 1, 4);
    ck_assert_uint_eq(count_of(&s, MS_KIND_COMMAND), 1);
    ck_assert_uint_eq(want(&s, MS_KIND_COMMAND)->effect.command.id.seq, 1);
    result(&s, 1, s.last_token, MS_STATUS_OK, "done");
    ck_assert_ptr_null(find(&s, MS_KIND_OUTCOME));
    commit(&s);
    ck_assert_uint_eq(count_of(&s, MS_KIND_OUTCOME), 3);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_SETTLE], 3);
    go_on(&s, 4);
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_DONE], 3);
    confirm(&s, 2, 1, 3);
    commit(&s);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_SETTLE], 0);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_SUBMIT], 0);
    teardown_durable(&s);
}
END_TEST

/* A journal that ends amid the settling: the records of that step are there up to some number. */
START_TEST(a_crash_amid_the_settling_ends_the_same)
{
    for (int lost = 0; lost <= 3; lost++) {
        static struct shelf shelf;
        struct script s;

        begin_durably(&s, &shelf);
        pull(&s, 1, 1);
        result(&s, 1, s.last_token, MS_STATUS_OK, "done");
        struct ms_bytes left = {shelf.written, shelf.written_size};
        struct ms_entry entry;
        int settles = 0;

        while (ms_record_next(&left, &entry)) {
            settles += entry.kind == MS_RECORD_SETTLE;
            if (settles > 3 - lost) {
                break;
            }
            shelf_put(&shelf, &entry);
            shelf.committed = entry.kind == MS_RECORD_ERASE ? shelf.committed : entry.seq;
        }
        go_on(&s, 3);
        pull(&s, 1, 1);
        if (lost < 3) { /* the leader is done */
            ck_assert_ptr_null(find(&s, MS_KIND_COMMAND));
            ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_DONE], 3);
        } else {
            ck_assert_uint_eq(want(&s, MS_KIND_COMMAND)->effect.command.id.seq, 1);
            ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_DELAYED], 2);
        }
        teardown_durable(&s);
    }
}
END_TEST

/* That the new one is there and the old one is not cancelled yet may be all that the disk knows. */
START_TEST(a_replacement_stands_after_a_crash)
{
    for (int settled = 0; settled < 2; settled++) {
        static struct shelf shelf;
        struct script s;

        begin_durably(&s, &shelf);
        submit_keyed(&s, 4, MS_UNIQUE_REPLACE, "k");
        if (settled == 0) {
            struct ms_bytes left = {shelf.written, shelf.written_size};
            struct ms_entry entry;

            ck_assert(ms_record_next(&left, &entry));
            ck_assert_uint_eq(entry.kind, MS_RECORD_SUBMIT);
            shelf_put(&shelf, &entry);
            shelf.committed = entry.seq;
        } else {
            commit(&s);
        }
        go_on(&s, 3);
        settle_down(&s);
        pull(&s, 1, 4);
        ck_assert_uint_eq(count_of(&s, MS_KIND_COMMAND), 1);
        ck_assert_uint_eq(want(&s, MS_KIND_COMMAND)->effect.command.id.seq, 4);
        commit(&s);
        ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_CANCELLED], 3);
        teardown_durable(&s);
    }
}
END_TEST

/* The one that replaced it has come and gone, and it runs still. */
START_TEST(a_replaced_one_has_no_key_after_a_crash)
{
    static struct shelf shelf;
    struct script s;

    begin_durably(&s, &shelf);
    pull(&s, 1, 3);
    submit_keyed(&s, 4, MS_UNIQUE_REPLACE, "k");
    commit(&s);
    result(&s, 1, s.last_token, MS_STATUS_OK, "done");
    commit(&s);
    confirm(&s, 2, 4, 1);
    commit(&s);
    receive(&s, 1, &(struct ms_command){.kind = MS_KIND_GOAWAY});
    submit_keyed(&s, 5, MS_UNIQUE_JOIN, "k");
    commit(&s);
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_READY], 1);
    go_on(&s, 3);
    settle_down(&s);
    pull(&s, 1, 2);
    ck_assert_uint_eq(want(&s, MS_KIND_COMMAND)->effect.command.id.seq, 5);
    teardown_durable(&s);
}
END_TEST

/* It followed one of class mem, whose end was all that told of the replacement: that it is replaced is known when
 * the one that replaced it is over and forgotten, too. */
START_TEST(a_replaced_follower_does_not_come_back)
{
    static struct shelf shelf;
    struct ms_bytes left;
    struct ms_entry entry;
    struct script s;

    begin_durably(&s, &shelf);
    submit_keyed(&s, 4, MS_UNIQUE_REPLACE, "k");
    left = (struct ms_bytes){shelf.written, shelf.written_size};
    ck_assert(ms_record_next(&left, &entry));
    ck_assert_uint_eq(entry.kind, MS_RECORD_SUBMIT);
    shelf_put(&shelf, &entry);
    shelf.committed = entry.seq;
    restart(&s);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_CHANGE], 1);
    client(&s, 2, 2);
    cancel_one(&s, 4);
    commit(&s);
    confirm(&s, 2, 4, 1);
    commit(&s);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_SUBMIT], 3);
    go_on(&s, 3);
    settle_down(&s);
    pull(&s, 1, 4);
    ck_assert_uint_eq(count_of(&s, MS_KIND_COMMAND), 0);
    commit(&s);
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_CANCELLED], 3);
    teardown_durable(&s);
}
END_TEST

START_TEST(a_leader_in_memory_only_is_succeeded)
{
    static struct shelf shelf;
    struct ms_command command = keyed(1, MS_UNIQUE_JOIN, "k");
    struct script s;

    setup_durable(&s, &shelf);
    slave_durably(&s, 1, 1);
    client(&s, 2, 2);
    command.flags = MS_FLAG_DURABILITY;
    receive(&s, 2, &command);
    submit_keyed(&s, 2, MS_UNIQUE_JOIN, "k");
    submit_keyed(&s, 3, MS_UNIQUE_JOIN, "k");
    commit(&s);
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_DELAYED], 2);
    go_on(&s, 3);
    pull(&s, 1, 4);
    ck_assert_uint_eq(count_of(&s, MS_KIND_COMMAND), 1);
    ck_assert_uint_eq(want(&s, MS_KIND_COMMAND)->effect.command.id.seq, 2);
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_DELAYED], 1);
    teardown_durable(&s);
}
END_TEST

static void operate_on(struct script *s, enum ms_operation operation, const char *where)
{
    struct ms_query query = {.what = MS_QUERY_OPERATE, .operation = operation, .value = 3};

    snprintf(query.where, sizeof query.where, "%s", where);
    receive(s, 2, &(struct ms_command){.kind = MS_KIND_QUERY, .count = 1, .body.query = &query});
    settle_down(s);
    commit(s);
}

/* Those that waited for the one in memory are alone after a crash; what came of the first of them is its own. */
START_TEST(a_follower_that_ended_takes_nobody_with_it)
{
    static struct shelf shelf;
    struct ms_command command = keyed(1, MS_UNIQUE_JOIN, "k");
    struct script s;

    setup_durable(&s, &shelf);
    slave_durably(&s, 1, 1);
    client(&s, 2, 2);
    command.flags = MS_FLAG_DURABILITY;
    receive(&s, 2, &command);
    submit_keyed(&s, 2, MS_UNIQUE_JOIN, "k");
    submit_keyed(&s, 3, MS_UNIQUE_JOIN, "k");
    commit(&s);
    operate_on(&s, MS_OPERATION_PRIORITY, "seq=2"); /* so that its submission is read back */
    cancel_one(&s, 2);
    commit(&s);
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_DELAYED], 1);
    go_on(&s, 3);
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_CANCELLED], 1);
    pull(&s, 1, 4);
    ck_assert_uint_eq(want(&s, MS_KIND_COMMAND)->effect.command.id.seq, 3);
    teardown_durable(&s);
}
END_TEST

START_TEST(a_kick_after_the_settling_stands_after_a_crash)
{
    static struct shelf shelf;
    struct ms_command command = keyed(1, MS_UNIQUE_JOIN, "k");
    struct script s;

    setup_durable(&s, &shelf);
    slave_durably(&s, 1, 1);
    client(&s, 2, 2);
    command.flags = MS_FLAG_KEEP;
    receive(&s, 2, &command);
    submit_keyed(&s, 2, MS_UNIQUE_JOIN, "k");
    pull(&s, 1, 1);
    commit(&s);
    result(&s, 1, s.last_token, MS_STATUS_FAIL, "");
    commit(&s);
    confirm(&s, 2, 1, 1);
    commit(&s);
    operate_on(&s, MS_OPERATION_KICK, "seq=1");
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_READY], 1);
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_BURIED], 1);
    go_on(&s, 3);
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_BURIED], 1);
    pull(&s, 1, 1);
    ck_assert_uint_eq(want(&s, MS_KIND_COMMAND)->effect.command.id.seq, 1);
    teardown_durable(&s);
}
END_TEST

/* --- the map --- */

START_TEST(keys_are_told_apart)
{
    struct ms_uniques uniques;
    struct ms_slab slab;
    struct ms_lane lane = {.type = ECHO, .root = &lane};
    struct ms_work works[3] = {0};
    const char *const keys[] = {"a", "b", "c"};

    ms_slab_init(&slab, 1 << 20);
    ms_uniques_init(&uniques, 8, 5);
    for (size_t i = 0; i < 3; i++) {
        const struct ms_terms terms = {.unique_mode = MS_UNIQUE_JOIN,
                                       .unique = ms_bytes_of(keys[i])};

        works[i].lane = &lane;
        ms_list_init(&works[i].link);
        ck_assert(ms_uniques_meet(&uniques, &slab, &works[i], &terms));
    }
    for (size_t i = 0; i < 3; i++) {
        ck_assert_ptr_eq(ms_uniques_find(&uniques, &lane, ms_bytes_of(keys[i]))->leader, &works[i]);
    }
    ck_assert_ptr_null(ms_uniques_find(&uniques, &lane, ms_bytes_of("ab")));
    ck_assert_ptr_null(ms_uniques_find(&uniques, &lane, ms_bytes_of("")));
    ms_unique_release(&uniques, &slab, &works[1]);
    ck_assert_ptr_null(ms_uniques_find(&uniques, &lane, ms_bytes_of("b")));
    ck_assert_ptr_nonnull(ms_uniques_find(&uniques, &lane, ms_bytes_of("a")));
    for (size_t i = 0; i < 3; i++) {
        ms_unique_release(&uniques, &slab, &works[i]);
        ms_slab_give(&slab, works[i].rare, sizeof *works[i].rare);
    }
    ck_assert_uint_eq(ms_map_count(&uniques.by_hash), 0);
    ck_assert_uint_eq(ms_slab_used(&slab), 0);
    ms_uniques_finish(&uniques);
    ms_slab_finish(&slab);
}
END_TEST

TESTS(a_second_one_is_rejected_by_name, keys_of_two_types_do_not_meet, followers_get_the_outcome,
      a_follower_is_cancelled_alone_and_a_crash_changes_nothing, the_older_one_is_replaced,
      many_followers_take_many_steps, followers_follow_the_same_after_a_crash,
      a_crash_amid_the_settling_ends_the_same, a_replacement_stands_after_a_crash,
      a_replaced_follower_does_not_come_back, a_leader_in_memory_only_is_succeeded,
      a_replaced_one_has_no_key_after_a_crash, a_follower_that_ended_takes_nobody_with_it,
      a_kick_after_the_settling_stands_after_a_crash, keys_are_told_apart)
