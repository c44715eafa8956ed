#include "core/io/store_file.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "core/invariant.h"
#include "core/io/store_gather.h"
#include "core/io/store_log.h"

#define PATH_SIZE    4096
#define FRAME_HEADER 24 /* of a page in the log */

/* A checkpoint is asked for by the store's thread, when nobody waits for it. An exclusive lock spares the
 * shared memory of the log's index. Nothing is spilled: a transaction that was not committed leaves the
 * files alone. What is erased is not overwritten, as some systems would have it: erasing must take no room. The
 * size of a page is that of a new file; a small commit is one page, so a small one makes it short. */
#define SETTINGS                                                                                   \
    "PRAGMA page_size=4096; PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL;"               \
    "PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0; PRAGMA cache_size=-16384;"              \
    "PRAGMA cache_spill=OFF; PRAGMA cell_size_check=ON; PRAGMA temp_store=MEMORY;"                 \
    "PRAGMA secure_delete=OFF;"

#define SCHEMA                                                                                     \
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;"                                \
    "CREATE TABLE old(seq INTEGER PRIMARY KEY, entry BLOB);"                                       \
    "CREATE TABLE young(row INTEGER PRIMARY KEY, log BLOB);"

enum statement {
    BEGIN,
    COMMIT,
    ROLLBACK,
    PUT_OLD,
    ERASE_OLD,
    MAKE_YOUNG,
    ERASE_ALL_YOUNG,
    ERASE_ALL_OLD,
    WALK_OLD,
    WALK_YOUNG,
    PAGES,
    FREE_PAGES,
    STATEMENTS,
};

static const char *const texts[STATEMENTS] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",
    [PUT_OLD] = "INSERT INTO old VALUES(?,?)",
    [ERASE_OLD] = "DELETE FROM old WHERE seq=?",
    [MAKE_YOUNG] = "REPLACE INTO young VALUES(?,?)",
    [ERASE_ALL_YOUNG] = "DELETE FROM young",
    [ERASE_ALL_OLD] = "DELETE FROM old",
    [WALK_OLD] = "SELECT seq, entry FROM old WHERE seq>? ORDER BY seq",
    [WALK_YOUNG] = "SELECT row, log FROM young",
    [PAGES] = "PRAGMA page_count",
    [FREE_PAGES] = "PRAGMA freelist_count",
};

struct ms_store_file {
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENTS];
    struct ms_store_young young;
    struct ms_uuid id;
    bool is_read_only;
    uint64_t page_size;
    int log_frames;
    int code; /* of SQLite, with failure: of the last result that was not DONE */
    char failure[MS_COMPLAINT_MAX];
    char path[PATH_SIZE];
};

static int on_commit(void *context, sqlite3 *db, const char *name, int frames)
{
    struct ms_store_file *file = context;

    (void)db;
    (void)name;
    file->log_frames = frames;
    return SQLITE_OK;
}

/* SQLITE_FULL is a failed write for want of space, and nothing else; a sync that reports the same is an
 * error of input and output, so it is final. */
static enum ms_store_result result_of(struct ms_store_file *file, int code)
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

static enum ms_store_result run(struct ms_store_file *file, const char *text)
{
    return result_of(file, sqlite3_exec(file->db, text, NULL, NULL, NULL));
}

static uint64_t log_file_size(const struct ms_store_file *file)
{
    char path[PATH_SIZE + 8];
    struct stat log;

    snprintf(path, sizeof path, "%s-wal", file->path);
    return stat(path, &log) == 0 ? (uint64_t)log.st_size : 0;
}

static enum ms_store_result step(struct ms_store_file *file, enum statement which)
{
    sqlite3_stmt *statement = file->statements[which];
    enum ms_store_result result = result_of(file, sqlite3_step(statement));

    sqlite3_reset(statement);
    return result;
}

static enum ms_store_result prepare(struct ms_store_file *file)
{
    enum ms_store_result result = MS_STORE_DONE;

    for (int i = 0; i < STATEMENTS && result == MS_STORE_DONE; i++) {
        result =
            result_of(file, sqlite3_prepare_v3(file->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                                               &file->statements[i], NULL));
    }
    return result;
}

