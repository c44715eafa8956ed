#include "proto/pack_list.h"

#include "proto/reader.h"

/* An element is written behind the place where its key and length will stand. How many bytes the
 * length takes is guessed from the large fields, nearly always right; else the element moves. */
struct opened {
    uint8_t *start;
    unsigned length_size;
};

#define SMALL_FIELDS_TYPICAL 32 /* bytes of an element beside its payload and detail */

static inline uint8_t *open_element(struct opened *element, uint8_t *at, size_t large)
{
    element->start = at;
    element->length_size = ms_wire_varint_size(large + SMALL_FIELDS_TYPICAL);
    return at + 1 + element->length_size;
}

static uint8_t *move_element(struct opened *element, uint8_t *end, unsigned length_size)
{
    uint8_t *from = element->start + 1 + element->length_size;
    uint8_t *to = element->start + 1 + length_size;

    ms_assert(from != to);
    memmove(to, from, (size_t)(end - from));
    element->length_size = length_size;
    return to + (end - from);
}

static inline uint8_t *close_element(struct opened *element, uint8_t *end)
{
    const size_t size = (size_t)(end - element->start) - 1 - element->length_size;
    const unsigned length_size = ms_wire_varint_size(size);

    if (length_size != element->length_size) {
        end = move_element(element, end, length_size);
    }
    (void)ms_wire_put_varint(ms_wire_put_key(element->start, 1, MS_WIRE_BYTES), size);
    return end;
}

static uint8_t *put_code(uint8_t *at, unsigned number, int32_t code)
{
    return ms_wire_put_u64(at, number, ms_wire_zigzag(code));
}

uint8_t *ms_pack_usage(uint8_t *at, unsigned number, const struct ms_usage *usage)
{
    if (usage == NULL) {
        return at;
    }
    uint8_t *length = ms_wire_put_key(at, number, MS_WIRE_BYTES);
    uint8_t *end = length + 1;
    end = ms_wire_put_u64(end, 1, usage->wall_us);
    end = ms_wire_put_u64(end, 2, usage->user_us);
    end = ms_wire_put_u64(end, 3, usage->system_us);
    end = ms_wire_put_u64(end, 4, usage->rss_kib);
    ms_assert(end - length - 1 < 0x80); /* four varints: one byte of length is enough */
    *length = (uint8_t)(end - length - 1);
    return end;
}

uint8_t *ms_pack_detail(uint8_t *at, unsigned number, struct ms_bytes detail)
{
    if (detail.size == 0) {
        return at;
    }
    if (detail.size <= MS_DETAIL_MAX && ms_utf8_is_text(detail)) {
        return ms_wire_put_bytes(at, number, detail);
    }
    uint8_t clean[MS_DETAIL_MAX];
    const size_t size = ms_utf8_clean(clean, detail, sizeof clean);
    ms_assert(size <= sizeof clean);
    return ms_wire_put_bytes(at, number, (struct ms_bytes){clean, size});
}

uint8_t *ms_pack_name(uint8_t *at, unsigned number, struct ms_bytes name)
{
    uint8_t clean[MS_NAME_MAX];

    ms_assert(name.size <= MS_NAME_MAX);
    if (ms_utf8_is_name(name)) {
        return ms_wire_put_bytes(at, number, name);
    }
    for (size_t i = 0; i < name.size; i++) {
        const bool is_printable = name.data[i] >= ' ' && name.data[i] < 0x7f;
        clean[i] = is_printable ? name.data[i] : '?';
    }
    return ms_wire_put_bytes(at, number, (struct ms_bytes){clean, name.size});
}

static inline uint8_t *put_token(uint8_t *at, unsigned number, struct ms_token token)
{
    ms_assert(token.n > 0);
    return ms_wire_put_u64(at, number, token.n);
}

/* The token's epoch, when the frame's would not say it. 0 cannot be said: only a peer whose frames
 * have no epoch names such tokens, and no attempt has one. */
