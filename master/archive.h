/* Outcomes that stay after everybody who waited has them, to be asked for or kicked: those of commands
 * submitted with MS_FLAG_KEEP, and of background ones that were buried. Bounded by age, count and bytes;
 * beyond, the one that ended first is retired.
 *
 * An archived command's number is closed, so nothing waits for it: neither the floor of its client, nor the
 * client itself, of which only the name stays. But the command is still known, and a submission that comes
 * again gets its outcome again. */
#ifndef MASTER_ARCHIVE_H
#define MASTER_ARCHIVE_H

#include "core/types.h"

struct ms_master;
struct ms_work;

/* The finished command belongs here once nobody waits for it. */
bool ms_archive_wants(const struct ms_work *work);

/* Its number is closed, and its outcome kept. It must be on no list. False when memory is out. */
bool ms_archive_put(struct ms_master *master, struct ms_work *work);

/* It is live again, and on no list. */
void ms_archive_take(struct ms_master *master, struct ms_work *work);

/* Retires what is beyond the limits, a bounded number; true when more is left. */
bool ms_archive_retire(struct ms_master *master, ms_time now);
ms_time ms_archive_deadline(const struct ms_master *master);

/* When an archived command will be retired for its age; MS_TIME_NEVER before the clock can tell. */
ms_time ms_archive_until(const struct ms_master *master, const struct ms_work *work);

/* Everything was read back: what had been confirmed is archived again. */
void ms_archive_sort_out(struct ms_master *master);

/* Bytes that it takes of the memory. */
uint64_t ms_archive_weight(const struct ms_work *work);

#endif
