#include "master/routing.h"

#include "core/invariant.h"
#include "master/gates.h"
#include "master/inspect.h"
#include "master/page.h"
#include "master/reroute.h"
#include "master/state.h"

#define CHAIN_SIZE   160 /* of a chain's words */
#define LABELS_SIZE  256 /* of labels, cut beyond */
#define RATE_SIZE    32
#define NUMBER_SIZE  12
#define ROW_TEXT_MAX 768 /* of a row */

static_assert(MS_PAGE_ROWS * ROW_TEXT_MAX <= MS_PAGE_TEXT, "a page holds the texts of its rows");
static_assert(3 * (MS_NAME_MAX + 1) + CHAIN_SIZE + LABELS_SIZE + MS_ROUTE_SCOPES * RATE_SIZE +
                      5 * NUMBER_SIZE <=
                  ROW_TEXT_MAX,
              "a row holds three names, a chain, labels, rates and short words");
static_assert(LABELS_SIZE <= MS_DETAIL_MAX, "a cell holds labels");

bool ms_master_set_routes(struct ms_master *master, ms_time now, const struct ms_routes *routes)
{
    return ms_reroute(master, now, routes);
}

static void add_chain(struct ms_report_page *page, const struct ms_chain *chain)
{
    char words[CHAIN_SIZE];
    struct ms_text text;

    ms_text_init(&text, words, sizeof words);
    ms_chain_print(chain, &text);
    ms_page_text(page, "strategy", words);
}

static void add_labels(struct ms_report_page *page, const struct ms_route_settings *route)
{
    char words[LABELS_SIZE];
    struct ms_text text;
    uint32_t fit = 0;

    for (size_t size = sizeof ", ..."; fit < route->labels_count; fit++) {
        size += strlen(route->labels[fit].text) + strlen(", ");
        if (size > sizeof words) {
            break;
        }
    }
    ms_text_init(&text, words, sizeof words);
    ms_route_print_names(route->labels, fit, &text);
    ms_text_add(&text, "%s", fit < route->labels_count ? ", ..." : "");
    ms_page_text(page, "labels", words);
}

static void add_rate(struct ms_report_page *page, const char *name, const struct ms_rate *rate)
{
    char words[RATE_SIZE];
    struct ms_text text;

    ms_text_init(&text, words, sizeof words);
    if (ms_rate_is_limit(rate)) {
        ms_rate_print(rate, &text);
    }
    ms_page_text(page, name, words);
}

static void add_priority(struct ms_report_page *page, int priority)
{
    char words[NUMBER_SIZE];
    struct ms_text text;

    ms_text_init(&text, words, sizeof words);
    ms_text_add(&text, "%d", priority);
    ms_page_text(page, "priority", words);
}

/* A count of commands in hand, which only gates keep. */
static void add_held(struct ms_report_page *page, const char *name, const struct ms_gate *gate)
{
    char words[NUMBER_SIZE] = "";
    struct ms_text text;

    ms_text_init(&text, words, sizeof words);
    if (gate != NULL) {
        ms_text_add(&text, "%u", gate->held);
    }
    ms_page_text(page, name, words);
}

/* That which has the most in hand; NULL = there is none. */
static const struct ms_gate *fullest_group(const struct ms_gates *gates)
{
    const struct ms_gate *fullest = NULL;

    if (gates == NULL) {
        return NULL;
    }
    ms_list_for_each(link, &gates->groups)
    {
        const struct ms_gate *gate = ms_container_of(link, struct ms_gate, link);

        fullest = fullest == NULL || gate->held > fullest->held ? gate : fullest;
    }
    return fullest;
}

/* type: "" for a route that applies to none as yet; route: NULL for a type that has none. */
static void fill_row(const char *type, const struct ms_route_settings *route,
                     const struct ms_gates *gates, struct ms_report_page *page)
{
    static const struct ms_route_settings none = {0};
    const struct ms_route_settings *by = route != NULL ? route : &none;

    ms_page_text(page, "type", type);
    ms_page_text(page, "route", by->pattern);
    add_chain(page, &by->chain);
    ms_page_text(page, "group", by->group);
    add_labels(page, by);
    ms_page_number(page, "concurrency", by->concurrency[MS_ROUTE_ALL]);
    add_held(page, "in_hand", gates != NULL ? &gates->all : NULL);
    add_rate(page, "rate", &by->rate[MS_ROUTE_ALL]);
    ms_page_number(page, "groups", by->groups_count);
    ms_page_text(page, "on_absent",
                 by->groups_count > 0 ? ms_route_absent_names[by->on_absent] : "");
    ms_page_number(page, "affinity_ms", (uint64_t)(by->affinity / MS_MSEC));
    ms_page_text(page, "ordered", by->is_ordered ? "yes" : "no");
    ms_page_text(page, "fair", by->is_fair ? "yes" : "no");
    add_priority(page, by->priority);
    ms_page_number(page, "group_concurrency", by->concurrency[MS_ROUTE_PER_GROUP]);
    ms_page_number(page, "key_concurrency", by->concurrency[MS_ROUTE_PER_KEY]);
    add_rate(page, "group_rate", &by->rate[MS_ROUTE_PER_GROUP]);
    add_rate(page, "key_rate", &by->rate[MS_ROUTE_PER_KEY]);
    add_held(page, "group_in_hand", fullest_group(gates));
    ms_page_end_row(page);
}

static void fill_type(const struct ms_master *master, struct ms_inquiry *inquiry,
                      struct ms_report_page *page)
{
    const struct ms_routes *routes = &master->routes;
    const struct ms_route *known = ms_router_at(&master->lanes.router, inquiry->cursor);
    const char *name = known->name;
    const struct ms_lane *lane = ms_lanes_find(&master->lanes, known->type);
    const struct ms_route_settings *route = ms_routes_find(routes, name);

    if (route != NULL) {
        const size_t index = (size_t)(route - routes->items);

        ms_assert(index < MS_SECTIONS_MAX);
        inquiry->routes_used[index / 8] |= (uint8_t)(1u << index % 8);
    }
    fill_row(name, route, lane != NULL ? lane->gates : NULL, page);
    inquiry->rows++;
}

static void fill_route(const struct ms_master *master, struct ms_inquiry *inquiry, size_t index,
                       struct ms_report_page *page)
{
    if ((inquiry->routes_used[index / 8] >> index % 8 & 1) == 0) {
        fill_row("", &master->routes.items[index], NULL, page);
        inquiry->rows++;
    }
}

/* First the types, as many as there were at first (inquiry->end), then the routes. */
void ms_routing_fill(struct ms_master *master, struct ms_inquiry *inquiry,
                     struct ms_report_page *page)
{
    const uint32_t limit = inquiry->query.limit > 0 ? inquiry->query.limit : UINT32_MAX;
    const size_t routes = master->routes.count;

    if (inquiry->cursor == 0) {
        inquiry->end = (uint32_t)ms_router_count(&master->lanes.router);
    }
    for (size_t visits = 0; visits < MS_PAGE_VISITS && ms_page_has_room(page);) {
        const size_t index = inquiry->cursor - inquiry->end; /* of a route, if it is one */

        page->report.last = inquiry->cursor >= inquiry->end + routes || inquiry->rows >= limit;
        if (page->report.last) {
            return;
        }
        if (inquiry->cursor < inquiry->end) {
            fill_type(master, inquiry, page);
            visits += routes;
        } else {
            fill_route(master, inquiry, index, page);
        }
        inquiry->cursor++;
        visits++;
    }
}
