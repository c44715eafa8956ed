/* What must be on the disk, and when: nothing is said before it is as durable as it claims to be, and nothing that was said is ever
 * lost. */
#include "core/invariant.h"
#include "master/state.h"
#include "tests/sim/disk.h"
#include "tests/sim/nodes.h"
#include "tests/sim/observer.h"
#include "tests/sim/observer_strict.h"

#define CHECK_ALL_EVERY 16 /* commits between two looks at everything that was promised */

typedef unsigned long long number;

bool sim_is_durable(const struct sim_world *world, const struct sim_record *record)
{
    return world->config.has_disk && record->durability >= MS_DURABILITY_LOCAL;
}

/* --- what is said --- */

static struct sim_record *record_to(struct sim_world *world, struct sim_node *node,
                                    const struct ms_effect *effect, uint64_t seq)
{
    const struct sim_end *end = sim_other_end(world, node, effect->peer);
    const struct ms_id id = {sim_name_find(world, end->node, end->incarnation), seq};

    return sim_record_find(world, &id);
}

static void fail_early(struct sim_world *world, const struct sim_record *record, const char *what)
{
    sim_fail(world, "durable", "%s of seq %llu leaves before the disk has it", what,
             (number)record->id.seq);
}

static void check_accept(struct sim_world *world, struct sim_node *node,
                         const struct sim_ledger *ledger, const struct ms_effect *effect)
{
    const struct ms_command *command = &effect->command;
    const uint64_t count = command->count == 0 ? 1 : command->count;

    for (uint64_t i = 0; i < count; i++) {
        struct sim_record *record = record_to(world, node, effect, command->id.seq + i);

        if (record == NULL || !sim_is_durable(world, record)) {
            continue;
        }
        if (command->durability < record->durability) {
            sim_fail(world, "durable", "seq %llu is accepted as %s and was to be %s",
                     (number)record->id.seq,
                     ms_durability_name((enum ms_durability)command->durability),
                     ms_durability_name((enum ms_durability)record->durability));
        }
        if (!sim_ledger_is_live(ledger, &record->id) &&
            !sim_ledger_is_closed(ledger, &record->id)) {
            fail_early(world, record, "the acknowledgement");
        }
        record->is_promised = true;
    }
}

static void check_outcome(struct sim_world *world, struct sim_node *node,
                          const struct sim_ledger *ledger, const struct ms_effect *effect)
{
    const struct ms_command *command = &effect->command;
    const struct sim_record *record = record_to(world, node, effect, command->id.seq);

    if (record == NULL || !sim_is_durable(world, record)) {
        return;
    }
    const struct sim_life *life = sim_ledger_find(ledger, &record->id);

    if (life == NULL || life->settle == 0 || life->status != command->status ||
        life->attempt != command->attempt || life->code != command->code) {
        fail_early(world, record, "the outcome");
    }
}

static void check_cancel(struct sim_world *world, struct sim_node *node,
                         const struct sim_ledger *ledger, const struct ms_effect *effect)
{
    const struct sim_record *record = record_to(world, node, effect, effect->command.id.seq);

    if (record == NULL || !sim_is_durable(world, record) || effect->command.error != MS_E_OK) {
        return;
    }
    const struct sim_life *life = sim_ledger_find(ledger, &record->id);

    if (!sim_ledger_is_closed(ledger, &record->id) &&
        (life == NULL || (life->settle == 0 && life->changes[MS_OPERATION_CANCEL] == 0))) {
        fail_early(world, record, "the confirmed cancel");
    }
}

