/* Opening the file of a store: settings, schema, what the log holds, and what an unclean end left. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/invariant.h"
#include "core/io/store_file_private.h"
#include "core/io/store_gather.h"
#include "core/io/store_log.h"

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

static const char *const texts[MS_STORE_FILE_STATEMENTS] = {
    [MS_STORE_FILE_BEGIN] = "BEGIN IMMEDIATE",
    [MS_STORE_FILE_COMMIT] = "COMMIT",
    [MS_STORE_FILE_ROLLBACK] = "ROLLBACK",
    [MS_STORE_FILE_PUT_OLD] = "INSERT INTO old VALUES(?,?)",
    [MS_STORE_FILE_ERASE_OLD] = "DELETE FROM old WHERE seq=?",
    [MS_STORE_FILE_MAKE_YOUNG] = "REPLACE INTO young VALUES(?,?)",
    [MS_STORE_FILE_SET_CYCLE] = "REPLACE INTO meta VALUES('cycle',?)",
    [MS_STORE_FILE_ERASE_ALL_YOUNG] = "DELETE FROM young",
    [MS_STORE_FILE_ERASE_ALL_OLD] = "DELETE FROM old",
    [MS_STORE_FILE_WALK_OLD] = "SELECT seq, entry FROM old WHERE seq>? ORDER BY seq",
    [MS_STORE_FILE_WALK_YOUNG] = "SELECT row, log FROM young",
    [MS_STORE_FILE_PAGES] = "PRAGMA page_count",
    [MS_STORE_FILE_FREE_PAGES] = "PRAGMA freelist_count",
};

static int on_commit(void *context, sqlite3 *db, const char *name, int frames)
{
    struct ms_store_file *file = context;

    (void)db;
    (void)name;
    file->log_frames = frames;
    return SQLITE_OK;
}

static enum ms_store_result prepare(struct ms_store_file *file)
{
    enum ms_store_result result = MS_STORE_DONE;

    for (int i = 0; i < MS_STORE_FILE_STATEMENTS && result == MS_STORE_DONE; i++) {
        result = ms_store_file_result(file, sqlite3_prepare_v3(file->db, texts[i], -1,
                                                               SQLITE_PREPARE_PERSISTENT,
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
    if (ms_store_file_log_size(file) >= log_size) {
        return result == MS_STORE_FAILED ? result : MS_STORE_DONE;
    }
    while (ms_store_file_log_bytes(file) < log_size && result == MS_STORE_DONE) {
        snprintf(text, sizeof text, "REPLACE INTO meta VALUES('filler',zeroblob(%zu))", piece++);
        result = ms_store_file_run(file, text);
    }
    if (result != MS_STORE_FAILED) {
        result = ms_store_file_run(file, "DELETE FROM meta WHERE key='filler'");
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
    ms_text_add_hex(&sentence, options->id.bytes, sizeof options->id.bytes);
    ms_text_add(&sentence, "'); COMMIT");
    ms_assert(!ms_text_is_cut(&sentence));
    return ms_store_file_run(file, text);
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
    return ms_store_file_result(file, code);
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
    return ms_store_file_result(file, code);
}

static enum ms_error refuse(struct ms_store_file *file, struct ms_complaint *complaint)
{
    ms_complain(complaint, "%s", file->failure);
    return ms_store_file_error(file);
}

/* Where the log that the end speaks of is not there, all that was in it must be in the database by now, and its cycle is. (So
 * is that when a crash came in the midst of moving it, and the log was lost after that: this is not noticed.) Else
 * SQLite must not touch the file: it may be whole with its log. */
static enum ms_error check_cycle(struct ms_store_file *file, bool has_end,
                                 struct ms_complaint *complaint)
{
    int64_t cycle = 0;

