/* Rates as people write them: "20/s", "100/m", "5/h", with ":BURST" behind if a burst other than that of a second may come
 * at once. */
#ifndef CORE_RATE_H
#define CORE_RATE_H

#include "core/text.h"

#define MS_RATE_ONE 3600u /* parts of a token, so that 1/h is a whole number of them a second */
#define MS_RATE_MAX 1000000000ull /* tokens in any of the three spans, and of a burst */

/* Of a bucket that holds at most burst tokens. All zeros: there is no limit. */
struct ms_rate {
    uint64_t per_second; /* tokens that come in a second, in 1 / MS_RATE_ONE */
    uint64_t burst;      /* tokens; at least 1 where there is a rate */
};

/* N: 1 .. MS_RATE_MAX, as BURST. Without one it is what comes in a second, rounded up. "0" is no limit. */
bool ms_rate_parse(const char *text, struct ms_rate *rate_out, struct ms_complaint *complaint);

/* As it is read, with the shortest span that keeps it whole. */
void ms_rate_print(const struct ms_rate *rate, struct ms_text *text);

static inline bool ms_rate_is_limit(const struct ms_rate *rate)
{
    return rate->per_second > 0;
}

#endif
