/* One service of a master: its plug-in, its state, and the records that the state is made of.
 *
 * A change is a SERVICE record, numbered within its service; it is applied when it is put, and when it is read back. What is in the journal at any
 * time is the last snapshot, in pieces (SERVICE_STATE), and the changes behind it: the pieces of the next one are written in one batch with the
 * erasure of everything before.
 *
 * How a snapshot is changed: its first byte is MS_SERVICE_IMAGE; what is added comes with a higher one, and lower ones are read still. */
#ifndef MASTER_SERVICE_UNIT_H
#define MASTER_SERVICE_UNIT_H

#include "core/limits.h"
#include "core/list.h"
#include "core/text.h"
#include "core/trace.h"
#include "master/service_clients.h"
#include "proto/record.h"

struct ms_journal;

#define MS_SERVICE_IMAGE 1u

enum ms_unit_state {
    MS_UNIT_ABSENT, /* its records are kept, and nobody knows what they mean: it is not loaded here */
    MS_UNIT_SERVES,
    MS_UNIT_BROKEN, /* what its records say, it does not take: they are kept */
};

const char *ms_unit_state_name(enum ms_unit_state state); /* "serves"; never NULL */

/* Changes from number first on were made in that reign, up to the next one's. */
struct ms_unit_reign {
    ms_epoch epoch;
    uint64_t first;
};

struct ms_service_unit {
    char name[MS_NAME_MAX + 1];
    const struct ms_service *service; /* NULL: ABSENT */
    const char *parameters;           /* of its description */
    enum ms_unit_state state;
    struct ms_complaint why; /* BROKEN */
    struct ms_service_host host;
    const struct ms_trace *trace;
    void *data; /* what create made */

    uint64_t version; /* number of the latest change */
    ms_seq last;      /* its record; 0 = it is not in the journal */
    struct ms_unit_reign reigns[MS_SERVICE_REIGNS_MAX];
    uint32_t reigns_count;
    bool is_configured;
    struct ms_service_buffer configuration;
    struct ms_service_clients clients;

    ms_seq *records; /* all that live, by number */
    uint32_t records_count, records_capacity;
    uint64_t log_bytes; /* of changes behind the snapshot */
    uint64_t log_due;   /* so many are worth the next one */
    uint64_t image_bytes;
    struct ms_service_buffer image;   /* while it is read back, or written */
    uint32_t pieces_next, pieces_all; /* of the snapshot that is being read back; 0 = none is */

    struct ms_list waiters; /* calls that are answered later, by what they have seen */
    uint64_t calls_total, changes_total, refused_total;
};

/* service, parameters: borrowed as long as it lives; service NULL: it is not loaded. NULL when memory is out. */
struct ms_service_unit *ms_service_unit_create(const char *name, const struct ms_service *service,
                                               const struct ms_trace *trace, uint64_t seed);
void ms_service_unit_destroy(struct ms_service_unit *unit); /* accepts NULL */

/* It does not serve any more, for that reason. */
void ms_service_unit_break(struct ms_service_unit *unit, const char *reason);

/* A SERVICE record of it: the state is that behind it. *error_out and reply are what whoever called is told. False when it makes no sense, or
 * memory is out. seq: of the record, 0 = it is in no journal. */
bool ms_service_unit_apply(struct ms_service_unit *unit, const struct ms_record *record, ms_seq seq,
                           enum ms_error *error_out, struct ms_service_buffer *reply);

/* A SERVICE_STATE record that is read back; the last piece makes the state. False when it makes no sense, or memory is out. */
bool ms_service_unit_piece(struct ms_service_unit *unit, const struct ms_record *record,
                           ms_seq seq);

/* Enough has changed since the last snapshot; is_alone: somebody may lack what has changed since. */
bool ms_service_unit_is_due(const struct ms_service_unit *unit, bool is_alone);
/* Writes one, and erases what it covers. room: bytes that may be written; if it takes more, changes go on for as long again. */
void ms_service_unit_snapshot(struct ms_service_unit *unit, struct ms_journal *journal, int64_t at,
                              uint64_t room);
/* The snapshot that would be written. */
struct ms_bytes ms_service_unit_image(struct ms_service_unit *unit);

/* Nothing more is taken before a snapshot succeeds. */
bool ms_service_unit_is_full(const struct ms_service_unit *unit);

/* The change of that number that was made in that reign is a part of the state. */
bool ms_service_unit_has(const struct ms_service_unit *unit, ms_epoch epoch, uint64_t number);

/* What a function of the plug-in has returned. */
enum ms_error ms_service_error_of(int verdict);

#endif
