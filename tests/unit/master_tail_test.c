/* The output of commands, and their outcomes, told to whoever asks. */
#include "master/tail.h"

#include "core/limits.h"
#include "master/life.h"
#include "master_reports.h"
#include "master_shelf.h"

static const struct ms_query query = {.what = MS_QUERY_RESULT, .id = {{{2, 0xaa}}, 1}};

START_TEST(output_and_result_come_in_pieces_and_a_row_ends_them)
{
    enum { PIECES = 3000 };
    struct script s;
    struct ms_command kept = submission(1, "x");

    begin(&s);
    kept.flags = MS_FLAG_KEEP;
    receive(&s, 2, &kept);
    pull(&s, 1, 1);
    settle_down(&s);
    const uint64_t token = s.last_token;

    for (uint32_t i = 0; i < PIECES; i++) {
        receive(&s, 1,
                &(struct ms_command){.kind = MS_KIND_OUTPUT,
                                     .token = {EPOCH, token},
                                     .index = i,
                                     .payload = ms_bytes_of("piece")});
    }
    result(&s, 1, token, MS_STATUS_OK, "end");
    settle_down(&s);
    confirm(&s, 2, 1, 1);
    client(&s, 3, 3);
    receive(&s, 3, &(struct ms_command){.kind = MS_KIND_QUERY, .count = 77, .body.query = &query});
    settle_down(&s);
    ck_assert_uint_eq(count_of(&s, MS_KIND_TAIL), PIECES + 1);
    for (uint32_t i = 0; i <= PIECES; i++) {
        const struct sent *tail = find_nth(&s, MS_KIND_TAIL, i);

        ck_assert_uint_eq(tail->effect.command.index, i);
        ck_assert_uint_eq(tail->effect.command.count, 77);
        ck_assert_uint_eq(tail->effect.peer, 3);
        ck_assert_str_eq(tail->payload, i < PIECES ? "piece" : "end");
    }
    const struct sent *report = want(&s, MS_KIND_REPORT);

    ck_assert_str_eq(text(report, "status"), "ok");
    ck_assert_uint_eq(number(report, "attempt"), 1);
    ck_assert(report->is_last);
    teardown(&s);
}
END_TEST

START_TEST(without_an_outcome_there_is_no_status)
{
    struct script s;

    begin(&s);
    ck_assert_int_eq(ask(&s, &query)->report_error, MS_E_NOT_FOUND);
    submit(&s, 2, 1, "x");
    ck_assert_str_eq(text(ask(&s, &query), "status"), "");
    ck_assert_str_eq(text(want(&s, MS_KIND_REPORT), "state"), "ready");
    teardown(&s);
}
END_TEST

static const struct ms_query following = {
    .what = MS_QUERY_TAIL, .id = {{{2, 0xaa}}, 1}, .is_following = true};

static void write_piece(struct script *s, ms_peer peer, uint64_t token, uint32_t index,
                        struct ms_bytes bytes)
{
    receive(s, peer,
            &(struct ms_command){
                .kind = MS_KIND_OUTPUT, .token = {EPOCH, token}, .index = index, .payload = bytes});
}

static void write_text(struct script *s, uint64_t token, uint32_t index, const char *words)
{
    write_piece(s, 1, token, index, ms_bytes_of(words));
    settle_down(s);
}

/* Command 1 of client 2 is run by slave 1, and client 3 will ask. Returns the token. */
static uint64_t begin_running(struct script *s, const struct ms_command *submit)
{
    begin(s);
    receive(s, 2, submit);
    pull(s, 1, 1);
    settle_down(s);
    client(s, 3, 3);
    return s->last_token;
}

static void follow(struct script *s, ms_peer peer, uint64_t number, const struct ms_query *asked)
{
    receive(s, peer,
            &(struct ms_command){.kind = MS_KIND_QUERY, .count = number, .body.query = asked});
    settle_down(s);
}

