#include "slave/attempts.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>

#define BYTES_MAX (1u << 20)

static struct ms_attempts attempts;

static void setup(void)
{
    ck_assert(ms_attempts_init(&attempts, 64, BYTES_MAX, 1));
}

static void teardown(void)
{
    ms_attempts_check(&attempts);
    ms_attempts_finish(&attempts);
}

static struct ms_attempt *add(uint64_t n, enum ms_attempt_state state)
{
    struct ms_attempt *attempt =
        ms_attempts_add(&attempts,
                        &(struct ms_command){.id = {.client = {{7}}, .seq = 100 + n},
                                             .type = 2000 + n,
                                             .token = {1, n},
                                             .attempt = 1 + (uint32_t)n,
                                             .payload = ms_bytes_of("payload")},
                        state);

    ms_attempts_check(&attempts);
    return attempt;
}

static enum ms_error put(struct ms_attempt *attempt, const char *text)
{
    return ms_attempts_output(
        &attempts, attempt,
        &(struct ms_command){.stream = MS_STREAM_STDERR, .payload = ms_bytes_of(text)});
}

START_TEST(a_queued_attempt_keeps_its_payload_and_starts)
{
    struct ms_attempt *attempt = add(1, MS_ATTEMPT_QUEUED);

    ck_assert_uint_eq(attempt->payload_size, 7);
    ck_assert_mem_eq(attempt->payload, "payload", 7);
    ck_assert_ptr_eq(ms_attempts_find(&attempts, (struct ms_token){1, 1}), attempt);
    ck_assert_ptr_null(ms_attempts_find(&attempts, (struct ms_token){2, 1}));
    ms_attempts_start(&attempts, attempt);
    ck_assert_int_eq(attempt->state, MS_ATTEMPT_RUNNING);
    ck_assert_uint_eq(attempts.queued_count, 0);
    ck_assert_uint_eq(attempts.running_count, 1);
    ck_assert_mem_eq(attempt->payload, "payload", 7);
}
END_TEST

START_TEST(a_result_is_copied_and_forgotten)
{
    struct ms_attempt *attempt = add(1, MS_ATTEMPT_RUNNING);
    char text[] = "result";

    ck_assert_int_eq(put(attempt, "warning"), MS_E_OK);
    ck_assert(ms_attempts_done(&attempts, attempt,
                               &(struct ms_command){.status = MS_STATUS_FAIL,
                                                    .code = 3,
                                                    .usage = &(struct ms_usage){.wall_us = 9},
                                                    .detail = ms_bytes_of("why"),
                                                    .payload = ms_bytes_of(text)}));
    memset(text, 'x', sizeof text - 1);
    ck_assert_mem_eq(attempt->payload, "result", 6);
    ck_assert_mem_eq(attempt->detail, "why", 3);
    ck_assert_uint_eq(attempt->usage.wall_us, 9);
    ck_assert_int_eq(attempt->code, 3);
    ck_assert(ms_list_is_linked(&attempt->sending));
    ms_attempts_check(&attempts);
    ms_attempts_forget(&attempts, attempt);
    ck_assert_uint_eq(ms_slab_used(&attempts.slab), 0);
    ck_assert_uint_eq(ms_attempts_room(&attempts), 64);
}
END_TEST

START_TEST(long_details_are_cut)
{
    char text[2 * MS_DETAIL_MAX];
    struct ms_attempt *attempt = add(1, MS_ATTEMPT_RUNNING);

    memset(text, 'a', sizeof text);
    ms_attempts_done(&attempts, attempt,
                     &(struct ms_command){.detail = {(const uint8_t *)text, sizeof text}});
    ck_assert_uint_eq(attempt->detail_size, MS_DETAIL_MAX);
}
END_TEST

START_TEST(pieces_keep_their_order_and_are_sent_again_after_a_rewind)
{
    struct ms_attempt *attempt = add(1, MS_ATTEMPT_RUNNING);

    put(attempt, "one");
    put(attempt, "two");
    attempt->unsent = NULL; /* both went out */
    ms_list_remove(&attempt->sending);
    put(attempt, "three");
    ck_assert_uint_eq(attempt->unsent->index, 2);
    ms_attempts_rewind(&attempts);
    ck_assert_uint_eq(attempt->unsent->index, 0);
    ck_assert_mem_eq(attempt->unsent->next->bytes, "two", 3);
    ck_assert_uint_eq(attempt->output_bytes, 11);
    ms_attempts_drop(&attempts, attempt);
    ck_assert_uint_eq(attempt->output_bytes, 0);
}
END_TEST

START_TEST(a_dropped_attempt_keeps_its_slot_and_is_aborted_once)
{
    struct ms_attempt *attempt = add(1, MS_ATTEMPT_RUNNING);
    struct ms_token tokens[4];
    struct ms_holding holdings[4];

    ck_assert(ms_attempts_limit(&attempts, attempt, 50));
    ms_attempts_abort(&attempts, attempt);
    ms_attempts_abort(&attempts, attempt);
    ms_attempts_drop(&attempts, attempt);
    ck_assert_ptr_eq(ms_list_pop_front(&attempts.aborting), &attempt->stopping);
    ck_assert_ptr_null(ms_list_pop_front(&attempts.aborting));
    ck_assert_uint_eq(attempts.running_count, 1);
    ck_assert_uint_eq(ms_attempts_list(&attempts, tokens, holdings), 0);
    ck_assert_ptr_null(ms_attempts_expired(&attempts, 1000));
    ms_attempts_check(&attempts);
    ms_attempts_forget(&attempts, attempt);
    ck_assert_uint_eq(attempts.running_count, 0);
}
END_TEST

