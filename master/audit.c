#include "core/invariant.h"
#include "master/archive.h"
#include "master/clients.h"
#include "master/gates.h"
#include "master/output.h"
#include "master/rare.h"
#include "master/slaves.h"
#include "master/state.h"
#include "master/targets.h"

#define MEMBERS_MAX 65536u /* of an array that are looked at one by one */

/* What the walks add up, to be compared with what is kept. */
struct sums {
    uint64_t states[MS_LIFE_STATES];
    uint64_t leased, ready, aimed, aside, lone, gated, doubted, timed, durable, settling;
    uint64_t block_bytes;
    uint64_t held, credit, slots, sessions_with_profile;
    uint64_t live, finished;
    uint64_t archived, archive_volatile, archive_bytes;
    ms_epoch epoch;
};

static size_t list_length(const struct ms_list *list)
{
    size_t length = 0;

    for (const struct ms_list *link = list->next; link != list; link = link->next) {
        ms_assert(link->next->prev == link);
        length++;
    }
    return length;
}

static bool list_has(const struct ms_list *list, const struct ms_list *wanted)
{
    for (const struct ms_list *link = list->next; link != list; link = link->next) {
        if (link == wanted) {
            return true;
        }
    }
    return false;
}

static void check_output(const struct ms_work *work)
{
    const struct ms_output *output = work->output;
    uint32_t count = 0;

    if (output == NULL) {
        return;
    }
    ms_assert(output->work == work);
    for (const struct ms_piece *piece = output->first; piece != NULL; piece = piece->next) {
        ms_assert(piece->index == count);
        ms_assert(piece->next != NULL || piece == output->last);
        count++;
    }
    ms_assert(count == output->count);
    ms_assert(output->bytes <= MS_RESULT_BYTES_MAX);
}

/* Where it waits: DELAYED in the heap, or with its leader; else on a list, and for its deadline in the heap. */
static void check_place(const struct ms_work *work)
{
    const bool is_follower = ms_unique_is_follower(work);
    const bool is_timed = ms_heap_has(&work->timer);

    ms_assert(!is_follower || work->state == MS_LIFE_DELAYED);
    if (work->state == MS_LIFE_DELAYED) {
        ms_assert(is_timed != is_follower);
        ms_assert(ms_list_is_linked(&work->link) == is_follower);
        return;
    }
    if (work->is_archived) {
        ms_assert(is_timed && !ms_list_is_linked(&work->link));
        return;
    }
    ms_assert(!is_timed || (work->state == MS_LIFE_READY && !work->is_in_doubt &&
                            ms_work_deadline(work) != MS_TIME_NEVER));
    ms_assert(ms_list_is_linked(&work->link) != ms_unique_is_settling(work));
}

/* A key has one leader, who is live as long as it has the key. */
static void check_unique(const struct ms_master *master, const struct ms_work *work,
                         struct sums *sums)
{
    const struct ms_claim *unique = work->rare != NULL ? work->rare->claim : NULL;

    if (unique == NULL) {
        return;
    }
    if (unique->leader != work) {
        ms_assert(!ms_work_is_finished(work) && unique->lane == work->lane->root);
        ms_assert(!ms_work_is_finished(unique->leader) || ms_unique_is_settling(unique->leader));
        return;
    }
    ms_assert(ms_work_is_finished(work) == ms_unique_is_settling(work));
    ms_assert(!unique->is_held || !ms_work_is_finished(work));
    ms_assert(!unique->is_held || ms_uniques_find(&master->queue.uniques, work->lane->root,
                                                  ms_unique_key(work)) == unique);
    sums->settling += ms_unique_is_settling(work);
}

/* Its own or its array's; what cannot be started any more has none of its own. */
static void check_key(const struct ms_work *work)
{
    const struct ms_rare *rare = work->rare;

    if (rare != NULL && rare->key != NULL) {
        ms_assert(rare->array == NULL && rare->key_size > 0);
        ms_assert(!ms_work_is_finished(work) || rare->has_payload);
    }
}

static void check_work(const struct ms_master *master, const struct ms_work *work,
                       struct sums *sums)
{
    const bool is_leased = work->state == MS_LIFE_LEASED;

