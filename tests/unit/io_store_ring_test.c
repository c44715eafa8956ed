/* Young batches: found by number, leaving in order. */
#include <check.h>

#include "core/io/store_ring.h"
#include "io_store_entries.h"

static struct ms_store_ring ring;

static void tear_down(void)
{
    ms_store_ring_finish(&ring);
}

/* A batch of count records from seq on. */
static void push(ms_seq seq, ms_seq count)
{
    struct ms_store_window *window = ms_store_window_create();
    struct entries entries = {0};

    for (ms_seq i = 0; i < count; i++) {
        entries_put(&entries, seq + i);
    }
    ms_store_window_add(window, seq + count - 1, entries_take(&entries));
    entries_finish(&entries);
    ms_store_ring_push(&ring, window);
}

START_TEST(test_finds_in_the_right_batch)
{
    struct ms_store_window *batch = NULL;

    push(10, 5);
    push(15, 1);
    push(20, 10);
    for (ms_seq seq = 1; seq < 40; seq++) {
        const bool is_there = (seq >= 10 && seq <= 15) || (seq >= 20 && seq < 30);
        struct ms_store_put *put = ms_store_ring_find(&ring, seq, &batch);

        ck_assert_int_eq(put != NULL, is_there);
        if (put != NULL) {
            ck_assert_uint_eq(put->seq, seq);
            ck_assert_ptr_eq(batch, ms_store_ring_at(&ring, seq < 15 ? 0 : seq < 20 ? 1 : 2));
        }
    }
}
END_TEST

START_TEST(test_finds_with_gaps_in_a_batch)
{
    struct ms_store_window *batch = NULL;

    push(10, 1);
    for (ms_seq first = 20; first <= 60; first += 20) {
        struct ms_store_window *window = ms_store_window_create();
        struct entries entries = {0};

        for (ms_seq seq = first; seq < first + 16; seq += 5) {
            entries_put(&entries, seq);
        }
        ms_store_window_add(window, first + 16, entries_take(&entries));
        entries_finish(&entries);
        ms_store_ring_push(&ring, window);
    }
    for (ms_seq seq = 1; seq < 100; seq++) {
        const bool is_there = seq == 10 || (seq >= 20 && seq <= 75 && seq % 5 == 0);

        ck_assert_int_eq(ms_store_ring_find(&ring, seq, &batch) != NULL, is_there);
    }
}
END_TEST

START_TEST(test_batch_of_erases_is_stepped_over)
{
    struct ms_store_window *empty = ms_store_window_create(), *batch = NULL;

    push(1, 4);
    empty->seq = 4;
    ms_store_ring_push(&ring, empty);
    push(5, 4);
    ck_assert_ptr_nonnull(ms_store_ring_find(&ring, 4, &batch));
    ck_assert_ptr_nonnull(ms_store_ring_find(&ring, 5, &batch));
}
END_TEST

START_TEST(test_bounded_by_bytes)
{
    size_t one;

    push(1, 10);
    one = ring.bytes;
    push(11, 10);
    push(21, 10);
    ck_assert_uint_eq(ring.bytes, 3 * one);
    ck_assert_uint_eq(ms_store_ring_horizon(&ring, one, 4 * one), 0);
    ck_assert_uint_eq(ms_store_ring_horizon(&ring, one, 3 * one), 1);
    ck_assert_uint_eq(ms_store_ring_horizon(&ring, 2 * one, 3 * one), 2);
    ck_assert_uint_eq(ms_store_ring_horizon(&ring, 9 * one, 3 * one), 3);
}
END_TEST

START_TEST(test_bounded_by_count)
{
    for (ms_seq i = 0; i < MS_STORE_RING_SLOTS; i++) {
        push(1 + i, 1);
    }
    ck_assert_uint_eq(ms_store_ring_horizon(&ring, 1, SIZE_MAX / 2), 32); /* many small ones */
    ms_store_window_destroy(ms_store_ring_pop(&ring));
    ck_assert_uint_eq(ms_store_ring_horizon(&ring, 1, SIZE_MAX / 2), 1);
    push(1000, 1);
    ck_assert_uint_eq(ring.next - ring.first, MS_STORE_RING_SLOTS);
}
END_TEST

START_TEST(test_large_ones_leave_one_by_one)
{
    for (ms_seq i = 0; i < MS_STORE_RING_SLOTS; i++) {
        push(1 + i * 50, 50);
    }
    ck_assert_uint_eq(ms_store_ring_horizon(&ring, 1, SIZE_MAX / 2), 2);
}
END_TEST

/* Erases the records from seq on, as a window does that comes later. */
static void perish(ms_seq seq, ms_seq count)
{
    for (ms_seq i = 0; i < count; i++) {
        struct ms_store_window *batch = NULL;
        struct ms_store_put *put = ms_store_ring_find(&ring, seq + i, &batch);

        ck_assert_ptr_nonnull(put);
        put->is_dead = 1;
        batch->live--;
    }
}

START_TEST(test_dead_ones_leave_from_the_oldest_on)
{
    for (ms_seq i = 0; i < 10; i++) {
        push(1 + i * 10, 10);
    }
    perish(11, 10);
    ck_assert_uint_eq(ms_store_ring_spent(&ring), 0); /* the oldest lives */
    perish(1, 9);
    ck_assert_uint_eq(ms_store_ring_spent(&ring), 0);
    perish(10, 1);
    ck_assert_uint_eq(ms_store_ring_spent(&ring), 2);
    perish(21, 70);
    ck_assert_uint_eq(ms_store_ring_spent(&ring), 4); /* the rest with the next commits */
    ck_assert_uint_eq(ms_store_ring_horizon(&ring, 1, ring.bytes), 4);
}
END_TEST

START_TEST(test_few_survivors_leave_when_they_are_old)
{
    push(1, 100);
    perish(1, 99);
    for (ms_seq i = 0; i < 15; i++) {
        push(101 + i, 1);
        ck_assert_uint_eq(ms_store_ring_spent(&ring), 0);
    }
    push(116, 1);
    ck_assert_uint_eq(ms_store_ring_spent(&ring),
                      1); /* a batch of one that lives is no such batch */
}
END_TEST

START_TEST(test_pop_is_the_oldest)
{
    struct ms_store_window *window;

    push(1, 1);
    push(2, 1);
    window = ms_store_ring_pop(&ring);
    ck_assert_uint_eq(window->seq, 1);
    ms_store_window_destroy(window);
    window = ms_store_ring_pop(&ring);
    ck_assert_uint_eq(window->seq, 2);
    ms_store_window_destroy(window);
    ck_assert_uint_eq(ring.bytes, 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("store_ring");
    TCase *io = tcase_create("ring");

    tcase_add_checked_fixture(io, NULL, tear_down);
    tcase_add_test(io, test_finds_in_the_right_batch);
    tcase_add_test(io, test_finds_with_gaps_in_a_batch);
    tcase_add_test(io, test_batch_of_erases_is_stepped_over);
    tcase_add_test(io, test_bounded_by_bytes);
    tcase_add_test(io, test_bounded_by_count);
    tcase_add_test(io, test_large_ones_leave_one_by_one);
    tcase_add_test(io, test_dead_ones_leave_from_the_oldest_on);
    tcase_add_test(io, test_few_survivors_leave_when_they_are_old);
    tcase_add_test(io, test_pop_is_the_oldest);
    suite_add_tcase(all, io);
    return all;
}

ENTRIES_MAIN(suite)
