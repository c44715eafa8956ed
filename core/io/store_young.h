/* The young batches in the file of a store: a log that goes round in rows of one size, its segments.
 *
 * Batches lie one behind the other, over the bounds of segments, and overwrite those of a round before, through SQLite's
 * incremental input and output. So a commit changes the pages that its bytes fill and no others: one, when it is
 * small. (A row for each batch gives its pages back and takes new ones each time, and with them change the list of
 * free pages, the root and the neighbours.)
 *
 * A segment is MS_STORE_YOUNG_HEADER bytes, then room for the log; numbers big endian:
 *     lap     u64  how many segments came before it, and 1
 *     first   u64  place in its room at which the first batch begins in it; the size of the room: none does
 *     zero    u64
 *     check   u64  ~(lap + first)
 * A batch in the log is the same number of bytes, then its entries:
 *     number  u64  from 1
 *     first   u64  number of the oldest batch that is still young; older ones mean nothing any more
 *     size    u64  of the entries; UINT64_MAX: here the log ends, and this number comes next
 *     check   u64  ~(number + first + size)
 * The end is written with each batch and overwritten by the next, so a batch that is damaged is not taken for it.
 * A segment is laid into the first row in which nothing young lies, so that few rows are in use.
 *
 * Private to the store's file; one thread at a time. */
#ifndef CORE_IO_STORE_YOUNG_H
#define CORE_IO_STORE_YOUNG_H

#include <sqlite3.h>

#include "core/io/store_ring.h"

#define MS_STORE_YOUNG_HEADER   32
#define MS_STORE_YOUNG_SEGMENTS 65u

/* A batch as the log has it. */
struct ms_store_batch {
    uint64_t number, first;
    struct ms_bytes entries;
};

/* Where the log goes on. */
struct ms_store_young_place {
    uint64_t at;                           /* bytes of room used since it began, of all rounds */
    uint64_t laps;                         /* segments that were begun */
    uint32_t count;                        /* rows that were made */
    uint8_t rows[MS_STORE_YOUNG_SEGMENTS]; /* of the latest segments, by lap */
};

struct ms_store_young {
    sqlite3 *db;
    sqlite3_stmt *make; /* a row: its number, its bytes */
    size_t room;        /* of a segment */
    struct ms_store_young_place committed, written;
    uint64_t begins[MS_STORE_RING_SLOTS]; /* by number: where young batches begin */
};

/* An empty log that holds young batches of so many bytes, at most MS_STORE_RING_SLOTS of them. */
void ms_store_young_init(struct ms_store_young *young, sqlite3 *db, sqlite3_stmt *make,
                         size_t bytes_max);

/* Writes a batch, which may be empty, inside a transaction, at most one in each. A code of SQLite. */
int ms_store_young_put(struct ms_store_young *young, const struct ms_store_batch *batch);

/* Its rows were taken away in this transaction: the log begins anew. */
void ms_store_young_begin_anew(struct ms_store_young *young);

/* The transaction was committed, or rolled back. */
void ms_store_young_settle(struct ms_store_young *young, bool is_committed);

typedef bool (*ms_store_batch_fn)(void *context, const struct ms_store_batch *batch);

/* Hands every young batch of the rows that `walk` (row, its bytes) gives to fn, oldest first, until it returns false;
 * of a log that is damaged one with a single byte of entries, which is no entry. A code of SQLite; DONE is
 * good. */
int ms_store_young_read(sqlite3_stmt *walk, ms_store_batch_fn fn, void *context);

#endif
