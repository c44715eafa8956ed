#include "core/io/load.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/suite.h"

static char directory[] = "/tmp/muster_load_XXXXXX";

static void write_file(const char *name, const char *text)
{
    char path[256];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", directory, name);
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

static void remove_file(const char *name)
{
    char path[256];

    snprintf(path, sizeof path, "%s/%s", directory, name);
    unlink(path);
}

static void setup(void)
{
    ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void teardown(void)
{
    remove_file("stat");
    remove_file("meminfo");
    rmdir(directory);
}

START_TEST(test_reads)
{
    struct ms_load_meter meter;
    struct ms_load load = {.running = 3};

    write_file("stat", "cpu  100 0 100 700 100 0 0 0 50 0\ncpu0 1 2 3\n");
    write_file("meminfo", "MemTotal:  1000 kB\nMemFree: 100 kB\nMemAvailable:  250 kB\n");
    ms_load_meter_init(&meter, directory);
    write_file("stat", "cpu  150 10 120 790 110 10 10 0 90 0\ncpu0 1 2 3\n");
    ms_load_meter_read(&meter, &load);
    ck_assert_uint_eq(load.cpu, 500);
    ck_assert_uint_eq(load.memory, 750);
    ck_assert_uint_eq(load.running, 3);
    ms_load_meter_read(&meter, &load); /* no time has passed */
    ck_assert_uint_eq(load.cpu, MS_PERMILLE_UNKNOWN);
}
END_TEST

START_TEST(test_what_cannot_be_told)
{
    struct ms_load_meter meter;
    struct ms_load load;

    ms_load_meter_init(&meter, directory); /* nothing is there */
    ms_load_meter_read(&meter, &load);
    ck_assert_uint_eq(load.cpu, MS_PERMILLE_UNKNOWN);
    ck_assert_uint_eq(load.memory, MS_PERMILLE_UNKNOWN);
    write_file("stat", "cpu  1 2 3\n");
    write_file("meminfo", "MemTotal:  1000 kB\nMemAvailable:  2000 kB\n");
    ms_load_meter_read(&meter, &load);
    ck_assert_uint_eq(load.cpu, MS_PERMILLE_UNKNOWN);
    ck_assert_uint_eq(load.memory, MS_PERMILLE_UNKNOWN);
}
END_TEST

START_TEST(test_of_this_machine)
{
    struct ms_load_meter meter;
    struct ms_load load;

    ms_load_meter_init(&meter, NULL);
    ck_assert_uint_gt(meter.total, 0);
    ms_load_meter_read(&meter, &load);
    ck_assert_uint_le(load.memory, MS_PERMILLE_MAX);
    ck_assert(load.cpu <= MS_PERMILLE_MAX || load.cpu == MS_PERMILLE_UNKNOWN);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("io_load");
    TCase *tests = tcase_create("load");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_reads);
    tcase_add_test(tests, test_what_cannot_be_told);
    tcase_add_test(tests, test_of_this_machine);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