    ms_assert(work->state > MS_LIFE_NONE && work->state < MS_LIFE_CLOSED);
    ms_assert(ms_queue_find(&master->queue, work->client, work->seq) == work);
    ms_assert((work->holder != NULL) == is_leased);
    ms_assert((work->token != 0) == is_leased);
    ms_assert(!is_leased || ms_queue_find_token(&master->queue, ms_work_token(work),
                                                master->queue.epoch) == work);
    ms_assert(!work->is_in_doubt || work->state == MS_LIFE_READY);
    ms_assert(!work->is_lone || work->state == MS_LIFE_READY);
    ms_assert(ms_work_is_durable(work) || work->record == 0);
    ms_assert(work->record <= master->journal.last);
    check_place(work);
    ms_assert(!work->is_archived || ms_archive_wants(work));
    ms_assert(!work->is_archived || ms_closed_has(&work->client->floor->closed, work->seq));
    ms_assert(ms_work_is_finished(work) || work->rare == NULL || !work->rare->has_payload);
    ms_assert(work->rare == NULL || work->rare->unique == NULL || work->state == MS_LIFE_BURIED);
    check_key(work);
    ms_assert((uint64_t)work->size + work->detail_size +
                  (work->has_usage ? sizeof(struct ms_usage) : 0) <=
              work->block_size);
    ms_assert((work->block != NULL) == (work->block_size > 0));
    ms_assert(ms_work_is_finished(work) || work->sent_on == 0);
    ms_assert(!is_leased || work->attempt > 0);
    ms_assert(ms_work_is_finished(work) || work->failures < work->attempts_max);
    check_output(work);
    check_unique(master, work, sums);
    sums->states[work->state]++;
    sums->leased += is_leased;
    sums->durable += ms_work_is_durable(work);
    sums->ready += work->state == MS_LIFE_READY && !work->is_in_doubt && !work->is_aside &&
                   !work->is_gated && !work->is_lone && !ms_work_is_aimed(work);
    sums->aimed += work->state == MS_LIFE_READY && !work->is_in_doubt && !work->is_gated &&
                   !work->is_lone && ms_work_is_aimed(work);
    sums->lone += work->is_lone;
    sums->gated += work->is_gated;
    sums->aside += work->is_aside;
    sums->doubted += work->is_in_doubt;
    sums->timed += ms_heap_has(&work->timer) && !work->is_archived;
    sums->finished += ms_work_is_finished(work) && !work->is_archived;
    sums->archived += work->is_archived;
    sums->archive_volatile += work->is_archived && !ms_work_is_durable(work);
    sums->archive_bytes += work->is_archived ? ms_archive_weight(work) : 0;
}

/* What its live members add up to, and that each of the others waits or is closed. */
static void check_members(const struct ms_master *master, const struct ms_array *array)
{
    uint32_t live = 0, leased = 0, ready = 0, closed = 0;

    for (uint64_t seq = array->first; seq < array->first + array->count; seq++) {
        const struct ms_work *work = ms_queue_find(&master->queue, array->client, seq);

        closed += ms_array_is_closed(array, seq);
        if (work == NULL) {
            continue;
        }
        ms_assert(ms_work_array(work) == array && !ms_array_is_closed(array, seq));
        live++;
        leased += work->state == MS_LIFE_LEASED;
        ready +=
            work->state == MS_LIFE_READY && !work->is_in_doubt && !work->is_gated && !work->is_lone;
    }
    ms_assert(live == array->live_count && leased == array->leased_count);
    ms_assert(ready == array->ready_count);
    ms_assert(closed + live + array->waiting_count == array->count);
}

static void check_arrays(const struct ms_master *master, const struct sums *sums)
{
    const struct ms_arrays *arrays = &master->queue.arrays;
    const struct ms_array *array;
    uint64_t waiting = 0, delayed = 0, gated = 0;
    uint32_t cursor = 0;

    while ((array = ms_pool_next(&arrays->pool, &cursor)) != NULL) {
        const bool is_due = ms_list_is_linked(&array->due);

        ms_assert(ms_arrays_find(&array->client->arrays, array->first) == array);
        ms_assert(array->waiting_count + array->live_count > 0 || master->journal.is_replaying);
        ms_assert(array->head != NULL || array->waiting_count == 0 || is_due);
        ms_assert(array->head == NULL || ms_work_array(array->head) == array);
        ms_assert(array->head == NULL || array->head->state == MS_LIFE_READY ||
                  array->head->state == MS_LIFE_DELAYED);
        ms_assert(list_length(&array->gated) == array->gated_count);
        ms_assert(array->gated_count == 0 || is_due ||
                  (uint64_t)array->leased_count + array->ready_count >= array->concurrency);
        ms_assert(array->gated_count == 0 || is_due || array->concurrency > 0);
        if (array->count <= MEMBERS_MAX) {
            check_members(master, array);
        }
        waiting += array->waiting_count;
        delayed += array->is_delayed ? array->waiting_count : 0;
        gated += array->gated_count;
    }
    ms_assert(waiting == arrays->waiting_count && delayed == arrays->delayed_count);
    ms_assert(gated == sums->gated);
}

