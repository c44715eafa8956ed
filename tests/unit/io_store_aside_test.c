#include "core/io/store_aside.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char directory[] = "/tmp/ms-aside-XXXXXX";

static void make(const char *name)
{
    char path[128];

    snprintf(path, sizeof path, "%s/%s", directory, name);
    const int fd = open(path, O_CREAT | O_WRONLY, 0600);
    ck_assert_int_ge(fd, 0);
    close(fd);
}

static bool is_there(const char *name)
{
    char path[128];

    snprintf(path, sizeof path, "%s/%s", directory, name);
    return access(path, F_OK) == 0;
}

static void drop(const char *name)
{
    char path[128];

    snprintf(path, sizeof path, "%s/%s", directory, name);
    unlink(path);
}

static void want(ms_time keep, uint32_t merged, uint32_t unmerged)
{
    const struct ms_asides asides = ms_store_aside_tidy(directory, keep);

    ck_assert_uint_eq(asides.count[MS_ASIDE_MERGED], merged);
    ck_assert_uint_eq(asides.count[MS_ASIDE_UNMERGED], unmerged);
}

static bool drop_one(void)
{
    const int fd = open(directory, O_RDONLY | O_DIRECTORY);
    const bool is_dropped = ms_store_aside_drop(fd);

    ck_assert_int_ge(fd, 0);
    close(fd);
    return is_dropped;
}

static void give_second_name(const char *from, const char *to)
{
    const int fd = open(directory, O_RDONLY | O_DIRECTORY);

    ck_assert_int_eq(linkat(fd, from, fd, to, 0), 0);
    close(fd);
}

/* Until a file that is made now is younger: its clock goes in steps. */
static void wait_for_the_clock(const char *name)
{
    struct stat first, file;
    char path[128];

    snprintf(path, sizeof path, "%s/%s", directory, name);
    ck_assert_int_eq(stat(path, &first), 0);
    do {
        make("clock");
        snprintf(path, sizeof path, "%s/clock", directory);
        ck_assert_int_eq(stat(path, &file), 0);
        drop("clock");
    } while (file.st_ctim.tv_sec == first.st_ctim.tv_sec &&
             file.st_ctim.tv_nsec == first.st_ctim.tv_nsec);
}

START_TEST(old_ones_are_removed_and_others_counted)
{
    static const char *const others[] = {"store.db", "divergent-.txt", "divergent-1.db-wal",
                                         "xdivergent-1.db"};

    ck_assert_ptr_nonnull(mkdtemp(directory));
    make("divergent-7.db");
    make("divergent-7-2.db");
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        make(others[i]);
    }
    want(3600 * MS_SEC, 2, 0);
    ck_assert(is_there("divergent-7.db"));
    want(-3600 * MS_SEC, 0, 0);
    ck_assert(!is_there("divergent-7.db") && !is_there("divergent-7-2.db"));
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        ck_assert(is_there(others[i]));
        drop(others[i]);
    }
    ck_assert_int_eq(rmdir(directory), 0);
    want(0, 0, 0);
}
END_TEST

START_TEST(what_was_not_merged_is_nothing_to_remove)
{
    ck_assert_ptr_nonnull(mkdtemp(directory));
    make("unmerged-7.db");
    make("unmerged-7-2.db");
    make("unmerged-.txt");
    want(-3600 * MS_SEC, 0, 2);
    ck_assert(!drop_one());
    want(-3600 * MS_SEC, 0, 2);
    drop("unmerged-7.db");
    drop("unmerged-7-2.db");
    want(0, 0, 0);
    drop("unmerged-.txt");
    ck_assert_int_eq(rmdir(directory), 0);
}
END_TEST

/* One that has two names is being set aside: it may be the store yet. */
START_TEST(the_oldest_gives_way_first)
{
    ck_assert_ptr_nonnull(mkdtemp(directory));
    make("store.db");
    make("divergent-9.db");
    wait_for_the_clock("divergent-9.db");
    make("divergent-3.db");
    give_second_name("store.db", "divergent-1.db");
    ck_assert(drop_one());
    ck_assert(!is_there("divergent-9.db") && is_there("divergent-3.db"));
    ck_assert(drop_one());
    ck_assert(!is_there("divergent-3.db") && is_there("divergent-1.db"));
    ck_assert(!drop_one());
    drop("divergent-1.db");
    drop("store.db");
    ck_assert_int_eq(rmdir(directory), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store_aside");
    TCase *tests = tcase_create("all");

    tcase_add_test(tests, old_ones_are_removed_and_others_counted);
    tcase_add_test(tests, what_was_not_merged_is_nothing_to_remove);
    tcase_add_test(tests, the_oldest_gives_way_first);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
