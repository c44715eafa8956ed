/* The sentences that say why a command waits. */
#include "master_reports.h"
#include "master_shelf.h"

START_TEST(why_is_one_sentence)
{
    struct script s;
    struct ms_command late = submission(1, "x");
    struct ms_query query = {.what = MS_QUERY_WHY, .id = {uuid_of(2), 1}};

    begin(&s);
    late.delay = 90 * MS_SEC;
    receive(&s, 2, &late);
    ck_assert_str_eq(text(ask(&s, &query), "reason"),
                     "it is delayed until 1970-01-01T00:18:10Z (another 90 s)");
    ck_assert_str_eq(text(want(&s, MS_KIND_REPORT), "state"), "delayed");
    submit(&s, 2, 2, "y");
    submit(&s, 2, 3, "z");
    query.id.seq = 3;
    ck_assert_str_eq(text(ask(&s, &query), "reason"),
                     "1 slave runs echo and has no free slot; 1 command of this type is before it");
    query.id.seq = 4;
    ck_assert_int_eq(ask(&s, &query)->report_error, MS_E_NOT_FOUND);
    teardown(&s);
}
END_TEST

/* What is asked about command 1 of client 2. */
static const char *reason(struct script *s)
{
    static const struct ms_query query = {.what = MS_QUERY_WHY, .id = {{{2, 0xaa}}, 1}};

    return text(ask(s, &query), "reason");
}

static void want_words(struct script *s, const char *words)
{
    const char *said = reason(s);

    ck_assert_msg(strstr(said, words) != NULL, "\"%s\" is not in \"%s\"", words, said);
}

START_TEST(a_deadline_is_told_of_what_has_not_been_started)
{
    struct script s;
    struct ms_terms terms = {.deadline = 2000 * MS_SEC};
    struct ms_command command = submission(1, "x");

    begin(&s);
    command.terms = &terms;
    receive(&s, 2, &command);
    ck_assert_str_eq(reason(&s),
                     "1 slave runs echo and has no free slot; it is the next one; it expires at "
                     "1970-01-01T00:33:20Z if it has not been started by then");
    pull(&s, 1, 1);
    settle_down(&s);
    ck_assert_str_eq(reason(&s), "slave s1 has had attempt 1 for 0 ms");
    teardown(&s);
}
END_TEST

START_TEST(every_reason_of_what_is_ready)
{
    struct script s;
    struct ms_hello hello = hello_of(MS_ROLE_SLAVE, 1);

    setup(&s);
    hello.features = MS_FEATURE_STREAM | MS_FEATURE_RESUME;
    greet(&s, 1, &hello);
    announce(&s, 1, ECHO, "echo");
    client(&s, 2, 2);
    submit(&s, 2, 1, "x");
    want_words(&s, "1 slave runs echo and has no free slot; it is the next one");
    receive(&s, 1, &(struct ms_command){.kind = MS_KIND_BYE});
    settle_down(&s);
    want_words(&s, "no living slave runs echo");
    teardown(&s);
}
END_TEST

START_TEST(a_payload_in_parts_waits_for_who_takes_it)
{
    struct script s;
    struct ms_hello hello = hello_of(MS_ROLE_SLAVE, 1);
    const struct ms_terms terms = {.parts_size = 4};

    setup(&s);
    hello.features = MS_FEATURE_STREAM | MS_FEATURE_RESUME;
    greet(&s, 1, &hello);
    announce(&s, 1, ECHO, "echo");
    client(&s, 2, 2);
    receive(
        &s, 2,
        &(struct ms_command){.kind = MS_KIND_PART, .id.seq = 1, .payload = ms_bytes_of("part")});
    receive(&s, 2,
            &(struct ms_command){.kind = MS_KIND_SUBMIT,
                                 .type = ECHO,
                                 .id.seq = 1,
                                 .flags = MS_FLAG_PARTS,
                                 .terms = &terms});
    pull(&s, 1, 1);
    settle_down(&s);
    want_words(&s, "no slave that runs echo and takes payloads in parts has a free slot");
    teardown(&s);
}
END_TEST

