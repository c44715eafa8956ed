/* What one seed is made of: sizes, speeds, and which faults happen how often. */
#ifndef SIM_CONFIG_H
#define SIM_CONFIG_H

#include <stdio.h>

#include "core/rng.h"
#include "core/types.h"

#define SIM_MASTERS_MAX   2
#define SIM_SLAVES_MAX    5
#define SIM_CLIENTS_MAX   5
#define SIM_WITNESSES_MAX 5
#define SIM_NODES_MAX     (SIM_MASTERS_MAX + SIM_SLAVES_MAX + SIM_CLIENTS_MAX + SIM_WITNESSES_MAX)
#define SIM_TYPES_MAX     4
#define SIM_STEPS_DEFAULT 2000
#define SIM_STEPS_SHORT   100
#define SIM_STEPS_MERGE   400
#define SIM_COMMANDS_MANY 4096 /* that a master holds: no limit to what a seed submits */

/* Faults that strike from outside at random times ... */
#define SIM_TIMED_FAULTS(X)                                                                        \
    X(RESET, "reset")                                                                              \
    X(HALF_OPEN, "half-open")                                                                      \
    X(PARTITION, "partition")                                                                      \
    X(ONE_WAY, "one-way")                                                                          \
    X(CLOG, "clog")                                                                                \
    X(CRASH_SLAVE, "crash-slave")                                                                  \
    X(CRASH_CLIENT, "crash-client")                                                                \
    X(CRASH_MASTER, "crash-master")                                                                \
    X(STALL_SLAVE, "stall-slave")                                                                  \
    X(STALL_CLIENT, "stall-client")                                                                \
    X(STALL_MASTER, "stall-master")                                                                \
    X(DRAIN_SLAVE, "drain-slave")                                                                  \
    X(DRAIN_CLIENT, "drain-client")                                                                \
    X(DRAIN_MASTER, "drain-master")                                                                \
    X(CANCEL, "cancel")                                                                            \
    X(DISK_WRITE, "disk-write")                                                                    \
    X(DISK_SYNC, "disk-sync")                                                                      \
    X(DISK_SLOW, "disk-slow")                                                                      \
    X(DISK_FULL, "disk-full")                                                                      \
    X(DISK_FLIP, "disk-flip")                                                                      \
    X(WALL_JUMP, "wall-jump")

/* ... and those that an attempt or a submission brings along. */
#define SIM_DRAWN_FAULTS(X)                                                                        \
    X(RETRY, "retry")                                                                              \
    X(FAIL, "fail")                                                                                \
    X(HANDLER_CRASH, "handler-crash")                                                              \
    X(HANDLER_KILLS, "handler-kills-slave")                                                        \
    X(HANG, "hang")                                                                                \
    X(LATE, "late")

/* ... and those that need a pair of masters; they strike at random times, too. */
#define SIM_PAIR_FAULTS(X)                                                                         \
    X(CRASH_WITNESS, "crash-witness")                                                              \
    X(STALL_WITNESS, "stall-witness")                                                              \
    X(CRASH_BOTH, "crash-both")                                                                    \
    X(CUT_PEERS, "cut-peers")                                                                      \
    X(WIPE_MASTER, "wipe-master")                                                                  \
    X(WIPE_WITNESS, "wipe-witness")                                                                \
    X(WITNESS_DISK, "witness-disk")                                                                \
    X(ORDER, "order")                                                                              \
    X(FORCE, "force")                                                                              \
    X(FLAP, "flap")                                                                                \
    X(STUCK, "stuck-standby")                                                                      \
    X(TEAR, "tear")                                                                                \
    X(SMALL_FLIP, "small-flip")                                                                    \
    X(STUCK_ACTIVE, "stuck-active")

enum sim_fault {
#define SIM_FAULT_ENUM(name, text) SIM_FAULT_##name,
    SIM_TIMED_FAULTS(SIM_FAULT_ENUM) SIM_FAULTS_TIMED,
    SIM_FAULT_BEFORE_DRAWN = SIM_FAULTS_TIMED - 1,
    SIM_DRAWN_FAULTS(SIM_FAULT_ENUM) SIM_FAULTS_SINGLE, /* those of one master come before */
    SIM_FAULT_BEFORE_PAIR = SIM_FAULTS_SINGLE - 1,
    SIM_PAIR_FAULTS(SIM_FAULT_ENUM)
#undef SIM_FAULT_ENUM
        SIM_FAULTS
};

/* What its seeds are worlds of. */
#define SIM_KINDS(X)                                                                               \
    X(SINGLE, "")                                                                                  \
    X(PAIR, "--pair")                                                                              \
    X(SHORT, "--short")                                                                            \
    X(MERGE, "--merge")

enum sim_kind {
#define SIM_KIND_ENUM(name, option) SIM_KIND_##name,
    SIM_KINDS(SIM_KIND_ENUM)
#undef SIM_KIND_ENUM
        SIM_KINDS_COUNT
};

/* What an application may want of commands that are there already. */
enum sim_wish {
    SIM_WISH_FETCH, /* an outcome that was kept */
    SIM_WISH_KICK,
    SIM_WISH_CANCEL,
    SIM_WISH_RELEASE,
    SIM_WISH_PRIORITY,
    SIM_WISHES
};

