/* What is done to commands that are there: whatever changes in the master's books was asked for, by somebody
 * who meant that command and did not only ask what would happen; and what was answered is on the disk. */
#include "core/invariant.h"
#include "master/clients.h"
#include "master/rare.h"
#include "master/state.h"
#include "tests/sim/disk.h"
#include "tests/sim/load_keep.h"
#include "tests/sim/nodes.h"
#include "tests/sim/observer.h"
#include "tests/sim/observer_unique.h"

typedef unsigned long long number;

/* --- what was asked for --- */

static bool is_meant(const struct sim_ask *ask, const struct sim_record *record, uint32_t index)
{
    const struct sim_where *where = &ask->where;

    if (ask->record != SIM_NONE) {
        return ask->record == index;
    }
    return (where->type == 0 || where->type == record->type) &&
           (ms_uuid_is_zero(&where->client) || ms_uuid_equal(&where->client, &record->id.client)) &&
           (where->seq_below == 0 || record->id.seq < where->seq_below) &&
           record->payload_size >= where->size_at_least;
}

/* The question at the master that gives leave to it; SIM_NONE. A value that is not to be looked at is SIM_ANY. */
#define SIM_ANY INT64_MIN
static uint32_t leave_after(const struct sim_world *world, const struct sim_record *record,
                            enum ms_operation operation, int64_t value, uint32_t from)
{
    const struct sim_observer *observer = world->observer;
    const uint32_t index = (uint32_t)(record - observer->records);

    for (uint32_t i = from; i < observer->asks_count; i++) {
        const struct sim_ask *ask = &observer->asks[i];

        if (ask->is_there && ask->operation == operation && !ask->is_dry &&
            (value == SIM_ANY || ask->value == value) && is_meant(ask, record, index)) {
            return i;
        }
    }
    return SIM_NONE;
}

static uint32_t leave_of(const struct sim_world *world, const struct sim_record *record,
                         enum ms_operation operation, int64_t value)
{
    return leave_after(world, record, operation, value, world->observer->asks_from);
}

void sim_operate_asked(struct sim_world *world, const struct sim_node *node, ms_peer peer,
                       const struct ms_command *command)
{
    struct sim_observer *observer = world->observer;
    const struct ms_query *query = command->body.query;

    if (query->from == 0 || query->from > observer->asks_count) {
        return; /* only a look */
    }
    struct sim_ask *ask = &observer->asks[query->from - 1];

    observer->asks_there += !ask->is_there;
    if (query->from - 1 < observer->asks_from) {
        observer->asks_from = query->from - 1;
    }
    ask->is_there = true;
    ask->master = node->index;
    ask->peer = peer;
    ask->number = command->count;
}

static void end(struct sim_observer *observer, struct sim_ask *ask)
{
    ms_assert(ask->is_there && observer->asks_there > 0);
    ask->is_there = false;
    observer->asks_there--;
    while (observer->asks_from < observer->asks_count &&
           !observer->asks[observer->asks_from].is_there) {
        observer->asks_from++;
    }
}

/* It came on that connection, and has no answer yet. */
static bool is_asked_by(const struct sim_ask *ask, const struct sim_node *node, ms_peer peer)
{
    return ask->is_there && ask->master == node->index && ask->peer == peer;
}

void sim_operate_closed(struct sim_world *world, const struct sim_node *node, ms_peer peer)
{
    struct sim_observer *observer = world->observer;

    for (uint32_t i = observer->asks_from; i < observer->asks_count; i++) {
        if (is_asked_by(&observer->asks[i], node, peer)) {
            end(observer, &observer->asks[i]);
        }
    }
}

/* --- what came of it --- */

/* Of one that waited nothing is left of the wish but that it was carried out. */
static bool is_cancelled(const struct sim_life *life, enum ms_operation operation)
{
    return operation == MS_OPERATION_CANCEL && life->settle != 0 &&
           life->status == MS_STATUS_CANCELLED;
}

/* The other half of a pair has that wish: it was asked for there, and has come with what was merged. */
static bool is_wish_there(const struct sim_world *world, const struct sim_record *record,
                          enum ms_operation operation)
{
    for (uint32_t i = 0; i < world->config.masters && world->config.masters > 1; i++) {
        const struct sim_life *life =
            i == world->observer->newest
                ? NULL
                : sim_ledger_find(&world->nodes[i].disk->ledger, &record->id);

        if (life != NULL && (life->changes[operation] != 0 || is_cancelled(life, operation))) {
            return true;
        }
    }
    return false;
}

