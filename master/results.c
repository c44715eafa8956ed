#include "master/results.h"

#include "core/invariant.h"
#include "master/clients.h"
#include "master/output.h"
#include "master/slaves.h"
#include "master/state.h"

static void settle(struct ms_master *master, ms_time now, struct ms_work *work,
                   enum ms_life_event event, const struct ms_result *result)
{
    ms_queue_settle(&master->queue, now, work, event, result);
    ms_assert(ms_work_is_finished(work));
    ms_clients_settled(master, now, work);
}

static struct ms_result result_of(const struct ms_command *command, enum ms_status status)
{
    struct ms_result result = {
        .status = status,
        .code = command->code,
        .signal = command->signal,
        .usage = command->usage,
        .payload = command->payload,
        .detail = command->detail,
    };

    ms_assert(status != MS_STATUS_RETRY);
    if (result.detail.size > MS_DETAIL_MAX) {
        result.detail.size = MS_DETAIL_MAX;
    }
    return result;
}

static void again(struct ms_master *master, ms_time now, struct ms_work *work,
                  enum ms_status status)
{
    master->totals.retries_total++;
    ms_queue_retry(&master->queue, now, work, status);
    ms_assert(work->state != MS_LIFE_LEASED);
}

/* The attempt failed, and another may help while attempts are left. */
static void failed(struct ms_master *master, ms_time now, struct ms_work *work,
                   const struct ms_command *command)
{
    const enum ms_status told =
        command->status == MS_STATUS_TIMEOUT ? MS_STATUS_TIMEOUT : MS_STATUS_FAIL;
    const struct ms_result result = result_of(command, told);

    ms_assert(work->failures < work->attempts_max);
    work->failures++;
    if (work->failures < work->attempts_max) {
        again(master, now, work, command->status);
    } else {
        settle(master, now, work, MS_LIFE_EXHAUST, &result);
    }
}

static void crashed(struct ms_master *master, ms_time now, struct ms_work *work,
                    const struct ms_command *command)
{
    const struct ms_result result = result_of(command, MS_STATUS_CRASHED);

    ms_assert(work->crashes < UINT16_MAX);
    work->crashes++;
    if (work->crashes <= master->config.crashes_max) {
        again(master, now, work, MS_STATUS_CRASHED);
    } else {
        settle(master, now, work, MS_LIFE_EXHAUST, &result);
    }
}

static void apply(struct ms_master *master, ms_time now, struct ms_work *work,
                  const struct ms_command *command)
{
    struct ms_result result;

    ms_assert(work->state == MS_LIFE_LEASED);
    if (work->is_cancel_asked) { /* and confirmed, so nothing else may come out of it */
        result = result_of(command, MS_STATUS_CANCELLED);
        settle(master, now, work, MS_LIFE_CANCEL, &result);
        return;
    }
    switch (command->status) {
    case MS_STATUS_OK:
        result = result_of(command, MS_STATUS_OK);
        settle(master, now, work, MS_LIFE_SUCCEED, &result);
        break;
    case MS_STATUS_FAIL:
        result = result_of(command, MS_STATUS_FAIL);
        settle(master, now, work, MS_LIFE_FAIL, &result);
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

void ms_results_receive(struct ms_master *master, ms_time now, struct ms_slave *slave,
                        const struct ms_command *command)
{
    struct ms_work *work =
        ms_queue_find_token(&master->queue, command->token, master->config.epoch);

    ms_assert(command->kind == MS_KIND_RESULT);
    master->totals.results_total++;
    ms_master_send(
        master, slave->session->peer,
        &(struct ms_command){.kind = MS_KIND_RESULT_ACK, .token = command->token, .count = 1});
    if (work == NULL || work->holder != slave) {
        refuse(master, slave, command);
    } else {
        if (command->status == MS_STATUS_OK) {
            slave->done_total++;
        } else {
            slave->failed_total++;
        }
        apply(master, now, work, command);
    }
    if (command->count > 0) {
        ms_slaves_grant(master, slave, command->count);
    }
}

/* More output than is kept for one command: the attempt is stopped and the command given up. */
static void overflow(struct ms_master *master, ms_time now, struct ms_slave *slave,
                     struct ms_work *work)
{
    const struct ms_result result = {
        .status = MS_STATUS_FAIL,
        .code = MS_E_RESULT_SIZE,
        .detail = ms_bytes_of(ms_error_text(MS_E_RESULT_SIZE)),
    };

    ms_assert(work->holder == slave);
    ms_slaves_revoke(master, slave, work->token);
    slave->failed_total++;
    ms_output_discard(work, &master->queue.slab);
    settle(master, now, work, MS_LIFE_OVERFLOW, &result);
}

void ms_results_output(struct ms_master *master, ms_time now, struct ms_slave *slave,
                       const struct ms_command *command)
{
    struct ms_work *work =
        ms_queue_find_token(&master->queue, command->token, master->config.epoch);

    ms_assert(command->kind == MS_KIND_OUTPUT);
    if (work == NULL || work->holder != slave) {
        master->totals.outputs_refused_total++;
        return;
    }
    master->totals.outputs_total++;
    switch (ms_output_add(work, &master->queue.slab, command)) {
    case MS_OUTPUT_KEPT:
        ms_clients_streamed(master, work);
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
    const struct ms_result result = {
        .status = MS_STATUS_CANCELLED,
        .detail = ms_bytes_of(work->attempt == 0 ? "cancelled before it was started"
                                                 : "cancelled; no result of it came back"),
    };

    ms_assert(!ms_work_is_finished(work));
    settle(master, now, work, MS_LIFE_CANCEL, &result);
}

void ms_results_died(struct ms_master *master, ms_time now, struct ms_slave *slave,
                     struct ms_work *work)
{
    struct ms_text detail;
    char sentence[MS_DETAIL_MAX];

    ms_assert(work->holder == slave);
    work->crashes++;
    if (work->crashes <= master->config.crashes_max) {
        master->totals.retries_total++;
        ms_queue_give_back(&master->queue, now, work, MS_LIFE_LOSE);
        return;
    }
    ms_text_init(&detail, sentence, sizeof sentence);
    ms_text_add(&detail, "%u slaves died with it, the last was %s", work->crashes,
                slave->session->name);
    settle(master, now, work, MS_LIFE_EXHAUST,
           &(struct ms_result){.status = MS_STATUS_CRASHED, .detail = ms_bytes_of(sentence)});
}
