/* What is said of a pair, and there is no other half. */
#include <string.h>

#include "master/main_options.h"

/* Options that mean nothing without peer. */
static const char *const of_pair[] = {
    "role",     "peer-listen",    "bootstrap",      "failover", "pair-profile", "on-quorum-loss",
    "failback", "failback-delay", "keep-divergent", "witness",  "notify"};

static bool complain_of(const struct ms_option *option, struct ms_complaint *complaint)
{
    return ms_complain(complaint, "%s is of a pair: say where the other master is with peer",
                       option->name);
}

static bool complain_of_delay(struct ms_complaint *complaint)
{
    return ms_complain(complaint, "failback-delay is of failback auto: say that too");
}

bool ms_master_settings_fall_back(const struct ms_master_settings *settings,
                                  struct ms_complaint *complaint)
{
    return settings->failback != 0 || settings->failback_delay == MS_FAILBACK_DELAY ||
           settings->failback_delay == 0 || complain_of_delay(complaint);
}

/* When the role is given back, and that it is. */
static bool says_when_only_if(const struct ms_options *options,
                              const struct ms_master_settings *settings,
                              struct ms_complaint *complaint)
{
    const struct ms_option *option = ms_options_find(options, "failback-delay");

    return settings->failback != 0 || ms_options_level(options, option) <= MS_OPTION_FILE ||
           complain_of_delay(complaint);
}

bool ms_master_options_fit(const struct ms_options *options, struct ms_complaint *complaint)
{
    const struct ms_master_settings *settings = options->target;

    if (settings->peer != NULL && !says_when_only_if(options, settings, complaint)) {
        return false;
    }
    for (size_t i = 0; settings->peer == NULL && i < sizeof of_pair / sizeof of_pair[0]; i++) {
        const struct ms_option *option = ms_options_find(options, of_pair[i]);

        if (ms_options_level(options, option) > MS_OPTION_FILE) {
            return complain_of(option, complaint);
        }
    }
    return true;
}

bool ms_master_settings_are_single(const struct ms_master_settings *settings,
                                   struct ms_complaint *complaint)
{
    struct ms_master_settings defaults = {0};
    const struct ms_options given = {.table = ms_master_cli.table,
                                     .count = ms_master_cli.count,
                                     .target = (void *)(uintptr_t)settings};
    const struct ms_option *option;

    if (!ms_options_find_changed(&given, &defaults, of_pair, sizeof of_pair / sizeof of_pair[0],
                                 &option)) {
        return ms_complain(complaint, "out of memory");
    }
    return option == NULL || complain_of(option, complaint);
}
