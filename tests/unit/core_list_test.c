#include "core/list.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>

struct item {
    int number;
    struct ms_list link;
};

static void fill(struct ms_list *list, struct item *items, int first, int count)
{
    ms_list_init(list);
    for (int i = 0; i < count; i++) {
        items[i].number = first + i;
        ms_list_init(&items[i].link);
        ms_list_push_back(list, &items[i].link);
    }
}

/* Compares the numbers forward, and the links backward. */
static void expect(const struct ms_list *list, const int *numbers, int count)
{
    const struct ms_list *link = list;

    for (int i = 0; i < count; i++) {
        ck_assert_ptr_eq(link->next->prev, link);
        link = link->next;
        ck_assert_ptr_ne(link, list);
        ck_assert_int_eq(ms_container_of(link, struct item, link)->number, numbers[i]);
    }
    ck_assert_ptr_eq(link->next, list);
    ck_assert_ptr_eq(list->prev, link);
}

START_TEST(empty_list_has_nothing)
{
    struct ms_list list;

    ms_list_init(&list);
    ck_assert(ms_list_is_empty(&list));
    ck_assert_ptr_null(ms_list_first(&list));
    ck_assert_ptr_null(ms_list_last(&list));
    ck_assert_ptr_null(ms_list_pop_front(&list));
    ms_list_rotate(&list);
    ck_assert(ms_list_is_empty(&list));
}
END_TEST

START_TEST(both_ends_keep_order)
{
    struct ms_list list;
    struct item items[4];

    fill(&list, items, 1, 3);
    items[3].number = 0;
    ms_list_init(&items[3].link);
    ms_list_push_front(&list, &items[3].link);
    expect(&list, (int[]){0, 1, 2, 3}, 4);
    ck_assert_ptr_eq(ms_list_first(&list), &items[3].link);
    ck_assert_ptr_eq(ms_list_last(&list), &items[2].link);
    ck_assert_ptr_eq(ms_list_next(&list, &items[3].link), &items[0].link);
    ck_assert_ptr_null(ms_list_next(&list, &items[2].link));
}
END_TEST

START_TEST(remove_unlinks_and_may_be_repeated)
{
    struct ms_list list;
    struct item items[3];

    fill(&list, items, 1, 3);
    ms_list_remove(&items[1].link);
    ms_list_remove(&items[1].link);
    ck_assert(!ms_list_is_linked(&items[1].link));
    ck_assert(ms_list_is_linked(&items[0].link));
    expect(&list, (int[]){1, 3}, 2);
    ck_assert_ptr_eq(ms_list_pop_front(&list), &items[0].link);
    ck_assert_ptr_eq(ms_list_pop_front(&list), &items[2].link);
    ck_assert(ms_list_is_empty(&list));
}
END_TEST

START_TEST(splice_appends_in_order)
{
    struct ms_list list, other;
    struct item items[2], others[2];

    fill(&list, items, 1, 2);
    fill(&other, others, 3, 2);
    ms_list_splice(&list, &other);
    expect(&list, (int[]){1, 2, 3, 4}, 4);
    ck_assert(ms_list_is_empty(&other));
    ms_list_splice(&list, &other);
    expect(&list, (int[]){1, 2, 3, 4}, 4);
    ms_list_splice(&other, &list);
    expect(&other, (int[]){1, 2, 3, 4}, 4);
    ck_assert(ms_list_is_empty(&list));
}
END_TEST

START_TEST(rotate_moves_first_to_end)
{
    struct ms_list list;
    struct item items[3];

    fill(&list, items, 1, 3);
    ms_list_rotate(&list);
    expect(&list, (int[]){2, 3, 1}, 3);
}
END_TEST

START_TEST(loop_allows_removal_of_current)
{
    struct ms_list list;
    struct item items[5];

    fill(&list, items, 1, 5);
    ms_list_for_each(link, &list)
    {
        if (ms_container_of(link, struct item, link)->number % 2 == 1) {
            ms_list_remove(link);
        }
    }
    expect(&list, (int[]){2, 4}, 2);
}
END_TEST

START_TEST(pushing_a_linked_element_aborts)
{
    struct ms_list list;
    struct item items[2];

    fill(&list, items, 1, 2);
    ms_list_push_back(&list, &items[0].link);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("core_list");
    TCase *tests = tcase_create("list");

    tcase_add_test(tests, empty_list_has_nothing);
    tcase_add_test(tests, both_ends_keep_order);
    tcase_add_test(tests, remove_unlinks_and_may_be_repeated);
    tcase_add_test(tests, splice_appends_in_order);
    tcase_add_test(tests, rotate_moves_first_to_end);
    tcase_add_test(tests, loop_allows_removal_of_current);
    tcase_add_test_raise_signal(tests, pushing_a_linked_element_aborts, SIGABRT);
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);

    SRunner *runner = srunner_create(suite);

    srunner_run_all(runner, CK_NORMAL);
    const int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
