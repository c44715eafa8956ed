#include "master/clients.h"

#include "core/invariant.h"
#include "core/router.h"
#include "master/inspect.h"
#include "master/outcomes.h"
#include "master/results.h"
#include "master/slaves.h"
#include "master/spool.h"
#include "master/state.h"
#include "master/submit.h"

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
    if (client == NULL || client->is_own) {
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
    if (hello->epoch < master->queue.epoch) { /* of another reign */
        client->is_fresh = hello->epoch == 0;
    }
    ms_spool_drop_all(master, client);
    ms_list_remove(&client->sweep);
    come_back(master, client);
    if (!master->may_lack) {
        ms_floors_raise(master, client->floor, hello->floor);
    }
    ms_outcomes_rewind(client);
    ms_outcomes_mark(master, client);
}

struct ms_array *ms_clients_find_array(const struct ms_master *master, const struct ms_id *id)
{
    const struct ms_floor *floor = ms_floors_find(&master->floors, &id->client);

    return floor == NULL || floor->client == NULL ? NULL
                                                  : ms_arrays_find(&floor->client->arrays, id->seq);
}

struct ms_work *ms_clients_reach_work(struct ms_master *master, ms_time now, const struct ms_id *id)
{
    struct ms_array *array = ms_clients_find_array(master, id);

    return array != NULL ? ms_array_reach(&master->queue, now, array, id->seq)
                         : ms_clients_find_work(master, id);
}

const struct ms_work *ms_clients_look_at(const struct ms_master *master, ms_time now,
                                         const struct ms_id *id, struct ms_array_likeness *likeness)
{
    const struct ms_array *array = ms_clients_find_array(master, id);

    if (array != NULL && ms_array_waits(&master->queue, array, id->seq)) {
        ms_array_liken(array, now, id->seq, likeness);
        return &likeness->work;
    }
    return ms_clients_find_work(master, id);
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
    if (client->session == NULL && !client->is_own && !ms_client_is_away(client) &&
        !go_away(master, client)) {
        ms_clients_reap(master, client);
        return NULL;
    }
    return client;
}

struct ms_uuid ms_clients_own_uuid(const char *kind, const char *name)
{
    char words[2 * MS_NAME_MAX + 2];
    struct ms_text text;
    struct ms_uuid uuid;
    uint64_t halves[2];

    ms_text_init(&text, words, sizeof words);
    ms_text_add(&text, "%s:%s", kind, name);
    halves[0] = ms_type_of_name(words);
    ms_text_init(&text, words, sizeof words);
    ms_text_add(&text, "%s/%s", name, kind);
    halves[1] = ms_type_of_name(words);
    for (size_t i = 0; i < sizeof uuid.bytes; i++) {
        uuid.bytes[i] = (uint8_t)(halves[i / 8] >> i % 8 * 8);
    }
    return uuid;
}

struct ms_client *ms_clients_own(struct ms_master *master, const struct ms_uuid *uuid)
{
    struct ms_client *client = find_or_create(master, uuid);

    if (client != NULL) {
        client->is_own = true;
    }
    return client;
}

bool ms_clients_is_own(const struct ms_master *master, const struct ms_uuid *uuid)
{
    const struct ms_floor *floor = ms_floors_find(&master->floors, uuid);

    return floor != NULL && floor->client != NULL && floor->client->is_own;
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
    if (!is_bye && !is_leaving(master, client) && ms_client_is_waited_for(client) &&
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
    if (client->session != NULL || client->is_own || ms_client_is_waited_for(client) ||
        client->spools_count > 0) {
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
    ms_sources_finish(&master->sources);
    while (master->clients.chunks != NULL &&
           (client = ms_pool_next(&master->clients, &cursor)) != NULL) {
        ms_index_finish(&client->index);
        ms_arrays_close_book(&client->arrays, &master->queue.slab);
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

static void cancel(struct ms_master *master, ms_time now, struct ms_client *client,
                   const struct ms_command *command)
{
    struct ms_array *array = ms_arrays_find(&client->arrays, command->id.seq);
    struct ms_work *work = array != NULL
                               ? ms_array_reach(&master->queue, now, array, command->id.seq)
                               : ms_queue_find(&master->queue, client, command->id.seq);
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
        ms_submit(master, now, client, command);
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
    case MS_KIND_CALL:
        ms_services_call(master, client, command);
        break;
    default:
        ms_master_refuse(master, client->session->peer, MS_E_ROLE, NULL);
        break;
    }
}
