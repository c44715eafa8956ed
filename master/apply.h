/* The records of the journal, applied to the state: what the live master does when it writes them, done again
 * at a start, and by a standby that follows. */
#ifndef MASTER_APPLY_H
#define MASTER_APPLY_H

#include "core/error.h"
#include "proto/record.h"

struct ms_master;
struct ms_work;

/* Applies record seq. NO_MEMORY, or MALFORMED with a sentence in master->complaint when it makes no sense
 * after those before it. */
enum ms_error ms_apply(struct ms_master *master, ms_time now, const struct ms_record *record,
                       ms_seq seq);

/* The work is to end alone: the first of its followers, if any, goes on in its place. */
void ms_apply_pass_on(struct ms_master *master, ms_time now, struct ms_work *work,
                      bool is_replaced);

#endif
