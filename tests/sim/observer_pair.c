#include "tests/sim/observer_pair.h"

#include <stdlib.h>
#include <string.h>

#include "core/limits.h"
#include "tests/sim/disk.h"
#include "tests/sim/lone.h"
#include "tests/sim/nodes.h"
#include "tests/sim/observer.h"
#include "tests/sim/observer_hands.h"
#include "tests/sim/observer_stuck.h"
#include "tests/sim/older.h"

typedef unsigned long long number;

static struct sim_node *other_of(struct sim_world *world, const struct sim_node *node)
{
    return &world->nodes[1 - node->index];
}

/* --- epochs --- */

/* It goes on in that epoch, or not at all: was it the one that it had proposed? */
static void end_joining(struct sim_world *world, const struct sim_node *node, ms_epoch epoch)
{
    struct sim_view *view = sim_view(world, node);

    world->stats.counts[SIM_STAT_JOINS_ABORTED] += view->joining != 0 && view->joining != epoch;
    view->joining = 0;
}

static void note_served(struct sim_world *world, const struct sim_node *node, ms_epoch epoch)
{
    struct sim_observer *observer = world->observer;

    for (uint32_t i = 0; i < observer->served_count; i++) {
        if (observer->served[i] == epoch) {
            sim_fail(world, "epoch", "epoch %llu is served a second time, by %s", (number)epoch,
                     sim_node_name(world, node->index));
        }
    }
    observer->served =
        realloc(observer->served, (observer->served_count + 1) * sizeof *observer->served);
    ms_assert(observer->served != NULL);
    observer->served[observer->served_count++] = epoch;
    if (epoch > observer->served_highest) {
        observer->served_highest = epoch;
    }
    sim_view(world, node)->served = epoch;
    world->stats.counts[SIM_STAT_EPOCHS]++;
}

/* An epoch is served by one node, in one tenure. */
static void serve(struct sim_world *world, const struct sim_node *node,
                  const struct sim_standing *standing, ms_epoch epoch)
{
    const struct ms_decision *decision = &standing->decision;

    sim_trace(world, "%s serves epoch %llu (%s)", sim_node_name(world, node->index), (number)epoch,
              ms_decision_name(decision->kind));
    note_served(world, node, epoch);
    end_joining(world, node, epoch);
    sim_view(world, node)->is_partial = false;
    if (standing->is_fresh && decision->kind != MS_DECISION_BOOTSTRAP) {
        sim_fail(world, "fresh", "%s serves epoch %llu and never was a member",
                 sim_node_name(world, node->index), (number)epoch);
    }
    if (decision->epoch == epoch) {
        world->observer->is_torn |= decision->kind == MS_DECISION_FORCED;
        world->stats.counts[SIM_STAT_SERVED_BOOTSTRAP + decision->kind - 1]++;
    }
}

static void end_tenure(struct sim_world *world, struct sim_node *node)
{
    struct sim_view *view = sim_view(world, node);

    sim_tenure_over(world, node);
    sim_sessions_forget(world, node);
    view->has_master = false;
    view->is_ready = false;
}

void sim_pair_takes_over(struct sim_world *world, struct sim_node *node)
{
    world->stats.counts[SIM_STAT_TAKEOVERS] += world->observer->newest != node->index;
    sim_older_leads(world, node, &world->nodes[world->observer->newest]);
    sim_tenure_over(world, sim_newest(world));
}

/* As far as it has been told. Limits are each half's own. */
static bool is_unlike(const struct sim_world *world, const struct sim_node *node)
{
    const enum sim_greeting greeting = sim_view(world, node)->greeting;

    return greeting != SIM_GREETING_NONE && world->config.pair.unlike != SIM_UNLIKE_LIMITS &&
           node->is_unlike != (greeting == SIM_GREETING_UNLIKE);
}

void sim_pair_start(struct sim_world *world, struct sim_node *node)
{
    struct sim_view *view = sim_view(world, node);

    view->room = UINT64_MAX;
    view->is_failed = false;
    view->is_ready = false;
    view->is_over = true;
    view->has_master = view->was_unlike = false;
    view->sought = 0;
    sim_hands_forget(world, node);
    if (world->observer->voters[node->index].lives != node->disk->lives + 1) {
        view->voted = 0; /* by somebody else, who is no more */
        view->kept = SIM_GREETING_NONE;
    }
    view->greeting = view->kept;
    view->is_unlike = is_unlike(world, node);
}

