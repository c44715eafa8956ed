/* From connections to sessions: greeting, resuming, walking to death, reclaiming. */
#include "master_frames.h"

START_TEST(a_greeting_is_answered)
{
    struct script s;

    setup(&s);
    struct ms_welcome welcome = slave(&s, 1, 1);
    ck_assert_uint_eq(welcome.version, 1);
    ck_assert(!welcome.resumed);
    ck_assert(!ms_uuid_is_zero(&welcome.token));
    ck_assert_int_eq(welcome.beat_interval, MS_TICK_DEFAULT / 2);
    ck_assert_int_eq(welcome.dead_after, 3 * MS_TICK_DEFAULT);
    ck_assert_uint_eq(welcome.payload_max, MS_PAYLOAD_MAX_DEFAULT);
    ck_assert_str_eq(welcome.name, "m");
    ck_assert_uint_eq(stats_of(&s).slots, 4);
    receive(&s, 1, &(struct ms_command){.kind = MS_KIND_BEAT, .count = 77});
    ck_assert_uint_eq(want(&s, MS_KIND_BEAT_ACK)->effect.command.count, 77);
    teardown(&s);
}
END_TEST

static void refuse_hello(struct ms_hello hello, enum ms_error error)
{
    struct script s;

    setup(&s);
    open_peer(&s, 1);
    say_hello(&s, 1, &hello);
    want_refusal(&s, 1, error);
    ck_assert_uint_eq(stats_of(&s).connections_count, 0);
    ck_assert_uint_eq(stats_of(&s).slaves_count + stats_of(&s).clients_count, 0);
    teardown(&s);
}

START_TEST(odd_greetings_are_refused)
{
    struct ms_hello hello = hello_of(MS_ROLE_SLAVE, 1);

    hello.version_min = hello.version_max = 2;
    refuse_hello(hello, MS_E_VERSION);
    hello = hello_of(MS_ROLE_SLAVE, 1);
    hello.role = MS_ROLE_NONE;
    refuse_hello(hello, MS_E_ROLE);
    hello = hello_of(MS_ROLE_SLAVE, 1);
    hello.node = (struct ms_uuid){{0}};
    refuse_hello(hello, MS_E_BAD_ARGUMENT);
    hello = hello_of(MS_ROLE_SLAVE, 1);
    hello.name[0] = '"';
    refuse_hello(hello, MS_E_BAD_ARGUMENT);
    hello = hello_of(MS_ROLE_SLAVE, 1);
    hello.slots = MS_SLOTS_MAX + 1;
    refuse_hello(hello, MS_E_BAD_ARGUMENT);
    hello = hello_of(MS_ROLE_SLAVE, 1);
    hello.group[0] = '/';
    refuse_hello(hello, MS_E_BAD_ARGUMENT);
    hello = hello_of(MS_ROLE_SLAVE, 1);
    hello.weight = MS_WEIGHT_MAX + 1;
    refuse_hello(hello, MS_E_BAD_ARGUMENT);
    hello = hello_of(MS_ROLE_SLAVE, 1);
    hello.labels_count = 1; /* an empty one */
    refuse_hello(hello, MS_E_BAD_ARGUMENT);
    hello = hello_of(MS_ROLE_SLAVE, 1);
    hello.labels_count = MS_LABELS_MAX + 1;
    refuse_hello(hello, MS_E_BAD_ARGUMENT);
    hello = hello_of(MS_ROLE_SLAVE, 1);
    hello.epoch = EPOCH + 1;
    refuse_hello(hello, MS_E_NOT_ACTIVE);
}
END_TEST

static char warned[4][MS_TRACE_LINE_MAX];
static size_t warned_count;

static void on_trace(void *context, enum ms_level level, const char *message, const char *fields)
{
    (void)context;
    if (level == MS_LEVEL_WARN) {
        ck_assert_uint_lt(warned_count, 4);
        ck_assert_ptr_nonnull(strstr(message, "has heard of a higher epoch than ours"));
        snprintf(warned[warned_count++], MS_TRACE_LINE_MAX, "%s", fields);
    }
}

static void come_with_epoch(struct script *s, ms_epoch epoch)
{
    struct ms_hello hello = hello_of(MS_ROLE_SLAVE, 1);
    static ms_peer peer = 100;

    hello.epoch = epoch;
    open_peer(s, ++peer);
    receive_epoch(s, peer, epoch,
                  &(struct ms_command){.kind = MS_KIND_HELLO, .body.hello = &hello});
    want_refusal(s, peer, MS_E_NOT_ACTIVE);
}

START_TEST(a_single_master_says_that_another_one_was_heard)
{
    struct script s;
    char text[64];

    setup(&s);
    s.engine->trace = (struct ms_trace){.sink = on_trace, .level = MS_LEVEL_WARN};
    come_with_epoch(&s, EPOCH + 7);
    come_with_epoch(&s, EPOCH + 9); /* soon it comes again */
    ck_assert_uint_eq(warned_count, 1);
    snprintf(text, sizeof text, "heard=%u epoch=%u", EPOCH + 7, EPOCH);
    ck_assert_str_eq(warned[0], text);
    run_until(&s, s.now + MS_OUTDONE_INTERVAL);
    come_with_epoch(&s, EPOCH + 7);
    ck_assert_uint_eq(warned_count, 1);
    come_with_epoch(&s, EPOCH + 9);
    ck_assert_uint_eq(warned_count, 2);
    teardown(&s);
}
END_TEST

