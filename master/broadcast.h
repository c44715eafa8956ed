/* Who a broadcast is for: settled when it is accepted, and never again. */
#ifndef MASTER_BROADCAST_H
#define MASTER_BROADCAST_H

#include "core/command.h"

struct ms_array;
struct ms_lane;
struct ms_master;

/* The terms of a SUBMIT with on > 0 as they are recorded: as many members as there are targets, and who these are. All slaves that
 * fit: their sessions live, also those without a connection or credit; they run the type, are in the lane of its key, fit
 * the filter, and are neither cordoned nor draining. Of K the first that its strategy would choose, those with credit before
 * others. One that comes again after some of it has ended, to a master that does not know it, has targets that nobody
 * knows. RETRY_LATER: slaves from before the start have not come back; BAD_ARGUMENT, NOT_FOUND: with a complaint; NO_MEMORY. */
enum ms_error ms_broadcast_aim(struct ms_master *master, struct ms_lane *lane,
                               const struct ms_command *submit, struct ms_terms *terms_out);

/* Frees what they took. */
void ms_broadcast_drop(struct ms_master *master, struct ms_terms *terms);

/* Of the room that the client gave, members beyond the last one are nobody's: their numbers are closed, and the client is told
 * with the acknowledgement. */
void ms_broadcast_close_rest(struct ms_master *master, const struct ms_array *array, uint32_t room);
void ms_broadcast_tell_rest(struct ms_master *master, const struct ms_array *array, uint32_t room);

#endif
