#include "master/lanes.h"

#include <stdlib.h>

#include "core/invariant.h"
#include "master/gates.h"
#include "master/slaves.h"
#include "master/work.h"

static const struct ms_route_settings no_route;

bool ms_lanes_init(struct ms_lanes *lanes, const struct ms_routes *routes, uint64_t seed)
{
    ms_assert(lanes != NULL);
    *lanes = (struct ms_lanes){.routes = routes};
    ms_list_init(&lanes->due_lanes);
    ms_list_init(&lanes->due_profiles);
    ms_list_init(&lanes->due_slaves);
    ms_list_init(&lanes->due_gates);
    ms_heap_init(&lanes->gate_timers, MS_GATES_MAX);
    ms_rng_init(&lanes->rng, seed);
    ms_map_init(&lanes->profiles, MS_SESSIONS_MAX_DEFAULT, seed);
    ms_map_init(&lanes->mentioned, MS_MENTIONED_MAX, seed);
    return ms_pool_init(&lanes->pool, sizeof(struct ms_lane), MS_TYPES_MAX) &&
           ms_router_init(&lanes->router, MS_TYPES_MAX, seed);
}

static void finish_lane(struct ms_lane *lane)
{
    free(lane->levels);
    ms_heap_finish(&lane->seats);
}

void ms_lanes_free_branches(struct ms_lane *branches, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        ms_list_remove(&branches[i].due);
        ms_list_remove(&branches[i].held_back);
        finish_lane(&branches[i]);
    }
    free(branches);
}

static void finish_each(struct ms_lanes *lanes)
{
    uint32_t cursor = 0;
    struct ms_lane *lane;

    while (lanes->pool.chunks != NULL && (lane = ms_pool_next(&lanes->pool, &cursor)) != NULL) {
        ms_lanes_free_branches(lane->branches, lane->branches_count);
        ms_gates_drop(lane);
        finish_lane(lane);
    }
}

void ms_lanes_finish(struct ms_lanes *lanes)
{
    if (lanes == NULL) {
        return;
    }
    finish_each(lanes);
    ms_assert(ms_map_count(&lanes->profiles) == 0);
    ms_map_finish(&lanes->profiles);
    ms_map_finish(&lanes->mentioned);
    ms_heap_finish(&lanes->gate_timers);
    ms_router_finish(&lanes->router);
    ms_pool_finish(&lanes->pool);
    *lanes = (struct ms_lanes){0};
}

struct ms_lane *ms_lanes_find(const struct ms_lanes *lanes, ms_type type)
{
    struct ms_route *route = ms_router_find(&lanes->router, type);

    if (route == NULL || route->kind != MS_ROUTE_QUEUE) {
        return NULL;
    }
    ms_assert(route->context != NULL);
    return route->context;
}

void ms_lanes_route(const struct ms_lanes *lanes, struct ms_lane *root)
{
    const struct ms_route_settings *route =
        lanes->routes == NULL ? NULL : ms_routes_find(lanes->routes, root->name);

    ms_assert(root->root == root);
    root->route = route != NULL ? route : &no_route;
    root->place = root->route->groups_count > 0 ? ms_chain_place(&root->route->chain) : NULL;
    root->strategy = ms_chain_rank(&root->route->chain);
    ms_assert((root->place == NULL) == (root->route->groups_count == 0));
}

static void init_lane(struct ms_lane *lane, struct ms_lane *root)
{
    lane->type = root->type;
    lane->name = root->name;
    lane->route = root->route;
    lane->place = root->place;
    lane->strategy = root->strategy;
    lane->root = root;
    ms_heap_init(&lane->seats, MS_SEATS_MAX);
    ms_list_init(&lane->ready);
    ms_list_init(&lane->suppliers);
    ms_list_init(&lane->quiet);
    ms_list_init(&lane->members);
    ms_list_init(&lane->due);
    ms_list_init(&lane->held_back);
}

