#include "core/pool.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "core/rng.h"

#define OBJECTS 500

struct object {
    uint64_t number;
    char rest[41];
};

struct slot {
    struct object *object;
    ms_handle handle;
    ms_handle stale;
    uint64_t number;
};

static void take(struct ms_pool *pool, struct slot *slot, uint64_t number)
{
    static const struct object blank;

    slot->object = ms_pool_take(pool);
    ck_assert_ptr_nonnull(slot->object);
    ck_assert_mem_eq(slot->object, &blank, sizeof blank);
    memset(slot->object, 0xab, sizeof *slot->object);
    slot->object->number = slot->number = number;
    slot->handle = ms_pool_handle(pool, slot->object);
    ck_assert_uint_ne(slot->handle, MS_HANDLE_NONE);
}

static void check_walk(const struct ms_pool *pool, const struct slot *slots, uint32_t used)
{
    uint32_t cursor = 0, seen = 0;

    for (struct object *object; (object = ms_pool_next(pool, &cursor)) != NULL; seen++) {
        const uint32_t index = ms_pool_index(pool, object);

        ck_assert_ptr_eq(ms_pool_at(pool, index), object);
        ck_assert_uint_eq(index, cursor - 1);
    }
    ck_assert_uint_eq(seen, used);
    for (int i = 0; i < OBJECTS; i++) {
        if (slots[i].object != NULL) {
            ck_assert_ptr_eq(ms_pool_get(pool, slots[i].handle), slots[i].object);
            ck_assert_uint_eq(slots[i].object->number, slots[i].number);
        }
        ck_assert_ptr_null(ms_pool_get(pool, slots[i].stale));
    }
}

START_TEST(agrees_with_naive_model)
{
    for (uint64_t seed = 0; seed < 10; seed++) {
        struct slot slots[OBJECTS] = {0};
        struct ms_pool pool;
        struct ms_rng rng;
        uint32_t used = 0;

        ms_rng_init(&rng, seed);
        ck_assert(ms_pool_init(&pool, sizeof(struct object), OBJECTS));
        for (uint64_t step = 0; step < 5000; step++) {
            struct slot *slot = &slots[ms_rng_below(&rng, OBJECTS)];

            if (slot->object == NULL) {
                take(&pool, slot, step);
                used++;
            } else {
                ms_pool_give(&pool, slot->object);
                slot->stale = slot->handle;
                slot->object = NULL;
                used--;
            }
            ck_assert_uint_eq(ms_pool_used(&pool), used);
            ck_assert_uint_eq(ms_pool_free(&pool), OBJECTS - used);
            if (step % 100 == 0) {
                check_walk(&pool, slots, used);
            }
        }
        check_walk(&pool, slots, used);
        ms_pool_finish(&pool);
    }
}
END_TEST

START_TEST(objects_are_aligned_and_never_move)
{
    static unsigned char *objects[40000];
    struct ms_pool pool;

    ck_assert(ms_pool_init(&pool, 33, 40000));
    for (size_t i = 0; i < 40000; i++) {
        objects[i] = ms_pool_take(&pool);
        ck_assert_ptr_nonnull(objects[i]);
        ck_assert_uint_eq((uintptr_t)objects[i] % 16, 0);
        memset(objects[i], (int)(i % 251), 33);
    }
    ck_assert_ptr_null(ms_pool_take(&pool));
    for (size_t i = 0; i < 40000; i++) {
        ck_assert_uint_eq(objects[i][0], i % 251);
        ck_assert_uint_eq(objects[i][32], i % 251);
        ck_assert_ptr_eq(ms_pool_at(&pool, (uint32_t)i), objects[i]);
    }
    ms_pool_finish(&pool);
}
END_TEST

START_TEST(max_is_exact)
{
    for (uint32_t max = 1; max < 40; max++) {
        struct ms_pool pool;
        void *object = NULL;

        ck_assert(ms_pool_init(&pool, 40000, max));
        ck_assert_uint_eq(ms_pool_capacity(&pool), max);
        for (uint32_t i = 0; i < max; i++) {
            object = ms_pool_take(&pool);
            ck_assert_ptr_nonnull(object);
        }
        ck_assert_ptr_null(ms_pool_take(&pool));
        ms_pool_give(&pool, object);
        ck_assert_ptr_eq(ms_pool_take(&pool), object);
        ms_pool_finish(&pool);
    }
}
END_TEST

START_TEST(any_number_is_a_legal_handle)
{
    struct ms_pool pool, blank = {0};
    struct ms_rng rng;

    ck_assert(ms_pool_init(&pool, 8, 1000));
    void *object = ms_pool_take(&pool);

    ms_rng_init(&rng, 1);
    for (int i = 0; i < 100000; i++) {
        const ms_handle handle = ms_rng_next(&rng) >> ms_rng_below(&rng, 64);
        void *got = ms_pool_get(&pool, handle);

        ck_assert(got == NULL || (got == object && handle == ms_pool_handle(&pool, object)));
        ck_assert_ptr_null(ms_pool_get(&blank, handle));
    }
    ck_assert_ptr_null(ms_pool_get(&pool, MS_HANDLE_NONE));
    ck_assert_ptr_null(ms_pool_get(&pool, UINT64_MAX));
    ck_assert_ptr_null(ms_pool_at(&pool, UINT32_MAX));
    ms_pool_finish(&pool);
    ms_pool_finish(&blank);
    ms_pool_finish(NULL);
}
END_TEST

START_TEST(giving_twice_aborts)
{
    struct ms_pool pool;

    ck_assert(ms_pool_init(&pool, 8, 10));
    void *object = ms_pool_take(&pool);

    ms_pool_give(&pool, object);
    ms_pool_give(&pool, object);
}
END_TEST

START_TEST(giving_to_another_pool_aborts)
{
    struct ms_pool pool, other;

    ck_assert(ms_pool_init(&pool, 8, 10));
    ck_assert(ms_pool_init(&other, 8, 10));
    ms_pool_take(&other);
    ms_pool_give(&other, ms_pool_take(&pool));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("core_pool");
    TCase *tests = tcase_create("pool");

    tcase_add_test(tests, agrees_with_naive_model);
    tcase_add_test(tests, objects_are_aligned_and_never_move);
    tcase_add_test(tests, max_is_exact);
    tcase_add_test(tests, any_number_is_a_legal_handle);
    tcase_add_test_raise_signal(tests, giving_twice_aborts, SIGABRT);
    tcase_add_test_raise_signal(tests, giving_to_another_pool_aborts, SIGABRT);
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);

    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
