#include "core/invariant.h"
#include "proto/reader.h"
#include "proto/record.h"

#define AT_VERSION 17 /* in the header */

/* Numbers from which on a journal could not be continued; nobody ever comes near. */
#define COUNTER_MAX (UINT64_MAX / 2)
#define SPANS_MAX   (UINT64_C(1) << 52) /* of 4096 numbers each */

/* What a record points to, and whether it does. */
struct extra {
    struct ms_record_room *room;
    bool has_usage, has_terms;
};

/* Sixteen bytes, or none. */
static inline bool ms_get_uuid(struct ms_wire *wire, struct ms_uuid *member)
{
    struct ms_bytes bytes = {0};

    if (!ms_wire_bytes(wire, &bytes) || bytes.size != sizeof member->bytes) {
        return false;
    }
    memcpy(member->bytes, bytes.data, sizeof member->bytes);
    return true;
}

MS_READER(read_usage, struct ms_usage, struct extra, MS_USAGE_FIELDS)

#define TERMS_FIELDS(X)                                                                            \
    X(1, VARINT, s8, to->priority)                                                                 \
    X(2, VARINT, u8, to->unique_mode)                                                              \
    X(3, BYTES, bytes, to->unique)                                                                 \
    X(4, BYTES, bytes, to->group)                                                                  \
    X(5, FIXED64, wall, to->run_at)                                                                \
    X(6, FIXED64, wall, to->deadline)                                                              \
    X(7, VARINT, u32, to->array_count)                                                             \
    X(8, VARINT, u32, to->array_concurrency)                                                       \
    X(9, VARINT, u64, to->parts_size)                                                              \
    X(10, BYTES, bytes, to->key)                                                                   \
    X(11, VARINT, u32, to->on)                                                                     \
    X(12, BYTES, bytes, to->targets)
MS_READER(read_terms, struct ms_terms, struct extra, TERMS_FIELDS)

static inline bool ms_get_usage(struct ms_wire *wire, struct extra *extra)
{
    struct ms_bytes bytes = {0};

    extra->room->usage = (struct ms_usage){0};
    extra->has_usage = true;
    return ms_wire_bytes(wire, &bytes) && read_usage(ms_wire_of(bytes), &extra->room->usage, extra);
}

static inline bool ms_get_terms(struct ms_wire *wire, struct extra *extra)
{
    struct ms_bytes bytes = {0};

    extra->room->terms = (struct ms_terms){0};
    extra->has_terms = true;
    return ms_wire_bytes(wire, &bytes) && read_terms(ms_wire_of(bytes), &extra->room->terms, extra);
}

#define RECORD_FIELDS(X)                                                                           \
    X(1, FIXED64, wall, to->at)                                                                    \
    X(2, BYTES, uuid, to->id.client)                                                               \
    X(3, VARINT, u64, to->id.seq)                                                                  \
    X(4, VARINT, u8, to->event)                                                                    \
    X(5, VARINT, u8, to->status)                                                                   \
    X(6, VARINT, u32, to->attempt)                                                                 \
    X(7, FIXED64, fixed64, to->type)                                                               \
    X(8, BYTES, bytes, to->payload)                                                                \
    X(9, VARINT, flags, to->flags)                                                                 \
    X(10, VARINT, u64, to->token.n)                                                                \
    X(11, VARINT, u64, to->token.epoch)                                                            \
    X(12, BYTES, bytes, to->name)                                                                  \
    X(13, VARINT, u8, to->durability)                                                              \
    X(14, VARINT, u32, to->attempts_max)                                                           \
    X(15, BYTES, usage, *extra)                                                                    \
    X(16, VARINT, u32, to->failures)                                                               \
    X(17, VARINT, u32, to->crashes)                                                                \
    X(18, VARINT, s32, to->code)                                                                   \
    X(19, VARINT, u32, to->signal)                                                                 \
    X(20, VARINT, u32, to->index)                                                                  \
    X(21, VARINT, u8, to->stream)                                                                  \
    X(22, FIXED64, wall, to->until)                                                                \
    X(23, VARINT, time, to->timeout)                                                               \
    X(24, VARINT, u64, to->number)                                                                 \
    X(25, VARINT, u64, to->count)                                                                  \
    X(26, BYTES, uuid, to->uuid)                                                                   \
    X(27, BYTES, uuid, to->node)                                                                   \
    X(28, BYTES, bytes, to->detail)                                                                \
    X(29, BYTES, terms, *extra)                                                                    \
    X(30, BYTES, bytes, to->memo)
