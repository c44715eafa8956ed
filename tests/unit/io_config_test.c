/* A file's values reach the options at the level of a file; the environment's at its own. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/io/config.h"
#include "core/sections.h"

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

struct pipe {
    uint64_t wide_open;
    struct ms_option_list ends;
};

static const struct ms_option pipe_rows[] = {
    {.name = "wide-open",
     .kind = MS_OPTION_U64,
     .max = 9,
     .key = "wide-open",
     .group = "Pipe",
     .help = "width",
     .offset = offsetof(struct pipe, wide_open)},
    {.name = "ends",
     .kind = MS_OPTION_LIST,
     .key = "ends",
     .help = "both",
     .offset = offsetof(struct pipe, ends)},
};

static const struct ms_section_kind pipe_kind = {.name = "pipe",
                                                 .title = "NAME",
                                                 .help = "a pipe",
                                                 .table = pipe_rows,
                                                 .count = 2,
                                                 .target_size = sizeof(struct pipe)};
static const struct ms_section_kind tank_kind = {.name = "tank",
                                                 .title = "NAME",
                                                 .help = "a tank",
                                                 .table = pipe_rows,
                                                 .count = 1,
                                                 .target_size = sizeof(struct pipe)};
static const struct ms_section_kind *const kinds[] = {&pipe_kind, &tank_kind, NULL};

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

static void set_up_sections(void)
{
    set_up();
    options.sections = ms_sections_create(kinds);
    ck_assert_ptr_nonnull(options.sections);
}

static void begin_anew(void)
{
    ms_options_finish(&options);
    ck_assert(ms_options_init(&options, table, sizeof table / sizeof *table, &target));
    options.sections = ms_sections_create(kinds);
    ck_assert_ptr_nonnull(options.sections);
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

START_TEST(test_sections)
{
    const struct ms_section *section;
    const struct pipe *pipe;

    ck_assert_msg(read_text("name = \"n\" # {\npipe \"a*\" { wide-open = 3 ends = {\"x\", y} }\n"
                            "pipe b {\n}\ntank \"a*\"\n{ wide_open = 4\n}\nmax-payload = 2KiB\n"),
                  "%s", complaint.text);
    ck_assert_uint_eq(target.payload_max, 2048);
    ck_assert_uint_eq(options.sections->count, 3);
    section = options.sections->items[0];
    pipe = section->options.target;
    ck_assert_str_eq(section->title, "a*");
    ck_assert_ptr_eq(section->kind, &pipe_kind);
    ck_assert_uint_eq(section->place.line, 2);
    ck_assert_uint_eq(pipe->wide_open, 3);
    ck_assert_uint_eq(pipe->ends.count, 2);
    ck_assert_str_eq(pipe->ends.items[1], "y");
    ck_assert_uint_eq(options.sections->items[1]->place.line, 3);
    section = options.sections->items[2];
    pipe = section->options.target;
    ck_assert_ptr_eq(section->kind, &tank_kind);
    ck_assert_uint_eq(section->lines[0], 6);
    ck_assert_uint_eq(pipe->wide_open, 4);
}
END_TEST

static const struct {
    const char *text, *says; /* behind the path */
} mistakes[] = {
    {"\npipe \"a\" {\n  wide = 3\n}\n",
     ":3: pipe \"a\": unknown key 'wide'; valid keys: wide-open, ends"},
    {"\nhose \"a\" {\n}\n",
     ":2: unknown key 'hose'; valid sections: pipe, tank; valid keys: max-payload, name"},
    {"pipe \"a\" {\n\n wide-open = 10 }\n",
     ":3: pipe \"a\": wide-open: the value is out of range: 0 to 9"},
    {"pipe \"a\" {\n wide-open = 1\n wide_open = 2 }\n", ":3: this key was set before"},
    {"pipe \"a\" {\n}\n\npipe \"a\" { wide-open = 1 }\n",
     ":4: pipe \"a\": it is there already, at PATH:1"},
    {"pipe \"a\" {\n}\npipe \"a\" {\n}\n", ":3: pipe \"a\": it is there already, at PATH:1"},
    {"pipe {\n}\n", ":1: missing title for section 'pipe'"},
    {"pipe \"a\" {\n wide-open = 1\n\npipe \"b\" {}\n", ":1: this brace is not closed"},
    {"pipe \"\" {\n}\n", ":1: pipe \"\": a title of 0 bytes: 1 to 63 are allowed"},
};

START_TEST(test_mistakes_in_sections)
{
    char expected[256], *hole;

    ck_assert(!read_text(mistakes[_i].text));
    snprintf(expected, sizeof expected, "%s%s", path, mistakes[_i].says);
    hole = strstr(expected, "PATH");
    if (hole != NULL) {
        snprintf(hole, sizeof expected - (size_t)(hole - expected), "%s:1", path);
    }
    ck_assert_str_eq(complaint.text, expected);
}
END_TEST

START_TEST(test_sections_of_included_files)
{
    char included[] = "/tmp/muster-config-included-XXXXXX", text[160], says[160];
    int fd = mkstemp(included);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_gt(dprintf(fd, "\npipe \"a\" { wide-open = 5 }\n"), 0);
    close(fd);
    snprintf(text, sizeof text, "pipe \"b\" {}\ninclude('%s')\n", included);
    ck_assert_msg(read_text(text), "%s", complaint.text);
    ck_assert_uint_eq(options.sections->count, 2);
    ck_assert_str_eq(options.sections->items[1]->place.file, included);
    ck_assert_uint_eq(options.sections->items[1]->place.line, 2);
    begin_anew();
    snprintf(text, sizeof text, "pipe \"a\" {}\ninclude('%s')\n", included);
    ck_assert(!read_text(text));
    unlink(included);
    snprintf(says, sizeof says, "%s:2: pipe \"a\": it is there already, at %s:1", included, path);
    ck_assert_str_eq(complaint.text, says);
}
END_TEST

START_TEST(test_sections_are_dumped)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);

    ck_assert(read_text("pipe 'a\"b' { ends = {'x', 'y'} wide-open = 2 }\ntank t {}\n"));
    ms_config_dump(&options, stream);
    fclose(stream);
    ck_assert_ptr_nonnull(strstr(text, "\npipe \"a\\\"b\" {\n    wide-open = \"2\"\n"
                                       "    ends = {\"x\", \"y\"}\n}\ntank \"t\" {\n}\n"));
    begin_anew();
    ck_assert_msg(read_text(text), "%s", complaint.text);
    ck_assert_str_eq(options.sections->items[0]->title, "a\"b");
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

    TCase *sections = tcase_create("sections");

    tcase_add_checked_fixture(sections, set_up_sections, tear_down);
    tcase_add_test(sections, test_sections);
    tcase_add_loop_test(sections, test_mistakes_in_sections, 0,
                        sizeof mistakes / sizeof mistakes[0]);
    tcase_add_test(sections, test_sections_of_included_files);
    tcase_add_test(sections, test_sections_are_dumped);
    suite_add_tcase(all, sections);
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
