/* How outcomes and streamed output reach clients: windows, confirmation, connections that break. */
#include "master_frames.h"

static void begin(struct script *s)
{
    setup(s);
    slave(s, 1, 1);
    client(s, 2, 2);
    pull(s, 1, 100000);
}

static uint64_t submit_flags(struct script *s, uint64_t seq, uint8_t flags)
{
    struct ms_command command = submission(seq, "x");

    command.flags = flags;
    receive(s, 2, &command);
    return token_of(want(s, MS_KIND_COMMAND));
}

static void write_piece(struct script *s, uint64_t token, uint32_t index, const char *text)
{
    receive(s, 1,
            &(struct ms_command){.kind = MS_KIND_OUTPUT,
                                 .token = {EPOCH, token},
                                 .index = index,
                                 .payload = ms_bytes_of(text)});
}

static struct ms_welcome resume(struct script *s, ms_peer peer, struct ms_uuid token)
{
    struct ms_hello hello = hello_of(MS_ROLE_CLIENT, 2);

    hello.token = token;
    return greet(s, peer, &hello);
}

START_TEST(output_is_forwarded_as_it_comes_when_asked)
{
    struct script s;

    begin(&s);
    uint64_t token = submit_flags(&s, 1, MS_FLAG_STREAM);
    ck_assert_uint_eq(want(&s, MS_KIND_COMMAND)->effect.command.flags, MS_FLAG_STREAM);
    write_piece(&s, token, 0, "one");
    struct sent *stream = want(&s, MS_KIND_STREAM);
    ck_assert_str_eq(stream->payload, "one");
    ck_assert_uint_eq(stream->effect.command.attempt, 1);
    ck_assert_uint_eq(stream->effect.command.index, 0);
    write_piece(&s, token, 0, "one");
    ck_assert_ptr_null(find(&s, MS_KIND_STREAM));
    write_piece(&s, token, 1, "two");
    ck_assert_str_eq(want(&s, MS_KIND_STREAM)->payload, "two");
    result(&s, 1, token, MS_STATUS_OK, "rest");
    ck_assert_ptr_null(find(&s, MS_KIND_STREAM));
    ck_assert_uint_eq(want(&s, MS_KIND_OUTCOME)->effect.command.index, 2);
    confirm(&s, 2, 1, 1);
    ck_assert_uint_eq(stats_of(&s).bytes_used, 0);
    teardown(&s);
}
END_TEST

START_TEST(output_comes_before_the_outcome_when_not_asked)
{
    struct script s;

    begin(&s);
    uint64_t token = submit_flags(&s, 1, 0);
    write_piece(&s, token, 0, "one");
    write_piece(&s, token, 1, "two");
    ck_assert_ptr_null(find(&s, MS_KIND_STREAM));
    result(&s, 1, token, MS_STATUS_OK, "rest");
    ck_assert_uint_eq(s.count, 4);
    ck_assert_uint_eq(s.sent[1].effect.command.kind, MS_KIND_STREAM);
    ck_assert_uint_eq(s.sent[2].effect.command.index, 1);
    ck_assert_uint_eq(s.sent[3].effect.command.kind, MS_KIND_OUTCOME);
    ck_assert_uint_eq(s.sent[3].effect.command.index, 2);
    teardown(&s);
}
END_TEST

START_TEST(a_new_attempt_discards_the_old_output)
{
    struct script s;
    struct ms_command command = submission(1, "x");

    begin(&s);
    command.attempts_max = 2;
    receive(&s, 2, &command);
    uint64_t token = token_of(want(&s, MS_KIND_COMMAND));
    write_piece(&s, token, 0, "old");
    result(&s, 1, token, MS_STATUS_RETRY, "");
    tick_at(&s, ms_engine_deadline(s.engine));
    token = token_of(want(&s, MS_KIND_COMMAND));
    write_piece(&s, token, 0, "new");
    result(&s, 1, token, MS_STATUS_OK, "");
    ck_assert_uint_eq(count_of(&s, MS_KIND_STREAM), 1);
    ck_assert_str_eq(want(&s, MS_KIND_STREAM)->payload, "new");
    ck_assert_uint_eq(want(&s, MS_KIND_STREAM)->effect.command.attempt, 2);
    teardown(&s);
}
END_TEST

START_TEST(everything_unconfirmed_is_sent_again_in_order)
{
    struct script s;

    setup(&s);
    slave(&s, 1, 1);
    struct ms_uuid session = client(&s, 2, 2).token;
    pull(&s, 1, 10);
    uint64_t tokens[4];
    for (uint64_t seq = 1; seq <= 4; seq++) {
        tokens[seq - 1] = submit_flags(&s, seq, seq == 4 ? MS_FLAG_STREAM : 0);
    }
    write_piece(&s, tokens[3], 0, "live");
    result(&s, 1, tokens[1], MS_STATUS_OK, "b");
    result(&s, 1, tokens[0], MS_STATUS_OK, "a");
    confirm(&s, 2, 2, 1);
    close_peer(&s, 2);
    result(&s, 1, tokens[2], MS_STATUS_OK, "c");
    ck_assert_ptr_null(find(&s, MS_KIND_OUTCOME));
    ck_assert(resume(&s, 5, session).resumed);
    ck_assert_uint_eq(count_of(&s, MS_KIND_OUTCOME), 2);
    ck_assert_str_eq(find_nth(&s, MS_KIND_OUTCOME, 0)->payload, "a");
    ck_assert_str_eq(find_nth(&s, MS_KIND_OUTCOME, 1)->payload, "c");
    ck_assert_str_eq(want(&s, MS_KIND_STREAM)->payload, "live");
    ck_assert_uint_eq(want(&s, MS_KIND_OUTCOME)->effect.peer, 5);
    ck_assert_uint_eq(stats_of(&s).outcomes_total, 3); /* not again what is told again */
    confirm(&s, 5, 1, 3);
    ck_assert_uint_eq(stats_of(&s).commands_count, 1);
    teardown(&s);
}
END_TEST

