/* When a commit begins, and how the loop waits for it. */
#include <check.h>

#include "core/io/store_private.h"
#include "io_store_fixture.h"

static void put_many(ms_seq first, ms_seq last)
{
    for (ms_seq seq = first; seq <= last; seq++) {
        entries_put(&entries, seq);
    }
    write_all();
}

/* A loop that always has something to do: each turn writes one record, up to the last. */
static struct {
    ev_idle idle;
    ms_seq next, last;
} bustle;

static void on_bustle(struct ev_loop *loop, ev_idle *idle, int revents)
{
    (void)revents;
    put_many(bustle.next, bustle.next);
    if (bustle.next++ == bustle.last) {
        ev_idle_stop(loop, idle);
    }
}

static void start_bustle(ms_seq first, ms_seq last)
{
    bustle.next = first;
    bustle.last = last;
    ev_idle_init(&bustle.idle, on_bustle);
    ev_idle_start(EV_DEFAULT, &bustle.idle);
}

START_TEST(test_behind_a_crowd_a_window_waits_for_a_pause)
{
    put_many(1, MS_STORE_CROWD);
    wait_for(MS_STORE_CROWD);
    ck_assert_int_gt(store->patience, 0);
    ck_assert_int_le(store->patience, MS_STORE_PATIENCE);
    store->patience = 3600 * MS_SEC; /* however slow this machine is */
    seen.answers = 0;
    start_bustle(1001, 1020);
    while (ev_is_active(&bustle.idle)) {
        ev_run(EV_DEFAULT, EVRUN_ONCE);
        ck_assert_ptr_null(store->current);
    }
    wait_for(1020);
    ck_assert_uint_eq(seen.answers, 1);
}
END_TEST

START_TEST(test_no_window_waits_for_long)
{
    put_many(1, MS_STORE_CROWD);
    wait_for(MS_STORE_CROWD);
    start_bustle(1001, UINT64_MAX);
    wait_for(1001);
    ck_assert(ev_is_active(&bustle.idle));
    ev_idle_stop(EV_DEFAULT, &bustle.idle);
    wait_for(bustle.next - 1);
}
END_TEST

START_TEST(test_behind_a_few_none_waits)
{
    put_many(1, MS_STORE_CROWD);
    wait_for(MS_STORE_CROWD);
    put_many(101, 99 + MS_STORE_CROWD);
    wait_for(99 + MS_STORE_CROWD);
    ck_assert_int_eq(store->patience, 0);
    start_bustle(1001, 1020);
    ev_run(EV_DEFAULT, EVRUN_ONCE);
    ck_assert_uint_eq(bustle.next, 1002);
    ev_run(EV_DEFAULT, EVRUN_ONCE);
    ck_assert_ptr_nonnull(store->current);
    wait_for(1020);
}
END_TEST

START_TEST(test_what_else_is_asked_for_ends_the_wait)
{
    put_many(1, MS_STORE_CROWD);
    wait_for(MS_STORE_CROWD);
    store->patience = 3600 * MS_SEC;
    start_bustle(1001, UINT64_MAX);
    ev_run(EV_DEFAULT, EVRUN_ONCE);
    ck_assert_ptr_null(store->current);
    ms_store_scan(store, 1000, 1);
    while (seen.scans == 0) {
        ev_run(EV_DEFAULT, EVRUN_ONCE);
    }
    ck_assert(ev_is_active(&bustle.idle));
    ck_assert_uint_eq(seen.piece_last, 1001);
    ev_idle_stop(EV_DEFAULT, &bustle.idle);
    wait_for(bustle.next - 1);
}
END_TEST

/* Writes so many records, and lets the loop hand them over. */
static void begin_commit(ms_seq count)
{
    put_many(1, count);
    ev_run(EV_DEFAULT, EVRUN_NOWAIT);
}

START_TEST(test_a_few_are_waited_for_without_sleeping)
{
    store->poll_max = 3600 * MS_SEC; /* however slow this machine is */
    begin_commit(1);
    ck_assert(ev_is_active(&store->poll));
    wait_for(1);
    ck_assert_int_gt(store->took, 0);
    store->took = 3600 * MS_SEC;
    ev_run(EV_DEFAULT, EVRUN_NOWAIT); /* the half of a pair that is later may be awaited */
    ck_assert(ev_is_active(&store->poll));
    store->took = 0;
    ev_run(EV_DEFAULT, EVRUN_NOWAIT);
    ck_assert(!ev_is_active(&store->poll));
}
END_TEST

START_TEST(test_the_loop_sleeps_while_a_crowd_is_committed)
{
    store->poll_max = 3600 * MS_SEC;
    begin_commit(MS_STORE_CROWD);
    ck_assert(!ev_is_active(&store->poll));
    wait_for(MS_STORE_CROWD);
}
END_TEST

START_TEST(test_the_loop_sleeps_while_a_slow_disk_commits)
{
    store->poll_max = 3600 * MS_SEC;
    store->took = store->poll_max + 1;
    begin_commit(1);
    ck_assert(!ev_is_active(&store->poll));
    wait_for(1);
}
END_TEST

START_TEST(test_no_commit_is_waited_for_longer_than_is_allowed)
{
    store->poll_max = 3600 * MS_SEC;
    begin_commit(1);
    store->poll_max = 1;
    ev_run(EV_DEFAULT, EVRUN_NOWAIT);
    ck_assert(!ev_is_active(&store->poll));
    wait_for(1);
}
END_TEST

START_TEST(test_a_loop_that_shall_not_wait_sleeps)
{
    store->poll_max = 0;
    begin_commit(1);
    ck_assert(!ev_is_active(&store->poll));
    wait_for(1);
    ck_assert(!ev_is_active(&store->poll));
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("store_pace");
    TCase *io = tcase_create("pace");

    tcase_set_timeout(io, 100);
    tcase_add_checked_fixture(io, set_up, tear_down);
    tcase_add_test(io, test_behind_a_crowd_a_window_waits_for_a_pause);
    tcase_add_test(io, test_no_window_waits_for_long);
    tcase_add_test(io, test_behind_a_few_none_waits);
    tcase_add_test(io, test_what_else_is_asked_for_ends_the_wait);
    tcase_add_test(io, test_a_few_are_waited_for_without_sleeping);
    tcase_add_test(io, test_the_loop_sleeps_while_a_crowd_is_committed);
    tcase_add_test(io, test_the_loop_sleeps_while_a_slow_disk_commits);
    tcase_add_test(io, test_no_commit_is_waited_for_longer_than_is_allowed);
    tcase_add_test(io, test_a_loop_that_shall_not_wait_sleeps);
    suite_add_tcase(all, io);
    return all;
}

ENTRIES_MAIN(suite)
