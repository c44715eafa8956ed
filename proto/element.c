#include "proto/element.h"

#include "core/invariant.h"
#include "core/trace.h"
#include "proto/reader.h"

/* What an element holds beside the members of its command. */
struct extra {
    struct ms_bytes client;
    struct ms_element_room *room;
    bool has_usage, has_terms;
};

#define READER(name, target, FIELDS) MS_READER(name, target, struct extra, FIELDS)

READER(read_usage, struct ms_usage, MS_USAGE_FIELDS)

/* A second one in the same message replaces the first, as protobuf-c has it. */
static inline bool ms_get_usage(struct ms_wire *wire, struct extra *extra)
{
    struct ms_bytes bytes = {0};

    extra->room->usage = (struct ms_usage){0};
    extra->has_usage = true;
    return ms_wire_bytes(wire, &bytes) && read_usage(ms_wire_of(bytes), &extra->room->usage, extra);
}

/* Most submissions have none, so they are cleared only when the first of them is met. */
__attribute__((noinline, cold)) static struct ms_terms *terms_of(struct extra *extra)
{
    if (!extra->has_terms) {
        extra->room->terms = (struct ms_terms){0};
        extra->has_terms = true;
    }
    return &extra->room->terms;
}

#define COMMAND_FIELDS(X)                                                                          \
    X(1, FIXED64, fixed64, to->type)                                                               \
    X(2, BYTES, bytes, extra->client)                                                              \
    X(3, VARINT, u64, to->id.seq)                                                                  \
    X(4, VARINT, u64, to->token.n)                                                                 \
    X(5, VARINT, u32, to->attempt)                                                                 \
    X(6, VARINT, time, to->timeout)                                                                \
    X(7, VARINT, flags, to->flags)                                                                 \
    X(8, BYTES, bytes, to->payload)                                                                \
    X(9, VARINT, u32, to->index)                                                                   \
    X(10, VARINT, u64, to->count)                                                                  \
    X(11, VARINT, u64, to->token.epoch)
READER(read_command, struct ms_command, COMMAND_FIELDS)

#define OUTPUT_FIELDS(X)                                                                           \
    X(1, VARINT, u64, to->token.n)                                                                 \
    X(2, VARINT, u64, to->id.seq)                                                                  \
    X(3, VARINT, u32, to->attempt)                                                                 \
    X(4, VARINT, u8, to->stream)                                                                   \
    X(5, VARINT, u32, to->index)                                                                   \
    X(6, BYTES, bytes, to->payload)                                                                \
    X(7, VARINT, u64, to->token.epoch)
READER(read_output, struct ms_command, OUTPUT_FIELDS)

#define RESULT_FIELDS(X)                                                                           \
    X(1, VARINT, u64, to->token.n)                                                                 \
    X(2, VARINT, u8, to->status)                                                                   \
    X(3, VARINT, s32, to->code)                                                                    \
    X(4, VARINT, u32, to->signal)                                                                  \
    X(5, VARINT, u64, to->count)                                                                   \
    X(6, BYTES, usage, *extra)                                                                     \
    X(7, BYTES, text, to->detail)                                                                  \
    X(8, BYTES, bytes, to->payload)                                                                \
    X(9, VARINT, u64, to->token.epoch)                                                             \
    X(10, VARINT, time, to->delay)
READER(read_result, struct ms_command, RESULT_FIELDS)

#define TOKEN_FIELDS(X)                                                                            \
    X(1, VARINT, u64, to->token.n)                                                                 \
    X(2, VARINT, u64, to->token.epoch)
READER(read_token, struct ms_command, TOKEN_FIELDS)

