/* Intrusive 4-ary min-heap: deadlines and priorities, with ties broken by insertion order. */
#ifndef CORE_HEAP_H
#define CORE_HEAP_H

#include <stdbool.h>
#include <stdint.h>

/* Lives in the element. Zeroed = in no heap. */
struct ms_heap_node {
    uint32_t position; /* 1 + place in the heap's array; 0 = in no heap */
};

struct ms_heap_slot;

/* A zeroed heap may be finished, not used. The elements are borrowed and must stay where they are
 * while they are in the heap. */
struct ms_heap {
    struct ms_heap_slot *slots;
    uint64_t order; /* stamp of the next insertion; breaks ties */
    uint32_t count;
    uint32_t capacity;
    uint32_t max;
};

/* max: elements at most, 1 .. UINT32_MAX - 1. Allocates nothing yet. */
void ms_heap_init(struct ms_heap *heap, uint32_t max);

/* Frees the array; elements still inside are forgotten. Accepts NULL and a zeroed heap. */
void ms_heap_finish(struct ms_heap *heap);

/* False, with nothing changed, when max is reached or memory is out. */
bool ms_heap_push(struct ms_heap *heap, struct ms_heap_node *node, int64_t key);

/* The element must be in this heap. */
void ms_heap_remove(struct ms_heap *heap, struct ms_heap_node *node);

/* Gives the element a new key; among equal keys it counts as inserted now. */
void ms_heap_update(struct ms_heap *heap, struct ms_heap_node *node, int64_t key);

/* The element with the smallest key, of equal keys the one inserted first; NULL when empty. */
struct ms_heap_node *ms_heap_peek(const struct ms_heap *heap);

/* Smallest key; INT64_MAX (MS_TIME_NEVER) when empty. */
int64_t ms_heap_min(const struct ms_heap *heap);

/* Takes what ms_heap_peek shows. */
struct ms_heap_node *ms_heap_pop(struct ms_heap *heap);

/* Key of an element that is in this heap. */
int64_t ms_heap_key(const struct ms_heap *heap, const struct ms_heap_node *node);

static inline uint32_t ms_heap_count(const struct ms_heap *heap)
{
    return heap->count;
}

static inline bool ms_heap_has(const struct ms_heap_node *node)
{
    return node->position != 0;
}

#endif
