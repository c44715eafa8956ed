#include "slave/slave.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>

#include "core/router.h"

#define BEAT    (500 * MS_MSEC)
#define DEAD    (4 * MS_SEC)
#define ECHO    ((ms_type)2000)
#define LIMITED ((ms_type)2001)
#define EPOCH   ((ms_epoch)7)

static struct ms_slave *slave;
static struct ms_engine *engine;
static ms_time now;
static ms_peer peer;

static const struct ms_slave_type types[] = {
    {.type = ECHO, .name = "echo"},
    {.type = LIMITED, .name = "limited", .timeout = 5 * MS_SEC, .payload_max = 4},
};

static struct ms_slave_config config(void)
{
    return (struct ms_slave_config){
        .addresses = "m:1",
        .slots = 2,
        .mode = MS_CREDIT_PUSH,
        .node = {{1}},
        .seed = 3,
        .name = "ada",
        .types = types,
        .types_count = 2,
    };
}

static void create(struct ms_slave_config configured)
{
    struct ms_complaint complaint;

    now = 0;
    peer = MS_PEER_NONE;
    slave = ms_slave_create(&configured, &complaint);
    ck_assert_ptr_nonnull(slave);
    engine = ms_slave_engine(slave);
}

static void teardown(void)
{
    if (slave != NULL) {
        ms_slave_check(slave);
    }
    ms_slave_destroy(slave);
    slave = NULL;
}

static void step(const struct ms_event *event)
{
    ms_engine_step(engine, now, event);
    ms_slave_check(slave);
}

static void tick(void)
{
    step(&(struct ms_event){.type = MS_EVENT_TICK});
}

static struct ms_effect expect(enum ms_effect_type type)
{
    struct ms_effect effect = {0};

    ck_assert(ms_engine_poll(engine, &effect));
    ck_assert_int_eq(effect.type, type);
    return effect;
}

static struct ms_command expect_sent(enum ms_kind kind)
{
    const struct ms_effect effect = expect(MS_EFFECT_SEND);

    ck_assert_str_eq(ms_kind_name(effect.command.kind), ms_kind_name(kind));
    ck_assert_uint_eq(effect.peer, peer);
    return effect.command;
}

static void expect_nothing(void)
{
    struct ms_effect effect;

    ck_assert(!ms_engine_poll(engine, &effect));
}

static void receive(const struct ms_command *command)
{
    step(&(struct ms_event){
        .type = MS_EVENT_RECEIVED, .peer = peer, .epoch = EPOCH, .command = command});
}

/* From IDLE to the WELCOME; what follows it is for the caller to poll. */
static void greet(bool is_resumed)
{
    static ms_peer peers;
    const struct ms_welcome welcome = {
        .version = 1,
        .features = MS_FEATURES_ALL,
        .token = {{9}},
        .resumed = is_resumed,
        .payload_max = MS_PAYLOAD_MAX_DEFAULT,
        .beat_interval = BEAT,
        .dead_after = DEAD,
    };

    now = ms_engine_deadline(engine) > now ? ms_engine_deadline(engine) : now;
    tick();
    const uint32_t tag = expect(MS_EFFECT_CONNECT).tag;

    peer = ++peers;
    step(&(struct ms_event){.type = MS_EVENT_PEER_OPENED, .peer = peer, .tag = tag});
    ck_assert_uint_eq(expect_sent(MS_KIND_HELLO).body.hello->slots, 2);
    receive(&(struct ms_command){.kind = MS_KIND_WELCOME, .body.welcome = &welcome});
}

static void come_up(uint32_t credit)
{
    greet(false);
    ck_assert_uint_eq(expect_sent(MS_KIND_ANNOUNCE).body.announce->count, 2);
    if (credit > 0) {
        ck_assert_uint_eq(expect_sent(MS_KIND_PULL).count, credit);
    }
    expect_nothing();
}

static void setup(void)
{
    create(config());
    come_up(2);
}

