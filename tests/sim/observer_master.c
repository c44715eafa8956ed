/* What may enter and leave the master: credit, attempts, outcomes. */
#include <stdlib.h>
#include <string.h>

#include "core/invariant.h"
#include "master/clients.h"
#include "master/state.h"
#include "tests/sim/disk.h"
#include "tests/sim/gates.h"
#include "tests/sim/nodes.h"
#include "tests/sim/observer.h"
#include "tests/sim/observer_arrays.h"
#include "tests/sim/observer_broadcasts.h"
#include "tests/sim/observer_unique.h"

/* The process at the other end of one of the master's connections. */
const struct sim_end *sim_other_end(struct sim_world *world, const struct sim_node *node,
                                    ms_peer peer)
{
    const uint32_t slot = ms_peer_slot(peer);

    if (slot == 0 || slot > node->driver.peers_count ||
        node->driver.peers[slot - 1]->name != peer) {
        return NULL;
    }
    const struct sim_peer *own = node->driver.peers[slot - 1];

    return &world->net.connections[own->connection]->ends[1 - own->end];
}

static struct sim_wire *wire_of(struct sim_world *world, const struct sim_node *node, ms_peer peer)
{
    struct sim_view *view = sim_view(world, node);
    const uint32_t slot = ms_peer_slot(peer);

    if (slot >= view->wires_count) {
        view->wires = realloc(view->wires, (slot + 1) * sizeof *view->wires);
        ms_assert(view->wires != NULL);
        memset(view->wires + view->wires_count, 0,
               (slot + 1 - view->wires_count) * sizeof *view->wires);
        view->wires_count = slot + 1;
    }
    return &view->wires[slot];
}

static void release_token(struct sim_world *world, const struct sim_end *slave,
                          struct ms_token token)
{
    struct sim_attempt *attempt = sim_attempt_find(world, token);

    if (attempt != NULL && attempt->node == slave->node &&
        attempt->incarnation == slave->incarnation) {
        attempt->is_released = true;
    }
}

void sim_release(struct sim_world *world, uint32_t node, uint32_t incarnation)
{
    struct sim_observer *observer = world->observer;

    for (uint32_t i = observer->released_before; i < observer->attempts_count; i++) {
        struct sim_attempt *attempt = &observer->attempts[i];

        if (attempt->node == node && attempt->incarnation == incarnation) {
            attempt->is_released = true;
        }
    }
}

/* What a resumed session does not name, it has not got. */
static void hear_roll(struct sim_world *world, const struct sim_end *slave,
                      const struct ms_tokens *roll)
{
    struct sim_observer *observer = world->observer;

    world->stats.counts[SIM_STAT_ROLLS] += roll->count > 0;
    for (uint32_t i = observer->released_before; i < observer->attempts_count; i++) {
        struct sim_attempt *attempt = &observer->attempts[i];
        bool is_named = false;

        if (attempt->is_released || attempt->node != slave->node ||
            attempt->incarnation != slave->incarnation) {
            continue;
        }
        for (uint32_t j = 0; j < roll->count && !is_named; j++) {
            is_named = ms_token_equal(roll->tokens[j], attempt->token);
        }
        attempt->is_released = !is_named;
    }
}

/* With a crash in between, two slaves may have attempts; then the later one stands, whoever of two halves has made it. */
static bool is_latest(const struct sim_observer *observer, const struct sim_attempt *attempt)
{
    for (uint32_t i = observer->records[attempt->record].first; i != SIM_NONE;
         i = observer->attempts[i].next) {
        const struct ms_token other = observer->attempts[i].token;

        if (other.epoch > attempt->token.epoch ||
            (other.epoch == attempt->token.epoch && other.n > attempt->token.n)) {
            return false;
        }
    }
    return true;
}

static void hear_result(struct sim_world *world, const struct sim_end *slave,
                        const struct ms_command *result)
{
    struct sim_attempt *attempt = sim_attempt_find(world, result->token);

    if (attempt != NULL && !attempt->is_released) {
        attempt->is_taken = is_latest(world->observer, attempt);
        attempt->is_counted = result->status != MS_STATUS_OK && result->status != MS_STATUS_CRASHED;
    }
    release_token(world, slave, result->token);
}

