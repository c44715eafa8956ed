#include "master/unique.h"

#include <string.h>

#include "core/invariant.h"
#include "master/lanes.h"

void ms_uniques_init(struct ms_uniques *uniques, size_t max, uint64_t seed)
{
    ms_assert(max > 0);
    *uniques = (struct ms_uniques){.seed = seed};
    ms_map_init(&uniques->by_hash, max, seed);
    ms_list_init(&uniques->settling);
}

void ms_uniques_finish(struct ms_uniques *uniques)
{
    ms_assert(uniques != NULL);
    ms_map_finish(&uniques->by_hash);
}

/* Two FNV-1a sums from bases that nobody outside knows, so that keys cannot be made to meet. */
static struct ms_key hash_of(const struct ms_uniques *uniques, const struct ms_lane *lane,
                             struct ms_bytes bytes)
{
    struct ms_key key = {uniques->seed ^ lane->type, ~uniques->seed + lane->type};

    ms_assert(bytes.size > 0 && bytes.size <= MS_UNIQUE_KEY_MAX);
    for (size_t i = 0; i < bytes.size; i++) {
        key.a = (key.a ^ bytes.data[i]) * UINT64_C(0x100000001b3);
        key.b = (key.b ^ (bytes.data[i] + 1u)) * UINT64_C(0x100000001b3);
        key.b ^= key.b >> 29;
    }
    return key;
}

static bool is_same(const struct ms_claim *unique, const struct ms_lane *lane, struct ms_bytes key)
{
    return unique->lane == lane && unique->size == key.size &&
           memcmp(unique->key, key.data, key.size) == 0;
}

struct ms_claim *ms_uniques_find(const struct ms_uniques *uniques, const struct ms_lane *lane,
                                 struct ms_bytes key)
{
    struct ms_claim *unique;

    if (key.size == 0 || ms_map_count(&uniques->by_hash) == 0) {
        return NULL;
    }
    unique = ms_map_find_pointer(&uniques->by_hash, hash_of(uniques, lane, key));
    while (unique != NULL && !is_same(unique, lane, key)) {
        unique = unique->next;
    }
    ms_assert(unique == NULL || unique->is_held);
    return unique;
}

struct ms_work *ms_uniques_rival(const struct ms_uniques *uniques, const struct ms_lane *lane,
                                 const struct ms_terms *terms)
{
    const struct ms_claim *unique;

    ms_assert(lane != NULL);
    if (terms == NULL || terms->unique_mode != MS_UNIQUE_REPLACE) {
        return NULL;
    }
    unique = ms_uniques_find(uniques, lane, terms->unique);
    return unique != NULL ? unique->leader : NULL;
}

/* Takes it out of the map: the key is free. */
static void drop(struct ms_uniques *uniques, struct ms_claim *unique)
{
    const struct ms_bytes bytes = {unique->key, unique->size};
    const struct ms_key key = hash_of(uniques, unique->lane, bytes);
    struct ms_claim *first = ms_map_find_pointer(&uniques->by_hash, key);

    ms_assert(unique->is_held && first != NULL);
    unique->is_held = false;
    if (first != unique) {
        struct ms_claim *before = first;

        while (before->next != unique) {
            before = before->next;
        }
        before->next = unique->next;
    } else if (unique->next == NULL) {
        ms_map_remove(&uniques->by_hash, key);
    } else {
        const bool is_put = ms_map_put_pointer(&uniques->by_hash, key, unique->next);

        ms_assert(is_put); /* it takes the place of what is there */
    }
    unique->next = NULL;
}

static size_t size_of(size_t key_size)
{
    ms_assert(key_size <= MS_UNIQUE_KEY_MAX);
    return offsetof(struct ms_claim, key) + key_size;
}

static bool take(struct ms_uniques *uniques, struct ms_slab *slab, struct ms_work *work,
                 struct ms_bytes bytes)
{
    const struct ms_key key = hash_of(uniques, work->lane->root, bytes);
    struct ms_claim *former = ms_uniques_find(uniques, work->lane->root, bytes);
    struct ms_claim *unique = ms_slab_take(slab, size_of(bytes.size));

    if (unique == NULL) {
        return false;
    }
    unique->next = ms_map_find_pointer(&uniques->by_hash, key);
    if (!ms_map_put_pointer(&uniques->by_hash, key, unique)) {
        ms_slab_give(slab, unique, size_of(bytes.size));
        return false;
    }
    ms_list_init(&unique->settling);
    ms_list_init(&unique->followers);
    unique->leader = work;
    unique->lane = work->lane->root;
    unique->is_held = true;
    unique->size = (uint8_t)bytes.size;
    memcpy(unique->key, bytes.data, bytes.size);
    if (former != NULL) {
        drop(uniques, former);
    }
    work->rare->claim = unique;
    return true;
}

bool ms_uniques_meet(struct ms_uniques *uniques, struct ms_slab *slab, struct ms_work *work,
                     const struct ms_terms *terms)
{
    struct ms_claim *holder;

    if (terms == NULL || terms->unique_mode == MS_UNIQUE_NONE || terms->unique.size == 0) {
        return true;
    }
    if (ms_rare_of(work, slab) == NULL) {
        return false;
    }
    ms_assert(work->rare->claim == NULL && !ms_list_is_linked(&work->link));
    holder = ms_uniques_find(uniques, work->lane->root, terms->unique);
    if (holder == NULL || terms->unique_mode != MS_UNIQUE_JOIN) {
        return take(uniques, slab, work, terms->unique);
    }
    ms_list_push_back(&holder->followers, &work->link);
    work->rare->claim = holder;
    return true;
}

void ms_unique_yield(struct ms_uniques *uniques, const struct ms_work *work)
{
    struct ms_claim *unique = work->rare != NULL ? work->rare->claim : NULL;

    if (unique != NULL && unique->leader == work && unique->is_held) {
        drop(uniques, unique);
    }
}

void ms_unique_leave(struct ms_work *work)
{
    ms_assert(ms_unique_is_follower(work));
    ms_list_remove(&work->link);
    work->rare->claim = NULL;
}

struct ms_work *ms_unique_pass_on(struct ms_work *work)
{
    struct ms_claim *unique = work->rare != NULL ? work->rare->claim : NULL;
    struct ms_list *first;

    if (unique == NULL || unique->leader != work) {
        return NULL;
    }
    first = ms_list_pop_front(&unique->followers);
    if (first == NULL) {
        return NULL;
    }
    ms_list_remove(&unique->settling);
    work->rare->claim = NULL;
    unique->leader = ms_work_of(first);
    ms_assert(unique->leader->rare->claim == unique);
    return unique->leader;
}

void ms_unique_forget(struct ms_claim *unique, struct ms_slab *slab)
{
    ms_assert(!unique->is_held && ms_list_is_empty(&unique->followers));
    ms_list_remove(&unique->settling);
    unique->leader->rare->claim = NULL;
    ms_slab_give(slab, unique, size_of(unique->size));
}

void ms_unique_release(struct ms_uniques *uniques, struct ms_slab *slab, struct ms_work *work)
{
    struct ms_claim *unique = work->rare != NULL ? work->rare->claim : NULL;

    if (unique == NULL) {
        return;
    }
    ms_assert(unique->leader == work);
    if (unique->is_held) {
        drop(uniques, unique);
    }
    if (ms_list_is_empty(&unique->followers)) {
        ms_unique_forget(unique, slab);
    } else {
        ms_list_push_back(&uniques->settling, &unique->settling);
    }
}
