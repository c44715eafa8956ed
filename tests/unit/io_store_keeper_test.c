/* Windows into the file: young batches, what survives them, and what a crash leaves. */
#include <check.h>
#include <fcntl.h>
#include <sqlite3.h>

#include "core/io/store_keeper.h"
#include "io_store_entries.h"

#define RING_MAX (16u << 10)

static struct place place;
static struct ms_store_keeper keeper;
static struct entries entries;
static struct ms_complaint complaint;

static enum ms_error open_keeper(bool is_read_only)
{
    struct ms_store_options options = {.size = sizeof options,
                                       .directory = place.data,
                                       .bytes_max = 64u << 20,
                                       .is_read_only = is_read_only};
    enum ms_error error;

    keeper = (struct ms_store_keeper){0};
    error = ms_store_keeper_open(&keeper, &options, &complaint);
    keeper.ring_max = RING_MAX;
    return error;
}

static void set_up(void)
{
    place_make(&place);
    ck_assert_int_eq(open_keeper(false), MS_E_OK);
}

static void tear_down(void)
{
    ms_store_keeper_close(&keeper);
    entries_finish(&entries);
    place_remove(&place);
}

static void commit(void)
{
    struct ms_store_window *window = ms_store_window_create(), *spare = NULL;
    struct ms_store_plan plan;

    ms_store_window_add(window, entries.seq, entries_take(&entries));
    ms_store_keeper_plan(&keeper, window, &plan);
    ck_assert_int_eq(ms_store_keeper_carry_out(&keeper, &plan, &spare), MS_STORE_DONE);
    ck_assert_int_eq(ms_store_keeper_tidy(&keeper, false), MS_STORE_DONE);
    ms_store_window_destroy(spare);
}

/* Every number that lives, in a bitmap of small numbers. */
static bool mark(void *context, ms_seq seq, struct ms_bytes entry)
{
    uint8_t *marks = context;

    entries_check(seq, entry, 64);
    ck_assert_uint_lt(seq, 4096);
    ck_assert(seq == 0 || marks[4095] == 0 || seq > marks[4095]);
    marks[seq] = 1;
    return true;
}

/* Closes, opens and compares with what must live. */
static void check_lives(const uint8_t *expected)
{
    uint8_t marks[4096] = {0};

    ck_assert(ms_store_keeper_close(&keeper));
    ck_assert_int_eq(open_keeper(false), MS_E_OK);
    ck_assert_int_eq(ms_store_keeper_replay(&keeper, mark, marks, &complaint), MS_E_OK);
    for (size_t seq = 0; seq < sizeof marks; seq++) {
        ck_assert_msg(marks[seq] == expected[seq], "record %zu: %d, expected %d", seq, marks[seq],
                      expected[seq]);
    }
}

START_TEST(test_lives_over_a_reopen)
{
    uint8_t lives[4096] = {0};

    for (ms_seq seq = 1; seq <= 10; seq++) {
        entries_put(&entries, seq);
        lives[seq] = 1;
    }
    commit();
    entries_erase(&entries, 4);
    lives[4] = 0;
    commit();
    ck_assert_uint_eq(keeper.records, 9);
    check_lives(lives);
    ck_assert_uint_eq(keeper.records, 9);
    entries_erase(&entries, 5); /* an old one now */
    lives[5] = 0;
    commit();
    ck_assert_uint_eq(keeper.records, 8);
    check_lives(lives);
}
END_TEST

/* In the order of their puts, against it, every third, twice the same, and back and forth between batches. */
START_TEST(test_young_records_are_erased_in_any_order)
{
    uint8_t lives[4096] = {0};
    ms_seq erased = 0;

    for (ms_seq seq = 1; seq <= 200; seq++) {
        entries_put(&entries, seq);
        lives[seq] = 1;
        if (seq % 100 == 0) {
            commit();
        }
    }
    const struct {
        ms_seq first, count;
        int64_t step;
    } runs[] = {{1, 20, 1}, {60, 20, -1}, {61, 10, 3}, {61, 10, 3}, {95, 10, 1}, {30, 5, 40}};
    for (size_t run = 0; run < sizeof runs / sizeof runs[0]; run++) {
        for (ms_seq i = 0; i < runs[run].count; i++) {
            const ms_seq seq = runs[run].first + i * (ms_seq)runs[run].step;

            entries_erase(&entries, seq);
            erased += lives[seq];
            lives[seq] = 0;
        }
    }
    entries_put(&entries, 201);
    lives[201] = 1;
    commit();
    ck_assert_uint_eq(keeper.records, 201 - erased);
    check_lives(lives);
}
END_TEST

