/* The life of commands from submission to confirmation. */
#include "master_returning.h"

START_TEST(a_command_travels)
{
    struct script s;

    setup(&s);
    slave(&s, 1, 1);
    client(&s, 2, 2);
    submit(&s, 2, 1, "hello");
    struct ms_command *ack = &want(&s, MS_KIND_SUBMIT_ACK)->effect.command;
    ck_assert_uint_eq(ack->id.seq, 1);
    ck_assert_uint_eq(ack->durability, MS_DURABILITY_MEM);
    ck_assert_uint_eq(ack->copies, 1);
    ck_assert_ptr_null(find(&s, MS_KIND_COMMAND));

    pull(&s, 1, 1);
    struct sent *command = want(&s, MS_KIND_COMMAND);
    ck_assert_uint_eq(command->effect.peer, 1);
    ck_assert_str_eq(command->payload, "hello");
    ck_assert_uint_eq(command->effect.command.attempt, 1);
    ck_assert_uint_eq(command->effect.command.type, ECHO);
    ck_assert_uint_eq(command->effect.command.id.seq, 1);
    struct ms_uuid uuid = uuid_of(2);
    ck_assert(ms_uuid_equal(&command->effect.command.id.client, &uuid));
    uint64_t token = token_of(command);

    struct ms_usage usage = {.wall_us = 5, .user_us = 6, .system_us = 7, .rss_kib = 8};
    receive(&s, 1,
            &(struct ms_command){.kind = MS_KIND_RESULT,
                                 .status = MS_STATUS_OK,
                                 .code = -3,
                                 .usage = &usage,
                                 .token = {EPOCH, token},
                                 .payload = ms_bytes_of("a longer answer than the question"),
                                 .detail = ms_bytes_of("fine")});
    ck_assert_uint_eq(token_of(want(&s, MS_KIND_RESULT_ACK)), token);
    struct sent *outcome = want(&s, MS_KIND_OUTCOME);
    ck_assert_uint_eq(outcome->effect.peer, 2);
    ck_assert_str_eq(outcome->payload, "a longer answer than the question");
    ck_assert_str_eq(outcome->detail, "fine");
    ck_assert_int_eq(outcome->effect.command.code, -3);
    ck_assert_uint_eq(outcome->effect.command.attempt, 1);
    ck_assert_uint_eq(outcome->usage.rss_kib, 8);
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_DONE], 1);

    confirm(&s, 2, 1, 1);
    struct ms_master_stats stats = stats_of(&s);
    ck_assert_uint_eq(stats.commands_count, 0);
    ck_assert_uint_eq(stats.bytes_used, 0);
    ck_assert_uint_eq(stats.events_total[MS_LIFE_CONFIRM], 1);
    submit(&s, 2, 1, "hello");
    ck_assert_uint_eq(want(&s, MS_KIND_SUBMIT_NAK)->effect.command.error, MS_E_CLOSED_ID);
    teardown(&s);
}
END_TEST

START_TEST(a_delay_is_kept)
{
    struct script s;
    struct ms_command command = submission(1, "x");

    setup(&s);
    slave(&s, 1, 1);
    client(&s, 2, 2);
    pull(&s, 1, 1);
    command.delay = 100 * MS_MSEC;
    receive(&s, 2, &command);
    want(&s, MS_KIND_SUBMIT_ACK);
    ck_assert_ptr_null(find(&s, MS_KIND_COMMAND));
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_DELAYED], 1);
    ck_assert_int_eq(ms_engine_deadline(s.engine), s.now + 100 * MS_MSEC);
    tick_at(&s, s.now + 100 * MS_MSEC - 1);
    ck_assert_ptr_null(find(&s, MS_KIND_COMMAND));
    tick_at(&s, s.now + 1);
    want(&s, MS_KIND_COMMAND);
    teardown(&s);
}
END_TEST

START_TEST(first_in_first_out_and_returned_first)
{
    struct script s;

    setup(&s);
    slave(&s, 1, 1);
    client(&s, 2, 2);
    for (uint64_t seq = 1; seq <= 3; seq++) {
        submit(&s, 2, seq, "x");
    }
    pull(&s, 1, 1);
    struct sent *command = want(&s, MS_KIND_COMMAND);
    ck_assert_uint_eq(command->effect.command.id.seq, 1);
    receive(&s, 1,
            &(struct ms_command){.kind = MS_KIND_RETURN, .token = {EPOCH, token_of(command)}});
    pull(&s, 1, 2);
    ck_assert_uint_eq(find_nth(&s, MS_KIND_COMMAND, 0)->effect.command.id.seq, 1);
    ck_assert_uint_eq(find_nth(&s, MS_KIND_COMMAND, 0)->effect.command.attempt, 1);
    ck_assert_uint_eq(find_nth(&s, MS_KIND_COMMAND, 1)->effect.command.id.seq, 2);
    teardown(&s);
}
END_TEST

