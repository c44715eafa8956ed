#include "master/master.h"

#include <stdlib.h>

#include "core/invariant.h"
#include "master/archive.h"
#include "master/clients.h"
#include "master/dispatch.h"
#include "master/gates.h"
#include "master/drain.h"
#include "master/recovery.h"
#include "master/results.h"
#include "master/sessions.h"
#include "master/slaves.h"
#include "master/spool.h"
#include "master/state.h"
#include "master/targets.h"
#include "master/upload.h"

static struct ms_master *master_of(struct ms_engine *engine)
{
    return ms_container_of(engine, struct ms_master, engine);
}

void ms_master_send(struct ms_master *master, ms_peer peer, const struct ms_command *command)
{
    ms_engine_send(&master->engine, peer, master->config.epoch, command);
}

void ms_master_lose(struct ms_master *master, struct ms_session *session)
{
    if (session->peer == MS_PEER_NONE) {
        return;
    }
    ms_session_lost(session);
    ms_assert(session->peer == MS_PEER_NONE);
    if (session->role == MS_ROLE_SLAVE && session->user != NULL) {
        ms_slaves_lost(master, ms_slave_of(session));
    }
}

void ms_master_disconnect(struct ms_master *master, struct ms_connection *connection)
{
    ms_inspect_left(master, connection->peer);
    ms_connections_close(&master->connections, connection);
}

void ms_master_refuse(struct ms_master *master, ms_peer peer, enum ms_error error,
                      const char *detail)
{
    struct ms_connection *connection = ms_connections_find(&master->connections, peer);

    ms_assert(error != MS_E_OK);
    ms_trace(&master->engine.trace, MS_LEVEL_INFO, "connection refused", "error=%s detail=\"%s\"",
             ms_error_name(error), detail != NULL ? detail : "");
    /* A stranger is told no epoch: it may be parked here, in use at another master, and has asked for nothing. */
    ms_engine_send(&master->engine, peer,
                   connection != NULL && connection->session != NULL ? master->config.epoch : 0,
                   &(struct ms_command){
                       .kind = MS_KIND_ERROR,
                       .error = (uint16_t)error,
                       .detail = ms_bytes_of(detail != NULL ? detail : ms_error_text(error)),
                   });
    ms_engine_emit(&master->engine, &(struct ms_effect){.type = MS_EFFECT_CLOSE, .peer = peer});
    if (connection != NULL) {
        struct ms_session *session = connection->session;

        ms_master_disconnect(master, connection);
        if (session != NULL) {
            ms_master_lose(master, session);
        }
    }
}

/* A frame before HELLO, or HELLO itself. */
static void greet(struct ms_master *master, ms_time now, struct ms_connection *connection,
                  const struct ms_command *command)
{
    switch (command->kind) {
    case MS_KIND_HELLO:
        ms_sessions_hello(master, now, connection, command->body.hello);
        break;
    case MS_KIND_PEER_HELLO:
        ms_master_refuse(master, connection->peer, MS_E_ROLE, "this master has no peer");
        break;
    default:
        ms_master_refuse(master, connection->peer, MS_E_ORDER, "the first frame must be HELLO");
        break;
    }
}

/* The peer says that it cannot go on; it closes, and so do we. */
static void hear_error(struct ms_master *master, struct ms_session *session,
                       const struct ms_command *command)
{
    const ms_peer peer = session->peer;

    ms_trace(&master->engine.trace, MS_LEVEL_WARN, "error from peer",
             "role=%s name=\"%s\" error=%s", ms_role_name(session->role), session->name,
             ms_error_name((enum ms_error)command->error));
    ms_master_disconnect(master, ms_connections_find(&master->connections, peer));
    ms_master_lose(master, session);
    ms_engine_emit(&master->engine, &(struct ms_effect){.type = MS_EFFECT_CLOSE, .peer = peer});
}

