#include "core/text.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "core/limits.h"

START_TEST(pieces_are_joined)
{
    char data[32];
    struct ms_text text;

    ms_text_init(&text, data, sizeof data);
    ms_text_add(&text, "%s=%d", "a", 1);
    ms_text_add(&text, " %s", "b");
    ck_assert_str_eq(data, "a=1 b");
    ck_assert_uint_eq(text.length, 5);
    ck_assert(!ms_text_is_cut(&text));
}
END_TEST

START_TEST(cut_text_is_terminated_and_measured)
{
    char data[8];
    struct ms_text text, measure;

    ms_text_init(&text, data, sizeof data);
    ms_text_init(&measure, NULL, 0);
    for (int i = 0; i < 10; i++) {
        ms_text_add(&text, "%d23", i);
        ms_text_add(&measure, "%d23", i);
    }
    ck_assert_str_eq(data, "0231232");
    ck_assert(ms_text_is_cut(&text));
    ck_assert_uint_eq(text.length, 30);
    ck_assert_uint_eq(measure.length, 30);
}
END_TEST

START_TEST(exact_fit_is_cut_only_without_room_for_the_end)
{
    char data[4];
    struct ms_text text;

    ms_text_init(&text, data, sizeof data);
    ms_text_add(&text, "abc");
    ck_assert(!ms_text_is_cut(&text));
    ms_text_add(&text, "d");
    ck_assert(ms_text_is_cut(&text));
    ck_assert_str_eq(data, "abc");
}
END_TEST

START_TEST(complaint_is_one_safe_line)
{
    struct ms_complaint complaint;
    char endless[2000];

    ck_assert(!ms_complain(&complaint, "bad \"%s\"", "a\nb\x1b[1m\x7f"));
    ck_assert_str_eq(complaint.text, "bad \"a?b?[1m?\"");
    ck_assert(!ms_complain(NULL, "nobody hears"));
    memset(endless, 'x', sizeof endless);
    endless[sizeof endless - 1] = '\0';
    ck_assert(!ms_complain(&complaint, "%s", endless));
    ck_assert_uint_eq(strlen(complaint.text), MS_COMPLAINT_MAX - 1);
}
END_TEST

START_TEST(numbers_are_whole_and_bounded)
{
    uint64_t value = 7;

    ck_assert(ms_text_to_u64("0", 1, &value));
    ck_assert_uint_eq(value, 0);
    ck_assert(ms_text_to_u64("18446744073709551615", 20, &value));
    ck_assert_uint_eq(value, UINT64_MAX);
    value = 7;
    ck_assert(!ms_text_to_u64("18446744073709551616", 20, &value));
    ck_assert(!ms_text_to_u64("99999999999999999999", 20, &value));
    ck_assert(!ms_text_to_u64("", 0, &value));
    ck_assert(!ms_text_to_u64("-1", 2, &value));
    ck_assert(!ms_text_to_u64("+1", 2, &value));
    ck_assert(!ms_text_to_u64(" 1", 2, &value));
    ck_assert(!ms_text_to_u64("1 ", 2, &value));
    ck_assert(!ms_text_to_u64("0x1", 3, &value));
    ck_assert_uint_eq(value, 7);
}
END_TEST

START_TEST(copy_takes_what_fits)
{
    char to[4] = "old";

    ck_assert(!ms_text_copy(to, sizeof to, "four", 4));
    ck_assert_str_eq(to, "old");
    ck_assert(ms_text_copy(to, sizeof to, "newer", 3));
    ck_assert_str_eq(to, "new");
    ck_assert(ms_text_copy(to, sizeof to, NULL, 0));
    ck_assert_str_eq(to, "");
}
END_TEST

START_TEST(a_name_is_cut)
{
    char longer[MS_NAME_MAX + 2];
    char to[MS_NAME_MAX + 1];

    memset(longer, 'x', sizeof longer);
    longer[MS_NAME_MAX + 1] = '\0';
    ms_text_copy_name(to, longer);
    ck_assert_uint_eq(strlen(to), MS_NAME_MAX);
    ms_text_copy_name(to, "short");
    ck_assert_str_eq(to, "short");
    ms_text_copy_name(to, NULL);
    ck_assert_str_eq(to, "");
}
END_TEST