static void want_tail(struct script *s, size_t n, uint32_t attempt, uint32_t index,
                      const char *words)
{
    const struct sent *tail = find_nth(s, MS_KIND_TAIL, n);

    ck_assert_ptr_nonnull(tail);
    ck_assert_uint_eq(tail->effect.command.attempt, attempt);
    ck_assert_uint_eq(tail->effect.command.index, index);
    ck_assert_str_eq(tail->payload, words);
}

static void want_end(struct script *s, const char *status, uint64_t missed)
{
    const struct sent *report = want(s, MS_KIND_REPORT);

    ck_assert(report->is_last);
    ck_assert_str_eq(text(report, "status"), status);
    ck_assert_uint_eq(number(report, "missed_bytes"), missed);
}

START_TEST(a_follower_hears_what_is_there_and_what_comes_and_the_end)
{
    struct script s;
    const struct ms_command command = submission(1, "x");
    const uint64_t token = begin_running(&s, &command);

    write_text(&s, token, 0, "one");
    follow(&s, 3, 5, &following);
    ck_assert_uint_eq(count_of(&s, MS_KIND_TAIL), 1);
    want_tail(&s, 0, 1, 0, "one");
    ck_assert_ptr_null(find(&s, MS_KIND_REPORT));
    write_text(&s, token, 1, "two");
    ck_assert_uint_eq(count_of(&s, MS_KIND_TAIL), 1);
    want_tail(&s, 0, 1, 1, "two");
    ck_assert_uint_eq(find(&s, MS_KIND_TAIL)->effect.peer, 3);
    ck_assert_uint_eq(find(&s, MS_KIND_TAIL)->effect.command.count, 5);
    result(&s, 1, token, MS_STATUS_OK, "end");
    settle_down(&s);
    want_tail(&s, 0, 1, 2, "end");
    want_end(&s, "ok", 0);
    confirm(&s, 2, 1, 1);
    ck_assert_uint_eq(stats_of(&s).bytes_used, 0);
    teardown(&s);
}
END_TEST

START_TEST(without_following_the_answer_ends_at_once)
{
    struct script s;
    const struct ms_command command = submission(1, "x");
    const uint64_t token = begin_running(&s, &command);
    struct ms_query once = following;

    once.is_following = false;
    once.from = 1;
    write_text(&s, token, 0, "one");
    write_text(&s, token, 1, "two");
    follow(&s, 3, 5, &once);
    ck_assert_uint_eq(count_of(&s, MS_KIND_TAIL), 1);
    want_tail(&s, 0, 1, 1, "two");
    want_end(&s, "", 0);
    ck_assert_ptr_null(find(&s, MS_KIND_FOLLOW));
    write_text(&s, token, 2, "three");
    ck_assert_ptr_null(find(&s, MS_KIND_TAIL));
    once.id.seq = 2;
    follow(&s, 3, 6, &once);
    ck_assert_int_eq(want(&s, MS_KIND_REPORT)->report_error, MS_E_NOT_FOUND);
    teardown(&s);
}
END_TEST

START_TEST(the_slave_is_asked_for_output_that_nobody_wanted)
{
    struct script s;
    const struct ms_command command = {
        .kind = MS_KIND_SUBMIT, .type = ECHO, .id.seq = 1, .attempts_max = 3};
    uint64_t token = begin_running(&s, &command);

    follow(&s, 3, 5, &following);
    ck_assert_uint_eq(token_of(want(&s, MS_KIND_FOLLOW)), token);
    ck_assert_uint_eq(want(&s, MS_KIND_FOLLOW)->effect.peer, 1);
    result(&s, 1, token, MS_STATUS_RETRY, "");
    pull(&s, 1, 1);
    run_until(&s, s.now + MS_SEC);
    ck_assert_uint_eq(want(&s, MS_KIND_COMMAND)->effect.command.flags, MS_FLAG_STREAM);
    ck_assert_ptr_null(find(&s, MS_KIND_FOLLOW));
    teardown(&s);
}
END_TEST

