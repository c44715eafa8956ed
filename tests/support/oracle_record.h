/* What protobuf-c makes of the records that proto/record.c writes and reads by hand: a second opinion. */
#ifndef SUPPORT_ORACLE_RECORD_H
#define SUPPORT_ORACLE_RECORD_H

#include "proto/record.h"

/* The body of an entry, packed by protobuf-c; the caller frees *body_out. */
size_t oracle_record_pack(const struct ms_record *record, uint8_t **body_out);

/* True when protobuf-c unpacks the body, and what it finds is that record. */
bool oracle_record_matches(struct ms_bytes body, const struct ms_record *record);

/* Field by field, following pointers. */
bool oracle_record_equal(const struct ms_record *a, const struct ms_record *b);

/* A record of that kind with every field set that the kind fills in; lives for ever. */
const struct ms_record *sample_record(enum ms_record_kind kind);

#endif
