#include "client/cmd_top.h"

#include <stdio.h>
#include <string.h>

#include "tests/support/suite.h"

#define COLUMNS 9

static struct ms_top top;

static struct ms_client_cell text_cell(const char *name, const char *text)
{
    return (struct ms_client_cell){.name = name, .text = text};
}

static struct ms_client_cell number_cell(const char *name, uint64_t number)
{
    return (struct ms_client_cell){.name = name, .is_number = true, .number = number};
}

static void add_slave(const char *name, uint64_t held, uint64_t slots)
{
    const struct ms_client_cell cells[COLUMNS] = {
        text_cell("name", name),          text_cell("group", "g"),
        text_cell("state", "alive"),      text_cell("intake", "open"),
        text_cell("cpu_percent", "12.5"), text_cell("memory_percent", ""),
        text_cell("rate_per_s", "3.0"),   number_cell("held", held),
        number_cell("slots", slots),
    };

    ms_top_add_slaves(&top,
                      &(struct ms_client_report){.columns = COLUMNS, .rows = 1, .cells = cells});
}

static void tell_master(uint64_t epoch, uint64_t outcomes, ms_time now)
{
    const struct ms_client_cell cells[] = {
        text_cell("name", "m"), text_cell("state", "running"), number_cell("epoch", epoch),
        number_cell("commands_ready", 5), number_cell("outcomes_total", outcomes)};

    ms_top_take_master(&top, &(struct ms_client_report){.columns = 5, .rows = 1, .cells = cells},
                       now);
}

static char printed[1 << 16];

static uint32_t print(uint32_t lines, uint32_t columns)
{
    struct ms_text out;

    ms_text_init(&out, printed, sizeof printed);
    const uint32_t count = ms_top_print(&top, lines, columns, &out);
    uint32_t newlines = 0;

    ck_assert(!ms_text_is_cut(&out));
    for (const char *c = printed; *c != '\0'; c++) {
        newlines += *c == '\n';
    }
    ck_assert_uint_eq(count, newlines);
    return count;
}

static void setup(void)
{
    ck_assert(ms_top_init(&top));
}

static void teardown(void)
{
    ms_top_finish(&top);
}

START_TEST(test_the_busiest_come_first)
{
    tell_master(3, 0, MS_SEC);
    add_slave("idle", 0, 4);
    add_slave("half", 2, 4);
    add_slave("full", 2, 2);
    add_slave("most", 4, 4);
    add_slave("none", 0, 0);
    ms_top_sort(&top);
    ck_assert_str_eq(top.slaves[0].name, "most");
    ck_assert_str_eq(top.slaves[1].name, "full");
    ck_assert_str_eq(top.slaves[2].name, "half");
    ck_assert_str_eq(top.slaves[3].name, "idle");
    ck_assert_uint_eq(print(24, 120), 9);
    ck_assert_ptr_nonnull(strstr(printed, "most"));
    ms_top_begin_slaves(&top);
    ck_assert_uint_eq(print(24, 120), 4);
}
END_TEST

START_TEST(test_a_small_screen)
{
    for (int i = 0; i < 20; i++) {
        char name[16];

        snprintf(name, sizeof name, "s%d", i);
        add_slave(name, 1, 1);
    }
    ck_assert_uint_eq(print(10, 30), 10);
    ck_assert_ptr_nonnull(strstr(printed, "and 15 more\n"));
    for (const char *line = printed; *line != '\0'; line += strcspn(line, "\n") + 1) {
        ck_assert_uint_le(strcspn(line, "\n"), 30);
    }
    ck_assert_uint_eq(print(0, 30), 5); /* what is above is always there */
    ck_assert_uint_eq(print(UINT32_MAX, 200), 24);
}
END_TEST

START_TEST(test_rates)
{
    tell_master(3, 100, 10 * MS_SEC);
    print(24, 120);
    ck_assert_ptr_nonnull(strstr(printed, "outcomes 0/s"));
    tell_master(3, 160, 12 * MS_SEC);
    print(24, 120);
    ck_assert_ptr_nonnull(strstr(printed, "outcomes 30/s"));
    ck_assert_ptr_nonnull(strstr(printed, "ready 5,"));
    tell_master(4, 10, 13 * MS_SEC); /* another master counts from the beginning */
    print(24, 120);
    ck_assert_ptr_nonnull(strstr(printed, "outcomes 0/s"));
    ck_assert_ptr_nonnull(strstr(printed, "epoch 4"));
}
END_TEST

START_TEST(test_what_is_said_of_troubles)
{
    tell_master(3, 100, 10 * MS_SEC);
    add_slave("evil\033[2J", 0, 1);
    top.trouble = "no master answers";
    top.pair = "pair: a:1 active PAIR, b:2 passive SYNC";
    print(24, 120);
    ck_assert_ptr_nonnull(strstr(printed, "no master answers"));
    ck_assert_ptr_nonnull(strstr(printed, "\npair: a:1 active PAIR"));
    ck_assert_ptr_null(strchr(printed, '\033'));
}
END_TEST

START_TEST(test_more_slaves_than_are_kept)
{
    for (int i = 0; i < MS_TOP_SLAVES_MAX + 3; i++) {
        add_slave("s", 0, 1);
    }
    ck_assert_uint_eq(top.count, MS_TOP_SLAVES_MAX);
    print(6, 80);
    ck_assert_ptr_nonnull(strstr(printed, "and 4098 more\n"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("client_cmd_top");
    TCase *tests = tcase_create("top");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_the_busiest_come_first);
    tcase_add_test(tests, test_a_small_screen);
    tcase_add_test(tests, test_rates);
    tcase_add_test(tests, test_what_is_said_of_troubles);
    tcase_add_test(tests, test_more_slaves_than_are_kept);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
