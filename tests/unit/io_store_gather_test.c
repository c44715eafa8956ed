/* A file in which writes gather: what is read and synced is what was written, in few calls. */
#include <check.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "core/io/store_gather.h"
#include "io_store_entries.h"

#define FRAME 4120

static struct place place;
static char path[128];
static sqlite3_vfs *vfs;
static sqlite3_file *file;
static uint8_t bytes[2 * MS_STORE_GATHER_MAX];

static void open_kind(int kind)
{
    ck_assert_int_eq(
        vfs->xOpen(vfs, path, file, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | kind, NULL),
        SQLITE_OK);
}

static void set_up(void)
{
    place_make(&place);
    snprintf(path, sizeof path, "%s/store.log", place.path);
    ck_assert_ptr_nonnull(ms_store_gather_vfs());
    vfs = sqlite3_vfs_find(ms_store_gather_vfs());
    ck_assert_ptr_nonnull(vfs);
    file = calloc(1, (size_t)vfs->szOsFile);
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(i % 251);
    }
    open_kind(SQLITE_OPEN_WAL);
}

static void tear_down(void)
{
    if (file->pMethods != NULL) {
        file->pMethods->xClose(file);
    }
    free(file);
    place_remove(&place);
}

static void write_at(size_t at, size_t size)
{
    ck_assert_int_eq(file->pMethods->xWrite(file, bytes + at, (int)size, (sqlite3_int64)at), 0);
}

static off_t size_on_disk(void)
{
    struct stat status;

    ck_assert_int_eq(stat(path, &status), 0);
    return status.st_size;
}

static void check_disk(size_t size)
{
    static uint8_t found[sizeof bytes];
    const int fd = open(path, O_RDONLY);

    ck_assert_int_eq(read(fd, found, sizeof found), (ssize_t)size);
    ck_assert_mem_eq(found, bytes, size);
    close(fd);
}

START_TEST(test_pieces_are_written_by_the_sync)
{
    for (size_t at = 0; at < 10 * FRAME; at += FRAME) {
        write_at(at, 24);
        write_at(at + 24, FRAME - 24);
    }
    ck_assert_int_eq(size_on_disk(), 0);
    ck_assert_int_eq(file->pMethods->xSync(file, SQLITE_SYNC_NORMAL), SQLITE_OK);
    check_disk(10 * FRAME);
}
END_TEST

START_TEST(test_a_gap_a_step_back_and_much_are_written_in_order)
{
    const size_t much = MS_STORE_GATHER_MAX - 10;

    write_at(0, 1000);
    write_at(2000, 1000);
    write_at(900, 1100); /* over both */
    write_at(3000, much);
    write_at(3000 + much, 4000);
    ck_assert_int_eq(file->pMethods->xSync(file, SQLITE_SYNC_NORMAL), SQLITE_OK);
    check_disk(7000 + much);
}
END_TEST

START_TEST(test_what_waits_is_read_measured_and_cut)
{
    uint8_t found[100];
    sqlite3_int64 size = 0;

    write_at(0, 500);
    ck_assert_int_eq(file->pMethods->xRead(file, found, sizeof found, 200), SQLITE_OK);
    ck_assert_mem_eq(found, bytes + 200, sizeof found);
    write_at(500, 500);
    ck_assert_int_eq(file->pMethods->xFileSize(file, &size), SQLITE_OK);
    ck_assert_int_eq(size, 1000);
    write_at(1000, 500);
    ck_assert_int_eq(file->pMethods->xTruncate(file, 1200), SQLITE_OK);
    check_disk(1200);
}
END_TEST

START_TEST(test_closing_writes_what_waits)
{
    write_at(0, 700);
    ck_assert_int_eq(file->pMethods->xClose(file), SQLITE_OK);
    file->pMethods = NULL;
    check_disk(700);
}
END_TEST

START_TEST(test_a_full_disk_is_told_by_the_sync_and_the_rest_forgotten)
{
    ck_assert_int_eq(file->pMethods->xClose(file), SQLITE_OK);
    snprintf(path, sizeof path, "/dev/full");
    open_kind(SQLITE_OPEN_WAL);
    write_at(0, 700);
    ck_assert_int_eq(file->pMethods->xSync(file, SQLITE_SYNC_NORMAL), SQLITE_FULL);
    ck_assert_int_eq(file->pMethods->xClose(file), SQLITE_OK);
    file->pMethods = NULL;
}
END_TEST

START_TEST(test_other_files_are_written_at_once)
{
    ck_assert_int_eq(file->pMethods->xClose(file), SQLITE_OK);
    open_kind(SQLITE_OPEN_MAIN_DB);
    write_at(0, 700);
    check_disk(700);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("store_gather");
    TCase *io = tcase_create("gather");

    tcase_add_checked_fixture(io, set_up, tear_down);
    tcase_add_test(io, test_pieces_are_written_by_the_sync);
    tcase_add_test(io, test_a_gap_a_step_back_and_much_are_written_in_order);
    tcase_add_test(io, test_what_waits_is_read_measured_and_cut);
    tcase_add_test(io, test_closing_writes_what_waits);
    tcase_add_test(io, test_a_full_disk_is_told_by_the_sync_and_the_rest_forgotten);
    tcase_add_test(io, test_other_files_are_written_at_once);
    suite_add_tcase(all, io);
    return all;
}

ENTRIES_MAIN(suite)
