#include "proto/codec.h"

#include <check.h>
#include <stdlib.h>

#include "tests/support/oracle.h"
#include "tests/support/samples.h"

static const struct ms_frame_limits limits = {.greeted = true, .payload_max = 1 << 20};

static struct ms_decoder *decoder;

static void setup(void)
{
    decoder = ms_decoder_create();
    ck_assert_ptr_nonnull(decoder);
}

static void teardown(void)
{
    ms_decoder_destroy(decoder);
}

/* The frame at the head of what the encoder has to send. */
static struct ms_frame first_frame(struct ms_encoder *encoder)
{
    const struct ms_bytes bytes = ms_encoder_flush(encoder);
    struct ms_frame frame = {0};
    size_t used = 0, need = 0;

    ck_assert_int_eq(ms_frame_parse(bytes, &limits, &frame, &used, &need), MS_E_OK);
    ck_assert_uint_gt(used, 0);
    return frame;
}

static void assert_body_equal(const struct ms_command *a, const struct ms_command *b)
{
    switch ((enum ms_kind)a->kind) {
    case MS_KIND_BEAT:
        ck_assert(oracle_equal(a, b));
        break;
    case MS_KIND_HELLO:
        ck_assert_mem_eq(a->body.hello, b->body.hello, sizeof(struct ms_hello));
        break;
    case MS_KIND_WELCOME:
        ck_assert_mem_eq(a->body.welcome, b->body.welcome, sizeof(struct ms_welcome));
        break;
    case MS_KIND_ANNOUNCE:
        ck_assert_uint_eq(a->body.announce->count, b->body.announce->count);
        ck_assert_mem_eq(a->body.announce->types, b->body.announce->types,
                         a->body.announce->count * sizeof(struct ms_announced));
        break;
    case MS_KIND_ROLL:
        for (uint32_t i = 0; i < b->body.tokens->count; i++) {
            const struct ms_holding *held = &a->body.tokens->holdings[i];
            const struct ms_holding *expected = &b->body.tokens->holdings[i];
            ck_assert(ms_uuid_equal(&held->id.client, &expected->id.client));
            ck_assert_uint_eq(held->id.seq, expected->id.seq);
            ck_assert_uint_eq(held->type, expected->type);
            ck_assert_uint_eq(held->attempt, expected->attempt);
        }
        /* fall through */
    case MS_KIND_VERDICT:
        ck_assert_uint_eq(a->body.tokens->count, b->body.tokens->count);
        ck_assert_mem_eq(a->body.tokens->tokens, b->body.tokens->tokens,
                         a->body.tokens->count * sizeof(struct ms_token));
        ck_assert(a->body.tokens->last == b->body.tokens->last);
        break;
    case MS_KIND_QUERY:
        ck_assert_int_eq(a->body.query->what, b->body.query->what);
        ck_assert(ms_uuid_equal(&a->body.query->id.client, &b->body.query->id.client));
        ck_assert_uint_eq(a->body.query->id.seq, b->body.query->id.seq);
        ck_assert_uint_eq(a->body.query->limit, b->body.query->limit);
        ck_assert_str_eq(a->body.query->state, b->body.query->state);
        ck_assert_uint_eq(a->body.query->type, b->body.query->type);
        ck_assert_str_eq(a->body.query->where, b->body.query->where);
        ck_assert_int_eq(a->body.query->operation, b->body.query->operation);
        ck_assert(a->body.query->is_dry == b->body.query->is_dry);
        ck_assert(a->body.query->is_following == b->body.query->is_following);
        ck_assert_uint_eq(a->body.query->from, b->body.query->from);
        ck_assert(a->body.query->value == b->body.query->value);
        ck_assert_int_eq(a->body.query->order, b->body.query->order);
        break;
    default:
        if (ms_kind_is_pair((enum ms_kind)a->kind)) {
            ck_assert(oracle_pair_equal(a->body.pair, b->body.pair));
            break;
        }
        ck_assert_ptr_eq(a->body.any, b->body.any);
        break;
    }
}

