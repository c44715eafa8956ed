/* Live records of another store, by the command that they are of: what a deposed active had, until it is merged into the
 * running master (master/reconcile.h). Applies nothing. */
#ifndef MASTER_FOREIGN_H
#define MASTER_FOREIGN_H

#include "core/list.h"
#include "core/map.h"
#include "core/pool.h"
#include "core/slab.h"
#include "master/closed.h"
#include "proto/record.h"

/* The states of a command in the table of docs/decisions/0013-reconciliation.md, in the order of its chain. */
enum ms_merge_state {
    MS_MERGE_NONE,
    MS_MERGE_QUEUED,
    MS_MERGE_IN_FLIGHT,
    MS_MERGE_DEAD,
    MS_MERGE_DONE,
    MS_MERGE_CANCELLED,
    MS_MERGE_CLOSED,
    MS_MERGE_STATES
};

/* A sound entry. */
struct ms_foreign_entry {
    struct ms_foreign_entry *next;
    uint32_t size;
    uint8_t bytes[];
};

struct ms_foreign_row {
    struct ms_foreign_entry *first, *last;
};

/* Pooled. */
struct ms_foreign_client {
    struct ms_uuid uuid;
    struct ms_closed closed;
    struct ms_foreign_row spans; /* CLOSED records of its own numbers */
};

/* A command, or an array under its first number. Pooled. */
struct ms_foreign {
    struct ms_foreign_client *client;
    uint64_t seq;
    struct ms_foreign_row row;
    uint64_t parts_size, parts_wanted; /* bytes of its PARTs, and of which its SUBMIT speaks */
    uint32_t array_count;              /* 0 = it is none */
    uint8_t state;                     /* enum ms_merge_state: as its records leave it */
    uint32_t generation;               /* times it was kicked */
    bool has_submit, is_cancel_asked;
};

struct ms_foreigners {
    struct ms_pool clients, commands;
    struct ms_map by_uuid, by_id;
    struct ms_slab slab;
    struct ms_foreign_row general; /* TYPE, SESSION and those of services */
    bool is_on;
};

/* False when memory is out; then finish it. */
bool ms_foreigners_init(struct ms_foreigners *foreigners, uint64_t seed);
void ms_foreigners_finish(struct ms_foreigners *foreigners); /* accepts a zeroed one */

/* Takes copies of whole entries, in the order of their numbers. NO_MEMORY; STORE_CORRUPT or VERSION: they make no sense here. */
enum ms_error ms_foreigners_take(struct ms_foreigners *foreigners, struct ms_bytes entries);

struct ms_foreign_client *ms_foreigners_client(const struct ms_foreigners *foreigners,
                                               const struct ms_uuid *uuid);
/* NULL: it has no records of that number. */
struct ms_foreign *ms_foreigners_find(const struct ms_foreigners *foreigners,
                                      const struct ms_id *id);

/* There it is over, and nothing is left of it. */
bool ms_foreigners_closed(const struct ms_foreigners *foreigners, const struct ms_id *id);

/* The record of an entry that was taken. */
void ms_foreign_read(const struct ms_foreign_entry *entry, struct ms_record_room *room,
                     struct ms_record *record_out);

#endif
