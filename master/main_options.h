/* What muster-master can be told: one table for flags, file, environment and the manual. */
#ifndef MASTER_MAIN_OPTIONS_H
#define MASTER_MAIN_OPTIONS_H

#include "core/io/cli.h"
#include "core/io/program.h"
#include "master/council.h"
#include "master/master.h"

struct ms_master_settings {
    struct ms_program_settings program;
    struct ms_option_list listen;
    const char *name;     /* NULL = the host's */
    const char *data;     /* directory; NULL = everything is in memory */
    const char *services; /* directory of descriptions; NULL = none */
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
    ms_time commit_poll;
    struct ms_option_list local_handler; /* run on this machine; files or directories */
    uint64_t local_slots;                /* 0 = as a slave chooses */
    /* Of a pair; only with peer. */
    uint32_t role; /* place: 0 primary, 1 backup */
    const char *peer;
    struct ms_option_list peer_listen;
    bool is_bootstrap;
    bool is_leaving;         /* only without peer */
    uint64_t epoch_above;    /* the same; 0 = as ever */
    uint32_t failover;       /* enum ms_failover */
    uint32_t on_quorum_loss; /* 0 hold, 1 degrade */
    uint32_t pair_profile;   /* 0 lan, 1 wan, 2 fast */
    uint32_t failback;       /* 0 manual, 1 auto */
    ms_time failback_delay;
    ms_time keep_divergent;
    const char *witness;
    const char *notify; /* NULL = nobody is told */
};

extern const struct ms_cli ms_master_cli;

/* False: something is said of a pair that would be ignored, and was meant to hold. What --dump-config prints of a single master says the defaults of all of it,
 * and is taken. */
bool ms_master_settings_are_single(const struct ms_master_settings *settings,
                                   struct ms_complaint *complaint);

/* False: --failback-delay says when, and nothing says that the role is given back. */
bool ms_master_settings_fall_back(const struct ms_master_settings *settings,
                                  struct ms_complaint *complaint);

/* Nothing is said of a pair, not even its default, where no peer is, nor when the role is given back where it is not: on the command line and in
 * the environment, which nobody has printed. */
bool ms_master_options_fit(const struct ms_options *options, struct ms_complaint *complaint);

/* One listener: how it was given, and what came of it. */
struct ms_master_listener {
    const char *given, *bound;
};

/* Adds the addresses by which slaves and clients may know it to a list separated by commas: as it was given, as it is bound, and
 * with the master's name for a host where it is every interface. What does not fit is left out. */
void ms_master_add_reached(struct ms_text *list, const struct ms_master_listener *listener,
                           const char *name);

/* What the settings mean for the engine; epoch, seed, name and build are left to the caller. */
struct ms_master_config ms_master_settings_config(const struct ms_master_settings *settings);

/* How long the two of a pair wait for each other. */
struct ms_council_times ms_master_settings_times(const struct ms_master_settings *settings);

/* What --witness says: a list of ids (else empty), or that they are enrolled as they come. False with the complaint. */
bool ms_master_settings_witnesses(const struct ms_master_settings *settings,
                                  struct ms_witnesses *list_out, bool *is_auto_out,
                                  struct ms_complaint *complaint);

#endif
