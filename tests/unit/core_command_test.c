#include "core/command.h"

#include <check.h>
#include <stdlib.h>

START_TEST(test_every_kind_has_its_own_name)
{
    for (int kind = MS_KIND_HELLO; kind < MS_KIND_COUNT; kind++) {
        const char *name = ms_kind_name((enum ms_kind)kind);

        if (strcmp(name, "unknown") == 0) {
            continue; /* a number kept free */
        }
        for (int other = kind + 1; other < MS_KIND_COUNT; other++) {
            ck_assert_str_ne(name, ms_kind_name((enum ms_kind)other));
        }
    }
    ck_assert_str_eq(ms_kind_name(MS_KIND_HELLO), "HELLO");
    ck_assert_str_eq(ms_kind_name(MS_KIND_REPORT), "REPORT");
    ck_assert_str_eq(ms_kind_name(MS_KIND_PEER_HELLO), "PEER_HELLO");
    ck_assert_str_eq(ms_kind_name(MS_KIND_ORDER_ACK), "ORDER_ACK");
}
END_TEST

START_TEST(test_names_of_values)
{
    ck_assert_str_eq(ms_status_name(MS_STATUS_OK), "ok");
    ck_assert_str_eq(ms_status_name(MS_STATUS_CRASHED), "crashed");
    ck_assert_str_eq(ms_stream_name(MS_STREAM_STDERR), "stderr");
    ck_assert_str_eq(ms_durability_name(MS_DURABILITY_MEM), "mem");
    ck_assert_str_eq(ms_durability_name(MS_DURABILITY_STRICT), "strict");
    ck_assert_str_eq(ms_role_name(MS_ROLE_SLAVE), "slave");
    ck_assert_str_eq(ms_role_name(MS_ROLE_WITNESS), "witness");
    ck_assert_str_eq(ms_role_name(MS_ROLE_OPERATOR), "operator");
}
END_TEST

START_TEST(test_numbers_of_newer_versions_have_a_name_too)
{
    ck_assert_str_eq(ms_kind_name(MS_KIND_NONE), "unknown");
    ck_assert_str_eq(ms_kind_name((enum ms_kind)200), "unknown");
    for (int kind = MS_KIND_TAIL + 1; kind < MS_KIND_PEER_HELLO; kind++) {
        const bool is_call = kind == MS_KIND_CALL || kind == MS_KIND_CALL_REPLY;

        ck_assert_int_eq(strcmp(ms_kind_name((enum ms_kind)kind), "unknown") != 0, is_call);
    }
    ck_assert_str_eq(ms_status_name(MS_STATUS_COUNT), "unknown");
    ck_assert_str_eq(ms_stream_name((enum ms_stream)99), "unknown");
    ck_assert_str_eq(ms_durability_name(MS_DURABILITY_COUNT), "unknown");
    ck_assert_str_eq(ms_role_name(MS_ROLE_COUNT), "unknown");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("command");
    TCase *names = tcase_create("names");
    SRunner *runner;
    int failed;

    tcase_add_test(names, test_every_kind_has_its_own_name);
    tcase_add_test(names, test_names_of_values);
    tcase_add_test(names, test_numbers_of_newer_versions_have_a_name_too);
    suite_add_tcase(suite, names);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
