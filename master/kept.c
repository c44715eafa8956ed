#include "master/kept.h"

#include "core/invariant.h"
#include "master/clients.h"
#include "master/output.h"
#include "master/page.h"
#include "master/rare.h"
#include "master/state.h"

#define BYTES_PER_STEP (1u << 20) /* of output, told to one that asks */

static void send_tail(struct ms_master *master, const struct ms_inquiry *inquiry,
                      const struct ms_work *work, const struct ms_command *piece)
{
    struct ms_command tail = *piece;

    tail.kind = MS_KIND_TAIL;
    tail.attempt = work->attempt > 0 ? work->attempt : 1;
    tail.count = inquiry->number;
    ms_master_send(master, inquiry->peer, &tail);
}

/* Sends pieces from the cursor on; true when all were sent. Nothing is added to the output of a command that is
 * over, so a place in it stays good until the command is closed or kicked. */
static bool send_pieces(struct ms_master *master, struct ms_inquiry *inquiry,
                        const struct ms_work *work)
{
    const struct ms_piece *piece = work->output != NULL ? work->output->first : NULL;
    size_t bytes = 0;

    if (inquiry->cursor > 0 && inquiry->cursor < ms_output_count(work->output)) {
        piece = inquiry->piece;
    }
    while (inquiry->cursor < ms_output_count(work->output)) {
        ms_assert(piece->index == inquiry->cursor);
        if (ms_engine_room(&master->engine) <= 1 || bytes > BYTES_PER_STEP) {
            inquiry->piece = piece;
            return false;
        }
        send_tail(master, inquiry, work,
                  &(struct ms_command){.stream = piece->stream,
                                       .index = piece->index,
                                       .payload = {piece->data, piece->size}});
        bytes += piece->size;
        piece = piece->next;
        inquiry->cursor++;
    }
    return bytes <= BYTES_PER_STEP && ms_engine_room(&master->engine) > 1;
}

static void add_code(struct ms_report_page *page, int32_t code)
{
    char digits[16];
    struct ms_text text;

    ms_text_init(&text, digits, sizeof digits);
    ms_text_add(&text, "%d", (int)code);
    ms_page_text(page, "code", digits);
}

static void add_row(const struct ms_work *work, struct ms_report_page *page)
{
    const struct ms_usage *usage = ms_work_usage(work);

    ms_page_id(page, work);
    ms_page_text(page, "state", ms_life_state_name((enum ms_life_state)work->state));
    ms_page_text(page, "status",
                 ms_work_is_finished(work) ? ms_status_name((enum ms_status)work->status) : "");
    ms_page_number(page, "attempt", work->attempt);
    add_code(page, work->code);
    ms_page_number(page, "signal", work->signal);
    ms_page_bytes(page, "detail", ms_work_detail(work));
    ms_page_number(page, "wall_us", usage != NULL ? usage->wall_us : 0);
    ms_page_number(page, "user_us", usage != NULL ? usage->user_us : 0);
    ms_page_number(page, "system_us", usage != NULL ? usage->system_us : 0);
    ms_page_number(page, "rss_kib", usage != NULL ? usage->rss_kib : 0);
    ms_page_end_row(page);
}

/* The one that was begun with, and not another life of it. */
static bool is_same(const struct ms_master *master, struct ms_inquiry *inquiry,
                    const struct ms_work *work)
{
    const ms_handle handle = ms_pool_handle(&master->queue.pool, work);
    const uint32_t generation = work->rare != NULL ? work->rare->generation : 0;

    if (inquiry->work == MS_HANDLE_NONE) {
        inquiry->work = handle;
        inquiry->generation = generation;
    }
    return inquiry->work == handle && inquiry->generation == generation;
}

void ms_kept_fill(struct ms_master *master, struct ms_inquiry *inquiry, struct ms_report_page *page)
{
    const struct ms_work *work = ms_clients_find_work(master, &inquiry->query.id);

    page->report.last = true;
    if (work == NULL || (ms_work_is_finished(work) && !is_same(master, inquiry, work))) {
        page->report.error = MS_E_NOT_FOUND;
        return;
    }
    if (!ms_work_is_finished(work)) {
        add_row(work, page);
        return;
    }
    if (!ms_journal_covers(&master->journal, work->record)) {
        inquiry->waits_for = work->record;
        page->report.last = false;
        return;
    }
    if (!send_pieces(master, inquiry, work)) {
        page->report.last = false;
        return;
    }
    if (work->size > 0) {
        send_tail(master, inquiry, work,
                  &(struct ms_command){.stream = MS_STREAM_DATA,
                                       .index = ms_output_count(work->output),
                                       .payload = ms_work_payload(work)});
    }
    add_row(work, page);
}
