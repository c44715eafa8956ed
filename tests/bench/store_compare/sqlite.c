#include "compare.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

enum statement { BEGIN, COMMIT, PUT, ERASE, YOUNG, META, CUT, STATEMENTS };

static const char *const texts[STATEMENTS] = {
    [BEGIN] = "BEGIN IMMEDIATE",
    [COMMIT] = "COMMIT",
    [PUT] = "INSERT INTO old VALUES(?,?)",
    [ERASE] = "DELETE FROM old WHERE seq=?",
    [YOUNG] = "REPLACE INTO young VALUES(?,?)",
    [META] = "UPDATE meta SET value=?",
    [CUT] = "DELETE FROM old WHERE seq BETWEEN ? AND ?",
};

struct store {
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENTS];
};

static const char *setting(const char *name, const char *otherwise)
{
    const char *value = getenv(name);

    return value == NULL ? otherwise : value;
}

static void must(sqlite3 *db, int rc, const char *what)
{
    if (rc != SQLITE_OK && rc != SQLITE_DONE && rc != SQLITE_ROW) {
        give_up(what, sqlite3_errmsg(db));
    }
}

static void run(sqlite3 *db, const char *text)
{
    must(db, sqlite3_exec(db, text, NULL, NULL, NULL), text);
}

static sqlite3 *open_file(const char *directory)
{
    char text[4096];
    sqlite3 *db;

    snprintf(text, sizeof text, "%s/store.db", directory);
    must(NULL,
         sqlite3_open_v2(text, &db,
                         SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL),
         "sqlite3_open_v2");
    snprintf(text, sizeof text,
             "PRAGMA page_size=%s; PRAGMA locking_mode=%s; PRAGMA journal_mode=WAL;"
             "PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=%s; PRAGMA cache_size=-32768",
             setting("PAGE_SIZE", "16384"), setting("LOCKING", "EXCLUSIVE"),
             setting("CHECKPOINT", "2000"));
    run(db, text);
    return db;
}

static void *store_open(const char *directory)
{
    struct store *store = calloc(1, sizeof *store);

    store->db = open_file(directory);
    run(store->db, "CREATE TABLE IF NOT EXISTS old(seq INTEGER PRIMARY KEY, entry BLOB);"
                   "CREATE TABLE IF NOT EXISTS young(slot INTEGER PRIMARY KEY, entries BLOB);"
                   "CREATE TABLE IF NOT EXISTS meta(key INTEGER PRIMARY KEY, value);"
                   "INSERT OR IGNORE INTO meta VALUES(0,0)");
    if (getenv("NO_PREFILL") == NULL) {
        /* A commit that overwrites its log is a third faster than one that makes it grow. */
        run(store->db, "INSERT INTO young VALUES(-1,zeroblob(33554432));"
                       "DELETE FROM young WHERE slot=-1; PRAGMA wal_checkpoint");
    }
    for (int i = 0; i < STATEMENTS; i++) {
        must(store->db,
             sqlite3_prepare_v3(store->db, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                                &store->statements[i], NULL),
             texts[i]);
    }
    return store;
}

static void step(struct store *store, enum statement which)
{
    must(store->db, sqlite3_step(store->statements[which]), texts[which]);
    must(store->db, sqlite3_reset(store->statements[which]), texts[which]);
}

static void put(struct store *store, enum statement which, uint64_t key, const uint8_t *data,
                size_t size)
{
    sqlite3_bind_int64(store->statements[which], 1, (sqlite3_int64)key);
    sqlite3_bind_blob64(store->statements[which], 2, data, size, SQLITE_STATIC);
    step(store, which);
}

static void store_commit(void *context, const struct change *change)
{
    struct store *store = context;

    step(store, BEGIN);
    for (size_t i = 0; i < change->puts_count; i++) {
        put(store, PUT, change->puts[i], change->entries + i * change->entry_size,
            change->entry_size);
    }
    for (size_t i = 0; i < change->erases_count; i++) {
        sqlite3_bind_int64(store->statements[ERASE], 1, (sqlite3_int64)change->erases[i]);
        step(store, ERASE);
    }
    if (change->blob != NULL) {
        put(store, YOUNG, change->slot, change->blob, change->blob_size);
    }
    if (change->meta != 0) {
        sqlite3_bind_int64(store->statements[META], 1, (sqlite3_int64)change->meta);
        step(store, META);
    }
    step(store, COMMIT);
}

static uint64_t store_scan(void *context)
{
    struct store *store = context;
    sqlite3_stmt *statement;
    uint64_t bytes = 0;

    must(store->db,
         sqlite3_prepare_v2(store->db, "SELECT entry FROM old UNION ALL SELECT entries FROM young",
                            -1, &statement, NULL),
         "scan");
    while (sqlite3_step(statement) == SQLITE_ROW) {
        const uint8_t *data = sqlite3_column_blob(statement, 0);
        size_t size = (size_t)sqlite3_column_bytes(statement, 0);

        for (size_t i = 0; i < size; i += 64) {
            bytes += data[i] & 0;
        }
        bytes += size;
    }
    sqlite3_finalize(statement);
    return bytes;
}

static void store_cut(void *context, uint64_t from, uint64_t to)
{
    struct store *store = context;

    sqlite3_bind_int64(store->statements[CUT], 1, (sqlite3_int64)from);
    sqlite3_bind_int64(store->statements[CUT], 2, (sqlite3_int64)to);
    step(store, CUT);
}

/* Wants LOCKING=NORMAL: an exclusive lock lets nobody else in. */
static void *view_open(void *context, const char *directory)
{
    sqlite3 *db = open_file(directory);

    (void)context;
    run(db, "BEGIN; SELECT count(*) FROM meta");
    return db;
}

static void view_close(void *view)
{
    sqlite3_close(view);
}

static void store_close(void *context)
{
    struct store *store = context;

    for (int i = 0; i < STATEMENTS; i++) {
        sqlite3_finalize(store->statements[i]);
    }
    sqlite3_close(store->db);
    free(store);
}

const struct candidate candidate_sqlite = {
    .name = "sqlite",
    .open = store_open,
    .commit = store_commit,
    .scan = store_scan,
    .cut = store_cut,
    .view_open = view_open,
    .view_close = view_close,
    .close = store_close,
};
