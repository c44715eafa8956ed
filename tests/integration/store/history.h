/* What a store was told, window by window, so that what comes back can be judged: it must be the state
 * after some window, no earlier than the last one that was answered. */
#ifndef TESTS_INTEGRATION_STORE_HISTORY_H
#define TESTS_INTEGRATION_STORE_HISTORY_H

#include "tests/unit/io_store_entries.h"

#define HISTORY_RECORDS 2048u
#define HISTORY_WINDOWS 128u

struct history {
    uint32_t random;
    ms_seq seq;
    size_t windows; /* written; state of window 0 = nothing */
    uint32_t sizes[HISTORY_RECORDS];
    bool lives[HISTORY_WINDOWS + 1][HISTORY_RECORDS];
};

/* Makes the entries of the next window: the same ones for the same seed. */
void history_write(struct history *history, struct entries *entries);

/* A window after which nothing lives. */
void history_clear(struct history *history);

/* Which window's state the store has; the test fails when it is none of `from` and later. */
size_t history_judge(const struct history *history, struct ms_store *store, size_t from);

/* Goes on from the state of this window, as a master that has read it back would. */
void history_resume(struct history *history, size_t window);

#endif
