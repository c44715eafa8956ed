/* The table of the section `route` of a master, and what it cannot say. */
#include <string.h>

#include "core/invariant.h"
#include "core/terms.h"
#include "master/routes_values.h"

#define FIELD(member) .offset = offsetof(struct ms_route_values, member)

const char *const ms_route_absent_names[] = {
    [MS_ROUTE_ABSENT_WAIT] = "wait", [MS_ROUTE_ABSENT_NEXT] = "next", [MS_ROUTE_ABSENTS] = NULL};

static bool check_strategy(const char *text, struct ms_complaint *complaint)
{
    return ms_chain_parse_word(text, complaint) != NULL;
}

static bool check_name(const char *text, struct ms_complaint *complaint)
{
    return ms_text_is_name(text, strlen(text)) ||
           ms_complain(complaint, "\"%.64s\" is no name: 1 to %d letters, digits and . _ -", text,
                       MS_NAME_MAX);
}

/* WORD or KEY=VALUE. */
static bool check_label(const char *text, struct ms_complaint *complaint)
{
    const size_t size = strlen(text), key = strcspn(text, "=");
    const bool has_value = text[key] == '=';

    return (size <= MS_NAME_MAX && ms_text_is_name(text, key) &&
            (!has_value || ms_text_is_name(text + key + 1, size - key - 1))) ||
           ms_complain(complaint,
                       "\"%.64s\" is no label: WORD or KEY=VALUE, together 1 to %d letters, digits "
                       "and . _ -",
                       text, MS_NAME_MAX);
}

static bool check_rate(const char *text, struct ms_complaint *complaint)
{
    struct ms_rate rate;

    return ms_rate_parse(text, &rate, complaint);
}

static bool parse_priority(const char *text, int8_t *priority_out)
{
    const bool is_negative = text[0] == '-';
    const char *digits = text + (is_negative ? 1 : 0);
    uint64_t number;

    if (!ms_text_to_u64(digits, strlen(digits), &number) || number > MS_PRIORITY_MAX) {
        return false;
    }
    *priority_out = (int8_t)(is_negative ? -(int)number : (int)number);
    return *priority_out >= MS_PRIORITY_MIN;
}

static bool check_priority(const char *text, struct ms_complaint *complaint)
{
    int8_t priority;

    return parse_priority(text, &priority) ||
           ms_complain(complaint, "\"%.64s\" is no priority: a whole number, %d to %d", text,
                       MS_PRIORITY_MIN, MS_PRIORITY_MAX);
}

int8_t ms_route_priority(const char *text)
{
    int8_t priority = 0;
    const bool is_right = text == NULL || parse_priority(text, &priority);

    ms_assert(is_right);
    return priority;
}

void ms_route_chain(const struct ms_route_values *values, struct ms_chain *chain_out)
{
    ms_assert(values->strategy.count <= MS_CHAIN_MAX);
    *chain_out = (struct ms_chain){.count = (uint8_t)values->strategy.count};
    for (uint8_t i = 0; i < chain_out->count; i++) {
        chain_out->strategies[i] = ms_chain_parse_word(values->strategy.items[i], NULL);
        ms_assert(chain_out->strategies[i] != NULL);
    }
}

static const struct ms_option table[] = {
    {.name = "strategy",
     .kind = MS_OPTION_LIST,
     .argument = "STRATEGY",
     .max = MS_CHAIN_MAX,
     .key = "strategy",
     .group = "Route",
     .help = "who gets a command: the first of these that takes it counts; any when left out",
     .check = check_strategy,
     FIELD(strategy)},
    {.name = "group",
     .kind = MS_OPTION_STRING,
     .argument = "NAME",
     .key = "group",
     .help = "only slaves of that group",
     .check = check_name,
     FIELD(group)},
    {.name = "labels",
     .kind = MS_OPTION_LIST,
     .argument = "LABEL",
     .max = MS_ROUTE_LABELS_MAX,
     .key = "labels",
     .help = "only slaves that have all of these labels",
     .check = check_label,
     FIELD(labels)},
    {.name = "groups",
     .kind = MS_OPTION_LIST,
     .argument = "NAME",
     .max = MS_ROUTE_GROUPS_MAX,
     .key = "groups",
     .help = "groups of slaves among which a hash strategy chooses by the command's key; their "
             "order counts",
     .check = check_name,
     FIELD(groups)},
    {.name = "on-absent",
     .kind = MS_OPTION_ENUM,
     .choices = ms_route_absent_names,
     .default_text = "wait",
     .key = "on-absent",
     .help = "when the group that a key chose has no slave: wait for one, or go to the next group",
     FIELD(on_absent)},
    {.name = "affinity",
     .kind = MS_OPTION_DURATION,
     .max = MS_DELAY_MAX,
     .default_text = "0",
     .key = "affinity",
     .help = "commands of a key go to the slave that had the last one, until there was none for so "
             "long; 0 = they do not",
     FIELD(affinity)},
    {.name = "ordered",
     .kind = MS_OPTION_BOOL,
     .key = "ordered",
     .help = "one command of a key at a time, in the order of submission",
     FIELD(is_ordered)},
    {.name = "concurrency",
     .kind = MS_OPTION_U64,
     .max = MS_COMMANDS_MAX_DEFAULT,
     .default_text = "0",
     .key = "concurrency",
     .help = "commands of the type in slaves' hands at a time; 0 = no limit",
     FIELD(concurrency[MS_ROUTE_ALL])},
    {.name = "group-concurrency",
     .kind = MS_OPTION_U64,
     .max = MS_COMMANDS_MAX_DEFAULT,
     .default_text = "0",
     .key = "group-concurrency",
     .help = "the same of each group of commands",
     FIELD(concurrency[MS_ROUTE_PER_GROUP])},
    {.name = "key-concurrency",
     .kind = MS_OPTION_U64,
     .max = MS_COMMANDS_MAX_DEFAULT,
     .default_text = "0",
     .key = "key-concurrency",
     .help = "the same of each key",
     FIELD(concurrency[MS_ROUTE_PER_KEY])},
    {.name = "rate",
     .kind = MS_OPTION_STRING,
     .argument = "RATE",
     .default_text = "0",
     .key = "rate",
     .help = "commands of the type that are handed out: N/s, N/m or N/h, with :BURST if more or "
             "fewer than those of a second may go at once; 0 = no limit",
     .check = check_rate,
     FIELD(rate[MS_ROUTE_ALL])},
    {.name = "group-rate",
     .kind = MS_OPTION_STRING,
     .argument = "RATE",
     .default_text = "0",
     .key = "group-rate",
     .help = "the same of each group of commands",
     .check = check_rate,
     FIELD(rate[MS_ROUTE_PER_GROUP])},
    {.name = "key-rate",
     .kind = MS_OPTION_STRING,
     .argument = "RATE",
     .default_text = "0",
     .key = "key-rate",
     .help = "the same of each key",
     .check = check_rate,
     FIELD(rate[MS_ROUTE_PER_KEY])},
    {.name = "fair",
     .kind = MS_OPTION_BOOL,
     .key = "fair",
     .help = "submitters take turns, by their weight, instead of first in, first out",
     FIELD(is_fair)},
    {.name = "priority",
     .kind = MS_OPTION_STRING,
     .argument = "-10..10",
     .default_text = "0",
     .key = "priority",
     .help = "of commands that are submitted without one",
     .check = check_priority,
     FIELD(priority)},
};

