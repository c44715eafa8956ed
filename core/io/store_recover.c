/* Opening a store: what was young becomes old, so a start leaves an empty ring. */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "core/io/clock.h"
#include "core/io/store_keeper.h"

#include "core/invariant.h"
#include "proto/record.h"

struct recovery {
    struct ms_store_keeper *keeper;
    struct ms_complaint *complaint;
    const char *path;
    bool is_sound;
};

/* Whether a batch is whole entries with good checksums, puts with rising numbers. */
static bool is_batch_sound(struct ms_bytes entries)
{
    struct ms_entry entry;
    ms_seq last = 0;

    while (entries.size > 0) {
        if (!ms_record_next(&entries, &entry)) {
            return false;
        }
        if (entry.kind != MS_RECORD_ERASE && entry.seq <= last) {
            return false;
        }
        last = entry.kind != MS_RECORD_ERASE ? entry.seq : last;
    }
    return true;
}

/* A batch as it was in memory; then what it erased in those before it. */
static void load(struct ms_store_ring *ring, struct ms_bytes entries)
{
    struct ms_store_window *window = ms_store_window_create();

    ms_store_window_add(window, 0, entries);
    if (window->count > 0) {
        window->seq = window->puts[window->count - 1].seq;
    }
    if (ring->first < ring->next && window->seq < ms_store_ring_at(ring, ring->next - 1)->seq) {
        window->seq = ms_store_ring_at(ring, ring->next - 1)->seq;
    }
    for (size_t i = 0; i < window->erases_count; i++) {
        struct ms_store_window *batch = NULL;
        struct ms_store_put *put = ms_store_ring_find(ring, window->erases[i], &batch);

        if (put != NULL && !put->is_dead) {
            put->is_dead = 1;
            batch->live--;
        }
    }
    ms_store_ring_push(ring, window);
}

static bool on_young(void *context, const struct ms_store_batch *batch)
{
    struct recovery *recovery = context;
    struct ms_store_ring *ring = &recovery->keeper->ring;

    if (ring->next - ring->first == MS_STORE_RING_SLOTS || !is_batch_sound(batch->entries)) {
        ms_complain(recovery->complaint, "data directory %s is damaged: batch %llu of its store",
                    recovery->path, (unsigned long long)batch->number);
        recovery->is_sound = false;
        return false;
    }
    load(ring, batch->entries);
    return true;
}

static enum ms_store_result move_survivors(struct ms_store_keeper *keeper)
{
    enum ms_store_result result = ms_store_file_begin(keeper->file);

    for (uint64_t b = keeper->ring.first; b < keeper->ring.next && result == MS_STORE_DONE; b++) {
        const struct ms_store_window *window = ms_store_ring_at(&keeper->ring, b);

        for (size_t i = 0; i < window->count && result == MS_STORE_DONE; i++) {
            if (!window->puts[i].is_dead) {
                result = ms_store_file_put_old(keeper->file, window->puts[i].seq,
                                               ms_store_window_entry(window, i));
            }
        }
    }
    if (result == MS_STORE_DONE) {
        result = ms_store_file_erase_all_young(keeper->file);
    }
    return result;
}

static enum ms_error refuse(struct ms_store_keeper *keeper, struct ms_complaint *complaint)
{
    ms_complain(complaint, "%s", ms_store_file_failure(keeper->file));
    return ms_store_file_error(keeper->file);
}

/* A visitor that only reads does the same and never commits it. */
enum ms_error ms_store_keeper_recover(struct ms_store_keeper *keeper, const char *path,
                                      struct ms_complaint *complaint)
{
    struct recovery recovery = {
        .keeper = keeper, .complaint = complaint, .path = path, .is_sound = true};
    enum ms_store_result result = ms_store_file_walk_young(keeper->file, on_young, &recovery);

    if (!recovery.is_sound) {
        return MS_E_STORE_CORRUPT;
    }
    if (result == MS_STORE_DONE && keeper->ring.next > keeper->ring.first) {
        result = move_survivors(keeper);
        if (result == MS_STORE_DONE && !keeper->is_read_only) {
            result = ms_store_file_commit(keeper->file);
        }
    }
    if (result == MS_STORE_FULL && !keeper->is_read_only) {
        ms_store_file_rollback(keeper->file);
        if (ms_store_directory_release(&keeper->directory)) {
            ms_store_ring_finish(&keeper->ring);
            return ms_store_keeper_recover(keeper, path, complaint);
        }
    }
    ms_store_ring_finish(&keeper->ring);
    keeper->ring = (struct ms_store_ring){0};
    return result == MS_STORE_DONE ? MS_E_OK : refuse(keeper, complaint);
}

