#include "master/service_unit.h"

#include <stdlib.h>

#include "core/invariant.h"
#include "master/journal.h"

#define RECORDS_MIN 64u

const char *ms_unit_state_name(enum ms_unit_state state)
{
    static const char *const names[] = {
        [MS_UNIT_ABSENT] = "absent", [MS_UNIT_SERVES] = "serves", [MS_UNIT_BROKEN] = "broken"};

    ms_assert((unsigned)state < sizeof names / sizeof names[0]);
    return names[state];
}

enum ms_error ms_service_error_of(int verdict)
{
    switch (verdict) {
    case MS_SERVICE_REPLY:
        return MS_E_OK;
    case MS_SERVICE_BAD_ARGUMENT:
        return MS_E_BAD_ARGUMENT;
    case MS_SERVICE_NOT_FOUND:
        return MS_E_NOT_FOUND;
    case MS_SERVICE_CONFLICT:
        return MS_E_NOT_UNIQUE;
    case MS_SERVICE_FULL:
        return MS_E_STORE_FULL;
    case MS_SERVICE_WAIT:
        return MS_E_TIMEOUT;
    default:
        return MS_E_INTERNAL;
    }
}

static void log_line(const struct ms_service_host *host, const char *text)
{
    const struct ms_service_unit *unit = host->context;

    ms_trace(unit->trace, MS_LEVEL_INFO, "service", "name=\"%s\" says=\"%s\"", unit->name, text);
}

struct ms_service_unit *ms_service_unit_create(const char *name, const struct ms_service *service,
                                               const struct ms_trace *trace, uint64_t seed)
{
    struct ms_service_unit *unit = calloc(1, sizeof *unit);

    if (unit == NULL) {
        return NULL;
    }
    ms_text_copy_name(unit->name, name);
    unit->service = service;
    unit->trace = trace;
    unit->state = service != NULL ? MS_UNIT_SERVES : MS_UNIT_ABSENT;
    unit->host =
        (struct ms_service_host){MS_SERVICE_ABI, sizeof unit->host, unit->name, unit, log_line};
    unit->log_due = MS_SERVICE_LOG_MIN;
    ms_list_init(&unit->waiters);
    if (!ms_service_clients_init(&unit->clients, seed) ||
        (service != NULL && (unit->data = service->create(&unit->host)) == NULL)) {
        ms_service_unit_destroy(unit);
        return NULL;
    }
    return unit;
}

static void drop_state(struct ms_service_unit *unit)
{
    if (unit->data != NULL && unit->service->destroy != NULL) {
        unit->service->destroy(unit->data);
    }
    unit->data = NULL;
}

void ms_service_unit_destroy(struct ms_service_unit *unit)
{
    if (unit == NULL) {
        return;
    }
    drop_state(unit);
    ms_service_clients_finish(&unit->clients);
    ms_service_buffer_finish(&unit->configuration);
    ms_service_buffer_finish(&unit->image);
    free(unit->records);
    free(unit);
}

void ms_service_unit_break(struct ms_service_unit *unit, const char *reason)
{
    if (unit->state != MS_UNIT_SERVES) {
        return;
    }
    unit->state = MS_UNIT_BROKEN;
    ms_complain(&unit->why, "%s", reason);
    ms_trace(unit->trace, MS_LEVEL_ERROR, "a service does not serve", "name=\"%s\" reason=\"%s\"",
             unit->name, reason);
}

static bool keep_record(struct ms_service_unit *unit, ms_seq seq)
{
    if (seq == 0) {
        return true;
    }
    if (unit->records_count == unit->records_capacity) {
        const uint32_t capacity =
            unit->records_capacity > 0 ? 2 * unit->records_capacity : RECORDS_MIN;
        ms_seq *records = realloc(unit->records, capacity * sizeof *records);

        if (records == NULL) {
            return false;
        }
        unit->records = records;
        unit->records_capacity = capacity;
    }
    ms_assert(unit->records_count == 0 || seq > unit->records[unit->records_count - 1]);
    unit->records[unit->records_count++] = seq;
    unit->last = seq;
    return true;
}

static void note_reign(struct ms_service_unit *unit, ms_epoch epoch, uint64_t number)
{
    if (unit->reigns_count > 0 && unit->reigns[unit->reigns_count - 1].epoch == epoch) {
        return;
    }
    if (unit->reigns_count == MS_SERVICE_REIGNS_MAX) {
        unit->reigns_count--;
        memmove(unit->reigns, unit->reigns + 1, unit->reigns_count * sizeof unit->reigns[0]);
    }
    unit->reigns[unit->reigns_count++] = (struct ms_unit_reign){epoch, number};
}

bool ms_service_unit_has(const struct ms_service_unit *unit, ms_epoch epoch, uint64_t number)
{
    if (number == 0) {
        return true;
    }
    for (uint32_t i = 0; i < unit->reigns_count; i++) {
        if (unit->reigns[i].epoch == epoch) {
            return number >= unit->reigns[i].first &&
                   number <
                       (i + 1 < unit->reigns_count ? unit->reigns[i + 1].first : unit->version + 1);
        }
    }
    return false;
}

