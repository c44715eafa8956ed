/* A master's start with a store: what it reads back, whom it waits for, and what it then hands out. */
#include "master_returning.h"

static ms_epoch epoch_of(const struct script *s)
{
    return stats_of(s).epoch;
}

/* A client on 2 and a slave on 1 with a credit of 1. */
static struct ms_welcome begin(struct script *s, struct shelf *shelf)
{
    setup_durable(s, shelf);
    const struct ms_welcome welcome = slave_durably(s, 1, 1);

    client(s, 2, 2);
    pull(s, 1, 1);
    return welcome;
}

static struct ms_token token_now(const struct script *s)
{
    return (struct ms_token){s->epoch, s->last_token};
}

static void submit_with(struct script *s, uint64_t seq, uint8_t flags, uint32_t attempts_max,
                        ms_time delay)
{
    struct ms_command command = submission(seq, "x");

    command.flags = flags;
    command.attempts_max = attempts_max;
    command.delay = delay;
    receive(s, 2, &command);
}

START_TEST(the_epoch_rises_with_every_start)
{
    struct script s;
    struct shelf shelf;

    setup_durable(&s, &shelf);
    ck_assert_uint_eq(epoch_of(&s), EPOCH);
    restart(&s);
    ck_assert_uint_eq(epoch_of(&s), EPOCH + 1);
    restart(&s);
    ck_assert_uint_eq(epoch_of(&s), EPOCH + 2);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_EPOCH], 1);
    shelf.config.epoch = 1000;
    restart(&s);
    ck_assert_uint_eq(epoch_of(&s), 1000);
    shelf.config.epoch = 1;
    restart(&s);
    ck_assert_uint_eq(epoch_of(&s), 1001);
    teardown_durable(&s);
}
END_TEST

static bool is_ready_told(const struct script *s)
{
    for (size_t i = 0; i < s->count; i++) {
        if (s->sent[i].effect.type == MS_EFFECT_READY) {
            return true;
        }
    }
    return false;
}

START_TEST(it_serves_when_its_epoch_is_durable)
{
    struct script s;
    struct shelf shelf;

    setup_durable(&s, &shelf);
    crash(&s);
    create_master(&s);
    ck_assert_int_eq(ms_engine_deadline(s.engine), MS_TIME_NEVER);
    replay_all(&s);
    ck_assert(!is_ready_told(&s) && !stats_of(&s).is_ready);
    commit(&s);
    ck_assert(is_ready_told(&s) && stats_of(&s).is_ready);
    teardown_durable(&s);
}
END_TEST

START_TEST(a_crash_before_that_changes_nothing)
{
    struct script s;
    struct shelf shelf;

    begin(&s, &shelf);
    submit(&s, 2, 1, "x");
    commit(&s);
    for (int i = 0; i < 3; i++) {
        crash(&s);
        create_master(&s);
        replay_all(&s);
        ck_assert_uint_eq(stats_of(&s).commands_count, 1);
        s.epoch--; /* nobody ever heard of it */
    }
    restart(&s);
    ck_assert_uint_eq(stats_of(&s).commands_count, 1);
    teardown_durable(&s);
}
END_TEST

START_TEST(every_recorded_slave_is_waited_for)
{
    struct script s;
    struct shelf shelf;
    struct ms_welcome first, second;

    first = begin(&s, &shelf);
    second = slave_durably(&s, 3, 3);
    receive(&s, 1, &(struct ms_command){.kind = MS_KIND_GOAWAY});
    submit(&s, 2, 1, "x");
    commit(&s);
    restart(&s);
    ck_assert_uint_eq(stats_of(&s).awaited_count, 2);
    ck_assert_uint_eq(stats_of(&s).doubted_count, 1);
    come_back_idle(&s, 1, 1, &first);
    pull(&s, 1, 1);
    settle_down(&s);
    ck_assert_ptr_null(find(&s, MS_KIND_COMMAND));
    come_back_idle(&s, 3, 3, &second);
    settle_down(&s);
    ck_assert_uint_eq(want(&s, MS_KIND_COMMAND)->effect.peer, 1);
    ck_assert_uint_eq(stats_of(&s).awaited_count, 0);
    ck_assert_uint_eq(stats_of(&s).doubted_count, 0);
    teardown_durable(&s);
}
END_TEST