static void lose(void)
{
    step(&(struct ms_event){.type = MS_EVENT_PEER_CLOSED, .peer = peer, .error = MS_E_CLOSED});
    expect_nothing();
    peer = MS_PEER_NONE;
}

static void command_of(uint64_t n, ms_type type, ms_time timeout)
{
    receive(&(struct ms_command){
        .kind = MS_KIND_COMMAND,
        .type = type,
        .id = {{{4}}, n},
        .token = {EPOCH, n},
        .attempt = 1,
        .timeout = timeout,
        .payload = ms_bytes_of("load"),
    });
}

static void command(uint64_t n)
{
    command_of(n, ECHO, 0);
}

static void expect_run(uint64_t n)
{
    const struct ms_effect effect = expect(MS_EFFECT_RUN);

    ck_assert_uint_eq(effect.command.token.n, n);
    ck_assert_uint_eq(effect.command.id.seq, n);
    ck_assert_uint_eq(effect.command.payload.size, 4);
    ck_assert_mem_eq(effect.command.payload.data, "load", 4);
}

static void finish_as(uint64_t n, enum ms_status status)
{
    step(&(struct ms_event){
        .type = MS_EVENT_FINISHED,
        .command = &(struct ms_command){.kind = MS_KIND_RESULT,
                                        .status = (uint8_t)status,
                                        .token = {EPOCH, n},
                                        .payload = ms_bytes_of("done")},
    });
}

static void finish(uint64_t n)
{
    finish_as(n, MS_STATUS_OK);
}

static void output(uint64_t n, const char *text)
{
    step(&(struct ms_event){
        .type = MS_EVENT_OUTPUT,
        .command = &(struct ms_command){.kind = MS_KIND_OUTPUT,
                                        .token = {EPOCH, n},
                                        .payload = ms_bytes_of(text)},
    });
}

static void acknowledge(uint64_t n, uint64_t count)
{
    receive(&(struct ms_command){.kind = MS_KIND_RESULT_ACK, .token = {EPOCH, n}, .count = count});
}

static struct ms_command expect_result(uint64_t n, enum ms_status status)
{
    const struct ms_command result = expect_sent(MS_KIND_RESULT);

    ck_assert_uint_eq(result.token.n, n);
    ck_assert_uint_eq(result.token.epoch, EPOCH);
    ck_assert_str_eq(ms_status_name(result.status), ms_status_name(status));
    return result;
}

static struct ms_slave_stats stats(void)
{
    struct ms_slave_stats out;

    ms_slave_stats(slave, &out);
    return out;
}

START_TEST(runs_what_it_is_sent_and_renews_the_credit)
{
    command(1);
    expect_run(1);
    finish(1);
    const struct ms_command result = expect_result(1, MS_STATUS_OK);

    ck_assert_uint_eq(result.count, 1);
    ck_assert_mem_eq(result.payload.data, "done", 4);
    expect_nothing();
    ck_assert_uint_eq(stats().kept, 1);
    acknowledge(1, 1);
    expect_nothing();
    ck_assert_uint_eq(stats().kept, 0);
    ck_assert_uint_eq(stats().kept_bytes, 0);
}
END_TEST

START_TEST(pull_mode_grants_by_pull)
{
    struct ms_slave_config configured = config();

    teardown();
    configured.mode = MS_CREDIT_PULL;
    create(configured);
    come_up(2);
    command(1);
    expect_run(1);
    finish(1);
    ck_assert_uint_eq(expect_result(1, MS_STATUS_OK).count, 0);
    ck_assert_uint_eq(expect_sent(MS_KIND_PULL).count, 1);
    expect_nothing();
}
END_TEST

START_TEST(prefetched_commands_wait_for_a_slot)
{
    struct ms_slave_config configured = config();

    teardown();
    configured.prefetch = 3;
    create(configured);
    come_up(5);
    command(1);
    expect_run(1);
    command(2);
    expect_run(2);
    command(3);
    command(4);
    expect_nothing();
    ck_assert_uint_eq(stats().queued, 2);
    finish(2);
    expect_result(2, MS_STATUS_OK);
    expect_run(3);
    expect_nothing();
}
END_TEST

