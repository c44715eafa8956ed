#include "proto/element.h"

#include <check.h>
#include <stdlib.h>

#include "proto/wire_put.h"
#include "tests/support/samples.h"

#define EPOCH ((ms_epoch)5)

/* An element being put together, field by field. */
struct body {
    uint8_t data[4096];
    size_t size;
};

static void add_number(struct body *body, unsigned number, uint64_t value)
{
    uint8_t *at = body->data + body->size;

    at = ms_wire_put_varint(ms_wire_put_key(at, number, MS_WIRE_VARINT), value);
    body->size = (size_t)(at - body->data);
}

static void add_bytes(struct body *body, unsigned number, const void *bytes, size_t size)
{
    uint8_t *at = body->data + body->size;

    at = ms_wire_put_varint(ms_wire_put_key(at, number, MS_WIRE_BYTES), size);
    memcpy(at, bytes, size);
    body->size = (size_t)(at - body->data) + size;
}

static void add_fixed(struct body *body, unsigned number, uint64_t value)
{
    uint8_t *at = body->data + body->size;

    body->size = (size_t)(ms_wire_put_fixed64(at, number, value) - body->data);
}

static struct ms_command command;
static struct ms_element_room room;

static bool read_element(enum ms_kind kind, const struct body *body)
{
    uint8_t *exact = malloc(body->size + (body->size == 0));
    ck_assert_ptr_nonnull(exact);
    memcpy(exact, body->data, body->size);
    const bool is_fine =
        ms_element_read(kind, EPOCH, (struct ms_bytes){exact, body->size}, &command, &room);
    free(exact); /* what is borrowed is not looked at any more */
    return is_fine;
}

/* The least that is a valid element of the kind. */
static struct body least(enum ms_kind kind)
{
    struct body body = {.size = 0};

    switch (kind) {
    case MS_KIND_COMMAND:
        add_fixed(&body, 1, MS_TYPE_USER_MIN);
        add_bytes(&body, 2, "0123456789abcdef", 16);
        add_number(&body, 3, 1);
        add_number(&body, 4, 1);
        add_number(&body, 5, 1);
        break;
    case MS_KIND_STREAM:
        add_number(&body, 2, 1);
        add_number(&body, 3, 1);
        break;
    case MS_KIND_SUBMIT:
        add_fixed(&body, 1, MS_TYPE_USER_MIN);
        add_number(&body, 2, 1);
        break;
    case MS_KIND_SUBMIT_NAK:
        add_number(&body, 1, 1);
        add_number(&body, 2, 1);
        break;
    case MS_KIND_TAIL:
        add_number(&body, 2, 1);
        break;
    case MS_KIND_CALL:
        add_number(&body, 1, 1);
        add_bytes(&body, 3, "kv", 2);
        break;
    default:
        add_number(&body, 1, 1);
        break;
    }
    return body;
}

START_TEST(test_the_least_is_enough_and_each_part_is_needed)
{
    for (int kind = 0; kind < MS_KIND_COUNT; kind++) {
        if (!ms_element_is_list((enum ms_kind)kind)) {
            continue;
        }
        const struct body body = least((enum ms_kind)kind);
        const struct body empty = {.size = 0};
        ck_assert(read_element((enum ms_kind)kind, &body));
        ck_assert_int_eq(command.kind, kind);
        ck_assert(!read_element((enum ms_kind)kind, &empty));
        for (size_t size = 0; size < body.size; size++) {
            struct body cut = body;
            cut.size = size;
            ck_assert(!read_element((enum ms_kind)kind, &cut));
        }
    }
}
END_TEST

START_TEST(test_numbers_alone)
{
    const struct body empty = {.size = 0};
    const struct body one = least(MS_KIND_PULL);

    ck_assert(!read_element(MS_KIND_PULL, &empty));
    ck_assert(read_element(MS_KIND_PULL, &one));
    ck_assert_uint_eq(command.count, 1);
    ck_assert(read_element(MS_KIND_BEAT, &empty));
    ck_assert(read_element(MS_KIND_BEAT_ACK, &one));
}
END_TEST

/* The field's largest value that is taken, and the next. */
static void assert_limit(enum ms_kind kind, unsigned number, uint64_t max)
{
    struct body body = least(kind);

    add_number(&body, number, max);
    ck_assert(read_element(kind, &body));
    body = least(kind);
    add_number(&body, number, max + 1);
    ck_assert(!read_element(kind, &body));
    /* The last one counts. */
    add_number(&body, number, max);
    ck_assert(read_element(kind, &body));
}