static void assert_report_equal(const struct ms_report *a, const struct ms_report *b)
{
    ck_assert_int_eq(a->error, b->error);
    ck_assert_uint_eq(a->columns_count, b->columns_count);
    ck_assert_uint_eq(a->cells_count, b->cells_count);
    ck_assert(a->last == b->last);
    for (uint32_t i = 0; i < a->cells_count; i++) {
        ck_assert_str_eq(a->cells[i].name, b->cells[i].name);
        ck_assert(a->cells[i].is_number == b->cells[i].is_number);
        ck_assert_uint_eq(a->cells[i].number, b->cells[i].number);
        ck_assert_pstr_eq(a->cells[i].text, b->cells[i].text);
    }
}

START_TEST(test_round_trip_of_every_kind)
{
    const enum ms_kind kind = (enum ms_kind)_i;

    if (!sample_exists(kind)) {
        return;
    }
    const struct ms_command *sample = sample_of(kind);
    struct ms_encoder encoder = {0};
    struct ms_command command;
    bool more = false;
    ck_assert_int_eq(ms_encoder_put(&encoder, SAMPLES_EPOCH, sample), MS_E_OK);
    const struct ms_frame frame = first_frame(&encoder);
    ck_assert_int_eq(frame.kind, kind);
    ck_assert_uint_eq(frame.epoch, SAMPLES_EPOCH);
    ck_assert_int_eq(ms_decoder_begin(decoder, &frame), MS_E_OK);
    ck_assert_int_eq(ms_decoder_next(decoder, &command, &more), MS_E_OK);
    ck_assert(more);
    if (kind == MS_KIND_REPORT) {
        assert_report_equal(command.body.report, sample->body.report);
    } else {
        assert_body_equal(&command, sample);
    }
    command.body.any = sample->body.any;
    ck_assert(oracle_equal(&command, sample));
    ck_assert_int_eq(ms_decoder_next(decoder, &command, &more), MS_E_OK);
    ck_assert(!more);
    ms_encoder_finish(&encoder);
}
END_TEST

/* How many commands a body gives before its end; -1 when something in it is malformed. */
static int count_of(enum ms_kind kind, struct ms_bytes body)
{
    const struct ms_frame frame = {.kind = kind, .epoch = SAMPLES_EPOCH, .body = body};
    struct ms_command command;
    bool more = true;
    int count = 0;

    if (ms_decoder_begin(decoder, &frame) != MS_E_OK) {
        return -1;
    }
    for (;; count++) {
        if (ms_decoder_next(decoder, &command, &more) != MS_E_OK) {
            return -1;
        }
        if (!more) {
            return count;
        }
    }
}

/* A body that was cut is refused, or it is a smaller body: it never reads past its end. */
START_TEST(test_every_cut_of_a_body_is_safe)
{
    const enum ms_kind kind = (enum ms_kind)_i;

    if (!sample_exists(kind)) {
        return;
    }
    struct ms_encoder encoder = {0};
    ck_assert_int_eq(ms_encoder_put(&encoder, SAMPLES_EPOCH, sample_of(kind)), MS_E_OK);
    const struct ms_frame frame = first_frame(&encoder);
    ck_assert_int_eq(count_of(kind, frame.body), 1);
    for (size_t size = 0; size < frame.body.size; size++) {
        uint8_t *exact = malloc(size + (size == 0));
        ck_assert_ptr_nonnull(exact);
        memcpy(exact, frame.body.data, size);
        ck_assert_int_le(count_of(kind, (struct ms_bytes){exact, size}), 1);
        free(exact);
    }
    ms_encoder_finish(&encoder);
}
END_TEST

