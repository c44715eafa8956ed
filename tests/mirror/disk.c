#include "disk.h"

#include <stdlib.h>

#include "core/invariant.h"
#include "proto/record.h"

static void *take(size_t size)
{
    void *memory = calloc(1, size > 0 ? size : 1);

    ms_assert(memory != NULL);
    return memory;
}

static uint64_t hash_of(ms_seq seq, const struct record *record)
{
    return ms_record_digest(seq, (struct ms_bytes){record->bytes, record->size});
}

static void drop(struct shelf *shelf, ms_seq seq)
{
    if (seq < shelf->capacity && shelf->records[seq].bytes != NULL) {
        shelf->hash -= hash_of(seq, &shelf->records[seq]);
        shelf->count--;
        free(shelf->records[seq].bytes);
        shelf->records[seq] = (struct record){0};
    }
}

static void put(struct shelf *shelf, ms_seq seq, struct ms_bytes bytes)
{
    struct record record = {take(bytes.size), bytes.size};

    if (seq >= shelf->capacity) {
        const size_t capacity = (size_t)seq * 2 + 64;
        struct record *records = take(capacity * sizeof *records);

        if (shelf->capacity > 0) {
            memcpy(records, shelf->records, shelf->capacity * sizeof *records);
        }
        free(shelf->records);
        shelf->records = records;
        shelf->capacity = capacity;
    }
    memcpy(record.bytes, bytes.data, bytes.size);
    ms_assert(shelf->records[seq].bytes == NULL); /* numbers of live records are their own */
    shelf->records[seq] = record;
    shelf->hash += hash_of(seq, &record);
    shelf->count++;
}

void shelf_finish(struct shelf *shelf)
{
    for (ms_seq seq = 0; seq < shelf->capacity; seq++) {
        free(shelf->records[seq].bytes);
    }
    free(shelf->records);
    *shelf = (struct shelf){0};
}

void shelf_apply(struct shelf *shelf, struct ms_bytes entries)
{
    struct ms_entry entry;

    while (entries.size > 0) {
        ms_assert(ms_record_next(&entries, &entry));
        if (entry.kind == MS_RECORD_ERASE) {
            drop(shelf, entry.seq);
        } else {
            put(shelf, entry.seq, entry.bytes);
        }
    }
}

void shelf_copy(struct shelf *to, const struct shelf *from)
{
    shelf_finish(to);
    for (ms_seq seq = 1; seq < from->capacity; seq++) {
        if (from->records[seq].bytes != NULL) {
            put(to, seq, (struct ms_bytes){from->records[seq].bytes, from->records[seq].size});
        }
    }
}

ms_seq shelf_highest(const struct shelf *shelf)
{
    ms_seq seq = shelf->capacity > 0 ? shelf->capacity - 1 : 0;

    while (seq > 0 && shelf->records[seq].bytes == NULL) {
        seq--;
    }
    return seq;
}

ms_seq shelf_last(const struct shelf *shelf, uint8_t kind)
{
    ms_seq seq = shelf->capacity > 0 ? shelf->capacity - 1 : 0;

    for (; seq > 0; seq--) {
        struct ms_bytes bytes = {shelf->records[seq].bytes, shelf->records[seq].size};
        struct ms_entry entry;

        if (bytes.data != NULL && ms_record_next(&bytes, &entry) && entry.kind == kind) {
            break;
        }
    }
    return seq;
}

ms_seq shelf_any(const struct shelf *shelf, struct ms_rng *rng)
{
    ms_seq seq = shelf->capacity > 0 ? ms_rng_below(rng, shelf_highest(shelf) + 1) : 0;

    while (seq > 0 && shelf->records[seq].bytes == NULL) {
        seq--;
    }
    return seq;
}

void disk_init(struct disk *disk)
{
    *disk = (struct disk){.end = NULL};
    disk->end = &disk->first;
}

static void drop_first(struct disk *disk)
{
    struct write *write = disk->first;

    disk->first = write->next;
    disk->end = disk->first == NULL ? &disk->first : disk->end;
    disk->writes--;
    free(write);
}

