/* The master as an engine: sessions of slaves and clients, the queue, who gets which command.
 * Pure: see core/engine.h for how it is driven.
 *
 * Without a store everything is class "mem": what is accepted lives in this process only, and
 * acknowledgements say so. With one, commands are class "local" unless their submitter wants less: nothing
 * is said of them before the journal is durable that far. */
#ifndef MASTER_MASTER_H
#define MASTER_MASTER_H

#include "core/engine.h"
#include "core/limits.h"
#include "core/session.h"
#include "master/life.h"
#include "master/sources_settings.h"

struct ms_master_limits {
    uint32_t sessions_max; /* 0 = MS_SESSIONS_MAX_DEFAULT */
    uint32_t commands_max; /* live commands; 0 = MS_COMMANDS_MAX_DEFAULT */
    uint64_t bytes_max;    /* payloads, results, output; 0 = MS_COMMAND_BYTES_MAX_DEFAULT */
    uint64_t
        store_reserve; /* bytes of the store that submissions leave; 0 = MS_STORE_RESERVE_DEFAULT */
    uint32_t keep_count; /* outcomes kept to be asked for; 0 = MS_KEEP_COUNT_DEFAULT */
    uint64_t keep_bytes; /* of them, beyond bytes_max; 0 = MS_KEEP_BYTES_DEFAULT */
    /* What others watch over, for people only. */
    uint32_t connections_max; /* 0 = MS_PEERS_MAX */
    uint64_t store_max;       /* bytes; 0 = as large as the disk */
};

struct ms_service_list;

/* name and build are borrowed for the call of create and cut at MS_NAME_MAX. */
struct ms_master_config {
    ms_epoch epoch;  /* > 0; above that of every earlier master of these slaves. With a store
                            * at least this, and one more than the last one in the journal */
    bool is_durable; /* there is a store: REPLAYED events come first */
    bool
        is_paired; /* the epoch was decided: it is taken as it is, and is above all in the journal */
    bool
        knows_hands; /* what is read back has each lease whose COMMAND may have left: see recovery.h */
    bool
        writes_no_hands; /* of a half: the other one's program does not know HAND records; see recovery.h */
    int64_t wall_offset;   /* wall clock, in us since 1970, minus the engine's */
    uint32_t payload_max;  /* bytes; 0 = MS_PAYLOAD_MAX_DEFAULT */
    uint32_t crashes_max;  /* sessions and processes a command may take down and still be retried */
    ms_time tick;          /* step of the five-state walk; 0 = MS_TICK_DEFAULT */
    ms_time drain_timeout; /* 0 = MS_DRAIN_TIMEOUT_DEFAULT */
    ms_time client_keep;   /* outcomes of a silent client; 0 = MS_CLIENT_KEEP_DEFAULT */
    ms_time outcome_keep;  /* the same for one with durable commands; 0 = MS_OUTCOME_KEEP_DEFAULT */
    ms_time keep_age;      /* of outcomes kept to be asked for; 0 = MS_KEEP_AGE_DEFAULT */
    ms_time client_ttl;    /* numbers of a client that is gone; 0 = MS_CLIENT_TTL_DEFAULT */
    uint64_t seed;         /* of jitter and hashing */
    struct ms_master_limits limits;
    const char *name;
    const char *build;
    const struct ms_service_list *services; /* NULL = none; borrowed as long as it lives */
    const struct ms_source_settings
        *sources; /* providers; borrowed for as long as the master lives. PRODUCE names them by
                   * their place, from 1 */
    uint32_t sources_count; /* at most MS_SOURCES_MAX */
};

struct ms_master;
struct ms_routes;

/* NULL when memory is out. */
struct ms_master *ms_master_create(const struct ms_master_config *config);
void ms_master_destroy(struct ms_master *master); /* accepts NULL */
struct ms_engine *ms_master_engine(struct ms_master *master);

/* The wall clock was set: its distance to the engine's. Times already fixed stay as they are. */
void ms_master_set_wall(struct ms_master *master, int64_t wall_offset);

