/* What slaves do: announce, pull, hand back, call the roll, drain, die. */
#include "master/slaves.h"
#include "master/state.h"
#include "master_frames.h"
#include "master_shelf.h"

/* A slave holding count commands of client 2, its connection lost. Fills the tokens. */
static struct ms_uuid lost_with(struct script *s, uint64_t count, struct ms_token *tokens)
{
    setup(s);
    struct ms_uuid token = slave(s, 1, 1).token;

    client(s, 2, 2);
    pull(s, 1, count);
    for (uint64_t seq = 1; seq <= count; seq++) {
        submit(s, 2, seq, "x");
        tokens[seq - 1] = want(s, MS_KIND_COMMAND)->effect.command.token;
    }
    close_peer(s, 1);
    ck_assert_uint_eq(stats_of(s).held, count);
    return token;
}

static void resume(struct script *s, ms_peer peer, struct ms_uuid token)
{
    struct ms_hello hello = hello_of(MS_ROLE_SLAVE, 1);

    hello.token = token;
    ck_assert(greet(s, peer, &hello).resumed);
}

static void call_roll(struct script *s, ms_peer peer, const struct ms_token *tokens, uint32_t count,
                      bool is_last)
{
    struct ms_tokens body = {.count = count, .tokens = tokens, .last = is_last};

    receive(s, peer, &(struct ms_command){.kind = MS_KIND_ROLL, .body.tokens = &body});
}

START_TEST(a_resumed_slave_keeps_what_it_holds)
{
    struct script s;
    struct ms_token tokens[4];
    struct ms_uuid token = lost_with(&s, 3, tokens);

    resume(&s, 5, token);
    announce(&s, 5, ECHO, "echo");
    pull(&s, 5, 10);
    ck_assert_ptr_null(find(&s, MS_KIND_COMMAND));
    tokens[3] = (struct ms_token){EPOCH, 999};
    call_roll(&s, 5, tokens + 3, 1, false);
    struct sent *verdict = want(&s, MS_KIND_VERDICT);
    ck_assert(!verdict->is_last);
    ck_assert_uint_eq(verdict->tokens_count, 1);
    ck_assert_uint_eq(verdict->tokens[0].n, 999);
    call_roll(&s, 5, tokens, 1, false);
    ck_assert_ptr_null(find(&s, MS_KIND_VERDICT));
    call_roll(&s, 5, tokens + 2, 1, true);
    verdict = want(&s, MS_KIND_VERDICT);
    ck_assert(verdict->is_last);
    ck_assert_uint_eq(verdict->tokens_count, 0);
    ck_assert_ptr_null(find(&s, MS_KIND_COMMAND));

    /* The second was not named: it is handed out anew, now that the roll is complete. */
    settle_down(&s);
    struct sent *command = want(&s, MS_KIND_COMMAND);
    ck_assert_uint_eq(count_of(&s, MS_KIND_COMMAND), 1);
    ck_assert_uint_eq(command->effect.command.id.seq, 2);
    ck_assert_uint_eq(command->effect.command.attempt, 2);
    result(&s, 5, tokens[0].n, MS_STATUS_OK, "first");
    ck_assert_str_eq(want(&s, MS_KIND_OUTCOME)->payload, "first");
    result(&s, 5, tokens[1].n, MS_STATUS_OK, "void");
    ck_assert_ptr_null(find(&s, MS_KIND_OUTCOME));
    call_roll(&s, 5, tokens, 1, true);
    want_refusal(&s, 5, MS_E_ORDER);
    teardown(&s);
}
END_TEST

START_TEST(a_roll_broken_off_begins_anew)
{
    struct script s;
    struct ms_token tokens[2];
    struct ms_uuid token = lost_with(&s, 2, tokens);

    resume(&s, 5, token);
    call_roll(&s, 5, tokens, 1, false);
    close_peer(&s, 5);
    resume(&s, 6, token);
    call_roll(&s, 6, NULL, 0, true);
    settle_down(&s);
    ck_assert_uint_eq(stats_of(&s).held, 0);
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_READY], 2);
    teardown(&s);
}
END_TEST

START_TEST(a_result_may_come_before_the_roll)
{
    struct script s;
    struct ms_token tokens[1];
    struct ms_uuid token = lost_with(&s, 1, tokens);

    resume(&s, 5, token);
    result(&s, 5, tokens[0].n, MS_STATUS_OK, "early");
    ck_assert_str_eq(want(&s, MS_KIND_OUTCOME)->payload, "early");
    call_roll(&s, 5, tokens, 1, true);
    ck_assert_uint_eq(want(&s, MS_KIND_VERDICT)->tokens_count, 1);
    teardown(&s);
}
END_TEST

