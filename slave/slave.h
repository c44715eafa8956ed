/* The slave as an engine: keeps a session with a master, grants it credit, runs what it sends, keeps
 * results until they are acknowledged. Pure: see core/engine.h for how it is driven.
 *
 * The driver answers every RUN with FINISHED, once, at any later time; OUTPUT may come in between.
 * ABORT only asks. The engine never has more attempts running than it has slots. */
#ifndef SLAVE_SLAVE_H
#define SLAVE_SLAVE_H

#include "core/engine.h"
#include "core/limits.h"
#include "core/text.h"
#include "slave/credits.h"

/* A type this slave serves: a route of its routing table. */
struct ms_slave_type {
    ms_type type;         /* 0 = hash of the name */
    const char *name;     /* at most MS_NAME_MAX */
    ms_time timeout;      /* of an attempt whose command has none; 0 = none */
    uint64_t payload_max; /* larger payloads fail at once; 0 = no limit of its own */
};

/* All pointers are borrowed for the call of create. */
struct ms_slave_config {
    const char *addresses; /* comma list, checked by core/uri */
    uint32_t slots;        /* 1 .. MS_SLOTS_MAX */
    uint32_t prefetch;     /* at most MS_PREFETCH_MAX */
    enum ms_credit_mode mode;
    struct ms_uuid node; /* unique and unpredictable, chosen once per process */
    uint64_t seed;       /* of jitter and hashing */
    const char *name;    /* at most MS_NAME_MAX, like group and build; NULL = "" */
    const char *group;
    const char *build;
    const char *const *labels; /* that ms_text_is_label takes */
    uint32_t labels_count;     /* at most MS_LABELS_MAX */
    uint32_t weight;           /* 1 .. MS_WEIGHT_MAX; 0 = MS_WEIGHT_DEFAULT */
    uint32_t slots_max; /* the executor can run so many: what slots may be changed to; 0 = slots */
    const struct ms_slave_type *types;
    uint32_t types_count;   /* at most MS_SLAVE_TYPES_MAX */
    ms_time drain_timeout;  /* 0 = MS_DRAIN_TIMEOUT_DEFAULT */
    size_t kept_bytes_max;  /* 0 = MS_SLAVE_KEPT_BYTES_DEFAULT */
    size_t parts_bytes_max; /* of one payload that comes in parts; 0 = MS_SPOOL_BYTES_MAX */
};

enum ms_slave_phase {
    MS_SLAVE_OFFLINE,   /* no master */
    MS_SLAVE_ROLLING,   /* resumed: told what it holds, waits for the verdict */
    MS_SLAVE_RESENDING, /* what the old connection may have lost goes out again */
    MS_SLAVE_SERVING,   /* announced; credit is granted */
    MS_SLAVE_STOPPED,   /* for good */
    MS_SLAVE_PHASES
};

struct ms_slave;

/* NULL when memory is out, or when two types clash; then the complaint says so. */
struct ms_slave *ms_slave_create(const struct ms_slave_config *config,
                                 struct ms_complaint *complaint);
void ms_slave_destroy(struct ms_slave *slave); /* accepts NULL */
struct ms_engine *ms_slave_engine(struct ms_slave *slave);

struct ms_slave_stats {
    enum ms_slave_phase phase;
    ms_epoch epoch;
    uint64_t session;    /* number for people; 0 = none yet */
    enum ms_error error; /* why it is offline */
    const char *address; /* of the master in use or tried next */
    bool is_draining;
    uint32_t queued, running, kept, granted; /* kept: results without an acknowledgement */
    size_t kept_bytes;
    uint64_t commands_total, results_total, outputs_total;
    uint64_t returned_total;   /* handed back unstarted */
    uint64_t duplicates_total; /* commands for an attempt in hand already */
    uint64_t late_total;       /* results of attempts that had been taken away */
    uint64_t timeouts_total, welcomes_total, resumes_total;
    uint32_t slots; /* at a time, as they were changed last */
};

void ms_slave_stats(const struct ms_slave *slave, struct ms_slave_stats *stats_out);

const char *ms_slave_phase_name(enum ms_slave_phase phase); /* never NULL */

/* Asserts every internal invariant; its cost grows with what is in hand. */
void ms_slave_check(const struct ms_slave *slave);

#endif
