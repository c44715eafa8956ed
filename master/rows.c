#include "master/rows.h"

#include "core/invariant.h"
#include "master/clients.h"
#include "master/dry_run.h"
#include "master/facts.h"
#include "master/fleet.h"
#include "master/operate.h"
#include "master/output.h"
#include "master/page.h"
#include "master/rare.h"
#include "master/routing.h"
#include "master/slaves.h"
#include "master/spool.h"
#include "master/state.h"
#include "master/submit.h"
#include "master/tail.h"
#include "master/timeline.h"
#include "master/why.h"

/* Of an alarm, with what parts it from the next. */
#define ALARM_NAME_MAX 32u

static_assert(3 * (MS_NAME_MAX + 1) + MS_PAGE_ID_SIZE + MS_UNIQUE_KEY_MAX + 1 + 64 <=
                  MS_PAGE_ROW_TEXT,
              "a row holds three names, an id, a key and short words");

/* Times that were read back are of the wall clock, which may have been set back since. */
static uint64_t ms_since(ms_time now, ms_time then)
{
    return now > then ? (uint64_t)((now - then) / MS_MSEC) : 0;
}

static void fill_status_commands(const struct ms_master_stats *stats, struct ms_report_page *page)
{
    ms_assert(page->report.cells_count > 0);
    ms_page_number(page, "commands_ready", stats->commands[MS_LIFE_READY]);
    ms_page_number(page, "commands_delayed", stats->commands[MS_LIFE_DELAYED]);
    ms_page_number(page, "commands_leased", stats->commands[MS_LIFE_LEASED]);
    ms_page_number(page, "commands_done", stats->commands[MS_LIFE_DONE]);
    ms_page_number(page, "commands_buried", stats->commands[MS_LIFE_BURIED]);
    ms_page_number(page, "commands_cancelled", stats->commands[MS_LIFE_CANCELLED]);
    ms_page_number(page, "commands_kept", stats->kept_count);
    ms_page_number(page, "kept_bytes", stats->kept_bytes);
    ms_page_number(page, "submitted_total", stats->submitted_total);
    ms_page_number(page, "refused_total", stats->refused_total);
    ms_page_number(page, "dispatched_total", stats->dispatched_total);
    ms_page_number(page, "outcomes_total", stats->outcomes_total);
    ms_page_number(page, "retries_total", stats->retries_total);
    ms_page_number(page, "results_refused_total", stats->results_refused_total);
    ms_page_number(page, "memory_bytes", stats->bytes_used);
}

/* What is bounded, by how much, and how much of it is used; what is counted in other columns has only its bound
 * here. */
static void fill_status_limits(const struct ms_master *master, const struct ms_master_stats *stats,
                               struct ms_report_page *page)
{
    const struct ms_master_limits *limits = &master->config.limits;

    ms_page_number(page, "commands", stats->commands_count - stats->kept_count);
    ms_page_number(page, "commands_max", master->queue.commands_max);
    ms_page_number(page, "memory_max_bytes", master->queue.bytes_max);
    ms_page_number(page, "commands_kept_max", limits->keep_count);
    ms_page_number(page, "kept_max_bytes", master->queue.keep_bytes);
    ms_page_number(page, "spools", stats->spools_count);
    ms_page_number(page, "spools_bytes", stats->spools_bytes);
    ms_page_number(page, "payload_max_bytes", master->config.payload_max);
    ms_page_number(page, "sessions", ms_session_manager_count(&master->sessions));
    ms_page_number(page, "sessions_max", limits->sessions_max);
    ms_page_number(page, "connections_max", limits->connections_max);
    ms_page_number(page, "questions", stats->inquiries_count);
    ms_page_number(page, "questions_max", MS_INQUIRIES_MAX);
    ms_page_number(page, "followers", stats->followers_count);
    ms_page_number(page, "followers_max", MS_FOLLOWERS_MAX);
    ms_page_number(page, "followers_bytes", stats->tails_bytes);
    ms_page_number(page, "followers_max_bytes", MS_TAIL_BYTES_MAX);
    if (stats->is_durable) {
        ms_page_number(page, "store_room_bytes", stats->store_room);
        ms_page_number(page, "store_reserve_bytes", limits->store_reserve);
        ms_page_number(page, "store_max_bytes", limits->store_max);
        ms_page_number(page, "store_behind_bytes", stats->store_behind);
        ms_page_number(page, "store_behind_max_bytes", MS_JOURNAL_BEHIND_MAX);
    }
}

