#include "proto/frame.h"

#include "core/invariant.h"

enum {
    AT_MAGIC_0 = 0,
    AT_MAGIC_1 = 1,
    AT_VERSION = 2,
    AT_KIND = 3,
    AT_FLAGS = 4,
    AT_LENGTH = 8,
    AT_EPOCH = 12,
};

static_assert(AT_EPOCH + sizeof(ms_epoch) == MS_FRAME_HEADER_SIZE,
              "the header ends with the epoch");

enum frame_class { CLASS_UNKNOWN, CLASS_GREETING, CLASS_CONTROL, CLASS_PAYLOAD };

/* Of the kinds that exist; all others are UNKNOWN, which is 0. */
static const uint8_t classes[MS_KIND_COUNT] = {
    [MS_KIND_HELLO] = CLASS_GREETING,      [MS_KIND_WELCOME] = CLASS_GREETING,
    [MS_KIND_BEAT] = CLASS_CONTROL,        [MS_KIND_BEAT_ACK] = CLASS_CONTROL,
    [MS_KIND_ERROR] = CLASS_CONTROL,       [MS_KIND_GOAWAY] = CLASS_CONTROL,
    [MS_KIND_ANNOUNCE] = CLASS_CONTROL,    [MS_KIND_PULL] = CLASS_CONTROL,
    [MS_KIND_COMMAND] = CLASS_PAYLOAD,     [MS_KIND_OUTPUT] = CLASS_PAYLOAD,
    [MS_KIND_RESULT] = CLASS_PAYLOAD,      [MS_KIND_RESULT_ACK] = CLASS_CONTROL,
    [MS_KIND_REVOKE] = CLASS_CONTROL,      [MS_KIND_RETURN] = CLASS_CONTROL,
    [MS_KIND_ROLL] = CLASS_CONTROL,        [MS_KIND_VERDICT] = CLASS_CONTROL,
    [MS_KIND_BYE] = CLASS_CONTROL,         [MS_KIND_FOLLOW] = CLASS_CONTROL,
    [MS_KIND_SUBMIT] = CLASS_PAYLOAD,      [MS_KIND_SUBMIT_ACK] = CLASS_CONTROL,
    [MS_KIND_SUBMIT_NAK] = CLASS_CONTROL,  [MS_KIND_OUTCOME] = CLASS_PAYLOAD,
    [MS_KIND_OUTCOME_ACK] = CLASS_CONTROL, [MS_KIND_STREAM] = CLASS_PAYLOAD,
    [MS_KIND_CANCEL] = CLASS_CONTROL,      [MS_KIND_CANCEL_ACK] = CLASS_CONTROL,
    [MS_KIND_QUERY] = CLASS_CONTROL,       [MS_KIND_REPORT] = CLASS_CONTROL,
    [MS_KIND_PART] = CLASS_PAYLOAD,        [MS_KIND_TAIL] = CLASS_PAYLOAD,
    [MS_KIND_PEER_HELLO] = CLASS_GREETING, [MS_KIND_PEER_BEAT] = CLASS_CONTROL,
    [MS_KIND_PREVOTE] = CLASS_CONTROL,     [MS_KIND_PREVOTE_ACK] = CLASS_CONTROL,
    [MS_KIND_PROPOSE] = CLASS_CONTROL,     [MS_KIND_VOTE] = CLASS_CONTROL,
    [MS_KIND_DECIDED] = CLASS_CONTROL,     [MS_KIND_STALE] = CLASS_CONTROL,
    [MS_KIND_FAILED] = CLASS_CONTROL,      [MS_KIND_FOLLOW_LOG] = CLASS_CONTROL,
    [MS_KIND_LOG_BEGIN] = CLASS_CONTROL,   [MS_KIND_LOG_COPY] = CLASS_PAYLOAD,
    [MS_KIND_LOG] = CLASS_PAYLOAD,         [MS_KIND_LOG_ACK] = CLASS_CONTROL,
    [MS_KIND_ORDER] = CLASS_CONTROL,       [MS_KIND_ORDER_ACK] = CLASS_CONTROL,
    [MS_KIND_RECONCILE] = CLASS_PAYLOAD,   [MS_KIND_RECONCILE_ACK] = CLASS_CONTROL,
    [MS_KIND_LOG_LIVE] = CLASS_PAYLOAD,    [MS_KIND_ADJUST] = CLASS_CONTROL,
    [MS_KIND_CALL] = CLASS_PAYLOAD,        [MS_KIND_CALL_REPLY] = CLASS_PAYLOAD,
};

static inline enum frame_class class_of(enum ms_kind kind)
{
    return kind < MS_KIND_COUNT ? (enum frame_class)classes[kind] : CLASS_UNKNOWN;
}

