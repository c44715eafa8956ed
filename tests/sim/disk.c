#include "tests/sim/disk.h"

#include <stdlib.h>
#include <string.h>

#include "core/invariant.h"
#include "tests/sim/observer.h"

#define LATENCY_BASE      (50 * MS_USEC)
#define LATENCY_SHIFT_MAX 9         /* doublings of it: to some 30 ms */
#define LATENCY_TAIL      (1u << 9) /* one commit in so many takes up to LATENCY_TAIL_MAX */
#define LATENCY_TAIL_MAX  (3 * MS_SEC)
#define LATENCY_MAX       (30 * MS_SEC)
#define SLOW_FACTOR       64
#define ROOM_PLENTY       (UINT64_C(1) << 40)
#define FULL_SLOW_BYTES   (64u << 10) /* what is left when a disk fills slowly */
#define REPLACE_TICKS     6
#define REPAIR_TICKS_MAX  6
#define STUCK_LOOK        (50 * MS_MSEC)

struct sim_disk *sim_disk_create(void)
{
    struct sim_disk *disk = calloc(1, sizeof *disk);

    ms_assert(disk != NULL);
    sim_ledger_init(&disk->ledger);
    return disk;
}

void sim_disk_empty(struct sim_disk *disk)
{
    for (uint32_t i = 0; i < disk->entries_count; i++) {
        free(disk->entries[i].bytes);
    }
    disk->entries_count = 0;
    disk->live_bytes = 0;
    disk->highest = 0;
    sim_ledger_finish(&disk->ledger);
    sim_ledger_init(&disk->ledger);
}

void sim_disk_destroy(struct sim_disk *disk)
{
    if (disk == NULL) {
        return;
    }
    if (disk->kept.is_there) {
        sim_disk_adopt(disk);
    }
    sim_disk_empty(disk);
    free(disk->entries);
    free(disk->small.bytes);
    free(disk->copy.bytes);
    free(disk->copy.small.bytes);
    free(disk->gathered.bytes);
    free(disk->committing.bytes);
    sim_ledger_finish(&disk->ledger);
    free(disk);
}

/* --- what is committed --- */

