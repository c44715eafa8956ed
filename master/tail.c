#include "master/tail.h"

#include "core/invariant.h"
#include "master/output.h"
#include "master/queue.h"

bool ms_tails_init(struct ms_tails *tails, struct ms_list *due)
{
    *tails = (struct ms_tails){.due = due};
    ms_list_init(&tails->all);
    ms_list_init(&tails->paced);
    return ms_pool_init(&tails->pool, sizeof(struct ms_tail), MS_INQUIRIES_MAX);
}

static struct ms_tail *find(const struct ms_tails *tails, const struct ms_work *work)
{
    ms_assert(work->is_followed);
    ms_list_for_each(link, &tails->all)
    {
        struct ms_tail *tail = ms_container_of(link, struct ms_tail, link);

        if (tail->work == work) {
            return tail;
        }
    }
    ms_unreachable();
}

static struct ms_inquiry *follower_of(struct ms_list *link)
{
    return ms_container_of(link, struct ms_inquiry, follower);
}

static struct ms_tail *begin(struct ms_tails *tails, struct ms_work *work)
{
    struct ms_tail *tail = ms_pool_take(&tails->pool);

    if (tail == NULL) {
        return NULL;
    }
    *tail = (struct ms_tail){.work = work};
    ms_list_init(&tail->link);
    ms_list_init(&tail->followers);
    ms_list_init(&tail->waiting);
    ms_list_push_back(&tails->all, &tail->link);
    work->is_followed = true;
    return tail;
}

enum ms_error ms_tails_join(struct ms_tails *tails, struct ms_inquiry *inquiry,
                            struct ms_work *work)
{
    struct ms_tail *tail;

    ms_assert(inquiry->tail == NULL);
    if (inquiry->query.is_following && tails->followers_count >= MS_FOLLOWERS_MAX) {
        return MS_E_RETRY_LATER;
    }
    tail = work->is_followed ? find(tails, work) : begin(tails, work);
    if (tail == NULL) {
        return MS_E_RETRY_LATER;
    }
    inquiry->tail = tail;
    inquiry->attempt = work->attempt;
    inquiry->skip = inquiry->query.what == MS_QUERY_TAIL ? inquiry->query.from : 0;
    ms_list_push_back(&tail->followers, &inquiry->follower);
    tails->followers_count += inquiry->query.is_following;
    return MS_E_OK;
}

/* The bytes of the first piece of what is past longest. */
static void free_piece(struct ms_tails *tails, struct ms_queue *queue, struct ms_output *output)
{
    const uint64_t bytes = output->bytes;

    ms_assert(!tails->is_lent);
    ms_output_drop_first(output, &queue->slab);
    ms_assert(tails->bytes >= bytes - output->bytes);
    tails->bytes -= bytes - output->bytes;
}

static void free_past(struct ms_tails *tails, struct ms_queue *queue, struct ms_tail *tail)
{
    struct ms_output *output = tail->past;

    ms_assert(!tails->is_lent);
    while (output->first != NULL) {
        free_piece(tails, queue, output);
    }
    ms_list_for_each(link, &tail->followers)
    {
        struct ms_inquiry *inquiry = follower_of(link);

        if (inquiry->attempt ==
            output->attempt) { /* what else comes of that attempt is read whole */
            inquiry->cursor = 0;
            inquiry->piece = NULL;
        }
    }
    tail->past = output->next;
    tail->past_last = tail->past != NULL ? tail->past_last : NULL;
    tail->past_count--;
    ms_assert(tails->bytes >= ms_slab_cost(sizeof *output));
    tails->bytes -= ms_slab_cost(sizeof *output);
    ms_slab_give(&queue->slab, output, sizeof *output);
}

