#include "core/io/store_aside.h"

#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
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
    ck_assert_uint_eq(ms_store_aside_tidy(directory, 3600 * MS_SEC), 2);
    ck_assert(is_there("divergent-7.db"));
    ck_assert_uint_eq(ms_store_aside_tidy(directory, -3600 * MS_SEC), 0);
    ck_assert(!is_there("divergent-7.db") && !is_there("divergent-7-2.db"));
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        ck_assert(is_there(others[i]));
        drop(others[i]);
    }
    ck_assert_int_eq(rmdir(directory), 0);
    ck_assert_uint_eq(ms_store_aside_tidy(directory, 0), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("store_aside");
    TCase *tests = tcase_create("all");

    tcase_add_test(tests, old_ones_are_removed_and_others_counted);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
