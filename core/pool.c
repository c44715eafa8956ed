#include "core/pool.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/invariant.h"

#define ALIGNMENT   16u
#define CHUNK_BYTES ((size_t)(256u << 10)) /* aimed at; a chunk holds at least one object */
#define LIVE        UINT32_MAX             /* next of an object that is out */

/* Sits before each object, in the same cache line as its beginning. */
struct header {
    uint32_t generation;
    uint32_t next; /* index + 1 of the next free object, 0 = none; LIVE = out */
    uint32_t index;
    uint32_t zero;
};

static_assert(sizeof(struct header) == ALIGNMENT, "the object after the header is aligned");

static struct header *header_at(const struct ms_pool *pool, uint32_t index)
{
    const uint32_t mask = ((uint32_t)1 << pool->chunk_shift) - 1;
    uint8_t *chunk = pool->chunks[index >> pool->chunk_shift];

    return (struct header *)(void *)(chunk + (size_t)(index & mask) * pool->stride);
}

static struct header *header_of(const void *object)
{
    return (struct header *)(void *)((uintptr_t)object - sizeof(struct header));
}

bool ms_pool_init(struct ms_pool *pool, size_t object_size, uint32_t max)
{
    ms_assert(object_size > 0 && object_size <= SIZE_MAX / 4);
    ms_assert(max > 0 && max < UINT32_MAX);
    const size_t rounded = (object_size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    const size_t stride = sizeof(struct header) + rounded;
    uint32_t shift = 0;

    while (shift < 31 && (stride << (shift + 1)) <= CHUNK_BYTES && ((uint32_t)1 << shift) < max) {
        shift++;
    }
    const uint32_t chunks_max = ((max - 1) >> shift) + 1;
    uint8_t **chunks = calloc(chunks_max, sizeof *chunks);

    if (chunks == NULL) {
        return false;
    }
    *pool = (struct ms_pool){
        .chunks = chunks,
        .object_size = object_size,
        .stride = stride,
        .chunk_shift = shift,
        .chunks_max = chunks_max,
        .max = max,
    };
    return true;
}

void ms_pool_finish(struct ms_pool *pool)
{
    if (pool == NULL) {
        return;
    }
    /* In order, so that none follows the first that is not there. */
    for (uint32_t i = 0; i < pool->chunks_max && pool->chunks[i] != NULL; i++) {
        free(pool->chunks[i]);
    }
    free(pool->chunks);
    *pool = (struct ms_pool){.max = 0};
}

/* The next object never used before; NULL when max or memory is out. */
static struct header *touch(struct ms_pool *pool)
{
    if (pool->touched == pool->max) {
        return NULL;
    }
    uint8_t **chunk = &pool->chunks[pool->touched >> pool->chunk_shift];

    if (*chunk == NULL) {
        *chunk = aligned_alloc(ALIGNMENT, pool->stride << pool->chunk_shift);
        if (*chunk == NULL) {
            return NULL;
        }
    }
    struct header *header = header_at(pool, pool->touched);

    *header = (struct header){.index = pool->touched};
    pool->touched++;
    return header;
}

void *ms_pool_take(struct ms_pool *pool)
{
    struct header *header;

    ms_assert(pool->chunks != NULL);
    if (pool->free_first != 0) {
        header = header_at(pool, pool->free_first - 1);
        ms_assert(header->next != LIVE);
        pool->free_first = header->next;
    } else {
        header = touch(pool);
        if (header == NULL) {
            return NULL;
        }
    }
    header->next = LIVE;
    pool->used++;
    return memset(header + 1, 0, pool->object_size);
}

/* The header of an object that is out, checked to be of this pool. */
static struct header *header_checked(const struct ms_pool *pool, const void *object)
{
    struct header *header = header_of(object);

    ms_assert(header->next == LIVE);
    ms_assert(header->index < pool->touched);
    ms_assert(header_at(pool, header->index) == header);
    return header;
}

void ms_pool_give(struct ms_pool *pool, void *object)
{
    struct header *header = header_checked(pool, object);

    header->generation++;
    header->next = pool->free_first;
    pool->free_first = header->index + 1;
    pool->used--;
}

ms_handle ms_pool_handle(const struct ms_pool *pool, const void *object)
{
    const struct header *header = header_checked(pool, object);

    return (ms_handle)header->generation << 32 | ((ms_handle)header->index + 1);
}

uint32_t ms_pool_index(const struct ms_pool *pool, const void *object)
{
    return header_checked(pool, object)->index;
}

void *ms_pool_get(const struct ms_pool *pool, ms_handle handle)
{
    const uint32_t number = (uint32_t)handle;

    if (number == 0 || number > pool->touched) {
        return NULL;
    }
    struct header *header = header_at(pool, number - 1);

    if (header->next != LIVE || header->generation != (uint32_t)(handle >> 32)) {
        return NULL;
    }
    return header + 1;
}

void *ms_pool_at(const struct ms_pool *pool, uint32_t index)
{
    if (index >= pool->touched) {
        return NULL;
    }
    struct header *header = header_at(pool, index);

    return header->next == LIVE ? header + 1 : NULL;
}

void *ms_pool_next(const struct ms_pool *pool, uint32_t *cursor)
{
    while (*cursor < pool->touched) {
        void *object = ms_pool_at(pool, (*cursor)++);

        if (object != NULL) {
            return object;
        }
    }
    return NULL;
}
