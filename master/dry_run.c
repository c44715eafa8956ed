#include "master/dry_run.h"

#include <string.h>

#include "core/invariant.h"
#include "master/gates.h"
#include "master/inspect.h"
#include "master/page.h"
#include "master/slaves.h"
#include "master/state.h"

#define CHAIN_SIZE   160 /* of a chain's words */
#define WHY_SIZE     192
#define ROW_TEXT_MAX 640 /* of a row */

static_assert(MS_PAGE_ROWS * ROW_TEXT_MAX <= MS_PAGE_TEXT, "a page holds the texts of its rows");
static_assert(4 * (MS_NAME_MAX + 1) + CHAIN_SIZE + WHY_SIZE <= ROW_TEXT_MAX,
              "a row holds four names, a chain and a reason");

/* Where the command would wait, and who would be given it; NULL = nobody. */
struct allocation {
    const struct ms_route_settings *route; /* of the type; NULL = nobody ever announced it */
    struct ms_lane *root, *lane;
    const struct ms_session *next;
};

/* Whoever ms_lane_choose would give it to; no turn is taken. */
static const struct ms_session *peek(struct ms_lane *lane)
{
    const struct ms_session *first = lane->strategy->rank != NULL ? ms_seats_first(lane) : NULL;
    const struct ms_member *member = first == NULL ? ms_lane_supplier(lane) : NULL;

    return member == NULL
               ? first
               : ms_container_of(ms_list_first(&member->profile->ready), struct ms_session, link);
}

static struct allocation allocate(const struct ms_master *master, const struct ms_query *query)
{
    struct ms_lane *root = ms_lanes_find(&master->lanes, query->type);
    struct allocation allocation = {.root = root};

    if (root != NULL) {
        allocation.route = root->route;
        allocation.lane = ms_lane_for(root, ms_bytes_of(query->where));
        if (allocation.lane->deputy != NULL) {
            allocation.lane = allocation.lane->deputy;
        }
        allocation.next = peek(allocation.lane);
    }
    return allocation;
}

static bool runs(const struct ms_profile *profile, const struct ms_lane *root)
{
    for (uint32_t i = 0; i < profile->types_count; i++) {
        if (profile->types[i] == root) {
            return true;
        }
    }
    return false;
}

/* NULL = they get nothing of it. */
static const struct ms_member *member_of(const struct ms_profile *profile,
                                         const struct ms_lane *lane)
{
    for (uint32_t i = 0; i < profile->members_count; i++) {
        if (profile->members[i].lane == lane) {
            return &profile->members[i];
        }
    }
    return NULL;
}

/* Why a slave that runs the type is none of those who may get it. */
static void tell_unfit(const struct ms_slave *slave, const struct allocation *allocation,
                       struct ms_text *text)
{
    const char *group = ms_lane_group(allocation->lane);
    const struct ms_route_settings *route = allocation->route;

    if (group[0] != '\0' && strcmp(group, slave->group) != 0) {
        ms_text_add(text, "is of %s%s, and it goes to group %s",
                    slave->group[0] != '\0' ? "group " : "no group", slave->group, group);
        return;
    }
    for (uint32_t i = 0; i < route->labels_count; i++) {
        if (!ms_labels_have(&slave->labels, route->labels[i].text)) {
            ms_text_add(text, "lacks label %s", route->labels[i].text);
            return;
        }
    }
    ms_text_add(text, "is of another group");
}

static void tell(const struct ms_slave *slave, const struct allocation *allocation,
                 struct ms_text *text)
{
    const struct ms_session *session = slave->session;

    if (slave->profile == NULL || session->peer == MS_PEER_NONE) {
        ms_text_add(text, "is not connected");
    } else if (allocation->root == NULL || !runs(slave->profile, allocation->root)) {
        ms_text_add(text, "does not run it");
    } else if (member_of(slave->profile, allocation->lane) == NULL) {
        tell_unfit(slave, allocation, text);
    } else if (slave->is_cordoned) {
        ms_text_add(text, "is cordoned");
    } else if (slave->is_draining || slave->is_ending) {
        ms_text_add(text, "is shutting down");
    } else if (session->credit == 0) {
        ms_text_add(text, "has no free slot");
    } else if (ms_gates_bar(member_of(slave->profile, allocation->lane))) {
        ms_text_add(text, "has what a limit of the route allows");
    } else {
        ms_text_add(text, session == allocation->next ? "is next" : "may get one");
    }
}

static void fill_row(const struct ms_slave *slave, const struct allocation *allocation,
                     struct ms_report_page *page)
{
    const struct ms_session *session = slave->session;
    char words[WHY_SIZE];
    struct ms_text text;

    ms_page_text(page, "slave", session->name);
    ms_text_init(&text, words, sizeof words);
    tell(slave, allocation, &text);
    ms_page_text(page, "it", words);
    ms_page_text(page, "group", slave->group);
    ms_page_number(page, "weight", slave->weight);
    ms_page_number(page, "slots", slave->slots);
    ms_page_number(page, "credit", session->credit);
    ms_page_number(page, "held", session->held);
    ms_page_text(page, "route", allocation->route != NULL ? allocation->route->pattern : "");
    ms_text_init(&text, words, CHAIN_SIZE);
    if (allocation->route != NULL) {
        ms_chain_print(&allocation->route->chain, &text);
    }
    ms_page_text(page, "strategy", words);
    ms_page_text(page, "goes_to_group",
                 allocation->lane != NULL ? ms_lane_group(allocation->lane) : "");
    ms_page_end_row(page);
}

void ms_dry_run_fill(struct ms_master *master, struct ms_inquiry *inquiry,
                     struct ms_report_page *page)
{
    const struct allocation allocation = allocate(master, &inquiry->query);
    const uint32_t limit = inquiry->query.limit > 0 ? inquiry->query.limit : UINT32_MAX;

    for (uint32_t visits = 0; visits < MS_PAGE_VISITS && ms_page_has_room(page); visits++) {
        const struct ms_slave *slave = ms_pool_next(&master->slaves, &inquiry->cursor);

        page->report.last = slave == NULL || inquiry->rows >= limit;
        if (page->report.last) {
            return;
        }
        if (slave->session != NULL && !ms_session_is_dead(slave->session)) {
            fill_row(slave, &allocation, page);
            inquiry->rows++;
        }
    }
}
