#include "client/cli_time.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/cli_outcome.h"
#include "client/cmd_submit.h"
#include "core/command.h"

#define NOW ((int64_t)1000000000 * MS_SEC) /* 2001-09-09T01:46:40Z */

static void in_zone(const char *zone)
{
    ck_assert_int_eq(setenv("TZ", zone, 1), 0);
    tzset();
}

static int64_t seconds_of(const char *text)
{
    struct ms_complaint complaint;
    int64_t time = -1;

    ck_assert_msg(ms_cli_parse_time(text, NOW, &time, &complaint), "%s", complaint.text);
    ck_assert_int_eq(time % MS_SEC, 0);
    return time / MS_SEC;
}

START_TEST(times_are_read_as_people_write_them)
{
    in_zone("UTC0");
    ck_assert_int_eq(seconds_of("2001-09-09T01:46:40Z"), 1000000000);
    ck_assert_int_eq(seconds_of("2001-09-09 01:46:40"), 1000000000);
    ck_assert_int_eq(seconds_of("2001-09-09T01:46"), 1000000000 - 40);
    ck_assert_int_eq(seconds_of("@1800000000"), 1800000000);
    ck_assert_int_eq(seconds_of("+90m"), 1000000000 + 5400);
    ck_assert_int_eq(seconds_of("01:47"), 1000000000 + 20);
    ck_assert_int_eq(seconds_of("01:46:41"), 1000000000 + 1);
    ck_assert_int_eq(seconds_of("01:46:40"), 1000000000 + 24 * 3600); /* it is so late: tomorrow */
    ck_assert_int_eq(seconds_of("00:00"), 1000000000 - 6400 + 24 * 3600);
}
END_TEST

START_TEST(local_times_are_of_the_zone)
{
    in_zone("EET-2");
    ck_assert_int_eq(seconds_of("2001-09-09T03:46:40"), 1000000000);
    ck_assert_int_eq(seconds_of("2001-09-09T01:46:40Z"), 1000000000);
    ck_assert_int_eq(seconds_of("03:47"), 1000000000 + 20);
}
END_TEST

START_TEST(what_is_no_time_is_refused)
{
    static const char *const wrong[] = {"",
                                        "soon",
                                        "25:00",
                                        "2001-13-01T00:00",
                                        "+5",
                                        "@",
                                        "@-1",
                                        "90m",
                                        "18:30x",
                                        "+",
                                        "@99999999999999999999",
                                        "1969-12-31T00:00:00Z",
                                        "2001-09-09"};

    in_zone("UTC0");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct ms_complaint complaint;
        int64_t time;

        ck_assert_msg(!ms_cli_parse_time(wrong[i], NOW, &time, &complaint), "%s", wrong[i]);
        ck_assert_ptr_nonnull(strstr(complaint.text, "is no time, like"));
    }
}
END_TEST

START_TEST(priorities_have_signs)
{
    static const char *const wrong[] = {"", "-", "11", "-11", "1.5", "x", "--1"};
    struct ms_complaint complaint;
    int priority = 0;

    ck_assert(ms_cli_parse_priority("-10", &priority, NULL) && priority == -10);
    ck_assert(ms_cli_parse_priority("+3", &priority, NULL) && priority == 3);
    ck_assert(ms_cli_parse_priority("0", &priority, NULL) && priority == 0);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        ck_assert_msg(!ms_cli_parse_priority(wrong[i], &priority, &complaint), "%s", wrong[i]);
    }
}
END_TEST

/* ---- the options of muster submit ---- */

static bool is_read(const struct ms_submit_settings *settings, struct ms_client_submission *out)
{
    struct ms_complaint complaint;

    return ms_submit_read(settings, NOW, out, &complaint);
}

START_TEST(a_submission_is_read)
{
    struct ms_client_submission submission;

    in_zone("UTC0");
    ck_assert(is_read(&(struct ms_submit_settings){.attempts = 1,
                                                   .at = "+1h",
                                                   .deadline = "2h",
                                                   .priority = "-5",
                                                   .unique = "key",
                                                   .unique_mode = MS_CLIENT_UNIQUE_REJECT,
                                                   .key = "user 7",
                                                   .durability = 2,
                                                   .is_once = true,
                                                   .is_kept = true},
                      &submission));
    ck_assert_int_eq(submission.run_at_us, NOW + 3600 * MS_SEC);
    ck_assert_int_eq(submission.deadline_us, NOW + 7200 * MS_SEC);
    ck_assert_int_eq(submission.priority, -5);
    ck_assert_int_eq(submission.unique_mode, MS_CLIENT_UNIQUE_REJECT);
    ck_assert_uint_eq(submission.key_size, 6);
    ck_assert_mem_eq(submission.key, "user 7", 6);
    ck_assert_int_eq(submission.durability, MS_CLIENT_DURABILITY_LOCAL);
    ck_assert_uint_eq(submission.flags, MS_CLIENT_ONCE | MS_CLIENT_KEEP | MS_CLIENT_BACKGROUND);
    ck_assert(is_read(&(struct ms_submit_settings){.attempts = 1}, &submission));
    ck_assert_uint_eq(submission.flags, MS_CLIENT_BACKGROUND); /* nobody stays for the outcome */
    ck_assert(
        is_read(&(struct ms_submit_settings){.attempts = 1, .is_waiting = true}, &submission));
    ck_assert_uint_eq(submission.flags, 0);
    ck_assert(is_read(&(struct ms_submit_settings){.attempts = 1, .out = "file"}, &submission));
    ck_assert_uint_eq(submission.flags, 0);
    ck_assert_int_eq(submission.unique_mode, 0);
    ck_assert_ptr_null(submission.key);
    ck_assert_uint_eq(submission.key_size, 0);
    ck_assert(is_read(&(struct ms_submit_settings){.attempts = 1, .array_count = 2, .key = "k"},
                      &submission));
    ck_assert_uint_eq(submission.key_size, 1);
    ck_assert_uint_eq(submission.on, 0);
    ck_assert(is_read(&(struct ms_submit_settings){.attempts = 1, .on = "3", .where = "group=web"},
                      &submission));
    ck_assert_uint_eq(submission.on, 3);
    ck_assert_uint_eq(submission.array_count, 3);
    ck_assert_str_eq(submission.where, "group=web");
    ck_assert(is_read(&(struct ms_submit_settings){.attempts = 1, .on = "all"}, &submission));
    ck_assert_uint_eq(submission.on, MS_CLIENT_ON_ALL);
    ck_assert_uint_eq(submission.array_count, MS_TARGETS_MAX);
    ck_assert_int_eq(submission.deadline_us, 0);
}
END_TEST

