/* What is counted, over all seeds of a run. */
#ifndef TESTS_COUNCIL_STATS_H
#define TESTS_COUNCIL_STATS_H

#include <stdint.h>

/* What happened in all seeds. */
enum hall_stat {
    HALL_STAT_STEPS,
    HALL_STAT_SERVED,
    HALL_STAT_SOLO,
    HALL_STAT_INCUMBENT,
    HALL_STAT_JOIN,
    HALL_STAT_ADMIT,
    HALL_STAT_HANDOVER,
    HALL_STAT_CONSENT,
    HALL_STAT_FORCED,
    HALL_STAT_BOOTSTRAP,
    HALL_STAT_RESUMED,
    HALL_STAT_ACKED,
    HALL_STAT_ACKED_TWICE,
    HALL_STAT_CRASHES,
    HALL_STAT_CRASHES_WRITING,
    HALL_STAT_WIPES,
    HALL_STAT_STALLS,
    HALL_STAT_CUTS,
    HALL_STAT_COPIES,
    HALL_STAT_RESUMES,
    HALL_STAT_EXPELLED,
    HALL_STAT_LISTS,
    HALL_STAT_OPERATOR,
    HALL_STAT_KILLED,
    HALL_STAT_PLAN_MUTE, /* of each plan, the moment that it is about has come; in the order of the plans */
    HALL_STAT_PLAN_LISTS,
    HALL_STAT_PLAN_FORGET,
    HALL_STAT_PLAN_FORGET_LIST,
    HALL_STAT_PLAN_UNASKED,
    HALL_STAT_PLAN_LEAP,
    HALL_STATS
};

extern uint64_t hall_stats[HALL_STATS];

#endif
