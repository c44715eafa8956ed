#include "client/operator.h"

#include <check.h>
#include <stdlib.h>

#define TIMEOUT (2 * MS_SEC)
#define PEER    ((ms_peer)7)

static struct ms_operator asker;
static ms_time now;

static void begin(enum ms_order order)
{
    now = 1000;
    ck_assert(ms_operator_init(&asker, &(struct ms_operator_config){.address = "a:1",
                                                                    .order = order,
                                                                    .timeout = TIMEOUT,
                                                                    .name = "muster",
                                                                    .build = "unit"}));
}

static void teardown(void)
{
    ms_operator_finish(&asker);
}

static void step(const struct ms_event *event)
{
    ms_engine_step(&asker.base, now, event);
}

static void tick(void)
{
    step(&(struct ms_event){.type = MS_EVENT_TICK});
}

static struct ms_effect expect(enum ms_effect_type type)
{
    struct ms_effect effect = {0};

    ck_assert(ms_engine_poll(&asker.base, &effect));
    ck_assert_int_eq(effect.type, type);
    return effect;
}

static struct ms_command expect_sent(enum ms_kind kind)
{
    const struct ms_effect effect = expect(MS_EFFECT_SEND);

    ck_assert_uint_eq(effect.peer, PEER);
    ck_assert_int_eq(effect.command.kind, kind);
    return effect.command;
}

static void expect_nothing(void)
{
    struct ms_effect effect;

    ck_assert(!ms_engine_poll(&asker.base, &effect));
}

static void expect_over(bool is_connected, enum ms_error error)
{
    if (is_connected) {
        ck_assert_uint_eq(expect(MS_EFFECT_CLOSE).peer, PEER);
    }
    ck_assert_int_eq(expect(MS_EFFECT_STOPPED).error, error);
    expect_nothing();
    ck_assert_int_eq(ms_engine_deadline(&asker.base), MS_TIME_NEVER);
}

static void receive(const struct ms_command *command)
{
    step(&(struct ms_event){
        .type = MS_EVENT_RECEIVED, .peer = PEER, .epoch = 3, .command = command});
}

static void greet(uint32_t version_min, uint32_t version_max)
{
    const struct ms_pair_frame hello = {.role = MS_ROLE_MASTER,
                                        .version_min = version_min,
                                        .version_max = version_max,
                                        .node = 1,
                                        .name = "b"};

    receive(&(struct ms_command){.kind = MS_KIND_PEER_HELLO, .body.pair = &hello});
}

static void dial(void)
{
    tick();
    const struct ms_effect effect = expect(MS_EFFECT_CONNECT);

    ck_assert_str_eq(effect.text, "a:1");
    ck_assert_uint_ne(effect.tag, 0);
    expect_nothing();
}

static void come_up(void)
{
    dial();
    step(&(struct ms_event){.type = MS_EVENT_PEER_OPENED, .peer = PEER, .tag = 1});
    const struct ms_command hello = expect_sent(MS_KIND_PEER_HELLO);

    ck_assert_int_eq(hello.body.pair->role, MS_ROLE_OPERATOR);
    ck_assert(ms_uuid_is_zero(&hello.body.pair->cluster));
    ck_assert_str_eq(hello.body.pair->name, "muster");
    expect_nothing(); /* nothing is ordered of somebody who has not said who he is */
}

static void ask(enum ms_order order)
{
    begin(order);
    come_up();
    greet(MS_PROTOCOL_MIN, MS_PROTOCOL_MAX);
    ck_assert_uint_eq(expect_sent(MS_KIND_ORDER).count, order);
    expect_nothing();
    ck_assert_uint_eq(asker.master.node, 1);
}

static void report(bool is_last)
{
    const struct ms_cell cell = {.name = "role", .text = "active"};
    const struct ms_report body = {
        .columns_count = 1, .cells_count = 1, .cells = &cell, .last = is_last};

    receive(&(struct ms_command){.kind = MS_KIND_REPORT, .body.report = &body});
    ck_assert_str_eq(expect(MS_EFFECT_DELIVER).command.body.report->cells->text, "active");
}

START_TEST(the_state_is_told_in_as_many_frames_as_it_takes)
{
    ask(MS_ORDER_STATUS);
    report(false);
    expect_nothing();
    report(true);
    expect_over(true, MS_E_OK);
}
END_TEST

