#include "master/outcomes.h"

#include "core/invariant.h"
#include "master/archive.h"
#include "master/clients.h"
#include "master/output.h"
#include "master/state.h"

void ms_outcomes_mark(struct ms_master *master, struct ms_client *client)
{
    ms_assert(client != NULL);
    if (!ms_list_is_linked(&client->pump)) {
        ms_list_push_back(&master->pumps, &client->pump);
    }
}

/* What an outcome weighs in the client's window. */
static uint64_t weight(const struct ms_work *work)
{
    return (uint64_t)work->size + work->detail_size +
           (work->output != NULL ? work->output->bytes : 0);
}

static bool is_sent(const struct ms_work *work)
{
    ms_assert(ms_work_is_finished(work));
    return work->sent_on == work->client->connection;
}

void ms_outcomes_unlink(struct ms_work *work)
{
    struct ms_client *client = work->client;

    if (is_sent(work)) {
        ms_assert(client->sent_count > 0 && client->sent_bytes >= weight(work));
        client->sent_count--;
        client->sent_bytes -= weight(work);
    } else {
        ms_assert(client->pending_count > 0);
        client->pending_count--;
    }
    ms_list_remove(&work->link);
}

/* Nobody waits for the outcome any more: it is archived, or the command is closed. */
static void let_go(struct ms_master *master, ms_time now, struct ms_work *work,
                   enum ms_life_event event)
{
    const bool is_durable = ms_work_is_durable(work);

    if (ms_archive_wants(work) && ms_archive_put(master, work)) {
        return;
    }
    if (ms_work_array(work) != NULL) {
        ms_array_close(master, now, work, event);
        return;
    }
    if (is_durable || event == MS_LIFE_CONFIRM || (work->flags & MS_FLAG_BACKGROUND) != 0) {
        ms_floors_close(master, work->client->floor, work->seq, is_durable);
    }
    ms_queue_close(&master->queue, now, work, event);
}

static void close_work(struct ms_master *master, ms_time now, struct ms_work *work,
                       enum ms_life_event event)
{
    ms_outcomes_unlink(work);
    let_go(master, now, work, event);
}

static bool is_closed(const struct ms_work *work)
{
    ms_assert(work->client->floor != NULL);
    return ms_closed_has(&work->client->floor->closed, work->seq);
}

/* Not so in the background, when its client has given up, and when its number is closed: whoever waited has
 * confirmed the outcome, and those that joined it are told only now, after a restart. */
static bool is_awaited(const struct ms_work *work)
{
    const struct ms_client *client = work->client;

    if (client->session == NULL && client->source == NULL && !ms_client_is_away(client)) {
        return false;
    }
    return work->is_recalled || ((work->flags & MS_FLAG_BACKGROUND) == 0 && !is_closed(work));
}

void ms_clients_settled(struct ms_master *master, ms_time now, struct ms_work *work)
{
    struct ms_client *client = work->client;

    ms_assert(ms_work_is_finished(work));
    ms_assert(work->sent_on == 0 || work->sent_on == MS_SENT_BEFORE);
    if (work->is_followed) {
        ms_tails_wake(&master->tails, work);
    }
    if (ms_unique_is_settling(work)) {
        return; /* first its followers get the outcome: they need its records */
    }
    if (work->output != NULL) {
        ms_list_remove(&work->output->link);
    }
    if (!is_awaited(work)) {
        let_go(master, now, work, is_closed(work) ? MS_LIFE_CONFIRM : MS_LIFE_ABANDON);
        ms_clients_reap(master, client);
        return;
    }
    ms_list_push_back(&client->pending, &work->link);
    client->pending_count++;
    if (client->session != NULL || client->source != NULL) {
        ms_outcomes_mark(master, client);
    }
}

void ms_outcomes_resend(struct ms_master *master, struct ms_work *work)
{
    struct ms_client *client = work->client;

    if (work->is_archived) {
        ms_archive_take(master, work);
        work->is_recalled = true;
    } else if (is_sent(work)) {
        ms_outcomes_unlink(work);
    } else {
        ms_outcomes_mark(master, client);
        return;
    }
    work->sent_on = MS_SENT_BEFORE;
    if (work->output != NULL) {
        work->output->sent_on = 0;
    }
    ms_list_push_back(&client->pending, &work->link);
    client->pending_count++;
    ms_outcomes_mark(master, client);
}

