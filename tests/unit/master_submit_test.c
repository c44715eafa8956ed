/* Submissions of arrays that come again, or make no sense. */
#include "master/submit.h"

#include "master_arrays.h"
#include "master_reports.h"

static void want_bad(struct script *s, const char *detail)
{
    const struct sent *nak = want(s, MS_KIND_SUBMIT_NAK);

    ck_assert_uint_eq(nak->effect.command.error, MS_E_BAD_ARGUMENT);
    ck_assert_str_eq(nak->detail, detail);
}

START_TEST(an_array_that_comes_again_creates_nothing_and_tells_how_things_stand)
{
    struct script s;

    begin(&s);
    pull(&s, 1, 3);
    submit_array(&s, 1, 5, 0);
    const uint64_t first = want_member(&s, 0, 1, 0, 5);

    result(&s, 1, first, MS_STATUS_OK, "one");
    confirm(&s, 2, 1, 1);
    result(&s, 1, first + 2, MS_STATUS_OK, "three");
    submit_array(&s, 1, 5, 0);
    ck_assert_uint_eq(want(&s, MS_KIND_SUBMIT_ACK)->effect.command.count, 5);
    ck_assert_uint_eq(want(&s, MS_KIND_SUBMIT_NAK)->effect.command.id.seq, 1);
    ck_assert_uint_eq(want(&s, MS_KIND_SUBMIT_NAK)->effect.command.error, MS_E_CLOSED_ID);
    ck_assert_uint_eq(want(&s, MS_KIND_SUBMIT_NAK)->effect.command.count, 1);
    ck_assert_uint_eq(count_of(&s, MS_KIND_SUBMIT_NAK), 1);
    ck_assert_uint_eq(want(&s, MS_KIND_OUTCOME)->effect.command.id.seq, 3);
    ck_assert_str_eq(want(&s, MS_KIND_OUTCOME)->payload, "three");
    ck_assert_uint_eq(stats_of(&s).commands_count, 4);
    teardown(&s);
}
END_TEST

START_TEST(members_that_ended_under_a_forgotten_master_stay_closed)
{
    struct script s;
    struct ms_hello hello = hello_of(MS_ROLE_CLIENT, 2);

    setup(&s);
    slave(&s, 1, 1);
    hello.floor = 6;
    greet(&s, 2, &hello);
    pull(&s, 1, 9);
    submit_array(&s, 5, 4, 0);
    ck_assert_uint_eq(want(&s, MS_KIND_SUBMIT_ACK)->effect.command.count, 4);
    ck_assert_uint_eq(want(&s, MS_KIND_SUBMIT_NAK)->effect.command.id.seq, 5);
    ck_assert_uint_eq(want(&s, MS_KIND_SUBMIT_NAK)->effect.command.count, 2);
    ck_assert_uint_eq(count_of(&s, MS_KIND_COMMAND), 2);
    want_member(&s, 0, 7, 2, 4);
    submit_array(&s, 2, 3, 0);
    ck_assert_uint_eq(want(&s, MS_KIND_SUBMIT_NAK)->effect.command.error, MS_E_CLOSED_ID);
    ck_assert_uint_eq(want(&s, MS_KIND_SUBMIT_NAK)->effect.command.count, 0);
    teardown(&s);
}
END_TEST

START_TEST(members_that_were_forgotten_are_begun_anew)
{
    struct script s;

    begin(&s);
    pull(&s, 1, 2);
    submit_array(&s, 1, 3, 0);
    const uint64_t first = want_member(&s, 0, 1, 0, 3);

    result(&s, 1, first, MS_STATUS_OK, "");
    confirm(&s, 2, 1, 1);
    receive(&s, 2, &(struct ms_command){.kind = MS_KIND_BYE}); /* nobody waits any more */
    result(&s, 1, first + 1, MS_STATUS_OK, "");
    ck_assert(ms_array_is_closed(array_of(&s, 2), 2));
    client(&s, 3, 2);
    const struct ms_terms terms = {.array_count = 3};
    struct ms_command command = submission(1, "all");

    command.terms = &terms;
    receive(&s, 3, &command);
    ck_assert_uint_eq(want(&s, MS_KIND_SUBMIT_NAK)->effect.command.id.seq, 1);
    ck_assert_uint_eq(want(&s, MS_KIND_SUBMIT_NAK)->effect.command.count, 1);
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_READY], 2);
    pull(&s, 1, 2);
    want_member(&s, 0, 3, 2, 3); /* it stood for the others already */
    want_member(&s, 1, 2, 1, 3);
    teardown(&s);
}
END_TEST

