#include "master/apply.h"

#include "core/invariant.h"
#include "master/archive.h"
#include "master/changes.h"
#include "master/clients.h"
#include "master/outcomes.h"
#include "master/output.h"
#include "master/rare.h"
#include "master/slaves.h"
#include "master/spool.h"
#include "master/state.h"
#include "master/targets.h"

static enum ms_error complain(struct ms_master *master, const struct ms_record *record, ms_seq seq,
                              const char *what)
{
    ms_complain(&master->complaint, "record %llu (%s): %s", (unsigned long long)seq,
                ms_record_kind_name((enum ms_record_kind)record->kind), what);
    return MS_E_STORE_CORRUPT;
}

static enum ms_error apply_type(struct ms_master *master, const struct ms_record *record,
                                ms_seq seq)
{
    struct ms_announced announced = {.type = record->type};
    enum ms_error error = MS_E_OK;
    struct ms_lane *lane;

    if (record->name.size == 0 || record->name.size > MS_NAME_MAX) {
        return complain(master, record, seq, "a type without a name");
    }
    memcpy(announced.name, record->name.data, record->name.size);
    lane = ms_lanes_add(&master->lanes, &announced, &error, &master->complaint);
    if (lane == NULL) {
        return error;
    }
    lane->record = seq;
    return MS_E_OK;
}

/* A slave's session as it was: not connected, and expected back. */
static enum ms_error apply_session(struct ms_master *master, ms_time now,
                                   const struct ms_record *record, ms_seq seq)
{
    char name[MS_NAME_MAX + 1] = "";
    const struct ms_session_identity identity = {
        .role = MS_ROLE_SLAVE, .uuid = record->node, .token = record->uuid, .name = name};
    struct ms_session *session;

    if (record->name.size > MS_NAME_MAX || ms_uuid_is_zero(&record->uuid) ||
        record->count > MS_SLOTS_MAX) {
        return complain(master, record, seq, "not a session");
    }
    if (record->name.size > 0) {
        memcpy(name, record->name.data, record->name.size);
    }
    session = ms_session_manager_new(&master->sessions, now, &identity, MS_PEER_NONE);
    if (session == NULL) {
        return complain(master, record, seq, "no room for the session, or it is there twice");
    }
    if (!ms_slaves_open(master, session, (uint32_t)record->count, record->number)) {
        ms_session_manager_free(&master->sessions, session);
        return MS_E_NO_MEMORY;
    }
    struct ms_slave *slave = ms_slave_of(session);

    slave->record = seq;
    slave->is_rolled = false;
    slave->is_awaited = true;
    master->awaited_count++;
    if (record->number > master->totals.sessions_total) {
        master->totals.sessions_total = record->number;
    }
    return MS_E_OK;
}

static enum ms_error find_parties(struct ms_master *master, const struct ms_record *record,
                                  struct ms_client **client_out, struct ms_lane **lane_out)
{
    *lane_out = ms_lanes_find(&master->lanes, record->type);
    if (*lane_out == NULL) {
        return complain(master, record, 0, "its type was never announced");
    }
    *client_out = ms_clients_recall(master, &record->id.client);
    return *client_out == NULL ? MS_E_NO_MEMORY : MS_E_OK;
}

/* The parts came before. They may be gone when the command has ended: its SETTLE will tell. */
static void apply_parts(struct ms_master *master, const struct ms_record *record,
                        struct ms_work *work)
{
    struct ms_spool *spool = ms_spool_find(work->client, work->seq);
    const uint64_t size = record->terms != NULL ? record->terms->parts_size : 0;

    if (spool != NULL && spool->size == size) {
        ms_spool_bind(master, spool, work);
    } else {
        master->queue.incomplete_count++;
    }
}

