/* Routes: what sections become, which one fits a type, copies, digests, and what is refused with its line. */
#include "master/routes.h"

#include "master_routes.h"
#include "master_script.h"

static const char *found(const struct ms_routes *routes, const char *type)
{
    const struct ms_route_settings *route = ms_routes_find(routes, type);

    return route != NULL ? route->pattern : "none";
}

START_TEST(the_table_is_sound)
{
    struct ms_complaint complaint;

    ck_assert_msg(ms_sections_lint(route_kinds, &complaint), "%s", complaint.text);
}
END_TEST

START_TEST(everything_that_a_section_says)
{
    struct ms_routes routes =
        ROUTES("route img.*", "strategy hash:jump", "strategy least", "groups a", "groups b",
               "groups c", "labels ssd", "labels zone=1", "on-absent next", "affinity 5m",
               "ordered true", "concurrency 10", "group-concurrency 5", "key-concurrency 1",
               "rate 100/s:200", "group-rate 10/m", "key-rate 1/h", "fair yes", "priority -10");
    const struct ms_route_settings *route = ms_routes_find(&routes, "img.png");
    char room[64];
    struct ms_text text;

    ck_assert_ptr_nonnull(route);
    ck_assert_uint_eq(route->chain.count, 2);
    ck_assert(ms_chain_place(&route->chain) == &ms_strategy_jump);
    ck_assert_str_eq(route->group, "");
    ck_assert_uint_eq(route->groups_count, 3);
    ck_assert_str_eq(route->groups[2].text, "c");
    ms_text_init(&text, room, sizeof room);
    ms_route_print_names(route->labels, route->labels_count, &text);
    ck_assert_str_eq(room, "ssd, zone=1");
    ck_assert_int_eq(route->on_absent, MS_ROUTE_ABSENT_NEXT);
    ck_assert_int_eq(route->affinity, 300 * MS_SEC);
    ck_assert_uint_eq(route->concurrency[MS_ROUTE_ALL], 10);
    ck_assert_uint_eq(route->concurrency[MS_ROUTE_PER_GROUP], 5);
    ck_assert_uint_eq(route->concurrency[MS_ROUTE_PER_KEY], 1);
    ck_assert_uint_eq(route->rate[MS_ROUTE_ALL].per_second, 100 * MS_RATE_ONE);
    ck_assert_uint_eq(route->rate[MS_ROUTE_ALL].burst, 200);
    ck_assert_uint_eq(route->rate[MS_ROUTE_PER_GROUP].per_second, 600);
    ck_assert_uint_eq(route->rate[MS_ROUTE_PER_KEY].per_second, 1);
    ck_assert_int_eq(route->priority, -10);
    ck_assert(route->is_ordered && route->is_fair);
    ms_routes_finish(&routes);
    ck_assert_uint_eq(routes.count, 0);
}
END_TEST

START_TEST(what_is_left_out_is_as_without_a_route)
{
    struct ms_routes routes = ROUTES("route *");
    const struct ms_route_settings *route = ms_routes_find(&routes, "whatever");

    ck_assert_uint_eq(route->chain.count, 0);
    ck_assert_uint_eq(route->labels_count + route->groups_count, 0);
    ck_assert_ptr_null(route->groups);
    ck_assert_int_eq(route->on_absent, MS_ROUTE_ABSENT_WAIT);
    ck_assert_int_eq(route->affinity, 0);
    ck_assert_int_eq(route->priority, 0);
    for (int i = 0; i < MS_ROUTE_SCOPES; i++) {
        ck_assert_uint_eq(route->concurrency[i], 0);
        ck_assert(!ms_rate_is_limit(&route->rate[i]));
    }
    ck_assert(!route->is_ordered && !route->is_fair);
    ms_routes_finish(&routes);
}
END_TEST

START_TEST(the_route_that_fits_best_applies)
{
    struct ms_routes routes = ROUTES("route *", "route img.*", "route *.png", "route img.*.png",
                                     "route img.png", "route *bc", "route ab*", "route a*c");

    ck_assert_str_eq(found(&routes, "img.png"), "img.png");
    ck_assert_str_eq(found(&routes, "img.x.png"), "img.*.png");
    ck_assert_str_eq(found(&routes, "img.gif"), "img.*");
    ck_assert_str_eq(found(&routes, "img.x.gif"), "img.*");
    ck_assert_str_eq(found(&routes, "doc.png"), "*.png");
    ck_assert_str_eq(found(&routes, "other"), "*");
    ck_assert_str_eq(found(&routes, "abc"), "*bc"); /* equally long: the first in the alphabet */
    ck_assert_str_eq(found(&routes, "abbc"), "*bc");
    ck_assert_str_eq(found(&routes, "axc"), "a*c");
    ms_routes_finish(&routes);
    routes = ROUTES("route img.png");
    ck_assert_str_eq(found(&routes, "img.png.x"), "none");
    ms_routes_finish(&routes);
}
END_TEST

