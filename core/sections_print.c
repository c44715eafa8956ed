/* What people read of sections: --help, the manual, what --check found. */
#include "core/invariant.h"
#include "core/options_private.h"
#include "core/sections.h"

#define KEY_COLUMN      30 /* where the description of a key begins, as that of an option */
#define HELP_COLUMN     2
#define DESCRIPTION_MAX 1024

void ms_sections_print_kinds(const struct ms_section_kind *const *kinds, struct ms_text *text)
{
    for (size_t i = 0; kinds != NULL && kinds[i] != NULL; i++) {
        ms_text_add(text, "%s%s", i > 0 ? ", " : "", kinds[i]->name);
    }
}

void ms_sections_print_keys(const struct ms_section_kind *kind, struct ms_text *text)
{
    for (size_t i = 0; i < kind->count; i++) {
        ms_text_add(text, "%s%s", i > 0 ? ", " : "", kind->table[i].key);
    }
}

static void print_section(const struct ms_section *section, struct ms_text *text)
{
    const char *between = ": ";

    ms_text_add(text, "%s \"%s\"", section->kind->name, section->title);
    for (size_t i = 0; i < section->kind->count; i++) {
        if (section->lines[i] > 0) {
            ms_text_add(text, "%s%s ", between, section->kind->table[i].key);
            ms_options_print_value(&section->options, &section->kind->table[i], text);
            between = "; ";
        }
    }
    ms_text_add(text, "\n");
}

void ms_sections_print_summary(const struct ms_sections *sections, struct ms_text *text)
{
    for (size_t i = 0; sections != NULL && i < sections->count; i++) {
        print_section(sections->items[i], text);
    }
}

/* Help, range and default as one paragraph. */
static void print_description(const struct ms_option *row, struct ms_text *text)
{
    char range[256];
    struct ms_text range_text;

    ms_text_init(&range_text, range, sizeof range);
    ms_option_print_range(row, &range_text);
    ms_text_add(text, "%s%s%s%s", row->help, range[0] != '\0' ? "; " : "", range,
                row->is_required ? "; required" : "");
}

static void print_key(const struct ms_option *row, size_t width, struct ms_text *text)
{
    char description[DESCRIPTION_MAX];
    const size_t start = text->length;
    struct ms_text words;

    ms_text_init(&words, description, sizeof description);
    print_description(row, &words);
    if (row->default_text != NULL && row->kind != MS_OPTION_BOOL) {
        ms_text_add(&words, " [%s]", row->default_text);
    }
    ms_assert(!ms_text_is_cut(&words));
    ms_text_add(text, "      %s = %s%s%s", row->key, row->kind == MS_OPTION_LIST ? "{" : "",
                row->kind == MS_OPTION_BOOL ? "true" : ms_option_argument(row),
                row->kind == MS_OPTION_LIST ? ", ...}" : "");
    const size_t used = text->length - start;

    if (used + 2 > KEY_COLUMN) {
        ms_text_add(text, "\n%*s", KEY_COLUMN, "");
    } else {
        ms_text_add(text, "%*s", (int)(KEY_COLUMN - used), "");
    }
    ms_option_print_wrapped(description, KEY_COLUMN, width, text);
}

void ms_sections_print_help(const struct ms_section_kind *const *kinds, size_t width,
                            struct ms_text *text)
{
    for (size_t i = 0; kinds != NULL && kinds[i] != NULL; i++) {
        const struct ms_section_kind *kind = kinds[i];

        ms_text_add(text, "\nConfiguration file, section %s \"%s\" { ... }:\n%*s", kind->name,
                    kind->title, HELP_COLUMN, "");
        ms_option_print_wrapped(kind->help, HELP_COLUMN, width, text);
        for (size_t row = 0; row < kind->count; row++) {
            print_key(&kind->table[row], width, text);
        }
    }
}

void ms_sections_print_manual(const struct ms_section_kind *const *kinds, struct ms_text *text)
{
    for (size_t i = 0; kinds != NULL && kinds[i] != NULL; i++) {
        const struct ms_section_kind *kind = kinds[i];

        ms_text_add(text,
                    "\n### Section `%s \"%s\" { ... }` of the configuration file\n\n%s.\n\n"
                    "| key | value | default | meaning |\n|---|---|---|---|\n",
                    kind->name, kind->title, kind->help);
        for (size_t row = 0; row < kind->count; row++) {
            const struct ms_option *option = &kind->table[row];
            const bool is_list = option->kind == MS_OPTION_LIST;

            ms_text_add(text, "| `%s` | `%s%s%s` |", option->key, is_list ? "{" : "",
                        option->kind == MS_OPTION_BOOL ? "true" : ms_option_argument(option),
                        is_list ? ", ...}" : "");
            if (option->default_text != NULL) {
                ms_text_add(text, " `%s`", option->default_text);
            }
            ms_text_add(text, " | ");
            print_description(option, text);
            ms_text_add(text, " |\n");
        }
    }
}
