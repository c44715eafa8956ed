#include "core/filter.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>

#include "core/command.h"

static const struct ms_uuid uuid = {{0xab, 0xcd, 0x01}};

static struct ms_filter_facts facts_of_one(void)
{
    return (struct ms_filter_facts){
        .state = "buried",
        .status = "timeout",
        .type = "thumb",
        .client = "nightly-1",
        .slave = "",
        .group = ms_bytes_of("night, all"),
        .unique = ms_bytes_of("user=7*"),
        .key = ms_bytes_of("account 9"),
        .client_uuid = &uuid,
        .type_number = 4711,
        .seq = 12,
        .size = 2048,
        .age = 7200 * MS_SEC,
        .waiting = 30 * MS_SEC,
        .attempts = 3,
        .failures = 2,
        .crashes = 1,
        .priority = -2,
    };
}

static bool matches(const char *text)
{
    const struct ms_filter_facts facts = facts_of_one();
    struct ms_complaint complaint = {""};
    struct ms_filter filter;
    const bool is_parsed = ms_filter_parse(text, &filter, &complaint);

    ck_assert_msg(is_parsed, "%s: %s", text, complaint.text);
    return ms_filter_matches(&filter, &facts);
}

static const char *complaint_of(const char *text)
{
    static struct ms_complaint complaint;
    struct ms_filter filter = {.count = 99};

    ck_assert_msg(!ms_filter_parse(text, &filter, &complaint), "%s", text);
    ck_assert_uint_eq(filter.count, 99);
    return complaint.text;
}

START_TEST(no_comparison_means_every_command)
{
    ck_assert(matches(""));
    ck_assert(matches(" \t\n"));
}
END_TEST

START_TEST(all_comparisons_must_hold)
{
    ck_assert(matches("state=buried type=thumb age>1h attempts>=2 priority<0 status=timeout"));
    ck_assert(!matches("state=buried type=thumb age>1h attempts>=4 priority<0 status=timeout"));
    ck_assert(!matches("state=ready type=thumb"));
    ck_assert(!matches("type=thumb state=ready"));
}
END_TEST

START_TEST(one_of_several_words_is_enough)
{
    ck_assert(matches("state=ready,buried"));
    ck_assert(matches("state=buried,ready"));
    ck_assert(!matches("state=ready,delayed"));
    ck_assert(!matches("state!=ready,buried"));
    ck_assert(matches("state!=ready,delayed"));
    ck_assert(matches("state=bur*"));
}
END_TEST

START_TEST(stars_stand_for_anything)
{
    ck_assert(matches("type=*"));
    ck_assert(matches("type=th*"));
    ck_assert(matches("type=*umb"));
    ck_assert(matches("type=t*u*b"));
    ck_assert(matches("type=**thumb**"));
    ck_assert(matches("client=*i*t*l*1"));
    ck_assert(!matches("type=thumb*b"));
    ck_assert(!matches("type=hum"));
    ck_assert(!matches("type=thumbs"));
    ck_assert(matches("type!=x*"));
}
END_TEST

START_TEST(a_backslash_makes_a_byte_ordinary)
{
    ck_assert(matches("group=night\\,\\ all"));
    ck_assert(matches("group=x,night\\,*"));
    ck_assert(!matches("group=night,all"));
    ck_assert(matches("unique=user=7\\*"));
    ck_assert(!matches("unique=user=\\*"));
    ck_assert(matches("unique=\\user*"));
    ck_assert(matches("key=account\\ 9"));
    ck_assert(!matches("key=account\\ 8,user*"));
}
END_TEST

START_TEST(nothing_means_that_there_is_none)
{
    ck_assert(matches("slave="));
    ck_assert(!matches("slave=*"));
    ck_assert(matches("slave!=*"));
    ck_assert(matches("slave=x,"));
    ck_assert(!matches("status="));
    ck_assert(!matches("group="));
}
END_TEST

START_TEST(types_and_clients_have_two_names)
{
    ck_assert(matches("type=4711"));
    ck_assert(!matches("type=4712"));
    ck_assert(!matches("type!=4711"));
    ck_assert(matches("client=abcd01*"));
    ck_assert(matches("client=nightly-*"));
    ck_assert(!matches("client=abcd"));
}
END_TEST

START_TEST(numbers_are_compared)
{
    ck_assert(matches("seq=12 priority=-2 attempts=3 failures=2 crashes=1"));
    ck_assert(matches("attempts!=2 attempts<4 attempts<=3 attempts>2 attempts>=3"));
    ck_assert(!matches("attempts<3"));
    ck_assert(!matches("attempts>3"));
    ck_assert(!matches("attempts!=3"));
    ck_assert(!matches("priority>-2"));
    ck_assert(matches("priority>-3"));
}
END_TEST

START_TEST(durations_and_sizes_have_units)
{
    ck_assert(matches("age=2h waiting=30s size=2KiB"));
    ck_assert(matches("age<3h waiting<1m size<1MiB"));
    ck_assert(!matches("age>2h"));
    ck_assert(!matches("size>2KiB"));
    ck_assert(matches("size>0"));
}
END_TEST

