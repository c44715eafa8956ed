#include "master/archive.h"

#include "core/invariant.h"
#include "master/clients.h"
#include "master/outcomes.h"
#include "master/output.h"
#include "master/rare.h"
#include "master/state.h"
#include "master/unique.h"

bool ms_archive_wants(const struct ms_work *work)
{
    const bool is_background = (work->flags & MS_FLAG_BACKGROUND) != 0;

    ms_assert(ms_work_is_finished(work));
    return (work->flags & MS_FLAG_KEEP) != 0 || (is_background && work->state == MS_LIFE_BURIED);
}

uint64_t ms_archive_weight(const struct ms_work *work)
{
    return (work->block != NULL ? ms_slab_cost(work->block_size) : 0) + ms_rare_bytes(work->rare) +
           (work->output != NULL ? work->output->bytes : 0);
}

bool ms_archive_put(struct ms_master *master, struct ms_work *work)
{
    struct ms_queue *queue = &master->queue;
    struct ms_client *client = work->client;

    ms_assert(!work->is_archived && !ms_list_is_linked(&work->link));
    if (!ms_heap_push(&queue->archive, &work->timer, work->changed_at)) {
        return false;
    }
    ms_floors_close(master, client->floor, work->seq, ms_work_is_durable(work));
    work->is_archived = true;
    work->is_recalled = false;
    queue->archive_bytes += ms_archive_weight(work);
    queue->archive_volatile += !ms_work_is_durable(work);
    ms_assert(client->live_count > 0);
    client->live_count--;
    client->archived_count++;
    return true;
}

void ms_archive_take(struct ms_master *master, struct ms_work *work)
{
    struct ms_queue *queue = &master->queue;
    const uint64_t weight = ms_archive_weight(work);

    ms_assert(work->is_archived && queue->archive_bytes >= weight);
    ms_heap_remove(&queue->archive, &work->timer);
    work->is_archived = false;
    queue->archive_bytes -= weight;
    queue->archive_volatile -= !ms_work_is_durable(work);
    ms_assert(work->client->archived_count > 0);
    work->client->archived_count--;
    work->client->live_count++;
}

static struct ms_work *oldest(const struct ms_master *master)
{
    struct ms_heap_node *node = ms_heap_peek(&master->queue.archive);

    return node == NULL ? NULL : ms_container_of(node, struct ms_work, timer);
}

static bool is_full(const struct ms_master *master)
{
    const struct ms_queue *queue = &master->queue;

    return ms_heap_count(&queue->archive) > master->config.limits.keep_count ||
           queue->archive_bytes > queue->keep_bytes;
}

ms_time ms_archive_until(const struct ms_master *master, const struct ms_work *work)
{
    const ms_time ended = ms_heap_key(&master->queue.archive, &work->timer);

    ms_assert(work->is_archived);
    return ended > MS_TIME_NEVER - master->config.keep_age ? MS_TIME_NEVER
                                                           : ended + master->config.keep_age;
}

ms_time ms_archive_deadline(const struct ms_master *master)
{
    const struct ms_work *work = oldest(master);

    if (work == NULL) {
        return MS_TIME_NEVER;
    }
    return is_full(master) ? master->engine.now : ms_archive_until(master, work);
}

bool ms_archive_retire(struct ms_master *master, ms_time now)
{
    uint32_t burst = MS_SWEEP_BURST;

    while (ms_archive_deadline(master) <= now) {
        struct ms_work *work = oldest(master);
        struct ms_client *client = work->client;

        if (burst-- == 0) {
            return true;
        }
        ms_archive_take(master, work);
        if (ms_work_array(work) != NULL) {
            ms_array_close(master, now, work, MS_LIFE_RETIRE);
        } else {
            ms_queue_close(&master->queue, now, work, MS_LIFE_RETIRE);
        }
        ms_clients_reap(master, client);
    }
    return false;
}

void ms_archive_sort_out(struct ms_master *master)
{
    struct ms_queue *queue = &master->queue;
    struct ms_work *work;
    uint32_t cursor = 0;

    ms_assert(master->journal.is_replaying);
    while ((work = ms_pool_next(&queue->pool, &cursor)) != NULL) {
        struct ms_client *client = work->client;

        if (ms_work_is_finished(work) && !work->is_archived && ms_archive_wants(work) &&
            !ms_unique_is_settling(work) && ms_closed_has(&client->floor->closed, work->seq)) {
            ms_outcomes_unlink(work);
            if (!ms_archive_put(master, work)) {
                master->journal.is_failed = true;
                return;
            }
            ms_clients_reap(master, client);
        }
    }
}
