#include "proto/element.h"

#include "core/invariant.h"
#include "proto/utf8.h"

/* How a field's value goes into its member. Numbers that are too large for a narrow member become
 * its maximum, which no enumeration has; so the last value of a field counts, as in protobuf. */
enum op {
    OP_UNKNOWN,
    OP_FLAGS, /* bits nobody knows are dropped */
    OP_U8,
    OP_U16,
    OP_U32,
    OP_S32,
    OP_U64,
    OP_FIXED64,
    OP_BYTES,
    OP_TEXT,   /* UTF-8 */
    OP_CLIENT, /* to the sink's client */
    OP_USAGE,  /* to the sink's usage */
};

struct field {
    uint8_t op;
    uint8_t type; /* enum ms_wire_type */
    uint16_t offset;
};

#define FIELDS_MAX 16 /* one byte holds the key of every field of version 1 */

typedef struct field layout[FIELDS_MAX];

#define IN_COMMAND(member) offsetof(struct ms_command, member)
#define FIELD(op, type, member)                                                                    \
    {                                                                                              \
        OP_##op, MS_WIRE_##type, IN_COMMAND(member)                                                \
    }
#define NUMBER(op, member) FIELD(op, VARINT, member)

static const layout command_layout = {
    [1] = FIELD(FIXED64, FIXED64, type), [2] = {OP_CLIENT, MS_WIRE_BYTES, 0},
    [3] = NUMBER(U64, id.seq),           [4] = NUMBER(U64, token.n),
    [5] = NUMBER(U32, attempt),          [6] = NUMBER(U64, timeout),
    [7] = NUMBER(FLAGS, flags),          [8] = FIELD(BYTES, BYTES, payload),
};

static const layout output_layout = {
    [1] = NUMBER(U64, token.n),     [2] = NUMBER(U64, id.seq), [3] = NUMBER(U32, attempt),
    [4] = NUMBER(U8, stream),       [5] = NUMBER(U32, index),  [6] = FIELD(BYTES, BYTES, payload),
    [7] = NUMBER(U64, token.epoch),
};

static const layout result_layout = {
    [1] = NUMBER(U64, token.n),       [2] = NUMBER(U8, status),
    [3] = NUMBER(S32, code),          [4] = NUMBER(U32, signal),
    [5] = NUMBER(U64, count),         [6] = {OP_USAGE, MS_WIRE_BYTES, 0},
    [7] = FIELD(TEXT, BYTES, detail), [8] = FIELD(BYTES, BYTES, payload),
    [9] = NUMBER(U64, token.epoch),
};

static const layout token_layout = {
    [1] = NUMBER(U64, token.n),
    [2] = NUMBER(U64, token.epoch),
};

static const layout submit_layout = {
    [1] = FIELD(FIXED64, FIXED64, type),
    [2] = NUMBER(U64, id.seq),
    [3] = NUMBER(U32, attempts_max),
    [4] = NUMBER(U64, timeout),
    [5] = NUMBER(U64, delay),
    [6] = NUMBER(FLAGS, flags),
    [7] = NUMBER(U8, durability),
    [8] = FIELD(BYTES, BYTES, payload),
};

static const layout nak_layout = {
    [1] = NUMBER(U64, id.seq),
    [2] = NUMBER(U16, error),
    [3] = NUMBER(U64, delay),
    [4] = FIELD(TEXT, BYTES, detail),
};

static const layout outcome_layout = {
    [1] = NUMBER(U64, id.seq),        [2] = NUMBER(U8, status),
    [3] = NUMBER(U32, attempt),       [4] = NUMBER(S32, code),
    [5] = NUMBER(U32, signal),        [6] = {OP_USAGE, MS_WIRE_BYTES, 0},
    [7] = FIELD(TEXT, BYTES, detail), [8] = FIELD(BYTES, BYTES, payload),
    [9] = NUMBER(U32, index),
};

static const layout cancel_layout = {
    [1] = NUMBER(U64, id.seq),
    [2] = NUMBER(FLAGS, flags),
    [3] = NUMBER(U16, error),
};

/* The receivers' numbers: of the token or the seq, as the kind has it (see finish). */
static const layout run_layout = {
    [1] = NUMBER(U64, id.seq),
    [2] = NUMBER(U64, count),
};

