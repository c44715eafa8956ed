/* The store as a master uses it: events from a loop, one directory, one owner. */
#include <check.h>

#include "io_store_fixture.h"

START_TEST(test_written_is_answered_and_comes_back)
{
    ck_assert_uint_eq(count_records(64).count, 0);
    for (ms_seq seq = 1; seq <= 100; seq++) {
        entries_put(&entries, seq);
    }
    write_all();
    wait_for(100);
    ck_assert_uint_eq(seen.persisted, 100);
    ck_assert_uint_eq(seen.answers, 1);
    reopen();
    ck_assert_uint_eq(count_records(64).sum, 5050);
}
END_TEST

START_TEST(test_one_turn_is_one_commit)
{
    struct ms_store_stats stats;

    for (ms_seq seq = 1; seq <= 50; seq++) {
        entries_put(&entries, seq);
        write_all();
    }
    ms_store_stats(store, &stats);
    ck_assert_uint_gt(stats.gathered_bytes, 50 * 64);
    wait_for(50);
    ms_store_stats(store, &stats);
    ck_assert_uint_eq(stats.commits_total, 1);
    ck_assert_uint_eq(stats.records_total, 50);
    ck_assert_uint_eq(stats.gathered_bytes, 0);
    ck_assert(!stats.is_failed);
    ck_assert(!stats.is_full);
}
END_TEST

START_TEST(test_erased_before_its_commit_is_never_written)
{
    struct ms_store_stats stats;

    entries_put(&entries, 1);
    entries_erase(&entries, 1);
    write_all();
    wait_for(1);
    ms_store_stats(store, &stats);
    ck_assert_uint_eq(stats.commits_total, 0);
    ck_assert_uint_eq(stats.unwritten_total, 1);
    ck_assert_uint_eq(stats.bytes_total, 0);
}
END_TEST

START_TEST(test_erases_alone_are_answered)
{
    entries_put(&entries, 1);
    write_all();
    wait_for(1);
    entries_erase(&entries, 1); /* no higher number comes with it */
    write_all();
    while (seen.answers < 2) {
        ev_run(EV_DEFAULT, EVRUN_ONCE);
    }
    reopen();
    ck_assert_uint_eq(count_records(64).count, 0);
}
END_TEST

START_TEST(test_close_commits)
{
    entries_put(&entries, 1);
    write_all();
    ck_assert(ms_store_close(store));
    ck_assert_uint_eq(seen.answers, 0);
    open_store();
    ck_assert_uint_eq(count_records(64).count, 1);
}
END_TEST

START_TEST(test_close_while_a_commit_is_under_way)
{
    for (ms_seq seq = 1; seq <= 20; seq++) {
        entries_put_sized(&entries, seq, 10000);
        write_all();
        ev_run(EV_DEFAULT, EVRUN_NOWAIT);
    }
    ck_assert(ms_store_close(store));
    open_store();
    ck_assert_uint_eq(count_records(10000).count, 20);
}
END_TEST

START_TEST(test_large_entries)
{
    const size_t size = (size_t)1 << (20 + 4 * _i);

    for (ms_seq seq = 1; seq <= 3; seq++) {
        entries_put_sized(&entries, seq, size);
        write_all();
        wait_for(seq);
    }
    entries_erase(&entries, 2);
    write_all();
    reopen();
    ck_assert_uint_eq(count_records(size).sum, 4);
}
END_TEST

static bool count_one(void *context, ms_seq seq, struct ms_bytes entry)
{
    struct census *census = context;

    (void)entry;
    census->count++;
    census->sum += seq;
    return true;
}

START_TEST(test_a_million_records)
{
    enum { COUNT = 1000000, STEP = 5000 };
    struct census census = {0};

    for (ms_seq seq = 0; seq < COUNT;) {
        for (int i = 0; i < STEP; i++) {
            entries_put_sized(&entries, ++seq, 16);
        }
        write_all();
        wait_for(seq);
    }
    for (ms_seq seq = 1; seq <= COUNT; seq += 2) {
        entries_erase(&entries, seq);
    }
    write_all();
    reopen();
    ck_assert_int_eq(ms_store_replay(store, count_one, &census, &complaint), MS_E_OK);
    ck_assert_uint_eq(census.count, COUNT / 2);
    ck_assert_uint_eq(census.sum, (uint64_t)COUNT / 2 * (COUNT / 2 + 1));
}
END_TEST

