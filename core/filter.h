/* The language of `--where`: which commands, or which slaves, somebody means, as text.
 *
 *     filter     = [ comparison { blanks comparison } ]      all of them must hold; none = every command
 *     comparison = field operator value                      without blanks: age>1h
 *     operator   = "=" | "!=" | "<" | "<=" | ">" | ">="
 *     value      = pattern { "," pattern }                   names and words: one of them; = and != only
 *                | number | duration | size                  one; durations and sizes need a unit
 *
 * In a pattern * stands for any bytes, also none, and \ makes the next byte an ordinary one (blank, comma,
 * star). An empty pattern means that there is none: `slave=` is a command that no slave holds.
 *
 *     names      type (also its number), client (name or 32 hex digits), slave, group, unique, key
 *     words      state: ready delayed leased done buried cancelled
 *                status, of the last attempt: those of ms_status_name; empty before one has ended
 *     numbers    seq, priority, attempts (begun), failures, crashes
 *     durations  age (since it was submitted), waiting (since it is in its state), deadline (until it must
 *                have been started; of those that have none, none holds)
 *     sizes      size (of its payload)
 *
 * Example: state=buried,delayed type=thumb* age>1h attempts>=2 priority<0 status=timeout
 *
 * Of slaves:
 *
 *     names      name, group, label (of those it has; != holds when none of them fits), build
 *     words      state: alive waiting_0 waiting_1 waiting_2 dead
 *                connected, draining, cordoned: yes no
 *     numbers    slots, held (commands)
 *
 * Example: group=render label=zone=b,gpu cordoned=no held>0
 *
 * Pure; a parsed filter borrows nothing and may be copied. */
#ifndef CORE_FILTER_H
#define CORE_FILTER_H

#include "core/limits.h"
#include "core/text.h"
#include "core/types.h"

#define MS_FILTER_TERMS_MAX 16

struct ms_filter_term {
    uint8_t field;   /* row of the table of fields */
    uint8_t compare; /* enum of filter.c */
    uint16_t begin;  /* patterns: place in text, */
    uint16_t end;    /* and the place behind them */
    int64_t number;  /* microseconds of durations, bytes of sizes */
};

struct ms_filter {
    uint32_t count;
    struct ms_filter_term terms[MS_FILTER_TERMS_MAX];
    char text[MS_WHERE_MAX + 1];
};

/* What a filter may ask about one command. Texts are NULL or empty when there is none. */
struct ms_filter_facts {
    const char *state;
    const char *status;
    const char *type;
    const char *client; /* its name */
    const char *slave;
    struct ms_bytes group;
    struct ms_bytes unique;
    struct ms_bytes key;
    const struct ms_uuid *client_uuid; /* NULL = none */
    ms_type type_number;
    uint64_t seq;
    uint64_t size; /* bytes */
    ms_time age;
    ms_time waiting;
    bool has_deadline;
    ms_time deadline; /* from now; 0 = it has passed */
    uint32_t attempts;
    uint32_t failures;
    uint32_t crashes;
    int32_t priority;
};

/* The same about one slave. */
struct ms_filter_slave {
    const char *name;
    const char *state;
    const char *group;
    const char *build;
    const char *const *labels;
    uint32_t labels_count;
    uint32_t slots;
    uint32_t held;
    bool is_connected;
    bool is_draining;
    bool is_cordoned;
};

/* False with a sentence that quotes the word and says what would be right. */
bool ms_filter_parse(const char *text, struct ms_filter *filter_out,
                     struct ms_complaint *complaint);

bool ms_filter_matches(const struct ms_filter *filter, const struct ms_filter_facts *facts);

/* The same for a filter of slaves; one kind of filter is never asked about the other. */
bool ms_filter_parse_slaves(const char *text, struct ms_filter *filter_out,
                            struct ms_complaint *complaint);
bool ms_filter_matches_slave(const struct ms_filter *filter, const struct ms_filter_slave *slave);

#endif
