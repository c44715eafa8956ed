/* What is told of the output of a command to those who read it. */
#include "core/invariant.h"
#include "master/clients.h"
#include "master/output.h"
#include "master/page.h"
#include "master/slaves.h"
#include "master/state.h"

#define BYTES_PER_STEP (1u << 20) /* of output, told to one that asks */
#define ROOM_MIN       4          /* effects: a piece, two BEATs and the row */

static struct ms_pace *pace_of(const struct ms_master *master, const struct ms_inquiry *inquiry)
{
    return &ms_connections_find(&master->connections, inquiry->peer)->pace;
}

static void send_piece(struct ms_master *master, const struct ms_inquiry *inquiry,
                       const struct ms_command *piece)
{
    struct ms_command tail = *piece;

    ms_assert(master->engine.now >= 0 && piece->payload.size <= MS_RESULT_BYTES_MAX);
    tail.kind = MS_KIND_TAIL;
    tail.attempt = inquiry->attempt > 0 ? inquiry->attempt : 1;
    tail.count = inquiry->number;
    master->tails.is_lent = true;
    ms_master_send(master, inquiry->peer, &tail);
    ms_master_paced(master, inquiry->peer, pace_of(master, inquiry), piece->payload.size);
}

/* Where it goes on in the output; NULL when it has read all of it. */
static const struct ms_piece *next_piece(struct ms_inquiry *inquiry, const struct ms_output *output)
{
    if (inquiry->attempt != output->attempt) {
        inquiry->skip = inquiry->attempt > 0 ? 0 : inquiry->skip;
        inquiry->attempt = output->attempt;
        inquiry->cursor = 0;
        inquiry->piece = NULL;
    }
    return inquiry->piece != NULL ? inquiry->piece->next : output->first;
}

/* True when it has read the whole output. */
static bool tell_output(struct ms_master *master, struct ms_inquiry *inquiry,
                        const struct ms_output *output)
{
    const struct ms_piece *piece = next_piece(inquiry, output);
    size_t bytes = 0;

    for (uint32_t visits = 0; piece != NULL; visits++) {
        if (ms_engine_room(&master->engine) < ROOM_MIN || bytes > BYTES_PER_STEP ||
            visits > MS_PAGE_VISITS || ms_pace_is_held(pace_of(master, inquiry))) {
            return false;
        }
        if (piece->index >= inquiry->skip) {
            send_piece(master, inquiry,
                       &(struct ms_command){.stream = piece->stream,
                                            .index = piece->index,
                                            .payload = {piece->data, piece->size}});
            bytes += piece->size;
        }
        inquiry->piece = piece;
        inquiry->cursor = piece->index + 1;
        piece = piece->next;
    }
    inquiry->cursor = output->count;
    return true;
}

/* What is to be read next; NULL when all that there is was read. */
static const struct ms_output *next_output(const struct ms_inquiry *inquiry)
{
    const struct ms_tail *tail = inquiry->tail;
    const struct ms_output *output = tail->past;

    while (output != NULL &&
           (output->attempt < inquiry->attempt ||
            (output->attempt == inquiry->attempt && inquiry->cursor >= output->count))) {
        output = output->next;
    }
    return output != NULL || tail->work == NULL ? output : tail->work->output;
}

static bool tell_outputs(struct ms_master *master, struct ms_inquiry *inquiry)
{
    const struct ms_output *output;
    bool is_all = true;

    while (is_all && (output = next_output(inquiry)) != NULL) {
        is_all = tell_output(master, inquiry, output);
        if (output->work != NULL) {
            break;
        }
    }
    return is_all;
}

static void add_row(struct ms_inquiry *inquiry, struct ms_report_page *page)
{
    const struct ms_tail *tail = inquiry->tail;
    struct ms_ending ending = tail->ending;

    if (tail->work != NULL) {
        ms_ending_of(tail->work, &ending);
    }
    ms_ending_fill(&ending, page);
    ms_page_number(page, "missed_bytes", inquiry->missed);
    ms_page_end_row(page);
    inquiry->missed_told = inquiry->missed;
}

