/* What a store does besides commits, while it works: scans, reading back, emptying. */
#include <check.h>
#include <sys/stat.h>

#include "io_store_fixture.h"

/* The next piece above a number; what was asked for is answered once, later. */
static void scan(ms_seq above, size_t bytes_max)
{
    const uint64_t scans = seen.scans;

    seen.is_inside = true;
    ms_store_scan(store, above, bytes_max);
    seen.is_inside = false;
    while (seen.scans == scans && seen.error == MS_E_OK) {
        ev_run(EV_DEFAULT, EVRUN_ONCE);
    }
}

/* Checks the last piece; returns how many records it has. */
static size_t check_piece(ms_seq above, struct census *census)
{
    struct ms_bytes rest = seen.piece;
    size_t count = 0;
    ms_seq last = above;

    while (rest.size > 0) {
        const struct ms_bytes before = rest;
        struct ms_entry entry;

        ck_assert(ms_record_next(&rest, &entry));
        ck_assert_uint_gt(entry.seq, last);
        entries_check(entry.seq, (struct ms_bytes){before.data, before.size - rest.size},
                      census->payload);
        last = entry.seq;
        census->count++;
        census->sum += entry.seq;
        count++;
    }
    ck_assert_uint_eq(seen.piece_last, count == 0 ? 0 : last);
    census->last = last;
    return count;
}

static struct census scan_all(size_t payload, size_t bytes_max)
{
    struct census census = {.payload = payload};

    do {
        scan(census.last, bytes_max);
        ck_assert(seen.piece.size <= bytes_max || seen.piece.size < payload + 100);
    } while (check_piece(census.last, &census) > 0);
    return census;
}

START_TEST(test_scan_of_nothing)
{
    scan(0, 1000);
    ck_assert_uint_eq(seen.scans, 1);
    ck_assert_uint_eq(seen.piece.size, 0);
    ck_assert_uint_eq(seen.piece_last, 0);
}
END_TEST

/* Old ones, young ones, and what was only just written. */
START_TEST(test_scan_sees_all_ages)
{
    struct census census;

    for (ms_seq seq = 1; seq <= 100; seq++) {
        entries_put(&entries, seq * 3);
    }
    write_all();
    reopen();
    ck_assert_uint_eq(count_records(64).count, 100);
    for (ms_seq seq = 101; seq <= 200; seq++) {
        entries_put(&entries, seq * 3);
    }
    entries_erase(&entries, 30);
    write_all();
    wait_for(600);
    entries_put(&entries, 900);
    entries_erase(&entries, 600);
    write_all();
    census = scan_all(64, 1000);
    ck_assert_uint_eq(seen.persisted, 900); /* it was told first */
    ck_assert_uint_eq(census.count, 199);
    ck_assert_uint_eq(census.sum, 3 * 200 * 201 / 2 - 30 - 600 + 900);
    ck_assert_uint_eq(scan_all(64, 1).count, 199); /* one at least */
    ck_assert_uint_eq(scan_all(64, 1u << 20).count, 199);
    scan(897, 1000);
    ck_assert_uint_eq(seen.piece_last, 900);
    scan(UINT64_MAX, 1000);
    ck_assert_uint_eq(seen.piece.size, 0);
}
END_TEST

START_TEST(test_scan_of_large_records)
{
    const size_t size = (size_t)1 << 20;
    struct census census;

    for (ms_seq seq = 1; seq <= 5; seq++) {
        entries_put_sized(&entries, seq, size);
        write_all();
    }
    census = scan_all(size, 1000);
    ck_assert_uint_eq(census.count, 5);
    ck_assert_uint_eq(seen.scans, 6);
}
END_TEST

/* Everything that lives all the time is seen exactly once, while other records come, go and grow old. */
START_TEST(test_scan_while_work_goes_on)
{
    enum { COUNT = 20000, CHURN = 400 };
    struct census census = {.payload = 64};
    ms_seq seq, above = 0;
    uint64_t stayed = 0;

    for (seq = 1; seq <= COUNT; seq++) {
        entries_put(&entries, seq);
    }
    write_all();
    wait_for(COUNT);
    do {
        struct ms_bytes rest;
        struct ms_entry entry;

        for (int i = 0; i < CHURN; i++, seq++) {
            entries_put(&entries, seq);
            if (seq > COUNT + 1000) {
                entries_erase(&entries, seq - 1000);
            }
        }
        write_all();
        scan(above, 32u << 10);
        check_piece(above, &census);
        above = seen.piece_last;
        for (rest = seen.piece; ms_record_next(&rest, &entry);) {
            stayed += entry.seq <= COUNT;
        }
    } while (seen.piece.size > 0 && above < COUNT);
    ck_assert_uint_eq(stayed, COUNT);
    ck_assert_uint_gt(seen.persisted, COUNT + CHURN);
}
END_TEST

