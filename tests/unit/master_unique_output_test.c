/* What came in pieces of a command that others have joined by its unique key is theirs, too. */
#include "master_unique_script.h"

#define MEMORY ((size_t)1 << 20)

/* What a command wrote in pieces is told to those that joined it: in order, before the outcome. */
START_TEST(followers_get_the_output)
{
    struct script s;

    begin(&s);
    submit_keyed(&s, 1, MS_UNIQUE_JOIN, "k");
    submit_keyed(&s, 2, MS_UNIQUE_JOIN, "k");
    pull(&s, 1, 1);
    const uint64_t token = s.last_token;

    for (uint32_t index = 0; index < 3; index++) {
        receive(&s, 1,
                &(struct ms_command){.kind = MS_KIND_OUTPUT,
                                     .token = {EPOCH, token},
                                     .index = index,
                                     .stream = index == 1 ? MS_STREAM_STDERR : MS_STREAM_DATA,
                                     .payload = ms_bytes_of(index == 1 ? "err" : "out")});
    }
    result(&s, 1, token, MS_STATUS_OK, "end");
    uint32_t pieces = 0;

    for (size_t i = 0; i < s.count; i++) {
        const struct sent *sent = &s.sent[i];

        if (sent->effect.command.id.seq != 2) {
            continue;
        }
        if (sent->effect.command.kind == MS_KIND_STREAM) {
            ck_assert_uint_eq(sent->effect.command.index, pieces);
            ck_assert_uint_eq(sent->effect.command.attempt, 1);
            ck_assert_uint_eq(sent->effect.command.stream,
                              pieces == 1 ? MS_STREAM_STDERR : MS_STREAM_DATA);
            ck_assert_str_eq(sent->payload, pieces == 1 ? "err" : "out");
            pieces++;
        } else if (sent->effect.command.kind == MS_KIND_OUTCOME) {
            ck_assert_uint_eq(pieces, 3);
            ck_assert_uint_eq(sent->effect.command.index, 3);
            ck_assert_str_eq(sent->payload, "end");
        }
    }
    ck_assert_uint_eq(pieces, 3);
    confirm(&s, 2, 1, 2);
    ck_assert_uint_eq(stats_of(&s).commands_count, 0);
    ck_assert_uint_eq(stats_of(&s).bytes_used, 0);
    teardown(&s);
}
END_TEST

/* There is memory for what one writes, not for a copy of it: who joined is told so, and not that it is all. */
START_TEST(a_follower_whose_output_finds_no_memory_is_told_so)
{
    static uint8_t bytes[MEMORY / 8];
    struct script s;

    setup_with(&s, &(struct ms_master_config){.epoch = EPOCH,
                                              .crashes_max = MS_CRASHES_MAX_DEFAULT,
                                              .seed = 1,
                                              .limits = {.bytes_max = MEMORY},
                                              .name = "m",
                                              .build = "test"});
    slave(&s, 1, 1);
    client(&s, 2, 2);
    submit_keyed(&s, 1, MS_UNIQUE_JOIN, "k");
    submit_keyed(&s, 2, MS_UNIQUE_JOIN, "k");
    pull(&s, 1, 1);
    const uint64_t token = s.last_token;

    for (uint32_t index = 0; index < 6; index++) {
        receive(&s, 1,
                &(struct ms_command){.kind = MS_KIND_OUTPUT,
                                     .token = {EPOCH, token},
                                     .index = index,
                                     .payload = {bytes, sizeof bytes}});
    }
    result(&s, 1, token, MS_STATUS_OK, "end");
    const struct sent *outcome = outcome_of(&s, 2);

    ck_assert_uint_eq(outcome->effect.command.status, MS_STATUS_FAIL);
    ck_assert_uint_eq(outcome->effect.command.index, 0);
    ck_assert_str_eq(outcome->payload, "");
    ck_assert_str_eq(outcome->detail, "the master has no memory left for the result");
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_BURIED], 1);
    ck_assert_uint_eq(stats_of(&s).commands[MS_LIFE_DONE], 1);
    teardown(&s);
}
END_TEST

TESTS(followers_get_the_output, a_follower_whose_output_finds_no_memory_is_told_so)