START_TEST(what_was_cancelled_meanwhile_is_dropped)
{
    struct script s;
    struct ms_token tokens[1];
    struct ms_uuid token = lost_with(&s, 1, tokens);

    receive(&s, 2, &(struct ms_command){.kind = MS_KIND_CANCEL, .id.seq = 1});
    ck_assert_ptr_null(find(&s, MS_KIND_REVOKE));
    resume(&s, 5, token);
    call_roll(&s, 5, tokens, 1, true);
    ck_assert_uint_eq(want(&s, MS_KIND_VERDICT)->tokens_count, 1);
    ck_assert_uint_eq(want(&s, MS_KIND_OUTCOME)->effect.command.status, MS_STATUS_CANCELLED);
    teardown(&s);
}
END_TEST

START_TEST(draining_takes_nothing_more_and_hands_back)
{
    struct script s;

    setup(&s);
    slave(&s, 1, 1);
    client(&s, 2, 2);
    pull(&s, 1, 2);
    submit(&s, 2, 1, "x");
    uint64_t token = token_of(want(&s, MS_KIND_COMMAND));
    receive(&s, 1, &(struct ms_command){.kind = MS_KIND_GOAWAY});
    ck_assert_uint_eq(stats_of(&s).credit, 0);
    submit(&s, 2, 2, "y");
    ck_assert_ptr_null(find(&s, MS_KIND_COMMAND));
    pull(&s, 1, 5);
    ck_assert_uint_eq(stats_of(&s).credit, 0);
    receive(&s, 1, &(struct ms_command){.kind = MS_KIND_RETURN, .token = {EPOCH, token}});
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_READY], 2);
    ck_assert_uint_eq(stats_of(&s).retries_total, 0);
    receive(&s, 1, &(struct ms_command){.kind = MS_KIND_RETURN, .token = {EPOCH, token}});
    teardown(&s);
}
END_TEST

START_TEST(a_clash_is_refused_and_harms_nobody)
{
    struct script s;
    struct ms_hello hello = hello_of(MS_ROLE_SLAVE, 3);

    setup(&s);
    slave(&s, 1, 1);
    greet(&s, 3, &hello);
    announce(&s, 3, ECHO, "not-echo");
    want_refusal(&s, 3, MS_E_TYPE_CLASH);
    ck_assert_uint_eq(stats_of(&s).types_count, 1);
    ck_assert_uint_eq(stats_of(&s).profiles_count, 1);
    teardown(&s);
}
END_TEST

START_TEST(announcing_again_replaces)
{
    struct script s;

    setup(&s);
    slave(&s, 1, 1);
    client(&s, 2, 2);
    pull(&s, 1, 3);
    announce(&s, 1, OTHER, "other");
    submit(&s, 2, 1, "x");
    ck_assert_ptr_null(find(&s, MS_KIND_COMMAND));
    ck_assert_uint_eq(stats_of(&s).profiles_count, 1);
    announce(&s, 1, ECHO, "echo");
    want(&s, MS_KIND_COMMAND);
    teardown(&s);
}
END_TEST

START_TEST(a_command_may_take_down_so_many_and_no_more)
{
    struct script s;

    setup(&s);
    client(&s, 2, 2);
    for (uint8_t node = 10; node < 10 + MS_CRASHES_MAX_DEFAULT + 1; node++) {
        slave(&s, node, node);
        if (node == 10) {
            submit(&s, 2, 1, "poison");
        }
        pull(&s, node, 1);
        ck_assert_uint_eq(want(&s, MS_KIND_COMMAND)->effect.command.attempt, node - 9u);
        close_peer(&s, node);
        for (int i = 0; i < 5; i++) {
            receive(&s, 2, &(struct ms_command){.kind = MS_KIND_BEAT});
            tick_at(&s, ms_engine_deadline(s.engine));
            if (find(&s, MS_KIND_OUTCOME) != NULL) {
                break;
            }
        }
    }
    struct sent *outcome = want(&s, MS_KIND_OUTCOME);
    ck_assert_uint_eq(outcome->effect.command.status, MS_STATUS_CRASHED);
    ck_assert_str_eq(outcome->detail, "4 slaves died with it, the last was s3");
    teardown(&s);
}
END_TEST

START_TEST(what_a_dead_slave_held_is_put_right_in_bounded_steps)
{
    enum { COUNT = 1000 };
    struct script s;
    struct ms_token tokens[COUNT];

    lost_with(&s, COUNT, tokens);
    slave(&s, 3, 3);
    pull(&s, 3, COUNT);
    for (int i = 0; i < 4; i++) {
        receive(&s, 2, &(struct ms_command){.kind = MS_KIND_BEAT});
        receive(&s, 3, &(struct ms_command){.kind = MS_KIND_BEAT});
        tick_at(&s, s.now + MS_TICK_DEFAULT);
    }
    size_t first = count_of(&s, MS_KIND_COMMAND);
    ck_assert_uint_gt(first, 0);
    ck_assert_uint_le(first, MS_DISPATCH_BURST);
    settle_down(&s);
    ck_assert_uint_eq(first + count_of(&s, MS_KIND_COMMAND), COUNT);
    ck_assert_uint_eq(stats_of(&s).held, COUNT);
    teardown(&s);
}
END_TEST

