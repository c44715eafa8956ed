/* All sessions of one master: pooled, found by name, aged by one schedule, pulled when dead. */
#ifndef CORE_SESSION_MANAGER_H
#define CORE_SESSION_MANAGER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/list.h"
#include "core/map.h"
#include "core/pool.h"
#include "core/session.h"

/* Without a beat a session is DEAD in (3, 4] periods and reclaimed in (4, 5]. */
struct ms_session_manager {
    struct ms_pool pool;
    struct ms_map by_uuid[MS_ROLE_COUNT];
    struct ms_list dead;      /* died, not yet taken */
    struct ms_list reclaimed; /* to be freed, not yet taken */
    ms_time period;
    ms_time due; /* of the next tick; MS_TIME_NEVER while there is no session */
    uint64_t ticks_count;
    uint64_t stalls_count;
    uint32_t states[MS_SESSION_STATES]; /* sessions in each state, reclaimed ones left out */
};

enum ms_session_tick {
    MS_SESSION_TICK_EARLY,   /* not due yet: nothing was done */
    MS_SESSION_TICK_AGED,    /* every session took one step */
    MS_SESSION_TICK_STALLED, /* we were late ourselves: nobody aged, the schedule starts anew */
};

/* period > 0. sessions_max bounds the pool, seed spreads the index. False when memory is out. */
bool ms_session_manager_init(struct ms_session_manager *manager, uint32_t sessions_max,
                             ms_time period, uint64_t seed);

/* Destroys all sessions. Accepts NULL and a zeroed manager. */
void ms_session_manager_finish(struct ms_session_manager *manager);

/* A started session; with no peer it is expected to resume. NULL when the pool is full, memory is out, or a session of this role and uuid
 * is there and not dead (find it first). A dead one is no longer found by uuid afterwards. */
struct ms_session *ms_session_manager_new(struct ms_session_manager *manager, ms_time now,
                                          const struct ms_session_identity *identity, ms_peer peer);

/* NULL when the handle is stale. A dead session is found until it is freed. */
struct ms_session *ms_session_manager_find(const struct ms_session_manager *manager,
                                           ms_handle handle);

/* The latest session of that name that is not reclaimed; it may be dead. */
struct ms_session *ms_session_manager_find_uuid(const struct ms_session_manager *manager,
                                                enum ms_role role, const struct ms_uuid *uuid);

/* Proofs of life and changes of connection: the session's own functions, with the counts kept. */
bool ms_session_manager_alive(struct ms_session_manager *manager, struct ms_session *session,
                              ms_time now);
bool ms_session_manager_read(struct ms_session_manager *manager, struct ms_session *session,
                             ms_time now);
bool ms_session_manager_resume(struct ms_session_manager *manager, struct ms_session *session,
                               ms_time now, const struct ms_uuid *token, ms_peer peer);

/* The session is dead at once and comes out of take_dead; harmless when it is dead already. */
void ms_session_manager_close(struct ms_session_manager *manager, struct ms_session *session);

/* Every session takes one step when the tick is due. Input that is already there must be heard
 * before. A tick later than half a period ages nobody, because the silence may be our own. */
enum ms_session_tick ms_session_manager_tick(struct ms_session_manager *manager, ms_time now);

/* When tick wants to be called; MS_TIME_NEVER without sessions. */
ms_time ms_session_manager_deadline(const struct ms_session_manager *manager);

/* Next session that died and was not taken yet, or NULL: its commands go back now. It stays in the
 * manager until it is reclaimed at the next tick; one that is not taken by then waits longer. */
struct ms_session *ms_session_manager_take_dead(struct ms_session_manager *manager);

/* Next session to be let go, or NULL; the caller drops what it keeps for it and frees it. */
struct ms_session *ms_session_manager_take_reclaimed(struct ms_session_manager *manager);

/* Returns the session to the pool in any state; its handles are stale from now on. */
void ms_session_manager_free(struct ms_session_manager *manager, struct ms_session *session);

/* Frees every session, live ones too. */
void ms_session_manager_destroy_all(struct ms_session_manager *manager);

/* Walks all sessions in the order of their places; start with 0; NULL at the end. */
struct ms_session *ms_session_manager_next(const struct ms_session_manager *manager,
                                           uint32_t *cursor);

uint32_t ms_session_manager_count(const struct ms_session_manager *manager);

#endif
