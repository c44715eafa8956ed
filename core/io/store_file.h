/* The file of a store: a database of SQLite with a write-ahead log (docs/decisions/0008-store.md). This is
 * all that the store knows of it. Private to the store; one thread at a time.
 *
 *     meta   key, value              'format' = MS_STORE_FORMAT, 'id' = 16 random bytes, 'cycle' = how often the log began anew
 *     old    seq, entry              one record each
 *     young  row, log                the last commits whole, puts and erases: see store_ring.h, store_young.h
 *
 * How to change it: a change that an older program would misread raises MS_STORE_FORMAT, and
 * ms_store_file_open brings a file of the format before to the new one, in one transaction, before
 * anything else is read. A table or a key of meta that an older program may ignore needs no new number. */
#ifndef CORE_IO_STORE_FILE_H
#define CORE_IO_STORE_FILE_H

#include "core/error.h"
#include "core/io/store_young.h"
#include "core/text.h"

#define MS_STORE_FORMAT    2
#define MS_STORE_FILE_NAME "store.db"
#define MS_STORE_LOG_NAME  "store.db-wal"
#define MS_STORE_END_NAME  "store.db-end" /* store_end.h */

struct ms_store_file;

/* How a step in the file ended. FULL: the disk was full before anything was synced, so the transaction can
 * be rolled back and made again. FAILED, which includes every failed sync: nobody knows what the disk
 * has; never to be tried again. */
enum ms_store_result { MS_STORE_DONE, MS_STORE_FULL, MS_STORE_FAILED };

struct ms_store_file_options {
    const char *directory;
    const char *name; /* in it; NULL = MS_STORE_FILE_NAME */
    bool is_read_only;
    struct ms_uuid id; /* for a new file */
    size_t log_size;   /* bytes of write-ahead log that a new file is given at once */
    size_t young_size; /* of young batches at most */
};

/* NULL on failure, with the error and a sentence. */
struct ms_store_file *ms_store_file_open(const struct ms_store_file_options *options,
                                         enum ms_error *error_out, struct ms_complaint *complaint);

/* False when something could not be written. Accepts NULL. */
bool ms_store_file_close(struct ms_store_file *file);

struct ms_uuid ms_store_file_id(const struct ms_store_file *file);

/* One transaction: begun, changed, then committed or rolled back. After any result but DONE it must be rolled
 * back. erase_old: *count_out rises by one when there was such a record. */
enum ms_store_result ms_store_file_begin(struct ms_store_file *file);
enum ms_store_result ms_store_file_put_old(struct ms_store_file *file, ms_seq seq,
                                           struct ms_bytes entry);
enum ms_store_result ms_store_file_erase_old(struct ms_store_file *file, ms_seq seq,
                                             uint64_t *count_out);
enum ms_store_result ms_store_file_put_young(struct ms_store_file *file,
                                             const struct ms_store_batch *batch);
enum ms_store_result ms_store_file_erase_all_young(struct ms_store_file *file);
enum ms_store_result ms_store_file_erase_all_old(struct ms_store_file *file);
enum ms_store_result ms_store_file_commit(struct ms_store_file *file);
void ms_store_file_rollback(struct ms_store_file *file);

/* In order: young batches (see store_young.h), old records above a number. False of fn stops the walk. */
enum ms_store_result ms_store_file_walk_young(struct ms_store_file *file, ms_store_batch_fn fn,
                                              void *context);
typedef bool (*ms_store_row_fn)(void *context, ms_seq seq, struct ms_bytes entry);
enum ms_store_result ms_store_file_walk_old(struct ms_store_file *file, ms_seq above,
                                            ms_store_row_fn fn, void *context);

/* Looks at every page. False with a sentence when the structure is damaged. */
bool ms_store_file_verify(struct ms_store_file *file, struct ms_complaint *complaint);

/* Bytes of log that wait to be moved into the database; move them. FULL: later. */
size_t ms_store_file_log_bytes(const struct ms_store_file *file);
enum ms_store_result ms_store_file_checkpoint(struct ms_store_file *file);

/* Bytes of the database and its log, and how many of them are free for use again. */
void ms_store_file_sizes(struct ms_store_file *file, uint64_t *bytes_out, uint64_t *free_out);

/* The sentence and the error of the last result that was not DONE. */
const char *ms_store_file_failure(const struct ms_store_file *file);
enum ms_error ms_store_file_error(const struct ms_store_file *file);

#endif
