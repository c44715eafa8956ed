/* Other routes in a running master: who may run what changes under the commands that wait. */
#ifndef MASTER_REROUTE_H
#define MASTER_REROUTE_H

#include "core/types.h"

struct ms_master;
struct ms_routes;

/* Takes the routes, which are copied. Commands that wait go to where their key belongs now, behind those that are there; those of
 * one key stay in their order. Costs O(slaves), and O(commands) when a route has other groups. False when memory is out: nothing
 * has changed. */
bool ms_reroute(struct ms_master *master, ms_time now, const struct ms_routes *routes);

#endif
