#include "master/why.h"

#include "core/invariant.h"
#include "master/archive.h"
#include "master/changes.h"
#include "master/clients.h"
#include "master/gates.h"
#include "master/page.h"
#include "master/rare.h"
#include "master/slaves.h"
#include "master/state.h"
#include "master/targets.h"

#define NAMES_MAX  2    /* slaves that a sentence names */
#define VISITS_MAX 4096 /* commands and slaves that are looked at for one sentence */

static void add_duration(struct ms_text *text, ms_time duration)
{
    if (duration < 10 * MS_SEC) {
        ms_text_add(text, "%lld ms", (long long)(duration / MS_MSEC));
    } else if (duration < 2 * 60 * MS_SEC) {
        ms_text_add(text, "%lld s", (long long)(duration / MS_SEC));
    } else if (duration < 2 * 3600 * MS_SEC) {
        ms_text_add(text, "%lld min", (long long)(duration / (60 * MS_SEC)));
    } else {
        ms_text_add(text, "%lld h", (long long)(duration / (3600 * MS_SEC)));
    }
}

static void add_time(const struct ms_master *master, ms_time at, struct ms_text *text)
{
    const int64_t wall = at + master->config.wall_offset;

    ms_text_add_time(text, wall > 0 ? wall : 0);
}

/* For how long it has been as it is; times that were read back may lie ahead of a clock that was set. */
static ms_time lasting(const struct ms_work *work, ms_time now)
{
    return now > work->changed_at ? now - work->changed_at : 0;
}

/* By then a session that is not heard of is dead. */
static ms_time dead_by(const struct ms_master *master, const struct ms_session *session,
                       ms_time now)
{
    return now + (MS_SESSION_DEAD - (ms_time)session->state) * master->sessions.period;
}

static void add_until(const struct ms_master *master, ms_time until, ms_time now,
                      struct ms_text *text)
{
    add_time(master, until, text);
    ms_text_add(text, " (another ");
    add_duration(text, until > now ? until - now : 0);
    ms_text_add(text, ")");
}

/* The slaves from before the master's start that have not come back yet. */
static void why_doubted(const struct ms_master *master, const char *what, ms_time now,
                        struct ms_text *text)
{
    const struct ms_slave *slave;
    ms_time until = now;
    uint32_t cursor = 0;
    uint32_t named = 0;

    ms_text_add(text, "the master has %s, and until ",
                master->config.is_paired ? "taken over or restarted" : "restarted");
    while (named < NAMES_MAX && cursor < VISITS_MAX &&
           (slave = ms_pool_next(&master->slaves, &cursor)) != NULL) {
        if (slave->is_awaited) {
            const ms_time end = dead_by(master, slave->session, now);

            ms_text_add(text, "%s%s", named > 0 ? ", " : "", slave->session->name);
            until = end > until ? end : until;
            named++;
        }
    }
    if (master->awaited_count > named) {
        until = now + MS_SESSION_DEAD * master->sessions.period;
        ms_text_add(text, "%s%u %s", named > 0 ? " and " : "", master->awaited_count - named,
                    named > 0 ? "others" : "slaves");
    }
    ms_text_add(text, "%s back or dead, one of them may still have %s: at the latest until ",
                master->awaited_count == 1 ? " is" : " are", what);
    add_until(master, until, now, text);
}

/* Commands of its type that will be handed out before it, as far as they are counted. */
static uint32_t count_before(const struct ms_work *work)
{
    uint32_t count = 0;

    for (int priority = MS_PRIORITY_MAX; priority >= work->priority; priority--) {
        const struct ms_list *level = ms_lane_level(work->lane, priority);

        if (level == NULL) {
            continue;
        }
        ms_list_for_each(link, level)
        {
            if (ms_work_of(link) == work || count == VISITS_MAX) {
                return count;
            }
            count++;
        }
    }
    return count;
}

static void add_before(const struct ms_work *work, struct ms_text *text)
{
    const uint32_t before = count_before(work);

    if (before == 0) {
        ms_text_add(text, "it is the next one");
    } else {
        ms_text_add(text, "%s%u %s of this type %s before it",
                    before == VISITS_MAX ? "more than " : "", before,
                    before == 1 ? "command" : "commands", before == 1 ? "is" : "are");
    }
}

static bool has_supplier(const struct ms_lane *lane)
{
    ms_list_for_each(link, &lane->members)
    {
        const struct ms_member *member = ms_container_of(link, struct ms_member, of_lane);

        if (member->profile->ready_count > 0 && !ms_gate_is_shut(member->gate)) {
            return true;
        }
    }
    return false;
}

