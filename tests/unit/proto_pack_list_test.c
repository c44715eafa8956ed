#include "proto/pack_list.h"

#include <check.h>
#include <stdlib.h>

#include "proto/pack.h"
#include "tests/support/oracle.h"
#include "tests/support/samples.h"

/* Our bytes are the bytes of protobuf-c, and it understands them. */
static void assert_same(const struct ms_command *command)
{
    const size_t max = ms_pack_max(command);
    uint8_t *ours = malloc(max);
    uint8_t *theirs = NULL;
    struct oracle_list list;

    ck_assert_ptr_nonnull(ours);
    const uint8_t *end = ms_pack(ours, SAMPLES_EPOCH, command);
    const size_t size = oracle_pack(SAMPLES_EPOCH, command, 1, &theirs);
    ck_assert_uint_le((size_t)(end - ours), max);
    ck_assert_uint_eq((size_t)(end - ours), size);
    ck_assert(size == 0 || memcmp(ours, theirs, size) == 0);
    const struct ms_frame frame = {
        .kind = (enum ms_kind)command->kind, .epoch = SAMPLES_EPOCH, .body = {ours, size}};
    ck_assert(oracle_unpack(&frame, &list));
    ck_assert_uint_eq(list.count, 1);
    ck_assert(oracle_equal(&list.commands[0], command));
    oracle_free(&list);
    free(theirs);
    free(ours);
}

START_TEST(test_every_kind_with_every_field)
{
    for (int kind = 0; kind < MS_KIND_COUNT; kind++) {
        if (ms_pack_element_of((enum ms_kind)kind) != NULL) {
            assert_same(sample_of((enum ms_kind)kind));
        }
    }
    assert_same(sample_of(MS_KIND_BEAT));
    assert_same(sample_of(MS_KIND_BEAT_ACK));
    assert_same(sample_of(MS_KIND_PULL));
    assert_same(sample_of(MS_KIND_ADJUST));
}
END_TEST

/* Payloads around every length whose prefix grows, where the guess of the length can be wrong. */
START_TEST(test_every_length_of_payload)
{
    static const enum ms_kind kinds[] = {MS_KIND_SUBMIT,  MS_KIND_COMMAND, MS_KIND_RESULT,
                                         MS_KIND_OUTCOME, MS_KIND_OUTPUT,  MS_KIND_STREAM};
    static const size_t starts[] = {0, (1 << 14) - 300, (1 << 21) - 300};
    uint8_t *payload = malloc((1 << 21) + 300);

    ck_assert_ptr_nonnull(payload);
    memset(payload, 'p', (1 << 21) + 300);
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        for (size_t s = 0; s < sizeof starts / sizeof starts[0]; s++) {
            /* The longest take long to compare, and differ only in their prefix. */
            const size_t step = s == 2 ? 37 : 1;
            for (size_t size = starts[s]; size < starts[s] + 400; size += step) {
                struct ms_command command = *sample_of(kinds[k]);
                command.payload = (struct ms_bytes){payload, size};
                assert_same(&command);
            }
        }
    }
    free(payload);
}
END_TEST

START_TEST(test_least_values)
{
    assert_same(&(struct ms_command){
        .kind = MS_KIND_SUBMIT, .type = MS_TYPE_USER_MIN, .id = {.seq = 1}, .attempts_max = 1});
    assert_same(&(struct ms_command){.kind = MS_KIND_RESULT, .token = {SAMPLES_EPOCH, 1}});
    assert_same(&(struct ms_command){.kind = MS_KIND_OUTPUT, .token = {SAMPLES_EPOCH, 1}});
    assert_same(&(struct ms_command){.kind = MS_KIND_OUTCOME, .id = {.seq = 1}});
    assert_same(&(struct ms_command){.kind = MS_KIND_CANCEL_ACK, .id = {.seq = 1}});
    const struct ms_usage nothing = {0};
    assert_same(&(struct ms_command){
        .kind = MS_KIND_RESULT, .token = {SAMPLES_EPOCH, 1}, .usage = &nothing});
}
END_TEST

START_TEST(test_bad_details_are_cleaned)
{
    static uint8_t text[MS_DETAIL_MAX + 100];
    struct ms_command command = *sample_of(MS_KIND_RESULT);
    struct oracle_list list;

    memset(text, 0xff, sizeof text);
    command.detail = (struct ms_bytes){text, sizeof text};
    const size_t max = ms_pack_max(&command);
    uint8_t *ours = malloc(max);
    ck_assert_ptr_nonnull(ours);
    const size_t size = (size_t)(ms_pack(ours, SAMPLES_EPOCH, &command) - ours);
    ck_assert_uint_le(size, max);
    const struct ms_frame frame = {
        .kind = MS_KIND_RESULT, .epoch = SAMPLES_EPOCH, .body = {ours, size}};
    ck_assert(oracle_unpack(&frame, &list));
    ck_assert_uint_eq(list.commands[0].detail.size, MS_DETAIL_MAX);
    ck_assert_uint_eq(list.commands[0].detail.data[0], '?');
    oracle_free(&list);
    free(ours);
}
END_TEST

