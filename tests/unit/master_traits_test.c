/* Groups and labels: who meets what is wanted, and copies that stand alone. */
#include "master/traits.h"
#include "master_script.h"

static const char *const labels[] = {"gpu", "zone=a", "ssd"};
static const struct ms_traits slave = {.group = "blue", .labels = labels, .labels_count = 3};

static bool meets(const char *group, const char *label)
{
    const char *const wanted[] = {label};

    return ms_traits_meet(
        &(struct ms_traits){.group = group, .labels = wanted, .labels_count = label != NULL},
        &slave);
}

START_TEST(what_is_wanted_must_be_there)
{
    const char *const two[] = {"ssd", "gpu"};
    const char *const one_too_many[] = {"ssd", "hdd"};

    ck_assert(meets("", NULL));
    ck_assert(meets("blue", NULL));
    ck_assert(!meets("red", NULL));
    ck_assert(meets("", "zone=a"));
    ck_assert(!meets("", "zone"));
    ck_assert(!meets("red", "gpu"));
    ck_assert(ms_traits_meet(&(struct ms_traits){"", two, 2}, &slave));
    ck_assert(!ms_traits_meet(&(struct ms_traits){"", one_too_many, 2}, &slave));
    ck_assert(!ms_traits_meet(&(struct ms_traits){"blue", NULL, 0}, &(struct ms_traits){"", NULL, 0}));
}
END_TEST

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

TESTS(what_is_wanted_must_be_there, copies_are_equal_and_stand_alone)
