#include "master/rows.h"

#include "core/invariant.h"
#include "master/clients.h"
#include "master/slaves.h"
#include "master/state.h"

#define ID_SIZE      56  /* 32 digits, a dash, a number, the terminating zero */
#define TYPES_SIZE   256 /* of the types of one slave, cut beyond */
#define ROW_TEXT_MAX 512 /* of a row of slaves or commands */

static struct ms_cell *add_cell(struct ms_report_page *page, const char *name)
{
    struct ms_cell *cell = &page->cells[page->report.cells_count];

    ms_assert(page->report.cells_count < sizeof page->cells / sizeof page->cells[0]);
    page->report.cells_count++;
    *cell = (struct ms_cell){.name = name};
    return cell;
}

static void add_number(struct ms_report_page *page, const char *name, uint64_t number)
{
    struct ms_cell *cell = add_cell(page, name);

    cell->is_number = true;
    cell->number = number;
}

static void add_text(struct ms_report_page *page, const char *name, const char *text)
{
    struct ms_cell *cell = add_cell(page, name);
    const size_t size = strlen(text) + 1;

    ms_assert(size <= MS_DETAIL_MAX + 1);
    ms_assert(page->text_used + size <= sizeof page->text);
    memcpy(page->text + page->text_used, text, size);
    cell->text = page->text + page->text_used;
    page->text_used += size;
}

static bool has_room(const struct ms_report_page *page)
{
    return page->report.cells_count < MS_PAGE_ROWS * page->report.columns_count ||
           page->report.cells_count == 0;
}

/* The row that was added tells how many columns there are. */
static void end_row(struct ms_report_page *page)
{
    if (page->report.columns_count == 0) {
        page->report.columns_count = page->report.cells_count;
    }
    ms_assert(page->report.columns_count <= MS_REPORT_COLUMNS_MAX);
    ms_assert(page->report.cells_count % page->report.columns_count == 0);
}

static_assert(MS_PAGE_ROWS <= MS_REPORT_ROWS_MAX, "a page is one frame");
static_assert(MS_PAGE_ROWS * ROW_TEXT_MAX <= MS_PAGE_TEXT, "a page holds the texts of its rows");
static_assert(2 * (MS_NAME_MAX + 1) + ID_SIZE + TYPES_SIZE + 32 <= ROW_TEXT_MAX,
              "a row holds two names, an id, types and short words");

/* Times that were read back are of the wall clock, which may have been set back since. */
static uint64_t ms_since(ms_time now, ms_time then)
{
    return now > then ? (uint64_t)((now - then) / MS_MSEC) : 0;
}

static void print_uuid(struct ms_text *text, const struct ms_uuid *uuid)
{
    for (size_t i = 0; i < sizeof uuid->bytes; i++) {
        ms_text_add(text, "%02x", uuid->bytes[i]);
    }
}

static void add_id(struct ms_report_page *page, const struct ms_work *work)
{
    char id[ID_SIZE];
    struct ms_text text;

    ms_text_init(&text, id, sizeof id);
    print_uuid(&text, &work->client->uuid);
    ms_text_add(&text, ":%llu", (unsigned long long)work->seq);
    ms_assert(!ms_text_is_cut(&text));
    add_text(page, "id", id);
}

static void fill_status_commands(const struct ms_master_stats *stats, struct ms_report_page *page)
{
    ms_assert(page->report.cells_count > 0);
    add_number(page, "commands_ready", stats->commands[MS_LIFE_READY]);
    add_number(page, "commands_delayed", stats->commands[MS_LIFE_DELAYED]);
    add_number(page, "commands_leased", stats->commands[MS_LIFE_LEASED]);
    add_number(page, "commands_done", stats->commands[MS_LIFE_DONE]);
    add_number(page, "commands_buried", stats->commands[MS_LIFE_BURIED]);
    add_number(page, "commands_cancelled", stats->commands[MS_LIFE_CANCELLED]);
    add_number(page, "submitted_total", stats->submitted_total);
    add_number(page, "refused_total", stats->refused_total);
    add_number(page, "dispatched_total", stats->dispatched_total);
    add_number(page, "outcomes_total", stats->outcomes_total);
    add_number(page, "retries_total", stats->retries_total);
    add_number(page, "results_refused_total", stats->results_refused_total);
    add_number(page, "memory_bytes", stats->bytes_used);
}

