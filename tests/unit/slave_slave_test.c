#include "tests/unit/slave_script_work.h"

START_TEST(a_resumed_session_tells_and_sends_everything_again)
{
    command(1);
    expect_run(1);
    command(2);
    expect_run(2);
    output(1, "first");
    ck_assert_uint_eq(expect_sent(MS_KIND_OUTPUT).index, 0);
    finish(2);
    expect_result(2, MS_STATUS_OK);
    lose();
    output(1, "second");
    expect_nothing();
    greet(true);
    const struct ms_command roll = expect_sent(MS_KIND_ROLL);

    ck_assert_uint_eq(roll.body.tokens->count, 2);
    ck_assert_uint_eq(roll.body.tokens->tokens[0].n, 2);
    ck_assert_uint_eq(roll.body.tokens->tokens[1].n, 1);
    ck_assert_uint_eq(roll.body.tokens->holdings[0].id.seq, 2);
    ck_assert_uint_eq(roll.body.tokens->holdings[0].attempt, 1);
    ck_assert_uint_eq(roll.body.tokens->holdings[1].id.seq, 1);
    ck_assert_uint_eq(roll.body.tokens->holdings[1].type, 2000);
    ck_assert(roll.body.tokens->last);
    expect_nothing();
    finish(1); /* while the master judges */
    expect_nothing();
    const struct ms_tokens verdict = {.last = true};

    receive(&(struct ms_command){.kind = MS_KIND_VERDICT, .body.tokens = &verdict});
    for (int i = 0; i < 4; i++) {
        struct ms_effect effect = expect(MS_EFFECT_SEND);

        if (effect.command.token.n == 1 && effect.command.kind == MS_KIND_OUTPUT) {
            ck_assert_uint_eq(effect.command.index, effect.command.payload.size == 5 ? 0 : 1);
        } else {
            ck_assert_int_eq(effect.command.kind, MS_KIND_RESULT);
            ck_assert_uint_eq(effect.command.count, 0); /* not announced yet */
        }
    }
    expect_sent(MS_KIND_ANNOUNCE);
    ck_assert_uint_eq(expect_sent(MS_KIND_PULL).count, 2);
    expect_nothing();
    acknowledge(1, 2);
    ck_assert_uint_eq(stats().kept, 0);
}
END_TEST

START_TEST(a_verdict_drops_attempts)
{
    const struct ms_token dropped[] = {{EPOCH, 1}, {EPOCH, 2}, {EPOCH, 99}};
    const struct ms_tokens verdict = {.count = 3, .tokens = dropped, .last = true};

    command(1);
    expect_run(1);
    command(2);
    expect_run(2);
    finish(2);
    expect_result(2, MS_STATUS_OK);
    lose();
    greet(true);
    expect_sent(MS_KIND_ROLL);
    receive(&(struct ms_command){.kind = MS_KIND_VERDICT, .body.tokens = &verdict});
    ck_assert_uint_eq(expect(MS_EFFECT_ABORT).command.token.n, 1);
    expect_sent(MS_KIND_ANNOUNCE);
    ck_assert_uint_eq(expect_sent(MS_KIND_PULL).count, 1); /* the dropped one still runs */
    finish(1);
    ck_assert_uint_eq(expect_sent(MS_KIND_RESULT).token.n, 1); /* for the master to refuse */
    ck_assert_uint_eq(expect_sent(MS_KIND_PULL).count, 1);
    expect_nothing();
    ck_assert_uint_eq(stats().late_total, 1);
}
END_TEST

START_TEST(a_new_session_drops_everything)
{
    command(1);
    expect_run(1);
    command(2);
    expect_run(2);
    finish(2);
    expect_result(2, MS_STATUS_OK);
    lose();
    greet(false);
    ck_assert_uint_eq(expect(MS_EFFECT_ABORT).command.token.n, 1);
    expect_sent(MS_KIND_ANNOUNCE);
    ck_assert_uint_eq(expect_sent(MS_KIND_PULL).count, 1);
    command(1); /* a restarted master counts from 1 again, and the old one still runs */
    ck_assert_uint_eq(expect_sent(MS_KIND_RETURN).token.n, 1);
    ck_assert_uint_eq(expect_sent(MS_KIND_PULL).count, 1);
    finish(1);
    ck_assert_uint_eq(expect_sent(MS_KIND_RESULT).token.n, 1); /* for the master to refuse */
    expect_sent(MS_KIND_PULL);
    expect_nothing();
    command(2);
    expect_run(2);
}
END_TEST

