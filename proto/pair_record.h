/* What a master of a pair, or a witness, has on its disk, as the bytes of a small file (core/io/voter_file.h):
 *
 *     magic     4 bytes  "MSPR"
 *     version   u8       MS_PAIR_RECORD_VERSION
 *     zero      3 bytes
 *     checksum  u32      CRC-32 (of gzip) of the body, little endian
 *     body               message PairRecord of record.proto
 *
 * How to change it: fields are only added, and one that is absent must mean what was true before it existed; the version rises when
 * an old reader would be wrong about a field that it knows, which here is any that binds: a reader that does not know a field
 * must not vote as if it were not there. */
#ifndef PROTO_PAIR_RECORD_H
#define PROTO_PAIR_RECORD_H

#include "core/decision.h"
#include "core/error.h"

#define MS_PAIR_RECORD_VERSION  1
#define MS_PAIR_RECORD_SIZE_MAX 1024

/* Writes at most MS_PAIR_RECORD_SIZE_MAX bytes; returns their number. */
size_t ms_pair_record_write(uint8_t *bytes_out, const struct ms_council_record *record);

/* OK; VERSION: of a newer program; MALFORMED: damaged, or not whole. Then *record_out is undefined. */
enum ms_error ms_pair_record_read(struct ms_bytes bytes, struct ms_council_record *record_out);

#endif