void ms_outcomes_rewind(struct ms_client *client)
{
    ms_assert(client->connection < UINT32_MAX);
    client->connection++;
    ms_list_splice(&client->sent, &client->pending);
    ms_list_splice(&client->pending, &client->sent);
    ms_list_splice(&client->streams_due, &client->streams_idle);
    client->pending_count += client->sent_count;
    client->sent_count = 0;
    client->sent_bytes = 0;
    client->live_bytes = 0;
}

static void confirm_one(struct ms_master *master, ms_time now, struct ms_client *client,
                        struct ms_work *work)
{
    ms_assert(work->client == client);
    close_work(master, now, work, MS_LIFE_CONFIRM);
}

static void confirm_listed(struct ms_master *master, ms_time now, struct ms_list *list,
                           uint64_t first, uint64_t count)
{
    ms_list_for_each(link, list)
    {
        struct ms_work *work = ms_work_of(link);

        if (work->seq >= first && work->seq - first < count) {
            confirm_one(master, now, work->client, work);
        }
    }
}

/* A run longer than what is finished is searched the other way round, so that its length costs
 * nothing. */
void ms_outcomes_confirm(struct ms_master *master, ms_time now, struct ms_client *client,
                         uint64_t first, uint64_t count)
{
    if (count > (uint64_t)client->sent_count + client->pending_count) {
        confirm_listed(master, now, &client->sent, first, count);
        confirm_listed(master, now, &client->pending, first, count);
    } else {
        for (uint64_t i = 0; i < count; i++) {
            struct ms_work *work = ms_queue_find(&master->queue, client, first + i);

            if (work != NULL && ms_work_is_finished(work) && !work->is_archived &&
                !ms_unique_is_settling(work)) {
                confirm_one(master, now, client, work);
            }
        }
    }
    if (client->pending_count > 0) {
        ms_outcomes_mark(master, client);
    }
}

static void tell(struct ms_master *master, const struct ms_client *client,
                 const struct ms_command *command)
{
    if (client->source != NULL) {
        ms_sources_tell(master, client->source, command);
    } else {
        ms_master_send(master, client->session->peer, command);
    }
}

static void send_piece(struct ms_master *master, struct ms_output *output, bool is_live)
{
    const struct ms_work *work = output->work;
    const struct ms_piece *piece = ms_output_next(output);

    ms_assert(piece != NULL);
    tell(master, work->client,
         &(struct ms_command){
             .kind = MS_KIND_STREAM,
             .stream = piece->stream,
             .attempt = work->attempt,
             .index = piece->index,
             .id = {.client = work->client->uuid, .seq = work->seq},
             .payload = {.data = piece->data, .size = piece->size},
         });
    ms_output_forward(output, is_live);
}

static void send_outcome(struct ms_master *master, struct ms_work *work)
{
    struct ms_client *client = work->client;

    ms_assert(!is_sent(work));
    if (work->output != NULL) {
        ms_output_calm(work->output);
    }
    master->totals.outcomes_total += work->sent_on == 0;
    work->sent_on = client->connection;
    ms_list_remove(&work->link);
    ms_list_push_back(&client->sent, &work->link);
    client->pending_count--;
    client->sent_count++;
    client->sent_bytes += weight(work);
    tell(master, client,
         &(struct ms_command){
             .kind = MS_KIND_OUTCOME,
             .status = work->status,
             .attempt = work->attempt,
             .index = ms_output_count(work->output),
             .signal = work->signal,
             .code = work->code,
             .id = {.client = client->uuid, .seq = work->seq},
             .payload = ms_work_payload(work),
             .detail = ms_work_detail(work),
             .usage = ms_work_usage(work),
         });
}

