/* Every submission of one client that has no outcome yet: what was asked, with its payload, whether it
 * is with the master, waits for its turn, or for the pause the master asked for. Pure bookkeeping: no
 * message is made here.
 *
 *     add -> WAITING -> SENT -> CONFIRMED -> (SENT | closed)
 *               ^         |
 *               +-- lost -+-- refused for now -> DELAYED -> WAITING
 *
 * An array is one submission and as many requests as it has members, which end one by one; what they have in
 * common, their terms, lasts until the last of them has ended. */
#ifndef CLIENT_REQUESTS_H
#define CLIENT_REQUESTS_H

#include "core/command.h"
#include "core/heap.h"
#include "core/list.h"
#include "core/map.h"
#include "core/pool.h"
#include "core/slab.h"

enum ms_request_state {
    MS_REQUEST_WAITING,   /* to be sent, or sent again */
    MS_REQUEST_SENT,      /* with the master of this connection */
    MS_REQUEST_CONFIRMED, /* as SENT; the application is still to be told that it was accepted */
    MS_REQUEST_DELAYED,   /* refused for now; goes back to WAITING when its pause is over */
    MS_REQUEST_STATES
};

/* What only some submissions have, shared by the members of an array. */
struct ms_request_terms {
    struct ms_terms terms;   /* its texts stand behind this struct, in the same block of the slab */
    size_t size;             /* of the block */
    uint64_t first;          /* seq of the first member */
    uint32_t members;        /* not closed yet */
    uint64_t turn;           /* array: connection its SUBMIT went out on last; 0 = none */
    ms_time sent_at;         /* array: for the first time; MS_TIME_NEVER = never */
    struct ms_bytes payload; /* array: of all of them */
    enum ms_error refused;   /* array: for good, its members are about to be told */
};

struct ms_request {
    struct ms_list all;  /* in order of seq */
    struct ms_list link; /* on the list of its state, unless DELAYED */
    struct ms_heap_node pause;
    uint64_t seq;
    uint64_t cookie; /* the application's, handed back with every delivery */
    ms_type type;
    uint8_t *payload; /* of the slab; NULL when size is 0 */
    size_t size;
    struct ms_request_terms *terms; /* NULL = none */
    ms_time timeout, delay;
    ms_time sent_at; /* for the first time; MS_TIME_NEVER = never */
    uint64_t turn;   /* connection it was sent on last; 0 = none */
    uint32_t attempts_max;
    uint32_t attempt, pieces; /* streamed so far: pieces of this attempt */
    uint64_t life;            /* of the session in which the attempts are counted so */
    uint8_t flags;            /* enum ms_command_flags of the SUBMIT */
    uint8_t durability;       /* asked for; once CONFIRMED: as acknowledged */
    uint8_t copies;           /* CONFIRMED */
    uint8_t gaps;             /* times that pieces of its output were missing */
    uint8_t refusals;         /* for now, one after the other */
    bool is_confirmed;        /* on the list of CONFIRMED; means nothing once the turn is over */
    bool is_quiet;            /* its acceptance interests nobody */
    bool was_accepted;        /* by some master: its type is known */
    bool
        may_be_elsewhere; /* a master that had it did not put it off: another one that does cannot know */
    bool is_cancelled;   /* a CANCEL goes with it, to every master, until its outcome */
    bool is_cancel_told; /* the application knows that it will not go on */
};

struct ms_requests {
    struct ms_pool pool;
    struct ms_slab slab;
    struct ms_request **recent; /* at seq & recent_mask: most of them; the place may be taken */
    uint64_t recent_mask;
    struct ms_map arrays; /* terms of those with open members, by first seq */
    struct ms_map others; /* those that found their place taken by one that lasts */
    struct ms_heap delayed;
    struct ms_list all, waiting;
    struct ms_list sent, confirmed,
        told;                     /* told: SENT, and the application knows of its acceptance */
    uint64_t turn;                /* counts connections, from 1 */
    uint64_t seq_first, seq_last; /* of this run of the program; seq_last < seq_first: none yet */
    uint64_t floor;               /* known to be closed before this run */
    uint32_t sent_count;          /* SENT and CONFIRMED */
    uint32_t waiting_count;
};