START_TEST(but_no_longer_than_it_takes_to_be_dead)
{
    struct script s;
    struct shelf shelf;

    begin(&s, &shelf);
    slave_durably(&s, 3, 3);
    close_peer(&s, 1);
    submit(&s, 2, 1, "x");
    commit(&s);
    restart(&s);
    const struct ms_hello fresh = hello_of(MS_ROLE_SLAVE, 4);

    greet_durably(&s, 4, &fresh); /* a new process holds nothing, and waits with the others */
    announce(&s, 4, ECHO, "echo");
    pull(&s, 4, 1);
    ck_assert_ptr_null(find(&s, MS_KIND_COMMAND));
    const ms_time start = s.now;

    while (find(&s, MS_KIND_COMMAND) == NULL) {
        ck_assert_int_lt(s.now, start + 6 * MS_SEC);
        receive(&s, 4, &(struct ms_command){.kind = MS_KIND_BEAT});
        tick_at(&s, s.now + MS_SEC / 4);
    }
    ck_assert_int_ge(s.now, start + 3 * MS_SEC);
    commit(&s);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_SESSION], 1);
    teardown_durable(&s);
}
END_TEST

START_TEST(what_a_slave_holds_is_its_own_again)
{
    struct script s;
    struct shelf shelf;
    const struct ms_welcome welcome = begin(&s, &shelf);

    submit(&s, 2, 1, "x");
    commit(&s);
    const struct held held = held_of(2, 1, token_now(&s), 1);

    restart(&s);
    come_back_with(&s, 1, 1, &welcome, &held);
    ck_assert_uint_eq(want(&s, MS_KIND_VERDICT)->tokens_count, 0);
    pull(&s, 1, 1);
    settle_down(&s);
    ck_assert_ptr_null(find(&s, MS_KIND_COMMAND));
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_LEASED], 1);
    client(&s, 2, 2);
    result_of(&s, 1, held.token, MS_STATUS_OK, "y");
    commit(&s);
    ck_assert_str_eq(want(&s, MS_KIND_OUTCOME)->payload, "y");
    ck_assert_uint_eq(want(&s, MS_KIND_RESULT_ACK)->effect.command.token.epoch, held.token.epoch);
    teardown_durable(&s);
}
END_TEST

START_TEST(of_two_claimants_the_later_attempt_stands)
{
    for (int i = 0; i < 2; i++) {
        struct script s;
        struct shelf shelf;
        struct ms_welcome welcomes[2];

        welcomes[0] = begin(&s, &shelf);
        welcomes[1] = slave_durably(&s, 3, 3);
        submit(&s, 2, 1, "x");
        commit(&s);
        const struct held held[2] = {
            held_of(2, 1, (struct ms_token){EPOCH - 1, 5 + (uint64_t)i}, 1),
            held_of(2, 1, (struct ms_token){EPOCH - 1, 6 - (uint64_t)i}, 2)};

        restart(&s);
        come_back_with(&s, 1, 1, &welcomes[0], &held[0]);
        ck_assert_uint_eq(want(&s, MS_KIND_VERDICT)->tokens_count, 0);
        come_back_with(&s, 3, 3, &welcomes[1], &held[1]);
        if (i == 0) {
            ck_assert_uint_eq(want(&s, MS_KIND_REVOKE)->effect.peer, 1);
            ck_assert_uint_eq(token_of(want(&s, MS_KIND_REVOKE)), 5);
            ck_assert_uint_eq(want(&s, MS_KIND_VERDICT)->tokens_count, 0);
        } else {
            ck_assert_ptr_null(find(&s, MS_KIND_REVOKE));
            ck_assert_uint_eq(want(&s, MS_KIND_VERDICT)->tokens_count, 1);
        }
        settle_down(&s);
        ck_assert_uint_eq(work_of(&s, 2, 1)->token, 6);
        ck_assert_uint_eq(work_of(&s, 2, 1)->attempt, i == 0 ? 2 : 1);
        teardown_durable(&s);
    }
}
END_TEST

