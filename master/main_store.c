#include "master/main_store.h"

#include <stdlib.h>

#include "core/io/clock.h"
#include "core/limits.h"
#include "master/master.h"

static void on_event(void *context, const struct ms_event *event)
{
    struct ms_main_store *self = context;

    if (event->type == MS_EVENT_PERSISTED && event->error != MS_E_OK) {
        const char *why = ms_store_failure(self->store);

        ms_log(self->log, MS_LEVEL_ERROR, "the store failed",
               MS_LOG_TEXT("reason", why != NULL ? why : ms_error_text(event->error)));
    }
    ms_driver_post(self->driver, event);
}

enum ms_error ms_main_store_open(struct ms_main_store *self, struct ev_loop *loop,
                                 const struct ms_master_settings *settings)
{
    const struct ms_store_options options = {
        .size = sizeof options,
        .loop = loop,
        .directory = settings->data,
        .bytes_max = settings->store_max,
        .reserve = settings->store_reserve,
        .poll_max = settings->commit_poll,
        .event = on_event,
        .context = self,
    };
    struct ms_complaint complaint;
    enum ms_error error = MS_E_OK;

    if (settings->data == NULL) {
        return MS_E_OK;
    }
    self->directory = settings->data;
    self->store = ms_store_open(&options, &error, &complaint);
    if (self->store == NULL) {
        ms_log(self->log, MS_LEVEL_ERROR, "cannot open the data directory",
               MS_LOG_TEXT("data", settings->data), MS_LOG_TEXT("error", complaint.text));
    }
    return error;
}

static void post_entries(struct ms_main_store *self, struct ms_bytes entries)
{
    const struct ms_command command = {.payload = entries};

    ms_driver_post(self->driver,
                   &(struct ms_event){.type = MS_EVENT_REPLAYED, .command = &command});
}

static void post_piece(struct ms_main_store *self)
{
    if (self->piece_size > 0) {
        post_entries(self, (struct ms_bytes){self->piece, self->piece_size});
        self->piece_size = 0;
    }
}

bool ms_main_store_gather(void *context, ms_seq seq, struct ms_bytes entry)
{
    struct ms_main_store *self = context;

    (void)seq;
    if (self->piece == NULL) {
        self->piece = malloc(MS_SCAN_BYTES);
    }
    if (self->piece_size + entry.size > MS_SCAN_BYTES) {
        post_piece(self);
    }
    if (self->piece == NULL || entry.size > MS_SCAN_BYTES) {
        post_entries(self, entry);
        return true;
    }
    memcpy(self->piece + self->piece_size, entry.data, entry.size);
    self->piece_size += entry.size;
    return true;
}

void ms_main_store_gathered(struct ms_main_store *self)
{
    post_piece(self);
    free(self->piece);
    self->piece = NULL;
    ms_driver_post(self->driver, &(struct ms_event){.type = MS_EVENT_REPLAYED});
}

enum ms_error ms_main_store_replay(struct ms_main_store *self)
{
    const ms_time start = ms_clock_now();
    struct ms_complaint complaint;
    struct ms_store_stats stats;
    enum ms_error error;

    if (self->store == NULL) {
        return MS_E_OK;
    }
    error = ms_store_replay(self->store, ms_main_store_gather, self, &complaint);
    if (error != MS_E_OK) {
        ms_log(self->log, MS_LEVEL_ERROR, "cannot read the data directory back",
               MS_LOG_TEXT("error", complaint.text));
        return error;
    }
    ms_store_stats(self->store, &stats);
    ms_log(self->log, MS_LEVEL_INFO, "data directory read back",
           MS_LOG_NUMBER("records", stats.records), MS_LOG_NUMBER("file_bytes", stats.file_bytes),
           MS_LOG_NUMBER("took_ms", (uint64_t)((ms_clock_now() - start) / MS_MSEC)));
    ms_main_store_gathered(self);
    return MS_E_OK;
}

void ms_main_store_write(struct ms_main_store *self, const struct ms_effect *effect)
{
    ms_store_write(self->store, effect->seq, effect->command.payload);
}

/* News, of which there are not too many. */
static bool note_full(struct ms_main_store *self, bool is_full)
{
    const ms_time now = ms_clock_now();

    if (self->store == NULL || is_full == self->is_full ||
        (self->told_at != 0 && now - self->told_at < MS_STORE_NEWS_INTERVAL)) {
        return false;
    }
    self->is_full = is_full;
    self->told_at = now;
    return true;
}

