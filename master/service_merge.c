/* What the other half did with services when it was active, and this one does not have. */
#include "core/invariant.h"
#include "master/services.h"
#include "master/state.h"

static void refuse(struct ms_master *master, const struct ms_record *record, const char *why)
{
    ms_trace(&master->engine.trace, MS_LEVEL_WARN, "a service of the other half is not merged",
             "name=\"%.*s\" number=%llu reason=\"%s\"", (int)record->name.size,
             (const char *)record->name.data, (unsigned long long)record->number, why);
    master->reconcile.totals.refused++;
}

/* What the service itself makes of it; false when nothing is to be done. */
static bool ask(struct ms_master *master, const struct ms_service_unit *unit,
                struct ms_record *change)
{
    struct ms_service_buffer *written = &master->services.written;
    const struct ms_service_change passed = {
        .abi = MS_SERVICE_ABI,
        .size = sizeof passed,
        .data = change->payload.size > 0 ? (const void *)change->payload.data : "",
        .data_size = change->payload.size,
        .client = change->id.client.bytes,
        .number = change->id.seq,
        .version = change->number,
        .wall_us = change->at,
    };

    if (unit->service->merge == NULL) {
        return true;
    }
    const int verdict = unit->service->merge(
        unit->data, &passed, ms_service_buffer_begin(written, ms_services_record_max(master)));

    if (verdict == MS_SERVICE_PROPOSE && written->is_cut) {
        refuse(master, change, "what it made of a change is too large");
        return false;
    }
    change->payload = ms_service_buffer_bytes(written);
    return verdict == MS_SERVICE_PROPOSE;
}

/* At the end, as a change of now. */
static void adopt(struct ms_master *master, struct ms_service_unit *unit,
                  const struct ms_record *record)
{
    const bool is_call = record->event == MS_CHANGE_CALL || record->event == MS_CHANGE_MERGED;
    struct ms_record change = *record;
    enum ms_error error = MS_E_OK;

    if (!ask(master, unit, &change)) {
        return;
    }
    if (!ms_services_change(master, unit,
                            &(struct ms_record){
                                .event = is_call ? MS_CHANGE_MERGED : MS_CHANGE_OWN,
                                .id = record->id,
                                .payload = change.payload,
                            },
                            &error)) {
        refuse(master, record, ms_error_text(error));
        return;
    }
    master->reconcile.totals.adopted++;
}

static bool was_repeated(const struct ms_service_unit *unit, const struct ms_record *record)
{
    return record->id.seq > 0 &&
           ms_service_clients_repeated(&unit->clients, &(struct ms_service_caller){
                                                           .uuid = record->id.client,
                                                           .number = record->id.seq,
                                                           .epoch = record->token.epoch,
                                                       });
}

/* A snapshot of changes that are not known here cannot be taken apart: its file is kept. */
static void merge_state(struct ms_master *master, const struct ms_service_unit *unit,
                        const struct ms_record *record)
{
    if (record->index == 0 && !ms_service_unit_has(unit, record->token.epoch, record->number)) {
        refuse(master, record, "its changes were gathered in a snapshot already");
    }
}

void ms_services_merge(struct ms_master *master, const struct ms_record *record)
{
    struct ms_service_unit *unit =
        ms_services_find(&master->services, (const char *)record->name.data, record->name.size);

    ms_assert(!master->journal.is_replaying);
    if (unit == NULL || unit->state != MS_UNIT_SERVES || !master->services.may_write) {
        refuse(master, record, "it does not serve here");
    } else if (record->kind == MS_RECORD_SERVICE_STATE) {
        merge_state(master, unit, record);
    } else if (record->event != MS_CHANGE_CONFIGURATION &&
               !ms_service_unit_has(unit, record->token.epoch, record->number) &&
               !was_repeated(unit, record)) {
        adopt(master, unit, record);
    }
}