static void fill_status(struct ms_master *master, ms_time now, struct ms_report_page *page)
{
    struct ms_master_stats stats;

    ms_master_stats(master, &stats);
    add_text(page, "name", master->name);
    add_text(page, "build", master->build);
    add_number(page, "epoch", master->config.epoch);
    add_text(page, "role", "active");
    add_text(page, "state", stats.is_draining ? "draining" : "running");
    add_text(page, "durability",
             ms_durability_name(stats.is_durable ? MS_DURABILITY_LOCAL : MS_DURABILITY_MEM));
    add_number(page, "uptime_s", (uint64_t)((now - master->started_at) / MS_SEC));
    fill_status_commands(&stats, page);
    add_number(page, "sessions_alive", stats.sessions[MS_SESSION_ALIVE]);
    add_number(page, "sessions_waiting",
               stats.sessions[MS_SESSION_WAITING_0] + stats.sessions[MS_SESSION_WAITING_1] +
                   stats.sessions[MS_SESSION_WAITING_2]);
    add_number(page, "sessions_dead", stats.sessions[MS_SESSION_DEAD]);
    add_number(page, "slaves", stats.slaves_count);
    add_number(page, "clients", stats.clients_count);
    add_number(page, "types", stats.types_count);
    add_number(page, "connections", stats.connections_count);
    add_number(page, "slots", stats.slots);
    add_number(page, "credit", stats.credit);
    add_number(page, "held", stats.held);
    add_number(page, "deaths_total", stats.deaths_total);
    add_number(page, "stalls_total", stats.stalls_total);
    end_row(page);
}

static void print_types(const struct ms_profile *profile, struct ms_text *text)
{
    for (uint32_t i = 0; profile != NULL && i < profile->members_count; i++) {
        const char *name = profile->members[i].lane->name;

        if (text->length + strlen(name) + sizeof ", ..." > text->size) {
            ms_text_add(text, ", ...");
            return;
        }
        ms_text_add(text, "%s%s", i > 0 ? "," : "", name);
    }
    ms_assert(!ms_text_is_cut(text));
}

static void fill_slave(const struct ms_session *session, ms_time now, struct ms_report_page *page)
{
    const struct ms_slave *slave = ms_slave_of(session);
    char uuid_text[ID_SIZE];
    char types_text[TYPES_SIZE];
    struct ms_text uuid;
    struct ms_text types;

    ms_text_init(&uuid, uuid_text, sizeof uuid_text);
    print_uuid(&uuid, &session->uuid);
    ms_text_init(&types, types_text, sizeof types_text);
    print_types(slave->profile, &types);
    add_number(page, "session", slave->number);
    add_text(page, "name", session->name);
    add_text(page, "uuid", uuid_text);
    add_text(page, "state", ms_session_state_name(session->state));
    add_text(page, "connected", session->peer != MS_PEER_NONE ? "yes" : "no");
    add_text(page, "draining", slave->is_draining ? "yes" : "no");
    add_number(page, "slots", slave->slots);
    add_number(page, "held", session->held);
    add_number(page, "credit", session->credit);
    add_text(page, "types", types_text);
    add_number(page, "last_heard_ms", ms_since(now, session->heard_at));
    add_number(page, "done_total", slave->done_total);
    add_number(page, "failed_total", slave->failed_total);
    end_row(page);
}

static const char *holder_name(const struct ms_work *work)
{
    ms_assert((work->holder != NULL) == (work->state == MS_LIFE_LEASED));
    return work->holder != NULL ? work->holder->session->name : "";
}

static void fill_command(const struct ms_work *work, ms_time now, struct ms_report_page *page)
{
    add_id(page, work);
    add_text(page, "type", work->lane->name);
    add_text(page, "state", ms_life_state_name(work->state));
    add_number(page, "attempt", work->attempt);
    add_text(page, "slave", holder_name(work));
    add_number(page, "age_ms", ms_since(now, work->created_at));
    add_number(page, "size_bytes", work->size);
    end_row(page);
}

static void reason_ready(const struct ms_work *work, struct ms_text *text)
{
    const struct ms_lane *lane = work->lane;
    const uint32_t sessions = ms_lane_sessions(lane);

    if (work->is_in_doubt) {
        ms_text_add(text, "a slave that has not come back since the master's start may have it");
        return;
    }
    ms_assert(lane->ready_count > 0);
    if (sessions == 0) {
        ms_text_add(text, "no living slave runs %s", lane->name);
    } else {
        ms_text_add(text, "%u %s %s and %s no free slot; %u commands of this type wait", sessions,
                    sessions == 1 ? "slave runs" : "slaves run", lane->name,
                    sessions == 1 ? "has" : "have", lane->ready_count);
    }
}

void ms_rows_reason(const struct ms_work *work, ms_time now, struct ms_text *text)
{
    switch (work->state) {
    case MS_LIFE_READY:
        reason_ready(work, text);
        break;
    case MS_LIFE_DELAYED:
        ms_text_add(text, work->attempt == 0 ? "its delay is not over"
                                             : "its next attempt waits for the back-off to pass");
        break;
    case MS_LIFE_LEASED:
        ms_text_add(text, "slave %s has had attempt %u for %llu ms%s", holder_name(work),
                    work->attempt, (unsigned long long)ms_since(now, work->changed_at),
                    work->holder->session->peer == MS_PEER_NONE ? " and is not connected"
                    : work->is_cancel_asked                     ? " and was told to stop"
                                                                : "");
        break;
    default:
        ms_assert(ms_work_is_finished(work));
        ms_text_add(text, "its client has not confirmed the outcome");
        break;
    }
}

