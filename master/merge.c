/* The table of the merge: what each pair of states makes of a command. */
#include "core/invariant.h"
#include "master/apply.h"
#include "master/block.h"
#include "master/changes.h"
#include "master/clients.h"
#include "master/dispatch.h"
#include "master/outcomes.h"
#include "master/output.h"
#include "master/rare.h"
#include "master/reconcile.h"
#include "master/results.h"
#include "master/slaves.h"
#include "master/spool.h"
#include "master/state.h"
#include "master/targets.h"
#include "master/upload.h"

static struct ms_reconcile_totals *totals_of(struct ms_master *master)
{
    return &master->reconcile.totals;
}

static void fail(struct ms_master *master)
{
    master->reconcile.phase = MS_RECONCILE_FAILED;
}

/* A record of the other store is one of this one. */
enum ms_error ms_merge_put(struct ms_master *master, ms_time now, const struct ms_record *record)
{
    const ms_seq seq = ms_journal_put(&master->journal, record);
    const enum ms_error error = seq != 0 ? ms_apply(master, now, record, seq) : MS_E_NO_MEMORY;

    if (error != MS_E_OK) {
        ms_journal_erase(&master->journal, seq);
    }
    return error;
}

/* --- types and sessions --- */

void ms_merge_type(struct ms_master *master, ms_time now, const struct ms_record *record)
{
    if (ms_lanes_find(&master->lanes, record->type) == NULL &&
        ms_merge_put(master, now, record) != MS_E_OK) {
        totals_of(master)->refused++;
    }
}

/* A slave of the other one that has not come here may have in hand what is adopted: it is waited for as after a start. */
void ms_merge_session(struct ms_master *master, ms_time now, const struct ms_record *record)
{
    if (ms_session_manager_find_uuid(&master->sessions, MS_ROLE_SLAVE, &record->node) == NULL &&
        ms_merge_put(master, now, record) == MS_E_OK) {
        master->queue.is_doubting = true;
    }
}

/* --- both states --- */

static enum ms_merge_state state_there(const struct ms_foreign *foreign)
{
    const enum ms_merge_state state = (enum ms_merge_state)foreign->state;

    return foreign->is_cancel_asked && state < MS_MERGE_DEAD ? MS_MERGE_CANCELLED : state;
}

static enum ms_merge_state state_of_work(const struct ms_work *work)
{
    switch (work->state) {
    case MS_LIFE_LEASED:
        return MS_MERGE_IN_FLIGHT;
    case MS_LIFE_DONE:
        return MS_MERGE_DONE;
    case MS_LIFE_BURIED:
        return MS_MERGE_DEAD;
    case MS_LIFE_CANCELLED:
        return MS_MERGE_CANCELLED;
    default:
        return MS_MERGE_QUEUED;
    }
}

static enum ms_merge_state state_here(const struct ms_master *master, const struct ms_id *id)
{
    const struct ms_work *work = ms_clients_find_work(master, id);
    const struct ms_array *array = ms_clients_find_array(master, id);
    const struct ms_floor *floor = ms_floors_find(&master->floors, &id->client);

    if (work != NULL) {
        return work->is_archived ? MS_MERGE_CLOSED : state_of_work(work);
    }
    if (array != NULL) {
        return ms_array_is_closed(array, id->seq) ? MS_MERGE_CLOSED : MS_MERGE_QUEUED;
    }
    return floor != NULL && ms_closed_has(&floor->closed, id->seq) ? MS_MERGE_CLOSED
                                                                   : MS_MERGE_NONE;
}

/* --- a is higher than NONE, b is NONE: adopted --- */

/* Whoever has its key here was there first, unless it was to replace just that one: then the later one stands. */
static struct ms_work *meet_key(struct ms_master *master, struct ms_record *record,
                                struct ms_terms *terms)
{
    struct ms_lane *lane = ms_lanes_find(&master->lanes, record->type);
    const struct ms_claim *holder;

