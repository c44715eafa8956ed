/* What people read of an option table: help, manual, configuration file, values. */
#include "core/options.h"

#include <string.h>

#include "core/invariant.h"
#include "core/options_private.h"

#define HELP_COLUMN    30 /* where the description begins */
#define HELP_WIDTH_MIN 40

const char *ms_option_argument(const struct ms_option *option)
{
    static const char *const by_kind[MS_OPTION_KINDS] = {
        [MS_OPTION_STRING] = "TEXT",       [MS_OPTION_BOOL] = "",     [MS_OPTION_U64] = "N",
        [MS_OPTION_SIZE] = "SIZE",         [MS_OPTION_ENUM] = "WORD", [MS_OPTION_LIST] = "TEXT",
        [MS_OPTION_DURATION] = "DURATION",
    };

    ms_assert((unsigned)option->kind < MS_OPTION_KINDS);
    return option->argument != NULL && option->kind != MS_OPTION_BOOL ? option->argument
                                                                      : by_kind[option->kind];
}

void ms_option_print_number(const struct ms_option *option, uint64_t number, struct ms_text *text)
{
    if (option->kind == MS_OPTION_SIZE) {
        ms_print_size(number, text);
    } else if (option->kind == MS_OPTION_DURATION) {
        ms_assert(number <= INT64_MAX);
        ms_print_duration((ms_time)number, text);
    } else {
        ms_text_add(text, "%llu", (unsigned long long)number);
    }
}

void ms_options_print_value(const struct ms_options *options, const struct ms_option *option,
                            struct ms_text *text)
{
    const void *field = (const char *)options->target + option->offset;
    const struct ms_option_list *list;
    const char *string;

    switch (option->kind) {
    case MS_OPTION_STRING:
        string = *(const char *const *)field;
        ms_text_add(text, "%s", string == NULL ? "" : string);
        return;
    case MS_OPTION_LIST:
        list = field;
        for (size_t i = 0; i < list->count; i++) {
            ms_text_add(text, "%s%s", i == 0 ? "" : ", ", list->items[i]);
        }
        return;
    case MS_OPTION_BOOL:
        ms_text_add(text, "%s", *(const bool *)field ? "true" : "false");
        return;
    case MS_OPTION_ENUM:
        ms_text_add(text, "%s", option->choices[*(const uint32_t *)field]);
        return;
    case MS_OPTION_DURATION:
        ms_print_duration(*(const ms_time *)field, text);
        return;
    case MS_OPTION_U64:
    case MS_OPTION_SIZE:
        ms_option_print_number(option, *(const uint64_t *)field, text);
        return;
    case MS_OPTION_KINDS:
    default:
        ms_unreachable();
    }
}

static bool is_same(const struct ms_options *a, const struct ms_options *b,
                    const struct ms_option *option)
{
    char texts[2][MS_OPTION_STRING_MAX];
    const struct ms_options *const options[] = {a, b};

    for (size_t i = 0; i < 2; i++) {
        struct ms_text text;

        ms_text_init(&text, texts[i], sizeof texts[i]);
        ms_options_print_value(options[i], option, &text);
    }
    return strcmp(texts[0], texts[1]) == 0;
}

bool ms_options_find_changed(const struct ms_options *given, void *defaults,
                             const char *const names[], size_t count,
                             const struct ms_option **option_out)
{
    struct ms_options options;

    *option_out = NULL;
    if (!ms_options_init(&options, given->table, given->count, defaults)) {
        return false;
    }
    for (size_t i = 0; i < count && *option_out == NULL; i++) {
        const struct ms_option *option = ms_options_find(&options, names[i]);

        *option_out = is_same(given, &options, option) ? NULL : option;
    }
    ms_options_finish(&options);
    return true;
}

void ms_option_print_range(const struct ms_option *option, struct ms_text *text)
{
    if (option->kind == MS_OPTION_ENUM) {
        for (size_t i = 0; option->choices[i] != NULL; i++) {
            ms_text_add(text, "%s%s", i == 0 ? "" : ", ", option->choices[i]);
        }
        return;
    }
    const bool is_number = option->kind == MS_OPTION_U64 || option->kind == MS_OPTION_SIZE ||
                           option->kind == MS_OPTION_DURATION;

    if (!is_number || (option->min == 0 && option->max == 0)) {
        return;
    }
    ms_option_print_number(option, option->min, text);
    if (option->max == 0) {
        ms_text_add(text, " or more");
        return;
    }
    ms_text_add(text, " to ");
    ms_option_print_number(option, option->max, text);
}

/* Help, range, default and variable as one paragraph. */
static void print_description(const struct ms_option *option, struct ms_text *text)
{
    char range[256];
    struct ms_text range_text;

    ms_text_init(&range_text, range, sizeof range);
    ms_option_print_range(option, &range_text);
    ms_text_add(text, "%s", option->help);
    if (range[0] != '\0') {
        ms_text_add(text, "; %s", range);
    }
    if (option->kind == MS_OPTION_LIST) {
        ms_text_add(text, "; may be repeated");
    }
    if (option->is_required) {
        ms_text_add(text, "; required");
    }
    if (option->default_text != NULL && option->kind != MS_OPTION_BOOL) {
        ms_text_add(text, " [%s]", option->default_text);
    }
    if (option->env != NULL) {
        ms_text_add(text, " (%s)", option->env);
    }
}