/* Most lanes never see a priority but 0, so only that one's list is always there. */
static bool reserve(struct ms_lane *lane)
{
    if (lane->levels != NULL) {
        return true;
    }
    lane->levels = malloc(MS_PRIORITY_COUNT * sizeof *lane->levels);
    for (size_t i = 0; lane->levels != NULL && i < MS_PRIORITY_COUNT; i++) {
        ms_list_init(&lane->levels[i]);
    }
    return lane->levels != NULL;
}

bool ms_lanes_make_branches(struct ms_lane *root, struct ms_lane **branches_out)
{
    const uint32_t count = root->route->groups_count;
    struct ms_lane *branches = count > 0 ? calloc(count, sizeof *branches) : NULL;

    *branches_out = branches;
    for (uint32_t i = 0; branches != NULL && i < count; i++) {
        init_lane(&branches[i], root);
        if (root->levels != NULL && !reserve(&branches[i])) {
            ms_lanes_free_branches(branches, i);
            *branches_out = NULL;
            return false;
        }
    }
    return count == 0 || branches != NULL;
}

struct ms_lane *ms_lane_for(struct ms_lane *root, struct ms_bytes key)
{
    ms_assert(root->root == root);
    if (root->branches_count == 0 || key.size == 0) {
        return root;
    }
    const uint32_t group = root->place->place(key.data, key.size, root->branches_count);

    ms_assert(group < root->branches_count);
    return &root->branches[group];
}

struct ms_lane *ms_lanes_add(struct ms_lanes *lanes, const struct ms_announced *announced,
                             enum ms_error *error_out, struct ms_complaint *complaint)
{
    struct ms_route route = {
        .type = announced->type, .kind = MS_ROUTE_QUEUE, .name = announced->name};
    struct ms_lane *lane = ms_lanes_find(lanes, announced->type);

    if (announced->type < MS_TYPE_USER_MIN) {
        ms_complain(complaint, "type %llu of %s is the framework's own",
                    (unsigned long long)announced->type, announced->name);
        *error_out = MS_E_BAD_ARGUMENT;
        return NULL;
    }
    if (lane != NULL && strcmp(lane->name, announced->name) == 0) {
        return lane;
    }
    lane = ms_pool_take(&lanes->pool);
    if (lane == NULL) {
        ms_complain(complaint, "%u types are known, no more fit", ms_lanes_count(lanes));
        *error_out = MS_E_TOO_MANY;
        return NULL;
    }
    route.context = lane;
    *error_out = ms_router_add(&lanes->router, &route, complaint);
    if (*error_out != MS_E_OK) {
        ms_pool_give(&lanes->pool, lane);
        return NULL;
    }
    lane->type = announced->type;
    lane->name = ms_router_find(&lanes->router, announced->type)->name;
    lane->root = lane;
    ms_lanes_route(lanes, lane);
    init_lane(lane, lane);
    if (ms_lanes_make_branches(lane, &lane->branches)) {
        lane->branches_count = lane->route->groups_count;
    }                           /* else it does without until the routes are read again */
    ms_gates_make(lanes, lane); /* the same */
    return lane;
}

static void mark_due(struct ms_list *list, struct ms_list *link)
{
    if (!ms_list_is_linked(link)) {
        ms_list_push_back(list, link);
    }
}

void ms_lanes_supply(struct ms_lanes *lanes, struct ms_profile *profile, struct ms_session *session)
{
    ms_assert(session->credit > 0);
    ms_list_push_back(&profile->ready, &session->link);
    ms_seats_enter(lanes, ms_slave_of(session));
    if (profile->ready_count++ == 0) {
        ms_list_for_each(link, &profile->dry)
        {
            struct ms_member *member = ms_container_of(link, struct ms_member, supply);

            ms_list_remove(link);
            ms_list_push_back(&member->lane->suppliers, link);
        }
    }
    if (!ms_list_is_empty(&profile->backlog)) {
        mark_due(&lanes->due_profiles, &profile->due);
    }
}

void ms_lanes_withdraw(struct ms_profile *profile, struct ms_session *session)
{
    ms_assert(profile->ready_count > 0);
    ms_list_remove(&session->link);
    profile->ready_count--;
}

