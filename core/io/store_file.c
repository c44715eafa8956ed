#include "core/io/store_file.h"

#include <stdio.h>
#include <sys/stat.h>

#include "core/io/store_file_private.h"
#include "core/io/store_log.h"

#define FRAME_HEADER 24 /* of a page in the log */

enum ms_store_result ms_store_file_result(struct ms_store_file *file, int code)
{
    struct ms_text text;

    if (code == SQLITE_OK || code == SQLITE_DONE || code == SQLITE_ROW) {
        return MS_STORE_DONE;
    }
    file->code = sqlite3_extended_errcode(file->db);
    if (file->code == SQLITE_OK) {
        file->code = code;
    }
    ms_text_init(&text, file->failure, sizeof file->failure);
    ms_text_add(&text, "%s: %s (%d)", file->path, sqlite3_errmsg(file->db), file->code);
    return (file->code & 0xff) == SQLITE_FULL ? MS_STORE_FULL : MS_STORE_FAILED;
}

const char *ms_store_file_failure(const struct ms_store_file *file)
{
    return file->failure;
}

enum ms_error ms_store_file_error(const struct ms_store_file *file)
{
    switch (file->code & 0xff) {
    case SQLITE_OK:
        return MS_E_OK;
    case SQLITE_FULL:
        return MS_E_STORE_FULL;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return MS_E_STORE_CORRUPT;
    case SQLITE_NOMEM:
        return MS_E_NO_MEMORY;
    case SQLITE_BUSY:
    case SQLITE_PERM:
    case SQLITE_READONLY:
        return MS_E_PERMISSION;
    default:
        return MS_E_IO;
    }
}

enum ms_store_result ms_store_file_run(struct ms_store_file *file, const char *text)
{
    return ms_store_file_result(file, sqlite3_exec(file->db, text, NULL, NULL, NULL));
}

struct ms_store_path ms_store_file_path(const struct ms_store_file *file, const char *suffix)
{
    struct ms_store_path path;

    snprintf(path.text, sizeof path.text, "%s%s", file->path, suffix);
    return path;
}

uint64_t ms_store_file_log_size(const struct ms_store_file *file)
{
    const struct ms_store_path path = ms_store_file_path(file, "-wal");
    struct stat log;

    return stat(path.text, &log) == 0 ? (uint64_t)log.st_size : 0;
}

static enum ms_store_result step(struct ms_store_file *file, enum ms_store_statement which)
{
    sqlite3_stmt *statement = file->statements[which];
    enum ms_store_result result = ms_store_file_result(file, sqlite3_step(statement));

    sqlite3_reset(statement);
    return result;
}

struct ms_uuid ms_store_file_id(const struct ms_store_file *file)
{
    return file->id;
}

static enum ms_store_result step_with(struct ms_store_file *file, enum ms_store_statement which,
                                      uint64_t key, const struct ms_bytes *value)
{
    sqlite3_stmt *statement = file->statements[which];

    sqlite3_bind_int64(statement, 1, (sqlite3_int64)key);
    if (value != NULL) {
        sqlite3_bind_blob64(statement, 2, value->data, value->size, SQLITE_STATIC);
    }
    return step(file, which);
}

enum ms_store_result ms_store_file_begin(struct ms_store_file *file)
{
    const enum ms_store_result result = step(file, MS_STORE_FILE_BEGIN);

    return result == MS_STORE_DONE && file->is_cycle_due
               ? step_with(file, MS_STORE_FILE_SET_CYCLE, file->end.cycle + 1, NULL)
               : result;
}

enum ms_store_result ms_store_file_put_old(struct ms_store_file *file, ms_seq seq,
                                           struct ms_bytes entry)
{
    return step_with(file, MS_STORE_FILE_PUT_OLD, seq, &entry);
}

enum ms_store_result ms_store_file_erase_old(struct ms_store_file *file, ms_seq seq,
                                             uint64_t *count_out)
{
    enum ms_store_result result = step_with(file, MS_STORE_FILE_ERASE_OLD, seq, NULL);

    if (result == MS_STORE_DONE) {
        *count_out += (uint64_t)sqlite3_changes(file->db);
    }
    return result;
}

enum ms_store_result ms_store_file_put_young(struct ms_store_file *file,
                                             const struct ms_store_batch *batch)
{
    return ms_store_file_result(file, ms_store_young_put(&file->young, batch));
}

enum ms_store_result ms_store_file_erase_all_young(struct ms_store_file *file)
{
    const enum ms_store_result result = step(file, MS_STORE_FILE_ERASE_ALL_YOUNG);

    if (result == MS_STORE_DONE) {
        ms_store_young_begin_anew(&file->young);
    }
    return result;
}

enum ms_store_result ms_store_file_erase_all_old(struct ms_store_file *file)
{
    return step(file, MS_STORE_FILE_ERASE_ALL_OLD);
}

