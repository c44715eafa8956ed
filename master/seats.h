/* Sessions in the order in which their strategy ranks them: a slave has a seat in each of its lanes whose strategy ranks. A lane
 * keeps in a heap the seats of those that have credit, and maybe some of those that had: these are met when it is their turn, and
 * step aside until they have credit again. So credit that comes and goes costs nothing, and a choice O(log n), amortised. */
#ifndef MASTER_SEATS_H
#define MASTER_SEATS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/heap.h"
#include "master/strategy.h"

struct ms_gate;
struct ms_lane;
struct ms_lanes;
struct ms_session;
struct ms_slave;

#define MS_SEATS_MAX (UINT32_MAX - 1) /* of one lane */

struct ms_seat {
    struct ms_heap_node place; /* in lane->seats, or the gate's */
    struct ms_lane *lane;
    struct ms_gate *gate; /* of its slave's group; NULL = there is none */
    struct ms_session *session;
    int64_t rank;
};

/* Those of one slave. */
struct ms_seats {
    struct ms_seat *seats; /* NULL = none */
    uint32_t count;
    bool is_following_load; /* some strategy of theirs is */
};

/* Takes the seats that the slave's profile has for it. Without memory it has none, and takes its turns as its credit comes. It
 * must have none. */
void ms_seats_take(struct ms_slave *slave);

/* It has none any more. */
void ms_seats_leave(struct ms_slave *slave);

/* It has credit now. */
void ms_seats_enter(struct ms_lanes *lanes, struct ms_slave *slave);

/* What it holds has changed. */
void ms_seats_weigh(struct ms_lanes *lanes, struct ms_slave *slave);

/* The first session that has credit; NULL = none has a seat. */
struct ms_session *ms_seats_first(struct ms_lane *lane);

/* A command of the lane was handed to it. */
void ms_seats_served(struct ms_lanes *lanes, struct ms_lane *lane, struct ms_slave *slave);

#endif
