#include "core/heap.h"

#include <stddef.h>
#include <stdlib.h>

#include "core/invariant.h"

#define ARITY          4u
#define CAPACITY_FIRST 16u

/* Key and stamp sit in the array, so that sifting compares without touching the elements. */
struct ms_heap_slot {
    int64_t key;
    uint64_t order;
    struct ms_heap_node *node;
};

void ms_heap_init(struct ms_heap *heap, uint32_t max)
{
    ms_assert(max > 0 && max < UINT32_MAX);
    *heap = (struct ms_heap){.max = max};
}

void ms_heap_finish(struct ms_heap *heap)
{
    if (heap == NULL) {
        return;
    }
    free(heap->slots);
    *heap = (struct ms_heap){.max = 0};
}

static bool is_before(const struct ms_heap_slot *a, const struct ms_heap_slot *b)
{
    return a->key != b->key ? a->key < b->key : a->order < b->order;
}

static void place(struct ms_heap *heap, uint32_t at, struct ms_heap_slot slot)
{
    heap->slots[at] = slot;
    slot.node->position = at + 1;
}

/* Moves a hole at `at` towards the root until slot fits, and fills it. */
static void sift_up(struct ms_heap *heap, uint32_t at, struct ms_heap_slot slot)
{
    while (at > 0) {
        const uint32_t parent = (at - 1) / ARITY;

        if (!is_before(&slot, &heap->slots[parent])) {
            break;
        }
        place(heap, at, heap->slots[parent]);
        at = parent;
    }
    place(heap, at, slot);
}

static void sift_down(struct ms_heap *heap, uint32_t at, struct ms_heap_slot slot)
{
    for (;;) {
        const uint64_t first = (uint64_t)at * ARITY + 1;

        if (first >= heap->count) {
            break;
        }
        const uint64_t end = first + ARITY < heap->count ? first + ARITY : heap->count;
        uint32_t least = (uint32_t)first;

        for (uint32_t child = least + 1; child < end; child++) {
            if (is_before(&heap->slots[child], &heap->slots[least])) {
                least = child;
            }
        }
        if (!is_before(&heap->slots[least], &slot)) {
            break;
        }
        place(heap, at, heap->slots[least]);
        at = least;
    }
    place(heap, at, slot);
}

/* Puts slot where there is a hole, in whichever direction it belongs. */
static void settle(struct ms_heap *heap, uint32_t at, struct ms_heap_slot slot)
{
    ms_assert(at < heap->count);
    if (at > 0 && is_before(&slot, &heap->slots[(at - 1) / ARITY])) {
        sift_up(heap, at, slot);
    } else {
        sift_down(heap, at, slot);
    }
}

static bool grow(struct ms_heap *heap)
{
    if (heap->capacity == heap->max) {
        return false;
    }
    uint64_t capacity = heap->capacity == 0 ? CAPACITY_FIRST : (uint64_t)heap->capacity * 2;

    if (capacity > heap->max) {
        capacity = heap->max;
    }
    struct ms_heap_slot *slots = realloc(heap->slots, (size_t)capacity * sizeof *slots);

    if (slots == NULL) {
        return false;
    }
    heap->slots = slots;
    heap->capacity = (uint32_t)capacity;
    return true;
}

static bool is_inside(const struct ms_heap *heap, const struct ms_heap_node *node)
{
    return node->position > 0 && node->position <= heap->count &&
           heap->slots[node->position - 1].node == node;
}

bool ms_heap_push(struct ms_heap *heap, struct ms_heap_node *node, int64_t key)
{
    ms_assert(node->position == 0);
    ms_assert(heap->max > 0);
    if (heap->count == heap->capacity && !grow(heap)) {
        return false;
    }
    heap->count++;
    sift_up(heap, heap->count - 1, (struct ms_heap_slot){key, heap->order++, node});
    return true;
}

void ms_heap_remove(struct ms_heap *heap, struct ms_heap_node *node)
{
    ms_assert(is_inside(heap, node));
    const uint32_t at = node->position - 1;
    const struct ms_heap_slot last = heap->slots[heap->count - 1];

    heap->count--;
    node->position = 0;
    if (last.node != node) {
        settle(heap, at, last);
    }
}

void ms_heap_update(struct ms_heap *heap, struct ms_heap_node *node, int64_t key)
{
    ms_assert(is_inside(heap, node));
    settle(heap, node->position - 1, (struct ms_heap_slot){key, heap->order++, node});
}

struct ms_heap_node *ms_heap_peek(const struct ms_heap *heap)
{
    return heap->count == 0 ? NULL : heap->slots[0].node;
}

int64_t ms_heap_min(const struct ms_heap *heap)
{
    return heap->count == 0 ? INT64_MAX : heap->slots[0].key;
}

struct ms_heap_node *ms_heap_pop(struct ms_heap *heap)
{
    struct ms_heap_node *node = ms_heap_peek(heap);

    if (node != NULL) {
        ms_heap_remove(heap, node);
    }
    return node;
}

int64_t ms_heap_key(const struct ms_heap *heap, const struct ms_heap_node *node)
{
    ms_assert(is_inside(heap, node));
    return heap->slots[node->position - 1].key;
}