    if (lane == NULL || record->terms == NULL || record->terms->unique_mode == MS_UNIQUE_NONE) {
        return NULL;
    }
    holder = ms_uniques_find(&master->queue.uniques, lane, record->terms->unique);
    if (holder == NULL) {
        return NULL;
    }
    if (record->terms->unique_mode == MS_UNIQUE_REPLACE &&
        holder->leader->created_at + master->config.wall_offset <= record->at) {
        return holder->leader;
    }
    *terms = *record->terms;
    terms->unique_mode = MS_UNIQUE_JOIN;
    record->terms = terms;
    return NULL;
}

static enum ms_error adopt_submit(struct ms_master *master, ms_time now, struct ms_record *record)
{
    struct ms_terms terms;
    struct ms_work *rival = meet_key(master, record, &terms);
    const bool was_asked = rival != NULL && rival->is_cancel_asked;
    const enum ms_error error = ms_merge_put(master, now, record);

    if (rival != NULL) {
        rival->is_cancel_asked = was_asked;
        if (error == MS_E_OK) {
            ms_results_stop(master, now, rival, true);
        }
    }
    return error;
}

static enum ms_error adopt_record(struct ms_master *master, ms_time now, struct ms_record *record)
{
    struct ms_work *work;

    switch (record->kind) {
    case MS_RECORD_SUBMIT:
        return adopt_submit(master, now, record);
    case MS_RECORD_LEASE:
    case MS_RECORD_HAND:
        work = ms_clients_reach_work(master, now, &record->id);
        if (work == NULL || (record->kind == MS_RECORD_HAND && master->writes_no_hands) ||
            ms_work_is_finished(work) || ms_unique_is_follower(work)) {
            return MS_E_OK;
        }
        return ms_merge_lease(master, now, work, record);
    default:
        return ms_merge_put(master, now, record);
    }
}

/* Of an array: its own, or those of its first member, which has the same number. */
static bool is_of_array(const struct ms_record *record)
{
    return record->kind == MS_RECORD_SUBMIT || record->kind == MS_RECORD_CLOSED ||
           (record->kind == MS_RECORD_CHANGE && record->event == MS_OPERATION_CONCURRENCY);
}

static enum ms_error adopt_some(struct ms_master *master, ms_time now,
                                const struct ms_foreign *foreign, bool is_array)
{
    const struct ms_foreign_entry *at = foreign->row.first;
    enum ms_error error = MS_E_OK;
    struct ms_record_room room;
    struct ms_record record;

    for (; at != NULL && error == MS_E_OK; at = at->next) {
        ms_foreign_read(at, &room, &record);
        if (foreign->array_count == 0 || is_of_array(&record) == is_array) {
            error = adopt_record(master, now, &record);
        }
    }
    return error;
}

/* Members that were closed here. False: that was all of it. */
static bool settle_array(struct ms_master *master, ms_time now, const struct ms_foreign *foreign)
{
    const struct ms_id id = {foreign->client->uuid, foreign->seq};
    struct ms_array *array = ms_clients_find_array(master, &id);

    if (array == NULL) {
        return false;
    }
    ms_array_close_known(master, now, array, (struct ms_bytes){0}, true);
    ms_array_end_if_over(master, array);
    return state_here(master, &id) == MS_MERGE_QUEUED; /* its first member waits */
}

/* Members that slaves have in hand; the first of them may have its outcome by now. */
static void claim_array(struct ms_master *master, ms_time now, const struct ms_foreign *foreign)
{
    const struct ms_id id = {foreign->client->uuid, foreign->seq};
    struct ms_array *array = ms_clients_find_array(master, &id);

    if (array != NULL) {
        ms_orphans_claim_array(master, now, array);
        ms_array_end_if_over(master, array);
    }
}

static void adopt_all(struct ms_master *master, ms_time now, const struct ms_foreign *foreign)
{
    const bool is_array = foreign->array_count > 0;
    enum ms_error error = adopt_some(master, now, foreign, is_array);

    if (is_array && error == MS_E_OK && settle_array(master, now, foreign)) {
        error = adopt_some(master, now, foreign, false);
    }
    if (is_array && error == MS_E_OK) {
        claim_array(master, now, foreign);
    }
    if (error == MS_E_NO_MEMORY) {
        fail(master);
    } else if (error != MS_E_OK) {
        ms_trace(&master->engine.trace, MS_LEVEL_WARN, "a command of the other half is not merged",
                 "seq=%llu reason=\"%s\"", (unsigned long long)foreign->seq,
                 master->complaint.text);
        totals_of(master)->refused++;
    } else {
        totals_of(master)->adopted++;
    }
}

