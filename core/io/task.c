#include "core/io/task.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "core/invariant.h"
#include "core/io/clock.h"

#define BUFFER_KEPT_MAX   ((size_t)(16u << 10)) /* larger ones are given back after the job */
#define PROGRESS_INTERVAL (500 * MS_MSEC)       /* of what is passed on */
#define PROGRESS_TEXT_MAX 256
#define BLIND_WAIT        (20 * MS_MSEC) /* between looks at the flag when there is no descriptor */

static_assert((int)MS_OK == (int)MS_STATUS_OK && (int)MS_RETRY == (int)MS_STATUS_RETRY &&
                  (int)MS_FAIL == (int)MS_STATUS_FAIL &&
                  (int)MS_CANCELLED == (int)MS_STATUS_CANCELLED,
              "outcomes of the ABI are statuses");
static_assert((int)MS_JOB_DATA == (int)MS_STREAM_DATA &&
                  (int)MS_JOB_STDERR == (int)MS_STREAM_STDERR &&
                  (int)MS_JOB_LOG == (int)MS_STREAM_LOG,
              "streams of the ABI are streams");
static_assert((int)MS_JOB_STREAMED == (int)MS_FLAG_STREAM, "flags of the ABI are flags");
static_assert(offsetof(struct ms_task, job) == 0, "a job is its task");

static struct ms_task *task_of(struct ms_job *job)
{
    return (struct ms_task *)(void *)job;
}

static const struct ms_task *const_task_of(const struct ms_job *job)
{
    return (const struct ms_task *)(const void *)job;
}

/* Makes room for size bytes; what was in the buffer stays. */
static bool reserve(uint8_t **buffer, size_t *capacity, size_t size)
{
    size_t wanted = *capacity > 0 ? *capacity : 256;

    if (size <= *capacity) {
        return true;
    }
    while (wanted < size) {
        wanted *= 2;
    }
    uint8_t *grown = realloc(*buffer, wanted);

    if (grown == NULL) {
        return false;
    }
    *buffer = grown;
    *capacity = wanted;
    return true;
}

static void pass_on(struct ms_task *task, enum ms_stream stream, const uint8_t *data, size_t size)
{
    while (size > 0) {
        const size_t part = size < MS_CHUNK_MAX ? size : MS_CHUNK_MAX;

        if (!task->ops->piece(task, stream, (struct ms_bytes){data, part})) {
            task->is_broken = true;
        }
        data += part;
        size -= part;
    }
}

/* Data is gathered, so that a small result travels with the end of its job; only what fills a
 * whole piece goes ahead. */
static void gather(struct ms_task *task, const uint8_t *data, size_t size)
{
    while (size > 0) {
        const size_t room = MS_CHUNK_MAX - task->output_size;
        const size_t part = size < room ? size : room;

        if (!reserve(&task->output, &task->output_capacity, task->output_size + part)) {
            task->is_broken = true;
            return;
        }
        memcpy(task->output + task->output_size, data, part);
        task->output_size += part;
        data += part;
        size -= part;
        if (task->output_size == MS_CHUNK_MAX) {
            pass_on(task, MS_STREAM_DATA, task->output, task->output_size);
            task->output_size = 0;
        }
    }
}

/* True when what is written leaves as it comes. */
static bool is_watched(struct ms_task *task)
{
    return (task->job.flags & MS_JOB_STREAMED) != 0 ||
           atomic_load_explicit(&task->is_followed, memory_order_relaxed);
}

static int host_write(struct ms_job *job, int stream, const void *data, size_t size)
{
    struct ms_task *task = task_of(job);

    if (stream < MS_JOB_DATA || stream > MS_JOB_LOG) {
        return -1;
    }
    if (size >= MS_CHUNK_MAX || stream != MS_JOB_DATA || is_watched(task)) {
        task->ops->throttle(task);
    }
    pthread_mutex_lock(&task->lock);
    if (stream == MS_JOB_DATA && !is_watched(task)) {
        gather(task, data, size);
    } else {
        pass_on(task, (enum ms_stream)stream, data, size);
    }
    const bool is_broken = task->is_broken;

    pthread_mutex_unlock(&task->lock);
    return is_broken || atomic_load_explicit(&task->is_cancelled, memory_order_relaxed) ? -1 : 0;
}

