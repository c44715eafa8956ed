#include "master/queue.h"

#include "core/invariant.h"
#include "master/clients.h"
#include "master/output.h"
#include "master/slaves.h"

/* Blocks this much larger than what they hold are exchanged for a smaller one. */
#define SLACK_MIN 1024u

/* Attempts are numbered from a random number below this. */
#define TOKENS_START_MAX (UINT64_C(1) << 28)

bool ms_queue_init(struct ms_queue *queue, struct ms_lanes *lanes, struct ms_rng *rng,
                   uint32_t commands_max, uint64_t bytes_max)
{
    const uint32_t places =
        commands_max > MS_COMMANDS_MAX_DEFAULT ? commands_max : MS_COMMANDS_MAX_DEFAULT;

    ms_assert(commands_max > 0);
    ms_assert(bytes_max > 0);
    *queue = (struct ms_queue){.lanes = lanes,
                               .rng = rng,
                               .provider = &ms_provider_queue,
                               .commands_max = commands_max,
                               .bytes_max = bytes_max};
    ms_map_init(&queue->spill, places, ms_rng_next(rng));
    ms_heap_init(&queue->delayed, places);
    ms_slab_init(&queue->slab, bytes_max + MS_RESULT_RESERVE);
    if (!ms_pool_init(&queue->pool, sizeof(struct ms_work), places) ||
        !ms_leases_init(&queue->leases)) {
        return false;
    }
    /* Two lives within one second of the wall clock have the same epoch: their tokens still differ. */
    queue->leases.last = ms_rng_below(rng, TOKENS_START_MAX);
    return true;
}

void ms_queue_limit(struct ms_queue *queue, uint32_t commands_max, uint64_t bytes_max)
{
    const uint32_t places = ms_pool_capacity(&queue->pool);

    ms_assert(commands_max > 0 && bytes_max > 0);
    queue->commands_max = commands_max < places ? commands_max : places;
    queue->bytes_max = bytes_max;
    queue->slab.max = bytes_max + MS_RESULT_RESERVE;
}

void ms_queue_abandon(struct ms_queue *queue)
{
    uint32_t cursor = 0;
    struct ms_work *work;

    while (queue->pool.chunks != NULL && (work = ms_pool_next(&queue->pool, &cursor)) != NULL) {
        ms_output_discard(work, &queue->slab);
        ms_slab_give(&queue->slab, work->block, work->block_size);
        work->block = NULL;
        work->block_size = 0;
    }
}

void ms_queue_finish(struct ms_queue *queue)
{
    if (queue == NULL) {
        return;
    }
    ms_leases_finish(&queue->leases);
    ms_heap_finish(&queue->delayed);
    ms_map_finish(&queue->spill);
    ms_pool_finish(&queue->pool);
    ms_slab_finish(&queue->slab);
}

struct ms_work *ms_queue_find(const struct ms_queue *queue, const struct ms_client *client,
                              uint64_t seq)
{
    const struct ms_index *index = &client->index;

    if (index->slots != NULL) {
        struct ms_work *work = index->slots[seq & index->mask];

        if (work != NULL && work->seq == seq) {
            return work;
        }
    }
    ms_assert(client->number > 0);
    return index->spilled > 0 ? ms_index_find_spilled(&queue->spill, client->number, seq) : NULL;
}

bool ms_queue_has_room(const struct ms_queue *queue, size_t size)
{
    return ms_queue_count(queue) < queue->commands_max &&
           ms_slab_used(&queue->slab) + ms_slab_cost(size) <= queue->bytes_max;
}

/* The one place where a state changes. */
static void transit(struct ms_queue *queue, ms_time now, struct ms_work *work,
                    enum ms_life_event event)
{
    const struct ms_life_row *row = ms_life_next(work->state, event);

    ms_assert(row != NULL);
    if (work->state != MS_LIFE_NONE) {
        ms_assert(queue->states[work->state] > 0);
        queue->states[work->state]--;
    }
    if (row->to != MS_LIFE_CLOSED) {
        queue->states[row->to]++;
    }
    queue->events_total[event]++;
    work->state = (uint8_t)row->to;
    work->changed_at = now;
}

static bool copy_payload(struct ms_queue *queue, struct ms_work *work, struct ms_bytes payload)
{
    work->size = (uint32_t)payload.size;
    work->block_size = work->size;
    if (payload.size == 0) {
        return true;
    }
    work->block = ms_slab_copy(&queue->slab, payload.data, payload.size);
    return work->block != NULL;
}