void ms_master_paced(struct ms_master *master, ms_peer peer, struct ms_pace *pace, size_t size)
{
    pace->bytes += size;
    if (pace->bytes < MS_PACE_SPAN) {
        return;
    }
    pace->bytes = 0;
    pace->due = pace->last;
    pace->last++;
    ms_master_send(master, peer, &(struct ms_command){.kind = MS_KIND_BEAT, .count = pace->last});
}

static void hear_beat(struct ms_master *master, const struct ms_session *session, uint64_t number)
{
    struct ms_pace *pace = &ms_connections_find(&master->connections, session->peer)->pace;

    ms_assert(pace->heard <= pace->last);
    if (number <= pace->heard || number > pace->last) {
        return;
    }
    pace->heard = number;
    if (session->role == MS_ROLE_SLAVE) {
        ms_upload_heard(master, ms_slave_of(session));
    } else {
        ms_tails_heard(&master->tails, session->peer);
    }
}

/* A client that sends a payload in parts waits for these answers, so they come no faster than the store takes
 * the parts. */
static void answer_beat(struct ms_master *master, const struct ms_session *session, uint64_t number)
{
    const bool is_paced =
        session->role == MS_ROLE_CLIENT && ms_client_of(session)->spools_count > 0;

    ms_journal_answer(master, is_paced ? master->journal.last : 0,
                      &(struct ms_answer){
                          .kind = MS_KIND_BEAT_ACK,
                          .peer = session->peer,
                          .made_at = master->engine.now,
                          .first = number,
                      });
}

/* A frame in a session: what is common to slaves and clients is answered here. */
static void receive(struct ms_master *master, ms_time now, struct ms_session *session,
                    const struct ms_command *command)
{
    switch (command->kind) {
    case MS_KIND_HELLO:
        ms_master_refuse(master, session->peer, MS_E_ORDER, "HELLO was said before");
        break;
    case MS_KIND_BEAT:
        ms_slaves_load(master, now, session, command->body.load);
        answer_beat(master, session, command->count);
        break;
    case MS_KIND_BEAT_ACK:
        hear_beat(master, session, command->count);
        break;
    case MS_KIND_ERROR:
        hear_error(master, session, command);
        break;
    case MS_KIND_BYE:
        ms_sessions_bye(master, session);
        break;
    default:
        if (session->role == MS_ROLE_SLAVE) {
            ms_slaves_receive(master, now, ms_slave_of(session), command);
        } else {
            ms_clients_receive(master, now, ms_client_of(session), command);
        }
        break;
    }
}

/* Frames of another reign than ours are fenced off; HELLO comes from any earlier one. */
static enum ms_error fence(struct ms_master *master, ms_time now, const struct ms_event *event)
{
    ms_assert(master->config.epoch > 0);
    if (ms_sessions_is_outdone(master, now, event->epoch)) {
        return MS_E_NOT_ACTIVE;
    }
    if (event->epoch != 0 && event->epoch < master->queue.epoch &&
        event->command->kind != MS_KIND_HELLO) {
        return MS_E_STALE_EPOCH;
    }
    return MS_E_OK;
}

/* Any frame is a proof of life; false when the session is dead. Most frames come in company, and one of
 * them in a moment is enough. */
static bool hear(struct ms_master *master, ms_time now, struct ms_session *session)
{
    ms_assert(session->heard_at <= now);
    if (session->heard_at == now && session->state == MS_SESSION_ALIVE) {
        return true;
    }
    return ms_session_manager_read(&master->sessions, session, now);
}

static void received(struct ms_master *master, ms_time now, const struct ms_event *event)
{
    struct ms_connection *connection = ms_connections_find(&master->connections, event->peer);
    enum ms_error error;

    if (connection == NULL) {
        return; /* on its way when we closed */
    }
    ms_assert(event->command != NULL);
    error = fence(master, now, event);
    if (error != MS_E_OK) {
        ms_master_refuse(master, event->peer, error, NULL);
    } else if (connection->session == NULL) {
        greet(master, now, connection, event->command);
    } else if (hear(master, now, connection->session)) {
        receive(master, now, connection->session, event->command);
    }
}

