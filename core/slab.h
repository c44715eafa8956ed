/* Allocator for payload bytes: size classes over shared chunks, O(1), bounded, never fragmenting
 * across classes because an empty chunk serves any class again. */
#ifndef CORE_SLAB_H
#define CORE_SLAB_H

#include <stddef.h>
#include <stdint.h>

#include "core/list.h"

#define MS_SLAB_CLASSES     32
#define MS_SLAB_BLOCK_MAX   ((size_t)8192)        /* larger blocks come from malloc */
#define MS_SLAB_CHUNK_SIZE  ((size_t)(64u << 10)) /* one class at a time */
#define MS_SLAB_REGION_SIZE ((size_t)(1u << 20))  /* what is asked of malloc at once */

struct ms_slab_region;

struct ms_slab {
    struct ms_list partial[MS_SLAB_CLASSES]; /* chunks with a free block */
    struct ms_list empty;                    /* chunks that belong to no class */
    struct ms_slab_region *regions;
    size_t used;     /* bytes of all blocks out, rounded up to their classes */
    size_t reserved; /* bytes asked of malloc */
    size_t blocks;   /* blocks out */
    size_t max;
};

/* max: bytes out at most. Allocates nothing yet. */
void ms_slab_init(struct ms_slab *slab, size_t max);

/* Frees all chunks; every block larger than MS_SLAB_BLOCK_MAX must have been given back.
 * Accepts NULL and a zeroed slab. */
void ms_slab_finish(struct ms_slab *slab);

/* A block of at least size bytes, aligned to 16, not cleared; size may be 0. NULL when max would
 * be passed or memory is out. */
void *ms_slab_take(struct ms_slab *slab, size_t size);

/* Copy of bytes in a block of that size; NULL as above. */
void *ms_slab_copy(struct ms_slab *slab, const void *bytes, size_t size);

/* Gives a block back. size must be what it was taken with. NULL is ignored. */
void ms_slab_give(struct ms_slab *slab, void *block, size_t size);

/* Bytes that a block of this size counts against max. */
size_t ms_slab_cost(size_t size);

static inline size_t ms_slab_used(const struct ms_slab *slab)
{
    return slab->used;
}

static inline size_t ms_slab_reserved(const struct ms_slab *slab)
{
    return slab->reserved;
}

#endif