START_TEST(test_scans_are_answered_in_turn)
{
    entries_put(&entries, 1);
    write_all();
    ms_store_scan(store, 0, 1000);
    entries_put(&entries, 2);
    write_all();
    ms_store_scan(store, 1, 1000);
    while (seen.scans < 1) {
        ev_run(EV_DEFAULT, EVRUN_ONCE);
    }
    ck_assert_uint_ge(seen.persisted, 1);
    ck_assert_uint_eq(seen.piece_last, 1);
    while (seen.scans < 2) {
        ev_run(EV_DEFAULT, EVRUN_ONCE);
    }
    ck_assert_uint_eq(seen.persisted, 2);
    ck_assert_uint_eq(seen.piece_last, 2);
}
END_TEST

static struct {
    struct census census;
    uint64_t done;
    ms_seq persisted_before; /* what had been told when the first record came */
    ms_seq write_at;         /* a record is written when this one comes */
} reread_;

static bool on_reread(void *context, ms_seq seq, struct ms_bytes entry)
{
    ck_assert_ptr_eq(context, &reread_);
    ck_assert(!seen.is_inside);
    if (reread_.census.count == 0) {
        reread_.persisted_before = seen.persisted;
    }
    if (seq == reread_.write_at) {
        entries_put(&entries, 5000);
        write_all();
    }
    return take_census(&reread_.census, seq, entry);
}

static void on_reread_done(void *context, enum ms_error error, const char *why)
{
    ck_assert_ptr_eq(context, &reread_);
    ck_assert_msg(error == MS_E_OK, "%s", why);
    reread_.done++;
}

static struct census reread(void)
{
    const struct ms_store_reader reader = {on_reread, on_reread_done, &reread_};
    const uint64_t done = reread_.done;

    reread_.census = (struct census){.payload = 64};
    seen.is_inside = true;
    ms_store_reread(store, &reader);
    seen.is_inside = false;
    ck_assert_uint_eq(reread_.done, done);
    while (reread_.done == done) {
        ev_run(EV_DEFAULT, EVRUN_ONCE);
    }
    return reread_.census;
}

START_TEST(test_reread_of_nothing)
{
    ck_assert_uint_eq(reread().count, 0);
    ck_assert_uint_eq(reread_.done, 1);
}
END_TEST

/* Old ones, young ones, and what was only just written; then life goes on. */
START_TEST(test_reread_in_mid_life)
{
    struct ms_store_stats stats;

    for (ms_seq seq = 1; seq <= 10; seq++) {
        entries_put(&entries, seq);
    }
    write_all();
    reopen();
    ck_assert_uint_eq(count_records(64).count, 10);
    for (ms_seq seq = 11; seq <= 20; seq++) {
        entries_put(&entries, seq);
    }
    entries_erase(&entries, 3);
    write_all();
    wait_for(20);
    entries_put(&entries, 30);
    entries_erase(&entries, 20);
    write_all();
    ck_assert_uint_eq(reread().sum, 210 - 3 - 20 + 30);
    ck_assert_uint_eq(reread_.persisted_before, 30);
    ms_store_stats(store, &stats);
    ck_assert_uint_eq(stats.records, 19);
    entries_put(&entries, 31);
    write_all();
    wait_for(31);
    ck_assert_uint_eq(reread().count, 20);
    reopen();
    ck_assert_uint_eq(count_records(64).sum, 210 - 3 - 20 + 30 + 31);
}
END_TEST

/* An engine that is read back to may write and number on from the highest that it was told. */
START_TEST(test_writing_while_it_is_read_back)
{
    for (ms_seq seq = 1; seq <= 10; seq++) {
        entries_put(&entries, seq);
    }
    entries_put(&entries, 6000);
    write_all();
    wait_for(6000);
    entries_erase(&entries, 6000);
    write_all();
    reread_.write_at = 4;
    ck_assert_uint_eq(reread().count, 10);
    reread_.write_at = 0;
    ck_assert_uint_eq(reread().sum, 55 + 5000);
    entries_erase(&entries, 5000);
    write_all();
    ck_assert_uint_eq(reread().sum, 55);
    reopen();
    ck_assert_uint_eq(count_records(64).sum, 55);
}
END_TEST

START_TEST(test_close_with_a_reread_to_come)
{
    const struct ms_store_reader reader = {on_reread, on_reread_done, &reread_};

    entries_put(&entries, 1);
    write_all();
    ms_store_reread(store, &reader);
    entries_put(&entries, 2);
    write_all();
    ck_assert(ms_store_close(store));
    ck_assert_uint_eq(reread_.done, 0);
    open_store();
    ck_assert_uint_eq(count_records(64).count, 2);
}
END_TEST