/* Commands whose time has come, and those whose time is over. What is left makes the deadline "now". */
static void wake(struct ms_master *master, ms_time now)
{
    uint32_t burst = MS_SWEEP_BURST;
    struct ms_work *work;

    while (!master->journal.is_replaying &&
           (work = ms_queue_wake(&master->queue, now, &burst)) != NULL) {
        ms_results_expire(master, now, work);
    }
}

/* Everything that goes by time, and what earlier steps left behind. */
static void tick(struct ms_master *master, ms_time now)
{
    master->has_more = ms_sessions_tick(master, now);
    master->has_more |= ms_slaves_sweep(master, now);
    ms_clients_expire(master, now);
    ms_floors_expire(master, now);
    ms_orphans_expire(master, now);
    ms_groups_expire(master, now);
    ms_spool_expire(master, now);
    master->has_more |= ms_clients_sweep(master, now);
    master->has_more |= ms_recovery_trust(master, now);
    wake(master, now);
    ms_gates_tick(&master->lanes, now);
    ms_list_splice(&master->queue.arrays.due, &master->queue.arrays.short_of);
    master->has_more |= ms_archive_retire(master, now);
    ms_drain_tick(master, now);
    ms_selfcheck_run(master, now);
    ms_inspect_run(master, now);
}

/* The store: what was read back, what has become durable, what still fits. */
static void hear_store(struct ms_master *master, ms_time now, const struct ms_event *event)
{
    switch (event->type) {
    case MS_EVENT_REPLAYED:
        ms_recovery_replayed(master, now, event);
        break;
    case MS_EVENT_PERSISTED:
        ms_journal_persisted(master, event);
        ms_recovery_committed(master);
        break;
    case MS_EVENT_ROOM:
        master->journal.room = event->count;
        break;
    default: /* RELOAD is ms_master_reconfigure */
        break;
    }
}

static void hear_event(struct ms_master *master, ms_time now, const struct ms_event *event)
{
    switch (event->type) {
    case MS_EVENT_RECEIVED:
        received(master, now, event);
        break;
    case MS_EVENT_TICK:
        tick(master, now);
        break;
    case MS_EVENT_PEER_OPENED:
        ms_sessions_opened(master, now, event);
        break;
    case MS_EVENT_PEER_CLOSED:
        ms_sessions_closed(master, event);
        break;
    case MS_EVENT_STOP:
        ms_drain_stop(master, now);
        break;
    case MS_EVENT_PRODUCED:
    case MS_EVENT_TOLD:
        ms_sources_hear(master, now, event);
        break;
    default:
        hear_store(master, now, event);
        break;
    }
}

/* What the event made possible. */
static void go_on(struct ms_master *master, ms_time now)
{
    if (ms_journal_has_answers(&master->journal)) {
        master->has_answers = ms_journal_release(master);
    }
    ms_services_run(master, now);
    ms_reconcile_run(master, now);
    if (!ms_list_is_empty(&master->queue.uniques.settling)) {
        ms_results_share(master, now);
    }
    if (ms_pool_used(&master->queue.arrays.pool) > 0) {
        ms_arrays_run(master, now);
        ms_arrays_pump(master);
    }
    if (master->lanes.is_taker_supplied) {
        master->lanes.is_taker_supplied = false;
        ms_upload_bring_back(&master->queue);
    }
    if (master->queue.lone_count > 0) {
        ms_queue_join(&master->queue);
    }
    if (!ms_list_is_empty(&master->queue.strays)) {
        ms_targets_run(master, now);
    }
    if (ms_lanes_are_due(&master->lanes)) {
        ms_dispatch_run(master, now);
    }
    ms_upload_pump(master);
    if (!ms_list_is_empty(&master->pumps)) {
        ms_clients_pump(master, now);
    }
    ms_sources_run(master, now);
}

