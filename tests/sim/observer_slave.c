/* What may happen in a slave: every attempt once, in its slots, on what was really submitted. */
#include "core/invariant.h"
#include "tests/sim/nodes.h"
#include "tests/sim/observer.h"
#include "tests/sim/observer_arrays.h"

static struct sim_attempt *own(struct sim_world *world, const struct sim_node *node,
                               struct ms_token token, const char *what)
{
    struct sim_attempt *attempt = sim_attempt_find(world, token);

    if (attempt == NULL || attempt->node != node->index ||
        attempt->incarnation != node->incarnation) {
        sim_fail(world, "attempts", "%s: %s of attempt %llu:%llu, which is not its own",
                 sim_node_name(world, node->index), what, (unsigned long long)token.epoch,
                 (unsigned long long)token.n);
    }
    return attempt;
}

static void let_go(struct sim_world *world, struct sim_attempt *attempt,
                   enum sim_attempt_state state)
{
    ms_assert(world->observer->held[attempt->node] > 0);
    world->observer->held[attempt->node]--;
    attempt->state = state;
}

static void hear_command(struct sim_world *world, struct sim_node *node,
                         const struct ms_event *event)
{
    const struct ms_command *command = event->command;
    const struct sim_config *config = &world->config;
    const uint32_t place = sim_place(world, node);
    const uint32_t granted = config->slots[place] + config->prefetch[place];
    struct sim_attempt *attempt = own(world, node, command->token, "arrival");
    uint32_t *held = &world->observer->held[node->index];

    if (attempt->state != SIM_ATTEMPT_SENT) {
        return;
    }
    attempt->state = SIM_ATTEMPT_HELD;
    attempt->is_stale = event->epoch < world->observer->lines[node->index].heard;
    if (++*held > granted) {
        sim_fail(world, "credit", "%s holds %u commands and never granted more than %u",
                 sim_node_name(world, node->index), *held, granted);
    }
}

/* What waits is dropped with its session; what runs keeps its slot until it returns. */
static void hear_welcome(struct sim_world *world, struct sim_node *node,
                         const struct ms_welcome *welcome)
{
    struct sim_observer *observer = world->observer;

    for (uint32_t i = 0; i < observer->attempts_count; i++) {
        struct sim_attempt *attempt = &observer->attempts[i];

        if (attempt->node != node->index || attempt->incarnation != node->incarnation) {
            continue;
        }
        attempt->is_lost = false; /* a verdict says what may be begun */
        if (welcome->resumed) {
            continue;
        }
        attempt->is_dropped = true;
        if (attempt->state == SIM_ATTEMPT_HELD) {
            let_go(world, attempt, SIM_ATTEMPT_RETURNED);
        }
    }
}

static void drop_waiting(struct sim_world *world, struct sim_node *node, struct ms_token token)
{
    struct sim_attempt *attempt = sim_attempt_find(world, token);

    if (attempt != NULL && attempt->node == node->index &&
        attempt->incarnation == node->incarnation && attempt->state == SIM_ATTEMPT_HELD) {
        let_go(world, attempt, SIM_ATTEMPT_RETURNED);
    }
}

/* A half that is over says so, too, and is believed. */
static void drop(struct sim_world *world, struct sim_node *node, struct ms_token token)
{
    struct sim_attempt *attempt = sim_attempt_find(world, token);

    if (attempt != NULL && attempt->node == node->index &&
        attempt->incarnation == node->incarnation) {
        attempt->is_dropped = true;
    }
    drop_waiting(world, node, token);
}

static void receive(struct sim_world *world, struct sim_node *node, const struct ms_event *event)
{
    const struct ms_command *command = event->command;

    switch (command->kind) {
    case MS_KIND_COMMAND:
        hear_command(world, node, event);
        break;
    case MS_KIND_WELCOME:
        hear_welcome(world, node, command->body.welcome);
        break;
    case MS_KIND_REVOKE:
        drop_waiting(world, node, command->token);
        break;
    case MS_KIND_VERDICT:
        for (uint32_t i = 0; i < command->body.tokens->count; i++) {
            drop(world, node, command->body.tokens->tokens[i]);
        }
        break;
    default:
        break;
    }
}

void sim_slave_event(struct sim_world *world, struct sim_node *node, const struct ms_event *event)
{
    const struct ms_command *command = event->command;
    struct sim_attempt *attempt;

    switch (event->type) {
    case MS_EVENT_RECEIVED:
        receive(world, node, event);
        break;
    case MS_EVENT_OUTPUT:
        own(world, node, command->token, "output")->pieces++;
        break;
    case MS_EVENT_FINISHED:
        attempt = own(world, node, command->token, "end");
        let_go(world, attempt, SIM_ATTEMPT_FINISHED);
        world->observer->running[node->index]--;
        attempt->is_reported = true;
        attempt->status = (enum ms_status)command->status;
        break;
    default:
        break;
    }
}

/* At no time do two slaves whose sessions live work on one command. One whose session an old active has ended may be confirmed by the
 * newer one. */
