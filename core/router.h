/* The routing table: where a command of a type goes. Masters and slaves have one each. */
#ifndef CORE_ROUTER_H
#define CORE_ROUTER_H

#include <stdbool.h>
#include <stddef.h>

#include "core/error.h"
#include "core/limits.h"
#include "core/map.h"
#include "core/text.h"
#include "core/types.h"

struct ms_command;
struct ms_strategy;

/* Serves a command where it is. Everything is borrowed for the call. */
typedef void (*ms_local_handler)(void *context, ms_time now, ms_peer from,
                                 const struct ms_command *command);

enum ms_route_kind {
    MS_ROUTE_LOCAL, /* to a function in this program */
    MS_ROUTE_QUEUE, /* to a queue; the strategy chooses who gets it */
};

/* name is copied by add; context, queue and strategy are borrowed. strategy NULL = the default. */
struct ms_route {
    ms_type type;
    enum ms_route_kind kind;
    const char *name;
    ms_local_handler handler;           /* MS_ROUTE_LOCAL */
    const struct ms_strategy *strategy; /* MS_ROUTE_QUEUE */
    void *context;                      /* the handler's, or the queue */
};

struct ms_router_entry;

struct ms_router {
    struct ms_router_entry *entries; /* dense, in order of registration */
    size_t count;
    size_t max;
    struct ms_map by_type;
    struct ms_map by_name;
};

/* Stable for ever and on every machine: FNV-1a 64 of the name; results below MS_TYPE_USER_MIN are
 * lifted out of the framework's range. */
ms_type ms_type_of_name(const char *name);

/* types_max: 1 .. MS_TYPES_MAX. False when memory is out. */
bool ms_router_init(struct ms_router *router, size_t types_max, uint64_t seed);

/* Accepts NULL and a zeroed router. */
void ms_router_finish(struct ms_router *router);

/* Type 0 = the hash of the name. MS_E_TYPE_CLASH: the type is there under another name, or the name
 * with another type; the complaint has both. MS_E_BAD_ARGUMENT: name or handler are unfit.
 * MS_E_NO_MEMORY: the table is full. The very same name and type again is MS_E_OK and changes
 * nothing: a second slave announces what the first did. */
enum ms_error ms_router_add(struct ms_router *router, const struct ms_route *route,
                            struct ms_complaint *complaint);

/* NULL when there is none. Borrowed; valid until finish; kind, handler, strategy and context may
 * be changed by the owner. */
struct ms_route *ms_router_find(const struct ms_router *router, ms_type type);
struct ms_route *ms_router_find_name(const struct ms_router *router, const char *name);

/* Routes in order of registration; index < count. */
struct ms_route *ms_router_at(const struct ms_router *router, size_t index);
size_t ms_router_count(const struct ms_router *router);

#endif
