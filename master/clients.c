#include "master/clients.h"

#include "core/invariant.h"
#include "master/inspect.h"
#include "master/outcomes.h"
#include "master/page.h"
#include "master/rare.h"
#include "master/results.h"
#include "master/slaves.h"
#include "master/spool.h"
#include "master/state.h"
#include "master/terms.h"
#include "master/upload.h"

static struct ms_client *create(struct ms_master *master, const struct ms_uuid *uuid)
{
    struct ms_floor *floor = ms_floors_wake(master, uuid);
    struct ms_client *client;

    if (floor == NULL) {
        return NULL;
    }
    client = ms_pool_take(&master->clients);
    if (client == NULL) {
        ms_floors_sleep(master, floor);
        return NULL;
    }
    ms_assert(floor->client == NULL);
    floor->client = client;
    client->floor = floor;
    client->uuid = *uuid;
    client->number = ++master->clients_total;
    client->connection = 1; /* 0 stands for outcomes that were never sent */
    ms_list_init(&client->pending);
    ms_list_init(&client->sent);
    ms_list_init(&client->streams_due);
    ms_list_init(&client->streams_idle);
    ms_list_init(&client->pump);
    ms_list_init(&client->sweep);
    ms_list_init(&client->spools);
    return client;
}

static struct ms_client *find_or_create(struct ms_master *master, const struct ms_uuid *uuid)
{
    const struct ms_floor *floor = ms_floors_find(&master->floors, uuid);

    return floor != NULL && floor->client != NULL ? floor->client : create(master, uuid);
}

/* Of those that have durable commands, or of the others. */
static struct ms_heap *away_heap(struct ms_master *master, const struct ms_client *client)
{
    return &master->clients_away[client->is_kept];
}

static void come_back(struct ms_master *master, struct ms_client *client)
{
    if (ms_client_is_away(client)) {
        ms_heap_remove(away_heap(master, client), &client->away);
    }
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
    struct ms_client *client = find_or_create(master, &hello->node);

    ms_assert(session->role == MS_ROLE_CLIENT);
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
    if (hello->epoch != master->config.epoch) {
        client->is_fresh = hello->epoch == 0;
    }
    ms_spool_drop_all(master, client);
    ms_list_remove(&client->sweep);
    come_back(master, client);
    ms_floors_raise(master, client->floor, hello->floor);
    ms_outcomes_rewind(client);
    ms_outcomes_mark(master, client);
}

struct ms_work *ms_clients_find_work(const struct ms_master *master, const struct ms_id *id)
{
    const struct ms_floor *floor = ms_floors_find(&master->floors, &id->client);

    return floor == NULL || floor->client == NULL
               ? NULL
               : ms_queue_find(&master->queue, floor->client, id->seq);
}

/* Outcomes of a silent client are kept for a while, durable ones longer. False when memory is out. */
static bool go_away(struct ms_master *master, struct ms_client *client)
{
    const ms_time keep =
        client->floor->is_durable ? master->config.outcome_keep : master->config.client_keep;

    client->is_kept = client->floor->is_durable;
    return ms_heap_push(away_heap(master, client), &client->away, master->engine.now + keep);
}

struct ms_client *ms_clients_recall(struct ms_master *master, const struct ms_uuid *uuid)
{
    struct ms_client *client = find_or_create(master, uuid);

    if (client == NULL) {
        return NULL;
    }
    client->floor->is_durable = true;
    if (client->session == NULL && !ms_client_is_away(client) && !go_away(master, client)) {
        ms_clients_reap(master, client);
        return NULL;
    }
    return client;
}

static bool is_leaving(const struct ms_master *master, const struct ms_client *client)
{
    return master->drain != MS_DRAIN_NO && !client->floor->is_durable;
}

