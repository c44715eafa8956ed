/* Groups and labels: copies that stand alone. */
#include "master/traits.h"
#include "master_script.h"

static const char *const labels[] = {"gpu", "zone=a", "ssd"};
static const struct ms_traits slave = {.group = "blue", .labels = labels, .labels_count = 3};

START_TEST(copies_are_equal_and_stand_alone)
{
    char group[] = "g", label[] = "l";
    const char *const list[] = {label};
    const struct ms_traits traits = {group, list, 1};
    struct ms_traits *copy = ms_traits_copy(&traits);

    ck_assert_ptr_nonnull(copy);
    ck_assert(ms_traits_equal(copy, &traits));
    label[0] = 'x';
    ck_assert(!ms_traits_equal(copy, &traits));
    ck_assert_str_eq(copy->labels[0], "l");
    label[0] = 'l';
    group[0] = 'x';
    ck_assert(!ms_traits_equal(copy, &traits));
    free(copy);
    copy = ms_traits_copy(&(struct ms_traits){.group = ""});
    ck_assert(ms_traits_equal(copy, &(struct ms_traits){.group = ""}));
    ck_assert(!ms_traits_equal(copy, &slave));
    free(copy);
}
END_TEST

TESTS(copies_are_equal_and_stand_alone)
