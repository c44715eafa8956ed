#include "core/sections.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/invariant.h"

#define REASON_MAX 400
#define PLACE_MAX  400

struct ms_sections *ms_sections_create(const struct ms_section_kind *const *kinds)
{
    struct ms_sections *sections = calloc(1, sizeof *sections);

    ms_assert(kinds != NULL);
    if (sections != NULL) {
        sections->kinds = kinds;
    }
    return sections;
}

static void destroy(struct ms_section *section)
{
    void *target = section->options.target;

    ms_options_finish(&section->options);
    free(target);
    free(section->lines);
    free((char *)(uintptr_t)section->place.file);
    free(section);
}

void ms_sections_destroy(struct ms_sections *sections)
{
    if (sections == NULL) {
        return;
    }
    for (size_t i = 0; i < sections->count; i++) {
        destroy(sections->items[i]);
    }
    free(sections->items);
    free(sections);
}

static const struct ms_section *find(const struct ms_sections *sections,
                                     const struct ms_section_kind *kind, const char *title)
{
    for (size_t i = 0; i < sections->count; i++) {
        if (sections->items[i]->kind == kind && strcmp(sections->items[i]->title, title) == 0) {
            return sections->items[i];
        }
    }
    return NULL;
}

static bool is_fit(const struct ms_sections *sections, const struct ms_section_kind *kind,
                   const char *title, struct ms_complaint *reason)
{
    const struct ms_section *same;
    const size_t size = strlen(title);

    if (size == 0 || size > MS_NAME_MAX) {
        return ms_complain(reason, "a title of %zu bytes: 1 to %d are allowed", size, MS_NAME_MAX);
    }
    if (kind->check_title != NULL && !kind->check_title(title, reason)) {
        return false;
    }
    same = find(sections, kind, title);
    if (same != NULL) {
        return ms_complain(reason, "it is there already, at %s:%u", same->place.file,
                           same->place.line);
    }
    return sections->count < MS_SECTIONS_MAX ||
           ms_complain(reason, "more than %d sections", MS_SECTIONS_MAX);
}

/* The array doubles whenever its length is a power of two. */
static bool append(struct ms_sections *sections, struct ms_section *section)
{
    if ((sections->count & (sections->count - 1)) == 0) {
        const size_t room = sections->count == 0 ? 1 : sections->count * 2;
        struct ms_section **items = realloc(sections->items, room * sizeof *items);

        if (items == NULL) {
            return false;
        }
        sections->items = items;
    }
    sections->items[sections->count++] = section;
    return true;
}

static struct ms_section *make(const struct ms_section_kind *kind, const char *title,
                               struct ms_section_place place)
{
    const size_t size = strlen(place.file) + 1;
    struct ms_section *section = calloc(1, sizeof *section);
    void *target = calloc(1, kind->target_size);
    char *copy = malloc(size);

    if (section != NULL && target != NULL && copy != NULL) {
        section->lines = calloc(kind->count, sizeof *section->lines);
    }
    if (section == NULL || target == NULL || copy == NULL || section->lines == NULL ||
        !ms_options_init(&section->options, kind->table, kind->count, target)) {
        free(copy);
        free(target);
        free(section != NULL ? section->lines : NULL);
        free(section);
        return NULL;
    }
    section->kind = kind;
    section->place =
        (struct ms_section_place){.file = memcpy(copy, place.file, size), .line = place.line};
    ms_text_copy(section->title, sizeof section->title, title, strlen(title));
    return section;
}

struct ms_section *ms_sections_begin(struct ms_sections *sections,
                                     const struct ms_section_kind *kind, const char *title,
                                     struct ms_section_place place, struct ms_complaint *complaint)
{
    struct ms_complaint reason = {""};
    struct ms_section *section;

    ms_assert(kind->count > 0 && kind->count <= MS_OPTIONS_MAX);
    if (!is_fit(sections, kind, title, &reason)) {
        ms_complain(complaint, "%s:%u: %s \"%.*s\": %.*s", place.file, place.line, kind->name,
                    MS_NAME_MAX, title, REASON_MAX, reason.text);
        return NULL;
    }
    section = make(kind, title, place);
    if (section == NULL || !append(sections, section)) {
        if (section != NULL) {
            destroy(section);
        }
        ms_complain(complaint, "%s:%u: out of memory", place.file, place.line);
        return NULL;
    }
    return section;
}

