/* How a run ends: nothing is lost on the way, and when faults stop everything comes to its end in time. */
#include "client/client.h"
#include "core/invariant.h"
#include "master/clients.h"
#include "master/state.h"
#include "tests/sim/nodes.h"
#include "tests/sim/observer.h"
#include "tests/sim/observer_arrays.h"
#include "tests/sim/tally.h"

/* The longest any time-out, back-off or pause of the protocol lasts once nothing goes wrong any more,
 * generously: connection and greeting, the walk to dead and reclaim, the longest pause before a retry, and
 * that the outcomes of clients that are gone make room. */
#define BOUND_FIXED (90 * MS_SEC)
#define BOUND_TICKS 150
#define SPAN_BYTES  800 /* at most, of the numbers that one client has closed */

/* What is open may all have to be done again, one after the other. */
static ms_time bound_of(const struct sim_world *world)
{
    const struct sim_config *config = &world->config;
    const ms_time one = config->work_max * 4 + 2 * config->tick;

    return BOUND_FIXED + BOUND_TICKS * config->tick +
           (ms_time)((world->observer->open_count + world->provider.total) * config->attempts_max) *
               one;
}

/* Every submission that has not ended is in its client's books, and in the master's when it was
 * accepted there. */
void sim_check_kept(struct sim_world *world)
{
    struct sim_observer *observer = world->observer;

    while (observer->kept_from < observer->records_count &&
           (observer->records[observer->kept_from].is_over ||
            observer->records[observer->kept_from].is_gone)) {
        observer->kept_from++;
    }
    for (uint32_t i = observer->kept_from; i < observer->records_count; i++) {
        const struct sim_record *record = &observer->records[i];
        const struct sim_node *node = &world->nodes[record->node];

        if (record->is_over || record->is_gone || record->id.seq == 0) {
            continue;
        }
        ms_assert(node->is_up && node->incarnation == record->incarnation);
        const struct ms_client_engine *client =
            (const struct ms_client_engine *)(const void *)node->engine;

        if (ms_requests_find(&client->requests, record->id.seq) == NULL) {
            sim_fail(world, "lost", "%s knows nothing of seq %llu, which has no end yet",
                     sim_node_name(world, record->node), (unsigned long long)record->id.seq);
        }
        sim_check_accepted(world, record);
    }
}

void sim_check_accepted(struct sim_world *world, const struct sim_record *record)
{
    const struct sim_node *node = sim_newest(world);
    const struct ms_master *master = node->is_up ? sim_master_of(node) : NULL;

    if (world->observer->is_torn) {
        return; /* it may wait with the other half */
    }
    if (record->is_promised && sim_serving(world) != NULL) {
        if (!sim_master_knows(node, &record->id)) {
            sim_fail(world, "lost", "seq %llu of %s was promised, and the master knows nothing",
                     (unsigned long long)record->id.seq, sim_node_name(world, record->node));
        }
        return;
    }
    if (master == NULL || record->accepted_by != sim_view(world, node)->tenure) {
        return;
    }
    const struct ms_floor *floor = ms_floors_find(&master->floors, &record->id.client);
    const struct ms_client *client = floor == NULL ? NULL : floor->client;

    if (client == NULL) {
        /* A client that was dead to the master for long is forgotten with all it had. */
        return;
    }
    if (ms_queue_find(&master->queue, client, record->id.seq) == NULL &&
        !sim_array_waits(master, &record->id) &&
        !(record->is_cancel_confirmed && sim_array_has_closed(master, &record->id)) &&
        (record->flags & MS_FLAG_BACKGROUND) == 0 &&
        record->outcome_master != record->accepted_by) {
        sim_fail(world, "lost", "the master accepted seq %llu of %s and has forgotten it",
                 (unsigned long long)record->id.seq, sim_node_name(world, record->node));
    }
}

