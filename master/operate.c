#include "master/operate.h"

#include "core/invariant.h"
#include "master/archive.h"
#include "master/changes.h"
#include "master/clients.h"
#include "master/facts.h"
#include "master/outcomes.h"
#include "master/page.h"
#include "master/rare.h"
#include "master/results.h"
#include "master/slaves.h"
#include "master/state.h"

/* One command may make the master say so much: a REVOKE, and what its end lets go on. */
#define EFFECTS_PER_COMMAND 2

enum ms_error ms_operate_examine(const struct ms_query *query)
{
    const int64_t value = query->value;
    bool is_good = query->operation > MS_OPERATION_NONE && query->operation < MS_OPERATION_COUNT;

    if (query->operation == MS_OPERATION_RELEASE) {
        is_good = value >= 0 && value <= MS_DELAY_MAX;
    } else if (query->operation == MS_OPERATION_PRIORITY) {
        is_good = value >= MS_PRIORITY_MIN && value <= MS_PRIORITY_MAX;
    } else if (query->operation == MS_OPERATION_CONCURRENCY) {
        is_good = value >= 0 && value <= MS_ARRAY_MAX;
    }
    return is_good ? MS_E_OK : MS_E_BAD_ARGUMENT;
}

static const char *why_no_kick(const struct ms_work *work)
{
    if (work->state != MS_LIFE_BURIED) {
        return "only what is buried can be kicked";
    }
    if (ms_unique_is_settling(work)) {
        return "those that joined it are being told";
    }
    if (!work->is_archived && work->sent_on != 0) {
        return "its client was sent the outcome and has not confirmed it";
    }
    if (ms_work_is_once(work) && work->attempt > 0) {
        return "it was started, and may be started only once";
    }
    if ((work->flags & MS_FLAG_PARTS) != 0) {
        return "its payload came in parts, which are not kept";
    }
    return ms_changes_can_kick(work) ? NULL : "its payload was not kept";
}

static const char *why_no_release(const struct ms_work *work, int64_t value)
{
    if (work->state == MS_LIFE_READY && value == 0) {
        return "it does not wait for a time";
    }
    if (ms_unique_is_follower(work)) {
        return "it waits for the command that has its unique key";
    }
    if (work->is_in_doubt) {
        return "a slave from before the master's start may still have it";
    }
    return work->state == MS_LIFE_READY || work->state == MS_LIFE_DELAYED
               ? NULL
               : "a slave has it already";
}

const char *ms_operate_refusal(const struct ms_work *work, const struct ms_query *query)
{
    if (query->operation == MS_OPERATION_KICK) {
        return why_no_kick(work);
    }
    if (query->operation == MS_OPERATION_CONCURRENCY && ms_work_array(work) != NULL) {
        return NULL; /* the others go on, whatever became of this one */
    }
    if (ms_work_is_finished(work)) {
        return "it is over";
    }
    if (query->operation == MS_OPERATION_CONCURRENCY) {
        return "it is in no array";
    }
    return query->operation == MS_OPERATION_RELEASE ? why_no_release(work, query->value) : NULL;
}

static void change(struct ms_master *master, ms_time now, struct ms_work *work,
                   const struct ms_query *query)
{
    const struct ms_record record =
        ms_changes_record(&master->queue, now, work, query->operation, query->value);

    ms_changes_apply(&master->queue, now, work, &record,
                     ms_journal_put_for(&master->journal, work, &record));
}

/* Of the whole array, to which each member may lead. */
static void limit(struct ms_master *master, ms_time now, const struct ms_work *work,
                  const struct ms_query *query)
{
    struct ms_array *array = ms_work_array(work);
    struct ms_record record =
        ms_changes_record(&master->queue, now, work, query->operation, query->value);

    if (array->concurrency == (uint32_t)query->value) {
        return;
    }
    record.id.seq = array->first;
    ms_array_limit(&master->queue, array, (uint32_t)query->value,
                   array->record.durability == MS_DURABILITY_MEM
                       ? 0
                       : ms_journal_put(&master->journal, &record));
}

