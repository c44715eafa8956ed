#include "core/options.h"

#include <check.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/rng.h"

struct target {
    const char *name;
    bool quiet;
    uint64_t slots;
    uint64_t payload;
    ms_time tick;
    uint32_t format;
    struct ms_option_list handlers;
    const char *master;
};

enum row { NAME, QUIET, SLOTS, PAYLOAD, TICK, FORMAT, HANDLERS, MASTER, ROWS };

static const char *const formats[] = {"logfmt", "json", NULL};

/* clang-format off */
static const struct ms_option table[ROWS] = {
    {.name = "name", .short_name = 'n', .kind = MS_OPTION_STRING, .min = 2, .max = 8,
     .default_text = "slave", .env = "MUSTER_NAME", .key = "name", .group = "General",
     .help = "what it is called", .offset = offsetof(struct target, name)},
    {.name = "quiet", .short_name = 'q', .kind = MS_OPTION_BOOL, .key = "quiet",
     .help = "say nothing", .offset = offsetof(struct target, quiet)},
    {.name = "slots", .kind = MS_OPTION_U64, .min = 1, .max = 64, .default_text = "4",
     .env = "MUSTER_SLOTS", .key = "slots", .group = "Work", .is_reloadable = true,
     .help = "commands it runs at a time", .offset = offsetof(struct target, slots)},
    {.name = "max-payload", .kind = MS_OPTION_SIZE, .min = 1024, .max = 1 << 20,
     .default_text = "1MiB", .key = "max-payload", .help = "largest payload",
     .offset = offsetof(struct target, payload)},
    {.name = "tick", .kind = MS_OPTION_DURATION, .min = 1000, .default_text = "1s", .key = "tick",
     .help = "period of the session walk", .offset = offsetof(struct target, tick)},
    {.name = "log-format", .kind = MS_OPTION_ENUM, .choices = formats, .default_text = "logfmt",
     .env = "MUSTER_LOG_FORMAT", .key = "log-format", .help = "how log lines look",
     .offset = offsetof(struct target, format)},
    {.name = "handler", .kind = MS_OPTION_LIST, .argument = "FILE.so", .min = 1, .max = 5,
     .default_text = "echo.so,sleep.so", .env = "MUSTER_HANDLERS", .key = "handlers",
     .help = "plug-in to load", .offset = offsetof(struct target, handlers)},
    {.name = "master", .kind = MS_OPTION_STRING, .argument = "HOST:PORT", .is_required = true,
     .env = "MUSTER_MASTER", .key = "master", .help = "where the master is",
     .offset = offsetof(struct target, master)},
};
/* clang-format on */

static const struct ms_option_source by_flag = {MS_OPTION_FLAG, NULL};
static const struct ms_option_source by_env = {MS_OPTION_ENV, NULL};
static const struct ms_option_source by_file = {MS_OPTION_FILE, "m.conf:3"};

struct fixture {
    struct ms_options options;
    struct target target;
};

static void open_fixture(struct fixture *fixture)
{
    memset(&fixture->target, 0xee, sizeof fixture->target);
    ck_assert(ms_options_init(&fixture->options, table, ROWS, &fixture->target));
}

static void set(struct fixture *fixture, enum row row, struct ms_option_source source,
                const char *text)
{
    struct ms_complaint complaint = {""};

    ck_assert_msg(ms_options_set(&fixture->options, &table[row], source, text, &complaint), "%s",
                  complaint.text);
}

static void expect_refused(enum row row, struct ms_option_source source, const char *text,
                           const char *sentence)
{
    struct fixture fixture;
    struct ms_complaint complaint = {""};

    open_fixture(&fixture);
    const struct target before = fixture.target;

    ck_assert(!ms_options_set(&fixture.options, &table[row], source, text, &complaint));
    ck_assert_str_eq(complaint.text, sentence);
    ck_assert_mem_eq(&fixture.target, &before, sizeof before);
    ms_options_finish(&fixture.options);
}

