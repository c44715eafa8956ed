#include "proto/codec.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>

#include "tests/support/samples.h"

static const struct ms_frame_limits limits = {.greeted = true,
                                              .payload_max = MS_PAYLOAD_MAX_CEILING};

#define FRAMES_MAX 64

/* What stands in some bytes. */
struct seen {
    struct ms_frame frames[FRAMES_MAX];
    unsigned count;
};

static struct seen look(struct ms_bytes input)
{
    struct seen seen = {.count = 0};

    while (input.size > 0) {
        size_t used = 0, need = 0;
        ck_assert_uint_lt(seen.count, FRAMES_MAX);
        ck_assert_int_eq(ms_frame_parse(input, &limits, &seen.frames[seen.count], &used, &need),
                         MS_E_OK);
        ck_assert_uint_gt(used, 0);
        seen.count++;
        input.data += used;
        input.size -= used;
    }
    return seen;
}

static void put(struct ms_encoder *encoder, ms_epoch epoch, const struct ms_command *command)
{
    ck_assert_int_eq(ms_encoder_put(encoder, epoch, command), MS_E_OK);
}

static struct ms_command submit(uint64_t seq, const uint8_t *payload, size_t size)
{
    return (struct ms_command){
        .kind = MS_KIND_SUBMIT, .type = 5000, .id.seq = seq, .payload = {payload, size}};
}

START_TEST(test_one_kind_is_one_frame)
{
    struct ms_encoder encoder = {0};

    for (uint64_t seq = 1; seq <= 100; seq++) {
        const struct ms_command command = submit(seq, NULL, 0);
        put(&encoder, 1, &command);
    }
    ck_assert_uint_eq(look(ms_encoder_flush(&encoder)).count, 1);
    ms_encoder_finish(&encoder);
}
END_TEST

START_TEST(test_another_kind_or_epoch_is_another_frame)
{
    struct ms_encoder encoder = {0};
    struct ms_command result = {.kind = MS_KIND_RESULT, .token = {1, 1}};
    const struct ms_command output = {.kind = MS_KIND_OUTPUT, .token = {1, 1}};

    put(&encoder, 1, &output);
    put(&encoder, 1, &result);
    put(&encoder, 1, &result);
    put(&encoder, 2, &result);
    put(&encoder, 2, &output);
    const struct seen seen = look(ms_encoder_flush(&encoder));
    ck_assert_uint_eq(seen.count, 4);
    ck_assert_int_eq(seen.frames[0].kind, MS_KIND_OUTPUT);
    ck_assert_int_eq(seen.frames[1].kind, MS_KIND_RESULT);
    ck_assert_uint_eq(seen.frames[1].epoch, 1);
    ck_assert_uint_eq(seen.frames[2].epoch, 2);
    ck_assert_int_eq(seen.frames[3].kind, MS_KIND_OUTPUT);
    ms_encoder_finish(&encoder);
}
END_TEST

START_TEST(test_frames_are_closed_when_large)
{
    static uint8_t payload[1000];
    struct ms_encoder encoder = {0};

    for (uint64_t seq = 1; seq <= 200; seq++) {
        const struct ms_command command = submit(seq, payload, sizeof payload);
        put(&encoder, 1, &command);
    }
    const struct seen seen = look(ms_encoder_flush(&encoder));
    ck_assert_uint_ge(seen.count, 3);
    ck_assert_uint_ge(seen.frames[0].body.size, MS_FRAME_BATCH_SIZE);
    for (unsigned i = 0; i < seen.count; i++) {
        ck_assert_uint_lt(seen.frames[i].body.size, MS_FRAME_BATCH_SIZE + 1100);
    }
    ms_encoder_finish(&encoder);
}
END_TEST

