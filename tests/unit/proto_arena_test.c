#include "proto/arena.h"

#include <check.h>
#include <stdlib.h>

static struct ms_arena arena;

static void setup(void)
{
    ms_arena_init(&arena);
}

static void teardown(void)
{
    ms_arena_finish(&arena);
}

START_TEST(test_memory_is_zeroed_and_aligned)
{
    ms_arena_begin(&arena, 1000);
    for (unsigned round = 0; round < 3; round++) {
        for (size_t size = 0; size < 100; size++) {
            uint8_t *taken = ms_arena_take(&arena, size);
            ck_assert_ptr_nonnull(taken);
            ck_assert_uint_eq((uintptr_t)taken % 16, 0);
            for (size_t i = 0; i < size; i++) {
                ck_assert_uint_eq(taken[i], 0);
            }
            memset(taken, 0xff, size);
        }
        ms_arena_begin(&arena, 1000); /* the same memory again */
    }
}
END_TEST

START_TEST(test_budget_follows_the_frame)
{
    const size_t budget = 10 * MS_DECODE_FACTOR + MS_DECODE_SLACK;

    ms_arena_begin(&arena, 10);
    ck_assert_ptr_nonnull(ms_arena_take(&arena, budget));
    ck_assert_ptr_null(ms_arena_take(&arena, 1));
    ck_assert_int_eq(arena.error, MS_E_BUDGET);
    ms_arena_begin(&arena, 10);
    ck_assert_int_eq(arena.error, MS_E_OK);
    ck_assert_ptr_null(ms_arena_take(&arena, budget + 1));
    ck_assert_int_eq(arena.error, MS_E_BUDGET);
    ms_arena_begin(&arena, 10);
    ck_assert_ptr_null(ms_arena_take(&arena, SIZE_MAX));
    ck_assert_int_eq(arena.error, MS_E_BUDGET);
}
END_TEST

START_TEST(test_budget_has_a_ceiling)
{
    ms_arena_begin(&arena, SIZE_MAX);
    ck_assert_uint_eq(arena.budget, MS_DECODE_BYTES_MAX);
    ms_arena_begin(&arena, MS_DECODE_BYTES_MAX / MS_DECODE_FACTOR - 1);
    ck_assert_uint_eq(arena.budget, MS_DECODE_BYTES_MAX);
}
END_TEST

START_TEST(test_allocations_are_counted)
{
    ms_arena_begin(&arena, 1 << 20);
    for (uint32_t i = 0; i < MS_DECODE_ALLOCATIONS_MAX; i++) {
        ck_assert_ptr_nonnull(ms_arena_take(&arena, 1));
    }
    ck_assert_ptr_null(ms_arena_take(&arena, 1));
    ck_assert_int_eq(arena.error, MS_E_BUDGET);
}
END_TEST

START_TEST(test_large_blocks_go_back)
{
    ms_arena_begin(&arena, 1 << 20);
    ck_assert_ptr_nonnull(ms_arena_take(&arena, 1 << 20));
    ck_assert_ptr_nonnull(ms_arena_take(&arena, 1 << 20));
    ms_arena_begin(&arena, 10);
    ck_assert_ptr_null(arena.blocks);
    ck_assert_ptr_nonnull(ms_arena_take(&arena, 1));
    const struct ms_arena_block *kept = arena.blocks;
    ms_arena_begin(&arena, 10);
    ck_assert_ptr_eq(arena.blocks, kept);
}
END_TEST

START_TEST(test_it_serves_protobuf_c)
{
    ms_arena_begin(&arena, 1);
    void *taken = arena.allocator.alloc(arena.allocator.allocator_data, 8);
    ck_assert_ptr_nonnull(taken);
    arena.allocator.free(arena.allocator.allocator_data, taken);
    ck_assert_uint_eq(arena.allocations, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("proto_arena");
    TCase *tcase = tcase_create("arena");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, test_memory_is_zeroed_and_aligned);
    tcase_add_test(tcase, test_budget_follows_the_frame);
    tcase_add_test(tcase, test_budget_has_a_ceiling);
    tcase_add_test(tcase, test_allocations_are_counted);
    tcase_add_test(tcase, test_large_blocks_go_back);
    tcase_add_test(tcase, test_it_serves_protobuf_c);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    const int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