START_TEST(who_streams_anyway_or_does_not_know_is_not_asked)
{
    struct script s;
    struct ms_command command = submission(1, "x");
    struct ms_hello hello = hello_of(MS_ROLE_SLAVE, 4);

    command.flags = MS_FLAG_STREAM;
    begin_running(&s, &command);
    follow(&s, 3, 5, &following);
    ck_assert_ptr_null(find(&s, MS_KIND_FOLLOW));
    hello.features = MS_FEATURE_STREAM | MS_FEATURE_RESUME;
    greet(&s, 4, &hello);
    announce(&s, 4, ECHO, "echo");
    submit(&s, 2, 2, "y");
    pull(&s, 4, 1);
    settle_down(&s);
    struct ms_query other = following;

    other.id.seq = 2;
    follow(&s, 3, 6, &other);
    ck_assert_ptr_null(find(&s, MS_KIND_FOLLOW));
    teardown(&s);
}
END_TEST

START_TEST(a_slave_that_comes_back_is_asked_after_its_roll)
{
    struct script s;
    struct ms_hello hello = hello_of(MS_ROLE_SLAVE, 1);

    setup(&s);
    hello.token = slave(&s, 1, 1).token;
    client(&s, 2, 2);
    submit(&s, 2, 1, "x");
    pull(&s, 1, 1);
    settle_down(&s);
    const struct ms_token held[] = {{EPOCH, s.last_token}};

    close_peer(&s, 1);
    follow(&s, 2, 5, &following);
    ck_assert_ptr_null(find(&s, MS_KIND_FOLLOW));
    ck_assert(greet(&s, 5, &hello).resumed);
    receive(&s, 5,
            &(struct ms_command){
                .kind = MS_KIND_ROLL,
                .body.tokens = &(struct ms_tokens){.count = 1, .tokens = held, .last = true}});
    ck_assert_uint_eq(token_of(want(&s, MS_KIND_FOLLOW)), held[0].n);
    ck_assert_uint_eq(want(&s, MS_KIND_FOLLOW)->effect.peer, 5);
    teardown(&s);
}
END_TEST

START_TEST(what_a_closed_command_leaves_is_heard_to_its_end)
{
    struct script s;
    struct ms_command command = submission(1, "x");

    command.flags = MS_FLAG_BACKGROUND;
    const uint64_t token = begin_running(&s, &command);

    follow(&s, 3, 5, &following);
    /* All of it in one turn of the driver, before the follower's is due. */
    write_piece(&s, 1, token, 0, ms_bytes_of("one"));
    result(&s, 1, token, MS_STATUS_OK, "end");
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_READY] + stats_of(&s).commands[MS_LIFE_LEASED] +
                          stats_of(&s).commands[MS_LIFE_DONE],
                      0);
    ck_assert_uint_gt(stats_of(&s).bytes_used, 0);
    settle_down(&s);
    ck_assert_uint_eq(count_of(&s, MS_KIND_TAIL), 2);
    want_tail(&s, 0, 1, 0, "one");
    want_tail(&s, 1, 1, 1, "end");
    want_end(&s, "ok", 0);
    ck_assert_uint_eq(stats_of(&s).bytes_used, 0);
    teardown(&s);
}
END_TEST

START_TEST(the_next_attempt_follows_the_end_of_the_last_one)
{
    struct script s;
    const struct ms_command command = {
        .kind = MS_KIND_SUBMIT, .type = ECHO, .id.seq = 1, .attempts_max = 3};
    const uint64_t token = begin_running(&s, &command);

    follow(&s, 3, 5, &following);
    pull(&s, 1, 1);
    write_text(&s, token, 0, "first");
    want_tail(&s, 0, 1, 0, "first");
    receive(&s, 3,
            &(struct ms_command){.kind = MS_KIND_QUERY, .count = 6, .body.query = &following});
    write_piece(&s, 1, token, 1, ms_bytes_of("last words"));
    result(&s, 1, token, MS_STATUS_RETRY, "");
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_DELAYED], 1);
    s.now += 10 * MS_SEC; /* so it is handed out in the turn in which they are told */
    settle_down(&s);
    ck_assert_uint_eq(count_of(&s, MS_KIND_TAIL), 3);
    write_text(&s, s.last_token, 0, "second");
    ck_assert_uint_eq(count_of(&s, MS_KIND_TAIL), 2);
    want_tail(&s, 0, 2, 0, "second");
    want_tail(&s, 1, 2, 0, "second");
    teardown(&s);
}
END_TEST