/* Whatever a step had to say when the journal failed in it is not said: it may not be true. */
static void stop_for_good(struct ms_master *master)
{
    ms_engine_withdraw(&master->engine);
    if (master->drain != MS_DRAIN_STOPPED) {
        master->drain = MS_DRAIN_STOPPED;
        ms_engine_emit(&master->engine, &(struct ms_effect){.type = MS_EFFECT_STOPPED,
                                                            .error = master->journal.error});
    }
}

static void step(struct ms_engine *engine, ms_time now, const struct ms_event *event)
{
    struct ms_master *master = master_of(engine);

    if (!master->is_started) {
        master->is_started = true;
        master->started_at = now;
    }
    if (master->journal.is_failed) {
        return;
    }
    master->journal.size = 0;
    ms_tails_tidy(&master->tails, &master->queue);
    ms_services_tidy(&master->services);
    master->welcomes_count = 0;
    hear_event(master, now, event);
    if (!master->journal.is_replaying && !master->journal.is_failed) {
        go_on(master, now);
        ms_journal_end_step(master);
    }
    if (master->journal.is_failed) {
        stop_for_good(master);
    }
}

/* True when commands in doubt need no longer wait. */
static bool is_trust_due(const struct ms_master *master)
{
    return !ms_recovery_is_doubting(master) && !ms_list_is_empty(&master->queue.doubted);
}

/* True when a step left something behind. */
static bool is_behind(const struct ms_master *master)
{
    return master->has_more || ms_lanes_are_due(&master->lanes) ||
           !ms_list_is_empty(&master->pumps) || !ms_list_is_empty(&master->slave_sweeps) ||
           !ms_list_is_empty(&master->queue.uniques.settling) ||
           !ms_list_is_empty(&master->queue.strays) ||
           (ms_pool_used(&master->queue.arrays.pool) > 0 && ms_arrays_are_behind(master)) ||
           !ms_list_is_empty(&master->uploads) || !ms_list_is_empty(&master->client_sweeps) ||
           !ms_list_is_empty(&master->sessions.dead) || master->has_answers ||
           is_trust_due(master) || ms_journal_may_leave(&master->journal) ||
           ms_queue_can_join(&master->queue) || ms_reconcile_is_behind(master) ||
           ms_services_are_due(master) || master->tails.is_lent ||
           ms_inspect_is_due(&master->inspect) || ms_drain_is_busy(master);
}

static ms_time earlier(ms_time a, ms_time b)
{
    return a < b ? a : b;
}

static ms_time deadline(const struct ms_engine *engine)
{
    const struct ms_master *master = (const struct ms_master *)(const void *)engine;
    ms_time at = MS_TIME_NEVER;

    if (master->journal.is_failed || master->journal.is_replaying) {
        return MS_TIME_NEVER;
    }
    if (is_behind(master)) {
        return engine->now;
    }
    at = earlier(at, ms_sessions_deadline(master));
    at = earlier(at, ms_queue_deadline(&master->queue));
    at = earlier(at, ms_clients_deadline(master));
    at = earlier(at, ms_floors_deadline(master));
    at = earlier(at, ms_orphans_deadline(&master->orphans));
    at = earlier(at, ms_groups_deadline(&master->groups));
    at = earlier(at, ms_spool_deadline(master));
    at = earlier(at, earlier(ms_archive_deadline(master), ms_sources_deadline(&master->sources)));
    at = earlier(at, ms_services_deadline(&master->services));
    at = earlier(at, ms_gates_deadline(&master->lanes));
    return earlier(at, ms_drain_deadline(master));
}

static const struct ms_engine_ops ops = {.name = "master", .step = step, .deadline = deadline};