MS_READER(read_record, struct ms_record, struct extra, RECORD_FIELDS)

bool ms_record_is_complete(const struct ms_record *record)
{
    const bool has_id = record->id.seq > 0;

    ms_assert(record->kind < MS_RECORD_KINDS);
    switch ((enum ms_record_kind)record->kind) {
    case MS_RECORD_EPOCH:
        return record->token.epoch > 0;
    case MS_RECORD_TYPE:
        return record->type >= MS_TYPE_USER_MIN;
    case MS_RECORD_SESSION:
        return !ms_uuid_is_zero(&record->uuid) && !ms_uuid_is_zero(&record->node);
    case MS_RECORD_SESSION_END:
        return !ms_uuid_is_zero(&record->uuid);
    case MS_RECORD_SUBMIT:
        return has_id && record->type >= MS_TYPE_USER_MIN;
    case MS_RECORD_LEASE:
    case MS_RECORD_HAND:
        return has_id && record->token.n > 0 && record->attempt > 0;
    case MS_RECORD_RETURN:
    case MS_RECORD_PIECE:
    case MS_RECORD_RETRY:
    case MS_RECORD_SETTLE:
    case MS_RECORD_CLOSE:
    case MS_RECORD_CHANGE:
    case MS_RECORD_PART:
    case MS_RECORD_DUE:
        return has_id;
    case MS_RECORD_GROUP:
    case MS_RECORD_PROVIDER:
        return record->name.size > 0;
    case MS_RECORD_CLOSED_RUN: /* number 0 is nobody's, so the first span is never in a run */
        return record->id.seq == 0 && record->number > 0 && record->count > 0 &&
               record->count < SPANS_MAX && record->number < SPANS_MAX - record->count;
    case MS_RECORD_SERVICE:
        return record->name.size > 0 && record->number > 0 && record->token.epoch > 0 &&
               record->event < MS_CHANGE_EVENTS &&
               has_id == (record->event == MS_CHANGE_CALL || record->event == MS_CHANGE_MERGED) &&
               record->count <= record->id.seq;
    case MS_RECORD_SERVICE_STATE:
        return record->name.size > 0 && record->index < record->count &&
               record->count <= MS_SERVICE_PIECES_MAX;
    case MS_RECORD_CLIENT:
    case MS_RECORD_CLOSED:
    case MS_RECORD_ERASE:
    case MS_RECORD_KINDS:
        break;
    }
    return true;
}

static bool is_fine(const struct ms_record *record)
{
    if (record->kind == MS_RECORD_EPOCH && record->token.epoch > COUNTER_MAX) {
        return false;
    }
    return record->status < MS_STATUS_COUNT && record->durability < MS_DURABILITY_COUNT &&
           record->stream < MS_STREAM_COUNT && record->at >= 0 && record->until >= 0 &&
           record->timeout >= 0 && record->name.size <= MS_NAME_MAX &&
           record->detail.size <= MS_DETAIL_MAX && record->memo.size <= MS_PROVIDER_STATE_MAX &&
           (record->terms == NULL || ms_reader_judge_terms(record->terms)) &&
           ms_record_is_complete(record);
}

enum ms_error ms_record_read(const struct ms_entry *entry, struct ms_record_room *room,
                             struct ms_record *record_out)
{
    struct extra extra = {.room = room};

    ms_assert(entry->bytes.size >= MS_RECORD_HEADER_SIZE);
    const struct ms_bytes body = {entry->bytes.data + MS_RECORD_HEADER_SIZE,
                                  entry->bytes.size - MS_RECORD_HEADER_SIZE};
    if (entry->bytes.data[AT_VERSION] != MS_RECORD_VERSION || !ms_record_has_kind(entry->kind)) {
        return MS_E_VERSION;
    }
    *record_out = (struct ms_record){.kind = entry->kind};
    if (entry->seq == 0 || entry->seq > COUNTER_MAX ||
        (entry->kind == MS_RECORD_ERASE && body.size > 0) ||
        !read_record(ms_wire_of(body), record_out, &extra)) {
        return MS_E_MALFORMED;
    }
    record_out->usage = extra.has_usage ? &room->usage : NULL;
    record_out->terms = extra.has_terms ? &room->terms : NULL;
    return is_fine(record_out) ? MS_E_OK : MS_E_MALFORMED;
}
