/* Calls of services under way: asked at once, or again after each change until their time is over; then their replies wait to be durable. */
#ifndef MASTER_SERVICE_CALLS_H
#define MASTER_SERVICE_CALLS_H

#include "master/services.h"

/* Asks those again whose time is over, or for which something has changed, as far as the step has room. */
void ms_service_calls_run(struct ms_master *master, ms_time now);
bool ms_service_calls_are_due(const struct ms_services *services);

/* Nobody is answered any more. */
void ms_service_calls_finish(struct ms_services *services);

#endif
