/* How outcomes and streamed output travel to clients. */
#ifndef MASTER_OUTCOMES_H
#define MASTER_OUTCOMES_H

#include "core/types.h"

struct ms_client;
struct ms_master;
struct ms_work;

/* Something may be sent to the client: it takes part in the next pump. */
void ms_outcomes_mark(struct ms_master *master, struct ms_client *client);

/* The finished work's outcome is sent (again). */
void ms_outcomes_resend(struct ms_master *master, struct ms_work *work);

/* Everything not confirmed counts as not sent, in its old order: the client has a new connection. */
void ms_outcomes_rewind(struct ms_client *client);

/* Takes a finished work off its client's lists and windows. */
void ms_outcomes_unlink(struct ms_work *work);

/* OUTCOME_ACK of a run: those commands are closed. */
void ms_outcomes_confirm(struct ms_master *master, ms_time now, struct ms_client *client,
                         uint64_t first, uint64_t count);

#endif
