/* Titled sections of a configuration file: `KIND "TITLE" { key = value ... }`. A kind is a name and an option table, so
 * its keys, ranges, complaints, help and manual come from one place, as those of the options do. Pure: whoever reads the file
 * calls begin and set. */
#ifndef CORE_SECTIONS_H
#define CORE_SECTIONS_H

#include "core/limits.h"
#include "core/options.h"

struct ms_section;

struct ms_section_kind {
    const char *name;  /* lower-case letters: "route" */
    const char *title; /* what the manual calls the title: "TYPE" */
    const char *help;  /* a sentence without full stop */
    /* Every row has a key and no flag or variable; name and key are the same. A row is set once at most. */
    const struct ms_option *table;
    size_t count;
    size_t target_size; /* of the struct that the rows fill, which begins with zeros */
    /* Titles are 1 .. MS_NAME_MAX bytes; what else they must be. False with what is wrong, without a name. May be NULL. */
    bool (*check_title)(const char *title, struct ms_complaint *complaint);
    /* What the table cannot say: values that do not go together. False by ms_section_complain. May be NULL. */
    bool (*check)(const struct ms_section *section, struct ms_complaint *complaint);
};

struct ms_section_place {
    const char *file;
    unsigned line; /* from 1 */
};

/* One that was read. */
struct ms_section {
    const struct ms_section_kind *kind;
    char title[MS_NAME_MAX + 1];
    struct ms_section_place place; /* where it begins; file is owned */
    unsigned *lines;               /* of each row's last value; 0 = it was not set */
    struct ms_options options;     /* the kind's table, bound to a target of the kind's size */
};

/* All of a program, in the order of the file. */
struct ms_sections {
    const struct ms_section_kind *const *kinds; /* that the program knows, ended by NULL */
    struct ms_section **items;
    size_t count;
};

/* kinds is borrowed. NULL when memory is out. */
struct ms_sections *ms_sections_create(const struct ms_section_kind *const *kinds);
void ms_sections_destroy(struct ms_sections *sections); /* accepts NULL */

/* A section begins, with its table's defaults. NULL with file, line and what is wrong: an unfit title, one that is there
 * already, more than MS_SECTIONS_MAX, no memory. */
struct ms_section *ms_sections_begin(struct ms_sections *sections,
                                     const struct ms_section_kind *kind, const char *title,
                                     struct ms_section_place place, struct ms_complaint *complaint);

/* A value, or one item of a list. option is a row of the kind's table. False with file, line, section and key. */
bool ms_section_set(struct ms_section *section, const struct ms_option *option, unsigned line,
                    const char *text, struct ms_complaint *complaint);

/* Call when all is read: required rows, and what the kinds' check says. */
bool ms_sections_check(const struct ms_sections *sections, struct ms_complaint *complaint);

/* FILE:LINE: KIND "TITLE": KEY: and the sentence; key NULL = the section itself. Always false. */
bool ms_section_complain(const struct ms_section *section, const char *key,
                         struct ms_complaint *complaint, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The section after the place *cursor (0 at first) that is of that kind; NULL = that was the last. sections may be NULL. */
const struct ms_section *ms_sections_next(const struct ms_sections *sections,
                                          const struct ms_section_kind *kind, size_t *cursor);

/* "route, provider": the names of the kinds. */
void ms_sections_print_kinds(const struct ms_section_kind *const *kinds, struct ms_text *text);

/* The keys of a kind, separated by commas. */
void ms_sections_print_keys(const struct ms_section_kind *kind, struct ms_text *text);

/* One line each: its kind, title and what the file says in it. */
void ms_sections_print_summary(const struct ms_sections *sections, struct ms_text *text);

/* The part of --help and of the manual that is about sections. */
void ms_sections_print_help(const struct ms_section_kind *const *kinds, size_t width,
                            struct ms_text *text);
void ms_sections_print_manual(const struct ms_section_kind *const *kinds, struct ms_text *text);

/* Checks the tables themselves, for tests; false with the complaint. */
bool ms_sections_lint(const struct ms_section_kind *const *kinds, struct ms_complaint *complaint);

#endif
