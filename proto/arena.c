#include "proto/arena.h"

#include <stdlib.h>

#include "core/invariant.h"

#define ALIGNMENT ((size_t)16)

struct ms_arena_block {
    struct ms_arena_block *older;
    size_t size, used; /* bytes of data */
    _Alignas(16) uint8_t data[];
};

static void *allocate(void *arena, size_t size)
{
    return ms_arena_take(arena, size);
}

static void give_back(void *arena, void *bytes)
{
    (void)arena; /* all at once, by begin */
    (void)bytes;
}

void ms_arena_init(struct ms_arena *arena)
{
    *arena = (struct ms_arena){
        .allocator = {.alloc = allocate, .free = give_back, .allocator_data = arena},
    };
}

static void free_blocks_but(struct ms_arena *arena, struct ms_arena_block *kept)
{
    while (arena->blocks != kept) {
        struct ms_arena_block *block = arena->blocks;
        ms_assert(block != NULL);
        arena->blocks = block->older;
        free(block);
    }
}

void ms_arena_finish(struct ms_arena *arena)
{
    free_blocks_but(arena, NULL);
    ms_arena_init(arena);
}

static struct ms_arena_block *oldest(const struct ms_arena *arena)
{
    struct ms_arena_block *block = arena->blocks;
    while (block != NULL && block->older != NULL) {
        block = block->older;
    }
    return block;
}

void ms_arena_begin(struct ms_arena *arena, size_t frame_size)
{
    ms_assert(arena->allocator.allocator_data == arena);
    free_blocks_but(arena, oldest(arena));
    if (arena->blocks != NULL && arena->blocks->size != MS_ARENA_BLOCK_SIZE) {
        free_blocks_but(arena, NULL); /* made for something large */
    }
    if (arena->blocks != NULL) {
        arena->blocks->used = 0;
    }
    const size_t wanted = frame_size < MS_DECODE_BYTES_MAX / MS_DECODE_FACTOR
                              ? frame_size * MS_DECODE_FACTOR + MS_DECODE_SLACK
                              : MS_DECODE_BYTES_MAX;
    arena->budget = wanted < MS_DECODE_BYTES_MAX ? wanted : MS_DECODE_BYTES_MAX;
    arena->used = 0;
    arena->allocations = 0;
    arena->error = MS_E_OK;
}

static struct ms_arena_block *add_block(struct ms_arena *arena, size_t size)
{
    const size_t data_size = size > MS_ARENA_BLOCK_SIZE ? size : MS_ARENA_BLOCK_SIZE;
    struct ms_arena_block *block = malloc(sizeof *block + data_size);

    if (block == NULL) {
        arena->error = MS_E_NO_MEMORY;
        return NULL;
    }
    block->older = arena->blocks;
    block->size = data_size;
    block->used = 0;
    arena->blocks = block;
    return block;
}

void *ms_arena_take(struct ms_arena *arena, size_t size)
{
    const size_t room = arena->budget - arena->used;
    const size_t rounded = size <= room ? (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT : size;

    ms_assert(arena->used <= arena->budget);
    if (rounded > room || arena->allocations == MS_DECODE_ALLOCATIONS_MAX) {
        arena->error = MS_E_BUDGET;
        return NULL;
    }
    struct ms_arena_block *block = arena->blocks;
    if (block == NULL || rounded > block->size - block->used) {
        block = add_block(arena, rounded);
        if (block == NULL) {
            return NULL;
        }
    }
    void *taken = block->data + block->used;
    block->used += rounded;
    arena->used += rounded;
    arena->allocations++;
    memset(taken, 0, rounded);
    return taken;
}