void ms_clients_streamed(struct ms_master *master, struct ms_work *work)
{
    struct ms_client *client = work->client;

    ms_assert(work->output != NULL);
    if ((work->flags & MS_FLAG_STREAM) == 0) {
        return;
    }
    ms_list_remove(&work->output->link);
    ms_list_push_back(&client->streams_due, &work->output->link);
    if (client->session != NULL) {
        ms_outcomes_mark(master, client);
    }
}

/* Forwards one piece as it came; false when none may go now. */
static bool pump_stream(struct ms_master *master, struct ms_client *client)
{
    struct ms_list *link;

    while (client->live_bytes < MS_OUTCOME_WINDOW_BYTES &&
           (link = ms_list_first(&client->streams_due)) != NULL) {
        struct ms_output *output = ms_container_of(link, struct ms_output, link);

        if (ms_output_next(output) != NULL) {
            send_piece(master, output, true);
            return true;
        }
        ms_list_remove(link);
        ms_list_push_back(&client->streams_idle, link);
    }
    return false;
}

/* Sends one outcome, or one piece that goes before it, or drops one that nobody misses, or puts the client
 * where it waits for the store; false when none may go now. */
static bool pump_outcome(struct ms_master *master, ms_time now, struct ms_client *client)
{
    struct ms_list *link = ms_list_first(&client->pending);
    struct ms_work *work;

    if (link == NULL) {
        return false;
    }
    work = ms_work_of(link);
    if (!ms_journal_covers(&master->journal, work->record)) {
        ms_list_remove(&client->pump);
        ms_list_push_back(&master->journal.gated, &client->pump); /* until the next commit */
        return true;
    }
    if (work->seq <= client->floor->closed.floor &&
        !work->is_recalled) { /* it said HELLO with a higher floor meanwhile */
        close_work(master, now, work, MS_LIFE_CONFIRM);
        return true;
    }
    if (client->source != NULL && !ms_source_may_hear(client->source)) {
        return false;
    }
    if (client->source == NULL && client->sent_count > 0 &&
        (client->sent_count >= MS_OUTCOME_WINDOW_COUNT ||
         client->sent_bytes + weight(work) > MS_OUTCOME_WINDOW_BYTES)) {
        return false;
    }
    if (work->output != NULL && ms_output_next(work->output) != NULL) {
        send_piece(master, work->output, false);
    } else {
        send_outcome(master, work);
    }
    return true;
}

static bool has_any(const struct ms_client *client)
{
    return client->pending_count > 0 || !ms_list_is_empty(&client->streams_due);
}

static bool can_hear(const struct ms_client *client)
{
    return client->source != NULL ||
           (client->session != NULL && client->session->peer != MS_PEER_NONE);
}

void ms_clients_pump(struct ms_master *master, ms_time now)
{
    uint32_t turns = 2 * MS_EFFECTS_MAX;
    struct ms_list *link;

    while (ms_engine_room(&master->engine) > 0 && turns-- > 0 &&
           (link = ms_list_first(&master->pumps)) != NULL) {
        struct ms_client *client = ms_container_of(link, struct ms_client, pump);

        if (!can_hear(client) ||
            (!pump_stream(master, client) && !pump_outcome(master, now, client)) ||
            !has_any(client)) {
            ms_list_remove(link);
        }
    }
    ms_list_rotate(&master->pumps); /* who is left over does not come first again */
}

bool ms_clients_sweep(struct ms_master *master, ms_time now)
{
    uint32_t burst = MS_SWEEP_BURST;
    struct ms_list *link;

    while ((link = ms_list_first(&master->client_sweeps)) != NULL && burst > 0) {
        struct ms_client *client = ms_container_of(link, struct ms_client, sweep);
        struct ms_list *first = ms_list_first(&client->pending);

        ms_assert(client->session == NULL && client->sent_count == 0);
        burst--;
        if (first != NULL) {
            close_work(master, now, ms_work_of(first), MS_LIFE_ABANDON);
        } else {
            ms_list_remove(link);
            ms_clients_reap(master, client);
        }
    }
    return !ms_list_is_empty(&master->client_sweeps);
}
