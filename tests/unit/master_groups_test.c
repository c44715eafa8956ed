/* Groups: what is counted, who is told, and what of it a restart keeps. */
#include "master_shelf.h"

static void submit_to(struct script *s, uint64_t seq, const char *group, uint8_t flags)
{
    struct ms_command command = submission(seq, "x");
    const struct ms_terms terms = {.group = ms_bytes_of(group)};

    command.terms = &terms;
    command.flags = flags;
    receive(s, 2, &command);
}

static void ask(struct script *s, ms_peer peer, const char *group, bool is_following)
{
    struct ms_query query = {.what = MS_QUERY_GROUP, .is_following = is_following};

    snprintf(query.where, sizeof query.where, "%s", group);
    receive(s, peer, &(struct ms_command){.kind = MS_KIND_QUERY, .count = 7, .body.query = &query});
    settle_down(s);
}

static uint64_t number_of(const struct sent *report, uint32_t row, const char *name)
{
    for (uint32_t i = row * report->columns; i < (row + 1) * report->columns; i++) {
        if (strcmp(report->cells[i].name, name) == 0) {
            return report->cells[i].number;
        }
    }
    ck_abort_msg("no column %s", name);
    return 0;
}

static const char *text_of(const struct sent *report, uint32_t row, const char *name)
{
    for (uint32_t i = row * report->columns; i < (row + 1) * report->columns; i++) {
        if (strcmp(report->cells[i].name, name) == 0) {
            return report->cells[i].text;
        }
    }
    ck_abort_msg("no column %s", name);
    return "";
}

/* "open done buried cancelled" of the first row. */
static void want_counts(struct script *s, const char *counts)
{
    const struct sent *report = want(s, MS_KIND_REPORT);
    char got[64];

    ck_assert_int_eq(report->report_error, MS_E_OK);
    snprintf(got, sizeof got, "%u %u %u %u", (unsigned)number_of(report, 0, "open"),
             (unsigned)number_of(report, 0, "done"), (unsigned)number_of(report, 0, "buried"),
             (unsigned)number_of(report, 0, "cancelled"));
    ck_assert_str_eq(got, counts);
}

static void finish_one(struct script *s, enum ms_status status)
{
    pull(s, 1, 1);
    result(s, 1, s->last_token, status, "");
}

START_TEST(members_are_counted_by_state)
{
    struct script s;

    setup(&s);
    slave(&s, 1, 1);
    client(&s, 2, 2);
    for (uint64_t seq = 1; seq <= 4; seq++) {
        submit_to(&s, seq, "night", 0);
    }
    submit_to(&s, 5, "day", 0);
    ask(&s, 2, "night", false);
    want_counts(&s, "4 0 0 0");
    ck_assert(want(&s, MS_KIND_REPORT)->is_last);
    finish_one(&s, MS_STATUS_OK);
    finish_one(&s, MS_STATUS_FAIL);
    receive(&s, 2, &(struct ms_command){.kind = MS_KIND_CANCEL, .id.seq = 3});
    ask(&s, 2, "night", false);
    want_counts(&s, "1 1 1 1");
    confirm(&s, 2, 1, 3);
    ask(&s, 2, "night", false);
    want_counts(&s, "1 1 1 1");
    ask(&s, 2, "day", false);
    want_counts(&s, "1 0 0 0");
    teardown(&s);
}
END_TEST

START_TEST(a_group_nobody_knows)
{
    struct script s;

    setup(&s);
    slave(&s, 1, 1);
    client(&s, 2, 2);
    ask(&s, 2, "night", true);
    ck_assert_int_eq(want(&s, MS_KIND_REPORT)->report_error, MS_E_NOT_FOUND);
    ck_assert(want(&s, MS_KIND_REPORT)->is_last);
    ask(&s, 2, "", false);
    ck_assert_int_eq(want(&s, MS_KIND_REPORT)->report_error, MS_E_NOT_FOUND);
    teardown(&s);
}
END_TEST

