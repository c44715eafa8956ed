/* The client's engine: keeps each submission until its outcome is in, sends it again under the same id
 * whenever the connection or the master changed, and hands exactly one outcome per id to the application.
 *
 * From the application: REQUEST events with SUBMIT, CANCEL (id.seq), QUERY or CALL; event.seq is a cookie of
 * the application's choice that comes back in the seq of every delivery it causes; event.tag takes
 * MS_CLIENT_QUIET. STOP ends it when nothing is outstanding; a second STOP ends it now.
 *
 * To the application: DELIVER effects, seq = the cookie, command = what the master said:
 *   SUBMIT_ACK   accepted (the end of a background one); one id each, count 1
 *   SUBMIT_NAK   refused for good; also at once, without id, when the REQUEST cannot be taken: error
 *                RETRY_LATER = full, wait for MS_CLIENT_NOTE_ROOM
 *   STREAM       each piece of an attempt once, in order; tag MS_CLIENT_NOTE_RESET: command.attempt
 *                begins anew, forget the pieces of the attempts before (no payload)
 *   OUTCOME      the end of a submission
 *   CANCEL_ACK   error NOT_FOUND: nothing by that id is outstanding
 *   REPORT       one frame of the answer; tag MS_CLIENT_NOTE_RESET: the answer begins anew. A query
 *                that cannot be asked comes back as a last REPORT with an error
 *   TAIL         output of a command that a TAIL or RESULT query asked for, before its last REPORT; each piece
 *                once and in order, attempts rising
 *   NONE         tag MS_CLIENT_NOTE_UP, _LOST, _REFUSED (error says why), _ROOM, _LATER
 * Then STOPPED. */
#ifndef CLIENT_CLIENT_H
#define CLIENT_CLIENT_H

#include "client/client_calls.h"
#include "client/requests.h"
#include "core/engine.h"
#include "core/upstream.h"

#define MS_CLIENT_QUERIES_MAX 64 /* queries under way */

/* Tag of a REQUEST with SUBMIT: nobody wants to hear SUBMIT_ACK, unless it is a background one. */
#define MS_CLIENT_QUIET 1u

/* Tags of DELIVER. */
enum ms_client_note {
    MS_CLIENT_NOTE_NONE,
    MS_CLIENT_NOTE_RESET,
    MS_CLIENT_NOTE_UP,      /* connected; count = session number, error OK */
    MS_CLIENT_NOTE_LOST,    /* error why; it tries again by itself */
    MS_CLIENT_NOTE_REFUSED, /* a master sent us away during the greeting; it tries again */
    MS_CLIENT_NOTE_ROOM,    /* after a refusal for lack of room: there is some now */
    MS_CLIENT_NOTE_LATER, /* the master takes nothing new for now (error says why), or, OK, it does again */
};

struct ms_client_config {
    const char *addresses; /* checked list, as for ms_upstream_init */
    struct ms_uuid client; /* with seq: the ids of its submissions */
    bool is_lasting;       /* it is used again by later runs: a master may know what they submit */
    const char *name;      /* at most MS_NAME_MAX; "" = none */
    const char *build;     /* at most MS_NAME_MAX */
    uint64_t seq_first;    /* 0 = 1 */
    uint64_t floor;        /* every seq up to this was closed by an earlier run; 0 = none */
    uint32_t window;       /* submissions at the master at most; 0 = MS_CLIENT_WINDOW_DEFAULT */
    uint32_t kept_max;     /* submissions kept at most; 0 = twice the window */
    size_t bytes_max;      /* payloads kept at most; 0 = MS_CLIENT_BYTES_DEFAULT */
    uint64_t seed;         /* for jitter and the map */
    uint64_t calls_before; /* number of the last call of a service by an earlier run, or above it */
};

#define MS_CLIENT_WINDOW_DEFAULT 65536u
#define MS_CLIENT_WINDOW_MIN     16u /* however often the master says "later" */
#define MS_CLIENT_BYTES_DEFAULT  ((size_t)1 << 30)
#define MS_CLIENT_DELAY_MIN      (1 * MS_MSEC)   /* bounds of the pause a master may ask for */
#define MS_CLIENT_DELAY_DEFAULT  (100 * MS_MSEC) /* when it names none */
#define MS_CLIENT_DELAY_MAX      (30 * MS_SEC)
#define MS_CLIENT_PARTS_SPAN     32u /* PARTs between two BEATs; two spans may be on their way */
#define MS_CLIENT_BACKOFF_MAX    4u  /* doublings of the pause of what is refused again and again */
#define MS_CLIENT_GAPS_MAX       3   /* reconnects to have missing pieces of one output repeated */

