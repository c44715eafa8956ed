#include "master/results.h"

#include "core/invariant.h"
#include "master/changes.h"
#include "master/clients.h"
#include "master/dispatch.h"
#include "master/output.h"
#include "master/rare.h"
#include "master/slaves.h"
#include "master/state.h"
#include "master/targets.h"
#include "master/upload.h"

/* Of records, after which the followers of a command wait for the next step. */
#define SHARE_BYTES_MAX (4u << 20)

/* What every record of a command says. */
static struct ms_record record_of(const struct ms_master *master, const struct ms_work *work,
                                  enum ms_record_kind kind, enum ms_life_event event)
{
    return (struct ms_record){
        .kind = (uint8_t)kind,
        .event = (uint8_t)event,
        .at = ms_master_wall(master),
        .id = {.client = work->client->uuid, .seq = work->seq},
        .attempt = work->attempt,
        .failures = work->failures,
        .crashes = work->crashes,
    };
}

/* The outcome, for which the command's other records are not needed any more. There is one for each command, so it is
 * made in one piece and where it stays. */
static struct ms_record outcome_of(const struct ms_master *master, const struct ms_work *work,
                                   enum ms_life_event event, enum ms_status status)
{
    const struct ms_slave *holder = work->holder;
    const struct ms_rare *rare = work->rare;

    return (struct ms_record){
        .kind = MS_RECORD_SETTLE,
        .event = (uint8_t)event,
        .status = (uint8_t)status,
        .flags = work->flags,
        .durability = work->durability,
        .attempt = work->attempt,
        .attempts_max = work->attempts_max,
        .failures = work->failures,
        .crashes = work->crashes,
        .at = ms_master_wall(master),
        .until = work->created_at + master->config.wall_offset,
        .type = work->lane->type,
        .count = ms_unique_is_follower(work),
        .id = {.client = work->client->uuid, .seq = work->seq},
        .name = holder != NULL ? ms_bytes_of(holder->session->name) : (struct ms_bytes){0},
        .terms = rare != NULL && rare->group != NULL ? &rare->group->terms : NULL,
    };
}

static void take_result(struct ms_record *record, const struct ms_command *command)
{
    record->code = command->code;
    record->signal = command->signal;
    record->detail = command->detail;
    if (record->detail.size > MS_DETAIL_MAX) {
        record->detail.size = MS_DETAIL_MAX;
    }
    if (record->kind == MS_RECORD_SETTLE) {
        record->usage = command->usage;
        record->payload = command->payload;
    }
}

/* What is told of a result for which there is no memory: the event that fits, and a sentence if possible. */
static void tell_loss(struct ms_master *master, struct ms_work *work, struct ms_record *record)
{
    ms_output_discard(&master->queue, work);
    if (record->event == MS_LIFE_CANCEL) {
        record->status = MS_STATUS_CANCELLED;
    } else if (record->event != MS_LIFE_EXPIRE) { /* without a lease it had joined another one */
        record->event = work->state == MS_LIFE_LEASED ? MS_LIFE_OVERFLOW : MS_LIFE_FAIL;
        record->status = MS_STATUS_FAIL;
    }
    record->code = MS_E_NO_MEMORY;
    record->signal = 0;
    record->usage = NULL;
    record->payload = (struct ms_bytes){0};
    record->detail = ms_bytes_of("the master has no memory left for the result");
    if (!ms_queue_make_room(&master->queue, work, record)) {
        record->detail.size = 0;
        const bool is_made = ms_queue_make_room(&master->queue, work, record);

        ms_assert(is_made);
    }
}

static void settle(struct ms_master *master, ms_time now, struct ms_work *work,
                   struct ms_record *record)
{
    char told[MS_DETAIL_MAX];
    ms_seq seq;

    record->detail = ms_targets_tell(work, record->detail, told);
    if (!ms_queue_make_room(&master->queue, work, record)) {
        tell_loss(master, work, record);
    }
    seq = ms_journal_put_for(&master->journal, work, record);
    ms_queue_settle(&master->queue, now, work, record, seq);
    ms_clients_settled(master, now, work);
}

/* The attempt is over, and the command waits for another: until a time, or not at all (event LOSE). */
static void again(struct ms_master *master, ms_time now, struct ms_work *work,
                  struct ms_record *record)
{
    ms_seq seq;

    ms_assert(work->holder != NULL);
    record->name = ms_bytes_of(work->holder->session->name);
    master->totals.retries_total++;
    seq = ms_journal_put_for(&master->journal, work, record);
    ms_queue_retry(&master->queue, now, work, record, seq);
    ms_assert(work->state != MS_LIFE_LEASED);
}

