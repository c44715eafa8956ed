#include "master/lanes.h"

#include <stdlib.h>

#include "core/invariant.h"
#include "master/slaves.h"
#include "master/work.h"

bool ms_lanes_init(struct ms_lanes *lanes, uint64_t seed)
{
    ms_assert(lanes != NULL);
    *lanes = (struct ms_lanes){0};
    ms_list_init(&lanes->due_lanes);
    ms_list_init(&lanes->due_profiles);
    ms_rng_init(&lanes->rng, seed);
    ms_map_init(&lanes->profiles, MS_SESSIONS_MAX_DEFAULT, seed);
    return ms_pool_init(&lanes->pool, sizeof(struct ms_lane), MS_TYPES_MAX) &&
           ms_router_init(&lanes->router, MS_TYPES_MAX, seed);
}

static void finish_each(struct ms_lanes *lanes)
{
    uint32_t cursor = 0;
    struct ms_lane *lane;

    while (lanes->pool.chunks != NULL && (lane = ms_pool_next(&lanes->pool, &cursor)) != NULL) {
        free(lane->levels);
        ms_heap_finish(&lane->seats);
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

struct ms_lane *ms_lanes_add(struct ms_lanes *lanes, const struct ms_announced *announced,
                             enum ms_error *error_out, struct ms_complaint *complaint)
{
    struct ms_route route = {.type = announced->type,
                             .kind = MS_ROUTE_QUEUE,
                             .name = announced->name,
                             .strategy = &ms_strategy_any};
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
    lane->strategy = route.strategy;
    ms_heap_init(&lane->seats, MS_SEATS_MAX);
    ms_list_init(&lane->ready);
    ms_list_init(&lane->suppliers);
    ms_list_init(&lane->quiet);
    ms_list_init(&lane->members);
    ms_list_init(&lane->due);
    return lane;
}

/* Puts lane in its place among the count sorted ones; returns how many there are then. */
static uint32_t insert_sorted(struct ms_lane **sorted, uint32_t count, struct ms_lane *lane)
{
    uint32_t at = count;

    while (at > 0 && sorted[at - 1]->type > lane->type) {
        at--;
    }
    if (at > 0 && sorted[at - 1] == lane) {
        return count;
    }
    for (uint32_t i = count; i > at; i--) {
        sorted[i] = sorted[i - 1];
    }
    sorted[at] = lane;
    return count + 1;
}

/* Two FNV-1a sums over the types, from different bases. */
static struct ms_key key_of(struct ms_lane *const *sorted, uint32_t count)
{
    struct ms_key key = {UINT64_C(0xcbf29ce484222325), UINT64_C(0x9ae16a3b2f90404f)};

    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t shift = 0; shift < 64; shift += 8) {
            const uint64_t byte = (sorted[i]->type >> shift) & 0xff;

            key.a = (key.a ^ byte) * UINT64_C(0x100000001b3);
            key.b = (key.b ^ (byte + 1)) * UINT64_C(0x100000001b3);
        }
    }
    return key;
}

static bool is_same(const struct ms_profile *profile, struct ms_lane *const *sorted, uint32_t count)
{
    if (profile->members_count != count) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (profile->members[i].lane != sorted[i]) {
            return false;
        }
    }
    return true;
}

static void link_member(struct ms_profile *profile, struct ms_member *member, struct ms_lane *lane)
{
    *member = (struct ms_member){.lane = lane, .profile = profile};
    ms_list_init(&member->supply);
    ms_list_init(&member->demand);
    ms_list_init(&member->of_lane);
    ms_list_push_back(&profile->dry, &member->supply);
    ms_list_push_back(lane->ready_count > 0 ? &profile->backlog : &lane->quiet, &member->demand);
    ms_list_push_back(&lane->members, &member->of_lane);
}

static struct ms_profile *create_profile(struct ms_lanes *lanes, struct ms_key key,
                                         struct ms_lane *const *sorted, uint32_t count)
{
    struct ms_profile *profile;

