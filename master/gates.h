/* Limits of a route: how many commands of a type may be in slaves' hands, and how fast they get there, all together and those of
 * each group of slaves. A gate counts them; while it is shut nothing is handed out through it, and whatever has met it waits at it
 * and comes back when it opens:
 *
 *   of the type          lanes, the root and its branches: other types go on
 *   of a group of slaves members, that is the slaves of a profile for one lane: other groups go on
 *
 * A gate shuts when a command goes through; it opens in ms_gates_run, when it was marked as due because one came back, or by its
 * timer when there is a token. So nobody asks a clock, and nothing is done for a gate at which nothing happens.
 *
 * As long as it is not known what slaves have in hand since before the start, gates that have a limit stay shut. Slaves that were read back have told no group yet: what they hold counts for each group until they do, so that no limit is
 * exceeded. Tokens are not remembered over a restart or a takeover, and begin with a full bucket. */
#ifndef MASTER_GATES_H
#define MASTER_GATES_H

#include "core/bucket.h"
#include "core/heap.h"
#include "core/list.h"
#include "core/map.h"
#include "core/types.h"
#include "master/lanes.h"

struct ms_slave;

#define MS_GATES_MAX (UINT32_MAX - 1) /* of one master */

struct ms_gate {
    struct ms_gates *gates; /* that it is of */
    uint32_t held;          /* commands in hand that it counts */
    uint32_t limit;         /* of them; 0 = none */
    struct ms_rate rate;    /* at which they are handed out */
    struct ms_bucket bucket;
    bool is_shut;
    struct ms_list due;        /* on lanes->due_gates while it is to be looked at */
    struct ms_heap_node timer; /* always in lanes->gate_timers: when there is a token */
    struct ms_list waiting;    /* of the type: lanes, by held_back */
    struct ms_list slaves;     /* for whom something is that nobody else gets, by due */
    /* Of a group: */
    struct ms_list supply, demand; /* members that were met, by these */
    struct ms_list link;           /* on gates->groups */
    struct ms_key key;             /* in gates->by_group */
    uint32_t members_count;
    struct ms_heap seats;      /* of its slaves in the root, by rank */
    struct ms_heap_node bench; /* always in gates->benches: by the first of seats, last when shut */
    char group[MS_NAME_MAX + 1];
};

/* Those of one root. */
struct ms_gates {
    struct ms_lanes *lanes;
    struct ms_lane *root;
    struct ms_gate all;
    struct ms_list groups; /* gates of groups of slaves, if the route limits these */
    struct ms_map by_group;
    struct ms_heap benches;
    uint32_t strangers; /* commands in the hands of slaves whose group is not known */
};

/* Whether the root's route limits its commands, or those of groups. */
bool ms_gates_are_wanted(const struct ms_lane *root);

/* Makes those that the root's route asks for, if it has none yet. False when memory is out. */
bool ms_gates_make(struct ms_lanes *lanes, struct ms_lane *root);

/* Ends those of the root, of which no member is. Harmless without. */
void ms_gates_drop(struct ms_lane *root);

/* The gate that slaves of the group have to pass for this root; NULL = there is none. */
struct ms_gate *ms_gates_find(const struct ms_lane *root, const char *group);

/* It is made, if the route limits groups and it was not there. False when memory is out. */
bool ms_gates_reach(struct ms_lane *root, const char *group, struct ms_gate **gate_out);

/* A member is of the gate, or is no more. */
void ms_gate_join(struct ms_gate *gate);
void ms_gate_leave(struct ms_gate *gate);

/* --- what is in hand: gates_count.c --- */

/* A command of the lane is in the hands of the slave now, because it was handed out or has been there already; or is no more. The
 * gate of the slave's group must be there, which reserve makes sure of, false when memory is out; of one with a profile it is. */
bool ms_gates_reserve(const struct ms_lane *lane, const struct ms_slave *slave);
void ms_gates_took(const struct ms_lane *lane, const struct ms_slave *slave, ms_time now,
                   bool is_handed);
void ms_gates_let_go(const struct ms_lane *lane, const struct ms_slave *slave);

/* What the slave has in hand counts for no group; and does, for the one that it is of now. */
void ms_gates_forget_slave(const struct ms_slave *slave);
void ms_gates_count_slave(struct ms_slave *slave, ms_time now);

/* Whether all that may be in hand is counted; until then gates that have a limit stay shut. */
void ms_gates_know_hands(struct ms_lanes *lanes, bool are_known);

/* One more may be in hand. */
bool ms_gate_has_room(const struct ms_gate *gate);

/* All gates have the limits of their routes from now on, and everything is counted anew. */
void ms_gates_recount(struct ms_lanes *lanes, const struct ms_pool *slaves, ms_time now);

/* Asserts that the counts are right, and that whatever waits at a gate does so because it is shut, or about to be looked at. */
void ms_gates_check(const struct ms_lanes *lanes, const struct ms_pool *slaves);

/* For gates_count.c: the gate is shut, if it has to be; it may have to be opened; and it has the limits of its route. */
void ms_gates_settle(struct ms_gate *gate, ms_time now);
void ms_gates_eased(struct ms_gate *gate);
void ms_gates_fit(struct ms_gates *gates, ms_time now);

/* --- what waits --- */

/* Whether the lane must hand out nothing now, whoever has credit: then it waits at the gate. */
bool ms_gates_hold_back(struct ms_lane *lane);

/* Whether the slave must be given nothing of the lane: then it waits at the gate, instead of being due. */
bool ms_gates_hold_back_slave(const struct ms_lane *lane, struct ms_slave *slave);

/* Whether the member's slaves must be given nothing of its lane. NULL: there is no gate. */
static inline bool ms_gate_is_shut(const struct ms_gate *gate)
{
    return gate != NULL && gate->is_shut;
}

/* The same, or nobody must be given anything of it. */
static inline bool ms_gates_bar(const struct ms_member *member)
{
    const struct ms_gates *gates = member->lane->root->gates;

    return ms_gate_is_shut(member->gate) || (gates != NULL && gates->all.is_shut);
}

/* The heap of seats for the lane's slaves that pass the gate, which may be NULL; that its first one has changed; and the gate of a
 * root whose seats come first, NULL = none is open and has any. */
struct ms_heap *ms_gate_seats(struct ms_lane *lane, struct ms_gate *gate);
void ms_gate_seated(struct ms_gate *gate);
struct ms_gate *ms_gates_first(const struct ms_lane *root);

/* Gates whose timer is over become due. */
void ms_gates_tick(struct ms_lanes *lanes, ms_time now);

/* Looks at the first gate that is due: its members, or one lane that waits at it, may go on. */
void ms_gates_run(struct ms_lanes *lanes, ms_time now);

/* When there is a token that something waits for; MS_TIME_NEVER. */
static inline ms_time ms_gates_deadline(const struct ms_lanes *lanes)
{
    return ms_heap_min(&lanes->gate_timers);
}

#endif