/* A commit that overwrites its log is a third faster than one that lets it grow, so a log that is shorter
 * than it will be before a checkpoint is grown at once. The filler is taken away again, now or, after a
 * crash, at the next opening; the pages that it had are used by young batches later. */
static enum ms_store_result grow_log(struct ms_store_file *file, size_t log_size)
{
    enum ms_store_result result;
    size_t piece = log_size / 8;
    char text[128];

    /* What a torn transaction left behind is of another life: the next commit begins a new log. */
    result = ms_store_file_checkpoint(file);
    if (log_file_size(file) >= log_size) {
        return result == MS_STORE_FAILED ? result : MS_STORE_DONE;
    }
    while (ms_store_file_log_bytes(file) < log_size && result == MS_STORE_DONE) {
        snprintf(text, sizeof text, "REPLACE INTO meta VALUES('filler',zeroblob(%zu))", piece++);
        result = run(file, text);
    }
    if (result != MS_STORE_FAILED) {
        result = run(file, "DELETE FROM meta WHERE key='filler'");
    }
    if (result == MS_STORE_DONE) {
        result = ms_store_file_checkpoint(file);
    }
    return result == MS_STORE_FAILED ? result : MS_STORE_DONE; /* full: it is only slower */
}

/* The schema comes in one transaction: a crash leaves a whole store or none. */
static enum ms_store_result make_schema(struct ms_store_file *file,
                                        const struct ms_store_file_options *options)
{
    char text[1024];
    struct ms_text sentence;

    ms_text_init(&sentence, text, sizeof text);
    ms_text_add(&sentence,
                "BEGIN IMMEDIATE; " SCHEMA
                "INSERT INTO meta VALUES('format',%d); INSERT INTO meta VALUES('id',x'",
                MS_STORE_FORMAT);
    for (size_t i = 0; i < sizeof options->id.bytes; i++) {
        ms_text_add(&sentence, "%02x", options->id.bytes[i]);
    }
    ms_text_add(&sentence, "'); COMMIT");
    ms_assert(!ms_text_is_cut(&sentence));
    return run(file, text);
}

/* One value of a statement without parameters; 0 rows leave *value_out alone. */
static enum ms_store_result read_number(struct ms_store_file *file, const char *text,
                                        int64_t *value_out)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(file->db, text, -1, &statement, NULL);

    if (code == SQLITE_OK) {
        code = sqlite3_step(statement);
    }
    if (code == SQLITE_ROW) {
        *value_out = sqlite3_column_int64(statement, 0);
    }
    sqlite3_finalize(statement);
    return result_of(file, code);
}

static enum ms_store_result read_id(struct ms_store_file *file)
{
    sqlite3_stmt *statement = NULL;
    int code =
        sqlite3_prepare_v2(file->db, "SELECT value FROM meta WHERE key='id'", -1, &statement, NULL);

    if (code == SQLITE_OK) {
        code = sqlite3_step(statement);
    }
    if (code == SQLITE_ROW && sqlite3_column_bytes(statement, 0) == (int)sizeof file->id.bytes) {
        memcpy(file->id.bytes, sqlite3_column_blob(statement, 0), sizeof file->id.bytes);
    }
    sqlite3_finalize(statement);
    return result_of(file, code);
}

static enum ms_error refuse(struct ms_store_file *file, struct ms_complaint *complaint)
{
    ms_complain(complaint, "%s", file->failure);
    return ms_store_file_error(file);
}

/* Makes the tables of a new file, or finds out whether this program understands an old one. */
static enum ms_error open_tables(struct ms_store_file *file,
                                 const struct ms_store_file_options *options,
                                 struct ms_complaint *complaint)
{
    int64_t tables = 0, format = 0, page_size = 0;
    bool is_new;

