/* The wire format of protobuf, read and written by hand: varints, keys, lengths. Reading accepts
 * exactly what protobuf-c 1.4 accepts, overlong varints and truncation to 32 bits included. */
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

/* The general cases of the functions below; false: malformed, and *wire is where it was. */
bool ms_wire_long_varint(struct ms_wire *wire, uint64_t *value_out);
bool ms_wire_long_key(struct ms_wire *wire, uint64_t *key_out);
bool ms_wire_long_length(struct ms_wire *wire, size_t *length_out);

/* Reads past one value of an unknown field. */
bool ms_wire_skip(struct ms_wire *wire, unsigned type);

static inline bool ms_wire_varint(struct ms_wire *wire, uint64_t *value_out)
{
    if (wire->at < wire->end && *wire->at < 0x80) {
        *value_out = *wire->at++;
        return true;
    }
    return ms_wire_long_varint(wire, value_out);
}

/* Field number << 3 | enum ms_wire_type; the wire type is not checked. */
static inline bool ms_wire_key(struct ms_wire *wire, uint64_t *key_out)
{
    if (wire->at < wire->end && *wire->at < 0x80 && *wire->at >= 8) {
        *key_out = *wire->at++;
        return true;
    }
    return ms_wire_long_key(wire, key_out);
}

/* Takes the bytes of a length-prefixed field. */
static inline bool ms_wire_bytes(struct ms_wire *wire, struct ms_bytes *bytes_out)
{
    size_t length = 0;

    if (wire->at < wire->end && *wire->at < 0x80 && *wire->at < (size_t)(wire->end - wire->at)) {
        length = *wire->at++;
    } else if (!ms_wire_long_length(wire, &length)) {
        return false;
    }
    *bytes_out = (struct ms_bytes){length > 0 ? wire->at : NULL, length};
    wire->at += length;
    return true;
}

static inline bool ms_wire_fixed64(struct ms_wire *wire, uint64_t *value_out)
{
    if (wire->end - wire->at < 8) {
        return false;
    }
    uint64_t value = 0;
    for (unsigned i = 0; i < 8; i++) {
        value |= (uint64_t)wire->at[i] << (8 * i);
    }
    wire->at += 8;
    *value_out = value;
    return true;
}

static inline int32_t ms_wire_unzigzag(uint32_t value)
{
    return (int32_t)((value >> 1) ^ (0u - (value & 1u)));
}

static inline uint32_t ms_wire_zigzag(int32_t value)
{
    return ((uint32_t)value << 1) ^ (value < 0 ? UINT32_MAX : 0u);
}

/* Writing: the caller has room; each returns the place after what it wrote. Fields that hold their
 * default are left out, as protobuf does. */
static inline uint8_t *ms_wire_put_varint(uint8_t *at, uint64_t value)
{
    while (value >= 0x80) {
        *at++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *at++ = (uint8_t)value;
    return at;
}

static inline uint8_t *ms_wire_put_key(uint8_t *at, unsigned number, enum ms_wire_type type)
{
    *at++ = (uint8_t)(number << 3 | (unsigned)type); /* numbers up to 15 need no second byte */
    return at;
}

static inline uint8_t *ms_wire_put_u64(uint8_t *at, unsigned number, uint64_t value)
{
    if (value == 0) {
        return at;
    }
    return ms_wire_put_varint(ms_wire_put_key(at, number, MS_WIRE_VARINT), value);
}

static inline uint8_t *ms_wire_put_fixed64(uint8_t *at, unsigned number, uint64_t value)
{
    if (value == 0) {
        return at;
    }
    at = ms_wire_put_key(at, number, MS_WIRE_FIXED64);
    for (unsigned i = 0; i < 8; i++) {
        *at++ = (uint8_t)(value >> (8 * i));
    }
    return at;
}

static inline uint8_t *ms_wire_put_bytes(uint8_t *at, unsigned number, struct ms_bytes bytes)
{
    if (bytes.size == 0) {
        return at;
    }
    at = ms_wire_put_varint(ms_wire_put_key(at, number, MS_WIRE_BYTES), bytes.size);
    memcpy(at, bytes.data, bytes.size);
    return at + bytes.size;
}

static inline unsigned ms_wire_varint_size(uint64_t value)
{
    return (unsigned)(63 - __builtin_clzll(value | 1)) / 7 + 1;
}

#endif