START_TEST(what_waits_does_not_start_without_a_master)
{
    struct ms_slave_config configured = config();

    teardown();
    configured.prefetch = 1;
    create(configured);
    come_up(3);
    for (uint64_t n = 1; n <= 2; n++) {
        command(n);
        expect_run(n);
    }
    command(3);
    lose();
    finish(1);
    expect_nothing();
    greet(true);
    expect_sent(MS_KIND_ROLL);
    receive(&(struct ms_command){.kind = MS_KIND_VERDICT,
                                 .body.tokens = &(struct ms_tokens){.last = true}});
    expect_result(1, MS_STATUS_OK);
    expect_sent(MS_KIND_ANNOUNCE);
    expect_run(3);
}
END_TEST

static void beat_is_answered(void)
{
    tick();
    const struct ms_command beat = expect_sent(MS_KIND_BEAT);

    receive(&(struct ms_command){.kind = MS_KIND_BEAT_ACK, .count = beat.count});
}

/* It was stopped for so long that the master may have given it up. What had come meanwhile is read first. */
START_TEST(what_came_during_a_stall_starts_once_the_master_has_answered)
{
    now += DEAD;
    command(1);
    expect_nothing();
    ck_assert_uint_eq(stats().queued, 1);
    beat_is_answered();
    expect_run(1);
}
END_TEST

START_TEST(what_came_during_a_stall_never_starts_when_the_session_is_dead)
{
    now += DEAD;
    command(1);
    step(&(struct ms_event){
        .type = MS_EVENT_RECEIVED,
        .peer = peer,
        .epoch = EPOCH,
        .command = &(struct ms_command){.kind = MS_KIND_ERROR, .error = MS_E_SESSION_DEAD}});
    expect(MS_EFFECT_CLOSE);
    expect_nothing();
    greet(false);
    expect_sent(MS_KIND_ANNOUNCE);
    ck_assert_uint_eq(expect_sent(MS_KIND_PULL).count, 2);
    expect_nothing();
    ck_assert_uint_eq(stats().queued, 0);
}
END_TEST

START_TEST(drain_returns_what_waits_and_finishes_what_runs)
{
    struct ms_slave_config configured = config();

    teardown();
    configured.prefetch = 2;
    create(configured);
    come_up(4);
    for (uint64_t n = 1; n <= 2; n++) {
        command(n);
        expect_run(n);
    }
    command(3);
    stop_now();
    ck_assert_uint_eq(expect_sent(MS_KIND_GOAWAY).error, MS_E_DRAINING);
    ck_assert_uint_eq(expect_sent(MS_KIND_RETURN).token.n, 3);
    expect_nothing();
    command(4); /* was on its way */
    ck_assert_uint_eq(expect_sent(MS_KIND_RETURN).token.n, 4);
    finish(1);
    ck_assert_uint_eq(expect_result(1, MS_STATUS_OK).count, 0);
    finish(2);
    expect_result(2, MS_STATUS_OK);
    expect_nothing();
    acknowledge(1, 2);
    expect_sent(MS_KIND_BYE);
    expect(MS_EFFECT_CLOSE);
    ck_assert_int_eq(expect(MS_EFFECT_STOPPED).error, MS_E_OK);
    ck_assert_int_eq(ms_engine_deadline(engine), MS_TIME_NEVER);
}
END_TEST

START_TEST(an_idle_slave_stops_at_once)
{
    stop_now();
    expect_sent(MS_KIND_GOAWAY);
    expect_sent(MS_KIND_BYE);
    expect(MS_EFFECT_CLOSE);
    expect(MS_EFFECT_STOPPED);
    finish(1);
    expect_nothing();
}
END_TEST

START_TEST(an_offline_slave_stops_at_once_unless_a_result_waits)
{
    command(1);
    expect_run(1);
    lose();
    stop_now();
    expect_nothing();
    finish(1);
    expect_nothing();
    ck_assert_int_le(ms_engine_deadline(engine), now + MS_RECONNECT_MAX);
    greet(true);
    expect_sent(MS_KIND_ROLL);
    receive(&(struct ms_command){.kind = MS_KIND_VERDICT,
                                 .body.tokens = &(struct ms_tokens){.last = true}});
    expect_result(1, MS_STATUS_OK);
    expect_sent(MS_KIND_GOAWAY);
    expect_nothing();
    acknowledge(1, 1);
    expect_sent(MS_KIND_BYE);
    expect(MS_EFFECT_CLOSE);
    expect(MS_EFFECT_STOPPED);
}
END_TEST

