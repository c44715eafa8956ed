#include "master/clients.h"

#include "core/invariant.h"
#include "master/inspect.h"
#include "master/outcomes.h"
#include "master/results.h"
#include "master/slaves.h"
#include "master/state.h"

static struct ms_client *find(struct ms_master *master, const struct ms_uuid *uuid)
{
    return ms_map_find_pointer(&master->clients_by_uuid, ms_key_of_uuid(uuid));
}

static struct ms_client *create(struct ms_master *master, const struct ms_uuid *uuid)
{
    struct ms_client *client = ms_pool_take(&master->clients);

    if (client == NULL) {
        return NULL;
    }
    if (!ms_map_put_pointer(&master->clients_by_uuid, ms_key_of_uuid(uuid), client)) {
        ms_pool_give(&master->clients, client);
        return NULL;
    }
    client->uuid = *uuid;
    client->number = ++master->clients_total;
    ms_closed_init(&client->closed, client->number ^ master->config.seed);
    ms_list_init(&client->pending);
    ms_list_init(&client->sent);
    ms_list_init(&client->streams_due);
    ms_list_init(&client->streams_idle);
    ms_list_init(&client->pump);
    ms_list_init(&client->sweep);
    return client;
}

static void detach(struct ms_client *client)
{
    ms_assert(client->session != NULL);
    client->session->user = NULL;
    client->session = NULL;
    ms_outcomes_rewind(client);
}

struct ms_client *ms_clients_open(struct ms_master *master, struct ms_session *session,
                                  const struct ms_hello *hello, uint64_t number)
{
    struct ms_client *client = find(master, &hello->node);

    ms_assert(session->role == MS_ROLE_CLIENT);
    if (client == NULL) {
        client = create(master, &hello->node);
    }
    if (client == NULL) {
        return NULL;
    }
    if (client->session != NULL) { /* its former session died a moment ago */
        detach(client);
    }
    client->session = session;
    client->session_number = number;
    session->user = client;
    ms_clients_resume(master, client, hello);
    return client;
}

void ms_clients_resume(struct ms_master *master, struct ms_client *client,
                       const struct ms_hello *hello)
{
    ms_assert(client->session != NULL);
    ms_list_remove(&client->sweep);
    client->away_until = 0;
    ms_closed_raise(&client->closed, &master->queue.slab, hello->floor);
    ms_outcomes_rewind(client);
    ms_outcomes_mark(master, client);
}

void ms_clients_end(struct ms_master *master, struct ms_client *client, bool is_bye)
{
    detach(client);
    ms_list_remove(&client->pump);
    if (!is_bye && master->drain == MS_DRAIN_NO && client->live_count > 0) {
        client->away_until = master->engine.now + master->config.client_keep;
        ms_list_push_back(&master->clients_away, &client->sweep);
        return;
    }
    if (client->pending_count > 0) {
        ms_list_push_back(&master->client_sweeps, &client->sweep);
    }
    ms_clients_reap(master, client);
}

/* Nobody waits for its outcomes any more. */
static void give_up(struct ms_master *master, struct ms_client *client)
{
    ms_assert(client->session == NULL && client->away_until > 0);
    client->away_until = 0;
    ms_list_remove(&client->sweep);
    if (client->pending_count > 0) {
        ms_list_push_back(&master->client_sweeps, &client->sweep);
    }
    ms_clients_reap(master, client);
}

static struct ms_client *longest_away(const struct ms_master *master)
{
    struct ms_list *link = ms_list_first(&master->clients_away);

    return link == NULL ? NULL : ms_container_of(link, struct ms_client, sweep);
}

void ms_clients_expire(struct ms_master *master, ms_time now)
{
    struct ms_client *client;
    uint32_t burst = MS_SWEEP_BURST;

    while (burst-- > 0 && (client = longest_away(master)) != NULL &&
           (now >= client->away_until || master->drain != MS_DRAIN_NO)) {
        give_up(master, client);
    }
}