/* The gate that keeps it from those who have a free slot; NULL = there is none. */
static const struct ms_gate *shut_gate(const struct ms_lane *lane)
{
    const struct ms_gates *gates = lane->root->gates;

    if (gates == NULL || gates->all.is_shut) {
        return gates == NULL ? NULL : &gates->all;
    }
    if (has_supplier(lane)) {
        return NULL;
    }
    ms_list_for_each(link, &lane->members)
    {
        const struct ms_member *member = ms_container_of(link, struct ms_member, of_lane);

        if (member->profile->ready_count > 0) {
            return member->gate;
        }
    }
    return NULL;
}

/* Slaves that run its type and get nothing new, because people said so; as far as they are counted. */
static uint32_t count_cordoned(const struct ms_master *master, const struct ms_lane *lane)
{
    const struct ms_slave *slave;
    uint32_t cursor = 0;
    uint32_t count = 0;

    while (master->cordons.count > 0 && cursor < VISITS_MAX &&
           (slave = ms_pool_next(&master->slaves, &cursor)) != NULL) {
        for (uint32_t i = 0;
             slave->is_cordoned && slave->profile != NULL && i < slave->profile->members_count;
             i++) {
            count += slave->profile->members[i].lane == lane;
        }
    }
    return count;
}

static void add_cordoned(const struct ms_master *master, const struct ms_lane *lane,
                         struct ms_text *text)
{
    const uint32_t cordoned = count_cordoned(master, lane);

    if (cordoned > 0) {
        ms_text_add(text, "%u of them %s cordoned; ", cordoned, cordoned == 1 ? "is" : "are");
    }
}

/* Whom its commands may go to. */
static void add_kind(const struct ms_lane *lane, struct ms_text *text)
{
    const char *group = ms_lane_group(lane);
    const struct ms_route_settings *route = lane->route;

    if (group[0] != '\0') {
        ms_text_add(text, " of group %s", group);
    }
    if (route->labels_count > 0) {
        ms_text_add(text, " with label%s %s%s", route->labels_count > 1 ? "s" : "",
                    route->labels[0].text, route->labels_count > 1 ? " and others" : "");
    }
}

/* It is for one slave only. */
static void why_aimed(const struct ms_work *work, struct ms_text *text)
{
    const struct ms_target *target = ms_target_of(work);
    const struct ms_slave *slave = target != NULL ? target->slave : NULL;
    char name[MS_NAME_MAX + 1];

    ms_target_name(target, name);
    ms_text_add(text, "it is for slave %s only, which ", name);
    if (slave == NULL || slave->is_ending) {
        ms_text_add(text, "is gone: it is about to be lost");
    } else if (slave->session->peer == MS_PEER_NONE) {
        ms_text_add(text, "is not connected (%s)", ms_session_state_name(slave->session->state));
    } else if (slave->is_draining || slave->is_cordoned) {
        ms_text_add(text, "is %s", slave->is_draining ? "draining" : "cordoned");
    } else if (slave->session->credit == 0) {
        ms_text_add(text, "has no free slot");
    } else {
        ms_text_add(text, "is about to be given it");
    }
}

static void why_shut(const struct ms_master *master, const struct ms_gate *gate,
                     const struct ms_work *work, ms_time now, struct ms_text *text)
{
    const char *type = work->lane->name;
    const bool is_of_type = gate == &gate->gates->all;
    const uint64_t held = gate->held + (is_of_type ? 0 : (uint64_t)gate->gates->strangers);

    if (gate->limit > 0 && master->lanes.are_hands_unknown && master->awaited_count > 0) {
        why_doubted(master, "others of its type, which its route limits", now, text);
        return;
    }
    if (gate->limit > 0 && held >= gate->limit) {
        ms_text_add(text, "%llu of %s %s in hand", (unsigned long long)held, type,
                    held == 1 ? "is" : "are");
        if (!is_of_type) {
            ms_text_add(text, " of group \"%s\"", gate->group);
        }
        ms_text_add(text, ", and its route allows %u; ", gate->limit);
    } else if (!ms_rate_is_limit(&gate->rate)) {
        ms_text_add(text, "it is about to be handed out; ");
    } else {
        ms_text_add(text, "its route hands out ");
        ms_rate_print(&gate->rate, text);
        if (!is_of_type) {
            ms_text_add(text, " to group \"%s\"", gate->group);
        }
        ms_text_add(text, ", the next one at ");
        add_until(master, ms_bucket_ready_at(&gate->bucket, &gate->rate), now, text);
        ms_text_add(text, "; ");
    }
    add_before(work, text);
}