#define SUBMIT_FIELDS(X)                                                                           \
    X(1, FIXED64, fixed64, to->type)                                                               \
    X(2, VARINT, u64, to->id.seq)                                                                  \
    X(3, VARINT, u32, to->attempts_max)                                                            \
    X(4, VARINT, time, to->timeout)                                                                \
    X(5, VARINT, time, to->delay)                                                                  \
    X(6, VARINT, flags, to->flags)                                                                 \
    X(7, VARINT, u8, to->durability)                                                               \
    X(8, BYTES, bytes, to->payload)                                                                \
    X(9, VARINT, s8, terms_of(extra)->priority)                                                    \
    X(10, VARINT, u8, terms_of(extra)->unique_mode)                                                \
    X(11, BYTES, bytes, terms_of(extra)->unique)                                                   \
    X(12, BYTES, text, terms_of(extra)->group)                                                     \
    X(13, FIXED64, wall, terms_of(extra)->run_at)                                                  \
    X(14, FIXED64, wall, terms_of(extra)->deadline)                                                \
    X(15, VARINT, u32, terms_of(extra)->array_count)                                               \
    X(16, VARINT, u32, terms_of(extra)->array_concurrency)                                         \
    X(17, VARINT, u64, terms_of(extra)->parts_size)                                                \
    X(18, BYTES, bytes, terms_of(extra)->array_closed)                                             \
    X(19, BYTES, bytes, terms_of(extra)->key)                                                      \
    X(20, VARINT, u32, terms_of(extra)->on)                                                        \
    X(21, BYTES, text, terms_of(extra)->where)
READER(read_submit, struct ms_command, SUBMIT_FIELDS)

#define NAK_FIELDS(X)                                                                              \
    X(1, VARINT, u64, to->id.seq)                                                                  \
    X(2, VARINT, u16, to->error)                                                                   \
    X(3, VARINT, time, to->delay)                                                                  \
    X(4, BYTES, text, to->detail)                                                                  \
    X(5, VARINT, u64, to->count)
READER(read_nak, struct ms_command, NAK_FIELDS)

#define OUTCOME_FIELDS(X)                                                                          \
    X(1, VARINT, u64, to->id.seq)                                                                  \
    X(2, VARINT, u8, to->status)                                                                   \
    X(3, VARINT, u32, to->attempt)                                                                 \
    X(4, VARINT, s32, to->code)                                                                    \
    X(5, VARINT, u32, to->signal)                                                                  \
    X(6, BYTES, usage, *extra)                                                                     \
    X(7, BYTES, text, to->detail)                                                                  \
    X(8, BYTES, bytes, to->payload)                                                                \
    X(9, VARINT, u32, to->index)
READER(read_outcome, struct ms_command, OUTCOME_FIELDS)

#define CANCEL_FIELDS(X)                                                                           \
    X(1, VARINT, u64, to->id.seq)                                                                  \
    X(2, VARINT, flags, to->flags)                                                                 \
    X(3, VARINT, u16, to->error)
READER(read_cancel, struct ms_command, CANCEL_FIELDS)

#define PART_FIELDS(X)                                                                             \
    X(1, VARINT, u64, to->id.seq)                                                                  \
    X(2, VARINT, u64, to->token.n)                                                                 \
    X(3, VARINT, u32, to->index)                                                                   \
    X(4, BYTES, bytes, to->payload)                                                                \
    X(5, VARINT, u64, to->token.epoch)
READER(read_part, struct ms_command, PART_FIELDS)

#define TAIL_FIELDS(X)                                                                             \
    X(1, VARINT, u64, to->count)                                                                   \
    X(2, VARINT, u32, to->attempt)                                                                 \
    X(3, VARINT, u8, to->stream)                                                                   \
    X(4, VARINT, u32, to->index)                                                                   \
    X(5, BYTES, bytes, to->payload)
READER(read_tail, struct ms_command, TAIL_FIELDS)

#define CALL_FIELDS(X)                                                                             \
    X(1, VARINT, u64, to->id.seq)                                                                  \
    X(2, VARINT, u64, to->count)                                                                   \
    X(3, BYTES, text, to->detail)                                                                  \
    X(4, BYTES, bytes, to->payload)                                                                \
    X(5, VARINT, time, to->timeout)
