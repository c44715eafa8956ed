/* Pool of equal objects that never move, named by handles that notice when they are stale. */
#ifndef CORE_POOL_H
#define CORE_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* generation << 32 | index + 1. */
typedef uint64_t ms_handle;

#define MS_HANDLE_NONE ((ms_handle)0)

/* Grows by whole chunks up to max objects; memory goes back only at finish. A zeroed pool may be
 * finished and asked for handles, not used otherwise. */
struct ms_pool {
    uint8_t **chunks;
    size_t object_size;
    size_t stride;
    uint32_t chunk_shift; /* log2 of the objects of a chunk */
    uint32_t chunks_max;
    uint32_t max;
    uint32_t touched;    /* indices below it were in use at least once */
    uint32_t free_first; /* index + 1 of the object given back last; 0 = none */
    uint32_t used;
};

/* Objects of object_size bytes, aligned to 16; 1 <= max < UINT32_MAX. False when memory for the
 * directory is out. */
bool ms_pool_init(struct ms_pool *pool, size_t object_size, uint32_t max);

/* Frees all objects, live ones too. Accepts NULL and a zeroed pool. */
void ms_pool_finish(struct ms_pool *pool);

/* A zeroed object; NULL when max is reached or memory is out. */
void *ms_pool_take(struct ms_pool *pool);

/* Gives the object back; every handle to it is stale from now on. */
void ms_pool_give(struct ms_pool *pool, void *object);

/* Handle of a live object of this pool; never MS_HANDLE_NONE. */
ms_handle ms_pool_handle(const struct ms_pool *pool, const void *object);

/* Index of a live object: dense, below max, stable while it lives. */
uint32_t ms_pool_index(const struct ms_pool *pool, const void *object);

/* The object, or NULL when the handle is none, stale or was never given out. Any number is a
 * legal question, so handles may come from outside. */
void *ms_pool_get(const struct ms_pool *pool, ms_handle handle);

/* The live object at index, or NULL. */
void *ms_pool_at(const struct ms_pool *pool, uint32_t index);

/* Next live object with index >= *cursor, which moves behind it; NULL at the end. Start with 0.
 * Objects may be taken and given during the walk. */
void *ms_pool_next(const struct ms_pool *pool, uint32_t *cursor);

static inline uint32_t ms_pool_used(const struct ms_pool *pool)
{
    return pool->used;
}

static inline uint32_t ms_pool_capacity(const struct ms_pool *pool)
{
    return pool->max;
}

/* How many more objects may be taken, memory permitting. */
static inline uint32_t ms_pool_free(const struct ms_pool *pool)
{
    return pool->max - pool->used;
}

#endif
