#include "master/pieces.h"

#include <stdlib.h>
#include <string.h>

#include "core/invariant.h"
#include "core/limits.h"

#define BYTES_MIN  (size_t)(256u << 10)
#define BYTES_KEPT (size_t)(4u << 20)

void ms_pieces_finish(struct ms_pieces *pieces)
{
    ms_assert(pieces->size <= pieces->capacity);
    free(pieces->bytes);
    *pieces = (struct ms_pieces){0};
}

bool ms_pieces_gather(struct ms_pieces *pieces, struct ms_bytes bytes)
{
    size_t capacity = pieces->capacity > 0 ? pieces->capacity : BYTES_MIN;

    if (bytes.size > MS_BACKLOG_COPY_BYTES - pieces->size) {
        return false;
    }
    while (capacity < pieces->size + bytes.size) {
        capacity *= 2;
    }
    if (pieces->size == 0 && pieces->capacity > BYTES_KEPT && bytes.size <= BYTES_KEPT) {
        ms_pieces_finish(pieces);
        capacity = BYTES_KEPT;
    }
    if (pieces->capacity < capacity) {
        uint8_t *grown = realloc(pieces->bytes, capacity);

        if (grown == NULL) {
            return false;
        }
        pieces->bytes = grown;
        pieces->capacity = capacity;
    }
    if (bytes.size > 0) {
        memcpy(pieces->bytes + pieces->size, bytes.data, bytes.size);
    }
    pieces->size += bytes.size;
    return true;
}

bool ms_pieces_complete(struct ms_pieces *pieces, struct ms_bytes *bytes)
{
    if (pieces->size > 0) {
        if (!ms_pieces_gather(pieces, *bytes)) {
            return false;
        }
        *bytes = (struct ms_bytes){pieces->bytes, pieces->size};
        pieces->size = 0;
    }
    return true;
}