START_TEST(every_reason_of_what_is_delayed)
{
    struct script s;
    struct ms_command command = submission(1, "x");
    struct ms_terms terms = {.unique = ms_bytes_of("key"), .unique_mode = MS_UNIQUE_JOIN};

    begin(&s);
    command.attempts_max = 2;
    receive(&s, 2, &command);
    pull(&s, 1, 1);
    settle_down(&s);
    result(&s, 1, s.last_token, MS_STATUS_TIMEOUT, "");
    want_words(&s, "its next attempt waits until ");
    want_words(&s, "attempt 1 ended with timeout on slave s1, 1 of 2 attempts are used up");
    command = submission(2, "x");
    command.terms = &terms;
    receive(&s, 2, &command);
    command.id.seq = 3;
    receive(&s, 2, &command);
    const struct ms_query query = {.what = MS_QUERY_WHY, .id = {uuid_of(2), 3}};

    ck_assert_str_eq(
        text(ask(&s, &query), "reason"),
        "it has joined 02aa0000000000000000000000000000:2, which has the same unique key, "
        "and gets its outcome");
    teardown(&s);
}
END_TEST

START_TEST(every_reason_of_what_is_leased)
{
    struct script s;

    begin(&s);
    submit(&s, 2, 1, "x");
    pull(&s, 1, 1);
    settle_down(&s);
    s.now += MS_SEC / 2;
    ck_assert_str_eq(reason(&s), "slave s1 has had attempt 1 for 500 ms");
    receive(&s, 2, &(struct ms_command){.kind = MS_KIND_CANCEL, .id.seq = 1});
    want_words(&s, " and was told to stop");
    close_peer(&s, 1);
    want_words(&s,
               "and is not connected (alive); it will be told to stop; if that is not back by ");
    want_words(&s, " (another 4000 ms) it is given up");
    teardown(&s);
}
END_TEST

START_TEST(every_reason_of_what_is_over)
{
    struct script s;

    begin(&s);
    submit(&s, 2, 1, "x");
    pull(&s, 1, 1);
    settle_down(&s);
    result(&s, 1, s.last_token, MS_STATUS_OK, "");
    settle_down(&s);
    ck_assert_str_eq(reason(&s),
                     "it is over (ok) for 0 ms, and its client has not confirmed the outcome");
    teardown(&s);
}
END_TEST

START_TEST(reasons_of_a_master_with_a_store)
{
    struct script s;
    struct shelf shelf;
    struct ms_command once = submission(1, "x");

    setup_durable(&s, &shelf);
    durable_slave(&s, 1, 1);
    client(&s, 2, 2);
    once.flags = MS_FLAG_ONCE;
    pull(&s, 1, 1);
    receive(&s, 2, &once);
    want_words(&s, "; it may be started only once, and waits for the disk");
    commit(&s);
    submit(&s, 2, 2, "y");
    commit(&s);
    restart(&s);
    client(&s, 3, 3);
    const struct ms_query query = {.what = MS_QUERY_WHY, .id = {uuid_of(2), 2}};

    receive(&s, 3, &(struct ms_command){.kind = MS_KIND_QUERY, .count = 1, .body.query = &query});
    settle_down(&s);
    ck_assert_str_eq(
        text(want(&s, MS_KIND_REPORT), "reason"),
        "the master has restarted, and until s1 is back or dead, one of them may still have it: at "
        "the latest until 1970-01-12T14:03:24Z (another 4000 ms)");
    teardown_durable(&s);
}
END_TEST

TESTS(why_is_one_sentence, a_deadline_is_told_of_what_has_not_been_started,
      every_reason_of_what_is_ready, a_payload_in_parts_waits_for_who_takes_it,
      every_reason_of_what_is_delayed, every_reason_of_what_is_leased, every_reason_of_what_is_over,
      reasons_of_a_master_with_a_store)