START_TEST(what_does_not_go_together_is_refused)
{
    static const struct ms_submit_settings wrong[] = {
        {.payload = "x", .in = "y"},
        {.is_background = true, .is_waiting = true},
        {.at = "+1h", .delay = 1},
        {.at = "soon"},
        {.deadline = "soon"},
        {.at = "+2h", .deadline = "1h"},
        {.is_once = true, .attempts = 2},
        {.array_concurrency = 1},
        {.array_count = 2, .out = "file"},
        {.array_count = 2, .unique = "key"},
        {.unique_mode = MS_CLIENT_UNIQUE_REPLACE},
        {.group = "no group"},
        {.priority = "high"},
        {.id = ""},
        {.where = "group=web"},
        {.on = "some"},
        {.on = "0"},
        {.on = "all", .array_count = 2},
        {.on = "2", .array_count = 2},
        {.on = "all", .out = "file"},
        {.on = "all", .unique = "key"},
    };

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct ms_client_submission submission;

        ck_assert_msg(!is_read(&wrong[i], &submission), "%zu", i);
    }
}
END_TEST

START_TEST(a_text_stands_for_one_client)
{
    char one[MS_CLI_ID_SIZE], same[MS_CLI_ID_SIZE], other[MS_CLI_ID_SIZE];
    uint64_t seq = 0;

    ms_submit_id(&(struct ms_submit_settings){.id = "report-1"}, one, &seq);
    ck_assert_uint_eq(seq, 1);
    ck_assert_uint_eq(strlen(one), 32);
    ms_submit_id(&(struct ms_submit_settings){.id = "report-1"}, same, &seq);
    ms_submit_id(&(struct ms_submit_settings){.id = "report-2"}, other, &seq);
    ck_assert_str_eq(one, same);
    ck_assert_str_ne(one, other);
    ms_submit_id(&(struct ms_submit_settings){.id = "00112233445566778899aabbccddeeff:7"}, other,
                 &seq);
    ck_assert_str_eq(other, "00112233445566778899aabbccddeeff");
    ck_assert_uint_eq(seq, 7);
}
END_TEST

START_TEST(an_outcome_is_read_from_its_row)
{
    static const struct ms_client_cell cells[] = {
        {.name = "id", .text = "x"},
        {.name = "status", .text = "fail"},
        {.name = "attempt", .is_number = true, .number = 3},
        {.name = "code", .text = "-7"},
        {.name = "detail", .text = "why"},
        {.name = "wall_us", .is_number = true, .number = 5},
    };
    const struct ms_client_report report = {.columns = 6, .rows = 1, .cells = cells};
    struct ms_client_result result;

    ck_assert(ms_cli_outcome_of_report(&report, &result));
    ck_assert_int_eq(result.status, MS_CLIENT_STATUS_FAIL);
    ck_assert_uint_eq(result.attempt, 3);
    ck_assert_int_eq(result.code, -7);
    ck_assert_str_eq(result.detail, "why");
    ck_assert(result.has_usage);
    ck_assert_int_eq(ms_cli_outcome_exit_code(result.status), MS_EX_FAILED);
    ck_assert_int_eq(ms_cli_outcome_exit_code(MS_CLIENT_STATUS_EXPIRED), MS_EX_FAILED);
    ck_assert(!ms_cli_outcome_of_report(
        &(struct ms_client_report){.columns = 1, .rows = 1, .cells = cells}, &result));
    ck_assert(!ms_cli_outcome_of_report(&(struct ms_client_report){.columns = 6}, &result));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("client_cli_time");
    TCase *tests = tcase_create("time");

    tcase_add_test(tests, times_are_read_as_people_write_them);
    tcase_add_test(tests, local_times_are_of_the_zone);
    tcase_add_test(tests, what_is_no_time_is_refused);
    tcase_add_test(tests, priorities_have_signs);
    tcase_add_test(tests, a_submission_is_read);
    tcase_add_test(tests, what_does_not_go_together_is_refused);
    tcase_add_test(tests, a_text_stands_for_one_client);
    tcase_add_test(tests, an_outcome_is_read_from_its_row);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
