/* Ready commands meet slaves with credit. */
#ifndef MASTER_DISPATCH_H
#define MASTER_DISPATCH_H

#include "core/types.h"

struct ms_master;
struct ms_work;

/* Sends the LEASED work to its holder, its payload before it if that is in parts. */
void ms_dispatch_send(struct ms_master *master, const struct ms_work *work);

/* Sends its COMMAND. */
void ms_dispatch_command(struct ms_master *master, const struct ms_work *work);

/* Hands out at most MS_DISPATCH_BURST commands while the step has room; what is left stays due. */
void ms_dispatch_run(struct ms_master *master, ms_time now);

/* Asks a provider that produces for commands when there is more credit than ready ones. */
void ms_dispatch_ask(struct ms_master *master, ms_time now);

#endif
