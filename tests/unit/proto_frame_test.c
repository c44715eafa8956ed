#include "proto/frame.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>

#include "tests/support/samples.h"

#define PAYLOAD_MAX 1000u

static const struct ms_frame_limits stranger = {.greeted = false, .payload_max = PAYLOAD_MAX};
static const struct ms_frame_limits greeted = {.greeted = true, .payload_max = PAYLOAD_MAX};

static enum ms_error parse(const uint8_t *data, size_t size, const struct ms_frame_limits *limits,
                           size_t *used, size_t *need)
{
    struct ms_frame frame = {0};

    /* An exact copy, so that a byte too many is seen. */
    uint8_t *exact = malloc(size + (size == 0));
    ck_assert_ptr_nonnull(exact);
    memcpy(exact, data, size);
    const enum ms_error error =
        ms_frame_parse((struct ms_bytes){exact, size}, limits, &frame, used, need);
    free(exact);
    return error;
}

START_TEST(test_header_bytes_are_fixed)
{
    const uint8_t expected[MS_FRAME_HEADER_SIZE] = {'M',  'S',  1,    32,   0,    0,    0,
                                                    0,    0x01, 0x02, 0x03, 0x04, 0x11, 0x12,
                                                    0x13, 0x14, 0x15, 0x16, 0x17, 0x18};
    uint8_t header[MS_FRAME_HEADER_SIZE];

    ms_frame_header(header, MS_KIND_SUBMIT, 0x1112131415161718, 0x01020304);
    ck_assert_mem_eq(header, expected, sizeof header);
}
END_TEST

START_TEST(test_round_trip_of_every_kind)
{
    uint8_t data[MS_FRAME_HEADER_SIZE + 3] = {0};

    for (int kind = 1; kind < MS_KIND_COUNT; kind++) {
        if (!sample_exists((enum ms_kind)kind)) {
            continue;
        }
        struct ms_frame frame;
        size_t used = 0, need = 0;
        ms_frame_header(data, (enum ms_kind)kind, UINT64_MAX - 1, 2);
        ck_assert_int_eq(
            ms_frame_parse((struct ms_bytes){data, sizeof data}, &greeted, &frame, &used, &need),
            MS_E_OK);
        ck_assert_uint_eq(used, MS_FRAME_HEADER_SIZE + 2);
        ck_assert_int_eq(frame.kind, kind);
        ck_assert_uint_eq(frame.epoch, UINT64_MAX - 1);
        ck_assert_uint_eq(frame.body.size, 2);
        ck_assert_ptr_eq(frame.body.data, data + MS_FRAME_HEADER_SIZE);
    }
}
END_TEST

START_TEST(test_every_cut_waits_and_says_for_what)
{
    uint8_t data[MS_FRAME_HEADER_SIZE + 30] = {0};

    ms_frame_header(data, MS_KIND_RESULT, 3, 30);
    for (size_t size = 0; size < sizeof data; size++) {
        size_t used = 99, need = 0;
        ck_assert_int_eq(parse(data, size, &greeted, &used, &need), MS_E_OK);
        ck_assert_uint_eq(used, 0);
        ck_assert_uint_eq(need, size < MS_FRAME_HEADER_SIZE ? MS_FRAME_HEADER_SIZE : sizeof data);
    }
    size_t used = 0, need = 0;
    ck_assert_int_eq(parse(data, sizeof data, &greeted, &used, &need), MS_E_OK);
    ck_assert_uint_eq(used, sizeof data);
}
END_TEST

START_TEST(test_flags_of_later_versions_are_ignored)
{
    uint8_t data[MS_FRAME_HEADER_SIZE];
    size_t used = 0, need = 0;

    ms_frame_header(data, MS_KIND_BYE, 3, 0);
    memset(data + 4, 0xff, 4);
    ck_assert_int_eq(parse(data, sizeof data, &greeted, &used, &need), MS_E_OK);
    ck_assert_uint_eq(used, sizeof data);
}
END_TEST

/* Each flaw is refused with the byte that shows it, without waiting for more. */
static void assert_refused_at(size_t at, uint8_t value, enum ms_error expected,
                              const struct ms_frame_limits *limits)
{
    uint8_t data[MS_FRAME_HEADER_SIZE];
    size_t used = 0, need = 0;

    ms_frame_header(data, MS_KIND_ERROR, 3, 0);
    data[at] = value;
    ck_assert_int_eq(parse(data, at, limits, &used, &need), MS_E_OK);
    for (size_t size = at + 1; size <= sizeof data; size++) {
        ck_assert_int_eq(parse(data, size, limits, &used, &need), expected);
    }
}

START_TEST(test_header_is_refused_at_once)
{
    assert_refused_at(0, 'G', MS_E_MAGIC, &stranger);
    assert_refused_at(1, 'M', MS_E_MAGIC, &stranger);
    assert_refused_at(2, 0, MS_E_VERSION, &greeted);
    assert_refused_at(2, 2, MS_E_VERSION, &greeted);
    assert_refused_at(3, 0, MS_E_FRAME_KIND, &greeted);
    assert_refused_at(3, 7, MS_E_FRAME_KIND, &stranger);
    for (uint8_t kind = MS_KIND_TAIL + 1; kind < MS_KIND_PEER_HELLO; kind++) {
        if (kind != MS_KIND_CALL && kind != MS_KIND_CALL_REPLY) {
            assert_refused_at(3, kind, MS_E_FRAME_KIND, &greeted);
        }
    }
    assert_refused_at(3, MS_KIND_COUNT, MS_E_FRAME_KIND, &greeted);
    assert_refused_at(3, 255, MS_E_FRAME_KIND, &greeted);
    assert_refused_at(3, MS_KIND_SUBMIT, MS_E_ORDER, &stranger);
    assert_refused_at(3, MS_KIND_BEAT, MS_E_ORDER, &stranger);
    for (uint8_t kind = MS_KIND_PEER_HELLO + 1; kind < MS_KIND_COUNT; kind++) {
        assert_refused_at(3, kind, MS_E_ORDER, &stranger);
    }
}
END_TEST