static void why_ready(const struct ms_master *master, const struct ms_work *work, ms_time now,
                      struct ms_text *text)
{
    const struct ms_lane *lane = work->lane;
    const uint32_t sessions = ms_lane_sessions(lane);
    const struct ms_gate *gate = shut_gate(lane);

    ms_assert(work->is_in_doubt || work->is_aside || work->is_gated || work->is_lone ||
              ms_work_is_aimed(work) || lane->ready_count > 0);
    if (work->is_in_doubt && master->awaited_count > 0) {
        why_doubted(master, "it", now, text);
    } else if (ms_master_is_draining(master) && ms_work_is_durable(work)) {
        ms_text_add(text, "the master is shutting down: it starts after the next start");
    } else if (work->is_lone) {
        ms_text_add(text, "it is of class strict, and waits until two disks have it");
    } else if (work->is_gated) {
        ms_text_add(text, "its array runs as many as it may: %u", work->rare->array->concurrency);
    } else if (ms_work_is_aimed(work)) {
        why_aimed(work, text);
    } else if (sessions == 0) {
        ms_text_add(text, "no living slave");
        add_kind(lane, text);
        ms_text_add(text, " runs %s", lane->name);
    } else if (work->is_aside) {
        ms_text_add(text, "no slave that runs %s and takes payloads in parts has a free slot",
                    lane->name);
    } else if (gate != NULL) {
        why_shut(master, gate, work, now, text);
    } else if (has_supplier(lane)) {
        ms_text_add(text, "it is about to be handed out; ");
        add_before(work, text);
    } else {
        ms_text_add(text, "%u %s", sessions, sessions == 1 ? "slave" : "slaves");
        add_kind(lane, text);
        ms_text_add(text, " %s %s and %s no free slot; ", sessions == 1 ? "runs" : "run",
                    lane->name, sessions == 1 ? "has" : "have");
        add_cordoned(master, lane, text);
        add_before(work, text);
    }
}

/* The last attempt that went wrong. */
static void add_last_attempt(const struct ms_work *work, struct ms_text *text)
{
    const struct ms_rare *rare = work->rare;
    const struct ms_past *past =
        rare != NULL && rare->past_count > 0 ? &rare->past[rare->past_count - 1] : NULL;

    ms_text_add(text, "attempt %u ended with %s", work->attempt,
                ms_status_name((enum ms_status)work->status));
    if (past != NULL && past->slave[0] != '\0') {
        ms_text_add(text, " on slave %s", past->slave);
    }
    if (work->failures > 0) {
        ms_text_add(text, ", %u of %u attempts are used up", work->failures, work->attempts_max);
    }
    if (work->crashes > 0) {
        ms_text_add(text, ", it took down %u", work->crashes);
    }
}

static void why_delayed(const struct ms_master *master, const struct ms_work *work, ms_time now,
                        struct ms_text *text)
{
    const ms_time due = ms_queue_due(&master->queue, work);
    const bool is_retry = work->failures > 0 || work->crashes > 0;

    if (ms_unique_is_follower(work)) {
        ms_text_add(text, "it has joined ");
        ms_page_print_id(text, work->rare->claim->leader);
        ms_text_add(text, ", which has the same unique key, and gets its outcome");
        return;
    }
    ms_text_add(text, "%s until ", is_retry ? "its next attempt waits" : "it is delayed");
    add_until(master, due, now, text);
    if (is_retry) {
        ms_text_add(text, ": ");
        add_last_attempt(work, text);
    }
}

/* It may be running there, so nobody else is given it. */
static void add_give_up(const struct ms_master *master, const struct ms_work *work, ms_time now,
                        struct ms_text *text)
{
    ms_text_add(text, "; if that is not back by ");
    add_until(master, dead_by(master, work->holder->session, now), now, text);
    ms_text_add(text, " it is given up");
    if (ms_work_is_tied(work)) {
        ms_text_add(text, ", and the command is lost");
    } else if (!work->is_cancel_asked) {
        ms_text_add(text, ", and the command begins again");
    }
}

static void why_leased(const struct ms_master *master, const struct ms_work *work, ms_time now,
                       struct ms_text *text)
{
    const struct ms_session *session = work->holder->session;

