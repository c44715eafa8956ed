#include "proto/pair.h"

#include <check.h>
#include <stdlib.h>

#include "proto/muster.pb-c.h"
#include "tests/support/oracle.h"
#include "tests/support/samples.h"

static uint8_t uuid[17] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17};
static uint8_t other[16] = {9};

static struct ms_command command;
static struct ms_pair_frame pair;

static bool read_bytes(enum ms_kind kind, const void *body, size_t size)
{
    static uint8_t *exact; /* what is borrowed stays until the next call */

    free(exact);
    exact = malloc(size + (size == 0));
    ck_assert_ptr_nonnull(exact);
    memcpy(exact, body, size);
    return ms_pair_read(kind, (struct ms_bytes){exact, size}, &command, &pair);
}

static bool read_message(enum ms_kind kind, const Muster__Pair *message)
{
    uint8_t *body = malloc(muster__pair__get_packed_size(message) + 1);
    ck_assert_ptr_nonnull(body);
    const bool is_fine = read_bytes(kind, body, muster__pair__pack(message, body));
    free(body);
    return is_fine;
}

/* protobuf-c takes what is written, and would have written the same. */
START_TEST(test_protobuf_agrees)
{
    static uint8_t body[MS_PAIR_BODY_MAX + 1024], again[sizeof body];

    for (int kind = MS_KIND_PEER_HELLO; kind < MS_KIND_COUNT; kind++) {
        const struct ms_command *sample = sample_of((enum ms_kind)kind);
        const size_t size = (size_t)(ms_pair_pack(body, sample) - body);
        ck_assert_uint_le(size, ms_pair_pack_max(sample));
        Muster__Pair *message = muster__pair__unpack(NULL, size, body);
        ck_assert_ptr_nonnull(message);
        ck_assert_uint_eq(message->base.n_unknown_fields, 0);
        ck_assert_uint_eq(message->promised, sample->body.pair->promised);
        ck_assert_uint_eq(message->number, sample->count);
        ck_assert_uint_eq(message->reign, sample->token.epoch);
        ck_assert_uint_eq(message->n_witnesses, sample->body.pair->witnesses.count);
        ck_assert_uint_eq(muster__pair__pack(message, again), size);
        ck_assert_mem_eq(body, again, size);
        muster__pair__free_unpacked(message, NULL);
    }
}
END_TEST

START_TEST(test_every_field_comes_back)
{
    static uint8_t body[MS_PAIR_BODY_MAX + 1024];

    for (int kind = MS_KIND_PEER_HELLO; kind < MS_KIND_COUNT; kind++) {
        const struct ms_command *sample = sample_of((enum ms_kind)kind);
        ck_assert(
            read_bytes((enum ms_kind)kind, body, (size_t)(ms_pair_pack(body, sample) - body)));
        ck_assert(oracle_pair_equal(&pair, sample->body.pair));
        command.body.any = sample->body.any;
        ck_assert(oracle_equal(&command, sample));
    }
}
END_TEST

