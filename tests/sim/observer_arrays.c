#include "tests/sim/observer_arrays.h"

#include <string.h>

#include "core/invariant.h"
#include "master/clients.h"
#include "master/state.h"
#include "tests/sim/nodes.h"
#include "tests/sim/observer.h"

typedef unsigned long long number;

#define DUE_SLACK MS_MSEC /* that a time may lose on its way through the wall clock */

uint32_t sim_array_add(struct sim_world *world, const struct sim_node *node,
                       const struct ms_command *submit)
{
    const uint32_t count = submit->terms != NULL ? submit->terms->array_count : 0;
    const uint32_t first = sim_record_add(world, node, submit);

    for (uint32_t i = 0; i < count; i++) {
        const uint32_t index = i == 0 ? first : sim_record_add(world, node, submit);
        struct sim_record *record = &world->observer->records[index];

        ms_assert(index == first + i);
        record->array = first;
        record->place = i;
        record->array_count = count;
        record->concurrency = submit->terms->array_concurrency;
        record->on = submit->terms->on;
    }
    world->stats.counts[SIM_STAT_ARRAYS] += count > 0;
    return first;
}

void sim_array_number(struct sim_world *world, uint32_t record, const struct ms_id *first)
{
    const uint32_t count = world->observer->records[record].array_count;

    for (uint32_t i = 0; i < (count == 0 ? 1 : count); i++) {
        world->observer->records[record + i].is_sent |= world->observer->records[record].is_sent;
        sim_record_number(world, record + i, &(struct ms_id){first->client, first->seq + i});
    }
}

uint32_t sim_array_refused_count(const struct sim_record *record, const struct ms_command *nak)
{
    return nak->id.seq == 0 && record->array_count > 0 ? record->array_count : 1;
}

void sim_array_refused(struct sim_world *world, struct sim_record *record,
                       const struct ms_command *nak)
{
    for (uint32_t i = 0; i < sim_array_refused_count(record, nak); i++) {
        sim_record_over(world, record + i);
    }
}

void sim_array_limit(struct sim_world *world, uint32_t record, uint32_t concurrency)
{
    struct sim_record *first = &world->observer->records[world->observer->records[record].array];

    /* The wish may be lost, or be late: what was ever allowed may be so yet. */
    if (first->concurrency != 0 && (concurrency == 0 || concurrency > first->concurrency)) {
        first->concurrency = concurrency;
    }
    world->stats.counts[SIM_STAT_ARRAYS_LIMITED]++;
}

static const struct ms_client *client_of(const struct ms_master *master, const struct ms_uuid *uuid)
{
    const struct ms_floor *floor = ms_floors_find(&master->floors, uuid);

    return floor != NULL ? floor->client : NULL;
}

/* --- while it lasts --- */

static void check_place(struct sim_world *world, const struct sim_record *record,
                        const struct ms_command *command)
{
    const bool is_count = record->on > 0 ? command->count <= record->array_count
                                         : command->count == record->array_count;

    if (command->index != record->place || !is_count) {
        sim_fail(world, "array", "seq %llu is %u of %llu, and goes out as %u of %u",
                 (number)record->id.seq, command->index, (number)command->count, record->place,
                 record->array_count);
    }
}

/* Members that slaves have, in the master's books. */
static uint32_t count_leased(const struct sim_world *world, const struct ms_master *master,
                             const struct sim_record *first)
{
    const struct ms_client *client = client_of(master, &first->id.client);
    uint32_t leased = 0;

    ms_assert(client != NULL);
    for (uint32_t i = 0; i < first->array_count; i++) {
        const struct ms_work *work = ms_queue_find(&master->queue, client, first->id.seq + i);

        leased += work != NULL && work->state == MS_LIFE_LEASED;
    }
    (void)world;
    return leased;
}

/* A master before this one handed members out. */
static bool is_resumed(const struct sim_world *world, const struct sim_record *first,
                       uint32_t tenure)
{
    const struct sim_observer *observer = world->observer;

    for (uint32_t i = 0; i < first->array_count; i++) {
        for (uint32_t j = first[i].first; j != SIM_NONE; j = observer->attempts[j].next) {
            if (observer->attempts[j].master < tenure) {
                return true;
            }
        }
    }
    return false;
}

