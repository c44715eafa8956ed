#include "core/io/voter_file.h"

#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char top[64], directory[128];
static struct ms_voter_file file;
static struct ms_complaint complaint;
static uint8_t bytes[256];
static size_t size;

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
    ms_voter_file_close(&file);
    ck_assert_int_eq(ms_voter_file_open(&file, directory, "witness", &complaint), MS_E_OK);
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
    ck_assert_int_eq(write(fd, "half and longer than the next", 29), 29);
    close(fd);
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

/* The disk takes three bytes: what was there stays. */
START_TEST(test_a_failing_write_leaves_the_old_one)
{
    const struct rlimit three = {3, 3};

    ck_assert_int_eq(write_text("old"), MS_E_OK);
    ck_assert_int_eq(sigaction(SIGXFSZ, &(struct sigaction){.sa_handler = SIG_IGN}, NULL), 0);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &three), 0);
    ck_assert_int_eq(write_text("longer"), MS_E_IO);
    ck_assert_ptr_nonnull(strstr(complaint.text, file.path));
    assert_holds("old");
}
END_TEST

START_TEST(test_a_new_one_that_cannot_be_made)
{
    ck_assert_int_eq(write_text("old"), MS_E_OK);
    make_directory("witness.new");
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
    tcase_add_test(tcase, test_damaged_ones_are_kept_for_people);
    tcase_add_test(tcase, test_a_failing_write_leaves_the_old_one);
    tcase_add_test(tcase, test_a_new_one_that_cannot_be_made);
    tcase_add_test(tcase, test_a_rename_that_fails);
    tcase_add_test(tcase, test_directories_that_cannot_be);
    tcase_add_test(tcase, test_kill_leaves_the_last_or_the_one_on_its_way);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
