#include "master/arrays.h"

#include "core/invariant.h"
#include "master/clients.h"
#include "master/groups.h"
#include "master/queue.h"
#include "master/targets.h"

#define PLACES_MIN 4u

bool ms_arrays_init(struct ms_arrays *arrays)
{
    ms_list_init(&arrays->due);
    ms_list_init(&arrays->short_of);
    ms_list_init(&arrays->changed);
    ms_list_init(&arrays->telling);
    return ms_pool_init(&arrays->pool, sizeof(struct ms_array), MS_ARRAYS_MAX);
}

static size_t spans_size(const struct ms_array *array)
{
    return ms_array_spans(array) * sizeof *array->spans;
}

static void free_bytes(struct ms_array *array, struct ms_slab *slab)
{
    ms_targets_close(array, slab);
    ms_slab_give(slab, array->listed, array->terms.targets.size);
    ms_slab_give(slab, array->payload, array->record.payload.size);
    ms_slab_give(slab, array->key, array->terms.key.size);
    ms_slab_give(slab, array->bits, ms_array_bits_size(array));
    ms_slab_give(slab, array->forgotten, ms_array_bits_size(array));
    ms_slab_give(slab, array->spans, spans_size(array));
}

void ms_arrays_finish(struct ms_queue *queue)
{
    struct ms_pool *pool = &queue->arrays.pool;
    struct ms_array *array;
    uint32_t cursor = 0;

    while (pool->chunks != NULL && (array = ms_pool_next(pool, &cursor)) != NULL) {
        free_bytes(array, &queue->slab);
    }
    ms_pool_finish(pool);
}

/* --- the arrays of a client --- */