START_TEST(one_of_a_pair_leaves_it_to_its_council)
{
    struct script s;

    setup_with(&s, &(struct ms_master_config){.epoch = EPOCH, .is_paired = true});
    s.engine->trace = (struct ms_trace){.sink = on_trace, .level = MS_LEVEL_WARN};
    come_with_epoch(&s, EPOCH + 7);
    ck_assert_uint_eq(warned_count, 0);
    teardown(&s);
}
END_TEST

START_TEST(the_order_is_kept)
{
    struct script s;
    struct ms_hello hello = hello_of(MS_ROLE_CLIENT, 1);

    setup(&s);
    open_peer(&s, 1);
    receive(&s, 1, &(struct ms_command){.kind = MS_KIND_BEAT});
    want_refusal(&s, 1, MS_E_ORDER);
    receive(&s, 1, &(struct ms_command){.kind = MS_KIND_BEAT});
    ck_assert_uint_eq(s.count, 0);
    open_peer(&s, 3);
    receive(&s, 3, &(struct ms_command){.kind = MS_KIND_PEER_HELLO}); /* it is half of no pair */
    want_refusal(&s, 3, MS_E_ROLE);
    client(&s, 2, 1);
    say_hello(&s, 2, &hello);
    want_refusal(&s, 2, MS_E_ORDER);
    teardown(&s);
}
END_TEST

START_TEST(epochs_are_fenced)
{
    struct script s;

    setup(&s);
    slave(&s, 1, 1);
    slave(&s, 2, 2);
    slave(&s, 3, 3);
    receive_epoch(&s, 1, EPOCH + 1, &(struct ms_command){.kind = MS_KIND_BEAT});
    want_refusal(&s, 1, MS_E_NOT_ACTIVE);
    receive_epoch(&s, 2, EPOCH - 1, &(struct ms_command){.kind = MS_KIND_BEAT});
    want_refusal(&s, 2, MS_E_STALE_EPOCH);
    receive_epoch(&s, 3, 0, &(struct ms_command){.kind = MS_KIND_BEAT});
    want(&s, MS_KIND_BEAT_ACK);
    struct ms_hello hello = hello_of(MS_ROLE_SLAVE, 4);
    hello.epoch = EPOCH - 1;
    open_peer(&s, 4);
    receive_epoch(&s, 4, EPOCH - 1,
                  &(struct ms_command){.kind = MS_KIND_HELLO, .body.hello = &hello});
    want(&s, MS_KIND_WELCOME);
    teardown(&s);
}
END_TEST

START_TEST(silence_before_hello_has_an_end)
{
    struct script s;

    setup(&s);
    open_peer(&s, 1);
    ck_assert_int_eq(ms_engine_deadline(s.engine), s.now + MS_HELLO_TIMEOUT);
    tick_at(&s, s.now + MS_HELLO_TIMEOUT - 1);
    ck_assert_uint_eq(s.count, 0);
    tick_at(&s, s.now + 1);
    want_refusal(&s, 1, MS_E_TIMEOUT);
    ck_assert_int_eq(ms_engine_deadline(s.engine), MS_TIME_NEVER);
    teardown(&s);
}
END_TEST

START_TEST(the_walk_to_death_and_what_follows)
{
    struct script s;

    setup(&s);
    client(&s, 2, 2);
    slave(&s, 1, 1);
    ms_time begin = s.now;
    submit(&s, 2, 1, "x");
    pull(&s, 1, 1);
    uint64_t token = token_of(want(&s, MS_KIND_COMMAND));
    for (int i = 1; i <= 4; i++) {
        s.now = begin + i * MS_TICK_DEFAULT - 1;
        receive(&s, 2, &(struct ms_command){.kind = MS_KIND_BEAT});
        ck_assert_uint_eq(stats_of(&s).sessions[MS_SESSION_DEAD], 0);
        tick_at(&s, begin + i * MS_TICK_DEFAULT);
    }
    want_refusal(&s, 1, MS_E_SESSION_DEAD);
    struct ms_master_stats stats = stats_of(&s);
    ck_assert_uint_eq(stats.sessions[MS_SESSION_DEAD], 1);
    ck_assert_uint_eq(stats.deaths_total, 1);
    ck_assert_uint_eq(stats.commands[MS_LIFE_READY], 1);
    ck_assert_uint_eq(stats.retries_total, 1);
    ck_assert_uint_eq(stats.credit, 0);

    /* Its name is free; its late result is not. */
    slave(&s, 3, 1);
    result(&s, 3, token, MS_STATUS_OK, "late");
    want(&s, MS_KIND_RESULT_ACK);
    ck_assert_uint_eq(stats_of(&s).results_refused_total, 1);
    ck_assert_ptr_null(find(&s, MS_KIND_OUTCOME));

    receive(&s, 2, &(struct ms_command){.kind = MS_KIND_BEAT});
    tick_at(&s, begin + 5 * MS_TICK_DEFAULT);
    ck_assert_uint_eq(stats_of(&s).sessions[MS_SESSION_DEAD], 0);
    ck_assert_uint_eq(stats_of(&s).slaves_count, 1);
    pull(&s, 3, 1);
    ck_assert_uint_eq(want(&s, MS_KIND_COMMAND)->effect.command.attempt, 2);
    teardown(&s);
}
END_TEST

