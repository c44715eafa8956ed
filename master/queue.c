#include "master/queue.h"

#include "core/invariant.h"
#include "master/block.h"
#include "master/clients.h"
#include "master/gates.h"
#include "master/members.h"
#include "master/output.h"
#include "master/rare.h"
#include "master/slaves.h"
#include "master/spool.h"
#include "master/tail.h"
#include "master/targets.h"
#include "master/upload.h"

/* Attempts are numbered from a random number below this. */
#define TOKENS_START_MAX (UINT64_C(1) << 28)

bool ms_queue_init(struct ms_queue *queue, struct ms_lanes *lanes, struct ms_rng *rng,
                   struct ms_journal *journal, const struct ms_master_limits *limits)
{
    const uint32_t places = limits->commands_max > MS_COMMANDS_MAX_DEFAULT
                                ? limits->commands_max
                                : MS_COMMANDS_MAX_DEFAULT;

    ms_assert(limits->commands_max > 0 && limits->bytes_max > 0);
    *queue = (struct ms_queue){.lanes = lanes,
                               .rng = rng,
                               .journal = journal,
                               .commands_max = limits->commands_max,
                               .bytes_max = limits->bytes_max};
    ms_list_init(&queue->doubted);
    ms_list_init(&queue->aside);
    ms_list_init(&queue->lone);
    ms_list_init(&queue->strays);
    ms_map_init(&queue->spill, places, ms_rng_next(rng));
    ms_map_init(&queue->adopted, places, ms_rng_next(rng));
    ms_heap_init(&queue->delayed, places);
    ms_uniques_init(&queue->uniques, places, ms_rng_next(rng));
    ms_heap_init(&queue->archive, places);
    queue->keep_bytes = limits->keep_bytes;
    ms_slab_init(&queue->slab,
                 limits->bytes_max + limits->keep_bytes + MS_RESULT_RESERVE + MS_TAIL_BYTES_MAX);
    if (!ms_pool_init(&queue->pool, sizeof(struct ms_work), places) ||
        !ms_leases_init(&queue->leases) || !ms_arrays_init(&queue->arrays)) {
        return false;
    }
    /* Two lives within one second of the wall clock have the same epoch: their tokens still differ. */
    queue->leases.last = ms_rng_below(rng, TOKENS_START_MAX);
    return true;
}

void ms_queue_finish(struct ms_queue *queue)
{
    if (queue == NULL) {
        return;
    }
    ms_leases_finish(&queue->leases);
    ms_heap_finish(&queue->delayed);
    ms_arrays_finish(queue);
    ms_uniques_finish(&queue->uniques);
    ms_heap_finish(&queue->archive);
    ms_map_finish(&queue->adopted);
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
    if (work->rare != NULL && row->to != row->from) {
        ms_members_moved(queue, now, work, row->from);
    }
}

/* The first moment at which it must not be started any more. */
static ms_time expiry_of(const struct ms_work *work)
{
    const ms_time deadline = ms_work_deadline(work);

    return deadline == MS_TIME_NEVER ? MS_TIME_NEVER : deadline + 1;
}

/* To be woken when it may be handed out, or must not be any more. False when memory is out. */
static bool put_off(struct ms_queue *queue, struct ms_work *work, ms_time due)
{
    const ms_time expiry = expiry_of(work);

    ms_assert(due > 0);
    return ms_heap_push(&queue->delayed, &work->timer, due < expiry ? due : expiry);
}

/* Its number, its time when it is delayed, its key; none of it when memory is out. */
static bool index_it(struct ms_queue *queue, struct ms_work *work, ms_time due,
                     const struct ms_terms *terms)
{
    if (!ms_index_add(&work->client->index, &queue->spill, work)) {
        return false;
    }
    if (due > 0 && !put_off(queue, work, due)) {
        ms_index_remove(&work->client->index, &queue->spill, work);
        return false;
    }
    if (!ms_uniques_meet(&queue->uniques, &queue->slab, work, terms)) {
        ms_index_remove(&work->client->index, &queue->spill, work);
        if (due > 0) {
            ms_heap_remove(&queue->delayed, &work->timer);
        }
        return false;
    }
    return true;
}

