#include "master/inspect.h"

#include <stdlib.h>

#include "core/invariant.h"
#include "master/page.h"
#include "master/rows.h"
#include "master/state.h"

bool ms_inspect_init(struct ms_inspect *inspect)
{
    ms_assert(inspect != NULL);
    *inspect = (struct ms_inspect){0};
    ms_list_init(&inspect->inquiries);
    inspect->page = calloc(1, sizeof *inspect->page);
    return inspect->page != NULL &&
           ms_pool_init(&inspect->pool, sizeof(struct ms_inquiry), MS_INQUIRIES_MAX);
}

void ms_inspect_finish(struct ms_inspect *inspect)
{
    if (inspect == NULL) {
        return;
    }
    free(inspect->page);
    ms_pool_finish(&inspect->pool);
    *inspect = (struct ms_inspect){0};
}

static void send_report(struct ms_master *master, ms_peer peer, uint64_t number,
                        const struct ms_report *report)
{
    ms_assert(report->columns_count > 0 || report->cells_count == 0);
    ms_master_send(
        master, peer,
        &(struct ms_command){.kind = MS_KIND_REPORT, .count = number, .body.report = report});
}

static bool has_filter(const struct ms_query *query)
{
    return query->what == MS_QUERY_COMMANDS || query->what == MS_QUERY_OPERATE;
}

void ms_inspect_ask(struct ms_master *master, ms_peer peer, uint64_t number,
                    const struct ms_query *query)
{
    static const struct ms_report busy = {.error = MS_E_RETRY_LATER, .last = true};
    static const struct ms_report unknown = {.error = MS_E_BAD_ARGUMENT, .last = true};
    struct ms_filter filter = {0};
    struct ms_inquiry *inquiry;

    if (query->what < MS_QUERY_STATUS || query->what > MS_QUERY_WHY ||
        (has_filter(query) && !ms_filter_parse(query->where, &filter, NULL))) {
        send_report(master, peer, number, &unknown);
        return;
    }
    inquiry = ms_pool_take(&master->inspect.pool);
    if (inquiry == NULL) {
        send_report(master, peer, number, &busy);
        return;
    }
    *inquiry =
        (struct ms_inquiry){.peer = peer, .number = number, .query = *query, .filter = filter};
    ms_list_init(&inquiry->link);
    ms_list_push_back(&master->inspect.inquiries, &inquiry->link);
}

void ms_inspect_run(struct ms_master *master, ms_time now)
{
    struct ms_inspect *inspect = &master->inspect;
    struct ms_list *link = ms_list_pop_front(&inspect->inquiries);
    struct ms_report *report = &inspect->page->report;
    struct ms_inquiry *inquiry;

    if (link == NULL) {
        return;
    }
    inquiry = ms_container_of(link, struct ms_inquiry, link);
    if (ms_connections_find(&master->connections, inquiry->peer) == NULL) {
        ms_pool_give(&inspect->pool, inquiry);
        return;
    }
    if (ms_engine_room(&master->engine) == 0) {
        ms_list_push_front(&inspect->inquiries, link);
        return;
    }
    ms_rows_fill(master, now, inquiry, inspect->page);
    if (report->last || report->cells_count > 0) {
        send_report(master, inquiry->peer, inquiry->number, report);
    }
    if (report->last) {
        ms_pool_give(&inspect->pool, inquiry);
    } else {
        ms_list_push_back(&inspect->inquiries, link);
    }
}
