/* Routes from sections that are written in the test: lines of `TITLE`, then `KEY VALUE`, ended by NULL. */
#ifndef TESTS_UNIT_MASTER_ROUTES_H
#define TESTS_UNIT_MASTER_ROUTES_H

#include <check.h>
#include <string.h>

#include "master/routes.h"

static const struct ms_section_kind *const route_kinds[] = {&ms_route_section, NULL};

/* A line is "route TITLE" or "KEY VALUE"; its number is that of the file. False with the complaint. */
static inline bool take_routes(struct ms_sections *sections, const char *const *lines,
                               struct ms_complaint *complaint)
{
    struct ms_section *section = NULL;

    for (unsigned line = 1; lines[line - 1] != NULL; line++) {
        const char *const text = lines[line - 1], *value = strchr(text, ' ') + 1;
        char key[64] = "";

        memcpy(key, text, (size_t)(value - text - 1));
        if (strcmp(key, "route") == 0) {
            section = ms_sections_begin(sections, &ms_route_section, value,
                                        (struct ms_section_place){"m.conf", line}, complaint);
            if (section == NULL) {
                return false;
            }
        } else {
            const struct ms_option *option = ms_options_find_key(&section->options, key);

            ck_assert_msg(option != NULL, "no key %s", key);
            if (!ms_section_set(section, option, line, value, complaint)) {
                return false;
            }
        }
    }
    return ms_sections_check(sections, complaint);
}

/* The table of right lines; to be finished. */
static inline struct ms_routes make_routes(const char *const *lines)
{
    struct ms_sections *sections = ms_sections_create(route_kinds);
    struct ms_complaint complaint = {""};
    struct ms_routes routes;

    ck_assert_msg(take_routes(sections, lines, &complaint), "%s", complaint.text);
    ck_assert(ms_routes_read(&routes, sections));
    ms_sections_destroy(sections);
    return routes;
}

#define ROUTES(...) make_routes((const char *const[]){__VA_ARGS__, NULL})

#endif
