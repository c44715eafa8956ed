/* The five-state walk as seen from outside: along the table, in time, and never through a stall of the
 * master's own. */
#include <stdlib.h>
#include <string.h>

#include "core/invariant.h"
#include "master/pair.h"
#include "master/slaves.h"
#include "master/state.h"
#include "tests/sim/nodes.h"
#include "tests/sim/observer.h"

static const struct ms_session_manager *manager_of(const struct sim_node *node)
{
    return &sim_master_of(node)->sessions;
}

void sim_sessions_forget(struct sim_world *world, const struct sim_node *node)
{
    sim_view(world, node)->sessions_count = 0;
    sim_view(world, node)->wires_count = 0;
}

static bool may_end(const struct ms_event *event)
{
    if (event->type == MS_EVENT_STOP) {
        return true;
    }
    if (event->type != MS_EVENT_RECEIVED) {
        return false;
    }
    /* A goodbye ends it; a greeting may replace it; an error ends what cannot go on. */
    return event->command->kind == MS_KIND_BYE || event->command->kind == MS_KIND_HELLO ||
           event->command->kind == MS_KIND_ERROR;
}

/* Who has greeted a half before it served is heard later, in any step. */
static bool has_greeters(const struct sim_world *world, const struct sim_node *node)
{
    return world->config.masters > 1 && ms_pair_greeters(node->state) > 0;
}

void sim_sessions_before(struct sim_world *world, struct sim_node *node,
                         const struct ms_event *event)
{
    struct sim_view *view = sim_view(world, node);

    if (sim_master_of(node) == NULL) {
        return;
    }
    view->due = ms_session_manager_deadline(manager_of(node));
    view->may_end = may_end(event) || has_greeters(world, node);
    /* A half of a pair steps its master with a tick that is due in the same step as it hears anything. */
    view->may_age = event->type == MS_EVENT_TICK || world->config.masters > 1;
    for (uint32_t i = 0; i < view->sessions_count && event->type == MS_EVENT_RECEIVED; i++) {
        struct sim_session *session = &view->sessions[i];

        if (session->handle != MS_HANDLE_NONE && session->peer == event->peer &&
            session->state != MS_SESSION_DEAD) {
            session->heard_at = node->driver.clock;
            session->slack = 0;
            session->was_heard = true;
        }
    }
}

static void fail_walk(struct sim_world *world, const struct sim_session *session,
                      enum ms_session_state to, const char *why)
{
    sim_fail(world, "sessions", "session of %s goes from %s to %s: %s",
             sim_node_name(world, session->node), ms_session_state_name(session->state),
             ms_session_state_name(to), why);
}

/* The time since the last sign of life, in the master's own time, when a tick took a step. */
static void check_time(struct sim_world *world, const struct sim_node *node,
                       const struct sim_session *session, int ticks, const char *what)
{
    const ms_time tick = world->config.tick;
    const ms_time late = node->driver.clock - sim_view(world, node)->due;
    const ms_time silence = node->driver.clock - session->heard_at;

    if (silence <= ticks * tick || silence > (ticks + 1) * tick + session->slack + late) {
        sim_fail(world, "sessions",
                 "session of %s is %s after %lld us of silence, %lld of them our own; a tick is "
                 "%lld us",
                 sim_node_name(world, session->node), what, (long long)silence,
                 (long long)(session->slack + late), (long long)tick);
    }
}

/* What a dead session holds goes to others: its slave, which cannot be sure of its master by now, must not begin it. */
static void lose_unstarted(struct sim_world *world, const struct sim_session *session)
{
    struct sim_observer *observer = world->observer;

    for (uint32_t i = observer->released_before; i < observer->attempts_count; i++) {
        struct sim_attempt *attempt = &observer->attempts[i];

        attempt->is_lost |=
            attempt->node == session->node && attempt->incarnation == session->incarnation &&
            (attempt->state == SIM_ATTEMPT_SENT || attempt->state == SIM_ATTEMPT_HELD);
    }
}

static void age(struct sim_world *world, const struct sim_node *node, struct sim_session *session,
                enum ms_session_state to)
{
    const struct sim_view *view = sim_view(world, node);
    const ms_time late = node->driver.clock - view->due;

