/* What clients do: submit, with every refusal; cancel; come and go. */
#include "master_frames.h"

static void refuse(struct script *s, const struct ms_command *command, enum ms_error error)
{
    receive(s, 2, command);
    struct sent *nak = want(s, MS_KIND_SUBMIT_NAK);

    ck_assert_str_eq(ms_error_name((enum ms_error)nak->effect.command.error), ms_error_name(error));
    ck_assert_uint_eq(nak->effect.command.id.seq, command->id.seq);
    ck_assert_str_ne(nak->detail, "");
    ck_assert_ptr_null(find(s, MS_KIND_SUBMIT_ACK));
}

static void begin(struct script *s)
{
    setup(s);
    slave(s, 1, 1);
    client(s, 2, 2);
}

START_TEST(odd_submissions_are_refused)
{
    static uint8_t bytes[MS_PAYLOAD_MAX_DEFAULT + 1];
    struct script s;
    struct ms_command command;

    begin(&s);
    command = submission(0, "x");
    refuse(&s, &command, MS_E_BAD_ARGUMENT);
    command = submission(1, "x");
    command.type = OTHER;
    refuse(&s, &command, MS_E_RETRY_LATER); /* a new master gives slaves time to come back */
    s.now += MS_TYPES_GRACE_TICKS * MS_TICK_DEFAULT;
    refuse(&s, &command, MS_E_UNKNOWN_TYPE);
    command = submission(1, "x");
    command.payload = (struct ms_bytes){bytes, sizeof bytes};
    refuse(&s, &command, MS_E_PAYLOAD_SIZE);
    command = submission(1, "x");
    command.attempts_max = MS_ATTEMPTS_MAX + 1;
    refuse(&s, &command, MS_E_BAD_ARGUMENT);
    command = submission(1, "x");
    command.delay = -1;
    refuse(&s, &command, MS_E_BAD_ARGUMENT);
    command = submission(1, "x");
    command.timeout = INT64_MAX;
    refuse(&s, &command, MS_E_BAD_ARGUMENT);
    command = submission(1, "x");
    command.durability = MS_DURABILITY_STRICT;
    refuse(&s, &command, MS_E_DURABILITY);
    command.durability = MS_DURABILITY_LOCAL; /* it has no store */
    refuse(&s, &command, MS_E_DURABILITY);
    ck_assert_uint_eq(stats_of(&s).refused_total, 9);
    ck_assert_uint_eq(stats_of(&s).commands_count, 0);
    command.durability = MS_DURABILITY_MEM;
    receive(&s, 2, &command);
    ck_assert_uint_eq(want(&s, MS_KIND_SUBMIT_ACK)->effect.command.durability, MS_DURABILITY_MEM);
    teardown(&s);
}
END_TEST

START_TEST(a_full_queue_says_when_to_come_back)
{
    static uint8_t bytes[1u << 20];
    struct script s;
    struct ms_command command;

    setup_with(&s, &(struct ms_master_config){
                       .epoch = EPOCH, .limits = {.commands_max = 3, .bytes_max = 3u << 19}});
    slave(&s, 1, 1);
    client(&s, 2, 2);
    command = submission(1, "");
    command.payload = (struct ms_bytes){bytes, sizeof bytes};
    receive(&s, 2, &command);
    want(&s, MS_KIND_SUBMIT_ACK);
    command.id.seq = 2;
    refuse(&s, &command, MS_E_RETRY_LATER);
    ck_assert_int_eq(want(&s, MS_KIND_SUBMIT_NAK)->effect.command.delay, MS_RETRY_LATER_DELAY);
    submit(&s, 2, 2, "");
    submit(&s, 2, 3, "");
    command = submission(4, "");
    refuse(&s, &command, MS_E_RETRY_LATER);
    ms_master_reconfigure(
        s.master, &(struct ms_master_config){.epoch = EPOCH, .limits = {.commands_max = 4}});
    submit(&s, 2, 4, "");
    want(&s, MS_KIND_SUBMIT_ACK);
    teardown(&s);
}
END_TEST

START_TEST(a_resubmission_is_recognised)
{
    struct script s;

    begin(&s);
    submit(&s, 2, 1, "x");
    submit(&s, 2, 1, "x");
    want(&s, MS_KIND_SUBMIT_ACK);
    ck_assert_uint_eq(stats_of(&s).commands_count, 1);
    pull(&s, 1, 1);
    result(&s, 1, token_of(want(&s, MS_KIND_COMMAND)), MS_STATUS_OK, "y");
    submit(&s, 2, 1, "x");
    want(&s, MS_KIND_SUBMIT_ACK);
    ck_assert_str_eq(want(&s, MS_KIND_OUTCOME)->payload, "y");
    ck_assert_uint_eq(stats_of(&s).submitted_total, 1);
    teardown(&s);
}
END_TEST