START_TEST(the_second_stop_aborts)
{
    command(1);
    expect_run(1);
    stop_now();
    expect_sent(MS_KIND_GOAWAY);
    stop_now();
    ck_assert_uint_eq(expect(MS_EFFECT_ABORT).command.token.n, 1);
    expect_sent(MS_KIND_BYE);
    expect(MS_EFFECT_CLOSE);
    ck_assert_int_eq(expect(MS_EFFECT_STOPPED).error, MS_E_CANCELLED);
}
END_TEST

START_TEST(a_drain_has_a_limit)
{
    struct ms_slave_config configured = config();

    teardown();
    configured.drain_timeout = 100 * MS_MSEC;
    create(configured);
    come_up(2);
    command(1);
    expect_run(1);
    stop_now();
    expect_sent(MS_KIND_GOAWAY);
    ck_assert_int_eq(ms_engine_deadline(engine), now + 100 * MS_MSEC);
    now += 100 * MS_MSEC;
    tick();
    expect(MS_EFFECT_ABORT);
    expect_sent(MS_KIND_BYE);
    expect(MS_EFFECT_CLOSE);
    ck_assert_int_eq(expect(MS_EFFECT_STOPPED).error, MS_E_TIMEOUT);
}
END_TEST

START_TEST(kinds_of_other_roles_end_the_connection)
{
    receive(&(struct ms_command){.kind = MS_KIND_SUBMIT});
    ck_assert_uint_eq(expect_sent(MS_KIND_ERROR).error, MS_E_ROLE);
    expect(MS_EFFECT_CLOSE);
    greet(false);
    expect_sent(MS_KIND_ANNOUNCE);
    expect_sent(MS_KIND_PULL);
    receive(&(struct ms_command){.kind = MS_KIND_VERDICT,
                                 .body.tokens = &(struct ms_tokens){.last = true}});
    ck_assert_uint_eq(expect_sent(MS_KIND_ERROR).error, MS_E_ORDER);
}
END_TEST

START_TEST(types_that_clash_are_refused)
{
    const struct ms_slave_type clash[] = {{.type = 5000, .name = "a"}, {.type = 5000, .name = "b"}};
    struct ms_slave_config configured = config();
    struct ms_complaint complaint = {{0}};

    configured.types = clash;
    ck_assert_ptr_null(ms_slave_create(&configured, &complaint));
    ck_assert_str_ne(complaint.text, "");
}
END_TEST

START_TEST(a_large_slave_works_in_bounded_steps)
{
    struct ms_slave_config configured = config();
    struct ms_effect effect;
    uint32_t runs = 0;

    teardown();
    configured.slots = 2;
    configured.prefetch = 3000;
    create(configured);
    come_up(3002);
    for (uint64_t n = 1; n <= 3002; n++) {
        command(n);
        while (ms_engine_poll(engine, &effect)) {
            runs++;
        }
    }
    ck_assert_uint_eq(runs, 2);
    stop_now();
    uint32_t returned = 0;

    for (int i = 0; i < 10; i++) {
        while (ms_engine_poll(engine, &effect)) {
            returned += effect.command.kind == MS_KIND_RETURN;
        }
        if (ms_engine_deadline(engine) > now) {
            break;
        }
        tick();
    }
    ck_assert_uint_eq(returned, 3000);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("slave_slave");
    TCase *tests = tcase_create("slave");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_resumed_session_tells_and_sends_everything_again);
    tcase_add_test(tests, a_verdict_drops_attempts);
    tcase_add_test(tests, a_new_session_drops_everything);
    tcase_add_test(tests, what_waits_does_not_start_without_a_master);
    tcase_add_test(tests, what_came_during_a_stall_starts_once_the_master_has_answered);
    tcase_add_test(tests, what_came_during_a_stall_never_starts_when_the_session_is_dead);
    tcase_add_test(tests, drain_returns_what_waits_and_finishes_what_runs);
    tcase_add_test(tests, an_idle_slave_stops_at_once);
    tcase_add_test(tests, an_offline_slave_stops_at_once_unless_a_result_waits);
    tcase_add_test(tests, the_second_stop_aborts);
    tcase_add_test(tests, a_drain_has_a_limit);
    tcase_add_test(tests, kinds_of_other_roles_end_the_connection);
    tcase_add_test(tests, types_that_clash_are_refused);
    tcase_add_test(tests, a_large_slave_works_in_bounded_steps);
    suite_add_tcase(suite, tests);

    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
