#include "proto/wire.h"

#include <limits.h>

#include "core/invariant.h"

static const struct ms_wire_scanned malformed;

static size_t remaining(struct ms_wire wire)
{
    ms_assert(wire.at <= wire.end);
    return (size_t)(wire.end - wire.at);
}

/* Seven bits a byte, lowest first, at most max bytes; bits beyond 64 are lost. */
static inline struct ms_wire_scanned scan(struct ms_wire wire, size_t max)
{
    const size_t limit = remaining(wire) < max ? remaining(wire) : max;
    uint64_t value = 0;

    ms_assert(max <= MS_WIRE_VARINT_MAX);
    for (size_t i = 0; i < limit; i++) {
        value |= (uint64_t)(wire.at[i] & 0x7f) << (7 * i);
        if (wire.at[i] < 0x80) {
            return (struct ms_wire_scanned){wire.at + i + 1, value};
        }
    }
    return malformed;
}

struct ms_wire_scanned ms_wire_scan_varint(struct ms_wire wire)
{
    return scan(wire, MS_WIRE_VARINT_MAX);
}

struct ms_wire_scanned ms_wire_scan_key(struct ms_wire wire)
{
    const struct ms_wire_scanned scanned = scan(wire, MS_WIRE_KEY_MAX);

    /* Number 0 is refused in its short form only: protobuf-c takes the long one for unknown. */
    if (scanned.at == wire.at + 1 && scanned.value >> 3 == 0) {
        return malformed;
    }
    return scanned;
}

struct ms_wire_scanned ms_wire_scan_length(struct ms_wire wire)
{
    const struct ms_wire_scanned scanned = scan(wire, MS_WIRE_KEY_MAX);

    if (scanned.at == NULL || scanned.value > INT_MAX ||
        scanned.value > (uint64_t)(wire.end - scanned.at)) {
        return malformed;
    }
    return scanned;
}

const uint8_t *ms_wire_after(struct ms_wire wire, unsigned type)
{
    uint64_t value = 0;
    struct ms_bytes bytes;

    switch (type) {
    case MS_WIRE_VARINT:
        return ms_wire_varint(&wire, &value) ? wire.at : NULL;
    case MS_WIRE_FIXED64:
        return ms_wire_fixed64(&wire, &value) ? wire.at : NULL;
    case MS_WIRE_BYTES:
        return ms_wire_bytes(&wire, &bytes) ? wire.at : NULL;
    case MS_WIRE_FIXED32:
        return remaining(wire) >= 4 ? wire.at + 4 : NULL;
    default:
        return NULL; /* groups, and what no version of protobuf knows */
    }
}