/* It may be handed out. Without memory its deadline is seen only when its turn comes. */
static void enlist(struct ms_queue *queue, struct ms_work *work, bool is_first)
{
    const ms_time expiry = expiry_of(work);

    ms_lanes_place(work, ms_work_key(work));
    if (work->rare == NULL || !ms_array_gate(work)) {
        ms_targets_push(queue, work, is_first);
    }
    if (expiry != MS_TIME_NEVER) {
        ms_heap_push(&queue->delayed, &work->timer, expiry);
    }
}

/* READY: it waits to be handed out, in its turn or before all others of its priority. */
static void push(struct ms_queue *queue, struct ms_work *work, bool is_first)
{
    ms_assert(work->state == MS_LIFE_READY && !work->is_in_doubt);
    if (queue->is_doubting) {
        work->is_in_doubt = true;
        ms_list_push_back(&queue->doubted, &work->link);
        queue->doubted_count++;
    } else {
        enlist(queue, work, is_first);
    }
}

static void withdraw(struct ms_queue *queue, struct ms_work *work)
{
    ms_assert(work->state == MS_LIFE_READY);
    if (work->is_in_doubt) {
        work->is_in_doubt = false;
        ms_list_remove(&work->link);
        queue->doubted_count--;
    } else if (work->is_aside) {
        work->is_aside = false;
        ms_list_remove(&work->link);
        queue->aside_count--;
    } else if (work->is_lone) {
        work->is_lone = false;
        ms_list_remove(&work->link);
        queue->lone_count--;
    } else if (work->is_gated) {
        ms_array_ungate(work);
    } else {
        ms_targets_remove(work);
        if (work->rare != NULL) {
            ms_array_unready(work);
        }
    }
    if (ms_heap_has(&work->timer)) {
        ms_heap_remove(&queue->delayed, &work->timer);
    }
}

void ms_queue_trust(struct ms_queue *queue, struct ms_work *work)
{
    ms_assert(work->is_in_doubt && !queue->is_doubting);
    withdraw(queue, work);
    enlist(queue, work, false);
}

static void fill(struct ms_queue *queue, struct ms_work *work, const struct ms_record *record)
{
    work->seq = record->id.seq;
    work->attempts_max =
        (uint16_t)(record->attempts_max > 0 ? record->attempts_max : MS_ATTEMPTS_DEFAULT);
    work->flags = record->flags;
    work->durability = record->durability;
    work->timeout = record->timeout;
    work->priority = record->terms != NULL ? record->terms->priority : 0;
    work->created_at =
        (record->kind == MS_RECORD_SUBMIT ? record->at : record->until) - queue->wall_offset;
}

/* A command in no state yet, known by its number; NULL when memory is out. */
static struct ms_work *create(struct ms_queue *queue, struct ms_client *client,
                              struct ms_lane *lane, const struct ms_record *record)
{
    struct ms_work *work = ms_pool_take(&queue->pool);

    if (work == NULL) {
        return NULL;
    }
    ms_list_init(&work->link);
    work->client = client;
    work->lane = lane;
    fill(queue, work, record);
    if (!ms_lane_reserve(lane, work->priority)) {
        ms_pool_give(&queue->pool, work);
        return NULL;
    }
    return work;
}

struct ms_work *ms_queue_submit(struct ms_queue *queue, ms_time now, struct ms_client *client,
                                struct ms_lane *lane, const struct ms_record *record)
{
    const ms_time due = ms_queue_due_at(queue, now, record);
    struct ms_work *work = create(queue, client, lane, record);

    if (work == NULL) {
        return NULL;
    }
    if (!ms_members_join(queue, now, work, record) ||
        !ms_block_copy(work, &queue->slab, record->payload) ||
        !ms_rare_keep_terms(work, &queue->slab, record->terms, queue->wall_offset) ||
        !index_it(queue, work, due, record->terms)) {
        ms_rare_free(work, &queue->slab, queue->journal);
        ms_slab_give(&queue->slab, work->block, work->block_size);
        ms_pool_give(&queue->pool, work);
        return NULL;
    }
    client->live_count++;
    lane->live_count++;
    queue->durable_count += ms_work_is_durable(work);
    const bool is_follower = ms_unique_is_follower(work);