START_TEST(an_attempt_that_is_over_is_not_taken_back)
{
    struct script s;
    struct shelf shelf;
    const struct ms_welcome welcome = begin(&s, &shelf);

    submit_with(&s, 1, 0, 3, 0);
    const struct held held = held_of(2, 1, token_now(&s), 1);

    result(&s, 1, s.last_token, MS_STATUS_RETRY, "");
    commit(&s);
    restart(&s);
    come_back_with(&s, 1, 1, &welcome, &held);
    ck_assert_uint_eq(want(&s, MS_KIND_VERDICT)->tokens_count, 1);
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_LEASED], 0);
    teardown_durable(&s);
}
END_TEST

START_TEST(what_has_its_outcome_is_not_taken_back)
{
    struct script s;
    struct shelf shelf;
    const struct ms_welcome welcome = begin(&s, &shelf);

    submit(&s, 2, 1, "x");
    const struct held held = held_of(2, 1, token_now(&s), 1);

    result(&s, 1, s.last_token, MS_STATUS_OK, "y");
    commit(&s);
    restart(&s);
    come_back_with(&s, 1, 1, &welcome, &held);
    ck_assert_uint_eq(want(&s, MS_KIND_VERDICT)->tokens_count, 1);
    client(&s, 2, 2);
    settle_down(&s);
    submit(&s, 2, 1, "x");
    ck_assert_str_eq(want(&s, MS_KIND_OUTCOME)->payload, "y");
    teardown_durable(&s);
}
END_TEST

START_TEST(an_outcome_is_told_by_the_next_master)
{
    struct script s;
    struct shelf shelf;

    begin(&s, &shelf);
    submit(&s, 2, 1, "x");
    receive(&s, 1,
            &(struct ms_command){.kind = MS_KIND_RESULT,
                                 .status = MS_STATUS_FAIL,
                                 .code = 3,
                                 .token = {s.epoch, s.last_token},
                                 .detail = ms_bytes_of("because"),
                                 .payload = ms_bytes_of("y")});
    commit(&s);
    restart(&s);
    client(&s, 2, 2);
    settle_down(&s);
    if (find(&s, MS_KIND_OUTCOME) == NULL) {
        submit(&s, 2, 1, "x"); /* as the client does */
    }
    const struct sent *outcome = want(&s, MS_KIND_OUTCOME);

    ck_assert_uint_eq(outcome->effect.command.status, MS_STATUS_FAIL);
    ck_assert_int_eq(outcome->effect.command.code, 3);
    ck_assert_str_eq(outcome->detail, "because");
    ck_assert_str_eq(outcome->payload, "y");
    confirm(&s, 2, 1, 1);
    commit(&s);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_SETTLE], 0);
    teardown_durable(&s);
}
END_TEST

