#include "tests/sim/observer.h"
#include "tests/sim/observer_arrays.h"
#include "tests/sim/observer_broadcasts.h"
#include "tests/sim/observer_strict.h"
#include "tests/sim/observer_view.h"
#include "tests/sim/observer_unique.h"

#include <stdlib.h>
#include <string.h>

#include "core/invariant.h"
#include "master/state.h"
#include "tests/sim/gates.h"
#include "tests/sim/nodes.h"

#define ENTRIES_MAX   (1u << 24)
#define DRIFT_PERCENT 8  /* that two clocks may differ by, generously */
#define CHECK_EVERY   16 /* steps between two walks through everything an engine keeps */

/* --- books --- */

struct sim_observer *sim_observer_create(void)
{
    struct sim_observer *observer = calloc(1, sizeof *observer);

    ms_assert(observer != NULL);
    ms_map_init(&observer->by_id, ENTRIES_MAX, 1);
    ms_map_init(&observer->by_token, ENTRIES_MAX, 2);
    ms_map_init(&observer->by_lease, ENTRIES_MAX, 3);
    return observer;
}

void sim_observer_destroy(struct sim_observer *observer)
{
    ms_map_finish(&observer->by_id);
    ms_map_finish(&observer->by_token);
    ms_map_finish(&observer->by_lease);
    free(observer->served);
    free(observer->fleet.orders);
    for (uint32_t i = 0; i < SIM_MASTERS_MAX; i++) {
        free(observer->logs[i].hashes);
    }
    free(observer->records);
    free(observer->attempts);
    free(observer->leases);
    for (uint32_t i = 0; i < SIM_MASTERS_MAX; i++) {
        free(observer->views[i].sessions);
        free(observer->views[i].wires);
    }
    free(observer->names);
    free(observer->tokens);
    free(observer->asks);
    free(observer);
}

static struct ms_key key_of(const struct ms_id *id)
{
    return ms_key_of(sim_hash(1, id->client.bytes, sizeof id->client.bytes), id->seq);
}

/* The soonest that any master may hand it out, however its clock runs. */
static ms_time due_at(const struct sim_world *world, const struct ms_command *submit)
{
    const int64_t run_at = submit->terms != NULL ? submit->terms->run_at : 0;

    if (run_at > SIM_WALL_START + world->now) {
        return (run_at - SIM_WALL_START) * (100 - DRIFT_PERCENT) / 100;
    }
    return submit->delay == 0 ? 0 : world->now + submit->delay * (100 - DRIFT_PERCENT) / 100;
}

/* What the master owes it: what it asked for, or else what is usual there. */
static uint8_t class_of(const struct sim_world *world, const struct ms_command *submit)
{
    if ((submit->flags & MS_FLAG_DURABILITY) != 0) {
        return submit->durability;
    }
    return world->config.has_disk ? MS_DURABILITY_LOCAL : MS_DURABILITY_MEM;
}

uint32_t sim_record_add(struct sim_world *world, const struct sim_node *node,
                        const struct ms_command *submit)
{
    struct sim_observer *observer = world->observer;

    if (observer->records_count == observer->records_capacity) {
        observer->records_capacity =
            observer->records_capacity == 0 ? 128 : observer->records_capacity * 2;
        observer->records =
            realloc(observer->records, observer->records_capacity * sizeof *observer->records);
        ms_assert(observer->records != NULL);
    }
    observer->records[observer->records_count] = (struct sim_record){
        .node = node->index,
        .incarnation = node->incarnation,
        .type = submit->type,
        .payload_hash = sim_hash(0, submit->payload.data, submit->payload.size),
        .payload_size = submit->payload.size,
        .owner_hash = sim_hash(0, NULL, 0),
        .attempts_max = submit->attempts_max,
        .flags = submit->flags,
        .durability = class_of(world, submit),
        .due_at = due_at(world, submit),
        .deadline = submit->terms != NULL ? submit->terms->deadline : 0,
        .first = SIM_NONE,
        .leader = SIM_NONE,
        .submitted_at = world->now,
    };
    if (submit->terms != NULL) {
        struct sim_record *record = &observer->records[observer->records_count];

        record->priority = record->keep.priority_asked = submit->terms->priority;
        record->unique_mode = submit->terms->unique_mode;
        record->owner_hash = sim_hash(0, submit->terms->key.data, submit->terms->key.size);
        record->key = submit->terms->unique.size > 0 ? submit->terms->unique.data[0] : 0;
    }
    observer->open_count++;
    world->stats.counts[SIM_STAT_COMMANDS_SUBMITTED]++;
    return observer->records_count++;
}