/* The largest of everything is within what is reserved. */
START_TEST(test_the_longest_body)
{
    static uint8_t body[MS_PAIR_BODY_MAX + MS_DETAIL_MAX];
    static char detail[MS_DETAIL_MAX + 1];
    struct ms_pair_frame longest = *sample_of(MS_KIND_PEER_HELLO)->body.pair;
    struct ms_command full = {.kind = MS_KIND_PEER_BEAT,
                              .count = UINT64_MAX,
                              .flags = UINT8_MAX,
                              .error = UINT16_MAX,
                              .token = {UINT64_MAX, UINT64_MAX},
                              .id.seq = UINT64_MAX,
                              .body.pair = &longest};

    memset(detail, 'x', MS_DETAIL_MAX);
    memset(longest.name, 'n', MS_NAME_MAX);
    memset(longest.build, 'b', MS_NAME_MAX);
    longest.hears_active = MS_TIME_NEVER - 1;
    longest.served = longest.decision.served = UINT64_MAX;
    longest.witnesses_next = longest.witnesses;
    longest.hold.version = UINT64_MAX >> 1;
    longest.known[0].number = UINT64_MAX;
    longest.features = longest.routes = UINT64_MAX;
    longest.settings = (struct ms_pair_settings){.beat = MS_DURATION_MAX,
                                                 .lease = MS_DURATION_MAX,
                                                 .silent = MS_DURATION_MAX,
                                                 .vote = MS_DURATION_MAX,
                                                 .tick = MS_DURATION_MAX,
                                                 .failover = UINT32_MAX,
                                                 .witnesses = UINT64_MAX};
    full.detail = ms_bytes_of(detail);
    const size_t size = (size_t)(ms_pair_pack(body, &full) - body);
    ck_assert_uint_le(size, sizeof body);
    ck_assert_uint_le(size, MS_FRAME_HELLO_MAX);
    ck_assert(read_bytes(MS_KIND_PEER_BEAT, body, size));
    ck_assert(pair.hears_active == MS_DURATION_MAX);
    ck_assert_uint_eq(command.flags,
                      MS_FLAG_PAIR | MS_FLAG_FULL | MS_FLAG_SHORT); /* the others are nobody's */
}
END_TEST

START_TEST(test_no_body_is_one_of_zeros)
{
    uint8_t body[MS_PAIR_BODY_MAX];
    const struct ms_command log = {.kind = MS_KIND_LOG, .token = {1, 2}};

    const size_t size = (size_t)(ms_pair_pack(body, &log) - body);
    ck_assert_uint_eq(size, 4);
    ck_assert(read_bytes(MS_KIND_LOG, body, size));
    ck_assert_uint_eq(pair.promised, 0);
    ck_assert_int_eq(pair.decision.kind, MS_DECISION_NONE);
    ck_assert(pair.hears_active == MS_TIME_NEVER);
}
END_TEST

/* Field 32 is beyond what one word of bits has room for. */
START_TEST(test_features_are_a_number)
{
    static const uint8_t number[] = {0x80, 0x02, 0x05}, bytes[] = {0x82, 0x02, 0x01, 0x05};

    ck_assert(read_bytes(MS_KIND_PEER_BEAT, number, sizeof number));
    ck_assert_uint_eq(pair.features, 5);
    ck_assert(!read_bytes(MS_KIND_PEER_BEAT, bytes, sizeof bytes));
}
END_TEST

START_TEST(test_hearing_now_is_not_hearing_never)
{
    uint8_t body[MS_PAIR_BODY_MAX];
    struct ms_pair_frame witness = {.hears_active = 0};
    const struct ms_command beat = {.kind = MS_KIND_PEER_BEAT, .body.pair = &witness};

    ck_assert(read_bytes(MS_KIND_PEER_BEAT, body, (size_t)(ms_pair_pack(body, &beat) - body)));
    ck_assert(pair.hears_active == 0);
    witness.hears_active = MS_TIME_NEVER;
    ck_assert(read_bytes(MS_KIND_PEER_BEAT, body, (size_t)(ms_pair_pack(body, &beat) - body)));
    ck_assert(pair.hears_active == MS_TIME_NEVER);
}
END_TEST

/* One field of an otherwise fine frame. */
#define ASSERT_PAIR(in_kind, field, value, expected)                                               \
    do {                                                                                           \
        Muster__Pair message = MUSTER__PAIR__INIT;                                                 \
        message.role = MS_ROLE_WITNESS;                                                            \
        message.id = (ProtobufCBinaryData){16, uuid};                                              \
        message.field = value;                                                                     \
        ck_assert(read_message(in_kind, &message) == (expected));                                  \
    } while (false)