void ms_clients_end(struct ms_master *master, struct ms_client *client, bool is_bye)
{
    detach(client);
    ms_spool_drop_all(master, client);
    ms_list_remove(&client->pump);
    if (!is_bye && !is_leaving(master, client) && client->live_count > 0 &&
        go_away(master, client)) {
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
    ms_assert(client->session == NULL && !ms_client_is_away(client));
    if (client->pending_count > 0) {
        ms_list_push_back(&master->client_sweeps, &client->sweep);
    }
    ms_clients_reap(master, client);
}

void ms_clients_expire(struct ms_master *master, ms_time now)
{
    const ms_time limits[] = {master->drain != MS_DRAIN_NO ? MS_TIME_NEVER - 1 : now, now};
    uint32_t burst = MS_SWEEP_BURST;

    for (int i = 0; i < 2; i++) {
        struct ms_heap *heap = &master->clients_away[i];

        for (; burst > 0 && ms_heap_min(heap) <= limits[i]; burst--) {
            give_up(master, ms_container_of(ms_heap_pop(heap), struct ms_client, away));
        }
    }
}

ms_time ms_clients_deadline(const struct ms_master *master)
{
    const ms_time volatile_at = ms_heap_min(&master->clients_away[0]);
    const ms_time kept_at = ms_heap_min(&master->clients_away[1]);

    if (volatile_at != MS_TIME_NEVER && master->drain != MS_DRAIN_NO) {
        return master->engine.now;
    }
    return volatile_at < kept_at ? volatile_at : kept_at;
}

void ms_clients_reap(struct ms_master *master, struct ms_client *client)
{
    if (client->session != NULL || client->live_count > 0 || client->spools_count > 0) {
        return;
    }
    ms_assert(client->pending_count == 0 && client->sent_count == 0);
    ms_list_remove(&client->pump);
    ms_list_remove(&client->sweep);
    come_back(master, client);
    if (client->archived_count > 0) {
        return; /* whoever asks for its outcomes finds them by its name */
    }
    ms_floors_sleep(master, client->floor);
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
        ms_index_finish(&client->index);
    }
    ms_pool_finish(&master->clients);
    ms_heap_finish(&master->clients_away[0]);
    ms_heap_finish(&master->clients_away[1]);
    ms_floors_finish(master);
}

/* When a refused submission may be tried again; 0 = never. */
static ms_time delay_of(enum ms_error error)
{
    switch (error) {
    case MS_E_RETRY_LATER:
        return MS_RETRY_LATER_DELAY;
    case MS_E_STORE_FULL:
        return MS_STORE_FULL_DELAY;
    default:
        return 0;
    }
}

void ms_clients_refuse(struct ms_master *master, const struct ms_client *client, uint64_t seq,
                       enum ms_error error, const char *detail)
{
    ms_assert(error != MS_E_OK);
    master->totals.refused_total++;
    ms_master_send(master, client->session->peer,
                   &(struct ms_command){
                       .kind = MS_KIND_SUBMIT_NAK,
                       .error = (uint16_t)error,
                       .id = {.client = client->uuid, .seq = seq},
                       .delay = delay_of(error),
                       .detail = ms_bytes_of(detail != NULL ? detail : ms_error_text(error)),
                   });
}

/* Said once the command's record is durable. */
static void acknowledge(struct ms_master *master, const struct ms_client *client,
                        const struct ms_work *work)
{
    ms_assert(client->session->peer != MS_PEER_NONE);
    ms_journal_answer(master, work->record,
                      &(struct ms_answer){
                          .kind = MS_KIND_SUBMIT_ACK,
                          .peer = client->session->peer,
                          .made_at = master->engine.now,
                          .durability = work->durability,
                          .first = work->seq,
                          .count = 1,
                      });
}

/* The class of a submission: what it asks for, or else what this master gives everything. */
static enum ms_durability class_of(const struct ms_master *master, const struct ms_command *submit)
{
    if (!master->config.is_durable) {
        return MS_DURABILITY_MEM;
    }
    if ((submit->flags & MS_FLAG_DURABILITY) != 0) {
        return (enum ms_durability)submit->durability;
    }
    return submit->durability > MS_DURABILITY_LOCAL ? (enum ms_durability)submit->durability
                                                    : MS_DURABILITY_LOCAL;
}

