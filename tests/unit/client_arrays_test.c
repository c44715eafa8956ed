#include "tests/unit/client_dialogue.h"

#define COUNT 5

static struct ms_terms array_terms(uint32_t count)
{
    return (struct ms_terms){.array_count = count,
                             .array_concurrency = 2,
                             .priority = -3,
                             .group = ms_bytes_of("night")};
}

static void submit_array(uint64_t n, uint32_t count, unsigned flags)
{
    const struct ms_terms terms = array_terms(count);

    request(n, &(struct ms_command){
                   .kind = MS_KIND_SUBMIT,
                   .type = TYPE,
                   .attempts_max = 2,
                   .flags = (uint8_t)flags,
                   .payload = ms_bytes_of("load"),
                   .terms = &terms,
               });
}

static void expect_array(uint64_t first, uint32_t count)
{
    const struct ms_command command = expect_sent(MS_KIND_SUBMIT);

    ck_assert_uint_eq(command.id.seq, first);
    ck_assert_ptr_nonnull(command.terms);
    ck_assert_uint_eq(command.terms->array_count, count);
    ck_assert_uint_eq(command.terms->array_concurrency, 2);
    ck_assert_int_eq(command.terms->priority, -3);
    ck_assert_uint_eq(command.terms->group.size, 5);
    ck_assert_mem_eq(command.terms->group.data, "night", 5);
    ck_assert_uint_eq(command.payload.size, 4);
    ck_assert_mem_eq(command.payload.data, "load", 4);
}

static void nak(uint64_t seq, enum ms_error error)
{
    receive(&(struct ms_command){
        .kind = MS_KIND_SUBMIT_NAK, .id.seq = seq, .error = (uint16_t)error, .delay = MS_SEC});
}

START_TEST(one_submission_has_many_outcomes)
{
    come_up();
    submit_array(1, COUNT, 0);
    expect_array(1, COUNT);
    expect_nothing();
    ck_assert_uint_eq(ms_client_engine_outstanding(&client), COUNT);
    ack(1, COUNT);
    ck_assert_uint_eq(expect_delivered(MS_KIND_SUBMIT_ACK, 1).command.id.seq, 1);
    expect_nothing(); /* accepted once */
    for (uint64_t n = COUNT; n >= 1; n--) {
        outcome(n, 1, 0);
        expect_outcome(n);
    }
    ck_assert_uint_eq(ms_client_engine_outstanding(&client), 0);
    ck_assert_uint_eq(ms_requests_floor(&client.requests), COUNT);
    ck_assert_uint_eq(ms_requests_bytes(&client.requests), 0);
    submit(6);
    expect_submit(6);
}
END_TEST

START_TEST(what_is_left_of_it_is_sent_again_as_a_whole)
{
    come_up();
    submit_array(1, COUNT, 0);
    expect_array(1, COUNT);
    submitted(6);
    ack(1, COUNT + 1);
    expect_delivered(MS_KIND_SUBMIT_ACK, 1);
    expect_delivered(MS_KIND_SUBMIT_ACK, 6);
    outcome(1, 1, 0);
    expect_outcome(1);
    outcome(4, 1, 0);
    expect_outcome(4);
    lose();
    come_up();
    expect_submit(6); /* it was told of */
    expect_array(1, COUNT);
    expect_nothing();
    ack(1, 1);
    outcome(4, 1, 0); /* it was done before: confirmed, and nobody hears of it */
    expect_confirmed(4);
    expect_nothing();
    outcome(2, 2, 0);
    expect_outcome(2);
}
END_TEST

START_TEST(the_window_does_not_cut_it)
{
    teardown();
    begin(&(struct ms_client_config){.window = 2, .kept_max = 20});
    come_up();
    submit_array(1, 3, 0);
    expect_array(1, 3);
    submit(4);
    expect_nothing();
    ack(1, 3);
    expect_delivered(MS_KIND_SUBMIT_ACK, 1);
    expect_nothing();
}
END_TEST

START_TEST(a_large_one_goes_in_bounded_steps)
{
    const uint32_t count = 5 * MS_DISPATCH_BURST;
    uint64_t told = 0;
    struct ms_effect effect;

    come_up();
    submit_array(1, count, MS_FLAG_BACKGROUND);
    expect_array(1, count);
    ack(1, count); /* before the books are done with all of them */
    for (int turn = 0; turn < 10; turn++) {
        while (ms_engine_poll(&client.base, &effect)) {
            ck_assert_int_eq(effect.command.kind, MS_KIND_SUBMIT_ACK);
            ck_assert_uint_eq(effect.seq, COOKIES + 1 + told);
            told++;
        }
        tick();
    }
    ck_assert_uint_eq(told, count);
    ck_assert_uint_eq(ms_client_engine_outstanding(&client), 0);
}
END_TEST