static uint32_t place_of(const struct sim_disk *disk, ms_seq seq)
{
    uint32_t low = 0, high = disk->entries_count;

    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;

        if (disk->entries[middle].seq < seq) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void read_record(struct sim_world *world, const struct ms_entry *entry,
                        struct ms_record_room *room, struct ms_record *record_out)
{
    const enum ms_error error = ms_record_read(entry, room, record_out);

    if (error != MS_E_OK) {
        sim_fail(world, "journal", "record %llu cannot be read back: %s",
                 (unsigned long long)entry->seq, ms_error_name(error));
    }
}

static void put(struct sim_world *world, struct sim_disk *disk, const struct ms_entry *entry)
{
    struct ms_record_room room;
    struct ms_record record;

    if (entry->seq <= disk->highest && place_of(disk, entry->seq) < disk->entries_count) {
        sim_fail(world, "journal", "record %llu comes after record %llu",
                 (unsigned long long)entry->seq,
                 (unsigned long long)disk->entries[disk->entries_count - 1].seq);
    }
    if (disk->entries_count == disk->entries_capacity) {
        disk->entries_capacity = disk->entries_capacity == 0 ? 64 : disk->entries_capacity * 2;
        disk->entries = realloc(disk->entries, disk->entries_capacity * sizeof *disk->entries);
        ms_assert(disk->entries != NULL);
    }
    struct sim_entry *kept = &disk->entries[disk->entries_count++];

    *kept = (struct sim_entry){entry->seq, malloc(entry->bytes.size), entry->bytes.size, 0};
    ms_assert(kept->bytes != NULL);
    memcpy(kept->bytes, entry->bytes.data, entry->bytes.size);
    disk->live_bytes += entry->bytes.size;
    disk->highest = entry->seq;
    read_record(world, entry, &room, &record);
    sim_ledger_put(&disk->ledger, entry->seq, &record);
    world->stats.counts[SIM_STAT_RECORDS]++;
}

/* What a copy did not contain may be erased all the same. */
static void erase(struct sim_world *world, struct sim_disk *disk, ms_seq seq, bool is_copied)
{
    const uint32_t place = place_of(disk, seq);
    struct ms_record_room room;
    struct ms_record record;
    struct ms_entry entry;

    if (place == disk->entries_count || disk->entries[place].seq != seq) {
        if (is_copied) {
            return;
        }
        sim_fail(world, "journal", "record %llu is erased, which is not there",
                 (unsigned long long)seq);
    }
    struct sim_entry *kept = &disk->entries[place];
    struct ms_bytes bytes = {kept->bytes, kept->size};
    const bool is_sound = ms_record_next(&bytes, &entry);

    ms_assert(is_sound);
    read_record(world, &entry, &room, &record);
    sim_ledger_erase(&disk->ledger, seq, &record);
    disk->live_bytes -= kept->size;
    free(kept->bytes);
    disk->entries_count--;
    memmove(kept, kept + 1, (disk->entries_count - place) * sizeof *kept);
    world->stats.counts[SIM_STAT_RECORDS_ERASED]++;
}

void sim_disk_put(struct sim_world *world, struct sim_disk *disk, struct ms_bytes entries)
{
    struct ms_entry entry;

    while (ms_record_next(&entries, &entry)) {
        put(world, disk, &entry);
    }
    ms_assert(entries.size == 0);
}

static void apply(struct sim_world *world, struct sim_node *node)
{
    struct sim_disk *disk = node->disk;
    const bool is_copied = world->config.masters > 1;
    struct ms_bytes left = {disk->committing.bytes, disk->committing.size};
    struct ms_entry entry;

    while (ms_record_next(&left, &entry)) {
        if (entry.kind == MS_RECORD_ERASE) {
            erase(world, disk, entry.seq, is_copied);
        } else {
            put(world, disk, &entry);
        }
    }
    ms_assert(left.size == 0);
    if (disk->full_until > world->now && disk->live_bytes > disk->full_bytes) {
        sim_fail(world, "limits", "a full disk is written beyond what was held ready");
    }
    disk->commits++;
    disk->durable = disk->committing.seq;
    world->stats.counts[SIM_STAT_COMMITS]++;
}

/* --- commits --- */

ms_time sim_disk_latency(struct sim_world *world, const struct sim_disk *disk)
{
    struct ms_rng *rng = &world->rng_disk;
    const uint32_t shift = (uint32_t)ms_rng_below(rng, LATENCY_SHIFT_MAX + 1);
    ms_time result = 1 + (ms_time)ms_rng_below(rng, (uint64_t)LATENCY_BASE << shift);

    if (ms_rng_chance(rng, 1, LATENCY_TAIL) && !world->is_healing) {
        result = (ms_time)ms_rng_below(rng, LATENCY_TAIL_MAX);
    }
    if (disk->slow_until > world->now) {
        result *= SLOW_FACTOR;
    }
    return result < LATENCY_MAX ? result : LATENCY_MAX;
}

uint64_t sim_disk_room(const struct sim_world *world, const struct sim_disk *disk)
{
    if (disk->full_until <= world->now) {
        return ROOM_PLENTY;
    }
    return disk->full_bytes > disk->live_bytes ? disk->full_bytes - disk->live_bytes : 0;
}

static void tell_room(struct sim_world *world, struct sim_node *node)
{
    sim_driver_post(
        world, node,
        &(struct ms_event){.type = MS_EVENT_ROOM, .count = sim_disk_room(world, node->disk)});
}

void sim_disk_write(struct sim_world *world, struct sim_node *node, ms_seq seq,
                    struct ms_bytes entries)
{
    struct sim_batch *batch = &node->disk->gathered;

    ms_assert(entries.size > 0);
    if (node->disk->is_failed) {
        return; /* it has said so */
    }
    while (batch->size + entries.size > batch->capacity) {
        batch->capacity = batch->capacity == 0 ? 4096 : batch->capacity * 2;
        batch->bytes = realloc(batch->bytes, batch->capacity);
        ms_assert(batch->bytes != NULL);
    }
    memcpy(batch->bytes + batch->size, entries.data, entries.size);
    batch->size += entries.size;
    batch->seq = seq;
    (void)world;
}

void sim_disk_flush(struct sim_world *world, struct sim_node *node)
{
    struct sim_disk *disk = node->disk;

    if (disk->is_committing || disk->gathered.size == 0 || disk->is_failed ||
        sim_disk_is_held(disk)) {
        return;
    }
    const struct sim_batch empty = disk->committing;

    disk->committing = disk->gathered;
    disk->gathered = empty;
    disk->gathered.size = 0;
    disk->is_committing = true;
    disk->committing_at = world->now;
    disk->rounds_begun++;
    sim_world_push(world, (struct sim_item){.at = world->now + sim_disk_latency(world, disk),
                                            .kind = SIM_ITEM_COMMIT,
                                            .a = node->index,
                                            .c = ++disk->stamp});
}

void sim_disk_fail(struct sim_world *world, struct sim_node *node)
{
    struct sim_disk *disk = node->disk;

    world->stats.counts[SIM_STAT_DISK_FAILURES]++;
    if (disk->failing_until <= world->now) {
        disk->failure = SIM_DISK_SOUND;
    }
    disk->is_failed = true;
    disk->gathered.size = 0;
    if (world->config.masters > 1) {
        sim_world_push(world,
                       (struct sim_item){.at = world->now + REPLACE_TICKS * world->config.tick,
                                         .kind = SIM_ITEM_REPLACE,
                                         .a = node->index});
    }
}

static void fail(struct sim_world *world, struct sim_node *node)
{
    struct sim_disk *disk = node->disk;
    const bool is_kept =
        disk->failure == SIM_DISK_SYNC_FAILS && ms_rng_chance(&world->rng_disk, 1, 2);

    sim_trace(world, "the disk of %s fails to commit up to %llu, and has %s of it",
              sim_node_name(world, node->index), (unsigned long long)disk->committing.seq,
              is_kept ? "all" : "nothing");
    sim_disk_fail(world, node);
    if (is_kept) {
        apply(world, node);
        sim_observe_commit(world, node);
    }
    disk->durable = 0;
    sim_driver_post(world, node,
                    &(struct ms_event){.type = MS_EVENT_PERSISTED,
                                       .seq = disk->committing.seq,
                                       .error = MS_E_STORE_FAILED});
}

void sim_disk_done(struct sim_world *world, struct sim_node *node, uint64_t stamp)
{
    struct sim_disk *disk = node->disk;

    if (!disk->is_committing || stamp != disk->stamp) {
        return;
    }
    ms_assert(node->is_up);
    disk->is_committing = false;
    disk->rounds_done++;
    if (disk->failure != SIM_DISK_SOUND) {
        fail(world, node);
        return;
    }
    apply(world, node);
    sim_observe_commit(world, node);
    sim_driver_post(world, node,
                    &(struct ms_event){.type = MS_EVENT_PERSISTED, .seq = disk->committing.seq});
    if (disk->full_until != 0) {
        tell_room(world, node);
    }
    sim_disk_jobs_begin(world, node);
    sim_disk_flush(world, node);
}

void sim_disk_crash(struct sim_world *world, struct sim_node *node)
{
    struct sim_disk *disk = node->disk;

    if (disk->is_committing) {
        disk->is_committing = false;
        if (disk->failure == SIM_DISK_SOUND && ms_rng_chance(&world->rng_disk, 1, 2)) {
            apply(world, node);
            sim_observe_commit(world, node);
            world->stats.counts[SIM_STAT_COMMITS_ORPHANED]++;
        } else {
            world->stats.counts[SIM_STAT_COMMITS_LOST]++;
        }
    }
    sim_disk_jobs_crash(world, node);
    disk->stamp++;
    disk->gathered.size = 0;
    disk->rounds_begun = disk->rounds_done = 0;
    disk->is_failed = false;
    disk->durable = 0;
}

/* --- reading back --- */

uint8_t *sim_disk_read(const struct sim_entry *entry)
{
    uint8_t *bytes = malloc(entry->size);

    ms_assert(bytes != NULL);
    memcpy(bytes, entry->bytes, entry->size);
    if (entry->flip > 0) {
        bytes[(entry->flip - 1) / 8] ^= (uint8_t)(1u << (entry->flip - 1) % 8);
    }
    return bytes;
}

bool sim_disk_is_sound(const struct sim_disk *disk)
{
    for (uint32_t i = 0; i < disk->entries_count; i++) {
        if (disk->entries[i].flip > 0) {
            return false;
        }
    }
    return true;
}

/* The store finds the damage by its checksums, and the program does not start. */
static bool verify(struct sim_world *world, struct sim_disk *disk)
{
    bool is_sound = true;

    for (uint32_t i = 0; i < disk->entries_count; i++) {
        struct sim_entry *kept = &disk->entries[i];

        if (kept->flip == 0) {
            continue;
        }
        uint8_t *read = sim_disk_read(kept);
        struct ms_bytes bytes = {read, kept->size};
        struct ms_entry entry;

        if (ms_record_next(&bytes, &entry) && bytes.size == 0 && entry.seq == kept->seq) {
            sim_fail(world, "journal", "record %llu is taken for sound with bit %zu turned over",
                     (unsigned long long)kept->seq, kept->flip - 1);
        }
        free(read);
        is_sound = false;
    }
    return is_sound;
}

bool sim_disk_open(struct sim_world *world, struct sim_node *node)
{
    struct sim_disk *disk = node->disk;
    const bool is_sound = sim_small_open(world, node);

    if (verify(world, disk) && is_sound) {
        disk->durable = 0;
        return true;
    }
    sim_trace(world, "%s does not start: its disk is damaged", sim_node_name(world, node->index));
    world->stats.counts[SIM_STAT_CORRUPT_STARTS]++;
    for (uint32_t i = 0; i < disk->entries_count; i++) {
        disk->entries[i].flip = 0; /* somebody has a copy */
    }
    disk->small.flip = 0;
    sim_node_restart(world, node,
                     1 + (ms_time)ms_rng_below(&world->rng_disk,
                                               REPAIR_TICKS_MAX * (uint64_t)world->config.tick));
    return false;
}

/* --- faults --- */

static void flip(struct sim_world *world, struct sim_disk *disk)
{
    if (disk->entries_count == 0) {
        return;
    }
    struct sim_entry *entry = &disk->entries[ms_rng_below(&world->rng_disk, disk->entries_count)];

    entry->flip = 1 + (size_t)ms_rng_below(&world->rng_disk, entry->size * 8);
    sim_trace(world, "bit %zu of record %llu turns over", entry->flip - 1,
              (unsigned long long)entry->seq);
}

static void fill(struct sim_world *world, struct sim_node *node, ms_time duration)
{
    struct sim_disk *disk = node->disk;

    disk->full_until = world->now + duration;
    disk->full_bytes = disk->live_bytes;
    if (ms_rng_chance(&world->rng_disk, 1, 2)) {
        disk->full_bytes += SIM_STORE_RESERVE + ms_rng_below(&world->rng_disk, FULL_SLOW_BYTES);
    } else {
        /* What was held ready is there, whoever took the rest. */
        disk->full_bytes +=
            SIM_STORE_RESERVE / 2 + ms_rng_below(&world->rng_disk, SIM_STORE_RESERVE / 2);
    }
    sim_trace(world, "the disk of %s has %llu bytes left", sim_node_name(world, node->index),
              (unsigned long long)sim_disk_room(world, disk));
    if (node->is_up) {
        tell_room(world, node);
    }
    sim_world_push(world, (struct sim_item){.at = disk->full_until + 1,
                                            .kind = SIM_ITEM_DISK_ROOM,
                                            .a = node->index});
}

ms_time sim_disk_stuck(const struct sim_world *world, const struct sim_disk *disk,
                       const struct sim_item *item)
{
    const bool needs_room = item->kind == SIM_ITEM_COMMIT;
    const ms_time look = world->now + STUCK_LOOK;

    if (disk->stuck_until <= world->now || (disk->is_stuck_full && !needs_room)) {
        return 0;
    }
    return look < disk->stuck_until ? look : disk->stuck_until;
}

bool sim_disk_is_hung(const struct sim_world *world, const struct sim_node *node, ms_time span)
{
    const struct sim_disk *disk = node->disk;

    return disk != NULL && disk->is_committing && disk->stuck_until > world->now &&
           world->now - disk->committing_at > span;
}

static void stick(struct sim_world *world, struct sim_node *node, enum sim_fault fault,
                  ms_time duration)
{
    const bool is_active = fault == SIM_FAULT_STUCK_ACTIVE;

    node->disk->stuck_until = world->now + duration;
    node->disk->is_stuck_full = !is_active && world->now / MS_MSEC % 2 == 0;
    world->stats.counts[is_active ? SIM_STAT_STUCK_ACTIVE : SIM_STAT_STUCK]++;
    sim_trace(world, "the disk of %s is %s for %lld ms", sim_node_name(world, node->index),
              node->disk->is_stuck_full ? "full" : "stuck", (long long)(duration / MS_MSEC));
}

void sim_disk_strike(struct sim_world *world, struct sim_node *node, enum sim_fault fault,
                     ms_time duration)
{
    struct sim_disk *disk = node->disk;

    if (disk == NULL) {
        return;
    }
    switch (fault) {
    case SIM_FAULT_DISK_WRITE:
        disk->failure = SIM_DISK_WRITE_FAILS;
        break;
    case SIM_FAULT_DISK_SYNC:
        disk->failure = SIM_DISK_SYNC_FAILS;
        if (ms_rng_chance(&world->rng_disk, 1, 3)) {
            disk->failing_until = world->now + duration;
        }
        break;
    case SIM_FAULT_DISK_SLOW:
        disk->slow_until = world->now + duration;
        break;
    case SIM_FAULT_DISK_FULL:
        fill(world, node, duration);
        break;
    case SIM_FAULT_STUCK:
    case SIM_FAULT_STUCK_ACTIVE:
        stick(world, node, fault, duration);
        break;
    case SIM_FAULT_DISK_FLIP:
        flip(world, disk);
        break;
    default:
        ms_unreachable();
    }
}

void sim_disk_roomy(struct sim_world *world, struct sim_node *node)
{
    if (node->disk->full_until <= world->now && node->is_up) {
        node->disk->full_until = 0;
        tell_room(world, node);
    }
}

void sim_disk_heal(struct sim_world *world, struct sim_node *node)
{
    struct sim_disk *disk = node->disk;

    if (disk == NULL) {
        return;
    }
    disk->failure = SIM_DISK_SOUND;
    disk->failing_until = 0;
    disk->slow_until = 0;
    disk->stuck_until = 0;
    if (disk->is_committing) {
        sim_world_push(world, (struct sim_item){.at = world->now + 1,
                                                .kind = SIM_ITEM_COMMIT,
                                                .a = node->index,
                                                .c = disk->stamp});
    }
    for (uint32_t i = 0; i < disk->entries_count; i++) {
        disk->entries[i].flip = 0;
    }
    for (uint32_t i = 0; i < disk->kept.entries_count; i++) {
        disk->kept.entries[i].flip = 0;
    }
    disk->small.flip = 0;
    if (disk->full_until != 0) {
        disk->full_until = world->now;
        sim_disk_roomy(world, node);
    }
}