/* The detail may hold anything that is UTF-8 without zero bytes; a report's text ends at the first. */
static void add_detail(struct ms_report_page *page, const struct ms_work *work)
{
    char detail[MS_DETAIL_MAX + 1];

    ms_assert(work->detail_size <= MS_DETAIL_MAX);
    if (work->detail_size > 0) {
        memcpy(detail, ms_work_detail(work).data, work->detail_size);
    }
    detail[work->detail_size] = '\0';
    add_text(page, "last_detail", detail);
}

static void fill_show(const struct ms_work *work, ms_time now, struct ms_report_page *page)
{
    char reason[MS_DETAIL_MAX];
    struct ms_text text;

    ms_text_init(&text, reason, sizeof reason);
    ms_rows_reason(work, now, &text);
    add_id(page, work);
    add_text(page, "type", work->lane->name);
    add_text(page, "state", ms_life_state_name(work->state));
    add_number(page, "attempt", work->attempt);
    add_number(page, "attempts_max", work->attempts_max);
    add_number(page, "failures", work->failures);
    add_number(page, "crashes", work->crashes);
    add_text(page, "slave", holder_name(work));
    add_number(page, "age_ms", ms_since(now, work->created_at));
    add_number(page, "state_age_ms", ms_since(now, work->changed_at));
    add_number(page, "size_bytes", work->size);
    add_number(page, "timeout_ms", (uint64_t)(work->timeout / MS_MSEC));
    add_text(page, "last_status",
             work->failures > 0 || work->crashes > 0 || ms_work_is_finished(work)
                 ? ms_status_name(work->status)
                 : "");
    add_detail(page, work);
    add_text(page, "waits_because", reason);
    end_row(page);
}

static bool is_wanted(const struct ms_inquiry *inquiry, const struct ms_work *work)
{
    const struct ms_query *query = &inquiry->query;

    ms_assert(query->what == MS_QUERY_COMMANDS);
    return (query->type == 0 || query->type == work->lane->type) &&
           (query->state[0] == '\0' || strcmp(query->state, ms_life_state_name(work->state)) == 0);
}

/* Looks at one place of the table; true when it gave a row. */
static bool visit(struct ms_master *master, ms_time now, const struct ms_inquiry *inquiry,
                  struct ms_report_page *page)
{
    if (inquiry->query.what == MS_QUERY_COMMANDS) {
        const struct ms_work *work = ms_pool_at(&master->queue.pool, inquiry->cursor);

        if (work == NULL || !is_wanted(inquiry, work)) {
            return false;
        }
        fill_command(work, now, page);
    } else {
        const struct ms_session *session = ms_pool_at(&master->sessions.pool, inquiry->cursor);

        if (session == NULL || session->role != MS_ROLE_SLAVE || session->user == NULL) {
            return false;
        }
        fill_slave(session, now, page);
    }
    return true;
}

static void walk(struct ms_master *master, ms_time now, struct ms_inquiry *inquiry,
                 struct ms_report_page *page)
{
    const uint32_t end = inquiry->query.what == MS_QUERY_COMMANDS ? master->queue.pool.touched
                                                                  : master->sessions.pool.touched;
    const uint32_t limit = inquiry->query.limit > 0 ? inquiry->query.limit : UINT32_MAX;

    for (uint32_t visits = 0; visits < MS_PAGE_VISITS && has_room(page); visits++) {
        if (inquiry->cursor >= end || inquiry->rows >= limit) {
            page->report.last = true;
            return;
        }
        inquiry->rows += visit(master, now, inquiry, page);
        inquiry->cursor++;
    }
}

static void show(struct ms_master *master, ms_time now, const struct ms_inquiry *inquiry,
                 struct ms_report_page *page)
{
    const struct ms_work *work = ms_clients_find_work(master, &inquiry->query.id);

    ms_assert(page->report.cells_count == 0);
    if (work == NULL) {
        page->report.error = MS_E_NOT_FOUND;
        return;
    }
    fill_show(work, now, page);
}

void ms_rows_fill(struct ms_master *master, ms_time now, struct ms_inquiry *inquiry,
                  struct ms_report_page *page)
{
    page->report = (struct ms_report){.cells = page->cells};
    page->text_used = 0;
    switch (inquiry->query.what) {
    case MS_QUERY_STATUS:
        fill_status(master, now, page);
        page->report.last = true;
        break;
    case MS_QUERY_SHOW:
        show(master, now, inquiry, page);
        page->report.last = true;
        break;
    case MS_QUERY_SLAVES:
    case MS_QUERY_COMMANDS:
        walk(master, now, inquiry, page);
        break;
    default:
        ms_unreachable(); /* ms_inspect_ask refuses others */
    }
}
