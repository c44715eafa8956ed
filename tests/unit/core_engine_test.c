#include "core/engine.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>

#define FLOOD (MS_EFFECTS_MAX + 1)

/* Answers each event with as many CLOSE effects as its seq says, numbered. */
static void step(struct ms_engine *engine, ms_time now, const struct ms_event *event)
{
    (void)now;
    for (uint32_t i = 0; i < event->seq; i++) {
        ms_engine_emit(engine, &(struct ms_effect){.type = MS_EFFECT_CLOSE, .peer = i + 1});
    }
}

static ms_time deadline(const struct ms_engine *engine)
{
    return engine->now + MS_SEC;
}

static const struct ms_engine_ops ops = {.name = "test", .step = step, .deadline = deadline};
static struct ms_engine engine;

static void set_up(void)
{
    ck_assert(ms_engine_init(&engine, &ops));
}

static void tear_down(void)
{
    ms_engine_finish(&engine);
}

static void step_with(ms_time now, ms_seq effects)
{
    ms_engine_step(&engine, now, &(struct ms_event){.type = MS_EVENT_TICK, .seq = effects});
}

static uint32_t poll_dry(void)
{
    struct ms_effect effect;
    uint32_t count = 0;

    while (ms_engine_poll(&engine, &effect)) {
        ck_assert_uint_eq(effect.peer, ++count);
    }
    return count;
}

START_TEST(test_effects_come_in_order)
{
    step_with(1, 3);
    ck_assert_uint_eq(ms_engine_room(&engine), MS_EFFECTS_MAX - 3);
    ck_assert_uint_eq(poll_dry(), 3);
    ck_assert_uint_eq(ms_engine_steps(&engine), 1);
    step_with(2, 0);
    ck_assert_uint_eq(poll_dry(), 0);
    ck_assert_uint_eq(ms_engine_steps(&engine), 2);
    ck_assert_int_eq(ms_engine_deadline(&engine), 2 + MS_SEC);
}
END_TEST

START_TEST(test_a_step_may_fill_the_queue_again_and_again)
{
    for (ms_time now = 1; now < 5; now++) {
        step_with(now, MS_EFFECTS_MAX);
        ck_assert_uint_eq(ms_engine_room(&engine), 0);
        ck_assert_uint_eq(poll_dry(), MS_EFFECTS_MAX);
    }
}
END_TEST

START_TEST(test_send_carries_the_command)
{
    struct ms_effect effect;

    step_with(1, 0);
    ms_engine_send(&engine, 7, 9, &(struct ms_command){.kind = MS_KIND_BEAT, .count = 5});
    ck_assert(ms_engine_poll(&engine, &effect));
    ck_assert_int_eq(effect.type, MS_EFFECT_SEND);
    ck_assert_uint_eq(effect.peer, 7);
    ck_assert_uint_eq(effect.epoch, 9);
    ck_assert_int_eq(effect.command.kind, MS_KIND_BEAT);
    ck_assert_uint_eq(effect.command.count, 5);
}
END_TEST

/* Its effects are in the outer queue, behind those that are there, and leave it some places. */
START_TEST(test_a_part_emits_into_the_whole)
{
    const uint8_t entries[] = {1, 2, 3};
    struct ms_engine part;
    struct ms_effect effect;

    ck_assert(ms_engine_init(&part, engine.ops));
    ms_engine_nest(&part, &engine, 10);
    step_with(1, 1);
    ck_assert_uint_eq(ms_engine_room(&part) + 10, ms_engine_room(&engine));
    ms_engine_emit(&part, &(struct ms_effect){.type = MS_EFFECT_CLOSE, .peer = 3});
    ck_assert_ptr_null(ms_engine_last_persist(&engine));
    ms_engine_persist(&part, 4, (struct ms_bytes){entries, sizeof entries});
    ck_assert_ptr_nonnull(ms_engine_last_persist(&engine));
    ck_assert_uint_eq(ms_engine_last_persist(&engine)->seq, 4);
    ck_assert_ptr_eq(ms_engine_last_persist(&engine)->command.payload.data, entries);
    ms_engine_emit(&engine, &(struct ms_effect){.type = MS_EFFECT_PAUSE});
    ck_assert_ptr_null(ms_engine_next(&part));
    for (size_t i = 0; i < 4; i++) {
        static const enum ms_effect_type types[] = {MS_EFFECT_CLOSE, MS_EFFECT_CLOSE,
                                                    MS_EFFECT_PERSIST, MS_EFFECT_PAUSE};

        ck_assert(ms_engine_poll(&engine, &effect));
        ck_assert_int_eq(effect.type, types[i]);
    }
    ck_assert(!ms_engine_poll(&engine, &effect));
    ms_engine_finish(&part);
}
END_TEST

START_TEST(test_time_does_not_run_back)
{
    step_with(5, 0);
    step_with(4, 0);
}
END_TEST

START_TEST(test_a_step_before_the_last_was_polled_dry)
{
    step_with(1, 1);
    step_with(2, 0);
}
END_TEST

START_TEST(test_too_many_effects)
{
    step_with(1, FLOOD);
}
END_TEST

START_TEST(test_a_persist_always_fits)
{
    const uint8_t entries[] = {1, 2, 3};
    struct ms_effect effect = {0};

    step_with(1, MS_EFFECTS_MAX);
    ms_engine_persist(&engine, 7, (struct ms_bytes){entries, sizeof entries});
    for (int i = 0; i <= MS_EFFECTS_MAX; i++) {
        ck_assert(ms_engine_poll(&engine, &effect));
    }
    ck_assert_int_eq(effect.type, MS_EFFECT_PERSIST);
    ck_assert_uint_eq(effect.seq, 7);
    ck_assert_ptr_eq(effect.command.payload.data, entries);
    ck_assert_uint_eq(effect.command.payload.size, sizeof entries);
    ck_assert(!ms_engine_poll(&engine, &effect));
}
END_TEST

START_TEST(test_an_empty_persist_is_refused)
{
    step_with(1, 0);
    ms_engine_persist(&engine, 7, (struct ms_bytes){0});
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("engine");
    TCase *contract = tcase_create("contract");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(contract, set_up, tear_down);
    tcase_add_test(contract, test_effects_come_in_order);
    tcase_add_test(contract, test_a_step_may_fill_the_queue_again_and_again);
    tcase_add_test(contract, test_send_carries_the_command);
    tcase_add_test(contract, test_a_part_emits_into_the_whole);
    tcase_add_test(contract, test_a_persist_always_fits);
    tcase_add_test_raise_signal(contract, test_an_empty_persist_is_refused, SIGABRT);
    tcase_add_test_raise_signal(contract, test_time_does_not_run_back, SIGABRT);
    tcase_add_test_raise_signal(contract, test_a_step_before_the_last_was_polled_dry, SIGABRT);
    tcase_add_test_raise_signal(contract, test_too_many_effects, SIGABRT);
    suite_add_tcase(suite, contract);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
