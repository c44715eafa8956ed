/* What people wish of a command after it was submitted, as CHANGE records: written by a live master, applied
 * by the same function when they are read back. */
#ifndef MASTER_CHANGES_H
#define MASTER_CHANGES_H

#include "core/body.h"
#include "proto/record.h"

struct ms_queue;
struct ms_work;

/* The CHANGE that does this operation to this command, now. value as in the query. */
struct ms_record ms_changes_record(const struct ms_queue *queue, ms_time now,
                                   const struct ms_work *work, enum ms_operation operation,
                                   int64_t value);

/* False when the record makes no sense for a command in its state. */
bool ms_changes_are_possible(const struct ms_work *work, const struct ms_record *change);

/* Applies it; seq is its number, 0 = it is kept nowhere. A command that is kicked must be on no list. */
void ms_changes_apply(struct ms_queue *queue, ms_time now, struct ms_work *work,
                      const struct ms_record *change, ms_seq seq);

/* It is buried, its payload is there, and it is not to be started once only. */
bool ms_changes_can_kick(const struct ms_work *work);

#endif
