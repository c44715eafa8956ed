/* Frames that belong together, until the last of them is here. */
#ifndef MASTER_PIECES_H
#define MASTER_PIECES_H

#include <stdbool.h>

#include "core/types.h"

/* A zeroed one is empty. */
struct ms_pieces {
    uint8_t *bytes;
    size_t size, capacity;
};

void ms_pieces_finish(struct ms_pieces *pieces);

/* Appends a frame to those it belongs to. False when that is too much. */
bool ms_pieces_gather(struct ms_pieces *pieces, struct ms_bytes bytes);

/* All frames up to this one, which is the last: in one piece that stands until the next is gathered. False when it is too
 * much. */
bool ms_pieces_complete(struct ms_pieces *pieces, struct ms_bytes *bytes);

#endif
