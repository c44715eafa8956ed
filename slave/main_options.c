#include "slave/main_options.h"

#include <string.h>

#include "slave/credits.h"
#include "slave/main_routes.h"

#define FIELD(member) offsetof(struct slave_options, member)

static const char *const mode_names[] = {
    [MS_CREDIT_PUSH] = "push",
    [MS_CREDIT_PULL] = "pull",
    [MS_CREDIT_MODES] = NULL,
};

static const struct ms_option table[] = {
    {.name = "slots",
     .short_name = 'j',
     .kind = MS_OPTION_U64,
     .max = MS_SLOTS_MAX,
     .default_text = "0",
     .env = "MUSTER_SLOTS",
     .key = "slots",
     .group = "Work",
     .help = "commands run at a time; 0 is one for each processor",
     .offset = FIELD(slots)},
    {.name = "handler",
     .kind = MS_OPTION_LIST,
     .argument = "FILE.so[:ARGS]",
     .key = "handler",
     .help = "load a handler",
     .offset = FIELD(handler)},
    {.name = "handlers",
     .kind = MS_OPTION_STRING,
     .argument = "DIR",
     .env = "MUSTER_HANDLERS",
     .key = "handlers",
     .help =
         "load every handler of a directory; empty for none (default: those installed with this "
         "program)",
     .offset = FIELD(handlers)},
    {.name = "allow-exec",
     .kind = MS_OPTION_BOOL,
     .key = "allow-exec",
     .help = "serve handlers that run whatever command a client submits",
     .offset = FIELD(allow_exec)},
    {.name = "isolate",
     .kind = MS_OPTION_BOOL,
     .env = "MUSTER_ISOLATE",
     .key = "isolate",
     .help = "run handlers in processes of their own, one for each slot, so that one that crashes "
             "does not take this slave along",
     .offset = FIELD(isolate)},
    {.name = "prefetch",
     .kind = MS_OPTION_U64,
     .max = MS_PREFETCH_MAX,
     .default_text = "0",
     .key = "prefetch",
     .help = "commands fetched ahead, beyond those that run; for many short ones",
     .offset = FIELD(prefetch)},
    {.name = "payload-max",
     .kind = MS_OPTION_SIZE,
     .min = MS_CHUNK_MAX,
     .max = MS_SPOOL_BYTES_MAX,
     .default_text = "1GiB",
     .key = "payload-max",
     .help =
         "longest payload that is taken in parts; handlers in processes of their own take 64MiB",
     .offset = FIELD(payload_max)},
    {.name = "mode",
     .kind = MS_OPTION_ENUM,
     .choices = mode_names,
     .default_text = "push",
     .key = "mode",
     .help = "renew credit with each result (push), or ask for each command (pull)",
     .offset = FIELD(mode)},
    {.name = "drain-timeout",
     .kind = MS_OPTION_DURATION,
     .min = MS_MSEC,
     .default_text = "60s",
     .key = "drain-timeout",
     .help = "when stopped, let running commands work for so long",
     .offset = FIELD(drain_timeout)},
    {.name = "master",
     .kind = MS_OPTION_STRING,
     .argument = "MASTER",
     .default_text = "127.0.0.1:7400",
     .env = "MUSTER_MASTER",
     .key = "master",
     .group = "Master",
     .help = "where the masters are, when no argument says so",
     .offset = FIELD(master)},
    {.name = "name",
     .kind = MS_OPTION_STRING,
     .max = MS_NAME_MAX,
     .key = "name",
     .help = "what this slave is called (default: host and process number)",
     .offset = FIELD(name)},
    {.name = "group",
     .kind = MS_OPTION_STRING,
     .max = MS_NAME_MAX,
     .key = "group",
     .help = "group of slaves it belongs to",
     .offset = FIELD(group)},
    {.name = "label",
     .kind = MS_OPTION_LIST,
     .argument = "WORD[,WORD]",
     .env = "MUSTER_LABELS",
     .key = "label",
     .help = "what else is true of it, for work that asks for it: gpu, or zone=b; at most 16",
     .offset = FIELD(label)},
    {.name = "weight",
     .kind = MS_OPTION_U64,
     .min = 1,
     .max = MS_WEIGHT_MAX,
     .default_text = "100",
     .env = "MUSTER_WEIGHT",
     .key = "weight",
     .help = "how much of the work it takes where that is shared out by weight",
     .offset = FIELD(weight)},
    {.name = "busy-poll",
     .kind = MS_OPTION_DURATION,
     .default_text = "0",
     .key = "busy-poll",
     .help = "look for input for so long before sleeping: shorter answers, one busy processor",
     .offset = FIELD(busy_poll)},
    {.name = "state",
     .kind = MS_OPTION_STRING,
     .argument = "DIR",
     .max = 1023,
     .env = "MUSTER_STATE",
     .key = "state",
     .group = "Witness",
     .help = "be a witness of a pair of masters too, and keep in DIR what was voted for",
     .offset = FIELD(state)},
    {.name = "witness-only",
     .kind = MS_OPTION_BOOL,
     .key = "witness-only",
     .help = "run no commands, only vote; needs --state",
     .offset = FIELD(witness_only)},
    MS_PROGRAM_OPTIONS(struct slave_options, program),
};