ms_time ms_clients_deadline(const struct ms_master *master)
{
    const struct ms_client *client = longest_away(master);

    if (client == NULL) {
        return MS_TIME_NEVER;
    }
    return master->drain != MS_DRAIN_NO ? master->engine.now : client->away_until;
}

void ms_clients_reap(struct ms_master *master, struct ms_client *client)
{
    uint64_t value;

    if (client->session != NULL || client->live_count > 0) {
        return;
    }
    ms_assert(client->pending_count == 0 && client->sent_count == 0);
    ms_list_remove(&client->pump);
    ms_list_remove(&client->sweep);
    value = ms_map_remove(&master->clients_by_uuid, ms_key_of_uuid(&client->uuid));
    ms_assert(value == (uint64_t)(uintptr_t)client);
    ms_closed_finish(&client->closed, &master->queue.slab);
    ms_index_finish(&client->index);
    ms_pool_give(&master->clients, client);
}

void ms_clients_finish(struct ms_master *master)
{
    uint32_t cursor = 0;
    struct ms_client *client;

    ms_assert(master != NULL);
    while (master->clients.chunks != NULL &&
           (client = ms_pool_next(&master->clients, &cursor)) != NULL) {
        ms_closed_finish(&client->closed, &master->queue.slab);
        ms_index_finish(&client->index);
    }
    ms_pool_finish(&master->clients);
    ms_map_finish(&master->clients_by_uuid);
}

static void refuse(struct ms_master *master, const struct ms_client *client, uint64_t seq,
                   enum ms_error error, const char *detail)
{
    ms_assert(error != MS_E_OK);
    master->totals.refused_total++;
    ms_master_send(master, client->session->peer,
                   &(struct ms_command){
                       .kind = MS_KIND_SUBMIT_NAK,
                       .error = (uint16_t)error,
                       .id = {.client = client->uuid, .seq = seq},
                       .delay = error == MS_E_RETRY_LATER ? MS_RETRY_LATER_DELAY : 0,
                       .detail = ms_bytes_of(detail != NULL ? detail : ms_error_text(error)),
                   });
}

static void acknowledge(struct ms_master *master, const struct ms_client *client, uint64_t seq)
{
    ms_assert(client->session->peer != MS_PEER_NONE);
    ms_master_send(master, client->session->peer,
                   &(struct ms_command){
                       .kind = MS_KIND_SUBMIT_ACK,
                       .durability = MS_DURABILITY_MEM,
                       .copies = 1,
                       .id = {.client = client->uuid, .seq = seq},
                       .count = 1,
                   });
}

/* What is wrong with the submission itself. */
static enum ms_error examine(struct ms_master *master, const struct ms_client *client,
                             const struct ms_lane *lane, const struct ms_command *submit)
{
    if (ms_master_is_draining(master)) {
        return MS_E_DRAINING;
    }
    if (lane == NULL &&
        master->engine.now - master->started_at < MS_TYPES_GRACE_TICKS * master->config.tick) {
        return MS_E_RETRY_LATER; /* after a restart clients may be back before the slaves */
    }
    if (lane == NULL) {
        ms_complain(&master->complaint, "no slave ever announced type %llu",
                    (unsigned long long)submit->type);
        return MS_E_UNKNOWN_TYPE;
    }
    if (submit->payload.size > master->config.payload_max) {
        ms_complain(&master->complaint, "payload of %zu bytes, at most %u are allowed",
                    submit->payload.size, master->config.payload_max);
        return MS_E_PAYLOAD_SIZE;
    }
    if (submit->attempts_max > MS_ATTEMPTS_MAX || submit->timeout < 0 || submit->delay < 0 ||
        submit->timeout > MS_DELAY_MAX || submit->delay > MS_DELAY_MAX) {
        ms_complain(&master->complaint, "attempts, timeout or delay out of range");
        return MS_E_BAD_ARGUMENT;
    }
    if (submit->durability == MS_DURABILITY_STRICT) {
        ms_complain(&master->complaint, "this master keeps commands in memory only");
        return MS_E_BAD_ARGUMENT;
    }
    if (client->live_count >= MS_OUTSTANDING_MAX || ms_closed_is_full(&client->closed) ||
        !ms_queue_has_room(&master->queue, submit->payload.size)) {
        return MS_E_RETRY_LATER;
    }
    return MS_E_OK;
}