/* The first piece of it that somebody has still to read, or stands at: the next one is found from there. */
static uint32_t needed_from(const struct ms_tail *tail, const struct ms_output *output)
{
    uint32_t from = UINT32_MAX;

    ms_list_for_each(link, &tail->followers)
    {
        const struct ms_inquiry *inquiry = follower_of(link);
        uint32_t needed = UINT32_MAX;

        if (inquiry->attempt < output->attempt) {
            needed = 0;
        } else if (inquiry->attempt == output->attempt && inquiry->cursor < output->count) {
            needed = inquiry->cursor > 0 ? inquiry->cursor - 1 : 0;
        }
        from = needed < from ? needed : from;
    }
    return from;
}

static void trim(struct ms_tails *tails, struct ms_queue *queue, struct ms_tail *tail)
{
    while (tail->past != NULL) {
        const uint32_t from = needed_from(tail, tail->past);

        while (tail->past->first != NULL && tail->past->first->index < from) {
            free_piece(tails, queue, tail->past);
        }
        if (from != UINT32_MAX) {
            return;
        }
        free_past(tails, queue, tail);
    }
}

/* Who has not read the piece misses it. */
static void miss(struct ms_tail *tail, const struct ms_output *output, const struct ms_piece *piece)
{
    ms_list_for_each(link, &tail->followers)
    {
        struct ms_inquiry *inquiry = follower_of(link);

        if (inquiry->attempt > output->attempt ||
            (inquiry->attempt == output->attempt && inquiry->cursor > piece->index)) {
            inquiry->piece = inquiry->piece == piece ? NULL : inquiry->piece;
            continue;
        }
        inquiry->missed += piece->size;
        inquiry->attempt = output->attempt;
        inquiry->cursor = piece->index + 1;
        inquiry->piece = NULL;
    }
}

static void limit(struct ms_queue *queue, struct ms_tail *tail)
{
    struct ms_tails *tails = queue->tails;

    while (tail->past != NULL &&
           (tails->bytes > MS_TAIL_BYTES_MAX || tail->past_count > MS_TAIL_PAST_MAX)) {
        if (tail->past->first != NULL) {
            miss(tail, tail->past, tail->past->first);
            free_piece(tails, queue, tail->past);
        } else {
            free_past(tails, queue, tail);
        }
    }
}

static void append(struct ms_tails *tails, struct ms_tail *tail, struct ms_output *output)
{
    ms_assert(output->work == NULL && output->next == NULL);
    if (tail->past_last != NULL) {
        tail->past_last->next = output;
    } else {
        tail->past = output;
    }
    tail->past_last = output;
    tail->past_count++;
    tails->bytes += output->bytes + ms_slab_cost(sizeof *output);
}

void ms_tails_keep(struct ms_queue *queue, struct ms_work *work)
{
    struct ms_tail *tail = find(queue->tails, work);

    ms_assert(work->output != NULL);
    append(queue->tails, tail, ms_output_detach(work, queue->journal));
    if (!queue->tails->is_lent) {
        trim(queue->tails, queue, tail);
        limit(queue, tail);
    }
    ms_tails_wake(queue->tails, work);
}

void ms_tails_tidy(struct ms_tails *tails, struct ms_queue *queue)
{
    if (!tails->is_lent) {
        return;
    }
    tails->is_lent = false;
    ms_list_for_each(link, &tails->all)
    {
        struct ms_tail *tail = ms_container_of(link, struct ms_tail, link);

        trim(tails, queue, tail);
        limit(queue, tail);
    }
}

/* The result follows the pieces. False when memory is out. */
static bool add_result(struct ms_queue *queue, struct ms_work *work)
{
    const struct ms_command last = {.stream = MS_STREAM_DATA,
                                    .index = ms_output_count(work->output),
                                    .payload = ms_work_payload(work)};

    return last.payload.size == 0 ||
           (last.payload.size <= MS_TAIL_BYTES_MAX && ms_output_append(work, &queue->slab, &last));
}

