/* echo: the result is the payload. */
#include "handlers/ms_handler.h"

static int run(struct ms_job *job, void *state)
{
    (void)state;
    return ms_job_write(job, job->payload, job->payload_size) == 0 ? MS_OK : MS_CANCELLED;
}

const struct ms_handler ms_handler_v1 = {
    MS_HANDLER_HEADER,
    .name = "echo",
    .about = "gives the payload back",
    .run = run,
};