START_TEST(counts_of_attempts_survive)
{
    struct script s;
    struct shelf shelf;
    struct ms_welcome welcome = begin(&s, &shelf);

    submit_with(&s, 1, 0, 3, 0);
    for (uint32_t failures = 1; failures <= 2; failures++) {
        result(&s, 1, s.last_token, MS_STATUS_RETRY, "");
        commit(&s);
        restart(&s);
        ck_assert_uint_eq(work_of(&s, 2, 1)->failures, failures);
        ck_assert_uint_eq(work_of(&s, 2, 1)->attempt, failures);
        ck_assert_uint_eq(shelf.counts[MS_RECORD_RETRY], failures);
        come_back_idle(&s, 1, 1, &welcome);
        pull(&s, 1, 1);
        run_until(&s, s.now + MS_SEC / 2);
        ck_assert_uint_eq(want(&s, MS_KIND_COMMAND)->effect.command.attempt, failures + 1);
    }
    client(&s, 2, 2);
    result(&s, 1, s.last_token, MS_STATUS_RETRY, "");
    commit(&s);
    ck_assert_uint_eq(want(&s, MS_KIND_OUTCOME)->effect.command.status, MS_STATUS_FAIL);
    ck_assert_uint_eq(want(&s, MS_KIND_OUTCOME)->effect.command.attempt, 3);
    confirm(&s, 2, 1, 1);
    commit(&s);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_RETRY] + shelf.counts[MS_RECORD_SUBMIT], 0);
    teardown_durable(&s);
}
END_TEST

START_TEST(crashes_are_counted_over_restarts)
{
    struct script s;
    struct shelf shelf;

    setup_durable(&s, &shelf);
    shelf.config.crashes_max = 1;
    restart(&s);
    client(&s, 2, 2);
    for (uint32_t crashes = 1; crashes <= 2; crashes++) {
        slave_durably(&s, 1, (uint8_t)(10 + crashes));
        pull(&s, 1, 1);
        if (crashes == 1) {
            submit_with(&s, 1, 0, 1, 0);
        }
        settle_down(&s);
        ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_LEASED], 1);
        close_peer(&s, 1);
        run_until(&s, s.now + 6 * MS_SEC); /* the session dies with it */
        commit(&s);
        restart(&s);
        ck_assert_uint_eq(work_of(&s, 2, 1)->crashes, crashes);
    }
    ck_assert_uint_eq(work_of(&s, 2, 1)->state, MS_LIFE_BURIED);
    ck_assert_uint_eq(work_of(&s, 2, 1)->status, MS_STATUS_CRASHED);
    teardown_durable(&s);
}
END_TEST

/* What is left of a delay of 100 s, when a master comes that sees the wall clock moved that far. */
static ms_time left_after(ms_time moved)
{
    struct script s;
    struct shelf shelf;

    begin(&s, &shelf);
    submit_with(&s, 1, 0, 0, 100 * MS_SEC);
    commit(&s);
    shelf.config.wall_offset += moved;
    restart(&s);
    const ms_time due = ms_queue_deadline(&s.master->queue);
    const ms_time left = due != MS_TIME_NEVER ? due - s.now : 0;

    ck_assert((left > 0) == (work_of(&s, 2, 1)->state == MS_LIFE_DELAYED));

    teardown_durable(&s);
    return left;
}

START_TEST(a_delay_is_one_of_the_wall_clock)
{
    ck_assert_int_eq(left_after(0), 100 * MS_SEC);
    ck_assert_int_eq(left_after(60 * MS_SEC), 40 * MS_SEC);
    ck_assert_int_eq(left_after(100 * MS_SEC), 0);
    ck_assert_int_eq(left_after(3600 * MS_SEC), 0);
    ck_assert_int_eq(left_after(-3600 * MS_SEC),
                     100 * MS_SEC); /* set back: not longer than meant */
}
END_TEST

START_TEST(once_leaves_when_that_is_durable)
{
    struct script s;
    struct shelf shelf;

    begin(&s, &shelf);
    submit_with(&s, 1, MS_FLAG_ONCE, 1, 0);
    ck_assert_ptr_null(find(&s, MS_KIND_COMMAND));
    commit(&s);
    want(&s, MS_KIND_COMMAND);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_LEASE], 1);
    result(&s, 1, s.last_token, MS_STATUS_RETRY, "");
    commit(&s);
    ck_assert_uint_eq(want(&s, MS_KIND_OUTCOME)->effect.command.status, MS_STATUS_FAIL);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_LEASE], 0);
    teardown_durable(&s);
}
END_TEST