START_TEST(defaults_fill_the_target)
{
    struct fixture fixture;

    open_fixture(&fixture);
    ck_assert_str_eq(fixture.target.name, "slave");
    ck_assert(!fixture.target.quiet);
    ck_assert_uint_eq(fixture.target.slots, 4);
    ck_assert_uint_eq(fixture.target.payload, 1 << 20);
    ck_assert_int_eq(fixture.target.tick, MS_SEC);
    ck_assert_uint_eq(fixture.target.format, 0);
    ck_assert_uint_eq(fixture.target.handlers.count, 2);
    ck_assert_str_eq(fixture.target.handlers.items[1], "sleep.so");
    ck_assert_ptr_null(fixture.target.master);
    ms_options_finish(&fixture.options);
    ms_options_finish(NULL);
}
END_TEST

/* Every order of setting gives the value of the highest level. */
START_TEST(later_levels_win_in_any_order)
{
    static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                     {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    const struct ms_option_source sources[] = {by_file, by_env, by_flag};
    static const char *const numbers[] = {"10", "20", "30"};
    static const char *const handlers[] = {"file.so", "env.so", "flag.so"};

    for (size_t order = 0; order < 6; order++) {
        for (size_t levels = 1; levels <= 3; levels++) {
            struct fixture fixture;
            size_t highest = 0;

            open_fixture(&fixture);
            for (size_t i = 0; i < levels; i++) {
                const size_t source = (size_t)orders[order][i];

                set(&fixture, SLOTS, sources[source], numbers[source]);
                set(&fixture, HANDLERS, sources[source], handlers[source]);
                highest = source > highest ? source : highest;
            }
            ck_assert_uint_eq(fixture.target.slots, 10 * (highest + 1));
            ck_assert_uint_eq(fixture.target.handlers.count, 1);
            ck_assert_str_eq(fixture.target.handlers.items[0], handlers[highest]);
            ck_assert_int_eq(ms_options_level(&fixture.options, &table[SLOTS]),
                             sources[highest].level);
            ms_options_finish(&fixture.options);
        }
    }
}
END_TEST

START_TEST(lists_grow_on_their_own_level)
{
    struct fixture fixture;

    open_fixture(&fixture);
    for (int i = 0; i < 5; i++) {
        char name[16];

        snprintf(name, sizeof name, "h%d,x", i);
        set(&fixture, HANDLERS, by_flag, name);
    }
    ck_assert_uint_eq(fixture.target.handlers.count, 5);
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(fixture.target.handlers.items[i][1], '0' + i);
        ck_assert_str_eq(fixture.target.handlers.items[i] + 2, ",x");
    }
    ck_assert(!ms_options_set(&fixture.options, &table[HANDLERS], by_flag, "six", NULL));
    ms_options_finish(&fixture.options);
    open_fixture(&fixture);
    set(&fixture, HANDLERS, by_env, "a,b,c");
    ck_assert_uint_eq(fixture.target.handlers.count, 3);
    ck_assert_str_eq(fixture.target.handlers.items[2], "c");
    ms_options_finish(&fixture.options);
}
END_TEST

START_TEST(strings_are_copied)
{
    struct fixture fixture;
    char text[] = "abc";

    open_fixture(&fixture);
    set(&fixture, NAME, by_flag, text);
    text[0] = 'x';
    ck_assert_str_eq(fixture.target.name, "abc");
    ms_options_finish(&fixture.options);
}
END_TEST

START_TEST(bool_words_and_lone_flag)
{
    static const char *const words[][2] = {
        {"true", "false"}, {"yes", "no"}, {"on", "off"}, {"1", "0"}};
    struct fixture fixture;

    open_fixture(&fixture);
    set(&fixture, QUIET, by_flag, NULL);
    ck_assert(fixture.target.quiet);
    for (size_t i = 0; i < 4; i++) {
        set(&fixture, QUIET, by_flag, words[i][1]);
        ck_assert(!fixture.target.quiet);
        set(&fixture, QUIET, by_flag, words[i][0]);
        ck_assert(fixture.target.quiet);
    }
    ms_options_finish(&fixture.options);
}
END_TEST

