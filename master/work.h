/* One live command as the master keeps it. */
#ifndef MASTER_WORK_H
#define MASTER_WORK_H

#include <assert.h>

#include "core/command.h"
#include "core/heap.h"
#include "core/list.h"
#include "master/life.h"

struct ms_client;
struct ms_lane;
struct ms_output;
struct ms_slave;

#define MS_SENT_BEFORE                                                                             \
    UINT32_MAX /* the outcome may have been sent, on no connection that there is */

/* Pooled. link is on exactly one list: its lane's ready list, one of the queue's or its array's gated one, its holder's held
 * or kept list, or one of its client's outcome lists; DELAYED it is in the heap instead. The block holds
 * the payload until the end of the last attempt, then what the attempt cost, the result, and the detail. */
struct ms_work {
    struct ms_list link;
    uint64_t seq; /* with the client: the id */
    struct ms_client *client;
    struct ms_lane *lane;
    struct ms_slave *holder; /* LEASED: who has it; else NULL */
    uint64_t token;          /* LEASED: of the attempt; else 0 */
    ms_epoch token_epoch;    /* of it; that of an earlier master when it was adopted */
    uint8_t *block;
    uint32_t block_size; /* as it was taken from the slab */
    uint32_t size;       /* bytes of payload or result */
    struct ms_heap_node timer;
    uint32_t attempt;     /* number of the latest attempt; 0 = never handed out */
    uint16_t detail_size; /* bytes of detail behind the result */
    uint16_t attempts_max;
    uint16_t failures;  /* attempts that count against attempts_max */
    uint16_t crashes;   /* sessions and processes it took down, or seemed to */
    uint8_t state;      /* enum ms_life_state */
    uint8_t status;     /* enum ms_status, of the last attempt and of the outcome */
    uint8_t flags;      /* enum ms_command_flags, of the submission */
    uint8_t durability; /* enum ms_durability: its class */
    int8_t priority;
    bool is_cancel_asked;
    bool has_usage;   /* the block begins with a struct ms_usage */
    bool is_in_doubt; /* READY: maybe in the hands of a slave that has not come back */
    bool is_gated;    /* READY: of its array as many run as may */
    bool is_aside;    /* READY: nobody with credit takes its payload, which is in parts */
    bool is_lone;     /* READY: of class strict, and not on two disks yet */
    bool is_recalled; /* it was archived, maybe kicked since, and its submitter wants the outcome */
    bool
        is_archived; /* finished, and nobody waits: its outcome is kept, by timer in queue->archive */
    bool is_leaving;  /* LEASED: its COMMAND waits until its lease is where it has to be */
    bool is_followed; /* somebody reads its output (master/tail.h) */
    int32_t code;
    uint32_t
        owed_on; /* client->connection on which its acknowledgement waits for a second disk; 0 = none */
    uint32_t signal;
    uint32_t
        sent_on; /* finished: client->connection on which the outcome was sent last; 0 = never, or
                       * MS_SENT_BEFORE */
    ms_time timeout;
    ms_time created_at;
    ms_time changed_at;       /* of the last step along the table */
    struct ms_output *output; /* pieces of the latest attempt, or NULL */
    ms_seq record;            /* SUBMIT, then SETTLE; 0 = none is kept */
    ms_seq lease_record;      /* LEASE: see master/dispatch.h; 0 = none is kept */
    struct ms_rare *rare;     /* what few commands have, or NULL */
};

static_assert(sizeof(struct ms_work) <= 200, "a million commands stay small");

/* Its class is more than mem: it has records. */
static inline bool ms_work_is_durable(const struct ms_work *work)
{
    return work->durability != MS_DURABILITY_MEM;
}

/* At most one attempt of it is ever started. */
static inline bool ms_work_is_once(const struct ms_work *work)
{
    return (work->flags & MS_FLAG_ONCE) != 0;
}

static inline struct ms_token ms_work_token(const struct ms_work *work)
{
    return (struct ms_token){work->token_epoch, work->token};
}

/* The payload, or the result. */
static inline struct ms_bytes ms_work_payload(const struct ms_work *work)
{
    const size_t start = work->has_usage ? sizeof(struct ms_usage) : 0;

    return (struct ms_bytes){work->size > 0 ? work->block + start : NULL, work->size};
}

static inline struct ms_bytes ms_work_detail(const struct ms_work *work)
{
    const size_t start = (work->has_usage ? sizeof(struct ms_usage) : 0) + work->size;

    return (struct ms_bytes){work->detail_size > 0 ? work->block + start : NULL, work->detail_size};
}

/* What its last attempt cost; NULL = unknown. */
static inline const struct ms_usage *ms_work_usage(const struct ms_work *work)
{
    return work->has_usage ? (const struct ms_usage *)(const void *)work->block : NULL;
}

static inline bool ms_work_is_finished(const struct ms_work *work)
{
    return work->state >= MS_LIFE_DONE;
}

static inline struct ms_work *ms_work_of(struct ms_list *link)
{
    return ms_container_of(link, struct ms_work, link);
}

#endif
