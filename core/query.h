/* What people ask a master, and what they want it to do to commands and to slaves: the body of QUERY. */
#ifndef CORE_QUERY_H
#define CORE_QUERY_H

#include "core/limits.h"
#include "core/types.h"

enum ms_query_what {
    MS_QUERY_STATUS = 1,
    MS_QUERY_SLAVES = 2,
    MS_QUERY_COMMANDS = 3,
    MS_QUERY_SHOW = 4,
    MS_QUERY_WHY = 5,    /* one command: why it waits, in one sentence */
    MS_QUERY_GROUP = 6,  /* where = its name: how many are open, done, buried, cancelled */
    MS_QUERY_RESULT = 7, /* one command: the outcome that was kept, as TAILs and a row */
    MS_QUERY_TAIL = 8, /* one command: its output as TAILs from piece `from` on; a row at its end */
    MS_QUERY_OPERATE = 9,         /* operation on all commands of where, or on one id */
    MS_QUERY_COMMAND_SLAVES = 10, /* order to all slaves of where, which is not empty */
    MS_QUERY_ROUTES = 11,         /* a row for each type that is known, and each route of none */
    MS_QUERY_PROVIDERS = 12,      /* a row for each */
    MS_QUERY_SERVICES = 14,       /* a row for each service */
    MS_QUERY_DRY_RUN =
        15, /* a row for each slave: who would get a command of type with the key where, and why not */
    MS_QUERY_COUNT
};

enum ms_operation {
    MS_OPERATION_NONE = 0,
    MS_OPERATION_CANCEL = 1,
    MS_OPERATION_KICK = 2,        /* BURIED -> READY, a new generation */
    MS_OPERATION_RELEASE = 3,     /* DELAYED -> READY, or delayed for value microseconds from now */
    MS_OPERATION_PRIORITY = 4,    /* value */
    MS_OPERATION_CONCURRENCY = 5, /* of an array: value, 0 = no limit */
    MS_OPERATION_COUNT
};

const char *ms_operation_name(enum ms_operation operation); /* "cancel"; never NULL */

/* What people want of slaves. */
enum ms_slave_order {
    MS_SLAVE_ORDER_NONE = 0,
    MS_SLAVE_ORDER_CORDON = 1, /* nothing new; what it has goes on */
    MS_SLAVE_ORDER_UNCORDON = 2,
    MS_SLAVE_ORDER_SLOTS = 3,     /* value */
    MS_SLAVE_ORDER_LOG_LEVEL = 4, /* value, enum ms_level */
    MS_SLAVE_ORDER_COUNT
};

const char *ms_slave_order_name(enum ms_slave_order order); /* "cordon"; never NULL */

struct ms_query {
    enum ms_query_what what;
    struct ms_id id;             /* of one command; seq 0 = none */
    uint32_t limit;              /* COMMANDS, SLAVES, ROUTES: rows at most; 0 = all there are */
    char state[MS_NAME_MAX + 1]; /* COMMANDS: only in this state; empty = all */
    ms_type type;                /* COMMANDS: only of this type; 0 = all. DRY_RUN: of that */
    char
        where[MS_WHERE_MAX + 1]; /* COMMANDS, OPERATE: a filter of commands (core/filter.h), SLAVES,
                                   * COMMAND_SLAVES: of slaves; empty = all. GROUP: name. DRY_RUN: key; empty = none */
    enum ms_operation operation; /* OPERATE */
    enum ms_slave_order order;   /* COMMAND_SLAVES */
    bool is_dry;                 /* OPERATE, COMMAND_SLAVES: only tell what would be done */
    bool is_following; /* TAIL: until the command has ended; GROUP: answer at each change */
    uint32_t from;     /* TAIL: piece, from 0 */
    int64_t value;     /* OPERATE, COMMAND_SLAVES */
};

#endif
