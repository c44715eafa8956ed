/* The connections of a master by the driver's dense slot numbers. */
#ifndef MASTER_CONNECTIONS_H
#define MASTER_CONNECTIONS_H

#include "core/limits.h"
#include "core/list.h"
#include "core/session.h"
#include "core/types.h"

/* How far what is sent in bulk may run ahead of a peer that reads slowly: a BEAT goes with every
 * MS_PACE_SPAN bytes, and two spans are on their way at most, because the answer to the last BEAT but one is
 * waited for. */
struct ms_pace {
    uint64_t last, due; /* numbers of the last BEAT, and of the one that must be answered first */
    uint64_t heard;     /* highest that was answered */
    size_t bytes;       /* since the last BEAT */
};

static inline bool ms_pace_is_held(const struct ms_pace *pace)
{
    return pace->heard < pace->due;
}

struct ms_connection {
    ms_peer peer;               /* MS_PEER_NONE = the slot is free */
    struct ms_session *session; /* NULL before HELLO */
    struct ms_uuid nonce;
    ms_time opened_at;
    struct ms_list pending; /* on connections->pending before HELLO */
    struct ms_pace pace;
};

#define MS_CONNECTIONS_SHIFT  8
#define MS_CONNECTIONS_CHUNK  (1u << MS_CONNECTIONS_SHIFT)
#define MS_CONNECTIONS_CHUNKS ((MS_PEERS_MAX >> MS_CONNECTIONS_SHIFT) + 1)

struct ms_connections {
    struct ms_connection **chunks; /* MS_CONNECTIONS_CHUNKS, grown where slots appear */
    struct ms_list pending;        /* have not said HELLO, oldest first */
    uint32_t count;
    uint32_t pending_count;
};

/* False when memory is out. */
bool ms_connections_init(struct ms_connections *connections);
void ms_connections_finish(struct ms_connections *connections);

/* A connection stands; it is pending. NULL when memory is out or the slot is beyond MS_PEERS_MAX. */
struct ms_connection *ms_connections_open(struct ms_connections *connections, ms_time now,
                                          ms_peer peer, const struct ms_uuid *nonce);

/* NULL when it was closed, by either side. */
static inline struct ms_connection *ms_connections_find(const struct ms_connections *connections,
                                                        ms_peer peer)
{
    const uint32_t slot = ms_peer_slot(peer);
    struct ms_connection *chunk;

    if (slot > MS_PEERS_MAX) {
        return NULL;
    }
    chunk = connections->chunks[slot >> MS_CONNECTIONS_SHIFT];
    if (chunk == NULL) {
        return NULL;
    }
    chunk += slot & (MS_CONNECTIONS_CHUNK - 1);
    return chunk->peer == peer && peer != MS_PEER_NONE ? chunk : NULL;
}

/* HELLO was accepted. */
void ms_connections_greet(struct ms_connections *connections, struct ms_connection *connection,
                          struct ms_session *session);

void ms_connections_close(struct ms_connections *connections, struct ms_connection *connection);

/* The next one in use from slot *cursor on, which moves behind it; MS_PEER_NONE = that was the last. */
ms_peer ms_connections_next(const struct ms_connections *connections, uint32_t *cursor);

/* The connection that has waited longest with its HELLO; NULL = none. */
struct ms_connection *ms_connections_oldest(const struct ms_connections *connections);

#endif