static void configure(struct ms_service_unit *unit, struct ms_bytes bytes)
{
    const struct ms_service *service = unit->service;

    ms_service_buffer_begin(&unit->configuration, MS_SERVICE_RECORD_MAX);
    ms_service_buffer_add(&unit->configuration, bytes.data, bytes.size);
    unit->is_configured = true;
    if (service->configured != NULL &&
        service->configured(unit->data, bytes.size > 0 ? (const void *)bytes.data : "",
                            bytes.size) != 0) {
        ms_service_unit_break(unit, "it does not take its configuration");
    }
}

/* A change goes to the plug-in, and what comes of a client's call is kept. */
static bool change(struct ms_service_unit *unit, const struct ms_record *record,
                   enum ms_error *error_out, struct ms_service_buffer *reply)
{
    const struct ms_service_change passed = {
        .abi = MS_SERVICE_ABI,
        .size = sizeof passed,
        .data = record->payload.size > 0 ? (const void *)record->payload.data : "",
        .data_size = record->payload.size,
        .client = record->id.client.bytes,
        .number = record->id.seq,
        .version = record->number,
        .wall_us = record->at,
    };
    struct ms_service_writer *out = ms_service_buffer_begin(reply, MS_SERVICE_KEPT_MAX);
    const struct ms_service_caller caller = {
        .uuid = record->id.client,
        .number = record->id.seq,
        .floor = record->count,
        .epoch = record->event == MS_CHANGE_CALL ? record->token.epoch : 0,
    };

    *error_out = ms_service_error_of(unit->service->apply(unit->data, &passed, out));
    if (reply->is_cut) {
        *error_out = MS_E_RESULT_SIZE;
    }
    return record->id.seq == 0 ||
           ms_service_clients_keep(&unit->clients, &caller, (uint16_t)*error_out,
                                   ms_service_buffer_bytes(reply));
}

bool ms_service_unit_apply(struct ms_service_unit *unit, const struct ms_record *record, ms_seq seq,
                           enum ms_error *error_out, struct ms_service_buffer *reply)
{
    *error_out = MS_E_OK;
    if (!keep_record(unit, seq)) {
        return false;
    }
    if (unit->state == MS_UNIT_ABSENT) {
        return true;
    }
    if (unit->pieces_all > 0 || record->number != unit->version + 1) {
        return false;
    }
    unit->version++;
    unit->log_bytes += record->payload.size + MS_RECORD_HEADER_SIZE;
    note_reign(unit, record->token.epoch, unit->version);
    if (unit->state == MS_UNIT_BROKEN) {
        return true;
    }
    if (record->event == MS_CHANGE_CONFIGURATION) {
        configure(unit, record->payload);
        return !unit->configuration.is_cut;
    }
    unit->changes_total++;
    return change(unit, record, error_out, reply);
}

/* --- snapshots --- */

static void write_head(const struct ms_service_unit *unit, struct ms_service_buffer *image)
{
    const struct ms_bytes configuration = ms_service_buffer_bytes(&unit->configuration);

    ms_service_buffer_number(image, MS_SERVICE_IMAGE, 1);
    ms_service_buffer_number(image, unit->version, 8);
    ms_service_buffer_number(image, unit->reigns_count, 4);
    for (uint32_t i = 0; i < unit->reigns_count; i++) {
        ms_service_buffer_number(image, unit->reigns[i].epoch, 8);
        ms_service_buffer_number(image, unit->reigns[i].first, 8);
    }
    ms_service_buffer_number(image, unit->is_configured, 1);
    ms_service_buffer_number(image, configuration.size, 4);
    ms_service_buffer_add(image, configuration.data, configuration.size);
    ms_service_clients_write(&unit->clients, image);
}

struct ms_bytes ms_service_unit_image(struct ms_service_unit *unit)
{
    struct ms_service_buffer *image = &unit->image;
    struct ms_service_writer *out = ms_service_buffer_begin(image, MS_SERVICE_STATE_MAX);

    ms_assert(unit->state == MS_UNIT_SERVES && unit->pieces_all == 0);
    write_head(unit, image);
    if (unit->service->snapshot(unit->data, out) != 0) {
        image->is_cut = true;
    }
    return ms_service_buffer_bytes(image);
}

static bool read_reigns(struct ms_service_unit *unit, struct ms_bytes *bytes)
{
    uint64_t count = 0, epoch = 0, first = 0;

    if (!ms_service_take_number(bytes, 4, &count) || count > MS_SERVICE_REIGNS_MAX) {
        return false;
    }
    unit->reigns_count = 0;
    for (uint64_t i = 0; i < count; i++) {
        if (!ms_service_take_number(bytes, 8, &epoch) ||
            !ms_service_take_number(bytes, 8, &first)) {
            return false;
        }
        unit->reigns[unit->reigns_count++] = (struct ms_unit_reign){epoch, first};
    }
    return true;
}

