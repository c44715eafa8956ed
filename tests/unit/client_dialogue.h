/* The dialogue of a client's engine: what its application asks, what its master says, and what is expected. */
#ifndef TESTS_UNIT_CLIENT_DIALOGUE_H
#define TESTS_UNIT_CLIENT_DIALOGUE_H

#include "tests/unit/client_fixture.h"

static inline void receive(const struct ms_command *command)
{
    step(&(struct ms_event){
        .type = MS_EVENT_RECEIVED, .peer = peer, .epoch = 1, .command = command});
}

static inline void come_up_to(bool knows_us)
{
    const struct ms_welcome welcome = {
        .version = 1,
        .features = told_features,
        .token = {{5}},
        .resumed = knows_us,
        .session = 77,
        .payload_max = PAYLOAD_MAX,
        .outstanding_max = told_window,
        .beat_interval = BEAT,
        .dead_after = DEAD,
    };

    const ms_time deadline = ms_engine_deadline(&client.base);

    now = deadline > now ? deadline : now;
    tick();
    const struct ms_effect connect = expect(MS_EFFECT_CONNECT);

    peer++;
    step(&(struct ms_event){.type = MS_EVENT_PEER_OPENED, .peer = peer, .tag = connect.tag});
    const struct ms_command hello = expect_sent(MS_KIND_HELLO);

    ck_assert_uint_eq(hello.body.hello->floor, ms_requests_floor(&client.requests));
    ck_assert_int_eq(hello.body.hello->role, MS_ROLE_CLIENT);
    receive(&(struct ms_command){.kind = MS_KIND_WELCOME, .body.welcome = &welcome});
    expect_note(MS_CLIENT_NOTE_UP);
}

/* To the master of the connection before, or to the first one. */
static inline void come_up(void)
{
    come_up_to(!ms_uuid_is_zero(&client.upstream.hello.token));
}

static inline void lose(void)
{
    step(&(struct ms_event){.type = MS_EVENT_PEER_CLOSED, .peer = peer, .error = MS_E_CLOSED});
    expect_note(MS_CLIENT_NOTE_LOST);
    expect_nothing();
}

static inline void request(uint64_t n, const struct ms_command *command)
{
    step(&(struct ms_event){.type = MS_EVENT_REQUEST, .seq = COOKIES + n, .command = command});
}

static inline void submit_flags(uint64_t n, unsigned flags)
{
    request(n, &(struct ms_command){
                   .kind = MS_KIND_SUBMIT,
                   .type = TYPE,
                   .attempts_max = 2,
                   .flags = (uint8_t)flags,
                   .payload = ms_bytes_of("load"),
               });
}

static inline void submit(uint64_t n)
{
    submit_flags(n, 0);
}

static inline void expect_submit(uint64_t seq)
{
    const struct ms_command command = expect_sent(MS_KIND_SUBMIT);

    ck_assert_uint_eq(command.id.seq, seq);
    ck_assert_uint_eq(command.type, TYPE);
    ck_assert_uint_eq(command.payload.size, 4);
    ck_assert_mem_eq(command.payload.data, "load", 4);
}

static inline void submitted(uint64_t n)
{
    submit(n);
    expect_submit(n);
    expect_nothing();
}

static inline void ack(uint64_t first, uint64_t count)
{
    receive(&(struct ms_command){
        .kind = MS_KIND_SUBMIT_ACK, .id.seq = first, .count = count, .copies = 1});
}

static inline void outcome(uint64_t seq, uint32_t attempt, uint32_t index)
{
    receive(&(struct ms_command){
        .kind = MS_KIND_OUTCOME,
        .id.seq = seq,
        .attempt = attempt,
        .index = index,
        .payload = ms_bytes_of("result"),
    });
}

static inline void expect_confirmed(uint64_t seq)
{
    const struct ms_command command = expect_sent(MS_KIND_OUTCOME_ACK);

    ck_assert_uint_eq(command.id.seq, seq);
    ck_assert_uint_eq(command.count, 1);
}

static inline void expect_outcome(uint64_t n)
{
    const struct ms_effect effect = expect_delivered(MS_KIND_OUTCOME, n);

    ck_assert_uint_eq(effect.command.id.seq, n);
    ck_assert(ms_uuid_equal(&effect.command.id.client, &(struct ms_uuid){{7}}));
    expect_confirmed(n);
    expect_nothing();
}

#endif
