#include "core/error.h"

#include <check.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const enum ms_error all[] = {
#define NUMBER(name, number, fatal, text) MS_E_##name,
    MS_ERRORS(NUMBER)
#undef NUMBER
};
#define COUNT (sizeof all / sizeof all[0])

START_TEST(test_every_error_has_its_own_number_name_and_text)
{
    for (size_t i = 0; i < COUNT; i++) {
        for (const char *at = ms_error_name(all[i]); *at != '\0'; at++) {
            ck_assert(isupper((unsigned char)*at) || *at == '_');
        }
        for (size_t j = i + 1; j < COUNT; j++) {
            ck_assert_int_ne(all[i], all[j]);
            ck_assert_str_ne(ms_error_name(all[i]), ms_error_name(all[j]));
            ck_assert_str_ne(ms_error_text(all[i]), ms_error_text(all[j]));
        }
    }
}
END_TEST

START_TEST(test_numbers_on_the_wire_stay)
{
    ck_assert_int_eq(MS_E_OK, 0);
    ck_assert_int_eq(MS_E_MAGIC, 1);
    ck_assert_int_eq(MS_E_MALFORMED, 5);
    ck_assert_int_eq(MS_E_SESSION_DEAD, 12);
    ck_assert_int_eq(MS_E_UNKNOWN_TYPE, 32);
    ck_assert_int_eq(MS_E_RETRY_LATER, 34);
}
END_TEST

START_TEST(test_fatal_ones_end_a_connection)
{
    ck_assert(ms_error_is_fatal(MS_E_MALFORMED));
    ck_assert(ms_error_is_fatal(MS_E_STALE_EPOCH));
    ck_assert(!ms_error_is_fatal(MS_E_OK));
    ck_assert(!ms_error_is_fatal(MS_E_RETRY_LATER));
}
END_TEST

START_TEST(test_an_error_of_a_newer_version)
{
    const enum ms_error unknown = (enum ms_error)9999;

    ck_assert_str_eq(ms_error_name(unknown), "UNKNOWN");
    ck_assert_ptr_nonnull(strstr(ms_error_text(unknown), "does not know"));
    ck_assert(!ms_error_is_fatal(unknown));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("error");
    TCase *table = tcase_create("table");
    SRunner *runner;
    int failed;

    tcase_add_test(table, test_every_error_has_its_own_number_name_and_text);
    tcase_add_test(table, test_numbers_on_the_wire_stay);
    tcase_add_test(table, test_fatal_ones_end_a_connection);
    tcase_add_test(table, test_an_error_of_a_newer_version);
    suite_add_tcase(suite, table);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
