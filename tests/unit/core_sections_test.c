/* Sections of a kind: titles, values, what is wrong with file and line, what people read of them. */
#include "core/sections.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct meal {
    struct ms_option_list dishes;
    const char *cook;
    uint64_t guests;
    bool is_late;
};

static bool check_cook(const char *text, struct ms_complaint *complaint)
{
    return strcmp(text, "nobody") != 0 || ms_complain(complaint, "\"nobody\" cannot cook");
}

static const struct ms_option rows[] = {
    {.name = "dishes",
     .kind = MS_OPTION_LIST,
     .max = 2,
     .key = "dishes",
     .group = "Meal",
     .help = "what there is",
     .check = check_cook,
     .offset = offsetof(struct meal, dishes)},
    {.name = "chief-cook",
     .kind = MS_OPTION_STRING,
     .argument = "NAME",
     .is_required = true,
     .key = "chief-cook",
     .help = "who cooks",
     .check = check_cook,
     .offset = offsetof(struct meal, cook)},
    {.name = "guests",
     .kind = MS_OPTION_U64,
     .min = 1,
     .max = 12,
     .default_text = "4",
     .key = "guests",
     .help = "who eats",
     .offset = offsetof(struct meal, guests)},
    {.name = "late",
     .kind = MS_OPTION_BOOL,
     .key = "late",
     .help = "begins after dark",
     .offset = offsetof(struct meal, is_late)},
};

#define ROWS (sizeof rows / sizeof rows[0])

static bool check_title(const char *title, struct ms_complaint *complaint)
{
    return title[0] != 'X' || ms_complain(complaint, "it begins with an X");
}

static bool check_meal(const struct ms_section *section, struct ms_complaint *complaint)
{
    const struct meal *meal = section->options.target;

    return !meal->is_late || meal->guests < 10 ||
           ms_section_complain(section, "guests", complaint, "at most %d when it is late", 9);
}

static const struct ms_section_kind meal_kind = {
    .name = "meal",
    .title = "NAME",
    .help = "What is eaten",
    .table = rows,
    .count = ROWS,
    .target_size = sizeof(struct meal),
    .check_title = check_title,
    .check = check_meal,
};

static const struct ms_section_kind other_kind = {
    .name = "other",
    .title = "NAME",
    .help = "Something else",
    .table = rows,
    .count = ROWS,
    .target_size = sizeof(struct meal),
};

static const struct ms_section_kind *const kinds[] = {&meal_kind, &other_kind, NULL};

static struct ms_sections *sections;
static struct ms_complaint complaint;

static struct ms_section *begin(const struct ms_section_kind *kind, const char *title,
                                unsigned line)
{
    return ms_sections_begin(sections, kind, title, (struct ms_section_place){"a.conf", line},
                             &complaint);
}

static bool set(struct ms_section *section, size_t row, unsigned line, const char *text)
{
    return ms_section_set(section, &rows[row], line, text, &complaint);
}

static void set_up(void)
{
    complaint = (struct ms_complaint){""};
    sections = ms_sections_create(kinds);
    ck_assert_ptr_nonnull(sections);
}

static void tear_down(void)
{
    ms_sections_destroy(sections);
}

START_TEST(test_values_and_defaults)
{
    struct ms_section *lunch = begin(&meal_kind, "lunch", 3);
    struct ms_section *dinner = begin(&meal_kind, "dinner", 8);
    const struct meal *meal;

    ck_assert(set(lunch, 0, 4, "soup") && set(lunch, 0, 4, "bread") && set(lunch, 1, 5, "Ada"));
    ck_assert(set(dinner, 1, 9, "Bob") && set(dinner, 2, 10, "12"));
    ck_assert_msg(ms_sections_check(sections, &complaint), "%s", complaint.text);
    meal = lunch->options.target;
    ck_assert_uint_eq(meal->dishes.count, 2);
    ck_assert_str_eq(meal->dishes.items[1], "bread");
    ck_assert_str_eq(meal->cook, "Ada");
    ck_assert_uint_eq(meal->guests, 4);
    meal = dinner->options.target;
    ck_assert_uint_eq(meal->guests, 12);
    ck_assert_str_eq(dinner->title, "dinner");
    ck_assert_str_eq(dinner->place.file, "a.conf");
}
END_TEST

