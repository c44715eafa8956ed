#include "master/connections.h"

#include <stdlib.h>

#include "core/invariant.h"

bool ms_connections_init(struct ms_connections *connections)
{
    ms_assert(connections != NULL);
    *connections = (struct ms_connections){0};
    ms_list_init(&connections->pending);
    connections->chunks = calloc(MS_CONNECTIONS_CHUNKS, sizeof(struct ms_connection *));
    return connections->chunks != NULL;
}

void ms_connections_finish(struct ms_connections *connections)
{
    if (connections == NULL || connections->chunks == NULL) {
        return;
    }
    for (size_t i = 0; i < MS_CONNECTIONS_CHUNKS; i++) {
        free(connections->chunks[i]);
    }
    free(connections->chunks);
    *connections = (struct ms_connections){0};
}

struct ms_connection *ms_connections_open(struct ms_connections *connections, ms_time now,
                                          ms_peer peer, const struct ms_uuid *nonce)
{
    const uint32_t slot = ms_peer_slot(peer);
    struct ms_connection **chunk;
    struct ms_connection *connection;

    ms_assert(peer != MS_PEER_NONE);
    if (slot > MS_PEERS_MAX) {
        return NULL;
    }
    chunk = &connections->chunks[slot >> MS_CONNECTIONS_SHIFT];
    if (*chunk == NULL) {
        *chunk = calloc(MS_CONNECTIONS_CHUNK, sizeof **chunk);
    }
    if (*chunk == NULL) {
        return NULL;
    }
    connection = *chunk + (slot & (MS_CONNECTIONS_CHUNK - 1));
    ms_assert(connection->peer ==
              MS_PEER_NONE); /* the driver closed it before it reused the slot */
    *connection = (struct ms_connection){.peer = peer, .nonce = *nonce, .opened_at = now};
    ms_list_init(&connection->pending);
    ms_list_push_back(&connections->pending, &connection->pending);
    connections->count++;
    connections->pending_count++;
    return connection;
}

void ms_connections_greet(struct ms_connections *connections, struct ms_connection *connection,
                          struct ms_session *session)
{
    ms_assert(connection->session == NULL && session != NULL);
    ms_assert(connections->pending_count > 0);
    connection->session = session;
    ms_list_remove(&connection->pending);
    connections->pending_count--;
}

void ms_connections_close(struct ms_connections *connections, struct ms_connection *connection)
{
    ms_assert(connection->peer != MS_PEER_NONE);
    ms_assert(connections->count > 0);
    if (connection->session == NULL) {
        ms_list_remove(&connection->pending);
        connections->pending_count--;
    }
    *connection = (struct ms_connection){0};
    connections->count--;
}

struct ms_connection *ms_connections_oldest(const struct ms_connections *connections)
{
    struct ms_list *link = ms_list_first(&connections->pending);

    ms_assert((link == NULL) == (connections->pending_count == 0));
    return link != NULL ? ms_container_of(link, struct ms_connection, pending) : NULL;
}

ms_peer ms_connections_next(const struct ms_connections *connections, uint32_t *cursor)
{
    while (*cursor <= MS_PEERS_MAX) {
        const struct ms_connection *chunk = connections->chunks[*cursor >> MS_CONNECTIONS_SHIFT];
        const struct ms_connection *connection;

        if (chunk == NULL) {
            *cursor = ((*cursor >> MS_CONNECTIONS_SHIFT) + 1) << MS_CONNECTIONS_SHIFT;
            continue;
        }
        connection = chunk + (*cursor & (MS_CONNECTIONS_CHUNK - 1));
        ++*cursor;
        if (connection->peer != MS_PEER_NONE) {
            return connection->peer;
        }
    }
    return MS_PEER_NONE;
}
