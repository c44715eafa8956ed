/* The wire format of protobuf, read by hand: varints, keys, lengths. Accepts exactly what protobuf-c
 * 1.4 accepts, overlong varints and truncation to 32 bits included. */
#ifndef PROTO_WIRE_H
#define PROTO_WIRE_H

#include "core/types.h"

enum ms_wire_type {
    MS_WIRE_VARINT = 0,
    MS_WIRE_FIXED64 = 1,
    MS_WIRE_BYTES = 2,
    MS_WIRE_FIXED32 = 5,
};

#define MS_WIRE_KEY_MAX    5  /* bytes of a key, and of a length */
#define MS_WIRE_VARINT_MAX 10 /* bytes of a varint */

/* What is left to read: [at, end). */
struct ms_wire {
    const uint8_t *at, *end;
};

static inline struct ms_wire ms_wire_of(struct ms_bytes bytes)
{
    return (struct ms_wire){bytes.data, bytes.size > 0 ? bytes.data + bytes.size : bytes.data};
}

static inline bool ms_wire_is_empty(const struct ms_wire *wire)
{
    return wire->at == wire->end;
}

/* The general cases of the functions below. They take and return values, so that a struct ms_wire
 * of the caller can live in registers. */
struct ms_wire_scanned {
    const uint8_t *at; /* after what was read; NULL: malformed */
    uint64_t value;
};

struct ms_wire_scanned ms_wire_scan_varint(struct ms_wire wire);
struct ms_wire_scanned ms_wire_scan_key(struct ms_wire wire);
struct ms_wire_scanned ms_wire_scan_length(struct ms_wire wire); /* the bytes are there */

/* The place after one value of an unknown field; NULL: malformed. */
const uint8_t *ms_wire_after(struct ms_wire wire, unsigned type);

static inline bool ms_wire_took(struct ms_wire *wire, struct ms_wire_scanned scanned,
                                uint64_t *value_out)
{
    if (scanned.at == NULL) {
        return false;
    }
    wire->at = scanned.at;
    *value_out = scanned.value;
    return true;
}

/* All bytes of a varint of up to 8 at once: numbers of commands have 2 to 5, and no branch has to
 * guess how many. */
static inline struct ms_wire_scanned ms_wire_scan_word(const uint8_t *at)
{
    uint64_t word = (uint64_t)at[7] << 56 | (uint64_t)at[6] << 48 | (uint64_t)at[5] << 40 |
                    (uint64_t)at[4] << 32 | (uint64_t)at[3] << 24 | (uint64_t)at[2] << 16 |
                    (uint64_t)at[1] << 8 | at[0];
    const uint64_t ends = ~word & 0x8080808080808080;

    if (ends == 0) {
        return (struct ms_wire_scanned){NULL, 0};
    }
    const uint64_t last = ends & (0 - ends); /* the bit that ends it */
    word &= (last - 1) | last;
    word &= 0x7f7f7f7f7f7f7f7f;
    word = (word & 0x007f007f007f007f) | (word & 0x7f007f007f007f00) >> 1;
    word = (word & 0x00003fff00003fff) | (word & 0x3fff00003fff0000) >> 2;
    word = (word & 0x000000000fffffff) | (word & 0x0fffffff00000000) >> 4;
    return (struct ms_wire_scanned){at + (unsigned)__builtin_ctzll(last) / 8 + 1, word};
}

static inline bool ms_wire_varint(struct ms_wire *wire, uint64_t *value_out)
{
    if (wire->at < wire->end && *wire->at < 0x80) {
        *value_out = *wire->at++;
        return true;
    }
    if (wire->end - wire->at >= 8 && ms_wire_took(wire, ms_wire_scan_word(wire->at), value_out)) {
        return true;
    }
    return ms_wire_took(wire, ms_wire_scan_varint(*wire), value_out);
}

/* Field number << 3 | enum ms_wire_type; the wire type is not checked. */
static inline bool ms_wire_key(struct ms_wire *wire, uint64_t *key_out)
{
    if (wire->at < wire->end && *wire->at < 0x80 && *wire->at >= 8) {
        *key_out = *wire->at++;
        return true;
    }
    return ms_wire_took(wire, ms_wire_scan_key(*wire), key_out);
}

/* Takes the bytes of a length-prefixed field. */
static inline bool ms_wire_bytes(struct ms_wire *wire, struct ms_bytes *bytes_out)
{
    uint64_t length = 0;

    if (wire->at < wire->end && *wire->at < 0x80 && *wire->at < wire->end - wire->at) {
        length = *wire->at++;
    } else if (!ms_wire_took(wire, ms_wire_scan_length(*wire), &length)) {
        return false;
    }
    *bytes_out = (struct ms_bytes){length > 0 ? wire->at : NULL, (size_t)length};
    wire->at += length;
    return true;
}

static inline bool ms_wire_fixed64(struct ms_wire *wire, uint64_t *value_out)
{
    const uint8_t *at = wire->at;

    if (wire->end - at < 8) {
        return false;
    }
    wire->at += 8;
    *value_out = (uint64_t)at[7] << 56 | (uint64_t)at[6] << 48 | (uint64_t)at[5] << 40 |
                 (uint64_t)at[4] << 32 | (uint64_t)at[3] << 24 | (uint64_t)at[2] << 16 |
                 (uint64_t)at[1] << 8 | at[0];
    return true;
}

/* Reads past one value of an unknown field. */
static inline bool ms_wire_skip(struct ms_wire *wire, unsigned type)
{
    const uint8_t *after = ms_wire_after(*wire, type);

    wire->at = after != NULL ? after : wire->at;
    return after != NULL;
}

static inline int32_t ms_wire_unzigzag(uint32_t value)
{
    return (int32_t)((value >> 1) ^ (0u - (value & 1u)));
}

#endif
