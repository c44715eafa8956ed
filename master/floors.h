/* What is remembered of clients' numbers: which of them are closed. Outlives the client, so that a
 * submission that comes again, however late, creates nothing. */
#ifndef MASTER_FLOORS_H
#define MASTER_FLOORS_H

#include "core/list.h"
#include "core/map.h"
#include "core/pool.h"
#include "master/closed.h"
#include "proto/record.h"

struct ms_client;
struct ms_journal;
struct ms_master;

/* Pooled. One that never had a durable command goes with its client. */
struct ms_floor {
    struct ms_uuid uuid;
    struct ms_client *client; /* NULL = dormant */
    struct ms_closed closed;
    struct ms_list changed; /* on journal->floors while its records are out of date */
    struct ms_list dormant; /* on floors->dormant */
    ms_seq record;          /* CLIENT */
    uint64_t written;       /* floor in it */
    ms_time seen_at;        /* when it became dormant */
    bool is_durable;
};

struct ms_floors {
    struct ms_pool pool;
    struct ms_map by_uuid;
    struct ms_list dormant; /* longest first */
    uint32_t dormant_count;
};

/* False when memory is out. */
bool ms_floors_init(struct ms_floors *floors, uint32_t max, uint64_t seed);
void ms_floors_finish(struct ms_master *master);

struct ms_floor *ms_floors_find(const struct ms_floors *floors, const struct ms_uuid *uuid);

/* The floor of that client, made when new; it is awake. NULL when memory is out. */
struct ms_floor *ms_floors_wake(struct ms_master *master, const struct ms_uuid *uuid);

/* Its client is gone. Forgotten at once if nothing of it is durable; else it sleeps, and the one that sleeps
 * longest is forgotten when there are more than MS_FLOORS_DORMANT_MAX. */
void ms_floors_sleep(struct ms_master *master, struct ms_floor *floor);

/* seq > 0 is closed; durably with the next flush if is_durable. */
void ms_floors_close(struct ms_master *master, struct ms_floor *floor, uint64_t seq,
                     bool is_durable);

/* The same for count numbers from seq on. */
void ms_floors_close_range(struct ms_master *master, struct ms_floor *floor, uint64_t seq,
                           uint64_t count, bool is_durable);

/* The client says that everything up to seq is closed. */
void ms_floors_raise(struct ms_master *master, struct ms_floor *floor, uint64_t seq);

/* Writes the records of all floors that changed. */
void ms_floors_flush(struct ms_master *master);

/* Forgets those that slept longer than config.client_ttl; a bounded number. */
void ms_floors_expire(struct ms_master *master, ms_time now);
ms_time ms_floors_deadline(const struct ms_master *master);

/* CLIENT and CLOSED read back. False when memory is out. */
bool ms_floors_replay(struct ms_master *master, const struct ms_record *record, ms_seq seq);

#endif
