#include "proto/utf8.h"

#include "core/invariant.h"

static bool is_continuation(uint8_t byte)
{
    return (byte & 0xc0) == 0x80;
}

/* Length of the character at the head of bytes; 0 when there is none. */
static size_t character(struct ms_bytes bytes)
{
    ms_assert(bytes.size > 0);
    const uint8_t *at = bytes.data;
    if (at[0] < 0x80) {
        return at[0] != 0 ? 1 : 0;
    }
    if (bytes.size < 2 || !is_continuation(at[1])) {
        return 0;
    }
    if (at[0] >= 0xc2 && at[0] <= 0xdf) {
        return 2;
    }
    if (bytes.size < 3 || !is_continuation(at[2])) {
        return 0;
    }
    if (at[0] >= 0xe0 && at[0] <= 0xef) {
        const bool is_overlong = at[0] == 0xe0 && at[1] < 0xa0;
        const bool is_surrogate = at[0] == 0xed && at[1] > 0x9f;
        return is_overlong || is_surrogate ? 0 : 3;
    }
    if (bytes.size < 4 || !is_continuation(at[3])) {
        return 0;
    }
    if (at[0] >= 0xf0 && at[0] <= 0xf4) {
        const bool is_overlong = at[0] == 0xf0 && at[1] < 0x90;
        const bool is_beyond = at[0] == 0xf4 && at[1] > 0x8f;
        return is_overlong || is_beyond ? 0 : 4;
    }
    return 0;
}

static bool is_control(const uint8_t *at, size_t length)
{
    ms_assert(length > 0);
    return (length == 1 && (at[0] < 0x20 || at[0] == 0x7f)) ||
           (length == 2 && at[0] == 0xc2 && at[1] < 0xa0);
}

static bool check(struct ms_bytes bytes, bool control_allowed)
{
    ms_assert(bytes.data != NULL || bytes.size == 0);
    while (bytes.size > 0) {
        const size_t length = character(bytes);
        if (length == 0 || (!control_allowed && is_control(bytes.data, length))) {
            return false;
        }
        bytes.data += length;
        bytes.size -= length;
    }
    return true;
}

bool ms_utf8_is_text(struct ms_bytes bytes)
{
    return check(bytes, true);
}

bool ms_utf8_is_name(struct ms_bytes bytes)
{
    return check(bytes, false);
}

size_t ms_utf8_clean(uint8_t *to, struct ms_bytes from, size_t max)
{
    size_t size = 0;

    ms_assert(from.data != NULL || from.size == 0);
    while (from.size > 0) {
        const size_t length = character(from);
        const size_t taken = length > 0 ? length : 1;
        if (taken > max - size) {
            break;
        }
        if (length > 0) {
            memcpy(to + size, from.data, length);
        } else {
            to[size] = '?';
        }
        size += taken;
        from.data += taken;
        from.size -= taken;
    }
    ms_assert(size <= max);
    return size;
}