START_TEST(test_next_walks_one_kind)
{
    size_t cursor = 0;

    begin(&meal_kind, "lunch", 1);
    begin(&other_kind, "lunch", 2);
    begin(&meal_kind, "dinner", 3);
    ck_assert_str_eq(ms_sections_next(sections, &meal_kind, &cursor)->title, "lunch");
    ck_assert_str_eq(ms_sections_next(sections, &meal_kind, &cursor)->title, "dinner");
    ck_assert_ptr_null(ms_sections_next(sections, &meal_kind, &cursor));
    cursor = 0;
    ck_assert_ptr_null(ms_sections_next(NULL, &meal_kind, &cursor));
}
END_TEST

START_TEST(test_unfit_titles)
{
    char long_title[MS_NAME_MAX + 2];

    memset(long_title, 'a', sizeof long_title);
    long_title[sizeof long_title - 1] = '\0';
    ck_assert_ptr_null(begin(&meal_kind, "Xmas", 7));
    ck_assert_str_eq(complaint.text, "a.conf:7: meal \"Xmas\": it begins with an X");
    ck_assert_ptr_null(begin(&meal_kind, "", 1));
    ck_assert_ptr_null(begin(&meal_kind, long_title, 1));
    ck_assert_ptr_nonnull(strstr(complaint.text, "a title of 64 bytes: 1 to 63 are allowed"));
    ck_assert_ptr_nonnull(begin(&meal_kind, "lunch", 2));
    ck_assert_ptr_null(begin(&meal_kind, "lunch", 9));
    ck_assert_str_eq(complaint.text, "a.conf:9: meal \"lunch\": it is there already, at a.conf:2");
    ck_assert_ptr_nonnull(begin(&other_kind, "lunch", 9));
    ck_assert_uint_eq(sections->count, 2);
}
END_TEST

START_TEST(test_their_number_is_bounded)
{
    char title[16];

    for (unsigned i = 0; i < MS_SECTIONS_MAX; i++) {
        snprintf(title, sizeof title, "m%u", i);
        ck_assert_ptr_nonnull(begin(&meal_kind, title, i + 1));
    }
    ck_assert_ptr_null(begin(&meal_kind, "more", 2000));
    ck_assert_str_eq(complaint.text, "a.conf:2000: meal \"more\": more than 1024 sections");
}
END_TEST

START_TEST(test_wrong_values_are_told_with_their_place)
{
    struct ms_section *lunch = begin(&meal_kind, "lunch", 3);

    ck_assert(!set(lunch, 2, 6, "13"));
    ck_assert_str_eq(complaint.text,
                     "a.conf:6: meal \"lunch\": guests: the value is out of range: 1 to 12");
    ck_assert(!set(lunch, 1, 7, "nobody"));
    ck_assert_str_eq(complaint.text,
                     "a.conf:7: meal \"lunch\": chief-cook: \"nobody\" cannot cook");
    ck_assert(!set(lunch, 0, 7, "nobody"));
    ck_assert(set(lunch, 0, 7, "a") && set(lunch, 0, 7, "b"));
    ck_assert(!set(lunch, 0, 8, "c"));
    ck_assert_str_eq(complaint.text, "a.conf:8: meal \"lunch\": dishes: more than 2 items");
}
END_TEST

START_TEST(test_what_does_not_go_together_is_told_where_it_stands)
{
    struct ms_section *lunch = begin(&meal_kind, "lunch", 3);

    ck_assert(!ms_sections_check(sections, &complaint));
    ck_assert_str_eq(complaint.text, "a.conf:3: meal \"lunch\": chief-cook: it is required");
    ck_assert(set(lunch, 1, 4, "Ada") && set(lunch, 2, 5, "10") && set(lunch, 3, 6, "yes"));
    ck_assert(!ms_sections_check(sections, &complaint));
    ck_assert_str_eq(complaint.text, "a.conf:5: meal \"lunch\": guests: at most 9 when it is late");
    ms_section_complain(lunch, NULL, &complaint, "odd");
    ck_assert_str_eq(complaint.text, "a.conf:3: meal \"lunch\": odd");
}
END_TEST

