/* What is in hand, as the gates count it. */
#include "core/invariant.h"
#include "master/gates.h"
#include "master/slaves.h"
#include "master/work.h"

/* One more whose group is not known, or one less: it counts for each group. */
static void meet_stranger(struct ms_gates *gates, ms_time now)
{
    gates->strangers++;
    ms_list_for_each(link, &gates->groups)
    {
        ms_gates_settle(ms_container_of(link, struct ms_gate, link), now);
    }
}

static void forget_stranger(struct ms_gates *gates)
{
    ms_assert(gates->strangers > 0);
    gates->strangers--;
    ms_list_for_each(link, &gates->groups)
    {
        ms_gates_eased(ms_container_of(link, struct ms_gate, link));
    }
}

static bool has_groups(const struct ms_lane *root)
{
    return root->gates != NULL && ms_route_has_limits(root->route, MS_ROUTE_PER_GROUP);
}

static void add(struct ms_gate *gate, ms_time now, bool is_handed)
{
    gate->held++;
    if (is_handed && ms_rate_is_limit(&gate->rate)) {
        ms_bucket_take(&gate->bucket, &gate->rate, now);
    }
    ms_gates_settle(gate, now);
}

static void subtract(struct ms_gate *gate)
{
    ms_assert(gate->held > 0);
    gate->held--;
    ms_gates_eased(gate);
}

static void add_to_group(const struct ms_lane *root, const struct ms_slave *slave, ms_time now,
                         bool is_handed)
{
    struct ms_gate *gate;

    if (!has_groups(root)) {
        return;
    }
    if (slave->is_stranger) {
        meet_stranger(root->gates, now);
        return;
    }
    gate = ms_gates_find(root, slave->group);
    ms_assert(gate != NULL);
    add(gate, now, is_handed);
}

static void subtract_from_group(const struct ms_lane *root, const struct ms_slave *slave)
{
    struct ms_gate *gate;

    if (!has_groups(root)) {
        return;
    }
    if (slave->is_stranger) {
        forget_stranger(root->gates);
        return;
    }
    gate = ms_gates_find(root, slave->group);
    ms_assert(gate != NULL);
    subtract(gate);
}

bool ms_gates_hold_back_slave(const struct ms_lane *lane, struct ms_slave *slave)
{
    const struct ms_lane *root = lane->root;
    struct ms_gate *gate = root->gates != NULL ? &root->gates->all : NULL;

    if (gate == NULL) {
        return false;
    }
    if (!gate->is_shut) {
        gate = ms_gates_find(root, slave->group);
    }
    if (!ms_gate_is_shut(gate)) {
        return false;
    }
    ms_list_remove(&slave->due);
    ms_list_push_back(&gate->slaves, &slave->due);
    return true;
}

bool ms_gates_reserve(const struct ms_lane *lane, const struct ms_slave *slave)
{
    struct ms_gate *gate;

    return slave->is_stranger || ms_gates_reach(lane->root, slave->group, &gate);
}

void ms_gates_took(const struct ms_lane *lane, const struct ms_slave *slave, ms_time now,
                   bool is_handed)
{
    const struct ms_lane *root = lane->root;

    if (root->gates != NULL) {
        add(&root->gates->all, now, is_handed);
        add_to_group(root, slave, now, is_handed);
    }
}

void ms_gates_let_go(const struct ms_lane *lane, const struct ms_slave *slave)
{
    const struct ms_lane *root = lane->root;

    if (root->gates != NULL) {
        subtract(&root->gates->all);
        subtract_from_group(root, slave);
    }
}

void ms_gates_forget_slave(const struct ms_slave *slave)
{
    const struct ms_list *const lists[] = {&slave->held, &slave->kept};

    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        ms_list_for_each(link, lists[i])
        {
            subtract_from_group(ms_work_of(link)->lane->root, slave);
        }
    }
}

/* False when memory is out. */
static bool reserve_all(const struct ms_slave *slave)
{
    const struct ms_list *const lists[] = {&slave->held, &slave->kept};

    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        ms_list_for_each(link, lists[i])
        {
            if (!ms_gates_reserve(ms_work_of(link)->lane, slave)) {
                return false;
            }
        }
    }
    return true;
}

void ms_gates_count_slave(struct ms_slave *slave, ms_time now)
{
    const struct ms_list *const lists[] = {&slave->held, &slave->kept};

    slave->is_stranger = slave->tags == NULL;
    slave->is_stranger = slave->is_stranger || !reserve_all(slave);
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        ms_list_for_each(link, lists[i])
        {
            add_to_group(ms_work_of(link)->lane->root, slave, now, false);
        }
    }
}

static void clear(struct ms_gates *gates)
{
    gates->all.held = 0;
    gates->strangers = 0;
    ms_list_for_each(link, &gates->groups)
    {
        ms_container_of(link, struct ms_gate, link)->held = 0;
    }
}

void ms_gates_recount(struct ms_lanes *lanes, const struct ms_pool *slaves, ms_time now)
{
    struct ms_lane *root;
    struct ms_slave *slave;
    uint32_t cursor = 0;

    while ((root = ms_pool_next(&lanes->pool, &cursor)) != NULL) {
        if (root->gates != NULL) {
            clear(root->gates);
        }
    }
    cursor = 0;
    while ((slave = ms_pool_next(slaves, &cursor)) != NULL) {
        const struct ms_list *const lists[] = {&slave->held, &slave->kept};

        for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
            ms_list_for_each(link, lists[i])
            {
                root = ms_work_of(link)->lane->root;
                if (root->gates != NULL) {
                    root->gates->all.held++;
                }
            }
        }
        ms_gates_count_slave(slave, now);
    }
    cursor = 0;
    while ((root = ms_pool_next(&lanes->pool, &cursor)) != NULL) {
        if (root->gates != NULL) {
            ms_gates_fit(root->gates, now);
        }
    }
}
