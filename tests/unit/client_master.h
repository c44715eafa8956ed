/* The other end of the client library's tests: an engine on the same loop that answers as it is told. */
#ifndef TESTS_UNIT_CLIENT_MASTER_H
#define TESTS_UNIT_CLIENT_MASTER_H

#include <check.h>
#include <ev.h>

#include "core/io/driver.h"

enum manner {
    MANNER_ANSWER, /* SUBMIT is answered with its payload */
    MANNER_HOLD,   /* SUBMIT is accepted, and that is all */
    MANNER_STREAM, /* three pieces, then the payload */
    MANNER_REFUSE, /* UNKNOWN_TYPE */
};

struct master {
    struct ms_engine engine;
    struct ms_driver *driver;
    enum manner manner;
    ms_peer peer;
    char bound[MS_ADDRESS_MAX + 1];
    uint64_t submits_count, cancels_count, acks_count, byes_count;
    struct ms_hello hello; /* the last one */
    struct ms_query query; /* the same */
    struct ms_command submit;
    struct ms_terms terms;
    uint64_t parts_bytes;
};

static struct master master;

static inline void master_welcome(void)
{
    static const struct ms_welcome welcome = {
        .version = 1,
        .features = MS_FEATURES_ALL | MS_FEATURE_PARTS,
        .token = {{1}},
        .session = 7,
        .payload_max = MS_PAYLOAD_MAX_DEFAULT,
        .beat_interval = 10 * MS_SEC,
        .dead_after = 60 * MS_SEC,
    };

    ms_engine_send(&master.engine, master.peer, 1,
                   &(struct ms_command){.kind = MS_KIND_WELCOME, .body.welcome = &welcome});
}

static inline void master_outcome(uint64_t seq, enum ms_status status, struct ms_bytes payload)
{
    ms_engine_send(&master.engine, master.peer, 1,
                   &(struct ms_command){
                       .kind = MS_KIND_OUTCOME,
                       .id.seq = seq,
                       .attempt = 1,
                       .index = master.manner == MANNER_STREAM ? 3 : 0,
                       .status = (uint8_t)status,
                       .detail = ms_bytes_of("why"),
                       .payload = payload,
                   });
}

static inline void master_stream(uint64_t seq)
{
    for (uint32_t i = 0; i < 3; i++) {
        ms_engine_send(&master.engine, master.peer, 1,
                       &(struct ms_command){
                           .kind = MS_KIND_STREAM,
                           .id.seq = seq,
                           .attempt = 1,
                           .index = i,
                           .stream = i == 1 ? MS_STREAM_STDERR : MS_STREAM_DATA,
                           .payload = ms_bytes_of(i == 1 ? "e" : "d"),
                       });
    }
}

static inline void master_submit(const struct ms_command *submit)
{
    const uint32_t array_count = submit->terms != NULL ? submit->terms->array_count : 0;

    master.submits_count++;
    master.submit = *submit;
    master.terms = submit->terms != NULL ? *submit->terms : (struct ms_terms){0};
    if (master.manner == MANNER_REFUSE) {
        ms_engine_send(&master.engine, master.peer, 1,
                       &(struct ms_command){
                           .kind = MS_KIND_SUBMIT_NAK,
                           .id.seq = submit->id.seq,
                           .error = MS_E_UNKNOWN_TYPE,
                           .detail = ms_bytes_of("no such type"),
                       });
        return;
    }
    ms_engine_send(
        &master.engine, master.peer, 1,
        &(struct ms_command){
            .kind = MS_KIND_SUBMIT_ACK, .id.seq = submit->id.seq, .count = 1, .copies = 1});
    for (uint32_t i = array_count; i > 1 && master.manner == MANNER_ANSWER; i--) {
        master_outcome(submit->id.seq + i - 1, MS_STATUS_OK, submit->payload);
    }
    if (master.manner == MANNER_HOLD || (submit->flags & MS_FLAG_BACKGROUND) != 0) {
        return;
    }
    if (master.manner == MANNER_STREAM) {
        master_stream(submit->id.seq);
    }
    master_outcome(submit->id.seq, MS_STATUS_OK, submit->payload);
}