static void check_queue(const struct ms_master *master, struct sums *sums)
{
    const struct ms_queue *queue = &master->queue;
    const struct ms_work *work;
    uint32_t cursor = 0;
    uint32_t count = 0;

    while ((work = ms_pool_next(&queue->pool, &cursor)) != NULL) {
        check_work(master, work, sums);
        count++;
    }
    ms_assert(count == ms_pool_used(&queue->pool));
    ms_assert(sums->leased == queue->leases.count + ms_map_count(&queue->adopted));
    ms_assert(sums->doubted == queue->doubted_count);
    ms_assert(sums->archived == ms_heap_count(&queue->archive));
    ms_assert(sums->archive_volatile == queue->archive_volatile);
    ms_assert(sums->archive_bytes == queue->archive_bytes);
    ms_assert(sums->durable == queue->durable_count);
    ms_assert(list_length(&queue->doubted) == queue->doubted_count);
    ms_assert(sums->timed == ms_heap_count(&queue->delayed));
    ms_assert(sums->lone == queue->lone_count);
    ms_assert(list_length(&queue->lone) == queue->lone_count);
    ms_assert(sums->aside == queue->aside_count);
    ms_assert(list_length(&queue->aside) == queue->aside_count);
    check_arrays(master, sums);
    ms_assert(queue->incomplete_count == 0 || master->journal.is_replaying ||
              master->journal.is_failed);
    for (size_t state = 0; state < MS_LIFE_STATES; state++) {
        ms_assert(sums->states[state] == queue->states[state]);
    }
}

static void check_ready_list(const struct ms_lane *lane)
{
    uint32_t count = 0;

    for (int priority = MS_PRIORITY_MIN; priority <= MS_PRIORITY_MAX; priority++) {
        const struct ms_list *level = ms_lane_level(lane, priority);

        if (level == NULL || ms_list_is_empty(level)) {
            continue;
        }
        ms_assert((lane->ready_levels >> (priority - MS_PRIORITY_MIN) & 1) != 0);
        ms_list_for_each(link, level)
        {
            const struct ms_work *work = ms_work_of(link);

            ms_assert(work->state == MS_LIFE_READY && work->lane == lane);
            ms_assert(work->priority == priority);
            count++;
        }
    }
    ms_assert(count == lane->ready_count);
}

/* A command and credit for it never both wait, unless one of them is due, or the master will stop. */
static void check_member(const struct ms_member *member, bool is_draining)
{
    const struct ms_lane *lane = member->lane;
    const struct ms_profile *profile = member->profile;

    ms_assert(ms_list_is_linked(&member->supply) && ms_list_is_linked(&member->demand));
    ms_assert(profile->ready_count == 0 || ms_list_is_empty(&profile->dry));
    ms_assert(lane->ready_count == 0 || ms_list_is_empty(&lane->quiet) ||
              ms_list_is_linked(&lane->held_back));
    if (lane->ready_count > 0 && profile->ready_count > 0 && !is_draining &&
        !ms_list_is_linked(&lane->held_back) && !ms_gates_bar(member)) {
        ms_assert(ms_list_is_linked(&lane->due) || ms_list_is_linked(&profile->due));
    }
}

/* Returns how many members it has. */
static uint32_t check_lane(const struct ms_master *master, const struct ms_lane *lane)
{
    uint32_t members = 0;

    check_ready_list(lane);
    ms_list_for_each(link, &lane->members)
    {
        check_member(ms_container_of(link, struct ms_member, of_lane),
                     ms_master_is_draining(master));
        members++;
    }
    return members;
}