START_TEST(test_who_says_hello)
{
    static char long_name[MS_NAME_MAX + 2];

    memset(long_name, 'x', sizeof long_name - 1);
    ASSERT_PAIR(MS_KIND_PEER_HELLO, role, MS_ROLE_MASTER, true);
    ck_assert_int_eq(pair.role, MS_ROLE_MASTER);
    ASSERT_PAIR(MS_KIND_PEER_HELLO, role, MS_ROLE_OPERATOR, true);
    ASSERT_PAIR(MS_KIND_PEER_HELLO, role, MS_ROLE_NONE, false);
    ASSERT_PAIR(MS_KIND_PEER_HELLO, role, MS_ROLE_SLAVE, false);
    ASSERT_PAIR(MS_KIND_PEER_HELLO, role, MS_ROLE_CLIENT, false);
    ASSERT_PAIR(MS_KIND_PEER_HELLO, role, MS_ROLE_COUNT, false);
    ASSERT_PAIR(MS_KIND_PEER_BEAT, role, UINT32_MAX, false);
    ASSERT_PAIR(MS_KIND_PEER_BEAT, role, MS_ROLE_NONE, true);
    ASSERT_PAIR(MS_KIND_PEER_HELLO, name, long_name + 1, true);
    ck_assert_str_eq(pair.name, long_name + 1);
    ASSERT_PAIR(MS_KIND_PEER_HELLO, name, long_name, false);
    ASSERT_PAIR(MS_KIND_PEER_HELLO, build, long_name, false);
    ASSERT_PAIR(MS_KIND_PEER_HELLO, name, (char *)(uintptr_t) "a\nb", false);
    ASSERT_PAIR(MS_KIND_PEER_HELLO, build, (char *)(uintptr_t) "\xff", false);
    for (size_t size = 0; size <= 17; size++) {
        ASSERT_PAIR(MS_KIND_PEER_HELLO, id.len, size, size == 16);
        ASSERT_PAIR(MS_KIND_PEER_HELLO, cluster, ((ProtobufCBinaryData){size, uuid}),
                    size == 16 || size == 0);
    }
    Muster__Pair operator_hello = MUSTER__PAIR__INIT;
    operator_hello.role = MS_ROLE_OPERATOR;
    ck_assert(read_message(MS_KIND_PEER_HELLO, &operator_hello));
}
END_TEST

START_TEST(test_numbers_out_of_range)
{
    static char detail[MS_DETAIL_MAX + 2];

    memset(detail, 'x', sizeof detail - 1);
    ASSERT_PAIR(MS_KIND_PEER_BEAT, node, MS_MASTERS - 1, true);
    ASSERT_PAIR(MS_KIND_PEER_BEAT, node, MS_MASTERS, false);
    ASSERT_PAIR(MS_KIND_PEER_BEAT, node, 256, false);
    ASSERT_PAIR(MS_KIND_PEER_BEAT, state, MS_COUNCIL_STATES - 1, true);
    ASSERT_PAIR(MS_KIND_PEER_BEAT, state, MS_COUNCIL_STATES, false);
    ASSERT_PAIR(MS_KIND_PEER_BEAT, hears_active, (uint64_t)MS_DURATION_MAX + 1, true);
    ASSERT_PAIR(MS_KIND_PEER_BEAT, hears_active, (uint64_t)MS_DURATION_MAX + 2, false);
    ASSERT_PAIR(MS_KIND_PEER_BEAT, hears_active, UINT64_MAX, false);
    ASSERT_PAIR(MS_KIND_ORDER_ACK, error, 70000, true);
    ck_assert_uint_eq(command.error, UINT16_MAX);
    ASSERT_PAIR(MS_KIND_ORDER_ACK, detail, detail + 1, true);
    ASSERT_PAIR(MS_KIND_ORDER_ACK, detail, detail, false);
    ASSERT_PAIR(MS_KIND_ORDER_ACK, detail, (char *)(uintptr_t) "\xff", false);
    ASSERT_PAIR(MS_KIND_ORDER, number, MS_ORDER_STATUS, true);
    ASSERT_PAIR(MS_KIND_ORDER, number, 0, false);
    ASSERT_PAIR(MS_KIND_ORDER, number, MS_ORDER_COUNT, false);
    ASSERT_PAIR(MS_KIND_ORDER, number, ((uint64_t)1 << 32) + 1, false);
    ASSERT_PAIR(MS_KIND_VOTE, flags, UINT32_MAX, true);
    ck_assert_uint_eq(command.flags, 0);
}
END_TEST

