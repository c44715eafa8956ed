#include "slave/parts.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>

#define MAX (4u << 20)

static struct ms_parts parts;

static void setup(void)
{
    parts = (struct ms_parts){.max = MAX};
}

static void teardown(void)
{
    ms_parts_drop(&parts);
}

static void add(uint64_t n, uint32_t index, struct ms_bytes payload)
{
    ms_parts_add(&parts,
                 &(struct ms_command){
                     .kind = MS_KIND_PART, .token = {7, n}, .index = index, .payload = payload});
}

static enum ms_error take(uint64_t n, struct ms_bytes *payload_out)
{
    return ms_parts_take(&parts, (struct ms_token){7, n}, payload_out);
}

START_TEST(parts_become_one)
{
    struct ms_bytes payload = {NULL, 0};

    add(1, 0, ms_bytes_of("ab"));
    add(1, 1, ms_bytes_of("c"));
    ck_assert_int_eq(take(1, &payload), MS_E_OK);
    ck_assert_uint_eq(payload.size, 3);
    ck_assert_mem_eq(payload.data, "abc", 3);
    ms_parts_drop(&parts);
    ck_assert_int_eq(take(1, &payload), MS_E_ORDER);
}
END_TEST

START_TEST(the_first_part_begins_anew)
{
    struct ms_bytes payload = {NULL, 0};

    add(1, 0, ms_bytes_of("ab"));
    add(1, 0, ms_bytes_of("x"));
    ck_assert_int_eq(take(1, &payload), MS_E_OK);
    ck_assert_uint_eq(payload.size, 1);
    add(2, 0, ms_bytes_of("yz"));
    ck_assert_int_eq(take(1, &payload), MS_E_ORDER);
    ck_assert_int_eq(take(2, &payload), MS_E_OK);
    ck_assert_uint_eq(payload.size, 2);
}
END_TEST

START_TEST(a_gap_spoils_all)
{
    struct ms_bytes payload = {NULL, 0};

    add(1, 0, ms_bytes_of("a"));
    add(1, 2, ms_bytes_of("c"));
    add(1, 1, ms_bytes_of("b"));
    ck_assert_int_eq(take(1, &payload), MS_E_ORDER);
    add(2, 1, ms_bytes_of("b")); /* one without a beginning */
    ck_assert_int_eq(take(2, &payload), MS_E_ORDER);
    add(2, 0, ms_bytes_of("a"));
    ck_assert_int_eq(take(2, &payload), MS_E_OK);
}
END_TEST

START_TEST(as_much_as_fits_and_no_more)
{
    static const uint8_t chunk[MS_CHUNK_MAX];
    struct ms_bytes payload = {NULL, 0};
    uint32_t index = 0;

    for (; index < MAX / MS_CHUNK_MAX; index++) {
        add(1, index, (struct ms_bytes){chunk, sizeof chunk});
    }
    ck_assert_int_eq(take(1, &payload), MS_E_OK);
    ck_assert_uint_eq(payload.size, MAX);
    add(1, index, ms_bytes_of("x"));
    ck_assert_int_eq(take(1, &payload), MS_E_PAYLOAD_SIZE);
    ck_assert_ptr_null(parts.bytes); /* and its memory is free at once */
    add(1, index + 1, ms_bytes_of("x"));
    ck_assert_int_eq(take(1, &payload), MS_E_PAYLOAD_SIZE);
}
END_TEST

START_TEST(what_is_released_stays)
{
    struct ms_bytes payload = {NULL, 0};

    add(1, 0, ms_bytes_of("one"));
    ck_assert_int_eq(take(1, &payload), MS_E_OK);
    char *bytes = ms_parts_release(&parts);

    add(2, 0, ms_bytes_of("two"));
    ck_assert_mem_eq(bytes, "one", 3);
    ck_assert_int_eq(take(2, &payload), MS_E_OK);
    ck_assert_mem_eq(payload.data, "two", 3);
    ms_parts_free(bytes);
}
END_TEST

START_TEST(only_parts_are_parts)
{
    ms_parts_add(&parts, &(struct ms_command){.kind = MS_KIND_COMMAND});
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("slave/parts");
    TCase *tests = tcase_create("parts");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, parts_become_one);
    tcase_add_test(tests, the_first_part_begins_anew);
    tcase_add_test(tests, a_gap_spoils_all);
    tcase_add_test(tests, as_much_as_fits_and_no_more);
    tcase_add_test(tests, what_is_released_stays);
    tcase_add_test_raise_signal(tests, only_parts_are_parts, SIGABRT);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
