#include "proto/pack.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>

#include "proto/muster.pb-c.h"
#include "tests/support/samples.h"

static uint8_t body[MS_FRAME_CONTROL_MAX];

/* protobuf-c's reading of what we write; it packs to the very same bytes again. */
static void *unpack(enum ms_kind kind, const ProtobufCMessageDescriptor *descriptor)
{
    static uint8_t again[MS_FRAME_CONTROL_MAX];
    const struct ms_command *sample = sample_of(kind);

    ck_assert_uint_le(ms_pack_max(sample), sizeof body);
    const size_t size = (size_t)(ms_pack(body, SAMPLES_EPOCH, sample) - body);
    ck_assert_uint_le(size, ms_pack_max(sample));
    ProtobufCMessage *message = protobuf_c_message_unpack(descriptor, NULL, size, body);
    ck_assert_ptr_nonnull(message);
    ck_assert_uint_eq(message->n_unknown_fields, 0);
    if (kind != MS_KIND_REPORT) { /* whose zeros are written out */
        ck_assert_uint_eq(protobuf_c_message_pack(message, again), size);
        ck_assert(size == 0 || memcmp(again, body, size) == 0);
    }
    return message;
}

static void release(void *message)
{
    protobuf_c_message_free_unpacked(message, NULL);
}

START_TEST(test_hello)
{
    const struct ms_hello *sample = sample_of(MS_KIND_HELLO)->body.hello;
    Muster__Hello *hello = unpack(MS_KIND_HELLO, &muster__hello__descriptor);

    ck_assert_uint_eq(hello->role, sample->role);
    ck_assert_uint_eq(hello->version_min, sample->version_min);
    ck_assert_uint_eq(hello->version_max, sample->version_max);
    ck_assert_uint_eq(hello->features, sample->features);
    ck_assert_uint_eq(hello->node.len, 16);
    ck_assert_mem_eq(hello->node.data, sample->node.bytes, 16);
    ck_assert_mem_eq(hello->token.data, sample->token.bytes, 16);
    ck_assert_uint_eq(hello->epoch, sample->epoch);
    ck_assert_uint_eq(hello->floor, sample->floor);
    ck_assert_uint_eq(hello->slots, sample->slots);
    ck_assert_str_eq(hello->name, sample->name);
    ck_assert_str_eq(hello->group, sample->group);
    ck_assert_str_eq(hello->build, sample->build);
    ck_assert_uint_eq(hello->n_labels, 2);
    ck_assert_str_eq(hello->labels[0], "gpu");
    ck_assert_str_eq(hello->labels[1], "zone=b");
    ck_assert_uint_eq(hello->weight, sample->weight);
    ck_assert_uint_eq(hello->slots_max, sample->slots_max);
    release(hello);
}
END_TEST

START_TEST(test_welcome)
{
    const struct ms_welcome *sample = sample_of(MS_KIND_WELCOME)->body.welcome;
    Muster__Welcome *welcome = unpack(MS_KIND_WELCOME, &muster__welcome__descriptor);

    ck_assert_uint_eq(welcome->version, sample->version);
    ck_assert_uint_eq(welcome->features, sample->features);
    ck_assert_mem_eq(welcome->token.data, sample->token.bytes, 16);
    ck_assert(welcome->resumed);
    ck_assert_uint_eq(welcome->session, sample->session);
    ck_assert_uint_eq(welcome->payload_max, sample->payload_max);
    ck_assert_uint_eq(welcome->outstanding_max, sample->outstanding_max);
    ck_assert_uint_eq(welcome->beat_interval, (uint64_t)sample->beat_interval);
    ck_assert_uint_eq(welcome->dead_after, (uint64_t)sample->dead_after);
    ck_assert_str_eq(welcome->name, sample->name);
    ck_assert_str_eq(welcome->build, sample->build);
    release(welcome);
}
END_TEST

START_TEST(test_goodbye)
{
    Muster__Goodbye *goodbye = unpack(MS_KIND_ERROR, &muster__goodbye__descriptor);

    ck_assert_uint_eq(goodbye->error, MS_E_MALFORMED);
    ck_assert_str_eq(goodbye->detail, "why");
    release(goodbye);
    goodbye = unpack(MS_KIND_GOAWAY, &muster__goodbye__descriptor);
    ck_assert_uint_eq(goodbye->error, MS_E_DRAINING);
    release(goodbye);
    release(unpack(MS_KIND_BYE, &muster__bye__descriptor));
}
END_TEST