READER(read_call, struct ms_command, CALL_FIELDS)

#define REPLY_FIELDS(X)                                                                            \
    X(1, VARINT, u64, to->id.seq)                                                                  \
    X(2, VARINT, u16, to->error)                                                                   \
    X(3, VARINT, time, to->delay)                                                                  \
    X(4, BYTES, text, to->detail)                                                                  \
    X(5, BYTES, bytes, to->payload)
READER(read_reply, struct ms_command, REPLY_FIELDS)

#define RUN_FIELDS(X)                                                                              \
    X(1, VARINT, u64, to->id.seq)                                                                  \
    X(2, VARINT, u64, to->count)
READER(read_run, struct ms_command, RUN_FIELDS)

#define NUMBER_FIELDS(X) X(1, VARINT, u64, to->count)
READER(read_number, struct ms_command, NUMBER_FIELDS)

/* As they stand on the wire, until finish_beat. */
#define BEAT_FIELDS(X)                                                                             \
    X(1, VARINT, u64, to->count)                                                                   \
    X(2, VARINT, u16, extra->room->load.cpu)                                                       \
    X(3, VARINT, u16, extra->room->load.memory)                                                    \
    X(4, VARINT, u32, extra->room->load.running)                                                   \
    X(5, VARINT, u32, extra->room->load.queued)                                                    \
    X(6, VARINT, u32, extra->room->load.slots)
READER(read_beat, struct ms_command, BEAT_FIELDS)

#define ADJUST_FIELDS(X)                                                                           \
    X(1, VARINT, u64, to->count)                                                                   \
    X(2, VARINT, u32, to->index)
READER(read_adjust, struct ms_command, ADJUST_FIELDS)

/* A whole frame of acknowledgements; of its runs only the last is seen. */
struct ack_frame {
    struct ms_bytes run;
    struct ms_ack_scope scope;
};

#define ACK_FRAME_FIELDS(X)                                                                        \
    X(1, BYTES, bytes, to->run)                                                                    \
    X(2, VARINT, u8, to->scope.durability)                                                         \
    X(3, VARINT, u8, to->scope.copies)                                                             \
    X(4, VARINT, u64, to->scope.epoch)
READER(read_ack_frame, struct ack_frame, ACK_FRAME_FIELDS)

typedef bool reader(struct ms_wire wire, struct ms_command *to, struct extra *extra);

static reader *const readers[MS_KIND_COUNT] = {
    [MS_KIND_COMMAND] = read_command,   [MS_KIND_OUTPUT] = read_output,
    [MS_KIND_RESULT] = read_result,     [MS_KIND_RESULT_ACK] = read_run,
    [MS_KIND_REVOKE] = read_token,      [MS_KIND_RETURN] = read_token,
    [MS_KIND_FOLLOW] = read_token,      [MS_KIND_SUBMIT] = read_submit,
    [MS_KIND_SUBMIT_ACK] = read_run,    [MS_KIND_SUBMIT_NAK] = read_nak,
    [MS_KIND_OUTCOME] = read_outcome,   [MS_KIND_OUTCOME_ACK] = read_run,
    [MS_KIND_STREAM] = read_output,     [MS_KIND_CANCEL] = read_cancel,
    [MS_KIND_CANCEL_ACK] = read_cancel, [MS_KIND_BEAT] = read_beat,
    [MS_KIND_BEAT_ACK] = read_beat,     [MS_KIND_PULL] = read_number,
    [MS_KIND_PART] = read_part,         [MS_KIND_TAIL] = read_tail,
    [MS_KIND_ADJUST] = read_adjust,     [MS_KIND_CALL] = read_call,
    [MS_KIND_CALL_REPLY] = read_reply,
};