START_TEST(our_own_stall_ages_nobody)
{
    struct script s;

    setup(&s);
    slave(&s, 1, 1);
    tick_at(&s, s.now + 10 * MS_SEC);
    struct ms_master_stats stats = stats_of(&s);
    ck_assert_uint_eq(stats.stalls_total, 1);
    ck_assert_uint_eq(stats.sessions[MS_SESSION_ALIVE], 1);
    teardown(&s);
}
END_TEST

START_TEST(a_resume_replaces_the_old_connection)
{
    struct script s;
    struct ms_hello hello = hello_of(MS_ROLE_SLAVE, 1);

    setup(&s);
    hello.token = slave(&s, 1, 1).token;
    pull(&s, 1, 5);
    open_peer(&s, 2);
    say_hello(&s, 2, &hello);
    want_refusal(&s, 1, MS_E_REPLACED);
    ck_assert(want(&s, MS_KIND_WELCOME)->welcome.resumed);
    ck_assert(ms_uuid_equal(&want(&s, MS_KIND_WELCOME)->welcome.token, &hello.token));
    ck_assert_uint_eq(stats_of(&s).credit, 0);
    ck_assert_uint_eq(stats_of(&s).slaves_count, 1);
    ck_assert_uint_eq(stats_of(&s).resumes_total, 1);
    close_peer(&s, 1);
    ck_assert_uint_eq(stats_of(&s).connections_count, 1);
    teardown(&s);
}
END_TEST

START_TEST(without_its_token_a_node_begins_anew)
{
    struct script s;
    struct ms_hello hello = hello_of(MS_ROLE_SLAVE, 1);

    setup(&s);
    client(&s, 2, 2);
    slave(&s, 1, 1);
    pull(&s, 1, 1);
    submit(&s, 2, 1, "x");
    close_peer(&s, 1);
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_LEASED], 1);
    hello.token = uuid_of(99);
    open_peer(&s, 3);
    say_hello(&s, 3, &hello);
    ck_assert(!want(&s, MS_KIND_WELCOME)->welcome.resumed);
    settle_down(&s);
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_READY], 1);
    teardown(&s);
}
END_TEST

START_TEST(goodbye_ends_at_once)
{
    struct script s;

    setup(&s);
    client(&s, 2, 2);
    slave(&s, 1, 1);
    pull(&s, 1, 1);
    submit(&s, 2, 1, "x");
    receive(&s, 1, &(struct ms_command){.kind = MS_KIND_BYE});
    ck_assert(was_closed(&s, 1));
    settle_down(&s);
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_READY], 1);
    ck_assert_uint_eq(stats_of(&s).deaths_total, 0);
    receive(&s, 2, &(struct ms_command){.kind = MS_KIND_BYE});
    settle_down(&s);
    run_until(&s, s.now + 3 * MS_TICK_DEFAULT);
    ck_assert_uint_eq(stats_of(&s).slaves_count + stats_of(&s).clients_count, 0);
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_READY], 1);
    teardown(&s);
}
END_TEST

START_TEST(there_is_a_last_session_and_a_last_stranger)
{
    struct script s;
    struct ms_hello hello = hello_of(MS_ROLE_SLAVE, 3);

    setup_with(&s, &(struct ms_master_config){.epoch = EPOCH, .limits.sessions_max = 2});
    slave(&s, 1, 1);
    slave(&s, 2, 2);
    open_peer(&s, 3);
    say_hello(&s, 3, &hello);
    want_refusal(&s, 3, MS_E_TOO_MANY);
    ms_peer peer = 10;
    for (; stats_of(&s).pending_count < MS_PENDING_PEERS_MAX; peer++) {
        ms_engine_step(
            s.engine, s.now,
            &(struct ms_event){.type = MS_EVENT_PEER_OPENED, .peer = peer, .nonce = uuid_of(1)});
    }
    open_peer(&s, peer);
    want_refusal(&s, peer, MS_E_TOO_MANY);
    settle_down(&s);
    teardown(&s);
}
END_TEST

TESTS(a_greeting_is_answered, a_single_master_says_that_another_one_was_heard,
      one_of_a_pair_leaves_it_to_its_council, odd_greetings_are_refused, the_order_is_kept,
      epochs_are_fenced, silence_before_hello_has_an_end, the_walk_to_death_and_what_follows,
      our_own_stall_ages_nobody, a_resume_replaces_the_old_connection,
      without_its_token_a_node_begins_anew, goodbye_ends_at_once,
      there_is_a_last_session_and_a_last_stranger)