START_TEST(the_floor_closes_what_is_below)
{
    struct script s;
    struct ms_hello hello = hello_of(MS_ROLE_CLIENT, 2);

    begin(&s);
    submit(&s, 2, 1, "x");
    pull(&s, 1, 1);
    uint64_t token = token_of(want(&s, MS_KIND_COMMAND));
    close_peer(&s, 2);
    hello.floor = 10;
    greet(&s, 3, &hello);
    result(&s, 1, token, MS_STATUS_OK, "nobody waits");
    ck_assert_ptr_null(find(&s, MS_KIND_OUTCOME));
    ck_assert_uint_eq(stats_of(&s).commands_count, 0);
    submit(&s, 3, 10, "x");
    ck_assert_uint_eq(want(&s, MS_KIND_SUBMIT_NAK)->effect.command.error, MS_E_CLOSED_ID);
    submit(&s, 3, 11, "x");
    want(&s, MS_KIND_SUBMIT_ACK);
    teardown(&s);
}
END_TEST

START_TEST(cancelling_what_waits)
{
    struct script s;
    struct ms_command delayed = submission(2, "x");

    begin(&s);
    submit(&s, 2, 1, "x");
    delayed.delay = MS_SEC;
    receive(&s, 2, &delayed);
    for (uint64_t seq = 1; seq <= 2; seq++) {
        receive(&s, 2, &(struct ms_command){.kind = MS_KIND_CANCEL, .id.seq = seq});
        ck_assert_uint_eq(want(&s, MS_KIND_CANCEL_ACK)->effect.command.flags, 0);
        ck_assert_uint_eq(want(&s, MS_KIND_CANCEL_ACK)->effect.command.error, MS_E_OK);
        struct sent *outcome = want(&s, MS_KIND_OUTCOME);
        ck_assert_uint_eq(outcome->effect.command.status, MS_STATUS_CANCELLED);
        ck_assert_uint_eq(outcome->effect.command.attempt, 0);
    }
    receive(&s, 2, &(struct ms_command){.kind = MS_KIND_CANCEL, .id.seq = 9});
    ck_assert_uint_eq(want(&s, MS_KIND_CANCEL_ACK)->effect.command.error, MS_E_NOT_FOUND);
    pull(&s, 1, 5);
    ck_assert_ptr_null(find(&s, MS_KIND_COMMAND));
    teardown(&s);
}
END_TEST

START_TEST(cancelling_what_runs)
{
    struct script s;

    begin(&s);
    pull(&s, 1, 3);
    for (uint64_t seq = 1; seq <= 3; seq++) {
        static const enum ms_status told[] = {MS_STATUS_CANCELLED, MS_STATUS_OK, MS_STATUS_RETRY};

        submit(&s, 2, seq, "x");
        uint64_t token = token_of(want(&s, MS_KIND_COMMAND));
        receive(&s, 2, &(struct ms_command){.kind = MS_KIND_CANCEL, .id.seq = seq});
        ck_assert_uint_eq(want(&s, MS_KIND_CANCEL_ACK)->effect.command.flags, MS_FLAG_STARTED);
        ck_assert_uint_eq(token_of(want(&s, MS_KIND_REVOKE)), token);
        ck_assert_uint_eq(want(&s, MS_KIND_REVOKE)->effect.peer, 1);
        ck_assert_ptr_null(find(&s, MS_KIND_OUTCOME));
        result(&s, 1, token, told[seq - 1], "");
        ck_assert_uint_eq(want(&s, MS_KIND_OUTCOME)->effect.command.status, MS_STATUS_CANCELLED);
    }
    teardown(&s);
}
END_TEST

START_TEST(a_cancelled_command_is_not_retried_when_its_slave_dies)
{
    struct script s;

    begin(&s);
    pull(&s, 1, 1);
    submit(&s, 2, 1, "x");
    receive(&s, 2, &(struct ms_command){.kind = MS_KIND_CANCEL, .id.seq = 1});
    receive(&s, 1, &(struct ms_command){.kind = MS_KIND_BYE});
    settle_down(&s);
    ck_assert_uint_eq(want(&s, MS_KIND_OUTCOME)->effect.command.status, MS_STATUS_CANCELLED);
    teardown(&s);
}
END_TEST

START_TEST(background_leaves_no_trace)
{
    struct script s;
    struct ms_command command = submission(1, "x");

    begin(&s);
    pull(&s, 1, 1);
    command.flags = MS_FLAG_BACKGROUND;
    receive(&s, 2, &command);
    result(&s, 1, token_of(want(&s, MS_KIND_COMMAND)), MS_STATUS_OK, "y");
    ck_assert_ptr_null(find(&s, MS_KIND_OUTCOME));
    ck_assert_uint_eq(stats_of(&s).commands_count, 0);
    receive(&s, 2, &command);
    ck_assert_uint_eq(want(&s, MS_KIND_SUBMIT_NAK)->effect.command.error, MS_E_CLOSED_ID);
    teardown(&s);
}
END_TEST