void sim_pair_death(struct sim_world *world, struct sim_node *node)
{
    const struct ms_voter *record = &world->observer->voters[node->index].record;

    world->stats.counts[SIM_STAT_CRASHES_PROMISED] +=
        record->accepted.active == node->index && record->accepted.kind != MS_DECISION_NONE &&
        record->accepted.epoch == record->promised &&
        record->promised > sim_view(world, node)->served;
    end_joining(world, node, 0);
    if (sim_view(world, node)->has_master) {
        end_tenure(world, node);
    }
}

/* A disk that does nothing for long is waited for so long, and for votes, and for the tail of another disk. */
#define PROMPT (MS_STANDBY_LAG + MS_STANDBY_SLOW + 8 * MS_SEC)

/* What is durable at the active is told before long. */
static void check_prompt(struct sim_world *world, const struct sim_node *node,
                         const struct sim_standing *standing)
{
    struct sim_view *view = sim_view(world, node);

    if (!standing->is_active || standing->covered == standing->durable ||
        standing->covered != view->covered) {
        view->covered = standing->covered;
        view->covered_at = world->now;
    } else if (world->now - view->covered_at > PROMPT) {
        sim_pair_describe(world);
        sim_fail(world, "prompt", "%s has record %llu on its disk for %lld ms, and tells nobody",
                 sim_node_name(world, node->index), (number)standing->durable,
                 (long long)((world->now - view->covered_at) / MS_MSEC));
    }
}

void sim_pair_engine(struct sim_world *world, struct sim_node *node)
{
    struct sim_view *view = sim_view(world, node);
    const struct ms_master *master = sim_master_of(node);
    struct sim_standing standing;

    node->ops->standing(node, &standing);
    if (view->has_master && (master == NULL || standing.reign != view->reign)) {
        end_tenure(world, node);
    }
    if (master != NULL && !view->has_master) {
        view->has_master = true;
        view->is_over = true; /* until it has begun to read */
        view->reign = standing.reign;
        sim_hands_begin(world, node);
        serve(world, node, &standing, standing.reign);
    }
    if (sim_stuck_is_all(world)) {
        check_prompt(world, node, &standing);
        sim_stuck_look(world, node, &standing);
    }
    if (master != NULL && standing.is_active && standing.epoch != view->served) {
        serve(world, node, &standing, standing.epoch);
        if (view->is_over && view->is_ready && standing.epoch == world->observer->served_highest) {
            sim_durable_go_on(world, node);
        }
    }
}

/* --- what leaves --- */

/* Of an active, and only of one. */
static bool is_actives(enum ms_kind kind)
{
    switch (kind) {
    case MS_KIND_WELCOME:
    case MS_KIND_SUBMIT_ACK:
    case MS_KIND_OUTCOME:
    case MS_KIND_CANCEL_ACK:
    case MS_KIND_COMMAND:
    case MS_KIND_RESULT_ACK:
        return true;
    default:
        return false;
    }
}

static void check_active(struct sim_world *world, const struct sim_node *node,
                         const struct ms_effect *effect)
{
    const struct sim_view *view = sim_view(world, node);
    const char *kind = ms_kind_name((enum ms_kind)effect->command.kind);

    if (node->driver.is_holding) {
        sim_fail(world, "fence", "%s leaves %s while it pauses", kind,
                 sim_node_name(world, node->index));
    }
    if (view->voted > view->served) {
        sim_fail(world, "fence", "%s leaves %s in epoch %llu, and it has promised %llu", kind,
                 sim_node_name(world, node->index), (number)view->served, (number)view->voted);
    }
    if (effect->epoch < view->reign || effect->epoch > view->served) {
        sim_fail(world, "fence", "%s leaves %s in epoch %llu, and it serves %llu to %llu", kind,
                 sim_node_name(world, node->index), (number)effect->epoch, (number)view->reign,
                 (number)view->served);
    }
}

void sim_pair_event(struct sim_world *world, const struct sim_node *node,
                    const struct ms_event *event)
{
    const struct ms_command *command = event->command;
    struct sim_view *view = sim_view(world, node);

    if (event->type == MS_EVENT_RECEIVED && command->kind == MS_KIND_PEER_HELLO &&
        command->body.pair->role == MS_ROLE_MASTER) {
        view->greeting =
            world->nodes[1 - node->index].is_unlike ? SIM_GREETING_UNLIKE : SIM_GREETING_LIKE;
        view->greeted_at = world->now;
        view->is_unlike = is_unlike(world, node);
    }
}