START_TEST(test_nothing_to_write_is_no_commit)
{
    uint64_t commits = keeper.commits_total;

    entries_put(&entries, 1);
    entries_erase(&entries, 1);
    commit();
    ck_assert_uint_eq(keeper.commits_total, commits);
    ck_assert_uint_eq(keeper.unwritten_total, 1);
}
END_TEST

/* Numbers come and go at all ages, over many rings, with reopenings in between. */
START_TEST(test_model)
{
    uint8_t lives[4096] = {0};
    uint32_t random = (uint32_t)_i * 7919 + 1;
    ms_seq seq = 0;

    while (seq < 4000) {
        const uint32_t puts = (random = random * 1664525 + 1013904223) >> 25;
        const uint32_t erases = (random = random * 1664525 + 1013904223) >> 26;

        for (uint32_t i = 0; i < puts && seq < 4000; i++) {
            entries_put(&entries, ++seq);
            lives[seq] = 1;
        }
        for (uint32_t i = 0; i < erases && seq > 0; i++) {
            random = random * 1664525 + 1013904223;
            ms_seq victim = (random & 1) ? seq - (random >> 8) % (seq < 50 ? seq : 50)
                                         : 1 + (random >> 8) % seq;

            if (lives[victim]) {
                entries_erase(&entries, victim);
                lives[victim] = 0;
            }
        }
        commit();
        if ((random >> 20) % 40 == 0) {
            check_lives(lives);
        }
    }
    check_lives(lives);
}
END_TEST

/* The same without a reopening: what a walk finds, young and old. */
static void check_walk(const uint8_t *expected)
{
    uint8_t marks[4096] = {0};
    struct ms_store_piece piece = {0};
    ms_seq above = 0;
    size_t found = 0, live = 0;

    ck_assert_int_eq(ms_store_keeper_replay(&keeper, mark, marks, &complaint), MS_E_OK);
    ck_assert_mem_eq(marks, expected, sizeof marks);
    do {
        struct ms_entry entry;

        ck_assert_int_eq(ms_store_keeper_scan(&keeper, above, 1000, &piece, &complaint), MS_E_OK);
        for (struct ms_bytes rest = {piece.bytes, piece.size}; rest.size > 0; found++) {
            ck_assert(ms_record_next(&rest, &entry));
            ck_assert(expected[entry.seq]);
        }
        above = piece.last;
    } while (above != 0);
    for (size_t seq = 0; seq < sizeof marks; seq++) {
        live += expected[seq];
    }
    ck_assert_uint_eq(found, live);
    ck_assert_uint_eq(keeper.records, live);
}

/* A follower's life: numbers with gaps, erases of what never was there or is gone, and from time to time a new reign
 * that numbers on from the highest that lives. */
START_TEST(test_model_of_a_follower)
{
    uint8_t lives[4096] = {0};
    uint32_t random = (uint32_t)_i * 104729 + 7;
    ms_seq seq = 0;

    for (int window = 0; window < 1500 && seq < 3900; window++) {
        const uint32_t kind = (random = random * 1664525 + 1013904223) >> 27;

        if (kind == 0) {
            for (ms_seq i = 0; i < 12 && i < seq; i++) {
                entries_erase(&entries, seq - i);
                lives[seq - i] = 0;
            }
            for (seq = sizeof lives - 1; seq > 0 && !lives[seq]; seq--) {
            }
            entries.seq = seq == 0 ? 1 : seq;
        }
        for (uint32_t i = 0; i < (kind == 0 ? 8 : kind); i++) {
            random = random * 1664525 + 1013904223;
            ms_seq victim = (random >> 9) % (seq + 20) + 1;

            if ((random >> 5) % 3 == 0) {
                seq += (random >> 7) % 4 == 0 ? 2 : 1;
                entries_put(&entries, seq);
                lives[seq] = 1;
            } else if (victim < sizeof lives) {
                victim = (random & 16) && seq > 30 ? seq - victim % 30 : victim;
                entries_erase(&entries, victim);
                lives[victim] = 0;
            }
        }
        commit();
        if (window % 50 == 0) {
            check_walk(lives);
        }
        if (window % 230 == 229) {
            check_lives(lives);
        }
    }
    check_walk(lives);
    check_lives(lives);
}
END_TEST

/* Whichever way the former bearer of a number went, the next one is erased for good. */
START_TEST(test_numbers_come_again_in_one_life)
{
    uint8_t lives[4096] = {0};

    entries_put(&entries, 1);
    lives[1] = 1;
    commit();
    for (int round = 0; round < 20; round++) {
        const ms_seq count = round % 3 == 2 ? 300 : 3; /* too large for the ring, or not */

        for (ms_seq seq = 2; seq < 2 + count; seq++) {
            entries_put(&entries, seq);
            lives[seq] = 1;
        }
        commit();
        check_walk(lives);
        for (ms_seq seq = 2; seq < 2 + count; seq++) {
            entries_erase(&entries, seq);
            lives[seq] = 0;
        }
        if (round % 2 == 0) {
            entries.seq = 1;
            commit();
            check_walk(lives);
        }
    }
    commit();
    check_walk(lives);
    check_lives(lives);
}
END_TEST