static enum ms_error parse_length(enum ms_kind kind, uint32_t length,
                                  const struct ms_frame_limits *limits)
{
    uint8_t data[MS_FRAME_HEADER_SIZE];
    size_t used = 0, need = 0;

    ms_frame_header(data, kind, 1, length);
    const enum ms_error error = parse(data, sizeof data, limits, &used, &need);
    /* The length ends with byte 12: it is judged there. */
    ck_assert_int_eq(parse(data, 12, limits, &used, &need), error);
    ck_assert_int_eq(parse(data, 11, limits, &used, &need), MS_E_OK);
    return error;
}

static void assert_limit(enum ms_kind kind, uint32_t limit, const struct ms_frame_limits *limits)
{
    ck_assert_uint_eq(ms_frame_size_max(kind, limits), limit);
    ck_assert_int_eq(parse_length(kind, limit - 1, limits), MS_E_OK);
    ck_assert_int_eq(parse_length(kind, limit, limits), MS_E_OK);
    ck_assert_int_eq(parse_length(kind, limit + 1, limits), MS_E_FRAME_SIZE);
    ck_assert_int_eq(parse_length(kind, 0x7fffffff, limits), MS_E_FRAME_SIZE);
    ck_assert_int_eq(parse_length(kind, 0x80000000, limits), MS_E_FRAME_SIZE);
    ck_assert_int_eq(parse_length(kind, UINT32_MAX, limits), MS_E_FRAME_SIZE);
}

START_TEST(test_length_limits)
{
    const uint32_t batch = PAYLOAD_MAX + MS_FRAME_BATCH_SIZE + MS_FRAME_OVERHEAD_MAX;

    assert_limit(MS_KIND_HELLO, MS_FRAME_HELLO_MAX, &stranger);
    assert_limit(MS_KIND_HELLO, MS_FRAME_HELLO_MAX, &greeted);
    assert_limit(MS_KIND_WELCOME, MS_FRAME_HELLO_MAX, &stranger);
    assert_limit(MS_KIND_ERROR, MS_FRAME_HELLO_MAX, &stranger);
    assert_limit(MS_KIND_ERROR, MS_FRAME_CONTROL_MAX, &greeted);
    assert_limit(MS_KIND_SUBMIT_ACK, MS_FRAME_CONTROL_MAX, &greeted);
    assert_limit(MS_KIND_REPORT, MS_FRAME_CONTROL_MAX, &greeted);
    assert_limit(MS_KIND_SUBMIT, batch, &greeted);
    assert_limit(MS_KIND_COMMAND, batch, &greeted);
    assert_limit(MS_KIND_RESULT, batch, &greeted);
    assert_limit(MS_KIND_OUTCOME, batch, &greeted);
    assert_limit(MS_KIND_OUTPUT, batch, &greeted);
    assert_limit(MS_KIND_STREAM, batch, &greeted);
    assert_limit(MS_KIND_PEER_HELLO, MS_FRAME_HELLO_MAX, &stranger);
    assert_limit(MS_KIND_PEER_HELLO, MS_FRAME_HELLO_MAX, &greeted);
    for (int kind = MS_KIND_PEER_BEAT; kind < MS_KIND_COUNT; kind++) {
        const bool has_payload = kind == MS_KIND_LOG || kind == MS_KIND_LOG_COPY ||
                                 kind == MS_KIND_LOG_LIVE || kind == MS_KIND_RECONCILE;
        assert_limit((enum ms_kind)kind, has_payload ? batch : MS_FRAME_CONTROL_MAX, &greeted);
    }
    ck_assert_uint_ge(batch, MS_LOG_FRAME_SIZE + MS_FRAME_OVERHEAD_MAX);
    ck_assert_uint_eq(ms_frame_size_max(MS_KIND_SUBMIT, &stranger), 0);
    ck_assert_uint_eq(ms_frame_size_max(MS_KIND_NONE, &greeted), 0);
    ck_assert_uint_eq(ms_frame_size_max(MS_KIND_COUNT, &greeted), 0);
    ck_assert_uint_eq(ms_frame_size_max((enum ms_kind)255, &greeted), 0);
}
END_TEST

START_TEST(test_the_kinds_of_the_pair_are_those_from_64)
{
    for (int kind = 0; kind < 256; kind++) {
        ck_assert(ms_kind_is_pair((enum ms_kind)kind) == (kind >= 64 && kind < 83));
    }
}
END_TEST

START_TEST(test_unknown_kind_is_not_written)
{
    uint8_t header[MS_FRAME_HEADER_SIZE];

    ms_frame_header(header, MS_KIND_NONE, 1, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("proto_frame");
    TCase *tcase = tcase_create("frame");

    tcase_add_test(tcase, test_header_bytes_are_fixed);
    tcase_add_test(tcase, test_round_trip_of_every_kind);
    tcase_add_test(tcase, test_every_cut_waits_and_says_for_what);
    tcase_add_test(tcase, test_flags_of_later_versions_are_ignored);
    tcase_add_test(tcase, test_header_is_refused_at_once);
    tcase_add_test(tcase, test_length_limits);
    tcase_add_test(tcase, test_the_kinds_of_the_pair_are_those_from_64);
    tcase_add_test_raise_signal(tcase, test_unknown_kind_is_not_written, SIGABRT);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