static void check_alone(struct sim_world *world, const struct sim_record *record,
                        const struct sim_attempt *attempt)
{
    for (uint32_t i = record->first; i != SIM_NONE; i = world->observer->attempts[i].next) {
        const struct sim_attempt *other = &world->observer->attempts[i];

        if (other != attempt && other->master == attempt->master && !other->is_released &&
            !attempt->is_released && !other->is_given_up && !attempt->is_given_up &&
            other->state == SIM_ATTEMPT_RUNNING) {
            sim_fail(world, "attempts", "seq %llu runs on %s and on %s",
                     (unsigned long long)record->id.seq, sim_node_name(world, attempt->node),
                     sim_node_name(world, other->node));
        }
    }
}

/* It was started before, unless it was by the other half: one of both could not know. */
static void check_once(struct sim_world *world, const struct sim_record *record,
                       const struct sim_attempt *attempt)
{
    if ((record->flags & MS_FLAG_ONCE) == 0 || !sim_is_durable(world, record)) {
        return;
    }
    for (uint32_t i = record->first; i != SIM_NONE; i = world->observer->attempts[i].next) {
        const struct sim_attempt *other = &world->observer->attempts[i];

        if (other->has_run && !sim_attempt_is_apart(world, other, attempt->master)) {
            sim_fail(world, "once", "seq %llu is started a second time",
                     (unsigned long long)record->id.seq);
        }
    }
}

static void run(struct sim_world *world, struct sim_node *node, const struct ms_command *command)
{
    struct sim_attempt *attempt = own(world, node, command->token, "start");
    struct sim_record *record = &world->observer->records[attempt->record];

    check_once(world, record, attempt);
    attempt->has_run = true;
    if (attempt->state != SIM_ATTEMPT_HELD) {
        sim_fail(world, "attempts", "token %llu:%llu runs twice",
                 (unsigned long long)command->token.epoch, (unsigned long long)command->token.n);
    }
    if (attempt->is_stale) {
        sim_fail(world, "stale",
                 "%s starts %llu:%llu, which came from below the epoch it had heard",
                 sim_node_name(world, node->index), (unsigned long long)command->token.epoch,
                 (unsigned long long)command->token.n);
    }
    if (attempt->is_lost) {
        sim_fail(world, "lease", "%s starts %llu:%llu, and its session has died of its silence",
                 sim_node_name(world, node->index), (unsigned long long)command->token.epoch,
                 (unsigned long long)command->token.n);
    }
    attempt->state = SIM_ATTEMPT_RUNNING;
    world->stats.counts[SIM_STAT_ATTEMPTS]++;
    if (++world->observer->running[node->index] > world->config.slots[sim_place(world, node)]) {
        sim_fail(world, "slots", "%s runs more than its slots", sim_node_name(world, node->index));
    }
    if (command->id.seq != record->id.seq ||
        !ms_uuid_equal(&command->id.client, &record->id.client) || command->type != record->type ||
        command->attempt != attempt->number || command->payload.size != record->payload_size ||
        sim_hash(0, command->payload.data, command->payload.size) != record->payload_hash) {
        sim_fail(world, "content", "seq %llu is not run as it was submitted",
                 (unsigned long long)record->id.seq);
    }
    check_alone(world, record, attempt);
    sim_array_run(world, record, command);
}

/* A roll must name everything that runs and may still count. */
static void check_roll(struct sim_world *world, const struct sim_node *node,
                       const struct ms_tokens *roll)
{
    const struct sim_observer *observer = world->observer;

    for (uint32_t i = observer->released_before; i < observer->attempts_count; i++) {
        const struct sim_attempt *attempt = &observer->attempts[i];
        bool is_named = false;

        if (attempt->node != node->index || attempt->incarnation != node->incarnation ||
            attempt->state != SIM_ATTEMPT_RUNNING || attempt->is_released || attempt->is_dropped) {
            continue;
        }
        for (uint32_t j = 0; j < roll->count && !is_named; j++) {
            is_named = ms_token_equal(roll->tokens[j], attempt->token);
        }
        if (!is_named) {
            sim_fail(world, "attempts", "%s runs %llu:%llu and does not say so in its roll",
                     sim_node_name(world, node->index), (unsigned long long)attempt->token.epoch,
                     (unsigned long long)attempt->token.n);
        }
    }
}

void sim_slave_effect(struct sim_world *world, struct sim_node *node,
                      const struct ms_effect *effect)
{
    const struct ms_command *command = &effect->command;
    struct sim_attempt *attempt;

    if (effect->type == MS_EFFECT_RUN) {
        run(world, node, command);
        return;
    }
    if (effect->type != MS_EFFECT_SEND) {
        return;
    }
    switch (command->kind) {
    case MS_KIND_ROLL:
        check_roll(world, node, command->body.tokens);
        break;
    case MS_KIND_RETURN:
        attempt = own(world, node, command->token, "return");
        if (attempt->state == SIM_ATTEMPT_HELD) {
            let_go(world, attempt, SIM_ATTEMPT_RETURNED);
        }
        break;
    default:
        break;
    }
}
