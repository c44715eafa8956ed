/* What people see of providers. */
#include "master/clients.h"
#include "master/inspect.h"
#include "master/page.h"
#include "master/state.h"

#define CURSOR_SHOWN_MAX 64 /* bytes of a cursor that people see */

static void add_cursor(const struct ms_source *source, struct ms_report_page *page)
{
    struct ms_bytes shown = {source->cursor, source->cursor_size};

    shown.size = shown.size < CURSOR_SHOWN_MAX ? shown.size : CURSOR_SHOWN_MAX;
    ms_page_bytes(page, "cursor", shown);
}

static void fill_row(const struct ms_master *master, const struct ms_source *source,
                     struct ms_report_page *page)
{
    const struct ms_client *client = source->client;
    const struct ms_lane *lane = ms_lanes_find(&master->lanes, source->settings->type);

    ms_page_text(page, "name", source->settings->name);
    ms_page_text(page, "type", lane != NULL ? lane->name : "");
    ms_page_text(page, "state", ms_source_state_name(source->state));
    ms_page_number(page, "made", source->number);
    ms_page_number(page, "in_hand",
                   client->live_count - client->pending_count - client->sent_count);
    ms_page_number(page, "done", source->done_total);
    ms_page_number(page, "failed", source->failed_total);
    ms_page_number(page, "untold", client->pending_count + source->telling);
    ms_page_number(page, "kept", source->kept);
    add_cursor(source, page);
    ms_page_text(page, "why", source->why);
    ms_page_end_row(page);
}

void ms_sources_fill(struct ms_master *master, struct ms_inquiry *inquiry,
                     struct ms_report_page *page)
{
    const struct ms_sources *sources = &master->sources;
    const uint32_t limit = inquiry->query.limit > 0 ? inquiry->query.limit : UINT32_MAX;

    while (inquiry->cursor < sources->count && inquiry->cursor < limit && ms_page_has_room(page)) {
        fill_row(master, &sources->items[inquiry->cursor], page);
        inquiry->cursor++;
    }
    page->report.last = inquiry->cursor == sources->count || inquiry->cursor >= limit;
}
