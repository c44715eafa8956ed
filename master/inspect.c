#include "master/inspect.h"

#include <stdlib.h>

#include "core/invariant.h"
#include "master/fleet.h"
#include "master/operate.h"
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

static bool is_known(enum ms_query_what what)
{
    switch (what) {
    case MS_QUERY_STATUS:
    case MS_QUERY_SLAVES:
    case MS_QUERY_COMMANDS:
    case MS_QUERY_SHOW:
    case MS_QUERY_WHY:
    case MS_QUERY_GROUP:
    case MS_QUERY_RESULT:
    case MS_QUERY_TAIL:
    case MS_QUERY_OPERATE:
    case MS_QUERY_ROUTES:
    case MS_QUERY_DRY_RUN:
    case MS_QUERY_PROVIDERS:
    case MS_QUERY_COMMAND_SLAVES:
    case MS_QUERY_SERVICES:
        return true;
    default:
        return false;
    }
}

/* False when the question makes no sense. */
static bool parse_filter(const struct ms_query *query, struct ms_filter *filter_out)
{
    switch (query->what) {
    case MS_QUERY_COMMANDS:
        return ms_filter_parse(query->where, filter_out, NULL);
    case MS_QUERY_OPERATE:
        return ms_operate_examine(query) == MS_E_OK &&
               ms_filter_parse(query->where, filter_out, NULL);
    case MS_QUERY_COMMAND_SLAVES:
        return ms_fleet_examine(query) == MS_E_OK &&
               ms_filter_parse_slaves(query->where, filter_out, NULL);
    case MS_QUERY_SLAVES:
        return ms_filter_parse_slaves(query->where, filter_out, NULL);
    default:
        return true;
    }
}

/* Who asked knows all, or is not there any more. */
static void end(struct ms_master *master, struct ms_inquiry *inquiry)
{
    ms_list_remove(&inquiry->link);
    ms_groups_leave(master, inquiry);
    ms_tails_leave(&master->tails, &master->queue, inquiry);
    ms_pool_give(&master->inspect.pool, inquiry);
}

void ms_inspect_left(struct ms_master *master, ms_peer peer)
{
    struct ms_inquiry *inquiry;
    uint32_t cursor = 0;

    while (ms_pool_used(&master->inspect.pool) > 0 &&
           (inquiry = ms_pool_next(&master->inspect.pool, &cursor)) != NULL) {
        if (inquiry->peer == peer) {
            end(master, inquiry);
        }
    }
    ms_assert(cursor <= MS_INQUIRIES_MAX);
}

void ms_inspect_ask(struct ms_master *master, ms_peer peer, uint64_t number,
                    const struct ms_query *query)
{
    static const struct ms_report busy = {.error = MS_E_RETRY_LATER, .last = true};
    static const struct ms_report unknown = {.error = MS_E_BAD_ARGUMENT, .last = true};
    struct ms_filter filter = {0};
    struct ms_inquiry *inquiry;

    if (!is_known(query->what) || !parse_filter(query, &filter)) {
        send_report(master, peer, number, &unknown);
        return;
    }
    inquiry = ms_pool_take(&master->inspect.pool);
    master->inspect.inquiries_total += master->inspect.inquiries_total < UINT32_MAX ? 1 : 0;
    const uint32_t serial = master->inspect.inquiries_total;

    if (inquiry == NULL) {
        send_report(master, peer, number, &busy);
        return;
    }
    *inquiry = (struct ms_inquiry){
        .peer = peer, .number = number, .query = *query, .filter = filter, .serial = serial};
    ms_list_init(&inquiry->link);
    ms_list_init(&inquiry->follower);
    ms_list_push_back(&master->inspect.inquiries, &inquiry->link);
}

/* It goes on when that is durable, maybe at once. */
static void wait(struct ms_master *master, struct ms_inquiry *inquiry)
{
    const bool is_all = inquiry->waits_for == MS_INQUIRY_ALL;
    const ms_seq seq = is_all ? master->journal.last : inquiry->waits_for;
    const struct ms_answer answer = {
        .kind = MS_KIND_REPORT,
        .peer = inquiry->peer,
        .made_at = master->engine.now,
        .first = ms_pool_handle(&master->inspect.pool, inquiry),
    };

    inquiry->waits_for = 0;
    if (is_all && master->journal.has_closed) {
        ms_journal_answer_closed(master, &answer);
    } else {
        ms_journal_answer(master, seq, &answer);
    }
}

void ms_inspect_resume(struct ms_master *master, ms_handle handle)
{
    struct ms_inquiry *inquiry = ms_pool_get(&master->inspect.pool, handle);

    if (inquiry != NULL) { /* who asked is there still */
        ms_assert(!ms_list_is_linked(&inquiry->link));
        ms_list_push_back(&master->inspect.inquiries, &inquiry->link);
    }
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
    if (inquiry->is_done) {
        end(master, inquiry);
        return;
    }
    ms_assert(ms_connections_find(&master->connections, inquiry->peer) != NULL);
    if (ms_engine_room(&master->engine) == 0) {
        ms_list_push_front(&inspect->inquiries, link);
        return;
    }
    ms_rows_fill(master, now, inquiry, inspect->page);
    if (report->last || report->cells_count > 0) {
        send_report(master, inquiry->peer, inquiry->number, report);
    }
    if (report->last && inquiry->tail != NULL) {
        inquiry->is_done = true; /* what was sent is its tail's until the next step */
        ms_list_push_back(&inspect->inquiries, link);
    } else if (report->last) {
        end(master, inquiry);
    } else if (inquiry->waits_for != 0) {
        wait(master, inquiry);
    } else if (!ms_list_is_linked(link)) {
        ms_list_push_back(&inspect->inquiries, link);
    }
}