static inline uint8_t *put_epoch(uint8_t *at, unsigned number, ms_epoch epoch, ms_epoch frame_epoch)
{
    return epoch != frame_epoch ? ms_wire_put_u64(at, number, epoch) : at;
}

static inline uint8_t *put_seq(uint8_t *at, unsigned number, uint64_t seq)
{
    ms_assert(seq > 0);
    return ms_wire_put_u64(at, number, seq);
}

static uint8_t *pack_command(uint8_t *at, ms_epoch frame_epoch, const struct ms_command *command)
{
    struct opened element;

    ms_assert(command->type >= MS_TYPE_USER_MIN);
    ms_assert(command->attempt > 0);
    at = open_element(&element, at, command->payload.size);
    at = ms_wire_put_fixed64(at, 1, command->type);
    at = ms_wire_put_key(at, 2, MS_WIRE_BYTES);
    *at++ = sizeof command->id.client.bytes;
    memcpy(at, command->id.client.bytes, sizeof command->id.client.bytes);
    at += sizeof command->id.client.bytes;
    at = put_seq(at, 3, command->id.seq);
    at = put_token(at, 4, command->token);
    at = ms_wire_put_u64(at, 5, command->attempt);
    at = ms_pack_time(at, 6, command->timeout);
    at = ms_wire_put_u64(at, 7, command->flags);
    at = ms_wire_put_bytes(at, 8, command->payload);
    if (command->count > 0) {
        ms_assert(command->index < command->count);
        at = ms_wire_put_u64(at, 9, command->index);
        at = ms_wire_put_u64(at, 10, command->count);
    }
    at = put_epoch(at, 11, command->token.epoch, frame_epoch);
    return close_element(&element, at);
}

static uint8_t *pack_output(uint8_t *at, ms_epoch frame_epoch, const struct ms_command *command)
{
    struct opened element;

    ms_assert(command->stream < MS_STREAM_COUNT);
    at = open_element(&element, at, command->payload.size);
    if (command->kind == MS_KIND_OUTPUT) {
        at = put_token(at, 1, command->token);
    } else {
        at = put_seq(at, 2, command->id.seq);
        at = ms_wire_put_u64(at, 3, command->attempt);
    }
    at = ms_wire_put_u64(at, 4, command->stream);
    at = ms_wire_put_u64(at, 5, command->index);
    at = ms_wire_put_bytes(at, 6, command->payload);
    if (command->kind == MS_KIND_OUTPUT) {
        at = put_epoch(at, 7, command->token.epoch, frame_epoch);
    }
    return close_element(&element, at);
}

static uint8_t *pack_result(uint8_t *at, ms_epoch frame_epoch, const struct ms_command *command)
{
    struct opened element;

    ms_assert(command->status < MS_STATUS_COUNT);
    at = open_element(&element, at, command->payload.size + command->detail.size);
    at = put_token(at, 1, command->token);
    at = ms_wire_put_u64(at, 2, command->status);
    at = put_code(at, 3, command->code);
    at = ms_wire_put_u64(at, 4, command->signal);
    at = ms_wire_put_u64(at, 5, command->count);
    at = ms_pack_usage(at, 6, command->usage);
    at = ms_pack_detail(at, 7, command->detail);
    at = ms_wire_put_bytes(at, 8, command->payload);
    at = put_epoch(at, 9, command->token.epoch, frame_epoch);
    at = ms_pack_time(at, 10, command->delay);
    return close_element(&element, at);
}

static uint8_t *pack_token(uint8_t *at, ms_epoch frame_epoch, const struct ms_command *command)
{
    return ms_pack_token(at, frame_epoch, command->token);
}

uint8_t *ms_pack_token(uint8_t *at, ms_epoch frame_epoch, struct ms_token token)
{
    struct opened element;

    at = open_element(&element, at, 0);
    at = put_token(at, 1, token);
    at = put_epoch(at, 2, token.epoch, frame_epoch);
    return close_element(&element, at);
}

