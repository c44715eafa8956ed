#include "proto/acks.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>

static struct ms_command ack(enum ms_kind kind, uint64_t first, uint64_t count)
{
    struct ms_command command = {.kind = (uint8_t)kind, .count = count};

    if (kind == MS_KIND_RESULT_ACK) {
        command.token = (struct ms_token){.epoch = 1, .n = first};
    } else {
        command.id.seq = first;
    }
    return command;
}

static void put(struct ms_acks *acks, ms_epoch epoch, struct ms_command command)
{
    ck_assert_int_eq(ms_acks_put(acks, epoch, &command), MS_E_OK);
}

/* Writes everything, and says how many frames and runs it was. */
static void count(struct ms_acks *acks, unsigned *frames_out, unsigned *runs_out)
{
    const size_t pending = ms_acks_pending(acks);
    uint8_t *data = malloc(pending + 1);
    const struct ms_frame_limits limits = {.greeted = true, .payload_max = 1};
    struct ms_decoder *decoder = ms_decoder_create();

    ck_assert(data != NULL && decoder != NULL);
    struct ms_bytes input = {data, (size_t)(ms_acks_write(acks, data) - data)};
    ck_assert_uint_le(input.size, pending);
    *frames_out = *runs_out = 0;
    while (input.size > 0) {
        struct ms_frame frame;
        struct ms_command command;
        size_t used = 0, need = 0;
        bool more = false;
        ck_assert_int_eq(ms_frame_parse(input, &limits, &frame, &used, &need), MS_E_OK);
        ck_assert_uint_gt(used, 0);
        ck_assert_int_eq(ms_decoder_begin(decoder, &frame), MS_E_OK);
        while (ms_decoder_next(decoder, &command, &more) == MS_E_OK && more) {
            ++*runs_out;
        }
        ck_assert(!more);
        ++*frames_out;
        input.data += used;
        input.size -= used;
    }
    ck_assert_uint_eq(ms_acks_pending(acks), 0);
    ck_assert_ptr_null(acks->data);
    ms_decoder_destroy(decoder);
    free(data);
}

static void assert_count(struct ms_acks *acks, unsigned frames, unsigned runs)
{
    unsigned frames_count = 0, runs_count = 0;

    count(acks, &frames_count, &runs_count);
    ck_assert_uint_eq(frames_count, frames);
    ck_assert_uint_eq(runs_count, runs);
}

START_TEST(test_consecutive_numbers_are_one_run)
{
    struct ms_acks acks = {0};

    for (uint64_t seq = 1; seq <= 1000; seq++) {
        put(&acks, 1, ack(MS_KIND_SUBMIT_ACK, seq, 1));
    }
    put(&acks, 1, ack(MS_KIND_SUBMIT_ACK, 1001, 50));
    ck_assert_ptr_null(acks.data); /* a single run needs no memory */
    ck_assert_uint_eq(acks.count, 1050);
    assert_count(&acks, 1, 1);
}
END_TEST

START_TEST(test_gaps_begin_runs)
{
    struct ms_acks acks = {0};

    for (uint64_t n = 1; n <= 1000; n++) {
        put(&acks, 1, ack(MS_KIND_RESULT_ACK, 2 * n, 0));
    }
    assert_count(&acks, 1, 1000);
}
END_TEST

START_TEST(test_a_number_again_begins_a_run)
{
    struct ms_acks acks = {0};

    put(&acks, 1, ack(MS_KIND_OUTCOME_ACK, 5, 1));
    put(&acks, 1, ack(MS_KIND_OUTCOME_ACK, 5, 1));
    put(&acks, 1, ack(MS_KIND_OUTCOME_ACK, 4, 1));
    assert_count(&acks, 1, 3);
}
END_TEST

START_TEST(test_whatever_differs_begins_a_frame)
{
    struct ms_acks acks = {0};
    struct ms_command command = ack(MS_KIND_SUBMIT_ACK, 1, 1);

    put(&acks, 1, command);
    command.id.seq++;
    put(&acks, 2, command); /* epoch */
    command.id.seq++;
    command.durability = MS_DURABILITY_LOCAL;
    put(&acks, 2, command);
    command.id.seq++;
    command.copies = 2;
    put(&acks, 2, command);
    put(&acks, 2, ack(MS_KIND_OUTCOME_ACK, 5, 1));
    put(&acks, 2, ack(MS_KIND_RESULT_ACK, 6, 1));
    command = ack(MS_KIND_RESULT_ACK, 7, 1);
    command.token.epoch = 9;
    put(&acks, 2, command);
    assert_count(&acks, 7, 7);
}
END_TEST

START_TEST(test_frames_stay_within_their_limit)
{
    struct ms_acks acks = {0};

    for (uint64_t i = 0; i < 10000; i++) {
        put(&acks, UINT64_MAX, ack(MS_KIND_RESULT_ACK, (1ull << 63) + 2 * i, 1));
    }
    unsigned frames = 0, runs = 0;
    count(&acks, &frames, &runs);
    ck_assert_uint_eq(runs, 10000);
    ck_assert_uint_ge(frames, 2);
    ck_assert_uint_le(frames, 3);
}
END_TEST

START_TEST(test_nothing_is_nothing)
{
    struct ms_acks acks = {0};

    ck_assert_uint_eq(ms_acks_pending(&acks), 0);
    assert_count(&acks, 0, 0);
    ms_acks_finish(&acks);
}
END_TEST

START_TEST(test_number_zero_is_a_programmer_error)
{
    struct ms_acks acks = {0};

    put(&acks, 1, ack(MS_KIND_SUBMIT_ACK, 0, 1));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("proto_acks");
    TCase *tcase = tcase_create("acks");

    tcase_add_test(tcase, test_consecutive_numbers_are_one_run);
    tcase_add_test(tcase, test_gaps_begin_runs);
    tcase_add_test(tcase, test_a_number_again_begins_a_run);
    tcase_add_test(tcase, test_whatever_differs_begins_a_frame);
    tcase_add_test(tcase, test_frames_stay_within_their_limit);
    tcase_add_test(tcase, test_nothing_is_nothing);
    tcase_add_test_raise_signal(tcase, test_number_zero_is_a_programmer_error, SIGABRT);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