void sim_record_number(struct sim_world *world, uint32_t index, const struct ms_id *id)
{
    struct sim_observer *observer = world->observer;
    struct sim_record *record = &observer->records[index];

    if (record->id.seq == id->seq && ms_uuid_equal(&record->id.client, &id->client)) {
        return;
    }
    if (record->id.seq != 0) {
        sim_fail(world, "identity", "submission %u changes its id", index);
    }
    if (ms_map_find(&observer->by_id, key_of(id)) != 0) {
        sim_fail(world, "identity", "two submissions under seq %llu of one client",
                 (unsigned long long)id->seq);
    }
    record->id = *id;
    const bool is_kept = ms_map_put(&observer->by_id, key_of(id), index + 1);

    ms_assert(is_kept);
}

void sim_record_over(struct sim_world *world, struct sim_record *record)
{
    ms_assert(!record->is_over);
    record->is_over = true;
    if (!record->is_gone) {
        world->observer->open_count--;
    }
}

struct sim_record *sim_record_find(struct sim_world *world, const struct ms_id *id)
{
    const uint64_t found = ms_map_find(&world->observer->by_id, key_of(id));

    return found == 0 ? NULL : &world->observer->records[found - 1];
}

struct sim_attempt *sim_attempt_find(struct sim_world *world, struct ms_token token)
{
    const uint64_t found = ms_map_find(&world->observer->by_token, ms_key_of(token.epoch, token.n));

    return found == 0 ? NULL : &world->observer->attempts[found - 1];
}

void sim_name_add(struct sim_world *world, const struct sim_node *node, const struct ms_uuid *uuid)
{
    struct sim_observer *observer = world->observer;

    observer->names =
        realloc(observer->names, (observer->names_count + 1) * sizeof *observer->names);
    ms_assert(observer->names != NULL);
    observer->names[observer->names_count++] =
        (struct sim_name){node->index, node->incarnation, *uuid};
}

struct ms_uuid sim_name_find(struct sim_world *world, uint32_t node, uint32_t incarnation)
{
    const struct sim_observer *observer = world->observer;
    uint32_t i = observer->names_count;

    do {
        ms_assert(i > 0);
        i--;
    } while (observer->names[i].node != node || observer->names[i].incarnation != incarnation);
    return observer->names[i].uuid;
}

/* --- what the application sees --- */

static void see_accepted(struct sim_world *world, struct sim_record *record)
{
    if (record->is_accepted) {
        sim_fail(world, "outcome", "an acceptance is told twice, seq %llu",
                 (unsigned long long)record->id.seq);
    }
    record->is_accepted = true;
    if ((record->flags & MS_FLAG_BACKGROUND) != 0) {
        world->stats.counts[SIM_STAT_OUTCOMES]++;
        sim_record_over(world, record);
    }
}

/* The outcome must be what some attempt really returned, with all that it wrote. */
static bool is_founded(const struct sim_world *world, const struct sim_record *record,
                       const struct ms_command *outcome, const struct sim_output *stream)
{
    uint8_t expected[SIM_PIECE_MAX];

    for (uint32_t i = record->first; i != SIM_NONE; i = world->observer->attempts[i].next) {
        const struct sim_attempt *attempt = &world->observer->attempts[i];

        if (!attempt->is_reported || attempt->status != MS_STATUS_OK ||
            !sim_attempt_is_number(world, record, attempt, outcome->attempt)) {
            continue;
        }
        const size_t size = sim_piece(world, attempt->token, SIM_PIECE_RESULT, expected);

        if (outcome->payload.size == size &&
            (size == 0 || memcmp(outcome->payload.data, expected, size) == 0) &&
            sim_attempt_is_whole(world, attempt, stream)) {
            return true;
        }
    }
    return false;
}

/* What a command was told: the outcome, and its output before that. */
struct told {
    const struct ms_command *outcome;
    const struct sim_output *stream;
};

