/* note: runs as many milliseconds as the payload says, and notes when each attempt begins and ends, one line and one write
 * each: "NANOSECONDS begin|end EPOCH CLIENT:SEQ". Arguments: the folder in which each slave has its notes. */
#include "handlers/ms_handler.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define PATH_SIZE 512
#define LINE_SIZE 128
#define TEXT_SIZE 24

static int init(const struct ms_host *host, const char *args, void **state_out)
{
    char path[PATH_SIZE];
    int *notes = malloc(sizeof *notes);

    if (notes == NULL) {
        return -1;
    }
    snprintf(path, sizeof path, "%s/notes-%s", args, host->slave);
    *notes = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    *state_out = notes;
    return *notes < 0 ? -1 : 0;
}

static void finish(void *state)
{
    close(*(int *)state);
    free(state);
}

static int note(int notes, const struct ms_job *job, const char *what)
{
    char line[LINE_SIZE], client[2 * sizeof job->client + 1];
    struct timespec now;
    int size;

    for (size_t i = 0; i < sizeof job->client; i++) {
        snprintf(client + 2 * i, 3, "%02x", job->client[i]);
    }
    clock_gettime(CLOCK_MONOTONIC, &now);
    size = snprintf(line, sizeof line, "%lld %s %" PRIu64 " %s:%" PRIu64 "\n",
                    (long long)now.tv_sec * 1000000000 + (long long)now.tv_nsec, what,
                    job->token_epoch, client, job->seq);
    return write(notes, line, (size_t)size) == size ? 0 : -1;
}

static int run(struct ms_job *job, void *state)
{
    const int notes = *(int *)state;
    const size_t size = job->payload_size < TEXT_SIZE ? job->payload_size : TEXT_SIZE - 1;
    char text[TEXT_SIZE] = "";

    if (note(notes, job, "begin") != 0) {
        return MS_FAIL;
    }
    memcpy(text, job->payload, size);
    if (ms_job_wait(job, strtoll(text, NULL, 10) * 1000)) {
        return MS_CANCELLED;
    }
    return note(notes, job, "end") == 0 ? MS_OK : MS_FAIL;
}

const struct ms_handler ms_handler_v1 = {
    MS_HANDLER_HEADER,
    .name = "note",
    .about = "takes as long as the payload says, and notes when it runs",
    .init = init,
    .finish = finish,
    .run = run,
};