static void adopt(struct ms_master *master, ms_time now, const struct ms_foreign *foreign,
                  const struct ms_id *id)
{
    struct ms_queue *queue = &master->queue;
    const bool is_doubting = queue->is_doubting;
    const struct ms_floor *floor;
    struct ms_client *client;
    struct ms_work *work;

    if (!foreign->has_submit && foreign->state < MS_MERGE_DEAD) {
        return; /* parts of a payload, or a member of an array that is over */
    }
    if (foreign->state < MS_MERGE_DEAD && foreign->parts_wanted != 0 &&
        foreign->parts_size < foreign->parts_wanted) {
        totals_of(master)->refused++;
        return;
    }
    client = ms_clients_recall(master, &id->client);
    if (client == NULL) {
        fail(master);
        return;
    }
    ms_spool_drop(master, ms_spool_find(client, id->seq));
    queue->is_doubting |= foreign->state == MS_MERGE_IN_FLIGHT; /* or it would start again */
    adopt_all(master, now, foreign);
    queue->is_doubting = is_doubting;
    work = foreign->array_count == 0 ? ms_clients_find_work(master, id) : NULL;
    if (work != NULL && (work->state == MS_LIFE_READY || work->state == MS_LIFE_DELAYED) &&
        !ms_unique_is_follower(work)) {
        ms_orphans_claim(master, now, work);
    }
    floor = ms_floors_find(&master->floors, &id->client);
    if (floor != NULL &&
        floor->client != NULL) { /* else what was adopted is over, and was all that it had */
        ms_clients_reap(master, floor->client);
    }
}

/* --- a has an outcome --- */

/* The SETTLE that stands; false when there is none, but the wish to cancel. */
static bool find_outcome(const struct ms_foreign *foreign, struct ms_record_room *room,
                         struct ms_record *record_out)
{
    bool is_found = false;

    for (const struct ms_foreign_entry *at = foreign->row.first; at != NULL; at = at->next) {
        struct ms_record_room other;
        struct ms_record record;

        ms_foreign_read(at, &other, &record);
        if (record.kind == MS_RECORD_SETTLE) {
            ms_foreign_read(at, room, record_out);
            is_found = true;
        }
    }
    return is_found;
}

/* Nobody works at it any more, and what comes of it all the same is not taken. Of what has not left, because it waits for the
 * disk, for the other half, or its payload has not gone yet, the slave has not heard: it has its credit still. */
static void stop_attempt(struct ms_master *master, ms_time now, struct ms_work *work)
{
    struct ms_slave *slave = work->holder;

    if (work->state == MS_LIFE_LEASED) {
        ms_upload_recall_work(master, now, work);
    }
    if (work->state == MS_LIFE_LEASED && !ms_dispatch_recall(master, now, work)) {
        ms_slaves_revoke(master, slave, ms_work_token(work));
        ms_queue_give_back(&master->queue, now, work, MS_LIFE_LOSE);
    }
}

/* b is open. */
static void settle(struct ms_master *master, ms_time now, struct ms_work *work,
                   const struct ms_foreign *foreign, struct ms_record *outcome)
{
    struct ms_queue *queue = &master->queue;

    stop_attempt(master, now, work);
    ms_merge_output(master, work, foreign, outcome);
    if (!ms_queue_make_room(queue, work, outcome)) {
        fail(master);
        return;
    }
    /* It had joined another one, so what came of it is its own. Or it was cancelled over there, maybe because just that one replaced it
     * which has joined it here. */
    outcome->count |= outcome->event == MS_LIFE_CANCEL; /* also when it is read back */
    if (outcome->count > 0) {
        ms_apply_pass_on(master, now, work, ms_unique_is_replaced(work));
    }
    ms_queue_settle(queue, now, work, outcome, ms_journal_put_for(&master->journal, work, outcome));
    work->sent_on = MS_SENT_BEFORE;
    totals_of(master)->settled++;
    ms_clients_settled(master, now, work);
}

