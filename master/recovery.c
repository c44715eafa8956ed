#include "master/recovery.h"

#include "core/invariant.h"
#include "master/apply.h"
#include "master/archive.h"
#include "master/changes.h"
#include "master/clients.h"
#include "master/dispatch.h"
#include "master/gates.h"
#include "master/rare.h"
#include "master/results.h"
#include "master/slaves.h"
#include "master/spool.h"
#include "master/state.h"

static void fail(struct ms_master *master, enum ms_error error)
{
    ms_trace(&master->engine.trace, MS_LEVEL_ERROR, "cannot read the store back",
             "error=%s reason=\"%s\"", ms_error_name(error), master->complaint.text);
    master->journal.is_failed = true;
    master->journal.error = error;
}

/* The first of the entries, which is cut off. */
static enum ms_error replay_one(struct ms_master *master, ms_time now, struct ms_bytes *entries)
{
    struct ms_journal *journal = &master->journal;
    struct ms_record_room room;
    struct ms_record record;
    struct ms_entry entry;
    enum ms_error error;

    if (!ms_record_next(entries, &entry)) {
        return MS_E_STORE_CORRUPT;
    }
    error = ms_record_read(&entry, &room, &record);
    if (error != MS_E_OK) {
        return error;
    }
    if (entry.seq <= journal->last) {
        ms_complain(&master->complaint, "record %llu comes after record %llu",
                    (unsigned long long)entry.seq, (unsigned long long)journal->last);
        return MS_E_STORE_CORRUPT;
    }
    journal->last = entry.seq;
    return ms_apply(master, now, &record, entry.seq);
}

static void replay(struct ms_master *master, ms_time now, struct ms_bytes entries)
{
    enum ms_error error = MS_E_OK;

    master->complaint.text[0] = '\0';
    while (entries.size > 0 && error == MS_E_OK) {
        error = replay_one(master, now, &entries);
    }
    if (error != MS_E_OK && master->complaint.text[0] == '\0') {
        ms_complain(&master->complaint, "after record %llu something is damaged",
                    (unsigned long long)master->journal.last);
    }
    if (error != MS_E_OK) {
        fail(master, error);
    }
}

/* What was replaced by the order of the records alone, such as one that followed a command of class mem: the one
 * that replaced it may be over and forgotten before it is. */
static void remember_replaced(struct ms_master *master, ms_time now)
{
    struct ms_queue *queue = &master->queue;
    struct ms_work *work;
    uint32_t cursor = 0;

    ms_assert(!master->journal.is_replaying);
    while ((work = ms_pool_next(&queue->pool, &cursor)) != NULL) {
        if (work->is_cancel_asked && !ms_work_is_finished(work) &&
            (work->rare == NULL || work->rare->changes[MS_OPERATION_CANCEL].record == 0)) {
            const struct ms_record record =
                ms_changes_record(queue, now, work, MS_OPERATION_CANCEL, true);

            ms_changes_apply(queue, now, work, &record,
                             ms_journal_put_for(&master->journal, work, &record));
        }
    }
}

bool ms_recovery_is_doubting(const struct ms_master *master)
{
    return master->journal.is_replaying || (master->awaited_count > 0 && !master->knows_hands);
}

bool ms_recovery_is_settled(const struct ms_master *master)
{
    return !master->journal.is_replaying && master->awaited_count == 0 &&
           master->queue.doubted_count == 0 && !master->writes_no_hands &&
           !master->is_sweeping_hands;
}

static void see_to_doubt(struct ms_master *master)
{
    master->queue.is_doubting = ms_recovery_is_doubting(master);
    ms_gates_know_hands(&master->lanes, !master->queue.is_doubting);
}

void ms_recovery_doubt(struct ms_master *master)
{
    master->knows_hands = false;
    see_to_doubt(master);
}

static void begin_sweep(struct ms_master *master)
{
    master->is_sweeping_hands = true;
    master->hands_cursor = 0;
    master->has_more = true;
}

void ms_recovery_write_hands(struct ms_master *master, bool is_on)
{
    if (master->writes_no_hands == is_on) {
        master->writes_no_hands = !is_on;
        if (!master->journal.is_replaying) {
            begin_sweep(master);
        }
    }
}

