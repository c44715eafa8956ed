/* What the tables say. */
#include "master_reports.h"
#include "master_shelf.h"

START_TEST(status)
{
    struct script s;

    begin(&s);
    pull(&s, 1, 3);
    submit(&s, 2, 1, "x");
    result(&s, 1, 12345, MS_STATUS_OK, "");
    s.now += 5 * MS_SEC / 2;
    struct sent *report = ask(&s, &(struct ms_query){.what = MS_QUERY_STATUS});
    ck_assert_str_eq(text(report, "name"), "m");
    ck_assert_str_eq(text(report, "role"), "active");
    ck_assert_str_eq(text(report, "durability"), "mem");
    ck_assert_uint_eq(number(report, "copies"), 0);
    ck_assert_str_eq(text(report, "state"), "running");
    ck_assert_uint_eq(number(report, "epoch"), EPOCH);
    ck_assert_uint_eq(number(report, "uptime_s"), 2);
    ck_assert_uint_eq(number(report, "commands_leased"), 1);
    ck_assert_uint_eq(number(report, "results_refused_total"), 1);
    ck_assert_uint_eq(number(report, "slaves"), 1);
    ck_assert_uint_eq(number(report, "clients"), 1);
    ck_assert_uint_eq(number(report, "credit"), 2);
    ck_assert_uint_eq(number(report, "held"), 1);
    ck_assert_uint_eq(number(report, "slots"), 4);
    ck_assert_uint_le(report->columns, MS_REPORT_COLUMNS_MAX);
    teardown(&s);
}
END_TEST

START_TEST(status_tells_limits_and_their_use)
{
    const struct ms_query query = {.what = MS_QUERY_STATUS};
    struct script s;

    setup_with(&s, &(struct ms_master_config){.epoch = EPOCH,
                                              .seed = 1,
                                              .payload_max = 1000,
                                              .limits = {.sessions_max = 9,
                                                         .commands_max = 7,
                                                         .bytes_max = 1 << 20,
                                                         .keep_count = 5,
                                                         .keep_bytes = 4096,
                                                         .connections_max = 11}});
    slave(&s, 1, 1);
    client(&s, 2, 2);
    submit(&s, 2, 1, "x");
    receive(
        &s, 2,
        &(struct ms_command){.kind = MS_KIND_PART, .id.seq = 2, .payload = ms_bytes_of("part")});
    struct sent *report = ask(&s, &query);

    ck_assert_uint_eq(number(report, "commands"), 1);
    ck_assert_uint_eq(number(report, "commands_max"), 7);
    ck_assert_uint_gt(number(report, "memory_bytes"), 4);
    ck_assert_uint_eq(number(report, "memory_max_bytes"), 1 << 20);
    ck_assert_uint_eq(number(report, "commands_kept_max"), 5);
    ck_assert_uint_eq(number(report, "kept_max_bytes"), 4096);
    ck_assert_uint_eq(number(report, "payload_max_bytes"), 1000);
    ck_assert_uint_eq(number(report, "spools"), 1);
    ck_assert_uint_eq(number(report, "spools_bytes"), 4);
    ck_assert_uint_eq(number(report, "sessions"), 2);
    ck_assert_uint_eq(number(report, "sessions_max"), 9);
    ck_assert_uint_eq(number(report, "connections"), 2);
    ck_assert_uint_eq(number(report, "connections_max"), 11);
    ck_assert_uint_eq(number(report, "questions"), 1);
    ck_assert_uint_eq(number(report, "followers"), 0);
    close_peer(&s, 2);
    client(&s, 3, 2); /* what it had begun, it begins anew */
    ck_assert_uint_eq(stats_of(&s).spools_count, 0);
    ck_assert_uint_eq(stats_of(&s).spools_bytes, 0);
    teardown(&s);
}
END_TEST

START_TEST(status_of_a_master_with_a_store_tells_its_room)
{
    struct script s;
    struct shelf shelf;

    setup_durable(&s, &shelf);
    client(&s, 2, 2);
    step(&s, &(struct ms_event){.type = MS_EVENT_ROOM, .count = 12345});
    struct sent *report = ask(&s, &(struct ms_query){.what = MS_QUERY_STATUS});

    ck_assert_uint_eq(number(report, "store_room_bytes"), 12345);
    ck_assert_uint_eq(number(report, "store_reserve_bytes"), MS_STORE_RESERVE_DEFAULT);
    ck_assert_uint_eq(number(report, "store_max_bytes"), 0);
    ck_assert_uint_eq(number(report, "store_behind_max_bytes"), MS_JOURNAL_BEHIND_MAX);
    ck_assert_uint_le(report->columns, MS_REPORT_COLUMNS_MAX);
    teardown_durable(&s);
}
END_TEST

