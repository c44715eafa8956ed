#include "master/timeline.h"

#include "core/invariant.h"
#include "master/clients.h"
#include "master/page.h"
#include "master/rare.h"
#include "master/slaves.h"
#include "master/state.h"

/* Submission, attempts, wishes, and what is now. */
#define ROWS_MAX (1 + MS_HISTORY_MAX + MS_OPERATION_COUNT + 1)

struct row {
    ms_time at;
    const char *event;
    const char *slave;
    const char *status;
    struct ms_bytes detail;
    uint32_t attempt;
    uint32_t signal;
    int32_t code;
};

struct timeline {
    struct row rows[ROWS_MAX];
    uint32_t count;
};

static_assert(ROWS_MAX <= MS_PAGE_ROWS, "a timeline is one page");
static_assert(ROWS_MAX * (MS_DETAIL_MAX + MS_NAME_MAX + 64) <= MS_PAGE_TEXT, "with its texts");

/* In order of time; of one moment, in the order in which they were added. */
static void add(struct timeline *timeline, const struct row *row)
{
    uint32_t place = timeline->count++;

    ms_assert(timeline->count <= ROWS_MAX);
    for (; place > 0 && timeline->rows[place - 1].at > row->at; place--) {
        timeline->rows[place] = timeline->rows[place - 1];
    }
    timeline->rows[place] = *row;
}

static void add_past(struct timeline *timeline, const struct ms_past *past)
{
    add(timeline,
        &(struct row){
            .at = past->at,
            .event = ms_life_event_name((enum ms_life_event)past->event),
            .slave = past->slave,
            .status = ms_status_name((enum ms_status)past->status),
            .detail = {(const uint8_t *)past->detail, past->detail != NULL ? past->detail_size : 0},
            .attempt = past->attempt,
            .signal = past->signal,
            .code = past->code,
        });
}

/* Its end is among the attempts already. */
static bool has_end(const struct ms_work *work)
{
    const struct ms_rare *rare = work->rare;

    return rare != NULL && rare->past_count > 0 &&
           rare->past[rare->past_count - 1].at == work->changed_at;
}

static void add_rare(struct timeline *timeline, const struct ms_rare *rare)
{
    for (uint32_t i = 0; rare != NULL && i < rare->past_count; i++) {
        add_past(timeline, &rare->past[i]);
    }
    for (int i = 1; rare != NULL && i < MS_OPERATION_COUNT; i++) {
        if (rare->changes[i].at != 0) {
            add(timeline, &(struct row){.at = rare->changes[i].at,
                                        .event = ms_operation_name((enum ms_operation)i)});
        }
    }
}

static void add_present(struct timeline *timeline, const struct ms_work *work)
{
    struct row row = {.at = work->changed_at,
                      .event = ms_life_state_name((enum ms_life_state)work->state),
                      .attempt = work->attempt};

    if (work->state == MS_LIFE_LEASED) {
        row.slave = work->holder->session->name;
        add(timeline, &row);
    } else if (ms_work_is_finished(work) && !has_end(work)) {
        row.status = ms_status_name((enum ms_status)work->status);
        row.detail = ms_work_detail(work);
        row.signal = work->signal;
        row.code = work->code;
        add(timeline, &row);
    }
}

static void print(const struct ms_master *master, const struct row *row,
                  struct ms_report_page *page)
{
    const int64_t wall = row->at + master->config.wall_offset;
    char digits[16];
    struct ms_text code;

    ms_text_init(&code, digits, sizeof digits);
    ms_text_add(&code, "%d", (int)row->code);
    ms_page_number(page, "at_us", wall > 0 ? (uint64_t)wall : 0);
    ms_page_text(page, "event", row->event);
    ms_page_number(page, "attempt", row->attempt);
    ms_page_text(page, "slave", row->slave != NULL ? row->slave : "");
    ms_page_text(page, "status", row->status != NULL ? row->status : "");
    ms_page_text(page, "code", digits);
    ms_page_number(page, "signal", row->signal);
    ms_page_bytes(page, "detail", row->detail);
    ms_page_end_row(page);
}

void ms_timeline_fill(const struct ms_master *master, const struct ms_work *work,
                      struct ms_report_page *page)
{
    struct timeline timeline = {.count = 0};

    add(&timeline, &(struct row){.at = work->created_at, .event = "submitted"});
    add_rare(&timeline, work->rare);
    add_present(&timeline, work);
    for (uint32_t i = 0; i < timeline.count; i++) {
        print(master, &timeline.rows[i], page);
    }
}
