#include "master/services.h"

#include "core/invariant.h"
#include "master/service_calls.h"
#include "master/state.h"

bool ms_services_init(struct ms_services *services, const struct ms_service_list *list,
                      const struct ms_trace *trace, uint64_t seed)
{
    ms_list_init(&services->spent);
    ms_heap_init(&services->timers, MS_CALLS_TOTAL_MAX);
    services->trace = trace;
    services->seed = seed;
    services->copies = 1;
    if (!ms_pool_init(&services->calls, sizeof(struct ms_call), MS_CALLS_TOTAL_MAX)) {
        return false;
    }
    for (uint32_t i = 0; list != NULL && i < list->count; i++) {
        const struct ms_service_entry *entry = &list->items[i];
        struct ms_service_unit *unit =
            ms_service_unit_create(entry->name, entry->service, trace, seed + i);

        ms_assert(i < MS_SERVICES_MAX && entry->service != NULL);
        if (unit == NULL) {
            return false;
        }
        unit->parameters = entry->parameters;
        services->units[services->count++] = unit;
    }
    return true;
}

void ms_services_finish(struct ms_services *services)
{
    for (uint32_t i = 0; i < services->count; i++) {
        struct ms_service_unit *unit = services->units[i];

        if (services->phase == MS_SERVICES_ON && unit->state == MS_UNIT_SERVES &&
            unit->service->fail_back != NULL) {
            unit->service->fail_back(unit->data);
        }
    }
    ms_service_calls_finish(services);
    for (uint32_t i = 0; i < services->count; i++) {
        ms_service_unit_destroy(services->units[i]);
    }
    ms_heap_finish(&services->timers);
    ms_pool_finish(&services->calls);
    ms_service_buffer_finish(&services->written);
    ms_service_buffer_finish(&services->reply);
    services->count = 0;
}

struct ms_service_unit *ms_services_find(const struct ms_services *services, const char *name,
                                         size_t size)
{
    for (uint32_t i = 0; i < services->count; i++) {
        if (strlen(services->units[i]->name) == size &&
            memcmp(services->units[i]->name, name, size) == 0) {
            return services->units[i];
        }
    }
    return NULL;
}

/* Whoever is not loaded here may be in a later start, or in the other half. */
static struct ms_service_unit *find_or_add(struct ms_services *services, struct ms_bytes name)
{
    struct ms_service_unit *unit = ms_services_find(services, (const char *)name.data, name.size);
    char text[MS_NAME_MAX + 1] = "";

    if (unit != NULL || services->count == MS_SERVICES_MAX) {
        return unit;
    }
    memcpy(text, name.data, name.size);
    unit = ms_service_unit_create(text, NULL, services->trace, services->seed);
    if (unit != NULL) {
        services->units[services->count++] = unit;
        ms_trace(services->trace, MS_LEVEL_WARN, "a service is not loaded", "name=\"%s\"", text);
    }
    return unit;
}

enum ms_error ms_services_replay(struct ms_master *master, const struct ms_record *record,
                                 ms_seq seq)
{
    struct ms_services *services = &master->services;
    enum ms_error error = MS_E_OK;

    ms_assert(record->name.size > 0 && record->name.size <= MS_NAME_MAX);
    struct ms_service_unit *unit = find_or_add(services, record->name);

    if (unit == NULL) {
        return MS_E_NO_MEMORY;
    }
    if (!(record->kind == MS_RECORD_SERVICE
              ? ms_service_unit_apply(unit, record, seq, &error, &services->reply)
              : ms_service_unit_piece(unit, record, seq))) {
        ms_complain(&master->complaint, "record %llu: it does not follow in service %s",
                    (unsigned long long)seq, unit->name);
        return MS_E_STORE_CORRUPT;
    }
    return MS_E_OK;
}

bool ms_services_change(struct ms_master *master, struct ms_service_unit *unit,
                        const struct ms_record *change, enum ms_error *error_out)
{
    struct ms_journal *journal = &master->journal;
    struct ms_record record = *change;

    ms_assert(master->services.may_write && unit->state == MS_UNIT_SERVES);
    if (ms_service_unit_is_full(unit) || ms_journal_is_full(master, record.payload.size)) {
        *error_out = MS_E_STORE_FULL;
        return false;
    }
    record.kind = MS_RECORD_SERVICE;
    record.at = ms_master_wall(master) > 0 ? ms_master_wall(master) : 0;
    record.name = ms_bytes_of(unit->name);
    record.number = unit->version + 1;
    record.token = (struct ms_token){master->queue.epoch, 0};
    if (!ms_service_unit_apply(unit, &record, ms_journal_put(journal, &record), error_out,
                               &master->services.reply)) {
        journal->is_failed = true; /* memory is out, and the journal has what the state has not */
        *error_out = MS_E_NO_MEMORY;
        return false;
    }
    return true;
}

void ms_services_allow(struct ms_services *services, bool is_on)
{
    ms_assert(services->count <= MS_SERVICES_MAX);
    services->may_write = is_on;
}

bool ms_services_have_records(const struct ms_services *services)
{
    for (uint32_t i = 0; i < services->count; i++) {
        if (services->units[i]->records_count > 0) {
            return true;
        }
    }
    return false;
}

size_t ms_services_record_max(const struct ms_master *master)
{
    return master->config.payload_max < MS_SERVICE_RECORD_MAX ? master->config.payload_max
                                                              : MS_SERVICE_RECORD_MAX;
}

/* --- the beginning --- */

