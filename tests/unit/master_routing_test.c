/* The table of a running master: told row by row, and taken over as a whole. */
#include "master/routing.h"

#include "master_reports.h"
#include "master_routes.h"

static const struct ms_query routes_query = {.what = MS_QUERY_ROUTES};

static void set_routes(struct script *s, const char *const *lines)
{
    struct ms_routes routes = make_routes(lines);

    ck_assert(ms_master_set_routes(s->master, s->now, &routes));
    ms_routes_finish(&routes);
}

#define SET(s, ...) set_routes(s, (const char *const[]){__VA_ARGS__, NULL})

static const char *cell(const struct sent *report, size_t row, const char *name)
{
    return report->cells[row * report->columns + column(report, name)].text;
}

START_TEST(types_come_with_their_routes_then_the_others)
{
    struct script s;
    struct sent *report;

    begin(&s);
    SET(&s, "route ec*", "strategy random", "strategy least", "group g", "labels ssd", "labels hdd",
        "concurrency 7", "rate 60/m", "priority -3", "ordered yes", "affinity 2s", "route later");
    report = ask(&s, &routes_query);
    ck_assert_uint_eq(report->rows, 2);
    ck_assert(report->is_last);
    ck_assert_str_eq(cell(report, 0, "type"), "echo");
    ck_assert_str_eq(cell(report, 0, "route"), "ec*");
    ck_assert_str_eq(cell(report, 0, "strategy"), "random, least");
    ck_assert_str_eq(cell(report, 0, "group"), "g");
    ck_assert_str_eq(cell(report, 0, "labels"), "ssd, hdd");
    ck_assert_str_eq(cell(report, 0, "rate"), "1/s");
    ck_assert_str_eq(cell(report, 0, "priority"), "-3");
    ck_assert_str_eq(cell(report, 0, "ordered"), "yes");
    ck_assert_str_eq(cell(report, 0, "fair"), "no");
    ck_assert_str_eq(cell(report, 0, "on_absent"), "");
    ck_assert_uint_eq(number(report, "concurrency"), 7);
    ck_assert_uint_eq(number(report, "affinity_ms"), 2000);
    ck_assert_str_eq(cell(report, 1, "type"), "");
    ck_assert_str_eq(cell(report, 1, "route"), "later");
    ck_assert_str_eq(cell(report, 1, "strategy"), "any");
    ck_assert_str_eq(cell(report, 1, "rate"), "");
    teardown(&s);
}
END_TEST

START_TEST(a_type_without_a_route_has_a_row)
{
    struct script s;
    struct sent *report;

    begin(&s);
    report = ask(&s, &routes_query);
    ck_assert_uint_eq(report->rows, 1);
    ck_assert_str_eq(cell(report, 0, "type"), "echo");
    ck_assert_str_eq(cell(report, 0, "route"), "");
    ck_assert_str_eq(cell(report, 0, "strategy"), "any");
    teardown(&s);
}
END_TEST

START_TEST(without_anything_the_answer_is_empty)
{
    struct script s;
    struct sent *report;

    setup(&s);
    client(&s, 2, 2);
    report = ask(&s, &routes_query);
    ck_assert_uint_eq(report->rows, 0);
    ck_assert(report->is_last);
    teardown(&s);
}
END_TEST

START_TEST(a_table_takes_the_place_of_the_one_before)
{
    struct script s;
    struct sent *report;

    begin(&s);
    SET(&s, "route echo", "group a", "route x", "route y");
    SET(&s, "route *", "strategy hash:java31", "groups a", "groups b", "on-absent next");
    report = ask(&s, &routes_query);
    ck_assert_uint_eq(report->rows, 1);
    ck_assert_str_eq(cell(report, 0, "route"), "*");
    ck_assert_str_eq(cell(report, 0, "group"), "");
    ck_assert_str_eq(cell(report, 0, "on_absent"), "next");
    ck_assert_uint_eq(number(report, "groups"), 2);
    teardown(&s);
}
END_TEST

START_TEST(rows_are_limited_by_who_asks)
{
    struct script s;
    const struct ms_query query = {.what = MS_QUERY_ROUTES, .limit = 2};

    begin(&s);
    SET(&s, "route a", "route b", "route c");
    ck_assert_uint_eq(ask(&s, &query)->rows, 2);
    teardown(&s);
}
END_TEST

static size_t count_rows(const struct script *s)
{
    size_t rows = 0;

    for (size_t i = 0; i < s->count; i++) {
        if (s->sent[i].effect.type == MS_EFFECT_SEND &&
            s->sent[i].effect.command.kind == MS_KIND_REPORT) {
            rows += s->sent[i].rows;
        }
    }
    return rows;
}

/* With so many routes a type costs much, so the answer comes in many parts; a step stays small. */
START_TEST(many_routes_are_told_over_many_steps)
{
    struct ms_sections *sections = ms_sections_create(route_kinds);
    struct ms_complaint complaint;
    struct ms_routes routes;
    struct script s;
    size_t rows = 0, parts = 0;
    bool is_last = false;

    for (unsigned i = 0; i < MS_SECTIONS_MAX; i++) {
        char title[32];

        snprintf(title, sizeof title, i == 500 ? "ech*" : "r%u*", i);
        ck_assert_ptr_nonnull(ms_sections_begin(sections, &ms_route_section, title,
                                                (struct ms_section_place){"m.conf", 1},
                                                &complaint));
    }
    ck_assert(ms_routes_read(&routes, sections));
    begin(&s);
    ck_assert(ms_master_set_routes(s.master, s.now, &routes));
    receive(&s, 2,
            &(struct ms_command){.kind = MS_KIND_QUERY, .count = 1, .body.query = &routes_query});
    rows += count_rows(&s);
    for (unsigned i = 0; i < 2 * MS_SECTIONS_MAX && !is_last; i++) {
        tick_at(&s, s.now);
        rows += count_rows(&s);
        for (size_t j = 0; j < s.count; j++) {
            is_last = is_last || s.sent[j].is_last;
        }
        parts++;
    }
    ck_assert(is_last);
    ck_assert_uint_ge(parts, 8);
    ck_assert_uint_eq(rows, MS_SECTIONS_MAX); /* echo's, and of the others all but that one */
    teardown(&s);
    ms_routes_finish(&routes);
    ms_sections_destroy(sections);
}
END_TEST

TESTS(types_come_with_their_routes_then_the_others, a_type_without_a_route_has_a_row,
      without_anything_the_answer_is_empty, a_table_takes_the_place_of_the_one_before,
      rows_are_limited_by_who_asks, many_routes_are_told_over_many_steps)
