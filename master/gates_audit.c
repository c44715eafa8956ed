/* What must be true of gates: for tests, and for the simulator after each step. */
#include "core/invariant.h"
#include "master/gates.h"
#include "master/slaves.h"
#include "master/work.h"

/* Commands of the root in the hands of slaves: of all; of strangers; of the group. */
struct count {
    const struct ms_lane *root;
    const char *group; /* NULL = of any */
    bool is_of_strangers;
};

static uint32_t count_list(const struct count *count, const struct ms_list *list)
{
    uint32_t found = 0;

    ms_list_for_each(link, list)
    {
        found += ms_work_of(link)->lane->root == count->root;
    }
    return found;
}

static uint32_t count_held(const struct ms_pool *slaves, const struct count *count)
{
    const struct ms_slave *slave;
    uint32_t cursor = 0;
    uint32_t found = 0;

    while ((slave = ms_pool_next(slaves, &cursor)) != NULL) {
        if ((count->group == NULL && !count->is_of_strangers) ||
            (count->is_of_strangers && slave->is_stranger) ||
            (count->group != NULL && !slave->is_stranger &&
             strcmp(count->group, slave->group) == 0)) {
            found += count_list(count, &slave->held) + count_list(count, &slave->kept);
        }
    }
    return found;
}

/* An open gate lets something through; a shut one is looked at when that may have changed. */
static void check_gate(const struct ms_gate *gate)
{
    const bool is_due = ms_list_is_linked(&gate->due);

    ms_assert(ms_heap_has(&gate->timer));
    ms_assert(gate->is_shut || ms_gate_has_room(gate));
    if (gate->is_shut && !is_due && ms_gate_has_room(gate)) {
        ms_assert(ms_rate_is_limit(&gate->rate));
        ms_assert(ms_heap_key(&gate->gates->lanes->gate_timers, &gate->timer) < MS_TIME_NEVER);
    }
    ms_assert(gate->is_shut || is_due || ms_list_is_empty(&gate->waiting));
    ms_assert(gate->is_shut || is_due || ms_list_is_empty(&gate->slaves));
    ms_assert(gate->is_shut || ms_list_is_empty(&gate->supply));
    ms_assert(gate->is_shut || ms_list_is_empty(&gate->demand));
}

static void check_groups(const struct ms_gates *gates, const struct ms_pool *slaves)
{
    uint32_t count = 0;

    ms_list_for_each(link, &gates->groups)
    {
        const struct ms_gate *gate = ms_container_of(link, struct ms_gate, link);

        check_gate(gate);
        ms_assert(gate->held ==
                  count_held(slaves, &(struct count){gates->root, gate->group, false}));
        ms_assert(ms_heap_key(&gates->benches, &gate->bench) ==
                  (gate->is_shut ? INT64_MAX : ms_heap_min(&gate->seats)));
        count++;
    }
    ms_assert(count == ms_map_count(&gates->by_group));
    ms_assert(count == ms_heap_count(&gates->benches));
}

void ms_gates_check(const struct ms_lanes *lanes, const struct ms_pool *slaves)
{
    const struct ms_lane *root;
    uint32_t cursor = 0;

    while ((root = ms_pool_next(&lanes->pool, &cursor)) != NULL) {
        const struct ms_gates *gates = root->gates;

        ms_assert(gates != NULL || !ms_list_is_linked(&root->held_back));
        if (gates == NULL) {
            continue;
        }
        ms_assert(gates->root == root && gates->lanes == lanes);
        ms_assert(gates->all.held == count_held(slaves, &(struct count){root, NULL, false}));
        check_gate(&gates->all);
        if (ms_route_has_limits(root->route, MS_ROUTE_PER_GROUP)) {
            ms_assert(gates->strangers == count_held(slaves, &(struct count){root, NULL, true}));
            check_groups(gates, slaves);
        }
    }
}