/* b has a lower outcome, which nobody has confirmed. */
static void lift(struct ms_master *master, ms_time now, struct ms_work *work,
                 const struct ms_foreign *foreign, struct ms_record *outcome)
{
    struct ms_queue *queue = &master->queue;
    const ms_seq former = work->record;

    ms_outcomes_unlink(work);
    ms_merge_submission(master, work, foreign, outcome);
    ms_merge_output(master, work, foreign, outcome);
    if (work->rare != NULL) {
        ms_rare_drop_payload(work, &queue->slab);
        ms_rare_drop_unique(work, &queue->slab);
        ms_rare_drop_key(work, &queue->slab);
    }
    if (!ms_queue_make_room(queue, work, outcome)) {
        fail(master);
    } else {
        ms_block_keep(work, outcome);
        ms_queue_move(queue, now, work, (enum ms_life_event)outcome->event);
        work->changed_at = outcome->at - queue->wall_offset;
        work->record = ms_journal_put_for(&master->journal, work, outcome);
        ms_journal_erase(&master->journal, former);
        totals_of(master)->lifted++;
    }
    work->sent_on = MS_SENT_BEFORE;
    ms_clients_settled(master, now, work);
}

/* Both are in the same state: this one's outcome stands. */
static void compare(struct ms_master *master, const struct ms_work *work,
                    const struct ms_foreign *foreign, const struct ms_record *outcome)
{
    const struct ms_bytes own = ms_work_payload(work);
    const bool is_same = work->status == outcome->status && work->code == outcome->code &&
                         own.size == outcome->payload.size &&
                         (own.size == 0 || memcmp(own.data, outcome->payload.data, own.size) == 0);

    totals_of(master)->outcome_conflict += !is_same;
    master->reconcile.is_new |= foreign != NULL && ms_merge_is_other_output(work, foreign, outcome);
}

static void meet_outcome(struct ms_master *master, ms_time now, struct ms_work *work,
                         const struct ms_foreign *foreign)
{
    const enum ms_merge_state a = state_there(foreign), b = state_of_work(work);
    struct ms_record_room room;
    struct ms_record outcome;
    char told[MS_DETAIL_MAX];

    const bool was_asked = a == MS_MERGE_CANCELLED || (b < MS_MERGE_DEAD && work->is_cancel_asked);

    if (!find_outcome(foreign, &room, &outcome) || (was_asked && outcome.event != MS_LIFE_CANCEL)) {
        outcome = ms_merge_cancelled(master, work, told);
        foreign = NULL;
    }
    if (b < MS_MERGE_DEAD) {
        settle(master, now, work, foreign, &outcome);
    } else if (a > b) {
        totals_of(master)->cancel_raced += b == MS_MERGE_DONE;
        lift(master, now, work, foreign, &outcome);
    } else if (a == b) {
        compare(master, work, foreign, &outcome);
    } else { /* nobody has that end but the file over there */
        master->reconcile.is_new = true;
    }
}

/* --- a is CLOSED --- */

void ms_merge_closed(struct ms_master *master, ms_time now, struct ms_work *work)
{
    struct ms_client *client = work->client;
    const uint64_t seq = work->seq;
    const enum ms_merge_state b = state_of_work(work);
    char told[MS_DETAIL_MAX];
    const struct ms_record outcome = ms_merge_cancelled(master, work, told);

    if (ms_unique_is_settling(work)) {
        return; /* its followers are being told: it is closed with the number */
    }
    totals_of(master)->cells[MS_MERGE_CLOSED][b]++;
    totals_of(master)->closed++;
    if (b >= MS_MERGE_DEAD) {
        ms_outcomes_confirm(master, now, client, seq, 1);
        ms_clients_reap(master, client);
        return;
    }
    if (ms_work_array(work) == NULL) {
        ms_floors_close(master, client->floor, seq, ms_work_is_durable(work));
    }
    work->is_recalled = false;
    work->flags =
        (work->flags | MS_FLAG_BACKGROUND) & (uint8_t)~MS_FLAG_KEEP; /* nobody waits for it */
    stop_attempt(master, now, work);
    ms_apply_pass_on(master, now, work, ms_unique_is_replaced(work));
    ms_output_discard(&master->queue, work);
    if (!ms_queue_make_room(&master->queue, work, &outcome)) {
        fail(master);
        return;
    }
    ms_queue_settle(&master->queue, now, work, &outcome,
                    ms_journal_put_for(&master->journal, work, &outcome));
    ms_clients_settled(master, now, work);
}