    if (!view->may_age || late < 0) {
        fail_walk(world, session, to, "no tick was due");
    }
    if (late > world->config.tick / 2) {
        fail_walk(world, session, to, "the master was stalled itself");
    }
    if (to != session->state + 1) {
        fail_walk(world, session, to, "not along the table");
    }
    if (to == MS_SESSION_DEAD) {
        world->stats.counts[SIM_STAT_DEATHS]++;
        check_time(world, node, session, 3, "dead");
        if (!view->is_over && !world->observer->is_torn) {
            lose_unstarted(world, session);
        }
    }
}

/* A master that is over takes the slave for dead: it may hand out its commands anew, and the newer one knows nothing of that. */
static void give_up(struct sim_world *world, uint32_t tenure, uint32_t node, uint32_t incarnation)
{
    struct sim_observer *observer = world->observer;

    for (uint32_t i = observer->released_before; i < observer->attempts_count; i++) {
        struct sim_attempt *attempt = &observer->attempts[i];

        attempt->is_given_up |= attempt->master == tenure && attempt->node == node &&
                                attempt->incarnation == incarnation;
    }
}

/* Nothing ties its commands to it any more: a slave's go to others, a client's may be dropped. */
static void let_go(struct sim_world *world, const struct sim_node *node,
                   const struct sim_session *mirror)
{
    struct sim_observer *observer = world->observer;

    if (sim_view(world, node)->is_over) {
        give_up(world, sim_view(world, node)->tenure, mirror->node, mirror->incarnation);
        return; /* another master has them */
    }
    sim_release(world, mirror->node, mirror->incarnation);
    for (uint32_t i = observer->kept_from; i < observer->records_count; i++) {
        struct sim_record *record = &observer->records[i];

        if (record->node == mirror->node && record->incarnation == mirror->incarnation &&
            !sim_is_durable(world, record)) {
            record->accepted_by = 0;
            record->outcome_master = 0;
            record->unstarted_by = 0;
            record->life = observer->attempts_count;
            record->keep.is_unsure = true;
        }
    }
}

static void move(struct sim_world *world, const struct sim_node *node, struct sim_session *mirror,
                 const struct ms_session *session)
{
    const enum ms_session_state to = (enum ms_session_state)session->state;

    if (mirror->state == MS_SESSION_DEAD) {
        fail_walk(world, mirror, to, "the dead do not come back");
    }
    if (to == MS_SESSION_ALIVE) {
        if (!mirror->was_heard && mirror->peer == session->peer) {
            fail_walk(world, mirror, to, "nothing was heard of it");
        }
    } else if (to == MS_SESSION_DEAD && sim_view(world, node)->may_end) {
        mirror->is_closed = true;
    } else {
        age(world, node, mirror, to);
    }
    mirror->state = to;
    if (to == MS_SESSION_DEAD) {
        let_go(world, node, mirror);
    }
}

/* Whose session that is, said by the connection it began on. */
static const struct sim_name *token_add(struct sim_world *world, const struct sim_node *node,
                                        const struct ms_session *session)
{
    struct sim_observer *observer = world->observer;
    const uint32_t slot = ms_peer_slot(session->peer);

    ms_assert(slot >= 1 && slot <= node->driver.peers_count);
    const struct sim_end *end =
        &world->net.connections[node->driver.peers[slot - 1]->connection]->ends[0];

    observer->tokens =
        realloc(observer->tokens, (observer->tokens_count + 1) * sizeof *observer->tokens);
    ms_assert(observer->tokens != NULL);
    observer->tokens[observer->tokens_count] =
        (struct sim_name){end->node, end->incarnation, session->uuid};
    return &observer->tokens[observer->tokens_count++];
}

static const struct sim_name *token_find(const struct sim_observer *observer,
                                         const struct ms_uuid *uuid)
{
    for (uint32_t i = observer->tokens_count; i > 0; i--) {
        if (ms_uuid_equal(&observer->tokens[i - 1].uuid, uuid)) {
            return &observer->tokens[i - 1];
        }
    }
    return NULL;
}

/* A slave from before the master's start has not told yet what it has in hand; said of the dead, it never has. */
static void note_awaited(struct sim_session *mirror, const struct ms_session *session)
{
    if (mirror->state != MS_SESSION_DEAD && session->role == MS_ROLE_SLAVE &&
        session->user != NULL) {
        mirror->is_awaited = ms_slave_of(session)->is_awaited;
    }
}

