#include "tests/sim/load_fleet.h"

#include "core/trace.h"
#include "tests/sim/nodes.h"
#include "tests/sim/observer.h"

#define ASK_CHANCE 8 /* one turn of an application in so many brings an order */

static enum ms_slave_order draw(struct ms_rng *rng)
{
    static const enum ms_slave_order orders[] = {MS_SLAVE_ORDER_CORDON,   MS_SLAVE_ORDER_CORDON,
                                                 MS_SLAVE_ORDER_CORDON,   MS_SLAVE_ORDER_UNCORDON,
                                                 MS_SLAVE_ORDER_UNCORDON, MS_SLAVE_ORDER_SLOTS,
                                                 MS_SLAVE_ORDER_SLOTS,    MS_SLAVE_ORDER_LOG_LEVEL};

    return orders[ms_rng_below(rng, sizeof orders / sizeof orders[0])];
}

bool sim_fleet_ask(struct sim_world *world, struct ms_query *query_out)
{
    const struct sim_config *config = &world->config;
    struct ms_rng *rng = &world->rng_fleet;
    struct ms_text where;

    /* The first slave runs every type: it is never cordoned, so that all work has a taker. */
    if (config->slaves < 2 || !config->has_orders || !ms_rng_chance(rng, 1, ASK_CHANCE)) {
        return false;
    }
    const uint32_t first = sim_first(world, SIM_SLAVE);
    const enum ms_slave_order order = draw(rng);
    const uint32_t place = order <= MS_SLAVE_ORDER_UNCORDON
                               ? 1 + (uint32_t)ms_rng_below(rng, config->slaves - 1)
                               : (uint32_t)ms_rng_below(rng, config->slaves);

    *query_out = (struct ms_query){.what = MS_QUERY_COMMAND_SLAVES, .order = order};
    ms_text_init(&where, query_out->where, sizeof query_out->where);
    ms_text_add(&where, "name=%s", sim_node_name(world, first + place));
    if (order == MS_SLAVE_ORDER_SLOTS) {
        query_out->value = ms_rng_between(rng, 1, config->slots[place]);
    } else if (order == MS_SLAVE_ORDER_LOG_LEVEL) {
        query_out->value = ms_rng_between(rng, MS_LEVEL_ERROR, MS_LEVEL_DEBUG);
    }
    query_out->limit =
        sim_fleet_add(world, order, first + place); /* by which the observer knows it */
    return true;
}
