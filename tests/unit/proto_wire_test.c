#include "proto/wire.h"

#include <check.h>
#include <limits.h>
#include <stdlib.h>

#include "proto/wire_put.h"

static struct ms_wire wire_of(const uint8_t *data, size_t size)
{
    return ms_wire_of((struct ms_bytes){data, size});
}

/* Every value whose length changes, with neighbours, wherever the input ends. */
START_TEST(test_varints_come_back)
{
    for (unsigned bit = 0; bit < 64; bit++) {
        for (uint64_t delta = 0; delta <= 2; delta++) {
            const uint64_t value = ((uint64_t)1 << bit) - 1 + delta;
            for (size_t spare = 0; spare < 10; spare++) {
                uint8_t data[2 * MS_WIRE_VARINT_MAX];
                memset(data, 0xff, sizeof data);
                const uint8_t *end = ms_wire_put_varint(data, value);
                const size_t size = (size_t)(end - data);
                struct ms_wire wire = wire_of(data, size + spare);
                uint64_t read = 0;
                ck_assert_uint_eq(size, ms_wire_varint_size(value));
                ck_assert(ms_wire_varint(&wire, &read));
                ck_assert_uint_eq(read, value);
                ck_assert_ptr_eq(wire.at, end);
            }
        }
    }
}
END_TEST

START_TEST(test_every_cut_of_a_varint_is_refused)
{
    uint8_t data[MS_WIRE_VARINT_MAX];
    const uint8_t *end = ms_wire_put_varint(data, UINT64_MAX);

    for (size_t size = 0; size < (size_t)(end - data); size++) {
        uint8_t *exact = malloc(size + (size == 0));
        ck_assert_ptr_nonnull(exact);
        memcpy(exact, data, size);
        struct ms_wire wire = wire_of(exact, size);
        uint64_t read = 0;
        ck_assert(!ms_wire_varint(&wire, &read));
        ck_assert_ptr_eq(wire.at, exact);
        free(exact);
    }
}
END_TEST

START_TEST(test_overlong_varints_are_taken_up_to_ten_bytes)
{
    uint8_t data[12] = {0x85, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00, 0x00, 0x00};
    struct ms_wire wire = wire_of(data, sizeof data);
    uint64_t read = 0;

    ck_assert(ms_wire_varint(&wire, &read));
    ck_assert_uint_eq(read, 5);
    ck_assert_ptr_eq(wire.at, data + 10);
    data[9] = 0x80;
    wire = wire_of(data, sizeof data);
    ck_assert(!ms_wire_varint(&wire, &read));
}
END_TEST

START_TEST(test_bits_beyond_64_are_lost)
{
    const uint8_t data[10] = {0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f};
    struct ms_wire wire = wire_of(data, sizeof data);
    uint64_t read = 0;

    ck_assert(ms_wire_varint(&wire, &read));
    ck_assert_uint_eq(read, 0x8000000000000001);
}
END_TEST

START_TEST(test_keys)
{
    static const struct {
        uint8_t data[6];
        size_t size;
        uint64_t key;
        bool is_fine;
    } cases[] = {
        {{0x08}, 1, 8, true},
        {{0x7a}, 1, 0x7a, true},
        {{0x88, 0x00}, 2, 8, true},
        {{0x80, 0x00}, 2, 0, true}, /* number 0 in a long form: protobuf-c has it unknown */
        {{0x00}, 1, 0, false},
        {{0x07}, 1, 0, false},
        {{0x80}, 1, 0, false},
        {{0xff, 0xff, 0xff, 0xff, 0x7f}, 5, 0x7ffffffff, true},
        {{0x80, 0x80, 0x80, 0x80, 0x80, 0x00}, 6, 0, false},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ms_wire wire = wire_of(cases[i].data, cases[i].size);
        uint64_t key = 0;
        ck_assert(ms_wire_key(&wire, &key) == cases[i].is_fine);
        ck_assert_uint_eq(key, cases[i].key);
    }
}
END_TEST

