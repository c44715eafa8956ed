#include "master/output.h"

#include "core/invariant.h"
#include "master/clients.h"
#include "master/journal.h"
#include "master/queue.h"
#include "master/tail.h"
#include "master/work.h"

static size_t piece_cost(size_t size)
{
    return ms_slab_cost(sizeof(struct ms_piece) + size);
}

static struct ms_output *create(struct ms_work *work, struct ms_slab *slab)
{
    struct ms_output *output = ms_slab_take(slab, sizeof *output);

    ms_assert(work->output == NULL);
    if (output != NULL) {
        *output = (struct ms_output){
            .work = work, .attempt = work->attempt, .sent_on = work->client->connection};
        if (work->state == MS_LIFE_LEASED) {
            output->token = ms_work_token(work);
        }
        ms_list_init(&output->link);
        work->output = output;
    }
    return output;
}

static bool append(struct ms_output *output, struct ms_slab *slab, const struct ms_command *piece)
{
    struct ms_piece *copy = ms_slab_take(slab, sizeof *copy + piece->payload.size);

    if (copy == NULL) {
        return false;
    }
    ms_assert(piece->payload.size <= MS_RESULT_BYTES_MAX);
    *copy = (struct ms_piece){
        .size = (uint32_t)piece->payload.size, .index = output->count, .stream = piece->stream};
    if (copy->size > 0) {
        memcpy(copy->data, piece->payload.data, copy->size);
    }
    if (output->last != NULL) {
        output->last->next = copy;
    } else {
        output->first = copy;
    }
    output->last = copy;
    if (output->unsent == NULL) {
        output->unsent = copy;
    }
    output->bytes += piece_cost(copy->size);
    output->count++;
    return true;
}

uint32_t ms_output_number(const struct ms_work *work, uint32_t attempt, struct ms_token token)
{
    const struct ms_output *output = work->output;
    if (output == NULL || attempt > output->attempt ||
        (attempt == output->attempt && ms_token_equal(output->token, token))) {
        return attempt;
    }
    return output->attempt + 1;
}

enum ms_output_result ms_output_add(struct ms_work *work, struct ms_slab *slab,
                                    const struct ms_command *piece)
{
    struct ms_output *output;

    ms_assert(piece->payload.size == 0 || piece->payload.data != NULL);
    output = work->output != NULL ? work->output : create(work, slab);
    if (output == NULL) {
        return MS_OUTPUT_TOO_MUCH;
    }
    if (piece->index != output->count) {
        return piece->index < output->count ? MS_OUTPUT_KNOWN : MS_OUTPUT_GAP;
    }
    if (piece->payload.size > MS_RESULT_BYTES_MAX ||
        output->bytes + piece_cost(piece->payload.size) > MS_RESULT_BYTES_MAX) {
        return MS_OUTPUT_TOO_MUCH;
    }
    return append(output, slab, piece) ? MS_OUTPUT_KEPT : MS_OUTPUT_TOO_MUCH;
}

bool ms_output_append(struct ms_work *work, struct ms_slab *slab, const struct ms_command *piece)
{
    struct ms_output *output = work->output != NULL ? work->output : create(work, slab);

    return output != NULL && append(output, slab, piece);
}

struct ms_piece *ms_output_next(struct ms_output *output)
{
    const struct ms_client *client = output->work->client;

    ms_assert(output->work->output == output);
    if (output->sent_on != client->connection) {
        output->sent_on = client->connection;
        output->unsent = output->first;
        output->live_bytes = 0;
    }
    return output->unsent;
}

void ms_output_forward(struct ms_output *output, bool is_live)
{
    struct ms_piece *piece = ms_output_next(output);

    ms_assert(piece != NULL);
    output->unsent = piece->next;
    if (is_live) {
        output->live_bytes += piece_cost(piece->size);
        output->work->client->live_bytes += piece_cost(piece->size);
    }
}

void ms_output_calm(struct ms_output *output)
{
    struct ms_client *client = output->work->client;

    if (output->sent_on == client->connection) {
        ms_assert(client->live_bytes >= output->live_bytes);
        client->live_bytes -= output->live_bytes;
    }
    output->live_bytes = 0;
}

size_t ms_output_end(const struct ms_output *output, uint8_t *to, size_t size)
{
    size_t used = 0;

    for (const struct ms_piece *piece = output->first; piece != NULL; piece = piece->next) {
        const size_t added = piece->size < size ? piece->size : size;
        const size_t kept = used + added > size ? size - added : used;

        if (piece->stream != MS_STREAM_DATA && piece->stream != MS_STREAM_STDERR) {
            continue;
        }
        memmove(to, to + used - kept, kept);
        memcpy(to + kept, piece->data + piece->size - added, added);
        used = kept + added;
    }
    ms_assert(used <= size);
    return used;
}

struct ms_output *ms_output_detach(struct ms_work *work, struct ms_journal *journal)
{
    struct ms_output *output = work->output;

    ms_assert(output->work == work);
    ms_output_calm(output);
    for (struct ms_piece *piece = output->first; piece != NULL; piece = piece->next) {
        ms_journal_erase_closed(journal, piece->record);
        piece->record = 0;
    }
    ms_list_remove(&output->link);
    output->unsent = NULL;
    output->work = NULL;
    work->output = NULL;
    return output;
}

void ms_output_drop_first(struct ms_output *output, struct ms_slab *slab)
{
    struct ms_piece *piece = output->first;

    ms_assert(output->work == NULL && output->bytes >= piece_cost(piece->size));
    output->first = piece->next;
    output->last = output->first != NULL ? output->last : NULL;
    output->bytes -= piece_cost(piece->size);
    ms_slab_give(slab, piece, sizeof *piece + piece->size);
}

void ms_output_discard(struct ms_queue *queue, struct ms_work *work)
{
    struct ms_output *output;

    if (work->output == NULL) {
        return;
    }
    if (work->is_followed) {
        ms_tails_keep(queue, work);
        return;
    }
    output = ms_output_detach(work, queue->journal);
    while (output->first != NULL) {
        ms_output_drop_first(output, &queue->slab);
    }
    ms_slab_give(&queue->slab, output, sizeof *output);
}
