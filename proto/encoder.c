#include "proto/codec.h"

#include <stdlib.h>

#include "core/invariant.h"
#include "proto/acks.h"
#include "proto/pack.h"
#include "proto/pack_list.h"

#define CAPACITY_MIN ((size_t)256)
#define HINT_MAX     ((size_t)(256u << 10)) /* of memory taken at once after being idle */

/* An element of a control kind, its detail included; a frame is closed when no other would fit. */
#define CONTROL_ELEMENT_MAX (MS_PACK_ELEMENT_MAX + MS_DETAIL_MAX)

void ms_encoder_init(struct ms_encoder *encoder)
{
    *encoder = (struct ms_encoder){0};
    ms_assert(MS_KIND_NONE == 0);
}

void ms_encoder_finish(struct ms_encoder *encoder)
{
    if (encoder == NULL) {
        return;
    }
    ms_acks_finish(&encoder->acks);
    free(encoder->data);
    *encoder = (struct ms_encoder){0};
}

static void close_frame(struct ms_encoder *encoder)
{
    if (encoder->kind == MS_KIND_NONE) {
        return;
    }
    const size_t body = encoder->size - encoder->open_at - MS_FRAME_HEADER_SIZE;
    ms_assert(encoder->size >= encoder->open_at + MS_FRAME_HEADER_SIZE);
    ms_assert(body <= UINT32_MAX);
    ms_frame_header(encoder->data + encoder->open_at, encoder->kind, encoder->epoch,
                    (uint32_t)body);
    encoder->kind = MS_KIND_NONE;
}

static void open_frame(struct ms_encoder *encoder, enum ms_kind kind, ms_epoch epoch)
{
    ms_assert(encoder->kind == MS_KIND_NONE);
    ms_assert(encoder->capacity - encoder->size >= MS_FRAME_HEADER_SIZE);
    encoder->kind = kind;
    encoder->epoch = epoch;
    encoder->open_at = encoder->size;
    encoder->size += MS_FRAME_HEADER_SIZE;
}

/* What was sent is dropped when that is cheap: at most as much moves as was dropped. */
static void drop_sent(struct ms_encoder *encoder)
{
    const size_t waiting = encoder->size - encoder->head;

    ms_assert(encoder->head <= encoder->size);
    if (encoder->head == 0 || encoder->head < waiting) {
        return;
    }
    memmove(encoder->data, encoder->data + encoder->head, waiting);
    encoder->open_at = encoder->kind != MS_KIND_NONE ? encoder->open_at - encoder->head : 0;
    encoder->size = waiting;
    encoder->head = 0;
}

static bool grow(struct ms_encoder *encoder, size_t need)
{
    drop_sent(encoder);
    if (encoder->capacity - encoder->size >= need) {
        return true;
    }
    size_t capacity = encoder->capacity > 0 ? 2 * encoder->capacity : encoder->hint;
    if (capacity < CAPACITY_MIN) {
        capacity = CAPACITY_MIN;
    }
    while (capacity - encoder->size < need) {
        capacity *= 2;
    }
    uint8_t *data = realloc(encoder->data, capacity);
    if (data == NULL) {
        return false;
    }
    encoder->data = data;
    encoder->capacity = capacity;
    ms_assert(encoder->capacity - encoder->size >= need);
    return true;
}

/* Room for need bytes, and for the acknowledgements besides, so that flush never wants memory. */
static inline bool reserve(struct ms_encoder *encoder, size_t need)
{
    const size_t all = need + ms_acks_pending(&encoder->acks);

    return encoder->capacity - encoder->size >= all || grow(encoder, all);
}

static void write_acks(struct ms_encoder *encoder)
{
    ms_assert(encoder->kind == MS_KIND_NONE);
    if (encoder->acks.kind == MS_KIND_NONE) {
        return;
    }
    ms_assert(encoder->capacity - encoder->size >= ms_acks_pending(&encoder->acks));
    const uint8_t *end = ms_acks_write(&encoder->acks, encoder->data + encoder->size);
    encoder->size = (size_t)(end - encoder->data);
    ms_assert(encoder->size <= encoder->capacity);
}

/* Body size from which a frame of that kind takes no other command. */
static size_t batch_size(enum ms_kind kind)
{
    switch (kind) {
    case MS_KIND_COMMAND:
    case MS_KIND_OUTPUT:
    case MS_KIND_RESULT:
    case MS_KIND_SUBMIT:
    case MS_KIND_OUTCOME:
    case MS_KIND_STREAM:
    case MS_KIND_PART:
    case MS_KIND_TAIL:
    case MS_KIND_CALL:
    case MS_KIND_CALL_REPLY:
        return MS_FRAME_BATCH_SIZE;
    case MS_KIND_REVOKE:
    case MS_KIND_FOLLOW:
    case MS_KIND_RETURN:
    case MS_KIND_SUBMIT_NAK:
    case MS_KIND_CANCEL:
    case MS_KIND_CANCEL_ACK:
        return MS_FRAME_CONTROL_MAX - CONTROL_ELEMENT_MAX;
    default:
        return 0;
    }
}

