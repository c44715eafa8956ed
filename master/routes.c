#include "master/routes.h"

#include <stdlib.h>
#include <string.h>

#include "core/glob.h"
#include "core/invariant.h"
#include "master/routes_values.h"

#define FNV_OFFSET UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME  UINT64_C(0x100000001b3)

/* Bytes of a pattern that are no stars; a name without any has all of them, and one more. */
static size_t weight_of(const char *pattern)
{
    size_t stars = 0;

    for (const char *at = pattern; *at != '\0'; at++) {
        stars += *at == '*';
    }
    return stars == 0 ? MS_NAME_MAX + 1 : strlen(pattern) - stars;
}

/* True when a comes before b. */
static bool precedes(const struct ms_route_settings *a, const struct ms_route_settings *b)
{
    const size_t of_a = weight_of(a->pattern), of_b = weight_of(b->pattern);

    return of_a != of_b ? of_a > of_b : strcmp(a->pattern, b->pattern) < 0;
}

static void insert(struct ms_routes *routes, const struct ms_route_settings *route)
{
    size_t at = routes->count++;

    for (; at > 0 && precedes(route, &routes->items[at - 1]); at--) {
        routes->items[at] = routes->items[at - 1];
    }
    routes->items[at] = *route;
}

static const struct ms_route_name *take_names(struct ms_routes *routes,
                                              const struct ms_option_list *list)
{
    struct ms_route_name *names = routes->names + routes->names_count;

    for (size_t i = 0; i < list->count; i++) {
        ms_text_copy_name(names[i].text, list->items[i]);
    }
    routes->names_count += list->count;
    return list->count > 0 ? names : NULL;
}

static void take_rate(struct ms_rate *rate, const char *text)
{
    const bool is_right = text == NULL || ms_rate_parse(text, rate, NULL);

    ms_assert(is_right);
}

static void take_section(struct ms_routes *routes, const struct ms_section *section)
{
    const struct ms_route_values *values = section->options.target;
    struct ms_route_settings route = {
        .labels = take_names(routes, &values->labels),
        .labels_count = (uint32_t)values->labels.count,
        .groups = take_names(routes, &values->groups),
        .groups_count = (uint32_t)values->groups.count,
        .affinity = values->affinity,
        .on_absent = (enum ms_route_absent)values->on_absent,
        .priority = ms_route_priority(values->priority),
        .is_ordered = values->is_ordered,
        .is_fair = values->is_fair,
    };

    ms_text_copy_name(route.pattern, section->title);
    ms_text_copy_name(route.group, values->group);
    ms_route_chain(values, &route.chain);
    for (int i = 0; i < MS_ROUTE_SCOPES; i++) {
        route.concurrency[i] = (uint32_t)values->concurrency[i];
        take_rate(&route.rate[i], values->rate[i]);
    }
    insert(routes, &route);
}

static bool make_room(struct ms_routes *routes, size_t count, size_t names_count)
{
    *routes = (struct ms_routes){0};
    if (count == 0) {
        return true;
    }
    routes->items = calloc(count, sizeof *routes->items);
    routes->names = calloc(names_count + 1, sizeof *routes->names);
    if (routes->items == NULL || routes->names == NULL) {
        ms_routes_finish(routes);
        return false;
    }
    return true;
}

bool ms_routes_read(struct ms_routes *routes_out, const struct ms_sections *sections)
{
    const struct ms_section *section;
    size_t cursor = 0, count = 0, names_count = 0;

    while ((section = ms_sections_next(sections, &ms_route_section, &cursor)) != NULL) {
        const struct ms_route_values *values = section->options.target;

        count++;
        names_count += values->labels.count + values->groups.count;
    }
    if (!make_room(routes_out, count, names_count)) {
        return false;
    }
    cursor = 0;
    while ((section = ms_sections_next(sections, &ms_route_section, &cursor)) != NULL) {
        take_section(routes_out, section);
    }
    ms_assert(routes_out->count == count && routes_out->names_count == names_count);
    return true;
}

/* Where a name of one table lies in its copy. */
static const struct ms_route_name *move(const struct ms_routes *to, const struct ms_routes *from,
                                        const struct ms_route_name *name)
{
    return name != NULL ? to->names + (name - from->names) : NULL;
}

