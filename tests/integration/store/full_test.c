/* A real full disk: a small one in memory. Room falls, what the reserve holds can still be written, more
 * waits without being lost, and everything goes on when space returns. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>

#include "tests/unit/io_store_entries.h"
#include "tests/support/suite.h"

#define RESERVE    (4u << 20)
#define ENTRY_SIZE 30000u
#define BIG_SIZE   (24u << 20) /* more than the log, the free pages and the reserve together */

static struct place place;
static struct ms_store *store;
static struct entries entries;
static ms_seq seq, persisted, big; /* big: the number of the record of BIG_SIZE */
static uint64_t room, rooms;
static enum ms_error failed;

static void on_event(void *context, const struct ms_event *event)
{
    (void)context;
    if (event->type == MS_EVENT_ROOM) {
        room = event->count;
        rooms++;
    } else {
        persisted = event->seq;
        failed = event->error;
    }
}

static void open_store(void)
{
    struct ms_store_options options = {.size = sizeof options,
                                       .loop = EV_DEFAULT,
                                       .directory = place.data,
                                       .reserve = RESERVE,
                                       .event = on_event};
    struct ms_complaint complaint;
    enum ms_error error;

    rooms = 0;
    persisted = 0;
    store = ms_store_open(&options, &error, &complaint);
    ck_assert_msg(store != NULL, "%s", complaint.text);
    while (rooms == 0) {
        ev_run(EV_DEFAULT, EVRUN_ONCE);
    }
}

static void set_up(void)
{
    place_make(&place);
    ck_assert_int_eq(mount("tmpfs", place.path, "tmpfs", 0, "size=64m"), 0);
    open_store();
}

static void tear_down(void)
{
    ms_store_close(store);
    umount2(place.path, MNT_DETACH);
    place_remove(&place);
    entries_finish(&entries);
}

static void write_one(void)
{
    entries_put_sized(&entries, ++seq, ENTRY_SIZE);
    ms_store_write(store, seq, entries_take(&entries));
}

static void wait_for(ms_seq wanted)
{
    while (persisted < wanted) {
        ck_assert_int_eq(failed, MS_E_OK);
        ev_run(EV_DEFAULT, EVRUN_ONCE);
    }
}

/* As an engine would: until there is less room than the reserve. */
static void fill(void)
{
    while (room >= RESERVE) {
        write_one();
        wait_for(seq);
        ck_assert_uint_lt(seq, 4000);
    }
}

/* Takes all that the disk has, as another program would. */
static int hog(void)
{
    char path[128];
    static uint8_t block[65536];
    int fd;

    snprintf(path, sizeof path, "%s/hog", place.path);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ck_assert_int_ge(fd, 0);
    for (size_t size = sizeof block; size > 0; size /= 2) {
        while (write(fd, block, size) == (ssize_t)size) {
        }
    }
    ck_assert_int_eq(errno, ENOSPC);
    return fd;
}

static bool count_one(void *context, ms_seq number, struct ms_bytes entry)
{
    entries_check(number, entry, number == big ? BIG_SIZE : ENTRY_SIZE);
    ++*(uint64_t *)context;
    return true;
}

static void check_all_there(void)
{
    struct ms_complaint complaint;
    uint64_t count = 0;

    ck_assert(ms_store_close(store));
    open_store();
    ck_assert_int_eq(ms_store_replay(store, count_one, &count, &complaint), MS_E_OK);
    ck_assert_uint_eq(count, seq);
}

START_TEST(test_results_fit_after_the_last_submission)
{
    struct ms_store_stats stats;
    ms_seq full_at;

    fill();
    full_at = seq;
    ck_assert_uint_gt(full_at, 100);
    ms_store_stats(store, &stats);
    ck_assert(stats.is_full);
    while ((seq - full_at) * ENTRY_SIZE < RESERVE - ENTRY_SIZE) {
        write_one();
        wait_for(seq);
    }
    ms_store_stats(store, &stats);
    ck_assert(!stats.is_failed);
    check_all_there();
}
END_TEST

START_TEST(test_somebody_else_fills_the_disk)
{
    int other = hog();
    struct ms_store_stats stats;

    for (int i = 0; i < (int)(RESERVE / ENTRY_SIZE); i++) {
        write_one();
        wait_for(seq);
    }
    ck_assert_uint_lt(room, RESERVE);
    ck_assert_int_eq(ftruncate(other, 0), 0);
    close(other);
    do { /* it looks by itself once a second */
        ev_run(EV_DEFAULT, EVRUN_ONCE);
        ms_store_stats(store, &stats);
    } while (stats.is_full || room < RESERVE);
    check_all_there();
}
END_TEST

/* A large submission is refused while there is still more room than the reserve. */
START_TEST(test_room_is_told_though_nothing_is_written)
{
    const uint64_t wanted = RESERVE + (12u << 20);
    int other = hog();

    ck_assert_int_eq(ftruncate(other, 0), 0);
    write_one();
    wait_for(seq);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(posix_fallocate(other, 0, 28 << 20), 0);
        while (room >= wanted) {
            ev_run(EV_DEFAULT, EVRUN_ONCE);
        }
        ck_assert_uint_gt(room, RESERVE);
        ck_assert_int_eq(ftruncate(other, 0), 0);
        while (room < wanted) {
            ev_run(EV_DEFAULT, EVRUN_ONCE);
        }
    }
    close(other);
    check_all_there();
}
END_TEST

static void write_big(void)
{
    big = ++seq;
    entries_put_sized(&entries, big, BIG_SIZE);
    ms_store_write(store, seq, entries_take(&entries));
}

/* Nobody should go beyond the reserve, but what does is not lost. */
START_TEST(test_what_does_not_fit_waits)
{
    int other = hog();

    write_one();
    wait_for(seq);
    write_big();
    while (room > 0) {
        ev_run(EV_DEFAULT, EVRUN_ONCE);
    }
    write_one();
    ck_assert_uint_eq(persisted, 1);
    ck_assert_int_eq(failed, MS_E_OK);
    ck_assert_int_eq(ftruncate(other, 0), 0);
    close(other);
    wait_for(seq);
    check_all_there();
}
END_TEST

START_TEST(test_closing_on_a_full_disk_says_so)
{
    int other = hog();

    write_one();
    wait_for(seq);
    write_big();
    ck_assert(!ms_store_close(store));
    close(other);
    seq--;
    store = NULL;
    open_store();
    check_all_there();
}
END_TEST

START_TEST(test_starting_on_a_full_disk)
{
    int other;

    for (int i = 0; i < 50; i++) {
        write_one();
    }
    wait_for(seq);
    ms_store_close(store);
    other = hog();
    open_store();
    write_one(); /* the epoch of a new life */
    wait_for(seq);
    close(other);
    check_all_there();
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("store_full");
    TCase *io = tcase_create("full");

    tcase_set_timeout(io, 60);
    tcase_add_checked_fixture(io, set_up, tear_down);
    tcase_add_test(io, test_results_fit_after_the_last_submission);
    tcase_add_test(io, test_somebody_else_fills_the_disk);
    tcase_add_test(io, test_room_is_told_though_nothing_is_written);
    tcase_add_test(io, test_what_does_not_fit_waits);
    tcase_add_test(io, test_closing_on_a_full_disk_says_so);
    tcase_add_test(io, test_starting_on_a_full_disk);
    suite_add_tcase(all, io);
    return all;
}

int main(void)
{
    /* Mounts of our own: they end with us, and nobody else sees them. */
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) {
        fprintf(stderr, "skipped: mounting a small disk needs root: %s\n", strerror(errno));
        return 77;
    }
    return run_suite(suite());
}
