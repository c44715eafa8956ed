/* Recovery gives back what was there: when the disk is at rest, a second master that reads it is in the
 * state of the first, but for what only memory knows. */
#include <string.h>

#include "core/invariant.h"
#include "master/clients.h"
#include "master/rare.h"
#include "master/spool.h"
#include "master/state.h"
#include "master/unique.h"
#include "tests/sim/disk.h"
#include "tests/sim/nodes.h"
#include "tests/sim/observer.h"
#include "tests/sim/observer_arrays.h"
#include "tests/sim/observer_unique.h"
#include "tests/sim/tally.h"

#define COMPARE_EVERY 150     /* steps of the master between two comparisons, at least */
#define DUE_SLACK     MS_MSEC /* that a time may lose on its way through the wall clock */

typedef unsigned long long number;

static const struct ms_master *master_of(const struct sim_node *node)
{
    return sim_master_of(node);
}

static const struct ms_work *find(const struct ms_master *master, const struct ms_id *id)
{
    const struct ms_floor *floor = ms_floors_find(&master->floors, &id->client);

    return floor == NULL || floor->client == NULL
               ? NULL
               : ms_queue_find(&master->queue, floor->client, id->seq);
}

static bool is_closed(const struct ms_master *master, const struct ms_id *id)
{
    const struct ms_floor *floor = ms_floors_find(&master->floors, &id->client);

    return (floor != NULL && ms_closed_has(&floor->closed, id->seq)) ||
           sim_array_has_closed(master, id);
}

bool sim_master_knows(const struct sim_node *node, const struct ms_id *id)
{
    return find(master_of(node), id) != NULL || sim_array_waits(master_of(node), id) ||
           is_closed(master_of(node), id);
}

/* Nothing is on its way to the disk, and nothing waits to be sent there. */
bool sim_master_is_at_rest(const struct sim_node *node)
{
    const struct sim_disk *disk = node->disk;
    const struct ms_journal *journal = &master_of(node)->journal;

    return disk == NULL || (!disk->is_failed && !disk->is_committing && disk->gathered.size == 0 &&
                            journal->persisted == journal->last && !journal->has_closed);
}

static void fail_work(struct sim_world *world, const struct ms_work *work, const char *what)
{
    sim_fail(world, "recovery", "seq %llu is %s, and after a restart %s", (number)work->seq,
             ms_life_state_name((enum ms_life_state)work->state), what);
}

