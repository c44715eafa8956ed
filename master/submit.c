#include "master/submit.h"

#include "core/invariant.h"
#include "master/broadcast.h"
#include "master/clients.h"
#include "master/outcomes.h"
#include "master/page.h"
#include "master/rare.h"
#include "master/recovery.h"
#include "master/results.h"
#include "master/spool.h"
#include "master/state.h"
#include "master/targets.h"
#include "master/terms.h"

/* It is of class strict, this master is alone, and the client will be told on this connection when it is not. */
static bool is_owed(const struct ms_master *master, const struct ms_client *client,
                    uint8_t durability, uint32_t *owed_on)
{
    const bool is_lone =
        durability == MS_DURABILITY_STRICT && master->journal.copies < MS_STRICT_COPIES;

    if (!is_lone || *owed_on == client->connection) {
        return is_lone;
    }
    *owed_on = client->connection;
    return false;
}

/* Said once the command's record is durable. */
static void acknowledge(struct ms_master *master, const struct ms_client *client,
                        struct ms_work *work)
{
    if (client->is_own) {
        return;
    }
    ms_assert(client->session->peer != MS_PEER_NONE);
    if (is_owed(master, client, work->durability, &work->owed_on)) {
        return;
    }
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

static void acknowledge_array(struct ms_master *master, struct ms_array *array)
{
    if (is_owed(master, array->client, array->record.durability, &array->owed_on)) {
        return;
    }
    ms_journal_answer(master, array->submit_record,
                      &(struct ms_answer){
                          .kind = MS_KIND_SUBMIT_ACK,
                          .peer = array->client->session->peer,
                          .made_at = master->engine.now,
                          .durability = array->record.durability,
                          .first = array->first,
                          .count = array->count,
                      });
}

enum ms_durability ms_submit_usual_class(const struct ms_master *master)
{
    if (!master->config.is_durable) {
        return MS_DURABILITY_MEM;
    }
    return master->config.is_paired ? MS_DURABILITY_SYNC : MS_DURABILITY_LOCAL;
}

static bool is_broadcast(const struct ms_command *submit)
{
    return submit->terms != NULL && submit->terms->on > 0;
}

/* The class of a submission: what it asks for, or else what this master gives everything; a broadcast is never less durable
 * than that, because what was begun where is to be known. */
static enum ms_durability class_of(const struct ms_master *master, const struct ms_command *submit)
{
    const enum ms_durability usual = ms_submit_usual_class(master);