/* The half knows that work waits, the master which. */
static bool is_of_selfcheck(const char *alarm)
{
    return strncmp(alarm, MS_SELFCHECK_ALARM ":", sizeof MS_SELFCHECK_ALARM) == 0;
}

/* All of them in one line, the most urgent first. Where there is no room for all sentences, the last ones are told by their
 * names. */
static void add_alarms(const struct ms_master *master, const struct ms_pair_alarms *alarms,
                       struct ms_text *text)
{
    char words[MS_DETAIL_MAX];
    struct ms_text own;

    for (uint32_t i = 0; i < alarms->count; i++) {
        const char *alarm = alarms->texts[i];
        const size_t names = (alarms->count - i) * ALARM_NAME_MAX;

        if (is_of_selfcheck(alarm)) {
            ms_text_init(&own, words, sizeof words);
            ms_selfcheck_tell(&master->selfcheck, &own);
            alarm = words;
        }
        const bool is_short = text->length + strlen(alarm) + names > MS_DETAIL_MAX;

        ms_text_add(text, "%s%.*s", i > 0 ? " | " : "",
                    (int)(is_short ? strcspn(alarm, ":") : strlen(alarm)), alarm);
    }
}

static void fill_alarm(const struct ms_master *master, const struct ms_pair_alarms *alarms,
                       struct ms_report_page *page)
{
    char words[MS_DETAIL_MAX + 1];
    struct ms_text text;

    ms_text_init(&text, words, sizeof words);
    if (alarms->count == 0) {
        ms_text_add(&text, "none");
    }
    add_alarms(master, alarms, &text);
    ms_page_text(page, "alarm", words);
}

/* Where no half does. */
static void find_alarms(const struct ms_master *master, const struct ms_master_stats *stats,
                        struct ms_pair_alarms *alarms)
{
    if (stats->is_durable && stats->store_room == 0) {
        alarms->texts[alarms->count++] = "STORE_FULL: no room is left in the data directory, and "
                                         "what is to be written waits: make room";
    } else if (stats->is_store_full) {
        alarms->texts[alarms->count++] = "STORE_SHORT: little room is left in the data directory, "
                                         "and submissions are refused for it: make room";
    }
    if (stats->store_room > 0 && ms_silence_span(&master->journal.silence) >= MS_STORE_SILENCE) {
        alarms->texts[alarms->count++] = "STORE_STUCK: the disk does not answer, so nothing is "
                                         "acknowledged that is to be on it: look at that disk";
    }
    if (master->selfcheck.is_raised) {
        alarms->texts[alarms->count++] = MS_SELFCHECK_ALARM ":";
    }
}

/* What the half around it says, if there is one. */
static void fill_half(const struct ms_master *master, const struct ms_half_facts *half,
                      struct ms_report_page *page)
{
    char words[MS_NAME_MAX + 1];
    struct ms_text text;

    fill_alarm(master, &half->alarms, page);
    if (half->state == NULL) {
        return;
    }
    ms_text_init(&text, words, sizeof words);
    ms_text_add(&text, "%u/%u", half->witnesses_connected, half->witnesses_count);
    ms_page_text(page, "pair", half->state);
    ms_page_text(page, "in_sync", half->in_sync);
    ms_page_number(page, "lag_bytes", half->lag_bytes);
    ms_page_text(page, "witnesses", words);
}

