/* What a command has in common with others, as the queue sees it: the group and the array it is a member
 * of. */
#ifndef MASTER_MEMBERS_H
#define MASTER_MEMBERS_H

#include "master/life.h"
#include "master/queue.h"

/* A new command, in no state yet, becomes what its record says. False when memory is out. */
bool ms_members_join(struct ms_queue *queue, ms_time now, struct ms_work *work,
                     const struct ms_record *record);

/* It went along a row of its life, and work->state is the new state. */
void ms_members_moved(struct ms_queue *queue, ms_time now, struct ms_work *work,
                      enum ms_life_state from);

#endif
