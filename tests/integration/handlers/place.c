/* place: appends its place in its array to the file that the payload names, and gives it back. */
#include "handlers/ms_handler.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static int run(struct ms_job *job, void *state)
{
    char path[4096];
    char line[32];
    int file, size;
    int is_written;

    (void)state;
    if (job->payload_size >= sizeof path) {
        return MS_FAIL;
    }
    memcpy(path, job->payload, job->payload_size);
    path[job->payload_size] = '\0';
    size = snprintf(line, sizeof line, "%u/%u\n", (unsigned)ms_job_array_index(job),
                    (unsigned)ms_job_array_count(job));
    file = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (file < 0) {
        return MS_FAIL;
    }
    is_written = write(file, line, (size_t)size) == size;
    close(file);
    return is_written && ms_job_write(job, line, (size_t)size) == 0 ? MS_OK : MS_FAIL;
}

const struct ms_handler ms_handler_v1 = {
    MS_HANDLER_HEADER,
    .name = "place",
    .about = "appends its place in its array to a file",
    .run = run,
};
