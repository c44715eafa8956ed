/* An older state of a disk that is put back. */
#include <stdlib.h>

#include "core/invariant.h"
#include "tests/sim/disk.h"
#include "tests/sim/observer.h"

static uint8_t *copy_of(const uint8_t *bytes, size_t size)
{
    uint8_t *copy = malloc(size + 1);

    ms_assert(copy != NULL);
    memcpy(copy, bytes, size);
    return copy;
}

static void drop(struct sim_copy *copy)
{
    free(copy->bytes);
    free(copy->small.bytes);
    *copy = (struct sim_copy){.size = 0};
}

void sim_disk_copy(struct sim_disk *disk)
{
    struct sim_copy *copy = &disk->copy;

    ms_assert(!disk->kept.is_there);

    ms_assert(disk->small.size > 0);
    drop(copy);
    for (uint32_t i = 0; i < disk->entries_count; i++) {
        copy->size += disk->entries[i].size;
    }
    copy->bytes = malloc(copy->size + 1);
    ms_assert(copy->bytes != NULL);
    copy->size = 0;
    for (uint32_t i = 0; i < disk->entries_count; i++) {
        memcpy(copy->bytes + copy->size, disk->entries[i].bytes, disk->entries[i].size);
        copy->size += disk->entries[i].size;
    }
    copy->small = (struct sim_small){.bytes = copy_of(disk->small.bytes, disk->small.size),
                                     .size = disk->small.size};
}

void sim_disk_set_back(struct sim_world *world, struct sim_node *node)
{
    struct sim_disk *disk = node->disk;
    struct sim_copy *copy = &disk->copy;

    ms_assert(!node->is_up && copy->small.size > 0);
    sim_trace(world, "the disk of %s is set back", sim_node_name(world, node->index));
    world->stats.counts[SIM_STAT_SET_BACK]++;
    sim_disk_empty(disk);
    sim_disk_put(world, disk, (struct ms_bytes){copy->bytes, copy->size});
    free(disk->small.bytes);
    disk->small = copy->small;
    copy->small = (struct sim_small){.size = 0};
    drop(copy);
    disk->lives++;
    disk->is_set_back = true;
}
