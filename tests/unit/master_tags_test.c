#include "master/tags.h"

#include <stdio.h>

#include "tests/support/suite.h"

static struct ms_tagging tagging;

static void setup(void)
{
    ms_tagging_init(&tagging, 1);
}

static void teardown(void)
{
    ms_tagging_finish(&tagging);
}

static struct ms_hello hello_of(const char *group, const char *first, const char *second)
{
    struct ms_hello hello = {.role = MS_ROLE_SLAVE, .build = "1.0"};

    snprintf(hello.group, sizeof hello.group, "%s", group);
    if (first != NULL) {
        snprintf(hello.labels[hello.labels_count++], sizeof hello.labels[0], "%s", first);
    }
    if (second != NULL) {
        snprintf(hello.labels[hello.labels_count++], sizeof hello.labels[0], "%s", second);
    }
    return hello;
}

static const struct ms_tags *take(const char *group, const char *first, const char *second)
{
    const struct ms_hello hello = hello_of(group, first, second);

    return ms_tagging_take(&tagging, &hello);
}

START_TEST(test_same_words_are_one_set)
{
    const struct ms_tags *a = take("g", "gpu", "zone=b");
    const size_t bytes = tagging.bytes;
    const struct ms_tags *b = take("g", "zone=b", "gpu"); /* in whatever order */
    const struct ms_tags *c = take("g", "gpu", "gpu");
    const struct ms_tags *d = take("h", "gpu", "zone=b");
    const struct ms_tags *e = take("", NULL, NULL);

    ck_assert_ptr_eq(a, b);
    ck_assert_uint_eq(a->users_count, 2);
    ck_assert_ptr_ne(a, c);
    ck_assert_ptr_ne(a, d);
    ck_assert_uint_gt(tagging.bytes, bytes);
    ck_assert_str_eq(a->group, "g");
    ck_assert_str_eq(a->build, "1.0");
    ck_assert_uint_eq(a->labels.count, 2);
    ck_assert_str_eq(a->labels.words[0], "gpu");
    ck_assert_str_eq(a->labels.words[1], "zone=b");
    ck_assert_uint_eq(c->labels.count, 1);
    ck_assert_uint_eq(e->labels.count, 0);
    ck_assert_str_eq(e->group, "");
    ck_assert(ms_labels_have(&a->labels, "gpu"));
    ck_assert(!ms_labels_have(&a->labels, "zone"));
    ck_assert(!ms_labels_have(&e->labels, "gpu"));
    ms_tagging_give(&tagging, a);
    ck_assert_ptr_eq(take("g", "gpu", "zone=b"), b);
    ms_tagging_give(&tagging, b);
    ms_tagging_give(&tagging, b);
    ms_tagging_give(&tagging, c);
    ms_tagging_give(&tagging, d);
    ms_tagging_give(&tagging, e);
    ms_tagging_give(&tagging, NULL);
    ck_assert_uint_eq(tagging.bytes, 0);
}
END_TEST

START_TEST(test_words_do_not_run_together)
{
    const struct ms_tags *a = take("g", "ab", "c");
    const struct ms_tags *b = take("g", "a", "bc");

    ck_assert_ptr_ne(a, b);
    ms_tagging_give(&tagging, a);
    ms_tagging_give(&tagging, b);
}
END_TEST

/* A crowd of slaves without labels costs what one does; one that invents words without end meets a bound. */
START_TEST(test_bounded)
{
    const struct ms_tags *one = take("g", NULL, NULL);
    const size_t bytes = tagging.bytes;

    for (uint32_t i = 0; i < 100000; i++) {
        ck_assert_ptr_eq(take("g", NULL, NULL), one);
    }
    ck_assert_uint_eq(tagging.bytes, bytes);
    for (uint32_t i = 0; i <= 100000; i++) {
        ms_tagging_give(&tagging, one);
    }
    ck_assert_uint_eq(tagging.bytes, 0);
    tagging.bytes = MS_TAGS_BYTES_MAX - 1;
    ck_assert_ptr_null(take("g", NULL, NULL));
    tagging.bytes = 0;
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("master_tags");
    TCase *tests = tcase_create("tags");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_same_words_are_one_set);
    tcase_add_test(tests, test_words_do_not_run_together);
    tcase_add_test(tests, test_bounded);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