/* Another command with its key is the reason, if it joined that one or was replaced by it. */
static bool is_reason(const struct sim_world *world, const struct sim_record *other,
                      const void *context)
{
    const struct told *told = context;

    switch (told->outcome->status) {
    case MS_STATUS_OK: /* with all that the other one wrote */
        return is_founded(world, other, told->outcome, told->stream);
    case MS_STATUS_CANCELLED:
        return other->is_cancel_asked || other->keep.is_cancelled ||
               other->unique_mode == MS_UNIQUE_REPLACE;
    case MS_STATUS_EXPIRED:
        return other->deadline != 0;
    case MS_STATUS_LOST:
        return (other->flags & MS_FLAG_ONCE) != 0;
    default:
        return false;
    }
}

/* What the command itself gives reason for. */
static bool is_reasonable(const struct sim_world *world, const struct sim_record *record,
                          const struct ms_command *outcome)
{
    switch (outcome->status) {
    case MS_STATUS_OK:
        return is_founded(world, record, outcome, &record->stream);
    case MS_STATUS_CANCELLED:
        return record->is_cancel_asked || record->keep.is_cancelled;
    case MS_STATUS_EXPIRED:
        return record->deadline != 0;
    case MS_STATUS_LOST:
        return (record->flags & MS_FLAG_ONCE) != 0 || record->on > 0;
    default:
        return true;
    }
}

static void see_outcome(struct sim_world *world, struct sim_record *record,
                        const struct ms_command *outcome)
{
    static const enum sim_stat stats[MS_STATUS_COUNT] = {
        [MS_STATUS_OK] = SIM_STAT_OUTCOMES_OK,
        [MS_STATUS_RETRY] = SIM_STAT_OUTCOMES_FAIL,
        [MS_STATUS_FAIL] = SIM_STAT_OUTCOMES_FAIL,
        [MS_STATUS_CANCELLED] = SIM_STAT_OUTCOMES_CANCELLED,
        [MS_STATUS_TIMEOUT] = SIM_STAT_OUTCOMES_TIMEOUT,
        [MS_STATUS_CRASHED] = SIM_STAT_OUTCOMES_CRASHED,
        [MS_STATUS_EXPIRED] = SIM_STAT_EXPIRED,
        [MS_STATUS_LOST] = SIM_STAT_ONCE_LOST,
    };
    const unsigned long long seq = record->id.seq;

    world->stats.counts[SIM_STAT_OUTCOMES]++;
    world->stats.counts[stats[outcome->status]]++;
    if (!is_reasonable(world, record, outcome) &&
        !sim_unique_excuses(world, record, is_reason, &(struct told){outcome, &record->stream})) {
        sim_fail(
            world, "outcome",
            "seq %llu is said to be %s by attempt %u with %zu bytes after %u pieces, for which "
            "there is no reason",
            seq, ms_status_name((enum ms_status)outcome->status), outcome->attempt,
            outcome->payload.size, record->stream.count);
    }
    if (record->is_cancel_confirmed && outcome->status != MS_STATUS_CANCELLED &&
        !sim_outcome_is_apart(world, record, record->cancelled_by)) {
        sim_fail(world, "cancel", "seq %llu: cancel was confirmed, then the outcome is %s", seq,
                 ms_status_name((enum ms_status)outcome->status));
    }
    sim_keep_told(record, outcome);
    sim_record_over(world, record);
    sim_array_outcome(world, record, (enum ms_status)outcome->status);
    sim_broadcast_outcome(world, record, outcome);
}

static void see_cancel_ack(struct sim_world *world, struct sim_record *record,
                           const struct ms_command *ack)
{
    if (!record->is_cancel_asked) {
        sim_fail(world, "cancel", "a cancel is answered that nobody asked for");
    }
    if (ack->error == MS_E_OK) {
        record->is_cancel_confirmed = true;
        record->is_never_to_start = (ack->flags & MS_FLAG_STARTED) == 0;
    }
}

static bool was_sent(const struct sim_world *world, const struct sim_record *other,
                     const void *context)
{
    (void)world;
    (void)context;
    return other->is_sent;
}