struct ms_client_counters {
    uint64_t submitted_total, outcomes_total, resent_total, duplicates_total, refused_total;
    uint64_t later_total, lost_total, gaps_total, strange_total;
};

struct ms_client_asked {
    uint64_t number; /* in order of asking; 0 = free */
    uint64_t cookie;
    bool is_sent;             /* on this connection */
    bool has_rows;            /* something was delivered */
    uint32_t attempt, pieces; /* TAILs delivered: of this attempt, so many */
    struct ms_query query;
};

/* Embed or allocate; private. */
struct ms_client_engine {
    struct ms_engine base; /* first; the owner sets base.trace */
    struct ms_rng rng;
    struct ms_upstream upstream;
    struct ms_requests requests;
    struct ms_client_asked queries[MS_CLIENT_QUERIES_MAX];
    uint32_t queries_unsent; /* to be sent, or sent again */
    struct ms_client_calls calls;
    struct ms_client_counters counters;
    struct ms_uuid client;
    uint64_t query_number;
    uint64_t life;          /* counts sessions: connections that did not resume the one before */
    uint64_t cancels_count; /* submissions with is_cancelled */
    uint32_t window;        /* of the configuration */
    uint32_t allowed;       /* of the window, after "later"; grows back with each acceptance */
    struct ms_request
        *sending; /* its payload goes out as PARTs, its SUBMIT has not yet; NULL = none */
    uint32_t parts_sent;
    struct ms_terms
        parts_terms; /* of the last SUBMIT behind parts, or of an array with closed members */
    struct ms_bytes
        array_closed;        /* that went with it: of the slab of requests, until the next step */
    uint64_t parts_beat;     /* number of the BEAT that went with the last span of parts, */
    uint64_t parts_beat_due; /* and of the one whose answer is waited for before more go */
    enum ms_error later;     /* why the master takes nothing new; OK = it does */
    bool was_refused;        /* somebody waits for room, */
    size_t refused_bytes;    /* so many bytes of it, */
    uint32_t refused_count;  /* and so many places */
    uint64_t array_refused;  /* first seq of the array that was refused last, and why */
    char array_detail[MS_DETAIL_MAX + 1];
    bool is_lasting;          /* of the configuration */
    bool is_started, is_away; /* away: the master takes nothing new until the next connection */
    uint8_t stops;            /* STOPs heard */
    bool is_stopped;
};

/* False when memory is short; nothing to finish then. config is borrowed for the call. */
bool ms_client_engine_init(struct ms_client_engine *engine, const struct ms_client_config *config);
void ms_client_engine_finish(struct ms_client_engine *engine); /* accepts NULL and a zeroed one */

/* The same as a REQUEST with SUBMIT, but without a step: usable between steps and while effects are
 * polled. Nothing is emitted; the deadline becomes "now" when there is something to send. Refusals
 * come as the result: RETRY_LATER (NOTE_ROOM will follow), PAYLOAD_SIZE, BAD_ARGUMENT, DRAINING, NO_MEMORY. */
enum ms_error ms_client_engine_submit(struct ms_client_engine *engine,
                                      const struct ms_command *submit, uint64_t cookie,
                                      bool is_quiet, uint64_t *seq_out);

/* Changes the cookie of a submission that has not ended: those of the members of an array are that of the
 * first plus their place. Their numbers rise by one, and all but the first are quiet. */
void ms_client_engine_set_cookie(struct ms_client_engine *engine, uint64_t seq, uint64_t cookie);

/* Submissions without an end, and queries without an answer. */
uint32_t ms_client_engine_outstanding(const struct ms_client_engine *engine);

/* Payload bytes allowed now: any number when the master takes PARTs, else its limit once known. */
size_t ms_client_engine_payload_max(const struct ms_client_engine *engine);

/* Asserts every invariant; walks everything. */
void ms_client_engine_check(const struct ms_client_engine *engine);

#endif