START_TEST(a_follower_hears_of_each_that_ended)
{
    struct script s;

    setup(&s);
    slave(&s, 1, 1);
    client(&s, 2, 2);
    client(&s, 3, 3);
    submit_to(&s, 1, "night", 0);
    submit_to(&s, 2, "night", 0);
    ask(&s, 3, "night", true);
    want_counts(&s, "2 0 0 0");
    ck_assert(!want(&s, MS_KIND_REPORT)->is_last);
    ck_assert_str_eq(text_of(want(&s, MS_KIND_REPORT), 0, "ended"), "");
    settle_down(&s);
    ck_assert_ptr_null(find(&s, MS_KIND_REPORT)); /* nothing has changed */
    ck_assert_int_gt(ms_engine_deadline(s.engine), s.now);

    finish_one(&s, MS_STATUS_FAIL);
    settle_down(&s);
    want_counts(&s, "1 0 1 0");
    const struct sent *report = want(&s, MS_KIND_REPORT);
    ck_assert_uint_eq(report->effect.peer, 3);
    ck_assert_uint_eq(report->effect.command.count, 7);
    ck_assert(!report->is_last);
    ck_assert_str_eq(text_of(report, 0, "ended"), "02aa0000000000000000000000000000:1");
    ck_assert_str_eq(text_of(report, 0, "ended_status"), "fail");

    finish_one(&s, MS_STATUS_OK);
    settle_down(&s);
    want_counts(&s, "0 1 1 0");
    ck_assert(want(&s, MS_KIND_REPORT)->is_last);
    teardown(&s);
}
END_TEST

START_TEST(what_changes_at_once_is_told_at_once)
{
    enum { COUNT = 300 };
    struct script s;
    uint32_t rows = 0;

    setup(&s);
    slave(&s, 1, 1);
    client(&s, 2, 2);
    for (uint64_t seq = 1; seq <= COUNT; seq++) {
        submit_to(&s, seq, "night", MS_FLAG_BACKGROUND);
    }
    ask(&s, 2, "night", true);
    for (int i = 0; i < COUNT; i++) {
        finish_one(&s, MS_STATUS_OK);
        ck_assert_ptr_null(find(&s, MS_KIND_REPORT));
    }
    settle_down(&s);
    ck_assert_uint_eq(count_of(&s, MS_KIND_REPORT), 3);
    for (size_t i = 0; i < 3; i++) {
        rows += find_nth(&s, MS_KIND_REPORT, i)->rows;
        ck_assert_int_eq(find_nth(&s, MS_KIND_REPORT, i)->is_last, i == 2);
    }
    ck_assert_uint_eq(rows, COUNT);
    teardown(&s);
}
END_TEST

START_TEST(who_follows_too_slowly_is_told_how_much_it_missed)
{
    enum { COUNT = MS_GROUP_ENDS + 10 };
    struct script s;

    setup(&s);
    slave(&s, 1, 1);
    client(&s, 2, 2);
    for (uint64_t seq = 1; seq <= COUNT; seq++) {
        submit_to(&s, seq, "night", 0);
    }
    ask(&s, 2, "night", true);
    for (int i = 0; i < COUNT; i++) {
        finish_one(&s, MS_STATUS_OK);
    }
    settle_down(&s);
    ck_assert_uint_eq(number_of(want(&s, MS_KIND_REPORT), 0, "missed"), 10);
    ck_assert_uint_eq(number_of(want(&s, MS_KIND_REPORT), 1, "missed"), 0);
    teardown(&s);
}
END_TEST

START_TEST(followers_that_left_make_room)
{
    struct script s;

    setup(&s);
    slave(&s, 1, 1);
    client(&s, 2, 2);
    submit_to(&s, 1, "night", 0);
    client(&s, 3, 3);
    for (uint32_t i = 0; i < MS_INQUIRIES_MAX; i++) {
        ask(&s, 3, "night", true);
        ck_assert_int_eq(want(&s, MS_KIND_REPORT)->report_error, MS_E_OK);
    }
    ask(&s, 2, "night", true);
    close_peer(&s, 3);
    ask(&s, 2, "night", true);
    want_counts(&s, "1 0 0 0");
    finish_one(&s, MS_STATUS_OK);
    settle_down(&s);
    ck_assert_uint_eq(count_of(&s, MS_KIND_REPORT), 1);
    teardown(&s);
}
END_TEST

