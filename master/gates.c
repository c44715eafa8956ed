#include "master/gates.h"

#include <stdlib.h>
#include <string.h>

#include "core/invariant.h"
#include "master/lanes.h"

#define FNV_BASIS UINT64_C(0xcbf29ce484222325)
#define FNV_OTHER UINT64_C(0x9ae16a3b2f90404f) /* of a second sum */
#define FNV_PRIME UINT64_C(0x100000001b3)

static bool is_of_group(const struct ms_gate *gate)
{
    return gate != &gate->gates->all;
}

bool ms_gate_has_room(const struct ms_gate *gate)
{
    const uint64_t others = is_of_group(gate) ? gate->gates->strangers : 0;

    return gate->limit == 0 ||
           (!gate->gates->lanes->are_hands_unknown && gate->held + others < gate->limit);
}

static bool is_open_at(const struct ms_gate *gate, ms_time now)
{
    return ms_gate_has_room(gate) && (!ms_rate_is_limit(&gate->rate) ||
                                      ms_bucket_ready_at(&gate->bucket, &gate->rate) <= now);
}

/* Nobody needs it, but for the tokens that it lacks. */
static bool is_unused(const struct ms_gate *gate)
{
    return is_of_group(gate) && gate->members_count == 0 && gate->held == 0;
}

static ms_time full_at(const struct ms_gate *gate)
{
    return ms_rate_is_limit(&gate->rate) ? ms_bucket_full_at(&gate->bucket, &gate->rate) : 0;
}

static void mark_due(struct ms_lanes *lanes, struct ms_gate *gate)
{
    if (!ms_list_is_linked(&gate->due)) {
        ms_list_push_back(&lanes->due_gates, &gate->due);
    }
}

static void set_timer(struct ms_lanes *lanes, struct ms_gate *gate)
{
    ms_time at = MS_TIME_NEVER;

    if (is_unused(gate)) {
        at = full_at(gate);
    } else if (gate->is_shut && ms_gate_has_room(gate) && ms_rate_is_limit(&gate->rate)) {
        at = ms_bucket_ready_at(&gate->bucket, &gate->rate);
    }
    ms_heap_update(&lanes->gate_timers, &gate->timer, at);
}

/* --- made and ended --- */

static void take_limits(struct ms_gate *gate, const struct ms_route_settings *route)
{
    const enum ms_route_scope scope = is_of_group(gate) ? MS_ROUTE_PER_GROUP : MS_ROUTE_ALL;

    gate->limit = route->concurrency[scope];
    gate->rate = route->rate[scope];
}

/* Not where it is timed yet. Whoever is new has a full bucket. */
static void init_gate(struct ms_gates *gates, struct ms_gate *gate)
{
    gate->gates = gates;
    take_limits(gate, gates->root->route);
    ms_list_init(&gate->due);
    ms_list_init(&gate->waiting);
    ms_list_init(&gate->slaves);
    ms_list_init(&gate->supply);
    ms_list_init(&gate->demand);
    ms_list_init(&gate->link);
    ms_heap_init(&gate->seats, MS_SEATS_MAX);
    if (ms_rate_is_limit(&gate->rate)) {
        ms_bucket_fill(&gate->bucket, &gate->rate, 0);
    }
}

bool ms_gates_are_wanted(const struct ms_lane *root)
{
    return ms_route_has_limits(root->route, MS_ROUTE_ALL) ||
           ms_route_has_limits(root->route, MS_ROUTE_PER_GROUP);
}

bool ms_gates_make(struct ms_lanes *lanes, struct ms_lane *root)
{
    struct ms_gates *gates;

    ms_assert(root->root == root);
    if (root->gates != NULL || !ms_gates_are_wanted(root)) {
        return true;
    }
    gates = calloc(1, sizeof *gates);
    if (gates == NULL) {
        return false;
    }
    gates->root = root;
    gates->lanes = lanes;
    ms_list_init(&gates->groups);
    ms_map_init(&gates->by_group, MS_GATES_MAX, ms_rng_next(&lanes->rng));
    ms_heap_init(&gates->benches, MS_GATES_MAX);
    init_gate(gates, &gates->all);
    if (!ms_heap_push(&lanes->gate_timers, &gates->all.timer, MS_TIME_NEVER)) {
        free(gates);
        return false;
    }
    gates->all.is_shut = !ms_gate_has_room(&gates->all);
    root->gates = gates;
    return true;
}

static void end_gate(struct ms_lanes *lanes, struct ms_gate *gate)
{
    ms_assert(ms_list_is_empty(&gate->supply) && ms_list_is_empty(&gate->demand));
    ms_list_remove(&gate->due);
    ms_heap_remove(&lanes->gate_timers, &gate->timer);
    ms_heap_finish(&gate->seats);
    ms_list_for_each(link, &gate->waiting)
    {
        ms_list_remove(link);
    }
    ms_list_splice(&lanes->due_slaves, &gate->slaves);
}

