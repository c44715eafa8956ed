/* A half whose own disk writes nothing any more. */
#ifndef MASTER_PAIR_STUCK_H
#define MASTER_PAIR_STUCK_H

#include "core/types.h"

struct ms_pair;

/* In each step: how long the own store is silent. */
void ms_pair_listen(struct ms_pair *pair, ms_time now);
/* So long that it is an alarm. A store that is full is another one. */
bool ms_pair_is_silent(const struct ms_pair *pair);
/* Active: its store is full or silent, and the other half takes over: true, and this one has failed. */
bool ms_pair_gives_way(struct ms_pair *pair, ms_time now);

#endif
