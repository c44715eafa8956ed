/* Where commands come from. The queue that clients submit to is one provider; others produce commands
 * when slaves ask for more than is ready. */
#ifndef MASTER_PROVIDER_H
#define MASTER_PROVIDER_H

#include <stdint.h>

#include "core/command.h"

#define MS_PROVIDER_ABI 1u

/* The abi and size come first and are checked before anything else is looked at. New functions are
 * appended; size tells whether they are there. */
struct ms_provider {
    uint32_t abi;  /* MS_PROVIDER_ABI */
    uint32_t size; /* sizeof(struct ms_provider) of its maker */
    const char *name;

    /* Slaves have credit for count commands more than are ready and than were asked for before. NULL =
     * its commands come by themselves. */
    void (*produce)(void *context, ms_time now, uint64_t count);
};

/* What clients submit. */
extern const struct ms_provider ms_provider_queue;

#endif