static const layout number_layout = {
    [1] = NUMBER(U64, count),
};

#define IN_USAGE(member)                                                                           \
    {                                                                                              \
        OP_U64, MS_WIRE_VARINT, offsetof(struct ms_usage, member)                                  \
    }

static const layout usage_layout = {
    [1] = IN_USAGE(wall_us),
    [2] = IN_USAGE(user_us),
    [3] = IN_USAGE(system_us),
    [4] = IN_USAGE(rss_kib),
};

/* A whole frame of acknowledgements; of its runs only the last is seen. */
struct ack_frame {
    struct ms_bytes run;
    struct ms_ack_scope scope;
};

#define IN_ACKS(op, type, member)                                                                  \
    {                                                                                              \
        OP_##op, MS_WIRE_##type, offsetof(struct ack_frame, member)                                \
    }

static const layout ack_frame_layout = {
    [1] = IN_ACKS(BYTES, BYTES, run),
    [2] = IN_ACKS(U8, VARINT, scope.durability),
    [3] = IN_ACKS(U8, VARINT, scope.copies),
    [4] = IN_ACKS(U64, VARINT, scope.epoch),
};

static const layout *const layouts[MS_KIND_COUNT] = {
    [MS_KIND_COMMAND] = &command_layout, [MS_KIND_OUTPUT] = &output_layout,
    [MS_KIND_RESULT] = &result_layout,   [MS_KIND_RESULT_ACK] = &run_layout,
    [MS_KIND_REVOKE] = &token_layout,    [MS_KIND_RETURN] = &token_layout,
    [MS_KIND_SUBMIT] = &submit_layout,   [MS_KIND_SUBMIT_ACK] = &run_layout,
    [MS_KIND_SUBMIT_NAK] = &nak_layout,  [MS_KIND_OUTCOME] = &outcome_layout,
    [MS_KIND_OUTCOME_ACK] = &run_layout, [MS_KIND_STREAM] = &output_layout,
    [MS_KIND_CANCEL] = &cancel_layout,   [MS_KIND_CANCEL_ACK] = &cancel_layout,
    [MS_KIND_BEAT] = &number_layout,     [MS_KIND_BEAT_ACK] = &number_layout,
    [MS_KIND_PULL] = &number_layout,
};

bool ms_element_is_number(enum ms_kind kind)
{
    return kind < MS_KIND_COUNT && layouts[kind] == &number_layout;
}

bool ms_element_is_list(enum ms_kind kind)
{
    return kind < MS_KIND_COUNT && layouts[kind] != NULL && layouts[kind] != &number_layout;
}

/* Where the values of a message go. */
struct sink {
    uint8_t *base;           /* what the offsets of the layout are of */
    struct ms_bytes *client; /* OP_CLIENT */
    struct ms_usage *usage;  /* OP_USAGE */
    bool has_usage;
};

static bool read_usage(struct ms_bytes bytes, struct ms_usage *usage_out);

static inline uint32_t at_most(uint32_t value, uint32_t max)
{
    return value < max ? value : max;
}

static inline bool read_number(struct ms_wire *wire, unsigned op, uint8_t *member)
{
    uint64_t value = 0;

    if (!ms_wire_varint(wire, &value)) {
        return false;
    }
    const uint32_t low = (uint32_t)value;
    switch (op) {
    case OP_FLAGS:
        *member = (uint8_t)low;
        return true;
    case OP_U8:
        *member = (uint8_t)at_most(low, UINT8_MAX);
        return true;
    case OP_U16:
        *(uint16_t *)(void *)member = (uint16_t)at_most(low, UINT16_MAX);
        return true;
    case OP_U32:
        *(uint32_t *)(void *)member = low;
        return true;
    case OP_S32:
        *(int32_t *)(void *)member = ms_wire_unzigzag(low);
        return true;
    default:
        *(uint64_t *)(void *)member = value;
        return true;
    }
}