bool sim_result_is_known(const struct sim_ledger *ledger, const struct sim_record *record,
                         const struct sim_attempt *attempt)
{
    const struct sim_life *life = sim_ledger_find(ledger, &record->id);

    if (sim_ledger_is_closed(ledger, &record->id)) {
        return true;
    }
    if (life == NULL) {
        return false;
    }
    /* Each half counts attempts on its own, and who starts does not know all that were begun, so an outcome that was merged, or is of
     * another reign than the attempt, ends it, whatever its number; and so does one that is of no attempt. */
    const bool is_others = record->is_end_merged || attempt->master != record->outcome_master;
    const bool is_later = life->attempt >= attempt->number;
    /* A merge let it join another command, whose outcome is its own. */
    const bool is_joined = record->leader != SIM_NONE && attempt->master != record->joined_at;
    /* The kick that it came of was lost before it was told: so was what came of it. */
    const bool is_void =
        attempt->generation >
        (life->changes[MS_OPERATION_KICK] != 0 ? life->values[MS_OPERATION_KICK] : 0);
    const bool is_of_none = life->status == MS_STATUS_CANCELLED ||
                            life->status == MS_STATUS_EXPIRED || life->status == MS_STATUS_LOST;

    return is_joined || (life->settle != 0 && (is_later || is_of_none || is_others || is_void)) ||
           ((life->retry != 0 || life->changes[MS_OPERATION_KICK] != 0) && is_later);
}

static void check_result(struct sim_world *world, struct sim_node *node,
                         const struct sim_ledger *ledger, const struct ms_effect *effect)
{
    const struct ms_command *command = &effect->command;
    const uint64_t count = command->count == 0 ? 1 : command->count;

    for (uint64_t i = 0; i < count; i++) {
        struct sim_attempt *attempt =
            sim_attempt_find(world, (struct ms_token){command->token.epoch, command->token.n + i});

        if (attempt == NULL || !attempt->is_taken) {
            continue;
        }
        const struct sim_record *record = &world->observer->records[attempt->record];

        /* One that nobody submitted to this master is nobody's, after a while. */
        if (sim_is_durable(world, record) && record->chain[node->index] == SIM_CHAIN_NONE) {
            continue;
        }
        if (sim_is_durable(world, record) && !sim_result_is_known(ledger, record, attempt)) {
            fail_early(world, record, "the receipt of a result");
        }
        attempt->is_safe = true;
    }
}

static void check_start(struct sim_world *world, const struct sim_ledger *ledger,
                        const struct ms_effect *effect)
{
    const struct ms_command *command = &effect->command;
    const struct sim_record *record = sim_record_find(world, &command->id);

    if (record == NULL || !sim_is_durable(world, record) || (record->flags & MS_FLAG_ONCE) == 0) {
        return;
    }
    const struct sim_life *life = sim_ledger_find(ledger, &record->id);

    if (life == NULL || life->lease == 0 || !ms_token_equal(life->token, command->token)) {
        fail_early(world, record, "the only attempt");
    }
}

static void check_welcome(struct sim_world *world, struct sim_node *node,
                          const struct sim_ledger *ledger, const struct ms_effect *effect)
{
    const struct sim_end *end = sim_other_end(world, node, effect->peer);

    if (world->nodes[end->node].role == SIM_SLAVE &&
        !sim_ledger_has_session(ledger, &effect->command.body.welcome->token)) {
        sim_fail(world, "durable", "%s is welcomed before the disk has its session",
                 sim_node_name(world, end->node));
    }
}

static void speak(struct sim_world *world, struct sim_node *node, const struct sim_ledger *ledger,
                  const struct ms_effect *effect)
{
    const struct ms_command *command = &effect->command;

    switch (command->kind) {
    case MS_KIND_SUBMIT_ACK:
        check_accept(world, node, ledger, effect);
        break;
    case MS_KIND_OUTCOME:
        check_outcome(world, node, ledger, effect);
        break;
    case MS_KIND_CANCEL_ACK:
        check_cancel(world, node, ledger, effect);
        break;
    case MS_KIND_RESULT_ACK:
        check_result(world, node, ledger, effect);
        break;
    case MS_KIND_COMMAND:
        check_start(world, ledger, effect);
        break;
    case MS_KIND_WELCOME:
        check_welcome(world, node, ledger, effect);
        return;
    case MS_KIND_SUBMIT_NAK:
        world->stats.counts[SIM_STAT_DISK_REFUSALS] += command->error == MS_E_STORE_FULL;
        return;
    default:
        return;
    }
    if (sim_view(world, node)->is_failed) {
        sim_fail(world, "durable", "%s leaves a master whose store has failed",
                 ms_kind_name((enum ms_kind)command->kind));
    }
}