START_TEST(test_limits_of_numbers)
{
    const uint64_t longest = (uint64_t)MS_DURATION_MAX;

    assert_limit(MS_KIND_COMMAND, 6, longest);
    assert_limit(MS_KIND_SUBMIT, 4, longest);
    assert_limit(MS_KIND_SUBMIT, 5, longest);
    assert_limit(MS_KIND_SUBMIT_NAK, 3, longest);
    assert_limit(MS_KIND_SUBMIT, 7, MS_DURABILITY_COUNT - 1);
    assert_limit(MS_KIND_RESULT, 2, MS_STATUS_CRASHED); /* the rest is the master's */
    assert_limit(MS_KIND_OUTCOME, 2, MS_STATUS_COUNT - 1);
    assert_limit(MS_KIND_OUTPUT, 4, MS_STREAM_COUNT - 1);
    assert_limit(MS_KIND_STREAM, 4, MS_STREAM_COUNT - 1);
    assert_limit(MS_KIND_TAIL, 3, MS_STREAM_COUNT - 1);
    assert_limit(MS_KIND_RESULT, 10, longest);
    assert_limit(MS_KIND_SUBMIT, 9, 2 * MS_PRIORITY_MAX); /* zigzag: 21 is -11 */
    assert_limit(MS_KIND_SUBMIT, 10, MS_UNIQUE_COUNT - 1);
    assert_limit(MS_KIND_RESULT_ACK, 2, UINT64_MAX - 1);
    assert_limit(MS_KIND_SUBMIT_ACK, 2, UINT64_MAX - 1);
    assert_limit(MS_KIND_SUBMIT, 2, MS_NUMBER_MAX); /* both are acknowledged in runs */
    assert_limit(MS_KIND_RESULT, 1, MS_NUMBER_MAX);
}
END_TEST

/* A number that must not be 0, and is made 0. */
static void assert_positive(enum ms_kind kind, unsigned number)
{
    struct body body = least(kind);

    add_number(&body, number, 0);
    ck_assert(!read_element(kind, &body));
    add_number(&body, number, 2);
    ck_assert(read_element(kind, &body));
}

START_TEST(test_zero_is_refused)
{
    assert_positive(MS_KIND_COMMAND, 3);
    assert_positive(MS_KIND_COMMAND, 4);
    assert_positive(MS_KIND_COMMAND, 5);
    assert_positive(MS_KIND_OUTPUT, 1);
    assert_positive(MS_KIND_STREAM, 2);
    assert_positive(MS_KIND_STREAM, 3);
    assert_positive(MS_KIND_RESULT, 1);
    assert_positive(MS_KIND_REVOKE, 1);
    assert_positive(MS_KIND_RETURN, 1);
    assert_positive(MS_KIND_SUBMIT, 2);
    assert_positive(MS_KIND_SUBMIT_NAK, 1);
    assert_positive(MS_KIND_SUBMIT_NAK, 2);
    assert_positive(MS_KIND_OUTCOME, 1);
    assert_positive(MS_KIND_CANCEL, 1);
    assert_positive(MS_KIND_CANCEL_ACK, 1);
    assert_positive(MS_KIND_RESULT_ACK, 1);
    assert_positive(MS_KIND_SUBMIT_ACK, 1);
    assert_positive(MS_KIND_OUTCOME_ACK, 1);
}
END_TEST

START_TEST(test_terms_are_there_when_one_is)
{
    struct body body = least(MS_KIND_SUBMIT);

    ck_assert(read_element(MS_KIND_SUBMIT, &body));
    ck_assert_ptr_null(command.terms);
    memset(&room, 0xff, sizeof room);
    add_number(&body, 9, 19);
    ck_assert(read_element(MS_KIND_SUBMIT, &body));
    ck_assert_ptr_eq(command.terms, &room.terms);
    ck_assert_int_eq(room.terms.priority, MS_PRIORITY_MIN);
    ck_assert_uint_eq(room.terms.array_count, 0);
    ck_assert_uint_eq(room.terms.group.size, 0);
}
END_TEST