/* Outcomes of a client's former run stay until it, or whoever has its name, is gone. */
static bool has_work(struct sim_world *world, const struct ms_master *master)
{
    uint32_t cursor = 0;
    const struct ms_work *work;

    while ((work = ms_pool_next(&master->queue.pool, &cursor)) != NULL) {
        const struct sim_record *record =
            sim_record_find(world, &(struct ms_id){work->client->uuid, work->seq});

        if (work->is_archived) {
            continue; /* until it is retired, which may take longer than a run */
        }
        if (record == NULL || !ms_work_is_finished(work) ||
            record->incarnation == world->nodes[record->node].incarnation) {
            return true;
        }
    }
    return false;
}

static bool is_idle(struct sim_world *world)
{
    const struct sim_observer *observer = world->observer;

    if (observer->open_count > 0 || observer->queries_open > 0) {
        return false;
    }
    for (uint32_t i = 0; i < world->nodes_count; i++) {
        if (!world->nodes[i].is_up || observer->held[i] > 0) {
            return false;
        }
    }
    if (world->config.masters > 1 && !sim_pair_is_whole(world)) {
        return false;
    }
    const struct sim_node *node = sim_serving(world);

    return node != NULL && !sim_arrays_wait(sim_master_of(node)) &&
           !has_work(world, sim_master_of(node)) && sim_provider_is_done(world, node) &&
           sim_master_is_at_rest(node);
}

bool sim_observer_is_done(struct sim_world *world, ms_time healed_at)
{
    struct sim_observer *observer = world->observer;

    if (is_idle(world)) {
        return true;
    }
    if (observer->bound == 0) {
        observer->bound = bound_of(world);
    }
    if (world->now - healed_at > observer->bound) {
        const struct sim_node *node = sim_serving(world);

        sim_pair_describe(world);
        sim_fail(world, "liveness",
                 "%lld s after the last fault %u submissions have no end, and the master has %u "
                 "commands",
                 (long long)(observer->bound / MS_SEC), observer->open_count,
                 node != NULL ? ms_queue_count(&sim_master_of(node)->queue) : 0);
    }
    return false;
}

/* With no command left, only what each client has closed may be remembered; and parts of a payload whose client died before its
 * SUBMIT, until that is given up. */
static void check_bytes(struct sim_world *world, const struct ms_master *master)
{
    uint64_t spans = 0;
    uint32_t cursor = 0;
    const struct ms_floor *floor;

    while ((floor = ms_pool_next(&master->floors.pool, &cursor)) != NULL) {
        ms_list_for_each(link, &floor->closed.list)
        {
            spans++;
        }
        ms_list_for_each(link, &floor->closed.gone)
        {
            spans++;
        }
    }
    if (ms_queue_count(&master->queue) == 0 && master->spools_count == 0 &&
        ms_slab_used(&master->queue.slab) > spans * SPAN_BYTES) {
        sim_fail(world, "drained", "%zu bytes of payloads are left over",
                 ms_slab_used(&master->queue.slab));
    }
}

void sim_observer_finish(struct sim_world *world)
{
    const struct sim_observer *observer = world->observer;
    struct sim_node *node = sim_newest(world);
    struct ms_master_stats stats;

    for (uint32_t i = 0; i < world->nodes_count; i++) {
        world->nodes[i].ops->check(world, &world->nodes[i]);
    }
    ms_master_stats(sim_master_of(node), &stats);
    if (stats.held != 0) {
        sim_fail(world, "drained", "the master thinks that slaves hold %llu commands",
                 (unsigned long long)stats.held);
    }
    sim_pair_compare(world);
    check_bytes(world, sim_master_of(node));
    sim_arrays_finish(world, sim_master_of(node));
    sim_tally_finish(world, sim_master_of(node));
    if (node->disk != NULL) {
        sim_recovery_check(world, node);
    }
    /* Of a pair, votes may have taken all the time. */
    if (observer->records_count == 0 && world->config.masters == 1) {
        sim_fail(world, "work", "nothing was submitted");
    }
}