    if (lanes->members_count + count > MS_PROFILE_MEMBERS_MAX) {
        return NULL;
    }
    profile = calloc(1, sizeof *profile + count * sizeof profile->members[0]);
    if (profile == NULL || !ms_map_put_pointer(&lanes->profiles, key, profile)) {
        free(profile);
        return NULL;
    }
    ms_list_init(&profile->ready);
    ms_list_init(&profile->backlog);
    ms_list_init(&profile->dry);
    ms_list_init(&profile->due);
    profile->key = key;
    profile->members_count = count;
    for (uint32_t i = 0; i < count; i++) {
        link_member(profile, &profile->members[i], sorted[i]);
    }
    lanes->members_count += count;
    return profile;
}

/* The profile of these lanes; two sets with one key are told apart by counting the key up. */
static struct ms_profile *intern(struct ms_lanes *lanes, struct ms_lane *const *sorted,
                                 uint32_t count)
{
    struct ms_key key = key_of(sorted, count);
    struct ms_profile *profile;

    while ((profile = ms_map_find_pointer(&lanes->profiles, key)) != NULL) {
        if (is_same(profile, sorted, count)) {
            return profile;
        }
        key.b++;
    }
    return create_profile(lanes, key, sorted, count);
}

struct ms_profile *ms_lanes_join(struct ms_lanes *lanes, const struct ms_announce *announce,
                                 enum ms_error *error_out, struct ms_complaint *complaint)
{
    struct ms_lane *sorted[MS_SLAVE_TYPES_MAX];
    struct ms_profile *profile;
    uint32_t count = 0;

    if (announce->count > MS_SLAVE_TYPES_MAX) {
        ms_complain(complaint, "%u types announced, at most %d are allowed", announce->count,
                    MS_SLAVE_TYPES_MAX);
        *error_out = MS_E_BAD_ARGUMENT;
        return NULL;
    }
    for (uint32_t i = 0; i < announce->count; i++) {
        struct ms_lane *lane = ms_lanes_add(lanes, &announce->types[i], error_out, complaint);

        if (lane == NULL) {
            return NULL;
        }
        count = insert_sorted(sorted, count, lane);
    }
    profile = intern(lanes, sorted, count);
    if (profile == NULL) {
        ms_complain(complaint, "too many different sets of types are announced");
        *error_out = MS_E_TOO_MANY;
        return NULL;
    }
    profile->sessions_count++;
    return profile;
}

void ms_lanes_leave(struct ms_lanes *lanes, struct ms_profile *profile)
{
    uint64_t value;

    if (profile == NULL) {
        return;
    }
    ms_assert(profile->sessions_count > 0);
    ms_assert(profile->ready_count < profile->sessions_count);
    if (--profile->sessions_count > 0) {
        return;
    }
    ms_assert(ms_list_is_empty(&profile->ready));
    for (uint32_t i = 0; i < profile->members_count; i++) {
        ms_list_remove(&profile->members[i].supply);
        ms_list_remove(&profile->members[i].demand);
        ms_list_remove(&profile->members[i].of_lane);
    }
    ms_list_remove(&profile->due);
    value = ms_map_remove(&lanes->profiles, profile->key);
    ms_assert(value == (uint64_t)(uintptr_t)profile);
    lanes->members_count -= profile->members_count;
    free(profile);
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

/* Most lanes never see a priority but 0, so only that one's list is always there. */
bool ms_lane_reserve(struct ms_lane *lane, int priority)
{
    ms_assert(priority >= MS_PRIORITY_MIN && priority <= MS_PRIORITY_MAX);
    if (priority == 0 || lane->levels != NULL) {
        return true;
    }
    lane->levels = malloc(MS_PRIORITY_COUNT * sizeof *lane->levels);
    for (size_t i = 0; lane->levels != NULL && i < MS_PRIORITY_COUNT; i++) {
        ms_list_init(&lane->levels[i]);
    }
    return lane->levels != NULL;
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
    ms_list_for_each(link, &lane->quiet)
    {
        struct ms_member *member = ms_container_of(link, struct ms_member, demand);

        ms_list_remove(link);
        ms_list_push_back(&member->profile->backlog, link);
    }
    mark_due(&lanes->due_lanes, &lane->due);
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

        if (member->profile->ready_count > 0) {
            return member;
        }
        ms_list_remove(link);
        ms_list_push_back(&member->profile->dry, link);
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

        if (member->lane->ready_count > 0) {
            return member;
        }
        ms_list_remove(link);
        ms_list_push_back(&member->lane->quiet, link);
    }
    return NULL;
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
