/* The Command: the one thing that travels. Work, results, heartbeats and goodbyes are all Commands.
 * The framework's own have a kind and no type; work has a type and rides in SUBMIT and COMMAND. */
#ifndef CORE_COMMAND_H
#define CORE_COMMAND_H

#include "core/body.h"
#include "core/error.h"
#include "core/limits.h"
#include "core/terms.h"
#include "core/types.h"

/* What a command is on the wire: the framework's own command types. Many commands of one kind
 * travel in one frame. Numbers are never reused; 64-127 are the pair's, and those between stay free.
 * m = master, s = slave, c = client. */
enum ms_kind {
    MS_KIND_NONE = 0,
    MS_KIND_HELLO = 1,    /* s,c -> m  first frame; body.hello */
    MS_KIND_WELCOME = 2,  /* m -> s,c  answer to HELLO; body.welcome */
    MS_KIND_BEAT = 3,     /* s,c <-> m heartbeat; count numbers it; of slaves body.load, or NULL */
    MS_KIND_BEAT_ACK = 4, /* answer to BEAT; count as in the beat */
    MS_KIND_ERROR = 5,    /* last frame before a close: error, detail */
    MS_KIND_GOAWAY = 6,   /* no more work, please: error says why, detail may name another master */

    MS_KIND_ANNOUNCE = 16, /* s -> m  body.announce: what this slave can run; replaces the last */
    MS_KIND_PULL = 17,     /* s -> m  count more commands may be sent */
    MS_KIND_COMMAND = 18,  /* m -> s  run this: id, type, token, attempt, timeout, payload */
    MS_KIND_OUTPUT = 19,   /* s -> m  streamed output: token, stream, index, payload */
    MS_KIND_RESULT = 20,   /* s -> m  token, status, code, signal, usage, detail, payload, count */
    MS_KIND_RESULT_ACK = 21, /* m -> s  results token.n .. +count-1 are safe, forget them */
    MS_KIND_REVOKE = 22,     /* m -> s  cancel that attempt: token */
    MS_KIND_RETURN = 23,     /* s -> m  handed back, not started: token */
    MS_KIND_ROLL = 24,       /* s -> m  body.tokens: what a resumed session holds */
    MS_KIND_VERDICT = 25, /* m -> s  body.tokens: which of these are revoked; last ends the roll */
    MS_KIND_BYE = 26,     /* s,c -> m  this session ends now */
    MS_KIND_FOLLOW = 27,  /* m -> s  output of that attempt is wanted as it comes: token */
    MS_KIND_ADJUST = 28,  /* m -> s  count = slots from now on, 0: as they are; index = 1 + enum
                            * ms_level of its log, 0: as it is */

    MS_KIND_SUBMIT = 32, /* c -> m  id.seq, type, attempts_max, timeout, delay, flags, payload */
    MS_KIND_SUBMIT_ACK = 33, /* m -> c  id.seq .. +count-1 accepted; durability, copies */
    MS_KIND_SUBMIT_NAK =
        34, /* m -> c  id.seq refused: error, detail, delay = when to try again; count > 0: as
                              * many members of an array, 0: all that the SUBMIT stands for */
    MS_KIND_OUTCOME =
        35, /* m -> c  id.seq: status, attempt, code, signal, usage, detail, payload */
    MS_KIND_OUTCOME_ACK = 36, /* c -> m  outcomes id.seq .. +count-1 are mine now, close them */
    MS_KIND_STREAM = 37,      /* m -> c  streamed output: id.seq, attempt, stream, index, payload */
    MS_KIND_CANCEL = 38,      /* c -> m  id.seq */
    MS_KIND_CANCEL_ACK =
        39,              /* m -> c  id.seq; flags says whether it had started; error if unknown */
    MS_KIND_QUERY = 40,  /* c -> m  body.query; count numbers it */
    MS_KIND_REPORT = 41, /* m -> c  body.report; count as in the query */
    MS_KIND_PART =
        42, /* c -> m  id.seq, index, payload: a piece of a payload, before its SUBMIT; m -> s
                        * token, index, payload: the same, before its COMMAND */
    MS_KIND_TAIL =
        43, /* m -> c  output of a command asked for by QUERY count: stream, attempt, index,
                        * payload */

