/* Shutting down: nothing new, everything that is here to its end, then goodbye. */
#ifndef MASTER_DRAIN_H
#define MASTER_DRAIN_H

#include <stdbool.h>

#include "core/types.h"

struct ms_master;

/* STOP: the first begins to drain, the second ends at once. */
void ms_drain_stop(struct ms_master *master, ms_time now);

/* Goes on with it, a bounded part at a time. */
void ms_drain_tick(struct ms_master *master, ms_time now);

/* True while there is something to do now. */
bool ms_drain_is_busy(const struct ms_master *master);

/* When the wait for the last commands ends at the latest; MS_TIME_NEVER. */
ms_time ms_drain_deadline(const struct ms_master *master);

#endif