/* It goes on in a later epoch, in the same reign: tokens keep the epoch with which it began, and frames of the reign
 * are taken. */
void ms_master_set_epoch(struct ms_master *master, ms_epoch epoch);

/* Everything is read back and its epoch is durable. */
bool ms_master_is_ready(const struct ms_master *master);
/* Number of the latest record that it wrote or read back. */
ms_seq ms_master_last_record(const struct ms_master *master);
/* A peer that it knows of, for one who ends it and has to close its connections; *cursor is 0 at first. MS_PEER_NONE:
 * that was the last. */
ms_peer ms_master_next_peer(const struct ms_master *master, uint32_t *cursor);
bool ms_master_knows(const struct ms_master *master, ms_peer peer);

/* Takes over what may change in a running master: payload_max is told to new connections only;
 * commands_max, bytes_max, keep_*, crashes_max, drain_timeout, client_keep hold from now on. The rest is ignored. */
void ms_master_reconfigure(struct ms_master *master, const struct ms_master_config *config);

/* Takes over a copy of the whole routing table in place of the one before. False, with that one in force, when memory is
 * out. Once when it is made, and again at any time. */
bool ms_master_set_routes(struct ms_master *master, ms_time now, const struct ms_routes *routes);

/* Counters and gauges; totals count from creation. */
struct ms_master_stats {
    uint32_t commands[MS_LIFE_STATES];         /* live commands in each state */
    uint64_t commands_count;                   /* all of them */
    uint64_t events_total[MS_LIFE_EVENTS];     /* steps taken along each row's event */
    uint64_t bytes_used, bytes_reserved;       /* of payloads, results, output */
    uint64_t kept_count, kept_bytes;           /* of them, outcomes that are kept to be asked for */
    uint32_t sessions[MS_SESSION_STATES];      /* in each state of the walk */
    uint32_t slaves_count, clients_count;      /* sessions of each role, dead ones too */
    uint32_t client_records_count;             /* clients with a session or with live commands */
    uint32_t connections_count, pending_count; /* all, and those that have not said HELLO */
    uint32_t types_count, profiles_count;
    uint64_t slots, credit, held; /* over all slaves */
    uint64_t sessions_total, resumes_total, deaths_total, stalls_total;
    uint64_t submitted_total, refused_total; /* SUBMIT_ACK to new ids, SUBMIT_NAK */
    uint64_t dispatched_total, retries_total, results_total, results_refused_total;
    uint64_t outputs_total, outputs_refused_total;
    uint64_t outcomes_total;                  /* told for the first time to a client that waits */
    uint64_t journal_last, journal_persisted; /* numbers of records */
    uint64_t journal_waiting;                 /* answers that wait for them */
    uint64_t store_room;                      /* bytes, as the store said last */
    uint64_t store_behind;                    /* bytes of the journal that are not durable yet */
    uint32_t spools_count;                    /* payloads in parts whose SUBMIT has not come */
    uint64_t spools_bytes;
    uint32_t inquiries_count,
        followers_count;    /* questions that are being answered; of them, TAIL */
    uint64_t tails_bytes;   /* of bytes_used, kept for followers only */
    uint64_t dormant_count; /* clients of which only numbers are remembered */
    uint64_t doubted_count, awaited_count, orphans_count; /* until the slaves have come back */
    ms_epoch epoch;
    uint8_t copies; /* disks that acknowledgements promise */
    bool is_durable, is_failed, is_ready;
    bool
        is_store_full; /* the largest submission that is allowed would be refused with STORE_FULL */
    bool is_draining, is_stopped;
};

void ms_master_stats(const struct ms_master *master, struct ms_master_stats *stats_out);

/* Walks everything and asserts every internal invariant: lists and counts agree, credit and held are
 * within what was granted, pools conserve, no command is in two places. For simulator and tests:
 * its cost grows with all that is stored. */
void ms_master_check(const struct ms_master *master);

#endif
