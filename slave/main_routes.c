#include "slave/main_routes.h"

#include <string.h>

#define NAMES_SIZE 256 /* of handlers that are named in a complaint, cut beyond */

struct values {
    ms_time timeout;
    uint64_t payload_max;
};

enum { ROW_TIMEOUT, ROW_PAYLOAD_MAX, ROWS };

static const struct ms_option table[] = {
    [ROW_TIMEOUT] = {.name = "timeout",
                     .kind = MS_OPTION_DURATION,
                     .max = MS_DELAY_MAX,
                     .key = "timeout",
                     .group = "Route",
                     .help = "of an attempt whose command has none; 0 = none; what the handler "
                             "says when left out",
                     .offset = offsetof(struct values, timeout)},
    [ROW_PAYLOAD_MAX] = {.name = "payload-max",
                         .kind = MS_OPTION_SIZE,
                         .max = MS_SPOOL_BYTES_MAX,
                         .key = "payload-max",
                         .help = "commands with a longer payload fail at once; 0 = no limit of its "
                                 "own; what the handler says when left out",
                         .offset = offsetof(struct values, payload_max)},
};

static bool check_title(const char *title, struct ms_complaint *complaint)
{
    return ms_text_is_name(title, strlen(title)) ||
           ms_complain(complaint, "a type's name: letters, digits and . _ -");
}

const struct ms_section_kind slave_route_section = {
    .name = "route",
    .title = "TYPE",
    .help = "What this slave adds to the handler of that type, whose name is TYPE; taken at its "
            "start",
    .table = table,
    .count = ROWS,
    .target_size = sizeof(struct values),
    .check_title = check_title,
};

static bool is_served(const struct ms_plugins *plugins, const char *name)
{
    for (size_t i = 0; i < ms_plugins_count(plugins); i++) {
        if (strcmp(ms_plugins_at(plugins, i)->handler->name, name) == 0) {
            return true;
        }
    }
    return false;
}

static void print_names(const struct ms_plugins *plugins, struct ms_text *text)
{
    for (size_t i = 0; i < ms_plugins_count(plugins); i++) {
        ms_text_add(text, "%s%s", i > 0 ? ", " : "", ms_plugins_at(plugins, i)->handler->name);
    }
}

bool slave_routes_check(const struct ms_sections *sections, const struct ms_plugins *plugins,
                        struct ms_complaint *complaint)
{
    const struct ms_section *section;
    size_t cursor = 0;

    while ((section = ms_sections_next(sections, &slave_route_section, &cursor)) != NULL) {
        if (!is_served(plugins, section->title)) {
            char names[NAMES_SIZE];
            struct ms_text text;

            ms_text_init(&text, names, sizeof names);
            print_names(plugins, &text);
            return ms_section_complain(section, NULL, complaint,
                                       "no handler has that name; there are %s", names);
        }
    }
    return true;
}

void slave_routes_apply(const struct ms_sections *sections, struct ms_slave_type *type)
{
    const struct ms_section *section;
    size_t cursor = 0;

    while ((section = ms_sections_next(sections, &slave_route_section, &cursor)) != NULL) {
        const struct values *values = section->options.target;

        if (strcmp(section->title, type->name) != 0) {
            continue;
        }
        if (section->lines[ROW_TIMEOUT] > 0) {
            type->timeout = values->timeout;
        }
        if (section->lines[ROW_PAYLOAD_MAX] > 0) {
            type->payload_max = values->payload_max;
        }
    }
}