    if (read_number(file, "SELECT value FROM meta WHERE key='cycle'", &cycle) != MS_STORE_DONE) {
        return refuse(file, complaint);
    }
    if (!has_end && file->end.cycle > (uint64_t)cycle) {
        ms_complain(complaint,
                    "%s-wal is missing, or of another time, and commits that were acknowledged "
                    "are in it: bring it back, or remove %s-end to go on without them",
                    file->path, file->path);
        sqlite3_db_config(file->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        file->code = SQLITE_CORRUPT;
        file->is_refused = true;
        return MS_E_STORE_CORRUPT;
    }
    file->end.cycle = (uint64_t)cycle;
    file->is_cycle_due = true;
    return MS_E_OK;
}

/* Makes the tables of a new file, or finds out whether this program understands an old one. */
static enum ms_error open_tables(struct ms_store_file *file,
                                 const struct ms_store_file_options *options, bool has_end,
                                 struct ms_complaint *complaint)
{
    enum ms_error error;
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
    error = check_cycle(file, has_end, complaint);
    if (error != MS_E_OK) {
        return error;
    }
    ms_store_young_init(&file->young, file->db, file->statements[MS_STORE_FILE_MAKE_YOUNG],
                        options->young_size);
    if ((!file->is_read_only && grow_log(file, options->log_size) != MS_STORE_DONE)) {
        return refuse(file, complaint);
    }
    return MS_E_OK;
}

/* A database is never empty once it has a log, or an end of one. SQLite would begin a new one, and drop the log; a visitor
 * must not make even that. */
static enum ms_error check_database(const struct ms_store_file *file,
                                    struct ms_complaint *complaint)
{
    struct stat database;
    const bool is_empty = stat(file->path, &database) != 0 || database.st_size == 0;

    if (is_empty &&
        (file->end.cycle > 0 || ms_store_log_is_there(ms_store_file_path(file, "-wal").text))) {
        ms_complain(complaint,
                    "%s is missing or empty, and what was acknowledged was in it: bring it back",
                    file->path);
        return MS_E_STORE_CORRUPT;
    }
    if (is_empty && file->is_read_only) {
        ms_complain(complaint, "%s: there is no store in it", file->path);
        return MS_E_STORE_CORRUPT;
    }
    return MS_E_OK;
}

static enum ms_error open_database(struct ms_store_file *file,
                                   const struct ms_store_file_options *options,
                                   struct ms_complaint *complaint)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    int keep = 1;
    bool has_end;
    char text[128];
    enum ms_error error;

    file->end_fd =
        ms_store_end_open(ms_store_file_path(file, "-end").text, options->is_read_only, &file->end);
    error = check_database(file, complaint);
    if (error != MS_E_OK) {
        return error;
    }
    file->has_log = access(ms_store_file_path(file, "-wal").text, F_OK) == 0;
    error =
        ms_store_log_verify(ms_store_file_path(file, "-wal").text, &file->end, &has_end, complaint);
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
    if (ms_store_file_run(file, SETTINGS) != MS_STORE_DONE ||
        ms_store_file_run(file, text) != MS_STORE_DONE) {
        return refuse(file, complaint);
    }
    sqlite3_wal_hook(file->db, on_commit, file); /* the settings would take it away */
    if (options->is_read_only) {
        sqlite3_db_config(file->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    }
    return open_tables(file, options, has_end, complaint);
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
    file->end_fd = -1;
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
        ms_store_file_run(
            file, "PRAGMA journal_size_limit=-1"); /* or closing would cut the log to nothing */
    }
    for (int i = 0; i < MS_STORE_FILE_STATEMENTS; i++) {
        sqlite3_finalize(file->statements[i]);
    }
    is_clean = sqlite3_close(file->db) == SQLITE_OK && is_clean;
    if ((file->is_read_only || file->is_refused) && !file->has_log &&
        ms_store_file_log_size(file) == 0) {
        (void)unlink(ms_store_file_path(file, "-wal").text); /* SQLite has made it */
    }
    if (file->end_fd >= 0) {
        close(file->end_fd);
    }
    free(file);
    return is_clean;
}