static int host_progress(struct ms_job *job, uint64_t done, uint64_t total, const char *words)
{
    struct ms_task *task = task_of(job);
    const bool is_full = total != 0 && done >= total;

    if (is_watched(task)) {
        char line[PROGRESS_TEXT_MAX];
        struct ms_text text;
        const ms_time now = ms_clock_now();

        ms_text_init(&text, line, sizeof line);
        ms_text_add(&text, "%llu %llu %s", (unsigned long long)done, (unsigned long long)total,
                    words != NULL ? words : "");
        const size_t size = text.length < sizeof line ? text.length : sizeof line - 1;

        pthread_mutex_lock(&task->lock);
        if (now >= task->progress_at || (is_full && !task->is_progress_full)) {
            task->progress_at = now + PROGRESS_INTERVAL;
            task->is_progress_full = is_full;
            pass_on(task, MS_STREAM_PROGRESS, (const uint8_t *)line, size);
        }
        pthread_mutex_unlock(&task->lock);
    }
    return atomic_load_explicit(&task->is_cancelled, memory_order_relaxed) ? -1 : 0;
}

static int host_cancelled(const struct ms_job *job)
{
    return atomic_load_explicit(&const_task_of(job)->is_cancelled, memory_order_acquire);
}

/* Makes the descriptor readable; lock held. */
static void raise_descriptor(const struct ms_task *task)
{
    const uint64_t one = 1;

    if (task->cancel_fd >= 0 && write(task->cancel_fd, &one, sizeof one) < 0) {
        ms_assert(errno == EAGAIN); /* the counter is full: it is readable anyway */
    }
}

static int host_cancel_fd(struct ms_job *job)
{
    struct ms_task *task = task_of(job);

    pthread_mutex_lock(&task->lock);
    if (task->cancel_fd < 0) {
        task->cancel_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        if (atomic_load_explicit(&task->is_cancelled, memory_order_relaxed)) {
            raise_descriptor(task);
        }
    }
    const int fd = task->cancel_fd;

    pthread_mutex_unlock(&task->lock);
    return fd;
}

static int host_wait(struct ms_job *job, int64_t timeout_us)
{
    const ms_time start = ms_clock_now();
    const ms_time end =
        timeout_us < 0 || timeout_us > MS_TIME_NEVER - start ? MS_TIME_NEVER : start + timeout_us;
    struct pollfd descriptor = {.fd = host_cancel_fd(job), .events = POLLIN};

    while (!host_cancelled(job)) {
        const ms_time now = ms_clock_now();
        ms_time left = end - now;

        if (now >= end) {
            return 0;
        }
        if (descriptor.fd < 0 && left > BLIND_WAIT) {
            left = BLIND_WAIT;
        }
        const struct timespec pause = {(time_t)(left / MS_SEC), (long)(left % MS_SEC) * 1000};

        ppoll(&descriptor, descriptor.fd >= 0 ? 1 : 0,
              end == MS_TIME_NEVER && descriptor.fd >= 0 ? NULL : &pause, NULL);
    }
    return 1;
}

static int64_t host_time_left_us(const struct ms_job *job)
{
    const ms_time until = const_task_of(job)->until;

    if (until == MS_TIME_NEVER) {
        return INT64_MAX;
    }
    const ms_time left = until - ms_clock_now();

    return left > 0 ? left : 0;
}

static void host_retry_after(struct ms_job *job, int64_t delay_us)
{
    struct ms_task *task = task_of(job);
    const ms_time delay = delay_us < 0 ? 0 : delay_us;

    pthread_mutex_lock(&task->lock);
    task->retry_delay = delay < MS_DELAY_MAX ? delay : MS_DELAY_MAX;
    pthread_mutex_unlock(&task->lock);
}

static void host_set_exit(struct ms_job *job, const struct ms_job_exit *job_exit)
{
    struct ms_task *task = task_of(job);

    pthread_mutex_lock(&task->lock);
    task->exit = *job_exit;
    pthread_mutex_unlock(&task->lock);
}