static const struct ms_section_kind *const sections[] = {&slave_route_section, NULL};

/* Options that mean nothing to who runs no commands. */
static const char *const of_work[] = {
    "slots", "handler",       "handlers", "allow-exec", "isolate", "prefetch", "payload-max",
    "mode",  "drain-timeout", "group",    "label",      "weight",  "busy-poll"};

static bool complain_of_work(const char *name, struct ms_complaint *complaint)
{
    return ms_complain(complaint, "%s is of a slave that runs commands: witness-only runs none",
                       name);
}

/* Its defaults may be said, as --dump-config prints them. */
static bool check(const void *target, struct ms_complaint *complaint)
{
    const struct slave_options *settings = target;
    struct slave_options defaults = {.weight = 0};
    const struct ms_options given = {.table = table,
                                     .count = sizeof table / sizeof table[0],
                                     .target = (void *)(uintptr_t)target};
    const struct ms_option *option;

    if (!settings->witness_only) {
        return true;
    }
    if (!ms_options_find_changed(&given, &defaults, of_work, sizeof of_work / sizeof of_work[0],
                                 &option)) {
        return ms_complain(complaint, "out of memory");
    }
    return option == NULL || complain_of_work(option->name, complaint);
}

bool slave_options_fit(const struct ms_options *options, struct ms_complaint *complaint)
{
    const struct slave_options *settings = options->target;
    size_t cursor = 0;

    if (!settings->witness_only) {
        return true;
    }
    for (size_t i = 0; i < sizeof of_work / sizeof of_work[0]; i++) {
        if (ms_options_level(options, ms_options_find(options, of_work[i])) > MS_OPTION_FILE) {
            return complain_of_work(of_work[i], complaint);
        }
    }
    return ms_sections_next(options->sections, &slave_route_section, &cursor) == NULL ||
           complain_of_work(slave_route_section.name, complaint);
}

const struct ms_cli slave_cli = {
    .program = "muster-slave",
    .arguments = "[MASTER[,MASTER]...]",
    .summary = "Runs commands for a master. MASTER is HOST:PORT, [IPV6]:PORT, unix:/PATH or a "
               "fail-over URL; with several, the first that answers is used.",
    .epilogue = "The first SIGTERM or SIGINT drains: nothing new, what runs is finished, what "
                "waits goes back. The second stops at once. SIGHUP reads the log level again, "
                "SIGUSR2 writes the state to the log.",
    .table = table,
    .count = sizeof table / sizeof table[0],
    .config_option = "config",
    .sections = sections,
    .arguments_min = 0,
    .arguments_max = 1,
    .check = check,
};

static bool add_label(struct slave_labels *labels, const char *word, size_t size,
                      struct ms_complaint *complaint)
{
    if (!ms_text_is_label(word, size)) {
        return ms_complain(complaint,
                           "--label: \"%.*s\" is no label, which is WORD or KEY=VALUE: up to %d "
                           "letters, digits, '.', '_', '-' or ':'",
                           (int)size, word, MS_NAME_MAX);
    }
    if (labels->count == MS_LABELS_MAX) {
        return ms_complain(complaint, "--label: a slave has at most %d labels", MS_LABELS_MAX);
    }
    ms_text_copy(labels->text[labels->count], sizeof labels->text[0], word, size);
    labels->words[labels->count] = labels->text[labels->count];
    labels->count++;
    return true;
}

bool slave_labels_read(struct slave_labels *labels_out, const struct ms_option_list *list,
                       struct ms_complaint *complaint)
{
    labels_out->count = 0;
    for (size_t i = 0; i < list->count; i++) {
        const char *at = list->items[i];

        for (;;) {
            const size_t size = strcspn(at, ",");

            if (!add_label(labels_out, at, size, complaint)) {
                return false;
            }
            if (at[size] == '\0') {
                break;
            }
            at += size + 1;
        }
    }
    return true;
}