START_TEST(test_many_commands_of_one_frame)
{
    enum { COUNT = 300 };
    struct ms_encoder encoder = {0};
    struct ms_command command = *sample_of(MS_KIND_SUBMIT);
    bool more = false;

    for (uint64_t seq = 1; seq <= COUNT; seq++) {
        command.id.seq = seq;
        ck_assert_int_eq(ms_encoder_put(&encoder, 1, &command), MS_E_OK);
    }
    const struct ms_frame frame = first_frame(&encoder);
    ck_assert_int_eq(ms_decoder_begin(decoder, &frame), MS_E_OK);
    for (uint64_t seq = 1; seq <= COUNT; seq++) {
        ck_assert_int_eq(ms_decoder_next(decoder, &command, &more), MS_E_OK);
        ck_assert(more);
        ck_assert_uint_eq(command.id.seq, seq);
    }
    ck_assert_int_eq(ms_decoder_next(decoder, &command, &more), MS_E_OK);
    ck_assert(!more);
    ms_encoder_finish(&encoder);
}
END_TEST

START_TEST(test_nothing_follows_a_malformed_element)
{
    const uint8_t body[] = {0x0a, 2, 0x10, 0, 0x0a, 2, 0x10, 1}; /* seq 0, then 1 */
    const struct ms_frame frame = {.kind = MS_KIND_CANCEL, .body = {body, sizeof body}};
    struct ms_command command;
    bool more = true;

    ck_assert_int_eq(ms_decoder_begin(decoder, &frame), MS_E_OK);
    ck_assert_int_eq(ms_decoder_next(decoder, &command, &more), MS_E_MALFORMED);
    ck_assert_int_eq(ms_decoder_next(decoder, &command, &more), MS_E_OK);
    ck_assert(!more);
}
END_TEST

START_TEST(test_scope_of_acks_counts_wherever_it_stands)
{
    /* copies 2, a run, durability 1 */
    const uint8_t body[] = {0x18, 2, 0x0a, 2, 0x08, 5, 0x10, 1};
    const struct ms_frame frame = {.kind = MS_KIND_SUBMIT_ACK, .body = {body, sizeof body}};
    struct ms_command command;
    bool more = false;

    ck_assert_int_eq(ms_decoder_begin(decoder, &frame), MS_E_OK);
    ck_assert_int_eq(ms_decoder_next(decoder, &command, &more), MS_E_OK);
    ck_assert(more);
    ck_assert_uint_eq(command.id.seq, 5);
    ck_assert_uint_eq(command.count, 1);
    ck_assert_uint_eq(command.copies, 2);
    ck_assert_uint_eq(command.durability, MS_DURABILITY_LOCAL);
}
END_TEST

START_TEST(test_durability_out_of_range_is_malformed)
{
    const uint8_t body[] = {0x0a, 2, 0x08, 5, 0x10, MS_DURABILITY_COUNT};
    struct ms_frame frame = {.kind = MS_KIND_SUBMIT_ACK, .body = {body, sizeof body}};

    ck_assert_int_eq(ms_decoder_begin(decoder, &frame), MS_E_MALFORMED);
    frame.kind = MS_KIND_OUTCOME_ACK; /* which has none */
    ck_assert_int_eq(ms_decoder_begin(decoder, &frame), MS_E_OK);
}
END_TEST

START_TEST(test_an_empty_list_is_no_command)
{
    ck_assert_int_eq(count_of(MS_KIND_SUBMIT, (struct ms_bytes){0}), 0);
    ck_assert_int_eq(count_of(MS_KIND_RESULT_ACK, (struct ms_bytes){0}), 0);
    ck_assert_int_eq(count_of(MS_KIND_BYE, (struct ms_bytes){0}), 1);
    ck_assert_int_eq(count_of(MS_KIND_PULL, (struct ms_bytes){0}), -1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("proto_decoder");
    TCase *tcase = tcase_create("decoder");

    tcase_set_timeout(tcase, 60); /* machines may be busy */
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, test_round_trip_of_every_kind, 0, MS_KIND_COUNT);
    tcase_add_loop_test(tcase, test_every_cut_of_a_body_is_safe, 0, MS_KIND_COUNT);
    tcase_add_test(tcase, test_many_commands_of_one_frame);
    tcase_add_test(tcase, test_nothing_follows_a_malformed_element);
    tcase_add_test(tcase, test_scope_of_acks_counts_wherever_it_stands);
    tcase_add_test(tcase, test_durability_out_of_range_is_malformed);
    tcase_add_test(tcase, test_an_empty_list_is_no_command);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