START_TEST(more_than_granted_is_handed_back)
{
    command(1);
    expect_run(1);
    command(2);
    expect_run(2);
    command(3);
    ck_assert_uint_eq(expect_sent(MS_KIND_RETURN).token.n, 3);
    expect_nothing();
    ck_assert_uint_eq(stats().returned_total, 1);
}
END_TEST

START_TEST(no_token_runs_twice)
{
    command(5);
    expect_run(5);
    command(5); /* in hand */
    expect_nothing();
    ck_assert_uint_eq(stats().duplicates_total, 1);
    finish(5);
    expect_result(5, MS_STATUS_OK);
    acknowledge(5, 1);
    command(5); /* gone, but known to be old */
    ck_assert_uint_eq(expect_sent(MS_KIND_RETURN).token.n, 5);
    expect_sent(MS_KIND_PULL);
    expect_nothing();
}
END_TEST

START_TEST(an_unknown_type_and_a_large_payload_fail_at_once)
{
    command_of(1, 4711, 0);
    struct ms_command result = expect_result(1, MS_STATUS_FAIL);

    ck_assert_uint_eq(result.detail.size, strlen(ms_error_text(MS_E_UNKNOWN_TYPE)));
    ck_assert_uint_eq(result.count, 1);
    receive(&(struct ms_command){.kind = MS_KIND_COMMAND,
                                 .type = LIMITED,
                                 .token = {EPOCH, 2},
                                 .payload = ms_bytes_of("12345")});
    expect_result(2, MS_STATUS_FAIL);
    expect_nothing();
    acknowledge(1, 2);
    ck_assert_uint_eq(stats().kept, 0);
}
END_TEST

START_TEST(an_attempt_times_out)
{
    command_of(1, LIMITED, 0);
    expect_run(1);
    command_of(2, ECHO, 3 * MS_SEC);
    expect_run(2);
    const ms_time start = now;

    for (now = BEAT; now < 5 * MS_SEC; now += BEAT) {
        tick();
        expect_sent(MS_KIND_BEAT);
        if (now - start == 3 * MS_SEC) {
            ck_assert_uint_eq(expect(MS_EFFECT_ABORT).command.token.n, 2);
        }
        receive(&(struct ms_command){.kind = MS_KIND_BEAT_ACK});
        expect_nothing();
    }
    now = start + 5 * MS_SEC;
    tick();
    expect_sent(MS_KIND_BEAT);
    ck_assert_uint_eq(expect(MS_EFFECT_ABORT).command.token.n, 1);
    finish_as(2, MS_STATUS_CANCELLED);
    expect_result(2, MS_STATUS_TIMEOUT);
    finish_as(1, MS_STATUS_OK);
    expect_result(1, MS_STATUS_TIMEOUT);
}
END_TEST

START_TEST(revoke_aborts_what_runs_and_cancels_what_waits)
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
    receive(&(struct ms_command){.kind = MS_KIND_REVOKE, .token = {EPOCH, 3}});
    expect_result(3, MS_STATUS_CANCELLED);
    receive(&(struct ms_command){.kind = MS_KIND_REVOKE, .token = {EPOCH, 1}});
    ck_assert_uint_eq(expect(MS_EFFECT_ABORT).command.token.n, 1);
    receive(&(struct ms_command){.kind = MS_KIND_REVOKE, .token = {EPOCH, 1}});
    expect_nothing();
    finish_as(1, MS_STATUS_CANCELLED);
    expect_result(1, MS_STATUS_CANCELLED);
    receive(&(struct ms_command){.kind = MS_KIND_REVOKE, .token = {EPOCH, 77}});
    expect_nothing();
}
END_TEST

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