    ms_text_add(text, "slave %s has had attempt %u for ", session->name, work->attempt);
    add_duration(text, lasting(work, now));
    if (session->peer == MS_PEER_NONE) {
        ms_text_add(text, " and is not connected (%s)", ms_session_state_name(session->state));
    }
    if (work->is_cancel_asked) {
        ms_text_add(text, "%s",
                    session->peer == MS_PEER_NONE ? "; it will be told to stop"
                                                  : " and was told to stop");
    }
    if (work->is_leaving) {
        ms_text_add(text, "%s",
                    ms_work_is_tied(work) ? "; it may be started only once, and waits for the disk"
                                          : "; it leaves when the other half knows of it");
    }
    if (session->peer == MS_PEER_NONE) {
        add_give_up(master, work, now, text);
    }
}

static void why_archived(const struct ms_master *master, const struct ms_work *work, ms_time now,
                         struct ms_text *text)
{
    const ms_time until = ms_archive_until(master, work);

    ms_text_add(text, "it is %s (%s) for ", ms_life_state_name((enum ms_life_state)work->state),
                ms_status_name((enum ms_status)work->status));
    add_duration(text, lasting(work, now));
    ms_text_add(text, ", and its outcome is kept");
    if (until != MS_TIME_NEVER) {
        ms_text_add(text, " until ");
        add_time(master, until, text);
        ms_text_add(text, " at the latest");
    }
    if (ms_changes_can_kick(work)) {
        ms_text_add(text, "; it can be kicked");
    }
}

static void why_finished(const struct ms_master *master, const struct ms_work *work, ms_time now,
                         struct ms_text *text)
{
    const struct ms_client *client = work->client;

    ms_assert(ms_work_is_finished(work));
    if (work->is_archived) {
        why_archived(master, work, now, text);
        return;
    }
    ms_text_add(text, "it is over (%s) for ", ms_status_name((enum ms_status)work->status));
    add_duration(text, lasting(work, now));
    if (!ms_journal_covers(&master->journal, work->record)) {
        ms_text_add(text, ", and its outcome waits for the disk");
    } else if (client->session == NULL && ms_client_is_away(client)) {
        ms_text_add(text, ", and its client is away; the outcome is kept for it until ");
        add_time(master, ms_heap_key(&master->clients_away[client->is_kept], &client->away), text);
    } else if (client->session == NULL) {
        ms_text_add(text, ", and its client is gone: it is about to be forgotten");
    } else if (work->sent_on == client->connection) {
        ms_text_add(text, ", and its client has not confirmed the outcome");
    } else {
        ms_text_add(text, ", and %u outcomes wait to be sent to its client", client->pending_count);
    }
}

/* The one of its array that stands for those that wait is told of instead. */
static void why_waiting(const struct ms_master *master, const struct ms_work *work, ms_time now,
                        struct ms_text *text)
{
    const struct ms_array *array = work->rare->array;

    ms_assert(array->waiting_count > 0);
    if (array->head == NULL) {
        ms_text_add(text, "the master lacks memory for more of its array");
        return;
    }
    ms_text_add(text, "it is one of %u of its array that follow seq %llu: ", array->waiting_count,
                (unsigned long long)array->head->seq);
    ms_why(master, array->head, now, text);
}

/* Of what has not been started. What is in doubt may have been, and is not given up before that is known. */
static void add_deadline(const struct ms_master *master, const struct ms_work *work,
                         struct ms_text *text)
{
    if (ms_work_deadline(work) == MS_TIME_NEVER || ms_unique_is_follower(work)) {
        return;
    }
    ms_text_add(text, "; it expires at ");
    add_time(master, ms_work_deadline(work), text);
    ms_text_add(text, " if it has not been started by then");
}

void ms_why(const struct ms_master *master, const struct ms_work *work, ms_time now,
            struct ms_text *text)
{
    if (work->rare != NULL && work->rare->is_likeness) {
        why_waiting(master, work, now, text);
        return;
    }
    switch (work->state) {
    case MS_LIFE_READY:
        why_ready(master, work, now, text);
        add_deadline(master, work, text);
        break;
    case MS_LIFE_DELAYED:
        why_delayed(master, work, now, text);
        add_deadline(master, work, text);
        break;
    case MS_LIFE_LEASED:
        why_leased(master, work, now, text);
        break;
    default:
        why_finished(master, work, now, text);
        break;
    }
    ms_assert(!ms_text_is_cut(text));
}
