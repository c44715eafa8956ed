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
#include "master/routes.h"
#include "master/seats.h"
#include "master/traits.h"

struct ms_gate;
struct ms_gates;
struct ms_work;

/* A lane has a branch for each group that its keys go to: commands of such a key wait there, and only slaves of that group are in
 * it. What is said of a type below is counted in the lane and its branches apart. */
struct ms_lane {
    ms_type type;
    const char *name;                      /* the router's */
    const struct ms_route_settings *route; /* of the root; never NULL */
    const struct ms_strategy *place;       /* of that: a key's branch; NULL = keys mean nothing */
    const struct ms_strategy *strategy;    /* of that: who is next */
    struct ms_lane *root;                  /* itself, or of whom it is a branch */
    struct ms_lane *branches;              /* in order of the route's groups; NULL = none */
    uint32_t branches_count;
    struct ms_lane *deputy; /* takes its commands as long as nobody is in it; NULL = nobody does */
    struct ms_gates *gates; /* of the root: limits, see master/gates.h; NULL = there are none */
    struct ms_list held_back; /* on the list of the gate that is shut */
    struct ms_list ready;     /* works of priority 0, first in first out */
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
    struct ms_gate *gate;   /* of its group; NULL = there is none */
    struct ms_list supply;  /* on lane->suppliers, profile->dry or a shut gate's list */
    struct ms_list demand;  /* on profile->backlog, lane->quiet or a shut gate's list */
    struct ms_list of_lane; /* on lane->members */
    uint32_t turns;         /* left at the head of the suppliers */
};

struct ms_profile {
    struct ms_traits *traits; /* of its slaves */
    struct ms_lane **types;   /* that they run: roots, in order of type */
    uint32_t types_count;
    struct ms_list ready;   /* sessions with credit, by session->link, in turn */
    struct ms_list backlog; /* members */
    struct ms_list dry;     /* members */
    struct ms_list due;     /* on lanes->due_profiles while its credit may find a command */
    struct ms_key key;
    uint32_t ready_count;
    uint32_t sessions_count;
    uint32_t members_count;
    struct ms_member members[]; /* in order of type, a root before its branches */
};

struct ms_lanes {
    struct ms_router router;
    const struct ms_routes *routes; /* NULL = none */
    struct ms_pool pool;
    struct ms_rng rng; /* of the strategies */
    struct ms_map profiles;
    struct ms_map mentioned; /* groups and labels that routes want */
    struct ms_list due_lanes;
    struct ms_list due_profiles;
    struct ms_list due_slaves; /* by slave->due: they may take what only they may run */
    struct ms_list due_gates;
    struct ms_heap gate_timers;
    bool are_groups_limited; /* by some route: all groups are mentioned */
    bool are_hands_unknown;  /* see master/gates.h */
    uint32_t members_count;
    bool is_taker_supplied; /* somebody may take payloads in parts: those set aside may go */
};

/* routes is borrowed, and may be changed by reroute.c. False when memory is out. */
bool ms_lanes_init(struct ms_lanes *lanes, const struct ms_routes *routes, uint64_t seed);
void ms_lanes_finish(struct ms_lanes *lanes);

/* The lane of a type: NULL when nobody ever announced it; and made, or found under the same name. On failure NULL with the error and
 * a sentence. */
struct ms_lane *ms_lanes_find(const struct ms_lanes *lanes, ms_type type);
struct ms_lane *ms_lanes_add(struct ms_lanes *lanes, const struct ms_announced *announced,
                             enum ms_error *error_out, struct ms_complaint *complaint);

/* Gives the root the route that applies to its name. Its branches stay what they are. */
void ms_lanes_route(const struct ms_lanes *lanes, struct ms_lane *root);

/* The branches that the route of the root asks for, NULL for none; they are not its own yet. False when memory is out. */
bool ms_lanes_make_branches(struct ms_lane *root, struct ms_lane **branches_out);

/* All that waits leaves the lane, in the order in which it would be handed out. */
void ms_lanes_take_ready(struct ms_lane *lane, struct ms_list *into);

/* Nobody is in them any more, and nothing waits. */
void ms_lanes_free_branches(struct ms_lane *branches, uint32_t count);

