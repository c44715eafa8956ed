/* What the outcomes of a broadcast mean together. */
#ifndef CORE_VERDICT_H
#define CORE_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

/* Which of its slaves must succeed. */
enum ms_must {
    MS_MUST_ALL = 0,
    MS_MUST_ANY = 1,    /* one of them */
    MS_MUST_QUORUM = 2, /* more than half of them */
    MS_MUST_COUNT
};

/* Of a broadcast whose outcomes are all known. slaves > 0; succeeded <= slaves. */
bool ms_verdict(enum ms_must must, uint32_t slaves, uint32_t succeeded);

const char *ms_must_name(enum ms_must must); /* "all"; never NULL */

#endif
