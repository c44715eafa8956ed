/* What muster-master can be told: one table for flags, file, environment and the manual. */
#ifndef MASTER_MAIN_OPTIONS_H
#define MASTER_MAIN_OPTIONS_H

#include "core/io/cli.h"
#include "core/io/program.h"
#include "master/master.h"

struct ms_master_settings {
    struct ms_program_settings program;
    struct ms_option_list listen;
    const char *name; /* NULL = the host's */
    const char *data; /* directory; NULL = everything is in memory */
    uint64_t store_max;
    uint64_t store_reserve;
    uint64_t payload_max;
    uint64_t commands_max;
    uint64_t memory_max;
    uint64_t connections_max;
    uint64_t sessions_max;
    uint64_t crashes_max;
    uint64_t keep_count;
    uint64_t keep_bytes;
    ms_time tick;
    ms_time drain_timeout;
    ms_time client_keep;
    ms_time outcome_keep;
    ms_time keep_age;
    ms_time client_ttl;
    ms_time busy_poll;
};

extern const struct ms_cli ms_master_cli;

/* What the settings mean for the engine; epoch, seed, name and build are left to the caller. */
struct ms_master_config ms_master_settings_config(const struct ms_master_settings *settings);

#endif
