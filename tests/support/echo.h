/* A tiny engine and raw sockets for the tests of core/io: HELLO is answered with WELCOME, SUBMIT with an
 * OUTCOME of the same payload, BYE with CLOSE; what happened is counted. */
#ifndef TESTS_SUPPORT_ECHO_H
#define TESTS_SUPPORT_ECHO_H

#include <ev.h>

#include "core/engine.h"
#include "core/io/driver_private.h"

#define ECHO_REQUESTS_MAX 64

struct echo {
    struct ms_engine engine;
    struct ms_driver *driver;
    struct ev_loop *loop;
    char bound[MS_ADDRESS_MAX + 1];
    bool is_mute;    /* HELLO is not answered */
    bool is_client;  /* PEER_OPENED is answered with HELLO */
    bool is_late;    /* each SUBMIT asks for a TICK */
    ms_time tick_at; /* deadline; NEVER after the tick */
    uint32_t opened_count, closed_count, submits_count, outcomes_count, ticks_count, welcomes_count;
    uint32_t tag;        /* of the last PEER_OPENED or PEER_CLOSED */
    ms_peer peer;        /* opened last */
    enum ms_error error; /* of the last PEER_CLOSED */
    enum ms_error heard; /* of the last ERROR received */
    struct ms_uuid nonce;
    uint32_t requests_count; /* REQUEST events, and in which order: their seq */
    uint64_t requests[ECHO_REQUESTS_MAX];
    uint8_t request_last; /* first byte of its payload */
    void (*on_effect)(struct echo *echo, const struct ms_effect *effect);
};

/* A driver on the loop; listens when address is not NULL. Aborts when anything fails. */
void echo_start(struct echo *echo, struct ev_loop *loop, bool is_server, const char *address);
void echo_stop(struct echo *echo);

/* Runs the loop until the condition holds; the test fails when it does not within 20 s. */
#define echo_wait(loop, condition)                                                                 \
    do {                                                                                           \
        echo_guard(loop, #condition, true);                                                        \
        while (!(condition)) {                                                                     \
            ev_run(loop, EVRUN_ONCE);                                                              \
        }                                                                                          \
        echo_guard(loop, #condition, false);                                                       \
    } while (0)
void echo_guard(struct ev_loop *loop, const char *condition, bool is_on);

/* Non-blocking turns until nothing more happens at once. */
void echo_settle(struct ev_loop *loop);

/* The other end: a plain socket whose input is collected by the loop. */
struct raw {
    int fd;
    ev_io io;
    struct ev_loop *loop;
    uint8_t *input;
    size_t size, capacity;
    bool is_at_end;
    enum ms_error error; /* of an ERROR frame seen by raw_count */
};

void raw_open(struct raw *raw, struct ev_loop *loop, const char *address);
void raw_close(struct raw *raw);
void raw_read(struct raw *raw, bool is_on); /* starts or stops collecting; on after open */
void raw_write(struct raw *raw, const void *data, size_t size);

/* Whole commands of a kind among what has come; asserts that all of it is well-formed. */
uint32_t raw_count(struct raw *raw, enum ms_kind kind);

/* A growing text of encoded commands. */
void echo_hello(struct ms_encoder *encoder, enum ms_role role);
void echo_submit(struct ms_encoder *encoder, uint64_t seq, const void *payload, size_t size);
void echo_bye(struct ms_encoder *encoder);

#endif
