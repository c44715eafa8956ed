#include "master/sessions.h"

#include "core/invariant.h"
#include "master/clients.h"
#include "master/recovery.h"
#include "master/slaves.h"
#include "master/state.h"

/* Effects that the end of one session takes at most. */
#define END_EFFECTS 4u

#define WELCOME_RESUMED 1u /* flag of the answer */

void ms_sessions_opened(struct ms_master *master, ms_time now, const struct ms_event *event)
{
    struct ms_connection *connection = NULL;

    ms_assert(event->type == MS_EVENT_PEER_OPENED);
    if (master->connections.pending_count < MS_PENDING_PEERS_MAX) {
        connection = ms_connections_open(&master->connections, now, event->peer, &event->nonce);
    }
    if (connection == NULL) {
        ms_master_refuse(master, event->peer, MS_E_TOO_MANY, NULL);
    }
}

void ms_sessions_closed(struct ms_master *master, const struct ms_event *event)
{
    struct ms_connection *connection = ms_connections_find(&master->connections, event->peer);
    struct ms_session *session;

    ms_assert(event->type == MS_EVENT_PEER_CLOSED);
    if (connection == NULL) {
        return;
    }
    session = connection->session;
    ms_master_disconnect(master, connection);
    if (session != NULL) {
        ms_trace(&master->engine.trace, MS_LEVEL_INFO, "connection lost",
                 "role=%s name=\"%s\" error=%s", ms_role_name(session->role), session->name,
                 ms_error_name(event->error));
        ms_master_lose(master, session);
    }
}

bool ms_sessions_is_outdone(struct ms_master *master, ms_time now, ms_epoch epoch)
{
    if (epoch <= master->config.epoch) {
        return false;
    }
    /* In a pair there is somebody to find out, and the council does. */
    if (!master->config.is_paired && epoch > master->outdone.told &&
        (master->outdone.told == 0 || now >= master->outdone.told_at + MS_OUTDONE_INTERVAL)) {
        master->outdone.told = epoch;
        master->outdone.told_at = now;
        ms_trace(&master->engine.trace, MS_LEVEL_WARN,
                 "a slave or client is refused, because it has heard of a higher epoch than ours: "
                 "another master was its own since. If none is, start this one with --epoch-above",
                 "heard=%llu epoch=%llu", (unsigned long long)epoch,
                 (unsigned long long)master->config.epoch);
    }
    return true;
}

bool ms_sessions_is_own(const struct ms_master *master, const struct ms_hello *hello)
{
    const struct ms_session *session =
        hello->role == MS_ROLE_SLAVE || hello->role == MS_ROLE_CLIENT
            ? ms_session_manager_find_uuid(&master->sessions, hello->role, &hello->node)
            : NULL;

    return session != NULL && !ms_uuid_is_zero(&hello->token) &&
           ms_secret_equal(&session->token, &hello->token);
}

/* What is wrong with what a slave says of itself; NULL when nothing is. */
static const char *blame(const struct ms_hello *hello)
{
    if (hello->slots > MS_SLOTS_MAX || hello->slots_max > MS_SLOTS_MAX) {
        return "more slots than a slave may have";
    }
    if (hello->group[0] != '\0' && !ms_text_is_name(hello->group, strlen(hello->group))) {
        return "a group is made of letters, digits and . _ -";
    }
    if (hello->weight > MS_WEIGHT_MAX) {
        return "a slave's weight is 1 to 1000";
    }
    if (hello->labels_count > MS_LABELS_MAX) {
        return "a slave has at most 16 labels";
    }
    for (uint32_t i = 0; i < hello->labels_count; i++) {
        if (!ms_text_is_label(hello->labels[i], strlen(hello->labels[i]))) {
            return "a label is WORD or KEY=VALUE, of letters, digits and . _ - :";
        }
    }
    return NULL;
}

static_assert(MS_WEIGHT_MAX == 1000 && MS_LABELS_MAX == 16, "what blame says");

