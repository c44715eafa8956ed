#include "master/floors.h"

#include "core/invariant.h"
#include "master/state.h"

bool ms_floors_init(struct ms_floors *floors, uint32_t max, uint64_t seed)
{
    ms_list_init(&floors->dormant);
    ms_map_init(&floors->by_uuid, max, seed);
    return ms_pool_init(&floors->pool, sizeof(struct ms_floor), max);
}

static void forget(struct ms_master *master, struct ms_floor *floor)
{
    struct ms_floors *floors = &master->floors;
    uint64_t value = ms_map_remove(&floors->by_uuid, ms_key_of_uuid(&floor->uuid));

    ms_assert(value == (uint64_t)(uintptr_t)floor);
    ms_list_remove(&floor->changed);
    ms_closed_finish(&floor->closed, &master->queue.slab);
    ms_pool_give(&floors->pool, floor);
}

void ms_floors_finish(struct ms_master *master)
{
    struct ms_floors *floors = &master->floors;
    uint32_t cursor = 0;
    struct ms_floor *floor;

    while (floors->pool.chunks != NULL && (floor = ms_pool_next(&floors->pool, &cursor)) != NULL) {
        ms_closed_finish(&floor->closed, &master->queue.slab);
    }
    ms_pool_finish(&floors->pool);
    ms_map_finish(&floors->by_uuid);
}

struct ms_floor *ms_floors_find(const struct ms_floors *floors, const struct ms_uuid *uuid)
{
    return ms_map_find_pointer(&floors->by_uuid, ms_key_of_uuid(uuid));
}

static struct ms_floor *create(struct ms_master *master, const struct ms_uuid *uuid)
{
    struct ms_floors *floors = &master->floors;
    struct ms_floor *floor = ms_pool_take(&floors->pool);

    if (floor == NULL) {
        return NULL;
    }
    if (!ms_map_put_pointer(&floors->by_uuid, ms_key_of_uuid(uuid), floor)) {
        ms_pool_give(&floors->pool, floor);
        return NULL;
    }
    floor->uuid = *uuid;
    ms_closed_init(&floor->closed, ms_rng_next(&master->rng));
    ms_list_init(&floor->changed);
    ms_list_init(&floor->dormant);
    return floor;
}

struct ms_floor *ms_floors_wake(struct ms_master *master, const struct ms_uuid *uuid)
{
    struct ms_floor *floor = ms_floors_find(&master->floors, uuid);

    if (floor == NULL) {
        return create(master, uuid);
    }
    if (ms_list_is_linked(&floor->dormant)) {
        ms_list_remove(&floor->dormant);
        master->floors.dormant_count--;
    }
    return floor;
}

/* The records of a floor that is forgotten go with the next flush. */
static void drop(struct ms_master *master, struct ms_floor *floor)
{
    struct ms_journal *journal = &master->journal;
    ms_seq gone;

    ms_assert(floor->client == NULL);
    ms_journal_erase_closed(journal, floor->record);
    ms_closed_raise(&floor->closed, &master->queue.slab, UINT64_MAX);
    while ((gone = ms_closed_next_gone(&floor->closed, &master->queue.slab)) != 0) {
        ms_journal_erase_closed(journal, gone);
    }
    if (ms_list_is_linked(&floor->dormant)) {
        ms_list_remove(&floor->dormant);
        master->floors.dormant_count--;
    }
    forget(master, floor);
}

void ms_floors_sleep(struct ms_master *master, struct ms_floor *floor)
{
    struct ms_floors *floors = &master->floors;

    floor->client = NULL;
    if (!floor->is_durable) {
        forget(master, floor);
        return;
    }
    floor->seen_at = master->engine.now;
    ms_list_push_back(&floors->dormant, &floor->dormant);
    floors->dormant_count++;
    if (floors->dormant_count > MS_FLOORS_DORMANT_MAX) {
        drop(master, ms_container_of(ms_list_first(&floors->dormant), struct ms_floor, dormant));
    }
}

static void mark(struct ms_master *master, struct ms_floor *floor)
{
    if (!master->journal.is_on || !floor->is_durable) {
        return;
    }
    master->journal.has_closed = true;
    if (!ms_list_is_linked(&floor->changed)) {
        ms_list_push_back(&master->journal.floors, &floor->changed);
    }
}

void ms_floors_close(struct ms_master *master, struct ms_floor *floor, uint64_t seq,
                     bool is_durable)
{
    ms_closed_add(&floor->closed, &master->queue.slab, seq);
    if (is_durable) {
        mark(master, floor);
    }
}

