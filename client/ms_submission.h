/* What is submitted and what comes back. Included by ms_client.h, whose rules hold here. */
#ifndef MUSTER_MS_SUBMISSION_H
#define MUSTER_MS_SUBMISSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ms_client;

/* How a submission came out, when it did (error is MS_CLIENT_OK). */
enum ms_client_status {
    MS_CLIENT_STATUS_OK = 0,
    MS_CLIENT_STATUS_RETRY = 1, /* failed in its last attempt */
    MS_CLIENT_STATUS_FAIL = 2,  /* failed for good */
    MS_CLIENT_STATUS_CANCELLED = 3,
    MS_CLIENT_STATUS_TIMEOUT = 4, /* its last attempt took too long */
    MS_CLIENT_STATUS_CRASHED = 5, /* it took too many slaves or processes down */
    MS_CLIENT_STATUS_EXPIRED = 6, /* its deadline passed before it was started */
    MS_CLIENT_STATUS_LOST = 7     /* its slave was lost, and it was to be started once only */
};

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
    const char *slave; /* of a broadcast: whose outcome it is; "" = not known, or it is none */
    bool is_spare;     /* of a broadcast, with error NOT_FOUND: there is no slave for this number */
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

/* durability: 0 in a master's memory, 1 on its disk, 2 on the disks of all in sync, 3 on two or more; copies:
 * masters that hold it. Left out when the outcome is faster. Of an array: once, for its first member. */
typedef void (*ms_client_accepted_fn)(struct ms_client *client, uint64_t seq, int durability,
                                      int copies, void *context);

#define MS_CLIENT_BACKGROUND 1u  /* no outcome wanted: it ends when it is accepted */
#define MS_CLIENT_ONCE       8u  /* never started twice: when its slave is lost, it ends as LOST */
#define MS_CLIENT_KEEP       16u /* the master keeps the outcome, to be asked for (ms_query.h) */

/* What an acceptance shall mean. */
enum ms_client_durability {
    MS_CLIENT_DURABILITY_DEFAULT = 0, /* as the master is configured */
    MS_CLIENT_DURABILITY_MEM = 1,
    MS_CLIENT_DURABILITY_LOCAL = 2,  /* on its disk */
    MS_CLIENT_DURABILITY_SYNC = 3,   /* on the disks of all masters in sync */
    MS_CLIENT_DURABILITY_STRICT = 4, /* on two disks, or refused */
};

/* What happens when a live command of the same type has the same unique key. */
enum ms_client_unique {
    MS_CLIENT_UNIQUE_JOIN = 1,    /* both get the outcome of that one */
    MS_CLIENT_UNIQUE_REJECT = 2,  /* this one ends with MS_CLIENT_NOT_UNIQUE */
    MS_CLIENT_UNIQUE_REPLACE = 3, /* that one is cancelled */
};

struct ms_client_submission {
    size_t size;
    const char *type;     /* name of the handler, or NULL and */
    uint64_t type_number; /* its number */
    const void *payload;  /* copied; may be larger than the master takes in one frame */
    size_t payload_size;
    uint32_t attempts, flags;          /* attempts at most: 0 = 1 */
    uint64_t timeout_ms;               /* of one attempt; 0 = none */
    uint64_t delay_ms;                 /* before the first attempt */
    ms_client_output_fn on_output;     /* set: output comes as it is made. NULL: with the result */
    ms_client_accepted_fn on_accepted; /* may be NULL */
    void *context;                     /* for the two above */
    int durability;                    /* enum ms_client_durability */
    int priority;                      /* -10 .. 10; higher ones are started first */
    int64_t run_at_us;    /* not started before; wall clock, microseconds since 1970; 0 = now */
    int64_t deadline_us;  /* not started after, it ends as EXPIRED; the same clock; 0 = never */
    const char *unique;   /* key of 1 to 255 bytes; NULL = none. Not for arrays */
    int unique_mode;      /* enum ms_client_unique; 0 = JOIN */
    const char *group;    /* name as of a handler; NULL = none */
    uint32_t array_count; /* > 0: so many commands with one payload, told apart by their place */
    uint32_t array_concurrency; /* of them at a time; 0 = all */
    /* What it belongs to: a user, an account, a file. Copied; of an array, of all of it. */
    const void *key; /* any bytes; NULL = none */
    size_t key_size; /* 1 to 255; 0 = none */
    /* A broadcast: one command for each of so many slaves, or MS_CLIENT_ON_ALL. It is an array of them, fixed when it is
     * accepted, and each has its result, by slave. Of all, array_count is the room for them, 0 = 256: on_done is
     * called for each number of it, and is_spare for those behind the last slave. */
    uint32_t on;
    const char *where; /* with on: a filter that they fit (core/filter.h: of slaves); NULL = none */
};

#define MS_CLIENT_ON_ALL UINT32_MAX

#ifdef __cplusplus
}
#endif

#endif
