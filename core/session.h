/* The master's view of one slave or client: identity, liveness, credit, connection. */
#ifndef CORE_SESSION_H
#define CORE_SESSION_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/command.h"
#include "core/fsm.h"
#include "core/limits.h"
#include "core/list.h"
#include "core/pool.h"
#include "core/types.h"

enum ms_session_state {
    MS_SESSION_ALIVE,
    MS_SESSION_WAITING_0,
    MS_SESSION_WAITING_1,
    MS_SESSION_WAITING_2,
    MS_SESSION_DEAD,
    MS_SESSION_STATES,
};

enum ms_session_event {
    MS_SESSION_TICK,    /* a period passed without a beat */
    MS_SESSION_HEARD,   /* a heartbeat arrived */
    MS_SESSION_READ,    /* anything else arrived from the peer */
    MS_SESSION_WRITE,   /* output went out to the peer's socket */
    MS_SESSION_LOST,    /* its connection is known dead */
    MS_SESSION_RESUMED, /* it came back with its token */
    MS_SESSION_CLOSED,  /* it said goodbye, or was closed by order */
    MS_SESSION_EVENTS,
};

struct ms_session_identity {
    enum ms_role role; /* MS_ROLE_SLAVE or MS_ROLE_CLIENT */
    struct ms_uuid uuid;
    struct ms_uuid token; /* secret that resumes the session; unpredictable, not zero */
    const char *name;     /* borrowed, at most MS_NAME_MAX bytes, may be "" */
};

/* Fields are for reading, except credit, held, user and link, which belong to the owner's rules.
 * The first cache line holds what ticks and beats touch. */
struct ms_session {
    ms_time heard_at; /* last proof of life */
    ms_peer peer;     /* MS_PEER_NONE while disconnected */
    ms_handle handle; /* name in the manager; MS_HANDLE_NONE = not managed */
    uint8_t state;    /* enum ms_session_state */
    uint8_t role;     /* enum ms_role */
    bool is_reclaimed;
    uint32_t credit; /* commands it is ready to be sent */
    uint32_t held;   /* commands it has in hand */
    uint32_t resumed_count;
    void *user;          /* the owner's per-session data, or NULL */
    struct ms_list link; /* for the owner's lists; initialised */
    struct ms_list fate; /* the manager's: newly dead, reclaimed */
    struct ms_uuid uuid;
    struct ms_uuid token;
    ms_time opened_at;
    char name[MS_NAME_MAX + 1];
};

/* One row per state and event; never NULL. */
struct ms_session_transition {
    enum ms_session_state from;
    enum ms_session_event event;
    enum ms_session_state to;
    const char *why;
};

const struct ms_session_transition *ms_session_transition(enum ms_session_state from,
                                                          enum ms_session_event event);
const char *ms_session_state_name(enum ms_session_state state);
const char *ms_session_event_name(enum ms_session_event event);

/* The table in words, for the manual: rows is filled, fsm borrows it. */
#define MS_SESSION_ROWS (MS_SESSION_STATES * MS_SESSION_EVENTS)
void ms_session_rows(struct ms_fsm_row rows[static MS_SESSION_ROWS]);
struct ms_fsm ms_session_fsm(const struct ms_fsm_row rows[static MS_SESSION_ROWS]);

/* Gives a blank session its identity; it is alive and not connected. */
void ms_session_init(struct ms_session *session, const struct ms_session_identity *identity);

/* Its connection is up, which counts as a beat; or, with no peer, it is expected back from now on. */
void ms_session_start(struct ms_session *session, ms_time now, ms_peer peer);

/* A heartbeat arrived. Returns false, and changes nothing, when the session is dead. */
bool ms_session_alive(struct ms_session *session, ms_time now);

bool ms_session_is_dead(const struct ms_session *session);

/* A frame other than a heartbeat arrived: proof of life as well. False when dead. */
bool ms_session_on_read(struct ms_session *session, ms_time now);

/* Output left: that the kernel took bytes proves nothing about the peer. False when dead. */
bool ms_session_on_write(struct ms_session *session, ms_time now);

/* Its connection is gone; it keeps walking and may be resumed. */
void ms_session_lost(struct ms_session *session);

/* It came back on another connection. False, with nothing changed, when it is dead or the token
 * is not its own; the comparison takes the same time for every token. */
bool ms_session_resume(struct ms_session *session, ms_time now, const struct ms_uuid *token,
                       ms_peer peer);

/* Takes the table's step for the event; returns the new state. Everything above goes through it.
 * What can end in dead (TICK, CLOSED) must come through the manager for a managed session. */
enum ms_session_state ms_session_transit_state(struct ms_session *session,
                                               enum ms_session_event event);

/* Blank again, ready for another init; the token is wiped. It must be on no list. */
void ms_session_free(struct ms_session *session);

/* Ends it for good, in any state, on any list. Accepts NULL and a zeroed session. */
void ms_session_destroy(struct ms_session *session);

/* Constant in time. */
bool ms_secret_equal(const struct ms_uuid *a, const struct ms_uuid *b);

static_assert(sizeof(struct ms_session) <= 384, "a hundred thousand sessions stay small");

#endif
