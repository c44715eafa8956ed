#include "slave/main_host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "core/io/host.h"

/* muster-slave --as-handler-host SLAVE NAME=FILE.so[:ARGS]... */
enum { AT_FLAG = 1, AT_SLAVE = 2, AT_HANDLERS = 3 };

static const char flag[] = "--as-handler-host";

bool slave_host_is_meant(int argc, char **argv)
{
    return argc > AT_HANDLERS && strcmp(argv[AT_FLAG], flag) == 0;
}

/* A file may have more handlers than the slave serves; those are not to be started here either. */
static bool is_named(const struct ms_plugin *plugin, char *const *arguments)
{
    const size_t length = strlen(plugin->handler->name);

    for (; *arguments != NULL; arguments++) {
        if (strncmp(*arguments, plugin->handler->name, length) == 0 &&
            (*arguments)[length] == '=') {
            return true;
        }
    }
    return false;
}

static bool load(struct ms_plugins *plugins, char *const *arguments, struct ms_complaint *complaint)
{
    for (char *const *argument = arguments; *argument != NULL; argument++) {
        const char *file = strchr(*argument, '=');

        if (file == NULL) {
            return ms_complain(complaint, "%s is not NAME=FILE.so", *argument);
        }
        if (!ms_plugins_load(plugins, file + 1, complaint)) {
            return false;
        }
    }
    for (size_t i = ms_plugins_count(plugins); i-- > 0;) {
        if (!is_named(ms_plugins_at(plugins, i), arguments)) {
            ms_plugins_remove(plugins, ms_plugins_at(plugins, i));
        }
    }
    return true;
}

int slave_host_main(int argc, char **argv)
{
    struct ms_plugins *plugins = ms_plugins_create();
    struct ms_complaint complaint = {"out of memory"};

    (void)argc;
    if (plugins == NULL || !load(plugins, argv + AT_HANDLERS, &complaint)) {
        fprintf(stderr, "%s\n", complaint.text);
        return EX_UNAVAILABLE;
    }
    const int exit_code =
        ms_host_serve(&(struct ms_host_settings){.plugins = plugins, .slave = argv[AT_SLAVE]});

    if (exit_code == EX_OK) {
        ms_plugins_destroy(plugins);
    }
    return exit_code;
}

/* Writes the argument, or only measures it when text has no room. */
static void print_handler(const struct ms_plugin *plugin, struct ms_text *text)
{
    ms_text_add(text, "%s=%s%s%s", plugin->handler->name, plugin->origin,
                plugin->args[0] != '\0' ? ":" : "", plugin->args);
}

char **slave_host_argv(const char *slave, const struct ms_plugins *plugins)
{
    const size_t count = ms_plugins_count(plugins);
    const size_t pointers = (AT_HANDLERS + count + 1) * sizeof(char *);
    const char *const words[AT_HANDLERS] = {"muster-slave", flag, slave};
    size_t size = pointers;

    for (size_t i = 0; i < AT_HANDLERS; i++) {
        size += strlen(words[i]) + 1;
    }
    for (size_t i = 0; i < count; i++) {
        struct ms_text length = {.data = NULL};

        print_handler(ms_plugins_at(plugins, i), &length);
        size += length.length + 1;
    }
    char **argv = calloc(1, size);
    struct ms_text text;

    if (argv == NULL) {
        return NULL;
    }
    char *at = (char *)argv + pointers;
    char *const end = (char *)argv + size;

    for (size_t i = 0; i < AT_HANDLERS + count; i++) {
        argv[i] = at;
        ms_text_init(&text, at, (size_t)(end - at));
        if (i < AT_HANDLERS) {
            ms_text_add(&text, "%s", words[i]);
        } else {
            print_handler(ms_plugins_at(plugins, i - AT_HANDLERS), &text);
        }
        at += text.length + 1;
    }
    return argv;
}
