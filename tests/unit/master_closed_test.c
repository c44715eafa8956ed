/* Closed numbers: a floor, and bits above it. */
#include "core/rng.h"
#include "master/closed.h"
#include "master_script.h"

static struct ms_slab slab;

static void begin(struct ms_closed *closed)
{
    ms_slab_init(&slab, 64u << 20);
    ms_closed_init(closed, 1);
}

static void end(struct ms_closed *closed)
{
    ms_closed_finish(closed, &slab);
    ck_assert_uint_eq(ms_slab_used(&slab), 0);
    ms_slab_finish(&slab);
}

START_TEST(in_order_it_is_only_a_floor)
{
    struct ms_closed closed;

    begin(&closed);
    for (uint64_t seq = 1; seq <= 10000; seq++) {
        ck_assert(!ms_closed_has(&closed, seq));
        ck_assert(ms_closed_add(&closed, &slab, seq));
    }
    ck_assert_uint_eq(closed.floor, 10000);
    ck_assert_uint_eq(ms_slab_used(&slab), 0);
    end(&closed);
}
END_TEST

START_TEST(a_gap_holds_the_floor_until_it_closes)
{
    struct ms_closed closed;

    begin(&closed);
    for (uint64_t seq = 2; seq <= 100000; seq++) {
        ck_assert(ms_closed_add(&closed, &slab, seq));
    }
    ck_assert_uint_eq(closed.floor, 0);
    ck_assert(!ms_closed_has(&closed, 1));
    ck_assert(ms_closed_has(&closed, 2) && ms_closed_has(&closed, 100000));
    ck_assert(!ms_closed_has(&closed, 100001));
    ck_assert_uint_lt(ms_slab_used(&slab), 16384);
    ck_assert(ms_closed_add(&closed, &slab, 1));
    ck_assert_uint_eq(closed.floor, 100000);
    ck_assert_uint_eq(ms_slab_used(&slab), 0);
    end(&closed);
}
END_TEST

START_TEST(any_order_gives_the_same_answers)
{
    enum { COUNT = 20000 };
    static uint64_t order[COUNT];
    static bool is_closed[COUNT + 1];
    struct ms_closed closed;
    struct ms_rng rng;

    begin(&closed);
    ms_rng_init(&rng, 42);
    for (uint64_t i = 0; i < COUNT; i++) {
        uint64_t at = ms_rng_below(&rng, i + 1);

        order[i] = order[at];
        order[at] = i + 1;
    }
    for (uint64_t i = 0; i < COUNT; i++) {
        ck_assert(ms_closed_has(&closed, order[i]) == is_closed[order[i]]);
        ck_assert(ms_closed_add(&closed, &slab, order[i]));
        ck_assert(ms_closed_add(&closed, &slab, order[i]));
        is_closed[order[i]] = true;
        uint64_t probe = 1 + ms_rng_below(&rng, COUNT);
        ck_assert(ms_closed_has(&closed, probe) == is_closed[probe]);
    }
    ck_assert_uint_eq(closed.floor, COUNT);
    end(&closed);
}
END_TEST

START_TEST(raising_forgets_what_is_below)
{
    struct ms_closed closed;

    begin(&closed);
    ck_assert(ms_closed_add(&closed, &slab, 5));
    ck_assert(ms_closed_add(&closed, &slab, 50000));
    ms_closed_raise(&closed, &slab, 3);
    ck_assert_uint_eq(closed.floor, 3);
    ms_closed_raise(&closed, &slab, 4);
    ck_assert_uint_eq(closed.floor, 5);
    ms_closed_raise(&closed, &slab, 2);
    ck_assert_uint_eq(closed.floor, 5);
    ms_closed_raise(&closed, &slab, 49999);
    ck_assert_uint_eq(closed.floor, 50000);
    ms_closed_raise(&closed, &slab, UINT64_MAX);
    ck_assert(ms_closed_has(&closed, UINT64_MAX));
    end(&closed);
}
END_TEST

START_TEST(scattered_numbers_are_bounded)
{
    struct ms_closed closed;

    begin(&closed);
    for (uint64_t i = 1; i <= MS_CLOSED_CHUNKS_MAX; i++) {
        ck_assert(!ms_closed_is_full(&closed));
        ck_assert(ms_closed_add(&closed, &slab, i * 4096));
    }
    ck_assert(ms_closed_is_full(&closed));
    ck_assert(!ms_closed_add(&closed, &slab, (uint64_t)1 << 60));
    ck_assert(ms_closed_add(&closed, &slab, 4097));
    end(&closed);
}
END_TEST

TESTS(in_order_it_is_only_a_floor, a_gap_holds_the_floor_until_it_closes,
      any_order_gives_the_same_answers, raising_forgets_what_is_below,
      scattered_numbers_are_bounded)
