/* Command line, environment and file into one target: precedence, and what a mistake is told. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "core/io/cli.h"
#include "core/io/config.h"

struct target {
    const char *config;
    const char *listen;
    uint64_t slots;
    ms_time tick;
    bool exec;
    struct ms_option_list handlers;
};

static const struct ms_option table[] = {
    {.name = "config",
     .short_name = 'c',
     .kind = MS_OPTION_STRING,
     .help = "file",
     .group = "All",
     .offset = offsetof(struct target, config)},
    {.name = "listen-on",
     .short_name = 'l',
     .kind = MS_OPTION_STRING,
     .default_text = "127.0.0.1:7400",
     .env = "MUSTER_TEST_LISTEN",
     .key = "listen-on",
     .help = "address",
     .offset = offsetof(struct target, listen)},
    {.name = "slots",
     .short_name = 's',
     .kind = MS_OPTION_U64,
     .min = 1,
     .max = 4096,
     .default_text = "4",
     .env = "MUSTER_TEST_SLOTS",
     .key = "slots",
     .help = "commands at a time",
     .offset = offsetof(struct target, slots)},
    {.name = "tick",
     .kind = MS_OPTION_DURATION,
     .default_text = "1s",
     .key = "tick",
     .help = "length of a tick",
     .offset = offsetof(struct target, tick)},
    {.name = "allow-exec",
     .kind = MS_OPTION_BOOL,
     .key = "allow-exec",
     .help = "run programs",
     .offset = offsetof(struct target, exec)},
    {.name = "handler",
     .kind = MS_OPTION_LIST,
     .key = "handler",
     .help = "load a handler",
     .offset = offsetof(struct target, handlers)},
};

static bool is_sane(const void *target, struct ms_complaint *complaint)
{
    const struct target *values = target;

    if (values->slots == 13) {
        return ms_complain(complaint, "13 slots are unlucky");
    }
    return true;
}

static const struct ms_cli cli = {.program = "test",
                                  .arguments = "[URL]",
                                  .summary = "Tests.",
                                  .table = table,
                                  .count = sizeof table / sizeof *table,
                                  .config_option = "config",
                                  .arguments_max = 1,
                                  .check = is_sane};

static struct target target;
static struct ms_options options;
static char path[] = "/tmp/muster-cli-XXXXXX";
static char out[65536];

static void write_config(const char *text)
{
    FILE *file;

    memcpy(path + sizeof path - sizeof "XXXXXX", "XXXXXX", sizeof "XXXXXX");
    file = fdopen(mkstemp(path), "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

/* Parses with what the program says collected in out. */
static struct ms_cli_result parse_as(const struct ms_cli *with, int argc, char **argv)
{
    FILE *said = tmpfile();
    int saved_out = dup(1), saved_err = dup(2);
    struct ms_cli_result result;
    size_t size;

    ck_assert_ptr_nonnull(said);
    fflush(stdout);
    dup2(fileno(said), 1);
    dup2(fileno(said), 2);
    result = ms_cli_parse(with, argc, argv, &target, &options);
    fflush(stdout);
    dup2(saved_out, 1);
    dup2(saved_err, 2);
    close(saved_out);
    close(saved_err);
    rewind(said);
    size = fread(out, 1, sizeof out - 1, said);
    out[size] = '\0';
    fclose(said);
    return result;
}

#define parse(...)                                                                                 \
    parse_as(&cli, (int)(sizeof((char *[]){"test", __VA_ARGS__}) / sizeof(char *)),                \
             (char *[]){"test", __VA_ARGS__, NULL})

START_TEST(test_defaults_and_flags)
{
    struct ms_cli_result result =
        parse("--slots", "8", "url", "--allow-exec", "--handler=a.so", "--handler", "b.so");

    ck_assert_msg(!result.is_done, "%s", out);
    ck_assert_uint_eq(target.slots, 8);
    ck_assert_str_eq(target.listen, "127.0.0.1:7400");
    ck_assert(target.exec);
    ck_assert_uint_eq(target.handlers.count, 2);
    ck_assert_str_eq(target.handlers.items[1], "b.so");
    ck_assert_int_eq(result.argument_at, 7);
    ms_options_finish(&options);
}
END_TEST

START_TEST(test_precedence)
{
    write_config("# a comment\nslots = 5\nlisten_on = \"[::1]:1\"\ntick = 250ms\n"
                 "handler = {\"one.so\", \"two.so\"}\nallow-exec = true\n");
    setenv("MUSTER_TEST_SLOTS", "6", 1);
    ck_assert_msg(!parse("-c", path).is_done, "%s", out);
    ck_assert_uint_eq(target.slots, 6);
    ck_assert_str_eq(target.listen, "[::1]:1");
    ck_assert_int_eq(target.tick, 250 * MS_MSEC);
    ck_assert(target.exec);
    ck_assert_uint_eq(target.handlers.count, 2);
    ck_assert_str_eq(target.handlers.items[0], "one.so");
    ms_options_finish(&options);
    ck_assert(!parse("-c", path, "-s7", "--handler", "three.so").is_done);
    ck_assert_uint_eq(target.slots, 7);
    ck_assert_uint_eq(target.handlers.count, 1);
    ms_options_finish(&options);
    unsetenv("MUSTER_TEST_SLOTS");
    unlink(path);
}
END_TEST

