/* All live commands of one master and every change of their state. Only this file's functions take a
 * step along the table of master/life.h; who is told about it is the callers' business. */
#ifndef MASTER_QUEUE_H
#define MASTER_QUEUE_H

#include "core/heap.h"
#include "core/map.h"
#include "core/pool.h"
#include "core/rng.h"
#include "core/slab.h"
#include "master/arrays.h"
#include "master/lanes.h"
#include "master/journal.h"
#include "master/leases.h"
#include "master/master.h"
#include "master/unique.h"
#include "master/work.h"

struct ms_tails;

struct ms_queue {
    struct ms_pool pool;
    struct ms_map spill; /* of the clients' indexes */
    struct ms_leases leases;
    struct ms_map adopted;  /* attempts with tokens of earlier masters, by token */
    struct ms_heap delayed; /* DELAYED, and READY with a deadline: when something is to be done */
    struct ms_uniques uniques;
    struct ms_arrays arrays;
    struct ms_heap archive;    /* outcomes that are kept, by when they came to their end */
    uint64_t archive_bytes;    /* what they take of the slab */
    uint64_t keep_bytes;       /* of them, beyond bytes_max */
    uint32_t archive_volatile; /* of them: of class mem */
    struct ms_slab slab;
    struct ms_list doubted; /* READY, but maybe in the hands of a slave that has not come back */
    struct ms_list aside;   /* READY, but those with credit do not take payloads in parts */
    struct ms_list lone;    /* READY, of class strict, but not on two disks yet */
    struct ms_list strays;  /* READY, of broadcasts, and their slaves are gone */
    uint32_t doubted_count;
    uint32_t aside_count;
    uint32_t lone_count;
    uint32_t incomplete_count; /* read back, and parts of their payload are missing */
    bool is_doubting; /* until all slaves have told what they hold: what becomes READY is doubted */
    struct ms_lanes *lanes;
    struct ms_rng *rng;
    struct ms_journal *journal;
    struct ms_groups *groups;
    struct ms_tails *tails;
    uint64_t commands_max;
    uint64_t bytes_max;     /* for submissions; the slab has MS_RESULT_RESERVE and more */
    ms_epoch epoch;         /* of the tokens that are handed out */
    int64_t wall_offset;    /* wall clock - ours, in us */
    uint32_t durable_count; /* commands of a class above mem */
    uint32_t states[MS_LIFE_STATES];
    uint64_t events_total[MS_LIFE_EVENTS];
};

/* lanes, rng and journal are borrowed. False when memory is out. */
bool ms_queue_init(struct ms_queue *queue, struct ms_lanes *lanes, struct ms_rng *rng,
                   struct ms_journal *journal, const struct ms_master_limits *limits);
void ms_queue_finish(struct ms_queue *queue);

/* Frees the bytes of every command, whose clients are still there; to be followed by finish. */
void ms_queue_abandon(struct ms_queue *queue);

struct ms_work *ms_queue_find(const struct ms_queue *queue, const struct ms_client *client,
                              uint64_t seq);

/* New limits; what is above them already stays. commands_max beyond both MS_COMMANDS_MAX_DEFAULT and the
 * one of init is cut. */
void ms_queue_limit(struct ms_queue *queue, const struct ms_master_limits *limits);

/* True when count more commands with one payload of this size are within the limits. */
bool ms_queue_has_room(const struct ms_queue *queue, uint32_t count, size_t size);

/* Below, a record is one of the journal (proto/record.h) and seq its number there; 0 = it is kept nowhere. */

/* SUBMIT: READY or DELAYED, with a copy of the payload. The id must be new. NULL when memory is out. */
struct ms_work *ms_queue_submit(struct ms_queue *queue, ms_time now, struct ms_client *client,
                                struct ms_lane *lane, const struct ms_record *record);

/* SETTLE: a command of which only its outcome was kept, in no state yet: settle follows. NULL when memory is
 * out. */
struct ms_work *ms_queue_restore(struct ms_queue *queue, ms_time now, struct ms_client *client,
                                 struct ms_lane *lane, const struct ms_record *record);

/* Makes delayed commands READY whose time has come; *burst counts down. Returns one that must not be started
 * any more, to be settled; NULL when that was all, or burst is used up. */
struct ms_work *ms_queue_wake(struct ms_queue *queue, ms_time now, uint32_t *burst);

