#include "core/options.h"

#include <stdlib.h>
#include <string.h>

#include "core/invariant.h"
#include "core/sections.h"

#define NAME_LENGTH_MAX 40
#define SUBJECT_MAX     160

/* A block of strings or list items, kept until finish: values point into it. */
struct ms_options_text {
    struct ms_options_text *next;
    const char *data[];
};

/* What a text says: number for every kind that is one. */
struct value {
    uint64_t number;
    const char *string;
};

static void *field_of(void *target, const struct ms_option *option)
{
    return (char *)target + option->offset;
}

static uint64_t upper_bound(const struct ms_option *option)
{
    if (option->max != 0) {
        return option->max;
    }
    return option->kind == MS_OPTION_LIST     ? MS_OPTION_LIST_MAX
           : option->kind == MS_OPTION_STRING ? MS_OPTION_STRING_MAX
                                              : UINT64_MAX;
}

static bool parse_bool(const char *text, uint64_t *number_out, struct ms_complaint *complaint)
{
    static const char *const words[][2] = {
        {"false", "true"}, {"no", "yes"}, {"off", "on"}, {"0", "1"}};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        for (size_t j = 0; j < 2; j++) {
            if (strcmp(text, words[i][j]) == 0) {
                *number_out = j;
                return true;
            }
        }
    }
    return ms_complain(complaint, "\"%.64s\" is neither true nor false (also yes, no, on, off)",
                       text);
}

static bool parse_choice(const struct ms_option *option, const char *text, uint64_t *number_out,
                         struct ms_complaint *complaint)
{
    char names[256];
    struct ms_text list;

    ms_text_init(&list, names, sizeof names);
    for (size_t i = 0; option->choices[i] != NULL; i++) {
        if (strcmp(text, option->choices[i]) == 0) {
            *number_out = i;
            return true;
        }
        ms_text_add(&list, "%s%s", i == 0 ? "" : ", ", option->choices[i]);
    }
    return ms_complain(complaint, "\"%.64s\" is none of %s", text, names);
}

static bool check_bounds(const struct ms_option *option, uint64_t number,
                         struct ms_complaint *complaint)
{
    char low[32], high[32];
    struct ms_text low_text, high_text;

    if (number >= option->min && number <= upper_bound(option)) {
        return true;
    }
    ms_text_init(&low_text, low, sizeof low);
    ms_text_init(&high_text, high, sizeof high);
    ms_option_print_number(option, option->min, &low_text);
    if (option->max == 0) {
        return ms_complain(complaint, "the value is below %s", low);
    }
    ms_option_print_number(option, option->max, &high_text);
    return ms_complain(complaint, "the value is out of range: %s to %s", low, high);
}

static bool parse_string(const struct ms_option *option, const char *text,
                         struct ms_complaint *complaint)
{
    const size_t size = strlen(text);
    /* min and max of a list count its items, which are strings of their own. */
    const bool is_list = option->kind == MS_OPTION_LIST;
    const uint64_t min = is_list ? 1 : option->min;
    const uint64_t max = is_list ? MS_OPTION_STRING_MAX : upper_bound(option);

    if (size < min || size > max) {
        return ms_complain(complaint, "a text of %zu bytes: %llu to %llu are allowed", size,
                           (unsigned long long)min, (unsigned long long)max);
    }
    return option->check == NULL || option->check(text, complaint);
}

static bool parse_value(const struct ms_option *option, const char *text, struct value *out,
                        struct ms_complaint *complaint)
{
    uint64_t number = 0;
    ms_time duration;
    bool is_parsed = false;

    switch (option->kind) {
    case MS_OPTION_STRING:
    case MS_OPTION_LIST:
        out->string = text;
        return parse_string(option, text, complaint);
    case MS_OPTION_BOOL:
        return parse_bool(text, &out->number, complaint);
    case MS_OPTION_ENUM:
        return parse_choice(option, text, &out->number, complaint);
    case MS_OPTION_U64:
        is_parsed = ms_text_to_u64(text, strlen(text), &number) ||
                    ms_complain(complaint, "\"%.64s\" is not a whole number", text);
        break;
    case MS_OPTION_SIZE:
        is_parsed = ms_parse_size(text, &number, complaint);
        break;
    case MS_OPTION_DURATION:
        is_parsed = ms_parse_duration(text, &duration, complaint);
        number = is_parsed ? (uint64_t)duration : 0;
        break;
    case MS_OPTION_KINDS:
    default:
        ms_unreachable();
    }
    if (!is_parsed || !check_bounds(option, number, complaint)) {
        return false;
    }
    out->number = number;
    return true;
}

/* Memory that lives until finish; NULL when there is none. */
static void *keep(struct ms_options *options, size_t size)
{
    struct ms_options_text *block = malloc(sizeof *block + size);

    if (block == NULL) {
        return NULL;
    }
    block->next = options->texts;
    options->texts = block;
    return block->data;
}

