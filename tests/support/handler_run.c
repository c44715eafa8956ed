#include "tests/support/handler_run.h"

#include <stdlib.h>

#include "core/invariant.h"

static struct handler_run *run_of(struct ms_task *task)
{
    return (struct handler_run *)(void *)task;
}

static void keep(struct handler_run *run, enum ms_stream stream, struct ms_bytes bytes)
{
    const size_t room = HANDLER_RUN_OUTPUT_MAX - run->sizes[stream];
    const size_t fits = bytes.size < room ? bytes.size : room;

    if (fits > 0) {
        memcpy(run->output[stream] + run->sizes[stream], bytes.data, fits);
    }
    run->sizes[stream] += bytes.size;
}

static bool piece(struct ms_task *task, enum ms_stream stream, struct ms_bytes bytes)
{
    run_of(task)->pieces++;
    keep(run_of(task), stream, bytes);
    return true;
}

static void finished(struct ms_task *task)
{
    run_of(task)->is_over = true;
}

static void throttle(struct ms_task *task)
{
    (void)task;
}

struct handler_run *handler_run_create(const struct ms_handler *handler, const char *args)
{
    static const struct ms_task_ops ops = {piece, finished, throttle};
    struct ms_complaint complaint;
    struct handler_run *run = calloc(1, sizeof *run);

    ms_assert(run != NULL);
    ms_task_host(&run->host, "test", 1);
    run->plugins = ms_plugins_create();
    ms_assert(run->plugins != NULL);
    ms_assert(ms_plugins_add(run->plugins, handler, "test", args, &complaint));
    ms_assert(ms_plugins_start(run->plugins, &run->host, &complaint));
    ms_assert(ms_task_init(&run->task, &ops, &run->host));
    return run;
}

void handler_run_destroy(struct handler_run *run)
{
    ms_task_finish(&run->task);
    ms_plugins_destroy(run->plugins);
    free(run);
}

void handler_run_job(struct handler_run *run, const struct ms_command *command)
{
    ms_task_reset(&run->task);
    memset(run->sizes, 0, sizeof run->sizes);
    run->pieces = 0;
    run->is_over = false;
    ms_assert(ms_task_assign(&run->task, command, ms_plugins_at(run->plugins, 0)));
    run->is_over = ms_task_run(&run->task) || run->is_over;
    if (run->is_over) {
        ms_task_result(&run->task, &run->result);
        keep(run, MS_STREAM_DATA, run->result.payload);
    }
}

void handler_run_text(struct handler_run *run, const char *payload)
{
    handler_run_job(run, &(struct ms_command){
                             .kind = MS_KIND_COMMAND,
                             .token = {1, 1},
                             .attempt = 1,
                             .payload = ms_bytes_of(payload),
                         });
}