struct ms_requests_config {
    uint32_t count_max; /* submissions kept; 1 .. MS_OUTSTANDING_MAX */
    size_t bytes_max;   /* of their payloads */
    uint64_t seq_first; /* number of the first submission; from 1 */
    uint64_t floor;     /* every seq up to this was closed before; < seq_first */
    uint64_t seed;      /* for the map */
};

/* False when memory is short; nothing to finish then. */
bool ms_requests_init(struct ms_requests *requests, const struct ms_requests_config *config);
void ms_requests_finish(struct ms_requests *requests); /* accepts a zeroed one */

/* Keeps a copy of a SUBMIT under the next seq, WAITING; an array under as many, of which it returns the
 * first. RETRY_LATER: count_max or bytes_max is reached; PAYLOAD_SIZE: more than bytes_max alone;
 * BAD_ARGUMENT: an array of more than count_max; NO_MEMORY. */
enum ms_error ms_requests_add(struct ms_requests *requests, const struct ms_command *submit,
                              struct ms_request **request_out);

/* NULL when it is closed or was never asked. */
struct ms_request *ms_requests_find(const struct ms_requests *requests, uint64_t seq);

/* The array that begins with this seq and has open members; NULL when there is none. */
struct ms_request_terms *ms_requests_array(const struct ms_requests *requests, uint64_t first);

static inline bool ms_request_is_in_array(const struct ms_request *request)
{
    return request->terms != NULL && request->terms->terms.array_count > 0;
}

/* What travels with the SUBMIT: its own, or that of its array. */
struct ms_bytes ms_request_payload(const struct ms_request *request);

/* True for a seq that this run of the program gave out. */
bool ms_requests_is_ours(const struct ms_requests *requests, uint64_t seq);

enum ms_request_state ms_request_state(const struct ms_requests *requests,
                                       const struct ms_request *request);

/* The one that waits longest; NULL when none does. */
struct ms_request *ms_requests_waiting(const struct ms_requests *requests);

/* The one whose acceptance is to be told next; NULL when none is. */
struct ms_request *ms_requests_confirmed(const struct ms_requests *requests);

/* WAITING -> SENT. */
void ms_requests_send(struct ms_requests *requests, struct ms_request *request, ms_time now);

/* SENT -> CONFIRMED -> SENT. */
void ms_requests_confirm(struct ms_requests *requests, struct ms_request *request);
void ms_requests_told(struct ms_requests *requests, struct ms_request *request);

/* SENT -> WAITING, before all others. */
void ms_requests_take_back(struct ms_requests *requests, struct ms_request *request);

/* SENT or WAITING -> DELAYED; NO_MEMORY changes nothing. */
enum ms_error ms_requests_delay(struct ms_requests *requests, struct ms_request *request,
                                ms_time until);

/* DELAYED -> WAITING for those whose pause is over, at most max of them. */
void ms_requests_resume(struct ms_requests *requests, ms_time now, uint32_t max);

/* The connection is gone: all that was SENT waits again, before what waited, the oldest
 * first as far as the application was told of them in order. O(1). */
void ms_requests_lost(struct ms_requests *requests);

/* Forgets it, whatever its state; gives the payload back. */
void ms_requests_close(struct ms_requests *requests, struct ms_request *request);

/* Highest seq such that it and all below are closed. */
uint64_t ms_requests_floor(const struct ms_requests *requests);

uint32_t ms_requests_count(const struct ms_requests *requests);
size_t ms_requests_bytes(const struct ms_requests *requests);

/* Asserts that every list, count and number agrees; walks everything. */
void ms_requests_check(const struct ms_requests *requests);

#endif