static const char *keep_string(struct ms_options *options, const char *text)
{
    const size_t size = strlen(text) + 1;
    char *copy = keep(options, size);

    return copy == NULL ? NULL : memcpy(copy, text, size);
}

/* The array doubles whenever its length is a power of two. */
static bool add_item(struct ms_options *options, struct ms_option_list *list, const char *text)
{
    if ((list->count & (list->count - 1)) == 0) {
        const size_t room = list->count == 0 ? 1 : list->count * 2;
        const char **items = keep(options, room * sizeof *items);

        if (items == NULL) {
            return false;
        }
        if (list->count > 0) {
            memcpy(items, list->items, list->count * sizeof *items);
        }
        list->items = items;
    }
    list->items[list->count] = keep_string(options, text);
    if (list->items[list->count] == NULL) {
        return false;
    }
    list->count++;
    return true;
}

static bool store(struct ms_options *options, const struct ms_option *option,
                  const struct value *value, struct ms_complaint *complaint)
{
    void *field = field_of(options->target, option);
    const char *copy;

    switch (option->kind) {
    case MS_OPTION_STRING:
        copy = keep_string(options, value->string);
        if (copy == NULL) {
            return ms_complain(complaint, "out of memory");
        }
        *(const char **)field = copy;
        return true;
    case MS_OPTION_LIST:
        if (((struct ms_option_list *)field)->count >= upper_bound(option)) {
            return ms_complain(complaint, "more than %llu items",
                               (unsigned long long)upper_bound(option));
        }
        return add_item(options, field, value->string) || ms_complain(complaint, "out of memory");
    case MS_OPTION_BOOL:
        *(bool *)field = value->number != 0;
        return true;
    case MS_OPTION_ENUM:
        *(uint32_t *)field = (uint32_t)value->number;
        return true;
    case MS_OPTION_DURATION:
        *(ms_time *)field = (ms_time)value->number;
        return true;
    case MS_OPTION_U64:
    case MS_OPTION_SIZE:
        *(uint64_t *)field = value->number;
        return true;
    case MS_OPTION_KINDS:
    default:
        ms_unreachable();
    }
}

/* One text of one level; false with a complaint that does not name the option yet. */
static bool set_one(struct ms_options *options, const struct ms_option *option,
                    enum ms_option_level level, const char *text, struct ms_complaint *complaint)
{
    uint8_t *owner = &options->levels[option - options->table];
    struct value value = {0};

    if (!parse_value(option, text, &value, complaint)) {
        return false;
    }
    if (*owner > level) {
        return true;
    }
    if (option->kind == MS_OPTION_LIST && *owner < level) {
        *(struct ms_option_list *)field_of(options->target, option) =
            (struct ms_option_list){.count = 0};
    }
    if (!store(options, option, &value, complaint)) {
        return false;
    }
    *owner = (uint8_t)level;
    return true;
}

/* Variables and defaults hold a whole list, its items separated by commas. */
static bool set_items(struct ms_options *options, const struct ms_option *option,
                      enum ms_option_level level, const char *text, struct ms_complaint *complaint)
{
    char item[MS_OPTION_STRING_MAX + 1];

    for (;;) {
        const size_t size = strcspn(text, ",");

        if (!ms_text_copy(item, sizeof item, text, size)) {
            return ms_complain(complaint, "an item of more than %d bytes", MS_OPTION_STRING_MAX);
        }
        if (!set_one(options, option, level, item, complaint)) {
            return false;
        }
        if (text[size] == '\0') {
            return true;
        }
        text += size + 1;
    }
}

/* How the complaint calls the option: as the person who set it did. */
static void name_subject(const struct ms_option *option, const struct ms_option_source *source,
                         struct ms_text *subject)
{
    if (source->place != NULL) {
        ms_text_add(subject, "%s: ", source->place);
    }
    if (source->level == MS_OPTION_FILE && option->key != NULL) {
        ms_text_add(subject, "%s", option->key);
    } else if (source->level == MS_OPTION_ENV && option->env != NULL) {
        ms_text_add(subject, "%s", option->env);
    } else {
        ms_text_add(subject, "--%s", option->name);
    }
}

bool ms_options_set(struct ms_options *options, const struct ms_option *option,
                    struct ms_option_source source, const char *text,
                    struct ms_complaint *complaint)
{
    char subject[SUBJECT_MAX];
    struct ms_text subject_text;
    struct ms_complaint reason = {""};
    bool is_set;