static void receive(struct sim_world *world, struct sim_node *node, const struct ms_event *event)
{
    const struct ms_command *command = event->command;
    const struct sim_end *end = sim_other_end(world, node, event->peer);
    struct sim_wire *wire = wire_of(world, node, event->peer);
    struct sim_view *view = sim_view(world, node);
    struct sim_attempt *attempt;

    ms_assert(end != NULL);
    if (command->kind == MS_KIND_PULL || command->kind == MS_KIND_RESULT) {
        wire->granted += command->count;
    }
    if (view->is_over) {
        return;
    }
    view->may_join |= command->kind == MS_KIND_ROLL || command->kind == MS_KIND_CANCEL ||
                      command->kind == MS_KIND_RECONCILE ||
                      (command->kind == MS_KIND_SUBMIT && command->terms != NULL);
    switch (command->kind) {
    case MS_KIND_RESULT:
        hear_result(world, end, command);
        break;
    case MS_KIND_RETURN:
        world->stats.counts[SIM_STAT_RETURNS]++;
        attempt = sim_attempt_find(world, command->token);
        if (attempt != NULL && attempt->state == SIM_ATTEMPT_RUNNING) {
            sim_fail(world, "attempts", "a running attempt %llu is handed back",
                     (unsigned long long)command->token.n);
        }
        release_token(world, end, command->token);
        break;
    case MS_KIND_ROLL:
        hear_roll(world, end, command->body.tokens);
        break;
    case MS_KIND_QUERY:
        sim_operate_asked(world, node, event->peer, command);
        sim_fleet_asked(world, node, event->peer, command);
        break;
    default:
        break;
    }
}

void sim_master_event(struct sim_world *world, struct sim_node *node, const struct ms_event *event)
{
    if (event->type == MS_EVENT_PEER_OPENED) {
        *wire_of(world, node, event->peer) = (struct sim_wire){.peer = event->peer};
    } else if (event->type == MS_EVENT_PEER_CLOSED) {
        sim_operate_closed(world, node, event->peer);
        sim_fleet_closed(world, node, event->peer);
    } else if (event->type == MS_EVENT_RECEIVED) {
        receive(world, node, event);
    }
}

static struct sim_attempt *add_attempt(struct sim_world *world, const struct ms_command *command)
{
    struct sim_observer *observer = world->observer;

    if (sim_attempt_find(world, command->token) != NULL) {
        sim_fail(world, "attempts", "token %llu:%llu is handed out twice",
                 (unsigned long long)command->token.epoch, (unsigned long long)command->token.n);
    }
    if (observer->attempts_count == observer->attempts_capacity) {
        observer->attempts_capacity =
            observer->attempts_capacity == 0 ? 256 : observer->attempts_capacity * 2;
        observer->attempts =
            realloc(observer->attempts, observer->attempts_capacity * sizeof *observer->attempts);
        ms_assert(observer->attempts != NULL);
    }
    struct sim_attempt *attempt = &observer->attempts[observer->attempts_count++];
    const bool is_kept =
        ms_map_put(&observer->by_token, ms_key_of(command->token.epoch, command->token.n),
                   observer->attempts_count);

    ms_assert(is_kept);
    *attempt = (struct sim_attempt){.token = command->token, .number = command->attempt};
    return attempt;
}

/* An attempt from before the start is kept for its command, but not for ever: nobody has submitted it since. */
static bool is_nobodys(const struct sim_world *world, const struct sim_node *node,
                       const struct sim_record *record)
{
    const struct ms_master_config config = sim_master_config(world, node, 0);

    return record->chain[node->index] == SIM_CHAIN_NONE &&
           world->now - sim_view(world, node)->began_at > config.client_keep * 9 / 10;
}

/* Its end is in the log of this later master: only its slave does not know that it is. */
static bool is_ended(const struct sim_node *node, bool is_later, const struct sim_record *record,
                     const struct sim_attempt *attempt)
{
    return is_later && node->disk != NULL &&
           sim_result_is_known(&node->disk->ledger, record, attempt);
}

