#include "core/io/voter_file.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/io/voter_slots.h"
#include "tests/support/suite.h"

static char top[64], directory[128];
static struct ms_voter_file file;
static struct ms_complaint complaint;
static uint8_t bytes[256];
static size_t size;
static uint8_t content[MS_VOTER_FILE_SIZE + 8];

/* In place of the C library's: counted, and fail when told to. */
static int syncs_failing, fsyncs_count, fdatasyncs_count;

static int sync_or_fail(long number, int fd)
{
    if (syncs_failing > 0) {
        syncs_failing--;
        errno = EIO;
        return -1;
    }
    return (int)syscall(number, fd);
}

int fsync(int fd)
{
    fsyncs_count++;
    return sync_or_fail(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    fdatasyncs_count++;
    return sync_or_fail(SYS_fdatasync, fd);
}

static void setup(void)
{
    snprintf(top, sizeof top, "/tmp/muster-voter-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(top));
    snprintf(directory, sizeof directory, "%s/state", top);
    ck_assert_int_eq(ms_voter_file_open(&file, directory, "witness", &complaint), MS_E_OK);
}

static void teardown(void)
{
    static const char *const names[] = {"state/witness", "state/witness.new",
                                        "state/witness.damaged"};
    char path[256];

    ms_voter_file_close(&file);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", top, names[i]);
        if (unlink(path) != 0) {
            (void)rmdir(path);
        }
    }
    (void)rmdir(directory);
    ck_assert_int_eq(rmdir(top), 0);
}

static enum ms_error write_text(const char *text)
{
    return ms_voter_file_write(&file, ms_bytes_of(text), &complaint);
}

static enum ms_error read_file(void)
{
    return ms_voter_file_read(&file, bytes, sizeof bytes, &size, &complaint);
}

static void assert_holds(const char *text)
{
    ck_assert_int_eq(read_file(), MS_E_OK);
    ck_assert_uint_eq(size, strlen(text));
    ck_assert_mem_eq(bytes, text, size);
}

static void make_directory(const char *name)
{
    char path[256];

    snprintf(path, sizeof path, "%s/%s", directory, name);
    ck_assert_int_eq(mkdir(path, 0700), 0);
}

static void reopen(void)
{
    ms_voter_file_close(&file);
    ck_assert_int_eq(ms_voter_file_open(&file, directory, "witness", &complaint), MS_E_OK);
}

/* The bytes of the file, past the module. */
static size_t load(void)
{
    const int fd = open(file.path, O_RDONLY);
    const ssize_t got = read(fd, content, sizeof content);

    ck_assert_int_ge(got, 0);
    close(fd);
    return (size_t)got;
}

static void save(size_t count)
{
    const int fd = open(file.path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    ck_assert_int_eq(write(fd, content, count), (ssize_t)count);
    close(fd);
}

/* As a program wrote it that knew the form before. */
static void save_text(const char *text)
{
    memcpy(content, text, strlen(text));
    save(strlen(text));
}

/* The disk takes nothing beyond so many bytes of a file. */
static void limit(rlim_t count)
{
    const struct rlimit value = {count, RLIM_INFINITY};

    ck_assert_int_eq(sigaction(SIGXFSZ, &(struct sigaction){.sa_handler = SIG_IGN}, NULL), 0);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &value), 0);
}

START_TEST(test_nothing_then_one_then_another)
{
    struct stat status;

    ck_assert_int_eq(stat(directory, &status), 0);
    ck_assert_uint_eq(status.st_mode & 0777, 0700);
    ck_assert_int_eq(read_file(), MS_E_NOT_FOUND);
    ck_assert_ptr_nonnull(strstr(complaint.text, file.path));
    ck_assert_int_eq(write_text("one"), MS_E_OK);
    assert_holds("one");
    ck_assert_int_eq(write_text("two and more"), MS_E_OK);
    assert_holds("two and more");
    reopen();
    assert_holds("two and more");
    ck_assert_int_eq(stat(file.path, &status), 0);
    ck_assert_uint_eq(status.st_mode & 0777, 0600);
}
END_TEST

