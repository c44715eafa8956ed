#include "master/sift.h"

#include "core/invariant.h"
#include "proto/record.h"

static_assert(sizeof((struct ms_sift *)0)->erases >= MS_RECORD_HEADER_SIZE,
              "at least one record is erased at a time");

static void begin(struct ms_sift *sift, enum ms_sift_state state)
{
    ms_sift_leave(sift);
    sift->state = state;
    sift->above = sift->upto = sift->last = 0;
    sift->reign = 0;
    sift->digest = 0;
}

void ms_sift_look(struct ms_sift *sift)
{
    begin(sift, MS_SIFT_LOOKING);
}

void ms_sift_begin(struct ms_sift *sift)
{
    begin(sift, MS_SIFT_IDLE);
}

bool ms_sift_list(struct ms_sift *sift, struct ms_bytes list, ms_seq upto)
{
    if (sift->state != MS_SIFT_IDLE || list.size > sizeof sift->list || upto <= sift->upto ||
        !ms_living_is_sound(list, sift->upto, upto)) {
        return false;
    }
    if (list.size > 0) {
        memcpy(sift->list, list.data, list.size);
    }
    ms_living_open(&sift->reader, (struct ms_bytes){sift->list, list.size}, sift->upto);
    sift->above = sift->upto;
    sift->upto = upto;
    sift->state = MS_SIFT_SIFTING;
    return true;
}

void ms_sift_leave(struct ms_sift *sift)
{
    sift->state = MS_SIFT_IDLE;
    sift->scan = ms_reading_void(sift->scan);
}

bool ms_sift_is_scanning(const struct ms_sift *sift)
{
    return sift->scan != MS_READING_NONE;
}

bool ms_sift_is_due(const struct ms_sift *sift)
{
    return sift->state != MS_SIFT_IDLE && sift->scan == MS_READING_NONE;
}

void ms_sift_scan(struct ms_sift *sift, struct ms_engine *engine)
{
    ms_assert(ms_sift_is_due(sift));
    sift->scan = MS_READING_ON;
    ms_engine_emit(engine, &(struct ms_effect){
                               .type = MS_EFFECT_SCAN, .seq = sift->above, .count = MS_SCAN_BYTES});
}

/* The last EPOCH is that of the reign which wrote last: it is the first record of a reign, and never void within it. */
static enum ms_sift_outcome look(struct ms_sift *sift, struct ms_bytes entries)
{
    struct ms_record_room room;
    struct ms_record record;
    struct ms_entry entry;

    if (entries.size == 0) {
        sift->state = MS_SIFT_IDLE;
        return MS_SIFT_DONE;
    }
    while (entries.size > 0) {
        if (!ms_record_next(&entries, &entry) || entry.seq <= sift->above) {
            return MS_SIFT_BROKEN;
        }
        sift->above = sift->last = entry.seq;
        if (entry.kind == MS_RECORD_EPOCH) {
            if (ms_record_read(&entry, &room, &record) != MS_E_OK) {
                return MS_SIFT_BROKEN;
            }
            sift->reign = record.token.epoch;
        }
    }
    return MS_SIFT_MORE;
}

static enum ms_sift_outcome sift_out(struct ms_sift *sift, struct ms_bytes entries)
{
    bool is_end = entries.size == 0;
    struct ms_entry entry;

    while (entries.size > 0 && !is_end &&
           sizeof sift->erases - sift->erases_size >= MS_RECORD_HEADER_SIZE) {
        if (!ms_record_next(&entries, &entry) || entry.seq <= sift->above) {
            return MS_SIFT_BROKEN;
        }
        is_end = entry.seq > sift->upto;
        if (is_end) {
            break;
        }
        sift->above = entry.seq;
        if (ms_living_has(&sift->reader, entry.seq)) {
            sift->digest = ms_record_digest(sift->digest, entry.bytes);
        } else {
            ms_record_write_erase(sift->erases + sift->erases_size, entry.seq);
            sift->erases_size += MS_RECORD_HEADER_SIZE;
        }
    }
    if (is_end && sift->erases_size == 0) {
        sift->state = MS_SIFT_IDLE;
        return MS_SIFT_DONE;
    }
    sift->above = is_end ? sift->upto : sift->above;
    return MS_SIFT_MORE;
}

enum ms_sift_outcome ms_sift_scanned(struct ms_sift *sift, const struct ms_event *event)
{
    const struct ms_bytes none = {0};
    const struct ms_bytes entries = event->command != NULL ? event->command->payload : none;
    const enum ms_reading scan = sift->scan;

    ms_assert(scan != MS_READING_NONE);
    sift->scan = MS_READING_NONE;
    sift->erases_size = 0;
    if (scan == MS_READING_VOID) {
        return MS_SIFT_VOID;
    }
    if (event->error != MS_E_OK) {
        return MS_SIFT_BROKEN;
    }
    return sift->state == MS_SIFT_LOOKING ? look(sift, entries) : sift_out(sift, entries);
}
