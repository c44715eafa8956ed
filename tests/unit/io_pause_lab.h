/* A driver whose engine begins pauses and says things on request. */
#ifndef TESTS_UNIT_IO_PAUSE_LAB_H
#define TESTS_UNIT_IO_PAUSE_LAB_H

#include <check.h>

#include "tests/support/echo.h"

#define LOG_MAX 32768u

enum { PAUSES_MAX = 4 };

struct lab {
    struct ms_engine engine;
    struct ms_driver *driver;
    struct ev_loop *loop;
    char bound[MS_ADDRESS_MAX + 1];
    ms_peer opened, closed; /* last */
    uint32_t opened_count, closed_count, hellos_count, ticks_count;
    bool is_mute, pauses_at_close; /* is_mute: HELLO is not answered */
    uint64_t pause_at[PAUSES_MAX]; /* numbers of submissions whose step begins a pause */
    uint32_t arriving_count;       /* bytes of what is not whole yet came so often */
    ms_peer arriving;              /* and from whom */
    void (*on_submit)(struct ms_engine *engine, const struct ms_event *event);
    ms_time due;           /* a TICK, which begins a pause */
    uint64_t log[LOG_MAX]; /* numbers of submissions, as they came */
    uint32_t count;
};

static struct lab lab;

static inline void hear(struct ms_engine *engine, const struct ms_event *event)
{
    static const struct ms_welcome body = {
        .version = 1, .token = {{1}}, .payload_max = MS_PAYLOAD_MAX_DEFAULT};
    const struct ms_command answer = {.kind = MS_KIND_WELCOME, .body.welcome = &body};

    if (event->command->kind == MS_KIND_HELLO) {
        lab.hellos_count++;
        if (event->command->body.hello->role == MS_ROLE_SLAVE) {
            ms_engine_emit(engine,
                           &(struct ms_effect){.type = MS_EFFECT_MARK, .peer = event->peer});
        }
        if (!lab.is_mute) {
            ms_engine_send(engine, event->peer, 1, &answer);
        }
    } else if (event->command->kind == MS_KIND_SUBMIT) {
        ck_assert_uint_lt(lab.count, LOG_MAX);
        lab.log[lab.count++] = event->command->id.seq;
        if (lab.on_submit != NULL) {
            lab.on_submit(engine, event);
        }
        for (int i = 0; i < PAUSES_MAX; i++) {
            if (lab.pause_at[i] == event->command->id.seq) {
                ms_engine_emit(engine, &(struct ms_effect){.type = MS_EFFECT_PAUSE});
            }
        }
    }
}

/* REQUEST: count = the effect wanted. */
static inline void step(struct ms_engine *engine, ms_time now, const struct ms_event *event)
{
    struct ms_effect effect = {.type = (enum ms_effect_type)event->count, .peer = event->peer};

    (void)now;
    switch (event->type) {
    case MS_EVENT_PEER_OPENED:
        lab.opened_count++;
        lab.opened = event->peer;
        break;
    case MS_EVENT_PEER_CLOSED:
        lab.closed_count++;
        lab.closed = event->peer;
        if (lab.pauses_at_close) {
            ms_engine_emit(engine, &(struct ms_effect){.type = MS_EFFECT_PAUSE});
        }
        break;
    case MS_EVENT_RECEIVED:
        hear(engine, event);
        break;
    case MS_EVENT_ARRIVING:
        lab.arriving_count++;
        lab.arriving = event->peer;
        break;
    case MS_EVENT_TICK:
        lab.due = MS_TIME_NEVER;
        lab.ticks_count++;
        ms_engine_emit(engine, &(struct ms_effect){.type = MS_EFFECT_PAUSE});
        break;
    case MS_EVENT_REQUEST:
        if (effect.type == MS_EFFECT_SEND) {
            effect.command.kind = MS_KIND_BYE;
        }
        ms_engine_emit(engine, &effect);
        break;
    default:
        break;
    }
}

static inline ms_time deadline(const struct ms_engine *engine)
{
    (void)engine;
    return lab.due;
}

static inline void ignore(void *context, const struct ms_effect *effect)
{
    (void)context, (void)effect;
}

static const struct ms_engine_ops ops = {.name = "lab", .step = step, .deadline = deadline};

static inline void set_up(void)
{
    char why[MS_COMPLAINT_MAX];

    lab = (struct lab){.loop = ev_loop_new(EVFLAG_AUTO), .due = MS_TIME_NEVER};
    ck_assert_ptr_nonnull(lab.loop);
    ck_assert(ms_engine_init(&lab.engine, &ops));
    lab.driver =
        ms_driver_create(&(struct ms_driver_options){.size = sizeof(struct ms_driver_options),
                                                     .engine = &lab.engine,
                                                     .loop = lab.loop,
                                                     .is_server = true,
                                                     .payload_max = MS_PAYLOAD_MAX_DEFAULT,
                                                     .effect = ignore});
    ck_assert_ptr_nonnull(lab.driver);
    ck_assert_msg(ms_driver_listen(lab.driver, "127.0.0.1:0", lab.bound, why, sizeof why), "%s",
                  why);
}

static inline void tear_down(void)
{
    ms_driver_destroy(lab.driver);
    ms_engine_finish(&lab.engine);
    ev_loop_destroy(lab.loop);
}

static inline void ask(enum ms_effect_type type, ms_peer peer)
{
    const struct ms_event event = {.type = MS_EVENT_REQUEST, .peer = peer, .count = type};

    ms_driver_post(lab.driver, &event);
}

static inline void pause_all(void)
{
    ask(MS_EFFECT_PAUSE, 0);
}

static inline void resume_all(void)
{
    ask(MS_EFFECT_RESUME, 0);
}

static inline void say(struct raw *raw, struct ms_encoder *encoder)
{
    const struct ms_bytes bytes = ms_encoder_flush(encoder);

    raw_write(raw, bytes.data, bytes.size);
    ms_encoder_finish(encoder);
}

/* Submissions from .. to; each in a frame of its own if asked for, else as the encoder has it. */
static inline void submit(struct raw *raw, uint64_t from, uint64_t to, size_t size, bool is_apart)
{
    static uint8_t payload[8192];
    struct ms_encoder encoder;

    ms_encoder_init(&encoder);
    for (uint64_t seq = from; seq <= to; seq++) {
        echo_submit(&encoder, seq, payload, size);
        if (is_apart) {
            say(raw, &encoder);
            ms_encoder_init(&encoder);
        }
    }
    say(raw, &encoder);
}

static inline ms_peer greet_as(struct raw *raw, enum ms_role role)
{
    const uint32_t hellos = lab.hellos_count;
    struct ms_encoder encoder;

    raw_open(raw, lab.loop, lab.bound);
    ms_encoder_init(&encoder);
    echo_hello(&encoder, role);
    say(raw, &encoder);
    echo_wait(lab.loop, lab.hellos_count > hellos);
    echo_settle(lab.loop);
    return lab.opened;
}

#endif
