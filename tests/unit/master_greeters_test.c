#include "master/greeters.h"

#include <check.h>
#include <stdlib.h>

#include "core/limits.h"
#include "tests/support/suite.h"

static struct ms_greeters greeters;

static void set_up(void)
{
    greeters = (struct ms_greeters){0};
}

static void tear_down(void)
{
    ms_greeters_finish(&greeters);
}

static bool add(ms_peer peer, ms_time until)
{
    return ms_greeters_add(&greeters, &(struct ms_greeter){.peer = peer, .until = until});
}

START_TEST(test_who_came_first_is_first)
{
    ck_assert_ptr_null(ms_greeters_first(&greeters));
    ck_assert_int_eq(ms_greeters_deadline(&greeters), MS_TIME_NEVER);
    for (ms_peer peer = 1; peer <= 100; peer++) {
        ck_assert(add(peer, (ms_time)peer));
    }
    ck_assert(ms_greeters_drop(&greeters, 40)); /* in the midst */
    ck_assert(!ms_greeters_drop(&greeters, 40));
    for (ms_peer peer = 1; peer <= 100; peer++) {
        if (peer != 40) {
            ck_assert_uint_eq(ms_greeters_first(&greeters)->peer, peer);
            ck_assert_int_eq(ms_greeters_deadline(&greeters), (ms_time)peer);
            ck_assert(ms_greeters_drop(&greeters, peer));
        }
    }
    ck_assert_ptr_null(ms_greeters_first(&greeters));
    ck_assert(!ms_greeters_drop(&greeters, 1));
}
END_TEST

START_TEST(test_there_is_an_end_to_them)
{
    for (ms_peer peer = 1; peer <= MS_GREETERS_MAX; peer++) {
        ck_assert(add(peer, 0));
    }
    ck_assert(!add(MS_GREETERS_MAX + 1, 0));
    ck_assert(ms_greeters_drop(&greeters, 1));
    ck_assert(add(MS_GREETERS_MAX + 1, 0));
    ck_assert_uint_eq(ms_greeters_first(&greeters)->peer, 2);
}
END_TEST

START_TEST(test_a_newcomer_is_taken_once)
{
    struct ms_uuid nonce = {{0}};

    ck_assert(!ms_greeters_take_newcomer(&greeters, 1, &nonce));
    for (ms_peer peer = 1; peer <= MS_PARKED_MAX; peer++) {
        ck_assert(ms_greeters_opened(&greeters, peer, &(struct ms_uuid){{(uint8_t)peer}}));
    }
    ck_assert(
        !ms_greeters_opened(&greeters, MS_PARKED_MAX + 1, &(struct ms_uuid){{1}})); /* too many */
    ck_assert(ms_greeters_take_newcomer(&greeters, 7, &nonce));
    ck_assert_uint_eq(nonce.bytes[0], 7);
    ck_assert(!ms_greeters_take_newcomer(&greeters, 7, &nonce));
    ck_assert(!ms_greeters_take_newcomer(&greeters, MS_PARKED_MAX + 1, &nonce));
    ck_assert(ms_greeters_take_newcomer(&greeters, MS_PARKED_MAX, &nonce));
}
END_TEST

START_TEST(test_many_newcomers_leave_in_any_order)
{
    struct ms_uuid nonce;

    for (ms_peer peer = 1; peer <= 1000; peer++) {
        ck_assert(ms_greeters_opened(&greeters, peer,
                                     &(struct ms_uuid){{(uint8_t)peer, (uint8_t)(peer >> 8)}}));
    }
    for (ms_peer step = 0; step < 1000; step++) { /* 7 and 1000 have no factor in common */
        const ms_peer peer = step * 7 % 1000 + 1;

        ck_assert(ms_greeters_take_newcomer(&greeters, peer, &nonce));
        ck_assert_uint_eq(nonce.bytes[0] + 256u * nonce.bytes[1], peer);
    }
    ck_assert_uint_eq(greeters.newcomers_count, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("greeters");
    TCase *all = tcase_create("all");

    tcase_add_checked_fixture(all, set_up, tear_down);
    tcase_set_timeout(all, 60); /* there are many */
    tcase_add_test(all, test_who_came_first_is_first);
    tcase_add_test(all, test_there_is_an_end_to_them);
    tcase_add_test(all, test_a_newcomer_is_taken_once);
    tcase_add_test(all, test_many_newcomers_leave_in_any_order);
    suite_add_tcase(suite, all);
    return run_suite(suite);
}
