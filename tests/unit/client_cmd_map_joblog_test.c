#include "client/cmd_map_joblog.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static struct ms_cli_bytes line;
static struct ms_joblog_set set;

static void teardown(void)
{
    ms_cli_bytes_free(&line);
    ms_joblog_free(&set);
}

static const char *print(const struct ms_joblog_row *row)
{
    line.size = 0;
    ck_assert(ms_joblog_print(row, &line) && ms_cli_bytes_add(&line, "", 1));
    return (const char *)line.data;
}

static const struct ms_joblog_row sample = {
    .seq = 12,
    .host = "h",
    .start_ms = 1700000000042,
    .runtime_ms = 1005,
    .sent = 3,
    .received = 4,
    .exitval = -1,
    .signal = 9,
    .command = "a\nb\tc",
    .command_size = 5,
};

START_TEST(a_row_has_the_columns_of_gnu_parallel)
{
    ck_assert_str_eq(print(&sample), "12\th\t1700000000.042\t1.005\t3\t4\t-1\t9\ta\\nb\tc\n");
}
END_TEST

START_TEST(what_was_printed_is_read_back)
{
    struct ms_joblog_row row;

    print(&sample);
    line.data[line.size - 2] = '\0';
    ck_assert(ms_joblog_parse((const char *)line.data, &row));
    ck_assert_uint_eq(row.seq, 12);
    ck_assert_int_eq(row.exitval, -1);
    ck_assert_uint_eq(row.signal, 9);
}
END_TEST

START_TEST(a_joblog_of_gnu_parallel_is_read)
{
    struct ms_joblog_row row;

    ck_assert(ms_joblog_parse("3\t:\t1700000000.042\t     0.005\t0\t2\t17\t0\techo a b", &row));
    ck_assert_uint_eq(row.seq, 3);
    ck_assert_int_eq(row.exitval, 17);
}
END_TEST

START_TEST(what_is_no_row_is_refused)
{
    static const char *const others[] = {
        "",
        "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand",
        "3",
        "3\t:\t0\t0\t0\t2\t17\t0",
        "0\t:\t0\t0\t0\t2\t17\t0\tx",
        "-1\t:\t0\t0\t0\t2\t17\t0\tx",
        "99999999999999\t:\t0\t0\t0\t2\t17\t0\tx",
        "3\t:\t0\t0\t0\t2\tx\t0\tx",
        "3\t:\t0\t0\t0\t2\t0\t-9\tx",
        "3\t:\t0\t0\t0\t2\t99999999999\t0\tx",
    };

    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct ms_joblog_row row;

        ck_assert_msg(!ms_joblog_parse(others[i], &row), "%s", others[i]);
    }
}
END_TEST

START_TEST(the_set_grows_and_forgets)
{
    ck_assert(!ms_joblog_has(&set, 1));
    ck_assert(ms_joblog_mark(&set, 1000000, false));
    ck_assert_uint_eq(set.count, 0);
    for (uint64_t seq = 1; seq < 3000; seq += 3) {
        ck_assert(ms_joblog_mark(&set, seq, true));
    }
    for (uint64_t seq = 1; seq < 4000; seq++) {
        ck_assert_int_eq(ms_joblog_has(&set, seq), seq < 3000 && seq % 3 == 1);
    }
    ck_assert(ms_joblog_mark(&set, 4, false));
    ck_assert(!ms_joblog_has(&set, 4));
    ck_assert(!ms_joblog_has(&set, UINT64_MAX));
}
END_TEST

START_TEST(a_number_out_of_range_is_a_programmer_error)
{
    ms_joblog_mark(&set, MS_JOBLOG_SEQ_MAX, true);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("client_cmd_map_joblog");
    TCase *tests = tcase_create("joblog");

    tcase_add_checked_fixture(tests, NULL, teardown);
    tcase_add_test(tests, a_row_has_the_columns_of_gnu_parallel);
    tcase_add_test(tests, what_was_printed_is_read_back);
    tcase_add_test(tests, a_joblog_of_gnu_parallel_is_read);
    tcase_add_test(tests, what_is_no_row_is_refused);
    tcase_add_test(tests, the_set_grows_and_forgets);
    tcase_add_test_raise_signal(tests, a_number_out_of_range_is_a_programmer_error, SIGABRT);
    suite_add_tcase(suite, tests);

    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
