/* How connections become sessions, and how sessions end. */
#ifndef MASTER_SESSIONS_H
#define MASTER_SESSIONS_H

#include "core/engine.h"
#include "core/session.h"

struct ms_answer;
struct ms_connection;
struct ms_master;

/* PEER_OPENED, PEER_CLOSED. */
void ms_sessions_opened(struct ms_master *master, ms_time now, const struct ms_event *event);
void ms_sessions_closed(struct ms_master *master, const struct ms_event *event);

/* HELLO on a connection: a session is resumed or made, or the connection refused. */
void ms_sessions_hello(struct ms_master *master, ms_time now, struct ms_connection *connection,
                       const struct ms_hello *hello);

/* True when whoever shows that epoch has heard of another master than us, and is refused. A single master says so in its log. */
bool ms_sessions_is_outdone(struct ms_master *master, ms_time now, ms_epoch epoch);

/* True when that HELLO proves by its token that it comes from a session here. */
bool ms_sessions_is_own(const struct ms_master *master, const struct ms_hello *hello);

/* WELCOME, as the answer remembers the HELLO. */
void ms_sessions_welcome(struct ms_master *master, const struct ms_session *session,
                         const struct ms_answer *answer);

/* BYE: the session ends at once; what a slave held goes back without counting against it. */
void ms_sessions_bye(struct ms_master *master, struct ms_session *session);

/* The five-state walk, silent connections, what died; true when more is left for the next step. */
bool ms_sessions_tick(struct ms_master *master, ms_time now);

/* Frees a reclaimed session once nothing of it is left to be put right. */
void ms_sessions_let_go(struct ms_master *master, struct ms_session *session);

/* When ms_sessions_tick wants to be called. */
ms_time ms_sessions_deadline(const struct ms_master *master);

#endif
