/* What a master of a pair wants of its disk beside commits, and a witness of all it has: the small record, and to read,
 * scan and empty the store in mid-life. A job that looks at the store begins when everything that was written before
 * is committed. */
#include <stdlib.h>
#include <string.h>

#include "core/invariant.h"
#include "proto/pair_record.h"
#include "tests/sim/disk.h"
#include "tests/sim/observer.h"
#include "tests/sim/observer_hands.h"
#include "tests/sim/older.h"

#define REPLAY_PIECE_MAX 64 /* entries read back at a time */

/* --- the small record --- */

static void drop_first(struct sim_disk *disk)
{
    free(disk->stores[0].bytes);
    disk->stores_count--;
    memmove(disk->stores, disk->stores + 1, disk->stores_count * sizeof *disk->stores);
}

/* The first of those under way replaces what is there. */
static void keep_first(struct sim_world *world, struct sim_node *node)
{
    struct sim_disk *disk = node->disk;

    free(disk->small.bytes);
    disk->small = disk->stores[0];
    disk->stores[0].bytes = NULL;
    sim_observe_stored(world, node);
}

void sim_small_flip(struct sim_world *world, struct sim_node *node)
{
    struct sim_small *small = &node->disk->small;

    ms_assert(!node->is_up && small->size > 0);
    small->flip = 1 + (size_t)ms_rng_below(&world->rng_disk, small->size * 8);
    world->stats.counts[SIM_STAT_SMALL_FLIPS]++;
    sim_trace(world, "bit %zu of the small record of %s turns over", small->flip - 1,
              sim_node_name(world, node->index));
}

/* As the programs do: half a pair does not start, a witness that does not know its word is another one. */
bool sim_small_open(struct sim_world *world, struct sim_node *node)
{
    struct sim_small *small = &node->disk->small;
    struct ms_council_record record;
    enum ms_error error;

    if (small->flip == 0) {
        return true;
    }
    uint8_t *byte = &small->bytes[(small->flip - 1) / 8];
    const uint8_t bit = (uint8_t)(1u << (small->flip - 1) % 8);

    *byte ^= bit;
    error = ms_pair_record_read((struct ms_bytes){small->bytes, small->size}, &record);
    *byte ^= bit;
    if (error == MS_E_OK) {
        sim_fail(world, "record",
                 "the small record of %s is taken for sound with bit %zu turned over",
                 sim_node_name(world, node->index), small->flip - 1);
    }
    if (error == MS_E_MALFORMED && node->role == SIM_WITNESS) {
        sim_disk_wipe(world, node);
        return true;
    }
    return false;
}

static void begin_store(struct sim_world *world, struct sim_node *node)
{
    struct sim_disk *disk = node->disk;

    sim_world_push(world, (struct sim_item){.at = world->now + sim_disk_latency(world, disk),
                                            .kind = SIM_ITEM_DISK_JOB,
                                            .a = node->index,
                                            .b = SIM_JOB_STORE,
                                            .c = disk->jobs_stamp});
}

static void want_store(struct sim_world *world, struct sim_node *node, struct ms_bytes bytes)
{
    struct sim_disk *disk = node->disk;

    if (disk->stores_count == SIM_STORES_MAX) {
        sim_fail(world, "contract", "%s has %d records to be stored under way",
                 sim_node_name(world, node->index), SIM_STORES_MAX);
    }
    struct sim_small *small = &disk->stores[disk->stores_count++];

    *small = (struct sim_small){.bytes = malloc(bytes.size + 1), .size = bytes.size};
    ms_assert(small->bytes != NULL);
    memcpy(small->bytes, bytes.data, bytes.size);
    if (disk->stores_count == 1) {
        begin_store(world, node);
    }
}

static void stored(struct sim_world *world, struct sim_node *node)
{
    struct sim_disk *disk = node->disk;
    struct ms_event event = {.type = MS_EVENT_STORED};

    if (disk->failure != SIM_DISK_SOUND) {
        if (disk->failure == SIM_DISK_SYNC_FAILS && ms_rng_chance(&world->rng_disk, 1, 2)) {
            keep_first(world, node);
        }
        sim_disk_fail(world, node);
        event.error = MS_E_STORE_FAILED;
    } else {
        keep_first(world, node);
    }
    drop_first(disk);
    world->stats.counts[SIM_STAT_STORES]++;
    sim_driver_post(world, node, &event);
    if (disk->stores_count > 0) {
        begin_store(world, node);
    }
}

/* --- the store as a whole --- */

static struct sim_entry *first_above(struct sim_disk *disk, ms_seq seq)
{
    uint32_t i = 0;