    if (is_follower && due > 0) { /* it waits for its leader only */
        ms_heap_remove(&queue->delayed, &work->timer);
        work->rare->due = due;
    }
    transit(queue, now, work, due > 0 || is_follower ? MS_LIFE_SUBMIT_LATER : MS_LIFE_SUBMIT);
    if (work->state == MS_LIFE_READY) {
        push(queue, work, false);
    }
    return work;
}

struct ms_work *ms_queue_restore(struct ms_queue *queue, ms_time now, struct ms_client *client,
                                 struct ms_lane *lane, const struct ms_record *record)
{
    struct ms_work *work = create(queue, client, lane, record);

    ms_assert(record->kind == MS_RECORD_SETTLE);
    if (work == NULL) {
        return NULL;
    }
    if (!ms_members_join(queue, now, work, record) || !index_it(queue, work, 0, NULL)) {
        ms_rare_free(work, &queue->slab, queue->journal);
        ms_pool_give(&queue->pool, work);
        return NULL;
    }
    client->live_count++;
    lane->live_count++;
    queue->durable_count += ms_work_is_durable(work);
    return work;
}

struct ms_work *ms_queue_wake(struct ms_queue *queue, ms_time now, uint32_t *burst)
{
    while (ms_heap_min(&queue->delayed) <= now && *burst > 0) {
        struct ms_work *work =
            ms_container_of(ms_heap_peek(&queue->delayed), struct ms_work, timer);

        (*burst)--;
        /* What may be in somebody's hands already is not given up before that is known. */
        if (ms_work_deadline(work) < now && (work->state == MS_LIFE_READY || !queue->is_doubting)) {
            return work;
        }
        ms_assert(work->state == MS_LIFE_DELAYED);
        ms_heap_remove(&queue->delayed, &work->timer);
        transit(queue, now, work, MS_LIFE_DUE);
        push(queue, work, false);
    }
    return NULL;
}

/* A command may come to a slave between its roll and the putting right of what the roll did not name: it was
 * named, as one that nobody knew. */
static void take_in_hand(struct ms_queue *queue, ms_time now, struct ms_work *work,
                         struct ms_slave *slave, bool is_handed)
{
    ms_gates_took(work->lane, slave, now, is_handed);
    work->holder = slave;
    ms_list_push_back(slave->is_called ? &slave->kept : &slave->held, &work->link);
    slave->session->held++;
    ms_seats_weigh(queue->lanes, slave);
}

bool ms_queue_lease(struct ms_queue *queue, ms_time now, struct ms_work *work,
                    struct ms_slave *slave)
{
    ms_assert(work->holder == NULL);
    if (!ms_leases_add(&queue->leases, work)) {
        return false;
    }
    ms_output_discard(queue, work); /* whatever an earlier attempt wrote is void */
    withdraw(queue, work);
    transit(queue, now, work, MS_LIFE_HAND_OUT);
    work->attempt++;
    work->token_epoch = queue->epoch;
    work->lane->dispatched_total++;
    take_in_hand(queue, now, work, slave, true);
    if (work->rare != NULL) {
        ms_array_leased(queue, now, work);
    }
    return true;
}

static struct ms_key key_of(struct ms_token token)
{
    return ms_key_of(token.epoch, token.n);
}

/* Takes the work off what it waits in; it is in no state's place afterwards. */
static void take_off(struct ms_queue *queue, struct ms_work *work);

bool ms_queue_adopt(struct ms_queue *queue, ms_time now, struct ms_work *work,
                    struct ms_slave *slave, const struct ms_record *lease)
{
    ms_assert(work->holder == NULL && lease->token.epoch < queue->epoch);
    if (ms_map_find_pointer(&queue->adopted, key_of(lease->token)) != NULL) {
        return false; /* of two commands with one token a slave has made one up */
    }
    if (!ms_gates_reserve(work->lane, slave) ||
        !ms_map_put_pointer(&queue->adopted, key_of(lease->token), work)) {
        return false;
    }
    if (work->output != NULL && work->output->token.epoch == 0) {
        work->output->token =
            lease->token; /* it was read back, and is taken for that of its number */
    }
    const uint32_t attempt = ms_output_number(work, lease->attempt, lease->token);