/* It goes on talking once it has on its disk how it was greeted. */
static void note_beat(struct sim_world *world, const struct sim_node *node,
                      const struct ms_command *command)
{
    struct sim_view *view = sim_view(world, node);

    if ((command->flags & MS_FLAG_PAIR) == 0 && world->now > view->greeted_at) {
        view->kept = view->greeting;
    }
}

static void note_sought(struct sim_world *world, const struct sim_node *node, ms_epoch epoch)
{
    struct sim_view *view = sim_view(world, node);

    if (view->sought != epoch) {
        view->sought = epoch;
        view->was_unlike = view->is_unlike;
    }
}

/* Who knows that both halves are configured otherwise does not take over by himself, be it known from a life before. Whoever reigns still, and has asked the other half
 * in vain to take over, takes over from nobody. */
static void check_alike(struct sim_world *world, const struct sim_node *node,
                        const struct ms_decision *decision)
{
    struct sim_standing standing;

    if (!sim_view(world, node)->was_unlike || sim_view(world, node)->sought != decision->epoch ||
        decision->kind != MS_DECISION_SOLO || decision->active != node->index) {
        return;
    }
    node->ops->standing(node, &standing);
    if (standing.lead != node->index && standing.reign == 0) {
        sim_fail(world, "alike", "%s takes over, and the other half is configured otherwise",
                 sim_node_name(world, node->index));
    }
}

/* What is promised is on the disk before it leaves. */
static void check_promise(struct sim_world *world, const struct sim_node *node, ms_epoch epoch)
{
    const struct sim_voter *voter = &world->observer->voters[node->index];

    if (voter->record.promised < epoch) {
        sim_fail(world, "promise", "%s speaks of epoch %llu, and its disk has promised %llu",
                 sim_node_name(world, node->index), (number)epoch, (number)voter->record.promised);
    }
    if (node->role == SIM_MASTER && epoch > sim_view(world, node)->voted) {
        sim_view(world, node)->voted = epoch;
    }
}

static void note_proposal(struct sim_world *world, const struct sim_node *node,
                          const struct ms_decision *decision)
{
    struct sim_view *view = sim_view(world, node);

    if (view->joining != decision->epoch) {
        end_joining(world, node, 0);
    }
    if (decision->kind == MS_DECISION_JOIN || decision->kind == MS_DECISION_ADMIT) {
        view->joining = decision->epoch;
    }
}

void sim_pair_effect(struct sim_world *world, struct sim_node *node, const struct ms_effect *effect)
{
    const struct ms_command *command = &effect->command;

    if (effect->type != MS_EFFECT_SEND) {
        return;
    }
    if (node->role == SIM_MASTER && is_actives((enum ms_kind)command->kind)) {
        check_active(world, node, effect);
        if (command->kind == MS_KIND_COMMAND) {
            sim_hands_out(world, node, command);
        }
    } else if (node->role == SIM_MASTER && command->kind == MS_KIND_PEER_BEAT) {
        note_beat(world, node, command);
    } else if (command->kind == MS_KIND_PREVOTE) {
        note_sought(world, node, command->body.pair->decision.epoch);
    } else if ((command->kind == MS_KIND_VOTE && command->error == MS_E_OK) ||
               command->kind == MS_KIND_PROPOSE) {
        const struct ms_decision *decision = &command->body.pair->decision;

        world->stats.counts[command->kind == MS_KIND_VOTE ? SIM_STAT_VOTES : SIM_STAT_PROPOSALS]++;
        if (decision->kind != MS_DECISION_BOOTSTRAP) { /* which promises nothing yet */
            check_promise(world, node, decision->epoch);
        }
        if (command->kind == MS_KIND_PROPOSE) {
            note_proposal(world, node, decision);
            check_alike(world, node, decision);
        }
    }
}

/* A list is in force: is one on it that came with an empty disk in the place of another? */
static void note_list(struct sim_world *world, const struct sim_standing *standing)
{
    const uint32_t first = sim_first(world, SIM_WITNESS);

    for (uint32_t i = first; i < first + world->config.witnesses && !standing->is_changing; i++) {
        const struct sim_node *witness = &world->nodes[i];
        struct sim_voter *voter = &world->observer->voters[i];

        if (witness->disk->lives > voter->enrolled_lives &&
            sim_is_enrolled(world, &standing->witnesses, witness)) {
            voter->enrolled_lives = witness->disk->lives;
            world->stats.counts[SIM_STAT_REENROLLED]++;
        }
    }
}

