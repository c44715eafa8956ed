#include "proto/wire.h"

#include <limits.h>

#include "core/invariant.h"

static size_t remaining(const struct ms_wire *wire)
{
    ms_assert(wire->at <= wire->end);
    return (size_t)(wire->end - wire->at);
}

/* Seven bits a byte, lowest first, at most max bytes; bits beyond 64 are lost. Returns the bytes
 * read, 0 when it does not end in time. */
static size_t scan(const struct ms_wire *wire, size_t max, uint64_t *value_out)
{
    const size_t limit = remaining(wire) < max ? remaining(wire) : max;
    uint64_t value = 0;

    ms_assert(max <= MS_WIRE_VARINT_MAX);
    for (size_t i = 0; i < limit; i++) {
        value |= (uint64_t)(wire->at[i] & 0x7f) << (7 * i);
        if (wire->at[i] < 0x80) {
            *value_out = value;
            return i + 1;
        }
    }
    return 0;
}

bool ms_wire_long_varint(struct ms_wire *wire, uint64_t *value_out)
{
    const size_t used = scan(wire, MS_WIRE_VARINT_MAX, value_out);

    wire->at += used;
    return used > 0;
}

bool ms_wire_long_key(struct ms_wire *wire, uint64_t *key_out)
{
    uint64_t key = 0;
    const size_t used = scan(wire, MS_WIRE_KEY_MAX, &key);

    /* Number 0 is refused in its short form only: protobuf-c takes the long one for unknown. */
    if (used == 0 || (used == 1 && key >> 3 == 0)) {
        return false;
    }
    wire->at += used;
    *key_out = key;
    return true;
}

bool ms_wire_long_length(struct ms_wire *wire, size_t *length_out)
{
    uint64_t length = 0;
    const size_t used = scan(wire, MS_WIRE_KEY_MAX, &length);

    if (used == 0 || length > INT_MAX || length > remaining(wire) - used) {
        return false;
    }
    wire->at += used;
    *length_out = (size_t)length;
    return true;
}

bool ms_wire_skip(struct ms_wire *wire, unsigned type)
{
    uint64_t value = 0;
    struct ms_bytes bytes;

    switch (type) {
    case MS_WIRE_VARINT:
        return ms_wire_varint(wire, &value);
    case MS_WIRE_FIXED64:
        return ms_wire_fixed64(wire, &value);
    case MS_WIRE_BYTES:
        return ms_wire_bytes(wire, &bytes);
    case MS_WIRE_FIXED32:
        if (remaining(wire) < 4) {
            return false;
        }
        wire->at += 4;
        return true;
    default:
        return false; /* groups, and what no version of protobuf knows */
    }
}