START_TEST(test_places_in_the_log)
{
    static const enum ms_kind kinds[] = {MS_KIND_FOLLOW_LOG, MS_KIND_LOG_BEGIN, MS_KIND_LOG_ACK};

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        ASSERT_PAIR(kinds[i], reign, 0, true);
        ASSERT_PAIR(kinds[i], reign, 1, true);
        ASSERT_PAIR(kinds[i], position, 1, false);
    }
    ASSERT_PAIR(MS_KIND_LOG, reign, 1, false);
    ASSERT_PAIR(MS_KIND_LOG, position, 1, false);
    ASSERT_PAIR(MS_KIND_RECONCILE, reign, 1, true);
    ASSERT_PAIR(MS_KIND_RECONCILE, position, 1, false);
    ASSERT_PAIR(MS_KIND_RECONCILE_ACK, position, 1, false);
}
END_TEST

START_TEST(test_only_the_log_has_a_payload)
{
    for (int kind = MS_KIND_PEER_HELLO; kind < MS_KIND_COUNT; kind++) {
        const struct ms_command *sample = sample_of((enum ms_kind)kind);
        uint8_t body[MS_PAIR_BODY_MAX + 1024];
        struct ms_command with = *sample;
        with.payload = ms_bytes_of("entries");
        const size_t size = (size_t)(ms_pair_pack(body, &with) - body);
        ck_assert(read_bytes((enum ms_kind)kind, body, size) ==
                  (kind == MS_KIND_LOG || kind == MS_KIND_LOG_COPY || kind == MS_KIND_LOG_LIVE ||
                   kind == MS_KIND_RECONCILE));
    }
}
END_TEST

static Muster__Pair__Decision decision_of(void)
{
    Muster__Pair__Decision decision = MUSTER__PAIR__DECISION__INIT;

    decision.epoch = 1;
    decision.kind = MS_DECISION_SOLO;
    decision.primary = (ProtobufCBinaryData){16, uuid};
    return decision;
}

#define ASSERT_DECISION(field, value, expected)                                                    \
    do {                                                                                           \
        Muster__Pair message = MUSTER__PAIR__INIT;                                                 \
        Muster__Pair__Decision decision = decision_of();                                           \
        decision.field = value;                                                                    \
        message.decision = &decision;                                                              \
        ck_assert(read_message(MS_KIND_PROPOSE, &message) == (expected));                          \
        ck_assert(read_message(MS_KIND_VOTE, &message) == (expected));                             \
    } while (false)

START_TEST(test_decisions)
{
    ASSERT_DECISION(served, UINT64_MAX, true);
    ck_assert_mem_eq(pair.decision.set[0].bytes, uuid, 16);
    ck_assert(ms_uuid_is_zero(&pair.decision.set[1]));
    ASSERT_DECISION(epoch, 0, false);
    for (uint32_t kind = 1; kind < MS_DECISION_KINDS; kind++) {
        ASSERT_DECISION(kind, kind, true);
    }
    ASSERT_DECISION(kind, MS_DECISION_NONE, false); /* and yet an epoch */
    ASSERT_DECISION(kind, MS_DECISION_KINDS, false);
    ASSERT_DECISION(kind, UINT32_MAX, false);
    ASSERT_DECISION(proposer, 1, false); /* it is not in S */
    ASSERT_DECISION(active, 1, false);
    ASSERT_DECISION(proposer, MS_MASTERS, false);
    ASSERT_DECISION(active, 256, false);
    ASSERT_DECISION(primary.len, 0, false);
    ASSERT_DECISION(primary.len, 15, false);
    ASSERT_DECISION(backup, ((ProtobufCBinaryData){16, uuid}), true);
    ASSERT_DECISION(backup, ((ProtobufCBinaryData){17, uuid}), false);
}
END_TEST

