/* The directory: who may have it, and its reserve. */
#include <check.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "core/io/store.h"
#include "core/io/store_directory.h"
#include "io_store_entries.h"

static struct place place;
static struct ms_store_directory directory;

static void set_up(void)
{
    place_make(&place);
}

static void tear_down(void)
{
    ms_store_directory_close(&directory);
    place_remove(&place);
}

START_TEST(test_made_for_its_owner_only)
{
    struct stat stat_;

    ck_assert_int_eq(ms_store_directory_open(&directory, place.data, false, NULL), MS_E_OK);
    ck_assert_int_eq(stat(place.data, &stat_), 0);
    ck_assert_uint_eq(stat_.st_mode & 0777, 0700);
}
END_TEST

START_TEST(test_one_at_a_time)
{
    struct ms_store_directory other = {0};
    struct ms_complaint complaint;
    char pid[32];

    ck_assert_int_eq(ms_store_directory_open(&directory, place.data, false, NULL), MS_E_OK);
    ck_assert_int_eq(ms_store_directory_open(&other, place.data, false, &complaint),
                     MS_E_PERMISSION);
    snprintf(pid, sizeof pid, "process %ld", (long)getpid());
    ck_assert_ptr_nonnull(strstr(complaint.text, pid));
    ck_assert_ptr_nonnull(strstr(complaint.text, place.data));
    ms_store_directory_close(&other);
    ck_assert_int_eq(ms_store_directory_open(&other, place.data, true, NULL), MS_E_PERMISSION);
    ms_store_directory_close(&other);
    ms_store_directory_close(&directory);
    ck_assert_int_eq(ms_store_directory_open(&directory, place.data, true, NULL), MS_E_OK);
}
END_TEST

START_TEST(test_a_part_is_not_opened)
{
    struct ms_complaint complaint;

    ck_assert(!ms_store_mark(place.data, true)); /* there is none yet */
    ck_assert_int_eq(ms_store_directory_open(&directory, place.data, false, NULL), MS_E_OK);
    ck_assert(ms_store_mark(place.data, true));
    ms_store_directory_close(&directory);
    for (int is_read_only = 0; is_read_only < 2; is_read_only++) {
        ck_assert_int_eq(
            ms_store_directory_open(&directory, place.data, is_read_only != 0, &complaint),
            MS_E_STORE_CORRUPT);
        ck_assert_ptr_nonnull(strstr(complaint.text, place.data));
        ms_store_directory_close(&directory);
    }
    ck_assert(ms_store_mark(place.data, false));
    ck_assert(!ms_store_mark(place.data, false));
    ck_assert_int_eq(ms_store_directory_open(&directory, place.data, false, NULL), MS_E_OK);
}
END_TEST

START_TEST(test_names_what_is_missing)
{
    struct ms_complaint complaint;
    char deep[128];

    snprintf(deep, sizeof deep, "%s/no/such", place.path);
    ck_assert_int_eq(ms_store_directory_open(&directory, deep, false, &complaint), MS_E_IO);
    ck_assert_ptr_nonnull(strstr(complaint.text, deep));
    ms_store_directory_close(&directory);
    ck_assert_int_eq(ms_store_directory_open(&directory, place.path, true, &complaint), MS_E_IO);
    ck_assert_ptr_nonnull(strstr(complaint.text, "no store"));
}
END_TEST

START_TEST(test_reserve_is_really_allocated)
{
    char path[128];
    struct stat stat_;

    snprintf(path, sizeof path, "%s/reserve", place.data);
    ck_assert_int_eq(ms_store_directory_open(&directory, place.data, false, NULL), MS_E_OK);
    directory.reserve = 1u << 20;
    ck_assert(ms_store_directory_hold(&directory));
    ck_assert_int_eq(stat(path, &stat_), 0);
    ck_assert_int_ge(stat_.st_blocks * 512, 1 << 20);
    ck_assert(ms_store_directory_release(&directory));
    ck_assert(!directory.is_reserve_held);
    ck_assert_int_ne(stat(path, &stat_), 0);
    ck_assert(!ms_store_directory_release(&directory));
    ck_assert(ms_store_directory_hold(&directory));
}
END_TEST

START_TEST(test_reserve_larger_than_the_disk)
{
    ck_assert_int_eq(ms_store_directory_open(&directory, place.data, false, NULL), MS_E_OK);
    directory.reserve = UINT64_C(1) << 55;
    ck_assert(!ms_store_directory_hold(&directory));
    ck_assert(!directory.is_reserve_held);
}
END_TEST

START_TEST(test_room)
{
    uint64_t disk;

    ck_assert_int_eq(ms_store_directory_open(&directory, place.data, false, NULL), MS_E_OK);
    disk = ms_store_directory_free(&directory);
    ck_assert_uint_gt(disk, 0);
    ck_assert_uint_gt(ms_store_directory_room(&directory, 0, 0), 0);
    directory.bytes_max = 1000;
    ck_assert_uint_eq(ms_store_directory_room(&directory, 600, 200), 300);
    ck_assert_uint_eq(ms_store_directory_room(&directory, 2000, 200), 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("store_directory");
    TCase *io = tcase_create("directory");

    tcase_add_checked_fixture(io, set_up, tear_down);
    tcase_add_test(io, test_made_for_its_owner_only);
    tcase_add_test(io, test_one_at_a_time);
    tcase_add_test(io, test_a_part_is_not_opened);
    tcase_add_test(io, test_names_what_is_missing);
    tcase_add_test(io, test_reserve_is_really_allocated);
    tcase_add_test(io, test_reserve_larger_than_the_disk);
    tcase_add_test(io, test_room);
    suite_add_tcase(all, io);
    return all;
}

ENTRIES_MAIN(suite)