/* Doubles from MS_RETRY_DELAY_MIN with every attempt that went wrong; at least what the handler asks for. */
static ms_time backoff(struct ms_master *master, const struct ms_record *record, ms_time asked)
{
    uint32_t doublings = record->failures + record->crashes;
    ms_time delay = MS_RETRY_DELAY_MIN;

    while (doublings-- > 1 && delay < MS_RETRY_DELAY_MAX) {
        delay *= 2;
    }
    if (delay > MS_RETRY_DELAY_MAX) {
        delay = MS_RETRY_DELAY_MAX;
    }
    delay = ms_rng_jitter(&master->rng, delay);
    if (asked > MS_DELAY_MAX) {
        asked = MS_DELAY_MAX;
    }
    return delay > asked ? delay : asked;
}

/* The attempt failed, and the next would come after the deadline. */
static void expire_leased(struct ms_master *master, ms_time now, struct ms_work *work,
                          const struct ms_command *command)
{
    struct ms_record record = outcome_of(master, work, MS_LIFE_EXPIRE, MS_STATUS_EXPIRED);
    char sentence[MS_DETAIL_MAX];
    struct ms_text detail;

    ms_assert(work->state == MS_LIFE_LEASED);
    take_result(&record, command);
    record.failures += command->status != MS_STATUS_CRASHED;
    record.crashes += command->status == MS_STATUS_CRASHED;
    ms_text_init(&detail, sentence, sizeof sentence);
    ms_text_add(&detail, "attempt %u came out as %s, and the next would come after its deadline",
                work->attempt, ms_status_name((enum ms_status)command->status));
    record.detail = ms_bytes_of(sentence);
    settle(master, now, work, &record);
}

static void retry(struct ms_master *master, ms_time now, struct ms_work *work,
                  const struct ms_command *command)
{
    struct ms_record record = record_of(master, work, MS_RECORD_RETRY, MS_LIFE_RETRY);
    ms_time delay;

    record.status = command->status;
    take_result(&record, command);
    record.failures += command->status != MS_STATUS_CRASHED;
    record.crashes += command->status == MS_STATUS_CRASHED;
    delay = backoff(master, &record, command->delay);
    if (ms_work_deadline(work) < now + delay) {
        expire_leased(master, now, work, command);
        return;
    }
    record.until = record.at + delay;
    again(master, now, work, &record);
}

/* The attempt failed, and another may help while attempts are left. */
static void failed(struct ms_master *master, ms_time now, struct ms_work *work,
                   const struct ms_command *command)
{
    const enum ms_status told =
        command->status == MS_STATUS_TIMEOUT ? MS_STATUS_TIMEOUT : MS_STATUS_FAIL;
    struct ms_record record;

    ms_assert(work->failures < work->attempts_max);
    if (work->failures + 1u < work->attempts_max && !ms_work_is_once(work)) {
        retry(master, now, work, command);
        return;
    }
    record = outcome_of(master, work, MS_LIFE_EXHAUST, told);
    record.failures++;
    take_result(&record, command);
    settle(master, now, work, &record);
}

static void crashed(struct ms_master *master, ms_time now, struct ms_work *work,
                    const struct ms_command *command)
{
    struct ms_record record;

    ms_assert(work->crashes < UINT16_MAX);
    if (work->crashes < master->config.crashes_max && !ms_work_is_once(work)) {
        retry(master, now, work, command);
        return;
    }
    record = outcome_of(master, work, MS_LIFE_EXHAUST, MS_STATUS_CRASHED);
    record.crashes++;
    take_result(&record, command);
    settle(master, now, work, &record);
}

static void end_with(struct ms_master *master, ms_time now, struct ms_work *work,
                     enum ms_life_event event, const struct ms_command *command)
{
    const enum ms_status status = event == MS_LIFE_CANCEL ? MS_STATUS_CANCELLED : command->status;
    struct ms_record record = outcome_of(master, work, event, status);

    take_result(&record, command);
    settle(master, now, work, &record);
}

static void conclude(struct ms_master *master, ms_time now, struct ms_work *work,
                     const struct ms_command *command)
{
    ms_assert(work->state == MS_LIFE_LEASED);
    if (work->is_cancel_asked) { /* and confirmed, so nothing else may come out of it */
        end_with(master, now, work, MS_LIFE_CANCEL, command);
        return;
    }
    switch (command->status) {
    case MS_STATUS_OK:
        end_with(master, now, work, MS_LIFE_SUCCEED, command);
        break;
    case MS_STATUS_FAIL:
        end_with(master, now, work, MS_LIFE_FAIL, command);
        break;
    case MS_STATUS_CRASHED:
        crashed(master, now, work, command);
        break;
    default: /* RETRY, TIMEOUT, and a cancellation that nobody asked for */
        failed(master, now, work, command);
        break;
    }
}

