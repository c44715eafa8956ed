#include "core/heap.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>

#include "core/rng.h"

#define ITEMS 300

struct item {
    struct ms_heap_node node;
    int64_t key;
    uint64_t stamp; /* when the key was set; the model's tie-break */
    bool is_in;
};

/* What a naive search calls the smallest. */
static struct item *model_min(struct item *items)
{
    struct item *min = NULL;

    for (int i = 0; i < ITEMS; i++) {
        struct item *item = &items[i];

        if (item->is_in && (min == NULL || item->key < min->key ||
                            (item->key == min->key && item->stamp < min->stamp))) {
            min = item;
        }
    }
    return min;
}

static void change(struct ms_heap *heap, struct item *item, struct ms_rng *rng, uint64_t stamp)
{
    /* Few keys, so that ties are common. */
    const int64_t key = ms_rng_between(rng, -20, 20);

    if (!item->is_in) {
        ck_assert(ms_heap_push(heap, &item->node, key));
    } else if (ms_rng_chance(rng, 1, 2)) {
        ms_heap_remove(heap, &item->node);
        item->is_in = false;
        return;
    } else {
        ms_heap_update(heap, &item->node, key);
    }
    item->key = key;
    item->stamp = stamp;
    item->is_in = true;
}

START_TEST(agrees_with_naive_model)
{
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct item items[ITEMS] = {0};
        struct ms_heap heap;
        struct ms_rng rng;
        uint32_t count = 0;

        ms_rng_init(&rng, seed);
        ms_heap_init(&heap, ITEMS);
        for (uint64_t step = 0; step < 3000; step++) {
            struct item *item = &items[ms_rng_below(&rng, ITEMS)];
            struct item *min;

            change(&heap, item, &rng, step);
            min = model_min(items);
            ck_assert_ptr_eq(ms_heap_peek(&heap), min == NULL ? NULL : &min->node);
            ck_assert_int_eq(ms_heap_min(&heap), min == NULL ? INT64_MAX : min->key);
            ck_assert_int_eq(ms_heap_has(&item->node), item->is_in);
            ck_assert(!item->is_in || ms_heap_key(&heap, &item->node) == item->key);
        }
        for (int i = 0; i < ITEMS; i++) {
            count += items[i].is_in ? 1 : 0;
        }
        ck_assert_uint_eq(ms_heap_count(&heap), count);
        for (struct item *min = model_min(items); min != NULL; min = model_min(items)) {
            ck_assert_ptr_eq(ms_heap_pop(&heap), &min->node);
            min->is_in = false;
        }
        ck_assert_ptr_null(ms_heap_pop(&heap));
        ms_heap_finish(&heap);
    }
}
END_TEST

START_TEST(equal_keys_leave_in_order_of_insertion)
{
    struct ms_heap_node nodes[100] = {0};
    struct ms_heap heap;

    ms_heap_init(&heap, 100);
    for (int i = 0; i < 100; i++) {
        ck_assert(ms_heap_push(&heap, &nodes[i], 7));
    }
    ms_heap_update(&heap, &nodes[0], 7);
    for (int i = 1; i < 100; i++) {
        ck_assert_ptr_eq(ms_heap_pop(&heap), &nodes[i]);
    }
    ck_assert_ptr_eq(ms_heap_pop(&heap), &nodes[0]);
    ms_heap_finish(&heap);
}
END_TEST

START_TEST(max_refuses_and_changes_nothing)
{
    struct ms_heap_node nodes[21] = {0};
    struct ms_heap heap;

    ms_heap_init(&heap, 20);
    for (int i = 0; i < 20; i++) {
        ck_assert(ms_heap_push(&heap, &nodes[i], i));
    }
    ck_assert(!ms_heap_push(&heap, &nodes[20], -1));
    ck_assert(!ms_heap_has(&nodes[20]));
    ck_assert_int_eq(ms_heap_min(&heap), 0);
    ck_assert_ptr_eq(ms_heap_pop(&heap), &nodes[0]);
    ck_assert(ms_heap_push(&heap, &nodes[20], -1));
    ck_assert_int_eq(ms_heap_min(&heap), -1);
    ms_heap_finish(&heap);
}
END_TEST

START_TEST(finish_accepts_nothing)
{
    struct ms_heap heap = {0};

    ms_heap_finish(NULL);
    ms_heap_finish(&heap);
    ck_assert_ptr_null(heap.slots);
}
END_TEST

START_TEST(pushing_twice_aborts)
{
    struct ms_heap_node node = {0};
    struct ms_heap heap;

    ms_heap_init(&heap, 2);
    ms_heap_push(&heap, &node, 1);
    ms_heap_push(&heap, &node, 2);
}
END_TEST

START_TEST(removing_from_another_heap_aborts)
{
    struct ms_heap_node nodes[2] = {0};
    struct ms_heap heap, other;

    ms_heap_init(&heap, 2);
    ms_heap_init(&other, 2);
    ms_heap_push(&heap, &nodes[0], 1);
    ms_heap_push(&other, &nodes[1], 1);
    ms_heap_remove(&other, &nodes[0]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("core_heap");
    TCase *tests = tcase_create("heap");

    tcase_add_test(tests, agrees_with_naive_model);
    tcase_add_test(tests, equal_keys_leave_in_order_of_insertion);
    tcase_add_test(tests, max_refuses_and_changes_nothing);
    tcase_add_test(tests, finish_accepts_nothing);
    tcase_add_test_raise_signal(tests, pushing_twice_aborts, SIGABRT);
    tcase_add_test_raise_signal(tests, removing_from_another_heap_aborts, SIGABRT);
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);

    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
