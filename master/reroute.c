#include "master/reroute.h"

#include <stdlib.h>

#include "core/invariant.h"
#include "master/arrays.h"
#include "master/gates.h"
#include "master/slaves.h"
#include "master/state.h"

/* A root, and what it had before. */
struct former {
    struct ms_lane *root;
    struct ms_lane *branches;
    uint32_t branches_count;
    struct ms_lane *made; /* it has these from now on */
};

struct change {
    struct ms_master *master;
    struct former *formers;
    uint32_t count;
};

static void route_all(struct ms_master *master)
{
    struct ms_lane *root;
    uint32_t cursor = 0;

    while ((root = ms_pool_next(&master->lanes.pool, &cursor)) != NULL) {
        ms_lanes_route(&master->lanes, root);
    }
}

/* False when memory is out. */
static bool prepare(struct change *change)
{
    struct ms_lanes *lanes = &change->master->lanes;
    struct ms_lane *root;
    uint32_t cursor = 0;

    route_all(change->master);
    change->formers = calloc(ms_lanes_count(lanes) + 1, sizeof *change->formers);
    while (change->formers != NULL && (root = ms_pool_next(&lanes->pool, &cursor)) != NULL) {
        struct former *former = &change->formers[change->count++];

        *former = (struct former){
            .root = root, .branches = root->branches, .branches_count = root->branches_count};
        if (!ms_gates_make(lanes, root) || !ms_lanes_make_branches(root, &former->made)) {
            return false;
        }
    }
    ms_lanes_forget_profiles(lanes);
    return change->formers != NULL && ms_lanes_mention(lanes);
}

/* Those that the routes do not ask for. */
static void drop_gates(struct ms_master *master)
{
    struct ms_lane *root;
    uint32_t cursor = 0;

    while ((root = ms_pool_next(&master->lanes.pool, &cursor)) != NULL) {
        if (!ms_gates_are_wanted(root)) {
            ms_gates_drop(root);
        }
    }
}

static void undo(struct change *change)
{
    for (uint32_t i = 0; i < change->count; i++) {
        free(change->formers[i].made); /* nobody has been in it */
    }
}

/* Nobody has credit, and nobody is in a lane. */
static void empty_lanes(struct ms_master *master)
{
    struct ms_slave *slave;
    uint32_t cursor = 0;

    while ((slave = ms_pool_next(&master->slaves, &cursor)) != NULL) {
        if (ms_list_is_linked(&slave->session->link)) {
            ms_lanes_withdraw(slave->profile, slave->session);
        }
        ms_seats_leave(slave);
    }
}

/* A slave whose profile does not fit any more has to come again. */
static void refuse(struct ms_master *master, struct ms_slave *slave)
{
    slave->is_announced = false;
    if (slave->session->peer != MS_PEER_NONE) {
        ms_master_refuse(master, slave->session->peer, MS_E_NO_MEMORY, NULL);
    }
}

static void join_again(struct ms_master *master)
{
    struct ms_slave *slave;
    uint32_t cursor = 0;

    while ((slave = ms_pool_next(&master->slaves, &cursor)) != NULL) {
        struct ms_profile *former = slave->profile;

        if (former == NULL) {
            continue;
        }
        slave->profile = ms_lanes_join_again(
            &master->lanes, former,
            &(struct ms_traits){slave->group, slave->labels.words, slave->labels.count});
        ms_lanes_leave(&master->lanes, former);
        if (slave->profile == NULL) {
            refuse(master, slave);
        } else {
            ms_seats_take(slave);
        }
    }
}

/* What waits in the lanes of the root, in order; it waits nowhere then. */
static void take_ready(const struct former *former, struct ms_list *waiting)
{
    ms_lanes_take_ready(former->root, waiting);
    for (uint32_t i = 0; i < former->branches_count; i++) {
        ms_lanes_take_ready(&former->branches[i], waiting);
    }
}

static void push_all(struct ms_master *master, struct ms_list *waiting)
{
    struct ms_list *link;

    while ((link = ms_list_first(waiting)) != NULL) {
        struct ms_work *work = ms_work_of(link);

        ms_list_remove(link);
        ms_lanes_place(work, ms_work_key(work));
        ms_lanes_push(&master->lanes, work, false);
    }
}

/* Whatever does not wait in a lane is of the root, until it does. */
static void leave_branches(struct ms_master *master)
{
    struct ms_work *work;
    uint32_t cursor = 0;

    while ((work = ms_pool_next(&master->queue.pool, &cursor)) != NULL) {
        ms_lanes_place(work, (struct ms_bytes){0});
    }
}

static void commit(struct change *change, ms_time now)
{
    struct ms_master *master = change->master;
    struct ms_list waiting;
    bool has_other_groups = false;

    ms_list_init(&waiting);
    ms_gates_recount(&master->lanes, &master->slaves, now);
    empty_lanes(master);
    for (uint32_t i = 0; i < change->count; i++) {
        struct former *former = &change->formers[i];

        has_other_groups |= former->branches != NULL || former->made != NULL;
        take_ready(former, &waiting);
        former->root->branches = former->made;
        former->root->branches_count = former->root->route->groups_count;
        former->root->clock = 0;
    }
    if (has_other_groups) {
        leave_branches(master);
    }
    join_again(master);
    push_all(master, &waiting);
    for (uint32_t i = 0; i < change->count; i++) {
        ms_lanes_free_branches(change->formers[i].branches, change->formers[i].branches_count);
    }
    drop_gates(master);
}

static void supply_again(struct ms_master *master)
{
    struct ms_slave *slave;
    uint32_t cursor = 0;

    while ((slave = ms_pool_next(&master->slaves, &cursor)) != NULL) {
        ms_slaves_refresh(&master->lanes, slave);
    }
}

bool ms_reroute(struct ms_master *master, ms_time now, const struct ms_routes *routes)
{
    struct change change = {.master = master};
    struct ms_routes former = master->routes;
    const bool is_copied = ms_routes_copy(&master->routes, routes);
    const bool is_ready = is_copied && prepare(&change);

    ms_assert(now >= 0);
    if (is_ready) {
        commit(&change, now);
        supply_again(master);
        ms_routes_finish(&former);
    } else {
        undo(&change);
        ms_routes_finish(&master->routes);
        master->routes = former;
        route_all(master);
        drop_gates(master);
    }
    free(change.formers);
    return is_ready;
}