START_TEST(it_is_put_off_as_a_whole)
{
    come_up();
    submit_array(1, COUNT, 0);
    expect_array(1, COUNT);
    nak(1, MS_E_STORE_FULL);
    expect_later(MS_E_STORE_FULL);
    expect_nothing();
    ck_assert_uint_eq(client.requests.sent_count, 0);
    now = ms_heap_min(&client.requests.delayed);
    client.upstream.beat_at = client.upstream.late_at = now + BEAT;
    tick();
    expect_array(1, COUNT);
    expect_nothing();
    nak(2, MS_E_RETRY_LATER); /* no array begins there */
    expect_nothing();
}
END_TEST

START_TEST(a_refusal_ends_each_of_them)
{
    const uint32_t count = 2 * MS_DISPATCH_BURST + 1;
    uint64_t told = 0;
    struct ms_effect effect;

    come_up();
    submit_array(1, count, 0);
    expect_array(1, count);
    for (int turn = 0; turn < 4; turn++) {
        tick();
    }
    receive(&(struct ms_command){.kind = MS_KIND_SUBMIT_NAK,
                                 .id.seq = 1,
                                 .error = MS_E_UNKNOWN_TYPE,
                                 .detail = ms_bytes_of("nobody runs it")});
    for (int turn = 0; turn < 4; turn++) {
        while (ms_engine_poll(&client.base, &effect)) {
            told++;
            ck_assert_uint_eq(effect.command.detail.size, strlen("nobody runs it"));
            ck_assert_mem_eq(effect.command.detail.data, "nobody runs it",
                             strlen("nobody runs it"));
            ck_assert_int_eq(effect.command.kind, MS_KIND_SUBMIT_NAK);
            ck_assert_int_eq(effect.command.error, MS_E_UNKNOWN_TYPE);
            ck_assert_uint_eq(effect.command.id.seq, told);
            ck_assert_uint_eq(effect.seq, COOKIES + told);
        }
        tick();
    }
    ck_assert_uint_eq(told, count);
    ck_assert_uint_eq(ms_client_engine_outstanding(&client), 0);
}
END_TEST

static void closed(uint64_t seq, uint64_t count)
{
    receive(&(struct ms_command){
        .kind = MS_KIND_SUBMIT_NAK, .id.seq = seq, .error = MS_E_CLOSED_ID, .count = count});
}

START_TEST(members_that_are_closed_there_end_alone)
{
    come_up();
    submit_array(1, 4, 0);
    expect_array(1, 4);
    closed(1, 2);
    ck_assert_int_eq(expect_delivered(MS_KIND_SUBMIT_NAK, 1).command.error, MS_E_CLOSED_ID);
    ck_assert_uint_eq(expect_delivered(MS_KIND_SUBMIT_NAK, 2).command.id.seq, 2);
    ack(1, 4); /* it may be behind */
    expect_nothing();
    closed(4, 1);
    expect_delivered(MS_KIND_SUBMIT_NAK, 4);
    ck_assert_uint_eq(ms_client_engine_outstanding(&client), 1);
    lose();
    come_up();
    expect_array(1, 4);
    closed(1, 2); /* it had that */
    closed(4, 1);
    closed(40, 1);
    expect_nothing();
    outcome(3, 1, 0);
    expect_outcome(3);
    ck_assert_uint_eq(ms_client_engine_outstanding(&client), 0);
}
END_TEST

START_TEST(a_background_one_that_was_closed_is_accepted)
{
    come_up();
    submit_array(1, 2, MS_FLAG_BACKGROUND);
    expect_array(1, 2);
    nak(1, MS_E_CLOSED_ID);
    expect_delivered(MS_KIND_SUBMIT_ACK, 1);
    expect_delivered(MS_KIND_SUBMIT_ACK, 2);
    expect_nothing();
    ck_assert_uint_eq(ms_client_engine_outstanding(&client), 0);
}
END_TEST

