/* The plug-in ABI of muster: what a handler is and what it may do with a job. For C11 and C++11.
 *
 * A plug-in is a shared object that exports `ms_handler_v1`, or several handlers in `ms_handlers_v1`.
 * It needs no library of muster: all calls go through job->host.
 *
 * Threads: init runs once before any job, finish once after the last, both on one thread. run is
 * called from many threads at a time, as many as the slave has slots. A job belongs to the thread
 * that run was called on; after ms_job_defer to whichever threads the handler likes. All ms_job_
 * functions may then be called from any thread, also at the same time, except that nothing of a job
 * may be touched after run returned (not deferred) or ms_job_complete was called (deferred).
 *
 * Versions: structs begin with abi and size and only grow at their end; a host refuses another abi. */
#ifndef HANDLERS_MS_HANDLER_H
#define HANDLERS_MS_HANDLER_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define MS_HANDLER_ABI 1u

#ifdef __cplusplus
extern "C" {
#endif

/* How an attempt came out. */
enum ms_outcome {
    MS_OK = 0,
    MS_RETRY = 1,     /* failed, another attempt may help */
    MS_FAIL = 2,      /* failed for good */
    MS_CANCELLED = 3, /* stopped because ms_job_cancelled said so */
    MS_DEFERRED = 100 /* only from run, after ms_job_defer: ms_job_complete will follow */
};

/* What a piece of output is; MS_JOB_DATA is the result. */
enum ms_job_stream { MS_JOB_DATA = 0, MS_JOB_STDERR = 1, MS_JOB_LOG = 2 };

enum ms_job_flags { MS_JOB_STREAMED = 2 /* the submitter watches the output as it comes */ };

enum ms_handler_flags {
    MS_HANDLER_ON_REQUEST = 1, /* not loaded with a whole directory, only when its file is named */
    MS_HANDLER_RUNS_ANYTHING = 2 /* runs what submitters say: only with --allow-exec */
};

struct ms_job;
struct ms_host;

/* What the job's process left behind; zero = unknown. The host fills in a wall_us of 0. */
struct ms_job_exit {
    int32_t code;    /* exit status, or a number of the handler's own */
    uint32_t signal; /* that ended the process */
    uint64_t wall_us, user_us, system_us, rss_kib;
};

/* What a plug-in exports: const, for ever valid. Begin it with MS_HANDLER_HEADER. */
struct ms_handler {
    uint32_t abi;         /* MS_HANDLER_ABI */
    uint32_t size;        /* sizeof (struct ms_handler) */
    const char *name;     /* 1 .. 63 of letters, digits, '.', '_', '-': what users submit */
    uint64_t type;        /* number on the wire, 1024 or more; 0 = hash of the name (the rule) */
    const char *about;    /* one line for people; may be NULL */
    uint64_t payload_max; /* larger payloads fail before run; 0 = no limit of its own */
    uint32_t timeout_ms;  /* of an attempt, when the submitter gave none; 0 = none */
    uint32_t flags;       /* enum ms_handler_flags */

    /* May be NULL. args: what the user wrote behind the file's name, "" if nothing. Sets *state,
     * which finish and run get back. 0 = ok; else the slave refuses to start. */
    int (*init)(const struct ms_host *host, const char *args, void **state);
    void (*finish)(void *state); /* may be NULL; called once if init (or its absence) was ok */

    /* Does the work; returns an enum ms_outcome. May block and take as long as it likes. */
    int (*run)(struct ms_job *job, void *state);
};

#define MS_HANDLER_HEADER MS_HANDLER_ABI, (uint32_t)sizeof(struct ms_handler)

/* What the host does for handlers; reached through the functions of ms_job.h. */
struct ms_host {
    uint32_t abi, size;
    const char *slave;  /* name of this slave */
    uint32_t slots;     /* jobs it runs at a time */
    uint32_t chunk_max; /* larger writes are cut into pieces of this size */
    int (*write)(struct ms_job *job, int stream, const void *data, size_t size);
    int (*progress)(struct ms_job *job, uint64_t done, uint64_t total, const char *text);
    int (*cancelled)(const struct ms_job *job);
    int (*cancel_fd)(struct ms_job *job);
    int (*wait)(struct ms_job *job, int64_t timeout_us);
    int64_t (*time_left_us)(const struct ms_job *job);
    void (*set_exit)(struct ms_job *job, const struct ms_job_exit *exit);
    void (*set_detail)(struct ms_job *job, const char *text, size_t size);
    void (*defer)(struct ms_job *job);
    int (*complete)(struct ms_job *job, int outcome);
    void (*retry_after)(struct ms_job *job, int64_t delay_us);
};

/* One attempt of one command. Made and owned by the host; read-only for handlers. */
struct ms_job {
    uint32_t abi, size;
    const struct ms_host *host;
    const void *payload; /* payload_size bytes, aligned to 16; stays until the job ends */
    size_t payload_size;
    uint64_t type;
    uint8_t client[16]; /* with seq: the command's id, the same in every attempt */
    uint64_t seq;
    uint64_t token_epoch,
        token_n;          /* fencing token: grows with each attempt, ordered by (epoch, n) */
    uint32_t attempt;     /* from 1 */
    uint32_t flags;       /* enum ms_job_flags */
    uint32_t array_index; /* its place among the commands that were submitted together, from 0; */
    uint32_t array_count; /* how many these are; 0 = it was submitted alone. Use ms_job_array_ */
};

/* Exactly one of these is exported; the second is ended by a NULL pointer. */
#if defined(__GNUC__)
#define MS_HANDLER_PUBLIC __attribute__((visibility("default")))
#else
#define MS_HANDLER_PUBLIC
#endif
extern MS_HANDLER_PUBLIC const struct ms_handler ms_handler_v1;
extern MS_HANDLER_PUBLIC const struct ms_handler *const ms_handlers_v1[];

#ifdef __cplusplus
}
#endif

#include "ms_job.h"

#endif