/* Whoever asks for output gets two lines of it. */
static inline void master_tail(uint64_t number)
{
    const bool has_output =
        master.query.what == MS_QUERY_TAIL || master.query.what == MS_QUERY_RESULT;

    for (uint32_t i = 0; i < 2 && has_output; i++) {
        ms_engine_send(&master.engine, master.peer, 1,
                       &(struct ms_command){
                           .kind = MS_KIND_TAIL,
                           .count = number,
                           .attempt = 1,
                           .index = i,
                           .stream = i == 0 ? MS_STREAM_DATA : MS_STREAM_STDERR,
                           .payload = ms_bytes_of(i == 0 ? "out" : "err"),
                       });
    }
}

static inline void master_report(uint64_t number)
{
    static const struct ms_cell cells[] = {
        {.name = "name", .text = "a"},
        {.name = "held", .is_number = true, .number = 3},
    };
    static const struct ms_report report = {
        .columns_count = 2, .cells_count = 2, .cells = cells, .last = true};

    ms_engine_send(
        &master.engine, master.peer, 1,
        &(struct ms_command){.kind = MS_KIND_REPORT, .count = number, .body.report = &report});
}

static inline void master_receive(const struct ms_command *command)
{
    switch (command->kind) {
    case MS_KIND_HELLO:
        master.hello = *command->body.hello;
        master_welcome();
        break;
    case MS_KIND_SUBMIT:
        master_submit(command);
        break;
    case MS_KIND_OUTCOME_ACK:
        master.acks_count += command->count;
        break;
    case MS_KIND_CANCEL:
        master.cancels_count++;
        master_outcome(command->id.seq, MS_STATUS_CANCELLED, (struct ms_bytes){NULL, 0});
        break;
    case MS_KIND_PART:
        master.parts_bytes += command->payload.size;
        break;
    case MS_KIND_BEAT:
        ms_engine_send(&master.engine, master.peer, 1,
                       &(struct ms_command){.kind = MS_KIND_BEAT_ACK, .count = command->count});
        break;
    case MS_KIND_QUERY:
        master.query = *command->body.query;
        master_tail(command->count);
        master_report(command->count);
        break;
    case MS_KIND_BYE:
        master.byes_count++;
        ms_engine_emit(&master.engine,
                       &(struct ms_effect){.type = MS_EFFECT_CLOSE, .peer = master.peer});
        break;
    default:
        break;
    }
}

static inline void master_step(struct ms_engine *engine, ms_time now, const struct ms_event *event)
{
    (void)engine, (void)now;
    if (event->type == MS_EVENT_PEER_OPENED) {
        master.peer = event->peer;
    } else if (event->type == MS_EVENT_RECEIVED && event->peer == master.peer) {
        master_receive(event->command);
    } else if (event->type == MS_EVENT_STOP) { /* the test wants the connection broken */
        ms_engine_emit(&master.engine,
                       &(struct ms_effect){.type = MS_EFFECT_CLOSE, .peer = master.peer});
    }
}

static inline ms_time master_deadline(const struct ms_engine *engine)
{
    (void)engine;
    return MS_TIME_NEVER;
}

static inline void master_effect(void *context, const struct ms_effect *effect)
{
    (void)context, (void)effect;
    ck_abort_msg("the master has no such effects");
}

static inline void master_start(struct ev_loop *loop)
{
    static const struct ms_engine_ops ops = {"master", master_step, master_deadline};
    char why[MS_ADDRESS_MAX];

    master = (struct master){.manner = MANNER_ANSWER};
    ck_assert(ms_engine_init(&master.engine, &ops));
    master.driver = ms_driver_create(&(struct ms_driver_options){
        .size = sizeof(struct ms_driver_options),
        .loop = loop,
        .engine = &master.engine,
        .is_server = true,
        .payload_max = MS_PAYLOAD_MAX_DEFAULT,
        .effect = master_effect,
    });
    ck_assert_ptr_nonnull(master.driver);
    ck_assert(ms_driver_listen(master.driver, "127.0.0.1:0", master.bound, why, sizeof why));
}

static inline void master_break_connection(void)
{
    ms_driver_post(master.driver, &(struct ms_event){.type = MS_EVENT_STOP});
}

static inline void master_stop(void)
{
    ms_driver_destroy(master.driver);
    ms_engine_finish(&master.engine);
}

#endif
