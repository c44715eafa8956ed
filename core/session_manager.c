#include "core/session_manager.h"

#include "core/invariant.h"

bool ms_session_manager_init(struct ms_session_manager *manager, uint32_t sessions_max,
                             ms_time period, uint64_t seed)
{
    struct ms_pool pool;

    ms_assert(period > 0);
    ms_assert(sessions_max > 0);
    if (!ms_pool_init(&pool, sizeof(struct ms_session), sessions_max)) {
        return false;
    }
    *manager = (struct ms_session_manager){.pool = pool, .period = period, .due = MS_TIME_NEVER};
    for (size_t role = 0; role < MS_ROLE_COUNT; role++) {
        ms_map_init(&manager->by_uuid[role], sessions_max, seed + role);
    }
    ms_list_init(&manager->dead);
    ms_list_init(&manager->reclaimed);
    return true;
}

void ms_session_manager_finish(struct ms_session_manager *manager)
{
    if (manager == NULL || manager->period == 0) {
        return;
    }
    ms_session_manager_destroy_all(manager);
    ms_pool_finish(&manager->pool);
    for (size_t role = 0; role < MS_ROLE_COUNT; role++) {
        ms_map_finish(&manager->by_uuid[role]);
    }
    *manager = (struct ms_session_manager){.due = MS_TIME_NEVER};
}

/* Keeps the counts of sessions by state true across a change of state. */
static void count_change(struct ms_session_manager *manager, uint8_t before, uint8_t after)
{
    if (before == after) {
        return;
    }
    ms_assert(manager->states[before] > 0);
    manager->states[before]--;
    manager->states[after]++;
}

/* The session goes through event; whoever dies of it is kept for take_dead. */
static void transit(struct ms_session_manager *manager, struct ms_session *session,
                    enum ms_session_event event)
{
    const uint8_t before = session->state;

    ms_session_transit_state(session, event);
    count_change(manager, before, session->state);
    if (before != MS_SESSION_DEAD && session->state == MS_SESSION_DEAD) {
        ms_list_push_back(&manager->dead, &session->fate);
    }
}

/* Takes the session out of the index, unless its name belongs to a later session by now. */
static void forget_name(struct ms_session_manager *manager, const struct ms_session *session)
{
    struct ms_map *map = &manager->by_uuid[session->role];
    const struct ms_key key = ms_key_of_uuid(&session->uuid);

    if (ms_map_find(map, key) == session->handle) {
        ms_map_remove(map, key);
    }
}

struct ms_session *ms_session_manager_new(struct ms_session_manager *manager, ms_time now,
                                          const struct ms_session_identity *identity, ms_peer peer)
{
    struct ms_session *former =
        ms_session_manager_find_uuid(manager, identity->role, &identity->uuid);

    if (former != NULL && !ms_session_is_dead(former)) {
        return NULL;
    }
    struct ms_session *session = ms_pool_take(&manager->pool);

    if (session == NULL) {
        return NULL;
    }
    session->handle = ms_pool_handle(&manager->pool, session);
    if (!ms_map_put(&manager->by_uuid[identity->role], ms_key_of_uuid(&identity->uuid),
                    session->handle)) {
        ms_pool_give(&manager->pool, session);
        return NULL;
    }
    ms_session_init(session, identity);
    ms_session_start(session, now, peer);
    manager->states[MS_SESSION_ALIVE]++;
    if (manager->due == MS_TIME_NEVER) {
        manager->due = now + manager->period;
    }
    return session;
}

struct ms_session *ms_session_manager_find(const struct ms_session_manager *manager,
                                           ms_handle handle)
{
    return ms_pool_get(&manager->pool, handle);
}

struct ms_session *ms_session_manager_find_uuid(const struct ms_session_manager *manager,
                                                enum ms_role role, const struct ms_uuid *uuid)
{
    ms_assert(role == MS_ROLE_SLAVE || role == MS_ROLE_CLIENT);
    const uint64_t handle = ms_map_find(&manager->by_uuid[role], ms_key_of_uuid(uuid));
    struct ms_session *session = ms_pool_get(&manager->pool, handle);

    ms_assert((session == NULL) == (handle == 0));
    return session;
}

