/* Files of a store that were set aside: divergent-NUMBER.db, of which the other half of the pair has everything, and
 * unmerged-NUMBER.db, of which nobody else has all. The former are removed when they are old, or where room is needed; the latter
 * never, but by people. */
#ifndef CORE_IO_STORE_ASIDE_H
#define CORE_IO_STORE_ASIDE_H

#include "core/engine.h"

struct ms_asides {
    uint32_t count[MS_ASIDES];
};

/* "divergent-", "unmerged-". */
const char *ms_store_aside_prefix(enum ms_aside kind);

/* What the directory has, once those merged ones are gone that were set aside longer ago than keep. Nothing when it cannot be
 * read. */
struct ms_asides ms_store_aside_tidy(const char *directory, ms_time keep);

/* Removes the merged one that was set aside first, to make room; fd is its directory's. False when there is none. */
bool ms_store_aside_drop(int fd);

#endif
