/* Questions of people: tables of what there is, told row by row over as many steps as it takes. */
#ifndef MASTER_INSPECT_H
#define MASTER_INSPECT_H

#include "core/command.h"
#include "core/filter.h"
#include "core/list.h"
#include "core/pool.h"

struct ms_master;
struct ms_report_page;

/* A question that is being answered. */
struct ms_inquiry {
    struct ms_list link;
    ms_peer peer;
    uint64_t number; /* of the query */
    struct ms_query query;
    struct ms_filter filter; /* query.where; of a group's name it is empty */
    uint32_t cursor;         /* where the walk goes on */
    uint32_t rows;           /* told so far */
    bool is_following;       /* a group, of which it has heard */
    uint64_t ends_seen;      /* of its members, how many had ended */
};

struct ms_inspect {
    struct ms_pool pool;
    struct ms_list inquiries;    /* in turn */
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

static inline bool ms_inspect_is_due(const struct ms_inspect *inspect)
{
    return !ms_list_is_empty(&inspect->inquiries);
}

#endif