/* Reasons that lie in the submission itself; everything else must mend itself. */
static void see_refusal(struct sim_world *world, const struct sim_record *record,
                        const struct ms_command *nak)
{
    const bool is_strange = record->type >= SIM_TYPE_FIRST + world->config.types;

    world->stats.counts[SIM_STAT_REFUSED]++;
    if (nak->error == MS_E_UNKNOWN_TYPE && (is_strange || !record->is_accepted)) {
        return;
    }
    if (nak->error == MS_E_DURABILITY && !world->config.has_disk &&
        record->durability > MS_DURABILITY_MEM) {
        return;
    }
    if (nak->error == MS_E_DURABILITY && record->durability == MS_DURABILITY_STRICT) {
        sim_strict_refused(world, record);
        return;
    }
    if (nak->error == MS_E_NOT_UNIQUE && record->unique_mode == MS_UNIQUE_REJECT &&
        sim_unique_excuses(world, record, was_sent, NULL)) {
        return;
    }
    if (nak->error == MS_E_RETRY_LATER && !record->is_sent) {
        return; /* its own books are full */
    }
    if (sim_broadcast_may_refuse(world, record, nak)) {
        return;
    }
    sim_fail(world, "refused", "seq %llu is refused for good: %s",
             (unsigned long long)record->id.seq, ms_error_name((enum ms_error)nak->error));
}

/* A payload in parts says with the first of them whose it is. */
static bool is_begun(const struct ms_command *command)
{
    return (command->kind == MS_KIND_SUBMIT && command->payload.size > 0) ||
           (command->kind == MS_KIND_PART && command->index == 0);
}

static void see_submission(struct sim_world *world, const struct sim_node *node,
                           const struct ms_command *command)
{
    uint64_t index;

    memcpy(&index, command->payload.data, sizeof index);
    const struct ms_id id = {sim_name_find(world, node->index, node->incarnation), command->id.seq};

    if (sim_record_find(world, &id) != NULL && world->observer->records[index].is_sent) {
        world->stats.counts[SIM_STAT_RESUBMITTED]++;
    }
    world->observer->records[index].is_sent = true;
    sim_array_number(world, (uint32_t)index, &id);
}

void sim_client_effect(struct sim_world *world, struct sim_node *node,
                       const struct ms_effect *effect)
{
    const struct ms_command *command = &effect->command;

    if (effect->type == MS_EFFECT_SEND && is_begun(command)) {
        see_submission(world, node, command);
        return;
    }
    if (effect->type != MS_EFFECT_DELIVER || command->kind == MS_KIND_NONE) {
        return;
    }
    if (command->kind == MS_KIND_REPORT || command->kind == MS_KIND_TAIL) {
        sim_keep_heard(world, node, effect);
        return;
    }
    if (command->kind == MS_KIND_CALL_REPLY) {
        return; /* see tally.c */
    }
    if (effect->seq >= world->observer->records_count) {
        sim_fail(world, "outcome", "a delivery for a submission that never was");
    }
    struct sim_record *record = &world->observer->records[effect->seq];

    if (record->node != node->index || record->incarnation != node->incarnation) {
        sim_fail(world, "outcome", "a delivery for somebody else");
    }
    if (record->is_over && command->kind != MS_KIND_CANCEL_ACK) {
        sim_fail(world, "outcome", "seq %llu: %s after the end", (unsigned long long)record->id.seq,
                 ms_kind_name((enum ms_kind)command->kind));
    }
    switch (command->kind) {
    case MS_KIND_SUBMIT_ACK:
        see_accepted(world, record);
        break;
    case MS_KIND_SUBMIT_NAK:
        see_refusal(world, record, command);
        sim_array_refused(world, record, command);
        sim_broadcast_refused(world, record, command);
        break;
    case MS_KIND_STREAM:
        sim_observe_piece(world, record, effect);
        break;
    case MS_KIND_OUTCOME:
        see_outcome(world, record, command);
        break;
    case MS_KIND_CANCEL_ACK:
        see_cancel_ack(world, record, command);
        break;
    default:
        sim_fail(world, "contract", "a client is handed %s",
                 ms_kind_name((enum ms_kind)command->kind));
    }
}

/* --- every step --- */

struct sim_node *sim_serving(struct sim_world *world)
{
    struct sim_node *node = sim_newest(world);

    const struct sim_view *view = sim_view(world, node);

    return node->is_up && view->is_ready && !view->is_over ? node : NULL;
}

bool sim_walls_agree(const struct sim_world *world)
{
    return world->wall_jumped_at == 0 &&
           (world->config.masters == 1 || world->config.drift_ppm == 0);
}