    if (work->attempt != attempt) {
        ms_output_discard(queue, work);
    }
    take_off(queue, work);
    transit(queue, now, work, MS_LIFE_ADOPT);
    if (work->rare != NULL) {
        ms_array_left(queue, work);
    }
    work->attempt = attempt;
    work->token = lease->token.n;
    work->token_epoch = lease->token.epoch;
    take_in_hand(queue, now, work, slave, false);
    return true;
}

struct ms_work *ms_queue_find_token(const struct ms_queue *queue, struct ms_token token,
                                    ms_epoch epoch)
{
    if (token.epoch == epoch) {
        return ms_leases_find(&queue->leases, token.n);
    }
    return ms_map_count(&queue->adopted) == 0 ? NULL
                                              : ms_map_find_pointer(&queue->adopted, key_of(token));
}

/* Takes the work out of its holder's hands; the token is void from now on. */
static void let_go(struct ms_queue *queue, struct ms_work *work)
{
    ms_assert(work->state == MS_LIFE_LEASED && work->holder->session->held > 0);
    if (work->token_epoch == queue->epoch) {
        ms_leases_remove(&queue->leases, work);
    } else {
        ms_map_remove(&queue->adopted, key_of(ms_work_token(work)));
        work->token = 0;
    }
    ms_journal_erase(queue->journal, work->lease_record);
    work->lease_record = 0;
    work->is_leaving = false;
    if (work->holder->upload == work) {
        ms_upload_stop(work->holder);
        ms_slaves_refresh(queue->lanes, work->holder);
    }
    ms_gates_let_go(work->lane, work->holder);
    ms_list_remove(&work->link);
    work->holder->session->held--;
    ms_seats_weigh(queue->lanes, work->holder);
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
    push(queue, work, true);
}

/* What is read back may have been in hand without a record that says so. */
static void catch_up(struct ms_queue *queue, ms_time now, struct ms_work *work,
                     enum ms_life_event event)
{
    if (work->state == MS_LIFE_NONE) {
        transit(queue, now, work, MS_LIFE_SUBMIT);
    }
    if (ms_life_next(work->state, event) == NULL) {
        transit(queue, now, work, MS_LIFE_ADOPT);
    }
}

void ms_queue_retry(struct ms_queue *queue, ms_time now, struct ms_work *work,
                    const struct ms_record *record, ms_seq seq)
{
    const ms_time due = ms_queue_due_at(queue, now, record);

    ms_assert(record->status < MS_STATUS_COUNT);
    ms_queue_remember(queue, record->at - queue->wall_offset, work, record, seq);
    work->status = record->status;
    work->attempt = record->attempt;
    work->failures = (uint16_t)record->failures;
    work->crashes = (uint16_t)record->crashes;
    take_off(queue, work);
    catch_up(queue, now, work, MS_LIFE_RETRY);
    if (record->event == MS_LIFE_LOSE || due == 0 || !put_off(queue, work, due)) {
        transit(queue, now, work, MS_LIFE_LOSE);
        push(queue, work, true);
    } else {
        transit(queue, now, work, MS_LIFE_RETRY);
    }
}

static void take_off(struct ms_queue *queue, struct ms_work *work)
{
    switch (work->state) {
    case MS_LIFE_NONE:
        break; /* only its outcome was kept, and it is read back */
    case MS_LIFE_READY:
        withdraw(queue, work);
        break;
    case MS_LIFE_DELAYED:
        if (ms_unique_is_follower(work)) {
            ms_unique_leave(work);
        } else {
            ms_heap_remove(&queue->delayed, &work->timer);
        }
        break;
    case MS_LIFE_LEASED:
        let_go(queue, work);
        break;
    default:
        ms_unreachable();
    }
}