START_TEST(test_a_second_owner_is_refused)
{
    enum ms_error error = MS_E_OK;

    ck_assert_ptr_null(open_with(EV_DEFAULT, false, &error));
    ck_assert_int_eq(error, MS_E_PERMISSION);
    ck_assert_ptr_nonnull(strstr(complaint.text, place.data));
}
END_TEST

START_TEST(test_room_is_told_first)
{
    while (seen.rooms == 0) {
        ev_run(EV_DEFAULT, EVRUN_ONCE);
    }
    ck_assert_uint_gt(seen.room, 1u << 20);
    ck_assert_uint_le(seen.room, 128u << 20);
}
END_TEST

START_TEST(test_id_is_of_the_directory)
{
    struct ms_uuid id = ms_store_id(store);

    ck_assert(!ms_uuid_is_zero(&id));
    reopen();
    ck_assert_mem_eq(ms_store_id(store).bytes, id.bytes, sizeof id.bytes);
}
END_TEST

START_TEST(test_tools_need_no_loop)
{
    enum ms_error error = MS_E_OK;

    ms_store_close(store);
    store = open_with(NULL, false, &error);
    for (ms_seq seq = 1; seq <= 100; seq++) {
        entries_put_sized(&entries, seq, 100000);
        write_all();
    }
    ck_assert(ms_store_close(store));
    store = open_with(NULL, true, &error);
    ck_assert_ptr_nonnull(store);
    ck_assert_uint_eq(count_records(100000).count, 100);
    ck_assert_ptr_null(ms_store_failure(store));
}
END_TEST

static bool stop_at_two(void *context, ms_seq seq, struct ms_bytes entry)
{
    (void)entry;
    *(ms_seq *)context = seq;
    return seq < 2;
}

START_TEST(test_walk_can_be_stopped)
{
    ms_seq last = 0;

    for (ms_seq seq = 1; seq <= 5; seq++) {
        entries_put(&entries, seq);
    }
    write_all();
    reopen();
    ck_assert_int_eq(ms_store_replay(store, stop_at_two, &last, &complaint), MS_E_OK);
    ck_assert_uint_eq(last, 2);
}
END_TEST

START_TEST(test_close_accepts_null)
{
    ck_assert(ms_store_close(NULL));
}
END_TEST

START_TEST(test_number_zero_is_refused)
{
    ms_store_write(store, 0, (struct ms_bytes){0});
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("store");
    TCase *io = tcase_create("store");

    tcase_set_timeout(io, 100);
    tcase_add_checked_fixture(io, set_up, tear_down);
    tcase_add_test(io, test_written_is_answered_and_comes_back);
    tcase_add_test(io, test_one_turn_is_one_commit);
    tcase_add_test(io, test_erased_before_its_commit_is_never_written);
    tcase_add_test(io, test_erases_alone_are_answered);
    tcase_add_test(io, test_close_commits);
    tcase_add_test(io, test_close_while_a_commit_is_under_way);
    tcase_add_loop_test(io, test_large_entries, 0, 2);
    tcase_add_test(io, test_a_million_records);
    tcase_add_test(io, test_a_second_owner_is_refused);
    tcase_add_test(io, test_room_is_told_first);
    tcase_add_test(io, test_id_is_of_the_directory);
    tcase_add_test(io, test_tools_need_no_loop);
    tcase_add_test(io, test_walk_can_be_stopped);
    tcase_add_test(io, test_close_accepts_null);
    tcase_add_test_raise_signal(io, test_number_zero_is_refused, 6);
    suite_add_tcase(all, io);
    return all;
}

ENTRIES_MAIN(suite)
