/* A slave's engine and a master made of words: shared by the tests of its parts. */
#ifndef TESTS_UNIT_SLAVE_SCRIPT_H
#define TESTS_UNIT_SLAVE_SCRIPT_H

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

static inline struct ms_slave_config config(void)
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
        .parts_bytes_max = MS_PAYLOAD_MAX_CEILING,
    };
}

static inline void create(struct ms_slave_config configured)
{
    struct ms_complaint complaint;

    now = 0;
    peer = MS_PEER_NONE;
    slave = ms_slave_create(&configured, &complaint);
    ck_assert_ptr_nonnull(slave);
    engine = ms_slave_engine(slave);
}

static inline void teardown(void)
{
    if (slave != NULL) {
        ms_slave_check(slave);
    }
    ms_slave_destroy(slave);
    slave = NULL;
}

static inline void step(const struct ms_event *event)
{
    ms_engine_step(engine, now, event);
    ms_slave_check(slave);
}

static inline void tick(void)
{
    step(&(struct ms_event){.type = MS_EVENT_TICK});
}

static inline struct ms_effect expect(enum ms_effect_type type)
{
    struct ms_effect effect = {0};

    ck_assert(ms_engine_poll(engine, &effect));
    ck_assert_int_eq(effect.type, type);
    return effect;
}

static inline struct ms_command expect_sent(enum ms_kind kind)
{
    const struct ms_effect effect = expect(MS_EFFECT_SEND);

    ck_assert_str_eq(ms_kind_name(effect.command.kind), ms_kind_name(kind));
    ck_assert_uint_eq(effect.peer, peer);
    return effect.command;
}

static inline void expect_nothing(void)
{
    struct ms_effect effect;

    ck_assert(!ms_engine_poll(engine, &effect));
}

static inline void receive(const struct ms_command *command)
{
    step(&(struct ms_event){
        .type = MS_EVENT_RECEIVED, .peer = peer, .epoch = EPOCH, .command = command});
}

/* From IDLE to the WELCOME; what follows it is for the caller to poll. */
static inline void greet(bool is_resumed)
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

static inline void come_up(uint32_t credit)
{
    greet(false);
    ck_assert_uint_eq(expect_sent(MS_KIND_ANNOUNCE).body.announce->count, 2);
    if (credit > 0) {
        ck_assert_uint_eq(expect_sent(MS_KIND_PULL).count, credit);
    }
    expect_nothing();
}

static inline void setup(void)
{
    create(config());
    come_up(2);
}

static inline void lose(void)
{
    step(&(struct ms_event){.type = MS_EVENT_PEER_CLOSED, .peer = peer, .error = MS_E_CLOSED});
    expect_nothing();
    peer = MS_PEER_NONE;
}

static inline struct ms_slave_stats stats(void)
{
    struct ms_slave_stats out;

    ms_slave_stats(slave, &out);
    return out;
}

static inline void stop_now(void)
{
    step(&(struct ms_event){.type = MS_EVENT_STOP});
}

#endif