/* The active merges just now, so it may have that wish from the other half, to whose client it was answered there. */
static bool may_be_merged(const struct sim_world *world, const struct sim_record *record,
                          enum ms_operation operation)
{
    const struct ms_master *master = sim_master_of(&world->nodes[world->observer->newest]);

    return master != NULL && master->reconcile.phase != MS_RECONCILE_OFF &&
           is_wish_there(world, record, operation);
}

static void note_change(struct sim_world *world, struct sim_record *record,
                        enum ms_operation operation, uint32_t ask)
{
    static const enum sim_stat stats[MS_OPERATION_COUNT] = {
        [MS_OPERATION_CANCEL] = SIM_STAT_BULK_CANCELLED,
        [MS_OPERATION_KICK] = SIM_STAT_KICKED,
        [MS_OPERATION_RELEASE] = SIM_STAT_RELEASED,
        [MS_OPERATION_PRIORITY] = SIM_STAT_REPRIORITISED,
    };

    if (ask == SIM_NONE) {
        return;
    }
    /* Of several that may have done it, none can be held to it. */
    record->keep.is_unsafe = leave_after(world, record, operation, SIM_ANY, ask + 1) == SIM_NONE &&
                             !may_be_merged(world, record, operation);
    record->keep.operation = (uint8_t)operation;
    record->keep.ask = ask;
    world->stats.counts[stats[operation]]++;
}

/* SIM_NONE: it was asked for at the other half. */
static uint32_t need(struct sim_world *world, const struct sim_record *record,
                     enum ms_operation operation, int64_t value)
{
    const uint32_t ask = leave_of(world, record, operation, value);

    if (ask == SIM_NONE && !is_wish_there(world, record, operation)) {
        sim_fail(world, "operate", "%s of seq %llu of %s, which nobody asked for",
                 ms_operation_name(operation), (number)record->id.seq,
                 sim_node_name(world, record->node));
    }
    return ask;
}

/* Its outcome is void, and whatever counted against it. */
static void see_kick(struct sim_world *world, struct sim_record *record, uint32_t generation)
{
    struct sim_keep *keep = &record->keep;

    note_change(world, record, MS_OPERATION_KICK, need(world, record, MS_OPERATION_KICK, SIM_ANY));
    if (generation <= keep->generation) {
        sim_fail(world, "operate", "seq %llu was kicked %u times, and then %u times",
                 (number)record->id.seq, keep->generation, generation);
    }
    keep->generation = generation;
    keep->is_kicked = true;
    keep->is_void = true;
    keep->is_timeless = true;
    keep->is_kept = false;
    keep->counted_from = world->observer->attempts_count;
    record->leader = SIM_NONE;
    record->due_at = 0;
}

static bool is_cancel_reason(const struct sim_world *world, const struct sim_record *other,
                             const void *context)
{
    (void)context;
    return other->is_cancel_asked || other->keep.is_cancelled ||
           other->unique_mode == MS_UNIQUE_REPLACE ||
           leave_of(world, other, MS_OPERATION_CANCEL, SIM_ANY) != SIM_NONE;
}

/* It is over, and confirmed, on the disk of the other half of a pair: it ends here with an outcome that nobody hears. */
static bool is_closed_there(struct sim_world *world, const struct sim_record *record)
{
    for (uint32_t i = 0; i < world->config.masters && world->config.masters > 1; i++) {
        if (i != world->observer->newest &&
            sim_ledger_is_closed(&world->nodes[i].disk->ledger, &record->id)) {
            return true;
        }
    }
    return false;
}

static void see_cancel(struct sim_world *world, struct sim_record *record)
{
    const uint32_t ask = leave_of(world, record, MS_OPERATION_CANCEL, SIM_ANY);
    const bool has_reason = record->is_cancel_asked || is_closed_there(world, record) ||
                            sim_unique_excuses(world, record, is_cancel_reason, NULL);

    if (ask == SIM_NONE && !has_reason) {
        need(world, record, MS_OPERATION_CANCEL, SIM_ANY);
    }
    record->keep.is_cancelled = ask != SIM_NONE || !has_reason; /* else it was at the other half */
    if (ask != SIM_NONE && !has_reason) {
        note_change(world, record, MS_OPERATION_CANCEL, ask);
    }
}

