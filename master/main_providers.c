#include "master/main_providers.h"

#include <stdlib.h>
#include <string.h>

#include "core/invariant.h"
#include "core/router.h"

#define WITH_MAX 64 /* words for one provider */

/* What a section says. */
struct provider_values {
    const char *use;
    struct ms_option_list with;
    const char *type;
    uint64_t attempts;
    ms_time timeout;
    uint64_t ahead;
    const char *priority;
};

#define FIELD(member) .offset = offsetof(struct provider_values, member)

static bool check_type(const char *text, struct ms_complaint *complaint)
{
    return ms_text_is_name(text, strlen(text)) ||
           ms_complain(complaint, "\"%.64s\" is no name: 1 to %d letters, digits and . _ -", text,
                       MS_NAME_MAX);
}

static bool parse_priority(const char *text, int8_t *priority_out)
{
    char *end;
    const long number = strtol(text, &end, 10);

    *priority_out = (int8_t)number;
    return end != text && *end == '\0' && number >= MS_PRIORITY_MIN && number <= MS_PRIORITY_MAX;
}

static bool check_priority(const char *text, struct ms_complaint *complaint)
{
    int8_t priority;

    return parse_priority(text, &priority) ||
           ms_complain(complaint, "\"%.64s\" is no priority: a whole number, %d to %d", text,
                       MS_PRIORITY_MIN, MS_PRIORITY_MAX);
}

static const struct ms_option table[] = {
    {.name = "use",
     .kind = MS_OPTION_STRING,
     .argument = "NAME|FILE.so",
     .key = "use",
     .group = "Provider",
     .is_required = true,
     .help = "what makes the commands: lines, range, or the file of a plug-in",
     FIELD(use)},
    {.name = "with",
     .kind = MS_OPTION_LIST,
     .argument = "KEY=VALUE",
     .max = WITH_MAX,
     .key = "with",
     .help = "what is told to it; docs/providers.md says which keys each has",
     FIELD(with)},
    {.name = "type",
     .kind = MS_OPTION_STRING,
     .argument = "TYPE",
     .key = "type",
     .is_required = true,
     .help = "name of the type of its commands",
     .check = check_type,
     FIELD(type)},
    {.name = "attempts",
     .kind = MS_OPTION_U64,
     .min = 1,
     .max = MS_ATTEMPTS_MAX,
     .default_text = "1",
     .key = "attempts",
     .help = "how often a command is started at most",
     FIELD(attempts)},
    {.name = "timeout",
     .kind = MS_OPTION_DURATION,
     .max = MS_DELAY_MAX,
     .default_text = "0",
     .key = "timeout",
     .help = "of one attempt; 0 = none",
     FIELD(timeout)},
    {.name = "ahead",
     .kind = MS_OPTION_U64,
     .max = MS_PROVIDER_AHEAD,
     .default_text = "0",
     .key = "ahead",
     .help = "commands that are made before slaves ask for them",
     FIELD(ahead)},
    {.name = "priority",
     .kind = MS_OPTION_STRING,
     .argument = "-10..10",
     .default_text = "0",
     .key = "priority",
     .help = "of its commands",
     .check = check_priority,
     FIELD(priority)},
};

static bool check_title(const char *title, struct ms_complaint *complaint)
{
    return check_type(title, complaint);
}

static bool check(const struct ms_section *section, struct ms_complaint *complaint)
{
    const struct provider_values *values = section->options.target;
    struct ms_complaint reason;
    const struct ms_provider *provider = ms_provider_find(values->use, &reason);

    if (provider == NULL) {
        return ms_section_complain(section, "use", complaint, "%s", reason.text);
    }
    if (!ms_provider_check_with(provider, &values->with, &reason) ||
        !ms_provider_check(provider, section->title, &values->with, &reason)) {
        return ms_section_complain(section, "with", complaint, "%s", reason.text);
    }
    return true;
}

const struct ms_section_kind master_provider_section = {
    .name = "provider",
    .title = "NAME",
    .help =
        "Makes commands in the master itself. NAME is what its commands are known by, for ever; "
        "docs/providers.md says what there is. Taken over by a start only",
    .table = table,
    .count = sizeof table / sizeof table[0],
    .target_size = sizeof(struct provider_values),
    .check_title = check_title,
    .check = check,
};

static void take(struct ms_main_providers *providers, const struct ms_section *section)
{
    const struct provider_values *values = section->options.target;
    struct ms_source_settings *source = &providers->sources[providers->count];
    struct ms_producer_settings *settings = &providers->settings[providers->count];

    *source = (struct ms_source_settings){
        .type = ms_type_of_name(values->type),
        .attempts_max = (uint32_t)values->attempts,
        .ahead = (uint32_t)values->ahead,
        .timeout = values->timeout,
    };
    ms_text_copy_name(source->name, section->title);
    parse_priority(values->priority, &source->priority);
    *settings = (struct ms_producer_settings){
        .provider = ms_provider_find(values->use, NULL),
        .name = source->name,
        .with = &values->with,
    };
    ms_assert(settings->provider != NULL);
    providers->count++;
}

void ms_main_providers_read(struct ms_main_providers *providers, const struct ms_sections *sections,
                            struct ms_master_config *config)
{
    const struct ms_section *section;
    size_t cursor = 0;

    providers->count = 0;
    while (providers->count < MS_SOURCES_MAX &&
           (section = ms_sections_next(sections, &master_provider_section, &cursor)) != NULL) {
        take(providers, section);
    }
    config->sources = providers->sources;
    config->sources_count = providers->count;
}

static void on_answer(void *context, const struct ms_event *event)
{
    struct ms_main_providers *providers = context;

    if (providers->driver != NULL) {
        ms_driver_post(providers->driver, event);
    }
}

bool ms_main_providers_start(struct ms_main_providers *providers, struct ev_loop *loop)
{
    const struct ms_producer_options options = {
        .loop = loop,
        .settings = providers->settings,
        .count = providers->count,
        .answer = on_answer,
        .context = providers,
    };

    if (providers->count == 0) {
        return true;
    }
    providers->producer = ms_producer_create(&options);
    return providers->producer != NULL;
}

void ms_main_providers_stop(struct ms_main_providers *providers)
{
    ms_producer_destroy(providers->producer);
    providers->producer = NULL;
    providers->driver = NULL;
}

bool ms_main_providers_effect(struct ms_main_providers *providers, const struct ms_effect *effect)
{
    if (effect->type != MS_EFFECT_OPEN && effect->type != MS_EFFECT_PRODUCE &&
        effect->type != MS_EFFECT_TELL) {
        return false;
    }
    ms_producer_carry_out(providers->producer, effect);
    return true;
}