    MS_KIND_CALL = 56, /* c -> m  of a service: id.seq = number, count = every number up to it is
                        * answered, timeout = how long it may be answered later, detail = what it
                        * is for (master/services.h), payload */
    MS_KIND_CALL_REPLY = 57, /* m -> c  id.seq; error, detail, delay as SUBMIT_NAK; or payload */

    /* Of the pair of masters, their witnesses (w) and whoever operates them (o). a and p are the active and the
     * passive master. All have body.pair; what else is filled in is named. */
    MS_KIND_PEER_HELLO = 64, /* first frame of both sides of a connection */
    MS_KIND_PEER_BEAT =
        65, /* m <-> m, m <-> w  count numbers it; flags & 1: an answer; & 2, 4: enum ms_room */
    MS_KIND_PREVOTE = 66,     /* m -> m,w  would you vote for that? body.pair->decision */
    MS_KIND_PREVOTE_ACK = 67, /* answer: error */
    MS_KIND_PROPOSE = 68,     /* m -> m,w  body.pair->decision */
    MS_KIND_VOTE = 69, /* answer: error = OK: accepted durably; else body.pair->promised says why */
    MS_KIND_DECIDED = 70, /* a -> p,w  body.pair->decision is served */
    MS_KIND_STALE = 71,   /* your epoch is behind body.pair->promised */
    MS_KIND_FAILED = 72,  /* m -> m  my store failed: I do nothing any more */
    /* The log: what their fields hold is in master/mirror.h. */
    MS_KIND_FOLLOW_LOG = 73, /* p -> a  token: from there; id.seq, count: what is in the store */
    MS_KIND_LOG_BEGIN = 74, /* a -> p  token, id.seq, count; flags = 1: a copy comes first; error */
    MS_KIND_LOG_COPY = 75,  /* a -> p  payload, flags; at its end token, id.seq */
    MS_KIND_LOG = 76,     /* a -> p  token, id.seq, payload; flags = 1: last frame of its number */
    MS_KIND_LOG_ACK = 77, /* p -> a  token, id.seq, count */
    MS_KIND_ORDER = 78,   /* o -> m  count = enum ms_order */
    MS_KIND_ORDER_ACK = 79, /* answer: error, detail */
    /* What a deposed active has and the new one may lack: see master/suffix.h. */
    MS_KIND_RECONCILE = 80, /* p -> a  token, count, payload; flags = 1: that was all */
    MS_KIND_RECONCILE_ACK =
        81, /* answer: token, count, error; flags & 1: all of it is durable; & 2: and nothing of it was new */
    MS_KIND_LOG_LIVE =
        82, /* a -> p  id.seq, payload, count: which records up to id.seq live still */
    MS_KIND_COUNT
};

/* How an attempt, and in the end a command, came out. */
enum ms_status {
    MS_STATUS_OK = 0,
    MS_STATUS_RETRY = 1,     /* failed, another attempt may help */
    MS_STATUS_FAIL = 2,      /* failed for good */
    MS_STATUS_CANCELLED = 3, /* stopped because somebody asked */
    MS_STATUS_TIMEOUT = 4,   /* the attempt's time was over; counts as RETRY */
    MS_STATUS_CRASHED = 5,   /* the handler's process died; counted apart from failure */
    MS_STATUS_EXPIRED = 6,   /* its deadline passed before it was started */
    MS_STATUS_LOST = 7,      /* its slave was lost, and it may be started once only */
    MS_STATUS_COUNT
};

/* What a piece of output is. */
enum ms_stream {
    MS_STREAM_DATA = 0,     /* the result itself, or standard output */
    MS_STREAM_STDERR = 1,   /* standard error */
    MS_STREAM_LOG = 2,      /* a line for people */
    MS_STREAM_PROGRESS = 3, /* payload: "done total text" */
    MS_STREAM_COUNT
};

