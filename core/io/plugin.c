#include "core/io/plugin.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/invariant.h"
#include "core/limits.h"
#include "core/router.h"

/* Structs of this ABI never were smaller than this. */
#define HANDLER_SIZE_MIN sizeof(struct ms_handler)

/* A plug-in and its strings. */
struct entry {
    struct ms_plugin plugin;
    char *origin;
    char *args;
};

struct ms_plugins {
    struct entry *entries[MS_SLAVE_TYPES_MAX];
    size_t count;
};

struct ms_plugins *ms_plugins_create(void)
{
    return calloc(1, sizeof(struct ms_plugins));
}

static void free_entry(struct entry *entry)
{
    if (entry != NULL) {
        free(entry->origin);
        free(entry->args);
        free(entry);
    }
}

void ms_plugins_destroy(struct ms_plugins *plugins)
{
    if (plugins == NULL) {
        return;
    }
    ms_plugins_stop(plugins);
    for (size_t i = 0; i < plugins->count; i++) {
        free_entry(plugins->entries[i]);
    }
    free(plugins);
}

size_t ms_plugins_count(const struct ms_plugins *plugins)
{
    return plugins->count;
}

struct ms_plugin *ms_plugins_at(const struct ms_plugins *plugins, size_t index)
{
    ms_assert(index < plugins->count);
    return &plugins->entries[index]->plugin;
}

struct ms_plugin *ms_plugins_find(const struct ms_plugins *plugins, ms_type type)
{
    for (size_t i = 0; i < plugins->count; i++) {
        if (plugins->entries[i]->plugin.type == type) {
            return &plugins->entries[i]->plugin;
        }
    }
    return NULL;
}

/* abi first: nothing else may be looked at before it is known to be ours. */
static bool check_handler(const struct ms_handler *handler, const char *origin,
                          struct ms_complaint *complaint)
{
    if (handler->abi != MS_HANDLER_ABI) {
        return ms_complain(complaint, "%s: handler ABI is %u, this program has %u; build it again",
                           origin, (unsigned)handler->abi, MS_HANDLER_ABI);
    }
    if (handler->size < HANDLER_SIZE_MIN || handler->size > sizeof *handler) {
        return ms_complain(complaint,
                           "%s: struct ms_handler has %u bytes, this program knows %zu to %zu",
                           origin, (unsigned)handler->size, HANDLER_SIZE_MIN, sizeof *handler);
    }
    if (handler->name == NULL || !ms_text_is_name(handler->name, strlen(handler->name))) {
        return ms_complain(complaint,
                           "%s: a handler's name has 1 to %d letters, digits, '.', '_' or '-'",
                           origin, MS_NAME_MAX);
    }
    if (handler->type != 0 && handler->type < MS_TYPE_USER_MIN) {
        return ms_complain(
            complaint, "%s: type %llu of handler %s is the framework's; use %llu or more", origin,
            (unsigned long long)handler->type, handler->name, (unsigned long long)MS_TYPE_USER_MIN);
    }
    if (handler->run == NULL) {
        return ms_complain(complaint, "%s: handler %s has no run function", origin, handler->name);
    }
    return true;
}

bool ms_plugins_add(struct ms_plugins *plugins, const struct ms_handler *handler,
                    const char *origin, const char *args, struct ms_complaint *complaint)
{
    if (!check_handler(handler, origin, complaint)) {
        return false;
    }
    const ms_type type = handler->type != 0 ? handler->type : ms_type_of_name(handler->name);

    for (size_t i = 0; i < plugins->count; i++) {
        const struct ms_plugin *other = &plugins->entries[i]->plugin;

        if (other->handler == handler) {
            return true;
        }
        if (other->type == type || strcmp(other->handler->name, handler->name) == 0) {
            return ms_complain(complaint, "%s: handler %s (type %llu) is also %s in %s", origin,
                               handler->name, (unsigned long long)type, other->handler->name,
                               other->origin);
        }
    }
    if (plugins->count == MS_SLAVE_TYPES_MAX) {
        return ms_complain(complaint, "%s: more than %d handlers", origin, MS_SLAVE_TYPES_MAX);
    }
    struct entry *entry = calloc(1, sizeof *entry);

    if (entry == NULL || (entry->origin = strdup(origin)) == NULL ||
        (entry->args = strdup(args)) == NULL) {
        free_entry(entry);
        return ms_complain(complaint, "%s: out of memory", origin);
    }
    entry->plugin = (struct ms_plugin){
        .handler = handler,
        .type = type,
        .index = (uint32_t)plugins->count,
        .origin = entry->origin,
        .args = entry->args,
    };
    plugins->entries[plugins->count++] = entry;
    return true;
}