START_TEST(test_times_are_capped)
{
    struct ms_command command = *sample_of(MS_KIND_SUBMIT);
    uint8_t ours[300];
    struct oracle_list list;

    command.timeout = MS_TIME_NEVER;
    const size_t size = (size_t)(ms_pack(ours, SAMPLES_EPOCH, &command) - ours);
    const struct ms_frame frame = {.kind = MS_KIND_SUBMIT, .body = {ours, size}};
    ck_assert(oracle_unpack(&frame, &list));
    ck_assert_int_eq(list.commands[0].timeout, MS_DURATION_MAX);
    oracle_free(&list);
}
END_TEST

START_TEST(test_terms_are_brought_into_bounds)
{
    struct ms_command command = *sample_of(MS_KIND_SUBMIT);
    struct ms_terms terms = {.deadline = INT64_MAX, .group = ms_bytes_of("a\n\xff")};
    uint8_t ours[300];
    struct oracle_list list;

    command.terms = &terms;
    const size_t size = (size_t)(ms_pack(ours, SAMPLES_EPOCH, &command) - ours);
    const struct ms_frame frame = {.kind = MS_KIND_SUBMIT, .body = {ours, size}};
    ck_assert(oracle_unpack(&frame, &list));
    ck_assert_int_eq(list.commands[0].terms->deadline, MS_DURATION_MAX);
    ck_assert_mem_eq(list.commands[0].terms->group.data, "a??", 3);
    oracle_free(&list);
}
END_TEST

START_TEST(test_the_longest_terms_fit)
{
    static uint8_t text[MS_WHERE_MAX];
    const struct ms_terms terms = {
        .priority = MS_PRIORITY_MIN,
        .unique_mode = MS_UNIQUE_REPLACE,
        .array_count = MS_ARRAY_MAX,
        .array_concurrency = UINT32_MAX,
        .parts_size = UINT64_MAX,
        .run_at = MS_DURATION_MAX,
        .deadline = MS_DURATION_MAX,
        .unique = {text, MS_UNIQUE_KEY_MAX},
        .group = {text, MS_NAME_MAX},
        .key = {text, MS_KEY_MAX},
        .on = MS_ON_ALL,
        .where = {text, MS_WHERE_MAX},
    };
    struct ms_command command = *sample_of(MS_KIND_SUBMIT);

    memset(text, 'x', sizeof text);
    command.terms = &terms;
    command.attempts_max = UINT32_MAX;
    command.timeout = command.delay = MS_DURATION_MAX;
    command.id.seq = UINT64_MAX - MS_ARRAY_MAX;
    assert_same(&command);
}
END_TEST

/* A peer whose frames say epoch 0 names tokens that no frame of ours can: that must not stop us. */
START_TEST(test_tokens_without_an_epoch)
{
    uint8_t ours[100];
    const struct ms_command command = {.kind = MS_KIND_REVOKE, .token = {0, 5}};
    const uint8_t expected[] = {0x0a, 2, 0x08, 5};

    ck_assert_uint_eq((size_t)(ms_pack(ours, SAMPLES_EPOCH, &command) - ours), sizeof expected);
    ck_assert_mem_eq(ours, expected, sizeof expected);
}
END_TEST

/* Of an attempt that began in another epoch of the same reign. */
START_TEST(test_a_command_of_another_epoch_says_so)
{
    uint8_t same[300], other[300];
    const size_t size = (size_t)(ms_pack(same, SAMPLES_EPOCH, sample_of(MS_KIND_COMMAND)) - same);

    ck_assert_uint_gt(
        (size_t)(ms_pack(other, SAMPLES_EPOCH + 1, sample_of(MS_KIND_COMMAND)) - other), size);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("proto_pack_list");
    TCase *tcase = tcase_create("pack_list");

    tcase_set_timeout(tcase, 60); /* machines may be busy */
    tcase_add_test(tcase, test_every_kind_with_every_field);
    tcase_add_test(tcase, test_every_length_of_payload);
    tcase_add_test(tcase, test_least_values);
    tcase_add_test(tcase, test_bad_details_are_cleaned);
    tcase_add_test(tcase, test_times_are_capped);
    tcase_add_test(tcase, test_terms_are_brought_into_bounds);
    tcase_add_test(tcase, test_the_longest_terms_fit);
    tcase_add_test(tcase, test_tokens_without_an_epoch);
    tcase_add_test(tcase, test_a_command_of_another_epoch_says_so);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
