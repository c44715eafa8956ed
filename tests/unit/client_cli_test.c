#include "client/cli.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "client/cli_bytes.h"
#include "client/cli_commands.h"
#include "client/cli_histogram.h"
#include "core/error.h"

#define HEX "0123456789abcdefABCDEF0123456789"

START_TEST(an_id_is_printed_as_it_is_read)
{
    char client[MS_CLI_ID_SIZE];
    char text[MS_CLI_ID_SIZE];
    uint64_t seq = 0;

    ck_assert(ms_cli_parse_id(HEX ":18446744073709551615", client, &seq));
    ck_assert_str_eq(client, HEX);
    ck_assert_uint_eq(seq, UINT64_MAX);
    ms_cli_print_id(text, client, seq);
    ck_assert_str_eq(text, HEX ":18446744073709551615");
}
END_TEST

START_TEST(what_is_no_id_is_refused)
{
    static const char *const texts[] = {
        "",
        ":",
        ":1",
        HEX,
        HEX ":",
        HEX ":0",
        HEX "1:1",
        "xyz:1",
        HEX ":-1",
        HEX ":1 ",
        HEX ":1:2",
        HEX ":18446744073709551616",
        "0123456789abcdefABCDEF012345678g:1",
    };
    char client[MS_CLI_ID_SIZE];
    uint64_t seq = 0;

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        ck_assert_msg(!ms_cli_parse_id(texts[i], client, &seq), "%s", texts[i]);
    }
}
END_TEST

START_TEST(a_name_of_ones_own_finds_what_was_submitted_under_it)
{
    char client[MS_CLI_ID_SIZE], same[MS_CLI_CLIENT_SIZE];
    uint64_t seq = 0;

    ck_assert(ms_cli_find_id("tomorrow", client, &seq));
    ms_cli_client_of_text(same, "tomorrow");
    ck_assert_str_eq(client, same);
    ck_assert_uint_eq(seq, 1);
    ck_assert(ms_cli_find_id(HEX ":7", client, &seq));
    ck_assert_str_eq(client, HEX);
    ck_assert_uint_eq(seq, 7);
    ck_assert(!ms_cli_find_id("", client, &seq));
    ck_assert(!ms_cli_find_id(HEX, client, &seq)); /* half an id is no name */
    ck_assert(!ms_cli_find_id(HEX ":x", client, &seq));
}
END_TEST

START_TEST(errors_have_the_exit_codes_of_sysexits)
{
    ck_assert_int_eq(ms_cli_exit_code(MS_CLIENT_OK), EX_OK);
    ck_assert_int_eq(ms_cli_exit_code(MS_E_VERSION), MS_EX_PROTOCOL);
    ck_assert_int_eq(ms_cli_exit_code(MS_E_MAGIC), MS_EX_PROTOCOL);
    ck_assert_int_eq(ms_cli_exit_code(MS_CLIENT_UNREACHABLE), EX_UNAVAILABLE);
    ck_assert_int_eq(ms_cli_exit_code(MS_CLIENT_BUSY), EX_TEMPFAIL);
    ck_assert_int_eq(ms_cli_exit_code(MS_CLIENT_BAD_ARGUMENT), EX_USAGE);
    ck_assert_int_eq(ms_cli_exit_code(MS_CLIENT_BAD_STATE), EX_SOFTWARE);
}
END_TEST

START_TEST(every_option_table_is_sound)
{
    static const struct ms_cli_command *const commands[] = {
        &ms_cmd_submit, &ms_cmd_status,    &ms_cmd_slaves,       &ms_cmd_commands,
        &ms_cmd_show,   &ms_cmd_bench,     &ms_cmd_why,          &ms_cmd_tail,
        &ms_cmd_result, &ms_cmd_group,     &ms_cmd_wait,         &ms_cmd_cancel,
        &ms_cmd_kick,   &ms_cmd_release,   &ms_cmd_reprioritise, &ms_cmd_concurrency,
        &ms_cmd_pair,   &ms_cmd_is_active, &ms_cmd_switchover,   &ms_cmd_promote,
        &ms_cmd_hold,   &ms_cmd_unhold,
    };

    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        const struct ms_cli *cli = commands[i]->cli;
        struct ms_complaint complaint;

        ck_assert_ptr_nonnull(cli);
        ck_assert_msg(ms_options_lint(cli->table, cli->count, &complaint), "%s: %s",
                      commands[i]->name, complaint.text);
    }
}
END_TEST

