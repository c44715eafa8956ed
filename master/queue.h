/* All live commands of one master and every change of their state. Only this file's functions take a
 * step along the table of master/life.h; who is told about it is the callers' business. */
#ifndef MASTER_QUEUE_H
#define MASTER_QUEUE_H

#include "core/heap.h"
#include "core/map.h"
#include "core/pool.h"
#include "core/rng.h"
#include "core/slab.h"
#include "master/lanes.h"
#include "master/leases.h"
#include "master/provider.h"
#include "master/work.h"

struct ms_queue {
    struct ms_pool pool;
    struct ms_map spill; /* of the clients' indexes */
    struct ms_leases leases;
    struct ms_heap delayed;
    struct ms_slab slab;
    struct ms_lanes *lanes;
    struct ms_rng *rng;
    const struct ms_provider *provider;
    uint64_t commands_max;
    uint64_t bytes_max; /* for submissions; the slab has MS_RESULT_RESERVE more */
    uint32_t states[MS_LIFE_STATES];
    uint64_t events_total[MS_LIFE_EVENTS];
};

/* How the last attempt came out, as the submitter will be told. Bytes are copied. */
struct ms_result {
    enum ms_status status;
    int32_t code;
    uint32_t signal;
    const struct ms_usage *usage; /* NULL = unknown */
    struct ms_bytes payload;
    struct ms_bytes detail; /* at most MS_DETAIL_MAX */
};

/* lanes and rng are borrowed. False when memory is out. */
bool ms_queue_init(struct ms_queue *queue, struct ms_lanes *lanes, struct ms_rng *rng,
                   uint32_t commands_max, uint64_t bytes_max);
void ms_queue_finish(struct ms_queue *queue);

/* Frees the bytes of every command, whose clients are still there; to be followed by finish. */
void ms_queue_abandon(struct ms_queue *queue);

struct ms_work *ms_queue_find(const struct ms_queue *queue, const struct ms_client *client,
                              uint64_t seq);

/* New limits; what is above them already stays. commands_max beyond both MS_COMMANDS_MAX_DEFAULT and the
 * one of init is cut. */
void ms_queue_limit(struct ms_queue *queue, uint32_t commands_max, uint64_t bytes_max);

/* True when one more command with a payload of this size is within the limits. */
bool ms_queue_has_room(const struct ms_queue *queue, size_t size);

/* READY or DELAYED, with a copy of the payload. The id must be new. NULL when memory is out. */
struct ms_work *ms_queue_submit(struct ms_queue *queue, ms_time now, struct ms_client *client,
                                struct ms_lane *lane, const struct ms_command *submit);

/* Makes delayed commands READY whose time has come, at most burst; true when more are due. */
bool ms_queue_wake(struct ms_queue *queue, ms_time now, uint32_t burst);

/* READY -> LEASED by the slave, with a new token and attempt. False when memory is out. */
bool ms_queue_lease(struct ms_queue *queue, ms_time now, struct ms_work *work,
                    struct ms_slave *slave);

/* The attempt under way. NULL when the token is unknown. */
struct ms_work *ms_queue_find_token(const struct ms_queue *queue, struct ms_token token,
                                    ms_epoch epoch);

/* LEASED -> READY, before all others: handed back unstarted (MS_LIFE_RETURN), or the session ended
 * (MS_LIFE_LOSE). */
void ms_queue_give_back(struct ms_queue *queue, ms_time now, struct ms_work *work,
                        enum ms_life_event event);

/* LEASED -> DELAYED with back-off; the status is kept for display. False when memory is out: it is READY
 * then, without a delay. */
void ms_queue_retry(struct ms_queue *queue, ms_time now, struct ms_work *work,
                    enum ms_status status);

/* To DONE, BURIED or CANCELLED along event from any state that has it. The result takes the payload's
 * place. A result that does not fit in memory buries the command and says so. The work is on no list
 * afterwards. */
void ms_queue_settle(struct ms_queue *queue, ms_time now, struct ms_work *work,
                     enum ms_life_event event, const struct ms_result *result);

/* Ends a finished command (MS_LIFE_CONFIRM, MS_LIFE_ABANDON) and frees it; it must be on no list. */
void ms_queue_close(struct ms_queue *queue, ms_time now, struct ms_work *work,
                    enum ms_life_event event);

/* Time of the earliest delayed command; MS_TIME_NEVER. */
static inline ms_time ms_queue_deadline(const struct ms_queue *queue)
{
    return ms_heap_min(&queue->delayed);
}

static inline uint32_t ms_queue_count(const struct ms_queue *queue)
{
    return ms_pool_used(&queue->pool);
}

#endif
