/* Who gets a command: a strategy chooses among the sessions that run its type and have credit. */
#ifndef MASTER_STRATEGY_H
#define MASTER_STRATEGY_H

#include <stdint.h>

#include "core/session.h"

struct ms_lane;
struct ms_work;

#define MS_STRATEGY_ABI 1u

/* The abi and size come first and are checked before anything else is looked at. */
struct ms_strategy {
    uint32_t abi;  /* MS_STRATEGY_ABI */
    uint32_t size; /* sizeof(struct ms_strategy) of its maker */
    const char *name;

    /* A session that announced the lane's type and has credit, or NULL when the work must wait. Costs
     * O(1) however many sessions there are. */
    struct ms_session *(*choose)(struct ms_lane *lane, const struct ms_work *work);
};

/* Round robin over the sessions with credit. */
extern const struct ms_strategy ms_strategy_any;

#endif
