/* What a half writes of commands in slaves' hands, when they leave, and what whoever takes over makes of it. */
#include "master/recovery.h"

#include "master/output.h"
#include "master_returning.h"

static struct script s;
static struct shelf shelf;
static struct ms_welcome welcome; /* of the slave on 1 */

static void knows(ms_seq seq)
{
    ((struct ms_master *)(void *)s.engine)->journal.known = seq;
}

/* The next tenure of a half. */
static void take_over(bool knows_hands)
{
    shelf.config.is_paired = true;
    shelf.config.knows_hands = knows_hands;
    shelf.config.epoch = s.epoch + 1;
    restart(&s);
}

/* A client on 2 and a slave on 1 with a credit of 1. */
static void set_up(void)
{
    setup_durable(&s, &shelf);
    take_over(false);
    welcome = slave_durably(&s, 1, 1);
    client(&s, 2, 2);
    pull(&s, 1, 1);
}

static void tear_down(void)
{
    teardown_durable(&s);
}

static struct ms_token token_now(void)
{
    return (struct ms_token){s.epoch, s.last_token};
}

START_TEST(each_command_in_hand_is_written_as_long_as_it_is)
{
    set_up();
    submit(&s, 2, 1, "x");
    want(&s, MS_KIND_COMMAND);
    commit(&s);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_HAND], 1);
    result(&s, 1, s.last_token, MS_STATUS_OK, "y");
    commit(&s);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_HAND], 0);
    tear_down();
}
END_TEST

START_TEST(a_single_master_writes_none)
{
    set_up();
    shelf.config.is_paired = false;
    restart(&s);
    come_back_idle(&s, 1, 1, &welcome);
    client(&s, 2, 2);
    pull(&s, 1, 1);
    settle_down(&s);
    submit(&s, 2, 1, "x");
    want(&s, MS_KIND_COMMAND);
    commit(&s);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_HAND], 0);
    tear_down();
}
END_TEST

START_TEST(it_leaves_when_the_other_half_knows)
{
    set_up();
    knows(shelf.seq);
    submit(&s, 2, 1, "x");
    ck_assert_ptr_null(find(&s, MS_KIND_COMMAND));
    commit(&s);
    ck_assert_ptr_null(find(&s, MS_KIND_COMMAND)); /* that it is durable here is not enough */
    ck_assert_int_ne(ms_engine_deadline(s.engine), s.now);
    knows(shelf.seq);
    ck_assert_int_le(ms_engine_deadline(s.engine), s.now);
    tick_at(&s, s.now);
    ck_assert_uint_eq(want(&s, MS_KIND_COMMAND)->effect.peer, 1);
    tear_down();
}
END_TEST

START_TEST(what_has_not_left_is_cancelled_at_once)
{
    set_up();
    knows(0);
    submit(&s, 2, 1, "x");
    receive(&s, 2, &(struct ms_command){.kind = MS_KIND_CANCEL, .id.seq = 1});
    commit(&s);
    ck_assert_int_eq(want(&s, MS_KIND_OUTCOME)->effect.command.status, MS_STATUS_CANCELLED);
    ck_assert_ptr_null(find(&s, MS_KIND_REVOKE));
    knows(UINT64_MAX);
    submit(&s, 2, 2, "x"); /* its slave has the credit again */
    ck_assert_uint_eq(want(&s, MS_KIND_COMMAND)->effect.command.id.seq, 2);
    tear_down();
}
END_TEST

START_TEST(what_has_not_left_by_its_deadline_does_not)
{
    set_up();
    struct ms_command command = submission(1, "x");
    const struct ms_terms terms = {.deadline = s.now + shelf.config.wall_offset + MS_SEC / 2};

    command.terms = &terms;
    knows(0);
    receive(&s, 2, &command);
    commit(&s);
    tick_at(&s, s.now + MS_SEC);
    knows(UINT64_MAX);
    tick_at(&s, s.now);
    ck_assert_ptr_null(find(&s, MS_KIND_COMMAND));
    commit(&s);
    ck_assert_int_eq(want(&s, MS_KIND_OUTCOME)->effect.command.status, MS_STATUS_EXPIRED);
    tear_down();
}
END_TEST

/* One is in the hands of the slave on 1, one waits; a slave on 3 comes to the next master. */
static void lose_master(bool knows_hands)
{
    const struct ms_welcome other = slave_durably(&s, 3, 3);

    submit(&s, 2, 1, "x");
    submit(&s, 2, 2, "x");
    commit(&s);
    take_over(knows_hands);
    ck_assert_uint_eq(stats_of(&s).awaited_count, 2);
    come_back_idle(&s, 3, 3, &other);
    pull(&s, 3, 2);
    settle_down(&s);
}