START_TEST(one_of_them_is_cancelled)
{
    submit_array(1, 3, 0);
    request(2, &(struct ms_command){.kind = MS_KIND_CANCEL, .id.seq = 2});
    expect_nothing(); /* the others still bring it to the master */
    come_up();
    expect_array(1, 3);
    ck_assert_uint_eq(expect_sent(MS_KIND_CANCEL).id.seq, 2);
    expect_nothing();
    request(3, &(struct ms_command){.kind = MS_KIND_CANCEL, .id.seq = 3});
    ck_assert_uint_eq(expect_sent(MS_KIND_CANCEL).id.seq, 3);
    receive(&(struct ms_command){.kind = MS_KIND_CANCEL_ACK, .id.seq = 2});
    expect_delivered(MS_KIND_CANCEL_ACK, 2);
    lose();
    come_up();
    const struct ms_command again = expect_sent(MS_KIND_SUBMIT);

    /* A master that has forgotten it shall not begin what was cancelled for good. */
    ck_assert_uint_eq(again.terms->array_closed.size, 1);
    ck_assert_uint_eq(again.terms->array_closed.data[0], 2);
    tick();
    ck_assert_uint_eq(expect_sent(MS_KIND_CANCEL).id.seq, 2);
    ck_assert_uint_eq(expect_sent(MS_KIND_CANCEL).id.seq, 3);
    expect_nothing();
    closed(2, 1);
    ck_assert_int_eq(expect_delivered(MS_KIND_OUTCOME, 2).command.status, MS_STATUS_CANCELLED);
    expect_nothing();
}
END_TEST

START_TEST(it_needs_room_for_all)
{
    teardown();
    begin(&(struct ms_client_config){.window = 4, .kept_max = 4});
    come_up();
    submit_array(1, 5, 0);
    ck_assert_int_eq(expect_delivered(MS_KIND_SUBMIT_NAK, 1).command.error, MS_E_BAD_ARGUMENT);
    submitted(1);
    submit_array(2, 4, 0);
    ck_assert_int_eq(expect_delivered(MS_KIND_SUBMIT_NAK, 2).command.error, MS_E_RETRY_LATER);
    expect_nothing(); /* three places are no room for it */
    outcome(1, 1, 0);
    expect_delivered(MS_KIND_OUTCOME, 1);
    expect_confirmed(1);
    expect_note(MS_CLIENT_NOTE_ROOM);
    submit_array(2, 4, 0);
    expect_array(2, 4);
}
END_TEST

START_TEST(unfit_terms_are_refused)
{
    const struct ms_terms unfit[] = {
        {.priority = MS_PRIORITY_MAX + 1},
        {.priority = MS_PRIORITY_MIN - 1},
        {.array_count = MS_ARRAY_MAX + 1},
        {.unique_mode = MS_UNIQUE_JOIN},
        {.unique = ms_bytes_of("key")},
        {.unique_mode = MS_UNIQUE_COUNT, .unique = ms_bytes_of("key")},
        {.unique_mode = MS_UNIQUE_JOIN, .unique = ms_bytes_of("key"), .array_count = 2},
        {.run_at = -1},
        {.deadline = -1},
        {.parts_size = 1},
        {.key = {(const uint8_t *)"key", MS_KEY_MAX + 1}},
        {.where = {(const uint8_t *)"key", MS_WHERE_MAX + 1}},
    };

    for (size_t i = 0; i < sizeof unfit / sizeof unfit[0]; i++) {
        request(1,
                &(struct ms_command){
                    .kind = MS_KIND_SUBMIT, .type = TYPE, .attempts_max = 1, .terms = &unfit[i]});
        ck_assert_int_eq(expect_delivered(MS_KIND_SUBMIT_NAK, 1).command.error, MS_E_BAD_ARGUMENT);
    }
}
END_TEST

