#include "tests/support/fuzz_store.h"

#include <stdlib.h>

#include "core/invariant.h"
#include "proto/record.h"

struct record {
    struct record *next;
    ms_seq seq;
    size_t size;
    uint8_t bytes[];
};

static struct record *records; /* by number */
static uint8_t *waiting;       /* entries */
static size_t waiting_size;
static ms_seq waiting_seq;

void fuzz_store_write(ms_seq seq, struct ms_bytes entries)
{
    if (entries.size > 0) {
        waiting = realloc(waiting, waiting_size + entries.size);
        ms_assert(waiting != NULL);
        memcpy(waiting + waiting_size, entries.data, entries.size);
        ms_record_seal(waiting + waiting_size, entries.size);
        waiting_size += entries.size;
    }
    waiting_seq = seq;
}

/* Where the record is, or would be. */
static struct record **place_of(ms_seq seq)
{
    struct record **place = &records;

    while (*place != NULL && (*place)->seq < seq) {
        place = &(*place)->next;
    }
    return place;
}

static void apply(const struct ms_entry *entry)
{
    struct record **place = place_of(entry->seq);
    struct record *found = *place != NULL && (*place)->seq == entry->seq ? *place : NULL;

    if (entry->kind == MS_RECORD_ERASE) {
        if (found != NULL) {
            *place = found->next;
            free(found);
        }
        return;
    }
    ms_assert(found == NULL); /* no number is used twice */
    struct record *record = malloc(sizeof *record + entry->bytes.size);
    ms_assert(record != NULL);
    record->next = *place;
    record->seq = entry->seq;
    record->size = entry->bytes.size;
    memcpy(record->bytes, entry->bytes.data, entry->bytes.size);
    *place = record;
}

ms_seq fuzz_store_commit(void)
{
    struct ms_bytes entries = {waiting, waiting_size};
    struct ms_entry entry;
    const ms_seq seq = waiting_seq;

    while (ms_record_next(&entries, &entry)) {
        apply(&entry);
    }
    ms_assert(entries.size == 0);
    fuzz_store_lose();
    return seq;
}

void fuzz_store_lose(void)
{
    free(waiting);
    waiting = NULL;
    waiting_size = 0;
    waiting_seq = 0;
}

void fuzz_store_each(void (*fn)(void *context, struct ms_bytes entry), void *context)
{
    for (const struct record *record = records; record != NULL; record = record->next) {
        fn(context, (struct ms_bytes){record->bytes, record->size});
    }
}

void fuzz_store_clear(void)
{
    fuzz_store_lose();
    while (records != NULL) {
        struct record *next = records->next;
        free(records);
        records = next;
    }
}
