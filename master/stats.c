#include "core/invariant.h"
#include "master/slaves.h"
#include "master/state.h"

static void count_journal(const struct ms_master *master, struct ms_master_stats *stats)
{
    stats->journal_last = master->journal.last;
    stats->journal_persisted = master->journal.persisted;
    stats->journal_waiting = master->journal.waiting.count + master->journal.unflushed.count +
                             master->journal.lone.count;
    stats->store_room = master->journal.room;
    if (!ms_journal_covers(&master->journal, master->journal.last)) {
        stats->store_behind = master->journal.window_bytes + master->journal.flying_bytes;
    }
    stats->copies = master->journal.copies;
    stats->is_failed = master->journal.is_failed;
    stats->is_store_full =
        master->journal.is_on && ms_journal_is_full(master, master->config.payload_max);
}

/* Everything here is kept up to date anyway, so asking costs nothing. */
void ms_master_stats(const struct ms_master *master, struct ms_master_stats *stats_out)
{
    struct ms_master_stats *stats = stats_out;

    const struct ms_arrays *arrays = &master->queue.arrays;

    ms_assert(stats_out != NULL);
    *stats = master->totals;
    for (size_t i = 0; i < MS_LIFE_STATES; i++) {
        stats->commands[i] = master->queue.states[i];
    }
    stats->commands[MS_LIFE_DELAYED] += (uint32_t)arrays->delayed_count;
    stats->commands[MS_LIFE_READY] += (uint32_t)(arrays->waiting_count - arrays->delayed_count);
    for (size_t i = 0; i < MS_LIFE_EVENTS; i++) {
        stats->events_total[i] = master->queue.events_total[i];
    }
    for (size_t i = 0; i < MS_SESSION_STATES; i++) {
        stats->sessions[i] = master->sessions.states[i];
    }
    stats->commands_count = ms_queue_count(&master->queue) + arrays->waiting_count;
    stats->bytes_used = ms_slab_used(&master->queue.slab);
    stats->bytes_reserved = ms_slab_reserved(&master->queue.slab);
    stats->kept_count = ms_heap_count(&master->queue.archive);
    stats->kept_bytes = master->queue.archive_bytes;
    stats->slaves_count = ms_pool_used(&master->slaves);
    stats->clients_count = ms_session_manager_count(&master->sessions) - stats->slaves_count;
    stats->client_records_count = ms_pool_used(&master->clients);
    stats->connections_count = master->connections.count;
    stats->pending_count = master->connections.pending_count;
    stats->types_count = ms_lanes_count(&master->lanes);
    stats->profiles_count = (uint32_t)ms_map_count(&master->lanes.profiles);
    stats->slots = master->slots;
    stats->credit = master->credit;
    stats->held = master->queue.leases.count;
    stats->held += ms_map_count(&master->queue.adopted);
    count_journal(master, stats);
    stats->spools_count = master->spools_count;
    stats->spools_bytes = master->spools_bytes;
    stats->inquiries_count = ms_pool_used(&master->inspect.pool);
    stats->followers_count = master->tails.followers_count;
    stats->tails_bytes = master->tails.bytes;
    stats->dormant_count = master->floors.dormant_count;
    stats->doubted_count = master->queue.doubted_count;
    stats->awaited_count = master->awaited_count;
    stats->orphans_count = ms_pool_used(&master->orphans.pool);
    stats->epoch = master->config.epoch;
    stats->is_durable = master->config.is_durable;
    stats->is_ready = master->is_ready;
    stats->is_draining = ms_master_is_draining(master);
    stats->is_stopped = master->drain == MS_DRAIN_STOPPED;
}