    while (i < disk->entries_count && disk->entries[i].seq <= seq) {
        i++;
    }
    return i < disk->entries_count ? &disk->entries[i] : NULL;
}

static void begin(struct sim_world *world, struct sim_node *node, enum sim_job_kind kind)
{
    sim_world_push(world, (struct sim_item){.at = world->now + sim_disk_latency(world, node->disk),
                                            .kind = SIM_ITEM_DISK_JOB,
                                            .a = node->index,
                                            .b = kind,
                                            .c = node->disk->jobs_stamp});
}

/* Some entries, and the news that there are no more. */
static void replay(struct sim_world *world, struct sim_node *node)
{
    struct sim_disk *disk = node->disk;
    struct sim_job *job = &disk->jobs[SIM_JOB_REPLAY];
    const uint64_t count = 1 + ms_rng_below(&world->rng_disk, REPLAY_PIECE_MAX);
    struct ms_command command = {0};
    const struct ms_event event = {.type = MS_EVENT_REPLAYED, .command = &command};

    if (!job->is_begun) {
        if (sim_older_refuses(world, node)) {
            return;
        }
        job->is_begun = true;
        world->stats.counts[SIM_STAT_RECOVERIES] += disk->entries_count > 0;
        sim_durable_begin(world, node);
    }
    for (uint64_t i = 0; i < count; i++) {
        const struct sim_entry *entry = first_above(disk, job->seq);

        command.payload = (struct ms_bytes){0};
        if (entry != NULL) {
            command.payload = (struct ms_bytes){entry->bytes, entry->size};
            job->seq = entry->seq;
        }
        sim_driver_post(world, node, &event);
        if (entry == NULL) {
            job->is_wanted = false;
            return;
        }
    }
    begin(world, node, SIM_JOB_REPLAY);
}

static void scan(struct sim_world *world, struct sim_node *node)
{
    struct sim_disk *disk = node->disk;
    struct sim_job *job = &disk->jobs[SIM_JOB_SCAN];
    struct ms_command command = {0};
    struct ms_event event = {.type = MS_EVENT_SCANNED, .command = &command};
    const struct sim_entry *entry = first_above(disk, job->seq);
    uint8_t *bytes = NULL;
    size_t size = 0;

    for (; entry != NULL && entry < disk->entries + disk->entries_count &&
           (size == 0 || size + entry->size <= job->count);
         entry++) {
        bytes = realloc(bytes, size + entry->size);
        ms_assert(bytes != NULL);
        memcpy(bytes + size, entry->bytes, entry->size);
        size += entry->size;
        event.seq = entry->seq;
    }
    command.payload = (struct ms_bytes){bytes, size};
    job->is_wanted = false;
    sim_driver_post(world, node, &event);
    free(bytes);
}

static void clear_all(struct sim_world *world, struct sim_node *node)
{
    world->stats.counts[SIM_STAT_CLEARED] += !node->disk->kept.is_there;
    world->stats.counts[SIM_STAT_SET_ASIDE] += node->disk->jobs[SIM_JOB_CLEAR].count > 0;
    sim_disk_empty(node->disk);
    sim_older_cleared(node);
}

/* False: there is no room for both. */
static bool begin_beside(struct sim_world *world, struct sim_node *node)
{
    const bool is_there = sim_disk_begin_beside(world, node);

    world->stats.counts[is_there ? SIM_STAT_BESIDE : SIM_STAT_BESIDE_CRAMPED]++;
    if (is_there) {
        sim_older_cleared(node);
    }
    return is_there;
}

static void clear(struct sim_world *world, struct sim_node *node)
{
    struct sim_job *job = &node->disk->jobs[SIM_JOB_CLEAR];
    bool is_done = true;

    job->is_wanted = false;
    switch ((enum ms_clear)job->seq) {
    case MS_CLEAR_ALL:
        clear_all(world, node);
        break;
    case MS_CLEAR_BESIDE:
        is_done = begin_beside(world, node);
        break;
    case MS_CLEAR_ADOPT:
        world->stats.counts[SIM_STAT_SET_ASIDE] += job->count > 0;
        world->stats.counts[SIM_STAT_CLEARED]++;
        sim_disk_adopt(node->disk);
        break;
    case MS_CLEAR_REVERT:
        world->stats.counts[SIM_STAT_BESIDE_GIVEN_UP]++;
        sim_disk_revert(node);
        break;
    case MS_CLEARS:
        ms_unreachable();
    }
    if (job->seq != MS_CLEAR_ADOPT) { /* else what is being written is still there */
        sim_hands_forget(world, node);
    }
    sim_driver_post(world, node,
                    &(struct ms_event){.type = MS_EVENT_CLEARED, .count = is_done ? 0 : 1});
}