/* Its outcome is void: whoever waited for it goes on waiting, and whoever had it is not told again. */
static void kick(struct ms_master *master, ms_time now, struct ms_work *work,
                 const struct ms_query *query)
{
    const struct ms_record record =
        ms_changes_record(&master->queue, now, work, query->operation, query->value);
    const ms_seq seq = ms_journal_put_for(&master->journal, work, &record);

    if (work->is_archived) {
        ms_archive_take(master, work);
    } else {
        ms_outcomes_unlink(work);
    }
    ms_changes_apply(&master->queue, now, work, &record, seq);
}

void ms_operate(struct ms_master *master, ms_time now, struct ms_work *work,
                const struct ms_query *query)
{
    ms_assert(ms_operate_refusal(work, query) == NULL);
    switch (query->operation) {
    case MS_OPERATION_CANCEL:
        ms_results_stop(master, now, work, false);
        break;
    case MS_OPERATION_KICK:
        kick(master, now, work, query);
        break;
    case MS_OPERATION_CONCURRENCY:
        limit(master, now, work, query);
        break;
    default:
        change(master, now, work, query);
        break;
    }
}

static void add_row(const struct ms_inquiry *inquiry, const struct ms_work *work,
                    const char *refusal, struct ms_report_page *page)
{
    ms_page_id(page, work);
    ms_page_text(page, "type", work->lane->name);
    ms_page_text(page, "state", ms_life_state_name((enum ms_life_state)work->state));
    ms_page_number(page, "attempt", work->attempt);
    ms_page_text(page, "would", refusal == NULL ? ms_operation_name(inquiry->query.operation) : "");
    ms_page_text(page, "refusal", refusal == NULL ? "" : refusal);
    ms_page_end_row(page);
}

/* What was done to it, or would be. */
static void tell(struct ms_inquiry *inquiry, const struct ms_work *work, const char *refusal,
                 struct ms_report_page *page)
{
    const struct ms_query *query = &inquiry->query;

    inquiry->matched++;
    inquiry->changed += refusal == NULL;
    inquiry->refusal = refusal != NULL ? refusal : inquiry->refusal;
    if (query->is_dry && (query->limit == 0 || inquiry->rows < query->limit)) {
        add_row(inquiry, work, refusal, page);
        inquiry->rows++;
    }
}

static void visit(struct ms_master *master, ms_time now, struct ms_inquiry *inquiry,
                  struct ms_work *work, struct ms_report_page *page)
{
    const struct ms_query *query = &inquiry->query;
    const char *refusal = ms_operate_refusal(work, query);

    tell(inquiry, work, refusal, page);
    if (!query->is_dry && refusal == NULL) {
        ms_operate(master, now, work, query);
    }
}

/* The likeness of a member that waits. */
static void visit_waiting(struct ms_master *master, ms_time now, struct ms_inquiry *inquiry,
                          const struct ms_work *likeness, struct ms_report_page *page)
{
    const struct ms_query *query = &inquiry->query;
    const char *refusal = ms_operate_refusal(likeness, query);
    struct ms_work *work;

    if (query->is_dry || refusal != NULL) {
        tell(inquiry, likeness, refusal, page);
        return;
    }
    if (query->operation == MS_OPERATION_CONCURRENCY) {
        limit(master, now, likeness, query);
        tell(inquiry, likeness, NULL, page);
        return;
    }
    work = ms_array_reach(&master->queue, now, likeness->rare->array, likeness->seq);
    if (work == NULL) {
        tell(inquiry, likeness, "the master has no memory for it", page);
        return;
    }
    work->rare->operated = inquiry->serial;
    visit(master, now, inquiry, work, page);
}

static bool was_visited(const struct ms_inquiry *inquiry, const struct ms_work *work)
{
    return work->rare != NULL && work->rare->operated == inquiry->serial;
}

static bool is_wanted(const struct ms_inquiry *inquiry, const struct ms_work *work, ms_time now)
{
    struct ms_filter_facts facts;

    if (work == NULL) {
        return false;
    }
    ms_facts_of(work, now, &facts);
    return ms_filter_matches(&inquiry->filter, &facts);
}

/* Members of arrays that wait: those that something is done to get works, which are not visited again. True when
 * all were visited. */
static bool walk_waiting(struct ms_master *master, ms_time now, struct ms_inquiry *inquiry,
                         struct ms_report_page *page)
{
    struct ms_array_likeness likeness;
    uint32_t visits = MS_PAGE_VISITS;
    uint32_t burst = MS_SWEEP_BURST;
    struct ms_array *array;
    uint64_t seq;