START_TEST(an_order_is_answered_also_by_why_not)
{
    ask(MS_ORDER_SWITCHOVER);
    receive(&(struct ms_command){.kind = MS_KIND_ORDER_ACK,
                                 .error = MS_E_NOT_ACTIVE,
                                 .detail = ms_bytes_of("ask the other one")});
    const struct ms_command answer = expect(MS_EFFECT_DELIVER).command;

    ck_assert_int_eq(answer.kind, MS_KIND_ORDER_ACK);
    ck_assert_int_eq(answer.error, MS_E_NOT_ACTIVE);
    ck_assert_uint_eq(answer.detail.size, strlen("ask the other one"));
    expect_over(true, MS_E_OK);
}
END_TEST

START_TEST(who_refuses_an_operator_says_why)
{
    begin(MS_ORDER_STATUS);
    come_up();
    receive(&(struct ms_command){.kind = MS_KIND_ERROR, .error = MS_E_ROLE});
    ck_assert_int_eq(expect(MS_EFFECT_DELIVER).command.kind, MS_KIND_ERROR);
    expect_over(true, MS_E_ROLE);
}
END_TEST

START_TEST(nobody_there_is_an_end)
{
    begin(MS_ORDER_STATUS);
    dial();
    step(&(struct ms_event){.type = MS_EVENT_PEER_CLOSED, .tag = 1, .error = MS_E_UNREACHABLE});
    expect_over(false, MS_E_UNREACHABLE);
}
END_TEST

START_TEST(a_connection_that_is_lost_is_an_end_at_every_stage)
{
    begin(MS_ORDER_STATUS);
    come_up();
    step(&(struct ms_event){.type = MS_EVENT_PEER_CLOSED, .peer = PEER, .error = MS_E_CLOSED});
    expect_over(false, MS_E_CLOSED);
    teardown();
    ask(MS_ORDER_HOLD);
    step(&(struct ms_event){.type = MS_EVENT_PEER_CLOSED, .peer = PEER, .error = MS_E_CLOSED});
    expect_over(false, MS_E_CLOSED);
}
END_TEST

START_TEST(silence_is_an_end_at_every_stage)
{
    begin(MS_ORDER_STATUS);
    dial();
    now = ms_engine_deadline(&asker.base);
    ck_assert_int_eq(now, 1000 + TIMEOUT);
    tick();
    expect_over(false, MS_E_TIMEOUT);
    /* The dial is answered after all. */
    step(&(struct ms_event){.type = MS_EVENT_PEER_OPENED, .peer = PEER, .tag = 1});
    ck_assert_uint_eq(expect(MS_EFFECT_CLOSE).peer, PEER);
    expect_nothing();
    teardown();
    ask(MS_ORDER_STATUS);
    now = ms_engine_deadline(&asker.base);
    tick();
    expect_over(true, MS_E_TIMEOUT);
}
END_TEST

START_TEST(other_answers_than_were_asked_for_are_an_end)
{
    begin(MS_ORDER_STATUS);
    come_up();
    receive(&(struct ms_command){.kind = MS_KIND_BEAT});
    expect_over(true, MS_E_ORDER);
    teardown();
    ask(MS_ORDER_STATUS);
    receive(&(struct ms_command){.kind = MS_KIND_ORDER_ACK});
    expect_over(true, MS_E_ORDER);
    teardown();
    begin(MS_ORDER_STATUS);
    come_up();
    greet(MS_PROTOCOL_MAX + 1, MS_PROTOCOL_MAX + 2);
    expect_over(true, MS_E_VERSION);
}
END_TEST

START_TEST(it_may_be_told_to_stop)
{
    ask(MS_ORDER_STATUS);
    step(&(struct ms_event){.type = MS_EVENT_STOP});
    expect_over(true, MS_E_CANCELLED);
    step(&(struct ms_event){.type = MS_EVENT_STOP});
    expect_nothing();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("client/operator");
    TCase *tcase = tcase_create("operator");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tcase, NULL, teardown);
    tcase_add_test(tcase, the_state_is_told_in_as_many_frames_as_it_takes);
    tcase_add_test(tcase, an_order_is_answered_also_by_why_not);
    tcase_add_test(tcase, who_refuses_an_operator_says_why);
    tcase_add_test(tcase, nobody_there_is_an_end);
    tcase_add_test(tcase, a_connection_that_is_lost_is_an_end_at_every_stage);
    tcase_add_test(tcase, silence_is_an_end_at_every_stage);
    tcase_add_test(tcase, other_answers_than_were_asked_for_are_an_end);
    tcase_add_test(tcase, it_may_be_told_to_stop);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
