/* The merge of arrays that are known here: members that are closed there. */
#include "core/invariant.h"
#include "master/clients.h"
#include "master/reconcile.h"
#include "master/state.h"

/* Members that are closed there. */
static void close_members(struct ms_master *master, ms_time now, struct ms_array *array,
                          const struct ms_record *closed)
{
    const uint64_t first = array->first + closed->number * MS_ARRAY_SPAN;

    for (uint64_t i = 0; i < closed->payload.size * 8; i++) {
        const uint64_t seq = first + i;
        struct ms_work *work;

        if ((closed->payload.data[i / 8] >> (i % 8) & 1) == 0 ||
            seq - array->first >= array->count) {
            continue;
        }
        work = ms_queue_find(&master->queue, array->client, seq);
        if (work != NULL && !work->is_archived) {
            ms_merge_closed(master, now, work);
        }
    }
}

/* The array is known here: its closed members are closed, others have told or tell of themselves. */
void ms_merge_array(struct ms_master *master, ms_time now, struct ms_array *array,
                    const struct ms_foreign *foreign)
{
    struct ms_client *client = array->client;
    const uint64_t first = array->first;
    struct ms_record_room room;
    struct ms_record record;

    for (const struct ms_foreign_entry *at = foreign->row.first; at != NULL; at = at->next) {
        ms_foreign_read(at, &room, &record);
        if (record.kind != MS_RECORD_CLOSED || record.number >= ms_array_spans(array)) {
            continue;
        }
        uint8_t told[MS_ARRAY_MAX / 8];
        const size_t from = (size_t)record.number * (MS_ARRAY_SPAN / 8);

        memset(told, 0, from);
        memcpy(told + from, record.payload.data, record.payload.size);
        ms_array_close_known(master, now, array,
                             (struct ms_bytes){told, from + record.payload.size}, false);
        close_members(master, now, array, &record);
        if (ms_arrays_find(&client->arrays, first) != array) {
            return; /* that was the last of them */
        }
    }
    ms_array_end_if_over(master, array);
    ms_clients_reap(master, client);
}

void ms_merge_closed_array(struct ms_master *master, ms_time now, struct ms_array *array)
{
    const struct ms_foreign_client *there =
        ms_foreigners_client(&master->reconcile.foreigners, &array->client->uuid);
    struct ms_client *client = array->client;
    uint8_t told[MS_ARRAY_MAX / 8];

    if (there == NULL || array->waiting_count == 0) {
        return;
    }
    memset(told, 0, ms_array_bits_size(array));
    for (uint32_t place = 0; place < array->count; place++) {
        if (ms_closed_has(&there->closed, array->first + place)) {
            told[place / 8] |= (uint8_t)(1u << (place % 8));
        }
    }
    ms_array_close_known(master, now, array, (struct ms_bytes){told, ms_array_bits_size(array)},
                         false);
    ms_array_end_if_over(master, array);
    ms_clients_reap(master, client);
}