void sim_observe_event(struct sim_world *world, struct sim_node *node, const struct ms_event *event)
{
    sim_trace_event(world, node, event);
    switch (node->role) {
    case SIM_MASTER:
        sim_view(world, node)->had_master = sim_master_of(node) != NULL;
        if (event->peer == SIM_OPERATOR_PEER) {
            break; /* he is nobody to the master within */
        }
        sim_pair_event(world, node, event);
        sim_parked_event(world, node, event);
        sim_sessions_before(world, node, event);
        sim_durable_event(world, node, event);
        sim_master_event(world, node, event);
        break;
    case SIM_SLAVE:
        sim_parked_event(world, node, event);
        sim_slave_event(world, node, event);
        break;
    case SIM_CLIENT:
        sim_parked_event(world, node, event);
        break;
    case SIM_WITNESS:
        break;
    }
}

void sim_observe_effect(struct sim_world *world, struct sim_node *node,
                        const struct ms_effect *effect)
{
    sim_trace_effect(world, node, effect);
    if (world->config.masters > 1 && node->role != SIM_SLAVE && node->role != SIM_CLIENT) {
        sim_pair_effect(world, node, effect);
    }
    if (node->role != SIM_WITNESS) {
        sim_parked_effect(world, node, effect);
    }
    switch (node->role) {
    case SIM_MASTER:
        sim_durable_effect(world, node, effect);
        sim_master_effect(world, node, effect);
        break;
    case SIM_SLAVE:
        sim_slave_effect(world, node, effect);
        break;
    case SIM_CLIENT:
        sim_client_effect(world, node, effect);
        break;
    case SIM_WITNESS:
        break;
    }
}

static void note_merging(struct sim_world *world, const struct sim_node *node)
{
    struct sim_view *view = sim_view(world, node);
    const struct ms_master *master = sim_master_of(node);
    const bool is_on = master != NULL && master->reconcile.phase != MS_RECONCILE_OFF;

    view->is_merging = is_on || view->was_merging;
    view->was_merging = is_on;
}

void sim_observe_engine(struct sim_world *world, struct sim_node *node)
{
    if (node->role == SIM_MASTER && world->config.masters > 1) {
        sim_pair_engine(world, node);
        note_merging(world, node);
    }
    if (node->role == SIM_MASTER && sim_master_of(node) != NULL) {
        sim_sessions_after(world, node);
        const struct sim_view *view = sim_view(world, node);

        if (view->may_join && view->is_ready && !view->is_over) {
            sim_unique_walk(world, node);
        }
        /* What was wished at the other half comes with a merge. */
        if ((world->observer->asks_there > 0 ||
             sim_master_of(node)->reconcile.phase != MS_RECONCILE_OFF) &&
            view->is_ready && !view->is_over) {
            sim_operate_walk(world, node);
        }
    }
}

void sim_observe_step(struct sim_world *world, struct sim_node *node)
{
    sim_parked_step(world, node);
    if (++world->observer->checks % CHECK_EVERY == 0) {
        node->ops->check(world, node);
        sim_check_kept(world);
        sim_keep_walk(world);
    }
    if (node->role == SIM_MASTER && sim_master_of(node) != NULL) {
        sim_gates_step(world, node);
        sim_recovery_step(world, node);
    }
}

void sim_observe_death(struct sim_world *world, struct sim_node *node)
{
    struct sim_observer *observer = world->observer;

    for (uint32_t i = 0; i < observer->attempts_count && node->role == SIM_SLAVE; i++) {
        struct sim_attempt *attempt = &observer->attempts[i];

        if (attempt->node == node->index && attempt->incarnation == node->incarnation &&
            attempt->state < SIM_ATTEMPT_FINISHED) {
            attempt->state = SIM_ATTEMPT_FINISHED;
        }
    }
    for (uint32_t i = 0; i < observer->records_count && node->role == SIM_CLIENT; i++) {
        struct sim_record *record = &observer->records[i];

        if (record->node == node->index && !record->is_over && !record->is_gone) {
            record->is_gone = true;
            observer->open_count--;
        }
    }
    observer->held[node->index] = 0;
    observer->running[node->index] = 0;
    sim_parked_forget(world, node);
    if (node->role == SIM_MASTER && world->config.masters > 1) {
        sim_pair_death(world, node);
    } else if (node->role == SIM_MASTER) {
        sim_tenure_over(world, node);
        sim_sessions_forget(world, node);
    }
}
