/* Every event and every effect: into the digest, and into the lines of a trace. */
#include "tests/sim/observer.h"

static const char *event_name(enum ms_event_type type)
{
    static const char *const names[] = {
        [MS_EVENT_TICK] = "tick",           [MS_EVENT_PEER_OPENED] = "opened",
        [MS_EVENT_PEER_CLOSED] = "closed",  [MS_EVENT_RECEIVED] = "received",
        [MS_EVENT_PERSISTED] = "persisted", [MS_EVENT_REPLAYED] = "replayed",
        [MS_EVENT_ROOM] = "room",           [MS_EVENT_FINISHED] = "finished",
        [MS_EVENT_OUTPUT] = "output",       [MS_EVENT_PRODUCED] = "produced",
        [MS_EVENT_REQUEST] = "request",     [MS_EVENT_STOP] = "stop",
        [MS_EVENT_RELOAD] = "reload",       [MS_EVENT_STORED] = "stored",
        [MS_EVENT_SCANNED] = "scanned",     [MS_EVENT_CLEARED] = "cleared",
        [MS_EVENT_ARRIVING] = "arriving",   [MS_EVENT_TOLD] = "told",
    };

    return names[type];
}

static const char *effect_name(enum ms_effect_type type)
{
    static const char *const names[] = {
        [MS_EFFECT_CONNECT] = "connect", [MS_EFFECT_CLOSE] = "close",
        [MS_EFFECT_SEND] = "send",       [MS_EFFECT_PERSIST] = "persist",
        [MS_EFFECT_RUN] = "run",         [MS_EFFECT_ABORT] = "abort",
        [MS_EFFECT_OPEN] = "open",       [MS_EFFECT_TELL] = "tell",
        [MS_EFFECT_PRODUCE] = "produce", [MS_EFFECT_DELIVER] = "deliver",
        [MS_EFFECT_READY] = "ready",     [MS_EFFECT_STOPPED] = "stopped",
        [MS_EFFECT_FOLLOW] = "follow",   [MS_EFFECT_STORE] = "store",
        [MS_EFFECT_REPLAY] = "replay",   [MS_EFFECT_SCAN] = "scan",
        [MS_EFFECT_CLEAR] = "clear",     [MS_EFFECT_MARK] = "mark",
        [MS_EFFECT_PAUSE] = "pause",     [MS_EFFECT_RESUME] = "resume",
        [MS_EFFECT_KEEP] = "keep",
    };

    return names[type];
}

void sim_trace_event(struct sim_world *world, const struct sim_node *node,
                     const struct ms_event *event)
{
    const struct ms_command *command = event->command;

    sim_digest(world, (uint64_t)node->driver.clock ^ ((uint64_t)event->type << 56) ^ node->index);
    if (command != NULL) {
        sim_digest(world, command->id.seq ^ command->token.n << 20 ^ (uint64_t)command->kind << 50);
    }
    if (world->is_tracing && event->type != MS_EVENT_TICK) {
        sim_trace(world, "%s <- %s %s seq %llu token %llu:%llu peer %x",
                  sim_node_name(world, node->index), event_name(event->type),
                  command != NULL ? ms_kind_name((enum ms_kind)command->kind) : "",
                  command != NULL ? (unsigned long long)command->id.seq : 0,
                  command != NULL ? (unsigned long long)command->token.epoch : 0,
                  command != NULL ? (unsigned long long)command->token.n : 0,
                  ms_peer_slot(event->peer));
    }
}

void sim_trace_effect(struct sim_world *world, const struct sim_node *node,
                      const struct ms_effect *effect)
{
    const struct ms_command *command = &effect->command;

    sim_digest(world, ((uint64_t)effect->type << 56) ^ effect->peer ^ effect->epoch << 40);
    sim_digest(world, command->id.seq ^ command->token.n << 20 ^ (uint64_t)command->kind << 50 ^
                          (uint64_t)command->status << 48);
    if (command->payload.size > 0) {
        sim_digest(world, sim_hash(0, command->payload.data, command->payload.size));
    }
    if (world->is_tracing) {
        sim_trace(world, "   %s -> %s %s seq %llu token %llu:%llu count %llu %s %s peer %x",
                  sim_node_name(world, node->index), effect_name(effect->type),
                  ms_kind_name((enum ms_kind)command->kind), (unsigned long long)command->id.seq,
                  (unsigned long long)command->token.epoch, (unsigned long long)command->token.n,
                  (unsigned long long)command->count,
                  ms_status_name((enum ms_status)command->status),
                  ms_error_name((enum ms_error)command->error), ms_peer_slot(effect->peer));
    }
}
