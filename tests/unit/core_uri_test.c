#include "core/uri.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "core/rng.h"

static struct ms_uri parse(const char *input, enum ms_address_use use)
{
    struct ms_complaint complaint = {""};
    struct ms_uri uri;

    ck_assert_msg(ms_uri_parse(input, use, &uri, &complaint), "%s: %s", input, complaint.text);
    return uri;
}

static void expect_round_trip(const char *input)
{
    char printed[MS_URI_TEXT_MAX];
    struct ms_text text;
    const struct ms_uri uri = parse(input, MS_ADDRESS_LISTEN);

    ms_text_init(&text, printed, sizeof printed);
    ms_uri_print(&uri, &text);
    ck_assert(!ms_text_is_cut(&text));
    ck_assert_str_eq(printed, input);
}

static void expect_refused(const char *input, const char *words)
{
    struct ms_complaint complaint = {""};
    struct ms_uri uri, before;

    memset(&uri, 0x5a, sizeof uri);
    before = uri;
    ck_assert_msg(!ms_uri_parse(input, MS_ADDRESS_CONNECT, &uri, &complaint), "%s", input);
    ck_assert_msg(strstr(complaint.text, words) != NULL, "%s: %s", input, complaint.text);
    ck_assert_mem_eq(&uri, &before, sizeof uri);
    ck_assert(!ms_uri_parse(input, MS_ADDRESS_CONNECT, &uri, NULL));
}

START_TEST(a_list_is_split)
{
    char addresses[MS_ADDRESSES_MAX][MS_ADDRESS_MAX + 1];

    ck_assert_uint_eq(ms_addresses_split("a:1", addresses), 1);
    ck_assert_str_eq(addresses[0], "a:1");
    ck_assert_uint_eq(ms_addresses_split("[::1]:2,unix:/x,b:3", addresses), 3);
    ck_assert_str_eq(addresses[0], "[::1]:2");
    ck_assert_str_eq(addresses[1], "unix:/x");
    ck_assert_str_eq(addresses[2], "b:3");
}
END_TEST

START_TEST(the_failover_url_has_all_its_parts)
{
    const struct ms_uri uri =
        parse("acme:standby:db1.example.org:7400//A-Server/x=1&y=a/b", MS_ADDRESS_CONNECT);

    ck_assert_int_eq(uri.form, MS_URI_URL);
    ck_assert_str_eq(uri.company, "acme");
    ck_assert_int_eq(uri.role, MS_URI_ROLE_STANDBY);
    ck_assert_str_eq(uri.address.host, "db1.example.org");
    ck_assert_uint_eq(uri.address.port, 7400);
    ck_assert_str_eq(uri.service, "A-Server");
    ck_assert_str_eq(uri.parameters, "x=1&y=a/b");
    ck_assert_int_eq(parse("a:master:[::1]:1//s", MS_ADDRESS_CONNECT).role, MS_URI_ROLE_MASTER);
    ck_assert_str_eq(parse("a:master:h:1//s/", MS_ADDRESS_CONNECT).parameters, "");
}
END_TEST

START_TEST(every_form_prints_as_it_was_read)
{
    static const char *const inputs[] = {
        "localhost:7400",
        "127.0.0.1:1",
        "[::1]:7400",
        "[fe80::1%eth0]:7400",
        "[1:2:3:4:5:6:7:8]:65535",
        "[::ffff:10.0.0.1]:80",
        "[1::]:1",
        "*:0",
        "host_name.example.:7400",
        "3com.example:7400",
        "unix:/run/ms/master.sock",
        "unix:/a//b:c",
        "acme:master:10.0.0.1:7400//echo",
        "acme:standby:[::1]:7400//echo/a=b//c",
        "ms://localhost:7400",
        "ms://localhost:7400/echo",
        "ms://[::1]:7400/echo/a=b",
    };

    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++) {
        expect_round_trip(inputs[i]);
    }
}
END_TEST

