#include "master/cordons.h"

#include <string.h>

#include "core/limits.h"
#include "tests/support/suite.h"

static struct ms_cordons cordons;

static struct ms_uuid node_of(uint32_t number)
{
    struct ms_uuid node = {{1}};

    memcpy(node.bytes + 8, &number, sizeof number);
    return node;
}

static void add(uint32_t number)
{
    const struct ms_uuid node = node_of(number);

    ck_assert(ms_cordons_add(&cordons, &node));
}

static void drop(uint32_t number)
{
    const struct ms_uuid node = node_of(number);

    ms_cordons_remove(&cordons, &node);
}

static bool has(uint32_t number)
{
    const struct ms_uuid node = node_of(number);

    return ms_cordons_has(&cordons, &node);
}

static void setup(void)
{
    ms_cordons_init(&cordons, 3);
}

static void teardown(void)
{
    ms_cordons_finish(&cordons);
}

START_TEST(test_come_and_go)
{
    ck_assert(!has(1));
    drop(1);
    ck_assert(!cordons.is_changed);
    add(1);
    add(2);
    add(3);
    ck_assert(cordons.is_changed);
    ck_assert_uint_eq(ms_cordons_bytes(&cordons).size, 48);
    ck_assert(!cordons.is_changed);
    add(2);
    ck_assert(!cordons.is_changed);
    drop(1);
    ck_assert(!has(1) && has(2) && has(3));
    drop(3);
    ck_assert(!has(3) && has(2));
    drop(2);
    ck_assert(!has(2));
    ck_assert_uint_eq(ms_cordons_bytes(&cordons).size, 0);
}
END_TEST

START_TEST(test_records)
{
    uint8_t copy[64];

    add(1);
    add(2);
    const struct ms_bytes bytes = ms_cordons_bytes(&cordons);

    memcpy(copy, bytes.data, bytes.size);
    drop(1);
    add(7);
    ck_assert(ms_cordons_take(&cordons, (struct ms_bytes){copy, 32}));
    ck_assert(has(1) && has(2) && !has(7));
    ck_assert(!cordons.is_changed);
    ck_assert(!ms_cordons_take(&cordons, (struct ms_bytes){copy, 31}));
    memset(copy, 0, 16);
    ck_assert(!ms_cordons_take(&cordons, (struct ms_bytes){copy, 32}));
    ck_assert(ms_cordons_take(&cordons, (struct ms_bytes){NULL, 0}));
    ck_assert_uint_eq(cordons.count, 0);
}
END_TEST

START_TEST(test_bounded)
{
    const struct ms_uuid more = node_of(MS_CORDONS_MAX + 1);

    for (uint32_t i = 1; i <= MS_CORDONS_MAX; i++) {
        add(i);
    }
    ck_assert(!ms_cordons_add(&cordons, &more));
    add(5); /* which is there */
    for (uint32_t i = 1; i <= MS_CORDONS_MAX; i += 2) {
        drop(i);
    }
    for (uint32_t i = 1; i <= MS_CORDONS_MAX; i++) {
        ck_assert(has(i) == (i % 2 == 0));
    }
    ck_assert(ms_cordons_add(&cordons, &more));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("master_cordons");
    TCase *tests = tcase_create("cordons");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_come_and_go);
    tcase_add_test(tests, test_records);
    tcase_add_test(tests, test_bounded);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