static void refuse(struct ms_master *master, const struct ms_slave *slave,
                   const struct ms_command *command)
{
    master->totals.results_refused_total++;
    ms_assert(slave->session != NULL);
    ms_trace(&master->engine.trace, MS_LEVEL_INFO, "result refused",
             "slave=\"%s\" session=%llu token=%llu/%llu status=%s", slave->session->name,
             (unsigned long long)slave->number, (unsigned long long)command->token.epoch,
             (unsigned long long)command->token.n, ms_status_name(command->status));
}

/* Once what came of it is durable, the slave may forget the result. */
static void acknowledge(struct ms_master *master, const struct ms_slave *slave,
                        const struct ms_command *command, bool is_durable)
{
    const struct ms_answer answer = {
        .kind = MS_KIND_RESULT_ACK,
        .peer = slave->session->peer,
        .made_at = master->engine.now,
        .epoch = command->token.epoch,
        .first = command->token.n,
        .count = 1,
    };

    if (!is_durable) {
        ms_journal_answer(master, 0, &answer);
    } else if (master->journal.has_closed) {
        ms_journal_answer_closed(master, &answer);
    } else {
        ms_journal_answer(master, master->journal.last, &answer);
    }
}

void ms_results_receive(struct ms_master *master, ms_time now, struct ms_slave *slave,
                        const struct ms_command *command)
{
    struct ms_work *work = ms_queue_find_token(&master->queue, command->token, master->queue.epoch);

    ms_assert(command->kind == MS_KIND_RESULT);
    master->totals.results_total++;
    if (work == NULL && ms_orphans_hold(slave, &command->token, true)) {
        ms_trace(&master->engine.trace, MS_LEVEL_DEBUG, "result waits for its submission",
                 "slave=\"%s\"", slave->session->name);
    } else if (work == NULL || work->holder != slave) {
        refuse(master, slave, command);
        /* It may have been told before, and what came of that not be durable yet. */
        acknowledge(master, slave, command, master->journal.is_on);
    } else {
        const bool is_durable = work->durability != MS_DURABILITY_MEM;

        ms_tempo_count(&slave->tempo, now, 1);
        slave->done_total += command->status == MS_STATUS_OK;
        slave->failed_total += command->status != MS_STATUS_OK;
        conclude(master, now, work, command);
        acknowledge(master, slave, command, is_durable);
    }
    if (command->count > 0) {
        ms_slaves_grant(master, slave, command->count);
    }
}

/* More output than is kept for one command: the attempt is stopped and the command given up. */
static void overflow(struct ms_master *master, ms_time now, struct ms_slave *slave,
                     struct ms_work *work)
{
    struct ms_record record = outcome_of(master, work, MS_LIFE_OVERFLOW, MS_STATUS_FAIL);

    ms_assert(work->holder == slave);
    record.code = MS_E_RESULT_SIZE;
    record.detail = ms_bytes_of(ms_error_text(MS_E_RESULT_SIZE));
    ms_slaves_revoke(master, slave, ms_work_token(work));
    slave->failed_total++;
    ms_output_discard(&master->queue, work);
    settle(master, now, work, &record);
}

static void keep_piece(struct ms_master *master, struct ms_work *work,
                       const struct ms_command *command)
{
    struct ms_record record = record_of(master, work, MS_RECORD_PIECE, 0);

    record.token = ms_work_token(work);
    record.stream = command->stream;
    record.index = command->index;
    record.payload = command->payload;
    work->output->last->record = ms_journal_put_for(&master->journal, work, &record);
    ms_clients_streamed(master, work);
    if (work->is_followed) {
        ms_tails_wake(&master->tails, work);
    }
}

void ms_results_output(struct ms_master *master, ms_time now, struct ms_slave *slave,
                       const struct ms_command *command)
{
    struct ms_work *work = ms_queue_find_token(&master->queue, command->token, master->queue.epoch);

    ms_assert(command->kind == MS_KIND_OUTPUT);
    if (work == NULL && ms_orphans_hold(slave, &command->token, false)) {
        return;
    }
    if (work == NULL || work->holder != slave) {
        master->totals.outputs_refused_total++;
        return;
    }
    master->totals.outputs_total++;
    switch (ms_output_add(work, &master->queue.slab, command)) {
    case MS_OUTPUT_KEPT:
        keep_piece(master, work, command);
        break;
    case MS_OUTPUT_KNOWN:
        break;
    case MS_OUTPUT_GAP: /* a resumed slave sends all pieces again, so this mends itself */
        ms_master_refuse(master, slave->session->peer, MS_E_ORDER, "a piece of output is missing");
        break;
    case MS_OUTPUT_TOO_MUCH:
        overflow(master, now, slave, work);
        break;
    }
}