static void check_others(struct sim_world *world, const struct sim_node *node,
                         const struct sim_record *record, const struct ms_command *command)
{
    const uint32_t master = sim_view(world, node)->tenure;
    const bool is_durable = sim_is_durable(world, record);
    uint32_t counted = 0;

    for (uint32_t i = record->first; i != SIM_NONE; i = world->observer->attempts[i].next) {
        const struct sim_attempt *other = &world->observer->attempts[i];

        if (other->master != master && (!is_durable || is_nobodys(world, node, record) ||
                                        sim_attempt_is_apart(world, other, master))) {
            continue; /* this one could not know of it, or waited long enough */
        }
        if (!other->is_released && !is_ended(node, other->master != master, record, other)) {
            sim_fail(world, "attempts",
                     "seq %llu of %s is handed out again while %s still has attempt %u, token "
                     "%llu:%llu",
                     (unsigned long long)record->id.seq, sim_node_name(world, record->node),
                     sim_node_name(world, other->node), other->number,
                     (unsigned long long)other->token.epoch, (unsigned long long)other->token.n);
        }
        if (i < record->life) {
            continue; /* forgotten with its client */
        }
        counted += other->is_counted && i >= record->keep.counted_from &&
                   (other->master == master || other->is_safe);
        if (other->master != master) {
            continue; /* that it was handed out need not be on the disk */
        }
        if (other->number >= command->attempt && other->state != SIM_ATTEMPT_RETURNED) {
            sim_fail(world, "attempts", "attempt %u follows attempt %u", command->attempt,
                     other->number);
        }
    }
    if (counted >= record->attempts_max) {
        sim_fail(world, "attempts", "seq %llu may be tried %u times and has failed %u times",
                 (unsigned long long)record->id.seq, record->attempts_max, counted);
    }
}

/* Not before its time and not after its deadline, as far as the clocks of this world can be trusted. */
static void check_times(struct sim_world *world, const struct sim_node *node,
                        const struct sim_record *record)
{
    const int64_t wall = node->driver.clock + node->wall_offset;
    if (record->due_at > world->now && sim_walls_agree(world)) {
        sim_fail(world, "time", "seq %llu is handed out %lld us before its time",
                 (unsigned long long)record->id.seq, (long long)(record->due_at - world->now));
    }
    /* An only attempt waits for the disk after it was handed out. */
    if (record->deadline != 0 && wall > record->deadline && sim_walls_agree(world) &&
        !record->keep.is_timeless && (record->flags & MS_FLAG_ONCE) == 0 && record->on == 0) {
        sim_fail(world, "time", "seq %llu is handed out %lld us after its deadline",
                 (unsigned long long)record->id.seq, (long long)(wall - record->deadline));
    }
}

/* It may have left its master's books since it was chosen. */
static void check_key(struct sim_world *world, const struct sim_node *node,
                      const struct sim_record *record)
{
    const struct ms_work *work = ms_clients_find_work(sim_master_of(node), &record->id);

    if (work != NULL) {
        sim_key_check(world, record, work);
    }
}