START_TEST(a_group_is_forgotten_after_its_time)
{
    struct script s;

    setup(&s);
    slave(&s, 1, 1);
    client(&s, 2, 2);
    submit_to(&s, 1, "night", MS_FLAG_BACKGROUND);
    finish_one(&s, MS_STATUS_OK);
    ask(&s, 2, "night", true);
    want_counts(&s, "0 1 0 0");
    ck_assert(want(&s, MS_KIND_REPORT)->is_last);
    run_until(&s, s.now + MS_GROUP_KEEP);
    client(&s, 4, 4);
    ask(&s, 4, "night", false);
    ck_assert_int_eq(want(&s, MS_KIND_REPORT)->report_error, MS_E_NOT_FOUND);
    teardown(&s);
}
END_TEST

START_TEST(counts_survive_a_crash)
{
    struct shelf shelf;
    struct script s;

    setup_durable(&s, &shelf);
    durable_slave(&s, 1, 1);
    client(&s, 2, 2);
    for (uint64_t seq = 1; seq <= 6; seq++) {
        submit_to(&s, seq, "night", 0);
    }
    commit(&s);
    finish_one(&s, MS_STATUS_OK);   /* confirmed: only the group's record knows it */
    finish_one(&s, MS_STATUS_FAIL); /* and its submission, for a kick */
    finish_one(&s, MS_STATUS_OK);
    commit(&s);
    confirm(&s, 2, 1, 1);
    receive(&s, 2, &(struct ms_command){.kind = MS_KIND_CANCEL, .id.seq = 4});
    commit(&s);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_GROUP], 1);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_SUBMIT], 3);
    confirm(&s, 2, 2, 1); /* not committed: it is counted as live again */

    for (int i = 0; i < 3; i++) {
        restart(&s);
        client(&s, 2, 2);
        commit(&s);
        ask(&s, 2, "night", false);
        want_counts(&s, "2 2 1 1");
    }
    teardown_durable(&s);
}
END_TEST

START_TEST(background_members_survive_a_crash_at_any_time)
{
    struct shelf shelf;
    struct script s;

    setup_durable(&s, &shelf);
    durable_slave(&s, 1, 1);
    client(&s, 2, 2);
    submit_to(&s, 1, "night", MS_FLAG_BACKGROUND);
    submit_to(&s, 2, "night", MS_FLAG_BACKGROUND);
    commit(&s);
    finish_one(&s, MS_STATUS_OK);
    commit(&s);
    restart(&s);
    restart(&s);
    client(&s, 2, 2);
    commit(&s);
    ask(&s, 2, "night", false);
    want_counts(&s, "1 1 0 0");
    ck_assert_uint_eq(shelf.counts[MS_RECORD_GROUP], 1);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_SETTLE], 0);
    teardown_durable(&s);
}
END_TEST

START_TEST(a_forgotten_group_leaves_no_record)
{
    struct shelf shelf;
    struct script s;

    setup_durable(&s, &shelf);
    durable_slave(&s, 1, 1);
    client(&s, 2, 2);
    submit_to(&s, 1, "night", MS_FLAG_BACKGROUND);
    finish_one(&s, MS_STATUS_OK);
    commit(&s);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_GROUP], 1);
    restart(&s);
    run_until(&s, s.now + MS_GROUP_KEEP);
    commit(&s);
    ck_assert_uint_eq(shelf.counts[MS_RECORD_GROUP], 0);
    teardown_durable(&s);
}
END_TEST

TESTS(members_are_counted_by_state, a_group_nobody_knows, a_follower_hears_of_each_that_ended,
      what_changes_at_once_is_told_at_once, who_follows_too_slowly_is_told_how_much_it_missed,
      followers_that_left_make_room, a_group_is_forgotten_after_its_time, counts_survive_a_crash,
      background_members_survive_a_crash_at_any_time, a_forgotten_group_leaves_no_record)
