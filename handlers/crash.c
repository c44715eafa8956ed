/* crash: ends its whole process, for tests of those who must survive it. The payload chooses how:
 * "abort", "segv", "exit" (status 3), "kill" (SIGKILL); anything else fails in peace. A "once " in
 * front spares every attempt after the first. */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "handlers/ms_handler.h"

#define EXIT_STATUS 3

static int is_word(const struct ms_job *job, size_t from, const char *word)
{
    return job->payload_size - from == strlen(word) &&
           memcmp((const char *)job->payload + from, word, strlen(word)) == 0;
}

static int run(struct ms_job *job, void *state)
{
    static const char once[] = "once ";
    size_t from = 0;

    (void)state;
    if (job->payload_size >= sizeof once - 1 && memcmp(job->payload, once, sizeof once - 1) == 0) {
        if (job->attempt > 1) {
            return MS_OK;
        }
        from = sizeof once - 1;
    }
    if (is_word(job, from, "abort")) {
        abort();
    } else if (is_word(job, from, "segv")) {
        /* The real signal without undefined behaviour, which compilers and sanitizers may catch. */
        const struct sigaction fatal = {.sa_handler = SIG_DFL};

        sigaction(SIGSEGV, &fatal, NULL);
        raise(SIGSEGV);
    } else if (is_word(job, from, "kill")) {
        raise(SIGKILL);
    } else if (is_word(job, from, "exit")) {
        _exit(EXIT_STATUS);
    }
    ms_job_set_detail(job, "the payload is none of abort, segv, kill, exit");
    return MS_FAIL;
}

const struct ms_handler ms_handler_v1 = {
    MS_HANDLER_HEADER,
    .name = "crash",
    .about = "ends the process it runs in, for tests",
    .payload_max = 64,
    .flags = MS_HANDLER_ON_REQUEST,
    .run = run,
};