START_TEST(test_erase_of_what_is_not_there)
{
    uint8_t lives[4096] = {0};

    for (ms_seq seq = 10; seq <= 100; seq += 10) {
        entries_put(&entries, seq);
        lives[seq] = 1;
    }
    commit();
    for (int age = 0; age < 2; age++) {
        for (ms_seq seq = 1; seq < 200; seq++) {
            if (seq % 10 != 0 || seq > 100) {
                entries_erase(&entries, seq);
            }
        }
        commit();
        ck_assert_uint_eq(keeper.erased_total, 0);
        check_walk(lives);
        check_lives(lives); /* makes them old */
    }
    entries_put(&entries, 150); /* a number that was erased before it came */
    lives[150] = 1;
    commit();
    check_walk(lives);
    check_lives(lives);
}
END_TEST

START_TEST(test_a_survivor_pins_nothing)
{
    uint64_t young = 0;

    entries_put(&entries, 1); /* lives on */
    commit();
    for (ms_seq seq = 2; seq < 4000; seq++) {
        entries_put(&entries, seq);
        if (seq > 2) {
            entries_erase(&entries, seq - 1);
        }
        commit();
        young = keeper.ring.next - keeper.ring.first;
        ck_assert_uint_le(keeper.ring.bytes, RING_MAX);
    }
    ck_assert_uint_le(young, MS_STORE_RING_SLOTS);
    ck_assert_uint_eq(keeper.records, 2);
    ms_store_keeper_look(&keeper);
    ck_assert_uint_lt(keeper.file_bytes, 64u << 20);
}
END_TEST

START_TEST(test_large_windows_become_old_at_once)
{
    uint8_t lives[4096] = {0};

    entries_put(&entries, 1);
    entries_put(&entries, 2);
    lives[2] = 1;
    commit();
    for (ms_seq seq = 3; seq < 600; seq++) {
        entries_put(&entries, seq);
        lives[seq] = 1;
    }
    entries_erase(&entries, 1); /* young: its erase must be kept all the same */
    commit();
    ck_assert_uint_eq(keeper.ring.next, 2);
    ck_assert_uint_le(keeper.ring.bytes, RING_MAX);
    entries_erase(&entries, 300);
    lives[300] = 0;
    commit();
    check_lives(lives);
}
END_TEST

/* What is put and erased soon after uses few rows and two windows, however long that goes on, and its erases
 * are never written: the batch they speak of is gone with the same commit. */
START_TEST(test_the_dead_leave_at_once)
{
    uint8_t lives[4096] = {0};
    uint64_t written = 0;

    for (ms_seq seq = 1; seq < 4000; seq++) {
        entries_put(&entries, seq);
        if (seq > 1) {
            entries_erase(&entries, seq - 1);
        }
        commit();
        ck_assert_uint_eq(keeper.ring.next - keeper.ring.first, 1);
        written += ms_store_ring_at(&keeper.ring, keeper.ring.first)->count *
                   ms_store_window_entry(ms_store_ring_at(&keeper.ring, keeper.ring.first), 0).size;
        ck_assert_uint_eq(keeper.bytes_total, written);
    }
    entries_erase(&entries, 3999); /* nothing to write but that */
    commit();
    ck_assert_uint_eq(keeper.ring.bytes, 0);
    check_lives(lives);
}
END_TEST

START_TEST(test_visitor_sees_young_ones_too)
{
    uint8_t marks[4096] = {0};

    for (int visit = 0; visit < 2; visit++) {
        entries_put(&entries, (ms_seq)visit * 2 + 1);
        entries_put(&entries, (ms_seq)visit * 2 + 2);
        commit();
        ms_store_keeper_close(&keeper);
        ck_assert_int_eq(open_keeper(true), MS_E_OK);
        memset(marks, 0, sizeof marks);
        ck_assert_int_eq(ms_store_keeper_replay(&keeper, mark, marks, &complaint), MS_E_OK);
        ck_assert_uint_eq(keeper.records, 2 + 2 * (uint64_t)visit);
        ms_store_keeper_close(&keeper);
        ck_assert_int_eq(open_keeper(false), MS_E_OK);
    }
}
END_TEST