START_TEST(no_routes_are_a_table_too)
{
    struct ms_routes none, copy;

    ck_assert(ms_routes_read(&none, NULL));
    ck_assert(ms_routes_copy(&copy, &none));
    ck_assert_ptr_null(ms_routes_find(&copy, "echo"));
    ck_assert_uint_ne(ms_routes_digest(&copy), 0);
    ms_routes_finish(&copy);
    ms_routes_finish(&none);
}
END_TEST

START_TEST(a_copy_stands_for_itself)
{
    struct ms_routes routes =
        ROUTES("route b", "strategy hash:jump", "groups x", "groups y", "route a", "labels ssd");
    struct ms_routes copy;
    const uint64_t digest = ms_routes_digest(&routes);

    ck_assert(ms_routes_copy(&copy, &routes));
    memset(routes.names, 'z', routes.names_count * sizeof *routes.names);
    ms_routes_finish(&routes);
    ck_assert_uint_eq(ms_routes_digest(&copy), digest);
    ck_assert_str_eq(ms_routes_find(&copy, "b")->groups[1].text, "y");
    ck_assert_str_eq(ms_routes_find(&copy, "a")->labels[0].text, "ssd");
    ms_routes_finish(&copy);
}
END_TEST

static uint64_t digest_of(const char *const *lines)
{
    struct ms_routes routes = make_routes(lines);
    const uint64_t digest = ms_routes_digest(&routes);

    ms_routes_finish(&routes);
    return digest;
}

#define DIGEST(...) digest_of((const char *const[]){__VA_ARGS__, NULL})

START_TEST(digests_are_those_of_the_meaning)
{
    static const char *const more[] = {
        "strategy least",    "strategy weighted", "strategy random",
        "group g",           "labels l",          "affinity 1s",
        "ordered true",      "concurrency 1",     "group-concurrency 1",
        "key-concurrency 1", "rate 1/s",          "rate 1/s:2",
        "group-rate 1/s",    "key-rate 1/s",      "fair true",
        "priority 1",        "priority -1"};
    uint64_t digests[1 + sizeof more / sizeof more[0]] = {DIGEST("route a")};

    for (size_t i = 1; i < sizeof digests / sizeof digests[0]; i++) {
        digests[i] = DIGEST("route a", more[i - 1]);
        for (size_t j = 0; j < i; j++) {
            ck_assert_msg(digests[i] != digests[j], "%s", more[i - 1]);
        }
    }
    ck_assert_uint_eq(DIGEST("route a", "group x", "route b", "fair true"),
                      DIGEST("route b", "fair yes", "route a", "group x"));
    ck_assert_uint_eq(DIGEST("route a"), DIGEST("route a", "rate 0", "strategy any"));
    ck_assert_uint_eq(DIGEST("route a", "rate 60/m"), DIGEST("route a", "rate 1/s:1"));
    ck_assert_uint_ne(DIGEST("route a", "strategy hash:jump", "groups x", "groups y"),
                      DIGEST("route a", "strategy hash:jump", "groups y", "groups x"));
    ck_assert_uint_ne(DIGEST("route a", "group x", "route b"),
                      DIGEST("route a", "route b", "group x"));
}
END_TEST