bool ms_recovery_has_hands(const struct ms_master *master, ms_seq durable)
{
    return master->writes_no_hands && (master->is_sweeping_hands || durable < master->hands_gone);
}

/* Says which epoch it is, and who is cordoned, in place of the record that said so before. */
static void write_epoch(struct ms_master *master)
{
    const ms_seq former = master->epoch_record;

    master->epoch_record =
        ms_journal_put(&master->journal, &(struct ms_record){
                                             .kind = MS_RECORD_EPOCH,
                                             .at = ms_master_wall(master),
                                             .token = {master->queue.epoch, 0},
                                             .name = ms_bytes_of(master->build),
                                             .payload = ms_cordons_bytes(&master->cordons),
                                         });
    ms_journal_erase(&master->journal, former);
}

void ms_recovery_keep_cordons(struct ms_master *master)
{
    ms_assert(!master->journal.is_replaying);
    if (master->cordons.is_changed) {
        write_epoch(master);
    }
}

/* The work has a HAND as far as it shall have one. */
static void see_to_hand(struct ms_master *master, struct ms_work *work)
{
    if (ms_work_is_tied(work)) {
        return; /* a LEASE, which everybody knows */
    }
    if (!master->writes_no_hands && work->state == MS_LIFE_LEASED) {
        ms_dispatch_note(master, work);
    } else if (master->writes_no_hands && work->lease_record != 0) {
        ms_journal_erase(&master->journal, work->lease_record);
        work->lease_record = 0;
        master->has_erased_hands = true;
    }
}

/* Erasures have no number by which anybody could say that they are durable, so a record that has one is written behind the last. */
static void end_sweep(struct ms_master *master)
{
    master->is_sweeping_hands = false;
    if (master->has_erased_hands) {
        master->has_erased_hands = false;
        write_epoch(master);
        master->hands_gone = master->epoch_record;
    }
}

/* True when more are left. */
static bool sweep_hands(struct ms_master *master)
{
    uint32_t burst = MS_SWEEP_BURST;

    while (master->is_sweeping_hands && burst-- > 0) {
        struct ms_work *work = ms_pool_next(&master->queue.pool, &master->hands_cursor);

        if (work == NULL) {
            end_sweep(master);
        } else {
            see_to_hand(master, work);
        }
    }
    return master->is_sweeping_hands;
}

/* A new time begins: one epoch above that of the last master, and the wall clock's at least. */
static void begin(struct ms_master *master, ms_time now, ms_epoch epoch)
{
    struct ms_journal *journal = &master->journal;

    ms_archive_sort_out(master);
    ms_arrays_replayed(master, now);
    journal->is_replaying = false;
    journal->emitted = journal->last;
    journal->persisted = journal->last;
    journal->doubled = journal->last; /* it may have been acknowledged */
    see_to_doubt(master);
    if (master->config.is_paired || master->config.epoch < epoch) {
        master->config.epoch = epoch;
    } else {
        master->config.epoch++;
    }
    master->queue.epoch = master->config.epoch;
    write_epoch(master);
    remember_replaced(master, now);
    if (master->writes_no_hands) {
        begin_sweep(master);
    }
}

void ms_recovery_replayed(struct ms_master *master, ms_time now, const struct ms_event *event)
{
    const struct ms_bytes bytes =
        event->command != NULL ? event->command->payload : (struct ms_bytes){0};

    ms_assert(master->journal.is_replaying);
    if (bytes.size > 0) {
        replay(master, now, bytes);
        return;
    }
    ms_spool_replayed(master);
    if (master->queue.incomplete_count > 0) {
        ms_complain(&master->complaint, "%u commands lack parts of their payload",
                    master->queue.incomplete_count);
        fail(master, MS_E_STORE_CORRUPT);
        return;
    }
    if (master->config.is_paired && master->config.epoch >= master->epoch_floor &&
        master->epoch_record != 0) {
        ms_complain(&master->complaint, "a master of epoch %llu wrote here, above the decided %llu",
                    (unsigned long long)master->config.epoch,
                    (unsigned long long)master->epoch_floor);
        fail(master, MS_E_STORE_CORRUPT);
        return;
    }
    begin(master, now, master->epoch_floor);
    ms_trace(
        &master->engine.trace, MS_LEVEL_INFO, "recovered",
        "commands=%llu slaves=%u records=%llu epoch=%llu",
        (unsigned long long)(ms_queue_count(&master->queue) + master->queue.arrays.waiting_count),
        master->awaited_count, (unsigned long long)master->journal.last,
        (unsigned long long)master->config.epoch);
}