static bool are_equal(struct ms_bytes a, struct ms_bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* When it may be handed out, with the state it is in now. */
static ms_time due(const struct ms_master *master, const struct ms_work *work)
{
    return ms_queue_due(&master->queue, work);
}

/* A slave had it before it was due to be handed out, as this master sees it. */
static bool is_adopted(const struct ms_master *master, const struct ms_work *work)
{
    return work->state == MS_LIFE_LEASED && work->token_epoch != master->queue.epoch;
}

static void compare_due(struct sim_world *world, const struct ms_master *master,
                        const struct ms_work *work, const struct ms_master *other,
                        const struct ms_work *again)
{
    /* One that pauses does not see the time pass. */
    const ms_time now = other->engine.now + DUE_SLACK;
    const ms_time before = due(master, work), after = due(other, again);

    /* One that joined a command which is in memory only is on its own again. */
    if ((before <= now && after <= now) || !sim_walls_agree(world) || ms_unique_is_follower(work) ||
        is_adopted(master, work)) {
        return;
    }
    if (before < after - DUE_SLACK || before > after + DUE_SLACK) {
        fail_work(world, work, "it waits for another time");
    }
}

/* The journal knows that somebody wants it to end. */
static bool is_wish_kept(const struct ms_work *work)
{
    return work->rare != NULL && work->rare->changes[MS_OPERATION_CANCEL].record != 0;
}

/* What a submission with its key replaced is worked out anew from what is still there, and written then: of
 * those with a key only wishes with a record of their own must be the same. */
static bool has_same_wish(const struct ms_work *work, const struct ms_work *again)
{
    if (is_wish_kept(work)) {
        return again->is_cancel_asked;
    }
    return !is_wish_kept(again) || ms_unique_key(again).size > 0;
}

static bool are_spools_equal(const struct ms_spool *spool, const struct ms_spool *again)
{
    if ((spool == NULL) != (again == NULL)) {
        return false;
    }
    const struct ms_part *part = spool != NULL ? spool->first : NULL;
    const struct ms_part *other = again != NULL ? again->first : NULL;

    for (; part != NULL && other != NULL; part = part->next, other = other->next) {
        if (!are_equal((struct ms_bytes){part->data, part->size},
                       (struct ms_bytes){other->data, other->size})) {
            return false;
        }
    }
    return part == NULL && other == NULL;
}

static void compare_work(struct sim_world *world, const struct ms_work *work,
                         const struct ms_work *again)
{
    if (ms_work_is_finished(work) != ms_work_is_finished(again) ||
        (ms_work_is_finished(work) && work->state != again->state)) {
        fail_work(world, work, ms_life_state_name((enum ms_life_state)again->state));
    }
    if (work->failures != again->failures || work->crashes != again->crashes ||
        work->attempts_max != again->attempts_max) {
        fail_work(world, work, "its failures are counted otherwise");
    }
    if (work->flags != again->flags || work->durability != again->durability ||
        (!ms_work_is_finished(work) &&
         (work->priority != again->priority || work->timeout != again->timeout ||
          !has_same_wish(work, again)))) {
        fail_work(world, work, "its terms are others");
    }
    if (ms_work_is_finished(work) &&
        (work->status != again->status || work->attempt != again->attempt ||
         work->code != again->code || work->signal != again->signal ||
         !are_equal(ms_work_detail(work), ms_work_detail(again)))) {
        fail_work(world, work, "its outcome is another");
    }
    if (!are_equal(ms_work_payload(work), ms_work_payload(again)) ||
        !are_spools_equal(ms_work_spool(work), ms_work_spool(again))) {
        fail_work(world, work, "its bytes are others");
    }
}

/* A slave has it, and it follows nobody any more: what its key means is worked out anew after a restart. */
static bool has_left(struct sim_world *world, const struct ms_id *id, const struct ms_work *work)
{
    const struct sim_record *record = sim_record_find(world, id);

    return record != NULL && record->key != 0 && !ms_work_is_finished(work) &&
           (work->rare == NULL || work->rare->claim == NULL);
}

static void check_keys(struct sim_world *world, const struct ms_id *id, const struct ms_work *work,
                       const struct ms_work *again)
{
    const struct sim_record *record = sim_record_find(world, id);

    if (record != NULL) {
        sim_key_check(world, record, work);
        sim_key_check(world, record, again);
    }
}

static void compare(struct sim_world *world, const struct sim_node *node,
                    const struct ms_master *again)
{
    const struct ms_master *master = master_of(node);
    const struct sim_observer *observer = world->observer;
    const struct ms_work *work;
    uint32_t cursor = 0, count = 0;

    while ((work = ms_pool_next(&master->queue.pool, &cursor)) != NULL) {
        const struct ms_id id = {work->client->uuid, work->seq};
        struct ms_array_likeness likeness;
        const struct ms_work *found = ms_clients_look_at(again, again->engine.now, &id, &likeness);

        if (work->durability < MS_DURABILITY_LOCAL) {
            continue;
        }
        count++;
        if (found == NULL) {
            fail_work(world, work, "unknown");
        }
        check_keys(world, &id, work, found);
        if (has_left(world, &id, work)) {
            continue;
        }
        compare_work(world, work, found);
        if (!ms_work_is_finished(work)) {
            compare_due(world, master, work, again, found);
        }
    }
    sim_tally_compare(world, master, again);
    count += sim_arrays_compare(world, master, again);
    if (ms_queue_count(&again->queue) + again->queue.arrays.waiting_count != count) {
        sim_fail(world, "recovery", "%u durable commands are live, and after a restart %llu", count,
                 (number)(ms_queue_count(&again->queue) + again->queue.arrays.waiting_count));
    }
    for (uint32_t i = 0; i < observer->records_count; i++) {
        const struct sim_record *record = &observer->records[i];

        /* What it never had a record of is closed by its client's word alone, which says it with each greeting. */
        if (record->is_promised && record->chain[node->index] != SIM_CHAIN_NONE &&
            is_closed(master, &record->id) && !is_closed(again, &record->id)) {
            sim_fail(world, "recovery", "seq %llu is closed, and after a restart it is not",
                     (number)record->id.seq);
        }
    }
}

/* A master that reads the disk of the node, and nothing else. */
void sim_recovery_check(struct sim_world *world, struct sim_node *node)
{
    const struct sim_disk *disk = node->disk;
    const struct ms_master_config config = sim_master_config(world, node, 1);
    struct ms_master *again = ms_master_create(&config);

    ms_assert(again != NULL);
    for (uint32_t i = 0; i <= disk->entries_count; i++) {
        struct ms_command command = {0};
        struct ms_effect effect;

        if (i < disk->entries_count) {
            command.payload = (struct ms_bytes){disk->entries[i].bytes, disk->entries[i].size};
        }
        ms_engine_step(ms_master_engine(again), node->driver.clock,
                       &(struct ms_event){.type = MS_EVENT_REPLAYED, .command = &command});
        while (ms_engine_poll(ms_master_engine(again), &effect)) {
            if (effect.type == MS_EFFECT_SEND) {
                sim_fail(world, "recovery", "a master speaks while it reads");
            }
        }
    }
    if (again->journal.is_failed) {
        sim_fail(world, "recovery", "what is on the disk is refused: %s", again->complaint.text);
    }
    ms_master_check(again);
    compare(world, node, again);
    ms_master_destroy(again);
    world->stats.counts[SIM_STAT_RECOVERIES_COMPARED]++;
}

void sim_recovery_step(struct sim_world *world, struct sim_node *node)
{
    struct sim_view *view = sim_view(world, node);

    if (node->disk == NULL || !view->is_ready || view->is_failed ||
        ++view->rested < COMPARE_EVERY || !sim_master_is_at_rest(node)) {
        return;
    }
    view->rested = 0;
    sim_recovery_check(world, node);
}