/* When a DELAYED command is looked at again; 0 for others, and for followers. */
static inline ms_time ms_queue_due(const struct ms_queue *queue, const struct ms_work *work)
{
    if (work->rare != NULL && work->rare->is_likeness) {
        return work->state == MS_LIFE_DELAYED ? work->rare->array->due_at : 0;
    }
    return work->state == MS_LIFE_DELAYED && ms_heap_has(&work->timer)
               ? ms_heap_key(&queue->delayed, &work->timer)
               : 0;
}

/* A doubted command is in nobody's hands: it may be handed out. */
void ms_queue_trust(struct ms_queue *queue, struct ms_work *work);

/* False: it is of class strict, and what says so is on one disk. */
bool ms_queue_may_start(const struct ms_queue *queue, const struct ms_work *work);

/* One whose turn has come, and that may not start yet, goes out of the way of the others; join brings those back that
 * may, a bounded part of them in one step. */
void ms_queue_part(struct ms_queue *queue, struct ms_work *work);
bool ms_queue_can_join(const struct ms_queue *queue);
void ms_queue_join(struct ms_queue *queue);

/* READY -> LEASED by the slave, with a new token and attempt. False when memory is out. */
bool ms_queue_lease(struct ms_queue *queue, ms_time now, struct ms_work *work,
                    struct ms_slave *slave);

/* READY or DELAYED -> LEASED: the slave has had that attempt of it in hand. False when memory is out. */
bool ms_queue_adopt(struct ms_queue *queue, ms_time now, struct ms_work *work,
                    struct ms_slave *slave, const struct ms_record *lease);

/* The attempt under way. NULL when the token is unknown. */
struct ms_work *ms_queue_find_token(const struct ms_queue *queue, struct ms_token token,
                                    ms_epoch epoch);

/* LEASED -> READY, before all others: handed back unstarted (MS_LIFE_RETURN), or the session ended
 * (MS_LIFE_LOSE). */
void ms_queue_give_back(struct ms_queue *queue, ms_time now, struct ms_work *work,
                        enum ms_life_event event);

/* RETRY: an attempt went wrong: to DELAYED until its time, or READY at once (event LOSE, or the time has
 * come). LEASED, or as it was read back. */
void ms_queue_retry(struct ms_queue *queue, ms_time now, struct ms_work *work,
                    const struct ms_record *record, ms_seq seq);

/* Makes room for an outcome of this size; what the block held is lost. False when memory is out. */
bool ms_queue_make_room(struct ms_queue *queue, struct ms_work *work,
                        const struct ms_record *outcome);

/* SETTLE: to DONE, BURIED or CANCELLED along its event from any state that has it. The outcome takes the
 * payload's place, for which room was made. The work is on no list afterwards. */
void ms_queue_settle(struct ms_queue *queue, ms_time now, struct ms_work *work,
                     const struct ms_record *record, ms_seq seq);

/* Ends a finished command (MS_LIFE_CONFIRM, MS_LIFE_ABANDON, MS_LIFE_RETIRE) and frees it; it must be on no
 * list. */
void ms_queue_close(struct ms_queue *queue, ms_time now, struct ms_work *work,
                    enum ms_life_event event);

/* Remembers how an attempt ended, as its record tells it. */
void ms_queue_remember(struct ms_queue *queue, ms_time now, struct ms_work *work,
                       const struct ms_record *record, ms_seq seq);

/* For changes.c: a step along the table, into the place of READY commands, and out of any place. */
void ms_queue_move(struct ms_queue *queue, ms_time now, struct ms_work *work,
                   enum ms_life_event event);
void ms_queue_enter(struct ms_queue *queue, struct ms_work *work);
void ms_queue_leave(struct ms_queue *queue, struct ms_work *work);

/* For arrays.c: into its lane whatever slaves may have, before all others of its priority or behind them; and once
 * more into the place where it belongs now, before the others. */
void ms_queue_enter_next(struct ms_queue *queue, struct ms_work *work, bool is_first);
void ms_queue_place_again(struct ms_queue *queue, struct ms_work *work);

/* Until when the record's command waits, in our time; 0 when that has come. */
ms_time ms_queue_due_at(const struct ms_queue *queue, ms_time now, const struct ms_record *record);

/* DELAYED until then, or until its deadline. False when memory is out. */
bool ms_queue_put_off(struct ms_queue *queue, struct ms_work *work, ms_time due);

/* Time of the earliest delayed command or deadline; MS_TIME_NEVER. */
static inline ms_time ms_queue_deadline(const struct ms_queue *queue)
{
    return ms_heap_min(&queue->delayed);
}

static inline uint32_t ms_queue_count(const struct ms_queue *queue)
{
    return ms_pool_used(&queue->pool);
}

#endif