void ms_tails_close(struct ms_queue *queue, struct ms_work *work)
{
    struct ms_tail *tail = find(queue->tails, work);

    ms_ending_of(work, &tail->ending);
    if (!add_result(queue, work)) {
        ms_list_for_each(link, &tail->followers)
        {
            follower_of(link)->missed += work->size;
        }
    }
    if (work->output != NULL) {
        ms_tails_keep(queue, work);
    }
    ms_tails_wake(queue->tails, work);
    tail->work = NULL;
    work->is_followed = false;
}

void ms_tails_wake(struct ms_tails *tails, const struct ms_work *work)
{
    struct ms_tail *tail = find(tails, work);

    ms_list_splice(tails->due, &tail->waiting);
}

static void end(struct ms_tails *tails, struct ms_queue *queue, struct ms_tail *tail)
{
    ms_assert(ms_list_is_empty(&tail->waiting));
    while (tail->past != NULL) {
        free_past(tails, queue, tail);
    }
    if (tail->work != NULL) {
        tail->work->is_followed = false;
    }
    ms_list_remove(&tail->link);
    ms_pool_give(&tails->pool, tail);
}

void ms_tails_leave(struct ms_tails *tails, struct ms_queue *queue, struct ms_inquiry *inquiry)
{
    struct ms_tail *tail = inquiry->tail;

    if (tail == NULL) {
        return;
    }
    ms_assert(tails->followers_count >= inquiry->query.is_following);
    tails->followers_count -= inquiry->query.is_following;
    ms_list_remove(&inquiry->follower);
    ms_list_remove(&inquiry->link);
    inquiry->tail = NULL;
    if (ms_list_is_empty(&tail->followers)) {
        end(tails, queue, tail);
    } else {
        trim(tails, queue, tail);
    }
}

void ms_tails_finish(struct ms_tails *tails, struct ms_queue *queue)
{
    struct ms_list *link;

    if (tails->due == NULL) {
        return;
    }
    tails->is_lent = false;
    while ((link = ms_list_first(&tails->all)) != NULL) {
        struct ms_tail *tail = ms_container_of(link, struct ms_tail, link);

        ms_list_splice(tails->due, &tail->waiting);
        end(tails, queue, tail);
    }
    ms_pool_finish(&tails->pool);
}

void ms_tails_heard(struct ms_tails *tails, ms_peer peer)
{
    ms_list_for_each(link, &tails->paced)
    {
        const struct ms_inquiry *inquiry = ms_container_of(link, struct ms_inquiry, link);

        if (inquiry->peer == peer) {
            ms_list_remove(link);
            ms_list_push_back(tails->due, link);
        }
    }
}

static uint64_t check_past(const struct ms_tail *tail)
{
    const struct ms_output *last = NULL;
    uint64_t bytes = 0;
    uint32_t count = 0;

    for (const struct ms_output *output = tail->past; output != NULL; output = output->next) {
        ms_assert(output->work == NULL);
        ms_assert(last == NULL || last->attempt <= output->attempt);
        bytes += output->bytes + ms_slab_cost(sizeof *output);
        last = output;
        count++;
    }
    ms_assert(last == tail->past_last && count == tail->past_count);
    return bytes;
}

void ms_tails_check(const struct ms_tails *tails)
{
    uint64_t bytes = 0;
    uint32_t followers = 0;

    ms_list_for_each(link, &tails->all)
    {
        const struct ms_tail *tail = ms_container_of(link, struct ms_tail, link);

        ms_assert(tail->work == NULL || tail->work->is_followed);
        ms_assert(!ms_list_is_empty(&tail->followers));
        ms_list_for_each(member, &tail->followers)
        {
            ms_assert(follower_of(member)->tail == tail);
            followers += follower_of(member)->query.is_following;
        }
        bytes += check_past(tail);
    }
    ms_assert(followers == tails->followers_count);
    ms_assert(bytes == tails->bytes && (bytes <= MS_TAIL_BYTES_MAX || tails->is_lent));
}