void ms_results_cancel(struct ms_master *master, ms_time now, struct ms_work *work)
{
    struct ms_record record = outcome_of(master, work, MS_LIFE_CANCEL, MS_STATUS_CANCELLED);

    ms_assert(!ms_work_is_finished(work));
    record.detail = ms_bytes_of(work->attempt == 0 ? "cancelled before it was started"
                                                   : "cancelled; no result of it came back");
    settle(master, now, work, &record);
}

void ms_results_expire(struct ms_master *master, ms_time now, struct ms_work *work)
{
    struct ms_record record = outcome_of(master, work, MS_LIFE_EXPIRE, MS_STATUS_EXPIRED);

    ms_assert(work->state == MS_LIFE_READY || work->state == MS_LIFE_DELAYED);
    record.detail = ms_bytes_of(work->attempt == 0 ? "its deadline passed before it was started"
                                                   : "its deadline passed before its next attempt");
    settle(master, now, work, &record);
}

void ms_results_stop(struct ms_master *master, ms_time now, struct ms_work *work, bool is_replaced)
{
    ms_assert(!ms_work_is_finished(work));
    if (work->state == MS_LIFE_LEASED) {
        ms_upload_recall_work(master, now, work); /* what has not left is cancelled at once */
    }
    if (work->state != MS_LIFE_LEASED || ms_dispatch_recall(master, now, work)) {
        ms_results_cancel(master, now, work);
        return;
    }
    if (!work->is_cancel_asked || is_replaced) {
        const struct ms_record record =
            ms_changes_record(&master->queue, now, work, MS_OPERATION_CANCEL, is_replaced);

        ms_changes_apply(&master->queue, now, work, &record,
                         ms_journal_put_for(&master->journal, work, &record));
    }
    ms_slaves_revoke(master, work->holder, ms_work_token(work));
}

/* One piece of what the leader wrote becomes the follower's. False when it would take memory that submissions may
 * not have: what is beyond is for the results of others. */
static bool share_piece(struct ms_master *master, struct ms_work *work,
                        const struct ms_work *leader, const struct ms_piece *piece)
{
    struct ms_slab *slab = &master->queue.slab;
    struct ms_record record = record_of(master, work, MS_RECORD_PIECE, 0);

    record.stream = piece->stream;
    record.index = piece->index;
    record.payload = (struct ms_bytes){.data = piece->data, .size = piece->size};
    const struct ms_command command = {.kind = MS_KIND_OUTPUT,
                                       .stream = piece->stream,
                                       .index = piece->index,
                                       .payload = record.payload};

    if (ms_slab_used(slab) + piece->size > master->queue.bytes_max ||
        ms_output_add(work, slab, &command) != MS_OUTPUT_KEPT) {
        return false;
    }
    work->output->token = leader->output->token;
    work->output->last->record = ms_journal_put_for(&master->journal, work, &record);
    return true;
}

/* What it has is the leader's, and not of an attempt of its own, which the other half of a pair had made. */
static bool is_shared(const struct ms_work *work, const struct ms_work *leader)
{
    const struct ms_output *own = work->output;

    return own != NULL && leader->output != NULL &&
           ms_token_equal(own->token, leader->output->token) &&
           (own->token.epoch != 0 || work->attempt == leader->attempt);
}

/* The attempt of the leader, as the follower has it: another one than that of its own, of which the client may have pieces. */
static uint32_t number_shared(const struct ms_work *work, const struct ms_work *leader)
{
    if (leader->output != NULL) {
        return ms_output_number(work, leader->attempt, leader->output->token);
    }
    return work->output != NULL && leader->attempt <= work->output->attempt
               ? work->output->attempt + 1
               : leader->attempt;
}

/* As much of the leader's output as goes into this step: pieces from the first that the follower lacks. False when
 * there is no room for them. */
