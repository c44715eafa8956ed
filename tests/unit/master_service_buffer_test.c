#include "master/service_buffer.h"

#include "tests/support/suite.h"

static struct ms_service_buffer buffer;

static void teardown(void)
{
    ms_service_buffer_finish(&buffer);
}

START_TEST(test_numbers_come_back)
{
    struct ms_bytes bytes;
    struct ms_bytes text;
    uint64_t number = 0;

    ms_service_buffer_begin(&buffer, 1000);
    ms_service_buffer_number(&buffer, 0x1234, 2);
    ms_service_buffer_number(&buffer, UINT64_MAX - 1, 8);
    ms_service_buffer_add(&buffer, "abc", 3);
    bytes = ms_service_buffer_bytes(&buffer);
    ck_assert(ms_service_take_number(&bytes, 2, &number) && number == 0x1234);
    ck_assert(ms_service_take_number(&bytes, 8, &number) && number == UINT64_MAX - 1);
    ck_assert(!ms_service_take_number(&bytes, 4, &number));
    ck_assert(ms_service_take_bytes(&bytes, 3, &text));
    ck_assert_mem_eq(text.data, "abc", 3);
    ck_assert(!ms_service_take_bytes(&bytes, 1, &text));
    ck_assert(ms_service_take_bytes(&bytes, 0, &text) && text.size == 0);
}
END_TEST

START_TEST(test_what_is_too_much_voids_all_of_it)
{
    struct ms_service_writer *out = ms_service_buffer_begin(&buffer, 4);

    ck_assert_int_eq(ms_service_write(out, "abcd", 4), 0);
    ck_assert_int_eq(ms_service_write(out, "", 0), 0);
    ck_assert_int_eq(ms_service_write(out, "e", 1), -1);
    ck_assert(buffer.is_cut);
    ck_assert_uint_eq(ms_service_buffer_bytes(&buffer).size, 0);
    ck_assert_int_eq(ms_service_say(out, "f"), -1);
    out = ms_service_buffer_begin(&buffer, 4);
    ck_assert_int_eq(ms_service_say(out, "ab"), 0);
    ck_assert(!buffer.is_cut);
    ck_assert_uint_eq(buffer.size, 2);
}
END_TEST

START_TEST(test_it_grows_to_its_limit)
{
    ms_service_buffer_begin(&buffer, 100000);
    for (int i = 0; i < 100; i++) {
        char block[1000];

        memset(block, i, sizeof block);
        ms_service_buffer_add(&buffer, block, sizeof block);
    }
    ck_assert(!buffer.is_cut);
    ck_assert_uint_eq(buffer.size, 100000);
    ck_assert_uint_eq(buffer.data[99999], 99);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("service_buffer");
    TCase *tcase = tcase_create("all");

    tcase_add_checked_fixture(tcase, NULL, teardown);
    tcase_add_test(tcase, test_numbers_come_back);
    tcase_add_test(tcase, test_what_is_too_much_voids_all_of_it);
    tcase_add_test(tcase, test_it_grows_to_its_limit);
    suite_add_tcase(suite, tcase);
    return run_suite(suite);
}
