/* A client's engine, and both sides of it played by the test: what the application asks, what the master says.
 * cookie of the n-th submission is COOKIES + n. */
#ifndef TESTS_UNIT_CLIENT_FIXTURE_H
#define TESTS_UNIT_CLIENT_FIXTURE_H

#include <check.h>
#include <signal.h>
#include <stdlib.h>

#include "client/client.h"

#define BEAT        (500 * MS_MSEC)
#define DEAD        (4 * MS_SEC)
#define TYPE        2000
#define COOKIES     1000
#define PAYLOAD_MAX 64

static struct ms_client_engine client;
static ms_time now;
static ms_peer peer;
static uint64_t told_window, told_features;

static inline void begin(const struct ms_client_config *more)
{
    struct ms_client_config config = *more;

    config.addresses = "a:1,b:2";
    config.client = (struct ms_uuid){{7}};
    config.seed = 11;
    now = 1000;
    peer = 0;
    told_window = 0;
    told_features = MS_FEATURE_STREAM | MS_FEATURE_RESUME;
    ck_assert(ms_client_engine_init(&client, &config));
}

static inline void setup(void)
{
    begin(&(struct ms_client_config){.name = "test", .build = "unit"});
}

static inline void teardown(void)
{
    ms_client_engine_check(&client);
    ms_client_engine_finish(&client);
}

static inline void step(const struct ms_event *event)
{
    ms_engine_step(&client.base, now, event);
    ms_client_engine_check(&client);
}

static inline void tick(void)
{
    step(&(struct ms_event){.type = MS_EVENT_TICK});
}

static inline struct ms_effect expect(enum ms_effect_type type)
{
    struct ms_effect effect = {0};

    ck_assert(ms_engine_poll(&client.base, &effect));
    ck_assert_int_eq(effect.type, type);
    return effect;
}

static inline struct ms_command expect_sent(enum ms_kind kind)
{
    const struct ms_effect effect = expect(MS_EFFECT_SEND);

    ck_assert_uint_eq(effect.peer, peer);
    ck_assert_int_eq(effect.command.kind, kind);
    return effect.command;
}

static inline struct ms_effect expect_delivered(enum ms_kind kind, uint64_t n)
{
    const struct ms_effect effect = expect(MS_EFFECT_DELIVER);

    ck_assert_int_eq(effect.command.kind, kind);
    if (n != 0) {
        ck_assert_uint_eq(effect.seq, COOKIES + n);
    }
    return effect;
}

static inline void expect_note(enum ms_client_note note)
{
    ck_assert_uint_eq(expect_delivered(MS_KIND_NONE, 0).tag, note);
}

static inline void expect_later(enum ms_error error)
{
    const struct ms_effect effect = expect_delivered(MS_KIND_NONE, 0);

    ck_assert_uint_eq(effect.tag, MS_CLIENT_NOTE_LATER);
    ck_assert_int_eq(effect.command.error, error);
}

static inline void expect_nothing(void)
{
    struct ms_effect effect = {0};

    ck_assert(!ms_engine_poll(&client.base, &effect));
}

static inline int run_tests(const char *name, TCase *tests)
{
    Suite *suite = suite_create(name);

    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#endif
