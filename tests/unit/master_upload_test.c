/* Payloads in parts on their way to slaves. */
#include "master_parts.h"

#define OLD 3u

static void old_slave(struct script *s, ms_peer peer, uint8_t node)
{
    struct ms_hello hello = hello_of(MS_ROLE_SLAVE, node);

    hello.features = MS_FEATURE_STREAM | MS_FEATURE_RESUME;
    greet(s, peer, &hello);
    announce(s, peer, ECHO, "echo");
}

START_TEST(test_parts_go_ahead_of_their_command)
{
    struct script s;

    begin(&s);
    submit_two(&s, 1);
    ck_assert_uint_eq(want(&s, MS_KIND_SUBMIT_ACK)->effect.command.id.seq, 1);
    pull(&s, SLAVE, 1);
    const uint64_t token = want_two(&s, 1);

    result(&s, SLAVE, token, MS_STATUS_OK, "done");
    ck_assert_str_eq(want(&s, MS_KIND_OUTCOME)->payload, "done");
    confirm(&s, CLIENT, 1, 1);
    ck_assert_uint_eq(stats_of(&s).bytes_used, 0);
    teardown(&s);
}
END_TEST

START_TEST(test_retry_sends_them_again)
{
    struct script s;

    begin(&s);
    submit_two(&s, 1);
    pull(&s, SLAVE, 2);
    result(&s, SLAVE, want_two(&s, 1), MS_STATUS_RETRY, "");
    run_until(&s, s.now + MS_SEC);
    want_two(&s, 2);
    teardown(&s);
}
END_TEST

START_TEST(test_pace_is_the_slaves)
{
    const uint32_t count = 100; /* 6.25 MiB; two spans are 4 MiB */
    struct script s;

    begin(&s);
    pull(&s, SLAVE, 1);
    for (uint32_t i = 0; i < count; i++) {
        part(&s, 1, i, sizeof piece);
    }
    submit_parts(&s, 1, count * sizeof piece);
    size_t parts = count_of(&s, MS_KIND_PART);
    size_t beats = count_of(&s, MS_KIND_BEAT);

    settle_down(&s);
    parts += count_of(&s, MS_KIND_PART);
    beats += count_of(&s, MS_KIND_BEAT);
    ck_assert_uint_eq(parts, 2 * MS_PACE_SPAN / MS_CHUNK_MAX);
    ck_assert_uint_eq(beats, 2);
    ck_assert_ptr_null(find(&s, MS_KIND_COMMAND));
    submit(&s, CLIENT, 2, "small"); /* nothing comes between parts */
    ck_assert_ptr_null(find(&s, MS_KIND_COMMAND));
    receive(&s, SLAVE, &(struct ms_command){.kind = MS_KIND_BEAT_ACK, .count = 9});
    ck_assert_ptr_null(find(&s, MS_KIND_PART));
    receive(&s, SLAVE, &(struct ms_command){.kind = MS_KIND_BEAT_ACK, .count = 1});
    parts += count_of(&s, MS_KIND_PART);
    ck_assert_uint_eq(parts, 3 * MS_PACE_SPAN / MS_CHUNK_MAX);
    receive(&s, SLAVE, &(struct ms_command){.kind = MS_KIND_BEAT_ACK, .count = 2});
    ck_assert_uint_eq(parts + count_of(&s, MS_KIND_PART), count);
    want(&s, MS_KIND_COMMAND);
    teardown(&s);
}
END_TEST

/* A slave with one credit that is in the middle of a long payload. */
static void begin_long(struct script *s)
{
    begin(s);
    pull(s, SLAVE, 1);
    for (uint32_t i = 0; i < 100; i++) {
        part(s, 1, i, sizeof piece);
    }
    submit_parts(s, 1, 100 * sizeof piece);
    settle_down(s);
    ck_assert_uint_eq(stats_of(s).held, 1);
}

START_TEST(test_cancel_takes_it_back)
{
    struct script s;

    begin_long(&s);
    receive(&s, CLIENT, &(struct ms_command){.kind = MS_KIND_CANCEL, .id.seq = 1});
    ck_assert_uint_eq(want(&s, MS_KIND_OUTCOME)->effect.command.status, MS_STATUS_CANCELLED);
    ck_assert_ptr_null(find(&s, MS_KIND_REVOKE));
    submit(&s, CLIENT, 2, "small"); /* the credit is still the slave's */
    ck_assert_uint_eq(want(&s, MS_KIND_COMMAND)->effect.command.id.seq, 2);
    teardown(&s);
}
END_TEST

START_TEST(test_lost_slave_never_began_it)
{
    struct script s;

    begin_long(&s);
    close_peer(&s, SLAVE);
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_READY], 1);
    run_until(&s, s.now + 10 * MS_SEC);
    ck_assert_uint_eq(stats_of(&s).events_total[MS_LIFE_RETURN], 1);
    ck_assert_uint_eq(stats_of(&s).retries_total, 0);
    teardown(&s);
}
END_TEST

START_TEST(test_leaving_slave_never_began_it)
{
    struct script s;

    begin_long(&s);
    receive(&s, SLAVE, &(struct ms_command){.kind = MS_KIND_GOAWAY, .error = MS_E_DRAINING});
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_READY], 1);
    ck_assert_uint_eq(stats_of(&s).held, 0);
    teardown(&s);
}
END_TEST

START_TEST(test_slaves_without_the_feature_are_passed_over)
{
    struct script s;

    setup_with(&s, &volatile_config);
    client(&s, CLIENT, 1);
    old_slave(&s, OLD, 3);
    pull(&s, OLD, 4);
    submit_two(&s, 1);
    ck_assert_ptr_null(find(&s, MS_KIND_PART));
    submit(&s, CLIENT, 2, "small");
    ck_assert_uint_eq(want(&s, MS_KIND_COMMAND)->effect.command.id.seq, 2);
    slave(&s, SLAVE, 2);
    pull(&s, SLAVE, 1);
    ck_assert_uint_eq(want(&s, MS_KIND_PART)->effect.peer, SLAVE);
    want_two(&s, 1);
    teardown(&s);
}
END_TEST

START_TEST(test_cancel_of_one_set_aside)
{
    struct script s;

    setup_with(&s, &volatile_config);
    client(&s, CLIENT, 1);
    old_slave(&s, OLD, 3);
    pull(&s, OLD, 4);
    submit_two(&s, 1);
    receive(&s, CLIENT, &(struct ms_command){.kind = MS_KIND_CANCEL, .id.seq = 1});
    ck_assert_uint_eq(want(&s, MS_KIND_OUTCOME)->effect.command.status, MS_STATUS_CANCELLED);
    teardown(&s);
}
END_TEST

TESTS(test_parts_go_ahead_of_their_command, test_retry_sends_them_again, test_pace_is_the_slaves,
      test_cancel_takes_it_back, test_lost_slave_never_began_it, test_leaving_slave_never_began_it,
      test_slaves_without_the_feature_are_passed_over, test_cancel_of_one_set_aside)