static void destroy(struct ms_lanes *lanes, struct ms_gate *gate)
{
    struct ms_gates *gates = gate->gates;

    ms_assert(is_unused(gate) && ms_heap_count(&gate->seats) == 0);
    end_gate(lanes, gate);
    ms_list_remove(&gate->link);
    ms_heap_remove(&gates->benches, &gate->bench);
    ms_map_remove(&gates->by_group, gate->key);
    free(gate);
}

void ms_gates_drop(struct ms_lane *root)
{
    struct ms_gates *gates = root->gates;
    struct ms_list *link;

    if (gates == NULL) {
        return;
    }
    while ((link = ms_list_first(&gates->groups)) != NULL) {
        struct ms_gate *gate = ms_container_of(link, struct ms_gate, link);

        gate->held = 0;
        destroy(gates->lanes, gate);
    }
    end_gate(gates->lanes, &gates->all);
    ms_map_finish(&gates->by_group);
    ms_heap_finish(&gates->benches);
    free(gates);
    root->gates = NULL;
}

/* --- of groups --- */

static struct ms_key key_of(const char *group)
{
    struct ms_key key = {FNV_BASIS, FNV_OTHER};

    for (; *group != '\0'; group++) {
        key.a = (key.a ^ (uint8_t)*group) * FNV_PRIME;
        key.b = (key.b ^ ((uint8_t)*group + UINT64_C(1))) * FNV_PRIME;
    }
    return key;
}

static struct ms_gate *create(struct ms_gates *gates, struct ms_key key, const char *group)
{
    struct ms_lanes *lanes = gates->lanes;
    struct ms_gate *gate = calloc(1, sizeof *gate);

    if (gate == NULL) {
        return NULL;
    }
    init_gate(gates, gate);
    ms_text_copy_name(gate->group, group);
    gate->key = key;
    if (!ms_map_put_pointer(&gates->by_group, key, gate)) {
        free(gate);
        return NULL;
    }
    if (!ms_heap_push(&gates->benches, &gate->bench, INT64_MAX)) {
        ms_map_remove(&gates->by_group, key);
        free(gate);
        return NULL;
    }
    if (!ms_heap_push(&lanes->gate_timers, &gate->timer, MS_TIME_NEVER)) {
        ms_heap_remove(&gates->benches, &gate->bench);
        ms_map_remove(&gates->by_group, key);
        free(gate);
        return NULL;
    }
    ms_list_push_back(&gates->groups, &gate->link);
    gate->is_shut = !ms_gate_has_room(gate);
    return gate;
}

struct ms_gate *ms_gates_find(const struct ms_lane *root, const char *group)
{
    struct ms_gates *gates = root->gates;
    struct ms_key key = key_of(group);
    struct ms_gate *gate;

    ms_assert(root->root == root);
    if (gates == NULL || !ms_route_has_limits(root->route, MS_ROUTE_PER_GROUP)) {
        return NULL;
    }
    while ((gate = ms_map_find_pointer(&gates->by_group, key)) != NULL &&
           strcmp(gate->group, group) != 0) {
        key.b++;
    }
    return gate;
}

bool ms_gates_reach(struct ms_lane *root, const char *group, struct ms_gate **gate_out)
{
    struct ms_key key = key_of(group);

    *gate_out = ms_gates_find(root, group);
    if (*gate_out != NULL || root->gates == NULL ||
        !ms_route_has_limits(root->route, MS_ROUTE_PER_GROUP)) {
        return true;
    }
    while (ms_map_find(&root->gates->by_group, key) != 0) {
        key.b++;
    }
    *gate_out = create(root->gates, key, group);
    return *gate_out != NULL;
}

void ms_gate_join(struct ms_gate *gate)
{
    gate->members_count++;
    if (gate->is_shut) {
        mark_due(gate->gates->lanes, gate);
    }
}

void ms_gate_leave(struct ms_gate *gate)
{
    ms_assert(gate->members_count > 0);
    gate->members_count--;
    if (is_unused(gate)) {
        mark_due(gate->gates->lanes, gate);
    }
}

/* --- open and shut --- */

static void shut(struct ms_gate *gate)
{
    gate->is_shut = true;
    set_timer(gate->gates->lanes, gate);
    ms_gate_seated(gate);
}

/* Its members take part again. */
static void restore(struct ms_lanes *lanes, struct ms_gate *gate)
{
    struct ms_list *link;

    while ((link = ms_list_pop_front(&gate->supply)) != NULL) {
        struct ms_member *member = ms_container_of(link, struct ms_member, supply);

        ms_list_push_back(member->profile->ready_count > 0 ? &member->lane->suppliers
                                                           : &member->profile->dry,
                          link);
        ms_lanes_mark_due(lanes, member->lane);
    }
    while ((link = ms_list_pop_front(&gate->demand)) != NULL) {
        struct ms_member *member = ms_container_of(link, struct ms_member, demand);

        ms_list_push_back(
            member->lane->ready_count > 0 ? &member->profile->backlog : &member->lane->quiet, link);
        ms_lanes_mark_due(lanes, member->lane);
    }
    lanes->is_taker_supplied = true; /* one of these may take what was set aside */
}