START_TEST(once_goes_on_when_its_slave_is_back)
{
    struct script s;
    struct shelf shelf;
    const struct ms_welcome welcome = begin(&s, &shelf);

    submit_with(&s, 1, MS_FLAG_ONCE, 1, 0);
    commit(&s);
    const struct held held = held_of(2, 1, token_now(&s), 1);

    restart(&s);
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_LEASED], 1); /* nobody else can have it */
    come_back_with(&s, 1, 1, &welcome, &held);
    ck_assert_uint_eq(want(&s, MS_KIND_VERDICT)->tokens_count, 0);
    settle_down(&s);
    client(&s, 2, 2);
    result_of(&s, 1, held.token, MS_STATUS_OK, "y");
    commit(&s);
    ck_assert_uint_eq(want(&s, MS_KIND_OUTCOME)->effect.command.status, MS_STATUS_OK);
    teardown_durable(&s);
}
END_TEST

START_TEST(once_is_lost_with_its_slave)
{
    struct script s;
    struct shelf shelf;

    begin(&s, &shelf);
    submit_with(&s, 1, MS_FLAG_ONCE, 1, 0);
    commit(&s);
    restart(&s);
    client(&s, 2, 2);
    run_until(&s, s.now + 2 * MS_SEC);
    ck_assert_ptr_null(find(&s, MS_KIND_OUTCOME));
    run_until(&s, s.now + 4 * MS_SEC);
    commit(&s);
    ck_assert_uint_eq(work_of(&s, 2, 1)->state, MS_LIFE_BURIED);
    ck_assert_uint_eq(work_of(&s, 2, 1)->status, MS_STATUS_LOST);
    teardown_durable(&s);
}
END_TEST

START_TEST(once_whose_slave_said_goodbye_is_lost_at_the_start)
{
    struct script s;
    struct shelf shelf;

    begin(&s, &shelf);
    submit_with(&s, 1, MS_FLAG_ONCE, 1, 0);
    commit(&s);
    /* Its session ended, and the master did too before it could say so of the command. */
    for (size_t i = 0; i < SHELF_MAX; i++) {
        if (shelf.entries[i].data != NULL && shelf.entries[i].data[16] == MS_RECORD_SESSION) {
            free((void *)(uintptr_t)shelf.entries[i].data);
            shelf.entries[i] = (struct ms_bytes){0};
        }
    }
    restart(&s);
    settle_down(&s);
    commit(&s);
    ck_assert_uint_eq(work_of(&s, 2, 1)->state, MS_LIFE_BURIED);
    ck_assert_uint_eq(work_of(&s, 2, 1)->status, MS_STATUS_LOST);
    teardown_durable(&s);
}
END_TEST

/* The cancellation of a running command was confirmed, and the master is killed. */
static struct held cancel_and_crash(struct script *s)
{
    submit(s, 2, 1, "x");
    commit(s);
    const struct held held = held_of(2, 1, token_now(s), 1);

    receive(s, 2, &(struct ms_command){.kind = MS_KIND_CANCEL, .id.seq = 1});
    commit(s);
    want(s, MS_KIND_CANCEL_ACK);
    restart(s);
    client(s, 2, 2);
    ck_assert(work_of(s, 2, 1)->is_cancel_asked);
    return held;
}

START_TEST(a_confirmed_cancellation_survives)
{
    struct script s;
    struct shelf shelf;
    const struct ms_welcome welcome = begin(&s, &shelf);
    const struct held held = cancel_and_crash(&s);

    come_back_with(&s, 1, 1, &welcome, &held);
    /* It stops, but what it has it keeps until the end of the command is durable. */
    want(&s, MS_KIND_REVOKE);
    ck_assert_uint_eq(want(&s, MS_KIND_VERDICT)->tokens_count, 0);
    commit(&s);
    ck_assert_uint_eq(want(&s, MS_KIND_OUTCOME)->effect.command.status, MS_STATUS_CANCELLED);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_SETTLE], 1);
    confirm(&s, 2, 1, 1);
    commit(&s);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_CHANGE], 0);
    teardown_durable(&s);
}
END_TEST

