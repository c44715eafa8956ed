/* Slaves and clients that have said HELLO where nobody serves yet, but soon may: they wait, in the order in which they came,
 * instead of looking elsewhere in vain. And connections that were opened meanwhile and have said nothing. */
#ifndef MASTER_GREETERS_H
#define MASTER_GREETERS_H

#include "core/body.h"
#include "core/map.h"
#include "core/types.h"

struct ms_newcomer {
    ms_peer peer;
    struct ms_uuid nonce; /* of PEER_OPENED */
};

struct ms_greeter {
    ms_peer peer;
    struct ms_uuid nonce;
    ms_epoch epoch; /* of the frame */
    ms_time until;  /* it waits no longer */
    struct ms_hello hello;
    bool is_opened; /* the master was told of the connection */
};

struct ms_greeters {
    struct ms_greeter *greeters;
    uint32_t first, count, capacity; /* from first on; it is never in two parts */
    struct ms_newcomer *newcomers;
    uint32_t newcomers_count, newcomers_capacity;
    struct ms_map places; /* peer -> place in newcomers + 1 */
};

/* Somebody who may say HELLO. False: it is not remembered, since there are too many, or memory is out. */
bool ms_greeters_opened(struct ms_greeters *greeters, ms_peer peer, const struct ms_uuid *nonce);

/* It has spoken, or is gone. False when it was not remembered. */
bool ms_greeters_take_newcomer(struct ms_greeters *greeters, ms_peer peer,
                               struct ms_uuid *nonce_out);

/* False when there are too many (MS_GREETERS_MAX), or memory is out. */
bool ms_greeters_add(struct ms_greeters *greeters, const struct ms_greeter *greeter);

/* The one that came first; NULL when there is none. */
struct ms_greeter *ms_greeters_first(struct ms_greeters *greeters);

/* True when it was there. */
bool ms_greeters_drop(struct ms_greeters *greeters, ms_peer peer);

/* When the first has waited long enough; MS_TIME_NEVER when there is none. */
ms_time ms_greeters_deadline(const struct ms_greeters *greeters);

/* Accepts a zeroed one. */
void ms_greeters_finish(struct ms_greeters *greeters);

#endif
