#include "master/foreign.h"

#include "core/invariant.h"
#include "core/limits.h"
#include "master/life.h"

bool ms_foreigners_init(struct ms_foreigners *foreigners, uint64_t seed)
{
    *foreigners = (struct ms_foreigners){.is_on = true};
    ms_map_init(&foreigners->by_uuid, MS_FOREIGN_MAX, seed);
    ms_map_init(&foreigners->by_id, MS_FOREIGN_MAX, ~seed);
    ms_slab_init(&foreigners->slab, SIZE_MAX / 2);
    return ms_pool_init(&foreigners->clients, sizeof(struct ms_foreign_client), MS_FOREIGN_MAX) &&
           ms_pool_init(&foreigners->commands, sizeof(struct ms_foreign), MS_FOREIGN_MAX);
}

static size_t size_of(size_t bytes)
{
    return sizeof(struct ms_foreign_entry) + bytes;
}

static void drop(struct ms_foreigners *foreigners, struct ms_foreign_row *row)
{
    while (row->first != NULL) {
        struct ms_foreign_entry *entry = row->first;

        row->first = entry->next;
        ms_slab_give(&foreigners->slab, entry, size_of(entry->size));
    }
    row->last = NULL;
}

void ms_foreigners_finish(struct ms_foreigners *foreigners)
{
    struct ms_foreign_client *client;
    struct ms_foreign *command;
    uint32_t cursor = 0;

    if (!foreigners->is_on) {
        return;
    }
    drop(foreigners, &foreigners->general);
    while (foreigners->commands.chunks != NULL &&
           (command = ms_pool_next(&foreigners->commands, &cursor)) != NULL) {
        drop(foreigners, &command->row);
    }
    cursor = 0;
    while (foreigners->clients.chunks != NULL &&
           (client = ms_pool_next(&foreigners->clients, &cursor)) != NULL) {
        drop(foreigners, &client->spans);
        ms_closed_finish(&client->closed, &foreigners->slab);
    }
    ms_map_finish(&foreigners->by_uuid);
    ms_map_finish(&foreigners->by_id);
    ms_pool_finish(&foreigners->commands);
    ms_pool_finish(&foreigners->clients);
    ms_slab_finish(&foreigners->slab);
    *foreigners = (struct ms_foreigners){.is_on = false};
}

struct ms_foreign_client *ms_foreigners_client(const struct ms_foreigners *foreigners,
                                               const struct ms_uuid *uuid)
{
    return ms_map_find_pointer(&foreigners->by_uuid, ms_key_of_uuid(uuid));
}

static struct ms_key key_of(const struct ms_foreigners *foreigners,
                            const struct ms_foreign_client *client, uint64_t seq)
{
    return ms_key_of(ms_pool_index(&foreigners->clients, client), seq);
}

struct ms_foreign *ms_foreigners_find(const struct ms_foreigners *foreigners,
                                      const struct ms_id *id)
{
    const struct ms_foreign_client *client = ms_foreigners_client(foreigners, &id->client);

    return client == NULL
               ? NULL
               : ms_map_find_pointer(&foreigners->by_id, key_of(foreigners, client, id->seq));
}

bool ms_foreigners_closed(const struct ms_foreigners *foreigners, const struct ms_id *id)
{
    const struct ms_foreign_client *client = ms_foreigners_client(foreigners, &id->client);

    return client != NULL && ms_closed_has(&client->closed, id->seq) &&
           ms_foreigners_find(foreigners, id) == NULL;
}

static struct ms_foreign_client *client_of(struct ms_foreigners *foreigners,
                                           const struct ms_uuid *uuid)
{
    struct ms_foreign_client *client = ms_foreigners_client(foreigners, uuid);

    if (client != NULL) {
        return client;
    }
    client = ms_pool_take(&foreigners->clients);
    if (client == NULL) {
        return NULL;
    }
    client->uuid = *uuid;
    ms_closed_init(&client->closed, ms_key_of_uuid(uuid).a);
    if (!ms_map_put_pointer(&foreigners->by_uuid, ms_key_of_uuid(uuid), client)) {
        ms_pool_give(&foreigners->clients, client);
        return NULL;
    }
    return client;
}

static struct ms_foreign *command_of(struct ms_foreigners *foreigners, const struct ms_id *id)
{
    struct ms_foreign_client *client = client_of(foreigners, &id->client);
    struct ms_foreign *command = client != NULL ? ms_foreigners_find(foreigners, id) : NULL;

    if (client == NULL || command != NULL) {
        return command;
    }
    command = ms_pool_take(&foreigners->commands);
    if (command == NULL) {
        return NULL;
    }
    command->client = client;
    command->seq = id->seq;
    if (!ms_map_put_pointer(&foreigners->by_id, key_of(foreigners, client, id->seq), command)) {
        ms_pool_give(&foreigners->commands, command);
        return NULL;
    }
    return command;
}

static bool append(struct ms_foreigners *foreigners, struct ms_foreign_row *row,
                   const struct ms_entry *entry)
{
    struct ms_foreign_entry *copy = ms_slab_take(&foreigners->slab, size_of(entry->bytes.size));

    if (copy == NULL) {
        return false;
    }
    copy->next = NULL;
    copy->size = (uint32_t)entry->bytes.size;
    memcpy(copy->bytes, entry->bytes.data, entry->bytes.size);
    if (row->last != NULL) {
        row->last->next = copy;
    } else {
        row->first = copy;
    }
    row->last = copy;
    return true;
}