void ms_option_print_wrapped(const char *words, size_t column, size_t width, struct ms_text *text)
{
    size_t at = column;

    while (*words != '\0') {
        const size_t size = strcspn(words, " ");

        if (at > column && at + 1 + size > width) {
            ms_text_add(text, "\n%*s", (int)column, "");
            at = column;
        } else if (at > column) {
            ms_text_add(text, " ");
            at++;
        }
        ms_text_add(text, "%.*s", (int)size, words);
        at += size;
        words += size;
        words += strspn(words, " ");
    }
    ms_text_add(text, "\n");
}

static void print_flag(const struct ms_option *option, struct ms_text *text)
{
    const char *argument = ms_option_argument(option);

    if (option->short_name != 0) {
        ms_text_add(text, "-%c, ", option->short_name);
    } else {
        ms_text_add(text, "    ");
    }
    ms_text_add(text, "--%s%s%s", option->name, argument[0] == '\0' ? "" : "=", argument);
}

void ms_options_print_help(const struct ms_option *table, size_t count, size_t width,
                           struct ms_text *text)
{
    const size_t columns = width < HELP_WIDTH_MIN ? HELP_WIDTH_MIN : width;

    for (size_t i = 0; i < count; i++) {
        char description[1024];
        struct ms_text words;

        if (table[i].group != NULL) {
            ms_text_add(text, "%s%s:\n", i == 0 ? "" : "\n", table[i].group);
        }
        ms_text_init(&words, description, sizeof description);
        print_description(&table[i], &words);
        ms_text_add(text, "  ");
        const size_t start = text->length - 2;

        print_flag(&table[i], text);
        const size_t used = text->length - start;

        if (used + 2 > HELP_COLUMN) {
            ms_text_add(text, "\n%*s", HELP_COLUMN, "");
        } else {
            ms_text_add(text, "%*s", (int)(HELP_COLUMN - used), "");
        }
        ms_option_print_wrapped(description, HELP_COLUMN, columns, text);
    }
}

static void print_code(const char *word, struct ms_text *text)
{
    if (word == NULL || word[0] == '\0') {
        ms_text_add(text, " |");
    } else {
        ms_text_add(text, " `%s` |", word);
    }
}

void ms_options_print_manual(const struct ms_option *table, size_t count, struct ms_text *text)
{
    for (size_t i = 0; i < count; i++) {
        const struct ms_option *option = &table[i];
        char range[256], flag[128];
        struct ms_text range_text, flag_text;

        if (option->group != NULL) {
            ms_text_add(text,
                        "%s### %s\n\n| option | default | variable | key | meaning |\n"
                        "|---|---|---|---|---|\n",
                        i == 0 ? "" : "\n", option->group);
        }
        ms_text_init(&range_text, range, sizeof range);
        ms_text_init(&flag_text, flag, sizeof flag);
        ms_option_print_range(option, &range_text);
        print_flag(option, &flag_text);
        ms_text_add(text, "|");
        print_code(flag + strspn(flag, " "), text);
        print_code(option->default_text, text);
        print_code(option->env, text);
        print_code(option->key, text);
        ms_text_add(text, " %s%s%s%s%s |\n", option->help, range[0] == '\0' ? "" : "; ", range,
                    option->is_required ? "; required" : "",
                    option->is_reloadable ? "; taken over on reload" : "");
    }
}

/* A value as the configuration file writes it: words in quotes, lists in braces. */
static void print_config_value(const struct ms_option *option, struct ms_text *text)
{
    const char *value = option->default_text == NULL ? "" : option->default_text;

    switch (option->kind) {
    case MS_OPTION_BOOL:
        ms_text_add(text, "%s", value[0] == '\0' ? "false" : value);
        return;
    case MS_OPTION_U64:
        ms_text_add(text, "%s", value[0] == '\0' ? "0" : value);
        return;
    case MS_OPTION_LIST:
        ms_text_add(text, "{");
        while (*value != '\0') {
            const size_t size = strcspn(value, ",");

            ms_text_add(text, "\"%.*s\"%s", (int)size, value, value[size] == ',' ? ", " : "");
            value += size + (value[size] == ',' ? 1 : 0);
        }
        ms_text_add(text, "}");
        return;
    case MS_OPTION_STRING:
    case MS_OPTION_SIZE:
    case MS_OPTION_DURATION:
    case MS_OPTION_ENUM:
        ms_text_add(text, "\"%s\"", value);
        return;
    case MS_OPTION_KINDS:
    default:
        ms_unreachable();
    }
}

void ms_options_print_config(const struct ms_option *table, size_t count, struct ms_text *text)
{
    for (size_t i = 0; i < count; i++) {
        char range[256];
        struct ms_text range_text;

        if (table[i].group != NULL) {
            ms_text_add(text, "%s# ---- %s ----\n", i == 0 ? "" : "\n", table[i].group);
        }
        if (table[i].key == NULL) {
            continue;
        }
        ms_text_init(&range_text, range, sizeof range);
        ms_option_print_range(&table[i], &range_text);
        ms_text_add(text, "\n# %s%s%s\n# %s = ", table[i].help, range[0] == '\0' ? "" : "; ", range,
                    table[i].key);
        print_config_value(&table[i], text);
        ms_text_add(text, "\n");
    }
}