void ms_gates_eased(struct ms_gate *gate)
{
    if (gate->is_shut || is_unused(gate)) {
        mark_due(gate->gates->lanes, gate);
    }
}

static void know_hands(struct ms_gate *gate)
{
    if (!gate->is_shut && !ms_gate_has_room(gate)) {
        shut(gate);
    }
    ms_gates_eased(gate);
}

void ms_gates_know_hands(struct ms_lanes *lanes, bool are_known)
{
    struct ms_lane *root;
    uint32_t cursor = 0;

    if (lanes->are_hands_unknown == !are_known) {
        return;
    }
    lanes->are_hands_unknown = !are_known;
    while ((root = ms_pool_next(&lanes->pool, &cursor)) != NULL) {
        if (root->gates == NULL) {
            continue;
        }
        know_hands(&root->gates->all);
        ms_list_for_each(link, &root->gates->groups)
        {
            know_hands(ms_container_of(link, struct ms_gate, link));
        }
    }
}

void ms_gates_settle(struct ms_gate *gate, ms_time now)
{
    if (!gate->is_shut && !is_open_at(gate, now)) {
        shut(gate);
    }
}

static void fit(struct ms_gate *gate, ms_time now)
{
    const struct ms_rate former = gate->rate;

    take_limits(gate, gate->gates->root->route);
    if (!ms_rate_is_limit(&gate->rate)) {
        gate->bucket = (struct ms_bucket){0};
    } else if (ms_rate_is_limit(&former)) {
        ms_bucket_fit(&gate->bucket, &former, &gate->rate, now);
    } else {
        ms_bucket_fill(&gate->bucket, &gate->rate, now);
    }
    ms_gates_settle(gate, now);
    ms_gates_eased(gate);
}

void ms_gates_fit(struct ms_gates *gates, ms_time now)
{
    fit(&gates->all, now);
    ms_list_for_each(link, &gates->groups)
    {
        fit(ms_container_of(link, struct ms_gate, link), now);
    }
}

/* One lane, and one slave, after the other goes on, as long as the gate is open, so that what comes singly goes to them in turn. */
static void let_through(struct ms_gate *gate)
{
    struct ms_lanes *lanes = gate->gates->lanes;
    struct ms_list *link;

    if (gate->is_shut) {
        gate->is_shut = false;
        set_timer(lanes, gate);
        restore(lanes, gate);
        ms_gate_seated(gate);
    }
    link = ms_list_pop_front(&gate->waiting);
    if (link != NULL) {
        ms_lanes_wake(lanes, ms_container_of(link, struct ms_lane, held_back));
    }
    link = ms_list_pop_front(&gate->slaves);
    if (link != NULL) {
        ms_list_push_back(&lanes->due_slaves, link);
    }
    if (ms_list_is_empty(&gate->waiting) && ms_list_is_empty(&gate->slaves)) {
        ms_list_remove(&gate->due);
    }
}

void ms_gates_run(struct ms_lanes *lanes, ms_time now)
{
    struct ms_gate *gate = ms_container_of(ms_list_first(&lanes->due_gates), struct ms_gate, due);

    if (is_unused(gate) && full_at(gate) <= now) {
        destroy(lanes, gate);
    } else if (is_open_at(gate, now)) {
        let_through(gate);
    } else {
        shut(gate);
        ms_list_remove(&gate->due);
    }
}

bool ms_gates_hold_back(struct ms_lane *lane)
{
    struct ms_gates *gates = lane->root->gates;

    if (gates == NULL || !gates->all.is_shut) {
        return false;
    }
    if (!ms_list_is_linked(&lane->held_back)) {
        ms_list_push_back(&gates->all.waiting, &lane->held_back);
    }
    return true;
}

void ms_gates_tick(struct ms_lanes *lanes, ms_time now)
{
    while (ms_heap_min(&lanes->gate_timers) <= now) {
        struct ms_gate *gate =
            ms_container_of(ms_heap_peek(&lanes->gate_timers), struct ms_gate, timer);

        ms_heap_update(&lanes->gate_timers, &gate->timer, MS_TIME_NEVER);
        mark_due(lanes, gate);
    }
}

/* --- seats --- */

struct ms_heap *ms_gate_seats(struct ms_lane *lane, struct ms_gate *gate)
{
    return gate != NULL && lane->root == lane ? &gate->seats : &lane->seats;
}

void ms_gate_seated(struct ms_gate *gate)
{
    if (gate != NULL && is_of_group(gate)) {
        ms_heap_update(&gate->gates->benches, &gate->bench,
                       gate->is_shut ? INT64_MAX : ms_heap_min(&gate->seats));
    }
}

struct ms_gate *ms_gates_first(const struct ms_lane *root)
{
    const struct ms_heap *benches = &root->gates->benches;

    return ms_heap_min(benches) < INT64_MAX
               ? ms_container_of(ms_heap_peek(benches), struct ms_gate, bench)
               : NULL;
}