START_TEST(test_lengths)
{
    const uint8_t fits[] = {2, 'a', 'b'};
    const uint8_t short_by_one[] = {3, 'a', 'b'};
    const uint8_t overlong[] = {0x82, 0x80, 0x80, 0x80, 0x00, 'a', 'b'};
    const uint8_t too_overlong[] = {0x82, 0x80, 0x80, 0x80, 0x80, 0x00, 'a', 'b'};
    const uint8_t huge[] = {0xff, 0xff, 0xff, 0xff, 0x7f, 0};
    const uint8_t empty[] = {0};
    struct ms_bytes bytes = {0};
    struct ms_wire wire = wire_of(fits, sizeof fits);

    ck_assert(ms_wire_bytes(&wire, &bytes));
    ck_assert_uint_eq(bytes.size, 2);
    ck_assert_ptr_eq(bytes.data, fits + 1);
    ck_assert(ms_wire_is_empty(&wire));
    wire = wire_of(short_by_one, sizeof short_by_one);
    ck_assert(!ms_wire_bytes(&wire, &bytes));
    wire = wire_of(overlong, sizeof overlong);
    ck_assert(ms_wire_bytes(&wire, &bytes));
    ck_assert_uint_eq(bytes.size, 2);
    wire = wire_of(too_overlong, sizeof too_overlong);
    ck_assert(!ms_wire_bytes(&wire, &bytes));
    wire = wire_of(huge, sizeof huge);
    ck_assert(!ms_wire_bytes(&wire, &bytes));
    wire = wire_of(empty, sizeof empty);
    ck_assert(ms_wire_bytes(&wire, &bytes));
    ck_assert_ptr_null(bytes.data);
    ck_assert_uint_eq(bytes.size, 0);
}
END_TEST

START_TEST(test_skipping)
{
    static const uint8_t data[16] = {0x81, 0x01};
    static const struct {
        unsigned type;
        size_t size, used; /* used 0: refused */
    } cases[] = {
        {MS_WIRE_VARINT, 2, 2},
        {MS_WIRE_VARINT, 1, 0},
        {MS_WIRE_FIXED64, 8, 8},
        {MS_WIRE_FIXED64, 7, 0},
        {MS_WIRE_FIXED32, 4, 4},
        {MS_WIRE_FIXED32, 3, 0},
        {MS_WIRE_BYTES, 16, 0},
        {3, 16, 0},
        {4, 16, 0},
        {6, 16, 0},
        {7, 16, 0},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ms_wire wire = wire_of(data, cases[i].size);
        ck_assert(ms_wire_skip(&wire, cases[i].type) == (cases[i].used > 0));
        ck_assert_ptr_eq(wire.at, data + cases[i].used);
    }
}
END_TEST

START_TEST(test_fixed64_is_little_endian)
{
    const uint8_t expected[9] = {0x09, 8, 7, 6, 5, 4, 3, 2, 1};
    uint8_t data[9];
    uint64_t value = 0;

    ck_assert_ptr_eq(ms_wire_put_fixed64(data, 1, 0x0102030405060708), data + 9);
    ck_assert_mem_eq(data, expected, sizeof data);
    struct ms_wire wire = wire_of(data + 1, 8);
    ck_assert(ms_wire_fixed64(&wire, &value));
    ck_assert_uint_eq(value, 0x0102030405060708);
    wire = wire_of(data + 1, 7);
    ck_assert(!ms_wire_fixed64(&wire, &value));
}
END_TEST

START_TEST(test_defaults_are_not_written)
{
    uint8_t data[1];

    ck_assert_ptr_eq(ms_wire_put_u64(data, 1, 0), data);
    ck_assert_ptr_eq(ms_wire_put_fixed64(data, 1, 0), data);
    ck_assert_ptr_eq(ms_wire_put_bytes(data, 1, (struct ms_bytes){0}), data);
}
END_TEST

START_TEST(test_zigzag)
{
    static const int32_t values[] = {0, -1, 1, INT32_MAX, INT32_MIN, INT32_MIN + 1};
    static const uint32_t coded[] = {0, 1, 2, UINT32_MAX - 1, UINT32_MAX, UINT32_MAX - 2};

    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        ck_assert_uint_eq(ms_wire_zigzag(values[i]), coded[i]);
        ck_assert_int_eq(ms_wire_unzigzag(coded[i]), values[i]);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("proto_wire");
    TCase *tcase = tcase_create("wire");

    tcase_add_test(tcase, test_varints_come_back);
    tcase_add_test(tcase, test_every_cut_of_a_varint_is_refused);
    tcase_add_test(tcase, test_overlong_varints_are_taken_up_to_ten_bytes);
    tcase_add_test(tcase, test_bits_beyond_64_are_lost);
    tcase_add_test(tcase, test_keys);
    tcase_add_test(tcase, test_lengths);
    tcase_add_test(tcase, test_skipping);
    tcase_add_test(tcase, test_fixed64_is_little_endian);
    tcase_add_test(tcase, test_defaults_are_not_written);
    tcase_add_test(tcase, test_zigzag);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