bool ms_section_set(struct ms_section *section, const struct ms_option *option, unsigned line,
                    const char *text, struct ms_complaint *complaint)
{
    char place[PLACE_MAX];
    struct ms_text words;

    ms_assert(option >= section->kind->table &&
              option < section->kind->table + section->kind->count);
    section->lines[option - section->kind->table] = line;
    ms_text_init(&words, place, sizeof place);
    ms_text_add(&words, "%s:%u: %s \"%s\"", section->place.file, line, section->kind->name,
                section->title);
    return ms_options_set(&section->options, option,
                          (struct ms_option_source){.level = MS_OPTION_FILE, .place = place}, text,
                          complaint);
}

bool ms_section_complain(const struct ms_section *section, const char *key,
                         struct ms_complaint *complaint, const char *format, ...)
{
    const struct ms_option *option =
        key != NULL ? ms_options_find_key(&section->options, key) : NULL;
    const unsigned line = option != NULL ? section->lines[option - section->kind->table] : 0;
    char sentence[MS_COMPLAINT_MAX];
    va_list arguments;

    ms_assert(key == NULL || option != NULL);
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    return ms_complain(complaint, "%s:%u: %s \"%s\": %s%s%s", section->place.file,
                       line > 0 ? line : section->place.line, section->kind->name, section->title,
                       key != NULL ? key : "", key != NULL ? ": " : "", sentence);
}

static bool check_required(const struct ms_section *section, struct ms_complaint *complaint)
{
    for (size_t i = 0; i < section->kind->count; i++) {
        if (section->kind->table[i].is_required && section->lines[i] == 0) {
            return ms_section_complain(section, section->kind->table[i].key, complaint,
                                       "it is required");
        }
    }
    return true;
}

bool ms_sections_check(const struct ms_sections *sections, struct ms_complaint *complaint)
{
    for (size_t i = 0; i < sections->count; i++) {
        const struct ms_section *section = sections->items[i];

        if (!check_required(section, complaint) ||
            (section->kind->check != NULL && !section->kind->check(section, complaint))) {
            return false;
        }
    }
    return true;
}

const struct ms_section *ms_sections_next(const struct ms_sections *sections,
                                          const struct ms_section_kind *kind, size_t *cursor)
{
    while (sections != NULL && *cursor < sections->count) {
        const struct ms_section *section = sections->items[(*cursor)++];

        if (section->kind == kind) {
            return section;
        }
    }
    return NULL;
}

static bool lint_kind(const struct ms_section_kind *kind, struct ms_complaint *complaint)
{
    const size_t size = kind->name != NULL ? strlen(kind->name) : 0;

    if (size == 0 || strspn(kind->name, "abcdefghijklmnopqrstuvwxyz") != size) {
        return ms_complain(complaint, "a kind's name is missing or not lower-case");
    }
    if (kind->title == NULL || kind->help == NULL || kind->target_size == 0 || kind->count == 0) {
        return ms_complain(complaint, "%s: title, help, size or table is missing", kind->name);
    }
    for (size_t i = 0; i < kind->count; i++) {
        const struct ms_option *row = &kind->table[i];

        if (row->key == NULL || row->name == NULL || strcmp(row->key, row->name) != 0 ||
            row->env != NULL || row->short_name != 0) {
            return ms_complain(complaint, "%s: row %zu: a key like its name, and no flag",
                               kind->name, i);
        }
    }
    return ms_options_lint(kind->table, kind->count, complaint);
}

bool ms_sections_lint(const struct ms_section_kind *const *kinds, struct ms_complaint *complaint)
{
    for (size_t i = 0; kinds[i] != NULL; i++) {
        if (!lint_kind(kinds[i], complaint)) {
            return false;
        }
        for (size_t j = 0; j < i; j++) {
            if (strcmp(kinds[j]->name, kinds[i]->name) == 0) {
                return ms_complain(complaint, "two kinds are called %s", kinds[i]->name);
            }
        }
    }
    return true;
}