static json_t *as_json(const void *data, size_t size)
{
    struct ms_cli_bytes bytes = {.data = NULL};
    json_t *object = json_object();

    ck_assert(ms_cli_bytes_add(&bytes, data, size));
    ms_cli_bytes_to_json(&bytes, object, "payload");
    ms_cli_bytes_free(&bytes);
    return object;
}

static void expect_json(const char *data, const char *name, const char *value)
{
    json_t *object = as_json(data, strlen(data));

    ck_assert_uint_eq(json_object_size(object), 1);
    ck_assert_str_eq(json_string_value(json_object_get(object, name)), value);
    json_decref(object);
}

START_TEST(bytes_become_json)
{
    expect_json("", "payload", "");
    expect_json("text \xC3\xA4", "payload", "text \xC3\xA4");
    expect_json("\xFF", "payload_base64", "/w==");
    expect_json("\xFF\xFE", "payload_base64", "//4=");
    expect_json("\xFF\xFE\xFD", "payload_base64", "//79");
    expect_json("\xFF"
                "foobar",
                "payload_base64", "/2Zvb2Jhcg==");
}
END_TEST

START_TEST(bytes_travel_through_files)
{
    struct ms_cli_bytes out = {.data = NULL};
    struct ms_cli_bytes in = {.data = NULL};
    FILE *file = tmpfile();

    ck_assert_ptr_nonnull(file);
    for (int i = 0; i < 3000; i++) {
        ck_assert(ms_cli_bytes_add(&out, "abcdefg", 7));
    }
    ck_assert(ms_cli_bytes_write(&out, fileno(file)));
    ck_assert_int_eq(lseek(fileno(file), 0, SEEK_SET), 0);
    ck_assert(ms_cli_bytes_read(&in, fileno(file), 21000));
    ck_assert_uint_eq(in.size, 21000);
    ck_assert_mem_eq(in.data, out.data, in.size);
    ms_cli_bytes_free(&in);
    ck_assert_int_eq(lseek(fileno(file), 0, SEEK_SET), 0);
    ck_assert(!ms_cli_bytes_read(&in, fileno(file), 20999));
    ck_assert_int_eq(errno, EFBIG);
    ms_cli_bytes_free(&in);
    ms_cli_bytes_free(&out);
    fclose(file);
}
END_TEST

START_TEST(small_latencies_are_exact)
{
    struct ms_cli_histogram histogram = {.total = 0};

    ck_assert_uint_eq(ms_cli_histogram_quantile(&histogram, 500), 0);
    for (uint64_t i = 1; i <= 50; i++) {
        ms_cli_histogram_add(&histogram, i);
    }
    ck_assert_uint_eq(ms_cli_histogram_quantile(&histogram, 500), 25);
    ck_assert_uint_eq(ms_cli_histogram_quantile(&histogram, 980), 49);
    ck_assert_uint_eq(ms_cli_histogram_quantile(&histogram, 1000), 50);
    ck_assert_uint_eq(histogram.max, 50);
}
END_TEST

START_TEST(large_latencies_are_close)
{
    for (uint64_t value = 1; value < UINT64_MAX / 3; value = value * 3 + 1) {
        struct ms_cli_histogram histogram = {.total = 0};

        ms_cli_histogram_add(&histogram, value);
        ms_cli_histogram_add(&histogram, UINT64_MAX);
        const uint64_t found = ms_cli_histogram_quantile(&histogram, 500);

        ck_assert_uint_ge(found, value);
        ck_assert_uint_le(found - value, value / 32);
        ck_assert_uint_eq(ms_cli_histogram_quantile(&histogram, 1000), UINT64_MAX);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("client_cli");
    TCase *tests = tcase_create("cli");

    tcase_add_test(tests, an_id_is_printed_as_it_is_read);
    tcase_add_test(tests, what_is_no_id_is_refused);
    tcase_add_test(tests, a_name_of_ones_own_finds_what_was_submitted_under_it);
    tcase_add_test(tests, errors_have_the_exit_codes_of_sysexits);
    tcase_add_test(tests, every_option_table_is_sound);
    tcase_add_test(tests, bytes_become_json);
    tcase_add_test(tests, bytes_travel_through_files);
    tcase_add_test(tests, small_latencies_are_exact);
    tcase_add_test(tests, large_latencies_are_close);
    suite_add_tcase(suite, tests);

    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