/* lock held, or nobody else about. */
static void set_detail(struct ms_task *task, const char *words, size_t size)
{
    task->detail_size = size < sizeof task->detail ? size : sizeof task->detail;
    if (task->detail_size < size) {
        /* Cut in front of a character, not inside one. */
        while (task->detail_size > 0 && ((unsigned char)words[task->detail_size] & 0xc0) == 0x80) {
            task->detail_size--;
        }
    }
    memcpy(task->detail, words, task->detail_size);
}

static void host_set_detail(struct ms_job *job, const char *words, size_t size)
{
    struct ms_task *task = task_of(job);

    pthread_mutex_lock(&task->lock);
    set_detail(task, words, size);
    pthread_mutex_unlock(&task->lock);
}

static void host_defer(struct ms_job *job)
{
    struct ms_task *task = task_of(job);

    pthread_mutex_lock(&task->lock);
    task->is_deferred = true;
    pthread_mutex_unlock(&task->lock);
}

static int host_complete(struct ms_job *job, int outcome)
{
    struct ms_task *task = task_of(job);

    if (outcome < MS_OK || outcome > MS_CANCELLED) {
        return -1;
    }
    pthread_mutex_lock(&task->lock);
    if (!task->is_deferred || task->is_completed) {
        pthread_mutex_unlock(&task->lock);
        return -1;
    }
    task->is_completed = true;
    task->outcome = outcome;
    const bool has_returned = task->has_returned;

    pthread_mutex_unlock(&task->lock);
    /* If run has not returned, its thread sees the completion and ends the task instead. */
    if (has_returned) {
        task->ops->finished(task);
    }
    return 0;
}

void ms_task_host(struct ms_host *host_out, const char *slave, uint32_t slots)
{
    *host_out = (struct ms_host){
        .abi = MS_HANDLER_ABI,
        .size = sizeof *host_out,
        .slave = slave,
        .slots = slots,
        .chunk_max = MS_CHUNK_MAX,
        .write = host_write,
        .progress = host_progress,
        .cancelled = host_cancelled,
        .cancel_fd = host_cancel_fd,
        .wait = host_wait,
        .time_left_us = host_time_left_us,
        .set_exit = host_set_exit,
        .set_detail = host_set_detail,
        .defer = host_defer,
        .complete = host_complete,
        .retry_after = host_retry_after,
    };
}

bool ms_task_init(struct ms_task *task, const struct ms_task_ops *ops, const struct ms_host *host)
{
    *task = (struct ms_task){
        .job = {.abi = MS_HANDLER_ABI, .size = sizeof task->job, .host = host},
        .ops = ops,
        .cancel_fd = -1,
    };
    return pthread_mutex_init(&task->lock, NULL) == 0;
}

void ms_task_finish(struct ms_task *task)
{
    if (task->cancel_fd >= 0) {
        close(task->cancel_fd);
    }
    free(task->input);
    free(task->output);
    pthread_mutex_destroy(&task->lock);
}

bool ms_task_assign(struct ms_task *task, const struct ms_command *command,
                    const struct ms_plugin *plugin)
{
    const size_t size = command->payload.size;

    if (!reserve(&task->input, &task->input_capacity, size > 0 ? size : 1)) {
        return false;
    }
    if (size > 0) {
        memcpy(task->input, command->payload.data, size);
    }
    struct ms_job *job = &task->job;

    job->payload = task->input;
    job->payload_size = size;
    job->type = command->type;
    memcpy(job->client, command->id.client.bytes, sizeof job->client);
    job->seq = command->id.seq;
    job->token_epoch = command->token.epoch;
    job->token_n = command->token.n;
    job->attempt = command->attempt;
    job->flags = command->flags & MS_FLAG_STREAM;
    job->array_index = command->index;
    job->array_count = (uint32_t)command->count;
    task->retry_delay = 0;
    task->plugin = plugin;
    task->token = command->token;
    task->until = MS_TIME_NEVER;
    if (command->timeout > 0) {
        const ms_time now = ms_clock_now();

        task->until =
            command->timeout < MS_TIME_NEVER - now ? now + command->timeout : MS_TIME_NEVER;
    }
    return true;
}

