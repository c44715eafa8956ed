#include "core/tempo.h"

#include "core/invariant.h"

#define FADE      8u                /* one part of so many in a second */
#define LEVEL_MAX (UINT64_MAX / 16) /* a sum never overflows */
#define FORGOTTEN 400               /* seconds in which any level fades to nothing */

static uint64_t faded(uint64_t level, ms_time seconds)
{
    ms_assert(seconds >= 0);
    if (seconds >= FORGOTTEN) {
        return 0;
    }
    for (; seconds > 0 && level > 0; seconds--) {
        level -= (level + FADE - 1) / FADE; /* rounded up, so that it ends */
    }
    return level;
}

void ms_tempo_count(struct ms_tempo *tempo, ms_time now, uint64_t count)
{
    const ms_time second = now / MS_SEC;
    const uint64_t more = count < LEVEL_MAX / 1000 ? 1000 * count : LEVEL_MAX;

    ms_assert(second >= tempo->second);
    tempo->level = faded(tempo->level, second - tempo->second);
    tempo->second = second;
    tempo->level = more < LEVEL_MAX - tempo->level ? tempo->level + more : LEVEL_MAX;
}

uint64_t ms_tempo_milli(const struct ms_tempo *tempo, ms_time now)
{
    const ms_time second = now / MS_SEC;

    ms_assert(second >= tempo->second);
    return faded(tempo->level, second - tempo->second) / FADE;
}
