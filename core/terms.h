/* What a submission may ask for that most do not: priority, keys, a group, times, an array. */
#ifndef CORE_TERMS_H
#define CORE_TERMS_H

#include "core/limits.h"
#include "core/types.h"

/* Numbers of priorities; higher ones first, first in first out inside one. */
#define MS_PRIORITY_MIN   (-10)
#define MS_PRIORITY_MAX   10
#define MS_PRIORITY_COUNT (MS_PRIORITY_MAX - MS_PRIORITY_MIN + 1)

#define MS_ON_ALL UINT32_MAX /* all slaves that fit */

/* Of the list of a broadcast's targets: two uuids, the length of a name, and the name for each. */
#define MS_TARGET_BYTES_MAX  (2 * sizeof(struct ms_uuid) + 1 + MS_NAME_MAX)
#define MS_TARGETS_BYTES_MAX (MS_TARGETS_MAX * MS_TARGET_BYTES_MAX)

/* What a submission with a unique key does that meets a live command of its type with the same key. */
enum ms_unique {
    MS_UNIQUE_NONE = 0,
    MS_UNIQUE_JOIN = 1,    /* it gets the outcome of the other one */
    MS_UNIQUE_REJECT = 2,  /* it is refused with NOT_UNIQUE, naming the other one */
    MS_UNIQUE_REPLACE = 3, /* the other one is cancelled */
    MS_UNIQUE_COUNT
};

/* Terms of a submission that most have none of; all zero = none. */
struct ms_terms {
    int8_t priority;            /* MS_PRIORITY_MIN .. MS_PRIORITY_MAX */
    uint8_t unique_mode;        /* enum ms_unique */
    uint32_t array_count;       /* > 0: as many commands, with the seqs from id.seq on */
    uint32_t array_concurrency; /* of these, running at a time; 0 = all */
    uint64_t parts_size;        /* MS_FLAG_PARTS: bytes of the whole payload */
    int64_t run_at;             /* not before; wall clock in us since 1970, 0 = now */
    int64_t deadline;           /* not started after; the same, 0 = never */
    struct ms_bytes
        array_closed; /* SUBMIT of an array that comes again: bit i % 8 of byte i / 8 is member i, which
                       * has ended for its client */
    struct ms_bytes unique; /* key, at most MS_UNIQUE_KEY_MAX bytes */
    struct ms_bytes group;  /* a name, at most MS_NAME_MAX */
    struct ms_bytes key;    /* what it belongs to; at most MS_KEY_MAX bytes, empty = none */
    /* A broadcast is an array with one member for each of its slaves, its targets. */
    uint32_t on;             /* for so many slaves, or MS_ON_ALL; 0 = it is none */
    struct ms_bytes where;   /* SUBMIT: filter that they fit, at most MS_WHERE_MAX bytes */
    struct ms_bytes targets; /* of its record: who they are (master/targets.h); empty = not known */
};

const char *ms_unique_name(enum ms_unique unique); /* "join"; never NULL */

#endif