static void check_lanes(const struct ms_master *master, struct sums *sums)
{
    uint64_t ready = 0;
    uint64_t members = 0;
    const struct ms_lane *lane;
    uint32_t cursor = 0;

    while ((lane = ms_pool_next(&master->lanes.pool, &cursor)) != NULL) {
        ms_assert(ms_lanes_find(&master->lanes, lane->type) == lane && lane->root == lane);
        for (uint32_t i = 0; i <= lane->branches_count; i++) {
            const struct ms_lane *one = i == 0 ? lane : &lane->branches[i - 1];

            ms_assert(one->root == lane && one->type == lane->type);
            members += check_lane(master, one);
            ready += one->ready_count;
            sums->live += one->live_count;
        }
    }
    ms_assert(ready == sums->ready);
    ms_assert(members == master->lanes.members_count);
    ms_assert(sums->live == ms_queue_count(&master->queue));
}

/* Returns how many were handed out by this master, and not adopted. */
static uint64_t check_held(const struct ms_slave *slave, const struct ms_list *list, ms_epoch epoch)
{
    uint64_t own = 0;

    ms_list_for_each(link, list)
    {
        const struct ms_work *work = ms_work_of(link);

        ms_assert(work->state == MS_LIFE_LEASED);
        ms_assert(work->holder == slave);
        own += work->token_epoch == epoch;
    }
    return own;
}

/* What only it may run, and it has credit: then it is due. */
static void check_aimed(const struct ms_master *master, const struct ms_slave *slave,
                        struct sums *sums)
{
    ms_list_for_each(link, &slave->aimed)
    {
        ms_assert(ms_target_of(ms_work_of(link))->slave == slave);
        sums->aimed--;
    }
    ms_assert(!slave->is_ending || ms_list_is_empty(&slave->aimed));
    ms_assert(!slave->is_ending || ms_list_is_empty(&slave->targets) ||
              ms_list_is_linked(&slave->sweep));
    ms_assert(ms_list_is_empty(&slave->aimed) || !ms_list_is_linked(&slave->session->link) ||
              ms_list_is_linked(&slave->due) || ms_master_is_draining(master));
}

static void check_slave(const struct ms_master *master, const struct ms_slave *slave,
                        struct sums *sums)
{
    const struct ms_session *session = slave->session;
    const bool is_ready = ms_list_is_linked(&session->link);

    ms_assert(session->user == slave && session->role == MS_ROLE_SLAVE);
    ms_assert(list_length(&slave->held) + list_length(&slave->kept) == session->held);
    const uint64_t own =
        check_held(slave, &slave->held, sums->epoch) + check_held(slave, &slave->kept, sums->epoch);

    ms_assert(slave->dispatched_total + session->credit <= slave->granted_total);
    ms_assert(own <= slave->dispatched_total);
    ms_assert(session->credit == 0 || session->peer != MS_PEER_NONE);
    ms_assert(!is_ready || (session->credit > 0 && slave->is_rolled && slave->is_announced));
    ms_assert(!is_ready || !(slave->is_draining || slave->is_ending || slave->is_cordoned));
    ms_assert(slave->is_cordoned ? session->credit == 0 : slave->withheld == 0);
    ms_assert(slave->dispatched_total + slave->withheld <= slave->granted_total);
    ms_assert(is_ready || session->credit == 0 || !slave->is_rolled || !slave->is_announced ||
              slave->upload != NULL);
    ms_assert(!is_ready || slave->upload == NULL);
    ms_assert(slave->upload == NULL ||
              (slave->upload->holder == slave && ms_work_spool(slave->upload) != NULL));
    ms_assert(slave->upload != NULL || !ms_list_is_linked(&slave->uploading));
    ms_assert(!is_ready || list_has(&slave->profile->ready, &session->link));
    for (uint32_t i = 0; i < slave->seats.count; i++) {
        ms_assert(slave->seats.seats[i].session == session);
        ms_assert(!is_ready || ms_heap_has(&slave->seats.seats[i].place));
    }
    ms_assert(!slave->is_ending || session->held == 0 || ms_list_is_linked(&slave->sweep));
    check_aimed(master, slave, sums);
    ms_assert(slave->is_ending == ms_session_is_dead(session) || !slave->is_ending);
    sums->held += session->held;
    sums->credit += session->credit;
    sums->slots += slave->slots;
    sums->sessions_with_profile += slave->profile != NULL;
}

static void check_slaves(const struct ms_master *master, struct sums *sums)
{
    const struct ms_slave *slave;
    uint32_t cursor = 0;
    uint32_t count = 0;

    while ((slave = ms_pool_next(&master->slaves, &cursor)) != NULL) {
        check_slave(master, slave, sums);
        count++;
    }
    ms_assert(sums->aimed == list_length(&master->queue.strays));
    ms_assert(count == ms_pool_used(&master->slaves));
    ms_assert(sums->held == sums->leased);
    ms_assert(sums->credit == master->credit);
    ms_assert(sums->slots == master->slots);
    ms_assert(sums->sessions_with_profile >= ms_map_count(&master->lanes.profiles));
}