/* Fills in what was left open and cuts what is out of range. */
static void settle_config(struct ms_master_config *config)
{
    struct ms_master_limits *limits = &config->limits;

    ms_assert(config->epoch > 0 && config->payload_max <= MS_PAYLOAD_MAX_CEILING);
    config->payload_max = config->payload_max > 0 ? config->payload_max : MS_PAYLOAD_MAX_DEFAULT;
    config->tick = config->tick > 0 ? config->tick : MS_TICK_DEFAULT;
    config->drain_timeout =
        config->drain_timeout > 0 ? config->drain_timeout : MS_DRAIN_TIMEOUT_DEFAULT;
    config->client_keep = config->client_keep > 0 ? config->client_keep : MS_CLIENT_KEEP_DEFAULT;
    config->outcome_keep =
        config->outcome_keep > 0 ? config->outcome_keep : MS_OUTCOME_KEEP_DEFAULT;
    config->keep_age = config->keep_age > 0 ? config->keep_age : MS_KEEP_AGE_DEFAULT;
    config->client_ttl = config->client_ttl > 0 ? config->client_ttl : MS_CLIENT_TTL_DEFAULT;
    config->crashes_max =
        config->crashes_max < UINT16_MAX - 1 ? config->crashes_max : UINT16_MAX - 1;
    limits->sessions_max =
        limits->sessions_max > 0 ? limits->sessions_max : MS_SESSIONS_MAX_DEFAULT;
    limits->commands_max =
        limits->commands_max > 0 ? limits->commands_max : MS_COMMANDS_MAX_DEFAULT;
    limits->bytes_max = limits->bytes_max > 0 ? limits->bytes_max : MS_COMMAND_BYTES_MAX_DEFAULT;
    limits->keep_count = limits->keep_count > 0 ? limits->keep_count : MS_KEEP_COUNT_DEFAULT;
    limits->keep_bytes = limits->keep_bytes > 0 ? limits->keep_bytes : MS_KEEP_BYTES_DEFAULT;
    limits->connections_max = limits->connections_max > 0 ? limits->connections_max : MS_PEERS_MAX;
    limits->store_reserve =
        limits->store_reserve > 0 ? limits->store_reserve : MS_STORE_RESERVE_DEFAULT;
}

static bool init(struct ms_master *master)
{
    const struct ms_master_limits *limits = &master->config.limits;
    const uint32_t clients_max = limits->sessions_max + limits->commands_max + MS_SOURCES_MAX;

    ms_list_init(&master->slave_sweeps);
    ms_list_init(&master->client_sweeps);
    ms_list_init(&master->pumps);
    ms_list_init(&master->spools);
    ms_list_init(&master->uploads);
    ms_heap_init(&master->clients_away[0], clients_max);
    ms_heap_init(&master->clients_away[1], clients_max);
    ms_journal_init(&master->journal, master->config.is_durable);
    ms_rng_init(&master->rng, master->config.seed);
    return ms_engine_init(&master->engine, &ops) && ms_connections_init(&master->connections) &&
           ms_session_manager_init(&master->sessions, limits->sessions_max, master->config.tick,
                                   ms_rng_next(&master->rng)) &&
           ms_lanes_init(&master->lanes, &master->routes, ms_rng_next(&master->rng)) &&
           ms_queue_init(&master->queue, &master->lanes, &master->rng, &master->journal, limits) &&
           ms_inspect_init(&master->inspect) &&
           ms_tails_init(&master->tails, &master->inspect.inquiries) &&
           ms_groups_init(&master->groups, &master->queue.slab, &master->journal,
                          ms_rng_next(&master->rng)) &&
           ms_orphans_init(&master->orphans, ms_rng_next(&master->rng)) && ms_slaves_init(master) &&
           ms_pool_init(&master->clients, sizeof(struct ms_client), clients_max) &&
           ms_floors_init(&master->floors, clients_max + MS_FLOORS_DORMANT_MAX,
                          ms_rng_next(&master->rng)) &&
           ms_services_init(&master->services, master->config.services, &master->engine.trace,
                            master->config.seed);
}

