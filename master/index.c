#include "master/index.h"

#include <stdlib.h>

#include "core/invariant.h"
#include "master/clients.h"
#include "master/work.h"

#define SLOTS_MIN 64u

void ms_index_finish(struct ms_index *index)
{
    if (index == NULL) {
        return;
    }
    ms_assert(index->count == 0 || index->slots != NULL);
    free(index->slots);
    *index = (struct ms_index){0};
}

static struct ms_key key_of(uint64_t client, uint64_t seq)
{
    return ms_key_of(client, seq);
}

struct ms_work *ms_index_find_spilled(const struct ms_map *spill, uint64_t client, uint64_t seq)
{
    ms_assert(client > 0);
    return ms_map_find_pointer(spill, key_of(client, seq));
}

/* Numbers that differ under a mask differ under a longer one, so growing cannot collide. */
static void grow(struct ms_index *index)
{
    const size_t size = index->slots != NULL ? (index->mask + 1) * 2 : SLOTS_MIN;
    struct ms_work **slots = calloc(size, sizeof(struct ms_work *));

    if (slots == NULL) {
        return; /* the map takes it */
    }
    for (size_t i = 0; index->slots != NULL && i <= index->mask; i++) {
        struct ms_work *work = index->slots[i];

        if (work != NULL) {
            ms_assert(slots[work->seq & (size - 1)] == NULL);
            slots[work->seq & (size - 1)] = work;
        }
    }
    free(index->slots);
    index->slots = slots;
    index->mask = size - 1;
}

bool ms_index_add(struct ms_index *index, struct ms_map *spill, struct ms_work *work)
{
    if (index->slots == NULL ||
        ((size_t)index->count * 2 > index->mask && index->mask + 1 < MS_INDEX_SLOTS_MAX)) {
        grow(index);
    }
    if (index->slots != NULL && index->slots[work->seq & index->mask] == NULL) {
        index->slots[work->seq & index->mask] = work;
        index->count++;
        return true;
    }
    if (!ms_map_put_pointer(spill, key_of(work->client->number, work->seq), work)) {
        return false;
    }
    index->spilled++;
    return true;
}

void ms_index_remove(struct ms_index *index, struct ms_map *spill, struct ms_work *work)
{
    uint64_t value;

    if (index->slots != NULL && index->slots[work->seq & index->mask] == work) {
        ms_assert(index->count > 0);
        index->slots[work->seq & index->mask] = NULL;
        index->count--;
        return;
    }
    value = ms_map_remove(spill, key_of(work->client->number, work->seq));
    ms_assert(value == (uint64_t)(uintptr_t)work);
    index->spilled--;
}
