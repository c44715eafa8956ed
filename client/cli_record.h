/* Records of a data directory for people and other programs: as JSON and back, and whether they make sense
 * together. */
#ifndef CLIENT_CLI_RECORD_H
#define CLIENT_CLI_RECORD_H

#include <jansson.h>

#include "core/map.h"
#include "core/text.h"
#include "proto/record.h"

/* One object with the fields of the record that are not zero. Numbers beyond 63 bits are text; bytes are
 * text when they are UTF-8, else NAME_base64; the payload is always payload_base64. NULL: out of memory. */
json_t *ms_cli_record_to_json(ms_seq seq, const struct ms_record *record);

/* The same back. record_out borrows from object, whose base64 it decodes in place, and from room. False
 * with a sentence. */
bool ms_cli_record_from_json(const json_t *object, ms_seq *seq_out, struct ms_record *record_out,
                             struct ms_record_room *room, struct ms_complaint *complaint);

/* A walk over all records of a directory, oldest first. */
struct ms_cli_audit {
    struct ms_map commands; /* id -> how far it is */
    struct ms_map types;
    struct ms_map sessions;
    struct ms_cli_array *arrays;
    size_t arrays_count, arrays_capacity;
    ms_seq seq; /* of the record before */
    ms_epoch epoch;
    uint64_t kinds[MS_RECORD_KINDS];
    uint64_t open;                     /* commands without an outcome */
    uint64_t settled[MS_STATUS_COUNT]; /* outcomes, by status */
    uint64_t bytes;                    /* of payloads */
};

void ms_cli_audit_init(struct ms_cli_audit *audit, uint64_t seed);
void ms_cli_audit_finish(struct ms_cli_audit *audit);

/* False with a sentence when the record makes no sense after those before it, or memory is out. */
bool ms_cli_audit_add(struct ms_cli_audit *audit, ms_seq seq, const struct ms_record *record,
                      struct ms_complaint *complaint);

#endif
