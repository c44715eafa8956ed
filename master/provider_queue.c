#include "master/provider.h"

/* Its commands come with SUBMIT, and their outcomes go to the client that submitted them. */
const struct ms_provider ms_provider_queue = {
    .abi = MS_PROVIDER_ABI,
    .size = sizeof(struct ms_provider),
    .name = "queue",
};