/* What both halves go by is what this one's description says, from now on. */
static void configure(struct ms_master *master, struct ms_service_unit *unit)
{
    struct ms_services *services = &master->services;
    struct ms_service_writer *out =
        ms_service_buffer_begin(&services->written, ms_services_record_max(master));
    const char *parameters = unit->parameters != NULL ? unit->parameters : "";
    const struct ms_bytes before = ms_service_buffer_bytes(&unit->configuration);
    enum ms_error error = MS_E_OK;

    if (unit->service->configure != NULL) {
        if (unit->service->configure(parameters, out) != 0 || services->written.is_cut) {
            ms_service_unit_break(unit, "its description's parameters make no configuration");
            return;
        }
    } else {
        ms_service_say(out, parameters);
    }
    const struct ms_bytes wanted = ms_service_buffer_bytes(&services->written);

    if (unit->is_configured && wanted.size == before.size &&
        (wanted.size == 0 || memcmp(wanted.data, before.data, wanted.size) == 0)) {
        return;
    }
    ms_services_change(master, unit,
                       &(struct ms_record){.event = MS_CHANGE_CONFIGURATION, .payload = wanted},
                       &error);
}

static void take_over(struct ms_master *master, struct ms_service_unit *unit)
{
    struct ms_services *services = &master->services;
    struct ms_service_writer *out =
        ms_service_buffer_begin(&services->written, ms_services_record_max(master));
    enum ms_error error = MS_E_OK;

    if (unit->service->take_over == NULL ||
        unit->service->take_over(unit->data, master->queue.epoch, ms_master_wall(master), out) !=
            MS_SERVICE_PROPOSE ||
        services->written.is_cut) {
        return;
    }
    ms_services_change(master, unit,
                       &(struct ms_record){.event = MS_CHANGE_OWN,
                                           .payload = ms_service_buffer_bytes(&services->written)},
                       &error);
}

static bool may_begin(const struct ms_services *services)
{
    return services->phase == MS_SERVICES_IDLE && services->count > 0 && services->may_write;
}

static void begin(struct ms_master *master)
{
    struct ms_services *services = &master->services;

    services->phase = MS_SERVICES_ON;
    for (uint32_t i = 0; i < services->count; i++) {
        struct ms_service_unit *unit = services->units[i];

        if (unit->state == MS_UNIT_SERVES) {
            configure(master, unit);
        }
        if (unit->state == MS_UNIT_SERVES) {
            take_over(master, unit);
        }
    }
}

/* --- what goes on --- */

/* Only a half of a pair has somebody who may be unreachable. */
static bool has_peer_news(const struct ms_master *master)
{
    return master->config.is_paired && master->journal.copies != master->services.copies;
}

static void tell_peer(struct ms_master *master)
{
    struct ms_services *services = &master->services;
    const bool is_there = master->journal.copies > 1;

    services->copies = master->journal.copies;
    for (uint32_t i = 0; i < services->count; i++) {
        struct ms_service_unit *unit = services->units[i];

        if (unit->state != MS_UNIT_SERVES) {
            continue;
        }
        if (unit->service->peer != NULL) {
            unit->service->peer(unit->data, is_there);
        } else {
            ms_trace(services->trace, MS_LEVEL_INFO,
                     is_there ? "the other half has all of a service again"
                              : "the other half does not have what a service does now",
                     "name=\"%s\" version=%llu", unit->name, (unsigned long long)unit->version);
        }
    }
}

/* What it has done since may be unknown to the other half, and is merged from its changes. */
static bool is_alone(const struct ms_master *master)
{
    return master->config.is_paired && master->journal.copies < 2;
}

static bool is_snapshot_due(const struct ms_master *master)
{
    for (uint32_t i = 0; i < master->services.count && master->services.may_write; i++) {
        if (ms_service_unit_is_due(master->services.units[i], is_alone(master))) {
            return true;
        }
    }
    return false;
}

/* What submissions leave is not for snapshots either. */
static uint64_t room_of(const struct ms_master *master)
{
    const uint64_t reserve = master->config.limits.store_reserve;

    return master->journal.room > reserve ? master->journal.room - reserve : 0;
}

/* One of them in a step. */
static void take_snapshot(struct ms_master *master)
{
    const struct ms_services *services = &master->services;

    for (uint32_t i = 0; i < services->count && services->may_write; i++) {
        if (ms_service_unit_is_due(services->units[i], is_alone(master))) {
            ms_service_unit_snapshot(services->units[i], &master->journal,
                                     ms_master_wall(master) > 0 ? ms_master_wall(master) : 0,
                                     room_of(master));
            return;
        }
    }
}

void ms_services_run(struct ms_master *master, ms_time now)
{
    struct ms_services *services = &master->services;

    if (services->count == 0) {
        return;
    }
    if (may_begin(services)) {
        begin(master);
    }
    if (services->phase != MS_SERVICES_ON) {
        return;
    }
    if (has_peer_news(master)) {
        tell_peer(master);
    }
    ms_service_calls_run(master, now);
    take_snapshot(master);
}

bool ms_services_are_due(const struct ms_master *master)
{
    const struct ms_services *services = &master->services;

    return services->count > 0 &&
           (may_begin(services) || has_peer_news(master) ||
            (services->phase == MS_SERVICES_ON &&
             (is_snapshot_due(master) || ms_service_calls_are_due(services))));
}

ms_time ms_services_deadline(const struct ms_services *services)
{
    return ms_heap_min(&services->timers);
}