/* Whether there is room for it, in memory and in the store. */
static enum ms_error examine_room(struct ms_master *master, const struct ms_client *client,
                                  const struct ms_command *submit)
{
    if (client->live_count >= MS_OUTSTANDING_MAX || ms_closed_is_full(&client->floor->closed) ||
        !ms_queue_has_room(&master->queue, submit->payload.size)) {
        return MS_E_RETRY_LATER;
    }
    if (class_of(master, submit) == MS_DURABILITY_MEM) {
        return MS_E_OK;
    }
    if (ms_journal_is_full(master, submit->payload.size)) {
        return MS_E_STORE_FULL;
    }
    return ms_journal_is_behind(&master->journal) ? MS_E_RETRY_LATER : MS_E_OK;
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
    enum ms_error error = ms_terms_examine(submit, &master->complaint);

    if (error == MS_E_OK && (submit->flags & MS_FLAG_PARTS) != 0) {
        error = ms_spool_examine(master, client, submit);
    }
    if (error != MS_E_OK) {
        return error;
    }
    if (submit->durability == MS_DURABILITY_STRICT ||
        (submit->durability > MS_DURABILITY_MEM && !master->config.is_durable)) {
        ms_complain(&master->complaint, "class %s is asked for, but this master keeps %s",
                    ms_durability_name((enum ms_durability)submit->durability),
                    master->config.is_durable ? "one copy only" : "commands in memory only");
        return MS_E_DURABILITY;
    }
    return examine_room(master, client, submit);
}

/* Whether another command has its key, and it does not want to meet one. */
static enum ms_error examine_key(struct ms_master *master, const struct ms_lane *lane,
                                 const struct ms_command *submit)
{
    const struct ms_terms *terms = submit->terms;
    const struct ms_claim *holder;
    struct ms_text id;
    char bytes[MS_PAGE_ID_SIZE];

    if (terms == NULL || terms->unique_mode != MS_UNIQUE_REJECT) {
        return MS_E_OK;
    }
    holder = ms_uniques_find(&master->queue.uniques, lane, terms->unique);
    if (holder == NULL) {
        return MS_E_OK;
    }
    ms_text_init(&id, bytes, sizeof bytes);
    ms_page_print_id(&id, holder->leader);
    ms_complain(&master->complaint, "%s has the same unique key", bytes);
    return MS_E_NOT_UNIQUE;
}

static struct ms_lane *find_lane(struct ms_master *master, struct ms_client *client, ms_type type)
{
    if (client->lane == NULL || client->lane->type != type) {
        client->lane = ms_lanes_find(&master->lanes, type);
    }
    ms_assert(client->lane == NULL || client->lane->type == type);
    return client->lane;
}

static struct ms_work *accept(struct ms_master *master, ms_time now, struct ms_client *client,
                              struct ms_lane *lane, const struct ms_command *submit)
{
    const int64_t wall = ms_master_wall(master);
    const struct ms_record record = {
        .kind = MS_RECORD_SUBMIT,
        .flags = submit->flags & MS_FLAGS_LASTING,
        .durability = (uint8_t)class_of(master, submit),
        .attempts_max = ms_terms_attempts(submit),
        .at = wall,
        .until = ms_terms_start(submit, wall),
        .timeout = submit->timeout,
        .type = submit->type,
        .id = {.client = client->uuid, .seq = submit->id.seq},
        .payload = submit->payload,
        .terms = submit->terms,
    };
    const bool is_doubting = master->queue.is_doubting;

    /* A slave may have it already, if it was submitted to the last master too. */
    master->queue.is_doubting = is_doubting && !client->is_fresh;
    struct ms_work *rival = ms_uniques_rival(&master->queue.uniques, lane, submit->terms);
    struct ms_work *work = ms_queue_submit(&master->queue, now, client, lane, &record);

