/* How long a disk has not answered: something is to be written, and none of it has been, however slowly. */
#ifndef MASTER_SILENCE_H
#define MASTER_SILENCE_H

#include "core/types.h"

struct ms_silence {
    ms_seq durable; /* when it was looked at last */
    bool is_awaited;
    ms_time since, looked_at; /* while is_awaited */
};

/* written: the last record that it was given; durable: of them on the disk. To be called often, at least while something is
 * awaited: of the time between two looks no more than MS_STANDBY_LOOK counts, the rest was our own standing still. */
void ms_silence_look(struct ms_silence *silence, ms_time now, ms_seq written, ms_seq durable);

/* At the last look; 0 = it is not silent. */
ms_time ms_silence_span(const struct ms_silence *silence);

#endif