bool ms_session_manager_alive(struct ms_session_manager *manager, struct ms_session *session,
                              ms_time now)
{
    const uint8_t before = session->state;
    const bool is_alive = ms_session_alive(session, now);

    count_change(manager, before, session->state);
    return is_alive;
}

bool ms_session_manager_read(struct ms_session_manager *manager, struct ms_session *session,
                             ms_time now)
{
    const uint8_t before = session->state;
    const bool is_alive = ms_session_on_read(session, now);

    count_change(manager, before, session->state);
    return is_alive;
}

bool ms_session_manager_resume(struct ms_session_manager *manager, struct ms_session *session,
                               ms_time now, const struct ms_uuid *token, ms_peer peer)
{
    const uint8_t before = session->state;
    const bool is_resumed = ms_session_resume(session, now, token, peer);

    count_change(manager, before, session->state);
    return is_resumed;
}

void ms_session_manager_close(struct ms_session_manager *manager, struct ms_session *session)
{
    ms_assert(ms_session_manager_find(manager, session->handle) == session);
    transit(manager, session, MS_SESSION_CLOSED);
}

/* One step of one session in the tick that was due. */
static void age(struct ms_session_manager *manager, struct ms_session *session)
{
    if (session->is_reclaimed) {
        return;
    }
    if (!ms_session_is_dead(session)) {
        /* Heard since the tick became due: its silence begins after this tick. */
        if (session->heard_at < manager->due) {
            transit(manager, session, MS_SESSION_TICK);
        }
        return;
    }
    if (ms_list_is_linked(&session->fate)) {
        return; /* nobody has taken its commands back yet */
    }
    transit(manager, session, MS_SESSION_TICK);
    session->is_reclaimed = true;
    manager->states[MS_SESSION_DEAD]--;
    forget_name(manager, session);
    ms_list_push_back(&manager->reclaimed, &session->fate);
}

enum ms_session_tick ms_session_manager_tick(struct ms_session_manager *manager, ms_time now)
{
    uint32_t cursor = 0;

    if (now < manager->due) {
        return MS_SESSION_TICK_EARLY;
    }
    ms_assert(manager->due != MS_TIME_NEVER);
    if (now - manager->due > manager->period / 2) {
        manager->due = now + manager->period;
        manager->stalls_count++;
        return MS_SESSION_TICK_STALLED;
    }
    for (struct ms_session *session; (session = ms_session_manager_next(manager, &cursor));) {
        age(manager, session);
    }
    manager->due += manager->period;
    manager->ticks_count++;
    return MS_SESSION_TICK_AGED;
}

ms_time ms_session_manager_deadline(const struct ms_session_manager *manager)
{
    return manager->due;
}

static struct ms_session *take_from(struct ms_list *list)
{
    struct ms_list *link = ms_list_pop_front(list);

    return link == NULL ? NULL : ms_container_of(link, struct ms_session, fate);
}

struct ms_session *ms_session_manager_take_dead(struct ms_session_manager *manager)
{
    return take_from(&manager->dead);
}

struct ms_session *ms_session_manager_take_reclaimed(struct ms_session_manager *manager)
{
    return take_from(&manager->reclaimed);
}

void ms_session_manager_free(struct ms_session_manager *manager, struct ms_session *session)
{
    ms_assert(ms_session_manager_find(manager, session->handle) == session);
    if (!session->is_reclaimed) {
        ms_assert(manager->states[session->state] > 0);
        manager->states[session->state]--;
        forget_name(manager, session);
    }
    ms_list_remove(&session->fate);
    ms_session_free(session);
    ms_pool_give(&manager->pool, session);
    if (ms_session_manager_count(manager) == 0) {
        manager->due = MS_TIME_NEVER;
    }
}

void ms_session_manager_destroy_all(struct ms_session_manager *manager)
{
    uint32_t cursor = 0;

    for (struct ms_session *session; (session = ms_session_manager_next(manager, &cursor));) {
        ms_list_remove(&session->link);
        ms_session_manager_free(manager, session);
    }
    ms_assert(ms_session_manager_count(manager) == 0);
}

struct ms_session *ms_session_manager_next(const struct ms_session_manager *manager,
                                           uint32_t *cursor)
{
    return ms_pool_next(&manager->pool, cursor);
}

uint32_t ms_session_manager_count(const struct ms_session_manager *manager)
{
    return ms_pool_used(&manager->pool);
}