    if (usual == MS_DURABILITY_MEM) {
        return usual;
    }
    if ((submit->flags & MS_FLAG_DURABILITY) != 0 && !is_broadcast(submit)) {
        return (enum ms_durability)submit->durability;
    }
    return submit->durability > usual ? (enum ms_durability)submit->durability : usual;
}

static bool is_array(const struct ms_command *submit)
{
    return submit->terms != NULL && submit->terms->array_count > 0;
}

/* Commands that it stands for, at most: a broadcast has no more than there are slaves. */
static uint32_t count_of(const struct ms_master *master, const struct ms_command *submit)
{
    const uint32_t count = is_array(submit) ? submit->terms->array_count : 1;
    const uint32_t slaves = ms_pool_used(&master->slaves);

    return is_broadcast(submit) && count > slaves ? slaves : count;
}

/* Whether there is room for it, in memory and in the store. */
static enum ms_error examine_room(struct ms_master *master, const struct ms_client *client,
                                  const struct ms_command *submit)
{
    const uint32_t count = count_of(master, submit);

    if ((uint64_t)client->live_count + client->waiting_count + count > MS_OUTSTANDING_MAX ||
        ms_closed_is_full(&client->floor->closed) ||
        !ms_queue_has_room(&master->queue, count, submit->payload.size)) {
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

/* Whether an array can ever fit, and none of its numbers is of something else that lives. */
static enum ms_error examine_array(struct ms_master *master, const struct ms_client *client,
                                   const struct ms_command *submit)
{
    const uint64_t first = submit->id.seq;
    const uint32_t count = submit->terms->array_count;
    bool is_known = false;

    if (count_of(master, submit) > master->queue.commands_max) {
        ms_complain(&master->complaint, "an array of %u commands, at most %llu are kept here",
                    count, (unsigned long long)master->queue.commands_max);
        return MS_E_BAD_ARGUMENT;
    }
    for (uint32_t i = 0; i < count && client->live_count > 0 && !is_known; i++) {
        is_known = ms_queue_find(&master->queue, client, first + i) != NULL;
    }
    for (uint32_t i = 0; i < client->arrays.count && !is_known; i++) {
        const struct ms_array *other = client->arrays.places[i];

        is_known = other->first <= first + count - 1 && first <= other->first + other->count - 1;
    }
    if (is_known) {
        ms_complain(&master->complaint, "one of its numbers is of another command");
    }
    return is_known ? MS_E_BAD_ARGUMENT : MS_E_OK;
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

    if (error == MS_E_OK && is_array(submit)) {
        error = examine_array(master, client, submit);
    }
    if (error == MS_E_OK && (submit->flags & MS_FLAG_PARTS) != 0) {
        error = ms_spool_examine(master, client, submit);
    }
    if (error != MS_E_OK) {
        return error;
    }
    if ((submit->durability == MS_DURABILITY_STRICT && master->journal.copies < MS_STRICT_COPIES) ||
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

/* terms: what it is submitted with, to be filled in where its route says more. */
static struct ms_record record_of(const struct ms_master *master, const struct ms_client *client,
                                  const struct ms_lane *lane, const struct ms_command *submit,
                                  struct ms_terms *terms)
{
    const int64_t wall = ms_master_wall(master);
    const int8_t priority = lane->route->priority;
    const bool is_default =
        priority != 0 && (submit->terms == NULL || submit->terms->priority == 0);

    if (is_default) {
        *terms = submit->terms != NULL ? *submit->terms : (struct ms_terms){0};
        terms->priority = priority;
    }
    return (struct ms_record){
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
        .terms = is_default ? terms : submit->terms,
    };
}

/* All that it stands for has ended before; 0 is no number. */
static bool is_closed(const struct ms_client *client, const struct ms_command *submit)
{
    uint32_t i = 0;

    if (!is_array(submit)) {
        return ms_closed_has(&client->floor->closed, submit->id.seq);
    }
    if (submit->terms->array_count > MS_ARRAY_MAX) {
        return false; /* it is refused for that */
    }
    while (i < submit->terms->array_count &&
           (ms_closed_has(&client->floor->closed, submit->id.seq + i) ||
            ms_array_is_told(submit->terms->array_closed, i))) {
        i++;
    }
    return i == submit->terms->array_count;
}

/* A slave may have it already, if it was submitted to the last master too. Of those of class mem no lease was told to anybody. */
static bool may_be_held(struct ms_master *master, const struct ms_client *client,
                        uint8_t durability)
{
    if (client->is_fresh) {
        return false;
    }
    if (durability == MS_DURABILITY_MEM && master->awaited_count > 0) {
        ms_recovery_doubt(master);
    }
    return master->queue.is_doubting;
}

/* False when memory is out. Members may have ended under a master that has forgotten the array. */
static bool accept_array(struct ms_master *master, ms_time now, struct ms_client *client,
                         struct ms_lane *lane, const struct ms_record *record)
{
    const struct ms_bytes told = record->terms->array_closed;
    struct ms_array *array = ms_array_open(&master->queue, now, client, lane, record);

    if (array == NULL) {
        return false;
    }
    ms_targets_bind(master, array);
    array->is_in_doubt = may_be_held(master, client, record->durability);
    if (record->durability != MS_DURABILITY_MEM) {
        client->floor->is_durable = true;
        array->submit_record = ms_journal_put(&master->journal, record);
    }
    if (told.size > 0 ||
        ms_closed_has_any(&client->floor->closed, array->first, array->first + array->count - 1)) {
        ms_array_close_known(master, now, array, told, true);
        ms_array_tell(&master->queue, array);
    }
    ms_orphans_claim_array(master, now, array);
    acknowledge_array(master, array);
    return true;
}

static bool accept(struct ms_master *master, ms_time now, struct ms_client *client,
                   struct ms_lane *lane, const struct ms_command *submit)
{
    struct ms_terms terms;
    const struct ms_record record = record_of(master, client, lane, submit, &terms);

    if (is_array(submit)) {
        return accept_array(master, now, client, lane, &record);
    }
    const bool is_held = may_be_held(master, client, record.durability);
    const bool is_doubting = master->queue.is_doubting;

    master->queue.is_doubting = is_held;
    struct ms_work *rival = ms_uniques_rival(&master->queue.uniques, lane, submit->terms);
    struct ms_work *work = ms_queue_submit(&master->queue, now, client, lane, &record);

    master->queue.is_doubting = is_doubting;
    if (work == NULL) {
        return false;
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
    acknowledge(master, client, work);
    return true;
}

/* As many members as there are slaves, and each of them is bound to its own. */
static enum ms_error accept_broadcast(struct ms_master *master, ms_time now,
                                      struct ms_client *client, struct ms_lane *lane,
                                      const struct ms_command *submit)
{
    const uint32_t room = submit->terms->array_count;
    struct ms_command aimed = *submit;
    struct ms_terms terms;
    const enum ms_error error = ms_broadcast_aim(master, lane, submit, &terms);

    if (error != MS_E_OK) {
        return error;
    }
    aimed.terms = &terms;
    const bool is_accepted = accept(master, now, client, lane, &aimed);

    ms_broadcast_drop(master, &terms);
    if (!is_accepted) {
        return MS_E_RETRY_LATER;
    }
    const struct ms_array *array = ms_arrays_find(&client->arrays, submit->id.seq);

    ms_assert(array != NULL && array->count <= room);
    ms_broadcast_close_rest(master, array, room);
    ms_broadcast_tell_rest(master, array, room);
    return MS_E_OK;
}

/* A number of an array that is known: only the whole of it can come again. */
static void meet_array(struct ms_master *master, ms_time now, const struct ms_command *submit,
                       struct ms_array *array)
{
    if (!is_array(submit) || submit->id.seq != array->first) {
        ms_complain(&master->complaint, "its number is of an array that begins with %llu",
                    (unsigned long long)array->first);
        ms_clients_refuse(master, array->client, submit->id.seq, MS_E_BAD_ARGUMENT,
                          master->complaint.text);
        return;
    }
    if (array->forgotten != NULL && ms_master_is_draining(master)) { /* these would be new */
        ms_clients_refuse(master, array->client, array->first, MS_E_DRAINING, NULL);
        return;
    }
    if (array->forgotten != NULL) {
        ms_array_recall(&master->queue, array);
        ms_array_close_known(master, now, array, submit->terms->array_closed, false);
    }
    acknowledge_array(master, array);
    ms_broadcast_tell_rest(master, array, submit->terms->array_count);
    if ((submit->flags & MS_FLAG_BACKGROUND) == 0 &&
        ms_journal_covers(&master->journal, array->submit_record)) { /* else nothing was told yet */
        ms_array_tell(&master->queue, array);
    }
}

enum ms_error ms_submit_own(struct ms_master *master, ms_time now, struct ms_client *client,
                            const struct ms_command *command)
{
    struct ms_lane *lane;
    enum ms_error error;

    ms_assert(client->is_own && command->id.seq > 0);
    if (ms_queue_find(&master->queue, client, command->id.seq) != NULL ||
        is_closed(client, command)) {
        return MS_E_OK; /* it is known */
    }
    lane = find_lane(master, client, command->type);
    master->complaint.text[0] = '\0';
    error = examine(master, client, lane, command);
    if (error == MS_E_OK && !accept(master, now, client, lane, command)) {
        error = MS_E_RETRY_LATER;
    }
    if (error == MS_E_OK) {
        client->submitted_total++;
        master->totals.submitted_total++;
    }
    return error;
}

void ms_submit(struct ms_master *master, ms_time now, struct ms_client *client,
               const struct ms_command *command)
{
    const uint64_t seq = command->id.seq;
    struct ms_array *array = client->arrays.count > 0 ? ms_arrays_find(&client->arrays, seq) : NULL;
    struct ms_work *work = ms_queue_find(&master->queue, client, seq);
    struct ms_spool *spool = client->spools_count > 0 ? ms_spool_find(client, seq) : NULL;
    struct ms_lane *lane;
    enum ms_error error;

    if (array != NULL) {
        meet_array(master, now, command, array);
        return;
    }
    if (work != NULL) {
        acknowledge(master, client, work);
        if (ms_work_is_finished(work) &&
            !(work->is_archived && (command->flags & MS_FLAG_BACKGROUND) != 0)) {
            ms_outcomes_resend(master, work);
        }
        /* Somebody kicked it when its client had been given up. */
        work->is_recalled |= !ms_work_is_finished(work) &&
                             (work->flags & MS_FLAG_BACKGROUND) != 0 &&
                             (command->flags & MS_FLAG_BACKGROUND) == 0;
        return;
    }
    if (seq == 0 || is_closed(client, command)) {
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
    if (error == MS_E_OK && is_broadcast(command)) {
        error = accept_broadcast(master, now, client, lane, command);
    } else if (error == MS_E_OK && !accept(master, now, client, lane, command)) {
        error = MS_E_RETRY_LATER;
    }
    if (error != MS_E_OK) {
        ms_spool_drop(master, spool);
        ms_clients_refuse(master, client, seq, error,
                          master->complaint.text[0] != '\0' ? master->complaint.text : NULL);
        return;
    }
    const uint32_t count = is_broadcast(command) ? ms_arrays_find(&client->arrays, seq)->count
                                                 : count_of(master, command);

    client->submitted_total += count;
    master->totals.submitted_total += count;
}
