/* Ready commands meet slaves with credit.
 *
 * That a command is handed out is written where somebody else must know of it. Of what may be started only once a LEASE is durable
 * before its COMMAND leaves. A half of a pair whose other half knows of that writes one for each durable command (a HAND, if it may be
 * started again), and its COMMAND leaves when the other half has it in its memory, if that may take over: then whoever takes over
 * knows which commands may be in whose hands, and hands out the others at once (master/recovery.h). */
#ifndef MASTER_DISPATCH_H
#define MASTER_DISPATCH_H

#include "core/types.h"

struct ms_master;
struct ms_work;

/* Sends the LEASED work to its holder, its payload before it if that is in parts. */
void ms_dispatch_send(struct ms_master *master, const struct ms_work *work);

/* Sends its COMMAND. */
void ms_dispatch_command(struct ms_master *master, const struct ms_work *work);

/* The work has come into its holder's hands without a COMMAND of ours: it is written, too. */
void ms_dispatch_note(struct ms_master *master, struct ms_work *work);

/* What has not left yet is taken out of its holder's hands, who has its credit again; false when it has. */
bool ms_dispatch_recall(struct ms_master *master, ms_time now, struct ms_work *work);

/* Hands out at most MS_DISPATCH_BURST commands while the step has room; what is left stays due. */
void ms_dispatch_run(struct ms_master *master, ms_time now);

#endif