START_TEST(test_times_of_the_wall_clock)
{
    for (unsigned number = 13; number <= 14; number++) {
        struct body body = least(MS_KIND_SUBMIT);
        add_fixed(&body, number, (uint64_t)MS_DURATION_MAX);
        ck_assert(read_element(MS_KIND_SUBMIT, &body));
        add_fixed(&body, number, (uint64_t)MS_DURATION_MAX + 1);
        ck_assert(!read_element(MS_KIND_SUBMIT, &body));
        add_fixed(&body, number, 1);
        ck_assert(read_element(MS_KIND_SUBMIT, &body));
        ck_assert_int_eq(number == 13 ? room.terms.run_at : room.terms.deadline, 1);
    }
}
END_TEST

START_TEST(test_keys_and_groups)
{
    char text[MS_UNIQUE_KEY_MAX + 1];

    memset(text, 'x', sizeof text);
    for (size_t size = 0; size <= MS_UNIQUE_KEY_MAX + 1; size++) {
        struct body body = least(MS_KIND_SUBMIT);
        add_bytes(&body, 11, text, size);
        ck_assert(read_element(MS_KIND_SUBMIT, &body) == (size <= MS_UNIQUE_KEY_MAX));
        body = least(MS_KIND_SUBMIT);
        add_bytes(&body, 12, text, size);
        ck_assert(read_element(MS_KIND_SUBMIT, &body) == (size <= MS_NAME_MAX));
    }
    struct body body = least(MS_KIND_SUBMIT);
    add_bytes(&body, 11, "\xff\0", 2);
    ck_assert(read_element(MS_KIND_SUBMIT, &body));
    add_bytes(&body, 12, "\xff", 1);
    ck_assert(!read_element(MS_KIND_SUBMIT, &body));
    body = least(MS_KIND_SUBMIT);
    add_bytes(&body, 12, "a\nb", 3);
    ck_assert(!read_element(MS_KIND_SUBMIT, &body));
}
END_TEST

START_TEST(test_an_array_must_not_overflow)
{
    struct body body = least(MS_KIND_SUBMIT);

    add_number(&body, 2, UINT64_MAX - 10);
    add_number(&body, 15, 10);
    ck_assert(read_element(MS_KIND_SUBMIT, &body));
    add_number(&body, 15, 11);
    ck_assert(!read_element(MS_KIND_SUBMIT, &body));
}
END_TEST

START_TEST(test_a_place_is_inside_its_array)
{
    struct body body = least(MS_KIND_COMMAND);

    add_number(&body, 10, 3);
    ck_assert(read_element(MS_KIND_COMMAND, &body));
    ck_assert_uint_eq(command.count, 3);
    add_number(&body, 9, 2);
    ck_assert(read_element(MS_KIND_COMMAND, &body));
    ck_assert_uint_eq(command.index, 2);
    add_number(&body, 9, 3);
    ck_assert(!read_element(MS_KIND_COMMAND, &body));
    body = least(MS_KIND_COMMAND);
    add_number(&body, 9, 1);
    ck_assert(!read_element(MS_KIND_COMMAND, &body));
}
END_TEST

START_TEST(test_a_part_is_of_a_submission_or_of_an_attempt)
{
    struct body body = least(MS_KIND_PART);

    ck_assert(read_element(MS_KIND_PART, &body));
    ck_assert_uint_eq(command.id.seq, 1);
    ck_assert_uint_eq(command.token.epoch, 0);
    add_number(&body, 2, 5);
    ck_assert(!read_element(MS_KIND_PART, &body));
    add_number(&body, 1, 0);
    ck_assert(read_element(MS_KIND_PART, &body));
    ck_assert_uint_eq(command.token.n, 5);
    ck_assert_uint_eq(command.token.epoch, EPOCH);
}
END_TEST

START_TEST(test_types_of_the_framework_are_no_work)
{
    struct body body = least(MS_KIND_SUBMIT);

    add_fixed(&body, 1, MS_TYPE_USER_MIN - 1);
    ck_assert(!read_element(MS_KIND_SUBMIT, &body));
    body = least(MS_KIND_COMMAND);
    add_fixed(&body, 1, MS_TYPE_USER_MIN - 1);
    ck_assert(!read_element(MS_KIND_COMMAND, &body));
}
END_TEST

START_TEST(test_a_client_has_16_bytes)
{
    for (size_t size = 0; size <= 17; size++) {
        struct body body = least(MS_KIND_COMMAND);
        add_bytes(&body, 2, "0123456789abcdefg", size);
        ck_assert(read_element(MS_KIND_COMMAND, &body) == (size == 16));
    }
}
END_TEST

