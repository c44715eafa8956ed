/* Files of a store that were set aside (divergent-NUMBER.db): counted, and removed when they are old. */
#ifndef CORE_IO_STORE_ASIDE_H
#define CORE_IO_STORE_ASIDE_H

#include "core/types.h"

/* How many the directory has, once those are gone that were set aside longer ago than keep. 0 when it cannot be read. */
uint32_t ms_store_aside_tidy(const char *directory, ms_time keep);

#endif
