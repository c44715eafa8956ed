/* What the journal says of arrays: which members are closed, and how that is read back. */
#include "core/invariant.h"
#include "master/arrays.h"
#include "master/clients.h"
#include "master/state.h"
#include "master/targets.h"

static bool has_bit(const uint8_t *bits, uint64_t place)
{
    return bits != NULL && (bits[place / 8] >> (place % 8) & 1) != 0;
}

static void set_bit(uint8_t *bits, uint64_t place)
{
    bits[place / 8] |= (uint8_t)(1u << (place % 8));
}

/* As those of commands of their own: one that was forgotten is new when it comes again. */
static void close_numbers(struct ms_master *master, const struct ms_array *array)
{
    struct ms_floor *floor = array->client->floor;

    if (array->forgotten == NULL) {
        ms_floors_close_range(master, floor, array->first, array->count,
                              array->record.durability != MS_DURABILITY_MEM);
        return;
    }
    for (uint32_t place = 0; place < array->count; place++) {
        if (!has_bit(array->forgotten, place)) {
            ms_floors_close(master, floor, array->first + place, false);
        }
    }
}

static void end(struct ms_master *master, struct ms_array *array)
{
    struct ms_journal *journal = &master->journal;

    ms_journal_erase_closed(journal, array->submit_record);
    ms_journal_erase_closed(journal, array->concurrency_record);
    for (uint32_t i = 0; i < ms_array_spans(array); i++) {
        ms_journal_erase_closed(journal, array->spans[i].record);
    }
    close_numbers(master, array);
    ms_array_forget(&master->queue, array);
}

static bool is_over(const struct ms_array *array)
{
    return array->waiting_count == 0 && array->live_count == 0;
}

void ms_array_end_if_over(struct ms_master *master, struct ms_array *array)
{
    if (is_over(array)) {
        end(master, array);
    }
}

static void set_closed(struct ms_queue *queue, struct ms_array *array, uint64_t seq)
{
    const uint64_t place = seq - array->first;

    ms_assert(!ms_array_is_closed(array, seq));
    set_bit(array->bits, place);
    if (array->record.durability != MS_DURABILITY_MEM && queue->journal->is_on) {
        array->spans[place / MS_ARRAY_SPAN].is_changed = true;
        queue->journal->has_closed = true;
        if (!ms_list_is_linked(&array->changed)) {
            ms_list_push_back(&queue->arrays.changed, &array->changed);
        }
    }
}

/* Without memory it counts as one that was confirmed. */
static void forget_member(struct ms_slab *slab, struct ms_array *array, uint64_t seq)
{
    if (array->forgotten == NULL) {
        array->forgotten = ms_slab_take(slab, ms_array_bits_size(array));
        if (array->forgotten == NULL) {
            return;
        }
        memset(array->forgotten, 0, ms_array_bits_size(array));
    }
    set_bit(array->forgotten, seq - array->first);
}

void ms_array_recall(struct ms_queue *queue, struct ms_array *array)
{
    uint32_t count = 0;

    for (uint32_t place = array->count; place > 0 && array->forgotten != NULL; place--) {
        if (has_bit(array->forgotten, place - 1)) {
            array->bits[(place - 1) / 8] &= (uint8_t) ~(1u << ((place - 1) % 8));
            array->next = place - 1 < array->next ? place - 1 : array->next;
            count++;
        }
    }
    ms_slab_give(&queue->slab, array->forgotten, ms_array_bits_size(array));
    array->forgotten = NULL;
    ms_array_count_waiting(queue, array, array->waiting_count + count);
    if (array->group != NULL && count > 0) {
        ms_groups_add(queue->groups, array->group, count);
    }
    ms_array_mark_due(queue, array);
}

void ms_array_close(struct ms_master *master, ms_time now, struct ms_work *work,
                    enum ms_life_event event)
{
    struct ms_array *array = ms_work_array(work);
    const uint64_t seq = work->seq;
    const bool is_forgotten = event == MS_LIFE_ABANDON && !ms_work_is_durable(work) &&
                              (work->flags & MS_FLAG_BACKGROUND) == 0;

    ms_queue_close(&master->queue, now, work, event);
    ms_assert(array->live_count > 0);
    array->live_count--;
    set_closed(&master->queue, array, seq);
    if (is_forgotten) {
        forget_member(&master->queue.slab, array, seq);
    }
    if (is_over(array) && !master->journal.is_replaying) {
        end(master, array); /* what is read back may be told of closed members yet */
    }
}

static void write_span(struct ms_master *master, const struct ms_array *array, uint32_t number)
{
    struct ms_array_span *span = &array->spans[number];
    const uint8_t *bits = array->bits + (size_t)number * (MS_ARRAY_SPAN / 8);
    size_t size = ms_array_bits_size(array) - (size_t)number * (MS_ARRAY_SPAN / 8);
    const ms_seq former = span->record;

    size = size < MS_ARRAY_SPAN / 8 ? size : MS_ARRAY_SPAN / 8;
    while (size > 0 && bits[size - 1] == 0) {
        size--;
    }
    ms_assert(size > 0);
    span->is_changed = false;
    span->record = ms_journal_put(&master->journal, &(struct ms_record){
                                                        .kind = MS_RECORD_CLOSED,
                                                        .at = ms_master_wall(master),
                                                        .id = {array->client->uuid, array->first},
                                                        .number = number,
                                                        .payload = {bits, size},
                                                    });
    ms_journal_erase(&master->journal, former);
}

