/* The masters that an operator's command is about: asks them what they are, gives them orders. */
#ifndef CLIENT_CLI_PAIR_H
#define CLIENT_CLI_PAIR_H

#include <jansson.h>

#include "client/cli.h"
#include "client/operator.h"

#define MS_CLI_PAIR_POLL (10 * MS_MSEC) /* between two questions to those that are waited for */

/* One of them, and what it said last. */
struct ms_cli_master {
    char address[MS_ADDRESS_MAX + 1];
    enum ms_error error; /* OK: it has answered; else of the connection */
    bool is_single;      /* it serves, and has no peer */
    json_t *row;         /* of its report; NULL = none */
    enum ms_error order_error;
    char detail[MS_DETAIL_MAX + 1];     /* in words, of either error */
    char orders_at[MS_ADDRESS_MAX + 1]; /* where it takes orders; "" = at address */
};

struct ms_cli_pair {
    const struct ms_cli *cli;
    struct ev_loop *loop;
    struct ms_cli_master masters[MS_ADDRESSES_MAX];
    size_t count;
};

struct ms_cli_pair_options {
    const char *master;
    ms_time timeout;
};

/* Rows for them. */
#define MS_CLI_PAIR_OPTIONS(target_type, member, timeout_text, timeout_help)                       \
    {.name = "master",                                                                             \
     .short_name = 'm',                                                                            \
     .kind = MS_OPTION_STRING,                                                                     \
     .argument = "HOST:PORT[,HOST:PORT]",                                                          \
     .default_text = MS_CLI_MASTER_DEFAULT,                                                        \
     .env = "MUSTER_MASTER",                                                                       \
     .group = "Masters",                                                                           \
     .help = "where the masters are: both of a pair",                                              \
     .offset = offsetof(target_type, member.master)},                                              \
    {                                                                                              \
        .name = "timeout", .kind = MS_OPTION_DURATION, .min = MS_MSEC,                             \
        .default_text = timeout_text, .help = timeout_help,                                        \
        .offset = offsetof(target_type, member.timeout)                                            \
    }

/* EX_OK, or the exit code after the mistake was explained. */
int ms_cli_pair_init(struct ms_cli_pair *pair, const struct ms_cli *cli, const char *masters);
void ms_cli_pair_finish(struct ms_cli_pair *pair);

/* Asks all of them at the same time for their state. */
void ms_cli_pair_ask(struct ms_cli_pair *pair, ms_time timeout);
/* Gives them an order, or only that one of them: error, order_error and detail say what became of it. */
void ms_cli_pair_order(struct ms_cli_pair *pair, struct ms_cli_master *only, enum ms_order order,
                       ms_time timeout);
void ms_cli_pair_pause(struct ms_cli_pair *pair, ms_time span);

/* Of its report; "" and 0 when it has none, or lacks that. */
const char *ms_cli_master_text(const struct ms_cli_master *master, const char *name);
uint64_t ms_cli_master_number(const struct ms_cli_master *master, const char *name);
/* It takes commands and hands them out; a master that is paused does not. */
bool ms_cli_master_serves(const struct ms_cli_master *master);
/* Those that serve; *first_out is the first of them, NULL = there is none. */
size_t ms_cli_pair_serving(struct ms_cli_pair *pair, struct ms_cli_master **first_out);

/* Says on standard error which of them did not answer, or have no peer; true when there is one. */
bool ms_cli_pair_say_absent(const struct ms_cli_pair *pair);

#endif