/* The other one has no record of it: it does not know it, or both have closed it and this one keeps it. */
void ms_merge_own(struct ms_master *master, const struct ms_work *work)
{
    const struct ms_foreigners *foreigners = &master->reconcile.foreigners;
    const struct ms_array *array = ms_work_array(work);
    const struct ms_id id = {work->client->uuid, work->seq};
    const bool is_of_known_array =
        array != NULL &&
        ms_foreigners_find(foreigners, &(struct ms_id){id.client, array->first}) != NULL;

    if (ms_foreigners_find(foreigners, &id) == NULL && !is_of_known_array) {
        const bool is_closed = ms_foreigners_closed(foreigners, &id);

        totals_of(master)
            ->cells[is_closed ? MS_MERGE_CLOSED : MS_MERGE_NONE][state_here(master, &id)]++;
    }
}

/* --- kicks --- */

static uint32_t generation_of(const struct ms_work *work)
{
    return work != NULL && work->rare != NULL ? work->rare->generation : 0;
}

/* It was kicked there, and its former outcome, which stands here, is void. */
static void take_kick(struct ms_master *master, ms_time now, const struct ms_foreign *foreign)
{
    const struct ms_id id = {foreign->client->uuid, foreign->seq};

    for (const struct ms_foreign_entry *at = foreign->row.first; at != NULL; at = at->next) {
        const struct ms_work *work = ms_clients_find_work(master, &id);
        struct ms_record_room room;
        struct ms_record record;

        ms_foreign_read(at, &room, &record);
        if (record.kind == MS_RECORD_CHANGE && record.event == MS_OPERATION_KICK && work != NULL &&
            record.count > generation_of(work) && ms_changes_can_kick(work)) {
            ms_merge_put(master, now, &record);
        }
    }
}

/* --- the table --- */

bool ms_merge_command(struct ms_master *master, ms_time now, const struct ms_foreign *foreign)
{
    const struct ms_id id = {foreign->client->uuid, foreign->seq};
    const enum ms_merge_state a = state_there(foreign);
    enum ms_merge_state b = state_here(master, &id);
    struct ms_array *array = ms_clients_find_array(master, &id);
    struct ms_work *work = ms_clients_find_work(master, &id);

    if (work != NULL && ms_unique_is_settling(work)) {
        return false;
    }
    if (foreign->generation < generation_of(work)) {
        return true; /* what is known there is void here */
    }
    if (foreign->generation > generation_of(work) && work != NULL) {
        take_kick(master, now, foreign);
        b = state_here(master, &id);
    }
    totals_of(master)->cells[a][b] += a != MS_MERGE_NONE || b != MS_MERGE_NONE;
    if (a == MS_MERGE_NONE && foreign->array_count == 0 && array == NULL) {
        return true; /* a payload in parts that came to nothing */
    }
    if (b == MS_MERGE_NONE) {
        adopt(master, now, foreign, &id);
        return true;
    }
    if (array != NULL && array->first == id.seq &&
        foreign->array_count > 0) { /* broadcasts may differ in size */
        ms_merge_array(master, now, array, foreign);
    }
    ms_merge_note_wishes(master, foreign);
    if (a < MS_MERGE_IN_FLIGHT || state_here(master, &id) == MS_MERGE_CLOSED) {
        return true;
    }
    work = ms_clients_reach_work(master, now, &id);
    if (work == NULL) {
        fail(master);
    } else if (a >= MS_MERGE_DEAD) {
        meet_outcome(master, now, work, foreign);
    } else if (!ms_work_is_finished(work)) {
        ms_merge_hold(master, now, work, foreign);
    }
    return true;
}
