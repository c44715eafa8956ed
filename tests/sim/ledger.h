/* What the entries on a disk say, command by command: the reference that a recovered master is held
 * against. It knows the records, not the engine. */
#ifndef SIM_LEDGER_H
#define SIM_LEDGER_H

#include "core/map.h"
#include "proto/record.h"

#define SIM_SPAN_NUMBERS 4096 /* numbers that one CLOSED record speaks of */

/* One command. Numbers of the live record of each kind; 0 = there is none. */
struct sim_life {
    struct ms_id id;
    ms_seq submit, lease, retry, settle;
    ms_seq changes[MS_OPERATION_COUNT];  /* of each kind of wish, */
    uint64_t values[MS_OPERATION_COUNT]; /* and what it says */
    uint32_t entries;                    /* live ones of any kind */
    uint32_t array_count;
    uint8_t status; /* of the settle, or of the retry */
    uint32_t attempt, failures;
    int32_t code;
    struct ms_token token; /* of the lease */
    bool was_settled;      /* ever, on this disk */
};

struct sim_span {
    struct ms_uuid client;
    uint64_t number;
    ms_seq seq;
    uint8_t bits[SIM_SPAN_NUMBERS / 8];
};

/* Which members of an array are closed, by their places. */
struct sim_array_bits {
    struct ms_id first;
    uint64_t number;
    ms_seq seq; /* 0 = erased */
    uint8_t bits[SIM_SPAN_NUMBERS / 8];
};

/* One client, or one slave's session. */
struct sim_known {
    struct ms_uuid uuid;
    ms_seq seq; /* of its live record */
    uint64_t floor;
};

struct sim_ledger {
    struct sim_life *lives;
    struct sim_span *spans;
    struct sim_array_bits *arrays;
    struct sim_known *clients, *sessions;
    uint32_t lives_count, spans_count, clients_count, sessions_count, arrays_count;
    struct ms_map by_id, by_span, by_client, by_session;
    ms_epoch epoch;
};

void sim_ledger_init(struct sim_ledger *ledger);
void sim_ledger_finish(struct sim_ledger *ledger);

/* A sound record comes to the disk, or leaves it. */
void sim_ledger_put(struct sim_ledger *ledger, ms_seq seq, const struct ms_record *record);
void sim_ledger_erase(struct sim_ledger *ledger, ms_seq seq, const struct ms_record *record);

/* NULL when no record ever spoke of it alone. */
const struct sim_life *sim_ledger_find(const struct sim_ledger *ledger, const struct ms_id *id);
/* The disk has the outcome that the record is, or that it is output of; or the wish that makes it one. */
bool sim_life_has(const struct sim_life *life, const struct ms_record *record);
bool sim_ledger_is_live(const struct sim_ledger *ledger, const struct ms_id *id);
bool sim_ledger_is_closed(const struct sim_ledger *ledger, const struct ms_id *id);
bool sim_ledger_has_session(const struct sim_ledger *ledger, const struct ms_uuid *uuid);

/* Arrays (ledger_arrays.c): CLOSED records of one; the life of the open one that the id is of, or NULL; and whether
 * that member is closed. */
void sim_ledger_put_bits(struct sim_ledger *ledger, ms_seq seq, const struct ms_record *record);
void sim_ledger_erase_bits(struct sim_ledger *ledger, ms_seq seq, const struct ms_record *record);
const struct sim_life *sim_ledger_array(const struct sim_ledger *ledger, const struct ms_id *id);
bool sim_ledger_is_closed_member(const struct sim_ledger *ledger, const struct ms_id *id);

/* The id of a record that speaks of one command; false for the others. */
bool sim_record_names(const struct ms_record *record);

#endif