static bool share_output(struct ms_master *master, struct ms_work *work,
                         const struct ms_work *leader)
{
    const struct ms_output *output = leader->output;
    const struct ms_piece *piece = output != NULL ? output->first : NULL;
    uint32_t burst = MS_SHARE_BURST;

    if (!is_shared(work, leader)) {
        work->attempt = number_shared(work, leader);
        ms_output_discard(&master->queue, work);
    }
    const uint32_t had = ms_output_count(work->output);

    for (; piece != NULL && burst > 0 && master->journal.size < SHARE_BYTES_MAX;
         piece = piece->next) {
        if (piece->index < had) {
            continue;
        }
        burst--;
        if (!share_piece(master, work, leader, piece)) {
            return false;
        }
    }
    return true;
}

/* What came of its leader comes of the follower, and so does what the leader wrote, piece by piece. False when that takes
 * another step. */
static bool follow(struct ms_master *master, ms_time now, struct ms_work *work,
                   const struct ms_work *leader)
{
    static const enum ms_life_event events[MS_LIFE_STATES] = {
        [MS_LIFE_DONE] = MS_LIFE_SUCCEED,
        [MS_LIFE_BURIED] = MS_LIFE_FAIL,
        [MS_LIFE_CANCELLED] = MS_LIFE_CANCEL,
    };
    const bool has_room = share_output(master, work, leader);

    ms_assert(ms_work_is_finished(leader) && ms_unique_is_follower(work));
    if (has_room && ms_output_count(leader->output) > ms_output_count(work->output)) {
        return false;
    }
    struct ms_record record = outcome_of(master, work, events[leader->state], leader->status);

    record.attempt = work->attempt;
    record.code = leader->code;
    record.signal = leader->signal;
    record.usage = ms_work_usage(leader);
    record.payload = ms_work_payload(leader);
    record.detail = ms_work_detail(leader);
    if (!has_room) {
        tell_loss(master, work, &record);
    }
    settle(master, now, work, &record);
    return true;
}

void ms_results_share(struct ms_master *master, ms_time now)
{
    struct ms_queue *queue = &master->queue;
    uint32_t burst = MS_SWEEP_BURST;
    struct ms_list *link;

    while ((link = ms_list_first(&queue->uniques.settling)) != NULL && burst > 0 &&
           master->journal.size < SHARE_BYTES_MAX) {
        struct ms_claim *unique = ms_container_of(link, struct ms_claim, settling);
        struct ms_list *first = ms_list_first(&unique->followers);
        struct ms_work *leader = unique->leader;

        burst--;
        if (first == NULL) {
            ms_unique_forget(unique, &queue->slab);
            ms_clients_settled(master, now, leader);
        } else if (!follow(master, now, ms_work_of(first), leader)) {
            break;
        }
    }
    ms_assert(burst <= MS_SWEEP_BURST);
}

/* What was with a session that died, and may not be tried again. */
static void give_up(struct ms_master *master, ms_time now, struct ms_work *work,
                    enum ms_life_event event)
{
    const char *name = work->holder != NULL ? work->holder->session->name : "that had it";
    const enum ms_status status = event == MS_LIFE_FORFEIT ? MS_STATUS_LOST : MS_STATUS_CRASHED;
    struct ms_record record = outcome_of(master, work, event, status);
    char sentence[MS_DETAIL_MAX];
    struct ms_text detail;

    record.crashes += !ms_work_is_aimed(work) || work->state == MS_LIFE_LEASED;
    ms_text_init(&detail, sentence, sizeof sentence);
    if (ms_work_is_aimed(work)) {
        ms_text_add(&detail, "%s", ms_targets_loss(work));
    } else if (event == MS_LIFE_FORFEIT) {
        ms_text_add(&detail, "the slave %s is lost, and this command may be started only once",
                    name);
    } else {
        ms_text_add(&detail, "%u slaves died with it, the last was %s", record.crashes, name);
    }
    record.detail = ms_bytes_of(sentence);
    settle(master, now, work, &record);
}

void ms_results_forfeit(struct ms_master *master, ms_time now, struct ms_work *work)
{
    ms_assert(work->holder == NULL && ms_work_is_tied(work));
    give_up(master, now, work, MS_LIFE_FORFEIT);
}

void ms_results_died(struct ms_master *master, ms_time now, struct ms_slave *slave,
                     struct ms_work *work)
{
    struct ms_record record;

    ms_assert(work->holder == slave);
    if (ms_work_is_tied(work)) {
        give_up(master, now, work, MS_LIFE_FORFEIT);
        return;
    }
    if (work->crashes >= master->config.crashes_max) {
        give_up(master, now, work, MS_LIFE_EXHAUST);
        return;
    }
    record = record_of(master, work, MS_RECORD_RETRY, MS_LIFE_LOSE);
    record.status = work->status;
    record.crashes++;
    again(master, now, work, &record);
}
