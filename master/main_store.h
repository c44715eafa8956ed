/* The data directory of a running master: opened, read back into the engine, written by its records. */
#ifndef MASTER_MAIN_STORE_H
#define MASTER_MAIN_STORE_H

#include "core/io/driver.h"
#include "core/io/log.h"
#include "core/io/store.h"
#include "master/main_options.h"

struct ms_master_stats;

/* The store is ours, the rest is borrowed. */
struct ms_main_store {
    struct ms_store *store; /* NULL = everything is in memory */
    struct ms_driver *driver;
    struct ms_log *log;
    const char *directory;
    bool is_full;    /* as the log says */
    ms_time told_at; /* when that was said; 0 = never */
    bool is_silent;  /* the disk does not answer, as the log says */
    uint8_t *piece;  /* of what is read back; NULL = nothing is */
    size_t piece_size;
};

/* Opens settings->data, if it is set; what goes wrong is logged. */
enum ms_error ms_main_store_open(struct ms_main_store *self, struct ev_loop *loop,
                                 const struct ms_master_settings *settings);

/* Steps the engine with every record. The engine says READY later. */
enum ms_error ms_main_store_replay(struct ms_main_store *self);

/* One record that is read back: the engine is stepped with many of them at a time. For ms_store_replay and ms_store_reread;
 * context is self. */
bool ms_main_store_gather(void *context, ms_seq seq, struct ms_bytes entry);
/* That was all, and the engine hears so. */
void ms_main_store_gathered(struct ms_main_store *self);

/* The PERSIST effect. */
void ms_main_store_write(struct ms_main_store *self, const struct ms_effect *effect);

/* Once a second: logs that the disk is full, and that it has room again, each at most once in
 * MS_STORE_NEWS_INTERVAL. What ended meanwhile is not mentioned, the last state always is. */
void ms_main_store_watch(struct ms_main_store *self, const struct ms_master_stats *stats);

/* The same while this half of a pair is passive: what waits then is the log of the other one. */
void ms_main_store_watch_copy(struct ms_main_store *self, uint64_t room);

/* Once a second, whoever serves: logs that the disk has not answered for MS_STORE_SILENCE, and that it answers again. A full
 * one does; that is the other line. */
void ms_main_store_listen(struct ms_main_store *self);

/* Logs how it stands. */
void ms_main_store_dump(const struct ms_main_store *self);

/* Commits the rest and closes; harmless without a store. What went wrong is logged: STORE_FULL, STORE_FAILED. */
enum ms_error ms_main_store_close(struct ms_main_store *self);

#endif
