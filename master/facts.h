/* What filters (core/filter.h) may ask about one command. */
#ifndef MASTER_FACTS_H
#define MASTER_FACTS_H

#include "core/filter.h"

struct ms_work;

/* Everything is borrowed from the work. */
void ms_facts_of(const struct ms_work *work, ms_time now, struct ms_filter_facts *facts_out);

/* The status of its last attempt; empty before one has ended. */
const char *ms_facts_status(const struct ms_work *work);

#endif