START_TEST(test_details)
{
    static const enum ms_kind kinds[] = {MS_KIND_RESULT, MS_KIND_OUTCOME, MS_KIND_SUBMIT_NAK};
    char text[MS_DETAIL_MAX + 1];

    memset(text, 'x', sizeof text);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const unsigned number = kinds[i] == MS_KIND_SUBMIT_NAK ? 4 : 7;
        struct body body = least(kinds[i]);
        add_bytes(&body, number, text, MS_DETAIL_MAX);
        ck_assert(read_element(kinds[i], &body));
        ck_assert_uint_eq(command.detail.size, MS_DETAIL_MAX);
        body = least(kinds[i]);
        add_bytes(&body, number, text, MS_DETAIL_MAX + 1);
        ck_assert(!read_element(kinds[i], &body));
        body = least(kinds[i]);
        add_bytes(&body, number, "\xff", 1);
        ck_assert(!read_element(kinds[i], &body));
        body = least(kinds[i]);
        add_bytes(&body, number, "a\0b", 3);
        ck_assert(!read_element(kinds[i], &body));
    }
}
END_TEST

START_TEST(test_unknown_fields)
{
    struct body body = least(MS_KIND_RESULT);

    for (unsigned i = 0; i < MS_UNKNOWN_FIELDS_MAX; i++) {
        add_number(&body, 15, i);
    }
    ck_assert(read_element(MS_KIND_RESULT, &body));
    add_bytes(&body, 14, "x", 1);
    ck_assert(!read_element(MS_KIND_RESULT, &body));
}
END_TEST

START_TEST(test_a_known_field_of_another_wire_type_is_malformed)
{
    struct body body = least(MS_KIND_RESULT);

    add_bytes(&body, 2, "x", 1);
    ck_assert(!read_element(MS_KIND_RESULT, &body));
    body = least(MS_KIND_RESULT);
    add_number(&body, 8, 1);
    ck_assert(!read_element(MS_KIND_RESULT, &body));
    body = least(MS_KIND_SUBMIT);
    add_number(&body, 1, 5000);
    ck_assert(!read_element(MS_KIND_SUBMIT, &body));
}
END_TEST

START_TEST(test_numbers_of_32_bits_are_cut)
{
    struct body body = least(MS_KIND_SUBMIT);

    add_number(&body, 3, 0xabcdef0100000007);
    add_number(&body, 6, 0xffffff00 + MS_FLAG_STREAM); /* and flags that nobody knows */
    ck_assert(read_element(MS_KIND_SUBMIT, &body));
    ck_assert_uint_eq(command.attempts_max, 7);
    ck_assert_uint_eq(command.flags, MS_FLAG_STREAM);
}
END_TEST

START_TEST(test_errors_of_a_newer_peer_stay_errors)
{
    struct body body = least(MS_KIND_SUBMIT_NAK);

    add_number(&body, 2, 65536);
    ck_assert(read_element(MS_KIND_SUBMIT_NAK, &body));
    ck_assert_uint_eq(command.error, 65535);
}
END_TEST

START_TEST(test_defaults)
{
    struct body body = least(MS_KIND_SUBMIT);

    ck_assert(read_element(MS_KIND_SUBMIT, &body));
    ck_assert_uint_eq(command.attempts_max, MS_ATTEMPTS_DEFAULT);
    body = least(MS_KIND_OUTCOME_ACK);
    ck_assert(read_element(MS_KIND_OUTCOME_ACK, &body));
    ck_assert_uint_eq(command.count, 1);
    body = least(MS_KIND_RESULT);
    ck_assert(read_element(MS_KIND_RESULT, &body));
    ck_assert_uint_eq(command.token.epoch, EPOCH);
    ck_assert_ptr_null(command.usage);
    add_bytes(&body, 6, "", 0);
    add_number(&body, 9, 3);
    ck_assert(read_element(MS_KIND_RESULT, &body));
    ck_assert_uint_eq(command.token.epoch, 3);
    ck_assert_ptr_eq(command.usage, &room.usage);
    ck_assert_uint_eq(room.usage.wall_us, 0);
}
END_TEST

START_TEST(test_a_second_usage_replaces_the_first)
{
    struct body body = least(MS_KIND_OUTCOME);

    add_bytes(&body, 6, "\x08\x05\x10\x06", 4);
    add_bytes(&body, 6, "\x10\x07", 2);
    ck_assert(read_element(MS_KIND_OUTCOME, &body));
    ck_assert_uint_eq(room.usage.wall_us, 0);
    ck_assert_uint_eq(room.usage.user_us, 7);
    add_bytes(&body, 6, "\x10", 1);
    ck_assert(!read_element(MS_KIND_OUTCOME, &body));
}
END_TEST