START_TEST(a_new_session_of_the_same_client_inherits)
{
    struct script s;

    begin(&s);
    result(&s, 1, submit_flags(&s, 1, 0), MS_STATUS_OK, "a");
    ck_assert(!client(&s, 5, 2).resumed);
    ck_assert_str_eq(want(&s, MS_KIND_OUTCOME)->payload, "a");
    settle_down(&s);
    confirm(&s, 5, 1, 1);
    ck_assert_uint_eq(stats_of(&s).commands_count, 0);
    teardown(&s);
}
END_TEST

START_TEST(the_window_of_bytes_holds_back)
{
    static uint8_t bytes[1u << 20];
    struct script s;
    uint64_t tokens[10];

    begin(&s);
    for (uint64_t seq = 1; seq <= 10; seq++) {
        tokens[seq - 1] = submit_flags(&s, seq, 0);
    }
    size_t sent = 0;
    for (size_t i = 0; i < 10; i++) {
        receive(&s, 1,
                &(struct ms_command){.kind = MS_KIND_RESULT,
                                     .token = {EPOCH, tokens[i]},
                                     .payload = {bytes, sizeof bytes}});
        sent += count_of(&s, MS_KIND_OUTCOME);
    }
    ck_assert_uint_eq(sent, MS_OUTCOME_WINDOW_BYTES / sizeof bytes);
    ck_assert_int_gt(ms_engine_deadline(s.engine), s.now);
    confirm(&s, 2, 1, 1);
    ck_assert_uint_eq(count_of(&s, MS_KIND_OUTCOME), 1);
    confirm(&s, 2, 2, UINT64_MAX - 2);
    ck_assert_uint_eq(count_of(&s, MS_KIND_OUTCOME), 0);
    ck_assert_uint_eq(stats_of(&s).commands_count, 0);
    teardown(&s);
}
END_TEST

START_TEST(a_long_backlog_is_sent_in_bounded_steps)
{
    enum { COUNT = 5000 };
    struct script s;
    uint64_t seen = 0;

    setup(&s);
    slave(&s, 1, 1);
    struct ms_uuid session = client(&s, 2, 2).token;
    pull(&s, 1, COUNT);
    for (uint64_t seq = 1; seq <= COUNT; seq++) {
        struct ms_command command = submission(seq, "x");
        struct ms_event event = {
            .type = MS_EVENT_RECEIVED, .peer = 2, .epoch = EPOCH, .command = &command};

        ms_engine_step(s.engine, s.now, &event);
        for (struct ms_effect effect; ms_engine_poll(s.engine, &effect);) {
            command.token = effect.command.token;
        }
        command = (struct ms_command){.kind = MS_KIND_RESULT, .token = command.token};
        event.peer = 1;
        ms_engine_step(s.engine, s.now, &event);
        for (struct ms_effect effect; ms_engine_poll(s.engine, &effect);) {
        }
    }
    resume(&s, 5, session);
    while (true) {
        ck_assert_uint_le(s.count, MS_EFFECTS_MAX);
        for (size_t i = 0; i < count_of(&s, MS_KIND_OUTCOME); i += 100) {
            ck_assert_uint_eq(find_nth(&s, MS_KIND_OUTCOME, i)->effect.command.id.seq,
                              seen + i + 1);
        }
        seen += count_of(&s, MS_KIND_OUTCOME);
        if (ms_engine_deadline(s.engine) > s.now) {
            break;
        }
        tick_at(&s, s.now);
    }
    ck_assert_uint_eq(seen, COUNT);
    confirm(&s, 5, 1, COUNT);
    ck_assert_uint_eq(stats_of(&s).commands_count, 0);
    teardown(&s);
}
END_TEST

START_TEST(acknowledging_nonsense_changes_nothing)
{
    struct script s;

    begin(&s);
    submit_flags(&s, 1, 0);
    confirm(&s, 2, 1, 1);
    confirm(&s, 2, 77, UINT64_MAX);
    confirm(&s, 2, 0, 0);
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_LEASED], 1);
    teardown(&s);
}
END_TEST

TESTS(output_is_forwarded_as_it_comes_when_asked, output_comes_before_the_outcome_when_not_asked,
      a_new_attempt_discards_the_old_output, everything_unconfirmed_is_sent_again_in_order,
      a_new_session_of_the_same_client_inherits, the_window_of_bytes_holds_back,
      a_long_backlog_is_sent_in_bounded_steps, acknowledging_nonsense_changes_nothing)