START_TEST(test_announce)
{
    Muster__Announce *announce = unpack(MS_KIND_ANNOUNCE, &muster__announce__descriptor);

    ck_assert_uint_eq(announce->n_types, 2);
    ck_assert_uint_eq(announce->types[0]->type, MS_TYPE_USER_MIN);
    ck_assert_str_eq(announce->types[0]->name, "first");
    ck_assert_uint_eq(announce->types[1]->type, UINT64_MAX);
    ck_assert_str_eq(announce->types[1]->name, "last");
    release(announce);
}
END_TEST

START_TEST(test_tokens)
{
    Muster__Tokens *tokens = unpack(MS_KIND_VERDICT, &muster__tokens__descriptor);

    ck_assert_uint_eq(tokens->n_tokens, 2);
    ck_assert_uint_eq(tokens->tokens[0]->token, 1);
    ck_assert_uint_eq(tokens->tokens[0]->epoch, 0); /* the frame's */
    ck_assert_uint_eq(tokens->tokens[1]->token, UINT64_MAX);
    ck_assert_uint_eq(tokens->tokens[1]->epoch, 3);
    ck_assert(tokens->last);
    release(tokens);
}
END_TEST

START_TEST(test_roll)
{
    const struct ms_holding *sample = sample_of(MS_KIND_ROLL)->body.tokens->holdings;
    Muster__Roll *roll = unpack(MS_KIND_ROLL, &muster__roll__descriptor);

    ck_assert_uint_eq(roll->n_held, 2);
    ck_assert_uint_eq(roll->held[0]->token, 1);
    ck_assert_uint_eq(roll->held[0]->epoch, 0); /* the frame's */
    ck_assert_mem_eq(roll->held[0]->client.data, sample->id.client.bytes, 16);
    ck_assert_uint_eq(roll->held[0]->seq, sample->id.seq);
    ck_assert_uint_eq(roll->held[0]->type, sample->type);
    ck_assert_uint_eq(roll->held[0]->attempt, sample->attempt);
    ck_assert_uint_eq(roll->held[1]->token, UINT64_MAX);
    ck_assert_uint_eq(roll->held[1]->epoch, 3);
    ck_assert_uint_eq(roll->held[1]->client.len, 0);
    ck_assert(roll->last);
    release(roll);
}
END_TEST

START_TEST(test_query)
{
    const struct ms_query *sample = sample_of(MS_KIND_QUERY)->body.query;
    Muster__Query *query = unpack(MS_KIND_QUERY, &muster__query__descriptor);

    ck_assert_uint_eq(query->number, 4);
    ck_assert_uint_eq(query->what, MS_QUERY_SHOW);
    ck_assert_mem_eq(query->client.data, sample->id.client.bytes, 16);
    ck_assert_uint_eq(query->seq, sample->id.seq);
    ck_assert_uint_eq(query->limit, sample->limit);
    ck_assert_str_eq(query->state, sample->state);
    ck_assert_uint_eq(query->type, sample->type);
    ck_assert_str_eq(query->where, sample->where);
    ck_assert_uint_eq(query->operation, MS_OPERATION_PRIORITY);
    ck_assert(query->is_dry);
    ck_assert(query->is_following);
    ck_assert_uint_eq(query->from, sample->from);
    ck_assert(query->value == INT64_MIN);
    release(query);
}
END_TEST

START_TEST(test_report)
{
    Muster__Report *report = unpack(MS_KIND_REPORT, &muster__report__descriptor);

    ck_assert_uint_eq(report->number, 4);
    ck_assert_uint_eq(report->error, MS_E_NOT_FOUND);
    ck_assert_uint_eq(report->n_columns, 2);
    ck_assert_str_eq(report->columns[0]->name, "name");
    ck_assert(!report->columns[0]->is_number);
    ck_assert_str_eq(report->columns[1]->name, "age_us");
    ck_assert(report->columns[1]->is_number);
    ck_assert_uint_eq(report->n_cells, 4);
    ck_assert_str_eq(report->cells[0]->text, "a");
    ck_assert_uint_eq(report->cells[1]->number, 0);
    ck_assert_uint_eq(report->cells[3]->number, UINT64_MAX);
    ck_assert(report->last);
    release(report);
}
END_TEST

