/* Attempts of commands that a new master has not heard of yet: their submissions come again, or do not. */
#include "master_returning.h"

/* A command was handed out and its submission lost with the master; its slave is back. */
static struct held begin(struct script *s, struct shelf *shelf, struct ms_welcome *welcome_out)
{
    struct held held;

    setup_durable(s, shelf);
    *welcome_out = slave_durably(s, 1, 1);
    client(s, 2, 2);
    pull(s, 1, 1);
    submit(s, 2, 1, "x");
    held = held_of(2, 1, (struct ms_token){s->epoch, s->last_token}, 1);
    restart(s);
    ck_assert_uint_eq(stats_of(s).commands_count, 0);
    come_back_with(s, 1, 1, welcome_out, &held);
    ck_assert_uint_eq(want(s, MS_KIND_VERDICT)->tokens_count, 0);
    ck_assert_uint_eq(stats_of(s).orphans_count, 1);
    settle_down(s);
    pull(s, 1, 1);
    return held;
}

START_TEST(a_submission_made_again_finds_its_attempt)
{
    struct script s;
    struct shelf shelf;
    struct ms_welcome welcome;
    const struct held held = begin(&s, &shelf, &welcome);

    client(&s, 2, 2);
    submit(&s, 2, 1, "x");
    ck_assert_ptr_null(find(&s, MS_KIND_COMMAND)); /* it is not started twice */
    settle_down(&s);
    ck_assert_ptr_null(find(&s, MS_KIND_COMMAND));
    ck_assert_uint_eq(stats_of(&s).orphans_count, 0);
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_LEASED], 1);
    result_of(&s, 1, held.token, MS_STATUS_OK, "y");
    commit(&s);
    want(&s, MS_KIND_SUBMIT_ACK);
    ck_assert_str_eq(want(&s, MS_KIND_OUTCOME)->payload, "y");
    want(&s, MS_KIND_RESULT_ACK);
    teardown_durable(&s);
}
END_TEST

START_TEST(its_result_waits_with_the_slave)
{
    struct script s;
    struct shelf shelf;
    struct ms_welcome welcome;
    const struct held held = begin(&s, &shelf, &welcome);

    result_of(&s, 1, held.token, MS_STATUS_OK, "y");
    commit(&s);
    ck_assert_ptr_null(find(&s, MS_KIND_RESULT_ACK));
    client(&s, 2, 2);
    submit(&s, 2, 1, "x");
    want_refusal(&s, 1, MS_E_REPLACED); /* so that it tells all again */
    commit(&s);
    want(&s, MS_KIND_SUBMIT_ACK);
    struct ms_hello hello = hello_of(MS_ROLE_SLAVE, 1);

    hello.token = welcome.token;
    hello.epoch = s.epoch;
    greet_durably(&s, 5, &hello);
    announce(&s, 5, ECHO, "echo");
    receive(&s, 5,
            &(struct ms_command){
                .kind = MS_KIND_ROLL,
                .body.tokens = &(struct ms_tokens){
                    .count = 1, .tokens = &held.token, .holdings = &held.holding, .last = true}});
    ck_assert_uint_eq(want(&s, MS_KIND_VERDICT)->tokens_count, 0);
    result_of(&s, 5, held.token, MS_STATUS_OK, "y");
    commit(&s);
    ck_assert_str_eq(want(&s, MS_KIND_OUTCOME)->payload, "y");
    want(&s, MS_KIND_RESULT_ACK);
    teardown_durable(&s);
}
END_TEST

START_TEST(nobody_waits_for_ever)
{
    for (int has_result = 0; has_result < 2; has_result++) {
        struct script s;
        struct shelf shelf;
        struct ms_welcome welcome;
        const struct held held = begin(&s, &shelf, &welcome);
        const ms_time until = s.now + MS_CLIENT_KEEP_DEFAULT;

        if (has_result) {
            result_of(&s, 1, held.token, MS_STATUS_OK, "y");
        }
        while (s.now < until) {
            ck_assert_uint_eq(stats_of(&s).orphans_count, 1);
            receive(&s, 1, &(struct ms_command){.kind = MS_KIND_BEAT});
            run_until(&s, s.now + MS_SEC);
        }
        ck_assert_uint_eq(stats_of(&s).orphans_count, 0);
        ck_assert_uint_eq(token_of(want(&s, has_result ? MS_KIND_RESULT_ACK : MS_KIND_REVOKE)),
                          held.token.n);
        teardown_durable(&s);
    }
}
END_TEST

START_TEST(they_go_with_their_slave)
{
    struct script s;
    struct shelf shelf;
    struct ms_welcome welcome;

    begin(&s, &shelf, &welcome);
    receive(&s, 1, &(struct ms_command){.kind = MS_KIND_BYE});
    ck_assert_uint_eq(stats_of(&s).orphans_count, 0);
    client(&s, 2, 2);
    slave_durably(&s, 3, 3);
    pull(&s, 3, 1);
    submit(&s, 2, 1, "x");
    settle_down(&s);
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_LEASED], 1); /* by the other one */
    teardown_durable(&s);
}
END_TEST

START_TEST(a_closed_number_has_no_orphans)
{
    struct script s;
    struct shelf shelf;

    setup_durable(&s, &shelf);
    const struct ms_welcome welcome = slave_durably(&s, 1, 1);

    client(&s, 2, 2);
    pull(&s, 1, 1);
    struct ms_command command = submission(1, "x");

    command.flags = MS_FLAG_BACKGROUND;
    receive(&s, 2, &command);
    const struct held held = held_of(2, 1, (struct ms_token){s.epoch, s.last_token}, 1);

    result_of(&s, 1, held.token, MS_STATUS_OK, "y");
    commit(&s);
    restart(&s);
    come_back_with(&s, 1, 1, &welcome, &held);
    ck_assert_uint_eq(want(&s, MS_KIND_VERDICT)->tokens_count, 1);
    ck_assert_uint_eq(stats_of(&s).orphans_count, 0);
    teardown_durable(&s);
}
END_TEST

START_TEST(the_same_told_again_is_one)
{
    struct script s;
    struct shelf shelf;
    struct ms_welcome welcome;
    const struct held held = begin(&s, &shelf, &welcome);
    struct ms_hello hello = hello_of(MS_ROLE_SLAVE, 1);

    close_peer(&s, 1);
    hello.token = welcome.token;
    hello.epoch = s.epoch;
    greet_durably(&s, 5, &hello);
    announce(&s, 5, ECHO, "echo");
    receive(&s, 5,
            &(struct ms_command){
                .kind = MS_KIND_ROLL,
                .body.tokens = &(struct ms_tokens){
                    .count = 1, .tokens = &held.token, .holdings = &held.holding, .last = true}});
    ck_assert_uint_eq(want(&s, MS_KIND_VERDICT)->tokens_count, 0);
    ck_assert_uint_eq(stats_of(&s).orphans_count, 1);
    teardown_durable(&s);
}
END_TEST

TESTS(a_submission_made_again_finds_its_attempt, its_result_waits_with_the_slave,
      nobody_waits_for_ever, they_go_with_their_slave, a_closed_number_has_no_orphans,
      the_same_told_again_is_one)
