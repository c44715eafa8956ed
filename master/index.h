/* The live commands of one client by number: a ring for the numbers in use, which rise, and a map shared
 * by all clients for those whose place in the ring is taken. */
#ifndef MASTER_INDEX_H
#define MASTER_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/map.h"

struct ms_work;

#define MS_INDEX_SLOTS_MAX ((size_t)(2u << 20)) /* beyond, the map takes what collides */

/* A zeroed index is empty and may be searched and finished. */
struct ms_index {
    struct ms_work **slots; /* NULL until the first command */
    size_t mask;
    uint32_t count;   /* in the ring */
    uint32_t spilled; /* in the map */
};

void ms_index_finish(struct ms_index *index);

/* Spilled numbers are in the map under (client, seq). NULL when there is no such command. */
struct ms_work *ms_index_find_spilled(const struct ms_map *spill, uint64_t client, uint64_t seq);

/* The work's client and seq name it; they must be new. False when memory is out. */
bool ms_index_add(struct ms_index *index, struct ms_map *spill, struct ms_work *work);

/* The work must be in the index. */
void ms_index_remove(struct ms_index *index, struct ms_map *spill, struct ms_work *work);

#endif
