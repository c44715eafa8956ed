#include "master/service_clients.h"

#include <stdlib.h>

#include "core/invariant.h"

bool ms_service_clients_init(struct ms_service_clients *clients, uint64_t seed)
{
    ms_list_init(&clients->all);
    ms_map_init(&clients->by_uuid, MS_SERVICE_CLIENTS_MAX, seed);
    return ms_pool_init(&clients->pool, sizeof(struct ms_service_client), MS_SERVICE_CLIENTS_MAX);
}

/* The first so many replies. */
static void drop_replies(struct ms_service_client *client, uint32_t count)
{
    ms_assert(count <= client->replies_count);
    for (uint32_t i = 0; i < count; i++) {
        free(client->replies[i].bytes);
    }
    client->replies_count -= count;
    memmove(client->replies, client->replies + count,
            client->replies_count * sizeof client->replies[0]);
}

static void forget(struct ms_service_clients *clients, struct ms_service_client *client)
{
    drop_replies(client, client->replies_count);
    ms_list_remove(&client->link);
    ms_map_remove(&clients->by_uuid, ms_key_of_uuid(&client->uuid));
    ms_pool_give(&clients->pool, client);
}

void ms_service_clients_finish(struct ms_service_clients *clients)
{
    if (clients->all.next == NULL) {
        return;
    }
    while (!ms_list_is_empty(&clients->all)) {
        forget(clients, ms_container_of(clients->all.next, struct ms_service_client, link));
    }
    ms_map_finish(&clients->by_uuid);
    ms_pool_finish(&clients->pool);
}

static struct ms_service_client *find(const struct ms_service_clients *clients,
                                      const struct ms_uuid *uuid)
{
    return ms_map_find_pointer(&clients->by_uuid, ms_key_of_uuid(uuid));
}

enum ms_call_past ms_service_clients_find(const struct ms_service_clients *clients,
                                          const struct ms_uuid *uuid, uint64_t number,
                                          const struct ms_service_reply **reply_out)
{
    const struct ms_service_client *client = find(clients, uuid);

    if (client == NULL) {
        return MS_CALL_NEW;
    }
    if (number <= client->floor) {
        return MS_CALL_CLOSED;
    }
    for (uint32_t i = 0; i < client->replies_count; i++) {
        if (client->replies[i].number == number) {
            *reply_out = &client->replies[i];
            return MS_CALL_KNOWN;
        }
    }
    return MS_CALL_NEW;
}

static uint32_t replies_up_to(const struct ms_service_client *client, uint64_t floor)
{
    uint32_t count = 0;

    while (count < client->replies_count && client->replies[count].number <= floor) {
        count++;
    }
    return count;
}

bool ms_service_clients_have_room(const struct ms_service_clients *clients,
                                  const struct ms_uuid *uuid, uint64_t floor)
{
    const struct ms_service_client *client = find(clients, uuid);

    return client == NULL || client->replies_count - replies_up_to(client, floor) < MS_CALLS_MAX;
}

static struct ms_service_client *add(struct ms_service_clients *clients, const struct ms_uuid *uuid)
{
    struct ms_service_client *client;

    if (ms_pool_free(&clients->pool) == 0) {
        forget(clients, ms_container_of(clients->all.next, struct ms_service_client, link));
    }
    client = ms_pool_take(&clients->pool);
    if (client == NULL) {
        return NULL;
    }
    client->uuid = *uuid;
    ms_list_init(&client->link);
    if (!ms_map_put_pointer(&clients->by_uuid, ms_key_of_uuid(uuid), client)) {
        ms_pool_give(&clients->pool, client);
        return NULL;
    }
    ms_list_push_back(&clients->all, &client->link);
    return client;
}

static void note_reign(struct ms_service_client *client, ms_epoch epoch, uint64_t floor)
{
    if (epoch == 0 ||
        (client->reigns_count > 0 && client->reigns[client->reigns_count - 1].epoch == epoch)) {
        return;
    }
    if (client->reigns_count == MS_CLIENT_REIGNS_MAX) {
        client->reigns_count--;
        memmove(client->reigns, client->reigns + 1,
                client->reigns_count * sizeof client->reigns[0]);
    }
    client->reigns[client->reigns_count++] = (struct ms_client_reign){epoch, floor};
}

static void raise(struct ms_service_client *client, uint64_t floor)
{
    if (floor > client->floor) {
        drop_replies(client, replies_up_to(client, floor));
        client->floor = floor;
    }
}

/* In its place by number; the one with the lowest goes when there are too many. */
static bool insert(struct ms_service_client *client, uint64_t number, uint16_t error,
                   struct ms_bytes reply)
{
    uint8_t *bytes = reply.size > 0 ? malloc(reply.size) : NULL;
    uint32_t at;

    if (reply.size > 0 && bytes == NULL) {
        return false;
    }
    if (bytes != NULL) {
        memcpy(bytes, reply.data, reply.size);
    }
    if (client->replies_count == MS_CALLS_MAX) {
        drop_replies(client, 1);
    }
    at = replies_up_to(client, number);
    memmove(client->replies + at + 1, client->replies + at,
            (client->replies_count - at) * sizeof client->replies[0]);
    client->replies[at] = (struct ms_service_reply){number, error, (uint32_t)reply.size, bytes};
    client->replies_count++;
    return true;
}