static bool check_title(const char *title, struct ms_complaint *complaint)
{
    const size_t size = strlen(title);

    for (size_t i = 0; i < size; i++) {
        if (title[i] != '*' && !ms_text_is_name(&title[i], 1)) {
            return ms_complain(complaint,
                               "a type's name, or a pattern of names: letters, digits and . _ -, "
                               "and * for any of them");
        }
    }
    return true;
}

/* The first item that is there twice; NULL = none is. */
static const char *find_twin(const struct ms_option_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (strcmp(list->items[i], list->items[j]) == 0) {
                return list->items[i];
            }
        }
    }
    return NULL;
}

static bool check_twins(const struct ms_section *section, const char *key,
                        const struct ms_option_list *list, struct ms_complaint *complaint)
{
    const char *twin = find_twin(list);

    return twin == NULL ||
           ms_section_complain(section, key, complaint, "\"%.64s\" is there twice", twin);
}

static bool check_groups(const struct ms_section *section, const struct ms_route_values *values,
                         struct ms_complaint *complaint)
{
    struct ms_chain chain;

    ms_route_chain(values, &chain);
    if (values->groups.count > 0 && values->group != NULL) {
        return ms_section_complain(section, "group", complaint,
                                   "\"%s\" and groups: only one of both", values->group);
    }
    const struct ms_strategy *place = ms_chain_place(&chain);

    if (place != NULL && values->groups.count == 0) {
        return ms_section_complain(section, "strategy", complaint,
                                   "%s chooses among groups, and there are none", place->name);
    }
    if (values->groups.count > 0 && place != NULL && values->groups.count > place->groups_max) {
        return ms_section_complain(section, "groups", complaint, "%zu of them; %s takes at most %u",
                                   values->groups.count, place->name, place->groups_max);
    }
    if (values->groups.count > 0 && place == NULL) {
        char words[256];
        struct ms_text text;

        ms_text_init(&text, words, sizeof words);
        ms_chain_print(&chain, &text);
        return ms_section_complain(section, "groups", complaint,
                                   "a hash strategy chooses among them, and strategy is %s; valid "
                                   "ones: hash:java31, hash:jump",
                                   words);
    }
    if (values->groups.count == 0 && values->on_absent != MS_ROUTE_ABSENT_WAIT) {
        return ms_section_complain(section, "on-absent", complaint,
                                   "\"%s\" is of groups, and there are none",
                                   ms_route_absent_names[values->on_absent]);
    }
    return true;
}

static bool check(const struct ms_section *section, struct ms_complaint *complaint)
{
    const struct ms_route_values *values = section->options.target;
    const uint64_t of_key = values->concurrency[MS_ROUTE_PER_KEY];

    if (values->is_ordered && of_key > 1) {
        return ms_section_complain(section, "key-concurrency", complaint,
                                   "%llu, and ordered allows 1 at a time",
                                   (unsigned long long)of_key);
    }
    return check_twins(section, "strategy", &values->strategy, complaint) &&
           check_twins(section, "labels", &values->labels, complaint) &&
           check_twins(section, "groups", &values->groups, complaint) &&
           check_groups(section, values, complaint);
}

const struct ms_section_kind ms_route_section = {
    .name = "route",
    .title = "TYPE",
    .help =
        "How commands of a type are handed out. TYPE is its name, or a pattern in which * stands "
        "for any bytes; docs/routes.md says which route applies, and what of it is in effect. "
        "All routes are taken over on reload",
    .table = table,
    .count = sizeof table / sizeof table[0],
    .target_size = sizeof(struct ms_route_values),
    .check_title = check_title,
    .check = check,
};
