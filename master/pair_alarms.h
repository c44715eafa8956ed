/* What an operator should do something about, in words. */
#ifndef MASTER_PAIR_ALARMS_H
#define MASTER_PAIR_ALARMS_H

#include "master/half.h"
#include "master/pair.h"

void ms_pair_alarms(const struct ms_pair *pair, ms_time now, struct ms_pair_alarms *alarms_out);

#endif
