/* The durable store of a master: takes entries of the journal (proto/record.h), gives them back at the next
 * start. The records of what is over are erased one by one, so its size is bounded by what lives.
 *
 * Commits run on a thread of the store: while one is under way, entries gather, and the next takes all of
 * them, so the previous commit is the only timer; behind a large one it also waits for the loop to have
 * nothing else to do, but no longer than that took. Small ones are waited for without sleeping. A record that is erased before it was committed is never
 * written. A failed write or sync is final: nothing is acknowledged any more (PERSISTED with an error). A
 * full disk is not: the commit is made again when there is room, first out of the reserve.
 *
 * Thread rule: everything here belongs to the loop's thread. */
#ifndef CORE_IO_STORE_H
#define CORE_IO_STORE_H

#include <ev.h>

#include "core/engine.h"
#include "core/io/store_aside.h"
#include "core/text.h"

struct ms_store;

/* PERSISTED, ROOM, SCANNED and CLEARED events, called from the loop, never from inside a function of the store. PERSISTED with
 * an error (STORE_FAILED) comes once, and nothing after it. */
typedef void (*ms_store_event_fn)(void *context, const struct ms_event *event);

/* Room counts bytes of entries, and each as two bytes of disk, because pages are never full. So `reserve`
 * takes twice its size on the disk, given back when nothing else is left. */
struct ms_store_options {
    size_t size;          /* of this struct */
    struct ev_loop *loop; /* NULL: for tools; writes are committed in passing, without events */
    const char *
        directory; /* made when it is missing; its parent must exist. Or a file that was set aside, read only */
    uint64_t bytes_max; /* of its files at most; 0 = what the disk has */
    uint64_t reserve;   /* bytes held ready on the disk, so that results and cancels always fit */
    ms_time close_timeout; /* 0 = MS_STORE_CLOSE_TIMEOUT */
    ms_time poll_max;      /* the loop waits so long at most for a small commit without sleeping */
    ms_store_event_fn event; /* may be NULL without a loop */
    void *context;
    bool
        is_read_only; /* to look at it offline: nothing is made or changed; refused while a master runs */
};

/* Opens and locks the directory. NULL on failure, with the error (IO, STORE_FULL, STORE_CORRUPT, VERSION,
 * PERMISSION: another process has it) and a sentence that names the directory. */
struct ms_store *ms_store_open(const struct ms_store_options *options, enum ms_error *error_out,
                               struct ms_complaint *complaint);

/* Commits what was written, and closes. Accepts NULL. Returns false when that failed, or the disk is full, or has
 * not answered for close_timeout: then its thread, its memory and its lock are left alone until the process ends. So are
 * they when all was committed and the disk does not answer to the closing: true, after twice that time at most. */
bool ms_store_close(struct ms_store *store);

/* What is brought into a new directory is not whole before the end: until it is said to be no part any more, the directory
 * is not opened again (STORE_CORRUPT), not even after a crash. False when that could not be made durable, with errno. */
bool ms_store_mark(const char *path, bool is_partial);

/* 128 random bits that were given to the directory when it was made. */
struct ms_uuid ms_store_id(const struct ms_store *store);

/* Every live record, oldest first; entry is borrowed for the call. False stops the walk. */
typedef bool (*ms_store_entry_fn)(void *context, ms_seq seq, struct ms_bytes entry);

/* Reads everything back, verifying checksums; before the first write. MS_E_OK, STORE_CORRUPT with a sentence
 * that names the record, or IO. When read only, the structure of the whole file is verified first. */
enum ms_error ms_store_replay(struct ms_store *store, ms_store_entry_fn fn, void *context,
                              struct ms_complaint *complaint);

/* Who is read back to: entry for every live record, then done, once, with the error of ms_store_replay and its sentence. */
struct ms_store_reader {
    ms_store_entry_fn entry;
    void (*done)(void *context, enum ms_error error, const char *why);
    void *context;
};

/* The same in mid-life, later, from the loop: everything that was written before the call is committed, then read back, a piece in
 * each turn of the loop. Writing is allowed at any time, and waits until all is read. Without a word when the store fails or closes before. */
void ms_store_reread(struct ms_store *store, const struct ms_store_reader *reader);

/* Takes a copy of whole entries, which need not be sealed: puts with rising numbers above those of every live record, where
 * gaps may be and numbers of what was erased may come again; and erases, which do no harm where there is no such record. seq
 * is the highest so far. Answered by PERSISTED when it is on the disk. When nothing is under way, the commit begins before the loop
 * sleeps. After a failure it is dropped. */
void ms_store_write(struct ms_store *store, ms_seq seq, struct ms_bytes entries);

/* Reads live records above a number, in rising order, whole entries of up to so many bytes; one at least if there
 * is any. Answered by SCANNED: its command's payload is the entries, its seq the last of them; none: that was all.
 * What was written before the call is seen; of what is erased or written meanwhile nothing is promised. Commits go
 * on in between. A record that is found damaged is a failure of the store. */
void ms_store_scan(struct ms_store *store, ms_seq above, size_t bytes_max);

/* ALL: empties the store of everything that was written before; what is written after, with any numbers, comes into an empty one.
 * number > 0: the file as it was is kept in the directory as divergent-NUMBER.db (or unmerged-NUMBER.db: kind), or
 * divergent-NUMBER-2.db and so on when there is such a file already. A crash before the answer leaves the store as it was, or empty.
 * BESIDE: the same, but the file stays the store of the directory: what is written from now on is durable, and read back,
 * as ever, and the next start finds what there was before, until ADOPT, which makes the new file the store, all or nothing (number,
 * kind: of the old one), or REVERT, which removes it. With ALL in between the new one is emptied (number 0).
 * Answered by CLEARED, in the order of all that is asked for: count = 1: BESIDE found no room for both, and did nothing; with an error, before the PERSISTED
 * that says the same, when the store failed over it. */
void ms_store_clear(struct ms_store *store, enum ms_clear how, uint64_t number, enum ms_aside kind);

/* While it may, and the disk is full, merged files that were set aside are removed, the oldest first, before anything waits. */
void ms_store_may_drop(struct ms_store *store, bool may_drop);

/* Why it failed, one sentence; NULL while it works. */
const char *ms_store_failure(const struct ms_store *store);

struct ms_store_stats {
    bool is_failed;
    bool is_full; /* less room than the reserve, or the reserve is in use */
    uint64_t commits_total, records_total, erased_total;
    uint64_t unwritten_total; /* records erased before they were committed */
    uint64_t dropped_total;   /* files that were set aside, removed to make room */
    uint64_t bytes_total;     /* of entries handed to commits */
    uint64_t records;         /* live in the store, as of the last commit; after a replay */
    uint64_t file_bytes, room_bytes;
    ms_time commit_time_last, commit_time_max;
    size_t gathered_bytes; /* wait for the next commit */
    ms_time
        silence; /* so long what was handed to the disk has not been answered; 0 = nothing waits */
};
void ms_store_stats(const struct ms_store *store, struct ms_store_stats *stats_out);

#endif