static const char *time_text(int64_t wall_us)
{
    static char data[64];
    struct ms_text text;

    ms_text_init(&text, data, sizeof data);
    ms_text_add_time(&text, wall_us);
    return data;
}

START_TEST(times_are_dates)
{
    ck_assert_str_eq(time_text(0), "1970-01-01T00:00:00Z");
    ck_assert_str_eq(time_text(INT64_C(951782399999999)), "2000-02-28T23:59:59.999Z");
    ck_assert_str_eq(time_text(INT64_C(951782400000000)), "2000-02-29T00:00:00Z");
    ck_assert_str_eq(time_text(INT64_C(1796083445007000)), "2026-12-01T00:04:05.007Z");
    ck_assert_str_eq(time_text(INT64_C(4107542400000000)), "2100-03-01T00:00:00Z");
}
END_TEST

START_TEST(names_have_bounds_and_an_alphabet)
{
    char name[MS_NAME_MAX + 2];

    memset(name, 'a', sizeof name);
    ck_assert(ms_text_is_name("aZ09._-", 7));
    ck_assert(ms_text_is_name(name, MS_NAME_MAX));
    ck_assert(!ms_text_is_name(name, MS_NAME_MAX + 1));
    ck_assert(!ms_text_is_name("", 0));
    ck_assert(!ms_text_is_name("a b", 3));
    ck_assert(!ms_text_is_name("a/b", 3));
    ck_assert(!ms_text_is_name("\xc3\xa4", 2));
}
END_TEST

START_TEST(buffer_without_memory_aborts)
{
    struct ms_text text;

    ms_text_init(&text, NULL, 5);
}
END_TEST

START_TEST(bytes_are_two_digits)
{
    static const uint8_t bytes[] = {0, 0x0a, 0xff};
    char data[8];
    struct ms_text text;

    ms_text_init(&text, data, sizeof data);
    ms_text_add_hex(&text, bytes, sizeof bytes);
    ck_assert_str_eq(data, "000aff");
    ms_text_add_hex(&text, bytes, 1);
    ck_assert(ms_text_is_cut(&text));
}
END_TEST

START_TEST(labels_are_words_or_pairs)
{
    char name[MS_NAME_MAX + 2];

    memset(name, 'x', sizeof name);
    ck_assert(ms_text_is_label("gpu", 3));
    ck_assert(ms_text_is_label("zone=b-1.2:3_4", 14));
    ck_assert(ms_text_is_label(name, MS_NAME_MAX));
    ck_assert(!ms_text_is_label(name, MS_NAME_MAX + 1));
    ck_assert(!ms_text_is_label("", 0));
    ck_assert(!ms_text_is_label("=", 1));
    ck_assert(!ms_text_is_label("a=", 2));
    ck_assert(!ms_text_is_label("=b", 2));
    ck_assert(!ms_text_is_label("a=b=c", 5));
    ck_assert(!ms_text_is_label("a b", 3));
    ck_assert(!ms_text_is_label("a,b", 3));
    ck_assert(!ms_text_is_label("a*", 2));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("core_text");
    TCase *tests = tcase_create("text");

    tcase_add_test(tests, pieces_are_joined);
    tcase_add_test(tests, cut_text_is_terminated_and_measured);
    tcase_add_test(tests, exact_fit_is_cut_only_without_room_for_the_end);
    tcase_add_test(tests, complaint_is_one_safe_line);
    tcase_add_test(tests, numbers_are_whole_and_bounded);
    tcase_add_test(tests, copy_takes_what_fits);
    tcase_add_test(tests, a_name_is_cut);
    tcase_add_test(tests, times_are_dates);
    tcase_add_test(tests, names_have_bounds_and_an_alphabet);
    tcase_add_test(tests, bytes_are_two_digits);
    tcase_add_test(tests, labels_are_words_or_pairs);
    tcase_add_test_raise_signal(tests, buffer_without_memory_aborts, SIGABRT);
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);

    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
