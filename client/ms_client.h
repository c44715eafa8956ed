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

#ifdef __cplusplus
extern "C" {
#endif

struct ev_loop; /* of libev */
struct ms_client;

/* What went wrong. Numbers below 1000 are those of the wire; ms_client_strerror knows all of them. */
enum {
    MS_CLIENT_OK = 0,
    MS_CLIENT_TIMEOUT = 9, /* the wait was over; what was waited for goes on */
    MS_CLIENT_CLOSED = 16, /* the client was destroyed before */
    MS_CLIENT_UNREACHABLE = 17,
    MS_CLIENT_DRAINING = 19,     /* ms_client_close was called: nothing new is taken */
    MS_CLIENT_UNKNOWN_TYPE = 32, /* no slave ever announced this type, and no route knows it */
    MS_CLIENT_PAYLOAD_SIZE = 33, /* larger than the master takes */
    MS_CLIENT_BUSY = 34,         /* the window is full: submit again from on_room, or wait */
    MS_CLIENT_BAD_ARGUMENT = 35,
    MS_CLIENT_NOT_FOUND = 36,
    MS_CLIENT_CLOSED_ID = 38, /* this id came to its end in an earlier run */
    MS_CLIENT_NO_MEMORY = 39,
    MS_CLIENT_CANCELLED = 42,
    MS_CLIENT_BAD_STATE = 1000 /* not from a callback; not after ms_client_close */
};

/* How a submission came out, when it did (error is MS_CLIENT_OK). */
enum ms_client_status {
    MS_CLIENT_STATUS_OK = 0,
    MS_CLIENT_STATUS_RETRY = 1, /* failed in its last attempt */
    MS_CLIENT_STATUS_FAIL = 2,  /* failed for good */
    MS_CLIENT_STATUS_CANCELLED = 3,
    MS_CLIENT_STATUS_TIMEOUT = 4, /* its last attempt took too long */
    MS_CLIENT_STATUS_CRASHED = 5  /* it took too many slaves or processes down */
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

/* Why it is not connected; OK while it is, or has not tried. */
int ms_client_last_error(const struct ms_client *client);
uint32_t ms_client_outstanding(const struct ms_client *client); /* submissions and questions */
/* Every seq up to this has ended: what an application with a lasting id saves. */
uint64_t ms_client_floor(const struct ms_client *client);

struct ms_client_result {
    size_t size;
    uint64_t seq;
    int error;           /* OK: status is how it came out; else it was refused or given up */
    int status;          /* enum ms_client_status */
    bool is_background;  /* it was accepted, and there is nothing else to know */
    uint32_t attempt;    /* the last one, from 1; 0 = never started */
    int32_t code;        /* exit status, or the handler's own number */
    uint32_t signal;     /* that ended the handler's process; 0 = none */
    const void *payload; /* the result; of a streamed one what on_output has not had */
    size_t payload_size;
    const char *detail; /* reason, for people; "" = none */
    bool has_usage;
    uint64_t wall_us, user_us, system_us, rss_kib; /* of the last attempt */
};

enum ms_client_stream {
    MS_CLIENT_DATA = 0,
    MS_CLIENT_STDERR = 1,
    MS_CLIENT_LOG = 2,
    MS_CLIENT_PROGRESS = 3, /* "done total text" */
    MS_CLIENT_RESET = 255   /* no data: an attempt began anew, forget the output so far */
};

struct ms_client_output {
    size_t size;
    uint64_t seq;
    int stream; /* enum ms_client_stream */
    uint32_t attempt;
    const void *data;
    size_t data_size;
};

typedef void (*ms_client_done_fn)(struct ms_client *client, const struct ms_client_result *result,
                                  void *context);
typedef void (*ms_client_output_fn)(struct ms_client *client, const struct ms_client_output *output,
                                    void *context);

/* durability: 0 in a master's memory, 1 on its disk, 2 on both; copies: masters that hold it. Left out
 * when the outcome is faster. */
typedef void (*ms_client_accepted_fn)(struct ms_client *client, uint64_t seq, int durability,
                                      int copies, void *context);

#define MS_CLIENT_BACKGROUND 1u /* no outcome wanted: it ends when it is accepted */

struct ms_client_submission {
    size_t size;
    const char *type;     /* name of the handler, or NULL and */
    uint64_t type_number; /* its number */
    const void *payload;  /* copied */
    size_t payload_size;
    uint32_t attempts, flags;          /* attempts at most: 0 = 1 */
    uint64_t timeout_ms;               /* of one attempt; 0 = none */
    uint64_t delay_ms;                 /* before the first attempt */
    ms_client_output_fn on_output;     /* set: output comes as it is made. NULL: with the result */
    ms_client_accepted_fn on_accepted; /* may be NULL */
    void *context;                     /* for the two above */
};

/* Submits. on_done (may be NULL) is called once, later, with context. *seq_out (may be NULL) is its
 * number: client id and seq together are its id everywhere. BUSY, and nothing happened, when the window
 * is full. */
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
