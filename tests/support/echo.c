#include "tests/support/echo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/frame.h"

static struct echo *echo_of(const struct ms_engine *engine)
{
    return ms_container_of(engine, struct echo, engine);
}

static void welcome(struct ms_engine *engine, ms_peer peer)
{
    static struct ms_welcome body = {.version = 1, .payload_max = MS_PAYLOAD_MAX_DEFAULT};
    struct ms_command command = {.kind = MS_KIND_WELCOME};

    body.token.bytes[0] = 1;
    command.body.welcome = &body;
    ms_engine_send(engine, peer, 1, &command);
}

static void greet(struct ms_engine *engine, ms_peer peer)
{
    static struct ms_hello body = {
        .role = MS_ROLE_CLIENT, .version_min = 1, .version_max = 1, .name = "test"};
    struct ms_command command = {.kind = MS_KIND_HELLO};

    body.node.bytes[0] = 1;
    command.body.hello = &body;
    ms_engine_send(engine, peer, 1, &command);
}

static void receive(struct ms_engine *engine, const struct ms_event *event)
{
    struct echo *echo = echo_of(engine);
    struct ms_command outcome = {.kind = MS_KIND_OUTCOME, .id = event->command->id, .attempt = 1};

    switch (event->command->kind) {
    case MS_KIND_HELLO:
        if (!echo->is_mute) {
            welcome(engine, event->peer);
        }
        break;
    case MS_KIND_WELCOME:
        echo->welcomes_count++;
        break;
    case MS_KIND_SUBMIT:
        echo->submits_count++;
        echo->tick_at = echo->is_late ? engine->now : echo->tick_at;
        outcome.payload = event->command->payload;
        ms_engine_send(engine, event->peer, 1, &outcome);
        break;
    case MS_KIND_OUTCOME:
        echo->outcomes_count++;
        break;
    case MS_KIND_ERROR:
        echo->heard = (enum ms_error)event->command->error;
        break;
    case MS_KIND_BYE:
        ms_engine_emit(engine, &(struct ms_effect){.type = MS_EFFECT_CLOSE, .peer = event->peer});
        break;
    default:
        break;
    }
}

/* tag != 0: connect to the payload's text; BACKGROUND: an effect for the owner; else: to the peer. */
static void request(struct ms_engine *engine, const struct ms_event *event)
{
    struct echo *echo = echo_of(engine);
    const struct ms_command *command = event->command;
    struct ms_effect effect = {.type = MS_EFFECT_CONNECT, .tag = event->tag};

    if (echo->requests_count < ECHO_REQUESTS_MAX) {
        echo->requests[echo->requests_count] = command->id.seq;
    }
    echo->requests_count++;
    echo->request_last = command->payload.size > 0 ? command->payload.data[0] : 0;
    if (event->tag != 0) {
        effect.text = (const char *)command->payload.data;
        ms_engine_emit(engine, &effect);
    } else if (command->flags == MS_FLAG_BACKGROUND) {
        effect.type = MS_EFFECT_DELIVER;
        effect.command = *command;
        ms_engine_emit(engine, &effect);
    } else {
        ms_engine_send(engine, event->peer, 1, command);
    }
}

static void step(struct ms_engine *engine, ms_time now, const struct ms_event *event)
{
    struct echo *echo = echo_of(engine);

    switch (event->type) {
    case MS_EVENT_TICK:
        if (now >= echo->tick_at) {
            echo->ticks_count++;
            echo->tick_at = MS_TIME_NEVER;
        }
        break;
    case MS_EVENT_PEER_OPENED:
        echo->opened_count++;
        echo->peer = event->peer;
        echo->tag = event->tag;
        echo->nonce = event->nonce;
        if (echo->is_client) {
            greet(engine, event->peer);
        }
        break;
    case MS_EVENT_PEER_CLOSED:
        echo->closed_count++;
        echo->error = event->error;
        echo->tag = event->tag;
        break;
    case MS_EVENT_RECEIVED:
        receive(engine, event);
        break;
    case MS_EVENT_REQUEST:
        request(engine, event);
        break;
    default:
        break;
    }
}

static ms_time deadline(const struct ms_engine *engine)
{
    return echo_of(engine)->tick_at;
}

static const struct ms_engine_ops ops = {.name = "echo", .step = step, .deadline = deadline};

static void carry_out(void *context, const struct ms_effect *effect)
{
    struct echo *echo = context;

    if (echo->on_effect != NULL) {
        echo->on_effect(echo, effect);
    }
}

static void require(bool is_right, const char *what)
{
    if (!is_right) {
        fprintf(stderr, "%s: %s\n", what, strerror(errno));
        abort();
    }
}

void echo_start(struct echo *echo, struct ev_loop *loop, bool is_server, const char *address)
{
    struct ms_driver_options options = {.size = sizeof options,
                                        .loop = loop,
                                        .engine = &echo->engine,
                                        .is_server = is_server,
                                        .payload_max = MS_PAYLOAD_MAX_DEFAULT,
                                        .peers_max = 1024,
                                        .effect = carry_out,
                                        .context = echo};
    char why[MS_COMPLAINT_MAX];

    *echo = (struct echo){.loop = loop, .tick_at = MS_TIME_NEVER, .is_client = !is_server};
    require(ms_engine_init(&echo->engine, &ops), "engine");
    echo->driver = ms_driver_create(&options);
    require(echo->driver != NULL, "driver");
    if (address != NULL && !ms_driver_listen(echo->driver, address, echo->bound, why, sizeof why)) {
        require(false, why);
    }
}

void echo_stop(struct echo *echo)
{
    ms_driver_destroy(echo->driver);
    ms_engine_finish(&echo->engine);
}

static ev_timer guard;