START_TEST(test_what_people_read)
{
    char room[4096];
    struct ms_section *lunch = begin(&meal_kind, "lunch", 3);
    struct ms_text text;

    ck_assert(set(lunch, 0, 4, "soup") && set(lunch, 0, 4, "bread") && set(lunch, 3, 5, "true"));
    ms_text_init(&text, room, sizeof room);
    ms_sections_print_summary(sections, &text);
    ck_assert_str_eq(room, "meal \"lunch\": dishes soup, bread; late true\n");
    ms_text_init(&text, room, sizeof room);
    ms_sections_print_kinds(kinds, &text);
    ms_text_add(&text, "; ");
    ms_sections_print_keys(&meal_kind, &text);
    ck_assert_str_eq(room, "meal, other; dishes, chief-cook, guests, late");
    ms_text_init(&text, room, sizeof room);
    ms_sections_print_help(kinds, 80, &text);
    ck_assert_ptr_nonnull(
        strstr(room, "\nConfiguration file, section meal \"NAME\" { ... }:\n  What is eaten\n"
                     "      dishes = {TEXT, ...}    what there is\n"
                     "      chief-cook = NAME       who cooks; required\n"
                     "      guests = N              who eats; 1 to 12 [4]\n"
                     "      late = true             begins after dark\n"));
    ms_text_init(&text, room, sizeof room);
    ms_sections_print_manual(kinds, &text);
    ck_assert_ptr_nonnull(strstr(room, "\n### Section `meal \"NAME\" { ... }` of the configuration "
                                       "file\n\nWhat is eaten.\n\n| key |"));
    ck_assert_ptr_nonnull(strstr(room, "| `dishes` | `{TEXT, ...}` | | what there is |\n"));
    ck_assert_ptr_nonnull(strstr(room, "| `guests` | `N` | `4` | who eats; 1 to 12 |\n"));
}
END_TEST

START_TEST(test_lint)
{
    static const struct ms_option flag = {
        .name = "x", .short_name = 'x', .key = "x", .group = "G", .help = "h"};
    const struct ms_section_kind bad = {
        .name = "bad", .title = "T", .help = "h", .table = &flag, .count = 1, .target_size = 8};
    const struct ms_section_kind loud = {.name = "Bad"};
    const struct ms_section_kind *const with_flag[] = {&bad, NULL};
    const struct ms_section_kind *const with_name[] = {&loud, NULL};
    const struct ms_section_kind *const twice[] = {&meal_kind, &meal_kind, NULL};

    ck_assert_msg(ms_sections_lint(kinds, &complaint), "%s", complaint.text);
    ck_assert(!ms_sections_lint(with_flag, &complaint));
    ck_assert(!ms_sections_lint(with_name, &complaint));
    ck_assert(!ms_sections_lint(twice, &complaint));
    ck_assert_str_eq(complaint.text, "two kinds are called meal");
}
END_TEST

static Suite *suite(void)
{
    Suite *all = suite_create("sections");
    TCase *core = tcase_create("core");

    tcase_add_checked_fixture(core, set_up, tear_down);
    tcase_add_test(core, test_values_and_defaults);
    tcase_add_test(core, test_next_walks_one_kind);
    tcase_add_test(core, test_unfit_titles);
    tcase_add_test(core, test_their_number_is_bounded);
    tcase_add_test(core, test_wrong_values_are_told_with_their_place);
    tcase_add_test(core, test_what_does_not_go_together_is_told_where_it_stands);
    tcase_add_test(core, test_what_people_read);
    tcase_add_test(core, test_lint);
    suite_add_tcase(all, core);
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
