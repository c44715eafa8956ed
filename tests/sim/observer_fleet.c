#include "tests/sim/observer_fleet.h"

#include <stdlib.h>

#include "core/invariant.h"
#include "tests/sim/nodes.h"
#include "tests/sim/observer.h"

uint32_t sim_fleet_add(struct sim_world *world, enum ms_slave_order order, uint32_t node)
{
    struct sim_fleet *fleet = &world->observer->fleet;

    if (fleet->count == fleet->capacity) {
        fleet->capacity = fleet->capacity == 0 ? 32 : fleet->capacity * 2;
        fleet->orders = realloc(fleet->orders, fleet->capacity * sizeof *fleet->orders);
        ms_assert(fleet->orders != NULL);
    }
    fleet->orders[fleet->count] = (struct sim_order){.order = order, .node = node};
    return ++fleet->count;
}

/* The living session of a slave's present process. */
static const struct sim_session *session_of(const struct sim_world *world,
                                            const struct sim_node *node, uint32_t slave)
{
    const struct sim_view *view = &world->observer->views[node->index];

    for (uint32_t i = 0; i < view->sessions_count; i++) {
        const struct sim_session *session = &view->sessions[i];

        if (session->handle != MS_HANDLE_NONE && session->state != MS_SESSION_DEAD &&
            session->node == slave && session->incarnation == world->nodes[slave].incarnation) {
            return session;
        }
    }
    return NULL;
}

/* Of both, which are at masters at the same time, nobody knows which was heeded last. */
static void cross(struct sim_world *world, struct sim_order *order)
{
    struct sim_fleet *fleet = &world->observer->fleet;

    for (uint32_t i = 0; i < fleet->count; i++) {
        struct sim_order *other = &fleet->orders[i];

        if (other->is_there && other->node == order->node && other->order != order->order &&
            other->order <= MS_SLAVE_ORDER_UNCORDON) {
            other->is_crossed = true;
            order->is_crossed = true;
        }
    }
}

void sim_fleet_asked(struct sim_world *world, const struct sim_node *node, ms_peer peer,
                     const struct ms_command *query)
{
    struct sim_fleet *fleet = &world->observer->fleet;

    if (query->body.query->what != MS_QUERY_COMMAND_SLAVES) {
        return;
    }
    const uint32_t place = query->body.query->limit;

    ms_assert(place > 0 && place <= fleet->count);
    struct sim_order *order = &fleet->orders[place - 1];
    const struct sim_session *session = session_of(world, node, order->node);

    order->is_there = true;
    order->is_crossed = false;
    order->master = node->index;
    order->peer = peer;
    order->number = query->count;
    order->incarnation = session != NULL ? session->incarnation : 0;
    order->handle = session != NULL ? session->handle : MS_HANDLE_NONE;
    if (order->order <= MS_SLAVE_ORDER_UNCORDON) {
        cross(world, order);
    }
    if (order->order == MS_SLAVE_ORDER_UNCORDON) {
        fleet->cordoned[order->node] = 0;
    }
}

void sim_fleet_closed(struct sim_world *world, const struct sim_node *node, ms_peer peer)
{
    struct sim_fleet *fleet = &world->observer->fleet;

    for (uint32_t i = 0; i < fleet->count; i++) {
        struct sim_order *order = &fleet->orders[i];

        order->is_there = order->is_there && (order->master != node->index || order->peer != peer);
    }
}

static struct sim_order *find(struct sim_fleet *fleet, uint32_t master, ms_peer peer,
                              uint64_t number)
{
    for (uint32_t i = 0; i < fleet->count; i++) {
        struct sim_order *order = &fleet->orders[i];

        if (order->is_there && order->master == master && order->peer == peer &&
            order->number == number) {
            return order;
        }
    }
    return NULL;
}

/* The order was heeded by the one master there is, for a slave that was there all the while. */
static bool is_certain(const struct sim_world *world, const struct sim_node *node,
                       const struct sim_order *order)
{
    const struct sim_session *session = session_of(world, node, order->node);

    return !order->is_crossed && session != NULL && session->handle == order->handle &&
           node->index == world->observer->newest && !sim_view(world, node)->is_over &&
           !world->observer->is_torn;
}

void sim_fleet_answered(struct sim_world *world, const struct sim_node *node, ms_peer peer,
                        const struct ms_command *report)
{
    struct sim_fleet *fleet = &world->observer->fleet;
    struct sim_order *order = find(fleet, node->index, peer, report->count);

    if (order == NULL || !report->body.report->last) {
        return;
    }
    if (report->body.report->error == MS_E_BAD_ARGUMENT) {
        sim_fail(world, "cordon", "an order is refused as no good");
    }
    if (report->body.report->error == MS_E_OK) {
        world->stats.counts[SIM_STAT_FLEET_ORDERS]++;
        if (order->order == MS_SLAVE_ORDER_CORDON && is_certain(world, node, order)) {
            fleet->cordoned[order->node] = order->incarnation;
            world->stats.counts[SIM_STAT_CORDONED]++;
        }
    }
    order->is_there = false;
}

void sim_fleet_handed_out(struct sim_world *world, const struct sim_node *node,
                          const struct sim_end *slave)
{
    const struct sim_fleet *fleet = &world->observer->fleet;

    if (slave->incarnation != 0 && fleet->cordoned[slave->node] == slave->incarnation &&
        node->index == world->observer->newest && !sim_view(world, node)->is_over) {
        sim_fail(world, "cordon", "%s is cordoned, as was answered, and is sent a command",
                 sim_node_name(world, slave->node));
    }
}

/* What is in memory is lost with it; and what one half knew alone with a word that makes the other one serve. */
void sim_fleet_begin(struct sim_world *world, const struct sim_node *node)
{
    struct sim_fleet *fleet = &world->observer->fleet;

    for (uint32_t i = 0; i < SIM_NODES_MAX; i++) {
        if (node->disk == NULL || world->observer->is_torn) {
            fleet->cordoned[i] = 0;
        }
        world->stats.counts[SIM_STAT_CORDONS_LASTED] +=
            fleet->cordoned[i] != 0 && fleet->cordoned[i] == world->nodes[i].incarnation;
    }
    for (uint32_t i = 0; i < fleet->count; i++) {
        fleet->orders[i].is_there = false;
    }
}
