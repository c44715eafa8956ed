#include "compare.h"

#include <lmdb.h>
#include <stdlib.h>

#define MAP_SIZE ((size_t)32 << 30)

struct store {
    MDB_env *env;
    MDB_dbi old, young, meta;
};

static void must(int rc, const char *what)
{
    if (rc != MDB_SUCCESS) {
        give_up(what, mdb_strerror(rc));
    }
}

static void *store_open(const char *directory)
{
    struct store *store = calloc(1, sizeof *store);
    MDB_txn *txn;

    must(mdb_env_create(&store->env), "mdb_env_create");
    must(mdb_env_set_mapsize(store->env, MAP_SIZE), "mdb_env_set_mapsize");
    must(mdb_env_set_maxdbs(store->env, 3), "mdb_env_set_maxdbs");
    must(mdb_env_open(store->env, directory, MDB_NOTLS, 0600), "mdb_env_open");
    must(mdb_txn_begin(store->env, NULL, 0, &txn), "mdb_txn_begin");
    must(mdb_dbi_open(txn, "old", MDB_CREATE | MDB_INTEGERKEY, &store->old), "old");
    must(mdb_dbi_open(txn, "young", MDB_CREATE | MDB_INTEGERKEY, &store->young), "young");
    must(mdb_dbi_open(txn, "meta", MDB_CREATE | MDB_INTEGERKEY, &store->meta), "meta");
    must(mdb_txn_commit(txn), "mdb_txn_commit");
    return store;
}

static void put(MDB_txn *txn, MDB_dbi dbi, uint64_t key, struct MDB_val value)
{
    MDB_val k = {sizeof key, &key};

    must(mdb_put(txn, dbi, &k, &value, 0), "mdb_put");
}

static void store_commit(void *context, const struct change *change)
{
    struct store *store = context;
    MDB_txn *txn;

    must(mdb_txn_begin(store->env, NULL, 0, &txn), "mdb_txn_begin");
    for (size_t i = 0; i < change->puts_count; i++) {
        put(txn, store->old, change->puts[i],
            (MDB_val){change->entry_size, (void *)(change->entries + i * change->entry_size)});
    }
    for (size_t i = 0; i < change->erases_count; i++) {
        uint64_t key = change->erases[i];
        MDB_val k = {sizeof key, &key};

        must(mdb_del(txn, store->old, &k, NULL), "mdb_del");
    }
    if (change->blob != NULL) {
        put(txn, store->young, change->slot, (MDB_val){change->blob_size, (void *)change->blob});
    }
    if (change->meta != 0) {
        uint64_t meta = change->meta;

        put(txn, store->meta, 0, (MDB_val){sizeof meta, &meta});
    }
    must(mdb_txn_commit(txn), "mdb_txn_commit");
}

static uint64_t scan_one(MDB_txn *txn, MDB_dbi dbi)
{
    MDB_cursor *cursor;
    MDB_val key, value;
    uint64_t bytes = 0;

    must(mdb_cursor_open(txn, dbi, &cursor), "mdb_cursor_open");
    while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == MDB_SUCCESS) {
        for (size_t i = 0; i < value.mv_size; i += 64) {
            bytes += ((const uint8_t *)value.mv_data)[i] & 0;
        }
        bytes += value.mv_size;
    }
    mdb_cursor_close(cursor);
    return bytes;
}

static uint64_t store_scan(void *context)
{
    struct store *store = context;
    MDB_txn *txn;
    uint64_t bytes;

    must(mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn), "mdb_txn_begin");
    bytes = scan_one(txn, store->old) + scan_one(txn, store->young);
    mdb_txn_abort(txn);
    return bytes;
}

static void store_cut(void *context, uint64_t from, uint64_t to)
{
    struct store *store = context;
    MDB_txn *txn;
    MDB_cursor *cursor;
    MDB_val key = {sizeof from, &from}, value;
    int rc;

    must(mdb_txn_begin(store->env, NULL, 0, &txn), "mdb_txn_begin");
    must(mdb_cursor_open(txn, store->old, &cursor), "mdb_cursor_open");
    rc = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
    while (rc == MDB_SUCCESS && *(const uint64_t *)key.mv_data <= to) {
        must(mdb_cursor_del(cursor, 0), "mdb_cursor_del");
        rc = mdb_cursor_get(cursor, &key, &value, MDB_GET_CURRENT);
    }
    mdb_cursor_close(cursor);
    must(mdb_txn_commit(txn), "mdb_txn_commit");
}

static void *view_open(void *context, const char *directory)
{
    struct store *store = context;
    MDB_txn *txn;

    (void)directory;
    must(mdb_txn_begin(store->env, NULL, MDB_RDONLY, &txn), "mdb_txn_begin");
    (void)scan_one(txn, store->meta);
    return txn;
}

static void view_close(void *view)
{
    mdb_txn_abort(view);
}

static void store_close(void *context)
{
    struct store *store = context;

    mdb_env_close(store->env);
    free(store);
}

const struct candidate candidate_lmdb = {
    .name = "lmdb",
    .open = store_open,
    .commit = store_commit,
    .scan = store_scan,
    .cut = store_cut,
    .view_open = view_open,
    .view_close = view_close,
    .close = store_close,
};