void disk_finish(struct disk *disk)
{
    while (disk->first != NULL) {
        drop_first(disk);
    }
    shelf_finish(&disk->durable);
    shelf_finish(&disk->view);
    free(disk->scanned);
    disk_init(disk);
}

static void push(struct disk *disk, struct write *write)
{
    *disk->end = write;
    disk->end = &write->next;
    disk->writes++;
}

void disk_write(struct disk *disk, ms_seq seq, struct ms_bytes entries)
{
    struct write *write = take(sizeof *write + entries.size);

    write->seq = seq;
    write->size = entries.size;
    memcpy(write->bytes, entries.data, entries.size);
    push(disk, write);
    shelf_apply(&disk->view, entries);
}

void disk_clear(struct disk *disk, uint64_t aside)
{
    struct write *write = take(sizeof *write);

    write->is_clear = true;
    write->aside = aside;
    push(disk, write);
    shelf_finish(&disk->view);
}

static void read_live(struct disk *disk)
{
    const struct shelf *view = &disk->view;
    size_t size = 0;

    free(disk->scanned);
    disk->scanned = NULL;
    disk->scanned_seq = 0;
    for (ms_seq seq = disk->scan_above + 1; seq < view->capacity; seq++) {
        const struct record *record = &view->records[seq];

        if (record->bytes == NULL) {
            continue;
        }
        if (size > 0 && size + record->size > disk->scan_bytes) {
            break;
        }
        disk->scanned = realloc(disk->scanned, size + record->size);
        ms_assert(disk->scanned != NULL);
        memcpy(disk->scanned + size, record->bytes, record->size);
        size += record->size;
        disk->scanned_seq = seq;
    }
    disk->scanned_size = size;
}

void disk_scan(struct disk *disk, const struct ms_effect *effect, bool is_early)
{
    ms_assert(!disk->is_scanning);
    disk->is_scanning = true;
    disk->is_scan_early = is_early;
    disk->scan_after = disk->writes;
    disk->scan_above = effect->seq;
    disk->scan_bytes = effect->count;
    if (is_early) {
        read_live(disk);
    }
}

bool disk_scanned(struct disk *disk, struct ms_event *event_out, struct ms_command *command_out)
{
    if (!disk->is_scanning || disk->scan_after > 0) {
        return false;
    }
    disk->is_scanning = false;
    if (!disk->is_scan_early) {
        read_live(disk);
    }
    *command_out = (struct ms_command){.payload = {disk->scanned, disk->scanned_size}};
    *event_out = (struct ms_event){
        .type = MS_EVENT_SCANNED, .seq = disk->scanned_seq, .command = command_out};
    return true;
}

static void commit_first(struct disk *disk)
{
    const struct write *write = disk->first;

    disk->scan_after -= disk->scan_after > 0;
    if (write->is_clear) {
        disk->aside_last = write->aside > 0 ? write->aside : disk->aside_last;
        shelf_finish(&disk->durable);
    } else {
        shelf_apply(&disk->durable, (struct ms_bytes){write->bytes, write->size});
    }
    drop_first(disk);
}

bool disk_commit(struct disk *disk, size_t count, struct ms_event *event_out)
{
    if (disk->first == NULL) {
        return false;
    }
    if (disk->first->is_clear) {
        *event_out = (struct ms_event){.type = MS_EVENT_CLEARED};
        commit_first(disk);
        return true;
    }
    *event_out = (struct ms_event){.type = MS_EVENT_PERSISTED};
    while (count > 0 && disk->first != NULL && !disk->first->is_clear) {
        event_out->seq = disk->first->seq;
        commit_first(disk);
        count--;
    }
    return true;
}

void disk_crash(struct disk *disk, struct ms_rng *rng)
{
    size_t survive = ms_rng_below(rng, disk->writes + 1);

    while (survive > 0) {
        commit_first(disk);
        survive--;
    }
    while (disk->first != NULL) {
        drop_first(disk);
    }
    shelf_copy(&disk->view, &disk->durable);
    disk->is_scanning = false;
    disk->scan_after = 0;
}
