/* What comes of a SUBMIT: it is new, or known, or refused. */
#ifndef MASTER_SUBMIT_H
#define MASTER_SUBMIT_H

#include "core/command.h"

struct ms_client;
struct ms_master;

/* What a submission gets that asks for no class, and no less than it asks for without insisting. */
enum ms_durability ms_submit_usual_class(const struct ms_master *master);

/* SUBMIT of one command, or of an array: acknowledged when its record is durable, or refused. */
void ms_submit(struct ms_master *master, ms_time now, struct ms_client *client,
               const struct ms_command *command);

/* A command of the master's own client, whose outcome it is told in its own way: it is there, as new or as known; or why it
 * is not, with words in master->complaint, if any. */
enum ms_error ms_submit_own(struct ms_master *master, ms_time now, struct ms_client *client,
                            const struct ms_command *command);

#endif