/* A log that was moved begins anew, with other salts. */
static bool read_salts(struct ms_store_file *file)
{
    sqlite3_file *log = NULL;

    return sqlite3_file_control(file->db, NULL, SQLITE_FCNTL_JOURNAL_POINTER, &log) == SQLITE_OK &&
           log != NULL && log->pMethods != NULL &&
           log->pMethods->xRead(log, file->end.salts, sizeof file->end.salts, MS_STORE_LOG_SALTS) ==
               SQLITE_OK;
}

/* After the commit is on the disk, and not before. */
static void note_end(struct ms_store_file *file)
{
    if (file->is_cycle_due) {
        file->end.cycle++;
        file->is_cycle_due = !read_salts(file);
    }
    file->end.frames = (uint64_t)file->log_frames;
    if (!file->is_cycle_due) {
        ms_store_end_write(file->end_fd, &file->end);
    }
}

enum ms_store_result ms_store_file_commit(struct ms_store_file *file)
{
    const enum ms_store_result result = step(file, MS_STORE_FILE_COMMIT);

    if (result == MS_STORE_DONE) {
        ms_store_young_settle(&file->young, true);
        note_end(file);
    }
    return result;
}

/* After some errors SQLite has rolled back by itself; then there is nothing to do. */
void ms_store_file_rollback(struct ms_store_file *file)
{
    ms_store_young_settle(&file->young, false);
    if (sqlite3_get_autocommit(file->db) == 0) {
        sqlite3_step(file->statements[MS_STORE_FILE_ROLLBACK]);
        sqlite3_reset(file->statements[MS_STORE_FILE_ROLLBACK]);
    }
}

enum ms_store_result ms_store_file_walk_young(struct ms_store_file *file, ms_store_batch_fn fn,
                                              void *context)
{
    sqlite3_stmt *statement = file->statements[MS_STORE_FILE_WALK_YOUNG];
    const enum ms_store_result result =
        ms_store_file_result(file, ms_store_young_read(statement, fn, context));

    sqlite3_reset(statement);
    return result;
}

enum ms_store_result ms_store_file_walk_old(struct ms_store_file *file, ms_seq above,
                                            ms_store_row_fn fn, void *context)
{
    sqlite3_stmt *statement = file->statements[MS_STORE_FILE_WALK_OLD];
    enum ms_store_result result;
    bool goes_on = true;
    int code;

    sqlite3_bind_int64(statement, 1, above > INT64_MAX ? INT64_MAX : (sqlite3_int64)above);
    while ((code = sqlite3_step(statement)) == SQLITE_ROW && goes_on) {
        const uint8_t *data = sqlite3_column_blob(statement, 1);
        size_t size = (size_t)sqlite3_column_bytes(statement, 1);

        if (data == NULL && size > 0) {
            code = SQLITE_NOMEM;
            break;
        }
        goes_on =
            fn(context, (ms_seq)sqlite3_column_int64(statement, 0), (struct ms_bytes){data, size});
    }
    result = ms_store_file_result(file, code);
    sqlite3_reset(statement);
    return result;
}

bool ms_store_file_verify(struct ms_store_file *file, struct ms_complaint *complaint)
{
    sqlite3_stmt *statement = NULL;
    bool is_sound = false;

    if (sqlite3_prepare_v2(file->db, "PRAGMA quick_check(1)", -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
        const char *verdict = (const char *)sqlite3_column_text(statement, 0);

        is_sound = verdict != NULL && strcmp(verdict, "ok") == 0;
        if (!is_sound) {
            ms_complain(complaint, "%s is damaged: %s", file->path,
                        verdict == NULL ? "out of memory" : verdict);
        }
    } else {
        ms_complain(complaint, "%s: %s", file->path, sqlite3_errmsg(file->db));
    }
    sqlite3_finalize(statement);
    return is_sound;
}

size_t ms_store_file_log_bytes(const struct ms_store_file *file)
{
    return (size_t)file->log_frames * (file->page_size + FRAME_HEADER);
}

enum ms_store_result ms_store_file_checkpoint(struct ms_store_file *file)
{
    int left = 0, moved = 0;
    enum ms_store_result result = ms_store_file_result(
        file, sqlite3_wal_checkpoint_v2(file->db, NULL, SQLITE_CHECKPOINT_PASSIVE, &left, &moved));

    if (result == MS_STORE_DONE) {
        file->log_frames = left - moved;
        file->is_cycle_due = true;
    }
    return result;
}

static uint64_t read_pages(struct ms_store_file *file, enum ms_store_statement which)
{
    uint64_t pages = 0;

    if (sqlite3_step(file->statements[which]) == SQLITE_ROW) {
        pages = (uint64_t)sqlite3_column_int64(file->statements[which], 0);
    }
    sqlite3_reset(file->statements[which]);
    return pages;
}

void ms_store_file_sizes(struct ms_store_file *file, uint64_t *bytes_out, uint64_t *free_out)
{
    *bytes_out =
        read_pages(file, MS_STORE_FILE_PAGES) * file->page_size + ms_store_file_log_size(file);
    *free_out = read_pages(file, MS_STORE_FILE_FREE_PAGES) * file->page_size;
}
