/* Loops over messages, made of tables of their fields: what proto/element.c and proto/record.c read with.
 *
 * FIELDS(X) lists the fields of a message as X(number, wire type, how, where); MS_READER makes of it a
 * function with a case for each field, which calls ms_get_HOW(&wire, &(WHERE)). The last value of a field
 * counts, as in protobuf: so the functions judge nothing but what no message may hold. */
#ifndef PROTO_READER_H
#define PROTO_READER_H

#include "core/command.h"
#include "proto/utf8.h"
#include "proto/wire.h"

static inline bool ms_get_u64(struct ms_wire *wire, uint64_t *member)
{
    return ms_wire_varint(wire, member);
}

static inline bool ms_get_u32(struct ms_wire *wire, uint32_t *member)
{
    uint64_t value = 0;

    if (!ms_wire_varint(wire, &value)) {
        return false;
    }
    *member = (uint32_t)value;
    return true;
}

static inline bool ms_get_s32(struct ms_wire *wire, int32_t *member)
{
    uint32_t value = 0;

    if (!ms_get_u32(wire, &value)) {
        return false;
    }
    *member = ms_wire_unzigzag(value);
    return true;
}

/* A number that is too large for a narrow member becomes its extreme, which no enumeration has. */
static inline bool ms_get_s8(struct ms_wire *wire, int8_t *member)
{
    int32_t value = 0;

    if (!ms_get_s32(wire, &value)) {
        return false;
    }
    *member = (int8_t)(value > INT8_MAX ? INT8_MAX : value < INT8_MIN ? INT8_MIN : value);
    return true;
}

static inline bool ms_get_u16(struct ms_wire *wire, uint16_t *member)
{
    uint32_t value = 0;

    if (!ms_get_u32(wire, &value)) {
        return false;
    }
    *member = (uint16_t)(value < UINT16_MAX ? value : UINT16_MAX);
    return true;
}

static inline bool ms_get_u8(struct ms_wire *wire, uint8_t *member)
{
    uint32_t value = 0;

    if (!ms_get_u32(wire, &value)) {
        return false;
    }
    *member = (uint8_t)(value < UINT8_MAX ? value : UINT8_MAX);
    return true;
}

/* Bits that nobody knows are dropped. */
static inline bool ms_get_flags(struct ms_wire *wire, uint8_t *member)
{
    uint32_t value = 0;

    if (!ms_get_u32(wire, &value)) {
        return false;
    }
    *member = (uint8_t)value;
    return true;
}

static inline ms_time ms_get_bounded(uint64_t value)
{
    return value <= (uint64_t)MS_DURATION_MAX ? (ms_time)value : -1;
}

/* Too long a time becomes negative. */
static inline bool ms_get_time(struct ms_wire *wire, ms_time *member)
{
    uint64_t value = 0;

    if (!ms_wire_varint(wire, &value)) {
        return false;
    }
    *member = ms_get_bounded(value);
    return true;
}

/* A time of the wall clock; one too far becomes negative. */
static inline bool ms_get_wall(struct ms_wire *wire, int64_t *member)
{
    uint64_t value = 0;

    if (!ms_wire_fixed64(wire, &value)) {
        return false;
    }
    *member = ms_get_bounded(value);
    return true;
}

static inline bool ms_get_fixed64(struct ms_wire *wire, uint64_t *member)
{
    return ms_wire_fixed64(wire, member);
}

static inline bool ms_get_bytes(struct ms_wire *wire, struct ms_bytes *member)
{
    return ms_wire_bytes(wire, member);
}

static inline bool ms_get_text(struct ms_wire *wire, struct ms_bytes *member)
{
    return ms_wire_bytes(wire, member) && ms_utf8_is_text(*member);
}

/* A field that the message does not have, or has with another wire type, which is malformed. known has a bit
 * for each number of its fields. Returns the place after it, or NULL. */
const uint8_t *ms_reader_pass(struct ms_wire wire, uint64_t key, uint64_t known,
                              unsigned unknown_count);

/* Nothing is beyond its bound; a text is not looked at. */
bool ms_reader_judge_terms(const struct ms_terms *terms);

#define MS_READER_CASE(number, type, how, where)                                                   \
    case (number) << 3 | MS_WIRE_##type:                                                           \
        if (!ms_get_##how(&wire, &(where))) {                                                      \
            return false;                                                                          \
        }                                                                                          \
        break;
#define MS_READER_BIT(number, type, how, where) | UINT64_C(1) << (number)

/* static bool NAME(wire, TARGET *to, EXTRA *extra): extra holds what to has no place for. */
#define MS_READER(name, target, extra_type, FIELDS)                                                \
    static bool name(struct ms_wire wire, target *to, extra_type *extra)                           \
    {                                                                                              \
        unsigned unknown_count = 0;                                                                \
                                                                                                   \
        (void)extra;                                                                               \
        while (!ms_wire_is_empty(&wire)) {                                                         \
            uint64_t key = 0;                                                                      \
            if (!ms_wire_key(&wire, &key)) {                                                       \
                return false;                                                                      \
            }                                                                                      \
            switch (key) {                                                                         \
                FIELDS(MS_READER_CASE)                                                             \
            default:                                                                               \
                wire.at = ms_reader_pass(wire, key, 0 FIELDS(MS_READER_BIT), ++unknown_count);     \
                if (wire.at == NULL) {                                                             \
                    return false;                                                                  \
                }                                                                                  \
            }                                                                                      \
        }                                                                                          \
        return true;                                                                               \
    }

/* Message Usage, which stands in frames and in the journal. */
#define MS_USAGE_FIELDS(X)                                                                         \
    X(1, VARINT, u64, to->wall_us)                                                                 \
    X(2, VARINT, u64, to->user_us)                                                                 \
    X(3, VARINT, u64, to->system_us)                                                               \
    X(4, VARINT, u64, to->rss_kib)

#endif
