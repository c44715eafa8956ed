#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "client/cmd_map.h"
#include "core/invariant.h"
#include "core/io/clock.h"
#include "handlers/exec.pb-c.h"

#define KEPT_CAPACITY (64u << 10) /* buffers of a job kept for the next one */

/* ---- jobs ---- */

static struct ms_mapper_job *take_job(struct ms_mapper *mapper)
{
    struct ms_list *link = ms_list_pop_front(&mapper->unused);

    if (link != NULL) {
        return ms_container_of(link, struct ms_mapper_job, link);
    }
    struct ms_mapper_job *job = calloc(1, sizeof *job);

    if (job != NULL) {
        job->mapper = mapper;
        ms_list_init(&job->link);
    }
    return job;
}

static void clear(struct ms_cli_bytes *bytes)
{
    if (bytes->capacity > KEPT_CAPACITY) {
        ms_cli_bytes_free(bytes);
    }
    bytes->size = 0;
}

static void give_job(struct ms_mapper *mapper, struct ms_mapper_job *job)
{
    const struct ms_mapper_job empty = {
        .mapper = mapper, .argument = job->argument, .out = job->out, .err = job->err};

    ms_assert(mapper->held >= job->out.size + job->err.size);
    mapper->held -= job->out.size + job->err.size;
    ms_list_remove(&job->link);
    *job = empty;
    ms_list_init(&job->link);
    clear(&job->argument);
    clear(&job->out);
    clear(&job->err);
    ms_list_push_back(&mapper->unused, &job->link);
}

static void free_list(struct ms_list *list)
{
    for (struct ms_list *link; (link = ms_list_pop_front(list)) != NULL;) {
        struct ms_mapper_job *job = ms_container_of(link, struct ms_mapper_job, link);

        ms_cli_bytes_free(&job->argument);
        ms_cli_bytes_free(&job->out);
        ms_cli_bytes_free(&job->err);
        free(job);
    }
}

void ms_mapper_free_jobs(struct ms_mapper *mapper)
{
    for (uint64_t i = mapper->order_printed; mapper->ring != NULL && i < mapper->order_next; i++) {
        struct ms_mapper_job *job = mapper->ring[i & mapper->ring_mask];

        if (job->is_done) {
            ms_list_push_back(&mapper->unused, &job->link);
        }
    }
    free_list(&mapper->running);
    free_list(&mapper->unused);
}

/* ---- ending ---- */

void ms_mapper_end(struct ms_mapper *mapper)
{
    mapper->is_ended = true;
    ms_client_break(mapper->client);
}

void ms_mapper_end_if_done(struct ms_mapper *mapper)
{
    if (mapper->running_count == 0 && mapper->pending == NULL &&
        (mapper->is_input_over || mapper->is_stopping)) {
        ms_mapper_end(mapper);
    }
}

void ms_mapper_stop(struct ms_mapper *mapper)
{
    mapper->is_stopping = true;
    ev_io_stop(mapper->loop, &mapper->input);
    if (mapper->pending != NULL) {
        ms_list_remove(&mapper->pending->link);
        ms_list_push_back(&mapper->unused, &mapper->pending->link);
        mapper->pending = NULL;
    }
}

void ms_mapper_cancel(struct ms_mapper *mapper)
{
    if (mapper->is_cancelling) {
        return;
    }
    mapper->is_cancelling = true;
    ms_mapper_stop(mapper);
    ms_list_for_each(link, &mapper->running)
    {
        const struct ms_mapper_job *job = ms_container_of(link, struct ms_mapper_job, link);

        ms_client_cancel(mapper->client, job->client_seq);
    }
}

void ms_mapper_fail(struct ms_mapper *mapper)
{
    mapper->is_fatal = true;
    ms_mapper_cancel(mapper);
    ms_mapper_end_if_done(mapper);
}

/* ---- what comes back ---- */

static void output_cb(struct ms_client *client, const struct ms_client_output *output,
                      void *context)
{
    struct ms_mapper_job *job = context;
    struct ms_mapper *mapper = job->mapper;
    struct ms_cli_bytes *bytes = output->stream == MS_CLIENT_STDERR ? &job->err : &job->out;

    (void)client;
    if (output->stream == MS_CLIENT_RESET) {
        mapper->held -= job->out.size + job->err.size;
        job->out.size = 0;
        job->err.size = 0;
        return;
    }
    if (output->stream != MS_CLIENT_DATA && output->stream != MS_CLIENT_STDERR) {
        return;
    }
    if (!ms_cli_bytes_add(bytes, output->data, output->data_size)) {
        ms_mapper_say(mapper, "out of memory");
        ms_mapper_fail(mapper);
        return;
    }
    mapper->held += output->data_size;
}