static enum ms_merge_state ended_by(enum ms_life_event event)
{
    switch (event) {
    case MS_LIFE_SUCCEED:
        return MS_MERGE_DONE;
    case MS_LIFE_CANCEL:
        return MS_MERGE_CANCELLED;
    default:
        return MS_MERGE_DEAD;
    }
}

/* What a record of a command makes of it; only the last state counts. */
static void follow(struct ms_foreign *command, const struct ms_record *record)
{
    switch (record->kind) {
    case MS_RECORD_SUBMIT:
        command->has_submit = true;
        command->state = MS_MERGE_QUEUED;
        command->array_count = record->terms != NULL ? record->terms->array_count : 0;
        command->parts_wanted = (record->flags & MS_FLAG_PARTS) != 0 && record->terms != NULL
                                    ? record->terms->parts_size
                                    : 0;
        break;
    case MS_RECORD_PART:
        command->parts_size += record->payload.size;
        break;
    case MS_RECORD_LEASE:
    case MS_RECORD_HAND:
        command->state = MS_MERGE_IN_FLIGHT;
        break;
    case MS_RECORD_SETTLE:
        command->state = (uint8_t)ended_by((enum ms_life_event)record->event);
        break;
    case MS_RECORD_CHANGE:
        if (record->event == MS_OPERATION_KICK) {
            command->state = MS_MERGE_QUEUED;
            command->is_cancel_asked = false;
            command->generation = (uint32_t)record->count;
        }
        command->is_cancel_asked |= record->event == MS_OPERATION_CANCEL;
        break;
    case MS_RECORD_RETRY: /* of a member of an array, which has no SUBMIT of its own */
    case MS_RECORD_PIECE:
        command->state = command->state == MS_MERGE_NONE ? MS_MERGE_QUEUED : command->state;
        break;
    default:
        break;
    }
}

/* Numbers of a client that are closed. */
static enum ms_error take_closed(struct ms_foreigners *foreigners, const struct ms_record *record,
                                 const struct ms_entry *entry)
{
    struct ms_foreign_client *client = client_of(foreigners, &record->id.client);
    const struct ms_closed_record span = {
        .number = record->number,
        .count = record->kind == MS_RECORD_CLOSED_RUN ? record->count : 0,
        .bits = record->payload,
        .seq = entry->seq,
    };
    bool is_kept = true;

    if (client == NULL) {
        return MS_E_NO_MEMORY;
    }
    if (record->kind == MS_RECORD_CLIENT) {
        ms_closed_raise(&client->closed, &foreigners->slab, record->count);
        return MS_E_OK;
    }
    if (!ms_closed_load(&client->closed, &foreigners->slab, &span, &is_kept) ||
        !append(foreigners, &client->spans, entry)) {
        return MS_E_NO_MEMORY;
    }
    return MS_E_OK;
}

static enum ms_error take_of_command(struct ms_foreigners *foreigners,
                                     const struct ms_record *record, const struct ms_entry *entry)
{
    struct ms_foreign *command = command_of(foreigners, &record->id);

    if (command == NULL || !append(foreigners, &command->row, entry)) {
        return MS_E_NO_MEMORY;
    }
    follow(command, record);
    return MS_E_OK;
}

static enum ms_error take(struct ms_foreigners *foreigners, const struct ms_record *record,
                          const struct ms_entry *entry)
{
    switch (record->kind) {
    case MS_RECORD_TYPE:
    case MS_RECORD_SESSION:
    case MS_RECORD_SERVICE:
    case MS_RECORD_SERVICE_STATE:
        return append(foreigners, &foreigners->general, entry) ? MS_E_OK : MS_E_NO_MEMORY;
    case MS_RECORD_CLIENT:
    case MS_RECORD_CLOSED_RUN:
        return take_closed(foreigners, record, entry);
    case MS_RECORD_CLOSED:
        return record->id.seq == 0 ? take_closed(foreigners, record, entry)
                                   : take_of_command(foreigners, record, entry);
    case MS_RECORD_SUBMIT:
    case MS_RECORD_LEASE:
    case MS_RECORD_HAND:
    case MS_RECORD_PIECE:
    case MS_RECORD_RETRY:
    case MS_RECORD_SETTLE:
    case MS_RECORD_CHANGE:
    case MS_RECORD_PART:
        return take_of_command(foreigners, record, entry);
    default: /* EPOCH, and GROUP, whose counts are those of the active */
        return MS_E_OK;
    }
}

enum ms_error ms_foreigners_take(struct ms_foreigners *foreigners, struct ms_bytes entries)
{
    struct ms_record_room room;
    struct ms_record record;
    struct ms_entry entry;
    enum ms_error error = MS_E_OK;

    ms_assert(foreigners->is_on);
    while (entries.size > 0 && error == MS_E_OK) {
        if (!ms_record_next(&entries, &entry) || entry.kind == MS_RECORD_ERASE) {
            return MS_E_STORE_CORRUPT;
        }
        error = ms_record_read(&entry, &room, &record);
        if (error == MS_E_OK) {
            error = take(foreigners, &record, &entry);
        }
    }
    return error == MS_E_MALFORMED ? MS_E_STORE_CORRUPT : error;
}

void ms_foreign_read(const struct ms_foreign_entry *entry, struct ms_record_room *room,
                     struct ms_record *record_out)
{
    struct ms_bytes bytes = {entry->bytes, entry->size};
    struct ms_entry whole;
    const bool is_whole = ms_record_next(&bytes, &whole);

    ms_assert(is_whole);
    const enum ms_error error = ms_record_read(&whole, room, record_out);

    ms_assert(error == MS_E_OK);
}