START_TEST(it_is_not_handed_out_again_either)
{
    struct script s;
    struct shelf shelf;
    const struct ms_welcome welcome = begin(&s, &shelf);

    cancel_and_crash(&s);
    come_back_idle(&s, 1, 1, &welcome);
    pull(&s, 1, 1);
    settle_down(&s);
    ck_assert_ptr_null(find(&s, MS_KIND_COMMAND));
    commit(&s);
    ck_assert_uint_eq(want(&s, MS_KIND_OUTCOME)->effect.command.status, MS_STATUS_CANCELLED);
    teardown_durable(&s);
}
END_TEST

static void write_piece(struct script *s, struct ms_token token, uint32_t index, const char *text)
{
    receive(
        s, 1,
        &(struct ms_command){
            .kind = MS_KIND_OUTPUT, .token = token, .index = index, .payload = ms_bytes_of(text)});
}

START_TEST(pieces_of_output_survive)
{
    struct script s;
    struct shelf shelf;
    const struct ms_welcome welcome = begin(&s, &shelf);

    submit_with(&s, 1, MS_FLAG_STREAM, 1, 0);
    const struct held held = held_of(2, 1, token_now(&s), 1);

    write_piece(&s, held.token, 0, "one");
    write_piece(&s, held.token, 1, "two");
    commit(&s);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_PIECE], 2);
    restart(&s);
    client(&s, 2, 2);
    come_back_with(&s, 1, 1, &welcome, &held);
    settle_down(&s);
    write_piece(&s, held.token, 0, "one"); /* a resumed slave tells all again */
    write_piece(&s, held.token, 1, "two");
    write_piece(&s, held.token, 2, "three");
    result_of(&s, 1, held.token, MS_STATUS_OK, "");
    commit(&s);
    ck_assert_uint_eq(want(&s, MS_KIND_OUTCOME)->effect.command.index, 3);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_PIECE], 3);
    confirm(&s, 2, 1, 1);
    commit(&s);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_PIECE], 0);
    teardown_durable(&s);
}
END_TEST

START_TEST(pieces_of_another_attempt_are_void)
{
    struct script s;
    struct shelf shelf;
    const struct ms_welcome welcome = begin(&s, &shelf);

    submit_with(&s, 1, MS_FLAG_STREAM, 1, 0);
    write_piece(&s, token_now(&s), 0, "one");
    commit(&s);
    restart(&s);
    come_back_idle(&s, 1, 1, &welcome);
    pull(&s, 1, 1);
    settle_down(&s);
    want(&s, MS_KIND_COMMAND);
    commit(&s);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_PIECE], 0);
    teardown_durable(&s);
}
END_TEST

TESTS(the_epoch_rises_with_every_start, it_serves_when_its_epoch_is_durable,
      a_crash_before_that_changes_nothing, every_recorded_slave_is_waited_for,
      but_no_longer_than_it_takes_to_be_dead, what_a_slave_holds_is_its_own_again,
      of_two_claimants_the_later_attempt_stands, an_attempt_that_is_over_is_not_taken_back,
      what_has_its_outcome_is_not_taken_back, an_outcome_is_told_by_the_next_master,
      counts_of_attempts_survive, crashes_are_counted_over_restarts,
      a_delay_is_one_of_the_wall_clock, once_leaves_when_that_is_durable,
      once_goes_on_when_its_slave_is_back, once_is_lost_with_its_slave,
      once_whose_slave_said_goodbye_is_lost_at_the_start, a_confirmed_cancellation_survives,
      it_is_not_handed_out_again_either, pieces_of_output_survive,
      pieces_of_another_attempt_are_void)
