/* A master alone with literal events: what its tests share. Each poll checks all invariants. */
#ifndef TESTS_UNIT_MASTER_SCRIPT_H
#define TESTS_UNIT_MASTER_SCRIPT_H

#include "master/master.h"
#include "master_sent.h"

#define EPOCH    7u
#define ECHO     2000u
#define OTHER    3000u
#define SENT_MAX 4096

struct script {
    struct ms_master *master;
    struct ms_engine *engine;
    ms_time now;
    struct sent *sent; /* of the latest step */
    size_t count;
    uint8_t nonces;
    uint64_t last_token; /* handed out */
    ms_epoch epoch;
    struct shelf *shelf; /* what the master wrote, or NULL (master_shelf.h) */
    void (*keep)(struct shelf *shelf, const struct ms_effect *persist);
};

static inline void poll_dry(struct script *s)
{
    struct ms_effect effect;

    while (ms_engine_poll(s->engine, &effect)) {
        ck_assert_uint_lt(s->count, SENT_MAX);
        struct sent *sent = &s->sent[s->count++];

        *sent = (struct sent){.effect = effect, .cells = sent->cells};
        if (effect.type == MS_EFFECT_PERSIST && s->shelf != NULL) {
            s->keep(s->shelf, &effect);
        }
        if (effect.type != MS_EFFECT_SEND) {
            continue;
        }
        ck_assert(effect.epoch == s->epoch ||
                  (effect.epoch == 0 && effect.command.kind == MS_KIND_ERROR)); /* to a stranger */
        copy_bytes(sent->payload, sizeof sent->payload, effect.command.payload);
        copy_bytes(sent->detail, sizeof sent->detail, effect.command.detail);
        if (effect.command.usage != NULL) {
            sent->usage = *effect.command.usage;
        }
        if (effect.command.kind == MS_KIND_COMMAND) {
            s->last_token = effect.command.token.n;
        }
        if (effect.command.kind == MS_KIND_WELCOME) {
            sent->welcome = *effect.command.body.welcome;
        } else if (effect.command.kind == MS_KIND_VERDICT) {
            copy_tokens(sent, effect.command.body.tokens);
        } else if (effect.command.kind == MS_KIND_REPORT) {
            copy_report(sent, effect.command.body.report);
        }
    }
    ms_master_check(s->master);
}

static inline void step(struct script *s, const struct ms_event *event)
{
    s->count = 0;
    ms_engine_step(s->engine, s->now, event);
    poll_dry(s);
}

static inline void tick_at(struct script *s, ms_time now)
{
    s->now = now;
    step(s, &(struct ms_event){.type = MS_EVENT_TICK});
}

/* Ticks at once for as long as the engine wants to go on; effects add up. */
static inline void settle_down(struct script *s)
{
    s->count = 0;
    for (int i = 0; ms_engine_deadline(s->engine) <= s->now; i++) {
        ck_assert_int_lt(i, 100000);
        ms_engine_step(s->engine, s->now, &(struct ms_event){.type = MS_EVENT_TICK});
        poll_dry(s);
    }
}

/* Lets time pass, ticking at every deadline. */
static inline void run_until(struct script *s, ms_time until)
{
    ms_time at;

    s->count = 0;
    while ((at = ms_engine_deadline(s->engine)) <= until) {
        s->now = at > s->now ? at : s->now;
        ms_engine_step(s->engine, s->now, &(struct ms_event){.type = MS_EVENT_TICK});
        poll_dry(s);
    }
    s->now = until;
}

static inline void setup_with(struct script *s, const struct ms_master_config *config)
{
    *s = (struct script){.now = 1000 * MS_SEC, .epoch = config->epoch};
    s->master = ms_master_create(config);
    ck_assert_ptr_nonnull(s->master);
    s->engine = ms_master_engine(s->master);
    s->sent = calloc(SENT_MAX, sizeof *s->sent);
    ck_assert_ptr_nonnull(s->sent);
}

static inline void setup(struct script *s)
{
    setup_with(s, &(struct ms_master_config){.epoch = EPOCH,
                                             .crashes_max = MS_CRASHES_MAX_DEFAULT,
                                             .seed = 1,
                                             .name = "m",
                                             .build = "test"});
}

static inline void forget_sent(struct script *s)
{
    for (size_t i = 0; i < SENT_MAX; i++) {
        free(s->sent[i].cells);
    }
    free(s->sent);
}

static inline void teardown(struct script *s)
{
    ms_master_check(s->master);
    ms_master_destroy(s->master);
    forget_sent(s);
}

#define TESTS(...)                                                                                 \
    int main(void)                                                                                 \
    {                                                                                              \
        const TTest *const tests[] = {__VA_ARGS__};                                                \
        Suite *suite = suite_create(__FILE__);                                                     \
        TCase *tcase = tcase_create("all");                                                        \
        tcase_set_timeout(tcase, 60); /* machines may be busy */                                   \
        for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {                              \
            tcase_add_test(tcase, tests[i]);                                                       \
        }                                                                                          \
        suite_add_tcase(suite, tcase);                                                             \
        SRunner *runner = srunner_create(suite);                                                   \
        srunner_run_all(runner, CK_NORMAL);                                                        \
        int failed = srunner_ntests_failed(runner);                                                \
        srunner_free(runner);                                                                      \
        return failed == 0 ? 0 : 1;                                                                \
    }

#endif