/* The largest command behind a batch that is as full as can be: within what receivers accept. */
START_TEST(test_the_largest_frame_is_allowed)
{
    const size_t payload_max = 1 << 20;
    const struct ms_frame_limits exact = {.greeted = true, .payload_max = 1 << 20};
    uint8_t *payload = calloc(1, payload_max);
    static char detail[MS_DETAIL_MAX];
    struct ms_encoder encoder = {0};
    struct ms_frame frame;
    size_t used = 0, need = 0;

    ck_assert_ptr_nonnull(payload);
    memset(detail, 'x', sizeof detail);
    struct ms_command command = *sample_of(MS_KIND_RESULT);
    command.detail = (struct ms_bytes){(const uint8_t *)detail, sizeof detail};
    command.payload = (struct ms_bytes){payload, MS_FRAME_BATCH_SIZE - 700};
    put(&encoder, SAMPLES_EPOCH, &command);
    ck_assert_int_eq(encoder.kind, MS_KIND_RESULT); /* still open */
    command.payload.size = payload_max;
    put(&encoder, SAMPLES_EPOCH, &command);
    ck_assert_int_eq(ms_frame_parse(ms_encoder_flush(&encoder), &exact, &frame, &used, &need),
                     MS_E_OK);
    ck_assert_uint_gt(frame.body.size, payload_max + MS_FRAME_BATCH_SIZE - 700);
    ms_encoder_finish(&encoder);
    free(payload);
}
END_TEST

START_TEST(test_control_frames_stay_within_their_limit)
{
    static char detail[MS_DETAIL_MAX];
    struct ms_encoder encoder = {0};

    memset(detail, 'x', sizeof detail);
    for (uint64_t seq = 1; seq <= 300; seq++) {
        const struct ms_command nak = {
            .kind = MS_KIND_SUBMIT_NAK,
            .id.seq = UINT64_MAX - seq,
            .error = MS_E_RETRY_LATER,
            .delay = MS_DURATION_MAX,
            .detail = {(const uint8_t *)detail, sizeof detail},
        };
        put(&encoder, 1, &nak);
    }
    const struct seen seen = look(ms_encoder_flush(&encoder));
    ck_assert_uint_ge(seen.count, 3);
    for (unsigned i = 0; i < seen.count; i++) {
        ck_assert_uint_le(seen.frames[i].body.size, MS_FRAME_CONTROL_MAX);
    }
    ms_encoder_finish(&encoder);
}
END_TEST

START_TEST(test_idle_costs_nothing)
{
    struct ms_encoder encoder = {0};

    for (int kind = 1; kind < MS_KIND_COUNT; kind++) {
        if (!sample_exists((enum ms_kind)kind)) {
            continue;
        }
        put(&encoder, SAMPLES_EPOCH, sample_of((enum ms_kind)kind));
        ck_assert_uint_gt(ms_encoder_pending(&encoder), 0);
        const struct ms_bytes bytes = ms_encoder_flush(&encoder);
        ms_encoder_consume(&encoder, bytes.size);
        ck_assert_ptr_null(encoder.data);
        ck_assert_ptr_null(encoder.acks.data);
        ck_assert_uint_eq(encoder.capacity, 0);
        ck_assert_uint_eq(ms_encoder_pending(&encoder), 0);
        ck_assert_uint_eq(ms_encoder_flush(&encoder).size, 0);
    }
}
END_TEST

/* What a slow peer gets in small pieces, while more comes in, is the same stream. */
START_TEST(test_pieces_make_the_stream)
{
    struct ms_encoder whole = {0}, pieces = {0};
    size_t at = 0, received = 0;
    uint8_t *stream = malloc(1 << 20);
    ck_assert_ptr_nonnull(stream);

    for (uint64_t seq = 1; seq <= 3000; seq++) {
        const struct ms_command command = submit(seq, (const uint8_t *)"payload", 7);
        put(&pieces, seq / 100, &command);
        put(&whole, seq / 100, &command);
        if (seq % 100 == 99) { /* where a frame ends anyway */
            const struct ms_bytes bytes = ms_encoder_flush(&pieces);
            const size_t size = bytes.size * (seq % 7) / 8;
            memcpy(stream + received, bytes.data, size);
            received += size;
            ms_encoder_consume(&pieces, size);
        }
    }
    struct ms_bytes bytes = ms_encoder_flush(&pieces);
    memcpy(stream + received, bytes.data, bytes.size);
    received += bytes.size;
    bytes = ms_encoder_flush(&whole);
    ck_assert_uint_eq(bytes.size, received);
    for (at = 0; at < received && stream[at] == bytes.data[at]; at++) {
    }
    ck_assert_uint_eq(at, received);
    ms_encoder_finish(&whole);
    ms_encoder_finish(&pieces);
    free(stream);
}
END_TEST