static void write_spans(struct ms_master *master, struct ms_array *array)
{
    for (uint32_t i = 0; i < ms_array_spans(array); i++) {
        if (array->spans[i].is_changed) {
            write_span(master, array, i);
        }
    }
    ms_list_remove(&array->changed);
}

/* As many that waited have ended before. */
static void forget_waiting(struct ms_queue *queue, ms_time now, struct ms_array *array,
                           uint32_t count)
{
    ms_assert(count <= array->waiting_count);
    ms_array_count_waiting(queue, array, array->waiting_count - count);
    if (array->group != NULL) { /* its own books have them */
        ms_groups_drop(queue->groups, now, array->group, count);
    }
}

void ms_array_close_known(struct ms_master *master, ms_time now, struct ms_array *array,
                          struct ms_bytes told, bool is_new)
{
    const struct ms_closed *closed = &array->client->floor->closed;
    uint32_t count = 0;

    ms_journal_flush(master); /* a span has members that closed before, whose records go with it */
    for (uint64_t seq = array->first; seq < array->first + array->count; seq++) {
        if ((ms_array_is_told(told, seq - array->first) ||
             (is_new && ms_closed_has(closed, seq))) &&
            ms_array_waits(&master->queue, array, seq)) {
            set_closed(&master->queue, array, seq);
            count++;
        }
    }
    forget_waiting(&master->queue, now, array, count);
    write_spans(master, array); /* in the commit that has SUBMIT */
}

void ms_arrays_flush(struct ms_master *master)
{
    struct ms_list *link;

    ms_assert(!master->journal.is_replaying);
    while ((link = ms_list_pop_front(&master->queue.arrays.changed)) != NULL) {
        write_spans(master, ms_container_of(link, struct ms_array, changed));
    }
}

static enum ms_error complain(struct ms_master *master, ms_seq seq, const char *what)
{
    ms_complain(&master->complaint, "record %llu (CLOSED): %s", (unsigned long long)seq, what);
    return MS_E_STORE_CORRUPT;
}

/* Members that are closed already are those of which an outcome was read back that nobody wants. */
static enum ms_error load(struct ms_master *master, ms_time now, struct ms_array *array,
                          const struct ms_record *record)
{
    struct ms_queue *queue = &master->queue;
    const uint64_t from = array->first + record->number * MS_ARRAY_SPAN;
    const uint64_t room = array->count - record->number * MS_ARRAY_SPAN;
    uint32_t count = 0;

    for (uint64_t i = 0; i < record->payload.size * 8; i++) {
        if ((record->payload.data[i / 8] >> (i % 8) & 1) == 0) {
            continue;
        }
        if (i >= room || (!ms_array_is_closed(array, from + i) &&
                          ms_queue_find(queue, array->client, from + i) != NULL)) {
            return MS_E_STORE_CORRUPT;
        }
        if (!ms_array_is_closed(array, from + i)) {
            set_bit(array->bits, from + i - array->first);
            count++;
        }
    }
    forget_waiting(queue, now, array, count);
    return MS_E_OK;
}

enum ms_error ms_arrays_replay(struct ms_master *master, ms_time now,
                               const struct ms_record *record, ms_seq seq)
{
    const struct ms_floor *floor = ms_floors_find(&master->floors, &record->id.client);
    struct ms_array *array = floor != NULL && floor->client != NULL
                                 ? ms_arrays_find(&floor->client->arrays, record->id.seq)
                                 : NULL;

    if (array == NULL || array->first != record->id.seq ||
        record->number >= ms_array_spans(array) || record->payload.size > MS_ARRAY_SPAN / 8) {
        return complain(master, seq, "no array has such members");
    }
    if (load(master, now, array, record) != MS_E_OK) {
        return complain(master, seq, "a member is closed that has a record");
    }
    ms_journal_erase(&master->journal, array->spans[record->number].record);
    array->spans[record->number].record = seq;
    return MS_E_OK;
}

/* Heads are in doubt like all that was read back. */
void ms_arrays_replayed(struct ms_master *master, ms_time now)
{
    struct ms_queue *queue = &master->queue;
    struct ms_array *array;
    uint32_t cursor = 0;

    ms_assert(master->journal.is_replaying && queue->is_doubting);
    while ((array = ms_pool_next(&queue->arrays.pool, &cursor)) != NULL) {
        if (is_over(array)) {
            struct ms_client *client = array->client;

            end(master, array);
            ms_clients_reap(master, client);
            continue;
        }
        ms_targets_bind(master, array);
        if (!ms_array_refill(queue, now, array)) {
            ms_array_mark_due(queue, array);
        }
    }
}
