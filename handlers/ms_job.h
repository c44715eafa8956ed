/* What a handler may do with its job. Included by ms_handler.h, whose rules hold here. */
#ifndef HANDLERS_MS_JOB_H
#define HANDLERS_MS_JOB_H

#include "ms_handler.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Appends to the result (or another stream). Bytes are copied; any number of calls, any size. May
 * block while the slave is slower than the handler. 0 = ok; -1 = the job was cancelled or its output
 * passed the limit: give up, the bytes may be lost. */
static inline int ms_job_write_to(struct ms_job *job, int stream, const void *data, size_t size)
{
    return job->host->write(job, stream, data, size);
}

static inline int ms_job_write(struct ms_job *job, const void *data, size_t size)
{
    return job->host->write(job, MS_JOB_DATA, data, size);
}

/* A line for people, without the newline. */
static inline int ms_job_log(struct ms_job *job, const char *line)
{
    return job->host->write(job, MS_JOB_LOG, line, strlen(line));
}

/* How far it is: done of total (0 = unknown) and a few words (may be NULL). Call it as often as you
 * like: the host passes only some of them on, and none when nobody watches. */
static inline int ms_job_progress(struct ms_job *job, uint64_t done, uint64_t total,
                                  const char *text)
{
    return job->host->progress(job, done, total, text);
}

/* Nonzero once somebody asked to stop: cancelled, timed out, slave going down. Cheap. */
static inline int ms_job_cancelled(const struct ms_job *job)
{
    return job->host->cancelled(job);
}

/* A descriptor that becomes readable when the job is cancelled, for poll; the host's own, do not
 * read or close it; valid until the job ends. -1 = out of descriptors. */
static inline int ms_job_cancel_fd(struct ms_job *job)
{
    return job->host->cancel_fd(job);
}

/* Sleeps that long (negative = for ever), or shorter when cancelled. Returns ms_job_cancelled. */
static inline int ms_job_wait(struct ms_job *job, int64_t timeout_us)
{
    return job->host->wait(job, timeout_us);
}

/* Microseconds until the attempt times out, never below 0; INT64_MAX = no limit. */
static inline int64_t ms_job_time_left_us(const struct ms_job *job)
{
    return job->host->time_left_us(job);
}

static inline void ms_job_set_exit(struct ms_job *job, const struct ms_job_exit *exit)
{
    job->host->set_exit(job, exit);
}

/* Why it failed, in UTF-8, cut at 512 bytes; copied; the last call counts. */
static inline void ms_job_set_detail(struct ms_job *job, const char *text)
{
    job->host->set_detail(job, text, strlen(text));
}

/* Returns MS_RETRY for run to return: the next attempt, if there is one, begins after that long at the
 * soonest. A host older than this handler uses a delay of its own. */
static inline int ms_job_retry_after(struct ms_job *job, int64_t delay_us)
{
    if (job->host->size > offsetof(struct ms_host, retry_after)) {
        job->host->retry_after(job, delay_us);
    }
    return MS_RETRY;
}

/* Place of the command in the array it was submitted with, and how large that is: 0 of 0 for one that was
 * submitted alone, and with a host older than this handler. */
static inline uint32_t ms_job_array_index(const struct ms_job *job)
{
    return job->size > offsetof(struct ms_job, array_count) ? job->array_index : 0;
}

static inline uint32_t ms_job_array_count(const struct ms_job *job)
{
    return job->size > offsetof(struct ms_job, array_count) ? job->array_count : 0;
}

/* Call it in run, before any other thread can see the job; then return MS_DEFERRED, which frees the
 * thread. From here on the job ends by ms_job_complete alone; what run returns is ignored. */
static inline void ms_job_defer(struct ms_job *job)
{
    job->host->defer(job);
}

/* Ends a deferred job, exactly once, from any thread, even before run has returned. 0 = ok; -1 = it
 * was not deferred, or outcome is none of the first four (the job is as before). */
static inline int ms_job_complete(struct ms_job *job, int outcome)
{
    return job->host->complete(job, outcome);
}

#ifdef __cplusplus
}
#endif

#endif