/* Ticks until the client that says nothing is dead; the slave beats. */
static void let_client_die(struct script *s)
{
    for (int i = 0; i < 4; i++) {
        receive(s, 1, &(struct ms_command){.kind = MS_KIND_BEAT});
        tick_at(s, s->now + MS_TICK_DEFAULT);
    }
    want_refusal(s, 2, MS_E_SESSION_DEAD);
    settle_down(s);
}

/* Time passes without the client; the slave beats. */
static void let_time_pass(struct script *s, ms_time length)
{
    for (ms_time end = s->now + length; s->now < end;) {
        receive(s, 1, &(struct ms_command){.kind = MS_KIND_BEAT});
        tick_at(s, s->now + MS_TICK_DEFAULT);
    }
    settle_down(s);
}

START_TEST(a_silent_client_finds_its_outcomes_when_it_is_back)
{
    struct script s;

    begin(&s);
    submit(&s, 2, 1, "done before");
    submit(&s, 2, 2, "runs");
    pull(&s, 1, 2);
    uint64_t token = token_of(find_nth(&s, MS_KIND_COMMAND, 1));
    result(&s, 1, token_of(find_nth(&s, MS_KIND_COMMAND, 0)), MS_STATUS_OK, "first");
    let_client_die(&s);
    result(&s, 1, token, MS_STATUS_OK, "second");
    ck_assert_ptr_null(find(&s, MS_KIND_OUTCOME));
    ck_assert_uint_eq(stats_of(&s).commands_count, 2);
    let_time_pass(&s, MS_CLIENT_KEEP_DEFAULT / 2);
    ck_assert(!client(&s, 5, 2).resumed);
    settle_down(&s);
    submit(&s, 5, 2, "runs");
    ck_assert_uint_eq(stats_of(&s).dispatched_total, 2); /* nothing ran again */
    receive(&s, 5, &(struct ms_command){.kind = MS_KIND_OUTCOME_ACK, .id.seq = 1, .count = 2});
    ck_assert_uint_eq(stats_of(&s).commands_count, 0);
    teardown(&s);
}
END_TEST

START_TEST(a_client_away_too_long_gets_nothing_but_its_work_goes_on)
{
    struct script s;

    begin(&s);
    submit(&s, 2, 1, "done before");
    submit(&s, 2, 2, "runs");
    submit(&s, 2, 3, "waits");
    pull(&s, 1, 2);
    uint64_t token = token_of(find_nth(&s, MS_KIND_COMMAND, 1));
    result(&s, 1, token_of(find_nth(&s, MS_KIND_COMMAND, 0)), MS_STATUS_OK, "y");
    let_client_die(&s);
    ck_assert_uint_eq(stats_of(&s).commands_count, 3);
    let_time_pass(&s, MS_CLIENT_KEEP_DEFAULT);
    ck_assert_uint_eq(stats_of(&s).commands_count, 2);
    ck_assert_uint_eq(stats_of(&s).client_records_count, 1);
    result(&s, 1, token, MS_STATUS_OK, "y");
    ck_assert_ptr_null(find(&s, MS_KIND_OUTCOME));
    pull(&s, 1, 1);
    result(&s, 1, token_of(want(&s, MS_KIND_COMMAND)), MS_STATUS_OK, "y");
    ck_assert_uint_eq(stats_of(&s).commands_count, 0);
    ck_assert_uint_eq(stats_of(&s).client_records_count, 0);
    ck_assert_uint_eq(stats_of(&s).bytes_used, 0);
    teardown(&s);
}
END_TEST

START_TEST(a_client_back_from_the_dead_finds_what_still_runs)
{
    struct script s;

    begin(&s);
    submit(&s, 2, 1, "runs");
    pull(&s, 1, 1);
    uint64_t token = token_of(want(&s, MS_KIND_COMMAND));
    let_client_die(&s);
    ck_assert(!client(&s, 5, 2).resumed);
    submit(&s, 5, 1, "runs");
    want(&s, MS_KIND_SUBMIT_ACK);
    ck_assert_uint_eq(stats_of(&s).commands_count, 1);
    result(&s, 1, token, MS_STATUS_OK, "y");
    ck_assert_str_eq(want(&s, MS_KIND_OUTCOME)->payload, "y");
    ck_assert_uint_eq(want(&s, MS_KIND_OUTCOME)->effect.peer, 5);
    teardown(&s);
}
END_TEST

START_TEST(clients_may_not_speak_as_slaves)
{
    struct script s;

    begin(&s);
    pull(&s, 2, 1);
    want_refusal(&s, 2, MS_E_ROLE);
    teardown(&s);
}
END_TEST

TESTS(odd_submissions_are_refused, a_full_queue_says_when_to_come_back,
      a_resubmission_is_recognised, the_floor_closes_what_is_below, cancelling_what_waits,
      cancelling_what_runs, a_cancelled_command_is_not_retried_when_its_slave_dies,
      background_leaves_no_trace, a_silent_client_finds_its_outcomes_when_it_is_back,
      a_client_away_too_long_gets_nothing_but_its_work_goes_on,
      a_client_back_from_the_dead_finds_what_still_runs, clients_may_not_speak_as_slaves)