START_TEST(terms_go_with_every_sending)
{
    char key[] = "owner";
    struct ms_terms terms = {.unique_mode = MS_UNIQUE_REPLACE,
                             .unique = ms_bytes_of("one"),
                             .run_at = 7,
                             .deadline = 9,
                             .group = ms_bytes_of("night"),
                             .key = ms_bytes_of(key)};

    come_up();
    request(1, &(struct ms_command){.kind = MS_KIND_SUBMIT,
                                    .type = TYPE,
                                    .attempts_max = 1,
                                    .flags = MS_FLAG_DURABILITY | MS_FLAG_ONCE,
                                    .durability = MS_DURABILITY_SYNC,
                                    .terms = &terms});
    memset(key, '!', sizeof key);
    for (int i = 0; i < 2; i++) {
        const struct ms_command command = expect_sent(MS_KIND_SUBMIT);

        ck_assert_uint_eq(command.flags, MS_FLAG_DURABILITY | MS_FLAG_ONCE);
        ck_assert_uint_eq(command.durability, MS_DURABILITY_SYNC);
        ck_assert_uint_eq(command.terms->unique_mode, MS_UNIQUE_REPLACE);
        ck_assert_mem_eq(command.terms->unique.data, "one", 3);
        ck_assert_mem_eq(command.terms->group.data, "night", 5);
        ck_assert_uint_eq(command.terms->key.size, 5);
        ck_assert_mem_eq(command.terms->key.data, "owner", 5);
        ck_assert_int_eq(command.terms->run_at, 7);
        ck_assert_int_eq(command.terms->deadline, 9);
        lose();
        come_up();
    }
    expect_sent(MS_KIND_SUBMIT);
    nak(1, MS_E_NOT_UNIQUE);
    ck_assert_int_eq(expect_delivered(MS_KIND_SUBMIT_NAK, 1).command.error, MS_E_NOT_UNIQUE);
    ck_assert_uint_eq(ms_requests_bytes(&client.requests), 0);
}
END_TEST

/* ---- payloads in parts ---- */

#define PART_COUNT 100

static uint8_t *large;
static size_t large_size;

static void come_up_with_parts(void)
{
    told_features = MS_FEATURES_ALL | MS_FEATURE_PARTS;
    come_up();
}

static void submit_large(uint64_t n, uint32_t array_count)
{
    const struct ms_terms terms = array_terms(array_count);

    large_size = (PART_COUNT - 1) * (size_t)MS_CHUNK_MAX + 5;
    large = malloc(large_size);
    ck_assert_ptr_nonnull(large);
    for (size_t i = 0; i < large_size; i++) {
        large[i] = (uint8_t)(i / 251);
    }
    request(n, &(struct ms_command){
                   .kind = MS_KIND_SUBMIT,
                   .type = TYPE,
                   .attempts_max = 1,
                   .payload = {large, large_size},
                   .terms = array_count > 0 ? &terms : NULL,
               });
}

static uint64_t answer_to; /* number of the last BEAT */

/* Parts in order until nothing goes on; returns the next one's index, or PART_COUNT + 1 behind the SUBMIT. */
static uint32_t take_parts(uint64_t seq, uint32_t index)
{
    struct ms_effect effect;

    while (ms_engine_poll(&client.base, &effect)) {
        const struct ms_command *command = &effect.command;

        ck_assert_int_eq(effect.type, MS_EFFECT_SEND);
        if (command->kind == MS_KIND_BEAT) {
            answer_to = command->count;
        } else if (command->kind == MS_KIND_PART) {
            const size_t offset = (size_t)index * MS_CHUNK_MAX;

            ck_assert_uint_eq(command->id.seq, seq);
            ck_assert_uint_eq(command->index, index);
            ck_assert_uint_le(command->payload.size, MS_CHUNK_MAX);
            ck_assert_mem_eq(command->payload.data, large + offset, command->payload.size);
            index++;
        } else {
            ck_assert_int_eq(command->kind, MS_KIND_SUBMIT);
            ck_assert_uint_eq(command->id.seq, seq);
            ck_assert_uint_eq(command->flags & MS_FLAG_PARTS, MS_FLAG_PARTS);
            ck_assert_uint_eq(command->terms->parts_size, large_size);
            ck_assert_uint_eq(command->payload.size, 0);
            ck_assert_uint_eq(index, PART_COUNT);
            index++;
        }
    }
    return index;
}

static void answer_beat(void)
{
    receive(&(struct ms_command){.kind = MS_KIND_BEAT_ACK, .count = answer_to});
}

START_TEST(a_large_payload_goes_in_parts_no_faster_than_they_are_taken)
{
    come_up_with_parts();
    submit_large(1, 0);
    uint32_t index = take_parts(1, 0);

    ck_assert_uint_eq(index, 2 * MS_CLIENT_PARTS_SPAN);
    tick();
    ck_assert_uint_eq(take_parts(1, index), index); /* nothing was answered */
    ck_assert_int_gt(ms_engine_deadline(&client.base), now);
    submit(2);
    expect_nothing(); /* first come, first served */
    answer_beat();
    index = take_parts(1, index);
    ck_assert_uint_eq(index, PART_COUNT + 1);
    tick();
    expect_submit(2);
    ack(1, 2);
    expect_delivered(MS_KIND_SUBMIT_ACK, 1);
    free(large);
}
END_TEST

