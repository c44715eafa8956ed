/* The wire format of protobuf, written by hand. The caller has room; each function returns the place
 * after what it wrote. Fields that hold their default are left out, as protobuf does. */
#ifndef PROTO_WIRE_PUT_H
#define PROTO_WIRE_PUT_H

#include "proto/wire.h"

static inline uint32_t ms_wire_zigzag(int32_t value)
{
    return ((uint32_t)value << 1) ^ (value < 0 ? UINT32_MAX : 0u);
}

static inline uint8_t *ms_wire_put_varint(uint8_t *at, uint64_t value)
{
    while (value >= 0x80) {
        *at++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *at++ = (uint8_t)value;
    return at;
}

/* Numbers up to 15 take one byte, up to 2047 two; more are not written. */
static inline uint8_t *ms_wire_put_key(uint8_t *at, unsigned number, enum ms_wire_type type)
{
    if (number > 15) {
        *at++ = (uint8_t)(number << 3 | (unsigned)type | 0x80);
        *at++ = (uint8_t)(number >> 4);
        return at;
    }
    *at++ = (uint8_t)(number << 3 | (unsigned)type);
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
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
    at[2] = (uint8_t)(value >> 16);
    at[3] = (uint8_t)(value >> 24);
    at[4] = (uint8_t)(value >> 32);
    at[5] = (uint8_t)(value >> 40);
    at[6] = (uint8_t)(value >> 48);
    at[7] = (uint8_t)(value >> 56);
    return at + 8;
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