static bool has_failed(const struct ms_mapper_job *job)
{
    return job->error != MS_CLIENT_OK || job->status != MS_CLIENT_STATUS_OK;
}

static void take_result(struct ms_mapper_job *job, const struct ms_client_result *result)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    job->error = result->error;
    job->status = result->status;
    job->exitval = result->code;
    job->signal = result->signal;
    job->attempt = result->attempt;
    job->wall_us = result->wall_us;
    job->user_us = result->user_us;
    job->system_us = result->system_us;
    job->rss_kib = result->rss_kib;
    job->start_ms =
        (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 - (int64_t)(result->wall_us / 1000);
    snprintf(job->detail, sizeof job->detail, "%s", result->detail);
    /* -1: no exit status of its own says what became of it. A program that was not started has the
     * shell's number for that; other numbers without any usage are the master's. */
    const bool is_own = result->has_usage || result->code == MS_MAPPER_NOT_FOUND ||
                        result->code == MS_MAPPER_NOT_RUNNABLE;

    if (has_failed(job) &&
        (job->error != MS_CLIENT_OK || !is_own ||
         (job->status != MS_CLIENT_STATUS_RETRY && job->status != MS_CLIENT_STATUS_FAIL) ||
         (job->exitval == 0 && job->signal == 0))) {
        job->exitval = -1;
    }
}

static void explain_no_slave(struct ms_mapper *mapper)
{
    ms_mapper_say(mapper,
                  "no slave runs programs; start one that may: muster-slave --allow-exec %s",
                  mapper->settings->common.master);
}

static void halt_if_due(struct ms_mapper *mapper)
{
    const uint64_t counts[] = {[MS_HALT_FAIL] = mapper->progress.failed,
                               [MS_HALT_SUCCESS] = mapper->succeeded,
                               [MS_HALT_DONE] = mapper->progress.done};

    if (mapper->halt.when == MS_HALT_NEVER || mapper->is_stopping ||
        counts[mapper->halt.why] < mapper->halt.count) {
        return;
    }
    if (mapper->halt.when == MS_HALT_NOW) {
        ms_mapper_cancel(mapper);
    } else {
        ms_mapper_stop(mapper);
    }
}

static void count(struct ms_mapper *mapper, const struct ms_mapper_job *job)
{
    mapper->progress.done++;
    mapper->progress.retries += job->attempt > 1 ? job->attempt - 1 : 0;
    if (has_failed(job)) {
        mapper->progress.failed++;
    } else {
        mapper->succeeded++;
    }
    mapper->progress.elapsed = ms_clock_now() - mapper->begun;
}

/* With -k what is done waits for its turn; the oldest unfinished one holds all behind it. */
static void print_in_order(struct ms_mapper *mapper)
{
    while (mapper->order_printed < mapper->order_next) {
        struct ms_mapper_job *job = mapper->ring[mapper->order_printed & mapper->ring_mask];

        if (!job->is_done) {
            return;
        }
        if (!job->is_lost) {
            ms_mapper_print(mapper, job);
        }
        mapper->order_printed++;
        give_job(mapper, job);
    }
}

static void done_cb(struct ms_client *client, const struct ms_client_result *result, void *context)
{
    struct ms_mapper_job *job = context;
    struct ms_mapper *mapper = job->mapper;

    (void)client;
    mapper->running_count--;
    ms_list_remove(&job->link);
    if (result->payload_size > 0) {
        output_cb(client,
                  &(struct ms_client_output){.stream = MS_CLIENT_DATA,
                                             .data = result->payload,
                                             .data_size = result->payload_size},
                  job);
    }
    take_result(job, result);
    job->is_done = true;
    job->is_lost = mapper->is_cancelling &&
                   (result->error != MS_CLIENT_OK || result->status == MS_CLIENT_STATUS_CANCELLED);
    if (result->error == MS_CLIENT_UNKNOWN_TYPE && !job->is_lost) {
        job->is_lost = true;
        explain_no_slave(mapper);
        ms_mapper_fail(mapper);
    }
    if (!job->is_lost) {
        count(mapper, job);
        ms_mapper_record(mapper, job);
        halt_if_due(mapper);
    }
    if (mapper->ring != NULL) {
        print_in_order(mapper);
    } else {
        if (!job->is_lost) {
            ms_mapper_print(mapper, job);
        }
        give_job(mapper, job);
    }
    ms_mapper_fill(mapper);
}

