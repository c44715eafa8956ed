#include "master/main_local.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/invariant.h"

#define NUMBER_SIZE 24

static_assert(2 * (MS_LOCAL_HANDLERS_MAX + 1) + 10 < MS_MINDER_ARGUMENTS_MAX,
              "a name, a label, slots, a level and an address fit beside the handlers");

struct arguments {
    const char *items[MS_MINDER_ARGUMENTS_MAX];
    size_t count;
};

static void add(struct arguments *arguments, const char *option, const char *value)
{
    arguments->items[arguments->count++] = option;
    arguments->items[arguments->count++] = value;
}

static bool is_directory(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

/* Without a directory it has none, and not those that were installed. */
static bool add_handlers(struct arguments *arguments, const struct ms_option_list *handlers)
{
    const char *directory = "";

    for (size_t i = 0; i < handlers->count; i++) {
        if (!is_directory(handlers->items[i])) {
            add(arguments, "--handler", handlers->items[i]);
        } else if (directory[0] == '\0') {
            directory = handlers->items[i];
        } else {
            return false;
        }
    }
    add(arguments, "--handlers", directory);
    return true;
}

bool ms_main_local_start(struct ms_main_local *self, const struct ms_program *program,
                         const struct ms_master_settings *settings, const char *name,
                         const char *address)
{
    const struct ms_option_list *handlers = &settings->local_handler;
    char slave[MS_NAME_MAX + 1], slots[NUMBER_SIZE];
    struct arguments arguments = {.count = 0};

    if (handlers->count == 0 || self->minder != NULL) {
        return true;
    }
    snprintf(slave, sizeof slave, "%.*s-%s", MS_NAME_MAX - (int)sizeof MS_LOCAL_LABEL, name,
             MS_LOCAL_LABEL);
    snprintf(slots, sizeof slots, "%llu", (unsigned long long)settings->local_slots);
    add(&arguments, "--name", slave);
    add(&arguments, "--label", MS_LOCAL_LABEL);
    add(&arguments, "--log-level", ms_log_level_names[settings->program.log_level]);
    if (settings->local_slots > 0) {
        add(&arguments, "--slots", slots);
    }
    if (!add_handlers(&arguments, handlers)) {
        ms_log(program->log, MS_LEVEL_ERROR, "--local-handler takes one directory at most");
        return false;
    }
    arguments.items[arguments.count++] = address;
    ms_assert(arguments.count < MS_MINDER_ARGUMENTS_MAX);
    self->minder = ms_minder_create(program->loop, program->log, "muster-slave", arguments.items);
    if (self->minder == NULL) {
        ms_log(program->log, MS_LEVEL_ERROR, "no muster-slave for local handlers",
               MS_LOG_TEXT("error", strerror(errno)));
    }
    return self->minder != NULL;
}

void ms_main_local_stop(struct ms_main_local *self)
{
    ms_minder_destroy(self->minder);
    self->minder = NULL;
}
