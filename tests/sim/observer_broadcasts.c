#include "tests/sim/observer_broadcasts.h"

#include <string.h>

#include "core/invariant.h"
#include "master/state.h"
#include "master/slaves.h"
#include "tests/sim/nodes.h"
#include "tests/sim/observer.h"

typedef unsigned long long number;

#define ENTRY_TOKEN  16 /* bytes of a target's entry: its token, */
#define ENTRY_LENGTH 32 /* where the length of its name stands, */
#define ENTRY_NAME   33 /* and where the name does */

static bool announces(const struct ms_slave *slave, ms_type type)
{
    const struct ms_profile *profile = slave->profile;

    for (uint32_t i = 0; profile != NULL && i < profile->types_count; i++) {
        if (profile->types[i]->type == type) {
            return true;
        }
    }
    return false;
}

/* As the master's own books of sessions have it. */
static bool fits(const struct ms_session *session, ms_type type)
{
    const struct ms_slave *slave = session->role == MS_ROLE_SLAVE ? session->user : NULL;

    return slave != NULL && !ms_session_is_dead(session) && !slave->is_ending &&
           !slave->is_cordoned && !slave->is_draining && announces(slave, type);
}

static uint32_t count_in(struct ms_bytes list, const struct ms_uuid *token)
{
    uint32_t count = 0;

    while (list.size > 0) {
        const size_t size = ENTRY_NAME + (size_t)list.data[ENTRY_LENGTH];

        count += memcmp(list.data, token->bytes, ENTRY_TOKEN) == 0;
        list.data += size;
        list.size -= size;
    }
    return count;
}

static void check_targets(struct sim_world *world, const struct ms_master *master,
                          const struct sim_record *first, const struct ms_record *record)
{
    const struct ms_terms *terms = record->terms;
    const struct ms_session *session;
    uint32_t fit = 0, meant = 0;
    uint32_t cursor = 0;

    while ((session = ms_session_manager_next(&master->sessions, &cursor)) != NULL) {
        const uint32_t times = count_in(terms->targets, &session->token);

        if (times > 1 || (times > 0 && !fits(session, record->type))) {
            sim_fail(world, "broadcast",
                     "seq %llu is %u times for %s, which may be told once, or not at all",
                     (number)record->id.seq, times, session->name);
        }
        fit += fits(session, record->type);
        meant += times;
    }
    if (meant != terms->array_count || (first->on == MS_ON_ALL && fit != meant) ||
        (first->on != MS_ON_ALL && first->on != meant)) {
        sim_fail(world, "broadcast", "seq %llu is for %u slaves, %u of them live, and %u fit",
                 (number)record->id.seq, terms->array_count, meant, fit);
    }
    world->stats.counts[SIM_STAT_BROADCASTS]++;
}

static void note_targets(struct sim_record *first, const struct ms_terms *terms)
{
    const uint8_t *at = terms->targets.data;

    first->aimed = terms->array_count;
    for (uint32_t i = 0; i < terms->array_count; i++) {
        memcpy(first[i].target.bytes, at, ENTRY_TOKEN);
        at += ENTRY_NAME + (size_t)at[ENTRY_LENGTH];
    }
}

/* Only who is gone has lost it. Whom the other half settled on, when both served, may not be known here, nor
 * whether he has begun. */
static void check_lost(struct sim_world *world, const struct ms_master *master,
                       const struct sim_record *record, uint32_t tenure)
{
    const struct ms_session *session;
    const struct sim_record *first = &world->observer->records[record->array];
    uint32_t cursor = 0;

    if (first->aimed_at != tenure && sim_was_torn(world)) {
        return;
    }
    while ((session = ms_session_manager_next(&master->sessions, &cursor)) != NULL) {
        const struct ms_slave *slave = session->role == MS_ROLE_SLAVE ? session->user : NULL;

        if (slave != NULL && !slave->is_ending && ms_uuid_equal(&session->token, &record->target)) {
            sim_fail(world, "broadcast", "seq %llu is lost, and its slave %s lives",
                     (number)record->id.seq, session->name);
        }
    }
}

void sim_broadcast_entry(struct sim_world *world, const struct sim_node *node,
                         struct sim_record *of, const struct ms_record *record)
{
    const struct ms_master *master = sim_master_of(node);
    const struct sim_view *view = sim_view(world, node);
    const bool is_own = !view->is_over && !view->is_merging && master != NULL;

    if (of->on == 0) {
        return;
    }
    if (record->kind == MS_RECORD_SUBMIT && record->terms != NULL &&
        record->terms->targets.size > 0) {
        note_targets(of, record->terms);
        if (is_own) {
            of->aimed_at = view->tenure;
            check_targets(world, master, of, record);
        }
    }
    if (record->kind == MS_RECORD_SETTLE && record->status == MS_STATUS_LOST && is_own) {
        check_lost(world, master, of, view->tenure);
    }
}

