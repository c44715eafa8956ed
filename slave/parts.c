#include "slave/parts.h"

#include <stdlib.h>

#include "core/invariant.h"

static bool reserve(struct ms_parts *parts, size_t size)
{
    size_t capacity = parts->capacity;

    ms_assert(size <= parts->max);
    while (capacity < size) {
        capacity = capacity == 0 ? MS_CHUNK_MAX : 2 * capacity;
    }
    if (capacity > parts->capacity) {
        uint8_t *grown = realloc(parts->bytes, capacity);

        if (grown == NULL) {
            return false;
        }
        parts->bytes = grown;
        parts->capacity = capacity;
    }
    return true;
}

/* The memory goes at once, but the token stays, so that the COMMAND is told why. */
static void spoil(struct ms_parts *parts, enum ms_error error)
{
    const struct ms_token token = parts->token;

    ms_parts_drop(parts);
    parts->token = token;
    parts->error = error;
}

void ms_parts_add(struct ms_parts *parts, const struct ms_command *part)
{
    ms_assert(part->kind == MS_KIND_PART);
    if (part->index == 0 || !ms_token_equal(part->token, parts->token)) {
        ms_parts_drop(parts);
        parts->token = part->token;
    }
    if (parts->error != MS_E_OK || part->payload.size == 0) {
        return;
    }
    if (part->index != parts->next) {
        spoil(parts, MS_E_ORDER);
    } else if (part->payload.size > parts->max - parts->size) {
        spoil(parts, MS_E_PAYLOAD_SIZE);
    } else if (!reserve(parts, parts->size + part->payload.size)) {
        spoil(parts, MS_E_NO_MEMORY);
    } else {
        memcpy(parts->bytes + parts->size, part->payload.data, part->payload.size);
        parts->size += part->payload.size;
        parts->next++;
    }
}

enum ms_error ms_parts_take(struct ms_parts *parts, struct ms_token token,
                            struct ms_bytes *payload_out)
{
    if (!ms_token_equal(parts->token, token)) {
        return MS_E_ORDER;
    }
    if (parts->error == MS_E_OK) {
        *payload_out = (struct ms_bytes){parts->bytes, parts->size};
    }
    return parts->error;
}

void *ms_parts_release(struct ms_parts *parts)
{
    void *bytes = parts->bytes;

    ms_assert(parts->error == MS_E_OK && bytes != NULL);
    parts->bytes = NULL;
    ms_parts_drop(parts);
    return bytes;
}

void ms_parts_free(void *bytes)
{
    free(bytes);
}

void ms_parts_drop(struct ms_parts *parts)
{
    free(parts->bytes);
    *parts = (struct ms_parts){.max = parts->max};
}