static uint8_t *put_wall(uint8_t *at, unsigned number, int64_t time)
{
    ms_assert(time >= 0);
    return ms_wire_put_fixed64(at, number,
                               time <= MS_DURATION_MAX ? (uint64_t)time : MS_DURATION_MAX);
}

/* Out of the way of the submissions without any. */
__attribute__((noinline, cold)) static uint8_t *put_terms(uint8_t *at, const struct ms_terms *terms)
{
    ms_assert(ms_reader_judge_terms(terms));
    at = ms_wire_put_u64(at, 9, ms_wire_zigzag(terms->priority));
    at = ms_wire_put_u64(at, 10, terms->unique_mode);
    at = ms_wire_put_bytes(at, 11, terms->unique);
    at = ms_pack_name(at, 12, terms->group);
    at = put_wall(at, 13, terms->run_at);
    at = put_wall(at, 14, terms->deadline);
    at = ms_wire_put_u64(at, 15, terms->array_count);
    at = ms_wire_put_u64(at, 16, terms->array_concurrency);
    at = ms_wire_put_u64(at, 17, terms->parts_size);
    at = ms_wire_put_bytes(at, 18, terms->array_closed);
    at = ms_wire_put_bytes(at, 19, terms->key);
    at = ms_wire_put_u64(at, 20, terms->on);
    return ms_wire_put_bytes(at, 21, terms->where);
}

static uint8_t *pack_submit(uint8_t *at, ms_epoch frame_epoch, const struct ms_command *command)
{
    struct opened element;

    (void)frame_epoch;
    ms_assert(command->type >= MS_TYPE_USER_MIN);
    ms_assert(command->durability < MS_DURABILITY_COUNT);
    at = open_element(&element, at, command->payload.size);
    at = ms_wire_put_fixed64(at, 1, command->type);
    at = put_seq(at, 2, command->id.seq);
    at = ms_wire_put_u64(at, 3, command->attempts_max);
    at = ms_pack_time(at, 4, command->timeout);
    at = ms_pack_time(at, 5, command->delay);
    at = ms_wire_put_u64(at, 6, command->flags);
    at = ms_wire_put_u64(at, 7, command->durability);
    at = ms_wire_put_bytes(at, 8, command->payload);
    if (command->terms != NULL) {
        at = put_terms(at, command->terms);
    }
    return close_element(&element, at);
}

static uint8_t *pack_nak(uint8_t *at, ms_epoch frame_epoch, const struct ms_command *command)
{
    struct opened element;

    (void)frame_epoch;
    ms_assert(command->error != MS_E_OK && command->count <= MS_NAK_RUN_MAX);
    at = open_element(&element, at, command->detail.size);
    at = put_seq(at, 1, command->id.seq);
    at = ms_wire_put_u64(at, 2, command->error);
    at = ms_pack_time(at, 3, command->delay);
    at = ms_pack_detail(at, 4, command->detail);
    at = ms_wire_put_u64(at, 5, command->count);
    return close_element(&element, at);
}

static uint8_t *pack_outcome(uint8_t *at, ms_epoch frame_epoch, const struct ms_command *command)
{
    struct opened element;

    (void)frame_epoch;
    ms_assert(command->status < MS_STATUS_COUNT);
    at = open_element(&element, at, command->payload.size + command->detail.size);
    at = put_seq(at, 1, command->id.seq);
    at = ms_wire_put_u64(at, 2, command->status);
    at = ms_wire_put_u64(at, 3, command->attempt);
    at = put_code(at, 4, command->code);
    at = ms_wire_put_u64(at, 5, command->signal);
    at = ms_pack_usage(at, 6, command->usage);
    at = ms_pack_detail(at, 7, command->detail);
    at = ms_wire_put_bytes(at, 8, command->payload);
    at = ms_wire_put_u64(at, 9, command->index);
    return close_element(&element, at);
}

