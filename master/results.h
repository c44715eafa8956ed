/* How attempts come out, and what that means for the command. */
#ifndef MASTER_RESULTS_H
#define MASTER_RESULTS_H

#include "core/command.h"

struct ms_master;
struct ms_slave;
struct ms_work;

/* RESULT: acknowledged in any case; refused, counted and traced unless the slave holds the attempt. */
void ms_results_receive(struct ms_master *master, ms_time now, struct ms_slave *slave,
                        const struct ms_command *command);

/* OUTPUT: kept with the command. */
void ms_results_output(struct ms_master *master, ms_time now, struct ms_slave *slave,
                       const struct ms_command *command);

/* A cancelled command is in nobody's hands any more, or never was. */
void ms_results_cancel(struct ms_master *master, ms_time now, struct ms_work *work);

/* It may be started only once, and was, by a slave that did not come back after the master's start. */
void ms_results_forfeit(struct ms_master *master, ms_time now, struct ms_work *work);

/* Its deadline has passed, and nobody has it. */
void ms_results_expire(struct ms_master *master, ms_time now, struct ms_work *work);

/* Somebody wants it stopped: settled at once if nobody has it, else its attempt is told to stop, and whatever
 * comes of that is CANCELLED. is_replaced: by a submission with its key, which the journal remembers. */
void ms_results_stop(struct ms_master *master, ms_time now, struct ms_work *work, bool is_replaced);

/* Settles a bounded part of the commands that joined one that has ended, and then lets that one go on. */
void ms_results_share(struct ms_master *master, ms_time now);

/* The session that held it died. */
void ms_results_died(struct ms_master *master, ms_time now, struct ms_slave *slave,
                     struct ms_work *work);

#endif