static void on_guard(struct ev_loop *loop, ev_timer *timer, int revents)
{
    (void)loop, (void)revents;
    fprintf(stderr, "waited in vain for: %s\n", (const char *)timer->data);
    abort();
}

void echo_guard(struct ev_loop *loop, const char *condition, bool is_on)
{
    if (is_on) {
        ev_timer_init(&guard, on_guard, 20., 0.);
        guard.data = (void *)(uintptr_t)condition;
        ev_now_update(loop);
        ev_timer_start(loop, &guard);
    } else {
        ev_timer_stop(loop, &guard);
    }
}

void echo_settle(struct ev_loop *loop)
{
    for (int i = 0; i < 16; i++) {
        ev_run(loop, EVRUN_NOWAIT);
    }
}

static void on_raw(struct ev_loop *loop, ev_io *io, int revents)
{
    struct raw *raw = io->data;
    ssize_t got;

    (void)revents;
    if (raw->capacity - raw->size < 65536) {
        raw->capacity = raw->capacity * 2 + 65536;
        raw->input = realloc(raw->input, raw->capacity);
        require(raw->input != NULL, "realloc");
    }
    got = recv(raw->fd, raw->input + raw->size, raw->capacity - raw->size, MSG_DONTWAIT);
    if (got > 0) {
        raw->size += (size_t)got;
    } else if (got == 0 || errno != EAGAIN) {
        raw->is_at_end = true;
        ev_io_stop(loop, io);
    }
}

void raw_open(struct raw *raw, struct ev_loop *loop, const char *text)
{
    struct ms_address address;
    struct ms_endpoints endpoints;
    const struct sockaddr *name = (const struct sockaddr *)&endpoints.items[0].address;

    *raw = (struct raw){.loop = loop};
    require(ms_address_parse(text, MS_ADDRESS_CONNECT, &address, NULL), text);
    require(ms_endpoints_find(&endpoints, &address, false), text);
    raw->fd = socket(name->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    require(raw->fd >= 0, "socket");
    require(connect(raw->fd, name, endpoints.items[0].size) == 0, text);
    ev_io_init(&raw->io, on_raw, raw->fd, EV_READ);
    raw->io.data = raw;
    ev_io_start(loop, &raw->io);
}

void raw_read(struct raw *raw, bool is_on)
{
    if (is_on) {
        ev_io_start(raw->loop, &raw->io);
    } else {
        ev_io_stop(raw->loop, &raw->io);
    }
}

void raw_close(struct raw *raw)
{
    ev_io_stop(raw->loop, &raw->io);
    close(raw->fd);
    free(raw->input);
    *raw = (struct raw){.fd = -1};
}

/* Turns the loop while the socket is full; gives up quietly when the other side has closed. */
void raw_write(struct raw *raw, const void *data, size_t size)
{
    const uint8_t *bytes = data;

    while (size > 0) {
        ssize_t sent = send(raw->fd, bytes, size, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (sent > 0) {
            bytes += sent;
            size -= (size_t)sent;
        } else if (errno == EAGAIN) {
            ev_run(raw->loop, EVRUN_ONCE);
        } else {
            return;
        }
    }
}

static uint32_t count_in_frame(struct raw *raw, struct ms_decoder *decoder,
                               const struct ms_frame *frame, enum ms_kind kind)
{
    struct ms_command command;
    uint32_t count = 0;
    bool has_more = true;

    require(ms_decoder_begin(decoder, frame) == MS_E_OK, "body");
    for (;;) {
        require(ms_decoder_next(decoder, &command, &has_more) == MS_E_OK, "command");
        if (!has_more) {
            return count;
        }
        count += command.kind == kind ? 1 : 0;
        if (command.kind == MS_KIND_ERROR) {
            raw->error = (enum ms_error)command.error;
        }
    }
}

uint32_t raw_count(struct raw *raw, enum ms_kind kind)
{
    struct ms_frame_limits limits = {.greeted = true, .payload_max = MS_PAYLOAD_MAX_CEILING};
    struct ms_decoder *decoder = ms_decoder_create();
    struct ms_bytes rest = {raw->input, raw->size};
    uint32_t count = 0;

    require(decoder != NULL, "decoder");
    while (rest.size > 0) {
        struct ms_frame frame;
        size_t used = 0, need = 0;

        require(ms_frame_parse(rest, &limits, &frame, &used, &need) == MS_E_OK, "frame");
        if (used == 0) {
            break;
        }
        count += count_in_frame(raw, decoder, &frame, kind);
        rest.data += used;
        rest.size -= used;
    }
    ms_decoder_destroy(decoder);
    return count;
}

void echo_hello(struct ms_encoder *encoder, enum ms_role role)
{
    struct ms_hello hello = {
        .role = role, .version_min = 1, .version_max = 1, .slots = 1, .name = "raw"};
    struct ms_command command = {.kind = MS_KIND_HELLO};

    hello.node.bytes[0] = 7;
    command.body.hello = &hello;
    require(ms_encoder_put(encoder, 0, &command) == MS_E_OK, "HELLO");
}

void echo_submit(struct ms_encoder *encoder, uint64_t seq, const void *payload, size_t size)
{
    struct ms_command command = {.kind = MS_KIND_SUBMIT,
                                 .type = MS_TYPE_USER_MIN,
                                 .attempts_max = 1,
                                 .id.seq = seq,
                                 .payload = {payload, size}};

    require(ms_encoder_put(encoder, 0, &command) == MS_E_OK, "SUBMIT");
}

void echo_bye(struct ms_encoder *encoder)
{
    struct ms_command command = {.kind = MS_KIND_BYE};

    require(ms_encoder_put(encoder, 0, &command) == MS_E_OK, "BYE");
}
