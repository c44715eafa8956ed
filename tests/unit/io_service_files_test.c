#include "core/io/service_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/suite.h"

#define SERVICES MS_TEST_BUILD_DIR "/lib/muster/services"
#define HANDLERS MS_TEST_BUILD_DIR "/lib/muster/handlers"

static struct ms_service_files files;
static struct ms_complaint complaint;
static char directory[64];

static void setup(void)
{
    snprintf(directory, sizeof directory, "/tmp/service_files_test.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    memset(&files, 0, sizeof files);
}

static void path_of(char *out, size_t size, const char *name)
{
    snprintf(out, size, "%s/%s", directory, name);
}

static void drop(const char *name)
{
    char path[128];

    path_of(path, sizeof path, name);
    unlink(path);
}

static void teardown(void)
{
    ms_service_files_finish(&files);
    drop("a.service");
    drop("b.service");
    drop("a b.service");
    drop("note.txt");
    ck_assert_int_eq(rmdir(directory), 0);
}

static void describe(const char *name, const char *text)
{
    char path[128];
    FILE *file;

    path_of(path, sizeof path, name);
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

static void refuses(const char *text, const char *words)
{
    describe("a.service", text);
    ck_assert(!ms_service_files_load(&files, directory, &complaint));
    ck_assert_msg(strstr(complaint.text, words) != NULL, "'%s' is not in '%s'", words,
                  complaint.text);
    ms_service_files_finish(&files);
}

START_TEST(what_is_dropped_in_is_found)
{
    describe("b.service", "# the second\nlibrary = " SERVICES "/kv.so\nparameters = x=1&y=2\n");
    describe("a.service", "\n  library=" SERVICES "/kv.so  \n");
    describe("note.txt", "nothing of it is read");
    ck_assert_msg(ms_service_files_load(&files, directory, &complaint), "%s", complaint.text);
    ck_assert_uint_eq(files.count, 2);
    ck_assert_str_eq(files.items[0].name, "a");
    ck_assert_str_eq(files.items[0].parameters, "");
    ck_assert_str_eq(files.items[1].name, "b");
    ck_assert_str_eq(files.items[1].parameters, "x=1&y=2");
    ck_assert_str_eq(files.items[1].service->type, "kv");
}
END_TEST

START_TEST(those_that_come_with_muster_are_found)
{
    ck_assert_msg(ms_service_files_load(&files, SERVICES, &complaint), "%s", complaint.text);
    ck_assert_uint_ge(files.count, 1);
}
END_TEST

START_TEST(mistakes_are_named)
{
    refuses("library = nothing.so\n", "nothing.so");
    refuses("library = " HANDLERS "/echo.so\n", "ms_service_v1");
    refuses("parameters = x\n", "names no library");
    refuses("# one\nlibary = kv.so\n", "a.service:2: 'libary' is unknown");
    refuses("something\n", "a.service:1:");
    refuses("library =\n", "a.service:1:");
    drop("a.service");
    describe("a b.service", "library = x.so\n");
    ck_assert(!ms_service_files_load(&files, directory, &complaint));
    ck_assert(!ms_service_files_load(&files, "/nowhere/at/all", &complaint));
    ck_assert_ptr_nonnull(strstr(complaint.text, "/nowhere/at/all"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("io_service_files");
    TCase *tests = tcase_create("all");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, what_is_dropped_in_is_found);
    tcase_add_test(tests, those_that_come_with_muster_are_found);
    tcase_add_test(tests, mistakes_are_named);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