    if (read_number(file, "SELECT count(*) FROM sqlite_master", &tables) != MS_STORE_DONE) {
        return refuse(file, complaint);
    }
    is_new = tables == 0;
    if (is_new && options->is_read_only) {
        ms_complain(complaint, "%s: there is no store in it", file->path);
        return MS_E_STORE_CORRUPT;
    }
    if (is_new && make_schema(file, options) != MS_STORE_DONE) {
        return refuse(file, complaint);
    }
    if (read_number(file, "SELECT value FROM meta WHERE key='format'", &format) != MS_STORE_DONE) {
        return refuse(file, complaint);
    }
    if (format != MS_STORE_FORMAT) {
        ms_complain(complaint, "%s has format %lld, this program knows format %d only", file->path,
                    (long long)format, MS_STORE_FORMAT);
        return MS_E_VERSION;
    }
    if (read_number(file, "PRAGMA page_size", &page_size) != MS_STORE_DONE ||
        read_id(file) != MS_STORE_DONE || prepare(file) != MS_STORE_DONE) {
        return refuse(file, complaint);
    }
    file->page_size = (uint64_t)page_size;
    ms_store_young_init(&file->young, file->db, file->statements[MAKE_YOUNG], options->young_size);
    if ((!file->is_read_only && grow_log(file, options->log_size) != MS_STORE_DONE)) {
        return refuse(file, complaint);
    }
    return MS_E_OK;
}

static enum ms_error open_database(struct ms_store_file *file,
                                   const struct ms_store_file_options *options,
                                   struct ms_complaint *complaint)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    int keep = 1;
    char text[128], log[PATH_SIZE + 8];
    enum ms_error error;

    snprintf(log, sizeof log, "%s-wal", file->path);
    error = ms_store_log_verify(log, complaint);
    if (error != MS_E_OK) {
        return error;
    }
    if (!options->is_read_only) {
        flags |= SQLITE_OPEN_CREATE;
    }
    if (sqlite3_open_v2(file->path, &file->db, flags, ms_store_gather_vfs()) != SQLITE_OK) {
        ms_complain(complaint, "%s: %s", file->path,
                    file->db == NULL ? "out of memory" : sqlite3_errmsg(file->db));
        return MS_E_IO;
    }
    /* The log keeps its length over a close, and returns to it after a large transaction. */
    sqlite3_file_control(file->db, NULL, SQLITE_FCNTL_PERSIST_WAL, &keep);
    snprintf(text, sizeof text, "PRAGMA journal_size_limit=%zu", options->log_size * 2);
    if (run(file, SETTINGS) != MS_STORE_DONE || run(file, text) != MS_STORE_DONE) {
        return refuse(file, complaint);
    }
    sqlite3_wal_hook(file->db, on_commit, file); /* the settings would take it away */
    if (options->is_read_only) {
        sqlite3_db_config(file->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    }
    return open_tables(file, options, complaint);
}

struct ms_store_file *ms_store_file_open(const struct ms_store_file_options *options,
                                         enum ms_error *error_out, struct ms_complaint *complaint)
{
    struct ms_store_file *file = calloc(1, sizeof *file);
    struct ms_text path;
    enum ms_error error;

    if (file == NULL) {
        ms_complain(complaint, "%s: out of memory", options->directory);
        *error_out = MS_E_NO_MEMORY;
        return NULL;
    }
    /* Counting its memory costs SQLite a lock per allocation. Refused, rightly, when it already runs. */
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    file->is_read_only = options->is_read_only;
    ms_text_init(&path, file->path, sizeof file->path);
    ms_text_add(&path, "%s/%s", options->directory,
                options->name != NULL ? options->name : MS_STORE_FILE_NAME);
    if (ms_text_is_cut(&path)) {
        ms_complain(complaint, "the path of the data directory is too long");
        error = MS_E_BAD_ARGUMENT;
    } else {
        error = open_database(file, options, complaint);
    }
    if (error != MS_E_OK) {
        ms_store_file_close(file);
        *error_out = error;
        return NULL;
    }
    return file;
}

