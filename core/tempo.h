/* How many of something there are in a second, of late: what is counted weighs an eighth less with each second
 * that passes. In whole numbers, so that the same events give the same rate everywhere. */
#ifndef CORE_TEMPO_H
#define CORE_TEMPO_H

#include "core/types.h"

/* Zeroed: nothing was counted. */
struct ms_tempo {
    uint64_t level; /* thousandths, of what was counted and has not faded */
    ms_time second; /* up to which it has faded */
};

/* count more of them happened at now, which does not fall. */
void ms_tempo_count(struct ms_tempo *tempo, ms_time now, uint64_t count);

/* Thousandths in a second. */
uint64_t ms_tempo_milli(const struct ms_tempo *tempo, ms_time now);

#endif