/* Every mistake in a file: 78, and the words that help. */
static const struct {
    const char *text;
    const char *words[3];
} mistakes[] = {
    {"slots = 4\n\nslotz = 5\n", {":3: ", "slotz", "listen-on, slots, tick"}},
    {"slots = many\n", {":1: ", "slots", "many"}},
    {"slots = 5000\n", {":1: ", "slots", "4096"}},
    {"tick = 5\n", {":1: ", "tick", "5"}},
    {"slots = 1\nslots = 2\n", {":2: ", "before", ""}},
    {"slots = {\n", {":", "", ""}},
    {"slots 4\n", {":1: ", "", ""}},
    {"allow-exec = perhaps\n", {":1: ", "perhaps", ""}},
    {"slots = 13\n", {"unlucky", "", ""}},
    {"include(\"/nonexistent.conf\")\n", {"nonexistent", "", ""}},
};

START_TEST(test_mistakes_in_file)
{
    struct ms_cli_result result;

    write_config(mistakes[_i].text);
    result = parse("--config", path);
    ck_assert(result.is_done);
    ck_assert_int_eq(result.exit_code, EX_CONFIG);
    for (size_t i = 0; i < 3; i++) {
        ck_assert_msg(strstr(out, mistakes[_i].words[i]) != NULL, "%s: %s", mistakes[_i].words[i],
                      out);
    }
    ck_assert_ptr_eq(strstr(out, "test: "), out);
    unlink(path);
}
END_TEST

static const struct {
    const char *arguments[3];
    const char *word;
} wrong_flags[] = {
    {{"--slotz", "4"}, "slots"},
    {{"--slots"}, "--slots needs a value"},
    {{"--slots=x"}, "--slots"},
    {{"-s", "0"}, "1"},
    {{"-x"}, "-x"},
    {{"one", "two"}, "too many"},
    {{"--help=yes"}, "takes no value"},
    {{"--t=5"}, "tick"},
};

START_TEST(test_mistakes_in_flags)
{
    char *argv[5] = {"test"};
    int argc = 1;
    struct ms_cli_result result;

    while (argc < 4 && wrong_flags[_i].arguments[argc - 1] != NULL) {
        argv[argc] = (char *)(uintptr_t)wrong_flags[_i].arguments[argc - 1];
        argc++;
    }
    result = parse_as(&cli, argc, argv);
    ck_assert(result.is_done);
    ck_assert_int_eq(result.exit_code, EX_USAGE);
    ck_assert_msg(strstr(out, wrong_flags[_i].word) != NULL, "%s", out);
    ck_assert_ptr_nonnull(strstr(out, "--help"));
}
END_TEST

START_TEST(test_missing_file_and_directory)
{
    ck_assert_int_eq(parse("-c", "/nonexistent").exit_code, EX_CONFIG);
    ck_assert_ptr_nonnull(strstr(out, "/nonexistent"));
    ck_assert_int_eq(parse("-c", "/tmp").exit_code, EX_CONFIG);
    ck_assert_ptr_nonnull(strstr(out, "directory"));
}
END_TEST

START_TEST(test_environment_mistake)
{
    setenv("MUSTER_TEST_SLOTS", "none", 1);
    ck_assert_int_eq(parse("url").exit_code, EX_CONFIG);
    ck_assert_ptr_nonnull(strstr(out, "MUSTER_TEST_SLOTS"));
    unsetenv("MUSTER_TEST_SLOTS");
}
END_TEST

START_TEST(test_help_and_version)
{
    ck_assert_int_eq(parse("--help").exit_code, EX_OK);
    ck_assert_ptr_nonnull(strstr(out, "Usage: test [OPTION]... [URL]\n"));
    ck_assert_ptr_nonnull(strstr(out, "--slots"));
    ck_assert_ptr_nonnull(strstr(out, "--dump-config"));
    ck_assert_int_eq(parse("-V").exit_code, EX_OK);
    ck_assert_ptr_nonnull(strstr(out, "test (muster) " MS_VERSION "\n"));
}
END_TEST

START_TEST(test_check)
{
    write_config("slots = 9\n");
    ck_assert_int_eq(parse("--check", "-c", path).exit_code, EX_OK);
    ck_assert_str_eq(out, "the configuration is right\n");
    unlink(path);
}
END_TEST

static const struct ms_section_kind door = {.name = "door",
                                            .title = "NAME",
                                            .help = "A door",
                                            .table =
                                                &(const struct ms_option){.name = "width",
                                                                          .kind = MS_OPTION_U64,
                                                                          .max = 9,
                                                                          .key = "width",
                                                                          .group = "Door",
                                                                          .help = "size"},
                                            .count = 1,
                                            .target_size = sizeof(uint64_t)};