static void hand_out(struct sim_world *world, struct sim_node *node, const struct ms_effect *effect)
{
    const struct ms_command *command = &effect->command;
    struct sim_wire *wire = wire_of(world, node, effect->peer);
    const struct sim_end *end = sim_other_end(world, node, effect->peer);
    const uint32_t tenure = sim_view(world, node)->tenure;
    struct sim_record *record = sim_record_find(world, &command->id);

    if (record == NULL) {
        sim_fail(world, "identity", "a command is handed out that nobody submitted: seq %llu",
                 (unsigned long long)command->id.seq);
    }
    if (wire->sent >= wire->granted) {
        sim_fail(world, "credit", "%s is sent a command beyond the %llu it granted",
                 sim_node_name(world, end->node), (unsigned long long)wire->granted);
    }
    wire->sent++;
    /* What the other half has confirmed is not known here before the pair is one again. */
    const bool is_known =
        !world->observer->is_torn &&
        (record->is_never_to_start || (record->unstarted_by != 0 && sim_is_durable(world, record)));

    if (record->unstarted_by == tenure || is_known) {
        sim_fail(world, "cancel", "seq %llu starts, whose cancel said that it never would",
                 (unsigned long long)record->id.seq);
    }
    if (!sim_slave_runs(world, end->node, (uint32_t)(record->type - SIM_TYPE_FIRST))) {
        sim_fail(world, "routing", "%s is sent a type that it does not run",
                 sim_node_name(world, end->node));
    }
    const bool is_over = sim_view(world, node)->is_over;

    if (!is_over) {
        check_times(world, node, record);
        sim_priority_check(world, node, record);
        check_key(world, node, record);
        check_others(world, node, record, command);
        sim_array_hand_out(world, node, record, command);
        sim_broadcast_hand_out(world, node, record, end);
    }
    struct sim_attempt *attempt = add_attempt(world, command);

    /* One that another master has been heard by takes it no more. */
    attempt->is_released = is_over && world->observer->lines[end->node].heard > effect->epoch;

    attempt->record = (uint32_t)(record - world->observer->records);
    attempt->node = end->node;
    attempt->incarnation = end->incarnation;
    attempt->master = tenure;
    attempt->generation = record->keep.generation;
    attempt->next = record->first;
    record->first = (uint32_t)(attempt - world->observer->attempts);
    world->stats.counts[SIM_STAT_ATTEMPTS_AGAIN] += command->attempt > 1;
    world->stats.counts[SIM_STAT_HANDS_KNOWN] +=
        !is_over && sim_master_of(node)->awaited_count > 0 && record->is_accepted &&
        record->submitted_at < sim_view(world, node)->began_at;
}

/* The half that was active before has that end on its disk, or had it when it was merged, and it was not confirmed anywhere: it
 * is higher than what was told here, so it takes its place by the table of docs/decisions/0013-reconciliation.md. A client that
 * has taken the lower one drops it, which is looked at there. */
static bool is_lifted(const struct sim_world *world, const struct sim_node *node,
                      const struct sim_record *record, const struct ms_command *outcome)
{
    const struct sim_life *life =
        world->config.masters > 1
            ? sim_ledger_find(&world->nodes[1 - node->index].disk->ledger, &record->id)
            : NULL;
    const bool is_settled = record->is_end_merged ||
                            (life != NULL && life->settle != 0 && life->status == outcome->status);
    const bool is_wish = life != NULL && life->changes[MS_OPERATION_CANCEL] != 0;

    if (sim_outcome_rank((enum ms_status)outcome->status) <=
        sim_outcome_rank(record->outcome_status)) {
        return false;
    }
    return (outcome->status == MS_STATUS_CANCELLED && (is_settled || is_wish)) ||
           (outcome->status == MS_STATUS_OK && is_settled);
}

static void give_outcome(struct sim_world *world, struct sim_node *node,
                         const struct ms_effect *effect)
{
    const struct ms_command *command = &effect->command;
    const struct sim_end *end = sim_other_end(world, node, effect->peer);
    const struct ms_id id = {sim_name_find(world, end->node, end->incarnation), command->id.seq};
    const uint32_t tenure = sim_view(world, node)->tenure;
    struct sim_record *record = sim_record_find(world, &id);

    if (record == NULL) {
        sim_fail(world, "identity", "an outcome for a submission that never was: seq %llu",
                 (unsigned long long)command->id.seq);
    }
    const uint64_t hash =
        sim_hash(command->status ^ (uint64_t)command->attempt << 8 ^ (uint64_t)command->code << 40,
                 command->payload.data, command->payload.size);

    const bool is_bound = record->outcome_master == tenure ||
                          (record->outcome_master != 0 && sim_is_durable(world, record));

    if (is_bound && !record->keep.is_void && record->outcome_hash != hash &&
        !sim_outcome_is_apart(world, record, tenure) && !is_lifted(world, node, record, command)) {
        sim_fail(world, "outcome", "seq %llu: the outcome has changed",
                 (unsigned long long)command->id.seq);
    }
    if (sim_view(world, node)->is_over) {
        return;
    }
    record->outcome_master = tenure;
    record->outcome_hash = hash;
    record->outcome_status = (enum ms_status)command->status;
    record->is_outcome_apart = false;
    sim_keep_said(world, node, record);
    sim_unique_outcome(world, record);
}