void ms_floors_close_range(struct ms_master *master, struct ms_floor *floor, uint64_t seq,
                           uint64_t count, bool is_durable)
{
    ms_closed_add_range(&floor->closed, &master->queue.slab, seq, seq + count - 1);
    if (is_durable) {
        mark(master, floor);
    }
}

void ms_floors_raise(struct ms_master *master, struct ms_floor *floor, uint64_t seq)
{
    if (seq > floor->closed.floor) {
        ms_closed_raise(&floor->closed, &master->queue.slab, seq);
        mark(master, floor);
    }
}

static void write_span(struct ms_journal *journal, const struct ms_floor *floor, int64_t at,
                       struct ms_closed_span *span)
{
    const ms_seq former = *span->record;

    *span->record = ms_journal_put(
        journal, &(struct ms_record){
                     .kind = span->count > 0 ? MS_RECORD_CLOSED_RUN : MS_RECORD_CLOSED,
                     .at = at,
                     .id = {.client = floor->uuid},
                     .number = span->number,
                     .count = span->count,
                     .payload = {span->bits, span->size},
                 });
    ms_journal_erase(journal, former);
}

static void write(struct ms_master *master, struct ms_floor *floor)
{
    struct ms_journal *journal = &master->journal;
    struct ms_closed_span span;
    ms_seq gone;

    while (ms_closed_next_changed(&floor->closed, &span)) {
        write_span(journal, floor, ms_master_wall(master), &span);
    }
    if (floor->record == 0 || floor->written != floor->closed.floor) {
        const ms_seq former = floor->record;

        floor->record = ms_journal_put(journal, &(struct ms_record){
                                                    .kind = MS_RECORD_CLIENT,
                                                    .at = ms_master_wall(master),
                                                    .id = {.client = floor->uuid},
                                                    .count = floor->closed.floor,
                                                });
        floor->written = floor->closed.floor;
        ms_journal_erase(journal, former);
    }
    while ((gone = ms_closed_next_gone(&floor->closed, &master->queue.slab)) != 0) {
        ms_journal_erase(journal, gone);
    }
}

void ms_floors_flush(struct ms_master *master)
{
    struct ms_list *link;

    while ((link = ms_list_pop_front(&master->journal.floors)) != NULL) {
        write(master, ms_container_of(link, struct ms_floor, changed));
    }
}

static struct ms_floor *longest_dormant(const struct ms_master *master)
{
    struct ms_list *link = ms_list_first(&master->floors.dormant);

    return link == NULL ? NULL : ms_container_of(link, struct ms_floor, dormant);
}

void ms_floors_expire(struct ms_master *master, ms_time now)
{
    struct ms_floor *floor;
    uint32_t burst = MS_SWEEP_BURST;

    while (burst-- > 0 && (floor = longest_dormant(master)) != NULL &&
           now - floor->seen_at >= master->config.client_ttl) {
        drop(master, floor);
    }
}

ms_time ms_floors_deadline(const struct ms_master *master)
{
    const struct ms_floor *floor = longest_dormant(master);

    return floor == NULL ? MS_TIME_NEVER : floor->seen_at + master->config.client_ttl;
}

static void sleep_again(struct ms_master *master, struct ms_floor *floor, int64_t at)
{
    floor->is_durable = true;
    floor->seen_at = at - master->config.wall_offset;
    if (floor->client == NULL && !ms_list_is_linked(&floor->dormant)) {
        ms_list_push_back(&master->floors.dormant, &floor->dormant);
        master->floors.dormant_count++;
    }
}

bool ms_floors_replay(struct ms_master *master, const struct ms_record *record, ms_seq seq)
{
    struct ms_floor *floor = ms_floors_wake(master, &record->id.client);
    struct ms_slab *slab = &master->queue.slab;
    const struct ms_closed_record span = {
        .number = record->number,
        .count = record->kind == MS_RECORD_CLOSED_RUN ? record->count : 0,
        .bits = record->payload,
        .seq = seq,
    };
    bool is_kept = true;

    if (floor == NULL) {
        return false;
    }
    sleep_again(master, floor, record->at);
    if (record->kind == MS_RECORD_CLIENT) {
        floor->record = seq;
        floor->written = record->count;
        ms_closed_raise(&floor->closed, slab, record->count);
        return true;
    }
    if (!ms_closed_load(&floor->closed, slab, &span, &is_kept)) {
        return false;
    }
    if (!is_kept) { /* what it said is in the floor or in a run, and told with it */
        ms_journal_erase_closed(&master->journal, seq);
        mark(master, floor);
    }
    return true;
}
