/* What the other end of the client library's tests knows and answers; client_master.h runs it. */
#ifndef TESTS_UNIT_CLIENT_MASTER_ANSWERS_H
#define TESTS_UNIT_CLIENT_MASTER_ANSWERS_H

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

#endif
