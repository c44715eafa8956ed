/* The attempts a slave has in hand: what waits, what runs, and results not yet acknowledged, with
 * all output, so that a resumed session can tell and send everything again.
 *
 *   QUEUED --start--> RUNNING --done--> DONE --forget--> (gone)
 *      |                 |                ^
 *      +--- done --------|----------------+     refused or revoked before it ran
 *      +--- forget       +--drop--> DROPPED --forget--> (gone)
 *
 * Pure bookkeeping: it emits nothing. Memory comes from a pool and a bounded slab. */
#ifndef SLAVE_ATTEMPTS_H
#define SLAVE_ATTEMPTS_H

#include "core/command.h"
#include "core/heap.h"
#include "core/list.h"
#include "core/map.h"
#include "core/pool.h"
#include "core/slab.h"

enum ms_attempt_state {
    MS_ATTEMPT_QUEUED,
    MS_ATTEMPT_RUNNING,
    MS_ATTEMPT_DROPPED, /* still runs, but nobody wants its result; it keeps its slot */
    MS_ATTEMPT_DONE,    /* kept until the master has acknowledged the result */
    MS_ATTEMPT_STATES,
};

/* One piece of output, kept until the attempt is forgotten. */
struct ms_piece {
    struct ms_piece *next;
    uint32_t size;
    uint32_t index;
    uint8_t stream;
    uint8_t bytes[];
};

struct ms_attempt {
    struct ms_list link;     /* on the list of its state */
    struct ms_list sending;  /* on unsent, or on none */
    struct ms_list stopping; /* on aborting, or on none */
    struct ms_heap_node deadline;
    enum ms_attempt_state state;
    uint8_t flags;
    bool is_aborted;   /* told to stop */
    bool is_timed_out; /* its result will be TIMEOUT */
    bool is_sent;      /* DONE: the result went out on this connection */
    bool has_usage;
    enum ms_error overflow; /* RESULT_SIZE: its output passed a limit; NO_MEMORY: all outputs did */
    struct ms_token token;
    struct ms_id id;
    ms_type type;
    ms_time timeout;
    uint32_t number; /* which attempt of its command, from 1 */
    enum ms_status status;
    int32_t code;
    uint32_t signal;
    ms_time retry_delay; /* DONE: the least the handler asks for */
    uint32_t index;      /* place in its array */
    uint32_t array_count;
    struct ms_usage usage;
    void *payload; /* QUEUED, RUNNING: the command's, if it had to wait; DONE: the result's */
    size_t payload_size;
    bool is_assembled; /* the payload came in parts, and is of malloc */
    void *detail;
    size_t detail_size;
    struct ms_piece *first, *last, *unsent; /* output in order; the next one to send */
    uint32_t pieces_count;
    size_t output_bytes;
};

struct ms_attempts {
    struct ms_pool pool;
    struct ms_map map; /* by token */
    struct ms_slab slab;
    struct ms_heap deadlines;
    struct ms_list queued, running,
        done;                /* in order of arrival, start, end; running has DROPPED too */
    struct ms_list unsent;   /* attempts with a piece or a result to send */
    struct ms_list aborting; /* attempts whose handler is to be told to stop */
    uint32_t queued_count, running_count, done_count;
    uint32_t dropped_count; /* of those running */
};

/* max attempts and bytes at a time. False when memory is out. */
bool ms_attempts_init(struct ms_attempts *attempts, uint32_t max, size_t bytes_max, uint64_t seed);
void ms_attempts_finish(struct ms_attempts *attempts); /* accepts NULL and zeroed */

struct ms_attempt *ms_attempts_find(const struct ms_attempts *attempts, struct ms_token token);

/* A new attempt in the state given (QUEUED copies the payload); its token is new. NULL when it does
 * not fit. */
struct ms_attempt *ms_attempts_add(struct ms_attempts *attempts, const struct ms_command *command,
                                   enum ms_attempt_state state);

/* Gives a QUEUED attempt that has no payload one of malloc. */
void ms_attempts_take_payload(struct ms_attempt *attempt, void *payload, size_t size);

/* QUEUED -> RUNNING. A payload stays until it is done. */
void ms_attempts_start(struct ms_attempts *attempts, struct ms_attempt *attempt);

/* The attempt will not run longer than until then; MS_TIME_NEVER = no limit. False: no memory. */
bool ms_attempts_limit(struct ms_attempts *attempts, struct ms_attempt *attempt, ms_time until);

/* The attempt whose time is over, or NULL; it has no deadline any more. */
struct ms_attempt *ms_attempts_expired(struct ms_attempts *attempts, ms_time now);

/* Appends a piece of output. MS_E_RESULT_SIZE or MS_E_NO_MEMORY when it would pass a limit. */
enum ms_error ms_attempts_output(struct ms_attempts *attempts, struct ms_attempt *attempt,
                                 const struct ms_command *output);

/* -> DONE, with status, code, signal, usage, detail and payload of result copied, on unsent. False
 * when the payload did not fit: then it is left out. */
bool ms_attempts_done(struct ms_attempts *attempts, struct ms_attempt *attempt,
                      const struct ms_command *result);

/* RUNNING -> DROPPED: output is freed, the handler is to be told to stop. */
void ms_attempts_drop(struct ms_attempts *attempts, struct ms_attempt *attempt);

/* The handler of a RUNNING attempt is to be told to stop; once. */
void ms_attempts_abort(struct ms_attempts *attempts, struct ms_attempt *attempt);

/* Nothing of what was sent counts: a new connection. */
void ms_attempts_rewind(struct ms_attempts *attempts);

/* The attempt is gone and all its memory with it. Not for RUNNING. */
void ms_attempts_forget(struct ms_attempts *attempts, struct ms_attempt *attempt);

/* What is held, in the order DONE, RUNNING, QUEUED, without DROPPED; returns how many. Both arrays have
 * room for all. */
uint32_t ms_attempts_list(const struct ms_attempts *attempts, struct ms_token *tokens_out,
                          struct ms_holding *holdings_out);

/* Asserts that counts, lists, map, pool and heap tell one story. */
void ms_attempts_check(const struct ms_attempts *attempts);

/* Commands that came and have not ended: they fill slots or wait for one. */
static inline uint32_t ms_attempts_held(const struct ms_attempts *attempts)
{
    return attempts->queued_count + attempts->running_count;
}

static inline uint32_t ms_attempts_room(const struct ms_attempts *attempts)
{
    return ms_pool_free(&attempts->pool);
}

#endif