/* By number, and by time when it is delayed; neither when memory is out. */
static bool index_it(struct ms_queue *queue, ms_time now, struct ms_work *work, ms_time delay)
{
    if (!ms_index_add(&work->client->index, &queue->spill, work)) {
        return false;
    }
    if (delay > 0 && !ms_heap_push(&queue->delayed, &work->timer, now + delay)) {
        ms_index_remove(&work->client->index, &queue->spill, work);
        return false;
    }
    return true;
}

struct ms_work *ms_queue_submit(struct ms_queue *queue, ms_time now, struct ms_client *client,
                                struct ms_lane *lane, const struct ms_command *submit)
{
    struct ms_work *work = ms_pool_take(&queue->pool);

    if (work == NULL) {
        return NULL;
    }
    ms_list_init(&work->link);
    work->seq = submit->id.seq;
    work->client = client;
    work->lane = lane;
    work->attempts_max =
        (uint16_t)(submit->attempts_max > 0 ? submit->attempts_max : MS_ATTEMPTS_DEFAULT);
    work->flags = submit->flags & (MS_FLAG_BACKGROUND | MS_FLAG_STREAM);
    work->timeout = submit->timeout;
    work->created_at = now;
    if (!copy_payload(queue, work, submit->payload) || !index_it(queue, now, work, submit->delay)) {
        ms_slab_give(&queue->slab, work->block, work->block_size);
        ms_pool_give(&queue->pool, work);
        return NULL;
    }
    client->live_count++;
    lane->live_count++;
    transit(queue, now, work, submit->delay > 0 ? MS_LIFE_SUBMIT_LATER : MS_LIFE_SUBMIT);
    if (work->state == MS_LIFE_READY) {
        ms_lanes_push(queue->lanes, work, false);
    }
    return work;
}

bool ms_queue_wake(struct ms_queue *queue, ms_time now, uint32_t burst)
{
    while (ms_heap_min(&queue->delayed) <= now) {
        if (burst-- == 0) {
            return true;
        }
        struct ms_work *work = ms_container_of(ms_heap_pop(&queue->delayed), struct ms_work, timer);

        transit(queue, now, work, MS_LIFE_DUE);
        ms_lanes_push(queue->lanes, work, false);
    }
    return false;
}

bool ms_queue_lease(struct ms_queue *queue, ms_time now, struct ms_work *work,
                    struct ms_slave *slave)
{
    ms_assert(work->holder == NULL);
    if (!ms_leases_add(&queue->leases, work)) {
        return false;
    }
    ms_output_discard(work, &queue->slab); /* whatever an earlier attempt wrote is void */
    ms_lanes_remove(work);
    transit(queue, now, work, MS_LIFE_HAND_OUT);
    work->attempt++;
    work->holder = slave;
    work->lane->dispatched_total++;
    ms_list_push_back(&slave->held, &work->link);
    slave->session->held++;
    return true;
}

struct ms_work *ms_queue_find_token(const struct ms_queue *queue, struct ms_token token,
                                    ms_epoch epoch)
{
    return token.epoch == epoch ? ms_leases_find(&queue->leases, token.n) : NULL;
}

/* Takes the work out of its holder's hands; the token is void from now on. */
static void let_go(struct ms_queue *queue, struct ms_work *work)
{
    ms_assert(work->state == MS_LIFE_LEASED);
    ms_assert(work->holder->session->held > 0);
    ms_leases_remove(&queue->leases, work);
    ms_list_remove(&work->link);
    work->holder->session->held--;
    work->holder = NULL;
}

void ms_queue_give_back(struct ms_queue *queue, ms_time now, struct ms_work *work,
                        enum ms_life_event event)
{
    ms_assert(event == MS_LIFE_RETURN || event == MS_LIFE_LOSE);
    let_go(queue, work);
    transit(queue, now, work, event);
    if (event == MS_LIFE_RETURN) {
        ms_assert(work->attempt > 0);
        work->attempt--;
    }
    ms_lanes_push(queue->lanes, work, true);
}

/* Doubles from MS_RETRY_DELAY_MIN with every attempt that went wrong. */
static ms_time backoff(const struct ms_queue *queue, const struct ms_work *work)
{
    uint32_t doublings = (uint32_t)work->failures + work->crashes;
    ms_time delay = MS_RETRY_DELAY_MIN;

    while (doublings-- > 1 && delay < MS_RETRY_DELAY_MAX) {
        delay *= 2;
    }
    if (delay > MS_RETRY_DELAY_MAX) {
        delay = MS_RETRY_DELAY_MAX;
    }
    return ms_rng_jitter(queue->rng, delay);
}