bool ms_lane_reserve(struct ms_lane *lane, int priority)
{
    struct ms_lane *root = lane->root;

    ms_assert(priority >= MS_PRIORITY_MIN && priority <= MS_PRIORITY_MAX);
    if (priority == 0 || root->levels != NULL) {
        return true;
    }
    for (uint32_t i = 0; i < root->branches_count; i++) {
        if (!reserve(&root->branches[i])) {
            return false;
        }
    }
    return reserve(root);
}

static struct ms_list *level_at(struct ms_lane *lane, uint32_t level)
{
    ms_assert(level < MS_PRIORITY_COUNT);
    ms_assert(level == -MS_PRIORITY_MIN || lane->levels != NULL);
    return level == -MS_PRIORITY_MIN ? &lane->ready : &lane->levels[level];
}

const struct ms_list *ms_lane_level(const struct ms_lane *lane, int priority)
{
    ms_assert(priority >= MS_PRIORITY_MIN && priority <= MS_PRIORITY_MAX);
    if (priority == 0) {
        return &lane->ready;
    }
    return lane->levels == NULL ? NULL : &lane->levels[priority - MS_PRIORITY_MIN];
}

struct ms_work *ms_lane_first(struct ms_lane *lane)
{
    ms_assert(lane->ready_count > 0);
    while (true) {
        const uint32_t level = 31 - (uint32_t)__builtin_clz(lane->ready_levels);
        struct ms_list *link = ms_list_first(level_at(lane, level));

        if (link != NULL) {
            return ms_work_of(link);
        }
        lane->ready_levels &= ~(1u << level); /* the last of it was taken since */
    }
}

/* Profiles that have met it serve it again. */
static void unquiet(struct ms_lane *lane)
{
    ms_list_for_each(link, &lane->quiet)
    {
        struct ms_member *member = ms_container_of(link, struct ms_member, demand);

        ms_list_remove(link);
        ms_list_push_back(&member->profile->backlog, link);
    }
}

void ms_lanes_push(struct ms_lanes *lanes, struct ms_work *work, bool is_first)
{
    struct ms_lane *lane = work->lane;
    const uint32_t level = (uint32_t)(work->priority - MS_PRIORITY_MIN);
    struct ms_list *list = level_at(lane, level);

    ms_assert(work->state == MS_LIFE_READY);
    lane->ready_levels |= 1u << level;
    if (is_first) {
        ms_list_push_front(list, &work->link);
    } else {
        ms_list_push_back(list, &work->link);
    }
    if (lane->ready_count++ > 0) {
        return; /* either due already, or nobody has credit for it */
    }
    unquiet(lane);
    mark_due(&lanes->due_lanes, &lane->due);
}

void ms_lanes_mark_due(struct ms_lanes *lanes, struct ms_lane *lane)
{
    if (lane->ready_count > 0) {
        mark_due(&lanes->due_lanes, &lane->due);
    }
}

void ms_lanes_wake(struct ms_lanes *lanes, struct ms_lane *lane)
{
    if (lane->ready_count > 0) {
        unquiet(lane);
        mark_due(&lanes->due_lanes, &lane->due);
    }
}

void ms_lanes_take_ready(struct ms_lane *lane, struct ms_list *into)
{
    for (uint32_t level = MS_PRIORITY_COUNT; level-- > 0;) {
        if (lane->levels != NULL || level == (uint32_t)-MS_PRIORITY_MIN) {
            ms_list_splice(into, level_at(lane, level));
        }
    }
    lane->ready_count = 0;
    lane->ready_levels = 0;
}

void ms_lanes_place(struct ms_work *work, struct ms_bytes key)
{
    struct ms_lane *there = ms_lane_for(work->lane->root, key);

    if (there != work->lane) {
        ms_assert(work->lane->live_count > 0);
        work->lane->live_count--;
        work->lane = there;
        there->live_count++;
    }
}