bool ms_routes_copy(struct ms_routes *routes_out, const struct ms_routes *from)
{
    if (!make_room(routes_out, from->count, from->names_count)) {
        return false;
    }
    if (from->count == 0) {
        return true;
    }
    memcpy(routes_out->items, from->items, from->count * sizeof *from->items);
    if (from->names_count > 0) {
        memcpy(routes_out->names, from->names, from->names_count * sizeof *from->names);
    }
    routes_out->count = from->count;
    routes_out->names_count = from->names_count;
    for (size_t i = 0; i < from->count; i++) {
        struct ms_route_settings *route = &routes_out->items[i];

        route->labels = move(routes_out, from, route->labels);
        route->groups = move(routes_out, from, route->groups);
    }
    return true;
}

void ms_routes_finish(struct ms_routes *routes)
{
    free(routes->items);
    free(routes->names);
    *routes = (struct ms_routes){0};
}

const struct ms_route_settings *ms_routes_find(const struct ms_routes *routes, const char *type)
{
    const struct ms_bytes name = ms_bytes_of(type);

    for (size_t i = 0; i < routes->count; i++) {
        const char *pattern = routes->items[i].pattern;

        if (ms_glob(pattern, pattern + strlen(pattern), name)) {
            return &routes->items[i];
        }
    }
    return NULL;
}

static uint64_t mix(uint64_t hash, uint64_t number)
{
    for (unsigned shift = 0; shift < 64; shift += 8) {
        hash = (hash ^ (number >> shift & 0xff)) * FNV_PRIME;
    }
    return hash;
}

/* With its end, so that two in a row are not another two. */
static uint64_t mix_text(uint64_t hash, const char *text)
{
    for (; *text != '\0'; text++) {
        hash = (hash ^ (uint8_t)*text) * FNV_PRIME;
    }
    return hash * FNV_PRIME;
}

static uint64_t mix_names(uint64_t hash, const struct ms_route_name *names, uint32_t count)
{
    hash = mix(hash, count);
    for (uint32_t i = 0; i < count; i++) {
        hash = mix_text(hash, names[i].text);
    }
    return hash;
}

/* Words by their text: both programs may number them in another way. */
static uint64_t mix_chain(uint64_t hash, const struct ms_chain *chain)
{
    char words[MS_CHAIN_MAX * (MS_NAME_MAX + 1)];
    struct ms_text text;

    ms_text_init(&text, words, sizeof words);
    ms_chain_print(chain, &text);
    ms_assert(!ms_text_is_cut(&text));
    return mix_text(hash, words);
}

static uint64_t mix_route(uint64_t hash, const struct ms_route_settings *route)
{
    hash = mix_text(hash, route->pattern);
    hash = mix_chain(hash, &route->chain);
    hash = mix_text(hash, route->group);
    hash = mix_names(hash, route->labels, route->labels_count);
    hash = mix_names(hash, route->groups, route->groups_count);
    hash = mix(hash, (uint64_t)route->affinity);
    for (int i = 0; i < MS_ROUTE_SCOPES; i++) {
        hash = mix(hash, route->concurrency[i]);
        hash = mix(hash, route->rate[i].per_second);
        hash = mix(hash, route->rate[i].burst);
    }
    hash = mix_text(hash, ms_route_absent_names[route->on_absent]);
    hash = mix(hash, (uint64_t)(route->priority + MS_NAME_MAX));
    return mix(hash, (route->is_ordered ? 1u : 0u) | (route->is_fair ? 2u : 0u));
}

uint64_t ms_routes_digest(const struct ms_routes *routes)
{
    uint64_t hash = FNV_OFFSET;

    for (size_t i = 0; i < routes->count; i++) {
        hash = mix_route(hash, &routes->items[i]);
    }
    return hash != 0 ? hash : 1;
}

void ms_route_print_names(const struct ms_route_name *names, uint32_t count, struct ms_text *text)
{
    for (uint32_t i = 0; i < count; i++) {
        ms_text_add(text, "%s%s", i > 0 ? ", " : "", names[i].text);
    }
}
