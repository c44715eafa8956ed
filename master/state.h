/* The parts of one master, for the files of this folder. */
#ifndef MASTER_STATE_H
#define MASTER_STATE_H

#include "core/engine.h"
#include "core/pool.h"
#include "core/rng.h"
#include "core/session_manager.h"
#include "core/text.h"
#include "master/connections.h"
#include "master/cordons.h"
#include "master/floors.h"
#include "master/groups.h"
#include "master/half.h"
#include "master/inspect.h"
#include "master/journal.h"
#include "master/lanes.h"
#include "master/master.h"
#include "master/orphans.h"
#include "master/queue.h"
#include "master/reconcile.h"
#include "master/routes.h"
#include "master/selfcheck.h"
#include "master/services.h"
#include "master/sources.h"
#include "master/tags.h"
#include "master/tail.h"

enum ms_drain {
    MS_DRAIN_NO,
    MS_DRAIN_NOTICE, /* idle clients are told */
    MS_DRAIN_WAIT,   /* for the last command to be closed, or the time-out */
    MS_DRAIN_LEAVE,  /* everybody is told */
    MS_DRAIN_STOPPED,
};

struct ms_master {
    struct ms_engine engine;        /* first */
    struct ms_master_config config; /* name and build point into this struct */
    char name[MS_NAME_MAX + 1];
    char build[MS_NAME_MAX + 1];
    struct ms_rng rng;
    struct ms_connections connections;
    struct ms_session_manager sessions;
    struct ms_lanes lanes;
    struct ms_routes routes; /* how commands of each type are to be handed out */
    struct ms_journal journal;
    struct ms_queue queue;
    struct ms_groups groups;
    struct ms_orphans orphans;
    uint32_t awaited_count; /* slaves from before the start that have not told what they hold */
    bool knows_hands;       /* what may be in whose hands was read back, see recovery.h */
    bool writes_no_hands;   /* HAND records, because the other half does not know them */
    bool is_sweeping_hands; /* there are still some, or some commands still lack theirs */
    bool has_erased_hands;  /* in this sweep */
    uint32_t hands_cursor;  /* of it, in the queue's pool */
    ms_seq hands_gone;      /* whoever has this record has none any more; 0 = there were none */
    ms_seq epoch_record;    /* EPOCH; 0 = none is kept */
    bool is_ready;          /* everything is read back, and the epoch is durable */
    struct ms_inspect inspect;
    struct ms_tails tails;
    struct ms_reconcile reconcile;
    struct ms_services services;
    struct ms_sources sources;

    struct ms_pool slaves;
    struct ms_tagging tagging;
    struct ms_cordons cordons;
    struct ms_list slave_sweeps; /* slaves whose held commands are to be put right */

    struct ms_pool clients;
    struct ms_floors floors;
    struct ms_list pumps;         /* clients to which something may be sent */
    struct ms_list spools;        /* payloads in parts whose SUBMIT has not come */
    uint32_t spools_count;        /* of them */
    uint64_t spools_bytes;        /* of their parts */
    struct ms_list uploads;       /* slaves to which parts may be sent */
    struct ms_list client_sweeps; /* clients whose outcomes are to be dropped */
    struct ms_heap
        clients_away[2]; /* that fell silent, by when they are given up; [1]: durable ones */
    ms_epoch epoch_floor;
    struct {
        ms_epoch told; /* the log was told that somebody has heard of that one; 0 = it was not */
        ms_time told_at;
    } outdone;
    /* Another master may have accepted commands that are not known here. So a client that says that everything up to a number
     * is over is not believed: some of it may be such a command, for which nobody waits. */
    bool may_lack;
    uint64_t clients_total;

    struct ms_selfcheck selfcheck;
    struct ms_half half; /* around it */

    enum ms_drain drain;
    ms_time started_at; /* of the first step; the origin of uptime */
    bool is_started;
    bool has_answers; /* that became durable, and the step had no room for */
    bool has_more;    /* a bounded part of the step left work behind */
    ms_time drain_deadline;
    uint32_t drain_cursor;
    uint64_t credit, slots;        /* over all slaves */
    struct ms_master_stats totals; /* only its totals are kept here */

    /* What effects of the present step point to. */
    struct ms_welcome welcomes[MS_WELCOMES_MAX];
    uint32_t welcomes_count;
    struct ms_complaint complaint;
    struct ms_token verdict[MS_HELD_PER_FRAME_MAX];
    struct ms_tokens verdict_tokens;
};

/* Sends one command with the master's epoch. */
void ms_master_send(struct ms_master *master, ms_peer peer, const struct ms_command *command);

/* So many bytes were sent to the peer at the pace of its connection. */
void ms_master_paced(struct ms_master *master, ms_peer peer, struct ms_pace *pace, size_t size);

/* ERROR with a sentence, then CLOSE; the connection is forgotten and its session, if any, lost. detail
 * stays borrowed until the next step. */
void ms_master_refuse(struct ms_master *master, ms_peer peer, enum ms_error error,
                      const char *detail);

/* The connection is closed by either side. */
void ms_master_disconnect(struct ms_master *master, struct ms_connection *connection);

/* The connection of a session is over; the session keeps walking. Harmless without one. */
void ms_master_lose(struct ms_master *master, struct ms_session *session);

/* The wall clock, in us since 1970. */
static inline int64_t ms_master_wall(const struct ms_master *master)
{
    return master->engine.now + master->config.wall_offset;
}

static inline bool ms_master_is_draining(const struct ms_master *master)
{
    return master->drain != MS_DRAIN_NO;
}

#endif