/* Whoever was set back begins anew before it promises anything. True: it has just done so. */
static bool is_renewed(struct sim_world *world, const struct sim_node *node,
                       const struct ms_voter *record)
{
    if (!node->disk->is_set_back) {
        return false;
    }
    if (record->promised > 0) {
        sim_fail(world, "promise", "%s writes what it has promised, %llu, by an older record",
                 sim_node_name(world, node->index), (number)record->promised);
    }
    node->disk->is_set_back = false;
    world->stats.counts[SIM_STAT_RENEWED]++;
    return true;
}

/* A small record is on the disk: what it promises never goes back. */
void sim_observe_stored(struct sim_world *world, struct sim_node *node)
{
    struct sim_voter *voter = &world->observer->voters[node->index];
    struct ms_voter record;

    if (!node->ops->voter(node, &record)) {
        sim_fail(world, "promise", "the record of %s cannot be read back",
                 sim_node_name(world, node->index));
    }
    if (!is_renewed(world, node, &record) && voter->lives == node->disk->lives + 1 &&
        (record.promised < voter->record.promised ||
         record.accepted.epoch < voter->record.accepted.epoch)) {
        sim_fail(world, "promise", "%s had promised %llu and accepted %llu, and now %llu and %llu",
                 sim_node_name(world, node->index), (number)voter->record.promised,
                 (number)voter->record.accepted.epoch, (number)record.promised,
                 (number)record.accepted.epoch);
    }
    /* Who was forced, and crashes before it serves, goes on from there. */
    world->observer->is_torn |= record.accepted.kind == MS_DECISION_FORCED &&
                                record.accepted.epoch > voter->record.accepted.epoch &&
                                node->role == SIM_MASTER;
    if (node->role == SIM_MASTER && node->is_up) {
        struct sim_standing standing;

        node->ops->standing(node, &standing);
        world->stats.counts[SIM_STAT_LISTS] += standing.is_changing;
        note_list(world, &standing);
    }
    *voter = (struct sim_voter){record, node->disk->lives + 1, voter->enrolled_lives};
}

/* --- two logs --- */

static void note_entry(struct sim_log *log, ms_seq seq, uint64_t hash)
{
    if (seq >= log->capacity) {
        const size_t capacity = (size_t)seq * 2 + 256;

        log->hashes = realloc(log->hashes, capacity * sizeof *log->hashes);
        ms_assert(log->hashes != NULL);
        memset(log->hashes + log->capacity, 0, (capacity - log->capacity) * sizeof *log->hashes);
        log->capacity = capacity;
    }
    log->hashes[seq] = hash;
}

static uint64_t hash_of(const struct ms_entry *entry)
{
    return sim_hash(entry->seq, entry->bytes.data, entry->bytes.size) | 1;
}

void sim_pair_wrote(struct sim_world *world, const struct sim_node *node,
                    const struct ms_entry *entry)
{
    note_entry(&world->observer->logs[node->index], entry->seq, hash_of(entry));
    sim_hands_entry(world, node, entry);
}

void sim_pair_read(struct sim_world *world, const struct sim_node *node)
{
    struct sim_log *log = &world->observer->logs[node->index];
    const struct sim_disk *disk = node->disk;

    if (log->capacity > 0) {
        memset(log->hashes, 0, log->capacity * sizeof *log->hashes);
    }
    for (uint32_t i = 0; i < disk->entries_count; i++) {
        struct ms_bytes left = {disk->entries[i].bytes, disk->entries[i].size};
        struct ms_entry entry;
        const bool is_sound = ms_record_next(&left, &entry);

        ms_assert(is_sound);
        note_entry(log, entry.seq, hash_of(&entry));
    }
}

void sim_pair_follow(struct sim_world *world, const struct sim_node *node,
                     const struct ms_effect *effect)
{
    const struct sim_log *log = &world->observer->logs[1 - node->index];
    struct ms_bytes left = effect->command.payload;
    struct sim_standing standing;
    struct ms_entry entry;

    node->ops->standing(node, &standing);
    if (standing.decision.epoch < sim_view(world, sim_newest(world))->reign) {
        return; /* the last words of an active that another one has followed; a copy will replace them */
    }
    while (ms_record_next(&left, &entry)) {
        if (entry.kind == MS_RECORD_ERASE) {
            continue;
        }
        if (entry.seq >= log->capacity || log->hashes[entry.seq] != hash_of(&entry)) {
            sim_fail(world, "log", "%s writes record %llu, which the active has not written so",
                     sim_node_name(world, node->index), (number)entry.seq);
        }
        sim_hands_entry(world, node, &entry);
        world->stats.counts[SIM_STAT_MIRRORED]++;
    }
    if (left.size > 0) {
        sim_fail(world, "journal", "%zu bytes are no entry", left.size);
    }
}