START_TEST(complaints_name_place_value_and_remedy)
{
    expect_refused(SLOTS, by_flag, "65", "--slots: the value is out of range: 1 to 64");
    expect_refused(SLOTS, by_env, "0", "MUSTER_SLOTS: the value is out of range: 1 to 64");
    expect_refused(SLOTS, by_file, "four", "m.conf:3: slots: \"four\" is not a whole number");
    expect_refused(SLOTS, by_flag, "-1", "--slots: \"-1\" is not a whole number");
    expect_refused(SLOTS, by_flag, NULL, "--slots: needs a value: N");
    expect_refused(PAYLOAD, by_flag, "100",
                   "--max-payload: \"100\" is not a size: a whole number with a unit, like 512B, "
                   "64KiB, 1MiB, 2GiB");
    expect_refused(PAYLOAD, by_flag, "2MiB",
                   "--max-payload: the value is out of range: 1KiB to 1MiB");
    expect_refused(TICK, by_file, "1",
                   "m.conf:3: tick: \"1\" is not a duration: a whole number with a unit, like "
                   "500ms, 2s, 5m, 1h, 1d");
    expect_refused(TICK, by_flag, "0", "--tick: the value is below 1ms");
    expect_refused(FORMAT, by_env, "xml", "MUSTER_LOG_FORMAT: \"xml\" is none of logfmt, json");
    expect_refused(QUIET, by_flag, "maybe",
                   "--quiet: \"maybe\" is neither true nor false (also yes, no, on, off)");
    expect_refused(NAME, by_flag, "x", "--name: a text of 1 bytes: 2 to 8 are allowed");
    expect_refused(HANDLERS, by_flag, "", "--handler: a text of 0 bytes: 1 to 4096 are allowed");
}
END_TEST

START_TEST(a_bad_text_is_refused_even_when_outvoted)
{
    struct fixture fixture;

    open_fixture(&fixture);
    set(&fixture, SLOTS, by_flag, "8");
    ck_assert(!ms_options_set(&fixture.options, &table[SLOTS], by_file, "many", NULL));
    ck_assert_uint_eq(fixture.target.slots, 8);
    ms_options_finish(&fixture.options);
}
END_TEST

START_TEST(rows_are_found_by_each_of_their_names)
{
    struct fixture fixture;

    open_fixture(&fixture);
    ck_assert_ptr_eq(ms_options_find(&fixture.options, "max-payload"), &table[PAYLOAD]);
    ck_assert_ptr_null(ms_options_find(&fixture.options, "max_payload"));
    ck_assert_ptr_eq(ms_options_find_key(&fixture.options, "max_payload"), &table[PAYLOAD]);
    ck_assert_ptr_eq(ms_options_find_short(&fixture.options, 'q'), &table[QUIET]);
    ck_assert_ptr_null(ms_options_find_short(&fixture.options, 0));
    ck_assert_ptr_eq(ms_options_find_env(&fixture.options, "MUSTER_SLOTS"), &table[SLOTS]);
    ck_assert_ptr_null(ms_options_find_env(&fixture.options, "SLOTS"));
    ms_options_finish(&fixture.options);
}
END_TEST

START_TEST(unknown_names_get_a_suggestion)
{
    struct fixture fixture;
    struct ms_complaint complaint;

    open_fixture(&fixture);
    ck_assert(!ms_options_unknown(&fixture.options, by_flag, "slot", &complaint));
    ck_assert_str_eq(complaint.text, "unknown option \"--slot\": did you mean --slots?");
    ck_assert(!ms_options_unknown(&fixture.options, by_file, "handler", &complaint));
    ck_assert_str_eq(complaint.text, "m.conf:3: unknown key \"handler\": did you mean handlers?");
    ck_assert(!ms_options_unknown(&fixture.options, by_flag, "wholly-else", &complaint));
    ck_assert_str_eq(complaint.text, "unknown option \"--wholly-else\"");
    ms_options_finish(&fixture.options);
}
END_TEST