START_TEST(status_of_a_master_with_a_store_tells_what_is_wrong_with_it)
{
    const struct ms_query query = {.what = MS_QUERY_STATUS};
    struct script s;
    struct shelf shelf;

    setup_durable(&s, &shelf);
    durable_slave(&s, 1, 1);
    client(&s, 2, 2);
    ck_assert_str_eq(text(ask(&s, &query), "alarm"), "none");
    step(&s, &(struct ms_event){.type = MS_EVENT_ROOM, .count = 12345});
    ck_assert_ptr_nonnull(strstr(text(ask(&s, &query), "alarm"), "STORE_SHORT: "));
    step(&s, &(struct ms_event){.type = MS_EVENT_ROOM, .count = 0});
    ck_assert_ptr_nonnull(strstr(text(ask(&s, &query), "alarm"), "STORE_FULL: "));
    step(&s, &(struct ms_event){.type = MS_EVENT_ROOM, .count = UINT64_MAX / 2});
    submit(&s, 2, 1, "x"); /* and nothing says that it is on the disk */
    for (const ms_time until = s.now + MS_STORE_SILENCE + MS_SEC; s.now < until;) {
        s.now += 100 * MS_MSEC;
        receive(&s, 2, &(struct ms_command){.kind = MS_KIND_BEAT});
    }
    ck_assert_ptr_nonnull(strstr(text(ask(&s, &query), "alarm"), "STORE_STUCK: "));
    teardown_durable(&s);
}
END_TEST

START_TEST(slaves)
{
    struct script s;

    begin(&s);
    pull(&s, 1, 3);
    submit(&s, 2, 1, "x");
    s.now += 250 * MS_MSEC;
    struct sent *report = ask(&s, &(struct ms_query){.what = MS_QUERY_SLAVES});
    ck_assert_uint_eq(report->rows, 1);
    ck_assert_str_eq(text(report, "name"), "s1");
    ck_assert_str_eq(text(report, "uuid"), "01aa0000000000000000000000000000");
    ck_assert_str_eq(text(report, "state"), "alive");
    ck_assert_str_eq(text(report, "connected"), "yes");
    ck_assert_str_eq(text(report, "types"), "echo");
    ck_assert_uint_eq(number(report, "held"), 1);
    ck_assert_uint_eq(number(report, "credit"), 2);
    ck_assert_uint_eq(number(report, "last_heard_ms"), 250);
    close_peer(&s, 1);
    report = ask(&s, &(struct ms_query){.what = MS_QUERY_SLAVES});
    ck_assert_str_eq(text(report, "connected"), "no");
    teardown(&s);
}
END_TEST

START_TEST(commands_by_state_and_type)
{
    struct script s;
    struct ms_query query = {.what = MS_QUERY_COMMANDS, .state = "leased"};

    begin(&s);
    submit(&s, 2, 1, "xyz");
    submit(&s, 2, 2, "x");
    pull(&s, 1, 1);
    s.now += MS_SEC / 10;
    struct sent *report = ask(&s, &query);
    ck_assert_uint_eq(report->rows, 1);
    ck_assert_str_eq(text(report, "type"), "echo");
    ck_assert_str_eq(text(report, "state"), "leased");
    ck_assert_str_eq(text(report, "slave"), "s1");
    ck_assert_uint_eq(number(report, "attempt"), 1);
    ck_assert_uint_eq(number(report, "age_ms"), 100);
    ck_assert_uint_eq(number(report, "size_bytes"), 3);
    query = (struct ms_query){.what = MS_QUERY_COMMANDS, .type = ECHO};
    ck_assert_uint_eq(ask(&s, &query)->rows, 2);
    query.type = OTHER;
    report = ask(&s, &query);
    ck_assert_uint_eq(report->rows, 0);
    ck_assert(report->is_last);
    teardown(&s);
}
END_TEST

/* What show says of command 1 of client 2. */
static const char *reason(struct script *s)
{
    struct ms_query query = {.what = MS_QUERY_SHOW, .id = {uuid_of(2), 1}};

    return text(ask(s, &query), "waits_because");
}