static struct ms_lane *find_lane(struct ms_master *master, struct ms_client *client, ms_type type)
{
    if (client->lane == NULL || client->lane->type != type) {
        client->lane = ms_lanes_find(&master->lanes, type);
    }
    ms_assert(client->lane == NULL || client->lane->type == type);
    return client->lane;
}

static void submit(struct ms_master *master, ms_time now, struct ms_client *client,
                   const struct ms_command *command)
{
    const uint64_t seq = command->id.seq;
    struct ms_work *work = ms_queue_find(&master->queue, client, seq);
    struct ms_lane *lane;
    enum ms_error error;

    if (work != NULL) {
        acknowledge(master, client, seq);
        if (ms_work_is_finished(work)) {
            ms_outcomes_resend(master, work);
        }
        return;
    }
    if (ms_closed_has(&client->closed, seq)) { /* and 0, which is no number */
        refuse(master, client, seq, seq == 0 ? MS_E_BAD_ARGUMENT : MS_E_CLOSED_ID, NULL);
        return;
    }
    lane = find_lane(master, client, command->type);
    master->complaint.text[0] = '\0';
    error = examine(master, client, lane, command);
    if (error == MS_E_OK && ms_queue_submit(&master->queue, now, client, lane, command) == NULL) {
        error = MS_E_RETRY_LATER;
    }
    if (error != MS_E_OK) {
        refuse(master, client, seq, error,
               master->complaint.text[0] != '\0' ? master->complaint.text : NULL);
        return;
    }
    client->submitted_total++;
    master->totals.submitted_total++;
    acknowledge(master, client, seq);
}

static void cancel(struct ms_master *master, ms_time now, struct ms_client *client,
                   const struct ms_command *command)
{
    struct ms_work *work = ms_queue_find(&master->queue, client, command->id.seq);
    struct ms_command answer = {.kind = MS_KIND_CANCEL_ACK,
                                .id = {.client = client->uuid, .seq = command->id.seq}};

    if (work == NULL || ms_work_is_finished(work)) {
        answer.error = MS_E_NOT_FOUND; /* too late: the outcome stands */
    } else if (work->attempt > 0) {
        answer.flags = MS_FLAG_STARTED;
    }
    ms_master_send(master, client->session->peer, &answer);
    if (work == NULL || ms_work_is_finished(work)) {
        return;
    }
    if (work->state != MS_LIFE_LEASED) {
        ms_results_cancel(master, now, work);
        return;
    }
    ms_assert(work->holder != NULL);
    work->is_cancel_asked = true;
    ms_slaves_revoke(master, work->holder, work->token);
}

void ms_clients_receive(struct ms_master *master, ms_time now, struct ms_client *client,
                        const struct ms_command *command)
{
    ms_assert(client->session != NULL);
    switch (command->kind) {
    case MS_KIND_SUBMIT:
        submit(master, now, client, command);
        break;
    case MS_KIND_OUTCOME_ACK:
        ms_outcomes_confirm(master, now, client, command->id.seq, command->count);
        break;
    case MS_KIND_CANCEL:
        cancel(master, now, client, command);
        break;
    case MS_KIND_QUERY:
        ms_inspect_ask(master, client->session->peer, command->count, command->body.query);
        break;
    default:
        ms_master_refuse(master, client->session->peer, MS_E_ROLE, NULL);
        break;
    }
}