uint32_t sim_pair_ledgers(struct sim_world *world, const struct sim_node *node,
                          const struct sim_ledger *ledgers_out[static SIM_MASTERS_MAX])
{
    struct sim_standing own, others;
    struct sim_node *other;

    ledgers_out[0] = &node->disk->ledger;
    if (world->config.masters == 1 || sim_view(world, node)->is_over) {
        return 1;
    }
    other = other_of(world, node);
    node->ops->standing(node, &own);
    ledgers_out[1] = &other->disk->ledger;
    if (!own.is_pair || other->disk->is_set_back) {
        return 1;
    }
    /* Of one whose disk was lost meanwhile, or set back, what it said before is believed. */
    if (other->is_up) {
        other->ops->standing(other, &others);
        return 1 + ms_uuid_equal(&own.decision.set[other->index], &others.incarnation);
    }
    return 1 + (other->disk->small.size > 0);
}

static bool is_at_rest(const struct sim_disk *disk)
{
    return !disk->is_failed && !disk->is_committing && disk->gathered.size == 0 &&
           !disk->jobs[SIM_JOB_CLEAR].is_wanted;
}

bool sim_pair_is_whole(struct sim_world *world)
{
    const struct sim_node *node = sim_serving(world);
    struct sim_standing standing, others;

    if (node == NULL || !other_of(world, node)->is_up) {
        return false; /* one that died may have lost its disk with it */
    }
    node->ops->standing(node, &standing);
    node->ops->standing(other_of(world, node), &others);
    return others.is_in_sync && standing.is_whole && standing.is_pair && standing.has_peer &&
           standing.lag == 0 && is_at_rest(node->disk) && is_at_rest(other_of(world, node)->disk);
}

void sim_pair_compare(struct sim_world *world)
{
    const struct sim_disk *disk, *copy;

    if (world->config.masters == 1 || !sim_pair_is_whole(world)) {
        return;
    }
    disk = world->nodes[0].disk;
    copy = world->nodes[1].disk;
    world->stats.counts[SIM_STAT_LOGS_COMPARED]++;
    sim_durable_mended(world);
    for (uint32_t i = 0; i < disk->entries_count || i < copy->entries_count; i++) {
        const struct sim_entry *a = &disk->entries[i], *b = &copy->entries[i];

        if (i >= disk->entries_count || i >= copy->entries_count || a->seq != b->seq ||
            a->size != b->size || memcmp(a->bytes, b->bytes, a->size) != 0) {
            sim_fail(world, "log",
                     "the disks differ: the one goes on with record %llu, the other with %llu",
                     (number)(i < disk->entries_count ? a->seq : 0),
                     (number)(i < copy->entries_count ? b->seq : 0));
        }
    }
}

static void describe(struct sim_world *world, uint32_t index, const char *state, ms_epoch promised,
                     const struct ms_decision *decision)
{
    sim_trace(world, "%s is %s, has promised %llu and accepted %llu (%s): %u active, S = %s%s",
              sim_node_name(world, index), state, (number)promised, (number)decision->epoch,
              ms_decision_name(decision->kind), decision->active,
              ms_uuid_is_zero(&decision->set[0]) ? "" : "a",
              ms_uuid_is_zero(&decision->set[1]) ? "" : "b");
}

void sim_pair_describe(struct sim_world *world)
{
    const uint32_t first = sim_first(world, SIM_WITNESS);

    for (uint32_t i = 0; i < world->config.masters && world->config.masters > 1; i++) {
        const struct sim_node *node = &world->nodes[i];
        struct sim_standing standing;

        if (!node->is_up) {
            continue;
        }
        node->ops->standing(node, &standing);
        describe(world, i, standing.state, standing.promised, &standing.decision);
        sim_trace(world, "%s is%s%s%s, lags %llu bytes, lead %u", sim_node_name(world, i),
                  standing.is_fresh ? " fresh" : "", standing.is_complete ? " complete" : "",
                  standing.has_peer ? " connected" : "", (number)standing.lag, standing.lead);
    }
    for (uint32_t i = first; i < first + world->config.witnesses; i++) {
        const struct ms_voter *record = &world->observer->voters[i].record;

        describe(world, i, world->nodes[i].is_up ? "up" : "down", record->promised,
                 &record->accepted);
    }
}