static void born(struct sim_world *world, struct sim_node *node, struct sim_session *mirror,
                 const struct ms_session *session)
{
    const struct sim_name *token = session->peer == MS_PEER_NONE
                                       ? token_find(world->observer, &session->uuid)
                                       : token_add(world, node, session);

    if (token == NULL) {
        sim_fail(world, "sessions", "a session is born without a connection");
    }
    *mirror = (struct sim_session){.handle = session->handle,
                                   .state = (enum ms_session_state)session->state,
                                   .uuid = session->uuid,
                                   .node = token->node,
                                   .incarnation = token->incarnation,
                                   .peer = session->peer,
                                   .heard_at = node->driver.clock};
    note_awaited(mirror, session);
    if (session->peer == MS_PEER_NONE) {
        return; /* it was found on the disk, with what its slave has in hand */
    }
    let_go(world, node,
           mirror); /* what it had in a former session was ended, dropped or begun anew */
    if (mirror->state != MS_SESSION_ALIVE) {
        sim_fail(world, "sessions", "a session is born %s", ms_session_state_name(mirror->state));
    }
}

static void gone(struct sim_world *world, struct sim_node *node, struct sim_session *mirror)
{
    if (mirror->state != MS_SESSION_DEAD) {
        if (!sim_view(world, node)->may_end) {
            sim_fail(world, "sessions", "session of %s vanishes while %s",
                     sim_node_name(world, mirror->node), ms_session_state_name(mirror->state));
        }
        let_go(world, node, mirror);
    } else if (!mirror->is_closed) {
        world->stats.counts[SIM_STAT_RECLAIMS]++;
        world->stats.counts[SIM_STAT_CALLS_ENDED] += mirror->is_awaited;
        if (sim_view(world, node)->may_age) {
            check_time(world, node, mirror, 4, "reclaimed");
        }
    }
    mirror->handle = MS_HANDLE_NONE;
}

static void reserve(struct sim_view *view, uint32_t count)
{
    if (count > view->sessions_count) {
        view->sessions = realloc(view->sessions, count * sizeof *view->sessions);
        ms_assert(view->sessions != NULL);
        memset(view->sessions + view->sessions_count, 0,
               (count - view->sessions_count) * sizeof *view->sessions);
        view->sessions_count = count;
    }
}

/* A tick that came so late that it aged nobody starts the schedule anew: everybody's silence may grow
 * by what was lost. */
static void note_slack(struct sim_world *world, const struct sim_node *node, ms_time due_after)
{
    struct sim_view *view = sim_view(world, node);
    const ms_time tick = world->config.tick;

    if (view->due == MS_TIME_NEVER || due_after == MS_TIME_NEVER || due_after - view->due <= tick) {
        return;
    }
    for (uint32_t i = 0; i < view->sessions_count; i++) {
        view->sessions[i].slack += due_after - view->due - tick;
    }
    /* The tick itself aged nobody. */
    for (uint32_t i = 0; i < view->sessions_count; i++) {
        view->sessions[i].slack += tick;
    }
}

void sim_sessions_after(struct sim_world *world, struct sim_node *node)
{
    struct sim_view *view = sim_view(world, node);
    const struct ms_session_manager *manager = manager_of(node);
    uint32_t cursor = 0, seen = 0;

    for (struct ms_session *session = ms_session_manager_next(manager, &cursor); session != NULL;
         session = ms_session_manager_next(manager, &cursor)) {
        const uint32_t place = cursor - 1;

        reserve(view, cursor);
        while (seen < place) {
            if (view->sessions[seen].handle != MS_HANDLE_NONE) {
                gone(world, node, &view->sessions[seen]);
            }
            seen++;
        }
        struct sim_session *mirror = &view->sessions[place];

        seen = cursor;
        if (mirror->handle != session->handle) {
            if (mirror->handle != MS_HANDLE_NONE) {
                gone(world, node, mirror);
            }
            born(world, node, mirror, session);
            continue;
        }
        if (mirror->state != (enum ms_session_state)session->state) {
            move(world, node, mirror, session);
        }
        if (mirror->peer != session->peer) {
            if (session->peer != MS_PEER_NONE) {
                mirror->heard_at = node->driver.clock;
                mirror->slack = 0;
            }
            mirror->peer = session->peer;
        }
        mirror->was_heard = false;
        note_awaited(mirror, session);
    }
    for (; seen < view->sessions_count; seen++) {
        if (view->sessions[seen].handle != MS_HANDLE_NONE) {
            gone(world, node, &view->sessions[seen]);
        }
    }
    note_slack(world, node, ms_session_manager_deadline(manager));
}
