/* Hash map from a 128-bit key to a pointer, a handle or an index. It has no iteration on purpose:
 * no decision may depend on hash order. */
#ifndef CORE_MAP_H
#define CORE_MAP_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/invariant.h"
#include "core/types.h"

struct ms_key {
    uint64_t a;
    uint64_t b;
};

/* value 0 = the cell is empty. */
struct ms_map_cell {
    struct ms_key key;
    uint64_t value;
};

/* Power-of-two array, linear probing, deletion by shifting back. */
struct ms_map_table {
    struct ms_map_cell *cells; /* NULL = no table */
    size_t mask;
    size_t count;
};

/* Growth is incremental: while old has cells, each change moves a few of them over, so that no
 * single call pays for the whole table. A zeroed map may be finished and searched. */
struct ms_map {
    struct ms_map_table table;
    struct ms_map_table old;
    size_t old_cursor; /* cells of old below it are empty */
    size_t max;
    uint64_t seed[2];
};

/* max: entries at most. seed: unpredictable to whoever chooses the keys, so that nobody can aim
 * keys at one place; answers never depend on it. Allocates nothing yet. */
void ms_map_init(struct ms_map *map, size_t max, uint64_t seed);

/* Accepts NULL and a zeroed map. */
void ms_map_finish(struct ms_map *map);

/* Sets the value of key, replacing any former one. value must not be 0 (store index + 1).
 * False, with nothing changed, when max is reached or memory is out. */
bool ms_map_put(struct ms_map *map, struct ms_key key, uint64_t value);

/* Returns the value removed, or 0 when there was none. */
uint64_t ms_map_remove(struct ms_map *map, struct ms_key key);

static inline size_t ms_map_count(const struct ms_map *map)
{
    return map->table.count + map->old.count;
}

static inline bool ms_key_equal(struct ms_key x, struct ms_key y)
{
    return ((x.a ^ y.a) | (x.b ^ y.b)) == 0;
}

static inline struct ms_key ms_key_of_uuid(const struct ms_uuid *uuid)
{
    struct ms_key key;

    static_assert(sizeof key == sizeof uuid->bytes, "a uuid is a key");
    memcpy(&key, uuid->bytes, sizeof key);
    return key;
}

/* Pairs two numbers, say the index of a client and the sequence number of its command. */
static inline struct ms_key ms_key_of(uint64_t a, uint64_t b)
{
    return (struct ms_key){a, b};
}

static inline uint64_t ms_map_hash(const struct ms_map *map, struct ms_key key)
{
    uint64_t h = (key.a ^ map->seed[0]) * UINT64_C(0x9e3779b97f4a7c15);

    h = (h ^ (h >> 32) ^ key.b ^ map->seed[1]) * UINT64_C(0xd6e8feb86659fd93);
    h ^= h >> 32;
    h *= UINT64_C(0xd6e8feb86659fd93);
    return h ^ (h >> 32);
}

static inline uint64_t ms_map_probe(const struct ms_map_table *table, uint64_t hash,
                                    struct ms_key key)
{
    const size_t mask = table->mask;
    size_t i = (size_t)hash & mask;

    while (table->cells[i].value != 0) {
        if (ms_key_equal(table->cells[i].key, key)) {
            return table->cells[i].value;
        }
        i = (i + 1) & mask;
    }
    return 0;
}

/* The value of key, or 0. */
static inline uint64_t ms_map_find(const struct ms_map *map, struct ms_key key)
{
    const uint64_t hash = ms_map_hash(map, key);
    uint64_t value = 0;

    if (map->table.cells != NULL) {
        value = ms_map_probe(&map->table, hash, key);
    }
    if (value == 0 && map->old.cells != NULL) {
        value = ms_map_probe(&map->old, hash, key);
    }
    return value;
}

static inline bool ms_map_put_pointer(struct ms_map *map, struct ms_key key, void *value)
{
    return ms_map_put(map, key, (uint64_t)(uintptr_t)value);
}

/* NULL when there is none. */
static inline void *ms_map_find_pointer(const struct ms_map *map, struct ms_key key)
{
    return (void *)(uintptr_t)ms_map_find(map, key);
}

#endif
