#include "core/io/voter_writer.h"

#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/support/suite.h"

#define TURN 0.001 /* of a timer that shows that the loop runs */

static char top[64], directory[128];
static struct ev_loop *loop;
static struct ms_voter_writer *writer;
static struct ms_voter_file file;
static struct ms_complaint complaint;
static unsigned told, turns, wanted;
static enum ms_error error_told;
static char why_told[MS_COMPLAINT_MAX];

/* A disk in place of the C library's: it may hang, and fail. */
static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool hangs, fails;
    unsigned waiting;
} disk = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static int sync_when_it_may(long number, int fd)
{
    bool fails;

    pthread_mutex_lock(&disk.lock);
    disk.waiting++;
    pthread_cond_broadcast(&disk.changed);
    while (disk.hangs) {
        pthread_cond_wait(&disk.changed, &disk.lock);
    }
    disk.waiting--;
    fails = disk.fails;
    pthread_mutex_unlock(&disk.lock);
    if (fails) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(number, fd);
}

int fsync(int fd)
{
    return sync_when_it_may(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    return sync_when_it_may(SYS_fdatasync, fd);
}

static void set_disk(bool hangs, bool fails)
{
    pthread_mutex_lock(&disk.lock);
    disk.hangs = hangs;
    disk.fails = fails;
    pthread_cond_broadcast(&disk.changed);
    pthread_mutex_unlock(&disk.lock);
}

static void wait_for_sync(void)
{
    pthread_mutex_lock(&disk.lock);
    while (disk.waiting == 0) {
        pthread_cond_wait(&disk.changed, &disk.lock);
    }
    pthread_mutex_unlock(&disk.lock);
}

static void on_written(void *context, enum ms_error error, const char *why)
{
    ck_assert_ptr_eq(context, &told);
    ck_assert_int_eq(why != NULL, error != MS_E_OK);
    error_told = error;
    snprintf(why_told, sizeof why_told, "%s", why != NULL ? why : "");
    if (++told == wanted) {
        ev_break(loop, EVBREAK_ALL);
    } else if (error == MS_E_OK) { /* the next one, as an engine does */
        ms_voter_writer_write(writer, ms_bytes_of("one more"));
    }
}

static void set_up(void)
{
    snprintf(top, sizeof top, "/tmp/muster-writer-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(top));
    snprintf(directory, sizeof directory, "%s/state", top);
    ck_assert_int_eq(ms_voter_file_open(&file, directory, "witness", &complaint), MS_E_OK);
    loop = ev_loop_new(EVFLAG_AUTO);
    ck_assert_ptr_nonnull(loop);
    writer = ms_voter_writer_create(loop, &file, on_written, &told);
    ck_assert_ptr_nonnull(writer);
}

static void close_writer(void)
{
    ms_voter_writer_destroy(writer);
    writer = NULL;
}

static void tear_down(void)
{
    char path[256];

    close_writer();
    ms_voter_file_close(&file);
    ev_loop_destroy(loop);
    snprintf(path, sizeof path, "%s/witness", directory);
    (void)unlink(path);
    ck_assert_int_eq(rmdir(directory), 0);
    ck_assert_int_eq(rmdir(top), 0);
}

static void write_text(const char *text)
{
    ms_voter_writer_write(writer, ms_bytes_of(text));
}

/* The loop, which the writer alone does not keep running, runs until it was told so often. */
static void wait_told(unsigned times)
{
    wanted = times;
    ev_ref(loop);
    ev_run(loop, 0);
    ev_unref(loop);
    ck_assert_uint_eq(told, times);
}

static void assert_holds(const char *text)
{
    uint8_t bytes[256];
    size_t size;

    ck_assert_int_eq(ms_voter_file_open(&file, directory, "witness", &complaint), MS_E_OK);
    ck_assert_int_eq(ms_voter_file_read(&file, bytes, sizeof bytes, &size, &complaint), MS_E_OK);
    ck_assert_uint_eq(size, strlen(text));
    ck_assert_mem_eq(bytes, text, size);
}

START_TEST(test_a_record_is_on_the_disk_when_that_is_told)
{
    struct ms_voter_file second;

    write_text("first");
    wait_told(1);
    ck_assert_int_eq(error_told, MS_E_OK);
    ck_assert_int_eq(ms_voter_file_open(&second, directory, "witness", &complaint),
                     MS_E_PERMISSION); /* it is the writer's */
    close_writer();
    assert_holds("first");
}
END_TEST

START_TEST(test_one_after_the_other)
{
    write_text("first");
    wait_told(3);
    close_writer();
    assert_holds("one more");
}
END_TEST

static void on_turn(struct ev_loop *at, ev_timer *timer, int revents)
{
    (void)revents;
    if (++turns == 20) {
        ev_timer_stop(at, timer);
        ev_break(at, EVBREAK_ALL);
    }
}

START_TEST(test_the_loop_goes_on_while_the_disk_hangs)
{
    ev_timer timer;

    set_disk(true, false);
    write_text("first");
    wait_for_sync();
    ev_timer_init(&timer, on_turn, TURN, TURN);
    ev_timer_start(loop, &timer);
    ev_run(loop, 0);
    ck_assert_uint_eq(turns, 20);
    ck_assert_uint_eq(told, 0); /* not before it is durable */
    set_disk(false, false);
    wait_told(1);
    ck_assert_int_eq(error_told, MS_E_OK);
}
END_TEST

START_TEST(test_a_failure_is_told_and_is_for_good)
{
    write_text("first");
    wait_told(1);
    set_disk(false, true);
    write_text("second");
    wait_told(2);
    ck_assert_int_eq(error_told, MS_E_IO);
    ck_assert_ptr_nonnull(strstr(why_told, "state/witness"));
    set_disk(false, false);
    write_text("third");
    wait_told(3);
    ck_assert_int_eq(error_told, MS_E_IO);
    ck_assert_ptr_nonnull(strstr(why_told, "not tried again"));
}
END_TEST

START_TEST(test_the_end_waits_for_a_write)
{
    write_text("first");
    close_writer();
    ck_assert_uint_eq(told, 0);
    ck_assert_int_eq(ev_run(loop, EVRUN_NOWAIT), 0); /* nothing of it is left in the loop */
    assert_holds("first");
}
END_TEST

/* Whoever comes next has to wait until the disk has answered. */
START_TEST(test_the_end_does_not_wait_for_ever)
{
    enum ms_error error;

    write_text("first");
    wait_told(1);
    set_disk(true, false);
    write_text("second");
    wait_for_sync();
    close_writer();
    ck_assert_int_eq(ms_voter_file_open(&file, directory, "witness", &complaint), MS_E_PERMISSION);
    set_disk(false, false);
    do {
        error = ms_voter_file_open(&file, directory, "witness", &complaint);
    } while (error == MS_E_PERMISSION);
    ck_assert_int_eq(error, MS_E_OK);
    ms_voter_file_close(&file);
    ck_assert_uint_eq(told, 1);
    assert_holds("second");
}
END_TEST

START_TEST(test_nobody_is_destroyed_as_well)
{
    ms_voter_writer_destroy(NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("io_voter_writer");
    TCase *all = tcase_create("all");

    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_add_test(all, test_a_record_is_on_the_disk_when_that_is_told);
    tcase_add_test(all, test_one_after_the_other);
    tcase_add_test(all, test_the_loop_goes_on_while_the_disk_hangs);
    tcase_add_test(all, test_a_failure_is_told_and_is_for_good);
    tcase_add_test(all, test_the_end_waits_for_a_write);
    tcase_add_test(all, test_the_end_does_not_wait_for_ever);
    tcase_add_test(all, test_nobody_is_destroyed_as_well);
    suite_add_tcase(suite, all);
    return run_suite(suite);
}
