#include "tests/unit/slave_script_work.h"

START_TEST(runs_what_it_is_sent_and_renews_the_credit)
{
    command(1);
    expect_run(1);
    finish(1);
    const struct ms_command result = expect_result(1, MS_STATUS_OK);

    ck_assert_uint_eq(result.count, 1);
    ck_assert_mem_eq(result.payload.data, "done", 4);
    expect_nothing();
    ck_assert_uint_eq(stats().kept, 1);
    acknowledge(1, 1);
    expect_nothing();
    ck_assert_uint_eq(stats().kept, 0);
    ck_assert_uint_eq(stats().kept_bytes, 0);
}
END_TEST

static void part(uint64_t n, uint32_t index, const char *bytes)
{
    receive(&(struct ms_command){
        .kind = MS_KIND_PART, .token = {EPOCH, n}, .index = index, .payload = ms_bytes_of(bytes)});
}

static void command_of_parts(uint64_t n, ms_type type)
{
    receive(&(struct ms_command){.kind = MS_KIND_COMMAND,
                                 .flags = MS_FLAG_PARTS,
                                 .type = type,
                                 .id = {{{8}}, n},
                                 .token = {EPOCH, n},
                                 .attempt = 1,
                                 .index = 4,
                                 .count = 9});
}

START_TEST(a_payload_that_came_in_parts_is_whole)
{
    part(1, 0, "not ");
    part(1, 0, "one ");
    part(1, 1, "two");
    expect_nothing();
    command_of_parts(1, ECHO);
    const struct ms_command run = expect(MS_EFFECT_RUN).command;

    ck_assert_uint_eq(run.payload.size, 7);
    ck_assert_mem_eq(run.payload.data, "one two", 7);
    ck_assert_uint_eq(run.flags, 0);
    ck_assert_uint_eq(run.index, 4);
    ck_assert_uint_eq(run.count, 9);
    part(2, 0, "12345");
    command_of_parts(2, LIMITED);
    const struct ms_command result = expect_result(2, MS_STATUS_FAIL);

    ck_assert_uint_eq(result.payload.size, 0);
    expect_nothing();
}
END_TEST

START_TEST(parts_that_are_not_whole_are_handed_back)
{
    part(1, 0, "one");
    part(1, 2, "three");
    command_of_parts(1, ECHO);
    ck_assert_uint_eq(expect_sent(MS_KIND_RETURN).token.n, 1);
    ck_assert_uint_eq(expect_sent(MS_KIND_PULL).count, 1);
    part(2, 0, "x");
    command_of_parts(3, ECHO);
    ck_assert_uint_eq(expect_sent(MS_KIND_RETURN).token.n, 3);
}
END_TEST

START_TEST(parts_beyond_all_bounds_are_refused)
{
    static const uint8_t chunk[MS_CHUNK_MAX];

    for (uint32_t i = 0; i <= MS_PAYLOAD_MAX_CEILING / MS_CHUNK_MAX; i++) {
        receive(&(struct ms_command){.kind = MS_KIND_PART,
                                     .token = {EPOCH, 1},
                                     .index = i,
                                     .payload = {chunk, sizeof chunk}});
    }
    command_of_parts(1, ECHO);
    expect_result(1, MS_STATUS_FAIL);
}
END_TEST

START_TEST(a_delay_that_the_handler_asks_for_is_told)
{
    command(1);
    expect_run(1);
    step(&(struct ms_event){.type = MS_EVENT_FINISHED,
                            .command = &(struct ms_command){.kind = MS_KIND_RESULT,
                                                            .token = {EPOCH, 1},
                                                            .status = MS_STATUS_RETRY,
                                                            .delay = 7 * MS_SEC}});
    ck_assert_int_eq(expect_result(1, MS_STATUS_RETRY).delay, 7 * MS_SEC);
}
END_TEST

START_TEST(pull_mode_grants_by_pull)
{
    struct ms_slave_config configured = config();

    teardown();
    configured.mode = MS_CREDIT_PULL;
    create(configured);
    come_up(2);
    command(1);
    expect_run(1);
    finish(1);
    ck_assert_uint_eq(expect_result(1, MS_STATUS_OK).count, 0);
    ck_assert_uint_eq(expect_sent(MS_KIND_PULL).count, 1);
    expect_nothing();
}
END_TEST