/* Why a HELLO is refused; MS_E_OK when it is not. */
static enum ms_error examine(struct ms_master *master, ms_time now, const struct ms_hello *hello,
                             const char **detail_out)
{
    *detail_out = NULL;
    if (hello->version_min > MS_PROTOCOL_MAX || hello->version_max < MS_PROTOCOL_MIN) {
        return MS_E_VERSION;
    }
    if (hello->role != MS_ROLE_SLAVE && hello->role != MS_ROLE_CLIENT) {
        return MS_E_ROLE;
    }
    if (ms_sessions_is_outdone(master, now, hello->epoch)) {
        return MS_E_NOT_ACTIVE;
    }
    if (ms_uuid_is_zero(&hello->node)) {
        *detail_out = "HELLO without a node";
        return MS_E_BAD_ARGUMENT;
    }
    if (hello->role == MS_ROLE_CLIENT && ms_clients_is_own(master, &hello->node)) {
        *detail_out = "that node is a provider of this master";
        return MS_E_BAD_ARGUMENT;
    }
    if (hello->name[0] != '\0' && !ms_text_is_name(hello->name, strlen(hello->name))) {
        *detail_out = "a name is made of letters, digits and . _ - :";
        return MS_E_BAD_ARGUMENT;
    }
    *detail_out = blame(hello);
    return *detail_out == NULL ? MS_E_OK : MS_E_BAD_ARGUMENT;
}

/* False once the role's side of the session has ended. */
static bool is_open(const struct ms_session *session)
{
    return session->user != NULL &&
           (session->role == MS_ROLE_CLIENT || !ms_slave_of(session)->is_ending);
}

enum end {
    END_BYE,
    END_REPLACED,
    END_SILENT,
};

static const char *const end_names[] = {"bye", "replaced", "silent"};

/* The role's side of a session's end; the session itself dies in the manager. */
static void end_user(struct ms_master *master, struct ms_session *session, enum end end)
{
    if (!is_open(session)) {
        return;
    }
    ms_trace(&master->engine.trace, MS_LEVEL_INFO, "session ended",
             "role=%s name=\"%s\" held=%u reason=%s", ms_role_name(session->role), session->name,
             session->held, end_names[end]);
    if (session->role == MS_ROLE_CLIENT) {
        ms_clients_end(master, ms_client_of(session), end == END_BYE);
        return;
    }
    ms_slaves_end(master, ms_slave_of(session), end == END_SILENT);
    if (end == END_BYE) { /* it does not come again, under that node */
        ms_cordons_remove(&master->cordons, &session->uuid);
        ms_recovery_keep_cordons(master);
    }
}

static void close_connection(struct ms_master *master, struct ms_session *session,
                             enum ms_error error)
{
    const ms_peer peer = session->peer;

    if (peer == MS_PEER_NONE) {
        return;
    }
    if (error != MS_E_OK) {
        ms_master_refuse(master, peer, error, NULL);
        return;
    }
    ms_master_disconnect(master, ms_connections_find(&master->connections, peer));
    ms_master_lose(master, session);
    ms_engine_emit(&master->engine, &(struct ms_effect){.type = MS_EFFECT_CLOSE, .peer = peer});
}

void ms_sessions_bye(struct ms_master *master, struct ms_session *session)
{
    ms_assert(!ms_session_is_dead(session));
    close_connection(master, session, MS_E_OK);
    end_user(master, session, END_BYE);
    ms_session_manager_close(&master->sessions, session);
}

/* The same node is back without its token: it knows nothing of the old session. */
static void replace(struct ms_master *master, struct ms_session *session)
{
    ms_assert(!ms_session_is_dead(session));
    close_connection(master, session, MS_E_REPLACED);
    end_user(master, session, END_REPLACED);
    ms_session_manager_close(&master->sessions, session);
}

/* The connection that the session had until now, if it still stands. */
static void drop_old_connection(struct ms_master *master, ms_peer peer)
{
    struct ms_connection *connection = ms_connections_find(&master->connections, peer);

    if (connection == NULL) {
        return;
    }
    ms_master_disconnect(master, connection);
    ms_master_refuse(master, peer, MS_E_REPLACED, NULL);
}

