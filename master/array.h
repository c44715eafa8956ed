/* One array as the master keeps it, and all of them: see arrays.h. */
#ifndef MASTER_ARRAY_H
#define MASTER_ARRAY_H

#include "core/list.h"
#include "core/pool.h"
#include "proto/record.h"

struct ms_client;
struct ms_group;
struct ms_lane;
struct ms_target;
struct ms_work;

#define MS_ARRAY_SPAN 4096u /* members whose bits stand in one record */

struct ms_array_span {
    ms_seq record; /* CLOSED; 0 = none is kept */
    bool is_changed;
};

/* Pooled. A member waits (it has no memory of its own), is live (it has a work), or is closed. */
struct ms_array {
    struct ms_client *client;
    struct ms_lane *lane;
    struct ms_group *group;  /* of all members, or NULL */
    struct ms_record record; /* SUBMIT; its payload and its terms are the array's */
    struct ms_terms terms;
    uint8_t *payload, *key; /* bytes of these: key is that of all members, NULL = none */
    uint8_t *listed;        /* the same of terms.targets */
    struct ms_target *
        targets; /* of a broadcast (master/targets.h), by place; NULL = not known, or no broadcast */
    uint8_t *bits; /* of closed members, by place */
    uint8_t
        *forgotten; /* of closed members in memory only whose outcomes nobody waited for; or NULL */
    struct ms_array_span *spans; /* of these bits */
    struct ms_work
        *head; /* READY or DELAYED as it was submitted: the first of those that wait; or NULL */
    struct ms_list gated; /* READY members, while as many run as may */
    struct ms_list due;   /* on arrays->due while something of it may go on, or arrays->short_of */
    struct ms_list changed; /* on arrays->changed while its CLOSED records are out of date */
    struct ms_list telling; /* on arrays->telling while its client is told how things stand */
    uint64_t first;         /* number of the first member */
    uint32_t count;
    uint32_t concurrency; /* members that may run at a time; 0 = all */
    uint32_t waiting_count, live_count;
    uint32_t leased_count, ready_count, gated_count; /* live ones: LEASED, in their lane, gated */
    uint32_t next;                                   /* place before which none waits */
    uint32_t told;                                   /* place before which the client was told */
    ms_time created_at;
    ms_time due_at;            /* no member is handed out before; 0 = at once */
    ms_time deadline;          /* nor after; MS_TIME_NEVER */
    ms_seq submit_record;      /* 0 = none is kept */
    ms_seq concurrency_record; /* CHANGE; 0 = none is kept */
    uint32_t owed_on;          /* as that of a work */
    bool is_begun;             /* its head was in the queue before */
    bool is_in_doubt;          /* slaves that have not come back may have members */
    bool is_delayed;           /* those that wait count as DELAYED */
};

struct ms_arrays {
    struct ms_pool pool;
    struct ms_list due;
    struct ms_list
        short_of; /* that lack memory for their head; they try again with the next tick */
    struct ms_list changed;
    struct ms_list telling;
    uint64_t waiting_count,
        delayed_count; /* of members that wait: all, and those of delayed arrays */
};

/* Those of one client, by their numbers. A zeroed book is empty. */
struct ms_array_book {
    struct ms_array **places;
    uint32_t count, capacity;
};

#endif