START_TEST(commands_tell_terms_and_filters_name_them)
{
    struct script s;
    struct ms_terms terms = {.priority = -2,
                             .unique_mode = MS_UNIQUE_JOIN,
                             .unique = ms_bytes_of("key"),
                             .group = ms_bytes_of("nightly"),
                             .key = ms_bytes_of("user 7"),
                             .deadline = 1060 * MS_SEC};
    struct ms_command command = submission(1, "x");
    struct ms_query query = {.what = MS_QUERY_COMMANDS};

    begin(&s);
    command.terms = &terms;
    receive(&s, 2, &command);
    submit(&s, 2, 2, "y");
    const char *const wheres[] = {"unique=key", "deadline<2m", "key=user*",
                                  "deadline>30s group=nightly priority=-2"};

    for (size_t i = 0; i < sizeof wheres / sizeof wheres[0]; i++) {
        snprintf(query.where, sizeof query.where, "%s", wheres[i]);
        struct sent *report = ask(&s, &query);

        ck_assert_uint_eq(report->rows, 1);
        ck_assert_str_eq(text(report, "priority"), "-2");
        ck_assert_str_eq(text(report, "unique"), "key");
        ck_assert_str_eq(text(report, "key"), "user 7");
        ck_assert_str_eq(text(report, "group"), "nightly");
        ck_assert_str_eq(text(report, "deadline_ms"), "60000");
    }
    snprintf(query.where, sizeof query.where, "unique= seq=2");
    ck_assert_str_eq(text(ask(&s, &query), "deadline_ms"), "");
    ck_assert_str_eq(text(ask(&s, &query), "key"), "");
    query = (struct ms_query){.what = MS_QUERY_SHOW, .id = {uuid_of(2), 1}};
    ck_assert_str_eq(text(ask(&s, &query), "key"), "user 7");
    teardown(&s);
}
END_TEST

START_TEST(show_says_why_it_waits)
{
    struct script s;
    struct ms_command command = submission(1, "x");
    struct ms_query unknown = {.what = MS_QUERY_SHOW, .id = {uuid_of(2), 9}};

    begin(&s);
    command.attempts_max = 2;
    receive(&s, 2, &command);
    ck_assert_str_eq(reason(&s), "1 slave runs echo and has no free slot; it is the next one");
    receive(&s, 1, &(struct ms_command){.kind = MS_KIND_BYE});
    settle_down(&s);
    ck_assert_str_eq(reason(&s), "no living slave runs echo");
    slave(&s, 3, 3);
    pull(&s, 3, 1);
    uint64_t token = token_of(want(&s, MS_KIND_COMMAND));
    s.now += 20 * MS_MSEC;
    ck_assert_str_eq(reason(&s), "slave s3 has had attempt 1 for 20 ms");
    result(&s, 3, token, MS_STATUS_RETRY, "");
    ck_assert_ptr_nonnull(strstr(reason(&s), "attempt 1 ended with retry on slave s3, 1 of 2"));
    tick_at(&s, ms_engine_deadline(s.engine));
    pull(&s, 3, 1);
    token = token_of(want(&s, MS_KIND_COMMAND));
    receive(&s, 3,
            &(struct ms_command){.kind = MS_KIND_RESULT,
                                 .status = MS_STATUS_FAIL,
                                 .token = {EPOCH, token},
                                 .detail = ms_bytes_of("broken")});
    ck_assert_str_eq(reason(&s), "it is over (fail) for 0 ms, and its client has not confirmed "
                                 "the outcome");
    ck_assert_str_eq(text(want(&s, MS_KIND_REPORT), "last_detail"), "broken");
    ck_assert_str_eq(text(want(&s, MS_KIND_REPORT), "last_status"), "fail");
    ck_assert_uint_eq(number(want(&s, MS_KIND_REPORT), "attempts_max"), 2);
    ck_assert_int_eq(ask(&s, &unknown)->report_error, MS_E_NOT_FOUND);
    teardown(&s);
}
END_TEST

TESTS(status, status_tells_limits_and_their_use, status_of_a_master_with_a_store_tells_its_room,
      status_of_a_master_with_a_store_tells_what_is_wrong_with_it, slaves,
      commands_by_state_and_type, show_says_why_it_waits, commands_tell_terms_and_filters_name_them)
