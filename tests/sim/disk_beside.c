/* A copy that is taken beside the own store: which of both there is after a crash, or when it is whole. */
#include <stdlib.h>

#include "core/invariant.h"
#include "tests/sim/disk.h"

/* What is left of a full disk stays left. */
static void keep_room(struct sim_disk *disk, uint64_t before)
{
    const uint64_t left = disk->full_bytes > before ? disk->full_bytes - before : 0;

    disk->full_bytes = disk->live_bytes + left;
}

bool sim_disk_begin_beside(const struct sim_world *world, struct sim_node *node)
{
    struct sim_disk *disk = node->disk;

    ms_assert(!disk->kept.is_there);
    if (disk->full_until > world->now) {
        return false;
    }
    disk->kept = (struct sim_kept){
        .is_there = true,
        .entries = disk->entries,
        .entries_count = disk->entries_count,
        .entries_capacity = disk->entries_capacity,
        .live_bytes = disk->live_bytes,
        .highest = disk->highest,
        .hands_before = node->hands_before,
        .ledger = disk->ledger,
    };
    disk->entries = NULL;
    disk->entries_count = disk->entries_capacity = 0;
    disk->live_bytes = 0;
    disk->highest = 0;
    sim_ledger_init(&disk->ledger);
    return true;
}

static void drop(struct sim_entry *entries, uint32_t count, struct sim_ledger *ledger)
{
    for (uint32_t i = 0; i < count; i++) {
        free(entries[i].bytes);
    }
    free(entries);
    sim_ledger_finish(ledger);
}

void sim_disk_adopt(struct sim_disk *disk)
{
    struct sim_kept *kept = &disk->kept;

    ms_assert(kept->is_there);
    drop(kept->entries, kept->entries_count, &kept->ledger);
    *kept = (struct sim_kept){.is_there = false};
}

void sim_disk_revert(struct sim_node *node)
{
    struct sim_disk *disk = node->disk;
    struct sim_kept *kept = &disk->kept;
    const uint64_t before = disk->live_bytes;

    ms_assert(kept->is_there);
    drop(disk->entries, disk->entries_count, &disk->ledger);
    disk->entries = kept->entries;
    disk->entries_count = kept->entries_count;
    disk->entries_capacity = kept->entries_capacity;
    disk->live_bytes = kept->live_bytes;
    disk->highest = kept->highest;
    disk->ledger = kept->ledger;
    node->hands_before = kept->hands_before;
    *kept = (struct sim_kept){.is_there = false};
    keep_room(disk, before);
}

const struct sim_ledger *sim_disk_own(const struct sim_disk *disk)
{
    return disk->kept.is_there ? &disk->kept.ledger : &disk->ledger;
}
