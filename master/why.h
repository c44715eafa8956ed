/* Why a command is where it is, in one sentence for the people who run the system. */
#ifndef MASTER_WHY_H
#define MASTER_WHY_H

#include "core/text.h"
#include "core/types.h"

struct ms_master;
struct ms_work;

/* Without a full stop; fits MS_DETAIL_MAX. */
void ms_why(const struct ms_master *master, const struct ms_work *work, ms_time now,
            struct ms_text *text);

#endif
