/* What is parked says nothing and is told nothing, there is one at most, it is there for the moment at which the one in use ends, and
 * a passive half bears it. Nothing is said to a master below the highest epoch that was heard (I7). */
#include "tests/sim/observer_parked.h"

#include "core/invariant.h"
#include "tests/sim/nodes.h"
#include "tests/sim/observer.h"

#define LATE_BEATS 2 /* intervals of silence after which another master is greeted */

typedef unsigned long long number;

static struct sim_lines *lines_of(struct sim_world *world, const struct sim_node *node)
{
    return &world->observer->lines[node->index];
}

static struct sim_line *find(struct sim_lines *lines, ms_peer peer)
{
    for (uint32_t i = 0; i < SIM_LINES_MAX; i++) {
        if (lines->lines[i].peer == peer) {
            return &lines->lines[i];
        }
    }
    return NULL;
}

static void end(struct sim_lines *lines, ms_peer peer, bool is_own)
{
    struct sim_line *line = peer != MS_PEER_NONE ? find(lines, peer) : NULL;

    if (line == NULL) {
        return; /* it was not opened, or is closed already */
    }
    lines->is_over |= line->has_stayed;
    lines->is_unused |= is_own && !line->has_spoken;
    *line = (struct sim_line){0};
}

static void receive(struct sim_world *world, const struct sim_node *node,
                    const struct ms_event *event)
{
    struct sim_lines *lines = lines_of(world, node);
    struct sim_line *line = find(lines, event->peer);

    ms_assert(line != NULL);
    if (!line->has_spoken && event->epoch != 0) {
        sim_fail(world, "parked", "%s has asked for nothing, and is told epoch %llu",
                 sim_node_name(world, node->index), (number)event->epoch);
    }
    if (event->command->kind == MS_KIND_ERROR) {
        /* It sends away, whatever its epoch; whoever had taken us says which one it serves. */
        if (line->late_at != 0 && event->epoch > lines->heard) {
            lines->heard = event->epoch;
        }
        return;
    }
    if (event->command->kind == MS_KIND_WELCOME) {
        line->beat_interval = event->command->body.welcome->beat_interval;
    }
    line->late_at = node->driver.clock + LATE_BEATS * line->beat_interval;
    line->epoch = event->epoch;
    line->has_stayed |= event->command->kind == MS_KIND_BEAT_ACK;
    lines->heard = event->epoch > lines->heard ? event->epoch : lines->heard;
}

void sim_parked_event(struct sim_world *world, struct sim_node *node, const struct ms_event *event)
{
    struct sim_lines *lines = lines_of(world, node);

    lines->is_over = lines->is_unused = lines->is_leaving = false;
    if (node->role == SIM_MASTER) {
        lines->is_to_be_kept =
            event->type == MS_EVENT_PEER_OPENED && event->tag == 0 && sim_master_of(node) == NULL;
        return;
    }
    if (event->type == MS_EVENT_PEER_OPENED) {
        struct sim_line *line = find(lines, MS_PEER_NONE);

        if (line == NULL) {
            sim_fail(world, "parked", "%s has more than %d connections",
                     sim_node_name(world, node->index), SIM_LINES_MAX);
        }
        *line = (struct sim_line){.peer = event->peer};
    } else if (event->type == MS_EVENT_PEER_CLOSED) {
        end(lines, event->peer, false);
    } else if (event->type == MS_EVENT_RECEIVED) {
        receive(world, node, event);
    }
}

/* Another master is greeted when the one in use is late, and not before. */
static void check_greeting(struct sim_world *world, const struct sim_node *node)
{
    const struct sim_lines *lines = lines_of(world, node);

    for (uint32_t i = 0; i < SIM_LINES_MAX; i++) {
        const struct sim_line *line = &lines->lines[i];

        if (line->peer != MS_PEER_NONE && line->has_spoken && node->driver.clock < line->late_at) {
            sim_fail(world, "parked", "%s greets another master, and its own is not late",
                     sim_node_name(world, node->index));
        }
    }
}

static void send(struct sim_world *world, const struct sim_node *node,
                 const struct ms_effect *effect)
{
    struct sim_lines *lines = lines_of(world, node);
    struct sim_line *line = find(lines, effect->peer);
    const enum ms_kind kind = (enum ms_kind)effect->command.kind;

    if (line == NULL) {
        sim_fail(world, "parked", "%s says %s on a connection that it has not got",
                 sim_node_name(world, node->index), ms_kind_name(kind));
    }
    if (line->has_spoken != (kind != MS_KIND_HELLO)) {
        sim_fail(world, "parked", "%s says %s on a connection that %s",
                 sim_node_name(world, node->index), ms_kind_name(kind),
                 line->has_spoken ? "is greeted already" : "is parked");
    }
    if (kind == MS_KIND_HELLO) {
        check_greeting(world, node);
    }
    if (line->epoch != 0 && line->epoch < lines->heard && kind != MS_KIND_ERROR) {
        sim_fail(world, "stale", "%s says %s to a master of epoch %llu, and has heard %llu",
                 sim_node_name(world, node->index), ms_kind_name(kind), (number)line->epoch,
                 (number)lines->heard);
    }
    world->stats.counts[SIM_STAT_PARKED_USED] += !line->has_spoken && line->is_parked;
    line->has_spoken = true;
    lines->is_leaving |= kind == MS_KIND_BYE;
}

void sim_parked_effect(struct sim_world *world, struct sim_node *node,
                       const struct ms_effect *effect)
{
    struct sim_lines *lines = lines_of(world, node);

    if (node->role == SIM_MASTER) {
        lines->is_to_be_kept &= effect->type != MS_EFFECT_KEEP;
    } else if (effect->type == MS_EFFECT_CLOSE) {
        end(lines, effect->peer, true);
    } else if (effect->type == MS_EFFECT_SEND) {
        send(world, node, effect);
    } else if (effect->type == MS_EFFECT_KEEP) {
        struct sim_line *line = find(lines, effect->peer);

        line->is_parked = true;
        world->stats.counts[SIM_STAT_PARKED]++;
    }
}

void sim_parked_step(struct sim_world *world, struct sim_node *node)
{
    const struct sim_lines *lines = lines_of(world, node);
    const char *name = sim_node_name(world, node->index);
    uint32_t used = 0, parked = 0;

    if (lines->is_to_be_kept) {
        sim_fail(world, "parked", "%s is passive, and does not bear who says nothing", name);
    }
    for (uint32_t i = 0; i < SIM_LINES_MAX; i++) {
        const struct sim_line *line = &lines->lines[i];

        used += line->peer != MS_PEER_NONE && line->has_spoken;
        parked += line->peer != MS_PEER_NONE && !line->has_spoken;
    }
    if (used + parked > 2 || parked > used) {
        sim_fail(world, "parked", "%s has %u connections in use, and %u parked beside them", name,
                 used, parked);
    }
    if (lines->is_over && lines->is_unused && !lines->is_leaving) {
        sim_fail(world, "parked", "%s leaves its master, and does not go where it was parked",
                 name);
    }
}

void sim_parked_forget(struct sim_world *world, const struct sim_node *node)
{
    *lines_of(world, node) = (struct sim_lines){0};
}