START_TEST(test_close_with_a_scan_under_way)
{
    for (ms_seq seq = 1; seq <= 20; seq++) {
        entries_put_sized(&entries, seq, 10000);
        write_all();
        ms_store_scan(store, 0, 1u << 20);
        ev_run(EV_DEFAULT, EVRUN_NOWAIT);
    }
    ck_assert(ms_store_close(store));
    open_store();
    ck_assert_uint_eq(count_records(10000).count, 20);
}
END_TEST

static void clear_as(uint64_t number, enum ms_aside kind)
{
    seen.is_inside = true;
    ms_store_clear(store, MS_CLEAR_ALL, number, kind);
    seen.is_inside = false;
}

static void clear(uint64_t number)
{
    clear_as(number, MS_ASIDE_MERGED);
}

static void wait_clears(uint64_t clears)
{
    while (seen.clears < clears && seen.error == MS_E_OK) {
        ev_run(EV_DEFAULT, EVRUN_ONCE);
    }
    ck_assert_int_eq(seen.clear_error, MS_E_OK);
}

static void put_some(ms_seq from, ms_seq to)
{
    for (ms_seq seq = from; seq <= to; seq++) {
        entries_put(&entries, seq);
    }
    write_all();
}

static bool is_there(const char *name)
{
    char path[160];

    snprintf(path, sizeof path, "%s/%s", place.data, name);
    return access(path, F_OK) == 0;
}

/* What a visitor finds in a file that was set aside, while the store is open. */
static struct census count_aside(const char *name)
{
    char path[160];
    struct ms_store_options options = {
        .size = sizeof options, .directory = path, .is_read_only = true};
    struct census census = {.payload = 64};
    enum ms_error error = MS_E_OK;
    struct ms_store *aside;

    snprintf(path, sizeof path, "%s/%s", place.data, name);
    aside = ms_store_open(&options, &error, &complaint);
    ck_assert_msg(aside != NULL, "%s", complaint.text);
    ck_assert_mem_eq(ms_store_id(aside).bytes, ms_store_id(store).bytes, 16);
    ck_assert_int_eq(ms_store_replay(aside, take_census, &census, &complaint), MS_E_OK);
    ck_assert(ms_store_close(aside));
    return census;
}

/* Old ones, young ones, and what was only just written; numbers may begin anew. */
START_TEST(test_clear)
{
    const uint64_t number = _i == 0 ? 0 : 7;
    struct ms_uuid id;
    struct ms_store_stats stats;

    put_some(1, 10);
    reopen();
    ck_assert_uint_eq(count_records(64).count, 10);
    id = ms_store_id(store);
    put_some(11, 20);
    wait_for(20);
    put_some(21, 30);
    clear(number);
    put_some(5, 6); /* does not wait for the answer */
    wait_clears(1);
    ck_assert_uint_eq(seen.persisted_at_clear, 30);
    wait_for(6);
    ck_assert_uint_eq(scan_all(64, 1000).sum, 11);
    ms_store_stats(store, &stats);
    ck_assert_uint_eq(stats.records, 2);
    put_some(7, 7);
    reopen();
    ck_assert_uint_eq(count_records(64).sum, 18);
    ck_assert_mem_eq(ms_store_id(store).bytes, id.bytes, sizeof id.bytes);
    ck_assert_int_eq(is_there("divergent-7.db"), number != 0);
    ck_assert(!is_there("store.new"));
    if (number != 0) {
        ck_assert_uint_eq(count_aside("divergent-7.db").sum, 465);
    }
}
END_TEST

START_TEST(test_nothing_that_was_set_aside_is_overwritten)
{
    for (uint64_t i = 1; i <= 3; i++) {
        put_some(1, 10 * i);
        clear(7);
        wait_clears(i);
    }
    put_some(1, 5);
    clear(8);
    wait_clears(4);
    clear(9); /* of nothing */
    wait_clears(5);
    ck_assert_uint_eq(count_aside("divergent-7.db").count, 10);
    ck_assert_uint_eq(count_aside("divergent-7-2.db").count, 20);
    ck_assert_uint_eq(count_aside("divergent-7-3.db").count, 30);
    ck_assert_uint_eq(count_aside("divergent-8.db").count, 5);
    ck_assert_uint_eq(count_aside("divergent-9.db").count, 0);
    put_some(1, 3);
    wait_for(3);
    reopen();
    ck_assert_uint_eq(count_records(64).count, 3);
}
END_TEST