void ms_recovery_committed(struct ms_master *master)
{
    if (!master->is_ready && !master->journal.is_replaying && !master->journal.is_failed &&
        ms_journal_covers(&master->journal, master->epoch_record)) {
        master->is_ready = true;
        ms_engine_emit(&master->engine, &(struct ms_effect){.type = MS_EFFECT_READY});
    }
}

static bool is_later(struct ms_token a, struct ms_token b)
{
    return a.epoch > b.epoch || (a.epoch == b.epoch && a.n > b.n);
}

/* Two slaves have an attempt of it: the later one stands. */
static void take_over(struct ms_master *master, ms_time now, struct ms_work *work)
{
    ms_slaves_revoke(master, work->holder, ms_work_token(work));
    ms_queue_give_back(&master->queue, now, work, MS_LIFE_LOSE);
}

/* The end of that attempt is recorded; only the slave does not know that it is. */
static bool is_over(const struct ms_work *work, const struct ms_holding *holding)
{
    const struct ms_rare *rare = work->rare;

    return rare != NULL && rare->past_count > 0 &&
           rare->past[rare->past_count - 1].attempt >= holding->attempt;
}

struct ms_work *ms_recovery_claim(struct ms_master *master, ms_time now, struct ms_slave *slave,
                                  const struct ms_token *token, const struct ms_holding *holding)
{
    const struct ms_record lease = {
        .kind = MS_RECORD_LEASE, .token = *token, .attempt = holding->attempt};
    struct ms_work *work = slave->is_awaited ? ms_clients_reach_work(master, now, &holding->id)
                                             : ms_clients_find_work(master, &holding->id);

    if (work == NULL || ms_work_is_finished(work) || !slave->is_awaited || is_over(work, holding) ||
        ms_unique_is_follower(work)) {
        return work;
    }
    if (work->state == MS_LIFE_LEASED) {
        if (!is_later(*token, ms_work_token(work))) {
            return work;
        }
        take_over(master, now, work);
    }
    if (ms_queue_adopt(&master->queue, now, work, slave, &lease)) {
        ms_dispatch_note(master, work);
    }
    return work;
}

void ms_recovery_called(struct ms_master *master, struct ms_slave *slave)
{
    if (slave->is_awaited) {
        slave->is_awaited = false;
        ms_assert(master->awaited_count > 0);
        master->awaited_count--;
        see_to_doubt(master);
    }
}

bool ms_recovery_trust(struct ms_master *master, ms_time now)
{
    struct ms_queue *queue = &master->queue;
    const bool has_hands = sweep_hands(master);
    uint32_t burst = MS_SWEEP_BURST;
    struct ms_list *link;

    if (ms_recovery_is_doubting(master)) {
        return has_hands;
    }
    while ((link = ms_list_first(&queue->doubted)) != NULL && burst-- > 0) {
        struct ms_work *work = ms_work_of(link);

        if (work->lease_record != 0 && ms_work_is_tied(work) && !work->is_cancel_asked) {
            ms_results_forfeit(master, now, work);
        } else if (work->is_cancel_asked) {
            ms_results_cancel(master, now, work);
        } else if (ms_work_deadline(work) < now) {
            ms_results_expire(master, now, work);
        } else {
            ms_queue_trust(queue, work);
        }
    }
    return has_hands || !ms_list_is_empty(&queue->doubted);
}

ms_seq ms_recovery_keep_session(struct ms_master *master, struct ms_slave *slave)
{
    const struct ms_session *session = slave->session;

    slave->record = ms_journal_put(&master->journal, &(struct ms_record){
                                                         .kind = MS_RECORD_SESSION,
                                                         .at = ms_master_wall(master),
                                                         .uuid = session->token,
                                                         .node = session->uuid,
                                                         .number = slave->number,
                                                         .count = slave->slots,
                                                         .name = ms_bytes_of(session->name),
                                                     });
    return slave->record;
}