START_TEST(prefetched_commands_wait_for_a_slot)
{
    struct ms_slave_config configured = config();

    teardown();
    configured.prefetch = 3;
    create(configured);
    come_up(5);
    command(1);
    expect_run(1);
    command(2);
    expect_run(2);
    command(3);
    command(4);
    expect_nothing();
    ck_assert_uint_eq(stats().queued, 2);
    finish(2);
    expect_result(2, MS_STATUS_OK);
    expect_run(3);
    expect_nothing();
}
END_TEST

START_TEST(more_than_granted_is_handed_back)
{
    command(1);
    expect_run(1);
    command(2);
    expect_run(2);
    command(3);
    ck_assert_uint_eq(expect_sent(MS_KIND_RETURN).token.n, 3);
    expect_nothing();
    ck_assert_uint_eq(stats().returned_total, 1);
}
END_TEST

START_TEST(no_token_runs_twice)
{
    command(5);
    expect_run(5);
    command(5); /* in hand */
    expect_nothing();
    ck_assert_uint_eq(stats().duplicates_total, 1);
    finish(5);
    expect_result(5, MS_STATUS_OK);
    acknowledge(5, 1);
    command(5); /* gone, but known to be old */
    ck_assert_uint_eq(expect_sent(MS_KIND_RETURN).token.n, 5);
    expect_sent(MS_KIND_PULL);
    expect_nothing();
}
END_TEST

START_TEST(an_unknown_type_and_a_large_payload_fail_at_once)
{
    command_of(1, 4711, 0);
    struct ms_command result = expect_result(1, MS_STATUS_FAIL);

    ck_assert_uint_eq(result.detail.size, strlen(ms_error_text(MS_E_UNKNOWN_TYPE)));
    ck_assert_uint_eq(result.count, 1);
    receive(&(struct ms_command){.kind = MS_KIND_COMMAND,
                                 .type = LIMITED,
                                 .token = {EPOCH, 2},
                                 .payload = ms_bytes_of("12345")});
    expect_result(2, MS_STATUS_FAIL);
    expect_nothing();
    acknowledge(1, 2);
    ck_assert_uint_eq(stats().kept, 0);
}
END_TEST

START_TEST(an_attempt_times_out)
{
    command_of(1, LIMITED, 0);
    expect_run(1);
    command_of(2, ECHO, 3 * MS_SEC);
    expect_run(2);
    const ms_time start = now;

    for (now = BEAT; now < 5 * MS_SEC; now += BEAT) {
        tick();
        expect_sent(MS_KIND_BEAT);
        if (now - start == 3 * MS_SEC) {
            ck_assert_uint_eq(expect(MS_EFFECT_ABORT).command.token.n, 2);
        }
        receive(&(struct ms_command){.kind = MS_KIND_BEAT_ACK});
        expect_nothing();
    }
    now = start + 5 * MS_SEC;
    tick();
    expect_sent(MS_KIND_BEAT);
    ck_assert_uint_eq(expect(MS_EFFECT_ABORT).command.token.n, 1);
    finish_as(2, MS_STATUS_CANCELLED);
    expect_result(2, MS_STATUS_TIMEOUT);
    finish_as(1, MS_STATUS_OK);
    expect_result(1, MS_STATUS_TIMEOUT);
}
END_TEST

START_TEST(revoke_aborts_what_runs_and_cancels_what_waits)
{
    struct ms_slave_config configured = config();

    teardown();
    configured.prefetch = 1;
    create(configured);
    come_up(3);
    for (uint64_t n = 1; n <= 2; n++) {
        command(n);
        expect_run(n);
    }
    command(3);
    receive(&(struct ms_command){.kind = MS_KIND_REVOKE, .token = {EPOCH, 3}});
    expect_result(3, MS_STATUS_CANCELLED);
    receive(&(struct ms_command){.kind = MS_KIND_REVOKE, .token = {EPOCH, 1}});
    ck_assert_uint_eq(expect(MS_EFFECT_ABORT).command.token.n, 1);
    receive(&(struct ms_command){.kind = MS_KIND_REVOKE, .token = {EPOCH, 1}});
    expect_nothing();
    finish_as(1, MS_STATUS_CANCELLED);
    expect_result(1, MS_STATUS_CANCELLED);
    receive(&(struct ms_command){.kind = MS_KIND_REVOKE, .token = {EPOCH, 77}});
    expect_nothing();
}
END_TEST