/* Young batches are numbered anew, too: a start finds those of the last life only. */
START_TEST(test_life_after_a_clear)
{
    for (ms_seq seq = 1; seq <= 300; seq++) {
        put_some(seq, seq);
        wait_for(seq);
    }
    clear((uint64_t)_i);
    wait_clears(1);
    for (ms_seq seq = 1; seq <= 40; seq++) {
        put_some(seq, seq);
        if (seq > 10) {
            entries_erase(&entries, seq - 10);
            write_all();
        }
        wait_for(seq);
    }
    reopen();
    ck_assert_uint_eq(count_records(64).count, 10);
}
END_TEST

START_TEST(test_close_with_a_clear_to_come)
{
    put_some(1, 10);
    clear((uint64_t)_i);
    put_some(3, 4);
    ck_assert(ms_store_close(store));
    ck_assert_uint_eq(seen.clears, 0);
    open_store();
    ck_assert_uint_eq(count_records(64).count, 10);
}
END_TEST

START_TEST(test_clear_that_fails)
{
    char path[160];

    snprintf(path, sizeof path, "%s/store.new", place.data);
    put_some(1, 10);
    ck_assert_int_eq(mkdir(path, 0700), 0);
    clear(7);
    put_some(3, 4);
    while (seen.error == MS_E_OK) {
        ev_run(EV_DEFAULT, EVRUN_ONCE);
    }
    ck_assert_uint_eq(seen.clears, 1);
    ck_assert_int_eq(seen.clear_error, MS_E_STORE_FAILED);
    ck_assert_int_eq(seen.error, MS_E_STORE_FAILED);
    ck_assert_ptr_nonnull(strstr(ms_store_failure(store), "store.new"));
    ck_assert_int_eq(rmdir(path), 0);
    ms_store_close(store);
    seen.error = MS_E_OK;
    open_store();
    ck_assert_uint_eq(count_records(64).count, 10);
}
END_TEST

START_TEST(test_what_is_not_merged_has_another_name)
{
    for (uint64_t i = 1; i <= 2; i++) {
        put_some(1, 10 * i);
        clear_as(7, MS_ASIDE_UNMERGED);
        wait_clears(i);
    }
    ck_assert(!is_there("divergent-7.db"));
    ck_assert_uint_eq(count_aside("unmerged-7.db").count, 10);
    ck_assert_uint_eq(count_aside("unmerged-7-2.db").count, 20);
}
END_TEST

/* A crash between the second name of the old file and the first of the new one. */
START_TEST(test_an_interrupted_clear_is_tidied_up)
{
    static const char *const names[] = {"divergent-7.db", "unmerged-7.db"};
    char from[160], to[160];

    put_some(1, 10);
    clear(6);
    wait_clears(1);
    put_some(1, 3);
    ck_assert(ms_store_close(store));
    snprintf(from, sizeof from, "%s/store.db", place.data);
    snprintf(to, sizeof to, "%s/%s", place.data, names[_i]);
    ck_assert_int_eq(link(from, to), 0);
    snprintf(to, sizeof to, "%s/store.new", place.data);
    ck_assert_int_eq(link(from, to), 0);
    open_store();
    ck_assert(!is_there(names[_i]));
    ck_assert(!is_there("store.new"));
    ck_assert_uint_eq(count_records(64).count, 3);
    ck_assert_uint_eq(count_aside("divergent-6.db").count, 10);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("store_jobs");
    TCase *io = tcase_create("jobs");

    tcase_set_timeout(io, 100);
    tcase_add_checked_fixture(io, set_up, tear_down);
    tcase_add_test(io, test_scan_of_nothing);
    tcase_add_test(io, test_scan_sees_all_ages);
    tcase_add_test(io, test_scan_of_large_records);
    tcase_add_test(io, test_scan_while_work_goes_on);
    tcase_add_test(io, test_scans_are_answered_in_turn);
    tcase_add_test(io, test_reread_of_nothing);
    tcase_add_test(io, test_reread_in_mid_life);
    tcase_add_test(io, test_writing_while_it_is_read_back);
    tcase_add_test(io, test_close_with_a_reread_to_come);
    tcase_add_test(io, test_close_with_a_scan_under_way);
    tcase_add_loop_test(io, test_clear, 0, 2);
    tcase_add_test(io, test_nothing_that_was_set_aside_is_overwritten);
    tcase_add_loop_test(io, test_life_after_a_clear, 0, 2);
    tcase_add_loop_test(io, test_close_with_a_clear_to_come, 0, 2);
    tcase_add_test(io, test_clear_that_fails);
    tcase_add_test(io, test_what_is_not_merged_has_another_name);
    tcase_add_loop_test(io, test_an_interrupted_clear_is_tidied_up, 0, 2);
    suite_add_tcase(all, io);
    return all;
}

ENTRIES_MAIN(suite)