static void fill_status(struct ms_master *master, ms_time now, struct ms_report_page *page)
{
    struct ms_half_facts half = {.state = NULL};
    struct ms_master_stats stats;

    ms_master_stats(master, &stats);
    if (master->half.tell != NULL) {
        master->half.tell(master->half.context, now, &half);
    } else {
        find_alarms(master, &stats, &half.alarms);
    }
    ms_page_text(page, "name", master->name);
    ms_page_text(page, "build", master->build);
    ms_page_number(page, "epoch", master->config.epoch);
    ms_page_text(page, "role", "active");
    fill_half(master, &half, page);
    ms_page_text(page, "state", stats.is_draining ? "draining" : "running");
    ms_page_text(page, "durability", ms_durability_name(ms_submit_usual_class(master)));
    ms_page_number(page, "copies", stats.is_durable ? master->journal.copies : 0);
    ms_page_number(page, "uptime_s", (uint64_t)((now - master->started_at) / MS_SEC));
    fill_status_commands(&stats, page);
    ms_page_number(page, "sessions_alive", stats.sessions[MS_SESSION_ALIVE]);
    ms_page_number(page, "sessions_waiting",
                   stats.sessions[MS_SESSION_WAITING_0] + stats.sessions[MS_SESSION_WAITING_1] +
                       stats.sessions[MS_SESSION_WAITING_2]);
    ms_page_number(page, "sessions_dead", stats.sessions[MS_SESSION_DEAD]);
    ms_page_number(page, "slaves", stats.slaves_count);
    ms_page_number(page, "slaves_awaited", stats.awaited_count);
    ms_page_number(page, "clients", stats.clients_count);
    ms_page_number(page, "types", stats.types_count);
    ms_page_number(page, "connections", stats.connections_count);
    ms_page_number(page, "slots", stats.slots);
    ms_page_number(page, "credit", stats.credit);
    ms_page_number(page, "held", stats.held);
    ms_page_number(page, "deaths_total", stats.deaths_total);
    ms_page_number(page, "stalls_total", stats.stalls_total);
    fill_status_limits(master, &stats, page);
    ms_page_end_row(page);
}

static const char *holder_name(const struct ms_work *work)
{
    ms_assert((work->holder != NULL) == (work->state == MS_LIFE_LEASED));
    return work->holder != NULL ? work->holder->session->name : "";
}

/* It may be negative. */
static void add_number(struct ms_report_page *page, const char *name, int64_t number)
{
    char words[MS_NAME_MAX];
    struct ms_text text;

    ms_text_init(&text, words, sizeof words);
    ms_text_add(&text, "%lld", (long long)number);
    ms_page_text(page, name, words);
}

/* In ms from now, negative when it has passed; empty when there is none. */
static void add_moment(struct ms_report_page *page, const char *name, ms_time now, ms_time at)
{
    if (at != 0 && at != MS_TIME_NEVER) {
        add_number(page, name, (at - now) / MS_MSEC);
    } else {
        ms_page_text(page, name, "");
    }
}

static const char *group_name(const struct ms_work *work)
{
    return work->rare != NULL && work->rare->group != NULL ? work->rare->group->name : "";
}

static void fill_command(const struct ms_work *work, ms_time now, struct ms_report_page *page)
{
    ms_page_id(page, work);
    ms_page_text(page, "type", work->lane->name);
    ms_page_text(page, "state", ms_life_state_name(work->state));
    ms_page_number(page, "attempt", work->attempt);
    ms_page_text(page, "slave", holder_name(work));
    ms_page_number(page, "age_ms", ms_since(now, work->created_at));
    ms_page_number(page, "size_bytes", ms_spool_size(work));
    add_number(page, "priority", work->priority);
    ms_page_text(page, "group", group_name(work));
    ms_page_bytes(page, "unique", ms_unique_key(work));
    add_moment(page, "deadline_ms", now, ms_work_deadline(work));
    ms_page_bytes(page, "key", ms_work_key(work));
    ms_page_end_row(page);
}

static void add_reason(struct ms_master *master, const struct ms_work *work, ms_time now,
                       const char *name, struct ms_report_page *page)
{
    char sentence[MS_DETAIL_MAX + 1];
    struct ms_text reason;

    ms_text_init(&reason, sentence, sizeof sentence);
    ms_why(master, work, now, &reason);
    ms_page_text(page, name, sentence);
}

static void fill_why(struct ms_master *master, const struct ms_work *work, ms_time now,
                     struct ms_report_page *page)
{
    ms_page_id(page, work);
    ms_page_text(page, "state", ms_life_state_name(work->state));
    add_reason(master, work, now, "reason", page);
    ms_page_end_row(page);
}