static void see_release(struct sim_world *world, struct sim_record *record,
                        const struct ms_change *change)
{
    record->keep.released_at = change->at;
    if (change->at != 0) {
        note_change(world, record, MS_OPERATION_RELEASE,
                    need(world, record, MS_OPERATION_RELEASE, change->value));
        record->due_at = 0;
    }
}

/* Where it waits and for how long; both end with the command. */
static void look_at_terms(struct sim_world *world, struct sim_record *record,
                          const struct ms_work *work)
{
    static const struct ms_change none;
    const struct ms_change *release =
        work->rare != NULL ? &work->rare->changes[MS_OPERATION_RELEASE] : &none;

    if (work->priority != record->priority) {
        note_change(world, record, MS_OPERATION_PRIORITY,
                    need(world, record, MS_OPERATION_PRIORITY, work->priority));
        record->priority = work->priority;
    }
    if (record->keep.is_release_unknown) {
        record->keep.released_at = release->at;
        record->due_at = release->at != 0 ? 0 : record->due_at;
    }
    record->keep.is_release_unknown = false;
    if (release->at != record->keep.released_at) {
        see_release(world, record, release);
    }
}

/* Maybe the master had forgotten it with its client, and it was submitted again: as it is now, it is believed. */
static void adopt(struct sim_record *record, const struct ms_work *work)
{
    record->keep.is_unsure = false;
    record->keep.generation = work->rare != NULL ? work->rare->generation : 0;
    record->keep.is_release_unknown = true;
    record->priority = work->priority;
}

static void look(struct sim_world *world, struct sim_record *record, const struct ms_work *work)
{
    const uint32_t generation = work->rare != NULL ? work->rare->generation : 0;

    if (record->keep.is_unsure) {
        adopt(record, work);
    }
    if (generation != record->keep.generation) {
        see_kick(world, record, generation);
    }
    if (!ms_work_is_finished(work)) {
        look_at_terms(world, record, work);
    }
    if ((work->is_cancel_asked || work->state == MS_LIFE_CANCELLED) && !record->keep.is_cancelled) {
        see_cancel(world, record);
    }
    if (record->keep.is_kicked && ms_work_is_finished(work)) {
        record->keep.is_kicked = false;
        world->stats.counts[SIM_STAT_KICKED_DONE] += work->state == MS_LIFE_DONE;
    }
}

void sim_operate_walk(struct sim_world *world, struct sim_node *node)
{
    const struct ms_master *master = sim_master_of(node);
    const struct ms_work *work;
    uint32_t cursor = 0;

    while ((work = ms_pool_next(&master->queue.pool, &cursor)) != NULL) {
        struct sim_record *record =
            sim_record_find(world, &(struct ms_id){work->client->uuid, work->seq});

        ms_assert(record != NULL);
        look(world, record, work);
    }
}

void sim_operate_entry(struct sim_world *world, const struct sim_node *node,
                       struct sim_record *record, const struct ms_record *entry)
{
    uint32_t *failures = &record->failures[node->index];
    struct sim_keep *keep = &record->keep;

    switch (entry->kind) {
    case MS_RECORD_CHANGE:
        if (entry->event == MS_OPERATION_KICK) {
            *failures = 0;
        } else if (entry->event != MS_OPERATION_CANCEL &&
                   entry->event != MS_OPERATION_CONCURRENCY && !keep->is_unsafe) {
            need(world, record, (enum ms_operation)entry->event, SIM_ANY);
        }
        break;
    case MS_RECORD_RETRY:
        if (entry->failures > *failures + 1) {
            sim_fail(world, "journal", "seq %llu had failed %u times, and now %u times",
                     (number)record->id.seq, *failures, entry->failures);
        }
        break;
    case MS_RECORD_SETTLE:
        keep->ended_at = world->now;
        if (keep->is_kicked || keep->ended_from == 0) { /* a merge brings the end that was before */
            keep->ended_from = world->now;
        }
        keep->status = entry->status;
        world->stats.counts[SIM_STAT_KICKED_DONE] +=
            keep->is_kicked && entry->status == MS_STATUS_OK;
        keep->is_kicked = false;
        if (entry->status == MS_STATUS_CANCELLED && !keep->is_cancelled) {
            see_cancel(world, record);
        }
        break;
    default:
        break;
    }
}