static bool is_same(const struct sim_attempt *attempt, const struct sim_end *end)
{
    return attempt->node == end->node && attempt->incarnation == end->incarnation;
}

/* What was begun under the other half, when both served, was not known here; nor is what only memory knew. */
void sim_broadcast_hand_out(struct sim_world *world, const struct sim_node *node,
                            const struct sim_record *record, const struct sim_end *end)
{
    const struct sim_observer *observer = world->observer;
    const struct sim_record *first = &observer->records[record->array];
    const uint32_t tenure = sim_view(world, node)->tenure;

    for (uint32_t i = 0; record->on > 0 && sim_is_durable(world, record) && i < first->array_count;
         i++) {
        for (uint32_t j = first[i].first; j != SIM_NONE; j = observer->attempts[j].next) {
            const struct sim_attempt *other = &observer->attempts[j];

            if (is_same(other, end) != (&first[i] == record) &&
                !sim_attempt_is_apart(world, other, tenure)) {
                sim_fail(world, "broadcast", "seq %llu goes to %s, and seq %llu went to %s",
                         (number)record->id.seq, sim_node_name(world, end->node),
                         (number)first[i].id.seq, sim_node_name(world, other->node));
            }
        }
    }
}

/* The verdict is of as many as there were. */
static void check_end(struct sim_world *world, const struct sim_record *first)
{
    uint32_t slaves = 0;
    bool is_cancelled = false;

    for (uint32_t i = 0; i < first->array_count; i++) {
        if (!first[i].is_over) {
            return;
        }
        slaves += !first[i].is_spare;
        is_cancelled |= first[i].is_cancel_asked;
    }
    world->stats.counts[SIM_STAT_BROADCASTS_DONE]++;
    if (world->config.masters == 1 && sim_is_durable(world, first) && !is_cancelled &&
        first->is_accepted && slaves != first->aimed) {
        sim_fail(world, "broadcast", "seq %llu is for %u slaves, and has %u outcomes",
                 (number)first->id.seq, first->aimed, slaves);
    }
}

/* A slave whose name it says has run it. */
static bool has_run_on(const struct sim_world *world, const struct sim_record *record,
                       struct ms_bytes name)
{
    const struct sim_observer *observer = world->observer;

    for (uint32_t j = record->first; j != SIM_NONE; j = observer->attempts[j].next) {
        const char *node = sim_node_name(world, observer->attempts[j].node);

        if (observer->attempts[j].has_run && name.size >= strlen(node) &&
            memcmp(name.data, node, strlen(node)) == 0) {
            return true;
        }
    }
    return false;
}

void sim_broadcast_outcome(struct sim_world *world, const struct sim_record *record,
                           const struct ms_command *outcome)
{
    if (record->on == 0) {
        return;
    }
    if (record->is_spare) {
        sim_fail(world, "broadcast", "seq %llu was nobody's, and has an outcome",
                 (number)record->id.seq);
    }
    if (outcome->status == MS_STATUS_OK && !has_run_on(world, record, outcome->detail)) {
        sim_fail(world, "broadcast", "seq %llu is said to be done by another slave than it was",
                 (number)record->id.seq);
    }
    world->stats.counts[SIM_STAT_BROADCASTS_LOST] += outcome->status == MS_STATUS_LOST;
    check_end(world, &world->observer->records[record->array]);
}

void sim_broadcast_refused(struct sim_world *world, struct sim_record *record,
                           const struct ms_command *nak)
{
    const bool is_nobodys = nak->error == MS_E_NOT_FOUND && nak->count > 0;

    if (record->on == 0 || (!is_nobodys && nak->error != MS_E_CLOSED_ID)) {
        return;
    }
    record->is_spare = true;
    if (record->first != SIM_NONE && sim_is_durable(world, record) && !sim_was_torn(world)) {
        sim_fail(world, "broadcast", "seq %llu was handed out, and is said to be nobody's",
                 (number)record->id.seq);
    }
    check_end(world, &world->observer->records[record->array]);
}

/* More fit than there is room for, or the master is older than broadcasts, and is not sent any. What is nobody's is closed: after
 * both halves served, the one that a client did not ask knows of it no more than that. */
bool sim_broadcast_may_refuse(const struct sim_world *world, const struct sim_record *record,
                              const struct ms_command *nak)
{
    return record->on > 0 &&
           (nak->error == MS_E_NOT_FOUND || (nak->error == MS_E_CLOSED_ID && sim_was_torn(world)) ||
            (nak->error == MS_E_BAD_ARGUMENT &&
             (record->on == MS_ON_ALL || world->config.pair.older != 0)));
}