START_TEST(who_knows_hands_goes_on_with_the_others)
{
    set_up();
    lose_master(true);
    ck_assert_uint_eq(want(&s, MS_KIND_COMMAND)->effect.command.id.seq, 2);
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_LEASED], 2);
    ck_assert_uint_eq(stats_of(&s).awaited_count, 1);
    come_back_idle(&s, 1, 1, &welcome); /* the COMMAND was lost on its way */
    settle_down(&s);
    ck_assert_uint_eq(want(&s, MS_KIND_COMMAND)->effect.command.id.seq, 1);
    ck_assert_uint_eq(want(&s, MS_KIND_COMMAND)->effect.peer, 3);
    tear_down();
}
END_TEST

START_TEST(who_does_not_waits_for_all)
{
    set_up();
    lose_master(false);
    ck_assert_ptr_null(find(&s, MS_KIND_COMMAND));
    ck_assert_uint_eq(stats_of(&s).doubted_count, 1);
    come_back_idle(&s, 1, 1, &welcome);
    settle_down(&s);
    want(&s, MS_KIND_COMMAND);
    tear_down();
}
END_TEST

START_TEST(what_a_dead_slave_had_waits_for_its_death)
{
    set_up();
    lose_master(true);
    const ms_time start = s.now;

    s.count = 0;
    while (find(&s, MS_KIND_COMMAND) == NULL) {
        ck_assert_int_lt(s.now, start + 6 * MS_SEC);
        receive(&s, 3, &(struct ms_command){.kind = MS_KIND_BEAT});
        tick_at(&s, s.now + MS_SEC / 4);
    }
    ck_assert_uint_eq(want(&s, MS_KIND_COMMAND)->effect.command.id.seq, 1);
    ck_assert_int_ge(s.now, start + 3 * MS_SEC);
    ck_assert_uint_eq(work_of(&s, 2, 1)->crashes, 0); /* it may never have got it */
    tear_down();
}
END_TEST

/* As it is when a merge has brought the session: its record is on its way to the disks. */
START_TEST(a_slave_hears_of_nothing_before_its_welcome)
{
    set_up();
    struct ms_hello hello = hello_of(MS_ROLE_SLAVE, 1);

    submit(&s, 2, 1, "x");
    commit(&s);
    const struct held held = held_of(2, 1, token_now(), 1);

    take_over(true);
    client(&s, 2, 2);
    s.master->journal.persisted = 0;
    hello.token = welcome.token;
    hello.epoch = s.epoch - 1;
    open_peer(&s, 1);
    say_hello(&s, 1, &hello);
    receive(&s, 2, &(struct ms_command){.kind = MS_KIND_CANCEL, .id.seq = 1});
    ck_assert_ptr_null(find(&s, MS_KIND_WELCOME));
    ck_assert_ptr_null(find(&s, MS_KIND_REVOKE));
    commit(&s);
    want(&s, MS_KIND_WELCOME);
    receive(&s, 1,
            &(struct ms_command){
                .kind = MS_KIND_ROLL,
                .body.tokens = &(struct ms_tokens){
                    .count = 1, .tokens = &held.token, .holdings = &held.holding, .last = true}});
    want(&s, MS_KIND_REVOKE);
    tear_down();
}
END_TEST

/* Of class mem nobody was told what is in hand: one that is submitted again may be. */
START_TEST(one_that_nobody_wrote_is_doubted)
{
    set_up();
    struct ms_command command = submission(9, "x");
    struct ms_hello hello = hello_of(MS_ROLE_CLIENT, 2);

    lose_master(true);
    s.count = 0;
    hello.epoch = s.epoch - 1;
    greet_durably(&s, 2, &hello);
    command.flags = MS_FLAG_DURABILITY;
    command.durability = MS_DURABILITY_MEM;
    receive(&s, 2, &command);
    settle_down(&s);
    ck_assert_uint_eq(stats_of(&s).doubted_count, 1);
    come_back_idle(&s, 1, 1, &welcome);
    settle_down(&s);
    ck_assert_uint_eq(stats_of(&s).doubted_count, 0);
    tear_down();
}
END_TEST

/* The slave tells of an attempt that is over, while the next one is on its way to it. */
START_TEST(an_attempt_that_is_over_is_not_taken_for_the_next)
{
    set_up();
    struct ms_command command = submission(1, "x");

    command.attempts_max = 3;
    receive(&s, 2, &command);
    const struct held held = held_of(2, 1, token_now(), 1);

    result(&s, 1, s.last_token, MS_STATUS_RETRY, "");
    pull(&s, 1, 1);
    commit(&s);
    tick_at(&s, s.now + MS_SEC);
    commit(&s);
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_LEASED], 1);
    take_over(true);
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_LEASED], 1);
    come_back_with(&s, 1, 1, &welcome, &held);
    ck_assert_uint_eq(want(&s, MS_KIND_VERDICT)->tokens_count, 1);
    pull(&s, 1, 1);
    settle_down(&s);
    ck_assert_uint_eq(want(&s, MS_KIND_COMMAND)->effect.command.attempt, 3);
    tear_down();
}
END_TEST

START_TEST(a_half_is_settled_once_all_have_told)
{
    set_up();
    ck_assert(ms_recovery_is_settled(s.master));
    submit(&s, 2, 1, "x");
    commit(&s);
    take_over(false);
    ck_assert(!ms_recovery_is_settled(s.master));
    come_back_idle(&s, 1, 1, &welcome);
    settle_down(&s);
    ck_assert(ms_recovery_is_settled(s.master));
    tear_down();
}
END_TEST