/* --- what is answered --- */

/* What was answered is on the disk: as the wish, or as an end that came later. */
static void check_safe(struct sim_world *world, const struct sim_node *node,
                       const struct sim_record *record)
{
    const struct sim_ledger *ledger = &node->disk->ledger;
    const struct sim_life *life = sim_ledger_find(ledger, &record->id);
    const enum ms_operation operation = (enum ms_operation)record->keep.operation;

    if (life != NULL &&
        (life->changes[operation] != 0 || (life->settle != 0 && operation != MS_OPERATION_KICK))) {
        return;
    }
    if (!sim_ledger_is_closed(ledger, &record->id) || (life != NULL && life->entries > 0)) {
        sim_fail(world, "operate", "%s of seq %llu is answered before the disk has it",
                 ms_operation_name(operation), (number)record->id.seq);
    }
}

void sim_operate_answered(struct sim_world *world, struct sim_node *node, ms_peer peer,
                          const struct ms_command *command)
{
    struct sim_observer *observer = world->observer;
    const struct ms_report *report = command->body.report;
    uint32_t index = observer->asks_from;

    while (index < observer->asks_count && (!is_asked_by(&observer->asks[index], node, peer) ||
                                            observer->asks[index].number != command->count)) {
        index++;
    }
    if (index == observer->asks_count || !report->last) {
        return;
    }
    if (report->error == MS_E_BAD_ARGUMENT) {
        sim_fail(world, "operate", "a question is refused as no good");
    }
    for (uint32_t i = 0; i < observer->records_count; i++) {
        struct sim_record *record = &observer->records[i];

        if (record->keep.is_unsafe && record->keep.ask == index) {
            record->keep.is_unsafe = false;
            if (sim_is_durable(world, record)) {
                check_safe(world, node, record);
            }
        }
    }
    world->stats.counts[SIM_STAT_DRY_RUNS] +=
        observer->asks[index].is_dry && report->error == MS_E_OK;
    end(observer, &observer->asks[index]);
}

/* --- what a restart leaves --- */

static void read_back(struct sim_world *world, struct sim_record *record,
                      const struct sim_life *life)
{
    if (record->keep.is_kicked && record->is_promised &&
        (life == NULL || (life->submit == 0 && life->settle == 0))) {
        sim_fail(world, "operate", "seq %llu of %s was kicked, and the disk has lost it",
                 (number)record->id.seq, sim_node_name(world, record->node));
    }
    const bool is_kicked = record->keep.is_kicked;

    record->keep.is_kicked = false;
    record->keep.is_unsafe = false;
    record->keep.is_unsure = false;
    record->keep.generation = 0;
    record->keep.released_at = 0;
    record->priority = record->keep.priority_asked;
    if (life == NULL) {
        return;
    }
    if (life->changes[MS_OPERATION_KICK] != 0) {
        record->keep.generation = (uint32_t)life->values[MS_OPERATION_KICK];
    }
    record->keep.is_kicked = is_kicked && life->settle == 0;
    if (life->changes[MS_OPERATION_PRIORITY] != 0) {
        record->priority = (int8_t)(int64_t)life->values[MS_OPERATION_PRIORITY];
    }
    /* When it was released is read back through the wall clock; the first look tells. */
    record->keep.is_release_unknown = life->changes[MS_OPERATION_RELEASE] != 0;
}

void sim_operate_begin(struct sim_world *world, const struct sim_node *node)
{
    struct sim_observer *observer = world->observer;

    for (uint32_t i = 0; i < observer->records_count; i++) {
        struct sim_record *record = &observer->records[i];

        read_back(world, record,
                  node->disk != NULL ? sim_ledger_find(&node->disk->ledger, &record->id) : NULL);
    }
    for (uint32_t i = observer->asks_from; i < observer->asks_count; i++) {
        observer->asks[i].is_there = false;
    }
    observer->asks_there = 0;
    observer->asks_from = observer->asks_count;
}