START_TEST(test_check_of_sections)
{
    static const struct ms_section_kind *const kinds[] = {&door, NULL};
    char *check[] = {"test", "--check", "-c", path, NULL}, *help[] = {"test", "--help", NULL};
    struct ms_cli with = cli;
    char says[128];

    with.sections = kinds;
    write_config("door \"a\" { width = 3 }\ndoor \"b\" {}\n");
    ck_assert_int_eq(parse_as(&with, 4, check).exit_code, EX_OK);
    ck_assert_str_eq(out, "the configuration is right\ndoor \"a\": width 3\ndoor \"b\"\n");
    ck_assert_int_eq(parse("--check", "-c", path).exit_code, EX_CONFIG);
    unlink(path);
    write_config("\ndoor \"a\" {\n width = 10\n}\n");
    ck_assert_int_eq(parse_as(&with, 4, check).exit_code, EX_CONFIG);
    snprintf(says, sizeof says,
             "test: %s:3: door \"a\": width: the value is out of range: 0 to 9\n", path);
    ck_assert_str_eq(out, says);
    unlink(path);
    ck_assert_int_eq(parse_as(&with, 2, help).exit_code, EX_OK);
    ck_assert_ptr_nonnull(strstr(out, "section door \"NAME\" { ... }:\n  A door\n"));
}
END_TEST

/* What --dump-config prints is a file that means the same. */
START_TEST(test_dump)
{
    ck_assert_int_eq(parse("--slots=9", "--listen-on", "a \"$b\"\\", "--dump-config", "--handler",
                           "x,y.so", "--handler", "z")
                         .exit_code,
                     EX_OK);
    write_config(out);
    ck_assert_msg(!parse("-c", path).is_done, "%s", out);
    ck_assert_uint_eq(target.slots, 9);
    ck_assert_str_eq(target.listen, "a \"$b\"\\");
    ck_assert_uint_eq(target.handlers.count, 2);
    ck_assert_str_eq(target.handlers.items[0], "x,y.so");
    ms_options_finish(&options);
    unlink(path);
}
END_TEST

START_TEST(test_include)
{
    char inner[sizeof path], text[128];

    write_config("slots = 11\nwrong = 1\n");
    memcpy(inner, path, sizeof path);
    snprintf(text, sizeof text, "tick = 2s\ninclude(\"%s\")\n", inner);
    write_config(text);
    ck_assert_int_eq(parse("-c", path).exit_code, EX_CONFIG);
    snprintf(text, sizeof text, "%s:2: ", inner);
    ck_assert_msg(strstr(out, text) != NULL, "%s", out);
    unlink(inner);
    unlink(path);
}
END_TEST

START_TEST(test_ordered)
{
    struct ms_cli ordered = cli;
    char *argv[] = {"map", "--slots", "2", "--", "grep", "--slots", "x", NULL};
    struct ms_cli_result result;

    ordered.is_ordered = true;
    ordered.arguments_max = -1;
    ordered.config_option = NULL;
    result = parse_as(&ordered, 7, argv);
    ck_assert_msg(!result.is_done, "%s", out);
    ck_assert_int_eq(result.argument_at, 4);
    ck_assert_uint_eq(target.slots, 2);
    ms_options_finish(&options);
}
END_TEST

START_TEST(test_reload)
{
    char *argv[] = {"test", "-c", path, "--tick", "3s", NULL};
    struct ms_options fresh;
    struct target values;
    struct ms_complaint complaint;

    write_config("slots = 2\n");
    argv[2] = path;
    ck_assert(!parse_as(&cli, 5, argv).is_done);
    FILE *file = fopen(path, "w");
    fputs("slots = 3\n", file);
    fclose(file);
    ck_assert(ms_cli_reload(&cli, argv, &values, &fresh, &complaint));
    ck_assert_uint_eq(values.slots, 3);
    ck_assert_int_eq(values.tick, 3 * MS_SEC);
    ms_options_finish(&fresh);
    file = fopen(path, "w");
    fputs("slots = x\n", file);
    fclose(file);
    ck_assert(!ms_cli_reload(&cli, argv, &values, &fresh, &complaint));
    ck_assert_ptr_nonnull(strstr(complaint.text, ":1: "));
    ck_assert_uint_eq(target.slots, 2);
    ms_options_finish(&options);
    unlink(path);
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("cli");
    TCase *io = tcase_create("io");

    tcase_add_test(io, test_defaults_and_flags);
    tcase_add_test(io, test_precedence);
    tcase_add_loop_test(io, test_mistakes_in_file, 0, sizeof mistakes / sizeof *mistakes);
    tcase_add_loop_test(io, test_mistakes_in_flags, 0, sizeof wrong_flags / sizeof *wrong_flags);
    tcase_add_test(io, test_missing_file_and_directory);
    tcase_add_test(io, test_environment_mistake);
    tcase_add_test(io, test_help_and_version);
    tcase_add_test(io, test_check);
    tcase_add_test(io, test_check_of_sections);
    tcase_add_test(io, test_dump);
    tcase_add_test(io, test_include);
    tcase_add_test(io, test_ordered);
    tcase_add_test(io, test_reload);
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
