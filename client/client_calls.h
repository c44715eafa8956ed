/* Calls of services under way, of one client: each is sent under the same number until it is answered, on whichever connection, so a
 * master that has carried it out, or the one that took over, answers again and does nothing twice. */
#ifndef CLIENT_CLIENT_CALLS_H
#define CLIENT_CLIENT_CALLS_H

#include "core/command.h"
#include "core/limits.h"

struct ms_called {
    uint64_t number; /* 0 = free */
    uint64_t cookie;
    ms_time due;  /* not sent before */
    bool is_sent; /* on this connection */
    ms_time wait;
    struct ms_bytes what, payload; /* of one block */
    uint8_t *block;
};

struct ms_client_calls {
    struct ms_called items[MS_CALLS_MAX];
    uint64_t last; /* number that was given out last */
    uint32_t count;
};

struct ms_client_engine;

/* The first one gets the number behind last, which is above that of every call of an earlier run. */
void ms_client_calls_init(struct ms_client_calls *calls, uint64_t last);
void ms_client_calls_finish(struct ms_client_calls *calls); /* accepts a zeroed one */

/* REQUEST with CALL: detail, payload, timeout. RETRY_LATER: there are MS_CALLS_MAX already. */
enum ms_error ms_client_calls_add(struct ms_client_calls *calls, const struct ms_command *call,
                                  uint64_t cookie);

/* Sends what may be sent now, if there is a connection. */
void ms_client_calls_send(struct ms_client_engine *engine, ms_time now);
/* CALL_REPLY. */
void ms_client_calls_hear(struct ms_client_engine *engine, ms_time now,
                          const struct ms_command *reply);
/* The connection is gone. */
void ms_client_calls_lost(struct ms_client_calls *calls);

/* When something is to be sent on a connection that is up; MS_TIME_NEVER = nothing is. */
ms_time ms_client_calls_deadline(const struct ms_client_calls *calls);

#endif