/* Changes one byte of a value in the database, as a bad disk would. */
static void spoil(const char *sql)
{
    char path[128];
    sqlite3 *db;

    ms_store_keeper_close(&keeper);
    snprintf(path, sizeof path, "%s/store.db", place.data);
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_changes(db), 1);
    sqlite3_close(db);
}

#define SPOILT(column, at)                                                                         \
    "CAST(substr(" column ",1," at ")||x'A5'||substr(" column "," at "+2) AS BLOB)"

START_TEST(test_damaged_old_record_is_named)
{
    uint8_t marks[4096] = {0};

    for (ms_seq seq = 1; seq <= 3; seq++) {
        entries_put(&entries, seq);
    }
    commit();
    ms_store_keeper_close(&keeper);
    ck_assert_int_eq(open_keeper(false), MS_E_OK); /* makes them old */
    spoil("UPDATE old SET entry=" SPOILT("entry", "40") " WHERE seq=2");
    ck_assert_int_eq(open_keeper(true), MS_E_OK);
    ck_assert_int_eq(ms_store_keeper_replay(&keeper, mark, marks, &complaint), MS_E_STORE_CORRUPT);
    ck_assert_ptr_nonnull(strstr(complaint.text, "record 2"));
}
END_TEST

START_TEST(test_damaged_old_record_ends_a_scan)
{
    struct ms_store_piece piece = {0};

    for (ms_seq seq = 1; seq <= 3; seq++) {
        entries_put(&entries, seq);
    }
    commit();
    ms_store_keeper_close(&keeper);
    ck_assert_int_eq(open_keeper(false), MS_E_OK); /* makes them old */
    spoil("UPDATE old SET entry=" SPOILT("entry", "40") " WHERE seq=2");
    ck_assert_int_eq(open_keeper(false), MS_E_OK);
    ck_assert_int_eq(ms_store_keeper_scan(&keeper, 0, 1, &piece, &complaint), MS_E_OK);
    ck_assert_uint_eq(piece.last, 1);
    ck_assert_int_eq(ms_store_keeper_scan(&keeper, 1, 1, &piece, &complaint), MS_E_STORE_CORRUPT);
    ck_assert_ptr_nonnull(strstr(complaint.text, "record 2"));
    ck_assert_int_eq(ms_store_keeper_scan(&keeper, 2, 1, &piece, &complaint), MS_E_OK);
    ck_assert_uint_eq(piece.last, 3);
    free(piece.bytes);
}
END_TEST

START_TEST(test_damaged_batch_is_named)
{
    entries_put(&entries, 1);
    commit();
    entries_put(&entries, 2);
    commit();
    spoil("UPDATE young SET log=" SPOILT("log", "94") " WHERE row=0");
    ck_assert_int_eq(open_keeper(false), MS_E_STORE_CORRUPT);
    ck_assert_ptr_nonnull(strstr(complaint.text, "batch 1"));
    ck_assert_ptr_nonnull(strstr(complaint.text, place.data));
}
END_TEST

START_TEST(test_numbers_of_the_dead_may_come_again)
{
    uint8_t lives[4096] = {0};

    entries_put(&entries, 1);
    entries_put(&entries, 2);
    commit();
    entries_erase(&entries, 2);
    commit();
    lives[1] = 1;
    check_lives(lives);
    entries_put(&entries, 2); /* an engine that saw only 1 numbers on from there */
    lives[2] = 1;
    commit();
    check_lives(lives);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("store_keeper");
    TCase *io = tcase_create("keeper");

    tcase_set_timeout(io, 60);
    tcase_add_checked_fixture(io, set_up, tear_down);
    tcase_add_test(io, test_young_records_are_erased_in_any_order);
    tcase_add_test(io, test_lives_over_a_reopen);
    tcase_add_test(io, test_nothing_to_write_is_no_commit);
    tcase_add_loop_test(io, test_model, 0, 6);
    tcase_add_loop_test(io, test_model_of_a_follower, 0, 6);
    tcase_add_test(io, test_numbers_come_again_in_one_life);
    tcase_add_test(io, test_erase_of_what_is_not_there);
    tcase_add_test(io, test_a_survivor_pins_nothing);
    tcase_add_test(io, test_large_windows_become_old_at_once);
    tcase_add_test(io, test_the_dead_leave_at_once);
    tcase_add_test(io, test_visitor_sees_young_ones_too);
    tcase_add_test(io, test_damaged_old_record_is_named);
    tcase_add_test(io, test_damaged_old_record_ends_a_scan);
    tcase_add_test(io, test_damaged_batch_is_named);
    tcase_add_test(io, test_numbers_of_the_dead_may_come_again);
    suite_add_tcase(all, io);
    return all;
}

ENTRIES_MAIN(suite)
