/* What becomes of the log of a half that was active, when it gives it up. */
#include "tests/sim/disk.h"
#include "tests/sim/nodes.h"
#include "tests/sim/observer.h"
#include "tests/sim/observer_pair.h"
#include "tests/sim/observer_torn.h"

typedef unsigned long long number;

#define CLOSED 5 /* its outcome was confirmed, and is nobody's business any more */

/* How far a command is on a disk, in the order in which the higher one stands. */
static int rank_of(const struct sim_ledger *ledger, const struct ms_id *id)
{
    const struct sim_life *life = sim_ledger_find(ledger, id);

    if (sim_ledger_is_closed(ledger, id) || sim_ledger_is_closed_member(ledger, id)) {
        return CLOSED;
    }
    if (life != NULL && life->settle != 0) {
        return sim_outcome_rank((enum ms_status)life->status);
    }
    return sim_ledger_is_live(ledger, id) ? 1 : 0;
}

static bool was_kicked(const struct sim_ledger *ledger, const struct ms_id *id)
{
    const struct sim_life *life = sim_ledger_find(ledger, id);

    return life != NULL && life->changes[MS_OPERATION_KICK] != 0;
}

/* Both have an outcome of it, and not the same. */
static bool is_other_outcome(const struct sim_ledger *there, const struct sim_ledger *here,
                             const struct ms_id *id)
{
    const struct sim_life *was = sim_ledger_find(there, id), *is = sim_ledger_find(here, id);

    return was != NULL && is != NULL && was->settle != 0 && is->settle != 0 &&
           (was->status != is->status || was->code != is->code);
}

/* It waits on both, and somebody's wish for it is over there only. Here a newer one may stand in the place of the same: it was asked for since. */
static bool is_other_wish(const struct sim_ledger *there, const struct sim_ledger *here,
                          const struct ms_id *id)
{
    const struct sim_life *was = sim_ledger_find(there, id), *is = sim_ledger_find(here, id);
    bool is_other = false;

    for (int i = MS_OPERATION_RELEASE; i <= MS_OPERATION_PRIORITY; i++) {
        is_other |= was != NULL && is != NULL && was->settle == 0 && is->settle == 0 &&
                    was->changes[i] > is->changes[i];
    }
    return is_other;
}

/* A log is set aside when the other disk has all of it, and not before (I11); it is not even kept when that has nothing that is otherwise. */
void sim_pair_aside(struct sim_world *world, const struct sim_node *node, bool is_kept)
{
    const struct sim_ledger *there = sim_disk_own(node->disk);
    const struct sim_ledger *here = &world->nodes[1 - node->index].disk->ledger;

    if (sim_view(world, node)->is_partial) {
        return; /* what was its own was set aside before */
    }
    for (uint32_t i = 0; i < world->observer->records_count; i++) {
        const struct sim_record *record = &world->observer->records[i];

        if (record->incarnation == 0) {
            continue; /* of a provider: whoever serves makes and tells it on its own */
        }
        const int was = rank_of(there, &record->id);
        const int is = rank_of(here, &record->id);
        const bool is_other =
            !is_kept && was == is && was < CLOSED &&
            (is_other_outcome(there, here, &record->id) || is_other_wish(there, here, &record->id));

        if (is_other && sim_is_durable(world, record)) {
            sim_fail(world, "spared",
                     "%s does not keep its log, and has seq %llu of %s otherwise (%d)",
                     sim_node_name(world, node->index), (number)record->id.seq,
                     sim_node_name(world, record->node), was);
        }
        if (was > is && sim_is_durable(world, record) && !was_kicked(there, &record->id) &&
            !was_kicked(here, &record->id)) {
            sim_fail(world, "merge",
                     "%s sets its log aside, and seq %llu of %s is %d there and %d here",
                     sim_node_name(world, node->index), (number)record->id.seq,
                     sim_node_name(world, record->node), was, is);
        }
    }
}
