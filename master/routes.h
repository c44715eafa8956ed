/* The routing table of a configuration file: sections `route "TYPE" { ... }`, whose title is the name of a type or a pattern of
 * names (* stands for any bytes). A value: whoever runs by it has a copy. */
#ifndef MASTER_ROUTES_H
#define MASTER_ROUTES_H

#include "core/rate.h"
#include "core/sections.h"
#include "core/types.h"
#include "master/chains.h"

/* What happens to a command when the group that its key chose has no slave. */
enum ms_route_absent {
    MS_ROUTE_ABSENT_WAIT, /* it waits for one */
    MS_ROUTE_ABSENT_NEXT, /* the next group of the list takes it */
    MS_ROUTE_ABSENTS
};

struct ms_route_name {
    char text[MS_NAME_MAX + 1];
};

/* Whose commands of a route are counted. */
enum ms_route_scope {
    MS_ROUTE_ALL,       /* all of them */
    MS_ROUTE_PER_GROUP, /* those in the hands of one group of slaves */
    MS_ROUTE_PER_KEY,   /* those of one key */
    MS_ROUTE_SCOPES
};

/* One route. Zeros are the defaults; labels and groups belong to the table. */
struct ms_route_settings {
    char pattern[MS_NAME_MAX + 1]; /* of names of types */
    struct ms_chain chain;
    char group[MS_NAME_MAX + 1];        /* only slaves of that one; "" = of any */
    const struct ms_route_name *labels; /* only slaves that have all of them */
    uint32_t labels_count;              /* at most MS_ROUTE_LABELS_MAX */
    const struct ms_route_name *groups; /* the key chooses among them, in this order */
    uint32_t groups_count;              /* at most MS_ROUTE_GROUPS_MAX; only with a hash strategy */
    ms_time affinity; /* a key stays with its slave until it was unused so long; 0 = it does not */
    uint32_t concurrency[MS_ROUTE_SCOPES]; /* commands in slaves' hands at a time; 0 = no limit */
    struct ms_rate rate[MS_ROUTE_SCOPES];  /* at which commands are handed out */
    enum ms_route_absent on_absent;
    int8_t priority; /* of commands that say none */
    bool is_ordered; /* one command of a key at a time, in the order of submission */
    bool is_fair;    /* submitters take turns, by weight */
};

static inline bool ms_route_has_limits(const struct ms_route_settings *route,
                                       enum ms_route_scope scope)
{
    return route->concurrency[scope] > 0 || ms_rate_is_limit(&route->rate[scope]);
}

/* In order of precedence: the first whose pattern fits applies. */
struct ms_routes {
    struct ms_route_settings *items;
    size_t count;
    struct ms_route_name *names; /* of all labels and groups */
    size_t names_count;
};

/* The kind of section, for the table of kinds of a program. */
extern const struct ms_section_kind ms_route_section;

extern const char *const ms_route_absent_names[]; /* by enum ms_route_absent, ended by NULL */

/* The routes among sections that were checked (ms_sections_check); sections may be NULL. False when memory is out; then, and
 * where there are none, the table is empty. */
bool ms_routes_read(struct ms_routes *routes_out, const struct ms_sections *sections);

/* A copy of its own. False, with an empty table, when memory is out. */
bool ms_routes_copy(struct ms_routes *routes_out, const struct ms_routes *from);
void ms_routes_finish(
    struct ms_routes *routes); /* accepts an empty or zeroed table, and leaves an empty one */

/* The route of the type of that name: the exact name, else the pattern with the most bytes that are no stars; among equally
 * long ones the first in the alphabet. NULL = none. Costs O(count): ask once for each type. */
const struct ms_route_settings *ms_routes_find(const struct ms_routes *routes, const char *type);

/* A number that tables with the same meaning have in common, on every machine; never 0. Order in the file does not count. */
uint64_t ms_routes_digest(const struct ms_routes *routes);

/* "b, c" of names; nothing of none. */
void ms_route_print_names(const struct ms_route_name *names, uint32_t count, struct ms_text *text);

#endif
