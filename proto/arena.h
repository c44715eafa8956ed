/* Memory for unpacking one frame: zeroed, under a budget, given back all at once. */
#ifndef PROTO_ARENA_H
#define PROTO_ARENA_H

#include <protobuf-c/protobuf-c.h>

#include "core/error.h"
#include "core/limits.h"

#define MS_ARENA_BLOCK_SIZE ((size_t)(16u << 10)) /* kept from frame to frame */

struct ms_arena_block;

struct ms_arena {
    ProtobufCAllocator allocator;
    struct ms_arena_block *blocks; /* the newest first */
    size_t used, budget;           /* bytes */
    uint32_t allocations;
    enum ms_error error; /* why take returned NULL: BUDGET or NO_MEMORY */
};

void ms_arena_init(struct ms_arena *arena); /* allocates nothing; the arena must not move */
void ms_arena_finish(struct ms_arena *arena);

/* Takes everything back and sets the budget for a frame of that many bytes. */
void ms_arena_begin(struct ms_arena *arena, size_t frame_size);

/* Zeroed, aligned to 16; NULL: see error. */
void *ms_arena_take(struct ms_arena *arena, size_t size);

#endif