static uint8_t chunk[MS_CHUNK_MAX];

/* Whole pieces from index on, until so many bytes were written. */
static uint32_t flood(struct script *s, uint64_t token, uint32_t index, size_t bytes)
{
    for (size_t written = 0; written < bytes; written += sizeof chunk) {
        write_piece(s, 1, token, index++, (struct ms_bytes){chunk, sizeof chunk});
    }
    return index;
}

static void answer_beats(struct script *s, ms_peer peer, uint64_t number)
{
    receive(s, peer, &(struct ms_command){.kind = MS_KIND_BEAT_ACK, .count = number});
    settle_down(s);
}

START_TEST(a_follower_that_does_not_read_is_waited_for)
{
    struct script s;
    const struct ms_command command = submission(1, "x");
    const uint64_t token = begin_running(&s, &command);
    const uint32_t span = MS_PACE_SPAN / MS_CHUNK_MAX;
    size_t sent = 0;

    follow(&s, 3, 5, &following);
    flood(&s, token, 0, 5 * MS_PACE_SPAN);
    settle_down(&s);
    sent += count_of(&s, MS_KIND_TAIL);
    ck_assert_uint_eq(sent, 2 * span);
    ck_assert_int_gt(ms_engine_deadline(s.engine), s.now); /* and nobody works in vain */
    answer_beats(&s, 3, 1);
    sent += count_of(&s, MS_KIND_TAIL);
    ck_assert_uint_eq(sent, 3 * span);
    answer_beats(&s, 3, 3);
    sent += count_of(&s, MS_KIND_TAIL);
    ck_assert_uint_eq(sent, 5 * span);
    teardown(&s);
}
END_TEST

START_TEST(beyond_the_bound_the_oldest_is_missed)
{
    struct script s;
    struct ms_command command = submission(1, "x");

    command.flags = MS_FLAG_BACKGROUND;
    const uint64_t token = begin_running(&s, &command);
    const uint64_t all = 3 * (uint64_t)MS_TAIL_BYTES_MAX;
    uint64_t heard = 0;

    follow(&s, 3, 5, &following);
    flood(&s, token, 0, all);
    result(&s, 1, token, MS_STATUS_OK, "");
    ck_assert_uint_le(stats_of(&s).bytes_used, MS_TAIL_BYTES_MAX);
    settle_down(&s);
    for (uint64_t beat = 1; find(&s, MS_KIND_REPORT) == NULL; beat++) {
        heard += count_of(&s, MS_KIND_TAIL);
        answer_beats(&s, 3, beat);
        ck_assert_uint_lt(beat, 100);
    }
    heard += count_of(&s, MS_KIND_TAIL);
    const uint64_t missed = number(want(&s, MS_KIND_REPORT), "missed_bytes");

    ck_assert_uint_eq(heard * MS_CHUNK_MAX + missed, all);
    ck_assert_uint_gt(heard * MS_CHUNK_MAX, MS_TAIL_BYTES_MAX / 2);
    ck_assert_uint_eq(stats_of(&s).bytes_used, 0);
    teardown(&s);
}
END_TEST

START_TEST(who_is_gone_leaves_nothing_behind)
{
    struct script s;
    struct ms_command command = submission(1, "x");

    command.flags = MS_FLAG_BACKGROUND;
    const uint64_t token = begin_running(&s, &command);

    follow(&s, 3, 5, &following);
    follow(&s, 3, 6, &following);
    flood(&s, token, 0, 4 * MS_PACE_SPAN);
    result(&s, 1, token, MS_STATUS_OK, "");
    settle_down(&s);
    ck_assert_uint_gt(stats_of(&s).bytes_used, 0);
    close_peer(&s, 3);
    ck_assert_uint_eq(stats_of(&s).bytes_used, 0);
    settle_down(&s);
    teardown(&s);
}
END_TEST

