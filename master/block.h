/* The block of a work: its payload until it has ended, then what its last attempt cost, the result, the
 * detail. */
#ifndef MASTER_BLOCK_H
#define MASTER_BLOCK_H

#include "core/slab.h"
#include "master/work.h"
#include "proto/record.h"

/* The payload of a new work. False when memory is out: to be given back, it counts nothing. */
bool ms_block_copy(struct ms_work *work, struct ms_slab *slab, struct ms_bytes payload);

/* Makes room for an outcome; what the block held is lost. False, with nothing changed, when memory is out. */
bool ms_block_make_room(struct ms_work *work, struct ms_slab *slab,
                        const struct ms_record *outcome);

/* Keeps the outcome, for which room was made. */
void ms_block_keep(struct ms_work *work, const struct ms_record *record);

#endif