static void tell_room(const struct ms_main_store *self, uint64_t room)
{
    ms_log(self->log, MS_LEVEL_WARN, "the data directory has room again",
           MS_LOG_TEXT("data", self->directory), MS_LOG_NUMBER("room_bytes", room));
}

void ms_main_store_watch_copy(struct ms_main_store *self, uint64_t room)
{
    if (!note_full(self, room == 0)) {
        return;
    }
    if (self->is_full) {
        ms_log(self->log, MS_LEVEL_WARN, "the data directory is full",
               MS_LOG_TEXT("data", self->directory),
               MS_LOG_TEXT("waits", "the log of the active half, so this one is not in sync"),
               MS_LOG_NUMBER("room_bytes", room));
    } else {
        tell_room(self, room);
    }
}

void ms_main_store_watch(struct ms_main_store *self, const struct ms_master_stats *stats)
{
    if (!note_full(self, stats->is_store_full)) {
        return;
    }
    if (self->is_full) {
        ms_log(self->log, MS_LEVEL_WARN, "the data directory is full",
               MS_LOG_TEXT("data", self->directory),
               MS_LOG_TEXT("refused", "submissions, with STORE_FULL, until space returns"),
               MS_LOG_TEXT("taken", stats->store_room > 0 ? "results and cancels, from the reserve"
                                                          : "nothing: what comes waits"),
               MS_LOG_NUMBER("room_bytes", stats->store_room));
    } else {
        tell_room(self, stats->store_room);
    }
}

void ms_main_store_listen(struct ms_main_store *self)
{
    struct ms_store_stats stats;

    if (self->store == NULL) {
        return;
    }
    ms_store_stats(self->store, &stats);
    const bool is_silent = stats.silence >= MS_STORE_SILENCE && !stats.is_failed && !stats.is_full;

    if (is_silent == self->is_silent) {
        return;
    }
    self->is_silent = is_silent;
    if (is_silent) {
        ms_log(self->log, MS_LEVEL_WARN, "the data directory does not answer",
               MS_LOG_TEXT("data", self->directory),
               MS_LOG_NUMBER("for_ms", (uint64_t)(stats.silence / MS_MSEC)),
               MS_LOG_TEXT("waits", "what is acknowledged after it is on the disk"));
    } else {
        ms_log(self->log, MS_LEVEL_WARN, "the data directory answers again",
               MS_LOG_TEXT("data", self->directory),
               MS_LOG_NUMBER("commit_max_us", (uint64_t)stats.commit_time_max));
    }
}

void ms_main_store_dump(const struct ms_main_store *self)
{
    struct ms_store_stats stats;

    if (self->store == NULL) {
        return;
    }
    ms_store_stats(self->store, &stats);
    ms_log(self->log, MS_LEVEL_INFO, "store", MS_LOG_NUMBER("records", stats.records),
           MS_LOG_NUMBER("commits", stats.commits_total),
           MS_LOG_NUMBER("unwritten", stats.unwritten_total),
           MS_LOG_NUMBER("file_bytes", stats.file_bytes),
           MS_LOG_NUMBER("room_bytes", stats.room_bytes),
           MS_LOG_NUMBER("commit_max_us", (uint64_t)stats.commit_time_max));
}

enum ms_error ms_main_store_close(struct ms_main_store *self)
{
    struct ms_store_stats stats;
    bool is_closed;

    free(self->piece);
    self->piece = NULL;
    if (self->store == NULL) {
        return MS_E_OK;
    }
    ms_store_stats(self->store, &stats);
    is_closed = ms_store_close(self->store);
    self->store = NULL;
    if (is_closed) {
        return MS_E_OK;
    }
    ms_log(
        self->log, MS_LEVEL_ERROR, "the last records are not in the data directory",
        MS_LOG_TEXT("data", self->directory),
        MS_LOG_TEXT("reason", stats.is_full ? "it is full" : "its disk failed or does not answer"),
        MS_LOG_TEXT("lost", "nothing that was acknowledged"));
    return stats.is_full ? MS_E_STORE_FULL : MS_E_STORE_FAILED;
}
