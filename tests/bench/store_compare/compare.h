/* Candidates for the store, under one interface: what bench_store_compare measures. */
#ifndef TESTS_BENCH_STORE_COMPARE_COMPARE_H
#define TESTS_BENCH_STORE_COMPARE_COMPARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RING_SLOTS 64u

/* What one transaction does, in this order. Keys of the table `old` are record numbers. */
struct change {
    const uint8_t *blob; /* NULL = no young batch; otherwise it replaces what slot held */
    size_t blob_size;
    uint32_t slot;
    const uint64_t *puts; /* records for the table `old`, with entries of one size */
    const uint8_t *entries;
    size_t entry_size, puts_count;
    const uint64_t *erases; /* records of the table `old` */
    size_t erases_count;
    uint64_t meta; /* one small value that every transaction sets; 0 = not */
};

struct candidate {
    const char *name;
    void *(*open)(const char *directory);
    void (*commit)(void *store, const struct change *change);
    uint64_t (*scan)(void *store); /* reads every record and every blob; returns bytes */
    void (*cut)(void *store, uint64_t from, uint64_t to); /* erases a range in one transaction */
    /* A consistent view that stays open while others write: begun, then ended. */
    void *(*view_open)(void *store, const char *directory);
    void (*view_close)(void *view);
    void (*close)(void *store);
};

extern const struct candidate candidate_lmdb;
extern const struct candidate candidate_sqlite;

/* Ends the program with a sentence. */
_Noreturn void give_up(const char *what, const char *why);

#endif
