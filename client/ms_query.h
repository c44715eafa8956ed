/* Questions to the master: what muster status and its like print. Rules as in ms_client.h. */
#ifndef MUSTER_MS_QUERY_H
#define MUSTER_MS_QUERY_H

#include "ms_client.h"

#ifdef __cplusplus
extern "C" {
#endif

enum ms_client_question {
    MS_CLIENT_ASK_STATUS = 1,   /* one row of counters */
    MS_CLIENT_ASK_SLAVES = 2,   /* a row for each slave */
    MS_CLIENT_ASK_COMMANDS = 3, /* a row for each live command */
    MS_CLIENT_ASK_SHOW = 4,     /* one command */
    MS_CLIENT_ASK_WHY = 5,      /* one command: why it waits, in one sentence */
    MS_CLIENT_ASK_GROUP = 6, /* where = a group: how many of it are open, done, buried, cancelled */
    MS_CLIENT_ASK_RESULT = 7,  /* one command: its kept outcome, as output and a row */
    MS_CLIENT_ASK_TAIL = 8,    /* one command: its output; a row at the end */
    MS_CLIENT_ASK_OPERATE = 9, /* operation on one command, or on those of where: a row of sums;
                                 * is_dry_run: a row for each before it, of another shape */
    MS_CLIENT_ASK_COMMAND_SLAVES =
        10, /* order to the slaves of where: a row for each; the last part
                                        * says that all of it is durable. NOT_FOUND: there is none */
    MS_CLIENT_ASK_ROUTES =
        11, /* a row for each type that is known, then one for each route that applies to none */
    MS_CLIENT_ASK_PROVIDERS = 12, /* a row for each provider of the master */
    MS_CLIENT_ASK_SERVICES = 14,  /* a row for each service of the master */
    MS_CLIENT_ASK_DRY_RUN =
        15 /* a row for each slave: whether it would get a command of type whose key is where */
};

enum ms_client_slave_order {
    MS_CLIENT_ORDER_CORDON = 1, /* nothing new is given to it */
    MS_CLIENT_ORDER_UNCORDON = 2,
    MS_CLIENT_ORDER_SLOTS = 3,    /* value at a time */
    MS_CLIENT_ORDER_LOG_LEVEL = 4 /* value: 0 error, 1 warn, 2 info, 3 debug */
};

enum ms_client_operation {
    MS_CLIENT_OPERATE_CANCEL = 1,
    MS_CLIENT_OPERATE_KICK = 2, /* what is buried gets new attempts */
    MS_CLIENT_OPERATE_RELEASE =
        3, /* what is delayed may start now, or value microseconds from now */
    MS_CLIENT_OPERATE_PRIORITY = 4,   /* value is the new one */
    MS_CLIENT_OPERATE_CONCURRENCY = 5 /* of an array: value at a time; 0 = all */
};

struct ms_client_query {
    size_t size;
    int what;              /* enum ms_client_question */
    uint32_t limit;        /* rows at most; 0 = all the master gives */
    const char *state;     /* COMMANDS: in this state only; NULL = all */
    const char *type;      /* COMMANDS: of this type only; NULL = all. DRY_RUN: of that */
    const char *client_id; /* of one command: 32 hex digits; NULL = this client's */
    uint64_t seq;          /* of one command; OPERATE: 0 = those of where */
    const char *where;     /* COMMANDS, OPERATE: a filter, as for `muster commands --where`; SLAVES,
                         * COMMAND_SLAVES: one, as for `muster slaves --where`; GROUP: name; DRY_RUN: key, NULL = none */
    int operation;         /* OPERATE: enum ms_client_operation */
    bool is_dry_run;       /* OPERATE, COMMAND_SLAVES: only tell what would be done */
    bool is_following;     /* TAIL: until the command has ended; GROUP: a row at each change */
    uint32_t from;         /* TAIL: first piece, from 0 */
    int64_t value;         /* OPERATE, COMMAND_SLAVES */
    ms_client_output_fn
        on_output; /* RESULT, TAIL: the output, in order; a rising attempt begins anew */
    int order;     /* COMMAND_SLAVES: enum ms_client_slave_order */
};

struct ms_client_cell {
    const char *name; /* of the column */
    bool is_number;
    uint64_t number;
    const char *text; /* NULL when it is a number */
};

/* A part of the answer: cells row after row. */
struct ms_client_report {
    size_t size;
    int error;
    uint32_t columns;
    uint32_t rows;
    const struct ms_client_cell *cells; /* columns * rows of them */
    bool is_reset;                      /* forget the rows so far, the answer begins anew */
    bool is_last;
};

typedef void (*ms_client_report_fn)(struct ms_client *client, const struct ms_client_report *report,
                                    void *context);

/* on_report is called until is_last; on_output, with the same context, before that. BUSY: 64 questions are under way already. */
int ms_client_ask(struct ms_client *client, const struct ms_client_query *query,
                  ms_client_report_fn on_report, void *context);

#ifdef __cplusplus
}
#endif

#endif
