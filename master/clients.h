/* What a client may do: submit, cancel, confirm outcomes; and how outcomes travel to it. */
#ifndef MASTER_CLIENTS_H
#define MASTER_CLIENTS_H

#include "core/command.h"
#include "core/list.h"
#include "core/session.h"
#include "core/heap.h"
#include "master/arrays.h"
#include "master/floors.h"
#include "master/index.h"

struct ms_lane;
struct ms_master;
struct ms_source;
struct ms_work;

/* Pooled; outlives its session while commands of it live. One that fell silent (stopped, or cut off) is
 * away: its commands run and their outcomes are kept for config.client_keep, and when it comes back under
 * its name it is told how things stand. After that, or after BYE, outcomes are dropped. */
struct ms_client {
    struct ms_session *session; /* NULL = gone */
    struct ms_uuid uuid;
    struct ms_floor *floor;  /* its numbers that are closed */
    uint64_t number;         /* unique in this master; with seq it names commands in the index */
    uint64_t session_number; /* for people */
    struct ms_index index;   /* its live commands */
    struct ms_lane *lane;    /* that it submitted to last; saves the search */
    struct ms_list pending;  /* finished works, not sent on this connection, in order of finish */
    struct ms_list sent;     /* sent, not confirmed */
    struct ms_list streams_due;  /* outputs with pieces to be forwarded */
    struct ms_list streams_idle; /* outputs all forwarded */
    struct ms_list pump;         /* on master->pumps while something may be sent */
    struct ms_list spools;       /* payloads that come in parts */
    uint32_t spools_count;
    struct ms_array_book arrays; /* of which members are open */
    struct ms_list sweep; /* on master->client_sweeps while outcomes nobody wants are dropped */
    struct ms_heap_node
        away;     /* in master->clients_away: outcomes are kept, though it has no session */
    bool is_kept; /* away, as one with durable commands */
    bool is_own;  /* of the master itself: it has no session, and is never away or gone */
    struct ms_source *source; /* the provider whose commands these are; NULL */
    uint32_t connection;      /* counts its connections from 1 */
    uint32_t live_count;      /* commands in any state, but for archived ones */
    uint32_t
        archived_count; /* of which only the outcome is kept: they keep it from being forgotten, no more */
    uint32_t waiting_count; /* members of its arrays that have no work */
    uint32_t pending_count;
    uint32_t sent_count;
    bool is_fresh;       /* it never heard of another master, so what it submits is nowhere yet */
    uint64_t sent_bytes; /* of outcomes not confirmed, with their late pieces */
    uint64_t live_bytes; /* of pieces forwarded before their outcome */
    uint64_t submitted_total;
};

/* The client of that name, made when new, gets the session. NULL when memory is out. */
struct ms_client *ms_clients_open(struct ms_master *master, struct ms_session *session,
                                  const struct ms_hello *hello, uint64_t number);

/* The client of a command that is read back: away. NULL when memory is out. */
struct ms_client *ms_clients_recall(struct ms_master *master, const struct ms_uuid *uuid);

/* What a client of the master's own is called: the same on every machine. kind: "provider". */
struct ms_uuid ms_clients_own_uuid(const char *kind, const char *name);

/* A client of the master's own of that name. NULL when memory is out. */
struct ms_client *ms_clients_own(struct ms_master *master, const struct ms_uuid *uuid);

/* One of these has that name. */
bool ms_clients_is_own(const struct ms_master *master, const struct ms_uuid *uuid);

/* The live command of that id; NULL when there is none. */
struct ms_work *ms_clients_find_work(const struct ms_master *master, const struct ms_id *id);

/* The array that the id is of; NULL when there is none. */
struct ms_array *ms_clients_find_array(const struct ms_master *master, const struct ms_id *id);

/* Like find_work; of a member of an array that waits its likeness, which is filled in. */
const struct ms_work *ms_clients_look_at(const struct ms_master *master, ms_time now,
                                         const struct ms_id *id,
                                         struct ms_array_likeness *likeness);

/* Like find_work; a member of an array that waited gets a work of its own. */
struct ms_work *ms_clients_reach_work(struct ms_master *master, ms_time now,
                                      const struct ms_id *id);

/* A new connection: everything not confirmed will be sent again. */
void ms_clients_resume(struct ms_master *master, struct ms_client *client,
                       const struct ms_hello *hello);

/* The session is over. is_bye: the client said that it is done; else it is away and may come back. */
void ms_clients_end(struct ms_master *master, struct ms_client *client, bool is_bye);

/* Gives up those that have been away too long, or everybody away when the master drains. */
void ms_clients_expire(struct ms_master *master, ms_time now);

/* When expire has something to do. */
ms_time ms_clients_deadline(const struct ms_master *master);

/* A client without session and live commands is gone, and freed unless an outcome of it is archived; harmless
 * for others. */
void ms_clients_reap(struct ms_master *master, struct ms_client *client);

/* A frame of a client. */
void ms_clients_receive(struct ms_master *master, ms_time now, struct ms_client *client,
                        const struct ms_command *command);

/* SUBMIT_NAK; a NULL detail is the error's own text. detail stays borrowed until the next step. */
void ms_clients_refuse(struct ms_master *master, const struct ms_client *client, uint64_t seq,
                       enum ms_error error, const char *detail);

/* A work was settled: its outcome goes to the client, or the work is closed when nobody waits. */
void ms_clients_settled(struct ms_master *master, ms_time now, struct ms_work *work);

/* A piece of output was kept: forward it when the submitter wants it as it comes. */
void ms_clients_streamed(struct ms_master *master, struct ms_work *work);

/* Sends outcomes and pieces while the step has room. */
void ms_clients_pump(struct ms_master *master, ms_time now);

/* Drops a bounded part of the outcomes of clients that are gone; true when more is left. */
bool ms_clients_sweep(struct ms_master *master, ms_time now);

/* Forgets all clients, at the end of the master; their commands are gone already. */
void ms_clients_finish(struct ms_master *master);

/* Something of it is not over. */
static inline bool ms_client_is_waited_for(const struct ms_client *client)
{
    return client->live_count > 0 || client->arrays.count > 0;
}

/* It has no session, but its outcomes are kept for it. */
static inline bool ms_client_is_away(const struct ms_client *client)
{
    return ms_heap_has(&client->away);
}

static inline struct ms_client *ms_client_of(const struct ms_session *session)
{
    return session->user;
}

#endif