static bool is_allowed(enum ms_kind kind, const struct ms_frame_limits *limits)
{
    return limits->greeted || kind == MS_KIND_ERROR || class_of(kind) == CLASS_GREETING;
}

uint32_t ms_frame_size_max(enum ms_kind kind, const struct ms_frame_limits *limits)
{
    ms_assert(limits->payload_max <= MS_PAYLOAD_MAX_CEILING);
    if (!is_allowed(kind, limits)) {
        return 0;
    }
    switch (class_of(kind)) {
    case CLASS_GREETING:
        return MS_FRAME_HELLO_MAX;
    case CLASS_CONTROL:
        return limits->greeted ? MS_FRAME_CONTROL_MAX : MS_FRAME_HELLO_MAX;
    case CLASS_PAYLOAD:
        return limits->payload_max + MS_FRAME_BATCH_SIZE + MS_FRAME_OVERHEAD_MAX;
    case CLASS_UNKNOWN:
        break;
    }
    return 0;
}

static uint32_t load_u32(const uint8_t *from)
{
    return (uint32_t)from[0] << 24 | (uint32_t)from[1] << 16 | (uint32_t)from[2] << 8 | from[3];
}

static void store_u32(uint8_t *to, uint32_t value)
{
    to[0] = (uint8_t)(value >> 24);
    to[1] = (uint8_t)(value >> 16);
    to[2] = (uint8_t)(value >> 8);
    to[3] = (uint8_t)value;
}

/* Judges as much of the header as there is, so that garbage is refused without waiting for more. */
static enum ms_error check_header(struct ms_bytes input, const struct ms_frame_limits *limits)
{
    const uint8_t *header = input.data;

    if ((input.size > AT_MAGIC_0 && header[AT_MAGIC_0] != 'M') ||
        (input.size > AT_MAGIC_1 && header[AT_MAGIC_1] != 'S')) {
        return MS_E_MAGIC;
    }
    if (input.size > AT_VERSION && header[AT_VERSION] != MS_FRAME_VERSION) {
        return MS_E_VERSION;
    }
    if (input.size <= AT_KIND) {
        return MS_E_OK;
    }
    const enum ms_kind kind = (enum ms_kind)header[AT_KIND];
    if (class_of(kind) == CLASS_UNKNOWN) {
        return MS_E_FRAME_KIND;
    }
    if (!is_allowed(kind, limits)) {
        return MS_E_ORDER;
    }
    if (input.size >= AT_LENGTH + sizeof(uint32_t) &&
        load_u32(header + AT_LENGTH) > ms_frame_size_max(kind, limits)) {
        return MS_E_FRAME_SIZE;
    }
    return MS_E_OK;
}

enum ms_error ms_frame_parse(struct ms_bytes input, const struct ms_frame_limits *limits,
                             struct ms_frame *frame_out, size_t *used_out, size_t *need_out)
{
    ms_assert(input.data != NULL || input.size == 0);
    const enum ms_error error = check_header(input, limits);
    if (error != MS_E_OK) {
        return error;
    }
    *used_out = 0;
    *need_out = MS_FRAME_HEADER_SIZE;
    if (input.size < MS_FRAME_HEADER_SIZE) {
        return MS_E_OK;
    }
    const uint32_t length = load_u32(input.data + AT_LENGTH);
    const size_t total = MS_FRAME_HEADER_SIZE + (size_t)length;
    *need_out = total;
    if (input.size < total) {
        return MS_E_OK;
    }
    *frame_out = (struct ms_frame){
        .kind = (enum ms_kind)input.data[AT_KIND],
        .epoch = (ms_epoch)load_u32(input.data + AT_EPOCH) << 32 |
                 load_u32(input.data + AT_EPOCH + sizeof(uint32_t)),
        .body = {.data = input.data + MS_FRAME_HEADER_SIZE, .size = length},
    };
    *used_out = total;
    return MS_E_OK;
}

void ms_frame_header(uint8_t *header_out, enum ms_kind kind, ms_epoch epoch, uint32_t length)
{
    ms_assert(class_of(kind) != CLASS_UNKNOWN);
    header_out[AT_MAGIC_0] = 'M';
    header_out[AT_MAGIC_1] = 'S';
    header_out[AT_VERSION] = MS_FRAME_VERSION;
    header_out[AT_KIND] = (uint8_t)kind;
    store_u32(header_out + AT_FLAGS, 0);
    store_u32(header_out + AT_LENGTH, length);
    store_u32(header_out + AT_EPOCH, (uint32_t)(epoch >> 32));
    store_u32(header_out + AT_EPOCH + sizeof(uint32_t), (uint32_t)epoch);
}