/* The other half's program is an older one, or a newer one again. */
static void write_hands(bool is_on)
{
    ms_recovery_write_hands(s.master, is_on);
    ck_assert_int_le(ms_engine_deadline(s.engine), s.now);
    tick_at(&s, s.now);
    commit(&s);
}

START_TEST(for_an_older_half_none_is_written)
{
    set_up();
    write_hands(false);
    knows(0);
    submit(&s, 2, 1, "x");
    want(&s, MS_KIND_COMMAND); /* nobody has to know of it */
    commit(&s);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_HAND], 0);
    ck_assert(!ms_recovery_is_settled(s.master));
    tear_down();
}
END_TEST

START_TEST(those_that_it_cannot_read_are_erased)
{
    set_up();
    submit(&s, 2, 1, "x");
    commit(&s);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_HAND], 1);
    const ms_seq before = shelf.seq;

    ck_assert(!ms_recovery_has_hands(s.master, 0));
    ms_recovery_write_hands(s.master, false);
    ck_assert(ms_recovery_has_hands(s.master, UINT64_MAX)); /* they are still there */
    tick_at(&s, s.now);
    commit(&s);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_HAND], 0);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_EPOCH], 1);
    ck_assert(ms_recovery_has_hands(s.master, before));
    ck_assert(!ms_recovery_has_hands(s.master, shelf.seq));
    result(&s, 1, s.last_token, MS_STATUS_OK, "y");
    commit(&s);
    want(&s, MS_KIND_OUTCOME);
    tear_down();
}
END_TEST

START_TEST(what_may_be_started_once_keeps_its_lease)
{
    set_up();
    struct ms_command command = submission(1, "x");

    command.flags = MS_FLAG_ONCE;
    receive(&s, 2, &command);
    commit(&s);
    commit(&s);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_LEASE], 1);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_HAND], 0);
    write_hands(false);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_LEASE], 1);
    tear_down();
}
END_TEST

START_TEST(those_that_were_read_back_are_erased)
{
    set_up();
    submit(&s, 2, 1, "x");
    commit(&s);
    shelf.config.writes_no_hands = true;
    take_over(true);
    tick_at(&s, s.now);
    commit(&s);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_HAND], 0);
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_LEASED], 1);
    shelf.config.writes_no_hands = false;
    tear_down();
}
END_TEST

START_TEST(an_upgraded_half_is_told_of_all_that_is_in_hand)
{
    set_up();
    write_hands(false);
    submit(&s, 2, 1, "x");
    commit(&s);
    ms_recovery_write_hands(s.master, true);
    ck_assert(!ms_recovery_is_settled(s.master));
    tick_at(&s, s.now);
    commit(&s);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_HAND], 1);
    ck_assert(ms_recovery_is_settled(s.master));
    ck_assert(!ms_recovery_has_hands(s.master, 0));
    tear_down();
}
END_TEST

/* Nobody has written who had it: output that was read back is that of its token, not of whoever tells of the same number. */
START_TEST(output_that_is_read_back_is_of_its_token)
{
    set_up();
    write_hands(false);
    const struct ms_welcome other = slave_durably(&s, 3, 3);

    submit(&s, 2, 1, "x");
    const struct ms_token token = token_now();
    struct held held = held_of(2, 1, (struct ms_token){token.epoch, token.n + 1}, 1);

    receive(
        &s, 1,
        &(struct ms_command){.kind = MS_KIND_OUTPUT, .token = token, .payload = ms_bytes_of("a")});
    commit(&s);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_PIECE], 1);
    shelf.config.writes_no_hands = true;
    take_over(false);
    come_back_with(&s, 3, 3, &other, &held);
    ck_assert_uint_eq(work_of(&s, 2, 1)->attempt, 2);
    ck_assert_uint_eq(ms_output_count(work_of(&s, 2, 1)->output), 0);
    shelf.config.writes_no_hands = false;
    tear_down();
}
END_TEST

TESTS(output_that_is_read_back_is_of_its_token, for_an_older_half_none_is_written,
      those_that_it_cannot_read_are_erased, what_may_be_started_once_keeps_its_lease,
      those_that_were_read_back_are_erased, an_upgraded_half_is_told_of_all_that_is_in_hand,
      each_command_in_hand_is_written_as_long_as_it_is, a_single_master_writes_none,
      it_leaves_when_the_other_half_knows, what_has_not_left_is_cancelled_at_once,
      what_has_not_left_by_its_deadline_does_not, who_knows_hands_goes_on_with_the_others,
      who_does_not_waits_for_all, what_a_dead_slave_had_waits_for_its_death,
      a_slave_hears_of_nothing_before_its_welcome, one_that_nobody_wrote_is_doubted,
      an_attempt_that_is_over_is_not_taken_for_the_next, a_half_is_settled_once_all_have_told)