static uint8_t *pack_cancel(uint8_t *at, ms_epoch frame_epoch, const struct ms_command *command)
{
    struct opened element;

    (void)frame_epoch;
    at = open_element(&element, at, 0);
    at = put_seq(at, 1, command->id.seq);
    if (command->kind == MS_KIND_CANCEL_ACK) {
        at = ms_wire_put_u64(at, 2, command->flags);
        at = ms_wire_put_u64(at, 3, command->error);
    }
    return close_element(&element, at);
}

static uint8_t *pack_part(uint8_t *at, ms_epoch frame_epoch, const struct ms_command *command)
{
    struct opened element;

    at = open_element(&element, at, command->payload.size);
    if (command->token.n > 0) {
        ms_assert(command->id.seq == 0);
        at = put_token(at, 2, command->token);
    } else {
        at = put_seq(at, 1, command->id.seq);
    }
    at = ms_wire_put_u64(at, 3, command->index);
    at = ms_wire_put_bytes(at, 4, command->payload);
    if (command->token.n > 0) {
        at = put_epoch(at, 5, command->token.epoch, frame_epoch);
    }
    return close_element(&element, at);
}

static uint8_t *pack_tail(uint8_t *at, ms_epoch frame_epoch, const struct ms_command *command)
{
    struct opened element;

    (void)frame_epoch;
    ms_assert(command->attempt > 0);
    ms_assert(command->stream < MS_STREAM_COUNT);
    at = open_element(&element, at, command->payload.size);
    at = ms_wire_put_u64(at, 1, command->count);
    at = ms_wire_put_u64(at, 2, command->attempt);
    at = ms_wire_put_u64(at, 3, command->stream);
    at = ms_wire_put_u64(at, 4, command->index);
    at = ms_wire_put_bytes(at, 5, command->payload);
    return close_element(&element, at);
}

static uint8_t *pack_call(uint8_t *at, ms_epoch frame_epoch, const struct ms_command *command)
{
    struct opened element;

    (void)frame_epoch;
    ms_assert(command->id.seq > command->count && command->detail.size > 0);
    at = open_element(&element, at, command->payload.size + command->detail.size);
    at = put_seq(at, 1, command->id.seq);
    at = ms_wire_put_u64(at, 2, command->count);
    at = ms_pack_detail(at, 3, command->detail);
    at = ms_wire_put_bytes(at, 4, command->payload);
    at = ms_pack_time(at, 5, command->timeout);
    return close_element(&element, at);
}

static uint8_t *pack_reply(uint8_t *at, ms_epoch frame_epoch, const struct ms_command *command)
{
    struct opened element;

    (void)frame_epoch;
    at = open_element(&element, at, command->payload.size + command->detail.size);
    at = put_seq(at, 1, command->id.seq);
    at = ms_wire_put_u64(at, 2, command->error);
    at = ms_pack_time(at, 3, command->delay);
    at = ms_pack_detail(at, 4, command->detail);
    at = ms_wire_put_bytes(at, 5, command->payload);
    return close_element(&element, at);
}

ms_pack_element_fn *ms_pack_element_of(enum ms_kind kind)
{
    static ms_pack_element_fn *const functions[MS_KIND_COUNT] = {
        [MS_KIND_COMMAND] = pack_command, [MS_KIND_OUTPUT] = pack_output,
        [MS_KIND_RESULT] = pack_result,   [MS_KIND_REVOKE] = pack_token,
        [MS_KIND_FOLLOW] = pack_token,    [MS_KIND_RETURN] = pack_token,
        [MS_KIND_SUBMIT] = pack_submit,   [MS_KIND_SUBMIT_NAK] = pack_nak,
        [MS_KIND_OUTCOME] = pack_outcome, [MS_KIND_STREAM] = pack_output,
        [MS_KIND_CANCEL] = pack_cancel,   [MS_KIND_CANCEL_ACK] = pack_cancel,
        [MS_KIND_PART] = pack_part,       [MS_KIND_TAIL] = pack_tail,
        [MS_KIND_CALL] = pack_call,       [MS_KIND_CALL_REPLY] = pack_reply,
    };

    ms_assert(kind < MS_KIND_COUNT);
    return functions[kind];
}