bool ms_element_is_flat(enum ms_kind kind)
{
    return kind < MS_KIND_COUNT && (readers[kind] == read_number || readers[kind] == read_beat ||
                                    readers[kind] == read_adjust);
}

bool ms_element_is_list(enum ms_kind kind)
{
    return kind < MS_KIND_COUNT && readers[kind] != NULL && !ms_element_is_flat(kind);
}

static bool is_duration(ms_time time)
{
    return time >= 0; /* see ms_get_time */
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
    command->flags &= MS_FLAG_STREAM | MS_FLAG_PARTS;
    if (command->index >= command->count && (command->index | command->count) != 0) {
        return false;
    }
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

static bool finish_part(struct ms_command *command, ms_epoch frame_epoch)
{
    const bool is_of_slave = command->token.n > 0;

    if (!is_of_slave) {
        command->token.epoch = 0;
    } else if (command->token.epoch == 0) {
        command->token.epoch = frame_epoch;
    }
    return is_of_slave != (command->id.seq > 0);
}

/* Out of the way of the submissions without any. */
__attribute__((noinline, cold)) static bool finish_terms(const struct ms_command *command)
{
    const struct ms_terms *terms = command->terms;

    ms_assert(command->kind == MS_KIND_SUBMIT);
    return ms_reader_judge_terms(terms) && ms_utf8_is_name(terms->group) &&
           terms->array_count <= UINT64_MAX - command->id.seq;
}

#define SUBMIT_FLAGS                                                                               \
    (MS_FLAG_BACKGROUND | MS_FLAG_STREAM | MS_FLAG_ONCE | MS_FLAG_KEEP | MS_FLAG_PARTS |           \
     MS_FLAG_DURABILITY)

static bool finish_submit(struct ms_command *command)
{
    command->flags &= SUBMIT_FLAGS;
    if (command->attempts_max == 0) {
        command->attempts_max = MS_ATTEMPTS_DEFAULT;
    }
    return command->id.seq > 0 && command->id.seq <= MS_NUMBER_MAX &&
           command->type >= MS_TYPE_USER_MIN && is_duration(command->timeout) &&
           is_duration(command->delay) && command->durability < MS_DURABILITY_COUNT &&
           (command->terms == NULL || finish_terms(command));
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

static bool finish_permille(uint16_t *permille)
{
    *permille = (uint16_t)(*permille == 0 ? MS_PERMILLE_UNKNOWN : *permille - 1);
    return *permille <= MS_PERMILLE_MAX || *permille == MS_PERMILLE_UNKNOWN;
}

/* Who tells nothing, as clients and older slaves, has no load. */
static bool finish_beat(struct ms_command *command, struct ms_load *load)
{
    if ((load->cpu | load->memory | load->running | load->queued | load->slots) == 0) {
        return true;
    }
    command->body.load = load;
    return finish_permille(&load->cpu) && finish_permille(&load->memory) &&
           load->slots <= MS_SLOTS_MAX;
}

/* Checks what was read and completes it; the rules of docs/protocol.md, kind by kind. */
static inline bool finish(struct ms_command *command, ms_epoch frame_epoch, struct ms_bytes client,
                          struct ms_load *load)
{
    switch ((enum ms_kind)command->kind) {
    case MS_KIND_COMMAND:
        return finish_command(command, frame_epoch, client);
    case MS_KIND_OUTPUT:
    case MS_KIND_STREAM:
        return finish_output(command, frame_epoch);
    case MS_KIND_RESULT:
        return finish_token(command, frame_epoch) && command->token.n <= MS_NUMBER_MAX &&
               command->status <= MS_STATUS_CRASHED && is_duration(command->delay) &&
               command->detail.size <= MS_DETAIL_MAX;
    case MS_KIND_REVOKE:
    case MS_KIND_FOLLOW:
    case MS_KIND_RETURN:
        return finish_token(command, frame_epoch);
    case MS_KIND_SUBMIT:
        return finish_submit(command);
    case MS_KIND_SUBMIT_NAK:
        return command->id.seq > 0 && command->error > 0 && is_duration(command->delay) &&
               command->count <= MS_NAK_RUN_MAX && command->detail.size <= MS_DETAIL_MAX;
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
    case MS_KIND_PART:
        return finish_part(command, frame_epoch);
    case MS_KIND_TAIL:
        return command->attempt > 0 && command->stream < MS_STREAM_COUNT;
    case MS_KIND_CALL:
        return command->id.seq > command->count && command->id.seq <= MS_NUMBER_MAX &&
               command->detail.size > 0 && command->detail.size <= MS_DETAIL_MAX &&
               is_duration(command->timeout);
    case MS_KIND_CALL_REPLY:
        return command->id.seq > 0 && command->detail.size <= MS_DETAIL_MAX &&
               is_duration(command->delay);
    case MS_KIND_PULL:
        return command->count > 0;
    case MS_KIND_ADJUST:
        return command->count <= MS_SLOTS_MAX && command->index <= MS_LEVEL_DEBUG + 1u &&
               (command->count > 0 || command->index > 0);
    case MS_KIND_BEAT:
        return finish_beat(command, load);
    default:
        ms_assert(command->kind == MS_KIND_BEAT_ACK);
        return true;
    }
}

/* In two halves, because compilers make a slow string instruction of so large a whole. */
static inline void clear(struct ms_command *command)
{
    enum { HALF = sizeof *command / 2 };

    memset(command, 0, HALF);
    memset((uint8_t *)command + HALF, 0, sizeof *command - HALF);
}

bool ms_element_read(enum ms_kind kind, ms_epoch frame_epoch, struct ms_bytes element,
                     struct ms_command *command_out, struct ms_element_room *room)
{
    struct extra extra = {.room = room};

    ms_assert(kind < MS_KIND_COUNT && readers[kind] != NULL);
    clear(command_out);
    command_out->kind = (uint8_t)kind;
    if (readers[kind] == read_beat) {
        room->load = (struct ms_load){0};
    }
    if (!readers[kind](ms_wire_of(element), command_out, &extra)) {
        return false;
    }
    command_out->usage = extra.has_usage ? &room->usage : NULL;
    command_out->terms = extra.has_terms ? &room->terms : NULL;
    return finish(command_out, frame_epoch, extra.client, &room->load);
}

bool ms_element_read_scope(struct ms_bytes body, struct ms_ack_scope *scope_out)
{
    struct ack_frame frame = {0};

    ms_assert(scope_out != NULL);
    if (!read_ack_frame(ms_wire_of(body), &frame, NULL)) {
        return false;
    }
    *scope_out = frame.scope;
    return true;
}

bool ms_element_next(enum ms_kind kind, struct ms_wire *body, struct ms_bytes *element_out,
                     unsigned *unknown_count, bool *more_out)
{
    /* What each kind has beside its list; the scope of acknowledgements was read before. */
    const uint64_t beside = readers[kind] == read_run ? 0 ACK_FRAME_FIELDS(MS_READER_BIT)
                                                      : (readers[kind] == read_token ? 1u << 2 : 0);

    ms_assert(ms_element_is_list(kind));
    while (!ms_wire_is_empty(body)) {
        uint64_t key = 0;
        if (!ms_wire_key(body, &key)) {
            return false;
        }
        if (key >> 3 == 1) {
            *more_out = true;
            return key == (1 << 3 | MS_WIRE_BYTES) && ms_wire_bytes(body, element_out);
        }
        const bool is_known = key >> 3 < 32 && (beside >> (key >> 3) & 1) != 0;
        if (!ms_wire_skip(body, key & 7) ||
            (!is_known && ++*unknown_count > MS_UNKNOWN_FIELDS_MAX)) {
            return false;
        }
    }
    *more_out = false;
    return true;
}