START_TEST(there_are_so_many_followers_and_others_may_still_ask)
{
    struct script s;
    const struct ms_command command = submission(1, "x");
    struct ms_query once = following;

    begin_running(&s, &command);
    for (uint32_t i = 0; i < MS_FOLLOWERS_MAX; i++) {
        follow(&s, 3, i, &following);
        ck_assert_ptr_null(find(&s, MS_KIND_REPORT));
    }
    follow(&s, 3, 1000, &following);
    ck_assert_int_eq(want(&s, MS_KIND_REPORT)->report_error, MS_E_RETRY_LATER);
    once.is_following = false;
    follow(&s, 3, 1001, &once);
    ck_assert_int_eq(want(&s, MS_KIND_REPORT)->report_error, MS_E_OK);
    close_peer(&s, 3);
    client(&s, 4, 4);
    follow(&s, 4, 1, &following);
    ck_assert_ptr_null(find(&s, MS_KIND_REPORT));
    teardown(&s);
}
END_TEST

START_TEST(attempts_beyond_the_bound_are_missed_whole)
{
    struct script s;
    const struct ms_command command = {
        .kind = MS_KIND_SUBMIT, .type = ECHO, .id.seq = 1, .attempts_max = 100};
    uint64_t token = begin_running(&s, &command);

    follow(&s, 3, 5, &following);
    for (uint32_t i = 0; i < MS_TAIL_PAST_MAX + 5; i++) {
        flood(&s, token, 0, i == 0 ? 3 * MS_PACE_SPAN : 1); /* so that it hears nothing more */
        settle_down(&s);
        result(&s, 1, token, MS_STATUS_RETRY, "");
        pull(&s, 1, 1);
        s.now += 40 * MS_SEC;
        receive(&s, 2, &(struct ms_command){.kind = MS_KIND_BEAT});
        receive(&s, 3, &(struct ms_command){.kind = MS_KIND_BEAT});
        receive(&s, 1, &(struct ms_command){.kind = MS_KIND_BEAT});
        settle_down(&s);
        token = s.last_token;
    }
    result(&s, 1, token, MS_STATUS_OK, "");
    answer_beats(&s, 3, 2);
    ck_assert_uint_eq(count_of(&s, MS_KIND_TAIL), MS_TAIL_PAST_MAX);
    want_end(&s, "ok", (MS_PACE_SPAN / MS_CHUNK_MAX + 4) * MS_CHUNK_MAX);
    teardown(&s);
}
END_TEST

START_TEST(the_end_is_told_when_it_is_durable)
{
    struct script s;
    struct shelf shelf;

    setup_durable(&s, &shelf);
    durable_slave(&s, 1, 1);
    client(&s, 2, 2);
    submit(&s, 2, 1, "x");
    pull(&s, 1, 1);
    commit(&s);
    follow(&s, 2, 5, &following);
    write_text(&s, s.last_token, 0, "one");
    want_tail(&s, 0, 1, 0, "one");
    result(&s, 1, s.last_token, MS_STATUS_OK, "end");
    settle_down(&s);
    ck_assert_ptr_null(find(&s, MS_KIND_TAIL));
    ck_assert_ptr_null(find(&s, MS_KIND_REPORT));
    commit(&s);
    settle_down(&s);
    want_tail(&s, 0, 1, 1, "end");
    want_end(&s, "ok", 0);
    teardown_durable(&s);
}
END_TEST

TESTS(output_and_result_come_in_pieces_and_a_row_ends_them, without_an_outcome_there_is_no_status,
      a_follower_hears_what_is_there_and_what_comes_and_the_end,
      without_following_the_answer_ends_at_once, the_slave_is_asked_for_output_that_nobody_wanted,
      who_streams_anyway_or_does_not_know_is_not_asked,
      a_slave_that_comes_back_is_asked_after_its_roll,
      what_a_closed_command_leaves_is_heard_to_its_end,
      the_next_attempt_follows_the_end_of_the_last_one, a_follower_that_does_not_read_is_waited_for,
      beyond_the_bound_the_oldest_is_missed, who_is_gone_leaves_nothing_behind,
      there_are_so_many_followers_and_others_may_still_ask,
      attempts_beyond_the_bound_are_missed_whole, the_end_is_told_when_it_is_durable)