START_TEST(faults_are_named)
{
    static const char *const faults[][2] = {
        {"", "empty"},
        {"localhost", "no port"},
        {":7400", "host is missing"},
        {"localhost:", "port \"\""},
        {"localhost:0", "1 to 65535"},
        {"localhost:65536", "65536"},
        {"localhost:74o0", "74o0"},
        {"localhost:+1", "+1"},
        {"*:7400", "for listening"},
        {"::1:7400", "[::1]:port"},
        {"[::1]", "no port after the bracket"},
        {"[::1]x:1", "no port after the bracket"},
        {"[::1:7400", "closing bracket"},
        {"[::1::2]:7400", "not an IPv6"},
        {"[1:2:3]:7400", "not an IPv6"},
        {"[12345::]:7400", "not an IPv6"},
        {"[::g]:7400", "not an IPv6"},
        {"[1:2:3:4:5:6:7:8:9]:1", "not an IPv6"},
        {"[1:2:3:4::5:6:7:8]:1", "not an IPv6"},
        {"[::1%]:7400", "not an IPv6"},
        {"[]:7400", "not an IPv6"},
        {"10.0.0:7400", "neither a host name"},
        {"10.0.0.256:7400", "neither a host name"},
        {"10.0.0.1.5:7400", "neither a host name"},
        {"a..b:7400", "neither a host name"},
        {"-a:7400", "neither a host name"},
        {"a b:7400", "neither a host name"},
        {"unix:run/x", "not absolute"},
        {"unix:", "not absolute"},
        {"unix:/a\nb", "control character"},
        {"acme:slave:h:7400//echo/", "neither master nor standby"},
        {"acme:master:h:7400", "lacks //"},
        {"acme:master:h//echo", "no port"},
        {"acme:master//echo", "host and port are missing"},
        {":master:h:7400//echo", "company"},
        {"a b:master:h:7400//echo", "company \"a b\""},
        {"acme:master:h:7400//", "service type"},
        {"acme:master:h:7400///x", "service type"},
        {"acme:master:h:7400//echo/a b", "parameters"},
        {"ms://", "no port"},
        {"ms://h:1/a b", "service type"},
        {"http://h:1/", "neither master nor standby"},
    };

    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        expect_refused(faults[i][0], faults[i][1]);
    }
}
END_TEST

static char *repeat(char *to, const char *head, char filler, size_t count, const char *tail)
{
    const size_t head_size = strlen(head);

    memcpy(to, head, head_size);
    memset(to + head_size, filler, count);
    memcpy(to + head_size + count, tail, strlen(tail) + 1);
    return to;
}

START_TEST(lengths_are_bounded)
{
    char input[5000];

    expect_round_trip(repeat(input, "", 'a', 63, ":1"));
    expect_refused(repeat(input, "", 'a', 64, ":1"), "neither a host name");
    expect_round_trip(repeat(input, "unix:/", 'a', MS_UNIX_PATH_MAX - 1, ""));
    expect_refused(repeat(input, "unix:/", 'a', MS_UNIX_PATH_MAX, ""), "107");
    expect_round_trip(repeat(input, "a:master:h:1//s/", 'p', MS_PARAMETERS_MAX, ""));
    expect_refused(repeat(input, "a:master:h:1//s/", 'p', MS_PARAMETERS_MAX + 1, ""), "511");
    expect_refused(repeat(input, "a:master:h:1//", 's', 64, ""), "service type");
    expect_refused(repeat(input, "", 'c', 64, ":master:h:1//s"), "company");
    expect_refused(repeat(input, "", '1', 4000, ""), "no port");
    expect_refused(repeat(input, "a.", 'b', 4000, ":1"), "neither a host name");
    expect_refused(repeat(input, "a:", '1', 4000, ""), "port");
}
END_TEST

START_TEST(listening_allows_any_port_and_interface)
{
    struct ms_address address;

    ck_assert(ms_address_parse("*:0", MS_ADDRESS_LISTEN, &address, NULL));
    ck_assert(ms_address_parse("127.0.0.1:0", MS_ADDRESS_LISTEN, &address, NULL));
    ck_assert(!ms_address_parse("127.0.0.1:0", MS_ADDRESS_CONNECT, &address, NULL));
    ck_assert(!ms_address_parse("a:master:h:1//s", MS_ADDRESS_LISTEN, &address, NULL));
}
END_TEST