static bool resume(struct ms_master *master, ms_time now, struct ms_session *session,
                   struct ms_connection *connection, const struct ms_hello *hello)
{
    const ms_peer old = session->peer;

    if (ms_uuid_is_zero(&hello->token) ||
        !ms_session_manager_resume(&master->sessions, session, now, &hello->token,
                                   connection->peer)) {
        return false;
    }
    drop_old_connection(master, old);
    if (session->role == MS_ROLE_SLAVE) {
        ms_slaves_resume(master, ms_slave_of(session), hello->slots);
    } else {
        ms_clients_resume(master, ms_client_of(session), hello);
    }
    master->totals.resumes_total++;
    return true;
}

static struct ms_session *create(struct ms_master *master, ms_time now,
                                 const struct ms_connection *connection,
                                 const struct ms_hello *hello)
{
    const struct ms_session_identity identity = {
        .role = hello->role,
        .uuid = hello->node,
        .token = connection->nonce,
        .name = hello->name,
    };
    struct ms_session *session =
        ms_session_manager_new(&master->sessions, now, &identity, connection->peer);
    bool is_made;

    if (session == NULL) {
        return NULL;
    }
    ms_assert(session->user == NULL);
    if (session->role == MS_ROLE_SLAVE) {
        is_made = ms_slaves_open(master, session, hello->slots, master->totals.sessions_total + 1);
    } else {
        is_made =
            ms_clients_open(master, session, hello, master->totals.sessions_total + 1) != NULL;
    }
    if (!is_made) {
        ms_session_manager_free(&master->sessions, session);
        return NULL;
    }
    master->totals.sessions_total++;
    return session;
}

static uint64_t number_of(const struct ms_session *session)
{
    ms_assert(session->user != NULL);
    return session->role == MS_ROLE_SLAVE ? ms_slave_of(session)->number
                                          : ms_client_of(session)->session_number;
}

void ms_sessions_welcome(struct ms_master *master, const struct ms_session *session,
                         const struct ms_answer *answer)
{
    const ms_time tick = master->config.tick;

    ms_assert(master->welcomes_count < MS_WELCOMES_MAX);
    struct ms_welcome *body = &master->welcomes[master->welcomes_count++];

    *body = (struct ms_welcome){
        .version = answer->count,
        .features = answer->first & MS_FEATURES_ALL,
        .token = session->token,
        .resumed = (answer->flags & WELCOME_RESUMED) != 0,
        .session = number_of(session),
        .payload_max = master->config.payload_max,
        .outstanding_max = MS_OUTSTANDING_MAX,
        .beat_interval = tick / 2,
        .dead_after = 3 * tick,
    };
    memcpy(body->name, master->name, sizeof body->name);
    memcpy(body->build, master->build, sizeof body->build);
    if (session->role == MS_ROLE_SLAVE) {
        ms_slave_of(session)->is_welcome = true;
    }
    ms_master_send(master, session->peer,
                   &(struct ms_command){.kind = MS_KIND_WELCOME, .body.welcome = body});
}

/* A slave is let in when it is known for good that it was there; that of a session merged a moment ago is on its way. */
static void welcome(struct ms_master *master, const struct ms_session *session,
                    const struct ms_hello *hello, bool is_resumed)
{
    const bool is_slave = session->role == MS_ROLE_SLAVE;
    const bool is_new_slave = is_slave && !is_resumed;
    const ms_seq known = is_slave ? ms_slave_of(session)->record : 0;
    const ms_seq record =
        is_new_slave ? ms_recovery_keep_session(master, ms_slave_of(session)) : known;

    ms_trace(&master->engine.trace, MS_LEVEL_INFO,
             is_resumed ? "session resumed" : "session opened",
             "role=%s name=\"%s\" session=%llu build=\"%s\"", ms_role_name(session->role),
             session->name, (unsigned long long)number_of(session), hello->build);
    ms_journal_answer(
        master, record,
        &(struct ms_answer){
            .kind = MS_KIND_WELCOME,
            .peer = session->peer,
            .made_at = master->engine.now,
            .first = hello->features,
            .count = hello->version_max < MS_PROTOCOL_MAX ? hello->version_max : MS_PROTOCOL_MAX,
            .flags = is_resumed ? WELCOME_RESUMED : 0,
        });
}

