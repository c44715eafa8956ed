#include "core/fsm.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static const struct ms_fsm_row door[] = {
    {"closed", "push", "open", "it is not locked"},
    {"closed", "knock", "closed", "nobody is at home"},
    {"closed", "kick", "open", "it is old"},
    {"open", "pull", "closed", "there is a draught"},
};

static const struct ms_fsm machine = {"Door", "A door.", "closed", door, 4};

START_TEST(prints_diagram_and_table)
{
    char data[2000];
    struct ms_text text;

    ms_text_init(&text, data, sizeof data);
    ms_fsm_print(&machine, &text);
    ck_assert(!ms_text_is_cut(&text));
    ck_assert_str_eq(data, "## Door\n\nA door.\n\n```mermaid\nstateDiagram-v2\n"
                           "    [*] --> closed\n"
                           "    closed --> open: push, kick\n"
                           "    open --> closed: pull\n```\n\n"
                           "| state | event | next state | why |\n|---|---|---|---|\n"
                           "| closed | push | open | it is not locked |\n"
                           "| closed | knock | closed | nobody is at home |\n"
                           "| closed | kick | open | it is old |\n"
                           "| open | pull | closed | there is a draught |\n");
}
END_TEST

static void expect_complaint(const struct ms_fsm_row *rows, size_t count, const char *words)
{
    const struct ms_fsm broken = {"Door", "A door.", "closed", rows, count};
    struct ms_complaint complaint = {""};

    ck_assert(!ms_fsm_lint(&broken, &complaint));
    ck_assert_msg(strstr(complaint.text, words) != NULL, "%s", complaint.text);
}

START_TEST(lint_accepts_a_good_machine)
{
    struct ms_complaint complaint;

    ck_assert_msg(ms_fsm_lint(&machine, &complaint), "%s", complaint.text);
}
END_TEST

START_TEST(lint_names_the_fault)
{
    const struct ms_fsm_row twice[] = {door[0], door[1], door[0]};
    const struct ms_fsm_row lonely[] = {door[0], {"ajar", "push", "open", "x"}};
    const struct ms_fsm_row wordless[] = {{"closed", "push", "open", NULL}};
    const struct ms_fsm_row barred[] = {{"closed", "push", "open", "a|b"}};

    expect_complaint(twice, 3, "rows 0 and 2");
    expect_complaint(lonely, 2, "nothing leads to ajar");
    expect_complaint(wordless, 1, "lacks a word");
    expect_complaint(barred, 1, "bar");
    expect_complaint(NULL, 0, "missing");
}
END_TEST

START_TEST(printing_no_rows_aborts)
{
    const struct ms_fsm none = {"Door", "A door.", "closed", NULL, 0};
    struct ms_text text;

    ms_text_init(&text, NULL, 0);
    ms_fsm_print(&none, &text);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("core_fsm");
    TCase *tests = tcase_create("fsm");

    tcase_add_test(tests, prints_diagram_and_table);
    tcase_add_test(tests, lint_accepts_a_good_machine);
    tcase_add_test(tests, lint_names_the_fault);
    tcase_add_test_raise_signal(tests, printing_no_rows_aborts, SIGABRT);
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);

    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
