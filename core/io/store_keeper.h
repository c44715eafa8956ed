/* Commits windows into the file of a store, and reads them back: everything but threads and events.
 * Private to the store; one thread at a time. */
#ifndef CORE_IO_STORE_KEEPER_H
#define CORE_IO_STORE_KEEPER_H

#include "core/io/store.h"
#include "core/io/store_aside.h"
#include "core/io/store_directory.h"
#include "core/io/store_file.h"
#include "core/io/store_ring.h"

#define MS_STORE_LOG_MAX ((size_t)16 << 20) /* bytes of write-ahead log before a checkpoint */
#define MS_STORE_LOG_MIN ((size_t)1 << 20)

#define MS_STORE_SPARES_MAX 8 /* windows that are kept to be filled again */

struct ms_store_keeper {
    struct ms_store_directory directory;
    struct ms_store_file *file; /* NULL: it could not be opened again after it was set aside */
    bool is_beside;             /* and it is none of the directory yet: that is whole, and closed */
    struct ms_store_file_options file_options;
    char *path; /* absolute, of the directory */
    struct ms_store_ring ring;
    struct ms_store_window *spares[MS_STORE_SPARES_MAX]; /* empty, the last one used most lately */
    uint32_t spares_count;
    size_t log_max;  /* a checkpoint is due; on a small disk less than MS_STORE_LOG_MAX */
    size_t ring_max; /* bytes of young batches */
    bool is_read_only;
    uint64_t records, records_total, erased_total, unwritten_total, bytes_total, commits_total;
    uint64_t file_bytes, room;
    uint64_t looked_at; /* bytes_total when the room was looked for */
};

enum ms_error ms_store_keeper_open(struct ms_store_keeper *keeper,
                                   const struct ms_store_options *options,
                                   struct ms_complaint *complaint);
bool ms_store_keeper_close(struct ms_store_keeper *keeper);

/* What is to be done in one transaction; made once, carried out until it succeeds. */
struct ms_store_plan {
    struct ms_store_window *window;
    struct ms_bytes blob; /* of the young batch */
    bool has_batch;       /* there is one; an empty one says which have left */
    bool is_direct;       /* too large for the ring: its puts become old at once */
    uint64_t horizon;     /* young batches before it become old */
};

/* Works out what a window means: what it erases among young records is dead from here on. */
void ms_store_keeper_plan(struct ms_store_keeper *keeper, struct ms_store_window *window,
                          struct ms_store_plan *plan_out);

/* Commits it. After FULL it may be carried out again. After DONE the plan is spent, its window belongs to
 * the keeper; returned is one that may be filled again, or NULL. */
enum ms_store_result ms_store_keeper_carry_out(struct ms_store_keeper *keeper,
                                               const struct ms_store_plan *plan,
                                               struct ms_store_window **spare_out);

/* Moves the log into the database when it is time; sooner when nobody waits. */
enum ms_store_result ms_store_keeper_tidy(struct ms_store_keeper *keeper, bool is_idle);

/* True when so much was written since the last look, or so little room was left then, that it must be made again. */
bool ms_store_keeper_must_look(const struct ms_store_keeper *keeper);

/* Finds out what room there is; takes the reserve back when there is enough. */
void ms_store_keeper_look(struct ms_store_keeper *keeper);

/* Less room than the reserve, or the reserve is not held. */
bool ms_store_keeper_is_full(const struct ms_store_keeper *keeper);

/* Full, or a submission of any size might not fit above the reserve. */
bool ms_store_keeper_is_near(const struct ms_store_keeper *keeper);

/* store_walk.c: every live record, young or old, in rising order. */
enum ms_error ms_store_keeper_replay(struct ms_store_keeper *keeper, ms_store_entry_fn fn,
                                     void *context, struct ms_complaint *complaint);

/* Live records that were read together: whole entries, one behind the other. */
struct ms_store_piece {
    uint8_t *bytes;
    size_t size, capacity;
    ms_seq last; /* the number of the last of them; 0 = there are none */
};

/* Fills a piece, which may have been used before, with the records above a number, up to so many bytes; with one at
 * least if there is any. STORE_CORRUPT or IO with a sentence. */
enum ms_error ms_store_keeper_scan(struct ms_store_keeper *keeper, ms_seq above, size_t bytes_max,
                                   struct ms_store_piece *piece, struct ms_complaint *complaint);

/* store_recover.c: what is young in the file, which was just opened, becomes old. path: of the directory, as people know it. */
enum ms_error ms_store_keeper_recover(struct ms_store_keeper *keeper, const char *path,
                                      struct ms_complaint *complaint);

/* store_clear.c: erases everything. number > 0: what was there is kept under a name of that kind and number, in a file that needs
 * no other. After FULL nothing has changed, and it may be called again; FAILED comes with a sentence. */
enum ms_store_result ms_store_keeper_clear(struct ms_store_keeper *keeper, uint64_t number,
                                           enum ms_aside kind, struct ms_complaint *complaint);

/* There is room for a second file that is as large as this one. */
bool ms_store_keeper_has_room_beside(struct ms_store_keeper *keeper);

/* Goes on in an empty file beside the present one, which is left as a start needs it. FULL: nothing has changed. */
enum ms_store_result ms_store_keeper_begin_beside(struct ms_store_keeper *keeper,
                                                  struct ms_complaint *complaint);

/* That file becomes the store: all or nothing, also in a crash. What was it is kept as above if number > 0. FULL: nothing has changed. */
enum ms_store_result ms_store_keeper_adopt(struct ms_store_keeper *keeper, uint64_t number,
                                           enum ms_aside kind, struct ms_complaint *complaint);

/* Or it is removed, and the store is what it was before. */
enum ms_store_result ms_store_keeper_revert(struct ms_store_keeper *keeper,
                                            struct ms_complaint *complaint);

/* Takes away what a crash in the midst of that left behind; before the file is opened. */
void ms_store_keeper_tidy_up(const struct ms_store_keeper *keeper);

#endif