START_TEST(test_a_run_must_not_overflow)
{
    struct body body = {.size = 0};

    add_number(&body, 1, UINT64_MAX - 10);
    add_number(&body, 2, 10);
    ck_assert(read_element(MS_KIND_SUBMIT_ACK, &body));
    add_number(&body, 2, 11);
    ck_assert(!read_element(MS_KIND_SUBMIT_ACK, &body));
}
END_TEST

START_TEST(test_walking_a_list)
{
    struct body body = {.size = 0};
    struct ms_bytes element;
    unsigned unknown_count = 0;
    bool more = false;

    add_number(&body, 15, 1);
    add_bytes(&body, 1, "abc", 3);
    add_bytes(&body, 1, "", 0);
    add_number(&body, 2, 1);
    struct ms_wire wire = ms_wire_of((struct ms_bytes){body.data, body.size});
    ck_assert(ms_element_next(MS_KIND_REVOKE, &wire, &element, &unknown_count, &more));
    ck_assert(more);
    ck_assert_uint_eq(element.size, 3);
    ck_assert(ms_element_next(MS_KIND_REVOKE, &wire, &element, &unknown_count, &more));
    ck_assert(more);
    ck_assert_uint_eq(element.size, 0);
    ck_assert(ms_element_next(MS_KIND_REVOKE, &wire, &element, &unknown_count, &more));
    ck_assert(!more);
    ck_assert_uint_eq(unknown_count, 1); /* field 2 is known to lists of tokens */
}
END_TEST

START_TEST(test_a_list_with_too_many_unknown_fields)
{
    struct body body = {.size = 0};
    struct ms_bytes element;
    unsigned unknown_count = 0;
    bool more = false;

    for (unsigned i = 0; i <= MS_UNKNOWN_FIELDS_MAX; i++) {
        add_number(&body, 2, i);
    }
    struct ms_wire wire = ms_wire_of((struct ms_bytes){body.data, body.size});
    ck_assert(!ms_element_next(MS_KIND_SUBMIT, &wire, &element, &unknown_count, &more));
}
END_TEST

START_TEST(test_every_kind_has_one_way)
{
    for (int kind = 0; kind < MS_KIND_COUNT + 2; kind++) {
        ck_assert(!ms_element_is_list((enum ms_kind)kind) ||
                  (sample_exists((enum ms_kind)kind) && !ms_element_is_flat((enum ms_kind)kind)));
    }
    ck_assert(ms_element_is_flat(MS_KIND_PULL));
    ck_assert(ms_element_is_flat(MS_KIND_ADJUST));
    ck_assert(!ms_element_is_list(MS_KIND_HELLO));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("proto_element");
    TCase *tcase = tcase_create("element");

    tcase_add_test(tcase, test_the_least_is_enough_and_each_part_is_needed);
    tcase_add_test(tcase, test_numbers_alone);
    tcase_add_test(tcase, test_limits_of_numbers);
    tcase_add_test(tcase, test_zero_is_refused);
    tcase_add_test(tcase, test_terms_are_there_when_one_is);
    tcase_add_test(tcase, test_times_of_the_wall_clock);
    tcase_add_test(tcase, test_keys_and_groups);
    tcase_add_test(tcase, test_an_array_must_not_overflow);
    tcase_add_test(tcase, test_a_place_is_inside_its_array);
    tcase_add_test(tcase, test_a_part_is_of_a_submission_or_of_an_attempt);
    tcase_add_test(tcase, test_types_of_the_framework_are_no_work);
    tcase_add_test(tcase, test_a_client_has_16_bytes);
    tcase_add_test(tcase, test_details);
    tcase_add_test(tcase, test_unknown_fields);
    tcase_add_test(tcase, test_a_known_field_of_another_wire_type_is_malformed);
    tcase_add_test(tcase, test_numbers_of_32_bits_are_cut);
    tcase_add_test(tcase, test_errors_of_a_newer_peer_stay_errors);
    tcase_add_test(tcase, test_defaults);
    tcase_add_test(tcase, test_a_second_usage_replaces_the_first);
    tcase_add_test(tcase, test_a_run_must_not_overflow);
    tcase_add_test(tcase, test_walking_a_list);
    tcase_add_test(tcase, test_a_list_with_too_many_unknown_fields);
    tcase_add_test(tcase, test_every_kind_has_one_way);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
