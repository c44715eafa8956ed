#include "core/slab.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/invariant.h"

/* Payload sizes come in any length, so classes are close: steps of 16 up to 128, then four to a
 * doubling: above 128 bytes a block wastes at most a fifth. */
#define LINEAR_CLASSES    8u
#define LINEAR_STEP       ((size_t)16)
#define LINEAR_MAX        (LINEAR_CLASSES * LINEAR_STEP)
#define NO_CLASS          UINT32_MAX
#define CHUNK_HEADER      ((size_t)64)
#define CHUNKS_PER_REGION (MS_SLAB_REGION_SIZE / MS_SLAB_CHUNK_SIZE)

struct block {
    struct block *next;
};

/* At the beginning of each chunk; chunks are aligned to their size, so a block finds its own. */
struct chunk {
    struct ms_list link; /* in partial of its class, in empty, or in none when full */
    struct block *free;
    uint32_t class;
    uint32_t used;
    uint32_t fresh; /* offset of the first block never used */
    uint32_t end;   /* offset behind the last block */
    const struct ms_slab *owner;
};

/* What malloc gave; the aligned chunks are inside. */
struct ms_slab_region {
    struct ms_slab_region *next;
};

static_assert(sizeof(struct chunk) <= CHUNK_HEADER, "the header has room");
static_assert(MS_SLAB_CHUNK_SIZE / MS_SLAB_BLOCK_MAX >= 8, "a chunk of the last class is worth it");

static uint32_t class_of(size_t size)
{
    ms_assert(size <= MS_SLAB_BLOCK_MAX);
    if (size <= LINEAR_MAX) {
        return size == 0 ? 0 : (uint32_t)((size - 1) / LINEAR_STEP);
    }
    const uint32_t doubling = 63u - (uint32_t)__builtin_clzll((unsigned long long)size - 1);
    const uint32_t quarter = (uint32_t)((size - 1) >> (doubling - 2)) & 3;

    return LINEAR_CLASSES + (doubling - 7) * 4 + quarter;
}

/* Of each class. The unit test holds it against the rule above. */
static const uint16_t block_sizes[MS_SLAB_CLASSES] = {
    16,  32,  48,  64,   80,   96,   112,  128,  160,  192,  224,  256,  320,  384,  448,  512,
    640, 768, 896, 1024, 1280, 1536, 1792, 2048, 2560, 3072, 3584, 4096, 5120, 6144, 7168, 8192,
};

void ms_slab_init(struct ms_slab *slab, size_t max)
{
    ms_assert(class_of(MS_SLAB_BLOCK_MAX) == MS_SLAB_CLASSES - 1);
    ms_assert(max > 0);
    *slab = (struct ms_slab){.max = max};
    for (size_t i = 0; i < MS_SLAB_CLASSES; i++) {
        ms_list_init(&slab->partial[i]);
    }
    ms_list_init(&slab->empty);
}

void ms_slab_finish(struct ms_slab *slab)
{
    if (slab == NULL) {
        return;
    }
    while (slab->regions != NULL) {
        struct ms_slab_region *region = slab->regions;

        slab->regions = region->next;
        free(region);
    }
    *slab = (struct ms_slab){.max = 0};
}

/* Asks malloc for a region and cuts it into empty chunks. */
static bool add_region(struct ms_slab *slab)
{
    /* Room for the region's own header and for aligning by hand: aligned_alloc may waste as much
     * again on each call. */
    const size_t size = MS_SLAB_REGION_SIZE + MS_SLAB_CHUNK_SIZE;
    struct ms_slab_region *region = malloc(size);

    if (region == NULL) {
        return false;
    }
    region->next = slab->regions;
    slab->regions = region;
    slab->reserved += size;

    const uintptr_t start = (uintptr_t)(region + 1);
    const uintptr_t mask = MS_SLAB_CHUNK_SIZE - 1;
    uint8_t *chunks = (uint8_t *)region + (((start + mask) & ~mask) - (uintptr_t)region);

    for (size_t i = 0; i < CHUNKS_PER_REGION; i++) {
        struct chunk *chunk = (struct chunk *)(void *)(chunks + i * MS_SLAB_CHUNK_SIZE);

        *chunk = (struct chunk){.class = NO_CLASS, .owner = slab};
        ms_list_init(&chunk->link);
        ms_list_push_back(&slab->empty, &chunk->link);
    }
    return true;
}

