#include "master/changes.h"

#include "core/invariant.h"
#include "master/clients.h"
#include "master/output.h"
#include "master/queue.h"
#include "master/rare.h"
#include "master/unique.h"

/* How the former generation ended goes with the kick: its outcome is void. */
static void fill_past(const struct ms_rare *rare, struct ms_record *record)
{
    if (rare->past_count > 0) {
        record->name = ms_bytes_of(rare->past[rare->past_count - 1].slave);
        record->number = rare->past[rare->past_count - 1].event;
    }
}

/* It has lost its key, and nobody has taken it. */
static bool is_key_free(const struct ms_queue *queue, const struct ms_work *work)
{
    const struct ms_rare *rare = work->rare;

    return rare->unique != NULL &&
           ms_uniques_find(&queue->uniques, work->lane->root,
                           (struct ms_bytes){rare->unique, rare->unique_size}) == NULL;
}

struct ms_record ms_changes_record(const struct ms_queue *queue, ms_time now,
                                   const struct ms_work *work, enum ms_operation operation,
                                   int64_t value)
{
    const int64_t wall = now + queue->wall_offset;
    struct ms_record record = {
        .kind = MS_RECORD_CHANGE,
        .event = (uint8_t)operation,
        .at = wall,
        .id = {.client = work->client->uuid, .seq = work->seq},
        .count = (uint64_t)value,
    };

    ms_assert(operation > MS_OPERATION_NONE && operation < MS_OPERATION_COUNT);
    if (operation == MS_OPERATION_RELEASE) {
        record.until = value > 0 ? wall + value : 0;
    }
    if (operation == MS_OPERATION_KICK) {
        record.count = work->rare->generation + 1;
        record.attempt = work->attempt;
        record.status = work->status;
        record.code = work->code;
        record.signal = work->signal;
        record.detail = ms_work_detail(work);
        fill_past(work->rare, &record);
        record.index = is_key_free(queue, work);
        /* An outcome that was confirmed is nobody's business any more. */
        record.flags = work->flags | (work->is_archived ? MS_FLAG_BACKGROUND : 0);
    }
    return record;
}

bool ms_changes_can_kick(const struct ms_work *work)
{
    return work->state == MS_LIFE_BURIED && work->rare != NULL && work->rare->has_payload &&
           (!ms_work_is_once(work) || work->attempt == 0);
}

bool ms_changes_are_possible(const struct ms_work *work, const struct ms_record *change)
{
    const int64_t value = (int64_t)change->count;

    switch (change->event) {
    case MS_OPERATION_CANCEL:
        return !ms_work_is_finished(work);
    case MS_OPERATION_KICK:
        return !ms_work_is_finished(work) || ms_changes_can_kick(work);
    case MS_OPERATION_RELEASE:
        return (work->state == MS_LIFE_READY || work->state == MS_LIFE_DELAYED) &&
               !ms_unique_is_follower(work);
    case MS_OPERATION_PRIORITY:
        return !ms_work_is_finished(work) && value >= MS_PRIORITY_MIN && value <= MS_PRIORITY_MAX;
    default:
        return false;
    }
}

/* Somebody gave it a time, or took it away. */
static void release(struct ms_queue *queue, ms_time now, struct ms_work *work,
                    const struct ms_record *change)
{
    const ms_time due = ms_queue_due_at(queue, now, change);

    ms_queue_leave(queue, work);
    if (due > 0 && ms_queue_put_off(queue, work, due)) {
        ms_queue_move(queue, now, work, MS_LIFE_POSTPONE);
        return;
    }
    if (work->state == MS_LIFE_DELAYED) {
        ms_queue_move(queue, now, work, MS_LIFE_RELEASE);
    }
    ms_queue_enter(queue, work);
}

/* It waits behind those of the same priority that were there before. */
static void prioritise(struct ms_queue *queue, struct ms_work *work, int64_t value)
{
    const bool waits_in_turn = work->state == MS_LIFE_READY && !work->is_in_doubt;

    ms_assert(value >= MS_PRIORITY_MIN && value <= MS_PRIORITY_MAX);
    if (!ms_lane_reserve(work->lane, (int)value)) {
        return; /* without memory it keeps the one it has */
    }
    if (waits_in_turn) {
        ms_queue_leave(queue, work);
    }
    work->priority = (int8_t)value;
    if (waits_in_turn) {
        ms_queue_enter(queue, work);
    }
}