START_TEST(absent_facts_are_no_names)
{
    const struct ms_filter_facts nothing = {.state = "ready"};
    struct ms_filter filter;

    ck_assert(ms_filter_parse("type=*", &filter, NULL));
    ck_assert(ms_filter_matches(&filter, &nothing)); /* it has a number */
    ck_assert(ms_filter_parse("client=*", &filter, NULL));
    ck_assert(!ms_filter_matches(&filter, &nothing));
    ck_assert(ms_filter_parse("status= group= unique= slave= client=", &filter, NULL));
    ck_assert(ms_filter_matches(&filter, &nothing));
}
END_TEST

START_TEST(huge_facts_do_not_wrap)
{
    const struct ms_filter_facts huge = {.seq = UINT64_MAX, .size = UINT64_MAX};
    struct ms_filter filter;

    ck_assert(ms_filter_parse("seq>100 size>1MiB", &filter, NULL));
    ck_assert(ms_filter_matches(&filter, &huge));
}
END_TEST

START_TEST(complaints_name_the_word_and_what_is_right)
{
    ck_assert_str_eq(
        complaint_of("state=buried colour=red"),
        "no field is called \"colour\"; there are state, status, type, client, slave, "
        "group, unique, key, seq, priority, attempts, failures, crashes, age, waiting, deadline, "
        "size");
    ck_assert_str_eq(complaint_of("state=bury"),
                     "no state is called \"bury\"; there are ready, delayed, leased, done, buried, "
                     "cancelled");
    ck_assert_str_eq(complaint_of("status=ok,late"),
                     "no status is called \"late\"; there are ok, retry, fail, cancelled, timeout, "
                     "crashed, expired, lost");
    ck_assert_str_eq(complaint_of("state="),
                     "no state is called \"\"; there are ready, delayed, leased, done, buried, "
                     "cancelled");
    ck_assert_str_eq(complaint_of("type<thumb"),
                     "\"type<thumb\": type is compared by = or != only");
    ck_assert_str_eq(complaint_of("attempts=many"), "\"many\" is not a whole number");
    ck_assert_str_eq(complaint_of("attempts="), "\"\" is not a whole number");
    ck_assert_str_eq(complaint_of("attempts=1,2"), "\"1,2\" is not a whole number");
    ck_assert_str_eq(complaint_of("priority=--2"), "\"--2\" is not a whole number");
    ck_assert_str_eq(
        complaint_of("age > 1h"),
        "\"age\" is no comparison such as state=buried or age>1h, which have no blanks "
        "inside");
    ck_assert_str_eq(complaint_of("=x"),
                     "\"=x\" is no comparison such as state=buried or age>1h, which have no blanks "
                     "inside");
}
END_TEST

START_TEST(durations_without_unit_are_refused)
{
    ck_assert_ptr_nonnull(strstr(complaint_of("age>5"), "5"));
    ck_assert_ptr_nonnull(strstr(complaint_of("size>5"), "5"));
    ck_assert_ptr_nonnull(strstr(complaint_of("age>-5s"), "-5s"));
    ck_assert_ptr_nonnull(strstr(complaint_of("age>"), ""));
}
END_TEST

START_TEST(filters_are_bounded)
{
    char text[MS_WHERE_MAX + 2];
    struct ms_text many;
    struct ms_filter filter;

    memset(text, ' ', sizeof text);
    text[MS_WHERE_MAX] = '\0';
    ck_assert(ms_filter_parse(text, &filter, NULL));
    text[MS_WHERE_MAX] = ' ';
    text[MS_WHERE_MAX + 1] = '\0';
    ck_assert_str_eq(complaint_of(text), "a filter has 511 bytes at most");
    ms_text_init(&many, text, sizeof text);
    for (int i = 0; i < MS_FILTER_TERMS_MAX; i++) {
        ms_text_add(&many, "seq>%d ", i % 10);
    }
    ck_assert(ms_filter_parse(text, &filter, NULL));
    ms_text_add(&many, "seq>0");
    ck_assert_str_eq(complaint_of(text), "a filter has 16 comparisons at most");
    memcpy(text, "attempts=", 9);
    memset(text + 9, '1', 200);
    text[209] = '\0';
    ck_assert_ptr_nonnull(strstr(complaint_of(text), "too long for a number"));
}
END_TEST

/* A filter as long as it may be, of stars: the time must not explode. */
START_TEST(patterns_of_stars_stay_cheap)
{
    char text[MS_WHERE_MAX + 1];
    uint8_t key[MS_UNIQUE_KEY_MAX];
    struct ms_filter_facts facts = {.unique = {key, sizeof key}, .key = {key, sizeof key}};
    struct ms_filter filter;
    size_t at = 7;

    memset(key, 'a', sizeof key);
    memcpy(text, "unique=", 8);
    for (; at + 3 < sizeof text; at += 2) {
        memcpy(text + at, "*a", 3);
    }
    text[at++] = 'b';
    text[at] = '\0';
    ck_assert(ms_filter_parse(text, &filter, NULL));
    ck_assert(!ms_filter_matches(&filter, &facts));
}
END_TEST

