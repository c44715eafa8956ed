/* An engine that is nothing but a way up. */
#ifndef TESTS_UNIT_CORE_UPSTREAM_OWNER_H
#define TESTS_UNIT_CORE_UPSTREAM_OWNER_H

#include <check.h>

#include "core/upstream.h"

#define BEAT (500 * MS_MSEC)
#define DEAD (4 * MS_SEC)

/* An owner that does nothing but hand its events on. */
struct owner {
    struct ms_engine engine;
    struct ms_upstream upstream;
    struct ms_rng rng;
    enum ms_upstream_news news;
};

static struct owner owner;
static ms_time now;

static inline void owner_step(struct ms_engine *engine, ms_time at, const struct ms_event *event)
{
    ck_assert_ptr_eq(engine, &owner.engine);
    owner.news = ms_upstream_step(&owner.upstream, at, event);
}

static inline ms_time owner_deadline(const struct ms_engine *engine)
{
    ck_assert_ptr_eq(engine, &owner.engine);
    return ms_upstream_deadline(&owner.upstream);
}

static const struct ms_engine_ops ops = {"owner", owner_step, owner_deadline};

static inline void begin(const char *addresses)
{
    now = 1000;
    owner = (struct owner){.news = MS_UPSTREAM_NOTHING};
    ck_assert(ms_engine_init(&owner.engine, &ops));
    ms_rng_init(&owner.rng, 7);
    ms_upstream_init(&owner.upstream, &owner.engine, &owner.rng, addresses);
    owner.upstream.hello.role = MS_ROLE_SLAVE;
    ms_upstream_start(&owner.upstream, now);
}

static inline void setup(void)
{
    begin("a:1,b:2,unix:/tmp/c");
}

static inline void teardown(void)
{
    ms_engine_finish(&owner.engine);
}

static inline enum ms_upstream_news step(const struct ms_event *event)
{
    ms_engine_step(&owner.engine, now, event);
    return owner.news;
}

static inline enum ms_upstream_news tick(void)
{
    return step(&(struct ms_event){.type = MS_EVENT_TICK});
}

static inline struct ms_effect expect(enum ms_effect_type type)
{
    struct ms_effect effect = {0};

    ck_assert(ms_engine_poll(&owner.engine, &effect));
    ck_assert_int_eq(effect.type, type);
    return effect;
}

static inline void expect_sent(enum ms_kind kind)
{
    ck_assert_int_eq(expect(MS_EFFECT_SEND).command.kind, kind);
}

static inline void expect_nothing(void)
{
    struct ms_effect effect;

    ck_assert(!ms_engine_poll(&owner.engine, &effect));
}

static inline enum ms_upstream_news receive(ms_peer peer, ms_epoch epoch,
                                            const struct ms_command *command)
{
    return step(&(struct ms_event){
        .type = MS_EVENT_RECEIVED, .peer = peer, .epoch = epoch, .command = command});
}

static inline enum ms_upstream_news receive_kind(ms_peer peer, ms_epoch epoch, enum ms_kind kind)
{
    return receive(peer, epoch, &(struct ms_command){.kind = (uint8_t)kind, .count = 9});
}

static inline enum ms_upstream_news open_peer(ms_peer peer, uint32_t tag)
{
    return step(&(struct ms_event){.type = MS_EVENT_PEER_OPENED, .peer = peer, .tag = tag});
}

static inline enum ms_upstream_news welcome(ms_peer peer, ms_epoch epoch)
{
    const struct ms_welcome body = {
        .version = 1,
        .features = MS_FEATURES_ALL,
        .token = {{5}},
        .beat_interval = BEAT,
        .dead_after = DEAD,
    };

    return receive(peer, epoch,
                   &(struct ms_command){.kind = MS_KIND_WELCOME, .body.welcome = &body});
}

/* Connects, from IDLE, and is greeted. */
static inline void come_up(ms_peer peer, ms_epoch epoch)
{
    now = ms_upstream_deadline(&owner.upstream);
    tick();
    const struct ms_effect connect = expect(MS_EFFECT_CONNECT);

    open_peer(peer, connect.tag);
    expect_sent(MS_KIND_HELLO);
    ck_assert_int_eq(welcome(peer, epoch), MS_UPSTREAM_WELCOMED);
    expect_nothing();
    ck_assert(ms_upstream_is_up(&owner.upstream));
}

static inline void come_up_alone(ms_peer peer, ms_epoch epoch)
{
    come_up(peer, epoch);
    owner.upstream.addresses_count = 1; /* no other master to be tried */
}

#endif
