/* QUERY SERVICES: a row for each. */
#include "core/invariant.h"
#include "master/page.h"
#include "master/services.h"
#include "master/state.h"

static void add_pulse(struct ms_services *services, const struct ms_service_unit *unit,
                      struct ms_report_page *page)
{
    struct ms_service_buffer *written = &services->written;
    char version[32];
    struct ms_text text;

    if (unit->state == MS_UNIT_SERVES && unit->service->heartbeat != NULL) {
        unit->service->heartbeat(unit->data,
                                 ms_service_buffer_begin(written, MS_SERVICE_PULSE_MAX));
        ms_page_bytes(page, "heartbeat", ms_service_buffer_bytes(written));
        return;
    }
    ms_text_init(&text, version, sizeof version);
    ms_text_add(&text, "version %llu", (unsigned long long)unit->version);
    ms_page_text(page, "heartbeat", version);
}

static void fill_row(struct ms_services *services, const struct ms_service_unit *unit,
                     struct ms_report_page *page)
{
    ms_page_text(page, "name", unit->name);
    ms_page_text(page, "type", unit->service != NULL ? unit->service->type : "");
    ms_page_text(page, "state", ms_unit_state_name(unit->state));
    ms_page_number(page, "version", unit->version);
    ms_page_number(page, "calls", unit->calls_total);
    ms_page_number(page, "changes", unit->changes_total);
    ms_page_number(page, "refused", unit->refused_total);
    ms_page_number(page, "snapshot_bytes", unit->image_bytes);
    ms_page_number(page, "log_bytes", unit->log_bytes);
    ms_page_number(page, "records", unit->records_count);
    ms_page_number(page, "clients", ms_service_clients_count(&unit->clients));
    add_pulse(services, unit, page);
    ms_page_text(page, "reason", unit->state == MS_UNIT_BROKEN ? unit->why.text : "");
    ms_page_end_row(page);
}

void ms_services_fill(struct ms_master *master, struct ms_inquiry *inquiry,
                      struct ms_report_page *page)
{
    struct ms_services *services = &master->services;

    ms_assert(services->count <= MS_PAGE_ROWS);
    (void)inquiry;
    for (uint32_t i = 0; i < services->count; i++) {
        fill_row(services, services->units[i], page);
    }
    page->report.last = true;
}
