/* Orders about slaves, and what must be true of them: a slave that is cordoned, as was answered, is sent no COMMAND until
 * somebody asks for the end of it. */
#ifndef SIM_OBSERVER_FLEET_H
#define SIM_OBSERVER_FLEET_H

#include "core/pool.h"
#include "tests/sim/world.h"

struct sim_end;

/* An order, and the question that it is at a master. */
struct sim_order {
    enum ms_slave_order order;
    uint32_t node; /* of the slave that is meant */
    bool is_there;
    uint32_t master; /* node; this and the rest while it is there */
    ms_peer peer;
    uint64_t number;
    uint32_t incarnation; /* of the slave whose session was there when it came; 0 = none was, */
    ms_handle handle;     /* and that session */
    bool is_crossed;      /* the opposite was asked for, too */
};

struct sim_fleet {
    struct sim_order *orders;
    uint32_t count, capacity;
    uint32_t cordoned
        [SIM_NODES_MAX]; /* incarnation of each slave that is, as was answered; 0 = it is not */
};

/* Adds an order, which is known by its place + 1. */
uint32_t sim_fleet_add(struct sim_world *world, enum ms_slave_order order, uint32_t node);

/* A QUERY came to a master; a REPORT left it; the connection is over. */
void sim_fleet_asked(struct sim_world *world, const struct sim_node *node, ms_peer peer,
                     const struct ms_command *query);
void sim_fleet_answered(struct sim_world *world, const struct sim_node *node, ms_peer peer,
                        const struct ms_command *report);
void sim_fleet_closed(struct sim_world *world, const struct sim_node *node, ms_peer peer);

/* A COMMAND leaves a master for a slave. */
void sim_fleet_handed_out(struct sim_world *world, const struct sim_node *node,
                          const struct sim_end *slave);

/* A new tenure, with what is on the disk of that node. */
void sim_fleet_begin(struct sim_world *world, const struct sim_node *node);

#endif