    while (burst > 0 && ms_page_has_room(page) &&
           ms_engine_room(&master->engine) > EFFECTS_PER_COMMAND &&
           (array = ms_arrays_next(&master->queue, &inquiry->waiting, &visits, &seq)) != NULL) {
        ms_array_liken(array, now, seq, &likeness);
        if (!is_wanted(inquiry, &likeness.work, now)) {
            continue;
        }
        visit_waiting(master, now, inquiry, &likeness.work, page);
        burst--;
    }
    return inquiry->waiting.is_over;
}

/* True when all were visited. */
static bool walk(struct ms_master *master, ms_time now, struct ms_inquiry *inquiry,
                 struct ms_report_page *page)
{
    struct ms_queue *queue = &master->queue;
    uint32_t burst = MS_SWEEP_BURST;

    if (!inquiry->waiting.is_over && !walk_waiting(master, now, inquiry, page)) {
        return false;
    }
    if (inquiry->end == 0) {
        inquiry->end = queue->pool.touched; /* what comes later is not meant */
    }
    for (uint32_t visits = 0; visits < MS_PAGE_VISITS && burst > 0; visits++) {
        struct ms_work *work;

        if (inquiry->cursor >= inquiry->end) {
            return true;
        }
        if (!ms_page_has_room(page) || ms_engine_room(&master->engine) <= EFFECTS_PER_COMMAND) {
            return false;
        }
        work = ms_pool_at(&queue->pool, inquiry->cursor++);
        if (is_wanted(inquiry, work, now) && !was_visited(inquiry, work)) {
            visit(master, now, inquiry, work, page);
            burst--;
        }
    }
    return false;
}

/* One command; true when that was all. */
static bool visit_one(struct ms_master *master, ms_time now, struct ms_inquiry *inquiry,
                      struct ms_report_page *page)
{
    struct ms_work *work = ms_clients_find_work(master, &inquiry->query.id);
    struct ms_array *array = ms_clients_find_array(master, &inquiry->query.id);
    struct ms_array_likeness likeness;

    if (work != NULL) {
        visit(master, now, inquiry, work, page);
        return true;
    }
    if (array == NULL) {
        return true;
    }
    ms_array_liken(array, now, inquiry->query.id.seq, &likeness);
    if (ms_array_is_closed(array, inquiry->query.id.seq)) {
        likeness.work.state = MS_LIFE_CLOSED;
        if (inquiry->query.operation != MS_OPERATION_CONCURRENCY) {
            return true;
        }
    }
    visit_waiting(master, now, inquiry, &likeness.work, page);
    return true;
}

static void add_sum(const struct ms_inquiry *inquiry, struct ms_report_page *page)
{
    ms_assert(page->report.cells_count == 0);
    page->report.last = true;
    if (inquiry->query.id.seq > 0 && inquiry->matched == 0) {
        page->report.error = MS_E_NOT_FOUND; /* that it is over, too, is durable by now */
        return;
    }
    ms_page_text(page, "operation", ms_operation_name(inquiry->query.operation));
    ms_page_number(page, "matched", inquiry->matched);
    ms_page_number(page, "changed", inquiry->changed);
    ms_page_number(page, "refused", inquiry->matched - inquiry->changed);
    ms_page_text(page, "dry_run", inquiry->query.is_dry ? "yes" : "no");
    if (inquiry->query.id.seq > 0) {
        ms_page_text(page, "refusal", inquiry->refusal == NULL ? "" : inquiry->refusal);
    }
    ms_page_end_row(page);
}

void ms_operate_fill(struct ms_master *master, ms_time now, struct ms_inquiry *inquiry,
                     struct ms_report_page *page)
{
    bool is_over;

    if (inquiry->is_over) {
        add_sum(inquiry, page);
        return;
    }
    is_over = inquiry->query.id.seq > 0 ? visit_one(master, now, inquiry, page)
                                        : walk(master, now, inquiry, page);
    inquiry->is_over = is_over;
    inquiry->waits_for = is_over && !inquiry->query.is_dry ? MS_INQUIRY_ALL : 0;
}