/* The outcome tells all that is still needed, unless records of attempts, output or wishes are kept: these are
 * read back before it, and belong to a submission. So does what can be kicked. */
static void retire_submission(struct ms_queue *queue, struct ms_work *work)
{
    const bool has_others =
        ms_rare_needs_submission(work->rare) || work->output != NULL || ms_unique_is_settling(work);
    struct ms_rare *rare = work->record != 0 && has_others ? ms_rare_of(work, &queue->slab) : NULL;

    ms_journal_erase(queue->journal, work->lease_record); /* in nobody's hands, but started */
    work->lease_record = 0;
    if (rare != NULL) {
        rare->submit_record = work->record;
    } else {
        queue->journal->is_failed |= work->record != 0 && has_others;
        ms_journal_erase(queue->journal, work->record);
    }
}

void ms_queue_settle(struct ms_queue *queue, ms_time now, struct ms_work *work,
                     const struct ms_record *record, ms_seq seq)
{
    ms_spool_end(queue, work);
    if (record->attempt != work->attempt) { /* read back: the erasure of what it wrote was lost */
        ms_output_discard(queue, work);
    }
    if (work->rare != NULL) {
        work->rare->had_claim = work->rare->claim != NULL;
    }
    if (ms_life_buries((enum ms_life_event)record->event) && ms_unique_key(work).size > 0) {
        ms_rare_keep_unique(work, &queue->slab, ms_unique_key(work));
    }
    take_off(queue, work);
    ms_block_keep(work, record);
    catch_up(queue, now, work, record->event);
    transit(queue, now, work, record->event);
    work->changed_at = record->at - queue->wall_offset;
    if (work->state == MS_LIFE_BURIED || (work->flags & MS_FLAG_KEEP) != 0) {
        ms_queue_remember(queue, work->changed_at, work, record, 0);
    }
    if (work->rare != NULL) {
        ms_rare_end_terms(work, &queue->slab);
        ms_array_left(queue, work);
    }
    ms_unique_release(&queue->uniques, &queue->slab, work);
    retire_submission(queue, work);
    work->record = seq;
    ms_assert(ms_work_is_finished(work) && !ms_list_is_linked(&work->link));
}

void ms_queue_close(struct ms_queue *queue, ms_time now, struct ms_work *work,
                    enum ms_life_event event)
{
    ms_index_remove(&work->client->index, &queue->spill, work);
    ms_assert(!ms_list_is_linked(&work->link));
    if (work->is_followed) {
        ms_tails_close(queue, work);
    }
    transit(queue, now, work, event);
    ms_assert(work->state == MS_LIFE_CLOSED && !work->is_archived && !ms_unique_is_settling(work));
    ms_assert(work->client->live_count > 0 && work->lane->live_count > 0);
    work->client->live_count--;
    work->lane->live_count--;
    queue->durable_count -= ms_work_is_durable(work);
    ms_journal_erase_closed(queue->journal, work->record);
    ms_output_discard(queue, work);
    ms_rare_free(work, &queue->slab, queue->journal);
    ms_slab_give(&queue->slab, work->block, work->block_size);
    ms_pool_give(&queue->pool, work);
}

void ms_queue_move(struct ms_queue *queue, ms_time now, struct ms_work *work,
                   enum ms_life_event event)
{
    transit(queue, now, work, event);
}

void ms_queue_enter(struct ms_queue *queue, struct ms_work *work)
{
    push(queue, work, false);
}

void ms_queue_enter_next(struct ms_queue *queue, struct ms_work *work, bool is_first)
{
    ms_assert(work->state == MS_LIFE_READY && !ms_list_is_linked(&work->link));
    enlist(queue, work, is_first);
}

void ms_queue_place_again(struct ms_queue *queue, struct ms_work *work)
{
    withdraw(queue, work);
    enlist(queue, work, true);
}

void ms_queue_leave(struct ms_queue *queue, struct ms_work *work)
{
    take_off(queue, work);
    if (work->rare != NULL) {
        ms_array_left(queue, work);
    }
}

bool ms_queue_put_off(struct ms_queue *queue, struct ms_work *work, ms_time due)
{
    return put_off(queue, work, due);
}