static void refuse_outcome(struct ms_task *task, int outcome)
{
    char line[128];
    struct ms_text text;

    ms_text_init(&text, line, sizeof line);
    if (outcome == MS_DEFERRED) {
        ms_text_add(&text, "handler returned MS_DEFERRED without ms_job_defer");
    } else {
        ms_text_add(&text, "handler returned %d, which is no outcome", outcome);
    }
    set_detail(task, line, text.length);
    task->outcome = MS_FAIL;
}

bool ms_task_run(struct ms_task *task)
{
    const struct ms_handler *handler = task->plugin->handler;

    if (host_cancelled(&task->job)) {
        task->outcome = MS_CANCELLED;
        return true;
    }
    const int outcome = handler->run(&task->job, task->plugin->state);

    /* Only run may defer, so this thread needs no lock to see that nobody did. */
    if (!task->is_deferred) {
        pthread_mutex_lock(&task->lock);
        task->is_over = true;
        pthread_mutex_unlock(&task->lock);
        task->outcome = outcome;
        if (outcome < MS_OK || outcome > MS_CANCELLED) {
            refuse_outcome(task, outcome);
        }
        return true;
    }
    pthread_mutex_lock(&task->lock);
    const bool is_over = task->is_completed;

    task->has_returned = true;
    pthread_mutex_unlock(&task->lock);
    return is_over;
}

void ms_task_follow(struct ms_task *task)
{
    pthread_mutex_lock(&task->lock);
    atomic_store_explicit(&task->is_followed, true, memory_order_relaxed);
    /* Behind its end no piece may come: what was gathered goes with the result then. */
    if (!task->is_over && !task->is_completed && task->output_size > 0) {
        pass_on(task, MS_STREAM_DATA, task->output, task->output_size);
        task->output_size = 0;
    }
    pthread_mutex_unlock(&task->lock);
}

void ms_task_cancel(struct ms_task *task)
{
    pthread_mutex_lock(&task->lock);
    if (!atomic_exchange_explicit(&task->is_cancelled, true, memory_order_acq_rel)) {
        raise_descriptor(task);
    }
    pthread_mutex_unlock(&task->lock);
}

void ms_task_result(struct ms_task *task, struct ms_command *result_out)
{
    static const char lost[] = "output was lost: out of memory";

    task->usage = (struct ms_usage){
        .wall_us = task->exit.wall_us,
        .user_us = task->exit.user_us,
        .system_us = task->exit.system_us,
        .rss_kib = task->exit.rss_kib,
    };
    *result_out = (struct ms_command){
        .kind = MS_KIND_RESULT,
        .status = (uint8_t)task->outcome,
        .token = task->token,
        .code = task->exit.code,
        .signal = task->exit.signal,
        .delay = task->outcome == MS_RETRY ? task->retry_delay : 0,
        .usage = &task->usage,
        .detail = {(const uint8_t *)task->detail, task->detail_size},
        .payload = {task->output, task->output_size},
    };
    if (task->is_broken) {
        result_out->status = MS_STATUS_RETRY;
        result_out->detail = ms_bytes_of(lost);
        result_out->payload = (struct ms_bytes){NULL, 0};
    }
}

static void shrink(uint8_t **buffer, size_t *capacity)
{
    if (*capacity > BUFFER_KEPT_MAX) {
        free(*buffer);
        *buffer = NULL;
        *capacity = 0;
    }
}

void ms_task_reset(struct ms_task *task)
{
    uint64_t counter;

    if (atomic_load_explicit(&task->is_cancelled, memory_order_relaxed)) {
        if (task->cancel_fd >= 0 && read(task->cancel_fd, &counter, sizeof counter) < 0) {
            ms_assert(errno == EAGAIN);
        }
        atomic_store_explicit(&task->is_cancelled, false, memory_order_relaxed);
    }
    shrink(&task->input, &task->input_capacity);
    shrink(&task->output, &task->output_capacity);
    task->output_size = 0;
    atomic_store_explicit(&task->is_followed, false, memory_order_relaxed);
    task->is_over = false;
    task->is_deferred = false;
    task->is_completed = false;
    task->has_returned = false;
    task->is_broken = false;
    task->progress_at = 0;
    task->is_progress_full = false;
    task->exit = (struct ms_job_exit){0};
    task->detail_size = 0;
    task->plugin = NULL;
}