void sim_disk_job(struct sim_world *world, struct sim_node *node, const struct ms_effect *effect)
{
    static const enum sim_job_kind kinds[] = {
        [MS_EFFECT_REPLAY] = SIM_JOB_REPLAY,
        [MS_EFFECT_SCAN] = SIM_JOB_SCAN,
        [MS_EFFECT_CLEAR] = SIM_JOB_CLEAR,
    };
    struct sim_disk *disk = node->disk;

    if (effect->type == MS_EFFECT_STORE) {
        want_store(world, node, effect->command.payload);
        return;
    }
    struct sim_job *job = &disk->jobs[kinds[effect->type]];

    if (job->is_wanted) {
        sim_fail(world, "contract", "%s wants the same of its disk twice at a time",
                 sim_node_name(world, node->index));
    }
    *job = (struct sim_job){.is_wanted = true,
                            .seq = effect->seq,
                            .count = effect->count,
                            .after = disk->rounds_begun + (disk->gathered.size > 0)};
    sim_disk_jobs_begin(world, node);
}

void sim_disk_jobs_begin(struct sim_world *world, struct sim_node *node)
{
    struct sim_disk *disk = node->disk;

    for (enum sim_job_kind kind = 0; kind < SIM_JOBS; kind++) {
        struct sim_job *job = &disk->jobs[kind];

        if (job->is_wanted && !job->is_planned && disk->rounds_done >= job->after &&
            !disk->is_failed) {
            job->is_planned = true;
            begin(world, node, kind);
        }
    }
}

bool sim_disk_is_held(const struct sim_disk *disk)
{
    return disk->jobs[SIM_JOB_CLEAR].is_planned && disk->jobs[SIM_JOB_CLEAR].is_wanted;
}

void sim_disk_job_done(struct sim_world *world, struct sim_node *node, enum sim_job_kind kind,
                       uint64_t stamp)
{
    if (stamp != node->disk->jobs_stamp) {
        return;
    }
    ms_assert(node->is_up);
    switch (kind) {
    case SIM_JOB_STORE:
        stored(world, node);
        break;
    case SIM_JOB_REPLAY:
        replay(world, node);
        break;
    case SIM_JOB_SCAN:
        scan(world, node);
        break;
    case SIM_JOB_CLEAR:
        clear(world, node);
        sim_disk_flush(world, node);
        break;
    case SIM_JOBS:
        ms_unreachable();
    }
}

static void crash_in_clear(struct sim_disk *disk)
{
    const enum ms_clear how = (enum ms_clear)disk->jobs[SIM_JOB_CLEAR].seq;

    if (how == MS_CLEAR_ALL) {
        sim_disk_empty(disk);
    } else if (how == MS_CLEAR_ADOPT) {
        sim_disk_adopt(disk);
    }
}

/* Of what was under way, all or nothing is there. */
void sim_disk_jobs_crash(struct sim_world *world, struct sim_node *node)
{
    struct sim_disk *disk = node->disk;

    if (disk->stores_count > 0 && disk->failure == SIM_DISK_SOUND &&
        ms_rng_chance(&world->rng_disk, 1, 2)) {
        keep_first(world, node);
        world->stats.counts[SIM_STAT_STORES_ORPHANED]++;
    } else {
        world->stats.counts[SIM_STAT_STORES_LOST] += disk->stores_count > 0;
    }
    while (disk->stores_count > 0) {
        drop_first(disk);
    }
    if (sim_disk_is_held(disk) && ms_rng_chance(&world->rng_disk, 1, 2)) {
        crash_in_clear(disk);
    }
    if (disk->kept.is_there) { /* the next start removes what is beside it */
        world->stats.counts[SIM_STAT_BESIDE_CUT]++;
        sim_disk_revert(node);
    }
    memset(disk->jobs, 0, sizeof disk->jobs);
    disk->jobs_stamp++;
}

void sim_disk_wipe(struct sim_world *world, struct sim_node *node)
{
    struct sim_disk *disk = node->disk;

    ms_assert(!node->is_up);
    sim_trace(world, "the disk of %s is lost", sim_node_name(world, node->index));
    world->stats.counts[SIM_STAT_WIPES]++;
    sim_disk_empty(disk);
    free(disk->small.bytes);
    disk->small = (struct sim_small){0};
    disk->lives++;
    disk->is_set_back = false;
}

void sim_disk_replace(struct sim_world *world, struct sim_node *node)
{
    if (world->config.masters > 1 && node->disk != NULL && node->disk->is_failed && node->is_up) {
        sim_node_kill(world, node, false);
        sim_node_restart(world, node, 1);
    }
}