/* Where commands of that key wait: the root, or a branch. */
struct ms_lane *ms_lane_for(struct ms_lane *root, struct ms_bytes key);

/* The profile of what a slave announces, with one more session; lanes are made where new. NULL as above. */
struct ms_profile *ms_lanes_join(struct ms_lanes *lanes, const struct ms_announce *announce,
                                 const struct ms_traits *traits, enum ms_error *error_out,
                                 struct ms_complaint *complaint);

/* The profile that a session of this one, maybe out of date, belongs to now, with it. NULL when memory is out. */
struct ms_profile *ms_lanes_join_again(struct ms_lanes *lanes, const struct ms_profile *profile,
                                       const struct ms_traits *traits);

/* Lanes have other routes: no profile is found any more, and all sessions are to join again. Nothing is mentioned. */
void ms_lanes_forget_profiles(struct ms_lanes *lanes);

/* The groups and labels that routes want, by which alone profiles are told apart. False when memory is out. */
bool ms_lanes_mention(struct ms_lanes *lanes);

/* The session, which must not be ready, leaves the profile; the last one ends it. NULL is ignored. */
void ms_lanes_leave(struct ms_lanes *lanes, struct ms_profile *profile);

/* The session has credit now and takes its turn, or has none any more. It is that of a slave. */
void ms_lanes_supply(struct ms_lanes *lanes, struct ms_profile *profile,
                     struct ms_session *session);
void ms_lanes_withdraw(struct ms_profile *profile, struct ms_session *session);

/* Commands of that priority may come to any lane of the type. False when memory is out. */
bool ms_lane_reserve(struct ms_lane *lane, int priority);

/* The command, which waits nowhere, belongs to the lane of its key from now on. */
void ms_lanes_place(struct ms_work *work, struct ms_bytes key);

/* A command waits, in its turn or before all others of its priority, which was reserved; or waits no more. */
void ms_lanes_push(struct ms_lanes *lanes, struct ms_work *work, bool is_first);
void ms_lanes_remove(struct ms_work *work);

/* The command whose turn it is: the first of the highest priority. One must wait. */
struct ms_work *ms_lane_first(struct ms_lane *lane);

/* Those of one priority that wait; NULL when there can be none. */
const struct ms_list *ms_lane_level(const struct ms_lane *lane, int priority);

/* Something of it may find a taker; also of profiles that have met it. Somebody is in a branch of the root now, or nobody is any more;
 * and the command goes from its lane to the deputy. */
void ms_lanes_mark_due(struct ms_lanes *lanes, struct ms_lane *lane);
void ms_lanes_wake(struct ms_lanes *lanes, struct ms_lane *lane);
void ms_lanes_appoint(struct ms_lanes *lanes, struct ms_lane *root);
void ms_lanes_pass_on(struct ms_lanes *lanes, struct ms_work *work);

/* Any member whose profile has credit, moved-aside ones left out; NULL = none. */
struct ms_member *ms_lane_supplier(struct ms_lane *lane);

/* The session with credit that its strategy puts first; NULL = nobody has credit. */
struct ms_session *ms_lane_choose(struct ms_lane *lane);

/* The session was handed a command of the lane, and has less credit. */
void ms_lanes_served(struct ms_lanes *lanes, struct ms_lane *lane, struct ms_session *session);

/* A lane for which the profile has a command waiting; NULL = none. */
struct ms_member *ms_profile_demand(struct ms_profile *profile);

/* The group that its slaves are of; "" = of any. */
const char *ms_lane_group(const struct ms_lane *lane);

/* Sessions that are in the lane, with or without credit. */
uint32_t ms_lane_sessions(const struct ms_lane *lane);

static inline bool ms_lanes_are_due(const struct ms_lanes *lanes)
{
    return !ms_list_is_empty(&lanes->due_lanes) || !ms_list_is_empty(&lanes->due_profiles) ||
           !ms_list_is_empty(&lanes->due_slaves) || !ms_list_is_empty(&lanes->due_gates);
}

static inline uint32_t ms_lanes_count(const struct ms_lanes *lanes)
{
    return ms_pool_used(&lanes->pool);
}

#endif