static bool read_head(struct ms_service_unit *unit, struct ms_bytes *bytes,
                      struct ms_bytes *configuration_out)
{
    uint64_t format = 0, is_configured = 0, size = 0;
    bool is_fine = ms_service_take_number(bytes, 1, &format) && format == MS_SERVICE_IMAGE &&
                   ms_service_take_number(bytes, 8, &unit->version) && read_reigns(unit, bytes) &&
                   ms_service_take_number(bytes, 1, &is_configured) &&
                   ms_service_take_number(bytes, 4, &size) &&
                   ms_service_take_bytes(bytes, size, configuration_out) &&
                   ms_service_clients_read(&unit->clients, bytes);

    unit->is_configured = is_configured != 0;
    return is_fine;
}

/* All pieces are here. */
static bool restore(struct ms_service_unit *unit)
{
    struct ms_bytes bytes = ms_service_buffer_bytes(&unit->image), configuration = {0};

    unit->image_bytes = bytes.size;
    unit->log_bytes = 0;
    if (unit->image.is_cut || !read_head(unit, &bytes, &configuration)) {
        return false;
    }
    if (unit->is_configured) {
        configure(unit, configuration);
    }
    if (unit->state == MS_UNIT_SERVES &&
        (unit->service->restore == NULL ||
         unit->service->restore(unit->data, bytes.size > 0 ? (const void *)bytes.data : "",
                                bytes.size) != 0)) {
        ms_service_unit_break(unit, "it does not take its snapshot");
    }
    return true;
}

bool ms_service_unit_piece(struct ms_service_unit *unit, const struct ms_record *record, ms_seq seq)
{
    if (!keep_record(unit, seq)) {
        return false;
    }
    if (unit->state == MS_UNIT_ABSENT) {
        return true;
    }
    if (record->index == 0 && unit->version == 0 && unit->pieces_all == 0) {
        ms_service_buffer_begin(&unit->image, MS_SERVICE_STATE_MAX);
        unit->pieces_next = 0;
        unit->pieces_all = (uint32_t)record->count;
    }
    if (record->index != unit->pieces_next || record->count != unit->pieces_all) {
        return false;
    }
    ms_service_buffer_add(&unit->image, record->payload.data, record->payload.size);
    unit->pieces_next++;
    if (unit->pieces_next < unit->pieces_all) {
        return true;
    }
    unit->pieces_next = unit->pieces_all = 0;
    return restore(unit);
}

bool ms_service_unit_is_due(const struct ms_service_unit *unit, bool is_alone)
{
    const uint64_t least = is_alone && unit->log_due < MS_SERVICE_LOG_ALONE_MIN
                               ? MS_SERVICE_LOG_ALONE_MIN
                               : unit->log_due;

    return unit->state == MS_UNIT_SERVES && unit->records_count > 0 &&
           unit->service->snapshot != NULL && unit->log_bytes >= least;
}

bool ms_service_unit_is_full(const struct ms_service_unit *unit)
{
    return unit->log_bytes >= MS_SERVICE_LOG_MAX;
}

static void put_pieces(const struct ms_service_unit *unit, struct ms_journal *journal, int64_t at,
                       struct ms_bytes image)
{
    const size_t count = (image.size + MS_CHUNK_MAX - 1) / MS_CHUNK_MAX;

    ms_assert(count > 0 && count <= MS_SERVICE_PIECES_MAX);
    for (size_t i = 0; i < count; i++) {
        const size_t from = i * MS_CHUNK_MAX;
        const size_t left = image.size - from;

        ms_journal_put(
            journal, &(struct ms_record){
                         .kind = MS_RECORD_SERVICE_STATE,
                         .at = at,
                         .name = ms_bytes_of(unit->name),
                         .number = unit->version,
                         .token = {unit->reigns[unit->reigns_count - 1].epoch, 0},
                         .index = (uint32_t)i,
                         .count = count,
                         .payload = {image.data + from, left < MS_CHUNK_MAX ? left : MS_CHUNK_MAX},
                     });
    }
}

void ms_service_unit_snapshot(struct ms_service_unit *unit, struct ms_journal *journal, int64_t at,
                              uint64_t room)
{
    const struct ms_bytes image = ms_service_unit_image(unit);
    const uint32_t covered = unit->records_count;
    const ms_seq before = journal->last;

    if (unit->image.is_cut || image.size > room) {
        unit->log_due = 2 * unit->log_bytes;
        ms_trace(unit->trace, MS_LEVEL_WARN, "no room for a snapshot of a service",
                 "name=\"%s\" log=%llu", unit->name, (unsigned long long)unit->log_bytes);
        return;
    }
    put_pieces(unit, journal, at, image);
    for (uint32_t i = 0; i < covered; i++) {
        ms_journal_erase(journal, unit->records[i]);
    }
    unit->records_count = 0;
    for (ms_seq seq = before + 1; seq <= journal->last; seq++) {
        if (!keep_record(unit, seq)) {
            journal->is_failed = true;
        }
    }
    unit->image_bytes = image.size;
    unit->log_bytes = 0;
    unit->log_due = 2 * image.size > MS_SERVICE_LOG_MIN ? 2 * image.size : MS_SERVICE_LOG_MIN;
}
