/* Where commands wait and who could take them: a lane for each type, a profile for each distinct set of
 * types that slaves announce, a member for each pair of the two. All questions of the dispatch are
 * answered at amortised constant cost, however many types, profiles and sessions there are:
 *
 *   a lane's suppliers   profiles that may have credit for it   (the others are in the profile's dry)
 *   a profile's backlog  lanes that may have commands for it    (the others are in the lane's quiet)
 *
 * Both lists are lazy: a member that proves useless is moved aside when it is met, and comes back only
 * when its profile gets credit, or its lane a command. */
#ifndef MASTER_LANES_H
#define MASTER_LANES_H

#include "core/command.h"
#include "core/list.h"
#include "core/map.h"
#include "core/pool.h"
#include "core/rng.h"
#include "core/router.h"
#include "core/session.h"
#include "master/seats.h"

struct ms_work;

struct ms_lane {
    ms_type type;
    const char *name; /* the router's */
    const struct ms_strategy *strategy;
    struct ms_list ready;   /* works of priority 0, first in first out */
    struct ms_list *levels; /* of the other priorities, from the lowest; NULL until there was one */
    uint32_t ready_levels;  /* bit i: a work of priority MS_PRIORITY_MIN + i may wait */
    struct ms_list suppliers; /* members */
    struct ms_list quiet;     /* members */
    struct ms_list members;   /* all of them */
    struct ms_list due;       /* on lanes->due_lanes while a command may find a taker */
    uint32_t ready_count;
    uint32_t live_count; /* commands of this type in any state */
    uint64_t dispatched_total;
    struct ms_heap seats; /* of its slaves, when its strategy ranks them; by rank */
    int64_t clock;        /* see master/strategy.h */
    ms_seq record;        /* TYPE; 0 = none is kept */
};

struct ms_member {
    struct ms_lane *lane;
    struct ms_profile *profile;
    struct ms_list supply;  /* on lane->suppliers or profile->dry */
    struct ms_list demand;  /* on profile->backlog or lane->quiet */
    struct ms_list of_lane; /* on lane->members */
    uint32_t turns;         /* left at the head of the suppliers */
};

struct ms_profile {
    struct ms_list ready;   /* sessions with credit, by session->link, in turn */
    struct ms_list backlog; /* members */
    struct ms_list dry;     /* members */
    struct ms_list due;     /* on lanes->due_profiles while its credit may find a command */
    struct ms_key key;
    uint32_t ready_count;
    uint32_t sessions_count;
    uint32_t members_count;
    struct ms_member members[]; /* in order of type */
};

struct ms_lanes {
    struct ms_router router;
    struct ms_pool pool;
    struct ms_rng rng; /* of the strategies */
    struct ms_map profiles;
    struct ms_list due_lanes;
    struct ms_list due_profiles;
    uint32_t members_count;
    bool
        is_taker_supplied; /* somebody who takes payloads in parts has credit: those set aside may go */
};

/* False when memory is out. */
bool ms_lanes_init(struct ms_lanes *lanes, uint64_t seed);
void ms_lanes_finish(struct ms_lanes *lanes);

/* NULL when nobody ever announced the type. */
struct ms_lane *ms_lanes_find(const struct ms_lanes *lanes, ms_type type);

/* Makes the lane of a type, or finds it under the same name. On failure NULL with the error and a sentence. */
struct ms_lane *ms_lanes_add(struct ms_lanes *lanes, const struct ms_announced *announced,
                             enum ms_error *error_out, struct ms_complaint *complaint);

/* The profile of what a slave announces, with one more session; lanes are made where new. On failure
 * NULL with the error and a sentence. */
struct ms_profile *ms_lanes_join(struct ms_lanes *lanes, const struct ms_announce *announce,
                                 enum ms_error *error_out, struct ms_complaint *complaint);

/* The session, which must not be ready, leaves the profile; the last one ends it. NULL is ignored. */
void ms_lanes_leave(struct ms_lanes *lanes, struct ms_profile *profile);

/* The session has credit now and takes its turn, or has none any more. It is that of a slave. */
void ms_lanes_supply(struct ms_lanes *lanes, struct ms_profile *profile,
                     struct ms_session *session);
void ms_lanes_withdraw(struct ms_profile *profile, struct ms_session *session);

/* Commands of that priority may come. False when memory is out. */
bool ms_lane_reserve(struct ms_lane *lane, int priority);

/* A command waits, in its turn or before all others of its priority; or waits no more. Its priority was
 * reserved. */
void ms_lanes_push(struct ms_lanes *lanes, struct ms_work *work, bool is_first);
void ms_lanes_remove(struct ms_work *work);

/* The command whose turn it is: the first of the highest priority. One must wait. */
struct ms_work *ms_lane_first(struct ms_lane *lane);

/* Those of one priority that wait; NULL when there can be none. */
const struct ms_list *ms_lane_level(const struct ms_lane *lane, int priority);

/* Any member whose profile has credit, moved-aside ones left out; NULL = none. */
struct ms_member *ms_lane_supplier(struct ms_lane *lane);

/* The session with credit that its strategy puts first; NULL = nobody has credit. */
struct ms_session *ms_lane_choose(struct ms_lane *lane);

/* The session was handed a command of the lane, and has less credit. */
void ms_lanes_served(struct ms_lanes *lanes, struct ms_lane *lane, struct ms_session *session);

/* A lane for which the profile has a command waiting; NULL = none. */
struct ms_member *ms_profile_demand(struct ms_profile *profile);

/* Sessions that run the lane's type, with or without credit. */
uint32_t ms_lane_sessions(const struct ms_lane *lane);

static inline bool ms_lanes_are_due(const struct ms_lanes *lanes)
{
    return !ms_list_is_empty(&lanes->due_lanes) || !ms_list_is_empty(&lanes->due_profiles);
}

static inline uint32_t ms_lanes_count(const struct ms_lanes *lanes)
{
    return ms_pool_used(&lanes->pool);
}

#endif
