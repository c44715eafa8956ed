/* What the file of a voting record (core/io/voter_file.h) looks like, and which record in it counts. Three blocks that are written in
 * place, each as a whole:
 *
 *     slot 0 | mark | slot 1
 *
 * A record with an even number goes to slot 0, one with an odd number to slot 1, so a write never touches the newest one. The mark has
 * the number of a record that was said to be durable, and no record. Each block:
 *
 *     magic     4 bytes  "MSV1"
 *     checksum  u32      CRC-32 (of gzip) of what follows, without the padding
 *     number    u64      of the record, from 1 on; rises by 1
 *     size      u32      of the record; 0 in a mark
 *     record
 *     zeros     up to MS_VOTER_BLOCK
 *
 * Numbers are little endian. The highest number in a slot that is whole counts. A write that was cut off leaves its slot damaged, and
 * the record before it counts: that is what the voter had said, because nothing that depends on a record is said before its write
 * was synced. A block that has rotted looks the same, and there the record before it would be too old: the voter would have
 * forgotten what it promised. The mark tells them apart: it is written after the sync, so if it names a higher number than
 * any slot has, a record was lost that may have been answered for, and the file is damaged. The mark itself is not synced (it goes
 * to the disk with the next record, or when the kernel sees fit, within a minute): an old mark, or one that is damaged, proves nothing. So what is
 * not noticed is rot that comes before the mark is on the disk, or in both blocks at once.
 *
 * How to change it: another magic; programs that do not know it find the file damaged. */
#ifndef CORE_IO_VOTER_SLOTS_H
#define CORE_IO_VOTER_SLOTS_H

#include "core/types.h"

#define MS_VOTER_BLOCK      4096u /* what disks write as a whole, or a multiple of it */
#define MS_VOTER_FILE_SIZE  (3 * MS_VOTER_BLOCK)
#define MS_VOTER_RECORD_MAX (MS_VOTER_BLOCK - 20)

#define MS_VOTER_MARK_AT MS_VOTER_BLOCK

static inline size_t ms_voter_slot_at(uint64_t number)
{
    return number % 2 == 0 ? 0 : 2 * (size_t)MS_VOTER_BLOCK;
}

/* Writes MS_VOTER_BLOCK bytes; a mark when the record is empty. */
void ms_voter_block_put(uint8_t *block_out, uint64_t number, struct ms_bytes record);

struct ms_voter_newest {
    uint64_t number;
    struct ms_bytes record; /* within the file */
};

/* Of MS_VOTER_FILE_SIZE bytes; false: the newest record that was durable is not there. */
bool ms_voter_slots_newest(const uint8_t *file, struct ms_voter_newest *newest_out);

#endif
