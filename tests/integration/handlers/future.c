/* future: a plug-in for a version of the interface that does not exist yet. */
#include "handlers/ms_handler.h"

#define FUTURE_ABI 99

static int run(struct ms_job *job, void *state)
{
    (void)job;
    (void)state;
    return MS_OK;
}

const struct ms_handler ms_handler_v1 = {
    FUTURE_ABI,       (uint32_t)sizeof(struct ms_handler),
    .name = "future", .about = "cannot be loaded by anybody today",
    .run = run,
};