/* Gives an empty chunk to the class; NULL when memory is out. */
static struct chunk *add_chunk(struct ms_slab *slab, uint32_t class)
{
    if (ms_list_is_empty(&slab->empty) && !add_region(slab)) {
        return NULL;
    }
    struct chunk *chunk = ms_container_of(ms_list_pop_front(&slab->empty), struct chunk, link);
    const size_t blocks = (MS_SLAB_CHUNK_SIZE - CHUNK_HEADER) / block_sizes[class];

    ms_assert(chunk->used == 0 && chunk->class == NO_CLASS);
    chunk->class = class;
    chunk->free = NULL;
    chunk->fresh = (uint32_t)CHUNK_HEADER;
    chunk->end = (uint32_t)(CHUNK_HEADER + blocks * block_sizes[class]);
    ms_list_push_front(&slab->partial[class], &chunk->link);
    return chunk;
}

static void *take_small(struct ms_slab *slab, uint32_t class)
{
    struct ms_list *link = slab->partial[class].next;
    struct chunk *chunk = ms_container_of(link, struct chunk, link);

    if (link == &slab->partial[class]) {
        chunk = add_chunk(slab, class);
        if (chunk == NULL) {
            return NULL;
        }
    }
    struct block *block = chunk->free;

    if (block != NULL) {
        chunk->free = block->next;
    } else {
        ms_assert(chunk->fresh < chunk->end);
        block = (struct block *)(void *)((uint8_t *)chunk + chunk->fresh);
        chunk->fresh += block_sizes[class];
    }
    chunk->used++;
    if (chunk->free == NULL && chunk->fresh == chunk->end) {
        ms_list_remove(&chunk->link);
    }
    return block;
}

size_t ms_slab_cost(size_t size)
{
    return size <= MS_SLAB_BLOCK_MAX ? block_sizes[class_of(size)] : size;
}

static void *take_large(struct ms_slab *slab, size_t size)
{
    if (size > slab->max - slab->used) {
        return NULL;
    }
    void *block = malloc(size);

    if (block != NULL) {
        slab->reserved += size;
        slab->used += size;
        slab->blocks++;
    }
    return block;
}

void *ms_slab_take(struct ms_slab *slab, size_t size)
{
    ms_assert(slab->used <= slab->max);
    if (size > MS_SLAB_BLOCK_MAX) {
        return take_large(slab, size);
    }
    const uint32_t class = class_of(size);

    if (block_sizes[class] > slab->max - slab->used) {
        return NULL;
    }
    void *block = take_small(slab, class);

    if (block != NULL) {
        slab->used += block_sizes[class];
        slab->blocks++;
    }
    return block;
}

void *ms_slab_copy(struct ms_slab *slab, const void *bytes, size_t size)
{
    void *block = ms_slab_take(slab, size);

    ms_assert(bytes != NULL || size == 0);
    if (block != NULL && size > 0) {
        memcpy(block, bytes, size);
    }
    return block;
}

static void give_small(struct ms_slab *slab, void *memory, uint32_t class)
{
    const uintptr_t offset = (uintptr_t)memory & (MS_SLAB_CHUNK_SIZE - 1);
    struct chunk *chunk = (struct chunk *)(void *)((uint8_t *)memory - offset);
    struct block *block = memory;

    ms_assert(chunk->owner == slab);
    ms_assert(chunk->class == class);
    ms_assert(chunk->used > 0);
    ms_assert(offset >= CHUNK_HEADER && offset < chunk->fresh);
    if (chunk->link.next == &chunk->link) {
        ms_list_push_front(&slab->partial[class], &chunk->link);
    }
    block->next = chunk->free;
    chunk->free = block;
    chunk->used--;
    /* The last partial chunk of a class stays, or a single block taken and given again and again
     * would move it back and forth. */
    if (chunk->used == 0 && slab->partial[class].next != slab->partial[class].prev) {
        chunk->class = NO_CLASS;
        ms_list_remove(&chunk->link);
        ms_list_push_front(&slab->empty, &chunk->link);
    }
}

void ms_slab_give(struct ms_slab *slab, void *block, size_t size)
{
    if (block == NULL) {
        return;
    }
    const bool is_small = size <= MS_SLAB_BLOCK_MAX;
    const uint32_t class = is_small ? class_of(size) : NO_CLASS;
    const size_t cost = is_small ? block_sizes[class] : size;

    ms_assert(slab->blocks > 0);
    ms_assert(slab->used >= cost);
    slab->blocks--;
    slab->used -= cost;
    if (is_small) {
        give_small(slab, block, class);
    } else {
        slab->reserved -= size;
        free(block);
    }
}
