/* A store in memory for fuzzers: what was written waits until it is committed, and is lost until then. One
 * of them in a process. */
#ifndef SUPPORT_FUZZ_STORE_H
#define SUPPORT_FUZZ_STORE_H

#include "core/types.h"

/* Takes a copy of whole, sound entries; seq is the highest so far. */
void fuzz_store_write(ms_seq seq, struct ms_bytes entries);

/* All that waits is durable now: puts and erases. The number that was written last, or 0: nothing waited. */
ms_seq fuzz_store_commit(void);

/* What waits is lost. */
void fuzz_store_lose(void);

/* Every durable record, in order; what is written meanwhile only waits. */
void fuzz_store_each(void (*fn)(void *context, struct ms_bytes entry), void *context);

void fuzz_store_clear(void);

#endif
