/* Rates: what is read, what it is printed as, what is refused. */
#include "core/rate.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *text;
    uint64_t per_second, burst;
    const char *printed;
} rates[] = {
    {"0", 0, 0, "0"},
    {"1/s", 3600, 1, "1/s"},
    {"20/s", 20 * 3600, 20, "20/s"},
    {"20/s:20", 20 * 3600, 20, "20/s"},
    {"20/s:500", 20 * 3600, 500, "20/s:500"},
    {"1/m", 60, 1, "1/m"},
    {"100/m", 6000, 2, "100/m"},
    {"120/m", 7200, 2, "2/s"},
    {"1/h", 1, 1, "1/h"},
    {"1/h:3", 1, 3, "1/h:3"},
    {"3600/h", 3600, 1, "1/s"},
    {"1000000000/s", 3600000000000u, 1000000000, "1000000000/s"},
};

START_TEST(test_rates)
{
    char room[64];
    struct ms_complaint complaint;
    struct ms_rate rate, again;
    struct ms_text text;

    ck_assert_msg(ms_rate_parse(rates[_i].text, &rate, &complaint), "%s", complaint.text);
    ck_assert_uint_eq(rate.per_second, rates[_i].per_second);
    ck_assert_uint_eq(rate.burst, rates[_i].burst);
    ck_assert_int_eq(ms_rate_is_limit(&rate), rates[_i].per_second > 0);
    ms_text_init(&text, room, sizeof room);
    ms_rate_print(&rate, &text);
    ck_assert_str_eq(room, rates[_i].printed);
    ck_assert(ms_rate_parse(room, &again, &complaint));
    ck_assert_mem_eq(&rate, &again, sizeof rate);
}
END_TEST

static const char *const refused[] = {"",
                                      "5",
                                      "5/",
                                      "/s",
                                      "5/d",
                                      "5/ss",
                                      "-1/s",
                                      "0/s",
                                      "5/s:",
                                      "5/s:0",
                                      "5/s:x",
                                      "5/s:1 ",
                                      "1.5/s",
                                      " 5/s",
                                      "00",
                                      "5 /s",
                                      "5/s:1:2",
                                      "1000000001/s",
                                      "1/s:1000000001",
                                      "99999999999999999999/s"};

START_TEST(test_refused)
{
    struct ms_rate rate = {.per_second = 7, .burst = 7};
    struct ms_complaint complaint;

    ck_assert(!ms_rate_parse(refused[_i], &rate, &complaint));
    ck_assert_uint_eq(rate.per_second, 7);
    ck_assert_ptr_nonnull(strstr(complaint.text, refused[_i]));
    ck_assert_ptr_nonnull(strstr(complaint.text, "is not a rate: N/s, N/m or N/h"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("rate");
    TCase *all = tcase_create("all");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_loop_test(all, test_rates, 0, sizeof rates / sizeof rates[0]);
    tcase_add_loop_test(all, test_refused, 0, sizeof refused / sizeof refused[0]);
    suite_add_tcase(suite, all);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