static void accept(struct sim_world *world, struct sim_node *node, const struct ms_effect *effect)
{
    const struct sim_end *end = sim_other_end(world, node, effect->peer);
    const struct ms_command *command = &effect->command;
    const uint64_t count = command->count == 0 ? 1 : command->count;

    for (uint64_t i = 0; i < count; i++) {
        const struct ms_id id = {sim_name_find(world, end->node, end->incarnation),
                                 command->id.seq + i};
        struct sim_record *record = sim_record_find(world, &id);

        if (record == NULL) {
            sim_fail(world, "identity", "seq %llu is accepted, which was never submitted",
                     (unsigned long long)id.seq);
        }
        if (!sim_view(world, node)->is_over) {
            record->accepted_by = sim_view(world, node)->tenure;
        }
    }
}

static void answer_cancel(struct sim_world *world, struct sim_node *node,
                          const struct ms_effect *effect)
{
    const struct ms_command *command = &effect->command;
    const struct sim_end *end = sim_other_end(world, node, effect->peer);
    const struct ms_id id = {sim_name_find(world, end->node, end->incarnation), command->id.seq};
    struct sim_record *record = sim_record_find(world, &id);

    if (record != NULL && command->error == MS_E_OK) {
        record->cancelled_by = sim_view(world, node)->tenure;
        record->unstarted_by =
            (command->flags & MS_FLAG_STARTED) == 0 ? record->cancelled_by : record->unstarted_by;
    }
}

/* Each process has one of its own, above those of all before it. */
static void check_epoch(struct sim_world *world, const struct sim_node *node, ms_epoch epoch)
{
    struct sim_observer *observer = world->observer;
    struct sim_view *view = sim_view(world, node);

    if (view->epoch == 0 && epoch > observer->epoch_highest) {
        view->epoch = observer->epoch_highest = epoch;
    }
    if (epoch != view->epoch) {
        sim_fail(world, "epoch", "a master sends in epoch %llu, and %llu was the highest before",
                 (unsigned long long)epoch, (unsigned long long)observer->epoch_highest);
    }
}

void sim_master_effect(struct sim_world *world, struct sim_node *node,
                       const struct ms_effect *effect)
{
    const struct ms_command *command = &effect->command;

    if (effect->type == MS_EFFECT_CLOSE) {
        sim_operate_closed(world, node, effect->peer);
        sim_fleet_closed(world, node, effect->peer);
    }
    if (effect->type != MS_EFFECT_SEND || command->kind >= MS_KIND_PEER_HELLO) {
        return;
    }
    const bool is_to_stranger = command->kind == MS_KIND_ERROR && effect->epoch == 0;

    if (world->config.masters == 1 && !is_to_stranger) {
        check_epoch(world, node, effect->epoch);
    }
    switch (command->kind) {
    case MS_KIND_WELCOME:
        world->stats
            .counts[command->body.welcome->resumed ? SIM_STAT_RESUMES : SIM_STAT_SESSIONS]++;
        break;
    case MS_KIND_COMMAND:
        hand_out(world, node, effect);
        sim_fleet_handed_out(world, node, sim_other_end(world, node, effect->peer));
        sim_gates_handed_out(world, node, command);
        break;
    case MS_KIND_REVOKE:
        world->stats.counts[SIM_STAT_REVOKES]++;
        break;
    case MS_KIND_VERDICT:
        for (uint32_t i = 0; i < command->body.tokens->count; i++) {
            const struct sim_end *end = sim_other_end(world, node, effect->peer);

            if (!sim_view(world, node)->is_over) {
                release_token(world, end, command->body.tokens->tokens[i]);
            }
        }
        break;
    case MS_KIND_OUTCOME:
        give_outcome(world, node, effect);
        break;
    case MS_KIND_CANCEL_ACK:
        answer_cancel(world, node, effect);
        break;
    case MS_KIND_SUBMIT_ACK:
        accept(world, node, effect);
        break;
    case MS_KIND_REPORT:
        sim_operate_answered(world, node, effect->peer, command);
        sim_fleet_answered(world, node, effect->peer, command);
        break;
    default:
        break;
    }
}