void ms_queue_retry(struct ms_queue *queue, ms_time now, struct ms_work *work,
                    enum ms_status status)
{
    ms_assert(status < MS_STATUS_COUNT);
    if (!ms_heap_push(&queue->delayed, &work->timer, now + backoff(queue, work))) {
        ms_queue_give_back(queue, now, work, MS_LIFE_LOSE);
        work->status = (uint8_t)status;
        return;
    }
    let_go(queue, work);
    work->status = (uint8_t)status;
    transit(queue, now, work, MS_LIFE_RETRY);
}

/* Makes room for size bytes in the work's block; what was in it is lost. */
static bool reshape(struct ms_queue *queue, struct ms_work *work, size_t size)
{
    uint8_t *block = NULL;

    if (size <= work->block_size && (size_t)work->block_size - size <= SLACK_MIN + size) {
        return true;
    }
    ms_assert(size <= UINT32_MAX);
    if (size > 0) {
        block = ms_slab_take(&queue->slab, size);
        if (block == NULL) {
            return size <= work->block_size;
        }
    }
    ms_slab_give(&queue->slab, work->block, work->block_size);
    work->block = block;
    work->block_size = (uint32_t)size;
    return true;
}

/* Keeps the result in the place of the payload; false when memory is out. */
static bool keep(struct ms_queue *queue, struct ms_work *work, const struct ms_result *result)
{
    ms_assert(result->detail.size <= MS_DETAIL_MAX);
    if (!reshape(queue, work, result->payload.size + result->detail.size)) {
        return false;
    }
    work->status = (uint8_t)result->status;
    work->code = result->code;
    work->signal = result->signal;
    work->size = (uint32_t)result->payload.size;
    work->detail_size = (uint16_t)result->detail.size;
    work->has_usage = result->usage != NULL;
    if (work->has_usage) {
        work->usage = *result->usage;
    }
    if (work->size > 0) {
        memcpy(work->block, result->payload.data, work->size);
    }
    if (work->detail_size > 0) {
        memcpy(work->block + work->size, result->detail.data, work->detail_size);
    }
    return true;
}

/* What is told of a result for which there is no memory. */
static void keep_loss(struct ms_queue *queue, struct ms_work *work)
{
    const struct ms_result told = {
        .status = MS_STATUS_FAIL,
        .code = MS_E_NO_MEMORY,
        .detail = ms_bytes_of("the master has no memory left for the result"),
    };
    const struct ms_result silent = {.status = MS_STATUS_FAIL, .code = MS_E_NO_MEMORY};

    ms_output_discard(work, &queue->slab);
    if (!keep(queue, work, &told)) {
        bool is_kept = keep(queue, work, &silent);

        ms_assert(is_kept);
    }
}

static void take_off(struct ms_queue *queue, struct ms_work *work)
{
    switch (work->state) {
    case MS_LIFE_READY:
        ms_lanes_remove(work);
        break;
    case MS_LIFE_DELAYED:
        ms_heap_remove(&queue->delayed, &work->timer);
        break;
    case MS_LIFE_LEASED:
        let_go(queue, work);
        break;
    default:
        ms_unreachable();
    }
}

void ms_queue_settle(struct ms_queue *queue, ms_time now, struct ms_work *work,
                     enum ms_life_event event, const struct ms_result *result)
{
    take_off(queue, work);
    if (!keep(queue, work, result)) {
        keep_loss(queue, work);
        event = event == MS_LIFE_CANCEL ? MS_LIFE_CANCEL : MS_LIFE_OVERFLOW;
    }
    transit(queue, now, work, event);
    ms_assert(ms_work_is_finished(work));
    ms_assert(!ms_list_is_linked(&work->link));
}

void ms_queue_close(struct ms_queue *queue, ms_time now, struct ms_work *work,
                    enum ms_life_event event)
{
    ms_index_remove(&work->client->index, &queue->spill, work);
    ms_assert(!ms_list_is_linked(&work->link));
    transit(queue, now, work, event);
    ms_assert(work->state == MS_LIFE_CLOSED);
    ms_assert(work->client->live_count > 0 && work->lane->live_count > 0);
    work->client->live_count--;
    work->lane->live_count--;
    ms_output_discard(work, &queue->slab);
    ms_slab_give(&queue->slab, work->block, work->block_size);
    ms_pool_give(&queue->pool, work);
}