static inline bool read_bytes(struct ms_wire *wire, unsigned op, uint8_t *member, struct sink *sink)
{
    struct ms_bytes bytes;

    if (!ms_wire_bytes(wire, &bytes)) {
        return false;
    }
    switch (op) {
    case OP_CLIENT:
        *sink->client = bytes;
        return true;
    case OP_USAGE:
        sink->has_usage = true;
        return read_usage(bytes, sink->usage);
    case OP_TEXT:
        *(struct ms_bytes *)(void *)member = bytes;
        return ms_utf8_is_text(bytes);
    default:
        *(struct ms_bytes *)(void *)member = bytes;
        return true;
    }
}

/* Reads a message after its layout. */
static bool read_fields(const layout *fields, struct ms_wire wire, struct sink *sink)
{
    unsigned unknown_count = 0;

    while (wire.at < wire.end) {
        uint64_t key = 0;
        if (!ms_wire_key(&wire, &key)) {
            return false;
        }
        const unsigned type = key & 7;
        const struct field *field = &(*fields)[key >> 3 < FIELDS_MAX ? key >> 3 : 0];
        if (field->op == OP_UNKNOWN) {
            if (++unknown_count > MS_UNKNOWN_FIELDS_MAX || !ms_wire_skip(&wire, type)) {
                return false;
            }
            continue;
        }
        if (type != field->type) {
            return false;
        }
        uint8_t *member = sink->base + field->offset;
        if (type == MS_WIRE_VARINT) {
            if (!read_number(&wire, field->op, member)) {
                return false;
            }
        } else if (type == MS_WIRE_BYTES) {
            if (!read_bytes(&wire, field->op, member, sink)) {
                return false;
            }
        } else if (!ms_wire_fixed64(&wire, (uint64_t *)(void *)member)) {
            return false;
        }
    }
    return true;
}

/* A second one in the same message replaces the first, as protobuf-c has it. */
static bool read_usage(struct ms_bytes bytes, struct ms_usage *usage_out)
{
    struct sink sink = {.base = (uint8_t *)usage_out};

    *usage_out = (struct ms_usage){0};
    return read_fields(&usage_layout, ms_wire_of(bytes), &sink);
}

static bool is_duration(ms_time time)
{
    return time >= 0 && time <= MS_DURATION_MAX;
}

/* Moves the numbers of a run to where the kind has them. */
static bool finish_run(struct ms_command *command, ms_epoch frame_epoch)
{
    const uint64_t first = command->id.seq;

    if (command->count == 0) {
        command->count = 1;
    }
    if (first == 0 || command->count > UINT64_MAX - first) {
        return false;
    }
    if (command->kind == MS_KIND_RESULT_ACK) {
        command->token = (struct ms_token){.epoch = frame_epoch, .n = first};
        command->id.seq = 0;
    }
    return true;
}

static bool finish_token(struct ms_command *command, ms_epoch frame_epoch)
{
    if (command->token.epoch == 0) {
        command->token.epoch = frame_epoch;
    }
    return command->token.n > 0;
}

static bool finish_command(struct ms_command *command, ms_epoch frame_epoch, struct ms_bytes client)
{
    if (client.size != sizeof command->id.client.bytes) {
        return false;
    }
    memcpy(command->id.client.bytes, client.data, client.size);
    command->flags &= MS_FLAG_STREAM;
    return finish_token(command, frame_epoch) && command->id.seq > 0 && command->attempt > 0 &&
           command->type >= MS_TYPE_USER_MIN && is_duration(command->timeout);
}

static bool finish_output(struct ms_command *command, ms_epoch frame_epoch)
{
    if (command->kind == MS_KIND_STREAM) {
        command->token = (struct ms_token){0};
        return command->id.seq > 0 && command->attempt > 0 && command->stream < MS_STREAM_COUNT;
    }
    command->id.seq = 0;
    command->attempt = 0;
    return finish_token(command, frame_epoch) && command->stream < MS_STREAM_COUNT;
}

static bool finish_submit(struct ms_command *command)
{
    command->flags &= MS_FLAG_BACKGROUND | MS_FLAG_STREAM;
    if (command->attempts_max == 0) {
        command->attempts_max = MS_ATTEMPTS_DEFAULT;
    }
    return command->id.seq > 0 && command->type >= MS_TYPE_USER_MIN &&
           is_duration(command->timeout) && is_duration(command->delay) &&
           command->durability < MS_DURABILITY_COUNT;
}