START_TEST(slaves_may_not_speak_as_clients)
{
    struct script s;

    setup(&s);
    slave(&s, 1, 1);
    submit(&s, 1, 1, "x");
    want_refusal(&s, 1, MS_E_ROLE);
    teardown(&s);
}
END_TEST

START_TEST(a_type_of_a_refused_announcement_is_read_back)
{
    struct ms_announced types[] = {{.type = ECHO, .name = "echo"}, {.type = ECHO, .name = "other"}};
    const struct ms_hello hello = hello_of(MS_ROLE_SLAVE, 1);
    struct script s;
    struct shelf shelf;

    setup_durable(&s, &shelf);
    open_peer(&s, 1);
    say_hello(&s, 1, &hello);
    commit(&s);
    receive(&s, 1,
            &(struct ms_command){.kind = MS_KIND_ANNOUNCE,
                                 .body.announce = &(struct ms_announce){2, types}});
    want_refusal(&s, 1, MS_E_TYPE_CLASH);
    client(&s, 2, 2);
    submit(&s, 2, 1, "x");
    commit(&s);
    want(&s, MS_KIND_SUBMIT_ACK);
    restart(&s);
    ck_assert_uint_eq(stats_of(&s).commands_count, 1);
    teardown_durable(&s);
}
END_TEST

static const struct ms_slave *only_slave(const struct script *s)
{
    const struct ms_slave *found = ms_pool_at(&s->master->slaves, 0);

    ck_assert_ptr_nonnull(found);
    return found;
}

START_TEST(what_a_slave_says_of_itself_is_kept)
{
    struct script s;
    struct ms_hello hello = hello_of(MS_ROLE_SLAVE, 1);

    setup(&s);
    ms_text_copy_name(hello.group, "render");
    ms_text_copy_name(hello.labels[0], "zone=b");
    ms_text_copy_name(hello.labels[1], "gpu");
    hello.labels_count = 2;
    hello.weight = 7;
    hello.slots_max = 9;
    const struct ms_welcome welcome = greet(&s, 1, &hello);
    const struct ms_slave *slave = only_slave(&s);

    ck_assert_str_eq(slave->group, "render");
    ck_assert_uint_eq(slave->labels.count, 2);
    ck_assert_str_eq(slave->labels.words[0], "gpu");
    ck_assert_uint_eq(slave->weight, 7);
    ck_assert_uint_eq(slave->slots_max, 9);
    close_peer(&s, 1);
    hello.token = welcome.token; /* it comes again, and says otherwise */
    hello.labels_count = 0;
    hello.weight = 0;
    ck_assert(greet(&s, 5, &hello).resumed);
    ck_assert_ptr_eq(only_slave(&s), slave);
    ck_assert_uint_eq(slave->labels.count, 0);
    ck_assert_uint_eq(slave->weight, MS_WEIGHT_DEFAULT);
    receive(&s, 5, &(struct ms_command){.kind = MS_KIND_BYE});
    run_until(&s, s.now + 10 * MS_TICK_DEFAULT);
    ck_assert_uint_eq(s.master->tagging.bytes, 0);
    teardown(&s);
}
END_TEST

START_TEST(beats_tell_the_load)
{
    struct ms_load load = {.cpu = 250, .memory = MS_PERMILLE_UNKNOWN, .running = 3, .slots = 11};
    struct script s;

    setup(&s);
    slave(&s, 1, 1);
    const struct ms_slave *slave = only_slave(&s);

    receive(&s, 1, &(struct ms_command){.kind = MS_KIND_BEAT, .count = 1});
    ck_assert_int_eq(slave->load_at, 0);
    ck_assert_uint_eq(stats_of(&s).slots, 4);
    run_until(&s, s.now + MS_MSEC);
    receive(&s, 1, &(struct ms_command){.kind = MS_KIND_BEAT, .count = 2, .body.load = &load});
    ck_assert_uint_eq(want(&s, MS_KIND_BEAT_ACK)->effect.command.count, 2);
    ck_assert_int_eq(slave->load_at, s.now);
    ck_assert_uint_eq(slave->load.cpu, 250);
    ck_assert_uint_eq(slave->slots, 11);
    ck_assert_uint_eq(stats_of(&s).slots, 11);
    load.slots = 0; /* as it said before */
    receive(&s, 1, &(struct ms_command){.kind = MS_KIND_BEAT, .count = 3, .body.load = &load});
    ck_assert_uint_eq(slave->slots, 11);
    teardown(&s);
}
END_TEST

TESTS(what_a_slave_says_of_itself_is_kept, beats_tell_the_load,
      a_type_of_a_refused_announcement_is_read_back, a_resumed_slave_keeps_what_it_holds,
      a_roll_broken_off_begins_anew, a_result_may_come_before_the_roll,
      what_was_cancelled_meanwhile_is_dropped, draining_takes_nothing_more_and_hands_back,
      a_clash_is_refused_and_harms_nobody, announcing_again_replaces,
      a_command_may_take_down_so_many_and_no_more,
      what_a_dead_slave_held_is_put_right_in_bounded_steps, slaves_may_not_speak_as_clients)