bool ms_service_clients_keep(struct ms_service_clients *clients,
                             const struct ms_service_caller *caller, uint16_t error,
                             struct ms_bytes reply)
{
    struct ms_service_client *client = find(clients, &caller->uuid);

    ms_assert(reply.size <= UINT32_MAX);
    client = client != NULL ? client : add(clients, &caller->uuid);
    if (client == NULL) {
        return false;
    }
    ms_list_remove(&client->link);
    ms_list_push_back(&clients->all, &client->link);
    note_reign(client, caller->epoch, caller->floor);
    raise(client, caller->floor);
    return caller->number <= client->floor || insert(client, caller->number, error, reply);
}

bool ms_service_clients_repeated(const struct ms_service_clients *clients,
                                 const struct ms_service_caller *caller)
{
    const struct ms_service_client *client = find(clients, &caller->uuid);
    const struct ms_service_reply *reply = NULL;

    switch (ms_service_clients_find(clients, &caller->uuid, caller->number, &reply)) {
    case MS_CALL_NEW:
        return false;
    case MS_CALL_KNOWN:
        return true;
    case MS_CALL_CLOSED:
        break;
    }
    for (uint32_t i = 0; i < client->reigns_count; i++) {
        if (client->reigns[i].epoch > caller->epoch) {
            return caller->number > client->reigns[i].floor;
        }
    }
    return true; /* it has changed nothing here since */
}

void ms_service_clients_write(const struct ms_service_clients *clients,
                              struct ms_service_buffer *buffer)
{
    ms_service_buffer_number(buffer, ms_service_clients_count(clients), 4);
    ms_list_for_each(link, &clients->all)
    {
        const struct ms_service_client *client =
            ms_container_of(link, struct ms_service_client, link);

        ms_service_buffer_add(buffer, client->uuid.bytes, sizeof client->uuid.bytes);
        ms_service_buffer_number(buffer, client->floor, 8);
        ms_service_buffer_number(buffer, client->reigns_count, 1);
        for (uint32_t i = 0; i < client->reigns_count; i++) {
            ms_service_buffer_number(buffer, client->reigns[i].epoch, 8);
            ms_service_buffer_number(buffer, client->reigns[i].floor, 8);
        }
        ms_service_buffer_number(buffer, client->replies_count, 1);
        for (uint32_t i = 0; i < client->replies_count; i++) {
            const struct ms_service_reply *reply = &client->replies[i];

            ms_service_buffer_number(buffer, reply->number, 8);
            ms_service_buffer_number(buffer, reply->error, 2);
            ms_service_buffer_number(buffer, reply->size, 4);
            ms_service_buffer_add(buffer, reply->bytes, reply->size);
        }
    }
}

static bool read_reigns(struct ms_service_client *client, struct ms_bytes *bytes)
{
    uint64_t count = 0, epoch = 0, floor = 0;
    bool is_fine = ms_service_take_number(bytes, 1, &count) && count <= MS_CLIENT_REIGNS_MAX;

    for (uint64_t i = 0; i < count && is_fine; i++) {
        is_fine = ms_service_take_number(bytes, 8, &epoch) &&
                  ms_service_take_number(bytes, 8, &floor) && epoch > 0;
        if (is_fine) {
            note_reign(client, epoch, floor);
        }
    }
    return is_fine;
}

static bool read_replies(struct ms_service_client *client, struct ms_bytes *bytes)
{
    uint64_t count = 0, number = 0, error = 0, size = 0;
    bool is_fine = ms_service_take_number(bytes, 1, &count) && count <= MS_CALLS_MAX;

    for (uint64_t i = 0; i < count && is_fine; i++) {
        struct ms_bytes reply = {0};

        is_fine =
            ms_service_take_number(bytes, 8, &number) && ms_service_take_number(bytes, 2, &error) &&
            ms_service_take_number(bytes, 4, &size) && ms_service_take_bytes(bytes, size, &reply) &&
            number > client->floor && insert(client, number, (uint16_t)error, reply);
    }
    return is_fine;
}

bool ms_service_clients_read(struct ms_service_clients *clients, struct ms_bytes *bytes)
{
    uint64_t count = 0;

    ms_assert(ms_service_clients_count(clients) == 0);
    if (!ms_service_take_number(bytes, 4, &count) || count > MS_SERVICE_CLIENTS_MAX) {
        return false;
    }
    for (uint64_t i = 0; i < count; i++) {
        struct ms_bytes name = {0};
        struct ms_service_client *client;
        struct ms_uuid uuid;

        if (!ms_service_take_bytes(bytes, sizeof uuid.bytes, &name)) {
            return false;
        }
        memcpy(uuid.bytes, name.data, sizeof uuid.bytes);
        client = find(clients, &uuid) == NULL ? add(clients, &uuid) : NULL;
        if (client == NULL || !ms_service_take_number(bytes, 8, &client->floor) ||
            !read_reigns(client, bytes) || !read_replies(client, bytes)) {
            return false;
        }
    }
    return true;
}