START_TEST(many_queued_are_taken_in_bounded_steps)
{
    enum { COUNT = 10000 };
    struct script s;
    uint64_t seen = 0;

    setup(&s);
    slave(&s, 1, 1);
    client(&s, 2, 2);
    for (uint64_t seq = 1; seq <= COUNT; seq++) {
        struct ms_command command = submission(seq, "payload");

        ms_engine_step(
            s.engine, s.now,
            &(struct ms_event){
                .type = MS_EVENT_RECEIVED, .peer = 2, .epoch = EPOCH, .command = &command});
        for (struct ms_effect effect; ms_engine_poll(s.engine, &effect);) {
            ck_assert_uint_eq(effect.command.kind, MS_KIND_SUBMIT_ACK);
        }
    }
    pull(&s, 1, COUNT);
    while (true) {
        ck_assert_uint_le(s.count, MS_DISPATCH_BURST);
        for (size_t i = 0; i < s.count; i++) {
            ck_assert_uint_eq(s.sent[i].effect.command.kind, MS_KIND_COMMAND);
            ck_assert_uint_eq(s.sent[i].effect.command.id.seq, ++seen);
        }
        if (ms_engine_deadline(s.engine) > s.now) {
            break;
        }
        tick_at(&s, s.now);
    }
    ck_assert_uint_eq(seen, COUNT);
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_LEASED], COUNT);
    teardown(&s);
}
END_TEST

START_TEST(the_block_fits_what_it_holds)
{
    struct script s;
    static uint8_t large[100000];
    struct ms_command command = submission(1, "");

    setup(&s);
    slave(&s, 1, 1);
    client(&s, 2, 2);
    command.payload = (struct ms_bytes){large, sizeof large};
    receive(&s, 2, &command);
    pull(&s, 1, 1);
    ck_assert_uint_gt(stats_of(&s).bytes_used, sizeof large - 1);
    result(&s, 1, token_of(want(&s, MS_KIND_COMMAND)), MS_STATUS_OK, "small");
    ck_assert_str_eq(want(&s, MS_KIND_OUTCOME)->payload, "small");
    ck_assert_uint_lt(stats_of(&s).bytes_used, 1024);
    teardown(&s);
}
END_TEST

START_TEST(a_class_is_counted_for_as_long_as_it_lives)
{
    struct script s;
    struct shelf shelf;

    setup_durable(&s, &shelf);
    slave_durably(&s, 1, 1);
    client(&s, 2, 2);
    struct ms_command command = submission(1, "x");

    command.flags = MS_FLAG_DURABILITY;
    receive(&s, 2, &command);
    submit(&s, 2, 2, "x");
    submit(&s, 2, 3, "x");
    ck_assert_uint_eq(s.master->queue.durable_count, 2);
    commit(&s);
    restart(&s);
    ck_assert_uint_eq(ms_queue_count(&s.master->queue), 2); /* what was in memory only is gone */
    ck_assert_uint_eq(s.master->queue.durable_count, 2);
    ck_assert_ptr_null(work_of(&s, 2, 1));
    teardown_durable(&s);
}
END_TEST

START_TEST(first_in_first_out_over_a_restart)
{
    enum { COUNT = 50 };
    struct script s;
    struct shelf shelf;

    setup_durable(&s, &shelf);
    const struct ms_welcome welcome = slave_durably(&s, 1, 1);

    client(&s, 2, 2);
    for (uint64_t seq = 1; seq <= COUNT; seq++) {
        submit(&s, 2, seq, "x");
    }
    commit(&s);
    restart(&s);
    come_back_idle(&s, 1, 1, &welcome);
    pull(&s, 1, COUNT);
    settle_down(&s);
    ck_assert_uint_eq(count_of(&s, MS_KIND_COMMAND), COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        ck_assert_uint_eq(find_nth(&s, MS_KIND_COMMAND, i)->effect.command.id.seq, i + 1);
    }
    teardown_durable(&s);
}
END_TEST

START_TEST(tokens_of_two_lives_differ)
{
    struct script s;
    struct shelf shelf;

    setup_durable(&s, &shelf);
    const struct ms_welcome welcome = slave_durably(&s, 1, 1);

    client(&s, 2, 2);
    pull(&s, 1, 1);
    submit(&s, 2, 1, "x");
    const struct ms_token first = {s.epoch, s.last_token};

    commit(&s);
    restart(&s);
    come_back_idle(&s, 1, 1, &welcome);
    pull(&s, 1, 1);
    settle_down(&s);
    ck_assert(!ms_token_equal(first, (struct ms_token){s.epoch, s.last_token}));
    result_of(&s, 1, first, MS_STATUS_OK, "late"); /* the slave said that it has it no more */
    ck_assert_uint_eq(stats_of(&s).results_refused_total, 1);
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_LEASED], 1);
    teardown_durable(&s);
}
END_TEST

TESTS(a_command_travels, a_delay_is_kept, first_in_first_out_and_returned_first,
      many_queued_are_taken_in_bounded_steps, the_block_fits_what_it_holds,
      a_class_is_counted_for_as_long_as_it_lives, first_in_first_out_over_a_restart,
      tokens_of_two_lives_differ)