void ms_sessions_hello(struct ms_master *master, ms_time now, struct ms_connection *connection,
                       const struct ms_hello *hello)
{
    const char *detail;
    enum ms_error error = examine(master, now, hello, &detail);
    const struct ms_tags *tags = NULL;
    struct ms_session *session;
    bool is_resumed = false;

    ms_assert(connection->session == NULL);
    if (error == MS_E_OK && hello->role == MS_ROLE_SLAVE) {
        tags = ms_tagging_take(&master->tagging, hello);
        error = tags != NULL ? MS_E_OK : MS_E_TOO_MANY;
    }
    if (error != MS_E_OK) {
        ms_master_refuse(master, connection->peer, error, detail);
        return;
    }
    session = ms_session_manager_find_uuid(&master->sessions, hello->role, &hello->node);
    if (session != NULL && !ms_session_is_dead(session)) {
        is_resumed = resume(master, now, session, connection, hello);
        if (!is_resumed) {
            replace(master, session);
        }
    }
    if (!is_resumed) {
        session = create(master, now, connection, hello);
    }
    if (session == NULL) {
        ms_tagging_give(&master->tagging, tags);
        ms_master_refuse(master, connection->peer, MS_E_TOO_MANY, NULL);
        return;
    }
    if (session->role == MS_ROLE_SLAVE) {
        ms_slaves_greet(master, ms_slave_of(session), hello, tags);
    }
    ms_connections_greet(&master->connections, connection, session);
    welcome(master, session, hello, is_resumed);
}

void ms_sessions_let_go(struct ms_master *master, struct ms_session *session)
{
    if (session->role == MS_ROLE_SLAVE && session->user != NULL) {
        struct ms_slave *slave = ms_slave_of(session);

        ms_assert(session->is_reclaimed);
        if (ms_slaves_are_sweeping(slave)) {
            return; /* the sweep comes back to it */
        }
        ms_slaves_close(master, slave);
    }
    ms_assert(session->user == NULL);
    ms_session_manager_free(&master->sessions, session);
}

/* Connections that have not said HELLO in time; true when the step had no room for all. */
static bool close_silent(struct ms_master *master, ms_time now)
{
    struct ms_connection *connection;

    while ((connection = ms_connections_oldest(&master->connections)) != NULL &&
           connection->opened_at + MS_HELLO_TIMEOUT <= now) {
        if (ms_engine_room(&master->engine) < END_EFFECTS) {
            return true;
        }
        ms_master_refuse(master, connection->peer, MS_E_TIMEOUT, "no HELLO came");
    }
    return false;
}

bool ms_sessions_tick(struct ms_master *master, ms_time now)
{
    struct ms_session *session;

    if (ms_session_manager_tick(&master->sessions, now) == MS_SESSION_TICK_STALLED) {
        master->totals.stalls_total++;
        ms_trace(&master->engine.trace, MS_LEVEL_WARN, "stalled", "total=%llu",
                 (unsigned long long)master->totals.stalls_total);
    }
    while (ms_engine_room(&master->engine) >= END_EFFECTS &&
           (session = ms_session_manager_take_dead(&master->sessions)) != NULL) {
        master->totals.deaths_total += is_open(session);
        end_user(master, session, END_SILENT);
        close_connection(master, session, MS_E_SESSION_DEAD);
    }
    while ((session = ms_session_manager_take_reclaimed(&master->sessions)) != NULL) {
        ms_sessions_let_go(master, session);
    }
    return close_silent(master, now) || ms_engine_room(&master->engine) < END_EFFECTS;
}

ms_time ms_sessions_deadline(const struct ms_master *master)
{
    const struct ms_connection *oldest = ms_connections_oldest(&master->connections);
    ms_time deadline = ms_session_manager_deadline(&master->sessions);

    if (oldest != NULL && oldest->opened_at + MS_HELLO_TIMEOUT < deadline) {
        deadline = oldest->opened_at + MS_HELLO_TIMEOUT;
    }
    return deadline;
}
