/* The handlers of a slave: loaded from shared objects, checked, started and stopped.
 *
 * A shared object is never unloaded: threads of its own may run in it until the process ends. Not
 * thread-safe but for the reading functions, after start. */
#ifndef CORE_IO_PLUGIN_H
#define CORE_IO_PLUGIN_H

#include <stdbool.h>

#include "core/text.h"
#include "core/types.h"
#include "handlers/ms_handler.h"

struct ms_plugin {
    const struct ms_handler *handler;
    ms_type type;       /* the handler's own, or the hash of its name */
    uint32_t index;     /* in order of loading, from 0 */
    const char *origin; /* the file, for people */
    const char *args;
    void *state; /* what init made */
    bool is_started;
};

struct ms_plugins;

struct ms_plugins *ms_plugins_create(void);          /* NULL: no memory */
void ms_plugins_destroy(struct ms_plugins *plugins); /* stops them; accepts NULL */

/* Loads FILE.so or FILE.so:ARGS. False with the complaint: cannot be loaded, exports no handler,
 * another ABI (both numbers are named), a handler that breaks the rules, or one whose name or type
 * another file has (both are named). The very same file again is no mistake. */
bool ms_plugins_load(struct ms_plugins *plugins, const char *file, struct ms_complaint *complaint);

/* Loads every *.so of a directory, in order of name, but those that are MS_HANDLER_ON_REQUEST. */
bool ms_plugins_load_directory(struct ms_plugins *plugins, const char *directory,
                               struct ms_complaint *complaint);

/* A handler that is part of the program. origin and args are copied, the handler is borrowed. */
bool ms_plugins_add(struct ms_plugins *plugins, const struct ms_handler *handler,
                    const char *origin, const char *args, struct ms_complaint *complaint);

/* Takes out the last count loaded ones; before start only. */
void ms_plugins_remove(struct ms_plugins *plugins, const struct ms_plugin *plugin);

/* Calls every init, in order of loading. False with the complaint; then those started are stopped. */
bool ms_plugins_start(struct ms_plugins *plugins, const struct ms_host *host,
                      struct ms_complaint *complaint);

/* Calls every finish, in reverse order. No job may run any more. Accepts NULL. */
void ms_plugins_stop(struct ms_plugins *plugins);

size_t ms_plugins_count(const struct ms_plugins *plugins);
struct ms_plugin *ms_plugins_at(const struct ms_plugins *plugins, size_t index); /* index < count */
struct ms_plugin *ms_plugins_find(const struct ms_plugins *plugins, ms_type type); /* or NULL */

#endif