static const struct {
    const char *lines[6];
    const char *says;
} mistakes[] = {
    {{"route a b"}, "m.conf:1: route \"a b\": a type's name, or a pattern of names"},
    {{"route a", "strategy lest"},
     "m.conf:2: route \"a\": strategy: \"lest\" is none of any, round-robin, random, weighted, "
     "least, hash:java31, hash:jump"},
    {{"route a", "strategy hash:jump"},
     "m.conf:2: route \"a\": strategy: hash:jump chooses among groups, and there are none"},
    {{"route a", "group a b"}, "m.conf:2: route \"a\": group: \"a b\" is no name"},
    {{"route a", "labels a=b=c"}, "m.conf:2: route \"a\": labels: \"a=b=c\" is no label"},
    {{"route a", "labels =b"}, "m.conf:2: route \"a\": labels: \"=b\" is no label"},
    {{"route a", "rate fast"}, "m.conf:2: route \"a\": rate: \"fast\" is not a rate: N/s"},
    {{"route a", "priority 11"},
     "m.conf:2: route \"a\": priority: \"11\" is no priority: a whole number, -10 to 10"},
    {{"route a", "priority -"}, "m.conf:2: route \"a\": priority: \"-\" is no priority"},
    {{"route a", "on-absent never"},
     "m.conf:2: route \"a\": on-absent: \"never\" is none of wait, next"},
    {{"route a", "affinity 5"}, "m.conf:2: route \"a\": affinity: \"5\" is not a duration"},
    {{"route a", "concurrency -1"},
     "m.conf:2: route \"a\": concurrency: \"-1\" is not a whole number"},
    {{"route a", "groups x", "strategy least"},
     "m.conf:2: route \"a\": groups: a hash strategy chooses among them, and strategy is least; "
     "valid ones: hash:java31, hash:jump"},
    {{"route a", "groups x"},
     "m.conf:2: route \"a\": groups: a hash strategy chooses among them, and strategy is any"},
    {{"route a", "strategy hash:jump", "groups x", "group y"},
     "m.conf:4: route \"a\": group: \"y\" and groups: only one of both"},
    {{"route a", "strategy hash:jump", "groups x", "groups x"},
     "m.conf:4: route \"a\": groups: \"x\" is there twice"},
    {{"route a", "strategy least", "strategy least"},
     "m.conf:3: route \"a\": strategy: \"least\" is there twice"},
    {{"route a", "on-absent next"},
     "m.conf:2: route \"a\": on-absent: \"next\" is of groups, and there are none"},
    {{"route a", "key-concurrency 2", "ordered true"},
     "m.conf:2: route \"a\": key-concurrency: 2, and ordered allows 1 at a time"},
};

START_TEST(mistakes_are_told_with_section_key_value_and_what_is_valid)
{
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
        struct ms_sections *sections = ms_sections_create(route_kinds);
        struct ms_complaint complaint = {""};

        ck_assert_msg(!take_routes(sections, mistakes[i].lines, &complaint), "%s",
                      mistakes[i].says);
        ck_assert_msg(strncmp(complaint.text, mistakes[i].says, strlen(mistakes[i].says)) == 0,
                      "\n%s\n%s", complaint.text, mistakes[i].says);
        ms_sections_destroy(sections);
    }
}
END_TEST

START_TEST(lists_are_bounded)
{
    struct ms_sections *sections = ms_sections_create(route_kinds);
    struct ms_complaint complaint = {""};
    struct ms_section *section = ms_sections_begin(
        sections, &ms_route_section, "a", (struct ms_section_place){"m.conf", 1}, &complaint);
    char name[16];
    struct ms_routes routes;

    for (unsigned i = 0; i <= MS_ROUTE_GROUPS_MAX; i++) {
        snprintf(name, sizeof name, "g%u", i);
        ck_assert_int_eq(ms_section_set(section, ms_options_find_key(&section->options, "groups"),
                                        2, name, &complaint),
                         i < MS_ROUTE_GROUPS_MAX);
    }
    ck_assert_str_eq(complaint.text, "m.conf:2: route \"a\": groups: more than 1024 items");
    ck_assert(ms_section_set(section, ms_options_find_key(&section->options, "strategy"), 3,
                             "hash:jump", &complaint));
    ck_assert_msg(ms_sections_check(sections, &complaint), "%s", complaint.text);
    ck_assert(ms_routes_read(&routes, sections));
    ck_assert_uint_eq(routes.items[0].groups_count, MS_ROUTE_GROUPS_MAX);
    ck_assert_str_eq(routes.items[0].groups[1023].text, "g1023");
    ms_routes_finish(&routes);
    ms_sections_destroy(sections);
}
END_TEST

TESTS(the_table_is_sound, everything_that_a_section_says, what_is_left_out_is_as_without_a_route,
      the_route_that_fits_best_applies, no_routes_are_a_table_too, a_copy_stands_for_itself,
      digests_are_those_of_the_meaning, mistakes_are_told_with_section_key_value_and_what_is_valid,
      lists_are_bounded)