/* As durable as it must be: on every disk that must have it. */
static void check_said(struct sim_world *world, struct sim_node *node,
                       const struct ms_effect *effect)
{
    const struct sim_ledger *ledgers[SIM_MASTERS_MAX];
    const uint32_t count = sim_pair_ledgers(world, node, ledgers);

    if (!sim_view(world, node)->is_ready && effect->command.kind != MS_KIND_ERROR) {
        sim_fail(world, "durable", "a master speaks before it is ready");
    }
    for (uint32_t i = 0; i < count; i++) {
        speak(world, node, ledgers[i], effect);
    }
    if (world->config.masters > 1 && effect->command.kind == MS_KIND_SUBMIT_ACK) {
        sim_strict_accepted(world, node, count, effect);
    }
}

void sim_durable_effect(struct sim_world *world, struct sim_node *node,
                        const struct ms_effect *effect)
{
    const struct sim_view *view = sim_view(world, node);

    if (effect->type == MS_EFFECT_PERSIST && world->config.masters > 1 && !view->has_master &&
        !view->had_master) {
        sim_pair_follow(world, node, effect);
    } else if (effect->type == MS_EFFECT_PERSIST) {
        sim_journal_persist(world, node, effect);
    } else if (effect->type == MS_EFFECT_SEND && node->disk != NULL &&
               effect->command.kind < MS_KIND_PEER_HELLO) {
        check_said(world, node, effect);
    }
}

void sim_durable_event(struct sim_world *world, struct sim_node *node, const struct ms_event *event)
{
    struct sim_view *view = sim_view(world, node);

    if (event->type == MS_EVENT_ROOM) {
        view->room = event->count;
    } else if (event->type == MS_EVENT_PERSISTED && event->error != MS_E_OK) {
        view->is_failed = true;
    }
}

/* --- what the disk holds --- */

static bool is_there(const struct sim_node *node, const struct sim_record *record)
{
    return node->disk != NULL && (sim_ledger_is_live(&node->disk->ledger, &record->id) ||
                                  sim_ledger_is_closed(&node->disk->ledger, &record->id));
}

/* Everything that was promised is on the disk of the newest master, or closed there; while nobody serves, or
 * two may, on any. */
static void check_promises(struct sim_world *world)
{
    const struct sim_observer *observer = world->observer;
    const struct sim_node *newest = sim_newest(world);
    const bool is_over = sim_view(world, newest)->is_over || observer->is_torn;

    for (uint32_t i = 0; i < observer->records_count; i++) {
        const struct sim_record *record = &observer->records[i];
        bool is_lost = record->is_promised && !is_there(newest, record);

        for (uint32_t other = 0; other < world->config.masters && is_lost && is_over; other++) {
            is_lost = !is_there(&world->nodes[other], record);
        }
        if (is_lost) {
            sim_fail(world, "durable", "seq %llu of %s was promised, and the disk has lost it",
                     (number)record->id.seq, sim_node_name(world, record->node));
        }
    }
}

void sim_durable_mended(struct sim_world *world)
{
    if (world->observer->is_torn) {
        sim_trace(world, "what was torn is one again");
        sim_torn_end(world);
        check_promises(world);
    }
}

void sim_observe_commit(struct sim_world *world, struct sim_node *node)
{
    if (++world->observer->commits % CHECK_ALL_EVERY == 0) {
        check_promises(world);
    }
    sim_pair_compare(world);
    (void)node;
}

static void note_chain(const struct sim_ledger *ledger, uint32_t node, struct sim_record *record)
{
    const struct sim_life *life = sim_ledger_find(ledger, &record->id);
    const bool is_member = sim_ledger_array(ledger, &record->id) != NULL;
    enum sim_chain chain = SIM_CHAIN_NONE;

    record->failures[node] = 0;
    if (life != NULL && life->settle != 0) {
        chain = SIM_CHAIN_SETTLED;
    } else if (sim_ledger_is_closed_member(ledger, &record->id)) {
        chain = SIM_CHAIN_CLOSED;
    } else if (is_member || (life != NULL && life->submit != 0)) {
        chain = SIM_CHAIN_OPEN;
        record->failures[node] = life != NULL && life->retry != 0 ? life->failures : 0;
    } else if (sim_ledger_is_closed(ledger, &record->id)) {
        chain = SIM_CHAIN_CLOSED;
    }
    record->chain[node] = (uint8_t)chain;
}