struct ms_master *ms_master_create(const struct ms_master_config *config)
{
    struct ms_master *master = calloc(1, sizeof *master);

    if (master == NULL) {
        return NULL;
    }
    master->config = *config;
    ms_text_copy_name(master->name, config->name);
    ms_text_copy_name(master->build, config->build);
    master->config.name = master->name;
    master->config.build = master->build;
    settle_config(&master->config);
    if (init(master) && ms_sources_init(master)) {
        master->epoch_floor = config->epoch;
        master->knows_hands = config->knows_hands;
        master->writes_no_hands = config->writes_no_hands;
        master->queue.groups = &master->groups;
        master->queue.tails = &master->tails;
        master->groups.due = &master->inspect.inquiries;
        master->is_ready = !config->is_durable;
        ms_services_allow(&master->services, !config->is_paired);
        /* What is read back was handed out before, whatever the clock says now. */
        master->queue.epoch = config->is_durable ? UINT64_MAX : config->epoch;
        master->queue.wall_offset = config->wall_offset;
        master->queue.is_doubting = config->is_durable;
    } else {
        ms_master_destroy(master);
        master = NULL;
    }
    return master;
}

void ms_master_destroy(struct ms_master *master)
{
    if (master == NULL) {
        return;
    }
    ms_services_finish(&master->services);
    ms_slaves_finish(master);
    ms_reconcile_forget(master);
    ms_tails_finish(&master->tails, &master->queue);
    ms_inspect_finish(&master->inspect);
    ms_spool_finish(master);
    ms_queue_abandon(&master->queue); /* pieces of output are on their clients' lists */
    ms_clients_finish(master);
    ms_groups_finish(&master->groups);
    ms_queue_finish(&master->queue);
    ms_orphans_finish(&master->orphans);
    ms_journal_finish(&master->journal);
    ms_lanes_finish(&master->lanes);
    ms_routes_finish(&master->routes);
    ms_session_manager_finish(&master->sessions);
    ms_connections_finish(&master->connections);
    ms_engine_finish(&master->engine);
    free(master);
}

struct ms_engine *ms_master_engine(struct ms_master *master)
{
    ms_assert(master != NULL);
    return &master->engine;
}

void ms_master_set_epoch(struct ms_master *master, ms_epoch epoch)
{
    ms_assert(epoch > master->config.epoch && !master->journal.is_replaying);
    master->config.epoch = epoch;
}

bool ms_master_is_ready(const struct ms_master *master)
{
    return master->is_ready;
}

ms_seq ms_master_last_record(const struct ms_master *master)
{
    return master->journal.last;
}

ms_peer ms_master_next_peer(const struct ms_master *master, uint32_t *cursor)
{
    return ms_connections_next(&master->connections, cursor);
}

bool ms_master_knows(const struct ms_master *master, ms_peer peer)
{
    return ms_connections_find(&master->connections, peer) != NULL;
}

void ms_master_set_wall(struct ms_master *master, int64_t wall_offset)
{
    master->config.wall_offset = wall_offset;
    master->queue.wall_offset = wall_offset;
}

void ms_master_reconfigure(struct ms_master *master, const struct ms_master_config *config)
{
    struct ms_master_config next = *config;

    settle_config(&next);
    master->config.payload_max = next.payload_max;
    master->config.crashes_max = next.crashes_max;
    master->config.drain_timeout = next.drain_timeout;
    master->config.client_keep = next.client_keep;
    master->config.outcome_keep = next.outcome_keep;
    master->config.client_ttl = next.client_ttl;
    master->config.keep_age = next.keep_age;
    master->config.limits.store_reserve = next.limits.store_reserve;
    master->config.limits.keep_count = next.limits.keep_count;
    ms_queue_limit(&master->queue, &next.limits);
}
