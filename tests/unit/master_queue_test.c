/* The life of commands from submission to confirmation, with every way out. */
#include "master_frames.h"

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

TESTS(a_command_travels)
