#include "core/slab.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "core/rng.h"

#define BLOCKS 400

struct taken {
    unsigned char *block;
    size_t size;
    int mark;
};

/* Mostly small, sometimes beyond the largest class. */
static size_t random_size(struct ms_rng *rng)
{
    return (size_t)ms_rng_below(rng, UINT64_C(1) << ms_rng_between(rng, 0, 15));
}

static void take(struct ms_slab *slab, struct taken *taken, size_t size, int mark)
{
    *taken = (struct taken){ms_slab_take(slab, size), size, mark};
    ck_assert_ptr_nonnull(taken->block);
    ck_assert_uint_eq((uintptr_t)taken->block % 16, 0);
    memset(taken->block, mark, size);
}

static void give(struct ms_slab *slab, struct taken *taken)
{
    size_t wrong = 0;

    for (size_t i = 0; i < taken->size; i++) {
        wrong += taken->block[i] != taken->mark ? 1 : 0;
    }
    ck_assert_uint_eq(wrong, 0);
    ms_slab_give(slab, taken->block, taken->size);
    taken->block = NULL;
}

START_TEST(blocks_never_overlap_and_counts_agree)
{
    for (uint64_t seed = 0; seed < 10; seed++) {
        struct taken taken[BLOCKS] = {0};
        size_t used = 0, blocks = 0;
        struct ms_slab slab;
        struct ms_rng rng;

        ms_rng_init(&rng, seed);
        ms_slab_init(&slab, 1u << 30);
        for (int step = 0; step < 8000; step++) {
            struct taken *one = &taken[ms_rng_below(&rng, BLOCKS)];

            if (one->block == NULL) {
                take(&slab, one, random_size(&rng), step & 0xff);
                used += ms_slab_cost(one->size);
                blocks++;
            } else {
                used -= ms_slab_cost(one->size);
                blocks--;
                give(&slab, one);
            }
            ck_assert_uint_eq(ms_slab_used(&slab), used);
            ck_assert_uint_eq(slab.blocks, blocks);
            ck_assert_uint_ge(ms_slab_reserved(&slab), used);
        }
        for (int i = 0; i < BLOCKS; i++) {
            if (taken[i].block != NULL) {
                give(&slab, &taken[i]);
            }
        }
        ck_assert_uint_eq(ms_slab_used(&slab), 0);
        ms_slab_finish(&slab);
    }
}
END_TEST

START_TEST(cost_is_close_and_monotonic)
{
    size_t before = 0;

    for (size_t size = 0; size <= MS_SLAB_BLOCK_MAX + 10; size++) {
        const size_t cost = ms_slab_cost(size);

        ck_assert_uint_ge(cost, size);
        ck_assert_uint_ge(cost, before);
        if (size > 128) {
            ck_assert_uint_le(cost - size, cost / 5);
        } else {
            ck_assert_uint_lt(cost - size, 17);
        }
        if (size > 0) {
            ck_assert_uint_eq(ms_slab_cost(cost), cost);
        }
        before = cost;
    }
}
END_TEST

START_TEST(max_refuses)
{
    struct ms_slab slab;

    ms_slab_init(&slab, 100000);
    void *large = ms_slab_take(&slab, 90000);

    ck_assert_ptr_nonnull(large);
    ck_assert_ptr_null(ms_slab_take(&slab, 10001));
    ck_assert_ptr_null(ms_slab_take(&slab, SIZE_MAX));
    void *small = ms_slab_take(&slab, 8192);

    ck_assert_ptr_nonnull(small);
    ck_assert_ptr_null(ms_slab_take(&slab, 2000));
    ms_slab_give(&slab, large, 90000);
    ms_slab_give(&slab, small, 8192);
    ck_assert_uint_eq(ms_slab_used(&slab), 0);
    ms_slab_finish(&slab);
}
END_TEST

START_TEST(memory_of_one_size_serves_another)
{
    static void *blocks[64000];
    struct ms_slab slab;
    size_t reserved = 0;

    ms_slab_init(&slab, 1u << 30);
    for (size_t size = 64; size <= 4096; size *= 2) {
        const size_t count = ((size_t)4 << 20) / size * 8 / 10;

        ck_assert_uint_le(count, 64000);
        for (size_t i = 0; i < count; i++) {
            blocks[i] = ms_slab_take(&slab, size);
            ck_assert_ptr_nonnull(blocks[i]);
        }
        if (reserved == 0) {
            reserved = ms_slab_reserved(&slab);
        }
        ck_assert_uint_eq(ms_slab_reserved(&slab), reserved);
        for (size_t i = 0; i < count; i++) {
            ms_slab_give(&slab, blocks[i], size);
        }
    }
    ms_slab_finish(&slab);
}
END_TEST

START_TEST(copy_copies_and_nothing_is_harmless)
{
    struct ms_slab slab, blank = {.max = 0};

    ms_slab_init(&slab, 1000);
    char *copy = ms_slab_copy(&slab, "hello", 6);
    void *empty = ms_slab_copy(&slab, NULL, 0);

    ck_assert_str_eq(copy, "hello");
    ck_assert_ptr_nonnull(empty);
    ms_slab_give(&slab, NULL, 5);
    ms_slab_give(&slab, empty, 0);
    ms_slab_give(&slab, copy, 6);
    ms_slab_finish(&slab);
    ms_slab_finish(&blank);
    ms_slab_finish(NULL);
}
END_TEST

START_TEST(wrong_size_aborts)
{
    struct ms_slab slab;

    ms_slab_init(&slab, 1000);
    void *block = ms_slab_take(&slab, 64);

    ms_slab_give(&slab, block, 48);
}
END_TEST

START_TEST(giving_the_last_block_twice_aborts)
{
    struct ms_slab slab;

    ms_slab_init(&slab, 1000);
    void *block = ms_slab_take(&slab, 64);

    ms_slab_give(&slab, block, 64);
    ms_slab_give(&slab, block, 64);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("core_slab");
    TCase *tests = tcase_create("slab");

    tcase_add_test(tests, blocks_never_overlap_and_counts_agree);
    tcase_add_test(tests, cost_is_close_and_monotonic);
    tcase_add_test(tests, max_refuses);
    tcase_add_test(tests, memory_of_one_size_serves_another);
    tcase_add_test(tests, copy_copies_and_nothing_is_harmless);
    tcase_add_test_raise_signal(tests, wrong_size_aborts, SIGABRT);
    tcase_add_test_raise_signal(tests, giving_the_last_block_twice_aborts, SIGABRT);
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);

    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
