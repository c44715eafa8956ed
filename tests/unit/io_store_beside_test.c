/* A store beside the own one: it takes its place, or is given up, and a start in between finds what there was. */
#include <sys/stat.h>
#include <unistd.h>

#include "io_store_fixture.h"
#include "tests/support/suite.h"

static void replace(enum ms_clear how, uint64_t number)
{
    const uint64_t clears = seen.clears;

    ms_store_clear(store, how, number, MS_ASIDE_MERGED);
    while (seen.clears == clears && seen.error == MS_E_OK) {
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
    wait_for(to);
}

static bool is_there(const char *name)
{
    char path[160];

    snprintf(path, sizeof path, "%s/%s", place.data, name);
    return access(path, F_OK) == 0;
}

static struct {
    uint64_t count;
    bool is_done;
} back;

static bool on_back(void *context, ms_seq seq, struct ms_bytes entry)
{
    (void)context, (void)seq, (void)entry;
    back.count++;
    return true;
}

static void on_back_done(void *context, enum ms_error error, const char *why)
{
    (void)context, (void)why;
    ck_assert_int_eq(error, MS_E_OK);
    back.is_done = true;
}

/* As at the begin of a tenure. */
static uint64_t reread(void)
{
    const struct ms_store_reader reader = {on_back, on_back_done, NULL};

    back.count = 0;
    back.is_done = false;
    ms_store_reread(store, &reader);
    while (!back.is_done) {
        ev_run(EV_DEFAULT, EVRUN_ONCE);
    }
    return back.count;
}

/* Ten old ones and ten young ones, then three beside them. */
static void begin(void)
{
    struct ms_store_stats stats;

    put_some(1, 10);
    reopen();
    ck_assert_uint_eq(count_records(64).count, 10);
    put_some(11, 20);
    replace(MS_CLEAR_BESIDE, 0);
    ck_assert_uint_eq(seen.cleared_count, 0);
    ck_assert_uint_eq(reread(), 0);
    put_some(5, 7);
    ck_assert_uint_eq(reread(), 3);
    ms_store_stats(store, &stats);
    ck_assert_uint_eq(stats.records, 3);
    ck_assert(is_there("store.new"));
}

START_TEST(test_a_start_finds_what_there_was)
{
    struct ms_uuid id;

    begin();
    id = ms_store_id(store);
    reopen();
    ck_assert(!is_there("store.new"));
    ck_assert_uint_eq(count_records(64).count, 20);
    ck_assert_mem_eq(ms_store_id(store).bytes, id.bytes, sizeof id.bytes);
}
END_TEST

START_TEST(test_it_takes_the_place)
{
    const uint64_t number = _i == 0 ? 0 : 7;

    begin();
    put_some(8, 9);
    replace(MS_CLEAR_ADOPT, number);
    ck_assert(!is_there("store.new") && !is_there("store.new-wal") && !is_there("store.new-end"));
    ck_assert_int_eq(is_there("divergent-7.db"), number != 0);
    ck_assert_uint_eq(reread(), 5);
    entries_erase(&entries, 5);
    put_some(10, 11);
    ck_assert_uint_eq(reread(), 6);
    reopen();
    ck_assert_uint_eq(count_records(64).count, 6);
    put_some(12, 12);
    replace(MS_CLEAR_BESIDE, 0); /* and again */
    put_some(1, 1);
    replace(MS_CLEAR_ADOPT, 0);
    ck_assert_uint_eq(reread(), 1);
}
END_TEST

START_TEST(test_it_is_given_up)
{
    begin();
    replace(MS_CLEAR_REVERT, 0);
    ck_assert(!is_there("store.new"));
    ck_assert_uint_eq(reread(), 20);
    entries_erase(&entries, 15);
    put_some(21, 22);
    ck_assert_uint_eq(reread(), 21);
    reopen();
    ck_assert_uint_eq(count_records(64).count, 21);
}
END_TEST

START_TEST(test_it_is_emptied_alone)
{
    begin();
    replace(MS_CLEAR_ALL, 0);
    ck_assert_uint_eq(reread(), 0);
    put_some(1, 2);
    ck_assert_uint_eq(reread(), 2);
    reopen();
    ck_assert_uint_eq(count_records(64).count, 20);
}
END_TEST

/* What is asked for without waiting is done in turn. */
START_TEST(test_all_of_it_is_in_order)
{
    put_some(1, 10);
    ms_store_clear(store, MS_CLEAR_BESIDE, 0, MS_ASIDE_MERGED);
    entries_put(&entries, 3);
    write_all();
    ms_store_clear(store, MS_CLEAR_ADOPT, 4, MS_ASIDE_UNMERGED);
    entries_put(&entries, 4);
    write_all();
    while (seen.clears < 2) {
        ev_run(EV_DEFAULT, EVRUN_ONCE);
    }
    ck_assert(is_there("unmerged-4.db"));
    ck_assert_uint_eq(reread(), 2);
    ms_store_clear(store, MS_CLEAR_BESIDE, 0, MS_ASIDE_MERGED);
    entries_put(&entries, 1);
    write_all();
    ms_store_clear(store, MS_CLEAR_REVERT, 0, MS_ASIDE_MERGED);
    ck_assert_uint_eq(reread(), 2);
}
END_TEST

START_TEST(test_closing_with_one_to_come_leaves_what_there_was)
{
    begin();
    ms_store_clear(store, _i == 0 ? MS_CLEAR_ADOPT : MS_CLEAR_REVERT, 0, MS_ASIDE_MERGED);
    entries_put(&entries, 30);
    write_all();
    ck_assert(ms_store_close(store));
    seen.persisted = 0;
    open_store();
    ck_assert(!is_there("store.new"));
    ck_assert(count_records(64).count == 20 || _i == 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("store_beside");
    TCase *io = tcase_create("beside");

    tcase_set_timeout(io, 100);
    tcase_add_checked_fixture(io, set_up, tear_down);
    tcase_add_test(io, test_a_start_finds_what_there_was);
    tcase_add_loop_test(io, test_it_takes_the_place, 0, 2);
    tcase_add_test(io, test_it_is_given_up);
    tcase_add_test(io, test_it_is_emptied_alone);
    tcase_add_test(io, test_all_of_it_is_in_order);
    tcase_add_loop_test(io, test_closing_with_one_to_come_leaves_what_there_was, 0, 2);
    suite_add_tcase(all, io);
    return all;
}

ENTRIES_MAIN(suite)
