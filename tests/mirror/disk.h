/* A store as the simulation has it: what is live, what is durable of it, and what is on its way to the disk. */
#ifndef MIRROR_DISK_H
#define MIRROR_DISK_H

#include "core/engine.h"
#include "core/rng.h"

struct record {
    uint8_t *bytes; /* NULL = not live */
    size_t size;
};

/* Live records by number. */
struct shelf {
    struct record *records;
    size_t capacity;
    size_t count;
    uint64_t hash; /* of the set: equal sets have equal hashes */
};

struct write {
    struct write *next;
    bool is_clear;
    uint64_t aside; /* of a CLEAR */
    ms_seq seq;
    size_t size;
    uint8_t bytes[];
};

struct disk {
    struct shelf durable, view; /* view: with all that was written */
    struct write *first, **end;
    size_t writes;
    bool is_scanning, is_scan_early; /* early: as it was when SCAN was asked for */
    size_t scan_after;               /* so many writes are to be durable before it is answered */
    ms_seq scan_above;
    size_t scan_bytes;
    uint8_t *scanned; /* the answer */
    size_t scanned_size;
    ms_seq scanned_seq;
    uint64_t aside_last; /* number of the last CLEAR that set something aside */
};

void shelf_finish(struct shelf *shelf);
void shelf_apply(struct shelf *shelf, struct ms_bytes entries);
void shelf_copy(struct shelf *to, const struct shelf *from);
ms_seq shelf_highest(const struct shelf *shelf);
/* The last record of that kind; 0 = there is none. */
ms_seq shelf_last(const struct shelf *shelf, uint8_t kind);
/* A live number, or 0. */
ms_seq shelf_any(const struct shelf *shelf, struct ms_rng *rng);

void disk_init(struct disk *disk);
void disk_finish(struct disk *disk);
void disk_write(struct disk *disk, ms_seq seq, struct ms_bytes entries);
void disk_clear(struct disk *disk, uint64_t aside);
void disk_scan(struct disk *disk, const struct ms_effect *effect, bool is_early);
/* The answer to SCAN; borrowed until the next. False: not yet, or there is none to be given. */
bool disk_scanned(struct disk *disk, struct ms_event *event_out, struct ms_command *command_out);
/* Makes the oldest writes durable, count at most; the event that is told. False when there is none. */
bool disk_commit(struct disk *disk, size_t count, struct ms_event *event_out);
/* The process is killed: of what was on its way, the oldest writes survive. */
void disk_crash(struct disk *disk, struct ms_rng *rng);

#endif
