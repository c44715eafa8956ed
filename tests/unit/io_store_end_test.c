/* How far a log was durable: what was written is read back, and nothing else is believed. */
#include <check.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "core/io/store_end.h"
#include "io_store_entries.h"

#define SIZE 32

static struct place place;
static char path[128];
static const struct ms_store_end some = {
    .cycle = 0x0102030405060708u, .salts = {1, 2, 3, 4, 5, 6, 7, 255}, .frames = 77};

static void set_up(void)
{
    int fd;
    struct ms_store_end end;

    place_make(&place);
    snprintf(path, sizeof path, "%s/store.db-end", place.path);
    fd = ms_store_end_open(path, false, &end);
    ck_assert_int_ge(fd, 0);
    ck_assert_uint_eq(end.cycle, 0);
    ms_store_end_write(fd, &some);
    close(fd);
}

static void tear_down(void)
{
    place_remove(&place);
}

static struct ms_store_end read_end(void)
{
    struct ms_store_end end = some;

    ck_assert_int_eq(ms_store_end_open(path, true, &end), -1);
    return end;
}

START_TEST(test_what_was_written_is_read)
{
    struct ms_store_end end = read_end();

    ck_assert_uint_eq(end.cycle, some.cycle);
    ck_assert_uint_eq(end.frames, some.frames);
    ck_assert_mem_eq(end.salts, some.salts, sizeof some.salts);
}
END_TEST

START_TEST(test_the_last_one_counts)
{
    struct ms_store_end end;
    int fd = ms_store_end_open(path, false, &end);

    ck_assert_uint_eq(end.frames, 77);
    end.frames = 78;
    ms_store_end_write(fd, &end);
    end.cycle++;
    end.frames = 2;
    ms_store_end_write(fd, &end);
    close(fd);
    end = read_end();
    ck_assert_uint_eq(end.cycle, some.cycle + 1);
    ck_assert_uint_eq(end.frames, 2);
}
END_TEST

START_TEST(test_nothing_is_known_of_a_spoilt_byte)
{
    spoil_byte(path, _i);
    ck_assert_uint_eq(read_end().cycle, 0);
}
END_TEST

START_TEST(test_nothing_is_known_of_a_part)
{
    ck_assert_int_eq(truncate(path, _i), 0);
    ck_assert_uint_eq(read_end().cycle, 0);
}
END_TEST

START_TEST(test_a_visitor_makes_none)
{
    struct stat file;

    unlink(path);
    ck_assert_uint_eq(read_end().cycle, 0);
    ck_assert_int_ne(stat(path, &file), 0);
    ms_store_end_write(-1, &some); /* a place where none can be made */
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("store_end");
    TCase *io = tcase_create("end");

    tcase_add_checked_fixture(io, set_up, tear_down);
    tcase_add_test(io, test_what_was_written_is_read);
    tcase_add_test(io, test_the_last_one_counts);
    tcase_add_loop_test(io, test_nothing_is_known_of_a_spoilt_byte, 0, SIZE);
    tcase_add_loop_test(io, test_nothing_is_known_of_a_part, 0, SIZE);
    tcase_add_test(io, test_a_visitor_makes_none);
    suite_add_tcase(all, io);
    return all;
}

ENTRIES_MAIN(suite)