void ms_plugins_remove(struct ms_plugins *plugins, const struct ms_plugin *plugin)
{
    ms_assert(plugin->index < plugins->count && !plugin->is_started);
    struct entry *entry = plugins->entries[plugin->index];

    ms_assert(&entry->plugin == plugin);
    plugins->count--;
    for (size_t i = plugin->index; i < plugins->count; i++) {
        plugins->entries[i] = plugins->entries[i + 1];
        plugins->entries[i]->plugin.index = (uint32_t)i;
    }
    free_entry(entry);
}

/* One file, one handler or a table of them. */
static bool load_file(struct ms_plugins *plugins, const char *file, const char *args, bool is_named,
                      struct ms_complaint *complaint)
{
    void *object = dlopen(file, RTLD_NOW | RTLD_LOCAL);

    if (object == NULL) {
        const char *why = dlerror();

        return ms_complain(complaint, "cannot load handler: %s", why != NULL ? why : file);
    }
    const struct ms_handler *single = dlsym(object, "ms_handler_v1");
    const struct ms_handler *const *table = dlsym(object, "ms_handlers_v1");

    if (single == NULL && table == NULL) {
        return ms_complain(complaint, "%s: exports neither ms_handler_v1 nor ms_handlers_v1", file);
    }
    const struct ms_handler *const alone[] = {single, NULL};

    for (table = table != NULL ? table : alone; *table != NULL; table++) {
        if (!check_handler(*table, file, complaint)) {
            return false;
        }
        if (!is_named && ((*table)->flags & MS_HANDLER_ON_REQUEST) != 0) {
            continue;
        }
        if (!ms_plugins_add(plugins, *table, file, args, complaint)) {
            return false;
        }
    }
    return true;
}

bool ms_plugins_load(struct ms_plugins *plugins, const char *file, struct ms_complaint *complaint)
{
    const char *colon = strstr(file, ".so:");
    const size_t length = colon != NULL ? (size_t)(colon - file) + 3 : strlen(file);
    /* dlopen searches the system's directories for a name without a slash; we mean this file. */
    const char *here = memchr(file, '/', length) == NULL ? "./" : "";
    char *path = malloc(strlen(here) + length + 1);

    if (path == NULL) {
        return ms_complain(complaint, "%s: out of memory", file);
    }
    memcpy(path, here, strlen(here));
    memcpy(path + strlen(here), file, length);
    path[strlen(here) + length] = '\0';
    const bool is_loaded =
        load_file(plugins, path, colon != NULL ? colon + 4 : "", true, complaint);

    free(path);
    return is_loaded;
}

static int is_shared_object(const struct dirent *entry)
{
    const size_t length = strlen(entry->d_name);

    return length > 3 && entry->d_name[0] != '.' && strcmp(entry->d_name + length - 3, ".so") == 0;
}

bool ms_plugins_load_directory(struct ms_plugins *plugins, const char *directory,
                               struct ms_complaint *complaint)
{
    struct dirent **names = NULL;
    const int count = scandir(directory, &names, is_shared_object, alphasort);
    bool is_loaded = true;

    if (count < 0) {
        return ms_complain(complaint, "cannot read handlers in %s: %s", directory, strerror(errno));
    }
    for (int i = 0; i < count; i++) {
        const size_t size = strlen(directory) + strlen(names[i]->d_name) + 2;
        char *path = malloc(size);

        if (path == NULL) {
            is_loaded = is_loaded && ms_complain(complaint, "%s: out of memory", directory);
        } else if (is_loaded) {
            struct ms_text text;

            ms_text_init(&text, path, size);
            ms_text_add(&text, "%s/%s", directory, names[i]->d_name);
            is_loaded = load_file(plugins, path, "", false, complaint);
        }
        free(path);
        free(names[i]);
    }
    free(names);
    return is_loaded;
}

bool ms_plugins_start(struct ms_plugins *plugins, const struct ms_host *host,
                      struct ms_complaint *complaint)
{
    for (size_t i = 0; i < plugins->count; i++) {
        struct ms_plugin *plugin = &plugins->entries[i]->plugin;
        int failed = 0;

        ms_assert(!plugin->is_started);
        if (plugin->handler->init != NULL) {
            failed = plugin->handler->init(host, plugin->args, &plugin->state);
        }
        if (failed != 0) {
            ms_plugins_stop(plugins);
            return ms_complain(complaint, "%s: handler %s does not start: init returned %d",
                               plugin->origin, plugin->handler->name, failed);
        }
        plugin->is_started = true;
    }
    return true;
}

void ms_plugins_stop(struct ms_plugins *plugins)
{
    for (size_t i = plugins != NULL ? plugins->count : 0; i-- > 0;) {
        struct ms_plugin *plugin = &plugins->entries[i]->plugin;

        if (plugin->is_started && plugin->handler->finish != NULL) {
            plugin->handler->finish(plugin->state);
        }
        plugin->is_started = false;
        plugin->state = NULL;
    }
}