/* How durable a submission wants to be, and how durable its acknowledgement says it is. */
enum ms_durability {
    MS_DURABILITY_MEM = 0,    /* in one master's memory */
    MS_DURABILITY_LOCAL = 1,  /* on the active's disk */
    MS_DURABILITY_SYNC = 2,   /* on the disks of every master in sync */
    MS_DURABILITY_STRICT = 3, /* on two disks, or refused */
    MS_DURABILITY_COUNT
};

enum ms_command_flags {
    MS_FLAG_BACKGROUND = 1, /* SUBMIT: no outcome wanted; closed when it is done */
    MS_FLAG_STREAM = 2,     /* SUBMIT, COMMAND: the submitter wants output as it comes */
    MS_FLAG_STARTED = 4,    /* CANCEL_ACK: it was already handed to a slave */
    MS_FLAG_ONCE = 8,       /* SUBMIT: at most one attempt is ever started, whatever is lost */
    MS_FLAG_KEEP = 16,      /* SUBMIT: the outcome stays to be asked for after it was confirmed */
    MS_FLAG_PARTS = 32,     /* SUBMIT, COMMAND: the payload was sent before, as PARTs */
    MS_FLAG_DURABILITY =
        64, /* SUBMIT: durability is asked for; without it the master's own default */
};

/* Flags of a submission that stay with its command. */
#define MS_FLAGS_LASTING                                                                           \
    (MS_FLAG_BACKGROUND | MS_FLAG_STREAM | MS_FLAG_ONCE | MS_FLAG_KEEP | MS_FLAG_PARTS)

/* What an attempt cost. */
struct ms_usage {
    uint64_t wall_us;
    uint64_t user_us;
    uint64_t system_us;
    uint64_t rss_kib;
};

/* One command as a value. Which fields mean something depends on kind (see enum ms_kind); the rest
 * are zero. All pointers are borrowed: in an event until the effects of that step have been polled
 * dry, in an effect until the engine's next step. */
struct ms_command {
    uint8_t kind;       /* enum ms_kind */
    uint8_t status;     /* enum ms_status */
    uint8_t stream;     /* enum ms_stream */
    uint8_t flags;      /* enum ms_command_flags */
    uint8_t durability; /* enum ms_durability; SUBMIT: at least this */
    uint8_t copies;     /* disks or memories that hold it */
    uint16_t error;     /* enum ms_error */
    uint32_t attempt;   /* counts from 1 */
    uint32_t attempts_max;
    uint32_t index; /* of a piece of output within its attempt, or of a PART, from 0; COMMAND: place
                      * in its array */
    uint32_t signal; /* that ended the handler's process; 0 = none */
    int32_t code;    /* exit status, or the handler's own number */
    ms_type type;
    struct ms_id id;
    struct ms_token token;
    uint64_t
        count; /* PULL and RESULT: credit; acks: length of the run; BEAT, QUERY: number; COMMAND:
                      * size of its array, 0 = it is in none */
    ms_time timeout; /* of one attempt; 0 = none */
    ms_time
        delay; /* before the first attempt, or before the next try; RESULT: the least the handler
                      * asks for, with RETRY */
    struct ms_bytes payload;
    struct ms_bytes detail;       /* UTF-8, at most MS_DETAIL_MAX */
    const struct ms_usage *usage; /* NULL = unknown */
    const struct ms_terms *terms; /* SUBMIT; NULL = none of them */
    union {
        const struct ms_hello *hello;
        const struct ms_welcome *welcome;
        const struct ms_announce *announce;
        const struct ms_tokens *tokens;
        const struct ms_load *load;
        const struct ms_query *query;
        const struct ms_report *report;
        const struct ms_pair_frame *pair;
        const void *any;
    } body;
};

/* Names as in the documents: "SUBMIT", "ok", "stderr", "mem", "slave". Never NULL. */
const char *ms_kind_name(enum ms_kind kind);
const char *ms_status_name(enum ms_status status);
const char *ms_stream_name(enum ms_stream stream);
const char *ms_durability_name(enum ms_durability durability);

#endif
