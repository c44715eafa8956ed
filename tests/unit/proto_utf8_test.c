#include "proto/utf8.h"

#include <check.h>
#include <stdlib.h>

static bool is_text(const char *bytes, size_t size)
{
    char *exact = malloc(size + (size == 0));
    ck_assert_ptr_nonnull(exact);
    memcpy(exact, bytes, size);
    const bool is = ms_utf8_is_text((struct ms_bytes){(const uint8_t *)exact, size});
    free(exact);
    return is;
}

#define IS_TEXT(literal) is_text(literal, sizeof(literal) - 1)

START_TEST(test_well_formed)
{
    ck_assert(IS_TEXT(""));
    ck_assert(IS_TEXT("plain\ttext\n"));
    ck_assert(IS_TEXT("\xc2\x80"));
    ck_assert(IS_TEXT("\xdf\xbf"));
    ck_assert(IS_TEXT("\xe0\xa0\x80"));
    ck_assert(IS_TEXT("\xed\x9f\xbf"));
    ck_assert(IS_TEXT("\xee\x80\x80"));
    ck_assert(IS_TEXT("\xef\xbf\xbf"));
    ck_assert(IS_TEXT("\xf0\x90\x80\x80"));
    ck_assert(IS_TEXT("\xf4\x8f\xbf\xbf"));
}
END_TEST

START_TEST(test_malformed)
{
    ck_assert(!IS_TEXT("a\0b"));
    ck_assert(!IS_TEXT("\x80"));
    ck_assert(!IS_TEXT("\xbf"));
    ck_assert(!IS_TEXT("\xc0\x80"));
    ck_assert(!IS_TEXT("\xc1\xbf"));
    ck_assert(!IS_TEXT("\xc2"));
    ck_assert(!IS_TEXT("\xc2\x41"));
    ck_assert(!IS_TEXT("\xc2\xc2"));
    ck_assert(!IS_TEXT("\xe0\x9f\xbf"));
    ck_assert(!IS_TEXT("\xe1\x80"));
    ck_assert(!IS_TEXT("\xe1\x80\x41"));
    ck_assert(!IS_TEXT("\xed\xa0\x80"));
    ck_assert(!IS_TEXT("\xf0\x8f\xbf\xbf"));
    ck_assert(!IS_TEXT("\xf1\x80\x80"));
    ck_assert(!IS_TEXT("\xf1\x80\x80\x41"));
    ck_assert(!IS_TEXT("\xf4\x90\x80\x80"));
    ck_assert(!IS_TEXT("\xf5\x80\x80\x80"));
    ck_assert(!IS_TEXT("\xff"));
}
END_TEST

START_TEST(test_names_have_no_control_characters)
{
    static const char *const bad[] = {"a\nb", "\t", "\x7f", "\xc2\x80", "\xc2\x9f", "\x1b[2J"};

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ck_assert(ms_utf8_is_text(ms_bytes_of(bad[i])));
        ck_assert(!ms_utf8_is_name(ms_bytes_of(bad[i])));
    }
    ck_assert(ms_utf8_is_name(ms_bytes_of("na me \xc2\xa0 \xc3\xa4")));
    ck_assert(ms_utf8_is_name((struct ms_bytes){0}));
}
END_TEST

static void assert_clean(const char *from, size_t size, size_t max, const char *expected)
{
    uint8_t to[32] = {0};

    const size_t length = ms_utf8_clean(to, (struct ms_bytes){(const uint8_t *)from, size}, max);
    ck_assert_uint_eq(length, strlen(expected));
    ck_assert_mem_eq(to, expected, length);
    ck_assert_uint_eq(to[length], 0);
}

START_TEST(test_cleaning)
{
    assert_clean("abc", 3, 10, "abc");
    assert_clean("abc", 3, 2, "ab");
    assert_clean("a\0b\xff", 4, 10, "a?b?");
    assert_clean("\xc3\xa4\xc3", 3, 10, "\xc3\xa4?");
    assert_clean("a\xe2\x82\xac", 4, 3, "a"); /* never cut inside a character */
    assert_clean("a\xe2\x82\xac", 4, 4, "a\xe2\x82\xac");
    assert_clean("abc", 3, 0, "");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("proto_utf8");
    TCase *tcase = tcase_create("utf8");

    tcase_add_test(tcase, test_well_formed);
    tcase_add_test(tcase, test_malformed);
    tcase_add_test(tcase, test_names_have_no_control_characters);
    tcase_add_test(tcase, test_cleaning);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