struct sim_keep_config {
    uint32_t permille;      /* submissions whose outcome is to be kept */
    uint32_t wishes;        /* bit i: wish i is among those of this seed */
    uint32_t wish_permille; /* turns of an application that bring one */
    uint32_t count_max;     /* of the master: outcomes kept, 0 = its default, */
    uint64_t bytes_max;     /* bytes of them, */
    ms_time age_max;        /* and for how long */
};

/* In what one half is configured otherwise, in every other life of it. */
enum sim_unlike {
    SIM_LIKE,
    SIM_UNLIKE_SLOW,   /* its times are twice as long ... */
    SIM_UNLIKE_FAST,   /* ... or half */
    SIM_UNLIKE_MANUAL, /* it leaves takeover to an operator */
    SIM_UNLIKE_LIMITS, /* it holds half as many commands: that is not told */
    SIM_UNLIKES
};

/* Times of a pair of masters, and its ways. */
struct sim_pair_config {
    ms_time beat, lease, silent, vote, boot, failback_delay;
    bool is_auto_failback, is_auto_enrol;
    bool is_set_back; /* a master does not lose its disk, but gets an older state of it back */
    bool is_strict;   /* half of what is to be on a disk is to be on two */
    enum sim_unlike unlike;
    uint32_t older; /* enum sim_older of older.h */
};

struct sim_config {
    uint64_t seed;
    uint64_t steps; /* engine steps of the phase with faults */
    enum sim_kind kind;
    uint32_t masters; /* one, or a pair */
    uint32_t slaves, clients;
    uint32_t witnesses;                /* of the pair */
    uint32_t types;                    /* kinds of work, each announced by at least one slave */
    uint32_t slots[SIM_SLAVES_MAX];    /* attempts run at a time */
    uint32_t prefetch[SIM_SLAVES_MAX]; /* attempts granted beyond the free slots */
    bool pulls_one[SIM_SLAVES_MAX];    /* credit mode: ask once per command, not a standing grant */
    uint32_t outstanding;              /* submissions a client keeps under way */
    uint32_t payload_max;              /* bytes of the largest payload submitted */
    uint32_t payload_limit;            /* what the master accepts */
    uint32_t sessions_max, commands_max; /* of the master; 0 = its default */
    uint32_t attempts_max;
    uint32_t pieces_max;        /* streamed pieces of one attempt */
    ms_time work_min, work_max; /* how long an attempt takes, when nothing is wrong */
    ms_time tick;               /* of the master's sessions */
    ms_time delay_base;         /* of the network */
    uint32_t drift_ppm;         /* clocks differ by up to this, either way */
    uint32_t window;            /* bytes that fit between two sockets */
    uint32_t output_soft;       /* bytes of output above which the master stops reading a client */
    uint32_t cut_permille;      /* writes that arrive in several pieces */
    uint32_t
        faults[SIM_FAULTS];    /* timed: mean time between two in ms; drawn: per mille; 0 = never */
    uint32_t strange_permille; /* submissions of a type that nobody runs */
    uint32_t dead_addresses;   /* addresses ahead of the masters' where nobody listens */
    bool has_disk;             /* the master has a store */
    uint32_t durable_permille; /* submissions of class local; without a store they are refused */
    uint32_t attributes;       /* bit i: the i-th generator of attributes (load.c) is at work */
    bool has_keys, has_broadcasts; /* some submissions have a key, or are for all */
    bool has_orders, has_services, has_gates, has_provider; /* to slaves; calls; limits of routes */
    bool batches;             /* a client submits its whole window at once */
    uint32_t submissions_max; /* of all clients together; 0 = as many as time allows */
    struct sim_keep_config keep;
    struct sim_pair_config pair;
};

/* Everything follows from the seed. */
void sim_config_draw(struct sim_config *config, uint64_t seed, uint64_t steps);

/* The same seed's world with a pair of masters in it. */
void sim_config_draw_pair(struct sim_config *config, uint64_t seed, uint64_t steps);

/* A small world of a pair: little work, and one or two kinds of faults that strike again and again within few ticks. */
void sim_config_draw_short(struct sim_config *config, uint64_t seed, uint64_t steps);

/* Another one, of a pair that is torn apart and put together again and again, and merges each time (config_merge.c). */
void sim_config_draw_merge(struct sim_config *config, uint64_t seed, uint64_t steps);

void sim_config_draw_kind(struct sim_config *config, enum sim_kind kind, uint64_t seed,
                          uint64_t steps);
/* Its option of ms-sim; "" of a single master. */
const char *sim_kind_option(enum sim_kind kind);
uint64_t sim_kind_steps(enum sim_kind kind);

/* As they were asked for. */
unsigned long long sim_config_steps(const struct sim_config *config);

/* It strikes at random times. */
bool sim_fault_is_timed(enum sim_fault fault);
const char *sim_fault_name(enum sim_fault fault);
void sim_config_print(const struct sim_config *config, FILE *out);

#endif