bool ms_store_file_close(struct ms_store_file *file)
{
    bool is_clean = true;

    if (file == NULL) {
        return true;
    }
    /* What a read-only visitor did in memory is undone by closing. */
    if (file->db != NULL && !file->is_read_only && file->code == SQLITE_OK) {
        /* When the disk is full, everything stays in the log. */
        is_clean = ms_store_file_checkpoint(file) != MS_STORE_FAILED;
        run(file, "PRAGMA journal_size_limit=-1"); /* or closing would cut the log to nothing */
    }
    for (int i = 0; i < STATEMENTS; i++) {
        sqlite3_finalize(file->statements[i]);
    }
    is_clean = sqlite3_close(file->db) == SQLITE_OK && is_clean;
    free(file);
    return is_clean;
}

struct ms_uuid ms_store_file_id(const struct ms_store_file *file)
{
    return file->id;
}

enum ms_store_result ms_store_file_begin(struct ms_store_file *file)
{
    return step(file, BEGIN);
}

static enum ms_store_result step_with(struct ms_store_file *file, enum statement which,
                                      uint64_t key, const struct ms_bytes *value)
{
    sqlite3_stmt *statement = file->statements[which];

    sqlite3_bind_int64(statement, 1, (sqlite3_int64)key);
    if (value != NULL) {
        sqlite3_bind_blob64(statement, 2, value->data, value->size, SQLITE_STATIC);
    }
    return step(file, which);
}

enum ms_store_result ms_store_file_put_old(struct ms_store_file *file, ms_seq seq,
                                           struct ms_bytes entry)
{
    return step_with(file, PUT_OLD, seq, &entry);
}

enum ms_store_result ms_store_file_erase_old(struct ms_store_file *file, ms_seq seq,
                                             uint64_t *count_out)
{
    enum ms_store_result result = step_with(file, ERASE_OLD, seq, NULL);

    if (result == MS_STORE_DONE) {
        *count_out += (uint64_t)sqlite3_changes(file->db);
    }
    return result;
}

enum ms_store_result ms_store_file_put_young(struct ms_store_file *file,
                                             const struct ms_store_batch *batch)
{
    return result_of(file, ms_store_young_put(&file->young, batch));
}

enum ms_store_result ms_store_file_erase_all_young(struct ms_store_file *file)
{
    const enum ms_store_result result = step(file, ERASE_ALL_YOUNG);

    if (result == MS_STORE_DONE) {
        ms_store_young_begin_anew(&file->young);
    }
    return result;
}

enum ms_store_result ms_store_file_erase_all_old(struct ms_store_file *file)
{
    return step(file, ERASE_ALL_OLD);
}

enum ms_store_result ms_store_file_commit(struct ms_store_file *file)
{
    const enum ms_store_result result = step(file, COMMIT);

    if (result == MS_STORE_DONE) {
        ms_store_young_settle(&file->young, true);
    }
    return result;
}

/* After some errors SQLite has rolled back by itself; then there is nothing to do. */
void ms_store_file_rollback(struct ms_store_file *file)
{
    ms_store_young_settle(&file->young, false);
    if (sqlite3_get_autocommit(file->db) == 0) {
        sqlite3_step(file->statements[ROLLBACK]);
        sqlite3_reset(file->statements[ROLLBACK]);
    }
}

enum ms_store_result ms_store_file_walk_young(struct ms_store_file *file, ms_store_batch_fn fn,
                                              void *context)
{
    sqlite3_stmt *statement = file->statements[WALK_YOUNG];
    const enum ms_store_result result =
        result_of(file, ms_store_young_read(statement, fn, context));

    sqlite3_reset(statement);
    return result;
}

enum ms_store_result ms_store_file_walk_old(struct ms_store_file *file, ms_seq above,
                                            ms_store_row_fn fn, void *context)
{
    sqlite3_stmt *statement = file->statements[WALK_OLD];
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
    result = result_of(file, code);
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
    enum ms_store_result result = result_of(
        file, sqlite3_wal_checkpoint_v2(file->db, NULL, SQLITE_CHECKPOINT_PASSIVE, &left, &moved));

    if (result == MS_STORE_DONE) {
        file->log_frames = left - moved;
    }
    return result;
}

static uint64_t read_pages(struct ms_store_file *file, enum statement which)
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
    *bytes_out = read_pages(file, PAGES) * file->page_size + log_file_size(file);
    *free_out = read_pages(file, FREE_PAGES) * file->page_size;
}
