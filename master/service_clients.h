/* Who has changed a service's state of late, and what was answered: a call that comes again, at this master or at the one that took over,
 * is answered again and not carried out again. A part of the replicated state: it goes by the records alone.
 *
 * A client numbers its calls, and says up to which number all are answered (its floor): replies up to there are forgotten. */
#ifndef MASTER_SERVICE_CLIENTS_H
#define MASTER_SERVICE_CLIENTS_H

#include "core/limits.h"
#include "core/list.h"
#include "core/map.h"
#include "core/pool.h"
#include "master/service_buffer.h"

#define MS_CLIENT_REIGNS_MAX 4u /* of one client: how far back a merge is exact */

struct ms_service_reply {
    uint64_t number;
    uint16_t error; /* enum ms_error */
    uint32_t size;
    uint8_t *bytes; /* NULL when size is 0 */
};

/* A reign in which it has changed something, and its floor at the first time: what was answered before that reign. */
struct ms_client_reign {
    ms_epoch epoch;
    uint64_t floor;
};

/* Pooled. */
struct ms_service_client {
    struct ms_list link; /* whose last change is the oldest comes first */
    struct ms_uuid uuid;
    uint64_t floor;
    uint32_t replies_count, reigns_count;
    struct ms_service_reply replies[MS_CALLS_MAX]; /* by number, all above the floor */
    struct ms_client_reign reigns[MS_CLIENT_REIGNS_MAX];
};

struct ms_service_clients {
    struct ms_pool pool;
    struct ms_map by_uuid;
    struct ms_list all;
};

/* False when memory is out; then finish it. */
bool ms_service_clients_init(struct ms_service_clients *clients, uint64_t seed);
void ms_service_clients_finish(struct ms_service_clients *clients); /* accepts a zeroed one */

enum ms_call_past {
    MS_CALL_NEW,
    MS_CALL_KNOWN,  /* it was carried out, and the reply is here */
    MS_CALL_CLOSED, /* its client said that it is answered */
};

/* *reply_out: of one that is KNOWN. */
enum ms_call_past ms_service_clients_find(const struct ms_service_clients *clients,
                                          const struct ms_uuid *uuid, uint64_t number,
                                          const struct ms_service_reply **reply_out);

/* Another reply fits, once the floor is that one. */
bool ms_service_clients_have_room(const struct ms_service_clients *clients,
                                  const struct ms_uuid *uuid, uint64_t floor);

/* What a change was: a client's call, carried out in that reign (0: elsewhere, and merged). */
struct ms_service_caller {
    struct ms_uuid uuid;
    uint64_t number, floor;
    ms_epoch epoch;
};

/* The call was carried out. Whoever changed nothing for the longest time is forgotten when there are too many. False when memory is
 * out. */
bool ms_service_clients_keep(struct ms_service_clients *clients,
                             const struct ms_service_caller *caller, uint16_t error,
                             struct ms_bytes reply);

/* Whether a change that the other half made in that reign was carried out here as well: its client has repeated it, and was answered here.
 * What was answered before the client came here was not. */
bool ms_service_clients_repeated(const struct ms_service_clients *clients,
                                 const struct ms_service_caller *caller);

/* All of it, as a part of a snapshot, and back into an empty one: false when it makes no sense, or memory is out. */
void ms_service_clients_write(const struct ms_service_clients *clients,
                              struct ms_service_buffer *buffer);
bool ms_service_clients_read(struct ms_service_clients *clients, struct ms_bytes *bytes);

static inline uint32_t ms_service_clients_count(const struct ms_service_clients *clients)
{
    return ms_pool_used(&clients->pool);
}

#endif