/* A new process reads the disk: its view of every command begins with what is there. */
static void read_disk(struct sim_world *world, struct sim_node *node)
{
    struct sim_observer *observer = world->observer;
    const struct sim_disk *disk = node->disk;

    sim_view(world, node)->journal_last =
        disk->entries_count == 0 ? 0 : disk->entries[disk->entries_count - 1].seq;
    for (uint32_t i = 0; i < observer->records_count; i++) {
        note_chain(&disk->ledger, node->index, &observer->records[i]);
    }
    if (world->config.masters > 1) {
        sim_pair_read(world, node);
    }
}

void sim_durable_begin(struct sim_world *world, struct sim_node *node)
{
    struct sim_observer *observer = world->observer;
    struct sim_view *view = sim_view(world, node);

    view->tenure = ++observer->tenures;
    view->epoch = 0;
    view->began_at = world->now;
    view->is_ready = node->disk == NULL;
    if (node->disk != NULL) {
        read_disk(world, node);
    }
    if (world->config.masters == 1) {
        view->is_failed = false;
        view->room = UINT64_MAX;
    } else if (view->served < observer->served_highest) {
        return; /* another has taken over meanwhile */
    } else {
        sim_pair_takes_over(world, node);
    }
    observer->newest = node->index;
    view->is_over = false;
    sim_operate_begin(world, node);
    sim_fleet_begin(world, node);
    if (node->disk != NULL) {
        check_promises(world);
    }
}

/* The other half was forced, and is outdone without having been heard of: the former tenure lasts. */
void sim_durable_go_on(struct sim_world *world, struct sim_node *node)
{
    sim_pair_takes_over(world, node);
    world->observer->newest = node->index;
    sim_view(world, node)->is_over = false;
}

/* The slave of that session is still in touch with the process that dies. */
static bool has_session(const struct sim_view *view, const struct sim_attempt *attempt)
{
    for (uint32_t i = 0; i < view->sessions_count; i++) {
        const struct sim_session *session = &view->sessions[i];

        if (session->handle != MS_HANDLE_NONE && session->state != MS_SESSION_DEAD &&
            session->node == attempt->node && session->incarnation == attempt->incarnation) {
            return true;
        }
    }
    return false;
}

/* The process is gone: a result that it heard and did not acknowledge is the slave's still, and what is in
 * memory only is no later master's concern. */
void sim_tenure_over(struct sim_world *world, struct sim_node *node)
{
    struct sim_observer *observer = world->observer;

    if (sim_view(world, node)->is_over) {
        return;
    }
    sim_view(world, node)->is_over = true;
    sim_keep_death(world);

    for (uint32_t i = observer->released_before; i < observer->attempts_count; i++) {
        struct sim_attempt *attempt = &observer->attempts[i];

        if (!sim_is_durable(world, &observer->records[attempt->record])) {
            attempt->is_released = true;
        } else if (attempt->is_taken && !attempt->is_safe &&
                   has_session(sim_view(world, node), attempt)) {
            attempt->is_released = false;
        }
        attempt->is_taken = attempt->is_taken && attempt->is_safe;
    }
    while (observer->released_before < observer->attempts_count &&
           observer->attempts[observer->released_before].is_released) {
        observer->released_before++;
    }
}

void sim_durable_ready(struct sim_world *world, struct sim_node *node)
{
    struct sim_view *view = sim_view(world, node);

    if (view->is_ready) {
        sim_fail(world, "durable", "a master is ready twice");
    }
    view->is_ready = true;
    view->may_join = true;
    world->stats.counts[SIM_STAT_RECOVERED] += ms_queue_count(&sim_master_of(node)->queue);
}
