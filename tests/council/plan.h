/* Plans: one seed in sixteen acts out a counter-example instead of having accidents at random, and one in thirty-two brings about
 * what chance does not. */
#ifndef TESTS_COUNCIL_PLAN_H
#define TESTS_COUNCIL_PLAN_H

#include "core/types.h"

enum hall_plan_kind {
    HALL_PLAN_NONE,
    HALL_PLAN_MUTE, /* the standby asks the active for its vote, and nothing else that it says arrives */
    HALL_PLAN_LISTS, /* of two lists of witnesses one half knows both, and the other the new one alone */
    HALL_PLAN_FORGET,      /* the standby takes over, loses its disk, and meets the old active */
    HALL_PLAN_FORGET_LIST, /* the same, and the old active had begun to change the list */
    HALL_PLAN_UNASKED,     /* the peer is not heard on the JOIN that takes it into S */
    HALL_PLAN_LEAP, /* forced where nobody hears of it, loses its disk, and is forced again */
    HALL_PLAN_OUTLIVE, /* an old copy hears that it is one when it has come far already; the first one of those for rows */
    HALL_PLAN_MOMENT, /* the others that take a moment that is too short */
    HALL_PLANS
};

struct hall_plan {
    enum hall_plan_kind kind; /* by the number of the seed */
    uint32_t variant;
    uint32_t stage;
    ms_time due, until;    /* of the stage */
    uint8_t active, other; /* masters, as it began */
    uint32_t enrolled;     /* witnesses of the first list; the others are those of the next */
    bool is_log_stuck;     /* nothing becomes durable at the standby */
};

#endif