    ms_assert(option >= options->table && option < options->table + options->count);
    ms_assert(source.level > MS_OPTION_UNSET && source.level <= MS_OPTION_FLAG);
    if (text == NULL) {
        is_set = option->kind == MS_OPTION_BOOL
                     ? set_one(options, option, source.level, "true", &reason)
                     : ms_complain(&reason, "needs a value: %s", ms_option_argument(option));
    } else if (option->kind == MS_OPTION_LIST &&
               (source.level == MS_OPTION_ENV || source.level == MS_OPTION_DEFAULT)) {
        is_set = set_items(options, option, source.level, text, &reason);
    } else {
        is_set = set_one(options, option, source.level, text, &reason);
    }
    if (is_set) {
        return true;
    }
    ms_text_init(&subject_text, subject, sizeof subject);
    name_subject(option, &source, &subject_text);
    return ms_complain(complaint, "%s: %s", subject, reason.text);
}

bool ms_options_init(struct ms_options *options, const struct ms_option *table, size_t count,
                     void *target)
{
    const struct ms_option_source source = {MS_OPTION_DEFAULT, NULL};

    ms_assert(count <= MS_OPTIONS_MAX);
    *options = (struct ms_options){.table = table, .count = count, .target = target};
    for (size_t i = 0; i < count; i++) {
        const struct ms_option *option = &table[i];
        const struct value nothing = {0};

        if (option->kind == MS_OPTION_STRING) {
            *(const char **)field_of(target, option) = NULL;
        } else if (option->kind == MS_OPTION_LIST) {
            *(struct ms_option_list *)field_of(target, option) =
                (struct ms_option_list){.count = 0};
        } else {
            store(options, option, &nothing, NULL);
        }
        if (option->default_text != NULL) {
            struct value value;

            if (!ms_options_set(options, option, source, option->default_text, NULL)) {
                /* A table that passes lint can fail only for want of memory. */
                ms_assert(option->kind == MS_OPTION_LIST ||
                          parse_value(option, option->default_text, &value, NULL));
                ms_options_finish(options);
                return false;
            }
        }
    }
    return true;
}

void ms_options_finish(struct ms_options *options)
{
    if (options == NULL) {
        return;
    }
    while (options->texts != NULL) {
        struct ms_options_text *block = options->texts;

        options->texts = block->next;
        free(block);
    }
    ms_sections_destroy(options->sections);
    *options = (struct ms_options){.count = 0};
}

/* Equal but for '_' and '-'. */
static bool is_same_key(const char *a, const char *b)
{
    for (; *a != '\0' && *b != '\0'; a++, b++) {
        if ((*a == '_' ? '-' : *a) != (*b == '_' ? '-' : *b)) {
            return false;
        }
    }
    return *a == *b;
}

const struct ms_option *ms_options_find(const struct ms_options *options, const char *name)
{
    for (size_t i = 0; i < options->count; i++) {
        if (strcmp(options->table[i].name, name) == 0) {
            return &options->table[i];
        }
    }
    return NULL;
}

const struct ms_option *ms_options_find_short(const struct ms_options *options, char short_name)
{
    for (size_t i = 0; i < options->count && short_name != 0; i++) {
        if (options->table[i].short_name == short_name) {
            return &options->table[i];
        }
    }
    return NULL;
}

const struct ms_option *ms_options_find_key(const struct ms_options *options, const char *key)
{
    for (size_t i = 0; i < options->count; i++) {
        if (options->table[i].key != NULL && is_same_key(options->table[i].key, key)) {
            return &options->table[i];
        }
    }
    return NULL;
}

const struct ms_option *ms_options_find_env(const struct ms_options *options, const char *env)
{
    for (size_t i = 0; i < options->count; i++) {
        if (options->table[i].env != NULL && strcmp(options->table[i].env, env) == 0) {
            return &options->table[i];
        }
    }
    return NULL;
}

enum ms_option_level ms_options_level(const struct ms_options *options,
                                      const struct ms_option *option)
{
    ms_assert(option >= options->table && option < options->table + options->count);
    return (enum ms_option_level)options->levels[option - options->table];
}

bool ms_options_check(const struct ms_options *options, struct ms_complaint *complaint)
{
    for (size_t i = 0; i < options->count; i++) {
        const struct ms_option *option = &options->table[i];

        if (option->is_required && options->levels[i] == MS_OPTION_UNSET) {
            return ms_complain(complaint, "--%s=%s is required%s%s", option->name,
                               ms_option_argument(option),
                               option->env == NULL ? "" : ", or the variable ",
                               option->env == NULL ? "" : option->env);
        }
        if (option->kind != MS_OPTION_LIST || options->levels[i] == MS_OPTION_UNSET) {
            continue;
        }
        const struct ms_option_list *list = field_of(options->target, option);

        if (list->count < option->min) {
            return ms_complain(complaint, "--%s: %zu given, at least %llu needed", option->name,
                               list->count, (unsigned long long)option->min);
        }
    }
    return true;
}