static bool finish_cancel(struct ms_command *command)
{
    command->flags &= MS_FLAG_STARTED;
    if (command->kind == MS_KIND_CANCEL) {
        command->flags = 0;
        command->error = 0;
    }
    return command->id.seq > 0;
}

/* Checks what was read and completes it; the rules of docs/protocol.md, kind by kind. */
static inline bool finish(struct ms_command *command, ms_epoch frame_epoch, struct ms_bytes client)
{
    switch ((enum ms_kind)command->kind) {
    case MS_KIND_COMMAND:
        return finish_command(command, frame_epoch, client);
    case MS_KIND_OUTPUT:
    case MS_KIND_STREAM:
        return finish_output(command, frame_epoch);
    case MS_KIND_RESULT:
        return finish_token(command, frame_epoch) && command->status < MS_STATUS_COUNT &&
               command->detail.size <= MS_DETAIL_MAX;
    case MS_KIND_REVOKE:
    case MS_KIND_RETURN:
        return finish_token(command, frame_epoch);
    case MS_KIND_SUBMIT:
        return finish_submit(command);
    case MS_KIND_SUBMIT_NAK:
        return command->id.seq > 0 && command->error > 0 && is_duration(command->delay) &&
               command->detail.size <= MS_DETAIL_MAX;
    case MS_KIND_OUTCOME:
        return command->id.seq > 0 && command->status < MS_STATUS_COUNT &&
               command->detail.size <= MS_DETAIL_MAX;
    case MS_KIND_CANCEL:
    case MS_KIND_CANCEL_ACK:
        return finish_cancel(command);
    case MS_KIND_RESULT_ACK:
    case MS_KIND_SUBMIT_ACK:
    case MS_KIND_OUTCOME_ACK:
        return finish_run(command, frame_epoch);
    case MS_KIND_PULL:
        return command->count > 0;
    default:
        ms_assert(ms_element_is_number(command->kind));
        return true;
    }
}

bool ms_element_read(enum ms_kind kind, ms_epoch frame_epoch, struct ms_bytes element,
                     struct ms_command *command_out, struct ms_usage *usage_out)
{
    struct ms_bytes client = {0};
    struct sink sink = {.base = (uint8_t *)command_out, .client = &client, .usage = usage_out};

    ms_assert(kind < MS_KIND_COUNT && layouts[kind] != NULL);
    *command_out = (struct ms_command){.kind = (uint8_t)kind};
    if (!read_fields(layouts[kind], ms_wire_of(element), &sink)) {
        return false;
    }
    if (sink.has_usage) {
        command_out->usage = usage_out;
    }
    return finish(command_out, frame_epoch, client);
}

bool ms_element_read_scope(struct ms_bytes body, struct ms_ack_scope *scope_out)
{
    struct ack_frame frame = {0};
    struct sink sink = {.base = (uint8_t *)&frame};

    ms_assert(scope_out != NULL);
    if (!read_fields(&ack_frame_layout, ms_wire_of(body), &sink)) {
        return false;
    }
    *scope_out = frame.scope;
    return true;
}

bool ms_element_next(enum ms_kind kind, struct ms_wire *body, struct ms_bytes *element_out,
                     unsigned *unknown_count, bool *more_out)
{
    const bool is_acks = layouts[kind] == &run_layout;
    const bool is_tokens = layouts[kind] == &token_layout;

    while (body->at < body->end) {
        uint64_t key = 0;
        if (!ms_wire_key(body, &key)) {
            return false;
        }
        const uint64_t number = key >> 3;
        if (number == 1) {
            *more_out = true;
            return (key & 7) == MS_WIRE_BYTES && ms_wire_bytes(body, element_out);
        }
        const bool is_known =
            (is_acks && number < FIELDS_MAX && ack_frame_layout[number].op != OP_UNKNOWN) ||
            (is_tokens && number == 2);
        if (!ms_wire_skip(body, key & 7) ||
            (!is_known && ++*unknown_count > MS_UNKNOWN_FIELDS_MAX)) {
            return false;
        }
    }
    *more_out = false;
    return true;
}
