/* Questions of people: tables of what there is, told row by row over as many steps as it takes. */
#ifndef MASTER_INSPECT_H
#define MASTER_INSPECT_H

#include "core/command.h"
#include "core/filter.h"
#include "core/list.h"
#include "core/pool.h"
#include "master/arrays.h"

struct ms_master;
struct ms_piece;
struct ms_report_page;
struct ms_tail;

#define MS_INQUIRY_ALL UINT64_MAX /* everything that was done so far */

/* A question that is being answered. */
struct ms_inquiry {
    struct ms_list link;
    ms_peer peer;
    uint64_t number; /* of the query */
    struct ms_query query;
    struct ms_filter
        filter;      /* query.where, of commands or of slaves; of a group's name it is empty */
    uint32_t serial; /* counts the inquiries; > 0 */
    struct ms_array_walk
        waiting;        /* COMMANDS, OPERATE: first come the members of arrays that wait */
    uint32_t cursor;    /* where the walk goes on; TAIL, RESULT: index of the next piece */
    uint32_t rows;      /* told so far */
    bool is_following;  /* a group, of which it has heard */
    uint64_t ends_seen; /* of its members, how many had ended */
    uint32_t end;       /* OPERATE: where the walk ends; ROUTES: where that of types does */
    uint8_t routes_used[MS_SECTIONS_MAX / 8]; /* ROUTES: bits of those that apply to a type */
    uint64_t matched, changed;
    const char *refusal; /* of the last one that was refused; NULL = none was */
    bool
        is_over; /* OPERATE, COMMAND_SLAVES: all is done, SHOW: the command was told; the last part follows */
    bool is_done;         /* all was told */
    ms_seq waits_for;     /* record that must be durable before the next part, or MS_INQUIRY_ALL */
    struct ms_tail *tail; /* TAIL, RESULT: what it reads; NULL = it has not begun */
    struct ms_list follower;      /* on tail->followers */
    uint32_t attempt;             /* it reads, */
    const struct ms_piece *piece; /* and has read up to this one; NULL = up to none that is there */
    uint32_t skip;                /* the first pieces, which it does not want */
    uint64_t missed;              /* bytes that were gone before it read them */
    uint64_t missed_told;
};

struct ms_inspect {
    struct ms_pool pool;
    struct ms_list inquiries; /* in turn */
    uint32_t inquiries_total;
    struct ms_report_page *page; /* what the report of the present step is made of */
};

/* False when memory is out. */
bool ms_inspect_init(struct ms_inspect *inspect);
void ms_inspect_finish(struct ms_inspect *inspect);

/* QUERY number of a client. Too many at a time are answered with RETRY_LATER. */
void ms_inspect_ask(struct ms_master *master, ms_peer peer, uint64_t number,
                    const struct ms_query *query);

/* Sends at most one frame of an answer; call it in steps of their own (TICK). */
void ms_inspect_run(struct ms_master *master, ms_time now);

/* The connection is over, and with it all that was asked on it. */
void ms_inspect_left(struct ms_master *master, ms_peer peer);

/* What the inquiry waited for is durable. */
void ms_inspect_resume(struct ms_master *master, ms_handle inquiry);

static inline bool ms_inspect_is_due(const struct ms_inspect *inspect)
{
    return !ms_list_is_empty(&inspect->inquiries);
}

#endif