START_TEST(check_wants_what_is_required)
{
    struct fixture fixture;
    struct ms_complaint complaint;

    open_fixture(&fixture);
    ck_assert(!ms_options_check(&fixture.options, &complaint));
    ck_assert_str_eq(complaint.text,
                     "--master=HOST:PORT is required, or the variable MUSTER_MASTER");
    set(&fixture, MASTER, by_env, "a:1");
    ck_assert(ms_options_check(&fixture.options, &complaint));
    ms_options_finish(&fixture.options);
}
END_TEST

START_TEST(values_print_as_they_are_set)
{
    static const char *const texts[ROWS] = {"bob",  "true", "17",   "3KiB",
                                            "90ms", "json", "a.so", "h:1"};
    struct fixture fixture;

    open_fixture(&fixture);
    for (enum row row = 0; row < ROWS; row++) {
        char printed[100];
        struct ms_text text;

        set(&fixture, row, by_flag, texts[row]);
        ms_text_init(&text, printed, sizeof printed);
        ms_options_print_value(&fixture.options, &table[row], &text);
        ck_assert_str_eq(printed, texts[row]);
    }
    ms_options_finish(&fixture.options);
}
END_TEST

START_TEST(units_are_required_exact_and_bounded)
{
    ms_time duration = 7;
    uint64_t size = 7;

    ck_assert(ms_parse_duration("2us", &duration, NULL) && duration == 2);
    ck_assert(ms_parse_duration("500ms", &duration, NULL) && duration == 500000);
    ck_assert(ms_parse_duration("5m", &duration, NULL) && duration == 300 * MS_SEC);
    ck_assert(ms_parse_duration("1h", &duration, NULL) && duration == 3600 * MS_SEC);
    ck_assert(ms_parse_duration("1d", &duration, NULL) && duration == 86400 * MS_SEC);
    ck_assert(ms_parse_duration("0", &duration, NULL) && duration == 0);
    ck_assert(ms_parse_duration("9223372036854775807us", &duration, NULL));
    ck_assert_int_eq(duration, INT64_MAX);
    duration = 7;
    ck_assert(!ms_parse_duration("9223372036854775808us", &duration, NULL));
    ck_assert(!ms_parse_duration("9223372036854775807s", &duration, NULL));
    ck_assert(!ms_parse_duration("1", &duration, NULL));
    ck_assert(!ms_parse_duration("1S", &duration, NULL));
    ck_assert(!ms_parse_duration("1.5s", &duration, NULL));
    ck_assert(!ms_parse_duration("1 s", &duration, NULL));
    ck_assert(!ms_parse_duration("s", &duration, NULL));
    ck_assert(!ms_parse_duration("", &duration, NULL));
    ck_assert(!ms_parse_duration("-1s", &duration, NULL));
    ck_assert_int_eq(duration, 7);
    ck_assert(ms_parse_size("64KiB", &size, NULL) && size == 65536);
    ck_assert(ms_parse_size("1TiB", &size, NULL) && size == UINT64_C(1) << 40);
    ck_assert(!ms_parse_size("64K", &size, NULL));
    ck_assert(!ms_parse_size("64kib", &size, NULL));
    ck_assert(!ms_parse_size("8388608TiB", &size, NULL));
}
END_TEST

