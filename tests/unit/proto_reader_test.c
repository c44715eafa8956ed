/* Readers made of tables: which fields are taken, what is too large, what is unknown. */
#include "proto/reader.h"

#include <check.h>
#include <stdlib.h>

struct target {
    uint64_t large;
    uint16_t narrow;
    int8_t tiny;
    uint8_t flags;
    ms_time time;
    struct ms_bytes text;
};

struct nothing {
    int unused;
};

#define TARGET_FIELDS(X)                                                                           \
    X(1, VARINT, u64, to->large)                                                                   \
    X(2, VARINT, u16, to->narrow)                                                                  \
    X(3, VARINT, s8, to->tiny)                                                                     \
    X(4, VARINT, flags, to->flags)                                                                 \
    X(5, VARINT, time, to->time)                                                                   \
    X(6, BYTES, text, to->text)

MS_READER(read_target, struct target, struct nothing, TARGET_FIELDS)

static bool read_bytes(const void *bytes, size_t size, struct target *to)
{
    struct nothing nothing = {0};

    *to = (struct target){0};
    return read_target(ms_wire_of((struct ms_bytes){bytes, size}), to, &nothing);
}

#define READ(text, to) read_bytes(text, sizeof(text) - 1, to)

START_TEST(fields_are_taken_and_the_last_one_counts)
{
    struct target to;

    ck_assert(READ("", &to));
    ck_assert(READ("\x08\x05\x08\x96\x01\x32\x02hi", &to));
    ck_assert_uint_eq(to.large, 150);
    ck_assert_uint_eq(to.text.size, 2);
    ck_assert_mem_eq(to.text.data, "hi", 2);
}
END_TEST

START_TEST(too_large_becomes_an_extreme_that_nothing_has)
{
    struct target to;

    ck_assert(READ("\x10\xff\xff\xff\xff\x0f", &to));
    ck_assert_uint_eq(to.narrow, UINT16_MAX);
    ck_assert(READ("\x18\xff\x03\x20\xff\x03", &to)); /* -256, and nine bits */
    ck_assert_int_eq(to.tiny, INT8_MIN);
    ck_assert_uint_eq(to.flags, 0xff);
    ck_assert(READ("\x18\x80\x04", &to)); /* 256 */
    ck_assert_int_eq(to.tiny, INT8_MAX);
    ck_assert(READ("\x28\xff\xff\xff\xff\xff\xff\xff\xff\x7f", &to));
    ck_assert_int_eq(to.time, -1);
}
END_TEST

START_TEST(malformed_is_malformed)
{
    struct target to;

    ck_assert(!READ("\x08", &to));             /* cut off */
    ck_assert(!READ("\x08\xff", &to));         /* in the midst of a number */
    ck_assert(!READ("\x0a\x01x", &to));        /* a field of ours with another type */
    ck_assert(!READ("\x32\x05hi", &to));       /* longer than what is there */
    ck_assert(!READ("\x32\x02\xc3\x28", &to)); /* no text */
}
END_TEST

START_TEST(unknown_fields_are_passed_a_few_times)
{
    enum { FIELD = 2 };
    uint8_t bytes[(MS_UNKNOWN_FIELDS_MAX + 1) * FIELD + 2];
    struct target to;

    for (size_t i = 0; i <= MS_UNKNOWN_FIELDS_MAX; i++) {
        bytes[i * FIELD] = 0x78; /* field 15 */
        bytes[i * FIELD + 1] = 1;
    }
    bytes[MS_UNKNOWN_FIELDS_MAX * FIELD] = 0x08;
    bytes[MS_UNKNOWN_FIELDS_MAX * FIELD + 1] = 7;
    ck_assert(read_bytes(bytes, (MS_UNKNOWN_FIELDS_MAX + 1) * FIELD, &to));
    ck_assert_uint_eq(to.large, 7);
    bytes[MS_UNKNOWN_FIELDS_MAX * FIELD] = 0x78;
    ck_assert(!read_bytes(bytes, (MS_UNKNOWN_FIELDS_MAX + 1) * FIELD, &to));
    ck_assert(READ("\x7a\x03xyz\x08\x07", &to)); /* of any length */
    ck_assert_uint_eq(to.large, 7);
}
END_TEST

START_TEST(terms_are_within_their_bounds)
{
    const struct ms_terms fine = {.priority = MS_PRIORITY_MIN, .run_at = 1, .deadline = 2};
    struct ms_terms terms[9];

    ck_assert(ms_reader_judge_terms(&fine));
    for (size_t i = 0; i < 9; i++) {
        terms[i] = fine;
    }
    terms[0].priority = MS_PRIORITY_MAX + 1;
    terms[1].unique_mode = MS_UNIQUE_COUNT;
    terms[2].unique.size = MS_UNIQUE_KEY_MAX + 1;
    terms[3].group.size = MS_NAME_MAX + 1;
    terms[4].run_at = -1;
    terms[5].deadline = -1;
    terms[6].key.size = MS_KEY_MAX + 1;
    terms[7].where.size = MS_WHERE_MAX + 1;
    terms[8].targets.size = MS_TARGETS_BYTES_MAX + 1;
    for (size_t i = 0; i < 9; i++) {
        ck_assert_msg(!ms_reader_judge_terms(&terms[i]), "terms %zu", i);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("proto_reader");
    TCase *tests = tcase_create("all");

    tcase_add_test(tests, fields_are_taken_and_the_last_one_counts);
    tcase_add_test(tests, too_large_becomes_an_extreme_that_nothing_has);
    tcase_add_test(tests, malformed_is_malformed);
    tcase_add_test(tests, unknown_fields_are_passed_a_few_times);
    tcase_add_test(tests, terms_are_within_their_bounds);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