static bool is_option_name(const char *name)
{
    return name != NULL && name[0] >= 'a' && name[0] <= 'z' && strlen(name) <= NAME_LENGTH_MAX &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(name);
}

static bool is_help(const char *help)
{
    return help != NULL && help[0] != '\0' && strpbrk(help, "|\n") == NULL &&
           help[strlen(help) - 1] != '.';
}

static bool lint_row(const struct ms_option *option, struct ms_complaint *complaint)
{
    struct ms_complaint reason;
    struct value value;

    if (!is_option_name(option->name)) {
        return ms_complain(complaint, "a name is missing, too long or not lower-case");
    }
    if ((unsigned)option->kind >= MS_OPTION_KINDS) {
        return ms_complain(complaint, "--%s: unknown kind", option->name);
    }
    if (!is_help(option->help)) {
        return ms_complain(complaint, "--%s: help is missing, ends with a full stop or holds a bar",
                           option->name);
    }
    if (option->short_name != 0 &&
        (option->short_name <= ' ' || option->short_name > '~' || option->short_name == '-')) {
        return ms_complain(complaint, "--%s: bad short name", option->name);
    }
    if (option->kind == MS_OPTION_ENUM && (option->choices == NULL || option->choices[0] == NULL)) {
        return ms_complain(complaint, "--%s: no choices", option->name);
    }
    if (option->max != 0 && option->min > option->max) {
        return ms_complain(complaint, "--%s: min is above max", option->name);
    }
    if (option->check != NULL && option->kind != MS_OPTION_STRING &&
        option->kind != MS_OPTION_LIST) {
        return ms_complain(complaint, "--%s: only texts are checked further", option->name);
    }
    if (option->is_required && option->default_text != NULL) {
        return ms_complain(complaint, "--%s: required and a default", option->name);
    }
    if (option->default_text != NULL && option->kind != MS_OPTION_LIST &&
        !parse_value(option, option->default_text, &value, &reason)) {
        return ms_complain(complaint, "--%s: default: %s", option->name, reason.text);
    }
    return true;
}

static bool is_same(const char *a, const char *b)
{
    return a != NULL && b != NULL && is_same_key(a, b);
}

bool ms_options_lint(const struct ms_option *table, size_t count, struct ms_complaint *complaint)
{
    if (count > MS_OPTIONS_MAX) {
        return ms_complain(complaint, "more than %d rows", MS_OPTIONS_MAX);
    }
    for (size_t i = 0; i < count; i++) {
        if (!lint_row(&table[i], complaint)) {
            return false;
        }
        for (size_t j = 0; j < i; j++) {
            const struct ms_option *a = &table[i], *b = &table[j];

            if (is_same(a->name, b->name) || is_same(a->env, b->env) || is_same(a->key, b->key) ||
                (a->short_name != 0 && a->short_name == b->short_name)) {
                return ms_complain(complaint, "--%s and --%s share a name, key or variable",
                                   b->name, a->name);
            }
        }
    }
    return count == 0 || table[0].group != NULL ||
           ms_complain(complaint, "--%s: the first row has no group", table[0].name);
}

/* Edits that turn one name into the other; names longer than NAME_LENGTH_MAX are far from all. */
static size_t distance(const char *a, const char *b)
{
    size_t row[NAME_LENGTH_MAX + 1];
    const size_t a_size = strlen(a), b_size = strlen(b);

    if (a_size > NAME_LENGTH_MAX || b_size > NAME_LENGTH_MAX) {
        return SIZE_MAX;
    }
    for (size_t j = 0; j <= b_size; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= a_size; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= b_size; j++) {
            const size_t change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            const size_t least = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;

            diagonal = row[j];
            row[j] = change < least ? change : least;
        }
    }
    return row[b_size];
}

bool ms_options_unknown(const struct ms_options *options, struct ms_option_source source,
                        const char *name, struct ms_complaint *complaint)
{
    const bool is_file = source.level == MS_OPTION_FILE;
    const char *nearest = NULL;
    size_t best = 3; /* more edits than two are no slip of the finger */

    for (size_t i = 0; i < options->count; i++) {
        const char *known = is_file ? options->table[i].key : options->table[i].name;
        const size_t edits = known == NULL ? SIZE_MAX : distance(name, known);

        if (edits < best) {
            best = edits;
            nearest = known;
        }
    }
    const char *dashes = is_file ? "" : "--";

    return ms_complain(complaint, "%s%sunknown %s \"%s%.64s\"%s%s%s%s",
                       source.place == NULL ? "" : source.place, source.place == NULL ? "" : ": ",
                       is_file ? "key" : "option", dashes, name,
                       nearest == NULL ? "" : ": did you mean ", nearest == NULL ? "" : dashes,
                       nearest == NULL ? "" : nearest, nearest == NULL ? "" : "?");
}
