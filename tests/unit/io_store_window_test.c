/* Gathering: what is left of entries when puts and erases meet. */
#include <check.h>
#include <signal.h>

#include "core/io/store_window.h"
#include "io_store_entries.h"

static struct ms_store_window *window;
static struct entries entries;

static void set_up(void)
{
    window = ms_store_window_create();
}

static void tear_down(void)
{
    ms_store_window_destroy(window);
    entries_finish(&entries);
}

static void add(void)
{
    ms_store_window_add(window, entries.seq, entries_take(&entries));
}

START_TEST(test_puts_stay)
{
    for (ms_seq seq = 10; seq < 20; seq++) {
        entries_put(&entries, seq);
    }
    add();
    ms_store_window_pack(window);
    ck_assert_uint_eq(window->count, 10);
    ck_assert_uint_eq(window->live, 10);
    ck_assert_uint_eq(window->seq, 19);
    for (size_t i = 0; i < 10; i++) {
        entries_check(10 + i, ms_store_window_entry(window, i), 64);
    }
}
END_TEST

START_TEST(test_put_and_erase_annihilate)
{
    for (ms_seq seq = 1; seq <= 5; seq++) {
        entries_put_sized(&entries, seq, 10 * seq);
    }
    entries_erase(&entries, 1);
    add();
    entries_erase(&entries, 3);
    entries_erase(&entries, 5);
    add();
    ms_store_window_pack(window);
    ck_assert_uint_eq(window->count, 2);
    ck_assert_uint_eq(window->erases_count, 0);
    ck_assert_uint_eq(window->unwritten, 3);
    entries_check(2, ms_store_window_entry(window, 0), 20);
    entries_check(4, ms_store_window_entry(window, 1), 40);
    ck_assert_uint_eq(window->size, ms_store_window_entry(window, 0).size +
                                        ms_store_window_entry(window, 1).size);
}
END_TEST

START_TEST(test_everything_annihilates)
{
    entries_put(&entries, 7);
    entries_erase(&entries, 7);
    add();
    ms_store_window_pack(window);
    ck_assert_uint_eq(window->count, 0);
    ck_assert_uint_eq(window->size, 0);
    ck_assert_uint_eq(window->seq, 7);
}
END_TEST

START_TEST(test_erase_of_others_is_kept)
{
    entries_put(&entries, 100);
    entries_erase(&entries, 3);
    entries_erase(&entries, 99);
    add();
    ck_assert_uint_eq(window->erases_count, 2);
    ck_assert_uint_eq(window->erases[0], 3);
    ck_assert_uint_eq(window->erases[1], 99);
    ck_assert_uint_eq(window->live, 1);
}
END_TEST

START_TEST(test_erase_twice_counts_once)
{
    entries_put(&entries, 4);
    entries_put(&entries, 5);
    entries_erase(&entries, 4);
    entries_erase(&entries, 4);
    add();
    ck_assert_uint_eq(window->live, 1);
    ck_assert_uint_eq(window->unwritten, 1);
}
END_TEST

START_TEST(test_erase_of_nothing_and_its_number_later)
{
    entries_erase(&entries, 5);
    entries_erase(&entries, 5);
    entries_put(&entries, 4);
    entries_put(&entries, 5);
    add();
    ck_assert_uint_eq(window->live, 2);
    ck_assert_uint_eq(window->unwritten, 0);
    ck_assert_uint_eq(window->erases_count, 2); /* of an earlier 5, if there was one */
}
END_TEST

START_TEST(test_numbers_of_the_dead_come_again)
{
    for (ms_seq seq = 1; seq <= 9; seq++) {
        entries_put_sized(&entries, seq, 10 * seq);
    }
    for (ms_seq seq = 4; seq <= 9; seq++) {
        entries_erase(&entries, seq);
    }
    add();
    entries_erase(&entries, 2);
    entries_put_sized(&entries, 5, 99);
    entries_put_sized(&entries, 7, 3);
    add();
    ck_assert_uint_eq(window->seq, 7);
    ms_store_window_pack(window);
    ck_assert_uint_eq(window->count, 4);
    entries_check(1, ms_store_window_entry(window, 0), 10);
    entries_check(3, ms_store_window_entry(window, 1), 30);
    entries_check(5, ms_store_window_entry(window, 2), 99);
    entries_check(7, ms_store_window_entry(window, 3), 3);
}
END_TEST

START_TEST(test_number_of_a_living_one_is_refused)
{
    entries_put(&entries, 5);
    add();
    entries_put(&entries, 4);
    add();
}
END_TEST

START_TEST(test_find_with_gaps)
{
    for (ms_seq i = 0; i < 300; i++) {
        entries_put_sized(&entries, 1000 + i * i, 1);
    }
    add();
    for (ms_seq i = 0; i < 300; i++) {
        struct ms_store_put *put = ms_store_window_find(window, 1000 + i * i);

        ck_assert_ptr_nonnull(put);
        ck_assert_uint_eq(put->seq, 1000 + i * i);
        ck_assert(i == 0 || ms_store_window_find(window, 1000 + i * i - (i > 1 ? 1 : 2)) == NULL);
    }
    ck_assert_ptr_null(ms_store_window_find(window, 999));
    ck_assert_ptr_null(ms_store_window_find(window, 1000 + 300 * 300));
}
END_TEST

START_TEST(test_clear_makes_it_empty)
{
    entries_put_sized(&entries, 1, 4u << 20);
    entries_erase(&entries, 9);
    add();
    ms_store_window_clear(window);
    ck_assert_uint_eq(window->size, 0);
    ck_assert_uint_eq(window->count, 0);
    ck_assert_uint_eq(window->seq, 0);
    ck_assert_uint_eq(window->capacity, 0); /* a flood does not stay in memory */
    entries_put(&entries, 2);
    add();
    ck_assert_uint_eq(window->live, 1);
}
END_TEST

START_TEST(test_numbers_must_rise)
{
    entries_put(&entries, 2);
    entries_put(&entries, 2);
    add();
}
END_TEST

START_TEST(test_cut_entry_is_refused)
{
    entries_put(&entries, 2);
    entries.size--;
    add();
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("store_window");
    TCase *io = tcase_create("window");

    tcase_add_checked_fixture(io, set_up, tear_down);
    tcase_add_test(io, test_puts_stay);
    tcase_add_test(io, test_put_and_erase_annihilate);
    tcase_add_test(io, test_everything_annihilates);
    tcase_add_test(io, test_erase_of_others_is_kept);
    tcase_add_test(io, test_erase_twice_counts_once);
    tcase_add_test(io, test_erase_of_nothing_and_its_number_later);
    tcase_add_test(io, test_numbers_of_the_dead_come_again);
    tcase_add_test_raise_signal(io, test_number_of_a_living_one_is_refused, SIGABRT);
    tcase_add_test(io, test_find_with_gaps);
    tcase_add_test(io, test_clear_makes_it_empty);
    tcase_add_test_raise_signal(io, test_numbers_must_rise, 6);
    tcase_add_test_raise_signal(io, test_cut_entry_is_refused, 6);
    suite_add_tcase(all, io);
    return all;
}

ENTRIES_MAIN(suite)