static void add_terms(struct ms_master *master, const struct ms_work *work, ms_time now,
                      struct ms_report_page *page)
{
    add_number(page, "priority", work->priority);
    add_moment(page, "run_at_ms", now, ms_queue_due(&master->queue, work));
    add_moment(page, "deadline_ms", now, ms_work_deadline(work));
    ms_page_bytes(page, "unique", ms_unique_key(work));
    ms_page_bytes(page, "key", ms_work_key(work));
}

static const char *last_slave(const struct ms_work *work)
{
    const struct ms_rare *rare = work->rare;

    return rare != NULL && rare->past_count > 0 ? rare->past[rare->past_count - 1].slave : "";
}

/* The end of what it wrote, or of its result. */
static void add_last_output(const struct ms_work *work, struct ms_report_page *page)
{
    uint8_t bytes[MS_DETAIL_MAX];
    struct ms_bytes end = {0};

    if (work->output != NULL) {
        end = (struct ms_bytes){bytes, ms_output_end(work->output, bytes, sizeof bytes)};
    }
    if (end.size == 0 && ms_work_is_finished(work)) {
        end = ms_work_payload(work);
    }
    ms_page_bytes(page, "last_output", end);
}

static void fill_show(struct ms_master *master, const struct ms_work *work, ms_time now,
                      struct ms_report_page *page)
{
    ms_page_id(page, work);
    ms_page_text(page, "type", work->lane->name);
    ms_page_text(page, "state", ms_life_state_name(work->state));
    ms_page_number(page, "attempt", work->attempt);
    ms_page_number(page, "attempts_max", work->attempts_max);
    ms_page_number(page, "failures", work->failures);
    ms_page_number(page, "crashes", work->crashes);
    ms_page_text(page, "slave", holder_name(work));
    ms_page_number(page, "age_ms", ms_since(now, work->created_at));
    ms_page_number(page, "state_age_ms", ms_since(now, work->changed_at));
    ms_page_number(page, "size_bytes", ms_spool_size(work));
    ms_page_number(page, "timeout_ms", (uint64_t)(work->timeout / MS_MSEC));
    add_terms(master, work, now, page);
    ms_page_text(page, "last_status", ms_facts_status(work));
    ms_page_bytes(page, "last_detail", ms_work_detail(work));
    ms_page_text(page, "last_slave", last_slave(work));
    ms_page_number(page, "last_signal", work->signal);
    add_last_output(work, page);
    const struct ms_array *array = ms_work_array(work);

    ms_page_number(page, "array_index", array != NULL ? work->seq - array->first : 0);
    ms_page_number(page, "array_count", array != NULL ? array->count : 0);
    ms_page_number(page, "array_concurrency", array != NULL ? array->concurrency : 0);
    ms_page_number(page, "generation", work->rare != NULL ? work->rare->generation : 0);
    ms_page_text(page, "kept", work->is_archived ? "yes" : "no");
    add_reason(master, work, now, "waits_because", page);
    ms_page_end_row(page);
}

static bool is_wanted(const struct ms_inquiry *inquiry, const struct ms_work *work, ms_time now)
{
    const struct ms_query *query = &inquiry->query;
    struct ms_filter_facts facts;

    ms_assert(query->what == MS_QUERY_COMMANDS);
    ms_facts_of(work, now, &facts);
    return (query->type == 0 || query->type == work->lane->type) &&
           (query->state[0] == '\0' || strcmp(query->state, facts.state) == 0) &&
           ms_filter_matches(&inquiry->filter, &facts);
}

/* Looks at one place of the table; true when it gave a row. */
static bool visit(struct ms_master *master, ms_time now, const struct ms_inquiry *inquiry,
                  struct ms_report_page *page)
{
    if (inquiry->query.what == MS_QUERY_COMMANDS) {
        const struct ms_work *work = ms_pool_at(&master->queue.pool, inquiry->cursor);

        if (work == NULL || !is_wanted(inquiry, work, now)) {
            return false;
        }
        fill_command(work, now, page);
    } else {
        const struct ms_session *session = ms_pool_at(&master->sessions.pool, inquiry->cursor);

        if (session == NULL || session->role != MS_ROLE_SLAVE || session->user == NULL) {
            return false;
        }
        if (!ms_fleet_is_meant(&inquiry->filter, session)) {
            return false;
        }
        ms_fleet_row(session, now, page);
    }
    return true;
}

