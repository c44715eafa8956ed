/* The log of young batches in its rows: rounds, bounds of segments, rolled back transactions, damage. */
#include <check.h>
#include <sqlite3.h>
#include <stdlib.h>

#include "core/io/store_ring.h"
#include "core/io/store_young.h"
#include "core/rng.h"

#define BYTES_MAX 20000
#define BATCHES   2000

static sqlite3 *db;
static sqlite3_stmt *make, *walk;
static struct ms_store_young young;
static uint8_t bytes[BYTES_MAX];

static void run(const char *sql)
{
    ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
}

static void set_up(void)
{
    ck_assert_int_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
    run("CREATE TABLE young(row INTEGER PRIMARY KEY, log BLOB)");
    sqlite3_prepare_v2(db, "REPLACE INTO young VALUES(?,?)", -1, &make, NULL);
    sqlite3_prepare_v2(db, "SELECT row, log FROM young", -1, &walk, NULL);
    ms_store_young_init(&young, db, make, BYTES_MAX);
}

static void tear_down(void)
{
    sqlite3_finalize(make);
    sqlite3_finalize(walk);
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

/* So many bytes, all of them the batch's number. */
static void put(uint64_t number, uint64_t first, size_t size)
{
    memset(bytes, (int)(number % 251), size);
    ck_assert_int_eq(
        ms_store_young_put(&young, &(struct ms_store_batch){number, first, {bytes, size}}),
        SQLITE_OK);
}

static void commit(uint64_t number, uint64_t first, size_t size)
{
    run("BEGIN");
    put(number, first, size);
    run("COMMIT");
    ms_store_young_settle(&young, true);
}

struct seen {
    uint64_t first, last;
    size_t sizes[MS_STORE_RING_SLOTS + 1];
    bool is_damaged;
};

static bool see(void *context, const struct ms_store_batch *batch)
{
    struct seen *seen = context;

    if (batch->entries.size == 1) {
        seen->is_damaged = true;
        return true;
    }
    if (seen->first == 0) {
        seen->first = batch->number;
    } else {
        ck_assert_uint_eq(batch->number, seen->last + 1);
    }
    seen->last = batch->number;
    seen->sizes[batch->number - seen->first] = batch->entries.size;
    memset(bytes, (int)(batch->number % 251), batch->entries.size);
    ck_assert_int_eq(memcmp(batch->entries.data, bytes, batch->entries.size), 0);
    return true;
}

static struct seen read_all(void)
{
    struct seen seen = {0};

    ck_assert_int_eq(ms_store_young_read(walk, see, &seen), SQLITE_DONE);
    sqlite3_reset(walk);
    return seen;
}

START_TEST(test_empty)
{
    struct seen seen = read_all();

    ck_assert_uint_eq(seen.first, 0);
    ck_assert(!seen.is_damaged);
}
END_TEST

/* As the store does: as many stay young as BYTES_MAX holds. */
START_TEST(test_many_rounds)
{
    size_t sizes[BATCHES + 1] = {0}, sum = 0;
    uint64_t first = 1;
    struct ms_rng rng;

    ms_rng_init(&rng, (uint64_t)_i + 1);
    for (uint64_t number = 1; number <= BATCHES; number++) {
        const bool is_large = ms_rng_next(&rng) % 16 == 0;

        sizes[number] = 2 + ms_rng_next(&rng) % (is_large ? BYTES_MAX - 2 : 300);
        for (sum += sizes[number]; sum > BYTES_MAX || number - first >= MS_STORE_RING_SLOTS;
             first++) {
            sum -= sizes[first];
        }
        while (first < number && ms_rng_next(&rng) % 8 == 0) { /* nothing lives in the oldest */
            sum -= sizes[first++];
        }
        commit(number, first, sizes[number]);
        if (number % 32 == 0 || number < 50) {
            const struct seen seen = read_all();

            ck_assert(!seen.is_damaged);
            ck_assert_uint_eq(seen.first, first);
            ck_assert_uint_eq(seen.last, number);
            for (uint64_t i = first; i <= number; i++) {
                ck_assert_uint_eq(seen.sizes[i - first], sizes[i]);
            }
        }
    }
}
END_TEST

/* What leaves at once leaves its row. */
START_TEST(test_few_rows_are_used)
{
    for (uint64_t number = 1; number <= 1000; number++) {
        commit(number, number > 3 ? number - 3 : 1, 700);
    }
    ck_assert_uint_le(young.committed.count, 4);
    commit(1001, 1001, 0);
    ck_assert_uint_eq(read_all().first, 1001);
    ck_assert_uint_eq(read_all().sizes[0], 0);
}
END_TEST

START_TEST(test_rolled_back_is_written_again)
{
    struct seen seen;

    commit(1, 1, 100);
    for (int i = 0; i < 3; i++) {
        run("BEGIN");
        put(2, 1, 5000); /* over the bounds of segments that are not there yet */
        run("ROLLBACK");
        ms_store_young_settle(&young, false);
        seen = read_all();
        ck_assert_uint_eq(seen.last, 1);
        ck_assert(!seen.is_damaged);
    }
    commit(2, 1, 4000);
    seen = read_all();
    ck_assert_uint_eq(seen.last, 2);
    ck_assert_uint_eq(seen.sizes[1], 4000);
}
END_TEST

static void flip(int at)
{
    sqlite3_blob *row = NULL;
    uint8_t byte;

    ck_assert_int_eq(sqlite3_blob_open(db, "main", "young", "log", 0, 1, &row), SQLITE_OK);
    ck_assert_int_eq(sqlite3_blob_read(row, &byte, 1, at), SQLITE_OK);
    byte ^= 0x10;
    ck_assert_int_eq(sqlite3_blob_write(row, &byte, 1, at), SQLITE_OK);
    sqlite3_blob_close(row);
}

/* A bit of any header makes the whole log damaged, and never shorter in silence. */
START_TEST(test_damage_is_seen)
{
    enum { BATCH = MS_STORE_YOUNG_HEADER + 40, COUNT = 4 };

    for (uint64_t number = 1; number <= COUNT; number++) {
        commit(number, 1, 40);
    }
    for (int at = 0; at < MS_STORE_YOUNG_HEADER; at++) {
        for (int header = -1; header <= COUNT; header++) {
            const int place = header < 0 ? at : MS_STORE_YOUNG_HEADER + header * BATCH + at;

            flip(place);
            ck_assert_msg(read_all().is_damaged, "byte %d of header %d", at, header);
            flip(place);
            ck_assert(!read_all().is_damaged);
        }
    }
}
END_TEST

START_TEST(test_missing_row_is_seen)
{
    commit(1, 1, 12000);
    ck_assert(!read_all().is_damaged);
    run("DELETE FROM young WHERE row=1");
    ck_assert(read_all().is_damaged);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("store_young");
    TCase *io = tcase_create("young");

    tcase_add_checked_fixture(io, set_up, tear_down);
    tcase_add_test(io, test_empty);
    tcase_add_loop_test(io, test_many_rounds, 0, 4);
    tcase_add_test(io, test_few_rows_are_used);
    tcase_add_test(io, test_rolled_back_is_written_again);
    tcase_add_test(io, test_damage_is_seen);
    tcase_add_test(io, test_missing_row_is_seen);
    tcase_set_timeout(io, 120);
    suite_add_tcase(all, io);
    return all;
}

int main(void)
{
    SRunner *runner = srunner_create(suite());
    int failed;

    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