static enum ms_error apply_array(struct ms_master *master, ms_time now, ms_seq seq,
                                 const struct ms_record *record, struct ms_client *client)
{
    struct ms_lane *lane = ms_lanes_find(&master->lanes, record->type);
    struct ms_array *array;

    if (record->terms->array_count > MS_ARRAY_MAX ||
        record->id.seq > UINT64_MAX - record->terms->array_count) {
        return complain(master, record, seq, "no array is so large");
    }
    if (record->terms->targets.size > 0 &&
        !ms_targets_are_sound(record->terms->targets, record->terms->array_count)) {
        return complain(master, record, seq, "not a list of slaves");
    }
    array = ms_array_open(&master->queue, now, client, lane, record);
    if (array == NULL) {
        return MS_E_NO_MEMORY;
    }
    array->submit_record = seq;
    ms_targets_bind(master, array);
    return MS_E_OK;
}

static enum ms_error apply_submit(struct ms_master *master, ms_time now,
                                  const struct ms_record *record, ms_seq seq)
{
    struct ms_client *client = NULL;
    struct ms_lane *lane = NULL;
    enum ms_error error = record->id.seq <= MS_NUMBER_MAX
                              ? find_parties(master, record, &client, &lane)
                              : complain(master, record, seq, "no number is so large");
    struct ms_work *work;

    if (error != MS_E_OK) {
        return error;
    }
    if (ms_queue_find(&master->queue, client, record->id.seq) != NULL ||
        ms_arrays_find(&client->arrays, record->id.seq) != NULL) {
        return complain(master, record, seq, "its id is there already");
    }
    if (record->terms != NULL && record->terms->array_count > 0) {
        return apply_array(master, now, seq, record, client);
    }
    struct ms_work *rival = ms_uniques_rival(&master->queue.uniques, lane, record->terms);

    work = ms_queue_submit(&master->queue, now, client, lane, record);
    if (work == NULL) {
        return MS_E_NO_MEMORY;
    }
    if (rival != NULL) {
        rival->is_cancel_asked = true; /* what was done about it may not have been written */
    }
    work->record = seq;
    if ((record->flags & MS_FLAG_PARTS) != 0) {
        apply_parts(master, record, work);
    }
    return MS_E_OK;
}

/* The open command of a record; NULL when there is none: it was closed, and the record outlived it. */
static struct ms_work *find_open(struct ms_master *master, ms_time now,
                                 const struct ms_record *record)
{
    struct ms_work *work = ms_clients_reach_work(master, now, &record->id);

    return work != NULL && !ms_work_is_finished(work) ? work : NULL;
}

/* Some command is finished by that event. */
static bool is_end(uint8_t event)
{
    for (enum ms_life_state from = MS_LIFE_READY; event < MS_LIFE_EVENTS && from <= MS_LIFE_LEASED;
         from++) {
        const struct ms_life_row *row = ms_life_next(from, (enum ms_life_event)event);

        if (row != NULL && row->to >= MS_LIFE_DONE && row->to <= MS_LIFE_CANCELLED) {
            return true;
        }
    }
    return false;
}

/* It had joined another command, of class mem if it leads now: those that came after it may have joined
 * yet another one, so its end is not theirs. They wait for the first of them. */
void ms_apply_pass_on(struct ms_master *master, ms_time now, struct ms_work *work, bool is_replaced)
{
    struct ms_queue *queue = &master->queue;
    struct ms_work *heir = ms_unique_pass_on(work);

    if (heir == NULL) {
        return;
    }
    heir->is_cancel_asked |= is_replaced; /* and so were all of them */
    if (!heir->is_cancel_asked && heir->rare->due > now &&
        ms_queue_put_off(queue, heir, heir->rare->due)) {
        return;
    }
    ms_queue_move(queue, now, heir, MS_LIFE_DUE);
    ms_queue_enter(queue, heir);
}