START_TEST(random_values_survive_printing)
{
    struct ms_rng rng;

    ms_rng_init(&rng, 1);
    for (int i = 0; i < 10000; i++) {
        const uint64_t value = (ms_rng_next(&rng) >> ms_rng_between(&rng, 1, 63))
                               << ms_rng_below(&rng, 2);
        char printed[40];
        struct ms_text text;
        ms_time duration = -1;
        uint64_t size = 0;

        if (value > INT64_MAX) {
            continue;
        }
        ms_text_init(&text, printed, sizeof printed);
        ms_print_duration((ms_time)value, &text);
        ck_assert(ms_parse_duration(printed, &duration, NULL));
        ck_assert_uint_eq((uint64_t)duration, value);
        ms_text_init(&text, printed, sizeof printed);
        ms_print_size(value, &text);
        ck_assert(ms_parse_size(printed, &size, NULL));
        ck_assert_uint_eq(size, value);
    }
}
END_TEST

START_TEST(help_has_two_columns)
{
    char printed[4000];
    struct ms_text text;

    ms_text_init(&text, printed, sizeof printed);
    ms_options_print_help(table, 4, 60, &text);
    ck_assert_str_eq(printed, "General:\n"
                              "  -n, --name=TEXT             what it is called [slave]\n"
                              "                              (MUSTER_NAME)\n"
                              "  -q, --quiet                 say nothing\n"
                              "\n"
                              "Work:\n"
                              "      --slots=N               commands it runs at a time; 1\n"
                              "                              to 64 [4] (MUSTER_SLOTS)\n"
                              "      --max-payload=SIZE      largest payload; 1KiB to 1MiB\n"
                              "                              [1MiB]\n");
}
END_TEST

START_TEST(manual_and_config_come_from_the_table)
{
    char printed[8000];
    struct ms_text text;

    ms_text_init(&text, printed, sizeof printed);
    ms_options_print_manual(table, ROWS, &text);
    ck_assert(!ms_text_is_cut(&text));
    ck_assert_ptr_nonnull(strstr(printed, "### Work\n\n| option | default | variable | key |"));
    ck_assert_ptr_nonnull(strstr(printed, "| `--slots=N` | `4` | `MUSTER_SLOTS` | `slots` | "
                                          "commands it runs at a time; 1 to 64; taken over on "
                                          "reload |\n"));
    ck_assert_ptr_nonnull(strstr(printed, "| `--master=HOST:PORT` | | `MUSTER_MASTER` |"));
    ms_text_init(&text, printed, sizeof printed);
    ms_options_print_config(table, ROWS, &text);
    ck_assert_ptr_nonnull(strstr(printed, "\n# handlers = {\"echo.so\", \"sleep.so\"}\n"));
    ck_assert_ptr_nonnull(strstr(printed, "\n# tick = \"1s\"\n"));
    ck_assert_ptr_nonnull(strstr(printed, "\n# quiet = false\n"));
}
END_TEST

static void expect_lint(const struct ms_option *rows, size_t count, const char *words)
{
    struct ms_complaint complaint = {""};

    ck_assert(!ms_options_lint(rows, count, &complaint));
    ck_assert_msg(strstr(complaint.text, words) != NULL, "%s", complaint.text);
}

START_TEST(what_is_not_its_default_is_found)
{
    static const char *const names[] = {"tick", "slots", "handler"};
    struct target target = {0}, defaults = {0};
    const struct ms_option *option;
    struct ms_complaint complaint;
    struct ms_options options;

    ck_assert(ms_options_init(&options, table, ROWS, &target));
    ck_assert(ms_options_set(&options, &table[NAME], by_flag, "other", &complaint));
    ck_assert(ms_options_set(&options, &table[TICK], by_flag, "1000ms", &complaint));
    ck_assert(ms_options_find_changed(&options, &defaults, names, 3, &option));
    ck_assert_ptr_null(option); /* said, and the default; and one that is not asked for */
    ck_assert(ms_options_set(&options, &table[HANDLERS], by_file, "other.so", &complaint));
    ck_assert(ms_options_find_changed(&options, &defaults, names, 3, &option));
    ck_assert_ptr_eq(option, &table[HANDLERS]);
    ck_assert(ms_options_set(&options, &table[SLOTS], by_file, "5", &complaint));
    ck_assert(ms_options_find_changed(&options, &defaults, names, 3, &option));
    ck_assert_ptr_eq(option, &table[SLOTS]); /* the first of those names */
    ms_options_finish(&options);
}
END_TEST

