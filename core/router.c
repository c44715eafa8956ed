#include "core/router.h"

#include <stdlib.h>
#include <string.h>

#include "core/invariant.h"

#define FNV_OFFSET UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME  UINT64_C(0x100000001b3)

struct ms_router_entry {
    struct ms_route route;
    char name[MS_NAME_MAX + 1];
};

static uint64_t fnv1a(uint64_t hash, const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        hash = (hash ^ (uint8_t)*c) * FNV_PRIME;
    }
    return hash;
}

ms_type ms_type_of_name(const char *name)
{
    ms_assert(name != NULL);
    const ms_type type = fnv1a(FNV_OFFSET, name);

    return type < MS_TYPE_USER_MIN ? type + MS_TYPE_USER_MIN : type;
}

/* Two hashes from different starts; what they find is compared as text anyway. */
static struct ms_key key_of_name(const char *name)
{
    return ms_key_of(fnv1a(FNV_OFFSET, name), fnv1a(~FNV_OFFSET, name));
}

bool ms_router_init(struct ms_router *router, size_t types_max, uint64_t seed)
{
    ms_assert(types_max > 0 && types_max <= MS_TYPES_MAX);
    struct ms_router_entry *entries = calloc(types_max, sizeof *entries);

    if (entries == NULL) {
        return false;
    }
    *router = (struct ms_router){.entries = entries, .max = types_max};
    ms_map_init(&router->by_type, types_max, seed);
    ms_map_init(&router->by_name, types_max, seed + 1);
    return true;
}

void ms_router_finish(struct ms_router *router)
{
    if (router == NULL) {
        return;
    }
    free(router->entries);
    ms_map_finish(&router->by_type);
    ms_map_finish(&router->by_name);
    *router = (struct ms_router){.max = 0};
}

/* What the route asks for on its own, whatever else is in the table. */
static enum ms_error check(const struct ms_route *route, ms_type type,
                           struct ms_complaint *complaint)
{
    if (route->name == NULL || !ms_text_is_name(route->name, strlen(route->name))) {
        ms_complain(complaint,
                    "type name \"%s\" is not 1 to %d letters, digits, dots, dashes or underscores",
                    route->name == NULL ? "" : route->name, MS_NAME_MAX);
        return MS_E_BAD_ARGUMENT;
    }
    if (type < MS_TYPE_USER_MIN) {
        ms_complain(complaint, "type %llu of \"%s\" is the framework's own: use %llu or above",
                    (unsigned long long)type, route->name, (unsigned long long)MS_TYPE_USER_MIN);
        return MS_E_BAD_ARGUMENT;
    }
    if (route->kind == MS_ROUTE_LOCAL && route->handler == NULL) {
        ms_complain(complaint, "the local route \"%s\" has no handler", route->name);
        return MS_E_BAD_ARGUMENT;
    }
    return MS_E_OK;
}

/* Whether the name and the type are free, or there together. */
static enum ms_error check_clash(const struct ms_router *router, const char *name, ms_type type,
                                 struct ms_complaint *complaint)
{
    const struct ms_route *by_type = ms_router_find(router, type);
    const struct ms_route *by_name = ms_router_find_name(router, name);

    if (by_type != NULL && strcmp(by_type->name, name) != 0) {
        ms_complain(complaint,
                    "type %llu belongs to \"%s\" and is wanted for \"%s\": pin another number",
                    (unsigned long long)type, by_type->name, name);
        return MS_E_TYPE_CLASH;
    }
    if (by_name != NULL && by_name->type != type) {
        ms_complain(complaint, "\"%s\" has type %llu and is wanted with type %llu for \"%s\"",
                    by_name->name, (unsigned long long)by_name->type, (unsigned long long)type,
                    name);
        return MS_E_TYPE_CLASH;
    }
    return MS_E_OK;
}

static enum ms_error append(struct ms_router *router, const struct ms_route *route, ms_type type)
{
    struct ms_router_entry *entry = &router->entries[router->count];
    const uint64_t number = router->count + 1;

    if (!ms_map_put(&router->by_type, ms_key_of(type, 0), number)) {
        return MS_E_NO_MEMORY;
    }
    if (!ms_map_put(&router->by_name, key_of_name(route->name), number)) {
        ms_map_remove(&router->by_type, ms_key_of(type, 0));
        return MS_E_NO_MEMORY;
    }
    *entry = (struct ms_router_entry){.route = *route};
    memcpy(entry->name, route->name, strlen(route->name) + 1);
    entry->route.name = entry->name;
    entry->route.type = type;
    router->count++;
    return MS_E_OK;
}

enum ms_error ms_router_add(struct ms_router *router, const struct ms_route *route,
                            struct ms_complaint *complaint)
{
    ms_assert(router->entries != NULL);
    const ms_type type =
        route->type == 0 && route->name != NULL ? ms_type_of_name(route->name) : route->type;
    enum ms_error error = check(route, type, complaint);

    if (error == MS_E_OK) {
        error = check_clash(router, route->name, type, complaint);
    }
    if (error != MS_E_OK || ms_router_find(router, type) != NULL) {
        return error;
    }
    if (ms_map_find(&router->by_name, key_of_name(route->name)) != 0) {
        ms_complain(complaint, "\"%s\" has the hash of another name: choose another", route->name);
        return MS_E_TYPE_CLASH;
    }
    if (router->count == router->max) {
        ms_complain(complaint, "no room for \"%s\": the table holds %zu types", route->name,
                    router->max);
        return MS_E_NO_MEMORY;
    }
    return append(router, route, type);
}

struct ms_route *ms_router_find(const struct ms_router *router, ms_type type)
{
    const uint64_t number = ms_map_find(&router->by_type, ms_key_of(type, 0));

    return number == 0 ? NULL : ms_router_at(router, (size_t)number - 1);
}

struct ms_route *ms_router_find_name(const struct ms_router *router, const char *name)
{
    const uint64_t number = ms_map_find(&router->by_name, key_of_name(name));

    if (number == 0) {
        return NULL;
    }
    struct ms_route *route = ms_router_at(router, (size_t)number - 1);

    return strcmp(route->name, name) == 0 ? route : NULL;
}

struct ms_route *ms_router_at(const struct ms_router *router, size_t index)
{
    ms_assert(index < router->count);
    return &router->entries[index].route;
}

size_t ms_router_count(const struct ms_router *router)
{
    return router->count;
}