static enum ms_error apply_settle(struct ms_master *master, ms_time now,
                                  const struct ms_record *record, ms_seq seq)
{
    struct ms_work *work = ms_clients_reach_work(master, now, &record->id);

    if (work != NULL && ms_work_is_finished(work)) {
        return complain(master, record, seq, "its command has an outcome already");
    }
    if (!is_end(record->event) || record->failures > UINT16_MAX || record->crashes > UINT16_MAX) {
        return complain(master, record, seq, "no command ends like that");
    }
    if (work == NULL) {
        struct ms_client *client = NULL;
        struct ms_lane *lane = NULL;
        enum ms_error error = find_parties(master, record, &client, &lane);

        if (error != MS_E_OK) {
            return error;
        }
        work = ms_queue_restore(&master->queue, now, client, lane, record);
    }
    if (work == NULL || !ms_queue_make_room(&master->queue, work, record)) {
        return MS_E_NO_MEMORY;
    }
    if (record->count > 0) {
        ms_apply_pass_on(master, now, work, ms_unique_is_replaced(work));
    }
    ms_queue_settle(&master->queue, now, work, record, seq);
    work->sent_on = MS_SENT_BEFORE; /* maybe: by the master whose records these are */
    ms_clients_settled(master, now, work);
    return MS_E_OK;
}

/* What was handed out, and to whom: in its hands, if that slave is expected back. Else the attempt is over: what may be started again
 * will be. */
static enum ms_error apply_lease(struct ms_master *master, ms_time now,
                                 const struct ms_record *record, ms_seq seq)
{
    struct ms_work *work = find_open(master, now, record);
    const struct ms_session *session;
    uint32_t cursor = 0;

    if (work == NULL || work->state == MS_LIFE_LEASED) {
        return complain(master, record, seq, "no command waits under its id");
    }
    while ((session = ms_session_manager_next(&master->sessions, &cursor)) != NULL) {
        if (session->role == MS_ROLE_SLAVE && ms_uuid_equal(&session->token, &record->uuid) &&
            !ms_queue_adopt(&master->queue, now, work, ms_slave_of(session), record)) {
            return MS_E_NO_MEMORY;
        }
    }
    if (work->state == MS_LIFE_LEASED || ms_work_is_tied(work)) {
        work->lease_record = seq;
    } else {
        ms_journal_erase_closed(&master->journal, seq);
    }
    return MS_E_OK;
}

static enum ms_error apply_piece(struct ms_master *master, ms_time now,
                                 const struct ms_record *record, ms_seq seq)
{
    struct ms_slab *slab = &master->queue.slab;
    struct ms_work *work = find_open(master, now, record);
    const struct ms_command piece = {.kind = MS_KIND_OUTPUT,
                                     .stream = record->stream,
                                     .index = record->index,
                                     .payload = record->payload};

    if (work == NULL) {
        ms_journal_erase_closed(&master->journal, seq);
        return MS_E_OK;
    }
    if (record->attempt != work->attempt) {
        ms_output_discard(&master->queue, work);
        work->attempt = record->attempt;
    }
    switch (ms_output_add(work, slab, &piece)) {
    case MS_OUTPUT_KEPT:
        work->output->last->record = seq;
        if (work->output->token.epoch == 0) { /* another attempt may have that number */
            work->output->token = record->token;
        }
        return MS_E_OK;
    case MS_OUTPUT_TOO_MUCH:
        return MS_E_NO_MEMORY;
    default: /* of a void attempt whose other pieces are gone */
        ms_journal_erase_closed(&master->journal, seq);
        return MS_E_OK;
    }
}

static enum ms_error apply_retry(struct ms_master *master, ms_time now,
                                 const struct ms_record *record, ms_seq seq)
{
    struct ms_work *work = find_open(master, now, record);

    if (work == NULL || record->status >= MS_STATUS_COUNT || record->failures > UINT16_MAX ||
        record->crashes > UINT16_MAX || record->name.size > MS_NAME_MAX) {
        return complain(master, record, seq, "no command is open under its id");
    }
    ms_queue_retry(&master->queue, now, work, record, seq);
    return MS_E_OK;
}

static enum ms_error apply_concurrency(struct ms_master *master, const struct ms_record *record,
                                       ms_seq seq)
{
    struct ms_array *array = ms_clients_find_array(master, &record->id);

    if (array == NULL || record->count > MS_ARRAY_MAX) {
        return complain(master, record, seq, "nothing can be changed like that");
    }
    ms_array_limit(&master->queue, array, (uint32_t)record->count, seq);
    return MS_E_OK;
}