START_TEST(lint_accepts_a_good_table)
{
    struct ms_complaint complaint = {""};

    ck_assert_msg(ms_options_lint(table, ROWS, &complaint), "%s", complaint.text);
    ck_assert(ms_options_lint(NULL, 0, &complaint));
}
END_TEST

START_TEST(lint_names_the_fault)
{
    struct ms_option rows[2] = {table[NAME], table[SLOTS]};

    rows[1].env = "MUSTER_NAME";
    expect_lint(rows, 2, "--name and --slots share");
    rows[1] = table[SLOTS];
    rows[1].short_name = 'n';
    expect_lint(rows, 2, "share");
    rows[1] = table[SLOTS];
    rows[1].default_text = "65";
    expect_lint(rows, 2, "--slots: default: the value is out of range");
    rows[1] = table[SLOTS];
    rows[1].help = "Ends with a full stop.";
    expect_lint(rows, 2, "help");
    rows[1] = table[SLOTS];
    rows[1].name = "Slots";
    expect_lint(rows, 2, "lower-case");
    rows[1] = table[SLOTS];
    rows[1].min = 100;
    expect_lint(rows, 2, "min is above max");
    rows[1] = table[FORMAT];
    rows[1].choices = NULL;
    expect_lint(rows, 2, "no choices");
    rows[1] = table[MASTER];
    rows[1].default_text = "a:1";
    expect_lint(rows, 2, "required and a default");
    rows[0].group = NULL;
    expect_lint(rows, 1, "no group");
}
END_TEST

START_TEST(a_default_that_does_not_parse_aborts)
{
    struct ms_option bad = table[SLOTS];
    struct ms_options options;
    struct target target;

    bad.default_text = "many";
    ms_options_init(&options, &bad, 1, &target);
}
END_TEST

START_TEST(a_foreign_row_aborts)
{
    struct fixture fixture;
    const struct ms_option foreign = table[SLOTS];

    open_fixture(&fixture);
    ms_options_set(&fixture.options, &foreign, by_flag, "5", NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("core_options");
    TCase *tests = tcase_create("options");

    tcase_add_test(tests, defaults_fill_the_target);
    tcase_add_test(tests, later_levels_win_in_any_order);
    tcase_add_test(tests, lists_grow_on_their_own_level);
    tcase_add_test(tests, strings_are_copied);
    tcase_add_test(tests, bool_words_and_lone_flag);
    tcase_add_test(tests, complaints_name_place_value_and_remedy);
    tcase_add_test(tests, a_bad_text_is_refused_even_when_outvoted);
    tcase_add_test(tests, rows_are_found_by_each_of_their_names);
    tcase_add_test(tests, unknown_names_get_a_suggestion);
    tcase_add_test(tests, check_wants_what_is_required);
    tcase_add_test(tests, values_print_as_they_are_set);
    tcase_add_test(tests, units_are_required_exact_and_bounded);
    tcase_add_test(tests, random_values_survive_printing);
    tcase_add_test(tests, help_has_two_columns);
    tcase_add_test(tests, manual_and_config_come_from_the_table);
    tcase_add_test(tests, what_is_not_its_default_is_found);
    tcase_add_test(tests, lint_accepts_a_good_table);
    tcase_add_test(tests, lint_names_the_fault);
    tcase_add_test_raise_signal(tests, a_default_that_does_not_parse_aborts, SIGABRT);
    tcase_add_test_raise_signal(tests, a_foreign_row_aborts, SIGABRT);
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);

    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