static size_t log_size_for(const struct ms_store_keeper *keeper)
{
    uint64_t size = ms_store_directory_free(&keeper->directory) / 8;

    if (keeper->directory.bytes_max != 0 && keeper->directory.bytes_max / 8 < size) {
        size = keeper->directory.bytes_max / 8;
    }
    return size > MS_STORE_LOG_MAX   ? MS_STORE_LOG_MAX
           : size < MS_STORE_LOG_MIN ? MS_STORE_LOG_MIN
                                     : (size_t)size;
}

/* A file that was set aside is looked at where it lies: nobody writes it, so nobody is locked out. *name_out is its name
 * in the directory that keeper->path becomes. */
static bool is_set_aside(struct ms_store_keeper *keeper, const char *path, const char **name_out)
{
    struct stat file;
    char *slash;

    if (stat(path, &file) != 0 || !S_ISREG(file.st_mode) ||
        (keeper->path = realpath(path, NULL)) == NULL) {
        return false;
    }
    slash = strrchr(keeper->path, '/');
    ms_assert(slash != NULL);
    *slash = '\0';
    *name_out = slash + 1;
    return true;
}

static enum ms_error open_directory(struct ms_store_keeper *keeper,
                                    const struct ms_store_options *options,
                                    struct ms_complaint *complaint)
{
    enum ms_error error;

    keeper->file_options.is_read_only = options->is_read_only;
    if (options->is_read_only &&
        is_set_aside(keeper, options->directory, &keeper->file_options.name)) {
        keeper->file_options.directory = keeper->path;
        return ms_store_directory_visit(&keeper->directory, keeper->path, complaint);
    }
    error = ms_store_directory_open(&keeper->directory, options->directory, options->is_read_only,
                                    complaint);
    if (error != MS_E_OK) {
        return error;
    }
    keeper->path = realpath(options->directory, NULL);
    if (keeper->path == NULL) {
        ms_complain(complaint, "data directory %s: %s", options->directory, strerror(errno));
        return MS_E_IO;
    }
    keeper->file_options.directory = keeper->path;
    return MS_E_OK;
}

enum ms_error ms_store_keeper_open(struct ms_store_keeper *keeper,
                                   const struct ms_store_options *options,
                                   struct ms_complaint *complaint)
{
    struct ms_entropy entropy = {0};
    struct ms_store_file_options *file = &keeper->file_options;
    enum ms_error error = open_directory(keeper, options, complaint);

    if (error != MS_E_OK) {
        return error;
    }
    keeper->is_read_only = options->is_read_only;
    keeper->directory.bytes_max = options->bytes_max;
    keeper->directory.reserve = options->reserve * MS_STORE_DISK_FACTOR;
    keeper->log_max = log_size_for(keeper);
    keeper->ring_max = keeper->log_max / 4;
    file->log_size = keeper->log_max;
    file->young_size = keeper->ring_max;
    file->id = ms_entropy_uuid(&entropy);
    if (!keeper->is_read_only) {
        ms_store_keeper_tidy_up(keeper);
    }
    keeper->file = ms_store_file_open(file, &error, complaint);
    if (keeper->file == NULL) {
        return error;
    }
    file->id = ms_store_file_id(keeper->file); /* of the next one, too */
    error = ms_store_keeper_recover(keeper, options->directory, complaint);
    if (error == MS_E_OK) {
        ms_store_keeper_look(keeper);
    }
    return error;
}

bool ms_store_keeper_close(struct ms_store_keeper *keeper)
{
    bool is_clean;

    if (keeper->is_read_only && keeper->file != NULL) {
        ms_store_file_rollback(keeper->file);
    }
    is_clean = ms_store_file_close(keeper->file);
    ms_store_ring_finish(&keeper->ring);
    while (keeper->spares_count > 0) {
        ms_store_window_destroy(keeper->spares[--keeper->spares_count]);
    }
    ms_store_directory_close(&keeper->directory);
    free(keeper->path);
    keeper->path = NULL;
    return is_clean;
}