START_TEST(test_who_proposes_says_what)
{
    for (int kind = MS_KIND_PEER_BEAT; kind < MS_KIND_COUNT; kind++) {
        if (kind == MS_KIND_PREVOTE || kind == MS_KIND_PROPOSE || kind == MS_KIND_DECIDED) {
            ck_assert(!read_bytes((enum ms_kind)kind, "", 0));
        }
    }
    ck_assert(read_bytes(MS_KIND_VOTE, "", 0));
    ck_assert(read_bytes(MS_KIND_PEER_BEAT, "\x52\x00", 2)); /* an empty one is none */
    ck_assert_int_eq(pair.decision.kind, MS_DECISION_NONE);
}
END_TEST

START_TEST(test_lists_of_witnesses)
{
    Muster__Pair message = MUSTER__PAIR__INIT;
    uint8_t ids[MS_WITNESSES_MAX + 1][16];
    ProtobufCBinaryData list[MS_WITNESSES_MAX + 1];

    for (size_t i = 0; i <= MS_WITNESSES_MAX; i++) {
        memset(ids[i], (int)i + 1, 16);
        list[i] = (ProtobufCBinaryData){16, ids[i]};
    }
    message.witnesses = message.witnesses_next = list;
    message.n_witnesses = message.n_witnesses_next = MS_WITNESSES_MAX;
    ck_assert(read_message(MS_KIND_VOTE, &message));
    ck_assert_uint_eq(pair.witnesses.count, MS_WITNESSES_MAX);
    ck_assert_mem_eq(pair.witnesses_next.ids[4].bytes, ids[4], 16);
    message.n_witnesses++;
    ck_assert(!read_message(MS_KIND_PEER_BEAT, &message));
    message.n_witnesses = 0;
    message.n_witnesses_next++;
    ck_assert(!read_message(MS_KIND_PEER_BEAT, &message));
    message.n_witnesses_next = 2;
    list[1] = list[0]; /* twice the same */
    ck_assert(!read_message(MS_KIND_PEER_BEAT, &message));
    list[1].data = other;
    ck_assert(read_message(MS_KIND_PEER_BEAT, &message));
    memset(ids[0], 0, 16);
    ck_assert(!read_message(MS_KIND_PEER_BEAT, &message));
    list[0].len = 0;
    ck_assert(!read_message(MS_KIND_PEER_BEAT, &message));
}
END_TEST

START_TEST(test_unknown_fields_are_bounded)
{
    uint8_t body[3 * (MS_UNKNOWN_FIELDS_MAX + 1)];

    for (size_t i = 0; i < sizeof body; i += 3) {
        body[i] = 0xa0; /* field 100, a number */
        body[i + 1] = 0x06;
        body[i + 2] = 7;
    }
    ck_assert(read_bytes(MS_KIND_VOTE, body, (size_t)3 * MS_UNKNOWN_FIELDS_MAX));
    ck_assert(!read_bytes(MS_KIND_VOTE, body, (size_t)3 * (MS_UNKNOWN_FIELDS_MAX + 1)));
    ck_assert(!read_bytes(MS_KIND_VOTE, "\x0a\x01\x01", 3)); /* promised is no text */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("proto_pair");
    TCase *tcase = tcase_create("pair");

    tcase_add_test(tcase, test_protobuf_agrees);
    tcase_add_test(tcase, test_every_field_comes_back);
    tcase_add_test(tcase, test_the_longest_body);
    tcase_add_test(tcase, test_no_body_is_one_of_zeros);
    tcase_add_test(tcase, test_features_are_a_number);
    tcase_add_test(tcase, test_hearing_now_is_not_hearing_never);
    tcase_add_test(tcase, test_who_says_hello);
    tcase_add_test(tcase, test_numbers_out_of_range);
    tcase_add_test(tcase, test_places_in_the_log);
    tcase_add_test(tcase, test_only_the_log_has_a_payload);
    tcase_add_test(tcase, test_decisions);
    tcase_add_test(tcase, test_who_proposes_says_what);
    tcase_add_test(tcase, test_lists_of_witnesses);
    tcase_add_test(tcase, test_unknown_fields_are_bounded);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