/* How many begin at or before the number. */
static uint32_t count_up_to(const struct ms_array_book *book, uint64_t seq)
{
    uint32_t low = 0;
    uint32_t high = book->count;

    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;

        if (book->places[middle]->first <= seq) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct ms_array *ms_arrays_find(const struct ms_array_book *book, uint64_t seq)
{
    const uint32_t before = count_up_to(book, seq);
    struct ms_array *array = before > 0 ? book->places[before - 1] : NULL;

    return array != NULL && seq - array->first < array->count ? array : NULL;
}

static size_t places_size(uint32_t capacity)
{
    return capacity * sizeof(struct ms_array *);
}

static bool grow(struct ms_array_book *book, struct ms_slab *slab)
{
    const uint32_t capacity = book->capacity > 0 ? book->capacity * 2 : PLACES_MIN;
    struct ms_array **places = ms_slab_take(slab, places_size(capacity));

    if (places == NULL) {
        return false;
    }
    if (book->count > 0) {
        memcpy(places, book->places, places_size(book->count));
    }
    ms_slab_give(slab, book->places, places_size(book->capacity));
    book->places = places;
    book->capacity = capacity;
    return true;
}

static bool add_to_book(struct ms_array_book *book, struct ms_slab *slab, struct ms_array *array)
{
    const uint32_t at = count_up_to(book, array->first);

    if (book->count == book->capacity && !grow(book, slab)) {
        return false;
    }
    for (uint32_t i = book->count; i > at; i--) {
        book->places[i] = book->places[i - 1];
    }
    book->places[at] = array;
    book->count++;
    return true;
}

void ms_arrays_close_book(struct ms_array_book *book, struct ms_slab *slab)
{
    ms_slab_give(slab, book->places, places_size(book->capacity));
    *book = (struct ms_array_book){0};
}

/* The last one takes the book along. */
static void remove_from_book(struct ms_array_book *book, struct ms_slab *slab,
                             const struct ms_array *array)
{
    uint32_t at = count_up_to(book, array->first);

    ms_assert(at > 0 && book->places[at - 1] == array);
    for (; at < book->count; at++) {
        book->places[at - 1] = book->places[at];
    }
    if (--book->count == 0) {
        ms_arrays_close_book(book, slab);
    }
}

void ms_array_forget(struct ms_queue *queue, struct ms_array *array)
{
    ms_assert(array->head == NULL && array->gated_count == 0 && array->ready_count == 0);
    remove_from_book(&array->client->arrays, &queue->slab, array);
    ms_list_remove(&array->due);
    ms_list_remove(&array->changed);
    ms_list_remove(&array->telling);
    free_bytes(array, &queue->slab);
    ms_pool_give(&queue->arrays.pool, array);
}

/* --- its members --- */

void ms_array_mark_due(struct ms_queue *queue, struct ms_array *array)
{
    if (!ms_list_is_linked(&array->due)) {
        ms_list_push_back(&queue->arrays.due, &array->due);
    }
}

void ms_array_count_waiting(struct ms_queue *queue, struct ms_array *array, uint32_t count)
{
    struct ms_arrays *arrays = &queue->arrays;

    arrays->waiting_count += count - (uint64_t)array->waiting_count;
    arrays->delayed_count += array->is_delayed ? count - (uint64_t)array->waiting_count : 0;
    array->client->waiting_count += count - array->waiting_count;
    array->waiting_count = count;
    ms_assert(arrays->delayed_count <= arrays->waiting_count);
}

bool ms_array_is_closed(const struct ms_array *array, uint64_t seq)
{
    const uint64_t place = seq - array->first;

    ms_assert(place < array->count);
    return (array->bits[place / 8] >> (place % 8) & 1) != 0;
}

bool ms_array_waits(const struct ms_queue *queue, const struct ms_array *array, uint64_t seq)
{
    return !ms_array_is_closed(array, seq) && ms_queue_find(queue, array->client, seq) == NULL;
}

/* Takes what the array keeps of its own; all of it is given back by free_bytes. */
static bool take_bytes(struct ms_array *array, struct ms_slab *slab, const struct ms_record *record)
{
    array->bits = ms_slab_take(slab, ms_array_bits_size(array));
    array->spans = ms_slab_take(slab, spans_size(array));
    if (record->payload.size > 0) {
        array->payload = ms_slab_copy(slab, record->payload.data, record->payload.size);
    }
    if (array->terms.key.size > 0) {
        array->key = ms_slab_copy(slab, array->terms.key.data, array->terms.key.size);
    }
    if (array->terms.targets.size > 0) {
        array->listed = ms_slab_copy(slab, array->terms.targets.data, array->terms.targets.size);
    }
    if (array->bits == NULL || array->spans == NULL ||
        (array->payload == NULL && record->payload.size > 0) ||
        (array->key == NULL && array->terms.key.size > 0) ||
        (array->listed == NULL && array->terms.targets.size > 0) || !ms_targets_open(array, slab)) {
        return false;
    }
    memset(array->bits, 0, ms_array_bits_size(array));
    memset(array->spans, 0, spans_size(array));
    return true;
}

static bool join_group(struct ms_queue *queue, ms_time now, struct ms_array *array)
{
    if (array->terms.group.size == 0) {
        return true;
    }
    array->group = ms_groups_open(queue->groups, now, array->terms.group);
    return array->group != NULL;
}

/* Its bytes are the array's own from now on. */
static void fill(struct ms_queue *queue, ms_time now, struct ms_array *array)
{
    array->created_at = array->record.at - queue->wall_offset;
    array->due_at = ms_queue_due_at(queue, now, &array->record);
    array->is_delayed = array->due_at > 0;
    array->deadline =
        array->terms.deadline > 0 ? array->terms.deadline - queue->wall_offset : MS_TIME_NEVER;
    array->record.payload.data = array->payload;
    array->record.terms = &array->terms;
    array->terms.key.data = array->key;
    array->terms.targets.data = array->listed;
    if (array->group != NULL) {
        array->terms.group = array->group->terms.group;
        ms_groups_add(queue->groups, array->group, array->count);
    }
}

struct ms_array *ms_array_open(struct ms_queue *queue, ms_time now, struct ms_client *client,
                               struct ms_lane *lane, const struct ms_record *record)
{
    struct ms_array *array = ms_pool_take(&queue->arrays.pool);

    if (array == NULL) {
        return NULL;
    }
    array->client = client;
    array->lane = lane;
    array->record = *record;
    array->terms = *record->terms;
    array->terms.array_closed = (struct ms_bytes){0};
    array->terms.where = (struct ms_bytes){0};
    array->first = record->id.seq;
    array->count = record->terms->array_count;
    array->concurrency = record->terms->array_concurrency;
    array->is_in_doubt = queue->is_doubting;
    ms_list_init(&array->gated);
    ms_list_init(&array->due);
    ms_list_init(&array->changed);
    ms_list_init(&array->telling);
    ms_assert(array->count > 0 && array->first <= UINT64_MAX - array->count);
    if (!take_bytes(array, &queue->slab, record) || !ms_lane_reserve(lane, array->terms.priority) ||
        !join_group(queue, now, array) || !add_to_book(&client->arrays, &queue->slab, array)) {
        free_bytes(array, &queue->slab);
        ms_pool_give(&queue->arrays.pool, array);
        return NULL;
    }
    fill(queue, now, array);
    ms_array_count_waiting(queue, array, array->count);
    ms_array_mark_due(queue, array);
    return array;
}

/* What a member is before anything happens to it. */
static void fill_member(const struct ms_array *array, uint64_t seq, struct ms_work *work)
{
    const struct ms_record *record = &array->record;

    work->client = array->client;
    work->lane = array->lane;
    work->seq = seq;
    work->attempts_max =
        (uint16_t)(record->attempts_max > 0 ? record->attempts_max : MS_ATTEMPTS_DEFAULT);
    work->flags = record->flags;
    work->durability = record->durability;
    work->timeout = record->timeout;
    work->priority = array->terms.priority;
    work->created_at = array->created_at;
}

static void fill_rare(struct ms_array *array, struct ms_rare *rare)
{
    rare->array = array;
    rare->group = array->group;
    rare->has_deadline = array->deadline != MS_TIME_NEVER;
    rare->deadline = array->deadline;
}

/* The time of those that wait has come. */
static void end_delay(struct ms_queue *queue, struct ms_array *array)
{
    if (array->is_delayed) {
        queue->arrays.delayed_count -= array->waiting_count;
        array->is_delayed = false;
    }
}

/* A member that waited, in its state and in no place yet unless that is DELAYED. NULL when memory is out. */
static struct ms_work *begin(struct ms_queue *queue, ms_time now, struct ms_array *array,
                             uint64_t seq)
{
    const bool is_delayed = array->due_at > now;
    struct ms_work *work = ms_pool_take(&queue->pool);

    ms_assert(array->waiting_count > 0);
    if (work == NULL) {
        return NULL;
    }
    ms_list_init(&work->link);
    fill_member(array, seq, work);
    if (ms_rare_of(work, &queue->slab) == NULL) {
        ms_pool_give(&queue->pool, work);
        return NULL;
    }
    fill_rare(array, work->rare);
    if (!ms_index_add(&array->client->index, &queue->spill, work)) {
        ms_slab_give(&queue->slab, work->rare, sizeof *work->rare);
        ms_pool_give(&queue->pool, work);
        return NULL;
    }
    if (is_delayed && !ms_queue_put_off(queue, work, array->due_at)) {
        ms_index_remove(&array->client->index, &queue->spill, work);
        ms_slab_give(&queue->slab, work->rare, sizeof *work->rare);
        ms_pool_give(&queue->pool, work);
        return NULL;
    }
    if (!is_delayed) {
        end_delay(queue, array);
    }
    ms_array_count_waiting(queue, array, array->waiting_count - 1);
    array->live_count++;
    array->client->live_count++;
    array->lane->live_count++;
    queue->durable_count += ms_work_is_durable(work);
    ms_queue_move(queue, now, work, is_delayed ? MS_LIFE_SUBMIT_LATER : MS_LIFE_SUBMIT);
    return work;
}

struct ms_work *ms_array_reach(struct ms_queue *queue, ms_time now, struct ms_array *array,
                               uint64_t seq)
{
    struct ms_work *work = ms_queue_find(queue, array->client, seq);

    if (work != NULL || ms_array_is_closed(array, seq)) {
        return work;
    }
    work = begin(queue, now, array, seq);
    if (work != NULL && work->state == MS_LIFE_READY) {
        ms_queue_enter(queue, work);
    }
    return work;
}

void ms_array_liken(const struct ms_array *array, ms_time now, uint64_t seq,
                    struct ms_array_likeness *likeness_out)
{
    const bool is_delayed = array->due_at > now;

    *likeness_out = (struct ms_array_likeness){.rare = {.is_likeness = true}};
    fill_member(array, seq, &likeness_out->work);
    fill_rare((struct ms_array *)(uintptr_t)array, &likeness_out->rare);
    ms_list_init(&likeness_out->work.link);
    likeness_out->work.state = is_delayed ? MS_LIFE_DELAYED : MS_LIFE_READY;
    likeness_out->work.rare = &likeness_out->rare;
    likeness_out->work.changed_at = array->created_at;
}

/* --- how many run --- */

/* How many of it may run. */
static uint32_t limit_of(const struct ms_array *array)
{
    return array->concurrency > 0 ? array->concurrency : UINT32_MAX;
}

bool ms_array_is_full(const struct ms_array *array)
{
    return array != NULL && array->leased_count >= limit_of(array);
}

static bool has_room(const struct ms_array *array)
{
    return (uint64_t)array->leased_count + array->ready_count < limit_of(array);
}

bool ms_array_gate(struct ms_work *work)
{
    struct ms_array *array = ms_work_array(work);

    if (array == NULL) {
        return false;
    }
    ms_assert(work->state == MS_LIFE_READY && !work->is_gated);
    if (has_room(array)) {
        array->ready_count++;
        return false;
    }
    work->is_gated = true;
    ms_list_push_back(&array->gated, &work->link);
    array->gated_count++;
    return true;
}

void ms_array_ungate(struct ms_work *work)
{
    struct ms_array *array = ms_work_array(work);

    ms_assert(work->is_gated && array->gated_count > 0);
    work->is_gated = false;
    ms_list_remove(&work->link);
    array->gated_count--;
}

void ms_array_unready(struct ms_work *work)
{
    struct ms_array *array = ms_work_array(work);

    if (array != NULL) {
        ms_assert(array->ready_count > 0);
        array->ready_count--;
    }
}

void ms_array_limit(struct ms_queue *queue, struct ms_array *array, uint32_t concurrency,
                    ms_seq record)
{
    ms_assert(concurrency <= MS_ARRAY_MAX);
    ms_journal_erase(queue->journal, array->concurrency_record);
    array->concurrency_record = record;
    array->concurrency = concurrency;
    ms_array_mark_due(queue, array);
}

/* --- going on --- */

static uint64_t next_waiting(const struct ms_queue *queue, struct ms_array *array)
{
    ms_assert(array->waiting_count > 0);
    while (!ms_array_waits(queue, array, array->first + array->next)) {
        array->next++;
        ms_assert(array->next < array->count);
    }
    return array->first + array->next;
}

/* A member that waited, to where such a one waits. */
static void place(struct ms_queue *queue, struct ms_array *array, struct ms_work *work,
                  bool is_first)
{
    if (work->state == MS_LIFE_READY && array->is_in_doubt) {
        ms_queue_enter(queue, work);
    } else if (work->state == MS_LIFE_READY) {
        ms_queue_enter_next(queue, work, is_first);
    }
}

/* Each of a broadcast is for another slave, so none stands for the others. */
static bool begin_each(struct ms_queue *queue, ms_time now, struct ms_array *array)
{
    for (uint32_t i = 0; i < MS_SWEEP_BURST && array->waiting_count > 0; i++) {
        struct ms_work *work = begin(queue, now, array, next_waiting(queue, array));

        if (work == NULL) {
            return false;
        }
        place(queue, array, work, false);
    }
    if (array->waiting_count > 0) {
        ms_array_mark_due(queue, array);
    }
    return true;
}

bool ms_array_refill(struct ms_queue *queue, ms_time now, struct ms_array *array)
{
    struct ms_work *work;

    while (array->gated_count > 0 && has_room(array)) {
        ms_queue_place_again(queue, ms_work_of(ms_list_first(&array->gated)));
    }
    if (array->head != NULL || array->waiting_count == 0) {
        return true;
    }
    if (array->terms.on > 0) {
        return begin_each(queue, now, array);
    }
    work = begin(queue, now, array, next_waiting(queue, array));
    if (work == NULL) {
        return false;
    }
    array->head = work;
    place(queue, array, work, array->is_begun);
    array->is_begun = true;
    return true;
}

void ms_array_left(struct ms_queue *queue, struct ms_work *work)
{
    struct ms_array *array = ms_work_array(work);

    if (array != NULL) {
        array->head = array->head == work ? NULL : array->head;
        ms_array_mark_due(queue, array);
    }
}

void ms_array_leased(struct ms_queue *queue, ms_time now, struct ms_work *work)
{
    struct ms_array *array = ms_work_array(work);

    if (array == NULL) {
        return;
    }
    array->is_in_doubt = false; /* none is handed out of an array that is */
    if (array->head == work) {
        array->head = NULL;
        if (!ms_array_refill(queue, now, array)) {
            ms_array_mark_due(queue, array);
        }
    }
}

void ms_array_moved(struct ms_queue *queue, struct ms_work *work, enum ms_life_state from)
{
    struct ms_array *array = ms_work_array(work);

    if (array == NULL) {
        return;
    }
    array->leased_count += work->state == MS_LIFE_LEASED;
    if (from == MS_LIFE_LEASED) {
        ms_assert(array->leased_count > 0);
        array->leased_count--;
        if (array->gated_count > 0) {
            ms_array_mark_due(queue, array);
        }
    }
    if (from == MS_LIFE_DELAYED && work->state == MS_LIFE_READY && work == array->head) {
        end_delay(queue, array);
    }
}