START_TEST(parts_begin_again_on_the_next_connection)
{
    come_up_with_parts();
    submit_large(1, 0);
    take_parts(1, 0);
    lose();
    come_up();
    uint32_t index = take_parts(1, 0);

    answer_beat();
    index = take_parts(1, index);
    ck_assert_uint_eq(index, PART_COUNT + 1);
    free(large);
}
END_TEST

START_TEST(a_refusal_stops_the_parts)
{
    come_up_with_parts();
    submit_large(1, 0);
    take_parts(1, 0);
    nak(1, MS_E_STORE_FULL);
    expect_later(MS_E_STORE_FULL);
    expect_nothing();
    now = ms_heap_min(&client.requests.delayed);
    client.upstream.beat_at = now + BEAT;
    answer_beat();
    uint32_t index = take_parts(1, 0);

    ck_assert_uint_gt(index, 0);
    nak(1, MS_E_PAYLOAD_SIZE);
    ck_assert_int_eq(expect_delivered(MS_KIND_SUBMIT_NAK, 1).command.error, MS_E_PAYLOAD_SIZE);
    expect_nothing();
    ck_assert_uint_eq(ms_client_engine_outstanding(&client), 0);
    free(large);
}
END_TEST

START_TEST(a_cancel_follows_the_parts)
{
    come_up_with_parts();
    submit_large(1, 0);
    uint32_t index = take_parts(1, 0);

    request(1, &(struct ms_command){.kind = MS_KIND_CANCEL, .id.seq = 1});
    expect_nothing();
    answer_beat();
    struct ms_effect effect;
    enum ms_kind kind = MS_KIND_NONE;

    while (ms_engine_poll(&client.base, &effect)) {
        index += effect.command.kind == MS_KIND_PART ? 1 : 0;
        kind = effect.command.kind;
    }
    ck_assert_uint_eq(index, PART_COUNT);
    ck_assert_int_eq(kind, MS_KIND_CANCEL);
    free(large);
}
END_TEST

START_TEST(an_array_shares_its_parts)
{
    come_up_with_parts();
    submit_large(1, 3);
    uint32_t index = take_parts(1, 0);

    answer_beat();
    index = take_parts(1, index);
    ck_assert_uint_eq(index, PART_COUNT + 1);
    tick();
    expect_nothing();
    ack(1, 3);
    expect_delivered(MS_KIND_SUBMIT_ACK, 1);
    expect_nothing();
    ck_assert_uint_eq(ms_client_engine_outstanding(&client), 3);
    free(large);
}
END_TEST

START_TEST(a_master_without_parts_refuses_what_is_large)
{
    submit_large(1, 0);
    come_up();
    ck_assert_int_eq(expect_delivered(MS_KIND_SUBMIT_NAK, 1).command.error, MS_E_PAYLOAD_SIZE);
    free(large);
    submit_large(2, 0);
    ck_assert_int_eq(expect_delivered(MS_KIND_SUBMIT_NAK, 2).command.error, MS_E_PAYLOAD_SIZE);
    expect_nothing();
    free(large);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("arrays");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, one_submission_has_many_outcomes);
    tcase_add_test(tests, what_is_left_of_it_is_sent_again_as_a_whole);
    tcase_add_test(tests, the_window_does_not_cut_it);
    tcase_add_test(tests, a_large_one_goes_in_bounded_steps);
    tcase_add_test(tests, it_is_put_off_as_a_whole);
    tcase_add_test(tests, a_refusal_ends_each_of_them);
    tcase_add_test(tests, a_background_one_that_was_closed_is_accepted);
    tcase_add_test(tests, members_that_are_closed_there_end_alone);
    tcase_add_test(tests, one_of_them_is_cancelled);
    tcase_add_test(tests, it_needs_room_for_all);
    tcase_add_test(tests, unfit_terms_are_refused);
    tcase_add_test(tests, terms_go_with_every_sending);
    tcase_add_test(tests, a_large_payload_goes_in_parts_no_faster_than_they_are_taken);
    tcase_add_test(tests, parts_begin_again_on_the_next_connection);
    tcase_add_test(tests, a_refusal_stops_the_parts);
    tcase_add_test(tests, a_cancel_follows_the_parts);
    tcase_add_test(tests, an_array_shares_its_parts);
    tcase_add_test(tests, a_master_without_parts_refuses_what_is_large);
    return run_tests("client_arrays", tests);
}