/* What the outcome of the former generation left: the submission is all that counts. */
static void resurrect(struct ms_queue *queue, ms_time now, struct ms_work *work)
{
    ms_assert(ms_changes_can_kick(work));
    if (work->rare->had_claim && work->rare->past_count > 0) {
        /* Whoever reads it back must see that its key was free from then on. */
        work->rare->past[work->rare->past_count - 1].record = work->record;
        work->rare->past[work->rare->past_count - 1].is_void = true;
    } else {
        ms_journal_erase(queue->journal, work->record);
    }
    work->record = work->rare->submit_record;
    work->rare->submit_record = 0;
    ms_rare_restore_payload(work, &queue->slab);
    work->code = 0;
    work->signal = 0;
    work->sent_on = 0;
    ms_queue_move(queue, now, work, MS_LIFE_KICK);
}

/* The end of the former generation, as the record of the kick tells it. */
static void remember(struct ms_queue *queue, struct ms_work *work, const struct ms_record *change)
{
    struct ms_record end = *change;

    end.event = (uint8_t)(change->number < MS_LIFE_EVENTS ? change->number : MS_LIFE_EXHAUST);
    ms_queue_remember(queue, change->at - queue->wall_offset, work, &end, 0);
}

/* An outcome that is void, but read back nevertheless, needs the kick after it. */
static void keep_former_kick(struct ms_rare *rare)
{
    struct ms_change *former = &rare->changes[MS_OPERATION_KICK];

    for (uint32_t i = 0; i < rare->past_count && former->record != 0; i++) {
        struct ms_past *past = &rare->past[i];

        if (past->is_void && past->record != 0 && past->kick == 0 &&
            past->record < former->record) {
            past->kick = former->record;
            former->record = 0;
        }
    }
}

/* The kick was the first to find its key free again: it has it, as if it were submitted now. */
static void take_key(struct ms_queue *queue, struct ms_work *work, const struct ms_record *change)
{
    const struct ms_rare *rare = work->rare;

    if (change->index != 0 && is_key_free(queue, work)) {
        const struct ms_terms terms = {.unique_mode = MS_UNIQUE_JOIN,
                                       .unique = {rare->unique, rare->unique_size}};

        ms_uniques_meet(&queue->uniques, &queue->slab, work, &terms); /* or not, without memory */
    }
    ms_rare_drop_unique(work, &queue->slab);
}

static void kick(struct ms_queue *queue, ms_time now, struct ms_work *work,
                 const struct ms_record *change)
{
    if (ms_work_is_finished(work)) {
        resurrect(queue, now, work);
    } else { /* read back, without the outcome that is void */
        ms_queue_leave(queue, work);
        if (work->state == MS_LIFE_DELAYED) {
            ms_queue_move(queue, now, work, MS_LIFE_RELEASE);
        } else if (work->state == MS_LIFE_LEASED) {
            ms_queue_move(queue, now, work, MS_LIFE_LOSE);
        }
        remember(queue, work, change);
    }
    ms_output_discard(queue, work);
    ms_rare_drop_change(work, queue->journal, MS_OPERATION_CANCEL);
    work->is_cancel_asked = false;
    work->attempt = change->attempt;
    work->flags = change->flags;
    work->failures = 0;
    work->crashes = 0;
    work->status = MS_STATUS_OK;
    if (ms_rare_of(work, &queue->slab) != NULL) {
        work->rare->generation = (uint32_t)change->count;
        work->rare->has_deadline = false; /* somebody wants it now */
        keep_former_kick(work->rare);
        take_key(queue, work, change);
    }
    ms_queue_enter(queue, work);
}

void ms_changes_apply(struct ms_queue *queue, ms_time now, struct ms_work *work,
                      const struct ms_record *change, ms_seq seq)
{
    const struct ms_change wish = {
        .record = seq, .at = change->at - queue->wall_offset, .value = (int64_t)change->count};

    ms_assert(ms_changes_are_possible(work, change));
    switch (change->event) {
    case MS_OPERATION_CANCEL:
        work->is_cancel_asked = true;
        break;
    case MS_OPERATION_KICK:
        kick(queue, now, work, change);
        break;
    case MS_OPERATION_RELEASE:
        release(queue, now, work, change);
        break;
    case MS_OPERATION_PRIORITY:
        prioritise(queue, work, (int64_t)change->count);
        break;
    default:
        ms_unreachable();
    }
    ms_rare_set_change(work, &queue->slab, queue->journal, (enum ms_operation)change->event, &wish);
}