START_TEST(who_is_followed_is_told_once)
{
    struct ms_slave_config configured = config();

    teardown();
    configured.prefetch = 1;
    create(configured);
    come_up(3);
    for (uint64_t n = 1; n <= 2; n++) {
        command(n);
        expect_run(n);
    }
    command(3);
    receive(&(struct ms_command){.kind = MS_KIND_FOLLOW, .token = {EPOCH, 1}});
    ck_assert_uint_eq(expect(MS_EFFECT_FOLLOW).command.token.n, 1);
    for (uint64_t n = 1; n <= 4; n += 3) { /* again, and one that it does not have */
        receive(&(struct ms_command){.kind = MS_KIND_FOLLOW, .token = {EPOCH, n}});
        expect_nothing();
    }
    receive(&(struct ms_command){.kind = MS_KIND_FOLLOW, .token = {EPOCH, 3}});
    expect_nothing();
    finish(1);
    expect_result(1, MS_STATUS_OK);
    ck_assert_uint_eq(expect(MS_EFFECT_RUN).command.flags & MS_FLAG_STREAM, MS_FLAG_STREAM);
}
END_TEST

START_TEST(too_much_output_fails_the_attempt)
{
    static char block[1u << 20];
    struct ms_slave_config configured = config();

    teardown();
    configured.kept_bytes_max = MS_OUTPUT_HARD_MAX;
    create(configured);
    come_up(2);
    command(1);
    expect_run(1);
    for (size_t i = 0; i < MS_RESULT_BYTES_MAX / sizeof block; i++) {
        step(&(struct ms_event){
            .type = MS_EVENT_OUTPUT,
            .command = &(struct ms_command){.token = {EPOCH, 1},
                                            .payload = {(const uint8_t *)block, sizeof block}}});
        expect_sent(MS_KIND_OUTPUT);
    }
    output(1, "one too many");
    ck_assert_uint_eq(expect(MS_EFFECT_ABORT).command.token.n, 1);
    output(1, "and one more");
    expect_nothing();
    finish_as(1, MS_STATUS_OK);
    const struct ms_command result = expect_result(1, MS_STATUS_FAIL);

    ck_assert_uint_eq(result.payload.size, 0);
    ck_assert_uint_eq(result.detail.size, strlen(ms_error_text(MS_E_RESULT_SIZE)));
    acknowledge(1, 1);
    ck_assert_uint_eq(stats().kept_bytes, 0);
}
END_TEST

START_TEST(full_memory_asks_for_another_attempt)
{
    static char block[1u << 16];
    struct ms_slave_config configured = config();

    teardown();
    configured.kept_bytes_max = sizeof block;
    create(configured);
    come_up(2);
    command(1);
    expect_run(1);
    step(&(struct ms_event){
        .type = MS_EVENT_OUTPUT,
        .command = &(struct ms_command){.token = {EPOCH, 1},
                                        .payload = {(const uint8_t *)block, sizeof block}}});
    expect(MS_EFFECT_ABORT);
    finish(1);
    expect_result(1, MS_STATUS_RETRY);
}
END_TEST

START_TEST(an_endless_run_of_acknowledgements_is_harmless)
{
    command(1);
    expect_run(1);
    finish(1);
    expect_result(1, MS_STATUS_OK);
    acknowledge(0, UINT64_MAX);
    ck_assert_uint_eq(stats().kept, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("slave_serve");
    TCase *tests = tcase_create("serve");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_payload_that_came_in_parts_is_whole);
    tcase_add_test(tests, parts_that_are_not_whole_are_handed_back);
    tcase_add_test(tests, parts_beyond_all_bounds_are_refused);
    tcase_add_test(tests, a_delay_that_the_handler_asks_for_is_told);
    tcase_add_test(tests, runs_what_it_is_sent_and_renews_the_credit);
    tcase_add_test(tests, pull_mode_grants_by_pull);
    tcase_add_test(tests, prefetched_commands_wait_for_a_slot);
    tcase_add_test(tests, more_than_granted_is_handed_back);
    tcase_add_test(tests, no_token_runs_twice);
    tcase_add_test(tests, an_unknown_type_and_a_large_payload_fail_at_once);
    tcase_add_test(tests, an_attempt_times_out);
    tcase_add_test(tests, revoke_aborts_what_runs_and_cancels_what_waits);
    tcase_add_test(tests, who_is_followed_is_told_once);
    tcase_add_test(tests, too_much_output_fails_the_attempt);
    tcase_add_test(tests, full_memory_asks_for_another_attempt);
    tcase_add_test(tests, an_endless_run_of_acknowledgements_is_harmless);
    suite_add_tcase(suite, tests);

    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