void ms_lanes_appoint(struct ms_lanes *lanes, struct ms_lane *root)
{
    const uint32_t count = root->branches_count;
    struct ms_lane *next = NULL;

    ms_assert(root->root == root);
    for (uint32_t i = 2 * count; root->route->on_absent == MS_ROUTE_ABSENT_NEXT && i-- > 0;) {
        struct ms_lane *branch = &root->branches[i % count];
        const bool is_empty = ms_list_is_empty(&branch->members);

        if (i < count) {
            branch->deputy = is_empty ? next : NULL;
            if (branch->deputy != NULL) {
                ms_lanes_mark_due(lanes, branch);
            }
        }
        next = is_empty ? next : branch;
    }
}

void ms_lanes_pass_on(struct ms_lanes *lanes, struct ms_work *work)
{
    struct ms_lane *lane = work->lane;

    ms_assert(lane->deputy != NULL && lane->deputy->deputy == NULL);
    ms_lanes_remove(work);
    lane->live_count--;
    work->lane = lane->deputy;
    work->lane->live_count++;
    ms_lanes_push(lanes, work, false);
}

void ms_lanes_remove(struct ms_work *work)
{
    ms_assert(work->lane->ready_count > 0);
    ms_list_remove(&work->link);
    work->lane->ready_count--;
}

struct ms_member *ms_lane_supplier(struct ms_lane *lane)
{
    struct ms_list *link;

    while ((link = ms_list_first(&lane->suppliers)) != NULL) {
        struct ms_member *member = ms_container_of(link, struct ms_member, supply);

        if (member->profile->ready_count > 0 && !ms_gate_is_shut(member->gate)) {
            return member;
        }
        ms_list_remove(link);
        ms_list_push_back(
            member->profile->ready_count > 0 ? &member->gate->supply : &member->profile->dry, link);
    }
    return NULL;
}

/* A profile stays at the head for as many turns as it has sessions with credit, so that sessions, not profiles, share
 * evenly. */
static struct ms_session *next_in_turn(struct ms_lane *lane)
{
    struct ms_member *member = ms_lane_supplier(lane);
    struct ms_session *session;

    if (member == NULL) {
        return NULL;
    }
    ms_assert(member->profile->ready_count > 0);
    session = ms_container_of(ms_list_first(&member->profile->ready), struct ms_session, link);
    if (member->turns == 0) {
        member->turns = member->profile->ready_count;
    }
    if (--member->turns == 0) {
        ms_list_rotate(&lane->suppliers);
    }
    return session;
}

struct ms_session *ms_lane_choose(struct ms_lane *lane)
{
    struct ms_session *session =
        lane->strategy->rank == NULL ? NULL : ms_seats_first(lane); /* NULL: memory was out */

    return session != NULL ? session : next_in_turn(lane);
}

void ms_lanes_served(struct ms_lanes *lanes, struct ms_lane *lane, struct ms_session *session)
{
    struct ms_slave *slave = ms_slave_of(session);

    if (session->credit == 0) {
        ms_lanes_withdraw(slave->profile, session);
    } else {
        ms_list_remove(&session->link);
        ms_list_push_back(&slave->profile->ready, &session->link);
    }
    ms_seats_served(lanes, lane, slave);
}

struct ms_member *ms_profile_demand(struct ms_profile *profile)
{
    struct ms_list *link;

    while ((link = ms_list_first(&profile->backlog)) != NULL) {
        struct ms_member *member = ms_container_of(link, struct ms_member, demand);

        const bool has_turn = member->lane->ready_count > 0 && !ms_gates_hold_back(member->lane);

        if (has_turn && !ms_gate_is_shut(member->gate)) {
            return member;
        }
        ms_list_remove(link);
        ms_list_push_back(has_turn ? &member->gate->demand : &member->lane->quiet, link);
    }
    return NULL;
}

const char *ms_lane_group(const struct ms_lane *lane)
{
    const struct ms_lane *root = lane->root;

    return lane == root ? root->route->group : root->route->groups[lane - root->branches].text;
}

uint32_t ms_lane_sessions(const struct ms_lane *lane)
{
    uint32_t count = 0;

    ms_list_for_each(link, &lane->members)
    {
        struct ms_member *member = ms_container_of(link, struct ms_member, of_lane);

        ms_assert(member->lane == lane);
        count += member->profile->sessions_count;
    }
    return count;
}