START_TEST(too_much_output_fails_the_attempt)
{
    static char block[1u << 20];
    struct ms_slave_config configured = config();

    teardown();
    configured.kept_bytes_max = MS_OUTPUT_HARD_MAX;
    create(configured);
    come_up(2);
    command(1);
    expect_run(1);
    for (size_t i = 0; i < MS_RESULT_BYTES_MAX / sizeof block; i++) {
        step(&(struct ms_event){
            .type = MS_EVENT_OUTPUT,
            .command = &(struct ms_command){.token = {EPOCH, 1},
                                            .payload = {(const uint8_t *)block, sizeof block}}});
        expect_sent(MS_KIND_OUTPUT);
    }
    output(1, "one too many");
    ck_assert_uint_eq(expect(MS_EFFECT_ABORT).command.token.n, 1);
    output(1, "and one more");
    expect_nothing();
    finish_as(1, MS_STATUS_OK);
    const struct ms_command result = expect_result(1, MS_STATUS_FAIL);

    ck_assert_uint_eq(result.payload.size, 0);
    ck_assert_uint_eq(result.detail.size, strlen(ms_error_text(MS_E_RESULT_SIZE)));
    acknowledge(1, 1);
    ck_assert_uint_eq(stats().kept_bytes, 0);
}
END_TEST

START_TEST(full_memory_asks_for_another_attempt)
{
    static char block[1u << 16];
    struct ms_slave_config configured = config();

    teardown();
    configured.kept_bytes_max = sizeof block;
    create(configured);
    come_up(2);
    command(1);
    expect_run(1);
    step(&(struct ms_event){
        .type = MS_EVENT_OUTPUT,
        .command = &(struct ms_command){.token = {EPOCH, 1},
                                        .payload = {(const uint8_t *)block, sizeof block}}});
    expect(MS_EFFECT_ABORT);
    finish(1);
    expect_result(1, MS_STATUS_RETRY);
}
END_TEST

static void stop_now(void)
{
    step(&(struct ms_event){.type = MS_EVENT_STOP});
}

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

START_TEST(an_endless_run_of_acknowledgements_is_harmless)
{
    command(1);
    expect_run(1);
    finish(1);
    expect_result(1, MS_STATUS_OK);
    acknowledge(0, UINT64_MAX);
    ck_assert_uint_eq(stats().kept, 0);
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
    tcase_add_test(tests, runs_what_it_is_sent_and_renews_the_credit);
    tcase_add_test(tests, pull_mode_grants_by_pull);
    tcase_add_test(tests, prefetched_commands_wait_for_a_slot);
    tcase_add_test(tests, more_than_granted_is_handed_back);
    tcase_add_test(tests, no_token_runs_twice);
    tcase_add_test(tests, an_unknown_type_and_a_large_payload_fail_at_once);
    tcase_add_test(tests, an_attempt_times_out);
    tcase_add_test(tests, revoke_aborts_what_runs_and_cancels_what_waits);
    tcase_add_test(tests, a_resumed_session_tells_and_sends_everything_again);
    tcase_add_test(tests, a_verdict_drops_attempts);
    tcase_add_test(tests, a_new_session_drops_everything);
    tcase_add_test(tests, what_waits_does_not_start_without_a_master);
    tcase_add_test(tests, too_much_output_fails_the_attempt);
    tcase_add_test(tests, full_memory_asks_for_another_attempt);
    tcase_add_test(tests, drain_returns_what_waits_and_finishes_what_runs);
    tcase_add_test(tests, an_idle_slave_stops_at_once);
    tcase_add_test(tests, an_offline_slave_stops_at_once_unless_a_result_waits);
    tcase_add_test(tests, the_second_stop_aborts);
    tcase_add_test(tests, a_drain_has_a_limit);
    tcase_add_test(tests, kinds_of_other_roles_end_the_connection);
    tcase_add_test(tests, an_endless_run_of_acknowledgements_is_harmless);
    tcase_add_test(tests, types_that_clash_are_refused);
    tcase_add_test(tests, a_large_slave_works_in_bounded_steps);
    suite_add_tcase(suite, tests);

    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