static void ask_slave(struct ms_master *master, const struct ms_work *work)
{
    const struct ms_slave *slave = work->holder;

    if (slave == NULL || (work->flags & MS_FLAG_STREAM) != 0 ||
        (slave->features & MS_FEATURE_FOLLOW) == 0 || slave->session->peer == MS_PEER_NONE) {
        return;
    }
    ms_master_send(master, slave->session->peer,
                   &(struct ms_command){.kind = MS_KIND_FOLLOW, .token = ms_work_token(work)});
}

void ms_tails_ask(struct ms_master *master, const struct ms_slave *slave)
{
    ms_list_for_each(link, &master->tails.all)
    {
        const struct ms_work *work = ms_container_of(link, struct ms_tail, link)->work;

        if (work != NULL && work->holder == slave) {
            ask_slave(master, work);
        }
    }
}

static enum ms_error begin(struct ms_master *master, struct ms_inquiry *inquiry)
{
    struct ms_work *work = ms_clients_reach_work(master, master->engine.now, &inquiry->query.id);
    enum ms_error error;

    if (work == NULL) {
        return MS_E_NOT_FOUND;
    }
    error = ms_tails_join(&master->tails, inquiry, work);
    if (error == MS_E_OK && inquiry->query.is_following) {
        ask_slave(master, work);
    }
    return error;
}

/* How it came out is not told before that is durable. True when it is. */
static bool is_settled(const struct ms_master *master, struct ms_inquiry *inquiry)
{
    const struct ms_work *work = inquiry->tail->work;

    if (work != NULL) {
        inquiry->waits_for = ms_journal_covers(&master->journal, work->record) ? 0 : work->record;
        return inquiry->waits_for == 0;
    }
    if (!inquiry->is_over) {
        inquiry->is_over = true;
        inquiry->waits_for = MS_INQUIRY_ALL;
        return false;
    }
    return true;
}

/* The result of a command that was closed stands behind its output. */
static void tell_end(struct ms_master *master, struct ms_inquiry *inquiry,
                     struct ms_report_page *page)
{
    const struct ms_work *work = inquiry->tail->work;

    if (!is_settled(master, inquiry)) {
        return;
    }
    if (work != NULL && work->size > 0) {
        inquiry->attempt = work->attempt;
        send_piece(master, inquiry,
                   &(struct ms_command){.stream = MS_STREAM_DATA,
                                        .index = ms_output_count(work->output),
                                        .payload = ms_work_payload(work)});
    }
    add_row(inquiry, page);
    page->report.last = true;
}

/* All that there is was told of a command that is not over. */
static void tell_pause(struct ms_inquiry *inquiry, struct ms_report_page *page)
{
    if (!inquiry->query.is_following) {
        add_row(inquiry, page);
        page->report.last = true;
        return;
    }
    if (inquiry->missed > inquiry->missed_told) {
        add_row(inquiry, page);
    }
    ms_list_push_back(&inquiry->tail->waiting, &inquiry->link);
}

static bool is_open(const struct ms_tail *tail)
{
    return tail->work != NULL && !ms_work_is_finished(tail->work);
}

void ms_tails_fill(struct ms_master *master, struct ms_inquiry *inquiry,
                   struct ms_report_page *page)
{
    const bool is_result = inquiry->query.what == MS_QUERY_RESULT;
    const enum ms_error error = inquiry->tail == NULL ? begin(master, inquiry) : MS_E_OK;

    page->report.error = error;
    page->report.last = error != MS_E_OK;
    if (error != MS_E_OK) {
        return;
    }
    if (is_result && is_open(inquiry->tail)) {
        add_row(inquiry, page);
        page->report.last = true;
    } else if (ms_pace_is_held(pace_of(master, inquiry))) {
        ms_list_push_back(&master->tails.paced, &inquiry->link);
    } else if (ms_engine_room(&master->engine) < ROOM_MIN || !tell_outputs(master, inquiry)) {
        return;
    } else if (is_open(inquiry->tail)) {
        tell_pause(inquiry, page);
    } else if (ms_engine_room(&master->engine) >= ROOM_MIN) {
        tell_end(master, inquiry, page);
    }
}