START_TEST(test_acks_leave_with_the_flush)
{
    struct ms_encoder encoder = {0};
    const struct ms_command command = submit(1, NULL, 0);

    put(&encoder, SAMPLES_EPOCH, sample_of(MS_KIND_OUTCOME_ACK));
    put(&encoder, SAMPLES_EPOCH, &command);
    const size_t pending = ms_encoder_pending(&encoder);
    const struct ms_bytes bytes = ms_encoder_flush(&encoder);
    const struct seen seen = look(bytes);
    ck_assert_uint_ge(pending, bytes.size);
    ck_assert_uint_eq(seen.count, 2);
    ck_assert_int_eq(seen.frames[0].kind, MS_KIND_SUBMIT);
    ck_assert_int_eq(seen.frames[1].kind, MS_KIND_OUTCOME_ACK);
    ms_encoder_finish(&encoder);
}
END_TEST

/* Who has heard of an epoch takes no frame of an earlier one any more. */
START_TEST(test_acks_of_an_epoch_leave_before_the_next)
{
    struct ms_encoder encoder = {0};
    const struct ms_command command = submit(1, NULL, 0);
    const struct ms_command ack = {.kind = MS_KIND_OUTCOME_ACK, .id.seq = 7, .count = 1};

    put(&encoder, 1, &command);
    put(&encoder, 1, &ack);
    put(&encoder, 2, &ack);
    put(&encoder, 2, &command);
    const size_t pending = ms_encoder_pending(&encoder);
    const struct ms_bytes bytes = ms_encoder_flush(&encoder);
    const struct seen seen = look(bytes);
    ck_assert_uint_ge(pending, bytes.size);
    ck_assert_uint_eq(seen.count, 4);
    for (unsigned i = 0; i < seen.count; i++) {
        ck_assert_uint_eq(seen.frames[i].epoch, i < 2 ? 1 : 2);
    }
    ms_encoder_finish(&encoder);
}
END_TEST

START_TEST(test_nothing_follows_a_goodbye)
{
    static const enum ms_kind last[] = {MS_KIND_ERROR, MS_KIND_BYE};

    for (size_t i = 0; i < 2; i++) {
        struct ms_encoder encoder = {0};
        put(&encoder, SAMPLES_EPOCH, sample_of(MS_KIND_RESULT_ACK));
        put(&encoder, SAMPLES_EPOCH, sample_of(last[i]));
        const struct seen seen = look(ms_encoder_flush(&encoder));
        ck_assert_uint_eq(seen.count, 2);
        ck_assert_int_eq(seen.frames[0].kind, MS_KIND_RESULT_ACK);
        ck_assert_int_eq(seen.frames[1].kind, last[i]);
        ms_encoder_finish(&encoder);
    }
}
END_TEST

/* Every row once, in order, and last said once, at the end. */
START_TEST(test_long_reports_are_split)
{
    enum { COLUMNS = 3, ROWS = 2000 };
    static char text[MS_DETAIL_MAX + 100];
    struct ms_cell *cells = calloc((size_t)COLUMNS * ROWS, sizeof *cells);
    struct ms_decoder *decoder = ms_decoder_create();
    struct ms_encoder encoder = {0};

    ck_assert(cells != NULL && decoder != NULL);
    memset(text, 'x', sizeof text - 1);
    for (uint64_t i = 0; i < (uint64_t)COLUMNS * ROWS; i += COLUMNS) {
        cells[i] = (struct ms_cell){.name = "row", .is_number = true, .number = i / COLUMNS};
        cells[i + 1] = (struct ms_cell){.name = "text", .text = text + i % 600};
        cells[i + 2] = (struct ms_cell){.name = "none"};
    }
    const struct ms_report report = {
        .columns_count = COLUMNS, .cells_count = COLUMNS * ROWS, .cells = cells, .last = true};
    put(&encoder, 1,
        &(struct ms_command){.kind = MS_KIND_REPORT, .count = 9, .body = {.report = &report}});
    const struct seen seen = look(ms_encoder_flush(&encoder));
    uint64_t row = 0;
    for (unsigned i = 0; i < seen.count; i++) {
        struct ms_command command;
        bool more = false;
        ck_assert_int_eq(ms_decoder_begin(decoder, &seen.frames[i]), MS_E_OK);
        ck_assert_int_eq(ms_decoder_next(decoder, &command, &more), MS_E_OK);
        ck_assert_uint_eq(command.count, 9);
        ck_assert(command.body.report->last == (i + 1 == seen.count));
        for (uint32_t c = 0; c < command.body.report->cells_count; c += COLUMNS, row++) {
            ck_assert_uint_eq(command.body.report->cells[c].number, row);
            ck_assert_uint_le(strlen(command.body.report->cells[c + 1].text), MS_DETAIL_MAX);
            ck_assert_str_eq(command.body.report->cells[c + 2].text, "");
        }
    }
    ck_assert_uint_eq(row, ROWS);
    ms_encoder_finish(&encoder);
    ms_decoder_destroy(decoder);
    free(cells);
}
END_TEST

