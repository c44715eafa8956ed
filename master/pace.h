/* Whether the other half's disk keeps up with ours: a standby that answers every beat, and whose disk is full, slow or hung, would
 * hold back each acknowledgement for ever.
 *
 * One record at a time is timed, from when it is durable here until it is durable there. Late is one that takes longer than
 * MS_STANDBY_LAG; slow is a disk with late ones behind each other for MS_STANDBY_SLOW. What the disk does is seen only
 * while there is a connection, and time in which nobody looked does not count. */
#ifndef MASTER_PACE_H
#define MASTER_PACE_H

#include "core/types.h"

struct ms_pace {
    ms_seq awaited;     /* durable here and not there; 0 = nothing is */
    ms_time since;      /* it is awaited */
    ms_time late;       /* waits for late records behind each other, all together */
    ms_time well_since; /* slow: keeps up since; MS_TIME_NEVER = it does not */
    ms_time well_for;   /* it has to keep up for so long */
    ms_time back_at;    /* when it was slow no more; INT64_MIN = never was slow */
    ms_time looked_at;
    bool is_slow;
    uint64_t slow_total; /* times it was found slow */
};

void ms_pace_init(struct ms_pace *pace);

/* durable: the last record on the own disk, there: of them on the other one. is_binding: acknowledgements wait for it. To be
 * called often, at least with each beat. */
void ms_pace_look(struct ms_pace *pace, ms_time now, ms_seq durable, ms_seq there, bool is_binding);

/* There is no connection, or nothing goes on: whatever is awaited is no fault of its disk. */
void ms_pace_rest(struct ms_pace *pace);

#endif
