/* Calls of services: a replicated key-value store, a chat room, or what somebody made of ms_service.h. Rules as in ms_client.h.
 *
 * A call is sent again, under the same number, whenever the connection or the master changed, until it is answered; whatever it
 * changes is changed once. */
#ifndef MUSTER_MS_CALL_H
#define MUSTER_MS_CALL_H

#include "ms_client.h"

#ifdef __cplusplus
extern "C" {
#endif

struct ms_client_call {
    size_t size;
    const char *what;    /* SERVICE/PARAMETERS, or COMPANY//SERVICE/PARAMETERS; at most 512 bytes */
    const void *payload; /* at most 1 MiB; copied */
    size_t payload_size;
    int64_t
        wait_ms; /* the reply may come so much later, at most a minute, if the service has nothing to tell yet; 0 = at once */
};

struct ms_client_reply {
    size_t size;
    int error; /* MS_CLIENT_ numbers, and those of the protocol; OK: the payload is the reply */
    const void *payload;
    size_t payload_size;
    const char *detail; /* a sentence that says why not; "" = none */
};

typedef void (*ms_client_reply_fn)(struct ms_client *client, const struct ms_client_reply *reply,
                                   void *context);

/* on_reply is called once. BUSY: 16 calls are under way already. */
int ms_client_call(struct ms_client *client, const struct ms_client_call *call,
                   ms_client_reply_fn on_reply, void *context);

#ifdef __cplusplus
}
#endif

#endif