static void check_outcome_list(const struct ms_client *client, const struct ms_list *list,
                               bool is_sent, uint64_t *bytes)
{
    ms_list_for_each(link, list)
    {
        const struct ms_work *work = ms_work_of(link);

        ms_assert(ms_work_is_finished(work) && work->client == client);
        ms_assert((work->sent_on == client->connection) == is_sent);
        *bytes += (uint64_t)work->size + work->detail_size +
                  (work->output != NULL ? work->output->bytes : 0);
    }
}

static void check_client(const struct ms_client *client, uint64_t *finished, uint64_t *live)
{
    uint64_t sent_bytes = 0;
    uint64_t pending_bytes = 0;
    uint64_t waiting = 0;

    ms_assert(client->session == NULL || client->session->user == client);
    ms_assert(!ms_client_is_away(client) || client->session == NULL);
    ms_assert(client->floor->client == client);
    ms_assert(!client->is_own || (client->session == NULL && !ms_client_is_away(client)));
    ms_assert(client->session != NULL || client->is_own || ms_client_is_waited_for(client) ||
              client->archived_count > 0 || client->spools_count > 0);
    for (uint32_t i = 0; i < client->arrays.count; i++) {
        waiting += client->arrays.places[i]->waiting_count;
    }
    ms_assert(waiting == client->waiting_count);
    ms_assert(list_length(&client->spools) == client->spools_count);
    check_outcome_list(client, &client->sent, true, &sent_bytes);
    check_outcome_list(client, &client->pending, false, &pending_bytes);
    ms_assert(list_length(&client->sent) == client->sent_count);
    ms_assert(list_length(&client->pending) == client->pending_count);
    ms_assert(sent_bytes == client->sent_bytes);
    ms_assert(client->sent_count + client->pending_count <= client->live_count);
    ms_assert(client->index.count + client->index.spilled ==
              client->live_count + client->archived_count);
    ms_assert(client->session != NULL || client->pending_count == 0 || ms_client_is_away(client) ||
              client->source != NULL || ms_list_is_linked(&client->sweep));
    *finished += client->sent_count + client->pending_count;
    *live += client->live_count + client->archived_count;
}

static void check_clients(const struct ms_master *master, const struct sums *sums)
{
    const struct ms_client *client;
    uint32_t cursor = 0;
    uint64_t finished = 0;
    uint64_t live = 0;

    while ((client = ms_pool_next(&master->clients, &cursor)) != NULL) {
        check_client(client, &finished, &live);
    }
    ms_assert(finished + sums->settling == sums->finished);
    ms_assert(live == ms_queue_count(&master->queue));
    ms_assert(ms_pool_used(&master->clients) <= ms_pool_used(&master->floors.pool));
    ms_assert(ms_pool_used(&master->floors.pool) == ms_map_count(&master->floors.by_uuid));
    ms_assert(list_length(&master->floors.dormant) == master->floors.dormant_count);
}

static void check_sessions(const struct ms_master *master)
{
    const struct ms_session *session;
    uint64_t states[MS_SESSION_STATES] = {0};
    uint32_t connected = 0;
    uint32_t cursor = 0;

    while ((session = ms_session_manager_next(&master->sessions, &cursor)) != NULL) {
        if (session->peer != MS_PEER_NONE) {
            const struct ms_connection *connection =
                ms_connections_find(&master->connections, session->peer);

            ms_assert(connection != NULL && connection->session == session);
            connected++;
        }
        if (!session->is_reclaimed) {
            states[session->state]++;
        }
    }
    ms_assert(connected + master->connections.pending_count == master->connections.count);
    for (size_t state = 0; state < MS_SESSION_STATES; state++) {
        ms_assert(states[state] == master->sessions.states[state]);
    }
}

void ms_master_check(const struct ms_master *master)
{
    struct sums sums = {.epoch = master->queue.epoch};

    ms_assert(master != NULL);
    check_queue(master, &sums);
    check_lanes(master, &sums);
    check_slaves(master, &sums);
    ms_gates_check(&master->lanes, &master->slaves);
    check_clients(master, &sums);
    check_sessions(master);
    ms_groups_check(&master->groups);
    ms_tails_check(&master->tails);
}