static enum ms_error put_one(struct ms_encoder *encoder, ms_epoch epoch,
                             const struct ms_command *command)
{
    const enum ms_kind kind = (enum ms_kind)command->kind;

    if (!reserve(encoder, MS_FRAME_HEADER_SIZE + ms_pack_max(command))) {
        return MS_E_NO_MEMORY;
    }
    if (encoder->kind != kind || encoder->epoch != epoch) {
        close_frame(encoder);
        if (kind == MS_KIND_ERROR || kind == MS_KIND_BYE) {
            write_acks(encoder); /* nothing is read after these */
        }
        open_frame(encoder, kind, epoch);
    }
    const uint8_t *end = ms_pack(encoder->data + encoder->size, epoch, command);
    encoder->size = (size_t)(end - encoder->data);
    ms_assert(encoder->size <= encoder->capacity);
    if (encoder->size - encoder->open_at - MS_FRAME_HEADER_SIZE >= batch_size(kind)) {
        close_frame(encoder);
    }
    return MS_E_OK;
}

/* A table may be longer than a frame: then several carry it, all but the last saying so. */
static enum ms_error put_report(struct ms_encoder *encoder, ms_epoch epoch,
                                const struct ms_command *command)
{
    const struct ms_report *report = command->body.report;

    close_frame(encoder);
    const size_t waiting = encoder->size - encoder->head;
    uint32_t row = 0;
    bool more = true;
    while (more) {
        const uint32_t rows = ms_pack_report_rows(report, row);
        const uint32_t end = (row + rows) * report->columns_count;
        more = end < report->cells_count;
        ms_assert(rows > 0 || !more);
        const struct ms_report part = {
            .error = report->error,
            .columns_count = report->columns_count,
            .cells_count = rows * report->columns_count,
            .cells = rows > 0 ? report->cells + (size_t)row * report->columns_count : NULL,
            .last = report->last && !more,
        };
        struct ms_command copy = *command;
        copy.body.report = &part;
        const enum ms_error error = put_one(encoder, epoch, &copy);
        if (error != MS_E_OK) {
            encoder->size = encoder->head + waiting;
            return error;
        }
        row += rows;
    }
    return MS_E_OK;
}

/* Acknowledgements that were gathered in an epoch leave before any frame of another one: who has heard of that takes none
 * of an earlier one any more. */
static void keep_order(struct ms_encoder *encoder, ms_epoch epoch)
{
    if (encoder->acks.kind != MS_KIND_NONE && encoder->acks.epoch != epoch) {
        close_frame(encoder);
        write_acks(encoder);
    }
}

enum ms_error ms_encoder_put(struct ms_encoder *encoder, ms_epoch epoch,
                             const struct ms_command *command)
{
    const enum ms_kind kind = (enum ms_kind)command->kind;

    ms_assert(kind != MS_KIND_NONE && kind < MS_KIND_COUNT);
    keep_order(encoder, epoch);
    if (ms_pack_is_ack(kind)) {
        /* What this one adds at most, beside what waits already. */
        if (!reserve(encoder, MS_ACKS_TAIL_MAX)) {
            return MS_E_NO_MEMORY;
        }
        return ms_acks_put(&encoder->acks, epoch, command);
    }
    if (kind == MS_KIND_REPORT) {
        return put_report(encoder, epoch, command);
    }
    return put_one(encoder, epoch, command);
}

struct ms_bytes ms_encoder_flush(struct ms_encoder *encoder)
{
    close_frame(encoder);
    write_acks(encoder);
    ms_assert(encoder->head <= encoder->size);
    if (encoder->size == encoder->head) {
        return (struct ms_bytes){NULL, 0};
    }
    return (struct ms_bytes){encoder->data + encoder->head, encoder->size - encoder->head};
}

void ms_encoder_consume(struct ms_encoder *encoder, size_t size)
{
    ms_assert(size <= encoder->size - encoder->head);
    encoder->head += size;
    if (encoder->head < encoder->size || encoder->acks.kind != MS_KIND_NONE) {
        return;
    }
    ms_assert(encoder->kind == MS_KIND_NONE);
    /* An idle connection holds no memory; a busy one asks for about what it needed last. */
    encoder->hint = encoder->size < HINT_MAX ? encoder->size : HINT_MAX;
    free(encoder->data);
    encoder->data = NULL;
    encoder->head = encoder->size = encoder->capacity = encoder->open_at = 0;
}

size_t ms_encoder_pending(const struct ms_encoder *encoder)
{
    ms_assert(encoder->head <= encoder->size);
    return encoder->size - encoder->head + ms_acks_pending(&encoder->acks);
}