START_TEST(numbers_are_of_one_command_each)
{
    struct script s;

    begin(&s);
    submit(&s, 2, 8, "x");
    submit_array(&s, 5, 5, 0);
    want_bad(&s, "one of its numbers is of another command");
    submit_array(&s, 10, 5, 0);
    want(&s, MS_KIND_SUBMIT_ACK);
    submit(&s, 2, 12, "x");
    want_bad(&s, "its number is of an array that begins with 10");
    submit_array(&s, 11, 2, 0);
    want_bad(&s, "its number is of an array that begins with 10");
    submit_array(&s, 9, 2, 0);
    want_bad(&s, "one of its numbers is of another command");
    submit_array(&s, 15, 1, 0);
    want(&s, MS_KIND_SUBMIT_ACK);
    teardown(&s);
}
END_TEST

START_TEST(what_an_array_cannot_be_is_refused_by_name)
{
    struct script s;
    const struct ms_terms terms = {.array_count = 2, .parts_size = 10};
    struct ms_command command = submission(1, "");
    struct ms_master_config config = {.epoch = EPOCH, .seed = 1};

    config.limits.commands_max = 100;
    setup_with(&s, &config);
    slave(&s, 1, 1);
    client(&s, 2, 2);
    submit_array(&s, 1, MS_ARRAY_MAX + 1, 0);
    want_bad(&s, "an array of 1048577 commands, at most 1048576 are allowed");
    submit_array(&s, 1, UINT32_MAX, 0);
    want_bad(&s, "an array of 4294967295 commands, at most 1048576 are allowed");
    submit_array(&s, 1, 101, 0);
    want_bad(&s, "an array of 101 commands, at most 100 are kept here");
    submit_array(&s, 1, 0, 2);
    want_bad(&s, "array_concurrency is set, and array_count is 0");
    command.terms = &terms;
    command.flags = MS_FLAG_PARTS;
    receive(&s, 2, &command);
    want_bad(&s, "array_count is set, and the payload comes in parts: that of an array comes in "
                 "one");
    teardown(&s);
}
END_TEST

START_TEST(every_member_counts_against_the_limits)
{
    struct script s;
    struct ms_master_config config = {.epoch = EPOCH, .seed = 1};

    config.limits.commands_max = 100;
    setup_with(&s, &config);
    slave(&s, 1, 1);
    client(&s, 2, 2);
    submit_array(&s, 1, 60, 0);
    want(&s, MS_KIND_SUBMIT_ACK);
    submit_array(&s, 101, 41, 0);
    ck_assert_uint_eq(want(&s, MS_KIND_SUBMIT_NAK)->effect.command.error, MS_E_RETRY_LATER);
    submit_array(&s, 101, 40, 0);
    want(&s, MS_KIND_SUBMIT_ACK);
    submit(&s, 2, 300, "x");
    ck_assert_uint_eq(want(&s, MS_KIND_SUBMIT_NAK)->effect.command.error, MS_E_RETRY_LATER);
    pull(&s, 1, 100);
    ck_assert_uint_eq(count_of(&s, MS_KIND_COMMAND), 100);
    teardown(&s);
}
END_TEST

TESTS(an_array_that_comes_again_creates_nothing_and_tells_how_things_stand,
      members_that_ended_under_a_forgotten_master_stay_closed, numbers_are_of_one_command_each,
      members_that_were_forgotten_are_begun_anew, what_an_array_cannot_be_is_refused_by_name,
      every_member_counts_against_the_limits)