/* Those that had joined it were told before it was kicked. Whoever joined it in this reading only waits on. */
static void part(struct ms_master *master, ms_time now, struct ms_work *work)
{
    ms_apply_pass_on(master, now, work, false);
    if (work->rare->claim != NULL) {
        ms_unique_forget(work->rare->claim, &master->queue.slab);
    }
}

static enum ms_error apply_change(struct ms_master *master, ms_time now,
                                  const struct ms_record *record, ms_seq seq)
{
    struct ms_work *work = ms_clients_reach_work(master, now, &record->id);

    if (work == NULL || !ms_changes_are_possible(work, record)) {
        return complain(master, record, seq, "nothing can be changed like that");
    }
    if (work->is_archived) {
        ms_archive_take(master, work);
    } else if (ms_unique_is_settling(work)) {
        part(master, now, work);
    } else if (ms_work_is_finished(work)) {
        ms_outcomes_unlink(work);
    }
    ms_changes_apply(&master->queue, now, work, record, seq);
    if (record->event == MS_OPERATION_CANCEL && record->count > 0) {
        ms_unique_yield(&master->queue.uniques, work); /* whoever replaced it may be over by now */
    }
    return MS_E_OK;
}

/* Sessions come before it, or behind it. */
static enum ms_error apply_epoch(struct ms_master *master, const struct ms_record *record,
                                 ms_seq seq)
{
    struct ms_slave *slave;
    uint32_t cursor = 0;

    if (!ms_cordons_take(&master->cordons, record->payload)) {
        return complain(master, record, seq, "not a list of slaves");
    }
    while (master->cordons.count > 0 && (slave = ms_pool_next(&master->slaves, &cursor)) != NULL) {
        slave->is_cordoned = ms_cordons_has(&master->cordons, &slave->session->uuid);
    }
    master->config.epoch = record->token.epoch;
    master->epoch_record = seq;
    return MS_E_OK;
}

enum ms_error ms_apply(struct ms_master *master, ms_time now, const struct ms_record *record,
                       ms_seq seq)
{
    switch (record->kind) {
    case MS_RECORD_EPOCH:
        return apply_epoch(master, record, seq);
    case MS_RECORD_TYPE:
        return apply_type(master, record, seq);
    case MS_RECORD_SESSION:
        return apply_session(master, now, record, seq);
    case MS_RECORD_CLIENT:
    case MS_RECORD_CLOSED:
    case MS_RECORD_CLOSED_RUN:
        if (record->id.seq != 0) {
            return ms_arrays_replay(master, now, record, seq);
        }
        return ms_floors_replay(master, record, seq) ? MS_E_OK : MS_E_NO_MEMORY;
    case MS_RECORD_GROUP:
        return ms_groups_replay(master, now, record, seq);
    case MS_RECORD_PROVIDER:
        return ms_sources_replay(master, record, seq)
                   ? MS_E_OK
                   : complain(master, record, seq, "a provider has it already, or it is too long");
    case MS_RECORD_SUBMIT:
        return apply_submit(master, now, record, seq);
    case MS_RECORD_PART:
        return ms_spool_replay(master, record, seq);
    case MS_RECORD_LEASE:
    case MS_RECORD_HAND:
        return apply_lease(master, now, record, seq);
    case MS_RECORD_PIECE:
        return apply_piece(master, now, record, seq);
    case MS_RECORD_RETRY:
        return apply_retry(master, now, record, seq);
    case MS_RECORD_SETTLE:
        return apply_settle(master, now, record, seq);
    case MS_RECORD_CHANGE:
        if (record->event == MS_OPERATION_CONCURRENCY) {
            return apply_concurrency(master, record, seq);
        }
        return apply_change(master, now, record, seq);
    case MS_RECORD_SERVICE:
    case MS_RECORD_SERVICE_STATE:
        return ms_services_replay(master, record, seq);
    default:
        return complain(master, record, seq, "this version does not know its kind");
    }
}