START_TEST(a_damaged_filter_is_a_programmer_error)
{
    const struct ms_filter_facts facts = facts_of_one();
    struct ms_filter filter = {.count = MS_FILTER_TERMS_MAX + 1};

    ms_filter_matches(&filter, &facts);
}
END_TEST

static const char *const labels[] = {"gpu", "zone=b"};

static bool fits(const char *text)
{
    const struct ms_filter_slave slave = {
        .name = "render-1",
        .state = "alive",
        .group = "render",
        .build = "0.9.0",
        .labels = labels,
        .labels_count = 2,
        .slots = 8,
        .held = 3,
        .is_connected = true,
        .is_cordoned = true,
    };
    struct ms_filter filter;
    struct ms_complaint complaint;

    ck_assert_msg(ms_filter_parse_slaves(text, &filter, &complaint), "%s", complaint.text);
    return ms_filter_matches_slave(&filter, &slave);
}

START_TEST(test_slaves)
{
    ck_assert(fits(""));
    ck_assert(fits("name=render-* group=render held>0 slots<=8"));
    ck_assert(!fits("name=render"));
    ck_assert(fits("name=a,b,render-1"));
    ck_assert(fits("label=gpu"));
    ck_assert(fits("label=tpu,zone=b"));
    ck_assert(fits("label=zone=*"));
    ck_assert(!fits("label=zone"));
    ck_assert(!fits("label!=gpu"));
    ck_assert(fits("label!=tpu"));
    ck_assert(!fits("label="));
    ck_assert(fits("group!=other build=0.9.*"));
    ck_assert(!fits("group="));
    ck_assert(fits("state=alive,waiting_0 connected=yes draining=no cordoned=yes"));
    ck_assert(!fits("cordoned=no"));
    ck_assert(!fits("held>=4"));
}
END_TEST

/* A slave without any. */
START_TEST(test_slaves_of_few_words)
{
    const struct ms_filter_slave slave = {.name = "", .state = "alive", .group = "", .build = ""};
    struct ms_filter filter;

    ck_assert(ms_filter_parse_slaves("label= group=", &filter, NULL));
    ck_assert(ms_filter_matches_slave(&filter, &slave));
    ck_assert(ms_filter_parse_slaves("label!=gpu", &filter, NULL));
    ck_assert(ms_filter_matches_slave(&filter, &slave));
    ck_assert(ms_filter_parse_slaves("label=*", &filter, NULL));
    ck_assert(!ms_filter_matches_slave(&filter, &slave));
}
END_TEST

START_TEST(test_slaves_are_not_commands)
{
    struct ms_filter filter;
    struct ms_complaint complaint;

    ck_assert(!ms_filter_parse_slaves("priority>0", &filter, &complaint));
    ck_assert_str_eq(complaint.text, "no field is called \"priority\"; there are name, state, "
                                     "group, label, build, connected, draining, cordoned, slots, "
                                     "held");
    ck_assert(!ms_filter_parse("label=gpu", &filter, &complaint));
    ck_assert(!ms_filter_parse_slaves("state=ready", &filter, &complaint));
    ck_assert_str_eq(complaint.text, "no state is called \"ready\"; there are alive, waiting_0, "
                                     "waiting_1, waiting_2, dead");
    ck_assert(!ms_filter_parse_slaves("cordoned=maybe", &filter, &complaint));
    ck_assert_str_eq(complaint.text, "no answer is called \"maybe\"; there are yes, no");
    ck_assert(!ms_filter_parse_slaves("name", &filter, &complaint));
    ck_assert_ptr_nonnull(strstr(complaint.text, "group=render"));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("core/filter");
    TCase *tcase = tcase_create("core");

    tcase_add_test(tcase, no_comparison_means_every_command);
    tcase_add_test(tcase, all_comparisons_must_hold);
    tcase_add_test(tcase, one_of_several_words_is_enough);
    tcase_add_test(tcase, stars_stand_for_anything);
    tcase_add_test(tcase, a_backslash_makes_a_byte_ordinary);
    tcase_add_test(tcase, nothing_means_that_there_is_none);
    tcase_add_test(tcase, types_and_clients_have_two_names);
    tcase_add_test(tcase, numbers_are_compared);
    tcase_add_test(tcase, durations_and_sizes_have_units);
    tcase_add_test(tcase, absent_facts_are_no_names);
    tcase_add_test(tcase, huge_facts_do_not_wrap);
    tcase_add_test(tcase, complaints_name_the_word_and_what_is_right);
    tcase_add_test(tcase, durations_without_unit_are_refused);
    tcase_add_test(tcase, filters_are_bounded);
    tcase_add_test(tcase, patterns_of_stars_stay_cheap);
    tcase_add_test(tcase, test_slaves);
    tcase_add_test(tcase, test_slaves_of_few_words);
    tcase_add_test(tcase, test_slaves_are_not_commands);
    tcase_add_test_raise_signal(tcase, a_damaged_filter_is_a_programmer_error, SIGABRT);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
