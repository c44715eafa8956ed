/* The client library of muster: submit commands, learn how they came out. A client keeps every submission
 * until its outcome is in and sends it again, under the same id, whenever the connection or the master
 * changed; each submission ends exactly once, by one call of its on_done or by its future (ms_future.h).
 * While no master is reachable, submissions wait.
 *
 * Threads: a client, its futures and its event loop belong to one thread. Several clients in several
 * threads are fine, each with a loop of its own.
 *
 * Callbacks run inside the loop. They may submit, cancel, query and look for futures; they may not
 * destroy the client, nor run it or wait (MS_CLIENT_BAD_STATE). Everything handed to a callback is
 * borrowed for the call.
 *
 * The library never ends the process for a reason that comes from outside, writes nothing to stdout or
 * stderr, installs no signal handlers and starts no threads but those that look up host names.
 *
 * Structs begin with size: set it to sizeof, clear the rest (zero is always the default). Functions that
 * return int return MS_CLIENT_OK or what went wrong. */
#ifndef MUSTER_MS_CLIENT_H
#define MUSTER_MS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ms_submission.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ev_loop; /* of libev */

/* What went wrong. Numbers below 1000 are those of the wire; ms_client_strerror knows all of them. */
enum {
    MS_CLIENT_OK = 0,
    MS_CLIENT_TIMEOUT = 9, /* the wait was over; what was waited for goes on */
    MS_CLIENT_CLOSED = 16, /* the client was destroyed before */
    MS_CLIENT_UNREACHABLE = 17,
    MS_CLIENT_DRAINING = 19,     /* ms_client_close was called: nothing new is taken */
    MS_CLIENT_UNKNOWN_TYPE = 32, /* no slave ever announced this type, and no route knows it */
    MS_CLIENT_PAYLOAD_SIZE = 33, /* larger than the master takes, or than memory */
    MS_CLIENT_BUSY = 34,         /* the window is full: submit again from on_room, or wait */
    MS_CLIENT_BAD_ARGUMENT = 35,
    MS_CLIENT_NOT_FOUND = 36,
    MS_CLIENT_CLOSED_ID = 38, /* this id came to its end in an earlier run */
    MS_CLIENT_NO_MEMORY = 39,
    MS_CLIENT_CANCELLED = 42,
    MS_CLIENT_STORE_FULL = 43, /* the master's disk: submissions wait until there is space */
    MS_CLIENT_NOT_UNIQUE = 46, /* detail names the command with the same unique key */
    MS_CLIENT_DURABILITY = 47, /* the master cannot keep it as durable as asked for */
    MS_CLIENT_BAD_STATE = 1000 /* not from a callback; not after ms_client_close */
};

const char *ms_client_status_name(int status); /* "ok", "fail", "cancelled" ...; never NULL */
const char *ms_client_strerror(int error);     /* one sentence; never NULL */

struct ms_client_error {
    int code;
    char text[512]; /* one sentence for people */
};

struct ms_client_options {
    size_t size;
    const char *masters;   /* comma list of HOST:PORT, [V6]:PORT, unix:/PATH or URLs; the first that
                             * serves is used. NULL = 127.0.0.1:7400 */
    struct ev_loop *loop;  /* NULL = one of its own, run by ms_client_run and the waits */
    const char *name;      /* for people, 1 to 63 letters, digits, "._-"; NULL = none */
    const char *id;        /* 32 hex digits that begin every id of this client; NULL = random. Two
                             * running clients must never share one */
    uint64_t first_seq;    /* of the first submission; 0 = 1 */
    uint64_t floor;        /* with id: every seq up to this had its outcome in an earlier run */
    uint32_t window;       /* submissions at the master at most, 1 to 2^20; 0 = 65536 */
    uint32_t queue;        /* submissions kept at most, beyond is BUSY; 0 = twice the window */
    uint64_t memory;       /* bytes of payloads kept at most, beyond is BUSY; 0 = 1 GiB */
    uint32_t busy_poll_us; /* spin so long for input before the loop sleeps; 0 = never */
    void *context;         /* for the callbacks below */

    /* After a submission was refused with BUSY: there is room again. */
    void (*on_room)(struct ms_client *client, void *context);

    /* The connection came up (error OK), was lost, or a master sent us away. It is tried again without
     * anybody's doing, and nothing is lost. */
    void (*on_connection)(struct ms_client *client, bool is_up, int error, void *context);

    /* The master takes nothing new for now: MS_CLIENT_BUSY (its queue is full, or it has just started and has
     * not heard of the type) or STORE_FULL (its disk is full).
     * What was submitted is tried again without anybody's doing. OK: it takes new work again. */
    void (*on_later)(struct ms_client *client, int error, void *context);
};

/* Fills in the defaults; size is sizeof *options. */
void ms_client_options_default(struct ms_client_options *options, size_t size);

/* NULL on failure, and *error (may be NULL) says why. It connects when its loop runs. */
struct ms_client *ms_client_create(const struct ms_client_options *options,
                                   struct ms_client_error *error);

/* Takes nothing new, runs the loop until all outstanding work has ended and been confirmed, says goodbye.
 * timeout_ms < 0: wait for ever; 0: give up what is outstanding at once, still saying goodbye.
 * TIMEOUT: work was left, and is given up: its callbacks are not called. */
int ms_client_close(struct ms_client *client, int64_t timeout_ms);

/* Frees everything but the futures, which end with MS_CLIENT_CLOSED. Calls nothing back. Without
 * ms_client_close before, the master may hold the last outcomes for unconfirmed. Accepts NULL. */
void ms_client_destroy(struct ms_client *client);

const char *ms_client_id(const struct ms_client *client); /* 32 hex digits; borrowed */
bool ms_client_is_connected(const struct ms_client *client);

/* Why it is not connected, or, while it is, why the master takes nothing new (on_later); else OK. */
int ms_client_last_error(const struct ms_client *client);
uint32_t ms_client_outstanding(const struct ms_client *client); /* submissions and questions */
/* Every seq up to this has ended: what an application with a lasting id saves. */
uint64_t ms_client_floor(const struct ms_client *client);

/* Submits. on_done (may be NULL) is called once, later, with context; for an array once for each member.
 * *seq_out (may be NULL) is its number, of an array that of the first member: client id and seq together
 * are its id everywhere. BUSY, and nothing happened, when the window is full. */
int ms_client_submit(struct ms_client *client, const struct ms_client_submission *submission,
                     ms_client_done_fn on_done, void *context, uint64_t *seq_out);

/* Asks for the end of a submission; it still ends by on_done, mostly with STATUS_CANCELLED. NOT_FOUND
 * when it has ended already. */
int ms_client_cancel(struct ms_client *client, uint64_t seq);

/* Runs until ms_client_break, or for timeout_ms if that is >= 0: OK or TIMEOUT. */
int ms_client_run(struct ms_client *client, int64_t timeout_ms);

/* Makes the innermost ms_client_run or wait return (a wait with TIMEOUT); for callbacks. */
void ms_client_break(struct ms_client *client);

/* Run until nothing is outstanding; until connected. TIMEOUT: ms_client_last_error says what stands in the way. */
int ms_client_wait_all(struct ms_client *client, int64_t timeout_ms);
int ms_client_wait_connected(struct ms_client *client, int64_t timeout_ms);

#ifdef __cplusplus
}
#endif

#endif
