/* Between the files of muster dev: cmd_dev.c has its options, cmd_dev_run.c begins, waits and ends,
 * cmd_dev_members.c looks after masters and slaves, cmd_dev_pair.c knows what two masters want, cmd_dev_process.c
 * starts programs. */
#ifndef CLIENT_CMD_DEV_H
#define CLIENT_CMD_DEV_H

#include <ev.h>
#include <stdio.h>
#include <sys/types.h>

#include "client/cli.h"
#include "core/io/child.h"

#define MS_DEV_MASTERS_MAX  2u
#define MS_DEV_NAME_SIZE    32
#define MS_DEV_SLAVES_MAX   256u
#define MS_DEV_HANDLERS_MAX 64u

struct ms_dev_settings {
    uint64_t slaves, slots, port, prefetch;
    bool is_pair, allow_exec, isolate, respawn;
    struct ms_option_list handler;
    const char *handlers, *port_file;
    ms_time drain_timeout;
    uint32_t log_level;
};

extern const struct ms_cli ms_dev_cli;

struct ms_dev;

struct ms_dev_member {
    struct ms_dev *dev;
    char name[MS_DEV_NAME_SIZE];
    bool is_master;
    bool is_running;
    char address[MS_ADDRESS_MAX + 1]; /* of a master of a pair: chosen before it starts */
    ms_time begun;
    ev_child child;
    ev_timer respawn;
};

struct ms_dev {
    const struct ms_dev_settings *settings;
    struct ev_loop *loop;
    struct ms_dev_member *members; /* the masters, then the slaves */
    size_t count, masters;
    char directory[MS_CHILD_PATH_SIZE];
    char port_path[MS_CHILD_PATH_SIZE + 16];
    char address[MS_DEV_MASTERS_MAX * (MS_ADDRESS_MAX + 1)]; /* what slaves and clients are told */
    FILE *out;                                               /* for what people want to know */
    bool is_ready, has_failed;
    unsigned stops; /* requests to end so far */
    ev_signal signals[3];
    ev_timer killer, settler;
    ms_time settle_by;
    /* the user's command */
    bool has_command, is_command_running;
    ev_child command;
    unsigned command_signals;
    int exit_code;
};

/* Starts everything, waits, ends everything; argv is the user's command, or empty. Returns the exit code. */
int ms_dev_run(struct ms_dev_settings *settings, char **argv);

/* ---- members ---- */

/* Makes the masters' and the slaves' places; explained when false. */
bool ms_dev_create_members(struct ms_dev *dev);

/* Explains and fails when it cannot be started. */
void ms_dev_start_member(struct ms_dev *dev, struct ms_dev_member *member);

/* A request to end. 1st: the master drains, which needs the slaves; they end after it, and a passive master before it.
 * 2nd: everyone at once, and by force if that takes long. 3rd: by force. */
void ms_dev_stop(struct ms_dev *dev);

/* Ends with exit_code, whatever else happens; explained before. */
void ms_dev_fail(struct ms_dev *dev, int exit_code);

void ms_dev_signal(const struct ms_dev_member *member, int number);

/* ---- two masters ---- */

/* Free addresses for both; explained when false. */
bool ms_dev_choose_addresses(struct ms_dev *dev);

/* How far a pair has come. */
enum ms_dev_stage {
    MS_DEV_SERVES, /* one is active */
    MS_DEV_IS_SAFE /* the other one has everything, and its witnesses are enrolled */
};

bool ms_dev_pair_is(const struct ms_dev *dev, enum ms_dev_stage stage);

/* Ends the passive one first, and the active one when it goes on alone. */
void ms_dev_stop_pair(struct ms_dev *dev);

#endif
