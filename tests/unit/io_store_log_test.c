/* A torn log is one thing, a damaged one another. */
#include <check.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "core/io/store_file.h"
#include "core/io/store_log.h"
#include "io_store_entries.h"

#define FRAME (4096 + 24)

static struct place place;
static char path[128];
static struct ms_complaint complaint;

static struct ms_store_file *open_file(enum ms_error *error_out)
{
    struct ms_store_file_options options = {.directory = place.path, .log_size = 1u << 20};

    return ms_store_file_open(&options, error_out, &complaint);
}

/* Leaves a log with 20 transactions of one frame each; closing keeps it. */
static void set_up(void)
{
    enum ms_error error;
    struct ms_store_file *file;

    place_make(&place);
    snprintf(path, sizeof path, "%s/store.db-wal", place.path);
    file = open_file(&error);
    for (uint64_t i = 1; i <= 20; i++) {
        ck_assert_int_eq(ms_store_file_begin(file), MS_STORE_DONE);
        ck_assert_int_eq(ms_store_file_put_old(file, i, ms_bytes_of("x")), MS_STORE_DONE);
        ck_assert_int_eq(ms_store_file_commit(file), MS_STORE_DONE);
    }
    ck_assert_uint_eq(ms_store_file_log_bytes(file), 20 * FRAME);
    ck_assert(ms_store_file_close(file));
}

static void tear_down(void)
{
    place_remove(&place);
}

static void spoil(off_t at)
{
    int fd = open(path, O_RDWR);
    uint8_t byte;

    ck_assert_int_eq(pread(fd, &byte, 1, at), 1);
    byte ^= 0x10;
    ck_assert_int_eq(pwrite(fd, &byte, 1, at), 1);
    close(fd);
}

static off_t frame_at(off_t number)
{
    return 32 + (number - 1) * FRAME;
}

START_TEST(test_a_good_log)
{
    ck_assert_int_eq(ms_store_log_verify(path, &complaint), MS_E_OK);
}
END_TEST

START_TEST(test_none)
{
    unlink(path);
    ck_assert_int_eq(ms_store_log_verify(path, &complaint), MS_E_OK);
}
END_TEST

START_TEST(test_the_last_transaction_is_torn)
{
    spoil(frame_at(20) + 5000);
    ck_assert_int_eq(ms_store_log_verify(path, &complaint), MS_E_OK);
}
END_TEST

START_TEST(test_a_byte_in_the_midst)
{
    spoil(frame_at(_i) + 24 + 77 * _i);
    ck_assert_int_eq(ms_store_log_verify(path, &complaint), MS_E_STORE_CORRUPT);
    ck_assert_ptr_nonnull(strstr(complaint.text, path));
}
END_TEST

START_TEST(test_the_file_is_not_opened)
{
    enum ms_error error = MS_E_OK;

    spoil(frame_at(7) + 100);
    ck_assert_ptr_null(open_file(&error));
    ck_assert_int_eq(error, MS_E_STORE_CORRUPT);
    ck_assert_ptr_nonnull(strstr(complaint.text, "frame 7 "));
}
END_TEST

START_TEST(test_a_torn_header)
{
    int fd = open(path, O_RDWR);

    ck_assert_int_eq(ftruncate(fd, 20), 0);
    close(fd);
    ck_assert_int_eq(ms_store_log_verify(path, &complaint), MS_E_OK);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("store_log");
    TCase *io = tcase_create("log");

    tcase_add_checked_fixture(io, set_up, tear_down);
    tcase_add_test(io, test_a_good_log);
    tcase_add_test(io, test_none);
    tcase_add_test(io, test_the_last_transaction_is_torn);
    tcase_add_loop_test(io, test_a_byte_in_the_midst, 1, 19);
    tcase_add_test(io, test_the_file_is_not_opened);
    tcase_add_test(io, test_a_torn_header);
    suite_add_tcase(all, io);
    return all;
}

ENTRIES_MAIN(suite)
