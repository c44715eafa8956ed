#include "core/map.h"

#include <stdlib.h>

#define CELLS_FIRST ((size_t)16)

/* Cells of the old table visited by each change. The new table has room for as many entries again
 * as the old one held, and three quarters of the old one's cells held entries, so two a change would
 * do; the rest is margin. */
#define MOVES_PER_CHANGE 8

void ms_map_init(struct ms_map *map, size_t max, uint64_t seed)
{
    ms_assert(max > 0 && max <= SIZE_MAX / 4 / sizeof(struct ms_map_cell));
    *map = (struct ms_map){
        .max = max,
        .seed = {seed, (seed ^ (seed >> 29)) * UINT64_C(0xbf58476d1ce4e5b9) + 1},
    };
}

void ms_map_finish(struct ms_map *map)
{
    if (map == NULL) {
        return;
    }
    free(map->table.cells);
    free(map->old.cells);
    *map = (struct ms_map){.max = 0};
}

/* The cell that holds key, or the empty one where it would go. */
static size_t locate(const struct ms_map_table *table, uint64_t hash, struct ms_key key)
{
    size_t i = (size_t)hash & table->mask;

    while (table->cells[i].value != 0 && !ms_key_equal(table->cells[i].key, key)) {
        i = (i + 1) & table->mask;
    }
    return i;
}

/* Empties the cell and closes the gap: whatever probing would no longer reach moves back. */
static void empty_cell(const struct ms_map *map, struct ms_map_table *table, size_t hole)
{
    const size_t mask = table->mask;
    size_t i = hole;

    ms_assert(table->cells[hole].value != 0);
    for (;;) {
        i = (i + 1) & mask;
        if (table->cells[i].value == 0) {
            break;
        }
        const size_t home = (size_t)ms_map_hash(map, table->cells[i].key) & mask;

        if (((i - home) & mask) >= ((i - hole) & mask)) {
            table->cells[hole] = table->cells[i];
            hole = i;
        }
    }
    table->cells[hole].value = 0;
    table->count--;
}

static void drop_old(struct ms_map *map)
{
    ms_assert(map->old.count == 0);
    free(map->old.cells);
    map->old = (struct ms_map_table){.cells = NULL};
    map->old_cursor = 0;
}

static void move_some(struct ms_map *map)
{
    for (int i = 0; i < MOVES_PER_CHANGE && map->old.count > 0; i++) {
        const struct ms_map_cell cell = map->old.cells[map->old_cursor];

        if (cell.value == 0) {
            map->old_cursor++;
            continue;
        }
        map->table.cells[locate(&map->table, ms_map_hash(map, cell.key), cell.key)] = cell;
        map->table.count++;
        empty_cell(map, &map->old, map->old_cursor);
    }
    if (map->old.cells != NULL && map->old.count == 0) {
        drop_old(map);
    }
}

/* Three quarters full is where probing begins to be slow. */
static bool has_room(const struct ms_map *map)
{
    return map->table.cells != NULL && ms_map_count(map) < (map->table.mask + 1) / 4 * 3;
}

static bool grow(struct ms_map *map)
{
    const size_t size = map->table.cells == NULL ? CELLS_FIRST : (map->table.mask + 1) * 2;
    struct ms_map_cell *cells = calloc(size, sizeof *cells);

    if (cells == NULL) {
        return false;
    }
    ms_assert(map->old.count == 0);
    map->old = map->table;
    map->old_cursor = 0;
    map->table = (struct ms_map_table){.cells = cells, .mask = size - 1};
    if (map->old.cells != NULL && map->old.count == 0) {
        drop_old(map);
    }
    return true;
}

bool ms_map_put(struct ms_map *map, struct ms_key key, uint64_t value)
{
    ms_assert(value != 0);
    ms_assert(map->max > 0);
    const uint64_t hash = ms_map_hash(map, key);

    if (map->old.cells != NULL) {
        const size_t i = locate(&map->old, hash, key);

        if (map->old.cells[i].value != 0) {
            map->old.cells[i].value = value;
            move_some(map);
            return true;
        }
    }
    if (map->table.cells != NULL) {
        struct ms_map_cell *cell = &map->table.cells[locate(&map->table, hash, key)];

        if (cell->value != 0) {
            cell->value = value;
            move_some(map);
            return true;
        }
    }
    if (ms_map_count(map) >= map->max || (!has_room(map) && !grow(map))) {
        return false;
    }
    map->table.cells[locate(&map->table, hash, key)] = (struct ms_map_cell){key, value};
    map->table.count++;
    move_some(map);
    return true;
}

static uint64_t remove_from(const struct ms_map *map, struct ms_map_table *table, struct ms_key key)
{
    const size_t i = locate(table, ms_map_hash(map, key), key);
    const uint64_t value = table->cells[i].value;

    if (value != 0) {
        empty_cell(map, table, i);
    }
    return value;
}

uint64_t ms_map_remove(struct ms_map *map, struct ms_key key)
{
    uint64_t value = 0;

    if (map->table.cells != NULL) {
        value = remove_from(map, &map->table, key);
    }
    if (value == 0 && map->old.cells != NULL) {
        value = remove_from(map, &map->old, key);
    }
    move_some(map);
    ms_assert(ms_map_count(map) <= map->max);
    return value;
}