/* As many tokens and types as a frame may hold, of the longest kind. */
START_TEST(test_the_longest_lists_fit)
{
    static struct ms_token held[MS_HELD_PER_FRAME_MAX];
    static struct ms_announced types[MS_SLAVE_TYPES_MAX];

    static struct ms_holding holdings[MS_HELD_PER_FRAME_MAX];
    memset(holdings, 0xff, sizeof holdings);
    for (size_t i = 0; i < MS_HELD_PER_FRAME_MAX; i++) {
        held[i] = (struct ms_token){UINT64_MAX, UINT64_MAX};
    }
    for (size_t i = 0; i < MS_SLAVE_TYPES_MAX; i++) {
        types[i].type = UINT64_MAX;
        memset(types[i].name, 'x', MS_NAME_MAX);
    }
    const struct ms_tokens tokens = {MS_HELD_PER_FRAME_MAX, held, holdings, true};
    const struct ms_announce announce = {MS_SLAVE_TYPES_MAX, types};
    const struct ms_command roll = {.kind = MS_KIND_ROLL, .body = {.tokens = &tokens}};
    const struct ms_command verdict = {.kind = MS_KIND_VERDICT, .body = {.tokens = &tokens}};
    const struct ms_command all = {.kind = MS_KIND_ANNOUNCE, .body = {.announce = &announce}};
    ck_assert_uint_le((size_t)(ms_pack(body, 1, &roll) - body), ms_pack_max(&roll));
    ck_assert_uint_le((size_t)(ms_pack(body, 1, &verdict) - body), ms_pack_max(&verdict));
    ck_assert_uint_le((size_t)(ms_pack(body, 1, &all) - body), ms_pack_max(&all));
    ck_assert_uint_le(ms_pack_max(&roll), MS_FRAME_CONTROL_MAX);
    ck_assert_uint_le(ms_pack_max(&all), MS_FRAME_CONTROL_MAX);
}
END_TEST

START_TEST(test_names_are_cleaned)
{
    struct ms_query query = *sample_of(MS_KIND_QUERY)->body.query;
    const struct ms_command command = {.kind = MS_KIND_QUERY, .body = {.query = &query}};

    memcpy(query.state, "a\n\xff\xc3\xa4", 6);
    const size_t size = (size_t)(ms_pack(body, SAMPLES_EPOCH, &command) - body);
    Muster__Query *packed =
        (Muster__Query *)protobuf_c_message_unpack(&muster__query__descriptor, NULL, size, body);
    ck_assert_ptr_nonnull(packed);
    ck_assert_str_eq(packed->state, "a????");
    release(packed);
}
END_TEST

START_TEST(test_acks_are_packed_elsewhere)
{
    ck_assert(ms_pack_is_ack(MS_KIND_SUBMIT_ACK));
    ck_assert(ms_pack_is_ack(MS_KIND_RESULT_ACK));
    ck_assert(ms_pack_is_ack(MS_KIND_OUTCOME_ACK));
    ck_assert(!ms_pack_is_ack(MS_KIND_CANCEL_ACK));
    (void)ms_pack(body, 1, sample_of(MS_KIND_SUBMIT_ACK));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("proto_pack");
    TCase *tcase = tcase_create("pack");

    tcase_add_test(tcase, test_hello);
    tcase_add_test(tcase, test_welcome);
    tcase_add_test(tcase, test_goodbye);
    tcase_add_test(tcase, test_announce);
    tcase_add_test(tcase, test_tokens);
    tcase_add_test(tcase, test_roll);
    tcase_add_test(tcase, test_query);
    tcase_add_test(tcase, test_report);
    tcase_add_test(tcase, test_the_longest_lists_fit);
    tcase_add_test(tcase, test_names_are_cleaned);
    tcase_add_test_raise_signal(tcase, test_acks_are_packed_elsewhere, SIGABRT);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