void sim_array_hand_out(struct sim_world *world, const struct sim_node *node,
                        const struct sim_record *record, const struct ms_command *command)
{
    const struct sim_record *first = &world->observer->records[record->array];
    uint32_t leased;

    check_place(world, record, command);
    if (record->array_count == 0) {
        return;
    }
    leased = count_leased(world, sim_master_of(node), first);
    if (first->concurrency > 0 && leased > first->concurrency) {
        sim_fail(world, "array", "seq %llu is handed out as number %u of its array, and %u may",
                 (number)record->id.seq, leased, first->concurrency);
    }
    world->stats.counts[SIM_STAT_ARRAYS_FULL] +=
        leased == first->concurrency && leased < record->array_count;
    world->stats.counts[SIM_STAT_ARRAYS_RETRIED] += command->attempt > 1;
    world->stats.counts[SIM_STAT_ARRAYS_RESUMED] +=
        is_resumed(world, first, sim_view(world, node)->tenure);
}

void sim_array_run(struct sim_world *world, const struct sim_record *record,
                   const struct ms_command *command)
{
    check_place(world, record, command);
}

void sim_array_outcome(struct sim_world *world, const struct sim_record *record,
                       enum ms_status status)
{
    const struct sim_record *first = &world->observer->records[record->array];

    if (record->array_count == 0) {
        return;
    }
    world->stats.counts[SIM_STAT_ARRAYS_CANCELLED] += status == MS_STATUS_CANCELLED;
    for (uint32_t i = 0; i < first->array_count; i++) {
        if (!first[i].is_over && &first[i] != record) {
            return;
        }
    }
    world->stats.counts[SIM_STAT_ARRAYS_DONE]++;
}

/* --- what a master knows --- */

bool sim_array_waits(const struct ms_master *master, const struct ms_id *id)
{
    const struct ms_array *array = ms_clients_find_array(master, id);

    return array != NULL && ms_array_waits(&master->queue, array, id->seq);
}

bool sim_array_has_closed(const struct ms_master *master, const struct ms_id *id)
{
    const struct ms_array *array = ms_clients_find_array(master, id);

    return array != NULL && ms_array_is_closed(array, id->seq);
}

bool sim_arrays_wait(const struct ms_master *master)
{
    return master->queue.arrays.waiting_count > 0;
}

static bool is_same_time(const struct sim_world *world, ms_time a, ms_time b, ms_time now)
{
    return !sim_walls_agree(world) || (a <= now && b <= now) ||
           (a >= b - DUE_SLACK && a <= b + DUE_SLACK);
}

static void compare(struct sim_world *world, ms_time now, const struct ms_array *array,
                    const struct ms_array *again)
{
    const struct ms_bytes payload = array->record.payload;

    if (again == NULL || again->first != array->first || again->count != array->count ||
        again->concurrency != array->concurrency || again->group != NULL ||
        again->record.attempts_max != array->record.attempts_max ||
        !is_same_time(world, array->due_at, again->due_at, now + DUE_SLACK)) {
        sim_fail(world, "recovery", "the array that begins with seq %llu is another",
                 (number)array->first);
    }
    if (payload.size != again->record.payload.size ||
        (payload.size > 0 && memcmp(payload.data, again->record.payload.data, payload.size) != 0)) {
        sim_fail(world, "recovery", "the array that begins with seq %llu has another payload",
                 (number)array->first);
    }
    for (uint64_t seq = array->first; seq < array->first + array->count; seq++) {
        if (ms_array_is_closed(array, seq) != ms_array_is_closed(again, seq)) {
            sim_fail(world, "recovery", "seq %llu of an array is %s, and after a restart it is %s",
                     (number)seq, ms_array_is_closed(array, seq) ? "closed" : "open",
                     ms_array_is_closed(again, seq) ? "closed" : "open");
        }
    }
}

uint32_t sim_arrays_compare(struct sim_world *world, const struct ms_master *master,
                            const struct ms_master *again)
{
    const struct ms_array *array;
    uint32_t cursor = 0, waiting = 0, count = 0;

    while ((array = ms_pool_next(&master->queue.arrays.pool, &cursor)) != NULL) {
        const struct ms_id id = {array->client->uuid, array->first};

        if (array->record.durability >= MS_DURABILITY_LOCAL) {
            compare(world, again->engine.now, array, ms_clients_find_array(again, &id));
            waiting += array->waiting_count;
            count++;
        }
    }
    if (count != ms_pool_used(&again->queue.arrays.pool)) {
        sim_fail(world, "recovery", "%u arrays are open, and after a restart %u", count,
                 ms_pool_used(&again->queue.arrays.pool));
    }
    return waiting;
}

void sim_arrays_finish(struct sim_world *world, const struct ms_master *master)
{
    const struct ms_array *array;
    uint32_t cursor = 0;

    while ((array = ms_pool_next(&master->queue.arrays.pool, &cursor)) != NULL) {
        if (array->waiting_count > 0 || array->live_count == 0) {
            sim_fail(world, "drained", "%u members wait of an array that begins with seq %llu",
                     array->waiting_count, (number)array->first);
        }
    }
}
