#include "master/drain.h"

#include "core/invariant.h"
#include "master/clients.h"
#include "master/slaves.h"
#include "master/state.h"

/* Commands that end with this process, and somebody waits for them. */
static uint32_t left(const struct ms_master *master)
{
    const struct ms_queue *queue = &master->queue;

    return ms_queue_count(queue) - queue->durable_count - queue->archive_volatile;
}

/* True when the master may go: what is left is in nobody's hands, and durable. */
static bool is_done(const struct ms_master *master)
{
    const struct ms_queue *queue = &master->queue;

    return left(master) == 0 && queue->states[MS_LIFE_LEASED] == 0 &&
           master->journal.persisted == master->journal.emitted &&
           ms_answers_first(&master->journal.waiting) == NULL &&
           ms_answers_first(&master->journal.unflushed) == NULL;
}

/* How it ends when there was no more time to wait. */
static enum ms_error error_of(const struct ms_master *master)
{
    if (left(master) > 0) {
        return MS_E_TIMEOUT;
    }
    if (master->journal.persisted == master->journal.emitted) {
        return MS_E_OK;
    }
    return ms_journal_is_full(master, 0) ? MS_E_STORE_FULL : MS_E_TIMEOUT;
}

static void stopped(struct ms_master *master, enum ms_error error)
{
    ms_assert(master->drain != MS_DRAIN_STOPPED);
    master->drain = MS_DRAIN_STOPPED;
    ms_engine_emit(&master->engine, &(struct ms_effect){.type = MS_EFFECT_STOPPED, .error = error});
}

void ms_drain_stop(struct ms_master *master, ms_time now)
{
    switch (master->drain) {
    case MS_DRAIN_NO:
        master->drain = MS_DRAIN_NOTICE;
        master->drain_cursor = 0;
        master->drain_deadline = now + master->config.drain_timeout;
        ms_trace(&master->engine.trace, MS_LEVEL_INFO, "draining", "commands=%u",
                 ms_queue_count(&master->queue));
        break;
    case MS_DRAIN_STOPPED:
        break;
    default:
        stopped(master, left(master) > 0 ? MS_E_CANCELLED : MS_E_OK);
        break;
    }
    ms_assert(master->drain != MS_DRAIN_NO);
}

static void say_goaway(struct ms_master *master, const struct ms_session *session)
{
    ms_assert(session->peer != MS_PEER_NONE);
    ms_master_send(master, session->peer,
                   &(struct ms_command){.kind = MS_KIND_GOAWAY,
                                        .error = MS_E_DRAINING,
                                        .detail = ms_bytes_of(ms_error_text(MS_E_DRAINING))});
}

static bool is_idle_client(const struct ms_session *session)
{
    return session->role == MS_ROLE_CLIENT && session->user != NULL &&
           !ms_client_is_waited_for(ms_client_of(session));
}

/* A slave that still waits for its WELCOME is told nothing else. */
static bool is_welcomed(const struct ms_master *master, const struct ms_session *session)
{
    return session->role != MS_ROLE_SLAVE || session->user == NULL ||
           ms_journal_covers(&master->journal, ms_slave_of(session)->record);
}

/* GOAWAY to the connected sessions from the cursor on; true when all were visited. */
static bool notify(struct ms_master *master, bool only_idle_clients)
{
    struct ms_session *session;

    while (ms_engine_room(&master->engine) > 2) {
        session = ms_session_manager_next(&master->sessions, &master->drain_cursor);
        if (session == NULL) {
            master->drain_cursor = 0;
            return true;
        }
        if (session->peer != MS_PEER_NONE && is_welcomed(master, session) &&
            (!only_idle_clients || is_idle_client(session))) {
            say_goaway(master, session);
        }
    }
    return false;
}

void ms_drain_tick(struct ms_master *master, ms_time now)
{
    if (master->drain == MS_DRAIN_NOTICE && notify(master, true)) {
        master->drain = MS_DRAIN_WAIT;
    }
    if (master->drain == MS_DRAIN_WAIT && (is_done(master) || now >= master->drain_deadline)) {
        master->drain = MS_DRAIN_LEAVE;
        master->drain_cursor = 0;
    }
    if (master->drain == MS_DRAIN_LEAVE && notify(master, false)) {
        ms_assert(ms_engine_room(&master->engine) > 0);
        stopped(master, error_of(master));
    }
}

bool ms_drain_is_busy(const struct ms_master *master)
{
    ms_assert(master->drain <= MS_DRAIN_STOPPED);
    return master->drain == MS_DRAIN_NOTICE || master->drain == MS_DRAIN_LEAVE ||
           (master->drain == MS_DRAIN_WAIT && is_done(master));
}

ms_time ms_drain_deadline(const struct ms_master *master)
{
    ms_assert(master->drain <= MS_DRAIN_STOPPED);
    return master->drain == MS_DRAIN_WAIT ? master->drain_deadline : MS_TIME_NEVER;
}
