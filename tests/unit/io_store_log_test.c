/* A torn log is one thing, a damaged one another. */
#include <check.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "core/io/store_file.h"
#include "core/io/store_log.h"
#include "io_store_entries.h"

#define FRAME  (4096 + 24)
#define FRAMES 21

static struct place place;
static char path[128], end_path[128];
static struct ms_complaint complaint;

static void make_place(void)
{
    place_make(&place);
    snprintf(path, sizeof path, "%s/store.db-wal", place.path);
}

static struct ms_store_file *open_file(enum ms_error *error_out)
{
    struct ms_store_file_options options = {.directory = place.path, .log_size = 1u << 20};

    return ms_store_file_open(&options, error_out, &complaint);
}

static struct ms_store_end end;

static enum ms_error verify(const struct ms_store_end *known, bool *has_end_out)
{
    return ms_store_log_verify(path, known, has_end_out, &complaint);
}

/* By somebody who knows nothing of its end. */
static enum ms_error verify_alone(void)
{
    const struct ms_store_end none = {0};
    bool has_end = true;
    const enum ms_error error = verify(&none, &has_end);

    ck_assert(!has_end);
    return error;
}

/* Leaves a log with so many transactions of one frame each, but for the first, which begins a cycle and has two; closing
 * keeps it. */
static void write_transactions(uint64_t count)
{
    enum ms_error error;
    struct ms_store_file *file = open_file(&error);

    for (uint64_t i = 1; i <= count; i++) {
        ck_assert_int_eq(ms_store_file_begin(file), MS_STORE_DONE);
        ck_assert_int_eq(ms_store_file_put_old(file, i, ms_bytes_of("x")), MS_STORE_DONE);
        ck_assert_int_eq(ms_store_file_commit(file), MS_STORE_DONE);
    }
    ck_assert_uint_eq(ms_store_file_log_bytes(file), (count + 1) * FRAME);
    ck_assert(ms_store_file_close(file));
}

static void set_up(void)
{
    make_place();
    write_transactions(FRAMES - 1);
    snprintf(end_path, sizeof end_path, "%s/store.db-end", place.path);
    ms_store_end_open(end_path, true, &end);
    ck_assert_uint_eq(end.cycle, 1);
    ck_assert_uint_eq(end.frames, FRAMES);
}

static void tear_down(void)
{
    place_remove(&place);
}

static off_t frame_at(off_t number)
{
    return 32 + (number - 1) * FRAME;
}

START_TEST(test_a_good_log)
{
    bool has_end;

    ck_assert_int_eq(verify_alone(), MS_E_OK);
    ck_assert_int_eq(verify(&end, &has_end), MS_E_OK);
    ck_assert(has_end);
}
END_TEST

START_TEST(test_none)
{
    bool has_end;

    unlink(path);
    ck_assert_int_eq(verify_alone(), MS_E_OK);
    ck_assert_int_eq(verify(&end, &has_end), MS_E_OK);
    ck_assert(!has_end);
}
END_TEST

/* Its end is not known, or was written before it. */
START_TEST(test_the_last_transaction_is_torn)
{
    struct ms_store_end before = end;
    bool has_end;

    spoil_byte(path, frame_at(FRAMES) + 2000);
    ck_assert_int_eq(verify_alone(), MS_E_OK);
    before.frames--;
    ck_assert_int_eq(verify(&before, &has_end), MS_E_OK);
    ck_assert(has_end);
}
END_TEST

START_TEST(test_the_last_transaction_was_acknowledged)
{
    bool has_end;

    spoil_byte(path, frame_at(FRAMES) + 2000);
    ck_assert_int_eq(verify(&end, &has_end), MS_E_STORE_CORRUPT);
    ck_assert(!has_end);
    ck_assert_ptr_nonnull(strstr(complaint.text, "20 frames of it are whole, 21 were"));
}
END_TEST

START_TEST(test_a_log_that_was_cut)
{
    bool has_end;

    ck_assert_int_eq(truncate(path, frame_at(_i) + 24), 0);
    ck_assert_int_eq(verify_alone(), MS_E_OK);
    ck_assert_int_eq(verify(&end, &has_end), MS_E_STORE_CORRUPT);
}
END_TEST

/* What it says is of another one, so it says nothing of this. */
START_TEST(test_a_log_with_other_salts)
{
    bool has_end;

    end.salts[3] ^= 1;
    end.frames = 1000;
    ck_assert_int_eq(verify(&end, &has_end), MS_E_OK);
    ck_assert(!has_end);
}
END_TEST

START_TEST(test_a_byte_in_the_midst)
{
    spoil_byte(path, frame_at(_i) + 24 + 77 * _i);
    ck_assert_int_eq(verify_alone(), MS_E_STORE_CORRUPT);
    ck_assert_ptr_nonnull(strstr(complaint.text, path));
}
END_TEST

/* The mark of this frame and its salts lie in two sectors, so the mark may be of a life before. */
#define FRAME_IN_TWO_SECTORS 42

START_TEST(test_a_mark_that_may_be_an_old_one)
{
    place_remove(&place);
    make_place();
    write_transactions(FRAME_IN_TWO_SECTORS + 5);
    spoil_byte(path, frame_at(FRAME_IN_TWO_SECTORS - 1) + 2000);
    ck_assert_int_eq(truncate(path, frame_at(FRAME_IN_TWO_SECTORS + 2)), 0);
    ck_assert_int_eq(verify_alone(), MS_E_STORE_CORRUPT);
    ck_assert_int_eq(truncate(path, frame_at(FRAME_IN_TWO_SECTORS + 1)), 0);
    ck_assert_int_eq(verify_alone(), MS_E_OK);
}
END_TEST

START_TEST(test_the_file_is_not_opened)
{
    enum ms_error error = MS_E_OK;

    spoil_byte(path, frame_at(7) + 100);
    ck_assert_ptr_null(open_file(&error));
    ck_assert_int_eq(error, MS_E_STORE_CORRUPT);
    ck_assert_ptr_nonnull(strstr(complaint.text, "frame 7 "));
}
END_TEST

START_TEST(test_a_torn_header)
{
    ck_assert_int_eq(truncate(path, 20), 0);
    ck_assert_int_eq(verify_alone(), MS_E_OK);
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
    tcase_add_test(io, test_the_last_transaction_was_acknowledged);
    tcase_add_loop_test(io, test_a_log_that_was_cut, 1, FRAMES + 1);
    tcase_add_test(io, test_a_log_with_other_salts);
    tcase_add_loop_test(io, test_a_byte_in_the_midst, 1, FRAMES - 1);
    tcase_add_test(io, test_a_mark_that_may_be_an_old_one);
    tcase_add_test(io, test_the_file_is_not_opened);
    tcase_add_test(io, test_a_torn_header);
    suite_add_tcase(all, io);
    return all;
}

ENTRIES_MAIN(suite)
