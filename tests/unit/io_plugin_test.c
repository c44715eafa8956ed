#include "core/io/plugin.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/limits.h"
#include "core/router.h"

#define HANDLERS MS_TEST_BUILD_DIR "/lib/muster/handlers"

static struct ms_plugins *plugins;
static struct ms_complaint complaint;
static char directory[] = "/tmp/io_plugin_test.XXXXXX";

static void setup(void)
{
    plugins = ms_plugins_create();
    ck_assert_ptr_nonnull(plugins);
    ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void teardown(void)
{
    static const char *const made[] = {"echo.so", "mine.so", "text.so"};

    ms_plugins_destroy(plugins);
    for (size_t i = 0; i < sizeof made / sizeof made[0]; i++) {
        char path[128];

        snprintf(path, sizeof path, "%s/%s", directory, made[i]);
        unlink(path);
    }
    ck_assert_int_eq(rmdir(directory), 0);
}

static int run(struct ms_job *job, void *state)
{
    (void)job;
    (void)state;
    return MS_OK;
}

static struct ms_handler handler(const char *name, uint64_t type)
{
    return (struct ms_handler){MS_HANDLER_HEADER, .name = name, .type = type, .run = run};
}

static bool add(const struct ms_handler *added, const char *origin)
{
    return ms_plugins_add(plugins, added, origin, "", &complaint);
}

static void complains(const char *words)
{
    ck_assert_msg(strstr(complaint.text, words) != NULL, "'%s' is not in '%s'", words,
                  complaint.text);
}

/* Copies the built echo.so to path, with the abi at the head of its struct replaced. */
static void copy_plugin(const char *path, uint32_t abi)
{
    static char bytes[4u << 20];
    const uint32_t head[2] = {MS_HANDLER_ABI, sizeof(struct ms_handler)};
    FILE *from = fopen(HANDLERS "/echo.so", "rb");

    ck_assert_ptr_nonnull(from);
    const size_t size = fread(bytes, 1, sizeof bytes, from);

    fclose(from);
    char *place = memmem(bytes, size, head, sizeof head);

    ck_assert_ptr_nonnull(place);
    memcpy(place, &abi, sizeof abi);
    FILE *to = fopen(path, "wb");

    ck_assert_ptr_nonnull(to);
    ck_assert_uint_eq(fwrite(bytes, 1, size, to), size);
    fclose(to);
}

START_TEST(loads_a_file_and_a_directory)
{
    ck_assert_msg(ms_plugins_load(plugins, HANDLERS "/echo.so", &complaint), "%s", complaint.text);
    ck_assert_uint_eq(ms_plugins_count(plugins), 1);
    ck_assert(
        ms_plugins_load_directory(plugins, HANDLERS, &complaint)); /* echo again is no clash */
    ck_assert_ptr_nonnull(ms_plugins_find(plugins, ms_type_of_name("echo")));
    ck_assert_ptr_nonnull(ms_plugins_find(plugins, ms_type_of_name("sleep")));
    ck_assert_ptr_nonnull(ms_plugins_find(plugins, ms_type_of_name("checksum")));
    ck_assert_ptr_null(ms_plugins_find(plugins, ms_type_of_name("crash"))); /* only on request */
    ck_assert(ms_plugins_load(plugins, HANDLERS "/crash.so", &complaint));
    ck_assert_ptr_nonnull(ms_plugins_find(plugins, ms_type_of_name("crash")));
}
END_TEST

START_TEST(arguments_follow_the_file)
{
    ck_assert(ms_plugins_load(plugins, HANDLERS "/echo.so:a=1,b:2", &complaint));
    ck_assert_str_eq(ms_plugins_at(plugins, 0)->args, "a=1,b:2");
    ck_assert_str_eq(ms_plugins_at(plugins, 0)->origin, HANDLERS "/echo.so");
}
END_TEST

START_TEST(another_abi_is_refused_with_both_numbers)
{
    char path[128];

    snprintf(path, sizeof path, "%s/echo.so", directory);
    copy_plugin(path, 77);
    ck_assert(!ms_plugins_load(plugins, path, &complaint));
    complains("ABI is 77, this program has 1");
    complains(path);
    ck_assert_uint_eq(ms_plugins_count(plugins), 0);
}
END_TEST

START_TEST(another_size_is_refused_with_both_numbers)
{
    struct ms_handler large = handler("a", 0);

    large.size += 8;
    ck_assert(!add(&large, "a.so"));
    char words[32];

    snprintf(words, sizeof words, "%u bytes", (unsigned)large.size);
    complains(words);
    snprintf(words, sizeof words, "to %zu", sizeof large);
    complains(words);
}
END_TEST

START_TEST(two_files_for_one_name_are_refused_by_name)
{
    char path[128];

    snprintf(path, sizeof path, "%s/mine.so", directory);
    copy_plugin(path, MS_HANDLER_ABI);
    ck_assert(ms_plugins_load(plugins, HANDLERS "/echo.so", &complaint));
    ck_assert(!ms_plugins_load(plugins, path, &complaint));
    complains(path);
    complains(HANDLERS "/echo.so");
}
END_TEST

START_TEST(two_names_for_one_type_are_refused)
{
    const struct ms_handler a = handler("a", 5000);
    const struct ms_handler b = handler("b", 5000);

    ck_assert(add(&a, "a.so"));
    ck_assert(!add(&b, "b.so"));
    complains("a.so");
    complains("b.so");
}
END_TEST

START_TEST(what_is_no_handler_is_refused)
{
    char path[128];

    ck_assert(!ms_plugins_load(plugins, "/nonexistent/x.so", &complaint));
    complains("/nonexistent/x.so");
    ck_assert(!ms_plugins_load(plugins, "libm.so.6", &complaint)); /* not searched for */
    ck_assert(!ms_plugins_load_directory(plugins, "/nonexistent", &complaint));
    complains("/nonexistent");
    snprintf(path, sizeof path, "%s/text.so", directory);
    FILE *file = fopen(path, "w");

    fputs("not a shared object", file);
    fclose(file);
    ck_assert(!ms_plugins_load_directory(plugins, directory, &complaint));
    complains("text.so");
}
END_TEST

START_TEST(bad_handlers_are_refused)
{
    struct ms_handler bad = handler("", 0);

    ck_assert(!add(&bad, "x"));
    bad.name = NULL;
    ck_assert(!add(&bad, "x"));
    bad.name = "white space";
    ck_assert(!add(&bad, "x"));
    bad.name = "a";
    bad.type = 1023;
    ck_assert(!add(&bad, "x"));
    complains("1024");
    bad.type = 0;
    bad.run = NULL;
    ck_assert(!add(&bad, "x"));
}
END_TEST

/* Counts what is started, and lets the one named "bad" fail. */
static int started;

static int init(const struct ms_host *host, const char *args, void **state)
{
    (void)host;
    *state = &started;
    if (strcmp(args, "bad") == 0) {
        return -5;
    }
    started++;
    return 0;
}

static void finish(void *state)
{
    ck_assert_ptr_eq(state, &started);
    started--;
}

START_TEST(a_failed_start_undoes_what_was_started)
{
    struct ms_handler a = handler("a", 0);
    struct ms_handler b = handler("b", 0);

    a.init = b.init = init;
    a.finish = b.finish = finish;
    ck_assert(ms_plugins_add(plugins, &a, "a", "", &complaint));
    ck_assert(ms_plugins_add(plugins, &b, "b", "bad", &complaint));
    ck_assert(!ms_plugins_start(plugins, NULL, &complaint));
    complains("-5");
    ck_assert_int_eq(started, 0);
    ms_plugins_remove(plugins, ms_plugins_find(plugins, ms_type_of_name("b")));
    ck_assert(ms_plugins_start(plugins, NULL, &complaint));
    ck_assert_int_eq(started, 1);
    ms_plugins_stop(plugins);
    ms_plugins_stop(plugins);
    ck_assert_int_eq(started, 0);
}
END_TEST

START_TEST(there_is_a_limit)
{
    static struct ms_handler many[MS_SLAVE_TYPES_MAX + 1];

    for (uint64_t i = 0; i <= MS_SLAVE_TYPES_MAX; i++) {
        static char names[MS_SLAVE_TYPES_MAX + 1][16];

        snprintf(names[i], sizeof names[i], "h%u", (unsigned)i);
        many[i] = handler(names[i], 3000 + i);
        ck_assert(add(&many[i], "many") == (i < MS_SLAVE_TYPES_MAX));
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("io_plugin");
    TCase *tests = tcase_create("plugin");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, loads_a_file_and_a_directory);
    tcase_add_test(tests, arguments_follow_the_file);
    tcase_add_test(tests, another_abi_is_refused_with_both_numbers);
    tcase_add_test(tests, another_size_is_refused_with_both_numbers);
    tcase_add_test(tests, two_files_for_one_name_are_refused_by_name);
    tcase_add_test(tests, two_names_for_one_type_are_refused);
    tcase_add_test(tests, what_is_no_handler_is_refused);
    tcase_add_test(tests, bad_handlers_are_refused);
    tcase_add_test(tests, a_failed_start_undoes_what_was_started);
    tcase_add_test(tests, there_is_a_limit);
    suite_add_tcase(suite, tests);

    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