START_TEST(deadlines_expire_in_order)
{
    struct ms_attempt *late = add(1, MS_ATTEMPT_RUNNING);
    struct ms_attempt *early = add(2, MS_ATTEMPT_RUNNING);
    struct ms_attempt *never = add(3, MS_ATTEMPT_RUNNING);

    ms_attempts_limit(&attempts, late, 200);
    ms_attempts_limit(&attempts, early, 100);
    ms_attempts_limit(&attempts, never, MS_TIME_NEVER);
    ck_assert_ptr_null(ms_attempts_expired(&attempts, 99));
    ck_assert_ptr_eq(ms_attempts_expired(&attempts, 300), early);
    ck_assert_ptr_eq(ms_attempts_expired(&attempts, 300), late);
    ck_assert_ptr_null(ms_attempts_expired(&attempts, MS_TIME_NEVER));
}
END_TEST

START_TEST(what_is_held_is_told_in_a_fixed_order)
{
    struct ms_token tokens[8];
    struct ms_holding holdings[8];

    add(5, MS_ATTEMPT_QUEUED);
    add(4, MS_ATTEMPT_RUNNING);
    struct ms_attempt *done = add(3, MS_ATTEMPT_RUNNING);

    add(2, MS_ATTEMPT_RUNNING);
    ms_attempts_done(&attempts, done, &(struct ms_command){.status = MS_STATUS_OK});
    ck_assert_uint_eq(ms_attempts_list(&attempts, tokens, holdings), 4);
    ck_assert_uint_eq(tokens[0].n, 3);
    ck_assert_uint_eq(tokens[1].n, 4);
    ck_assert_uint_eq(tokens[2].n, 2);
    ck_assert_uint_eq(tokens[3].n, 5);
    for (unsigned i = 0; i < 4; i++) {
        ck_assert_uint_eq(holdings[i].id.client.bytes[0], 7);
        ck_assert_uint_eq(holdings[i].id.seq, 100 + tokens[i].n);
        ck_assert_uint_eq(holdings[i].type, 2000 + tokens[i].n);
        ck_assert_uint_eq(holdings[i].attempt, 1 + tokens[i].n);
    }
}
END_TEST

START_TEST(the_byte_limit_refuses_and_conserves)
{
    char block[1000];
    struct ms_attempt *attempt = add(1, MS_ATTEMPT_RUNNING);
    enum ms_error error = MS_E_OK;

    memset(block, 'b', sizeof block);
    for (int i = 0; i < 2000 && error == MS_E_OK; i++) {
        error = ms_attempts_output(
            &attempts, attempt,
            &(struct ms_command){.payload = {(const uint8_t *)block, sizeof block}});
    }
    ck_assert_int_eq(error, MS_E_NO_MEMORY);
    ck_assert_uint_le(ms_slab_used(&attempts.slab), BYTES_MAX);
    ck_assert_ptr_null(ms_attempts_add(
        &attempts,
        &(struct ms_command){.token = {1, 2}, .payload = {(const uint8_t *)block, sizeof block}},
        MS_ATTEMPT_QUEUED));
    ms_attempts_check(&attempts);
    ck_assert(
        !ms_attempts_done(&attempts, attempt,
                          &(struct ms_command){.payload = {(const uint8_t *)block, sizeof block}}));
    ms_attempts_check(&attempts);
    ms_attempts_forget(&attempts, attempt);
    ck_assert_uint_eq(ms_slab_used(&attempts.slab), 0);
}
END_TEST

START_TEST(the_pool_is_bounded)
{
    for (uint64_t n = 1; n <= 64; n++) {
        ck_assert_ptr_nonnull(add(n, MS_ATTEMPT_RUNNING));
    }
    ck_assert_ptr_null(add(65, MS_ATTEMPT_RUNNING));
}
END_TEST

START_TEST(forgetting_what_runs_is_a_programmer_error)
{
    ms_attempts_forget(&attempts, add(1, MS_ATTEMPT_RUNNING));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("slave_attempts");
    TCase *tests = tcase_create("attempts");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, a_queued_attempt_keeps_its_payload_and_starts);
    tcase_add_test(tests, a_result_is_copied_and_forgotten);
    tcase_add_test(tests, long_details_are_cut);
    tcase_add_test(tests, pieces_keep_their_order_and_are_sent_again_after_a_rewind);
    tcase_add_test(tests, a_dropped_attempt_keeps_its_slot_and_is_aborted_once);
    tcase_add_test(tests, deadlines_expire_in_order);
    tcase_add_test(tests, what_is_held_is_told_in_a_fixed_order);
    tcase_add_test(tests, the_byte_limit_refuses_and_conserves);
    tcase_add_test(tests, the_pool_is_bounded);
    tcase_add_test_raise_signal(tests, forgetting_what_runs_is_a_programmer_error, SIGABRT);
    suite_add_tcase(suite, tests);

    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