    master->queue.is_doubting = is_doubting;
    if (work == NULL) {
        return NULL;
    }
    client->floor->is_durable |= record.durability != MS_DURABILITY_MEM;
    if ((submit->flags & MS_FLAG_PARTS) != 0) {
        ms_spool_bind(master, ms_spool_find(client, submit->id.seq), work);
    }
    work->record = ms_journal_put_for(&master->journal, work, &record);
    if (rival != NULL) {
        ms_results_stop(master, now, rival, true);
    }
    ms_orphans_claim(master, now, work);
    return work;
}

static void submit(struct ms_master *master, ms_time now, struct ms_client *client,
                   const struct ms_command *command)
{
    const uint64_t seq = command->id.seq;
    struct ms_work *work = ms_queue_find(&master->queue, client, seq);
    struct ms_spool *spool = client->spools_count > 0 ? ms_spool_find(client, seq) : NULL;
    struct ms_lane *lane;
    enum ms_error error;

    if (work != NULL) {
        acknowledge(master, client, work);
        if (ms_work_is_finished(work) &&
            !(work->is_archived && (command->flags & MS_FLAG_BACKGROUND) != 0)) {
            ms_outcomes_resend(master, work);
        }
        return;
    }
    if (ms_closed_has(&client->floor->closed, seq)) { /* and 0, which is no number */
        ms_clients_refuse(master, client, seq, seq == 0 ? MS_E_BAD_ARGUMENT : MS_E_CLOSED_ID, NULL);
        return;
    }
    if (spool != NULL && spool->refused != MS_E_OK) {
        ms_spool_drop(master, spool); /* its client was told with the part that did not fit */
        return;
    }
    lane = find_lane(master, client, command->type);
    master->complaint.text[0] = '\0';
    error = examine(master, client, lane, command);
    if (error == MS_E_OK) {
        error = examine_key(master, lane, command);
    }
    if (error == MS_E_OK) {
        work = accept(master, now, client, lane, command);
        error = work == NULL ? MS_E_RETRY_LATER : MS_E_OK;
    }
    if (error != MS_E_OK) {
        ms_spool_drop(master, spool);
        ms_clients_refuse(master, client, seq, error,
                          master->complaint.text[0] != '\0' ? master->complaint.text : NULL);
        return;
    }
    client->submitted_total++;
    master->totals.submitted_total++;
    acknowledge(master, client, work);
}

static void cancel(struct ms_master *master, ms_time now, struct ms_client *client,
                   const struct ms_command *command)
{
    struct ms_work *work = ms_queue_find(&master->queue, client, command->id.seq);
    const bool is_open = work != NULL && !ms_work_is_finished(work);
    const bool is_durable = is_open && work->durability != MS_DURABILITY_MEM;
    struct ms_answer answer = {
        .kind = MS_KIND_CANCEL_ACK,
        .peer = client->session->peer,
        .made_at = master->engine.now,
        .first = command->id.seq,
        .error = is_open ? MS_E_OK : MS_E_NOT_FOUND, /* too late: the outcome stands */
        .flags = is_open && (work->attempt > 0 || work->is_in_doubt) ? MS_FLAG_STARTED : 0,
    };

    if (!is_durable) {
        ms_journal_answer(master, 0, &answer);
    }
    if (is_open) {
        ms_results_stop(master, now, work, false);
    }
    if (is_durable && master->journal.has_closed) {
        ms_journal_answer_closed(master, &answer);
    } else if (is_durable) {
        ms_journal_answer(master, master->journal.last, &answer);
    }
}

void ms_clients_receive(struct ms_master *master, ms_time now, struct ms_client *client,
                        const struct ms_command *command)
{
    ms_assert(client->session != NULL);
    switch (command->kind) {
    case MS_KIND_SUBMIT:
        submit(master, now, client, command);
        break;
    case MS_KIND_PART:
        ms_spool_receive(master, now, client, command);
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
