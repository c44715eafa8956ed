/* How far the log of a store was durable, in a small file beside it: what tells a log that was lost or cut off from one that is
 * short. Private to the store.
 *
 *     magic    4 bytes  "MSLE"
 *     checksum u32      CRC-32 (of gzip) of what follows, little endian like all of it
 *     cycle    u64      of the store: see store_file.h
 *     salts    8 bytes  of the log's header: no two lives of a log have the same
 *     frames   u64      of the log, up to the end of the last commit
 *
 * It is written after each commit and never synced: a kill leaves the last one, a power cut one that says less than is there, and
 * neither one that says more. So a file that is not there, or not whole, is no damage: nothing is known then. */
#ifndef CORE_IO_STORE_END_H
#define CORE_IO_STORE_END_H

#include <stdbool.h>
#include <stdint.h>

#define MS_STORE_SALTS_SIZE 8

struct ms_store_end {
    uint64_t cycle; /* 0 = nothing is known */
    uint8_t salts[MS_STORE_SALTS_SIZE];
    uint64_t frames;
};

/* Reads the file at a path, and keeps it open for writing unless that is not wanted; -1 = it is not open. */
int ms_store_end_open(const char *path, bool is_read_only, struct ms_store_end *end_out);

/* Accepts -1. What cannot be written is left: the file says less then. */
void ms_store_end_write(int fd, const struct ms_store_end *end);

#endif
