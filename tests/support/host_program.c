#include "tests/support/host_program.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/invariant.h"
#include "core/io/host.h"
#include "core/io/process.h"

#define FLAG "--host-program"

char *const host_program_argv[] = {"test", FLAG, "serve", NULL};
char *const host_program_bad_init_argv[] = {"test", FLAG, "bad-init", NULL};
char *const host_program_print_argv[] = {"test", FLAG, "print", NULL};

static int run_echo(struct ms_job *job, void *state)
{
    (void)state;
    return ms_job_write(job, job->payload, job->payload_size) == 0 ? MS_OK : MS_RETRY;
}

static int run_crash(struct ms_job *job, void *state)
{
    (void)state;
    fprintf(stderr, "%.*s\n", (int)job->payload_size, (const char *)job->payload);
    fflush(stderr);
    abort();
}

static int run_exit(struct ms_job *job, void *state)
{
    (void)job;
    (void)state;
    _exit(3);
}

static int run_deaf(struct ms_job *job, void *state)
{
    (void)state;
    ms_job_write_to(job, MS_JOB_STDERR, "!", 1);
    while (pause() < 0) { /* which is always */
    }
    return MS_OK;
}

static int run_polite(struct ms_job *job, void *state)
{
    (void)state;
    ms_job_write_to(job, MS_JOB_STDERR, "!", 1);
    return ms_job_wait(job, -1) ? MS_CANCELLED : MS_FAIL;
}

static void *complete(void *argument)
{
    struct ms_job *job = argument;

    ms_job_write(job, job->payload, job->payload_size);
    ms_job_complete(job, MS_OK);
    return NULL;
}

static int run_deferred(struct ms_job *job, void *state)
{
    pthread_t thread;

    (void)state;
    ms_job_defer(job);
    if (pthread_create(&thread, NULL, complete, job) != 0) {
        abort();
    }
    pthread_detach(thread);
    return MS_DEFERRED;
}

static int run_flood(struct ms_job *job, void *state)
{
    static char bytes[4096];

    (void)state;
    for (size_t size = 0; size < HOST_PROGRAM_FLOOD_SIZE; size += sizeof bytes) {
        if (ms_job_write(job, bytes, sizeof bytes) != 0) {
            return MS_RETRY;
        }
    }
    return MS_OK;
}

static int run_wild(struct ms_job *job, void *state)
{
    static const char garbage[] = "this is no frame, not even nearly one";

    (void)state;
    (void)!write(MS_PROCESS_LINK_FD, garbage, sizeof garbage);
    ms_job_wait(job, -1);
    return MS_OK;
}

static int refuse_init(const struct ms_host *host, const char *args, void **state)
{
    (void)host;
    (void)args;
    (void)state;
    return 42;
}

#define HANDLER(word, number, function)                                                            \
    {                                                                                              \
        MS_HANDLER_HEADER, .name = (word), .type = (number), .run = (function)                     \
    }

static const struct ms_handler handlers[] = {
    HANDLER("echo", HOST_PROGRAM_ECHO, run_echo),
    HANDLER("crash", HOST_PROGRAM_CRASH, run_crash),
    HANDLER("exit", HOST_PROGRAM_EXIT, run_exit),
    HANDLER("deaf", HOST_PROGRAM_DEAF, run_deaf),
    HANDLER("polite", HOST_PROGRAM_POLITE, run_polite),
    HANDLER("deferred", HOST_PROGRAM_DEFERRED, run_deferred),
    HANDLER("flood", HOST_PROGRAM_FLOOD, run_flood),
    HANDLER("wild", HOST_PROGRAM_WILD, run_wild),
};

static const struct ms_handler bad_init = {
    MS_HANDLER_HEADER,
    .name = "bad",
    .init = refuse_init,
    .run = run_echo,
};

static int serve(bool is_bad)
{
    struct ms_plugins *plugins = ms_plugins_create();
    struct ms_complaint complaint;

    ms_assert(plugins != NULL);
    for (size_t i = 0; i < sizeof handlers / sizeof handlers[0]; i++) {
        ms_assert(ms_plugins_add(plugins, &handlers[i], "test", "", &complaint));
    }
    if (is_bad) {
        ms_assert(ms_plugins_add(plugins, &bad_init, "test", "", &complaint));
    }
    const int exit_code =
        ms_host_serve(&(struct ms_host_settings){.plugins = plugins, .slave = "test"});

    ms_plugins_destroy(plugins);
    return exit_code;
}

bool host_program_run(int argc, char **argv, int *exit_code_out)
{
    if (argc != 3 || strcmp(argv[1], FLAG) != 0) {
        return false;
    }
    if (strcmp(argv[2], "print") == 0) {
        printf("a\n");
        fflush(stdout);
        fprintf(stderr, "b\n");
        *exit_code_out = 5;
    } else {
        *exit_code_out = serve(strcmp(argv[2], "bad-init") == 0);
    }
    return true;
}