/* ---- what goes out ---- */

static bool pack(struct ms_mapper *mapper, const struct ms_mapper_job *job)
{
    Muster__Handlers__ExecRequest request;
    struct ms_expansion *expansion = &mapper->expansion;

    if (!ms_template_expand(mapper->template, (const char *)job->argument.data, job->seq,
                            expansion)) {
        return false;
    }
    muster__handlers__exec_request__init(&request);
    request.directory = mapper->directory;
    if (expansion->shell != NULL) {
        request.shell = (char *)expansion->text.data;
    } else {
        request.argv = expansion->argv;
        request.n_argv = expansion->argc;
    }
    const size_t size = muster__handlers__exec_request__get_packed_size(&request);

    if (size > mapper->request.capacity) {
        uint8_t *grown = realloc(mapper->request.data, 2 * size);

        if (grown == NULL) {
            return false;
        }
        mapper->request.data = grown;
        mapper->request.capacity = 2 * size;
    }
    mapper->request.size = muster__handlers__exec_request__pack(&request, mapper->request.data);
    return true;
}

/* False: it has to wait, or nothing works any more. */
static bool start(struct ms_mapper *mapper, struct ms_mapper_job *job)
{
    const struct ms_mapper_settings *settings = mapper->settings;

    if (!pack(mapper, job)) {
        ms_mapper_say(mapper, "out of memory");
        give_job(mapper, job);
        ms_mapper_fail(mapper);
        return false;
    }
    const struct ms_client_submission submission = {
        .size = sizeof submission,
        .type = "exec",
        .payload = mapper->request.data,
        .payload_size = mapper->request.size,
        .attempts = (uint32_t)settings->retries,
        .timeout_ms = (uint64_t)((settings->timeout + MS_MSEC - 1) / MS_MSEC),
        .on_output = output_cb,
        .context = job,
    };
    const int error = ms_client_submit(mapper->client, &submission, done_cb, job, &job->client_seq);

    if (error == MS_CLIENT_BUSY) {
        mapper->pending = job;
        return false;
    }
    if (error != MS_CLIENT_OK) {
        ms_mapper_say(mapper, "%" PRIu64 ": %s", job->seq, ms_client_strerror(error));
        give_job(mapper, job);
        ms_mapper_fail(mapper);
        return false;
    }
    job->sent = submission.payload_size;
    job->order = mapper->order_next++;
    if (mapper->ring != NULL) {
        mapper->ring[job->order & mapper->ring_mask] = job;
    }
    ms_list_push_back(&mapper->running, &job->link);
    mapper->running_count++;
    return true;
}

static struct ms_mapper_job *next_job(struct ms_mapper *mapper)
{
    const char *argument;
    uint64_t seq;

    switch (ms_source_next(&mapper->source, mapper->cli, &argument, &seq)) {
    case MS_SOURCE_WAIT:
        ev_io_start(mapper->loop, &mapper->input);
        return NULL;
    case MS_SOURCE_END:
        mapper->is_input_over = true;
        return NULL;
    case MS_SOURCE_ERROR:
        ms_mapper_fail(mapper);
        return NULL;
    default:
        break;
    }
    struct ms_mapper_job *job = take_job(mapper);

    if (job == NULL || !ms_cli_bytes_add(&job->argument, argument, strlen(argument) + 1)) {
        ms_mapper_say(mapper, "out of memory");
        if (job != NULL) {
            give_job(mapper, job);
        }
        ms_mapper_fail(mapper);
        return NULL;
    }
    job->seq = seq;
    return job;
}

static bool may_start(const struct ms_mapper *mapper)
{
    return !mapper->is_stopping && (!mapper->is_input_over || mapper->pending != NULL) &&
           mapper->running_count < mapper->limit && mapper->held < MS_MAPPER_HELD_MAX &&
           (mapper->ring == NULL ||
            mapper->order_next - mapper->order_printed <= mapper->ring_mask);
}

void ms_mapper_fill(struct ms_mapper *mapper)
{
    while (may_start(mapper)) {
        struct ms_mapper_job *job = mapper->pending;

        mapper->pending = NULL;
        if (job == NULL) {
            job = next_job(mapper);
        }
        if (job == NULL || !start(mapper, job)) {
            break;
        }
    }
    ms_mapper_end_if_done(mapper);
}
