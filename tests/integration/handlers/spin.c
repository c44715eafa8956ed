/* spin: burns a processor for as many milliseconds as the payload says and asks nobody meanwhile, as
 * a badly written handler does. */
#include "handlers/ms_handler.h"

#include <stdlib.h>
#include <time.h>

static long elapsed_ms(const struct timespec *since)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (now.tv_sec - since->tv_sec) * 1000 + (now.tv_nsec - since->tv_nsec) / 1000000;
}

static int run(struct ms_job *job, void *state)
{
    char text[32] = "";
    struct timespec begun;
    long length_ms;

    (void)state;
    if (job->payload_size >= sizeof text) {
        return MS_FAIL;
    }
    memcpy(text, job->payload, job->payload_size);
    length_ms = strtol(text, NULL, 10);
    clock_gettime(CLOCK_MONOTONIC, &begun);
    while (elapsed_ms(&begun) < length_ms) {
    }
    return MS_OK;
}

const struct ms_handler ms_handler_v1 = {
    MS_HANDLER_HEADER,
    .name = "spin",
    .about = "burns a processor for the milliseconds in the payload",
    .run = run,
};
