/* What an operator should do something about, in words. */
#ifndef MASTER_PAIR_ALARMS_H
#define MASTER_PAIR_ALARMS_H

#include "master/pair.h"

#define MS_PAIR_ALARMS_MAX 23u

struct ms_pair_alarms {
    uint32_t count;
    const char *texts[MS_PAIR_ALARMS_MAX]; /* "NAME: sentence", literals, the most urgent first */
};

void ms_pair_alarms(const struct ms_pair *pair, ms_time now, struct ms_pair_alarms *alarms_out);

#endif
