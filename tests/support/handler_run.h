/* Runs one handler on one payload in the test's own thread and keeps what came out. */
#ifndef TESTS_SUPPORT_HANDLER_RUN_H
#define TESTS_SUPPORT_HANDLER_RUN_H

#include "core/io/task.h"

#define HANDLER_RUN_OUTPUT_MAX (1u << 20)

struct handler_run {
    struct ms_task task; /* first */
    struct ms_host host;
    struct ms_plugins *plugins;
    struct ms_command result;      /* detail and payload point into the task */
    bool is_over;                  /* of a deferred job */
    size_t sizes[MS_STREAM_COUNT]; /* output of each stream, the result's rest included */
    size_t pieces;
    char output[MS_STREAM_COUNT][HANDLER_RUN_OUTPUT_MAX];
};

/* Loads and starts the handler; aborts the test when that fails. Large: do not put it on the stack. */
struct handler_run *handler_run_create(const struct ms_handler *handler, const char *args);
void handler_run_destroy(struct handler_run *run);

/* One job from beginning to end; run->result and the outputs are of this job alone. */
void handler_run_job(struct handler_run *run, const struct ms_command *command);

/* Shorthand: payload is text, no flags, first attempt. */
void handler_run_text(struct handler_run *run, const char *payload);

#endif