/* The largest table of nothing at all: its receiver's budget must bear it. */
START_TEST(test_empty_cells_are_within_the_budget)
{
    enum { CELLS = MS_REPORT_COLUMNS_MAX * MS_REPORT_ROWS_MAX };
    static struct ms_cell cells[CELLS];
    struct ms_decoder *decoder = ms_decoder_create();
    struct ms_encoder encoder = {0};
    uint32_t count = 0;

    ck_assert_ptr_nonnull(decoder);
    for (size_t i = 0; i < CELLS; i++) {
        cells[i].name = "";
    }
    const struct ms_report report = {
        .columns_count = MS_REPORT_COLUMNS_MAX, .cells_count = CELLS, .cells = cells, .last = true};
    put(&encoder, 1, &(struct ms_command){.kind = MS_KIND_REPORT, .body = {.report = &report}});
    const struct seen seen = look(ms_encoder_flush(&encoder));
    for (unsigned i = 0; i < seen.count; i++) {
        struct ms_command command;
        bool more = false;
        ck_assert_int_eq(ms_decoder_begin(decoder, &seen.frames[i]), MS_E_OK);
        ck_assert_int_eq(ms_decoder_next(decoder, &command, &more), MS_E_OK);
        count += command.body.report->cells_count;
    }
    ck_assert_uint_eq(count, CELLS);
    ms_encoder_finish(&encoder);
    ms_decoder_destroy(decoder);
}
END_TEST

START_TEST(test_an_empty_report_is_one_frame)
{
    struct ms_encoder encoder = {0};
    const struct ms_report report = {.error = MS_E_NOT_FOUND, .last = true};

    put(&encoder, 1, &(struct ms_command){.kind = MS_KIND_REPORT, .body = {.report = &report}});
    ck_assert_uint_eq(look(ms_encoder_flush(&encoder)).count, 1);
    ms_encoder_finish(&encoder);
}
END_TEST

START_TEST(test_finish_of_a_full_one)
{
    struct ms_encoder encoder;

    ms_encoder_init(&encoder);
    put(&encoder, SAMPLES_EPOCH, sample_of(MS_KIND_SUBMIT));
    put(&encoder, SAMPLES_EPOCH, sample_of(MS_KIND_SUBMIT_ACK));
    ms_encoder_finish(&encoder); /* the leak check watches */
    ms_encoder_finish(&encoder);
    ms_encoder_finish(NULL);
}
END_TEST

START_TEST(test_consuming_too_much_is_a_programmer_error)
{
    struct ms_encoder encoder = {0};

    put(&encoder, SAMPLES_EPOCH, sample_of(MS_KIND_SUBMIT));
    ms_encoder_consume(&encoder, ms_encoder_flush(&encoder).size + 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("proto_encoder");
    TCase *tcase = tcase_create("encoder");

    tcase_add_test(tcase, test_one_kind_is_one_frame);
    tcase_add_test(tcase, test_another_kind_or_epoch_is_another_frame);
    tcase_add_test(tcase, test_frames_are_closed_when_large);
    tcase_add_test(tcase, test_the_largest_frame_is_allowed);
    tcase_add_test(tcase, test_control_frames_stay_within_their_limit);
    tcase_add_test(tcase, test_idle_costs_nothing);
    tcase_add_test(tcase, test_pieces_make_the_stream);
    tcase_add_test(tcase, test_acks_leave_with_the_flush);
    tcase_add_test(tcase, test_acks_of_an_epoch_leave_before_the_next);
    tcase_add_test(tcase, test_nothing_follows_a_goodbye);
    tcase_add_test(tcase, test_long_reports_are_split);
    tcase_add_test(tcase, test_empty_cells_are_within_the_budget);
    tcase_add_test(tcase, test_an_empty_report_is_one_frame);
    tcase_add_test(tcase, test_finish_of_a_full_one);
    tcase_add_test_raise_signal(tcase, test_consuming_too_much_is_a_programmer_error, SIGABRT);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
