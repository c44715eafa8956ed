/* A file's values reach the options at the level of a file; the environment's at its own. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/io/config.h"

struct target {
    uint64_t payload_max;
    const char *name;
};

static const struct ms_option table[] = {
    {.name = "max-payload",
     .kind = MS_OPTION_SIZE,
     .default_text = "1MiB",
     .env = "MUSTER_TEST_PAYLOAD",
     .key = "max-payload",
     .group = "All",
     .help = "longest payload",
     .offset = offsetof(struct target, payload_max)},
    {.name = "name",
     .kind = MS_OPTION_STRING,
     .key = "name",
     .help = "name",
     .offset = offsetof(struct target, name)},
};

static struct target target;
static struct ms_options options;
static struct ms_complaint complaint;
static char path[] = "/tmp/muster-config-XXXXXX";

static bool read_text(const char *text)
{
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
    return ms_config_read(&options, path, &complaint);
}

static void set_up(void)
{
    int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    close(fd);
    ck_assert(ms_options_init(&options, table, sizeof table / sizeof *table, &target));
}

static void tear_down(void)
{
    ms_options_finish(&options);
    unlink(path);
}

START_TEST(test_values)
{
    ck_assert_msg(read_text("# all\nmax_payload = 64KiB\nname = 'a b' // end\n"), "%s",
                  complaint.text);
    ck_assert_uint_eq(target.payload_max, 65536);
    ck_assert_str_eq(target.name, "a b");
    ck_assert_int_eq(ms_options_level(&options, &table[0]), MS_OPTION_FILE);
}
END_TEST

START_TEST(test_empty)
{
    ck_assert(read_text(""));
    ck_assert_uint_eq(target.payload_max, 1 << 20);
    ck_assert_int_eq(ms_options_level(&options, &table[1]), MS_OPTION_UNSET);
}
END_TEST

START_TEST(test_environment_wins)
{
    setenv("MUSTER_TEST_PAYLOAD", "2MiB", 1);
    ck_assert(ms_config_environment(&options, &complaint));
    ck_assert(read_text("max-payload = 64KiB\n"));
    ck_assert_uint_eq(target.payload_max, 2 << 20);
    setenv("MUSTER_TEST_PAYLOAD", "2", 1);
    ck_assert(!ms_config_environment(&options, &complaint));
    ck_assert_ptr_nonnull(strstr(complaint.text, "MUSTER_TEST_PAYLOAD"));
}
END_TEST

START_TEST(test_unknown_key_is_told_with_all_known)
{
    char begin[64];

    ck_assert(!read_text("\n\nmax-paylod = 1KiB\n"));
    snprintf(begin, sizeof begin, "%s:3: unknown key 'max-paylod'", path);
    ck_assert_ptr_eq(strstr(complaint.text, begin), complaint.text);
    ck_assert_ptr_nonnull(strstr(complaint.text, "max-payload, name"));
}
END_TEST

START_TEST(test_lines_are_counted_past_comments)
{
    char begin[64];

    ck_assert(
        !read_text("# one\n// two\n/* three\n four */ name = 'a#//b' # end\nmax-paylod = 1\n"));
    snprintf(begin, sizeof begin, "%s:5: unknown key 'max-paylod'", path);
    ck_assert_msg(strstr(complaint.text, begin) == complaint.text, "%s", complaint.text);
    ck_assert_str_eq(target.name, "a#//b");
}
END_TEST

START_TEST(test_included_files_have_lines_of_their_own)
{
    char included[] = "/tmp/muster-config-included-XXXXXX", text[128], begin[64];
    int fd = mkstemp(included);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(dprintf(fd, "# comment\nname = 'from there'\nmax-paylod = 1\n"), 45);
    close(fd);
    snprintf(text, sizeof text, "include('%s')\n", included);
    ck_assert(!read_text(text));
    unlink(included);
    snprintf(begin, sizeof begin, "%s:3: unknown key", included);
    ck_assert_msg(strstr(complaint.text, begin) == complaint.text, "%s", complaint.text);
    ck_assert_str_eq(target.name, "from there");
}
END_TEST

START_TEST(test_dump)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);

    ck_assert(read_text("max-payload = 4KiB\n"));
    ms_config_dump(&options, stream);
    fclose(stream);
    ck_assert_ptr_nonnull(strstr(text, "max-payload = \"4KiB\" # file\n"));
    ck_assert_ptr_nonnull(strstr(text, "# name = \"\" # not set\n"));
    ck_assert(read_text(text));
    free(text);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("config");
    TCase *io = tcase_create("io");

    tcase_add_checked_fixture(io, set_up, tear_down);
    tcase_add_test(io, test_values);
    tcase_add_test(io, test_empty);
    tcase_add_test(io, test_environment_wins);
    tcase_add_test(io, test_unknown_key_is_told_with_all_known);
    tcase_add_test(io, test_lines_are_counted_past_comments);
    tcase_add_test(io, test_included_files_have_lines_of_their_own);
    tcase_add_test(io, test_dump);
    suite_add_tcase(all, io);
    return all;
}

int main(void)
{
    SRunner *runner = srunner_create(suite());
    int failed;

    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
