#include "proto/acks.h"

#include <stdlib.h>

#include "core/invariant.h"
#include "proto/pack.h"
#include "proto/wire_put.h"

#define CAPACITY_MIN     256u
#define BODY_MAX         (MS_FRAME_CONTROL_MAX - MS_ACKS_TAIL_MAX)
#define NUMBER_FIELD_MAX (1 + MS_WIRE_VARINT_MAX)

static_assert(MS_FRAME_HEADER_SIZE + 2 + 2 * NUMBER_FIELD_MAX + 2 * 3 + NUMBER_FIELD_MAX <=
                  MS_ACKS_TAIL_MAX,
              "a frame with one run fits the tail");

static uint64_t first_of(const struct ms_command *command)
{
    return command->kind == MS_KIND_RESULT_ACK ? command->token.n : command->id.seq;
}

static ms_epoch token_epoch_of(ms_epoch epoch, const struct ms_command *command)
{
    return command->kind == MS_KIND_RESULT_ACK ? command->token.epoch : epoch;
}

/* May the command's run stand in the open frame? */
static bool is_same_frame(const struct ms_acks *acks, ms_epoch epoch,
                          const struct ms_command *command)
{
    return acks->kind == (enum ms_kind)command->kind && acks->epoch == epoch &&
           acks->token_epoch == token_epoch_of(epoch, command) &&
           acks->durability == command->durability && acks->copies == command->copies;
}

size_t ms_acks_pending(const struct ms_acks *acks)
{
    ms_assert(acks->kind != MS_KIND_NONE || acks->size == 0);
    return acks->kind == MS_KIND_NONE ? 0 : acks->size + MS_ACKS_TAIL_MAX;
}

/* Appends the run that is being gathered to the frame that begins at frame; used bytes of it are
 * there already, 0 when not even its header is. */
static size_t write_run(const struct ms_acks *acks, uint8_t *frame, size_t used)
{
    ms_assert(acks->count > 0);
    uint8_t *element = frame + (used > 0 ? used : MS_FRAME_HEADER_SIZE);
    uint8_t *end = ms_wire_put_u64(element + 2, 1, acks->first);
    end = ms_wire_put_u64(end, 2, acks->count > 1 ? acks->count : 0);
    element = ms_wire_put_key(element, 1, MS_WIRE_BYTES);
    *element = (uint8_t)(end - element - 1);
    return (size_t)(end - frame);
}

/* The same, and ends the frame. */
static size_t write_end(const struct ms_acks *acks, uint8_t *frame, size_t used)
{
    uint8_t *end = frame + write_run(acks, frame, used);

    end = ms_wire_put_u64(end, 2, acks->durability);
    end = ms_wire_put_u64(end, 3, acks->copies);
    end = ms_wire_put_u64(end, 4, acks->token_epoch != acks->epoch ? acks->token_epoch : 0);
    const size_t size = (size_t)(end - frame);
    ms_assert(size - MS_FRAME_HEADER_SIZE <= MS_FRAME_CONTROL_MAX);
    ms_frame_header(frame, acks->kind, acks->epoch, (uint32_t)(size - MS_FRAME_HEADER_SIZE));
    return size;
}

static bool reserve(struct ms_acks *acks)
{
    if (acks->capacity - acks->size >= MS_ACKS_TAIL_MAX) {
        return true;
    }
    const size_t capacity = acks->capacity > 0 ? 2 * acks->capacity : CAPACITY_MIN;
    uint8_t *data = realloc(acks->data, capacity);
    if (data == NULL) {
        return false;
    }
    acks->data = data;
    acks->capacity = capacity;
    ms_assert(acks->capacity - acks->size >= MS_ACKS_TAIL_MAX);
    return true;
}

/* Puts the gathered run down to make place for another. */
static bool settle_run(struct ms_acks *acks, bool is_frame_full)
{
    if (!reserve(acks)) {
        return false;
    }
    uint8_t *frame = acks->data + acks->open_at;
    const size_t used = acks->size - acks->open_at;
    if (is_frame_full) {
        acks->size = acks->open_at + write_end(acks, frame, used);
        acks->open_at = acks->size;
    } else {
        acks->size = acks->open_at + write_run(acks, frame, used);
    }
    ms_assert(acks->size <= acks->capacity);
    return true;
}

enum ms_error ms_acks_put(struct ms_acks *acks, ms_epoch epoch, const struct ms_command *command)
{
    const uint64_t first = first_of(command);
    const uint64_t count = command->count > 0 ? command->count : 1;

    ms_assert(ms_pack_is_ack((enum ms_kind)command->kind));
    ms_assert(first > 0 && count <= UINT64_MAX - first);
    const bool is_same = is_same_frame(acks, epoch, command);
    if (is_same && first == acks->first + acks->count) {
        acks->count += count;
        return MS_E_OK;
    }
    const bool is_full = acks->size - acks->open_at > BODY_MAX;
    if (acks->kind != MS_KIND_NONE && !settle_run(acks, !is_same || is_full)) {
        return MS_E_NO_MEMORY;
    }
    acks->kind = (enum ms_kind)command->kind;
    acks->epoch = epoch;
    acks->token_epoch = token_epoch_of(epoch, command);
    acks->durability = command->durability;
    acks->copies = command->copies;
    acks->first = first;
    acks->count = count;
    return MS_E_OK;
}

uint8_t *ms_acks_write(struct ms_acks *acks, uint8_t *at)
{
    if (acks->kind != MS_KIND_NONE) {
        if (acks->size > 0) {
            memcpy(at, acks->data, acks->size);
        }
        at += acks->open_at;
        at += write_end(acks, at, acks->size - acks->open_at);
    }
    ms_acks_finish(acks);
    ms_assert(acks->kind == MS_KIND_NONE);
    return at;
}

void ms_acks_finish(struct ms_acks *acks)
{
    free(acks->data);
    *acks = (struct ms_acks){0};
}