START_TEST(lists_mix_forms)
{
    struct ms_complaint complaint = {""};
    struct ms_uri_list list;
    char printed[MS_URI_TEXT_MAX];
    struct ms_text text;

    ck_assert(ms_uri_list_parse("a:1,acme:standby:b:2//s/x,[::1]:3,unix:/s", MS_ADDRESS_CONNECT,
                                &list, &complaint));
    ck_assert_uint_eq(list.count, 4);
    ms_text_init(&text, printed, sizeof printed);
    ms_uri_list_print_addresses(&list, &text);
    ck_assert_str_eq(printed, "a:1,b:2,[::1]:3,unix:/s");
    ck_assert(!ms_uri_list_parse("a:1,", MS_ADDRESS_CONNECT, &list, &complaint));
    ck_assert(!ms_uri_list_parse("", MS_ADDRESS_CONNECT, &list, &complaint));
    ck_assert(!ms_uri_list_parse("a:1,A:1", MS_ADDRESS_CONNECT, &list, &complaint));
    ck_assert_msg(strstr(complaint.text, "already") != NULL, "%s", complaint.text);
    ck_assert(!ms_uri_list_parse("a:1,a:2,a:3,a:4,a:5,a:6,a:7,a:8,a:9", MS_ADDRESS_CONNECT, &list,
                                 &complaint));
    ck_assert_msg(strstr(complaint.text, "more than 8") != NULL, "%s", complaint.text);
    ck_assert_uint_eq(list.count, 4);
}
END_TEST

/* Random strings over the characters that matter: whatever is accepted prints and parses to the
 * same again. */
START_TEST(random_texts_are_refused_or_stable)
{
    static const char alphabet[] = "a1:/[]%.,-*ms\nunixmaster";
    static const char *const words[] = {"master", "standby", "unix:/", "ms://", "//", "::1", ":1"};
    struct ms_rng rng;
    int accepted = 0;

    ms_rng_init(&rng, 1);
    for (int i = 0; i < 200000; i++) {
        char input[200], printed[MS_URI_TEXT_MAX], again[MS_URI_TEXT_MAX];
        struct ms_text text;
        struct ms_uri uri, second;

        ms_text_init(&text, input, sizeof input);
        for (uint64_t pieces = ms_rng_below(&rng, 8); pieces > 0; pieces--) {
            const char one[2] = {alphabet[ms_rng_below(&rng, sizeof alphabet - 1)], '\0'};

            ms_text_add(&text, "%s",
                        ms_rng_chance(&rng, 1, 2) ? one : words[ms_rng_below(&rng, 7)]);
        }
        if (!ms_uri_parse(input, MS_ADDRESS_LISTEN, &uri, NULL)) {
            continue;
        }
        accepted++;
        ms_text_init(&text, printed, sizeof printed);
        ms_uri_print(&uri, &text);
        second = parse(printed, MS_ADDRESS_LISTEN);
        ms_text_init(&text, again, sizeof again);
        ms_uri_print(&second, &text);
        ck_assert_str_eq(printed, again);
        ck_assert_int_eq(uri.form, second.form);
        ck_assert(ms_address_equal(&uri.address, &second.address));
    }
    ck_assert_int_gt(accepted, 1000);
}
END_TEST

START_TEST(unknown_role_aborts)
{
    ms_uri_role_name(MS_URI_ROLE_STANDBY + 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("core_uri");
    TCase *tests = tcase_create("uri");

    tcase_add_test(tests, a_list_is_split);
    tcase_add_test(tests, the_failover_url_has_all_its_parts);
    tcase_add_test(tests, every_form_prints_as_it_was_read);
    tcase_add_test(tests, faults_are_named);
    tcase_add_test(tests, lengths_are_bounded);
    tcase_add_test(tests, listening_allows_any_port_and_interface);
    tcase_add_test(tests, lists_mix_forms);
    tcase_add_test(tests, random_texts_are_refused_or_stable);
    tcase_add_test_raise_signal(tests, unknown_role_aborts, SIGABRT);
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);

    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