/* Members of arrays that wait; true when that was all. */
static bool walk_waiting(struct ms_master *master, ms_time now, struct ms_inquiry *inquiry,
                         struct ms_report_page *page)
{
    const uint32_t limit = inquiry->query.limit > 0 ? inquiry->query.limit : UINT32_MAX;
    uint32_t visits = MS_PAGE_VISITS;
    struct ms_array_likeness likeness;
    const struct ms_array *array;
    uint64_t seq;

    while (ms_page_has_room(page) && inquiry->rows < limit &&
           (array = ms_arrays_next(&master->queue, &inquiry->waiting, &visits, &seq)) != NULL) {
        ms_array_liken(array, now, seq, &likeness);
        if (is_wanted(inquiry, &likeness.work, now)) {
            fill_command(&likeness.work, now, page);
            inquiry->rows++;
        }
    }
    return inquiry->waiting.is_over || inquiry->rows >= limit;
}

static void walk(struct ms_master *master, ms_time now, struct ms_inquiry *inquiry,
                 struct ms_report_page *page)
{
    const uint32_t end = inquiry->query.what == MS_QUERY_COMMANDS ? master->queue.pool.touched
                                                                  : master->sessions.pool.touched;
    const uint32_t limit = inquiry->query.limit > 0 ? inquiry->query.limit : UINT32_MAX;

    if (inquiry->query.what == MS_QUERY_COMMANDS && !inquiry->waiting.is_over &&
        !walk_waiting(master, now, inquiry, page)) {
        return;
    }
    for (uint32_t visits = 0; visits < MS_PAGE_VISITS && ms_page_has_room(page); visits++) {
        if (inquiry->cursor >= end || inquiry->rows >= limit) {
            page->report.last = true;
            return;
        }
        inquiry->rows += visit(master, now, inquiry, page);
        inquiry->cursor++;
    }
}

static void show(struct ms_master *master, ms_time now, struct ms_inquiry *inquiry,
                 struct ms_report_page *page)
{
    struct ms_array_likeness likeness;
    const struct ms_work *work = ms_clients_look_at(master, now, &inquiry->query.id, &likeness);

    ms_assert(page->report.cells_count == 0);
    page->report.last = work == NULL || inquiry->is_over || inquiry->query.what == MS_QUERY_WHY;
    if (work == NULL) {
        page->report.error = inquiry->is_over ? MS_E_OK : MS_E_NOT_FOUND; /* closed meanwhile */
        return;
    }
    if (inquiry->query.what == MS_QUERY_WHY) {
        fill_why(master, work, now, page);
    } else if (inquiry->is_over) {
        ms_timeline_fill(master, work, page);
    } else {
        inquiry->is_over = true;
        fill_show(master, work, now, page);
    }
}

void ms_rows_fill(struct ms_master *master, ms_time now, struct ms_inquiry *inquiry,
                  struct ms_report_page *page)
{
    ms_page_begin(page);
    switch (inquiry->query.what) {
    case MS_QUERY_STATUS:
        fill_status(master, now, page);
        page->report.last = true;
        break;
    case MS_QUERY_SHOW:
    case MS_QUERY_WHY:
        show(master, now, inquiry, page);
        break;
    case MS_QUERY_RESULT:
    case MS_QUERY_TAIL:
        ms_tails_fill(master, inquiry, page);
        break;
    case MS_QUERY_OPERATE:
        ms_operate_fill(master, now, inquiry, page);
        break;
    case MS_QUERY_COMMAND_SLAVES:
        ms_fleet_fill(master, now, inquiry, page);
        break;
    case MS_QUERY_SLAVES:
    case MS_QUERY_COMMANDS:
        walk(master, now, inquiry, page);
        break;
    case MS_QUERY_GROUP:
        ms_groups_tell(master, inquiry, page);
        break;
    case MS_QUERY_DRY_RUN:
        ms_dry_run_fill(master, inquiry, page);
        break;
    case MS_QUERY_ROUTES:
        ms_routing_fill(master, inquiry, page);
        break;
    case MS_QUERY_SERVICES:
        ms_services_fill(master, inquiry, page);
        break;
    case MS_QUERY_PROVIDERS:
        ms_sources_fill(master, inquiry, page);
        break;
    default:
        ms_unreachable(); /* ms_inspect_ask refuses others */
    }
}