START_TEST(test_what_a_crash_left_of_a_new_one_is_nothing)
{
    char path[256];

    ck_assert_int_eq(write_text("old"), MS_E_OK);
    snprintf(path, sizeof path, "%s/witness.new", directory);
    const int fd = open(path, O_WRONLY | O_CREAT, 0600);
    memset(content, 'x', sizeof content);
    ck_assert_int_eq(write(fd, content, sizeof content), sizeof content);
    close(fd);
    save_text("old"); /* of the form before, so that the next is written there */
    assert_holds("old");
    ck_assert_int_eq(write_text("new"), MS_E_OK);
    assert_holds("new");
    ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

START_TEST(test_a_second_process_is_refused)
{
    struct ms_voter_file other;

    ck_assert_int_eq(ms_voter_file_open(&other, directory, "witness", &complaint), MS_E_PERMISSION);
    ck_assert_ptr_nonnull(strstr(complaint.text, directory));
    ms_voter_file_close(&file);
    ck_assert_int_eq(ms_voter_file_open(&file, directory, "witness", &complaint), MS_E_OK);
}
END_TEST

/* What a killed slave had just forked off holds its lock for a moment. */
START_TEST(test_a_lock_that_is_let_go_is_waited_for)
{
    struct ms_voter_file second;
    const pid_t child = fork();

    if (child == 0) {
        poll(NULL, 0, 100);
        _exit(EXIT_SUCCESS);
    }
    ck_assert_int_gt(child, 0);
    close(file.directory); /* without ms_voter_file_close, as a kill does it */
    ck_assert_int_eq(ms_voter_file_open(&second, directory, "witness", &complaint), MS_E_OK);
    file = second;
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
}
END_TEST

START_TEST(test_too_long_is_damaged)
{
    ck_assert_int_eq(write_text("0123456789"), MS_E_OK);
    ck_assert_int_eq(ms_voter_file_read(&file, bytes, 9, &size, &complaint), MS_E_MALFORMED);
    ck_assert_ptr_nonnull(strstr(complaint.text, file.path));
    ck_assert_uint_eq(size, 0);
    ck_assert_int_eq(ms_voter_file_read(&file, bytes, 10, &size, &complaint), MS_E_OK);
    ck_assert_uint_eq(size, 10);
}
END_TEST

static enum ms_error look(size_t room)
{
    return ms_voter_file_look(file.path, bytes, room, &size, &complaint);
}

/* Also while somebody has it, and nothing is written: not even what a reader would write once more. */
START_TEST(test_a_look_changes_nothing)
{
    ck_assert_int_eq(look(sizeof bytes), MS_E_NOT_FOUND);
    ck_assert_int_eq(write_text("one"), MS_E_OK);
    ck_assert_int_eq(write_text("two"), MS_E_OK);
    fsyncs_count = fdatasyncs_count = 0;
    ck_assert_int_eq(look(sizeof bytes), MS_E_OK);
    ck_assert_uint_eq(size, 3);
    ck_assert_mem_eq(bytes, "two", 3);
    ck_assert_int_eq(look(2), MS_E_MALFORMED);
    ck_assert_uint_eq(size, 0);
    ck_assert_int_eq(fsyncs_count + fdatasyncs_count, 0);
    ck_assert_uint_eq(load(), MS_VOTER_FILE_SIZE);
    content[ms_voter_slot_at(file.number) + 21] ^= 1;
    save(MS_VOTER_FILE_SIZE);
    ck_assert_int_eq(look(sizeof bytes), MS_E_MALFORMED);
    ck_assert_ptr_nonnull(strstr(complaint.text, "cannot be read: it is damaged"));
    ck_assert_int_eq(ms_voter_file_look(directory, bytes, 1, &size, &complaint), MS_E_IO);
    ck_assert_int_eq(write_text("three"), MS_E_OK);
}
END_TEST

START_TEST(test_damaged_ones_are_kept_for_people)
{
    char path[256];

    ck_assert_int_eq(write_text("damaged"), MS_E_OK);
    ck_assert_int_eq(ms_voter_file_set_aside(&file, &complaint), MS_E_OK);
    ck_assert_int_eq(read_file(), MS_E_NOT_FOUND);
    snprintf(path, sizeof path, "%s/witness.damaged", directory);
    ck_assert_int_eq(access(path, F_OK), 0);
    ck_assert_int_eq(ms_voter_file_set_aside(&file, &complaint), MS_E_IO);
}
END_TEST

START_TEST(test_one_that_is_removed_is_gone_for_good)
{
    ck_assert_int_eq(write_text("one"), MS_E_OK);
    fsyncs_count = 0;
    ck_assert_int_eq(ms_voter_file_remove(&file, &complaint), MS_E_OK);
    ck_assert_int_eq(fsyncs_count, 1);
    ck_assert_int_eq(read_file(), MS_E_NOT_FOUND);
    ck_assert_int_eq(ms_voter_file_remove(&file, &complaint), MS_E_IO);
    ck_assert_ptr_nonnull(strstr(complaint.text, "cannot be removed"));
    ck_assert_int_eq(write_text("two"), MS_E_OK);
    syncs_failing = 1;
    ck_assert_int_eq(ms_voter_file_remove(&file, &complaint), MS_E_IO);
}
END_TEST

/* What would make a sync wait for the file system's journal, or a full disk refuse it. */
START_TEST(test_a_write_changes_bytes_and_nothing_else)
{
    struct stat first, status;

    ck_assert_int_eq(write_text("first"), MS_E_OK);
    ck_assert_int_eq(stat(file.path, &first), 0);
    ck_assert_int_eq(first.st_size, MS_VOTER_FILE_SIZE);
    ck_assert_int_ge(first.st_blocks, MS_VOTER_FILE_SIZE / 512);
    fsyncs_count = fdatasyncs_count = 0;
    for (int i = 0; i < 10; i++) {
        ck_assert_int_eq(write_text(i % 2 == 0 ? "one" : "another, longer"), MS_E_OK);
    }
    ck_assert_int_eq(fsyncs_count, 0);
    ck_assert_int_eq(fdatasyncs_count, 10);
    reopen();
    assert_holds("another, longer");
    ck_assert_int_eq(write_text("after a start"), MS_E_OK);
    ck_assert_int_eq(stat(file.path, &status), 0);
    ck_assert_uint_eq(status.st_ino, first.st_ino);
    ck_assert_int_eq(status.st_size, first.st_size);
    ck_assert_int_eq(status.st_blocks, first.st_blocks);
    reopen();
    assert_holds("after a start");
}
END_TEST

START_TEST(test_the_form_before_is_read_and_replaced)
{
    save_text("of before");
    reopen();
    assert_holds("of before");
    ck_assert_uint_eq(load(), strlen("of before")); /* reading leaves it to the older program */
    ck_assert_int_eq(write_text("of now"), MS_E_OK);
    ck_assert_uint_eq(load(), MS_VOTER_FILE_SIZE);
    assert_holds("of now");
    reopen();
    assert_holds("of now");
}
END_TEST

START_TEST(test_the_form_before_stays_when_the_new_one_cannot_be_written)
{
    save_text("of before");
    reopen();
    assert_holds("of before");
    limit(MS_VOTER_FILE_SIZE - 1);
    ck_assert_int_eq(write_text("of now"), MS_E_IO);
    limit(RLIM_INFINITY);
    reopen();
    assert_holds("of before");
}
END_TEST

/* Killed, or without power, while the second of two was on its way. */
START_TEST(test_a_torn_write_leaves_the_one_before)
{
    for (size_t torn = 1; torn < 64; torn++) {
        ck_assert_int_eq(write_text("the one before"), MS_E_OK);
        ck_assert_uint_eq(load(), MS_VOTER_FILE_SIZE);
        uint8_t block[MS_VOTER_BLOCK];
        ms_voter_block_put(block, file.number + 1,
                           ms_bytes_of("the one that was torn off, longer"));
        memcpy(content + ms_voter_slot_at(file.number + 1), block, torn < 53 ? torn : sizeof block);
        save(MS_VOTER_FILE_SIZE);
        reopen();
        assert_holds(torn < 53 ? "the one before" : "the one that was torn off, longer");
        ck_assert_int_eq(write_text("goes on"), MS_E_OK);
        assert_holds("goes on");
        reopen();
        assert_holds("goes on");
    }
}
END_TEST

START_TEST(test_rot_of_the_newest_is_damage_and_of_the_other_is_not)
{
    ck_assert_int_eq(write_text("one"), MS_E_OK);
    ck_assert_int_eq(write_text("two"), MS_E_OK);
    ck_assert_uint_eq(load(), MS_VOTER_FILE_SIZE);
    content[ms_voter_slot_at(file.number - 1) + 21] ^= 1;
    save(MS_VOTER_FILE_SIZE);
    reopen();
    assert_holds("two");
    content[ms_voter_slot_at(file.number) + 21] ^= 1;
    save(MS_VOTER_FILE_SIZE);
    reopen();
    ck_assert_int_eq(read_file(), MS_E_MALFORMED);
    ck_assert_ptr_nonnull(strstr(complaint.text, file.path));
    ck_assert_uint_eq(size, 0);
    ck_assert_int_eq(ms_voter_file_set_aside(&file, &complaint), MS_E_OK);
    ck_assert_int_eq(write_text("of a new one"), MS_E_OK);
    assert_holds("of a new one");
}
END_TEST

START_TEST(test_of_another_size_is_damaged)
{
    ck_assert_int_eq(write_text("one"), MS_E_OK);
    ck_assert_uint_eq(load(), MS_VOTER_FILE_SIZE);
    save(MS_VOTER_FILE_SIZE + 1);
    reopen();
    ck_assert_int_eq(read_file(), MS_E_MALFORMED);
    save(MS_VOTER_FILE_SIZE - 1);
    ck_assert_int_eq(read_file(), MS_E_MALFORMED);
}
END_TEST

/* A process before wrote it and could not sync it, so it may be in memory only: it must be written, not just synced. */
START_TEST(test_what_is_read_is_on_the_disk)
{
    ck_assert_int_eq(write_text("one"), MS_E_OK);
    syncs_failing = 1;
    ck_assert_int_eq(write_text("two"), MS_E_IO);
    reopen();
    fsyncs_count = fdatasyncs_count = 0;
    const uint64_t number = 2;
    ck_assert_uint_eq(load(), MS_VOTER_FILE_SIZE);
    assert_holds("two");
    ck_assert_uint_eq(file.number, number);
    ck_assert_int_eq(fsyncs_count, 1);
    ck_assert_int_eq(fdatasyncs_count, 1);
    syncs_failing = 1;
    ck_assert_int_eq(read_file(), MS_E_IO);
    ck_assert_ptr_nonnull(strstr(complaint.text, file.path));
    ck_assert_uint_eq(size, 0);
}
END_TEST

/* Only a number that was synced may be marked: else a torn write would pass for damage. */
START_TEST(test_a_sync_that_failed_leaves_no_mark)
{
    ck_assert_int_eq(write_text("one"), MS_E_OK);
    syncs_failing = 1;
    ck_assert_int_eq(write_text("two"), MS_E_IO);
    ck_assert_uint_eq(load(), MS_VOTER_FILE_SIZE);
    content[ms_voter_slot_at(2) + 21] ^= 1;
    save(MS_VOTER_FILE_SIZE);
    reopen();
    assert_holds("one");
}
END_TEST

START_TEST(test_after_an_error_nothing_is_tried_again)
{
    ck_assert_int_eq(write_text("one"), MS_E_OK);
    for (int i = 0; i < 2; i++) {
        syncs_failing = i == 0 ? 1 : 0;
        fsyncs_count = fdatasyncs_count = 0;
        ck_assert_int_eq(write_text("two"), MS_E_IO);
        ck_assert_ptr_nonnull(strstr(complaint.text, file.path));
        ck_assert_int_eq(fdatasyncs_count, i == 0 ? 1 : 0);
        ck_assert_int_eq(fsyncs_count, 0);
    }
}
END_TEST

START_TEST(test_a_new_one_that_cannot_be_synced)
{
    save_text("of before");
    reopen();
    assert_holds("of before");
    syncs_failing = 1;
    ck_assert_int_eq(write_text("of now"), MS_E_IO);
    ck_assert_uint_eq(load(), strlen("of before"));
    ck_assert_int_eq(write_text("of now"), MS_E_IO);
    reopen();
    assert_holds("of before");
}
END_TEST

/* The disk takes the file up to somewhere, in the slot that is written: what was there stays. */
START_TEST(test_a_failing_write_leaves_the_old_one)
{
    const size_t at = ms_voter_slot_at(3);

    ck_assert_int_eq(write_text("older"), MS_E_OK);
    ck_assert_int_eq(write_text("old"), MS_E_OK);
    limit(at + 22);
    ck_assert_int_eq(write_text("longer"), MS_E_IO);
    ck_assert_ptr_nonnull(strstr(complaint.text, file.path));
    limit(RLIM_INFINITY);
    reopen();
    assert_holds("old");
}
END_TEST

START_TEST(test_a_new_one_that_cannot_be_made)
{
    ck_assert_int_eq(write_text("old"), MS_E_OK);
    make_directory("witness.new");
    reopen(); /* without a look at what is there */
    ck_assert_int_eq(write_text("new"), MS_E_IO);
    ck_assert_ptr_nonnull(strstr(complaint.text, file.path));
    assert_holds("old");
}
END_TEST

START_TEST(test_a_rename_that_fails)
{
    make_directory("witness");
    ck_assert_int_eq(write_text("new"), MS_E_IO);
    ck_assert_ptr_nonnull(strstr(complaint.text, file.path));
    ck_assert_int_eq(read_file(), MS_E_IO); /* a directory is no file */
}
END_TEST

START_TEST(test_directories_that_cannot_be)
{
    struct ms_voter_file other;
    static char longest[MS_VOTER_FILE_PATH_MAX + 1];

    ck_assert_int_eq(ms_voter_file_open(&other, "/dev/null/state", "witness", &complaint), MS_E_IO);
    ck_assert_ptr_nonnull(strstr(complaint.text, "/dev/null/state"));
    ck_assert_int_eq(other.directory, -1);
    ck_assert_int_eq(ms_voter_file_open(&other, "/dev/null", "witness", &complaint), MS_E_IO);
    memset(longest, 'x', sizeof longest - 1);
    ck_assert_int_eq(ms_voter_file_open(&other, longest, "witness", &complaint), MS_E_BAD_ARGUMENT);
}
END_TEST

/* Numbered records one after the other until it is killed; each that was done is told. */
static void write_for_ever(int tell)
{
    for (uint32_t number = 1;; number++) {
        char text[32];

        snprintf(text, sizeof text, "%u", number);
        if (write_text(text) != MS_E_OK || write(tell, &number, sizeof number) != sizeof number) {
            _exit(1);
        }
    }
}

START_TEST(test_kill_leaves_the_last_or_the_one_on_its_way)
{
    uint32_t told = 0, number = 0;
    uint64_t found = 0;
    int pipes[2];

    ck_assert_int_eq(pipe(pipes), 0);
    const pid_t child = fork();
    if (child == 0) {
        write_for_ever(pipes[1]);
    }
    ck_assert_int_gt(child, 0);
    close(pipes[1]);
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(read(pipes[0], &told, sizeof told), sizeof told);
    }
    ck_assert_int_eq(kill(child, SIGKILL), 0);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
    while (read(pipes[0], &number, sizeof number) == sizeof number) {
        told = number;
    }
    close(pipes[0]);
    ck_assert_int_eq(read_file(), MS_E_OK);
    ck_assert(ms_text_to_u64((const char *)bytes, size, &found));
    ck_assert_uint_ge(found, told);
    ck_assert_uint_le(found, (uint64_t)told + 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("io_voter_file");
    TCase *tcase = tcase_create("voter_file");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 60);
    tcase_add_test(tcase, test_nothing_then_one_then_another);
    tcase_add_test(tcase, test_what_a_crash_left_of_a_new_one_is_nothing);
    tcase_add_test(tcase, test_a_second_process_is_refused);
    tcase_add_test(tcase, test_a_lock_that_is_let_go_is_waited_for);
    tcase_add_test(tcase, test_too_long_is_damaged);
    tcase_add_test(tcase, test_a_look_changes_nothing);
    tcase_add_test(tcase, test_damaged_ones_are_kept_for_people);
    tcase_add_test(tcase, test_one_that_is_removed_is_gone_for_good);
    tcase_add_test(tcase, test_a_write_changes_bytes_and_nothing_else);
    tcase_add_test(tcase, test_the_form_before_is_read_and_replaced);
    tcase_add_test(tcase, test_the_form_before_stays_when_the_new_one_cannot_be_written);
    tcase_add_test(tcase, test_a_torn_write_leaves_the_one_before);
    tcase_add_test(tcase, test_rot_of_the_newest_is_damage_and_of_the_other_is_not);
    tcase_add_test(tcase, test_of_another_size_is_damaged);
    tcase_add_test(tcase, test_what_is_read_is_on_the_disk);
    tcase_add_test(tcase, test_a_sync_that_failed_leaves_no_mark);
    tcase_add_test(tcase, test_after_an_error_nothing_is_tried_again);
    tcase_add_test(tcase, test_a_new_one_that_cannot_be_synced);
    tcase_add_test(tcase, test_a_failing_write_leaves_the_old_one);
    tcase_add_test(tcase, test_a_new_one_that_cannot_be_made);
    tcase_add_test(tcase, test_a_rename_that_fails);
    tcase_add_test(tcase, test_directories_that_cannot_be);
    tcase_add_test(tcase, test_kill_leaves_the_last_or_the_one_on_its_way);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
