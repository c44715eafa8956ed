/* Tokens: rising, found, void when removed, however long some attempts take. */
#include "master/leases.h"
#include "master/work.h"
#include "master_script.h"

START_TEST(tokens_rise_and_name_their_work)
{
    struct ms_leases leases;
    struct ms_work works[3] = {0};

    ck_assert(ms_leases_init(&leases));
    for (size_t i = 0; i < 3; i++) {
        ck_assert(ms_leases_add(&leases, &works[i]));
        ck_assert_uint_eq(works[i].token, i + 1);
    }
    ck_assert_ptr_eq(ms_leases_find(&leases, 2), &works[1]);
    ms_leases_remove(&leases, &works[1]);
    ck_assert_uint_eq(works[1].token, 0);
    ck_assert_ptr_null(ms_leases_find(&leases, 2));
    ck_assert_ptr_null(ms_leases_find(&leases, 0));
    ck_assert_ptr_null(ms_leases_find(&leases, UINT64_MAX));
    ck_assert_uint_eq(leases.count, 2);
    ms_leases_finish(&leases);
}
END_TEST

START_TEST(a_long_attempt_keeps_its_place)
{
    struct ms_leases leases;
    struct ms_work old = {0};
    struct ms_work work = {0};

    ck_assert(ms_leases_init(&leases));
    ck_assert(ms_leases_add(&leases, &old));
    for (int i = 0; i < 100000; i++) {
        uint64_t last = leases.last;

        ck_assert(ms_leases_add(&leases, &work));
        ck_assert_uint_gt(work.token, last);
        ck_assert_ptr_eq(ms_leases_find(&leases, 1), &old);
        ms_leases_remove(&leases, &work);
    }
    ck_assert_uint_le(leases.mask, 1023);
    ms_leases_finish(&leases);
}
END_TEST

START_TEST(many_at_a_time)
{
    enum { COUNT = 100000 };
    struct ms_leases leases;
    struct ms_work *works = calloc(COUNT, sizeof *works);

    ck_assert(ms_leases_init(&leases));
    for (size_t i = 0; i < COUNT; i++) {
        ck_assert(ms_leases_add(&leases, &works[i]));
    }
    for (size_t i = 0; i < COUNT; i++) {
        ck_assert_ptr_eq(ms_leases_find(&leases, works[i].token), &works[i]);
    }
    ms_leases_finish(&leases);
    ms_leases_finish(NULL);
    free(works);
}
END_TEST

TESTS(tokens_rise_and_name_their_work, a_long_attempt_keeps_its_place, many_at_a_time)
