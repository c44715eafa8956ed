#include "core/session.h"

#include <string.h>

#include "core/invariant.h"

#define DEAD_STAYS "dead is for good: its commands were given to others"

/* Rows in the order of state, then event: the place of a row is its key, checked below. */
static const struct ms_session_transition transitions[MS_SESSION_STATES * MS_SESSION_EVENTS] = {
#define ROW(from, event, to, why)                                                                  \
    [MS_SESSION_##from * MS_SESSION_EVENTS + MS_SESSION_##                                         \
        event] = {MS_SESSION_##from, MS_SESSION_##event, MS_SESSION_##to, why}
/* What all states that can still be revived have in common; silent = where silence leads. */
#define ROWS(state, silent, why_silent)                                                            \
    ROW(state, TICK, silent, why_silent), ROW(state, HEARD, ALIVE, "a heartbeat proves life"),     \
        ROW(state, READ, ALIVE, "whatever the peer sent proves life"),                             \
        ROW(state, WRITE, state, "that the system took bytes proves nothing about the peer"),      \
        ROW(state, LOST, state, "a lost connection may be resumed in time, so the walk goes on"),  \
        ROW(state, RESUMED, ALIVE, "it came back with its token and what it holds"),               \
        ROW(state, CLOSED, DEAD, "it said goodbye or was ended by order: nothing to wait for")
    ROWS(ALIVE, WAITING_0, "nothing was heard since the last tick"),
    ROWS(WAITING_0, WAITING_1, "silent for a whole period"),
    ROWS(WAITING_1, WAITING_2, "silent for two periods"),
    ROWS(WAITING_2, DEAD, "silent for more than three periods: its commands go to others"),
    ROW(DEAD, TICK, DEAD, "the tick after death: the session is reclaimed for reuse"),
    ROW(DEAD, HEARD, DEAD, DEAD_STAYS),
    ROW(DEAD, READ, DEAD, DEAD_STAYS),
    ROW(DEAD, WRITE, DEAD, "output to a dead session changes nothing"),
    ROW(DEAD, LOST, DEAD, "its connection was closed after death"),
    ROW(DEAD, RESUMED, DEAD, "a resume after death is refused: a new session begins"),
    ROW(DEAD, CLOSED, DEAD, "it is ended already"),
#undef ROWS
#undef ROW
};

const struct ms_session_transition *ms_session_transition(enum ms_session_state from,
                                                          enum ms_session_event event)
{
    ms_assert((unsigned)from < MS_SESSION_STATES);
    ms_assert((unsigned)event < MS_SESSION_EVENTS);
    const struct ms_session_transition *row =
        &transitions[(unsigned)from * MS_SESSION_EVENTS + (unsigned)event];

    ms_assert(row->from == from && row->event == event);
    ms_assert(row->why != NULL);
    return row;
}

const char *ms_session_state_name(enum ms_session_state state)
{
    static const char *const names[MS_SESSION_STATES] = {
        [MS_SESSION_ALIVE] = "alive",         [MS_SESSION_WAITING_0] = "waiting_0",
        [MS_SESSION_WAITING_1] = "waiting_1", [MS_SESSION_WAITING_2] = "waiting_2",
        [MS_SESSION_DEAD] = "dead",
    };

    ms_assert((unsigned)state < MS_SESSION_STATES);
    return names[state];
}

const char *ms_session_event_name(enum ms_session_event event)
{
    static const char *const names[MS_SESSION_EVENTS] = {
        [MS_SESSION_TICK] = "tick",     [MS_SESSION_HEARD] = "heard",
        [MS_SESSION_READ] = "read",     [MS_SESSION_WRITE] = "write",
        [MS_SESSION_LOST] = "lost",     [MS_SESSION_RESUMED] = "resumed",
        [MS_SESSION_CLOSED] = "closed",
    };

    ms_assert((unsigned)event < MS_SESSION_EVENTS);
    return names[event];
}

void ms_session_rows(struct ms_fsm_row rows[static MS_SESSION_ROWS])
{
    ms_assert(rows != NULL);
    for (size_t i = 0; i < MS_SESSION_ROWS; i++) {
        const struct ms_session_transition *row = &transitions[i];

        rows[i] = (struct ms_fsm_row){
            .from = ms_session_state_name(row->from),
            .event = ms_session_event_name(row->event),
            .to = ms_session_state_name(row->to),
            .why = row->why,
        };
    }
}

struct ms_fsm ms_session_fsm(const struct ms_fsm_row rows[static MS_SESSION_ROWS])
{
    return (struct ms_fsm){
        .title = "Session",
        .about = "The master's view of a slave or a client. Without a sign of life it is dead in "
                 "(3, 4] ticks\nand reclaimed in (4, 5]. A tick that comes late because the master "
                 "itself was held up ages nobody.",
        .initial = ms_session_state_name(MS_SESSION_ALIVE),
        .rows = rows,
        .count = MS_SESSION_ROWS,
    };
}

void ms_session_init(struct ms_session *session, const struct ms_session_identity *identity)
{
    ms_assert(identity->role == MS_ROLE_SLAVE || identity->role == MS_ROLE_CLIENT);
    ms_assert(!ms_uuid_is_zero(&identity->uuid));
    ms_assert(!ms_uuid_is_zero(&identity->token));
    *session = (struct ms_session){
        .state = MS_SESSION_ALIVE,
        .role = (uint8_t)identity->role,
        .uuid = identity->uuid,
        .token = identity->token,
        .handle = session->handle,
    };
    const size_t size = strlen(identity->name);

    ms_assert(size <= MS_NAME_MAX);
    memcpy(session->name, identity->name, size);
    ms_list_init(&session->link);
    ms_list_init(&session->fate);
}

void ms_session_start(struct ms_session *session, ms_time now, ms_peer peer)
{
    ms_assert(session->state == MS_SESSION_ALIVE);
    session->peer = peer;
    session->heard_at = now;
    session->opened_at = now;
}

enum ms_session_state ms_session_transit_state(struct ms_session *session,
                                               enum ms_session_event event)
{
    const struct ms_session_transition *row =
        ms_session_transition((enum ms_session_state)session->state, event);

    session->state = (uint8_t)row->to;
    return row->to;
}

/* An event that proves life, unless life has ended. */
static bool prove(struct ms_session *session, ms_time now, enum ms_session_event event)
{
    if (ms_session_transit_state(session, event) == MS_SESSION_DEAD) {
        return false;
    }
    ms_assert(now >= session->heard_at);
    session->heard_at = now;
    return true;
}

bool ms_session_alive(struct ms_session *session, ms_time now)
{
    return prove(session, now, MS_SESSION_HEARD);
}

bool ms_session_is_dead(const struct ms_session *session)
{
    return session->state == MS_SESSION_DEAD;
}

bool ms_session_on_read(struct ms_session *session, ms_time now)
{
    return prove(session, now, MS_SESSION_READ);
}

bool ms_session_on_write(struct ms_session *session, ms_time now)
{
    ms_assert(now >= session->heard_at);
    return ms_session_transit_state(session, MS_SESSION_WRITE) != MS_SESSION_DEAD;
}

void ms_session_lost(struct ms_session *session)
{
    ms_session_transit_state(session, MS_SESSION_LOST);
    session->peer = MS_PEER_NONE;
}

bool ms_secret_equal(const struct ms_uuid *a, const struct ms_uuid *b)
{
    /* volatile keeps the compiler from leaving the loop at the first difference. */
    volatile uint8_t difference = 0;

    for (size_t i = 0; i < sizeof a->bytes; i++) {
        difference = (uint8_t)(difference | (a->bytes[i] ^ b->bytes[i]));
    }
    return difference == 0;
}

bool ms_session_resume(struct ms_session *session, ms_time now, const struct ms_uuid *token,
                       ms_peer peer)
{
    ms_assert(peer != MS_PEER_NONE);
    if (!ms_secret_equal(&session->token, token)) {
        return false;
    }
    if (!prove(session, now, MS_SESSION_RESUMED)) {
        return false;
    }
    session->peer = peer;
    session->resumed_count++;
    return true;
}

/* Leaves no copy of the secret behind, whatever the optimiser thinks of dead stores. */
static void wipe(struct ms_uuid *token)
{
    volatile uint8_t *bytes = token->bytes;

    for (size_t i = 0; i < sizeof token->bytes; i++) {
        bytes[i] = 0;
    }
}

void ms_session_free(struct ms_session *session)
{
    ms_assert(ms_list_is_empty(&session->link));
    ms_assert(ms_list_is_empty(&session->fate));
    wipe(&session->token);
    *session = (struct ms_session){.state = MS_SESSION_ALIVE, .handle = session->handle};
    ms_list_init(&session->link);
    ms_list_init(&session->fate);
}

void ms_session_destroy(struct ms_session *session)
{
    if (session == NULL) {
        return;
    }
    if (session->link.next != NULL) {
        ms_list_remove(&session->link);
        ms_list_remove(&session->fate);
    }
    wipe(&session->token);
    *session = (struct ms_session){.state = MS_SESSION_DEAD};
}
